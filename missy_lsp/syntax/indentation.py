"""Blocks of a text by its indentation, for languages without a grammar and for code that does not parse."""

from __future__ import annotations

import re

import attrs

from missy_lsp.syntax.comments import comment_around, comment_from, is_comment
from missy_lsp.syntax.headings import definition_name, is_control_flow
from missy_lsp.syntax.languages import CommentMarks, comment_marks
from missy_lsp.syntax.lines import LineTable

# Lines that go on with what the line above them at their indentation began, or end it.
_CLOSING = re.compile(
    r"[\]})]|</|(?:end|fi|done|esac|endif|endfor|endwhile|endfunction|endfunc|endmodule|endclass|endcase|endtask"
    r"|else|elif|elsif|elseif|except|finally|catch|rescue|ensure|then|until)\b",
    re.IGNORECASE,
)
_ENDING = re.compile(r"[\]})]|</|(?:end|fi|done|esac|endif|endfor|endwhile|endfunction)\b", re.IGNORECASE)
_OPENED = re.compile(r"(?:[{(\[:,]|=>?|->|\b(?:do|then|else|begin|is))\s*(?:--.*|//.*|#.*)?$", re.IGNORECASE)
_OPENING = re.compile(r"(?:\{|begin\b|is\b|as\b|do\b)\s*(?:--.*|//.*|#.*)?$", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"@\w|#\[|\[\[?[A-Z]\w*.*\]$|__attribute__|%%?\w+\s*$")
_PREPROCESSOR = re.compile(r"#\s*(?:if|ifdef|ifndef|else|elif|endif|define|undef|pragma|region|endregion|line)\b")
_FENCE = re.compile(r"(`{3,}|~{3,})")


