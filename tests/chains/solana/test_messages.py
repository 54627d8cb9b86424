"""Signing text: a transaction in disguise is refused, and no signature text breaks the verifier."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chain import Holder, Network
from multiwallet.chains.solana import Solana
from multiwallet.chains.solana import address as addresses
from multiwallet.chains.solana.offchain import encode_offchain, read_signature
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.errors import InputError, InvalidAddress, InvalidMessage, SigningRefused

KEY = Ed25519Key(bytes(32))
NETWORK = Network("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "solana", "solana", "Solana", "SOL", 9, 501)
HOLDER = Holder(NETWORK, addresses.encode(KEY.public_key), KEY.public_key)
CHAIN = Solana()


def test_a_transaction_is_not_signed_as_a_message(vectors: Any) -> None:
    for entry in vectors:
        if entry["kind"] == "tx":
            with pytest.raises(SigningRefused, match="move money"):
                CHAIN.message(HOLDER, bytes.fromhex(entry["output"]["message"]))
    with pytest.raises(SigningRefused):
        CHAIN.message(HOLDER, b"\x81" + bytes(200))  # the transaction format to come
    as_text = bytes((1, 0, 0, 1)) + b"a" * 64 + bytes((0,))
    with pytest.raises(SigningRefused):
        CHAIN.message(HOLDER, as_text.decode())
    for tail in (b"\0", b"junk", bytes(2000)):  # a reader that does not look at what follows would take it
        with pytest.raises(SigningRefused):
            CHAIN.message(HOLDER, as_text + tail)
    CHAIN.message(HOLDER, as_text, form="offchain")  # its header keeps it from being one


@pytest.mark.parametrize("message", [7, None, 1.5, "\ud800"])
def test_what_is_no_message(message: Any) -> None:
    with pytest.raises(InvalidMessage):
        CHAIN.message(HOLDER, message)


def test_options() -> None:
    for form in ({"form": "eip191"}, {"colour": 1}, {"application_domain": HOLDER.address}):
        with pytest.raises(InputError):
            CHAIN.message(HOLDER, "x", **form)
    with pytest.raises(InvalidAddress):
        CHAIN.message(HOLDER, "x", form="offchain", application_domain="x")
    for empty in ("", b"\xff", "x" * 66_000):
        with pytest.raises(InvalidMessage):
            CHAIN.message(HOLDER, empty, form="offchain")
    assert encode_offchain(b"x" * 1147, bytes(32))[49] == 0
    assert encode_offchain(b"x" * 1148, bytes(32))[49] == 2
    assert encode_offchain("ż".encode(), bytes(32))[49] == 1


def test_signature_texts() -> None:
    signature = KEY.sign(b"hello")
    for text in (addresses.encode(signature), base64.b64encode(signature).decode(), signature, bytearray(signature)):
        assert CHAIN.verify_message(NETWORK, HOLDER.address, "hello", text)
        assert not CHAIN.verify_message(NETWORK, HOLDER.address, "hullo", text)
    wrong: list[Any] = ["", "x", "l" * 88, "1" * 88, b"", bytes(64), bytes(63), None, 7, "A" * 86 + "==", "ż" * 88]
    for text in wrong:
        assert CHAIN.verify_message(NETWORK, HOLDER.address, "hello", text) is False
    assert CHAIN.verify_message(NETWORK, HOLDER.address, "\ud800", signature) is False


@given(st.text(max_size=100) | st.binary(max_size=100))
def test_any_signature_is_read_or_not(text: str | bytes) -> None:
    assert read_signature(text) is None or len(read_signature(text) or b"") == 64


@given(st.text(max_size=200))
def test_signed_text_verifies(text: str) -> None:
    try:
        request = CHAIN.message(HOLDER, text)
    except (InvalidMessage, SigningRefused):
        return
    signature = CHAIN.message_signature(HOLDER, request, KEY.sign(request.message))
    assert CHAIN.verify_message(NETWORK, HOLDER.address, text, signature)
