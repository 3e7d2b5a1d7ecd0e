"""What is known of languages by their LSP id: names, grammars, comment marks. Data, and nothing but reading it."""

from __future__ import annotations

import attrs


@attrs.frozen
class CommentMarks:
    """How a language marks comments: up to the line's end, and from an opening to a closing mark.

    The first line mark is the one to write with; where there is none, or in markup, the first block mark.
    """

    line: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()
    is_markup: bool = False


_C_BLOCK = ("/*", "*/")
_HTML_BLOCK = ("<!--", "-->")
_PAREN_BLOCK = ("(*", "*)")

# Other names for a language, to the one that the tables below use.
_ALIASES = {
    "bash": "shellscript", "sh": "shellscript", "shell": "shellscript", "zsh": "shellscript", "ksh": "shellscript",
    "c++": "cpp", "cc": "cpp", "cuda": "cpp", "cuda-cpp": "cpp", "arduino": "cpp", "cs": "csharp", "c#": "csharp",
    "js": "javascript", "jsx": "javascriptreact", "mjs": "javascript", "cjs": "javascript", "ts": "typescript",
    "tsx": "typescriptreact", "javascript.jsx": "javascriptreact", "typescript.tsx": "typescriptreact",
    "py": "python", "python3": "python", "golang": "go", "rs": "rust", "rb": "ruby", "yml": "yaml", "kt": "kotlin",
    "dockercompose": "yaml", "dockerfile": "docker", "containerfile": "docker", "objc": "objective-c",
    "objcpp": "objective-cpp", "objective-c++": "objective-cpp", "f#": "fsharp", "visualbasic": "vb", "vbnet": "vb",
    "vbscript": "vb", "batch": "bat", "dosbatch": "bat", "cmd": "bat", "ps1": "powershell", "viml": "vim",
    "vimscript": "vim", "elisp": "emacs-lisp", "commonlisp": "lisp", "common-lisp": "lisp", "hcl": "terraform",
    "tf": "terraform", "opentofu": "terraform", "make": "makefile", "gnumakefile": "makefile", "md": "markdown",
    "rmd": "markdown", "quarto": "markdown", "text": "plaintext", "txt": "plaintext", "plain": "plaintext",
    "gitcommit": "git-commit", "neogitcommitmessage": "git-commit", "tex": "latex", "plaintex": "latex",
    "rst": "restructuredtext", "proto": "proto3", "protobuf": "proto3", "jsonc": "json", "json5": "json",
    "gitignore": "ignore", "dockerignore": "ignore", "delphi": "pascal", "objectpascal": "pascal", "hs": "haskell",
    "lhs": "haskell", "jinja": "django-html", "jinja2": "django-html", "jinja-html": "django-html",
    "htmldjango": "django-html", "gdscript3": "gdscript", "godot": "gdscript", "sv": "systemverilog",
    "ocaml.interface": "ocaml", "ocamlinterface": "ocaml", "standard-ml": "sml", "mysql": "sql", "plsql": "sql",
    "postgres": "sql", "pgsql": "sql", "sqlite": "sql", "tsql": "sql", "eelixir": "erb", "heex": "erb", "ex": "elixir",
    "fortran-modern": "fortran", "fortranfreeform": "fortran", "fortran_free-form": "fortran", "x86asm": "asm",
    "nasm": "asm", "gas": "asm", "assembly": "asm", "lean4": "lean", "starlark": "python", "bazel": "python",
}  # fmt: skip

