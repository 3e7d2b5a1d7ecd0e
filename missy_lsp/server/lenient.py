"""Turn a client's parameters into the protocol's types: strict where a value matters, lenient where a client is newer.

Out of the box one unknown enum value (Visual Studio sends such) makes `initialize` fail, so that the server never
starts, while a number is taken for a URI without a word.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs
import cattrs
from lsprotocol import types
from pygls.protocol import default_converter

from missy_lsp.errors import UsageError

_MALFORMED = (
    *(cattrs.BaseValidationError, LookupError, TypeError, ValueError),
    *(AttributeError, ArithmeticError, RecursionError),
)
_MOST_ROUNDS = 64
# A part of the parameters, from the outside in; names as on the wire.
_Path = tuple[str | int, ...]


def new_converter() -> cattrs.Converter:
    """Return pygls' converter with our rules for plain values, unknown enum values and what clients leave out."""
    converter: cattrs.Converter = default_converter()  # type: ignore[no-untyped-call]
    # A hook counts for the subclasses too: the protocol's enums are numbers or strings.
    for kind, check in ((bool, _boolean), (int, _integer), (str, _string)):
        converter.register_structure_hook(kind, _or_enum(check))
    for open_enum in (types.CodeActionKind, types.FoldingRangeKind, types.LanguageKind, types.PositionEncodingKind):
        converter.register_structure_hook(open_enum | str, lambda value, _: _string(value))
    converter.register_structure_hook(types.ProgressToken, lambda value, _: _token(value))
    converter.register_structure_hook(
        types.ProgressToken | None, lambda value, _: None if value is None else _token(value)
    )
    # lsp-mode sends folders without a name.
    _fill_in(converter, types.WorkspaceFolder, lambda given: _with_readable_uri({"name": "", **given}))
    _fill_in(converter, types.TextDocumentIdentifier, _with_readable_uri)
    _fill_in(converter, types.VersionedTextDocumentIdentifier, _with_version)
    _fill_in(converter, types.TextDocumentItem, lambda given: _with_version({"languageId": "", **given}))
    _fill_in(converter, types.DidChangeConfigurationParams, lambda given: {"settings": None, **given})
    _fill_in(converter, types.CodeActionContext, lambda given: {**given, "diagnostics": given.get("diagnostics") or ()})
    converter.register_structure_hook(
        types.TextDocumentContentChangePartial | types.TextDocumentContentChangeWholeDocument, _change_hook(converter)
    )
    return converter


def structure_params(converter: cattrs.Converter, method: str, params: object) -> Any:
    """Structure the parameters of a method that the protocol knows; absent ones are taken as empty ones.

    Raises UsageError that names the place of what is malformed. `initialize` is taken without its malformed parts.
    """
    message = types.METHOD_TO_TYPES[method][0]
    kind = attrs.fields_dict(message)["params"].type
    if kind is None or not attrs.has(kind):
        return None  # shutdown and exit have none
    if params is None and kind is not types.InitializeParams:
        params = {}
    if not isinstance(params, dict):
        raise UsageError(f"the parameters of {method} are not an object")
    if kind is types.InitializeParams:
        return _structure_without_malformed(converter, method, params)
    try:
        return converter.structure(params, kind)
    except _MALFORMED as error:
        raise UsageError(_sentence(method, error)) from error


def _structure_without_malformed(converter: cattrs.Converter, method: str, params: dict[str, Any]) -> Any:
    if params.get("capabilities") is None:
        params["capabilities"] = {}
    if not isinstance(params["capabilities"], dict):
        raise UsageError(f"the parameters of {method} are malformed at capabilities")
    if not _is_readable(params.get("rootUri")):
        params["rootUri"] = None
    for _ in range(_MOST_ROUNDS):
        try:
            return converter.structure(params, types.InitializeParams)
        except _MALFORMED as error:
            places = list(_places(error))
            if () in places:
                raise UsageError(_sentence(method, error)) from error
            _remove(params, places)
    raise UsageError(f"the parameters of {method} are malformed")


