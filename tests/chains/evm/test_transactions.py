"""Bytes of transactions, against reference vectors, the standards' own example, and eth-account."""

from __future__ import annotations

import json
from pathlib import Path as FilePath
from typing import Any

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet.chain import Holder, Network
from multiwallet.chains.evm import Evm
from multiwallet.chains.evm.transaction import decode_signed, decode_unsigned
from multiwallet.codec import eip55
from multiwallet.crypto.hashes import keccak256
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.errors import InvalidTransaction, MultiwalletError, Unsupported

VECTORS = json.loads((FilePath(__file__).parents[2] / "vectors" / "evm_tx.json").read_text("utf-8"))
TRANSACTIONS = [entry for entry in VECTORS if entry["kind"] == "tx"]
AUTHORIZATIONS = [entry for entry in VECTORS if entry["kind"] == "eip7702-authorization"]
TYPES = {"legacy": 0, "eip2930": 1, "eip1559": 2, "eip4844": 3, "eip7702": 4}
EVM = Evm()


def network_of(chain_id: int) -> Network:
    return Network(f"eip155:{chain_id}", f"evm-{chain_id}", "evm", f"Chain {chain_id}", "ETH", 18, 60)


def holder_of(key: SecpKey, chain_id: int) -> Holder:
    network = network_of(chain_id)
    return Holder(network, EVM.address(network, key.public_key), key.public_key)


def as_dict(tx: dict[str, Any]) -> dict[str, Any]:
    """A vector's viem-like transaction with eth-account's keys and values."""
    result = {}
    for name, value in tx.items():
        if name == "type":
            if value != "legacy":
                result["type"] = TYPES[value]
        elif name == "authorizationList":
            result[name] = [
                {k: entry[k] for k in ("chainId", "address", "nonce", "yParity", "r", "s")} for entry in value
            ]
        elif isinstance(value, str) and value.isdigit():
            result[name] = int(value)
        else:
            result[name] = value
    if "chainId" not in tx:
        result["chainId"] = None
    return result


def sign(key: SecpKey, item: Any, chain_id: int) -> Any:
    holder = holder_of(key, chain_id)
    unsigned = EVM.adopt(holder, item)
    (request,) = EVM.authorize(holder, unsigned)
    return unsigned, EVM.assemble(unsigned, [(request, key.sign_recoverable(request.message))])


@pytest.mark.parametrize("entry", TRANSACTIONS, ids=[entry["id"] for entry in TRANSACTIONS])
def test_vectors(entry: dict[str, Any]) -> None:
    key, expected = SecpKey(bytes.fromhex(entry["private_key"])), entry["output"]
    chain_id = entry["tx"].get("chainId", 1)
    unsigned, signed = sign(key, as_dict(entry["tx"]), chain_id)
    assert unsigned.body.hex() == expected["unsigned"]
    assert unsigned.requests[0].message.hex() == expected["signing_hash"]
    assert signed.raw.hex() == expected["raw"]
    assert signed.txid == "0x" + expected["hash"]
    assert unsigned.sender == expected["sender"]
    # The same again from the unsigned bytes, and back from the signed ones.
    assert sign(key, unsigned.body, chain_id)[1] == signed
    assert EVM.parse_signed(network_of(chain_id), "0x" + expected["raw"]) == signed
    assert decode_unsigned(unsigned.body).unsigned() == unsigned.body
    transaction, signature = decode_signed(signed.raw)
    assert transaction.signed(signature) == signed.raw
    assert EVM.summarize(unsigned).fee.maximum.units == unsigned.fee.maximum.units


@pytest.mark.parametrize("entry", AUTHORIZATIONS, ids=[entry["id"] for entry in AUTHORIZATIONS])
def test_authorization_vectors(entry: dict[str, Any]) -> None:
    key, expected = SecpKey(bytes.fromhex(entry["private_key"])), entry["output"]
    holder = holder_of(key, entry["chain_id"])
    request = EVM.authorization(holder, entry["address"], nonce=entry["nonce"])
    assert request.message.hex() == expected["hash"]
    signature = key.sign_recoverable(request.message)
    assert signature.hex() == expected["r"] + expected["s"] + f"{expected['y_parity']:02x}"
    assert holder.address == expected["authority"]


