"""What every format shares: detection, the manners of a secret, wallets, errors without secrets."""

from __future__ import annotations

import asyncio
import copy
import pickle
import traceback

import pytest

from multiwallet import AsyncWallet, Mnemonic, Wallet, keystore
from multiwallet.codec import base58
from multiwallet.errors import InputError, InvalidKey, InvalidMnemonic, MultiwalletError, SigningRefused, Unsupported
from multiwallet.secret import Secret

WORDS = "test test test test test test test test test test test junk"
KEY = "46" * 32


def everything():
    """The same mnemonic or key in every format that can hold one, with its password."""
    light = {"n": 2, "r": 8, "p": 1}
    with Mnemonic(WORDS) as words, Wallet.from_private_key("bitcoin", KEY) as bitcoin:
        ethereum = keystore.load(WORDS, network="ethereum")
        yield "ethereum-v3", keystore.dump(ethereum, "ethereum-v3", "pw", **light), "pw"
        yield "metamask", keystore.dump(words, "metamask", "pw", rounds=10), "pw"
        yield "bip38", keystore.dump(bitcoin.account("bitcoin"), "bip38", "pw"), "pw"
        yield "wif", keystore.dump(bitcoin.account("bitcoin"), "wif"), None
        yield "electrum", "bitter grass shiver impose acquire brush forget axis eager alone wine silver", None
        yield "mnemonic", keystore.dump(words, "mnemonic"), None
        yield "slip39", keystore.dump(words, "slip39", iteration_exponent=0)[:2], None
        yield "seedqr", keystore.dump(words, "seedqr"), None
        yield "compact-seedqr", keystore.dump(words, "compact-seedqr"), None
        yield "ur", keystore.dump(words, "ur", longest_fragment=10), None
        yield "extended-key", keystore.dump(words, "extended-key"), None
        yield "descriptor", keystore.dump(words, "descriptor"), None
        yield "bitcoin-core-descriptors", keystore.dump(words, "bitcoin-core-descriptors"), None
        yield "bitcoin-core-dump", keystore.dump(words, "bitcoin-core-dump", count=1), None
        yield "solana-cli", keystore.dump(keystore.load(KEY, network="solana"), "solana-cli"), None
        yield "polkadot-js", keystore.dump(keystore.load(KEY, network="solana"), "polkadot-js"), None


@pytest.fixture(scope="module")
def files():
    pytest.importorskip("shamir_mnemonic", reason="the extra slip39 is not installed")
    return list(everything())


def test_every_format_is_told_by_its_content(files):
    covered = set()
    for name, data, password in files:
        assert keystore.detect(data) == name
        with keystore.load(data, password) as key:
            assert key.format == name
            assert key.has_private_keys
        if isinstance(data, str):
            assert keystore.detect(("\ufeff  " + data + "\r\n").encode()) == name
        covered.add(name)
    # Multisig files hold no private keys, and bare keys are told by their network.
    assert set(keystore.FORMATS) - covered == {"multisig", "private-key"}


def test_every_key_opens_a_wallet_that_signs(files):
    for _, data, password in files:
        with keystore.load(data, password) as key, key.wallet() as wallet:
            account = key.accounts[0].open(wallet, 0)
            if key.network == "polkadot":  # the file's address has the prefix 42, of any network
                assert account.public_key == base58.decode(key.address)[1:33]
            else:
                assert account.address == key.address
            assert account.verify_message("hello", account.sign_message("hello"))
            assert account.export_private_key() == key.export_private_key()


def test_every_key_opens_an_async_wallet(files):
    async def run(key):
        async with key.async_wallet() as wallet:
            assert isinstance(wallet, AsyncWallet)
            return key.accounts[0].open_async(wallet, 0).address

    for _, data, password in files:
        with keystore.load(data, password) as key:
            if key.network != "polkadot":
                assert asyncio.run(run(key)) == key.address


def secrets_of(data):
    texts = data if isinstance(data, list) else [data]
    return [text for text in texts if isinstance(text, str)]


def test_the_manners_of_a_secret(files):
    for _, data, password in files:
        key = keystore.load(data, password)
        shown = repr(key) + str(key) + repr(key._material)
        for text in [*secrets_of(data), KEY, WORDS, key.export_private_key()]:
            assert text not in shown
        for refused in (
            lambda key=key: pickle.dumps(key),
            lambda key=key: copy.copy(key),
            lambda key=key: copy.deepcopy(key),
            lambda key=key: f"{key:>10}",
            lambda key=key: {key: 1},
            lambda key=key: vars(key),
        ):
            with pytest.raises(TypeError):
                refused()
        wallet = key.wallet()
        key.close()
        key.close()
        assert key.closed
        with pytest.raises(MultiwalletError):
            key.export_private_key()
        with pytest.raises(InvalidKey, match="wiped"):
            keystore.dump(key, "mnemonic")
        assert key.accounts[0].open(wallet, 0).sign_message("x")  # a wallet that was made stays open
        wallet.close()


