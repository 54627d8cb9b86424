"""``cosmos.base.v1beta1.Coin``: a denom and a whole number, in protobuf and in JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ...codec import protobuf
from ...errors import InvalidTransaction
from .denoms import is_denom

__all__ = ["Coin", "check_order", "decode_coin", "encode_coin", "read_coin", "read_coins", "summed"]

_DIGITS: Final = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)
_MAX: Final = 1 << 256


class Coin(NamedTuple):
    """So many smallest units of a denom."""

    denom: str
    units: int

    def json(self) -> dict[str, str]:
        """The form in JSON."""
        return {"amount": str(self.units), "denom": self.denom}


def encode_coin(coin: Coin) -> bytes:
    """The coin's protobuf."""
    return protobuf.bytes_field(1, coin.denom.encode("ascii")) + protobuf.bytes_field(2, str(coin.units).encode())


def decode_coin(data: bytes) -> Coin:
    """A coin from protobuf; InvalidTransaction for what no serialiser writes."""
    found = dict.fromkeys((1, 2), "")
    for number, wire, value in protobuf.parse(data):
        if number not in found or wire != protobuf.LENGTH_DELIMITED or found[number]:
            raise InvalidTransaction("a coin has a denom and an amount, once each")
        assert isinstance(value, bytes)
        found[number] = value.decode("ascii", "replace")
    return _checked(found[1], found[2])


def _checked(denom: object, amount: object) -> Coin:
    if not isinstance(denom, str) or not is_denom(denom):
        raise InvalidTransaction("a coin's denom is 3 to 128 letters, digits and / : . _ -")
    if not isinstance(amount, str) or not _DIGITS.fullmatch(amount) or int(amount) >= _MAX:
        raise InvalidTransaction("a coin's amount is a whole number in decimal text")
    return Coin(denom, int(amount))


def read_coin(value: Any) -> Coin:
    """A coin from JSON; InvalidTransaction."""
    if not isinstance(value, Mapping) or set(value) != {"denom", "amount"}:
        raise InvalidTransaction('a coin is {"denom": "...", "amount": "..."}')
    return _checked(value["denom"], value["amount"])


def read_coins(value: Any) -> tuple[Coin, ...]:
    """A list of coins from JSON: sorted by denom, none twice, none of zero. InvalidTransaction."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence) or len(value) > 256:
        raise InvalidTransaction("coins are a list")
    return check_order(tuple(map(read_coin, value)))


def check_order(coins: tuple[Coin, ...]) -> tuple[Coin, ...]:
    """The coins, if the SDK takes them; InvalidTransaction."""
    names = [coin.denom for coin in coins]
    if names != sorted(set(names)) or not all(coin.units for coin in coins):
        raise InvalidTransaction("coins are sorted by denom, name none twice and hold none of zero")
    return coins


def summed(coins: Sequence[Coin]) -> dict[str, int]:
    """How much of each denom."""
    found: dict[str, int] = {}
    for coin in coins:
        found[coin.denom] = found.get(coin.denom, 0) + coin.units
    return found
