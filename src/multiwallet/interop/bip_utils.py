"""Bridge to bip-utils: the same phrase on coins that we have no family for, and its keys in our wallets.

Needs the extra ``coins``. Addresses of the long tail of coins come from bip-utils; nothing is sent on them.
"""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from ..keys.mnemonic import Mnemonic
from ..wallet import Wallet
from .keys import library

__all__ = ["from_bip44", "to_bip44"]


def to_bip44(mnemonic: str | Mnemonic, coin: Any, passphrase: str = "") -> Any:
    """The bip-utils master object of a phrase for a coin: ``Bip44Coins``, ``Bip49Coins``, ``Bip84Coins`` or ``Bip86Coins``.

    THIS HANDS THE SEED TO bip-utils: the result derives every private key of the coin, and nothing wipes it.
    Raises InvalidMnemonic, InputError for what is no coin of bip-utils, MissingExtra without bip-utils.

    >>> from bip_utils import Bip44Changes, Bip44Coins
    >>> words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
    >>> account = to_bip44(words, Bip44Coins.DOGECOIN).Purpose().Coin().Account(0)
    >>> account.Change(Bip44Changes.CHAIN_EXT).AddressIndex(0).PublicKey().ToAddress()
    'DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC'
    """
    library_ = library("bip_utils", "coins")
    kinds = ("Bip44", "Bip49", "Bip84", "Bip86")
    name = next((name for name in kinds if isinstance(coin, getattr(library_, name + "Coins"))), None)
    if name is None:
        raise InputError(f"a coin is a member of bip-utils' Bip44Coins or its kin, not {type(coin).__name__}")
    words = mnemonic if isinstance(mnemonic, Mnemonic) else Mnemonic(mnemonic)
    with words.to_seed(passphrase) as seed:
        return getattr(library_, name).FromSeed(seed.expose(), coin)


def from_bip44(node: Any, network: str, **options: Any) -> Wallet:
    """A wallet of one key from a bip-utils ``Bip44`` object (or its kin) at address level.

    THIS COPIES THE PRIVATE KEY. ``network`` is ours and must use the same curve. ``options`` are those of
    :meth:`multiwallet.Wallet.from_private_key`. Raises InputError for what is no such object or is no address
    level (an account's key is none to spend with) or public only.
    """
    from .. import registry

    library_ = library("bip_utils", "coins")
    row = registry.network(network)
    if not isinstance(node, library_.Bip44 | library_.Bip49 | library_.Bip84 | library_.Bip86):
        raise InputError(f"from_bip44 takes a Bip44 object of bip-utils or its kin, not {type(node).__name__}")
    if node.IsPublicOnly():
        raise InputError("this Bip44 object is public only: hand its extended key to Wallet.from_xpub()")
    # Wallets of ed25519 chains pay from the account's own key; elsewhere that key is never one to pay from.
    if int(node.Level()) < (3 if registry.chain(row).curve == "ed25519" else 5):
        raise InputError("this Bip44 object is above the level of addresses: derive the address first")
    key = node.PrivateKey().Raw().ToBytes()
    curve = node.Bip32Object().CurveType().name.lower()
    if registry.chain(row).curve not in curve:
        raise InputError(f"this key is of the curve {curve}, and {row.title} signs with {registry.chain(row).curve}")
    return Wallet.from_private_key(row, key, **options)
