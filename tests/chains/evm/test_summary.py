"""Summaries: what is shown comes from the bytes, and what is dangerous is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from multiwallet.amounts import Amount, Asset
from multiwallet.codec import abi

TOKEN = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
TO = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
ZERO = "0x" + "00" * 20
USDT = Asset(f"eip155:1/erc20:{TOKEN}", "USDT", 6)


def summary(keys: Any, *, assets: Any = (USDT,), **fields: Any) -> Any:
    item = {"to": TOKEN, "gas": 65000, "nonce": 3, "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 1, **fields}
    return replace(keys.evm.adopt(keys.holder, item), assets=assets).summary


def call(keys: Any, signature: str, *values: Any, **more: Any) -> Any:
    return summary(keys, data=abi.encode_call(signature, values), **more)


def test_a_payment(keys: Any) -> None:
    shown = summary(keys, to=TO, value=10**17, gas=21000)
    assert [str(action) for action in shown.actions] == [f"transfer 0.1 ETH to {TO}"]
    assert shown.fee.maximum.units == 21000 * 10**9
    assert shown.warnings == ()
    assert shown.details == {"nonce": "3", "gas": "21000", "type": "2"}
    assert shown.sender == keys.holder.address


def test_a_memo(keys: Any) -> None:
    shown = summary(keys, to=TO, value=1, data="invoice 7 — paid".encode())
    assert shown.memo == "invoice 7 — paid"
    assert shown.actions[0].kind == "transfer"
    # Four bytes could choose a function: shown as a call, though they read as text.
    assert summary(keys, to=TO, data=b"text").actions[0].kind == "call"
    assert summary(keys, to=TO, data=b"\x00\x01").memo is None


def test_a_token_transfer(keys: Any) -> None:
    shown = call(keys, "transfer(address,uint256)", TO, 1500000)
    assert (shown.actions[0].kind, shown.actions[0].to, str(shown.actions[0].amount)) == ("transfer", TO, "1.5 USDT")
    assert shown.warnings == ()
    unknown = call(keys, "transfer(address,uint256)", TO, 1500000, assets=())
    assert unknown.actions[0].amount is None
    assert unknown.actions[0].details == {"token": TOKEN, "units": "1500000"}
    with_coin = call(keys, "transfer(address,uint256)", TO, 1, value=5)
    assert [action.to for action in with_coin.actions] == [TOKEN, TO]


@pytest.mark.parametrize(
    ("signature", "values", "kind", "warning"),
    [
        ("transfer(address,uint256)", (TOKEN, 1), "transfer", "their own contract"),
        ("transfer(address,uint256)", (ZERO, 1), "transfer", "zero address"),
        ("transferFrom(address,address,uint256)", (ZERO, TO, 1), "transfer", "which is not the sender"),
        ("safeTransferFrom(address,address,uint256)", (TO, TOKEN, 1), "transfer", "their own contract"),
        ("safeTransferFrom(address,address,uint256,uint256,bytes)", (TO, ZERO, 1, 2, b""), "transfer", "zero address"),
        ("approve(address,uint256)", (TO, 2**256 - 1), "approve", "without limit"),
        ("approve(address,uint256)", (TO, 2**96 - 1), "approve", "without limit"),
        ("increaseAllowance(address,uint256)", (TO, 2**255), "raise-allowance", "without limit"),
        ("setApprovalForAll(address,bool)", (TO, True), "approve-all", "every token of this collection"),
        ("approve(address,address,uint160,uint48)", (TOKEN, TO, 2**160 - 1, 9), "approve", "without limit"),
    ],
    ids=range(10),
)
def test_dangerous_token_calls(keys: Any, signature: str, values: Any, kind: str, warning: str) -> None:
    shown = call(keys, signature, *values)
    assert shown.actions[0].kind == kind
    assert any(warning in text for text in shown.warnings), shown.warnings
    assert "WARNING" in str(shown)


@pytest.mark.parametrize(
    ("signature", "values", "kind"),
    [
        ("approve(address,uint256)", (TO, 10**6), "approve"),
        ("approve(address,uint256)", (TO, 0), "approve"),
        ("decreaseAllowance(address,uint256)", (TO, 2**256 - 1), "lower-allowance"),
        ("setApprovalForAll(address,bool)", (TO, False), "revoke-all"),
        (
            "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
            (TO, TO, 5, 6, 27, bytes(32), bytes(32)),
            "permit",
        ),
    ],
    ids=range(5),
)
def test_ordinary_token_calls(keys: Any, signature: str, values: Any, kind: str) -> None:
    shown = call(keys, signature, *values)
    assert shown.actions[0].kind == kind
    assert shown.warnings == ()


def test_a_large_but_limited_approval_shows_its_amount(keys: Any) -> None:
    shown = call(keys, "approve(address,uint256)", TO, 10**33)
    assert shown.actions[0].amount == Amount(10**33, USDT)
    assert shown.warnings == ()


def test_what_stands_beside_the_amount_is_shown_too(keys: Any) -> None:
    """Decimals are what a builder says; the raw units alone stand in the bytes, so they are never left out."""
    lied = replace(USDT, decimals=12)
    shown = call(keys, "transfer(address,uint256)", TO, 5 * 10**12, assets=(lied,))
    assert shown.actions[0].details["units"] == str(5 * 10**12)
    permit = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"
    endless = call(keys, permit, TO, TOKEN, 2**256 - 1, 6, 27, bytes(32), bytes(32))
    assert any("without limit" in text for text in endless.warnings)
    permit2 = call(keys, "approve(address,address,uint160,uint48)", TOKEN, TO, 5, 1_900_000_000)
    assert "1900000000" in permit2.actions[0].details["until"]
    for signature, values in (
        ("safeTransferFrom(address,address,uint256,bytes)", (keys.holder.address, TO, 1)),
        ("safeTransferFrom(address,address,uint256,uint256,bytes)", (keys.holder.address, TO, 1, 2)),
    ):
        hooked = call(keys, signature, *values, b"xyz" * 40)
        assert "78797a" in hooked.actions[0].details["data"]
        assert "not understood" in hooked.warnings[0]
        assert call(keys, signature, *values, b"").warnings == ()


def test_text_beside_a_payment_is_never_hidden(keys: Any) -> None:
    """The first bytes of a text choose a function as well as any others, where the recipient is a contract."""
    shown = summary(keys, to=TO, value=1, data=b"Hello, and thank you")
    assert "20 bytes" in shown.actions[0].details["data"]
    assert summary(keys, to=TO, value=1).actions[0].details == {}


@pytest.mark.parametrize("kind", ["0xa9059cbb", "0x095ea7b3", "0x23b872dd", "0xa22cb465", "0xd505accf"])
def test_nothing_rides_along_behind_a_token_call(keys: Any, kind: str) -> None:
    """One byte more or fewer, or a dirty address word: then it is no longer the call that it looks like."""
    words = {"0x23b872dd": 3, "0xd505accf": 7}.get(kind, 2)
    clean = bytes(12) + b"\x11" * 20
    tail = bytes(31) + b"\x01"
    body = clean + (clean + tail * (words - 2) if words > 2 else tail)
    assert summary(keys, data=kind + body.hex()).actions[0].kind != "call"
    for other in (body + b"\0", body + bytes(32), body[:-1], b"\x01" + body[1:], b""):
        shown = summary(keys, data=kind + other.hex())
        assert shown.actions[0].kind == "call", other
        assert "not understood" in shown.warnings[0]


def test_other_dangers(keys: Any) -> None:
    assert "zero address" in summary(keys, to=ZERO, value=1).warnings[0]
    assert "not understood" in summary(keys, data="0xdeadbeef" + "00" * 32).warnings[0]
    assert "without code" in summary(keys, to=None, value=1).warnings[0]
    assert summary(keys, to=None, data="0x6000").actions[0].kind == "create-contract"
    assert "cheapest transaction" in summary(keys, to=TO, gas=20999).warnings[0]
    assert "very much" in summary(keys, to=TO, maxFeePerGas=2 * 10**13).warnings[0]


def test_a_delegation_with_a_wrong_signature(keys: Any) -> None:
    entry = {"chainId": 0, "address": TO, "nonce": 0, "yParity": 0, "r": 0, "s": 0}
    shown = summary(keys, to=TO, authorizationList=[entry])
    assert shown.actions[1].kind == "delegate"
    assert "nobody" in shown.actions[1].details["account"]
    assert shown.actions[1].details["chain"] == "every chain"


def test_the_stated_fee_does_not_colour_the_summary(keys: Any) -> None:
    unsigned = keys.evm.adopt(keys.holder, {"to": TO, "gas": 21000, "nonce": 0, "gasPrice": 10**9, "value": 1})
    lied = replace(unsigned, fee=replace(unsigned.fee, maximum=Amount(0, unsigned.fee.maximum.asset)))
    assert lied.summary.fee.maximum.units == 21000 * 10**9


def test_a_rollups_data_fee_is_mentioned(keys_of: Any, networks: Any) -> None:
    keys = keys_of(b"\x07" * 32, networks(10, l1_fee="op-stack"))
    assert "data fee" in summary(keys, to=TO, assets=()).details
