"""Hold a secret so that printing, logging or comparing an object that has one can't leak it."""

from __future__ import annotations

import hashlib
import hmac

_FINGERPRINT_LENGTH = 6


class Secret:
    """Wrap a secret text; only `reveal()` gives it back."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself; call it only where it leaves for its one destination."""
        return self._value

    def fingerprint(self) -> str:
        """Return six hex digits that tell keys apart without giving any of their characters away."""
        digest = hmac.new(b"missy-key-fingerprint", self._value.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return digest.hexdigest()[:_FINGERPRINT_LENGTH]

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"), other._value.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not pickled")
