"""The router decides by what is asked, in any language, and says why."""

# Prompts stand here in the letters of their languages.

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from missy_lsp.config.values import ProviderConfig, Routing
from missy_lsp.llm.router import ModelRouter, RouteInput, RoutingKnowledge, Weights
from missy_lsp.llm.routing_text import tokenize
from missy_lsp.llm.routing_vocabulary import Vocabulary
from missy_lsp.llm.types import TIERS

DATA = Path(__file__).parents[1] / "data" / "routing"
PROVIDER = ProviderConfig(model="middle", fast_model="small", premium_model="large")


@pytest.fixture(scope="module")
def knowledge() -> RoutingKnowledge:
    return RoutingKnowledge.load()


@pytest.fixture(scope="module")
def router(knowledge: RoutingKnowledge) -> ModelRouter:
    return ModelRouter(PROVIDER, Routing(), knowledge)


def labelled(name: str) -> list[tuple[RouteInput, str]]:
    rows = [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]
    return [
        (RouteInput(row["prompt"], row["selection_chars"], row["tool_count"], row["history_length"]), row["tier"])
        for row in rows
    ]


@pytest.mark.parametrize(
    "name",
    [f"{name}.jsonl" for name in ("held_out", "fresh", "unseen", "blind_b", "blind_f", "blind_g", "blind_l")],
)
def test_prompts_that_the_weights_were_not_fitted_to_go_where_they_belong(router: ModelRouter, name: str) -> None:
    cases = labelled(name)
    decided = [(router.decide(request).tier, tier) for request, tier in cases]
    assert sum(tier == right for tier, right in decided) / len(decided) >= 0.9
    two_tiers_off = [
        request.prompt
        for (request, right), (tier, _) in zip(cases, decided, strict=True)
        if {tier, right} == {"fast", "premium"}
    ]
    assert two_tiers_off == []


def test_a_word_counts_with_and_without_the_marks_that_few_type() -> None:
    assert tokenize("حَلِّل أثْبِت") == tokenize("حلل اثبت") == ("حلل", "اثبت")


def test_where_something_is_told_in_no_known_words_more_code_asks_for_more(router: ModelRouter) -> None:
    told = "the blorp comes up one short and the frobs at the back of the qux are never seen by the wibbles since May"
    scores = [router.decide(RouteInput(told, size)).score for size in (300, 1_300, 3_000, 14_000)]
    assert scores == sorted(set(scores))


@pytest.mark.parametrize(
    ("prompt", "size", "tier"),
    [
        ("fix the TypeError in the save method: 'NoneType' object is not subscriptable", 8_000, "primary"),
        ("hi", 0, "fast"),
        ("เขียน unit test ให้คลาสนี้หน่อย", 1_200, "primary"),
        ("recursion คืออะไร", 0, "fast"),
        ("add a mutex around this map", 1_000, "primary"),
        ("hash the passwords with argon2", 900, "primary"),
    ],
)
def test_plain_work_and_greetings_stay_cheap(router: ModelRouter, prompt: str, size: int, tier: str) -> None:
    assert router.decide(RouteInput(prompt, size)).tier == tier


def test_the_labelled_set_is_large_and_speaks_many_languages() -> None:
    cases = labelled("tuned.jsonl")
    assert len(cases) >= 200
    assert {tier for _, tier in cases} == set(TIERS)
    for script in ("А", "一", "ア", "가", "अ"):
        assert any(ord(script) <= ord(letter) < ord(script) + 0x60 for request, _ in cases for letter in request.prompt)


SAME = [
    ("rename the variable x to count", "fast", 300),
    ("write unit tests for this function", "primary", 1500),
    ("find the race condition in this worker pool", "premium", 3000),
]


