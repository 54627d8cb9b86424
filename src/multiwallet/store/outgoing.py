"""Payments in the store: claimed by one worker at a time, moved from state to state, never forgotten.

Whoever works on a payment holds a lease of it. Every step that could lead to other bytes being signed is fenced: it
is refused when another worker has taken the payment meanwhile, and nothing that was not written here is broadcast.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from ..errors import IdempotencyConflict, StoreError
from .coins import CoinsTaken, reserve, reserved_coins, spends_what_cannot_be
from .records import FINAL, TRANSITIONS, Attempt, Outgoing, Purpose, State
from .schema import attempts, coin_reservations, nonce_leases, outgoing

if TYPE_CHECKING:
    from .store import Store

__all__ = [
    "Claim",
    "CoinsTaken",
    "Intent",
    "LostLease",
    "claim",
    "counts",
    "find",
    "holds_up_others",
    "kill",
    "lease_nonce",
    "listed",
    "move",
    "note_broadcast",
    "record_attempt",
    "reserved_coins",
    "spends_what_cannot_be",
    "take",
    "take_due",
]

_ALIVE: Final = tuple(state.value for state in State if state not in FINAL)


class LostLease(StoreError):
    """Another worker has taken the payment: this one must stop."""

    code = "lost_lease"


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be paid, and from which account, as plain JSON values. ``digest`` tells two requests apart."""

    key: str
    lane: str
    network: str
    account: Mapping[str, Any]
    request: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A payment, and whether it is this worker's to go on with."""

    record: Outgoing
    mine: bool


def claim(store: Store, intent: Intent, worker: str) -> Claim:
    """Enter a payment under its key, or find the one that is there; it is taken where it still has to be made.

    Raises IdempotencyConflict when the key was used for another request. A payment that was refused begins anew.
    """
    now = store.clock()
    with store.write() as connection:
        found = _locked(connection, outgoing.c.key == intent.key)
        if found is None:
            values = {
                "key": intent.key,
                "lane": intent.lane,
                "network": intent.network,
                "account": _text(intent.account),
                "request": _text(intent.request),
                "digest": intent.digest,
                "state": State.PLANNED.value,
                "created_at": now,
                "updated_at": now,
                "due_at": now + store.lease,
                "worker": worker,
                "leased_until": now + store.lease,
            }
            connection.execute(_insert(store, values))
            found = _locked(connection, outgoing.c.key == intent.key)
            assert found is not None
        if found.digest != intent.digest:
            raise IdempotencyConflict(
                "this idempotency key was used for another request: use a new key, or send what was asked for before"
            )
        state = State(found.state)
        busy = found.worker != worker and found.leased_until > now
        if busy or state not in (State.PLANNED, State.SIGNED, State.REFUSED):
            return Claim(_record(connection, found), False)
        changes: dict[str, Any] = {"worker": worker, "leased_until": now + store.lease, "due_at": now + store.lease}
        if state is State.REFUSED:
            changes |= {"state": State.PLANNED.value, "error": None, "cancelling": False, "updated_at": now}
        connection.execute(outgoing.update().where(outgoing.c.id == found.id).values(changes))
        return Claim(_fresh(connection, found.id), True)


def take(store: Store, key: str, worker: str) -> Claim | None:
    """Take the payment of a key to go on with it; None where there is none of that key."""
    now = store.clock()
    with store.write() as connection:
        found = _locked(connection, outgoing.c.key == key)
        if found is None:
            return None
        if State(found.state) in FINAL or (found.worker != worker and found.leased_until > now):
            return Claim(_record(connection, found), False)
        changes = {"worker": worker, "leased_until": now + store.lease}
        connection.execute(outgoing.update().where(outgoing.c.id == found.id).values(changes))
        return Claim(_fresh(connection, found.id), True)


