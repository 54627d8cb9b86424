"""``sign-message`` and ``verify-message``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import registry
from ..errors import InputError, InvalidMessage
from .opening import endpoints, open_account, open_wallet, read_input
from .options import AccountOptions, AsJson, KeyOptions, NodeOptions, grouped
from .output import BAD_SIGNATURE, print_json, print_text

if TYPE_CHECKING:
    from ..account import Account

__all__ = ["sign_message", "verify_message"]

Message = Annotated[str | None, typer.Argument(help="The text, exactly as it is to be signed.")]
MessageFile = Annotated[
    str | None,
    typer.Option("--message-file", metavar="FILE", help="Read the text from a file instead, or - for stdin."),
]
Hex = Annotated[bool, typer.Option("--hex", help="The message is bytes, written in hex.")]
Typed = Annotated[
    str | None,
    typer.Option(
        "--typed-data", metavar="FILE", help="Typed data (EIP-712, TIP-712) instead: its JSON, or - for stdin."
    ),
]


def _message(text: str | None, file: str | None, typed: str | None, *, as_hex: bool) -> str | bytes:
    if sum(given is not None for given in (text, file, typed)) != 1:
        raise InputError("give one message: the text itself, --message-file or --typed-data")
    if typed is not None:
        if as_hex:
            raise InputError("typed data is JSON, not hex")
        return _decoded(read_input("the typed data", typed))
    if file is not None:
        text = _decoded(read_input("the message", file))
    assert text is not None
    if not as_hex:
        return text
    try:
        return bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError:
        raise InvalidMessage("the message is not hex: leave --hex out to sign it as text") from None


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidMessage("the message is no UTF-8 text: give bytes in hex, with --hex") from None


@grouped
def sign_message(
    keys: KeyOptions,
    nodes: NodeOptions,
    chosen: AccountOptions,
    network: Annotated[str, typer.Option(metavar="NETWORK", help="The network.")],
    message: Message = None,
    message_file: MessageFile = None,
    as_hex: Hex = False,
    typed_data: Typed = None,
    form: Annotated[
        str | None,
        typer.Option(metavar="FORM", help="Where a chain has several: bip137, bip322 (Bitcoin), offchain (Solana)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign a message as this ecosystem's wallets do (EIP-191, BIP-137 or BIP-322, TIP-191, Solana).

    A signature can be worth money: sign only what you understand.
    """
    if keys.mnemonic_stdin and "-" in (message_file, typed_data):
        raise InputError("stdin cannot carry the mnemonic and the message: give one of them as a file")
    text = _message(message, message_file, typed_data, as_hex=as_hex)
    with open_wallet(keys, nodes, network) as wallet:
        account = open_account(wallet, network, chosen)
        signature = _signature(account, text, form, typed=typed_data is not None)
    if as_json:
        print_json({"network": account.network.name, "address": account.address, "signature": signature})
    else:
        print_text(signature)


def _signature(account: Account, text: str | bytes, form: str | None, *, typed: bool) -> str:
    if typed:
        return account.sign_typed_data(_object(text))
    named: dict[str, Any] = {} if form is None else {"form": form}
    return account.sign_message(text, **named)


def _object(text: str | bytes) -> Any:
    from ..codec import json_text

    return json_text.parse(text, unique=True)


@grouped
def verify_message(
    nodes: NodeOptions,
    network: Annotated[str, typer.Option(metavar="NETWORK", help="The network.")],
    address: Annotated[str, typer.Option(metavar="ADDRESS", help="Who is said to have signed.")],
    signature: Annotated[str, typer.Option(metavar="SIGNATURE", help="The signature, as `sign-message` prints it.")],
    message: Message = None,
    message_file: MessageFile = None,
    as_hex: Hex = False,
    typed_data: Typed = None,
    as_json: AsJson = False,
) -> int:
    """Say whether a message was signed by an address; the exit code is 13 if not. Needs no key and no node."""
    endpoints(nodes)
    text = _message(message, message_file, typed_data, as_hex=as_hex)
    row = registry.network(network)
    chain = registry.chain(row)
    canonical = chain.parse_address(row, address)
    if typed_data is not None:
        valid = chain.verify_typed_data(row, canonical, _object(text), signature)
    else:
        valid = chain.verify_message(row, canonical, text, signature)
    if as_json:
        print_json({"network": row.name, "address": canonical, "valid": valid})
    else:
        print_text("valid" if valid else "not valid")
    return 0 if valid else BAD_SIGNATURE
