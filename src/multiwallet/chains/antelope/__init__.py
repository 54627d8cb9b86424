"""Antelope (EOSIO): Vaulta/EOS, WAX, Telos and their kin, over the chain API of nodeos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapter import Antelope

__all__ = ["Antelope"]


def __getattr__(name: str) -> Any:
    if name == "Antelope":
        from .adapter import Antelope

        return Antelope
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
