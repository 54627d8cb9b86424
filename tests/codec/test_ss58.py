"""SS58 against its registry's examples and substrate-interface's codec."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scalecodec.utils.ss58 import ss58_decode, ss58_encode

from multiwallet.codec import base58, ss58
from multiwallet.errors import InputError

ALICE = "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
# Addresses of the development key //Alice, as subkey (Polkadot SDK) prints them for these networks.
ALICES = {
    0: "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
    2: "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F",
    42: "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
}
PREFIXES = st.integers(0, 16383).filter(lambda prefix: prefix not in (46, 47))


@pytest.mark.parametrize(("prefix", "text"), ALICES.items())
def test_known_addresses(prefix, text):
    assert ss58.encode(prefix, bytes.fromhex(ALICE)) == text
    assert ss58.decode(text) == (prefix, bytes.fromhex(ALICE))


@given(PREFIXES, st.binary(min_size=32, max_size=32))
def test_like_another_implementation(prefix, payload):
    text = ss58.encode(prefix, payload)
    assert text == ss58_encode(payload, prefix)
    assert ss58_decode(text, prefix) == payload.hex()
    assert ss58.decode(text) == (prefix, payload)


@given(PREFIXES, st.binary(min_size=33, max_size=33))
def test_public_keys_of_33_bytes(prefix, payload):
    assert ss58.decode(ss58.encode(prefix, payload)) == (prefix, payload)


@given(st.text(max_size=80))
def test_garbage_is_refused_with_a_reason(text):
    with pytest.raises(InputError) as caught:
        ss58.decode(text)
    assert len(caught.value.message) > 10


@given(st.binary(max_size=45))
def test_other_bytes_in_base58_are_refused(data):
    with pytest.raises(InputError):
        ss58.decode(base58.encode(data))


@given(st.integers(0, 46), st.integers(1, 57))
def test_a_wrong_character_is_noticed(position, step):
    text = ALICES[42]
    position %= len(text)
    other = base58.ALPHABET[(base58.ALPHABET.index(text[position]) + step) % 58]
    with pytest.raises(InputError):
        ss58.decode(text[:position] + other + text[position + 1 :])


@pytest.mark.parametrize("prefix", [-1, 46, 47, 16384, True, "0", None, 1.0])
def test_prefixes_that_are_none(prefix):
    with pytest.raises(InputError):
        ss58.encode(prefix, bytes(32))


@pytest.mark.parametrize("length", [0, 1, 2, 8, 20, 31, 34, 64])
def test_payloads_of_other_lengths(length):
    with pytest.raises(InputError):
        ss58.encode(42, bytes(length))
