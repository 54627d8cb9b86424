"""TRON: TRX, TRC-20 and the other system contracts, over the HTTP API of a full node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapter import Tron

__all__ = ["Tron"]


def __getattr__(name: str) -> Any:
    if name == "Tron":
        from .adapter import Tron

        return Tron
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
