"""The Solana devnet's chain: slots, blocks, block hashes and what landed, around the virtual machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from solders.account import Account
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from ..errors import InputError
from .clock import Clock
from .solana_machine import Execution, Loaded, Machine

__all__ = ["FINAL_AFTER", "HASH_LIFE", "Block", "Landed", "Ledger"]

SLOT_SECONDS: Final = 0.4
HASH_LIFE: Final = 150
FINAL_AFTER: Final = 32
_MOST_BLOCKS: Final = 512  # that passing time makes in one step; beyond it only the slots move
_TOKEN_PROGRAMS: Final = tuple(
    map(
        Pubkey.from_string,
        ("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"),
    )
)


@dataclass(frozen=True, slots=True)
class Landed:
    """A transaction in a block, with what came of it."""

    signature: str
    transaction: VersionedTransaction
    execution: Execution
    loaded: Loaded
    slot: int
    time: int
    before: tuple[list[int], list[tuple[int, Account, Account]]]
    after: tuple[list[int], list[tuple[int, Account, Account]]]


@dataclass(slots=True)
class Block:
    """One block. ``hashes`` are those it gave out, the last of them its own; ``steps`` is what happened in order."""

    slot: int
    height: int
    parent: int
    time: int
    fork: int
    hashes: list[Hash] = field(default_factory=list)
    steps: list[Landed | tuple[Pubkey, Account]] = field(default_factory=list)

    @property
    def landed(self) -> list[Landed]:
        """Its transactions."""
        return [step for step in self.steps if isinstance(step, Landed)]


class Ledger:
    """The chain of one network.

    A block stays open until time passes or the next is mined. Each transaction gives out a new hash, so that the
    same transfer made twice in one block is two transactions; all hashes of a block live for 150 blocks after it.
    Slots follow the clock; those in which nothing happened are skipped, and make no block.
    """

    def __init__(self, genesis: str, accounts: Mapping[Pubkey, Account]) -> None:
        self._genesis = genesis.encode()
        self.clock = Clock()
        self._fork = self._forks = 0
        self._start = self.clock.now() - (FINAL_AFTER + 1) * SLOT_SECONDS
        self.blocks: list[Block] = []
        self.open = Block(0, 0, 0, int(self._start), 0)
        self._clear()
        for key, account in accounts.items():
            self.machine.place(key, account)
            self.open.steps.append((key, account))
        for _ in range(FINAL_AFTER + 1):
            self.close_block()

    def _clear(self) -> None:
        self.machine = Machine(int(self._start))
        self.records: dict[str, Landed] = {}
        self.touched: dict[Pubkey, list[str]] = {}
        self.token_accounts: dict[Pubkey, dict[Pubkey, None]] = {}
        self._heights: dict[Hash, int] = {}

    # -- time and blocks ---------------------------------------------------------------------------

    @property
    def slot(self) -> int:
        """The slot of now."""
        # The hair more lets 32 steps of 0.4 seconds be 32 slots, whatever floating point makes of them.
        return max(self.open.slot, int((self.clock.now() - self._start) / SLOT_SECONDS + 1e-5))

    @property
    def last_hash(self) -> Hash:
        """The newest block hash."""
        return self.open.hashes[-1] if self.open.hashes else self.blocks[-1].hashes[-1]

    def final_block(self) -> Block:
        """The newest block that cannot be undone any more."""
        limit = self.slot - FINAL_AFTER
        return next((block for block in reversed(self.blocks) if block.slot <= limit), self.blocks[0])

    def is_final(self, slot: int) -> bool:
        """Whether that slot is rooted."""
        return slot <= self.slot - FINAL_AFTER

    def is_recent(self, blockhash: Hash) -> bool:
        """Whether a block hash still serves."""
        given = self._heights.get(blockhash)
        return given is not None and self.open.height <= given + HASH_LIFE

    def height_of(self, blockhash: Hash) -> int | None:
        """The height at which a hash was given out."""
        return self._heights.get(blockhash)

    def _give_hash(self) -> None:
        seed = self.machine.stir()
        fresh = Hash.from_bytes(sha256(self._genesis + self._fork.to_bytes(4, "big") + seed).digest())
        self.open.hashes.append(fresh)
        self._heights[fresh] = self.open.height

    def close_block(self) -> None:
        """End the open block, and open the next in the slot that follows."""
        done = self.open
        if not done.hashes:
            self._give_hash()
        self.machine.end_slot(done.slot, done.hashes[-1])
        self.blocks.append(done)
        time = int(self._start + (done.slot + 1) * SLOT_SECONDS)
        self._begin(Block(done.slot + 1, done.height + 1, done.slot, max(time, done.time), self._fork))

    def catch_up(self) -> None:
        """Move on to the slot of now; a block with transactions that was open is closed first."""
        slot = self.slot
        if slot == self.open.slot:
            return
        if self.open.steps:
            self.close_block()
        self.open.slot = slot
        self.open.time = max(self.open.time, int(self._start + slot * SLOT_SECONDS))
        self.machine.move(slot, self.open.time)

    def mine(self) -> None:
        """Close the open block; a slot's time passes."""
        self.catch_up()
        self.clock.skip(SLOT_SECONDS)
        self.close_block()

    def advance(self, seconds: float) -> None:
        """Let time pass: a block for each slot, at most 512, with the slots before those skipped."""
        self.catch_up()
        self.clock.skip(seconds)
        target = self.slot
        if target > self.open.slot + _MOST_BLOCKS:
            if self.open.steps:
                self.close_block()
            # Block heights pass as well, or a hash would outlive its time.
            self.open.height += target - _MOST_BLOCKS - self.open.slot
            self.open.slot = target - _MOST_BLOCKS
            self.open.time = int(self._start + self.open.slot * SLOT_SECONDS)
            self.machine.move(self.open.slot, self.open.time)
        while self.open.slot < target:
            self.close_block()

    # -- transactions ------------------------------------------------------------------------------

    def run(self, transaction: VersionedTransaction) -> Execution:
        """Run a transaction in the open block and record it if it landed."""
        self.catch_up()
        signature = str(transaction.signatures[0])
        if signature in self.records:
            return Execution("AlreadyProcessed", False, 0, 0, [], [], None)
        loaded = self.machine.load(transaction)
        keys = loaded.keys
        before = self._holdings(keys)
        execution = self.machine.execute(transaction, recent=self.is_recent(transaction.message.recent_blockhash))
        if execution.landed:
            block = self.open
            after = self._holdings(keys)
            landed = Landed(signature, transaction, execution, loaded, block.slot, block.time, before, after)
            block.steps.append(landed)
            self._record(landed)
        return execution

    def _record(self, landed: Landed) -> None:
        self.records[landed.signature] = landed
        for key in dict.fromkeys(landed.loaded.keys):
            self.touched.setdefault(key, []).append(landed.signature)
        for key in landed.loaded.keys:
            self._note_token_account(key)
        self._give_hash()

    def place(self, key: Pubkey, account: Account) -> None:
        """Put an account there, past all programs, in the open block."""
        self.catch_up()
        self.machine.place(key, account)
        self.open.steps.append((key, account))

    def _note_token_account(self, key: Pubkey) -> None:
        """Remember who owns a token account: the machine finds accounts by their own address only."""
        account = self.machine.account(key)
        if account is not None and account.owner in _TOKEN_PROGRAMS and len(account.data) >= 165:
            self.token_accounts.setdefault(Pubkey.from_bytes(bytes(account.data[32:64])), {})[key] = None

    def _holdings(self, keys: list[Pubkey]) -> tuple[list[int], list[tuple[int, Account, Account]]]:
        """The lamports of each account; of each token account its position, itself and its mint."""
        lamports, tokens = [], []
        for position, key in enumerate(keys):
            account = self.machine.account(key)
            lamports.append(0 if account is None else account.lamports)
            if account is not None and account.owner in _TOKEN_PROGRAMS and len(account.data) >= 165:
                mint = self.machine.account(Pubkey.from_bytes(bytes(account.data[:32])))
                if mint is not None and len(mint.data) >= 82:
                    tokens.append((position, account, mint))
        return lamports, tokens

    # -- another history ---------------------------------------------------------------------------

    def reorg(self, depth: int) -> None:
        """Replace the last blocks by empty ones. An open block with transactions is the last; an empty one is none.

        The machine cannot go back, so all that is kept is run once more on a new one.
        """
        self.catch_up()
        chain = [*self.blocks, self.open] if self.open.steps else self.blocks
        most = len(chain) - FINAL_AFTER - 1
        if not 1 <= depth <= most:
            raise InputError(f"there are {most} blocks since the start of this devnet: reorganise from 1 to that many")
        kept, dropped = chain[:-depth], chain[-depth:]
        fork = self._forks = self._forks + 1
        self._clear()
        self.blocks = []
        for old in kept:
            self._replay(old)
        self._fork = fork  # other hashes from here on
        for old in dropped:
            self._begin(Block(old.slot, old.height, old.parent, old.time, fork))
            self.close_block()

    def _replay(self, old: Block) -> None:
        self._fork = old.fork
        self._begin(Block(old.slot, old.height, old.parent, old.time, old.fork))
        for step in old.steps:
            self.open.steps.append(step)
            if isinstance(step, Landed):
                recent = self.is_recent(step.transaction.message.recent_blockhash)
                self.machine.execute(step.transaction, recent=recent, verify=False)
                self._record(step)
            else:
                self.machine.place(*step)
        self.close_block()

    def _begin(self, block: Block) -> None:
        self.open = block
        self.machine.move(block.slot, block.time)
