"""Finding the accounts of a phrase: on the devnet's real engines, with dead endpoints, and hostile nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from multiwallet import AsyncWallet, Wallet, network, networks
from multiwallet.chains.antelope.public_keys import legacy_text
from multiwallet.derivation import KnownPath, known_paths
from multiwallet.devnet import Devnet
from multiwallet.discovery import MOST
from multiwallet.errors import BadResponse, InputError, MultiwalletError, Timeout, Unreachable, Unsupported
from multiwallet.ops import Rpc
from multiwallet.registry import chain

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

# Where other wallets keep their money: network, path, kind and whether the path is that of one address in an account.
ODD = (
    ("ethereum", "m/44'/60'/0'/0/0", ""),  # MetaMask's first
    ("ethereum", "m/44'/60'/0'/0/4", ""),  # its fifth, with nothing between
    ("ethereum", "m/44'/60'/2'/0/0", ""),  # Ledger Live's third
    ("ethereum", "m/44'/60'/0'/3", ""),  # MyEtherWallet's fourth
    ("celo", "m/44'/52752'/0'/0/1", ""),  # Valora's
    ("ethereum-classic", "m/44'/60'/160720'/0'/0", ""),  # Ledger's first app
    ("solana", "m/44'/501'/0'/0'", ""),  # Phantom
    ("solana", "m/44'/501'/3'", ""),  # Trust Wallet's fourth
    ("solana", "m/44'/501'", ""),  # the CLI's
    ("tron", "m/44'/195'/1'/0/0", ""),
    ("cosmos", "m/44'/118'/4'/0/0", ""),
    ("secret", "m/44'/118'/0'/0/0", ""),  # made with Ledger's app for Cosmos
    ("aptos", "m/44'/637'/3'/0'/0'", ""),
    ("xrp", "m/44'/144'/2'/0/0", ""),
    ("sui", "m/44'/784'/1'/0'/0'", ""),
    ("sui", "m/54'/784'/2'/0/0", "secp256k1"),
    ("bitcoin", "m/0'/0/2", "p2pkh"),  # BRD
    ("bitcoin", "m/0'/0'/1'", "p2wpkh"),  # Bitcoin Core before descriptors
)
AMOUNTS = {"xrp": "50"}  # less than the reserve makes no account
WHOLE = (
    ("bitcoin", "p2tr", 0, 17),
    ("bitcoin", "p2sh-p2wpkh", 0, 0),
    ("litecoin", "p2wpkh", 1, 3),
    ("dogecoin", "p2pkh", 0, 2),
)


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    with Devnet() as made:
        yield made


@pytest.fixture(scope="module")
def funded(devnet: Devnet) -> set[tuple[str, str]]:
    """Money on odd paths, on real engines; what was funded, by network and the path that is to be found."""
    where = set()
    with Wallet.from_mnemonic(WORDS) as wallet:
        for name, path, kind in ODD:
            devnet.fund(wallet.account(name, path=path, kind=kind or None), AMOUNTS.get(name, "1"))
            where.add((name, path))
        for name, kind, number, index in WHOLE:
            account = wallet.account(name, account=number, index=index, kind=kind)
            devnet.fund(account, "1")
            where.add((name, str(account.path).rsplit("/", 2)[0]))
    return where


def found_by(result: Any) -> set[tuple[str, str]]:
    return {(found.network.name, found.path) for found in result.accounts}


def test_no_used_account_is_missed(devnet: Devnet, funded: set[tuple[str, str]]) -> None:
    rounds: list[tuple[str, int, int]] = []
    with Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        result = wallet.discover(
            sorted({name for name, _ in funded}), account_gap=2, progress=lambda *step: rounds.append(step)
        )
        assert result.failed == {}
        assert result.is_complete
        assert found_by(result) == funded
        for found in result.accounts:
            assert str(found.balance.total) == f"{AMOUNTS.get(found.network.name, '1')} {found.network.symbol}"
            assert found.wallets
            assert found.account.balance() == found.balance  # it is ready for use
            assert found.kind == found.account.kind
    assert result.asked > len(funded)
    assert {name for name, _, _ in rounds} == {name for name, _ in funded}
    for name in {name for name, _ in funded}:
        counts = [(asked, hits) for one, asked, hits in rounds if one == name]
        assert counts == sorted(counts)
        assert counts[-1][1] == sum(one == name for one, _ in funded)


def test_the_faces_find_the_same(devnet: Devnet, funded: set[tuple[str, str]]) -> None:
    names = ["ethereum", "solana", "bitcoin"]

    async def search() -> Any:
        async with AsyncWallet.from_mnemonic(WORDS, transport=devnet) as wallet:
            result = await wallet.discover(names)
            assert (await result.accounts[0].account.balance()).total.units
            return result

    with Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        here = wallet.discover(names)
    there = asyncio.run(search())
    assert found_by(here) == found_by(there) == {one for one in funded if one[0] in names}
    assert here.asked == there.asked


def test_a_gap_is_as_wide_as_asked(devnet: Devnet) -> None:
    phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    with Wallet.from_mnemonic(phrase, transport=devnet) as wallet:
        devnet.fund(wallet.account("ethereum", index=7), "1")
        assert wallet.discover(["ethereum"]).accounts == ()
        (found,) = wallet.discover(["ethereum"], gap=8).accounts
        assert (found.path, found.account.address) == (
            "m/44'/60'/0'/0/7",
            wallet.account("ethereum", index=7).address,
        )


def test_an_account_that_is_empty_now_is_found_by_its_nonce(devnet: Devnet) -> None:
    phrase = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
    with Wallet.from_mnemonic(phrase, transport=devnet) as wallet:
        account = wallet.account("ethereum", path="m/44'/60'/1'/0/0")
        devnet.fund(account, "1")
        account.send(to="0x" + "35" * 20, amount="max").wait()
        (found,) = wallet.discover(["ethereum"]).accounts
        assert found.path == "m/44'/60'/1'/0/0"
        assert found.balance.total.units < 10**15


def test_a_whole_account_that_is_empty_now_is_found(devnet: Devnet) -> None:
    phrase = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"
    with Wallet.from_mnemonic(phrase, transport=devnet) as wallet:
        account = wallet.account("bitcoin", kind="p2pkh")
        devnet.fund(account, "1")
        account.send(to="bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", amount="max").wait()
        (found,) = wallet.discover(["bitcoin"]).accounts
        assert (found.path, found.kind, found.balance.total.units) == ("m/44'/0'/0'", "p2pkh", 0)


def test_an_account_of_tokens_alone_is_found(devnet: Devnet) -> None:
    phrase = "vessel ladder alter error federal sibling chat ability sun glass valve picture"
    with Wallet.from_mnemonic(phrase, transport=devnet) as wallet:
        account = wallet.account("ethereum", path="m/44'/60'/0'/1")
        asset = devnet.deploy_token("ethereum", holder=account, supply="5")
        assert wallet.discover(["ethereum"]).accounts == ()
        (found,) = wallet.discover(["ethereum"], assets={"ethereum": [asset.reference]}).accounts
        assert found.path == "m/44'/60'/0'/1"
        assert [str(held.total) for held in found.tokens.values()] == ["5 TEST"]


class Partly:
    """A devnet of which some networks are dead, and some calls of others."""

    def __init__(self, devnet: Devnet, dead: dict[str, MultiwalletError]) -> None:
        self._devnet = devnet
        self._dead = {network(name).id: error for name, error in dead.items()}
        self.batches: list[Sequence[Any]] = []

    def perform(self, effects: Sequence[Any]) -> list[Any]:
        self.batches.append(effects)
        return [
            self._dead[effect.network] if effect.network in self._dead else self._devnet.perform([effect])[0]
            for effect in effects
        ]


def test_dead_endpoints_are_reported_and_hide_nothing(devnet: Devnet, funded: set[tuple[str, str]]) -> None:
    dead = {"tron": Unreachable("nobody there"), "cosmos": Timeout("slow"), "aptos": BadResponse("HTML")}
    transport = Partly(devnet, dead)
    with Wallet.from_mnemonic(WORDS, transport=transport) as wallet:
        result = wallet.discover(["ethereum", *dead, "solana"])
    assert dict(result.failed) == {(name, ""): dead[name] for name in dead}
    assert not result.is_complete
    assert found_by(result) == {one for one in funded if one[0] in ("ethereum", "solana")}
    # everything that can be asked at once is: a few rounds, not one call after the other
    assert len(transport.batches) <= 8
    assert max(len(batch) for batch in transport.batches) >= 40


def test_one_broken_call_ends_one_path_alone(devnet: Devnet, funded: set[tuple[str, str]]) -> None:
    with Wallet.from_mnemonic(WORDS) as plain:
        spoilt = plain.account("ethereum", path="m/44'/60'/0'/2").address.lower()

    class Spoilt:
        def perform(self, effects: Sequence[Any]) -> list[Any]:
            return [
                BadResponse("nonsense")
                if isinstance(effect, Rpc) and spoilt in str(effect.params).lower()
                else devnet.perform([effect])[0]
                for effect in effects
            ]

    with Wallet.from_mnemonic(WORDS, transport=Spoilt()) as wallet:
        result = wallet.discover(["ethereum"])
    assert set(result.failed) == {("ethereum", "m/44'/60'/0'/{n}")}
    ours = {one for one in funded if one[0] == "ethereum"}
    assert found_by(result) == ours - {("ethereum", "m/44'/60'/0'/3")}


def test_a_node_that_says_yes_to_everything_comes_to_an_end() -> None:
    class Yes:
        asked = 0

        def perform(self, effects: Sequence[Any]) -> list[Any]:
            self.asked += len(effects)
            return ["0x1" for _ in effects]

    transport = Yes()
    with Wallet.from_mnemonic(WORDS, transport=transport) as wallet:
        result = wallet.discover(["ethereum"])
    templates = known_paths(network("ethereum"))
    assert len(result.failed) == len(templates)
    assert all("more than" in error.message for error in result.failed.values())
    assert len(result.accounts) == result.asked <= MOST * len(templates)


def test_a_key_of_several_named_accounts_is_reported_and_the_search_goes_on() -> None:
    """EOS: names are not derived from keys, so a person must choose."""
    with Wallet.from_mnemonic(WORDS) as plain:
        keys = [plain.account("telos", path=f"m/44'/194'/0'/0/{n}").public_key for n in (1, 4)]
    two, one = (legacy_text(key, "EOS") for key in keys)
    listed = {two: ("alice", "bob"), one: ("carol",)}
    chain_id = network("telos").params["chain_id"]

    class Node:
        def perform(self, effects: Sequence[Any]) -> list[Any]:
            return [self.answer(effect.path.rsplit("/", 1)[1], effect.json) for effect in effects]

        def answer(self, call: str, body: Any) -> Any:
            if call == "get_info":
                return {"chain_id": chain_id}
            if call == "get_accounts_by_authorizers":
                names = [name for key in body["keys"] for name in listed.get(key, ())]
                return {
                    "accounts": [
                        {
                            "account_name": name,
                            "permission_name": "active",
                            "authorizing_key": body["keys"][0],
                            "weight": 1,
                            "threshold": 1,
                        }
                        for name in names
                    ]
                }
            if call == "get_currency_balance":
                return ["2.0000 TLOS"]
            return {"account_name": body["account_name"], "refund_request": None, "self_delegated_bandwidth": None}

    with Wallet.from_mnemonic(WORDS, transport=Node()) as wallet:
        result = wallet.discover(["telos"])
    assert [found.path for found in result.accounts] == ["m/44'/194'/0'/0/4"]
    assert str(result.accounts[0].balance.total) == "2 TLOS"
    assert set(result.failed) == {("telos", "m/44'/194'/0'/0/1")}
    assert "alice, bob" in result.failed["telos", "m/44'/194'/0'/0/1"].message


def test_what_cannot_be_asked_is_reported() -> None:
    class Silent:
        def perform(self, effects: Sequence[Any]) -> list[Any]:
            raise AssertionError("nothing is to be asked")

    with Wallet.from_mnemonic(WORDS, transport=Silent()) as wallet:
        result = wallet.discover(["near"])
        assert isinstance(result.failed["near", ""], Unsupported)
        with pytest.raises(InputError, match="list of networks"):
            wallet.discover("ethereum")
        with pytest.raises(InputError, match="gap"):
            wallet.discover(["near"], gap=0)
        with pytest.raises(InputError, match="gap"):
            wallet.discover(["near"], account_gap=MOST + 1)
        with pytest.raises(MultiwalletError, match="no network"):
            wallet.discover(["no such network"])
    with (
        Wallet.from_private_key("ethereum", "0x" + "11" * 32, transport=Silent()) as single,
        pytest.raises(Unsupported, match="mnemonic"),
    ):
        single.discover()


def test_without_names_every_network_in_service_is_asked() -> None:
    asked: set[str] = set()

    class Dead:
        def perform(self, effects: Sequence[Any]) -> list[Any]:
            asked.update(effect.network for effect in effects)
            return [Unreachable("nobody there") for _ in effects]

    with Wallet.from_mnemonic(WORDS, transport=Dead()) as wallet:
        result = wallet.discover()
    rows = [row for row in networks() if row.status == "active" and not row.testnet and row.endpoints]
    assert {name for name, path in result.failed if not path} == {row.name for row in rows}
    assert asked == {row.id for row in rows}
    assert len(rows) > 60


# ---- the table of paths --------------------------------------------------------------------------


@pytest.mark.parametrize("row", networks(), ids=lambda row: row.name)
def test_known_paths_of_every_network_can_be_opened(row: Any) -> None:
    """Each gives an address, on a kind that the network has, and the first one is this library's own."""
    known = known_paths(row)
    assert known
    assert len({(one.template, one.kind) for one in known}) == len(known)
    with Wallet.from_mnemonic(WORDS) as wallet:
        for one in known:
            assert one.kind in ("", *chain(row).kinds_of(row))
            if one.kind == "base":
                continue  # made of two keys: its payment key is that of the kind enterprise
            path = one.path(1) + ("/0/0" if one.whole else "")
            assert wallet.account(row, path=path, kind=one.kind or None).address
        usual = next(one for one in known if one.kind != "base")
        own = wallet.account(row, index=0, kind=usual.kind or None)
        assert str(own.path) == usual.path(0) + ("/0/0" if usual.whole else "")


def test_a_known_path_is_text_with_a_number() -> None:
    assert KnownPath("m/44'/501'", ("somebody",)).path(3) == "m/44'/501'"
    assert not KnownPath("m/44'/501'", ("somebody",)).has_number
