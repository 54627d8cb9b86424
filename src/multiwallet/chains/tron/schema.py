"""Messages of TRON's protocol by field: between their wire bytes, Python values and the node's JSON.

A message's values are a dict by field name without the fields that hold their default, as proto3 has it:
addresses are 21 bytes, integers and enums ``int``, names and other bytes ``bytes``, nested messages dicts,
repeated fields lists. The node's JSON writes addresses as hex (or Base58Check where it says ``visible``),
bytes as hex, names as text where ``visible``, and enums by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ...codec import protobuf
from ...codec.hexadecimal import parse_hex
from ...errors import InputError, InvalidTransaction
from . import addresses

__all__ = ["INT64_MAX", "Field", "Fields", "Values", "decode", "encode", "from_json", "single", "to_json"]

INT64_MAX: Final = 2**63 - 1

Values: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: ``kind`` is address, int, bool, enum, bytes, name, string or message.

    ``names`` are an enum's, by number; ``fields`` a nested message's.
    """

    number: int
    name: str
    kind: str
    repeated: bool = False
    names: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()


Fields: TypeAlias = tuple[Field, ...]

_VARINTS: Final = frozenset(("int", "bool", "enum"))


def single(data: bytes, known: Mapping[int, int], what: str, *, repeated: tuple[int, ...] = ()) -> dict[int, Any]:
    """The fields of an encoded message by number, each at most once; those in ``repeated`` as lists.

    ``known`` maps field numbers to wire types. Raises InvalidTransaction for unknown, repeated or mistyped
    fields: what cannot be shown is not signed.
    """
    try:
        found = protobuf.parse(data)
    except InputError as error:
        raise InvalidTransaction(f"{what} is not well-formed: {error.message}") from None
    fields: dict[int, Any] = {}
    for number, wire_type, value in found:
        if number not in known:
            raise InvalidTransaction(f"{what} has a field {number} that this library does not know: it is not signed")
        if wire_type != known[number]:
            raise InvalidTransaction(f"field {number} of {what} has the wrong type")
        if number in repeated:
            fields.setdefault(number, []).append(value)
        elif number in fields:
            raise InvalidTransaction(f"{what} holds field {number} twice: which one counts is not clear")
        else:
            fields[number] = value
    return fields


def decode(fields: Fields, data: bytes, what: str) -> Values:
    """The values of an encoded message. Raises InvalidTransaction for anything unexpected in it."""
    known = {field.number: protobuf.VARINT if field.kind in _VARINTS else protobuf.LENGTH_DELIMITED for field in fields}
    found = single(data, known, what, repeated=tuple(field.number for field in fields if field.repeated))
    values: Values = {}
    for field in fields:
        raw = found.get(field.number)
        if raw is None:
            continue
        if field.repeated:
            values[field.name] = [_decoded(field, item, what) for item in raw]
        else:
            value = _decoded(field, raw, what)
            if value or field.kind == "message":
                values[field.name] = value
    return values


def _decoded(field: Field, raw: Any, what: str) -> Any:
    match field.kind:
        case "int":
            value = protobuf.signed(raw)
            if value < 0:
                raise InvalidTransaction(f"{field.name} of {what} is negative")
            return value
        case "enum":
            if raw >= len(field.names):
                raise InvalidTransaction(f"{field.name} of {what} has no meaning: {raw}")
            return raw
        case "bool":
            if raw > 1:
                raise InvalidTransaction(f"{field.name} of {what} is neither true nor false")
            return bool(raw)
        case "address":
            if len(raw) != 21 or raw[0] != addresses.PREFIX:
                raise InvalidTransaction(f"{field.name} of {what} is no TRON address (0x41 and 20 bytes)")
            return raw
        case "string":
            try:
                return raw.decode("utf-8")
            except UnicodeDecodeError:
                raise InvalidTransaction(f"{field.name} of {what} is not UTF-8") from None
        case "message":
            return decode(field.fields, raw, f"{field.name} of {what}")
        case _:
            return raw


