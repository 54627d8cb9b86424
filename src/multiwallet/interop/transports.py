"""A transport out of what you already have: your ``Web3``, ``AsyncClient`` or ``Tron``, or a mapping of such.

``Wallet(..., transport=w3)`` comes here. The client carries what it can; all other networks go over HTTP to
the wallet's endpoints. The client's own settings hold (session, headers, timeout, retries): nothing is tried
again on top of them. See :func:`adapt`.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeAlias

from ..errors import InputError, MultiwalletError
from ..exchange import NoBatch
from ..ops import Effect, Outcome, Rpc, Sleep
from ..transport import AsyncHttpTransport, HttpTransport
from .clients import Client, Request, recognize
from .failures import outcomes_of_failure

__all__ = ["AsyncClientTransport", "ClientTransport", "adapt"]

_Conversation: TypeAlias = Generator[list[Request], list[Any], list[Outcome]]
_MOST_CALLS: Final = 100  # in one batch


def adapt(
    candidate: Any, endpoints: Callable[[str], Sequence[str]], *, asynchronous: bool = False
) -> ClientTransport | AsyncClientTransport:
    """A transport out of ``candidate``, and HTTP to ``endpoints`` (CAIP-2 id to URLs) for what it does not serve.

    ``candidate`` is a ``web3.Web3`` or ``AsyncWeb3`` (serves the EVM network it is connected to), a
    ``solana.rpc.async_api.AsyncClient``, a ``tronpy.Tron`` or ``AsyncTron`` (serve their family), or a mapping
    of network names to these or to transports, each of which then serves that network. A blocking client may
    stand in an ``AsyncWallet``, where it works in threads; an asynchronous one in a ``Wallet`` is an InputError.

    >>> adapt(42, lambda network: ())
    Traceback (most recent call last):
        ...
    multiwallet.errors.InputError: int is no transport: give a Web3, AsyncWeb3, solana AsyncClient, Tron or ...
    """
    clients: list[Client] = []
    transports: dict[str, Any] = {}
    if isinstance(candidate, Mapping):
        from .. import registry

        for name, member in candidate.items():
            network = registry.network(name).id
            if callable(getattr(member, "perform", None)):
                _check(type(member).__name__, inspect.iscoroutinefunction(member.perform), asynchronous)
                transports[network] = member
            else:
                clients.append(_client(member, network, asynchronous))
    else:
        clients.append(_client(candidate, None, asynchronous))
    kind = AsyncClientTransport if asynchronous else ClientTransport
    return kind(clients, transports, endpoints)


def _client(candidate: Any, network: str | None, asynchronous: bool) -> Client:
    client = recognize(candidate, network)
    if client is None:
        raise InputError(
            f"{type(candidate).__name__} is no transport: give a Web3, AsyncWeb3, solana AsyncClient, Tron or "
            "AsyncTron, an object with perform(effects), or a mapping of networks to these; URLs go to endpoints="
        )
    _check(type(candidate).__name__, client.asynchronous, asynchronous)
    return client


def _check(name: str, is_asynchronous: bool, asynchronous: bool) -> None:
    if is_asynchronous and not asynchronous:
        raise InputError(f"{name} is asynchronous: use it with an AsyncWallet")


class _Plan:
    """One round: who carries which of its effects, and the outcomes as they come in."""

    def __init__(self, effects: Sequence[Effect], outcomes: list[Outcome], groups: list[tuple[Any, list[int]]]) -> None:
        self.outcomes = outcomes
        self.jobs = [(carrier, [effects[position] for position in positions]) for carrier, positions in groups]
        self._places = [positions for _, positions in groups]

    def fill(self, answers: Sequence[Sequence[Outcome]]) -> None:
        """Take the answers to the jobs, in order."""
        for positions, results in zip(self._places, answers, strict=True):
            for position, result in zip(positions, results, strict=True):
                self.outcomes[position] = result


class _Routing:
    """Which effect goes where, the same for both transports."""

    def __init__(self, clients: list[Client], transports: dict[str, Any]) -> None:
        self.clients = clients
        self.transports = transports
        self.uses_http = False

    def questions(self, effects: Sequence[Effect]) -> list[tuple[Client, Rpc]]:
        """The clients that must first say which network they serve, each with what it is asked."""
        if not any(_is_evm(effect) for effect in effects):
            return []
        asked = [(client, client.identify()) for client in self.clients]
        return [(client, question) for client, question in asked if question is not None]

    def plan(self, effects: Sequence[Effect], failure: MultiwalletError | None, http: Callable[[], Any]) -> _Plan:
        """For each carrier (a client or a transport) the positions of its effects. Sleeps are left out.

        With ``failure`` a client could not say which EVM network it serves: that is the outcome of those calls.
        """
        groups: dict[int, tuple[Any, list[int]]] = {}
        outcomes: list[Outcome] = [None] * len(effects)
        for position, effect in enumerate(effects):
            if isinstance(effect, Sleep):
                continue
            if failure is not None and _is_evm(effect):
                outcomes[position] = failure
                continue
            carrier = next((client for client in self.clients if client.serves(effect)), None)
            if carrier is None:
                carrier = self.transports.get(getattr(effect, "network", ""))
            if carrier is None:
                carrier = http()
                self.uses_http = True
            groups.setdefault(id(carrier), (carrier, []))[1].append(position)
        return _Plan(effects, outcomes, list(groups.values()))

    def sleepers(self, effects: Sequence[Effect]) -> tuple[float, list[Any]]:
        """How long to sleep here, and the transports to be told: an embedded engine moves its clock instead."""
        pause = max((effect.seconds for effect in effects if isinstance(effect, Sleep)), default=0)
        if pause <= 0:
            return 0, []
        members = list({id(member): member for member in self.transports.values()}.values())
        return (pause if self.clients or self.uses_http or not members else 0), members


def _converse(client: Client, effects: Sequence[Effect]) -> _Conversation:
    """Carry effects with a client: yields requests, is sent their results or the exceptions in their places."""
    outcomes: list[Outcome] = [None] * len(effects)
    single = [n for n, effect in enumerate(effects) if not client.batches or getattr(effect, "broadcast", False)]
    joined = [n for n in range(len(effects)) if n not in set(single)]
    groups = [joined[start : start + _MOST_CALLS] for start in range(0, len(joined), _MOST_CALLS)]
    groups += [[position] for position in single]
    while groups:
        wanted = [[effects[position] for position in group] for group in groups]
        results = yield [client.request(asked) for asked in wanted]
        again: list[list[int]] = []
        for group, asked, result in zip(groups, wanted, results, strict=True):
            answers = _answers(client, asked, result)
            if len(group) > 1 and all(isinstance(answer, NoBatch) for answer in answers):
                again += [[position] for position in group]
                continue
            for position, answer in zip(group, answers, strict=True):
                outcomes[position] = answer
        groups = again
    return outcomes


def _answers(client: Client, asked: Sequence[Effect], result: Any) -> list[Outcome]:
    if isinstance(result, NotImplementedError) and len(asked) > 1:
        return [NoBatch(f"{client.where} sends no batches")] * len(asked)
    if isinstance(result, Exception):
        return outcomes_of_failure(client.where, client.url, asked, result)
    try:
        return client.read(asked, result)
    except Exception as error:  # noqa: BLE001  # what a foreign client returns is as unknown as what it raises
        return outcomes_of_failure(client.where, client.url, asked, error)


def _identified(client: Client, outcome: Outcome) -> MultiwalletError | None:
    """None once the client knows its network, or the error that kept it from that."""
    if isinstance(outcome, MultiwalletError):
        return outcome
    try:
        client.identified(outcome)
    except MultiwalletError as error:
        return error
    return None


def _is_evm(effect: Effect) -> bool:
    return isinstance(effect, Rpc) and effect.network.startswith("eip155:")


class ClientTransport:
    """Performs effects with clients of other libraries, and over HTTP what they do not serve. See :func:`adapt`."""

    def __init__(
        self, clients: list[Client], transports: dict[str, Any], endpoints: Callable[[str], Sequence[str]]
    ) -> None:
        self._routing = _Routing(clients, transports)
        self._endpoints = endpoints
        self._http: HttpTransport | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        """Perform a batch of effects; the outcomes in order, errors in place."""
        failure: MultiwalletError | None = None
        for client, question in self._routing.questions(effects):
            (answer,) = _drive(_converse(client, [question]))
            failure = _identified(client, answer) or failure
        plan = self._routing.plan(effects, failure, self._open)
        plan.fill(list(self._threads().map(_carry, plan.jobs)) if len(plan.jobs) > 1 else [*map(_carry, plan.jobs)])
        pause, members = self._routing.sleepers(effects)
        for member in members:
            member.perform([effect for effect in effects if isinstance(effect, Sleep)])
        if pause:
            time.sleep(pause)
        return plan.outcomes

    def _open(self) -> HttpTransport:
        with self._lock:
            if self._http is None:
                self._http = HttpTransport(self._endpoints)
            return self._http

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(16, thread_name_prefix="multiwallet-clients")
            return self._pool

    def close(self) -> None:
        """Close what was opened here: the HTTP connections. Your clients and transports stay open."""
        with self._lock:
            pool, http, self._pool, self._http = self._pool, self._http, None, None
        if pool is not None:
            pool.shutdown()
        if http is not None:
            http.close()


def _carry(job: tuple[Any, list[Effect]]) -> Sequence[Outcome]:
    carrier, effects = job
    if hasattr(carrier, "perform"):
        outcomes: Sequence[Outcome] = carrier.perform(effects)
        return outcomes
    return _drive(_converse(carrier, effects))


def _drive(conversation: _Conversation) -> list[Outcome]:
    try:
        requests = next(conversation)
        while True:
            requests = conversation.send([_attempt(request) for request in requests])
    except StopIteration as done:
        outcomes: list[Outcome] = done.value
        return outcomes


def _attempt(request: Request) -> Any:
    try:
        return request()
    except Exception as error:  # noqa: BLE001  # a foreign client raises what it likes
        return error


class AsyncClientTransport:
    """As :class:`ClientTransport`, for an event loop. Blocking clients and transports work in threads."""

    def __init__(
        self, clients: list[Client], transports: dict[str, Any], endpoints: Callable[[str], Sequence[str]]
    ) -> None:
        self._routing = _Routing(clients, transports)
        self._endpoints = endpoints
        self._http: AsyncHttpTransport | None = None

    async def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        """Perform a batch of effects; the outcomes in order, errors in place."""
        failure: MultiwalletError | None = None
        for client, question in self._routing.questions(effects):
            (answer,) = await _drive_awaited(_converse(client, [question]), client.asynchronous)
            failure = _identified(client, answer) or failure
        plan = self._routing.plan(effects, failure, self._open)
        plan.fill(await asyncio.gather(*(_carry_awaited(carrier, asked) for carrier, asked in plan.jobs)))
        pause, members = self._routing.sleepers(effects)
        sleeps = [effect for effect in effects if isinstance(effect, Sleep)]
        await asyncio.gather(*(_carry_awaited(member, sleeps) for member in members))
        if pause:
            await asyncio.sleep(pause)
        return plan.outcomes

    def _open(self) -> AsyncHttpTransport:
        if self._http is None:
            self._http = AsyncHttpTransport(self._endpoints)
        return self._http

    async def close(self) -> None:
        """Close what was opened here: the HTTP connections. Your clients and transports stay open."""
        http, self._http = self._http, None
        if http is not None:
            await http.close()


async def _carry_awaited(carrier: Any, effects: list[Effect] | list[Sleep]) -> Sequence[Outcome]:
    if not hasattr(carrier, "perform"):
        return await _drive_awaited(_converse(carrier, effects), carrier.asynchronous)
    if inspect.iscoroutinefunction(carrier.perform):
        outcomes: Sequence[Outcome] = await carrier.perform(effects)
        return outcomes
    return await asyncio.to_thread(carrier.perform, effects)


async def _drive_awaited(conversation: _Conversation, asynchronous: bool) -> list[Outcome]:
    attempt: Callable[[Request], Coroutine[Any, Any, Any]] = _attempt_awaited if asynchronous else _attempt_in_thread
    try:
        requests = next(conversation)
        while True:
            requests = conversation.send(await asyncio.gather(*map(attempt, requests)))
    except StopIteration as done:
        outcomes: list[Outcome] = done.value
        return outcomes


async def _attempt_awaited(request: Request) -> Any:
    try:
        return await request()
    except Exception as error:  # noqa: BLE001  # a foreign client raises what it likes
        return error


async def _attempt_in_thread(request: Request) -> Any:
    return await asyncio.to_thread(_attempt, request)
