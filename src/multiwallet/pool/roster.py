"""Who serves a network, in which order, and how long to wait for somebody: the pool's choice among its endpoints."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ..errors import MultiwalletError, RateLimited, TransportError, Unreachable
from ..exchange import RetryPolicy
from ..intents import Network
from .conversation import Conversation, Visit, waited
from .member import Member
from .policies import LagPolicy
from .questions import height_question

__all__ = ["Ladder", "Roster", "Settings"]

_FAILING: Final = 0.5  # an endpoint that fails more often than it answers comes last


@dataclass(frozen=True, slots=True)
class Settings:
    """What the knobs of a pool are set to, checked."""

    quorum: int
    hedge_after: float | None
    hedge_quantile: float | None
    broadcast_to: int | None
    """How many endpoints a broadcast goes to; None for all."""
    retry: RetryPolicy
    lag: LagPolicy | None
    prefer: Literal["listed", "fastest"]
    quorum_reads: Mapping[str, Collection[str]]
    clock: Callable[[], float]
    chance: Callable[[], float] = field(default=random.random)


class Roster:
    """The endpoints of one network. Shared by threads; what changes is in the members themselves."""

    def __init__(self, network: Network, members: Sequence[Member], settings: Settings) -> None:
        self.network = network
        self.members = tuple(members)
        self.settings = settings
        self._lock = threading.Lock()
        self._heights_due: dict[str, float] = {}

    def serving(self, service: str) -> list[Member]:
        """Who may be asked for this kind of effect at all."""
        return [member for member in self.members if member.serves(service)]

    def ranked(self, service: str) -> list[Member]:
        """Who may be asked now, the best first. Who was outvoted, lags or fails comes last, so that reads skip it
        while others are there."""
        ready = [member for member in self.serving(service) if member.ready]
        behind = self.behind(ready)

        def rank(member: Member) -> tuple[bool, bool, bool, float, int]:
            speed = (member.health.latency or 0.0) if self.settings.prefer == "fastest" else 0.0
            return member.doubted, member in behind, member.health.errors > _FAILING, speed, member.position

        return sorted(ready, key=rank)

    def behind(self, members: Sequence[Member]) -> set[Member]:
        """Those of the members that lag behind the others, as far as heights are known."""
        top, lag = self.tip(members), self.lag
        if top is None or lag is None:
            return set()
        return {m for m in members if m.health.height is not None and top - m.health.height > lag}

    @property
    def lag(self) -> int | None:
        """How many blocks an endpoint may lag; None where heights do not matter."""
        return None if self.settings.lag is None else self.settings.lag.of(self.network.id, self.network.family)

    def tip(self, members: Sequence[Member]) -> int | None:
        """The height that the others are held against: the best one, or, of three and more, the best but one.

        So one endpoint alone cannot invent a height that puts all others behind.
        """
        heights = sorted((m.health.height for m in members if m.health.height is not None), reverse=True)
        if not heights:
            return None
        return heights[1] if len(heights) >= 3 else heights[0]

    def look(self, service: str) -> Conversation[None]:
        """Ask everybody's height, where that is due. One caller does it; the others go on with what is known."""
        policy = self.settings.lag
        question = height_question(self.network.id, self.network.family, service)
        if policy is None or question is None or self.lag is None:
            return
        candidates = [member for member in self.serving(service) if member.ready]
        if len(candidates) < 2:
            return
        now = self.settings.clock()
        with self._lock:
            if now < self._heights_due.get(service, now):
                return
            self._heights_due[service] = now + policy.every
        visits = [Visit(member, (question,), (), service, keep=True) for member in candidates]
        flying: list[Visit] = []
        while visits or flying:
            ended = yield from waited(visits, flying, policy.patience, self.settings.clock)
            if not ended:  # who does not even tell its height is not waited for
                return
            visits = []

    def absent(self, service: str) -> MultiwalletError:
        """Why nobody can be asked now."""
        serving = self.serving(service)
        kind = f" of the kind {service!r}" if service else ""
        if not serving:
            put_out = sum(member.foreign for member in self.members)
            if put_out:
                return Unreachable(
                    f"no endpoint{kind} of {self.network.id} is left: {put_out} of {len(self.members)} speak for "
                    "another network and were put out; check their URLs"
                )
            return Unreachable(f"the pool has no endpoint{kind} for {self.network.id}: give it one")
        held = [member.hold for member in serving if member.hold > 0]
        if held:
            return RateLimited(
                f"every endpoint of {self.network.id} limits this client or is left alone after failures: "
                f"try again in {min(held):.0f} s",
                retry_after=min(held),
            )
        rest = min(member.breaker.rest for member in serving)
        return Unreachable(
            f"every endpoint of {self.network.id} failed repeatedly and is left alone for {rest:.0f} s more: "
            "check them, or give further ones"
        )


class Ladder:
    """Whom to ask next for one conversation: everybody once, then pauses and everybody again, up to the attempts."""

    def __init__(self, roster: Roster, service: str) -> None:
        self._roster = roster
        self._service = service
        self._tried: set[Member] = set()
        self._left = max(roster.settings.retry.attempts, len(roster.members))
        self._rounds = 0
        self.failure: MultiwalletError | None = None

    def spare(self, *, fresh: bool = False) -> Member | None:
        """The next endpoint that was not asked in this round, if there is one; it counts as asked.

        ``fresh`` leaves out those that lag behind or were outvoted.
        """
        if self._left <= 0:
            return None
        order = self._roster.ranked(self._service)
        left_out = set(self._tried)
        if fresh:
            left_out |= self._roster.behind(order) | {member for member in order if member.doubted}
        member = next((member for member in order if member not in left_out), None)
        if member is not None:
            self._tried.add(member)
            self._left -= 1
        return member

    def next(self) -> Member | float | None:
        """The next endpoint; or the seconds to pause first; or None, when everything was tried."""
        member = self.spare()
        if member is not None:
            return member
        retry = self._roster.settings.retry
        if self._left <= 0:
            return None
        here = self._roster.serving(self._service)
        if not here or not any(member.breaker.ready() for member in here):
            return None
        pause = 0.0
        if self._tried:
            self._tried.clear()
            pause = min(retry.pause * 2.0 ** min(self._rounds, 32), retry.longest_pause)
            pause *= 1 - self._roster.settings.chance() / 2
            self._rounds += 1
        if not any(member.ready for member in here):
            hold = min((member.hold for member in here if member.breaker.ready()), default=0.0)
            if hold > retry.patience:
                return None
            self._left -= 1  # or endless limits would be waited for endlessly
            pause = max(pause, hold)
        return pause

    def error(self) -> MultiwalletError:
        """What to say when nobody answered."""
        return self.failure or self._roster.absent(self._service)

    def blame(self, error: TransportError) -> None:
        """Remember why an endpoint did not answer."""
        self.failure = error
