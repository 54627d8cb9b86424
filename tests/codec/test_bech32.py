"""Bech32 and segwit addresses against BIP-173, BIP-350 and two independent libraries."""

from __future__ import annotations

import contextlib

import bech32 as sipa
import pytest
from embit import bech32 as embit
from hypothesis import assume, given
from hypothesis import strategies as st

from multiwallet.codec import bech32
from multiwallet.codec.bech32 import Encoding
from multiwallet.errors import InputError

SYMBOLS = st.binary(max_size=70).map(lambda data: bytes(byte & 31 for byte in data))


def test_valid_texts_of_the_bips(vectors):
    data = vectors("bech32")
    for name, encoding in (("valid_bech32", Encoding.BECH32), ("valid_bech32m", Encoding.BECH32M)):
        assert len(data[name]) == 7
        for text in data[name]:
            hrp, symbols, found = bech32.decode(text)
            assert found is encoding
            assert bech32.encode(hrp, symbols, encoding) == text.lower()


def test_invalid_texts_of_the_bips(vectors):
    cases = vectors("bech32")["invalid"]
    assert len(cases) == 26
    for text, reason in cases:
        with pytest.raises(InputError, match=reason):
            bech32.decode(text)


def test_valid_addresses_of_the_bips(vectors):
    cases = vectors("bech32")["valid_segwit"]
    assert len(cases) == 8
    for text, script in cases:
        hrp = text[:2].lower()
        version, program = bech32.decode_segwit(hrp, text)
        opcode = version + 0x50 if version else 0
        assert bytes((opcode, len(program))) + program == bytes.fromhex(script)
        assert bech32.encode_segwit(hrp, version, program) == text.lower()


def test_invalid_addresses_of_the_bips(vectors):
    cases = vectors("bech32")["invalid_segwit"]
    assert len(cases) == 26
    for text, reason in cases:
        with pytest.raises(InputError, match=reason):
            bech32.decode_segwit("tb" if text[:2] == "tb" else "bc", text)


def test_every_version_and_program_length_as_embit():
    for length in range(2, 41):
        program = bytes((length * 7 + index * 31) & 255 for index in range(length))
        for version in range(17):
            if version == 0 and length not in (20, 32):
                continue
            for hrp in ("bc", "bcrt", "ltc"):
                text = bech32.encode_segwit(hrp, version, program)
                assert text == embit.encode(hrp, version, program)
                assert bech32.decode_segwit(hrp, text) == (version, program)
                assert bech32.decode_segwit(hrp, text.upper()) == (version, program)


@given(st.sampled_from([(0, 20), (0, 32), (1, 32), (16, 2), (5, 40)]), st.randoms(use_true_random=False))
def test_random_programs_as_embit(kind, random):
    version, length = kind
    program = random.randbytes(length)
    text = bech32.encode_segwit("tb", version, program)
    assert text == embit.encode("tb", version, program)
    assert bech32.decode_segwit("tb", text) == (version, program)


@given(st.sampled_from(["a", "bc", "cosmos", "1", "split1check", "?~!"]), SYMBOLS)
def test_encode_as_the_reference_library(hrp, symbols):
    assume(len(hrp) + 7 + len(symbols) <= 90)
    text = bech32.encode(hrp, symbols, Encoding.BECH32)
    assert text == sipa.bech32_encode(hrp, list(symbols))
    assert bech32.decode(text) == (hrp, symbols, Encoding.BECH32)
    modified = bech32.encode(hrp, symbols, Encoding.BECH32M)
    assert modified == embit.bech32_encode(embit.Encoding.BECH32M, hrp, list(symbols))
    assert bech32.decode(modified) == (hrp, symbols, Encoding.BECH32M)


@given(st.binary(max_size=400))
def test_long_texts_take_the_same_checksum(data):
    symbols = bech32.convert_bits(data, 8, 5)
    text = bech32.encode("addr", symbols, Encoding.BECH32, max_length=1000)
    assert text == embit.bech32_encode(embit.Encoding.BECH32, "addr", list(symbols))
    assert bech32.decode(text, 1000) == ("addr", symbols, Encoding.BECH32)


@given(st.binary(max_size=200))
def test_convert_bits_as_the_reference_library(data):
    symbols = bech32.convert_bits(data, 8, 5)
    assert list(symbols) == sipa.convertbits(data, 8, 5, True)
    assert bech32.convert_bits(symbols, 5, 8) == data


@given(SYMBOLS)
def test_unpacking_refuses_what_the_reference_library_refuses(symbols):
    expected = sipa.convertbits(symbols, 5, 8, False)
    try:
        assert list(bech32.convert_bits(symbols, 5, 8)) == expected
    except InputError:
        assert expected is None


@given(st.integers(0, 41), st.sampled_from(bech32.CHARSET + "bio1B0"), st.sampled_from(["bc1q", "bc1p"]))
def test_a_changed_character_is_found(position, character, kind):
    text = bech32.encode_segwit("bc", 0 if kind == "bc1q" else 1, bytes(range(20)))
    changed = text[:position] + character + text[position + 1 :]
    assume(changed != text)
    assert embit.decode("bc", changed) == (None, None)
    with pytest.raises(InputError):
        bech32.decode_segwit("bc", changed)


def test_letters_that_lower_to_ascii_are_refused():
    text = "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"
    assert "\u212a".lower() == "k"
    with pytest.raises(InputError, match="character 36"):
        bech32.decode_segwit("bc", text.replace("K", "\u212a"))


@pytest.mark.parametrize(
    ("hrp", "symbols", "reason"),
    [
        ("", b"", "0 characters"),
        ("A", b"", "lower case"),
        ("a b", b"", "holds ' '"),
        ("\x7f", b"", "holds"),
        ("é", b"", "holds"),
        ("a", b"\x20", "at most 31"),
        ("a", bytes(83), "91 characters"),
        ("a" * 84, b"", "84 characters"),
    ],
)
def test_encode_refuses(hrp, symbols, reason):
    with pytest.raises(InputError, match=reason):
        bech32.encode(hrp, symbols, Encoding.BECH32)


@pytest.mark.parametrize(
    ("hrp", "version", "length", "reason"),
    [
        ("bc", 0, 21, "20 or 32 bytes, not 21"),
        ("bc", 1, 1, "1 bytes"),
        ("bc", 1, 41, "41 bytes"),
        ("bc", 17, 20, "version 17"),
        ("bc", -1, 20, "version -1"),
        ("BC", 0, 20, "lower case"),
        ("b" * 60, 0, 20, "limit is 90"),
    ],
)
def test_encode_segwit_refuses(hrp, version, length, reason):
    with pytest.raises(InputError, match=reason):
        bech32.encode_segwit(hrp, version, bytes(length))


def test_other_widths_and_large_symbols_are_refused():
    with pytest.raises(InputError, match="from 8 to 4"):
        bech32.convert_bits(b"", 8, 4)
    with pytest.raises(InputError, match="at most 31, not 255"):
        bech32.convert_bits(b"\xff", 5, 8)


@given(st.one_of(st.text(max_size=120), st.text(st.sampled_from(bech32.CHARSET + "1"), max_size=120), st.none()))
def test_garbage_gives_input_error(text):
    for decoder in (bech32.decode, lambda value: bech32.decode_segwit("bc", value)):
        with contextlib.suppress(InputError):
            decoder(text)
