"""From options to wallets, accounts and nodes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .. import registry
from ..chain import Network
from ..errors import InputError, MultiwalletError
from .options import AccountOptions, KeyOptions, NodeOptions
from .secrets_input import ask_hidden, has_terminal, read_secret_file, read_secret_stdin
from .vault_opening import vault_wallet

if TYPE_CHECKING:
    from ..account import Account
    from ..ops import Op
    from ..transactions import UnsignedTransaction
    from ..wallet import Wallet

__all__ = [
    "account_for",
    "ask_node",
    "endpoints",
    "native_options",
    "open_account",
    "open_wallet",
    "read_input",
    "row_of",
]

T = TypeVar("T")

_LARGEST_INPUT: Final = 64 * 1024 * 1024


def endpoints(nodes: NodeOptions) -> dict[str, list[str]]:
    """The URLs of ``--endpoint`` by the network's id; loads the files of ``--networks-file`` first."""
    for file in nodes.networks_file or ():
        registry.load_networks(file, override=True)
    found: dict[str, list[str]] = {}
    for item in nodes.endpoint or ():
        name, sign, url = item.partition("=")
        if not sign or not url.removeprefix("core+").startswith(("http://", "https://")):
            raise InputError("an --endpoint is NETWORK=URL, such as ethereum=http://127.0.0.1:8545")
        found.setdefault(registry.network(name).id, []).append(url)
    return found


@contextmanager
def open_wallet(keys: KeyOptions, nodes: NodeOptions, network: str | Network | None) -> Iterator[Wallet]:
    """The wallet that the options describe; its keys are wiped at the end.

    ``network`` is whose key a single private key or an extended public key is.
    """
    from ..keys.mnemonic import Mnemonic
    from ..wallet import Wallet

    urls = endpoints(nodes)
    files = [keys.mnemonic_file, keys.private_key_file, keys.vault]
    if sum((*(file is not None for file in files), keys.mnemonic_stdin, bool(keys.xpub))) > 1:
        raise InputError("give one of --mnemonic-file, --mnemonic-stdin, --private-key-file, --xpub and --vault")
    if keys.vault is not None:
        if keys.passphrase or keys.passphrase_file is not None:
            raise InputError("the vault keeps a mnemonic together with its BIP-39 passphrase: leave the option out")
        with vault_wallet(keys.vault, keys.entry, keys, urls) as wallet:
            yield wallet
        return
    if keys.entry is not None:
        raise InputError("--entry names an entry of a vault: say which with --vault")
    if keys.xpub or keys.private_key_file is not None:
        if keys.passphrase or keys.passphrase_file is not None:
            raise InputError("a passphrase belongs to a mnemonic: a single key or an xpub has none")
        if network is None:
            raise InputError("say whose key it is with --network")
        if keys.xpub:
            wallet = Wallet.from_xpub(network, keys.xpub.strip(), endpoints=urls)
        else:
            text = read_secret_file("--private-key-file", keys.private_key_file or "")
            wallet = Wallet.from_private_key(network, text.strip(), endpoints=urls)
    else:
        with Mnemonic(_phrase(keys), keys.language) as mnemonic:
            wallet = Wallet.from_mnemonic(mnemonic, _passphrase(keys), endpoints=urls)
    with wallet:
        yield wallet


def _phrase(keys: KeyOptions) -> str:
    if keys.mnemonic_file is not None:
        return read_secret_file("--mnemonic-file", keys.mnemonic_file)
    if keys.mnemonic_stdin:
        return read_secret_stdin("--mnemonic-stdin")
    held = os.environ.get("MULTIWALLET_MNEMONIC")
    if held:
        return held
    if not has_terminal():
        raise InputError(
            "no mnemonic: there is no terminal to ask at, so use --mnemonic-file, --mnemonic-stdin "
            "or the environment variable MULTIWALLET_MNEMONIC"
        )
    return ask_hidden("Mnemonic (hidden)")


def _passphrase(keys: KeyOptions) -> str:
    if keys.passphrase and keys.passphrase_file is not None:
        raise InputError("give --passphrase or --passphrase-file, not both")
    if keys.passphrase_file is not None:
        text = read_secret_file("--passphrase-file", keys.passphrase_file)
        return text.removesuffix("\n").removesuffix("\r")  # the end of the line, but no space that is part of it
    if keys.passphrase:
        if not has_terminal():
            raise InputError("there is no terminal to ask for the passphrase at: use --passphrase-file")
        return ask_hidden("Passphrase (hidden)")
    return os.environ.get("MULTIWALLET_PASSPHRASE", "")


def open_account(wallet: Wallet, network: str | Network, chosen: AccountOptions) -> Account:
    """The account that the options name."""
    return wallet.account(network, index=chosen.index, account=chosen.account, path=chosen.path, kind=chosen.kind)


def account_for(wallet: Wallet, transaction: UnsignedTransaction, chosen: AccountOptions, *, single: bool) -> Account:
    """The account that is to sign a transaction of ours: the one the options name, else the one its file names."""
    from ..path import HARDENED

    paths = [request.path for request in transaction.requests if request.path is not None]
    if chosen.named or single or not paths:
        return open_account(wallet, transaction.network, chosen)
    chain, path = registry.chain(transaction.network), paths[0]
    if not chain.whole_accounts:
        return wallet.account(transaction.network, path=path)
    steps = tuple(path)
    if len(steps) == 5 and steps[2] >= HARDENED:
        return wallet.account(transaction.network, account=steps[2] - HARDENED, kind=chain.kind_of(path))
    return wallet.account(transaction.network, path=path)


def row_of(network: str, nodes: NodeOptions) -> Network:
    """The row of a network with the endpoints that the options give it."""
    urls = endpoints(nodes)
    row = registry.network(network)
    return row.with_endpoints(urls[row.id]) if row.id in urls else row


def ask_node(row: Network, operation: Op[T]) -> T:
    """Run an operation that needs a node of the network and no key, once the node has said that it is one."""
    from ..ops import run
    from ..transport import HttpTransport

    with HttpTransport({row.id: row.endpoints}) as transport:
        try:
            run(registry.chain(row).identify(row), transport.perform)
        except BaseException:
            operation.close()
            raise
        return run(operation, transport.perform)


def native_options(items: Sequence[str] | None) -> dict[str, Any]:
    """The values of ``--native NAME=VALUE``: whole numbers, true and false, JSON lists and objects, else text.

    >>> native_options(["nonce=7", "fee_rate=2.5", "rbf=false"])
    {'nonce': 7, 'fee_rate': '2.5', 'rbf': False}
    """
    from ..codec import json_text

    found: dict[str, Any] = {}
    for item in items or ():
        name, sign, value = item.partition("=")
        if not sign or not name.isidentifier():
            raise InputError("a --native option is NAME=VALUE, such as nonce=7")
        try:
            found[name] = json_text.parse(value)
        except MultiwalletError:
            found[name] = value
    return found


def read_input(what: str, name: str) -> bytes:
    """A file that is no secret, or stdin for ``-``; at most 64 MiB."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_LARGEST_INPUT + 1)
        else:
            with open(name, "rb") as file:
                data = file.read(_LARGEST_INPUT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise InputError(f"cannot read {what}: {reason}") from None
    if len(data) > _LARGEST_INPUT:
        raise InputError(f"{what} is longer than {_LARGEST_INPUT // 2**20} MiB")
    return data
