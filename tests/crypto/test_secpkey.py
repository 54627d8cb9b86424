"""SecpKey: known answers, python-ecdsa as an independent signer, threads, and its manners."""

from __future__ import annotations

import copy
import gc
import hashlib
import pickle
import struct
import threading

import coincurve
import ecdsa
import pytest
from ecdsa.util import sigencode_string_canonize
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.crypto import secp256k1
from multiwallet.crypto.libsecp import ffi
from multiwallet.crypto.secp256k1 import ORDER, SecpKey
from multiwallet.errors import InputError, InvalidKey

PRIVATE = bytes.fromhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
SCALARS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
DIGESTS = st.binary(min_size=32, max_size=32)


def independent(private: bytes, digest: bytes, extra: bytes = b"") -> bytes:
    """RFC 6979 with low s by python-ecdsa, which is plain Python."""
    key = ecdsa.SigningKey.from_string(private, ecdsa.SECP256k1, hashlib.sha256)
    return key.sign_digest_deterministic(
        digest, hashfunc=hashlib.sha256, sigencode=sigencode_string_canonize, extra_entropy=extra
    )


def low_r(private: bytes, digest: bytes) -> bytes:
    """Bitcoin Core's CKey::Sign: plain first, then a counter from 1 as extra entropy until r is low."""
    signature, counter = independent(private, digest), 0
    while signature[0] >= 0x80:
        counter += 1
        signature = independent(private, digest, struct.pack("<L", counter) + bytes(28))
    return signature


def test_rfc6979_known_answers(vectors):
    rows = vectors("rfc6979_secp256k1")["rows"]
    assert len(rows) == 6
    for private, digest, nonce in rows:
        r = (ecdsa.SECP256k1.generator * int(nonce, 16)).x() % ORDER
        signature = SecpKey(bytes.fromhex(private)).sign_compact(bytes.fromhex(digest))
        assert int.from_bytes(signature[:32], "big") == r
        assert int.from_bytes(signature[32:], "big") <= ORDER // 2


@given(SCALARS, DIGESTS)
def test_ecdsa_agrees_with_python_ecdsa(private, digest):
    key = SecpKey(private)
    expected = independent(private, digest)
    assert key.sign_compact(digest) == expected
    assert key.sign_recoverable(digest)[:64] == key.recoverable_signer()(digest)[:64] == expected
    ground = low_r(private, digest)
    assert key.sign_low_r(digest) == key.low_r_signer()(digest) == ground
    assert ground[0] < 0x80
    assert secp256k1.verify(key.public_key, digest, ground)


def test_low_r_grinds_past_the_prepared_counters(monkeypatch):
    from multiwallet.crypto import secpkey

    # With one counter prepared, the others are made on the way.
    monkeypatch.setattr(secpkey, "_GRINDS", secpkey._GRINDS[:1])
    key, tries = SecpKey(PRIVATE), []
    for number in range(60):
        digest = hashlib.sha256(bytes((number,))).digest()
        signature, count = independent(PRIVATE, digest), 0
        while signature[0] >= 0x80:
            count += 1
            signature = independent(PRIVATE, digest, struct.pack("<L", count) + bytes(28))
        tries.append(count)
        assert key.sign_low_r(digest) == signature
    assert max(tries) > 1


@given(SCALARS, DIGESTS, DIGESTS, st.none() | st.just(b"") | DIGESTS)
def test_schnorr_agrees_with_coincurve(private, message, aux, tweak):
    key = SecpKey(private)
    signature = key.sign_schnorr(message, aux, tweak)
    assert signature == key.sign_schnorr(message, aux, tweak)  # from the cached key pair
    public = key.public_key[1:]
    if tweak is None:
        assert signature == coincurve.PrivateKey(private).sign_schnorr(message, aux)
    else:
        public, _ = secp256k1.taproot_tweak_public(public, tweak)
    assert secp256k1.verify_schnorr(public, message, signature)
    assert coincurve.PublicKeyXOnly(public).verify(signature, message)


def test_schnorr_takes_fresh_randomness():
    key, message = SecpKey(PRIVATE), bytes(32)
    first, second = key.sign_schnorr(message), key.sign_schnorr(message)
    assert first != second
    assert key.sign_schnorr(message, bytes(32)) == key.sign_schnorr(message, bytes(32))
    sign = key.schnorr_signer(b"")
    output, _ = secp256k1.taproot_tweak_public(key.public_key[1:])
    assert all(secp256k1.verify_schnorr(output, message, sign(message)) for _ in range(3))


