"""Antelope's built-in types: how each is written to bytes and read from them."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from ...codec.hexadecimal import parse_hex
from ...errors import InputError
from . import names, public_keys, wire
from .wire import Input

__all__ = ["READERS", "WRITERS"]

_BLOCK_EPOCH: Final = 946_684_800_000_000  # the year 2000 in microseconds, where block timestamps begin
_SLOT: Final = 500_000
_FRACTION: Final = re.compile(
    r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:e[-+]?[0-9]{1,3})?|-?inf|nan", re.ASCII | re.IGNORECASE
)


def _whole(value: Any, low: int, high: int) -> int:
    if isinstance(value, float):
        raise TypeError("a number here is whole: an int, or its decimal text")
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,40}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"this is a whole number from {low} to {high}")
    return value


def _text_of(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{what} is text, not {type(value).__name__}")
    return value


def _data_of(value: Any, length: int | None = None) -> bytes:
    if isinstance(value, bytes | bytearray):
        data = bytes(value)
    elif isinstance(value, str):
        data = b"" if value == "" else parse_hex(value)
    else:
        raise InputError(f"this is bytes or their hex, not {type(value).__name__}")
    if length is not None and len(data) != length:
        raise InputError(f"this is {length} bytes in hex, not {len(data)}")
    return data


def _unsigned(size: int) -> Callable[[Any], bytes]:
    return lambda value: _whole(value, 0, 256**size - 1).to_bytes(size, "little")


def _signed(size: int) -> Callable[[Any], bytes]:
    limit = 256**size // 2
    return lambda value: _whole(value, -limit, limit - 1).to_bytes(size, "little", signed=True)


def _zigzag(value: Any) -> bytes:
    number = _whole(value, -(2**31), 2**31 - 1)
    return wire.varuint((number << 1 ^ number >> 31) & 0xFFFFFFFF)


def _read_zigzag(source: Input) -> int:
    number = source.varuint()
    return number >> 1 ^ -(number & 1)


def _boolean(value: Any) -> bytes:
    if value not in (True, False, 0, 1) or isinstance(value, float):
        raise InputError("this is true or false")
    return b"\1" if value else b"\0"


def _read_boolean(source: Input) -> bool:
    value = source.uint(1)
    if value > 1:
        raise InputError("a bool in the data is neither 0 nor 1")
    return bool(value)


def _fraction(form: str) -> Callable[[Any], bytes]:
    def write(value: Any) -> bytes:
        if isinstance(value, float):
            raise TypeError("write a fraction as text: floats are not taken here")
        text = str(value)
        if isinstance(value, bool) or not isinstance(value, str | int) or not _FRACTION.fullmatch(text):
            raise InputError("this is a fraction in decimal text")
        try:
            return struct.pack(form, Decimal(text))
        except OverflowError:
            raise InputError("this number is too large for its type") from None

    return write


def _read_fraction(form: str, size: int) -> Callable[[Input], str]:
    return lambda source: repr(struct.unpack(form, source.take(size))[0])


def _asset(value: Any) -> bytes:
    quantity = names.parse_asset(_text_of(value, "an asset"))
    return quantity.units.to_bytes(8, "little", signed=True) + _symbol_bytes(quantity.symbol)


def _symbol_bytes(symbol: names.Symbol) -> bytes:
    return bytes((symbol.precision,)) + symbol.code.encode("ascii").ljust(7, b"\0")


def _read_asset(source: Input) -> str:
    units = source.signed(8)
    if abs(units) > names.MAX_UNITS:
        raise InputError("an asset in the data has more than 2^62 - 1 units")
    return names.asset_text(names.Quantity(units, names.symbol_value(source.uint(8))))


def _extended_asset(value: Any) -> bytes:
    if not isinstance(value, Mapping) or set(value) != {"quantity", "contract"}:
        raise InputError("an extended asset is an object of quantity and contract")
    return _asset(value["quantity"]) + _name(value["contract"])


def _name(value: Any) -> bytes:
    return names.name_value(_text_of(value, "a name")).to_bytes(8, "little")


def _public_key(value: Any) -> bytes:
    key = public_keys.parse_key(_text_of(value, "a public key"))
    return bytes((key.type,)) + key.data


def _read_public_key(source: Input) -> str:
    kind = source.uint(1)
    if kind > 1:
        raise InputError("a public key in the data is of another kind than K1 and R1")
    return public_keys.key_text(public_keys.PublicKey(kind, source.take(33)))


def _read_signature(source: Input) -> str:
    return public_keys.signature_text(source.take(66))


def _microseconds(value: Any) -> int:
    return names.parse_time(_text_of(value, "a time"))


def _seconds(value: Any) -> bytes:
    moment = _microseconds(value)
    if moment % 1_000_000:
        raise InputError("this time is counted in whole seconds")
    return _whole(moment // 1_000_000, 0, 2**32 - 1).to_bytes(4, "little")


def _slot(value: Any) -> bytes:
    moment = _microseconds(value) - _BLOCK_EPOCH
    if moment % _SLOT:
        raise InputError("this time is counted in half seconds")
    return _whole(moment // _SLOT, 0, 2**32 - 1).to_bytes(4, "little")


def _bytes_of(length: int) -> Callable[[Any], bytes]:
    return lambda value: _data_of(value, length)


def _read_hex(length: int) -> Callable[[Input], str]:
    return lambda source: source.take(length).hex()


def _read_uint(size: int) -> Callable[[Input], int]:
    return lambda source: source.uint(size)


def _read_int(size: int) -> Callable[[Input], int]:
    return lambda source: source.signed(size)


WRITERS: Final[Mapping[str, Callable[[Any], bytes]]] = MappingProxyType(
    {
        "bool": _boolean,
        **{f"uint{8 * size}": _unsigned(size) for size in (1, 2, 4, 8, 16)},
        **{f"int{8 * size}": _signed(size) for size in (1, 2, 4, 8, 16)},
        "varuint32": lambda value: wire.varuint(_whole(value, 0, 2**32 - 1)),
        "varint32": _zigzag,
        "float32": _fraction("<f"),
        "float64": _fraction("<d"),
        "float128": _bytes_of(16),
        "time_point": lambda value: _microseconds(value).to_bytes(8, "little", signed=True),
        "time_point_sec": _seconds,
        "block_timestamp_type": _slot,
        "name": _name,
        "bytes": lambda value: wire.octets(_data_of(value)),
        "string": lambda value: wire.text(_text_of(value, "this")),
        "checksum160": _bytes_of(20),
        "checksum256": _bytes_of(32),
        "checksum512": _bytes_of(64),
        "public_key": _public_key,
        "signature": public_keys.parse_signature,
        "symbol": lambda value: _symbol_bytes(names.parse_symbol(_text_of(value, "a symbol"))),
        "symbol_code": lambda value: names.symbol_code_value(_text_of(value, "a symbol")).to_bytes(8, "little"),
        "asset": _asset,
        "extended_asset": _extended_asset,
    }
)
"""How each type's value becomes bytes; InputError for a value that does not fit, TypeError for a float."""

