"""Messages, as wallets of this ledger sign them (``ripple-keypairs``' ``sign``, GemWallet, Crossmark).

secp256k1: the first half of SHA-512 of the bytes is signed, in DER. ed25519: the bytes themselves. No prefix sets a
message apart from a transaction, so what begins like something else that the ledger has signed is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from ...chain import Holder
from ...codec import der, json_text
from ...crypto import secp256k1
from ...errors import InputError, InvalidMessage
from ...signing_requests import Digest, Scheme, SigningRequest
from .addresses import is_key, ledger_key, of_key
from .transaction import Signature, made_by, sha512_half

__all__ = ["is_signed_by", "request", "written"]

_OTHERS: Final = re.compile(rb"[A-Z]{3}\0", re.ASCII)
"""How everything begins that the ledger signs or hashes itself: STX, SMT, CLM, BCH, ... and a zero byte."""
_LONGEST_TEXT: Final = 1000


def preimage(message: str | bytes) -> bytes:
    """The bytes of a message: text in UTF-8. InvalidMessage for one that could be a transaction."""
    if isinstance(message, str):
        try:
            data = message.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidMessage("the message is no text that can be written in UTF-8") from None
    elif isinstance(message, bytes | bytearray):
        data = bytes(message)
    else:
        raise InvalidMessage(f"a message is text or bytes, not {type(message).__name__}")
    if _OTHERS.match(data):
        raise InvalidMessage("this begins like a transaction or a payment claim: it is not signed as a message")
    return data


def request(holder: Holder, message: str | bytes) -> SigningRequest:
    """What the holder's key signs for a message."""
    ed = len(holder.public_key) == 32
    return SigningRequest(
        Scheme.ED25519 if ed else Scheme.RECOVERABLE,
        Digest.NONE if ed else Digest.SHA512_HALF,
        preimage(message),
        holder.public_key,
        holder.path,
    )


def written(asked: SigningRequest, signature: bytes) -> str:
    """JSON with ``publicKey`` and ``signature`` in upper-case hex, which verifiers of this ledger need both."""
    made = made_by(asked, signature)
    return json.dumps({"publicKey": made.key.hex().upper(), "signature": made.signature.hex().upper()})


def is_signed_by(account: bytes, message: str | bytes, signature: str | bytes) -> bool:
    """Whether the account's master key signed the message.

    ``signature`` is :func:`written`'s JSON; of secp256k1 also the bare DER (hex or bytes), from which the key follows.
    """
    try:
        data = preimage(message)
    except InvalidMessage:
        return False
    found = _read(signature)
    if found is not None:
        return is_key(found.key) and of_key(found.key) == account and found.is_over(data)
    return _bare(account, data, signature)


def _read(signature: Any) -> Signature | None:
    text = signature.decode("utf-8", "replace") if isinstance(signature, bytes) else signature
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT or text[:1] != "{":
        return None
    try:
        value = json_text.parse(text, unique=True)
        if set(value) != {"publicKey", "signature"}:
            return None
        return Signature(bytes.fromhex(value["publicKey"]), bytes.fromhex(value["signature"]))
    except (InputError, TypeError, ValueError):
        return None


def _bare(account: bytes, data: bytes, signature: Any) -> bool:
    try:
        raw = bytes.fromhex(signature) if isinstance(signature, str) else bytes(signature)
        compact, digest = der.decode(raw), sha512_half(data)
    except (InputError, TypeError, ValueError):
        return False
    for parity in (0, 1):
        try:
            key = ledger_key(secp256k1.recover(compact + bytes((parity,)), digest))
        except InputError:
            continue
        if of_key(key) == account:
            return Signature(key, raw).is_over(data)
    return False
