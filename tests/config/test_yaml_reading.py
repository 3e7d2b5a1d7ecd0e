"""YAML is read by the core schema, with the place of every value, and nothing hostile gets far."""

from __future__ import annotations

import time

import pytest

from missy_lsp.config.nodes import ListNode, MapNode, Place, ScalarNode
from missy_lsp.config.yaml_reading import MAX_BYTES, YamlFault, read_yaml

LOADERS = ["libyaml", "python"]
ALIAS_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGE_BOMB = "a: &a {k: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{','.join([f'*{before}'] * 9)}]}}\n" for before, name in zip("abcde", "bcdef", strict=True)
)


@pytest.fixture(params=LOADERS, autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "python":
        monkeypatch.delattr("yaml.CSafeLoader", raising=False)


def value_of(text: str) -> object:
    root = read_yaml(f"key: {text}\n".encode())
    assert isinstance(root, MapNode)
    node = root.entries[0][1]
    assert isinstance(node, ScalarNode)
    return "fault" if node.fault else node.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("+12", 12),
        ("-3", -3),
        ("0", 0),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("0.5", 0.5),
        ("1_000", "1_000"),
        ("claude-haiku-4-5", "claude-haiku-4-5"),
        ("'012'", "012"),
        ('"2001-01-01"', "2001-01-01"),
        ("012", "fault"),
        ("-012", "fault"),
        ("01.5", "fault"),
        ("012e1", "fault"),
        ("190:20:30", "fault"),
        ("2001-01-01", "fault"),
        ("2001-01-01T10:00:00Z", "fault"),
        ("9" * 5000, "fault"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_plain_scalar_is_what_the_core_schema_says(text: str, value: object) -> None:
    found = value_of(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ALIAS_BOMB, "anchors"),
        (MERGE_BOMB, "anchors"),
        ("a: *b", "anchors"),
        ("&a a: 1", "anchors"),
        ('a: !!python/object/apply:os.system ["touch x"]', "tags"),
        ("a: !!python/name:os.system", "tags"),
        ("a: !!binary aGk=", "tags"),
        ("a: !x 1", "tags"),
        ("[" * 20_000, "deeper"),
        ("{a: " * 20_000, "deeper"),
        ("- x\n" * 20_001, "parts"),
        ("# " + "x" * MAX_BYTES, "larger"),
        ("a: 1\na: 2", "twice"),
        ("a: 1\n'a': 2", "twice"),
        ("x: {b: 1, b: 2}", "twice"),
        ("a: 1\n---\nb: 2", "more than one"),
        ("[a]: 1", "plain word"),
        ("a: [", "expected"),
        ("a: b: c", "not allowed"),
        ("a: 1\0", "not allowed"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_hostile_or_broken_is_refused_at_once(text: str, says: str) -> None:
    start = time.thread_time()
    with pytest.raises(YamlFault, match=says):
        read_yaml(text.encode())
    assert time.thread_time() - start < 5  # CPU, under any load; the bombs take minutes and gigabytes when they go off


@pytest.mark.parametrize("data", [b"\xff\xfea\0", b"a: \xff", b"\x80"], ids=repr)
def test_what_is_not_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(YamlFault, match="UTF-8"):
        read_yaml(data)


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"# only a comment\n", b"---\n", b"\r\n\r\n"], ids=repr)
def test_an_empty_file_has_no_settings(data: bytes) -> None:
    assert read_yaml(data) is None


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    assert read_yaml(b"\xef\xbb\xbfa: 1\r\nb: x\r\n") == read_yaml(b"a: 1\nb: x\n")


def test_every_value_has_its_place_in_code_points() -> None:
    root = read_yaml("# 🦊\nmap:\n  'é🦊': [one, 2]\n".encode())
    assert isinstance(root, MapNode)
    inner = root.entries[0][1]
    assert isinstance(inner, MapNode)
    key, value = inner.entries[0]
    assert key == ScalarNode("é🦊", Place(2, 2, 2, 6))
    assert isinstance(value, ListNode)
    assert value == ListNode(
        (ScalarNode("one", Place(2, 9, 2, 12)), ScalarNode(2, Place(2, 14, 2, 15))), Place(2, 8, 2, 16)
    )


def test_a_repeated_name_is_told_without_what_may_be_a_key_or_move_the_cursor() -> None:
    for name in ("sk-ant-api03-FAKE-0000", '"\\e[2J"'):
        with pytest.raises(YamlFault) as caught:
            read_yaml(f"{name}: 1\n{name}: 2\n".encode())
        assert "FAKE" not in caught.value.message
        assert caught.value.message.isprintable()
