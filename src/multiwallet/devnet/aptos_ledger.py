"""The devnet's ledger for Aptos: accounts, balances, the framework's transfers, and the checks before them.

It is ours: no engine of Aptos can be installed with pip. What is not here: Move code of any kind, other functions than
those in :data:`FUNCTIONS`, scripts, multisig accounts, key rotation, other signatures than Ed25519, storage refunds.
Gas is counted by a rule of its own, in the order of magnitude of the main network's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..chains.aptos.move_values import decode_argument
from ..chains.aptos.type_tags import TypeTag, parse_type
from ..crypto.hashes import sha3_256
from ..errors import InputError
from .aptos_protocol import Transaction, address_text, read_address

__all__ = ["APT", "FUNCTIONS", "VM_CODES", "Invalid", "Ledger", "Outcome", "Token", "types_of"]

APT: Final = "0x1::aptos_coin::AptosCoin"
_APT_METADATA: Final = "0xa"
_METADATA: Final = "0x1::fungible_asset::Metadata"
_OBJECT: Final = f"0x1::object::Object<{_METADATA}>"
_LONGEST_ORDERLESS: Final = 100
_LEAST_PRICE: Final = 100
_MOST_PRICE: Final = 10_000_000_000
_MOST_GAS: Final = 2_000_000
_BASE_GAS: Final = 4
_PAYMENT_GAS: Final = 3
_CREATION_GAS: Final = 480

FUNCTIONS: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = {
    "0x1::aptos_account::transfer": (0, ("address", "u64")),
    "0x1::aptos_account::batch_transfer": (0, ("vector<address>", "vector<u64>")),
    "0x1::aptos_account::transfer_coins": (1, ("address", "u64")),
    "0x1::aptos_account::batch_transfer_coins": (1, ("vector<address>", "vector<u64>")),
    "0x1::aptos_account::transfer_fungible_assets": (0, (_OBJECT, "address", "u64")),
    "0x1::aptos_account::batch_transfer_fungible_assets": (0, (_OBJECT, "vector<address>", "vector<u64>")),
    "0x1::aptos_account::create_account": (0, ("address",)),
    "0x1::aptos_account::set_allow_direct_coin_transfers": (0, ("bool",)),
    "0x1::coin::transfer": (1, ("address", "u64")),
    "0x1::primary_fungible_store::transfer": (1, (_OBJECT, "address", "u64")),
}
"""The functions that the ledger runs: number of type arguments, parameters after the signer."""

VM_CODES: Final[Mapping[str, int]] = {
    "INVALID_SIGNATURE": 1,
    "INVALID_AUTH_KEY": 2,
    "SEQUENCE_NUMBER_TOO_OLD": 3,
    "SEQUENCE_NUMBER_TOO_NEW": 4,
    "INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE": 5,
    "TRANSACTION_EXPIRED": 6,
    "MAX_GAS_UNITS_EXCEEDS_MAX_GAS_UNITS_BOUND": 13,
    "MAX_GAS_UNITS_BELOW_MIN_TRANSACTION_GAS_UNITS": 14,
    "GAS_UNIT_PRICE_BELOW_MIN_BOUND": 15,
    "GAS_UNIT_PRICE_ABOVE_MAX_BOUND": 16,
    "BAD_CHAIN_ID": 23,
}
"""The numbers of the statuses, as move-core-types has them."""


class Invalid(Exception):
    """A transaction that is not taken, with the VM's status."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class _Abort(Exception):
    """A transaction that is included and fails."""


@dataclass(frozen=True, slots=True)
class Token:
    """A fungible asset (named by an address) or a coin (by its type)."""

    name: str
    symbol: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a transaction came to."""

    success: bool
    status: str
    gas: int


def types_of(function: str, given: tuple[str, ...]) -> tuple[TypeTag, ...]:
    """The types of a function's arguments; InputError as the API says it for functions that are not there."""
    found = FUNCTIONS.get(function)
    if found is None:
        raise InputError(f"could not find entry function by {function}")
    if found[0] != len(given):
        raise InputError(f"expect {found[0]} type arguments for entry function {function}, but got {len(given)}")
    return tuple(map(parse_type, found[1]))


