"""I/O as data: effects, operations, and the two short loops that run them.

What needs the outside world is a generator, an ``Op[T]``. It yields a *batch* of effects, is sent one
outcome for each of them, and returns a ``T``. An outcome is the answer, or the
:class:`~multiwallet.errors.MultiwalletError` that took its place: one failed call never hides its
neighbours. ``ask`` is the plain case (give me the answers or raise), ``attempt`` the careful one.

>>> def height() -> Op[int]:
...     (answer,) = yield from ask(Rpc("eip155:1", "eth_blockNumber"))
...     return int(str(answer), 16)
>>> run(height(), lambda effects: ["0x10" for _ in effects])
16

:func:`gather` runs several operations in step: what they ask for in one round goes out as one batch,
which a transport turns into one JSON-RPC request per endpoint.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from .errors import MultiwalletError

if TYPE_CHECKING:
    from .chain import SigningRequest

__all__ = [
    "Effect",
    "Local",
    "Op",
    "Outcome",
    "Rest",
    "Rpc",
    "Sign",
    "Sleep",
    "arun",
    "ask",
    "attempt",
    "gather",
    "run",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rpc:
    """One JSON-RPC call to an endpoint of ``network`` (a CAIP-2 id). The answer is its ``result``.

    ``broadcast`` marks a call that may move money: a transport repeats it only with identical content,
    and reports an outcome it cannot know as ``Timeout`` or ``Unreachable`` instead of guessing.
    ``service`` picks among kinds of endpoint where a network has several.
    """

    network: str
    method: str
    params: Sequence[Any] | Mapping[str, Any] = ()
    broadcast: bool = False
    service: str = ""


@dataclass(frozen=True, slots=True)
class Rest:
    """One HTTP request to an endpoint of ``network``: ``path`` is appended to the endpoint's URL.

    ``json`` is sent as a JSON body, ``text`` as a plain one. The answer is the decoded JSON, or the
    body's text when the answer is not JSON and ``expect`` is ``"text"``. ``broadcast`` as in :class:`Rpc`.
    """

    network: str
    method: str
    path: str
    json: Any = None
    text: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    expect: str = "json"
    broadcast: bool = False
    service: str = ""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for a number of seconds. An embedded engine may let time pass at once. The answer is None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Sign:
    """Ask the account's signer for signatures. The answer is a list of them, one for each request."""

    requests: tuple[SigningRequest, ...]


@dataclass(frozen=True, slots=True)
class Local:
    """Blocking work on this machine, such as a transaction of a database. The answer is what it returns."""

    work: Callable[[], Any]


Effect: TypeAlias = Rpc | Rest | Sleep | Sign | Local
Outcome: TypeAlias = Any  # the answer, or the MultiwalletError in its place
Op: TypeAlias = Generator[Sequence[Effect], Sequence[Outcome], T]


def ask(*effects: Effect) -> Op[list[Any]]:
    """Perform the effects as one batch and return their answers; raise the first error among them."""
    outcomes = yield from attempt(*effects)
    for outcome in outcomes:
        if isinstance(outcome, MultiwalletError):
            raise outcome
    return outcomes


def attempt(*effects: Effect) -> Op[list[Outcome]]:
    """Perform the effects as one batch and return their outcomes, errors included."""
    outcomes = list((yield effects))
    if len(outcomes) != len(effects):
        raise RuntimeError(f"{len(effects)} effects were answered with {len(outcomes)} outcomes")
    return outcomes


def gather(*operations: Op[Any], return_errors: bool = False) -> Op[list[Any]]:
    """Run operations in step, joining each round's effects into one batch; return their results in order.

    With ``return_errors`` a :class:`~multiwallet.errors.MultiwalletError` takes the place of the result
    of the operation that raised it. Without, the first operation (in order) that failed raises once
    all of that round are done, and the others are closed.
    """
    results: list[Any] = [None] * len(operations)
    running: dict[int, tuple[Op[Any], Sequence[Effect]]] = {}

    def step(position: int, operation: Op[Any], outcomes: Sequence[Outcome] | None) -> None:
        try:
            effects = next(operation) if outcomes is None else operation.send(outcomes)
        except StopIteration as done:
            results[position] = done.value
        except MultiwalletError as error:
            results[position] = error
            failed.append(position)
        else:
            running[position] = (operation, effects)

    failed: list[int] = []
    try:
        for position, operation in enumerate(operations):
            step(position, operation, None)
        while running and (return_errors or not failed):
            batch = [effect for _, effects in running.values() for effect in effects]
            outcomes = yield from attempt(*batch)
            round_, start = list(running.items()), 0
            running.clear()
            for position, (operation, effects) in round_:
                step(position, operation, outcomes[start : start + len(effects)])
                start += len(effects)
    finally:
        for operation in operations:
            operation.close()
    if failed and not return_errors:
        raise results[min(failed)]
    return results


def run(operation: Op[T], perform: Callable[[Sequence[Effect]], Sequence[Outcome]]) -> T:
    """Run an operation to its end, performing each batch with ``perform``; return its result."""
    outcomes: Any = None  # what a generator is first sent
    try:
        while True:
            try:
                batch = operation.send(outcomes)
            except StopIteration as done:  # of the operation alone: one out of perform is no result
                result: T = done.value
                return result
            outcomes = perform(batch)
    finally:
        operation.close()


async def arun(operation: Op[T], perform: Callable[[Sequence[Effect]], Awaitable[Sequence[Outcome]]]) -> T:
    """As :func:`run`, with a ``perform`` that is awaited."""
    outcomes: Any = None
    try:
        while True:
            try:
                batch = operation.send(outcomes)
            except StopIteration as done:
                result: T = done.value
                return result
            outcomes = await perform(batch)
    finally:
        operation.close()
