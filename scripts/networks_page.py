"""Write docs/networks.md: what works on each network, and how it was verified.

What a family can do is read from its code and the rows from the registry; what verified it is in the files of the
folder ``networks`` here, one a family. ``python scripts/networks_page.py`` writes the page; ``--summary`` prints the
summary for the README, ``--check`` only says whether the page is up to date.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import multiwallet
from multiwallet.chain import Chain, Network
from multiwallet.errors import Unsupported
from multiwallet.registry import chain

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "networks.md"
FAMILIES = Path(__file__).resolve().parent / "networks"
YES, NO = "yes", "-"
HEAD = """# Networks

What works on each network of the table, and how it was verified. This page is written by `scripts/networks_page.py`
from the rows, the code and the files in `scripts/networks/`; `tests/networks` checks that it is up to date. No public
endpoint was asked by any test: [how the rows were checked](../tests/networks/README.md).

* **address**: the kinds of addresses that are derived, the usual one first.
* **balance, send**: asked and paid through this library. **tokens**: so are tokens. **messages**: texts are signed and
  checked; `typed` is typed data. **outbox**: payments can go through the outbox, which pays once whatever happens, and
  what it relies on.
* **verified by**: `L` independent libraries make or read the same bytes; `E` the engine of the devnet executes them
  under the network's name (with Ethereum's rules on every EVM network, with Bitcoin's on its kin); `N` a real node or
  the network's own runtime does. Which ones these are is told for each family.
* *retired*: the network has ended or is about to; what is said here is what the code does. *derive-only*: keys and
  addresses, and nothing else.
"""


@dataclass(frozen=True)
class Family:
    """What is known of a family beside its code."""

    name: str
    place: int
    title: str
    sends: str
    oracles: str
    compared: tuple[str, ...]
    """Patterns of names, as in ``engine_networks``."""
    engine: str
    engine_networks: tuple[str, ...]
    """Patterns of names; one that starts with ``!`` takes away."""
    node: str
    node_networks: tuple[str, ...]
    rows: tuple[Network, ...]


def families() -> list[Family]:
    """The families that have rows, in the order of the page. A family without its file is a KeyError that names it."""
    rows: dict[str, list[Network]] = {}
    for row in multiwallet.networks():
        rows.setdefault(row.family, []).append(row)
    found = []
    for name, listed in rows.items():
        file = FAMILIES / f"{name}.toml"
        if not file.is_file():
            raise KeyError(f"{file.relative_to(ROOT)} is missing: it says how the family {name!r} was verified")
        data = tomllib.loads(file.read_text("utf-8"))
        data |= {key: tuple(value) for key, value in data.items() if isinstance(value, list)}
        found.append(Family(name=name, rows=tuple(listed), **data))
    return sorted(found, key=lambda family: family.place)


def has(adapter: Chain, method: str) -> bool:
    """Whether the family has a method of its own where the contract's refuses."""
    return getattr(type(adapter), method) is not getattr(Chain, method)


def is_online(adapter: Chain, row: Network) -> bool:
    """Whether the row can be asked and paid on. Operations do nothing before they are driven."""
    if row.status == "derive-only":
        return False
    try:
        adapter.identify(row)
    except Unsupported:
        return False
    return True


def covers(patterns: tuple[str, ...], name: str) -> bool:
    """Whether one of the patterns fits a name and none that starts with ``!`` does."""
    wanted = any(fnmatch(name, pattern) for pattern in patterns)
    return wanted and not any(fnmatch(name, pattern[1:]) for pattern in patterns if pattern.startswith("!"))


def cells(family: Family, row: Network) -> list[str]:
    """The columns of a network."""
    adapter = chain(row)
    online = is_online(adapter, row)
    kinds = [kind for kind in adapter.kinds_of(row) if kind]
    signs = has(adapter, "message") and has(adapter, "verify_message") and row.status != "derive-only"
    typed = signs and has(adapter, "typed_data")
    outbox = adapter.replay.value if online and adapter.replay is not None else NO
    proofs = [
        letter
        for letter, text, patterns in (
            ("L", family.oracles, family.compared),
            ("E", family.engine, family.engine_networks if online else ()),
            ("N", family.node, family.node_networks if online else ()),
        )
        if text and covers(patterns, row.name)
    ]
    status = "" if row.status == "active" else f" ({row.status})"
    return [
        f"`{row.name}`{status}",
        f"`{row.id}`",
        ", ".join(kinds) or YES,
        YES if online else NO,
        YES if online else NO,
        YES if online and has(adapter, "asset") else NO,
        ("yes, typed" if typed else YES) if signs else NO,
        outbox,
        " ".join(proofs),
    ]


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def summary(folder: str) -> str:
    """The table of the families; ``folder`` is where the pages are, as seen from the page that shows it."""
    rows = []
    for family in families():
        page = ROOT / "docs" / f"{family.name}.md"
        name = f"[{family.title}]({folder}{page.name})" if page.is_file() else family.title
        active = sum(row.status == "active" for row in family.rows)
        engine, node = family.engine or NO, family.node or NO
        rows.append([name, str(len(family.rows)), str(active), family.sends or NO, family.oracles, engine, node])
    head = ["family", "networks", "active", "sends", "compared with", "executed by", "real node"]
    return table(head, rows)


def page() -> str:
    """The whole page."""
    parts = [HEAD, "## Families\n\n" + summary("")]
    head = ["network", "id", "address", "balance", "send", "tokens", "messages", "outbox", "verified by"]
    for family in families():
        parts.append(f"## {family.title}\n\n" + table(head, [cells(family, row) for row in family.rows]))
        notes: dict[tuple[str, str], list[str]] = {}
        for row in family.rows:
            if row.note:
                notes.setdefault((row.status, row.note), []).append(f"`{row.name}`")
        if notes:
            parts.append(
                "".join(f"* {status}: {', '.join(names)}. {note}\n" for (status, note), names in notes.items())
            )
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    """Write the page, or what the arguments ask for."""
    if "--summary" in arguments:
        sys.stdout.write(summary("docs/"))
        return 0
    text = page()
    if "--check" in arguments:
        return 0 if PAGE.is_file() and PAGE.read_text("utf-8") == text else 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
