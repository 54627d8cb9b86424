"""Strict DER signatures against Bitcoin Core's and bip66's vectors and the cryptography library."""

from __future__ import annotations

import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import der
from multiwallet.errors import InputError

# Integers of every length, not only of 32 bytes.
INTEGERS = st.integers(0, 256).flatmap(lambda bits: st.integers(0, (1 << bits) - 1))


def test_valid_vectors(vectors):
    cases = vectors("der")["valid"]
    assert len(cases) == 12
    for text in cases:
        data = bytes.fromhex(text)
        assert der.encode(der.decode(data)) == data


def test_invalid_vectors(vectors):
    cases = vectors("der")["invalid"]
    assert len(cases) == 30
    for text, reason in cases:
        with pytest.raises(InputError, match=reason):
            der.decode(bytes.fromhex(text))


@given(INTEGERS, INTEGERS)
def test_same_as_cryptography(r, s):
    compact = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert der.encode(compact) == encode_dss_signature(r, s)
    assert der.decode(encode_dss_signature(r, s)) == compact


@given(INTEGERS, INTEGERS, st.data())
def test_what_passes_damaged_reads_as_in_cryptography(r, s, data):
    damaged = bytearray(encode_dss_signature(r, s))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        compact = der.decode(bytes(damaged))
    except InputError:
        return
    assert der.encode(compact) == damaged
    assert decode_dss_signature(bytes(damaged)) == (int.from_bytes(compact[:32]), int.from_bytes(compact[32:]))


@given(st.binary(max_size=80))
def test_garbage_gives_input_error(data):
    with contextlib.suppress(InputError):
        assert der.encode(der.decode(data)) == data


@pytest.mark.parametrize("length", [0, 63, 65])
def test_only_64_bytes_are_encoded(length):
    with pytest.raises(InputError, match="64 bytes"):
        der.encode(bytes(length))
