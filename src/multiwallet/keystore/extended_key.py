"""Extended keys as text: xpub, ypub, zpub and the other forms of SLIP-132, private or public, with or without origin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ..errors import InvalidKey, Unsupported
from ..path import HARDENED, Path
from ..secret import Secret
from .imported import AccountHint, ImportedKey
from .material import Tree
from .source import Source

if TYPE_CHECKING:
    from ..chain import Network
    from ..keys.hd import ExtendedKey

__all__ = ["network_of", "of_extended_key", "read", "write"]

_WITH_ORIGIN: Final = re.compile(r"\[([0-9a-fA-F]{8})((?:/\d+['hH]?)*)\]([1-9A-HJ-NP-Za-km-z]+)", re.ASCII)
_PURPOSES: Final = {44: "p2pkh", 49: "p2sh-p2wpkh", 84: "p2wpkh", 86: "p2tr"}


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Read an extended key, alone or after ``[fingerprint/path]``."""
    from ..keys.hd import ExtendedKey

    text = source.text or ""
    match = _WITH_ORIGIN.fullmatch(text)
    if match is None:
        return of_extended_key(ExtendedKey.parse(text), None, None, "extended-key", network)
    fingerprint, steps, encoded = match.groups()
    key = ExtendedKey.parse(encoded)
    return of_extended_key(key, Path("m" + steps), bytes.fromhex(fingerprint), "extended-key", network)


def of_extended_key(
    key: ExtendedKey, origin: Path | None, fingerprint: bytes | None, format: str, network: str | None
) -> ImportedKey:
    """The ImportedKey of an extended key. Its form, or its path, tells the address kind."""
    from .. import registry

    row = network_of(key, network)
    kind = key.kind or ""
    if origin is not None and len(origin) >= 3 and kind == "p2pkh":
        kind = _PURPOSES.get(origin.indexes[0] - HARDENED, kind)
    if len(registry.chain(row).kinds) == 1:
        kind = ""
    if key.depth == 0:
        # The root: every account is below it, at its usual place.
        material = Tree(key, Path() if key.is_private else None)
        return ImportedKey(format, material, row)
    if key.is_private and origin is None:
        if key.depth != 3 or key.child_number < HARDENED:
            raise Unsupported(
                "this extended private key stands somewhere inside a tree and does not say where: "
                "give its origin with it, as [fingerprint/84h/0h/0h]xprv..."
            )
        origin = Path((key.purpose + HARDENED, row.slip44 + HARDENED, key.child_number))
    material = Tree(key, origin, fingerprint=fingerprint, address_kind=kind)
    hint = (
        AccountHint(row.name, origin, kind, is_branch=True) if origin is not None else AccountHint(row.name, None, kind)
    )
    return ImportedKey(format, material, row, accounts=(hint,))


def network_of(key: ExtendedKey, network: str | None) -> Network:
    """The network of an extended key: its form's own, or the one named, when that is no contradiction."""
    from .. import registry

    name = f"{key.version.network}-testnet" if key.testnet else key.version.network
    row = registry.network(network or name)
    chain = registry.chain(row)
    if chain.curve != "secp256k1":
        raise InvalidKey(f"{row.title} signs with {chain.curve}, which has no such extended keys")
    if len(chain.kinds) > 1 and row.testnet != key.testnet:
        raise InvalidKey(f"this extended key is not of {row.title}: one of the two is a test network")
    return row


def write(key: ImportedKey, password: Secret | None, *, form: str | None = None, origin: bool = False) -> str:
    """The extended key in a ``form`` such as ``"zpub"`` or ``"xprv"``; without one as it was read.

    Of a mnemonic or seed it is the master key (``xprv``). ``origin=True`` writes ``[fingerprint/path]`` before it.
    """
    from ..keys.hd import ExtendedKey

    material = key._material
    if isinstance(material, Tree):
        text = material.key.serialize(form)
        if not origin:
            return text
        if material.origin is None or material.fingerprint is None:
            raise Unsupported("where this key stands in its tree is not known")
        return f"[{material.fingerprint.hex()}{str(material.origin)[1:]}]{text}"
    with seed_of(key) as seed:
        return ExtendedKey.from_seed(seed).serialize(form)


def seed_of(key: ImportedKey) -> Secret:
    """The BIP-32 seed of a mnemonic (with its passphrase) or of a seed; Unsupported for other kinds."""
    from .material import Phrase, Seed

    material = key._material
    if isinstance(material, Phrase):
        with material.mnemonic() as mnemonic:
            return mnemonic.to_seed(material.secret.expose().decode())
    if isinstance(material, Seed):
        return Secret(material.secret.expose())
    raise Unsupported(f"this is neither a mnemonic nor a seed (its kind is {key.kind})")
