"""BCS against the examples of its specification and aptos-sdk's serialiser."""

from __future__ import annotations

import pytest
from aptos_sdk.bcs import Deserializer, Serializer
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import bcs
from multiwallet.codec.bcs import BcsReader
from multiwallet.errors import InputError

SIZES = {1: "u8", 2: "u16", 4: "u32", 8: "u64", 16: "u128", 32: "u256"}

# The table of ULEB128 examples in the README of github.com/diem/bcs, and the edges of each length.
ULEB128 = {
    0: "00",
    1: "01",
    127: "7f",
    128: "8001",
    16383: "ff7f",
    16384: "808001",
    2**21 - 1: "ffff7f",
    2**21: "80808001",
    2**28: "8080808001",
    9487: "8f4a",
    2**32 - 1: "ffffffff0f",
}


@pytest.mark.parametrize(("number", "text"), ULEB128.items())
def test_uleb128_vectors(number, text):
    assert bcs.encode_uleb128(number).hex() == text
    reader = BcsReader(bytes.fromhex(text))
    assert reader.uleb128() == number
    reader.finish()


@given(st.integers(0, 2**32 - 1))
def test_uleb128_as_aptos_sdk(number):
    serializer = Serializer()
    serializer.uleb128(number)
    data = bcs.encode_uleb128(number)
    assert data == serializer.output()
    assert BcsReader(data + b"\x01").uleb128() == number
    for cut in range(len(data)):
        reader = BcsReader(data[:cut])
        with pytest.raises(InputError):
            reader.uleb128()
        assert reader.position == 0


@pytest.mark.parametrize("text", ["8000", "808000", "ff00", "ffffffff1f", "ffffffffff01", "8080808010", "80" * 40])
def test_uleb128_in_another_form_is_refused(text):
    reader = BcsReader(bytes.fromhex(text))
    with pytest.raises(InputError, match="shortest|above"):
        reader.uleb128()
    assert reader.position == 0


@given(st.sampled_from(sorted(SIZES)), st.data())
def test_integers_as_aptos_sdk(size, data):
    number = data.draw(st.integers(0, 2 ** (8 * size) - 1))
    serializer = Serializer()
    getattr(serializer, SIZES[size])(number)
    encoded = bcs.encode_uint(number, size)
    assert encoded == serializer.output()
    assert BcsReader(encoded).uint(size) == number


@given(st.text(max_size=300), st.binary(max_size=300), st.booleans(), st.lists(st.integers(0, 2**64 - 1), max_size=200))
def test_compound_values_as_aptos_sdk(text, data, flag, numbers):
    serializer = Serializer()
    serializer.str(text)
    serializer.to_bytes(data)
    serializer.bool(flag)
    serializer.sequence(numbers, Serializer.u64)
    encoded = b"".join(
        (
            bcs.encode_text(text),
            bcs.encode_bytes(data),
            bcs.encode_bool(flag),
            bcs.encode_sequence(bcs.encode_uint(number, 8) for number in numbers),
        )
    )
    assert encoded == serializer.output()
    reader = BcsReader(encoded)
    assert (reader.text(), reader.byte_string(), reader.boolean()) == (text, data, flag)
    assert reader.sequence(lambda: reader.uint(8)) == numbers
    reader.finish()
    theirs = Deserializer(encoded)
    assert (theirs.str(), theirs.to_bytes(), theirs.bool()) == (text, data, flag)


def test_options_and_variants():
    assert bcs.encode_option(None) == b"\x00"
    assert bcs.encode_option(bcs.encode_uint(8, 1)) == b"\x01\x08"  # Some(8u8) in the README of diem/bcs
    reader = BcsReader(b"\x00\x01\x08\x02")
    assert reader.option(reader.byte) is None
    assert reader.option(reader.byte) == 8
    assert reader.variant("a", "b", "c") == "c"
    with pytest.raises(InputError, match="no variant 3"):
        BcsReader(b"\x03").variant("a", "b", "c")


REFUSED = [
    (lambda: bcs.encode_uleb128(-1), "ULEB128"),
    (lambda: bcs.encode_uleb128(2**32), "ULEB128"),
    (lambda: bcs.encode_uleb128(True), "ULEB128"),
    (lambda: bcs.encode_uint(256, 1), "u8"),
    (lambda: bcs.encode_uint(-1, 8), "u64"),
    (lambda: bcs.encode_uint(1.0, 8), "whole number"),
    (lambda: bcs.encode_uint(True, 8), "whole number"),
    (lambda: bcs.encode_uint(1, 3), "1, 2, 4"),
    (lambda: bcs.encode_bool(1), "True or False"),
    (lambda: bcs.encode_bytes("text"), "bytes"),
    (lambda: bcs.encode_text(b"bytes"), "text"),
    (lambda: bcs.encode_text("\ud800"), "surrogate"),
    (lambda: BcsReader(b"\x02").boolean(), "neither"),
    (lambda: BcsReader(b"").boolean(), "too early"),
    (lambda: BcsReader(b"\x02\xff\xff").text(), "UTF-8"),
    (lambda: BcsReader(b"\x05abc").byte_string(), "too early"),
    (lambda: BcsReader(b"\x03abc").byte_string(2), "longer than 2"),
    (lambda: BcsReader(b"\xff\xff\xff\xff\x0f").byte_string(), "longer than"),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_what_is_wrong_is_an_input_error(case):
    call, match = REFUSED[case]
    with pytest.raises(InputError, match=match):
        call()


def test_a_long_length_takes_no_memory():
    reader = BcsReader(bcs.encode_uleb128(2**31 - 1) + b"\x01" * 10)
    with pytest.raises(InputError, match="too early"):
        reader.sequence(reader.byte)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    def read(reader):
        return reader.sequence(lambda: (reader.option(reader.text), reader.boolean(), reader.variant("a", "b")))

    reader = BcsReader(data)
    try:
        found = read(reader)
    except InputError:
        return
    again = bcs.encode_sequence(
        bcs.encode_option(None if text is None else bcs.encode_text(text))
        + bcs.encode_bool(flag)
        + bcs.encode_uleb128("ab".index(name))
        for text, flag, name in found
    )
    assert again == data[: reader.position]
