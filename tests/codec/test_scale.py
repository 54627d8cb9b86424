"""SCALE against the examples of its specification and scalecodec's own types."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import scale
from multiwallet.codec.reader import Reader
from multiwallet.errors import InputError

# The examples of "Scale Codec" in the Polkadot developer documentation, and the edges of each length.
COMPACT = {
    0: "00",
    1: "04",
    42: "a8",
    63: "fc",
    64: "0101",
    69: "1501",
    16383: "fdff",
    16384: "02000100",
    65535: "feff0300",
    2**30 - 1: "feffffff",
    2**30: "0300000040",
    2**32 - 1: "03ffffffff",
    2**32: "070000000001",
    100000000000000: "0b00407a10f35a",
    2**128 - 1: "33" + "ff" * 16,
    2**536 - 1: "ff" + "ff" * 67,
}


@pytest.mark.parametrize(("number", "text"), COMPACT.items())
def test_compact_vectors(number, text):
    assert scale.encode_compact(number).hex() == text
    reader = Reader(bytes.fromhex(text))
    assert scale.compact(reader) == number
    reader.finish()


@pytest.mark.parametrize("text", ["0100", "fd00", "02000000", "feff0000", "0300000000", "03ffffff3f", "070000000000"])
def test_a_compact_that_could_be_shorter_is_refused(text):
    with pytest.raises(InputError, match="shortest"):
        scale.compact(Reader(bytes.fromhex(text)))


@given(st.integers(0, 2**536 - 1))
def test_compact_round_trip(number):
    reader = Reader(scale.encode_compact(number))
    assert scale.compact(reader) == number
    reader.finish()


@given(st.integers(0, 2**128 - 1))
def test_compact_like_scalecodec(number):
    from scalecodec.base import RuntimeConfiguration, ScaleBytes

    theirs = RuntimeConfiguration().create_scale_object("Compact<u128>")
    assert bytes(theirs.encode(number).data) == scale.encode_compact(number)
    read = RuntimeConfiguration().create_scale_object("Compact<u128>", ScaleBytes(scale.encode_compact(number)))
    assert read.decode() == number


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16, 32])
def test_integers_at_their_edges(size):
    for number in (0, 1, 2 ** (8 * size) - 1):
        assert Reader(scale.encode_uint(number, size)).uint(size) == number
    for number in (-(2 ** (8 * size - 1)), -1, 0, 2 ** (8 * size - 1) - 1):
        assert scale.signed(Reader(scale.encode_int(number, size)), size) == number
    for encode, number in (
        (scale.encode_uint, -1),
        (scale.encode_uint, 2 ** (8 * size)),
        (scale.encode_int, 2 ** (8 * size - 1)),
        (scale.encode_int, -(2 ** (8 * size - 1)) - 1),
    ):
        with pytest.raises(InputError):
            encode(number, size)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, b"2"])
def test_what_is_no_whole_number_is_refused(value):
    for encode in (scale.encode_compact, lambda v: scale.encode_uint(v, 4), lambda v: scale.encode_int(v, 4)):
        with pytest.raises(InputError):
            encode(value)


def test_numbers_beyond_are_refused():
    for number in (-1, 2**536, 2**5000):
        with pytest.raises(InputError):
            scale.encode_compact(number)


def test_the_examples_of_the_specification():
    assert (
        scale.encode_vector(scale.encode_uint(n, 2) for n in (4, 8, 15, 16, 23, 42)).hex()
        == "18040008000f00100017002a00"
    )
    assert scale.encode_tuple(scale.encode_compact(3), scale.encode_boolean(False)).hex() == "0c00"
    assert scale.encode_option(None).hex() == "00"
    assert scale.encode_option(scale.encode_boolean(True)).hex() == "0101"
    assert scale.encode_text("Hamlet").hex() == "1848616d6c6574"
    assert scale.encode_enum(0, scale.encode_uint(42, 1)).hex() == "002a"


@given(st.lists(st.text()), st.lists(st.binary(max_size=80)), st.one_of(st.none(), st.integers(0, 2**32 - 1)))
def test_what_is_written_is_read(texts, octets, number):
    data = scale.encode_tuple(
        scale.encode_vector(map(scale.encode_text, texts)),
        scale.encode_vector(map(scale.encode_bytes, octets)),
        scale.encode_option(None if number is None else scale.encode_uint(number, 4)),
    )
    reader = Reader(data)
    assert scale.vector(reader, scale.text) == texts
    assert scale.vector(reader, scale.read_bytes) == octets
    assert scale.option(reader, lambda r: r.uint(4)) == number
    reader.finish()


@given(st.binary(max_size=100))
def test_garbage_gives_an_input_error_or_a_value(data):
    for read in (
        scale.compact,
        scale.boolean,
        scale.read_bytes,
        scale.text,
        lambda r: scale.option(r, scale.compact),
        lambda r: scale.vector(r, scale.text),
        lambda r: scale.tuple_of(r, scale.compact, scale.boolean),
        lambda r: scale.enum(r, scale.compact, scale.text, scale.boolean),
    ):
        with suppress(InputError):
            read(Reader(data))


def test_a_list_longer_than_its_data_costs_nothing():
    for data in (scale.encode_compact(2**40), scale.encode_compact(2**500)):
        with pytest.raises(InputError, match="too many"):
            scale.vector(Reader(data + b"\0" * 10), scale.compact)
    with pytest.raises(InputError, match="too many"):
        scale.vector(Reader(scale.encode_vector([b"\0"] * 9)), scale.compact, limit=8)
    with pytest.raises(InputError, match="no UTF-8"):
        scale.encode_text("\ud800")
