"""Sui: SUI and every coin type, over the GraphQL RPC of a full node or an indexer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapter import Sui

__all__ = ["Sui"]


def __getattr__(name: str) -> Any:
    if name == "Sui":
        from .adapter import Sui

        return Sui
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
