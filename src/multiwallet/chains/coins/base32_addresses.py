"""Addresses in base32: Stellar's strkeys (SEP-23), Algorand, Filecoin, and Nimiq with its own letters."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from ...codec.crc16 import crc16
from ...crypto.hashes import blake2b
from ...crypto.secp256k1 import decompress
from ...errors import InputError
from .address_format import AddressFormat, Params

__all__ = ["FORMATS"]

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_NIMIQ_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRSTUVXY"
_TO_NIMIQ: Final = str.maketrans(_LETTERS, _NIMIQ_LETTERS)
_FROM_NIMIQ: Final = str.maketrans(_NIMIQ_LETTERS, _LETTERS)
_ACCOUNT: Final = 6 << 3  # the version byte of a strkey that is an Ed25519 account: G
_MUXED: Final = 12 << 3  # and of one with a number beside it (CAP-27): M
_FILECOIN: Final = re.compile(r"([ft])([0-4])(.{1,130})", re.ASCII)
_UINT64: Final = 2**64


def _encode(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """The bytes of base32 without padding, in capital letters and with no bit left over."""
    try:
        data = base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        raise InputError("a character does not belong to base32 (A to Z and 2 to 7), or one is missing") from None
    if _encode(data) != text:
        raise InputError("the last character says more than fits: it is wrong, or one is missing")
    return data


def _strkey(params: Params, key: bytes) -> str:
    body = bytes((_ACCOUNT,)) + key
    return _encode(body + crc16(body).to_bytes(2, "little"))


def _parse_strkey(params: Params, text: str) -> str:
    if text[:1] == "S":  # and nothing of it is repeated
        raise InputError(
            "this looks like a secret seed (S...), which nobody else should see: the address begins with G"
        )
    data = _decode(text)
    if (data[:1], len(data)) not in ((bytes((_ACCOUNT,)), 35), (bytes((_MUXED,)), 43)):
        raise InputError("an account is a text of 56 characters that begins with G, or of 69 with M")
    if crc16(data[:-2]).to_bytes(2, "little") != data[-2:]:
        raise InputError("the checksum does not match: a character is wrong, missing or swapped")
    return text


def _sha512_256(data: bytes) -> bytes:
    return hashlib.new("sha512_256", data).digest()


def _algorand(params: Params, key: bytes) -> str:
    return _encode(key + _sha512_256(key)[-4:])


def _parse_algorand(params: Params, text: str) -> str:
    data = _decode(text)
    if len(data) != 36:
        raise InputError(f"an Algorand address has 58 characters, this text has {len(text)}")
    if _sha512_256(data[:32])[-4:] != data[32:]:
        raise InputError("the checksum does not match: a character is wrong, missing or swapped")
    return text


def _filecoin(params: Params, key: bytes) -> str:
    return _filecoin_text(params, 1, blake2b(decompress(key), size=20))


def _filecoin_text(params: Params, protocol: int, payload: bytes, head: bytes = b"", between: str = "") -> str:
    checksum = blake2b(bytes((protocol,)) + head + payload, size=4)
    return f"{params.get('prefix', 'f')}{protocol}{between}{_encode(payload + checksum).lower()}"


def _parse_filecoin(params: Params, text: str) -> str:
    match = _FILECOIN.fullmatch(text)
    prefix = params.get("prefix", "f")
    if match is None or match[1] != prefix:
        raise InputError(f"a Filecoin address of this network begins with {prefix} and a digit from 0 to 4")
    protocol, rest = int(match[2]), match[3]
    if protocol == 0:
        if not (rest.isascii() and rest.isdigit() and len(rest) <= 20 and str(int(rest)) == rest and int(rest) < 2**63):
            raise InputError(f"an actor's number is {prefix}0 and a whole number below 2^63")
        return text
    head, between = b"", ""
    if protocol == 4:
        actor, sign, rest = rest.partition("f")
        if not (sign and actor.isdigit() and len(actor) <= 20 and str(int(actor)) == actor and int(actor) < _UINT64):
            raise InputError(
                f"a delegated address is {prefix}4, the manager's number, f and a text, like {prefix}410f..."
            )
        head, between = _leb128(int(actor)), f"{actor}f"
    data = _decode(rest.upper()) if rest == rest.lower() else b""
    payload = data[:-4]
    sizes = {1: (20,), 2: (20,), 3: (48,), 4: (20,) if between == "10f" else tuple(range(55))}
    if len(data) < 4 or len(payload) not in sizes[protocol]:
        raise InputError("this Filecoin address has too few or too many characters, or capital letters")
    if _filecoin_text(params, protocol, payload, head, between) != text:
        raise InputError("the checksum does not match: a character is wrong, missing or swapped")
    return text


def _leb128(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def _nimiq(params: Params, key: bytes) -> str:
    body = _encode(blake2b(key, size=32)[:20]).translate(_TO_NIMIQ)
    text = f"NQ{_iban_check(body):02}{body}"
    return " ".join(text[start : start + 4] for start in range(0, 36, 4))


def _iban_check(body: str) -> int:
    """The two check digits of an IBAN (ISO 13616) whose country is NQ."""
    return 98 - int("".join(str(int(letter, 36)) for letter in body + "NQ00")) % 97


def _parse_nimiq(params: Params, text: str) -> str:
    plain = text.upper().replace(" ", "")
    if not re.fullmatch(f"NQ[0-9][0-9][{_NIMIQ_LETTERS}]{{32}}", plain, re.ASCII):
        raise InputError("a Nimiq address is NQ, two digits and 32 letters or digits, in groups of four")
    if int(plain[2:4]) != _iban_check(plain[4:]):
        raise InputError("the check digits do not match: a character is wrong, missing or swapped")
    _decode(plain[4:].translate(_FROM_NIMIQ))
    return " ".join(plain[start : start + 4] for start in range(0, 36, 4))


FORMATS: Final = {
    "strkey": AddressFormat("ed25519", _strkey, _parse_strkey),
    "algorand": AddressFormat("ed25519", _algorand, _parse_algorand),
    "filecoin": AddressFormat("secp256k1", _filecoin, _parse_filecoin),
    "nimiq": AddressFormat("ed25519", _nimiq, _parse_nimiq),
}
