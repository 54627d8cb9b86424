"""The devnet's TRON blocks: who may join one, how they are made and undone, and which are solid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eth_keys.datatypes import PrivateKey

from ..chain import Network
from ..codec.protobuf import bytes_field, varint_field
from ..crypto.hashes import keccak256, sha256
from ..errors import Rejected
from .clock import Clock
from .evm_machine import Machine
from .tron_ledger import CONTRACT_RESULTS, Account, Books, Executed, Prices, check_signatures, refuse
from .tron_protocol import Transaction

__all__ = ["SLOT", "SOLID_DEPTH", "TronBlock", "TronChain"]

SLOT: Final = 3_000
"""Milliseconds between blocks."""
SOLID_DEPTH: Final = 19
"""How many blocks must follow until one is solid: two thirds of 27 producers have then built upon it."""
_DAY: Final = 86_400_000
_TAPOS_WINDOW: Final = 65_536
_MAX_SIZE: Final = 500 * 1024
_VERSION: Final = 32


@dataclass(frozen=True, slots=True)
class TronBlock:
    """A block and the accounts after it. ``timestamp`` is in milliseconds since 1970."""

    number: int
    timestamp: int
    id: bytes
    parent: bytes
    witness: bytes
    root: bytes
    signature: bytes
    executed: tuple[Executed, ...]
    accounts: Mapping[bytes, Account]

    @property
    def header(self) -> bytes:
        """The header's raw_data, whose hash is in the id."""
        return header_bytes(self.timestamp, self.root, self.parent, self.number, self.witness)


