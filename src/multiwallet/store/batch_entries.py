"""Entering payments of a batch: thousands of them, in transactions of many, with or without their signed bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from ..errors import IdempotencyConflict, MultiwalletError, StoreError
from .coins import reserve
from .nonces import _lock
from .outgoing import CoinsTaken, Intent, _records, _text
from .records import Outgoing, Purpose, State
from .schema import attempts, batch_lines, nonce_leases, outgoing

if TYPE_CHECKING:
    from .store import Store

__all__ = ["LEASE", "Entered", "Entry", "NonceTaken", "SignedBytes", "enter", "insert_into"]

LEASE: Final = 30.0
"""For how many seconds a sender has the payments of one round to itself."""


class NonceTaken(StoreError):
    """Another payment has the nonce of these signed bytes."""

    code = "nonce_taken"


@dataclass(frozen=True, slots=True)
class SignedBytes:
    """A signed transaction that comes with its payment. ``unsigned`` is what was signed, as JSON text."""

    txid: str
    raw: bytes
    expiry: int | None
    nonce: int | None
    coins: tuple[str, ...]
    unsigned: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One payment of a batch: the lines that it pays, what was asked for, and its signed bytes where there are any."""

    lines: tuple[int, ...]
    intent: Intent
    signed: SignedBytes | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of an entry: its payment and whether it is this worker's to go on with, or why there is none."""

    record: Outgoing | None
    mine: bool = False
    error: MultiwalletError | None = None


def enter(
    store: Store, batch: str, entries: Sequence[Entry], worker: str, *, steals: str = "", again: bool = False
) -> list[Entered]:
    """Enter payments under their keys, or find those that are there; all in one transaction.

    A payment that comes with signed bytes is entered as SIGNED, its nonce and coins with it. Where those are another
    payment's, nothing of it is entered and its error says so. ``steals`` is how names of workers begin whose lease
    does not count: earlier senders of the same batch, which are gone. ``again`` begins refused payments anew.
    """
    now = store.clock()
    results: list[Entered | None] = [None] * len(entries)
    with store.write() as connection:
        found = _by_key(connection, [entry.intent.key for entry in entries], lock=True)
        taken: list[int] = []
        revived: list[int] = []
        for place, entry in enumerate(entries):
            row = found.get(entry.intent.key)
            if row is None:
                continue
            if row.digest != entry.intent.digest:
                results[place] = Entered(None, False, IdempotencyConflict(_OTHER_REQUEST))
                continue
            state = State(row.state)
            busy = row.worker != worker and row.leased_until > now and not (steals and row.worker.startswith(steals))
            if not busy and state in (State.PLANNED, State.SIGNED):
                taken.append(row.id)
            elif not busy and state is State.REFUSED and again:
                revived.append(row.id)
        leased = {"worker": worker, "leased_until": now + LEASE, "due_at": now + LEASE}
        for ids, extra in ((taken, {}), (revived, {"state": State.PLANNED.value, "error": None, "updated_at": now})):
            if ids:
                connection.execute(outgoing.update().where(outgoing.c.id.in_(ids)).values({**leased, **extra}))
        fresh = [n for n, entry in enumerate(entries) if results[n] is None and entry.intent.key not in found]
        fresh = _add(store, connection, entries, fresh, results, worker, now)
        new = {entries[place].intent.key for place in fresh}
        known = _by_key(connection, [entry.intent.key for entry in entries], lock=False)
        _link(store, connection, batch, entries, known, results)
        records = {record.id: record for record in _records(connection, list(known.values()))}
        mine = {*taken, *revived}
        for place, entry in enumerate(entries):
            if results[place] is None:
                row = known[entry.intent.key]
                own = row.id in mine or (entry.intent.key in new and row.worker == worker)
                results[place] = Entered(records[row.id], own)
    return [result for result in results if result is not None]


_OTHER_REQUEST: Final = "this idempotency key was used for another request: plan the batch under a name of its own"


def _by_key(connection: sa.Connection, keys: Sequence[str], *, lock: bool) -> dict[str, Any]:
    query = sa.select(outgoing).where(outgoing.c.key.in_(list(keys))).order_by(outgoing.c.id)
    return {row.key: row for row in connection.execute(query.with_for_update() if lock else query)}