def encode(fields: Fields, values: Values) -> bytes:
    """The wire bytes of a message, fields in ascending order and defaults left out."""
    parts = []
    for field in fields:
        value = values.get(field.name)
        if value is None:
            continue
        for item in value if field.repeated else (value,):
            if field.kind in _VARINTS:
                parts.append(protobuf.varint_field(field.number, int(item)))
            elif field.kind == "message":
                parts.append(protobuf.message_field(field.number, encode(field.fields, item)))
            else:
                data = item.encode("utf-8") if field.kind == "string" else item
                parts.append(protobuf.bytes_field(field.number, data, keep_empty=field.repeated))
    return b"".join(parts)


def to_json(fields: Fields, values: Values) -> dict[str, Any]:
    """The node's JSON of a message, with ``visible`` false: addresses and names as hex."""
    result: dict[str, Any] = {}
    for field in fields:
        value = values.get(field.name)
        if value is not None:
            result[field.name] = [_shown(field, item) for item in value] if field.repeated else _shown(field, value)
    return result


def _shown(field: Field, value: Any) -> Any:
    match field.kind:
        case "enum":
            return field.names[value]
        case "message":
            return to_json(field.fields, value)
        case "address" | "bytes" | "name":
            return value.hex()
        case _:
            return value


def from_json(fields: Fields, data: Any, what: str, *, visible: bool) -> Values:
    """The values that the node's JSON of a message stands for; fields at their default are dropped.

    Raises InvalidTransaction for unknown fields and values of another type, floats among them.
    """
    if not isinstance(data, Mapping):
        raise InvalidTransaction(f"{what} is a JSON object, not {type(data).__name__}")
    unknown = sorted(str(name) for name in set(data) - {field.name for field in fields})
    if unknown:
        raise InvalidTransaction(f"{what} has an unknown field {unknown[0][:40]!r}")
    values: Values = {}
    for field in fields:
        if field.name not in data:
            continue
        raw, label = data[field.name], f"{field.name} of {what}"
        if field.repeated:
            if not isinstance(raw, list | tuple):
                raise InvalidTransaction(f"{label} is a JSON list, not {type(raw).__name__}")
            if raw:
                values[field.name] = [_read(field, item, label, visible) for item in raw]
        else:
            value = _read(field, raw, label, visible)
            if value or field.kind == "message":
                values[field.name] = value
    return values


def _read(field: Field, raw: Any, label: str, visible: bool) -> Any:
    match field.kind:
        case "message":
            return from_json(field.fields, raw, label, visible=visible)
        case "bool":
            if isinstance(raw, bool):
                return raw
        case "int":
            if isinstance(raw, int) and not isinstance(raw, bool):
                if not 0 <= raw <= INT64_MAX:
                    raise InvalidTransaction(f"{label} is outside of 0 to 2^63 - 1")
                return raw
        case "enum":
            if isinstance(raw, str) and raw in field.names:
                return field.names.index(raw)
            if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw < len(field.names):
                return raw
            raise InvalidTransaction(f"{label} is one of {', '.join(filter(None, field.names))}")
        case "string":
            if isinstance(raw, str):
                return raw
        case _:
            if isinstance(raw, str):
                return _bytes_of(field, raw, label, visible)
    raise InvalidTransaction(f"{label} has the wrong type, {type(raw).__name__}, for a field of kind {field.kind}")


def _bytes_of(field: Field, text: str, label: str, visible: bool) -> bytes:
    try:
        if field.kind == "address":
            return addresses.to_bytes(text)
        if field.kind == "name" and visible:
            return text.encode("utf-8")
        return parse_hex(text, what=label)
    except (InputError, UnicodeEncodeError) as error:
        reason = error.message if isinstance(error, InputError) else "it is no text that can be encoded"
        raise InvalidTransaction(f"{label}: {reason}") from None
