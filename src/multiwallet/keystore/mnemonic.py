"""A BIP-39 mnemonic as plain words."""

from __future__ import annotations

from ..errors import InvalidKey
from ..secret import Secret
from .imported import ImportedKey
from .material import Phrase
from .source import Source

__all__ = ["of_mnemonic", "read", "write"]


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Read the words; the password is the BIP-39 passphrase."""
    from ..keys.mnemonic import Mnemonic

    if source.text is None:
        raise InvalidKey("a mnemonic is words")
    return of_mnemonic(Mnemonic(source.text), "mnemonic", password, network)


def of_mnemonic(mnemonic: object, format: str, password: Secret | None, network: str | None) -> ImportedKey:
    """The ImportedKey of a Mnemonic, for every format that holds one."""
    from ..keys.mnemonic import Mnemonic

    assert isinstance(mnemonic, Mnemonic)
    passphrase = None if password is None else Secret(password.expose())
    return ImportedKey(format, Phrase(mnemonic, passphrase), network or "bitcoin")


def write(key: ImportedKey, password: Secret | None) -> str:
    """The words."""
    with key.mnemonic() as mnemonic:
        return mnemonic.expose()
