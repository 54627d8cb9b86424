"""The operating system's keyring as a factor: 32 random bytes, kept as hex under the vault's and the slot's id."""

from __future__ import annotations

import contextlib
import secrets
from typing import Any, Final

from ..errors import MissingExtra, VaultError
from .factor_records import KeyringFactor

__all__ = ["forget", "load", "store"]

_SERVICE: Final = "multiwallet vault"


def store(vault_id: bytes, slot_id: bytes) -> tuple[KeyringFactor, bytearray]:
    """Put fresh random bytes into the keyring; the factor's record and the bytes.

    Raises :class:`~multiwallet.errors.MissingExtra` (``keyring``), and
    :class:`~multiwallet.errors.VaultError` where the system has no keyring or refuses.
    """
    library = _library()
    factor = KeyringFactor(_SERVICE, f"{vault_id.hex()}/{slot_id.hex()}")
    secret = bytearray(secrets.token_bytes(32))
    try:
        library.set_password(factor.service, factor.username, secret.hex())
    except Exception as error:  # noqa: BLE001  # each backend has errors of its own
        raise VaultError(f"the keyring did not take the secret ({type(error).__name__})") from None
    return factor, secret


def load(factor: KeyringFactor) -> bytearray | None:
    """The bytes of a factor, or None where this keyring does not have them."""
    library = _library()
    try:
        text = library.get_password(factor.service, factor.username)
    except Exception as error:  # noqa: BLE001  # each backend has errors of its own
        raise VaultError(f"the keyring cannot be read ({type(error).__name__})") from None
    try:
        secret = bytearray.fromhex(text or "")
    except ValueError:
        return None
    return secret if len(secret) == 32 else None


def forget(factor: KeyringFactor) -> None:
    """Take the bytes of a revoked slot out of the keyring, where this is the keyring that has them."""
    with contextlib.suppress(Exception):  # the slot is revoked either way
        _library().delete_password(factor.service, factor.username)


def _library() -> Any:
    try:
        import keyring
    except ImportError:
        raise MissingExtra(
            'the keyring needs an optional part: pip install "multiwallet-sdk[keyring]"', extra="keyring"
        ) from None
    return keyring
