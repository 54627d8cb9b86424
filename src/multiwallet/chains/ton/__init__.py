"""TON: Gram and jettons from wallet contracts, over the HTTP API v3 of toncenter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapter import Ton

__all__ = ["Ton"]


def __getattr__(name: str) -> Any:
    if name == "Ton":
        from .adapter import Ton

        return Ton
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
