"""``vault``: keep mnemonics, seeds, private keys and extended public keys in an encrypted file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from .options import AsJson, grouped
from .output import note, print_json, print_table
from .secrets_input import ask_hidden, confirm, has_terminal, read_secret_file, read_secret_stdin, write_secret_file
from .vault_opening import (
    NewSlotOptions,
    UnlockOptions,
    factors,
    first_line,
    fresh_passphrase,
    make_key_file,
    new_factors,
    open_vault,
    read_shares,
    unlock,
    vault_path,
)

if TYPE_CHECKING:
    from ..vault import Entry, Slot, Unlocked

__all__ = ["app"]

app = typer.Typer(
    name="vault",
    help="Keep mnemonics and keys in an encrypted file, under names.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks could show local variables, and those hold keys
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="VAULT", help="The vault: a name, or a path with a / in it.")]
EntryName = Annotated[str, typer.Argument(metavar="ENTRY", help="The name of the entry.")]


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What is added, and where it comes from."""

    mnemonic_file: Annotated[str | None, typer.Option(metavar="FILE", help="A mnemonic from a file.")] = None
    mnemonic_stdin: Annotated[bool, typer.Option("--mnemonic-stdin", help="A mnemonic from stdin.")] = False
    generate: Annotated[int | None, typer.Option(metavar="WORDS", help="A new mnemonic of so many words.")] = None
    shares_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="The mnemonic of SLIP-39 shares, one a line.")
    ] = None
    private_key_file: Annotated[str | None, typer.Option(metavar="FILE", help="A private key from a file.")] = None
    seed_file: Annotated[str | None, typer.Option(metavar="FILE", help="A seed in hex from a file.")] = None
    xpub: Annotated[str | None, typer.Option(help="An extended public key.")] = None
    network: Annotated[str | None, typer.Option(help="Whose private key or extended public key it is.")] = None
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for the BIP-39 passphrase.")] = False
    passphrase_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read the BIP-39 passphrase from a file.")
    ] = None
    language: Annotated[str | None, typer.Option(help="The mnemonic's wordlist.")] = None
    note: Annotated[str, typer.Option(help="A note, kept encrypted.")] = ""


@app.command()
@grouped
def create(name: Name, slot: NewSlotOptions, as_json: AsJson = False) -> None:
    """Make a new, empty vault."""
    from ..vault import Vault, harden_process

    harden_process()
    made = Vault.create(vault_path(name), **new_factors(slot))
    if as_json:
        print_json({"path": made.path, "id": made.id})
    else:
        note(f"the vault is {made.path}")


@app.command()
@grouped
def add(name: Name, entry: EntryName, source: SourceOptions, unlocking: UnlockOptions) -> None:
    """Add a mnemonic (from a prompt, a file, stdin, or a new one), a private key, a seed or an xpub."""
    given = [
        source.mnemonic_file is not None, source.mnemonic_stdin, source.generate is not None,
        source.shares_file is not None, source.private_key_file is not None, source.seed_file is not None,
        source.xpub is not None,
    ]  # fmt: skip
    if sum(given) > 1:
        raise InputError("add one thing at a time: give one file, or --generate, or --xpub")
    with unlock(open_vault(name), unlocking) as opened:
        _add(opened, entry, source)
    note(f"{entry} is in the vault")


def _add(opened: Unlocked, entry: str, source: SourceOptions) -> None:
    if source.private_key_file is not None or source.xpub is not None:
        if source.network is None:
            raise InputError("say whose key it is with --network")
        if source.xpub is not None:
            opened.add_xpub(entry, source.network, source.xpub, note=source.note)
        else:
            key = read_secret_file("--private-key-file", source.private_key_file or "")
            opened.add_private_key(entry, source.network, key, note=source.note)
        return
    if source.seed_file is not None:
        try:
            seed = bytes.fromhex(read_secret_file("--seed-file", source.seed_file))
        except ValueError:
            raise InputError("the file given with --seed-file holds no hex") from None
        opened.add_seed(entry, seed, note=source.note)
        return
    if source.shares_file is not None:
        shares = read_shares("--shares-file", source.shares_file)
        opened.add_from_shares(entry, shares, passphrase=_passphrase(source), language=source.language or "english")
        return
    from ..keys.mnemonic import Mnemonic

    if source.generate is not None:
        words = Mnemonic.generate(source.generate, source.language or "english")
    else:
        words = Mnemonic(_phrase(source), source.language)
    with words:
        opened.add_mnemonic(entry, words, _passphrase(source), note=source.note)


