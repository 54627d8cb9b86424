"""Bridge to solders (and so to solana-py): keys in both directions. Needs the extra ``solana``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..account import Account, AsyncAccount
from ..errors import InputError
from ..wallet import Wallet
from .keys import library, private_key

if TYPE_CHECKING:
    from solders.keypair import Keypair

__all__ = ["from_keypair", "to_keypair"]


def to_keypair(account: Account | AsyncAccount) -> Keypair:
    """A solders ``Keypair`` with the key of a Solana account.

    THIS EXPORTS THE PRIVATE KEY: the result holds it, ``str()`` of it shows it, and nothing wipes it. Raises
    SigningRefused for a watch-only account, InputError for one of another family, MissingExtra without solders.

    >>> from multiwallet import Wallet
    >>> account = Wallet.from_seed(bytes(32)).account("solana")
    >>> str(to_keypair(account).pubkey()) == account.address
    True
    """
    keypair = library("solders.keypair", "solana").Keypair
    with private_key(account, "solana", "a Keypair") as seed:
        made: Keypair = keypair.from_seed(seed.expose())
    return made


def from_keypair(keypair: Keypair, **options: Any) -> Wallet:
    """A wallet that holds the key of a solders ``Keypair``; it serves every Solana network.

    THIS COPIES THE PRIVATE KEY. ``options`` are those of :meth:`multiwallet.Wallet.from_private_key`
    (``transport``, ``endpoints``). Raises InputError for what is no Keypair.

    >>> from solders.keypair import Keypair
    >>> keypair = Keypair.from_seed(bytes(32))
    >>> from_keypair(keypair).account("solana").address == str(keypair.pubkey())
    True
    """
    if not isinstance(keypair, library("solders.keypair", "solana").Keypair):
        raise InputError(f"from_keypair takes a solders Keypair, not {type(keypair).__name__}")
    return Wallet.from_private_key("solana", bytes(keypair), **options)
