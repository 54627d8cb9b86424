"""Adopting what others hand over, signing it, and reading signed transactions back."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiwallet.amounts import Amount
from multiwallet.chain import Holder, Network
from multiwallet.chains.tron import Tron, addresses, node_form
from multiwallet.crypto.hashes import keccak256, sha256
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.errors import InvalidTransaction, SigningRefused
from multiwallet.path import Path
from multiwallet.transactions import SignedTransaction, UnsignedTransaction

Sign = Callable[..., SignedTransaction]


def node_json(entry: dict[str, Any]) -> dict[str, Any]:
    """The node's JSON of a reference transaction, put together from its parts here."""
    value = dict(entry["parameter"])
    contract: dict[str, Any] = {
        "parameter": {"value": value, "type_url": f"type.googleapis.com/protocol.{entry['contract_type']}"},
        "type": entry["contract_type"],
    }
    if "permission_id" in entry:
        contract["Permission_id"] = entry["permission_id"]
    raw: dict[str, Any] = {"contract": [contract]}
    for name in ("ref_block_bytes", "ref_block_hash", "expiration", "timestamp", "fee_limit"):
        if name in entry:
            raw[name] = entry[name]
    if "memo" in entry:
        raw["data"] = entry["memo"].encode().hex()
    output = entry["output"]
    return {"visible": False, "txID": output["tx_id"], "raw_data": raw, "raw_data_hex": output["raw_data_hex"]}


def visible(entry: dict[str, Any]) -> dict[str, Any]:
    """The same as a node writes it when asked for ``visible``: addresses in Base58Check."""

    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: addresses.parse(item) if name.endswith("_address") else shown(item)
                for name, item in value.items()
            }
        return [shown(item) for item in value] if isinstance(value, list) else value

    stated = node_json(entry)
    contract = stated["raw_data"]["contract"][0]
    contract["parameter"]["value"] = shown(contract["parameter"]["value"])
    return {**stated, "visible": True}


def test_every_form_signs_to_the_reference(
    chain: Tron, holder: Holder, key: SecpKey, sign: Sign, transactions: list[dict[str, Any]]
) -> None:
    for entry in transactions:
        output, stated = entry["output"], node_json(entry)
        without_hex = {name: item for name, item in stated.items() if name != "raw_data_hex"}
        wrapped = {"result": {"result": True}, "transaction": stated, "energy_used": 0, "constant_result": ["00"]}
        for form in (
            stated,
            visible(entry),
            without_hex,
            {**without_hex, "permission": None},  # as tronpy writes it
            {"raw_data_hex": output["raw_data_hex"].upper()},
            wrapped,
            json.dumps(stated),
            output["raw_data_hex"],
            "0x" + output["raw_data_hex"],
            bytes.fromhex(output["raw_data_hex"]),
            bytearray.fromhex(output["raw_data_hex"]),
        ):
            unsigned = chain.adopt(holder, form)
            assert unsigned.body.hex() == output["raw_data_hex"]
            signed = sign(holder, unsigned, key)
            assert signed.txid == output["tx_id"]
            assert signed.hex() == output["signed_tx_hex"]
            assert signed.expiry == entry["expiration"]
        wire = signed.to_wire()
        assert wire["signature"] == [output["signature"]]
        assert (wire["txID"], wire["raw_data_hex"], wire["visible"]) == (output["tx_id"], output["raw_data_hex"], False)
        ours = wire["raw_data"]["contract"][0]["parameter"]["value"]
        assert ours == {name: item for name, item in entry["parameter"].items() if item not in ("Normal", 0, False)}
        for form in (wire, json.dumps(wire), signed.raw, signed.hex(), {"transaction": signed.hex()}):
            again = chain.parse_signed(holder.network, form)
            assert (again.raw, again.txid, again.expiry, again.complete) == (
                signed.raw,
                signed.txid,
                signed.expiry,
                True,
            )


