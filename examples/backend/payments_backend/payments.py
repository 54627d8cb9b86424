"""Orders and their payments: what the routes do, without HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final

import multiwallet
from multiwallet import AsyncWallet
from multiwallet.errors import (
    AmountError,
    IdempotencyConflict,
    InputError,
    MultiwalletError,
    StoreError,
    UnknownNetwork,
    Unsupported,
    shown,
)
from multiwallet.outbox import AsyncOutbox
from multiwallet.store import Outgoing, State

from .messages import Order
from .metrics import Metrics
from .settings import Settings

__all__ = ["Busy", "Payments", "UnknownOrder", "order_of"]

_PREFIX: Final = "order:"  # keys of the outbox's own never begin like this, whatever a client calls its order
_log = logging.getLogger("payments_backend.payments")


class Busy(MultiwalletError):
    """Nothing is known of the order yet. Asking again with the same order_id is safe."""

    code = "busy"


class UnknownOrder(MultiwalletError):
    """Nobody has asked for this order."""

    code = "unknown_order"


class Payments:
    """The payments of one wallet and store. ``outbox`` is the wallet's own."""

    def __init__(self, wallet: AsyncWallet, outbox: AsyncOutbox, settings: Settings, metrics: Metrics) -> None:
        self._outbox = outbox
        self._settings = settings
        self._metrics = metrics
        # Opened here, so that a network that cannot be paid on keeps a worker from starting, not an order from ending.
        self._accounts = {multiwallet.network(name).id: wallet.account(name) for name in settings.endpoints}
        self._running: dict[Order, asyncio.Task[Any]] = {}

    async def make(self, order: Order) -> Outgoing:
        """Make the payment of an order, or tell how far it is.

        The work goes on when the caller has hung up or is not patient enough. Raises IdempotencyConflict where the
        order was for something else, InputError for what cannot be paid, other errors of the library where nothing
        was paid and the same order may be asked for again, and Busy.
        """
        row = multiwallet.network(order.network)
        account = self._accounts.get(row.id)
        if account is None:
            raise UnknownNetwork(f"this back end does not pay on {shown(order.network)}")
        if order.asset is None and not row.amount(order.amount):  # a wrong amount must not use up the order_id
            raise AmountError("the amount is zero: there is nothing to pay")
        task = self._running.get(order)  # who asks again while it is being made waits beside who asked first
        if task is None:
            if len(self._running) >= self._settings.concurrency:
                raise Busy("too many payments are being made at this moment: ask again with the same order_id")
            sending = account.send(
                to=order.to,
                amount=order.amount,
                asset=order.asset,
                max_fee=self._fee_limit(row),
                idempotency_key=_PREFIX + order.order_id,
            )
            task = self._running[order] = asyncio.create_task(sending)
            task.add_done_callback(lambda done: self._ended(order, done))
        await asyncio.wait({task}, timeout=self._settings.answer_within)
        return await self._outcome(order, task if task.done() else None)

    async def _outcome(self, order: Order, task: asyncio.Task[Any] | None) -> Outgoing:
        """What the store says counts; an error tells only why it says so."""
        error = task.exception() if task is not None else None
        if isinstance(error, IdempotencyConflict | InputError | Unsupported | UnknownNetwork):
            raise error
        if error is not None and not isinstance(error, MultiwalletError):
            raise error
        record = await self._outbox.get(_PREFIX + order.order_id)
        if record is None or (task is None and not _is_for(record, order)):
            raise error or Busy("the order could not be written down in time: ask again with the same order_id")
        if error is not None and record.state is State.REFUSED:
            raise error
        return record  # an error beside a payment that lives on: the reconciler goes on with it

    async def get(self, order_id: str) -> Outgoing:
        """The payment of an order; UnknownOrder."""
        record = await self._outbox.get(_PREFIX + order_id)
        if record is None:
            raise UnknownOrder("there is no such order")
        return record

    async def listed(self, states: Iterable[State], after: int, limit: int) -> tuple[list[Outgoing], int | None]:
        """A page of payments in the order they were asked for, and where the next one begins."""
        records = await self._outbox.payments(*states, after=after, limit=limit)
        following = records[-1].id if len(records) == limit else None
        return [record for record in records if record.key.startswith(_PREFIX)], following

    async def cancel(self, order_id: str) -> Outgoing:
        """Ask for a payment not to be made; InputError where it is too late, Busy while it is being made."""
        record = await self.get(order_id)
        if record.cancelling or record.state is State.CANCELLED:
            return record
        try:
            return await self._outbox.cancel(record.key)
        except StoreError as error:
            raise Busy(error.message) from error

    async def is_readable(self) -> bool:
        """Whether the store answers within two seconds."""
        try:
            await asyncio.wait_for(self._outbox.payments(limit=1), 2)
        except (MultiwalletError, TimeoutError):
            return False
        return True

    async def finish(self, seconds: float) -> None:
        """Let what is being sent come to its end. What does not is left to the next worker, as after a crash."""
        if self._running:
            _, left = await asyncio.wait(self._running.values(), timeout=seconds)
            for task in left:
                task.cancel()

    def _fee_limit(self, row: multiwallet.Network) -> str | None:
        return self._settings.max_fees.get(row.name, self._settings.max_fees.get(row.id))

    def _ended(self, order: Order, task: asyncio.Task[Any]) -> None:
        del self._running[order]
        error = None if task.cancelled() else task.exception()  # asked for, so that it is never "not retrieved"
        if error is not None:
            code = error.code if isinstance(error, MultiwalletError) else type(error).__name__
            self._metrics("payments.send.failed", 1, {"code": code})
            _log.info("a payment was not sent at once: %s", code)


def order_of(record: Outgoing) -> str:
    """The order that a payment is for."""
    return record.key.removeprefix(_PREFIX)


def _is_for(record: Outgoing, order: Order) -> bool:
    """Whether a payment is what this order asks for; without waiting for the outbox, which compares them itself."""
    row = multiwallet.network(order.network)
    wanted = {"to": multiwallet.parse_address(row, order.to), "amount": order.amount, "asset": order.asset}
    return record.network == row.id and record.request.get("transfers") == [wanted]
