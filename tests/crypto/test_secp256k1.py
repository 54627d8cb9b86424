"""Public-key functions of secp256k1 against coincurve's objects, python-ecdsa and official vectors."""

from __future__ import annotations

import os

import coincurve
import ecdsa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.crypto import secp256k1
from multiwallet.crypto.hashes import tagged_hash
from multiwallet.crypto.secp256k1 import ORDER, SecpKey
from multiwallet.errors import InputError, InvalidKey

SCALARS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
DIGESTS = st.binary(min_size=32, max_size=32)
CURVE = ecdsa.SECP256k1
OUTSIDE = [bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32]


def point(private: int) -> bytes:
    return (CURVE.generator * private).to_bytes("compressed")


@given(SCALARS)
def test_public_keys_agree_with_python_ecdsa_and_coincurve(private):
    key = secp256k1.public_key(private)
    assert key == point(int.from_bytes(private, "big"))
    assert key == SecpKey(private).public_key == coincurve.PrivateKey(private).public_key.format()
    full = secp256k1.decompress(key)
    assert full == coincurve.PublicKey(key).format(compressed=False)
    assert secp256k1.compress(full) == secp256k1.compress(key) == key
    assert secp256k1.decompress(full) == full
    assert secp256k1.xonly(key) == secp256k1.xonly(full) == key[1:]
    assert secp256k1.is_valid_public_key(key)
    assert secp256k1.is_valid_public_key(full)
    assert secp256k1.is_valid_private_key(private)
    assert secp256k1.is_valid_xonly(key[1:])


@pytest.mark.parametrize("private", OUTSIDE)
def test_private_keys_outside_the_range_are_refused(private):
    assert not secp256k1.is_valid_private_key(private)
    with pytest.raises(InvalidKey, match="from 1 to n - 1"):
        secp256k1.public_key(private)
    with pytest.raises(InvalidKey, match="from 1 to n - 1"):
        SecpKey(private)
    with pytest.raises(InvalidKey):
        secp256k1.private_add_tweak(private, b"\x01" * 32)


@given(SCALARS, SCALARS)
def test_tweaks_agree_with_python_ecdsa_and_coincurve(private, tweak):
    key = secp256k1.public_key(private)
    total = (int.from_bytes(private, "big") + int.from_bytes(tweak, "big")) % ORDER
    if total == 0:
        return
    assert secp256k1.private_add_tweak(private, tweak) == total.to_bytes(32, "big")
    assert secp256k1.point_add_tweak(key, tweak) == point(total)
    assert secp256k1.point_add_tweak(secp256k1.decompress(key), tweak) == coincurve.PublicKey(key).add(tweak).format()


def test_tweaks_at_the_edges():
    one, key = bytes(31) + b"\x01", secp256k1.public_key(bytes(31) + b"\x01")
    cancel = (ORDER - 1).to_bytes(32, "big")
    assert secp256k1.point_add_tweak(key, bytes(32)) == key
    assert secp256k1.private_add_tweak(one, bytes(32)) == one
    for call in (secp256k1.point_add_tweak, secp256k1.private_add_tweak):
        parent = key if call is secp256k1.point_add_tweak else one
        with pytest.raises(InvalidKey, match="cancel"):
            call(parent, cancel)
        with pytest.raises(InvalidKey):
            call(parent, ORDER.to_bytes(32, "big"))
        with pytest.raises(InputError, match="32 bytes"):
            call(parent, b"\x01" * 31)
    assert secp256k1.point_add_tweak(key, one) == point(2)  # doubling


@given(SCALARS, st.none() | DIGESTS)
def test_taproot_tweak_is_that_of_bip341(private, root):
    internal = secp256k1.public_key(private)[1:]
    tweak = int.from_bytes(tagged_hash("TapTweak", internal, root or b""), "big")
    even = ecdsa.VerifyingKey.from_string(b"\x02" + internal, CURVE).pubkey.point
    expected = (even + CURVE.generator * tweak).to_bytes("compressed")
    assert secp256k1.taproot_tweak_public(internal, root) == (expected[1:], expected[0] - 2)


def test_taproot_key_of_bip86(vectors):
    rows = [row for row in vectors("hd_derivation")["rows"] if row["scheme"] == "bip86" and row["kind"] == "key"]
    assert len(rows) == 32
    for row in rows:
        internal = bytes.fromhex(row["output"]["internal_key"])
        assert secp256k1.taproot_tweak_public(internal, b"")[0].hex() == row["output"]["output_key"]
    with pytest.raises(InvalidKey, match="no x coordinate"):
        secp256k1.taproot_tweak_public(b"\xff" * 32)
    with pytest.raises(InputError, match="merkle root"):
        secp256k1.taproot_tweak_public(internal, b"\x01" * 31)


