"""SLIP-10: key derivation for ed25519 (hardened steps only) and secp256r1, and its rule for secp256k1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from multiwallet.crypto.hashes import hmac_sha512
from multiwallet.errors import InputError, InvalidKey, InvalidPath
from multiwallet.path import HARDENED, Path
from multiwallet.secret import Secret, discreet

__all__ = ["check_seed", "ed25519_from_seed", "secp256k1_from_seed", "secp256r1_from_seed"]

_ED25519: Final = b"ed25519 seed"
_SECP256K1: Final = b"Bitcoin seed"
_SECP256R1: Final = b"Nist256p1 seed"


@discreet
def check_seed(seed: bytes | bytearray | memoryview | Secret) -> bytes:
    """The seed as bytes. Raises :class:`~multiwallet.errors.InvalidKey` unless it has 16 to 64 bytes (BIP-32).

    >>> check_seed(Secret(bytes(16))) == bytes(16)
    True
    """
    if not isinstance(seed, bytes | bytearray | memoryview | Secret):
        raise TypeError(f"a seed is bytes, not {type(seed).__name__}")
    data = seed.expose() if isinstance(seed, Secret) else bytes(seed)
    if not 16 <= len(data) <= 64:
        raise InvalidKey(f"a seed has 16 to 64 bytes, not {len(data)}; Mnemonic.to_seed() makes one of 64")
    return data


@discreet
def ed25519_from_seed(
    seed: bytes | bytearray | memoryview | Secret, path: Path | str | Iterable[int] = ()
) -> tuple[bytes, bytes]:
    """The ed25519 key at a path: ``(32-byte private seed, 32-byte chain code)`` (SLIP-10).

    ``seed`` has 16 to 64 bytes, as :meth:`multiwallet.keys.mnemonic.Mnemonic.to_seed` makes. Raises
    :class:`~multiwallet.errors.InvalidPath` for a step that is not hardened, because ed25519 has no other, and
    :class:`~multiwallet.errors.InvalidKey` for a seed of another length.

    >>> private, chain_code = ed25519_from_seed(bytes.fromhex("000102030405060708090a0b0c0d0e0f"), "m/0'")
    >>> chain_code.hex()[:16]
    '8b59aa11380b624e'
    """
    steps = path if isinstance(path, Path) else Path(path)
    if not steps.is_hardened_only:
        raise InvalidPath(f"ed25519 has hardened steps only (SLIP-10): write ' after every number of {steps}")
    key = hmac_sha512(_ED25519, check_seed(seed))
    for index in steps.indexes:
        key = hmac_sha512(key[32:], b"\x00" + key[:32] + index.to_bytes(4, "big"))
    return key[:32], key[32:]


@discreet
def secp256k1_from_seed(
    seed: bytes | bytearray | memoryview | Secret, path: Path | str | Iterable[int] = ()
) -> tuple[bytes, bytes]:
    """The secp256k1 key at a path: ``(32-byte private key, 32-byte chain code)`` (SLIP-10).

    The same keys as BIP-32 (:class:`multiwallet.keys.hd.ExtendedKey`), but for one in 2^127: where BIP-32 gives
    up on a step, SLIP-10 hashes again until a key comes out.

    >>> private, chain_code = secp256k1_from_seed(bytes.fromhex("000102030405060708090a0b0c0d0e0f"), "m/0'")
    >>> chain_code.hex()[:16]
    '47fdacbd0f109704'
    """
    from multiwallet.crypto.secp256k1 import is_valid_private_key, private_add_tweak, public_key

    steps = path if isinstance(path, Path) else Path(path)
    key = hmac_sha512(_SECP256K1, check_seed(seed))
    while not is_valid_private_key(key[:32]):
        key = hmac_sha512(_SECP256K1, key)
    for index in steps.indexes:
        private, chain_code, number = key[:32], key[32:], index.to_bytes(4, "big")
        data = (b"\x00" + private if index >= HARDENED else public_key(private)) + number
        while True:
            key = hmac_sha512(chain_code, data)
            try:
                key = private_add_tweak(private, key[:32]) + key[32:]
                break
            except InputError:
                data = b"\x01" + key[32:] + number
    return key[:32], key[32:]


@discreet
def secp256r1_from_seed(
    seed: bytes | bytearray | memoryview | Secret, path: Path | str | Iterable[int] = ()
) -> tuple[bytes, bytes]:
    """The secp256r1 key at a path: ``(32-byte private key, 32-byte chain code)`` (SLIP-10, curve nist256p1).

    Raises :class:`~multiwallet.errors.MissingExtra` without the package ``cryptography`` where a step is not
    hardened, and :class:`~multiwallet.errors.InvalidKey` for a seed that has not 16 to 64 bytes.

    >>> private, chain_code = secp256r1_from_seed(bytes.fromhex("000102030405060708090a0b0c0d0e0f"), "m/0'")
    >>> chain_code.hex()[:16]
    '3460cea53e6a6bb5'
    """
    from multiwallet.crypto.secp256r1 import ORDER, is_valid_private_key, public_key

    steps = path if isinstance(path, Path) else Path(path)
    key = hmac_sha512(_SECP256R1, check_seed(seed))
    while not is_valid_private_key(key[:32]):
        key = hmac_sha512(_SECP256R1, key)
    for index in steps.indexes:
        private, chain_code, number = key[:32], key[32:], index.to_bytes(4, "big")
        data = (b"\x00" + private if index >= HARDENED else public_key(private)) + number
        while True:
            key = hmac_sha512(chain_code, data)
            left = int.from_bytes(key[:32], "big")
            child = (left + int.from_bytes(private, "big")) % ORDER
            if left < ORDER and child:
                key = child.to_bytes(32, "big") + key[32:]
                break
            data = b"\x01" + key[32:] + number
    return key[:32], key[32:]
