"""Check the arguments of a tool call against the schema that the model was given."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from missy_lsp.llm.types import JsonObject
from missy_lsp.tools.outcome import ToolRefusedError, shown

_MAX_TEXT = 10_000
_MAX_NUMBER = 10_000_000
_TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool}
_WORDS = {"string": "a text", "integer": "a whole number", "boolean": "true or false"}


@attrs.frozen
class Fields:
    """The arguments of a call, each of its own type."""

    values: JsonObject

    def text(self, name: str, default: str) -> str:
        value = self.values.get(name, default)
        return value if isinstance(value, str) else default

    def number(self, name: str) -> int | None:
        value = self.values.get(name)
        return value if isinstance(value, int) else None

    def flag(self, name: str) -> bool:
        return self.values.get(name, False) is True


def checked(arguments: object, schema: JsonObject) -> Fields:
    """Return the arguments; raise ToolRefusedError where one is missing, unknown, too large or of a wrong type."""
    if not isinstance(arguments, Mapping):
        raise ToolRefusedError("The arguments must be one JSON object.")
    properties, required = schema["properties"], schema["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    for name, value in arguments.items():
        if name not in properties:
            known = ", ".join(properties)
            raise ToolRefusedError(f"There is no argument {shown(str(name))}; there are {known}.")
        _check(name, value, properties[name])
    for name in required:
        if name not in arguments:
            raise ToolRefusedError(f"The argument {name} is missing.")
    return Fields(arguments)


def _check(name: str, value: object, wanted: JsonObject) -> None:
    kind = str(wanted["type"])
    # bool is an int to Python, but not to the schema.
    if type(value) is not _TYPES[kind]:
        raise ToolRefusedError(f"The argument {name} must be {_WORDS[kind]}.")
    most = wanted.get("maxLength", _MAX_TEXT)
    if isinstance(value, str) and isinstance(most, int) and len(value) > most:
        raise ToolRefusedError(f"The argument {name} has more than {most} characters.")
    if type(value) is int and not 1 <= value <= _MAX_NUMBER:
        raise ToolRefusedError(f"The argument {name} must be a number from 1 to {_MAX_NUMBER}.")
