"""What people get wrong, through the public names: each its own error, nothing changed, no secret shown."""

from __future__ import annotations

import base64
from typing import Any

import pytest

import multiwallet
from multiwallet import Mnemonic, Wallet
from multiwallet.devnet import Devnet
from multiwallet.errors import (
    AmountError,
    BadResponse,
    InputError,
    InvalidAddress,
    InvalidKey,
    InvalidMnemonic,
    InvalidPath,
    InvalidTransaction,
    MultiwalletError,
    UnknownNetwork,
)
from multiwallet.testing import FakeTransport

WORDS = "test test test test test test test test test test test junk"
ETH = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
BTC = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


@pytest.fixture
def devnet() -> Any:
    with Devnet() as devnet:
        yield devnet


@pytest.fixture
def eth(devnet: Devnet) -> Any:
    account = Wallet.from_mnemonic(WORDS, transport=devnet).account("ethereum")
    devnet.fund(account, "1")
    return account


def test_a_float_amount(eth: Any) -> None:
    before = eth.balance()
    with pytest.raises(TypeError, match='"0.1"'):
        eth.send(to=ETH, amount=0.1)
    assert eth.balance() == before


def test_nineteen_decimals_of_ether(eth: Any) -> None:
    before = eth.balance()
    with pytest.raises(AmountError, match="18 decimals"):
        eth.send(to=ETH, amount="0.1234567890123456789")
    assert eth.balance() == before


