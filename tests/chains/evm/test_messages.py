"""EIP-191 messages: reference vectors, eth-account, and the forms in which signatures are written."""

from __future__ import annotations

import json
from pathlib import Path as FilePath
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiwallet.errors import InputError, InvalidAddress, InvalidMessage

VECTORS = json.loads((FilePath(__file__).parents[2] / "vectors" / "evm_messages.json").read_text("utf-8"))
PLAIN = [entry for entry in VECTORS if entry["kind"] in ("eip191", "siwe")]
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def text_of(entry: dict[str, Any]) -> str | bytes:
    if entry["kind"] == "siwe":
        return str(entry["output"]["message"])
    return bytes.fromhex(entry["message_hex"]) if entry["message_kind"] == "bytes" else str(entry["message"])


@pytest.mark.parametrize("entry", PLAIN, ids=[entry["id"] for entry in PLAIN])
def test_vectors(entry: dict[str, Any], keys_of: Any, network: Any) -> None:
    keys, expected, message = keys_of(entry["private_key"], network), entry["output"], text_of(entry)
    request = keys.evm.message(keys.holder, message)
    assert request.message.hex() == expected["hash"]
    signature = keys.evm.message_signature(keys.holder, request, keys.key.sign_recoverable(request.message))
    assert signature == "0x" + expected["signature"]
    assert keys.holder.address == expected["address"]
    assert keys.evm.verify_message(network, expected["address"], message, signature)
    assert not keys.evm.verify_message(network, "0x" + "35" * 20, message, signature)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.binary()))
def test_as_eth_account(keys: Any, network: Any, message: str | bytes) -> None:
    theirs = Account.sign_message(
        encode_defunct(text=message) if isinstance(message, str) else encode_defunct(message), keys.key.expose()
    )
    request = keys.evm.message(keys.holder, message)
    signature = keys.evm.message_signature(keys.holder, request, keys.key.sign_recoverable(request.message))
    assert signature == "0x" + bytes(theirs.signature).hex()
    assert keys.evm.verify_message(network, keys.holder.address, message, bytes(theirs.signature))


@pytest.fixture
def signature(keys: Any) -> bytes:
    raw: bytes = keys.key.sign_recoverable(keys.evm.message(keys.holder, "hello").message)
    return raw


def test_forms_of_a_signature(keys: Any, network: Any, signature: bytes) -> None:
    r, s, parity = signature[:32], signature[32:64], signature[64]
    compact = r + (int.from_bytes(s, "big") | parity << 255).to_bytes(32, "big")  # EIP-2098
    good = [signature, r + s + bytes((27 + parity,)), compact]
    for raw in good:
        for form in (raw, bytearray(raw), raw.hex(), "0x" + raw.hex(), "0x" + raw.hex().upper()):
            assert keys.evm.verify_message(network, keys.holder.address, "hello", form)
            assert not keys.evm.verify_message(network, keys.holder.address, "hello ", form)
            assert not keys.evm.verify_message(network, keys.holder.address, "0x68656c6c6f", form)
    high = (ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")
    bad: list[Any] = [
        r + high + bytes((1 - parity,)),
        r + s + bytes((1 - parity,)),
        r + s + bytes((2 + parity,)),
        r + s + bytes((29 + parity,)),
        r + s + bytes((37 + parity,)),
        bytes(65),
        b"\xff" * 65,
        bytes(64),
        b"",
        signature[:-2],
        signature + b"\0",
        "0x",
        "hello",
        "0x" + signature.hex()[:-1],
        None,
        5,
        [],
    ]
    for form in bad:
        assert keys.evm.verify_message(network, keys.holder.address, "hello", form) is False


def test_eip_2098_examples(network: Any, keys_of: Any) -> None:
    """The two test cases of EIP-2098 itself."""
    keys = keys_of("1234567890" * 6 + "1234", network)
    for message, compact in (
        (
            "Hello World",
            "68a020a209d3d56c46f38cc50a33f704f4a9a10a59377f8dd762ac66910e9b90"
            "7e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea52064",
        ),
        (
            "It's a small(er) world",
            "9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76"
            "939c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793",
        ),
    ):
        assert keys.evm.verify_message(network, keys.holder.address, message, compact)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=st.one_of(st.text(max_size=140), st.binary(max_size=70), st.binary(min_size=65, max_size=65)))
def test_any_other_signature_is_false(keys: Any, network: Any, form: str | bytes) -> None:
    assert keys.evm.verify_message(network, keys.holder.address, "hello", form) is False


def test_what_is_no_message(keys: Any, network: Any, signature: bytes) -> None:
    for message in ("\ud800", None, 5, ["hello"]):
        with pytest.raises(InvalidMessage):
            keys.evm.message(keys.holder, message)
        assert keys.evm.verify_message(network, keys.holder.address, message, signature) is False
    with pytest.raises(InputError, match="one form"):
        keys.evm.message(keys.holder, "hello", form="bip322")
    with pytest.raises(InvalidAddress):
        keys.evm.verify_message(network, "0x12", "hello", signature)
