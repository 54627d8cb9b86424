"""py-evm, the Ethereum Virtual Machine in Python, as an engine needs it: blocks from transactions, and trial runs.

py-evm is used directly and not through eth-tester, whose chain id is fixed: here each chain has its own, so that the
CHAINID opcode and EIP-7702 authorisations see the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from eth._utils.address import generate_contract_address
from eth.chains.base import Chain
from eth.db import get_db_backend
from eth.vm.forks.prague import PragueVM
from eth.vm.message import Message
from eth_typing import Address
from eth_utils.exceptions import ValidationError

from ..crypto.hashes import keccak256

__all__ = ["GAS_LIMIT", "ZERO", "Block", "Call", "Included", "Machine", "Run", "floor_gas", "intrinsic_gas"]

GAS_LIMIT: Final = 30_000_000
"""The gas of a block."""
ZERO: Final = bytes(20)


@dataclass(frozen=True, slots=True)
class Included:
    """A transaction in a block, and what became of it."""

    transaction: Any
    position: int
    succeeded: bool
    gas_used: int
    cumulative_gas: int
    bloom: int
    logs: tuple[Any, ...]
    price: int
    """What one gas cost."""

    @property
    def contract(self) -> bytes | None:
        """The address of the contract that it created, if it was to create one."""
        if self.transaction.to:
            return None
        return bytes(generate_contract_address(self.transaction.sender, self.transaction.nonce))


@dataclass(frozen=True, slots=True)
class Block:
    """A block: py-evm's own, and its transactions with their outcomes."""

    body: Any
    included: tuple[Included, ...] = ()

    @property
    def header(self) -> Any:
        return self.body.header

    @property
    def number(self) -> int:
        number: int = self.body.header.block_number
        return number

    @property
    def hash(self) -> bytes:
        return bytes(self.body.header.hash)


@dataclass(frozen=True, slots=True)
class Call:
    """A message to run without a transaction. ``to`` None creates a contract; ``price`` is what GASPRICE tells."""

    sender: bytes = ZERO
    to: bytes | None = None
    gas: int = GAS_LIMIT
    value: int = 0
    data: bytes = b""
    price: int = 0
    access_list: tuple[tuple[bytes, tuple[int, ...]], ...] = field(default=())
    create_at: bytes | None = None
    """Where a created contract goes, if not where Ethereum puts it."""


@dataclass(frozen=True, slots=True)
class Run:
    """The outcome of a run: what it returned, and the gas used, with and without the refund."""

    output: bytes
    error: str
    reverted: bool
    gas_used: int
    gas_before_refund: int
    logs: tuple[tuple[bytes, tuple[int, ...], bytes], ...] = ()

    @property
    def succeeded(self) -> bool:
        return not self.error