@pytest.mark.parametrize(("prompt", "tier", "size"), SAME)
@pytest.mark.parametrize(
    "change",
    [
        "{}",
        "please {}",
        "Could you please {}? Thank you very much in advance!",
        "  {}  \n",
        "{}:\n```python\ndef audit_security(deadlock):\n    return prove(theorem)\n```",
        "{} (the file is src/security/deadlock_proof.py)",
    ],
    ids=["plain", "please", "polite", "spaces", "pasted code", "path"],
)
def test_politeness_pasted_code_and_names_change_nothing(
    router: ModelRouter, change: str, prompt: str, tier: str, size: int
) -> None:
    assert router.decide(RouteInput(change.format(prompt), size)).tier == tier


@pytest.mark.parametrize(
    ("prompt", "size", "tools", "history", "tier"),
    [
        ("what does 'refactor' mean?", 0, 0, 0, "fast"),
        ("what does the term \"race condition\" mean?", 0, 0, 0, "fast"),
        ("sort these lines alphabetically", 60_000, 0, 0, "fast"),
        ("fix the typo in 'security architecture'", 200, 0, 0, "fast"),
        ("can this deadlock?", 2_800, 0, 0, "premium"),
        ("fence or no fence?", 1_300, 0, 0, "premium"),
        ("thanks!", 0, 0, 30, "fast"),
        ("rename it to parse_header", 300, 0, 30, "fast"),
        ("don't redesign the architecture, just write unit tests for this class", 2_000, 0, 0, "primary"),
        ("taking everything above into account, which design should we choose and why?", 2_000, 0, 18, "premium"),
        ("replace the old client in every module of the repository and keep the tests green", 0, 9, 0, "premium"),
        ("what does CAP stand for?", 0, 9, 0, "fast"),
    ],
)  # fmt: skip
def test_mentions_length_tools_and_history_count_for_what_they_are(
    router: ModelRouter, prompt: str, size: int, tools: int, history: int, tier: str
) -> None:
    assert router.decide(RouteInput(prompt, size, tools, history)).tier == tier


LANGUAGES = {
    "fast": [
        "Was ist ein Mutex?",
        "c'est quoi un mutex ?",
        "¿qué es un mutex?",
        "o que é um mutex?",
        "cos'è un mutex?",
        "wat is een mutex?",
        "что такое мьютекс?",
        "什么是互斥锁？",
        "ミューテックスとは何ですか？",
        "뮤텍스가 뭐야?",
        "mutex nedir?",
        "co to jest mutex?",
        "म्यूटेक्स क्या होता है?",
    ],
    "primary": [
        "Schreibe Tests für diese Klasse",
        "écris des tests pour cette classe",
        "escribe pruebas para esta clase",
        "escreva testes para esta classe",
        "scrivi i test per questa classe",
        "schrijf tests voor deze klasse",
        "напиши тесты для этого класса",
        "给这个类写测试",
        "このクラスのテストを書いて",
        "이 클래스의 테스트를 작성해줘",
        "bu sınıf için testler yaz",
        "napisz testy dla tej klasy",
        "इस क्लास के लिए टेस्ट लिखो",
    ],
    "premium": [
        "Finde die Race Condition",
        "trouve la condition de concurrence",
        "encuentra la condición de carrera",
        "encontre a condição de corrida",
        "trova la race condition",
        "vind de race condition",
        "найди состояние гонки",
        "找出竞态条件",
        "競合状態を見つけて",
        "경쟁 상태를 찾아줘",
        "yarış durumunu bul",
        "znajdź wyścig wątków",
        "रेस कंडीशन ढूँढो",
    ],
}


@pytest.mark.parametrize(("tier", "prompt"), [(tier, prompt) for tier, some in LANGUAGES.items() for prompt in some])
def test_the_human_language_changes_nothing(router: ModelRouter, tier: str, prompt: str) -> None:
    assert router.decide(RouteInput(prompt, 0 if tier == "fast" else 2_000)).tier == tier


@pytest.mark.parametrize(("kind", "tier"), [("hover", "fast"), ("write_tests", "primary"), ("refactor", "primary")])
def test_the_kind_of_an_action_counts_where_no_instruction_is_given(router: ModelRouter, kind: str, tier: str) -> None:
    assert router.decide(RouteInput("", 1_500, kind=kind)).tier == tier


