"""TRON's 65-byte signatures: r, s and one byte v that names the public key.

java-tron takes v as 0 and 1 or as 27 and 28. Wallets write 27 and 28 (``1b``, ``1c``), and so does this library.
"""

from __future__ import annotations

from ...codec.hexadecimal import parse_hex
from ...crypto.secp256k1 import recover
from ...errors import InputError, InvalidTransaction
from . import addresses

__all__ = ["from_hex", "signer_of", "with_recovery_id", "with_v"]


def with_v(signature: bytes) -> bytes:
    """A signature with v of 27 or more, from 65 bytes that end in the recovery id 0 to 3.

    Raises InvalidTransaction for another length or recovery id.

    >>> with_v(bytes(64) + b"\\x01")[-1]
    28
    """
    if len(signature) != 65 or signature[64] > 3:
        raise InvalidTransaction("a TRON signature is made from 65 bytes: r, s and a recovery id from 0 to 3")
    return signature[:64] + bytes((signature[64] + 27,))


def with_recovery_id(signature: bytes) -> bytes:
    """The reverse of :func:`with_v`, which also takes a v of 0 to 3. Raises InvalidTransaction."""
    if len(signature) != 65:
        raise InvalidTransaction(f"a TRON signature has 65 bytes, not {len(signature)}")
    v = signature[64]
    if 27 <= v <= 30:
        v -= 27
    if v > 3:
        raise InvalidTransaction(f"the last byte of a TRON signature is 27 or 28 (or 0 or 1), not {signature[64]}")
    return signature[:64] + bytes((v,))


def signer_of(signature: bytes, digest: bytes) -> bytes:
    """The 21-byte address whose key made a signature over a 32-byte digest; InvalidTransaction when there is none."""
    try:
        return addresses.of_public_key(recover(with_recovery_id(signature), digest))
    except InvalidTransaction:
        raise
    except InputError as error:
        raise InvalidTransaction(f"the signature cannot be read: {error.message}") from None


def from_hex(text: object) -> bytes:
    """The 65 bytes of a signature in hex, with or without 0x. Raises InvalidTransaction."""
    if not isinstance(text, str):
        raise InvalidTransaction(f"a TRON signature is hex text, not {type(text).__name__}")
    try:
        return parse_hex(text, length=65, what="the signature")
    except InputError as error:
        raise InvalidTransaction(error.message) from None
