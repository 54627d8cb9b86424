"""The devnet's Aptos engine: our own ledger behind the face of a fullnode's REST API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..chain import Network
from ..errors import InputError, Rejected
from .aptos_chain import AptosChain
from .aptos_http import AptosHttp
from .aptos_ledger import APT
from .aptos_protocol import Transaction, read_address
from .clock import Clock

__all__ = ["AptosEngine"]


class AptosEngine:
    """One Aptos network in this process, which answers the REST API of a fullnode.

    Transactions are decoded from BCS and checked as on the chain: signatures, keys, chain id, sequence numbers or
    replay nonces, expiration, gas and balances. Those that call the framework's transfers are executed; see
    :mod:`.aptos_ledger` for what is left out. With ``automine`` each is included as it is sent. There are no
    reorganisations on Aptos: :meth:`reorg` undoes versions all the same, for tests.
    """

    def __init__(self, network: Network, *, automine: bool = True) -> None:
        self.network = network
        self.automine = automine
        self.clock = Clock()
        self.chain = AptosChain(network, self.clock)
        self._http = AptosHttp(self.chain, self.accept)

    def rpc(self, method: str, params: Sequence[Any] | Mapping[str, Any], service: str = "") -> Any:
        """Aptos has no JSON-RPC: always Rejected."""
        raise Rejected("the method does not exist: this node answers a REST API", node_code=-32601)

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
        """Answer an HTTP request; a refusal's ``data`` is the API's error object."""
        return self._http.answer(method, path, text if json is None else json, query)

    def accept(self, transaction: Transaction) -> str:
        """Take a signed transaction in; its id. Raises Rejected as the API refuses."""
        txid = self.chain.add(transaction)
        if self.automine:
            self.chain.produce()
        return txid

    def submit_bcs(self, signed: bytes) -> str:
        """Take the bytes of a signed transaction in, as ``POST /transactions`` does with the content type of BCS."""
        return self.accept(Transaction.decode(signed))

    def fund(self, address: str, units: int) -> str:
        """Give an address ``units`` octas; a text that names the gift, which is no transaction."""
        return self._give(APT, address, units)

    def deploy_token(self, *, symbol: str, decimals: int, supply_to: str, supply: int) -> str:
        """Create a fungible asset and give its supply to an address (to nobody if empty); its metadata's address."""
        return self._deploy(symbol, decimals, supply_to, supply, coin=False)

    def deploy_coin(self, *, symbol: str, decimals: int, supply_to: str, supply: int) -> str:
        """The same for a coin of the older kind; its type."""
        return self._deploy(symbol, decimals, supply_to, supply, coin=True)

    def _deploy(self, symbol: str, decimals: int, supply_to: str, supply: int, *, coin: bool) -> str:
        seed = self.chain.head.version.to_bytes(8, "big")
        self.chain.tick()
        name = self.chain.ledger.create_token(seed, symbol, decimals, coin=coin)
        if supply_to and supply:
            self._give(name, supply_to, supply)
        return name

    def fund_token(self, reference: str, address: str, units: int) -> str:
        """Give an address so much of a token that this engine created; a text that names the gift."""
        from ..chains.aptos.functions import read_reference

        return self._give(self.chain.ledger.asset(str(read_reference(reference))), address, units)

    def _give(self, asset: str, address: str, units: int) -> str:
        if isinstance(units, bool) or not isinstance(units, int) or not 0 < units < 2**63:
            raise InputError("the faucet gives from 1 to 2^63 - 1 units at a time")
        self.chain.tick()
        self.chain.ledger.give(read_address(address), asset, units)
        return "0x" + self.chain.head.version.to_bytes(32, "big").hex()

    def mine(self, blocks: int = 1) -> None:
        """Include what waits, in at least so many blocks."""
        if isinstance(blocks, bool) or not isinstance(blocks, int) or not 0 <= blocks <= 10_000:
            raise InputError("a number of blocks is from 0 to 10000")
        if blocks:
            self.chain.produce()
        for _ in range(blocks):
            self.chain.tick()

    def reorg(self, depth: int = 1) -> None:
        """Undo the last versions; their transactions wait again."""
        self.chain.rewind(depth)

    def drop(self, txid: str) -> bool:
        """Forget a waiting transaction."""
        return self.chain.waiting.pop(txid.lower(), None) is not None

    def advance(self, seconds: float) -> None:
        """Let time pass. With ``automine`` what waits is included, if it still can be."""
        self.clock.skip(seconds)
        if self.automine:
            self.chain.produce()

    def close(self) -> None:
        """Nothing to free: all of it is memory."""
