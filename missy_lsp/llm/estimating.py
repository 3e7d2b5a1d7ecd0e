"""How many tokens a text has, as far as that can be told without a tokenizer: pure.

English and code run at 3.3 to 4 bytes of UTF-8 a token and other scripts at about 3 with the older tokenizers; the
newer ones count a third more (api.md C). Keys, hashes and encoded data have hardly more than one character a token,
rows of short numbers have one: each digit and each comma is its own.
"""

from __future__ import annotations

import json
import math
import re

from missy_lsp.llm.types import OpaqueBlock, Prompt, TextBlock, ToolResultBlock, ToolUseBlock

TOKENS_PER_MESSAGE = 8
TOKENS_PER_TOOL = 60
_CHARACTERS_PER_TOKEN = 3
_ABOUT = (3.5, 2.0)
_AT_MOST = (2.5, 2.0)
# One letter case and digits, or both cases and digits, without a break: no words.
_DENSE = re.compile(r"(?=[A-Za-z+/=_-]{0,31}[0-9])[A-Za-z0-9+/=_-]{32,}")
_DENSE_CHARACTERS_PER_TOKEN = 1.25
# Eight numbers or more with nothing but punctuation and space between them: a table, a matrix, bytes. It begins where
# no number is under way, and never goes back, so that a text is read once.
_NUMBERS = re.compile(
    r"(?<![0-9A-Za-z])(?:(?:0[xX][0-9A-Fa-f]++|[0-9]++(?:[eE][-+]?[0-9]++)?)[\s!-/:-@\[-`{-~]{1,8}+){8,}+"
)
_NUMBERS_CHARACTERS_PER_TOKEN = 1.0


def about_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many than too few.

    One token for 3.5 ASCII characters (code has more of them than prose) and for 2 bytes of UTF-8 otherwise:
    1.5 for a Chinese, Japanese or Korean character, 1 for a Cyrillic or accented one, 2 for an emoji.
    """
    return math.ceil(_weighed(text, _ABOUT))


def most_tokens(text: str) -> int:
    """Return how many tokens a text may have at most, with the tokenizer that counts most."""
    words, numbers = text, 0
    if runs := _NUMBERS.findall(text):
        numbers = sum(map(len, runs))
        words = _NUMBERS.sub(" ", text)
    dense = sum(len(run) for run in _DENSE.findall(words))
    return math.ceil(
        _weighed(text, _AT_MOST)
        + dense * (1 / _DENSE_CHARACTERS_PER_TOKEN - 1 / _AT_MOST[0])
        + numbers * (1 / _NUMBERS_CHARACTERS_PER_TOKEN - 1 / _AT_MOST[0])
    )


def tokens_of_length(characters: int) -> int:
    """Return a careful number of tokens where only the length of a text is known."""
    return -(-characters // _CHARACTERS_PER_TOKEN)


def _weighed(text: str, per_token: tuple[float, float]) -> float:
    ascii_per_token, other_bytes_per_token = per_token
    if text.isascii():
        return len(text) / ascii_per_token
    ascii_count = len(text.encode("ascii", "ignore"))
    return ascii_count / ascii_per_token + (len(text.encode("utf-8", "replace")) - ascii_count) / other_bytes_per_token


def prompt_tokens(prompt: Prompt) -> int:
    """Return how many input tokens a whole prompt may have at most."""
    tokens = sum(most_tokens(block.text) for block in prompt.system)
    for tool in prompt.tools:
        tokens += TOKENS_PER_TOOL + most_tokens(tool.description + json.dumps(dict(tool.input_schema)))
    for message in prompt.messages:
        tokens += TOKENS_PER_MESSAGE
        for block in message.content:
            match block:
                case TextBlock(text=text) | ToolResultBlock(text=text):
                    tokens += most_tokens(text)
                case ToolUseBlock(input=value) | OpaqueBlock(value=value):
                    tokens += most_tokens(json.dumps(dict(value)))
    return tokens


def is_cached(prompt: Prompt) -> bool:
    """Tell whether a part of a prompt asks to be kept in the API's cache, which costs more than reading it once."""
    blocks = (*prompt.system, *(block for message in prompt.messages for block in message.content))
    return any(isinstance(block, TextBlock) and block.cache for block in blocks)
