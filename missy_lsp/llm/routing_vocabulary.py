"""Find the concepts that an instruction names: phrases of many languages, kept as data.

The data files say what a phrase may look like. They are read once for each `Vocabulary`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, cast

import attrs

from missy_lsp.llm.routing_text import BREAK, MENTION, fold, split_into_words

_FILES = ("routing_tasks.json", "routing_topics.json")
_GAP = "..."
_MAX_GAP = 5
# How many words a negation or a mention covers, at most to the end of the clause.
_NEGATED_WORDS = 5
_MENTIONED_WORDS = 2
_DEFINED_WORDS = 9


@attrs.frozen
class Concept:
    """A thing that phrases stand for. `group` says what it does to a decision, `reason` is for the user."""

    name: str
    group: str
    reason: str
    at_start: bool


@attrs.frozen
class Hit:
    """A phrase found: its concept and its words as they were typed. `counts` is false where it is only
    mentioned or said not to be wanted."""

    concept: Concept
    words: str
    start: int
    counts: bool


class _Node:
    """A word of phrases. What may follow it is laid out when it is first met: few of the words ever are."""

    __slots__ = ("concepts", "gap", "pending", "stem_lengths", "stems", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.stems: dict[str, _Node] = {}
        # By the first letter of the stem: few lengths are left to try.
        self.stem_lengths: dict[str, tuple[int, ...]] = {}
        self.gap: _Node | None = None
        self.concepts: tuple[Concept, ...] = ()
        # What is left of each phrase that comes by here.
        self.pending: list[tuple[str, Concept]] = []

    def lay_out(self) -> None:
        pending, self.pending = self.pending, []
        for phrase, concept in pending:
            part, _, rest = phrase.partition(" ")
            if not part:
                if concept not in self.concepts:
                    self.concepts = (*self.concepts, concept)
            elif part == _GAP:
                self.gap = self.gap or _Node()
                self.gap.pending.append((rest, concept))
            else:
                self._child(part, rest, concept)

    def _child(self, part: str, rest: str, concept: Concept) -> None:
        is_stem = part.endswith("*")
        word = part.rstrip("*")
        if not (word.isascii() and word.isalnum()):
            word, *more = split_into_words(word)
            if more:
                # A Chinese character each, and the last one may be a stem.
                more[-1] += "*" * is_stem
                is_stem = False
                rest = " ".join((*more, rest)).rstrip()
        if is_stem:
            self.stem_lengths[word[0]] = tuple(sorted({*self.stem_lengths.get(word[0], ()), len(word)}))
        children = self.stems if is_stem else self.words
        child = children.get(word)
        if child is None:
            child = children[word] = _Node()
        child.pending.append((rest, concept))


class _ConceptData(TypedDict, total=False):
    group: str
    reason: str
    at: str
    phrases: Mapping[str, str]


class Vocabulary:
    """Every phrase, in a tree of words. One thread at a time may look for phrases: the tree grows meanwhile."""

    def __init__(self, data: Mapping[str, _ConceptData]) -> None:
        self._root = _Node()
        self.concepts: dict[str, Concept] = {}
        for name, entry in data.items():
            concept = Concept(name, entry["group"], entry.get("reason", ""), entry.get("at") == "start")
            self.concepts[name] = concept
            for phrases in entry["phrases"].values():
                self._root.pending += [(phrase.strip(), concept) for phrase in fold(phrases).split(",")]
        self._root.lay_out()

    @classmethod
    def load(cls) -> Vocabulary:
        """Read the data files that are installed with the package."""
        data: dict[str, _ConceptData] = {}
        for name in _FILES:
            document = json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
            data.update(cast("dict[str, _ConceptData]", document["concepts"]))
        return cls(data)

    def find(self, tokens: tuple[str, ...]) -> list[Hit]:
        """Return the phrases in their order, the longest at each place, none overlapping."""
        hits: list[Hit] = []
        position, muted_until, at_start = 0, 0, True
        count = len(tokens)
        defined: list[int] = []
        while position < count:
            token = tokens[position]
            if token in (BREAK, MENTION):
                at_start = token == BREAK
                muted_until = muted_until if token == MENTION else 0
                position += 1
                continue
            end, concepts = self._longest(self._root, tokens, position)
            found = [concept for concept in concepts if at_start or not concept.at_start]
            if not found:
                position, at_start = position + 1, False
                continue
            words = " ".join(tokens[position:end])
            hits += [Hit(concept, words, position, position >= muted_until) for concept in found]
            groups = {concept.group for concept in found}
            at_start = "ignored" in groups
            position = end
            if "definition" in (concept.name for concept in found):
                defined.append(position)
            if "negation" in groups:
                muted_until = end + _NEGATED_WORDS
            elif "mention" in groups:
                muted_until = end + _MENTIONED_WORDS
        return _without_defined(hits, defined, tokens) if defined else hits

    def _longest(self, node: _Node, tokens: tuple[str, ...], position: int) -> tuple[int, tuple[Concept, ...]]:
        if node.pending:
            node.lay_out()
        best, concepts = position, node.concepts
        if position >= len(tokens):
            return best, concepts
        token = tokens[position]
        children = [node.words[token]] if token in node.words else []
        for length in node.stem_lengths.get(token[0], ()):
            if length > len(token):
                break
            if (stem := node.stems.get(token[:length])) is not None:
                children.append(stem)
        for child in children:
            end, found = self._longest(child, tokens, position + 1)
            if found and end > best:
                best, concepts = end, found
            elif found and end == best:
                concepts = (*concepts, *(concept for concept in found if concept not in concepts))
        if node.gap is not None:
            end, found = self._beyond_gap(node.gap, tokens, position)
            if found and end > best:
                best, concepts = end, found
        return best, concepts

    def _beyond_gap(self, gap: _Node, tokens: tuple[str, ...], position: int) -> tuple[int, tuple[Concept, ...]]:
        for skipped in range(1, _MAX_GAP + 1):
            if position + skipped > len(tokens) or tokens[position + skipped - 1] == BREAK:
                break
            end, found = self._longest(gap, tokens, position + skipped)
            if found:
                return end, found
        return position, ()


def _without_defined(hits: list[Hit], defined: list[int], tokens: tuple[str, ...]) -> list[Hit]:
    """Let topics not count that stand beside a request for a definition: they are what is looked up."""
    return [
        attrs.evolve(hit, counts=False)
        if hit.concept.group in ("topic", "wide") and any(_in_one_clause(hit.start, place, tokens) for place in defined)
        else hit
        for hit in hits
    ]


def _in_one_clause(one: int, other: int, tokens: tuple[str, ...]) -> bool:
    first, last = sorted((one, other))
    return last - first <= _DEFINED_WORDS and BREAK not in tokens[first:last]
