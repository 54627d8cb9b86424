"""Addresses of well over sixty coins from one phrase, against Trust Wallet's core (npm) and bip-utils (PyPI).

Two things are compared. What Trust Wallet shows for a coin: our address at the path that multiwallet.derivation says
is Trust's. And what Ledger Live shows: our address at each of its paths, against the same path in Trust's core. The
paths of Ledger Live are those of its derivation schemes (LedgerHQ/ledger-live, coin-framework/src/derivation.ts).
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from functools import cache
from pathlib import Path as FilePath
from typing import Any

import pytest

from multiwallet import Mnemonic, Wallet, networks, parse_address
from multiwallet.chain import Network
from multiwallet.derivation import KnownPath, known_paths
from multiwallet.registry import chain

HERE = FilePath(__file__).resolve().parent
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
OTHER = Mnemonic.from_entropy(random.Random(60).randbytes(32)).expose()
PHRASES = {"about": (WORDS, ""), "24 words": (OTHER, ""), "passphrase": (WORDS, "TREZOR")}

# Our network: Trust's coin.
COINS = {
    "bitcoin": "bitcoin", "bitcoin-cash": "bitcoinCash", "litecoin": "litecoin", "dogecoin": "dogecoin", "dash": "dash",
    "zcash": "zcash", "digibyte": "digiByte", "bitcoin-gold": "bitcoinGold", "viacoin": "viacoin", "syscoin": "syscoin",
    "stratis": "stratis", "ecash": "ecash", "qtum": "qtum", "ravencoin": "ravencoin", "pivx": "pivx",
    "monacoin": "monacoin", "firo": "firo", "komodo": "komodo", "flux": "zelcash", "horizen": "zen", "neblio": "nebl",
    "verge": "verge",
    "tron": "tron", "solana": "solana", "aptos": "aptos", "ton": "ton", "sui": "sui", "xrp": "xrp", "eos": "eos",
    "wax": "wax", "polkadot": "polkadot", "kusama": "kusama",
    "cosmos": "cosmos", "osmosis": "osmosis", "celestia": "tia", "injective": "nativeInjective", "kava": "kava",
    "secret": "secret", "terra": "terraV2", "juno": "juno", "akash": "akash", "stargaze": "stargaze", "noble": "noble",
    "dydx": "dydx",
    "near": "near", "cardano": "cardano", "stellar": "stellar", "algorand": "algorand", "filecoin": "filecoin",
    "tezos": "tezos", "hedera": "hedera", "multiversx": "multiversX", "vechain": "veChain", "waves": "waves",
    "binance": "binance", "iost": "iost", "zilliqa": "zilliqa", "icon": "icon", "harmony-legacy": "harmony",
    "iotex": "ioTeX", "neo": "neo", "ontology": "ontology", "theta": "theta", "thundercore": "thunderCore",
    "gochain": "goChain", "callisto": "callisto", "viction": "viction", "poa": "poanetwork", "nervos": "nervos",
    "oasis": "oasis", "pactus": "pactus", "aeternity": "aeternity", "aion": "aion", "kin": "kin", "nimiq": "nimiq",
    "nebulas": "nebulas", "nuls": "nuls", "fio": "fio", "internet-computer": "internetComputer",
    "ethereum": "ethereum", "ethereum-classic": "ethereumClassic", "bsc": "smartChain", "polygon": "polygon",
    "arbitrum": "arbitrum", "optimism": "optimism", "base": "base", "avalanche": "avalancheCChain",
    "fantom": "fantom", "sonic": "sonic", "gnosis": "xdai", "celo": "celo", "zksync": "zksync", "linea": "linea",
    "scroll": "scroll", "mantle": "mantle", "blast": "blast", "okt": "okxchain", "heco": "ecochain",
    "kcc": "kuCoinCommunityChain", "metis": "metis", "aurora": "aurora", "moonbeam": "moonbeam", "kaia": "kaia",
    "conflux": "confluxeSpace", "opbnb": "opBNB", "manta": "mantaPacific", "zetachain": "zetaEVM", "merlin": "merlin",
    "polygon-zkevm": "polygonzkEVM", "arbitrum-nova": "arbitrumNova",
}  # fmt: skip

# Trust follows a path of five steps with ed25519 until the first step that is not hardened, and stays there.
CUT = {"iost": "m/44'/899'/0'/0/0", "hedera": "m/44'/3030'/0'/0'/0"}
# Where Trust shows other decimals than the chain has: NEO cannot be divided (its gas can), IOST has eight, and ONT has
# nine since its upgrade of 2022.
DECIMALS = {"neo": 0, "iost": 8, "ontology": 9}
# A kind that is not our default one.
KINDS = {"neo": "legacy", "cardano": "base"}
DERIVATIONS = {"p2pkh": "bitcoinLegacy", "p2wpkh": "bitcoinSegwit", "p2tr": "bitcoinTaproot"}
LEDGER = "Ledger Live"
TRUST = "Trust Wallet"
ROWS = {row.name: row for row in networks()}


# What Ledger's own code has as addresses of the phrase "abandon ... about" (LedgerHQ/ledger-live,
# libs/ledgerjs/packages/cryptoassets/src/abandonseed.ts): all that are neither a burn address nor of another phrase,
# and of networks known here. Old base58 forms stand there for Bitcoin Cash.
LEDGER_ADDRESSES = {
    ("bitcoin", "m/44'/0'/0'/0/0", "p2pkh"): "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA",
    ("bitcoin-cash", "m/44'/145'/0'/0/0", "p2pkh"): "1mW6fDEMjKrDHvLvoEsaeLxSCzZBf3Bfg",
    ("bitcoin-gold", "m/44'/156'/0'/0/0", "p2pkh"): "GeTZ7bjfXtGsyEcerSSFJNUSZwLfjtCJX9",
    ("bitcoin-testnet", "m/44'/1'/0'/0/0", "p2pkh"): "mkpZhYtJu2r87Js3pDiWJDmPte2NRZ8bJV",
    ("dash", "m/44'/5'/0'/0/0", "p2pkh"): "XoJA8qE3N2Y3jMLEtZ3vcN42qseZ8LvFf5",
    ("digibyte", "m/44'/20'/0'/0/0", "p2pkh"): "DG1KhhBKpsyWXTakHNezaDQ34focsXjN1i",
    ("dogecoin", "m/44'/3'/0'/0/0", "p2pkh"): "DBus3bamQjgJULBJtYXpEzDWQRwF5iwxgC",
    ("komodo", "m/44'/141'/0'/0/0", ""): "RW8gfgpCUdgZbkPAs1uJQF2S9681JVkGRi",
    ("litecoin", "m/44'/2'/0'/0/0", "p2pkh"): "LUWPbpM43E2p7ZSh8cyTBEkvpHmr3cB8Ez",
    ("pivx", "m/44'/77'/0'/0/0", ""): "DDBxSas734KhMp1Btga3LdwWAc1igSER8o",
    ("qtum", "m/44'/88'/0'/0/0", ""): "QPvRe2C17qk24K6v5gTg7CPghZ8b4WMxZP",
    ("stratis", "m/44'/105'/0'/0/0", "p2pkh"): "Sdo6x9k5AxWtfyJe5B9SZPteYTKgUoMMr1",
    ("viacoin", "m/44'/14'/0'/0/0", "p2pkh"): "VfwB3jbDWELpfiFNzbEVgx73HsR9bAq35C",
    ("zcash", "m/44'/133'/0'/0/0", "p2pkh"): "t1XVXWCvpMgBvUaed4XDqWtgQgJSu1Ghz7F",
    ("firo", "m/44'/136'/0'/0/0", ""): "a1bW3sVVUsLqgKuTMXtSaAHGvpxKwugxPH",
    ("horizen", "m/44'/121'/0'/0/0", ""): "zngWJRgpBa45KUeRuCmdMsqti4ohhe9sVwC",
    ("cosmos", "m/44'/118'/0'/0/0", ""): "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4",
    ("osmosis", "m/44'/118'/0'/0/0", ""): "osmo19rl4cm2hmr8afy4kldpxz3fka4jguq0a5m7df8",
    ("secret", "m/44'/118'/0'/0/0", ""): "secret19rl4cm2hmr8afy4kldpxz3fka4jguq0a79e5zf",
    ("stargaze", "m/44'/118'/0'/0/0", ""): "stars19rl4cm2hmr8afy4kldpxz3fka4jguq0agu6q5y",
    ("injective", "m/44'/60'/0'/0/0", ""): "inj1npvwllfr9dqr8erajqqr6s0vxnk2ak55re90dz",
    ("dydx", "m/44'/118'/0'/0/0", ""): "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz",
    ("xrp", "m/44'/144'/0'/0/0", ""): "rHsMGQEkVNJmpGWs8XUBoTBiAAbwxZN5v3",
    ("solana", "m/44'/501'/0'", ""): "GjJyeC1r2RgkuoCWMyPYkCWSGSGLcz266EaAkLA27AhL",
    ("celo", "m/44'/52752'/0'/0/0", ""): "0xE70E8AfeF87CC8F0D7a61F58535F6EC99cd860cA",
    ("multiversx", "m/44'/508'/0'/0'/0'", ""): "erd1sqhjrtmsn5yjk6w85099p8v0ly0g8z9pxeqe5dvu5rlf2n7vq3vqytny9g",
    ("filecoin", "m/44'/461'/0'/0/0", ""): "f1qode47ievxlxzk6z2viuovedabmn3tq6t57uqhq",
    ("near", "m/44'/397'/0'/0'/0'", ""): "4e7de0a21d8a20f970c86b6edf407906d7ba9e205979c3268270eef80a286e2d",
}


def full(known: KnownPath, number: int) -> str:
    """The path of one address; of a whole account its first one."""
    return known.path(number) + ("/0/0" if known.whole else "")


def of_wallet(row: Network, wallet: str) -> list[KnownPath]:
    return [known for known in known_paths(row) if wallet in known.wallets]


def requests() -> dict[str, list[Any]]:
    """What is asked of Trust's core: each coin, with Ledger Live's paths."""
    asked: dict[str, list[Any]] = {}
    for name, coin in COINS.items():
        paths: list[Any] = []
        for known in of_wallet(ROWS[name], LEDGER):
            if known.whole and known.kind not in DERIVATIONS:
                continue  # nested segwit, which Trust does not write
            if ROWS[name].family == "coins" and known.kind == "p2pkh":
                continue  # nor the old form of a coin that it knows with segwit: see LEDGER_ADDRESSES
            for number in range(3 if known.has_number else 1):
                path = full(known, number)
                named = coin in ("bitcoin", "litecoin") and known.kind in DERIVATIONS
                if named and coin == "litecoin":
                    if known.kind != "p2wpkh":
                        continue  # its only derivation there
                    named = False
                paths.append({"path": path, "derivation": DERIVATIONS[known.kind]} if named else path)
        asked[coin] = paths
    return asked


@cache
def trust(phrase: str) -> dict[str, Any]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with Trust Wallet's core")
    if not (HERE / "node_modules" / "@trustwallet" / "wallet-core").is_dir():
        pytest.skip("the JavaScript libraries are not installed: `make nodes` does it where npm is installed")
    words, passphrase = PHRASES[phrase]
    question = json.dumps({"mnemonic": words, "passphrase": passphrase, "coins": requests()})
    ended = subprocess.run(
        [node, "sixty.mjs"], cwd=HERE, input=question, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return dict(json.loads(ended.stdout))


@pytest.fixture(scope="module")
def wallets() -> dict[str, Wallet]:
    return {name: Wallet.from_mnemonic(words, passphrase) for name, (words, passphrase) in PHRASES.items()}


def ours(wallet: Wallet, row: Network, path: str, kind: str) -> str:
    if kind == "base":  # made of two keys, whoever derives them
        payment = wallet.account(row, path=path, kind="enterprise").public_key
        staking = wallet.account(row, path=f"{path.rsplit('/', 2)[0]}/2/0", kind="stake").public_key
        return chain(row).address(row, payment + staking, "base")
    return wallet.account(row, path=path, kind=kind or None).address


def trust_path(row: Network) -> KnownPath:
    """The path that is Trust's by our table."""
    known = of_wallet(row, TRUST)
    return next((one for one in known if one.kind == KINDS.get(row.name, one.kind)), known[0])


