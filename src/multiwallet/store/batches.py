"""Batches in the store: thousands of payments entered, noted and settled in transactions of many.

Each function here does for many payments what its namesake in :mod:`multiwallet.store.outgoing` does for one, under
the same rules: bytes are on the disk before anybody may broadcast them, a key is one payment, and whoever lost a
payment to another worker changes nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from ..errors import IdempotencyConflict, MultiwalletError, StoreError
from .nonces import _lock
from .outgoing import _ALIVE, CoinsTaken, Intent, _records, _reserve, _text
from .records import Outgoing, Purpose, State
from .schema import attempts, batch_lines, batches, coin_reservations, lanes, nonce_leases, outgoing

if TYPE_CHECKING:
    from .store import Store

__all__ = [
    "Broadcast",
    "Entered",
    "Entry",
    "NonceTaken",
    "SignedBytes",
    "Verdict",
    "enter",
    "find_batch",
    "known_keys",
    "lines_of",
    "next_nonce",
    "note_broadcasts",
    "open_batch",
    "put_off",
    "settle",
    "take_batch_due",
    "totals_of",
]

LEASE: Final = 30.0
"""For how many seconds a sender has the payments of one round to itself."""

_PAGE: Final = 1000


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


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What came of handing over a payment's bytes; see :func:`multiwallet.store.outgoing.note_broadcast`."""

    id: int
    generation: int
    arrived: bool
    refused: str | None
    error: str | None
    due_in: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a payment ended: CONFIRMED or FAILED, with what the chain told."""

    id: int
    state: State
    receipt: Mapping[str, Any]
    error: str | None


def open_batch(store: Store, id_: str, digest: str, header: Mapping[str, Any]) -> None:
    """Enter a batch, or find it. IdempotencyConflict where the id belongs to a batch that pays something else."""
    with store.write() as connection:
        values = {"id": id_, "digest": digest, "header": _text(header), "created_at": store.clock()}
        connection.execute(_insert(store, batches).on_conflict_do_nothing(index_elements=["id"]), [values])
        found = connection.scalar(sa.select(batches.c.digest).where(batches.c.id == id_))
    if found != digest:
        raise IdempotencyConflict(
            "this store has a batch of the same id that was put together in another way, and part of it may be paid: "
            "go on with the plan of then, or give the new batch a name of its own"
        )


def find_batch(store: Store, id_: str) -> Mapping[str, Any] | None:
    """The header that a batch was opened with; None where there is none of this id."""
    with store.read() as connection:
        text = connection.scalar(sa.select(batches.c.header).where(batches.c.id == id_))
    return None if text is None else json.loads(text)


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
    connection.execute(_insert(store, outgoing).on_conflict_do_nothing(index_elements=["key"]), values)
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
                    _reserve(connection, _Owner(id_, entries[place].intent.network), signed.coins)  # type: ignore[arg-type]  # it reads these two fields
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
        statement = _insert(store, nonce_leases)
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
        insert = _insert(store, batch_lines).on_conflict_do_nothing(index_elements=["batch_id", "line"])
        connection.execute(insert, links)


def note_broadcasts(store: Store, worker: str, results: Sequence[Broadcast]) -> None:
    """What came of handing over the bytes of many payments. Those that are another worker's by now are left alone."""
    now = store.clock()
    with store.write() as connection:
        states = _mine(connection, worker, [result.id for result in results])
        done = [result for result in results if result.id in states]
        if not done:
            return
        connection.execute(
            attempts.update()
            .where(attempts.c.outgoing_id == sa.bindparam("of"), attempts.c.generation == sa.bindparam("number"))
            .values(
                broadcasts=attempts.c.broadcasts + 1,
                refused=sa.bindparam("why"),
                sent_at=sa.func.coalesce(attempts.c.sent_at, sa.cast(sa.bindparam("when"), sa.Double)),
            ),
            [{"of": r.id, "number": r.generation, "why": r.refused, "when": now if r.arrived else None} for r in done],
        )
        _change(
            connection,
            ("state", "error", "due_at"),
            [
                {
                    "of": r.id,
                    "new_state": State.SENT.value if r.arrived and states[r.id] is State.SIGNED else states[r.id].value,
                    "new_error": r.error,
                    "new_due_at": now + r.due_in,
                }
                for r in done
            ],
            now,
        )


def settle(store: Store, worker: str, verdicts: Sequence[Verdict]) -> int:
    """Call payments done that the chain has included for good; how many of them were still this worker's."""
    now = store.clock()
    with store.write() as connection:
        states = _mine(connection, worker, [verdict.id for verdict in verdicts])
        done = [v for v in verdicts if states.get(v.id) in (State.SIGNED, State.SENT, State.INCLUDED)]
        if not done:
            return 0
        _change(
            connection,
            ("state", "error", "receipt", "due_at"),
            [
                {
                    "of": v.id,
                    "new_state": v.state.value,
                    "new_error": v.error,
                    "new_receipt": _text(v.receipt),
                    "new_due_at": None,
                }
                for v in done
            ],
            now,
        )
        connection.execute(coin_reservations.delete().where(coin_reservations.c.outgoing_id.in_([v.id for v in done])))
        return len(done)


