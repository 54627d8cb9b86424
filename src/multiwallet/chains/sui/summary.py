"""What a transaction does, from its bytes: payments followed through the commands, everything else with a warning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ...amounts import Amount, Asset
from ...chain import Network
from ...transactions import Action, Fee, Summary
from . import addresses
from .commands import Argument, Command
from .tokens import asset_id
from .transaction import TransactionData, Validity
from .type_tags import SUI, TypeTag

__all__ = ["describe"]

_DEAR: Final = 10**9  # one SUI
_SHOWN: Final = 20


@dataclass(slots=True)
class _Value:
    """What an argument stands for: a coin of a type, if that is known, with so many units, if these are."""

    tag: TypeTag | None = None
    units: int | None = None
    source: str = ""
    is_split: bool = False


@dataclass
class _Reading:
    """One transaction while it is followed command by command."""

    network: Network
    data: TransactionData
    assets: tuple[Asset, ...]
    actions: list[Action] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    results: dict[tuple[int, int], _Value] = field(default_factory=dict)
    inputs: dict[int, _Value] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    gas: _Value = field(default_factory=lambda: _Value(SUI, None, "the gas coins"))

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def value(self, argument: Argument) -> _Value:
        if argument.kind == "gas":
            return self.gas
        if argument.kind == "input":
            return self.inputs.setdefault(argument.index, _Value())
        return self.results.setdefault((argument.index, argument.nested), _Value())

    def pure(self, argument: Argument | None, length: int) -> bytes | None:
        """The bytes of a plain input of a length, if that is what an argument is."""
        if argument is None or argument.kind != "input" or argument.index >= len(self.data.inputs):
            return None
        item = self.data.inputs[argument.index]
        is_known = item.kind == "pure" and len(item.data) == length and argument.index not in self.changed
        return item.data if is_known else None

    def asset(self, tag: TypeTag) -> Asset:
        identity = asset_id(self.network, tag.canonical())
        if identity == self.network.native.id:
            return self.network.native
        stated = next((item for item in self.assets if item.id == identity), None)
        if stated is None:
            self.warn(f"the decimals of {tag} are not known: amounts are in its smallest unit")
        return stated or Asset(identity, "", 0)


def describe(network: Network, data: TransactionData, fee: Fee, assets: tuple[Asset, ...]) -> Summary:
    """The summary of a transaction; ``assets`` give the decimals of coins."""
    reading = _Reading(network, data, assets)
    _inputs(reading)
    for place, command in enumerate(data.commands):
        _command(reading, place, command)
    details = _details(reading)
    if fee.maximum.units > _DEAR:
        reading.warn(f"the gas may cost as much as {fee.maximum}")
    if not reading.actions:
        reading.warn("this does nothing but cost gas")
    sender = addresses.from_bytes(data.sender)
    return Summary(network.id, sender, tuple(reading.actions), fee, None, details, tuple(reading.warnings))


def _inputs(reading: _Reading) -> None:
    data = reading.data
    for index, item in enumerate(data.inputs):
        if item.ref is not None:
            reading.inputs[index] = _Value(source=addresses.from_bytes(item.ref.id))
        if item.withdrawal is not None:
            taken = item.withdrawal
            asset = reading.asset(taken.coin)
            details = {"from": taken.source if not taken.funder else addresses.from_bytes(taken.funder)}
            reading.actions.append(Action("withdraw", None, Amount(taken.most, asset), details))
            reading.warn("this takes funds from an address balance, at most the amount that is shown")
            reading.inputs[index] = _Value(taken.coin, None, "an address balance")
    for command in data.commands:
        # The chain runs nothing of a transaction in which one of these names another type than the coin has.
        if _states_type(command) and command.arguments[0].kind == "input":
            reading.value(command.arguments[0]).tag = command.types[0]


def _states_type(command: Command) -> bool:
    return command.name == "0x2::coin::value" and len(command.types) == 1 and len(command.arguments) == 1


def _command(reading: _Reading, place: int, command: Command) -> None:
    if command.kind == "SplitCoins" and command.target is not None:
        coin = reading.value(command.target)
        coin.units = None
        for position, amount in enumerate(command.arguments):
            data = reading.pure(amount, 8)
            units = None if data is None else int.from_bytes(data, "little")
            reading.results[place, position] = _Value(coin.tag, units, coin.source, is_split=True)
    elif command.kind == "MergeCoins" and command.target is not None:
        coin = reading.value(command.target)
        coin.units = None
        tags = {reading.value(item).tag for item in command.arguments} - {None}
        coin.tag = coin.tag or (tags.pop() if tags else None)  # only coins of one type can be merged
    elif command.kind == "TransferObjects":
        _transfer(reading, command)
    elif command.kind == "MoveCall":
        if not _states_type(command):
            _call(reading, command)
    elif command.kind == "MakeMoveVec":
        _forget(reading, command)
    else:
        size = sum(map(len, command.code))
        reading.actions.append(
            Action(command.kind.lower(), details={"modules": str(len(command.code)), "bytes": str(size)})
        )
        reading.warn("this puts code on the chain, and nobody can say here what it does")


def _transfer(reading: _Reading, command: Command) -> None:
    data = reading.pure(command.target, 32)
    to = None if data is None else addresses.from_bytes(data)
    if data is None:
        reading.warn("what is handed over goes to an address that the transaction reckons out itself")
    elif addresses.is_special(data):
        reading.warn(f"{to} is an address of the chain itself: what is sent there is lost")
    for argument in command.arguments:
        value = reading.value(argument)
        if argument.kind == "gas":
            reading.actions.append(Action("transfer", to, None, {"all": f"that is left in {value.source}"}))
        elif value.tag is not None and value.units is not None:
            asset = reading.asset(value.tag)
            details = {} if value.tag == SUI else {"units": str(value.units), "coin": str(value.tag)}
            reading.actions.append(Action("transfer", to, Amount(value.units, asset), details))
        elif value.tag is not None:
            what = value.source or "a result of the transaction"
            reading.actions.append(
                Action("transfer", to, None, {"all": f"that is left in {what}", "coin": str(value.tag)})
            )
        else:
            _unknown_transfer(reading, to, value)


def _unknown_transfer(reading: _Reading, to: str | None, value: _Value) -> None:
    source = value.source or "what a command before it made"
    details = {"object": source} | ({} if value.units is None else {"units": str(value.units)})
    reading.actions.append(Action("transfer" if value.is_split else "transfer-object", to, None, details))
    reading.warn(f"the bytes do not say what {source} is: it may be any coin or object of the sender's")


def _call(reading: _Reading, command: Command) -> None:
    details = {"function": command.name}
    if command.types:
        details["types"] = ", ".join(map(str, command.types))[:400]
    for position, argument in enumerate(command.arguments[:_SHOWN]):
        details[f"argument {position}"] = _shown(reading, argument)
    reading.actions.append(Action("call", addresses.from_bytes(command.package), None, details))
    reading.warn(
        f"{command.name} is not known here, and it may spend all that it is given: sign it only if you know it"
    )
    _forget(reading, command)


def _forget(reading: _Reading, command: Command) -> None:
    """What a command has had in its hands may hold any amount afterwards; plain bytes can be written to as well."""
    for argument in command.arguments:
        reading.value(argument).units = None
        if argument.kind == "input":
            reading.changed.add(argument.index)


def _shown(reading: _Reading, argument: Argument) -> str:
    if argument.kind == "gas":
        return "the gas coin"
    if argument.kind != "input" or argument.index >= len(reading.data.inputs):
        return f"result {argument.index}.{argument.nested}"
    item = reading.data.inputs[argument.index]
    if item.kind == "pure":
        return "0x" + item.data[:64].hex() + ("…" if len(item.data) > 64 else "")
    if item.ref is None:
        return "a withdrawal"
    return f"{item.kind} object {addresses.from_bytes(item.ref.id)}"


def _details(reading: _Reading) -> dict[str, str]:
    data = reading.data
    details = {"gas price": str(data.gas.price), "gas budget": str(data.gas.budget)}
    if data.gas.owner != data.sender:
        owner = addresses.from_bytes(data.gas.owner)
        details["gas owner"] = owner
        arguments = (item for command in data.commands for item in (*command.arguments, command.target))
        if any(item is not None and item.kind == "gas" for item in arguments):
            reading.warn(f"this takes SUI from {owner}, who pays for the gas, beyond the gas itself")
    last = data.last_epoch
    details["expires"] = "never" if last is None else f"after epoch {last}"
    if isinstance(data.expiration, Validity):
        details["chain"] = data.expiration.chain[:4].hex()
    return details
