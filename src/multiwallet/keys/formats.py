"""Private keys in the forms their users have: hex, WIF, base58, JSON arrays, raw bytes."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from multiwallet.errors import InputError, InvalidKey
from multiwallet.secret import Secret, discreet

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "WifKey",
    "decode_wif",
    "encode_json_keypair",
    "encode_keypair",
    "encode_wif",
    "parse_ed25519",
    "parse_secp256k1",
    "parse_secp256r1",
    "parse_sr25519",
]

Written: TypeAlias = "str | bytes | bytearray | memoryview | Secret"

# The longest form, a JSON array of 64 numbers with a line for each, has some 500 characters.
_TEXT_LIMIT: Final = 1000
_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")
# AIP-80, the form of Aptos wallets: the kind of key in front of its hex.
_AIP80: Final = {"ed25519": "ed25519-priv-", "secp256k1": "secp256k1-priv-"}


class WifKey(NamedTuple):
    """A private key as Bitcoin wallets write it: 32 bytes, which public key goes with it, the network's byte."""

    private_key: Secret
    compressed: bool
    version: int


@discreet
def decode_wif(text: str, versions: Collection[int] | None = None) -> WifKey:
    """Read a private key in wallet import format (base58check).

    ``versions`` holds the version bytes of the network it shall be of (128 for Bitcoin, 239 for its test
    networks, 176 for Litecoin, 158 for Dogecoin); ``None`` takes any. Raises
    :class:`~multiwallet.errors.InvalidKey` otherwise.

    >>> key = decode_wif("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", {128})
    >>> key.compressed, key.version, key.private_key
    (False, 128, Secret(…))
    """
    from multiwallet.codec.base58 import decode_check

    if not isinstance(text, str) or len(text) > 100:
        raise InvalidKey("a private key in WIF is a text of 51 or 52 characters")
    try:
        data = decode_check(text.strip())
    except InputError:
        # The codec's message may quote a character of the key.
        raise InvalidKey("this is no private key in WIF: a character is wrong, or one is missing") from None
    if len(data) == 34 and data[33] == 1:
        compressed = True
    elif len(data) == 33:
        compressed = False
    else:
        raise InvalidKey("this base58check text is no private key in WIF: it has another length or ending")
    if versions is not None and data[0] not in versions:
        raise InvalidKey(f"this WIF key is of another network (version byte {data[0]})")
    return WifKey(_secp256k1_secret(data[1:33]), compressed, data[0])


@discreet
def encode_wif(private_key: bytes | Secret, version: int = 128, *, compressed: bool = True) -> str:
    """Write a 32-byte private key in wallet import format. What comes back is the secret itself.

    Raises :class:`~multiwallet.errors.InvalidKey` for what is no secp256k1 private key.

    >>> encode_wif(bytes(31) + b"\\x01")
    'KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn'
    """
    from multiwallet.codec.base58 import encode_check

    if not 0 <= version <= 255:
        raise InvalidKey(f"a version byte is 0 to 255, not {version}")
    key = _secp256k1_secret(_raw(private_key)).expose()
    return encode_check(bytes((version,)) + key + (b"\x01" if compressed else b""))


@discreet
def parse_secp256k1(value: Written, wif_versions: Collection[int] | None = None) -> tuple[Secret, bool]:
    """Read a secp256k1 private key: ``(32-byte secret, whether its public key is compressed)``.

    Takes 32 bytes, 64 hexadecimal digits with or without ``0x``, WIF (see :func:`decode_wif` for
    ``wif_versions``; an empty one refuses WIF) and AIP-80. Only an old WIF is uncompressed. Raises
    :class:`~multiwallet.errors.InvalidKey`, which never shows the key.

    >>> parse_secp256k1("0x" + "00" * 31 + "01")
    (Secret(…), True)
    """
    if not isinstance(value, str):
        return _secp256k1_secret(_raw(value)), True
    text = _text(value, "secp256k1")
    digits = _hexadecimal(text)
    if digits is not None:
        return _secp256k1_secret(digits), True
    if wif_versions is not None and not wif_versions:
        raise InvalidKey(f"a private key here is 64 hexadecimal digits; this text has {len(text)} other characters")
    if not 50 <= len(text) <= 53:
        raise InvalidKey(
            f"a private key is 64 hexadecimal digits or WIF (51 or 52 characters), not {len(text)} characters"
        )
    wif = decode_wif(text, wif_versions)
    return wif.private_key, wif.compressed


@discreet
def parse_ed25519(value: Written | Sequence[int]) -> Secret:
    """Read an Ed25519 private key: its 32-byte seed.

    Takes the seed (32 bytes) or the key pair (64 bytes, seed then public key) as bytes, as hexadecimal with or
    without ``0x``, the key pair as base58 (Phantom and other Solana wallets), or as the JSON array of numbers that
    Solana's command line keeps; AIP-80 too. Base58 of 32 bytes is refused: it is what an address looks like, and a
    wallet opened from somebody's address would have a key that all the world knows. A key pair whose public half is not that of its seed is refused: signing
    with a foreign public key gives the private key away. Raises :class:`~multiwallet.errors.InvalidKey`, which
    never shows the key.

    >>> parse_ed25519(encode_keypair(bytes(32)))
    Secret(…)
    """
    if isinstance(value, str):
        text = _text(value, "ed25519")
        if text.startswith("["):
            return _ed25519_secret(_json_numbers(text))
        digits = _hexadecimal(text)
        if digits is None:
            digits = _base58(text)
            if len(digits) == 32:
                raise InvalidKey(
                    "base58 of 32 bytes is what an address looks like: write the key pair (64 bytes) in base58, "
                    "or the seed in hexadecimal"
                )
        return _ed25519_secret(digits)
    if isinstance(value, bytes | bytearray | memoryview | Secret):
        return _ed25519_secret(_raw(value))
    return _ed25519_secret(_numbers(value))


