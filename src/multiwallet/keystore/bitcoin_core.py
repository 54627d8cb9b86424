"""Bitcoin Core's own files: what ``listdescriptors`` prints and ``importdescriptors`` takes, and ``dumpwallet``'s dumps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from ..errors import InvalidAddress, InvalidKey, Unsupported
from ..path import Path
from ..secret import Secret
from .descriptor import account_descriptors, of_descriptors
from .extended_key import network_of
from .imported import AccountHint, ImportedKey
from .material import PrivateKey, Tree
from .source import Source

if TYPE_CHECKING:
    from ..chain import Network

__all__ = ["read", "write"]

_MOST_KEYS: Final = 200_000
_KINDS: Final = ("p2wpkh", "p2sh-p2wpkh", "p2pkh")
_EPOCH: Final = "1970-01-01T00:00:01Z"


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Read descriptors in JSON, or a dump. Every address that a dump claims is checked against its key."""
    value = source.json
    if value is None:
        return _read_dump(source.text or "", network)
    label = value.get("wallet_name") if isinstance(value, dict) else None
    rows = value.get("descriptors") if isinstance(value, dict) else value
    items = rows if isinstance(rows, list) else []
    texts = [str(item["desc"]) for item in items if isinstance(item, dict) and isinstance(item.get("desc"), str)]
    if not texts or len(texts) != len(items):
        raise InvalidKey("there are no descriptors in this JSON")
    return of_descriptors(texts, "bitcoin-core-descriptors", network, str(label)[:200] if label else None)


def write(
    key: ImportedKey,
    password: Secret | None,
    *,
    form: str = "bitcoin-core-descriptors",
    private: bool = True,
    kind: str | None = None,
    account: int = 0,
    count: int = 20,
    timestamp: int | str = 0,
) -> str:
    """JSON for ``importdescriptors``, or a dump for ``importwallet``.

    ``timestamp`` (seconds since 1970, or ``"now"``) says how far back the node looks for payments. A dump of an
    account has its first ``count`` keys of each branch.
    """
    if form == "bitcoin-core-dump":
        return _write_dump(key, kind, count)
    texts = account_descriptors(key, private=private, kind=kind, account=account, branches=("0", "1"))
    rows = []
    for internal, text in enumerate(texts):
        row: dict[str, Any] = {"desc": text, "timestamp": timestamp}
        if "*" in text:
            row |= {"active": True, "internal": bool(internal), "range": [0, 999]}
        rows.append(row)
    return json.dumps(rows, indent=1)


def _read_dump(text: str, network: str | None) -> ImportedKey:
    from ..keys.hd import ExtendedKey

    master: ExtendedKey | None = None
    lines: list[tuple[str, str]] = []
    for line in text.splitlines():
        body = line.strip()
        if body.startswith("#"):
            _, found, value = body.partition("extended private masterkey:")
            if found:
                master = ExtendedKey.parse(value.strip())
            continue
        written, _, note = body.partition("#")
        # Scripts are no keys, and Litecoin's keys below x/ are of its MWEB side chain.
        if not written.strip() or "script=1" in written.split() or "hdkeypath=x/" in note:
            continue
        lines.append((written, note))
        if len(lines) > _MOST_KEYS:
            raise InvalidKey(f"a dump of more than {_MOST_KEYS} keys is not read")
    row: Network | None = None
    keys: list[ImportedKey] = []
    paths: list[AccountHint] = []
    for written, note in lines:
        fields = dict(part.split("=", 1) for part in note.split() if "=" in part)
        if row is None:
            row = _network(written, fields, network)
        key = _dumped_key(written, fields, row)
        keys.append(key)
        path = fields.get("hdkeypath", "")
        if path.startswith("m/"):
            paths.append(AccountHint(row.name, Path(path), key.accounts[0].kind))
    if master is None:
        if not keys:
            raise InvalidKey("there is no key in this dump")
        keys[0].others = tuple(keys[1:])
        return keys[0]
    row = row or network_of(master, network)
    _check_paths(master, paths, keys, row)
    return ImportedKey("bitcoin-core-dump", Tree(master, Path()), row, accounts=tuple(paths[:1000]), others=tuple(keys))


