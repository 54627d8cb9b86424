"""Who may import whom: the arrows of the design, read from the source with ``ast``.

A *room* is a module or package directly under ``multiwallet``. Imports inside functions count; imports under
``if TYPE_CHECKING`` do not, for they never run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "multiwallet"
FILES = sorted(SOURCE.rglob("*.py"))

CONTRACT = {"amounts", "chain", "errors", "intents", "ops", "path", "signing_requests", "template", "transactions"}
FACES = CONTRACT | {
    "opening",
    "credentials",
    "account",
    "batch",
    "keys",
    "operations",
    "registry",
    "secret",
    "signer",
    "pool",
    "telemetry",
    "transport",
    "wallet",
    "derivation",
    "discovery",
}
ANYTHING = {path.stem if path.is_file() else path.name for path in SOURCE.iterdir()} | {"__init__"}

# room: what it may import of multiwallet, besides itself
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": FACES,
    "errors": set(),
    "secret": {"errors"},
    "amounts": {"errors"},
    "path": {"errors", "secret"},
    "crypto": {"errors", "secret"},
    "codec": {"crypto", "errors"},
    "ops": {"errors"},
    # The contract is two rooms: what travels (transactions) and who makes it (chain).
    "signing_requests": {"crypto", "path"},
    "transactions": {"amounts", "codec", "crypto", "signing_requests", "errors", "ops", "path"},
    "intents": {"amounts", "errors", "path"},
    "chain": {"amounts", "errors", "intents", "ops", "path", "transactions"},
    "template": {"amounts", "chain", "errors", "transactions"},
    "chains": CONTRACT | {"codec", "crypto"},
    "registry": CONTRACT,
    # Which wallet uses which paths, and the search for accounts along them.
    "derivation": CONTRACT | {"registry"},
    "discovery": FACES - {"account", "wallet", "transport"},
    "keys": {"codec", "crypto", "errors", "path", "secret"},
    "signer": {"signing_requests", "crypto", "errors", "keys", "ops", "path", "secret", "transactions"},
    # The transport is two rooms as well: what is said (exchange, pure) and who carries it (transport).
    "exchange": {"codec", "errors", "ops"},
    "transport": {"errors", "exchange", "ops", "telemetry"},
    "telemetry": {"errors", "exchange"},
    # A pool is a transport of transports; that it asks each endpoint who it is takes the registry.
    "pool": CONTRACT | {"exchange", "registry", "telemetry", "transport"},
    "operations": FACES - {"account", "wallet", "transport"},
    "credentials": CONTRACT | {"keys", "secret"},
    "batch": FACES - {"account", "wallet", "transport"},
    "account": FACES,
    "opening": FACES - {"wallet", "transport"},
    "wallet": FACES,
    "testing": FACES | {"codec", "crypto"},
    "devnet": ANYTHING - {"cli", "interop"},
    # What must not be forgotten, and who works with it. Nothing below the wallet knows either.
    "store": {"errors"},
    "outbox": FACES | {"store"},
    # Many payments from a table; an outbox makes them.
    "payouts": FACES | {"store", "outbox", "codec"},
    "vault": FACES | {"codec", "crypto"},
    "keystore": FACES | {"codec", "crypto"},
    # Workers that derive and sign, each with a wallet of its own.
    "sharding": FACES,
    "interop": ANYTHING - {"cli", "devnet"},
    "cli": ANYTHING - {"interop"},
}

# The looks upwards, each inside a function so that importing the lower room never loads the upper one:
# a transaction's file names its network, a wallet takes a client that an ecosystem's own users have, and the
# User-Agent tells the version.
MAY_LOOK_UP = {
    ("opening", "outbox"),
    ("opening", "store"),
    ("telemetry", "__init__"),
    ("transactions", "registry"),
    ("transport", "__init__"),
    ("wallet", "interop"),
    ("wallet", "outbox"),
}

NATIVE_CRYPTO = {"coincurve", "nacl", "sha3", "_pysha3", "cryptography", "cffi"}
ECOSYSTEM = {
    "aiohttp", "bip_utils", "eth", "eth_abi", "eth_account", "eth_keys", "eth_tester", "eth_typing", "eth_utils",
    "hexbytes", "httpx", "httpx2", "pbk", "requests", "solana", "solders", "tronpy", "web3",
}  # fmt: skip
# room: the third-party packages it may import. Whoever is not named here may import none.
MAY_USE: dict[str, set[str]] = {
    "crypto": NATIVE_CRYPTO | {"sr25519"},
    "keys": {"bip_utils"},
    "store": {"alembic", "sqlalchemy"},
    "payouts": {"pyarrow"},
    "vault": NATIVE_CRYPTO | {"fido2", "keyring", "shamir_mnemonic"},
    "keystore": NATIVE_CRYPTO | {"shamir_mnemonic"},
    "telemetry": {"opentelemetry"},
    "transport": {"httpx2"},
    "devnet": ECOSYSTEM | {"pytest"},
    "interop": ECOSYSTEM,
    "cli": {"click", "rich", "shellingham", "typer"},
    "testing": {"pytest"},
}
# What opens a connection, asks the clock or a random source: no business of a chain.
IMPURE = {
    "asyncio", "ftplib", "http", "multiprocessing", "os", "random", "secrets", "select", "shutil", "smtplib", "socket",
    "socketserver", "ssl", "subprocess", "tempfile", "time", "urllib.error", "urllib.request", "uuid", "xmlrpc",
}  # fmt: skip
# Of crypto, a chain may use hashes and public-key functions only.
PRIVATE_KEY_MODULES = {"multiwallet.crypto.secpkey", "multiwallet.crypto.libsecp"}
PRIVATE_KEY_NAMES = {"Ed25519Key", "SecpKey", "is_valid_private_key", "private_add_tweak", "public_key"}


class Import(NamedTuple):
    """One imported module, with the name taken from it ("" for ``import module``)."""

    line: int
    module: str
    name: str
    deferred: bool
    """Whether it happens inside a function, when that is called."""


def imports_of(path: Path, package: str) -> Iterator[Import]:
    """Every import of a file that can run. ``package`` is the dotted package the file is in."""
    yield from _walk(ast.parse(path.read_text(), str(path)).body, package, False)


def _walk(nodes: list[ast.stmt], package: str, deferred: bool) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, "", deferred)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                module = ".".join([*parent, *([module] if module else [])])
            for alias in node.names:
                yield Import(node.lineno, module, alias.name, deferred)
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            yield from _walk(node.orelse, package, deferred)
        else:
            inside = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for field in ("body", "orelse", "finalbody"):
                yield from _walk(_statements(getattr(node, field, None)), package, inside)
            for handler in getattr(node, "handlers", []) + getattr(node, "cases", []):
                yield from _walk(handler.body, package, inside)


def _statements(value: object) -> list[ast.stmt]:
    return value if isinstance(value, list) else []


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def room_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def package_of(path: Path) -> str:
    return ".".join(["multiwallet", *path.relative_to(SOURCE).parent.parts])


def own_imports(path: Path) -> Iterator[tuple[Import, str]]:
    """The imports of multiwallet itself, each with the room it reaches into."""
    for item in imports_of(path, package_of(path)):
        parts = item.module.split(".")
        if parts[0] != "multiwallet":
            continue
        if len(parts) > 1:
            yield item, parts[1]
        else:
            # `from multiwallet import Wallet` takes a public name, `from multiwallet import path` a room.
            yield item, item.name if item.name in ANYTHING else "__init__"


def foreign_imports(path: Path) -> Iterator[tuple[int, str]]:
    """The imports of others, the standard library included: line and top-level package."""
    for item in imports_of(path, package_of(path)):
        top = item.module.split(".")[0]
        if top != "multiwallet":
            yield item.line, top


def shown(path: Path) -> str:
    return str(path.relative_to(SOURCE.parent))


each_file = pytest.mark.parametrize("path", FILES, ids=shown)


@each_file
def test_rooms_import_downwards_only(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"{room} is a new room: say in MAY_IMPORT (and in the ADR) what it may import"
    wrong = []
    for item, target in own_imports(path):
        allowed = target == room or target in MAY_IMPORT[room] or (item.deferred and (room, target) in MAY_LOOK_UP)
        if not allowed:
            wrong.append(f"{shown(path)}:{item.line}: {room} must not import {target}")
    assert not wrong, "\n".join(wrong)


@each_file
def test_chains_do_not_know_each_other(path):
    if room_of(path) != "chains":
        return
    family = path.relative_to(SOURCE).parts[1].removesuffix(".py")
    for item, target in own_imports(path):
        if target == "chains":
            parts = [*item.module.split("."), item.name]
            assert parts[2] == family, f"{shown(path)}:{item.line}: {family} imports {parts[2]}"


@each_file
def test_third_parties_are_imported_where_they_belong(path):
    room = room_of(path)
    allowed = MAY_USE.get(room, set())
    for line, top in foreign_imports(path):
        known = top in sys.stdlib_module_names or top == "__future__"
        assert known or top in allowed, f"{shown(path)}:{line}: {room} must not import {top}"


@each_file
def test_chains_are_pure(path):
    if room_of(path) not in ("chains", "chain", "transactions", "amounts", "path", "codec", "ops"):
        return
    for item in imports_of(path, package_of(path)):
        reached = {item.module, item.module.split(".")[0], f"{item.module}.{item.name}"}
        assert not reached & IMPURE, f"{shown(path)}:{item.line}: no I/O, clock or random source here: {item.module}"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "input", "print"), f"{shown(path)}:{node.lineno}: {node.func.id}()"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in ("now", "utcnow", "today"), f"{shown(path)}:{node.lineno}: reads the clock"


@each_file
def test_chains_touch_no_private_key(path):
    if room_of(path) != "chains":
        return
    crypto_modules = set()
    for item in imports_of(path, package_of(path)):
        if not item.module.startswith("multiwallet.crypto"):
            continue
        where = f"{shown(path)}:{item.line}"
        assert item.module not in PRIVATE_KEY_MODULES, f"{where}: {item.module} handles private keys"
        full = f"{item.module}.{item.name}"
        assert full not in PRIVATE_KEY_MODULES, f"{where}: {full} handles private keys"
        assert item.name not in PRIVATE_KEY_NAMES, f"{where}: {item.name} handles private keys"
        if item.module == "multiwallet.crypto":
            crypto_modules.add(item.name)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in crypto_modules:
            assert node.attr not in PRIVATE_KEY_NAMES, f"{shown(path)}:{node.lineno}: {node.attr} handles private keys"


def test_the_walker_sees_every_kind_of_import(tmp_path):
    sample = tmp_path / "sample.py"
    sample.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from .hidden import nothing\nelse:\n    import shown_else\n"
        "def f():\n    try:\n        import a.b\n    except ImportError:\n        from ...up import c\n"
        "    finally:\n        from . import d\n"
        "class K:\n    with x:\n        for y in z:\n            from multiwallet.e import f\n"
        "match x:\n    case 1:\n        import g\n"
    )
    found = [(item.module, item.name, item.deferred) for item in imports_of(sample, "multiwallet.chains.one")]
    assert sorted(found[1:]) == sorted(
        [
            ("shown_else", "", False),
            ("a.b", "", True),
            ("multiwallet.up", "c", True),
            ("multiwallet.chains.one", "d", True),
            ("multiwallet.e", "f", False),
            ("g", "", False),
        ]
    )
