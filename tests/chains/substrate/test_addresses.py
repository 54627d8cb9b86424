"""Addresses and paths of the Substrate family."""

from __future__ import annotations

import pytest

from multiwallet import Wallet, network, networks, parse_address
from multiwallet.chains.substrate import Substrate, addresses, storage
from multiwallet.codec import ss58
from multiwallet.errors import InputError, InvalidAddress, InvalidKey
from multiwallet.path import Junctions, Path

PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
ALICE = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
CHAIN = Substrate()


def test_the_rows_are_named_as_people_name_them():
    for name, alias in (
        ("polkadot", "dot"),
        ("kusama", "ksm"),
        ("polkadot-asset-hub", "asset-hub"),
        ("polkadot-asset-hub", "statemint"),
        ("kusama-asset-hub", "statemine"),
        ("westend", "wnd"),
        ("subgame", "sgb"),
    ):
        assert network(alias).name == name
    for row in networks(family="substrate"):
        if row.status == "active" and "genesis" in row.params:
            assert row.id == f"polkadot:{row.params['genesis'][:32]}"


def test_the_development_key_on_several_networks():
    wallet = Wallet.from_mnemonic(PHRASE)
    # As subkey and Polkadot-JS print //Alice.
    assert wallet.account("polkadot", path="//Alice").address == "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"
    assert wallet.account("kusama", path="//Alice").address == "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F"
    assert wallet.account("westend", path="//Alice").address == "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    assert wallet.account("westend").address == "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"


def test_the_generic_prefix_is_rewritten_and_foreign_ones_are_refused():
    generic, foreign = ss58.encode(42, ALICE), ss58.encode(2, ALICE)
    own = ss58.encode(0, ALICE)
    assert parse_address("polkadot", own) == parse_address("polkadot", generic) == own
    with pytest.raises(InvalidAddress, match=r"prefix 2, .* has 0") as caught:
        parse_address("polkadot", foreign)
    assert own in caught.value.message
    with pytest.raises(InvalidAddress, match="33 bytes"):
        parse_address("polkadot", ss58.encode(0, bytes(33)))
    for text in ("", "0x" + ALICE.hex(), own[:-1], own + "1", "1" * 48, None, 5, b"abc"):
        with pytest.raises(InvalidAddress):
            CHAIN.parse_address(network("polkadot"), text)


def test_paths():
    row = network("polkadot")

    def path(kind, account=0, index=0):
        return CHAIN.path(row, account=account, index=index, kind=kind)

    assert path("sr25519") == path("sr25519", index=None) == path("") == Junctions()
    assert path("sr25519", index=3) == Junctions("//3")
    assert path("sr25519", account=2) == Junctions("//2//0")
    assert path("ed25519", account=1, index=4) == Path("m/44'/354'/1'/0'/4'")
    assert path("ecdsa", account=1, index=4) == Path("m/44'/354'/1'/0/4")
    assert CHAIN.path(network("ksm"), account=0, index=0, kind="ed25519") == Path("m/44'/434'/0'/0'/0'")
    assert len({str(path("sr25519", account=a, index=i)) for a in range(4) for i in range(4)}) == 16
    for kind in CHAIN.kinds:
        assert CHAIN.kind_of(path(kind, index=1)) == kind
        assert CHAIN.curve_of(row, kind) in ("sr25519", "ed25519", "secp256k1")


def test_keys_of_wrong_lengths():
    for kind, key in (("sr25519", bytes(33)), ("ed25519", bytes(31)), ("ecdsa", bytes(32)), ("ecdsa", bytes(33))):
        with pytest.raises(InvalidKey):
            CHAIN.address(network("polkadot"), key, kind)


def test_shared_accounts():
    # The account of Alice, Bob and Charlie with a threshold of 2, as Polkadot-JS's createKeyMulti has it.
    members = [
        ss58.decode(text)[1]
        for text in (
            "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
            "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
            "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
        )
    ]
    shared = addresses.multisig_account(members, 2)
    assert ss58.encode(42, shared) == "5DjYJStmdZ2rcqXbXGX7TW85JsrW6uG4y9MUcLq2BoPMpRA7"
    assert addresses.multisig_account(members[::-1], 2) == shared
    assert addresses.multisig_account(members, 3) != shared


def test_storage_keys():
    # twox128("System") ++ twox128("Account"), as every client of these chains has it.
    assert (
        storage.prefix("System", "Account").hex() == "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9"
    )
    assert (
        storage.prefix("System", "Events").hex() == "26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7"
    )
    assert storage.account_key(ALICE).endswith("de1e86a9a8c739864cf3cc5ec2bea59f" + ALICE.hex())


def test_asset_numbers():
    row = network("asset-hub")
    assert CHAIN.asset_id(row, "1984") == "polkadot:68d56f15f85d3136970ec16946040bc1/assets:1984"
    for text in ("", "01", "-1", "1.0", "4294967296", "x" * 5000, "٣", None):
        with pytest.raises(InvalidAddress):
            CHAIN.asset_id(row, text)


def test_rows_that_are_wrong_say_so(opening):
    from dataclasses import replace

    row = network("polkadot")
    for params in ({}, {"genesis": "zz"}, {"genesis": "00" * 32}):
        broken = replace(row, params=params)
        with pytest.raises(InputError, match="genesis"):
            next(CHAIN.identify(broken))
    with pytest.raises(InputError, match="ss58"):
        addresses.prefix(replace(row, params={"ss58": -1}))
