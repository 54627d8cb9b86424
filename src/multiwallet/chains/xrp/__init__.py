"""The XRP Ledger: XRP and issued currencies, over the JSON-RPC of a rippled or Clio server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapter import Xrp

__all__ = ["Xrp"]


def __getattr__(name: str) -> Any:
    if name == "Xrp":
        from .adapter import Xrp

        return Xrp
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