def _phrase(source: SourceOptions) -> str:
    if source.mnemonic_file is not None:
        return read_secret_file("--mnemonic-file", source.mnemonic_file)
    if source.mnemonic_stdin:
        return read_secret_stdin("--mnemonic-stdin")
    if not has_terminal():
        raise InputError("no mnemonic: there is no terminal to ask at, so use --mnemonic-file or --mnemonic-stdin")
    return ask_hidden("Mnemonic (hidden)")


def _passphrase(source: SourceOptions) -> str:
    if source.passphrase_file is not None:
        return first_line("--passphrase-file", source.passphrase_file)
    return ask_hidden("BIP-39 passphrase (hidden)") if source.passphrase else ""


@app.command("list")
@grouped
def list_entries(name: Name, unlocking: UnlockOptions, as_json: AsJson = False) -> None:
    """List the entries, without their secrets."""
    with unlock(open_vault(name), unlocking) as opened:
        entries = opened.entries()
    if as_json:
        print_json({"entries": [_entry_fields(entry) for entry in entries]})
        return
    rows = [
        (entry.name, entry.kind.value, entry.details.get("network", ""), entry.details.get("note", ""))
        for entry in entries
    ]
    print_table(("name", "kind", "network", "note"), rows)


def _entry_fields(entry: Entry) -> dict[str, Any]:
    return {"name": entry.name, "kind": entry.kind.value, "revision": entry.revision, "details": dict(entry.details)}


