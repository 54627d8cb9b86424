"""Names to networks, and networks to the code of their family.

Rows come from the package's own TOML files (``rows/``), from plug-ins (entry points of the group
``multiwallet.chains``), from files named in the environment variable ``MULTIWALLET_NETWORKS``, and from
:func:`add_network` and :func:`load_networks`. A table of a file without an ``id`` changes the row of that
name, such as its endpoints. Nothing is read before the first look-up.

``MULTIWALLET_ENDPOINTS_ETHEREUM=http://127.0.0.1:8545`` (several with commas; dashes of a name become
underscores) replaces a row's endpoints.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Any, Final, Protocol, runtime_checkable

from .chain import Chain, Network
from .errors import InputError, MissingExtra, UnknownNetwork, shown

__all__ = ["add_network", "chain", "load_networks", "network", "networks", "parse_address", "verify_message"]

FAMILIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bitcoin": "multiwallet.chains.bitcoin:Bitcoin",
        "evm": "multiwallet.chains.evm:Evm",
        "tron": "multiwallet.chains.tron:Tron",
        "solana": "multiwallet.chains.solana:Solana",
        "aptos": "multiwallet.chains.aptos:Aptos",
        "substrate": "multiwallet.chains.substrate:Substrate",
        "antelope": "multiwallet.chains.antelope:Antelope",
        "cosmos": "multiwallet.chains.cosmos:Cosmos",
        "ton": "multiwallet.chains.ton:Ton",
        "xrp": "multiwallet.chains.xrp:Xrp",
        "sui": "multiwallet.chains.sui:Sui",
        "coins": "multiwallet.chains.coins:Coins",
    }
)
"""Family to ``module:class``; imported when a network of the family is first used."""

_NAMESPACES: Final = {
    "eip155": "evm",
    "bip122": "bitcoin",
    "tron": "tron",
    "solana": "solana",
    "aptos": "aptos",
    "polkadot": "substrate",
    "antelope": "antelope",
    "cosmos": "cosmos",
    "tvm": "ton",
    "xrpl": "xrp",
    "sui": "sui",
    # Chains whose keys and addresses alone are known here.
    "near": "coins",
    "cip34": "coins",
    "stellar": "coins",
    "algorand": "coins",
    "fil": "coins",
    "tezos": "coins",
    "hedera": "coins",
    "mvx": "coins",
    "vechain": "coins",
    "waves": "coins",
    "slip44": "coins",  # a choice of this library, for coins that no namespace of chainagnostic has
}
_WITHOUT_ROW: Final[Mapping[str, str]] = MappingProxyType(
    {"happ": "TokenPocket lists a chain under this name, and no public list of chains says which one it is"}
)
"""Names that are in use elsewhere, and why they lead to no row."""
_CAIP2: Final = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}", re.ASCII)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_STATUSES: Final = ("active", "retired", "derive-only")
_FILE_LIMIT: Final = 4 * 2**20
_FIELDS: Final = frozenset(f.name for f in fields(Network)) - {"name"}


class _Table:
    """The rows by canonical name, and every name, alias and id that leads to one."""

    def __init__(self) -> None:
        self.rows: dict[str, Network] = {}
        self.names: dict[str, str] = {}
        self.unloaded: dict[str, str] = {}
        """The plug-ins whose rows are missing, and why."""
        self.lock = threading.RLock()

    def add(self, *added: Network, override: bool = False) -> None:
        """Add all of the rows or, where one of them collides with another, none."""
        with self.lock:
            rows, names = dict(self.rows), dict(self.names)
            for row in added:
                keys = {row.name, row.id, *row.aliases}
                for key in keys:
                    owner = names.get(key)
                    if owner is not None and not (override and owner == row.name):
                        raise InputError(f"{key!r} is already the network {owner!r}: choose another name, id or alias")
                if override:
                    names = {key: owner for key, owner in names.items() if owner != row.name}
                rows[row.name] = row
                names.update(dict.fromkeys(keys, row.name))
            self.rows, self.names = rows, names

    def find(self, name: str) -> Network | None:
        owner = self.names.get(name)
        if owner is None:
            owner = self.names.get(name.lower())
        return None if owner is None else self.rows[owner]


_first_look = threading.RLock()


def _table() -> _Table:
    with _first_look:  # functools.cache alone would let two threads build two tables
        return _load_table()


@cache
def _load_table() -> _Table:
    from importlib.resources import files

    table = _Table()
    for source in sorted((files("multiwallet") / "rows").iterdir(), key=lambda item: item.name):
        if source.name.endswith(".toml"):
            table.add(*_read_rows(source.read_text("utf-8"), source.name))
    for name, plugin in _plugins().items():
        try:
            rows = tuple(getattr(plugin.load(), "rows", ()))
            if not all(isinstance(row, Network) for row in rows):
                raise InputError("its rows are not all of them a Network")
            table.add(*rows)
        except Exception as error:  # noqa: BLE001  # somebody else's code must not take every other network away
            table.unloaded[name] = f"{type(error).__name__}: {error}"
            logging.getLogger("multiwallet").warning("the plug-in %r is left out: %s", name, table.unloaded[name])
    for file in filter(None, os.environ.get("MULTIWALLET_NETWORKS", "").split(os.pathsep)):
        table.add(*_read_file(file, table), override=True)
    return table


@cache
def _plugins() -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group="multiwallet.chains")}


def _read_file(name: str | os.PathLike[str], known: _Table) -> list[Network]:
    try:
        with FilePath(name).open("rb") as file:
            data = file.read(_FILE_LIMIT + 1)
        if len(data) > _FILE_LIMIT:
            raise InputError(f"the network file {os.fspath(name)} has more than {_FILE_LIMIT} bytes")
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the network file {os.fspath(name)}: {type(error).__name__}") from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError("cannot read the network file: its name holds a zero byte") from error
    rows = _read_rows(text, os.fspath(name), known)
    for row in rows:
        before = known.rows.get(row.name)
        # Other endpoints alone are no reason to import a family before it is used.
        _check_family(row, params=before is None or (before.family, before.params) != (row.family, row.params))
    return rows


@runtime_checkable
class _ChecksRows(Protocol):
    """A family that checks its rows: a misspelt param would change nothing, in silence."""

    def check_row(self, network: Network) -> None:
        """Raise InputError naming the param that is unknown or does not fit."""


def _check_family(row: Network, *, params: bool = True) -> None:
    """Check a row of the caller's: that its family is there and, with the family's own code, its params.

    The package's own rows are checked by the tests, so that listing networks imports no family.
    """
    if row.family not in FAMILIES and row.family not in _plugins():
        raise InputError(f"there is no family {shown(row.family)}: the families are {', '.join(sorted(FAMILIES))}")
    if not params:
        return
    try:
        family = chain(row)
    except MissingExtra:  # the row may be there before the package that serves it
        return
    if isinstance(family, _ChecksRows):
        family.check_row(row)
    else:
        family.kinds_of(row)  # a family whose networks differ in kinds reads all of the params for them


def _changes(name: str, table: Mapping[str, Any], known: _Table | None) -> dict[str, Any]:
    """The fields of a table; where it names no id, those of the row that it changes and its own on top of them."""
    row = None if known is None or "id" in table else known.rows.get(name)
    if row is None:
        return dict(table)
    return _fields_of(row) | dict(table)


def _fields_of(row: Network) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(Network) if field.name != "name"}


def _read_rows(text: str, source: str, known: _Table | None = None) -> list[Network]:
    import tomllib

    try:
        data = tomllib.loads(text)
        if not data.keys() <= {"family", "networks"}:
            raise TypeError("a misspelt table would add nothing, in silence")
        tables = data.get("networks", {})
        family = data.get("family")
        shared = {"family": family} if family else {}
        return [_row(name, {**shared, **_changes(name, table, known)}) for name, table in tables.items()]
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source} is not valid TOML: {error}") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise InputError(f"{source}: {error.message}") from error
        raise InputError(f"{source} holds a number or a nesting beyond reading") from error
    except (TypeError, AttributeError) as error:
        raise InputError(f"{source} is no network file: it has one table [networks.NAME] a network") from error


def _row(name: str, data: Mapping[str, Any]) -> Network:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(f"{shown(name)} is no network name: use lower-case letters, digits and dashes")
    unknown = sorted(set(data) - _FIELDS)
    if unknown:
        raise InputError(f"the network {name!r} has an unknown field {unknown[0]!r}")
    identity = data.get("id")
    if not isinstance(identity, str) or not _CAIP2.fullmatch(identity):
        raise InputError(f"the network {name!r} needs a CAIP-2 id such as eip155:1")
    family = data.get("family", _NAMESPACES.get(identity.split(":", 1)[0]))
    if not isinstance(family, str):
        raise InputError(f"the network {name!r} needs a family, one of {', '.join(sorted(FAMILIES))}")
    namespace, _, reference = identity.partition(":")
    decimals = data.get("decimals", 18 if family == "evm" else None)
    if family in FAMILIES and _NAMESPACES.get(namespace) != family:
        raise InputError(f"the network {name!r}: an id that starts with {namespace}: is none of the family {family!r}")
    if family == "evm" and not (reference.isdigit() and reference[0] != "0"):
        raise InputError(f"the network {name!r}: the id of an EVM network is eip155: and its chain id in decimal")
    if not isinstance(decimals, int) or isinstance(decimals, bool) or not 0 <= decimals <= 36:
        raise InputError(f"the network {name!r} needs its coin's decimals, from 0 to 36")
    for key in ("symbol", "title", "explorer", "status", "note"):
        if not isinstance(data.get(key, ""), str) or not data.get(key, "").isprintable():
            raise InputError(f"the field {key!r} of the network {name!r} is one line of text")
    if data.get("status", "active") not in _STATUSES:
        raise InputError(f"the status of the network {name!r} is one of {', '.join(_STATUSES)}")
    if not isinstance(data.get("testnet", False), bool):
        raise InputError(f"the field 'testnet' of the network {name!r} is true or false, without quotes")
    if not data.get("symbol"):
        raise InputError(f"the network {name!r} needs the symbol of its coin")
    for key in ("aliases", "endpoints"):
        value = data.get(key, ())
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise InputError(f"the field {key!r} of the network {name!r} is a list of texts")
    for alias in data.get("aliases", ()):
        if not _NAME.fullmatch(alias):  # a capital letter or a foreign id would take another network's place
            raise InputError(f"{shown(alias)} is no alias: use lower-case letters, digits and dashes, as for a name")
    slip44 = data.get("slip44", 60 if family == "evm" else None)
    if not isinstance(slip44, int) or isinstance(slip44, bool) or slip44 < 0:
        raise InputError(f"the network {name!r} needs slip44, its coin's number in SLIP-44")
    params = data.get("params", {})
    if not isinstance(params, Mapping):
        raise InputError(f"the field 'params' of the network {name!r} is a table")
    row = {key: value for key, value in data.items() if key in _FIELDS}
    row.update(
        name=name,
        family=family,
        slip44=slip44,
        decimals=decimals,
        title=data.get("title") or name,
        aliases=tuple(data.get("aliases", ())),
        endpoints=tuple(data.get("endpoints", ())),
        params=MappingProxyType(dict(params)),
    )
    return Network(**row)


def networks(*, family: str | None = None) -> list[Network]:
    """Every row of the network table, sorted by name.

    >>> [row.name for row in networks(family="tron")]
    ['tron', 'tron-nile', 'tron-shasta']
    """
    rows = sorted(_table().rows.values(), key=lambda row: row.name)
    return [_with_environment(row) for row in rows if family is None or row.family == family]


def network(name: str | Network) -> Network:
    """The network of a name, an alias or a CAIP-2 id; a ``Network`` is returned as it is.

    Raises :class:`~multiwallet.errors.UnknownNetwork`, saying how to add it.

    >>> network("matic").id, network("eip155:1").name
    ('eip155:137', 'ethereum')
    """
    if isinstance(name, Network):
        return name
    if not isinstance(name, str):
        raise UnknownNetwork(f"a network is named by text, not by {type(name).__name__}")
    row = _table().find(name)
    if row is not None:
        return _with_environment(row)
    if re.fullmatch(r"eip155:[1-9][0-9]{0,30}", name, re.ASCII):
        raise UnknownNetwork(
            f"{name} has no row yet: add it with multiwallet.add_network("
            f'"my-network", id="{name}", symbol="ETH", endpoints=["https://..."])'
        )
    if name.lower() in _WITHOUT_ROW:
        reason = _WITHOUT_ROW[name.lower()]
        raise UnknownNetwork(f"{name.lower()!r} has no row: {reason}; if you know its id, add it with add_network()")
    import difflib

    table = _table()
    near = difflib.get_close_matches(name[:64].lower(), table.names, n=3)
    hint = f": did you mean {' or '.join(near)}?" if near else ": see multiwallet.networks(), or add_network()"
    wrong = repr(name) if _CAIP2.fullmatch(name) and ":" in name else shown(name)
    if wrong.startswith("a text"):
        hint = ": were the arguments swapped? It is the first, and what it held is not repeated here"
    missing = "".join(f"; the plug-in {plugin!r} could not be loaded ({why})" for plugin, why in table.unloaded.items())
    raise UnknownNetwork(f"there is no network of the name {wrong}{hint}{missing}")


def add_network(
    name: str,
    *,
    id: str,  # the field is called id in CAIP-2 and in the table
    symbol: str,
    decimals: int | None = None,
    endpoints: Iterable[str] = (),
    override: bool = False,
    **row: Any,
) -> Network:
    """Add a network to the table of this process, or change one of the same name with ``override=True``.

    ``id`` is its CAIP-2 id, ``symbol`` and ``decimals`` (18 for EVM) describe its coin; further fields
    are those of :class:`~multiwallet.chain.Network`: ``family, title, aliases, slip44, explorer, testnet,
    params``. A row that is changed and keeps its id keeps what is not named here. Raises
    :class:`~multiwallet.errors.InputError`.

    >>> add_network("my-rollup", id="eip155:424242", symbol="ETH", endpoints=["http://127.0.0.1:8545"]).title
    'my-rollup'
    """
    if not isinstance(id, str) or not isinstance(endpoints, Iterable):
        raise InputError("a network's id is text, and its endpoints are a URL or a list of URLs")
    endpoints = (endpoints,) if isinstance(endpoints, str) else tuple(endpoints)
    data = {"id": id, "symbol": symbol, **row}
    if decimals is not None:
        data["decimals"] = decimals
    if endpoints:
        data["endpoints"] = endpoints
    known = _table().rows.get(name) if override else None
    if known is not None and known.id == id:
        data = _fields_of(known) | data
    added = _row(name, data)
    _check_family(added)
    _table().add(added, override=override)
    return added


def load_networks(file: str | os.PathLike[str], *, override: bool = False) -> list[Network]:
    """Add every network of a TOML file (one table ``[networks.NAME]`` each) and return them.

    With ``override`` a table may change a row that is there: one without an ``id`` keeps what it does not
    name, so that ``endpoints`` alone are enough. All rows are added or, where one of them is wrong or takes
    another's name, none. Raises :class:`~multiwallet.errors.InputError`.
    """
    rows = _read_file(file, _table())
    _table().add(*rows, override=override)
    return rows


def chain(network: Network) -> Chain:
    """The one instance of the code that serves a network's family, imported now if it was not yet."""
    return _chain(network.family)


