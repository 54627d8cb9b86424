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

from ..errors import IdempotencyConflict
from .batch_entries import LEASE, insert_into
from .outgoing import _ALIVE, _records, _text
from .records import Outgoing, State
from .schema import attempts, batch_lines, batches, coin_reservations, lanes, outgoing

if TYPE_CHECKING:
    from .store import Store

__all__ = [
    "Broadcast",
    "Verdict",
    "find_batch",
    "known_keys",
    "lines_of",
    "named_alike",
    "next_nonce",
    "note_broadcasts",
    "open_batch",
    "put_off",
    "settle",
    "take_batch_due",
    "totals_of",
]

_PAGE: Final = 1000


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
        connection.execute(insert_into(store, batches).on_conflict_do_nothing(index_elements=["id"]), [values])
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


def named_alike(store: Store, lane: str, name: str) -> list[str]:
    """The ids of batches of an account whose table had this file name."""
    found = []
    with store.read() as connection:
        for id_, text in connection.execute(sa.select(batches.c.id, batches.c.header).order_by(batches.c.created_at)):
            header = json.loads(text)
            if header.get("lane") == lane and header.get("source", {}).get("name") == name:
                found.append(id_)
    return found


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


def known_keys(store: Store, keys: Sequence[str]) -> frozenset[str]:
    """Which of these keys have a payment."""
    with store.read() as connection:
        return frozenset(connection.scalars(sa.select(outgoing.c.key).where(outgoing.c.key.in_(list(keys)))))


def next_nonce(store: Store, lane: str) -> int:
    """The lowest number that no payment of an account was ever given, nor any below it; zero for an unknown account."""
    with store.read() as connection:
        return int(connection.scalar(sa.select(lanes.c.next_nonce).where(lanes.c.lane == lane)) or 0)
