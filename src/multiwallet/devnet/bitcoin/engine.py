"""The Bitcoin engine of the devnet: a node, a faucet, and the interfaces that clients ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...chain import Network
from ...chains.bitcoin import addresses
from ...chains.bitcoin.rules import rules_of
from ...errors import Unsupported
from .blockbook import Blockbook
from .esplora import Esplora
from .faucet import Faucet, faucet_script
from .node import Node
from .rpc import CoreRpc

__all__ = ["BitcoinEngine"]

_FIRST_BLOCKS = 101  # one block's coins are then mature


class BitcoinEngine:
    """A network of the Bitcoin family, run by libbitcoinkernel with the rules of regtest.

    Addresses and the genesis hash are the network's own; the blocks below are regtest's, so the header of
    the first block does not hash to the genesis hash shown for it, and a coin counts 21 million whatever
    the network. The chain starts with 101 blocks on 1 January 2025 and is the same each time. With
    ``automine`` a transaction that is sent is in a block at once, and each passing of time makes a block.

    Checks are those of Bitcoin Core: all consensus rules, by its own code, and the relay policy that
    matters to wallets (dust, 1 sat/vB, locktimes, replacement by fee, standard scripts, low S).
    """

    def __init__(self, network: Network, *, automine: bool = True) -> None:
        sighash = rules_of(network).sighash
        if sighash != "bitcoin":
            raise Unsupported(
                f"the devnet has no engine for {network.title}: its signatures follow rules ({sighash}) that Bitcoin's "
                "consensus code, which runs here, does not have"
            )
        self._network = network
        self._automine = automine
        self._node = Node(network, faucet_script())
        self._faucet = Faucet(self._node)
        self._core = CoreRpc(self._node, self._after_send)
        self._esplora = Esplora(self._node, self._core)
        self._blockbook = Blockbook(self._esplora)
        self._node.mine(_FIRST_BLOCKS)

    def _after_send(self) -> None:
        if self._automine:
            self._node.mine()

    # -- what clients ask ----------------------------------------------------------------------------

    def rpc(self, method: str, params: Sequence[Any] | Mapping[str, Any] = (), service: str = "") -> Any:
        """Answer a call of Bitcoin Core's JSON-RPC, whatever the service it was addressed to."""
        return self._core.call(method, params)

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
        """Answer a request to Esplora or Blockbook: decoded JSON, the text of the body, or its bytes."""
        if Blockbook.answers(path):
            return self._blockbook.request(method.upper(), path, text, query)
        return self._esplora.request(method.upper(), path, text, query)

    # -- what a test or a demo does ------------------------------------------------------------------

    def fund(self, address: str, units: int) -> str:
        """Send coins to an address and put just that transaction into a block; return its txid.

        Raises :class:`~multiwallet.errors.InputError` for less than the dust limit and
        :class:`~multiwallet.errors.InsufficientFunds` for more coins than regtest can make (15,000 in all).
        """
        transaction = self._faucet.pay(addresses.script_of(self._network, address), units)
        self._node.accept(transaction)
        self._node.mine_block([transaction])
        return transaction.txid

    def deploy_token(self, *, symbol: str, decimals: int, supply_to: str, supply: int) -> str:
        """Bitcoin has no tokens here: Unsupported."""
        raise Unsupported(f"{self._network.title} has no tokens")

    def fund_token(self, reference: str, address: str, units: int) -> str:
        """Bitcoin has no tokens here: Unsupported."""
        raise Unsupported(f"{self._network.title} has no tokens")

    def mine(self, blocks: int = 1) -> None:
        """Make blocks; the first takes what waits in the mempool."""
        self._node.mine(blocks)

    def reorg(self, depth: int = 1) -> None:
        """Replace the last blocks by a branch one longer, without their transactions, which wait again.

        Transactions that spend a reward of a replaced block are forgotten. Raises InputError for more
        blocks than there are.
        """
        self._node.reorganise(depth)

    def drop(self, txid: str) -> bool:
        """Forget a waiting transaction and those that spend its outputs; whether there was one."""
        return bool(self._node.mempool.remove(txid.lower()))

    def advance(self, seconds: float) -> None:
        """Move the chain's clock on and, with automine, make a block.

        A block's time is never more than two hours ahead of the machine's clock: consensus forbids it.
        """
        self._node.advance(seconds)
        if self._automine and seconds > 0:
            self._node.mine()

    def close(self) -> None:
        """Stop the engine and remove its data directory."""
        self._node.close()
