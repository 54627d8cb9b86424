"""Keys as people hold them, in and out of the library: private keys of any usual form, extended public keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .chain import Chain, Holder, Network
from .errors import InvalidKey
from .keys.formats import encode_keypair, encode_wif, parse_ed25519, parse_secp256k1
from .keys.hd import ExtendedKey
from .keys.keychain import ExtendedKeychain, Keychain
from .secret import Secret

__all__ = [
    "ImportedExtendedKey",
    "ImportedPrivateKey",
    "export_private_key",
    "import_extended_key",
    "import_private_key",
]


class ImportedPrivateKey(NamedTuple):
    """A private key (32 bytes) and whether its public key is written compressed."""

    secret: Secret
    compressed: bool


class ImportedExtendedKey(NamedTuple):
    """A keychain of public keys, the address kind that the prefix implies, and a check of networks."""

    keychain: ExtendedKeychain
    kind: str
    accepts: Callable[[Network], None]


def import_private_key(key: str | bytes | Secret, chain: Chain, network: Network) -> ImportedPrivateKey:
    """Read a private key in whatever form the network's users have it.

    Hex (with or without ``0x``) or 32 bytes; WIF where the network has it; base58 of 64 or 32 bytes, 64
    bytes or a JSON array for ed25519. Raises :class:`~multiwallet.errors.InvalidKey`, without the key.
    """
    if chain.curve == "ed25519":
        return ImportedPrivateKey(parse_ed25519(key), True)
    versions = (network.params["wif"],) if "wif" in chain.key_forms else ()
    secret, compressed = parse_secp256k1(key, versions)
    return ImportedPrivateKey(secret, compressed)


def import_extended_key(text: str, chain: Chain, network: Network) -> ImportedExtendedKey:
    """Read an extended public key for a network.

    SLIP-132 prefixes imply the address kind where the family has several; test-network prefixes serve
    test networks alone. Raises :class:`~multiwallet.errors.InvalidKey`.
    """
    if chain.curve != "secp256k1":
        raise InvalidKey(f"{network.title} signs with {chain.curve}, which has no extended public keys")
    key = ExtendedKey.parse(text)
    if key.is_private:
        key.close()
        raise InvalidKey("this is an extended private key: a watch-only wallet takes the public one (xpub, zpub, ...)")
    kind = key.kind or ""
    if len(chain.kinds) == 1:
        if key.testnet or key.purpose != 44:
            raise InvalidKey(f"{network.title} takes an extended key with the plain prefix xpub")
        kind = ""
    elif kind not in chain.kinds:
        raise InvalidKey(f"this extended key is for {kind} (multisig), which a wallet of one key cannot serve")
    testnet = key.testnet

    def accepts(row: Network) -> None:
        if row.testnet != testnet and len(chain.kinds) > 1:
            theirs, ours = ("a test network", "main networks") if row.testnet else ("a main network", "test networks")
            raise InvalidKey(f"{row.name} is {theirs}, and this extended key is for {ours}")

    accepts(network)
    return ImportedExtendedKey(ExtendedKeychain(key), kind, accepts)


def export_private_key(keychain: Keychain, chain: Chain, holder: Holder) -> str:
    """The private key of a holder as its ecosystem writes it: WIF, hex, or base58 of 64 bytes.

    Raises :class:`~multiwallet.errors.SigningRefused` where there are no private keys.
    """
    secret = keychain.signing_key(chain.curve, holder.path).expose()
    match chain.key_forms[0]:
        case "wif":
            return encode_wif(secret, holder.network.params["wif"], compressed=len(holder.public_key) == 33)
        case "keypair":
            return encode_keypair(secret)
        case "0xhex":
            return "0x" + secret.hex()
        case _:
            return secret.hex()
