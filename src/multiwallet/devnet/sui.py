"""The devnet's Sui engine: our own ledger behind the face of the GraphQL RPC."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..chain import Network
from ..chains.sui import addresses
from ..chains.sui.tokens import coin_type
from ..chains.sui.type_tags import SUI, TypeTag
from ..crypto.hashes import blake2b
from ..errors import InputError, Rejected
from .clock import Clock
from .sui_api import SuiApi
from .sui_chain import Metadata, SuiChain

__all__ = ["SuiEngine"]


class SuiEngine:
    """One Sui network in this process, which answers the GraphQL RPC at ``POST /graphql``.

    Transactions are decoded from BCS and checked as on the chain: the signatures of the three schemes, owners, versions,
    digests and locks of objects, gas, the last epoch. Those that split, merge and hand over coins are executed; see
    :mod:`.sui_ledger` for what is left out. With ``automine`` each is executed as it is sent. Without, it waits for
    :meth:`mine`, and its coins are locked until it is executed or the epoch ends. There are no reorganisations on Sui:
    :meth:`reorg` undoes checkpoints all the same, for tests.
    """

    def __init__(self, network: Network, *, automine: bool = True) -> None:
        self.network = network
        self.automine = automine
        self.clock = Clock()
        self.chain = SuiChain(network, self.clock)
        self._api = SuiApi(self.chain, lambda: self.chain.produce() if self.automine else None)

    def rpc(self, method: str, params: Sequence[Any] | Mapping[str, Any], service: str = "") -> Any:
        """Sui's JSON-RPC is gone: always Rejected."""
        raise Rejected("the method does not exist: this node answers GraphQL", node_code=-32601)

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
        """Answer an HTTP request; refusals are in the answer, as GraphQL has it."""
        if method != "POST" or path.strip("/") != "graphql":
            raise Rejected("not found: this node answers POST /graphql", node_code=404, data={})
        return self._api.answer(json)

    def fund(self, address: str, units: int) -> str:
        """Give an address a coin of ``units`` MIST; the digest of the gift."""
        return self._give(SUI, address, units)

    def deploy_token(self, *, symbol: str, decimals: int, supply_to: str, supply: int) -> str:
        """Create a coin type and give its supply to an address (to nobody if empty); the type."""
        letters = re.sub(r"[^A-Za-z0-9_]", "", symbol) or "COIN"
        name = letters if letters[0].isalpha() else "C" + letters
        package = blake2b(b"package" + len(self.chain.metadata).to_bytes(8, "big"), size=32)
        tag = TypeTag("struct", (), package, name.lower(), name.upper())
        self.chain.metadata[tag] = Metadata(tag, symbol, decimals)
        if supply_to and supply:
            self._give(tag, supply_to, supply)
        return tag.canonical()

    def fund_token(self, reference: str, address: str, units: int) -> str:
        """Give an address so much of a coin that this engine created; the digest of the gift."""
        tag = coin_type(reference)
        if tag not in self.chain.metadata:
            raise InputError("there is no such coin on this devnet")
        return self._give(tag, address, units)

    def _give(self, tag: TypeTag, address: str, units: int) -> str:
        if isinstance(units, bool) or not isinstance(units, int) or not 0 < units < 2**63:
            raise InputError("the faucet gives from 1 to 2^63 - 1 units at a time")
        return self.chain.give(addresses.to_bytes(address), tag, units)

    def mine(self, blocks: int = 1) -> None:
        """Execute what waits, in at least so many checkpoints."""
        if isinstance(blocks, bool) or not isinstance(blocks, int) or not 0 <= blocks <= 10_000:
            raise InputError("a number of blocks is from 0 to 10000")
        if blocks:
            self.chain.produce()
        for _ in range(blocks):
            self.chain.tick()

    def reorg(self, depth: int = 1) -> None:
        """Undo the last checkpoints; their transactions wait again."""
        self.chain.rewind(depth)

    def drop(self, txid: str) -> bool:
        """Forget a waiting transaction; the coins in it stay locked until the epoch ends."""
        return self.chain.waiting.pop(txid, None) is not None

    def advance(self, seconds: float) -> None:
        """Let time pass: after a day an epoch ends, locks with it, and what waits is forgotten."""
        self.clock.skip(seconds)
        self.chain.turn()
        if self.automine:
            self.chain.produce()

    def close(self) -> None:
        """Nothing to free: all of it is memory."""
