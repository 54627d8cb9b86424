"""The suite that every family passes, over the devnet's ledger of the XRP Ledger."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Account, Asset, Wallet
from multiwallet.devnet import Devnet
from multiwallet.testing import ChainContract


class _OnTheDevnet(ChainContract):
    amount = "1.5"  # a first payment is at least the reserve, 1 XRP
    funds = "200"

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
        token = transport.deploy_token(account.network, symbol="USD", decimals=15, holder=account)
        payee = Wallet.from_mnemonic(self.mnemonic).account(self.network, index=1)
        transport.fund(payee, "10")
        engine: Any = transport.engine(account.network)
        engine.trust(token.reference, payee.address)
        return token


class TestMainNetwork(_OnTheDevnet):
    network = "xrp"
    valid_addresses = (
        "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
        "rrrrrrrrrrrrrrrrrrrrrhoLvTp",
        "r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59",
        "X7AcgcsBL6XDcUb289X4mJ8djcdyKaB5hJDWMArnXr61cqZ",
        "X7AcgcsBL6XDcUb289X4mJ8djcdyKaGZMhc9YTE92ehJ2Fu",
    )
    invalid_addresses = (
        "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTi",
        "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyT",
        "RHB9CJAWYB4RJ91VRWN96DKUKG4BWDTYTH",
        "T719a5UwUCnEs54UsxG9CJYYDhwmFCqkr7wxCcNcfZ6p5GZ",
        "X7AcgcsBL6XDcUb289X4mJ8djcdyKaGZMhc9YTE92ehJ2Fv",
        "sn259rEFXrQrWyx3Q7XneWcwV6dfL",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "nHUUaKHpxyRP4TZZ79tTpXuTpoM8pRNs5crZpGVA5jdrjib5easY",
    )


class TestTestNetwork(_OnTheDevnet):
    network = "xrp-testnet"
    valid_addresses = (
        "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
        "T719a5UwUCnEs54UsxG9CJYYDhwmFCqkr7wxCcNcfZ6p5GZ",
    )
    invalid_addresses = ("X7AcgcsBL6XDcUb289X4mJ8djcdyKaB5hJDWMArnXr61cqZ",)
