"""Derivation: receive addresses of an account, from its private and from its public extended key."""

from __future__ import annotations

from multiwallet import Wallet
from multiwallet.keys.hd import ExtendedKey

from . import floors
from .measure import Case
from .signing import WORDS, wallet_seed


def _account() -> ExtendedKey:
    return ExtendedKey.from_seed(wallet_seed()).derive("m/84'/0'/0'")


def from_xprv(count: int) -> Case:
    branch = _account().child(0)
    wallet = Wallet.from_mnemonic(WORDS)
    return Case(
        "Bitcoin, receive addresses from an account xprv",
        count,
        lambda: floors.derive_private(branch.private_key, branch.public_key, branch.chain_code, count),
        lambda: wallet.accounts("bitcoin", count=count),
        0.60,
        "HMAC-SHA512 and the point operation",
        {"bip-utils": lambda: _bip_utils(50)},
        {"bip-utils": 50},
    )


def from_xpub(count: int) -> Case:
    account = _account()
    branch = account.public.child(0)
    wallet = Wallet.from_xpub("bitcoin", account.public.serialize("zpub"))
    return Case(
        "Bitcoin, receive addresses from an account xpub",
        count,
        lambda: floors.derive_public(branch.public_key, branch.chain_code, count),
        lambda: wallet.accounts("bitcoin", count=count),
        0.60,
        "HMAC-SHA512 and the point operation",
        {"embit": lambda: _embit(account.public.serialize("zpub"), 50)},
        {"embit": 50},
    )


def _bip_utils(count: int) -> None:
    from bip_utils import Bip44Changes, Bip84, Bip84Coins

    branch = Bip84.FromSeed(wallet_seed(), Bip84Coins.BITCOIN).Purpose().Coin().Account(0)
    receive = branch.Change(Bip44Changes.CHAIN_EXT)
    for index in range(count):
        receive.AddressIndex(index).PublicKey().ToAddress()


def _embit(zpub: str, count: int) -> None:
    from embit import bip32, script

    branch = bip32.HDKey.from_string(zpub).derive([0])
    for index in range(count):
        script.p2wpkh(branch.derive([index])).address()
