"""The table of formats, and load and dump over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import InputError, InvalidKey, MultiwalletError, Unsupported
from ..secret import Secret, discreet
from .imported import AccountHint, ImportedKey
from .source import Source, detect_format, password_bytes

if TYPE_CHECKING:
    from ..account import Account, AsyncAccount
    from ..keys.mnemonic import Mnemonic

__all__ = ["FORMATS", "Format", "detect", "dump", "load"]


class Format(NamedTuple):
    """One format: the module that reads and writes it, and what it is."""

    module: str
    title: str
    writes: bool = True
    password: bool = False
    """Whether its files are (or can be) encrypted under a password."""


FORMATS: Final[dict[str, Format]] = {
    "ethereum-v3": Format("ethereum_v3", "Ethereum keystore, version 3 (geth, ethers, TronLink, TokenPocket)", True, True),
    "metamask": Format("metamask", "the vault of the MetaMask extension", True, True),
    "bip38": Format("bip38", "a Bitcoin private key encrypted by BIP-38", True, True),
    "wif": Format("wif", "a Bitcoin private key in wallet import format"),
    "electrum": Format("electrum", "an Electrum seed phrase, segwit or standard"),
    "mnemonic": Format("mnemonic", "a BIP-39 mnemonic"),
    "slip39": Format("slip39", "SLIP-39 shares of a master secret", True, True),
    "seedqr": Format("seedqr", "SeedQR: a mnemonic as digits"),
    "compact-seedqr": Format("seedqr", "CompactSeedQR: a mnemonic's entropy as bytes"),
    "ur": Format("uniform_resource", "Uniform Resources: crypto-seed, crypto-hdkey, crypto-account, crypto-output"),
    "extended-key": Format("extended_key", "an extended key: xpub, ypub, zpub, xprv, ..."),
    "descriptor": Format("descriptor", "output descriptors (BIP-380)"),
    "bitcoin-core-descriptors": Format("bitcoin_core", "what Bitcoin Core's listdescriptors prints"),
    "bitcoin-core-dump": Format("bitcoin_core", "what Bitcoin Core's dumpwallet writes"),
    "multisig": Format("multisig", "a multisig wallet of Sparrow, Specter or Coldcard: public parts"),
    "solana-cli": Format("solana_cli", "a key pair of Solana's command line, or in base58"),
    "polkadot-js": Format("polkadot_js", "an account of Polkadot-JS", True, True),
    "private-key": Format("private_key", "a bare private key, as the users of its network write it"),
}  # fmt: skip
"""Every format by its name."""


@discreet
def load(
    data: str | bytes | bytearray | Secret | Mapping[str, Any] | Sequence[Any],
    password: str | bytes | bytearray | Secret | None = None,
    *,
    network: str | None = None,
    format: str | None = None,
) -> ImportedKey:
    """Read a key file of another wallet. Its format is told by its content.

    ``data`` is the file's text or bytes, its parsed JSON, or a list of texts (SLIP-39 shares, the parts of an
    animated UR). ``password`` opens what is encrypted; for a mnemonic it is the BIP-39 passphrase, for an Electrum
    seed its extension words, for SLIP-39 the passphrase. ``network`` says which network a key is for that its file
    leaves open, and ``format`` settles what the content leaves open. An address in the file is checked against the
    key inside.

    Raises :class:`~multiwallet.errors.InvalidKey` (or InvalidMnemonic) for a wrong password, a damaged or unknown
    file, and an address that is not the key's; :class:`~multiwallet.errors.Unsupported` for what a format has and
    this library does not; :class:`~multiwallet.errors.MissingExtra` where a package is missing.

    >>> key = load("KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn")
    >>> key
    ImportedKey(wif: private-key, bitcoin bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4)
    >>> with key.wallet() as wallet:
    ...     wallet.account("bitcoin").address
    'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
    """
    with ExitStack() as stack:
        source = Source.of(data)
        secret = password_bytes(password)
        if secret is not None:
            stack.enter_context(secret)
        name = format if format is not None else _detected(source, network)
        try:
            key: ImportedKey = _module(name).read(source, secret, network)
        except MultiwalletError:
            raise
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError):
            # The last net under files from strangers. No cause: its message may hold what was read.
            raise InvalidKey(f"this {_format(name).title} cannot be read: it is damaged or none") from None
        key.format = name
        return key


@discreet
def dump(
    key: ImportedKey | Mnemonic | Account | AsyncAccount,
    format: str,
    password: str | bytes | bytearray | Secret | None = None,
    **options: Any,
) -> str | bytes | list[str]:
    """Write a key in the format of another wallet. What comes back is the secret itself, or encrypts it.

    ``key`` is what :func:`load` gave, a :class:`~multiwallet.Mnemonic`, or an account of a wallet. ``options`` are
    the format's own; docs/keystores.md tells them. Text comes back for most formats, bytes for ``compact-seedqr``,
    a list of texts for ``slip39`` and for a UR in several parts.

    Raises :class:`~multiwallet.errors.Unsupported` for a kind of key that the format cannot hold and
    :class:`~multiwallet.errors.InvalidKey` where a password is missing.

    >>> from multiwallet import Mnemonic
    >>> words = "forum undo fragile fade shy sign arrest garment culture tube off merit"
    >>> dump(Mnemonic(words), "seedqr")
    '073318950739065415961602009907670428187212261116'
    """
    known = _format(format)
    if not known.writes:
        raise Unsupported(f"{known.title} is read only")
    with ExitStack() as stack:
        secret = password_bytes(password)
        if secret is not None:
            stack.enter_context(secret)
        subject = key if isinstance(key, ImportedKey) else stack.enter_context(_taken(key))
        if subject.closed:
            raise InvalidKey("this key has been wiped; load it again")
        if format in ("compact-seedqr", "bitcoin-core-dump", "bitcoin-core-descriptors"):
            options["form"] = format
        try:
            written: str | bytes | list[str] = _module(format).write(subject, secret, **options)
        except TypeError as error:
            if "keyword argument" in str(error):
                raise InputError(f"{format} has no such option: docs/keystores.md tells those it has") from None
            raise
        return written


def detect(data: str | bytes | bytearray | Secret | Mapping[str, Any] | Sequence[Any]) -> str:
    """The name of the format that a file's content is in, without opening it; InvalidKey for none.

    >>> detect("6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg")
    'bip38'
    """
    return detect_format(Source.of(data))


def _detected(source: Source, network: str | None) -> str:
    try:
        return detect_format(source)
    except InvalidKey:
        if network is None:
            raise
        return "private-key"


def _format(name: str) -> Format:
    known = FORMATS.get(name)
    if known is None:
        raise InputError(f"there is no key format {str(name)[:30]!r}: the formats are {', '.join(FORMATS)}")
    return known


def _module(name: str) -> Any:
    return import_module(f"{__package__}.{_format(name).module}")


def _taken(key: Any) -> ImportedKey:
    """What is to be written as an ImportedKey, from a mnemonic or an account."""
    from ..account import Account, AsyncAccount
    from ..keys.mnemonic import Mnemonic
    from .material import Phrase, PrivateKey

    if isinstance(key, Mnemonic):
        copy = Mnemonic.from_entropy(key.entropy, key.language)
        return ImportedKey("mnemonic", Phrase(copy), "bitcoin")
    if isinstance(key, Account | AsyncAccount):
        from .. import registry
        from ..credentials import import_private_key

        chain = registry.chain(key.network)
        imported = import_private_key(key.export_private_key(), chain, key.network, key.kind)
        return ImportedKey(
            "account",
            PrivateKey(imported.secret, compressed=imported.compressed),
            key.network,
            accounts=(AccountHint(key.network.name, None, key.kind),),
            address=key.address,
        )
    raise InputError(f"only an ImportedKey, a Mnemonic or an account can be written, not {type(key).__name__}")
