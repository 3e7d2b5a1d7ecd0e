"""What of a request counts for its tier: a few dozen plain observations, each zero or one. Pure."""

from __future__ import annotations

import attrs

from missy_lsp.llm.routing_text import BREAK, MENTION, Words
from missy_lsp.llm.routing_vocabulary import Concept, Hit

# Groups of concepts whose tasks a small model does as well, in any length of text.
_LIGHT = {"lookup", "mechanical"}
# Everyday work that stays everyday work whatever the code is about.
_ROUTINE = {"test", "document", "follow_up", "summary", "translate_text"}
# Groups that say what is to be done; the first of them in a sentence leads it.
_ACTS = {"lookup", "mechanical", "weak_mechanical", "everyday", "deep_act", "question", "question_word", "yes_no"}
_COUNTED = (_ACTS | {"topic", "wide", "evidence", "scope", "artifact", "mechanical_object"}) - {
    "question_word",
    "yes_no",
}
# What leads where something is told, and not ordered.
_TELLING = {"none", "mechanical_object", "question_word", "yes_no"}
_WORK = {"everyday", "artifact"}
_DEPTH = {"topic", "wide", "deep_act"}

_TINY_CHARS, _LITTLE_CHARS = 220, 700
# More than a function or a class: such code is sent along for a question about how its parts work together.
_MUCH_CHARS, _MORE_CHARS = 2_800, 4_500
_MANY_TOOLS = 5
_LONG_HISTORY = 10
_FEW_WORDS, _MANY_WORDS, _VERY_MANY_WORDS = 4, 16, 26
_SHORT_QUESTION_WORDS = 12
_CHAT_WORDS = 8


@attrs.frozen
class Circumstances:
    """What surrounds the instruction: the size of the code in characters, and counts."""

    selection_chars: int
    tool_count: int
    history_length: int


@attrs.frozen
class _Seen:
    """The concepts that count, and what they are together."""

    words: Words
    around: Circumstances
    names: frozenset[str]
    groups: frozenset[str]
    lead: Concept | None
    topic_count: int

    def any_of(self, groups: set[str]) -> bool:
        return not groups.isdisjoint(self.groups)

    @property
    def lead_group(self) -> str:
        return self.lead.group if self.lead else "none"

    @property
    def is_light(self) -> bool:
        return self.lead_group in _LIGHT or (self.any_of(_LIGHT) and not self.any_of(_WORK | _DEPTH))


def features(words: Words, hits: list[Hit], around: Circumstances) -> dict[str, float]:
    """Return the observations that hold, by name."""
    counted = _counted(words, hits, around)
    seen = _Seen(
        words=words,
        around=around,
        names=frozenset(concept.name for concept in counted),
        groups=frozenset(concept.group for concept in counted),
        lead=_lead(counted, words),
        topic_count=len({concept.name for concept in counted if concept.group == "topic"}),
    )
    if ("light" in seen.groups and _is_chat(seen)) or _is_greeting(words, hits, around):
        return {"chat": 1.0}
    names = [f"concept:{concept.name}" for concept in counted if concept.group in _COUNTED]
    names += [f"group:{group}" for group in seen.groups & _COUNTED]
    names += [f"lead:{seen.lead.name if seen.lead else 'none'}", f"lead_group:{seen.lead_group}"]
    if seen.topic_count:
        names.append(f"topic_led_by:{seen.lead_group}")
    flags = {**_topic_flags(seen), **_task_flags(seen), **_size_flags(seen)}
    names += [name for name, holds in flags.items() if holds]
    return dict.fromkeys(names, 1.0)


def _counted(words: Words, hits: list[Hit], around: Circumstances) -> list[Concept]:
    """Return the concepts that count here: nothing goes on without a history, nor is there an analysis of nothing."""
    concepts = [hit.concept for hit in hits if hit.counts]
    if around.history_length == 0:
        concepts = [concept for concept in concepts if concept.name != "follow_up"]
    groups = {concept.group for concept in concepts}
    is_bare = not (around.selection_chars or around.tool_count or around.history_length)
    if is_bare and words.count <= _SHORT_QUESTION_WORDS and groups.isdisjoint({"topic", "wide"}):
        concepts = [concept for concept in concepts if concept.name not in ("investigate", "weigh")]
    if around.selection_chars > _LITTLE_CHARS and groups.isdisjoint(_ACTS - {"question_word", "yes_no"}):
        # Nothing is to be done to them: "a name with two spaces is not found".
        concepts = [concept for concept in concepts if concept.group != "mechanical_object"]
    return concepts


