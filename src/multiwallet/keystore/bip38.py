"""BIP-38: a Bitcoin private key encrypted under a passphrase, with and without EC multiplication."""

from __future__ import annotations

import hmac
import unicodedata
from typing import Final

from ..codec.base58 import decode_check, encode_check
from ..errors import InputError, InvalidKey
from ..secret import Secret
from .ciphers import WRONG_PASSWORD, aes_ecb
from .imported import AccountHint, ImportedKey
from .key_derivation import scrypt
from .material import PrivateKey
from .source import Source

__all__ = ["read", "write"]

_PLAIN: Final = b"\x01\x42"
_MULTIPLIED: Final = b"\x01\x43"
_NOT_MULTIPLIED_BITS: Final = 0xC0
_COMPRESSED_BIT: Final = 0x20
_LOT_BIT: Final = 0x04


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Decrypt a key. The hash of its address inside tells whether the passphrase is right.

    Takes about a quarter of a second: the standard's scrypt has N = 16,384, r = 8, p = 8.
    """
    try:
        data = decode_check(source.text or "", limit=100)
    except InputError:
        raise InvalidKey("this is no BIP-38 key: a character is wrong, or one is missing") from None
    if len(data) != 39 or data[:2] not in (_PLAIN, _MULTIPLIED):
        raise InvalidKey("this is no BIP-38 key: it has another length or prefix")
    if password is None:
        raise InvalidKey("this key is encrypted: give its passphrase")
    flags, salt, body = data[2], data[3:7], data[7:]
    multiplied = data[:2] == _MULTIPLIED
    allowed = _COMPRESSED_BIT | (_LOT_BIT if multiplied else _NOT_MULTIPLIED_BITS)
    if flags & ~allowed or (not multiplied and flags & _NOT_MULTIPLIED_BITS != _NOT_MULTIPLIED_BITS):
        raise InvalidKey("this BIP-38 key has flags that the standard does not know")
    passphrase = _normal(password)
    if multiplied:
        private = _multiplied_key(body, salt, passphrase, has_lot=bool(flags & _LOT_BIT))
    else:
        private = _plain_key(body, salt, passphrase)
    from ..crypto.secp256k1 import is_valid_private_key

    if not is_valid_private_key(private):
        raise InvalidKey(WRONG_PASSWORD)
    compressed = bool(flags & _COMPRESSED_BIT)
    row = network or "bitcoin"
    kind = "" if compressed else "p2pkh"
    key = ImportedKey(
        "bip38", PrivateKey(Secret(private), compressed=compressed), row, accounts=(AccountHint(row, None, kind),)
    )
    if not hmac.compare_digest(_address_hash(private, compressed, row), salt):
        key.close()
        raise InvalidKey(WRONG_PASSWORD)
    return key


def write(key: ImportedKey, password: Secret | None) -> str:
    """Encrypt the key of the address (without EC multiplication)."""
    if password is None:
        raise InvalidKey("a BIP-38 key is encrypted: give a passphrase")
    from ..keys.formats import decode_wif
    from .wif import bitcoin_key

    wif = decode_wif(bitcoin_key(key))
    private = wif.private_key.expose()
    salt = _address_hash(private, wif.compressed, key.network)
    derived = scrypt(_normal(password), salt, n=16384, r=8, p=8, size=64)
    body = aes_ecb(derived[32:], _xor(private, derived[:32]), decrypt=False)
    flags = _NOT_MULTIPLIED_BITS | (_COMPRESSED_BIT if wif.compressed else 0)
    return encode_check(_PLAIN + bytes((flags,)) + salt + body)


def _plain_key(body: bytes, salt: bytes, passphrase: bytes) -> bytes:
    derived = scrypt(passphrase, salt, n=16384, r=8, p=8, size=64)
    return _xor(aes_ecb(derived[32:], body, decrypt=True), derived[:32])


def _multiplied_key(body: bytes, salt: bytes, passphrase: bytes, *, has_lot: bool) -> bytes:
    """The product of the owner's number, from the passphrase, and the maker's, from the encrypted part."""
    from ..crypto.hashes import sha256d
    from ..crypto.secp256k1 import ORDER, is_valid_private_key, public_key

    owner, first_part, second = body[:8], body[8:16], body[16:]
    factor = scrypt(passphrase, owner[:4] if has_lot else owner, n=16384, r=8, p=8, size=32)
    if has_lot:
        factor = sha256d(factor + owner)
    if not is_valid_private_key(factor):
        raise InvalidKey(WRONG_PASSWORD)
    derived = scrypt(public_key(factor), salt + owner, n=1024, r=1, p=1, size=64)
    tail = _xor(aes_ecb(derived[32:], second, decrypt=True), derived[16:32])
    head = _xor(aes_ecb(derived[32:], first_part + tail[:8], decrypt=True), derived[:16])
    maker = sha256d(head + tail[8:])
    product = int.from_bytes(factor, "big") * int.from_bytes(maker, "big") % ORDER
    return product.to_bytes(32, "big")


def _address_hash(private: bytes, compressed: bool, network: str) -> bytes:
    """The first four bytes of the hash of the key's p2pkh address: the salt, and the check of the passphrase."""
    from .. import registry
    from ..crypto.hashes import sha256d
    from ..crypto.secp256k1 import decompress, public_key

    row = registry.network(network)
    public = public_key(private)
    address = registry.chain(row).address(row, public if compressed else decompress(public), "p2pkh")
    return sha256d(address.encode())[:4]


def _normal(password: Secret) -> bytes:
    try:
        return unicodedata.normalize("NFC", password.expose().decode()).encode()
    except UnicodeDecodeError:
        return password.expose()


def _xor(first: bytes, second: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(first, second, strict=True))
