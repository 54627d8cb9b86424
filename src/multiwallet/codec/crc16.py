"""CRC-16/XMODEM: polynomial 0x1021, start 0, most significant bit first, as TON's addresses end in it."""

from __future__ import annotations

from typing import Final

__all__ = ["crc16"]


def _row(byte: int) -> int:
    value = byte << 8
    for _ in range(8):
        value = (value << 1) ^ 0x1021 if value & 0x8000 else value << 1
    return value & 0xFFFF


_TABLE: Final = tuple(map(_row, range(256)))


def crc16(data: bytes) -> int:
    """The checksum of ``data``, from 0 to 65535.

    >>> hex(crc16(b"123456789"))
    '0x31c3'
    """
    value = 0
    for byte in data:
        value = ((value << 8) & 0xFFFF) ^ _TABLE[(value >> 8) ^ byte]
    return value
