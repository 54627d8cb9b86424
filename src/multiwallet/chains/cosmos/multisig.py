"""Accounts of several keys: ``LegacyAminoPubKey``, whose members sign amino JSON and of whom a threshold is enough.

While signatures are missing, a transaction travels as JSON of ours: the amino sign doc, the keys, and the signatures so
far. Each signer signs the JSON that holds the earlier ones. With the last one it becomes a transaction of the chain.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...codec import base64_text, protobuf
from ...codec.hexadecimal import parse_hex
from ...crypto.hashes import sha256
from ...crypto.secp256k1 import is_valid_public_key
from ...errors import InputError, InvalidTransaction

__all__ = ["KEY_TYPE", "Multisig", "pack", "partial_json", "read_partial", "unpack"]

KEY_TYPE: Final = "/cosmos.crypto.multisig.LegacyAminoPubKey"
_MEMBER: Final = "/cosmos.crypto.secp256k1.PubKey"
_MOST: Final = 20
_AMINO: Final = 127
# The prefixes that amino gave these two types of keys; the member's ends in its length.
_PREFIX: Final = bytes.fromhex("22c1f7e2")
_MEMBER_PREFIX: Final = bytes.fromhex("eb5ae98721")


@dataclass(frozen=True, slots=True)
class Multisig:
    """The keys (33 bytes each) in their order, which the address depends on, and how many of them must sign."""

    threshold: int
    keys: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.threshold <= len(self.keys) <= _MOST:
            raise InvalidTransaction(f"a multisig account has from 1 to {_MOST} keys, and a threshold within them")
        if len(set(self.keys)) != len(self.keys):
            raise InvalidTransaction("a multisig account names a key twice")
        if any(len(key) != 33 or not is_valid_public_key(key) for key in self.keys):
            raise InvalidTransaction("a key of a multisig account is no compressed key of secp256k1")

    @classmethod
    def read(cls, value: Any) -> Multisig:
        """From ``{"threshold": 2, "public_keys": [...]}`` with keys as bytes, hex or base64; InvalidTransaction."""
        if not isinstance(value, Mapping) or set(value) != {"threshold", "public_keys"}:
            raise InvalidTransaction('a multisig account is {"threshold": 2, "public_keys": [...]}')
        threshold, keys = value["threshold"], value["public_keys"]
        if isinstance(threshold, bool) or not isinstance(threshold, int) or not isinstance(keys, list | tuple):
            raise InvalidTransaction("the threshold is a whole number and public_keys a list")
        return cls(threshold, tuple(map(_key, keys[: _MOST + 1])))

    @classmethod
    def decode(cls, data: bytes) -> Multisig:
        """From the protobuf of a LegacyAminoPubKey; InvalidTransaction."""
        threshold, keys = 0, []
        for number, _, value in protobuf.parse(data):
            if number == 1 and isinstance(value, int):
                threshold = value
            elif number == 2 and isinstance(value, bytes):
                parts = {n: v for n, _, v in protobuf.parse(value)}
                inner = parts.get(2)
                found = {n: v for n, _, v in protobuf.parse(inner)} if isinstance(inner, bytes) else {}
                key = found.get(1)
                if parts.get(1) != _MEMBER.encode() or not isinstance(key, bytes):
                    raise InvalidTransaction("a member of a multisig account has a key of an unknown type")
                keys.append(key)
            else:
                raise InvalidTransaction("a multisig key has a threshold and keys")
        return cls(threshold, tuple(keys))

    def encode(self) -> bytes:
        """The protobuf of a LegacyAminoPubKey."""
        members = (
            protobuf.bytes_field(1, _MEMBER.encode()) + protobuf.bytes_field(2, protobuf.bytes_field(1, key))
            for key in self.keys
        )
        return protobuf.varint_field(1, self.threshold) + b"".join(protobuf.message_field(2, item) for item in members)

    def address_bytes(self) -> bytes:
        """The 20 bytes of the account's address: from SHA-256 of the key in amino's own encoding."""
        keys = (protobuf.bytes_field(2, _MEMBER_PREFIX + key) for key in self.keys)
        return sha256(_PREFIX + protobuf.varint_field(1, self.threshold) + b"".join(keys))[:20]

    def mode_info(self, signed: Sequence[int]) -> bytes:
        """``ModeInfo`` that says which members signed, all of them amino JSON."""
        bits = bytearray(-(-len(self.keys) // 8))
        for index in signed:
            bits[index // 8] |= 0x80 >> index % 8
        array = protobuf.varint_field(1, len(self.keys) % 8) + protobuf.bytes_field(2, bytes(bits))
        single = protobuf.message_field(1, protobuf.varint_field(1, _AMINO))
        multi = protobuf.message_field(1, array) + b"".join(protobuf.message_field(2, single) for _ in signed)
        return protobuf.message_field(2, multi)

    def signed_in(self, mode_info: bytes) -> tuple[int, ...]:
        """Who signed, by a ``ModeInfo``; InvalidTransaction where it is not written as serialisers write it."""
        found = [value for _, _, value in protobuf.parse(mode_info)]
        inner = protobuf.parse(found[0]) if len(found) == 1 and isinstance(found[0], bytes) else []
        array = protobuf.parse(inner[0][2]) if inner and isinstance(inner[0][2], bytes) else []
        bits = next((value for number, _, value in array if number == 2 and isinstance(value, bytes)), b"")
        signed = tuple(n for n in range(len(self.keys)) if n // 8 < len(bits) and bits[n // 8] & 0x80 >> n % 8)
        if self.mode_info(signed) != mode_info:
            raise InvalidTransaction("the list of who signed does not fit the keys, or is not of amino mode")
        return signed


def _key(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise InvalidTransaction("a public key is 33 bytes, hex or base64")
    try:
        return parse_hex(value) if len(value) in (66, 68) else base64_text.decode(value[:100], what="a public key")
    except InputError as error:
        raise InvalidTransaction(error.message) from None


def pack(signatures: Sequence[bytes]) -> bytes:
    """``MultiSignature``: the members' signatures in the order of their keys."""
    return b"".join(protobuf.bytes_field(1, item) for item in signatures)