@dataclass
class Ledger:
    """The state. Balances by asset (``APT``, a coin type or a metadata address) and account."""

    chain_id: int
    sequences: dict[bytes, int] = field(default_factory=dict)
    balances: dict[str, dict[bytes, int]] = field(default_factory=lambda: {APT: {}})
    tokens: dict[str, Token] = field(default_factory=dict)
    nonces: dict[tuple[bytes, int], int] = field(default_factory=dict)

    def copy(self) -> Ledger:
        """Another ledger that can be tried out."""
        balances = {asset: dict(held) for asset, held in self.balances.items()}
        return Ledger(self.chain_id, dict(self.sequences), balances, dict(self.tokens), dict(self.nonces))

    def balance(self, owner: bytes, asset: str) -> int:
        """What an account has; InputError for an asset that does not exist."""
        name = self.asset(asset)
        return self.balances[name].get(owner, 0)

    def asset(self, text: str) -> str:
        """The canonical name of an asset."""
        name = str(parse_type(text)) if "::" in text else address_text(read_address(text))
        if name in (APT, _APT_METADATA):
            return APT
        if name not in self.tokens:
            raise InputError(f"there is no asset {name}")
        return name

    def give(self, owner: bytes, asset: str, units: int) -> None:
        """Make so much of an asset out of nothing."""
        self.sequences.setdefault(owner, 0)
        held = self.balances[self.asset(asset)]
        held[owner] = held.get(owner, 0) + units

    def create_token(self, seed: bytes, symbol: str, decimals: int, *, coin: bool = False) -> str:
        """A new token's name: an address, or a coin type."""
        address = address_text(sha3_256(b"multiwallet devnet token" + seed))
        name = f"{address}::devnet_coin::DevnetCoin" if coin else address
        self.tokens[name] = Token(symbol, symbol, decimals)
        self.balances[name] = {}
        return name

    # -- checks ------------------------------------------------------------------------------------

    def check(self, transaction: Transaction, now: int, *, simulated: bool = False) -> None:
        """What the prologue checks; Invalid with the status that the VM gives."""
        if not simulated and not transaction.is_signed():
            raise Invalid("INVALID_SIGNATURE")
        addresses = [address for address, _ in transaction.signers]
        if len(set(addresses)) != len(addresses):
            raise Invalid("SIGNERS_CONTAIN_DUPLICATES")
        if not transaction.has_right_keys():
            raise Invalid("INVALID_AUTH_KEY")
        if transaction.chain_id != self.chain_id:
            raise Invalid("BAD_CHAIN_ID")
        if transaction.expiration <= now:
            raise Invalid("TRANSACTION_EXPIRED")
        if transaction.max_gas > _MOST_GAS:
            raise Invalid("MAX_GAS_UNITS_EXCEEDS_MAX_GAS_UNITS_BOUND")
        if transaction.max_gas < _BASE_GAS:
            raise Invalid("MAX_GAS_UNITS_BELOW_MIN_TRANSACTION_GAS_UNITS")
        if transaction.price < _LEAST_PRICE:
            raise Invalid("GAS_UNIT_PRICE_BELOW_MIN_BOUND")
        if transaction.price > _MOST_PRICE:
            raise Invalid("GAS_UNIT_PRICE_ABOVE_MAX_BOUND")
        self._check_replay(transaction, now)
        if simulated and not self.is_next(transaction):
            raise Invalid("SEQUENCE_NUMBER_TOO_NEW")
        if simulated and transaction.payer == bytes(32):
            return
        if self.balance(transaction.pays, APT) < transaction.max_gas * transaction.price:
            raise Invalid("INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE")

    def _check_replay(self, transaction: Transaction, now: int) -> None:
        if transaction.nonce is None:
            if transaction.sequence < self.sequences.get(transaction.sender, 0):
                raise Invalid("SEQUENCE_NUMBER_TOO_OLD")
        elif transaction.expiration > now + _LONGEST_ORDERLESS:
            raise Invalid("TRANSACTION_EXPIRATION_TOO_FAR_IN_FUTURE")
        elif self.nonces.get((transaction.sender, transaction.nonce), 0) >= now:
            raise Invalid("NONCE_ALREADY_USED")

    def is_next(self, transaction: Transaction) -> bool:
        """Whether it can be executed now, or has to wait for others with lower numbers."""
        return transaction.nonce is not None or transaction.sequence == self.sequences.get(transaction.sender, 0)

    # -- execution ---------------------------------------------------------------------------------

    def execute(self, transaction: Transaction) -> Outcome:
        """Run a checked transaction: its effects, or only its fee where it fails."""
        trial, gas = self.copy(), 0
        try:
            gas = trial._run(transaction)
            if gas > transaction.max_gas:
                gas = transaction.max_gas
                raise _Abort("Out of gas")
            trial._charge(transaction, gas)
            self.balances, self.sequences = trial.balances, trial.sequences
            outcome = Outcome(True, "Executed successfully", gas)
        except _Abort as abort:
            gas = max(min(gas, transaction.max_gas), _BASE_GAS)
            self._charge(transaction, gas)
            outcome = Outcome(False, str(abort), gas)
        if transaction.nonce is not None:
            self.nonces[(transaction.sender, transaction.nonce)] = transaction.expiration
            self.sequences.setdefault(transaction.sender, 0)
        else:
            self.sequences[transaction.sender] = transaction.sequence + 1
        return outcome

    def _charge(self, transaction: Transaction, gas: int) -> None:
        if transaction.pays == bytes(32):  # a simulation that does not say who pays
            return
        held = self.balances[APT]
        left = held.get(transaction.pays, 0) - gas * transaction.price
        if left < 0:
            raise _Abort("Move abort in 0x1::transaction_validation: PROLOGUE_ECANT_PAY_GAS_DEPOSIT(0x103ed)")
        held[transaction.pays] = left

    def _run(self, transaction: Transaction) -> int:
        call = transaction.call
        types = () if call is None else types_of(call.function, call.types)
        if call is None or len(types) != len(call.arguments):
            raise _Abort("NUMBER_OF_ARGUMENTS_MISMATCH")
        try:
            values: list[Any] = [decode_argument(*pair) for pair in zip(types, call.arguments, strict=True)]
        except InputError:
            raise _Abort("FAILED_TO_DESERIALIZE_ARGUMENT") from None
        name = call.function.rpartition("::")[2]
        if name == "set_allow_direct_coin_transfers":
            return _BASE_GAS + _PAYMENT_GAS
        if name == "create_account":
            address = read_address(values[0])
            if address in self.sequences:
                raise _Abort("Move abort in 0x1::account: EACCOUNT_ALREADY_EXISTS(0x80001): Account already exists")
            self.sequences[address] = 0
            return _BASE_GAS + _CREATION_GAS
        asset = self._paid_asset(call.types, types, values)
        to, units = values
        if isinstance(to, str):
            to, units = [to], [units]
        if len(to) != len(units):
            raise _Abort(
                "Move abort in 0x1::aptos_account: EMISMATCHING_RECIPIENTS_AND_AMOUNTS_LENGTH(0x10005): "
                "The lengths of the recipients and amounts lists don't match."
            )
        gas = _BASE_GAS
        for address, number in zip(map(read_address, to), map(int, units), strict=True):
            gas += _PAYMENT_GAS + self._move(transaction.sender, address, asset, number)
        return gas

    def _paid_asset(self, given: tuple[str, ...], types: tuple[TypeTag, ...], values: list[Any]) -> str:
        try:
            if str(types[0]) == _OBJECT:
                if given not in ((), (_METADATA,)):
                    raise _Abort("Move abort in 0x1::object: ERESOURCE_DOES_NOT_EXIST(0x60007)")
                return self.asset(values.pop(0))
            return self.asset(given[0]) if given else APT
        except InputError:
            raise _Abort("Move abort in 0x1::object: EOBJECT_DOES_NOT_EXIST(0x60002)") from None

    def _move(self, sender: bytes, to: bytes, asset: str, units: int) -> int:
        held, gas = self.balances[asset], 0
        if to not in self.sequences:
            self.sequences[to] = 0
            gas += _CREATION_GAS
        elif to not in held:
            gas += _CREATION_GAS // 2
        if held.get(sender, 0) < units:
            raise _Abort(
                "Move abort in 0x1::fungible_asset: EINSUFFICIENT_BALANCE(0x10004): Insufficient balance to withdraw or transfer."
            )
        held[sender] = held.get(sender, 0) - units
        held[to] = held.get(to, 0) + units
        return gas