def intrinsic_gas(data: bytes, creates: bool, access_list: Sequence[tuple[Any, Sequence[Any]]] = ()) -> int:
    """The gas that a transaction costs before anything runs (EIP-2028, EIP-2930, EIP-3860).

    >>> intrinsic_gas(b"", False), intrinsic_gas(b"\\x00\\x01", False)
    (21000, 21020)
    """
    zeros = data.count(0)
    gas = 21_000 + 4 * zeros + 16 * (len(data) - zeros)
    if creates:
        gas += 32_000 + 2 * ((len(data) + 31) // 32)
    return gas + sum(2_400 + 1_900 * len(keys) for _, keys in access_list)


def floor_gas(data: bytes) -> int:
    """The least gas that a transaction with this data uses (EIP-7623)."""
    zeros = data.count(0)
    return 21_000 + 10 * (zeros + 4 * (len(data) - zeros))


class Machine:
    """A chain of blocks on py-evm with Prague's rules, wholly in memory.

    ``accounts`` maps 20-byte addresses to a balance and code. Only the canonical chain is kept in ``blocks``;
    :meth:`rewind` takes blocks off its end.
    """

    def __init__(
        self, chain_id: int, accounts: Mapping[bytes, tuple[int, bytes]], *, timestamp: int, base_fee: int
    ) -> None:
        # A class of its own, because py-evm takes the chain id from the class.
        kind = type("DevnetChain", (Chain,), {"chain_id": chain_id, "vm_configuration": ((0, PragueVM),)})
        state: dict[bytes, dict[str, Any]] = {
            address: {"balance": balance, "nonce": 1 if code else 0, "code": code, "storage": {}}
            for address, (balance, code) in accounts.items()
        }
        genesis = {"timestamp": timestamp, "gas_limit": GAS_LIMIT, "difficulty": 0, "base_fee_per_gas": base_fee}
        self._chain: Any = kind.from_genesis(get_db_backend(), genesis, state)  # type: ignore[attr-defined]  # made above
        self._salt = 0
        self.chain_id = chain_id
        self.blocks = [Block(self._chain.get_block_by_header(self._chain.get_canonical_head()))]
        self.places: dict[bytes, tuple[int, int]] = {}
        """Where a transaction stands, by its hash: block number and position."""

    @property
    def head(self) -> Block:
        """The newest block."""
        return self.blocks[-1]

    def decode(self, raw: bytes) -> Any:
        """The transaction of its bytes; raises py-evm's and rlp's many errors for what is none."""
        return PragueVM.get_transaction_builder().decode(raw)

    def state(self, block: Block) -> Any:
        """The accounts after a block. What is done to them stays in memory and out of the chain."""
        return self._chain.get_vm(block.header).state

    # -- making blocks -----------------------------------------------------------------------------

    def _header(self, timestamp: int, coinbase: bytes) -> Any:
        parent = self.head.header
        self._salt += 1  # no two blocks are alike, even if both are empty
        return self._chain.create_header_from_parent(
            parent,
            timestamp=max(timestamp, parent.timestamp + 1),
            gas_limit=parent.gas_limit,
            coinbase=coinbase,
            mix_hash=keccak256(parent.hash + self._salt.to_bytes(8, "big")),
        )

    def _apply(self, vm: Any, transactions: Iterable[Any]) -> tuple[Any, list[Included], list[Any]]:
        """Run what can run, in order; the rest is left out. Header, outcomes and receipts."""
        header = vm.get_header()
        included: list[Included] = []
        receipts: list[Any] = []
        for transaction in transactions:
            before = header.gas_used
            try:
                receipt, _ = vm.apply_transaction(header, transaction)
            except ValidationError:
                continue
            header = vm.increment_blob_gas_used(vm.add_receipt_to_header(header, receipt), transaction)
            receipts.append(receipt)
            price = min(
                transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas + vm.get_header().base_fee_per_gas
            )
            included.append(
                Included(
                    transaction=transaction,
                    position=len(included),
                    succeeded=receipt.state_root == b"\x01",
                    gas_used=header.gas_used - before,
                    cumulative_gas=header.gas_used,
                    bloom=receipt.bloom,
                    logs=tuple(receipt.logs),
                    price=price,
                )
            )
        return header, included, receipts

    def produce(self, transactions: Iterable[Any], timestamp: int, coinbase: bytes = ZERO) -> Block:
        """Make the next block from those of the transactions that can be included, in order."""
        vm = self._chain.get_vm(self._header(timestamp, coinbase))
        header, included, receipts = self._apply(vm, transactions)
        body = vm.set_block_transactions_and_withdrawals(
            vm.get_block(), header, tuple(item.transaction for item in included), tuple(receipts)
        )
        mined = vm.mine_block(body).block
        self._chain.persist_block(mined)
        block = Block(mined, tuple(included))
        self.blocks.append(block)
        self.places.update({bytes(item.transaction.hash): (block.number, item.position) for item in included})
        return block

    def scratch(self, timestamp: int) -> Any:
        """The state in which the next block would be made, to try things on."""
        return self._chain.get_vm(self._header(timestamp, ZERO)).state

    def produce_by(self, work: Callable[[Any], None], timestamp: int) -> Block:
        """Make the next block by what ``work`` does to the state, without transactions of Ethereum's kind."""
        vm = self._chain.get_vm(self._header(timestamp, ZERO))
        work(vm.state)
        mined = vm.mine_block(vm.set_block_transactions_and_withdrawals(vm.get_block(), vm.get_header(), (), ())).block
        self._chain.persist_block(mined)
        self.blocks.append(Block(mined))
        return self.head

    def pending(self, transactions: Iterable[Any], timestamp: int) -> tuple[Block, Any]:
        """The block that would come next, and the state after it."""
        vm = self._chain.get_vm(self._header(timestamp, ZERO))
        header, included, _ = self._apply(vm, transactions)
        transactions = tuple(item.transaction for item in included)
        return Block(vm.get_block().copy(header=header, transactions=transactions), tuple(included)), vm.state

    def rewind(self, depth: int) -> list[Any]:
        """Take ``depth`` blocks off the chain; their transactions, in order."""
        gone = self.blocks[-depth:] if depth else []
        del self.blocks[len(self.blocks) - len(gone) :]
        transactions = [item.transaction for block in gone for item in block.included]
        for transaction in transactions:
            del self.places[bytes(transaction.hash)]
        return transactions

    # -- trial runs --------------------------------------------------------------------------------

    def run(self, state: Any, call: Call, *, free: int | None = None) -> Run:
        """Run a message on a state and undo it. ``free`` gas is granted before it runs (default: the intrinsic gas)."""
        with self._undone(state):
            return self._execute(state, call, free)

    def execute(self, state: Any, call: Call, *, free: int | None = None) -> Run:
        """Run a message on a state and keep what it changed. The sender pays the value and nothing for gas."""
        state.lock_changes()
        return self._execute(state, call, free)

    def _execute(self, state: Any, call: Call, free: int | None) -> Run:
        executor = state.get_transaction_executor()
        intrinsic = intrinsic_gas(call.data, call.to is None, call.access_list) if free is None else free
        address: Any = None
        code, delegated = call.data, False
        if call.to is None:
            address = call.create_at or generate_contract_address(Address(call.sender), state.get_nonce(call.sender))
        else:
            code, delegation = executor.get_code_at_address(call.to)
            delegated = delegation is not None
        state.increment_nonce(call.sender)
        message = Message(
            gas=call.gas - intrinsic,
            to=Address(call.to or b""),
            sender=Address(call.sender),
            value=call.value,
            data=b"" if call.to is None else call.data,
            code=code,
            create_address=address,
            is_delegation=delegated,
        )
        # What the executor reads of a transaction.
        shape = SimpleNamespace(
            sender=call.sender,
            access_list=call.access_list,
            max_fee_per_gas=call.price,
            max_priority_fee_per_gas=call.price,
            type_id=None,
        )
        result = executor.build_computation(message, shape)
        spent = call.gas - result.get_gas_remaining()
        used = spent - executor.calculate_gas_refund(result, spent)
        for account in result.get_accounts_for_deletion():
            state.delete_account(account)
        state.clear_transient_storage()
        error = result.error if result.is_error else None
        return Run(
            output=bytes(result.output),
            error="" if error is None else f"{type(error).__name__}",
            reverted=error is not None and type(error).__name__ == "Revert",
            gas_used=used,
            gas_before_refund=spent,
            logs=() if error is not None else tuple(result.get_log_entries()),
        )

    @contextmanager
    def _undone(self, state: Any) -> Iterator[None]:
        state.lock_changes()
        snapshot = state.snapshot()
        try:
            yield
        finally:
            state.revert(snapshot)
