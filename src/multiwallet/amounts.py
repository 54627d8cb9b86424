"""Asset and Amount: whole numbers of an asset's smallest unit, and exact text. Never floats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Final, NoReturn

from .errors import AmountError, shown

__all__ = ["Amount", "Asset"]

_SYMBOL_LIMIT: Final = 64
_LARGEST_BITS: Final = 2048  # no chain has more than 256; Python refuses to write numbers far beyond this one

_NUMBER: Final = re.compile(r"([0-9]{1,78})(?:\.([0-9]{1,255}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asset:
    """What an amount is an amount of: a chain's native coin or a token.

    ``id`` is the CAIP-19 name, so that a token is named by its contract and never by its symbol alone.
    ``decimals`` is the number of decimal places that one whole unit has (0 to 255).
    Two assets are the same when their ids are.

    >>> ether = Asset("eip155:1/slip44:60", "ETH", 18)
    >>> ether.network_id, ether.namespace, ether.reference, ether.is_native
    ('eip155:1', 'slip44', '60', True)
    """

    id: str
    symbol: str
    decimals: int

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not isinstance(self.symbol, str):
            raise AmountError("an asset's id and its symbol are text")
        if len(self.symbol) > _SYMBOL_LIMIT or not self.symbol.isprintable():
            # It is shown beside amounts, and its author may be a stranger.
            raise AmountError(f"a symbol has at most {_SYMBOL_LIMIT} characters, all of them printable")
        if "/" not in self.id or ":" not in self.id.split("/", 1)[1]:
            raise AmountError(f"{self.id[:80]!r} is no CAIP-19 asset id, which looks like eip155:1/slip44:60")
        if not isinstance(self.decimals, int) or isinstance(self.decimals, bool) or not 0 <= self.decimals <= 255:
            raise AmountError("an asset has from 0 to 255 decimals")

    @property
    def network_id(self) -> str:
        """The CAIP-2 id of the network that the asset lives on."""
        return self.id.split("/", 1)[0]

    @property
    def namespace(self) -> str:
        """The kind of asset: ``slip44`` for a native coin, ``erc20``, ``trc20``, ``token``, ..."""
        return self.id.split("/", 1)[1].split(":", 1)[0]

    @property
    def reference(self) -> str:
        """What names the asset within its namespace: a contract address, a mint, a coin number."""
        return self.id.split("/", 1)[1].split(":", 1)[1]

    @property
    def is_native(self) -> bool:
        """Whether this is the network's own coin."""
        return self.namespace == "slip44"

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Asset) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Amount:
    """A whole number of an asset's smallest unit, zero or more.

    :meth:`parse` reads exact text, :attr:`text` writes it. A ``float`` is a ``TypeError``; more decimals
    than the asset has is an :class:`~multiwallet.errors.AmountError`, and so is mixing assets or going
    below zero. Nothing is ever rounded.

    >>> bitcoin = Asset("bip122:000000000019d6689c085ae165831e93/slip44:0", "BTC", 8)
    >>> price = Amount.parse("0.1", bitcoin)
    >>> price.units, price.text, str(price * 3)
    (10000000, '0.1', '0.3 BTC')
    >>> Amount.parse("0.123456789", bitcoin)
    Traceback (most recent call last):
        ...
    multiwallet.errors.AmountError: BTC has 8 decimals, and '0.123456789' has 9: nothing is rounded, write an amount that fits
    """

    units: int
    asset: Asset

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int):
            raise TypeError(
                f"an amount is a whole number of the smallest unit, not {type(self.units).__name__}; "
                'read text with Amount.parse("0.1", asset)'
            )
        if self.units < 0:
            raise AmountError("an amount is zero or more")
        if self.units.bit_length() > _LARGEST_BITS:
            raise AmountError(f"an amount has at most {_LARGEST_BITS} bits")

    @classmethod
    def parse(cls, text: str, asset: Asset) -> Amount:
        """Read decimal text in whole units of ``asset``, such as ``"0.1"``.

        Only ASCII digits and one point: no sign, exponent, space or thousands mark. Raises
        ``TypeError`` for anything but text and :class:`~multiwallet.errors.AmountError` for other text.
        """
        if not isinstance(text, str):
            raise TypeError(f'write an amount as text, like "0.1", not as {type(text).__name__}')
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise AmountError(f'cannot read {shown(text)} as an amount: write digits and at most one point, like "0.1"')
        whole, fraction = match[1], match[2] or ""
        if len(fraction) > asset.decimals:
            raise AmountError(
                f"{asset.symbol} has {asset.decimals} decimals, and {text[:100]!r} has {len(fraction)}: "
                "nothing is rounded, write an amount that fits"
            )
        return cls(int(whole + fraction.ljust(asset.decimals, "0")), asset)

    @property
    def text(self) -> str:
        """The exact decimal text in whole units, without trailing zeros and without the symbol."""
        decimals = self.asset.decimals
        if not decimals:
            return str(self.units)
        digits = str(self.units).rjust(decimals + 1, "0")
        fraction = digits[-decimals:].rstrip("0")
        return f"{digits[:-decimals]}.{fraction}" if fraction else digits[:-decimals]

    def __str__(self) -> str:
        return f"{self.text} {self.asset.symbol}"

    def __bool__(self) -> bool:
        return self.units != 0

    def __add__(self, other: Amount) -> Amount:
        if not isinstance(other, Amount):
            return NotImplemented
        self._same(other)
        return Amount(self.units + other.units, self.asset)

    def __sub__(self, other: Amount) -> Amount:
        if not isinstance(other, Amount):
            return NotImplemented
        self._same(other)
        if other.units > self.units:
            raise AmountError(f"{self} less {other} is below zero")
        return Amount(self.units - other.units, self.asset)

    def __mul__(self, factor: int) -> Amount:
        if isinstance(factor, bool) or not isinstance(factor, int):
            raise TypeError(f"an amount is multiplied by a whole number, not {type(factor).__name__}")
        return Amount(self.units * factor, self.asset)

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Amount):
            return NotImplemented
        return self.units == other.units and self.asset == other.asset

    def __lt__(self, other: Amount) -> bool:
        if not isinstance(other, Amount):
            return NotImplemented
        self._same(other)
        return self.units < other.units

    def __hash__(self) -> int:
        return hash((self.units, self.asset.id))

    def __float__(self) -> NoReturn:
        raise TypeError("an amount does not become a float; use .units or .text")

    def _same(self, other: Amount) -> None:
        if self.asset != other.asset:
            raise AmountError(f"{self.asset.id} and {other.asset.id} are different assets and do not mix")
        if self.asset.decimals != other.asset.decimals:
            raise AmountError(
                f"two amounts of {self.asset.id} disagree about its decimals: one of them is shown wrongly"
            )
