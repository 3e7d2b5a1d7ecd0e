"""How many tokens a prompt has, guessed upwards: no tokenizer is at hand, and a budget must hold."""

from __future__ import annotations

import json

from missy_lsp.llm.types import OpaqueBlock, Prompt, TextBlock, ToolResultBlock, ToolUseBlock

# English and code run at 3.3 to 4 bytes of UTF-8 a token, other scripts at about 3; newer tokenizers count
# up to a third more than older ones.
BYTES_PER_TOKEN = 3.0
TOKENS_PER_MESSAGE = 8
TOKENS_PER_TOOL = 60


def text_tokens(text: str) -> int:
    """Return a careful estimate for a text."""
    return -int(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def prompt_tokens(prompt: Prompt) -> int:
    """Return a careful estimate of the input tokens of a whole prompt."""
    tokens = sum(text_tokens(block.text) for block in prompt.system)
    for tool in prompt.tools:
        tokens += TOKENS_PER_TOOL + text_tokens(tool.description + json.dumps(dict(tool.input_schema)))
    for message in prompt.messages:
        tokens += TOKENS_PER_MESSAGE
        for block in message.content:
            match block:
                case TextBlock(text=text) | ToolResultBlock(text=text):
                    tokens += text_tokens(text)
                case ToolUseBlock(input=value) | OpaqueBlock(value=value):
                    tokens += text_tokens(json.dumps(dict(value)))
    return tokens


def is_cached(prompt: Prompt) -> bool:
    """Tell whether a part of a prompt asks to be kept in the API's cache, which costs more than reading it once."""
    blocks = (*prompt.system, *(block for message in prompt.messages for block in message.content))
    return any(isinstance(block, TextBlock) and block.cache for block in blocks)
