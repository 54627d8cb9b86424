"""Reference values of ton_messages.json (see tests/vectors/README.md), which @ton/core and @ton/ton computed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from multiwallet import network
from multiwallet.chains.ton import Ton, addresses, forms, jettons, messages, proofs, wallets
from multiwallet.chains.ton.addresses import Address
from multiwallet.chains.ton.messages import External, Internal
from multiwallet.chains.ton.wallets import Order
from multiwallet.codec import boc
from multiwallet.codec.cell import Cell
from multiwallet.crypto.ed25519 import Ed25519Key

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "ton_messages.json").read_text("utf-8"))
ROWS = {-239: network("ton"), -3: network("ton-testnet")}


def bag(text):
    return boc.decode(bytes.fromhex(text))


@pytest.mark.parametrize("said", VECTORS["transfers"], ids=lambda said: f"{said['kind']}-{said['normalized'][:8]}")
def test_signed_transfers(said):
    row, kind = ROWS[said["globalId"]], said["kind"]
    number = wallets.wallet_id(kind, said["globalId"])
    with Ed25519Key(bytes.fromhex(said["seed"])) as key:
        assert Ton().address(row, key.public_key, kind) == said["address"]
        first = wallets.initial_state(kind, key.public_key, number)
        sent = []
        for item in said["messages"]:
            body = bag(item["body"]) if "body" in item else messages.comment(item["text"]) if "text" in item else Cell()
            to = addresses.parse(item["to"], testnet=False)[0]
            sent.append((said["mode"], Internal(to, int(item["value"]), item["bounce"], body).cell()))
        order = Order(kind, number, said["timeout"], said["seqno"], tuple(sent))
        body = wallets.join(order.cell(), key.sign(order.cell().hash))
    message = External(Address(0, first.hash), body, first if said["deploys"] else None)
    assert body == bag(said["body"])
    assert message.cell() == bag(said["message"])
    assert message.normalized_hash.hex() == said["normalized"]
    for form in (said["message"], said["inline"]):
        assert forms.read_external(form)[1] == order
        assert Ton().parse_signed(row, form).txid == said["normalized"]


@pytest.mark.parametrize("said", VECTORS["jettons"])
def test_jetton_transfers(said):
    to, response = (addresses.parse(said[name], testnet=False)[0] for name in ("to", "response"))
    payload = Cell() if said["text"] is None else messages.comment(said["text"])
    numbers = int(said["query"]), int(said["amount"])
    transfer = jettons.Transfer(*numbers, to, response, int(said["forward"]), payload)
    assert transfer.cell() == bag(said["body"])
    assert jettons.Transfer.read(bag(said["body"])) == transfer


@pytest.mark.parametrize("said", [*VECTORS["proofs"], *VECTORS["data"]])
def test_messages(said):
    owner = addresses.parse(said["address"], testnet=False)[0]
    options = {"domain": said["domain"], "timestamp": said["timestamp"]}
    if "payload" in said:
        message, options["form"] = said["payload"], "proof"
    else:
        message = bytes.fromhex(said["bytes"]) if said["text"] is None else said["text"]
    with Ed25519Key(bytes.fromhex(said["seed"])) as key:
        asked = proofs.request(owner, key.public_key, None, message, options)
        assert json.loads(proofs.written(asked, key.sign(asked.message)))["signature"] == said["signature"]