def unpack(data: bytes, count: int) -> tuple[bytes, ...]:
    """The 64-byte signatures of a MultiSignature, which has so many; InvalidTransaction."""
    found = [value for number, _, value in protobuf.parse(data) if number == 1 and isinstance(value, bytes)]
    if len(found) != count or any(len(item) != 64 for item in found) or pack(found) != data:
        raise InvalidTransaction("the signatures of a multisig account are 64 bytes each, one for each who signed")
    return tuple(found)


def partial_json(multisig: Multisig, sign_doc: Mapping[str, Any], signatures: Mapping[int, bytes]) -> dict[str, Any]:
    """The JSON of a transaction that lacks signatures."""
    encoded = {str(index): base64.b64encode(item).decode("ascii") for index, item in sorted(signatures.items())}
    keys = [base64.b64encode(key).decode("ascii") for key in multisig.keys]
    stated = {"threshold": multisig.threshold, "public_keys": keys}
    return {"multisig": stated, "sign_doc": dict(sign_doc), "signatures": encoded}


def read_partial(value: Mapping[str, Any]) -> tuple[Multisig, Any, dict[int, bytes]]:
    """The account, the sign doc and the signatures (not yet verified) of such JSON; InvalidTransaction."""
    multisig, listed = Multisig.read(value["multisig"]), value.get("signatures", {})
    if not isinstance(listed, Mapping) or len(listed) > len(multisig.keys):
        raise InvalidTransaction("signatures is an object from a key's number to its signature")
    found = {}
    for index, text in listed.items():
        if index not in map(str, range(len(multisig.keys))):
            raise InvalidTransaction("a signature belongs to no key of the account: keys are numbered from 0")
        try:
            found[int(index)] = base64_text.decode(text, what="a signature")
        except InputError as error:
            raise InvalidTransaction(error.message) from None
    return multisig, value["sign_doc"], found
