"""secp256k1: public keys, tweaks, recovery and verification, on bytes. :class:`SecpKey` signs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from multiwallet.crypto.hashes import tagged_hash
from multiwallet.crypto.libsecp import buffers, context, exact, ffi, lib, serialize, serialize_xonly
from multiwallet.crypto.secpkey import SecpKey, is_canonical
from multiwallet.errors import InputError, InvalidKey
from multiwallet.secret import discreet

__all__ = [
    "ORDER",
    "SecpKey",
    "compress",
    "decompress",
    "is_canonical",
    "is_valid_private_key",
    "is_valid_public_key",
    "is_valid_xonly",
    "point_add_tweak",
    "point_tweaker",
    "private_add_tweak",
    "public_key",
    "recover",
    "taproot_tweak_public",
    "verify",
    "verify_schnorr",
    "xonly",
]

Data: TypeAlias = bytes | bytearray | memoryview

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""n, the order of the group: private keys are numbers from 1 to n - 1."""

_ZERO: Final = bytes(32)

_create = lib.secp256k1_ec_pubkey_create
_combine = lib.secp256k1_ec_pubkey_combine
_parse = lib.secp256k1_ec_pubkey_parse


def _parsed(key: Data, into: Any) -> Any:
    data = key if isinstance(key, bytes) else bytes(key)
    # 0x06 and 0x07 are the hybrid form, which libsecp256k1 reads and nobody's wallet writes.
    if len(data) == 33 or (len(data) == 65 and data[0] == 4):
        if _parse(context, into, data, len(data)):
            return into
        raise InvalidKey("this is no point of secp256k1; check that the public key is complete")
    raise InvalidKey(
        f"a secp256k1 public key has 33 bytes (02 or 03 first) or 65 (04 first); these are {len(data)} bytes"
    )


@discreet
def public_key(private: Data) -> bytes:
    """The public key of a 32-byte private key: 33 bytes, compressed (SEC 1).

    Raises :class:`~multiwallet.errors.InvalidKey` unless the private key is a number from 1 to n - 1.

    >>> public_key(bytes(31) + b"\\x01").hex()
    '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
    """
    point = buffers.public
    if not _create(context, point, exact(private, 32, "a secp256k1 private key", InvalidKey)):
        raise InvalidKey("a secp256k1 private key is a number from 1 to n - 1; this one is outside")
    return serialize(point)


def compress(key: Data) -> bytes:
    """A public key of 65 (or 33) bytes as 33 bytes.

    Raises :class:`~multiwallet.errors.InvalidKey` for what is no point of the curve.

    >>> compress(decompress(public_key(b"\\x07" * 32))) == public_key(b"\\x07" * 32)
    True
    """
    return serialize(_parsed(key, buffers.public))


def decompress(key: Data) -> bytes:
    """A public key of 33 (or 65) bytes as 65: ``04``, x, y, each coordinate in 32 bytes.

    Raises :class:`~multiwallet.errors.InvalidKey` for what is no point of the curve.

    >>> decompress(public_key(bytes(31) + b"\\x01")).hex()[-16:]
    '9c47d08ffb10d4b8'
    """
    point = _parsed(key, buffers.public)
    output = ffi.new("unsigned char[65]")
    lib.secp256k1_ec_pubkey_serialize(context, output, ffi.new("size_t *", 65), point, lib.SECP256K1_EC_UNCOMPRESSED)
    return bytes(ffi.buffer(output))


def is_valid_public_key(key: Data) -> bool:
    """Whether ``key`` is a point of the curve in 33 or 65 bytes.

    >>> is_valid_public_key(public_key(b"\\x07" * 32)), is_valid_public_key(b"\\x02" + b"\\xff" * 32)
    (True, False)
    """
    try:
        _parsed(key, buffers.public)
    except InvalidKey:
        return False
    return True


def is_valid_xonly(key: Data) -> bool:
    """Whether ``key`` is the 32-byte x coordinate of a point (BIP-340).

    >>> is_valid_xonly(public_key(b"\\x07" * 32)[1:]), is_valid_xonly(b"\\xff" * 32)
    (True, False)
    """
    return len(key) == 32 and bool(lib.secp256k1_xonly_pubkey_parse(context, buffers.xonly, bytes(key)))


