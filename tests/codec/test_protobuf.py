"""The protobuf wire format against the documentation's examples and Google's library."""

from __future__ import annotations

import contextlib

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import protobuf
from multiwallet.errors import InputError


@pytest.fixture(scope="module")
def message_class():
    """A message with every wire type, one with a high field number and one inside another."""
    file = descriptor_pb2.FileDescriptorProto(name="codec_test.proto", package="codec_test", syntax="proto3")
    message = file.message_type.add(name="Everything")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, number, kind in (
        ("amount", 1, kinds.TYPE_INT64),
        ("owner", 2, kinds.TYPE_BYTES),
        ("memo", 3, kinds.TYPE_STRING),
        ("total", 5, kinds.TYPE_UINT64),
        ("wide", 6, kinds.TYPE_FIXED64),
        ("narrow", 7, kinds.TYPE_FIXED32),
        ("flag", 8, kinds.TYPE_BOOL),
        ("far", 536870911, kinds.TYPE_INT32),
    ):
        message.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    message.field.add(
        name="inner", number=11, type=kinds.TYPE_MESSAGE, type_name=".codec_test.Everything", label=kinds.LABEL_OPTIONAL
    )
    message.field.add(name="parts", number=12, type=kinds.TYPE_BYTES, label=kinds.LABEL_REPEATED)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("codec_test.Everything"))


INT64 = st.integers(-(2**63), 2**63 - 1)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "amount": INT64,
        "owner": st.binary(max_size=200),
        "memo": st.text(max_size=30),
        "total": st.integers(0, 2**64 - 1),
        "flag": st.booleans(),
        "far": st.integers(-(2**31), 2**31 - 1),
        "parts": st.lists(st.binary(max_size=5), max_size=3),
    },
)


def write(fields: dict, inner: bytes | None = None) -> bytes:
    return b"".join(
        (
            protobuf.varint_field(1, fields.get("amount", 0)),
            protobuf.bytes_field(2, fields.get("owner", b"")),
            protobuf.bytes_field(3, fields.get("memo", "").encode()),
            protobuf.varint_field(5, fields.get("total", 0)),
            protobuf.varint_field(8, fields.get("flag", False)),
            b"" if inner is None else protobuf.message_field(11, inner),
            *(protobuf.bytes_field(12, part, keep_empty=True) for part in fields.get("parts", [])),
            protobuf.varint_field(536870911, fields.get("far", 0)),
        )
    )


@given(fields=FIELDS, inner=st.one_of(st.none(), FIELDS))
def test_messages_as_google_writes_them(message_class, fields, inner):
    expected = message_class(**fields)
    if inner is not None:
        expected.inner.CopyFrom(message_class(**inner))
    encoded = write(fields, None if inner is None else write(inner))
    assert encoded == expected.SerializeToString(deterministic=True)
    values = {number: value for number, _, value in protobuf.parse(encoded)}
    assert protobuf.signed(values.get(1, 0)) == expected.amount
    assert values.get(2, b"") == expected.owner
    assert values.get(3, b"") == expected.memo.encode()
    assert values.get(5, 0) == expected.total
    assert protobuf.signed(values.get(536870911, 0)) == expected.far
    if inner is not None:
        assert values[11] == expected.inner.SerializeToString(deterministic=True)


@given(wide=st.integers(0, 2**64 - 1), narrow=st.integers(0, 2**32 - 1))
def test_fixed_widths_are_read(message_class, wide, narrow):
    fields = protobuf.parse(message_class(wide=wide, narrow=narrow).SerializeToString())
    expected = [(6, protobuf.FIXED64, wide)] * bool(wide) + [(7, protobuf.FIXED32, narrow)] * bool(narrow)
    assert fields == expected


@given(data=st.binary(max_size=60), canonical=st.booleans())
def test_garbage_gives_input_error(message_class, data, canonical):
    try:
        fields = protobuf.parse(data, canonical=canonical)
    except InputError:
        return
    with contextlib.suppress(DecodeError):  # text fields that are not UTF-8
        message_class.FromString(data)
    if canonical:
        rebuilt = b""
        for number, wire_type, value in fields:
            if wire_type == protobuf.VARINT:
                rebuilt += protobuf.varint_field(number, value, keep_zero=True)
            elif wire_type == protobuf.LENGTH_DELIMITED:
                rebuilt += protobuf.message_field(number, value)
            else:
                width = 8 if wire_type == protobuf.FIXED64 else 4
                rebuilt += protobuf.encode_varint(number << 3 | wire_type) + value.to_bytes(width, "little")
        assert rebuilt == data


@given(INT64)
def test_varints_round_trip(value):
    data = protobuf.encode_varint(value)
    decoded, end = protobuf.decode_varint(b"\xff" + data + b"\x01", 1)
    assert (protobuf.signed(decoded), end) == (value, len(data) + 1)
    assert len(data) == 10 if value < 0 else len(data) == max(1, -(-value.bit_length() // 7))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "8001"),
        (150, "9601"),
        (300, "ac02"),
        (-2, "feffffffffffffffff01"),
        (2**64 - 1, "ffffffffffffffffff01"),
        (2**63, "80808080808080808001"),
    ],
)
def test_varint_examples(value, text):
    assert protobuf.encode_varint(value).hex() == text


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_varint_range(value):
    with pytest.raises(InputError, match="2\\^64"):
        protobuf.encode_varint(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("08", "no varint at byte 1"),
        ("0880", "cut short"),
        ("088000", "shortest form"),
        ("0896808000", "shortest form"),
        ("08ffffffffffffffffff02", "64 bits"),
        ("08ffffffffffffffffffff01", "64 bits"),
        ("880001", "shortest form"),
        ("0001", "field number 0"),
        ("8080808010" + "01", "field number 536870912"),
        ("1205616263", "cut short: 2 bytes"),
        ("12ffffffffffffffff7f61", "cut short"),
        ("0901020304", "cut short"),
        ("0d010203", "cut short: 1 bytes"),
        ("0b0c", "wire type 3"),
        ("0e", "wire type 6"),
        ("10010801", "comes after field 2"),
    ],
)
def test_refusals(text, reason):
    with pytest.raises(InputError, match=reason):
        protobuf.parse(bytes.fromhex(text))


def test_lenient_parsing_takes_padded_varints_and_any_order():
    assert protobuf.parse(bytes.fromhex("1001088100"), canonical=False) == [(2, 0, 1), (1, 0, 1)]


@pytest.mark.parametrize("field", [0, -1, 2**29])
def test_field_numbers_are_checked(field):
    with pytest.raises(InputError, match="field number"):
        protobuf.varint_field(field, 1)


def test_defaults_are_left_out_unless_wanted():
    assert protobuf.varint_field(1, 0) == protobuf.bytes_field(1, b"") == b""
    assert protobuf.varint_field(1, 0, keep_zero=True) == b"\x08\x00"
    assert protobuf.bytes_field(1, b"", keep_empty=True) == protobuf.message_field(1, b"") == b"\x0a\x00"
