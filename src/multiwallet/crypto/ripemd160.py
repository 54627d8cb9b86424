"""RIPEMD-160 in plain Python, for the OpenSSL builds that leave it out."""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["ripemd160"]

_MASK: Final = 0xFFFFFFFF
_START: Final = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
_LEFT_CONSTANTS: Final = (0x00000000, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
_RIGHT_CONSTANTS: Final = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0x00000000)

# The word each of the 80 steps reads and how far it rotates, sixteen steps a row.
_LEFT_WORDS: Final = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8),
    (3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12),
    (1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2),
    (4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13),
)
_RIGHT_WORDS: Final = (
    (5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12),
    (6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2),
    (15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13),
    (8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14),
    (12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11),
)
_LEFT_ROTATIONS: Final = (
    (11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8),
    (7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12),
    (11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5),
    (11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12),
    (9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6),
)
_RIGHT_ROTATIONS: Final = (
    (8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6),
    (9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11),
    (9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5),
    (15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8),
    (8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11),
)


def _mix(round_number: int, x: int, y: int, z: int) -> int:
    if round_number == 0:
        return x ^ y ^ z
    if round_number == 1:
        return (x & y) | (~x & z)
    if round_number == 2:
        return (x | ~y) ^ z
    if round_number == 3:
        return (x & z) | (y & ~z)
    return x ^ (y | ~z)


def _line(
    state: tuple[int, ...],
    block: tuple[int, ...],
    words: tuple[tuple[int, ...], ...],
    rotations: tuple[tuple[int, ...], ...],
    constants: tuple[int, ...],
    functions: tuple[int, ...],
) -> tuple[int, int, int, int, int]:
    a, b, c, d, e = state
    for row in range(5):
        function, constant = functions[row], constants[row]
        for word, rotation in zip(words[row], rotations[row], strict=True):
            total = (a + _mix(function, b, c, d) + block[word] + constant) & _MASK
            rotated = ((total << rotation) | (total >> (32 - rotation))) + e
            a, b, c, d, e = e, rotated & _MASK, b, ((c << 10) | (c >> 22)) & _MASK, d
    return a, b, c, d, e


def ripemd160(data: bytes | bytearray | memoryview) -> bytes:
    """RIPEMD-160 of ``data``: 20 bytes (Dobbertin, Bosselaers and Preneel, 1996; ISO/IEC 10118-3).

    About a hundred times slower than OpenSSL's. Use :func:`multiwallet.crypto.hashes.ripemd160`, which
    takes OpenSSL's where there is one.

    >>> ripemd160(b"abc").hex()
    '8eb208f7e05d987a9b044a8e98c6b087f15a0bfc'
    """
    message = bytes(data)
    padded = message + b"\x80" + bytes((55 - len(message)) % 64) + struct.pack("<Q", (len(message) * 8) % 2**64)
    h0, h1, h2, h3, h4 = _START
    for block in struct.iter_unpack("<16L", padded):
        state = (h0, h1, h2, h3, h4)
        a, b, c, d, e = _line(state, block, _LEFT_WORDS, _LEFT_ROTATIONS, _LEFT_CONSTANTS, (0, 1, 2, 3, 4))
        f, g, h, i, j = _line(state, block, _RIGHT_WORDS, _RIGHT_ROTATIONS, _RIGHT_CONSTANTS, (4, 3, 2, 1, 0))
        h0, h1, h2, h3, h4 = (
            (h1 + c + i) & _MASK,
            (h2 + d + j) & _MASK,
            (h3 + e + f) & _MASK,
            (h4 + a + g) & _MASK,
            (h0 + b + h) & _MASK,
        )
    return struct.pack("<5L", h0, h1, h2, h3, h4)
