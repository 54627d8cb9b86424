"""CompactSize, Bitcoin's variable-length integer: 1, 3, 5 or 9 bytes, little-endian."""

from __future__ import annotations

from typing import Final

from ..errors import InputError

__all__ = ["decode", "encode"]

_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(0xFD))


def encode(number: int) -> bytes:
    """The shortest CompactSize of ``number``, which is 0 to 2^64 - 1.

    Raises :class:`~multiwallet.errors.InputError` outside of that range.

    >>> encode(252).hex(), encode(253).hex(), encode(65536).hex()
    ('fc', 'fdfd00', 'fe00000100')
    """
    if 0 <= number < 0xFD:
        return _ONE_BYTE[number]
    if 0 <= number <= 0xFFFF:
        return b"\xfd" + number.to_bytes(2, "little")
    if 0 <= number <= 0xFFFFFFFF:
        return b"\xfe" + number.to_bytes(4, "little")
    if 0 <= number <= 0xFFFFFFFFFFFFFFFF:
        return b"\xff" + number.to_bytes(8, "little")
    raise InputError("a CompactSize holds 0 to 2^64 - 1")


def decode(data: bytes, offset: int = 0) -> tuple[int, int]:
    """The CompactSize at ``offset`` in ``data``, and the offset after it.

    Raises :class:`~multiwallet.errors.InputError` when it is cut short or not in its shortest form.

    >>> decode(bytes.fromhex("fd0302ff"))
    (515, 3)
    """
    if not 0 <= offset < len(data):
        raise InputError(f"no CompactSize at byte {offset}: the data has {len(data)} bytes")
    first = data[offset]
    if first < 0xFD:
        return first, offset + 1
    width = 1 << (first - 0xFC)
    end = offset + 1 + width
    if end > len(data):
        raise InputError(f"the CompactSize at byte {offset} is cut short: {end - len(data)} bytes are missing")
    number = int.from_bytes(data[offset + 1 : end], "little")
    if number < (0xFD if width == 2 else 1 << (4 * width)):
        raise InputError(f"the CompactSize at byte {offset} is not in its shortest form")
    return number, end
