"""The house rules that a reader relies on, held by looking at the source itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "missy_lsp"
FILES = sorted(PACKAGE.rglob("*.py"))
CHECKED = sorted(
    file for folder in ("missy_lsp", "tests", "benchmarks", "docs") for file in (ROOT / folder).rglob("*.py")
)
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

_PURE_PARTS = {"characters", "document", "errors", "markdown", "outbound", "syntax", "tracking"}
# What each part may import of the package; a part may always import itself.
ALLOWED = {
    "secret": set(),
    "errors": set(),
    "document": set(),
    "characters": set(),
    "tracking": {"document", "errors"},
    "syntax": {"document", "errors"},
    "markdown": {"characters", "errors"},
    "outbound": {"characters", "document", "errors", "secret"},
    "prompts": {"errors"},
    "config": {"characters", "errors", "prompts", "secret"},
    "credentials": {"config", "errors", "secret"},
    "tools": {*_PURE_PARTS, "config", "features", "llm"},
    "llm": {"config", "credentials", "document", "errors", "secret"},
    "features": {*_PURE_PARTS, "config", "llm", "prompts"},
    "server": {*_PURE_PARTS, "config", "credentials", "features", "llm", "prompts", "secret", "tools"},
    "cli": {*_PURE_PARTS, "config", "credentials", "features", "llm", "prompts", "secret", "server", "tools"},
    "__main__": {"cli"},
}
# Third-party packages that only one place may import, and how.
ONLY_IN = {"pygls": "server/", "lsprotocol": "server/", "anthropic": "llm/providers/", "httpx2": "llm/providers/"}
PURE = (
    "features/",
    "syntax/",
    "markdown/",
    "outbound/",
    "characters",
    "tracking",
    "llm/router",
    "llm/routing",
    "config/values",
)
IMPURE_MODULES = {
    "asyncio",
    "os",
    "socket",
    "subprocess",
    "time",
    "datetime",
    "random",
    "threading",
    "urllib",
    "pathlib",
}


def name_of(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node, node.module or ""


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_dependencies_point_one_way(file: Path) -> None:
    part = part_of(file)
    for _, module in imports(file):
        names = module.split(".")
        if names[0] == "missy_lsp" and len(names) > 1 and names[1] != part:
            assert names[1] in ALLOWED[part], f"{name_of(file)} imports {module}"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_the_protocol_and_the_sdk_have_one_importer_each(file: Path) -> None:
    for node, module in imports(file):
        package = module.split(".")[0]
        if package in ONLY_IN:
            assert name_of(file).startswith(ONLY_IN[package]), f"{name_of(file)} imports {module}"
        if package in ("anthropic", "httpx2"):
            assert node.col_offset > 0, f"{name_of(file)} imports {module} when it is loaded"


@pytest.mark.parametrize("file", [file for file in FILES if name_of(file).startswith(PURE)], ids=name_of)
def test_pure_parts_do_no_input_or_output(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    used = {module.split(".")[0] for _, module in imports(file) if module != "urllib.parse"}
    # pathlib's pure paths are values; a path that touches the disk is not.
    assert not used & (IMPURE_MODULES - {"pathlib"})
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("file", CHECKED, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_files_and_functions_are_short(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MAX_FUNCTION_LINES, f"{node.name} in {file.name}"


def test_only_dispatch_catches_everything() -> None:
    catching = {
        name_of(file)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
    }
    assert catching == {"server/dispatch.py"}


def test_only_the_command_line_prints() -> None:
    printing = {
        part_of(file)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert printing <= {"cli", "__main__"}


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("missy_lsp.server.connection", {"anthropic", "httpx2", "keyring", "cryptography", "pydantic", "yaml"}),
        ("missy_lsp.cli.main", {"anthropic", "httpx2", "keyring", "cryptography", "pydantic", "pygls", "lsprotocol"}),
    ],
)
def test_starting_does_not_import_what_is_used_later(module: str, absent: set[str]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert not absent & set(loaded.stdout.split())


def test_the_repository_names_no_absolute_path_of_a_machine() -> None:
    suspicious = ("/root/", "/home/", "/work/", "C:\\Users\\")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in tracked:
        file = ROOT / name
        if (
            file.suffix not in (".py", ".md", ".toml", ".json", ".yaml", ".yml", ".lua", ".el", ".ts", "")
            or not file.is_file()
        ):
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if file != Path(__file__):
            assert not [word for word in suspicious if word in text], name