def _edit(stated: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(stated)
    inner: Any = changed
    for step in place[:-1]:
        inner = inner[step]
    if value is None:
        inner.pop(place[-1], None)
    else:
        inner[place[-1]] = value
    return changed


VALUE = ("raw_data", "contract", 0, "parameter", "value")


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ((*VALUE, "amount"), 999_999, "contradict.*amount"),
        ((*VALUE, "to_address"), "41" + "00" * 20, "contradict.*to_address"),
        ((*VALUE, "owner_address"), "41" + "00" * 20, "contradict.*owner_address"),
        ((*VALUE, "amount"), None, "contradict.*amount"),
        ((*VALUE, "amount"), 1e6, "wrong type, float"),
        ((*VALUE, "amount"), True, "wrong type"),
        ((*VALUE, "amount"), "1000000", "wrong type"),
        ((*VALUE, "amount"), -1, "outside"),
        ((*VALUE, "extra"), 1, "unknown field 'extra'"),
        ((*VALUE, "to_address"), "0x" + "11" * 20, "EVM"),
        (("raw_data", "expiration"), 1, "contradict.*expiration"),
        (("raw_data", "timestamp"), 1, "contradict.*timestamp"),
        (("raw_data", "ref_block_hash"), "00" * 8, "contradict.*ref_block_hash"),
        (("raw_data", "data"), "6d", "contradict.*data"),
        (("raw_data", "fee_limit"), 5, "contradict.*fee_limit"),
        (("raw_data", "scripts"), "00", "unknown field"),
        (("raw_data", "contract", 0, "Permission_id"), 3, "contradict.*Permission_id"),
        (("raw_data", "contract", 0, "Permission_id"), "x", "whole number"),
        (("raw_data", "contract", 0, "type"), "TriggerSmartContract", "type_url"),
        (("raw_data", "contract", 0, "provider"), "00", "parameter, type"),
        (("raw_data", "contract"), [], "one contract"),
        (("raw_data",), "text", "JSON object"),
        (("txID",), "00" * 32, "txID is not the SHA-256"),
        (("txID",), "zz", "hex"),
        (("txID",), 7, "hex"),
        (("visible",), "no", "visible"),
        (("surprise",), 1, "unknown field 'surprise'"),
        (("raw_data_hex",), "0a", "well-formed"),
        (("raw_data_hex",), 5, "hex text"),
        (("signature",), "aa", "list"),
        (("signature",), ["aa"], "130"),
        (("signature",), ["00" * 65], "signature"),
        (("signature",), ["11" * 64 + "09"], "27 or 28"),
        (("contract_address",), "41" + "00" * 20, "contract_address"),
        (("Error",), "class java.lang.Exception", "node's error"),
        (("transaction",), {}, "unknown field"),
    ],
)
def test_contradictions_are_refused(
    chain: Tron, holder: Holder, transactions: list[dict[str, Any]], place: tuple[Any, ...], value: Any, reason: str
) -> None:
    stated = node_json(transactions[0])
    chain.adopt(holder, stated)
    with pytest.raises(InvalidTransaction, match=reason):
        chain.adopt(holder, _edit(stated, place, value))


GARBAGE: list[Any] = [
    "", " ", "zz", "00", "{", "{}", '{"a": 1}', b"", b"\xff" * 40, {}, [], None, 7, 1.5, object(), "A" * 100,
    {"raw_data": {}}, {"raw_data": {"contract": [None]}}, {"raw_data": {"contract": [{"type": 7}]}},
    {"raw_data": {"contract": [{"type": "TransferContract", "parameter": 5}]}},
    {"raw_data": {"contract": [{"type": "WitnessCreateContract", "parameter": {"value": {}}}]}},
    {"transaction": {"transaction": {}}}, {"transaction": None}, {"transaction": "zz"},
    {"result": {"code": "CONTRACT_VALIDATE_ERROR", "message": "6e6f"}, "transaction": {}},
    {"result": False, "transaction": {}},
    '{"raw_data": ' + "[" * 100_000, '{"txID": 1.5}', '{"txID": "aa", "txID": "bb"}', '{"raw_data": NaN}',
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(GARBAGE)))
def test_garbage_is_no_transaction(chain: Tron, holder: Holder, network: Network, number: int) -> None:
    with pytest.raises(InvalidTransaction):
        chain.adopt(holder, GARBAGE[number])
    with pytest.raises(InvalidTransaction):
        chain.parse_signed(network, GARBAGE[number])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_json_gives_a_transaction_or_its_error(
    data: st.DataObject, chain: Tron, holder: Holder, transactions: list[dict[str, Any]]
) -> None:
    stated = node_json(transactions[data.draw(st.integers(0, len(transactions) - 1))])
    places = [("raw_data",), ("txID",), ("signature",), ("visible",), ("raw_data", "contract"), VALUE[:-1], VALUE]
    place = data.draw(st.sampled_from([*places, ("raw_data", "expiration"), ("raw_data", "contract", 0, "type")]))
    form = _edit(stated, place, data.draw(JSON))
    if data.draw(st.booleans()):
        form.pop("raw_data_hex", None)
    for read in (lambda: chain.adopt(holder, form), lambda: chain.parse_signed(holder.network, form)):
        with suppress(InvalidTransaction):
            read()


