"""EIP-55 addresses against the EIP's own and eth-utils."""

from __future__ import annotations

import pytest
from eth_utils import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import eip55
from multiwallet.errors import InputError

GOOD = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def test_vectors_of_the_eip(vectors):
    addresses = vectors("eip55")["addresses"]
    assert len(addresses) == 8
    for text in addresses:
        assert eip55.checksum(bytes.fromhex(text[2:])) == text
        assert eip55.parse(text) == bytes.fromhex(text[2:])


@given(st.binary(min_size=20, max_size=20))
def test_same_as_eth_utils(address):
    text = eip55.checksum(address)
    assert text == to_checksum_address(address)
    for accepted in (text, text.lower(), "0x" + text[2:].upper()):
        assert eip55.parse(accepted) == address


@given(st.binary(min_size=20, max_size=20), st.integers(2, 41))
def test_one_letter_in_the_wrong_case_is_refused(address, position):
    text = eip55.checksum(address)
    wrong = text[:position] + text[position].swapcase() + text[position + 1 :]
    if wrong == text or wrong in (text.lower(), "0x" + text[2:].upper()):
        return
    with pytest.raises(InputError, match="EIP-55"):
        eip55.parse(wrong)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD[2:], "starts with 0x"),
        ("0X" + GOOD[2:], "starts with 0x"),
        (" " + GOOD, "starts with 0x"),
        (GOOD + " ", "not 41"),
        (GOOD[:-2], "not 38"),
        (GOOD[:-1] + "g", r"character 42 \('g'\)"),
        (GOOD[:-1] + "а", r"character 42 \('\\u0430'\)"),
        (GOOD[:-1] + "\n", r"character 42"),
        ("０x" + GOOD[2:], "starts with 0x"),
        ("", "starts with 0x"),
        (None, "not NoneType"),
        (bytes(20), "not bytes"),
    ],
)
def test_refuses(text, reason):
    with pytest.raises(InputError, match=reason):
        eip55.parse(text)


@pytest.mark.parametrize("length", [0, 19, 21, 32])
def test_only_20_bytes_are_written(length):
    with pytest.raises(InputError, match="20 bytes"):
        eip55.checksum(bytes(length))
