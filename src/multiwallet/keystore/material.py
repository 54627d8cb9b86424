"""What an ImportedKey is made of: one class for each kind of key, all with the same few answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .. import registry
from ..errors import InvalidKey, MultiwalletError, SigningRefused, UnknownNetwork, Unsupported
from ..path import Path
from ..secret import Secret
from .tree import TreeKeychain

if TYPE_CHECKING:
    from ..chain import Network
    from ..keys.hd import ExtendedKey
    from ..keys.mnemonic import Mnemonic
    from ..wallet import AsyncWallet, Wallet
    from .imported import AccountHint

__all__ = ["ForeignKey", "Material", "Phrase", "PrivateKey", "PublicAccount", "Seed", "Tree", "row_of"]

W = TypeVar("W", "Wallet", "AsyncWallet")


class Material(Protocol):
    """A kind of key. ``hint`` is the account whose first address is meant."""

    kind: str
    public: str | None
    has_private_keys: bool

    def open(self, face: type[W], network: str, options: dict[str, Any]) -> W:
        """A wallet; Unsupported where there is none."""

    def address(self, hint: AccountHint) -> str | None:
        """The first address, where there is one."""

    def export(self, hint: AccountHint) -> str:
        """The private key of that address; SigningRefused where there is none."""

    def mnemonic(self) -> Mnemonic:
        """A copy of the mnemonic; Unsupported for other kinds."""

    @property
    def closed(self) -> bool:
        """Whether it has been wiped."""

    def close(self) -> None:
        """Wipe it."""


class _Held:
    """What most kinds share: addresses and keys come from a wallet opened for a moment."""

    kind = ""
    public: str | None = None
    has_private_keys = True

    def __init__(self, secret: Secret) -> None:
        self.secret = secret

    def open(self, face: type[W], network: str, options: dict[str, Any]) -> W:
        raise NotImplementedError  # each kind says how

    def address(self, hint: AccountHint) -> str | None:
        wallet = self._opened(hint)
        if wallet is None:
            return None
        with wallet:
            return hint.open(wallet, 0).address

    def export(self, hint: AccountHint) -> str:
        with self.open(_wallet_face(), hint.network, {}) as wallet:
            return hint.open(wallet, 0).export_private_key()

    def mnemonic(self) -> Mnemonic:
        raise Unsupported(f"this is no mnemonic (its kind is {self.kind})")

    @property
    def closed(self) -> bool:
        return self.secret.closed

    def close(self) -> None:
        self.secret.close()

    def _opened(self, hint: AccountHint) -> Wallet | None:
        try:
            return self.open(_wallet_face(), hint.network, {})
        except Unsupported:
            return None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class PrivateKey(_Held):
    """One private key of 32 bytes: secp256k1, or the seed of an Ed25519 pair."""

    kind = "private-key"

    def __init__(self, secret: Secret, *, compressed: bool = True) -> None:
        super().__init__(secret)
        self.compressed = compressed

    def open(self, face: type[W], network: str, options: dict[str, Any]) -> W:
        if self.compressed:
            return face.from_private_key(row_of(network), self.secret, **options)
        from ..keys.formats import encode_wif

        text = encode_wif(self.secret, row_of(network).params["wif"], compressed=False)
        return face.from_private_key(row_of(network), text, **options)

    def address(self, hint: AccountHint) -> str | None:
        # By hand: a dump holds thousands of keys, and a wallet for each would cost ten times as much.
        try:
            row = row_of(hint.network)
        except Unsupported:
            return None
        chain = registry.chain(row)
        kind = hint.kind or (chain.kinds_of(row)[0] if self.compressed else "p2pkh")
        return chain.address(row, self.public_key(chain.curve_of(row, kind)), kind)

    def export(self, hint: AccountHint) -> str:
        try:
            return super().export(hint)
        except Unsupported:  # a network of the format's own, without a row here
            return "0x" + self.secret.expose().hex()

    def public_key(self, curve: str) -> bytes:
        """33 bytes, or 65 where it is uncompressed; 32 for Ed25519 and sr25519."""
        if curve == "ed25519":
            from ..crypto import ed25519

            return ed25519.public_key(self.secret.expose())
        if curve == "sr25519":
            from ..crypto import sr25519

            return sr25519.public_key(self.secret.expose())
        if curve == "secp256r1":
            from ..crypto import secp256r1

            return secp256r1.public_key(self.secret.expose())
        from ..crypto import secp256k1

        key = secp256k1.public_key(self.secret.expose())
        return key if self.compressed else secp256k1.decompress(key)


class Phrase(_Held):
    """A BIP-39 mnemonic with its passphrase (UTF-8)."""

    kind = "mnemonic"

    def __init__(self, mnemonic: Mnemonic, passphrase: Secret | None = None) -> None:
        super().__init__(Secret(b"") if passphrase is None else passphrase)
        self._mnemonic = mnemonic

    def open(self, face: type[W], network: str, options: dict[str, Any]) -> W:
        return face.from_mnemonic(self._mnemonic, self.secret.expose().decode(), **options)

    def mnemonic(self) -> Mnemonic:
        from ..keys.mnemonic import Mnemonic

        return Mnemonic.from_entropy(self._mnemonic.entropy, self._mnemonic.language)

    def close(self) -> None:
        super().close()
        self._mnemonic.close()


class Seed(_Held):
    """A BIP-32 seed of 16 to 64 bytes."""

    kind = "seed"

    def open(self, face: type[W], network: str, options: dict[str, Any]) -> W:
        return face.from_seed(self.secret, **options)


class Tree(_Held):
    """An extended key, private or public, at its place in the tree.

    ``origin`` is the path that it stands at (None: unknown, and then it is public and of a usual account).
    ``address_kind`` is that of all addresses below, where there is only one.
    """

    def __init__(
        self,
        key: ExtendedKey,
        origin: Path | None = None,
        *,
        fingerprint: bytes | None = None,
        address_kind: str = "",
        plain_only: bool = False,
        words: Secret | None = None,
    ) -> None:
        super().__init__(Secret(b"") if words is None else words)
        self.key = key
        self.origin = origin
        self.fingerprint = fingerprint
        self.address_kind = address_kind
        self.plain_only = plain_only
        self.has_private_keys = key.is_private
        self.kind = "extended-private-key" if key.is_private else "extended-public-key"
        version = key.version
        self.public = key.serialize(version.partner if version.is_private else version.name)

    def open(self, face: type[W], network: str, options: dict[str, Any]) -> W:
        from ..keys.hd import ExtendedKey

        row = row_of(network)
        if self.origin is None and not self.key.is_private:
            assert self.public is not None
            return face.from_xpub(row, self.public, **options)
        chain = registry.chain(row)
        if chain.curve != "secp256k1":
            raise Unsupported(f"{row.title} signs with {chain.curve}, and an extended key is of secp256k1")
        if self.key.testnet != row.testnet and len(chain.kinds) > 1:
            raise InvalidKey("this extended key and the network are not both of a test network, or both of a main one")
        copy = ExtendedKey.parse(self.key.serialize())
        keychain = TreeKeychain(copy, self.origin, self.fingerprint, plain_only=self.plain_only)
        options = {"transport": None, "endpoints": None, "signer": None} | options
        wallet = face._make(keychain, **options, family=row.family)
        wallet._session.kind = self.address_kind if self.address_kind in chain.kinds else ""
        return wallet

    def address(self, hint: AccountHint) -> str | None:
        try:
            return super().address(hint)
        except MultiwalletError:  # a key at an unusual depth, or of multisig: it has no address by itself
            return None

    @property
    def closed(self) -> bool:
        return self.key.closed or self.secret.closed

    def close(self) -> None:
        super().close()
        self.key.close()


class PublicAccount:
    """What is described by public keys and is no single key's: a multisig wallet, or a script."""

    has_private_keys = False
    closed = False

    def __init__(self, descriptor: str, first: str | None, kind: str = "multisig") -> None:
        self.kind = kind
        self.public: str | None = descriptor
        self._first = first

    def open(self, face: type[W], network: str, options: dict[str, Any]) -> W:
        raise Unsupported(
            f"no wallet opens a {self.kind} yet: .public is its output descriptor, for software that has it"
        )

    def address(self, hint: AccountHint) -> str | None:
        return self._first

    def export(self, hint: AccountHint) -> str:
        raise SigningRefused("this holds public keys only: there is no private key to export")

    def mnemonic(self) -> Mnemonic:
        raise Unsupported(f"this is no mnemonic (its kind is {self.kind})")

    def close(self) -> None:
        """Nothing here is secret."""


class ForeignKey(_Held):
    """A private key of a scheme that no wallet here serves; it can be kept and written again."""

    def __init__(self, secret: Secret, kind: str, address: str, public_key: bytes) -> None:
        super().__init__(secret)
        self.kind = kind
        self.public_key = public_key
        self._address = address

    def open(self, face: type[W], network: str, options: dict[str, Any]) -> W:
        scheme = self.kind.partition("-")[0]
        raise Unsupported(f"no wallet here signs with {scheme} keys yet: the key can be read and written, not used")

    def address(self, hint: AccountHint) -> str | None:
        return self._address

    def export(self, hint: AccountHint) -> str:
        return "0x" + self.secret.expose().hex()


def row_of(name: str) -> Network:
    """The row of a network; Unsupported for a format's network that has no row."""
    try:
        return registry.network(name)
    except UnknownNetwork:
        raise Unsupported(
            f"there is no network {name[:40]!r} here yet: load(..., network=...) chooses another that the key shall serve"
        ) from None


def _wallet_face() -> type[Wallet]:
    from ..wallet import Wallet

    return Wallet
