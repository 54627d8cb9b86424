"""The node: the engine, its index and its mempool in step, and a clock."""

from __future__ import annotations

from collections.abc import Sequence
from time import time as wall_clock
from typing import Final

from ...chain import Network
from ...chains.bitcoin.transaction import Transaction, TxOut
from ...chains.bitcoin.weights import DUST_RELAY_RATE
from ...errors import InputError, Rejected
from . import policy
from .blocks import Block, genesis_block, make_block
from .index import ChainIndex
from .kernel import Kernel
from .mempool import Entry, Mempool

__all__ = ["Node", "named_chain"]

_START: Final = 1_735_689_600
"""2025-01-01, the time of the devnet's first own block: the same chain comes out each time."""
_AHEAD: Final = 7000
"""How many seconds a block may be ahead of the machine's clock (the engine allows 7,200)."""
_MAX_BLOCK_WEIGHT: Final = 3_996_000
_SCRIPT_FAILED: Final = "script-verify-flag-failed ("
_FALSE: Final = "Script evaluated without error but finished with a false/empty top stack element"
_NOT_ZERO: Final = "Signature must be zero for failed CHECK(MULTI)SIG operation"


def named_chain(network: Network) -> str:
    """The name that Bitcoin Core gives a chain: ``main``, ``test``, ``testnet4``, ``signet`` or ``regtest``."""
    if not network.testnet:
        return "main"
    for name in ("regtest", "signet"):
        if network.name.endswith(name):
            return name
    return "testnet4" if network.name == "bitcoin-testnet4" else "test"


