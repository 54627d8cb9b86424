"""A devnet with three accounts on the XRP Ledger, two of which have money."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from multiwallet import Account, Asset, Wallet
from multiwallet.devnet import Devnet

WORDS = "test test test test test test test test test test test junk"


class Scene(NamedTuple):
    """The devnet, its engine, a wallet on it, and accounts: ``payer`` and ``payee`` have 100 XRP, ``new`` nothing."""

    devnet: Devnet
    engine: Any
    wallet: Wallet
    payer: Account
    payee: Account
    new: Account

    def token(self, symbol: str = "USD", supply: str = "1000") -> Asset:
        """A token of which the payer has the supply and for which the payee has a trust line."""
        token = self.devnet.deploy_token("xrp", symbol=symbol, decimals=15, holder=self.payer, supply=supply)
        self.engine.trust(token.reference, self.payee.address)
        return token

    def root(self, account: Account | str) -> Any:
        """The account in the engine's open ledger."""
        from multiwallet.chains.xrp.addresses import account_id

        return self.engine.open.accounts[account_id(account if isinstance(account, str) else account.address)]


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        payer, payee, new = (wallet.account("xrp", index=n) for n in range(3))
        devnet.fund(payer, "100")
        devnet.fund(payee, "100")
        yield Scene(devnet, devnet.engine("xrp"), wallet, payer, payee, new)
