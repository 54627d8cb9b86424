"""Addresses in bech32 and its kin: a hash of the key under the coin's prefix. MultiversX writes the key itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from ...codec import bech32, cashaddr
from ...crypto.hashes import blake2b, hash160, keccak256, ripemd160, sha256
from ...crypto.secp256k1 import decompress
from ...errors import InputError
from .address_format import AddressFormat, Params
from .row_params import as_bytes, as_text

__all__ = ["FORMATS"]

_OASIS_CONTEXT: Final = b"oasis-core/address: staking\x00"
_LONGEST: Final = 128
_PACTUS_ED25519: Final = 3
_PACTUS_TYPES: Final = {0: 20, 1: 20, 2: 20, 3: 20}
_CKB_TYPE: Final = b"\x01"
"""The hash type of the default lock, ``type``."""


def _oasis(key: bytes) -> bytes:
    return b"\x00" + hashlib.new("sha512_256", _OASIS_CONTEXT + key).digest()[:20]


def _plain(hash_key: Callable[[bytes], bytes], size: int, curve: str) -> AddressFormat:
    """Bech32 of one hash under ``params.hrp``."""

    def encode(params: Params, key: bytes) -> str:
        symbols = bech32.convert_bits(hash_key(key), 8, 5)
        return bech32.encode(as_text(params, "hrp"), symbols, bech32.Encoding.BECH32)

    def parse(params: Params, text: str) -> str:
        data = _data(params, text, bech32.Encoding.BECH32)
        if len(data) != size:
            raise InputError(f"an address of this coin holds {size} bytes, and this one {len(data)}")
        return text.lower()

    return AddressFormat(curve, encode, parse)


def _symbols(params: Params, text: str, encoding: bech32.Encoding) -> bytes:
    hrp, symbols, found = bech32.decode(text, _LONGEST)
    if hrp != as_text(params, "hrp"):
        raise InputError(f"an address of this coin begins with {as_text(params, 'hrp')}1")
    if found is not encoding:
        raise InputError("the checksum is that of another kind of bech32")
    return symbols


def _data(params: Params, text: str, encoding: bech32.Encoding) -> bytes:
    return bech32.convert_bits(_symbols(params, text, encoding), 5, 8)


def _segwit(params: Params, key: bytes) -> str:
    return bech32.encode_segwit(as_text(params, "hrp"), 0, hash160(key))


def _parse_segwit(params: Params, text: str) -> str:
    bech32.decode_segwit(as_text(params, "hrp"), text)
    return text.lower()


def _pactus(params: Params, key: bytes) -> str:
    symbols = bech32.convert_bits(ripemd160(blake2b(key, size=32)), 8, 5)
    return bech32.encode(as_text(params, "hrp"), bytes((_PACTUS_ED25519,)) + symbols, bech32.Encoding.BECH32M)


def _parse_pactus(params: Params, text: str) -> str:
    symbols = _symbols(params, text, bech32.Encoding.BECH32M)
    if not symbols or _PACTUS_TYPES.get(symbols[0]) != len(bech32.convert_bits(symbols[1:], 5, 8)):
        raise InputError("a Pactus address holds a type from 0 to 3 and 20 bytes")
    return text.lower()


def _nervos(params: Params, key: bytes) -> str:
    lock = b"\x00" + as_bytes(params, "code_hash") + _CKB_TYPE
    payload = lock + blake2b(key, size=32, person=b"ckb-default-hash")[:20]
    symbols = bech32.convert_bits(payload, 8, 5)
    return bech32.encode(as_text(params, "hrp"), symbols, bech32.Encoding.BECH32M, max_length=_LONGEST)


def _parse_nervos(params: Params, text: str) -> str:
    data = _data(params, text, bech32.Encoding.BECH32M)
    if len(data) < 34 or data[0] != 0 or data[33] not in (0, 1, 2, 4):
        raise InputError("this is no full address of Nervos CKB (RFC 21): the short forms are retired")
    return text.lower()


def _cash_address(params: Params, key: bytes) -> str:
    return cashaddr.encode(as_text(params, "hrp"), 0, hash160(key))


def _parse_cash_address(params: Params, text: str) -> str:
    return cashaddr.encode(as_text(params, "hrp"), *cashaddr.decode(text, as_text(params, "hrp")))


# -- Cardano (CIP-19) ------------------------------------------------------------------------------

_BASE, _ENTERPRISE, _STAKE = 0x00, 0x60, 0xE0
_SIZES: Final[Mapping[int, int]] = {kind: 57 if kind < 4 else 29 for kind in (0, 1, 2, 3, 6, 7, 14, 15)}


def _cardano(head: int) -> AddressFormat:
    """A base address is made of two keys, the payment key and the staking key, 64 bytes in this order."""

    def encode(params: Params, key: bytes) -> str:
        parts = [blake2b(key[start : start + 32], size=28) for start in range(0, len(key), 32)]
        data = bytes((head | _network_id(params),)) + b"".join(parts)
        hrp = as_text(params, "stake_hrp" if head == _STAKE else "hrp")
        return bech32.encode(hrp, bech32.convert_bits(data, 8, 5), bech32.Encoding.BECH32, max_length=_LONGEST)

    return AddressFormat("ed25519-bip32-base" if head == _BASE else "ed25519-bip32", encode, _parse_cardano)


def _network_id(params: Params) -> int:
    value = params.get("network_id")
    if value not in (0, 1):
        raise InputError("params.network_id of a Cardano row is 1, or 0 for a test network")
    return int(value)


def _parse_cardano(params: Params, text: str) -> str:
    if text[:1] in ("A", "D", "2", "3"):  # base58 of CBOR
        raise InputError(
            "this looks like an address of Byron's time, which is not read here: ask for one that begins addr1"
        )
    hrp, symbols, encoding = bech32.decode(text, _LONGEST)
    data = bech32.convert_bits(symbols, 5, 8)
    if encoding is not bech32.Encoding.BECH32 or not data:
        raise InputError("the checksum is that of another kind of bech32")
    if data[0] & 15 != _network_id(params):
        raise InputError("this is an address of another network of Cardano")
    kind = data[0] >> 4
    size = _SIZES.get(kind)
    if kind in (4, 5):
        fits = 29 < len(data) <= 29 + 27  # a pointer: three numbers in place of the staking key
    else:
        fits = size == len(data)
    if not fits:
        raise InputError("the header of this address does not fit its length (CIP-19)")
    if hrp != as_text(params, "stake_hrp" if kind in (14, 15) else "hrp"):
        raise InputError("the prefix of this address does not fit its header (CIP-19)")
    return text.lower()


FORMATS: Final = {
    "bech32-hash160": _plain(hash160, 20, "secp256k1"),
    "bech32-sha256": _plain(lambda key: sha256(key)[-20:], 20, "secp256k1"),
    "bech32-keccak": _plain(lambda key: keccak256(decompress(key)[1:])[-20:], 20, "secp256k1"),
    "bech32-key": _plain(bytes, 32, "ed25519"),
    "oasis": _plain(_oasis, 21, "ed25519"),
    "pactus": AddressFormat("ed25519", _pactus, _parse_pactus),
    "nervos": AddressFormat("secp256k1", _nervos, _parse_nervos),
    "segwit": AddressFormat("secp256k1", _segwit, _parse_segwit),
    "cash-address": AddressFormat("secp256k1", _cash_address, _parse_cash_address),
    "cardano-base": _cardano(_BASE),
    "cardano-enterprise": _cardano(_ENTERPRISE),
    "cardano-stake": _cardano(_STAKE),
}