@cache
def _chain(family: str) -> Chain:
    plugin = _plugins().get(family)
    target = FAMILIES.get(family)
    if target is None and plugin is None:
        raise UnknownNetwork(f"there is no code for the family {family!r}: install the package that brings it")
    try:
        if target is None:
            adapter: type[Chain] = plugin.load()  # type: ignore[union-attr]  # one of the two is there, see above
        else:
            from importlib import import_module

            module, _, name = target.partition(":")
            adapter = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("multiwallet"):
            raise
        raise MissingExtra(
            f"the family {family!r} needs the package {error.name!r}, which is not installed", extra=family
        ) from error
    return adapter()


def parse_address(network_name: str | Network, text: str) -> str:
    """The canonical form of an address of a network, or InvalidAddress saying what is wrong with it.

    >>> parse_address("ethereum", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
    """
    row = network(network_name)
    return chain(row).parse_address(row, text)


def verify_message(network_name: str | Network, address: str, message: str | bytes, signature: str | bytes) -> bool:
    """Whether a signature over a message was made by the owner of an address.

    Raises :class:`~multiwallet.errors.InvalidAddress` for an address that is none; any other signature
    than a right one is ``False``.
    """
    row = network(network_name)
    adapter = chain(row)
    return adapter.verify_message(row, adapter.parse_address(row, address), message, signature)


def _with_environment(row: Network) -> Network:
    override = os.environ.get(f"MULTIWALLET_ENDPOINTS_{row.name.upper().replace('-', '_')}", "")
    urls = tuple(part.strip() for part in override.split(",") if part.strip())
    return replace(row, endpoints=urls) if urls else row
