"""``sign``, ``broadcast`` and ``status``: transactions that come from a file or another program."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain as joined
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import typer

from .. import registry
from ..chain import Network
from ..errors import InputError, InvalidTransaction, MultiwalletError
from ..transactions import Receipt, SignedTransaction, Status, UnsignedTransaction
from .money import print_receipt
from .opening import account_for, ask_node, endpoints, open_account, open_wallet, read_input, row_of
from .options import AccountOptions, AsJson, KeyOptions, NodeOptions, WaitOptions, grouped
from .output import SOME_FAILED, Failure, error_fields, note, print_json, print_text
from .progress import meter, working
from .secrets_input import confirm

if TYPE_CHECKING:
    from ..account import Account
    from ..wallet import Wallet

__all__ = ["broadcast", "sign", "status"]

_LONGEST_LINE: Final = 16 * 1024 * 1024
_PSBT: Final = b"psbt\xff"
_REVERTED: Final = 9

Wire = Annotated[bool, typer.Option("--wire", help="Print what the node's broadcast call takes, not raw hex.")]


@grouped
def sign(
    keys: KeyOptions,
    nodes: NodeOptions,
    chosen: AccountOptions,
    file: Annotated[str, typer.Argument(help="The transaction: a file, or - for stdin.")] = "-",
    network: Annotated[
        str | None, typer.Option(metavar="NETWORK", help="The network; a file of ours says it itself.")
    ] = None,
    lines: Annotated[
        bool, typer.Option("--lines", help="A batch: one transaction a line, signed as they come.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, max=64, metavar="N", help="With --lines: so many at once.")] = 1,
    wire: Wire = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")] = False,
    as_json: AsJson = False,
) -> int:
    """Sign a transaction and print it as raw hex (a PSBT that still lacks signatures as base64).

    It may be the JSON of `multiwallet build`, or what its ecosystem calls a transaction: a JSON object with
    eth-account's keys, a PSBT (base64, hex or binary), TRON's JSON or raw_data hex, a Solana message or
    transaction in base64. With --lines the result has a line for each item: the transaction, or `# line N: error`
    (with --json an object with "error") in its place, and the exit code is 14 if there was any such line.
    """
    if keys.mnemonic_stdin and file == "-":
        raise InputError("stdin cannot carry the mnemonic and the transaction: give one of them as a file")
    if lines:
        return _sign_lines(keys, nodes, chosen, file, network, threads, wire=wire, yes=yes, as_json=as_json)
    endpoints(nodes)
    data = read_input("the transaction", file)
    native = _native_of(data, None)
    ours = _ours(native)
    name = network or (None if ours is None else ours.network.name)
    if name is None:
        raise InputError("say which network the transaction is for with --network")
    if not isinstance(native, UnsignedTransaction):
        native = _native_of(data, registry.network(name).family)
    with open_wallet(keys, nodes, name) as wallet:
        account = _signer(wallet, ours, name, chosen, single=wallet.is_single_key)
        transaction = account.read(native)
        if not (as_json and yes):
            note(str(transaction.summary))
        if not yes:
            confirm("Sign it?")
        signed = account.sign(transaction)
    if as_json:
        print_json(_signed_fields(signed))
    else:
        print_text(_signed_text(signed, wire=wire))
    return 0


def _signer(
    wallet: Wallet, ours: UnsignedTransaction | None, name: str, chosen: AccountOptions, *, single: bool
) -> Account:
    if ours is not None and registry.network(name) == ours.network:
        return account_for(wallet, ours, chosen, single=single)
    return open_account(wallet, name, chosen)


def _native_of(data: bytes, family: str | None) -> Any:
    """What a file or line holds: a transaction of ours, a JSON object, the bytes of a PSBT, or text.

    Without ``family`` only a transaction of ours is looked for. Solana's and TRON's forms are text; TRON's JSON
    may be text as well, and its family reads it itself.
    """
    from ..codec import json_text

    if data.startswith(_PSBT):
        return data
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InvalidTransaction("the transaction is neither text nor a binary PSBT") from None
    if not text:
        raise InvalidTransaction("there is no transaction: the input is empty")
    if not text.startswith("{"):
        return text
    if '"multiwallet"' in text[:200]:
        return UnsignedTransaction.from_json(text)
    if family == "tron":
        return text
    return json_text.parse(text, unique=True) if family is not None else text


def _ours(native: Any) -> UnsignedTransaction | None:
    return native if isinstance(native, UnsignedTransaction) else None


def _signed_fields(signed: SignedTransaction) -> dict[str, Any]:
    return {
        "network": signed.network.name,
        "txid": signed.txid,
        "complete": signed.complete,
        "raw": signed.hex(),
        "wire": signed.to_wire(),
        "expiry": signed.expiry,
    }


def _signed_text(signed: SignedTransaction, *, wire: bool) -> str:
    if not wire and signed.complete:
        return signed.hex()
    form = signed.to_wire()
    return form if isinstance(form, str) else json.dumps(form)


# -- many, a line each -----------------------------------------------------------------------------------------


def _sign_lines(
    keys: KeyOptions,
    nodes: NodeOptions,
    chosen: AccountOptions,
    file: str,
    network: str | None,
    threads: int,
    *,
    wire: bool,
    yes: bool,
    as_json: bool,
) -> int:
    endpoints(nodes)
    failed = 0
    with _lines(file) as (found, total):
        first = next(found, None)
        if first is None:
            raise InvalidTransaction("there is no transaction: the input is empty")
        source = joined([first], found)
        ours = _first_of_ours(first[1])
        name = network or (None if ours is None else ours.network.name)
        if name is None:
            raise InputError("say which network the transactions are for with --network")
        family = registry.network(name).family
        with open_wallet(keys, nodes, name) as wallet:
            account = _signer(wallet, ours, name, chosen, single=wallet.is_single_key)
            if not yes:
                confirm(f"Sign every transaction of this batch as {account.address}, without showing them?")
            numbers: deque[tuple[int, MultiwalletError | None]] = deque()

            def items() -> Iterator[Any]:
                for number, line in source:
                    try:
                        item = _native_of(line, family)
                    except MultiwalletError as error:
                        numbers.append((number, error))
                        item = ""  # refused by every family, so that results and lines stay in step
                    else:
                        numbers.append((number, None))
                    yield item

            with meter("signed", total, quiet=as_json, streaming=True) as shown:
                for result in account.sign_batch(items(), threads=threads):
                    number, unreadable = numbers.popleft()
                    outcome = unreadable or result
                    failed += isinstance(outcome, MultiwalletError)
                    _print_line(number, outcome, wire=wire, as_json=as_json)
                    shown.advance()
    sys.stdout.flush()
    if failed:
        if not as_json:
            note(f"{failed:,} of {shown.done:,} could not be signed")
        return SOME_FAILED
    return 0


def _first_of_ours(line: bytes) -> UnsignedTransaction | None:
    try:
        return _ours(_native_of(line, None))
    except MultiwalletError:
        return None


def _print_line(number: int, outcome: SignedTransaction | MultiwalletError, *, wire: bool, as_json: bool) -> None:
    if as_json:
        fields = {"error": error_fields(outcome)} if isinstance(outcome, MultiwalletError) else _signed_fields(outcome)
        text = json.dumps({"line": number, **fields})
    elif isinstance(outcome, MultiwalletError):
        message = " ".join(outcome.message.split())
        text = f"# line {number}: {outcome.code}: {ascii(message)[1:-1]}"
    else:
        text = _signed_text(outcome, wire=wire)
    sys.stdout.write(text + "\n")


@contextmanager
def _lines(file: str) -> Iterator[tuple[Iterator[tuple[int, bytes]], int | None]]:
    """The lines that hold something, numbered from one, and how many there are where that can be known."""
    if file == "-":
        yield _numbered(sys.stdin.buffer), None
        return
    try:
        opened = open(file, "rb")  # noqa: SIM115  # closed below, and the error of opening it is told apart
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise InputError(f"cannot read the transactions: {reason}") from None
    with opened:
        total = None
        if stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            total = sum(1 for _ in _numbered(opened))
            opened.seek(0)
        yield _numbered(opened), total


def _numbered(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while True:
        try:
            line = stream.readline(_LONGEST_LINE + 1)
        except OSError as error:
            raise InputError(f"cannot read the transactions: {error.strerror or 'reading failed'}") from None
        if not line:
            return
        number += 1
        if len(line) > _LONGEST_LINE:
            raise InputError(
                f"line {number} is longer than {_LONGEST_LINE // 2**20} MiB: this is no list of transactions"
            )
        if line.strip():
            yield number, line


# -- without keys ----------------------------------------------------------------------------------------------


@grouped
def broadcast(
    nodes: NodeOptions,
    follow: WaitOptions,
    file: Annotated[str, typer.Argument(help="The signed transaction: a file, or - for stdin.")] = "-",
    network: Annotated[
        str | None, typer.Option(metavar="NETWORK", help="The network; the JSON of `sign --json` says it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hand a signed transaction to the network. The same bytes twice do no harm. Needs no key."""
    from ..codec import json_text

    endpoints(nodes)
    data = read_input("the signed transaction", file)
    wire: Any = data
    if not data.startswith(_PSBT):
        try:
            wire = data.decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            raise InvalidTransaction("the signed transaction is text: hex, base64 or JSON") from None
        if wire.startswith("{"):
            wire = json_text.parse(wire, unique=True)
            if "raw" in wire and "network" in wire:  # what `sign --json` printed
                network, wire = network or str(wire["network"]), wire["raw"]
    if network is None:
        raise InputError("say which network the transaction is for with --network")
    row = row_of(network, nodes)
    chain = registry.chain(row)
    signed = chain.parse_signed(row, wire)
    if not signed.complete:
        raise InvalidTransaction("the transaction still lacks signatures: let the other signers add theirs first")
    try:
        with working(f"sending {signed.txid}"):
            receipt = ask_node(row, chain.broadcast(row, signed))
        if follow.wait:
            receipt = _follow(row, signed.txid, follow, signed.expiry)
    except MultiwalletError as error:
        raise Failure(error, txid=signed.txid) from error
    _print(receipt, as_json=as_json)


