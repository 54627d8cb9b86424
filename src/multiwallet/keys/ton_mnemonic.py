"""TON's own phrases: 24 words of the BIP-39 list under rules of their own, which give one Ed25519 key.

They are no BIP-39 phrases: there is no checksum, but one phrase in 256 hashes to a zero byte and is valid. As in
``tonlib`` (file tonlib/keys/Mnemonic.cpp of the TON repository) and ``@ton/crypto``.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from multiwallet.errors import InputError, InvalidMnemonic
from multiwallet.keys.wordlists import load
from multiwallet.secret import Secret, discreet

__all__ = ["ton_seed"]

_WORDS: Final = 24
_ROUNDS: Final = 100_000
_CHECK_ROUNDS: Final = 390  # a 256th of them
_TEXT_LIMIT: Final = 2000


@discreet
def ton_seed(phrase: str, password: str = "") -> Secret:
    """The 32-byte Ed25519 seed of a phrase of 24 words (any white space and case) and its password, if it has one.

    Raises :class:`~multiwallet.errors.InvalidMnemonic` for another number of words, a word that is not in the English
    list, a phrase that is none of TON's (BIP-39 phrases are, but for one in 256), one that needs a password and was
    given none, and one that has none and was given one; :class:`~multiwallet.errors.InputError` for a password that is
    no Unicode text.

    >>> ton_seed("abandon " * 23 + "art")
    Traceback (most recent call last):
        ...
    multiwallet.errors.InvalidMnemonic: these 24 words are no phrase of TON's own: is it a BIP-39 phrase?
    """
    if not isinstance(phrase, str) or len(phrase) > _TEXT_LIMIT:
        raise InvalidMnemonic("a phrase of TON is text of 24 words")
    if not isinstance(password, str):
        raise InputError(f"a password is text, not {type(password).__name__}")
    words = phrase.lower().split()
    if len(words) != _WORDS:
        raise InvalidMnemonic(f"a phrase of TON has {_WORDS} words and this one has {len(words)}")
    known = load("english").numbers
    for number, word in enumerate(words, 1):
        if word not in known:
            raise InvalidMnemonic(f"word {number} of {_WORDS} is not in the English list: check its spelling")
    try:
        key, secret = " ".join(words).encode(), password.encode()
    except UnicodeEncodeError:
        raise InputError("this password holds half a surrogate pair, which is no Unicode text") from None
    bare = hmac.digest(key, b"", "sha512")
    needs_password = _hashed(bare, b"TON fast seed version", 1)[0] == 1 and not _is_basic(bare)
    if needs_password and not secret:
        raise InvalidMnemonic("these words were made with a password: give it, too")
    if secret and not needs_password:
        raise InvalidMnemonic("these words were made without a password, and one was given")
    entropy = hmac.digest(key, secret, "sha512")
    if not _is_basic(entropy):
        if secret:
            raise InvalidMnemonic("this password is not the one that these words were made with")
        raise InvalidMnemonic("these 24 words are no phrase of TON's own: is it a BIP-39 phrase?")
    return Secret(_hashed(entropy, b"TON default seed", _ROUNDS)[:32])


def _is_basic(entropy: bytes) -> bool:
    return _hashed(entropy, b"TON seed version", _CHECK_ROUNDS)[0] == 0


def _hashed(entropy: bytes, salt: bytes, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", entropy, salt, rounds, 64)
