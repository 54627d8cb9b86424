"""The vault of the MetaMask browser extension: its keyrings in JSON, under AES-GCM and PBKDF2."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any, Final

from ..codec import base64_text, json_text
from ..errors import InputError, InvalidKey, Unsupported
from ..path import Path
from ..secret import Secret
from .ciphers import aes_gcm_decrypt, aes_gcm_encrypt
from .imported import AccountHint, ImportedKey
from .key_derivation import pbkdf2
from .material import Phrase, PrivateKey
from .source import Source

__all__ = ["read", "write"]

_ACCOUNTS: Final = "m/44'/60'/0'/0"
_OLD_ROUNDS: Final = 10_000
_MOST_ACCOUNTS: Final = 10_000
_HD, _SIMPLE = "HD Key Tree", "Simple Key Pair"


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Open a vault, or the state of the extension that holds one.

    The first mnemonic is the key; further mnemonics and imported private keys are its ``others``. Keyrings of
    hardware wallets hold no keys and are passed over.
    """
    vault = _vault(source.json)
    if password is None:
        raise InvalidKey("a MetaMask vault is encrypted: give its password")
    if "lib" in vault or "cipher" in vault:
        raise Unsupported("this is a vault of the MetaMask phone app, which encrypts otherwise than the extension")
    data, iv, salt = (_base64(vault, name) for name in ("data", "iv", "salt"))
    if not 1 <= len(iv) <= 64 or len(salt) > 1024:
        raise InvalidKey("this MetaMask vault is damaged: its iv or salt has a wrong length")
    key = pbkdf2(password.expose(), salt, _rounds(vault), 32)
    keyrings = json_text.parse(aes_gcm_decrypt(key, iv, data), what="the content of this vault", error=InvalidKey)
    if not isinstance(keyrings, list):
        raise InvalidKey("this vault opened, and holds no list of keyrings")
    found: list[ImportedKey] = []
    for keyring in keyrings[:1000]:
        if isinstance(keyring, dict):
            found += _keys(keyring, network or "ethereum")
    if not found:
        raise Unsupported("this vault opened, and holds neither a mnemonic nor a private key")
    first = next((key for key in found if key.kind == "mnemonic"), found[0])
    first.others = tuple(key for key in found if key is not first)
    return first


def write(key: ImportedKey, password: Secret | None, *, rounds: int = 900_000, accounts: int = 1) -> str:
    """A vault with one keyring: the mnemonic with so many ``accounts``, or the one private key."""
    if password is None:
        raise InvalidKey("a MetaMask vault is encrypted: give a password")
    from .. import registry

    row = registry.network(key.network)
    keyring: dict[str, Any]
    if key.kind == "mnemonic":
        if key._material.secret.expose():  # type: ignore[attr-defined]  # a Phrase
            raise Unsupported("MetaMask has no passphrase beside a mnemonic: this one would open other accounts there")
        with key.mnemonic() as mnemonic:
            words = list(mnemonic.expose().encode())
        keyring = {
            "type": _HD,
            "data": {"mnemonic": words, "numberOfAccounts": accounts, "hdPath": _ACCOUNTS},
        }
    elif row.family == "evm":
        keyring = {"type": _SIMPLE, "data": [key.export_private_key().removeprefix("0x")]}
    else:
        raise Unsupported(f"MetaMask keeps mnemonics and keys of EVM networks, not of {row.title}")
    salt, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    derived = pbkdf2(password.expose(), salt, rounds, 32)
    data = aes_gcm_encrypt(derived, iv, json.dumps([keyring], separators=(",", ":")).encode())
    vault = {
        "data": base64.b64encode(data).decode(),
        "iv": base64.b64encode(iv).decode(),
        "keyMetadata": {"algorithm": "PBKDF2", "params": {"iterations": rounds}},
        "salt": base64.b64encode(salt).decode(),
    }
    return json.dumps(vault, separators=(",", ":"))


def _vault(value: Any) -> dict[str, Any]:
    """The vault itself, out of the extension's state or the text that holds it as a text."""
    for _ in range(5):
        if isinstance(value, str):
            value = json_text.parse(value, what="this vault", error=InvalidKey)
        if not isinstance(value, dict):
            break
        if "salt" in value:
            return value
        value = next((value[name] for name in ("vault", "KeyringController", "data") if name in value), None)
    raise InvalidKey("there is no MetaMask vault in this JSON")


def _rounds(vault: dict[str, Any]) -> Any:
    metadata = vault.get("keyMetadata")
    if metadata is None:
        return _OLD_ROUNDS
    if not isinstance(metadata, dict) or metadata.get("algorithm") != "PBKDF2":
        raise InvalidKey("this MetaMask vault derives its key by another function than PBKDF2")
    parameters = metadata.get("params")
    return parameters.get("iterations") if isinstance(parameters, dict) else None


def _base64(vault: dict[str, Any], name: str) -> bytes:
    text = vault.get(name)
    if not isinstance(text, str):
        raise InvalidKey(f"this MetaMask vault is damaged: its field {name!r} is missing")
    try:
        return base64_text.decode(text, what=f"the field {name!r} of this vault")
    except InputError as error:
        raise InvalidKey(error.message) from None


def _keys(keyring: dict[str, Any], network: str) -> list[ImportedKey]:
    data = keyring.get("data")
    if keyring.get("type") == _HD and isinstance(data, dict):
        return [_mnemonic(data, network)]
    if keyring.get("type") == _SIMPLE and isinstance(data, list):
        return [_private_key(item, network) for item in data[:_MOST_ACCOUNTS]]
    return []


def _mnemonic(data: dict[str, Any], network: str) -> ImportedKey:
    from ..keys.mnemonic import Mnemonic

    words = data.get("mnemonic")
    if isinstance(words, list):  # the bytes of the phrase, as newer versions write it
        try:
            words = bytes(words).decode()
        except (ValueError, TypeError):
            words = None
    if not isinstance(words, str):
        raise InvalidKey("the mnemonic in this vault cannot be read")
    count = data.get("numberOfAccounts", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= _MOST_ACCOUNTS:
        raise InvalidKey("the number of accounts in this vault is none")
    path = data.get("hdPath", _ACCOUNTS)
    if not isinstance(path, str):
        raise InvalidKey("the derivation path in this vault is none")
    parent = Path(path)
    hints = tuple(AccountHint(network, parent / index) for index in range(max(count, 1)))
    return ImportedKey("metamask", Phrase(Mnemonic(words)), network, accounts=hints)


def _private_key(text: Any, network: str) -> ImportedKey:
    from ..keys.formats import parse_secp256k1

    if not isinstance(text, str):
        raise InvalidKey("a private key in this vault cannot be read")
    return ImportedKey("metamask", PrivateKey(parse_secp256k1(text, ())[0]), network)
