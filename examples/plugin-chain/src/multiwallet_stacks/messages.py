"""Messages as Stacks wallets sign them."""

from __future__ import annotations

from multiwallet.codec import compact_size
from multiwallet.codec.hexadecimal import parse_hex
from multiwallet.crypto.hashes import hash160, sha256
from multiwallet.crypto.secp256k1 import recover
from multiwallet.errors import InvalidMessage, MultiwalletError

__all__ = ["preimage", "signed_by"]

_PREFIX = b"\x17Stacks Signed Message:\n"


def preimage(message: str | bytes) -> bytes:
    """What is hashed: the prefix, the message's length in bytes and the message."""
    try:
        data = message.encode() if isinstance(message, str) else bytes(message)
    except UnicodeEncodeError:
        raise InvalidMessage("the message is no valid Unicode text") from None
    return _PREFIX + compact_size.encode(len(data)) + data


def signed_by(owner: bytes, message: str | bytes, signature: str | bytes) -> bool:
    """Whether the key of a 20-byte hash signed. False for whatever is no signature."""
    try:
        data = signature if isinstance(signature, bytes) else parse_hex(signature, length=65, what="the signature")
        return len(data) == 65 and hash160(recover(data, sha256(preimage(message)))) == owner
    except MultiwalletError:
        return False