@given(SCALARS, DIGESTS)
def test_recover_and_verify_agree_with_coincurve(private, digest):
    key = SecpKey(private)
    signature = key.sign_recoverable(digest)
    assert signature == coincurve.PrivateKey(private).sign_recoverable(digest, hasher=None)
    assert secp256k1.recover(signature, digest) == key.public_key
    assert secp256k1.verify(key.public_key, digest, signature[:64])
    assert secp256k1.verify(secp256k1.decompress(key.public_key), digest, signature[:64])
    other = bytes((digest[0] ^ 1, *digest[1:]))
    assert not secp256k1.verify(key.public_key, other, signature[:64])


def test_high_s_is_refused_unless_asked_for():
    key, digest = SecpKey(b"\x07" * 32), b"\x01" * 32
    signature = key.sign_compact(digest)
    high = signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    assert not secp256k1.verify(key.public_key, digest, high)
    assert secp256k1.verify(key.public_key, digest, high, require_low_s=False)
    assert secp256k1.verify(key.public_key, digest, signature, require_low_s=False)


def test_recover_refuses_what_no_key_made():
    digest, signature = b"\x01" * 32, SecpKey(b"\x07" * 32).sign_recoverable(b"\x01" * 32)
    for recovery_id in (4, 27, 255):
        with pytest.raises(InputError, match="recovery id"):
            secp256k1.recover(signature[:64] + bytes((recovery_id,)), digest)
    with pytest.raises(InputError, match="n or more"):
        secp256k1.recover(b"\xff" * 64 + b"\x00", digest)
    with pytest.raises(InvalidKey, match="no public key fits"):
        secp256k1.recover(bytes(64) + b"\x00", digest)
    with pytest.raises(InputError, match="65 bytes"):
        secp256k1.recover(signature[:64], digest)
    with pytest.raises(InputError, match="32 bytes"):
        secp256k1.recover(signature, digest[:31])


@given(st.binary(max_size=80))
def test_public_key_decoders_fed_garbage(data):
    try:
        full = secp256k1.decompress(data)
    except InvalidKey:
        assert not secp256k1.is_valid_public_key(data)
        for function in (secp256k1.compress, secp256k1.xonly, secp256k1.point_tweaker):
            with pytest.raises(InvalidKey):
                function(data)
        assert secp256k1.verify(data, bytes(32), bytes(64)) is False
    else:
        assert secp256k1.compress(full) == secp256k1.compress(data)


@given(st.binary(min_size=64, max_size=64), DIGESTS)
def test_verify_fed_garbage(signature, digest):
    key = secp256k1.public_key(b"\x07" * 32)
    assert secp256k1.verify(key, digest, signature) is False
    assert secp256k1.verify(key, digest, signature[:63]) is False
    assert secp256k1.verify_schnorr(key[1:], digest, signature) is False
    assert secp256k1.verify_schnorr(key[1:], digest, signature[:63]) is False
    assert secp256k1.verify_schnorr(key, digest, signature) is False


def test_hybrid_public_keys_are_refused():
    full = secp256k1.decompress(secp256k1.public_key(b"\x07" * 32))
    for first in (0x06, 0x07):
        assert not secp256k1.is_valid_public_key(bytes((first,)) + full[1:])


def test_buffers_are_taken_and_other_types_refused():
    private, digest = os.urandom(32), bytes(32)
    key = secp256k1.public_key(bytearray(private))
    assert secp256k1.decompress(memoryview(key)) == secp256k1.decompress(key)
    assert secp256k1.verify(bytearray(key), memoryview(digest), bytearray(SecpKey(private).sign_compact(digest)))
    for wrong in ("00" * 32, 7, None):
        with pytest.raises(TypeError, match="is bytes"):
            secp256k1.public_key(wrong)


def test_bip340_official_vectors(vectors):
    data = vectors("bip340_official")
    for private, public, aux, message, signature in data["sign"]:
        key = SecpKey(bytes.fromhex(private))
        assert key.public_key[1:].hex() == public
        assert key.sign_schnorr(bytes.fromhex(message), bytes.fromhex(aux)).hex() == signature
        assert secp256k1.verify_schnorr(*map(bytes.fromhex, (public, message, signature)))
    for row in data["verify"]:
        assert secp256k1.verify_schnorr(*map(bytes.fromhex, row))
    for public, message, signature, _ in data["refuse"]:
        assert not secp256k1.verify_schnorr(*map(bytes.fromhex, (public, message, signature)))
    assert (len(data["sign"]), len(data["verify"]), len(data["refuse"])) == (4, 2, 10)
