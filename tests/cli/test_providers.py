from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from missy_lsp.cli.switching import with_default_provider
from missy_lsp.errors import ConfigError
from tests.support.commands import Missy
from tests.support.configuration import FAKE_KEY, write_user_config
from tests.support.fake_api import FakeApi, answer

AVAILABLE = "Providers:\n  anthropic: available (claude-sonnet-4-6)\n"
NO_KEY = (
    "Providers:\n  anthropic: unavailable "
    "(no API key; set ANTHROPIC_API_KEY or run: missy vault set anthropic_api_key)\n"
)
SETUP_TOKEN = (
    "Providers:\n  anthropic: unavailable "
    "(setup token sk-ant-oat…; the Messages API needs a key that starts with sk-ant-api)\n"
)


def write(home: Path, text: str) -> Path:
    path = home / ".missy" / "config.yaml"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(text.encode())
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("arguments", [[], ["list"]], ids=["bare", "list"])
@pytest.mark.parametrize(
    ("config", "key", "expected"),
    [
        (None, FAKE_KEY, AVAILABLE),
        ('providers:\n  anthropic:\n    name: anthropic\n    model: "claude-sonnet-4-6"\n', FAKE_KEY, AVAILABLE),
        (f'providers:\n  anthropic:\n    name: anthropic\n    api_key: "{FAKE_KEY}"\n', None, AVAILABLE),
        (None, None, NO_KEY),
        (None, "", NO_KEY),
        (None, "sk-ant-oat01-FAKE-CANARY", SETUP_TOKEN),
        ("providers: {anthropic: {api_key: sk-ant-oat01-FAKE-CANARY}}", FAKE_KEY, SETUP_TOKEN),
        (
            "providers: {anthropic: {enabled: false}}",
            FAKE_KEY,
            "Providers:\n  anthropic: unavailable (disabled)\n",
        ),
    ],
    ids=["variable", "seed config", "inline", "no key", "empty key", "token", "inline token", "disabled"],
)
def test_the_list_is_that_of_the_contract_to_the_letter(
    missy: Missy,
    isolated_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: str | None,
    key: str | None,
    expected: str,
    arguments: list[str],
) -> None:
    if key is not None:
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    if config is not None:
        write(isolated_home, config)
    run = missy("providers", *arguments)
    assert (run.code, run.out, run.err) == (0, expected, "")


def test_a_stored_key_makes_the_provider_available(missy: Missy) -> None:
    assert missy("vault", "set", "anthropic_api_key", FAKE_KEY).code == 0
    assert missy("providers").out == AVAILABLE


def test_a_referenced_vault_entry_makes_the_provider_available(missy: Missy, isolated_home: Path) -> None:
    write(isolated_home, 'providers: {anthropic: {api_key: "vault://my_key"}}')
    assert "unavailable" in missy("providers").out
    missy("vault", "set", "my_key", FAKE_KEY)
    assert missy("providers").out == AVAILABLE


