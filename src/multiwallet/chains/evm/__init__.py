"""EVM networks: Ethereum, its rollups and its many relatives. One class, :class:`Evm`, serves every row."""

from __future__ import annotations

from .adapter import Evm

__all__ = ["Evm"]
