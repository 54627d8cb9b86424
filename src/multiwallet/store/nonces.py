"""Nonce leases: each number of an account goes to one payment, and none is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .records import FINAL, State
from .schema import lanes, nonce_leases, outgoing

if TYPE_CHECKING:
    from .store import Store

__all__ = ["choose", "fill", "free_below", "leave_open", "pin"]


def choose(connection: sa.Connection, lane: str, outgoing_id: int, *, included: int, pending: int, sqlite: bool) -> int:
    """Lease the lowest number that nobody has, from ``pending`` on.

    ``pending`` is what the node says comes next, with what waits in its pool. A node that is behind says too little:
    then the numbers from there on are leased already and the next one after them is taken. What was given back,
    and a hole that a wrong answer once left, is filled first.
    """
    following = _lock(connection, lane, sqlite=sqlite)
    lowest = max(included, pending)
    held = nonce_leases.c
    free = connection.scalar(
        sa.select(sa.func.min(held.nonce)).where(held.lane == lane, held.nonce >= lowest, held.outgoing_id.is_(None))
    )
    if free is not None:
        connection.execute(
            nonce_leases.update().where(held.lane == lane, held.nonce == free).values(outgoing_id=outgoing_id)
        )
        return int(free)
    nonce = _hole(connection, lane, lowest, following) if following > lowest else lowest
    connection.execute(nonce_leases.insert().values(lane=lane, nonce=nonce, outgoing_id=outgoing_id))
    connection.execute(lanes.update().where(lanes.c.lane == lane).values(next_nonce=max(following, nonce + 1)))
    return nonce


def _hole(connection: sa.Connection, lane: str, lowest: int, following: int) -> int:
    """The first number in the range without a lease, or the one after the range."""
    held = nonce_leases.c
    within = (held.lane == lane, held.nonce >= lowest, held.nonce < following)
    if connection.scalar(sa.select(sa.func.count()).where(*within)) == following - lowest:
        return following
    expected = lowest
    for nonce in connection.scalars(sa.select(held.nonce).where(*within).order_by(held.nonce)):
        if nonce != expected:
            break
        expected += 1
    return expected


def pin(connection: sa.Connection, lane: str, nonce: int, outgoing_id: int, *, sqlite: bool) -> bool:
    """Lease this very number to a payment. False when another payment has it."""
    following = _lock(connection, lane, sqlite=sqlite)
    held = nonce_leases.c
    found = connection.execute(sa.select(held.outgoing_id).where(held.lane == lane, held.nonce == nonce)).first()
    if found is None:
        connection.execute(nonce_leases.insert().values(lane=lane, nonce=nonce, outgoing_id=outgoing_id))
    elif found.outgoing_id is None:
        connection.execute(
            nonce_leases.update().where(held.lane == lane, held.nonce == nonce).values(outgoing_id=outgoing_id)
        )
    elif found.outgoing_id != outgoing_id:
        return False
    connection.execute(lanes.update().where(lanes.c.lane == lane).values(next_nonce=max(following, nonce + 1)))
    return True


def leave_open(store: Store, lane: str, nonce: int) -> None:
    """Note a number that nobody has and that the network waits for; a number that a payment has stays its own."""
    with store.write() as connection:
        _lock(connection, lane, sqlite=store.is_sqlite)
        held = nonce_leases.c
        if connection.execute(sa.select(held.nonce).where(held.lane == lane, held.nonce == nonce)).first() is None:
            connection.execute(nonce_leases.insert().values(lane=lane, nonce=nonce, outgoing_id=None))


def free_below(store: Store) -> list[tuple[str, int]]:
    """Numbers that were given back while payments with higher ones wait: (lane, nonce), which freeze those."""
    held, later = nonce_leases.alias(), nonce_leases.alias()
    waiting = (
        sa.select(later.c.nonce)
        .join(outgoing, outgoing.c.id == later.c.outgoing_id)
        .where(
            later.c.lane == held.c.lane,
            later.c.nonce > held.c.nonce,
            outgoing.c.nonce == later.c.nonce,
            outgoing.c.state.not_in([state.value for state in FINAL]),
            outgoing.c.state != State.INCLUDED.value,
        )
    )
    query = sa.select(held.c.lane, held.c.nonce).where(held.c.outgoing_id.is_(None), waiting.exists())
    with store.read() as connection:
        return [(lane, int(nonce)) for lane, nonce in connection.execute(query.order_by(held.c.lane, held.c.nonce))]


def _lock(connection: sa.Connection, lane: str, *, sqlite: bool) -> int:
    """Lock the account's row, making it where there is none; return its next number."""
    insert: Any
    if sqlite:
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert
    connection.execute(insert(lanes).values(lane=lane, next_nonce=0).on_conflict_do_nothing(index_elements=["lane"]))
    following = connection.scalar(sa.select(lanes.c.next_nonce).where(lanes.c.lane == lane).with_for_update())
    return int(following or 0)


def fill(store: Store, lane: str, nonce: int, request: str) -> bool:
    """Enter a payment that takes a free nonce, as one of the account's other payments. False where it is taken."""
    import json
    import secrets

    now = store.clock()
    with store.write() as connection:
        _lock(connection, lane, sqlite=store.is_sqlite)
        held = nonce_leases.c
        free = sa.select(held.nonce).where(held.lane == lane, held.nonce == nonce, held.outgoing_id.is_(None))
        like = connection.execute(sa.select(outgoing).where(outgoing.c.lane == lane).limit(1)).first()
        if like is None or connection.execute(free).first() is None:
            return False
        added = connection.execute(
            outgoing.insert().values(
                key=f"{request}-{lane}:{nonce}:{secrets.token_hex(8)}",
                lane=lane,
                network=like.network,
                account=like.account,
                request=json.dumps({request: nonce}),
                digest="",
                state=State.PLANNED.value,
                nonce=nonce,
                created_at=now,
                updated_at=now,
                due_at=now,
            )
        )
        (id_,) = added.inserted_primary_key or (None,)
        connection.execute(nonce_leases.update().where(held.lane == lane, held.nonce == nonce).values(outgoing_id=id_))
        return True
