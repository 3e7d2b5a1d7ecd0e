"""Find the code in a prompt and outline it by patterns that most languages share. Pure and deterministic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import attrs

MAX_ENTRIES = 60
_LONGEST_LINE = 300

_OPEN_TAG = re.compile(r"^\s*<([A-Za-z][\w.:-]*)((?:\s[^<>]*)?)>\s*$")
_CLOSE_TAG = re.compile(r"^\s*</([A-Za-z][\w.:-]*)>\s*$")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*([^`\s]*)")
_LANGUAGE_ATTRIBUTE = re.compile(r"""\b(?:language|lang|languageId)\s*=\s*["']?([\w#+.-]+)""")
_PLACE_ATTRIBUTE = re.compile(r"""\bplace\s*=\s*["']?lines?\s(\d{1,9})""")
_GAP = re.compile(r"^\[lines \d+-(\d{1,9}) [a-z ]+\]$")
_PATH_ATTRIBUTE = re.compile(r"""\b(?:path|file|name|uri)\s*=\s*["']?([^"'\s>]+)""")
# Tags around code, the narrowest first; a name may carry a nonce behind a hyphen.
_CODE_TAGS = ("selection", "selected", "target", "snippet", "code", "file", "document", "source", "material")
_MODIFIERS = (
    r"(?:(?:export|default|public|private|protected|internal|static|async|abstract|final|sealed|pub(?:\([^)]*\))?"
    r"|unsafe|extern|inline|virtual|override|data|open|case|local|partial|readonly)\s+)*"
)
_TYPE = re.compile(
    rf"^\s*{_MODIFIERS}(class|interface|struct|enum|trait|impl|module|namespace|protocol|record|union|contract)\s+"
    r"([^\W\d][\w:.<>]*)"
)
_FUNCTION = re.compile(
    rf"^\s*{_MODIFIERS}(?:\(?(?:def|function\*?|func|fn|fun|sub|proc|procedure|defun|defn|defp|macro_rules!)\s+)"
    r"(?:\([^)]*\)\s*)?([^\W\d][\w.:?!-]*)"
)
_ARROW = re.compile(
    rf"^\s*{_MODIFIERS}(?:const|let|var)\s+([^\W\d][\w$]*)\s*(?::[^=]+)?=\s*(?:async\s*)?(?:\(|[\w$]+\s*=>)"
)
_SHELL_FUNCTION = re.compile(r"^\s*([^\W\d][\w-]*)\s*\(\)\s*\{?\s*$")
_HEADING = re.compile(r"^(#{1,6})\s+(\S.*)$")
_NO_FUNCTION_NAMES = frozenset(
    {"if", "for", "while", "switch", "catch", "return", "else", "do", "new", "throw", "match"}
)
_LANGUAGE_BY_SUFFIX = {
    "py": "python", "pyi": "python", "rb": "ruby", "sh": "shellscript", "bash": "shellscript", "yml": "yaml",
    "yaml": "yaml", "toml": "toml", "pl": "perl", "r": "r", "jl": "julia", "ex": "elixir", "exs": "elixir",
    "nim": "nim", "tf": "terraform", "mk": "makefile", "lua": "lua", "sql": "sql", "hs": "haskell", "elm": "elm",
    "ada": "ada", "adb": "ada", "lisp": "lisp", "el": "emacs-lisp", "clj": "clojure", "scm": "scheme", "tex": "latex",
    "erl": "erlang", "m": "matlab", "html": "html", "xml": "xml", "svg": "xml", "md": "markdown", "vue": "html",
    "css": "css", "vim": "vim", "ini": "ini", "bat": "bat", "ml": "ocaml", "f90": "fortran", "vb": "vb",
}  # fmt: skip
_COMMENTS = {
    ("#", ""): "python ruby shellscript bash sh zsh fish yaml toml perl r julia elixir nim terraform makefile "
    "dockerfile powershell gdscript coffeescript cmake graphql crystal tcl awk properties ignore",
    ("--", ""): "lua sql haskell elm ada vhdl",
    (";;", ""): "lisp commonlisp emacs-lisp clojure scheme racket",
    (";", ""): "ini asm",
    ("%", ""): "latex tex erlang matlab prolog",
    ("<!--", " -->"): "html xml markdown vue svelte handlebars",
    ("/*", " */"): "css c",
    ("(*", " *)"): "ocaml pascal fsharp",
    ('"', ""): "vim",
    ("!", ""): "fortran",
    ("'", ""): "vb",
    ("REM", ""): "bat",
}
_COMMENT_BY_LANGUAGE = {language: form for form, languages in _COMMENTS.items() for language in languages.split()}


@attrs.frozen
class Code:
    """A piece of code in a prompt: `first_line` is the number of its first line in its file, 1 where unknown."""

    text: str
    language: str
    first_line: int = 1


@attrs.frozen
class Entry:
    """One definition; `line` is 1-based in the code's file."""

    line: int
    title: str


