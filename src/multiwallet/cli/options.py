"""Options that several commands share, in groups, and what spreads a group over a command's parameters."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, TypeAlias, TypeVar, get_type_hints

import typer

from .vault_opening import UnlockOptions

__all__ = ["AccountOptions", "AsJson", "KeyOptions", "NodeOptions", "PaymentOptions", "WaitOptions", "grouped"]

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON; errors too, on stderr.")]


@dataclass(frozen=True, slots=True)
class KeyOptions(UnlockOptions):
    """Whose keys."""

    mnemonic_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Read the mnemonic from a file (mode 0600)."),
    ] = None
    mnemonic_stdin: Annotated[bool, typer.Option("--mnemonic-stdin", help="Read the mnemonic from stdin.")] = False
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for the BIP-39 passphrase.")] = False
    passphrase_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Read the BIP-39 passphrase from a file (mode 0600)."),
    ] = None
    language: Annotated[
        str | None, typer.Option(metavar="NAME", help="The mnemonic's wordlist, where several fit.")
    ] = None
    private_key_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Use a single private key from a file (mode 0600)."),
    ] = None
    xpub: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Watch only: an extended public key (xpub, zpub, ...)."),
    ] = None
    vault: Annotated[str | None, typer.Option(metavar="NAME", help="Take the keys from a vault, by name or path.")] = (
        None
    )
    entry: Annotated[str | None, typer.Option(metavar="NAME", help="The entry of the vault, where it has several.")] = (
        None
    )


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """Which nodes are asked."""

    endpoint: Annotated[
        list[str] | None,
        typer.Option(metavar="NETWORK=URL", help="Ask this node; repeat for more."),
    ] = None
    networks_file: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Add the networks of a TOML file; repeat for more."),
    ] = None


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """Which account of a network."""

    index: Annotated[int | None, typer.Option(min=0, metavar="N", help="The address index.")] = None
    account: Annotated[int | None, typer.Option(min=0, metavar="N", help="The account number.")] = None
    path: Annotated[str | None, typer.Option(metavar="PATH", help="A derivation path instead: m/44h/60h/0h/0/0.")] = (
        None
    )
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Bitcoin: p2wpkh, p2tr, p2sh-p2wpkh or p2pkh."),
    ] = None

    @property
    def named(self) -> bool:
        """Whether any of them was given."""
        return any(given is not None for given in (self.index, self.account, self.path, self.kind))


@dataclass(frozen=True, slots=True)
class PaymentOptions:
    """What is paid, and how dear it may be."""

    to: Annotated[str, typer.Option(metavar="ADDRESS", help="The recipient's address.")]
    amount: Annotated[str, typer.Option(metavar="AMOUNT", help='How much in whole units, exact: 0.1. Or "max".')]
    asset: Annotated[
        str | None, typer.Option(metavar="ASSET", help="A token by its contract, mint or CAIP-19 id; the coin without.")
    ] = None
    speed: Annotated[str, typer.Option(metavar="SPEED", help="slow, normal or fast.")] = "normal"
    max_fee: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="Refuse a higher fee (in the network's coin).")
    ] = None
    memo: Annotated[str | None, typer.Option(metavar="TEXT", help="A memo, where the chain has one.")] = None
    native: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="An option of this chain (nonce=7, fee_rate=2.5); repeat for more."),
    ] = None


@dataclass(frozen=True, slots=True)
class WaitOptions:
    """How long a transaction is followed."""

    wait: Annotated[bool, typer.Option(help="Wait until the transaction is included.")] = True
    confirmations: Annotated[int, typer.Option(min=1, metavar="N", help="Confirmations to wait for.")] = 1
    timeout: Annotated[int, typer.Option(min=1, metavar="N", help="Seconds to wait at most.")] = 300


def grouped(function: Callable[..., T]) -> Callable[..., T]:
    """Spread each parameter that is a group of options (a dataclass) into one parameter for each of its fields.

    >>> @grouped
    ... def status(txid: str, follow: WaitOptions) -> None: ...
    >>> list(inspect.signature(status).parameters)
    ['txid', 'wait', 'confirmations', 'timeout']
    """
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, type[Any]] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        hint = hints[parameter.name]
        if not (isinstance(hint, type) and is_dataclass(hint)):
            parameters.append(parameter.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        groups[parameter.name] = hint
        field_hints = get_type_hints(hint, include_extras=True)
        for field in fields(hint):
            default = inspect.Parameter.empty if field.default is MISSING else field.default
            parameters.append(
                inspect.Parameter(
                    field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=field_hints[field.name]
                )
            )

    @functools.wraps(function)
    def command(**given: Any) -> T:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        return function(**given)

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by inspect.signature
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command
