"""Keys as people hold them, in and out of the library: private keys of any usual form, extended public keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .chain import Chain, Holder, Network
from .errors import InputError, InvalidKey, Unsupported, shown
from .keys.formats import (
    encode_keypair,
    encode_wif,
    parse_ed25519,
    parse_secp256k1,
    parse_secp256r1,
    parse_sr25519,
)
from .keys.hd import ExtendedKey
from .keys.key_forms import read_form, write_form
from .keys.keychain import ExtendedKeychain, Keychain
from .path import Path
from .secret import Secret, discreet

__all__ = [
    "ImportedExtendedKey",
    "ImportedPrivateKey",
    "export_private_key",
    "extended_public_key",
    "import_extended_key",
    "import_private_key",
]


class ImportedPrivateKey(NamedTuple):
    """A private key (32 bytes; 64 for some of sr25519), whether its public key is written compressed, and its curve.

    ``kind`` is the address kind that it implies, or empty.
    """

    secret: Secret
    compressed: bool
    curve: str
    kind: str


class ImportedExtendedKey(NamedTuple):
    """A keychain of public keys, the address kind that the prefix implies, and a check of networks."""

    keychain: ExtendedKeychain
    kind: str
    accepts: Callable[[Network], None]


@discreet
def import_private_key(
    key: str | bytes | Secret, chain: Chain, network: Network, kind: str | None = None
) -> ImportedPrivateKey:
    """Read a private key in whatever form the network's users have it.

    The forms that the family (or the row, as ``params.key_forms``) names and that tell their curve, such as AIP-80;
    hex (with or without ``0x``) or 32 bytes; WIF where the network has it; base58 of 64 bytes or a JSON array for
    ed25519; 64 bytes too for sr25519. ``kind`` says the address kind where the family's kinds have different curves
    and the text does not tell. Raises :class:`~multiwallet.errors.InvalidKey`, without the key.
    """
    forms = _key_forms(chain, network)
    if kind is not None and kind not in chain.kinds_of(network):
        raise InputError(
            f"{network.name} has no address kind {shown(kind)}: the kinds are {', '.join(chain.kinds_of(network))}"
        )
    curve = chain.curve_of(network, chain.kinds_of(network)[0] if kind is None else kind)
    marked = read_form(key, forms) if isinstance(key, str) else None
    if marked is not None:
        if kind is None or marked.curve != curve:
            kind = _kind_with(marked.curve, chain, network, kind)
        return ImportedPrivateKey(marked.secret, True, marked.curve, kind)
    compressed = True
    match curve:
        case "ed25519":
            secret = parse_ed25519(key)
        case "sr25519":
            secret = parse_sr25519(key)
        case "secp256r1":
            secret = parse_secp256r1(key)
        case _:
            wif = network.params.get("wif") if "wif" in forms else None
            secret, compressed = parse_secp256k1(key, () if wif is None else (wif,))
    return ImportedPrivateKey(secret, compressed, curve, kind or ("" if compressed else "p2pkh"))


def _key_forms(chain: Chain, network: Network) -> tuple[str, ...]:
    """The forms of a network: its row's own (a family may serve unlike chains), else its family's."""
    return tuple(network.params.get("key_forms", chain.key_forms))


def _kind_with(curve: str, chain: Chain, network: Network, asked: str | None) -> str:
    """The kind that a key of this curve implies: empty where it is that of the default kind anyway."""
    if asked is not None:
        raise InvalidKey(f"this key is of {curve}, and the kind {asked!r} of {network.name} has another curve")
    if chain.curve_of(network, chain.kinds_of(network)[0]) == curve:
        return ""
    for kind in chain.kinds_of(network):
        if chain.curve_of(network, kind) == curve:
            return kind
    raise InvalidKey(f"this key is of {curve}, and no account of {network.title} here has such keys")


@discreet
def import_extended_key(text: str, chain: Chain, network: Network) -> ImportedExtendedKey:
    """Read an extended public key for a network.

    SLIP-132 prefixes imply the address kind where the family has several; test-network prefixes serve
    test networks alone, those of another coin (Ltub) its own networks, and a key below a coin's step of the
    path (depth 2 or more) the networks that have the same one. Raises :class:`~multiwallet.errors.InvalidKey`.
    """
    if chain.curve != "secp256k1":
        raise InvalidKey(f"{network.title} signs with {chain.curve}, which has no extended public keys")
    key = ExtendedKey.parse(text)
    if key.is_private:
        key.close()
        raise InvalidKey("this is an extended private key: a watch-only wallet takes the public one (xpub, zpub, ...)")
    kind = key.kind or ""
    if len(chain.kinds) == 1:
        if key.version.name != "xpub":
            raise InvalidKey(f"{network.title} takes an extended key with the plain prefix xpub")
        kind = ""
    elif kind not in chain.kinds:
        raise InvalidKey(f"this extended key is for {kind} (multisig), which a wallet of one key cannot serve")
    elif kind not in chain.kinds_of(network):
        raise InvalidKey(f"this extended key is for {kind} addresses, which {network.title} does not have")
    version = key.version

    def coin(row: Network) -> int:
        return chain.path(row, account=0, index=0, kind=chain.kinds_of(row)[0]).indexes[1]

    def accepts(row: Network) -> None:
        if len(chain.kinds) > 1:
            if row.testnet != version.testnet:
                theirs, ours = (
                    ("a test network", "main networks") if row.testnet else ("a main network", "test networks")
                )
                raise InvalidKey(f"{row.name} is {theirs}, and this extended key is for {ours}")
            if version.network != "bitcoin" and version.prefix not in _prefixes(row):
                raise InvalidKey(f"this extended key is a {version.name} of {version.network}, not of {row.name}")
        if key.depth >= 2 and coin(row) != coin(network):
            raise InvalidKey(
                f"this extended key was opened for {network.name}, and {row.name} has its keys elsewhere: "
                f"export another one for it"
            )

    accepts(network)
    return ImportedExtendedKey(ExtendedKeychain(key), kind, accepts)


def _prefixes(row: Network) -> set[bytes]:
    """The four bytes in front of the extended public keys that a row says are its own."""
    words = [row.params.get("bip32_public", 0), *(pair[0] for pair in row.params.get("slip132", {}).values())]
    return {(int(word, 16) if isinstance(word, str) else word).to_bytes(4, "big") for word in words}


@discreet
def export_private_key(keychain: Keychain, chain: Chain, holder: Holder) -> str:
    """The private key of a holder as its ecosystem writes it, in the first of its forms that can hold the key.

    Raises :class:`~multiwallet.errors.SigningRefused` where there are no private keys, and
    :class:`~multiwallet.errors.Unsupported` where the network's row lacks what the form needs.
    """
    curve = chain.curve_of(holder.network, holder.kind)
    secret = keychain.signing_key(curve, holder.path).expose()
    for form in _key_forms(chain, holder.network):
        match form:
            case "wif":
                version = holder.network.params.get("wif")
                if version is None:
                    raise Unsupported(
                        f"the row of {holder.network.name} does not say how its keys are written: add params.wif"
                    )
                return encode_wif(secret, version, compressed=len(holder.public_key) == 33)
            case "keypair" if curve == "ed25519":
                return encode_keypair(secret)
            case "0xhex":
                return "0x" + secret.hex()
            case "hex":
                return secret.hex()
            case _ if (text := write_form(form, curve, secret)) is not None:
                return text
            case _:  # a form that this key does not have, such as the family seed of a derived key
                continue
    return secret.hex()


def extended_public_key(keychain: Keychain, chain: Chain, holder: Holder) -> str:
    """The extended public key of a holder's account (the first three steps of its path), as text.

    The prefix tells the address kind where the family has several (SLIP-132; taproot has none of its own and is
    written xpub). Raises :class:`~multiwallet.errors.Unsupported` for an imported key, for ed25519 and for a path
    of less than three steps.
    """
    path = holder.account_path or holder.path
    if chain.curve != "secp256k1":
        raise Unsupported(f"{holder.network.title} signs with {chain.curve}, which has no extended public keys")
    if path is None or len(path) < 3:
        raise Unsupported("an extended public key stands for the first three steps of a path, and this one has less")
    testnet = holder.network.testnet and len(chain.kinds) > 1
    names = {"p2wpkh": "vpub", "p2sh-p2wpkh": "upub"} if testnet else {"p2wpkh": "zpub", "p2sh-p2wpkh": "ypub"}
    key = keychain.extended_public_key(Path(path.indexes[:3]))
    return key.serialize(names.get(holder.kind, "tpub" if testnet else "xpub"))
