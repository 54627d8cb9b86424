"""Personal messages, as wallets of Sui sign them: an intent of their own before the message, a byte vector in BCS."""

from __future__ import annotations

from ...codec import bcs
from ...errors import InputError, InvalidMessage
from .signatures import MESSAGE_INTENT, Proof

__all__ = ["is_signed_by", "preimage"]


def preimage(message: str | bytes) -> bytes:
    """The intent message of a text (UTF-8) or bytes; InvalidMessage.

    >>> preimage("hi").hex()
    '030000026869'
    """
    if isinstance(message, str):
        try:
            message = message.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidMessage("the message holds a lone surrogate, which UTF-8 cannot carry") from None
    if not isinstance(message, bytes | bytearray | memoryview):
        raise InvalidMessage(f"a message is text or bytes, not {type(message).__name__}")
    return MESSAGE_INTENT + bcs.encode_bytes(bytes(message))


def is_signed_by(address: bytes, message: str | bytes, signature: str | bytes) -> bool:
    """Whether a serialised signature (base64, or its bytes) over the message is the address's. False for all else."""
    signed = preimage(message)
    try:
        proof = Proof.parse(signature)
        return proof.address == address and proof.is_over(signed)
    except InputError:
        return False
