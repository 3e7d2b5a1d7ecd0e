"""Record which hosts this process speaks to: a test run has no business with any but its own machine."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator

import attrs

_CONTACTS = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"})


@attrs.frozen
class Contact:
    """What was done (the name of the audit event) with which host, as it was given."""

    event: str
    host: str

    def __str__(self) -> str:
        return f"{self.event} of {self.host}"


@attrs.define(eq=False)
class Egress:
    """The contacts since `install`; it must stay installed, since Python has no way to take an audit hook back."""

    contacts: list[Contact] = attrs.Factory(list)

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _CONTACTS:
            self.contacts.extend(Contact(event, host) for host in _hosts(event, arguments))

    def foreign(self) -> list[Contact]:
        """Return the contacts with hosts that are not this machine, each once."""
        return list(dict.fromkeys(contact for contact in self.contacts if not is_loopback(contact.host)))


def install() -> Egress:
    """Begin to record."""
    egress = Egress()
    sys.addaudithook(egress.hook)
    return egress


def is_loopback(host: str) -> bool:
    """Tell whether a host, a name or an address, is this machine."""
    name = host.lower().rstrip(".")
    # RFC 6761 §6.4: names below `invalid` are never anybody's; tests of a name that can't be found use one.
    if name in ("localhost", "ip6-localhost") or name.endswith(".invalid"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _hosts(event: str, arguments: tuple[object, ...]) -> Iterator[str]:
    given = arguments[0] if event.startswith("socket.get") else arguments[1]
    if isinstance(given, tuple) and given:  # an address of the internet families; a unix socket has a path
        given = given[0]
    elif not event.startswith("socket.get"):
        return
    match given:
        case str(host) if host:
            yield host
        case bytes(host) if host:
            yield host.decode("ascii", "backslashreplace")
        case _:
            return  # the wildcard of a listener's own look-up, a netlink number