_MARKS: tuple[tuple[str, CommentMarks], ...] = (
    (
        "awk bzl cmake-cache conf coffeescript crystal cython dotenv elixir elvish fish git-commit git-rebase graphql "
        "ignore jq just makefile mojo nim-cfg nu nushell perl properties puppet python r raku robotframework ruby "
        "shellscript snippets ssh_config systemd tcl toml yaml docker gdscript hoon meson nginx apacheconf po diff",
        CommentMarks(("#",)),
    ),
    (
        "actionscript al apex bicep c chapel cpp csharp d dart fsharp-script glsl go groovy haxe hlsl java "
        "json kotlin less metal move objective-c objective-cpp odin prisma processing proto3 qml reason rescript rust "
        "sass scala scss slang solidity stylus swift systemverilog thrift typespec typst vala verilog wgsl",
        CommentMarks(("//",), (_C_BLOCK,)),
    ),
    ("javascript javascriptreact typescript typescriptreact", CommentMarks(("//",), (_C_BLOCK, ("{/*", "*/}")))),
    ("zig gleam asciidoc carbon roc-script", CommentMarks(("//",))),
    ("php hack", CommentMarks(("//", "#"), (_C_BLOCK, _HTML_BLOCK))),
    ("terraform jsonnet nix pkl", CommentMarks(("//", "#"), (_C_BLOCK,))),
    ("css", CommentMarks((), (_C_BLOCK,))),
    ("sas", CommentMarks(("*",), (_C_BLOCK,))),
    ("ada vhdl eiffel dhall", CommentMarks(("--",))),
    ("sql", CommentMarks(("--", "#"), (_C_BLOCK,))),
    ("lua luau teal moonscript", CommentMarks(("--",), (("--[[", "]]"),))),
    ("haskell elm purescript idris agda curry", CommentMarks(("--",), (("{-", "-}"),))),
    ("lean", CommentMarks(("--",), (("/-", "-/"),))),
    ("applescript", CommentMarks(("--", "#"), (_PAREN_BLOCK,))),
    ("lisp emacs-lisp scheme racket", CommentMarks((";",), (("#|", "|#"),))),
    ("clojure clojurescript edn fennel janet autohotkey llvm mlir reg", CommentMarks((";",))),
    ("ini gitconfig editorconfig dosini", CommentMarks((";", "#"))),
    ("asm", CommentMarks((";", "#", "//", "@"), (_C_BLOCK,))),
    ("latex bibtex erlang postscript", CommentMarks(("%",))),
    ("prolog mercury", CommentMarks(("%",), (_C_BLOCK,))),
    ("matlab octave", CommentMarks(("%", "#"), (("%{", "%}"),))),
    ("html xml svg xaml xsl dtd ant plist", CommentMarks((), (_HTML_BLOCK, _C_BLOCK), is_markup=True)),
    ("vue svelte astro", CommentMarks(("//",), (_HTML_BLOCK, _C_BLOCK), is_markup=True)),
    ("markdown mdx", CommentMarks((), (_HTML_BLOCK, ("{/*", "*/}")), is_markup=True)),
    ("handlebars glimmer mustache", CommentMarks((), (("{{!--", "--}}"), ("{{!", "}}"), _HTML_BLOCK), is_markup=True)),
    ("django-html twig nunjucks", CommentMarks((), (("{#", "#}"), _HTML_BLOCK), is_markup=True)),
    ("erb", CommentMarks((), (("<%#", "%>"), ("<%!--", "--%>"), _HTML_BLOCK), is_markup=True)),
    ("razor aspnetcorerazor cshtml", CommentMarks(("//",), (("@*", "*@"), _HTML_BLOCK), is_markup=True)),
    ("pug jade haml-js", CommentMarks(("//-", "//"))),
    ("haml slim", CommentMarks(("-#", "/"))),
    ("ocaml coq sml mathematica wolfram isabelle", CommentMarks((), (_PAREN_BLOCK,))),
    ("fsharp", CommentMarks(("//",), (_PAREN_BLOCK,))),
    ("pascal modula2", CommentMarks(("//",), (("{", "}"), _PAREN_BLOCK))),
    ("powershell", CommentMarks(("#",), (("<#", "#>"),))),
    ("cmake", CommentMarks(("#",), (("#[[", "]]"),))),
    ("julia", CommentMarks(("#",), (("#=", "=#"),))),
    ("nim", CommentMarks(("#",), (("#[", "]#"),))),
    ("vim", CommentMarks(('"', "#"))),
    ("fortran", CommentMarks(("!",))),
    ("fortran_fixed-form", CommentMarks(("!", "C", "*"))),
    ("vb vba freebasic", CommentMarks(("'", "REM"))),
    ("bat", CommentMarks(("REM", "@REM", "::"))),
    ("forth", CommentMarks(("\\",))),
    ("cobol", CommentMarks(("*>", "*"))),
    ("abap", CommentMarks(('"', "*"))),
    ("m4", CommentMarks(("dnl", "#"))),
    ("apl", CommentMarks(("⍝",))),
    ("j", CommentMarks(("NB.",))),
    ("stata", CommentMarks(("//", "*"), (_C_BLOCK,))),
    ("restructuredtext", CommentMarks(("..",))),
    ("roff troff nroff", CommentMarks(('.\\"',))),
    ("org", CommentMarks(("#",))),
)
_MARKS_BY_LANGUAGE = {language: marks for languages, marks in _MARKS for language in languages.split()}
_UNKNOWN = CommentMarks(("#", "//", "--", ";", "%"), (_HTML_BLOCK, _C_BLOCK))

_PROSE = frozenset(
    {"markdown", "mdx", "plaintext", "git-commit", "restructuredtext", "asciidoc", "org", "latex", "mail"}
)

# The module of the grammar behind `tree_sitter_` and the function in it that returns the grammar.
_GRAMMARS = {
    "shellscript": ("bash", "language"),
    "c": ("c", "language"),
    "csharp": ("c_sharp", "language"),
    "cpp": ("cpp", "language"),
    "go": ("go", "language"),
    "java": ("java", "language"),
    "javascript": ("javascript", "language"),
    "javascriptreact": ("javascript", "language"),
    "lua": ("lua", "language"),
    "php": ("php", "language_php"),
    "python": ("python", "language"),
    "ruby": ("ruby", "language"),
    "rust": ("rust", "language"),
    "typescript": ("typescript", "language_typescript"),
    "typescriptreact": ("typescript", "language_tsx"),
}


def canonical_id(language_id: str) -> str:
    """Return the name by which the tables here know a language; an unknown one as it is, in lower case."""
    lowered = language_id.strip().lower()
    return _ALIASES.get(lowered, lowered)


def comment_marks(language_id: str) -> CommentMarks:
    """Return how a language marks comments; for an unknown one every mark that most languages use."""
    return _MARKS_BY_LANGUAGE.get(canonical_id(language_id), _UNKNOWN)


def is_prose(language_id: str) -> bool:
    return canonical_id(language_id) in _PROSE


def grammar_of(language_id: str) -> tuple[str, str] | None:
    """Return the grammar's module behind `tree_sitter_` and its function; None for a language not in the table."""
    return _GRAMMARS.get(canonical_id(language_id))
