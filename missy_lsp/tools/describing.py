"""document_symbols and diagnostics: what a file defines, and what is known to be wrong in it."""

from __future__ import annotations

from collections.abc import Sequence

from missy_lsp.syntax.definitions import syntax_faults
from missy_lsp.syntax.symbols import symbols
from missy_lsp.tools.locating import Location
from missy_lsp.tools.outcome import ToolOutcome, shown
from missy_lsp.tools.reading import text_of
from missy_lsp.tools.veil import Veil

MAX_SYMBOLS = 500
_MAX_BYTES = 1024 * 1024
_NOTHING_KNOWN = (
    "The editor has passed on no diagnostics. A language server is not told what other checkers say, but for what an "
    "editor hands over with a request at that place: this is no sign that there are none."
)
_MAY_BE_OLD = "(as the editor passed them on with a request; the code may have changed since)"


def document_symbols(location: Location, open_text: str | None, veil: Veil) -> ToolOutcome | None:
    """Return what a file defines, one a line with its lines, indented by depth; None where there is no such file."""
    text = _text(location, open_text)
    if text is None:
        return None
    name = location.name
    found = symbols(veil.in_place(text[0]), language_of(location), MAX_SYMBOLS + 1)
    lines = [
        f"{'  ' * symbol.depth}{shown(symbol.name)} (lines {symbol.first + 1}-{symbol.last + 1})"
        for symbol in found[:MAX_SYMBOLS]
    ]
    notes = [f"[truncated: only the first {MAX_SYMBOLS} are listed]"] if len(found) > MAX_SYMBOLS else []
    if text[1]:
        notes.append(f"[truncated: only the first {_MAX_BYTES // 1024} KiB were looked at]")
    body = lines or [f"Nothing was found that {name} defines."]
    return ToolOutcome("\n".join([*body, *notes]), False, f"outlined {name}: {len(lines)} symbols")


def diagnostics_of(location: Location, open_text: str | None, said: Sequence[str]) -> ToolOutcome | None:
    """Return what is known to be wrong in a file; None where there is no such file."""
    text = _text(location, open_text)
    if text is None:
        return None
    faults = syntax_faults(text[0], language_of(location))
    parsed = (
        [] if faults is None else [f"A parser finds {faults or 'no'} {'fault' if faults == 1 else 'faults'} in it."]
    )
    told = [*said, _MAY_BE_OLD] if said else [_NOTHING_KNOWN]
    summary = f"looked at the diagnostics of {location.name}: {len(said)}"
    return ToolOutcome("\n".join([f"{location.name}:", *told, *parsed]), False, summary)


def known_diagnostics(known: Sequence[tuple[Location, Sequence[str]]]) -> ToolOutcome:
    """Return what the editor has passed on, file by file."""
    blocks = ["\n".join([f"{location.name}:", *said]) for location, said in known]
    text = "\n".join([*blocks, _MAY_BE_OLD]) if blocks else _NOTHING_KNOWN
    return ToolOutcome(text, False, f"looked at the diagnostics: {len(blocks)} files")


def language_of(location: Location) -> str:
    """Return the language id of a file by the end of its name, which is a name or an alias of most languages."""
    name = location.parts[-1] if location.parts else ""
    return name.rpartition(".")[2].lower()


def _text(location: Location, open_text: str | None) -> tuple[str, bool] | None:
    return (
        (open_text[:_MAX_BYTES], len(open_text) > _MAX_BYTES)
        if open_text is not None
        else text_of(location, _MAX_BYTES)
    )
