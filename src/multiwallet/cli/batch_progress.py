"""Progress of a batch, on stderr: a bar with rate and time left on a terminal; elsewhere a line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from .output import note

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Gauge", "gauge", "rate_text"]

_STEP: Final = 0.2
_SILENCE: Final = 3.0


class Gauge:
    """Shows how far each stage of the work is. Cheap enough to be called for each of a million lines."""

    def __init__(self, progress: Progress | None, *, quiet: bool) -> None:
        self._progress = progress
        self._quiet = quiet
        self._stages: dict[str, tuple[float, int, TaskID | None]] = {}
        self._next = time.monotonic() + (_STEP if progress is not None else _SILENCE)
        self._last: tuple[str, int, int | None] | None = None

    def show(self, what: str, done: int, total: int | None) -> None:
        """So much of a stage is done."""
        now = time.monotonic()
        if what not in self._stages:
            task = None if self._progress is None else self._progress.add_task(what, total=total, rate="")
            self._stages[what] = (now, done, task)
        self._last = (what, done, total)
        if now >= self._next:
            self._next = now + (_STEP if self._progress is not None else _SILENCE)
            self.flush()

    def flush(self) -> None:
        """Bring what is shown up to date."""
        if self._last is None:
            return
        what, done, total = self._last
        start, before, task = self._stages[what]
        rate = rate_text(done - before, time.monotonic() - start, None if total is None else total - done)
        if self._progress is not None and task is not None:
            self._progress.update(task, completed=done, total=total, rate=rate)
        elif not self._quiet:
            of = "" if total is None else f" of {total:,}"
            note(f"{what}: {done:,}{of}{', ' + rate if rate else ''}")


def rate_text(done: int, seconds: float, left: int | None) -> str:
    """How quick it is, and how long it still takes.

    >>> rate_text(500, 2.0, 1000), rate_text(0, 1.0, 10)
    ('250/s, 4 s left', '')
    """
    if done <= 0 or seconds <= 0:
        return ""
    rate = done / seconds
    text = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"
    if left:
        remaining = round(left / rate)
        minutes, rest = divmod(remaining, 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02} min" if minutes else f"{rest} s"
        text += f", {clock} left"
    return text


@contextmanager
def gauge(*, quiet: bool = False) -> Iterator[Gauge]:
    """A gauge for a piece of work. ``quiet`` is for ``--json``: then only a terminal sees anything."""
    if not sys.stderr.isatty():
        yield Gauge(None, quiet=quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
    )
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False, redirect_stderr=False) as progress:
        shown = Gauge(progress, quiet=quiet)
        yield shown
        shown.flush()
