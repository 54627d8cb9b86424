"""Messages, as Polkadot-JS signs them: the text between ``<Bytes>`` and ``</Bytes>``.

The envelope keeps a message from being the payload of a transaction. One that has it already gets no second one.
"""

from __future__ import annotations

from typing import Final

from ...codec.hexadecimal import parse_hex
from ...crypto import ed25519, secp256k1
from ...crypto.hashes import blake2b
from ...errors import InputError, InvalidMessage

__all__ = ["is_signed_by", "wrapped"]

_OPEN: Final = b"<Bytes>"
_CLOSE: Final = b"</Bytes>"


def wrapped(message: str | bytes) -> bytes:
    """The bytes that are signed for a text (UTF-8) or bytes.

    >>> wrapped("hello")
    b'<Bytes>hello</Bytes>'
    """
    if isinstance(message, str):
        try:
            message = message.encode()
        except UnicodeEncodeError:
            raise InvalidMessage("a text with half a surrogate pair has no UTF-8") from None
    if not isinstance(message, bytes | bytearray):
        raise InvalidMessage(f"a message is text or bytes, not {type(message).__name__}")
    data = bytes(message)
    if data.startswith(_OPEN) and data.endswith(_CLOSE):
        return data
    return _OPEN + data + _CLOSE


def is_signed_by(account: bytes, message: str | bytes, signature: str | bytes) -> bool:
    """Whether a signature of any of the three kinds over the message is the account's (32 bytes).

    Taken are the bare signature (64 bytes; 65 of ecdsa) and the one with its kind's byte in front. Bytes, or hex.
    """
    data = wrapped(message)
    if isinstance(signature, str):
        try:
            signature = parse_hex(signature)
        except InputError:
            return False
    if not isinstance(signature, bytes | bytearray):
        return False
    signature = bytes(signature)
    if len(signature) == 64:
        return _is_ed25519(account, data, signature) or _is_sr25519(account, data, signature)
    if len(signature) == 65:
        if signature[0] == 0 and _is_ed25519(account, data, signature[1:]):
            return True
        if signature[0] == 1 and _is_sr25519(account, data, signature[1:]):
            return True
        return _is_ecdsa(account, data, signature)
    return len(signature) == 66 and signature[0] == 2 and _is_ecdsa(account, data, signature[1:])


def _is_ed25519(account: bytes, data: bytes, signature: bytes) -> bool:
    return ed25519.verify(account, data, signature)


def _is_sr25519(account: bytes, data: bytes, signature: bytes) -> bool:
    from ...crypto import sr25519

    return sr25519.verify(account, data, signature)


def _is_ecdsa(account: bytes, data: bytes, signature: bytes) -> bool:
    digest = blake2b(data, size=32)
    try:
        key = secp256k1.recover(signature, digest)
        if not secp256k1.verify(key, digest, signature[:64]):
            return False
    except InputError:
        return False
    return blake2b(key, size=32) == account
