"""TRON's transactions, read and written by the devnet itself and not by ``chains/tron``.

The ledger must not believe the code that it is there to test, so the messages of java-tron's ``protocol`` package
stand here a second time, as far as the ledger executes them. Like java-tron, what was parsed is serialised anew and
the id is the SHA-256 of that: bytes in another order get another id, and then their signature does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ..codec import base58
from ..codec.hexadecimal import parse_hex
from ..codec.protobuf import LENGTH_DELIMITED, VARINT, bytes_field, message_field, parse, signed, varint_field
from ..crypto.hashes import sha256
from ..errors import InputError

__all__ = ["CONTRACTS", "Field", "Message", "Transaction", "address_text", "read_address"]

Values: TypeAlias = dict[str, Any]
_TYPE_URL: Final = "type.googleapis.com/protocol."
_MAX_DEPTH: Final = 8


def address_text(address: bytes, visible: bool) -> str:
    """21 address bytes as Base58Check (``visible``) or hex."""
    return base58.encode_check(address) if visible else address.hex()


def read_address(text: object) -> bytes:
    """The 21 bytes of an address in Base58Check or hex. Raises InputError."""
    if not isinstance(text, str) or len(text) > 64:
        raise InputError("an address is text of 34 or 42 characters")
    data = base58.decode_check(text) if text[:1] == "T" else parse_hex(text)
    if len(data) != 21 or data[0] != 0x41:
        raise InputError("an address is 21 bytes that start with 41")
    return data


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message; ``kind`` is int, bool, enum, bytes, address, text or message."""

    number: int
    name: str
    kind: str = "int"
    repeated: bool = False
    message: Message | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A message's fields, and its encoding both ways."""

    fields: tuple[Field, ...]

    def decode(self, data: bytes, depth: int = 0) -> Values:
        """The values by name; what is left out is left out. Raises InputError for unknown fields and wrong types."""
        if depth > _MAX_DEPTH:
            raise InputError("the message is nested too deeply")
        known = {item.number: item for item in self.fields}
        values: Values = {}
        for number, wire, raw in parse(data, canonical=False):
            item = known.get(number)
            if item is None:
                raise InputError(f"the message has an unknown field {number}")
            wanted = VARINT if item.kind in ("int", "bool", "enum") else LENGTH_DELIMITED
            if wire != wanted:
                raise InputError(f"{item.name} has the wrong wire type")
            value = _from_wire(item, raw, depth)
            if item.repeated:
                values.setdefault(item.name, []).append(value)
            else:
                values[item.name] = value
        return {name: value for name, value in values.items() if value not in (0, b"", "", [])}

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """The bytes, fields in ascending order, without zero values."""
        parts = []
        for item in sorted(self.fields, key=lambda item: item.number):
            if item.name in values:
                given = values[item.name]
                parts += [_to_wire(item, value) for value in (given if item.repeated else [given])]
        return b"".join(parts)

    def to_json(self, values: Mapping[str, Any], visible: bool) -> dict[str, Any]:
        """As the node writes it."""
        answer: dict[str, Any] = {}
        for item in self.fields:
            if item.name in values:
                given = values[item.name]
                texts = [_to_json(item, value, visible) for value in (given if item.repeated else [given])]
                answer[item.name] = texts if item.repeated else texts[0]
        return answer

    def from_json(self, stated: object, depth: int = 0) -> Values:
        """From what a client writes. Raises InputError."""
        if not isinstance(stated, Mapping) or depth > _MAX_DEPTH:
            raise InputError("an object belongs here")
        values: Values = {}
        for item in self.fields:
            given = stated.get(item.name)
            if given is None:
                continue
            if item.repeated and not isinstance(given, list | tuple):
                raise InputError(f"{item.name} is a list")
            read = [_from_json(item, value, depth) for value in (given if item.repeated else [given])]
            values[item.name] = read if item.repeated else read[0]
        return {name: value for name, value in values.items() if value not in (0, b"", "", [])}


def _from_wire(item: Field, raw: int | bytes, depth: int) -> Any:
    if isinstance(raw, int):
        return bool(raw) if item.kind == "bool" else signed(raw)
    if item.kind == "message":
        assert item.message is not None
        return item.message.decode(raw, depth + 1)
    if item.kind == "text":
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise InputError(f"{item.name} is no text") from None
    return raw


def _to_wire(item: Field, value: Any) -> bytes:
    if item.kind == "message":
        assert item.message is not None
        return message_field(item.number, item.message.encode(value))
    if item.kind in ("int", "bool", "enum"):
        return varint_field(item.number, int(value))
    return bytes_field(item.number, value.encode() if item.kind == "text" else value)