def put_off(store: Store, worker: str, ids: Sequence[int], due_in: float) -> None:
    """Give payments back, to be looked at again after so many seconds."""
    now = store.clock()
    with store.write() as connection:
        connection.execute(
            outgoing.update()
            .where(outgoing.c.id.in_(list(ids)), outgoing.c.worker == worker)
            .values(leased_until=0, due_at=now + due_in)
        )


def _mine(connection: sa.Connection, worker: str, ids: Sequence[int]) -> dict[int, State]:
    """The payments among these that are this worker's, locked, and the state of each."""
    query = (
        sa.select(outgoing.c.id, outgoing.c.state)
        .where(outgoing.c.id.in_(list(ids)), outgoing.c.worker == worker)
        .order_by(outgoing.c.id)
        .with_for_update()
    )
    return {row.id: State(row.state) for row in connection.execute(query)}


def _change(connection: sa.Connection, names: Sequence[str], rows: list[dict[str, Any]], now: float) -> None:
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
    connection.execute(
        outgoing.update().where(outgoing.c.id == sa.bindparam("of")).values(updated_at=now, leased_until=0, **values),
        rows,
    )


def take_batch_due(store: Store, batch: str, worker: str, *, limit: int, steals: str = "") -> list[Outgoing]:
    """Take payments of a batch that are due to be looked at, the most overdue first; see ``steals`` of :func:`enter`."""
    now = store.clock()
    free = outgoing.c.leased_until <= now
    if steals:
        free = sa.or_(free, sa.and_(outgoing.c.worker.startswith(steals, autoescape=True), outgoing.c.worker != worker))
        overdue: Any = sa.or_(outgoing.c.due_at <= now, outgoing.c.leased_until > now)
    else:
        overdue = outgoing.c.due_at <= now
    here = sa.exists().where(batch_lines.c.outgoing_id == outgoing.c.id, batch_lines.c.batch_id == batch)
    query = (
        sa.select(outgoing.c.id)
        .where(overdue, free, outgoing.c.state.in_(_ALIVE), here)
        .order_by(outgoing.c.due_at, outgoing.c.id)
        .limit(limit)
    )
    with store.read() as connection:  # most rounds find nothing, and need not hold up those who write
        if connection.execute(query.limit(1)).first() is None:
            return []
    with store.write() as connection:
        ids = list(connection.scalars(query.with_for_update(skip_locked=True)))  # SQLite ignores the locks
        if not ids:
            return []
        changes = {"worker": worker, "leased_until": now + LEASE}
        connection.execute(outgoing.update().where(outgoing.c.id.in_(ids)).values(changes))
        rows = connection.execute(sa.select(outgoing).where(outgoing.c.id.in_(ids)).order_by(outgoing.c.due_at))
        return _records(connection, list(rows))


# -- reading ---------------------------------------------------------------------------------------


def totals_of(store: Store, batch: str) -> dict[State, tuple[int, int]]:
    """By state: how many lines and how many payments of a batch are in it."""
    joined = batch_lines.join(outgoing, outgoing.c.id == batch_lines.c.outgoing_id)
    query = (
        sa.select(outgoing.c.state, sa.func.count(), sa.func.count(sa.distinct(outgoing.c.id)))
        .select_from(joined)
        .where(batch_lines.c.batch_id == batch)
        .group_by(outgoing.c.state)
    )
    with store.read() as connection:
        found = {State(state): (lines, payments) for state, lines, payments in connection.execute(query)}
    return {state: found.get(state, (0, 0)) for state in State}


def lines_of(store: Store, batch: str, *, states: Iterable[State] = ()) -> Iterator[tuple[int, Outgoing]]:
    """The lines of a batch in order, each with its payment; read a page at a time."""
    wanted = [state.value for state in states]
    after = -1
    while True:
        query = (
            sa.select(batch_lines.c.line, batch_lines.c.outgoing_id)
            .join(outgoing, outgoing.c.id == batch_lines.c.outgoing_id)
            .where(batch_lines.c.batch_id == batch, batch_lines.c.line > after)
            .order_by(batch_lines.c.line)
            .limit(_PAGE)
        )
        if wanted:
            query = query.where(outgoing.c.state.in_(wanted))
        with store.read() as connection:
            page = connection.execute(query).all()
            ids = list({row.outgoing_id for row in page})
            rows = list(connection.execute(sa.select(outgoing).where(outgoing.c.id.in_(ids)))) if ids else []
            records = {record.id: record for record in _records(connection, rows)}
        for line, id_ in page:
            yield line, records[id_]
        if len(page) < _PAGE:
            return
        after = page[-1].line


def _insert(store: Store, table: sa.Table) -> Any:
    if store.is_sqlite:
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]  # the same call of another class
    return insert(table)


def known_keys(store: Store, keys: Sequence[str]) -> frozenset[str]:
    """Which of these keys have a payment."""
    with store.read() as connection:
        return frozenset(connection.scalars(sa.select(outgoing.c.key).where(outgoing.c.key.in_(list(keys)))))


def next_nonce(store: Store, lane: str) -> int:
    """The lowest number that no payment of an account was ever given, nor any below it; zero for an unknown account."""
    with store.read() as connection:
        return int(connection.scalar(sa.select(lanes.c.next_nonce).where(lanes.c.lane == lane)) or 0)
