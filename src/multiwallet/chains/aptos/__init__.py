"""Aptos: APT, fungible assets and coins, over the REST API of a fullnode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapter import Aptos

__all__ = ["Aptos"]


def __getattr__(name: str) -> Any:
    if name == "Aptos":
        from .adapter import Aptos

        return Aptos
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
