"""The outbox's verbs as operations, for both faces."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Mapping
from typing import Any, Final

from ..chain import Transfer
from ..errors import (
    IdempotencyConflict,
    InputError,
    MultiwalletError,
    Rejected,
    StoreError,
    Timeout,
    Unsupported,
)
from ..operations import AccountOperations, Session
from ..ops import Local, Op, Sleep, ask, gather
from ..store import outgoing as kept
from ..store.nonces import free_below
from ..store.records import FINAL, Outgoing, State
from ..store.store import Store
from ..transactions import Receipt
from .delivery import FILLER, Delivery
from .policy import Policy
from .receipts import receipt_of
from .requests import intent_of, reopen

__all__ = ["OutboxOperations"]

_PATIENCE: Final = 60.0  # for how long a caller waits for another worker that makes the same payment
_TOGETHER: Final = 32  # payments that are looked after in one round of questions
_FAILURES: Final = 10  # of the store in a row, before a reconciler gives up
_log = logging.getLogger("multiwallet.outbox")


class OutboxOperations:
    """One worker of a store, with the keys of one wallet."""

    def __init__(self, store: Store, session: Session, policy: Policy) -> None:
        # Each of a process's outboxes is a worker of its own, and each claim of it as well: see _worker.
        self.store = store
        self.session = session
        self.policy = policy
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._accounts: dict[str, AccountOperations] = {}
        self._foreign: set[str] = set()
        self._steps = 0

    def _worker(self) -> Delivery:
        """A worker for one piece of work: two tasks of this process are kept apart as two machines are."""
        return Delivery(self.store, self.policy, f"{self.name}-{secrets.token_hex(6)}")

    def send(
        self,
        operations: AccountOperations,
        transfers: tuple[Transfer, ...],
        options: Mapping[str, Any],
        key: str | None,
    ) -> Op[Receipt]:
        """Make the payment of a key, or tell how far it is."""
        operations.check_can_sign()
        if operations.chain.replay is None:
            raise Unsupported(f"payments on {operations.network.title} cannot go through an outbox yet")
        if key is None:
            key = f"auto-{secrets.token_hex(16)}"
        intent = intent_of(operations, transfers, options, key)
        worker, waited = self._worker(), 0.0
        while True:
            claim = yield from worker.call(kept.claim, intent, worker.worker)
            record = claim.record
            if claim.mine:
                break
            if record.state is State.CANCELLED:
                raise IdempotencyConflict("the payment of this key was cancelled: use a new key to make another one")
            if record.state not in (State.PLANNED, State.SIGNED):
                return receipt_of(operations, record)
            if waited >= _PATIENCE:
                if record.state is State.SIGNED:
                    return receipt_of(operations, record)
                raise Timeout("another worker is making this payment: ask again with the same key")
            yield from ask(Sleep(0.25))
            waited += 0.25
        if record.state is State.PLANNED:
            try:
                record = yield from worker.sign(operations, record)
            except StoreError:  # it is as it was, and the reconciler goes on with it
                raise
            except MultiwalletError as error:
                yield from worker.move(record, State.REFUSED, error=error.message[:500])
                raise
        elif record.attempts[-1].broadcasts:  # asked before: it may need more than to be handed over again
            record = yield from worker.go_on(operations, record)
            if worker.refusal is not None:
                raise worker.refusal
            if record.state is State.REFUSED:
                raise Rejected(record.error or "the payment was refused: send it again with the same key")
            return receipt_of(operations, record)
        record, refusal = yield from worker.broadcast(operations, record)
        if refusal is not None:
            raise refusal
        return receipt_of(operations, record)

    def step(self, limit: int = _TOGETHER) -> Op[int]:
        """Look after the payments that are due; how many there were."""
        worker = self._worker()
        yield from self._fill_gaps(worker)
        self._steps += 1  # every other step begins with what holds up others; those between leave nobody waiting
        due = yield from worker.call(
            kept.take_due, worker.worker, limit=limit, without=sorted(self._foreign), lowest_first=bool(self._steps % 2)
        )
        yield from gather(*(self._look_after(worker, record) for record in due), return_errors=True)
        return len(due)

    def note_failure(self, error: StoreError, failures: int) -> float:
        """What to do when the store fails: the pause before it is asked again; raises the error the tenth time."""
        if failures >= _FAILURES:
            raise error
        _log.warning("the outbox asks the store again: %s", error.message)
        return float(min(0.1 * 2**failures, 5.0))

    def _look_after(self, worker: Delivery, record: Outgoing) -> Op[None]:
        try:
            try:
                operations = self._account(record)
            except MultiwalletError as error:  # it is for a worker who has its keys
                self._foreign.add(record.lane)
                yield from worker.move(record, error=error.message[:500], due_in=0)
                return
            yield from worker.go_on(operations, record)
        except kept.LostLease:
            return
        except StoreError as error:  # it is due again when the lease ends
            _log.warning("payment %r: %s", record.key, error.message)
        except MultiwalletError as error:
            _log.info("payment %r: %s", record.key, error.message)

    def _account(self, record: Outgoing) -> AccountOperations:
        known = self._accounts.get(record.lane)
        if known is None:
            known = self._accounts[record.lane] = reopen(self.session, record.network, record.account, record.lane)
        return known

    def _fill_gaps(self, worker: Delivery) -> Op[None]:
        """A nonce that was given back and that higher ones wait for is taken by a payment of nothing."""
        for lane, nonce in (yield from worker.call(free_below)):
            yield from worker.call(_fill, lane, nonce)

    def cancel(self, key: str) -> Op[Outgoing]:
        """Ask for a payment to be undone before it is made; the reconciler does the rest."""
        worker = self._worker()
        claim = yield from worker.call(kept.take, key, worker.worker)
        if claim is None:
            raise InputError("there is no payment of this key")
        record = claim.record
        if record.state in FINAL or record.state is State.INCLUDED:
            if claim.mine:
                yield from worker.move(record, error=record.error, due_in=0)  # gives it back
            raise InputError(f"the payment is {record.state.value}: it cannot be cancelled any more")
        if not claim.mine:
            raise StoreError("another worker is making this payment right now: try again in a moment")
        if record.state is State.PLANNED and not record.attempts:
            return (yield from worker.move(record, State.CANCELLED))
        return (yield from worker.move(record, cancelling=True, due_in=0))

    def find(self, key: str) -> Op[Outgoing | None]:
        """The payment of a key."""
        found: Outgoing | None = yield from self.read(kept.find, key)
        return found

    def read(self, function: Any, *args: Any, **kwargs: Any) -> Op[Any]:
        """Ask the store."""
        (answer,) = yield from ask(Local(lambda: function(self.store, *args, **kwargs)))
        return answer


def _fill(store: Store, lane: str, nonce: int) -> None:
    from ..store.nonces import fill

    fill(store, lane, nonce, FILLER)
