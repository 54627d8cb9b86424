"""The Bitcoin family: unspent outputs, PSBTs (BIP-174) and the addresses of Bitcoin and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapter import Bitcoin

__all__ = ["Bitcoin"]


def __getattr__(name: str) -> Any:
    if name == "Bitcoin":
        from .adapter import Bitcoin

        return Bitcoin
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
