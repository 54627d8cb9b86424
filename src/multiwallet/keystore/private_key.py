"""A bare private key in the form that its network's users have it: hexadecimal, base58, a JSON array."""

from __future__ import annotations

from ..errors import InvalidKey
from ..secret import Secret
from .imported import AccountHint, ImportedKey
from .material import PrivateKey
from .source import Source

__all__ = ["read", "write"]


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Read a key. Nothing in it tells the network, so that ``network`` must."""
    from .. import registry
    from ..credentials import import_private_key

    if network is None:
        raise InvalidKey("a bare private key names no network: say which with network=")
    row = registry.network(network)
    chain = registry.chain(row)
    written = source.text if source.text is not None else source.data
    if written is None:
        raise InvalidKey("a bare private key is text or bytes")
    imported = import_private_key(written, chain, row)
    hint = AccountHint(row.name, None, imported.kind or ("" if imported.compressed else "p2pkh"))
    material = PrivateKey(imported.secret, compressed=imported.compressed)
    return ImportedKey("private-key", material, row, accounts=(hint,))


def write(key: ImportedKey, password: Secret | None) -> str:
    """The private key of the address, as its ecosystem writes it."""
    return key.export_private_key()
