"""What leaves the machine: secrets are replaced by placeholders, characters that nobody sees are left out.

The user's document stays as it is; a reply that edits it gets its secrets back (`outbound/redaction.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from missy_lsp.characters import strip_invisible
from missy_lsp.document import Snapshot, Span
from missy_lsp.features.ask import AskInput
from missy_lsp.features.material import Attachment
from missy_lsp.llm.types import Block, Message, Prompt, TextBlock
from missy_lsp.outbound.redaction import Redacted, redact_secrets

LARGEST_SEARCHED_CHARACTERS = 200_000


@attrs.frozen
class Withheld:
    """What was not sent: how many secrets of which kinds, how many invisible characters."""

    secrets: int = 0
    kinds: tuple[str, ...] = ()
    invisible: int = 0

    def __add__(self, other: Withheld) -> Withheld:
        kinds = tuple(dict.fromkeys((*self.kinds, *other.kinds)))
        return Withheld(self.secrets + other.secrets, kinds, self.invisible + other.invisible)

    def sentences(self) -> tuple[str, ...]:
        """Say it to the user, a sentence each; nothing where nothing was withheld."""
        said = []
        if self.secrets:
            places = "1 secret was" if self.secrets == 1 else f"{self.secrets} secrets were"
            said.append(f"{places} not sent ({', '.join(self.kinds)}).")
        if self.invisible:
            characters = (
                "1 invisible character was" if self.invisible == 1 else f"{self.invisible} invisible characters were"
            )
            said.append(f"{characters} not sent.")
        return tuple(said)


def withheld_in(redacted: Iterable[Redacted], invisible: int = 0) -> Withheld:
    """Add up what was replaced in the texts of one request."""
    texts = [Withheld(each.count, each.kinds) for each in redacted]
    return sum(texts, Withheld(invisible=invisible))


def redacted_document(snapshot: Snapshot) -> tuple[Redacted, Redacted | None]:
    """Redact the text of a document and the earlier one that goes out before it, None where there is none to send.

    The earlier text is redacted as if it were alone, as it was when it was the document: the bytes are the same. It is
    not sent where the two don't agree on what is a secret and what stands for it.
    """
    if snapshot.base is None:
        return redact_secrets(snapshot.text), None
    base = redact_secrets(snapshot.base)
    redacted = redact_secrets(snapshot.text, (base,))
    names = {replacement.placeholder for replacement in redacted.replacements}
    if (
        redacted.literals != base.literals
        or any(replacement.placeholder not in names for replacement in base.replacements)
        or any(replacement.secret.reveal() in base.text for replacement in redacted.replacements)
    ):
        return redact_secrets(snapshot.text), None
    return redacted, base


def redacted_snapshot(snapshot: Snapshot, redacted: Redacted, base: Redacted | None) -> Snapshot:
    """Return a document as it may be sent; its span moves along and cuts no placeholder in two."""
    span = None if snapshot.span is None else redacted.span_of(snapshot.span)
    return attrs.evolve(snapshot, text=redacted.text, span=span, base=None if base is None else base.text)


@attrs.frozen
class Stretch:
    """A stretch of a text with a place in it, and the same as they may be sent."""

    text: str
    span: Span
    redacted: Redacted

    @property
    def sent_span(self) -> Span:
        return self.redacted.span_of(self.span)


def stretch_around(text: str, span: Span, *, redact: bool = True) -> Stretch:
    """Return what may be sent of a text around a place: all of it, or of a very long one the stretch in its middle.

    Secrets are looked for before anything else is cut out: what tells that a long key is one may stand far from its
    middle.
    """
    first, last = 0, len(text)
    if last > LARGEST_SEARCHED_CHARACTERS:
        first = max(0, span.start - LARGEST_SEARCHED_CHARACTERS // 2)
        last = span.end + LARGEST_SEARCHED_CHARACTERS // 2
    text = text[first:last]
    redacted = redact_secrets(text) if redact else Redacted(text)
    return Stretch(text, Span(span.start - first, span.end - first), redacted)


def redacted_attachments(
    attachments: tuple[Attachment, ...], earlier: tuple[Redacted, ...]
) -> tuple[tuple[Attachment, ...], tuple[Redacted, ...]]:
    """Return attachments as they may be sent, and what was replaced in them and before."""
    sent = []
    for attachment in attachments:
        redacted = redact_secrets(attachment.text, earlier)
        earlier = (*earlier, redacted)
        sent.append(attrs.evolve(attachment, text=redacted.text))
    return tuple(sent), earlier


def redacted_ask(ask: AskInput) -> tuple[AskInput, tuple[Redacted, ...]]:
    """Return a question as it may be sent, and what was replaced in it: the same secret has one placeholder."""
    done: tuple[Redacted, ...] = ()
    snapshot = ask.snapshot
    if snapshot is not None:
        redacted, base = redacted_document(snapshot)
        done = (redacted,)
        snapshot = redacted_snapshot(snapshot, redacted, base)
    attachments, done = redacted_attachments(ask.attachments, done)
    history = []
    for turn in ask.history:
        redacted = redact_secrets(turn.content, done)
        done = (*done, redacted)
        history.append(attrs.evolve(turn, content=redacted.text))
    prompt = redact_secrets(ask.prompt, done)
    sent = attrs.evolve(ask, snapshot=snapshot, attachments=attachments, history=tuple(history), prompt=prompt.text)
    return sent, (*done, prompt)


def without_invisible(prompt: Prompt) -> tuple[Prompt, int]:
    """Return a prompt whose messages hold no invisible characters, and how many they held."""
    count = 0
    messages = []
    for message in prompt.messages:
        blocks: list[Block] = []
        for block in message.content:
            if isinstance(block, TextBlock):
                text, found = strip_invisible(block.text)
                count += found
                blocks.append(attrs.evolve(block, text=text) if found else block)
            else:
                blocks.append(block)
        messages.append(Message(message.role, tuple(blocks)))
    return (attrs.evolve(prompt, messages=tuple(messages)), count) if count else (prompt, 0)
