"""Which provider serves in a place: the user's own file gives folders to providers, the nearest folder counts.

Nobody else has a say: what lies in such a folder goes to its provider, whatever an editor's settings or a session name
as the default one.
"""

from __future__ import annotations

import os
from pathlib import Path

import attrs

from missy_lsp.config.values import Config


def at_place(config: Config, home: Path, place: Path | None) -> Config:
    """Return the configuration as it holds in a file or a folder; links are followed, on both sides."""
    if not config.folders or place is None:
        return config
    real = _real(place)
    around = {real_folder(home, written): provider for written, provider in config.folders.items()}
    holding = [folder for folder in around if real.is_relative_to(folder)]
    if not holding:
        return config
    provider = around[max(holding, key=lambda folder: len(folder.parts))]
    return attrs.evolve(config, default_provider=provider, folder_provider=provider)


def real_folder(home: Path, written: str) -> Path:
    """Return the folder that a key of `folders` names."""
    path = Path(written)
    return _real(home.joinpath(*path.parts[1:]) if path.parts[:1] == ("~",) else path)


def _real(path: Path) -> Path:
    try:
        return Path(os.path.normcase(os.path.realpath(path)))
    except ValueError:  # a NUL in the URI of a document
        return path
