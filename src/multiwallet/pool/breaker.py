"""The circuit breaker and the token bucket of one endpoint: arithmetic on an injected clock, safe for threads.

Neither waits nor sleeps. They say whether one may go, or for how long to wait; who asked does the waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from .policies import BreakerPolicy, RateLimit

__all__ = ["Breaker", "State", "TokenBucket"]

State: TypeAlias = Literal["closed", "open", "half-open"]
_ENOUGH: Final = 1e-9  # what rounding may add to a wait


class Breaker:
    """Closed, open, half-open. Who is admitted says how it went: success, failure, or abandoned.

    >>> now = 0.0
    >>> breaker = Breaker(BreakerPolicy(failures=1, cooldown=10, jitter=0), lambda: now, lambda: 0.5)
    >>> breaker.admit(), breaker.failure(), breaker.admit()
    (True, True, False)
    >>> now = 10.0
    >>> breaker.admit(), breaker.admit(), breaker.state  # one probe, and no second one beside it
    (True, False, 'half-open')
    >>> breaker.success(), breaker.state
    (True, 'closed')
    """

    def __init__(self, policy: BreakerPolicy, clock: Callable[[], float], chance: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._state: State = "closed"
        self._failures = 0
        self._openings = 0
        self._until = 0.0
        self._probing = False

    @property
    def state(self) -> State:
        """The state as of now: an open breaker whose time is up is half-open."""
        with self._lock:
            return self._now()

    @property
    def rest(self) -> float:
        """The seconds until a request may be let through; 0 where one may go now."""
        with self._lock:
            return max(0.0, self._until - self._clock()) if self._now() == "open" else 0.0

    def ready(self) -> bool:
        """Whether :meth:`admit` would say yes. Nothing is taken."""
        with self._lock:
            return self._now() == "closed" or (self._state == "half-open" and not self._probing)

    def admit(self) -> bool:
        """Whether a request may go. In half-open state the first one asked is the probe, and the others stay."""
        with self._lock:
            state = self._now()
            if state == "closed":
                return True
            if state == "open" or self._probing:
                return False
            self._probing = True
            return True

    def success(self) -> bool:
        """The endpoint answered. Whether that closed the breaker."""
        with self._lock:
            state = self._now()
            if state == "open":  # an answer to what was asked before it opened
                return False
            self._failures = 0
            self._probing = False
            if state == "closed":
                return False
            self._state, self._openings = "closed", 0
            return True

    def failure(self) -> bool:
        """The endpoint failed. Whether that opened the breaker."""
        with self._lock:
            state = self._now()
            if state == "open":
                return False
            self._failures += 1
            if state == "closed" and self._failures < self._policy.failures:
                return False
            pause = min(self._policy.cooldown * 2.0 ** min(self._openings, 32), self._policy.longest)
            pause *= 1 + self._policy.jitter * (2 * self._chance() - 1)
            self._state, self._until = "open", self._clock() + pause
            self._failures, self._probing = 0, False
            self._openings += 1
            return True

    def abandon(self) -> None:
        """The request ended without saying anything about the endpoint: the next one may be the probe."""
        with self._lock:
            self._probing = False

    def _now(self) -> State:
        if self._state == "open" and self._clock() >= self._until:
            self._state, self._probing = "half-open", False
        return self._state


class TokenBucket:
    """A rate limit that is kept by waiting: a reservation says for how long.

    >>> now = 0.0
    >>> bucket = TokenBucket(RateLimit(rate=2, burst=2, patience=1), lambda: now)
    >>> bucket.reserve(2), bucket.reserve(1), bucket.reserve(1), bucket.reserve(1)
    (0.0, 0.5, 1.0, None)
    >>> bucket.wait
    1.5
    """

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = float(limit.burst)
        self._at = clock()

    def reserve(self, calls: int = 1) -> float | None:
        """Take the tokens of so many calls and return the seconds to wait; None, taking nothing, beyond the patience."""
        with self._lock:
            self._fill()
            # A batch larger than the burst goes when the bucket is full, and the next ones wait for its debt.
            wait = max(0.0, (min(calls, self._limit.burst) - self._tokens) / self._limit.rate)
            if wait > self._limit.patience + _ENOUGH:
                return None
            self._tokens -= calls
            return wait

    @property
    def wait(self) -> float:
        """The seconds that one call would have to wait now."""
        with self._lock:
            self._fill()
            return max(0.0, (1 - self._tokens) / self._limit.rate)

    def _fill(self) -> None:
        now = self._clock()
        passed = max(0.0, now - self._at)
        self._at = max(now, self._at)
        self._tokens = min(float(self._limit.burst), self._tokens + passed * self._limit.rate)