class Node:
    """One chain with its mempool. ``script`` is where the coins of blocks go unless another is named."""

    def __init__(self, network: Network, script: bytes) -> None:
        self.network = network
        self.started = int(wall_clock())
        self._script = script
        self._kernel = Kernel()
        genesis = genesis_block(self._kernel.genesis, str(network.params["genesis"]))
        self.index = ChainIndex(genesis)
        rate = network.params.get("dust_relay_rate", DUST_RELAY_RATE)
        self.mempool = Mempool(self.index, self._verify, int(rate))
        self.block_time = int(network.params.get("block_time", 600))
        self.clock = min(_START, self.started - 30 * 86_400)
        """The chain's own time: each block and :meth:`advance` move it, nothing else does."""
        self._extra_nonce = 0

    # -- transactions --------------------------------------------------------------------------------

    def accept(self, transaction: Transaction) -> Entry:
        """Take a transaction into the mempool, or raise Rejected."""
        return self.mempool.accept(transaction, self.clock)

    def transaction(self, txid: str) -> Transaction | None:
        """A transaction of the mempool or of the active chain."""
        entry = self.mempool.entries.get(txid)
        return self.index.transaction(txid) if entry is None else entry.transaction

    def output(self, outpoint: bytes) -> TxOut | None:
        """An output of any transaction that the node knows, spent or not."""
        transaction = self.transaction(outpoint[31::-1].hex())
        number = int.from_bytes(outpoint[32:], "little")
        if transaction is None or number >= len(transaction.outputs):
            return None
        return transaction.outputs[number]

    def _verify(self, transaction: Transaction, spent: Sequence[TxOut]) -> None:
        failed = self._kernel.verify(transaction, spent)
        if failed is not None:
            reason = self._reason(transaction)
            if reason == _FALSE and policy.has_signature(transaction, failed, spent[failed]):
                reason = _NOT_ZERO  # what policy says first, where a signature is there and wrong
            raise policy.script_failure(reason, policy.where(transaction, failed))

    def _reason(self, transaction: Transaction) -> str:
        """Core's words for why a script failed: only a refused block tells them, so one is tried."""
        waiting = self.mempool.ancestors(transaction)
        parents = [entry.transaction for entry in self.mempool if entry.txid in waiting]
        block = self._next_block(self._script, [*parents, transaction], 0)
        told = self._kernel.submit(block.serialize())
        self._kernel.check_tip(self.index.tip.hash)
        start = told.find(_SCRIPT_FAILED)
        if start < 0 or transaction.txid not in told:
            return _FALSE
        return told[start + len(_SCRIPT_FAILED) : told.index("), input ", start)]

    # -- blocks --------------------------------------------------------------------------------------

    def mine(self, count: int = 1, script: bytes | None = None) -> list[Block]:
        """Make blocks; the first ones take what waits in the mempool, in the order in which it came."""
        return [self.mine_block(self._waiting(), script) for _ in range(count)]

    def mine_block(self, transactions: Sequence[Transaction], script: bytes | None = None) -> Block:
        """Make one block with just these transactions of the mempool, parents before children."""
        fees = sum(self.mempool.entries[transaction.txid].fee for transaction in transactions)
        block = self._next_block(self._script if script is None else script, transactions, fees)
        self._kernel.submit(block.serialize())
        if transactions and self._kernel.tip != block.hash:
            for transaction in transactions:  # else each later block would be refused as well
                self.mempool.remove(transaction.txid)
        self._kernel.check_tip(block.hash)
        self._connect(block)
        return block

    def _waiting(self) -> list[Transaction]:
        chosen: list[Transaction] = []
        left_out: set[str] = set()
        room = _MAX_BLOCK_WEIGHT
        for entry in self.mempool:
            if entry.weight > room or left_out.intersection(self.mempool.parents(entry.transaction)):
                left_out.add(entry.txid)
            else:
                room -= entry.weight
                chosen.append(entry.transaction)
        return chosen

    def _next_block(self, script: bytes, transactions: Sequence[Transaction], fees: int) -> Block:
        return self._block_upon(self.index.blocks, script, transactions, fees)

    def _block_upon(
        self, chain: Sequence[Block], script: bytes, transactions: Sequence[Transaction], fees: int
    ) -> Block:
        previous = chain[-1]
        now = max(previous.median_time + 1, min(self.clock + self.block_time, int(wall_clock()) + _AHEAD))
        times = sorted([now, *(block.time for block in chain[-10:])])
        self._extra_nonce += 1
        return make_block(
            previous=previous,
            median_time=times[len(times) // 2],
            time=now,
            script=script,
            transactions=transactions,
            fees=fees,
            extra_nonce=self._extra_nonce,
        )

    def _connect(self, block: Block) -> None:
        self.index.connect(block)
        self.mempool.include(block.transactions[1:])
        self.clock = max(self.clock + self.block_time, block.time)

    def reorganise(self, depth: int) -> None:
        """Replace the last ``depth`` blocks by one more, empty ones; their transactions wait again.

        What no longer can be included, such as a spend of coins that are gone, is forgotten. Raises
        :class:`~multiwallet.errors.InputError` when there are not so many blocks.
        """
        if not 1 <= depth <= self.index.height:
            raise InputError(f"{depth} blocks cannot be replaced: there are {self.index.height}")
        branch = self.index.blocks[:-depth]
        for _ in range(depth + 1):
            block = self._block_upon(branch[-11:], self._script, (), 0)
            self._kernel.submit(block.serialize())
            branch.append(block)
            self.clock += self.block_time
        self._kernel.check_tip(branch[-1].hash)
        fork = self.index.height - depth
        replaced = [self.index.disconnect() for _ in range(depth)]
        returning = [item for block in reversed(replaced) for item in block.transactions[1:]]
        waiting = [entry.transaction for entry in self.mempool.clear()]
        for block in branch[fork + 1 :]:
            self.index.connect(block)
        for transaction in returning + waiting:
            self._take_back(transaction)

    def _take_back(self, transaction: Transaction) -> None:
        try:
            self.mempool.accept(transaction, self.clock, returning=True)
        except Rejected:
            return  # its coins are gone with the block that made them, or it waits for a time that is ahead again

    # -- the rest ------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Move the chain's clock on; blocks made later carry the later time."""
        self.clock += int(seconds)

    def close(self) -> None:
        """Stop the engine."""
        self._kernel.close()
