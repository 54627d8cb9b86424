"""Coins whose keys and addresses are known here, and nothing else of them: a row says the path and the form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapter import Coins

__all__ = ["Coins"]


def __getattr__(name: str) -> Any:
    if name == "Coins":
        from .adapter import Coins

        return Coins
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
