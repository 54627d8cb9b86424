"""TRON's rules of money: who may act, what it costs, and what it does. No engine of TRON exists, so this is written here.

Balances, contract code and storage live in a state of py-evm, in sun and by the last 20 bytes of the address, so that
contracts see real balances and TRC-20 tokens are executed by a real virtual machine. Energy is the gas that the code
used, without Ethereum's intrinsic gas and without refunds. py-evm prices instructions as Ethereum does since Berlin,
so the figures are near TRON's and not equal to them.

Not here: staking and delegation, votes, TRC-10, permission updates, energy paid by a contract's owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..codec import base58
from ..crypto.hashes import keccak256, sha256
from ..crypto.secp256k1 import decompress, recover
from ..errors import InputError, Rejected
from .evm_machine import Call, Machine, Run
from .tron_protocol import Transaction

__all__ = ["CONTRACT_RESULTS", "Account", "Books", "Executed", "Prices", "check_signatures", "refuse"]

_WINDOW: Final = 28_800  # slots of three seconds, one day, in which used bandwidth comes back
_RESULT_SIZE: Final = 64
_PERMISSIONS: Final = (0, 2)  # owner and active, as every account has them
CONTRACT_RESULTS: Final = {
    "SUCCESS": 1,
    "REVERT": 2,
    "BAD_JUMP_DESTINATION": 3,
    "STACK_TOO_SMALL": 6,
    "STACK_TOO_LARGE": 7,
    "ILLEGAL_OPERATION": 8,
    "OUT_OF_ENERGY": 10,
    "UNKNOWN": 13,
    "TRANSFER_FAILED": 14,
}
"""Numbers of contractRet."""
_FAILURES: Final = {
    "Revert": "REVERT",
    "OutOfGas": "OUT_OF_ENERGY",
    "InvalidJumpDestination": "BAD_JUMP_DESTINATION",
    "InsufficientStack": "STACK_TOO_SMALL",
    "FullStack": "STACK_TOO_LARGE",
    "InvalidInstruction": "ILLEGAL_OPERATION",
    "InsufficientFunds": "TRANSFER_FAILED",
}


@dataclass(frozen=True, slots=True)
class Prices:
    """The chain parameters that cost money, in sun; as on the main network in 2025."""

    bandwidth: int = 1_000
    energy: int = 100
    create_account: int = 100_000
    activation: int = 1_000_000
    memo: int = 1_000_000
    multi_signature: int = 1_000_000
    max_fee_limit: int = 15_000_000_000
    free_bandwidth: int = 600


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger knows of an activated account beside its balance. Times are in milliseconds since 1970."""

    created: int
    contract: Mapping[str, Any] | None = None
    net_used: int = 0
    net_time: int = 0
    operated: int = 0

    def bandwidth_used(self, now: int) -> int:
        """What is still counted of the free bandwidth that was used."""
        slots = max(0, now - self.net_time) // 3000
        return -(-self.net_used * max(0, _WINDOW - slots) // _WINDOW)


@dataclass(frozen=True, slots=True)
class Executed:
    """A transaction and what it did."""

    transaction: Transaction
    result: str = "SUCCESS"
    net_usage: int = 0
    net_fee: int = 0
    other_fee: int = 0
    energy: int = 0
    energy_fee: int = 0
    output: bytes = b""
    contract: bytes = b""
    logs: tuple[tuple[bytes, tuple[int, ...], bytes], ...] = field(default=())

    @property
    def fee(self) -> int:
        """All that was burned, in sun."""
        return self.net_fee + self.other_fee + self.energy_fee


def refuse(code: str, message: str) -> Rejected:
    """A refusal by java-tron's code of a broadcast, and its words."""
    return Rejected(message, node_code=code)


def _invalid(message: str) -> Rejected:
    return refuse("CONTRACT_VALIDATE_ERROR", f"Contract validate error : {message}")


def _text(address: bytes) -> str:
    return base58.encode_check(address)


def check_signatures(transaction: Transaction) -> None:
    """Raise Rejected unless the one key of the owner's permission has signed."""

    def bad(message: str) -> Rejected:
        return refuse("SIGERROR", f"Validate signature error: {message}")

    found = transaction.signatures
    if not found:
        raise bad("miss sig or contract")
    if transaction.permission not in _PERMISSIONS:
        raise bad("permission isn't exit")
    if len(found) > 1:
        raise bad(f"Signature count is {len(found)} more than key counts of permission : 1")
    (signature,) = found
    if len(signature) < 65:
        raise bad(f"Signature size is {len(signature)}")
    v = signature[64] - 27 if signature[64] >= 27 else signature[64]
    try:
        key = recover(signature[:64] + bytes((v,)), sha256(transaction.raw_data))
    except InputError:
        raise bad("Signature verification failed") from None
    signer = b"\x41" + keccak256(decompress(key)[1:])[12:]
    if signer != transaction.owner:
        raise bad(f"{signature.hex()} is signed by {_text(signer)} but it is not contained of permission.")


class Books:
    """The accounts at one moment, to be changed by transactions. ``now`` is the time of the block in milliseconds."""

    def __init__(
        self, machine: Machine, state: Any, accounts: Mapping[bytes, Account], prices: Prices, now: int
    ) -> None:
        self._machine = machine
        self.state = state
        self.accounts = dict(accounts)
        self.prices = prices
        self.now = now

    def balance(self, address: bytes) -> int:
        """Sun."""
        units: int = self.state.get_balance(address[1:])
        return units

    def _add(self, address: bytes, units: int) -> None:
        self.state.set_balance(address[1:], self.balance(address) + units)

    def account(self, address: bytes) -> Account | None:
        """The account of 21 address bytes; None where it was never activated."""
        found = self.accounts.get(address)
        if found is None and (self.balance(address) or self.state.get_code(address[1:])):
            return Account(self.now)  # a contract has sent it coins
        return found

    def apply(self, transaction: Transaction) -> Executed:
        """Check and execute. Raises Rejected, and then nothing has changed."""
        owner = transaction.owner
        account = self.account(owner)
        if account is None:
            raise _invalid(f"account [{_text(owner) if len(owner) == 21 else owner.hex()}] does not exist")
        activates = self._activates(transaction)
        size = len(transaction.encode()) + _RESULT_SIZE
        done = Executed(transaction)
        used = account.bandwidth_used(self.now)
        if activates:
            done = replace(done, net_fee=self.prices.create_account, other_fee=self.prices.activation)
        elif size <= self.prices.free_bandwidth - used:
            done = replace(done, net_usage=size)
            account = replace(account, net_used=used + size, net_time=self.now)
        else:
            done = replace(done, net_fee=size * self.prices.bandwidth)
        memo = self.prices.memo if transaction.head.get("data") else 0
        done = replace(done, other_fee=done.other_fee + memo)
        left = self.balance(owner) - done.net_fee - memo
        if left < 0:
            raise refuse("BANDWITH_ERROR", "Account resource insufficient error.")
        account = replace(account, operated=self.now)
        match transaction.name:
            case "TransferContract" | "AccountCreateContract":
                return self._transfer(done, account, left, activates)
            case "TriggerSmartContract":
                return self._trigger(done, account, left)
        return self._create(done, account, left)

    def check(self, transaction: Transaction) -> None:
        """Raise Rejected where a node would not even make this transaction for a client."""
        if transaction.name not in ("TransferContract", "AccountCreateContract"):
            return
        if self.account(transaction.owner) is None:
            raise _invalid(f"Validate {transaction.name} error, no OwnerAccount.")
        needed = self.prices.activation if self._activates(transaction) else 0
        if self.balance(transaction.owner) < transaction.value.get("amount", 0) + needed:
            raise _invalid(f"Validate {transaction.name} error, balance is not sufficient.")

    def _activates(self, transaction: Transaction) -> bool:
        """Check what needs no money, and tell whether a new account comes to be."""
        value, owner = transaction.value, transaction.owner
        if transaction.name == "AccountCreateContract":
            target = value.get("account_address", b"")
            if len(target) != 21:
                raise _invalid("Invalid account address")
            if self.account(target) is not None:
                raise _invalid("Account has existed")
            return True
        if transaction.name != "TransferContract":
            return False
        target = value.get("to_address", b"")
        if len(target) != 21 or target[0] != 0x41:
            raise _invalid("Invalid toAddress!")
        if target == owner:
            raise _invalid("Cannot transfer TRX to yourself.")
        if value.get("amount", 0) <= 0:
            raise _invalid("Amount must be greater than 0.")
        found = self.account(target)
        if found is not None and found.contract is not None:
            raise _invalid("Cannot transfer TRX to a smartContract.")
        return found is None

    def _transfer(self, done: Executed, account: Account, left: int, activates: bool) -> Executed:
        transaction = done.transaction
        name, value = transaction.name, transaction.value
        amount = value.get("amount", 0)
        target = value["to_address" if name == "TransferContract" else "account_address"]
        if left < amount + (self.prices.activation if activates else 0):
            words = "balance is not sufficient." if name == "TransferContract" else "insufficient fee."
            raise _invalid(f"Validate {name.replace('AccountCreate', 'CreateAccount')} error, {words}")
        self.accounts[transaction.owner] = account
        if activates:
            self.accounts[target] = Account(self.now)
        self._add(transaction.owner, -amount - done.fee)
        self._add(target, amount)
        return done

    # -- contracts ---------------------------------------------------------------------------------

    def _energy_limit(self, transaction: Transaction, left: int, value: int) -> int:
        """How much energy the caller can pay for, and wants to."""
        limit = transaction.head.get("fee_limit", 0)
        if not 0 <= limit <= self.prices.max_fee_limit:
            raise _invalid(f"feeLimit must be >= 0 and <= {self.prices.max_fee_limit}")
        if value < 0:
            raise _invalid("callValue must be >= 0")
        if left < value:
            raise _invalid("Validate InternalTransfer error, balance is not sufficient.")
        energy: int = min(limit, left - value) // self.prices.energy
        return energy

    def _trigger(self, done: Executed, account: Account, left: int) -> Executed:
        value = done.transaction.value
        contract = value.get("contract_address", b"")
        found = self.accounts.get(contract)
        if found is None or found.contract is None:
            raise _invalid("No contract or not a valid smart contract")
        units = value.get("call_value", 0)
        limit = self._energy_limit(done.transaction, left, units)
        call = Call(
            sender=done.transaction.owner[1:], to=contract[1:], gas=limit, value=units, data=value.get("data", b"")
        )
        return self._run(replace(done, contract=contract), account, call)

    def _create(self, done: Executed, account: Account, left: int) -> Executed:
        transaction = done.transaction
        made = transaction.value.get("new_contract", {})
        if made.get("origin_address") != transaction.owner:
            raise _invalid("OwnerAddress is not equals OriginAddress")
        units = made.get("call_value", 0)
        limit = self._energy_limit(transaction, left, units)
        address = b"\x41" + keccak256(transaction.txid + transaction.owner)[12:]
        call = Call(
            sender=transaction.owner[1:], gas=limit, value=units, data=made.get("bytecode", b""), create_at=address[1:]
        )
        done = self._run(replace(done, contract=address), account, call)
        if done.result == "SUCCESS":
            self.accounts[address] = Account(self.now, contract={**made, "contract_address": address})
        return done

    def _run(self, done: Executed, account: Account, call: Call) -> Executed:
        owner = done.transaction.owner
        self.accounts[owner] = account
        self._add(owner, -done.fee)
        run = self._machine.execute(self.state, call, free=0)
        energy = min(run.gas_before_refund, call.gas)
        done = replace(
            done,
            result="SUCCESS" if run.succeeded else _FAILURES.get(run.error, "UNKNOWN"),
            energy=energy,
            energy_fee=energy * self.prices.energy,
            output=run.output,
            logs=run.logs,
        )
        self._add(owner, -done.energy_fee)
        return done

    def trial(self, call: Call) -> tuple[Run, str]:
        """Run a call and undo it: the run, and the contractRet that it would have."""
        run = self._machine.run(self.state, call, free=0)
        return run, "SUCCESS" if run.succeeded else _FAILURES.get(run.error, "UNKNOWN")
