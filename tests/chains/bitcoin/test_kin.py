"""Rows and their switches: what a row may say, kinds of a network, CashAddr, Dash's special transactions, dust."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import Mnemonic, Wallet, networks
from multiwallet.chain import Holder
from multiwallet.chains.bitcoin.fees import least_output
from multiwallet.chains.bitcoin.psbt import Psbt, PsbtInputSource
from multiwallet.chains.bitcoin.rules import Rules, rules_of
from multiwallet.chains.bitcoin.script import op_return, script_for_key
from multiwallet.chains.bitcoin.sighash import sighash_name
from multiwallet.chains.bitcoin.signable import examine
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut, scan_previous
from multiwallet.codec import cashaddr
from multiwallet.crypto.hashes import sha256d
from multiwallet.devnet import Devnet
from multiwallet.errors import (
    AmountError,
    InputError,
    InvalidAddress,
    InvalidKey,
    InvalidTransaction,
    SigningRefused,
    UnknownNetwork,
    Unsupported,
)
from multiwallet.keys.hd import ExtendedKey
from multiwallet.registry import chain, network

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "utxo_cashaddr.json").read_text("utf-8"))
ROWS = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "utxo_rows.json").read_text("utf-8"))
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
KIN = ("bitcoin-cash", "dash", "dogecoin", "zcash")
KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")


def with_params(name, **changes):
    row = network(name)
    params = {key: value for key, value in {**row.params, **changes}.items() if value is not None}
    return replace(row, params=MappingProxyType(params))


# ---- rows --------------------------------------------------------------------------------------------------


def test_every_row_has_rules_and_a_usual_kind_that_gives_an_address():
    with Wallet.from_mnemonic(WORDS) as wallet:
        for row in networks(family="bitcoin"):
            rules = rules_of(row)
            account = wallet.account(row.name, index=0)
            assert account.kind == rules.kinds[0] == chain(row).kinds_of(row)[0]
            assert account.address == chain(row).parse_address(row, account.address)
            signature = account.sign_message("hello")
            assert account.verify_message("hello", signature)
            assert not account.verify_message("hullo", signature)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hpr": "x"}, "unknown param 'hpr': did you mean 'hrp'"),
        ({"sigHash": "forkid"}, "unknown param 'sigHash'"),
        ({"qqq": 1}, "this family knows absurd_fee_rate"),
        ({"p2pkh": "0x1e"}, "'p2pkh' is a whole number"),
        ({"p2pkh": True}, "'p2pkh' is a whole number"),
        ({"p2sh": 70000}, "'p2sh' is a whole number from 0 to 65535"),
        ({"genesis": "1a91"}, "'genesis' is a block's hash"),
        ({"kinds": ["p2wpkh"]}, "without hrp has the kinds"),
        ({"kinds": ["p2pk"]}, "'kinds' is a list of kinds among"),
        ({"kinds": []}, "'kinds' is a list"),
        ({"kinds": ["p2pkh", "p2pkh"]}, "'kinds' is a list"),
        ({"sighash": "bch"}, "'sighash' is one of bitcoin, forkid, zip244"),
        ({"sighash": "zip244"}, "go together"),
        ({"consensus_branches": [1]}, "go together"),
        ({"consensus_branches": ["4dec4df0"]}, "'consensus_branches' is a list"),
        ({"fee_rule": "zip317"}, "belongs to sighash"),
        ({"replacement": "no"}, "'replacement' is true or false"),
        ({"min_relay_rate": 1.5}, "'min_relay_rate' is a whole number"),
        ({"slip132": {"p2pkh": ["0x0"]}}, "'slip132' is a table"),
        ({"cashaddr": "x:", "hrp": "x"}, "'cashaddr' is a prefix"),
        ({"cashaddr": "x", "hrp": "x"}, "cashaddr or hrp"),
        ({"expiry_blocks": 1}, "'expiry_blocks' is a whole number"),
    ],
)
def test_a_param_that_is_wrong_is_named(changes, words):
    row = with_params("dogecoin", **({"kinds": None} if changes.get("hrp") else {}), **changes)
    for use in (
        rules_of,
        chain(row).kinds_of,
        lambda r: chain(r).parse_address(r, "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            use(row)
        assert "dogecoin" in str(caught.value)


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_what_trezors_definitions_say(name):
    known, row = dict(ROWS[name]), network(name)
    assert row.slip44 == row.params["coin_type"] == known.pop("slip44")
    assert row.params["bip32_public"] == known.pop("xpub_magic", row.params["bip32_public"])
    assert {key: row.params[key] for key in known} == known
    assert row.id == f"bip122:{row.params['genesis'][:32]}"
    # The first block of Bitcoin Cash's own, main and test: checkpoints of Bitcoin Cash Node, Electron Cash, bitcoinj-cash.
    fork = {
        "bitcoin-cash": (478559, "000000000000000000651ef99cb9fcbe0dadde1d424bd9f15ff20136191a5eec"),
        "bitcoin-cash-testnet": (1155876, "00000000000e38fef93ed9582a7df43815d5c2ba9fd37ef70c9a0ea4a285b8f5"),
    }
    if name in fork:
        assert (row.params["genesis_height"], row.params["genesis"]) == fork[name]


def test_a_row_of_ones_own_is_checked_when_it_is_added(tmp_path):
    from multiwallet import add_network, load_networks

    own = {"id": "bip122:00112233445566778899aabbccddeeff", "symbol": "MYC", "decimals": 8, "slip44": 3}
    with pytest.raises(InputError, match="unknown param 'p2pk'.*'p2pkh'"):
        add_network("mycoin", **own, params={"p2pk": 30})
    file = tmp_path / "mine.toml"
    file.write_text(
        '[networks.mycoin]\nid = "bip122:00112233445566778899aabbccddeeff"\nsymbol = "MYC"\ndecimals = 8\nslip44 = 3\n'
        "[networks.mycoin.params]\nkind = ['p2pkh']\n"
    )
    with pytest.raises(InputError, match="unknown param 'kind': did you mean 'kinds'"):
        load_networks(file)
    with pytest.raises(UnknownNetwork):
        network("mycoin")


def test_sighash_rules_other_than_bitcoins_are_for_p2pkh():
    with pytest.raises(InputError, match="knows the kinds"):
        rules_of(with_params("litecoin", sighash="forkid"))
    assert rules_of(with_params("litecoin", kinds=["p2pkh", "p2wpkh"])).kinds == ("p2pkh", "p2wpkh")
    assert rules_of(replace(network("bitcoin"), params={})) == Rules(kinds=("p2pkh",))


def test_a_kind_that_a_network_lacks_is_an_input_error():
    with Wallet.from_mnemonic(WORDS) as wallet:
        for name in KIN:
            assert wallet.account(name).kind == "p2pkh"
            assert wallet.account(name, path="m/0/0").kind == "p2pkh"
            for kind in ("p2wpkh", "p2tr", "p2sh-p2wpkh"):
                with pytest.raises(InputError, match=f"{name} has no address kind '{kind}': the kinds are 'p2pkh'"):
                    wallet.account(name, kind=kind)
        limited = with_params("litecoin", kinds=["p2wpkh", "p2pkh"])
        assert wallet.account(limited).kind == "p2wpkh"
        with pytest.raises(InputError, match="no address kind"):
            wallet.account(limited, kind="p2tr")
        taproot = chain(limited).address(network("litecoin"), KEY, "p2tr")
        with pytest.raises(InvalidAddress, match="no meaning"):  # a rule that a network lacks lets anyone take it
            chain(limited).parse_address(limited, taproot)
        with pytest.raises(InputError, match="no address kind"):
            wallet.account("dogecoin", path="m/84'/3'/0'/0/0", kind="p2wpkh")


def test_keys_and_extended_keys_of_the_kin():
    """The first addresses of the phrase are those that bip-utils gives (tests/oracles/test_utxo.py asks it, too)."""
    expected = {
        "dogecoin": "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC",
        "dash": "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5",
        "zcash": "t1XVXWCvpMgBvUaed4XDqWtgQgJSu1Ghz7F",
        "bitcoin-cash": "bitcoincash:qqyx49mu0kkn9ftfj6hje6g2wfer34yfnq5tahq3q6",
    }
    starts = {"dogecoin": "Q", "dash": "X", "zcash": "KL", "bitcoin-cash": "KL"}
    with Wallet.from_mnemonic(Mnemonic(WORDS)) as wallet:
        for name, address in expected.items():
            account = wallet.account(name, index=0)
            assert account.address == address
            wif = account.export_private_key()
            assert wif[0] in starts[name]
            with Wallet.from_private_key(name, wif) as imported:
                assert imported.account(name).address == address
            with pytest.raises(InvalidKey):
                Wallet.from_private_key("litecoin", wif)
            with Wallet.from_xpub(name, wallet.account(name).extended_public_key()) as watching:
                assert watching.account(name, index=0).address == address
        account = wallet.account("dogecoin")
        dgub = ExtendedKey.parse(account.extended_public_key()).serialize("dgub")
        with Wallet.from_xpub("dogecoin", dgub) as watching:
            assert watching.account("dogecoin", index=0).address == expected["dogecoin"]
            with pytest.raises(InvalidKey, match="dgub of dogecoin, not of dash"):
                watching.account("dash")
    with pytest.raises(InvalidKey, match="p2wpkh addresses, which Dogecoin does not have"):
        Wallet.from_xpub(
            "dogecoin",
            "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs",
        )


# ---- CashAddr ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prefix", "kind", "payload", "text"), VECTORS["specification"])
def test_cashaddr_vectors(prefix, kind, payload, text):
    assert cashaddr.encode(prefix, kind, bytes.fromhex(payload)) == text
    for form in (text, text.upper(), text.split(":")[1], text.split(":")[1].upper()):
        assert cashaddr.decode(form, prefix) == (kind, bytes.fromhex(payload))


@pytest.mark.parametrize(("legacy", "text"), VECTORS["translations"])
def test_old_addresses_are_read_and_shown_anew(legacy, text):
    row = network("bch")
    for form in (legacy, text, text.upper(), text.split(":")[1]):
        assert chain(row).parse_address(row, form) == text
    assert chain(network("bitcoin")).parse_address(network("bitcoin"), legacy) == legacy


@given(st.sampled_from((20, 24, 28, 32, 40, 48, 56, 64)), st.integers(0, 15), st.data())
def test_a_changed_character_is_found(size, kind, data):
    payload = data.draw(st.binary(min_size=size, max_size=size))
    text = cashaddr.encode("bchtest", kind, payload)
    assert cashaddr.decode(text, "bchtest") == (kind, payload)
    at = data.draw(st.integers(8, len(text) - 1))
    other = data.draw(st.sampled_from([c for c in "qpzry9x8gf2tvdw0s3jn54khce6mua7l" if c != text[at]]))
    with pytest.raises(InputError):
        cashaddr.decode(text[:at] + other + text[at + 1 :], "bchtest")
    with pytest.raises(InputError):
        cashaddr.decode(text, "bitcoincash")


@given(st.text(max_size=250))
def test_garbage_is_no_cashaddr(text):
    row = network("bitcoin-cash")
    with suppress(InputError):
        cashaddr.decode(text, "bitcoincash")
    with suppress(InvalidAddress):
        chain(row).parse_address(row, text)


@pytest.mark.parametrize(("kind", "size"), [(16, 20), (-1, 20), (0, 19), (0, 0), (1, 65)])
def test_what_has_no_cashaddr(kind, size):
    with pytest.raises(InputError):
        cashaddr.encode("bitcoincash", kind, bytes(size))


# ---- Bitcoin Cash ------------------------------------------------------------------------------------------


def paying(name: str, sighash: str = "bitcoin", **more):
    """A PSBT that spends a coin of the key and pays half of it back."""
    row = network(name)
    script = script_for_key("p2pkh", KEY)
    made = Transaction(2, [TxIn(bytes(36), b"\x51")], [TxOut(10**8, script)])
    source = PsbtInputSource(
        OutPoint(made.txid, 0), 10**8, script, public_key=KEY, previous_transaction=made.serialize()
    )
    psbt = Psbt.create([source], [(script, 5 * 10**7, None, None)], sighash=sighash, **more)
    return row, Holder(row, chain(row).address(row, KEY), KEY, "p2pkh"), psbt


def test_signatures_of_bitcoin_cash_are_worth_nothing_on_bitcoin():
    row, holder, psbt = paying("bitcoin-cash", "forkid")
    raw = psbt.serialize()
    (request,) = chain(row).authorize(holder, chain(row).adopt(holder, raw))
    assert request.preimage[-4:] == bytes((0x41, 0, 0, 0))
    with pytest.raises(InvalidTransaction, match=r"ALL\|FORKID"):
        examine(raw, "bitcoin")
    _, _, plain = paying("bitcoin-cash")
    (usual,) = examine(plain.serialize(), "forkid").plans.values()
    assert usual.sighash == 0x41  # where the PSBT does not say
    for wrong in (1, 0x81, 0x61):
        changed = psbt.updated({0: {b"\x03": wrong.to_bytes(4, "little")}}).serialize()
        with pytest.raises(InvalidTransaction, match="sighash type"):
            examine(changed, "forkid")
    loose = psbt.updated({0: {b"\x03": (0x42).to_bytes(4, "little")}}).serialize()
    with pytest.raises(SigningRefused, match=r"NONE\|FORKID"):
        chain(row).authorize(holder, chain(row).adopt(holder, loose))
    assert sighash_name(0xC3) == "SINGLE|FORKID|ANYONECANPAY"


def test_segregated_witness_means_nothing_on_bitcoin_cash():
    """Such an output can be taken by anyone there; it gets no signature."""
    row = network("bitcoin-cash")
    script = script_for_key("p2wpkh", KEY)
    source = PsbtInputSource(OutPoint("11" * 32, 0), 10**8, script, public_key=KEY)
    psbt = Psbt.create([source], [(script, 10**7, None, None)], sighash="forkid")
    assert not examine(psbt.serialize(), "forkid").requests
    holder = Holder(row, chain(row).address(row, KEY), KEY, "p2pkh")
    with pytest.raises(SigningRefused):
        chain(row).authorize(holder, chain(row).adopt(holder, psbt.serialize()))


def test_bip_322_is_bitcoins():
    with Wallet.from_mnemonic(WORDS) as wallet:
        for name in ("bitcoin-cash", "zcash"):
            account = wallet.account(name, index=0)
            with pytest.raises(Unsupported, match="BIP-322"):
                account.sign_message("hello", form="bip322")
            full = wallet.account("dogecoin", index=0).sign_message("hello", form="bip322")
            assert not account.verify_message("hello", full)


def test_the_devnet_refuses_rules_that_its_engine_does_not_have():
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        for name in ("bitcoin-cash", "zcash", "zcash-testnet"):
            with pytest.raises(Unsupported, match="no engine for"):
                devnet.fund(wallet.account(name, index=0), "1")


# ---- Dash, Dogecoin ----------------------------------------------------------------------------------------


def test_special_transactions_of_dash_are_read_as_sources_and_refused_to_sign():
    """DIP-2: the upper half of the version is a type, and a payload follows the lock time; the id covers it all."""
    output = TxOut(10**8, script_for_key("p2pkh", KEY))
    plain = Transaction(3 | 9 << 16, [TxIn(bytes(36))], [output]).serialize()
    raw = plain + bytes((5,)) + b"hello"
    txid, found = scan_previous(raw)
    assert txid == sha256d(raw)
    assert [(amount, raw[start:end]) for amount, start, end in found] == [tuple(output)]
    for bad in (raw[:-1], raw + b"\0", plain + b"\0", Transaction(2, [TxIn(bytes(36))], [output]).serialize() + b"\1a"):
        with pytest.raises(InvalidTransaction):
            scan_previous(bad)
    row, holder, psbt = paying("dash", version=3 | 1 << 16)
    with pytest.raises(InvalidTransaction, match=r"special transaction \(type 1\)"):
        chain(row).adopt(holder, psbt.serialize())
    with pytest.raises(InvalidTransaction):
        chain(row).parse_signed(row, raw)


def test_dogecoins_dust_is_a_hundredth_of_a_coin(monkeypatch):
    row = network("doge")
    script = script_for_key("p2pkh", KEY)
    assert least_output(row, script) == 1_000_000
    assert least_output(row, op_return(b"hi")) == 0
    assert least_output(network("bitcoin"), script) == 546
    assert least_output(network("zcash"), script) == 54
    monkeypatch.setenv("MULTIWALLET_ENDPOINTS_DOGECOIN", "https://esplora.example/api")
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        account = wallet.account("doge")
        devnet.fund(account, "2")
        with pytest.raises(AmountError, match=r"the least for this address is 0\.01 DOGE"):
            account.build(to=account.address, amount="0.0099")
        tx = account.build(to=account.address, amount="1.99")
        assert len(Psbt.parse(tx.body).transaction.outputs) == 1  # change below 0.01 would be dust
        usual = account.build(to=account.address, amount="1")
        assert usual.fee.expected.units == 1_000 * usual.fee.details["vsize"]


def test_networks_whose_nodes_do_not_replace():
    for name in ("bitcoin-cash", "dash", "zcash"):
        assert not rules_of(network(name)).replacement
    with Devnet() as devnet:
        endpoints = {"dash": "https://esplora.example/api"}
        with Wallet.from_mnemonic(WORDS, transport=devnet, endpoints=endpoints) as wallet:
            account = wallet.account("dash", index=0)
            devnet.fund(account, "2")
            with pytest.raises(Unsupported, match="rbf"):
                account.build(to=account.address, amount="1", rbf=True)
            assert account.build(to=account.address, amount="1").summary.details["replaceable"] == "no"
