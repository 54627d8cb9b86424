"""EIP-191 personal messages: what is signed, how the signature is written, and whether it holds."""

from __future__ import annotations

from ...crypto.hashes import keccak256
from ...errors import InvalidMessage
from .signature import parse_signature, recover_address

__all__ = ["message_preimage", "signature_text", "signed_by"]


def message_preimage(message: str | bytes) -> bytes:
    """What is signed (after Keccak-256) for a text (its UTF-8 bytes) or bytes: EIP-191, version ``45``.

    Text that looks like hex is text all the same; pass bytes to sign bytes. A "Sign-In with Ethereum" message
    (ERC-4361) is such a text. Raises :class:`~multiwallet.errors.InvalidMessage` for text that is no valid Unicode.

    >>> message_preimage("hello")
    b'\\x19Ethereum Signed Message:\\n5hello'
    """
    if isinstance(message, str):
        try:
            data = message.encode()
        except UnicodeEncodeError:
            raise InvalidMessage("the text is no valid Unicode: sign its bytes instead") from None
    elif isinstance(message, bytes | bytearray | memoryview):
        data = bytes(message)
    else:
        raise InvalidMessage(f"a message is text or bytes, not {type(message).__name__}")
    return b"\x19Ethereum Signed Message:\n" + str(len(data)).encode() + data


def signature_text(signature: bytes) -> str:
    """A 65-byte signature (r, s, recovery id 0 or 1) as wallets write it: ``0x``, r, s and v of 27 or 28."""
    return "0x" + (signature[:64] + bytes((27 + signature[64],))).hex()


def signed_by(address: bytes, preimage: bytes, signature: str | bytes) -> bool:
    """Whether the owner of the 20-byte ``address`` signed ``preimage``; False for anything that is no signature."""
    parsed = parse_signature(signature)
    return parsed is not None and recover_address(parsed, keccak256(preimage)) == address
