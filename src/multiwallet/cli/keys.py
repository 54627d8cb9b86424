"""``new``, ``derive`` and ``networks``: what needs no node."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from .. import registry
from ..chain import Network
from ..errors import InputError, MissingExtra, MultiwalletError
from .opening import endpoints, open_wallet
from .options import AsJson, KeyOptions, NodeOptions, grouped
from .output import SOME_FAILED, error_fields, note, print_json, print_table
from .progress import meter
from .secrets_input import write_secret_file

if TYPE_CHECKING:
    from ..account import Account
    from ..wallet import Wallet

__all__ = ["derive", "networks", "new", "rows_of"]

DEFAULT_NETWORKS: Final = ("bitcoin", "ethereum", "tron", "solana")
_CHUNK: Final = 500
_COLUMNS: Final = ("network", "path", "address")
_CSV_COLUMNS: Final = ("network", "id", "path", "address", "kind", "public_key")


def new(
    words: Annotated[int, typer.Option(metavar="N", help="12, 15, 18, 21 or 24.")] = 24,
    language: Annotated[str, typer.Option(metavar="NAME", help="The wordlist: english, japanese, ...")] = "english",
    show: Annotated[bool, typer.Option("--show", help="Print the mnemonic.")] = False,
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="Write it to a new file that only you can read.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a new mnemonic.

    It is printed only with --show, and written only with --file. Whoever has it has the money: keep it on paper.
    """
    from ..keys.mnemonic import Mnemonic

    if not show and file is None:
        raise InputError(
            "say where the mnemonic should go: --show prints it, --file FILE writes a file only you can read"
        )
    with Mnemonic.generate(words, language) as mnemonic:
        if file is not None:
            write_secret_file("--file", file, mnemonic.expose() + "\n")
        if as_json:
            made: dict[str, Any] = {"words": len(mnemonic), "language": mnemonic.language, "file": file}
            print_json(made | ({"mnemonic": mnemonic.expose()} if show else {}))
        elif show:
            print(mnemonic.expose())
        if file is not None and not as_json:
            note(f"{len(mnemonic)} words were written to {file}, mode 0600")


def rows_of(
    names: Sequence[str] | None, *, everything: bool, testnets: bool, default: Sequence[str] = DEFAULT_NETWORKS
) -> list[Network]:
    """The networks that ``--network``, ``--all`` and ``--testnets`` mean."""
    if not everything:
        if testnets:
            raise InputError("--testnets goes with --all")
        return [registry.network(name) for name in names or default]
    if names:
        raise InputError("give --network or --all, not both")
    return [row for row in registry.networks() if testnets or not row.testnet]