def test_no_error_shows_what_was_read(files):
    for name, data, password in files:
        for text in secrets_of(data):
            for broken in (
                text[:-1],
                text[1:],
                text.replace(text[len(text) // 2], "!", 1),
                text[: len(text) // 2] + "\0",
            ):
                try:
                    keystore.load(broken, password, format=name)
                except MultiwalletError as error:
                    told = "".join(traceback.format_exception_only(error))
                    assert len(text) < 30 or text[10:30] not in told, name
                    for word in text.split():
                        assert len(word) < 20 or word not in told, name


def test_passwords_come_in_every_form(files):
    name, data, password = files[0]
    for form in (password, password.encode(), bytearray(password.encode()), Secret(password.encode())):
        assert keystore.load(data, form).format == name
    with pytest.raises(TypeError):
        keystore.load(data, 7)
    with pytest.raises(InvalidKey, match="surrogate"):
        keystore.load(data, "\ud800")


def test_the_password_of_a_mnemonic_is_its_passphrase():
    with keystore.load(WORDS, "TREZOR") as key, Wallet.from_mnemonic(WORDS, "TREZOR") as wallet:
        assert key.address == wallet.account("bitcoin").address
        assert key.mnemonic().expose() == WORDS
        with pytest.raises(Unsupported, match="passphrase"):
            keystore.dump(key, "metamask", "pw", rounds=1)


def test_bare_keys_need_their_network():
    with pytest.raises(InvalidKey, match="network="):
        keystore.load(KEY)
    for network in ("ethereum", "tron", "solana", "bitcoin"):
        with keystore.load(KEY, network=network) as key, Wallet.from_private_key(network, KEY) as wallet:
            assert key.address == wallet.account(network).address
            assert keystore.dump(key, "private-key") == key.export_private_key()
            assert keystore.load(key.export_private_key(), network=network).address == key.address


def test_what_is_no_key_file():
    for data in (
        "",
        " ",
        "hello",
        b"",
        b"\x00" * 17,
        "{}",
        "[]",
        "[1.5]",
        '{"a": 1}',
        "[" * 200_000,
        b"\xff\xfe",
        {},
        [],
    ):
        with pytest.raises(InputError):
            keystore.load(data)
    for data in (None, 7, 1.5, object()):
        with pytest.raises(InvalidKey, match="a key file is"):
            keystore.load(data)
    with pytest.raises(InvalidKey, match="PSBT"):
        keystore.load(b"psbt\xff\x01\x00")
    with pytest.raises(InvalidMnemonic):
        keystore.load("test test test test test test test test test test test test")
    with pytest.raises(InputError, match="no key format"):
        keystore.load(WORDS, format="nothing")
    with pytest.raises(InputError, match="no such option"):
        keystore.dump(Mnemonic(WORDS), "seedqr", colour="red")
    with pytest.raises(InputError, match="can be written"):
        keystore.dump(WORDS, "seedqr")


def test_too_much_is_refused_at_once():
    with pytest.raises(InvalidKey, match="too many"):
        keystore.load("a" * (32 * 2**20 + 1))
    nested: list[object] = []
    for _ in range(1000):
        nested = [nested]
    with pytest.raises(InvalidKey):
        keystore.load(nested)


def test_watch_only_keys_do_not_sign():
    text = keystore.dump(Mnemonic(WORDS), "descriptor", private=False)
    with keystore.load(text) as key, key.wallet() as wallet:
        assert not key.has_private_keys
        assert wallet.is_watch_only
        with pytest.raises(SigningRefused):
            key.accounts[0].open(wallet, 0).sign_message("x")
        with pytest.raises(SigningRefused):
            key.export_private_key()


def test_an_account_is_written_as_its_own_format():
    with Wallet.from_mnemonic(WORDS) as wallet:
        account = wallet.account("bitcoin", index=3, kind="p2tr")
        with keystore.load(keystore.dump(account, "descriptor")) as key:
            assert (key.address, key.accounts[0].kind) == (account.address, "p2tr")
        solana = wallet.account("solana")
        assert keystore.load(keystore.dump(solana, "solana-cli")).address == solana.address
