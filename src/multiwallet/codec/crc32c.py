"""CRC-32C (Castagnoli), the checksum at the end of a bag of cells."""

from __future__ import annotations

from typing import Final

__all__ = ["crc32c"]


def _row(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0x82F63B78 if byte & 1 else byte >> 1
    return byte


_TABLE: Final = tuple(map(_row, range(256)))


def crc32c(data: bytes) -> int:
    """The checksum of ``data``, from 0 to 2^32 - 1 (RFC 3720, appendix B.4).

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF
