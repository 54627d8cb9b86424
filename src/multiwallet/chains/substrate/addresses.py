"""SS58 addresses as one network's: its own prefix, and the accounts of several keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...chain import Network
from ...codec import scale, ss58
from ...crypto.hashes import blake2b
from ...crypto.secp256k1 import compress
from ...errors import InputError, InvalidAddress, InvalidKey

__all__ = ["GENERIC", "account_id", "account_of", "multisig_account", "of_account", "of_public_key", "parse", "prefix"]

GENERIC: Final = 42
_MULTISIG: Final = b"modlpy/utilisuba"


def prefix(network: Network) -> int:
    """The network's SS58 prefix, its row's parameter ``ss58``; 42 where it names none."""
    value = network.params.get("ss58", GENERIC)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= ss58.LARGEST_PREFIX:
        raise InputError(f"the row of {network.name} needs params.ss58, a number from 0 to {ss58.LARGEST_PREFIX}")
    return value


def of_account(network: Network, account: bytes) -> str:
    """The address of an account id of 32 bytes."""
    return ss58.encode(prefix(network), account)


def account_id(public_key: bytes, kind: str) -> bytes:
    """The 32 bytes of an account: its key, or the BLAKE2b-256 hash of a compressed secp256k1 key."""
    if kind == "ecdsa":
        return blake2b(compress(public_key), size=32)
    if len(public_key) != 32:
        raise InvalidKey(f"an {kind or 'sr25519'} public key has 32 bytes, not {len(public_key)}")
    return bytes(public_key)


def of_public_key(network: Network, public_key: bytes, kind: str) -> str:
    """The address of a public key of one of the three kinds."""
    return of_account(network, account_id(public_key, kind))


def account_of(network: Network, text: str) -> bytes:
    """The account id of an address with the network's own prefix or the generic 42; InvalidAddress for others."""
    try:
        found, account = ss58.decode(text)
    except InputError as error:
        raise InvalidAddress(f"this is no address of {network.title}: {error.message}") from None
    if len(account) != 32:
        raise InvalidAddress("this SS58 text holds a bare public key of 33 bytes and is no account's address")
    own = prefix(network)
    if found not in (own, GENERIC):
        raise InvalidAddress(
            f"this address has the SS58 prefix {found}, and {network.title} has {own}: it was written for another "
            f"network (the same key's address here is {ss58.encode(own, account)}; ask the recipient before you use it)"
        )
    return account


def parse(network: Network, text: str) -> str:
    """The address in the network's own form; InvalidAddress."""
    return of_account(network, account_of(network, text))


def multisig_account(signatories: Sequence[bytes], threshold: int) -> bytes:
    """The account id that so many signatories (32 bytes each, in any order) share under a threshold."""
    members = scale.encode_vector(sorted(signatories))
    return blake2b(_MULTISIG + members + scale.encode_uint(threshold, 2), size=32)
