"""Cosmos: the chains of the Cosmos SDK, from the Hub to Injective, over the REST interface of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapter import Cosmos

__all__ = ["Cosmos"]


def __getattr__(name: str) -> Any:
    if name == "Cosmos":
        from .adapter import Cosmos

        return Cosmos
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
