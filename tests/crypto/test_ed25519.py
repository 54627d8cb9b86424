"""Ed25519: RFC 8032, cryptography and solders as independent implementations, strictness and manners."""

from __future__ import annotations

import copy
import gc
import hashlib
import os
import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.crypto import ed25519
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.errors import InvalidKey

SEEDS = st.binary(min_size=32, max_size=32)
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PRIME = 2**255 - 19
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
# y of the eight points of small order: 1, -1, 0, and the two of order 8 (RFC 7748's curve, mapped), of either sign.
ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
SMALL = [1, PRIME - 1, 0, ORDER_8, PRIME - ORDER_8]


def test_rfc8032_vectors(vectors):
    rows = vectors("rfc8032_ed25519")["rows"]
    assert len(rows) == 5
    for seed, public, message, signature in (map(bytes.fromhex, row) for row in rows):
        key = Ed25519Key(seed)
        assert key.public_key == ed25519.public_key(seed) == public
        assert key.sign(message) == signature
        assert key.sign_attached(message) == signature + message
        assert ed25519.verify(public, message, signature)


@given(SEEDS, st.binary(max_size=200))
def test_agrees_with_cryptography(seed, message):
    private = pytest.importorskip(
        "cryptography.hazmat.primitives.asymmetric.ed25519", reason="the independent implementation is not installed"
    ).Ed25519PrivateKey.from_private_bytes(seed)
    key = Ed25519Key(seed)
    assert key.public_key == private.public_key().public_bytes_raw()
    assert key.sign(message) == key.signer()(message) == private.sign(message)
    assert key.attached_signer()(message) == private.sign(message) + message
    assert ed25519.verify(key.public_key, message, private.sign(message))


@given(SEEDS, st.binary(max_size=100), st.integers(0, 63), st.integers(1, 255))
def test_a_changed_signature_key_or_message_is_refused(seed, message, place, change):
    key = Ed25519Key(seed)
    signature = bytearray(key.sign(message))
    signature[place] ^= change
    assert not ed25519.verify(key.public_key, message, signature)
    assert not ed25519.verify(key.public_key, message + b"\0", key.sign(message))
    assert not ed25519.verify(ed25519.public_key(hashlib.sha256(seed).digest()), message, key.sign(message))


@pytest.mark.parametrize("size", [4095, 4096, 4097, 100_000])
def test_messages_beyond_the_buffer(size):
    key, message = Ed25519Key(SEED), os.urandom(size)
    signed = key.sign_attached(message)
    assert signed == key.sign(message) + message
    assert ed25519.verify(key.public_key, message, signed[:64])


def test_verification_is_strict():
    key = Ed25519Key(SEED)
    signature = key.sign(b"")
    more = int.from_bytes(signature[32:], "little") + GROUP_ORDER
    assert not ed25519.verify(key.public_key, b"", signature[:32] + more.to_bytes(32, "little"))
    for y in SMALL:
        for sign in (0, 1 << 255):
            point = (y + sign).to_bytes(32, "little")
            # With A of small order, R = A's multiple and S = 0 satisfy the equation for some messages.
            for message in (b"", b"a", b"b", b"c", b"d", b"e", b"f", b"g"):
                assert not ed25519.verify(point, message, point + bytes(32))
    for key_bytes, signature_bytes in ((b"", signature), (key.public_key, b""), (key.public_key + b"\0", signature)):
        assert not ed25519.verify(key_bytes, b"", signature_bytes)
    not_canonical = (PRIME + 3).to_bytes(32, "little")
    assert not ed25519.verify(not_canonical, b"", signature)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64), st.binary(max_size=50))
def test_verify_fed_garbage(key, signature, message):
    assert ed25519.verify(key, message, signature) is False


def on_curve_cases() -> list[bytes]:
    ys = [*SMALL, 2, 3, 4, 5, PRIME - 2, *range(PRIME, 2**255)]
    return [(y + sign).to_bytes(32, "little") for y in ys for sign in (0, 1 << 255)]


def test_is_on_curve_agrees_with_solders_at_the_edges():
    pubkey = pytest.importorskip("solders.pubkey", reason="Solana's own implementation is not installed").Pubkey
    cases = on_curve_cases()
    assert len(cases) == 58
    answers = [ed25519.is_on_curve(case) for case in cases]
    assert answers == [pubkey(case).is_on_curve() for case in cases]
    assert True in answers
    assert False in answers


@given(st.binary(min_size=32, max_size=32))
def test_is_on_curve_agrees_with_solders(data):
    pubkey = pytest.importorskip("solders.pubkey", reason="Solana's own implementation is not installed").Pubkey
    assert ed25519.is_on_curve(data) == pubkey(data).is_on_curve()
    assert ed25519.is_on_curve(ed25519.public_key(data))
    if ed25519.is_valid_public_key(data):
        assert ed25519.is_on_curve(data)
    assert ed25519.is_valid_public_key(ed25519.public_key(data))


def test_other_lengths():
    for size in (0, 31, 33, 64):
        assert not ed25519.is_on_curve(bytes(size))
        assert not ed25519.is_valid_public_key(bytes(size))
        with pytest.raises(InvalidKey, match="32 bytes"):
            Ed25519Key(bytes(size))
    with pytest.raises(TypeError, match="bytes"):
        Ed25519Key("00" * 32)


def test_threads_share_a_key():
    key = Ed25519Key(SEED)
    sign, attached = key.signer(), key.attached_signer()
    messages = [os.urandom(number) for number in range(200)]
    expected = [(sign(message), attached(message)) for message in messages]
    wrong: list[bytes] = []

    def work() -> None:
        for message, answer in zip(messages, expected, strict=True):
            if (sign(message), attached(message)) != answer:
                wrong.append(message)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_a_closed_key_is_wiped_and_signs_nothing():
    from multiwallet.crypto.ed25519 import ffi

    key = Ed25519Key(SEED)
    sign, attached, buffer = key.signer(), key.attached_signer(), ffi.buffer(key._secret)
    assert buffer[:32] == SEED
    with key:
        assert not key.closed
    assert key.closed
    assert buffer[:] == bytes(64)
    for call in (sign, attached, key.sign, key.sign_attached):
        with pytest.raises(InvalidKey, match="wiped"):
            call(b"")
    with pytest.raises(InvalidKey, match="wiped"):
        key.expose()
    assert repr(key) == f"Ed25519Key({key.public_key.hex()})"


def test_a_key_nobody_holds_is_wiped():
    from multiwallet.crypto.ed25519 import ffi

    key = Ed25519Key(SEED)
    buffer = ffi.buffer(key._secret)
    del key
    gc.collect()
    assert buffer[:] == bytes(64)


def test_manners():
    key = Ed25519Key(SEED)
    assert key.expose() == SEED
    assert repr(key) == str(key) == f"Ed25519Key({key.public_key.hex()})"
    for attempt in (
        lambda: f"{key}", lambda: f"{key:x}", lambda: hash(key), lambda: {key}, lambda: bytes(key),
        lambda: pickle.dumps(key), lambda: copy.copy(key), lambda: copy.deepcopy(key), lambda: vars(key),
    ):  # fmt: skip
        with pytest.raises(TypeError) as caught:
            attempt()
        assert SEED.hex() not in str(caught.value)
    assert key == Ed25519Key(SEED)
    assert key != Ed25519Key(bytes(32))
    assert key != SEED
