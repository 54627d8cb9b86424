"""Ethereum keystores: peers' and geth's vectors, both ways with eth-account and ethers, hostile files."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiwallet import Mnemonic, Wallet, keystore
from multiwallet.errors import InvalidKey, MissingExtra, MultiwalletError, Unsupported

LIGHT = {"n": 2, "r": 8, "p": 1}
KEY = "46" * 32
WORDS = "test test test test test test test test test test test junk"


def stored(**options):
    with Wallet.from_private_key("ethereum", KEY) as wallet:
        return json.loads(keystore.dump(wallet.account("ethereum"), "ethereum-v3", "pw", **(LIGHT | options)))


def test_vectors_of_peers(vectors):
    rows = vectors("keystore_ethereum_v3")["peers"]
    assert len(rows) == 23
    for row in rows:
        if row["expect"] == "ok":
            with keystore.load(row["json"], row["password"]) as key:
                assert key.export_private_key() == "0x" + row["output"], row["id"]
        else:
            with pytest.raises(InvalidKey):
                keystore.load(row["json"], row["password"])


@pytest.mark.parametrize("index", range(4))
def test_vectors_of_geth(vectors, index):
    row = vectors("keystore_ethereum_v3")["geth"][index]
    with keystore.load(json.dumps(row["json"]), row["password"]) as key:
        assert key.export_private_key() == "0x" + row["priv"].rjust(64, "0")


def test_what_ethers_wrote(vectors):
    for row in vectors("keystore_ethereum_v3")["ethers"]:
        with keystore.load(row["json"], row["password"]) as key:
            assert key.address == row["address"]
            assert key.export_private_key() == row["privateKey"]
            if "mnemonic" in row:
                assert key.kind == "mnemonic"
                assert key.mnemonic().expose() == row["mnemonic"]


@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
@settings(max_examples=15, deadline=None)
@given(secret=st.integers(1, 2**255), password=st.text(max_size=30))
def test_both_ways_with_eth_keyfile(kdf, secret, password):
    eth_keyfile = pytest.importorskip("eth_keyfile", reason="eth-keyfile, of the makers of web3.py, is the peer")
    private = secret.to_bytes(32, "big")
    with Wallet.from_private_key("ethereum", private) as wallet:
        written = keystore.dump(
            wallet.account("ethereum"),
            "ethereum-v3",
            password,
            kdf=kdf,
            **(LIGHT if kdf == "scrypt" else {"rounds": 2}),
        )
    # eth-keyfile takes a password as it is typed; ours is written in NFKC.
    import unicodedata

    assert (
        eth_keyfile.decode_keyfile_json(json.loads(written), unicodedata.normalize("NFKC", password).encode())
        == private
    )
    theirs = eth_keyfile.create_keyfile_json(private, password.encode(), kdf=kdf, iterations=2)
    with keystore.load(theirs, password) as key:
        assert key.export_private_key() == "0x" + private.hex()


def test_eth_account_opens_what_is_written_at_full_cost():
    Account = pytest.importorskip("eth_account", reason="eth-account is the peer").Account
    with Wallet.from_private_key("ethereum", KEY) as wallet:
        account = wallet.account("ethereum")
        written = keystore.dump(account, "ethereum-v3", "a password")
        assert json.loads(written)["crypto"]["kdfparams"]["n"] == 2**18
        assert Account.decrypt(written, "a password").hex() == KEY
        assert json.loads(written)["address"] == account.address[2:].lower()


def test_both_ways_with_ethers(peers):
    with Mnemonic(WORDS) as words:
        written = keystore.dump(
            keystore.load(words.expose(), network="ethereum"), "ethereum-v3", "pässwörd \ufb01", **LIGHT
        )
        read = peers("ethers", "ethersRead", json=written, password="pässwörd \ufb01")
        assert read["mnemonic"]["entropy"] == "0x" + words.entropy.hex()
        theirs = peers(
            "ethers",
            "ethersWrite",
            privateKey=read["privateKey"],
            password="cafe\u0301",
            mnemonic={"path": "m/44'/60'/0'/0/0", "entropy": "0x" + words.entropy.hex()},
            options={"scrypt": {"N": 2, "r": 8, "p": 1}},
        )
    for password in ("cafe\u0301", "caf\u00e9"):
        with keystore.load(theirs, password) as key:
            assert (key.address, key.export_private_key()) == (read["address"], read["privateKey"])
            assert key.mnemonic().expose() == WORDS


def test_tron_addresses_as_tronlink_writes_them():
    with Wallet.from_private_key("tron", KEY) as wallet:
        account = wallet.account("tron")
        file = json.loads(keystore.dump(account, "ethereum-v3", "pw", **LIGHT))
        assert file["address"] == account.address
        from multiwallet.codec.base58 import decode_check

        for address in (account.address, decode_check(account.address).hex()):
            with keystore.load(file | {"address": address}, "pw") as key:
                assert (key.network, key.address) == ("tron", account.address)
    file["address"] = ""
    assert keystore.load(file, "pw", network="tron").address == account.address


def test_an_address_that_is_not_the_keys_is_refused():
    file = stored()
    assert keystore.load(file, "pw").address.lower() == "0x" + file["address"]
    for wrong in ("00" * 20, "0x" + "11" * 20, "no address", "41" + "00" * 20):
        with pytest.raises(InvalidKey, match="claims"):
            keystore.load(file | {"address": wrong}, "pw")
    file.pop("address")
    assert keystore.load(file, "pw").address == "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"


def test_a_mnemonic_that_does_not_lead_to_the_key_is_refused():
    key = keystore.load(WORDS, network="ethereum")
    file = json.loads(keystore.dump(key, "ethereum-v3", "pw", **LIGHT))
    file["x-ethers"]["path"] = "m/44'/60'/0'/0/1"
    with pytest.raises(InvalidKey, match="does not lead"):
        keystore.load(file, "pw")


def test_what_a_keystore_cannot_hold():
    with pytest.raises(Unsupported, match="Solana"):
        keystore.dump(keystore.load(KEY, network="solana"), "ethereum-v3", "pw", **LIGHT)
    with pytest.raises(Unsupported, match="passphrase"):
        keystore.dump(keystore.load(WORDS, "a passphrase", network="ethereum"), "ethereum-v3", "pw", **LIGHT)
    with pytest.raises(InvalidKey, match="password"):
        keystore.dump(keystore.load(KEY, network="ethereum"), "ethereum-v3", **LIGHT)
    with pytest.raises(InvalidKey, match="password"):
        keystore.load(stored())


@pytest.mark.parametrize(
    "parameters",
    [
        {"n": 2**30, "r": 8, "p": 1},
        {"n": 2**18, "r": 2**20, "p": 1},
        {"n": 2, "r": 8, "p": 2**24},
        {"n": 2**16, "r": 8, "p": 64},
        {"n": 3, "r": 8, "p": 1},
        {"n": 0, "r": 8, "p": 1},
        {"n": -2, "r": 8, "p": 1},
        {"n": 2, "r": 0, "p": 1},
        {"n": True, "r": 8, "p": 1},
        {"n": "2", "r": 8, "p": 1},
        {"n": 2**10000, "r": 8, "p": 1},
        {},
    ],
)
def test_hostile_scrypt_parameters_end_at_once(parameters):
    file = stored()
    file["crypto"]["kdfparams"] = parameters | {"salt": "00" * 32, "dklen": 32}
    with pytest.raises(InvalidKey):
        keystore.load(file, "pw")


@pytest.mark.parametrize("rounds", [0, -1, 10**8, 2**40, "1", None, True, 1.5])
def test_hostile_pbkdf2_parameters_end_at_once(rounds):
    file = stored(kdf="pbkdf2", rounds=1)
    file["crypto"]["kdfparams"]["c"] = rounds
    with pytest.raises(InvalidKey):
        keystore.load(file, "pw")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.sampled_from(["00" * 16, "0x", "scrypt"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*path, name))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_altered_file_gives_an_error_of_the_tree_or_the_same_key(data):
    file = copy.deepcopy(FILE)
    path = data.draw(st.sampled_from(sorted(place for place in places(FILE) if place)))
    target = file
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = data.draw(JSON)
    try:
        key = keystore.load(file, "pw")
    except MultiwalletError:
        return
    assert key.export_private_key() == "0x" + KEY


FILE = stored()


def test_without_cryptography_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    with pytest.raises(MissingExtra) as caught:
        keystore.load(FILE, "pw")
    assert caught.value.extra == "keystore"
