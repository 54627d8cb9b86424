"""What an engine of the devnet offers: one network, whole, in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..chain import Network

__all__ = ["Engine"]


class Engine(Protocol):
    """One network run by a real engine. It answers as a node of that network would.

    Refusals are :class:`~multiwallet.errors.Rejected` with the real node's code and words. All amounts
    are whole numbers of the smallest unit.
    """

    def __init__(self, network: Network, *, automine: bool = True) -> None: ...

    def rpc(self, method: str, params: Sequence[Any] | Mapping[str, Any], service: str = "") -> Any:
        """Answer a JSON-RPC call."""

    def rest(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        text: str | None = None,
        query: Mapping[str, str] | None = None,
        service: str = "",
    ) -> Any:
        """Answer an HTTP request; a refusal's ``node_code`` is the HTTP status and its ``data`` the body."""

    def fund(self, address: str, units: int) -> str:
        """Give an address so much of the native coin, confirmed at once; return the txid."""

    def deploy_token(self, *, symbol: str, decimals: int, supply_to: str, supply: int) -> str:
        """Create a real token and give its supply to an address; return its contract or mint address."""

    def fund_token(self, reference: str, address: str, units: int) -> str:
        """Give an address so much of a token that this devnet created; return the txid."""

    def mine(self, blocks: int = 1) -> None:
        """Make blocks, including what waits."""

    def reorg(self, depth: int = 1) -> None:
        """Replace the last blocks by others without their transactions."""

    def drop(self, txid: str) -> bool:
        """Forget a transaction that waits; whether there was one."""

    def advance(self, seconds: float) -> None:
        """Let time pass for the chain."""

    def close(self) -> None:
        """Free what the engine holds."""
