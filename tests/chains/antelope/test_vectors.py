"""The reference values of tests/vectors/antelope_reference.json, which other libraries computed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Wallet, network
from multiwallet.chain import Holder
from multiwallet.chains.antelope import Antelope, esr, public_keys, transaction

CHAIN = Antelope()
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "vectors" / "antelope_reference.json").read_text("utf-8")
)


@pytest.mark.parametrize("vector", VECTORS["keys"], ids=lambda vector: vector["legacy"][:12])
def test_keys(vector: dict[str, str]) -> None:
    row = network("eos")
    assert CHAIN.address(row, bytes.fromhex(vector["public"])) == vector["pub_k1"]
    assert CHAIN.parse_address(row, vector["legacy"]) == vector["pub_k1"]
    for form in ("private", "pvt_k1", "wif"):
        account = Wallet.from_private_key("eos", vector[form]).account("eos")
        assert account.address == vector["pub_k1"]
        assert account.export_private_key() == vector["pvt_k1"]


@pytest.mark.parametrize("vector", VECTORS["transactions"], ids=lambda vector: vector["id"][:12])
def test_transactions(vector: dict[str, Any]) -> None:
    row = network("eos-jungle")
    assert row.params["chain_id"] == vector["chain_id"]
    key = public_keys.parse_key(vector["key"]).data
    unsigned = CHAIN.adopt(Holder(row, vector["key"], key), vector["json"])
    assert unsigned.body.hex() == vector["packed"]
    assert unsigned.requests[0].message.hex() == vector["digest"]
    assert transaction.identity(unsigned.body) == vector["id"]
    wire = public_keys.parse_signature(vector["signature"])
    assert public_keys.signer_of(wire, unsigned.requests[0].message) == key
    assert public_keys.signature_text(wire) == vector["signature"]
    signed = CHAIN.parse_signed(row, {"packed_trx": vector["packed"], "signatures": [vector["signature"]]})
    assert (signed.txid, CHAIN.to_wire(signed)["signatures"]) == (vector["id"], [vector["signature"]])


@pytest.mark.parametrize("vector", VECTORS["requests"], ids=lambda vector: vector["source"][:12])
def test_signing_requests(vector: dict[str, Any]) -> None:
    request = esr.decode(vector["text"])
    assert (request.chain_id.hex(), request.callback) == (vector["chain_id"], vector["callback"])
    assert [
        {
            "account": call.account,
            "name": call.name,
            "authorization": [level._asdict() for level in call.authorization],
            "data": call.data.hex(),
        }
        for call in request.actions
    ] == vector["actions"]
    assert esr.decode(esr.encode(request)) == request