def test_names_are_text_where_visible(chain: Tron, holder: Holder, key: SecpKey, sign: Sign) -> None:
    value = {"asset_name": "1002000", "owner_address": holder.address, "to_address": holder.address, "amount": 3}
    contract = {"parameter": {"value": value}, "type": "TransferAssetContract"}
    raw = {"contract": [contract], "ref_block_bytes": "0001", "ref_block_hash": "00" * 8, "expiration": 9}
    unsigned = chain.adopt(holder, {"visible": True, "raw_data": raw})
    wire = sign(holder, unsigned, key).to_wire()
    assert wire["raw_data"]["contract"][0]["parameter"]["value"]["asset_name"] == b"1002000".hex()
    value["asset_name"] = b"1002000".hex()
    assert chain.adopt(holder, {"visible": False, "raw_data": raw}).body == unsigned.body


def test_a_deployment_names_the_address_that_follows_from_it(
    chain: Tron, holder: Holder, transactions: list[dict[str, Any]]
) -> None:
    output = transactions[0]["output"]
    owner = addresses.to_bytes(holder.address)
    address = b"\x41" + keccak256(bytes.fromhex(output["tx_id"]) + owner)[12:]
    chain.adopt(holder, {"raw_data_hex": output["raw_data_hex"], "contract_address": address.hex()})


def test_only_the_owner_signs(
    chain: Tron,
    holder: Holder,
    key: SecpKey,
    other_key: SecpKey,
    make_holder: Callable[..., Holder],
    nile: Network,
    transactions: list[dict[str, Any]],
) -> None:
    unsigned = chain.adopt(holder, node_json(transactions[0]))
    with pytest.raises(SigningRefused, match="not"):
        chain.authorize(make_holder(other_key), unsigned)
    with pytest.raises(SigningRefused, match="Nile|tron-nile"):
        chain.authorize(make_holder(key, nile), unsigned)
    (request,) = chain.authorize(replace(holder, path=Path("m/44'/195'/0'/0/0")), unsigned)
    assert request.path == Path("m/44'/195'/0'/0/0")
    assert request.message == sha256(unsigned.body)


def test_several_signatures_under_a_permission(
    chain: Tron,
    holder: Holder,
    key: SecpKey,
    other_key: SecpKey,
    sign: Sign,
    make_holder: Callable[..., Holder],
    transactions: list[dict[str, Any]],
) -> None:
    entry = next(item for item in transactions if "permission_id" in item)
    first = sign(holder, chain.adopt(holder, node_json(entry)), key)
    cosigner = make_holder(other_key)
    both = sign(cosigner, chain.adopt(cosigner, first.to_wire()), other_key)
    assert both.txid == first.txid == entry["output"]["tx_id"]
    wire = both.to_wire()
    assert wire["signature"][0] == entry["output"]["signature"]
    assert len(wire["signature"]) == 2
    digest = bytes.fromhex(both.txid)
    signers = [
        addresses.from_bytes(node_form.signatures.signer_of(bytes.fromhex(item), digest)) for item in wire["signature"]
    ]
    assert signers == [holder.address, cosigner.address]
    again = chain.adopt(cosigner, both.raw)
    assert "permission 2" in " ".join(again.summary.warnings)
    with pytest.raises(SigningRefused, match="already"):
        chain.authorize(cosigner, again)
    with pytest.raises(InvalidTransaction, match="twice"):
        chain.adopt(holder, {**wire, "signature": wire["signature"][:1] * 2})
    text = again.to_json()
    restored = chain.restore(
        holder.network,
        sender=again.sender,
        body=again.body,
        fee=again.fee,
        paths={},
        assets=(),
        context=json.loads(text)["context"],
    )
    assert restored == again


