"""Solana's compact-u16 ("short vec" length): seven bits a byte, lowest first, one to three bytes."""

from __future__ import annotations

from typing import Final

from ..errors import InputError

__all__ = ["decode", "encode"]

_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(0x80))


def encode(number: int) -> bytes:
    """The compact-u16 of ``number``, which is 0 to 65535.

    Raises :class:`~multiwallet.errors.InputError` outside of that range.

    >>> encode(127).hex(), encode(128).hex(), encode(65535).hex()
    ('7f', '8001', 'ffff03')
    """
    if 0 <= number < 0x80:
        return _ONE_BYTE[number]
    if 0 <= number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    if 0 <= number <= 0xFFFF:
        return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14))
    raise InputError("a compact-u16 holds 0 to 65535")


def decode(data: bytes, offset: int = 0) -> tuple[int, int]:
    """The compact-u16 at ``offset`` in ``data``, and the offset after it.

    Raises :class:`~multiwallet.errors.InputError` when it is cut short, above 65535 or not in its shortest form.

    >>> decode(bytes.fromhex("8001ff"))
    (128, 2)
    """
    number = 0
    length = len(data)
    for index in range(3):
        position = offset + index
        if not 0 <= position < length:
            raise InputError(f"the compact-u16 at byte {offset} is cut short")
        byte = data[position]
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if index and not byte:
                raise InputError(f"the compact-u16 at byte {offset} is not in its shortest form")
            if number > 0xFFFF:
                break
            return number, position + 1
    raise InputError(f"the compact-u16 at byte {offset} is above 65535")
