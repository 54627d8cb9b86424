"""Keychains: where an account's keys come from. One seed, one imported key, or an extended public key.

A keychain answers for public keys; those that hold private ones also open a signing key for
:class:`~multiwallet.signer.LocalSigner`. Nothing here prints, copies or pickles a secret.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeAlias
from weakref import WeakValueDictionary

from ..errors import InvalidKey, InvalidPath, SigningRefused, Unsupported
from ..path import HARDENED, Junctions, Path
from ..secret import Secret

if TYPE_CHECKING:
    from ..crypto.ed25519 import Ed25519Key
    from ..crypto.secp256r1 import Secp256r1Key
    from ..crypto.secpkey import SecpKey
    from ..crypto.sr25519 import Sr25519Key
    from .hd import ExtendedKey

__all__ = ["ExtendedKeychain", "Keychain", "SeedKeychain", "SigningKey", "SingleKeychain"]

SigningKey: TypeAlias = "SecpKey | Ed25519Key | Sr25519Key | Secp256r1Key"

CARDANO = "ed25519-bip32"
"""The curve of Cardano's key tree, of which only public keys are known here."""
CARDANO_BASE = "ed25519-bip32-base"
"""The same for base addresses, which are made of two keys: 64 bytes, the payment key and its account's staking key."""

# Below m/74'/784' Sui's own tools walk the tree of BIP-32 as if for secp256k1, and take its key for secp256r1.
_SUI_SECP256R1 = (74 + HARDENED, 784 + HARDENED)

_CACHED_KEYS = 4096  # signing keys kept ready (a few hundred bytes each); the oldest goes first


class Keychain(Protocol):
    """What a wallet needs of its keys."""

    has_private_keys: bool
    fingerprint: bytes | None
    """The master key's BIP-32 fingerprint (4 bytes) where it is known."""
    default_account: int

    def public_key(self, curve: str, path: Path | None) -> bytes:
        """The public key at a path: 33 bytes for secp256k1 and secp256r1, 32 for the other curves."""

    def public_keys(self, curve: str, parent: Path, start: int, count: int) -> Iterator[bytes]:
        """The public keys of the children ``start`` to ``start + count - 1`` of a path, deriving it once."""

    def children_of(self, account_path: Path) -> Callable[[int, int], bytes]:
        """A function of (change, index) that gives public keys below an account path (secp256k1)."""

    def extended_public_key(self, path: Path) -> ExtendedKey:
        """The extended public key at a path (secp256k1)."""

    def signing_key(self, curve: str, path: Path | None) -> SigningKey:
        """The signing key at a path; SigningRefused where there are no private keys."""

    def close(self) -> None:
        """Wipe what is secret."""