def take_due(
    store: Store,
    worker: str,
    *,
    limit: int,
    networks: Iterable[str] = (),
    without: Iterable[str] = (),
    lowest_first: bool = False,
) -> list[Outgoing]:
    """Take payments that nobody works on and that are due to be looked at, the most overdue first.

    ``networks`` are the only ones to take of, where any are named; ``without`` are accounts to leave alone.
    With ``lowest_first`` those of the lowest nonces come first: what all others of their accounts wait for.
    """
    now = store.clock()
    wanted = [outgoing.c.due_at <= now, outgoing.c.leased_until <= now, outgoing.c.state.in_(_ALIVE)]
    if networks:
        wanted.append(outgoing.c.network.in_(list(networks)))
    order = [sa.func.coalesce(outgoing.c.nonce, 0), outgoing.c.due_at] if lowest_first else [outgoing.c.due_at]
    if without:
        wanted.append(outgoing.c.lane.not_in(list(without)))
    query = sa.select(outgoing.c.id).where(*wanted).order_by(*order).limit(limit)
    with store.write() as connection:
        ids = list(connection.scalars(query.with_for_update(skip_locked=True)))  # SQLite ignores the locks
        if not ids:
            return []
        changes = {"worker": worker, "leased_until": now + store.lease}
        connection.execute(outgoing.update().where(outgoing.c.id.in_(ids)).values(changes))
        rows = connection.execute(sa.select(outgoing).where(outgoing.c.id.in_(ids)).order_by(outgoing.c.due_at))
        return _records(connection, list(rows))


def record_attempt(
    store: Store,
    record: Outgoing,
    worker: str,
    *,
    txid: str,
    raw: bytes,
    purpose: Purpose,
    expiry: int | None,
    nonce: int | None,
    coins: Sequence[str],
    unsigned: str | None,
) -> Outgoing:
    """Keep signed bytes, reserve what they spend, and so allow them to be broadcast.

    Raises LostLease when another worker has the payment now, and CoinsTaken when another payment spends a coin.
    """
    now = store.clock()
    with store.write() as connection:
        found = _fenced(connection, record, worker)
        latest = connection.scalar(
            sa.select(sa.func.max(attempts.c.generation)).where(attempts.c.outgoing_id == record.id)
        )
        if (latest or 0) != (record.attempts[-1].generation if record.attempts else 0):
            raise LostLease("another worker has signed for this payment meanwhile")
        _check(State(found.state), State.SIGNED)
        if nonce != found.nonce:
            raise StoreError("the transaction has another nonce than its payment has leased")
        reserve(connection, record, coins)
        connection.execute(
            attempts.insert().values(
                outgoing_id=record.id,
                generation=(latest or 0) + 1,
                txid=txid,
                raw=raw,
                purpose=purpose.value,
                expiry=expiry,
                nonce=nonce,
                coins=json.dumps(list(coins)),
                unsigned=unsigned,
                created_at=now,
            )
        )
        changes = {
            "state": State.SIGNED.value,
            "error": None,
            "updated_at": now,
            "leased_until": now + store.lease,
            "due_at": now + store.lease,
        }
        connection.execute(outgoing.update().where(outgoing.c.id == record.id).values(changes))
        return _fresh(connection, record.id)


def note_broadcast(
    store: Store,
    record: Outgoing,
    worker: str,
    *,
    generation: int,
    arrived: bool,
    refused: str | None,
    error: str | None,
    due_in: float,
) -> Outgoing:
    """What came of handing over the bytes. ``arrived`` means that some node has them, or may have them."""
    now = store.clock()
    with store.write() as connection:
        found = _fenced(connection, record, worker)
        state = State(found.state)
        values: dict[str, Any] = {"broadcasts": attempts.c.broadcasts + 1, "refused": refused}
        if arrived:
            values["sent_at"] = sa.func.coalesce(attempts.c.sent_at, now)
        connection.execute(
            attempts.update()
            .where(attempts.c.outgoing_id == record.id, attempts.c.generation == generation)
            .values(values)
        )
        if arrived and state is State.SIGNED:
            state = State.SENT
        changes = {"state": state.value, "error": error, "updated_at": now, "due_at": now + due_in, "leased_until": 0}
        connection.execute(outgoing.update().where(outgoing.c.id == record.id).values(changes))
        return _fresh(connection, record.id)


