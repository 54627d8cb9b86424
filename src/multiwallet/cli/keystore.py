"""``key``: key files of other wallets, in and out."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ..errors import InputError
from ..secret import Secret
from .opening import open_account, open_wallet
from .options import AccountOptions, AsJson, KeyOptions, NodeOptions, grouped
from .output import note, print_json, print_table, print_text
from .secrets_input import ask_hidden, has_terminal, read_secret_file, write_secret_file

if TYPE_CHECKING:
    from ..keystore import ImportedKey

__all__ = ["app"]

app = typer.Typer(
    name="key",
    help="Read and write key files of other wallets: keystores, WIF, BIP-38, Electrum, descriptors, SLIP-39, URs, ...",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks could show local variables, and those hold keys
    rich_markup_mode=None,
)

_LARGEST: Final = 32 * 2**20
# These are never in the clear, so that a password is asked for without being told to.
_ALWAYS_ENCRYPTED: Final = ("ethereum-v3", "metamask", "bip38")
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class WrittenOptions:
    """What is written, and where."""

    to: Annotated[str | None, typer.Option(metavar="FORMAT", help="The format to write; `key formats` lists them.")] = (
        None
    )
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="Write to a new file that only you can read.")
    ] = None
    new_password_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read the password of the new file from a file (mode 0600).")
    ] = None
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="An option of the format (kind=p2tr); repeat for more."),
    ] = None


@app.command("formats")
def formats(as_json: AsJson = False) -> None:
    """List the formats."""
    from ..keystore import FORMATS

    if as_json:
        rows = [{"name": name, "title": each.title, "password": each.password} for name, each in FORMATS.items()]
        print_json({"formats": rows})
        return
    print_table(("format", "what it is"), ((name, each.title) for name, each in FORMATS.items()))


@app.command("import")
@grouped
def import_key(
    written: WrittenOptions,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="The key file; several for shares or parts of a UR; - for stdin."),
    ],
    password: Annotated[bool, typer.Option("--password", help="Ask for the file's password or passphrase.")] = False,
    password_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read the file's password from a file (mode 0600).")
    ] = None,
    network: Annotated[str | None, typer.Option(help="The network, where the file leaves it open.")] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content leaves it open.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read a key file: show what it holds, or write it in another format with --to and --file.

    What is shown is public. A mnemonic or key leaves only into a new file: --to mnemonic and --to private-key write
    what --mnemonic-file and --private-key-file of the other commands take.
    """
    from .. import keystore

    contents = [_read(name) for name in files]
    data: Any = contents[0][0] if len(contents) == 1 else [_as_text(each) for each, _ in contents]
    name = format or _detected(data, network)
    given = _password(name, password, password_file)
    with keystore.load(data, given, network=network, format=format) as key:
        if key.has_private_keys and given is None and any(is_open for _, is_open in contents):
            raise InputError(
                "this key file is not encrypted and can be read or changed by others than its owner: chmod 600 it, and "
                "if others use this machine, think of its content as known"
            )
        if written.to is not None or written.file is not None:
            _write(key, written)
        if as_json:
            print_json(_fields(key))
        else:
            _show(key)


@app.command("export")
@grouped
def export_key(
    keys: KeyOptions,
    nodes: NodeOptions,
    chosen: AccountOptions,
    written: WrittenOptions,
    network: Annotated[str, typer.Option(help="The network of the account whose key is written.")],
) -> None:
    """Write the private key of one account as a key file of another wallet.

    A whole mnemonic is written by `key import MNEMONIC_FILE --to FORMAT --file FILE`.
    """
    with open_wallet(keys, nodes, network) as wallet:
        _write(open_account(wallet, network, chosen), written)


