"""The breaker and the token bucket as state machines against models, and under threads."""

from __future__ import annotations

import threading
from collections import deque

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from multiwallet.errors import InputError
from multiwallet.pool import BreakerPolicy, LagPolicy, RateLimit
from multiwallet.pool.breaker import Breaker, TokenBucket

FAILURES, COOLDOWN, LONGEST = 3, 8.0, 30.0


class BreakerMachine(RuleBasedStateMachine):
    """Admissions, answers, failures and time in any order, against a model that keeps the whole history."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        policy = BreakerPolicy(failures=FAILURES, cooldown=COOLDOWN, longest=LONGEST, jitter=0.25)
        self.chance = 0.5
        self.breaker = Breaker(policy, lambda: self.now, lambda: self.chance)
        self.state = "closed"
        self.run = 0  # failures in a row
        self.openings = 0
        self.opened_at = 0.0
        self.cooldown = 0.0
        self.probing = False

    def _tick(self) -> None:
        if self.state == "open" and self.now >= self.opened_at + self.cooldown:
            self.state, self.probing = "half-open", False

    @rule(seconds=st.floats(0, 40, allow_nan=False))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self._tick()

    @rule(chance=st.floats(0, 1, allow_nan=False))
    def luck_changes(self, chance: float) -> None:
        self.chance = chance

    @rule()
    def somebody_asks(self) -> None:
        expected = self.state == "closed" or (self.state == "half-open" and not self.probing)
        assert self.breaker.ready() is expected
        assert self.breaker.admit() is expected
        if self.state == "half-open":
            self.probing = True

    @rule()
    def an_answer_comes(self) -> None:
        assert self.breaker.success() is (self.state == "half-open")
        if self.state != "open":
            self.run, self.probing = 0, False
        if self.state == "half-open":
            self.state, self.openings = "closed", 0

    @rule()
    def it_fails(self) -> None:
        opens = self.state == "half-open" or (self.state == "closed" and self.run + 1 >= FAILURES)
        assert self.breaker.failure() is opens
        if opens:
            low, high = 0.75, 1.25
            usual = min(COOLDOWN * 2**self.openings, LONGEST)
            self.cooldown = self.breaker.rest
            assert usual * low - 1e-6 <= self.cooldown <= usual * high + 1e-6
            self.state, self.opened_at, self.run, self.probing = "open", self.now, 0, False
            self.openings += 1
        elif self.state == "closed":
            self.run += 1

    @precondition(lambda self: self.state == "half-open")
    @rule()
    def the_probe_is_called_off(self) -> None:
        self.breaker.abandon()
        self.probing = False

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        self._tick()
        assert self.breaker.state == self.state
        assert (self.breaker.rest > 0) is (self.state == "open")


TestBreaker = BreakerMachine.TestCase


class BucketMachine(RuleBasedStateMachine):
    """Whatever is reserved when, the calls that start in any window stay within the burst and the rate."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.limit = RateLimit(rate=4, burst=6, patience=5)
        self.bucket = TokenBucket(self.limit, lambda: self.now)
        self.started: deque[float] = deque()

    @rule(seconds=st.floats(0, 10, allow_nan=False))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(calls=st.integers(1, 6))
    def calls_are_made(self, calls: int) -> None:
        wait = self.bucket.reserve(calls)
        if wait is None:
            assert self.bucket.wait + (calls - 1) / self.limit.rate > self.limit.patience
            return
        assert 0 <= wait <= self.limit.patience + 1e-6
        self.started.extend([self.now + wait] * calls)

    @invariant()
    def no_window_holds_too_much(self) -> None:
        times = sorted(self.started)
        for first in range(max(0, len(times) - 40), len(times)):
            window = times[-1] - times[first]
            assert len(times) - first <= self.limit.burst + self.limit.rate * window + 1e-6

    @invariant()
    def who_waits_for_its_turn_is_let_in(self) -> None:
        assert self.bucket.wait <= self.limit.patience + 6 / self.limit.rate + 1e-6


TestBucket = BucketMachine.TestCase


def test_a_batch_larger_than_the_burst_goes_when_the_bucket_is_full():
    now = 0.0
    bucket = TokenBucket(RateLimit(rate=10, burst=5, patience=100), lambda: now)
    assert bucket.reserve(50) == 0
    assert bucket.wait == pytest.approx(4.6)
    assert bucket.reserve(50) == pytest.approx(5.0)


def test_a_clock_that_runs_backwards_gives_nothing():
    now = 10.0
    bucket = TokenBucket(RateLimit(rate=1, burst=1, patience=0), lambda: now)
    assert bucket.reserve() == 0
    now = 5.0
    assert bucket.reserve() is None
    now = 10.5
    assert bucket.reserve() is None
    now = 11.0
    assert bucket.reserve() == 0


def test_eight_threads_get_no_more_than_there_is():
    bucket = TokenBucket(RateLimit(rate=1, burst=100, patience=0), lambda: 0.0)
    granted: list[float] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait(10)
        for _ in range(50):
            wait = bucket.reserve()
            if wait is not None:
                granted.append(wait)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(granted) == 100


def test_one_probe_among_eight_threads():
    breaker = Breaker(BreakerPolicy(failures=1, cooldown=1, jitter=0), iter(range(10**6)).__next__, lambda: 0.5)
    breaker.failure()
    admitted: list[bool] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait(10)
        admitted.append(breaker.admit())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(admitted) == [False] * 7 + [True]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (BreakerPolicy, {"failures": 0}),
        (BreakerPolicy, {"failures": True}),
        (BreakerPolicy, {"cooldown": 0}),
        (BreakerPolicy, {"longest": float("inf")}),
        (BreakerPolicy, {"jitter": 1}),
        (BreakerPolicy, {"jitter": float("nan")}),
        (RateLimit, {"rate": 0}),
        (RateLimit, {"rate": float("nan")}),
        (RateLimit, {"rate": 1, "burst": 0}),
        (RateLimit, {"rate": 1, "patience": -1}),
        (LagPolicy, {"blocks": -1}),
        (LagPolicy, {"blocks": {"evm": 1.5}}),
        (LagPolicy, {"every": 0}),
        (LagPolicy, {"patience": "long"}),
    ],
    ids=str,
)
def test_knobs_out_of_range_are_refused(kind, settings):
    with pytest.raises(InputError):
        kind(**settings)