@pytest.mark.parametrize(
    ("network", "address", "reason"),
    [
        ("bitcoin-testnet", BTC, "bitcoin"),
        ("bitcoin", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "test"),
        ("bitcoin", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "test"),
        ("litecoin", BTC, "bitcoin"),
        # a lower-case letter where EIP-55 wants a capital
        ("ethereum", "0x70997970c51812dc3A010C7d01b50e0d17dc79C8", "checksum"),
        ("ethereum", ETH[:-1], "40"),
        ("ethereum", BTC, "0x"),
        # version 1 (taproot) written with bech32's checksum, and version 0 with bech32m's (BIP-350)
        ("bitcoin", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "bech32m"),
        ("bitcoin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "bech32"),
        ("bitcoin", BTC[:-1] + "5", "checksum"),
        ("tron", "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdJ", "checksum"),
        ("tron", ETH, "T"),
        ("solana", "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKp", "32"),
        ("solana", "O0Il" + "1" * 40, "base58"),
    ],
)
def test_an_address_of_another_kind_says_what_is_wrong(network: str, address: str, reason: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        multiwallet.parse_address(network, address)
    assert reason.lower() in str(caught.value).lower()


def test_a_truncated_psbt(devnet: Devnet) -> None:
    account = Wallet.from_mnemonic(WORDS, transport=devnet).account("bitcoin")
    devnet.fund(account, "1")
    text = base64.b64encode(account.build(to=BTC, amount="0.1").body).decode()
    assert account.sign(text).complete
    for end in range(0, len(text) - 4, 7):
        with pytest.raises(InvalidTransaction):
            account.sign(text[:end])


@pytest.mark.parametrize("network", ["bitcoin", "ethereum", "tron", "solana"])
@pytest.mark.parametrize("answer", ["<html>busy</html>", None, {}, [], 7, "0x", {"result": {}}, {"blockID": "00"}])
def test_a_node_that_answers_nonsense(network: str, answer: Any) -> None:
    class Nonsense(FakeTransport):
        def perform(self, effects: Any) -> list[Any]:
            self.asked += effects
            return [answer] * len(effects)

    account = Wallet.from_mnemonic(WORDS, transport=Nonsense()).account(network)
    to = Wallet.from_mnemonic(WORDS).account(network, index=1).address
    for call in (account.balance, lambda: account.build(to=to, amount="0.01"), lambda: account.status("00" * 32)):
        with pytest.raises(MultiwalletError):
            call()


@pytest.mark.parametrize(
    ("network", "other"),
    [("ethereum", "bsc"), ("bitcoin", "litecoin"), ("tron", "tron-nile"), ("solana", "solana-devnet")],
)
def test_a_node_of_another_chain(devnet: Devnet, network: str, other: str) -> None:
    from dataclasses import replace

    class Elsewhere:
        def perform(self, effects: Any) -> list[Any]:
            return devnet.perform([replace(effect, network=multiwallet.network(other).id) for effect in effects])

    account = Wallet.from_mnemonic(WORDS, transport=Elsewhere()).account(network)
    with pytest.raises(BadResponse, match="another|instead|not"):
        account.balance()
    with pytest.raises(BadResponse):
        account.send(to=Wallet.from_mnemonic(WORDS).account(network, index=1).address, amount="0.01")


def test_words_that_are_no_mnemonic() -> None:
    with pytest.raises(InvalidMnemonic, match="abandon") as caught:
        Mnemonic("abandn " + "abandon " * 10 + "about")
    assert "abandn" in str(caught.value)
    with pytest.raises(InvalidMnemonic, match="12"):
        Mnemonic("abandon " * 11)
    with pytest.raises(InvalidMnemonic, match="checksum"):
        Mnemonic("abandon " * 12)


def test_the_rest_of_the_tree() -> None:
    ethereum, tron, solana = (Wallet.from_mnemonic(WORDS).account(name) for name in ("ethereum", "tron", "solana"))
    for call, error in [
        (lambda: multiwallet.network("etherium"), UnknownNetwork),
        (lambda: Wallet.from_seed(b"short"), InvalidKey),
        (lambda: Wallet.from_seed(bytes(65)), InvalidKey),
        (lambda: Wallet.from_xpub("bitcoin", "xpub" + "1" * 107), InvalidKey),
        (lambda: Wallet.from_mnemonic(WORDS).account("ethereum", path="44'/60'/x"), InvalidPath),
        (lambda: ethereum.sign({"to": ETH, "value": 0.5}), InputError),
        (lambda: tron.sign("0a02"), InvalidTransaction),
        (lambda: solana.sign("AAAA"), InvalidTransaction),
    ]:
        with pytest.raises(error) as caught:
            call()
        assert len(str(caught.value)) > 15


def test_an_unknown_evm_network_says_how_to_add_it() -> None:
    with pytest.raises(UnknownNetwork, match="add_network"):
        multiwallet.network("eip155:987654321")
    with pytest.raises(UnknownNetwork, match="ethereum"):
        multiwallet.network("etherium")


SECRETS = (
    "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1",
    "0x1ab42cc412b618bdea3a599e3c9bae199ebf030895b039e9db1e30dafb12b727",
    "1ab42cc412b618bdea3a599e3c9bae199ebf030895b039e9db1e30dafb12b727",
    WORDS,
    "xprv9s21ZrQH143K3GJpoapnV8SFfukcVBSfeCficPSGfubmSFDxo1kuHnLisriDvSnRRuL2Qrg5ggqHKNVpxR86QEC8w35uxmGoggxtQTPvfUu",
)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_the_wrong_place_is_never_repeated(secret: str) -> None:
    wallet = Wallet.from_mnemonic(WORDS)
    for call in (
        lambda: Wallet.from_private_key(secret, "bitcoin"),
        lambda: Wallet.from_xpub(secret, "bitcoin"),
        lambda: multiwallet.network(secret),
        lambda: multiwallet.parse_address(secret, ETH),
        lambda: multiwallet.parse_address("ethereum", secret),
        lambda: wallet.account(secret),
        lambda: wallet.account("ethereum", path=secret),
        lambda: wallet.account("bitcoin", kind=secret),
        lambda: wallet.portfolio([secret]),
        lambda: Wallet.from_mnemonic(WORDS, endpoints={secret: "http://127.0.0.1:1"}),
        lambda: Wallet.from_mnemonic(WORDS, endpoints={"ethereum": secret}),
        lambda: multiwallet.add_network(secret, id="eip155:5", symbol="X"),
        lambda: multiwallet.add_network("mine", id=secret, symbol="X"),
        lambda: multiwallet.network("bitcoin").amount(secret),
        lambda: Mnemonic(WORDS, secret),
        lambda: Mnemonic(secret + " zzz"),
        lambda: wallet.account("ethereum").build(to=secret, amount="1"),
        lambda: wallet.account("ethereum").build(to=ETH, amount=secret),
        lambda: wallet.account("ethereum").build(to=ETH, amount="1", speed=secret),
        lambda: wallet.account("ethereum").sign(secret),
        lambda: wallet.account("bitcoin").sign(secret),
        lambda: wallet.account("tron").sign(secret),
        lambda: wallet.account("solana").sign(secret),
    ):
        with pytest.raises(MultiwalletError) as caught:
            call()
        text = str(caught.value)
        for start in range(0, len(secret) - 24, 5):
            assert secret[start : start + 24] not in text
