"""A Solana key pair: the JSON array of 64 numbers of its command line, or base58 as browser wallets show it."""

from __future__ import annotations

from ..errors import InputError, InvalidKey, Unsupported
from ..secret import Secret
from .imported import ImportedKey
from .material import PrivateKey
from .source import Source

__all__ = ["read", "write"]


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Read a key pair. Raises InvalidKey where its public half is not that of its private one."""
    from ..keys.formats import parse_ed25519

    row = network or "solana"
    if isinstance(source.json, list):
        if len(source.json) != 64:
            raise InvalidKey(f"a key pair of Solana's command line is 64 numbers, not {len(source.json)}")
        if any(isinstance(number, bool) for number in source.json):
            raise InvalidKey("a key pair of Solana's command line is numbers from 0 to 255")
        return ImportedKey("solana-cli", PrivateKey(parse_ed25519(source.json)), row)
    return ImportedKey("solana-cli", PrivateKey(parse_ed25519(source.text or "")), row)


def write(key: ImportedKey, password: Secret | None, *, form: str = "json") -> str:
    """The key pair as JSON array, or with ``form="base58"`` as browser wallets show it."""
    from .. import registry
    from ..keys.formats import encode_json_keypair, encode_keypair, parse_ed25519

    row = registry.network(key.network)
    if registry.chain(row).curve != "ed25519":
        raise Unsupported(f"a Solana key pair is of Ed25519, and {row.title} signs otherwise")
    if form not in ("json", "base58"):
        raise InputError("a Solana key pair is written as json or base58")
    with parse_ed25519(key.export_private_key()) as seed:
        return encode_json_keypair(seed) if form == "json" else encode_keypair(seed)
