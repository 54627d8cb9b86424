"""What the chain holds: blocks by height and hash, transactions, unspent outputs, and the history of each script."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ...chains.bitcoin.transaction import Transaction, TxOut
from ...crypto.hashes import sha256
from .blocks import Block, is_coinbase

__all__ = ["ChainIndex", "Coin", "Place", "Spender"]


class Coin(NamedTuple):
    """An unspent output of the chain, with the height of its block."""

    output: TxOut
    height: int
    coinbase: bool


class Place(NamedTuple):
    """Where in the chain a transaction is."""

    block: Block
    position: int


class Spender(NamedTuple):
    """The input that spends an output."""

    txid: str
    number: int


@dataclass(slots=True)
class _Undo:
    """What connecting a block took away: the coins that it spent, by outpoint."""

    coins: dict[bytes, Coin] = field(default_factory=dict)


class ChainIndex:
    """The active chain, indexed; blocks that a reorganisation left behind are still found by their hash.

    Outpoints are the 36 bytes that stand in a transaction, txids are text as shown.
    """

    def __init__(self, genesis: Block) -> None:
        self.blocks: list[Block] = [genesis]
        self.by_name: dict[str, Block] = {genesis.name: genesis}
        self.coins: dict[bytes, Coin] = {}
        self.coins_of: dict[bytes, dict[bytes, None]] = {}
        self.places: dict[str, Place] = {}
        self.spenders: dict[bytes, Spender] = {}
        self.history: dict[bytes, dict[str, None]] = {}
        """For each script the txids that pay or spend it, oldest first."""
        self.script_of_hash: dict[str, bytes] = {}
        """Every script ever seen in a block, by its SHA-256 in hex."""
        self.size = 0
        """The bytes of all blocks ever connected, those left behind included, as they lie on a disk."""
        self._undo: list[_Undo] = [_Undo()]

    @property
    def tip(self) -> Block:
        """The last block."""
        return self.blocks[-1]

    @property
    def height(self) -> int:
        """The height of the last block."""
        return len(self.blocks) - 1

    def confirmations(self, block: Block) -> int:
        """How deep a block is, 1 for the tip; -1 for one that is not of the active chain."""
        return len(self.blocks) - block.height if self.is_active(block) else -1

    def is_active(self, block: Block) -> bool:
        """Whether a block is of the active chain."""
        return block.height < len(self.blocks) and self.blocks[block.height] is block

    def next_of(self, block: Block) -> Block | None:
        """The block upon an active one."""
        following = block.height + 1
        return self.blocks[following] if self.is_active(block) and following < len(self.blocks) else None

    def transaction(self, txid: str) -> Transaction | None:
        """A transaction of the active chain."""
        place = self.places.get(txid)
        return None if place is None else place.block.transactions[place.position]

    def connect(self, block: Block) -> None:
        """Put a block upon the tip."""
        undo = _Undo()
        for position, transaction in enumerate(block.transactions):
            txid = transaction.txid
            coinbase = is_coinbase(transaction)
            touched: dict[bytes, None] = {}
            if not coinbase:
                for number, txin in enumerate(transaction.inputs):
                    coin = self.coins.pop(txin.prevout)
                    undo.coins[txin.prevout] = coin
                    self._forget_coin(coin.output.script, txin.prevout)
                    self.spenders[txin.prevout] = Spender(txid, number)
                    touched[coin.output.script] = None
            for number, output in enumerate(transaction.outputs):
                touched[output.script] = None
                if output.script[:1] != b"\x6a":
                    outpoint = transaction.txid_bytes + number.to_bytes(4, "little")
                    self.coins[outpoint] = Coin(output, block.height, coinbase)
                    self.coins_of.setdefault(output.script, {})[outpoint] = None
            for script in touched:
                self.history.setdefault(script, {})[txid] = None
                self.script_of_hash.setdefault(sha256(script).hex(), script)
            self.places[txid] = Place(block, position)
        self.blocks.append(block)
        self.by_name[block.name] = block
        self.size += len(block.serialize()) + 8
        self._undo.append(undo)

    def disconnect(self) -> Block:
        """Take the tip away and return it."""
        block, undo = self.blocks.pop(), self._undo.pop()
        for transaction in reversed(block.transactions):
            txid = transaction.txid
            scripts = {output.script for output in transaction.outputs}
            for number, output in enumerate(transaction.outputs):
                outpoint = transaction.txid_bytes + number.to_bytes(4, "little")
                # An output spent in the same block is there again by now: its spender was undone before.
                if self.coins.pop(outpoint, None) is not None:
                    self._forget_coin(output.script, outpoint)
            if not is_coinbase(transaction):
                for txin in transaction.inputs:
                    coin = undo.coins[txin.prevout]
                    self.coins[txin.prevout] = coin
                    self.coins_of.setdefault(coin.output.script, {})[txin.prevout] = None
                    del self.spenders[txin.prevout]
                    scripts.add(coin.output.script)
            for script in scripts:
                known = self.history[script]
                known.pop(txid, None)
                if not known:
                    del self.history[script]
            del self.places[txid]
        return block

    def _forget_coin(self, script: bytes, outpoint: bytes) -> None:
        coins = self.coins_of[script]
        del coins[outpoint]
        if not coins:
            del self.coins_of[script]
