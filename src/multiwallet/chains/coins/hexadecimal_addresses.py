"""Addresses in hexadecimal digits: NEAR, ICON, Aion, Hedera, the Internet Computer, and Ethereum's form elsewhere."""

from __future__ import annotations

import re
from hashlib import sha224
from typing import Final
from zlib import crc32

from ...codec import eip55
from ...crypto.hashes import blake2b, keccak256, sha3_256
from ...crypto.secp256k1 import decompress
from ...errors import InputError
from .address_format import AddressFormat, Params

__all__ = ["FORMATS"]

_NEAR_NAME: Final = re.compile(r"(?:[a-z0-9]+[-_])*[a-z0-9]+(?:\.(?:[a-z0-9]+[-_])*[a-z0-9]+)*", re.ASCII)
_ICON: Final = re.compile(r"(?:hx|cx)[0-9a-f]{40}", re.ASCII)
_AION: Final = re.compile(r"0xa0[0-9a-f]{62}", re.ASCII)
_HEDERA: Final = re.compile(
    r"(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,18}|[0-9a-f]{66,88})", re.ASCII
)
_HEX64: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HEDERA_ED25519: Final = "302a300506032b6570032100"  # the DER of RFC 8410 in front of the key
_SECP256K1_INFO: Final = bytes.fromhex("3056301006072a8648ce3d020106052b8104000a034200")


def _near(params: Params, key: bytes) -> str:
    return key.hex()


def _parse_near(params: Params, text: str) -> str:
    # 0x and 40 digits is an account of an Ethereum key; it is no name, for it holds an x after the zero alone.
    if 2 <= len(text) <= 64 and _NEAR_NAME.fullmatch(text):
        return text
    raise InputError(
        "a NEAR account is 64 hex digits or a name like alice.near: 2 to 64 lower-case letters, digits and single "
        "- _ . between them"
    )


def _icon(params: Params, key: bytes) -> str:
    return "hx" + sha3_256(decompress(key)[1:])[-20:].hex()


def _parse_icon(params: Params, text: str) -> str:
    if _ICON.fullmatch(text):
        return text
    raise InputError("an ICON address is hx (or cx, a contract) and 40 lower-case hex digits")


def _ethereum(params: Params, key: bytes) -> str:
    return eip55.checksum(keccak256(decompress(key)[1:])[-20:])


def _parse_ethereum(params: Params, text: str) -> str:
    return eip55.checksum(eip55.parse(text))


def _aion(params: Params, key: bytes) -> str:
    return "0xa0" + blake2b(key, size=32)[1:].hex()


def _parse_aion(params: Params, text: str) -> str:
    if _AION.fullmatch(text.lower()):
        return text.lower()
    raise InputError("an Aion address is 0xa0 and 62 hex digits")


def _hedera(params: Params, key: bytes) -> str:
    return f"0.0.{_HEDERA_ED25519}{key.hex()}"


def _parse_hedera(params: Params, text: str) -> str:
    match = _HEDERA.fullmatch(text)
    if match is None:
        raise InputError("a Hedera account is a number like 0.0.1234, or 0.0. and the DER of a public key in hex")
    alias = match[3]
    if len(alias) > 19 and not (len(alias) == 88 and alias.startswith(_HEDERA_ED25519)):
        raise InputError("this is no alias of an Ed25519 key, which is 0.0.302a300506032b6570032100 and 64 hex digits")
    return text


def _internet_computer(params: Params, key: bytes) -> str:
    principal = sha224(_SECP256K1_INFO + decompress(key)).digest() + b"\x02"  # self-authenticating
    account = sha224(b"\x0aaccount-id" + principal + bytes(32)).digest()
    return (crc32(account).to_bytes(4, "big") + account).hex()


def _parse_internet_computer(params: Params, text: str) -> str:
    lower = text.lower()
    if not _HEX64.fullmatch(lower):
        raise InputError("an account of the Internet Computer's ledger is 64 hex digits")
    data = bytes.fromhex(lower)
    if crc32(data[4:]).to_bytes(4, "big") != data[:4]:
        raise InputError("the checksum of this account does not match: a digit is wrong, missing or swapped")
    return lower


FORMATS: Final = {
    "near": AddressFormat("ed25519", _near, _parse_near),
    "icon": AddressFormat("secp256k1", _icon, _parse_icon),
    "ethereum": AddressFormat("secp256k1", _ethereum, _parse_ethereum),
    "aion": AddressFormat("ed25519", _aion, _parse_aion),
    "hedera": AddressFormat("ed25519", _hedera, _parse_hedera),
    "internet-computer": AddressFormat("secp256k1", _internet_computer, _parse_internet_computer),
}
