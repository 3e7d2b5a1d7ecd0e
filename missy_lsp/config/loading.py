"""From files and editor settings to one configuration: defaults, user, workspace, editor; later wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import attrs

from missy_lsp.config.checking import Layer, LayerKind, check_layer
from missy_lsp.config.files import FileFault, read_config_file
from missy_lsp.config.locations import Locations, is_same_place
from missy_lsp.config.merging import lay_over
from missy_lsp.config.nodes import Place, from_json
from missy_lsp.config.problems import Problem, shown
from missy_lsp.config.trust import TrustStore
from missy_lsp.config.values import Config
from missy_lsp.config.yaml_reading import YamlFault, read_yaml

SourceState = Literal["used", "absent", "bad", "untrusted", "same_as_user"]


@attrs.frozen
class Source:
    """One place that was looked at for settings, and what became of it."""

    kind: LayerKind
    path: Path | None
    state: SourceState


@attrs.frozen
class Loaded:
    """A reading: `config` is None where the user's file is bad; then the caller keeps its last good one.

    `workspace_is_bad` tells that the workspace file was left out of `config` because of its faults; a
    caller that had a good one keeps that.
    """

    config: Config | None
    problems: tuple[Problem, ...]
    sources: tuple[Source, ...]
    layers: tuple[Layer, ...] = ()

    @property
    def workspace_is_bad(self) -> bool:
        return any(source.kind == "workspace" and source.state == "bad" for source in self.sources)


def load(
    locations: Locations,
    folder: Path | None = None,
    editor_settings: object = None,
    trusted: bool | None = None,
    last_workspace: Layer | None = None,
    unsaved: Mapping[Path, bytes] | None = None,
) -> Loaded:
    """Read everything that counts for a folder.

    `trusted` overrides the trust store. `last_workspace` is the layer that stands in for a trusted workspace
    file that has become bad; without one, a bad file counts as absent. `unsaved` has what an editor shows of
    files in place of what they hold: for telling its problems, never for a configuration that takes effect.
    """
    config = Config()
    user, user_problems, state = read_layer(locations.user_file, "user", None, unsaved)
    if state == "absent" and locations.user_file_named:
        state, user_problems = "bad", (_at_start(locations.user_file, "there is no such file"),)
    sources = [Source("user", locations.user_file, state)]
    problems = list(user_problems)
    layers = [user]
    if folder is not None:
        workspace, workspace_problems, source = _workspace(locations, folder, trusted, last_workspace, unsaved)
        sources.append(source)
        problems += workspace_problems
        layers.append(workspace)
    editor, editor_problems = check_editor_settings(editor_settings)
    problems += editor_problems
    layers.append(editor)
    for layer in layers:
        config, found = lay_over(config, layer)
        problems += found
    problems += _provider_problems(config, layers)
    return Loaded(None if state == "bad" else config, tuple(problems), tuple(sources), tuple(layers))


def read_layer(
    path: Path, kind: LayerKind, within: Path | None, unsaved: Mapping[Path, bytes] | None = None
) -> tuple[Layer, tuple[Problem, ...], SourceState]:
    """Read and check one file; with a syntax fault, or in a user's file with any error, it is `bad`."""
    try:
        data = _data(path, within, unsaved)
    except FileFault as fault:
        return Layer(kind, path), (_at_start(path, str(fault)),), "bad"
    return (Layer(kind, path), (), "absent") if data is None else _check_bytes(data, path, kind)


def _data(path: Path, within: Path | None, unsaved: Mapping[Path, bytes] | None) -> bytes | None:
    return unsaved[path] if unsaved and path in unsaved else read_config_file(path, within)


def _check_bytes(data: bytes, path: Path, kind: LayerKind) -> tuple[Layer, tuple[Problem, ...], SourceState]:
    empty = Layer(kind, path)
    try:
        root = read_yaml(data)
    except YamlFault as fault:
        return empty, (_problem(path, fault.place, fault.message),), "bad"
    layer, problems = check_layer(root, kind, path)
    faults = [problem for problem in problems if problem.severity == "error" and problem.code != "not-allowed"]
    return (empty if faults else layer), problems, "bad" if faults else "used"


def check_editor_settings(settings: object) -> tuple[Layer, tuple[Problem, ...]]:
    """Check what an editor sent as its section `missy`; any other shape than an object counts as nothing."""
    if settings is None or settings == {}:
        return Layer("editor"), ()
    root = from_json(settings)
    if root is None:
        fault = Problem(None, 0, 0, 0, 0, "warning", "type", "these are too large or no settings; they are not used")
        return Layer("editor"), (fault,)
    layer, problems = check_layer(root, "editor", None)
    return layer, tuple(attrs.evolve(problem, severity="warning") for problem in problems)


def _workspace(
    locations: Locations,
    folder: Path,
    trusted: bool | None,
    last_good: Layer | None,
    unsaved: Mapping[Path, bytes] | None,
) -> tuple[Layer, tuple[Problem, ...], Source]:
    path = locations.workspace_file(folder)
    nothing = Layer("workspace", path)
    if is_same_place(path, locations.user_file):
        return nothing, (), Source("workspace", path, "same_as_user")
    try:
        data = _data(path, folder, unsaved)
    except FileFault as fault:
        return nothing, (_at_start(path, str(fault)),), Source("workspace", path, "bad")
    if data is None:
        return nothing, (), Source("workspace", path, "absent")
    if trusted is None:
        # Trust is decided on the very bytes that are read here, not on what the file holds a moment later.
        trusted = TrustStore(locations.trust_file).state(folder, {path: data}) == "trusted"
    layer, problems, state = _check_bytes(data, path, "workspace")
    if not trusted:
        # What the file may not set is told before the question of trust comes up; nothing of it is taken.
        return nothing, problems, Source("workspace", path, "untrusted" if state == "used" else state)
    if state == "bad" and last_good is not None:
        layer = last_good
    return layer, problems, Source("workspace", path, state)


def _provider_problems(config: Config, layers: list[Layer]) -> Iterator[Problem]:
    """Tell of providers that are to serve and are not configured."""
    named = {"default_provider": [config.default_provider], "folders": list(config.folders.values())}
    for name, providers in named.items():
        said = [(layer, layer.top[name].place) for layer in layers if name in layer.top]
        missing = next((found for found in providers if found not in (*config.providers, "offline")), None)
        if missing is None or not said:
            continue
        layer, place = said[-1]
        message = f"{name}: {shown(missing)} is not under `providers`, where there are: {', '.join(config.providers)}"
        yield attrs.evolve(_problem(layer.path, place, message), severity="warning", code="unknown-provider")


def _at_start(path: Path, message: str) -> Problem:
    return _problem(path, Place(0, 0, 0, 1), message)


def _problem(path: Path | None, place: Place, message: str) -> Problem:
    return Problem(path, place.line, place.column, place.end_line, place.end_column, "error", "unreadable", message)
