"""Messages as TON Connect signs them. The layouts are those of the TON Connect specification; see its rpc.md."""

from __future__ import annotations

import base64
import json
from hashlib import sha256

import pytest
from ton_node import WORDS

from multiwallet import Wallet, network, verify_message
from multiwallet.chains.ton import Ton, addresses
from multiwallet.errors import InputError, InvalidMessage
from multiwallet.testing import refusal

ROW = network("ton")


@pytest.mark.parametrize("kind", Ton.kinds)
def test_signed_messages_verify(wallet, kind):
    account = wallet.account("ton", kind=kind)
    for message, form in (
        ("hello", {}),
        ("", {"domain": "żółw.example", "timestamp": 1_750_000_000}),
        (b"\xff\x00", {"domain": "example.com"}),
        ("payload", {"form": "proof", "domain": "example.com", "timestamp": 1_750_000_000}),
    ):
        signature = account.sign_message(message, **form)
        assert account.verify_message(message, signature)
        assert verify_message("ton", account.address, message, signature)
        assert verify_message("ton", addresses.parse(account.address, testnet=False)[0].raw, message, signature)
        said = json.loads(signature)
        for change in (
            {"timestamp": said["timestamp"] + 1},
            {"domain": "example.org"},
            {"form": "proof" if said["form"] == "data" else "data"},
            {"public_key": "00" * 32},
            {"public_key": said["public_key"].upper() + "x"},
            {"address": "0:" + "00" * 32},
            {"signature": base64.b64encode(bytes(64)).decode()},
            {"signature": 5},
            {"timestamp": "5"},
            {"timestamp": 1.5},
            {"more": 1},
        ):
            assert not account.verify_message(message, json.dumps({**said, **change}))
    other = wallet.account("ton", index=1, kind=kind)
    assert not other.verify_message("payload", signature)


def test_the_preimage_is_that_of_the_specification(payer):
    holder = payer._operations.holder
    owner, _ = addresses.parse(payer.address, testnet=False)
    request = Ton().message(holder, "hi", domain="a.b", timestamp=7)
    assert request.preimage == (
        b"\xff\xffton-connect/sign-data/" + bytes(4) + owner.hash
        + (3).to_bytes(4, "big") + b"a.b" + (7).to_bytes(8, "big") + b"txt" + (2).to_bytes(4, "big") + b"hi"
    )  # fmt: skip
    assert request.message == sha256(request.preimage).digest()
    assert Ton().message(holder, b"hi").preimage[-9:] == b"bin" + (2).to_bytes(4, "big") + b"hi"
    proof = Ton().message(holder, "hi", form="proof", domain="a.b", timestamp=7)
    inner = (
        b"ton-proof-item-v2/" + bytes(4) + owner.hash + (3).to_bytes(4, "little") + b"a.b" + (7).to_bytes(8, "little")
    )
    assert proof.preimage == b"\xff\xffton-connect" + sha256(inner + b"hi").digest()


def test_a_text_and_its_bytes_are_not_the_same(payer):
    assert not payer.verify_message(b"hello", payer.sign_message("hello"))


def test_another_network_of_v5_is_another_wallet():
    wallet = Wallet.from_mnemonic(WORDS)
    test = wallet.account("ton-testnet")
    signature = test.sign_message("hello")
    assert test.verify_message("hello", signature)
    assert not verify_message("ton", addresses.parse(test.address, testnet=True)[0].raw, "hello", signature)


def test_wrong_messages_and_options(payer):
    for message, form in (
        ("x", {"form": "other"}),
        ("x", {"domain": 5}),
        ("x", {"domain": "d" * 254}),
        ("x", {"timestamp": -1}),
        ("x", {"timestamp": True}),
        ("x", {"nonce": 1}),
    ):
        refusal(InputError, payer.sign_message, message, **form)
    refusal(InvalidMessage, payer.sign_message, "\ud800")
    refusal(InvalidMessage, payer.sign_message, b"x", form="proof")
    for broken in ("", "{}", "[" * 10**5, "5", b"\xff", "null", '{"a":' * 200):
        assert not payer.verify_message("x", broken)
