"""The way of one payment, as operations: sign once, keep the bytes, hand them over, ask, and only then do more.

What the store says is what is; what this process remembers is never relied on. Bytes are in the store before any
node sees them. Other bytes for the same payment are signed only where the chain lets one of the two be included
(a nonce or a coin that they share), or where the ones before can never be included any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from .. import telemetry
from ..amounts import Amount
from ..chain import Options, Payment, Replay
from ..errors import (
    BroadcastUncertain,
    ChainError,
    Expired,
    InputError,
    InsufficientFunds,
    MultiwalletError,
    RateLimited,
    Rejected,
    StoreError,
    TransportError,
    Unsupported,
)
from ..operations import AccountOperations
from ..ops import Local, Op, ask
from ..store import outgoing as kept
from ..store.nonces import leave_open
from ..store.records import Attempt, Outgoing, Purpose, State
from ..store.store import Store
from ..transactions import Receipt, Status, UnsignedTransaction
from .policy import Policy
from .receipts import signed_of
from .requests import transfers_of

__all__ = ["FILLER", "CoinsOnTheirWay", "Delivery"]

FILLER: Final = "fill"
"""The request of a payment that only takes up a nonce which nothing else will take."""

_REFUSALS: Final = 3
_CHOOSE_AGAIN: Final = 20  # how often other coins are tried when another payment was quicker

T = TypeVar("T")
_log = logging.getLogger("multiwallet.outbox")


class CoinsOnTheirWay(InsufficientFunds):
    """There is money, and payments on their way hold its coins: who drives a payment tries again later."""


class Delivery:
    """One worker's steps. ``worker`` names it in the store; it works for one policy."""

    def __init__(self, store: Store, policy: Policy, worker: str) -> None:
        self.store = store
        self.policy = policy
        self.worker = worker
        self.refusal: MultiwalletError | None = None
        """What the last bytes that this worker handed over were answered, where the network did not take them."""

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> Op[T]:
        """Do blocking work of the store."""
        (answer,) = yield from ask(Local(lambda: function(self.store, *args, **kwargs)))
        result: T = answer
        return result

    def move(self, record: Outgoing, state: State | None = None, **changes: Any) -> Op[Outgoing]:
        """Move the payment and log it."""
        before = record.state
        record = yield from self.call(kept.move, record, self.worker, state, **changes)
        _tell("is %s", record, record.state.value)
        if record.state is not before:
            telemetry.count("multiwallet.payments", network=record.network, state=record.state.value)
        return record

    # -- the first signature -----------------------------------------------------------------------

    def sign(self, operations: AccountOperations, record: Outgoing) -> Op[Outgoing]:
        """Sign a payment that has no signature which could still be included, and keep the bytes."""
        replay = _replay(operations)
        if replay is Replay.NONCE and record.nonce is None:
            counted = yield from operations.online(operations.chain.nonces(operations.holder))
            record = yield from self.call(
                kept.lease_nonce, record, self.worker, included=counted.included, pending=counted.pending
            )
        for _ in range(_CHOOSE_AGAIN):
            unsigned = yield from self._build(operations, record, replay)
            try:
                return (yield from self._keep(operations, record, unsigned, Purpose.PAY))
            except kept.CoinsTaken:
                continue
        raise CoinsOnTheirWay("all coins of this account are taken by payments on their way: try again later")

    def _build(self, operations: AccountOperations, record: Outgoing, replay: Replay) -> Op[UnsignedTransaction]:
        own = {"nonce": record.nonce} if replay is Replay.NONCE else {}
        if FILLER in record.request:
            holder = operations.holder
            nothing = Payment(holder.address, Amount(0, holder.network.native))
            options = Options(speed=self.policy.speed, native=own)
            return (yield from operations.online(operations.chain.build(holder, (nothing,), options)))
        transfers, wishes = transfers_of(record.request)
        native = dict(wishes["native"]) | own
        taken: list[str] = []
        if replay is Replay.COINS:
            reserved = yield from self.call(kept.reserved_coins, record.network)
            taken = [coin for coin in reserved if coin not in native.get("coins", ())]
            if taken:
                native["exclude"] = taken
        try:
            return (yield from operations.build(transfers, {**wishes, "native": native}))
        except InsufficientFunds as error:
            if not taken:
                raise
            hint = "payments on their way hold coins of this network: ask again with the same key once they are done"
            raise CoinsOnTheirWay(
                f"{error.message} ({hint})", needed=error.needed, available=error.available
            ) from error

    def _keep(
        self, operations: AccountOperations, record: Outgoing, unsigned: UnsignedTransaction, purpose: Purpose
    ) -> Op[Outgoing]:
        """Sign and write down. From here on the payment can be made by whoever reads the store."""
        signed = yield from operations.sign(unsigned)
        if not signed.complete:
            raise Unsupported("a payment of the outbox is signed by one account alone")
        claims = operations.chain.claims(signed)
        record = yield from self.call(
            kept.record_attempt,
            record,
            self.worker,
            txid=signed.txid,
            raw=signed.raw,
            purpose=purpose,
            expiry=signed.expiry,
            nonce=claims.nonce,
            coins=claims.coins,
            unsigned=unsigned.to_json(),
        )
        _tell("signed as generation %d", record, record.attempts[-1].generation)
        return record

    # -- handing over ------------------------------------------------------------------------------

    def broadcast(
        self, operations: AccountOperations, record: Outgoing, attempt: Attempt | None = None
    ) -> Op[tuple[Outgoing, MultiwalletError | None]]:
        """Hand the kept bytes to the network, as they are, and note what came of it.

        The refusal comes beside the payment where the network refused them; they are kept nevertheless.
        """
        attempt = attempt or record.attempts[-1]
        arrived, refusal, text, due = True, None, None, self.policy.poll
        try:
            yield from operations.broadcast(signed_of(operations, attempt))
        except BroadcastUncertain as error:
            text = error.message
        except (ChainError, TransportError) as error:
            arrived, refusal, text = attempt.sent_at is not None, error, error.message
            due = self._pause(record)
        for_good = refusal is not None and not _is_passing(refusal)
        self.refusal = refusal
        record = yield from self.call(
            kept.note_broadcast,
            record,
            self.worker,
            generation=attempt.generation,
            arrived=arrived,
            refused=text and text[:500] if for_good else None,
            error=text and text[:500],
            due_in=due,
        )
        _tell("was refused: %s" if refusal else "was handed over%s", record, text or "")
        return record, refusal

    def _pause(self, record: Outgoing) -> float:
        """When to try again what was refused: after ``retry``, and twice as long after each further refusal in a row."""
        if record.error is None:
            return self.policy.backoff(0)
        before = self.store.clock() - record.updated_at
        return min(max(self.policy.backoff(0), 2 * before), self.policy.longest_pause)

    # -- looking after -----------------------------------------------------------------------------

    def go_on(self, operations: AccountOperations, record: Outgoing) -> Op[Outgoing]:
        """As :meth:`follow`; what went wrong is noted with the payment, which is due again, and raised."""
        try:
            return (yield from self.follow(operations, record))
        except StoreError:
            raise
        except MultiwalletError as error:
            planned = record.state is State.PLANNED and not record.attempts
            if planned and not isinstance(error, TransportError | CoinsOnTheirWay):
                yield from self.move(record, State.REFUSED, error=error.message[:500])
            else:
                yield from self.move(record, error=error.message[:500], due_in=self.policy.retry)
            raise

    def follow(self, operations: AccountOperations, record: Outgoing) -> Op[Outgoing]:
        """Do the next thing that a payment needs, whatever state it was left in."""
        if record.state is State.PLANNED:
            if record.cancelling:
                return (yield from self.move(record, State.CANCELLED))
            record = yield from self.sign(operations, record)
            return (yield from self._hand_over(operations, record))
        found = yield from self._look(operations, record)
        if found is not None:
            return (yield from self._included(record, *found))
        if record.state is State.INCLUDED:
            _tell("is no longer in a block", record)
            record = yield from self.move(record, State.SENT, keep=True)
        return (yield from self._waiting(operations, record))

    def _hand_over(
        self, operations: AccountOperations, record: Outgoing, attempt: Attempt | None = None
    ) -> Op[Outgoing]:
        record, _ = yield from self.broadcast(operations, record, attempt)  # what was refused is on record
        return record

    def _look(self, operations: AccountOperations, record: Outgoing) -> Op[tuple[Attempt, Receipt] | None]:
        """The attempt that is in a block, if one is; the newest is asked for first."""
        for attempt in reversed(record.attempts):
            receipt = yield from operations.status(attempt.txid, None)
            if receipt.status in (Status.CONFIRMED, Status.FAILED):
                return attempt, receipt
        return None

    def _included(self, record: Outgoing, attempt: Attempt, receipt: Receipt) -> Op[Outgoing]:
        told = receipt.to_dict()
        if record.state is not State.INCLUDED:
            if record.state is State.PLANNED or attempt.dead:
                _log.error("payment %r: a transaction called dead was included: %s", record.key, attempt.txid)
            record = yield from self.move(record, State.INCLUDED, receipt=told, keep=True)
        if not (receipt.final or receipt.confirmations >= self.policy.confirmations):
            return (yield from self.move(record, receipt=told, due_in=self.policy.poll))
        failed = receipt.status is Status.FAILED
        error = receipt.reason if failed else None
        if FILLER in record.request or (attempt.purpose is Purpose.CANCEL and record.cancelling):
            state = State.CANCELLED
        elif attempt.purpose is Purpose.CANCEL:  # it made way for others
            state = State.REFUSED
            error = next((past.refused for past in reversed(record.attempts) if past.refused), None)
        else:
            state = State.FAILED if failed else State.CONFIRMED
        return (yield from self.move(record, state, receipt=told, error=error))

    def _waiting(self, operations: AccountOperations, record: Outgoing) -> Op[Outgoing]:
        dead = []
        for attempt in record.attempts:
            if attempt.dead or (yield from self._is_dead(operations, record, attempt)):
                dead.append(attempt.generation)
        if len(dead) == len(record.attempts):
            return (yield from self._all_dead(operations, record, dead))
        alive = [attempt for attempt in record.attempts if attempt.generation not in dead]
        newest = alive[-1]
        if record.cancelling and newest.purpose is not Purpose.CANCEL:
            return (yield from self._cancel(operations, record))
        if self._is_stuck(record, alive):
            better = yield from self._bump(operations, record, newest)
            if better is not None:
                return (yield from self._hand_over(operations, better))
        # A replacement that was refused (its fee is above the funds, say) leaves the one before on its way.
        if self._age(alive[0]) > self.policy.gap_after:
            yield from self._look_for_a_gap(operations, record)
        taken = [past for past in alive if past.purpose is newest.purpose and not _is_refused(past)]
        if taken:
            return (yield from self._hand_over(operations, record, taken[-1]))
        if self._age(newest) > self.policy.gap_after:
            record, newest = yield from self._make_way(operations, record, newest)
        return (yield from self._hand_over(operations, record, newest))

    def _is_dead(self, operations: AccountOperations, record: Outgoing, attempt: Attempt) -> Op[bool]:
        """Whether it can never be included: by what the chain tells, or as what it spends can never be there."""
        if attempt.coins and (yield from self.call(kept.spends_what_cannot_be, record, attempt)):
            return True
        signed = signed_of(operations, attempt)
        depth = self.policy.confirmations
        return (yield from operations.chain.is_dead(operations.holder, signed, depth=depth))

    def _all_dead(self, operations: AccountOperations, record: Outgoing, dead: list[int]) -> Op[Outgoing]:
        """Nothing that was signed can be included any more: only now may other bytes be signed."""
        shared = _replay(operations) is Replay.NONCE
        record = yield from self.call(kept.kill, record, self.worker, dead, free_nonce=shared)
        last = record.attempts[-1]
        if record.cancelling or FILLER in record.request:
            return (yield from self.move(record, State.CANCELLED))
        # A refusal may have been about what made it die (a nonce or a coin that was gone): it gets other chances.
        if sum(1 for past in record.attempts if past.refused and past.sent_at is None) >= _REFUSALS:
            return (yield from self.move(record, State.REFUSED, error=last.refused))
        if len(record.attempts) >= self.policy.attempts:
            reason = f"signed {len(record.attempts)} times, and none of it was included before it could not be any more"
            return (yield from self.move(record, State.REFUSED, error=reason))
        _tell("is signed anew: what was signed can never be included", record)
        try:
            record = yield from self.sign(operations, record)
        except CoinsOnTheirWay as error:
            return (yield from self.move(record, error=error.message[:500], due_in=self.policy.retry))
        except (InputError, InsufficientFunds, Unsupported) as error:
            return (yield from self.move(record, State.REFUSED, error=error.message[:500]))
        return (yield from self._hand_over(operations, record))

    def _cancel(self, operations: AccountOperations, record: Outgoing) -> Op[Outgoing]:
        """Take the payment's place with a transaction that pays nobody; where that cannot be, wait for its end."""
        newest = record.attempts[-1]
        try:
            record = yield from self._replace(operations, record, newest, Purpose.CANCEL)
        except Unsupported:
            return (yield from self.move(record, due_in=self.policy.poll))  # it is not handed over any more
        return (yield from self._hand_over(operations, record))

    def _look_for_a_gap(self, operations: AccountOperations, record: Outgoing) -> Op[None]:
        """Where the account waits for a nonce that no payment has and no pool holds, note it to be filled.

        Somebody sent past the outbox once, or a node told too high a count, and what was counted came to nothing.
        """
        if _replay(operations) is Replay.NONCE and record.nonce is not None:
            counted = yield from operations.online(operations.chain.nonces(operations.holder))
            if counted.pending < record.nonce:
                yield from self.call(leave_open, record.lane, counted.pending)

    def _make_way(
        self, operations: AccountOperations, record: Outgoing, newest: Attempt
    ) -> Op[tuple[Outgoing, Attempt]]:
        """A refused transaction holds up those with higher nonces: one that pays nothing takes its place."""
        if _replay(operations) is not Replay.NONCE or newest.purpose is Purpose.CANCEL:
            return record, newest
        if not (yield from self.call(kept.holds_up_others, record)):
            return record, newest
        try:
            counted = yield from operations.online(operations.chain.nonces(operations.holder))
            if record.nonce is None or counted.included < record.nonce:
                return record, newest  # it waits itself, for one before it: nodes refuse what is too far ahead
            record = yield from self._replace(operations, record, newest, Purpose.CANCEL)
        except (ChainError, InputError, Unsupported) as error:
            _tell("cannot be replaced: %s", record, error.message)
            return record, newest
        return record, record.attempts[-1]

    def _is_stuck(self, record: Outgoing, alive: Sequence[Attempt]) -> bool:
        after = self.policy.bump_after
        return (
            after is not None
            and any(attempt.sent_at is not None for attempt in alive)
            and self._age(alive[-1]) > after
            and len(alive) <= self.policy.bumps
        )

    def _age(self, attempt: Attempt) -> float:
        return self.store.clock() - attempt.created_at

    def _bump(self, operations: AccountOperations, record: Outgoing, newest: Attempt) -> Op[Outgoing | None]:
        """The same payment at a higher fee, or None where it cannot be had, or would bring nothing."""
        if _replay(operations) is Replay.NONCE and newest.nonce is not None:
            counted = yield from operations.online(operations.chain.nonces(operations.holder))
            if newest.nonce > counted.included:  # it waits for those before it, and not for its fee
                return None
        if (yield from self.call(_is_spent_further, record, newest)):
            return None
        try:
            return (yield from self._replace(operations, record, newest, newest.purpose))
        except Unsupported:
            return None
        except (ChainError, InputError) as error:
            _tell("stays at its fee: %s", record, error.message)
            return None

    def _replace(
        self, operations: AccountOperations, record: Outgoing, newest: Attempt, purpose: Purpose
    ) -> Op[Outgoing]:
        if newest.unsigned is None:
            raise Unsupported("this transaction was signed elsewhere: only its bytes are here")
        network = operations.network
        limit = self.policy.max_fee.get(network.name, self.policy.max_fee.get(network.id))
        if isinstance(limit, str):
            limit = network.amount(limit)
        options = Options(speed=self.policy.speed, max_fee=limit)
        before = UnsignedTransaction.from_json(newest.unsigned)
        cancel = purpose is Purpose.CANCEL
        if cancel and newest.purpose is Purpose.CANCEL:
            cancel = False  # the one before pays nobody already
        after = yield from operations.online(
            operations.chain.replace(operations.holder, before, options, cancel=cancel)
        )
        return (yield from self._keep(operations, record, after, purpose))


def _is_refused(attempt: Attempt) -> bool:
    """Whether no node has it, as far as is known."""
    return attempt.refused is not None and attempt.sent_at is None


def _is_passing(refusal: MultiwalletError) -> bool:
    """Whether a refusal says nothing about the bytes: the endpoint was away, or wants to be asked less often."""
    limited = isinstance(refusal.__cause__, RateLimited) or (
        isinstance(refusal, Rejected) and refusal.node_code in (429, "429")
    )
    return limited or isinstance(refusal, TransportError | Expired)


def _is_spent_further(store: Store, record: Outgoing, attempt: Attempt) -> bool:
    """Whether another payment spends what this one made: replacing it would undo the other."""
    made = f"{attempt.txid}:"
    return any(coin.startswith(made) for coin in kept.reserved_coins(store, record.network))


def _replay(operations: AccountOperations) -> Replay:
    replay = operations.chain.replay
    if replay is None:
        raise Unsupported(f"payments on {operations.network.title} cannot go through an outbox yet: send without a key")
    return replay


def _tell(words: str, record: Outgoing, *values: object) -> None:
    extra = {"network": record.network, "account": record.lane, "txid": record.txid, "key": record.key}
    _log.info("payment %r " + words, record.key, *values, extra=extra)
