"""Walk the files below a place that may be looked at, in order, within bounds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

import attrs

from missy_lsp.tools.locating import Entry, Location, entries_of
from missy_lsp.tools.rules import is_secret

MAX_DEPTH = 20


@attrs.frozen
class Found:
    """One entry met on the walk; a readable one is neither secret nor a link."""

    location: Location
    entry: Entry
    is_readable: bool


class Walk:
    """An iteration over everything below a directory that no rule hides, level by level.

    Secret files come as entries that are not readable, so that their names are seen and nothing else.
    After it, `left_out` says why the walk is not complete, empty where it is.
    """

    def __init__(self, start: Location, max_seconds: float) -> None:
        self._start = start
        self._deadline = time.monotonic() + max_seconds
        self.left_out = ""

    def __iter__(self) -> Iterator[Found]:
        waiting = deque([(self._start, 1)])
        while waiting:
            directory, depth = waiting.popleft()
            entries, is_cut = entries_of(directory)
            if is_cut:
                self.left_out = f"{directory.name} has too many entries"
            for entry in entries:
                if time.monotonic() > self._deadline:
                    self.left_out = "the time for one call is over"
                    return
                location = directory.entry(entry.name)
                if directory.rules.hides_entry(location.parts, is_directory=entry.is_directory):
                    continue
                is_readable = not is_secret(location.parts) and (entry.is_directory or entry.is_file)
                yield Found(location, entry, is_readable)
                if entry.is_directory and is_readable:
                    if depth < MAX_DEPTH:
                        waiting.append((location, depth + 1))
                    else:
                        self.left_out = f"folders more than {MAX_DEPTH} deep are not looked into"
            # One that can't be read hides all that lies beside it: an empty folder would be a lie.
            self.left_out = self._start.rules.fault or self.left_out
