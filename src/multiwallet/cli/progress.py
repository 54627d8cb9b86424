"""Progress of long work, on stderr: a bar on a terminal; elsewhere a line now and then after two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from .output import note

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Meter", "meter", "working"]

_PATIENCE: Final = 2.0  # seconds of silence where there is no terminal
_FEW: Final = 100  # so few are done before a bar could be read
_STEP: Final = 0.1  # seconds between two looks of a bar: more often costs more than a signature


class Meter:
    """Counts what is done. Cheap enough to be called for each of 100,000 items."""

    def __init__(self, what: str, total: int | None, bar: tuple[Progress, TaskID] | None, *, quiet: bool) -> None:
        self.done = 0
        self._what = what
        self._total = total
        self._bar = bar
        self._quiet = quiet
        self._next = time.monotonic() + (_STEP if bar else _PATIENCE)

    def advance(self, count: int = 1) -> None:
        """So many more are done."""
        self.done += count
        now = time.monotonic()
        if now >= self._next:
            self.show()
            self._next = now + (_STEP if self._bar else _PATIENCE)

    def show(self) -> None:
        """Bring what is shown up to date."""
        if self._bar is not None:
            self._bar[0].update(self._bar[1], completed=self.done)
        elif not self._quiet:
            of = "" if self._total is None else f" of {self._total:,}"
            note(f"{self._what}: {self.done:,}{of}")


@contextmanager
def meter(what: str, total: int | None = None, *, quiet: bool = False, streaming: bool = False) -> Iterator[Meter]:
    """A meter for a piece of work. ``quiet`` is for ``--json``: then only a terminal sees anything.

    ``streaming`` says that results are printed meanwhile: where a person sees those, they need no bar in between.
    """
    if (streaming and sys.stdout.isatty()) or (total is not None and total < _FEW):
        yield Meter(what, total, None, quiet=quiet or sys.stderr.isatty())
        return
    if not sys.stderr.isatty():
        yield Meter(what, total, None, quiet=quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # stdout stays what it is: rich would send it to where the bar is
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False, redirect_stderr=False) as progress:
        shown = Meter(what, total, (progress, progress.add_task(what, total=total)), quiet=quiet)
        yield shown
        shown.show()


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner on a terminal while something takes as long as it takes."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(what)):
        yield
