"""ECDSA signatures of 256-bit curves in strict DER, as BIP-66 demands it."""

from __future__ import annotations

from typing import Final

from ..errors import InputError

__all__ = ["decode", "encode"]

_PLAIN: Final = b"\x30\x44\x02\x20"
_S_HEADER: Final = b"\x02\x20"


def encode(signature: bytes) -> bytes:
    """Strict DER of the 64 bytes ``r || s``: 8 to 72 bytes, without a sighash byte.

    Raises :class:`~multiwallet.errors.InputError` when ``signature`` has another length.

    >>> encode(bytes(31) + b"\\x01" + bytes(31) + b"\\xff").hex()
    '3007020101020200ff'
    """
    if len(signature) != 64:
        raise InputError(f"a compact signature has 64 bytes, not {len(signature)}")
    # Nearly all low-R, low-S signatures have two plain 32-byte integers.
    if 0 < signature[0] < 0x80 and 0 < signature[32] < 0x80:
        return _PLAIN + signature[:32] + _S_HEADER + signature[32:]
    r = _integer(signature[:32])
    s = _integer(signature[32:])
    return bytes((0x30, len(r) + len(s))) + r + s


def _integer(value: bytes) -> bytes:
    value = value.lstrip(b"\0")
    if not value or value[0] >= 0x80:
        value = b"\0" + value
    return bytes((2, len(value))) + value


def decode(data: bytes) -> bytes:
    """The 64 bytes ``r || s`` of a strict DER signature without its sighash byte.

    Raises :class:`~multiwallet.errors.InputError` for everything that BIP-66 refuses (with the reason) and for
    an integer of more than 256 bits.

    >>> signature = decode(bytes.fromhex("3007020101020200ff"))
    >>> len(signature), signature[31], signature[63]
    (64, 1, 255)
    """
    length = len(data)
    if not 8 <= length <= 72:
        raise InputError(f"a DER signature has 8 to 72 bytes, not {length}")
    if data[0] != 0x30:
        raise InputError("a DER signature starts with a sequence (0x30)")
    if data[1] != length - 2:
        raise InputError(f"the DER sequence says {data[1]} bytes and has {length - 2}")
    r, position = _read_integer(data, 2, "r")
    s, position = _read_integer(data, position, "s")
    if position != length:
        raise InputError(f"{length - position} bytes after s in the DER signature")
    return r + s


def _read_integer(data: bytes, position: int, name: str) -> tuple[bytes, int]:
    if position + 2 > len(data):
        raise InputError(f"the DER signature ends before {name}")
    if data[position] != 2:
        raise InputError(f"{name} is no DER integer (0x02)")
    start = position + 2
    end = start + data[position + 1]
    if end > len(data):
        raise InputError(f"{name} is longer than the DER signature")
    value = data[start:end]
    if not value:
        raise InputError(f"{name} has no bytes")
    if value[0] >= 0x80:
        raise InputError(f"{name} is negative")
    if value[0] == 0 and len(value) > 1:
        if value[1] < 0x80:
            raise InputError(f"{name} has a needless zero byte in front")
        value = value[1:]
    if len(value) > 32:
        raise InputError(f"{name} has more than 256 bits")
    return bytes(value).rjust(32, b"\0"), end
