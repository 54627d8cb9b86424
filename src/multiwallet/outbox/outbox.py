"""Outbox and AsyncOutbox: payments under idempotency keys, as a person calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InputError, StoreError, Timeout
from ..ops import arun, run
from ..store import outgoing as kept
from ..store.records import FINAL, Outgoing, State
from .operations import OutboxOperations

if TYPE_CHECKING:
    import asyncio
    import threading

    from ..wallet import AsyncWallet, Wallet

__all__ = ["AsyncOutbox", "Outbox"]


class Outbox:
    """The payments of a store, driven with the keys of a wallet. Made by :meth:`multiwallet.Wallet.open_outbox`.

    Any number of threads, processes and machines may have an outbox on the same store.
    """

    def __init__(self, wallet: Wallet, operations: OutboxOperations) -> None:
        self._wallet = wallet
        self._operations = operations

    def get(self, key: str) -> Outgoing | None:
        """The payment of an idempotency key; None where there is none."""
        return run(self._operations.find(key), self._wallet._perform)

    def payments(self, *states: State | str, after: int = 0, limit: int = 1000) -> list[Outgoing]:
        """Payments in the order they were entered, of some states or of all; ``after`` is the last id of a page."""
        wanted = [State(state) for state in states]
        return run(self._operations.read(kept.listed, states=wanted, after=after, limit=limit), self._wallet._perform)

    def counts(self) -> dict[State, int]:
        """How many payments are in each state."""
        return run(self._operations.read(kept.counts), self._wallet._perform)

    def cancel(self, key: str) -> Outgoing:
        """Ask for a payment not to be made. Where it may have gone out, the chain decides which came first.

        Raises InputError when it is done already. ``run`` or ``step`` carries it out.
        """
        return run(self._operations.cancel(key), self._wallet._perform)

    def step(self) -> int:
        """Look once after the payments that are due: hand over, ask, replace, sign anew. Returns how many it were."""
        return run(self._operations.step(), self._wallet._perform)

    def wait(self, key: str, *, timeout: float = 300) -> Outgoing:
        """Look after payments until that of a key is final; at most ``timeout`` seconds.

        Follows the payment through replacements and new signatures, where a receipt's ``wait`` follows one
        transaction. Raises InputError where there is no such payment, and Timeout when the time is up.
        """
        import time

        end = time.monotonic() + timeout
        while True:
            record = _known(self.get(key))
            if record.is_final:
                return record
            if time.monotonic() >= end:
                raise Timeout(f"the payment is {record.state.value} after {timeout:g} s: wait longer, or ask again")
            if not self.step():
                time.sleep(_pause(self._operations))

    def run(
        self, *, stop: threading.Event | None = None, until_idle: bool = False, timeout: float | None = None
    ) -> None:
        """Look after payments until ``stop`` is set; with ``until_idle`` until every one is final.

        ``timeout`` is in seconds; when it is up the call returns, whatever is left. A store that fails is asked again,
        with growing pauses; when it fails ten times in a row its StoreError is raised.
        """
        import threading
        import time

        stop = stop or threading.Event()
        end = None if timeout is None else time.monotonic() + timeout
        failures = 0
        while not stop.is_set() and (end is None or time.monotonic() < end):
            try:
                if self.step():
                    failures = 0
                    continue
                if until_idle and not _alive(self.counts()):
                    return
                failures, pause = 0, _pause(self._operations)
            except StoreError as error:
                pause = self._operations.note_failure(error, failures)
                failures += 1
            stop.wait(pause)


class AsyncOutbox:
    """As :class:`Outbox`, for an event loop: run :meth:`run` as a task beside your own."""

    def __init__(self, wallet: AsyncWallet, operations: OutboxOperations) -> None:
        self._wallet = wallet
        self._operations = operations

    async def get(self, key: str) -> Outgoing | None:
        """As :meth:`Outbox.get`."""
        return await arun(self._operations.find(key), self._wallet._perform)

    async def payments(self, *states: State | str, after: int = 0, limit: int = 1000) -> list[Outgoing]:
        """As :meth:`Outbox.payments`."""
        wanted = [State(state) for state in states]
        return await arun(
            self._operations.read(kept.listed, states=wanted, after=after, limit=limit), self._wallet._perform
        )

    async def counts(self) -> dict[State, int]:
        """As :meth:`Outbox.counts`."""
        return await arun(self._operations.read(kept.counts), self._wallet._perform)

    async def cancel(self, key: str) -> Outgoing:
        """As :meth:`Outbox.cancel`."""
        return await arun(self._operations.cancel(key), self._wallet._perform)

    async def step(self) -> int:
        """As :meth:`Outbox.step`."""
        return await arun(self._operations.step(), self._wallet._perform)

    async def wait(self, key: str, *, timeout: float = 300) -> Outgoing:
        """As :meth:`Outbox.wait`."""
        import asyncio
        import time

        end = time.monotonic() + timeout
        while True:
            record = _known(await self.get(key))
            if record.is_final:
                return record
            if time.monotonic() >= end:
                raise Timeout(f"the payment is {record.state.value} after {timeout:g} s: wait longer, or ask again")
            if not await self.step():
                await asyncio.sleep(_pause(self._operations))

    async def run(
        self, *, stop: asyncio.Event | None = None, until_idle: bool = False, timeout: float | None = None
    ) -> None:
        """As :meth:`Outbox.run`."""
        import asyncio
        import time

        stop = stop or asyncio.Event()
        end = None if timeout is None else time.monotonic() + timeout
        failures = 0
        while not stop.is_set() and (end is None or time.monotonic() < end):
            try:
                if await self.step():
                    failures = 0
                    continue
                if until_idle and not _alive(await self.counts()):
                    return
                failures, pause = 0, _pause(self._operations)
            except StoreError as error:
                pause = self._operations.note_failure(error, failures)
                failures += 1
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                continue


def _known(record: Outgoing | None) -> Outgoing:
    if record is None:
        raise InputError("there is no payment of this key")
    return record


def _alive(counts: dict[State, int]) -> int:
    return sum(count for state, count in counts.items() if state not in FINAL)


def _pause(operations: OutboxOperations) -> float:
    return max(0.05, min(1.0, operations.policy.poll / 2))