def _network(written: str, fields: dict[str, str], network: str | None) -> Network:
    """The network of the first key: by its version byte and, where networks share it, by the form of its address."""
    from .. import registry
    from ..keys.formats import decode_wif
    from .wif import network_of_wif

    version = decode_wif(written.split()[0]).version
    first = network_of_wif(version, network)
    claimed = fields.get("addr", "").split(",")[0]
    if network is not None or not claimed:
        return first
    rows = [row for row in registry.networks(family="bitcoin") if row.params.get("wif") == version]
    for row in [first, *rows]:
        try:
            registry.chain(row).parse_address(row, claimed)
        except InvalidAddress:
            continue
        return row
    raise InvalidKey("the addresses in this dump are of no network that is known here")


def _dumped_key(written: str, fields: dict[str, str], row: Network) -> ImportedKey:
    from .. import registry
    from ..keys.formats import decode_wif

    parts = written.split()
    wif = decode_wif(parts[0], {row.params["wif"]})
    material = PrivateKey(wif.private_key, compressed=wif.compressed)
    chain = registry.chain(row)
    public = material.public_key("secp256k1")
    own = {chain.address(row, public, kind): kind for kind in (_KINDS if wif.compressed else ("p2pkh",))}
    claimed = [address for address in fields.get("addr", "").split(",") if address]
    kinds = [own.get(_canonical(row, address)) for address in claimed]
    if None in kinds:
        raise InvalidKey("an address in this dump is not that of the key beside it: do not use the dump")
    kind = kinds[0] if kinds else ("" if wif.compressed else "p2pkh")
    labels = [unquote(part[6:]) for part in parts[1:] if part.startswith("label=")]
    return ImportedKey(
        "bitcoin-core-dump",
        material,
        row,
        accounts=(AccountHint(row.name, None, kind or ""),),
        label=labels[0][:200] if labels and labels[0] else None,
    )


def _canonical(row: Network, address: str) -> str:
    from .. import registry

    try:
        return registry.chain(row).parse_address(row, address)
    except InvalidAddress:
        return ""


def _check_paths(master: Any, paths: list[AccountHint], keys: list[ImportedKey], row: Network) -> None:
    """Hold the first and the last key with a path against the master key: the dump is of one wallet."""
    from .. import registry

    known = {key.address for key in keys}
    for hint in {paths[0], paths[-1]} if paths else ():
        assert hint.path is not None
        public = master.derive(hint.path).public_key
        if registry.chain(row).address(row, public, hint.kind or "p2wpkh") not in known:
            raise InvalidKey("the master key in this dump does not lead to its keys: do not use the dump")


def _write_dump(key: ImportedKey, kind: str | None, count: int) -> str:
    from .. import registry

    row = registry.network(key.network)
    if "wif" not in registry.chain(row).key_forms:
        raise Unsupported(f"a dump holds keys of Bitcoin and its kin, not of {row.title}")
    lines = ["# Wallet dump created by multiwallet", ""]
    hint = key.accounts[0]
    if isinstance(key._material, PrivateKey):
        lines.append(_dump_line(key.export_private_key(), key.address or "", None, key.label))
    else:
        with key.wallet() as wallet:
            if hint.path is None or hint.is_branch:
                for change in (0, 1):
                    for index in range(count):
                        account = _at(hint, wallet, row.name, kind, change, index)
                        lines.append(_dump_line(account.export_private_key(), account.address, account.path, None))
            else:
                for each in key.accounts:
                    account = each.open(wallet)
                    lines.append(_dump_line(account.export_private_key(), account.address, account.path, None))
    return "\n".join([*lines, "", "# End of dump", ""])


def _at(hint: AccountHint, wallet: Any, network: str, kind: str | None, change: int, index: int) -> Any:
    if hint.path is not None:
        return hint.open(wallet, index, change=change)
    first = wallet.account(network, index=0, kind=kind)
    return wallet.account(network, path=first.path.parent.parent / change / index, kind=first.kind)


def _dump_line(wif: str, address: str, path: Path | None, label: str | None) -> str:
    note = f"# addr={address}" + (f" hdkeypath={path}" if path is not None else "")
    return f"{wif} {_EPOCH} label={quote(label or '', safe='')} {note}"
