"""The devnet's ledger for Sui: coins as objects with versions, the commands that move them, and gas.

It is ours: no engine of Sui can be installed with pip. What is not here: Move code of any kind besides
``0x2::coin::value``, shared objects, address balances, multisig and zkLogin, staking. A coin's digest, ids of new
objects, versions and storage costs are reckoned as on the chain; computation by a rule of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..chains.sui.type_tags import SUI, TypeTag
from ..codec import base58, bcs
from ..crypto.hashes import blake2b
from .sui_protocol import Refused, Transaction

__all__ = ["PRICE", "Ledger", "Object", "Outcome"]

PRICE: Final = 1000
"""The reference gas price, in MIST."""
_LEAST: Final = 1000
_MOST_BUDGET: Final = 50_000_000_000
_STORAGE: Final = 988_000
"""What a coin's 130 bytes cost: 100 units a byte at 76 MIST."""
_FRAMEWORK: Final = bytes(31) + b"\x02"


class _Abort(Exception):
    """A transaction that is executed and fails."""


@dataclass(frozen=True, slots=True)
class Object:
    """A coin: so many units of a type that belong to an address."""

    id: bytes
    version: int
    owner: bytes
    tag: TypeTag
    units: int
    previous: bytes

    @property
    def contents(self) -> bytes:
        return self.id + bcs.encode_uint(self.units, 8)

    @property
    def digest(self) -> bytes:
        kind = b"\x01" if self.tag == SUI else b"\x03" + self.tag.encode()
        data = b"\x00" + kind + b"\x01" + bcs.encode_uint(self.version, 8) + bcs.encode_bytes(self.contents)
        tail = b"\x00" + self.owner + bcs.encode_bytes(self.previous) + bcs.encode_uint(_STORAGE, 8)
        return blake2b(b"Object::" + data + tail, size=32)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a transaction came to. ``written`` are its output objects, ``gone`` the ids of those it deleted."""

    success: bool
    error: str
    computation: int
    storage: int
    rebate: int
    written: tuple[Object, ...]
    gone: tuple[bytes, ...]

    @property
    def fee(self) -> int:
        return self.computation + self.storage - self.rebate


@dataclass(slots=True)
class _Coin:
    """A coin while a transaction works on it."""

    id: bytes
    tag: TypeTag
    units: int
    owner: bytes
    is_new: bool = False
    state: str = "held"  # held, given or merged


@dataclass
class Ledger:
    """The live objects by id, and who holds a lock on which version: a lock ends with the epoch."""

    objects: dict[bytes, Object] = field(default_factory=dict)
    locks: dict[tuple[bytes, int], bytes] = field(default_factory=dict)

    def copy(self) -> Ledger:
        """Another ledger that can be tried out."""
        return Ledger(dict(self.objects), dict(self.locks))

    def owned(self, owner: bytes, tag: TypeTag) -> list[Object]:
        """An owner's coins of a type, in a fixed order."""
        found = (item for item in self.objects.values() if item.owner == owner and item.tag == tag)
        return sorted(found, key=lambda item: item.id)

    def check(self, transaction: Transaction, epoch: int, signers: set[bytes] | None) -> None:
        """Refuse what validators refuse; ``signers`` is None for a simulation."""
        if signers is not None and signers != {transaction.sender, transaction.owner}:
            raise Refused("Invalid user signature: the signers are not the sender and the gas owner")
        if not transaction.commands:
            raise Refused("Transaction has no commands")
        if transaction.last_epoch is not None and epoch > transaction.last_epoch:
            raise Refused("Transaction Expired")
        if transaction.price < PRICE:
            raise Refused(f"Gas price {transaction.price} under reference gas price (RGP) {PRICE}")
        if transaction.budget > _MOST_BUDGET:
            raise Refused(f"Gas budget: {transaction.budget} is higher than max: {_MOST_BUDGET}.")
        if transaction.budget < _LEAST * transaction.price:
            raise Refused(f"Gas budget: {transaction.budget} is lower than min: {_LEAST * transaction.price}.")
        seen: set[bytes] = set()
        gas = {reference[0] for reference in transaction.gas}
        for reference in transaction.owned:
            identity, version, digest = reference
            if identity in seen:
                raise Refused("Mutable object cannot appear more than one in one transaction.")
            seen.add(identity)
            item = self.objects.get(identity)
            name = f"0x{identity.hex()}"
            if item is None or item.version != version or item.digest != digest:
                now = "it does not exist" if item is None else f"current version: 0x{item.version:x}"
                raise Refused(
                    f"Transaction needs to be rebuilt because object {name} version 0x{version:x} is not "
                    f"available for consumption, {now}"
                )
            if item.owner != (transaction.owner if identity in gas else transaction.sender):
                raise Refused(f"Transaction was not signed by the correct sender: Object {name} is owned by another")
            if identity in gas and item.tag != SUI:
                raise Refused(f"Gas object {name} is not a coin of SUI")
            held = self.locks.get((identity, version))
            if held is not None and held != transaction.digest:
                raise Refused(f"Object {name} is reserved for another transaction {base58.encode(held)}")
        total = sum(self.objects[identity].units for identity in gas)
        if not gas or total < transaction.budget:
            raise Refused(f"Balance of gas object {total} is lower than the needed amount: {transaction.budget}")

    def lock(self, transaction: Transaction) -> None:
        """Reserve what a transaction takes."""
        for identity, version, _ in transaction.owned:
            self.locks[identity, version] = transaction.digest

    def execute(self, transaction: Transaction) -> Outcome:
        """Run a checked transaction, writing what it changes."""
        try:
            outcome = self._run(transaction, fails=False)
        except _Abort as abort:
            outcome = replace(self._run(transaction, fails=True), success=False, error=str(abort))
        for item in outcome.written:
            self.objects[item.id] = item
        for identity in outcome.gone:
            self.objects.pop(identity, None)
        return outcome

    def _run(self, transaction: Transaction, *, fails: bool) -> Outcome:
        taken = [self.objects[reference[0]] for reference in transaction.owned]
        version = max(item.version for item in taken) + 1
        smashed = taken[: len(transaction.gas)]
        first = smashed[0]
        gas = _Coin(first.id, SUI, sum(item.units for item in smashed), first.owner)
        coins = {item.id: _Coin(item.id, item.tag, item.units, item.owner) for item in taken[len(smashed) :]}
        computation = (_LEAST + 10 * max(len(transaction.commands) - 100, 0)) * transaction.price
        if not fails:
            gas.units -= transaction.budget
            _Machine(transaction, gas, coins).run()
            gas.units += transaction.budget
        kept = [coin for coin in coins.values() if coin.state != "merged"]
        storage = _STORAGE * (len(kept) + 1)
        rebate = sum(_STORAGE for _ in taken) * 99 // 100
        if computation + max(storage - rebate, 0) > transaction.budget:
            if not fails:
                raise _Abort("InsufficientGas")
            computation = max(transaction.budget - max(storage - rebate, 0), 0)
        gas.units -= computation + storage - rebate
        written = [Object(coin.id, version, coin.owner, coin.tag, coin.units, transaction.digest) for coin in kept]
        written.append(Object(gas.id, version, gas.owner, SUI, gas.units, transaction.digest))
        gone = [item.id for item in smashed[1:]]
        gone += [coin.id for coin in coins.values() if coin.state == "merged" and not coin.is_new]
        return Outcome(True, "", computation, storage, rebate, tuple(written), tuple(gone))


