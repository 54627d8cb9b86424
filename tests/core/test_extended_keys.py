"""Watch-only wallets: every form of extended key on every kind of network, held against the seed's own wallet."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet import Wallet, network, networks
from multiwallet.errors import InvalidKey, InvalidPath, MultiwalletError, Unsupported
from multiwallet.keys.hd import ExtendedKey
from multiwallet.keys.keychain import SeedKeychain
from multiwallet.keys.versions import VERSIONS
from multiwallet.secret import Secret
from multiwallet.signer import LocalSigner

SEED = bytes(range(64))
MASTER = ExtendedKey.from_seed(SEED)
FULL = Wallet.from_seed(SEED)
PURPOSES = {"p2pkh": 44, "p2sh-p2wpkh": 49, "p2wpkh": 84, "p2tr": 86}
MAIN, TEST = ("bitcoin", "litecoin"), ("bitcoin-testnet", "bitcoin-signet", "bitcoin-regtest", "litecoin-testnet")
SERVED = {
    **dict.fromkeys(("xpub", "ypub", "zpub"), MAIN),
    **dict.fromkeys(("tpub", "upub", "vpub"), TEST),
    **dict.fromkeys(("Ltub", "Mtub"), ("litecoin",)),
    "ttub": ("litecoin-testnet", "litecoin-regtest"),
}
PAIRS = [(form, name) for form, names in SERVED.items() for name in names]


def exported(path: str, form: str = "xpub") -> str:
    return MASTER.derive(path).public.serialize(form)


def coin(name: str) -> int:
    return int(network(name).params["coin_type"])


@pytest.mark.parametrize(("form", "name"), PAIRS)
@pytest.mark.parametrize("number", [0, 5])
def test_a_form_shows_what_the_seed_shows(form: str, name: str, number: int) -> None:
    kind = VERSIONS[form].kind
    text = exported(f"m/{PURPOSES[str(kind)]}'/{coin(name)}'/{number}'", form)
    watching = Wallet.from_xpub(name, text)
    whole = watching.account(name)
    own = FULL.account(name, account=number, kind=kind)
    assert (whole.address, whole.path, whole.kind, whole.public_key) == (own.address, own.path, kind, own.public_key)
    assert watching.account(name, account=number).address == own.address
    for index in (0, 7, 2**31 - 1):
        one, mine = watching.account(name, index=index), FULL.account(name, index=index, account=number, kind=kind)
        assert (one.address, one.path) == (mine.address, mine.path)
    change = str(own.path)[: -len("/0/0")] + "/1/4"
    assert watching.account(name, path=change).address == FULL.account(name, path=change, kind=kind).address
    many = [(a.address, a.path) for a in watching.accounts(name, start=3, count=3)]
    assert many == [(a.address, a.path) for a in FULL.accounts(name, start=3, count=3, account=number, kind=kind)]
    for call in (
        lambda: watching.account(name, account=number + 1),
        lambda: watching.account(name, account=number + 1, index=0),
        lambda: watching.accounts(name, count=1, account=number + 1),
    ):
        with pytest.raises(InvalidPath):
            call()


@pytest.mark.parametrize("form", [name for name, row in VERSIONS.items() if not row.is_private])
@pytest.mark.parametrize("name", [*MAIN, *TEST, "litecoin-regtest", "ethereum", "tron", "solana"])
def test_a_form_of_another_coin_script_or_kind_of_network_is_refused(form: str, name: str) -> None:
    if name in SERVED.get(form, ()) or (name in ("ethereum", "tron") and form == "xpub"):
        return
    if name == "litecoin-regtest" and form in ("tpub", "upub", "vpub"):
        return
    with pytest.raises(InvalidKey):
        Wallet.from_xpub(name, exported("m/44'/0'/0'", form))


@pytest.mark.parametrize("form", [name for name, row in VERSIONS.items() if row.is_private])
@pytest.mark.parametrize("name", ["bitcoin", "litecoin", "ethereum"])
def test_a_private_form_is_refused_and_not_repeated(form: str, name: str) -> None:
    text = MASTER.derive("m/84'/0'/0'").serialize(form)
    with pytest.raises(InvalidKey) as caught:
        Wallet.from_xpub(name, text)
    assert text[5:25] not in str(caught.value)


@pytest.mark.parametrize(("name", "number"), [("ethereum", 60), ("polygon", 60), ("tron", 195), ("tron-nile", 195)])
@pytest.mark.parametrize("account", [0, 5])
def test_evm_and_tron_keys_at_the_depth_of_the_account_and_below(name: str, number: int, account: int) -> None:
    for below in ("", "/0"):
        watching = Wallet.from_xpub(name, exported(f"m/44'/{number}'/{account}'{below}"))
        if below and account:  # it cannot know its account: only a whole path says it
            one = watching.account(name, path=f"m/44'/{number}'/{account}'/0/3")
        else:
            one = watching.account(name, index=3)
            found = [a.address for a in watching.accounts(name, start=2, count=3)]
            assert found == [a.address for a in FULL.accounts(name, start=2, count=3, account=account)]
        own = FULL.account(name, account=account, index=3)
        assert (one.address, one.path) == (own.address, own.path)
        for call in (
            lambda: watching.account(name, account=account + 1),  # noqa: B023  # called at once
            lambda: watching.account(name, account=account + 1, index=3),  # noqa: B023
            lambda: watching.accounts(name, count=2, account=account + 1),  # noqa: B023
        ):
            with pytest.raises(InvalidPath):
                call()


def test_a_key_too_high_in_the_tree_cannot_take_hardened_steps() -> None:
    for path in ("m", "m/44'", "m/44'/60'"):
        with pytest.raises(InvalidPath):
            Wallet.from_xpub("ethereum", exported(path)).account("ethereum")
    # What Electrum exports has a tree of its own, which an explicit path can name.
    electrum = Wallet.from_xpub("bitcoin", exported("m/0'", "zpub"))
    assert electrum.account("bitcoin", path="m/0'/0/2").kind == "p2wpkh"
    with pytest.raises(InvalidPath):
        electrum.account("bitcoin")


def test_one_extended_key_serves_the_networks_of_its_own_coin_only() -> None:
    evm = Wallet.from_xpub("ethereum", exported("m/44'/60'/0'"))
    assert {evm.account(row.name).address for row in networks(family="evm")} == {FULL.account("ethereum").address}
    with pytest.raises(Unsupported):
        evm.account("tron")
    bitcoin = Wallet.from_xpub("bitcoin", exported("m/84'/0'/0'", "zpub"))
    litecoin = Wallet.from_xpub("litecoin", exported("m/84'/2'/0'", "zpub"))
    for wallet, name in ((bitcoin, "litecoin"), (litecoin, "bitcoin")):
        with pytest.raises(InvalidKey, match="elsewhere"):
            wallet.account(name)
        with pytest.raises(InvalidKey, match="elsewhere"):
            wallet.accounts(name, count=1)
    test = Wallet.from_xpub("bitcoin-testnet", exported("m/84'/1'/0'", "vpub"))
    for name in (*TEST, "bitcoin-testnet4", "bitcoin-regtest", "litecoin-regtest"):
        assert test.account(name).address == FULL.account(name).address


FAMILIES = ("bitcoin", "litecoin", "bitcoin-testnet", "ethereum", "tron", "solana")


@settings(max_examples=40)
@given(
    st.sampled_from(FAMILIES),
    st.integers(0, 2**31 - 4),
    st.integers(0, 3),
    st.integers(0, 4),
    st.sampled_from([None, "p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2tr"]),
)
def test_many_accounts_are_those_opened_one_by_one(
    name: str, start: int, count: int, account: int, kind: str | None
) -> None:
    if "coin" not in name:
        kind = None
    if name == "solana":
        account = 0  # it counts in one place only
    many = FULL.accounts(name, start=start, count=count, account=account, kind=kind)
    one = [FULL.account(name, index=start + n, account=account, kind=kind) for n in range(count)]
    for attribute in ("address", "path", "public_key", "kind", "id"):
        assert [getattr(a, attribute) for a in many] == [getattr(a, attribute) for a in one]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(
    "asked",
    [
        *({"count": value} for value in (-1, 1.0, "1", None, True)),
        *({"count": 1, "start": value} for value in (-1, 1.5, "0", None, False, 2**31)),
        *({"count": 1, "account": value} for value in (-1, 1.5, "0", True, 2**31)),
        {"count": 2, "start": 2**31 - 1},
        {"count": 1, "kind": "p2xx"},
    ],
    ids=str,
)
def test_what_is_no_range_of_accounts_is_refused(name: str, asked: dict[str, object]) -> None:
    with pytest.raises(MultiwalletError):
        FULL.accounts(name, **asked)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("name", FAMILIES)
def test_the_last_account_of_all_opens_in_both_ways(name: str) -> None:
    (last,) = FULL.accounts(name, start=2**31 - 1, count=1)
    assert last.address == FULL.account(name, index=2**31 - 1).address


def test_a_watch_only_account_asks_its_signer_for_the_true_path() -> None:
    signer = LocalSigner(SeedKeychain(Secret(SEED)))
    watching = Wallet.from_xpub("litecoin", exported("m/49'/2'/5'", "Mtub"), signer=signer)
    account = watching.account("litecoin", index=1)
    assert account.verify_message("hello", account.sign_message("hello"))
