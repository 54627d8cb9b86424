"""Sends of one account take turns; a refusal after a lost answer stays uncertain; what both need beside."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from multiwallet import AsyncWallet, Wallet
from multiwallet.devnet import Devnet
from multiwallet.errors import BroadcastUncertain, InputError, InvalidKey, Rejected, Timeout, Unsupported
from multiwallet.testing import FakeTransport

WORDS = "test test test test test test test test test test test junk"


@pytest.mark.parametrize("automine", [True, False])
@pytest.mark.parametrize("network", ["ethereum", "bitcoin", "tron", "solana"])
def test_like_sends_at_once_are_as_many_payments(network: str, automine: bool) -> None:
    """Eight threads pay the same amount to the same address, and eight payments arrive."""
    with Devnet(automine=automine) as devnet:
        wallet = Wallet.from_mnemonic(WORDS, transport=devnet)
        payer, payee = wallet.account(network), wallet.account(network, account=1 if network != "solana" else 3)
        devnet.fund(payer, "100")
        with ThreadPoolExecutor(8) as pool:
            receipts = list(pool.map(lambda _: payer.send(to=payee.address, amount="1.5"), range(8)))
        assert len({receipt.txid for receipt in receipts}) == 8
        devnet.mine(network)
        assert payee.balance().total.text == "12"


@pytest.mark.parametrize("network", ["ethereum", "bitcoin", "tron", "solana"])
def test_like_sends_of_tasks_are_as_many_payments(network: str) -> None:
    async def main(devnet: Devnet) -> None:
        async with AsyncWallet.from_mnemonic(WORDS, transport=devnet) as wallet:
            payer, payee = wallet.account(network), wallet.account(network, account=2)
            devnet.fund(payer, "100")
            receipts = await asyncio.gather(*(payer.send(to=payee.address, amount="2") for _ in range(6)))
            assert len({receipt.txid for receipt in receipts}) == 6
            assert (await payee.balance()).total.text == "12"

    with Devnet() as devnet:
        asyncio.run(main(devnet))


def test_a_refusal_after_a_lost_answer_is_uncertain() -> None:
    with Devnet() as devnet:
        account = Wallet.from_mnemonic(WORDS, transport=devnet).account("ethereum")
        devnet.fund(account, "1")
        signed = account.sign(account.build(to=account.address, amount="0.1"))
        refusal = Rejected("nonce too low", node_code=-32000)
        refusal.__cause__ = Timeout("the first endpoint did not answer")
        fake = FakeTransport(
            {"eth_chainId": "0x1", "eth_sendRawTransaction": refusal, "eth_getTransactionByHash": None}
        )
        with pytest.raises(BroadcastUncertain) as caught:
            Wallet.from_mnemonic(WORDS, transport=fake).account("ethereum").broadcast(signed)
        assert caught.value.txid == signed.txid
        fake.answers["eth_sendRawTransaction"] = Rejected("nonce too low", node_code=-32000)
        with pytest.raises(Rejected):
            Wallet.from_mnemonic(WORDS, transport=fake).account("ethereum").broadcast(signed)


def test_an_asynchronous_transport_is_no_transport_of_a_sync_wallet() -> None:
    class Waits:
        async def perform(self, effects: Any) -> list[Any]:
            return [None for _ in effects]

    with pytest.raises(InputError, match="AsyncWallet"):
        Wallet.from_mnemonic(WORDS, transport=Waits()).account("ethereum").balance()


@pytest.mark.parametrize("kind", ["p2wpkh", "p2sh-p2wpkh", "p2pkh"])
@pytest.mark.parametrize("network", ["bitcoin", "bitcoin-testnet", "litecoin"])
def test_an_extended_public_key_watches_the_same_account(network: str, kind: str) -> None:
    account = Wallet.from_mnemonic(WORDS).account(network, kind=kind, account=1)
    watching = Wallet.from_xpub(network, account.extended_public_key())
    assert watching.account(network).address == account.address
    assert watching.account(network).kind == kind
    assert watching.account(network).extended_public_key() == account.extended_public_key()


def test_extended_public_keys_of_other_families() -> None:
    wallet = Wallet.from_mnemonic(WORDS)
    for network in ("ethereum", "tron"):
        watching = Wallet.from_xpub(network, wallet.account(network, index=4).extended_public_key())
        assert watching.account(network, index=9).address == wallet.account(network, index=9).address
    taproot = wallet.account("bitcoin", kind="p2tr")
    watching = Wallet.from_xpub("bitcoin", taproot.extended_public_key())
    assert watching.account("bitcoin", kind="p2tr").address == taproot.address
    with pytest.raises(Unsupported):
        wallet.account("solana").extended_public_key()
    single = Wallet.from_private_key("ethereum", wallet.account("ethereum").export_private_key())
    with pytest.raises(Unsupported):
        single.account("ethereum").extended_public_key()
    with pytest.raises(InvalidKey):
        Wallet.from_xpub("litecoin-testnet", wallet.account("bitcoin").extended_public_key())


def test_reading_shows_what_signing_would_sign() -> None:
    account = Wallet.from_mnemonic(WORDS).account("ethereum")
    item = {"to": account.address, "value": 10**17, "gas": 21000, "gasPrice": 10**9, "nonce": 0, "chainId": 1}
    read = account.read(item)
    assert read.summary.actions[0].amount is not None
    assert read.summary.actions[0].amount.text == "0.1"
    assert account.sign(read).raw == account.sign(item).raw
