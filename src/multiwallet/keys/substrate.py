"""The keys of Polkadot's chains: the mini secret of a phrase, and what junctions derive from it.

As Polkadot-JS and Substrate itself do it (crates ``substrate-bip39`` and ``sp-core``): the mini secret comes from the
entropy of the phrase, not from its BIP-39 seed.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from multiwallet.crypto.hashes import blake2b
from multiwallet.errors import InputError, InvalidKey, InvalidPath
from multiwallet.path import Junctions
from multiwallet.secret import discreet

if TYPE_CHECKING:
    from multiwallet.crypto.ed25519 import Ed25519Key
    from multiwallet.crypto.secpkey import SecpKey
    from multiwallet.crypto.sr25519 import Sr25519Key

__all__ = ["derive", "mini_secret"]

_ROUNDS: Final = 2048
# The names that Substrate hashes with, each behind its SCALE length.
_NAMES: Final = {"ed25519": b"\x2cEd25519HDKD", "secp256k1": b"\x34Secp256k1HDKD"}


@discreet
def mini_secret(entropy: bytes, password: str = "") -> bytes:
    """The 32-byte mini secret of a BIP-39 phrase from its entropy (16 to 32 bytes) and a password.

    PBKDF2-HMAC-SHA512 of the entropy, 2,048 rounds, salted with "mnemonic" and the password (NFC); its first half.
    Raises :class:`~multiwallet.errors.InputError` for a password that is no Unicode text.

    >>> mini_secret(bytes(16)).hex()[:16]
    '4ed8d4b17698ddea'
    """
    from multiwallet.crypto.pbkdf2 import pbkdf2_hmac_sha512

    try:
        salt = b"mnemonic" + unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        raise InputError("this password holds half a surrogate pair, which is no Unicode text") from None
    return pbkdf2_hmac_sha512(entropy, salt, _ROUNDS)[:32]


@discreet
def derive(secret: bytes, path: Junctions, curve: str) -> Sr25519Key | Ed25519Key | SecpKey:
    """The key at a path of junctions below a mini secret, for ``sr25519``, ``ed25519`` or ``secp256k1`` (ecdsa).

    Only sr25519 has soft junctions (else :class:`~multiwallet.errors.InvalidPath`). A 64-byte secret serves
    sr25519 as well. The password of the path plays no part here. Raises
    :class:`~multiwallet.errors.InvalidKey` in the one case of 2^127 in which a junction leads to no key.

    >>> derive(mini_secret(bytes(16)), Junctions("//hard"), "ed25519")
    Ed25519Key(2365b08976e7a3932208b25a66ba0482510511f55e5530ea7784ef6d413598f8)
    """
    if curve == "sr25519":
        from multiwallet.crypto.sr25519 import Sr25519Key

        key = Sr25519Key(secret)
        for step in path.steps:
            with key:
                key = key.hard(step.chain_code) if step.is_hard else key.soft(step.chain_code)
        return key
    name = _NAMES.get(curve)
    if name is None:
        raise InvalidPath(f"{curve} keys have no junctions: write a path like m/44'/354'/0'/0'/0'")
    if not path.is_hardened_only:
        raise InvalidPath(f"{curve} has hard junctions only: write // before every name of {path}")
    for step in path.steps:
        secret = blake2b(name + secret + step.chain_code, size=32)
    if curve == "ed25519":
        from multiwallet.crypto.ed25519 import Ed25519Key

        return Ed25519Key(secret)
    from multiwallet.crypto.secp256k1 import is_valid_private_key
    from multiwallet.crypto.secpkey import SecpKey

    if not is_valid_private_key(secret):
        raise InvalidKey(f"there is no secp256k1 key at {path}: take another junction")
    return SecpKey(secret)
