"""``balance``, ``quote``, ``build`` and ``send``: what asks a node about money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import registry
from ..chain import Network
from ..errors import InputError, MultiwalletError
from ..transactions import Balance, Receipt, amount_dict, fee_dict
from .keys import rows_of
from .opening import endpoints, native_options, open_account, open_wallet
from .options import AccountOptions, AsJson, KeyOptions, NodeOptions, PaymentOptions, WaitOptions, grouped
from .output import SOME_FAILED, Failure, error_fields, note, print_json, print_table, print_text
from .progress import working
from .secrets_input import confirm

if TYPE_CHECKING:
    from ..account import Account
    from ..wallet import Wallet

__all__ = ["balance", "build", "print_receipt", "quote", "send"]


@grouped
def balance(
    keys: KeyOptions,
    nodes: NodeOptions,
    chosen: AccountOptions,
    network: Annotated[
        list[str] | None, typer.Option(metavar="NETWORK", help="A network; repeat for more. The four main ones else.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every main network.")] = False,
    testnets: Annotated[bool, typer.Option("--testnets", help="With --all: the test networks too.")] = False,
    asset: Annotated[
        list[str] | None,
        typer.Option(metavar="ASSET", help="A token by contract, mint or CAIP-19 id; repeat for more."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show what is held, on several networks at once. One that fails does not hide the others."""
    endpoints(nodes)
    first = network[0] if network else None
    with open_wallet(keys, nodes, first) as wallet:
        default = (first,) if first is not None else ("bitcoin", "ethereum", "tron", "solana")
        rows = rows_of(network, everything=everything, testnets=testnets, default=default)
        if everything:
            rows = [row for row in rows if row.status == "active" and wallet.family in ("", row.family)]
        with working(f"asking {len(rows)} networks" if len(rows) > 1 else f"asking {rows[0].title}"):
            found = _tokens(wallet, rows, asset, chosen) if asset else _coins(wallet, rows, chosen)
    failed = sum(isinstance(held, MultiwalletError) for _, _, held in found)
    if failed and len(found) == 1:
        error = found[0][2]
        assert isinstance(error, MultiwalletError)
        raise error
    if as_json:
        print_json({"balances": [_balance_fields(*item) for item in found]})
    else:
        print_table(("network", "address", "available", "pending", "locked"), (_balance_cells(*item) for item in found))
    return SOME_FAILED if failed else 0


def _coins(
    wallet: Wallet, rows: list[Network], chosen: AccountOptions
) -> list[tuple[Network, str, Balance | MultiwalletError]]:
    if not chosen.named:
        held = wallet.portfolio([row.name for row in rows])
        return [(row, wallet.account(row).address, held[row.name]) for row in rows]
    return [_one(wallet, row, None, chosen) for row in rows]


def _tokens(
    wallet: Wallet, rows: list[Network], assets: list[str], chosen: AccountOptions
) -> list[tuple[Network, str, Balance | MultiwalletError]]:
    found = []
    for text in assets:
        if "/" in text:
            row = registry.network(text.split("/", 1)[0])
        elif len(rows) == 1:
            row = rows[0]
        else:
            raise InputError("say which network a token's contract is on: give one --network, or its CAIP-19 id")
        found.append(_one(wallet, row, text, chosen))
    return found


def _one(
    wallet: Wallet, row: Network, asset: str | None, chosen: AccountOptions
) -> tuple[Network, str, Balance | MultiwalletError]:
    account = open_account(wallet, row.name, chosen)
    try:
        return row, account.address, account.balance(asset)
    except MultiwalletError as error:
        return row, account.address, error


def _balance_fields(row: Network, address: str, held: Balance | MultiwalletError) -> dict[str, Any]:
    fields: dict[str, Any] = {"network": row.name, "address": address}
    if isinstance(held, MultiwalletError):
        return fields | {"error": error_fields(held)}
    return fields | {
        "available": amount_dict(held.available),
        "pending": amount_dict(held.pending),
        "locked": amount_dict(held.locked),
        "total": amount_dict(held.total),
    }


