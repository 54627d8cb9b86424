"""The vault: mnemonics, seeds, private keys and extended public keys in one encrypted file, opened by slots.

XChaCha20-Poly1305 under a random key, which each slot wraps for a passphrase (Argon2id), a key file, the system's
keyring, an X25519 recipient, a FIDO2 authenticator or SLIP-39 shares, alone or several together. The format is
described byte by byte in docs/vault-format.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .argon2 import Argon2id as Argon2id
    from .credentials import recipient_public_key as recipient_public_key
    from .entries import Entry as Entry
    from .entries import Kind as Kind
    from .fido2_factor import Fido2Authenticator as Fido2Authenticator
    from .hardening import Hardening as Hardening
    from .hardening import harden_process as harden_process
    from .slots import Slot as Slot
    from .unlocked import Unlocked as Unlocked
    from .vault import Vault as Vault

_HOMES = {
    "Argon2id": "argon2",
    "Entry": "entries",
    "Fido2Authenticator": "fido2_factor",
    "Hardening": "hardening",
    "Kind": "entries",
    "Slot": "slots",
    "Unlocked": "unlocked",
    "Vault": "vault",
    "harden_process": "hardening",
    "recipient_public_key": "credentials",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  # the table above is the one list of public names


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
