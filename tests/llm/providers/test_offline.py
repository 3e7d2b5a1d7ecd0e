"""`offline.py`: an answer without a model, the same every time, in pieces that can be seen to come."""

from __future__ import annotations

import asyncio

import pytest

from missy_lsp.document import Snapshot, Span
from missy_lsp.features.ask import AskInput, ChatTurn, build
from missy_lsp.features.inline_completion import completion_prompt, completion_target, read_completion
from missy_lsp.llm.providers.base import Provider
from missy_lsp.llm.providers.offline import OfflineProvider, offline_answer
from missy_lsp.llm.providers.offline_outline import Code, Entry, comment_line, find_code, outline
from missy_lsp.llm.types import Message, ModelRequest, Prompt, TextBlock, TextDelta, ToolSpec
from tests.support.provider_calls import call, prompt, request

PYTHON = """\
import os

class Cat:
    def meow(self):
        return "meow"

    async def nap(self): ...

def main() -> None:
    pass
"""


@pytest.fixture
def provider() -> OfflineProvider:
    return OfflineProvider(pace_s=0)


def ask(question: str, text: str = PYTHON, span: Span | None = None, history: tuple[ChatTurn, ...] = ()) -> Prompt:
    snapshot = Snapshot("file:///p/cat.py", 1, "python", text, span, "/p/cat.py")
    return build(AskInput(question, history, snapshot), 4000)


def edit(selected: str, language: str = "python") -> Prompt:
    instruction = "Make it better. Answer with the new code inside <replacement></replacement>."
    return prompt(
        f'<document-1 language="{language}">\n</document-1>\n<selection-2>\n{selected}\n</selection-2>\n\n{instruction}'
    )


def test_it_is_a_provider_that_needs_nothing(provider: OfflineProvider) -> None:
    assert isinstance(provider, Provider)
    assert (provider.id, provider.name, provider.needs_key) == ("offline", "offline", False)
    assert (provider.is_available(), provider.unavailable_reason()) == (True, None)


async def test_the_answer_says_that_it_is_offline_and_outlines_the_document(provider: OfflineProvider) -> None:
    outcome = await call(provider, ModelRequest("any-model", ask("What is this?"), 100, 1.0), key=None)
    assert outcome.text.startswith("**Missy is offline.**")
    assert outcome.text.endswith(
        "It was given 10 lines of python:\n\n"
        "- line 3: `class Cat`\n- line 4: `function meow`\n- line 7: `function nap`\n- line 9: `function main`\n"
    )
    assert outcome.end is not None
    assert (outcome.end.stop_reason, outcome.end.model) == ("end_turn", "offline")
    assert outcome.end.content == (TextBlock(outcome.text),)
    assert outcome.end.usage.input_tokens > 0
    assert outcome.end.usage == outcome.last_usage


async def test_the_answer_comes_in_pieces_and_is_the_same_every_time(provider: OfflineProvider) -> None:
    first, second = [await call(provider, ModelRequest("m", ask("What is this?"), 100, 1.0)) for _ in range(2)]
    assert first == second
    assert sum(isinstance(event, TextDelta) for event in first.events) > 10


async def test_a_long_answer_still_takes_few_pieces(provider: OfflineProvider) -> None:
    outcome = await call(provider, ModelRequest("m", edit("x = 1\n" * 20_000), 100, 1.0))
    assert sum(isinstance(event, TextDelta) for event in outcome.events) <= 120


async def test_it_can_be_cancelled_between_pieces() -> None:
    seen = asyncio.Event()
    task = asyncio.create_task(OfflineProvider(pace_s=0.001).stream(request(), None, lambda _: seen.set()))
    await seen.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_selection_is_outlined_with_the_lines_of_its_file() -> None:
    start = PYTHON.index("    async def nap")
    answer = offline_answer(ask("And this?", span=Span(start, start + 25)))
    assert "- line 7: `function nap`" in answer
    assert "Cat" not in answer


def test_code_from_before_the_history_is_found() -> None:
    history = (ChatTurn("user", "What is it?"), ChatTurn("assistant", "A class."))
    assert "- line 3: `class Cat`" in offline_answer(ask("Are you sure?", history=history))


def test_without_code_it_says_so() -> None:
    assert offline_answer(prompt("How are you?")).endswith("It was given no code to outline.\n")


def test_code_without_definitions_is_counted() -> None:
    assert "2 lines of python, in which it found no definitions" in offline_answer(
        prompt("Hm:\n```py\nx = 1\ny = 2\n```")
    )


async def test_an_empty_prompt_is_an_error(provider: OfflineProvider) -> None:
    assert (await call(provider, request("  \n"))).kind == "invalid_request"


@pytest.mark.parametrize(
    ("language", "code", "comment"),
    [
        ("python", "x = 1", "# Missy is offline: no model was asked, the code below is unchanged."),
        (
            "python",
            "    def f(self):\n        pass",
            "    # Missy is offline: no model was asked, the code below is unchanged.",
        ),
        ("typescript", "\tlet x = 1", "\t// Missy is offline: no model was asked, the code below is unchanged."),
        ("html", "<p>", "<!-- Missy is offline: no model was asked, the code below is unchanged. -->"),
    ],
)
def test_an_edit_is_the_same_code_under_one_comment(language: str, code: str, comment: str) -> None:
    assert offline_answer(edit(code, language)) == f"<replacement>\n{comment}\n{code}\n</replacement>"


