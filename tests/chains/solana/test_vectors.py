"""Every reference value of solana_transactions.json and solana_addresses.json (their sources: tests/vectors/README.md)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from multiwallet.chain import Holder, Network
from multiwallet.chains.solana import Solana
from multiwallet.chains.solana import address as addresses
from multiwallet.chains.solana.message import (
    Account,
    Instruction,
    LookupTable,
    compile_message,
    parse_message,
    parse_transaction,
)
from multiwallet.chains.solana.offchain import encode_offchain
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.errors import InvalidAddress

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
ALL = json.loads((VECTORS / "solana_transactions.json").read_text("utf-8"))
TRANSACTIONS = [entry for entry in ALL if entry["kind"] == "tx"]
MESSAGES = [entry for entry in ALL if entry["kind"] != "tx"]
ADDRESSES = json.loads((VECTORS / "solana_addresses.json").read_text("utf-8"))
key = addresses.parse


def named(entry: dict[str, Any]) -> str:
    return str(entry["id"])


def holder_of(network: Network, seed: str) -> tuple[Ed25519Key, Holder]:
    private = Ed25519Key(bytes.fromhex(seed))
    return private, Holder(network, addresses.encode(private.public_key), private.public_key)


def test_there_are_as_many_as_there_should_be() -> None:
    assert (len(TRANSACTIONS), len(MESSAGES), len(ADDRESSES)) == (19, 6, 16)


@pytest.mark.parametrize("entry", TRANSACTIONS, ids=named)
def test_compiled_as_web3_js_does(entry: dict[str, Any]) -> None:
    calls = [
        Instruction(
            key(item["program_id"]),
            tuple(Account(key(a["pubkey"]), a["is_signer"], a["is_writable"]) for a in item["accounts"]),
            bytes.fromhex(item["data"]),
        )
        for item in entry["instructions"]
    ]
    tables = [
        LookupTable(key(table["key"]), tuple(map(key, table["addresses"])))
        for table in entry.get("address_lookup_tables", ())
    ]
    version = None if entry["version"] == "legacy" else 0
    message = compile_message(
        key(entry["fee_payer"]), calls, key(entry["recent_blockhash"]), version=version, tables=tables
    )
    assert message.to_bytes().hex() == entry["output"]["message"]
    assert [addresses.encode(item) for item in message.keys] == entry["output"]["account_keys"]


@pytest.mark.parametrize("entry", TRANSACTIONS, ids=named)
def test_signed_to_the_same_bytes(entry: dict[str, Any], network: Network) -> None:
    chain = Solana()
    body = bytes.fromhex(entry["output"]["message"])
    pairs = []
    for signer in entry["signers"]:
        private, holder = holder_of(network, signer["seed"])
        transaction = chain.adopt(holder, base64.b64encode(body).decode())
        (request,) = chain.authorize(holder, transaction)
        pairs.append((request, private.sign(request.message)))
    signed = chain.assemble(transaction, pairs)
    assert signed.complete
    assert signed.txid == entry["output"]["tx_id"]
    assert signed.to_wire() == entry["output"]["tx_base64"]
    _, _, message = parse_transaction(signed.raw)
    assert len(message.signers) == len(entry["output"]["signatures"])
    assert chain.parse_signed(network, signed.to_wire()) == signed
    assert chain.parse_signed(network, signed.hex()) == signed
    assert transaction.summary.actions


@pytest.mark.parametrize("entry", TRANSACTIONS, ids=named)
def test_other_peers_orders_are_read_too(entry: dict[str, Any], network: Network) -> None:
    _, holder = holder_of(network, entry["signers"][0]["seed"])
    ours = Solana().adopt(holder, bytes.fromhex(entry["output"]["message"])).summary
    for variant in entry["variants"].values():
        body = bytes.fromhex(variant["message"])
        assert parse_message(body).to_bytes() == body
        theirs = Solana().adopt(holder, body).summary
        assert (theirs.actions, theirs.fee, theirs.memo) == (ours.actions, ours.fee, ours.memo)


@pytest.mark.parametrize("entry", MESSAGES, ids=named)
def test_messages(entry: dict[str, Any], network: Network) -> None:
    chain = Solana()
    private, holder = holder_of(network, entry["seed"])
    text = entry["output"]["message"] if entry["kind"] == "siws" else entry["message"]
    form: dict[str, Any] = {}
    if entry["kind"] == "offchain-message":
        form = {"form": "offchain", "application_domain": entry["application_domain"]}
    request = chain.message(holder, text, **form)
    signature = chain.message_signature(holder, request, private.sign(request.message))
    assert signature == entry["output"]["signature"]
    if form:
        assert request.preimage.hex() == entry["output"]["encoded"]
        text = request.preimage
    wrong = chain.message_signature(holder, request, private.sign(request.message + b"!"))
    for written in (signature, addresses.decode_signature(signature)):
        assert chain.verify_message(network, holder.address, text, written)
    assert not chain.verify_message(network, holder.address, text, wrong)


def test_an_offchain_message_verifies_without_naming_the_form(network: Network) -> None:
    private, holder = holder_of(network, "11" * 32)
    signature = private.sign(encode_offchain(b"hello", holder.public_key))
    assert Solana().verify_message(network, holder.address, "hello", signature)


@pytest.mark.parametrize("entry", ADDRESSES, ids=named)
def test_addresses(entry: dict[str, Any], network: Network) -> None:
    chain = Solana()
    if entry["expect"] == "valid":
        assert chain.parse_address(network, entry["address"]) == entry["address"]
    else:
        with pytest.raises(InvalidAddress) as caught:
            chain.parse_address(network, entry["address"])
        assert not entry["address"] or entry["address"] not in str(caught.value)
