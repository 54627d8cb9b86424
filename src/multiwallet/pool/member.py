"""One endpoint of one network, with all that the pool knows about it: identity, health, breaker, limit."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from .. import telemetry
from ..errors import BadResponse, MultiwalletError, RateLimited, Rejected, Timeout, TransportError, Unreachable
from ..intents import Network
from ..ops import Effect, Op, Outcome, Rest, Rpc, Sleep
from .breaker import Breaker, TokenBucket
from .questions import height_in, label

__all__ = ["Check", "Health", "Member"]

Check = Callable[[Network], Op[None]]

_WEIGHT: Final = 0.25  # of the newest value in a moving one
_SAMPLES: Final = 64
_FEWEST: Final = 8  # a quantile of less says nothing
_HOLD: Final = 1.0  # seconds, where an endpoint does not say how long
_DOUBT: Final = 60.0  # seconds
_log = logging.getLogger("multiwallet.pool")


class Health:
    """Moving latency in seconds, moving share of failures, and the last height. Safe for threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[float] = deque(maxlen=_SAMPLES)
        self.latency: float | None = None
        self.errors = 0.0
        self.height: int | None = None
        self.height_at: float | None = None

    def record(self, seconds: float, failed: bool) -> None:
        """Take note of one request."""
        with self._lock:
            self.errors += _WEIGHT * (float(failed) - self.errors)
            if not failed:
                self._recent.append(seconds)
                self.latency = seconds if self.latency is None else self.latency + _WEIGHT * (seconds - self.latency)

    def learn(self, height: int) -> None:
        """Take note of a height. It may fall: a reorganisation, or an endpoint whose nodes differ."""
        with self._lock:
            self.height, self.height_at = height, self._clock()

    def quantile(self, share: float) -> float | None:
        """The latency that so large a share of the recent requests stayed within; None while there are few."""
        with self._lock:
            recent = sorted(self._recent)
        return recent[min(int(len(recent) * share), len(recent) - 1)] if len(recent) >= _FEWEST else None


