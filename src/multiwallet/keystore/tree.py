"""TreeKeychain: the keys below one extended key whose place in the tree its file tells."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NoReturn

from ..errors import InvalidPath, SigningRefused, Unsupported
from ..path import HARDENED, Path

if TYPE_CHECKING:
    from ..crypto.secpkey import SecpKey
    from ..keys.hd import ExtendedKey

__all__ = ["TreeKeychain"]

_CACHED: Final = 4096


class TreeKeychain:
    """The keys at and below an extended key, private or public, that stands at the path ``origin``.

    Asked by full path, like every keychain. ``plain_only`` refuses hardened steps below the key even where it is
    private: a wallet such as Electrum's has its addresses at one place, and a key of the usual place would be an
    address that the wallet never shows. ``fingerprint`` is the master key's (4 bytes), where known.
    """

    __slots__ = (
        "_keys",
        "_lock",
        "_node",
        "_nodes",
        "_origin",
        "_plain_only",
        "default_account",
        "fingerprint",
        "has_private_keys",
    )

    def __init__(
        self, key: ExtendedKey, origin: Path | None, fingerprint: bytes | None, *, plain_only: bool = False
    ) -> None:
        self._node = key
        self._origin = Path() if origin is None else origin
        self._plain_only = plain_only or not key.is_private
        self._nodes: OrderedDict[tuple[int, ...], ExtendedKey] = OrderedDict()
        self._keys: OrderedDict[Path, SecpKey] = OrderedDict()
        self._lock = threading.Lock()
        self.has_private_keys = key.is_private
        self.fingerprint = key.fingerprint if not len(self._origin) and not key.depth else fingerprint
        third = self._origin.indexes[2] if len(self._origin) >= 3 else HARDENED
        self.default_account = third - HARDENED if third >= HARDENED else 0

    def public_key(self, curve: str, path: Path | None) -> bytes:
        return self._at(self._below(curve, path)).public_key

    def public_keys(self, curve: str, parent: Path, start: int, count: int) -> Iterator[bytes]:
        return self._at(self._below(curve, parent)).public_keys(start, count)

    def children_of(self, account_path: Path) -> Callable[[int, int], bytes]:
        steps = self._below("secp256k1", account_path)
        return lambda change, index: self._at((*steps, change)).child(index).public_key

    def extended_public_key(self, path: Path) -> ExtendedKey:
        return self._at(self._below("secp256k1", path)).public

    def signing_key(self, curve: str, path: Path | None) -> SecpKey:
        if not self.has_private_keys:
            raise SigningRefused("this wallet is watch-only: sign where the private keys are, or give it a signer")
        steps = self._below(curve, path)
        assert path is not None
        with self._lock:
            known = self._keys.get(path)
        if known is None:
            from ..crypto.secpkey import SecpKey

            parent = self._at(steps[:-1])
            made = SecpKey((parent.child(steps[-1]) if steps else parent).private_key)
            with self._lock:
                known = self._keys.setdefault(path, made)
                while len(self._keys) > _CACHED:
                    self._keys.popitem(last=False)
        return known

    def close(self) -> None:
        with self._lock:
            for key in self._keys.values():
                key.close()
            for node in self._nodes.values():
                node.close()
            self._keys.clear()
            self._nodes.clear()
        self._node.close()

    def _below(self, curve: str, path: Path | None) -> tuple[int, ...]:
        if curve != "secp256k1":
            raise Unsupported(f"this wallet holds an extended key, which derives no {curve} keys: use the mnemonic")
        origin = self._origin.indexes
        if path is None or path.indexes[: len(origin)] != origin:
            raise InvalidPath(
                f"the keys of this wallet are below {self._origin}, and {path} is not: "
                "open what ImportedKey.accounts lists, each with its open(wallet)"
            )
        below = path.indexes[len(origin) :]
        if self._plain_only and any(step >= HARDENED for step in below):
            raise InvalidPath(
                f"{path} has hardened steps below {self._origin}, where this wallet has no addresses: "
                "open what ImportedKey.accounts lists, each with its open(wallet)"
            )
        return below

    def _at(self, steps: tuple[int, ...]) -> ExtendedKey:
        if not steps:
            return self._node
        with self._lock:
            node = self._nodes.get(steps)
        if node is None:
            node = self._at(steps[:-1]).child(steps[-1])
            with self._lock:
                node = self._nodes.setdefault(steps, node)
                while len(self._nodes) > _CACHED:
                    self._nodes.popitem(last=False)
        return node

    def __repr__(self) -> str:
        return "TreeKeychain(…)"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a TreeKeychain cannot be copied or pickled: it may hold a secret")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse
