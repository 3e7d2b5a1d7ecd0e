"""What was spent, in one SQLite file of the user's that several editors share; and what running requests may spend.

A cap for the day counts both: a request reserves the most that it may cost before it is sent, in the same
transaction that checks the cap, so that requests of other processes can't pass it together.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import attrs

from missy_lsp.errors import BudgetError, ModelError, UsageError
from missy_lsp.llm.catalogue import model_name
from missy_lsp.llm.types import Usage

GroupBy = Literal["model", "tier", "day", "folder", "action", "provider"]
GROUPS: tuple[GroupBy, ...] = ("model", "tier", "day", "folder", "action", "provider")

# A process that died can't give back what it reserved; no stream is longer than this.
RESERVATION_S = 35 * 60.0
ADVICE = "Nothing more was sent. Ask tomorrow, choose a cheaper tier, or raise the cap in your configuration."
# How long other editors may hold the file: somebody waits for a check, nobody for a record, and that is not to be lost.
_CHECK_WAITS_S = 5.0
_RECORD_WAITS_S = 30.0
_IN_USE = "Another program is using it, a backup perhaps; it is not damaged. Try again in a moment."
_VERSION = 1
_AGO = re.compile(r"(\d{1,5})([hdw])")
_SECONDS = {"h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}
_SCHEMA = """
create table if not exists request (
    at real not null, provider text not null, model text not null, tier text not null, action text not null,
    folder text not null, input_tokens integer not null, output_tokens integer not null,
    cache_read_tokens integer not null, cache_creation_tokens integer not null, cost_usd real not null,
    request_id text);
