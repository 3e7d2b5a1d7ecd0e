"""Write into the user's file which provider serves, everywhere or in one folder; comments and layout stay."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from missy_lsp.cli.setting import Setting, current_folder
from missy_lsp.config.checking import check_layer
from missy_lsp.config.files import FileFault, read_config_file, write_atomically
from missy_lsp.config.folder_providers import at_place, real_folder
from missy_lsp.config.loading import load
from missy_lsp.config.nodes import MapNode, Node, ScalarNode
from missy_lsp.config.values import Config
from missy_lsp.config.yaml_reading import YamlFault, read_yaml
from missy_lsp.errors import ConfigError, MissyError, UsageError

_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_PLAIN_FOLDER = re.compile(r"~?/[A-Za-z0-9_./-]*[A-Za-z0-9_/-]")


def switch(setting: Setting, name: str) -> None:
    """Make a provider the default. Raises UsageError for one that is not configured."""
    served = _rewrite(setting, name, lambda text: with_default_provider(text, name)).folder_provider
    if served is not None and served != name:
        setting.output.note(f"{served} still serves here, by `folders`; to change that, add --here", "yellow")


def switch_here(setting: Setting, name: str) -> None:
    """Let a provider serve in the workspace, else in the current folder. Raises UsageError as `switch` does."""
    home = Path(os.path.realpath(setting.locations.home))
    folder = Path(os.path.realpath(setting.folder()))
    inside = folder != home and folder.is_relative_to(home)
    shown = f"~/{folder.relative_to(home).as_posix()}" if inside else str(folder)
    _rewrite(setting, name, lambda text: with_folder_provider(text, shown, name, setting.locations.home))


def with_default_provider(text: str, name: str) -> str:
    """Return a configuration file's text with another `default_provider`, the rest untouched."""
    changed = _with_default(text, _root(text), _scalar(name, _PLAIN_NAME))
    if changed is None or _setting(changed, "default_provider") != name:
        raise ConfigError(f"The layout of your file can't be kept; write it yourself: default_provider: {name}")
    return changed


def with_folder_provider(text: str, folder: str, name: str, home: Path) -> str:
    """Return a configuration file's text with another provider for a folder, the rest untouched."""
    before = _setting(text, "folders")
    known = dict(before) if isinstance(before, dict) else {}
    place = real_folder(home, folder)
    folder = next((written for written in known if real_folder(home, written) == place), folder)
    changed = _with_entry(text, _root(text), folder, _scalar(name, _PLAIN_NAME))
    if changed is None or _setting(changed, "folders") != {**known, folder: name}:
        raise ConfigError(
            f"The layout of your file can't be kept; write it yourself, below `folders:`: {json.dumps(folder)}: {name}"
        )
    return changed


def _rewrite(setting: Setting, name: str, change: Callable[[str], str]) -> Config:
    """Change the user's file; return the configuration that named the providers."""
    path = setting.locations.user_file
    config = _config(setting, path, change)
    if name not in config.providers:
        known = ", ".join(config.providers)
        raise UsageError(f"{name} is not a provider of your configuration; it has {known}.")
    try:
        write_atomically(Path(os.path.realpath(path)), _changed(path, change))
    except FileFault as fault:
        raise ConfigError(f"{path}: {fault}") from None
    except OSError as error:
        raise MissyError(f"{path} can't be written: {error.strerror}.") from None
    return config


def _config(setting: Setting, path: Path, change: Callable[[str], str]) -> Config:
    """Return the configuration, of a file whose only fault is what is to be changed as it will be then."""
    try:
        return setting.config()
    except ConfigError as fault:
        try:
            loaded = load(setting.locations, setting.workspace, unsaved={path: _changed(path, change)})
        except (FileFault, MissyError, OSError):
            raise fault from None
        if loaded.config is None:
            raise
        return at_place(loaded.config, setting.locations.home, setting.workspace or current_folder())


def _changed(path: Path, change: Callable[[str], str]) -> bytes:
    data = read_config_file(path) or b""
    return change(data.decode("utf-8-sig")).encode()


def _root(text: str) -> Node | None:
    try:
        return read_yaml(text.encode())
    except YamlFault as fault:
        raise ConfigError(fault.message) from None


