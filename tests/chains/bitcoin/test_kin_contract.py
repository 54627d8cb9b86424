"""The suite that every family must pass, for networks whose transactions are Bitcoin's old ones: on the devnet's engine.

Dogecoin through Esplora and through Blockbook, Dash through the RPC of Bitcoin Core. Their signatures, and so what the
engine (libbitcoinkernel) checks, are those of Bitcoin.
"""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.testing import ChainContract


class OnDevnet(ChainContract):
    endpoint: str
    devnet: Any = None

    @pytest.fixture(autouse=True)
    def _closed(self, monkeypatch):
        monkeypatch.setenv(f"MULTIWALLET_ENDPOINTS_{self.network.upper()}", self.endpoint)
        yield
        if self.devnet is not None:
            self.devnet.close()

    def open_transport(self):
        self.devnet = Devnet()
        return self.devnet

    def fund(self, transport, account, amount):
        self.devnet.fund(account, amount)


class TestDogecoin(OnDevnet):
    network = "dogecoin"
    endpoint = "https://esplora.example/api"
    valid_addresses = (
        "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC",
        "DGEX9JsfNuCCA3ovxAmUSM1GCea1BpY4Et",
        "9sLa1AKzjWuNTe1CkLh5GDYyRP9enb1Spp",
    )
    invalid_addresses = (
        "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgD",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
        "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5",
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
    )
    amount = "0.5"
    funds = "20"


class TestDogecoinThroughBlockbook(TestDogecoin):
    endpoint = "blockbook+https://blockbook.example"


class TestDash(OnDevnet):
    network = "dash"
    endpoint = "core+http://127.0.0.1:9998"
    valid_addresses = ("XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5", "XmnGSJav3CWVmzDv5U68k7XT9rRPqyavtE")
    invalid_addresses = (
        "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf6",
        "yRd4FhXfVGHXpsuZXPNkMrfD9GVj46pnjt",
        "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC",
        "",
    )


def test_a_whole_account_spends_its_own_change_through_blockbook():
    words = "test test test test test test test test test test test junk"
    with Devnet(automine=False) as devnet, Wallet.from_mnemonic(words, transport=devnet) as wallet:
        account, friend = wallet.account("dogecoin"), wallet.account("dogecoin", account=1)
        devnet.fund(account, "30")
        devnet.fund(account, "12")
        first = account.send(to=friend.address, amount="5")
        assert first.txid in {account.status(first.txid).txid}
        assert account.status(first.txid).status.value == "pending"
        assert friend.balance().pending.text == "5"
        again = account.send(to=friend.address, amount="7")  # of the change that is not confirmed
        devnet.mine("dogecoin", 1)
        for receipt in (first, again):
            found = receipt.wait()
            assert found.confirmations == 1
            assert found.fee is not None
            assert found.fee.units >= 1_000_000 * 190 // 1000  # 0.01 DOGE for 1,000 bytes
        assert friend.balance().available.text == "12"
        assert account.status("ab" * 32).status.value == "unknown"