pytestmark = pytest.mark.oracle
each_phrase = pytest.mark.parametrize("phrase", PHRASES)


@pytest.mark.parametrize(
    ("name", "phrase"),
    # Cardano's keys are derived here without a passphrase alone
    [(name, phrase) for phrase in PHRASES for name in COINS if (name, phrase) != ("cardano", "passphrase")],
)
def test_address_is_trust_wallets(name: str, phrase: str, wallets: dict[str, Wallet]) -> None:
    row = ROWS[name]
    theirs = trust(phrase)[COINS[name]]
    known = trust_path(row)
    path = full(known, 0)
    if name in CUT:
        assert theirs["path"] == CUT[name]
        assert CUT[name].startswith(path)
    else:
        assert theirs["path"] == path, "the table of paths says another one"
    address = ours(wallets[phrase], row, path, KINDS.get(name, known.kind))
    assert parse_address(row, theirs["address"]) == address
    if name not in ("eos", "wax"):  # which write the key in its older form there
        assert theirs["address"] == address


@each_phrase
@pytest.mark.parametrize("name", [name for name in COINS if requests()[COINS[name]]])
def test_address_is_ledger_lives(name: str, phrase: str, wallets: dict[str, Wallet]) -> None:
    """The same path in Trust's core gives the same address."""
    row = ROWS[name]
    theirs = trust(phrase)[COINS[name]]["at"]
    for known in of_wallet(row, LEDGER):
        for number in range(3 if known.has_number else 1):
            path = full(known, number)
            if path in theirs:
                address = ours(wallets[phrase], row, path, known.kind)
                assert parse_address(row, theirs[path]) == address, path


