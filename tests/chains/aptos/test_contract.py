"""The contract's own suite, with the devnet's ledger at the other end."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Account, Asset
from multiwallet.devnet import Devnet
from multiwallet.testing import ChainContract


class _OnTheDevnet(ChainContract):
    valid_addresses = (
        "0x1",
        "0xA",
        "0xbfef909638ef90885158fdab9f56e216fd811fe25b32ead0bc2a272d66522bb0",
        "bfef909638ef90885158fdab9f56e216fd811fe25b32ead0bc2a272d66522bb0",
        "0x" + "0" * 63 + "1",
    )
    invalid_addresses = (
        "0x10",
        "0x01",
        "1",
        "0x",
        "0xfef909638ef90885158fdab9f56e216fd811fe25b32ead0bc2a272d66522bb0",
        "0xbfef909638ef90885158fdab9f56e216fd811fe25b32ead0bc2a272d66522bb00",
        "0xgfef909638ef90885158fdab9f56e216fd811fe25b32ead0bc2a272d66522bb0",
        "0X1",
        "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH",
    )

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


class TestAptos(_OnTheDevnet):
    network = "aptos"

    def deploy_token(self, transport: Devnet, account: Account) -> Asset:
        return transport.deploy_token(account.network, symbol="TEST", decimals=6, holder=account)


class TestTestnetWithCoins(_OnTheDevnet):
    network = "aptos-testnet"

    def deploy_token(self, transport: Devnet, account: Account) -> Asset:
        engine: Any = transport.engine(account.network)
        kind = engine.deploy_coin(symbol="COIN", decimals=8, supply_to=account.address, supply=10**12)
        return Asset(self.chain.asset_id(self.row, kind), "COIN", 8)


class TestDevnet(_OnTheDevnet):
    network = "aptos-devnet"

    def deploy_token(self, transport: Devnet, account: Account) -> Asset:
        return transport.deploy_token(account.network, symbol="TEST", decimals=0, holder=account, supply="10")

    token_amount = "3"
