"""An account of Polkadot-JS and the wallets after it: a key pair in a JSON envelope, under scrypt and XSalsa20-Poly1305.

A pair opens a wallet of one key, on the kind of account that has its curve, where the network is known here and has
such a kind.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..codec import base58, base64_text
from ..codec.hexadecimal import parse_hex
from ..errors import InputError, InvalidKey, MissingExtra, Unsupported
from ..secret import Secret
from .ciphers import WRONG_PASSWORD, secretbox, secretbox_open
from .imported import AccountHint, ImportedKey, check_claim
from .key_derivation import scrypt
from .material import ForeignKey, PrivateKey, row_of
from .source import Source

if TYPE_CHECKING:
    from ..wallet import AsyncWallet, Wallet

__all__ = ["read", "write"]

W = TypeVar("W", "Wallet", "AsyncWallet")

# The pair is laid out as if in DER (PKCS #8): a header, the secret, a divider, the public key.
_HEADER: Final = bytes((48, 83, 2, 1, 1, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32))
_DIVIDER: Final = bytes((161, 35, 3, 33, 0))
_ENCRYPTED: Final = ["scrypt", "xsalsa20-poly1305"]
_KINDS: Final = ("ed25519", "sr25519", "ecdsa", "ethereum")
_MOST_BYTES: Final = 4096
_GENERIC_PREFIX: Final = 42
_FAMILY: Final = "substrate"


def read(source: Source, password: Secret | None, network: str | None) -> ImportedKey:
    """Open an account. Its address must be that of the public key inside, and that of its private key."""
    data = source.json
    if not isinstance(data, dict) or not isinstance(data.get("encoding"), dict):
        raise InvalidKey("this Polkadot-JS file is damaged: its part 'encoding' is missing")
    encoding = data["encoding"]
    kind = _kind(encoding.get("content"))
    layers = encoding.get("type")
    layers = [layers] if isinstance(layers, str) else layers
    if not isinstance(layers, list) or not all(isinstance(layer, str) for layer in layers):
        raise InvalidKey("this Polkadot-JS file does not say how it is encrypted")
    pair = _opened(_encoded(data.get("encoded")), layers, password)
    secret, public = _parts(pair)
    claimed = data.get("address")
    prefix = _check_address(claimed, kind, public) if claimed is not None else _GENERIC_PREFIX
    meta = data.get("meta")
    label = meta.get("name") if isinstance(meta, dict) else None
    label = label[:200] if isinstance(label, str) else None
    if kind == "ed25519":
        from ..crypto import ed25519

        if ed25519.public_key(secret[:32]) != public:
            raise InvalidKey("the public key in this file does not belong to its private key: do not use it")
        shown = None if network else _ss58(public, prefix)
        pair_key = _Ed25519Pair(Secret(secret[:32]))
        return ImportedKey("polkadot-js", pair_key, network or "polkadot", label=label, address=shown)
    if kind == "sr25519":
        _check_sr25519(secret, public)
    else:
        from ..crypto import secp256k1

        if len(secret) != 32 or secp256k1.public_key(secret)[: len(public)] != public:
            raise InvalidKey("the public key in this file does not belong to its private key: do not use it")
    if kind == "ethereum":
        key = ImportedKey("polkadot-js", PrivateKey(Secret(secret)), network or "ethereum", label=label)
        if claimed is not None and claimed != "0x" + public.hex():  # newer versions write the public key there
            check_claim(key, str(claimed)[:100])
        return key
    address = claimed if isinstance(claimed, str) else _ss58(_account_id(kind, public), prefix)
    material = _Pair(Secret(secret), f"{kind}-private-key", address, public)
    return ImportedKey("polkadot-js", material, network or "polkadot", label=label)


def write(key: ImportedKey, password: Secret | None, *, name: str = "", prefix: int = _GENERIC_PREFIX) -> str:
    """The account as JSON text; with a password under scrypt (N = 2^17, r = 8, p = 1), without one in the clear.

    ``prefix`` is the SS58 prefix of the address (0 Polkadot, 2 Kusama, 42 any).
    """
    from .. import registry

    material = key._material
    if isinstance(material, ForeignKey):
        kind = material.kind.partition("-")[0]
        secret, public = material.secret.expose(), material.public_key
    elif isinstance(material, PrivateKey):
        kind, secret, public = _pair_of(key, material)
    else:
        raise Unsupported(f"Polkadot-JS keeps no keys of {registry.network(key.network).title}")
    if not 0 <= prefix < 64:
        raise InputError("an SS58 prefix is from 0 to 63 here")
    pair = _HEADER + secret + _DIVIDER + public
    if password is None:
        encoded, layers = pair, ["none"]
    else:
        salt, nonce = secrets.token_bytes(32), secrets.token_bytes(24)
        n, r, p = 2**17, 8, 1
        derived = scrypt(password.expose(), salt, n=n, r=r, p=p, size=64)
        numbers = b"".join(number.to_bytes(4, "little") for number in (n, p, r))
        encoded, layers = salt + numbers + nonce + secretbox(derived[:32], nonce, pair), _ENCRYPTED
    written = {
        "address": _ss58(_account_id(kind, public), prefix),
        "encoded": base64.b64encode(encoded).decode(),
        "encoding": {"content": ["pkcs8", kind], "type": layers, "version": "3"},
        "meta": {"name": name or key.label or ""},
    }
    return json.dumps(written, separators=(",", ":"))


class _Pair(ForeignKey):
    """A pair of sr25519 or ecdsa."""

    def open(self, face: type[W], network: str, options: dict[str, Any]) -> W:
        row = row_of(network)
        curve = {"ecdsa": "secp256k1"}.get(self.kind.partition("-")[0], "sr25519")
        kind = _account_kind(network, curve)
        if kind is None or row.family != _FAMILY:
            raise Unsupported(f"no account of {row.title} has {self.kind.partition('-')[0]} keys here")
        return face.from_private_key(row, self.secret, kind=kind, **options)


class _Ed25519Pair(PrivateKey):
    """A pair of Ed25519, which other families serve as well."""

    def open(self, face: type[W], network: str, options: dict[str, Any]) -> W:
        row = row_of(network)
        kind = _account_kind(network, "ed25519")
        if kind is None:
            raise Unsupported(f"no account of {row.title} has ed25519 keys here")
        return face.from_private_key(row, self.secret, kind=kind, **options)

    def address(self, hint: AccountHint) -> str | None:
        try:
            row, kind = row_of(hint.network), _account_kind(hint.network, "ed25519")
        except Unsupported:
            return None
        if kind is None:
            return None
        from .. import registry

        return registry.chain(row).address(row, self.public_key("ed25519"), kind)


def _account_kind(network: str, curve: str) -> str | None:
    """The first kind of account of a network whose keys are of a curve."""
    from .. import registry

    row = row_of(network)
    chain = registry.chain(row)
    return next((kind for kind in chain.kinds if chain.curve_of(row, kind) == curve), None)


def _check_sr25519(secret: bytes, public: bytes) -> None:
    """Refuse a pair whose halves do not belong together, where the library that can tell is installed."""
    from ..crypto import sr25519

    with suppress(MissingExtra):  # such a pair can still be kept and written again
        if sr25519.public_key(secret) != public:
            raise InvalidKey("the public key in this file does not belong to its private key: do not use it")


def _pair_of(key: ImportedKey, material: PrivateKey) -> tuple[str, bytes, bytes]:
    """The scheme of a private key, its secret as Polkadot-JS keeps it, and its public key."""
    from .. import registry

    row = registry.network(key.network) if not isinstance(material, _Ed25519Pair) else None
    curve = "ed25519"
    if row is not None:
        chain = registry.chain(row)
        curve = chain.curve_of(row, key.accounts[0].kind or chain.kinds_of(row)[0])
    private = material.secret.expose()
    if curve == "ed25519":
        public = material.public_key(curve)
        return curve, private + public, public
    if curve == "sr25519":
        from ..crypto.sr25519 import Sr25519Key

        with Sr25519Key(private) as pair:
            return curve, pair.expose_expanded(), pair.public_key
    if row is not None and row.family == _FAMILY:
        return "ecdsa", private, material.public_key(curve)
    raise Unsupported(f"Polkadot-JS keeps no keys of {key.network}")


def _kind(content: Any) -> str:
    if isinstance(content, list) and content[:1] == ["batch-pkcs8"]:
        raise Unsupported("this file holds several accounts: export them one by one")
    if not isinstance(content, list) or len(content) != 2 or content[0] != "pkcs8" or content[1] not in _KINDS:
        raise InvalidKey(f"this Polkadot-JS file holds another kind of key than {', '.join(_KINDS)}")
    return str(content[1])


def _encoded(text: Any) -> bytes:
    if not isinstance(text, str) or len(text) > 2 * _MOST_BYTES:
        raise InvalidKey("this Polkadot-JS file is damaged: its part 'encoded' is missing")
    try:
        return parse_hex(text) if text[:2] == "0x" else base64_text.decode(text, what="this Polkadot-JS file")
    except InputError:
        raise InvalidKey("this Polkadot-JS file is damaged: its part 'encoded' cannot be read") from None


def _opened(encoded: bytes, layers: Sequence[str], password: Secret | None) -> bytes:
    if "xsalsa20-poly1305" not in layers:
        if list(layers) != ["none"]:
            raise InvalidKey("this Polkadot-JS file is encrypted in a way that is not known")
        return encoded
    if password is None:
        raise InvalidKey("this account is encrypted: give its password")
    if "scrypt" in layers:
        if len(encoded) < 44:
            raise InvalidKey("this Polkadot-JS file is damaged: it is too short")
        n, p, r = (int.from_bytes(encoded[start : start + 4], "little") for start in (32, 36, 40))
        key = scrypt(password.expose(), encoded[:32], n=n, r=r, p=p, size=64)[:32]
        encoded = encoded[44:]
    else:  # the second version took the password itself, cut or filled up with zeros
        key = password.expose()[:32].ljust(32, b"\x00")
    if len(encoded) < 24 + 16:
        raise InvalidKey("this Polkadot-JS file is damaged: it is too short")
    return secretbox_open(key, encoded[:24], encoded[24:])


def _parts(pair: bytes) -> tuple[bytes, bytes]:
    """The secret (64 bytes, or 32 in old files and for ecdsa) and the public key of a decrypted pair."""
    start = len(_HEADER)
    if pair[:start] != _HEADER:
        raise InvalidKey(WRONG_PASSWORD)
    for size in (64, 32):
        end = start + size
        if pair[end : end + len(_DIVIDER)] == _DIVIDER:
            public = pair[end + len(_DIVIDER) :]
            if len(public) in (32, 33):
                return pair[start:end], public
    raise InvalidKey("the key pair in this Polkadot-JS file is damaged")


def _account_id(kind: str, public: bytes) -> bytes:
    from ..crypto.hashes import blake2b

    return blake2b(public, size=32) if kind == "ecdsa" else public


def _check_address(claimed: Any, kind: str, public: bytes) -> int:
    """The SS58 prefix of an address that is right; InvalidKey for one that is not that of the key."""
    if kind == "ethereum":
        return _GENERIC_PREFIX  # checked where the key itself is at hand: the address is a hash of it
    if not isinstance(claimed, str):
        raise InvalidKey("the address of this Polkadot-JS file is no text")
    account = _account_id(kind, public)
    try:
        data = base58.decode(claimed, limit=100) if claimed[:2] != "0x" else parse_hex(claimed)
    except InputError:
        data = b""
    if claimed[:2] == "0x" and data in (account, public):
        return _GENERIC_PREFIX
    width = 2 if data[:1] and data[0] & 0x40 else 1
    if data != data[:width] + account + _ss58_checksum(data[:width] + account):
        raise InvalidKey("the address that this file claims is not that of the key inside: do not use the file")
    return data[0] if width == 1 else _GENERIC_PREFIX


def _ss58(account: bytes, prefix: int) -> str:
    data = bytes((prefix,)) + account
    return base58.encode(data + _ss58_checksum(data))


def _ss58_checksum(data: bytes) -> bytes:
    from ..crypto.hashes import blake2b

    return blake2b(b"SS58PRE" + data)[:2]
