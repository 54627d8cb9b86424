"""The devnet's time: it runs as fast as the wall clock, and can be moved on at will."""

from __future__ import annotations

import time

__all__ = ["Clock"]


class Clock:
    """Seconds since 1970 as a chain sees them: the time of its start, what has passed since, and what was skipped.

    >>> clock = Clock(start=1_700_000_000)
    >>> clock.skip(3600)
    >>> int(clock.now()) >= 1_700_003_600
    True
    """

    def __init__(self, start: float | None = None) -> None:
        self._offset = (time.time() if start is None else start) - time.monotonic()

    def now(self) -> float:
        """The present moment."""
        return time.monotonic() + self._offset

    def skip(self, seconds: float) -> None:
        """Let so many seconds pass at once; a negative number passes none."""
        self._offset += max(0.0, seconds)
