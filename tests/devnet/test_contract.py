"""Every family passes the same suite, with a real engine at the other end."""

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


class WithTokens(OnTheDevnet):
    def deploy_token(self, transport: Devnet, account: Account) -> Asset:
        return transport.deploy_token(account.network, symbol="TEST", decimals=6, holder=account)


class TestBitcoin(OnTheDevnet):
    network = "bitcoin"
    valid_addresses = (
        "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "BC1QCR8TE4KR609GCAWUTMRZA0J4XV80JY8Z306FYU",
    )
    invalid_addresses = (
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyv",
        "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
    )


class TestLitecoin(OnTheDevnet):
    network = "litecoin"
    valid_addresses = ("ltc1qjmxnz78nmc8nq77wuxh25n2es7rzm5c2rkk4wh",)
    invalid_addresses = ("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",)


class TestEvm(WithTokens):
    network = "ethereum"
    valid_addresses = (
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
        "0x9858effd232b4033e47d90003d41ec34ecaeda94",
    )
    invalid_addresses = (
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda95",
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda9",
        "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH",
    )


class TestLegacyFeeEvm(WithTokens):
    network = "okt"
    valid_addresses = TestEvm.valid_addresses
    invalid_addresses = TestEvm.invalid_addresses


class TestTron(WithTokens):
    network = "tron"
    funds = "2000"
    valid_addresses = ("TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH",)
    invalid_addresses = (
        "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdJ",
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
    )


class TestSolana(WithTokens):
    network = "solana"
    valid_addresses = ("HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk",)
    invalid_addresses = (
        "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk1",
        "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpq0",
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
    )