def _lead(counted: list[Concept], words: Words) -> Concept | None:
    """Return what is to be done first; where the verb ends the sentence, the last act leads."""
    acts = [concept for concept in counted if concept.group in _ACTS]
    if words.is_verb_final:
        acts.reverse()
    strong = [concept for concept in acts if concept.group not in ("question_word", "yes_no")]
    if acts and acts[0].group in ("question_word", "yes_no"):
        nearest = strong[0] if strong and strong[0].group in ("lookup", "deep_act") else None
        return nearest or acts[0]
    return acts[0] if acts else None


def _is_chat(seen: _Seen) -> bool:
    is_alone = not seen.any_of(_COUNTED - {"scope", "weak_mechanical", "topic", "artifact", "mechanical_object"})
    return seen.words.count <= 2 or (is_alone and seen.words.count <= _CHAT_WORDS and not seen.words.ends_with_question)


def _is_greeting(words: Words, hits: list[Hit], around: Circumstances) -> bool:
    """Tell whether nothing is said but a courtesy, without anything that it could be about."""
    is_bare = not (around.selection_chars or around.tool_count)
    return is_bare and 0 < words.count <= 2 and bool(hits) and all(hit.concept.group == "ignored" for hit in hits)


def _topic_flags(seen: _Seen) -> dict[str, bool]:
    has_topic = seen.topic_count > 0
    has_code = seen.around.selection_chars > 0
    is_question = seen.lead_group in ("yes_no", "question_word")
    return {
        "topic_alone": has_topic and not seen.any_of(_LIGHT) and seen.names.isdisjoint(_ROUTINE),
        "two_topics": seen.topic_count >= 2,
        "three_topics": seen.topic_count >= 3,
        "topic_judged": has_topic and seen.any_of({"deep_act", "question"}),
        "topic_in_mechanical": has_topic and "mechanical" in seen.groups,
        "topic_in_lookup": has_topic and "lookup" in seen.groups,
        "topic_in_routine": has_topic and not seen.names.isdisjoint(_ROUTINE),
        "topic_in_artifact": has_topic and "artifact" in seen.groups and not seen.any_of({"deep_act", "wide"}),
        "topic_in_question": has_topic and is_question and has_code,
        "topic_in_general_question": has_topic and is_question and not has_code,
        "topic_without_code": has_topic and not has_code,
        "topic_in_few_words_without_code": has_topic and not has_code and seen.words.count <= _FEW_WORDS,
        "topic_in_plain_work": _is_plain_work_on_a_topic(seen),
        "topic_in_long_instruction": has_topic and seen.words.count >= _MANY_WORDS,
    }


def _is_plain_work_on_a_topic(seen: _Seen) -> bool:
    """Tell whether one topic is named in a short order for everyday work: add a lock, hash the password."""
    is_ordered = seen.lead_group in ("everyday", "weak_mechanical")
    is_judged = seen.any_of({"deep_act", "wide", "question"})
    return seen.topic_count == 1 and is_ordered and not is_judged and seen.words.count <= _SHORT_QUESTION_WORDS


