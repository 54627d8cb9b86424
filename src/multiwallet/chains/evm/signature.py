"""Who signed: addresses from public keys, and from the forms in which EVM signatures are written."""

from __future__ import annotations

from typing import Final

from ...codec.hexadecimal import parse_hex
from ...crypto.hashes import keccak256
from ...errors import InputError, InvalidKey

__all__ = ["address_of", "parse_signature", "recover_address"]

_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def address_of(public_key: bytes) -> bytes:
    """The 20-byte address of a public key of 33 or 65 bytes; InvalidKey for what is no point of the curve."""
    from ...crypto.secp256k1 import decompress

    return keccak256(decompress(public_key)[1:])[12:]


def recover_address(signature: bytes, digest: bytes) -> bytes | None:
    """The 20-byte address that made a signature (r, s, recovery id) over a 32-byte digest; None where none fits."""
    from ...crypto.secp256k1 import recover

    try:
        return address_of(recover(signature, digest))
    except (InputError, InvalidKey):
        return None


def parse_signature(signature: str | bytes) -> bytes | None:
    """A message signature as 65 bytes: r, s and the recovery id 0 or 1. None where it is none.

    Taken are 65 bytes with v 0, 1, 27 or 28, and the 64 bytes of EIP-2098, as bytes or hex. A high s is refused:
    it would be a second valid signature of the same message.

    >>> parse_signature(b"\\x01" * 64 + b"\\x1c")[64]
    1
    >>> parse_signature("0xnonsense") is None
    True
    """
    if isinstance(signature, str):
        try:
            raw = parse_hex(signature)
        except InputError:
            return None
    elif isinstance(signature, bytes | bytearray):
        raw = bytes(signature)
    else:
        return None
    if len(raw) == 65 and raw[64] in (0, 1, 27, 28):
        parity, s = raw[64] % 27, int.from_bytes(raw[32:64], "big")
    elif len(raw) == 64:
        parity, s = raw[32] >> 7, int.from_bytes(raw[32:], "big") & ((1 << 255) - 1)
    else:
        return None
    if not 0 < s <= _HALF_ORDER:
        return None
    return raw[:32] + s.to_bytes(32, "big") + bytes((parity,))
