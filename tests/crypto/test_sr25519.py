"""sr25519: published answers, an independent implementation, derivation, hostile input, manners."""

from __future__ import annotations

import copy
import os
import pickle

import pytest
import sr25519 as library
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.crypto.sr25519 import Sr25519Key, derive_public, public_key, verify
from multiwallet.errors import InputError, InvalidKey, MissingExtra

# `subkey inspect //Alice` of Substrate: the mini secret and the public key of the best known development account.
ALICE = bytes.fromhex("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a")
ALICE_PUBLIC = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")


def test_alice():
    key = Sr25519Key(ALICE)
    assert key.public_key == public_key(ALICE) == ALICE_PUBLIC
    assert key.expose() == ALICE
    expanded = key.expose_expanded()
    again = Sr25519Key(expanded)
    assert (again.public_key, again.expose()) == (ALICE_PUBLIC, expanded)
    assert key == again


def test_a_published_signature():
    # @polkadot/util-crypto, its tests of signatureVerify: a signature of //Alice.
    message = b"I hereby verify that I control 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    signature = bytes.fromhex(
        "1037eb7e51613d0dcf5930ae518819c87d655056605764840d9280984e1b7063"
        "c4566b55bf292fcab07b369d01095879b50517beca4d26e6a65866e25fec0d83"
    )
    assert verify(ALICE_PUBLIC, message, signature)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_what_is_signed_verifies(seed, message):
    key = Sr25519Key(seed)
    signature = key.sign(message)
    assert len(signature) == 64
    assert verify(key.public_key, message, signature)
    assert library.verify(signature, message, key.public_key)
    assert key.sign(message) != signature  # randomised
    assert not verify(key.public_key, message + b"x", signature)
    for place in (0, 31, 32, 63):
        spoilt = bytearray(signature)
        spoilt[place] ^= 0x80 if place == 63 else 1
        assert not verify(key.public_key, message, spoilt)


def test_a_signature_of_another_machine_is_read():
    pair = library.pair_from_seed(ALICE)
    assert verify(ALICE_PUBLIC, b"hello", library.sign(pair, b"hello"))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_soft_keys_have_the_public_keys_that_can_be_derived_without_them(seed, code):
    key = Sr25519Key(seed)
    soft, hard = key.soft(code), key.hard(code)
    assert soft.public_key == derive_public(key.public_key, code) != hard.public_key
    assert hard.public_key == key.hard(code).public_key
    for child in (soft, hard):
        assert verify(child.public_key, b"m", child.sign(b"m"))
        assert Sr25519Key(child.expose()).public_key == child.public_key


@given(st.binary(max_size=70), st.binary(max_size=40), st.binary(max_size=70))
def test_hostile_bytes_are_no_signature(signature, message, key):
    assert verify(key, message, signature) is False


def test_hostile_keys():
    key = Sr25519Key(bytes(32))
    for data in (
        b"",
        bytes(31),
        bytes(33),
        bytes(63),
        bytes(65),
        bytes(64),
        b"\x01" + bytes(63),
        b"\xf8" + b"\xff" * 63,
    ):
        with pytest.raises(InvalidKey) as refused:
            Sr25519Key(data)
        assert data.hex() not in str(refused.value) or not data
    for _ in range(200):
        try:
            Sr25519Key(os.urandom(64))
        except InvalidKey:
            continue
    for text in ("00" * 32, None, 5):
        with pytest.raises(TypeError):
            Sr25519Key(text)
    for code in (b"", bytes(31), bytes(33)):
        for step in (key.hard, key.soft, lambda c: derive_public(key.public_key, c)):
            with pytest.raises(InputError):
                step(code)
    for point in (b"", bytes(31), b"\xff" * 32):
        with pytest.raises(InvalidKey):
            derive_public(point, bytes(32))


def test_a_closed_key_is_wiped_and_signs_nothing():
    with Sr25519Key(ALICE) as key:
        sign = key.signer()
        assert not key.closed
    assert key.closed
    assert key.public_key == ALICE_PUBLIC
    for use in (lambda: sign(b""), lambda: key.sign(b""), key.expose, key.expose_expanded, lambda: key.soft(bytes(32))):
        with pytest.raises(InvalidKey, match="wiped"):
            use()


def test_manners():
    key = Sr25519Key(ALICE)
    assert repr(key) == str(key) == f"Sr25519Key({ALICE_PUBLIC.hex()})"
    for way in (copy.copy, copy.deepcopy, pickle.dumps, hash, bytes, format, "{:x}".format):
        with pytest.raises(TypeError):
            way(key)
    assert key != ALICE
    assert "Sr25519Key" in repr(Sr25519Key.__new__(Sr25519Key))


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sr25519", None)
    with pytest.raises(MissingExtra) as missing:
        Sr25519Key(ALICE)
    assert missing.value.extra == "polkadot"
