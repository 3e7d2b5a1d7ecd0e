"""Look for a key in everything that a run left behind, in every form that it could have there (security.md, KEY-01).

Independent of the code that hides keys: this is what that code is judged by.
"""

from __future__ import annotations

import base64
import codecs
import contextlib
import html
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import attrs

Artefact = Path | bytes | str

HEAD = 12
TAIL = 8
_WINDOW = 12
_PUBLIC_PREFIX = re.compile(r"sk-ant-(?:[a-z]+[0-9]+-)?")
_WRAPPING = re.compile(rb"[\s\"'+\\|,]+")


@attrs.frozen
class Hit:
    """Where a key was found and in which form; never the key."""

    artefact: str
    form: str
    offset: int

    def __str__(self) -> str:
        return f"{self.artefact}: {self.form} at {self.offset}"


def forms(key: str) -> dict[str, bytes]:
    """Return what to search for, by its name. The key needs 12 characters of its own behind its public prefix."""
    own = _PUBLIC_PREFIX.sub("", key)
    assert len(own) >= HEAD, "a canary needs twelve characters behind sk-ant-api03-, or its first twelve say nothing"
    data = key.encode()
    found = {
        "plain": data,
        "reversed": data[::-1],
        "first 12": own[:HEAD].encode(),
        "last 8": key[-TAIL:].encode(),
        "first half": data[: len(data) // 2],
        "last half": data[len(data) // 2 :],
        "URL-encoded": quote(key, safe="").encode(),
        "URL-encoded form": quote_plus(key).encode(),
        "percent-encoded": "".join(f"%{byte:02x}" for byte in data).encode(),
        "JSON": json.dumps(key)[1:-1].encode(),
        "JSON escapes": "".join(f"\\u{byte:04x}" for byte in data).encode(),
        "HTML": html.escape(key).encode(),
        "HTML references": "".join(f"&#{byte};" for byte in data).encode(),
        "hexadecimal": data.hex().encode(),
        "hexadecimal, spaced": data.hex(" ").encode(),
        "hexadecimal escapes": "".join(f"\\x{byte:02x}" for byte in data).encode(),
        "decimal bytes": ", ".join(str(byte) for byte in data).encode(),
        "rot13": codecs.encode(key, "rot13").encode(),
        "UTF-16": key.encode("utf-16-le"),
        "UTF-16 big-endian": key.encode("utf-16-be"),
        "base32": base64.b32encode(data).rstrip(b"="),
    }
    for shift in range(3):
        # At this place of a longer encoded text; what depends on its neighbours is left off at both ends.
        encoded = base64.b64encode(b"." * shift + data)
        part = encoded[-(-8 * shift // 6) : 8 * (shift + len(data)) // 6]
        found[f"base64, shifted by {shift}"] = part
        found[f"base64 for URLs, shifted by {shift}"] = part.translate(bytes.maketrans(b"+/", b"-_"))
    for start in range(len(own) - _WINDOW + 1):
        found[f"characters {start} to {start + _WINDOW}"] = own[start : start + _WINDOW].encode()
    return found


def hits(key: str, artefacts: Iterable[Artefact]) -> list[Hit]:
    """Return every place; a folder is searched with all below it, and the names of its files too."""
    sought = forms(key)
    return [hit for name, data in _contents(artefacts) for hit in _hits_in(name, data, sought)]


def assert_absent(key: str, artefacts: Iterable[Artefact]) -> None:
    """Fail with the places, without the key, where one of the artefacts holds it."""
    found = hits(key, artefacts)
    assert not found, "the canary key was found in\n" + "\n".join(str(hit) for hit in found[:20])


def process_artefacts(pid: int) -> list[bytes]:
    """Return the arguments and the environment of a running process, where the system shows them to its user."""
    if sys.platform != "linux":
        return []
    return [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]


def _hits_in(name: str, data: bytes, sought: dict[str, bytes]) -> Iterator[Hit]:
    lowered = data.lower()
    # A long line may have been wrapped, or written as literals that are put together.
    joined = _WRAPPING.sub(b"", data)
    for form, value in sought.items():
        if (at := data.find(value)) >= 0:
            yield Hit(name, form, at)
        elif len(value) >= HEAD and (at := lowered.find(value.lower())) >= 0:
            yield Hit(name, f"{form} in another case", at)
        elif len(value) >= 16 and (at := joined.find(_WRAPPING.sub(b"", value))) >= 0:
            yield Hit(name, f"{form}, wrapped", at)


def _contents(artefacts: Iterable[Artefact]) -> Iterator[tuple[str, bytes]]:
    for number, artefact in enumerate(artefacts):
        match artefact:
            case bytes():
                yield f"artefact {number}", artefact
            case str():
                yield f"artefact {number}", artefact.encode("utf-8", "surrogatepass")
            case Path() if artefact.is_dir() and not artefact.is_symlink():
                for folder, folders, files in os.walk(artefact):
                    here = Path(folder)
                    for name in (*folders, *files):
                        yield f"the name of a file in {here}", os.fsencode(name)
                    yield from _contents([here / name for name in files])
            case Path() if artefact.is_symlink():
                yield f"the link {artefact.name}", os.fsencode(os.readlink(artefact))
            case Path() if artefact.is_file():
                with contextlib.suppress(FileNotFoundError):  # a running server's own, such as a database's journal
                    yield str(artefact), artefact.read_bytes()
            case _:
                pass  # a socket, a pipe: nothing stays in them
