"""From options to an open vault: where it is, and with what it is unlocked."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ..errors import InputError
from .output import note
from .secrets_input import ask_hidden, has_terminal, read_secret_file, write_secret_file

if TYPE_CHECKING:
    from ..vault import Unlocked, Vault
    from ..wallet import Wallet

__all__ = [
    "NewSlotOptions",
    "UnlockOptions",
    "factors",
    "first_line",
    "fresh_passphrase",
    "make_key_file",
    "new_factors",
    "open_vault",
    "read_shares",
    "unlock",
    "vault_path",
    "vault_wallet",
]

_PANEL: Final = "Vault (the default is a hidden prompt for its passphrase)"
_SUFFIX: Final = ".mwvault"


@dataclass(frozen=True, slots=True)
class UnlockOptions:
    """With what a vault is unlocked."""

    vault_passphrase_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Read the vault's passphrase from a file.", rich_help_panel=_PANEL),
    ] = None
    vault_key_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="A key file of the vault.", rich_help_panel=_PANEL)
    ] = None
    vault_keyring: Annotated[
        bool, typer.Option("--vault-keyring", help="Use the system's keyring.", rich_help_panel=_PANEL)
    ] = False
    vault_recipient_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Your private recipient key.", rich_help_panel=_PANEL)
    ] = None
    vault_fido2: Annotated[
        bool, typer.Option("--vault-fido2", help="Use a FIDO2 authenticator.", rich_help_panel=_PANEL)
    ] = False
    vault_shares_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="SLIP-39 recovery shares, one a line.", rich_help_panel=_PANEL),
    ] = None
    vault_slot: Annotated[
        str | None, typer.Option(metavar="LABEL", help="The slot to try, by label or id.", rich_help_panel=_PANEL)
    ] = None


@dataclass(frozen=True, slots=True)
class NewSlotOptions:
    """With what a new slot opens; what is given here is needed together."""

    label: Annotated[str, typer.Option(help="What the slot is called (public).")] = ""
    new_passphrase_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read the new passphrase from a file; a prompt else.")
    ] = None
    no_passphrase: Annotated[bool, typer.Option("--no-passphrase", help="The slot asks for none.")] = False
    key_file: Annotated[str | None, typer.Option(metavar="FILE", help="Ask for this key file as well.")] = None
    keyring: Annotated[bool, typer.Option("--keyring", help="Ask the system's keyring as well.")] = False
    recipient: Annotated[
        str | None, typer.Option(metavar="HEX", help="Ask for this public key's owner (X25519) as well.")
    ] = None
    fido2: Annotated[bool, typer.Option("--fido2", help="Ask for a FIDO2 authenticator as well.")] = False


def vault_path(name: str) -> str:
    """Where a vault is: a path as it stands, or a name in the user's data folder (XDG_DATA_HOME).

    >>> vault_path("./main.mwvault")
    './main.mwvault'
    """
    if os.sep in name or name.endswith(_SUFFIX):
        return name
    if not name or name.startswith("."):
        raise InputError("a vault has a name, or a path with a / in it")
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(data, "multiwallet", "vaults", name + _SUFFIX)


def open_vault(name: str) -> Vault:
    """The public parts of a vault."""
    from ..vault import Vault

    return Vault.open(vault_path(name))


def unlock(vault: Vault, options: UnlockOptions) -> Unlocked:
    """Unlock a vault with what the options name, and with its passphrase where no slot does without."""
    opened: Unlocked = vault.unlock(**factors(vault, options))
    return opened


@contextmanager
def vault_wallet(
    name: str, entry: str | None, options: UnlockOptions, urls: Mapping[str, Sequence[str]]
) -> Iterator[Wallet]:
    """The wallet of an entry; of the only one where none is named."""
    with unlock(open_vault(name), options) as opened:
        names = opened.names()
        if entry is None and len(names) != 1:
            raise InputError("say which entry of the vault with --entry: `multiwallet vault list` shows them")
        with opened.wallet(names[0] if entry is None else entry, endpoints=urls) as wallet:
            yield wallet


def factors(vault: Vault, options: UnlockOptions, *, always_ask: bool = False) -> dict[str, Any]:
    """The keywords of :meth:`Vault.unlock`; the passphrase among them where it is needed, or always."""
    from ..vault import harden_process

    harden_process()
    found: dict[str, Any] = {"slot": options.vault_slot}
    given: set[str] = set()
    if options.vault_key_file is not None:
        found["key_file"] = options.vault_key_file
        given.add("key file")
    if options.vault_keyring:
        found["keyring"] = True
        given.add("keyring")
    if options.vault_recipient_file is not None:
        found["recipient_key"] = read_secret_file("--vault-recipient-file", options.vault_recipient_file)
        given.add("recipient key")
    if options.vault_fido2:
        found["fido2"] = authenticator()
        given.add("FIDO2")
    if options.vault_shares_file is not None:
        found["shares"] = read_shares("--vault-shares-file", options.vault_shares_file)
        given.add("recovery shares")
    enough = not always_ask and any(set(slot.factors) <= given for slot in vault.slots)
    if options.vault_passphrase_file is not None or not enough:
        found["passphrase"] = _passphrase(options)
    return found


def new_factors(options: NewSlotOptions) -> dict[str, Any]:
    """The keywords for a new slot: those of :meth:`Vault.create` and :meth:`Unlocked.add_slot`."""
    if options.no_passphrase and options.new_passphrase_file is not None:
        raise InputError("give --new-passphrase-file or --no-passphrase, not both")
    found: dict[str, Any] = {
        "label": options.label, "key_file": options.key_file, "keyring": options.keyring, "recipient": options.recipient,
    }  # fmt: skip
    if options.fido2:
        found["fido2"] = authenticator()
    if not options.no_passphrase:
        found["passphrase"] = fresh_passphrase(options.new_passphrase_file)
    return found


def fresh_passphrase(file: str | None) -> str:
    """A passphrase that is being chosen: from a file, or asked for twice."""
    if file is not None:
        return first_line("--new-passphrase-file", file)
    if not has_terminal():
        raise InputError("there is no terminal to ask for the new passphrase at: use --new-passphrase-file")
    chosen = ask_hidden("New passphrase of the vault (hidden)")
    if ask_hidden("The same again") != chosen:
        raise InputError("the two passphrases differ: nothing was changed")
    return chosen


def _passphrase(options: UnlockOptions) -> str:
    if options.vault_passphrase_file is not None:
        return first_line("--vault-passphrase-file", options.vault_passphrase_file)
    held = os.environ.get("MULTIWALLET_VAULT_PASSPHRASE")
    if held:
        return held
    if not has_terminal():
        raise InputError(
            "no passphrase for the vault: there is no terminal to ask at, so use --vault-passphrase-file, "
            "--vault-key-file, --vault-keyring or the environment variable MULTIWALLET_VAULT_PASSPHRASE"
        )
    return ask_hidden("Passphrase of the vault (hidden)")


def first_line(option: str, name: str) -> str:
    """The text of a secret file without the end of its line, but with every space that is part of it."""
    return read_secret_file(option, name).removesuffix("\n").removesuffix("\r")


def read_shares(option: str, name: str) -> list[str]:
    """The phrases of a file, one a line."""
    return [line for line in read_secret_file(option, name).splitlines() if line.strip()]


def authenticator() -> Any:
    """A FIDO2 authenticator that asks at the terminal."""
    from ..vault import Fido2Authenticator

    return Fido2Authenticator(
        pin=lambda: ask_hidden("PIN of the authenticator (hidden)") if has_terminal() else None,
        touch=lambda: note("touch the authenticator"),
    )


def make_key_file(option: str, name: str) -> bytes:
    """Make a new file with 32 random bytes as hex; its bytes."""
    key = secrets.token_bytes(32)
    write_secret_file(option, name, key.hex() + "\n")
    return key
