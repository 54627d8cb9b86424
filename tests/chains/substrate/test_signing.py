"""Adopting what Polkadot-JS calls an unsigned transaction, assembling, reading signed bytes, messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import Wallet, network
from multiwallet.chains.substrate import Substrate
from multiwallet.errors import InputError, InvalidMessage, InvalidTransaction, SigningRefused
from multiwallet.testing import refusal

PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
CHAIN = Substrate()
KINDS = ("sr25519", "ed25519", "ecdsa")
# Balances.transfer_keep_alive of 1 DOT to //Bob, on Polkadot.
METHOD = "0x0503008eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a480700e40b5402"


def payload(account, **changes):
    return {
        "address": account.address,
        "blockHash": "0x" + "11" * 32,
        "blockNumber": "0x0000002a",
        "era": "0xa502",
        "genesisHash": "0x" + network("polkadot").params["genesis"],
        "method": METHOD,
        "nonce": "0x00000005",
        "specVersion": "0x000f4628",
        "tip": "0x00000000000000000000000000000000",
        "transactionVersion": "0x0000001a",
        "signedExtensions": [
            "CheckNonZeroSender",
            "CheckSpecVersion",
            "CheckTxVersion",
            "CheckGenesis",
            "CheckMortality",
            "CheckNonce",
            "CheckWeight",
            "ChargeTransactionPayment",
            "CheckMetadataHash",
        ],
        "version": 4,
        "mode": 0,
        "metadataHash": None,
        **changes,
    }


@pytest.fixture(params=KINDS)
def account(request):
    return Wallet.from_mnemonic(PHRASE).account("polkadot", path="//Alice", kind=request.param)


def test_a_payload_of_polkadot_js(account):
    native = payload(account)
    for form in (native, json.dumps(native), json.dumps(native).encode()):
        signed = account.sign(form)
        assert signed.complete
        assert signed.expiry == 42 + 64
        again = CHAIN.parse_signed(account.network, signed.to_wire())
        assert (again.raw, again.txid) == (signed.raw, signed.txid)
        assert signed.raw.endswith(bytes.fromhex("a502" + "14" + "00" + "00" + METHOD[2:]))


def test_a_payload_without_metadata_is_signed_blindly_and_says_so(account):
    from multiwallet.chain import Holder

    transaction = CHAIN.adopt(
        Holder(account.network, account.address, account.public_key, account.kind), payload(account)
    )
    summary = transaction.summary
    assert [action.kind for action in summary.actions] == ["call"]
    assert summary.actions[0].details["bytes"] == METHOD
    assert any("blindly" in warning for warning in summary.warnings)
    assert any("not known" in warning for warning in summary.warnings)


def test_payloads_that_contradict_themselves(account):
    names = payload(account)["signedExtensions"]
    for changes in (
        {"genesisHash": "0x" + "22" * 32},
        {"era": "0x"},
        {"era": "0xa5"},
        {"era": "0xa5ff"},
        {"era": "0x0000"},
        {"era": "0x00"},  # immortal, and bound to another block than the genesis
        {"blockHash": "0x11"},
        {"nonce": "0x100000000"},
        {"nonce": -1},
        {"nonce": 5.0},
        {"nonce": True},
        {"tip": "0x1" + "0" * 32},
        {"version": 5},
        {"method": "0x"},
        {"method": METHOD[:-1]},
        {"mode": 1},
        {"mode": 2},
        {"mode": 0, "metadataHash": "0x" + "33" * 32},
        {"assetId": {"parents": 0}},
        {"unknown": 1},
        {"address": "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"},
        {"address": None},
        {"signedExtensions": [*names, "CheckEverything"]},
        {"signedExtensions": [*names, "CheckNonce"]},
        {"signedExtensions": names[1:4]},
        {"signedExtensions": "CheckNonce"},
        {"signedExtensions": [1]},
        {"metadata": "0x6d657461"},
        {"metadata": 5},
    ):
        error = refusal(InvalidTransaction, account.sign, payload(account, **changes))
        assert len(error.message) > 10
    lacking = payload(account)
    del lacking["nonce"]
    refusal(InvalidTransaction, account.sign, lacking)
    refusal(InvalidTransaction, account.sign, '{"address": 1, "address": 2}')
    refusal(InvalidTransaction, account.sign, json.dumps(payload(account)).replace('"0x00000005"', "5.0"))


@given(
    st.dictionaries(
        st.sampled_from(sorted(payload(type("A", (), {"address": ""})()))),
        st.none() | st.integers() | st.text() | st.lists(st.text()),
    )
)
def test_hostile_payloads(changes):
    account = Wallet.from_mnemonic(PHRASE).account("polkadot", path="//Alice", kind="ed25519")
    try:
        account.sign(payload(account, **changes))
    except InputError:
        return


def test_signatures_of_others_and_of_wrong_length_are_refused(account):
    from multiwallet.chain import Holder

    holder = Holder(account.network, account.address, account.public_key, account.kind)
    transaction = CHAIN.adopt(holder, payload(account))
    (request,) = CHAIN.authorize(holder, transaction)
    for signature in (b"", bytes(63), bytes(64), bytes(65), bytes(66), b"\xff" * 65):
        refusal(InvalidTransaction, CHAIN.assemble, transaction, [(request, signature)])
    refusal(InvalidTransaction, CHAIN.assemble, transaction, [])
    other = Wallet.from_mnemonic(PHRASE).account("polkadot", path="//Bob", kind=account.kind)
    stranger = Holder(other.network, other.address, other.public_key, account.kind)
    refusal(SigningRefused, CHAIN.authorize, stranger, transaction)


@given(st.binary(max_size=200))
def test_garbage_is_no_signed_extrinsic(data):
    row = network("polkadot")
    for form in (data, data.hex(), "0x" + data.hex()):
        refusal(InvalidTransaction, CHAIN.parse_signed, row, form)


def test_a_known_extrinsic_of_polkadot():
    """Shape alone: length, version, signer, kind; one of ours, cut and stretched."""
    account = Wallet.from_mnemonic(PHRASE).account("polkadot", path="//Alice", kind="ed25519")
    raw = account.sign(payload(account)).raw
    for broken in (raw[:-1], raw + b"\0", raw[1:], raw[:2] + b"\x04" + raw[3:], raw[:2] + b"\x85" + raw[3:]):
        refusal(InvalidTransaction, CHAIN.parse_signed, account.network, broken)


def test_messages(account):
    signature = account.sign_message("hello")
    assert len(signature) == 2 + 2 * (65 if account.kind == "ecdsa" else 64)
    assert account.verify_message("hello", signature)
    assert account.verify_message(b"hello", bytes.fromhex(signature[2:]))
    assert account.verify_message("<Bytes>hello</Bytes>", signature)  # the same bytes are signed
    for message in ("", "Hello", "<Bytes>hello"):
        assert not account.verify_message(message, signature)
    for broken in ("", "0x", "zz", signature[:-2], signature + "00", b"\0" * 64, b"\2" + bytes(65), None, 5):
        assert account.verify_message("hello", broken) is False
    refusal(InvalidMessage, account.sign_message, "\ud800")
    refusal(InputError, account.sign_message, "hello", form="raw")


def test_long_messages_are_signed_whole(account):
    long = "x" * 5000
    signature = account.sign_message(long)
    assert account.verify_message(long, signature)
    assert not account.verify_message(long + "x", signature)


VECTORS = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "substrate_extrinsics.json").read_text("utf-8"))


@pytest.mark.parametrize(
    "case", VECTORS["extrinsics"], ids=lambda case: f"{case['network']}-{case['kind']}-{case['call']}"
)
def test_extrinsics_of_polkadot_js(case):
    account = Wallet.from_mnemonic(PHRASE).account(case["network"], path="//Alice", kind=case["kind"])
    signed = account.sign(case["payload"])
    assert (signed.to_wire(), signed.txid) == (case["raw"], case["hash"])
    read = CHAIN.parse_signed(account.network, case["raw"])
    assert read.txid == case["hash"]


@pytest.mark.parametrize("case", VECTORS["messages"], ids=lambda case: f"{case['kind']}-{len(case['message'])}")
def test_messages_of_polkadot_js(case):
    account = Wallet.from_mnemonic(PHRASE).account("westend", path="//Alice", kind=case["kind"])
    assert account.address == case["address"]
    assert account.verify_message(case["message"], case["signature"])
    assert not account.verify_message(case["message"] + " ", case["signature"])
    if case["kind"] != "sr25519":
        assert account.sign_message(case["message"]) == case["signature"]
