"""What can be configured: every field declared once, with its type, default, meaning and who may set it.

Validation, narrowing, the JSON Schema and the reference page all read these declarations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from missy_lsp.secret import Secret

# How a layer other than the user's file may set a field: not at all, as it likes, or only downwards in
# the field's order (a smaller number, an earlier one of its choices, false to true for `towards=True`).
Permission = Literal["no", "yes", "narrow"]

# What the keys of a map are: ids of actions, patterns of paths as .gitignore has them, or folders.
KeyKind = Literal["action", "pattern", "folder"]

CONFIG_VERSION = 2
TIER_CHOICES = ("auto", "fast", "primary", "premium")

# How hard a model works, from the least on; a model that does not know one gets the next lower one (api.md A.10).
EFFORTS = ("low", "medium", "high", "xhigh", "max")


def declared(
    default: Any,
    doc: str,
    *,
    workspace: Permission = "no",
    editor: Permission = "no",
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    max_characters: int | None = None,
    towards: bool | None = None,
    required: bool = False,
    keys: KeyKind | None = None,
) -> Any:
    """Declare a field; `choices` of a narrowed field stand from the most careful one to the least.

    `required`: the text may not be empty. `keys` makes the field a map; what else is declared holds for its values.
    """
    metadata = {
        "doc": doc,
        "workspace": workspace,
        "editor": editor,
        "choices": choices,
        "minimum": minimum,
        "max_characters": max_characters,
        "towards": towards,
        "required": required,
        "keys": keys,
    }
    return attrs.field(default=default, metadata=metadata)


def declared_effort(doc: str) -> Any:
    """Declare how hard the model of a tier works."""
    return declared("auto", doc, workspace="yes", editor="yes", choices=("auto", *EFFORTS))


@attrs.frozen
class KeyReference:
    """Where a key comes from: a literal in the file, an environment variable, or a vault entry.

    `name` is the variable's or the entry's name and empty for a literal, whose text is in `secret`.
    """

    kind: Literal["literal", "env", "vault"]
    name: str
    secret: Secret | None = None

    @classmethod
    def parse(cls, text: str) -> KeyReference:
        """Read `vault://NAME`, `$ENV_NAME`, or anything else as the key itself; the space around it is no part."""
        text = text.strip()
        if text.startswith("vault://"):
            return cls("vault", text.removeprefix("vault://"))
        if text.startswith("$"):
            return cls("env", text[1:].removeprefix("{").removesuffix("}"))
        return cls("literal", "", Secret(text))

    @property
    def shown(self) -> str:
        """Return the reference as it may be shown; a literal is hidden, also one that was pasted as a name."""
        if self.name.startswith("sk-"):
            return "(a key in the place of a name)"
        return {"literal": "(a key in the file)", "env": f"${self.name}", "vault": f"vault://{self.name}"}[self.kind]


@attrs.frozen
class ProviderConfig:
    """One entry of `providers`."""

    name: str = declared("anthropic", "Which implementation serves this entry.", required=True)
    model: str = declared("claude-sonnet-4-6", "The primary model.", workspace="yes", editor="yes", required=True)
    api_key: KeyReference | None = declared(
        None, "The key: the text itself, `vault://NAME` or `$ENV_NAME`; falls back to `ANTHROPIC_API_KEY`."
    )
    api_keys: tuple[KeyReference, ...] = declared((), "Several keys for rotation, in the same forms.")
    timeout: int = declared(30, "Seconds without a byte from upstream before a request fails.", editor="yes", minimum=1)
    fast_model: str = declared(
        "", "The model of the fast tier; empty: the primary model serves it.", workspace="yes", editor="yes"
    )
    premium_model: str = declared(
        "", "The model of the premium tier; empty: the primary model serves it.", workspace="yes", editor="yes"
    )
    enabled: bool = declared(True, "Whether this provider is used at all.")
    base_url: str | None = declared(None, "A gateway or local server that speaks the Messages API, without `/v1`.")
    max_output_tokens: int | None = declared(
        None, "A cap on the tokens of an answer; null: by action, up to the model's limit.", editor="yes", minimum=1
    )
    auth: str = declared(
        "auto",
        "How the key is sent: as a bearer token, as `x-api-key`, or as both; `auto` sends both to a `base_url` and "
        "the bearer token to Anthropic.",
        choices=("auto", "bearer", "x-api-key", "both"),
    )
    region: str | None = declared(
        None, "The cloud's region, for `bedrock` and `vertex`; null: what the cloud's own variables say."
    )
    project: str | None = declared(None, "The Google Cloud project, for `vertex`; null: that of the credentials.")


@attrs.frozen
class Routing:
    """How the tier of a request is chosen."""

    mode: str = declared(
        "auto",
        "`auto` decides by the request; a tier's name always takes that tier.",
        workspace="yes",
        editor="yes",
        choices=TIER_CHOICES,
    )
    confirm_premium: bool = declared(
        False, "Ask before a request goes to the premium tier.", workspace="narrow", editor="yes", towards=True
    )
    thinking: str = declared(
        "premium",
        "`premium`: the premium tier thinks before it answers where its model can, which is billed as output; `off`: "
        "no model thinks that can do without. A model that always thinks does so on every tier.",
        workspace="narrow",
        editor="yes",
        choices=("off", "premium"),
    )
    fast_effort: str = declared_effort("How hard the model of the fast tier works; `auto`: as it does by itself.")
    primary_effort: str = declared_effort("How hard the primary model works.")
    premium_effort: str = declared_effort("How hard the model of the premium tier works.")
    actions: Mapping[str, str] = declared(
        attrs.Factory(dict),
        "The tier of each action by its id, and of questions as `ask`, in place of the one that its file names; "
        "`auto`: as `mode` says.",
        workspace="yes",
        editor="yes",
        choices=TIER_CHOICES,
        keys="action",
    )
    paths: Mapping[str, str] = declared(
        attrs.Factory(dict),
        "The tier of requests about files, by patterns as in .gitignore, whatever the action; the last one that "
        "matches counts, and `auto` takes a file out.",
        workspace="yes",
        editor="yes",
        choices=TIER_CHOICES,
        keys="pattern",
    )


@attrs.frozen
class Hover:
    """Explanations on hover."""

    mode: str = declared(
        "auto",
        "`off`, only what is `cached`, `auto` by editor, or `always`.",
        workspace="narrow",
        editor="yes",
        choices=("off", "cached", "auto", "always"),
    )
    max_per_hour: int = declared(
        60, "How many explanations are generated in an hour at most.", workspace="narrow", editor="yes", minimum=0
    )


@attrs.frozen
class Completion:
    """Suggestions at the cursor (inline completion)."""

    mode: str = declared(
        "off",
        "`off`, `manual` where you ask for one by a key, or `auto`: also while you type, in editors that show them in "
        "the text.",
        workspace="narrow",
        editor="narrow",  # repositories carry editor settings, and this sends code without a question
        choices=("off", "manual", "auto"),
    )
    max_per_hour: int = declared(
        120,
        "How many suggestions are generated in an hour at most.",
        workspace="narrow",
        editor="narrow",
        minimum=0,
    )
    debounce_ms: int = declared(
        250, "Milliseconds without a key before one is generated while you type.", editor="yes", minimum=100
    )
    max_lines: int = declared(
        12, "How many lines a suggestion has at most.", workspace="narrow", editor="yes", minimum=1
    )


@attrs.frozen
class Edits:
    """What happens to a proposed change."""

    review: str = declared(
        "pending",
        "`pending` keeps a change for review, `direct` applies it at once.",
        workspace="narrow",
        editor="narrow",
        choices=("pending", "direct"),
    )


@attrs.frozen
class Tools:
    """What the model may do beyond answering."""

    mode: str = declared(
        "read",
        "No tools, tools that read the workspace, or also tools that propose edits.",
        workspace="narrow",
        editor="narrow",
        choices=("off", "read", "edit"),
    )


@attrs.frozen
class Context:
    """What is sent around a selection."""

    max_tokens: int = declared(
        12000,
        "How many tokens of files go with a request at most; the selection itself is never cut.",
        workspace="narrow",
        editor="yes",
        minimum=0,
    )


@attrs.frozen
class Privacy:
    """What is never sent."""

    ignore: tuple[str, ...] = declared(
        (), "Patterns, as in .gitignore, of files whose content is never sent.", workspace="yes", editor="yes"
    )
    redact_secrets: bool = declared(
        True, "Replace what looks like a secret before it is sent.", workspace="narrow", editor="narrow", towards=True
    )


@attrs.frozen
class Budget:
    """Caps on what may be spent."""

    daily_usd: float | None = declared(None, "USD a day; null: no cap.", workspace="narrow", editor="narrow", minimum=0)
    request_usd: float | None = declared(
        None, "USD for one request; null: no cap.", workspace="narrow", editor="narrow", minimum=0
    )
    on_exceed: str = declared(
        "refuse",
        "What becomes of a request that may pass a cap: it is refused, or a cheaper tier serves it where nobody has "
        "named the tier or the model.",
        workspace="narrow",
        editor="narrow",
        choices=("refuse", "cheaper"),
    )


@attrs.frozen
class Limits:
    """How much runs at once."""

    concurrent: int = declared(
        16, "Upstream streams at once; further requests wait their turn.", editor="yes", minimum=1
    )


@attrs.frozen
class Network:
    """How upstream is reached."""

    use_env_proxy: bool = declared(False, "Obey HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.")
    ca_bundle: str | None = declared(None, "A file of certificates to trust instead of the system's.")


@attrs.frozen
class Config:
    """A whole configuration, never changed: a new one replaces it."""

    default_provider: str = declared(
        "anthropic", "The entry of `providers` that serves when none is named.", editor="yes", required=True
    )
    folders: Mapping[str, str] = declared(
        attrs.Factory(dict),
        "The provider of what lies in a folder (absolute, or from `~` on), in place of `default_provider`; the "
        "nearest folder counts.",
        required=True,
        keys="folder",
    )
    providers: Mapping[str, ProviderConfig] = declared(
        attrs.Factory(lambda: {"anthropic": ProviderConfig()}), "The providers by a name of yours."
    )
    reply_language: str = declared(
        "",
        "The language of answers, such as `German`; empty: that of the question.",
        workspace="yes",
        editor="yes",
        max_characters=60,
    )
    # The one of `folders` that serves in the place that this configuration is for; nobody writes it down.
    folder_provider: str | None = None
    routing: Routing = attrs.field(factory=Routing)
    hover: Hover = attrs.field(factory=Hover)
    completion: Completion = attrs.field(factory=Completion)
    edits: Edits = attrs.field(factory=Edits)
    tools: Tools = attrs.field(factory=Tools)
    context: Context = attrs.field(factory=Context)
    privacy: Privacy = attrs.field(factory=Privacy)
    budget: Budget = attrs.field(factory=Budget)
    limits: Limits = attrs.field(factory=Limits)
    network: Network = attrs.field(factory=Network)


SECTIONS: Mapping[str, type[Any]] = {
    "routing": Routing,
    "hover": Hover,
    "completion": Completion,
    "edits": Edits,
    "tools": Tools,
    "context": Context,
    "privacy": Privacy,
    "budget": Budget,
    "limits": Limits,
    "network": Network,
}

# The fields that stand at the top level, outside of every section.
TOP_LEVEL: Mapping[str, attrs.Attribute[Any]] = {
    field.name: field for field in attrs.fields(Config) if field.metadata and field.name != "providers"
}

# Top-level sections of a Missy file that the assistant reads and this server does not.
_ASSISTANT = """
    agents api audit_log_path channels checkpoint container cost discord filesystem gateway heartbeat learning
    max_spend_usd mcp memory models observability persona playbook plugins policy profiles rate_limit sandbox
    scheduler scheduling security session shell skills stt tts vault vision voice watchdog webhook workspace_path
"""
# Keys of the assistant in sections that both of us read.
_ASSISTANT_NETWORK = """
    allowed_cidrs allowed_domains allowed_hosts default_deny discord_allowed_hosts interactive_approval presets
    provider_allowed_hosts rest_policies tool_allowed_hosts
"""
ASSISTANT_SECTIONS = frozenset(_ASSISTANT.split())
ASSISTANT_KEYS: Mapping[str, frozenset[str]] = {
    "network": frozenset(_ASSISTANT_NETWORK.split()),
    "tools": frozenset(["allow", "alsoAllow", "byProvider", "deny", "groups", "profile"]),
}
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VAULT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")


def reference_fault(reference: KeyReference) -> str | None:
    """Say what is wrong with the form of a key reference, None where nothing is."""
    if reference.kind == "env" and not _ENV_NAME.fullmatch(reference.name):
        return "after `$` the name of an environment variable is expected"
    if reference.kind == "vault" and not _VAULT_NAME.fullmatch(reference.name):
        return "after `vault://` a name of letters, digits, `_`, `-` or `.` is expected"
    if reference.secret is not None and reference.secret.reveal().lower().startswith("vault:"):
        return "an entry of the vault is written as `vault://NAME`, in small letters"
    return None
