"""A premium request is asked about first, where the user wants that, by the editor's own message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, answer
from tests.support.lsp_process import LspProcess

CAN_ASK = {"window": {"showMessage": {"messageActionItem": {}}}}
BY_RULE = {"confirm_premium": True, "actions": {"ask": "premium"}}


@pytest.mark.parametrize(
    ("capabilities", "chosen", "more", "tier", "asked"),
    [
        (CAN_ASK, 0, {}, "premium", True),
        (CAN_ASK, 1, {}, "primary", True),
        (CAN_ASK, None, {}, "primary", True),
        (CAN_ASK, 0, {"tier": "premium"}, "premium", False),
        ({}, 0, {}, "primary", False),
    ],
    ids=["yes", "no", "closed", "named", "nobody to ask"],
)
def test_the_premium_tier_waits_for_a_yes(
    isolated_home: Path, capabilities: Any, chosen: int | None, more: dict[str, str], tier: str, asked: bool
) -> None:
    questions: list[Any] = []

    def choose(params: Any) -> Any:
        questions.append(params)
        return None if chosen is None else params["actions"][chosen]

    with FakeApi() as api, LspProcess() as server:
        write_user_config(isolated_home, api.base_url, routing=BY_RULE)
        api.enqueue(answer("ok"))
        server.answer("window/showMessageRequest", choose)
        server.initialize(capabilities=capabilities)
        told = server.command("missy.ask", {"prompt": "why?", "wait": True, **more})["result"]
        model = api.requests[0].json["model"]
    assert (told["tier"], model) == (tier, {"premium": "claude-opus-4-6", "primary": "claude-sonnet-4-6"}[tier])
    assert len(questions) == asked
    if asked:
        assert "premium tier (claude-opus-4-6, up to $0." in questions[0]["message"]
        assert "routing.actions: ask takes the premium tier" in questions[0]["message"]
    if tier == "primary":
        assert told["routeReasons"][0].startswith("the premium tier would have served this: ")