READERS: Final[Mapping[str, Callable[[Input], Any]]] = MappingProxyType(
    {
        "bool": _read_boolean,
        **{f"uint{8 * size}": _read_uint(size) for size in (1, 2, 4, 8, 16)},
        **{f"int{8 * size}": _read_int(size) for size in (1, 2, 4, 8, 16)},
        "varuint32": Input.varuint,
        "varint32": _read_zigzag,
        "float32": _read_fraction("<f", 4),
        "float64": _read_fraction("<d", 8),
        "float128": _read_hex(16),
        "time_point": lambda source: names.time_text(source.signed(8)),
        "time_point_sec": lambda source: names.time_text(source.uint(4) * 1_000_000),
        "block_timestamp_type": lambda source: names.time_text(source.uint(4) * _SLOT + _BLOCK_EPOCH),
        "name": lambda source: names.name_text(source.uint(8)),
        "bytes": lambda source: source.octets().hex(),
        "string": Input.text,
        "checksum160": _read_hex(20),
        "checksum256": _read_hex(32),
        "checksum512": _read_hex(64),
        "public_key": _read_public_key,
        "signature": _read_signature,
        "symbol": lambda source: names.symbol_text(names.symbol_value(source.uint(8))),
        "symbol_code": lambda source: names.symbol_code_text(source.uint(8)),
        "asset": _read_asset,
        "extended_asset": lambda source: {
            "quantity": _read_asset(source),
            "contract": names.name_text(source.uint(8)),
        },
    }
)
"""How each type is read; InputError for bytes that mean nothing."""
