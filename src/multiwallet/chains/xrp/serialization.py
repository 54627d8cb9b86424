"""The ledger's binary form of transactions: fields in one order, each in one way (xrpl.org, "Serialization Format").

A transaction is the servers' JSON here: names to numbers, text and objects. What is decoded is encoded again and
must give the same bytes, so bytes have one reading and a transaction one form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ...codec.reader import Reader
from ...errors import InputError, InvalidTransaction, shown
from . import quantities
from .addresses import account_id, classic
from .currencies import XRP, code_bytes, code_text
from .fields import FIELDS, NOT_SIGNED, TRANSACTION_TYPES, Field, by_code

__all__ = ["LONGEST", "decode", "encode"]

LONGEST: Final = 1_000_000
_DEEPEST: Final = 10
_LONGEST_BLOB: Final = 918_744
_MOST_ITEMS: Final = 512
_END_OBJECT, _END_ARRAY = b"\xe1", b"\xf1"
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII)
_NAMES_OF_TYPES: Final = {number: name for name, number in TRANSACTION_TYPES.items()}
_UNSIGNED: Final = {"UInt8": 1, "UInt16": 2, "UInt32": 4}
_HASHES: Final = {"Hash128": 16, "Hash192": 24, "Hash256": 32}
_DECIMAL: Final = ("MaximumAmount", "MPTAmount")  # numbers of 64 bits that servers write in decimal digits
_ACCOUNT_STEP, _CURRENCY_STEP, _ISSUER_STEP = 1, 16, 32


def encode(transaction: Mapping[str, Any], *, signed: bool = True) -> bytes:
    """The bytes of a transaction; without the fields that signatures do not cover where ``signed`` is False.

    Raises InvalidTransaction for unknown fields and for values that their fields cannot hold.

    >>> encode({"TransactionType": "AccountSet", "Fee": "10", "Sequence": 1, "SigningPubKey": ""}).hex()
    '120003240000000168400000000000000a7300'
    """
    if not isinstance(transaction, Mapping):
        raise InvalidTransaction(f"a transaction is an object of fields, not {type(transaction).__name__}")
    data = _object(transaction, signed, 0)
    if len(data) > LONGEST:
        raise InvalidTransaction("this transaction is longer than the ledger takes")
    return data


def decode(data: bytes) -> dict[str, Any]:
    """The transaction in these bytes, which must be in the canonical form; InvalidTransaction."""
    if not 0 < len(data) <= LONGEST:
        raise InvalidTransaction("a transaction of the XRP Ledger has from 1 to a million bytes")
    reader = Reader(data, "the transaction")
    try:
        found = _read_object(reader, 0, inner=False)
        same = encode(found) == bytes(data)
    except InvalidTransaction:
        raise
    except InputError as error:
        raise InvalidTransaction(error.message) from None
    if not same:
        raise InvalidTransaction("the transaction is not in its canonical form: its bytes could be written otherwise")
    return found


def _object(value: Any, signed: bool, depth: int) -> bytes:
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        raise InvalidTransaction("an inner object of the transaction is none, or nested too deep")
    listed = []
    for name, item in value.items():
        field = FIELDS.get(name) if isinstance(name, str) else None
        if field is None:
            raise InvalidTransaction(f"a transaction has no field {shown(name)} that is known here")
        if signed or name not in NOT_SIGNED:
            listed.append((field, item))
    listed.sort(key=lambda pair: (pair[0].type_code, pair[0].number))
    parts = []
    for field, item in listed:
        try:
            parts.append(field.header + _value(field, item, signed, depth))
        except InputError as error:
            if isinstance(error, InvalidTransaction) and error.message.startswith("the field "):
                raise
            raise InvalidTransaction(f"the field {field.name}: {error.message}") from None
    return b"".join(parts)


def _value(field: Field, item: Any, signed: bool, depth: int) -> bytes:
    kind = field.type
    if kind in _UNSIGNED:
        if field.name == "TransactionType":
            return _type_number(item).to_bytes(2, "big")
        return _whole(item, 8 * _UNSIGNED[kind]).to_bytes(_UNSIGNED[kind], "big")
    match kind:
        case "UInt64":
            return _uint64(field.name, item)
        case "Int32":
            if isinstance(item, bool) or not isinstance(item, int) or not -(2**31) <= item < 2**31:
                raise InvalidTransaction("a whole number of 32 bits with a sign is wanted")
            return item.to_bytes(4, "big", signed=True)
        case "Hash128" | "Hash192" | "Hash256":
            return _exactly(item, _HASHES[kind])
        case "Amount":
            return quantities.encode(item)
        case "Blob":
            data = _hex(item)
            return _length(len(data)) + data
        case "AccountID":
            return b"\x14" + account_id(item)
        case "Currency":
            return XRP if item == "XRP" else code_bytes(item)
        case "Issue":
            return _issue(item)
        case "Vector256":
            if not isinstance(item, list | tuple) or len(item) > _MOST_ITEMS:
                raise InvalidTransaction("a list of hashes is wanted")
            return _length(32 * len(item)) + b"".join(_exactly(one, 32) for one in item)
        case "PathSet":
            return _paths(item)
        case "STObject":
            return _object(item, signed, depth + 1) + _END_OBJECT
    return _array(item, signed, depth)


def _array(item: Any, signed: bool, depth: int) -> bytes:
    if not isinstance(item, list | tuple) or len(item) > _MOST_ITEMS or depth > _DEEPEST:
        raise InvalidTransaction("a list of objects is wanted")
    parts = []
    for element in item:
        name = next(iter(element)) if isinstance(element, Mapping) and len(element) == 1 else None
        field = FIELDS.get(name) if isinstance(name, str) else None
        if field is None or field.type != "STObject":
            raise InvalidTransaction('an item of a list is an object in an object of one name, such as {"Memo": {...}}')
        parts.append(field.header + _object(element[name], signed, depth + 1) + _END_OBJECT)
    return b"".join(parts) + _END_ARRAY


def _whole(item: Any, bits: int) -> int:
    if isinstance(item, bool) or not isinstance(item, int) or not 0 <= item < 1 << bits:
        raise InvalidTransaction(f"a whole number of {bits} bits is wanted")
    return item


def _type_number(item: Any) -> int:
    number = TRANSACTION_TYPES.get(item) if isinstance(item, str) else None
    if number is None:
        raise InvalidTransaction(f"{shown(item)} is no type of transaction that is known here")
    return number


def _uint64(name: str, item: Any) -> bytes:
    pattern, base = (r"[0-9]{1,20}", 10) if name in _DECIMAL else (r"[0-9A-Fa-f]{1,16}", 16)
    if not isinstance(item, str) or not re.fullmatch(pattern, item, re.ASCII) or int(item, base) >> 64:
        raise InvalidTransaction(f"a number of 64 bits in text to the base {base} is wanted")
    return int(item, base).to_bytes(8, "big")


def _hex(item: Any) -> bytes:
    if not isinstance(item, str) or not _HEX.fullmatch(item):
        raise InvalidTransaction("hexadecimal text is wanted, two digits for each byte")
    return bytes.fromhex(item)


def _exactly(item: Any, size: int) -> bytes:
    data = _hex(item)
    if len(data) != size:
        raise InvalidTransaction(f"{2 * size} hexadecimal digits are wanted")
    return data


def _issue(item: Any) -> bytes:
    if isinstance(item, Mapping) and set(item) == {"currency", "issuer"}:
        return code_bytes(item["currency"]) + account_id(item["issuer"])
    if item == {"currency": "XRP"}:
        return XRP
    raise InvalidTransaction('{"currency": "XRP"} is wanted, or a currency with its issuer')


def _paths(item: Any) -> bytes:
    if not isinstance(item, list | tuple) or not 0 < len(item) <= 6:
        raise InvalidTransaction("from one to six paths are wanted")
    parts = []
    for path in item:
        if not isinstance(path, list | tuple) or not 0 < len(path) <= 8:
            raise InvalidTransaction("a path has from one to eight steps")
        parts.append(b"".join(map(_step, path)))
    return b"\xff".join(parts) + b"\0"


def _step(item: Any) -> bytes:
    # Servers add what the step's kind is; it follows from the rest and is not serialised.
    if not isinstance(item, Mapping) or not set(item) <= {"account", "currency", "issuer", "type", "type_hex"}:
        raise InvalidTransaction("a step of a path has account, currency and issuer")
    kind, data = 0, b""
    if "account" in item:
        kind, data = _ACCOUNT_STEP, account_id(item["account"])
    if "currency" in item:
        currency = XRP if item["currency"] == "XRP" else code_bytes(item["currency"])
        kind, data = kind | _CURRENCY_STEP, data + currency
    if "issuer" in item:
        kind, data = kind | _ISSUER_STEP, data + account_id(item["issuer"])
    if not kind:
        raise InvalidTransaction("a step of a path is empty")
    return bytes((kind,)) + data


def _length(size: int) -> bytes:
    if size <= 192:
        return bytes((size,))
    if size <= 12480:
        size -= 193
        return bytes((193 + (size >> 8), size & 0xFF))
    if size <= _LONGEST_BLOB:
        size -= 12481
        return bytes((241 + (size >> 16), size >> 8 & 0xFF, size & 0xFF))
    raise InvalidTransaction("a field is longer than the ledger takes")


# -- reading ---------------------------------------------------------------------------------------


def _read_object(reader: Reader, depth: int, *, inner: bool) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise InvalidTransaction("the transaction is nested too deep")
    found: dict[str, Any] = {}
    while reader.remaining:
        if inner and reader.peek() == _END_OBJECT:
            reader.byte()
            return found
        field = _read_header(reader)
        if field.name in found:
            raise InvalidTransaction(f"the transaction has the field {field.name} twice")
        found[field.name] = _read_value(reader, field, depth)
    if inner:
        raise InvalidTransaction("the transaction ends within an object")
    return found


def _read_header(reader: Reader) -> Field:
    first = reader.byte()
    kind, number = first >> 4, first & 15
    kind = kind or reader.byte()
    number = number or reader.byte()
    field = by_code(kind, number)
    if field is None:
        raise InvalidTransaction(f"the transaction has a field of the type {kind} and number {number}, unknown here")
    return field


def _read_length(reader: Reader) -> int:
    first = reader.byte()
    if first <= 192:
        return first
    if first <= 240:
        return 193 + (first - 193 << 8) + reader.byte()
    if first <= 254:
        return 12481 + (first - 241 << 16) + reader.uint(2, "big")
    raise InvalidTransaction("the length of a field is not readable")


def _read_value(reader: Reader, field: Field, depth: int) -> Any:
    kind = field.type
    if kind in _UNSIGNED:
        number = reader.uint(_UNSIGNED[kind], "big")
        if field.name != "TransactionType":
            return number
        if number not in _NAMES_OF_TYPES:
            raise InvalidTransaction(f"{number} is no type of transaction that is known here")
        return _NAMES_OF_TYPES[number]
    if kind in _HASHES:
        return reader.take(_HASHES[kind]).hex().upper()
    return _READERS[kind](reader, field, depth)


def _read_uint64(reader: Reader, field: Field, depth: int) -> str:
    number = reader.uint(8, "big")
    return str(number) if field.name in _DECIMAL else f"{number:016X}"


def _read_int32(reader: Reader, field: Field, depth: int) -> int:
    return int.from_bytes(reader.take(4), "big", signed=True)


def _read_amount(reader: Reader, field: Field, depth: int) -> Any:
    first = reader.peek()
    return quantities.decode(reader.take(quantities.length(first[0] if first else 0)))


def _read_blob(reader: Reader, field: Field, depth: int) -> str:
    return reader.take(_read_length(reader)).hex().upper()


def _read_account(reader: Reader, field: Field, depth: int) -> str:
    if _read_length(reader) != 20:
        raise InvalidTransaction(f"the field {field.name} is no account, which has 20 bytes")
    return classic(reader.take(20))


def _read_currency(reader: Reader, field: Field, depth: int) -> str:
    data = reader.take(20)
    return "XRP" if data == XRP else code_text(data)


def _read_issue(reader: Reader, field: Field, depth: int) -> dict[str, str]:
    currency = reader.take(20)
    if currency == XRP:
        return {"currency": "XRP"}
    return {"currency": code_text(currency), "issuer": classic(reader.take(20))}


def _read_vector(reader: Reader, field: Field, depth: int) -> list[str]:
    size = _read_length(reader)
    if size % 32:
        raise InvalidTransaction(f"the field {field.name} is no list of hashes")
    return [reader.take(32).hex().upper() for _ in range(size // 32)]


def _read_paths(reader: Reader, field: Field, depth: int) -> list[list[dict[str, str]]]:
    paths: list[list[dict[str, str]]] = [[]]
    while mark := reader.byte():
        if mark == 0xFF:
            paths.append([])
            continue
        step = {}
        if mark & ~(_ACCOUNT_STEP | _CURRENCY_STEP | _ISSUER_STEP):
            raise InvalidTransaction("a step of a path is of an unknown kind")
        if mark & _ACCOUNT_STEP:
            step["account"] = classic(reader.take(20))
        if mark & _CURRENCY_STEP:
            step["currency"] = _read_currency(reader, field, depth)
        if mark & _ISSUER_STEP:
            step["issuer"] = classic(reader.take(20))
        paths[-1].append(step)
    return paths


def _read_inner(reader: Reader, field: Field, depth: int) -> dict[str, Any]:
    return _read_object(reader, depth + 1, inner=True)


def _read_array(reader: Reader, field: Field, depth: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while reader.peek() != _END_ARRAY:
        inner = _read_header(reader)
        if inner.type != "STObject" or len(found) >= _MOST_ITEMS:
            raise InvalidTransaction(f"the list {field.name} holds what is no object, or too many of them")
        found.append({inner.name: _read_object(reader, depth + 1, inner=True)})
    reader.byte()
    return found


_READERS: Final[Mapping[str, Callable[[Reader, Field, int], Any]]] = {
    "UInt64": _read_uint64,
    "Int32": _read_int32,
    "Amount": _read_amount,
    "Blob": _read_blob,
    "AccountID": _read_account,
    "Currency": _read_currency,
    "Issue": _read_issue,
    "Vector256": _read_vector,
    "PathSet": _read_paths,
    "STObject": _read_inner,
    "STArray": _read_array,
}