def _to_json(item: Field, value: Any, visible: bool) -> Any:
    match item.kind:
        case "message":
            assert item.message is not None
            return item.message.to_json(value, visible)
        case "address":
            return address_text(value, visible) if len(value) == 21 else value.hex()
        case "bytes":
            return value.hex()
        case "enum":
            return item.names[value] if 0 <= value < len(item.names) else value
    return value


def _from_json(item: Field, value: Any, depth: int) -> Any:
    match item.kind:
        case "message":
            assert item.message is not None
            return item.message.from_json(value, depth + 1)
        case "address":
            return read_address(value) if value else b""
        case "bytes":
            return parse_hex(value, what=item.name)
        case "bool" if isinstance(value, bool):
            return value
        case "enum" if isinstance(value, str) and value in item.names:
            return item.names.index(value)
        case "text" if isinstance(value, str):
            return value
        case "int" | "enum" if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
            return value
    raise InputError(f"{item.name} has the wrong type")


_OWNER: Final = Field(1, "owner_address", "address")
_PARAMETER: Final = Message((Field(1, "indexed", "bool"), Field(2, "name", "text"), Field(3, "type", "text")))
_ENTRY: Final = Message(
    (
        Field(1, "anonymous", "bool"),
        Field(2, "constant", "bool"),
        Field(3, "name", "text"),
        Field(4, "inputs", "message", True, _PARAMETER),
        Field(5, "outputs", "message", True, _PARAMETER),
        Field(
            6,
            "type",
            "enum",
            names=("UnknownEntryType", "Constructor", "Function", "Event", "Fallback", "Receive", "Error"),
        ),
        Field(7, "payable", "bool"),
        Field(8, "stateMutability", "enum", names=("UnknownMutabilityType", "Pure", "View", "Nonpayable", "Payable")),
    )
)
_SMART_CONTRACT: Final = Message(
    (
        Field(1, "origin_address", "address"),
        Field(2, "contract_address", "address"),
        Field(3, "abi", "message", message=Message((Field(1, "entrys", "message", True, _ENTRY),))),
        Field(4, "bytecode", "bytes"),
        Field(5, "call_value"),
        Field(6, "consume_user_resource_percent"),
        Field(7, "name", "text"),
        Field(8, "origin_energy_limit"),
        Field(9, "code_hash", "bytes"),
        Field(10, "trx_hash", "bytes"),
        Field(11, "version"),
    )
)

CONTRACTS: Final[dict[int, tuple[str, Message]]] = {
    0: (
        "AccountCreateContract",
        Message(
            (
                _OWNER,
                Field(2, "account_address", "address"),
                Field(3, "type", "enum", names=("Normal", "AssetIssue", "Contract")),
            )
        ),
    ),
    1: ("TransferContract", Message((_OWNER, Field(2, "to_address", "address"), Field(3, "amount")))),
    30: (
        "CreateSmartContract",
        Message(
            (
                _OWNER,
                Field(2, "new_contract", "message", message=_SMART_CONTRACT),
                Field(3, "call_token_value"),
                Field(4, "token_id"),
            )
        ),
    ),
    31: (
        "TriggerSmartContract",
        Message(
            (
                _OWNER,
                Field(2, "contract_address", "address"),
                Field(3, "call_value"),
                Field(4, "data", "bytes"),
                Field(5, "call_token_value"),
                Field(6, "token_id"),
            )
        ),
    ),
}
"""The contract types that the ledger executes, by number: name and fields."""