def test_a_missing_package_is_the_reason(missy: Missy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", FAKE_KEY)
    monkeypatch.setitem(sys.modules, "anthropic", None)
    run = missy("providers")
    assert (run.code, run.out) == (0, 'Providers:\n  anthropic: unavailable (package "anthropic" is not installed)\n')


def test_offline_is_listed_when_asked_for_or_configured(missy: Missy, isolated_home: Path) -> None:
    assert "offline" not in missy("providers").out
    assert "  offline: available" in missy("providers", "--offline").out
    write(isolated_home, "providers: {offline: {name: offline}}\ndefault_provider: offline\n")
    assert "  offline: available" in missy("providers").out


def test_json_has_the_names_of_the_contract(missy: Missy, api: FakeApi) -> None:
    run = missy("providers", "--json")
    (provider,) = json.loads(run.out)
    assert run.code == 0
    assert {name: provider[name] for name in provider if name != "keys"} == {
        "name": "anthropic",
        "available": True,
        "model": "claude-sonnet-4-6",
        "fastModel": "claude-haiku-4-5",
        "premiumModel": "claude-opus-4-6",
        "default": True,
        "baseUrl": api.base_url,
    }
    assert set(provider["keys"]) == {"count", "source"}
    assert provider["keys"]["count"] == 1


def test_json_says_why_a_provider_can_not_serve(missy: Missy) -> None:
    (provider,) = json.loads(missy("providers", "--json").out)
    assert provider["available"] is False
    assert provider["reason"].startswith("no API key; ")


def test_listing_asks_nobody(missy: Missy, api: FakeApi) -> None:
    for arguments in ([], ["-v"], ["--json"]):
        assert missy("providers", *arguments).code == 0
    assert api.connections == 0


@pytest.mark.parametrize("arguments", [["-v"], ["--json"], ["-v", "--json"]], ids=" ".join)
def test_keys_are_told_but_never_shown(missy: Missy, isolated_home: Path, arguments: list[str]) -> None:
    keys = ["sk-ant-api03-FAKE-CANARY-one", "sk-ant-api03-FAKE-CANARY-two"]
    write_user_config(isolated_home, "http://127.0.0.1:9", providers={"anthropic": {"api_keys": keys}})
    run = missy("providers", *arguments)
    assert run.code == 0
    assert "CANARY" not in run.out + run.err
    assert "sk-ant" not in run.out + run.err
    if "--json" not in arguments:
        assert run.out.startswith(AVAILABLE)
        assert len([line for line in run.out.splitlines() if line.startswith("    key ")]) == 2


@pytest.mark.parametrize(
    "content",
    ["providers: [\n", "providers: {anthropic: {timeout: soon}}\n", "\0"],
    ids=["syntax", "type", "nul"],
)
def test_a_bad_user_file_is_an_error_with_its_place(missy: Missy, isolated_home: Path, content: str) -> None:
    path = write(isolated_home, content)
    run = missy("providers")
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith(f"missy: {path}:")


# --- switch ---------------------------------------------------------------------------------------

LAID_OUT = """\
# my file
config_version: 2   # the version
default_provider:   first   # the one I like

providers:
    first:  {name: anthropic}   # one

    "2nd": {name: offline}
    third: {name: offline}
"""


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        (LAID_OUT, "third", LAID_OUT.replace("  first   #", "  third   #")),
        (LAID_OUT, "2nd", LAID_OUT.replace("  first   #", '  "2nd"   #')),
        (LAID_OUT.replace("\n", "\r\n"), "third", LAID_OUT.replace("  first   #", "  third   #").replace("\n", "\r\n")),
        (LAID_OUT.replace("  first   #", " 'first'#"), "third", None),
        ("providers: {a: {name: offline}, b: {name: offline}}", "b", None),
        ("# only\nproviders: {b: {name: offline}}\n", "b", None),
        (
            "default_provider:   # mine\nproviders: {b: {name: offline}}\n",
            "b",
            "default_provider: b   # mine\nproviders: {b: {name: offline}}\n",
        ),
        (
            "providers: {b: {name: offline}}\r\n'default_provider' :\r\n",
            "b",
            "providers: {b: {name: offline}}\r\n'default_provider' : b\r\n",
        ),
        (
            "default_provider: ~\nproviders: {b: {name: offline}}\n",
            "b",
            "default_provider: b\nproviders: {b: {name: offline}}\n",
        ),
        ("{default_provider: a, providers: {a: {name: offline}, b: {name: offline}}}\n", "b", None),
        ("---\nproviders: {b: {name: offline}}\n", "b", None),
        ("%YAML 1.2\n---\nproviders: {b: {name: offline}}\n...\n", "b", None),
        ("{providers: {b: {name: offline}}}\n", "b", None),
        ("config_version: 2\nproviders: {b: {name: offline}}", "b", None),
        ("config_version:\n  2\nproviders: {b: {name: offline}}", "b", None),
        ("default_provider: >-\n  a\nproviders: {a: {name: offline}, b: {name: offline}}\n", "b", None),
        ("ключ: 😀\ndefault_provider: a # 😀\nproviders: {a: {name: offline}, b: {name: offline}}\n", "b", None),
        ("# x\u2028# y\ndefault_provider: a\nproviders: {a: {name: offline}, b: {name: offline}}\n", "b", None),
        ("providers: {on: {name: offline}, b: {name: offline}}\n", "on", None),
        ("providers: {b: {name: offline}, 'true': {name: offline}}\n", "true", None),
    ],
    ids=[
        *("plain", "quoted name", "crlf", "quoted value", "no entry", "comment first", "empty value"),
        *("empty value of a quoted key", "null"),
        *("flow", "marker", "directive", "flow without entry", "no line end", "version over two lines"),
        *("block text", "wide characters", "line separator", "a word of YAML 1.1", "a word of YAML 1.2"),
    ],
)
def test_switching_changes_one_value_and_nothing_else(
    missy: Missy, isolated_home: Path, before: str, name: str, after: str | None
) -> None:
    path = write(isolated_home, before)
    run = missy("providers", "switch", name, "--json")
    if run.code != 0:  # it may refuse a layout that it can't keep, but then it says so and touches nothing
        assert after is None
        assert "default_provider" in json.loads(run.out)["error"]["message"]
        assert path.read_bytes() == before.encode()
        return
    assert {entry["name"]: entry["default"] for entry in json.loads(run.out)}[name] is True
    changed = path.read_bytes().decode()
    if after is not None:
        assert changed == after
    removed = [line for line in before.splitlines() if line not in changed.splitlines()]
    assert all("default_provider" in line for line in removed)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


