"""What providers told of their models when they were asked (`missy models --refresh`): kept in one file, by address.

Prices are never taken from there, and nothing is taken that is out of bounds: a gateway may say anything.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import attrs

from missy_lsp.config.files import write_atomically
from missy_lsp.config.values import EFFORTS, ProviderConfig
from missy_lsp.errors import MissyError
from missy_lsp.llm.catalogue import Catalogue, ModelFacts, ModelStatus
from missy_lsp.llm.destinations import origin_of

logger = logging.getLogger(__name__)

MOST_MODELS = 500
MOST_ID_CHARACTERS = 200
MOST_FILE_BYTES = 4 * 1024 * 1024
_MOST_TOKENS = 100_000_000
_MOST_ADDRESSES = 50
_ENDINGS: Mapping[str, ModelStatus] = {"deprecated": "deprecated", "retired": "retired"}
_LIFECYCLES = ("active", *_ENDINGS)


@attrs.frozen
class ToldModel:
    """What a provider told of one model; None is what it did not tell. Sizes in tokens, `retires` an ISO date."""

    id: str
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    efforts: tuple[str, ...] | None = None
    structured_outputs: bool | None = None
    lifecycle: str | None = None
    retires: str | None = None

    def over(self, facts: ModelFacts) -> ModelFacts:
        """Return the facts with what was told in place of what they held."""
        efforts = facts.efforts if self.efforts is None else self.efforts
        structured = facts.structured_outputs if self.structured_outputs is None else self.structured_outputs
        changed = attrs.evolve(
            facts,
            context_tokens=self.context_tokens or facts.context_tokens,
            max_output_tokens=self.max_output_tokens or facts.max_output_tokens,
            efforts=efforts,
            effort_default=facts.effort_default if facts.effort_default in efforts else None,
            structured_outputs=structured,
            status=_ENDINGS.get(self.lifecycle or "", facts.status),
        )
        return changed if self.lifecycle is None else attrs.evolve(changed, retires=self.retires)


def told_model(entry: object) -> ToldModel | None:
    """Read one model as `GET /v1/models` describes it; None for what has no usable id."""
    if not isinstance(entry, dict):
        return None
    model_id = entry.get("id")
    if not isinstance(model_id, str) or not 0 < len(model_id) <= MOST_ID_CHARACTERS or not model_id.isprintable():
        return None
    capabilities = entry.get("capabilities")
    capabilities = capabilities if isinstance(capabilities, dict) else {}
    lifecycle = entry.get("lifecycle")
    return ToldModel(
        model_id,
        _tokens(entry.get("max_input_tokens")),
        _tokens(entry.get("max_tokens")),
        _efforts(capabilities.get("effort")),
        _supported(capabilities.get("structured_outputs")),
        lifecycle if lifecycle in _LIFECYCLES else None,
        _day(entry.get("retires_at")),
    )


class ToldCatalogues:
    """The catalogue with what each address told, as the file says at the moment; as installed without a file."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self.installed = Catalogue.load()
        self._stamp: tuple[int, int] | None = None
        self._by_address: dict[str, Catalogue] = {}

    def of(self, provider: ProviderConfig) -> Catalogue:
        """Return what is known of the models at a provider's address."""
        if self._file is None:
            return self.installed
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_size)
        except OSError:
            stamp = None
        if stamp != self._stamp:
            told = {} if stamp is None else ToldModels(self._file).read()
            self._by_address = {address: overlaid(self.installed, models) for address, models in told.items()}
            self._stamp = stamp
        return self._by_address.get(origin_of(provider), self.installed) if self._by_address else self.installed


def overlaid(catalogue: Catalogue, told: Iterable[ToldModel]) -> Catalogue:
    """Return the catalogue with what was told; a model that it does not know keeps the most careful price.

    Of several spellings of one model the catalogue's own counts for it, else the last in their order: the latest date.
    A spelling of which something else was told stands beside it.
    """
    models = dict(catalogue.models)
    spellings: dict[str, list[ToldModel]] = {}
    for model in told:
        spellings.setdefault(catalogue.facts(model.id).id, []).append(model)
    for known_id, named in spellings.items():
        facts = catalogue.facts(known_id)
        *others, first = sorted(named, key=lambda model: (model.id == known_id, model.id))
        models[known_id] = first.over(facts)
        for model in others:
            own = model.over(facts)
            if model.id != known_id and own != models[known_id]:
                models[model.id] = attrs.evolve(own, id=model.id)
    return attrs.evolve(catalogue, models=models)


class ToldModels:
    """The file; a spoilt one is ignored with a warning."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> Mapping[str, tuple[ToldModel, ...]]:
        """Return what each address told, the one that was asked last at the end."""
        try:
            with self._file.open("rb") as file:
                data = file.read(MOST_FILE_BYTES + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            logger.warning("%s can't be read: %s", self._file, error.strerror)
            return {}
        try:
            if len(data) > MOST_FILE_BYTES:
                raise ValueError("too large")
            found = json.loads(data)["addresses"]
            return {str(address): _entries(entries) for address, entries in found.items()}
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            logger.warning("%s is damaged and not used. Write it anew: missy models --refresh", self._file)
            return {}

    def keep(self, address: str, entries: list[object]) -> tuple[ToldModel, ...]:
        """Keep what an address told. Raises MissyError where there is nothing usable in it, or no room for it."""
        told = _entries(entries)
        if not told:
            raise MissyError(f"{address} named no model that can be used.")
        by_address = {known: models for known, models in self.read().items() if known != address}
        by_address = dict([*by_address.items(), (address, told)][-_MOST_ADDRESSES:])
        raw = {known: [_entry_of(model) for model in models] for known, models in by_address.items()}
        try:
            write_atomically(self._file, json.dumps({"addresses": raw}, indent=1).encode("ascii"))
        except OSError as error:
            raise MissyError(f"{self._file} can't be written: {error.strerror}.") from None
        return told


def _entries(entries: object) -> tuple[ToldModel, ...]:
    if not isinstance(entries, list):
        raise TypeError("no list of models")
    return tuple(model for entry in entries[:MOST_MODELS] if (model := told_model(entry)) is not None)


def _entry_of(model: ToldModel) -> dict[str, object]:
    """Write a model as the API does, so that it is read as strictly when it comes back."""
    capabilities: dict[str, object] = {}
    if model.efforts is not None:
        supported = {effort: {"supported": True} for effort in model.efforts}
        capabilities["effort"] = {"supported": bool(supported), **supported}
    if model.structured_outputs is not None:
        capabilities["structured_outputs"] = {"supported": model.structured_outputs}
    return {
        "id": model.id,
        "max_input_tokens": model.context_tokens,
        "max_tokens": model.max_output_tokens,
        "capabilities": capabilities,
        "lifecycle": model.lifecycle,
        "retires_at": model.retires,
    }


def _tokens(value: object) -> int | None:
    return value if type(value) is int and 0 < value <= _MOST_TOKENS else None


def _supported(value: object) -> bool | None:
    supported = value.get("supported") if isinstance(value, dict) else None
    return supported if isinstance(supported, bool) else None


def _efforts(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, dict) or _supported(value) is None:
        return None
    return tuple(effort for effort in EFFORTS if value["supported"] and _supported(value.get(effort)))


def _day(value: object) -> str | None:
    """Return the date of a time as the API writes it, None where it is none."""
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        return None