@discreet
def parse_sr25519(value: Written) -> Secret:
    """Read an sr25519 private key: its 32-byte mini secret (a raw seed), or 64 bytes as Polkadot-JS keeps them.

    Takes bytes, or hexadecimal with or without ``0x``. Raises :class:`~multiwallet.errors.InvalidKey`, which never
    shows the key.

    >>> len(parse_sr25519("0x" + "00" * 32))
    32
    """
    from multiwallet.crypto.sr25519 import Sr25519Key

    data = _digits(value)
    with Sr25519Key(data):  # which says what is wrong with it
        return Secret(data)


@discreet
def parse_secp256r1(value: Written) -> Secret:
    """Read a secp256r1 private key: 32 bytes, or 64 hexadecimal digits with or without ``0x``.

    Raises :class:`~multiwallet.errors.InvalidKey`, which never shows the key.

    >>> parse_secp256r1("00" * 31 + "01")
    Secret(…)
    """
    from multiwallet.crypto.secp256r1 import is_valid_private_key

    data = _digits(value)
    if not is_valid_private_key(data):
        raise InvalidKey("a secp256r1 private key is a number from 1 to n - 1 in 32 bytes; this one is none")
    return Secret(data)


def _digits(value: Written) -> bytes:
    if not isinstance(value, str):
        return _raw(value)
    if len(value) > _TEXT_LIMIT:
        raise InvalidKey(f"this text of {len(value)} characters is no private key")
    data = _hexadecimal(value.strip())
    if data is None:
        raise InvalidKey("a private key here is 64 hexadecimal digits (for sr25519 also 128), with or without 0x")
    return data


@discreet
def encode_keypair(seed: bytes | Secret) -> str:
    """Write an Ed25519 seed as Solana wallets do: the 64-byte key pair in base58. It is the secret itself.

    >>> len(encode_keypair(bytes(32)))
    76
    """
    from multiwallet.codec.base58 import encode

    return encode(_keypair(seed))


@discreet
def encode_json_keypair(seed: bytes | Secret) -> str:
    """Write an Ed25519 seed as Solana's command line does: a JSON array of 64 numbers. It is the secret itself.

    >>> encode_json_keypair(bytes(32))[:10]
    '[0,0,0,0,0'
    """
    return "[" + ",".join(str(number) for number in _keypair(seed)) + "]"


def _keypair(seed: bytes | Secret) -> bytes:
    from multiwallet.crypto.ed25519 import public_key

    data = _raw(seed)
    return data + public_key(data)


def _raw(value: bytes | bytearray | memoryview | Secret) -> bytes:
    if isinstance(value, Secret):
        return value.expose()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise InvalidKey(f"a private key is text or bytes, not {type(value).__name__}")


def _text(value: str, curve: str) -> str:
    if len(value) > _TEXT_LIMIT:
        raise InvalidKey(f"this text of {len(value)} characters is no private key")
    return value.strip().removeprefix(_AIP80[curve])


def _hexadecimal(text: str) -> bytes | None:
    digits = text[2:] if text[:2] in ("0x", "0X") else text
    # No base58 form has 64 or 128 characters, so the length tells the two apart.
    if len(digits) not in (64, 128):
        if digits is not text:
            raise InvalidKey(f"a private key in hexadecimal has 64 digits, not {len(digits)}")
        return None
    if not _HEX_DIGITS.issuperset(digits):
        raise InvalidKey("a private key in hexadecimal has only 0-9 and a-f, and here is something else")
    return bytes.fromhex(digits)


def _secp256k1_secret(data: bytes) -> Secret:
    from multiwallet.crypto.secp256k1 import is_valid_private_key

    if len(data) != 32:
        raise InvalidKey(f"a secp256k1 private key has 32 bytes, not {len(data)}")
    if not is_valid_private_key(data):
        raise InvalidKey("a secp256k1 private key is a number from 1 to n - 1; this one is outside")
    return Secret(data)


def _ed25519_secret(data: bytes) -> Secret:
    from multiwallet.crypto.ed25519 import public_key

    if len(data) == 64:
        if public_key(data[:32]) != data[32:]:
            raise InvalidKey("the public half of this key pair does not belong to its private half; do not use it")
        return Secret(data[:32])
    if len(data) != 32:
        raise InvalidKey(f"an Ed25519 private key has 32 bytes, or 64 with its public key, not {len(data)}")
    return Secret(data)


def _base58(text: str) -> bytes:
    from multiwallet.codec.base58 import decode

    if len(text) > 100:
        raise InvalidKey(f"a private key in base58 has at most 88 characters, not {len(text)}")
    try:
        return decode(text)
    except InputError:
        # The codec's message may quote a character of the key.
        raise InvalidKey("this is no private key: not hexadecimal, not base58, not a JSON array") from None


def _json_numbers(text: str) -> bytes:
    # By hand: a JSON parser would read nested and endless things that are no key.
    parts = [part.strip() for part in text.removeprefix("[").removesuffix("]").split(",")]
    if not text.endswith("]") or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        raise InvalidKey("a key pair in JSON is an array of 64 numbers from 0 to 255, and this one is not")
    return _numbers([int(part) for part in parts])


def _numbers(values: Sequence[int]) -> bytes:
    if not isinstance(values, list | tuple):
        raise InvalidKey(f"a private key is text, bytes or a list of numbers, not {type(values).__name__}")
    if len(values) > 64 or not all(isinstance(value, int) and 0 <= value <= 255 for value in values):
        raise InvalidKey("a key pair as a list has 64 numbers from 0 to 255, and this one does not")
    return bytes(values)
