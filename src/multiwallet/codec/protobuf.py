"""The wire format of Protocol Buffers (protobuf.dev, "Encoding"): fields in, fields out, no schema.

A message is the fields' bytes one after the other, written by :func:`varint_field`, :func:`bytes_field` and
:func:`message_field` in ascending field order, as every serialiser does. Like proto3, the first two leave out
zero and empty values unless told otherwise.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from ..errors import InputError

__all__ = [
    "FIXED32",
    "FIXED64",
    "LENGTH_DELIMITED",
    "VARINT",
    "Field",
    "bytes_field",
    "decode_varint",
    "encode_varint",
    "message_field",
    "parse",
    "signed",
    "varint_field",
]

VARINT: Final = 0
FIXED64: Final = 1
LENGTH_DELIMITED: Final = 2
FIXED32: Final = 5

Field: TypeAlias = tuple[int, int, int | bytes]
"""Field number, wire type, value: ``bytes`` for a length-delimited field, else an unsigned ``int``."""

_MAX_FIELD: Final = (1 << 29) - 1
_ONE_BYTE: Final = tuple(bytes((value,)) for value in range(0x80))
_MASK: Final = (1 << 64) - 1


def encode_varint(value: int) -> bytes:
    """The varint of ``value``: one byte for each seven bits, lowest first.

    ``value`` is -2^63 to 2^64 - 1. A negative one is written as its 64-bit two's complement, ten bytes, as the
    types int32, int64 and enum are. Raises :class:`~multiwallet.errors.InputError` outside of that range.

    >>> encode_varint(150).hex(), encode_varint(-1).hex()
    ('9601', 'ffffffffffffffffff01')
    """
    if 0 <= value < 0x80:
        return _ONE_BYTE[value]
    if value < 0:
        if value < -(1 << 63):
            raise InputError("a varint holds -2^63 to 2^64 - 1")
        value &= _MASK
    elif value > _MASK:
        raise InputError("a varint holds -2^63 to 2^64 - 1")
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def decode_varint(data: bytes, offset: int = 0, *, canonical: bool = True) -> tuple[int, int]:
    """The varint at ``offset`` in ``data``, as an unsigned integer below 2^64, and the offset after it.

    ``canonical`` refuses one that could be shorter. Raises :class:`~multiwallet.errors.InputError` for that, for a
    varint that is cut short and for one above 64 bits.

    >>> decode_varint(bytes.fromhex("9601ff"))
    (150, 2)
    """
    if not 0 <= offset < len(data):
        raise InputError(f"no varint at byte {offset}: the data has {len(data)} bytes")
    first = data[offset]
    if first < 0x80:
        return first, offset + 1
    value = 0
    for index, byte in enumerate(data[offset : offset + 10]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if canonical and not byte:
                raise InputError(f"the varint at byte {offset} is not in its shortest form")
            if value > _MASK:
                break
            return value, offset + index + 1
    else:
        if offset + 10 > len(data):
            raise InputError(f"the varint at byte {offset} is cut short")
    raise InputError(f"the varint at byte {offset} has more than 64 bits")


def signed(value: int) -> int:
    """The int64 (also int32 or enum) that a decoded varint stands for.

    >>> signed(2**64 - 1), signed(150)
    (-1, 150)
    """
    return value - (1 << 64) if value >= 1 << 63 else value


def _tag(field: int, wire_type: int) -> bytes:
    tag = field << 3 | wire_type
    if 8 <= tag < 0x80:
        return _ONE_BYTE[tag]
    if not 1 <= field <= _MAX_FIELD:
        raise InputError(f"field number {field}: it is 1 to 2^29 - 1")
    return encode_varint(tag)


def varint_field(field: int, value: int, *, keep_zero: bool = False) -> bytes:
    """A field of an integer, boolean or enum type; nothing for zero unless ``keep_zero``.

    >>> varint_field(1, 150).hex(), varint_field(1, 0)
    ('089601', b'')
    """
    if not value and not keep_zero:
        return b""
    return _tag(field, VARINT) + encode_varint(value)


def bytes_field(field: int, data: bytes, *, keep_empty: bool = False) -> bytes:
    """A field of type bytes or string (encode text first); nothing when empty unless ``keep_empty``.

    >>> bytes_field(2, b"testing").hex()
    '120774657374696e67'
    """
    if not data and not keep_empty:
        return b""
    return _tag(field, LENGTH_DELIMITED) + encode_varint(len(data)) + data


def message_field(field: int, message: bytes) -> bytes:
    """A field that holds an encoded message. An empty message is written too: it is present.

    >>> message_field(3, varint_field(1, 150)).hex(), message_field(3, b"").hex()
    ('1a03089601', '1a00')
    """
    return _tag(field, LENGTH_DELIMITED) + encode_varint(len(message)) + message


def parse(data: bytes, *, canonical: bool = True) -> list[Field]:
    """The fields of an encoded message, in their order: ``(field number, wire type, value)``.

    ``canonical`` takes only what a serialiser writes: varints in their shortest form and field numbers that never
    go down. Without it, any order and padded varints pass. The groups of proto2 never do.

    Raises :class:`~multiwallet.errors.InputError` for anything else, with the position.

    >>> parse(bytes.fromhex("089601120774657374696e67"))
    [(1, 0, 150), (2, 2, b'testing')]
    """
    data = bytes(data)
    fields: list[Field] = []
    position = 0
    previous = 0
    end = len(data)
    while position < end:
        start = position
        tag, position = decode_varint(data, position, canonical=canonical)
        field = tag >> 3
        wire_type = tag & 7
        if not 1 <= field <= _MAX_FIELD:
            raise InputError(f"field number {field} at byte {start}: it is 1 to 2^29 - 1")
        if canonical and field < previous:
            raise InputError(f"field {field} at byte {start} comes after field {previous}: the order is not canonical")
        previous = field
        value: int | bytes
        if wire_type == VARINT:
            value, position = decode_varint(data, position, canonical=canonical)
        elif wire_type == LENGTH_DELIMITED:
            length, position = decode_varint(data, position, canonical=canonical)
            value = data[position : position + length]
            position += length
        elif wire_type in (FIXED64, FIXED32):
            width = 8 if wire_type == FIXED64 else 4
            value = int.from_bytes(data[position : position + width], "little")
            position += width
        else:
            raise InputError(f"field {field} at byte {start} has wire type {wire_type}, which is not supported")
        if position > end:
            raise InputError(f"field {field} at byte {start} is cut short: {position - end} bytes are missing")
        fields.append((field, wire_type, value))
    return fields
