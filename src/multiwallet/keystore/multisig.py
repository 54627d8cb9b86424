"""Multisig wallets as Sparrow, Specter (JSON with a descriptor) and Coldcard (lines of text) share them: public parts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from ..errors import InputError, InvalidKey, Unsupported
from ..path import Path
from ..secret import Secret
from . import descriptor_text
from .descriptor_text import Descriptor
from .imported import ImportedKey
from .material import PublicAccount
from .source import Source

if TYPE_CHECKING:
    from ..chain import Network

__all__ = ["of_descriptor", "read", "write"]

_ADD_WALLET: Final = re.compile(r"addwallet ([^&\r\n]{1,200})&(\S+)", re.ASCII)
_SCRIPTS: Final = {
    "p2wsh": "wsh({})",
    "p2sh-p2wsh": "sh(wsh({}))",
    "p2wsh-p2sh": "sh(wsh({}))",
    "p2sh": "sh({})",
}
_COLDCARD_NAMES: Final = {"p2wsh": "P2WSH", "p2sh-p2wsh": "P2SH-P2WSH", "p2sh": "P2SH"}


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Read a wallet file: JSON with ``descriptor`` (Specter, Sparrow), ``addwallet NAME&DESCRIPTOR`` (Specter-DIY),
    or Coldcard's lines. A descriptor of a single key in such a file is read as the account it is.
    """
    if isinstance(source.json, dict):
        text, label = source.json.get("descriptor"), source.json.get("label") or source.json.get("name")
        if not isinstance(text, str):
            raise InvalidKey("this wallet file has no descriptor in it")
        return _of_text(text, network, str(label)[:200] if label is not None else None)
    text = source.text or ""
    match = _ADD_WALLET.fullmatch(text)
    if match is not None:
        return _of_text(match[2], network, match[1])
    label, written = _coldcard(text)
    return _of_text(written, network, label)


def _of_text(text: str, network: str | None, label: str | None) -> ImportedKey:
    from .descriptor import of_descriptors

    return of_descriptors([text], "multisig", network, label, implied_branches=True)


def write(key: ImportedKey, password: Secret | None, *, form: str = "specter") -> str:
    """The wallet file: ``specter`` (JSON, which Sparrow reads too), ``specter-diy`` or ``coldcard``."""
    material = key._material
    if not isinstance(material, PublicAccount) or key.public is None:
        raise Unsupported("only a multisig wallet is written as one")
    name = key.label or "multisig"
    if form == "specter":
        text = descriptor_text.with_checksum(key.public.replace("<0;1>", "0"))
        return json.dumps({"label": name, "blockheight": 0, "descriptor": text})
    descriptor = descriptor_text.parse(key.public)
    if form == "specter-diy":
        return f"addwallet {name}&{key.public}"
    if form == "coldcard":
        return _as_coldcard(descriptor, name)
    raise InputError("a multisig wallet is written as specter, specter-diy or coldcard")


def of_descriptor(
    descriptor: Descriptor, format: str, network: str | None, label: str | None
) -> tuple[str, ImportedKey]:
    """A multisig wallet from its descriptor: its public description, and the ImportedKey with its first address."""
    from .. import registry
    from ..keys.hd import ExtendedKey
    from .descriptor import public_expression
    from .extended_key import network_of
    from .wif import network_of_wif

    row: Network | None = None
    for expression in descriptor.keys:
        if isinstance(expression.key, ExtendedKey):
            row = network_of(expression.key, network)
        elif isinstance(expression.key, tuple):
            row = network_of_wif(expression.key.version, network)
    row = row or registry.network(network or "bitcoin")
    if "p2sh" not in row.params:
        raise InvalidKey(f"a multisig descriptor is for Bitcoin and its kin, not for {row.title}")
    public = [public_expression(expression) for expression in descriptor.keys]
    points = [point for _, point in public]
    if len(set(points)) != len(points):
        raise InvalidKey("this multisig names one key twice")
    inner = ",".join((str(descriptor.threshold), *(text for text, _ in public)))
    name = "sortedmulti" if descriptor.is_sorted else "multi"
    text = _SCRIPTS[descriptor.kind].format(f"{name}({inner})")
    ordered = sorted(points) if descriptor.is_sorted else points
    address = _address(descriptor.threshold, ordered, descriptor.kind, row)
    for expression in descriptor.keys:
        if isinstance(expression.key, ExtendedKey):
            expression.key.close()
        elif isinstance(expression.key, tuple):
            expression.key.private_key.close()
    return text, ImportedKey(format, PublicAccount(text, address), row, label=label)