_NUMBERS: Final = {name: number for number, (name, _) in CONTRACTS.items()}
_ANY: Final = Message((Field(1, "type_url", "text"), Field(2, "value", "bytes")))
_CONTRACT: Final = Message(
    (Field(1, "type"), Field(2, "parameter", "message", message=_ANY), Field(5, "Permission_id"))
)
_RAW: Final = Message(
    (
        Field(1, "ref_block_bytes", "bytes"),
        Field(4, "ref_block_hash", "bytes"),
        Field(8, "expiration"),
        Field(10, "data", "bytes"),
        Field(11, "contract", "message", True, _CONTRACT),
        Field(14, "timestamp"),
        Field(18, "fee_limit"),
    )
)
_RESULT: Final = Message((Field(1, "fee"), Field(2, "ret"), Field(3, "contractRet")))
_TRANSACTION: Final = Message(
    (
        Field(1, "raw_data", "bytes"),
        Field(2, "signature", "bytes", True),
        Field(5, "ret", "bytes", True),
    )
)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction of one contract: ``head`` are the fields of raw_data, ``value`` those of the contract."""

    kind: int
    value: Values
    head: Values
    permission: int = 0
    signatures: tuple[bytes, ...] = field(default=())

    @property
    def name(self) -> str:
        """The name of the contract's type."""
        return CONTRACTS[self.kind][0]

    @property
    def owner(self) -> bytes:
        """Who acts, and must have signed."""
        owner: bytes = self.value.get("owner_address", b"")
        return owner

    @property
    def raw_data(self) -> bytes:
        """What is signed."""
        any_ = {"type_url": _TYPE_URL + self.name, "value": CONTRACTS[self.kind][1].encode(self.value)}
        contract = {"type": self.kind, "parameter": any_, "Permission_id": self.permission}
        return _RAW.encode({**self.head, "contract": [contract]})

    @property
    def txid(self) -> bytes:
        """The SHA-256 of :attr:`raw_data`."""
        return sha256(self.raw_data)

    def encode(self, result: int | None = None) -> bytes:
        """The whole transaction; with ``result``, a number of contractRet, as it stands in a block."""
        values: Values = {"raw_data": self.raw_data, "signature": list(self.signatures)}
        if result is not None:
            values["ret"] = [_RESULT.encode({"contractRet": result})]
        return _TRANSACTION.encode(values)

    @classmethod
    def decode(cls, data: bytes) -> Transaction:
        """From the bytes of a whole transaction. Raises InputError."""
        outer = _TRANSACTION.decode(data)
        raw = _RAW.decode(outer.get("raw_data", b""))
        contracts = raw.pop("contract", [])
        if len(contracts) != 1:
            raise InputError("a transaction holds one contract")
        contract = contracts[0]
        kind, any_ = contract.get("type", 0), contract.get("parameter", {})
        if kind not in CONTRACTS:
            raise InputError(f"the devnet does not run contracts of type {kind}")
        name, message = CONTRACTS[kind]
        if any_.get("type_url") != _TYPE_URL + name:
            raise InputError(f"the contract's type is {name}, and its parameter's another")
        value = message.decode(any_.get("value", b""))
        return cls(kind, value, raw, contract.get("Permission_id", 0), tuple(outer.get("signature", ())))

    @classmethod
    def from_json(cls, stated: object) -> Transaction:
        """From the node's JSON: ``raw_data`` and ``signature`` count, whatever else it says. Raises InputError."""
        if not isinstance(stated, Mapping) or not isinstance(stated.get("raw_data"), Mapping):
            raise InputError("a transaction is an object with raw_data")
        raw = stated["raw_data"]
        contracts = raw.get("contract")
        if not isinstance(contracts, list | tuple) or len(contracts) != 1 or not isinstance(contracts[0], Mapping):
            raise InputError("a transaction holds one contract")
        contract = contracts[0]
        kind = _NUMBERS.get(str(contract.get("type")))
        parameter, permission = contract.get("parameter"), contract.get("Permission_id", 0)
        if kind is None or not isinstance(parameter, Mapping):
            raise InputError(f"the devnet does not run contracts of type {str(contract.get('type'))[:40]}")
        if isinstance(permission, bool) or not isinstance(permission, int) or not 0 <= permission < 1 << 31:
            raise InputError("Permission_id is a small number")
        signatures = stated.get("signature") or []
        if not isinstance(signatures, list | tuple) or len(signatures) > 32:
            raise InputError("signature is a list")
        head = _RAW.from_json({name: value for name, value in raw.items() if name != "contract"})
        return cls(
            kind,
            CONTRACTS[kind][1].from_json(parameter.get("value", {})),
            head,
            permission,
            tuple(parse_hex(item, what="a signature") for item in signatures),
        )

    def to_json(self, *, visible: bool, result: str | None = None) -> dict[str, Any]:
        """As the node writes it; ``result`` is the contractRet of one in a block."""
        name, message = CONTRACTS[self.kind]
        contract: dict[str, Any] = {
            "parameter": {"value": message.to_json(self.value, visible), "type_url": _TYPE_URL + name},
            "type": name,
        }
        if self.permission:
            contract["Permission_id"] = self.permission
        raw = self.raw_data
        answer: dict[str, Any] = {
            "visible": visible,
            "txID": sha256(raw).hex(),
            "raw_data": {"contract": [contract], **_RAW.to_json(self.head, visible)},
            "raw_data_hex": raw.hex(),
        }
        if self.signatures:
            answer["signature"] = [item.hex() for item in self.signatures]
        if result is not None:
            answer["ret"] = [{"contractRet": result}]
        return answer
