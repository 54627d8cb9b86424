"""sr25519: Schnorr signatures on Ristretto25519 as Polkadot's chains use them (schnorrkel), with their derivation."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from types import ModuleType, TracebackType
from typing import Final, NoReturn, Self, TypeAlias

from multiwallet.errors import InputError, InvalidKey, MissingExtra
from multiwallet.secret import Secret, discreet

__all__ = ["Sr25519Key", "derive_public", "public_key", "verify"]

Data: TypeAlias = bytes | bytearray | memoryview

_WIPED: Final = "this key has been wiped; load it again"


def _library() -> ModuleType:
    try:
        import sr25519  # type: ignore[import-untyped]  # a native module without stubs
    except ImportError as error:
        raise MissingExtra(extra="polkadot") from error
    library: ModuleType = sr25519
    return library


@discreet
def public_key(secret: Data) -> bytes:
    """The public key of a 32-byte mini secret or a 64-byte secret (see :class:`Sr25519Key`): 32 bytes.

    >>> public_key(bytes(32)).hex()[:16]
    'def12e42f3e487e9'
    """
    with Sr25519Key(secret) as key:
        return key.public_key


def verify(key: Data, message: Data, signature: Data) -> bool:
    """Whether a 64-byte signature over ``message`` was made by the 32-byte public ``key``, in the context "substrate".

    Any other length, and bytes that are no signature or no point, give ``False``. Raises
    :class:`~multiwallet.errors.MissingExtra` without the package ``py-sr25519-bindings``.

    >>> key = Sr25519Key(bytes(32))
    >>> verify(key.public_key, b"hello", key.sign(b"hello")), verify(key.public_key, b"hullo", key.sign(b"hello"))
    (True, False)
    """
    library = _library()
    key, message, signature = bytes(key), bytes(message), bytes(signature)
    if len(key) != 32 or len(signature) != 64:
        return False
    try:
        return bool(library.verify(signature, message, key))
    except ValueError:
        return False


def derive_public(key: Data, chain_code: Data) -> bytes:
    """The public key one soft step below a 32-byte public key, for a 32-byte chain code: 32 bytes.

    Raises :class:`~multiwallet.errors.InvalidKey` for what is no public key.

    >>> parent = Sr25519Key(bytes(32))
    >>> derive_public(parent.public_key, bytes(32)) == parent.soft(bytes(32)).public_key
    True
    """
    library = _library()
    code = _chain_code(chain_code)
    try:
        _, child = library.derive_pubkey((code, bytes(key)), b"")
    except ValueError:
        raise InvalidKey("these bytes are no sr25519 public key: it has 32 and is a point of Ristretto25519") from None
    return bytes(child)


def _chain_code(value: Data) -> bytes:
    if len(value) != 32:
        raise InputError(f"a chain code of a substrate junction has 32 bytes, not {len(value)}")
    return bytes(value)


class Sr25519Key:
    """An sr25519 private key.

    Made from the 32-byte mini secret (expanded as in Ed25519, like all wallets of these chains do), or from the
    64-byte secret as Polkadot-JS keeps it in its files: the scalar times eight, little-endian, then the nonce.
    Anything else is an :class:`~multiwallet.errors.InvalidKey`. It shows its public key and nothing else, refuses
    ``pickle``, ``copy``, ``hash`` and ``format``, and ``close()`` (or the end of a ``with`` block, or the garbage
    collector) wipes it. Signatures are randomised. Threads may share a key. Raises
    :class:`~multiwallet.errors.MissingExtra` without the package ``py-sr25519-bindings``.

    >>> key = Sr25519Key(bytes(32))
    >>> key
    Sr25519Key(def12e42f3e487e9b14095aa8d5cc16a33491f1b50dadcf8811d1480f3fa8627)
    >>> len(key.sign(b"hello"))
    64
    """

    __slots__ = ("__weakref__", "_mini", "_public_key", "_secret")
    __hash__ = None  # type: ignore[assignment]  # a secret must not become a dictionary key

    _mini: Secret | None  # what the key was made from, where that was a mini secret
    _secret: Secret  # schnorrkel's own form: the scalar, then the nonce

    @discreet
    def __init__(self, secret: Data) -> None:
        self._public_key = b""
        self._mini = None
        if not isinstance(secret, bytes | bytearray | memoryview):
            raise TypeError(f"an sr25519 private key is bytes, not {type(secret).__name__}")
        data = bytes(secret)
        if len(data) == 32:
            public, private = _library().pair_from_seed(data)
            self._mini = Secret(data)
        elif len(data) == 64:
            public, private = _pair(data)
        else:
            raise InvalidKey(f"an sr25519 private key has 32 bytes (a mini secret) or 64, not {len(data)}")
        self._secret = Secret(private)
        self._public_key = bytes(public)

    @property
    def public_key(self) -> bytes:
        """The public key: 32 bytes. Still there after ``close()``."""
        return self._public_key

    @property
    def closed(self) -> bool:
        """Whether the key has been wiped."""
        return self._secret.closed

    def sign(self, message: Data) -> bytes:
        """Sign a message of any length in the context "substrate": 64 bytes, another each time.

        Raises :class:`~multiwallet.errors.InvalidKey` once the key is closed; so do the other ways to use it.
        """
        return self.signer()(bytes(message))

    def signer(self) -> Callable[[bytes], bytes]:
        """:meth:`sign` as a plain function, for many messages. Any thread may call it."""
        create, public = _library().sign, self._public_key

        def sign(message: bytes) -> bytes:
            return bytes(create((public, self._private()), message))

        return sign

    def hard(self, chain_code: Data) -> Sr25519Key:
        """The key one hard step below, for the 32-byte chain code of the junction."""
        _, public, private = _library().hard_derive_keypair(
            (_chain_code(chain_code), self._public_key, self._private()), b""
        )
        return self._made(public, private)

    def soft(self, chain_code: Data) -> Sr25519Key:
        """The key one soft step below; :func:`derive_public` finds its public key without this private one.

        The half of the private key that signatures take their nonce from is random, so it differs each time.
        """
        _, public, private = _library().derive_keypair(
            (_chain_code(chain_code), self._public_key, self._private()), b""
        )
        return self._made(public, private)

    def expose(self) -> bytes:
        """The private key: the 32-byte mini secret where it was made from one, else 64 bytes as Polkadot-JS has them.

        It is a copy that this object can no longer wipe.
        """
        private = self._private()
        if self._mini is not None:
            return self._mini.expose()
        return bytes(_library().convert_secret_key_to_ed25519(private))

    def expose_expanded(self) -> bytes:
        """The private key as 64 bytes, as Polkadot-JS keeps it, whatever it was made from."""
        return bytes(_library().convert_secret_key_to_ed25519(self._private()))

    def close(self) -> None:
        """Overwrite the key with zeros. Safe to call twice; signing afterwards is refused."""
        for held in (getattr(self, "_secret", None), getattr(self, "_mini", None)):
            if held is not None:
                held.close()

    def _private(self) -> bytes:
        if self._secret.closed:
            raise InvalidKey(_WIPED)
        return self._secret.expose()

    @classmethod
    def _made(cls, public: bytes, private: bytes) -> Sr25519Key:
        key = cls.__new__(cls)
        key._mini = None
        key._secret = Secret(private)
        key._public_key = bytes(public)
        return key

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sr25519Key):
            return NotImplemented
        return hmac.compare_digest(self._public_key, other._public_key)

    def __repr__(self) -> str:
        return f"Sr25519Key({getattr(self, '_public_key', b'').hex()})"  # or a debugger sees one being made

    __str__ = __repr__

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("an Sr25519Key is not for formatting; print its public_key, or call expose()")

    def __bytes__(self) -> NoReturn:
        raise TypeError("an Sr25519Key does not turn into bytes by itself; call expose()")

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("an Sr25519Key cannot be copied or pickled; call expose() where the bytes are used")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse


def _pair(secret: bytes) -> tuple[bytes, bytes]:
    """The public key and schnorrkel's form of a 64-byte secret in the form of Polkadot-JS."""
    library = _library()
    if secret[0] & 7 or secret[31] & 0x80 or not any(secret[:32]):
        raise InvalidKey("these 64 bytes are no sr25519 secret: the first half is a multiple of eight, little-endian")
    try:
        public, private = library.pair_from_ed25519_secret_key(secret)
    except ValueError:
        raise InvalidKey("these 64 bytes are no sr25519 secret: the scalar is out of range") from None
    return public, private
