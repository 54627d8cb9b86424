"""Bytes, amounts, currencies and addresses, and what strangers make of them.

The vectors of X-addresses are those of XLS-5's reference implementation (XRPLF/xrpl.js, ripple-address-codec); the
signed Payment is that of "Serialization Format" on xrpl.org.
"""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import Wallet, network
from multiwallet.chains.xrp import addresses, currencies, forms, messages, quantities, serialization
from multiwallet.chains.xrp.transaction import transaction_id
from multiwallet.errors import InputError, InvalidAddress, InvalidMessage, InvalidTransaction, MultiwalletError
from multiwallet.registry import chain

ROW = network("xrp")
CHAIN = chain(ROW)
WORDS = "test test test test test test test test test test test junk"
ACCOUNT = Wallet.from_mnemonic(WORDS).account("xrp")
PAYMENT = {
    "TransactionType": "Payment", "Account": ACCOUNT.address, "Destination": "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
    "Amount": {"currency": "USD", "issuer": "rvYAfWj5gh67oV6fW32ZzP3Aw4Eubs59B", "value": "1.5"},
    "SendMax": "2000000", "Fee": "12", "Sequence": 7, "DestinationTag": 3, "LastLedgerSequence": 99,
    "Paths": [[{"currency": "USD", "issuer": "rvYAfWj5gh67oV6fW32ZzP3Aw4Eubs59B"}]],
    "Memos": [{"Memo": {"MemoData": "00FF", "MemoType": "74657874"}}],
}  # fmt: skip
# The example on xrpl.org (docs/references/protocol/binary-format), an OfferCreate.
OFFER = (
    "120007220008000024001ABED82A2380BF2C2019001ABED764D55920AC9391400000000000000000000000000055534400000000000A20B3C8"
    "5F482532A9578DBB3950B85CA06594D165400000037E11D60068400000000000000A732103EE83BB432547885C219634A1BC407A9DB0474145"
    "D69737D09CCDC63E1DEE7FE3744630440220143759437C04F7B61F012563AFE90D8DAFC46E86035E1D965A9CED282C97D4CE02204CFD241E86"
    "F17E011298FC1A39B63386C74306A5DE047E213B0F29EFA4571C2C8114DD76483FACDEE26E60D8A586BB58D09F27045C46"
)


def test_the_example_of_the_documentation() -> None:
    found = serialization.decode(bytes.fromhex(OFFER))
    assert found["TakerGets"] == "15000000000"
    assert found["TakerPays"]["value"] == "7072.8"
    assert (found["Account"], found["Sequence"]) == ("rMBzp8CgpE441cp5PVyA9rpVV7oT8hP3ys", 1752792)
    assert serialization.encode(found).hex().upper() == OFFER
    signed = CHAIN.parse_signed(ROW, OFFER)
    assert signed.txid == "73734B611DDA23D3F5F62E20A173B78AB8406AC5015094DA53F53D39B9EDB06C"
    assert signed.complete


@pytest.mark.parametrize(
    ("tag", "main", "test"),
    [
        (None, "XVLhHMPHU98es4dbozjVtdWzVrDjtV5fdx1mHp98tDMoQXb", "TVE26TYGhfLC7tQDno7G8dGtxSkYQn49b3qD26PK7FcGSKE"),
        (0, "XVLhHMPHU98es4dbozjVtdWzVrDjtV8AqEL4xcZj5whKbmc", "TVE26TYGhfLC7tQDno7G8dGtxSkYQnSy8RHqGHoGJ59spi2"),
        (1, "XVLhHMPHU98es4dbozjVtdWzVrDjtV8xvjGQTYPiAx6gwDC", "TVE26TYGhfLC7tQDno7G8dGtxSkYQnSz1uDimDdPYXzSpyw"),
        (
            16781933,
            "XVLhHMPHU98es4dbozjVtdWzVrDjtVqrDUk2vDpkTjPsY73",
            "TVE26TYGhfLC7tQDno7G8dGtxSkYQnVsw45sDtGHhLi27Qa",
        ),
        (
            2**32 - 1,
            "XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8yuPT7y4xaEHi",
            "TVE26TYGhfLC7tQDno7G8dGtxSkYQnXoy6kSDh6rZzApc69",
        ),
    ],
)
def test_x_addresses(tag: int | None, main: str, test: str) -> None:
    account = addresses.account_id("rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf")
    for row, text in ((ROW, main), (network("xrp-testnet"), test)):
        assert addresses.x_address(row, account, tag) == text
        assert addresses.parse(row, text) == (account, tag)
    with pytest.raises(InvalidAddress, match="test networks"):
        addresses.parse(ROW, test)


