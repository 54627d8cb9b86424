"""Addresses: classic ones (``r...``), and X-addresses (XLS-5), which carry a destination tag and the kind of network."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ...chain import Network
from ...codec import base58
from ...crypto.ed25519 import is_valid_public_key as is_ed25519
from ...crypto.hashes import hash160
from ...crypto.secp256k1 import is_valid_public_key as is_secp256k1
from ...errors import InputError, InvalidAddress, InvalidKey, shown

__all__ = [
    "TAG_MAX",
    "Recipient",
    "account_id",
    "canonical",
    "classic",
    "is_test",
    "ledger_key",
    "of_key",
    "parse",
    "x_address",
]

TAG_MAX: Final = 2**32 - 1
ED: Final = b"\xed"
_CLASSIC: Final = b"\0"
_X: Final = {b"\x05\x44": False, b"\x04\x93": True}
_LONGEST: Final = 60


class Recipient(NamedTuple):
    """Who is meant: 20 bytes of account id, and the destination tag where the address carries one."""

    account: bytes
    tag: int | None = None


def ledger_key(public_key: bytes) -> bytes:
    """The 33 bytes by which the ledger knows a key: a compressed secp256k1 key, or 0xED and the 32 bytes of ed25519.

    >>> ledger_key(bytes(32))[:2].hex()
    'ed00'
    """
    return ED + public_key if len(public_key) == 32 else bytes(public_key)


def is_key(key: bytes) -> bool:
    """Whether 33 bytes are a key as the ledger knows them."""
    if len(key) != 33:
        return False
    return is_ed25519(key[1:]) if key[:1] == ED else is_secp256k1(key)


def of_key(public_key: bytes) -> bytes:
    """The account id (20 bytes) of a public key: 33 bytes, or 32 of ed25519. InvalidKey for others."""
    key = ledger_key(public_key)
    if not is_key(key):
        raise InvalidKey("a key of the XRP Ledger is a compressed secp256k1 key of 33 bytes, or 32 bytes of ed25519")
    return hash160(key)


def classic(account: bytes) -> str:
    """The classic address of an account id of 20 bytes.

    >>> classic(bytes(20))
    'rrrrrrrrrrrrrrrrrrrrrhoLvTp'
    """
    return base58.encode_check(_CLASSIC + account, alphabet=base58.RIPPLE)


def account_id(text: Any) -> bytes:
    """The 20 bytes of a classic address, and of nothing else; InvalidAddress says what is wrong."""
    if not isinstance(text, str) or not 25 <= len(text) <= 36:
        raise InvalidAddress(f"{shown(text)} is no classic address, which begins with r and has 25 to 35 characters")
    data = _decoded(text)
    if len(data) != 21 or data[:1] != _CLASSIC:
        raise InvalidAddress("this is no classic address of an account: those begin with r and hold 20 bytes")
    return data[1:]


def is_test(network: Network) -> bool:
    """Whether X-addresses of this network begin with T."""
    return bool(network.params.get("test_addresses", network.testnet))


def parse(network: Network, text: Any) -> Recipient:
    """A classic address or an X-address of this network; InvalidAddress."""
    if not isinstance(text, str) or not 25 <= len(text) <= _LONGEST:
        raise InvalidAddress(
            f"{shown(text)} is no address of the XRP Ledger: those begin with r, and X-addresses with X or T"
        )
    if text[:1] not in ("X", "T"):
        return Recipient(account_id(text))
    data = _decoded(text)
    if len(data) != 31 or data[:2] not in _X:
        raise InvalidAddress("this is no X-address, which holds 31 bytes behind a mark of its own")
    if _X[data[:2]] != is_test(network):
        theirs = "test networks" if _X[data[:2]] else "the main network"
        raise InvalidAddress(f"this X-address is for {theirs}, and {network.name} is not one of those")
    flag, tag = data[22], int.from_bytes(data[23:31], "little")
    if flag > 1 or tag > TAG_MAX:
        raise InvalidAddress("this X-address has a tag of more than 32 bits, which the ledger does not know")
    if flag == 0 and tag:
        raise InvalidAddress("this X-address says that it has no tag, and has one")
    return Recipient(data[2:22], tag if flag else None)


def x_address(network: Network, account: bytes, tag: int | None) -> str:
    """The X-address of an account id (20 bytes) with a destination tag, or without one.

    >>> x_address(Network("xrpl:0", "xrp", "xrp", "XRP", "XRP", 6, 144), bytes(20), None)[:1]
    'X'
    """
    mark = next(mark for mark, test in _X.items() if test == is_test(network))
    body = bytes((tag is not None,)) + (tag or 0).to_bytes(8, "little")
    return base58.encode_check(mark + account + body, alphabet=base58.RIPPLE)


def canonical(network: Network, text: Any) -> str:
    """The canonical form: the classic address, or the X-address where it carries a tag, which must not be lost."""
    found = parse(network, text)
    return classic(found.account) if found.tag is None else x_address(network, found.account, found.tag)


def _decoded(text: str) -> bytes:
    try:
        return base58.decode_check(text, alphabet=base58.RIPPLE, limit=_LONGEST)
    except InputError as error:
        raise InvalidAddress(f"this address of the XRP Ledger cannot be read: {error.message}") from None
