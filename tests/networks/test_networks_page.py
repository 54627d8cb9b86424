"""docs/networks.md is what scripts/networks_page.py writes today, says of each row what is true, and the README shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import multiwallet

pytestmark = pytest.mark.usefixtures("packaged_networks")

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "networks_page.py"
PAGE = ROOT / "docs" / "networks.md"
README = ROOT / "README.md"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_the_page_is_up_to_date() -> None:
    ended = run("--check")
    assert ended.returncode == 0, f"run python scripts/networks_page.py {ended.stderr[-2000:]}"


@pytest.fixture(scope="module")
def lines() -> dict[str, list[str]]:
    """The cells of each network's line, by its name."""
    found = {}
    for line in PAGE.read_text("utf-8").splitlines():
        match = re.match(r"\| `([a-z0-9-]+)`", line)
        if match:
            found[match[1]] = [cell.strip() for cell in line.strip("|").split("|")]
    return found


def test_every_network_has_one_line(lines: dict[str, list[str]]) -> None:
    assert set(lines) == {row.name for row in multiwallet.networks()}
    assert {len(cells) for cells in lines.values()} == {9}


@pytest.mark.parametrize("row", multiwallet.networks(), ids=lambda row: row.name)
def test_a_line_says_what_the_library_does(row: multiwallet.Network, lines: dict[str, list[str]]) -> None:
    """What is known of whole families, stated here once more and not read from their code."""
    name, identity, _, balance, send, tokens, messages, outbox, _ = lines[row.name]
    assert identity == f"`{row.id}`"
    assert (f"({row.status})" in name) is (row.status != "active")
    assert (balance, send) in {("yes", "yes"), ("-", "-")}
    if row.status == "derive-only":
        assert (send, tokens, messages, outbox) == ("-", "-", "-", "-")
    if row.family == "evm" and row.status != "derive-only":
        assert (send, tokens, messages, outbox) == ("yes", "yes", "yes, typed", "nonce")
    if row.family == "bitcoin":
        assert (send, tokens, messages, outbox) == ("yes", "-", "yes", "coins")


def test_the_readme_links_the_page_and_shows_the_families() -> None:
    text = README.read_text("utf-8")
    assert "(docs/networks.md)" in text
    summary = run("--summary")
    assert summary.returncode == 0, summary.stderr[-2000:]
    missing = [line for line in summary.stdout.splitlines() if line not in text]
    assert not missing, "the README's table of families is what scripts/networks_page.py --summary prints"
