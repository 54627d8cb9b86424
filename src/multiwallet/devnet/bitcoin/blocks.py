"""Blocks: how they are put together and how they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...chains.bitcoin.transaction import FINAL_SEQUENCE, Transaction, TxIn, TxOut, compact_size
from ...crypto.hashes import sha256d

__all__ = [
    "BITS",
    "COINBASE_PREVOUT",
    "TARGET",
    "Block",
    "genesis_block",
    "is_coinbase",
    "make_block",
    "merkle_branch",
    "subsidy",
]

BITS: Final = 0x207FFFFF
"""The compact target of every regtest block."""
TARGET: Final = 0x7FFFFF << 232
COINBASE_PREVOUT: Final = bytes(32) + b"\xff" * 4
_VERSION: Final = 0x20000000
_HALVING: Final = 150
_RESERVED: Final = bytes(32)  # the witness reserved value (BIP-141)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A block: its 80-byte ``header``, ``height`` and transactions. ``hash`` and ``previous`` are 32 raw bytes.

    ``name`` is the hash as it is shown. For the first block it is the network's own genesis hash.
    """

    header: bytes
    height: int
    transactions: tuple[Transaction, ...]
    hash: bytes
    name: str
    previous_name: str
    median_time: int
    """The median of the times of the eleven blocks that end with this one (BIP-113)."""

    @property
    def time(self) -> int:
        """The header's time, in seconds since 1970."""
        return int.from_bytes(self.header[68:72], "little")

    @property
    def version(self) -> int:
        """The header's version."""
        return int.from_bytes(self.header[:4], "little")

    @property
    def nonce(self) -> int:
        """The header's nonce."""
        return int.from_bytes(self.header[76:80], "little")

    @property
    def merkle_root(self) -> str:
        """The Merkle root of the txids, as it is shown."""
        return self.header[67:35:-1].hex()

    def serialize(self, witness: bool = True) -> bytes:
        """The bytes of the whole block."""
        parts = [self.header, compact_size(len(self.transactions))]
        parts += [transaction.serialize(witness) for transaction in self.transactions]
        return b"".join(parts)


def is_coinbase(transaction: Transaction) -> bool:
    """Whether this is the transaction that creates a block's coins."""
    return len(transaction.inputs) == 1 and transaction.inputs[0].prevout == COINBASE_PREVOUT


def subsidy(height: int) -> int:
    """The new coins of a regtest block: 50 BTC, halved every 150 blocks.

    >>> subsidy(149), subsidy(150)
    (5000000000, 2500000000)
    """
    return 5_000_000_000 >> min(height // _HALVING, 63)


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle root of 32-byte hashes, the last one doubled in rows of odd length."""
    row = list(leaves)
    while len(row) > 1:
        if len(row) % 2:
            row.append(row[-1])
        row = [sha256d(row[at] + row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def merkle_branch(leaves: Sequence[bytes], position: int) -> list[bytes]:
    """The hashes beside the way from a leaf to the root, from the bottom up."""
    row, branch = list(leaves), []
    while len(row) > 1:
        if len(row) % 2:
            row.append(row[-1])
        branch.append(row[position ^ 1])
        row = [sha256d(row[at] + row[at + 1]) for at in range(0, len(row), 2)]
        position //= 2
    return branch


def _height_push(height: int) -> bytes:
    """The height as a script pushes it (BIP-34)."""
    if height <= 16:
        return bytes((0x50 + height,))
    number = height.to_bytes((height.bit_length() + 8) // 8, "little")  # one bit more: the sign
    return bytes((len(number),)) + number


def make_block(
    *, previous: Block, median_time: int, time: int, script: bytes, transactions: Sequence[Transaction], fees: int,
    extra_nonce: int,
) -> Block:  # fmt: skip
    """Make a block upon ``previous`` with proof of work; its coins go to ``script``.

    ``extra_nonce`` tells coinbases apart that would otherwise be the same transaction. ``median_time`` is
    that of the new block.
    """
    height = previous.height + 1
    commitment = sha256d(merkle_root([bytes(32)] + [sha256d(item.serialize()) for item in transactions]) + _RESERVED)
    coinbase = Transaction(
        2,
        [TxIn(COINBASE_PREVOUT, _height_push(height) + b"\x04" + extra_nonce.to_bytes(4, "little"), FINAL_SEQUENCE,
              (_RESERVED,))],
        [TxOut(subsidy(height) + fees, script), TxOut(0, b"\x6a\x24\xaa\x21\xa9\xed" + commitment)],
    )  # fmt: skip
    every = (coinbase, *transactions)
    start = b"".join(
        (
            _VERSION.to_bytes(4, "little"),
            previous.hash,
            merkle_root([item.txid_bytes for item in every]),
            time.to_bytes(4, "little"),
            BITS.to_bytes(4, "little"),
        )
    )
    nonce = 0
    while True:
        header = start + nonce.to_bytes(4, "little")
        digest = sha256d(header)
        if int.from_bytes(digest, "little") <= TARGET:
            return Block(header, height, every, digest, digest[::-1].hex(), previous.name, median_time)
        nonce += 1


def genesis_block(raw: bytes, name: str) -> Block:
    """The first block, from its bytes, under the name of the network that is stood in for."""
    transaction = Transaction.parse(raw[81:])
    header = raw[:80]
    return Block(header, 0, (transaction,), sha256d(header), name, "", int.from_bytes(header[68:72], "little"))
