"""Several keys, refused keys, limited keys: who serves next, and what the user is told when none does."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import attrs
import pytest

from missy_lsp.config.values import Config, KeyReference, ProviderConfig
from missy_lsp.credentials.vault import Vault
from missy_lsp.errors import ErrorKind, ModelError
from missy_lsp.llm.types import (
    JsonObject,
    ModelRequest,
    Retrying,
    TextDelta,
    ThinkingDelta,
    ToolSpec,
    ToolUseBlock,
    TurnEnd,
    Usage,
)
from missy_lsp.secret import Secret
from missy_lsp.tools.outcome import ToolOutcome
from tests.support.scripted_provider import KEYS, Bench, Script, ScriptedProvider, call, config, fails, says


@pytest.mark.parametrize("kind", ["authentication", "permission", "rate_limited"])
async def test_the_next_key_is_tried_at_once(kind: ErrorKind, tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails(kind, 30, retryable=kind == "rate_limited"), says("ok"), says("ok")))
    assert (await bench.run(call(config(*KEYS)))).text == "ok"
    assert (bench.provider.keys, bench.slept) == ([KEYS[0], KEYS[1]], [])
    await bench.run(call(config(*KEYS)))
    assert bench.provider.keys[-1] == KEYS[1], "the first key rests"


async def test_a_limited_key_comes_back_when_its_rest_is_over(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("rate_limited", 30), says("ok"), says("ok")))
    await bench.run(call(config(*KEYS)))
    bench.now_s += 30
    await bench.run(call(config(*KEYS)))
    assert bench.provider.keys == [KEYS[0], KEYS[1], KEYS[0]]


@pytest.mark.parametrize("kind", ["overloaded", "connection", "provider_unavailable"])
async def test_another_key_is_no_cure_for_an_outage(kind: ErrorKind, tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(respond=lambda *_: fails(kind)))
    with pytest.raises(ModelError) as raised:
        await bench.run(call(config(*KEYS)))
    assert raised.value.kind == kind
    assert bench.provider.keys == [KEYS[0]] * 3


async def test_a_further_key_is_used_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("rate_limited", 30), fails("overloaded"), says("never")))
    with pytest.raises(ModelError) as raised:
        await bench.run(call(config(*KEYS)))
    assert (raised.value.kind, bench.provider.keys) == ("overloaded", [KEYS[0], KEYS[1]])


@pytest.mark.parametrize("seen", [TextDelta("half"), ThinkingDelta("hm")], ids=["text", "thinking"])
async def test_no_other_key_is_tried_once_something_was_shown(seen: TextDelta | ThinkingDelta, tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider([seen, *fails("rate_limited", 1)], says("never")))
    with pytest.raises(ModelError):
        await bench.run(call(config(*KEYS)))
    assert bench.provider.keys == [KEYS[0]]


async def test_with_all_keys_exhausted_one_error_says_when_the_first_comes_back(tmp_path: Path) -> None:
    limited = [fails("rate_limited", seconds) for seconds in (40, 19.2, 30)]
    bench = Bench(tmp_path, ScriptedProvider(*limited))
    with pytest.raises(ModelError, match="20 s") as raised:
        await bench.run(call(config(*KEYS)))
    assert (raised.value.kind, raised.value.retry_after_s) == ("rate_limited", 19.2)
    assert bench.provider.keys == list(KEYS)
    with pytest.raises(ModelError, match="20 s"):
        await bench.run(call(config(*KEYS)))
    assert len(bench.provider.keys) == 3, "no request while every key rests"


async def test_with_all_keys_refused_the_error_names_where_they_came_from(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(respond=lambda *_: fails("authentication", retryable=False, status=401)))
    with pytest.raises(ModelError, match=r"All 3 keys.*api_keys\[0\].*missy vault set") as raised:
        await bench.run(call(config(*KEYS)))
    assert (raised.value.kind, raised.value.status) == ("authentication", 401)
    assert bench.provider.keys == list(KEYS)
    assert not any(key in raised.value.message for key in KEYS)


async def test_the_only_key_that_is_refused_is_told_with_its_source(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        ScriptedProvider(fails("authentication", retryable=False, status=401)),
        environ={"ANTHROPIC_API_KEY": KEYS[0]},
    )
    with pytest.raises(ModelError, match="environment ANTHROPIC_API_KEY is not accepted: it was authentication"):
        await bench.run(call(Config()))
    assert (bench.provider.keys, bench.slept) == ([KEYS[0]], [])


# --- the only key, limited ----------------------------------------------------------------------------


async def test_a_second_request_waits_for_the_only_key_as_the_first_one_does(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("rate_limited", 61), says("ok")))
    with pytest.raises(ModelError) as raised:
        await bench.run(call())
    assert (raised.value.retry_after_s, bench.slept) == (61, [])
    bench.now_s += 41
    assert (await bench.run(call())).text == "ok"
    assert 20 <= bench.slept[0] <= 22.5
    assert bench.events[-3] == Retrying(1, bench.slept[0], "rate limited")


@pytest.mark.parametrize(("now_s", "interactive"), [(0.5, True), (30, False)])
async def test_a_long_rest_or_one_that_nobody_waits_for_is_told_without_a_request(
    now_s: float, interactive: bool, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("rate_limited", 61)))
    with pytest.raises(ModelError):
        await bench.run(call())
    bench.now_s = now_s
    with pytest.raises(ModelError, match=f"The only key is rate limited; it comes back in {61 - int(now_s)} s"):
        await bench.run(call(interactive=interactive))
    assert (len(bench.provider.requests), bench.slept) == (1, [])


async def test_the_only_key_does_not_rest_when_upstream_did_not_say_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(*[fails("rate_limited")] * 3, says("ok")))
    with pytest.raises(ModelError, match="it was rate_limited"):
        await bench.run(call())
    slept = len(bench.slept)
    assert (await bench.run(call())).text == "ok"
    assert len(bench.slept) == slept


async def test_one_of_several_keys_rests_also_when_upstream_did_not_say_how_long(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("rate_limited"), says("ok"), says("ok")))
    for _ in range(2):
        await bench.run(call(config(*KEYS)))
    assert bench.provider.keys == [KEYS[0], KEYS[1], KEYS[1]]


# --- keys that change -----------------------------------------------------------------------------------


def from_variable() -> Config:
    return Config(providers={"anthropic": ProviderConfig(api_key=KeyReference.parse("$OUR_KEY"))})


async def test_a_refused_key_is_looked_up_again_once(tmp_path: Path) -> None:
    environ = {"OUR_KEY": KEYS[0]}

    def respond(_: ModelRequest, key: Secret | None) -> Script:
        environ["OUR_KEY"] = KEYS[1]
        return says("ok") if key == Secret(KEYS[1]) else fails("authentication", retryable=False)

    bench = Bench(tmp_path, ScriptedProvider(respond=respond), environ=environ)
    assert (await bench.run(call(from_variable()))).text == "ok"
    assert bench.provider.keys == [KEYS[0], KEYS[1]]


async def test_a_key_that_is_gone_after_it_was_refused_leaves_the_first_error(tmp_path: Path) -> None:
    environ = {"OUR_KEY": KEYS[0]}

    def respond(_: ModelRequest, __: Secret | None) -> Script:
        environ.clear()
        return fails("authentication", retryable=False)

    bench = Bench(tmp_path, ScriptedProvider(respond=respond), environ=environ)
    with pytest.raises(ModelError, match="it was authentication"):
        await bench.run(call(from_variable()))
    with pytest.raises(ModelError, match="OUR_KEY, which is not set") as raised:
        await bench.run(call(from_variable()))
    assert raised.value.kind == "no_key"


def refuses_the_premium_model(request: ModelRequest, _: object) -> Script:
    if request.model != "claude-opus-4-6":
        return says("ok")
    said = f"a.b does not allow this request (403: no access to {request.model})."
    return [ModelError("permission", said, request_id="req_2", status=403)]


@pytest.mark.parametrize(
    ("keys", "whose"),
    [
        (KEYS[:1], r"The key from api_keys\[0\] may not"),
        (KEYS[:2], r"None of the keys \(api_keys\[0\], api_keys\[1\]\) may"),
    ],
    ids=["one", "two"],
)
async def test_a_key_that_is_refused_for_one_model_serves_the_others(
    tmp_path: Path, keys: tuple[str, ...], whose: str
) -> None:
    bench = Bench(tmp_path, ScriptedProvider(respond=refuses_the_premium_model))
    given = config(*keys)
    tiers = attrs.evolve(given.providers["anthropic"], premium_model="claude-opus-4-6")
    given = attrs.evolve(given, providers={"anthropic": tiers})
    with pytest.raises(ModelError, match=rf"^{whose} use the model claude-opus-4-6: a\.b does not") as raised:
        await bench.run(call(given, tier="premium"))
    assert (raised.value.kind, raised.value.status, raised.value.request_id) == ("permission", 403, "req_2")
    assert bench.provider.keys == list(keys), "each key is tried"
    assert (await bench.run(call(given, interactive=False))).text == "ok"
    assert bench.provider.keys[-1] == keys[0]


async def test_a_key_that_was_refused_in_one_header_is_tried_in_another_also_unasked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("authentication", retryable=False), says("ok")))
    given = config(*KEYS[:1])
    with pytest.raises(ModelError, match="is not accepted"):
        await bench.run(call(given))
    other = attrs.evolve(given.providers["anthropic"], auth="x-api-key")
    changed = attrs.evolve(given, providers={"anthropic": other})
    assert (await bench.run(call(changed, interactive=False))).text == "ok"


@pytest.mark.parametrize("kind", ["authentication", "permission"])
async def test_when_every_key_is_refused_the_last_reason_is_told(kind: ErrorKind, tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(respond=lambda *_: fails(kind, retryable=False)))
    with pytest.raises(
        ModelError, match=f"All 2 keys are refused .* The last one was answered: it was {kind}"
    ) as raised:
        await bench.run(call(config(*KEYS[:2])))
    assert raised.value.kind == kind


async def test_keys_are_looked_up_again_once_in_a_turn(tmp_path: Path) -> None:
    class Counted(dict[str, str]):
        looked_up = 0

        def get(self, name: str, default: object = None) -> str:
            self.looked_up += name == "A"
            return self[name]

    environ = Counted(A=KEYS[0], B=KEYS[1], C=KEYS[2])
    bench = Bench(tmp_path, ScriptedProvider(respond=lambda *_: fails("permission", retryable=False)), environ=environ)
    references = tuple(KeyReference.parse(f"${name}") for name in "ABC")
    with pytest.raises(ModelError, match="All 3 keys"):
        await bench.run(call(Config(providers={"anthropic": ProviderConfig(api_keys=references)})))
    assert (len(bench.provider.keys), environ.looked_up) == (3, 2)


async def test_a_key_that_another_request_lost_is_missed_in_words(tmp_path: Path) -> None:
    environ = {"OUR_KEY": KEYS[0]}

    class Loses:
        def specs(self) -> tuple[ToolSpec, ...]:
            return ()

        async def call(self, name: str, arguments: JsonObject) -> ToolOutcome:
            environ.clear()
            with pytest.raises(ModelError, match="it was authentication"):
                await bench.run(call(from_variable()))
            return ToolOutcome("", False, "lost it")

    asks: Script = [TurnEnd("tool_use", Usage(), "m", (ToolUseBlock("id", "tool", {}),))]
    bench = Bench(tmp_path, ScriptedProvider(asks, fails("authentication", retryable=False)), environ=environ)
    with pytest.raises(ModelError, match="is gone") as raised:
        await bench.run(call(from_variable(), toolbox=Loses()))
    assert raised.value.kind == "no_key"


async def test_a_refused_key_gets_another_chance_only_where_a_person_asks(tmp_path: Path) -> None:
    refused = fails("authentication", retryable=False)
    bench = Bench(tmp_path, ScriptedProvider(refused, refused, says("ok")))
    for _ in range(2):
        with pytest.raises(ModelError):
            await bench.run(call())
    for _ in range(5):
        with pytest.raises(ModelError, match="The only key is refused"):
            await bench.run(call(interactive=False))
    assert len(bench.provider.requests) == 2
    assert (await bench.run(call())).text == "ok"


async def test_running_requests_keep_their_key_and_new_ones_take_the_new(tmp_path: Path) -> None:
    gate = asyncio.Event()
    bench = Bench(tmp_path, ScriptedProvider([gate, *says("old")], says("new")))
    running = asyncio.ensure_future(bench.run(call(config(KEYS[0]))))
    while not bench.provider.running:
        await asyncio.sleep(0.001)
    assert (await bench.run(call(config(KEYS[1])))).text == "new"
    gate.set()
    assert (await running).text == "old"
    assert bench.provider.keys == [KEYS[0], KEYS[1]]


async def test_all_who_ask_at_once_look_the_keys_up_once(tmp_path: Path) -> None:
    opened: list[int] = []
    held = threading.Event()

    def open_vault() -> Vault:
        opened.append(threading.get_ident())
        held.wait(10)
        return bench.vault

    bench = Bench(tmp_path, ScriptedProvider(respond=lambda *_: says("ok")), open_vault=open_vault)
    bench.vault.set("anthropic_api_key", KEYS[0])
    tasks = [asyncio.ensure_future(bench.run(call(Config()))) for _ in range(20)]
    while not opened:
        await asyncio.sleep(0.001)
    tasks[0].cancel()
    held.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError), "one that is cancelled takes none of the others with it"
    assert len(bench.provider.requests) == 19
    assert len(opened) == 1
    assert opened[0] != threading.get_ident(), "a keyring may block: not on the event loop"


async def test_a_thousand_rotations_under_load_fail_no_request(tmp_path: Path) -> None:
    limited: set[str] = set()
    count = rotations = 0

    def respond(_: ModelRequest, key: Secret | None) -> Script:
        nonlocal count, rotations
        count += 1
        name = key.reveal() if key else ""
        if name not in limited and len(limited) < len(KEYS) - 1:
            limited.add(name)
            rotations += 1
            return fails("rate_limited", 1)
        return [TextDelta("ok"), TurnEnd("end_turn", Usage(1, 1), "m", ())]

    bench = Bench(tmp_path, ScriptedProvider(respond=respond))
    rounds = 0
    while rotations < 1000:
        answers = await asyncio.gather(*(bench.run(call(config(*KEYS))) for _ in range(4)))
        assert {answer.text for answer in answers} == {"ok"}
        limited.clear()
        bench.now_s += 2
        rounds += 1
    assert count == rounds * 4 + rotations


def at(base_url: str | None, key: str) -> Config:
    provider = ProviderConfig(base_url=base_url, api_keys=(KeyReference.parse(key),))
    return Config(providers={"anthropic": provider})


async def test_a_key_for_a_new_address_never_goes_to_the_old_one(tmp_path: Path) -> None:
    gate = asyncio.Event()
    old = ScriptedProvider([gate, *fails("rate_limited", 90)], says("leaked"))
    new = ScriptedProvider(says("new"))
    bench = Bench(tmp_path, old, build=lambda _, provider, __: old if provider.base_url else new)
    running = asyncio.ensure_future(bench.run(call(at("https://gateway", KEYS[0]))))
    while not old.running:
        await asyncio.sleep(0)
    assert (await bench.run(call(at(None, KEYS[1])))).text == "new"
    gate.set()
    with pytest.raises(ModelError):
        await running
    assert (old.keys, new.keys) == ([KEYS[0]], [KEYS[1]])


async def test_a_rest_that_one_address_asked_for_does_not_hold_for_another(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("rate_limited", 3600), says("ok")))
    with pytest.raises(ModelError):
        await bench.run(call(at("https://gateway", KEYS[0])))
    assert (await bench.run(call(at(None, KEYS[0])))).text == "ok"


@pytest.mark.parametrize("kind", ["rate_limited", "authentication"])
async def test_an_answer_that_began_before_a_key_failed_does_not_heal_it(kind: ErrorKind, tmp_path: Path) -> None:
    gate = asyncio.Event()
    failure = fails(kind, 30, retryable=kind == "rate_limited")
    bench = Bench(tmp_path, ScriptedProvider([gate, *says("slow")], failure, says("ok"), says("ok")))
    slow = asyncio.ensure_future(bench.run(call(config(*KEYS))))
    while not bench.provider.running:
        await asyncio.sleep(0)
    await bench.run(call(config(*KEYS)))
    gate.set()
    await slow
    await bench.run(call(config(*KEYS)))
    assert bench.provider.keys[-1] == KEYS[1]


async def test_a_piece_without_text_shows_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider([TextDelta(""), *fails("overloaded")], says("ok")))
    assert (await bench.run(call())).text == "ok"