def test_the_example_of_eip_155() -> None:
    """The worked example in EIP-155 itself."""
    key = SecpKey(b"\x46" * 32)
    item = {"nonce": 9, "gasPrice": 20 * 10**9, "gas": 21000, "to": "0x" + "35" * 20, "value": 10**18, "data": ""}
    unsigned, signed = sign(key, item, 1)
    assert unsigned.body.hex() == (
        "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080"
    )
    assert unsigned.requests[0].message.hex() == "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"
    assert signed.raw.hex() == (
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025"
        "a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
        "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    )


addresses = st.binary(min_size=20, max_size=20).map(eip55.checksum)
uint256 = st.integers(0, 2**256 - 1)
fees = st.integers(0, 2**80)
data = st.binary(max_size=300)
access_lists = st.lists(
    st.fixed_dictionaries(
        {
            "address": addresses,
            "storageKeys": st.lists(st.binary(min_size=32, max_size=32).map(lambda b: "0x" + b.hex()), max_size=3),
        }
    ),
    max_size=3,
)


@st.composite
def native_dicts(draw: st.DrawFn) -> tuple[dict[str, Any], int]:
    chain_id = draw(st.sampled_from([1, 10, 56, 137, 42161, 11155111, 2**40]))
    item: dict[str, Any] = {
        "nonce": draw(st.one_of(st.integers(0, 300), st.integers(0, 2**64 - 2))),
        "gas": draw(st.integers(21000, 2**63)),
        "value": draw(uint256),
        "to": draw(st.one_of(addresses, addresses.map(eip55.parse))),
        "data": draw(st.one_of(data, data.map(lambda b: "0x" + b.hex()))),
        "chainId": chain_id,
    }
    kind = draw(st.sampled_from(["pre-155", 0, 1, 2]))
    if kind in ("pre-155", 0, 1):
        item["gasPrice"] = draw(fees)
    if kind == "pre-155":
        item["chainId"] = None
    if kind == 1:
        item["accessList"] = draw(access_lists)
    if kind == 2:
        low, high = sorted((draw(fees), draw(fees)))
        item["maxFeePerGas"], item["maxPriorityFeePerGas"] = high, low
        if draw(st.booleans()):
            item["accessList"] = draw(access_lists)
        if draw(st.booleans()):
            item["type"] = draw(st.sampled_from([2, "0x2"]))
    if kind in (0, "pre-155", 2) and draw(st.booleans()):
        # An empty recipient without code is refused here (test_adopt), where eth-account takes it.
        item["to"] = draw(st.sampled_from(["", b"", None])) if item.get("data") not in (None, "", "0x", b"") else None
    for name in ("nonce", "gas", "value", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas"):
        if name in item and draw(st.booleans()):
            item[name] = hex(item[name])
    return item, chain_id


@settings(max_examples=150, deadline=None)
@given(native_dicts(), st.integers(1, 2**255))
def test_as_eth_account(pair: tuple[dict[str, Any], int], secret: int) -> None:
    item, chain_id = pair
    key = SecpKey(secret.to_bytes(32, "big"))
    theirs = Account.sign_transaction(dict(item), secret.to_bytes(32, "big"))
    unsigned, ours = sign(key, item, chain_id)
    assert ours.raw == bytes(theirs.raw_transaction)
    assert ours.txid == "0x" + bytes(theirs.hash).hex()
    assert EVM.parse_signed(unsigned.network, bytes(theirs.raw_transaction)) == ours
    plan = EVM.batch(holder_of(key, chain_id))
    prepared = plan.prepare(item)
    if prepared is not None:
        assert plan.seal(prepared[0], key.sign_recoverable(prepared[1])) == ours


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 2**255), st.lists(st.binary(min_size=31, max_size=31), min_size=1, max_size=4), fees)
def test_blob_transactions_as_eth_account(secret: int, hashes: list[bytes], price: int) -> None:
    item = {
        "type": 3,
        "chainId": 1,
        "nonce": 4,
        "gas": 90000,
        "to": "0x" + "35" * 20,
        "value": 1,
        "data": b"\x01\x02",
        "maxFeePerGas": 2**80,
        "maxPriorityFeePerGas": 1,
        "maxFeePerBlobGas": price,
        "blobVersionedHashes": [b"\x01" + h for h in hashes],
    }
    theirs = Account.sign_transaction(dict(item), secret.to_bytes(32, "big"))
    assert sign(SecpKey(secret.to_bytes(32, "big")), item, 1)[1].raw == bytes(theirs.raw_transaction)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 2**255), st.integers(1, 2**255), addresses, st.integers(0, 2**40), st.sampled_from([0, 1]))
def test_set_code_transactions_as_eth_account(
    secret: int, other: int, delegate: str, nonce: int, chain_id: int
) -> None:
    entry = Account.sign_authorization(
        {"chainId": chain_id, "address": delegate, "nonce": nonce}, other.to_bytes(32, "big")
    )
    item = {
        "type": 4,
        "chainId": 1,
        "nonce": 4,
        "gas": 90000,
        "to": "0x" + "35" * 20,
        "value": 1,
        "maxFeePerGas": 2**80,
        "maxPriorityFeePerGas": 1,
        "authorizationList": [entry],
    }
    theirs = Account.sign_transaction(dict(item), secret.to_bytes(32, "big"))
    unsigned, ours = sign(SecpKey(secret.to_bytes(32, "big")), item, 1)
    assert ours.raw == bytes(theirs.raw_transaction)
    (delegation,) = [action for action in EVM.summarize(unsigned).actions if action.kind == "delegate"]
    assert delegation.details["account"] == Account.from_key(other.to_bytes(32, "big")).address
    assert delegation.to == delegate


