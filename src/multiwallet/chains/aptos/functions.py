"""The functions of the framework that move money, and their parameters: what can be read without asking anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from ...amounts import Asset
from ...chain import Network
from ...errors import InputError, InvalidAddress, InvalidTransaction
from . import addresses
from .move_values import decode_argument, encode_argument
from .raw_transaction import EntryFunction
from .type_tags import APTOS_COIN, TypeTag, parse_type

__all__ = ["METADATA", "Transfers", "asset_id", "call", "parameters_of", "pay", "read_reference", "transfers_of"]

METADATA: Final = parse_type("0x1::fungible_asset::Metadata")
_OBJECT: Final = TypeTag("struct", (METADATA,), addresses.FRAMEWORK, "object", "Object")
_ADDRESS, _U64 = TypeTag("address"), TypeTag("u64")
_ADDRESSES, _AMOUNTS = TypeTag("vector", (_ADDRESS,)), TypeTag("vector", (_U64,))

# Name: number of type arguments, parameters after the signers.
_FUNCTIONS: Final[dict[str, tuple[int, tuple[TypeTag, ...]]]] = {
    "0x1::aptos_account::transfer": (0, (_ADDRESS, _U64)),
    "0x1::aptos_account::batch_transfer": (0, (_ADDRESSES, _AMOUNTS)),
    "0x1::aptos_account::transfer_coins": (1, (_ADDRESS, _U64)),
    "0x1::aptos_account::batch_transfer_coins": (1, (_ADDRESSES, _AMOUNTS)),
    "0x1::aptos_account::transfer_fungible_assets": (0, (_OBJECT, _ADDRESS, _U64)),
    "0x1::aptos_account::batch_transfer_fungible_assets": (0, (_OBJECT, _ADDRESSES, _AMOUNTS)),
    "0x1::aptos_account::create_account": (0, (_ADDRESS,)),
    "0x1::coin::transfer": (1, (_ADDRESS, _U64)),
    "0x1::primary_fungible_store::transfer": (1, (_OBJECT, _ADDRESS, _U64)),
}


@dataclass(frozen=True, slots=True)
class Transfers:
    """What a known function pays: ``reference`` is empty for APT, else a coin type or a metadata address."""

    reference: str
    payments: tuple[tuple[str, int], ...]


def parameters_of(function: EntryFunction) -> tuple[TypeTag, ...] | None:
    """The types of the arguments of a function of the framework that is known here; None for others."""
    found = _FUNCTIONS.get(function.id)
    if found is None or found[0] != len(function.type_arguments) or len(found[1]) != len(function.arguments):
        return None
    if function.id == "0x1::primary_fungible_store::transfer" and function.type_arguments != (METADATA,):
        # Its generic parameter is the object's type: another one than Metadata is judged by nobody here.
        return None
    return found[1]


def transfers_of(function: EntryFunction) -> Transfers | None:
    """The payments that a call makes, if it is one of the framework's transfers; InvalidTransaction if it is broken."""
    types = parameters_of(function)
    if types is None or function.function == "create_account":
        return None
    try:
        values: list[Any] = [decode_argument(*pair) for pair in zip(types, function.arguments, strict=True)]
    except InputError as error:
        raise InvalidTransaction(f"{function.id} is called with broken arguments: {error.message}") from error
    reference = ""
    if types[0] == _OBJECT:
        reference = str(values.pop(0))
        if reference == addresses.from_bytes(addresses.APT_METADATA):
            reference = ""
    elif function.type_arguments and function.type_arguments[0] != APTOS_COIN:
        reference = str(function.type_arguments[0])
    to, units = values
    if isinstance(to, str):
        to, units = [to], [units]
    if len(to) != len(units):
        raise InvalidTransaction(f"{function.id} is called with {len(to)} recipients and {len(units)} amounts")
    return Transfers(reference, tuple((address, int(number)) for address, number in zip(to, units, strict=True)))


def pay(asset: Asset, payments: tuple[tuple[str, int], ...]) -> EntryFunction:
    """The call that pays an asset (APT, a fungible asset, a coin) to one or several recipients."""
    several = len(payments) > 1
    tags: tuple[TypeTag, ...] = ()
    arguments: list[Any] = []
    if asset.is_native:
        name = "batch_transfer" if several else "transfer"
    else:
        kind = read_reference(asset.reference)
        if isinstance(kind, TypeTag):
            name, tags = ("batch_transfer_coins" if several else "transfer_coins"), (kind,)
        else:
            arguments.append(kind)
            name = "batch_transfer_fungible_assets"
            if not several:
                return call("0x1::primary_fungible_store::transfer", (METADATA,), (kind, *payments[0]))
    if several:
        arguments += [[to for to, _ in payments], [units for _, units in payments]]
    else:
        arguments += payments[0]
    return call(f"0x1::aptos_account::{name}", tags, tuple(arguments))


def call(name: str, tags: tuple[TypeTag, ...], arguments: tuple[Any, ...]) -> EntryFunction:
    """A call of a function that is known here, its arguments written by their types."""
    _, module, function = name.split("::")
    types = _FUNCTIONS[name][1]
    encoded = tuple(encode_argument(tag, value) for tag, value in zip(types, arguments, strict=True))
    return EntryFunction(addresses.FRAMEWORK, module, function, tags, encoded)


def read_reference(reference: str) -> TypeTag | str:
    """A token's reference: the type of a coin, or the canonical address of a fungible asset's metadata object.

    CAIP-19 allows no colons in a reference, so a coin type is written there with ``%3A``. Raises InvalidAddress.
    """
    if not isinstance(reference, str):
        raise InvalidAddress(f"a token is named by text, not by a value of type {type(reference).__name__}")
    if len(reference) > 2048:
        raise InvalidAddress("a token's name is too long")
    text = unquote(reference)
    if "::" not in text:
        return addresses.parse(text)
    try:
        tag = parse_type(text)
    except InputError as error:
        raise InvalidAddress(error.message) from error
    if tag.kind != "struct":
        raise InvalidAddress("a coin is named by its type, such as 0x1::module::Coin")
    return tag


def asset_id(network: Network, reference: str) -> str:
    """The CAIP-19 id of a token: ``aptos:1/fa:0x...`` or ``aptos:1/coin:0x...%3A%3Amodule%3A%3AName``; APT's own."""
    found = read_reference(reference)
    if found in (APTOS_COIN, addresses.from_bytes(addresses.APT_METADATA)):
        return network.native.id
    if isinstance(found, TypeTag):
        text = str(found).replace(" ", "")
        return f"{network.id}/coin:{quote(text, safe='').replace('_', '%5F')}"
    return f"{network.id}/fa:{found}"
