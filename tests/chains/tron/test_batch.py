"""The hot path gives, byte for byte, what the careful path gives, and takes only what it is sure of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiwallet.amounts import Amount, Asset
from multiwallet.chain import Holder, Network
from multiwallet.chains.tron import Tron, addresses, batch, node_form, raw_data
from multiwallet.chains.tron import template as templates
from multiwallet.chains.tron.raw_data import RawData
from multiwallet.codec import abi, protobuf
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.errors import AmountError, InputError, InvalidAddress, InvalidTransaction, SigningRefused, Unsupported
from multiwallet.template import RefusedRow
from multiwallet.transactions import SignedTransaction

Sign = Callable[..., SignedTransaction]
FIXED: dict[str, Any] = {
    "ref_block_bytes": "8814",
    "ref_block_hash": "328b985e759bf98d",
    "expiration": 1_700_000_063_000,
    "timestamp": 1_700_000_003_000,
}
FRIEND = "TDc9TjNYQLUnY6oZZZnHcziUKFtTsfRCoT"
USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


def _fast(chain: Tron, holder: Holder, key: SecpKey, item: Any) -> SignedTransaction | None:
    plan = chain.batch(holder)
    prepared = plan.prepare(item)
    if prepared is None:
        return None
    state, digest = prepared
    return plan.seal(state, key.sign_recoverable(digest))


def _careful(chain: Tron, holder: Holder, key: SecpKey, sign: Sign, item: Any) -> SignedTransaction:
    return sign(holder, chain.adopt(holder, item), key)


def _json(body: bytes) -> dict[str, Any]:
    stated = node_form.transaction_json(body, ())
    del stated["signature"]
    return stated


PREPARED = ("tx/transfer", "tx/transfer-memo-unicode", "tx/trc20-transfer")


def test_reference_transactions(chain: Tron, holder: Holder, key: SecpKey, transactions: list[dict[str, Any]]) -> None:
    for entry in transactions:
        body = bytes.fromhex(entry["output"]["raw_data_hex"])
        for item in (body, body.hex(), _json(body), chain.adopt(holder, body)):
            signed = _fast(chain, holder, key, item)
            if entry["id"] in PREPARED:
                assert signed is not None
                assert signed.hex() == entry["output"]["signed_tx_hex"]
                assert (signed.txid, signed.expiry) == (entry["output"]["tx_id"], entry["expiration"])
            else:
                assert signed is None


def _body(holder: Holder, data: st.DataObject) -> bytes:
    owner = addresses.to_bytes(holder.address)
    size = data.draw(st.integers(1, 63))
    units = data.draw(st.integers(1 << size - 1, (1 << size) - 1))
    to = b"\x41" + data.draw(st.binary(min_size=20, max_size=20))
    values: dict[str, Any] = {"owner_address": owner, "to_address": to, "amount": units}
    contract = data.draw(st.sampled_from(["TransferContract", "TriggerSmartContract"]))
    if contract == "TriggerSmartContract":
        call = abi.encode_call("transfer(address,uint256)", (to[1:], units * data.draw(st.integers(1, 2**190))))
        values = {"owner_address": owner, "contract_address": b"\x41" + to[:0:-1], "data": call}
    return raw_data.make(
        contract,
        values,
        ref_block_bytes=data.draw(st.binary(min_size=2, max_size=2)),
        ref_block_hash=data.draw(st.binary(min_size=8, max_size=8)),
        expiration=data.draw(st.integers(1, 2**63 - 1)),
        timestamp=data.draw(st.integers(0, 2**63 - 1)),
        data=data.draw(st.just(b"") | st.binary(max_size=130)),
        fee_limit=data.draw(st.integers(0, 2**40)),
        permission_id=data.draw(st.sampled_from([0, 0, 0, 2])),
    ).encode()


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_random_transfers(data: st.DataObject, chain: Tron, holder: Holder, key: SecpKey, sign: Sign) -> None:
    body = _body(holder, data)
    form = data.draw(st.sampled_from(["bytes", "hex", "json", "unsigned"]))
    item: Any = {"bytes": body, "hex": body.hex(), "json": _json(body), "unsigned": chain.adopt(holder, body)}[form]
    expected = _careful(chain, holder, key, sign, body)
    signed = _fast(chain, holder, key, item)
    raw = RawData.decode(body)
    if signed is None:
        assert raw.permission_id or not raw.timestamp or len(raw.data) > 127 or len(body) < 128
    else:
        assert signed == expected


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_the_pattern_takes_the_parser_takes(
    data: st.DataObject, chain: Tron, holder: Holder, key: SecpKey, sign: Sign
) -> None:
    body = bytearray(_body(holder, data))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        kind = data.draw(st.sampled_from(["flip", "insert", "cut"]))
        if kind == "flip":
            body[place] ^= data.draw(st.integers(1, 255))
        elif kind == "insert":
            body[place:place] = data.draw(st.binary(min_size=1, max_size=3))
        else:
            del body[place]
    item = bytes(body)
    signed = _fast(chain, holder, key, item)
    if signed is not None:
        assert signed == _careful(chain, holder, key, sign, item)


def test_a_memo_cannot_pass_for_a_contract(chain: Tron, holder: Holder, key: SecpKey, sign: Sign) -> None:
    (inner,) = chain.template(holder, **FIXED).fill([(FRIEND, 7)])
    assert isinstance(inner, bytes)
    contract = inner[inner.index(b"\x5a") : inner.index(b"\x70")]
    owner = addresses.to_bytes(holder.address)
    values = {"owner_address": owner, "to_address": owner, "amount": 1}
    head = {"ref_block_bytes": b"ab", "ref_block_hash": bytes(8), "expiration": 9, "timestamp": 9}
    for memo in (contract, contract + b"\x70\x09", b"\x5a" * 127, b"\x52\x05" + contract[:90]):
        body = raw_data.make("TransferContract", values, **head, data=memo).encode()
        signed = _fast(chain, holder, key, body)
        assert signed is not None
        assert signed == _careful(chain, holder, key, sign, body)
        # the memo's length says less than what stands there
        place = body.index(b"\x52") + 1
        shorter = body[:place] + bytes((body[place] - 1,)) + body[place + 1 :]
        assert _fast(chain, holder, key, shorter) is None


def test_only_plain_json_is_quick(chain: Tron, holder: Holder, key: SecpKey) -> None:
    (body,) = chain.template(holder, **FIXED, memo="m").fill([(FRIEND, 1)])
    assert isinstance(body, bytes)
    plain = _json(body)
    assert _fast(chain, holder, key, plain) is not None
    assert _fast(chain, holder, key, {"raw_data_hex": body.hex()}) is not None

    def changed(**parts: Any) -> dict[str, Any]:
        return {**json.loads(json.dumps(plain)), **parts}

    raw = changed()["raw_data"]
    contract = raw["contract"][0]
    value = contract["parameter"]["value"]
    for item in (
        changed(txID="00" * 32),
        changed(txID=None),
        changed(visible=True),
        changed(surprise=1),
        changed(signature=[]),
        changed(raw_data={**raw, "timestamp": float(raw["timestamp"])}),
        changed(raw_data={**raw, "expiration": 1}),
        changed(raw_data={**raw, "data": "6e"}),
        changed(raw_data={**raw, "contract": [{**contract, "parameter": {"value": {**value, "amount": True}}}]}),
        changed(
            raw_data={
                **raw,
                "contract": [{**contract, "parameter": {**contract["parameter"], "value": {**value, "amount": True}}}],
            }
        ),
        changed(raw_data=None, raw_data_hex=5),
        {"raw_data_hex": body.hex().encode()},
        {"raw_data": raw},
        {},
    ):
        assert _fast(chain, holder, key, item) is None


def test_nobody_elses_transfer_is_prepared(
    chain: Tron, holder: Holder, key: SecpKey, other_key: SecpKey, nile: Network, make_holder: Callable[..., Holder]
) -> None:
    (body,) = chain.template(make_holder(other_key), **FIXED).fill([(FRIEND, 1)])
    assert _fast(chain, holder, key, body) is None
    (own,) = chain.template(holder, **FIXED).fill([(FRIEND, 1)])
    assert _fast(chain, holder, key, own) is not None
    assert _fast(chain, replace(holder, public_key=other_key.public_key), other_key, own) is None
    elsewhere = chain.adopt(make_holder(key, nile), own)
    assert _fast(chain, holder, key, elsewhere) is None
    with pytest.raises(SigningRefused):
        chain.authorize(holder, elsewhere)
    for garbage in (None, 5, "", "zz", b"", b"\x0a\x02", {}, [], object(), bytearray(b"\x0a")):
        assert _fast(chain, holder, key, garbage) is None


@pytest.mark.parametrize("asset", [None, USDT, f"tron:0x2b6653dc/trc20:{USDT}"])
@pytest.mark.parametrize("memo", [None, "", "wypłata 7", "m" * 200])
def test_templates_fill_to_what_is_built(chain: Tron, holder: Holder, asset: str | None, memo: str | None) -> None:
    fee = {"fee_limit": 30_000_000} if asset else {}
    template = chain.template(holder, **FIXED, **fee, asset=asset, memo=memo)
    sizes = [1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455, 268435456, 34359738367, 34359738368, 2**63 - 1]
    rows = [(FRIEND, units) for units in sizes] + [(addresses.to_bytes(USDT), 5), (addresses.to_bytes(USDT).hex(), 5)]
    owner = addresses.to_bytes(holder.address)
    for number, ((to, units), body) in enumerate(zip(rows, template.fill(iter(rows)), strict=True)):
        address = to if isinstance(to, bytes) else addresses.to_bytes(to)
        values: dict[str, Any] = {"to_address": address, "amount": units}
        if asset:
            call = abi.encode_call("transfer(address,uint256)", (address[1:], units))
            values = {"contract_address": addresses.to_bytes(USDT), "data": call}
        expected = raw_data.make(
            "TriggerSmartContract" if asset else "TransferContract",
            {"owner_address": owner, **values},
            ref_block_bytes=b"\x88\x14",
            ref_block_hash=bytes.fromhex("328b985e759bf98d"),
            expiration=FIXED["expiration"],
            timestamp=FIXED["timestamp"] + number,
            data=(memo or "").encode(),
            **fee,
        )
        assert body == expected.encode()


def test_amounts_in_rows(chain: Tron, holder: Holder) -> None:
    native, usdt = holder.network.native, Asset(f"tron:0x2b6653dc/trc20:{USDT}", "USDT", 6)
    by_units = list(chain.template(holder, **FIXED).fill([(FRIEND, 5)]))
    assert list(chain.template(holder, **FIXED, asset=native).fill([(FRIEND, Amount(5, native))])) == by_units
    (error,) = chain.template(holder, **FIXED).fill([(FRIEND, Amount(5, usdt))])
    assert isinstance(error, RefusedRow)
    assert isinstance(error.error, AmountError)
    assert list(chain.template(holder, **FIXED).fill([(FRIEND, "0.000005")])) == by_units
    wrong = Amount(5, Asset(usdt.id, "USDT", 18))
    for rows, asset in (([(FRIEND, "5")], USDT), ([(FRIEND, wrong)], usdt)):
        (refused,) = chain.template(holder, **FIXED, asset=asset, fee_limit=1).fill(rows)
        assert isinstance(refused, RefusedRow)
        assert isinstance(refused.error, AmountError)
    (body,) = chain.template(holder, **FIXED, asset=usdt, fee_limit=1).fill([(FRIEND, Amount(2**255, usdt))])
    assert RawData.decode(body).values["data"][-32:] == (2**255).to_bytes(32, "big")


def test_a_bad_row_leaves_its_error_in_its_place(chain: Tron, holder: Holder, key: SecpKey) -> None:
    template = chain.template(holder, **FIXED)
    rows: list[Any] = [
        (FRIEND, 0), (FRIEND, -1), (FRIEND, 2**63), (FRIEND, 1.5), (FRIEND, "x"), (FRIEND, True), (FRIEND, None),
        ("nowhere", 5), ("", 5), (FRIEND[:-1] + "x", 5), ("0x" + "11" * 20, 5), (b"\x41", 5), (bytes(21), 5),
        (None, 5), (5, 5), (FRIEND,), 7, None, (FRIEND, 5, 5), (FRIEND[:-1] + "0", 5), ("T" + "é" * 33, 5),
        (FRIEND, 5),
    ]  # fmt: skip
    filled = list(template.fill(rows))
    assert [isinstance(item, RefusedRow) for item in filled] == [True] * (len(rows) - 1) + [False]
    plan = chain.batch(holder)
    for item in filled[:-1]:
        assert isinstance(item, RefusedRow)
        assert isinstance(item.error, InputError)
        with pytest.raises(type(item.error)):
            plan.prepare(item)
        with pytest.raises(type(item.error)):
            chain.adopt(holder, item)
    kinds = [AmountError] * 7 + [InvalidAddress] * 8 + [InvalidTransaction] * 4 + [InvalidAddress] * 2
    assert [type(item.error) for item in filled if isinstance(item, RefusedRow)] == kinds
    tokens = chain.template(holder, **FIXED, asset=USDT, fee_limit=1)
    (beyond,) = tokens.fill([(FRIEND, 2**256)])
    assert isinstance(beyond, RefusedRow)
    assert isinstance(beyond.error, AmountError)


@pytest.mark.parametrize("asset", [None, USDT])
def test_like_rows_are_different_transactions(
    chain: Tron, holder: Holder, key: SecpKey, sign: Sign, asset: str | None
) -> None:
    """Under one timestamp they would be one transaction, paid once and reported as confirmed twice."""
    fixed = FIXED | ({"asset": asset, "fee_limit": 9} if asset else {}) | {"timestamp": (1 << 41) - 300}
    template = chain.template(holder, **fixed)
    rows: list[Any] = [(FRIEND, 5)] * 600
    rows[7] = ("nobody", 5)
    bodies = [item for item in template.fill(rows) if isinstance(item, bytes)]
    assert len(set(bodies)) == 599
    numbers = [number for number in range(600) if number != 7]  # the number is the place: mending row 7 moves no other
    assert [RawData.decode(body).timestamp for body in bodies] == [fixed["timestamp"] + number for number in numbers]
    for body in (bodies[0], bodies[127], bodies[-1]):
        assert _fast(chain, holder, key, body) == _careful(chain, holder, key, sign, body)
    assert list(template.fill(rows[:3])) == bodies[:3]  # the same rows again are the same transactions
    assert list(template.fill(rows[300:303], start=300)) == bodies[299:302]
    for start in (-1, True, "1", 2**40):
        with pytest.raises(InputError):
            template.fill(rows, start=start)


def test_a_template_like_a_transaction(chain: Tron, holder: Holder, nile: Network, other_key: SecpKey) -> None:
    usdt = Asset(f"tron:0x2b6653dc/trc20:{USDT}", "USDT", 6)
    parts = FIXED | {"memo": "żółć"}
    for fixed in (parts, {**parts, "asset": usdt, "fee_limit": 7}, {**parts, "asset": USDT, "fee_limit": 7}):
        (body,) = chain.template(holder, **fixed).fill([(FRIEND, 5)])
        assert isinstance(body, bytes)
        like = replace(chain.adopt(holder, body), assets=(usdt,) if "asset" in fixed else ())
        later = fixed | {"timestamp": FIXED["timestamp"] + 1}
        amount = "0.000005"
        expected = list(
            chain.template(holder, **{**later, **({"asset": usdt} if "asset" in fixed else {})}).fill(
                [(FRIEND, amount)]
            )
        )
        assert list(chain.template(holder, like=like).fill([(FRIEND, amount)])) == expected
        assert body not in expected  # the transaction it is like may be sent itself
        (other,) = chain.template(holder, like=like, memo="x", timestamp=1000).fill([(FRIEND, 5)])
        assert isinstance(other, bytes)
        assert (RawData.decode(other).data, RawData.decode(other).timestamp) == (b"x", 1000)
        with pytest.raises(InputError, match="leave asset out"):
            chain.template(holder, like=like, asset=usdt)
        for stranger in (replace(holder, network=nile), replace(holder, address=FRIEND)):
            with pytest.raises(SigningRefused):
                chain.template(stranger, like=like)
    with pytest.raises(InputError):
        chain.template(holder, like=b"")
    owner = addresses.to_bytes(holder.address)
    head = {"ref_block_bytes": b"ab", "ref_block_hash": bytes(8), "expiration": 9, "timestamp": 9}
    approve = {
        "owner_address": owner,
        "contract_address": addresses.to_bytes(USDT),
        "data": bytes.fromhex("095ea7b3") + bytes(64),
    }
    paid = {**approve, "data": bytes.fromhex("a9059cbb") + bytes(64), "call_value": 1}
    pay = {"owner_address": owner, "to_address": owner, "amount": 1}
    for contract, values, more in (
        ("TriggerSmartContract", approve, {}),
        ("TriggerSmartContract", paid, {}),
        ("TriggerSmartContract", {**approve, "data": bytes.fromhex("a9059cbb") + bytes(65)}, {}),
        ("TransferContract", pay, {"permission_id": 2}),
        ("TransferContract", pay, {"data": b"\xff"}),
    ):
        with pytest.raises(Unsupported):
            chain.template(holder, like=chain.adopt(holder, raw_data.make(contract, values, **head, **more).encode()))


@pytest.mark.parametrize(
    "fixed",
    [
        {},
        {"ref_block_bytes": "88"},
        {"ref_block_hash": None},
        {"ref_block_hash": 5},
        {"expiration": None},
        {"expiration": 0},
        {"expiration": 1.5},
        {"timestamp": -1},
        {"timestamp": True},
        {"timestamp": 0},
        {"timestamp": 2**63 - 1},
        {"fee_limit": 5},
        {"asset": USDT},
        {"asset": "nowhere", "fee_limit": 5},
        {"asset": f"tron:0xcd8690dc/trc20:{USDT}", "fee_limit": 5},
        {"asset": 7, "fee_limit": 5},
        {"asset": Asset("tron:0x2b6653dc/slip44:195", "TRX", 9)},
        {"memo": 5},
        {"memo": "\ud800"},
        {"speed": "fast"},
    ],
)
def test_bad_templates_are_refused(chain: Tron, holder: Holder, fixed: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        chain.template(holder, **({**FIXED, **fixed} if fixed else {}))


def _outcome(read: Callable[[str], bytes], text: str) -> bytes | str:
    try:
        return read(text)
    except InvalidAddress as error:
        return error.message


@given(tail=st.binary(min_size=20, max_size=20), place=st.integers(0, 33), character=st.sampled_from("019AZaz0OIl é"))
def test_quick_addresses_are_the_careful_ones(tail: bytes, place: int, character: str) -> None:
    text = addresses.from_bytes(b"\x41" + tail)
    assert templates._address(text) == b"\x41" + tail
    changed = text[:place] + character + text[place + 1 :]
    assert _outcome(templates._address, changed) == _outcome(addresses.to_bytes, changed)


@given(value=st.integers(1, 2**63 - 1) | st.integers(1, 2**36))
def test_quick_varints(value: int) -> None:
    assert templates._varint(value) == protobuf.encode_varint(value)
    assert batch._number(templates._varint(value)) == value