def test_restoring_checks_the_parts(chain: Tron, holder: Holder, transactions: list[dict[str, Any]]) -> None:
    holder = replace(holder, path=Path("m/44'/195'/0'/0/0"))
    unsigned = chain.adopt(holder, node_json(transactions[0]))
    parts: dict[str, Any] = {
        "sender": unsigned.sender,
        "body": unsigned.body,
        "fee": unsigned.fee,
        "paths": {holder.public_key: holder.path},
        "assets": (),
        "context": dict(unsigned.context),
    }
    assert chain.restore(holder.network, **parts) == unsigned
    context = parts["context"]
    disguised = Amount(unsigned.fee.maximum.units, replace(holder.network.native, decimals=20))
    for changed in (
        {"sender": addresses.from_bytes(addresses.ZERO)},
        {"body": unsigned.body[:-2]},
        {"context": {}},
        {"context": {**context, "expiration": 1}},
        {"context": {**context, "public_key": "00"}},
        {"context": {**context, "public_key": "zz"}},
        {"context": {**context, "public_key": 5}},
        {"context": {**context, "signatures": 5}},
        {"context": {**context, "signatures": [5]}},
        {"context": {**context, "extra": 5}},
        {"fee": replace(unsigned.fee, expected=disguised)},
        {"fee": replace(unsigned.fee, maximum=disguised)},
    ):
        with pytest.raises(InvalidTransaction):
            chain.restore(holder.network, **{**parts, **changed})


def test_assembling_checks_signatures(
    chain: Tron, holder: Holder, key: SecpKey, other_key: SecpKey, transactions: list[dict[str, Any]]
) -> None:
    unsigned: UnsignedTransaction = chain.adopt(holder, node_json(transactions[0]))
    (request,) = chain.authorize(holder, unsigned)
    right = key.sign_recoverable(request.message)
    stranger = chain.adopt(holder, node_json(transactions[1])).requests[0]
    for pairs in (
        [],
        [(request, right[:64])],
        [(request, right + b"\0")],
        [(request, right[:64] + b"\x1b")],
        [(request, other_key.sign_recoverable(request.message))],
        [(stranger, right)],
    ):
        with pytest.raises(InvalidTransaction):
            chain.assemble(unsigned, pairs)
    assert chain.assemble(unsigned, [(request, right)]).complete


def test_types_known_by_name_travel_as_bytes(chain: Tron, holder: Holder, key: SecpKey, sign: Sign) -> None:
    from multiwallet.chains.tron import raw_data
    from multiwallet.codec import protobuf

    value = protobuf.bytes_field(1, addresses.to_bytes(holder.address)) + protobuf.bytes_field(
        2, b"https://example.org"
    )
    head = {"ref_block_bytes": b"ab", "ref_block_hash": bytes(8), "expiration": 7, "timestamp": 1}
    body = raw_data.make("WitnessCreateContract", value, **head).encode()
    unsigned = chain.adopt(holder, body)
    summary = unsigned.summary
    assert summary.actions[0].kind == "call"
    assert any("not decoded" in warning for warning in summary.warnings)
    signed = sign(holder, unsigned, key)
    assert signed.to_wire() == {"transaction": signed.hex()}
    assert chain.parse_signed(holder.network, signed.to_wire()).raw == signed.raw
    stated = {
        "raw_data_hex": body.hex(),
        "raw_data": {
            "contract": [{"type": "WitnessCreateContract", "parameter": {"value": {"url": "00"}}}],
            "ref_block_bytes": "6162",
            "ref_block_hash": "00" * 8,
            "expiration": 7,
            "timestamp": 1,
        },
    }
    assert chain.adopt(holder, stated).body == body
    with pytest.raises(InvalidTransaction, match="contradict"):
        chain.adopt(holder, _edit(stated, ("raw_data", "timestamp"), 2))


def test_an_unsigned_transaction_is_not_a_signed_one(
    chain: Tron, network: Network, transactions: list[dict[str, Any]]
) -> None:
    with pytest.raises(InvalidTransaction, match="no signature"):
        chain.parse_signed(network, node_json(transactions[0]))