def test_our_authorization_as_eth_account() -> None:
    key = SecpKey(b"\x11" * 32)
    theirs = Account.sign_authorization({"chainId": 0, "address": "0x" + "35" * 20, "nonce": 3}, b"\x11" * 32)
    request = EVM.authorization(holder_of(key, 1), "0x" + "35" * 20, nonce=3, every_chain=True)
    signature = key.sign_recoverable(request.message)
    assert signature[:32] == theirs.r.to_bytes(32, "big")
    assert signature[64] == theirs.y_parity


KEY = SecpKey(b"\x22" * 32)
SIGNED = {
    name: sign(KEY, item, 1)[1].raw
    for name, item in {
        "legacy": {"nonce": 1, "gas": 21000, "gasPrice": 9, "to": "0x" + "35" * 20, "value": 7},
        "1": {"nonce": 1, "gas": 21000, "gasPrice": 9, "to": "0x" + "35" * 20, "accessList": [("0x" + "35" * 20, [])]},
        "2": {"nonce": 1, "gas": 21000, "maxFeePerGas": 9, "maxPriorityFeePerGas": 1, "to": "0x" + "35" * 20},
    }.items()
}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SIGNED)), st.data())
def test_a_changed_byte_is_refused_or_another_transaction(name: str, draw: st.DataObject) -> None:
    """Whatever is read from a damaged transaction is itself canonical: it encodes to the very same bytes."""
    raw = bytearray(SIGNED[name])
    raw[draw.draw(st.integers(0, len(raw) - 1))] ^= draw.draw(st.integers(1, 255))
    try:
        read = EVM.parse_signed(network_of(1), bytes(raw))
    except MultiwalletError:
        return
    assert read.raw == raw
    assert read.txid == "0x" + keccak256(bytes(raw)).hex() != "0x" + keccak256(SIGNED[name]).hex()
    transaction, signature = decode_signed(bytes(raw))
    assert transaction.signed(signature) == raw


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from([1, 2, 3, 4]).flatmap(lambda kind: st.binary(max_size=100).map(lambda b: bytes((kind,)) + b)),
    )
)
def test_garbage_is_refused(raw: bytes) -> None:
    for read in (lambda: EVM.parse_signed(network_of(1), raw), lambda: EVM.adopt(holder_of(KEY, 1), raw)):
        with pytest.raises(MultiwalletError):
            read()


@pytest.mark.parametrize(
    "wire", [None, 5, 1.5, "0x0", "zz", "", {}, [], "0x" + "c1" * 3000], ids=lambda w: repr(w)[:12]
)
def test_no_transaction(wire: Any) -> None:
    with pytest.raises(InvalidTransaction):
        EVM.parse_signed(network_of(1), wire)


def test_deep_lists_are_refused() -> None:
    nested = b"\xc0"
    for _ in range(2000):
        size = len(nested)
        head = bytes((0xC0 + size,)) if size < 56 else b"\xf9" + size.to_bytes(2, "big")
        nested = head + nested
    with pytest.raises(InvalidTransaction, match="nested"):
        EVM.parse_signed(network_of(1), nested)


def test_the_other_s_is_refused() -> None:
    """(r, n - s) with the other parity is the same signer's second signature: EIP-2 took it out."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    transaction, signature = decode_signed(SIGNED["2"])
    high = (order - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    with pytest.raises(InvalidTransaction, match="upper half"):
        transaction.signed(signature[:32] + high + bytes((1 - signature[64],)))
    raw = SIGNED["2"].replace(b"\xa0" + signature[32:64], b"\xa0" + high)
    assert raw != SIGNED["2"]
    with pytest.raises(InvalidTransaction, match="upper half"):
        EVM.parse_signed(network_of(1), raw)


def test_unsigned_and_signed_are_told_apart() -> None:
    unsigned, signed = sign(KEY, {"nonce": 0, "gas": 21000, "gasPrice": 1, "to": "0x" + "35" * 20}, 1)
    with pytest.raises(InvalidTransaction, match="not signed yet"):
        EVM.parse_signed(unsigned.network, unsigned.body)
    with pytest.raises(InvalidTransaction, match="already signed"):
        EVM.adopt(holder_of(KEY, 1), signed.raw)
    with pytest.raises(InvalidTransaction, match="already signed"):
        EVM.adopt(holder_of(KEY, 1), "0x" + SIGNED["2"].hex())


def test_another_chains_transaction_is_refused() -> None:
    for raw in SIGNED.values():
        with pytest.raises(InvalidTransaction, match="chain id 1"):
            EVM.parse_signed(network_of(137), raw)


def test_blobs_are_not_read() -> None:
    sidecar = bytes.fromhex("03c4c0c0c0c0")
    with pytest.raises(Unsupported, match="without its blobs"):
        EVM.parse_signed(network_of(1), sidecar)
