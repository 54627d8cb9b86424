"""Ethereum keystore, version 3 (the Web3 Secret Storage Definition): one private key in JSON, under a password.

geth, ethers, web3.py, TokenPocket and TronLink write it. ethers adds the mnemonic (``x-ethers``), TronLink writes a
TRON address.
"""

from __future__ import annotations

import hmac
import json
import secrets
import unicodedata
from typing import Any, Final

from ..codec.hexadecimal import parse_hex
from ..errors import InputError, InvalidKey, MultiwalletError, Unsupported
from ..path import Path
from ..secret import Secret
from .ciphers import WRONG_PASSWORD, aes_ctr
from .imported import AccountHint, ImportedKey, check_claim
from .key_derivation import pbkdf2, scrypt
from .material import Phrase, PrivateKey
from .source import Source

__all__ = ["read", "write"]

_CIPHER: Final = "aes-128-ctr"
_DEFAULT_PATH: Final = "m/44'/60'/0'/0/0"
_LONGEST_TEXT: Final = 4096


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Open a keystore. Raises InvalidKey for a wrong password, a MAC that does not fit and an address not the key's."""
    data = _lower(source.json)
    if not isinstance(data, dict):
        raise InvalidKey("a keystore is a JSON object")
    version = data.get("version")
    if version not in (3, "3"):
        raise InvalidKey(f"this keystore is of version {str(version)[:10]}: only version 3 can be read")
    crypto = _part(data, "crypto")
    if password is None:
        raise InvalidKey("this keystore is encrypted: give its password")
    if crypto.get("cipher") != _CIPHER:
        raise InvalidKey(f"this keystore is encrypted with another cipher than {_CIPHER}, the only one of the standard")
    cipher_text = _bytes(crypto, "ciphertext")
    counter = _bytes(_part(crypto, "cipherparams"), "iv")
    mac = _bytes(crypto, "mac")
    if not 1 <= len(cipher_text) <= 32 or len(counter) != 16 or len(mac) != 32:
        raise InvalidKey("this keystore is damaged: its ciphertext, counter or MAC has a wrong length")
    derived = next((key for key in _derived(crypto, password) if _mac_fits(key, cipher_text, mac)), None)
    if derived is None:
        raise InvalidKey(WRONG_PASSWORD)
    # Some early writers left leading zero bytes of the key out.
    private = aes_ctr(derived[:16], counter, cipher_text).rjust(32, b"\x00")
    row, claimed = _claimed(data.get("address"), network)
    key = _with_mnemonic(data.get("x-ethers"), derived, private, row) or _of_private_key(private, row)
    if claimed is not None:
        check_claim(key, claimed)
    return key


def write(
    key: ImportedKey,
    password: Secret | None,
    *,
    kdf: str = "scrypt",
    n: int = 2**18,
    r: int = 8,
    p: int = 1,
    rounds: int = 600_000,
) -> str:
    """The keystore as JSON text: scrypt with geth's standard cost, or ``kdf="pbkdf2"`` with ``rounds``.

    A key that holds a mnemonic keeps it, as ethers writes it. The password is written as UTF-8 in NFKC, which
    every wallet reads that was given the same characters.
    """
    if password is None:
        raise InvalidKey("a keystore is encrypted: give a password")
    from .. import registry

    row = registry.network(key.network)
    if registry.chain(row).curve != "secp256k1" or row.family not in ("evm", "tron"):
        raise Unsupported(f"a keystore holds keys of EVM networks and of TRON, not of {row.title}")
    private = _private_bytes(key)
    secret = _forms(password)[-1]
    salt, counter = secrets.token_bytes(32), secrets.token_bytes(16)
    parameters: dict[str, Any]
    if kdf == "scrypt":
        derived = scrypt(secret, salt, n=n, r=r, p=p, size=64)
        parameters = {"dklen": 32, "n": n, "p": p, "r": r, "salt": salt.hex()}
    elif kdf == "pbkdf2":
        derived = pbkdf2(secret, salt, rounds, 64)
        parameters = {"c": rounds, "dklen": 32, "prf": "hmac-sha256", "salt": salt.hex()}
    else:
        raise InputError("a keystore derives its key by scrypt or pbkdf2")
    cipher_text = aes_ctr(derived[:16], counter, private)
    written: dict[str, Any] = {
        "address": _bare_address(key.address or "", row.family),
        "crypto": {
            "cipher": _CIPHER,
            "cipherparams": {"iv": counter.hex()},
            "ciphertext": cipher_text.hex(),
            "kdf": kdf,
            "kdfparams": parameters,
            "mac": _mac(derived, cipher_text).hex(),
        },
        "id": _random_uuid(),
        "version": 3,
    }
    if key.kind == "mnemonic" and row.family == "evm":
        written["x-ethers"] = _ethers_part(key, derived)
    return json.dumps(written, separators=(",", ":"))


def _private_bytes(key: ImportedKey) -> bytes:
    return parse_hex(key.export_private_key(), length=32, what="the private key")


def _of_private_key(private: bytes, row: str) -> ImportedKey:
    from ..crypto.secp256k1 import is_valid_private_key

    if not is_valid_private_key(private):
        raise InvalidKey("what this keystore holds is no private key: it is damaged")
    return ImportedKey("ethereum-v3", PrivateKey(Secret(private)), row)


def _claimed(address: object, network: str | None) -> tuple[str, str | None]:
    """The network that the address tells, and the address as that network writes it."""
    if address is None or address == "":
        return network or "ethereum", None
    if not isinstance(address, str) or len(address) > 100:
        raise InvalidKey("the address of this keystore is no text")
    bare = address.removeprefix("0x").removeprefix("0X")
    if len(bare) == 40:
        if network is not None and not _is_evm(network):
            return network, "41" + bare.lower()
        return network or "ethereum", "0x" + bare.lower()
    if len(bare) == 42 and bare[:2] == "41":
        return network or "tron", _from_tron_hex(bare)
    return network or "tron", address


