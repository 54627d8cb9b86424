"""What the key bridges share: taking the private key out of an account, and missing libraries by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..account import Account, AsyncAccount
from ..errors import InputError, MissingExtra
from ..secret import Secret

__all__ = ["library", "private_key"]


def library(name: str, extra: str) -> Any:
    """Import a module of an optional library; MissingExtra, with the extra to install, where it is absent."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f'this needs the package {error.name!r}: pip install "multiwallet-sdk[{extra}]"', extra=extra
        ) from error


def private_key(account: Account | AsyncAccount, family: str, target: str) -> Secret:
    """The private key of an account of ``family`` (32 bytes), to be made into a ``target``.

    InputError for an account of another family; SigningRefused for a watch-only one.
    """
    from ..keys.formats import parse_ed25519, parse_secp256k1

    if not isinstance(account, Account | AsyncAccount):
        raise InputError(f"{target} is made from an account of a wallet, not from {type(account).__name__}")
    if account.network.family != family:
        raise InputError(f"{target} is made from an account of the {family} family, and this one is on {account.id}")
    text = account.export_private_key()
    return parse_ed25519(text) if family == "solana" else parse_secp256k1(text)[0]