HERE = "~/clients/acme"
TWO = "providers: {a: {name: offline}, b: {name: offline}}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TWO, f"{TWO}folders:\n  {HERE}: b\n"),
        (TWO.rstrip(), f"{TWO}folders:\n  {HERE}: b\n"),
        (f"folders:   # mine\n{TWO}", f"folders:   # mine\n  {HERE}: b\n{TWO}"),
        (f"folders: {{}}  # mine\n{TWO}", f"folders:  # mine\n  {HERE}: b\n{TWO}"),
        (f"folders: ~\n{TWO}", f"folders:\n  {HERE}: b\n{TWO}"),
        (f"folders: {{\n}}\n{TWO}", None),
        (f"folders:\n    ~/x:   a  # x\n\n{TWO}", f"folders:\n    {HERE}: b\n    ~/x:   a  # x\n\n{TWO}"),
        (f"folders:\n  {HERE}: a  # here\n{TWO}", f"folders:\n  {HERE}: b  # here\n{TWO}"),
        (f'folders:\n  "{HERE}/src/..": a\n{TWO}', f'folders:\n  "{HERE}/src/..": b\n{TWO}'),
        (f"folders: {{{HERE}: a, ~/x: b}}\n{TWO}", f"folders: {{{HERE}: b, ~/x: b}}\n{TWO}"),
        (f"folders: {{~/x: b}}\n{TWO}", None),
        ("{providers: {a: {name: offline}, b: {name: offline}}}\n", None),
        (f"{TWO}...\n", None),
    ],
    ids=[
        *(
            "no folders",
            "no line end",
            "empty",
            "an empty map",
            "null",
            "an empty map on two lines",
            "others",
            "the same",
            "the same otherwise",
            "flow",
        ),
        *("new in flow", "all flow", "document end"),
    ],
)
def test_switching_here_gives_the_folder_to_a_provider_and_changes_nothing_else(
    missy: Missy, isolated_home: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str | None
) -> None:
    path = write(isolated_home, before)
    workspace = isolated_home / "clients" / "acme"
    for name in (".missy", "src"):
        (workspace / name).mkdir(parents=True)
    monkeypatch.chdir(workspace / "src")
    run = missy("providers", "switch", "b", "--here", "--json")
    if after is None:
        assert f'below `folders:`: "{HERE}": b' in json.loads(run.out)["error"]["message"]
        assert path.read_text() == before
        return
    assert path.read_text() == after
    assert [entry["name"] for entry in json.loads(run.out) if entry["default"]] == ["b"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = missy("config", "show").out
    assert f"default_provider: b  # {path}:" in shown
    monkeypatch.chdir(isolated_home)
    assert json.loads(missy("config", "show", "--json").out)["default_provider"] == "anthropic"


def test_the_default_is_switched_and_the_folder_that_keeps_its_own_is_named(
    missy: Missy, isolated_home: Path, tmp_path: Path
) -> None:
    write(isolated_home, f"{TWO}folders: {{{json.dumps(str(tmp_path))}: a}}\n")
    run = missy("providers", "switch", "b")
    assert (run.code, "a still serves here" in run.err) == (0, True)


def test_code_of_a_folder_goes_to_its_provider_wherever_the_command_is_run(
    missy: Missy, isolated_home: Path, tmp_path: Path, api: FakeApi
) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "a.py").write_text("x = 1\n")
    with FakeApi() as acme:
        acme.respond = api.respond = lambda request: answer("ok")
        providers = {
            name: {"api_key": f"{FAKE_KEY}-{name}", "base_url": server.base_url}
            for name, server in (("anthropic", api), ("acme", acme))
        }
        write_user_config(isolated_home, providers=providers, folders={str(folder): "acme"})
        for more in (["why?"], ["--action", "explain"]):
            assert missy("ask", *more, "--file", str(folder / "a.py")).code == 0
        assert (len(acme.requests), len(api.requests)) == (2, 0)
        assert missy("ask", "why?", "--file", str(folder / "a.py"), "--provider", "anthropic").code == 0
        assert missy("ask", "why?").code == 0
        assert (len(acme.requests), len(api.requests)) == (2, 2)


