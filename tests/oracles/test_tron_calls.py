"""Contract calls, memos and permissions of TRON against tronweb (npm), written by us and read there and back."""

from __future__ import annotations

import random
from typing import Any

import pytest

from multiwallet.chain import Holder, Network
from multiwallet.chains.tron import Tron, addresses, node_form, raw_data
from multiwallet.chains.tron.raw_data import RawData
from multiwallet.codec import abi
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.errors import InvalidTransaction

NETWORK = Network("tron:0x2b6653dc", "tron", "tron", "TRON", "TRX", 6, 195)
CHAIN = Tron()
ROUNDS = 40
CALLS = {
    "transfer(address,uint256)": ("transfer",),
    "approve(address,uint256)": ("approve",),
    "transferFrom(address,address,uint256)": ("transfer",),
    "increaseAllowance(address,uint256)": ("approve",),
    "setApprovalForAll(address,bool)": ("approve",),
    "swap(uint256,bytes,address[])": ("call",),
}


def _values(rng: random.Random, signature: str) -> list[Any]:
    made = {
        "address": lambda: rng.randbytes(20),
        "uint256": lambda: rng.choice((0, 1, rng.randrange(2**60), rng.randrange(2**256), 2**256 - 1)),
        "bool": lambda: rng.random() < 0.5,
        "bytes": lambda: rng.randbytes(rng.randrange(200)),
        "address[]": lambda: [rng.randbytes(20) for _ in range(rng.randrange(4))],
    }
    return [made[kind]() for kind in signature.partition("(")[2][:-1].split(",")]


def _body(rng: random.Random, owner: bytes, signature: str) -> RawData:
    values: dict[str, Any] = {"owner_address": owner, "contract_address": b"\x41" + rng.randbytes(20)}
    values["data"] = abi.encode_call(signature, _values(rng, signature))
    if rng.random() < 0.5:
        values["call_value"] = rng.choice((1, 127, 128, 2**31, 2**53 - 1))
    if rng.random() < 0.3:
        values.update(call_token_value=rng.randrange(1, 2**50), token_id=rng.randrange(1_000_001, 2_000_000))
    memo = rng.choice(("", "x", "zażółć 🚀", "m" * 127, "m" * 128, "line\nline", "\0"))
    return raw_data.make(
        "TriggerSmartContract",
        values,
        ref_block_bytes=rng.randbytes(2),
        ref_block_hash=rng.randbytes(8),
        expiration=rng.randrange(1_700_000_000_000, 1_800_000_000_000),
        timestamp=rng.randrange(1_700_000_000_000, 1_800_000_000_000),
        data=rng.choice((memo.encode(), rng.randbytes(rng.randrange(1, 300)))),
        fee_limit=rng.choice((1, 127, 128, 15_000_000_000)),
        permission_id=rng.choice((0, 0, 1, 2, 9, 127, 128)),
    )


def _lower(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lower(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lower(item) for item in value]
    return value.lower() if isinstance(value, str) else value


@pytest.mark.parametrize("signature", CALLS)
def test_calls_are_read_alike(node_oracle: Any, signature: str) -> None:
    rng = random.Random(signature)
    for _ in range(ROUNDS):
        private = rng.randbytes(32)
        key = SecpKey(private)
        holder = Holder(NETWORK, CHAIN.address(NETWORK, key.public_key), key.public_key)
        raw = _body(rng, addresses.to_bytes(holder.address), signature)
        unsigned = CHAIN.adopt(holder, raw.encode())
        (request,) = CHAIN.authorize(holder, unsigned)
        signed = CHAIN.assemble(unsigned, [(request, key.sign_recoverable(request.message))])
        wire = signed.to_wire()
        bare = {name: item for name, item in wire.items() if name != "signature"}
        # Our JSON becomes our bytes over there, their reading of our bytes is our JSON, and the signature is alike.
        assert node_oracle("tron.txJsonToPb", transaction=bare) == {
            "txID": signed.txid,
            "raw_data_hex": raw.encode().hex(),
        }
        assert node_oracle("tron.txCheck", transaction=bare) is True
        assert node_oracle("tron.recover", transaction=wire) == holder.address
        theirs = node_oracle("tron.signTransaction", privateKey=private.hex(), transaction=bare)
        assert [item.lower() for item in theirs["signature"]] == wire["signature"]
        read = node_oracle("tron.deserializeTransaction", type=raw.contract, rawDataHex=raw.encode().hex())
        again = _read_back(read)
        assert again == _lower(node_form.raw_data_json(raw))
        # What the summary says of it is what was called.
        kinds = [action.kind for action in unsigned.summary.actions]
        assert set(CALLS[signature]) <= set(kinds)
        assert ("call_token_value" in raw.values) == any("trc10" in str(a) for a in unsigned.summary.actions)
        assert any("permission" in text for text in unsigned.summary.warnings) == bool(raw.permission_id)


def _read_back(read: Any) -> Any:
    """tronweb's reading without the fields at their default, which it writes out."""
    found = _lower(read)
    (contract,) = found["contract"]
    value = contract["parameter"]["value"]
    for fields in (found, contract, value):
        for name in [name for name, item in fields.items() if item in (0, "", None, [])]:
            del fields[name]
    return found


def test_a_contradiction_that_tronweb_would_catch_is_caught_here(node_oracle: Any) -> None:
    """One field of the JSON changed, beside the right bytes: neither reader may take it."""
    rng = random.Random(9)
    key = SecpKey(rng.randbytes(32))
    holder = Holder(NETWORK, CHAIN.address(NETWORK, key.public_key), key.public_key)
    for _ in range(ROUNDS):
        raw = _body(rng, addresses.to_bytes(holder.address), "transfer(address,uint256)")
        bare: dict[str, Any] = {
            "visible": False,
            "txID": node_form.sha256(raw.encode()).hex(),
            "raw_data": node_form.raw_data_json(raw),
            "raw_data_hex": raw.encode().hex(),
        }
        assert CHAIN.adopt(holder, bare).body == raw.encode()
        contract = bare["raw_data"]["contract"][0]
        value = contract["parameter"]["value"]
        kind = rng.randrange(4)
        if kind == 0:
            value["contract_address"] = "41" + rng.randbytes(20).hex()
        elif kind == 1:
            value["data"] = value["data"][:-1] + ("1" if value["data"][-1] != "1" else "2")
        elif kind == 2:
            bare["raw_data"]["fee_limit"] += 1
        else:
            contract["Permission_id"] = raw.permission_id + 1
        assert node_oracle("tron.txCheck", transaction=bare) is False
        with pytest.raises(InvalidTransaction, match="contradict"):
            CHAIN.adopt(holder, bare)
