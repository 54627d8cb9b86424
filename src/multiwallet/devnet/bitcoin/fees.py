"""The fee rates that the devnet suggests. A real node learns them from traffic; here they are a fixed table."""

from __future__ import annotations

from typing import Final

__all__ = ["TARGETS", "feerate"]

TARGETS: Final = (*range(1, 26), 144, 504, 1008)
"""The targets, in blocks, that Esplora lists."""
_RATES: Final = ((2, 10_000), (6, 5_000), (24, 2_000))


def feerate(target: int) -> int:
    """The rate for a confirmation within so many blocks, in satoshi for 1,000 virtual bytes.

    >>> feerate(2), feerate(6), feerate(144)
    (10000, 5000, 1000)
    """
    return next((rate for blocks, rate in _RATES if target <= blocks), 1000)