create index if not exists request_at on request (at);
create table if not exists reservation (id text primary key, at real not null, usd real not null);
"""
_GROUP_COLUMNS: dict[GroupBy, str] = {
    "model": "model",
    "tier": "tier",
    "day": "date(at, 'unixepoch', 'localtime')",
    "folder": "folder",
    "action": "action",
    "provider": "provider",
}


@attrs.frozen
class Spending:
    """One request that was answered, stopped or failed after the API had counted tokens; `at` is in Unix seconds."""

    at: float
    provider: str
    model: str
    tier: str
    action: str
    folder: str
    usage: Usage
    cost_usd: float
    request_id: str | None = None


@attrs.frozen
class SpendingSum:
    """Requests that have `key` in common, added up."""

    key: str
    requests: int
    usage: Usage
    cost_usd: float


class Ledger:
    """The file `ledger.sqlite`; each call opens it, so that nothing is held between requests.

    Calls block on the disk: never make them on the event loop. `clock` is in Unix seconds. `check_waits_s` is how
    long other programs may hold the file before a check or a sum gives up.
    """

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.time, *, check_waits_s: float = _CHECK_WAITS_S
    ) -> None:
        self._path = path
        self._clock = clock
        self._check_waits_s = check_waits_s

    def reserve(self, reservation: str, most_usd: float, cap_usd: float) -> float:
        """Keep room below the cap of the day for a request; return what is spent and reserved today without it.

        A second call with the same `reservation` replaces the first. Raises BudgetError where it would pass the cap,
        and ModelError (`budget`) where the ledger can't be used: a cap that nobody can check does not hold.
        """
        try:
            with self._open() as connection:
                connection.execute("delete from reservation where at < ?", (self._clock() - RESERVATION_S,))
                connection.execute("delete from reservation where id = ?", (reservation,))
                spent = self._spent(connection, self._midnight())
                reserved = _number(connection, "select sum(usd) from reservation")
                if spent + reserved + most_usd > cap_usd:
                    raise BudgetError(_figures(spent, reserved, most_usd, cap_usd), ADVICE)
                connection.execute("insert into reservation values (?, ?, ?)", (reservation, self._clock(), most_usd))
                return spent + reserved
        except (sqlite3.Error, OSError) as error:
            mend = "Mend or move the file, or take the cap out of your configuration."
            raise ModelError(
                "budget",
                f"budget.daily_usd is set, and the ledger {self._path} can't be used ({error}), so nothing was sent. "
                f"{_IN_USE if _is_busy(error) else mend}",
                retryable=_is_busy(error),
            ) from None

    def record(self, spending: Spending | None, reservation: str | None = None) -> str | None:
        """Add a request and give its reservation back; return why that could not be done, None where it could."""
        try:
            with self._open(_RECORD_WAITS_S) as connection:
                if reservation is not None:
                    connection.execute("delete from reservation where id = ?", (reservation,))
                if spending is not None:
                    usage = spending.usage
                    connection.execute(
                        "insert into request values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (
                            spending.at,
                            spending.provider,
                            spending.model,
                            spending.tier,
                            spending.action,
                            spending.folder,
                            usage.input_tokens,
                            usage.output_tokens,
                            usage.cache_read_tokens,
                            usage.cache_creation_tokens,
                            spending.cost_usd,
                            spending.request_id,
                        ),
                    )
        except (sqlite3.Error, OSError) as error:
            return f"the ledger {self._path} can't be written: {error}"
        return None

    def sums(self, by: GroupBy, since: float = 0.0) -> tuple[SpendingSum, ...]:
        """Add up the requests since a time, in Unix seconds; days in their order, else the dearest first.

        Reading does not wait for others that write. Raises ModelError (`invalid_request`) where the file can't be read.
        """
        column = _GROUP_COLUMNS[by]
        order = "1" if by == "day" else "7 desc, 1"
        query = (
            f"select {column}, count(*), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), "  # noqa: S608
            f"sum(cache_creation_tokens), sum(cost_usd) from request where at >= ? group by 1 order by {order}"
        )
        if not self._path.exists():
            return ()
        try:
            with self._open(begin="begin deferred") as connection:
                rows = connection.execute(query, (since,)).fetchall()
        except (sqlite3.Error, OSError) as error:
            what_to_do = _IN_USE if _is_busy(error) else "Move it away to begin a new one."
            raise ModelError(
                "invalid_request",
                f"The ledger {self._path} can't be read: {error}. {what_to_do}",
                retryable=_is_busy(error),
            ) from None
        sums = tuple(SpendingSum(str(key), count, Usage(*tokens), cost) for key, count, *tokens, cost in rows)
        return _by_model(sums) if by == "model" else sums

    def fault(self) -> str | None:
        """Return why requests can't be counted here, None where they can; no file is made that is not there."""
        try:
            if not self._path.exists():
                above = next(folder for folder in self._path.parents if folder.exists())
                is_usable = above.is_dir() and os.access(above, os.W_OK | os.X_OK)
                return None if is_usable else f"{above} is no folder that can be written to"
            with self._open() as connection:
                self._spent(connection, self._midnight())
                _number(connection, "select sum(usd) from reservation")
        except (sqlite3.Error, OSError) as error:
            return str(error)
        return None

    def today_usd(self) -> float:
        """Return what was spent since midnight, local time. Raises as `sums` does."""
        return sum(entry.cost_usd for entry in self.sums("model", self._midnight()))

    def since(self, text: str) -> float:
        """Return the time in Unix seconds of `2026-11-01`, or of `12h`, `7d` or `2w` ago. Raises UsageError."""
        if ago := _AGO.fullmatch(text):
            return self._clock() - int(ago[1]) * _SECONDS[ago[2]]
        try:
            return time.mktime(time.strptime(text, "%Y-%m-%d"))
        except (ValueError, OverflowError):
            raise UsageError(
                f"{text[:40]!r} is no time: write a date such as 2026-11-01, or 12h, 7d or 2w for how long ago."
            ) from None

    def _midnight(self) -> float:
        now = time.localtime(self._clock())
        return time.mktime((now.tm_year, now.tm_mon, now.tm_mday, 0, 0, 0, 0, 0, -1))

    @staticmethod
    def _spent(connection: sqlite3.Connection, since: float) -> float:
        return _number(connection, "select sum(cost_usd) from request where at >= ?", since)

    @contextmanager
    def _open(self, busy_s: float | None = None, *, begin: str = "begin immediate") -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction, which is undone where something is raised."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        waits_s = self._check_waits_s if busy_s is None else busy_s
        with closing(sqlite3.connect(self._path, timeout=waits_s, isolation_level=None)) as connection:
            version = int(_number(connection, "pragma user_version"))
            if version > _VERSION:
                raise sqlite3.DatabaseError("it was written by a newer version of Missy")
            if version < _VERSION:
                connection.executescript(f"begin immediate; {_SCHEMA} pragma user_version = {_VERSION}; commit;")
                self._path.chmod(0o600)
            connection.execute(begin)
            with connection:  # commits at its end, and undoes everything where something is raised
                yield connection


def _is_busy(error: Exception) -> bool:
    """Tell whether another program holds the file; the low byte of SQLite's code is its kind."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _by_model(sums: Iterable[SpendingSum]) -> tuple[SpendingSum, ...]:
    """Add up what one model was spent under, whose id gateways and dated versions spell in many ways."""
    models: dict[str, SpendingSum] = {}
    for entry in sums:
        name = model_name(entry.key)
        known = models.get(name, SpendingSum(name, 0, Usage(), 0.0))
        models[name] = SpendingSum(
            name, known.requests + entry.requests, known.usage + entry.usage, known.cost_usd + entry.cost_usd
        )
    return tuple(sorted(models.values(), key=lambda entry: (-entry.cost_usd, entry.key)))


def _number(connection: sqlite3.Connection, query: str, *values: object) -> float:
    row = connection.execute(query, values).fetchone()
    return float(row[0] or 0)


def _figures(spent: float, reserved: float, most: float, cap: float) -> str:
    running = f" and ${reserved:.4f} may go to requests that are running" if reserved else ""
    return (
        f"${spent:.4f} are spent today{running}, and this request may cost up to ${most:.4f}: together more than "
        f"budget.daily_usd (${cap:.4f})"
    )
