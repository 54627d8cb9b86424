"""Where the keys come from: a vault, or a file that holds a mnemonic. They leave this module as a wallet only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from multiwallet import AsyncEndpointPool, AsyncWallet
from multiwallet.errors import InputError
from multiwallet.vault import Vault

from .settings import Settings, read_secret

__all__ = ["open_wallet"]


@asynccontextmanager
async def open_wallet(settings: Settings, pool: AsyncEndpointPool) -> AsyncIterator[AsyncWallet]:
    """The wallet that pays, wiped at the end. Takes the time of one Argon2id where a vault has a passphrase."""
    endpoints = dict(settings.endpoints)
    if settings.mnemonic_file is not None:
        words = read_secret("PAYMENTS_MNEMONIC_FILE", settings.mnemonic_file)
        async with AsyncWallet.from_mnemonic(words, transport=pool, endpoints=endpoints) as wallet:
            yield wallet
        return
    if settings.vault_file is None:
        raise InputError("there are no keys to pay with: name a vault or a file with a mnemonic")
    passphrase = settings.vault_passphrase_file
    with Vault.open(settings.vault_file).unlock(
        None if passphrase is None else read_secret("PAYMENTS_VAULT_PASSPHRASE_FILE", passphrase),
        key_file=settings.vault_key_file,
    ) as opened:  # it wipes its wallets when it is closed, so it stays open as long as they are used
        async with opened.async_wallet(settings.vault_entry, transport=pool, endpoints=endpoints) as wallet:
            yield wallet
