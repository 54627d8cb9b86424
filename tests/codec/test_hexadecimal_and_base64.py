"""Strict hex and base64: every deviation is refused, and no message repeats the text."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import base64_text
from multiwallet.codec.hexadecimal import parse_hex
from multiwallet.errors import InputError

SECRET = "c0ffee11" * 8


@given(st.binary(max_size=80))
def test_hex_round_trip(data):
    for text in (data.hex(), data.hex().upper(), "0x" + data.hex()):
        assert parse_hex(text) == data
        assert parse_hex(text, length=len(data)) == data


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("0x00", {"prefix": "none"}, "leave that out"),
        ("00", {"prefix": "required"}, "does not start with 0x"),
        ("0X00", {}, "character 2 is not"),
        ("000", {}, "3 hex digits: an even number"),
        ("00", {"length": 32}, "2 hex digits: 64 are needed for 32 bytes"),
        ("0x" + "00" * 33, {"length": 32}, "66 hex digits"),
        ("00 0", {}, "character 3 is not"),
        ("00\n0", {}, "character 3"),
        ("0x0g", {}, "character 4"),
        ("٠٠", {}, "character 1"),
        ("é0", {}, "character 1"),
        (b"00", {}, "not bytes"),
        (None, {}, "not NoneType"),
    ],
)
def test_hex_refusals(text, options, reason):
    with pytest.raises(InputError, match=reason):
        parse_hex(text, **options)


@pytest.mark.parametrize("text", [SECRET + "f", SECRET[:-1] + "z", SECRET + "00", " " + SECRET[1:]])
def test_no_message_repeats_the_text(text):
    with pytest.raises(InputError) as caught:
        parse_hex(text, length=32, what="the private key")
    assert "c0ffee" not in str(caught.value)
    assert str(caught.value).startswith("the private key")
    assert "z" not in str(caught.value)


@given(st.text(max_size=30))
def test_hex_garbage(text):
    try:
        data = parse_hex(text)
    except InputError:
        return
    assert data.hex() == text.removeprefix("0x").lower()


@given(st.binary(max_size=80))
def test_base64_round_trip(data):
    assert base64_text.decode(base64.b64encode(data).decode()) == data


@pytest.mark.parametrize(
    "text",
    [
        "aGk",
        "aGk=\n",
        "aGkaaGk\n",
        " aGk=",
        "aG k",
        "aGl=",
        "aB==",
        "aGk=aGk=",
        "a===",
        "====",
        "aG-_",
        "aGkа",
        "aGk=====",
        b"aGk=",
        None,
    ],
)
def test_base64_refusals(text):
    with pytest.raises(InputError, match="base64"):
        base64_text.decode(text)


@given(st.text(max_size=30))
def test_base64_garbage(text):
    try:
        data = base64_text.decode(text)
    except InputError:
        return
    assert base64.b64encode(data).decode() == text
