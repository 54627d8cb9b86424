"""Keys to solders, tronpy and bip-utils and back, and our signature on tronpy's transactions."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from multiwallet import AsyncWallet, Wallet
from multiwallet.errors import InputError, InvalidMnemonic, InvalidTransaction, MissingExtra, SigningRefused
from multiwallet.interop import bip_utils as coins
from multiwallet.interop import solana, tron

REF_BLOCK = "0000000003a1b2c3" + "ab" * 24
TO = "TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC"  # the address of private key 1


class Recording:
    """A signer that keeps its keys to itself, as remote ones do."""

    def __init__(self, wallet: Wallet) -> None:
        self._inner = wallet._signer
        self.asked = 0

    def sign(self, requests: Any) -> Any:
        self.asked += 1
        return self._inner.sign(requests)


# -- solders -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 5])
def test_a_solana_account_becomes_a_keypair_and_comes_back(words: str, index: int) -> None:
    pytest.importorskip("solders", reason="solders is not installed")
    account = Wallet.from_mnemonic(words).account("solana", index=index)
    keypair = solana.to_keypair(account)
    assert str(keypair.pubkey()) == account.address
    assert str(keypair) == account.export_private_key()
    assert solana.from_keypair(keypair).account("solana-devnet").address == account.address
    from solders.keypair import Keypair

    assert keypair == Keypair.from_base58_string(account.export_private_key())


def test_what_is_no_keypair_is_refused(words: str) -> None:
    pytest.importorskip("solders", reason="solders is not installed")
    with pytest.raises(InputError, match="Keypair"):
        solana.from_keypair(b"\x07" * 64)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InputError, match="solana"):
        solana.to_keypair(Wallet.from_mnemonic(words).account("ethereum"))


def test_missing_libraries_name_their_extra(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wallet = Wallet.from_mnemonic(words)
    for name in ("solders.keypair", "tronpy.keys", "tronpy", "bip_utils"):
        monkeypatch.setitem(sys.modules, name, None)
    for extra, convert in (
        ("solana", lambda: solana.to_keypair(wallet.account("solana"))),
        ("tron", lambda: tron.to_private_key(wallet.account("tron"))),
        ("tron", lambda: tron.sign(wallet.account("tron"), object())),  # type: ignore[arg-type]  # is not looked at
        ("coins", lambda: coins.to_bip44(words, object())),
    ):
        with pytest.raises(MissingExtra) as caught:
            convert()
        assert caught.value.extra == extra


# -- tronpy --------------------------------------------------------------------------------------------


@pytest.fixture
def client() -> Any:
    tronpy = pytest.importorskip("tronpy", reason="tronpy is not installed")
    from tronpy.providers import HTTPProvider

    return tronpy.Tron(HTTPProvider("http://127.0.0.1:9"))  # nothing listens there: all is offline


def test_a_tron_account_becomes_a_private_key_and_comes_back(words: str) -> None:
    pytest.importorskip("tronpy", reason="tronpy is not installed")
    account = Wallet.from_mnemonic(words).account("tron", index=2)
    key = tron.to_private_key(account)
    assert key.public_key.to_base58check_address() == account.address
    assert key.hex() == account.export_private_key()
    assert tron.from_private_key(key).account("tron-nile").address == account.address
    with pytest.raises(InputError, match="PrivateKey"):
        tron.from_private_key("01" * 32)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InputError, match="tron"):
        tron.to_private_key(Wallet.from_mnemonic(words).account("solana"))


def test_a_tronpy_transaction_gets_the_signature_tronpy_would_make(client: Any, words: str) -> None:
    account = Wallet.from_mnemonic(words).account("tron")
    ours = client.trx.transfer(account.address, TO, 1_500_000).build(offline=True, ref_block_id=REF_BLOCK)
    assert tron.sign(account, ours) is ours
    (signature,) = ours.to_json()["signature"]
    theirs = tron.to_private_key(account).sign_msg_hash(bytes.fromhex(ours.txid))
    assert bytes.fromhex(signature)[:64] == theirs.to_bytes()[:64]
    assert bytes.fromhex(signature)[64] % 27 == theirs.to_bytes()[64] % 27
    from tronpy.keys import Signature

    signer = Signature.fromhex(signature).recover_public_key_from_msg_hash(bytes.fromhex(ours.txid))
    assert signer.to_base58check_address() == account.address


def test_a_contract_call_is_signed_with_a_remote_signer(client: Any, words: str) -> None:
    owner = Wallet.from_mnemonic(words)
    signer = Recording(owner)
    # m/44'/195'/0' of the phrase, as bip-utils derives it
    bip_utils = pytest.importorskip("bip_utils", reason="bip-utils is not installed")
    level = coins.to_bip44(words, bip_utils.Bip44Coins.TRON).Purpose().Coin().Account(0)
    account = Wallet.from_xpub("tron", level.PublicKey().ToExtended(), signer=signer).account("tron", index=0)
    assert account.address == owner.account("tron").address
    call = {
        "owner_address": "41" + "00" * 20,
        "contract_address": "41" + "11" * 20,
        "data": "a9059cbb" + "00" * 64,
        "call_token_value": 0,
        "call_value": 0,
        "token_id": 0,
    }
    built = client.trx._build_transaction("TriggerSmartContract", call).with_owner(account.address)
    built = built.fee_limit(20_000_000).build(offline=True, ref_block_id=REF_BLOCK)
    assert len(tron.sign(account, built).to_json()["signature"]) == 1
    assert signer.asked == 1


def test_an_asynchronous_account_signs_with_async_sign(client: Any, words: str) -> None:
    account = AsyncWallet.from_mnemonic(words).account("tron")
    built = client.trx.transfer(account.address, TO, 1).build(offline=True, ref_block_id=REF_BLOCK)
    with pytest.raises(InputError, match="async_sign"):
        tron.sign(account, built)  # type: ignore[arg-type]  # that is the point
    assert len(asyncio.run(tron.async_sign(account, built)).to_json()["signature"]) == 1


def test_a_txid_that_is_not_of_the_raw_data_is_not_signed(client: Any, words: str) -> None:
    account = Wallet.from_mnemonic(words).account("tron")
    built = client.trx.transfer(account.address, TO, 1).build(offline=True, ref_block_id=REF_BLOCK)
    built.txid = "00" * 32  # what a node that lies would supply, and tronpy would sign
    with pytest.raises(InvalidTransaction, match="txID"):
        tron.sign(account, built)
    assert built.to_json()["signature"] == []
    built.txid = ""
    with pytest.raises(InvalidTransaction, match="build"):
        tron.sign(account, built)


def test_a_changed_amount_and_a_dropped_memo_are_found(client: Any, words: str) -> None:
    account = Wallet.from_mnemonic(words).account("tron")
    built = client.trx.transfer(account.address, TO, 1).build(offline=True, ref_block_id=REF_BLOCK)
    built._raw_data["contract"][0]["parameter"]["value"]["amount"] = 10**12
    with pytest.raises(InvalidTransaction, match="txID"):
        tron.sign(account, built)
    memo = client.trx.transfer(account.address, TO, 1).memo("invoice 7").build(offline=True, ref_block_id=REF_BLOCK)
    with pytest.raises(InvalidTransaction, match="txID"):  # tronpy's offline txID is that of another transaction
        tron.sign(account, memo)


def test_somebody_elses_transaction_is_not_signed(client: Any, words: str) -> None:
    wallet = Wallet.from_mnemonic(words)
    built = client.trx.transfer(wallet.account("tron", index=1).address, TO, 1)
    built = built.build(offline=True, ref_block_id=REF_BLOCK)
    with pytest.raises(SigningRefused):
        tron.sign(wallet.account("tron"), built)
    with pytest.raises(InputError, match="Transaction"):
        tron.sign(wallet.account("tron"), {"txID": "00"})  # type: ignore[arg-type]  # that is the point


# -- bip-utils -----------------------------------------------------------------------------------------


@pytest.fixture
def theirs() -> Any:
    return pytest.importorskip("bip_utils", reason="bip-utils is not installed")


@pytest.mark.parametrize(
    ("kind", "coin", "network", "ours"),
    [
        ("Bip44", "ETHEREUM", "ethereum", {}),
        ("Bip44", "TRON", "tron", {}),
        ("Bip44", "BITCOIN", "bitcoin", {"kind": "p2pkh"}),
        ("Bip49", "BITCOIN", "bitcoin", {"kind": "p2sh-p2wpkh"}),
        ("Bip84", "BITCOIN", "bitcoin", {"kind": "p2wpkh"}),
        ("Bip86", "BITCOIN", "bitcoin", {"kind": "p2tr"}),
        ("Bip84", "LITECOIN", "litecoin", {"kind": "p2wpkh"}),
    ],
)
def test_both_derive_the_same_addresses(
    theirs: Any, words: str, kind: str, coin: str, network: str, ours: dict[str, str]
) -> None:
    master = coins.to_bip44(words, getattr(getattr(theirs, kind + "Coins"), coin), "TREZOR")
    node = master.Purpose().Coin().Account(0).Change(theirs.Bip44Changes.CHAIN_EXT).AddressIndex(3)
    account = Wallet.from_mnemonic(words, "TREZOR").account(network, index=3, **ours)
    assert node.PublicKey().ToAddress() == account.address
    wallet = coins.from_bip44(node, network)
    assert wallet.account(network, **ours).address == account.address


def test_solana_keys_come_from_the_levels_wallets_use(theirs: Any, words: str) -> None:
    master = coins.to_bip44(words, theirs.Bip44Coins.SOLANA)
    node = master.Purpose().Coin().Account(0).Change(theirs.Bip44Changes.CHAIN_EXT)
    account = Wallet.from_mnemonic(words).account("solana")
    assert coins.from_bip44(node, "solana").account("solana").address == account.address == node.PublicKey().ToAddress()


def test_objects_that_are_no_single_key_of_the_network_are_refused(theirs: Any, words: str) -> None:
    master = coins.to_bip44(words, theirs.Bip44Coins.ETHEREUM)
    level = master.Purpose().Coin().Account(0)
    node = level.Change(theirs.Bip44Changes.CHAIN_EXT).AddressIndex(0)
    for wrong in (master, level):
        with pytest.raises(InputError, match="derive the address first"):
            coins.from_bip44(wrong, "ethereum")
    with pytest.raises(InputError, match="curve"):
        coins.from_bip44(node, "solana")
    with pytest.raises(InputError, match="from_xpub"):
        coins.from_bip44(
            theirs.Bip44.FromExtendedKey(level.PublicKey().ToExtended(), theirs.Bip44Coins.ETHEREUM), "ethereum"
        )
    with pytest.raises(InputError, match="Bip44 object"):
        coins.from_bip44(words, "ethereum")
    with pytest.raises(InputError, match="coin"):
        coins.to_bip44(words, "DOGECOIN")
    with pytest.raises(InvalidMnemonic):
        coins.to_bip44("abandon " * 12, theirs.Bip44Coins.ETHEREUM)