@grouped
def status(
    nodes: NodeOptions,
    txid: Annotated[str, typer.Argument(help="The transaction's id, as explorers show it.")],
    network: Annotated[str, typer.Option(metavar="NETWORK", help="The network.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is included.")] = False,
    confirmations: Annotated[int, typer.Option(min=1, metavar="N", help="With --wait: so many confirmations.")] = 1,
    timeout: Annotated[int, typer.Option(min=1, metavar="N", help="With --wait: seconds at most.")] = 300,
    expiry: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="The expiry that `sign --json` told, if any.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Say where a transaction stands. One that was included and failed gives the exit code 9. Needs no key."""
    row = row_of(network, nodes)
    if wait:
        receipt = _follow(row, txid, WaitOptions(True, confirmations, timeout), expiry)
    else:
        with working(f"asking {row.title}"):
            receipt = ask_node(row, registry.chain(row).status(row, txid, expiry=expiry))
    _print(receipt, as_json=as_json)
    return _REVERTED if receipt.status is Status.FAILED else 0


def _follow(row: Network, txid: str, follow: WaitOptions, expiry: int | None) -> Receipt:
    operation = registry.chain(row).wait(
        row, txid, confirmations=follow.confirmations, timeout=follow.timeout, expiry=expiry
    )
    with working(f"waiting for {txid}"):
        return ask_node(row, operation)


def _print(receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json(receipt.to_dict())
    else:
        print_receipt(receipt)
