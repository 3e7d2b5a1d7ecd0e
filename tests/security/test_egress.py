"""The recorder of what the test run speaks to: it sees every way out, and takes only this machine for this machine."""

from __future__ import annotations

import contextlib
import socket

import pytest

from tests.support.egress import Contact, Egress, is_loopback

FOREIGN = "192.0.2.1"  # a documentation address: nobody's


@pytest.fixture
def egress(recorded_egress: Egress) -> Egress:
    """A recorder of its own that sees what the one of the run sees, and hides it from that."""
    return recorded_egress


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::1%lo", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("169.254.169.254", False),
        ("api.anthropic.com", False),
        ("127.0.0.1.example.com", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_only_loopback_is_this_machine(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def test_the_run_is_recorded(egress: Egress) -> None:
    before = len(egress.contacts)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        socket.create_connection(listener.getsockname()).close()
    assert {contact.event for contact in egress.contacts[before:]} >= {"socket.bind", "socket.connect"}


def test_a_contact_with_another_host_is_seen_even_where_it_fails(egress: Egress) -> None:
    before = len(egress.contacts)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, contextlib.suppress(OSError):
        datagrams.connect((FOREIGN, 9))  # a datagram socket sends nothing for it
    seen = egress.contacts[before:]
    del egress.contacts[before:]  # or the run would fail for it, as it should
    assert Egress(seen).foreign() == [Contact("socket.connect", FOREIGN)]
