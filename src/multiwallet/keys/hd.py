"""BIP-32: extended keys on secp256k1, private and public, and the texts they are written as."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, NoReturn, Self

from multiwallet.crypto.hashes import hash160, hmac_sha512, hmac_sha512_with
from multiwallet.crypto.secp256k1 import (
    is_valid_private_key,
    is_valid_public_key,
    point_tweaker,
    private_add_tweak,
    public_key,
)
from multiwallet.errors import InputError, InvalidKey, InvalidPath
from multiwallet.keys.slip10 import check_seed, ed25519_from_seed
from multiwallet.keys.versions import VERSIONS, Version, version_named, version_of
from multiwallet.path import HARDENED, Path
from multiwallet.secret import Secret, discreet

if TYPE_CHECKING:
    from multiwallet.crypto.secpkey import SecpKey

__all__ = ["ExtendedKey", "ed25519_from_seed"]

_XPUB: Final = VERSIONS["xpub"]


class ExtendedKey:
    """A BIP-32 extended key: a private or public key with its chain code and its place in the tree.

    Made by :meth:`from_seed` or :meth:`parse`. A private one keeps the manners of a secret: it shows its depth
    and fingerprint only, refuses ``pickle``, ``copy``, ``hash`` and ``format``, and ``close()`` wipes it.
    Threads may share one.

    >>> master = ExtendedKey.from_seed(bytes.fromhex("000102030405060708090a0b0c0d0e0f"))
    >>> master
    ExtendedKey(private, depth 0, fingerprint 3442193e)
    >>> account = master.derive("m/84'/0'/0'").public
    >>> account.serialize("zpub")[:12]
    'zpub6qfp6hKy'
    >>> account.child(0).child(5) == master.derive("m/84'/0'/0'/0/5").public
    True
    """

    __slots__ = (
        "__weakref__",
        "_add",
        "_fingerprint",
        "_mac",
        "_public_key",
        "_secret",
        "chain_code",
        "child_number",
        "depth",
        "parent_fingerprint",
        "version",
    )
    __hash__ = None  # type: ignore[assignment]  # a private one must not become a dictionary key

    chain_code: bytes
    """32 bytes. With one private child it gives the private key away, so an xpub is not for everyone."""
    depth: int
    """0 for the master key, else the number of steps from it."""
    parent_fingerprint: bytes
    """The first four bytes of the parent's identifier; zeros for the master key."""
    child_number: int
    """The last step of its path, with 2^31 added when hardened; 0 for the master key."""
    version: Version
    """The form it was read from, or that of ``xprv``: name, kind of script, purpose, network, testnet."""

    def __init__(self) -> None:
        raise TypeError("make an ExtendedKey with from_seed() or parse()")

    @classmethod
    def _make(
        cls,
        key: bytes,
        chain_code: bytes,
        depth: int,
        parent_fingerprint: bytes,
        child_number: int,
        version: Version,
    ) -> Self:
        made = cls.__new__(cls)
        private = len(key) == 32
        made._secret = Secret(key) if private else None
        made._public_key = None if private else key
        made._fingerprint = made._add = made._mac = None
        made.chain_code, made.depth, made.child_number = chain_code, depth, child_number
        made.parent_fingerprint = parent_fingerprint
        made.version = version if version.is_private == private else version_named(version.partner)
        return made

    _secret: Secret | None
    _public_key: bytes | None
    _fingerprint: bytes | None
    _add: Callable[[bytes], bytes] | None
    _mac: Callable[[bytes], bytes] | None

    @classmethod
    @discreet
    def from_seed(cls, seed: bytes | bytearray | memoryview | Secret, version: str = "xprv") -> Self:
        """The master key of a seed of 16 to 64 bytes.

        ``version`` names the form that :meth:`serialize` writes. Raises
        :class:`~multiwallet.errors.InvalidKey` for another length, an unknown form, and the one seed in 2^127
        that has no key.
        """
        digest = hmac_sha512(b"Bitcoin seed", check_seed(seed))
        if not is_valid_private_key(digest[:32]):
            raise InvalidKey("this seed has no BIP-32 master key (one in 2^127 has none); take another seed")
        return cls._make(digest[:32], digest[32:], 0, bytes(4), 0, version_named(version))

    @classmethod
    @discreet
    def parse(cls, text: str) -> Self:
        """Read an extended key: xprv, xpub and the forms of SLIP-132 (see :mod:`multiwallet.keys.versions`).

        Raises :class:`~multiwallet.errors.InvalidKey` for a wrong checksum, length or version, for a master
        key that claims a parent, and for a key outside the curve.

        >>> text = ExtendedKey.from_seed(bytes(16)).public.serialize("vpub")
        >>> key = ExtendedKey.parse(text)
        >>> key.kind, key.purpose, key.testnet, key.is_private
        ('p2wpkh', 84, True, False)
        """
        from multiwallet.codec.base58 import decode_check

        if not isinstance(text, str):
            raise InvalidKey(f"an extended key is text, not {type(text).__name__}")
        if len(text) > 200:
            raise InvalidKey(f"an extended key has 111 characters or so, not {len(text)}")
        try:
            data = decode_check(text)
        except InputError:
            # Whatever the codec says may quote a character of what could be a private key.
            raise InvalidKey("this is no extended key: a character is wrong, or one is missing") from None
        if len(data) != 78:
            raise InvalidKey(f"an extended key has 78 bytes, not {len(data)}")
        version = version_of(data[:4])
        depth, parent_fingerprint, child_number = data[4], data[5:9], int.from_bytes(data[9:13], "big")
        if depth == 0 and (child_number or any(parent_fingerprint)):
            raise InvalidKey("this extended key says that it is the master key and has a parent")
        chain_code, key = data[13:45], data[45:]
        if version.is_private:
            if key[0] != 0:
                raise InvalidKey(f"an {version.name} holds a private key, and this one does not")
            key = key[1:]
            if not is_valid_private_key(key):
                raise InvalidKey("the private key inside is not a number from 1 to n - 1")
        elif not is_valid_public_key(key):
            raise InvalidKey(f"an {version.name} holds a public key of secp256k1, and this one does not")
        return cls._make(key, chain_code, depth, parent_fingerprint, child_number, version)

    def serialize(self, version: str | None = None) -> str:
        """The key as text. Without ``version`` in its own form, so a private key writes itself out: keep it safe.

        The name of a public form (``"zpub"``) gives the public text of a private key too. Raises
        :class:`~multiwallet.errors.InvalidKey` for an unknown form and when a public key shall be private.

        >>> ExtendedKey.from_seed(bytes(16)).serialize("xpub")[:8]
        'xpub661M'
        """
        from multiwallet.codec.base58 import encode_check

        row = self.version if version is None else version_named(version)
        if row.is_private:
            if self._secret is None:
                raise InvalidKey(f"this extended key is public and cannot be written as {row.name}")
            key = b"\x00" + self._secret.expose()
        else:
            key = self.public_key
        place = self.depth.to_bytes(1, "big") + self.parent_fingerprint + self.child_number.to_bytes(4, "big")
        return encode_check(row.prefix + place + self.chain_code + key)

    @property
    def is_private(self) -> bool:
        """Whether this key can sign and take hardened steps."""
        return self._secret is not None

    @property
    def private_key(self) -> bytes:
        """The 32-byte private key. Raises :class:`~multiwallet.errors.InvalidKey` for a public or closed key."""
        if self._secret is None:
            raise InvalidKey("this extended key is public: it has no private key")
        return self._secret.expose()

    @property
    def public_key(self) -> bytes:
        """The public key: 33 bytes, compressed."""
        known = self._public_key
        if known is None:
            self._public_key = known = public_key(self.private_key)
        return known

    @property
    def fingerprint(self) -> bytes:
        """The first four bytes of the identifier (HASH160 of the public key)."""
        known = self._fingerprint
        if known is None:
            self._fingerprint = known = hash160(self.public_key)[:4]
        return known

    @property
    def kind(self) -> str | None:
        """The kind of script that the form stands for: ``p2wpkh`` for zpub. ``p2pkh`` for xpub, which is often any."""
        return self.version.kind

    @property
    def purpose(self) -> int:
        """The purpose that the form stands for: 44, 49, 84, or 48 for multisig."""
        return self.version.purpose

    @property
    def testnet(self) -> bool:
        """Whether the form is one of a test network."""
        return self.version.testnet

    @property
    def public(self) -> Self:
        """The same key without its private half ("neutered")."""
        version = self.version
        return self._make(
            self.public_key, self.chain_code, self.depth, self.parent_fingerprint, self.child_number, version
        )

    def key(self) -> SecpKey:
        """The private key as one that signs. Raises :class:`~multiwallet.errors.InvalidKey` without one."""
        from multiwallet.crypto.secpkey import SecpKey

        return SecpKey(self.private_key)

    def child(self, index: int) -> Self:
        """The child of a number from 0 to 2^32 - 1; from 2^31 on it is hardened.

        Raises :class:`~multiwallet.errors.InvalidPath` for a hardened child of a public key, below depth 255,
        and for the one number in 2^127 that has no key: there BIP-32 says to take the next.
        """
        if not isinstance(index, int) or not 0 <= index < 2**32:
            raise InvalidPath("a child number is an integer from 0 to 2^32 - 1")
        return self._child(index, self.fingerprint)

    def _child(self, index: int, fingerprint: bytes) -> Self:
        if self.depth == 255:
            raise InvalidPath("BIP-32 ends at depth 255")
        if self._secret is None:
            digest = self._hmac(index)
            try:
                key = self._adder()(digest[:32])
            except InvalidKey:
                raise _no_child(index) from None
        else:
            key, digest = self._private_child(index)
        return self._make(key, digest[32:], self.depth + 1, fingerprint, index, self.version)

    def derive(self, path: Path | str | Iterable[int]) -> Self:
        """The key at a path below this one. The ``m`` of the path is this key.

        Raises :class:`~multiwallet.errors.InvalidPath` as :meth:`child` does, and for a path that cannot be read.
        """
        steps = (path if isinstance(path, Path) else Path(path)).indexes
        if self._secret is None and any(index >= HARDENED for index in steps):
            raise InvalidPath("a public key has no hardened children; start from the account's private key")
        key = self
        for index in steps[:-1]:
            # Nobody sees these on the way: a fingerprint would cost each a public key.
            key = key._child(index, b"")
        return key.child(steps[-1]) if steps else key

    def public_keys(self, start: int = 0, count: int = 1) -> Iterator[bytes]:
        """The public keys (33 bytes) of the plain children ``start`` to ``start + count - 1``, the fast way.

        A private key gives them just as its public half does. Raises
        :class:`~multiwallet.errors.InvalidPath` when the range leaves 0 to 2^31 - 1, or at a number that has
        no key (one in 2^127).

        >>> account = ExtendedKey.from_seed(bytes(16)).derive("m/84'/0'/0'/0")
        >>> next(account.public_keys(7)) == account.child(7).public_key
        True
        """
        self._check_range(start, count, hardened=False)
        return self._public_keys(range(start, start + count))

    def private_keys(self, start: int = 0, count: int = 1, *, hardened: bool = False) -> Iterator[SecpKey]:
        """The signing keys of the children ``start`` to ``start + count - 1``, plain or hardened.

        Raises :class:`~multiwallet.errors.InvalidKey` for a public key and
        :class:`~multiwallet.errors.InvalidPath` as :meth:`public_keys` does.

        >>> node = ExtendedKey.from_seed(bytes(16)).derive("m/44'/60'/0'/0")
        >>> [key.public_key for key in node.private_keys(0, 3)] == list(node.public_keys(0, 3))
        True
        """
        if self._secret is None:
            raise InvalidKey("this extended key is public: it has no private keys below it")
        self._check_range(start, count, hardened=hardened)
        offset = HARDENED if hardened else 0
        return self._private_keys(range(start + offset, start + offset + count))

    def _public_keys(self, numbers: range) -> Iterator[bytes]:
        mac, add = self._plain_mac(), self._adder()
        for index in numbers:
            try:
                yield add(mac(index.to_bytes(4, "big"))[:32])
            except InvalidKey:
                raise _no_child(index) from None

    def _private_keys(self, numbers: range) -> Iterator[SecpKey]:
        from multiwallet.crypto.secpkey import SecpKey

        for index in numbers:
            yield SecpKey(self._private_child(index)[0])

    def _private_child(self, index: int) -> tuple[bytes, bytes]:
        digest = self._hmac(index)
        try:
            return private_add_tweak(self.private_key, digest[:32]), digest
        except InvalidKey:
            if self._secret is not None and self._secret.closed:
                raise
            raise _no_child(index) from None

    def _hmac(self, index: int) -> bytes:
        if index < HARDENED:
            return self._plain_mac()(index.to_bytes(4, "big"))
        if self._secret is None:
            raise InvalidPath("a public key has no hardened children; start from the account's private key")
        return hmac_sha512(self.chain_code, b"\x00" + self._secret.expose() + index.to_bytes(4, "big"))

    def _plain_mac(self) -> Callable[[bytes], bytes]:
        # Public keys and chain code only: nothing here needs a wipe.
        known = self._mac
        if known is None:
            self._mac = known = hmac_sha512_with(self.chain_code, self.public_key)
        return known

    def _adder(self) -> Callable[[bytes], bytes]:
        known = self._add
        if known is None:
            self._add = known = point_tweaker(self.public_key)
        return known

    def _check_range(self, start: int, count: int, *, hardened: bool) -> None:
        if start < 0 or count < 0 or start + count > HARDENED:
            raise InvalidPath(f"{'hardened' if hardened else 'plain'} children are numbered from 0 to 2^31 - 1")
        if self.depth == 255:
            raise InvalidPath("BIP-32 ends at depth 255")

    @property
    def closed(self) -> bool:
        """Whether the private key has been wiped. A public key never is."""
        return self._secret is not None and self._secret.closed

    def close(self) -> None:
        """Overwrite the private key with zeros. Safe to call twice; does nothing to a public key."""
        secret: Secret | None = getattr(self, "_secret", None)
        if secret is not None:
            secret.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExtendedKey):
            return NotImplemented
        return (
            self.is_private == other.is_private
            and self.public_key == other.public_key
            and self.chain_code == other.chain_code
            and (self.depth, self.child_number, self.parent_fingerprint)
            == (other.depth, other.child_number, other.parent_fingerprint)
        )

    def __repr__(self) -> str:
        if self.closed and self._public_key is None:
            return "ExtendedKey(wiped)"
        form = "private" if self.is_private else "public"
        return f"ExtendedKey({form}, depth {self.depth}, fingerprint {self.fingerprint.hex()})"

    __str__ = __repr__

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("an ExtendedKey is not for formatting; call serialize() where the text is needed")

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("an ExtendedKey cannot be copied or pickled; pass on the text of serialize()")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse


def _no_child(index: int) -> InvalidPath:
    step = f"{index - HARDENED}'" if index >= HARDENED else str(index)
    return InvalidPath(f"child {step} has no key (one in 2^127 has none, BIP-32); take the next index")