def is_valid_private_key(key: Data) -> bool:
    """Whether ``key`` is a number from 1 to n - 1 in 32 bytes.

    >>> is_valid_private_key(bytes(32)), is_valid_private_key(b"\\x01" * 32)
    (False, True)
    """
    return len(key) == 32 and bool(lib.secp256k1_ec_seckey_verify(context, bytes(key)))


def point_add_tweak(key: Data, tweak: Data) -> bytes:
    """``key + tweak * G``: 33 bytes, from a public key of 33 or 65 bytes and a 32-byte number.

    Raises :class:`~multiwallet.errors.InvalidKey` for a bad key, a tweak of n or more, and when the sum is
    the point at infinity.

    >>> point_add_tweak(public_key(bytes(31) + b"\\x01"), bytes(31) + b"\\x02") == public_key(bytes(31) + b"\\x03")
    True
    """
    return point_tweaker(key)(exact(tweak, 32, "a tweak"))


def point_tweaker(key: Data) -> Callable[[bytes], bytes]:
    """:func:`point_add_tweak` with the key read once: a function from 32-byte tweak to 33-byte public key.

    May be called from several threads. The function wants ``bytes`` of just 32 bytes and raises
    :class:`~multiwallet.errors.InvalidKey` as above.

    >>> add = point_tweaker(public_key(bytes(31) + b"\\x01"))
    >>> add(bytes(31) + b"\\x02") == public_key(bytes(31) + b"\\x03")
    True
    """
    parent = _parsed(key, ffi.new("secp256k1_pubkey *"))
    local, handle, create, combine = buffers, context, _create, _combine
    write, form = lib.secp256k1_ec_pubkey_serialize, lib.SECP256K1_EC_COMPRESSED

    def add(tweak: bytes) -> bytes:
        if len(tweak) != 32:
            raise InputError(f"a tweak has 32 bytes, not {len(tweak)}")
        summand, total, pair, output, length, view = local.sum
        if not create(handle, summand, tweak):
            if tweak == _ZERO:
                return serialize(parent)
            raise InvalidKey("this tweak is n or more, so it has no point")
        pair[0] = parent
        if not combine(handle, total, pair, 2):
            raise InvalidKey("the tweak cancels the key: the sum is the point at infinity")
        write(handle, output, length, total, form)
        child: bytes = view[:]
        return child

    return add


@discreet
def private_add_tweak(private: Data, tweak: Data) -> bytes:
    """``(private + tweak) mod n``: 32 bytes from two 32-byte numbers.

    Raises :class:`~multiwallet.errors.InvalidKey` for a bad private key, a tweak of n or more, and when the
    sum is zero.

    >>> private_add_tweak(bytes(31) + b"\\x01", bytes(31) + b"\\x02")[-1]
    3
    """
    scalar = buffers.scalar
    ffi.memmove(scalar, exact(private, 32, "a secp256k1 private key", InvalidKey), 32)
    try:
        if not lib.secp256k1_ec_seckey_tweak_add(context, scalar, exact(tweak, 32, "a tweak")):
            raise InvalidKey("the private key or the tweak is outside 1 to n - 1, or they cancel each other")
        return bytes(ffi.buffer(scalar))
    finally:
        ffi.memmove(scalar, _ZERO, 32)


def xonly(key: Data) -> bytes:
    """The 32-byte x coordinate of a public key (BIP-340).

    Raises :class:`~multiwallet.errors.InvalidKey` for what is no point of the curve.

    >>> xonly(public_key(bytes(31) + b"\\x01")).hex()[:8]
    '79be667e'
    """
    return serialize(_parsed(key, buffers.public))[1:]


