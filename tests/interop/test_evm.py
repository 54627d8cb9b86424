"""eth-account and web3.py: keys in both directions, and our signer inside web3.py on a real chain."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from multiwallet import AsyncWallet, Wallet
from multiwallet.errors import InputError, MissingExtra, SigningRefused, UnknownNetwork
from multiwallet.interop.evm import from_local_account, signing_middleware, to_local_account
from multiwallet.signer import LocalSigner

eth_account = pytest.importorskip("eth_account", reason="eth-account is not installed")
pytest.importorskip("web3", reason="web3.py is not installed")

# m/44'/60'/0' of the phrase, as bip-utils derives it
XPUB = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt"


# -- keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 7])
def test_an_account_becomes_a_local_account_and_comes_back(words: str, index: int) -> None:
    account = Wallet.from_mnemonic(words).account("polygon", index=index)
    local = to_local_account(account)
    assert isinstance(local, eth_account.signers.local.LocalAccount)
    assert local.address == account.address
    assert from_local_account(local).account("polygon").address == account.address
    assert "0x" + bytes(local.key).hex() == account.export_private_key()


def test_both_sign_the_same_bytes(words: str) -> None:
    account = Wallet.from_mnemonic(words).account("ethereum")
    local = to_local_account(account)
    transaction = {
        "to": "0x3535353535353535353535353535353535353535",
        "value": 10**18,
        "gas": 21000,
        "maxFeePerGas": 30 * 10**9,
        "maxPriorityFeePerGas": 10**9,
        "nonce": 0,
        "chainId": 1,
    }
    assert account.sign(transaction).raw == bytes(local.sign_transaction(transaction).raw_transaction)


def test_an_asynchronous_account_converts_too(words: str) -> None:
    account = AsyncWallet.from_mnemonic(words).account("ethereum")
    assert to_local_account(account).address == account.address


def test_a_watch_only_account_exports_nothing() -> None:
    account = Wallet.from_xpub("ethereum", XPUB).account("ethereum", index=0)
    with pytest.raises(SigningRefused):
        to_local_account(account)


@pytest.mark.parametrize("name", ["bitcoin", "tron", "solana"])
def test_an_account_of_another_family_is_refused(words: str, name: str) -> None:
    with pytest.raises(InputError, match=name if name != "bitcoin" else "bip122"):
        to_local_account(Wallet.from_mnemonic(words).account(name))


@pytest.mark.parametrize("wrong", [b"\x01" * 32, "0x" + "01" * 32, None, object()])
def test_what_is_no_local_account_is_refused_without_being_shown(wrong: object) -> None:
    with pytest.raises(InputError) as caught:
        from_local_account(wrong)  # type: ignore[arg-type]  # that is the point
    assert "0101" not in str(caught.value)
    with pytest.raises(InputError):
        to_local_account(wrong)  # type: ignore[arg-type]  # that is the point


def test_a_missing_library_names_the_extra(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    account = Wallet.from_mnemonic(words).account("ethereum")
    monkeypatch.setitem(sys.modules, "eth_account", None)
    with pytest.raises(MissingExtra) as caught:
        to_local_account(account)
    assert caught.value.extra == "evm"
    assert "multiwallet-sdk[evm]" in str(caught.value)
    monkeypatch.setitem(sys.modules, "web3.middleware.base", None)
    with pytest.raises(MissingExtra):
        signing_middleware(account)


# -- the middleware --------------------------------------------------------------------------------------

# A contract that stores nothing and answers transfer(address,uint256) with true while logging both words:
# it copies the call's data to memory, logs it and returns 1.
RUNTIME = bytes.fromhex("366000600037366000a0600160005260206000f3")
CREATION = bytes.fromhex("60148060095f395ff3") + RUNTIME
ABI = [
    {
        "name": "transfer",
        "type": "function",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}],
        "outputs": [{"name": "", "type": "bool"}],
    }
]


def funded(w3: Any, *addresses: str) -> None:
    for address in addresses:
        w3.eth.send_transaction({"from": w3.eth.accounts[0], "to": address, "value": 10**19})


def test_ether_is_sent_by_our_signer_inside_web3(w3: Any, tester_network: str, words: str) -> None:
    account = Wallet.from_mnemonic(words).account(tester_network)
    funded(w3, account.address)
    w3.middleware_onion.inject(signing_middleware(account), layer=0)
    target = w3.eth.accounts[3]
    before = w3.eth.get_balance(target)
    txid = w3.eth.send_transaction({"from": account.address, "to": target, "value": 12345})
    assert w3.eth.get_transaction(txid)["from"] == account.address
    assert w3.eth.get_balance(target) == before + 12345
    again = w3.eth.send_transaction({"from": account.address, "to": target, "value": 1, "gasPrice": 10**10})
    sent = w3.eth.get_transaction(again)
    assert (sent["nonce"], sent["type"]) == (1, 0)


def test_a_contract_is_deployed_and_called(w3: Any, tester_network: str, words: str) -> None:
    account = Wallet.from_mnemonic(words).account(tester_network)
    funded(w3, account.address)
    w3.middleware_onion.inject(signing_middleware(account), layer=0)
    w3.eth.default_account = account.address
    made = w3.eth.wait_for_transaction_receipt(w3.eth.contract(abi=ABI, bytecode=CREATION).constructor().transact())
    token = w3.eth.contract(address=made["contractAddress"], abi=ABI)
    assert w3.eth.get_code(token.address) == RUNTIME
    assert token.functions.transfer(account.address, 7).call() is True
    receipt = w3.eth.wait_for_transaction_receipt(token.functions.transfer(w3.eth.accounts[1], 1_000_000).transact())
    assert receipt["status"] == 1
    assert receipt["from"] == account.address
    assert bytes(receipt["logs"][0]["data"])[-32:] == (1_000_000).to_bytes(32, "big")


def test_a_wallet_serves_its_first_accounts(w3: Any, tester_network: str, words: str) -> None:
    wallet = Wallet.from_mnemonic(words)
    accounts = wallet.accounts(tester_network, count=3)
    funded(w3, *(account.address for account in accounts))
    w3.middleware_onion.inject(signing_middleware(wallet, count=2), layer=0)
    for account in accounts[:2]:
        txid = w3.eth.send_transaction({"from": account.address, "to": w3.eth.accounts[1], "value": 5})
        assert w3.eth.get_transaction(txid)["from"] == account.address
    with pytest.raises(Exception, match="No known signer|not found|unlocked|No valid"):  # eth-tester's own refusal
        w3.eth.send_transaction({"from": accounts[2].address, "to": w3.eth.accounts[1], "value": 5})


def test_an_imported_key_serves_as_wallet(w3: Any, tester_network: str, words: str) -> None:
    key = Wallet.from_mnemonic(words).account("ethereum", index=9).export_private_key()
    wallet = Wallet.from_private_key("ethereum", key)
    address = wallet.account("ethereum").address
    funded(w3, address)
    w3.middleware_onion.inject(signing_middleware(wallet), layer=0)
    txid = w3.eth.send_transaction({"from": address, "to": w3.eth.accounts[1], "value": 5})
    assert w3.eth.get_transaction(txid)["from"] == address


def test_transactions_of_others_pass_untouched(w3: Any, tester_network: str, words: str) -> None:
    w3.middleware_onion.inject(signing_middleware(Wallet.from_mnemonic(words)), layer=0)
    txid = w3.eth.send_transaction({"from": w3.eth.accounts[0], "to": w3.eth.accounts[1], "value": 5})
    assert w3.eth.get_transaction(txid)["from"] == w3.eth.accounts[0]


def test_an_account_of_another_chain_does_not_sign_here(w3: Any, words: str) -> None:
    account = Wallet.from_mnemonic(words).account("ethereum")
    funded(w3, account.address)
    w3.middleware_onion.inject(signing_middleware(account), layer=0)
    with pytest.raises((SigningRefused, InputError)):
        w3.eth.send_transaction({"from": account.address, "to": w3.eth.accounts[1], "value": 5})
    assert w3.eth.get_transaction_count(account.address) == 0


def test_a_chain_without_a_row_says_how_to_add_it(words: str) -> None:
    from web3 import Web3
    from web3.providers import BaseProvider

    class Elsewhere(BaseProvider):
        def make_request(self, method: Any, params: Any) -> Any:
            block = method == "eth_getBlockByNumber"  # web3.py itself asks for the base fee first
            return {
                "jsonrpc": "2.0",
                "id": 1,
                "result": {"baseFeePerGas": "0x1", "gasLimit": "0xffffffffff"} if block else "0x3ade68b1",
            }

    w3 = Web3(Elsewhere())
    w3.middleware_onion.inject(signing_middleware(Wallet.from_mnemonic(words)), layer=0)
    with pytest.raises(UnknownNetwork, match="add_network"):
        w3.eth.send_transaction({"from": "0x" + "35" * 20, "to": "0x" + "35" * 20, "value": 5})


class CountingSigner:
    """Stands where a remote signer would: it has the keys, the wallet only the public ones."""

    def __init__(self, wallet: Wallet) -> None:
        assert isinstance(wallet._signer, LocalSigner)
        self._signer = wallet._signer
        self.asked = 0

    def sign(self, requests: Any) -> list[bytes]:
        self.asked += len(requests)
        return self._signer.sign(requests)


def test_a_remote_signer_signs_inside_web3(w3: Any, tester_network: str, words: str) -> None:
    owner = Wallet.from_mnemonic(words)
    signer = CountingSigner(owner)
    watched = Wallet.from_xpub("ethereum", XPUB, signer=signer).account(tester_network, index=0)
    assert watched.address == owner.account("ethereum").address
    with pytest.raises(SigningRefused):
        watched.export_private_key()
    funded(w3, watched.address)
    w3.middleware_onion.inject(signing_middleware(watched), layer=0)
    txid = w3.eth.send_transaction({"from": watched.address, "to": w3.eth.accounts[1], "value": 5})
    assert w3.eth.get_transaction(txid)["from"] == watched.address
    assert signer.asked == 1


@pytest.mark.parametrize("face", [Wallet, AsyncWallet])
def test_async_web3_signs_with_either_face(tester_network: str, words: str, face: Any) -> None:
    from web3 import AsyncWeb3
    from web3.providers.eth_tester import AsyncEthereumTesterProvider

    account = face.from_mnemonic(words).account(tester_network)

    async def main() -> None:
        w3 = AsyncWeb3(AsyncEthereumTesterProvider())
        accounts = await w3.eth.accounts
        await w3.eth.send_transaction({"from": accounts[0], "to": account.address, "value": 10**19})
        w3.middleware_onion.inject(signing_middleware(account), layer=0)
        before = await w3.eth.get_balance(accounts[2])
        txid = await w3.eth.send_transaction({"from": account.address, "to": accounts[2], "value": 321})
        assert (await w3.eth.get_transaction(txid))["from"] == account.address
        assert await w3.eth.get_balance(accounts[2]) == before + 321

    asyncio.run(main())


def test_an_asynchronous_account_in_a_blocking_web3_is_refused(w3: Any, tester_network: str, words: str) -> None:
    account = AsyncWallet.from_mnemonic(words).account(tester_network)
    funded(w3, account.address)
    w3.middleware_onion.inject(signing_middleware(account), layer=0)
    with pytest.raises(InputError, match="AsyncWeb3"):
        w3.eth.send_transaction({"from": account.address, "to": w3.eth.accounts[1], "value": 5})


def test_the_middleware_says_what_it_takes(words: str) -> None:
    wallet = Wallet.from_mnemonic(words)
    with pytest.raises(InputError, match="for whom"):
        signing_middleware()
    with pytest.raises(InputError, match="accounts and wallets"):
        signing_middleware("0x" + "01" * 32)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InputError, match="EVM"):
        signing_middleware(wallet.account("tron"))
