"""The TypeScript SDK's ``Transaction`` as JSON (version 2), read strictly: nothing may be left to resolve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...codec import base58
from ...errors import InputError, InvalidTransaction
from . import addresses
from .commands import GAS_COIN, Argument, Command
from .signatures import read_base64
from .transaction import (
    MAX_COMMANDS,
    MAX_GAS_OBJECTS,
    MAX_INPUTS,
    U64_MAX,
    GasData,
    Input,
    ObjectRef,
    TransactionData,
)
from .type_tags import IDENTIFIER, TypeTag, parse_type

__all__ = ["read_sdk"]

_UNBUILT: Final = "the transaction is not built yet: hand over what Transaction.build() gives"


def read_sdk(data: Mapping[str, Any]) -> TransactionData:
    """The transaction that the fields describe; InvalidTransaction."""
    try:
        return _read(data)
    except InvalidTransaction:
        raise
    except InputError as error:
        raise InvalidTransaction(f"this is no transaction of the SDK: {error.message}") from error


def _read(data: Mapping[str, Any]) -> TransactionData:
    names = ("version", "sender", "expiration", "gasData", "inputs", "commands")
    fields = _fields(data, names, ("digest",), "the transaction")
    if fields["version"] != 2 or isinstance(fields["version"], bool):
        raise InvalidTransaction("the TypeScript SDK's transactions are read in version 2")
    gas = _fields(fields["gasData"], ("budget", "price", "owner", "payment"), (), "gasData")
    if fields["sender"] is None or any(value is None for value in gas.values()):
        raise InvalidTransaction(_UNBUILT)
    payment = tuple(_ref(item) for item in _list(gas["payment"], "payment", MAX_GAS_OBJECTS))
    made = TransactionData(
        tuple(_input(item) for item in _list(fields["inputs"], "inputs", MAX_INPUTS)),
        tuple(_command(item) for item in _list(fields["commands"], "commands", MAX_COMMANDS)),
        addresses.to_bytes(fields["sender"]),
        GasData(payment, addresses.to_bytes(gas["owner"]), _u64(gas["price"]), _u64(gas["budget"])),
        _expiration(fields["expiration"]),
    )
    stated = fields.get("digest")
    if stated is not None and stated != made.txid:
        raise InvalidTransaction("the digest in the fields is not the transaction's")
    return made


def _fields(value: Any, needed: tuple[str, ...], optional: tuple[str, ...], what: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidTransaction(f"{what} is an object")
    missing = [name for name in needed if name not in value]
    unknown = [name for name in value if name not in (*needed, *optional)]
    if missing or unknown:
        raise InvalidTransaction(f"{what} has the fields {', '.join(needed)}, and no others")
    return dict(value)


def _list(value: Any, what: str, limit: int) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > limit:
        raise InvalidTransaction(f"{what} is a list of at most {limit}")
    return list(value)


def _variant(value: Any, what: str) -> tuple[str, Any]:
    """The one field of an object that stands for an enum; ``$kind`` may name it once more."""
    if not isinstance(value, Mapping):
        raise InvalidTransaction(f"{what} is an object with one field")
    names = [name for name in value if name not in ("$kind", "type")]
    if len(names) != 1 or value.get("$kind", names[0]) != names[0]:
        raise InvalidTransaction(f"{what} is an object with one field")
    return names[0], value[names[0]]


def _u64(value: Any, high: int = U64_MAX) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
        raise InvalidTransaction("a number in the transaction is no whole number that it could be")
    return value


def _ref(value: Any) -> ObjectRef:
    fields = _fields(value, ("objectId", "version", "digest"), (), "the reference of an object")
    digest = fields["digest"]
    data = base58.decode(digest, limit=64) if isinstance(digest, str) else b""
    if len(data) != 32:
        raise InvalidTransaction("the digest of an object is base58 of 32 bytes")
    return ObjectRef(addresses.named(fields["objectId"]), _u64(fields["version"]), data)


def _input(value: Any) -> Input:
    name, content = _variant(value, "an input")
    if name == "Pure":
        return Input("pure", _base64(_fields(content, ("bytes",), (), "Pure")["bytes"]))
    if name in ("UnresolvedPure", "UnresolvedObject"):
        raise InvalidTransaction(_UNBUILT)
    if name != "Object":
        raise InvalidTransaction(f"an input {name[:40]} is read from a transaction's bytes alone: hand over these")
    kind, content = _variant(content, "an object")
    if kind == "SharedObject":
        fields = _fields(content, ("objectId", "initialSharedVersion", "mutable"), (), kind)
        if not isinstance(fields["mutable"], bool):
            raise InvalidTransaction("mutable is true or false")
        ref = ObjectRef(addresses.named(fields["objectId"]), _u64(fields["initialSharedVersion"]), b"")
        return Input("shared", ref=ref, mutable=fields["mutable"])
    if kind not in ("ImmOrOwnedObject", "Receiving"):
        raise InvalidTransaction("an object is an ImmOrOwnedObject, a SharedObject or Receiving")
    return Input("owned" if kind == "ImmOrOwnedObject" else "receiving", ref=_ref(content))


def _base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise InvalidTransaction("bytes are written in base64")
    return read_base64(value, "the bytes")


def _argument(value: Any) -> Argument:
    name, content = _variant(value, "an argument")
    if name == "GasCoin" and content is True:
        return GAS_COIN
    if name in ("Input", "Result"):
        return Argument(name.lower(), _u64(content, 0xFFFF))
    if name == "NestedResult" and isinstance(content, list | tuple) and len(content) == 2:
        return Argument("nested", _u64(content[0], 0xFFFF), _u64(content[1], 0xFFFF))
    raise InvalidTransaction("an argument is a GasCoin, an Input, a Result or a NestedResult")


def _arguments(value: Any) -> tuple[Argument, ...]:
    return tuple(_argument(item) for item in _list(value, "arguments", 1024))


def _command(value: Any) -> Command:
    name, content = _variant(value, "a command")
    match name:
        case "MoveCall":
            fields = _fields(
                content, ("package", "module", "function", "typeArguments", "arguments"), ("_argumentTypes",), name
            )
            for part in (fields["module"], fields["function"]):
                if not isinstance(part, str) or not IDENTIFIER.fullmatch(part):
                    raise InvalidTransaction("the name of a function holds characters that no name has")
            types = tuple(_type(item) for item in _list(fields["typeArguments"], "typeArguments", 32))
            package = addresses.named(fields["package"])
            arguments = _arguments(fields["arguments"])
            return Command(name, arguments, None, package, fields["module"], fields["function"], types)
        case "TransferObjects":
            fields = _fields(content, ("objects", "address"), (), name)
            return Command(name, _arguments(fields["objects"]), _argument(fields["address"]))
        case "SplitCoins":
            fields = _fields(content, ("coin", "amounts"), (), name)
            return Command(name, _arguments(fields["amounts"]), _argument(fields["coin"]))
        case "MergeCoins":
            fields = _fields(content, ("destination", "sources"), (), name)
            return Command(name, _arguments(fields["sources"]), _argument(fields["destination"]))
        case "MakeMoveVec":
            fields = _fields(content, ("type", "elements"), (), name)
            tag = () if fields["type"] is None else (_type(fields["type"]),)
            return Command(name, _arguments(fields["elements"]), types=tag)
        case "Publish" | "Upgrade":
            return _code(name, content)
    raise InvalidTransaction(_UNBUILT if name == "$Intent" else f"there is no command {name[:40]}")


def _code(name: str, content: Any) -> Command:
    more = ("package", "ticket") if name == "Upgrade" else ()
    fields = _fields(content, ("modules", "dependencies", *more), (), name)
    modules = tuple(_base64(item) for item in _list(fields["modules"], "modules", 256))
    dependencies = tuple(addresses.named(item) for item in _list(fields["dependencies"], "dependencies", 256))
    if not more:
        return Command(name, code=modules, dependencies=dependencies)
    ticket, package = _argument(fields["ticket"]), addresses.named(fields["package"])
    return Command(name, (), ticket, package, code=modules, dependencies=dependencies)


def _type(value: Any) -> TypeTag:
    return parse_type(value)


def _expiration(value: Any) -> int | None:
    if value is None:
        return None
    name, content = _variant(value, "expiration")
    if name == "None" and content is True:
        return None
    if name == "Epoch":
        return _u64(content)
    raise InvalidTransaction(f"an expiration {name[:40]} is read from a transaction's bytes alone: hand over these")
