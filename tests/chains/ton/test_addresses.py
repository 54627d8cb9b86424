"""Paths, kinds of wallets and addresses of TON."""

from __future__ import annotations

import pytest
from ton_node import WORDS

from multiwallet import Wallet, add_network, network
from multiwallet.chains.ton import Ton, addresses, wallets
from multiwallet.chains.ton.addresses import Address
from multiwallet.errors import InputError, InvalidAddress, InvalidKey, InvalidPath, MultiwalletError
from multiwallet.testing import refusal

CHAIN = Ton()
ROW = network("ton")


def test_paths_and_kinds():
    wallet = Wallet.from_mnemonic(WORDS)
    assert str(wallet.account("ton").path) == "m/44'/607'/0'"
    assert wallet.account("toncoin", account=2).address == wallet.account("ton", index=2).address
    assert (
        len({wallet.account(name, kind=kind).address for name in ("ton", "ton-testnet") for kind in CHAIN.kinds}) == 6
    )
    main, test = (Wallet.from_mnemonic(WORDS).account(name, kind="v4r2").address for name in ("ton", "ton-testnet"))
    assert addresses.parse(main, testnet=False)[0] == addresses.parse(test, testnet=True)[0]
    assert (main[:2], test[:2]) == ("UQ", "0Q")
    with pytest.raises(InvalidPath):
        wallet.account("ton", account=1, index=1)
    with pytest.raises(InputError):
        wallet.account("ton", kind="v1r1")
    with pytest.raises(InvalidKey):
        CHAIN.address(ROW, bytes(31), "v5r1")
    with pytest.raises(InvalidKey):
        CHAIN.address(ROW, bytes(32), "nope")


def test_a_row_of_ones_own_is_enough():
    row = add_network("ton-own", id="tvm:-217", family="ton", symbol="GAS", decimals=9, slip44=607, override=True)
    ours = CHAIN.address(row, bytes([7] * 32), "v5r1")
    assert ours != CHAIN.address(ROW, bytes([7] * 32), "v5r1")
    assert wallets.wallet_id("v5r1", -217) == (0x80000000 ^ (-217 & 0xFFFFFFFF))


def test_the_wallet_of_ton_own_words():
    words = " ".join(["abandon"] * 24)
    refusal(MultiwalletError, Wallet.from_mnemonic, words, standard="ton")  # fails TON's own check


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        # TEP-2 and docs.ton.org name these four forms of one account.
        ("-1:fcb91a3a3816d0f7b8c2c76108b8a9bc5a6b7a55bd79f8ab101c52db29232260", None),
        ("kf/8uRo6OBbQ97jCx2EIuKm8Wmt6Vb15+KsQHFLbKSMiYIny", "kf_8uRo6OBbQ97jCx2EIuKm8Wmt6Vb15-KsQHFLbKSMiYIny"),
        ("kf_8uRo6OBbQ97jCx2EIuKm8Wmt6Vb15-KsQHFLbKSMiYIny", "kf_8uRo6OBbQ97jCx2EIuKm8Wmt6Vb15-KsQHFLbKSMiYIny"),
    ],
)
def test_forms_of_tep_2(text, canonical):
    found = CHAIN.parse_address(network("ton-testnet"), text)
    assert found == (canonical or found)
    assert addresses.parse(found, testnet=True)[0].raw.startswith("-1:fcb91a3a3816d0f7")
    if canonical:
        refusal(InvalidAddress, CHAIN.parse_address, ROW, text)  # for tests only


def test_the_first_letter_stays():
    account = Address(0, bytes(32))
    for bounceable in (True, False):
        text = account.text(bounceable=bounceable, test_only=False)
        assert CHAIN.parse_address(ROW, text) == text
    assert CHAIN.parse_address(ROW, account.raw)[:2] == "UQ"
    assert CHAIN.asset_id(ROW, account.raw) == f"tvm:-239/jetton:{account.text(bounceable=True, test_only=False)}"