def find_code(prompts: Sequence[str]) -> Code | None:
    """Return the code that a conversation is about, from the user's texts with the last one first.

    It stands in a tag or a fence, or the last text is code itself. A selection has no language of its own:
    it takes that of the document around it.
    """
    for prompt in prompts:
        lines = prompt.split("\n")
        tagged = sorted(_tagged(lines), key=lambda region: region[0])
        found = tagged[0][1] if tagged else next(reversed(list(_fenced(lines))), None)
        if found is not None:
            languages = (code.language for other in prompts for _, code in _tagged(other.split("\n")) if code.language)
            return found if found.language else attrs.evolve(found, language=next(languages, ""))
    whole = Code(prompts[0], "") if prompts else None
    return whole if whole and outline(whole) else None


def outline(code: Code) -> list[Entry]:
    """Return the definitions in the order of their lines, at most `MAX_ENTRIES`."""
    entries: list[Entry] = []
    number = code.first_line - 1
    for line in code.text.split("\n"):
        number += 1
        if gap := _GAP.match(line):
            number = int(gap[1])
            continue
        title = _title(line[:_LONGEST_LINE].rstrip(), code.language)
        if title:
            entries.append(Entry(number, title))
            if len(entries) == MAX_ENTRIES:
                break
    return entries


def comment_line(text: str, language: str, indent: str) -> str:
    """Return `text` as a comment of the language; `//` where the language is not known."""
    start, end = _COMMENT_BY_LANGUAGE.get(language.lower(), ("//", ""))
    return f"{indent}{start} {text}{end}"


def _title(line: str, language: str) -> str:
    if language == "markdown":
        match = _HEADING.match(line)
        return f"heading {match[2]}" if match else ""
    if match := _TYPE.match(line):
        return f"{match[1]} {match[2].rstrip(':.')}"
    for pattern in (_FUNCTION, _ARROW, _SHELL_FUNCTION):
        if match := pattern.match(line):
            return f"function {match[1].rstrip(':.')}"
    name = _c_function(line)
    return f"function {name}" if name else ""


def _c_function(line: str) -> str:
    """Return the name of a function that begins as in C, Java or C#: words, a name, parentheses, a brace."""
    head, parenthesis, rest = line.partition("(")
    words = head.replace("*", " ").replace("&", " ").split()
    if not parenthesis or ")" not in rest or not rest.endswith("{") or len(words) < 2:
        return ""
    name = words[-1].rpartition("::")[2].lstrip("~")
    starts_well = words[0].rstrip("<>[]").replace("::", "").replace("_", "").isalnum()
    forbidden = not name.isidentifier() or name in _NO_FUNCTION_NAMES or words[0] in _NO_FUNCTION_NAMES
    return "" if forbidden or not starts_well or "=" in head or "." in head else name


def _tagged(lines: list[str]) -> Iterator[tuple[int, Code]]:
    """Yield the regions between tags that stand on lines of their own, with the rank of the tag."""
    open_tags: list[tuple[str, str, int]] = []
    for number, line in enumerate(lines):
        if match := _OPEN_TAG.match(line):
            if _rank(match[1]) is not None:
                open_tags.append((match[1], match[2], number))
        elif (match := _CLOSE_TAG.match(line)) and any(name == match[1] for name, _, _ in open_tags):
            while True:
                name, attributes, start = open_tags.pop()
                if name == match[1]:
                    break
            rank = _rank(name)
            if rank is not None:
                yield rank, _region("\n".join(lines[start + 1 : number]), attributes)


def _rank(tag: str) -> int | None:
    lowered = tag.lower()
    return next((rank for rank, name in enumerate(_CODE_TAGS) if re.match(rf"{name}(?![a-z])", lowered)), None)


def _region(text: str, attributes: str) -> Code:
    language, first, path = (
        pattern.search(attributes) for pattern in (_LANGUAGE_ATTRIBUTE, _PLACE_ATTRIBUTE, _PATH_ATTRIBUTE)
    )
    named = language[1] if language else ""
    if not named and path:
        named = _LANGUAGE_BY_SUFFIX.get(path[1].rpartition(".")[2].lower(), "")
    lines = text.split("\n")
    inner = list(_fenced(lines)) if _FENCE.match(lines[0]) else []
    if len(inner) == 1:
        text, named = inner[0].text, named or inner[0].language
    return Code(text, named, int(first[1]) if first else 1)


def _fenced(lines: list[str]) -> Iterator[Code]:
    fence, language, start = "", "", 0
    for number, line in enumerate(lines):
        match = _FENCE.match(line)
        if not match:
            continue
        if not fence:
            fence, language, start = match[1], match[2], number + 1
        elif match[1].startswith(fence) and not match[2]:
            suffix = _LANGUAGE_BY_SUFFIX.get(language.lower(), language)
            yield Code("\n".join(lines[start:number]), suffix)
            fence = ""