def _add(
    store: Store,
    connection: sa.Connection,
    entries: Sequence[Entry],
    fresh: list[int],
    results: list[Entered | None],
    worker: str,
    now: float,
) -> list[int]:
    """Insert the payments that are not there yet; the places of those that were."""
    following: dict[str, int] = {}
    for lane in sorted(
        {entries[n].intent.lane for n in fresh if (signed := entries[n].signed) and signed.nonce is not None}
    ):
        following[lane] = _lock(connection, lane, sqlite=store.is_sqlite)
    if following:  # somebody else may have entered them while this one waited for the account
        others = _by_key(connection, [entries[n].intent.key for n in fresh], lock=False)
        fresh = [n for n in fresh if entries[n].intent.key not in others]
    free: dict[tuple[str, int], bool] = {}
    for lane in following:
        wanted = [
            s.nonce
            for n in fresh
            if entries[n].intent.lane == lane and (s := entries[n].signed) and s.nonce is not None
        ]
        held = nonce_leases.c
        rows = connection.execute(
            sa.select(held.nonce, held.outgoing_id).where(held.lane == lane, held.nonce.in_(wanted))
        )
        free |= {(lane, nonce): owner is None for nonce, owner in rows}
    accepted: list[int] = []
    values: list[dict[str, Any]] = []
    for n in fresh:
        entry = entries[n]
        signed, lane = entry.signed, entry.intent.lane
        if signed is not None and signed.nonce is not None:
            if not free.get((lane, signed.nonce), True):
                reason = f"nonce {signed.nonce} was given to another payment meanwhile: plan and sign this line anew"
                results[n] = Entered(None, False, NonceTaken(reason))
                continue
            free[lane, signed.nonce] = False  # two lines of one file must not share it either
        accepted.append(n)
        values.append(_row(entry, worker, now))
    if not values:
        return []
    connection.execute(insert_into(store, outgoing).on_conflict_do_nothing(index_elements=["key"]), values)
    ids = {
        row.key: row
        for row in connection.execute(
            sa.select(outgoing.c.key, outgoing.c.id, outgoing.c.worker).where(
                outgoing.c.key.in_([entries[n].intent.key for n in accepted])
            )
        )
    }
    own = [n for n in accepted if ids[entries[n].intent.key].worker == worker]
    _add_signed(store, connection, [(ids[entries[n].intent.key].id, n) for n in own], entries, results, following, now)
    return own


def _row(entry: Entry, worker: str, now: float) -> dict[str, Any]:
    intent, signed = entry.intent, entry.signed
    return {
        "key": intent.key,
        "lane": intent.lane,
        "network": intent.network,
        "account": _text(intent.account),
        "request": _text(intent.request),
        "digest": intent.digest,
        "state": (State.PLANNED if signed is None else State.SIGNED).value,
        "nonce": None if signed is None else signed.nonce,
        "created_at": now,
        "updated_at": now,
        "due_at": now + LEASE,
        "worker": worker,
        "leased_until": now + LEASE,
    }


def _add_signed(
    store: Store,
    connection: sa.Connection,
    added: Sequence[tuple[int, int]],
    entries: Sequence[Entry],
    results: list[Entered | None],
    following: Mapping[str, int],
    now: float,
) -> None:
    """The signed bytes of new payments, their nonces and their coins."""
    rows, leases, last = [], [], dict(following)
    for id_, place in added:
        signed, lane = entries[place].signed, entries[place].intent.lane
        if signed is None:
            continue
        if signed.coins:
            try:
                with connection.begin_nested():
                    reserve(connection, _Owner(id_, entries[place].intent.network), signed.coins)  # type: ignore[arg-type]  # it reads these two fields
            except CoinsTaken:
                connection.execute(outgoing.delete().where(outgoing.c.id == id_))  # as if it had not been entered
                reason = "another payment spends one of its coins: plan and sign this line anew"
                results[place] = Entered(None, False, CoinsTaken(reason))
                continue
        if signed.nonce is not None:
            leases.append({"lane": lane, "nonce": signed.nonce, "outgoing_id": id_})
            last[lane] = max(last[lane], signed.nonce + 1)
        rows.append(
            {
                "outgoing_id": id_,
                "generation": 1,
                "txid": signed.txid,
                "raw": signed.raw,
                "purpose": Purpose.PAY.value,
                "expiry": signed.expiry,
                "nonce": signed.nonce,
                "coins": json.dumps(list(signed.coins)),
                "unsigned": signed.unsigned,
                "created_at": now,
            }
        )
    if rows:
        connection.execute(attempts.insert(), rows)
    if leases:
        statement = insert_into(store, nonce_leases)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["lane", "nonce"], set_={"outgoing_id": statement.excluded.outgoing_id}
            ),
            leases,
        )
    for lane, nonce in last.items():
        if nonce != following[lane]:
            connection.execute(sa.text("UPDATE lanes SET next_nonce = :n WHERE lane = :l"), {"n": nonce, "l": lane})


@dataclass(frozen=True, slots=True)
class _Owner:
    id: int
    network: str


def _link(
    store: Store,
    connection: sa.Connection,
    batch: str,
    entries: Sequence[Entry],
    known: Mapping[str, Any],
    results: Sequence[Entered | None],
) -> None:
    links = [
        {"batch_id": batch, "line": line, "outgoing_id": known[entry.intent.key].id}
        for place, entry in enumerate(entries)
        if results[place] is None
        for line in entry.lines
    ]
    if links:
        insert = insert_into(store, batch_lines).on_conflict_do_nothing(index_elements=["batch_id", "line"])
        connection.execute(insert, links)


def insert_into(store: Store, table: sa.Table) -> Any:
    """An INSERT of this database's own kind, which knows what to do about conflicts."""
    if store.is_sqlite:
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]  # the same call of another class
    return insert(table)
