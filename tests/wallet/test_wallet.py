"""Wallets and accounts: how they are opened, what they refuse, and that both faces do the same."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import Sequence

import pytest

from multiwallet import AsyncWallet, Mnemonic, Transfer, Wallet, network
from multiwallet.errors import (
    AmountError,
    BadResponse,
    InputError,
    InvalidKey,
    InvalidPath,
    MultiwalletError,
    Rejected,
    SigningRefused,
    Unsupported,
)
from multiwallet.keys.keychain import SeedKeychain
from multiwallet.secret import Secret
from multiwallet.signer import LocalSigner
from multiwallet.testing import FakeTransport
from multiwallet.transactions import SignedTransaction, SigningRequest

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
SEED = bytes.fromhex(
    "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4"
)
# The well-known addresses of this phrase, as Trezor, MetaMask, TronLink and Phantom show them.
ADDRESSES = {
    "bitcoin": "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
    "ethereum": "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
    "tron": "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH",
    "solana": "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk",
}
ZPUB = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
PAYMENT = {
    "to": "0x3535353535353535353535353535353535353535",
    "value": 10**18,
    "gas": 21000,
    "maxFeePerGas": 30 * 10**9,
    "maxPriorityFeePerGas": 10**9,
    "nonce": 0,
    "chainId": 1,
    "type": 2,
}


@pytest.fixture
def wallet() -> Wallet:
    return Wallet.from_mnemonic(WORDS)


@pytest.mark.parametrize("name", ADDRESSES)
def test_one_phrase_opens_every_chain_however_it_is_given(name: str) -> None:
    wallets = [Wallet.from_mnemonic(WORDS), Wallet.from_mnemonic(Mnemonic(WORDS)), Wallet.from_seed(SEED)]
    wallets += [Wallet.from_seed(Secret(SEED))]
    for opened in (*wallets, AsyncWallet.from_seed(SEED)):
        account = opened.account(name)
        assert account.address == ADDRESSES[name]
        assert account.id == f"{network(name).id}:{account.address}"
        assert opened.account(network(name).id).address == account.address
        assert opened.account(account.network).path == account.path


def test_accounts_can_be_named_by_index_account_path_and_kind(wallet: Wallet) -> None:
    third = wallet.account("ethereum", index=3)
    assert str(third.path) == "m/44'/60'/0'/0/3"
    assert wallet.account("ethereum", path="m/44h/60h/0h/0/3").address == third.address
    assert str(wallet.account("ethereum", account=2).path) == "m/44'/60'/2'/0/0"
    taproot = wallet.account("bitcoin", index=0, kind="p2tr")
    # BIP-86's own test vector for this phrase
    assert taproot.address == "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
    assert wallet.account("bitcoin", path="m/86'/0'/0'/0/0").address == taproot.address
    assert wallet.account("bitcoin", path="m/49'/0'/0'/0/0").kind == "p2sh-p2wpkh"
    assert wallet.account("bitcoin").address == wallet.account("bitcoin", index=0).address


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"index": -1}, InputError),
        ({"index": True}, InputError),
        ({"account": 1.0}, InputError),
        ({"index": 1, "path": "m/0"}, InputError),
        ({"path": "m/44'/x"}, InvalidPath),
        ({"kind": "p2tr"}, InputError),
        ({"index": 2**31}, InvalidPath),
    ],
)
def test_a_wrong_account_is_refused(wallet: Wallet, asked: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        wallet.account("ethereum", **asked)


def test_ed25519_paths_must_be_hardened(wallet: Wallet) -> None:
    with pytest.raises(InvalidPath, match="harden"):
        wallet.account("solana", path="m/44'/501'/0")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ethereum", "0x1ab42cc412b618bdea3a599e3c9bae199ebf030895b039e9db1e30dafb12b727"),
        ("ethereum", bytes.fromhex("1ab42cc412b618bdea3a599e3c9bae199ebf030895b039e9db1e30dafb12b727")),
        ("bitcoin", "KyZpNDKnfs94vbrwhJneDi77V6jF64PWPF8x5cdJb8ifgg2DUc9d"),
    ],
)
def test_an_imported_key_opens_its_address_and_nothing_else(name: str, key: str | bytes) -> None:
    single = Wallet.from_private_key(name, key)
    assert single.account(name).address == ADDRESSES[name]
    assert single.account(name).path is None
    with pytest.raises(InputError):
        single.account(name, index=1)
    with pytest.raises(Unsupported):
        single.accounts(name, count=2)
    with pytest.raises(Unsupported):
        single.account("solana")


def test_an_old_uncompressed_key_keeps_its_address() -> None:
    # Private key 1: the address of its uncompressed public key is in every Bitcoin textbook.
    wif = "5HpHagT65TZzG1PH3CSu63k8DbpvD8s5ip4nEB3kEsreAnchuDf"
    account = Wallet.from_private_key("bitcoin", wif).account("bitcoin")
    assert account.address == "1EHNa6Q4Jz2uvNExL497mE43ikXhwF6kZm"
    assert account.export_private_key() == wif
    assert account.verify_message("hello", account.sign_message("hello"))


@pytest.mark.parametrize("name", ADDRESSES)
def test_exported_keys_open_the_same_account(wallet: Wallet, name: str) -> None:
    account = wallet.account(name, index=5)
    again = Wallet.from_private_key(name, account.export_private_key()).account(name)
    assert again.address == account.address


@pytest.mark.parametrize("key", ["", "00", "0x" + "0" * 64, "f" * 64, b"\0" * 32, b"\1" * 31, "5" * 51, "☠" * 32])
@pytest.mark.parametrize("name", ADDRESSES)
def test_a_wrong_key_is_refused_without_being_shown(name: str, key: str | bytes) -> None:
    # Any 32 bytes are an ed25519 seed.
    if name == "solana" and key in ("0x" + "0" * 64, "f" * 64, b"\0" * 32):
        assert Wallet.from_private_key(name, key).account(name).address
        return
    with pytest.raises(InvalidKey) as caught:
        Wallet.from_private_key(name, key)
    if len(key) > 4:
        assert str(key) not in str(caught.value)


def test_a_watch_only_wallet_does_everything_but_sign(wallet: Wallet) -> None:
    watching = Wallet.from_xpub("bitcoin", ZPUB)
    assert watching.is_watch_only
    assert not wallet.is_watch_only
    assert watching.account("bitcoin").address == ADDRESSES["bitcoin"]
    assert watching.account("bitcoin", index=7).address == wallet.account("bitcoin", index=7).address
    many = [account.address for account in watching.accounts("bitcoin", start=3, count=4)]
    assert many == [account.address for account in wallet.accounts("bitcoin", start=3, count=4)]
    with pytest.raises(SigningRefused, match="watch-only"):
        watching.account("bitcoin", index=0).sign_message("hello")
    with pytest.raises(SigningRefused):
        watching.account("bitcoin").export_private_key()
    with pytest.raises(SigningRefused):
        watching.account("bitcoin").send(to=ADDRESSES["bitcoin"], amount="0.1")
    with pytest.raises(InvalidKey, match="test network"):
        watching.account("bitcoin-testnet")
    with pytest.raises(InvalidPath, match="child 0'"):
        watching.account("bitcoin", account=1)
    with pytest.raises(InvalidKey):
        Wallet.from_xpub("bitcoin", ZPUB[:-1] + "t")
    with pytest.raises(InvalidKey):
        Wallet.from_xpub("solana", ZPUB)
    with pytest.raises(InvalidKey, match="plain prefix"):
        Wallet.from_xpub("ethereum", ZPUB)


class Remote:
    """A signer somewhere else: it answers requests with the keys it has."""

    def __init__(self, *, spoil: bool = False) -> None:
        self.local = LocalSigner(SeedKeychain(Secret(SEED)))
        self.spoil = spoil
        self.asked: list[SigningRequest] = []

    def sign(self, requests: Sequence[SigningRequest]) -> list[bytes]:
        self.asked += requests
        signatures = self.local.sign(requests)
        return [bytes([s[0] ^ 1]) + s[1:] for s in signatures] if self.spoil else signatures


class AsyncRemote(Remote):
    async def sign(self, requests: Sequence[SigningRequest]) -> list[bytes]:  # type: ignore[override]  # the async form
        await asyncio.sleep(0)
        return super().sign(requests)


def test_a_remote_signer_signs_for_a_watch_only_wallet(wallet: Wallet) -> None:
    remote = Remote()
    account = Wallet.from_xpub("bitcoin", ZPUB, signer=remote).account("bitcoin", index=0)
    assert account.verify_message("hello", account.sign_message("hello"))
    assert [str(request.path) for request in remote.asked] == ["m/84'/0'/0'/0/0"]
    eth = Wallet.from_seed(SEED, signer=remote).account("ethereum")
    expected = wallet.account("ethereum").sign(PAYMENT)
    assert eth.sign(PAYMENT).raw == expected.raw
    assert [signed.raw for signed in eth.sign_batch([PAYMENT, PAYMENT])] == [expected.raw] * 2


def test_a_remote_signer_that_lies_is_caught() -> None:
    account = Wallet.from_seed(SEED, signer=Remote(spoil=True)).account("ethereum")
    with pytest.raises(SigningRefused, match="not right"):
        account.sign(PAYMENT)
    (result,) = account.sign_batch([PAYMENT])
    assert isinstance(result, SigningRefused)


def test_an_asynchronous_signer_serves_an_asynchronous_wallet(wallet: Wallet) -> None:
    expected = wallet.account("ethereum").sign(PAYMENT).raw

    async def main() -> None:
        async with AsyncWallet.from_seed(SEED, signer=AsyncRemote()) as remote:
            account = remote.account("ethereum")
            assert (await account.sign(PAYMENT)).raw == expected
            results = [result async for result in account.sign_batch([PAYMENT, "junk", PAYMENT])]
            assert [getattr(result, "raw", None) for result in results] == [expected, None, expected]

    asyncio.run(main())
    with pytest.raises(SigningRefused, match="AsyncWallet"):
        Wallet.from_seed(SEED, signer=AsyncRemote()).account("ethereum").sign(PAYMENT)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_batch_is_ordered_and_one_bad_item_stops_nothing(wallet: Wallet, threads: int) -> None:
    account = wallet.account("ethereum")
    items: list[object] = [PAYMENT | {"nonce": n} for n in range(700)]
    items[13] = PAYMENT | {"value": 0.5}
    items[14] = object()
    items[600] = PAYMENT | {"chainId": 5}
    results = list(account.sign_batch(items, threads=threads))
    assert [n for n, result in enumerate(results) if isinstance(result, MultiwalletError)] == [13, 14, 600]
    expected = [account.sign(items[n]).raw for n in (0, 350, 699)]
    assert [results[n].raw for n in (0, 350, 699)] == expected


def test_a_batch_is_lazy(wallet: Wallet) -> None:
    taken = []

    def source():  # type: ignore[no-untyped-def]  # a plain generator
        for n in range(10**9):
            taken.append(n)
            yield PAYMENT | {"nonce": n}

    results = wallet.account("ethereum").sign_batch(source())
    assert taken == []
    next(results)
    next(results)
    assert taken == [0, 1]
    threaded = wallet.account("ethereum").sign_batch(source(), threads=2)
    next(threaded)
    assert len(taken) < 20_000
    threaded.close()


def test_a_wallet_batch_signs_for_several_accounts(wallet: Wallet) -> None:
    first, second = wallet.accounts("ethereum", count=2)
    stranger = Wallet.from_seed(SEED).account("ethereum")
    polygon = wallet.account("polygon")
    pairs = [
        (first, PAYMENT),
        (second, PAYMENT),
        (stranger, PAYMENT),
        "no pair",
        (polygon, PAYMENT),
        (polygon, PAYMENT | {"chainId": 137}),
    ]
    for threads in (1, 2):
        results = list(wallet.sign_batch(pairs, threads=threads))
        assert [isinstance(result, SignedTransaction) for result in results] == [True, True, False, False, False, True]
        assert results[0].raw == first.sign(PAYMENT).raw
        assert results[1].raw == second.sign(PAYMENT).raw

    async def main() -> list[object]:
        async with AsyncWallet.from_seed(SEED) as other:
            one, two = other.accounts("ethereum", count=2)
            return [r async for r in other.sign_batch([(one, PAYMENT), (two, PAYMENT)], threads=2)]

    assert [signed.raw for signed in asyncio.run(main())] == [results[0].raw, results[1].raw]


def test_sign_refuses_another_sender_and_another_network(wallet: Wallet) -> None:
    account = wallet.account("ethereum")
    with pytest.raises(MultiwalletError):
        account.sign(PAYMENT | {"from": wallet.account("ethereum", index=1).address})
    with pytest.raises(MultiwalletError):
        account.sign(PAYMENT | {"chainId": 137})
    signed = account.sign(PAYMENT)
    with pytest.raises(InputError, match="already signed"):
        account.sign(signed)
    with pytest.raises(InputError):
        wallet.account("polygon").broadcast(signed)


def test_a_portfolio_reports_failures_beside_results(wallet: Wallet) -> None:
    def answer(effect):  # type: ignore[no-untyped-def]  # a script
        return {"eip155:1": "0x1", "eip155:137": "0x89", "eip155:56": "0x38"}[effect.network]

    def balance(effect):  # type: ignore[no-untyped-def]  # a script
        return Rejected("overloaded") if effect.network == "eip155:56" else hex(2 * 10**18)

    fake = FakeTransport({"eth_chainId": answer, "eth_getBalance": balance})
    found = Wallet.from_mnemonic(WORDS, transport=fake).portfolio(["ethereum", "matic", "bsc"])
    assert list(found) == ["ethereum", "matic", "bsc"]
    assert found["ethereum"].total.text == "2"
    assert str(found["matic"].available) == "2 POL"
    assert isinstance(found["bsc"], Rejected)
    assert len(fake.batches) == 1

    async def main() -> dict[str, object]:
        async with AsyncWallet.from_mnemonic(WORDS, transport=fake) as other:
            return await other.portfolio(["ethereum", "matic", "bsc"])

    assert asyncio.run(main())["ethereum"] == found["ethereum"]


def test_a_node_of_another_chain_is_refused_once_and_for_all(wallet: Wallet) -> None:
    fake = FakeTransport({"eth_chainId": "0x5", "eth_getBalance": "0x0"})
    account = Wallet.from_mnemonic(WORDS, transport=fake).account("ethereum")
    for _ in range(2):
        with pytest.raises(BadResponse, match="5"):
            account.balance()
    fake.answers["eth_chainId"] = "0x1"
    assert account.balance().total.units == 0
    asked = len(fake.asked)
    account.balance()
    assert [effect.method for effect in fake.asked[asked:]].count("eth_chainId") == 0


def test_a_request_is_checked_before_anything_is_asked(wallet: Wallet) -> None:
    fake = FakeTransport()
    account = Wallet.from_mnemonic(WORDS, transport=fake).account("ethereum")
    to = ADDRESSES["ethereum"]
    for call, error in [
        (lambda: account.build(to=to, amount=0.1), TypeError),
        (lambda: account.build(to=to, amount=1), TypeError),
        (lambda: account.build(to=to, amount="0.1234567890123456789"), AmountError),
        (lambda: account.build(to=to.lower().replace("9858e", "9858E"), amount="1"), InputError),
        (lambda: account.build(to=to, amount="0"), AmountError),
        (lambda: account.build(to=to), InputError),
        (lambda: account.build(), InputError),
        (lambda: account.build(Transfer(to, "1"), to=to, amount="1"), InputError),
        (lambda: account.build("x"), TypeError),
        (lambda: account.build(to=to, amount="1", speed="warp"), InputError),
        (lambda: account.build(to=to, amount="1", max_fee=0.1), TypeError),
        (lambda: account.build(to=to, amount="1", asset="eip155:137/slip44:966"), AmountError),
        (lambda: account.build(to=to, amount="1", asset="USDC"), InputError),
        (lambda: account.build(to=to, amount=network("bitcoin").amount("1")), AmountError),
    ]:
        with pytest.raises(error):
            call()
    assert fake.asked == []


def test_retired_and_derive_only_networks_still_derive(wallet: Wallet) -> None:
    moac = wallet.account("moac")
    assert moac.address.startswith("0x")
    with pytest.raises(Unsupported, match="keys and addresses only"):
        moac.balance()
    with pytest.raises(Unsupported):
        moac.build(to=moac.address, amount="1")


def test_wallets_keep_their_secrets(wallet: Wallet) -> None:
    account = wallet.account("ethereum")
    for thing in (wallet, account, wallet._signer, wallet._session.keychain):
        for text in (repr(thing), str(thing), f"{thing}"):
            assert "abandon" not in text
            assert "1ab42cc4" not in text
    for thing in (wallet, wallet._session.keychain):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
        with pytest.raises(TypeError):
            copy.copy(thing)
        with pytest.raises(TypeError):
            copy.deepcopy(thing)
    with pytest.raises(MultiwalletError) as caught:
        Wallet.from_mnemonic("abandon " * 11 + "abandon")
    assert "abandon abandon" not in str(caught.value)


def test_a_closed_wallet_does_not_sign() -> None:
    with Wallet.from_mnemonic(WORDS) as wallet:
        account = wallet.account("ethereum")
        account.sign(PAYMENT)
    with pytest.raises(MultiwalletError):
        account.sign(PAYMENT)
    with pytest.raises(MultiwalletError):
        wallet.account("ethereum", index=9)


def test_a_transaction_file_is_checked_against_its_bytes(wallet: Wallet) -> None:
    account = wallet.account("ethereum")
    text = account._operations.adopt(PAYMENT).to_json()
    assert account.sign(text).raw == account.sign(PAYMENT).raw
    data = json.loads(text)
    data["requests"][0]["preimage"] = "00" * 32
    with pytest.raises(InputError, match="do not belong"):
        account.sign(json.dumps(data))


@pytest.mark.parametrize("network_name", ["ethereum", "tron", "bitcoin", "solana"])
def test_what_is_wrong_or_unsupported_is_said_before_anything_is_asked(network_name: str) -> None:
    fake = FakeTransport()
    account = Wallet.from_mnemonic(WORDS, transport=fake).account(network_name)
    to = Wallet.from_mnemonic(WORDS).account(network_name, index=1).address
    with pytest.raises(InputError, match="bogus"):
        account.build(to=to, amount="1", bogus=1)
    if network_name in ("ethereum", "tron"):
        for verb in (account.build, account.quote, account.send):
            with pytest.raises(Unsupported):
                verb(Transfer(to, "1"), Transfer(to, "2"))
    assert fake.asked == []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_takes_constant_memory(wallet: Wallet, threads: int) -> None:
    import tracemalloc

    account = wallet.account("ethereum")

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            for result in account.sign_batch((PAYMENT | {"nonce": n} for n in range(count)), threads=threads):
                assert isinstance(result, SignedTransaction)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(500)
    # Ten thousand results kept would be 10 MB and more; a chunk or two for each thread is less.
    assert peak(10_000) < 8_000_000
