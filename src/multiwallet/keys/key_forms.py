"""Private keys as the wallets of one ecosystem write them, and no other: PVT_K1, AIP-80, suiprivkey, family seeds, ...

Each form has a name, which a family (or a network's row) puts among its ``key_forms``. A text that bears the mark of a
form says which curve its key is of; :func:`read_form` reads it and :func:`write_form` writes it. What bears no mark
(hexadecimal, WIF, base58) is read in :mod:`multiwallet.keys.formats`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from multiwallet.errors import InputError, InvalidKey
from multiwallet.secret import Secret, discreet

__all__ = ["FormKey", "read_form", "write_form"]

_TEXT_LIMIT: Final = 200
_AIP80: Final = {"ed25519": "ed25519-priv-", "secp256k1": "secp256k1-priv-"}
_SUI: Final = ("ed25519", "secp256k1", "secp256r1")  # by the flag in front of the key
_SUI_PREFIX: Final = "suiprivkey"
_EOS_WIF: Final = 0x80
_STRKEY_SEED: Final = b"\x90"  # 18 << 3, which shows as S
_FAMILY_SECP256K1: Final = b"\x21"
_FAMILY_ED25519: Final = b"\x01\xe1\x4b"


class FormKey(NamedTuple):
    """A private key of 32 bytes, and its curve."""

    curve: str
    secret: Secret


@discreet
def read_form(text: str, forms: Collection[str]) -> FormKey | None:
    """The key in a text that bears the mark of one of these forms; None where it bears none of them.

    ``pvt-k1``: ``PVT_K1_...``, and the WIF with version 128 that Antelope wrote before. ``aip-80``:
    ``ed25519-priv-0x...`` and ``secp256k1-priv-0x...``. ``sui``: ``suiprivkey1...``. ``family-seed``: ``s...`` and
    ``sEd...`` of the XRP Ledger, whose keys are computed from it. ``near``: ``ed25519:...``. ``stellar``: ``S...``.
    Raises :class:`~multiwallet.errors.InvalidKey`, which never shows the key, for a text that bears a mark and is no
    such key.

    >>> read_form("ed25519-priv-0x" + "00" * 32, ["aip-80", "hex"])
    FormKey(curve='ed25519', secret=Secret(…))
    >>> read_form("00" * 32, ["aip-80", "hex"]) is None
    True
    """
    text = text.strip()
    for form in forms:
        reader = _READERS.get(form)
        if reader is not None and reader.bears(text):
            if len(text) > _TEXT_LIMIT:
                raise InvalidKey(f"this text of {len(text)} characters is no private key")
            return reader.read(text)
    return None


@discreet
def write_form(form: str, curve: str, private_key: bytes) -> str | None:
    """The text of a 32-byte private key in a form; None where the form cannot hold it or is none of this page.

    A family seed is hashed to a key and not the other way round, so a key alone has none.

    >>> write_form("aip-80", "ed25519", bytes(32))[:20]
    'ed25519-priv-0x00000'
    """
    match form:
        case "pvt-k1" if curve == "secp256k1":
            from multiwallet.codec import base58
            from multiwallet.crypto.hashes import ripemd160

            return "PVT_K1_" + base58.encode(private_key + ripemd160(private_key + b"K1")[:4])
        case "aip-80" if curve in _AIP80:
            return f"{_AIP80[curve]}0x{private_key.hex()}"
        case "sui" if curve in _SUI:
            from multiwallet.codec import bech32

            symbols = bech32.convert_bits(bytes((_SUI.index(curve),)) + private_key, 8, 5)
            return bech32.encode(_SUI_PREFIX, symbols, bech32.Encoding.BECH32)
        case "near" if curve == "ed25519":
            from multiwallet.keys.formats import encode_keypair

            return "ed25519:" + encode_keypair(private_key)
        case "stellar" if curve == "ed25519":
            from multiwallet.codec.crc16 import crc16

            data = _STRKEY_SEED + private_key
            return base64.b32encode(data + crc16(data).to_bytes(2, "little")).decode()
        case _:
            return None


class _Reader(NamedTuple):
    bears: Callable[[str], bool]
    """Whether a text bears the mark of the form."""
    read: Callable[[str], FormKey]


def _secp256k1(data: bytes) -> FormKey:
    from multiwallet.crypto.secp256k1 import is_valid_private_key

    if len(data) != 32 or not is_valid_private_key(data):
        raise InvalidKey("a secp256k1 private key is a number from 1 to n - 1 in 32 bytes; this one is none")
    return FormKey("secp256k1", Secret(data))


def _key_of(curve: str, data: bytes) -> FormKey:
    if curve == "secp256k1":
        return _secp256k1(data)
    if len(data) != 32:
        raise InvalidKey(f"a private key of {curve} has 32 bytes, not {len(data)}")
    if curve == "secp256r1":
        from multiwallet.crypto.secp256r1 import is_valid_private_key

        if not is_valid_private_key(data):
            raise InvalidKey("a secp256r1 private key is a number from 1 to n - 1; this one is outside")
    return FormKey(curve, Secret(data))


def _read_antelope(text: str) -> FormKey:
    from multiwallet.codec import base58
    from multiwallet.crypto.hashes import ripemd160
    from multiwallet.keys.formats import decode_wif

    if text[:4] != "PVT_":
        return FormKey("secp256k1", decode_wif(text, (_EOS_WIF,)).private_key)
    if text[:7] != "PVT_K1_":
        raise InvalidKey("this key is of another curve than K1: only PVT_K1_... keys are served here")
    data = _decoded(lambda: base58.decode(text[7:]), "PVT_K1_... key")
    if len(data) != 36 or ripemd160(data[:32] + b"K1")[:4] != data[32:]:
        raise InvalidKey("the checksum of this PVT_K1_... key does not match: a character is wrong or missing")
    return _secp256k1(data[:32])


def _read_aip80(text: str) -> FormKey:
    curve = next(curve for curve, mark in _AIP80.items() if text.startswith(mark))
    digits = text[len(_AIP80[curve]) :]
    try:
        data = bytes.fromhex(digits.removeprefix("0x"))
    except ValueError:
        data = b""
    if digits[:2] != "0x" or len(digits) != 66 or len(data) != 32:
        raise InvalidKey(f"after {_AIP80[curve]} come 0x and 64 hexadecimal digits (AIP-80)")
    return _key_of(curve, data)


def _read_sui(text: str) -> FormKey:
    from multiwallet.codec import bech32

    def bare() -> bytes:
        prefix, symbols, encoding = bech32.decode(text)
        data = bech32.convert_bits(symbols, 5, 8)
        return data if (prefix, encoding) == (_SUI_PREFIX, bech32.Encoding.BECH32) else b""

    data = _decoded(bare, "suiprivkey1... key")
    if len(data) != 33:
        raise InvalidKey("this suiprivkey1... key has another length or checksum than such keys have")
    if data[0] >= len(_SUI):
        raise InvalidKey("this suiprivkey1... key is of a signature scheme that is not known here")
    return _key_of(_SUI[data[0]], data[1:])


def _read_family_seed(text: str) -> FormKey:
    from multiwallet.codec import base58
    from multiwallet.crypto.hashes import sha512

    data = _decoded(lambda: base58.decode_check(text, alphabet=base58.RIPPLE), "family seed")
    if len(data) == 19 and data[:3] == _FAMILY_ED25519:
        return FormKey("ed25519", Secret(sha512(data[3:])[:32]))
    if len(data) == 17 and data[:1] == _FAMILY_SECP256K1:
        return _family_key(data[1:])
    raise InvalidKey("this is no family seed of the XRP Ledger: it has 16 bytes behind another mark")


def _family_key(entropy: bytes) -> FormKey:
    """The secp256k1 key of account 0 of a family (XRP Ledger, "Key derivation")."""
    from multiwallet.crypto.secp256k1 import private_add_tweak, public_key

    root = _first_scalar(entropy)
    return _secp256k1(private_add_tweak(root, _first_scalar(public_key(root) + bytes(4))))


def _first_scalar(data: bytes) -> bytes:
    from multiwallet.crypto.hashes import sha512
    from multiwallet.crypto.secp256k1 import is_valid_private_key

    counter = 0
    while not is_valid_private_key(scalar := sha512(data + counter.to_bytes(4, "big"))[:32]):
        counter += 1  # once in 2^127
    return scalar


def _read_near(text: str) -> FormKey:
    from multiwallet.keys.formats import parse_ed25519

    return FormKey("ed25519", parse_ed25519(text.removeprefix("ed25519:")))


def _read_stellar(text: str) -> FormKey:
    from multiwallet.codec.crc16 import crc16

    try:
        data = base64.b32decode(text)
    except (binascii.Error, ValueError):
        raise InvalidKey("this is no secret seed of Stellar: a character is wrong") from None
    if data[:1] != _STRKEY_SEED or crc16(data[:33]) != int.from_bytes(data[33:], "little"):
        raise InvalidKey("the checksum of this secret seed of Stellar does not match: a character is wrong")
    return FormKey("ed25519", Secret(data[1:33]))


def _decoded(decode: Callable[[], bytes], what: str) -> bytes:
    try:
        return decode()
    except InputError:
        # The codec's message may quote a character of the key.
        raise InvalidKey(f"this {what} cannot be read: a character is wrong, missing or swapped") from None


_READERS: Final = {
    "pvt-k1": _Reader(lambda text: text[:4] == "PVT_" or (len(text) == 51 and text[0] == "5"), _read_antelope),
    "aip-80": _Reader(lambda text: text.startswith(tuple(_AIP80.values())), _read_aip80),
    "sui": _Reader(lambda text: text[:11].lower() == f"{_SUI_PREFIX}1", _read_sui),
    "family-seed": _Reader(lambda text: text[:1] == "s" and 20 < len(text) < 40, _read_family_seed),
    "near": _Reader(lambda text: text.startswith("ed25519:"), _read_near),
    "stellar": _Reader(lambda text: text[:1] == "S" and len(text) == 56, _read_stellar),
}
