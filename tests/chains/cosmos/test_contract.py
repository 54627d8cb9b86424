"""The suite that every family passes, over the devnet's ledger of the Cosmos SDK."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Account, Asset
from multiwallet.devnet import Devnet
from multiwallet.testing import ChainContract


class OnTheDevnet(ChainContract):
    @pytest.fixture(autouse=True)
    def _closed_afterwards(self) -> Any:
        self.opened_devnets: list[Devnet] = []
        yield
        for devnet in self.opened_devnets:
            devnet.close()

    def open_transport(self) -> Devnet:
        self.opened_devnets.append(Devnet())
        return self.opened_devnets[-1]

    def fund(self, transport: Devnet, account: Account, amount: str) -> None:
        transport.fund(account, amount)

    def deploy_token(self, transport: Devnet, account: Account) -> Asset:
        return transport.deploy_token(account.network, symbol="TEST", decimals=6, holder=account)


class TestCosmos(OnTheDevnet):
    network = "cosmos"
    valid_addresses = (
        "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7",
        "COSMOS15YK64U7ZC9G9K2YR2WMZEVA5QGWXPS6YXJ00E7",
    )
    invalid_addresses = (
        "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e8",
        "Cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7",
        "osmo15yk64u7zc9g9k2yr2wmzeva5qgwxps6ywful0v",
        "cosmosvaloper1qyqszqgpqyqszqgpqyqszqgpqyqszqgpduzjft",
        "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
    )


class TestOsmosis(OnTheDevnet):
    network = "osmosis"
    valid_addresses = ("osmo15yk64u7zc9g9k2yr2wmzeva5qgwxps6ywful0v",)
    invalid_addresses = ("cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7",)


class TestInjective(OnTheDevnet):
    network = "injective"
    valid_addresses = ("inj17w0adeg64ky0daxwd2ugyuneellmjgnxf5vkec",)
    invalid_addresses = ("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",)
