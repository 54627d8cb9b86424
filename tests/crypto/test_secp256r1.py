"""secp256r1: RFC 6979's answers, independent libraries, low s, hostile input, manners."""

from __future__ import annotations

import copy
import hashlib
import pickle

import ecdsa
import pytest
from Crypto.PublicKey import ECC
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.crypto.secp256r1 import (
    ORDER,
    Secp256r1Key,
    is_valid_private_key,
    is_valid_public_key,
    public_key,
    verify,
)
from multiwallet.errors import InputError, InvalidKey, MissingExtra

# RFC 6979, A.2.5: the key, and r and s over SHA-256 of two texts.
RFC_KEY = bytes.fromhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
RFC_PUBLIC = "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
RFC_ROWS = {
    b"sample": (
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    ),
    b"test": (
        "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
        "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
    ),
}
KEYS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


def test_rfc6979_known_answers():
    key = Secp256r1Key(RFC_KEY)
    assert key.public_key[1:].hex().upper() == RFC_PUBLIC
    for text, (r, s) in RFC_ROWS.items():
        digest = hashlib.sha256(text).digest()
        low = min(int(s, 16), ORDER - int(s, 16))
        assert key.sign_compact(digest) == bytes.fromhex(r) + low.to_bytes(32, "big")
        assert verify(key.public_key, digest, key.sign_compact(digest))
        high = bytes.fromhex(r) + (ORDER - low).to_bytes(32, "big")
        assert not verify(key.public_key, digest, high)


@given(KEYS, st.binary(min_size=32, max_size=32))
def test_agrees_with_python_ecdsa_and_pycryptodome(private, digest):
    key = Secp256r1Key(private)
    peer = ecdsa.SigningKey.from_string(private, curve=ecdsa.NIST256p)
    assert key.public_key == peer.verifying_key.to_string("compressed") == public_key(private)
    assert (
        ECC.construct(curve="P-256", d=int.from_bytes(private, "big"))
        .public_key()
        .export_key(format="SEC1", compress=True)
        == key.public_key
    )
    theirs = peer.sign_digest_deterministic(
        digest, hashfunc=hashlib.sha256, sigencode=ecdsa.util.sigencode_string_canonize
    )
    ours = key.sign_compact(digest)
    assert ours == theirs
    assert verify(key.public_key, digest, ours)
    assert is_valid_public_key(key.public_key)
    for place in (0, 31, 32, 63):
        spoilt = bytearray(ours)
        spoilt[place] ^= 1
        assert not verify(key.public_key, digest, spoilt)


@given(st.binary(max_size=70), st.binary(max_size=40), st.binary(max_size=70))
def test_hostile_bytes_are_no_signature(key, digest, signature):
    assert verify(key, digest, signature) is False
    assert verify(public_key(RFC_KEY), digest, signature) is False


def test_numbers_out_of_range_are_no_signature():
    public, one = public_key(RFC_KEY), (1).to_bytes(32, "big")
    for bad in (bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32):
        assert not verify(public, bytes(32), bad + one)
        assert not verify(public, bytes(32), one + bad)


def test_keys_out_of_range_are_refused():
    for data in (b"", bytes(31), bytes(32), bytes(33), ORDER.to_bytes(32, "big"), b"\xff" * 32):
        assert not is_valid_private_key(data)
        with pytest.raises(InvalidKey):
            Secp256r1Key(data)
    with pytest.raises(TypeError):
        Secp256r1Key("01" * 32)
    for point in (b"", bytes(33), b"\x02" + b"\xff" * 32, b"\x04" + bytes(32), b"\x06" + bytes.fromhex(RFC_PUBLIC)):
        assert not is_valid_public_key(point)
    with pytest.raises(InputError):
        Secp256r1Key(RFC_KEY).sign_compact(bytes(31))


def test_a_closed_key_is_wiped_and_signs_nothing():
    with Secp256r1Key(RFC_KEY) as key:
        sign = key.signer()
        assert key.expose() == RFC_KEY
        assert not key.closed
    assert key.closed
    assert key.public_key[1:].hex().upper() == RFC_PUBLIC
    for use in (lambda: sign(bytes(32)), lambda: key.sign_compact(bytes(32)), key.expose):
        with pytest.raises(InvalidKey, match="wiped"):
            use()


def test_manners():
    key = Secp256r1Key(RFC_KEY)
    assert repr(key) == str(key) == f"Secp256r1Key({key.public_key.hex()})"
    for way in (copy.copy, copy.deepcopy, pickle.dumps, hash, bytes, format):
        with pytest.raises(TypeError):
            way(key)
    assert key == Secp256r1Key(RFC_KEY) != Secp256r1Key(bytes(31) + b"\x01")
    assert key != RFC_KEY
    assert "Secp256r1Key" in repr(Secp256r1Key.__new__(Secp256r1Key))


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(MissingExtra) as missing:
        Secp256r1Key(RFC_KEY)
    assert missing.value.extra == "sui"
