"""Where the keys come from: a vault, or a file that holds a mnemonic. They leave this module as a wallet only."""

from __future__ import annotations

from multiwallet import AsyncEndpointPool, AsyncWallet
from multiwallet.errors import InputError
from multiwallet.vault import Vault

from .settings import Settings, read_secret

__all__ = ["open_wallet"]


def open_wallet(settings: Settings, pool: AsyncEndpointPool) -> AsyncWallet:
    """The wallet that pays. Takes the time of one Argon2id where a vault has a passphrase."""
    endpoints = dict(settings.endpoints)
    if settings.mnemonic_file is not None:
        words = read_secret("PAYMENTS_MNEMONIC_FILE", settings.mnemonic_file)
        return AsyncWallet.from_mnemonic(words, transport=pool, endpoints=endpoints)
    if settings.vault_file is None:
        raise InputError("there are no keys to pay with: name a vault or a file with a mnemonic")
    passphrase = settings.vault_passphrase_file
    opened = Vault.open(settings.vault_file).unlock(
        None if passphrase is None else read_secret("PAYMENTS_VAULT_PASSPHRASE_FILE", passphrase),
        key_file=settings.vault_key_file,
    )
    return opened.async_wallet(settings.vault_entry, transport=pool, endpoints=endpoints)