def _is_evm(network: str) -> bool:
    from .. import registry

    return registry.network(network).family == "evm"


def _from_tron_hex(digits: str) -> str:
    from ..codec.base58 import encode_check

    try:
        return encode_check(parse_hex(digits.lower(), length=21))
    except InputError:
        raise InvalidKey("the address of this keystore is none") from None


def _bare_address(address: str, family: str) -> str:
    return address if family == "tron" else address.removeprefix("0x").lower()


def _derived(crypto: dict[str, Any], password: Secret) -> Any:
    """The derived key for each form that the password may have been typed in, the likeliest first."""
    parameters = _part(crypto, "kdfparams")
    salt = _bytes(parameters, "salt")
    if parameters.get("dklen", 32) not in (32, 64) or len(salt) > 1024:
        raise InvalidKey("the key derivation of this keystore gives another length than 32 bytes")
    kdf = str(crypto.get("kdf")).lower()
    if kdf not in ("scrypt", "pbkdf2"):
        raise InvalidKey("this keystore derives its key by another function than scrypt and pbkdf2")
    if kdf == "pbkdf2" and str(parameters.get("prf", "hmac-sha256")).lower() != "hmac-sha256":
        raise InvalidKey("this keystore's PBKDF2 uses another hash than HMAC-SHA256, the only one of the standard")
    for form in _forms(password):
        if kdf == "scrypt":
            n, r, p = (parameters.get(name, 0) for name in ("n", "r", "p"))
            yield scrypt(form, salt, n=n, r=r, p=p, size=64)
        else:
            yield pbkdf2(form, salt, parameters.get("c", 0), 64)


def _forms(password: Secret) -> list[bytes]:
    """The password as given and in NFKC: geth takes it as typed, ethers normalises it."""
    given = password.expose()
    try:
        normal = unicodedata.normalize("NFKC", given.decode()).encode()
    except UnicodeDecodeError:
        return [given]
    return [given] if normal == given else [given, normal]


def _mac(derived: bytes, cipher_text: bytes) -> bytes:
    from ..crypto.hashes import keccak256

    return keccak256(derived[16:32] + cipher_text)


def _mac_fits(derived: bytes, cipher_text: bytes, mac: bytes) -> bool:
    return hmac.compare_digest(_mac(derived, cipher_text), mac)


def _with_mnemonic(part: Any, derived: bytes, private: bytes, row: str) -> ImportedKey | None:
    """The mnemonic that ethers writes beside the key, where it is there and leads to that very key."""
    if not isinstance(part, dict) or part.get("version") != "0.1" or part.get("locale", "en") != "en":
        return None
    if not part.get("mnemonicciphertext"):
        return None
    counter, cipher_text = _bytes(part, "mnemoniccounter"), _bytes(part, "mnemonicciphertext")
    path = part.get("path") or _DEFAULT_PATH
    if len(counter) != 16 or len(cipher_text) not in (16, 20, 24, 28, 32) or not isinstance(path, str):
        raise InvalidKey("the mnemonic in this keystore is damaged")
    from ..keys.mnemonic import Mnemonic

    mnemonic = Mnemonic.from_entropy(aes_ctr(derived[32:64], counter, cipher_text))
    try:
        key = ImportedKey("ethereum-v3", Phrase(mnemonic), row, accounts=(AccountHint(row, Path(path)),))
        if _private_bytes(key) == private:
            return key
    except MultiwalletError:
        pass
    mnemonic.close()
    raise InvalidKey(
        "the mnemonic in this keystore does not lead to its private key (it may have a passphrase, which is not "
        "written): remove the part x-ethers to read the private key alone"
    )


def _ethers_part(key: ImportedKey, derived: bytes) -> dict[str, Any]:
    counter = secrets.token_bytes(16)
    path = key.accounts[0].path
    with key.mnemonic() as mnemonic:
        if mnemonic.language != "english" or key._material.secret.expose():  # type: ignore[attr-defined]  # a Phrase
            raise Unsupported(
                "a keystore keeps an English mnemonic without passphrase only: write the account's private key instead"
            )
        cipher_text = aes_ctr(derived[32:64], counter, mnemonic.entropy)
    return {
        "client": "multiwallet",
        "locale": "en",
        "mnemonicCiphertext": cipher_text.hex(),
        "mnemonicCounter": counter.hex(),
        "path": _DEFAULT_PATH if path is None else str(path),
        "version": "0.1",
    }


def _random_uuid() -> str:
    digits = bytearray(secrets.token_bytes(16))
    digits[6], digits[8] = digits[6] & 0x0F | 0x40, digits[8] & 0x3F | 0x80  # RFC 9562, version 4
    text = digits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _lower(value: Any, depth: int = 4) -> Any:
    """The same with the names of its fields in lower case: ``Crypto`` and ``crypto`` are both written."""
    if isinstance(value, dict) and depth:
        return {name.lower(): _lower(item, depth - 1) for name, item in value.items()}
    return value


def _part(data: dict[str, Any], name: str) -> dict[str, Any]:
    part = data.get(name)
    if not isinstance(part, dict):
        raise InvalidKey(f"this keystore is damaged: its part {name!r} is missing")
    return part


def _bytes(data: dict[str, Any], name: str) -> bytes:
    text = data.get(name)
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        raise InvalidKey(f"this keystore is damaged: its field {name!r} is missing")
    try:
        return parse_hex(text, what=f"the field {name!r} of this keystore")
    except InputError as error:
        raise InvalidKey(error.message) from None