def _balance_cells(row: Network, address: str, held: Balance | MultiwalletError) -> tuple[object, ...]:
    if isinstance(held, MultiwalletError):
        return row.name, address, f"error ({held.code}): {held.message}", "", ""
    return row.name, address, held.available, held.pending or "", held.locked or ""


def _payment(payment: PaymentOptions) -> dict[str, Any]:
    native = native_options(payment.native)
    named = {
        "to": payment.to,
        "amount": payment.amount,
        "asset": payment.asset,
        "speed": payment.speed,
        "max_fee": payment.max_fee,
        "memo": payment.memo,
    }
    twice = sorted(set(native) & set(named))
    if twice:
        raise InputError(f"{twice[0]} is an option of its own, not a --native one")
    return named | native


Target = Annotated[str, typer.Option(metavar="NETWORK", help="The network.")]


@grouped
def quote(
    keys: KeyOptions,
    nodes: NodeOptions,
    chosen: AccountOptions,
    payment: PaymentOptions,
    network: Target,
    as_json: AsJson = False,
) -> None:
    """Say what a transfer would cost. Signs nothing."""
    asked = _payment(payment)
    with open_wallet(keys, nodes, network) as wallet:
        account = open_account(wallet, network, chosen)
        with working(f"asking {account.network.title}"):
            fee = account.quote(**asked)
    if as_json:
        print_json({"network": account.network.name, "sender": account.address, "fee": fee_dict(fee)})
    else:
        print_text(str(fee))


@grouped
def build(
    keys: KeyOptions,
    nodes: NodeOptions,
    chosen: AccountOptions,
    payment: PaymentOptions,
    network: Target,
    as_json: AsJson = False,
) -> None:
    """Make a transaction and print it as JSON, for `multiwallet sign` on another machine. Works with --xpub.

    What it does is told on stderr. The output is JSON with or without --json, which is for errors here.
    """
    asked = _payment(payment)
    with open_wallet(keys, nodes, network) as wallet:
        account = open_account(wallet, network, chosen)
        with working(f"asking {account.network.title}"):
            transaction = account.build(**asked)
    if not as_json:
        note(str(transaction.summary))
    print(transaction.to_json())


@grouped
def send(
    keys: KeyOptions,
    nodes: NodeOptions,
    chosen: AccountOptions,
    payment: PaymentOptions,
    follow: WaitOptions,
    network: Target,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send money: shows what the transaction does, read from its own bytes, and asks before signing it."""
    asked = _payment(payment)
    with open_wallet(keys, nodes, network) as wallet:
        account = open_account(wallet, network, chosen)
        with working(f"asking {account.network.title}"):
            transaction = account.build(**asked)
        summary = transaction.summary
        if not (as_json and yes):
            note(str(summary))
        if not yes:
            confirm("Sign and send it?")
        signed = account.sign(transaction)
        if not as_json:
            note(f"sending {signed.txid}")
        receipt = _deliver(account, signed, follow)
    if as_json:
        print_json(receipt.to_dict() | {"summary": summary.to_dict()})
    else:
        print_receipt(receipt)


def _deliver(account: Account, signed: Any, follow: WaitOptions) -> Receipt:
    """Broadcast and wait; from here on no failure may lose the txid."""
    try:
        receipt = account.broadcast(signed)
        if follow.wait:
            with working(f"waiting for {signed.txid}"):
                receipt = account.wait(
                    signed.txid, confirmations=follow.confirmations, timeout=follow.timeout, expiry=signed.expiry
                )
    except MultiwalletError as error:
        raise Failure(error, txid=signed.txid) from error
    return receipt


def print_receipt(receipt: Receipt) -> None:
    """A receipt for people: one fact a line."""
    lines = [f"txid           {receipt.txid}", f"status         {receipt.status.value}"]
    if receipt.block is not None:
        lines.append(f"block          {receipt.block}")
    if receipt.confirmations:
        lines.append(f"confirmations  {receipt.confirmations}{' (final)' if receipt.final else ''}")
    if receipt.fee is not None:
        lines.append(f"fee            {receipt.fee}")
    if receipt.reason:
        lines.append(f"reason         {receipt.reason}")
    print_text("\n".join(lines))
