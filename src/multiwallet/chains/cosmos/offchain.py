"""Signed messages: ADR-036, as Keplr's ``signArbitrary`` makes them, and Ethereum's personal messages.

ADR-036 signs an amino transaction that no chain takes: no chain id, no fee, and one ``sign/MsgSignData``. Chains with
Ethereum's keys hash it with Keccak-256, the others with SHA-256. Their wallets may also sign as Ethereum's do (EIP-191).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from ...codec import base64_text, json_text
from ...codec.hexadecimal import parse_hex
from ...crypto.hashes import keccak256, sha256
from ...crypto.secp256k1 import is_valid_public_key, recover, verify
from ...errors import InputError, InvalidMessage
from . import addresses
from .message import canonical_json
from .rules import Rules

__all__ = ["adr36", "is_signed_by", "message_bytes", "personal", "written"]

_PERSONAL: Final = b"\x19Ethereum Signed Message:\n"


def message_bytes(message: str | bytes) -> bytes:
    """A message as bytes, text in UTF-8; InvalidMessage."""
    if isinstance(message, bytes | bytearray | memoryview):
        return bytes(message)
    if not isinstance(message, str):
        raise InvalidMessage(f"a message is text or bytes, not {type(message).__name__}")
    try:
        return message.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidMessage("the message holds a lone surrogate, which UTF-8 cannot carry") from None


def adr36(signer: str, data: bytes) -> bytes:
    """What is hashed and signed by ADR-036."""
    value = {"data": base64.b64encode(data).decode("ascii"), "signer": signer}
    return canonical_json(
        {
            "account_number": "0",
            "chain_id": "",
            "fee": {"amount": [], "gas": "0"},
            "memo": "",
            "msgs": [{"type": "sign/MsgSignData", "value": value}],
            "sequence": "0",
        }
    ).encode("ascii")


def personal(data: bytes) -> bytes:
    """What is hashed and signed by EIP-191, version E (``personal_sign``)."""
    return _PERSONAL + str(len(data)).encode("ascii") + data


def written(rules: Rules, public_key: bytes, preimage: bytes, signature: bytes) -> str:
    """The signature as wallets write it, from 65 bytes: r, s, recovery id.

    ADR-036: Keplr's JSON with the public key and 64 bytes in base64. EIP-191: ``0x`` hex that ends in 1b or 1c.
    """
    if len(signature) != 65 or signature[64] > 3:
        raise InvalidMessage("a signature is made from 65 bytes: r, s and a recovery id from 0 to 3")
    if preimage.startswith(_PERSONAL):
        return "0x" + signature[:64].hex() + f"{signature[64] + 27:02x}"
    return json.dumps(
        {
            "pub_key": {"type": rules.amino_key_type, "value": base64.b64encode(public_key).decode("ascii")},
            "signature": base64.b64encode(signature[:64]).decode("ascii"),
        },
        separators=(",", ":"),
    )


def is_signed_by(rules: Rules, address: str, message: str | bytes, signature: str | bytes) -> bool:
    """Whether a signature over a message is the address's.

    Takes Keplr's JSON (text), the 64 bytes alone (as bytes, hex or base64; the key is recovered), and on chains with
    Ethereum's keys the 65 bytes of ``personal_sign``. Malformed ones are not.
    """
    data = message_bytes(message)
    try:
        return _is_signed_by(rules, address, data, signature)
    except (InputError, TypeError, ValueError):
        return False


def _is_signed_by(rules: Rules, address: str, data: bytes, signature: str | bytes) -> bool:
    target = addresses.to_bytes(rules.hrp, address)
    document = adr36(address, data)
    digest = keccak256(document) if rules.eth_keys else sha256(document)
    if isinstance(signature, str) and signature.lstrip()[:1] == "{":
        key, raw = _std_signature(rules, signature)
        return addresses.of_key(key, eth=rules.eth_keys) == target and verify(key, digest, raw)
    raw = _signature_bytes(signature)
    if len(raw) == 65:
        if not rules.eth_keys or raw[64] not in (0, 1, 27, 28):
            return False
        digest = keccak256(personal(data))
        return _recovers(digest, raw[:64] + bytes((raw[64] % 27,)), target, eth=True)
    if len(raw) != 64:
        return False
    # Without its public key a signature fits up to four: one of them may be the address's.
    return any(_recovers(digest, raw + bytes((n,)), target, eth=rules.eth_keys) for n in range(4))


def _recovers(digest: bytes, signature: bytes, target: bytes, *, eth: bool) -> bool:
    try:
        key = recover(signature, digest)
        return verify(key, digest, signature[:64]) and addresses.of_key(key, eth=eth) == target
    except InputError:
        return False


def _signature_bytes(signature: str | bytes) -> bytes:
    if not isinstance(signature, str):
        return bytes(signature)
    if len(signature) in (128, 130, 132):
        return parse_hex(signature)
    return base64_text.decode(signature[:200])


def _std_signature(rules: Rules, text: str) -> tuple[bytes, bytes]:
    found: Any = json_text.parse(text, max_depth=8, unique=True)
    if not isinstance(found, Mapping) or set(found) != {"pub_key", "signature"}:
        raise InvalidMessage("a signature has pub_key and signature")
    key = found["pub_key"]
    if not isinstance(key, Mapping) or set(key) != {"type", "value"} or key["type"] != rules.amino_key_type:
        raise InvalidMessage(f"the public key is a {rules.amino_key_type}")
    public_key = base64_text.decode(key["value"])
    if len(public_key) != 33 or not is_valid_public_key(public_key):
        raise InvalidMessage("the public key is none")
    return public_key, base64_text.decode(found["signature"])