def header_bytes(timestamp: int, root: bytes, parent: bytes, number: int, witness: bytes) -> bytes:
    """``BlockHeader.raw`` in protobuf."""
    return b"".join(
        (
            varint_field(1, timestamp),
            bytes_field(2, root),
            bytes_field(3, parent),
            varint_field(7, number),
            bytes_field(9, witness),
            varint_field(10, _VERSION),
        )
    )


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over 32-byte hashes as java-tron makes it: an odd one goes up as it is; zeros for no leaves."""
    if not leaves:
        return bytes(32)
    level = list(leaves)
    while len(level) > 1:
        pairs = [level[n : n + 2] for n in range(0, len(level), 2)]
        level = [sha256(b"".join(pair)) if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]


@dataclass
class TronChain:
    """Blocks, and the transactions that wait for the next one."""

    network: Network
    prices: Prices
    clock: Clock
    rich: bytes
    """The 21-byte address that owns all coins at the start: the faucet's."""
    supply: int
    waiting: dict[bytes, Transaction] = field(default_factory=dict)
    blocks: list[TronBlock] = field(default_factory=list)
    places: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    _seen: tuple[tuple[bytes, int], Books] | None = None
    _changes: int = 0

    def __post_init__(self) -> None:
        genesis = bytes.fromhex(self.network.params["genesis"])
        now = int(self.clock.now() * 1000)
        self.witness_key = PrivateKey(keccak256(b"the block producer of the multiwallet devnet"))
        self.witness = b"\x41" + bytes(self.witness_key.public_key.to_canonical_address())
        # The CHAINID instruction answers the last four bytes of the first block's id.
        self.machine = Machine(
            int.from_bytes(genesis[-4:], "big"),
            {self.rich[1:]: (self.supply, b"")},
            timestamp=now // 1000,
            base_fee=0,
        )
        accounts = {self.rich: Account(now)}
        self.blocks.append(TronBlock(0, now, genesis, bytes(32), b"", b"", b"", (), accounts))
        self.produce()

    @property
    def head(self) -> TronBlock:
        """The newest block."""
        return self.blocks[-1]

    @property
    def solid(self) -> TronBlock:
        """The newest block that cannot be undone any more."""
        return self.blocks[max(0, len(self.blocks) - 1 - SOLID_DEPTH)]

    def books(self, block: TronBlock) -> Books:
        """The accounts after a block."""
        state = self.machine.state(self.machine.blocks[block.number])
        return Books(self.machine, state, block.accounts, self.prices, block.timestamp)

    def present(self) -> Books:
        """The accounts as they will be when what waits is included."""
        key = (self.head.id, self._changes)
        if self._seen is None or self._seen[0] != key:
            books = Books(
                self.machine,
                self.machine.scratch(self.head.timestamp // 1000),
                self.head.accounts,
                self.prices,
                self._next_time(),
            )
            self._include(books)
            self._seen = (key, books)
        return self._seen[1]

    def _include(self, books: Books) -> list[Executed]:
        """Apply what waits and can be applied, in the order it came; the rest is forgotten as java-tron does."""
        done = []
        for txid, transaction in list(self.waiting.items()):
            try:
                self._check_time(transaction)
                done.append(books.apply(transaction))
            except Rejected:
                del self.waiting[txid]
        return done

    def _next_time(self) -> int:
        return max(self.head.timestamp + 1, int(self.clock.now() * 1000))

    # -- what comes in -----------------------------------------------------------------------------

    def _check_time(self, transaction: Transaction) -> None:
        """Raise Rejected for a reference to an unknown block, and for an expiration passed or too far."""
        reference = transaction.head.get("ref_block_bytes", b""), transaction.head.get("ref_block_hash", b"")
        low = int.from_bytes(reference[0], "big") if len(reference[0]) == 2 else -1
        number = self.head.number - (self.head.number - low) % _TAPOS_WINDOW if low >= 0 else -1
        if number < 0 or self.blocks[number].id[8:16] != reference[1]:
            raise refuse("TAPOS_ERROR", "Tapos check error.")
        expiration = transaction.head.get("expiration", 0)
        if not self.head.timestamp < expiration <= self.head.timestamp + _DAY:
            raise refuse("TRANSACTION_EXPIRATION_ERROR", "Transaction expired")

    def add(self, transaction: Transaction) -> bytes:
        """Take a transaction in; its id. Raises Rejected with java-tron's code and words."""
        txid = transaction.txid
        self._check_time(transaction)  # java-tron's order: what was included is refused as too late when it has expired
        if txid in self.waiting or txid in self.places:
            raise refuse("DUP_TRANSACTION_ERROR", "Dup transaction.")
        check_signatures(transaction)
        if len(transaction.encode()) > _MAX_SIZE:
            raise refuse("TOO_BIG_TRANSACTION_ERROR", "Transaction size is too big.")
        present = self.present()
        present.now = self._next_time()
        present.apply(transaction)
        self.waiting[txid] = transaction
        return txid

    def forget(self, txid: bytes) -> bool:
        """Forget a waiting transaction; whether there was one."""
        self._changes += 1
        return self.waiting.pop(txid, None) is not None

    # -- blocks ------------------------------------------------------------------------------------

    def produce(self, timestamp: int | None = None, *, only: bytes | None = None, empty: bool = False) -> TronBlock:
        """Make a block of what waits, of one owner's only, or of nothing. ``timestamp`` is in milliseconds."""
        aside = {} if only is None and not empty else dict(self.waiting)
        if empty:
            self.waiting = {}
        elif only is not None:
            self.waiting = {txid: item for txid, item in self.waiting.items() if item.owner == only}
        parent = self.head
        time = self._next_time() if timestamp is None else max(timestamp, parent.timestamp + 1)
        done: list[Executed] = []
        accounts = parent.accounts

        def work(state: Any) -> None:
            nonlocal done, accounts
            books = Books(self.machine, state, parent.accounts, self.prices, time)
            done = self._include(books)
            accounts = books.accounts

        if self.waiting:
            self.machine.produce_by(work, time // 1000)
        else:
            self.machine.produce_by(lambda state: None, time // 1000)
        block = self._seal(parent, time, tuple(done), accounts)
        self.blocks.append(block)
        self.places.update({item.transaction.txid: (block.number, n) for n, item in enumerate(done)})
        self.waiting = {txid: item for txid, item in aside.items() if txid not in self.places}
        self._changes += 1
        return block

    def _seal(
        self, parent: TronBlock, time: int, done: tuple[Executed, ...], accounts: Mapping[bytes, Account]
    ) -> TronBlock:
        number = parent.number + 1
        root = merkle_root([sha256(item.transaction.encode(CONTRACT_RESULTS[item.result])) for item in done])
        header = header_bytes(time, root, parent.id, number, self.witness)
        digest = sha256(header)
        signature = self.witness_key.sign_msg_hash(digest).to_bytes()
        identity = number.to_bytes(8, "big") + digest[8:]
        return TronBlock(number, time, identity, parent.id, self.witness, root, bytes(signature), done, accounts)

    def rewind(self, depth: int) -> None:
        """Take blocks off the chain; their transactions wait again."""
        gone = self.blocks[-depth:]
        del self.blocks[-depth:]
        self.machine.rewind(depth)
        back: dict[bytes, Transaction] = {}
        for block in gone:
            for item in block.executed:
                txid = item.transaction.txid
                del self.places[txid]
                back[txid] = item.transaction
        self.waiting = {**back, **self.waiting}
        self._changes += 1
