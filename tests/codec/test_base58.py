"""Base58 against Bitcoin Core's vectors, bip-utils and solders."""

from __future__ import annotations

import contextlib

import pytest
from bip_utils import Base58Decoder, Base58Encoder
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import base58
from multiwallet.errors import InputError


def test_vectors_of_bitcoin_core(vectors):
    pairs = vectors("base58")["pairs"]
    assert len(pairs) == 20
    for data, text in pairs:
        assert base58.encode(bytes.fromhex(data)) == text
        assert base58.decode(text) == bytes.fromhex(data)


@given(st.integers(0, 70), st.binary(max_size=200))
def test_same_as_bip_utils(zeros, tail):
    data = bytes(zeros) + tail
    text = base58.encode(data)
    assert text == Base58Encoder.Encode(data)
    assert base58.decode(text) == data
    assert base58.encode_check(data) == Base58Encoder.CheckEncode(data)
    assert base58.decode_check(base58.encode_check(data)) == data


@given(st.text(st.sampled_from(base58.ALPHABET), max_size=200))
def test_any_text_of_the_alphabet_round_trips(text):
    data = base58.decode(text)
    assert data == Base58Decoder.Decode(text)
    assert base58.encode(data) == text


def test_every_length_around_the_block_size():
    for length in range(200):
        for byte in (b"\xff", b"\x01", b"\x00\xff"):
            data = (byte * length)[:length]
            assert base58.decode(base58.encode(data)) == data
            assert base58.encode(data) == Base58Encoder.Encode(data)


@given(st.binary(min_size=32, max_size=32))
def test_same_as_solders_for_public_keys(data):
    pubkey = pytest.importorskip("solders.pubkey", reason="solders is the oracle for Solana keys").Pubkey
    assert base58.encode(data) == str(pubkey(data))
    assert base58.decode(str(pubkey(data))) == data


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1Lq0", r"character 4 \('0'\)"),
        ("OIl", r"character 1 \('O'\)"),
        (" 2g", r"character 1 \(' '\)"),
        ("2g\n", r"character 3 \('\\n'\)"),
        ("2g\x00", r"character 3"),
        ("2а", r"character 2 \('\\u0430'\)"),
        ("２g", r"character 1 \('\\uff12'\)"),
        ("1" * 4097, "4097 characters are too long"),
    ],
)
def test_refuses(text, reason):
    with pytest.raises(InputError, match=reason):
        base58.decode(text)


@pytest.mark.parametrize("value", [None, b"2g", 5])
def test_refuses_what_is_no_text(value):
    with pytest.raises(InputError, match="base58 is text"):
        base58.decode(value)


def test_lengths_are_bounded_and_the_bound_can_be_chosen():
    with pytest.raises(InputError, match="the limit is 4096"):
        base58.encode(bytes(4097))
    with pytest.raises(InputError, match="the limit is 44"):
        base58.decode("2" * 45, limit=44)
    assert base58.decode(base58.encode(b"\xff" * 1232)) == b"\xff" * 1232


def test_checksum_refusals():
    good = base58.encode_check(b"\x00" + bytes(range(20)))
    for position in range(len(good)):
        for other in "12z":
            if good[position] != other:
                with pytest.raises(InputError):
                    base58.decode_check(good[:position] + other + good[position + 1 :])
    for text in ("", "1", "2g"):
        with pytest.raises(InputError, match="too short"):
            base58.decode_check(text)


def test_a_bad_checksum_says_nothing_of_the_text():
    wif = base58.encode_check(b"\x80" + bytes(range(32)))
    with pytest.raises(InputError) as caught:
        base58.decode_check(wif[:-1] + ("2" if wif[-1] != "2" else "3"))
    assert not any(wif[start : start + 4] in str(caught.value) for start in range(len(wif) - 3))


@given(st.text(max_size=100))
def test_garbage_gives_input_error_or_bytes(text):
    for decoder in (base58.decode, base58.decode_check):
        with contextlib.suppress(InputError):
            assert isinstance(decoder(text), bytes)
