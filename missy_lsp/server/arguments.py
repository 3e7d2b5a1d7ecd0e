"""The arguments of our commands: one JSON object each, checked strictly, names in camelCase."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from missy_lsp.document import Position
from missy_lsp.errors import UsageError
from missy_lsp.llm.types import TierChoice

ToolsChoice = Literal["off", "read", "edit"]
Token = str | int
Arguments = TypeVar("Arguments")

_JSON_NAMES: dict[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "an array",
    dict: "an object",
}
_UNDERSCORE = re.compile("_([a-z])")


@attrs.frozen
class Range:
    start: Position
    end: Position


@attrs.frozen
class TextDocument:
    uri: str
    version: int | None = None


@attrs.frozen
class Turn:
    role: Literal["user", "assistant"]
    content: str


@attrs.frozen
class NoArguments:
    pass


@attrs.frozen
class AskArguments:
    """`missy.ask` and `missy.route` (contract 3.1)."""

    prompt: str
    text_document: TextDocument | None = None
    range: Range | None = None
    history: tuple[Turn, ...] = ()
    provider: str | None = None
    model: str | None = None
    tier: TierChoice | None = None
    tools: ToolsChoice | None = None
    partial_result_token: Token | None = None
    wait: bool | None = None


@attrs.frozen
class ChatArguments:
    """`missy.chatSend` and `missy.chatFork`; a range names the turn to fork from."""

    text_document: TextDocument
    range: Range | None = None
    partial_result_token: Token | None = None
    wait: bool | None = None


@attrs.frozen
class DiagnosticArgument:
    """A diagnostic as an editor hands it back (LSP 3.17, Diagnostic); what else it holds is not read."""

    range: Range
    message: str
    severity: int | None = None
    source: str | None = None
    code: Any = None


@attrs.frozen
class RunActionArguments:
    """`missy.runAction` (contract 3.1)."""

    action: str
    text_document: TextDocument
    range: Range | None = None
    instruction: str = ""
    provider: str | None = None
    model: str | None = None
    tier: TierChoice | None = None
    diagnostics: tuple[DiagnosticArgument, ...] = ()
    partial_result_token: Token | None = None
    wait: bool | None = None


@attrs.frozen
class PreviewArguments:
    """`missy.preview`: those of `missy.ask`, or with `action` those of `missy.runAction`."""

    prompt: str | None = None
    action: str | None = None
    text_document: TextDocument | None = None
    range: Range | None = None
    instruction: str = ""
    history: tuple[Turn, ...] = ()
    provider: str | None = None
    model: str | None = None
    tier: TierChoice | None = None
    tools: ToolsChoice | None = None
    diagnostics: tuple[DiagnosticArgument, ...] = ()
    partial_result_token: Token | None = None
    wait: bool | None = None


@attrs.frozen
class ListActionsArguments:
    text_document: TextDocument | None = None
    range: Range | None = None


@attrs.frozen
class AcceptArguments:
    """`missy.accept`: the whole change, the hunks with these numbers (from 0), or the files with these URIs."""

    id: str
    hunks: tuple[int, ...] | None = None
    files: tuple[str, ...] | None = None
    tier: TierChoice | None = None


@attrs.frozen
class EditArguments:
    """`missy.discard` and `missy.editProposal`."""

    id: str
    tier: TierChoice | None = None


@attrs.frozen
class MoveKeyArguments:
    """`missy.moveKeyToVault`: where the key stands in the user's configuration file, and the entry it becomes."""

    text_document: TextDocument
    range: Range
    name: str


@attrs.frozen
class ShowDiffArguments:
    """`missy.showDiff`; with `show: false` nothing is opened, for a plugin that has a view of its own."""

    id: str
    show: bool = True


@attrs.frozen
class RetryArguments:
    """`missy.retry`: the same action again, on a tier of the user's choice."""

    id: str
    tier: TierChoice | None = None
    partial_result_token: Token | None = None
    wait: bool | None = None


@attrs.frozen
class UsageArguments:
    """`missy.usage`: since a date (`2026-11-01`) or for how long (`12h`, `7d`, `2w`)."""

    since: str = "30d"


@attrs.frozen
class NameArguments:
    name: str


@attrs.frozen
class StopArguments:
    id: str | None = None


@attrs.frozen
class ResultArguments:
    id: str


@attrs.frozen
class TrustArguments:
    folder: str
    trust: bool = True


def new_argument_converter() -> cattrs.Converter:
    """Build a converter that coerces nothing and knows the camelCase names."""
    converter = cattrs.Converter()
    for exact in (str, int, bool):
        converter.register_structure_hook(exact, _exactly(exact))
    converter.register_structure_hook(Token, _token)
    converter.register_structure_hook_func(lambda kind: kind == (Token | None), _optional_token)
    converter.register_structure_hook_factory(attrs.has, lambda cls: _structure_by_camel_case(cls, converter))
    return converter


def read_arguments(converter: cattrs.Converter, cls: type[Arguments], arguments: Sequence[Any] | None) -> Arguments:
    """Read the one object that a command takes; none counts as an empty one.

    Raises UsageError, which says what is wrong and where.
    """
    values = arguments or [{}]
    if len(values) != 1 or not isinstance(values[0] if values[0] is not None else {}, dict):
        raise UsageError("The command takes one object as its argument.")
    given = {name: value for name, value in (values[0] or {}).items() if value is not None}
    try:
        return converter.structure(given, cls)
    except (cattrs.BaseValidationError, ValueError, TypeError, RecursionError) as error:
        faults = "; ".join(cattrs.transform_error(error, path="arguments", format_exception=_fault))[:500]
        raise UsageError(f"The arguments are malformed: {_camel_case(faults)}.") from None


def _structure_by_camel_case(cls: type[Any], converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    names = {field.name: override(rename=_camel_case(field.name)) for field in attrs.fields(cls)}
    structure = make_dict_structure_fn(cls, converter, _cattrs_detailed_validation=True, **names)  # type: ignore[arg-type]

    def check(value: Any, kind: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError(f"expected an object, got {_in_json(type(value))}")
        return structure(value, kind)

    return check


def _fault(error: BaseException, kind: type | None) -> str:
    """Say in words what is wrong with one value; cattrs adds the place."""
    match error:
        case KeyError():
            return f"{error.args[0]} is missing"
        case TypeError():
            return str(error)
        case _ if get_origin(kind) is Literal or "literal" in str(error):
            return f"expected one of {', '.join(_choices(kind)) or 'the documented values'}"
        case _:
            return "the value has a wrong shape"


def _choices(kind: Any) -> list[str]:
    """Return the values that a literal type allows, or one in a union with others."""
    if get_origin(kind) is Literal:
        return [str(value) for value in get_args(kind)]
    return [choice for part in get_args(kind) for choice in _choices(part)]


def _in_json(kind: type) -> str:
    return _JSON_NAMES.get(kind, "something else")


def _camel_case(name: str) -> str:
    return _UNDERSCORE.sub(lambda match: match[1].upper(), name)


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    def check(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"expected {_in_json(kind)}, got {_in_json(type(value))}")
        return value

    return check


def _token(value: Any, _: Any) -> Token:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    raise TypeError("expected a string or an integer")


def _optional_token(value: Any, kind: Any) -> Token | None:
    return None if value is None else _token(value, kind)
