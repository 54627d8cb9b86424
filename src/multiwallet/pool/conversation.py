"""How a decision talks to those who carry it out: steps out, finished visits back. No thread, no event loop, no clock.

A :data:`Conversation` is a generator. It yields a :class:`Step` (start these visits; come back when one has ended, or
after so many seconds) and is sent the visits that ended, an empty list when the time was up first. With nothing under
way a step is a pause. The two faces of the pool run conversations with threads and with tasks; a test runs one by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from ..ops import Effect, Outcome
from .member import Member

__all__ = ["Conversation", "Ended", "Step", "Visit", "paused", "waited"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """Ask one endpoint these effects. ``places`` are their positions among all effects of the conversation.

    ``keep`` marks a visit that goes on when the conversation is over: it does some good by itself.
    """

    member: Member
    effects: tuple[Effect, ...]
    places: tuple[int, ...] = ()
    service: str = ""
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Start ``visits``, then wait for the first end of any visit under way, for at most ``timeout`` seconds."""

    visits: tuple[Visit, ...] = ()
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A visit that ended, with one outcome for each of its effects."""

    visit: Visit
    outcomes: Sequence[Outcome]


Conversation: TypeAlias = Generator[Step, list[Ended], T]


def waited(
    visits: Sequence[Visit], flying: list[Visit], timeout: float | None, clock: Callable[[], float]
) -> Conversation[list[Ended]]:
    """Start visits, adding them to ``flying``, and return those of ``flying`` that ended first; none in time: none.

    What an earlier part of the conversation left under way comes back in between and is passed over.
    """
    flying.extend(visits)
    until = None if timeout is None else clock() + timeout
    step = Step(tuple(visits), timeout)
    while True:
        ended = yield step
        mine = [end for end in ended if end.visit in flying]
        for end in mine:
            flying.remove(end.visit)
        if mine or not ended:
            return mine
        step = Step((), None if until is None else max(0.0, until - clock()))


def paused(seconds: float) -> Conversation[None]:
    """Wait so long, whatever comes back meanwhile."""
    while (yield Step((), seconds)):
        pass