def test_many_merkle_roots_keep_the_cache_small():
    key, held = SecpKey(PRIVATE), []
    for number in range(200):
        root = hashlib.sha256(bytes((number,))).digest()
        output, _ = secp256k1.taproot_tweak_public(key.public_key[1:], root)
        held.append((key.schnorr_signer(root), output))
    assert len(key._pairs) <= 64
    for sign, output in held:
        assert secp256k1.verify_schnorr(output, bytes(32), sign(bytes(32)))


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_other_lengths_are_refused(size):
    key, wrong = SecpKey(PRIVATE), bytes(size)
    calls = (
        key.sign_recoverable, key.sign_compact, key.sign_low_r, key.sign_schnorr,
        key.recoverable_signer(), key.low_r_signer(), key.schnorr_signer(),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(InputError, match="32 bytes"):
            call(wrong)
    with pytest.raises(InputError, match="auxiliary"):
        key.sign_schnorr(bytes(32), wrong)
    with pytest.raises(InputError, match="auxiliary"):
        key.schnorr_signer()(bytes(32), wrong)
    if size:
        with pytest.raises(InputError, match="merkle root"):
            key.schnorr_signer(wrong)
    with pytest.raises(InvalidKey, match="32 bytes"):
        SecpKey(wrong)


def test_threads_share_a_key():
    key = SecpKey(PRIVATE)
    sign, ground, schnorr = key.recoverable_signer(), key.low_r_signer(), key.schnorr_signer(b"")
    digests = [hashlib.sha256(bytes((number,))).digest() for number in range(100)]
    expected = [(sign(digest), ground(digest), schnorr(digest, bytes(32))) for digest in digests]
    wrong: list[bytes] = []

    def work() -> None:
        for digest, answer in zip(digests, expected, strict=True):
            if (sign(digest), ground(digest), schnorr(digest, bytes(32))) != answer:
                wrong.append(digest)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_a_closed_key_is_wiped_and_signs_nothing():
    key, digest = SecpKey(PRIVATE), bytes(32)
    public = key.public_key
    signers = [key.recoverable_signer(), key.low_r_signer(), key.schnorr_signer(), key.schnorr_signer(b"")]
    buffers = [ffi.buffer(key._secret), *(ffi.buffer(pair, 32) for pair in key._pairs.values())]
    tweaked = buffers[2][:]
    assert buffers[0][:] == PRIVATE
    assert tweaked != PRIVATE
    with key:
        assert not key.closed
    assert key.closed
    assert buffers[0][:] == bytes(32)
    assert [buffer[:] for buffer in buffers[1:]] == [bytes(31) + b"\x01"] * 2
    for call in (*signers, key.sign_recoverable, key.sign_compact, key.sign_low_r, key.sign_schnorr):
        with pytest.raises(InvalidKey, match="wiped"):
            call(digest)
    with pytest.raises(InvalidKey, match="wiped"):
        key.expose()
    assert key.public_key == public
    key.close()
    unread = SecpKey(PRIVATE)
    unread.close()
    assert repr(unread) == "SecpKey(wiped)"
    with pytest.raises(InvalidKey, match="wiped"):
        _ = unread.public_key


def test_a_key_nobody_holds_is_wiped():
    key = SecpKey(PRIVATE)
    buffer = ffi.buffer(key._secret)
    sign = key.recoverable_signer()
    del key
    gc.collect()
    assert buffer[:] == PRIVATE  # the signer still holds it
    assert len(sign(bytes(32))) == 65
    del sign
    gc.collect()
    assert buffer[:] == bytes(32)


def test_closing_in_the_middle_of_signing_yields_only_right_signatures():
    public, digest = secp256k1.public_key(PRIVATE), bytes(32)
    for _ in range(20):
        key = SecpKey(PRIVATE)
        sign, schnorr, good = key.recoverable_signer(), key.schnorr_signer(), []

        def work(sign=sign, schnorr=schnorr, good=good) -> None:
            try:
                while True:
                    good.append(secp256k1.verify(public, digest, sign(digest)[:64]))
                    good.append(secp256k1.verify_schnorr(public[1:], digest, schnorr(digest)))
            except InvalidKey:
                return

        thread = threading.Thread(target=work)
        thread.start()
        while thread.is_alive() and not good:
            pass
        key.close()
        thread.join(60)
        assert not thread.is_alive()
        assert good
        assert all(good)


def test_manners():
    key = SecpKey(PRIVATE)
    assert key.expose() == PRIVATE
    assert repr(key) == str(key) == f"SecpKey({key.public_key.hex()})"
    for attempt in (
        lambda: f"{key}", lambda: f"{key:x}", lambda: hash(key), lambda: {key}, lambda: bytes(key),
        lambda: pickle.dumps(key), lambda: copy.copy(key), lambda: copy.deepcopy(key), lambda: vars(key),
    ):  # fmt: skip
        with pytest.raises(TypeError) as caught:
            attempt()
        assert PRIVATE.hex() not in str(caught.value)
    assert f"{key!r}" == repr(key)
    assert PRIVATE.hex() not in "".join(repr(getattr(key, name)) for name in SecpKey.__slots__ if name != "__weakref__")


def test_equality_is_that_of_the_public_keys():
    assert SecpKey(PRIVATE) == SecpKey(PRIVATE)
    assert SecpKey(PRIVATE) != SecpKey(b"\x01" * 32)
    assert SecpKey(PRIVATE) != PRIVATE
