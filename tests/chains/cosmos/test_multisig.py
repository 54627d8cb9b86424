"""Accounts of several keys: the address, signing one after the other, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.chain import Holder, Network
from multiwallet.chains.cosmos import Cosmos
from multiwallet.chains.cosmos.multisig import Multisig
from multiwallet.codec import protobuf
from multiwallet.devnet import Devnet
from multiwallet.errors import InputError, InvalidTransaction, SigningRefused
from multiwallet.transactions import Status, UnsignedTransaction


@pytest.fixture
def members(wallet: Wallet) -> list[Any]:
    return [wallet.account("cosmos", index=index) for index in range(3)]


@pytest.fixture
def several(members: list[Any]) -> dict[str, Any]:
    return {"threshold": 2, "public_keys": [member.public_key for member in members]}


@pytest.fixture
def shared(chain: Cosmos, hub: Network, devnet: Devnet, several: dict[str, Any]) -> str:
    address = chain.multisig_address(hub, several["threshold"], several["public_keys"])
    devnet.fund(address, "5", network="cosmos")
    return address


Build = Callable[..., UnsignedTransaction]


def test_members_sign_one_after_the_other(
    members: list[Any], several: dict[str, Any], shared: str, devnet: Devnet, hub: Network
) -> None:
    first, _, third = members
    for amount in ("1", "max"):
        unsigned = third.build(to=first.address, amount=amount, memo="<ours>", multisig=several)
        assert unsigned.sender == shared == unsigned.summary.sender
        assert UnsignedTransaction.from_json(unsigned.to_json()) == unsigned
        half = third.sign(unsigned.to_json())
        assert (half.complete, half.txid) == (False, "")
        with pytest.raises(InvalidTransaction, match="lacks"):
            first.broadcast(half)
        for form in (half.to_wire(), half.raw, half.raw.decode()):
            with pytest.raises(SigningRefused, match="already"):
                third.sign(form)
            whole = first.sign(form)
            assert whole.complete
        receipt = first.broadcast(whole.to_wire()).wait()
        assert receipt.status is Status.CONFIRMED
        assert receipt.txid == whole.txid
    assert devnet.engine("cosmos").books.held(shared, "uatom") == 0  # type: ignore[attr-defined]  # of this engine alone
    assert first.balance().available > hub.amount("4.9")


def test_a_stored_half_keeps_its_signature(members: list[Any], several: dict[str, Any], shared: str) -> None:
    first, second, _ = members
    half = first.sign(first.build(to=shared, amount="1", multisig=several))
    holder = Holder(second.network, second.address, second.public_key, path=second.path)
    unsigned = Cosmos().adopt(holder, half.to_wire())
    assert len(unsigned.requests) == 2
    text = unsigned.to_json()
    again = UnsignedTransaction.from_json(text)
    assert again == unsigned
    assert second.sign(again).complete
    stored = json.loads(text)
    wrong = bytes.fromhex(stored["context"]["signatures"][0])
    for signatures in ([], [wrong[::-1].hex()], [wrong.hex()] * 2, ["zz"], [7], "x"):
        with pytest.raises(InputError):
            UnsignedTransaction.from_json(json.dumps({**stored, "context": {"signatures": signatures}}))


def test_what_does_not_belong_is_refused(
    wallet: Wallet, members: list[Any], several: dict[str, Any], shared: str, chain: Cosmos
) -> None:
    first, second, third = members
    stranger = wallet.account("cosmos", index=9)
    with pytest.raises(InputError, match="none of those"):
        stranger.build(to=shared, amount="1", multisig=several)
    with pytest.raises(InputError, match="amino"):
        first.build(to=shared, amount="1", multisig=several, sign_mode="direct")
    injective = wallet.account("injective")
    with pytest.raises(InputError):
        injective.build(
            to=injective.address, amount="1", multisig={"threshold": 1, "public_keys": [injective.public_key]}
        )
    half = first.sign(first.build(to=shared, amount="1", multisig=several)).to_wire()
    with pytest.raises(SigningRefused):
        stranger.sign(half)
    other = first.sign(first.build(to=shared, amount="2", multisig=several)).to_wire()
    for change in (
        {"signatures": other["signatures"]},
        {"signatures": {"1": half["signatures"]["0"]}},
        {"signatures": {"7": half["signatures"]["0"]}},
        {"signatures": {"0": "AAAA"}},
        {"signatures": {"0": 7}},
        {"signatures": 7},
        {"sign_doc": other["sign_doc"]},
        {"sign_doc": {}},
        {"sign_doc": None},
        {"multisig": {**half["multisig"], "threshold": 4}},
        {"multisig": {**half["multisig"], "threshold": 0}},
        {"multisig": {**half["multisig"], "threshold": "2"}},
        {"multisig": {**half["multisig"], "public_keys": half["multisig"]["public_keys"][::-1]}},
        {"multisig": {**half["multisig"], "public_keys": half["multisig"]["public_keys"][:1] * 3}},
        {"multisig": {**half["multisig"], "public_keys": ["AAAA"] * 3}},
        {"multisig": {**half["multisig"], "public_keys": [5]}},
        {"multisig": 7},
        {"surprise": 1},
    ):
        with pytest.raises((InvalidTransaction, SigningRefused)):
            second.sign({**half, **change})
    del third, chain


def test_the_key_reads_back(several: dict[str, Any]) -> None:
    multisig = Multisig.read(several)
    assert Multisig.decode(multisig.encode()) == multisig
    for signed in ((), (0,), (0, 2), (0, 1, 2)):
        assert multisig.signed_in(multisig.mode_info(signed)) == signed
    for wrong in (b"", b"\x12\x00", multisig.mode_info((0,)) + b"\x12\x00", protobuf.message_field(1, b"\x08\x01")):
        with pytest.raises(InvalidTransaction):
            multisig.signed_in(wrong)
    for wrong in (b"", b"\x08\x02", multisig.encode() + b"\x18\x01", b"\x08\x01\x12\x00"):
        with pytest.raises(InvalidTransaction):
            Multisig.decode(wrong)
