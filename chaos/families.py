"""What differs from family to family: amounts, accounts, blocks, and how far time is moved to let things expire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["FAMILIES", "PAYER_WORDS", "RECIPIENT_WORDS", "Family"]

# Published test vectors: nothing of worth belongs to them.
PAYER_WORDS: Final = "test test test test test test test test test test test junk"
RECIPIENT_WORDS: Final = "legal winner thank year wave sausage worth useful legal winner thank yellow"


@dataclass(frozen=True, slots=True)
class Family:
    """How one network is put under strain.

    ``accounts`` pay, each funded ``gifts`` times with ``gift``. Payment number i is of ``least + i`` units, so that
    no two are alike. ``pause`` is in seconds between two blocks. A transaction that was dropped expires when time is
    moved by ``expiry`` seconds and ``blocks_after`` blocks are made; 0 where transactions do not expire.
    """

    network: str
    accounts: int
    gift: str
    gifts: int
    least: int
    pause: float = 0.5
    expiry: float = 0.0
    blocks_after: int = 0
    depth: int = 2
    """How deep a reorganisation goes at most; senders ask for more confirmations than that."""


FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {
        "ethereum": Family("ethereum", 1, "100000", 1, 10**12),
        "tron": Family("tron", 4, "1000000", 1, 10_000, expiry=650.0, blocks_after=60),
        "solana": Family("solana", 4, "10000", 1, 1_000_000, blocks_after=200, expiry=1.0),
        "bitcoin": Family("bitcoin", 40, "0.2", 10, 20_000, pause=1.0),
    }
)