def _read(name: str) -> tuple[bytes, bool]:
    """The content of a file, and whether others than its owner can read or change it."""
    if name == "-":
        data, is_open = sys.stdin.buffer.read(_LARGEST + 1), False
    else:
        try:
            descriptor = os.open(name, os.O_RDONLY)
        except (OSError, ValueError) as error:
            # What stands in the place of a file's name may be the key itself, so no message repeats it.
            reason = getattr(error, "strerror", None) or "it is no file name"
            raise InputError(f"cannot open the key file: {reason}") from None
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(mode):
                raise InputError("what is given as key file is a folder")
            data, is_open = file.read(_LARGEST + 1), os.name == "posix" and bool(mode & 0o077)
    if len(data) > _LARGEST:
        raise InputError(f"the key file is larger than {_LARGEST // 2**20} MiB: this is something else")
    return data, is_open


def _as_text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise InputError("shares and parts of a UR are text") from None


def _detected(data: Any, network: str | None) -> str:
    from .. import keystore

    try:
        return keystore.detect(data)
    except InputError:
        if network is None:
            raise
        return "private-key"


def _password(name: str, asked: bool, file: str | None) -> Secret | None:
    if file is not None:
        if asked:
            raise InputError("give --password or --password-file, not both")
        return _from_file("--password-file", file)
    if not asked and name not in _ALWAYS_ENCRYPTED:
        return None
    if not has_terminal():
        raise InputError("there is no terminal to ask for the password at: use --password-file")
    return Secret(ask_hidden("Password of the key file (hidden)").encode())


def _from_file(option: str, name: str) -> Secret:
    text = read_secret_file(option, name)
    return Secret(text.removesuffix("\n").removesuffix("\r").encode())


def _write(key: Any, written: WrittenOptions) -> None:
    from .. import keystore

    if written.to is None or written.file is None:
        raise InputError("to write a key file give both: --to FORMAT and --file FILE")
    known = keystore.FORMATS.get(written.to)
    if known is None:
        raise InputError("there is no such format: `multiwallet key formats` lists them")
    if written.to == "compact-seedqr":
        raise InputError(
            "a CompactSeedQR is bytes for a QR code: the library makes it, and seedqr is the one of digits"
        )
    given: Secret | None = None
    if written.new_password_file is not None:
        given = _from_file("--new-password-file", written.new_password_file)
    elif written.to in _ALWAYS_ENCRYPTED:
        if not has_terminal():
            raise InputError("there is no terminal to ask for the new password at: use --new-password-file")
        first = ask_hidden("New password (hidden)")
        if ask_hidden("Once more") != first:
            raise InputError("the two passwords differ: nothing was written")
        given = Secret(first.encode())
    result = keystore.dump(key, written.to, given, **_options(written.option))
    assert not isinstance(result, bytes)
    text = result if isinstance(result, str) else "\n".join(result)
    write_secret_file("--file", written.file, text + "\n")
    note(f"{known.title} was written to {written.file}, mode 0600")


def _options(items: list[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items or ():
        name, sign, value = item.partition("=")
        if not sign:
            raise InputError("an --option is NAME=VALUE, such as kind=p2tr")
        if value in ("true", "false"):
            found[name] = value == "true"
        else:
            found[name] = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else value
    return found


def _fields(key: ImportedKey) -> dict[str, Any]:
    return {
        "format": key.format,
        "kind": key.kind,
        "network": key.network,
        "address": key.address,
        "label": key.label,
        "public": key.public,
        "accounts": [
            {"network": hint.network, "path": None if hint.path is None else str(hint.path), "kind": hint.kind or None}
            for hint in key.accounts
        ],
        "others": [
            {"kind": other.kind, "network": other.network, "address": other.address, "label": other.label}
            for other in key.others
        ],
    }


def _show(key: ImportedKey) -> None:
    rows = [("format", key.format), ("kind", key.kind), ("network", key.network), ("address", key.address or "none")]
    if key.label:
        rows.append(("label", key.label))
    if key.public:
        rows.append(("public", key.public))
    for hint in key.accounts[:_SHOWN]:
        if hint.path is not None:
            rows.append(("account", f"{hint.path} {hint.kind}".strip()))
    for other in key.others[:_SHOWN]:
        rows.append(("also", f"{other.kind} {other.network} {other.address or ''}".strip()))
    print_table(("", ""), rows)
    hidden = max(len(key.others) - _SHOWN, 0)
    if hidden:
        print_text(f"and {hidden} more keys: --json lists them all")
