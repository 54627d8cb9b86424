"""Which coins pay: reading an owner's coins page by page, and choosing among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...chain import Network
from ...errors import BadResponse
from ...ops import Op, attempt
from . import addresses, answers, queries
from .answers import PAGE, Coin
from .transaction import ObjectRef
from .type_tags import TypeTag, coin_of

__all__ = ["choose", "held"]

_MOST_PAGES: Final = 60


def held(
    network: Network, owner: bytes, tag: TypeTag, may_use: Callable[[ObjectRef], bool], enough: int | None
) -> Op[list[Coin]]:
    """An owner's coins of a type, as many pages as it takes to have ``enough``; all of them for None.

    Coins without a unit are left out. No more than 3,000 are looked at.
    """
    found: dict[bytes, Coin] = {}
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        (answer,) = yield from attempt(
            answers.query(
                network,
                queries.COINS,
                owner=addresses.from_bytes(owner),
                type=coin_of(tag).canonical(),
                first=PAGE,
                after=cursor,
            )
        )
        before = cursor
        page, cursor = answers.coins(answer, tag)
        found |= {coin.ref.id: coin for coin in page if coin.units and may_use(coin.ref)}
        total = sum(coin.units for coin in found.values())
        if total >= 2**64:
            raise BadResponse("the coins of one owner are said to be worth more than there can be")
        if cursor is None or (enough is not None and total >= enough):
            break
        if cursor == before:
            raise BadResponse("the service answers the same page of coins again and again")
    return list(found.values())


def choose(coins: list[Coin], enough: int | None) -> list[Coin]:
    """The largest coins, as few as reach ``enough``; all of them where they do not, or for None."""
    ordered = sorted(coins, key=lambda coin: (-coin.units, coin.ref.id))
    if enough is None:
        return ordered
    chosen: list[Coin] = []
    total = 0
    for coin in ordered:
        if total >= enough and chosen:
            break
        chosen.append(coin)
        total += coin.units
    return chosen
