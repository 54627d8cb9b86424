"""Coins (unspent outputs) and what an account knows after a scan, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ...path import Path
from .transaction import OutPoint

__all__ = ["COINBASE_MATURITY", "AccountState", "Coin", "Derived", "Found", "Sent", "Unspent"]

COINBASE_MATURITY: Final = 100
"""How many confirmations a mined coin needs before it can be spent; a row may set ``coinbase_maturity``."""


class Unspent(NamedTuple):
    """An unspent output as a source reports it. ``height`` is None while it is unconfirmed.

    ``own`` marks an unconfirmed one whose transaction spends nothing but the account's own coins.
    """

    outpoint: OutPoint
    amount: int
    script: bytes
    height: int | None
    coinbase: bool = False
    own: bool = False


class Found(NamedTuple):
    """What a source knows of some scripts: the tip's height, those ever used, and their unspent outputs."""

    tip: int
    used: frozenset[bytes]
    unspent: tuple[Unspent, ...]


@dataclass(frozen=True, slots=True)
class Coin:
    """An unspent output of an account, with the key that spends it.

    ``amount`` is in the smallest unit; ``public_key`` has 33 bytes (65 for an old p2pkh key) and is found at
    ``path``, which is None for an imported key. ``height`` is None while it is unconfirmed.
    """

    outpoint: OutPoint
    amount: int
    script: bytes
    public_key: bytes
    path: Path | None = None
    height: int | None = None
    coinbase: bool = False
    own: bool = False

    def is_mature(self, tip: int, maturity: int = COINBASE_MATURITY) -> bool:
        """Whether the next block may spend it as far as its age goes: mined coins wait for ``maturity`` blocks."""
        return not self.coinbase or (self.height is not None and tip - self.height + 1 >= maturity)

    @property
    def is_settled(self) -> bool:
        """Whether it is confirmed, or unconfirmed and the account's own change."""
        return self.height is not None or self.own


class Derived(NamedTuple):
    """An output script of an account and the key that it pays to."""

    script: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction of the account's own that is on its way: what it spends, and what comes back to the account.

    ``tip`` is the height that was known when it was sent; ``raw`` proves what its outputs are worth.
    """

    txid: str
    spent: frozenset[OutPoint]
    made: tuple[Coin, ...]
    tip: int
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountState:
    """What the last scan found, and what was sent since. It holds public things only.

    ``coins`` are in the order of their outpoints. ``derived`` holds the receive and the change chain as far as
    they are derived, and ``scripts`` says where in them a script stands, as (change, index); both are empty for
    an account of one address. ``next_receive`` and ``next_change`` are the first indexes after the last used.
    """

    tip: int
    coins: tuple[Coin, ...]
    derived: tuple[tuple[Derived, ...], tuple[Derived, ...]] = ((), ())
    scripts: Mapping[bytes, tuple[int, int]] = field(default_factory=dict, repr=False)
    next_receive: int = 0
    next_change: int = 0
    sent: tuple[Sent, ...] = ()