def test_x_addresses_that_contradict_themselves() -> None:
    from multiwallet.codec import base58

    for body in (b"\2" + bytes(8), b"\1" + bytes(4) + b"\1" + bytes(3), b"\0\1" + bytes(7)):
        text = base58.encode_check(b"\x05\x44" + bytes(20) + body, alphabet=base58.RIPPLE)
        with pytest.raises(InvalidAddress):
            addresses.parse(ROW, text)


@given(st.integers(0, 10**16 - 1), st.integers(-90, 70), st.booleans())
def test_token_amounts_go_there_and_back(number: int, exponent: int, negative: bool) -> None:
    value = {"currency": "USD", "issuer": ACCOUNT.address, "value": f"{'-' * negative}{number}e{exponent}"}
    try:
        data = quantities.encode(value)
    except InvalidTransaction:
        assert exponent < -80 or exponent > 60
        return
    found = quantities.decode(data)
    assert isinstance(found, dict)
    sign = -1 if negative else 1
    n, e = quantities.read_value(found["value"])
    assert n * 10 ** (e + 100) == sign * number * 10 ** (exponent + 100)
    assert quantities.encode(found) == data


@given(st.integers(0, 10**17))
def test_drops_go_there_and_back(drops: int) -> None:
    assert quantities.decode(quantities.encode(str(drops))) == str(drops)


@given(st.integers(0, 10**60))
def test_rounding_keeps_sixteen_digits(units: int) -> None:
    low, high = quantities.rounded_down(units), quantities.rounded_up(units)
    assert low <= units <= high
    for one in (low, high):
        quantities.units_text(one)
    assert high - low <= 10 ** max(len(str(units)) - 16, 0)


def test_currencies() -> None:
    assert currencies.code_text(currencies.code_bytes("a$?")) == "a$?"
    for code in ("XRP", "0" * 40, "US", "USDX", "U D", "ü$1", 7, None, "0000000000000000000000005852500000000000"):
        with pytest.raises(InvalidTransaction):
            currencies.code_bytes(code)
    assert currencies.symbol(bytes.fromhex("03" + "ab" * 19)) == "03ABABAB"


def test_signed_forms_are_one() -> None:
    signed = ACCOUNT.sign(PAYMENT)
    as_json = serialization.decode(signed.raw)
    for wire in (
        signed.raw, signed.to_wire(), signed.hex(), as_json, json.dumps(as_json), {"tx_blob": signed.to_wire()},
        {"tx_blob": signed.to_wire(), "hash": signed.txid}, {**as_json, "hash": signed.txid}, [signed.raw],
        {"tx_json": as_json, "tx_blob": signed.to_wire(), "hash": signed.txid},
    ):  # fmt: skip
        assert CHAIN.parse_signed(ROW, wire).txid == signed.txid
    for wire in (
        {**as_json, "hash": "00" * 32}, {"tx_blob": signed.to_wire(), "hash": "00" * 32}, {**as_json, "Fee": "13"},
        {"tx_blob": signed.to_wire(), "tx_json": {**as_json, "Fee": "13"}}, {"tx_blob": signed.to_wire(), "x": 1},
        {**as_json, "Nonsense": 1}, {**as_json, "Fee": 12}, {**as_json, "Fee": 12.0}, {**as_json, "Sequence": "7"},
        {**as_json, "SigningPubKey": ""}, {**as_json, "NetworkID": 1}, {"tx_json": 7}, {"tx_blob": 7},
        signed.raw + b"\0", signed.raw[:-1], signed.raw[20:],
    ):  # fmt: skip
        with pytest.raises(InputError):
            CHAIN.parse_signed(ROW, wire)
    with pytest.raises(InvalidTransaction, match="already signed"):
        ACCOUNT.sign(signed.to_wire())
    with pytest.raises(InvalidTransaction, match="no signature"):
        CHAIN.parse_signed(ROW, ACCOUNT_UNSIGNED)


ACCOUNT_UNSIGNED = serialization.encode({**PAYMENT, "SigningPubKey": ACCOUNT.public_key.hex()})


