"""Operations and their drivers: gather, run and arun under errors, endings and strange drivers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import AsyncWallet, Wallet, network
from multiwallet.errors import BadResponse, InputError, Rejected, Timeout
from multiwallet.ops import Effect, Op, Outcome, Rpc, Sleep, arun, ask, attempt, gather, run
from multiwallet.registry import chain

NET = "eip155:1"


def call(name: object) -> Rpc:
    return Rpc(NET, str(name))


def echo(effects: Sequence[Effect]) -> list[Outcome]:
    return [Rejected(e.method) if e.method.startswith("bad") else e.method for e in effects]  # type: ignore[union-attr]  # only Rpc here


def both(make: Callable[[], Op[Any]], perform: Callable[[Sequence[Effect]], Any]) -> tuple[Any, Any]:
    """What run and arun make of the same operation: result or error."""

    async def later(effects: Sequence[Effect]) -> Any:
        await asyncio.sleep(0)
        return perform(effects)

    outcomes = []
    for drive in (lambda: run(make(), perform), lambda: asyncio.run(arun(make(), later))):
        try:
            outcomes.append(drive())
        except Exception as error:
            outcomes.append((type(error), str(error)))
    return outcomes[0], outcomes[1]


class Watched:
    """An operation of so many rounds, which notes its own end."""

    def __init__(self, rounds: Sequence[Sequence[object]], fails: bool = False) -> None:
        self.rounds, self.fails, self.closed, self.seen = rounds, fails, False, []

    def op(self) -> Op[list[Outcome]]:
        try:
            for names in self.rounds:
                outcomes = yield from attempt(*map(call, names))
                self.seen.append(outcomes)
            if self.fails:
                raise Timeout("failed at the end")
            return self.seen
        finally:
            self.closed = True


programs = st.lists(
    st.tuples(st.lists(st.lists(st.integers(0, 99), max_size=3), max_size=4), st.booleans()), max_size=5
)


@given(programs)
def test_gather_gives_each_operation_its_own_answers(program: list[tuple[list[list[int]], bool]]) -> None:
    watched = [Watched(rounds, fails) for rounds, fails in program]
    batches: list[int] = []

    def perform(effects: Sequence[Effect]) -> list[Outcome]:
        batches.append(len(effects))
        return echo(effects)

    results = run(gather(*(each.op() for each in watched), return_errors=True), perform)
    for each, (rounds, fails), result in zip(watched, program, results, strict=True):
        assert each.closed
        assert each.seen == [[str(name) for name in names] for names in rounds]
        assert isinstance(result, Timeout) if fails else result == each.seen
    # In step: as many batches as the longest operation has rounds, and nothing asked twice.
    assert len(batches) == max((len(rounds) for rounds, _ in program), default=0)
    assert sum(batches) == sum(len(names) for rounds, _ in program for names in rounds)


@given(programs)
def test_gather_without_return_errors_raises_after_the_round_and_closes_all(program: Any) -> None:
    made: list[Watched] = []

    def make() -> Op[Any]:
        made[:] = [Watched(rounds, fails) for rounds, fails in program]
        return gather(*(each.op() for each in made))

    first, second = both(make, echo)
    assert first == second
    assert all(each.closed for each in made)
    ends = [len(rounds) for rounds, fails in program if fails]
    if ends:  # nobody goes on beyond the round in which the first one failed
        assert first == (Timeout, "failed at the end")
        assert all(len(each.seen) == min(len(each.rounds), min(ends)) for each in made)
    else:
        assert first == [each.seen for each in made]


def test_run_and_arun_agree_on_programs() -> None:
    def nested() -> Op[Any]:
        first = yield from gather(Watched([["a"], ["b", "bad1"]]).op(), Watched([["c"]], True).op(), return_errors=True)
        second = yield from gather(ask(call("x")), gather(ask(call("y")), ask(Sleep(0)) if False else ask(call("z"))))
        return [str(first), second]

    first, second = both(nested, echo)
    assert first == second
    assert first[1] == [["x"], [["y"], ["z"]]]


def test_the_first_error_in_order_wins_though_another_came_first() -> None:
    def fails(rounds: int, name: str) -> Op[None]:
        for _ in range(rounds):
            yield from ask(call("fine"))
        raise Rejected(name)

    watched = Watched([["x"]] * 9)
    for result in both(lambda: gather(fails(2, "late"), fails(1, "b"), fails(1, "c"), watched.op()), echo):
        assert result == (Rejected, "b")
    assert watched.closed
    assert len(watched.seen) == 2  # one round in each of the two drives


def test_ask_raises_what_attempt_returns() -> None:
    outcomes = run(attempt(call("a"), call("bad"), call("c")), echo)
    assert [str(outcome) for outcome in outcomes] == ["a", "bad", "c"]
    for result in both(lambda: ask(call("a"), call("bad2"), call("bad1")), echo):
        assert result == (Rejected, "bad2")


@pytest.mark.parametrize(
    "change",
    [lambda answers: answers[:-1], lambda answers: [*answers, "more"], lambda _: []],
    ids=["fewer", "more", "none"],
)
@pytest.mark.parametrize(
    "make", [lambda: ask(call(1), call(2)), lambda: gather(ask(call(1)), ask(call(2)))], ids=["ask", "gather"]
)
def test_answers_that_cannot_be_told_apart_are_given_to_nobody(change: Any, make: Any) -> None:
    for result in both(make, lambda effects: change(echo(effects))):
        assert result[0] is RuntimeError


def test_a_driver_that_stops_iterating_is_no_result() -> None:
    def perform(effects: Sequence[Effect]) -> list[Outcome]:
        return [next(iter(())) for _ in effects]

    watched = Watched([["x"]])
    with pytest.raises(StopIteration):
        run(watched.op(), perform)
    assert watched.closed


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, Rejected, asyncio.CancelledError])
def test_an_operation_is_closed_when_its_driver_breaks(kind: type[BaseException]) -> None:
    def perform(effects: Sequence[Effect]) -> list[Outcome]:
        raise kind("broken")

    async def later(effects: Sequence[Effect]) -> list[Outcome]:
        raise kind("broken")

    inner, outer = Watched([["x"]]), Watched([["x"]])
    with pytest.raises(kind):
        run(gather(inner.op(), outer.op()), perform)
    assert inner.closed
    assert outer.closed
    watched = Watched([["x"]])

    async def main() -> None:
        with pytest.raises(kind):
            await arun(watched.op(), later)

    asyncio.run(main())
    assert watched.closed


def test_cancelling_a_task_closes_its_operation() -> None:
    watched = Watched([["x"]])

    async def never(effects: Sequence[Effect]) -> list[Outcome]:
        await asyncio.get_running_loop().create_future()
        return []

    async def main() -> None:
        task = asyncio.ensure_future(arun(watched.op(), never))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert watched.closed


def test_an_unforeseen_error_in_one_operation_closes_the_others() -> None:
    def broken() -> Op[None]:
        yield from ask(call("x"))
        raise KeyError("a bug")

    watched = Watched([["x"]] * 5)
    with pytest.raises(KeyError):
        run(gather(watched.op(), broken(), return_errors=True), echo)
    assert watched.closed


class Miscounting:
    """A transport of somebody's own that loses or invents answers."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        self.outcomes = outcomes

    def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        return self.outcomes


@pytest.mark.parametrize("outcomes", [[], ["0x1"], ["0x1"] * 9], ids=len)
def test_a_wallet_believes_no_transport_that_miscounts(outcomes: list[Outcome]) -> None:
    seed = bytes(range(32))
    transport = Miscounting(outcomes)
    with pytest.raises(BadResponse, match="none can be trusted"):
        Wallet.from_seed(seed, transport=transport).account("ethereum").balance()

    async def main() -> None:
        async with AsyncWallet.from_seed(seed, transport=transport) as wallet:
            with pytest.raises(BadResponse, match="none can be trusted"):
                await wallet.account("ethereum").balance()

    asyncio.run(main())


def test_waiting_without_end_or_number_is_refused() -> None:
    row = network("ethereum")
    with pytest.raises(InputError, match="seconds"):
        run(chain(row).wait(row, "0x" + "00" * 32, timeout=float("nan")), echo)
