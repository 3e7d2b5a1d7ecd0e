"""What missy.status tells of each key, over a real server and an upstream that refuses one and limits another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from missy_lsp.secret import Secret
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, Reply, Request, answer, api_error
from tests.support.lsp_process import LspProcess

REFUSED, LIMITED, GOOD, SPARE = (f"sk-ant-api03-FAKE-CANARY-{name}" for name in ("refused", "limited", "good", "spare"))
KEYS = [REFUSED, LIMITED, GOOD, SPARE]
QUESTION = {"prompt": "why?", "tier": "primary", "tools": "off", "wait": True}


@pytest.fixture
def server(isolated_home: Path, api: FakeApi) -> LspProcess:
    provider = {"model": "claude-sonnet-4-6", "base_url": api.base_url, "api_keys": KEYS}
    write_user_config(isolated_home, providers={"anthropic": provider})
    api.respond = by_key
    return LspProcess()


def by_key(request: Request) -> Reply:
    """Answer as the API does to a key that was revoked, to one over its rate, and to a good one."""
    key = request.headers["x-api-key"]
    if key == REFUSED:
        return api_error(401, "authentication_error", "invalid x-api-key")
    if key == LIMITED:
        return api_error(429, "rate_limit_error", "slow down", {"retry-after": "60"})
    return answer("Since.")


def states(server: LspProcess) -> list[tuple[str, str]]:
    told = server.command("missy.status")["result"]["keys"]["anthropic"]
    assert [key["source"] for key in told] == [f"api_keys[{number}]" for number in range(len(KEYS))]
    return [(key["fingerprint"], key["state"]) for key in told]


def test_each_key_is_told_by_fingerprint_with_what_the_api_said_of_it(server: LspProcess, api: FakeApi) -> None:
    fingerprints = [Secret(key).fingerprint() for key in KEYS]
    with server:
        server.initialize()
        assert states(server) == [(fingerprint, "ready") for fingerprint in fingerprints], "before any request"
        assert api.connections == 0
        assert server.command("missy.ask", QUESTION)["result"]["text"] == "Since."
        told = states(server)
        assert [request.headers["x-api-key"] for request in api.requests] == [REFUSED, LIMITED, GOOD]
        assert [fingerprint for fingerprint, _ in told] == fingerprints
        refused, limited, *others = [state for _, state in told]
        assert refused == "refused by the API"
        rest = re.fullmatch(r"rate limited for (\d+) s", limited)
        assert rest is not None
        assert 0 < int(rest[1]) <= 60
        assert others == ["ready", "ready"]
        assert "CANARY" not in str(server.messages)