@pytest.mark.parametrize(
    ("language", "text", "suggested"),
    [
        ("python", "def f():‸\n", " # Missy is offline: no model was asked."),
        ("go", "func f() {\n\t‸\n}\n", "// Missy is offline: no model was asked."),
        ("python", "print(‸)\n", ""),
    ],
)
def test_a_suggestion_at_the_cursor_is_a_comment_where_one_may_stand(language: str, text: str, suggested: str) -> None:
    target = completion_target(Snapshot("file:///a", 1, language, text.replace("‸", "")), text.index("‸"))
    assert target is not None
    assert read_completion(target, offline_answer(completion_prompt(target, 12)), 12) == suggested


def test_a_system_text_can_ask_for_the_edit() -> None:
    asked = prompt("<selection-1>\nx\n</selection-1>\nBetter!", system="Answer inside <replacement> tags.")
    assert offline_answer(asked).startswith("<replacement>\n// Missy is offline")


def test_code_that_has_the_tag_in_it_is_not_a_request_for_an_edit() -> None:
    assert offline_answer(ask("What is this?", 'TAG = "<replacement>"\ndef f(): ...\n')).startswith(
        "**Missy is offline.**"
    )


def test_tools_and_a_system_text_count_as_prompt(provider: OfflineProvider) -> None:
    plain = prompt("x" * 40, system="")
    bigger = Prompt((TextBlock("y" * 40),), plain.messages, (ToolSpec("t", "z" * 40, {"type": "object"}),))
    usages = [
        asyncio.run(provider.stream(ModelRequest("m", one, 9, 1.0), None, lambda _: None)).usage
        for one in (plain, bigger)
    ]
    assert [usage.input_tokens for usage in usages] == [14, 40]


OUTLINES = {
    "python": (
        "async def f():\n@x\nclass A(B):\n  def g(self):",
        [(1, "function f"), (3, "class A"), (4, "function g")],
    ),
    "typescript": (
        "export class A<T> {\nexport default async function f() {\nconst g = async (x: number) => {\ninterface I {",
        [(1, "class A<T>"), (2, "function f"), (3, "function g"), (4, "interface I")],
    ),
    "rust": (
        "pub(crate) struct S;\nimpl S {\n    pub fn new() -> S {\nenum E {",
        [(1, "struct S"), (2, "impl S"), (3, "function new"), (4, "enum E")],
    ),
    "go": ("func (s *S) Run() {\nfunc main() {", [(1, "function Run"), (2, "function main")]),
    "c": ("static int add(int a, int b) {\nif (a) {\nreturn f(a) {\nint x = f(2);", [(1, "function add")]),
    "java": ("public static void main(String[] args) {\nfoo.bar(x) {", [(1, "function main")]),
    "cpp": ("std::string Foo::bar(int x) const {", [(1, "function bar")]),
    "shell": ("greet() {\nfunction hi {", [(1, "function greet"), (2, "function hi")]),
    "clojure": ("(defn add [a b]", [(1, "function add")]),
    "with a gap": ("def a():\n[lines 2-40 are left out here]\ndef b():", [(1, "function a"), (41, "function b")]),
    "prose": ("We define a thing.\nIt is a class.\n", []),
}


@pytest.mark.parametrize(("text", "entries"), OUTLINES.values(), ids=OUTLINES.keys())
def test_definitions_of_many_languages_are_found(text: str, entries: list[tuple[int, str]]) -> None:
    assert outline(Code(text, "")) == [Entry(line, title) for line, title in entries]


def test_headings_of_markdown_are_its_outline() -> None:
    assert outline(Code("# One\ntext\n## Two", "markdown")) == [Entry(1, "heading One"), Entry(3, "heading Two")]


def test_an_outline_has_an_end() -> None:
    assert len(outline(Code("def f():\n" * 1000, "python"))) == 60


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (["<selection-1>\na\n</selection-1>", '<document-2 language="go">\nb\n</document-2>'], Code("a", "go")),
        (
            ['<document-2 path="x.rb">\n<selection-1 place="lines 3-4">\na\n</selection-1>\n</document-2>'],
            Code("a", "ruby", 3),
        ),
        (["Why?\n```js\na\n```\nor\n~~~py\nb\n~~~\n"], Code("b", "python")),
        (["<document-2>\n```go\nb\n```\n</document-2>"], Code("b", "go")),
        (["def f():\n    pass"], Code("def f():\n    pass", "")),
        (["<document-1>\nnever closed"], None),
        (["<p>\ntext\n</p>"], None),
        (["Hello"], None),
        ([], None),
    ],
    ids=str,
)
def test_the_code_is_found_in_tags_and_fences(texts: list[str], code: Code | None) -> None:
    assert find_code(texts) == code


def test_hostile_text_is_searched_in_a_moment() -> None:
    text = "<document-1>\n" * 20_000 + "x" * 200_000 + "(" * 50_000 + "\n" + "```\n" * 9_999
    assert offline_answer(Prompt((), (Message("user", (TextBlock(text),)),)))


def test_an_unknown_language_gets_the_comment_of_most() -> None:
    assert comment_line("hi", "klingon", "  ") == "  // hi"
