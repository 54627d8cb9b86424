"""Public keys and signatures as texts: ``PUB_K1_...``, the older ``EOS...``, ``SIG_K1_...`` and their R1 kin.

The checksum is the first four bytes of RIPEMD-160 over the data and, in the newer forms, the curve's name.
On the wire a public key is one byte of type (0 is K1, 1 is R1) and 33 bytes; a signature one byte and 65: the
recovery id plus 31, r, s.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ...codec import base58
from ...crypto.hashes import ripemd160
from ...crypto.secp256k1 import is_valid_public_key, recover
from ...errors import InputError, InvalidAddress, InvalidTransaction, shown

__all__ = [
    "PublicKey",
    "is_canonical",
    "is_key_text",
    "key_text",
    "legacy_text",
    "parse_key",
    "parse_signature",
    "signature_bytes",
    "signature_text",
    "signer_of",
]

_CURVES: Final = {0: "K1", 1: "R1"}
_TYPES: Final = {name: number for number, name in _CURVES.items()}
_WITH_COMPRESSED: Final = 31  # 27, and 4 for a compressed key


class PublicKey(NamedTuple):
    """A public key of 33 bytes and its type on the wire: 0 for secp256k1 (K1), 1 for secp256r1 (R1)."""

    type: int
    data: bytes


def _written(data: bytes, suffix: bytes = b"") -> str:
    return base58.encode(data + ripemd160(data + suffix)[:4])


def _read(text: str, size: int, suffix: bytes, what: str) -> bytes:
    data = base58.decode(text, limit=160)
    if len(data) != size + 4:
        raise InputError(f"{what} holds {len(data)} bytes instead of {size + 4}: a character is missing or too many")
    if ripemd160(data[:size] + suffix)[:4] != data[size:]:
        raise InputError(f"the checksum of {what} does not match: a character is wrong or swapped")
    return data[:size]


def key_text(key: PublicKey) -> str:
    """A public key as ``PUB_K1_...`` or ``PUB_R1_...``."""
    curve = _CURVES[key.type]
    return f"PUB_{curve}_{_written(key.data, curve.encode())}"


def legacy_text(data: bytes, prefix: str = "EOS") -> str:
    """A secp256k1 key of 33 bytes in the older form, ``EOS...`` (other chains have other prefixes)."""
    return prefix + _written(data)


def is_key_text(text: str, prefix: str = "EOS") -> bool:
    """Whether a text can only be meant as a public key: no account name has capital letters."""
    return text.startswith(("PUB_", prefix)) and len(text) > 12


def parse_key(text: str, prefix: str = "EOS") -> PublicKey:
    """A public key from ``PUB_K1_...``, ``PUB_R1_...`` or the older form; InvalidAddress says what is wrong.

    >>> key = parse_key("EOS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV")
    >>> key_text(key)
    'PUB_K1_6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5BoDq63'
    """
    if not isinstance(text, str) or len(text) > 160:
        raise InvalidAddress(f"{shown(text)} is no public key")
    try:
        if text.startswith("PUB_"):
            curve = text[4:7].removesuffix("_")
            if curve not in _TYPES or text[6:7] != "_":
                raise InputError(f"{shown(text)} is of a kind that is not known here: PUB_K1_ and PUB_R1_ are")
            key = PublicKey(_TYPES[curve], _read(text[7:], 33, curve.encode(), "the public key"))
        elif text.startswith(prefix):
            key = PublicKey(0, _read(text[len(prefix) :], 33, b"", "the public key"))
        else:
            raise InputError(f"{shown(text)} is no public key: it starts with PUB_K1_ or {prefix}")
        if key.type == 0 and not is_valid_public_key(key.data):
            raise InputError("this public key is no point of secp256k1")
        if key.data[0] not in (2, 3):
            raise InputError("this public key is not compressed")
    except InputError as error:
        raise InvalidAddress(error.message) from None
    return key


def signature_bytes(signature: bytes) -> bytes:
    """A signature as it travels (66 bytes) from r, s and a recovery id of 0 to 3; InvalidTransaction.

    >>> signature_bytes(b"\\x01" * 64 + b"\\x00")[:2].hex()
    '001f'
    """
    if len(signature) != 65 or signature[64] > 3:
        raise InvalidTransaction("an Antelope signature is made from 65 bytes: r, s and a recovery id from 0 to 3")
    return bytes((0, signature[64] + _WITH_COMPRESSED)) + signature[:64]


def signature_text(wire: bytes) -> str:
    """``SIG_K1_...`` of a signature as it travels (66 bytes); InvalidTransaction for other kinds."""
    curve = _CURVES.get(wire[0]) if len(wire) == 66 else None
    if curve is None:
        raise InvalidTransaction("a signature here has 66 bytes, of which the first is 0 (K1) or 1 (R1)")
    return f"SIG_{curve}_{_written(wire[1:], curve.encode())}"


def parse_signature(text: object) -> bytes:
    """The 66 bytes of ``SIG_K1_...`` (or ``SIG_R1_...``); InvalidTransaction says what is wrong."""
    if not isinstance(text, str) or len(text) > 160 or text[:7] not in ("SIG_K1_", "SIG_R1_"):
        raise InvalidTransaction(f"{shown(text)} is no signature: it starts with SIG_K1_")
    curve = text[4:6]
    try:
        return bytes((_TYPES[curve],)) + _read(text[7:], 65, curve.encode(), "the signature")
    except InputError as error:
        raise InvalidTransaction(error.message) from None


def is_canonical(signature: bytes) -> bool:
    """Whether r and s (the first 64 bytes) have no high bit and no needless zero in front, as the chain demands."""
    return all(
        number[0] < 0x80 and (number[0] != 0 or number[1] >= 0x80) for number in (signature[:32], signature[32:64])
    )


def signer_of(wire: bytes, digest: bytes) -> bytes:
    """The 33-byte secp256k1 key that made a signature (66 bytes) over a 32-byte digest; InvalidTransaction."""
    if len(wire) != 66 or wire[0] != 0:
        raise InvalidTransaction("only K1 signatures can be checked here")
    recovery = wire[1] - _WITH_COMPRESSED
    if not 0 <= recovery <= 3:
        raise InvalidTransaction("the recovery byte of the signature is not from 31 to 34")
    try:
        return recover(wire[2:] + bytes((recovery,)), digest)
    except InputError as error:
        raise InvalidTransaction(f"the signature cannot be read: {error.message}") from None
