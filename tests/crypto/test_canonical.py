"""Signatures as EOSIO wants them: canonical by its own rule, and right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from multiwallet.crypto import secp256k1
from multiwallet.crypto.secpkey import SecpKey, is_canonical


def is_fc_canonical(signature: bytes) -> bool:
    """The rule of fc's public_key::is_canonical, on recovery header, r and s."""
    c = b"\0" + signature
    return (
        not (c[1] & 0x80)
        and not (c[1] == 0 and not (c[2] & 0x80))
        and not (c[33] & 0x80)
        and not (c[33] == 0 and not (c[34] & 0x80))
    )


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_signatures_are_canonical_and_right(private, digest):
    if not secp256k1.is_valid_private_key(private):
        return
    key = SecpKey(private)
    signature = key.sign_canonical(digest)
    assert len(signature) == 65
    assert signature[64] < 4
    assert is_fc_canonical(signature[:64])
    assert is_canonical(signature)
    assert int.from_bytes(signature[32:64], "big") <= secp256k1.ORDER // 2
    assert secp256k1.verify(key.public_key, digest, signature[:64])
    assert secp256k1.recover(signature, digest) == key.public_key
    assert key.sign_canonical(digest) == signature
    plain = key.sign_recoverable(digest)
    assert (plain == signature) == is_fc_canonical(plain[:64])


def test_many_are_ground_and_all_end():
    key = SecpKey(bytes(31) + b"\x07")
    sign, ground = key.canonical_signer(), 0
    for number in range(1500):
        digest = number.to_bytes(32, "big")
        signature = sign(digest)
        assert is_fc_canonical(signature)
        ground += signature != key.sign_recoverable(digest)
    assert 600 < ground < 900  # about half of all first tries have a high bit in r


@given(st.binary(min_size=64, max_size=64))
def test_the_rule_is_that_of_fc(signature):
    assert is_canonical(signature) == is_fc_canonical(signature)


def test_the_edges_of_the_rule():
    good = b"\x7f" * 64
    assert is_canonical(good)
    for place in (0, 32):
        for first, second, verdict in ((0x80, 0, False), (0, 0x7F, False), (0, 0x80, True), (1, 0, True)):
            edge = bytearray(good)
            edge[place : place + 2] = bytes((first, second))
            assert is_canonical(bytes(edge)) is verdict