def kill(store: Store, record: Outgoing, worker: str, generations: Sequence[int], *, free_nonce: bool) -> Outgoing:
    """Mark signed transactions that can never be included. With ``free_nonce`` the payment gives up its nonce."""
    with store.write() as connection:
        _fenced(connection, record, worker)
        connection.execute(
            attempts.update()
            .where(attempts.c.outgoing_id == record.id, attempts.c.generation.in_(list(generations)))
            .values(dead=True)
        )
        if free_nonce:  # somebody else has used it: the lease stays on record, and the payment takes another
            connection.execute(outgoing.update().where(outgoing.c.id == record.id).values(nonce=None))
        connection.execute(coin_reservations.delete().where(coin_reservations.c.outgoing_id == record.id))
        return _fresh(connection, record.id)


def move(
    store: Store,
    record: Outgoing,
    worker: str,
    state: State | None = None,
    *,
    error: str | None = None,
    receipt: Mapping[str, Any] | None = None,
    due_in: float | None = None,
    cancelling: bool | None = None,
    keep: bool = False,
) -> Outgoing:
    """Move a payment to a state (or leave it in its own), note what is known, and give it back.

    A final state frees its coins; one in which nothing can be paid frees a nonce that no signed bytes use. ``keep``
    leaves the payment with this worker.
    """
    now = store.clock()
    with store.write() as connection:
        found = _fenced(connection, record, worker)
        current = State(found.state)
        state = state or current
        if state is not current:
            _check(current, state)
        final = state in FINAL
        changes: dict[str, Any] = {"state": state.value, "error": error, "updated_at": now}
        changes["due_at"] = None if final else now + (store.lease if due_in is None else due_in)
        changes["leased_until"] = now + store.lease if keep and not final else 0
        if receipt is not None:
            changes["receipt"] = _text(receipt)
        if cancelling is not None:
            changes["cancelling"] = cancelling
        if final:
            connection.execute(coin_reservations.delete().where(coin_reservations.c.outgoing_id == record.id))
        if state in (State.REFUSED, State.CANCELLED) and found.nonce is not None:
            changes["nonce"] = None
            _free_unused_nonce(connection, record.id, found.lane, found.nonce)
        connection.execute(outgoing.update().where(outgoing.c.id == record.id).values(changes))
        return _fresh(connection, record.id)


def _free_unused_nonce(connection: sa.Connection, id_: int, lane: str, nonce: int) -> None:
    """Give a nonce back, unless bytes with it were ever signed: those may be somewhere."""
    signed = sa.select(attempts.c.generation).where(attempts.c.outgoing_id == id_, attempts.c.nonce == nonce).limit(1)
    if connection.execute(signed).first() is None:
        mine = (nonce_leases.c.lane == lane, nonce_leases.c.nonce == nonce, nonce_leases.c.outgoing_id == id_)
        connection.execute(nonce_leases.update().where(*mine).values(outgoing_id=None))


def lease_nonce(store: Store, record: Outgoing, worker: str, *, included: int, pending: int) -> Outgoing:
    """Give a payment its nonce: the lowest free one from ``pending`` on. What it has it keeps."""
    from .nonces import choose

    with store.write() as connection:
        found = _fenced(connection, record, worker)
        if found.nonce is not None:
            return _record(connection, found)
        nonce = choose(connection, record.lane, record.id, included=included, pending=pending, sqlite=store.is_sqlite)
        connection.execute(outgoing.update().where(outgoing.c.id == record.id).values(nonce=nonce))
        return _fresh(connection, record.id)


def holds_up_others(store: Store, record: Outgoing) -> bool:
    """Whether payments of the account with higher nonces wait for this one's."""
    if record.nonce is None:
        return False
    later = (outgoing.c.lane == record.lane, outgoing.c.nonce > record.nonce, outgoing.c.state.in_(_ALIVE))
    with store.read() as connection:
        return connection.execute(sa.select(outgoing.c.id).where(*later).limit(1)).first() is not None


