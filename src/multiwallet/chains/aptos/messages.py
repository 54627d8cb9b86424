"""Signed messages in the form of AIP-62, as Petra and the other wallets of Aptos sign them.

What is signed is text in several lines, the first of them ``APTOS``. A signature does not tell the key, and an
address only its hash: so a signature is handed over as JSON with the key and the signed text beside it, in the
field names of AIP-62's ``signMessage`` and one more, ``publicKey``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ...chain import Holder, Network
from ...codec import json_text
from ...codec.hexadecimal import parse_hex
from ...crypto.ed25519 import verify
from ...errors import InputError, InvalidMessage
from . import addresses
from .forms import chain_id_of

__all__ = ["full_message", "is_signed_by", "written"]

_PREFIX: Final = "APTOS"
_HEADS: Final = ("address", "application", "chainId")
_LONGEST: Final = 1 << 20


def _text(message: str | bytes) -> str:
    if isinstance(message, bytes | bytearray | memoryview):
        try:
            return bytes(message).decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidMessage("a message of Aptos is text: these bytes are no UTF-8") from None
    if not isinstance(message, str):
        raise InvalidMessage(f"a message is text or bytes, not {type(message).__name__}")
    try:
        message.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidMessage("the message holds a lone surrogate, which UTF-8 cannot carry") from None
    return message


def full_message(holder: Holder, message: str | bytes, form: Mapping[str, Any]) -> bytes:
    """The text that is signed, in UTF-8.

    ``form``: ``nonce`` (text), ``address`` and ``chain_id`` (whether the holder's is named in it), ``application``
    (the address of the site that asks). Raises InputError for another option and InvalidMessage.
    """
    unknown = sorted(set(form) - {"nonce", "address", "application", "chain_id"})
    if unknown:
        raise InputError(
            f"unknown option {unknown[0]!r}: the options of a message are address, application, chain_id, nonce"
        )
    lines = [_PREFIX]
    if _flag(form, "address"):
        lines.append(f"address: {holder.address}")
    application = form.get("application")
    if application is not None:
        lines.append(f"application: {_line(application, 'application')}")
    if _flag(form, "chain_id"):
        number = chain_id_of(holder.network)
        if number is None:
            raise InputError(f"{holder.network.name} has no fixed chain id to be named in a message")
        lines.append(f"chainId: {number}")
    lines.append(f"message: {_text(message)}")
    lines.append(f"nonce: {_line(form.get('nonce', ''), 'nonce')}")
    return "\n".join(lines).encode("utf-8")


def _flag(form: Mapping[str, Any], name: str) -> bool:
    value = form.get(name, False)
    if not isinstance(value, bool):
        raise InputError(f"{name} is True or False: whether the account's is named in the message")
    return value


def _line(value: Any, name: str) -> str:
    text = _text(value) if isinstance(value, str) else str(value) if type(value) is int else ""
    if not isinstance(value, str) and type(value) is not int:
        raise InvalidMessage(f"the {name} is text")
    if "\n" in text or "\r" in text:
        raise InvalidMessage(f"the {name} is one line: a break in it could pass for another part of the message")
    return text


def _parts(text: str) -> dict[str, str]:
    """The lines before the message by name, the message and the nonce; InvalidMessage for another text."""
    found: dict[str, str] = {}
    head, _, rest = text.partition("\n")
    if head != _PREFIX:
        raise InvalidMessage("a signed message of Aptos begins with APTOS")
    for name in _HEADS:
        if rest.startswith(f"{name}: "):
            found[name], _, rest = rest.removeprefix(f"{name}: ").partition("\n")
    # The message may have any lines of its own; the nonce has one, so its mark is the last there is.
    body, mark, nonce = rest.rpartition("\nnonce: ")
    if not mark or "\n" in nonce or not body.startswith("message: "):
        raise InvalidMessage("a signed message of Aptos has the parts message and nonce")
    return {**found, "message": body.removeprefix("message: "), "nonce": nonce}


def written(holder: Holder, preimage: bytes, signature: bytes) -> str:
    """The answer of AIP-62's ``signMessage`` as JSON text, with the public key."""
    text = preimage.decode("utf-8")
    return json.dumps(
        {
            "prefix": _PREFIX,
            **_parts(text),
            "address": holder.address,
            "fullMessage": text,
            "signature": "0x" + signature.hex(),
            "publicKey": "0x" + holder.public_key.hex(),
        },
        ensure_ascii=False,
    )


def is_signed_by(network: Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
    """Whether what :func:`written` made proves that the address signed this very message. False for all else.

    The key must hash to the address, so an account whose key was rotated is not recognised. What the text says of
    address and chain must be true where it says it; application and nonce are for the caller to compare.
    """
    owner, wanted = addresses.to_bytes(address), _text(message)
    try:
        if isinstance(signature, bytes | bytearray | memoryview):
            signature = bytes(signature).decode("utf-8")
        if not isinstance(signature, str) or len(signature) > _LONGEST:
            return False
        data = json_text.parse(signature, unique=True)
        if not isinstance(data, Mapping):
            return False
        text = data.get("fullMessage")
        if not isinstance(text, str):
            return False
        key = parse_hex(data.get("publicKey", ""), length=32)
        proof = parse_hex(data.get("signature", ""), length=64)
        parts, signed = _parts(text), text.encode("utf-8")
        named = parts.get("address")
        chain = parts.get("chainId")
        if named is not None and addresses.to_bytes(named) != owner:
            return False
    except (InputError, UnicodeError, TypeError, ValueError):
        return False
    if chain is not None and chain != str(chain_id_of(network)):
        return False
    return parts["message"] == wanted and addresses.of_public_key(key) == owner and verify(key, signed, proof)
