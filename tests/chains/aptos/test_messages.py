"""Signed messages in the form of AIP-62."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import Wallet
from multiwallet.errors import InputError, InvalidMessage

ACCOUNT = Wallet.from_mnemonic("test test test test test test test test test test test junk").account("aptos")


def test_the_text_that_is_signed() -> None:
    data = json.loads(
        ACCOUNT.sign_message("hello", nonce="7", address=True, application="https://example.org", chain_id=True)
    )
    assert data["fullMessage"] == (
        f"APTOS\naddress: {ACCOUNT.address}\napplication: https://example.org\nchainId: 1\nmessage: hello\nnonce: 7"
    )
    assert (data["prefix"], data["message"], data["nonce"], data["chainId"]) == ("APTOS", "hello", "7", "1")
    assert json.loads(ACCOUNT.sign_message("hello"))["fullMessage"] == "APTOS\nmessage: hello\nnonce: "


@given(st.text(max_size=80), st.text(max_size=20), st.booleans(), st.booleans())
def test_what_is_signed_verifies_and_nothing_else_does(message: str, nonce: str, address: bool, chain: bool) -> None:
    if "\n" in nonce or "\r" in nonce:
        with pytest.raises(InvalidMessage):
            ACCOUNT.sign_message(message, nonce=nonce)
        return
    try:
        signature = ACCOUNT.sign_message(message, nonce=nonce, address=address, chain_id=chain)
    except InvalidMessage:
        assert any(0xD800 <= ord(sign) < 0xE000 for sign in message + nonce)
        return
    assert ACCOUNT.verify_message(message, signature)
    assert ACCOUNT.verify_message(message.encode(), signature.encode())
    assert not ACCOUNT.verify_message(message + "x", signature)


@pytest.mark.parametrize("message", ["a\nnonce: b", "\n", "x\nmessage: y", "address: 0x1", "\nnonce: "])
def test_a_message_cannot_pass_for_another(message: str) -> None:
    signature = ACCOUNT.sign_message(message, nonce="1")
    assert ACCOUNT.verify_message(message, signature)
    assert json.loads(signature)["message"] == message
    for other in ("", "a", "x", message[:-1], message + "\nnonce: 1"):
        assert not ACCOUNT.verify_message(other, signature)


def test_changed_signatures_are_false() -> None:
    data: dict[str, Any] = json.loads(ACCOUNT.sign_message("hello", nonce="1", address=True, chain_id=True))
    other = json.loads(ACCOUNT.sign_message("hello", nonce="2"))
    changes: list[Any] = [
        {**data, "signature": other["signature"]},
        {**data, "publicKey": "0x" + "00" * 32},
        {**data, "publicKey": 5},
        {**data, "fullMessage": data["fullMessage"].replace("APTOS", "aptos")},
        {**data, "fullMessage": 5},
        {**data, "signature": None},
        {},
        [],
        5,
        "x",
    ]
    for changed in changes:
        assert not ACCOUNT.verify_message("hello", json.dumps(changed))
    for text in ("", "{", b"\xff", "0x" + "00" * 64, '{"a": 1, "a": 2}', "[" * 5000):
        assert not ACCOUNT.verify_message("hello", text)


def test_what_the_text_says_of_chain_and_address_must_be_true() -> None:
    wallet = Wallet.from_mnemonic("test test test test test test test test test test test junk")
    testnet = wallet.account("aptos-testnet")
    assert testnet.address == ACCOUNT.address
    assert testnet.verify_message("hello", ACCOUNT.sign_message("hello"))
    assert not testnet.verify_message("hello", ACCOUNT.sign_message("hello", chain_id=True))
    with pytest.raises(InputError, match="no fixed chain id"):
        wallet.account("aptos-devnet").sign_message("hello", chain_id=True)


def test_options_that_are_wrong() -> None:
    for form in ({"no_such": 1}, {"address": 1}, {"nonce": 1.5}, {"application": b"x"}, {"nonce": "a\nb"}):
        with pytest.raises(InputError):
            ACCOUNT.sign_message("hello", **form)
    with pytest.raises(InvalidMessage, match="UTF-8"):
        ACCOUNT.sign_message(b"\xff")
