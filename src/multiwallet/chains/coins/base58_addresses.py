"""Addresses in base58: Bitcoin's kin, Tezos, NEO, Ontology, SWTC, IOST, aeternity, FIO, Nebulas, NULS and Waves."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Final

from ...codec import base58
from ...crypto.ed25519 import is_valid_public_key
from ...crypto.hashes import blake2b, hash160, keccak256, ripemd160, sha3_256
from ...crypto.secp256k1 import decompress
from ...crypto.secp256k1 import is_valid_public_key as is_valid_secp256k1_key
from ...errors import InputError
from .address_format import AddressFormat, Params
from .row_params import as_bytes, as_text

__all__ = ["FORMATS"]

_MISMATCH: Final = "the checksum does not match: a character is wrong, missing or swapped"
_P: Final = 2**255 - 19
_TEZOS: Final = {bytes.fromhex(head): size for head, size in {
    "06a19f": 20, "06a1a1": 20, "06a1a4": 20, "06a1a6": 20, "025a79": 20,
}.items()}  # fmt: skip
"""tz1, tz2, tz3, tz4 and KT1."""
_JINGTUM: Final = str.maketrans("rj", "jr")
"""SWTC's alphabet is that of the XRP Ledger with r and j in each other's place."""


def _checked(params: Params, key: bytes) -> str:
    return base58.encode_check(as_bytes(params, "version") + hash160(key))


def _parse_checked(params: Params, text: str) -> str:
    data = base58.decode_check(text, limit=128)
    versions = [as_bytes(params, "version")]
    if "script_version" in params:
        versions.append(as_bytes(params, "script_version"))
    if not any(data.startswith(version) and len(data) == len(version) + 20 for version in versions):
        raise InputError("this is an address of another coin, or none: its first bytes do not fit")
    return text


def _tezos(params: Params, key: bytes) -> str:
    return base58.encode_check(as_bytes(params, "version") + blake2b(key, size=20))


def _parse_tezos(params: Params, text: str) -> str:
    data = base58.decode_check(text, limit=128)
    if _TEZOS.get(data[:3]) != len(data) - 3:
        raise InputError("an address of Tezos begins with tz1, tz2, tz3, tz4 or KT1")
    return text


def _neo(params: Params, key: bytes) -> str:
    script = as_bytes(params, "script_head") + key + as_bytes(params, "script_tail")
    return base58.encode_check(as_bytes(params, "version") + hash160(script))


def _jingtum(params: Params, key: bytes) -> str:
    text = base58.encode_check(b"\x00" + hash160(key), alphabet=base58.RIPPLE)
    return text.translate(_JINGTUM)


def _parse_jingtum(params: Params, text: str) -> str:
    data = base58.decode_check(text.translate(_JINGTUM), limit=128, alphabet=base58.RIPPLE)
    if len(data) != 21 or data[0]:
        raise InputError("an address of SWTC begins with j and holds 20 bytes")
    return text


def _raw(params: Params, key: bytes) -> str:
    return base58.encode(key)


def _parse_raw(params: Params, text: str) -> str:
    data = base58.decode(text, limit=128)
    if len(data) != 32 or not is_valid_public_key(data):
        raise InputError("a key of this coin is an Ed25519 public key of 32 bytes in base58")
    return text


def _aeternity(params: Params, key: bytes) -> str:
    return "ak_" + base58.encode_check(key)


def _parse_aeternity(params: Params, text: str) -> str:
    kind, sign, body = text.partition("_")
    if not sign or kind not in ("ak", "ct", "ok") or len(base58.decode_check(body, limit=128)) != 32:
        raise InputError("an address of aeternity is ak_ (ct_ a contract, ok_ an oracle) and base58 of 32 bytes")
    return text


def _fio(params: Params, key: bytes) -> str:
    return "FIO" + base58.encode(key + ripemd160(key)[:4])


def _parse_fio(params: Params, text: str) -> str:
    if text[:3] != "FIO":
        raise InputError("a key of FIO begins with FIO")
    data = base58.decode(text[3:], limit=128)
    if len(data) != 37 or ripemd160(data[:33])[:4] != data[33:]:
        raise InputError(_MISMATCH)
    if not is_valid_secp256k1_key(data[:33]):
        raise InputError("this is no public key: its number is no point of secp256k1")
    return text


def _with_checksum(head: bytes, payload: bytes, checksum: Callable[[bytes], bytes]) -> str:
    return base58.encode(head + payload + checksum(head + payload))


def _nebulas_checksum(data: bytes) -> bytes:
    return sha3_256(data)[:4]


def _nebulas(params: Params, key: bytes) -> str:
    return _with_checksum(b"\x19\x57", ripemd160(sha3_256(decompress(key))), _nebulas_checksum)


def _parse_nebulas(params: Params, text: str) -> str:
    data = base58.decode(text, limit=128)
    if len(data) != 26 or data[:2] not in (b"\x19\x57", b"\x19\x58"):
        raise InputError("an address of Nebulas begins with n1 (n2 a contract)")
    if _nebulas_checksum(data[:-4]) != data[-4:]:
        raise InputError(_MISMATCH)
    return text


def _xor(data: bytes) -> bytes:
    return bytes((reduce(int.__xor__, data, 0),))


def _nuls(params: Params, key: bytes) -> str:
    chain_id = params.get("chain_id", 0)
    if not isinstance(chain_id, int) or not 0 < chain_id < 65536:
        raise InputError("params.chain_id of a NULS row is a whole number from 1 to 65535")
    return (
        as_text(params, "prefix") + "d" + _with_checksum(chain_id.to_bytes(2, "little") + b"\x01", hash160(key), _xor)
    )


def _parse_nuls(params: Params, text: str) -> str:
    head = as_text(params, "prefix") + "d"
    data = base58.decode(text.removeprefix(head), limit=128)
    if not text.startswith(head) or len(data) != 24 or data[:2] != int(params["chain_id"]).to_bytes(2, "little"):
        raise InputError(f"an address of this chain begins with {head} and holds 24 bytes")
    if data[2] not in (1, 2, 3) or _xor(data[:-1]) != data[-1:]:
        raise InputError(_MISMATCH)
    return text


def _waves_hash(data: bytes) -> bytes:
    return keccak256(blake2b(data, size=32))


def _waves(params: Params, key: bytes) -> str:
    # Waves signs on Curve25519: the u of the same point, (1 + y) / (1 - y), RFC 7748.
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    u = (1 + y) * pow(1 - y, -1, _P) % _P
    head = b"\x01" + as_text(params, "chain").encode()
    return _with_checksum(head, _waves_hash(u.to_bytes(32, "little"))[:20], lambda data: _waves_hash(data)[:4])


def _parse_waves(params: Params, text: str) -> str:
    data = base58.decode(text, limit=128)
    if len(data) != 26 or data[:2] != b"\x01" + as_text(params, "chain").encode():
        raise InputError(
            "an address of this network of Waves holds 26 bytes, and this one is of another network or none"
        )
    if _waves_hash(data[:-4])[:4] != data[-4:]:
        raise InputError(_MISMATCH)
    return text


FORMATS: Final = {
    "base58check": AddressFormat("secp256k1", _checked, _parse_checked),
    "tezos": AddressFormat("ed25519", _tezos, _parse_tezos),
    "neo": AddressFormat("secp256r1", _neo, _parse_checked),
    "jingtum": AddressFormat("secp256k1", _jingtum, _parse_jingtum),
    "base58-key": AddressFormat("ed25519", _raw, _parse_raw),
    "aeternity": AddressFormat("ed25519", _aeternity, _parse_aeternity),
    "fio": AddressFormat("secp256k1", _fio, _parse_fio),
    "nebulas": AddressFormat("secp256k1", _nebulas, _parse_nebulas),
    "nuls": AddressFormat("secp256k1", _nuls, _parse_nuls),
    "waves": AddressFormat("ed25519", _waves, _parse_waves),
}
