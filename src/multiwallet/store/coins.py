"""Coins that payments spend: each one is one payment's, until that is done."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ..errors import StoreError
from .records import FINAL, Attempt, Outgoing
from .schema import attempts, coin_reservations, outgoing

if TYPE_CHECKING:
    from .store import Store

__all__ = ["CoinsTaken", "reserve", "reserved_coins", "spends_what_cannot_be"]


class CoinsTaken(StoreError):
    """Another payment spends one of the coins: choose others."""

    code = "coins_taken"


def reserve(connection: sa.Connection, record: Outgoing, coins: Sequence[str]) -> None:
    if not coins:
        return
    held = coin_reservations.c
    rows = connection.execute(
        sa.select(held.coin, held.outgoing_id).where(held.network == record.network, held.coin.in_(list(coins)))
    ).all()
    if any(owner != record.id for _, owner in rows):
        raise CoinsTaken("another payment spends one of these coins")
    known = {coin for coin, _ in rows}
    wanted = [
        coin for coin in sorted(coins) if coin not in known
    ]  # in one order, or two workers would block each other
    fresh = [{"network": record.network, "coin": coin, "outgoing_id": record.id} for coin in wanted]
    if fresh:
        try:
            connection.execute(coin_reservations.insert(), fresh)
        except sa.exc.IntegrityError:  # another worker was quicker by a moment
            raise CoinsTaken("another payment spends one of these coins") from None


def reserved_coins(store: Store, network: str) -> tuple[str, ...]:
    """The coins of a network that payments spend which are not done."""
    with store.read() as connection:
        held = coin_reservations.c
        return tuple(connection.scalars(sa.select(held.coin).where(held.network == network)))


def spends_what_cannot_be(store: Store, record: Outgoing, attempt: Attempt) -> bool:
    """Whether a coin that it spends was to come from a payment's transaction which can never be included.

    Such a transaction is on record as dead, or its payment was settled by another one.
    """
    made_by = {coin.rpartition(":")[0] for coin in attempt.coins}
    query = (
        sa.select(attempts.c.txid, attempts.c.dead, outgoing.c.state, outgoing.c.receipt)
        .join(outgoing, outgoing.c.id == attempts.c.outgoing_id)
        .where(attempts.c.txid.in_(made_by), outgoing.c.network == record.network)
    )
    with store.read() as connection:
        rows = connection.execute(query).all()
    final = [state.value for state in FINAL]
    settled = [row for row in rows if row.state in final and row.receipt is not None]
    return any(row.dead for row in rows) or any(json.loads(row.receipt).get("txid") != row.txid for row in settled)
