"""TIP-191 messages and TIP-712 typed data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chain import Holder
from multiwallet.chains.tron import Tron, addresses, messages, typed_data
from multiwallet.crypto.hashes import keccak256
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.errors import InputError, InvalidAddress, InvalidMessage

FRIEND = "TDc9TjNYQLUnY6oZZZnHcziUKFtTsfRCoT"


def _signed(chain: Tron, holder: Holder, key: SecpKey, request: Any) -> str:
    return chain.message_signature(holder, request, key.sign_recoverable(request.message))


def test_reference_messages(chain: Tron, holder: Holder, key: SecpKey, vectors: list[dict[str, Any]]) -> None:
    entries = [entry for entry in vectors if entry["kind"] == "tip191"]
    assert len(entries) == 8
    for entry in entries:
        message = bytes.fromhex(entry["message_hex"]) if "message_hex" in entry else entry["message"]
        request = chain.message(holder, message)
        assert request.message.hex() == entry["output"]["hash"]
        signature = _signed(chain, holder, key, request)
        assert signature == "0x" + entry["output"]["signature"]
        for form in (
            signature,
            signature[2:],
            bytes.fromhex(signature[2:]),
            signature[:-2] + f"{int(signature[-2:], 16) - 27:02x}",
        ):
            assert chain.verify_message(holder.network, holder.address, message, form)
        assert not chain.verify_message(holder.network, FRIEND, message, signature)
        assert not chain.verify_message(holder.network, holder.address, b"other", signature)


def test_reference_typed_data(chain: Tron, holder: Holder, key: SecpKey, vectors: list[dict[str, Any]]) -> None:
    entries = [entry for entry in vectors if entry["kind"] == "tip712"]
    assert len(entries) == 2
    for entry in entries:
        data, output = entry["typed_data"], entry["output"]
        for form in (data, json.dumps(data)):
            request = chain.typed_data(holder, form)
            assert request.message.hex() == output["hash"]
            assert typed_data.domain_separator(form).hex() == output["domain_separator"]
        signature = _signed(chain, holder, key, request)
        assert signature == "0x" + output["signature"]
        assert chain.verify_typed_data(holder.network, holder.address, data, signature)
        assert not chain.verify_typed_data(holder.network, FRIEND, data, signature)
        changed = {**data, "message": {**data["message"], next(reversed(data["message"])): "6"}}
        assert not chain.verify_typed_data(holder.network, holder.address, changed, signature)


@pytest.mark.parametrize("number", range(9))
def test_malformed_signatures_are_false(chain: Tron, holder: Holder, number: int) -> None:
    broken: Any = ["", "zz", "0x", "00" * 65, b"", bytes(65), b"\x01" * 64 + b"\x05", None, 5][number]
    assert chain.verify_message(holder.network, holder.address, "hello", broken) is False
    assert chain.verify_typed_data(holder.network, holder.address, DATA, broken) is False


@given(signature=st.binary(max_size=80) | st.text(max_size=140))
def test_no_signature_raises(signature: Any) -> None:
    assert messages.is_signed_by(FRIEND, bytes(32), signature) is False


def test_bad_messages_and_addresses(chain: Tron, holder: Holder) -> None:
    for bad in (5, None, "\ud800"):
        with pytest.raises(InvalidMessage):
            chain.message(holder, bad)  # type: ignore[arg-type]  # the point
    with pytest.raises(InputError, match="option"):
        chain.message(holder, "x", form="v1")
    with pytest.raises(InvalidAddress):
        chain.verify_message(holder.network, "nowhere", "x", "00")


DATA: dict[str, Any] = {
    "domain": {"name": "Mail", "chainId": 728126428, "verifyingContract": FRIEND},
    "types": {
        "Person": [{"name": "name", "type": "string"}, {"name": "wallets", "type": "address[]"}],
        "Mail": [
            {"name": "from", "type": "Person"},
            {"name": "to", "type": "Person[2]"},
            {"name": "flags", "type": "bool[2][]"},
            {"name": "small", "type": "int8"},
            {"name": "tag", "type": "bytes4"},
            {"name": "blob", "type": "bytes"},
            {"name": "token", "type": "trcToken"},
        ],
    },
    "primaryType": "Mail",
    "message": {
        "from": {"name": "A", "wallets": [FRIEND, addresses.to_bytes(FRIEND).hex()]},
        "to": [{"name": "B", "wallets": []}, {"name": "C", "wallets": ["0x" + "11" * 20]}],
        "flags": [[True, False]],
        "small": -128,
        "tag": "0x01020304",
        "blob": "0x",
        "token": "1002000",
    },
}


def test_address_forms_hash_alike() -> None:
    data, text = addresses.to_bytes(FRIEND), typed_data.preimage(DATA)
    for form in (data.hex(), "0x" + data[1:].hex(), data, data[1:]):
        changed = json.loads(json.dumps(DATA))
        changed["domain"]["verifyingContract"] = form
        assert typed_data.preimage(changed) == text


def test_against_eth_account_where_the_two_standards_agree() -> None:
    encode = pytest.importorskip("eth_account.messages", reason="eth-account is not installed")

    def evm(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: evm(item) for name, item in value.items()}
        if isinstance(value, list):
            return [evm(item) for item in value]
        if isinstance(value, str) and value.startswith(("T", "41")) and len(value) in (34, 42):
            return "0x" + addresses.to_bytes(value)[1:].hex()
        return value

    ours = json.loads(json.dumps(DATA))
    ours["types"]["Mail"] = [item for item in ours["types"]["Mail"] if item["type"] != "trcToken"]
    del ours["message"]["token"]
    theirs = evm(ours)
    domain = [{"name": "name", "type": "string"}, {"name": "chainId", "type": "uint256"}]
    theirs["types"]["EIP712Domain"] = [*domain, {"name": "verifyingContract", "type": "address"}]
    message = encode.encode_typed_data(full_message=theirs)
    assert typed_data.preimage(ours) == b"\x19" + message.version + message.header + message.body
    only_domain = {**ours, "types": {**ours["types"], "EIP712Domain": theirs["types"]["EIP712Domain"]}}
    only_domain["primaryType"] = "EIP712Domain"
    assert typed_data.preimage(only_domain) == b"\x19\x01" + typed_data.domain_separator(ours)


def _with(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(DATA))
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    if value is Ellipsis:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("message", "small"), 128),
        (("message", "small"), 1.0),
        (("message", "small"), True),
        (("message", "small"), "1e3"),
        (("message", "tag"), "0x0102"),
        (("message", "tag"), "01020304"),
        (("message", "blob"), 5),
        (("message", "token"), -1),
        (("message", "token"), ...),
        (("message", "extra"), 1),
        (("message", "flags"), [[True]]),
        (("message", "flags"), [[1, 0]]),
        (("message", "flags"), "x"),
        (("message", "to"), []),
        (("message", "from"), None),
        (("message", "from", "name"), 5),
        (("message", "from", "name"), "\ud800"),
        (("message", "from", "wallets"), ["nowhere"]),
        (("message", "from", "wallets"), ["0x11"]),
        (("message", "from", "wallets"), [7]),
        (("domain", "extra"), 1),
        (("domain",), 5),
        (("domain", "chainId"), "x"),
        (("primaryType",), "Nope"),
        (("primaryType",), ...),
        (("surplus",), 1),
        (("types",), 5),
        (("types", "Mail"), 5),
        (("types", "Mail"), [5]),
        (("types", "bytes"), []),
        (("types", "a b"), []),
        (("types", "Mail", 0, "type"), "Nope"),
        (("types", "Mail", 0, "type"), "uint"),
        (("types", "Mail", 0, "type"), "uint7"),
        (("types", "Mail", 0, "type"), "bytes33"),
        (("types", "Mail", 0, "type"), "Person["),
        (("types", "Mail", 0, "type"), "Person[0]"),
        (("types", "Mail", 0, "name"), "to"),
    ],
)
def test_what_does_not_fit_its_type_is_refused(place: tuple[Any, ...], value: Any) -> None:
    typed_data.preimage(DATA)
    with pytest.raises(InvalidMessage) as caught:
        typed_data.preimage(_with(place, value))
    assert caught.value.message


def test_endless_nesting_is_refused() -> None:
    value: Any = {}
    for _ in range(5000):
        value = {"next": [value]}
    types = {"A": [{"name": "next", "type": "A[]"}]}
    with pytest.raises(InvalidMessage):
        typed_data.preimage({"domain": {}, "types": types, "primaryType": "A", "message": value})
    for garbage in ("", "{", "[" * 100_000, None, 5, [], {}):
        with pytest.raises(InvalidMessage):
            typed_data.preimage(garbage)


def test_signatures_are_of_the_hash(chain: Tron, holder: Holder) -> None:
    assert chain.message(holder, "hi").message == keccak256(b"\x19TRON Signed Message:\n2hi")