class _Machine:
    """Runs the commands of one transaction over coins in hand."""

    def __init__(self, transaction: Transaction, gas: _Coin, coins: dict[bytes, _Coin]) -> None:
        self.transaction, self.gas, self.coins = transaction, gas, coins
        self.results: list[list[_Coin]] = []

    def run(self) -> None:
        for place, command in enumerate(self.transaction.commands):
            try:
                self.results.append(self._step(command))
            except _Abort as abort:
                raise _Abort(f"{abort} in command {place}") from None
        for results in self.results:
            if any(coin.state == "held" for coin in results):
                raise _Abort("UnusedValueWithoutDrop")

    def _step(self, command: tuple[Any, ...]) -> list[_Coin]:
        name, *rest = command
        if name == "split":
            coin = self._coin(rest[0])
            return [self._split(coin, self._number(amount)) for amount in rest[1]]
        if name == "merge":
            target = self._coin(rest[0])
            for argument in rest[1]:
                source = self._coin(argument)
                if source is target or source is self.gas or source.tag != target.tag:
                    raise _Abort("CommandArgumentError { kind: TypeMismatch }")
                target.units += source.units
                source.state = "merged"
            return []
        if name == "transfer":
            to = self._pure(rest[1], 32)
            for argument in rest[0]:
                coin = self._coin(argument)
                coin.owner, coin.state = to, "given"
            return []
        package, module, function, types, arguments = rest
        if (package, module, function) != (_FRAMEWORK, "coin", "value") or len(types) != 1 or len(arguments) != 1:
            raise _Abort("FunctionNotFound")
        if self._coin(arguments[0]).tag != types[0]:
            raise _Abort("CommandArgumentError { arg_idx: 0, kind: TypeMismatch }")
        return []

    def _split(self, coin: _Coin, units: int) -> _Coin:
        if units > coin.units:
            raise _Abort("InsufficientCoinBalance")
        coin.units -= units
        count = sum(item.is_new for item in self.coins.values())
        digest = blake2b(b"\xf1" + self.transaction.digest + count.to_bytes(8, "little"), size=32)
        self.coins[digest] = made = _Coin(digest, coin.tag, units, b"", is_new=True)
        return made

    def _coin(self, argument: tuple[int, ...]) -> _Coin:
        kind, *numbers = argument
        coin: _Coin | None = None
        if kind == 0:
            coin = self.gas
        elif kind == 1 and numbers[0] < len(self.transaction.inputs):
            item = self.transaction.inputs[numbers[0]]
            coin = self.coins.get(item[1][0]) if item[0] == "object" else None
        elif kind in (2, 3) and numbers[0] < len(self.results):
            results, nested = self.results[numbers[0]], numbers[1] if kind == 3 else 0
            if nested < len(results) and (kind == 3 or len(results) == 1):
                coin = results[nested]
        if coin is None or coin.state != "held":
            raise _Abort("CommandArgumentError { kind: InvalidValueUsage }")
        return coin

    def _pure(self, argument: tuple[int, ...], length: int) -> bytes:
        if argument[0] == 1 and argument[1] < len(self.transaction.inputs):
            item = self.transaction.inputs[argument[1]]
            if item[0] == "pure" and len(item[1]) == length:
                return bytes(item[1])
        raise _Abort("CommandArgumentError { kind: InvalidBCSBytes }")

    def _number(self, argument: tuple[int, ...]) -> int:
        return int.from_bytes(self._pure(argument, 8), "little")


def costs(outcome: Outcome) -> Mapping[str, int]:
    """The gas summary of an outcome."""
    return {
        "computationCost": outcome.computation,
        "storageCost": outcome.storage,
        "storageRebate": outcome.rebate,
        "nonRefundableStorageFee": 0,
    }
