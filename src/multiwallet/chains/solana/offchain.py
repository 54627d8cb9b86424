"""Messages that are no transactions: plain bytes as wallets sign them, and Solana's off-chain message format."""

from __future__ import annotations

import binascii
from typing import Any, Final

from ...codec import base58
from ...errors import InputError, InvalidMessage, SigningRefused
from . import address
from .message import starts_with_message

__all__ = ["encode_offchain", "message_bytes", "preimage", "read_signature"]

_DOMAIN: Final = b"\xffsolana offchain"
_LIMIT: Final = 1232  # what a hardware wallet takes; longer messages have a format of their own
_LONGEST: Final = 65535
# The transaction format proposed after version 0 (SIMD-0385) starts with this byte and has at least so many more.
_NEXT_VERSION: Final = 0x81
_NEXT_SMALLEST: Final = 106


def message_bytes(message: str | bytes) -> bytes:
    """The bytes of a message: text in UTF-8. Raises :class:`~multiwallet.errors.InvalidMessage`."""
    if isinstance(message, bytes | bytearray | memoryview):
        return bytes(message)
    if not isinstance(message, str):
        raise InvalidMessage(f"a message is text or bytes, not {type(message).__name__}")
    try:
        return message.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidMessage("the text holds half a character (a lone surrogate), which UTF-8 cannot write") from None


def encode_offchain(message: bytes, signer: bytes, application_domain: bytes = bytes(32)) -> bytes:
    """The off-chain message (version 0) of Solana's specification, for one signer.

    ``\\xffsolana offchain``, version 0, application domain (32 bytes), format, number of signers, signer (32 bytes),
    length (two bytes, little-endian), message. Format 0 is printable ASCII, 1 is UTF-8, each up to 1,232 bytes in
    all, and 2 is longer UTF-8. Raises :class:`~multiwallet.errors.InvalidMessage`.

    >>> encode_offchain(b"hi", bytes(32))[49:51].hex()
    '0001'
    """
    if not message:
        raise InvalidMessage("an off-chain message is not empty")
    total = len(_DOMAIN) + 1 + 32 + 1 + 1 + 32 + 2 + len(message)
    if total > _LONGEST:
        raise InvalidMessage(f"an off-chain message has at most {_LONGEST} bytes with its header, not {total}")
    try:
        message.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidMessage("an off-chain message is UTF-8 text") from None
    kind = 2 if total > _LIMIT else 0 if all(0x20 <= byte <= 0x7E for byte in message) else 1
    header = _DOMAIN + b"\0" + application_domain + bytes((kind, 1)) + signer
    return header + len(message).to_bytes(2, "little") + message


def preimage(message: str | bytes, signer: bytes, form: dict[str, Any]) -> bytes:
    """The bytes to sign for a message: ``form="raw"`` (the default) or ``"offchain"`` with ``application_domain=``.

    Raises :class:`~multiwallet.errors.SigningRefused` for bytes that are a transaction's message: their signature
    would move money.
    """
    chosen, domain = form.get("form", "raw"), form.get("application_domain")
    unknown = sorted(set(form) - {"form", "application_domain"})
    if unknown:
        raise InputError(f"unknown option {unknown[0]!r}: the options of a Solana message are form, application_domain")
    data = message_bytes(message)
    if chosen == "offchain":
        if domain is not None and not (isinstance(domain, bytes) and len(domain) == 32):
            domain = address.parse(domain)
        return encode_offchain(data, signer, domain or bytes(32))
    if chosen != "raw":
        raise InputError('form is "raw", as wallets sign text, or "offchain"')
    if domain is not None:
        raise InputError('an application domain belongs to form="offchain"')
    if _may_be_transaction(data):
        raise SigningRefused(
            "these bytes are a Solana transaction: signing them as a message could move money. "
            "Sign it as a transaction, after reading its summary"
        )
    return data


def _may_be_transaction(data: bytes) -> bool:
    if data[:1] == bytes((_NEXT_VERSION,)) and len(data) >= _NEXT_SMALLEST:
        return True
    return starts_with_message(data)


def read_signature(signature: str | bytes) -> bytes | None:
    """The 64 bytes of a signature in base58, base64 or as they are; None for anything else."""
    if isinstance(signature, bytes | bytearray | memoryview):
        return bytes(signature) if len(signature) == 64 else None
    if not isinstance(signature, str) or not 64 <= len(signature) <= 88:
        return None
    if len(signature) == 88 and signature.endswith("=="):
        try:
            data = binascii.a2b_base64(signature, strict_mode=True)
        except ValueError:
            return None
        return data if len(data) == 64 else None
    try:
        data = base58.decode(signature, limit=88)
    except InputError:
        return None
    return data if len(data) == 64 else None
