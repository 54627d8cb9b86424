"""EndpointPool and AsyncEndpointPool: the same conversations, carried out by threads or by tasks."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Final, Self

from .. import telemetry
from ..errors import MultiwalletError
from ..ops import Effect, Outcome, Sleep, arun, run
from ..transport import AsyncHttpTransport, HttpTransport
from .assembly import Pool
from .conversation import Conversation, Ended, Visit
from .questions import label

__all__ = ["AsyncEndpointPool", "EndpointPool"]

_WORKERS: Final = 32


class EndpointPool(Pool):
    """A transport over several endpoints a network, none of which is trusted alone. May be shared by threads.

    ``endpoints`` maps a network (name, alias or CAIP-2 id) to its endpoints in order of preference: URLs, or transports
    of your own. Each is asked which network it serves before it is asked anything else.

    ``quorum``: how many endpoints must agree on the reads that matter (balances, nonces, coins, contract calls;
    ``quorum_reads`` names others by family). ``hedge_after``: seconds, or a quantile of the latency such as ``"p95"``,
    after which an unanswered read is asked of a second endpoint as well. ``broadcast_to``: how many endpoints a
    transaction is handed to, or ``"all"``. ``limits``: a :class:`RateLimit` for each endpoint, or a mapping by network
    or URL. ``breaker``: when an endpoint that fails is left alone. ``lag``: how many blocks it may be behind; None to
    not look. ``prefer``: the order as ``"listed"``, or the ``"fastest"`` first. ``policy``: attempts and pauses.
    ``check``: the identity check, None for none. ``timeout`` (seconds) and ``client`` are for HTTP, as in
    :class:`~multiwallet.transport.HttpTransport`. ``clock``, ``chance`` and ``sleep`` are for tests.

    >>> pool = EndpointPool({"ethereum": ["https://one.example/key", "https://two.example"]}, quorum=2)
    >>> [(row.endpoint, row.breaker) for row in pool.health()]
    [('https://one.example/…', 'closed'), ('https://two.example', 'closed')]
    """

    def _prepare(self) -> None:
        self._lock = threading.Lock()
        self._visitors: ThreadPoolExecutor | None = None
        self._drivers: ThreadPoolExecutor | None = None

    def _real_sleep(self) -> Callable[[float], Any]:
        return time.sleep

    def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        """Perform a batch of effects; the outcomes in order, errors in place."""
        outcomes: list[Outcome] = [None] * len(effects)
        planned = self._plan(effects)
        with telemetry.span("multiwallet.perform", effects=len(effects)):
            if len(planned) > 1:
                runs = [(contextvars.copy_context(), conversation) for _, conversation in planned]
                drivers = self._workers("_drivers")
                results = list(drivers.map(lambda pair: pair[0].run(self._drive, pair[1]), runs))
            else:
                results = [self._drive(conversation) for _, conversation in planned]
        for (positions, _), answers in zip(planned, results, strict=True):
            for position, answer in zip(positions, answers, strict=True):
                outcomes[position] = answer
        self._rest(max((effect.seconds for effect in effects if isinstance(effect, Sleep)), default=0))
        return outcomes

    def _drive(self, conversation: Conversation[list[Outcome]]) -> list[Outcome]:
        back: SimpleQueue[tuple[Visit, list[Outcome] | BaseException]] = SimpleQueue()
        under_way = 0
        ended: Any = None  # what a generator is first sent
        try:
            while True:
                try:
                    step = conversation.send(ended)
                except StopIteration as done:
                    results: list[Outcome] = done.value
                    return results
                if len(step.visits) == 1 and not under_way and step.timeout is None:  # the usual case needs no thread
                    ended = [Ended(step.visits[0], self._visit(step.visits[0]))]
                    continue
                for visit in step.visits:
                    context = contextvars.copy_context()
                    self._workers("_visitors").submit(context.run, self._report, visit, back)
                    under_way += 1
                ended = []
                if not under_way:
                    self._sleep(step.timeout or 0)
                    continue
                try:
                    visit, came = back.get(timeout=step.timeout)
                except Empty:
                    continue
                under_way -= 1
                if isinstance(came, BaseException):
                    raise came
                ended = [Ended(visit, came)]
        finally:
            conversation.close()

    def _report(self, visit: Visit, back: SimpleQueue[tuple[Visit, list[Outcome] | BaseException]]) -> None:
        try:
            back.put((visit, self._visit(visit)))
        except BaseException as error:  # noqa: BLE001  # a bug in a transport is raised where its caller sees it
            back.put((visit, error))

    def _visit(self, visit: Visit) -> list[Outcome]:
        member = visit.member

        def perform(effects: Sequence[Effect]) -> Sequence[Outcome]:
            if len(effects) == 1 and isinstance(effects[0], Sleep):
                self._sleep(effects[0].seconds)
                return [None]
            try:
                answers: Sequence[Outcome] = member.transport.perform(effects)
                return answers
            except MultiwalletError as error:
                return [error] * len(effects)

        with telemetry.span("multiwallet.endpoint", **_about(visit)) as span:
            outcomes = run(member.visit(visit.effects, visit.service), perform)
            _mark(span, outcomes)
            return outcomes

    def _rest(self, seconds: float) -> None:
        """Let time pass: for real where an endpoint is a URL, and in every transport that was handed over."""
        if seconds <= 0:
            return
        waits = [self._workers("_visitors").submit(given.perform, [Sleep(seconds)]) for given in self._given]
        if self._own:
            self._sleep(seconds)
        for wait in waits:
            wait.result()

    def _workers(self, which: str) -> ThreadPoolExecutor:
        # Those who drive wait for those who visit: in one pool they could wait for each other.
        with self._lock:
            workers: ThreadPoolExecutor | None = getattr(self, which)
            if workers is None:
                workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix=f"multiwallet-pool{which}")
                setattr(self, which, workers)
            return workers

    def _connect(self, endpoint: str) -> HttpTransport:
        return HttpTransport(
            lambda network: (endpoint,), timeout=self._timeout, policy=self._single(), client=self._client
        )

    def close(self) -> None:
        """Wait for what is under way and close the connections of the pool. Transports handed over stay open."""
        for which in ("_drivers", "_visitors"):
            with self._lock:
                workers: ThreadPoolExecutor | None = getattr(self, which)
                setattr(self, which, None)
            if workers is not None:
                workers.shutdown()
        for transport in self._own.values():
            transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncEndpointPool(Pool):
    """As :class:`EndpointPool`, for an event loop. A transport handed over may be of either kind.

    >>> pool = AsyncEndpointPool({"bitcoin": ["https://one.example", "core+http://user:pass@127.0.0.1:8332"]})
    >>> pool
    <AsyncEndpointPool bitcoin: 2>
    """

    _asynchronous = True

    def _prepare(self) -> None:
        self._kept: set[asyncio.Task[Any]] = set()

    def _real_sleep(self) -> Callable[[float], Any]:
        return asyncio.sleep

    async def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        """Perform a batch of effects; the outcomes in order, errors in place."""
        outcomes: list[Outcome] = [None] * len(effects)
        planned = self._plan(effects)
        with telemetry.span("multiwallet.perform", effects=len(effects)):
            results = await asyncio.gather(*(self._drive(conversation) for _, conversation in planned))
        for (positions, _), answers in zip(planned, results, strict=True):
            for position, answer in zip(positions, answers, strict=True):
                outcomes[position] = answer
        await self._rest(max((effect.seconds for effect in effects if isinstance(effect, Sleep)), default=0))
        return outcomes

    async def _drive(self, conversation: Conversation[list[Outcome]]) -> list[Outcome]:
        under_way: dict[asyncio.Task[list[Outcome]], Visit] = {}
        ended: Any = None
        try:
            while True:
                try:
                    step = conversation.send(ended)
                except StopIteration as done:
                    results: list[Outcome] = done.value
                    return results
                for visit in step.visits:
                    under_way[asyncio.create_task(self._visit(visit))] = visit
                if not under_way:
                    await self._sleep(step.timeout or 0)
                    ended = []
                    continue
                finished, _ = await asyncio.wait(under_way, timeout=step.timeout, return_when=asyncio.FIRST_COMPLETED)
                ended = [Ended(under_way.pop(task), task.result()) for task in finished]
        finally:
            conversation.close()
            await self._leave(under_way)

    async def _leave(self, under_way: dict[asyncio.Task[list[Outcome]], Visit]) -> None:
        """End what nobody waits for any more; a broadcast goes on, so that its endpoint gets it too."""
        ending = []
        for task, visit in under_way.items():
            if visit.keep:
                self._kept.add(task)
                task.add_done_callback(self._forget)
            else:
                task.cancel()
                ending.append(task)
        if ending:
            await asyncio.gather(*ending, return_exceptions=True)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._kept.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, or the event loop would complain that nobody did

    async def _visit(self, visit: Visit) -> list[Outcome]:
        member = visit.member

        async def perform(effects: Sequence[Effect]) -> Sequence[Outcome]:
            if len(effects) == 1 and isinstance(effects[0], Sleep):
                await self._sleep(effects[0].seconds)
                return [None]
            try:
                return await _performed(member.transport, effects)
            except MultiwalletError as error:
                return [error] * len(effects)

        with telemetry.span("multiwallet.endpoint", **_about(visit)) as span:
            outcomes = await arun(member.visit(visit.effects, visit.service), perform)
            _mark(span, outcomes)
            return outcomes

    async def _rest(self, seconds: float) -> None:
        if seconds <= 0:
            return
        waits = [_performed(given, [Sleep(seconds)]) for given in self._given]
        await asyncio.gather(*waits, *([self._sleep(seconds)] if self._own else []))

    def _connect(self, endpoint: str) -> AsyncHttpTransport:
        return AsyncHttpTransport(
            lambda network: (endpoint,), timeout=self._timeout, policy=self._single(), client=self._client
        )

    async def close(self) -> None:
        """As :meth:`EndpointPool.close`."""
        while self._kept:
            await asyncio.gather(*self._kept, return_exceptions=True)
        for transport in self._own.values():
            await transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _performed(transport: Any, effects: Sequence[Effect]) -> Sequence[Outcome]:
    if inspect.iscoroutinefunction(transport.perform):
        answers: Sequence[Outcome] = await transport.perform(effects)
    else:  # an embedded engine or a blocking client: keep the event loop free
        answers = await asyncio.to_thread(transport.perform, effects)
    return answers


def _about(visit: Visit) -> dict[str, Any]:
    """What a span says of a visit: who and what kind, never what about."""
    methods = sorted({label(effect) for effect in visit.effects})
    return {
        "network": visit.member.network.id,
        "endpoint": visit.member.host,
        "method": ", ".join(methods[:8]),
        "effects": len(visit.effects),
        "breaker": visit.member.breaker.state,
    }


def _mark(span: telemetry.Span, outcomes: Sequence[Outcome]) -> None:
    error = next((outcome for outcome in outcomes if isinstance(outcome, MultiwalletError)), None)
    if error is not None:
        span.fail(error.code)
