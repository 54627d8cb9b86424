"""Who an account is: a key alone, or a key that acts for a named account.

A name is not derived from a key. So an account's *kind* says for whom its key acts: ``""`` is the key alone,
whose accounts are looked up when they are needed; ``"alice"`` and ``"alice@transfers"`` are an account and, where
it is not ``active``, the permission.
"""

from __future__ import annotations

from ...chain import Holder, Network
from ...errors import InputError, InvalidAddress, InvalidKey
from . import names, public_keys
from .names import Level
from .public_keys import PublicKey

__all__ = ["Kinds", "address", "key_of", "key_prefix", "level_of", "parse"]


class Kinds(tuple[str, ...]):
    """The kinds of account: the key alone, and one for every account and permission there can be."""

    __slots__ = ()

    def __contains__(self, kind: object) -> bool:
        if not isinstance(kind, str):
            return False
        try:
            return kind == "" or bool(names.level(kind))
        except InvalidAddress:
            return False


def key_prefix(network: Network) -> str:
    """The prefix of the older form of public keys: ``EOS`` on most networks."""
    return str(network.params.get("key_prefix", "EOS"))


def address(public_key: bytes, kind: str) -> str:
    """The account's name where the kind states one, else the public key as ``PUB_K1_...``; InvalidKey."""
    if kind:
        return names.level(kind).actor
    if len(public_key) != 33:
        raise InvalidKey(f"an Antelope public key is compressed to 33 bytes, not {len(public_key)}")
    return public_keys.key_text(PublicKey(0, public_key))


def parse(network: Network, text: str) -> str:
    """An account's name as it is, or a public key as ``PUB_K1_...``; InvalidAddress.

    An account named like ``alice@active`` is no address: a payment goes to an account, not to a permission.
    """
    prefix = key_prefix(network)
    if isinstance(text, str) and public_keys.is_key_text(text, prefix):
        key = public_keys.parse_key(text, prefix)
        if key.type:
            raise InvalidAddress("keys of secp256r1 (PUB_R1_) serve passkeys and devices, and no account here")
        return public_keys.key_text(key)
    return names.account(text)


def key_of(network: Network, text: str) -> bytes | None:
    """The 33 bytes where an address is a public key, None where it is an account's name."""
    prefix = key_prefix(network)
    return public_keys.parse_key(text, prefix).data if public_keys.is_key_text(text, prefix) else None


def level_of(holder: Holder) -> Level:
    """For whom the holder acts. InputError where its key has no account, or several to choose from."""
    if holder.kind:
        return names.level(holder.kind)
    found: tuple[Level, ...] = holder.state or ()
    actors = sorted({level.actor for level in found})
    if not actors:
        raise InputError(
            f"no account of {holder.network.title} lists the key {holder.address}: have one created for it, or name "
            'the account with kind="alice"'
        )
    if len(actors) > 1:
        shown = ", ".join(actors[:8]) + (", ..." if len(actors) > 8 else "")
        raise InputError(f'this key serves several accounts ({shown}): choose one with kind="{actors[0]}"')
    for wanted in ("active", "owner"):
        for level in found:
            if level.permission == wanted:
                return level
    return min(found)