# -- reading ---------------------------------------------------------------------------------------


def find(store: Store, key: str) -> Outgoing | None:
    """The payment of a key."""
    with store.read() as connection:
        found = connection.execute(sa.select(outgoing).where(outgoing.c.key == key)).first()
        return None if found is None else _record(connection, found)


def listed(
    store: Store, *, states: Iterable[State] = (), lane: str | None = None, after: int = 0, limit: int = 1000
) -> list[Outgoing]:
    """Payments in the order they were entered, from the one after the id ``after`` on."""
    query = sa.select(outgoing).where(outgoing.c.id > after)
    wanted = [state.value for state in states]
    if wanted:
        query = query.where(outgoing.c.state.in_(wanted))
    if lane is not None:
        query = query.where(outgoing.c.lane == lane)
    with store.read() as connection:
        return _records(connection, list(connection.execute(query.order_by(outgoing.c.id).limit(limit))))


def counts(store: Store) -> dict[State, int]:
    """How many payments are in each state."""
    with store.read() as connection:
        rows = connection.execute(sa.select(outgoing.c.state, sa.func.count()).group_by(outgoing.c.state))
        found = {State(state): count for state, count in rows}
    return {state: found.get(state, 0) for state in State}


# -- rows ------------------------------------------------------------------------------------------


def _insert(store: Store, values: Mapping[str, Any]) -> Any:
    if store.is_sqlite:
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]  # the same call of another class
    return insert(outgoing).values(values).on_conflict_do_nothing(index_elements=["key"])


def _locked(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Any:
    return connection.execute(sa.select(outgoing).where(which).with_for_update()).first()


def _fenced(connection: sa.Connection, record: Outgoing, worker: str) -> Any:
    found = _locked(connection, outgoing.c.id == record.id)
    if found is None or found.worker != worker:
        raise LostLease("another worker has taken this payment: it goes on there")
    return found


def _check(current: State, wanted: State) -> None:
    if wanted not in TRANSITIONS[current]:
        raise StoreError(f"a payment does not go from {current.value} to {wanted.value}")


def _fresh(connection: sa.Connection, id_: int) -> Outgoing:
    return _record(connection, connection.execute(sa.select(outgoing).where(outgoing.c.id == id_)).one())


def _record(connection: sa.Connection, row: Any) -> Outgoing:
    return _records(connection, [row])[0]


def _records(connection: sa.Connection, rows: Sequence[Any]) -> list[Outgoing]:
    if not rows:
        return []
    ids = [row.id for row in rows]
    query = sa.select(attempts).where(attempts.c.outgoing_id.in_(ids)).order_by(attempts.c.generation)
    signed: dict[int, list[Attempt]] = {}
    for row in connection.execute(query):
        signed.setdefault(row.outgoing_id, []).append(_attempt(row))
    return [
        Outgoing(
            id=row.id,
            key=row.key,
            lane=row.lane,
            network=row.network,
            account=json.loads(row.account),
            request=json.loads(row.request),
            state=State(row.state),
            nonce=row.nonce,
            error=row.error,
            receipt=None if row.receipt is None else json.loads(row.receipt),
            created_at=row.created_at,
            updated_at=row.updated_at,
            cancelling=bool(row.cancelling),
            attempts=tuple(signed.get(row.id, ())),
        )
        for row in rows
    ]


def _attempt(row: Any) -> Attempt:
    return Attempt(
        generation=row.generation,
        txid=row.txid,
        raw=bytes(row.raw),
        purpose=Purpose(row.purpose),
        expiry=row.expiry,
        nonce=row.nonce,
        coins=tuple(json.loads(row.coins)),
        unsigned=row.unsigned,
        broadcasts=row.broadcasts,
        refused=row.refused,
        dead=bool(row.dead),
        created_at=row.created_at,
        sent_at=row.sent_at,
    )


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
