"""Signed messages: TIP-191 in its second version, as ``signMessageV2`` of tronweb and TRON wallets write them."""

from __future__ import annotations

from typing import Final

from ...codec.hexadecimal import parse_hex
from ...crypto.hashes import keccak256
from ...errors import InputError, InvalidMessage
from . import addresses, signatures

__all__ = ["hash_of", "is_signed_by", "preimage", "written"]

_PREFIX: Final = b"\x19TRON Signed Message:\n"


def preimage(message: str | bytes) -> bytes:
    """What is hashed with Keccak-256 and signed: the prefix, the length in decimal, the message (text as UTF-8).

    Text is never read as hex: ``"0xdeadbeef"`` is ten characters. Raises InvalidMessage for text that UTF-8
    cannot carry.

    >>> preimage("hi")
    b'\\x19TRON Signed Message:\\n2hi'
    """
    if isinstance(message, str):
        try:
            data = message.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidMessage("the message holds a lone surrogate, which UTF-8 cannot carry") from None
    elif isinstance(message, bytes | bytearray | memoryview):
        data = bytes(message)
    else:
        raise InvalidMessage(f"a message is text or bytes, not {type(message).__name__}")
    return _PREFIX + str(len(data)).encode("ascii") + data


def written(signature: bytes) -> str:
    """A signature as wallets write it: ``0x`` and 65 bytes of hex, the last 1b or 1c."""
    return "0x" + signatures.with_v(signature).hex()


def is_signed_by(address: str, digest: bytes, signature: str | bytes) -> bool:
    """Whether a signature (65 bytes or their hex) over a 32-byte digest is the address's. Malformed ones are not."""
    try:
        data = parse_hex(signature, length=65) if isinstance(signature, str) else bytes(signature)
        return addresses.from_bytes(signatures.signer_of(data, digest)) == address
    except (InputError, TypeError, ValueError):
        return False


def hash_of(message: str | bytes) -> bytes:
    """The 32 bytes that are signed for a message."""
    return keccak256(preimage(message))
