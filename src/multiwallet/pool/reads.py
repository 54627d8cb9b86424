"""Reads that any one endpoint may answer: failover, pauses, and hedges."""

from __future__ import annotations

from collections.abc import Sequence

from .. import telemetry
from ..errors import TransportError
from ..ops import Effect, Outcome
from .conversation import Conversation, Visit, paused, waited
from .member import Member
from .roster import Ladder, Roster

__all__ = ["hedge_delay", "read"]


def read(roster: Roster, service: str, effects: Sequence[Effect]) -> Conversation[list[Outcome]]:
    """The outcomes of reads. What one endpoint does not answer the next is asked; a hedge asks it beside the first.

    A refusal is an answer. The first answer to each effect counts, whoever gave it.
    """
    yield from roster.look(service)
    ladder = Ladder(roster, service)
    settled: dict[int, Outcome] = {}
    failures: dict[int, TransportError] = {}
    flying: list[Visit] = []
    hedged = False
    launch: Member | None = None
    while True:
        left = tuple(place for place in range(len(effects)) if place not in settled)
        if not left:
            break
        if not flying and launch is None:
            hedged = False
            move = ladder.next()
            if move is None:
                break
            if isinstance(move, float):
                yield from paused(move)
                continue
            launch = move
        started = [] if launch is None else [Visit(launch, tuple(effects[place] for place in left), left, service)]
        delay = None if hedged or not started else hedge_delay(roster, started[0].member)
        launch = None
        ended = yield from waited(started, flying, delay, roster.settings.clock)
        if not ended:  # the hedge: once for each request, and never without somebody else to ask
            hedged = True
            launch = ladder.spare(fresh=True)
            if launch is not None:
                telemetry.count("multiwallet.hedges", network=roster.network.id, endpoint=launch.host)
            continue
        for end in ended:
            for place, outcome in zip(end.visit.places, end.outcomes, strict=True):
                if isinstance(outcome, TransportError):
                    failures[place] = outcome
                    ladder.blame(outcome)
                elif place not in settled:
                    settled[place] = outcome
    return [
        settled[place] if place in settled else failures.get(place) or ladder.error() for place in range(len(effects))
    ]


def hedge_delay(roster: Roster, member: Member) -> float | None:
    """After how many seconds without an answer of this endpoint a second one is asked; None for never."""
    settings = roster.settings
    if settings.hedge_quantile is not None:
        return member.health.quantile(settings.hedge_quantile)
    return settings.hedge_after
