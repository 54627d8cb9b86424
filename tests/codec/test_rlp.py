"""RLP against the vectors of ethereum/tests and the rlp library."""

from __future__ import annotations

import pytest
import rlp as reference
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import rlp
from multiwallet.errors import InputError

ITEMS = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=6), max_leaves=40)


def to_item(value):
    if isinstance(value, list):
        return [to_item(element) for element in value]
    if isinstance(value, int):
        return rlp.encode_uint(value)
    return rlp.encode_uint(int(value[1:])) if value.startswith("#") else value.encode("latin-1")


def test_official_vectors(vectors):
    cases = vectors("rlp")["valid"]
    assert len(cases) == 27
    for value, encoded in cases.values():
        item = to_item(value)
        assert rlp.encode(item).hex() == encoded
        assert rlp.decode(bytes.fromhex(encoded)) == item


def test_official_invalid_vectors(vectors):
    cases = vectors("rlp")["invalid"]
    assert len(cases) == 17
    for encoded in cases.values():
        with pytest.raises(InputError):
            rlp.decode(bytes.fromhex(encoded))


@given(ITEMS)
def test_round_trip_as_the_reference(item):
    encoded = rlp.encode(item)
    assert encoded == reference.encode(item)
    assert rlp.decode(encoded) == item
    assert rlp.encode(tuple(item) if isinstance(item, list) else bytearray(item)) == encoded


@pytest.mark.parametrize("length", [0, 1, 55, 56, 57, 255, 256, 65535, 65536, 70000])
def test_lengths_as_the_reference(length):
    for data in (bytes(length), b"\x80" * length):
        assert rlp.encode_bytes(data) == reference.encode(data)
        assert rlp.decode(rlp.encode_bytes(data)) == data
        assert rlp.encode_list_payload(b"\x01" * length) == reference.encode([b"\x01"] * length)


@given(ITEMS, st.data())
def test_decoding_damaged_data_agrees_with_the_reference(item, data):
    encoded = bytearray(rlp.encode(item))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] = data.draw(st.integers(0, 255))
    damaged = bytes(encoded)[: data.draw(st.integers(1, len(encoded)))]
    try:
        expected = reference.decode(damaged, strict=True)
    except reference.exceptions.DecodingError:
        expected = None
    try:
        result = rlp.decode(damaged)
    except InputError:
        assert expected is None
    else:
        assert result == expected
        assert rlp.encode(result) == damaged


@given(st.binary(max_size=80))
def test_whatever_decodes_is_canonical(data):
    try:
        item = rlp.decode(data)
    except InputError:
        return
    assert rlp.encode(item) == data


@given(st.integers(0, 2**300))
def test_integers(value):
    data = rlp.encode_uint(value)
    assert data == reference.sedes.big_endian_int.serialize(value)
    assert rlp.decode_uint(data, max_bytes=64) == value
    assert rlp.encode_uint_item(value) == rlp.encode_bytes(data) == reference.encode(value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x83ab", "cut short: 1 bytes"),
        (b"\x80\x00", "1 bytes after the end"),
        (b"\xc1", "cut short"),
        (b"\xc1\x83", "cut short"),
        (b"\xb9\x01", "length at byte 0 is cut short"),
        (b"\xbf" + b"\xff" * 8, "cut short"),
    ],
)
def test_refusals(data, reason):
    with pytest.raises(InputError, match=reason):
        rlp.decode(data)


def test_nesting_is_bounded():
    item: object = b""
    for _ in range(64):
        item = [item]
    assert rlp.decode(rlp.encode(item)) == item
    with pytest.raises(InputError, match="64 deep"):
        rlp.encode([item])
    deep = b"\xc0"
    for _ in range(64):
        deep = rlp.encode_list_payload(deep)
    with pytest.raises(InputError, match="too deep"):
        rlp.decode(deep)
    with pytest.raises(InputError, match="too deep"):
        rlp.decode(b"\xc1\xc0", max_depth=1)


@pytest.mark.parametrize("value", [1, None, "text", [1], 1.5, {"a": 1}])
def test_only_bytes_and_lists_are_encoded(value):
    with pytest.raises(InputError, match="bytes and lists"):
        rlp.encode(value)


@pytest.mark.parametrize("value", [-1, True, 1.0, "1", None])
def test_only_natural_numbers_are_integers(value):
    for function in (rlp.encode_uint, rlp.encode_uint_item):
        with pytest.raises(InputError):
            function(value)


def test_integer_decoding_refusals():
    with pytest.raises(InputError, match="leading zero"):
        rlp.decode_uint(b"\x00\x01")
    with pytest.raises(InputError, match="33 bytes"):
        rlp.decode_uint(b"\x01" * 33)
    with pytest.raises(InputError, match="a list"):
        rlp.decode_uint([b"\x01"])
    with pytest.raises(InputError, match="56 bytes"):
        rlp.encode_uint_item(1 << 440)
