"""Hashes against their standards' known answers, hashlib, hmac and pycryptodome."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from Crypto.Hash import RIPEMD160, keccak
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.crypto import hashes, ripemd160
from multiwallet.crypto.pbkdf2 import pbkdf2_hmac_sha512

# The nine test values of the authors of RIPEMD-160 (Dobbertin, Bosselaers, Preneel), without the last, of 10^6 bytes.
RIPEMD160_ANSWERS = {
    b"": "9c1185a5c5e9fc54612808977ee8f548b2258d31",
    b"a": "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe",
    b"abc": "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
    b"message digest": "5d0689ef49d2fae572b881b123a85ffa21595f36",
    b"abcdefghijklmnopqrstuvwxyz": "f71c27109c692c1b56bbdceb5b9d2865b3708dbc",
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "12a053384a9c0c88e405a06c27dcf49ada62eb2b",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "b0e20b6e3116640286ed3a87a5713079b21f5189",
    b"1234567890" * 8: "9b752e45573d4b39f4dbd3323cab82bf63326bfb",
}


@pytest.mark.parametrize("function", [hashes.ripemd160, ripemd160.ripemd160], ids=["chosen", "plain"])
def test_ripemd160_known_answers(function):
    for data, digest in RIPEMD160_ANSWERS.items():
        assert function(data).hex() == digest


@given(st.binary(max_size=300))
def test_both_ripemd160_agree_with_pycryptodome(data):
    expected = RIPEMD160.new(data).digest()
    assert hashes.ripemd160(data) == ripemd160.ripemd160(data) == expected
    assert hashes.hash160(data) == RIPEMD160.new(hashlib.sha256(data).digest()).digest()


def test_the_plain_ripemd160_is_taken_where_openssl_has_none(monkeypatch):
    def refuse(name: str) -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", refuse)
    assert hashes._choose_ripemd160() is ripemd160.ripemd160


@given(st.binary(max_size=300))
def test_keccak_agrees_with_pycryptodome(data):
    assert hashes.keccak256(data) == keccak.new(digest_bits=256, data=data).digest()


@given(st.binary(max_size=300))
def test_sha2_and_blake2b_agree_with_hashlib(data):
    assert hashes.sha256(data) == hashlib.sha256(data).digest()
    assert hashes.sha256d(data) == hashlib.sha256(hashlib.sha256(data).digest()).digest()
    assert hashes.sha512(data) == hashlib.sha512(data).digest()
    assert hashes.blake2b(data, size=32, person=b"p") == hashlib.blake2b(data, digest_size=32, person=b"p").digest()


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=100))
def test_hmac_agrees_with_the_standard_library(key, data, prefix):
    assert hashes.hmac_sha256(key, data) == hmac.new(key, data, "sha256").digest()
    assert hashes.hmac_sha512(key, data) == hmac.new(key, data, "sha512").digest()
    if len(key) <= 128:
        mac = hashes.hmac_sha512_with(key, prefix)
        assert mac(data) == mac(data) == hmac.new(key, prefix + data, "sha512").digest()
    else:
        with pytest.raises(ValueError, match="128 bytes"):
            hashes.hmac_sha512_with(key)


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.lists(st.binary(max_size=50), max_size=4))
def test_tagged_hash_is_that_of_bip340(tag, pieces):
    name = hashlib.sha256(tag.encode()).digest()
    expected = hashlib.sha256(name + name + b"".join(pieces)).digest()
    assert hashes.tagged_hash(tag, *pieces) == expected
    assert hashes.tagged_hash(tag.encode(), *pieces) == expected


def test_the_table_of_tags_is_bounded():
    for number in range(1000):
        assert len(hashes.tagged_hash(f"tag {number}", b"")) == 32
    assert len(hashes._tags) <= hashes._TAG_LIMIT


@given(st.binary(max_size=80))
def test_any_buffer_is_hashed(data):
    for function in (hashes.sha256, hashes.sha256d, hashes.sha512, hashes.ripemd160, hashes.keccak256, hashes.blake2b):
        assert function(bytearray(data)) == function(memoryview(data)) == function(data)
    assert ripemd160.ripemd160(bytearray(data)) == ripemd160.ripemd160(memoryview(data))


@pytest.mark.parametrize("loaded", [True, False])
def test_both_pbkdf2_agree(monkeypatch, loaded):
    import sys

    pytest.importorskip("cryptography", reason="the quicker of the two implementations is not installed")
    from multiwallet.crypto import pbkdf2

    monkeypatch.setattr(pbkdf2, "_rounds_done", 0)
    if not loaded:
        for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
            monkeypatch.delitem(sys.modules, name)
    answer = hashlib.pbkdf2_hmac("sha512", b"password", b"salt", 10, 40)
    assert pbkdf2_hmac_sha512(b"password", b"salt", 10, 40) == answer
    assert ("cryptography" in sys.modules) is loaded
