"""Where a runtime keeps things: storage keys, and the three items whose layout no runtime has changed.

Balances and assets are read without metadata, so that a balance costs no download of half a megabyte.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from ...codec import scale
from ...codec.reader import Reader
from ...crypto.hashes import blake2b
from ...errors import BadResponse, InputError

__all__ = [
    "AccountBalance",
    "account_key",
    "asset_account_key",
    "asset_details_key",
    "asset_metadata_key",
    "multisig_key",
    "prefix",
    "read_account",
    "read_asset_account",
    "read_asset_details",
    "read_asset_metadata",
    "xxh64",
]

_MASK: Final = 2**64 - 1
_P1: Final = 0x9E3779B185EBCA87
_P2: Final = 0xC2B2AE3D27D4EB4F
_P3: Final = 0x165667B19E3779F9
_P4: Final = 0x85EBCA77C2B2AE63
_P5: Final = 0x27D4EB2F165667C5
_NEW_LOGIC: Final = 1 << 127


def _rotate(value: int, by: int) -> int:
    return (value << by | value >> 64 - by) & _MASK


def _round(value: int, lane: int) -> int:
    return _rotate((value + lane * _P2) & _MASK, 31) * _P1 & _MASK


def xxh64(data: bytes, seed: int) -> int:
    """XXH64 of ``data``: the hash that storage prefixes are made of, not a cryptographic one.

    >>> hex(xxh64(b"", 0))
    '0xef46db3751d8e999'
    """
    position, length = 0, len(data)
    if length >= 32:
        lanes = [seed + _P1 + _P2 & _MASK, seed + _P2 & _MASK, seed & _MASK, seed - _P1 & _MASK]
        while position + 32 <= length:
            for n in range(4):
                lanes[n] = _round(lanes[n], int.from_bytes(data[position : position + 8], "little"))
                position += 8
        value = sum(_rotate(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for lane in lanes:
            value = ((value ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        value = seed + _P5 & _MASK
    value = value + length & _MASK
    while position + 8 <= length:
        value ^= _round(0, int.from_bytes(data[position : position + 8], "little"))
        value = (_rotate(value, 27) * _P1 + _P4) & _MASK
        position += 8
    if position + 4 <= length:
        value ^= int.from_bytes(data[position : position + 4], "little") * _P1 & _MASK
        value = (_rotate(value, 23) * _P2 + _P3) & _MASK
        position += 4
    for byte in data[position:]:
        value = _rotate(value ^ byte * _P5 & _MASK, 11) * _P1 & _MASK
    value = (value ^ value >> 33) * _P2 & _MASK
    value = (value ^ value >> 29) * _P3 & _MASK
    return value ^ value >> 32


def _twox(data: bytes, words: int) -> bytes:
    return b"".join(xxh64(data, seed).to_bytes(8, "little") for seed in range(words))


@cache
def prefix(pallet: str, item: str) -> bytes:
    """The 32 bytes that all keys of a storage item begin with.

    >>> prefix("System", "Account").hex()
    '26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9'
    """
    return _twox(pallet.encode(), 2) + _twox(item.encode(), 2)


def _blake(data: bytes) -> bytes:
    return blake2b(data, size=16) + data


def account_key(account: bytes) -> str:
    """System.Account of an account id."""
    return "0x" + (prefix("System", "Account") + _blake(account)).hex()


def asset_account_key(asset: bytes, account: bytes) -> str:
    """Assets.Account of an encoded asset id and an account id."""
    return "0x" + (prefix("Assets", "Account") + _blake(asset) + _blake(account)).hex()


def asset_metadata_key(asset: bytes) -> str:
    """Assets.Metadata of an encoded asset id."""
    return "0x" + (prefix("Assets", "Metadata") + _blake(asset)).hex()


def asset_details_key(asset: bytes) -> str:
    """Assets.Asset of an encoded asset id."""
    return "0x" + (prefix("Assets", "Asset") + _blake(asset)).hex()


def multisig_key(account: bytes, call_hash: bytes) -> str:
    """Multisig.Multisigs of a shared account and the hash of a call."""
    return "0x" + (prefix("Multisig", "Multisigs") + _twox(account, 1) + account + _blake(call_hash)).hex()


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What System.Account says: numbers of the smallest unit."""

    exists: bool = False
    free: int = 0
    reserved: int = 0
    frozen: int = 0

    @property
    def available(self) -> int:
        """What can be spent: free, less what is frozen beyond the reserve (which counts towards a freeze)."""
        return max(0, self.free - max(0, self.frozen - self.reserved))

    @property
    def locked(self) -> int:
        """The rest: reserved and frozen."""
        return self.free + self.reserved - self.available


def read_account(data: bytes | None) -> AccountBalance:
    """System.Account from its bytes; nothing stored is an account that does not exist.

    Two layouts of the same 80 bytes are about: free, reserved, and then frozen and flags, or two kinds of frozen, of
    which the larger counts. Bit 127 of the last tells them apart where both differ.
    """
    if data is None:
        return AccountBalance()
    reader = Reader(data, "System.Account")
    try:
        reader.take(16)  # nonce and three counts of references
        free, reserved, third, fourth = (reader.uint(16) for _ in range(4))
        reader.finish()
    except InputError as error:
        raise BadResponse(f"this network keeps accounts in a way that is not known here: {error.message}") from None
    modern = fourth >= _NEW_LOGIC
    frozen = third if modern else max(third, fourth)
    if modern:
        return AccountBalance(True, free, reserved, frozen)
    # In the older layout a freeze does not count the reserve: adding it makes the one reckoning fit both.
    return AccountBalance(True, free, reserved, frozen + reserved if frozen else 0)


def read_asset_account(data: bytes | None) -> tuple[int, bool]:
    """Assets.Account: the balance, and whether it is frozen or blocked."""
    if data is None:
        return 0, False
    reader = Reader(data, "Assets.Account")
    try:
        return reader.uint(16), reader.byte() != 0
    except InputError as error:
        raise BadResponse(error.message) from None


def read_asset_details(data: bytes | None) -> tuple[int, bool] | None:
    """Assets.Asset: the least that an account may hold of it, and whether it keeps an account alive by itself."""
    if data is None:
        return None
    reader = Reader(data, "Assets.Asset")
    try:
        reader.take(4 * 32 + 2 * 16)  # owner, issuer, admin, freezer; supply and deposit
        return reader.uint(16), scale.boolean(reader)
    except InputError as error:
        raise BadResponse(f"the asset's details cannot be read: {error.message}") from None


def read_asset_metadata(data: bytes | None) -> tuple[str, int] | None:
    """Assets.Metadata: symbol and decimals; None where nobody has set them."""
    if data is None:
        return None
    reader = Reader(data, "Assets.Metadata")
    try:
        reader.take(16)  # the deposit
        scale.read_bytes(reader)  # the name
        symbol = scale.text(reader)
        return symbol, reader.byte()
    except InputError as error:
        raise BadResponse(f"the asset's metadata cannot be read: {error.message}") from None