@pytest.mark.parametrize(("name", "path", "kind"), LEDGER_ADDRESSES)
def test_address_is_in_ledgers_own_list(name: str, path: str, kind: str, wallets: dict[str, Wallet]) -> None:
    row = ROWS[name]
    theirs = LEDGER_ADDRESSES[name, path, kind]
    assert parse_address(row, theirs) == wallets["about"].account(row, path=path, kind=kind or None).address
    tried = {full(known, 0) for known in known_paths(row) if LEDGER in known.wallets}
    assert row.testnet or path in tried, "the table of paths lacks it"


@pytest.mark.parametrize("name", [name for name in COINS if ROWS[name].family == "coins"])
def test_facts_of_the_row_are_trust_wallets(name: str) -> None:
    row, theirs = ROWS[name], trust("about")[COINS[name]]
    assert row.symbol.upper() == theirs["symbol"].upper().replace("ZELCASH", "FLUX")
    assert row.slip44 == theirs["slip44"]
    if name not in DECIMALS:
        assert row.decimals == theirs["decimals"]
    assert row.decimals == DECIMALS.get(name, row.decimals)


def test_there_are_sixty_coins_and_more() -> None:
    answers = trust("about")
    assert len(COINS) >= 100
    assert len({answers[coin]["address"] for coin in COINS.values()}) >= 60  # the EVM networks count as one here
    ledger = [name for name, coin in COINS.items() if answers[coin]["at"]]
    assert len(ledger) >= 60


def test_the_table_of_paths_knows_trust_everywhere() -> None:
    assert [name for name in COINS if not of_wallet(ROWS[name], TRUST)] == []