@app.command("show-public")
@grouped
def show_public(
    name: Name,
    unlocking: UnlockOptions,
    entry: Annotated[str | None, typer.Argument(metavar="[ENTRY]", help="An entry, for its addresses.")] = None,
    network: Annotated[list[str] | None, typer.Option(help="A network; repeat for more.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is public: of the vault its slots (nothing is unlocked), of an entry its addresses."""
    vault = open_vault(name)
    if entry is None:
        if as_json:
            print_json(
                {
                    "path": vault.path,
                    "id": vault.id,
                    "revision": vault.revision,
                    "slots": [_slot_fields(slot) for slot in vault.slots],
                }
            )
        else:
            print_table(
                ("label", "opens with", "slot"), ((s.label, " and ".join(s.factors), s.id) for s in vault.slots)
            )
        return
    with unlock(vault, unlocking) as opened, opened.wallet(entry) as wallet:
        own = opened.entry(entry).details.get("network")
        names = network or ([own] if own else ["bitcoin", "ethereum", "tron", "solana"])
        accounts = [wallet.account(item) for item in names]
        rows = [
            (account.network.name, "" if account.path is None else str(account.path), account.address)
            for account in accounts
        ]
    if as_json:
        print_json({"addresses": [dict(zip(("network", "path", "address"), row, strict=True)) for row in rows]})
    else:
        print_table(("network", "path", "address"), rows)


def _slot_fields(slot: Slot) -> dict[str, Any]:
    parameters = slot.argon2id
    return {
        "id": slot.id,
        "label": slot.label,
        "factors": list(slot.factors),
        "argon2id": None if parameters is None else {"passes": parameters.passes, "memory_kib": parameters.memory_kib},
        "recipient": slot.recipient,
    }


@app.command("change-passphrase")
@grouped
def change_passphrase(
    name: Name,
    unlocking: UnlockOptions,
    new_passphrase_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read the new passphrase from a file; a prompt else.")
    ] = None,
) -> None:
    """Give a slot a new passphrase. The vault gets a new key; older copies of it open with the old one for ever."""
    vault = open_vault(name)
    given = factors(vault, unlocking, always_ask=True)
    if given.pop("shares", None) is not None:
        raise InputError("a slot of recovery shares has no passphrase: revoke it and make new shares instead")
    old = given.pop("passphrase")
    vault.change_passphrase(old, fresh_passphrase(new_passphrase_file), **given)
    note("the passphrase is changed, and the vault has a new key")


@app.command()
@grouped
def backup(
    name: Name,
    unlocking: UnlockOptions,
    to: Annotated[
        str | None, typer.Option(metavar="FILE", help="Copy the vault, still encrypted, to a new file.")
    ] = None,
    entry: Annotated[str | None, typer.Option(help="Split this entry into SLIP-39 shares, and print them.")] = None,
    recovery: Annotated[
        bool, typer.Option("--recovery", help="Print SLIP-39 shares that open the whole vault (a new slot).")
    ] = False,
    threshold: Annotated[int, typer.Option(help="How many shares are needed.")] = 2,
    count: Annotated[int, typer.Option(help="How many shares there are.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Copy the vault, or split an entry or the way into the vault into shares to be kept in several places."""
    if (to is not None) + (entry is not None) + recovery != 1:
        raise InputError("give one of --to FILE, --entry NAME and --recovery")
    vault = open_vault(name)
    if to is not None:
        vault.backup_to(to)
        note(f"the vault, still encrypted, was copied to {to}")
        return
    with unlock(vault, unlocking) as opened:
        if entry is not None:
            shares = opened.export_shares(entry, threshold=threshold, count=count)
        else:
            shares = opened.add_recovery_shares(threshold=threshold, count=count)
    if as_json:
        print_json({"threshold": threshold, "shares": shares})
    else:
        print("\n".join(shares))
        note(f"any {threshold} of these {count} lines give the secret back: keep each in another place")


@app.command()
def restore(
    name: Name,
    source: Annotated[str, typer.Option("--from", metavar="FILE", help="A backup, or the .bak beside a vault.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace the vault that is there (it is kept).")] = False,
) -> None:
    """Put a backup in the place of a vault. An entry's shares are restored by `vault add --shares-file`."""
    from ..vault import Vault

    restored = Vault.restore(vault_path(name), source, replace=replace)
    note(f"the vault is {restored.path}, revision {restored.revision}")


@app.command()
@grouped
def export(
    name: Name,
    entry: EntryName,
    unlocking: UnlockOptions,
    show: Annotated[bool, typer.Option("--show", help="Print the secret.")] = False,
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="Write it to a new file that only you can read.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give out the secret of an entry. Whoever has it has the money."""
    if not show and file is None:
        raise InputError(
            "say where the secret should go: --show prints it, --file FILE writes a file only you can read"
        )
    with unlock(open_vault(name), unlocking) as opened:
        secret, passphrase = opened.export(entry), opened.export_passphrase(entry)
        kind = opened.entry(entry).kind.value
    if file is not None:
        write_secret_file("--file", file, secret + "\n")
    if show and as_json:
        print_json({"name": entry, "kind": kind, "secret": secret, "passphrase": passphrase})
    elif show:
        print(secret)
    if passphrase and not (show and as_json):
        note("this mnemonic has a BIP-39 passphrase too: --show --json prints it")


@app.command()
@grouped
def remove(
    name: Name,
    entry: EntryName,
    unlocking: UnlockOptions,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove an entry for good."""
    with unlock(open_vault(name), unlocking) as opened:
        opened.entry(entry)
        if not yes:
            confirm(f"remove {entry} and its secret from the vault?")
        opened.remove(entry)


@app.command("add-slot")
@grouped
def add_slot(name: Name, slot: NewSlotOptions, unlocking: UnlockOptions, as_json: AsJson = False) -> None:
    """Add another way to unlock the vault."""
    with unlock(open_vault(name), unlocking) as opened:
        made = opened.add_slot(**new_factors(slot))
    if as_json:
        print_json(_slot_fields(made))
    else:
        note(f"slot {made.id} opens with {' and '.join(made.factors)}")


@app.command("revoke-slot")
@grouped
def revoke_slot(
    name: Name, slot: Annotated[str, typer.Argument(metavar="SLOT", help="Its label or id.")], unlocking: UnlockOptions
) -> None:
    """Remove a way to unlock the vault. The vault gets a new key; older copies of it open with the old slot for ever."""
    with unlock(open_vault(name), unlocking) as opened:
        opened.revoke_slot(slot)


@app.command("new-key")
def new_key(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to make; only you can read it.")],
    as_json: AsJson = False,
) -> None:
    """Make a key file. It serves as a key file, or as the private key of a recipient, whose public key is printed."""
    from ..vault import recipient_public_key

    public = recipient_public_key(make_key_file("FILE", file)).hex()
    if as_json:
        print_json({"file": file, "recipient": public})
    else:
        print(public)
        note(f"the key is in {file}, mode 0600; the line above is its public key, for --recipient")