def _with_default(text: str, root: Node | None, value: str) -> str | None:
    """Put the value in the place of the old one, else on a line of its own above the first entry."""
    if _is_empty(root):
        return f"{_ended(text)}default_provider: {value}\n"
    if not isinstance(root, MapNode) or not root.entries:
        return None
    old = _entry(root, "default_provider")
    if old is not None:
        return _set(text, *old, value)
    at = root.entries[0][0].place.line
    if root.entries[0][0].value == "config_version" and root.entries[0][1].place.line == at and len(root.entries) > 1:
        at = root.entries[1][0].place.line
    return _inserted(text, at, f"default_provider: {value}")


def _with_entry(text: str, root: Node | None, folder: str, value: str) -> str | None:
    """Put the value in the place of the folder's old one, else on a line of its own above the other folders."""
    line = f"{_scalar(folder, _PLAIN_FOLDER)}: {value}"
    map_of_folders = _entry(root, "folders") if isinstance(root, MapNode) else None
    if map_of_folders is None:
        return f"{_ended(text)}folders:\n  {line}\n"
    key, node = map_of_folders
    if _is_empty(node) or (isinstance(node, MapNode) and not node.entries):
        bare = _emptied(text, node)  # `~` and `{}` would not stand before entries
        return None if bare is None else _inserted(bare, key.place.line + 1, f"{' ' * key.place.column}  {line}")
    if not isinstance(node, MapNode) or not node.entries:
        return None
    old = _entry(node, folder)
    if old is not None:
        return _replaced(text, old[1], value)
    first = node.entries[0][0].place
    return _inserted(text, first.line, f"{' ' * first.column}{line}")


def _entry(node: MapNode, name: str) -> tuple[ScalarNode, Node] | None:
    return next(((key, value) for key, value in node.entries if key.value == name), None)


def _is_empty(node: Node | None) -> bool:
    return node is None or (isinstance(node, ScalarNode) and not node.value)


def _set(text: str, key: ScalarNode, node: Node, value: str) -> str | None:
    """Put a value in the place of a key's old one, behind the colon where there is none."""
    if not _has_no_text(text, node):
        return _replaced(text, node, value)
    lines = _lines(text)
    line, at = lines[key.place.line], key.place.end_column
    colon = line.find(":", at)
    if colon < 0 or line[at:colon].strip():
        return None
    lines[key.place.line] = f"{line[: colon + 1]} {value}{line[colon + 1 :]}"
    return "".join(lines)


def _replaced(text: str, node: Node, value: str) -> str | None:
    place = node.place
    if not isinstance(node, ScalarNode) or place.line != place.end_line:
        return None
    lines = _lines(text)
    line = lines[place.line]
    lines[place.line] = line[: place.column] + value + line[place.end_column :]
    return "".join(lines)


def _emptied(text: str, node: Node) -> str | None:
    """Take a value out of its line; None where it has several."""
    place = node.place
    if _has_no_text(text, node):
        return text
    if place.line != place.end_line:
        return None
    lines = _lines(text)
    line = lines[place.line]
    lines[place.line] = line[: place.column].rstrip() + line[place.end_column :]
    return "".join(lines)


def _has_no_text(text: str, node: Node) -> bool:
    """Tell whether a value is left out; its place is then the column behind the colon."""
    if not isinstance(node, ScalarNode) or node.value is not None:
        return False
    place = node.place
    return not _lines(text)[place.line][place.column : place.end_column].strip()


def _inserted(text: str, at: int, line: str) -> str:
    lines = _lines(_ended(text) if at else text)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    return "".join([*lines[:at], f"{line}{end}", *lines[at:]])


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)  # U+0085, U+2028 and U+2029 end a line in YAML too


def _ended(text: str) -> str:
    return text if not text or text.endswith(("\n", "\r")) else f"{text}\n"


def _setting(text: str, name: str) -> object:
    try:
        layer, _ = check_layer(read_yaml(text.encode()), "user", None)
    except YamlFault:
        return None
    return layer.top[name].value if name in layer.top else None


def _scalar(text: str, plain: re.Pattern[str]) -> str:
    is_plain = plain.fullmatch(text) is not None and text.lower() not in ("true", "false", "null")
    return text if is_plain else json.dumps(text, ensure_ascii=False)