@attrs.frozen
class Outline:
    """A text seen by its lines, their indentation and their comments."""

    table: LineTable
    marks: CommentMarks

    @classmethod
    def of(cls, text: str, language_id: str) -> Outline:
        return cls(LineTable.of(text), comment_marks(language_id))

    def block_around(self, row: int) -> tuple[int, int] | None:
        """Return the block that a line heads or lies in, the nearest definition rather than the nearest loop.

        Both lines are included; decorators, attributes and comments right above belong to it. None where the line
        lies in no block.
        """
        start = self._headed(row)
        heads = self._heads(row) if start is None else [start, *self._heads(start)]
        if not heads:
            return None
        named = (head for head in heads if definition_name(self.table.head(head)) is not None)
        plain = (head for head in heads if not is_control_flow(self.table.head(head)))
        head = next(named, next(plain, heads[0]))
        return self.first_with_what_belongs(head), self.last_of_block(head)

    def paragraph(self, row: int) -> tuple[int, int] | None:
        """Return the lines between blank ones around a line, None for a blank one."""
        table = self.table
        if table.is_blank(row):
            return None
        first = last = row
        while first > 0 and not table.is_blank(first - 1):
            first -= 1
        while last + 1 < len(table.lines) and not table.is_blank(last + 1):
            last += 1
        return first, last

    def statement_at(self, row: int) -> int:
        """Return the last line of what begins in a line: its block, else the lines up to a blank or shallower one."""
        code = row
        while _ATTRIBUTE.match(self.table.head(code)) and self._is_filled(code + 1):
            code += 1
        if self.heads_block(code):
            return self.last_of_block(code)
        last, indent = code, self.table.indent(row)
        while self._is_filled(last + 1) and self.table.indent(last + 1) >= indent and not self.ends_enclosing(last + 1):
            last += 1
        return last

    def prose_at(self, row: int) -> int:
        """Return the last line of the paragraph, or of the fenced code, that begins in a line."""
        fence = _FENCE.match(self.table.head(row))
        if fence:
            below = range(row + 1, len(self.table.lines))
            closing = next((at for at in below if self.table.head(at).startswith(fence[1])), None)
            if closing is not None:
                return closing
        return (self.paragraph(row) or (row, row))[1]

    @property
    def is_flat(self) -> bool:
        """Tell whether no line of the text is indented."""
        return not any(line[:1] in (" ", "\t") and not line.isspace() for line in self.table.lines)

    def is_comment(self, row: int) -> bool:
        return is_comment(self.table.lines[row], self.marks)

    def is_closing(self, row: int) -> bool:
        return _CLOSING.match(self.table.head(row)) is not None

    def virtual_indent(self, row: int) -> int:
        """Return the indentation of a line; that of a blank line or a comment reaches as deep as the code around it."""
        own = self.table.indent(row)
        if not self.table.is_blank(row) and not self.is_comment(row):
            return own
        above, below = self._code_above(row - 1), self._code_below(row + 1)
        if above is None or below is None:
            return own
        after = self.table.indent(below) + (1 if self.is_closing(below) else 0)
        return max(own, min(self.table.indent(above) + (1 if self.heads_block(above) else 0), after))

    def heads_block(self, row: int) -> bool:
        """Tell whether deeper lines, or a line that only opens a block, follow a line that does not itself go on."""
        if self.table.is_blank(row) or self.is_comment(row):
            return False
        below = self._code_below(row + 1)
        if below is None:
            return False
        deeper = self.table.indent(below) - self.table.indent(row)
        return deeper > 0 or (deeper == 0 and self._only_opens(below) and not self.is_closing(row))

    def last_of_block(self, head: int) -> int:
        """Return the last line of the block that a line heads, with the lines that close it."""
        table, indent = self.table, self.table.indent(head)
        last, at = head, head + 1
        while at < len(table.lines):
            if table.is_blank(at) or (at > 0 and _PREPROCESSOR.match(table.head(at))):
                at += 1
                continue
            comment_end = comment_from(table.lines, at, self.marks)
            if comment_end is not None:
                # A comment belongs to the block where it is deeper than the head, or where the block goes on after it.
                if table.indent(at) > indent:
                    last = comment_end
                at = comment_end + 1
                continue
            depth = table.indent(at)
            if depth < indent or (depth == indent and not self.is_closing(at) and not self._only_opens(at)):
                break
            last = at
            if depth == indent and self._ends_here(at):
                break
            at += 1
        return last

    def last_before_definition(self, head: int, last: int) -> int:
        """Return the last line of code before the next line, as deep as the head, that looks like a definition."""
        indent = self.table.indent(head)
        for at in range(head + 1, last + 1):
            is_outside = self.table.indent(at) <= indent and self._is_filled(at) and not self.is_aside(at)
            if is_outside and definition_name(self.table.head(at)) is not None and not self._goes_on(at):
                return max(head, self._code_above(self.first_with_what_belongs(at) - 1) or head)
        return last

    def first_with_what_belongs(self, row: int) -> int:
        """Return the first of the attributes, decorators and comments right above a line, as deep as it is.

        Instructions to us are no part of what they stand above.
        """
        table, first, indent = self.table, row, self.table.indent(row)
        while first > 0 and not table.is_blank(first - 1):
            above = comment_around(table.lines, first - 1, self.marks)
            if above is None and _ATTRIBUTE.match(table.head(first - 1)):
                above = (first - 1, first - 1)
            if above is None or table.indent(above[0]) != indent or self._is_instruction(*above):
                break
            first = above[0]
        return first

    def code_below_comments(self, row: int) -> int:
        """Return the line of code right below the comments that a line is a part of, the line itself in code."""
        while (around := comment_around(self.table.lines, row, self.marks)) is not None:
            if not self._is_filled(around[1] + 1):
                break
            row = around[1] + 1
        return row

    def code_below_attributes(self, row: int) -> int:
        """Return the line of code below comments, decorators and attributes, beginning at a line."""
        at = self.code_after(row)
        while at is not None and _ATTRIBUTE.match(self.table.head(at)) and self._is_filled(at + 1):
            at = self.code_after(at + 1)
        return row if at is None else at

    def code_after(self, row: int) -> int | None:
        """Return the first line at or after `row` that is neither blank nor a comment."""
        at = row
        while at < len(self.table.lines):
            if self.table.is_blank(at):
                at += 1
            elif (end := comment_from(self.table.lines, at, self.marks)) is not None:
                at = end + 1
            else:
                return at
        return None

    def comment_before(self, row: int) -> int | None:
        """Return the first line of the comment that ends right above a line."""
        around = comment_around(self.table.lines, row - 1, self.marks) if row > 0 else None
        return None if around is None else around[0]

    def ends_enclosing(self, row: int) -> bool:
        """Tell whether a line begins with what closes a block."""
        return _ENDING.match(self.table.head(row)) is not None

    def _is_instruction(self, first: int, last: int) -> bool:
        return "missy:" in "".join(self.table.lines[first : last + 1])[:200].casefold()

    def _headed(self, row: int) -> int | None:
        """Return the line that heads a block, where a line is that or the comments and attributes right above it."""
        if self.table.is_blank(row):
            return None
        head = self.code_below_comments(row)
        while _ATTRIBUTE.match(self.table.head(head)) and self._is_filled(head + 1):
            head = self.code_below_comments(head + 1)
        return head if self.heads_block(head) and not self._goes_on(head) else None

    def _heads(self, row: int) -> list[int]:
        """Return the lines that head the blocks around a line, the innermost first."""
        heads: list[int] = []
        # What goes on or closes belongs to a head at its own indentation.
        limit = self.virtual_indent(row) + (1 if self._goes_on(row) else 0)
        at = row - 1
        while at >= 0 and limit > 0:
            depth = self.table.indent(at)
            if depth < limit and self._is_filled(at) and not self.is_aside(at):
                limit = depth + 1 if self._goes_on(at) else depth
                if not self._goes_on(at):
                    heads.append(at)
            at -= 1
        return heads

    def _ends_here(self, row: int) -> bool:
        """Tell whether a block is over with a line that closes something: nothing is opened in it or goes on after."""
        if not self.ends_enclosing(row) or _OPENED.search(self.table.head(row)):
            return False
        below = self.table.next_filled(row + 1)
        if below is None or self.table.indent(below) != self.table.indent(row):
            return below is None or self.table.indent(below) < self.table.indent(row)
        return not self._goes_on(below) or self.ends_enclosing(below)

    def _goes_on(self, row: int) -> bool:
        return self.is_closing(row) or self._only_opens(row)

    def _only_opens(self, row: int) -> bool:
        return _OPENING.match(self.table.head(row)) is not None

    def is_aside(self, row: int) -> bool:
        """Tell whether a line is a comment or an instruction to a preprocessor, whose indentation says nothing."""
        return self.is_comment(row) or _PREPROCESSOR.match(self.table.head(row)) is not None

    def _is_filled(self, row: int) -> bool:
        return row < len(self.table.lines) and not self.table.is_blank(row)

    def _code_above(self, row: int) -> int | None:
        above = range(min(row, len(self.table.lines) - 1), -1, -1)
        return next((at for at in above if self._is_filled(at) and not self.is_comment(at)), None)

    def _code_below(self, row: int) -> int | None:
        below = range(row, len(self.table.lines))
        return next((at for at in below if self._is_filled(at) and not self.is_comment(at)), None)