def taproot_tweak_public(internal: Data, merkle_root: Data | None = None) -> tuple[bytes, int]:
    """The taproot output key of a 32-byte internal key: ``(32 bytes, parity 0 or 1)`` (BIP-341).

    ``merkle_root`` is the 32-byte root of the script tree; ``None`` or ``b""`` means that there is no tree
    (BIP-86). Raises :class:`~multiwallet.errors.InvalidKey` when the internal key is no x coordinate, and
    :class:`~multiwallet.errors.InputError` for a root of another length.

    >>> key, parity = taproot_tweak_public(public_key(bytes(31) + b"\\x01")[1:])
    >>> key.hex()[:16], parity
    ('da4710964f785269', 1)
    """
    key = exact(internal, 32, "a taproot internal key", InvalidKey)
    root = exact(merkle_root, 32, "a merkle root") if merkle_root else b""
    point, tweaked, parity = buffers.xonly, buffers.public, buffers.parity
    if not lib.secp256k1_xonly_pubkey_parse(context, point, key):
        raise InvalidKey("this taproot internal key is no x coordinate of secp256k1")
    if not lib.secp256k1_xonly_pubkey_tweak_add(context, tweaked, point, tagged_hash("TapTweak", key, root)):
        raise InvalidKey("this taproot internal key has no output key")
    lib.secp256k1_xonly_pubkey_from_pubkey(context, point, parity, tweaked)
    return serialize_xonly(point), int(parity[0])


def recover(signature: Data, digest: Data) -> bytes:
    """The public key that made a recoverable signature over a 32-byte digest: 33 bytes.

    ``signature`` is 65 bytes: r, s, then the recovery id 0 to 3. Raises
    :class:`~multiwallet.errors.InputError` for a signature that cannot be read and
    :class:`~multiwallet.errors.InvalidKey` when no key fits it.

    >>> key = SecpKey(b"\\x07" * 32)
    >>> recover(key.sign_recoverable(b"\\x01" * 32), b"\\x01" * 32) == key.public_key
    True
    """
    signature = exact(signature, 65, "a recoverable signature")
    digest = exact(digest, 32, "a digest")
    recovery_id = signature[64]
    if recovery_id > 3:
        raise InputError(f"the recovery id (the last byte) is 0 to 3, not {recovery_id}")
    native = buffers.recoverable[0]
    if not lib.secp256k1_ecdsa_recoverable_signature_parse_compact(context, native, signature[:64], recovery_id):
        raise InputError("this signature's r or s is n or more")
    point = buffers.public
    if not lib.secp256k1_ecdsa_recover(context, point, native, digest):
        raise InvalidKey("no public key fits this signature and digest")
    return serialize(point)


def verify(key: Data, digest: Data, signature: Data, *, require_low_s: bool = True) -> bool:
    """Whether a 64-byte signature (r, s) over a 32-byte digest was made by ``key`` (33 or 65 bytes).

    High s is refused unless ``require_low_s`` is false. A key or signature that cannot be read gives
    ``False``; a digest of another length raises :class:`~multiwallet.errors.InputError`.

    >>> key = SecpKey(b"\\x07" * 32)
    >>> verify(key.public_key, b"\\x01" * 32, key.sign_compact(b"\\x01" * 32))
    True
    """
    digest = exact(digest, 32, "a digest")
    signature = bytes(signature)
    point, native = buffers.public, buffers.ecdsa[0]
    if len(signature) != 64 or not lib.secp256k1_ecdsa_signature_parse_compact(context, native, signature):
        return False
    try:
        _parsed(key, point)
    except InvalidKey:
        return False
    if not require_low_s:
        lib.secp256k1_ecdsa_signature_normalize(context, native, native)
    return bool(lib.secp256k1_ecdsa_verify(context, native, digest, point))


def verify_schnorr(key: Data, message: Data, signature: Data) -> bool:
    """Whether a 64-byte BIP-340 signature over ``message`` was made by the 32-byte x-only ``key``.

    A key or signature that cannot be read gives ``False``.

    >>> key = SecpKey(b"\\x07" * 32)
    >>> verify_schnorr(key.public_key[1:], b"\\x01" * 32, key.sign_schnorr(b"\\x01" * 32))
    True
    """
    signature, message = bytes(signature), bytes(message)
    if len(signature) != 64 or not is_valid_xonly(key):  # which leaves the parsed key in the buffer
        return False
    return bool(lib.secp256k1_schnorrsig_verify(context, signature, message, len(message), buffers.xonly))