def _address(threshold: int, keys: list[bytes], kind: str, row: Network) -> str | None:
    from ..codec import base58, bech32
    from ..crypto.hashes import hash160, sha256

    if kind != "p2sh" and any(len(key) != 33 for key in keys):
        raise InvalidKey("the keys of a segwit multisig are compressed: 33 bytes")
    if len(keys) > 16:
        raise Unsupported("a multisig of more than 16 keys has no address that is computed here")
    script = bytes((0x50 + threshold,)) + b"".join(bytes((len(key),)) + key for key in keys)
    script += bytes((0x50 + len(keys), 0xAE))
    if kind == "p2wsh":
        hrp = row.params.get("hrp")
        return bech32.encode_segwit(hrp, 0, sha256(script)) if hrp else None
    if kind == "p2sh-p2wsh":
        script = b"\x00\x20" + sha256(script)
    if len(script) > 520:
        raise InvalidKey("this multisig has more keys than a p2sh script can hold")
    return base58.encode_check(bytes((row.params["p2sh"],)) + hash160(script))


def _coldcard(text: str) -> tuple[str | None, str]:
    """The name and the descriptor of Coldcard's lines: Name, Policy, Derivation, Format, and one key a line."""
    name, path = None, ""
    threshold = total = 0
    form = "p2sh"
    keys: list[str] = []
    for line in text.splitlines():
        field, mark, value = (part.strip() for part in line.partition(":"))
        if not mark or line.lstrip().startswith("#"):
            continue
        match field.lower():
            case "name":
                name = value[:200]
            case "policy":
                parts = re.fullmatch(r"(\d{1,2}) of (\d{1,2})", value, re.ASCII)
                if parts is None:
                    raise InvalidKey("the policy of this multisig file is not written as '2 of 3'")
                threshold, total = int(parts[1]), int(parts[2])
            case "derivation":
                path = str(Path(value))[1:]
            case "format":
                form = value.lower()
            case _:
                if not re.fullmatch(r"[0-9A-Fa-f]{8}", field, re.ASCII):
                    raise InvalidKey("this multisig file has a line that is neither a field nor a key")
                keys.append(f"[{field.lower()}{path.replace(chr(39), 'h')}]{value}")
    if form not in _SCRIPTS or not keys or len(keys) != total:
        raise InvalidKey("this multisig file names another number of keys than its policy, or an unknown format")
    return name, _SCRIPTS[form].format(f"sortedmulti({threshold},{','.join(keys)})")


def _as_coldcard(descriptor: Descriptor, name: str) -> str:
    from ..keys.hd import ExtendedKey

    if not descriptor.is_sorted:
        raise Unsupported("Coldcard's file is for keys in sorted order only (sortedmulti)")
    lines = [f"Name: {name}", f"Policy: {descriptor.threshold} of {len(descriptor.keys)}"]
    lines.append(f"Format: {_COLDCARD_NAMES[descriptor.kind]}")
    for expression in descriptor.keys:
        if not isinstance(expression.key, ExtendedKey) or expression.fingerprint is None:
            raise Unsupported("Coldcard's file needs extended keys with their fingerprints and paths")
        if expression.steps != ((0, 1),):
            raise Unsupported("Coldcard's file has receive and change just below each key, and this wallet has not")
        lines += ["", f"Derivation: {expression.origin or Path()}"]
        lines.append(f"{expression.fingerprint.hex().upper()}: {expression.key.serialize()}")
    return "\n".join(lines) + "\n"