def test_networks_with_a_number_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    side = replace(ROW, id="xrpl:21337", name="side", aliases=())
    holder = replace_network(ACCOUNT, side)
    with pytest.raises(InvalidTransaction, match="names no network"):
        CHAIN.adopt(holder, {**PAYMENT, "SigningPubKey": ACCOUNT.public_key.hex()})
    assert CHAIN.adopt(holder, {**PAYMENT, "NetworkID": 21337})
    with pytest.raises(InvalidTransaction, match="is for the network 21337"):
        ACCOUNT.sign({**PAYMENT, "NetworkID": 21337})


def replace_network(account: Any, row: Any) -> Any:
    from multiwallet.chain import Holder

    return Holder(row, account.address, account.public_key, "secp256k1", account.path)


def test_a_partial_payment_is_shown_loudly() -> None:
    unsigned = CHAIN.adopt(replace_network(ACCOUNT, ROW), {**PAYMENT, "Flags": 0x00020000})
    warnings = " ".join(unsigned.summary.warnings)
    assert "PARTIAL PAYMENT" in warnings
    assert "nothing is promised" in warnings
    assert "exchange" in warnings
    assert "Paths" in warnings


def test_what_is_finer_than_the_decimals_is_shown_in_the_ledgers_own_words() -> None:
    amount = {**PAYMENT["Amount"], "value": "0.00000000000000001234"}  # type: ignore[dict-item]  # the token's object
    tx = {**PAYMENT, "Amount": amount}
    del tx["SendMax"], tx["Paths"]
    action = CHAIN.adopt(replace_network(ACCOUNT, ROW), tx).summary.actions[0]
    assert action.amount is None
    assert action.details["amount"].startswith("0.00000000000000001234 USD of r")


def test_messages_that_could_be_something_else_are_not_signed() -> None:
    for message in (b"STX\0" + bytes(40), "SMT\0x", b"CLM\0" + bytes(40), "\ud800"):
        with pytest.raises(InvalidMessage):
            ACCOUNT.sign_message(message)
        assert not ACCOUNT.verify_message(message, "00")
    with pytest.raises(InputError, match="one form"):
        ACCOUNT.sign_message("x", nonce=1)
    signature = json.loads(ACCOUNT.sign_message("hello"))
    for broken in (
        "{}",
        "{",
        json.dumps({**signature, "x": 1}),
        json.dumps({**signature, "publicKey": 7}),
        "[1]",
        7,
        None,
    ):
        assert not messages.is_signed_by(addresses.account_id(ACCOUNT.address), "hello", broken)  # type: ignore[arg-type]  # broken
    with pytest.raises(InvalidAddress):
        CHAIN.verify_message(ROW, "nobody", "hello", "00")


@given(st.binary(max_size=300))
def test_random_bytes_are_no_transaction(data: bytes) -> None:
    with suppress(InvalidTransaction):
        assert serialization.encode(serialization.decode(data)) == data


def test_changed_bytes_and_fields_give_errors_of_the_tree_alone() -> None:
    rng, survived = random.Random(9), 0
    good = ACCOUNT.sign(PAYMENT).raw
    table = serialization.decode(good)
    strange = [
        None,
        -1,
        2**70,
        1.5,
        "",
        "zz",
        [],
        {},
        [[]],
        {"a": 1},
        "9" * 400,
        True,
        [{"Memo": 7}],
        {"Signer": {}},
        "00" * 40,
    ]
    for _ in range(1500):
        raw = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        wire: Any = (
            bytes(raw)
            if rng.random() < 0.5
            else {**table, rng.choice([*table, "Signers", "Flags"]): rng.choice(strange)}
        )
        for read in (lambda w: CHAIN.parse_signed(ROW, w), ACCOUNT.sign, forms.read):
            with suppress(MultiwalletError):  # and nothing else may come
                read(wire)
                survived += 1
    assert survived < 200


def test_deep_and_long_texts_end() -> None:
    deep = b"\xf9\xea" * 40
    with pytest.raises(InvalidTransaction):
        serialization.decode(deep)
    nested: Any = {}
    for _ in range(60):
        nested = {"Memo": nested}
    for wire in (json.dumps(nested), "{" * 5000, "[" * 5000, "AB" * 1_500_000, json.dumps({"Memos": [{}] * 600})):
        with pytest.raises(InputError):
            ACCOUNT.sign(wire)
    assert len(transaction_id(b"x")) == 64
