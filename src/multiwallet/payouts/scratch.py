"""What a plan must remember of each line without keeping it in memory: a file of SQLite that lives as long as the check."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from types import TracebackType
from typing import Any, Self

from ..errors import StoreError

__all__ = ["Scratch"]


class Scratch:
    """Which payments and keys were seen in which line, and what single lines need of gas."""

    def __init__(self) -> None:
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="multiwallet-plan-")
            self._database = sqlite3.connect(FilePath(self._folder.name) / "seen.db", isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot make a temporary file: {error} (set TMPDIR to a folder with room)") from None
        for statement in (
            "PRAGMA journal_mode=OFF",
            "PRAGMA synchronous=OFF",
            "PRAGMA cache_size=-8192",
            "CREATE TABLE seen (mark BLOB PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE gas (line INTEGER PRIMARY KEY, units INTEGER NOT NULL)",
            "BEGIN",
        ):
            self._execute(statement)

    def seen(self, kind: str, parts: Iterable[str], line: int) -> int | None:
        """The line in which the same stood before; None where it is new, and from now on it is not."""
        # Twelve bytes: among a million lines two differ by one chance in 10^17.
        mark = hashlib.blake2b("\0".join((kind, *parts)).encode(), digest_size=12).digest()
        if self._execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (mark, line)).rowcount:
            return None
        found = self._execute("SELECT line FROM seen WHERE mark = ?", (mark,)).fetchone()
        return int(found[0])

    def keep_gas(self, units: Mapping[int, int]) -> None:
        """Remember the gas of lines that need more than the others."""
        for line, gas in units.items():
            self._execute("INSERT OR REPLACE INTO gas VALUES (?, ?)", (line, gas))

    def gas(self, line: int) -> int | None:
        """The gas that a line needs, where it is out of the ordinary."""
        found = self._execute("SELECT units FROM gas WHERE line = ?", (line,)).fetchone()
        return None if found is None else int(found[0])

    def _execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise StoreError(f"cannot write to a temporary file: {error} (set TMPDIR to a folder with room)") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()
