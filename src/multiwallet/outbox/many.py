"""Many payments of one account at once: handed over, asked about and settled in rounds instead of one by one.

The rules are those of :mod:`multiwallet.outbox.delivery`, and whatever is not the plain case is left to it: here a
payment has one signed transaction, which is either on its way or in a block.
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import telemetry
from ..chain import Replay
from ..errors import (
    BroadcastUncertain,
    ChainError,
    Expired,
    InputError,
    MultiwalletError,
    StoreError,
    TransportError,
    Unsupported,
)
from ..operations import AccountOperations
from ..ops import Op, gather
from ..store import batches
from ..store import outgoing as kept
from ..store.batch_entries import SignedBytes
from ..store.batches import Broadcast, Verdict
from ..store.records import Outgoing, Purpose, State
from ..transactions import Receipt, SignedTransaction, Status
from .delivery import FILLER, CoinsOnTheirWay, Delivery
from .operations import OutboxOperations
from .receipts import signed_of

__all__ = ["ManyPayments", "signed_bytes"]

_FRESH = 120.0  # seconds for which a transaction that a node has in its pool is left there in peace


def signed_bytes(operations: AccountOperations, signed: SignedTransaction, unsigned: str | None) -> SignedBytes:
    """A signed transaction as the store takes it beside a new payment.

    ``unsigned`` is the JSON of what was signed; without it the payment cannot be replaced at a higher fee later.
    Raises Unsupported for one that lacks signatures, and where payments of the family cannot go through an outbox.
    """
    if operations.chain.replay is None:
        raise Unsupported(f"payments on {operations.network.title} cannot go through an outbox yet")
    if not signed.complete:
        raise Unsupported("a payment of the outbox is signed by one account alone")
    if signed.network != operations.network:
        raise InputError(f"the transaction is for {signed.network.name}, not for {operations.network.name}")
    claims = operations.chain.claims(signed)
    return SignedBytes(signed.txid, signed.raw, signed.expiry, claims.nonce, claims.coins, unsigned)


class ManyPayments:
    """One worker of an outbox that works on the payments of one account, under one name."""

    def __init__(self, outbox: OutboxOperations, operations: AccountOperations, worker: str) -> None:
        self.outbox = outbox
        self.operations = operations
        self.delivery = Delivery(outbox.store, outbox.policy, worker)
        self.worker = worker

    def make(self, records: Sequence[Outgoing]) -> Op[None]:
        """Sign payments of which nothing is signed, and hand them over; together where they cannot hinder each other."""
        if self.operations.chain.replay is Replay.COINS:  # each builds on the coins that the one before left
            for record in records:
                try:
                    yield from self._make(record)
                except kept.LostLease:
                    continue  # it goes on with the worker that took it
            return
        _raise_store_errors((yield from gather(*(self._make(record) for record in records), return_errors=True)))

    def _make(self, record: Outgoing) -> Op[None]:
        delivery = self.delivery
        try:
            record = yield from delivery.sign(self.operations, record)
        except StoreError:
            raise
        except (TransportError, CoinsOnTheirWay) as error:
            yield from delivery.move(record, error=error.message[:500], due_in=delivery.policy.retry)
            return
        except MultiwalletError as error:
            yield from delivery.move(record, State.REFUSED, error=error.message[:500])
            return
        yield from delivery.broadcast(self.operations, record)

    def hand_over(self, records: Sequence[Outgoing]) -> Op[list[MultiwalletError | None]]:
        """Hand over the newest signed bytes of each payment, and note what came of it in one transaction."""
        operations, policy = self.operations, self.outbox.policy
        handed = (operations.broadcast(signed_of(operations, record.attempts[-1])) for record in records)
        outcomes = yield from gather(*handed, return_errors=True)
        results: list[Broadcast] = []
        refusals: list[MultiwalletError | None] = []
        for record, outcome in zip(records, outcomes, strict=True):
            attempt = record.attempts[-1]
            arrived, text, due = True, None, policy.poll
            refusal: MultiwalletError | None = None
            if isinstance(outcome, BroadcastUncertain):
                text = outcome.message[:500]
            elif isinstance(outcome, ChainError | TransportError):
                arrived, refusal, text = attempt.sent_at is not None, outcome, outcome.message[:500]
                due = policy.backoff(attempt.broadcasts)
            elif isinstance(outcome, MultiwalletError):
                arrived, refusal, text = False, outcome, outcome.message[:500]
                due = policy.retry
            for_good = refusal is not None and not isinstance(refusal, TransportError | Expired)
            refused = text if for_good else None
            results.append(Broadcast(record.id, attempt.generation, arrived, refused, text, due))
            refusals.append(refusal)
        yield from self.delivery.call(batches.note_broadcasts, self.worker, results)
        return refusals

    def look_after(self, records: Sequence[Outgoing]) -> Op[int]:
        """Do what payments need that are due: how many came to their end the plain way."""
        plain = [record for record in records if _is_plain(record)]
        others = [record for record in records if not _is_plain(record)]
        asked = (self.operations.status(record.attempts[-1].txid, None) for record in plain)
        outcomes = yield from gather(*asked, return_errors=True)
        verdicts: list[Verdict] = []
        waiting: list[int] = []
        failing: list[int] = []
        for record, outcome in zip(plain, outcomes, strict=True):
            if isinstance(outcome, TransportError):
                failing.append(record.id)
            elif not isinstance(outcome, Receipt):
                others.append(record)
            elif outcome.status in (Status.CONFIRMED, Status.FAILED):
                verdict = self._verdict(record, outcome)
                if verdict is not None:
                    verdicts.append(verdict)
                elif record.state is State.INCLUDED:
                    waiting.append(record.id)
                else:
                    others.append(record)
            elif outcome.status is Status.PENDING and record.state is State.SENT and self._is_fresh(record):
                waiting.append(record.id)
            else:
                others.append(record)
        policy, call = self.outbox.policy, self.delivery.call
        if waiting:
            yield from call(batches.put_off, self.worker, waiting, policy.poll)
        if failing:
            yield from call(batches.put_off, self.worker, failing, policy.retry)
        settled: int = (yield from call(batches.settle, self.worker, verdicts)) if verdicts else 0
        if settled:
            telemetry.count("multiwallet.payments", settled, network=self.operations.network.id, state="settled")
        looked = (self.outbox._look_after(self.delivery, record) for record in others)
        _raise_store_errors((yield from gather(*looked, return_errors=True)))
        return settled

    def _verdict(self, record: Outgoing, receipt: Receipt) -> Verdict | None:
        if not (receipt.final or receipt.confirmations >= self.outbox.policy.confirmations):
            return None
        failed = receipt.status is Status.FAILED
        state = State.FAILED if failed else State.CONFIRMED
        return Verdict(record.id, state, receipt.to_dict(), receipt.reason if failed else None)

    def _is_fresh(self, record: Outgoing) -> bool:
        after = self.outbox.policy.bump_after
        patience = _FRESH if after is None else min(after, _FRESH)
        return self.outbox.store.clock() - record.attempts[-1].created_at < patience


def _is_plain(record: Outgoing) -> bool:
    return (
        len(record.attempts) == 1
        and record.attempts[0].purpose is Purpose.PAY
        and not record.attempts[0].dead
        and not record.cancelling
        and FILLER not in record.request
        and record.state in (State.SIGNED, State.SENT, State.INCLUDED)
    )


def _raise_store_errors(outcomes: Sequence[object]) -> None:
    """A database that fails ends the work; a payment that went to another worker does not."""
    for outcome in outcomes:
        if isinstance(outcome, StoreError) and not isinstance(outcome, kept.LostLease):
            raise outcome
