"""LiteSVM, the real Solana virtual machine, kept in step with a chain: its hashes, its clock, its nonces."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from solders.account import Account
from solders.address_lookup_table_account import AddressLookupTable
from solders.epoch_schedule import EpochSchedule
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, SimulatedTransactionInfo

__all__ = ["SLOTS_PER_EPOCH", "Execution", "Loaded", "Machine", "SimulatedExecution", "writable_keys"]

SLOTS_PER_EPOCH: Final = 432_000
_SLOT_HASHES: Final = 512
_SYSTEM: Final = Pubkey.default()
_NONCE_SIZE: Final = 80


@dataclass(frozen=True, slots=True)
class Loaded:
    """The accounts of a transaction: its own keys, then those that lookup tables give."""

    static: list[Pubkey]
    writable: list[Pubkey] = field(default_factory=list)
    readonly: list[Pubkey] = field(default_factory=list)

    @property
    def keys(self) -> list[Pubkey]:
        """All of them, in the order in which instructions count."""
        return [*self.static, *self.writable, *self.readonly]


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of running a transaction. ``error`` is in the form of JSON-RPC, None for success."""

    error: Any
    landed: bool
    fee: int
    units: int
    logs: list[str]
    inner: list[dict[str, Any]]
    returned: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class SimulatedExecution:
    """A trial run, and the accounts as it would leave them."""

    execution: Execution
    accounts: dict[Pubkey, Account]


def writable_keys(message: Message | MessageV0) -> list[Pubkey]:
    """Which of its own keys a message may write to, by its header."""
    keys, header = list(message.account_keys), message.header
    signers = header.num_required_signatures
    signed = signers - header.num_readonly_signed_accounts
    return [*keys[:signed], *keys[signers : len(keys) - header.num_readonly_unsigned_accounts]]


class Machine:
    """One SVM.

    LiteSVM knows no blocks: it takes one block hash at a time. So whether a hash is recent is decided outside, and
    the machine is asked to look at it itself only where it is none of the chain's: then it has to be a durable nonce.
    """

    def __init__(self, time: int) -> None:
        self._svm = LiteSVM().with_transaction_history(0)
        self._svm.set_epoch_schedule(EpochSchedule.without_warmup())
        self._slot_hashes: deque[tuple[int, Hash]] = deque(maxlen=_SLOT_HASHES)
        self._place = (0, time)
        self._stale = True

    # -- the chain around it -----------------------------------------------------------------------

    def move(self, slot: int, time: int) -> None:
        """Set the slot and the second since 1970 in which transactions run."""
        self._place = (slot, time)
        self._stale = True

    def end_slot(self, slot: int, blockhash: Hash) -> None:
        """Remember the hash of a slot that is over, for programs that ask."""
        self._slot_hashes.appendleft((slot, blockhash))
        self._stale = True

    def stir(self) -> bytes:
        """Change the machine's own block hash, which nonces are made from; its 32 bytes."""
        self._svm.expire_blockhash()
        return bytes(self._svm.latest_blockhash())

    def _refresh(self) -> None:
        if not self._stale:
            return
        slot, time = self._place
        clock = self._svm.get_clock()
        clock.slot, clock.unix_timestamp = slot, time
        clock.epoch = slot // SLOTS_PER_EPOCH
        clock.leader_schedule_epoch = clock.epoch + 1
        self._svm.set_clock(clock)
        self._svm.set_slot_hashes(list(self._slot_hashes))
        self._stale = False

    # -- accounts ----------------------------------------------------------------------------------

    def account(self, key: Pubkey) -> Account | None:
        """An account, None where there is none: one without lamports is none."""
        found: Account | None = self._svm.get_account(key)
        return found if found is not None and found.lamports else None

    def balance(self, key: Pubkey) -> int:
        """The lamports of an account."""
        return self._svm.get_balance(key) or 0

    def place(self, key: Pubkey, account: Account) -> None:
        """Put an account there, past all programs."""
        self._svm.set_account(key, account)

    def rent(self, size: int) -> int:
        """The lamports with which an account of so many bytes lives for ever."""
        lamports: int = self._svm.minimum_balance_for_rent_exemption(size)
        return lamports

    # -- transactions ------------------------------------------------------------------------------

    def load(self, transaction: VersionedTransaction) -> Loaded:
        """The accounts of a transaction. A lookup table that is missing or too short leaves its accounts out."""
        message = transaction.message
        loaded = Loaded(list(message.account_keys))
        if isinstance(message, MessageV0):
            for lookup in message.address_table_lookups:
                table = self.account(lookup.account_key)
                try:
                    addresses = AddressLookupTable.deserialize(bytes(table.data)).addresses if table else []
                except ValueError:
                    addresses = []
                for indexes, into in (
                    (lookup.writable_indexes, loaded.writable),
                    (lookup.readonly_indexes, loaded.readonly),
                ):
                    into.extend(addresses[index] for index in bytes(indexes) if index < len(addresses))
        return loaded

    def execute(self, transaction: VersionedTransaction, *, recent: bool, verify: bool = True) -> Execution:
        """Run a transaction. ``recent`` says that its block hash is one of the chain's.

        It has landed if it succeeded, or if it failed after its fee was taken.
        """
        self._refresh()
        self._svm.with_sigverify(verify)
        self._svm.with_blockhash_check(not recent)
        payer = transaction.message.account_keys[0]
        before = self.balance(payer)
        result = self._svm.send_transaction(transaction)
        failed = isinstance(result, FailedTransactionMetadata)
        landed = not failed or self.balance(payer) < before
        if failed and landed and not recent:
            self._use_up_nonce(transaction)
        return _read(result, landed=landed)

    def simulate(self, transaction: VersionedTransaction, *, recent: bool, verify: bool) -> SimulatedExecution:
        """Try a transaction; nothing changes."""
        self._refresh()
        self._svm.with_sigverify(verify)
        self._svm.with_blockhash_check(not recent)
        result = self._svm.simulate_transaction(transaction)
        accounts = dict(result.post_accounts()) if isinstance(result, SimulatedTransactionInfo) else {}
        return SimulatedExecution(_read(result, landed=False), accounts)

    def _use_up_nonce(self, transaction: VersionedTransaction) -> None:
        """A failed transaction uses its nonce up as well: LiteSVM takes that back with all else."""
        call = transaction.message.instructions[0]
        key = transaction.message.account_keys[bytes(call.accounts)[0]]
        account = self.account(key)
        if account is None or account.owner != _SYSTEM or len(account.data) != _NONCE_SIZE:
            return
        fresh = sha256(b"DURABLE_NONCE" + bytes(self._svm.latest_blockhash())).digest()
        data = bytes(account.data)
        content = data[:40] + fresh + data[72:]
        self.place(key, Account(account.lamports, content, account.owner, account.executable, account.rent_epoch))


def _read(result: Any, *, landed: bool) -> Execution:
    failed = isinstance(result, FailedTransactionMetadata)
    meta = result.meta() if isinstance(result, FailedTransactionMetadata | SimulatedTransactionInfo) else result
    returned = meta.return_data()
    return Execution(
        error=json.loads(result.to_json())["err"] if failed else None,
        landed=landed,
        fee=meta.fee(),
        units=meta.compute_units_consumed(),
        logs=list(meta.logs()),
        inner=_inner(meta.inner_instructions()),
        returned=None if not returned.data else {"program": returned.program_id, "data": bytes(returned.data)},
    )


def _inner(groups: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    found = []
    for index, group in enumerate(groups):
        calls = [(entry.instruction(), entry.stack_height()) for entry in group]
        if calls:
            found.append({"index": index, "calls": calls})
    return found
