"""Wallets of chains whose kinds have different curves: which key a text opens, and how it is written again."""

from __future__ import annotations

from typing import ClassVar

import pytest

from multiwallet import Mnemonic, Wallet, registry
from multiwallet.chain import Network
from multiwallet.chains.evm import Evm
from multiwallet.credentials import import_private_key
from multiwallet.errors import InputError, InvalidKey, InvalidPath, Unsupported
from multiwallet.keys.key_forms import write_form
from multiwallet.path import Junctions, Path, parse_path
from multiwallet.transactions import UnsignedTransaction

CURVES = {"": "ed25519", "k1": "secp256k1", "r1": "secp256r1", "sr": "sr25519"}
KEY = "01" * 32
LEGACY = "5KQwrPbwdL6PhXujxW37FSSQZ1JiwsST4cqQzDeyXtP79zkvFD3"


class Many(Evm):
    """A family that has a kind for every curve: its addresses are its public keys."""

    family: ClassVar[str] = "many"
    kinds: ClassVar[tuple[str, ...]] = tuple(CURVES)
    key_forms: ClassVar[tuple[str, ...]] = ("sui", "aip-80", "pvt-k1", "family-seed", "near", "stellar", "0xhex")

    def curve_of(self, network: Network, kind: str) -> str:
        return CURVES[kind]

    def path(self, network: Network, *, account: int, index: int | None, kind: str) -> Path:
        if kind == "sr":
            return Junctions().hard(account).hard(index or 0)
        return Path().hardened(account).hardened(index or 0)

    def address(self, network: Network, public_key: bytes, kind: str = "") -> str:
        return public_key.hex()


@pytest.fixture
def many(monkeypatch):
    chain, whole = Many(), registry._chain
    row = registry.network("ethereum")
    monkeypatch.setattr(registry, "_chain", lambda family: chain if family == "many" else whole(family))
    from dataclasses import replace

    return replace(row, name="many", id="eip155:99", family="many", params={})


def text_of(kind: str) -> str:
    written = write_form("sui", CURVES[kind], bytes.fromhex(KEY))
    assert written is not None
    return written


@pytest.mark.parametrize("kind", ["", "k1", "r1"])
def test_a_marked_text_implies_the_kind(many, kind):
    with Wallet.from_private_key(many, text_of(kind)) as wallet:
        account = wallet.account(many)
        assert account.kind == kind
        assert account.export_private_key() == text_of(kind)
        assert wallet._session.keychain.signing_key(CURVES[kind], None).expose().hex() == KEY
        for other in set(CURVES) - {kind}:
            with pytest.raises(Unsupported, match="this chain signs with"):
                wallet.account(many, kind=other)
            with pytest.raises(InvalidKey, match="another curve"):
                Wallet.from_private_key(many, text_of(kind), kind=other)


@pytest.mark.parametrize("kind", CURVES)
def test_the_kind_says_what_bare_hexadecimal_is(many, kind):
    for text in (KEY, "0x" + KEY):
        with Wallet.from_private_key(many, text, kind=kind) as wallet:
            assert wallet.account(many).kind == kind
    written = Wallet.from_private_key(many, KEY, kind=kind).account(many).export_private_key()
    assert written == ("0x" + KEY if kind == "sr" else text_of(kind))
    with pytest.raises(InputError, match="the kinds are"):
        Wallet.from_private_key(many, KEY, kind="p2pkh")


def test_the_form_for_export_is_the_first_that_holds_the_key(many, monkeypatch):
    for forms, kind, start in (
        (("family-seed", "0xhex"), "k1", "0x01"),
        (("pvt-k1", "hex"), "", "0101"),
        (("pvt-k1", "hex"), "k1", "PVT_K1_"),
        (("aip-80",), "k1", "secp256k1-priv-0x01"),
        (("near",), "", "ed25519:"),
        (("stellar",), "", "S"),
        (("family-seed",), "r1", "0101"),
    ):
        monkeypatch.setattr(Many, "key_forms", forms)
        account = Wallet.from_private_key(many, KEY, kind=kind).account(many)
        assert account.export_private_key().startswith(start)
    from dataclasses import replace

    row = replace(many, params={"key_forms": ["near"]})  # a row may say it for itself
    assert Wallet.from_private_key(row, KEY).account(row).export_private_key().startswith("ed25519:")


def test_a_key_that_no_kind_has_is_refused(many, monkeypatch):
    monkeypatch.setattr(Many, "kinds", ("",))
    with pytest.raises(InvalidKey, match="no account"):
        Wallet.from_private_key(many, text_of("k1"))
    with pytest.raises(InvalidKey):
        Wallet.from_private_key("ethereum", text_of("k1"))  # whose users have no such text


def test_the_old_form_of_antelope_has_a_compressed_key(many):
    imported = import_private_key(LEGACY, registry.chain(many), many)
    assert (imported.compressed, imported.curve, imported.kind) == (True, "secp256k1", "k1")


@pytest.mark.parametrize("text", ["0x" + "00" * 31, "zz" * 32, "01" * 33, "", "x" * 5000])
@pytest.mark.parametrize("kind", CURVES)
def test_what_is_no_key_is_refused_without_being_shown(many, kind, text):
    with pytest.raises(InvalidKey) as refused:
        Wallet.from_private_key(many, text, kind=kind)
    assert not text or text not in str(refused.value)


def test_accounts_of_every_kind_from_one_phrase(many):
    words = Mnemonic.from_entropy(bytes(16))
    with Wallet.from_mnemonic(words) as wallet:
        for kind in CURVES:
            accounts = wallet.accounts(many, count=3, kind=kind)
            assert [account.address for account in accounts] == [
                wallet.account(many, index=index, kind=kind).address for index in range(3)
            ]
        account = wallet.account(many, path="//0//1///secret words", kind="sr")
        assert str(account.path) == "//0//1"
        assert account.address != wallet.account(many, path="//0//1", kind="sr").address
        with Wallet.from_mnemonic(words, "secret words") as same:
            assert same.account(many, path="//0//1", kind="sr").address == account.address
        assert wallet.account(many, path="", kind="sr").path == Junctions()
        with pytest.raises(Unsupported, match="junctions"):
            wallet.account(many, path="m/44'/354'/0'", kind="sr")
        with pytest.raises(InvalidPath):
            wallet.account(many, path="//0/1", kind="")
    with Wallet.from_seed(bytes(64)) as wallet, pytest.raises(Unsupported, match="from_mnemonic"):
        wallet.account(many, kind="sr")


def test_a_transaction_file_holds_the_junctions_without_their_password(monkeypatch):
    from dataclasses import replace

    with Wallet.from_seed(bytes(64)) as wallet:
        account = wallet.account("ethereum")
        unsigned = account._operations.adopt(
            {"to": account.address, "value": 1, "gas": 21000, "gasPrice": 1, "nonce": 0, "chainId": 1}
        )
    path = Junctions("//polkadot/0///horse battery")
    unsigned = replace(unsigned, requests=tuple(replace(request, path=path) for request in unsigned.requests))
    text = unsigned.to_json()
    assert "//polkadot/0" in text
    assert "horse" not in text
    (request,) = UnsignedTransaction.from_json(text).requests
    assert request.path == Junctions("//polkadot/0") == parse_path("//polkadot/0")