def test_a_folder_whose_provider_is_gone_is_served_by_no_other(
    missy: Missy, isolated_home: Path, tmp_path: Path
) -> None:
    write_user_config(isolated_home, "http://127.0.0.1:9", folders={str(tmp_path): "gone"})
    run = missy("ask", "why?")
    assert run.code == 1
    assert 'folders gives this place to "gone", which is not under providers' in run.err
    assert "Choose one: missy providers switch NAME --here\n" in run.err
    assert "folders: gone is not under `providers`" in missy("config", "check").out


def test_switching_makes_a_file_where_there_is_none(missy: Missy, isolated_home: Path) -> None:
    run = missy("providers", "switch", "anthropic")
    path = isolated_home / ".missy" / "config.yaml"
    assert (run.code, run.out) == (0, NO_KEY)
    assert path.read_text() == "default_provider: anthropic\n"
    assert sys.platform == "win32" or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_switching_keeps_a_link_to_the_file(missy: Missy, isolated_home: Path, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.yaml"
    target.write_text("providers: {b: {name: offline}}\n")
    target.chmod(0o600)
    path = isolated_home / ".missy" / "config.yaml"
    path.parent.mkdir(mode=0o700)
    path.symlink_to(target)
    run = missy("providers", "switch", "b")
    assert run.code == 0, run.err
    assert path.is_symlink()
    assert "default_provider: b" in target.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["switch", "nobody"],
        ["switch", "nobody", "--here"],
        ["list", "--here"],
        ["switch"],
        ["switch", ""],
        ["list", "anthropic"],
        ["drop"],
        ["switch", "a", "b"],
    ],
    ids=" ".join,
)
def test_an_unknown_name_is_wrong_usage_and_changes_nothing(
    missy: Missy, isolated_home: Path, arguments: list[str]
) -> None:
    path = write(isolated_home, LAID_OUT)
    run = missy("providers", *arguments)
    assert (run.code, run.out) == (2, "")
    assert run.err.strip()
    assert path.read_text() == LAID_OUT


def test_switching_in_a_broken_file_fails_and_changes_nothing(missy: Missy, isolated_home: Path) -> None:
    path = write(isolated_home, "providers: [\n")
    assert missy("providers", "switch", "anthropic").code == 1
    assert path.read_text() == "providers: [\n"


def test_a_layout_that_can_not_be_kept_is_refused() -> None:
    with pytest.raises(ConfigError):
        with_default_provider("[1, 2]", "b")
