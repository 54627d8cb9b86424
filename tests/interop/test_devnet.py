"""Each library's own client carries a whole payment on the devnet's real engines, served over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from multiwallet import Amount, AsyncWallet, Wallet
from multiwallet.interop.evm import signing_middleware
from multiwallet.interop.tron import sign
from multiwallet.transactions import Status

web3 = pytest.importorskip("web3", reason="web3.py is not installed")
tronpy = pytest.importorskip("tronpy", reason="tronpy is not installed")
solana_api = pytest.importorskip("solana.rpc.async_api", reason="solana is not installed")
pytest.importorskip("eth", reason="py-evm is not installed")

from multiwallet.devnet import Devnet  # noqa: E402  # after the check that its engines are there
from multiwallet.devnet.server import serve  # noqa: E402

NAMES = ("ethereum", "polygon", "tron", "solana")


@pytest.fixture
def devnet() -> Iterator[Devnet]:
    with Devnet() as running:
        yield running


@pytest.fixture
def urls(devnet: Devnet) -> Iterator[dict[str, str]]:
    with serve(devnet, networks=NAMES) as server:
        yield dict(server.endpoints)


def tron_provider(url: str, *, asynchronous: bool = False) -> Any:
    kind = tronpy.providers.AsyncHTTPProvider if asynchronous else tronpy.providers.HTTPProvider
    return kind(url + "/")  # tronpy joins paths as a browser does


def test_a_wallet_pays_through_web3_and_tronpy(devnet: Devnet, urls: dict[str, str], words: str) -> None:
    clients = {
        "ethereum": web3.Web3(web3.HTTPProvider(urls["ethereum"])),
        "tron": tronpy.Tron(tron_provider(urls["tron"])),
        "solana": devnet,
    }
    with Wallet.from_mnemonic(words, transport=clients, endpoints=urls) as wallet:
        for name in NAMES:
            account, other = wallet.account(name), wallet.account(name, index=1)
            devnet.fund(account, "10")
            assert account.send(to=other.address, amount="1.5").wait(timeout=60).status is Status.CONFIRMED
            assert other.balance().total.text == "1.5"
        balances = wallet.portfolio(NAMES)
        for name in NAMES:
            account = wallet.account(name)
            assert balances[name].total == account.balance().total
            # What was sent and the fee are gone; on TRON the new account's activation costs more than 1 TRX.
            assert Amount.parse("7", account.network.native) < balances[name].total
            assert balances[name].total < Amount.parse("8.5", account.network.native)


def test_an_async_wallet_pays_through_asynchronous_clients(devnet: Devnet, urls: dict[str, str], words: str) -> None:
    async def main() -> None:
        solana = solana_api.AsyncClient(urls["solana"])
        tron_http = tron_provider(urls["tron"], asynchronous=True)
        w3 = web3.AsyncWeb3(web3.AsyncHTTPProvider(urls["polygon"]))
        clients = {
            "ethereum": web3.Web3(web3.HTTPProvider(urls["ethereum"])),
            "polygon": w3,
            "tron": tronpy.AsyncTron(tron_http),
            "solana": solana,
        }
        async with AsyncWallet.from_mnemonic(words, transport=clients) as wallet:
            for name in NAMES:
                account, other = wallet.account(name), wallet.account(name, index=1)
                devnet.fund(account, "10")
                receipt = await (await account.send(to=other.address, amount="1.5")).wait(timeout=60)
                assert receipt.status is Status.CONFIRMED
                assert (await other.balance()).total.text == "1.5"
        await solana.close()
        await tron_http.client.aclose()
        await w3.provider.disconnect()

    asyncio.run(main())


@pytest.mark.parametrize("name", ["ethereum", "tron"])
def test_one_client_is_the_whole_transport(devnet: Devnet, urls: dict[str, str], words: str, name: str) -> None:
    if name == "ethereum":
        client = web3.Web3(web3.HTTPProvider(urls[name]))
    else:
        client = tronpy.Tron(tron_provider(urls[name]))
    with Wallet.from_mnemonic(words, transport=client, endpoints=urls) as wallet:
        for network in (name, "solana"):  # the second goes over HTTP
            devnet.fund(wallet.account(network), "2")
            assert wallet.account(network).balance().total.text == "2"


def test_the_middleware_pays_in_ether_and_in_tokens_over_http(devnet: Devnet, urls: dict[str, str], words: str) -> None:
    account = Wallet.from_mnemonic(words).account("ethereum")
    devnet.fund(account, "5")
    token = devnet.deploy_token("ethereum", symbol="TOK", decimals=6, holder=account)
    w3 = web3.Web3(web3.HTTPProvider(urls["ethereum"]))
    w3.middleware_onion.inject(signing_middleware(account), layer=0)
    target = web3.Web3.to_checksum_address("0x" + "35" * 20)
    w3.eth.send_transaction({"from": account.address, "to": target, "value": 7})
    assert w3.eth.get_balance(target) == 7
    abi = [
        {
            "name": name,
            "type": "function",
            "stateMutability": "nonpayable",
            "inputs": [{"name": str(n), "type": kind} for n, kind in enumerate(kinds)],
            "outputs": [{"name": "", "type": out}],
        }
        for name, kinds, out in (("transfer", ["address", "uint256"], "bool"), ("balanceOf", ["address"], "uint256"))
    ]
    contract = w3.eth.contract(address=token.reference, abi=abi)
    receipt = w3.eth.wait_for_transaction_receipt(
        contract.functions.transfer(target, 1_250_000).transact({"from": account.address})
    )
    assert receipt["status"] == 1
    assert contract.functions.balanceOf(target).call() == 1_250_000


def test_tronpy_broadcasts_what_we_signed(devnet: Devnet, urls: dict[str, str], words: str) -> None:
    wallet = Wallet.from_mnemonic(words, endpoints=urls)
    account, other = wallet.account("tron"), wallet.account("tron", index=1)
    devnet.fund(account, "10")
    client = tronpy.Tron(tron_provider(urls["tron"]))
    # Built with a real block of the chain; online building asks for permissions that the devnet need not know.
    block = client.get_latest_block_id()
    built = client.trx.transfer(account.address, other.address, 3_000_000).build(offline=True, ref_block_id=block)
    answer = client.broadcast(sign(account, built))
    assert answer["txid"] == built.txid
    assert account.wait(built.txid, timeout=60).status is Status.CONFIRMED
    assert other.balance().total.text == "3"
    wallet.close()
