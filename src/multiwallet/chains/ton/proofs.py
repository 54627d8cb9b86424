"""Messages as TON Connect wallets sign them: ``signData`` for text and bytes, and ``ton_proof``.

A TON address does not tell the public key, so what is written out holds it beside the signature; an address belongs to
a key when one of the wallet contracts of that key has it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...codec import json_text
from ...crypto import ed25519
from ...crypto.hashes import sha256
from ...errors import InputError, InvalidMessage, InvalidTransaction
from ...path import Path
from ...transactions import Digest, Scheme, SigningRequest
from .addresses import Address
from .wallets import KINDS, address, wallet_id

__all__ = ["MessageRequest", "request", "verify", "written"]

_HEX_KEY: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONGEST: Final = 1 << 20
_FIELDS: Final = frozenset(("form", "address", "domain", "timestamp", "public_key", "signature"))


@dataclass(frozen=True, slots=True)
class MessageRequest(SigningRequest):
    """A signing request that remembers what goes beside its signature."""

    form: str = "data"
    domain: str = ""
    timestamp: int = 0
    owner: str = ""


def _preimage(form: str, owner: Address, domain: str, timestamp: int, message: str | bytes) -> bytes:
    """What is hashed with SHA-256 and signed."""
    try:
        place, data = domain.encode("utf-8"), message.encode("utf-8") if isinstance(message, str) else bytes(message)
    except UnicodeEncodeError:
        raise InvalidMessage("the text holds half a character (a lone surrogate), which UTF-8 cannot write") from None
    where = owner.workchain.to_bytes(4, "big", signed=True) + owner.hash
    if form == "proof":
        proof = (
            b"ton-proof-item-v2/"
            + where
            + len(place).to_bytes(4, "little")
            + place
            + timestamp.to_bytes(8, "little")
            + data
        )
        return b"\xff\xffton-connect" + sha256(proof)
    return (
        b"\xff\xffton-connect/sign-data/"
        + where
        + len(place).to_bytes(4, "big")
        + place
        + timestamp.to_bytes(8, "big")
        + (b"txt" if isinstance(message, str) else b"bin")
        + len(data).to_bytes(4, "big")
        + data
    )


def request(
    owner: Address, public_key: bytes, path: Path | None, message: str | bytes, options: Mapping[str, Any]
) -> MessageRequest:
    """What is signed for a message. ``form`` is ``data`` or ``proof``; ``domain`` is the dApp's, ``timestamp`` seconds.

    Raises InvalidMessage for another type of message and InputError for unknown or wrong options.
    """
    unknown = sorted(set(options) - {"form", "domain", "timestamp"})
    if unknown:
        raise InputError(f"TON messages have no option {unknown[0]!r}: they have form, domain and timestamp")
    form, domain, timestamp = options.get("form", "data"), options.get("domain", ""), options.get("timestamp", 0)
    if form not in ("data", "proof"):
        raise InputError('form is "data" (TON Connect\'s signData) or "proof" (ton_proof)')
    if not isinstance(domain, str) or len(domain) > 253:
        raise InputError("domain is the host name of the dApp, at most 253 characters")
    if isinstance(timestamp, bool) or not isinstance(timestamp, int) or not 0 <= timestamp < 1 << 63:
        raise InputError("timestamp is a whole number of seconds since 1970")
    if isinstance(message, bytearray | memoryview):
        message = bytes(message)
    if not isinstance(message, str | bytes):
        raise InvalidMessage(f"a message is text or bytes, not {type(message).__name__}")
    if form == "proof" and not isinstance(message, str):
        raise InvalidMessage("the payload of a ton_proof is text")
    preimage = _preimage(form, owner, domain, timestamp, message)
    return MessageRequest(
        Scheme.ED25519, Digest.SHA256, preimage, public_key, path, None, form, domain, timestamp, owner.raw
    )


def written(asked: SigningRequest, signature: bytes) -> str:
    """JSON with the signature in base64 and what a verifier needs beside it."""
    if len(signature) != 64:
        raise InvalidTransaction(f"an ed25519 signature has 64 bytes, not {len(signature)}")
    if not isinstance(asked, MessageRequest):
        raise InvalidMessage("this request was not made for a message")
    return json.dumps(
        {
            "form": asked.form,
            "address": asked.owner,
            "domain": asked.domain,
            "timestamp": asked.timestamp,
            "public_key": asked.public_key.hex(),
            "signature": base64.b64encode(signature).decode("ascii"),
        }
    )


def verify(owner: Address, global_id: int, message: str | bytes, signature: str | bytes) -> bool:
    """Whether :func:`written`'s JSON is of this message and of a key that has a wallet at the address."""
    try:
        if len(signature) > _LONGEST:
            return False
        said = json_text.parse(signature, unique=True)
        if not isinstance(said, dict) or set(said) != _FIELDS or said["address"] != owner.raw:
            return False
        key, text = said["public_key"], said["signature"]
        if not isinstance(key, str) or not _HEX_KEY.fullmatch(key) or not isinstance(text, str):
            return False
        options = {name: said[name] for name in ("form", "domain", "timestamp")}
        asked = request(owner, bytes.fromhex(key), None, message, options)
        if all(address(kind, asked.public_key, wallet_id(kind, global_id)) != owner for kind in KINDS):
            return False
        return ed25519.verify(asked.public_key, asked.message, binascii.a2b_base64(text, strict_mode=True))
    except (InputError, ValueError, TypeError):
        return False
