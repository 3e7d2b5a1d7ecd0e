"""Every guard is held by a test: switched off in a copy of the package, one by one, a named test goes red.

Two of them by default, the same ones every time; all with MISSY_SOAK=1.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "tests" / "data" / "security" / "guards.json"
SAMPLE = 2
TIMEOUT_S = 120
FAILED = 1  # what pytest ends with where tests ran and one failed; other faults have other numbers


@attrs.frozen
class Guard:
    """A guard of the package: the rule of security.md that it serves, its text in a file, what stands for it."""

    name: str
    rule: str
    file: str
    text: str
    instead: str
    test: str


GUARDS = tuple(Guard(**entry) for entry in json.loads(TABLE.read_text(encoding="utf-8")))
CHOSEN = GUARDS if os.environ.get("MISSY_SOAK") else tuple(random.Random(4).sample(GUARDS, SAMPLE))


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_each_guard_stands_where_the_table_says(guard: Guard) -> None:
    text = (ROOT / "missy_lsp" / guard.file).read_text(encoding="utf-8")
    assert text.count(guard.text) == 1, "the table has to follow the code"
    path, _, name = guard.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(encoding="utf-8")


def test_every_rule_has_guards_in_the_table() -> None:
    assert {guard.rule for guard in GUARDS} == {f"R{number}" for number in range(1, 9)}
    assert len({guard.name for guard in GUARDS}) == len(GUARDS) >= 12


@pytest.mark.timeout(TIMEOUT_S + 30)
@pytest.mark.parametrize("guard", CHOSEN, ids=lambda guard: guard.name)
def test_a_guard_that_is_switched_off_turns_its_test_red(guard: Guard, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "missy_lsp", copy / "missy_lsp", ignore=shutil.ignore_patterns("__pycache__"))
    file = copy / "missy_lsp" / guard.file
    text = file.read_text(encoding="utf-8")
    assert text.count(guard.text) == 1
    file.write_text(text.replace(guard.text, guard.instead), encoding="utf-8")
    compile(file.read_text(encoding="utf-8"), str(file), "exec")
    # The copy comes first; -P and the emptied setting keep pytest from putting this tree before it.
    path = os.pathsep.join([str(copy), str(ROOT)])
    run = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "pytest", "-q", "-x", "-o", "pythonpath=", "-p", "no:cacheprovider"),
            *("-p", "no:randomly", "--basetemp", str(tmp_path / "base"), guard.test),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert run.returncode == FAILED, f"no test noticed:\n{run.stdout[-2000:]}{run.stderr[-1000:]}"
    assert " failed" in run.stdout