@pytest.mark.parametrize(
    ("provider", "model", "is_said"),
    [
        (ProviderConfig(model="middle", fast_model="small"), "small", False),
        (ProviderConfig(model="middle"), "middle", True),
    ],
    ids=["configured", "empty"],
)
def test_an_empty_tier_is_served_by_the_primary_model_and_keeps_its_name(
    knowledge: RoutingKnowledge, provider: ProviderConfig, model: str, is_said: bool
) -> None:
    decision = ModelRouter(provider, Routing(), knowledge).decide(RouteInput("what is a closure?"))
    assert (decision.tier, decision.model) == ("fast", model)
    sentence = "no fast_model is configured: the primary model serves this tier"
    assert (sentence in decision.reasons) == is_said


@pytest.mark.parametrize("mode", TIERS)
def test_a_fixed_mode_is_taken_and_said(knowledge: RoutingKnowledge, mode: str) -> None:
    decision = ModelRouter(PROVIDER, Routing(mode=mode), knowledge).decide(RouteInput("can this deadlock?", 3_000))
    model = {"fast": "small", "primary": "middle", "premium": "large"}[mode]
    assert (decision.tier, decision.model, decision.reasons) == (mode, model, (f"routing.mode is {mode}",))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (RouteInput("can this deadlock?", 2_800), 'mentions "deadlock": concurrency'),
        (RouteInput("what does 'refactor' mean?"), '"what does … mean": asks what a word means: look-up'),
        (RouteInput("这段代码会死锁吗？", 3_000), 'mentions "死锁": concurrency'),
        (RouteInput("weigh everything again and decide", 900, 0, 14), "14 earlier turns to weigh"),
        (RouteInput("replace it in every module of the repository", 0, 9), "9 tools for work over many files"),
        (RouteInput("rename the variable", 200), '"rename": a mechanical edit'),
    ],
    ids=lambda value: value.prompt if isinstance(value, RouteInput) else "",
)
def test_reasons_name_what_counted(router: ModelRouter, request_: RouteInput, reason: str) -> None:
    assert reason in router.decide(request_).reasons


@pytest.mark.parametrize("name", ["tuned.jsonl", "held_out.jsonl"])
def test_every_decision_has_one_line_reasons_and_a_score_of_its_tier(router: ModelRouter, name: str) -> None:
    for request, _ in labelled(name):
        decision = router.decide(request)
        assert 1 <= len(decision.reasons) <= 4
        assert all(reason.isprintable() and 5 < len(reason) < 150 for reason in decision.reasons)
        place = "fast" if decision.score < 1 / 3 else "primary" if decision.score <= 2 / 3 else "premium"
        assert decision.tier == place
        assert 0 <= decision.score <= 1


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        " ",
        "\0",
        "?" * 10_000,
        "```" * 3_000,
        "'" * 5_001,
        "a_" * 50_000,
        "死锁" * 20_000,
        "( " * 9_000,
        "\ud800",
        "é́" * 999,
        "what does " * 5_000,
        "/" * 9_999,
        "a.b" * 9_999,
        "x = 1\n" * 20_000,
    ],
    ids=range(15),
)
def test_hostile_prompts_are_decided_quickly(router: ModelRouter, prompt: str) -> None:
    start = time.perf_counter()
    assert router.decide(RouteInput(prompt, 10**12, 10**6, 10**6)).tier in TIERS
    assert time.perf_counter() - start < 0.1


def test_a_decision_is_the_same_each_time_and_takes_far_less_than_a_request(knowledge: RoutingKnowledge) -> None:
    requests = [request for request, _ in labelled("tuned.jsonl")]
    other = RoutingKnowledge(Vocabulary.load(), Weights.load())
    first, second = ModelRouter(PROVIDER, Routing(), knowledge), ModelRouter(PROVIDER, Routing(), other)
    start = time.perf_counter()
    decisions = [first.decide(request) for request in requests]
    # The figure to hold is 0.2 ms (benchmarks/fit_router.py); a loaded machine gets ten times that here.
    assert (time.perf_counter() - start) / len(requests) < 0.002
    assert decisions == [second.decide(request) for request in requests]