class Member:
    """An endpoint as the pool sees it. :meth:`visit` is the one way to ask it anything.

    ``host`` is how it may be shown. ``service`` is the one kind of effect that it serves, None for all kinds.
    """

    def __init__(
        self,
        network: Network,
        position: int,
        transport: Any,
        host: str,
        *,
        service: str | None,
        check: Check | None,
        breaker: Breaker,
        bucket: TokenBucket | None,
        clock: Callable[[], float],
    ) -> None:
        self.network = network
        self.position = position
        self.transport = transport
        self.host = host
        self.service = service
        self.breaker = breaker
        self.health = Health(clock)
        self.foreign = False
        """Whether it was found to speak for another network. It is never asked again."""
        self._check = check
        self._bucket = bucket
        self._clock = clock
        self._identified: set[str] = set()
        self._held_until = 0.0
        self._doubted_until = 0.0

    def serves(self, service: str) -> bool:
        """Whether effects of this kind may go here at all."""
        return not self.foreign and (self.service is None or self.service == service)

    @property
    def hold(self) -> float:
        """For how many seconds a rate limit still holds it back."""
        return max(0.0, self._held_until - self._clock())

    @property
    def doubted(self) -> bool:
        """Whether a quorum outvoted it lately: it is asked last for a while."""
        return self._clock() < self._doubted_until

    def doubt(self) -> None:
        """Take note that a quorum outvoted it."""
        self._doubted_until = self._clock() + _DOUBT

    @property
    def ready(self) -> bool:
        """Whether it may be asked now."""
        return not self.foreign and self.hold <= 0 and self.breaker.ready()

    def visit(self, effects: Sequence[Effect], service: str) -> Op[list[Outcome]]:
        """Ask the endpoint, checking its identity before where that is due; errors take the place of outcomes.

        What this yields is for the endpoint's own transport, but for a ``Sleep``, which is for the caller.
        """
        refusal: MultiwalletError | None = None
        if self.foreign:
            refusal = BadResponse(f"{self.host} speaks for another network than {self.network.id}: it is not asked")
        elif not self.breaker.admit():
            refusal = Unreachable(
                f"{self.host} failed repeatedly and is left alone for {self.breaker.rest:.0f} s more: "
                "check it, or give further endpoints"
            )
        if refusal is not None:
            return _unsent(effects, refusal)
        try:
            if self._check is not None and service not in self._identified:
                refusal = yield from self._identify(self._check, service)
                if refusal is not None:
                    return _unsent(effects, refusal)
            return (yield from self._ask(effects))
        finally:
            self.breaker.abandon()  # says nothing where the outcome was told before

    def _ask(self, effects: Sequence[Effect]) -> Op[list[Outcome]]:
        wait = self._bucket.reserve(len(effects)) if self._bucket is not None else 0.0
        if wait is None:
            assert self._bucket is not None
            after = self._bucket.wait
            limited = RateLimited(
                f"the rate limit set for {self.host} leaves no room for {len(effects)} calls now: "
                f"try again in {after:.0f} s, or raise the limit",
                retry_after=after,
            )
            telemetry.count("multiwallet.errors", **self._about(), code="rate_limited")
            return [limited] * len(effects)
        if wait:
            yield (Sleep(wait),)
        start = self._clock()
        outcomes = list((yield effects))
        if len(outcomes) != len(effects):
            wrong = BadResponse(f"{self.host} gave {len(outcomes)} outcomes for {len(effects)} calls")
            outcomes = [wrong] * len(effects)
        self._note(effects, outcomes, max(0.0, self._clock() - start))
        return outcomes

    def _note(self, effects: Sequence[Effect], outcomes: Sequence[Outcome], seconds: float) -> None:
        about = self._about()
        for effect, outcome in zip(effects, outcomes, strict=True):
            telemetry.count("multiwallet.requests", **about, method=label(effect))
            if isinstance(outcome, MultiwalletError):
                telemetry.count("multiwallet.errors", **about, method=label(effect), code=outcome.code)
            height = height_in(self.network.family, effect, outcome)
            if height is not None:
                self.health.learn(height)
        telemetry.observe("multiwallet.request.duration", seconds, **about)
        limited = [outcome for outcome in outcomes if isinstance(outcome, RateLimited)]
        if limited:
            pause = max(_HOLD if error.retry_after is None else max(0.0, error.retry_after) for error in limited)
            self._held_until = max(self._held_until, self._clock() + pause)
        answered = not outcomes or any(not isinstance(outcome, TransportError) for outcome in outcomes)
        if answered:
            self.health.record(seconds, False)
            if self.breaker.success():
                self._tell("closed", "answers again")
        elif len(limited) < len(outcomes):
            self._failed(seconds)

    def _failed(self, seconds: float) -> None:
        self.health.record(seconds, True)
        if self.breaker.failure():
            self._identified.clear()  # who comes back may be somebody else
            self._tell("open", f"failed repeatedly and is left alone for {self.breaker.rest:.0f} s")

    def _identify(self, check: Check, service: str) -> Op[MultiwalletError | None]:
        """Run the family's own check against this endpoint alone; the error, or None when it is the right one."""
        # Some families choose by the kind of the first endpoint what they ask; which host it is does not matter.
        stand_in = f"{service}+http://endpoint.invalid" if service else "http://endpoint.invalid"
        question = check(self.network.with_endpoints((stand_in,)))
        unanswered = False
        try:
            effects = next(question)
            while True:
                outcomes = yield from self._ask([self._addressed(effect) for effect in effects])
                unanswered = unanswered or any(isinstance(outcome, MultiwalletError) for outcome in outcomes)
                effects = question.send(outcomes)
        except StopIteration:
            self._identified.add(service)
            return None
        except MultiwalletError as error:
            if isinstance(error, Rejected):
                self._failed(0.0)
                return BadResponse(f"{self.host} does not say which network it serves: {error.message}")
            if isinstance(error, BadResponse) and not unanswered:
                self.foreign = True
                telemetry.count("multiwallet.endpoint.put_out", **self._about())
                telemetry.event(
                    _log,
                    f"{self.host} is put out: {error.message}",
                    network=self.network.id,
                    level=logging.ERROR,
                    endpoint=self.host,
                )
            return error
        finally:
            question.close()

    def _addressed(self, effect: Effect) -> Effect:
        """A question of the identity check as one of the kind that this endpoint serves, or it would not get there."""
        if self.service is None or not isinstance(effect, Rpc | Rest):
            return effect
        return replace(effect, service=self.service)

    def _about(self) -> dict[str, Any]:
        return {"network": self.network.id, "endpoint": self.host}

    def _tell(self, state: str, what: str) -> None:
        telemetry.count("multiwallet.breaker.changes", **self._about(), state=state)
        telemetry.event(
            _log,
            f"{self.host} {what}",
            network=self.network.id,
            level=logging.WARNING,
            endpoint=self.host,
            breaker=state,
        )

    def __repr__(self) -> str:
        state = "put out" if self.foreign else self.breaker.state
        return f"<endpoint {self.host} of {self.network.id}: {state}>"


def _unsent(effects: Sequence[Effect], refusal: MultiwalletError) -> list[Outcome]:
    """The outcomes of effects that never left. A broadcast's must not look like one whose answer was lost."""
    outcomes: list[Outcome] = []
    for effect in effects:
        sending = isinstance(effect, Rpc | Rest) and effect.broadcast
        if sending and isinstance(refusal, Timeout | BadResponse):
            unsent = Unreachable(f"nothing was sent: {refusal.message}")
            unsent.__cause__ = refusal
            outcomes.append(unsent)
        else:
            outcomes.append(refusal)
    return outcomes