def _remove(params: dict[str, Any], places: list[_Path]) -> None:
    """Take out what stands at the places; where it is missing, take out the object that needs it."""
    found = [_holder(params, place) for place in places]  # all of them first: what is taken out moves what follows
    indices: dict[int, tuple[list[Any], set[int]]] = {}
    for holder, step in found:
        if isinstance(holder, dict):
            holder.pop(step, None)
        else:
            indices.setdefault(id(holder), (holder, set()))[1].add(int(step))
    for items, removed in indices.values():
        items[:] = [item for index, item in enumerate(items) if index not in removed]


def _holder(params: dict[str, Any], place: _Path) -> tuple[Any, str | int]:
    around: Any = params
    last: tuple[Any, str | int] = (params, place[0])
    for step in place:
        known = step in around if isinstance(around, dict) else isinstance(around, list) and step in range(len(around))
        if not known:
            break
        last = (around, step)
        around = around[step]
    return last


def _places(error: BaseException, around: _Path = ()) -> Iterator[_Path]:
    """Yield the place of everything that cattrs found malformed."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, cattrs.AttributeValidationNote):
            around = (*around, _name_on_the_wire(note.name))
        elif isinstance(note, cattrs.IterableValidationNote):
            around = (*around, note.index)
    if isinstance(error, cattrs.BaseValidationError):
        for inner in error.exceptions:
            yield from _places(inner, around)
    else:
        yield around


def _name_on_the_wire(name: str) -> str:
    first, *others = name.removesuffix("_").split("_")
    return first + "".join(word.title() for word in others)


def _sentence(method: str, error: BaseException) -> str:
    place = next(_places(error), ())
    at = f" at {'.'.join(str(step) for step in place)}" if place else ""
    return f"the parameters of {method} are malformed{at}"


# --- rules for values ----------------------------------------------------------------------------


def _or_enum(check: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def structure(value: Any, kind: Any) -> Any:
        if not issubclass(kind, enum.Enum):
            return check(value)
        try:
            return kind(value)
        except ValueError:
            # From a later version of the protocol: kept as it is, and nobody knows it.
            return _integer(value) if issubclass(kind, int) else _string(value)

    return structure


def _boolean(value: Any) -> bool:
    if value in (True, False):
        return bool(value)
    raise TypeError("a boolean is expected")


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise TypeError("an integer is expected")
    return int(value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a string is expected")
    return value


def _token(value: Any) -> str | int:
    return value if isinstance(value, str) else _integer(value)


# --- what clients leave out ------------------------------------------------------------------------


def _fill_in(converter: cattrs.Converter, kind: type, complete: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    structure = converter.get_structure_hook(kind)

    def fill_in(given: Any, _: Any) -> Any:
        return structure(complete(given) if isinstance(given, dict) else given, kind)

    converter.register_structure_hook(kind, fill_in)


def _with_version(given: dict[str, Any]) -> dict[str, Any]:
    return _with_readable_uri({**given, "version": 0} if given.get("version") is None else given)


def _with_readable_uri(given: dict[str, Any]) -> dict[str, Any]:
    if not _is_readable(given.get("uri")):
        raise ValueError("a URI is expected")
    return given


def _is_readable(uri: object) -> bool:
    """Tell whether a URI can be taken apart; libraries raise at such as `http://[::1`, and at a NUL in a path."""
    if not isinstance(uri, str) or "\0" in unquote(uri):
        return False
    try:
        urlsplit(uri)
    except ValueError:
        return False
    return True


def _change_hook(converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    def structure(given: Any, _: Any) -> Any:
        ranged = isinstance(given, dict) and given.get("range") is not None
        kind = types.TextDocumentContentChangePartial if ranged else types.TextDocumentContentChangeWholeDocument
        return converter.structure(given, kind)

    return structure
