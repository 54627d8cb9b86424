"""``discover``: the accounts that a phrase has been used with, in whatever wallet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError, MultiwalletError
from ..transactions import amount_dict
from .opening import endpoints, open_wallet
from .options import AsJson, KeyOptions, NodeOptions, grouped
from .output import SOME_FAILED, error_fields, note, print_json, print_table
from .progress import meter

if TYPE_CHECKING:
    from ..account import Account
    from ..discovery import Discovery, FoundAccount

__all__ = ["discover"]


@grouped
def discover(
    keys: KeyOptions,
    nodes: NodeOptions,
    network: Annotated[
        list[str] | None,
        typer.Option(metavar="NETWORK", help="A network; repeat for more. Every main network in service else."),
    ] = None,
    gap: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="So many unused accounts in a row end a path.")
    ] = 5,
    account_gap: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="The same for Bitcoin's whole accounts.")
    ] = 1,
    asset: Annotated[
        list[str] | None,
        typer.Option(metavar="ASSET", help="A token to look for as well, by its CAIP-19 id; repeat for more."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Find the accounts that a phrase has been used with, by the paths that wallets use.

    A network that does not answer is reported and does not hide the others.
    """
    endpoints(nodes)
    assets: dict[str, list[str]] = {}
    for text in asset or ():
        if "/" not in text:
            raise InputError("an --asset is named by its CAIP-19 id here, such as eip155:1/erc20:0x...")
        assets.setdefault(text.split("/", 1)[0], []).append(text)
    with open_wallet(keys, nodes, None) as wallet:
        asked: dict[str, int] = {}
        with meter("accounts", quiet=as_json) as shown:

            def progress(name: str, total: int, _: int) -> None:
                shown.advance(total - asked.get(name, 0))
                asked[name] = total

            result = wallet.discover(network, gap=gap, account_gap=account_gap, assets=assets, progress=progress)
        _print(result, as_json=as_json)
    return SOME_FAILED if result.failed else 0


def _print(result: Discovery[Account], *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "accounts": [_fields(found) for found in result.accounts],
                "failed": [_failure(*item) for item in result.failed.items()],
                "asked": result.asked,
            }
        )
        return
    rows = ((one.network.name, one.path, one.account.address, _held(one), _by(one)) for one in result.accounts)
    print_table(("network", "path", "address", "holds", "wallets"), rows)
    for (name, path), error in result.failed.items():
        note(f"{name}{f', {path}' if path else ''}: {error.message}")
    if not result.accounts:
        note(f"none of {result.asked} accounts has been used, as far as their chains tell")


def _held(found: FoundAccount[Account]) -> str:
    held = [found.balance, *found.tokens.values()]
    return ", ".join(str(balance.total) for balance in held if balance.total.units) or "nothing any more"


def _by(found: FoundAccount[Account]) -> str:
    return ", ".join(found.wallets)


def _fields(found: FoundAccount[Account]) -> dict[str, Any]:
    return {
        "network": found.network.name,
        "id": found.account.id,
        "path": found.path,
        "kind": found.kind or None,
        "address": found.account.address,
        "wallets": list(found.wallets),
        "total": amount_dict(found.balance.total),
        "tokens": [amount_dict(balance.total) for balance in found.tokens.values()],
    }


def _failure(place: tuple[str, str], error: MultiwalletError) -> dict[str, Any]:
    name, path = place
    return {"network": name, "path": path or None, "error": error_fields(error)}
