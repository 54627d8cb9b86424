"""Solana: SOL, SPL Token and Token-2022 over legacy and version 0 messages.

The class is imported on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapter import Solana

__all__ = ["Solana"]


def __getattr__(name: str) -> Any:
    if name == "Solana":
        from .adapter import Solana

        return Solana
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
