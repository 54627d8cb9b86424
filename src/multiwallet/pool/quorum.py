"""Reads that several endpoints must agree on.

An EVM network is asked about one block: the lowest height that the asked endpoints have reached, so that honest ones
that are a block apart agree. For others, and for what has no block (pending nonces), honest endpoints may differ for a
moment; so all that is in dispute is asked once more before it is called a disagreement.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final

from .. import telemetry
from ..errors import BadResponse, MultiwalletError, RateLimited, TransportError, Unreachable
from ..ops import Effect, Outcome
from .conversation import Conversation, Visit, paused, waited
from .member import Member
from .questions import alike, height_in, height_question, label, pinnable, pinned
from .reads import hedge_delay
from .roster import Roster

__all__ = ["agree"]

_MOST_NAMED: Final = 8
_log = logging.getLogger("multiwallet.pool")


class _Votes:
    """What the endpoints said to one effect."""

    def __init__(self, effect: Effect) -> None:
        self.effect = effect
        self.said: dict[Hashable, list[tuple[Member, Outcome]]] = {}
        self.failure: TransportError | None = None

    def add(self, member: Member, outcome: Outcome) -> None:
        if isinstance(outcome, TransportError):
            self.failure = outcome
        else:
            self.said.setdefault(alike(self.effect, outcome), []).append((member, outcome))

    @property
    def answers(self) -> int:
        return sum(len(votes) for votes in self.said.values())

    def winner(self, need: int) -> list[tuple[Member, Outcome]] | None:
        """Those who agree, if they are enough, and nobody else is."""
        enough = [votes for votes in self.said.values() if len(votes) >= need]
        return enough[0] if len(enough) == 1 else None

    def after(self, earlier: _Votes) -> _Votes:
        """What to tell of two ballots without a result: the one that heard more, and any reason why one was silent."""
        telling = self if self.answers >= earlier.answers else earlier
        telling.failure = self.failure or earlier.failure
        return telling


def agree(roster: Roster, service: str, effects: Sequence[Effect]) -> Conversation[list[Outcome]]:
    """The outcomes on which as many endpoints agree as the quorum asks; BadResponse where they do not.

    First as many are asked as must agree, then one more at a time while an answer is in dispute, then all of it once
    more. A refusal agrees with a refusal, whatever its words.
    """
    need = roster.settings.quorum
    yield from roster.look(service)
    settled: dict[int, Outcome] = {}
    disputed: dict[int, _Votes] = {}
    for again in (False, True):
        if again:
            pause = roster.settings.retry.pause
            yield from paused(pause * (1 - roster.settings.chance() / 2))
        left = [place for place in range(len(effects)) if place not in settled]
        ballot = yield from _vote(roster, service, effects, left)
        disputed = {
            place: votes.after(disputed[place]) if place in disputed else votes for place, votes in ballot.items()
        }
        for place, votes in ballot.items():
            won = votes.winner(need)
            if won is not None:
                settled[place] = won[0][1]
                _tell_dissent(roster, votes, won)
                del disputed[place]
        if not disputed:
            break
    for place, votes in disputed.items():
        settled[place] = _disagreement(roster, service, votes, need)
    return [settled[place] for place in range(len(effects))]


def _vote(
    roster: Roster, service: str, effects: Sequence[Effect], left: Sequence[int]
) -> Conversation[dict[int, _Votes]]:
    """Ask about the effects at the positions ``left`` until each is decided or everybody was asked."""
    need = roster.settings.quorum
    votes = {place: _Votes(effects[place]) for place in left}
    waiting = roster.ranked(service)
    if len(waiting) < need:  # some may only be held back by a rate limit
        holds = sorted(member.hold for member in roster.serving(service) if member.hold > 0 and member.breaker.ready())
        enough = holds[: need - len(waiting)]
        if len(enough) == need - len(waiting) and enough[-1] <= roster.settings.retry.patience:
            yield from paused(enough[-1])
            waiting = roster.ranked(service)
    pin: int | None = None
    if any(pinnable(roster.network.family, effects[place]) for place in left):
        waiting, pin, failure = yield from _common_height(roster, service, waiting)
        if failure is not None:
            for vote in votes.values():
                vote.failure = failure
            return votes
    flying: list[Visit] = []
    more = need
    while True:
        open_ = tuple(place for place in left if votes[place].winner(need) is None)
        if not open_:
            break
        asked = tuple(pinned(roster.network.family, effects[place], pin) for place in open_)
        started = [Visit(member, asked, open_, service) for member in waiting[:more]]
        waiting = waiting[len(started) :]
        if not flying and not started:
            break
        delay = hedge_delay(roster, (started or flying)[0].member) if waiting else None
        ended = yield from waited(started, flying, delay, roster.settings.clock)
        for end in ended:
            for place, outcome in zip(end.visit.places, end.outcomes, strict=True):
                votes[place].add(end.visit.member, outcome)
        # Who is under way may still decide it: one more is asked when it cannot, or when it takes too long.
        missing = max(_missing(votes[place], need) for place in left)
        more = max(1 if not ended else 0, missing - len(flying))
    return votes


def _missing(votes: _Votes, need: int) -> int:
    """How many more alike answers are needed at the least."""
    return max(0, need - max((len(said) for said in votes.said.values()), default=0))


def _common_height(
    roster: Roster, service: str, candidates: Sequence[Member]
) -> Conversation[tuple[list[Member], int | None, TransportError | None]]:
    """Those who have reached a common height (first those who said so), that height, or why there is none."""
    need = roster.settings.quorum
    question = height_question(roster.network.id, roster.network.family, service)
    assert question is not None  # only asked for families whose questions can be pinned
    heights: dict[Member, int] = {}
    failure: TransportError | None = None
    waiting, flying = list(candidates), list[Visit]()
    more = need
    close: dict[Member, int] = {}
    while len(close) < need:
        started = [Visit(member, (question,), (), service) for member in waiting[:more]]
        waiting = waiting[len(started) :]
        if not flying and not started:
            break
        delay = hedge_delay(roster, candidates[0]) if waiting else None
        ended = yield from waited(started, flying, delay, roster.settings.clock)
        for end in ended:
            (outcome,) = end.outcomes
            height = height_in(roster.network.family, question, outcome)
            if height is not None:
                heights[end.visit.member] = height
            elif isinstance(outcome, TransportError):
                failure = outcome
        top, lag = roster.tip(list(heights)), roster.lag
        close = {
            member: height for member, height in heights.items() if top is None or lag is None or top - height <= lag
        }
        more = max(1 if not ended else 0, need - len(close) - len(flying))
    if len(close) < need:
        if len(heights) >= need:
            spread = max(heights.values()) - min(heights.values())
            failure = BadResponse(
                f"the endpoints of {roster.network.id} are {spread} blocks apart, too far to compare their answers: "
                "wait until they have caught up, or leave out the one that is wrong"
            )
        elif failure is None:
            failure = Unreachable(f"{len(heights)} endpoints of {roster.network.id} told their height, {need} must")
        return [], None, failure
    first = [member for member in candidates if member in close]
    unasked = [member for member in candidates if member not in heights]
    return first + unasked, min(close.values()), None


def _tell_dissent(roster: Roster, votes: _Votes, won: list[tuple[Member, Outcome]]) -> None:
    for said in votes.said.values():
        if said is not won:
            for member, _ in said:
                member.doubt()
                telemetry.count(
                    "multiwallet.quorum.disagreements",
                    network=roster.network.id,
                    method=label(votes.effect),
                    endpoint=member.host,
                )
                telemetry.event(
                    _log,
                    f"{member.host} answered {label(votes.effect)} otherwise than the {len(won)} that agreed",
                    network=roster.network.id,
                    level=logging.WARNING,
                    endpoint=member.host,
                    method=label(votes.effect),
                )


def _disagreement(roster: Roster, service: str, votes: _Votes, need: int) -> MultiwalletError:
    method, failure = label(votes.effect), votes.failure
    if votes.answers < need:
        why = f" ({failure.message})" if failure is not None else ""
        text = (
            f"{method}: {need} endpoints of {roster.network.id} must agree, and {votes.answers} of "
            f"{len(roster.serving(service))} answered{why}"
        )
        if isinstance(failure, RateLimited):
            return RateLimited(text, retry_after=failure.retry_after)
        if isinstance(failure, BadResponse):
            return BadResponse(text)
        return type(failure)(text) if failure is not None else Unreachable(text)
    groups = sorted(votes.said.values(), key=len, reverse=True)
    shown = "; ".join(f"{len(said)} said one thing ({', '.join(_hosts(said))})" for said in groups[:_MOST_NAMED])
    telemetry.count("multiwallet.quorum.disagreements", network=roster.network.id, method=method, endpoint="unresolved")
    telemetry.event(
        _log,
        f"{method}: {votes.answers} endpoints gave {len(groups)} different answers, {need} alike are needed",
        network=roster.network.id,
        level=logging.ERROR,
        method=method,
    )
    return BadResponse(
        f"{method}: {votes.answers} endpoints of {roster.network.id} gave {len(groups)} different answers, and {need} "
        f"alike are needed: {shown}. Ask again, or leave out the one that is wrong"
    )


def _hosts(said: Sequence[tuple[Member, Outcome]]) -> list[str]:
    counted = Counter(member.host for member, _ in said)
    return [host if count == 1 else f"{host} {count} times" for host, count in counted.items()][:_MOST_NAMED]
