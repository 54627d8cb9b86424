"""TON's own phrases: what @ton/crypto made, tonsdk as a peer, and phrases that are none."""

from __future__ import annotations

import pytest
from tonsdk.crypto import mnemonic_is_valid, mnemonic_to_wallet_key

from multiwallet import Mnemonic, Wallet
from multiwallet.crypto import ed25519
from multiwallet.errors import InputError, InvalidMnemonic, Unsupported
from multiwallet.keys.ton_mnemonic import ton_seed

# Made with @ton/crypto 3.3.0 (mnemonicNew, mnemonicToPrivateKey): phrase, password, private seed.
ROWS = [
    (
        "eagle worry capital burst trial legend about dad that surround charge dwarf ivory drama almost animal skull "
        "ordinary recall cabbage void ginger risk reunion",
        "",
        "7fd7480b6df2e98b967f02f9fd68d3f81009742d362c0c40fa314917b826fe45",
    ),
    (
        "culture tissue text north matrix remember issue space clean copper approve year useless hockey deny hub regret "
        "sleep remind coffee stone junior rather teach",
        "",
        "cd2d1a92e13809cdcfe50de01a4feac338758fac7113871b212d1fafa2e9ad02",
    ),
    (
        "artwork second powder soap ranch joy library party almost alcohol echo critic fix valid company must tool butter "
        "ramp tool layer floor negative goat",
        "pass word ü",
        "f19aee4141d58fe27ae71eeb9f94a7ca3b531075e1a93bf6a1bd11c8cea34497",
    ),
]
BIP39 = "abandon " * 23 + "art"


@pytest.mark.parametrize(("phrase", "password", "seed"), ROWS)
def test_phrases_of_ton_crypto(phrase, password, seed):
    assert ton_seed(phrase, password).expose().hex() == seed
    assert ton_seed(f"  {phrase.upper()}\n", password).expose().hex() == seed


@pytest.mark.parametrize(("phrase", "seed"), [(row[0], row[2]) for row in ROWS if not row[1]])
def test_tonsdk_agrees(phrase, seed):
    words = phrase.split()
    assert mnemonic_is_valid(words)
    public, secret = mnemonic_to_wallet_key(words)
    assert secret[:32].hex() == seed
    assert ed25519.public_key(ton_seed(phrase).expose()) == public


def test_phrases_that_are_none():
    plain, protected = ROWS[0][0], ROWS[2][0]
    swapped = " ".join(reversed(plain.split()))
    for phrase, password, match in (
        (BIP39, "", "is it a BIP-39 phrase"),
        (swapped, "", "no phrase of TON's own"),
        (protected, "", "made with a password"),
        (protected, "wrong", "not the one"),
        (plain, "pass", "without a password"),
        (plain.rpartition(" ")[0], "", "has 23"),
        (plain.replace("eagle", "eagel"), "", "word 1 of 24"),
        ("x" * 3000, "", "24 words"),
        ("", "", "has 0"),
    ):
        with pytest.raises(InvalidMnemonic, match=match) as refused:
            ton_seed(phrase, password)
        assert "worry" not in str(refused.value)
        assert "powder" not in str(refused.value)
    for wrong in (None, 5, b"words"):
        with pytest.raises(InvalidMnemonic):
            ton_seed(wrong)
    with pytest.raises(InputError):
        ton_seed(plain, None)
    with pytest.raises(InputError):
        ton_seed(protected, "\ud800")


def test_a_wallet_of_one_key_that_serves_ton_alone():
    phrase, password, seed = ROWS[2]
    with Wallet.from_mnemonic(phrase, password, standard="ton") as wallet:
        assert (wallet.is_single_key, wallet.family) == (True, "ton")
        key = wallet._session.keychain.signing_key("ed25519", None)
        assert key.expose().hex() == seed
        with pytest.raises(Unsupported, match="ton family"):
            wallet.account("ethereum")
    with pytest.raises(InvalidMnemonic):
        Wallet.from_mnemonic(phrase, password)
    with pytest.raises(InputError, match="BIP-39"):
        Wallet.from_mnemonic(Mnemonic.generate(24), standard="ton")
    with pytest.raises(InputError, match="the standards are"):
        Wallet.from_mnemonic(phrase, password, standard="electrum")
