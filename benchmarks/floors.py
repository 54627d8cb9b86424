"""The floors: the bare native calls in a loop, with everything they need made beforehand."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from coincurve._libsecp256k1 import ffi, lib
from nacl import bindings

_CONTEXT = lib.secp256k1_context_create(lib.SECP256K1_CONTEXT_NONE)


def sign_recoverable(key: bytes, digests: Sequence[bytes]) -> None:
    """One recoverable ECDSA signature a digest."""
    sign, signature, null = (
        lib.secp256k1_ecdsa_sign_recoverable,
        ffi.new("secp256k1_ecdsa_recoverable_signature *"),
        ffi.NULL,
    )
    for digest in digests:
        sign(_CONTEXT, signature, digest, key, null, null)


def sign_low_r(key: bytes, digests: Sequence[bytes]) -> None:
    """ECDSA ground to a low R as Bitcoin Core does: on average two native signatures a digest."""
    sign, signature, null = lib.secp256k1_ecdsa_sign, ffi.new("secp256k1_ecdsa_signature *"), ffi.NULL
    serialize, out = lib.secp256k1_ecdsa_signature_serialize_compact, ffi.new("unsigned char[64]")
    extra = ffi.new("unsigned char[32]")
    for digest in digests:
        sign(_CONTEXT, signature, digest, key, null, null)
        serialize(_CONTEXT, out, signature)
        counter = 0
        while out[0] >= 0x80:
            counter += 1
            ffi.memmove(extra, counter.to_bytes(32, "little"), 32)
            sign(_CONTEXT, signature, digest, key, null, extra)
            serialize(_CONTEXT, out, signature)


def sign_ed25519(secret_key: bytes, messages: Sequence[bytes]) -> None:
    """One libsodium ``crypto_sign`` a message."""
    sign = bindings.crypto_sign
    for message in messages:
        sign(message, secret_key)


def derive_public(public_key: bytes, chain_code: bytes, count: int) -> None:
    """HMAC-SHA512 and the point operation (multiply the generator, add the parent) for each child."""
    parent, child, total = (ffi.new("secp256k1_pubkey *") for _ in range(3))
    lib.secp256k1_ec_pubkey_parse(_CONTEXT, parent, public_key, 33)
    points = ffi.new("secp256k1_pubkey *[2]", [parent, child])
    create, combine, digest = lib.secp256k1_ec_pubkey_create, lib.secp256k1_ec_pubkey_combine, hmac.digest
    for index in range(count):
        tweak = digest(chain_code, public_key + index.to_bytes(4, "big"), hashlib.sha512)[:32]
        create(_CONTEXT, child, tweak)
        combine(_CONTEXT, total, points, 2)


def derive_private(private_key: bytes, public_key: bytes, chain_code: bytes, count: int) -> None:
    """HMAC-SHA512, the scalar addition and the point operation (multiply the generator) for each child."""
    child, secret = ffi.new("secp256k1_pubkey *"), ffi.new("unsigned char[32]")
    create, add, digest = lib.secp256k1_ec_pubkey_create, lib.secp256k1_ec_seckey_tweak_add, hmac.digest
    for index in range(count):
        tweak = digest(chain_code, public_key + index.to_bytes(4, "big"), hashlib.sha512)[:32]
        ffi.memmove(secret, private_key, 32)
        add(_CONTEXT, secret, tweak)
        create(_CONTEXT, child, secret)
