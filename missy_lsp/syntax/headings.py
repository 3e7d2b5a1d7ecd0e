"""Tell by its look whether a line begins a definition, in whatever language, and what it names."""

from __future__ import annotations

import re

_MODIFIERS = (
    r"(?:(?:typedef|export|default|public|private|protected|internal|static|async|abstract|final|sealed|open|data|inline"
    r"|pub(?:\([^)]*\))?|unsafe|extern|virtual|override|local|partial|readonly|declare|suspend|case|const|fileprivate"
    r"|shared|create|or|replace|temp|temporary|definer|global|native|pure|recursive|elemental|mutating|indirect)\s+)*"
)
_WORDS = (
    r"(?:defmodule|defmacrop?|defprotocol|defimpl|defstruct|defrecord|defclass|defmethod|defgeneric|defmulti|deftest"
    r"|deftype|defpackage|defun|defvar|defparameter|defn-?|defp|define|def|class|interface|struct|enum|trait|impl"
    r"|protocol|record|union|object|extension|actor|contract|library|modifier|constructor|function\*?|func|fn|fun"
    r"|sub|subroutine|procedure|proc|method|macro_rules!|macro|trigger|view|table|type|test|rule|resource|module"
    r"|package|program|task|entity|architecture|process|feature|typeclass|instance)"
)
_DEFINITION = re.compile(
    rf"\(?{_MODIFIERS}{_WORDS}(?:\s+(?:body\s+)?(?:\([^)]*\)\s*(?=\w))?\(?[\"'`]?([^\W\d][\w.:?!$-]*)|\s*[({{]|$)",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    rf"{_MODIFIERS}(?:(?:let|var|val|my|our|set)\s+)?([^\W\d][\w.$]*)\s*(?::=|=|<-|:)\s*(?:async\s*)?"
    r"(?:function\b|func\s*\(|fn\b|lambda\b|\\|\([^()]*\)\s*(?::[^=]+)?=>|[\w$]+\s*=>)"
)
_SHELL = re.compile(r"([^\W\d][\w.-]*)\s*\(\)\s*[{(]?\s*$")
_CONTROL = re.compile(
    r"[}\])\s]*(?:if|else|elif|elsif|elseif|unless|for|foreach|while|until|loop|repeat|switch|case|when|match|cond"
    r"|try|catch|except|finally|rescue|ensure|with|do|begin|then|select|return|using|lock|guard|defer|synchronized"
    r"|throw|new|yield|await|assert|print|raise|default|let|where|in)\b",
    re.IGNORECASE,
)
_NO_NAMES = frozenset({"func", "function", "fn", "fun", "sub", "lambda", "proc"})


def is_control_flow(head: str) -> bool:
    """Tell whether a line begins a loop, a condition or the like."""
    return _CONTROL.match(head) is not None and _DEFINITION.match(head) is None


def definition_name(head: str) -> str | None:
    """Return what a line defines, without the white space around the line; empty without a name, None if nothing."""
    if match := _DEFINITION.match(head):
        return (match[1] or "").rstrip(":.-")
    if _CONTROL.match(head):
        return None
    if match := _ASSIGNED.match(head) or _SHELL.match(head):
        return match[1]
    return _name_before_parameters(head)


def _name_before_parameters(head: str) -> str | None:
    """Return the name of a function that begins as in C, Java or a JavaScript method: name, parameters, a brace."""
    before, parenthesis, after = head.partition("(")
    words = before.replace("*", " ").replace("&", " ").split()
    if not parenthesis or not words or "=" in before or "." in before or "=>" in after or ";" in after:
        return None
    is_opened = after.rstrip().endswith("{") and (")" in after or len(words) > 1)
    if not is_opened and (len(words) < 2 or not after.rstrip().endswith((")", ","))):
        return None
    name = words[-1].rpartition("::")[2].lstrip("~")
    if name in _NO_NAMES or not name.isidentifier():
        return None
    return name if not any(mark in before for mark in "\"'`+-/%!?|#@") else None
