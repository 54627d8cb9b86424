"""Waiting, driven by hand: what comes back in between neither ends a pause nor passes for an answer."""

from __future__ import annotations

from typing import Any

from multiwallet import EndpointPool
from multiwallet.ops import Rpc
from multiwallet.pool.conversation import Ended, Visit, paused, waited

CALL = Rpc("eip155:1", "eth_gasPrice")


def finished(conversation: Any, back: Any) -> Any:
    try:
        conversation.send(back)
    except StopIteration as done:
        return done.value
    raise AssertionError("it goes on")


def visits(watched: Any, count: int) -> list[Visit]:
    with EndpointPool({"ethereum": [watched() for _ in range(count)]}) as made:
        return [Visit(member, (CALL,), (0,)) for member in made._rosters["eip155:1"].members]


def test_a_pause_is_as_long_as_it_should_be(watched):
    (stray,) = visits(watched, 1)
    pause = paused(3.0)
    assert next(pause).timeout == 3.0
    assert pause.send([Ended(stray, ["0x1"])]).timeout == 3.0
    assert finished(pause, []) is None


def test_what_was_left_under_way_is_passed_over(watched, clock):
    stray, first, second = visits(watched, 3)
    flying = [first]
    waiting = waited([second], flying, 10.0, clock)
    step = next(waiting)
    assert (step.visits, step.timeout) == ((second,), 10.0)
    clock.now += 4
    step = waiting.send([Ended(stray, ["0x0"])])
    assert (step.visits, step.timeout) == ((), 6.0)
    clock.now += 60
    step = waiting.send([Ended(stray, ["0x0"])])
    assert step.timeout == 0.0
    (mine,) = finished(waiting, [Ended(first, ["0x1"]), Ended(stray, ["0x0"])])
    assert mine.visit is first
    assert flying == [second]
    waiting = waited([], flying, None, clock)
    assert next(waiting).timeout is None
    assert finished(waiting, []) == []
    assert flying == [second]
