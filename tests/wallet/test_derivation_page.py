"""docs/derivation.md shows what multiwallet.derivation knows, line by line."""

from __future__ import annotations

from pathlib import Path

from multiwallet import networks
from multiwallet.chain import Network
from multiwallet.derivation import KnownPath, known_paths

PAGE = Path(__file__).resolve().parents[2] / "docs" / "derivation.md"
TRUST, LEDGER = "Trust Wallet", "Ledger Live"


def shown(known: KnownPath) -> str:
    text = known.template.replace("{n}", "n")
    return (f"`{text}`" if text else "the phrase's own key") + (f" {known.kind}" if known.kind else "")


def of(known: tuple[KnownPath, ...], wallet: str) -> str:
    return ", ".join(sorted(shown(one) for one in known if wallet in one.wallets)) or "-"


def others(known: tuple[KnownPath, ...]) -> str:
    found = []
    for one in sorted(known, key=lambda one: (one.template, one.kind)):
        wallets = [wallet for wallet in one.wallets if wallet not in (TRUST, LEDGER)]
        if wallets:
            found.append(f"{shown(one)}: {', '.join(wallets)}")
    return "; ".join(found) or "-"


def usual(known: tuple[KnownPath, ...]) -> str:
    text = known[0].template.replace("{n}", "n") or "the phrase's own key, `//n`"
    return text if text.endswith("`") else f"`{text}`"


# One line for all the networks of a family that differ in nothing but their SLIP-44 number or their name.
LABELS = {
    "ethereum": "every EVM network",
    "cosmos": "cosmos and every chain of the Cosmos SDK with the number 118",
    "eos": "eos and every Antelope network",
    "polkadot": "polkadot and every Substrate network, with its own number and name",
}
OWN_LINES = {"ethereum-classic", "celo", "kaia", "bsc"}


def has_line(row: Network) -> bool:
    if row.testnet:
        return False
    shared = row.family in ("evm", "antelope", "substrate") or (row.family == "cosmos" and row.slip44 == 118)
    return not shared or row.name in LABELS or row.name in OWN_LINES


def lines() -> list[str]:
    """The rows of the table."""
    found = []
    for row in networks():
        if has_line(row):
            known = known_paths(row)
            cells = (LABELS.get(row.name, row.name), usual(known), of(known, TRUST), of(known, LEDGER), others(known))
            found.append(f"| {' | '.join(cells)} |")
    return found


def test_the_page_has_every_line_of_the_table() -> None:
    page = PAGE.read_text("utf-8").splitlines()
    table = [line for line in page if line.startswith("| ") and line.count(" | ") == 4]
    heading, *rows = table
    assert heading.startswith("| network")
    assert rows == lines()