def _task_flags(seen: _Seen) -> dict[str, bool]:
    has_code = seen.around.selection_chars > 0
    has_depth, has_work = seen.any_of(_DEPTH), seen.any_of(_WORK)
    is_question = seen.lead_group in ("yes_no", "question_word") or seen.words.ends_with_question
    is_short = seen.words.count <= _SHORT_QUESTION_WORDS
    has_object = "mechanical_object" in seen.groups
    is_plain_on_code = is_question and is_short and has_code and not has_depth and not has_work
    return {
        "plain_yes_no": seen.lead_group == "yes_no" and not has_depth and not has_work and not has_code,
        "general_question": is_question and is_short and not has_code and "deep_act" not in seen.groups,
        "plain_general_question": is_question and is_short and not has_code and not has_depth and not has_work,
        "plain_question_on_little_code": is_plain_on_code and seen.around.selection_chars <= _LITTLE_CHARS,
        "plain_question_on_much_code": is_plain_on_code and seen.around.selection_chars > _LITTLE_CHARS,
        "small_change_of_form": has_object and seen.lead_group in ("weak_mechanical", "mechanical"),
        "work_on_form": has_object and seen.lead_group == "everyday" and "artifact" not in seen.groups,
        "form_alone": has_object and not seen.any_of(_DEPTH) and "artifact" not in seen.groups,
        "only_small_change": "weak_mechanical" in seen.groups and not has_work and not has_depth,
        "mechanical_alone": "mechanical" in seen.groups and not has_work and not has_depth,
        "lookup_alone": "lookup" in seen.groups and not has_work and not has_depth,
        "lookup_in_code": "lookup" in seen.groups and has_code,
        "analysis_of_everyday": "deep_act" in seen.groups and has_work and "topic" not in seen.groups,
        "analysis_alone": "deep_act" in seen.groups and not has_work and not seen.any_of(_LIGHT) and has_code,
        "wide_work": "wide" in seen.groups and seen.any_of({"everyday", "weak_mechanical", "mechanical", "deep_act"}),
        "why_without_message": "why" in seen.names and not seen.words.has_message and "message" not in seen.names,
        "message": seen.words.has_message or "message" in seen.names,
        "nothing_known": not seen.any_of(_COUNTED),
        "code_in_prompt": seen.words.has_code,
    }


def _size_flags(seen: _Seen) -> dict[str, bool]:
    around, count = seen.around, seen.words.count
    is_light, has_work = seen.is_light, seen.any_of(_WORK | _DEPTH)
    is_open = not is_light and seen.names.isdisjoint(_ROUTINE)
    # Where nothing is asked for in words that are known, the size of the code says how deep it may lie.
    is_told = count > _CHAT_WORDS and seen.lead_group in _TELLING
    # What is quoted or named twice is often a word and what is to stand in its place.
    mentions = seen.words.tokens.count(MENTION)
    is_tiny = 0 < around.selection_chars <= _TINY_CHARS
    is_long_history = around.history_length >= _LONG_HISTORY
    has_many_tools = around.tool_count >= _MANY_TOOLS
    return {
        "tiny_code": is_tiny,
        "tiny_code_explained": is_tiny and "explain" in seen.names,
        "tiny_code_unnamed_task": is_tiny and not has_work,
        "much_code": around.selection_chars >= _MUCH_CHARS and is_open,
        "more_code": around.selection_chars >= _MORE_CHARS and is_open,
        "measured": seen.words.has_measure,
        "measured_and_topic": seen.words.has_measure and seen.topic_count > 0,
        "short_instruction": count <= _FEW_WORDS,
        "long_instruction": count >= _MANY_WORDS and not is_light,
        "very_long_instruction": count >= _VERY_MANY_WORDS and not is_light,
        "told_of_little_code": is_told and 0 < around.selection_chars <= _LITTLE_CHARS,
        "told_of_some_code": is_told and _LITTLE_CHARS < around.selection_chars < _MUCH_CHARS,
        "told_of_much_code": is_told and around.selection_chars >= _MUCH_CHARS,
        "told_with_tools": is_told and around.tool_count > 0,
        "name_in_little_code": mentions == 1 and around.selection_chars <= _LITTLE_CHARS,
        "names_in_little_code": mentions >= 2 and around.selection_chars <= _LITTLE_CHARS,
        "names": mentions >= 2,
        "many_parts": seen.words.tokens.count(BREAK) >= 3 and not is_light,
        "some_tools": 0 < around.tool_count < _MANY_TOOLS and not is_light,
        "many_tools": has_many_tools and (not is_light or "wide" in seen.groups),
        "many_tools_for_wide_work": has_many_tools and "wide" in seen.groups,
        "many_tools_unneeded": has_many_tools and is_light and "wide" not in seen.groups,
        "some_history": 0 < around.history_length < _LONG_HISTORY and not is_light,
        "long_history": is_long_history and not is_light,
        "long_history_weighed": is_long_history and not is_light and seen.any_of({"deep_act", "topic"}),
        "long_history_unneeded": is_long_history and is_light,
    }
