"""What may be an endpoint: the address that keys and code are sent to."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

ANTHROPIC_URL = "https://api.anthropic.com"
_DEFAULT_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?")


def normalized_base_url(text: str) -> str:
    """Return the address in its one spelling: lower case, no default port, punycode, no slash at the end.

    Raises ValueError with the reason where it can't be an endpoint.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("this is not a URL") from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not host:
        raise ValueError("a URL that starts with https:// is expected")
    if any(not character.isprintable() or character.isspace() for character in text.strip()):
        raise ValueError("the URL holds a space or a control character")
    if "@" in parts.netloc:
        raise ValueError("a user name or password does not belong into the URL (nor does anything before an `@`)")
    if "?" in text or "#" in text:
        raise ValueError("a query or fragment (`?`, `#`) does not belong into the URL")
    if scheme == "http" and not _is_loopback(host):
        raise ValueError(
            f"http:// sends the key and the code unprotected to {host}; only https:// is taken, or this machine"
        )
    path = parts.path.rstrip("/")
    if path.endswith(("/v1", "/v1/messages")):
        raise ValueError("leave `/v1` and what follows away at the end; it is added to every request")
    try:
        name = host if ":" in host or host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("the host's name is unusable") from None
    if ":" not in name and not _HOST.fullmatch(name.lower()):
        raise ValueError("the host's name is unusable")
    name = f"[{name}]" if ":" in name else name
    suffix = "" if port is None or port == _DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{name.lower()}{suffix}{path}"


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