@grouped
def derive(
    keys: KeyOptions,
    nodes: NodeOptions,
    network: Annotated[
        list[str] | None, typer.Option(metavar="NETWORK", help="A network; repeat for more. The four main ones else.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every main network.")] = False,
    testnets: Annotated[bool, typer.Option("--testnets", help="With --all: the test networks too.")] = False,
    count: Annotated[int, typer.Option(min=1, metavar="N", help="How many addresses a network.")] = 1,
    start: Annotated[int, typer.Option(min=0, metavar="N", help="The first address's index.")] = 0,
    account: Annotated[int | None, typer.Option(min=0, metavar="N", help="The account number.")] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="Bitcoin: p2wpkh, p2tr, p2sh-p2wpkh or p2pkh.")
    ] = None,
    path: Annotated[str | None, typer.Option(metavar="PATH", help="One explicit derivation path instead.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: AsJson = False,
) -> int:
    """Show addresses, with their paths. Needs no node.

    With --all a network that cannot be shown (an optional part is not installed) is listed with the reason.
    """
    if as_csv and as_json:
        raise InputError("give --csv or --json, not both")
    if path is not None and (count != 1 or start or account is not None):
        raise InputError("--path names one address: leave --count, --start and --account out")
    endpoints(nodes)  # files with networks come before the first name is looked up
    first = network[0] if network else None
    with open_wallet(keys, nodes, first) as wallet:
        single = wallet.is_single_key
        default = (first,) if first is not None and wallet.family else DEFAULT_NETWORKS
        rows = rows_of(network, everything=everything, testnets=testnets, default=default)
        if wallet.family and everything:
            rows = [row for row in rows if row.family == wallet.family]

        failed: list[tuple[Network, MultiwalletError]] = []

        def of_row(row: Network) -> Iterator[Account]:
            fits = kind is None or kind in registry.chain(row).kinds_of(row)
            chosen = kind if fits or len(rows) == 1 else None
            if path is not None:
                yield wallet.account(row, path=path, kind=chosen)
            elif single:
                if count != 1 or start or account:
                    raise InputError("a single private key has one address a network: leave --count and --start out")
                yield wallet.account(row, kind=chosen)
            else:
                yield from _many(wallet, row, start, count, account, chosen)

        def each() -> Iterator[Account]:
            for row in rows:
                try:
                    yield from of_row(row)
                except MultiwalletError as error:
                    if not everything:
                        raise
                    failed.append((row, error))
            if failed and len(failed) == len(rows):  # one reason for all of them: say it as an error
                raise failed[0][1]

        streaming = as_json or as_csv or not sys.stdout.isatty()
        cells: Iterable[Sequence[object]] = ()
        with meter("addresses", len(rows) * count, quiet=as_json, streaming=streaming) as shown:
            accounts = _counted(each(), shown.advance)
            if as_json:
                _print_json(accounts, failed)
            elif as_csv:
                _print_csv(accounts)
            else:
                cells = ((a.network.name, "" if a.path is None else a.path, a.address) for a in accounts)
                if streaming:
                    print_table(_COLUMNS, cells)
                else:
                    cells = list(cells)  # a frame fits all of its rows, so they come first
        if not streaming:
            print_table(_COLUMNS, cells)
        if not as_json:
            for row, error in failed:
                note(f"{row.name}: {error.message}")
    return SOME_FAILED if any(not isinstance(error, MissingExtra) for _, error in failed) else 0


def _many(
    wallet: Wallet, row: Network, start: int, count: int, account: int | None, kind: str | None
) -> Iterator[Account]:
    for first in range(start, start + count, _CHUNK):  # a chunk at a time, so that a million need no memory
        size = min(_CHUNK, start + count - first)
        yield from wallet.accounts(row, start=first, count=size, account=account, kind=kind)


def _counted(accounts: Iterator[Account], advance: Any) -> Iterator[Account]:
    for account in accounts:
        yield account
        advance()


def _print_json(accounts: Iterator[Account], failed: Sequence[tuple[Network, MultiwalletError]]) -> None:
    separator = '{"addresses": [\n'
    for account in accounts:
        sys.stdout.write(separator + "  " + json.dumps(_fields(account)))
        separator = ",\n"
    listed = [{"network": row.name, "error": error_fields(error)} for row, error in failed]
    print("\n]" + (f', "failed": {json.dumps(listed)}' if listed else "") + "}")


def _print_csv(accounts: Iterator[Account]) -> None:
    writer = csv.DictWriter(sys.stdout, _CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for account in accounts:
        writer.writerow(_fields(account))


def _fields(account: Account) -> dict[str, Any]:
    return {
        "network": account.network.name,
        "id": account.id,
        "path": None if account.path is None else str(account.path),
        "address": account.address,
        "kind": account.kind or None,
        "public_key": account.public_key.hex(),
    }


@grouped
def networks(
    nodes: NodeOptions,
    family: Annotated[
        str | None, typer.Option(metavar="FAMILY", help="Only this family: bitcoin, evm, tron, solana, ...")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the networks. Endpoints are shown by their host alone, since their paths may hold keys."""
    from ..exchange import redact

    urls = endpoints(nodes)
    rows = registry.networks(family=family)
    if not rows:
        known = sorted({row.family for row in registry.networks()})
        raise InputError(f"there is no network of that family: the families are {', '.join(known)}")
    rows = [row.with_endpoints(urls.get(row.id, row.endpoints)) for row in rows]
    if as_json:
        listed = [
            {
                "name": row.name,
                "id": row.id,
                "family": row.family,
                "title": row.title,
                "symbol": row.symbol,
                "decimals": row.decimals,
                "slip44": row.slip44,
                "aliases": list(row.aliases),
                "endpoints": [redact(url) for url in row.endpoints],
                "explorer": row.explorer,
                "testnet": row.testnet,
                "status": row.status,
                "note": row.note,
            }
            for row in rows
        ]
        print_json({"networks": listed})
        return
    print_table(
        ("name", "id", "family", "coin", "title", "status"),
        ((row.name, row.id, row.family, row.symbol, row.title, row.status) for row in rows),
    )