class _Unprintable:
    """The manners of an object that holds a secret."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be copied or pickled: it may hold a secret")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse


class SeedKeychain(_Unprintable):
    """Every key below one seed (16 to 64 bytes): BIP-32 for secp256k1, SLIP-10 for ed25519 and secp256r1.

    Under Sui's purpose for secp256r1 (``m/74'/784'``) that curve's keys are Sui's own: the keys of BIP-32's tree.

    Polkadot's chains (paths of :class:`~multiwallet.path.Junctions`) and Cardano derive from the entropy of the
    phrase and not from its seed: give ``entropy``, and the ``passphrase`` (UTF-8) that goes with it, to serve them.
    Without them 32 bytes of seed are themselves the mini secret of Polkadot's chains, as Polkadot-JS reads a raw seed.
    """

    __slots__ = (
        "_closed",
        "_entropy",
        "_in_use",
        "_keys",
        "_lock",
        "_master",
        "_nodes",
        "_passphrase",
        "_seed",
        "default_account",
        "fingerprint",
        "has_private_keys",
    )

    def __init__(self, seed: Secret, *, entropy: Secret | None = None, passphrase: Secret | None = None) -> None:
        from .hd import ExtendedKey

        if not 16 <= len(seed) <= 64:
            raise InvalidKey(f"a seed has from 16 to 64 bytes, not {len(seed)}")
        self._seed = Secret(seed.expose())
        self._entropy = None if entropy is None else Secret(entropy.expose())
        self._passphrase = Secret(b"" if passphrase is None else passphrase.expose())
        self._master = ExtendedKey.from_seed(self._seed.expose())
        self._keys: OrderedDict[tuple[str, Path], SigningKey] = OrderedDict()
        self._nodes: OrderedDict[Path, ExtendedKey] = OrderedDict()
        self._in_use: WeakValueDictionary[tuple[str, Path], SigningKey] = WeakValueDictionary()
        self._closed = False
        self._lock = threading.Lock()
        self.has_private_keys = True
        self.fingerprint: bytes | None = self._master.fingerprint
        self.default_account = 0

    def public_key(self, curve: str, path: Path | None) -> bytes:
        if curve == CARDANO:
            return self._cardano_public_key(path)
        if curve == CARDANO_BASE and path is not None:
            from .cardano import staking_path

            return self._cardano_public_key(path) + self._cardano_public_key(staking_path(path))
        return self.signing_key(curve, path).public_key

    def public_keys(self, curve: str, parent: Path, start: int, count: int) -> Iterator[bytes]:
        if curve == "secp256k1" and not isinstance(parent, Junctions):
            return self._node(parent).public_keys(start, count)
        return (self.public_key(curve, parent / index) for index in range(start, start + count))

    def extended_public_key(self, path: Path) -> ExtendedKey:
        return self._node(path).public

    def children_of(self, account_path: Path) -> Callable[[int, int], bytes]:
        node = self._node(account_path).public
        branches = {change: node.child(change) for change in (0, 1)}
        return lambda change, index: branches[change].child(index).public_key

    def signing_key(self, curve: str, path: Path | None) -> SigningKey:
        if path is None:
            raise SigningRefused("this wallet derives its keys from a seed: the request names no path")
        with self._lock:
            key = self._keys.get((curve, path))
            if key is not None:
                self._keys.move_to_end((curve, path))
                return key
        key = self._open(curve, path)
        with self._lock:
            if self._closed:  # meanwhile: close() has not seen this key
                key.close()
                raise InvalidKey("this wallet has been closed and its keys wiped; open it again")
            # One that left the cache may still sign for somebody, and close() must find it.
            kept = self._keys[curve, path] = self._in_use.setdefault((curve, path), key)
            while len(self._keys) > _CACHED_KEYS:
                self._keys.popitem(last=False)
        return kept

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for key in list(self._in_use.values()):
                key.close()
            for node in self._nodes.values():
                node.close()
            self._keys.clear()
            self._nodes.clear()
        self._master.close()
        self._seed.close()
        self._passphrase.close()
        if self._entropy is not None:
            self._entropy.close()

    def _open(self, curve: str, path: Path) -> SigningKey:
        if isinstance(path, Junctions):
            from .substrate import derive

            return derive(self._mini_secret(path), path, curve)
        match curve:
            case "ed25519":
                from ..crypto.ed25519 import Ed25519Key
                from .slip10 import ed25519_from_seed

                return Ed25519Key(ed25519_from_seed(self._seed.expose(), path)[0])
            case "secp256r1":
                from ..crypto.secp256r1 import Secp256r1Key
                from .slip10 import secp256r1_from_seed

                if path.indexes[:2] == _SUI_SECP256R1:
                    return Secp256r1Key(self._node(path).private_key)
                return Secp256r1Key(secp256r1_from_seed(self._seed.expose(), path)[0])
            case "sr25519":
                raise Unsupported(
                    f"sr25519 keys are not derived along {path}: name junctions like //polkadot//0 (or an empty path), "
                    "or the kind ed25519, which wallets such as Ledger's and Trust derive along such paths"
                )
            case "secp256k1":
                from ..crypto.secpkey import SecpKey

                if not len(path):
                    return SecpKey(self._master.private_key)
                return SecpKey(self._node(path.parent).child(path.indexes[-1]).private_key)
            case _:
                raise Unsupported(
                    f"this wallet has no private keys of {curve}: it shows addresses there, and cannot sign"
                )

    def _mini_secret(self, path: Junctions) -> bytes:
        """What junctions begin from: the phrase under its password, else a raw seed of 32 bytes."""
        from .substrate import mini_secret

        if self._entropy is None:
            if path.has_password:
                raise InvalidPath("a password goes with a phrase, and this wallet was opened from a seed without one")
            if len(self._seed) != 32:
                raise Unsupported(
                    "Polkadot's chains derive keys from the words of a phrase, not from its BIP-39 seed: open the wallet "
                    "with from_mnemonic(), or with from_seed() and the 32 bytes of a raw seed (mini secret)"
                )
            return self._seed.expose()
        own, asked = self._passphrase, path.password
        if asked is not None and len(own) and own != asked:
            raise InvalidPath("this path names another password than the passphrase that the wallet was opened with")
        return mini_secret(self._entropy.expose(), (own if asked is None else asked).expose().decode())

    def _cardano_public_key(self, path: Path | None) -> bytes:
        from .cardano import icarus_public_key

        if path is None:
            raise InvalidPath("a key of Cardano has a path, such as m/1852'/1815'/0'/0/0")
        if self._entropy is None or len(self._passphrase):
            raise Unsupported(
                "Cardano derives keys from the words of a phrase, not from its BIP-39 seed, and here without a passphrase: "
                "open the wallet with from_mnemonic() and no passphrase"
            )
        return icarus_public_key(self._entropy.expose(), path)

    def _node(self, path: Path) -> ExtendedKey:
        with self._lock:
            node = self._nodes.get(path)
            if node is not None:
                return node
        node = self._master.derive(path)
        with self._lock:
            if self._closed:
                node.close()
                raise InvalidKey("this wallet has been closed and its keys wiped; open it again")
            kept = self._nodes.setdefault(path, node)
            while len(self._nodes) > _CACHED_KEYS:
                self._nodes.popitem(last=False)
        return kept


def _single_key(curve: str, private: bytes) -> SigningKey:
    match curve:
        case "secp256k1":
            from ..crypto.secpkey import SecpKey

            return SecpKey(private)
        case "ed25519":
            from ..crypto.ed25519 import Ed25519Key

            return Ed25519Key(private)
        case "sr25519":
            from ..crypto.sr25519 import Sr25519Key

            return Sr25519Key(private)
        case "secp256r1":
            from ..crypto.secp256r1 import Secp256r1Key

            return Secp256r1Key(private)
        case _:
            raise Unsupported(f"no wallet here holds a single key of {curve}")


class SingleKeychain(_Unprintable):
    """One imported private key: 32 bytes (for sr25519 a mini secret, or 64 bytes). It has no path and no siblings."""

    __slots__ = ("_curve", "_key", "_public_key", "default_account", "fingerprint", "has_private_keys")

    def __init__(self, curve: str, private_key: Secret, *, compressed: bool = True) -> None:
        from ..crypto.secp256k1 import decompress

        self._curve = curve
        self._key = _single_key(curve, private_key.expose())
        self._public_key = self._key.public_key if compressed else decompress(self._key.public_key)
        self.has_private_keys = True
        self.fingerprint: bytes | None = None
        self.default_account = 0

    def public_key(self, curve: str, path: Path | None) -> bytes:
        self._check(curve, path)
        return self._public_key

    def public_keys(self, curve: str, parent: Path, start: int, count: int) -> Iterator[bytes]:
        raise Unsupported("this wallet holds one imported key, which has no children: use a mnemonic for many accounts")

    def extended_public_key(self, path: Path) -> ExtendedKey:
        raise Unsupported("this wallet holds one imported key, which has no extended key: use a mnemonic")

    def children_of(self, account_path: Path) -> Callable[[int, int], bytes]:
        raise Unsupported("this wallet holds one imported key, which has no children: use a mnemonic for many accounts")

    def signing_key(self, curve: str, path: Path | None) -> SigningKey:
        self._check(curve, path)
        return self._key

    def close(self) -> None:
        self._key.close()

    def _check(self, curve: str, path: Path | None) -> None:
        if curve != self._curve:
            raise Unsupported(f"this wallet holds one {self._curve} key, and this chain signs with {curve}")
        if path is not None:
            raise InvalidPath("this wallet holds one imported key, which has no derivation path")


class ExtendedKeychain(_Unprintable):
    """All keys below one extended public key (xpub, zpub, ...): watch-only, secp256k1, unhardened steps.

    Full paths are asked for; the key's own depth and child number say which part of them it stands for.
    """

    __slots__ = ("_lock", "_node", "_nodes", "default_account", "depth", "fingerprint", "has_private_keys")

    def __init__(self, key: ExtendedKey) -> None:
        if key.is_private:
            raise InvalidKey("this is an extended private key: a watch-only wallet takes the public one (xpub...)")
        self._node = key
        self.depth = key.depth
        self._nodes: dict[tuple[int, ...], ExtendedKey] = {(): key}
        self._lock = threading.Lock()
        self.has_private_keys = False
        self.fingerprint: bytes | None = key.fingerprint if key.depth == 0 else None
        self.default_account = key.child_number - HARDENED if key.depth == 3 and key.child_number >= HARDENED else 0

    def public_key(self, curve: str, path: Path | None) -> bytes:
        steps = self._below(curve, path)
        return self._parent(steps[:-1]).child(steps[-1]).public_key if steps else self._node.public_key

    def public_keys(self, curve: str, parent: Path, start: int, count: int) -> Iterator[bytes]:
        return self._parent(self._below(curve, parent)).public_keys(start, count)

    def extended_public_key(self, path: Path) -> ExtendedKey:
        return self._parent(self._below("secp256k1", path))

    def children_of(self, account_path: Path) -> Callable[[int, int], bytes]:
        steps = self._below("secp256k1", account_path)
        return lambda change, index: self._parent((*steps, change)).child(index).public_key

    def signing_key(self, curve: str, path: Path | None) -> SigningKey:
        raise SigningRefused(
            "this wallet is watch-only: sign where the mnemonic is (export with to_json()), or give it a signer"
        )

    def close(self) -> None:
        """Nothing here is secret."""

    def _below(self, curve: str, path: Path | None) -> tuple[int, ...]:
        if curve != "secp256k1":
            raise Unsupported(f"an extended public key here is of secp256k1, and cannot derive {curve} keys")
        depth, number = self._node.depth, self._node.child_number
        if path is None or len(path) < depth:
            raise InvalidPath(f"this extended key stands at depth {depth}: it cannot give the key at {path}")
        if depth and path.indexes[depth - 1] != number:
            mine = f"{number - HARDENED}'" if number >= HARDENED else str(number)
            raise InvalidPath(f"this extended key is child {mine} at depth {depth}, which is not on the path {path}")
        below = path.indexes[depth:]
        if any(step >= HARDENED for step in below):
            raise InvalidPath(
                f"{path} has hardened steps below depth {depth}, which an extended public key cannot derive: "
                "export the key of the account (depth 3)"
            )
        return below

    def _parent(self, steps: tuple[int, ...]) -> ExtendedKey:
        node = self._nodes.get(steps)
        if node is None:
            node = self._parent(steps[:-1]).child(steps[-1])
            with self._lock:
                if len(self._nodes) >= _CACHED_KEYS:
                    self._nodes = {(): self._node}
                self._nodes[steps] = node
        return node
