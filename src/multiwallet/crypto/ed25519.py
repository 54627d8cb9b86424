"""Ed25519 (RFC 8032): public keys, verification and signing, through libsodium."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeAlias

import nacl.bindings  # which initialises libsodium
from nacl._sodium import ffi, lib  # type: ignore[import-not-found]  # PyNaCl's own binding, without stubs

from multiwallet.errors import InvalidKey
from multiwallet.secret import discreet

__all__ = ["Ed25519Key", "is_on_curve", "is_valid_public_key", "public_key", "verify"]

Data: TypeAlias = bytes | bytearray | memoryview

_PRIME: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _PRIME) % _PRIME
_LOW_255_BITS: Final = 2**255 - 1
# A signed message up to this size is written into a buffer of the thread; a Solana transaction has 1,232 bytes.
_BUFFER_SIZE: Final = 4096
_WIPED: Final = "this key has been wiped; load it again"


class _Buffers(threading.local):
    def __init__(self) -> None:
        output = ffi.new("unsigned char[]", _BUFFER_SIZE + 64)
        self.signed = (output, ffi.buffer(output))


_buffers: Final = _Buffers()


def _exact_key(value: Data, what: str) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError(f"{what} is bytes, not {type(value).__name__}")
    if len(value) != 32:
        raise InvalidKey(f"{what} has 32 bytes, not {len(value)}")
    return bytes(value)


@discreet
def public_key(seed: Data) -> bytes:
    """The public key of a 32-byte private seed: 32 bytes (RFC 8032).

    Raises :class:`~multiwallet.errors.InvalidKey` for another length. Every 32 bytes are a seed.

    >>> public_key(bytes(32)).hex()[:16]
    '3b6a27bcceb6a42d'
    """
    with Ed25519Key(seed) as key:
        return key.public_key


def verify(key: Data, message: Data, signature: Data) -> bool:
    """Whether a 64-byte signature over ``message`` was made by the 32-byte public ``key``.

    As strict as libsodium: a public key or R of small order, a key that is not canonical and an S of the
    group's order or more all give ``False``, as does any other length.

    >>> key = Ed25519Key(bytes(32))
    >>> verify(key.public_key, b"hello", key.sign(b"hello")), verify(key.public_key, b"hullo", key.sign(b"hello"))
    (True, False)
    """
    key, message, signature = bytes(key), bytes(message), bytes(signature)
    if len(key) != 32 or len(signature) != 64:
        return False
    signed = signature + message
    return bool(lib.crypto_sign_open(ffi.NULL, ffi.NULL, signed, len(signed), key) == 0)


def is_on_curve(point: Data) -> bool:
    """Whether 32 bytes decompress to a point of the curve, as Solana asks for its derived addresses.

    The test is that of curve25519-dalek: y is taken modulo the prime and the sign bit does not matter. It says
    nothing about the subgroup. Another length gives ``False``.

    >>> is_on_curve(public_key(bytes(32))), is_on_curve(b"\\x02" + bytes(31))
    (True, False)
    """
    if len(point) != 32:
        return False
    y = int.from_bytes(point, "little") & _LOW_255_BITS
    square = y * y % _PRIME
    # x^2 = (y^2 - 1) / (d y^2 + 1); the quotient is a square just when the product is.
    product = (square - 1) * (_D * square + 1) % _PRIME
    return product == 0 or pow(product, (_PRIME - 1) // 2, _PRIME) == 1


def is_valid_public_key(key: Data) -> bool:
    """Whether ``key`` is a public key that libsodium verifies with: canonical, on the curve, in the prime subgroup.

    >>> is_valid_public_key(public_key(bytes(32))), is_valid_public_key(b"\\x01" + bytes(31))
    (True, False)
    """
    return len(key) == 32 and nacl.bindings.crypto_core_ed25519_is_valid_point(bytes(key))


class Ed25519Key:
    """An Ed25519 private key, kept where libsodium signs from it.

    Made from the 32-byte private seed (another length: :class:`~multiwallet.errors.InvalidKey`). It shows its
    public key and nothing else, refuses ``pickle``, ``copy``, ``hash`` and ``format``, and ``close()`` (or the
    end of a ``with`` block, or the garbage collector) wipes it. Threads may share a key.

    >>> key = Ed25519Key(bytes(32))
    >>> key
    Ed25519Key(3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29)
    >>> len(key.sign(b"hello")), key.sign_attached(b"hello")[64:]
    (64, b'hello')
    """

    __slots__ = ("__weakref__", "_closed", "_public_key", "_secret")
    __hash__ = None  # type: ignore[assignment]  # a secret must not become a dictionary key

    @discreet
    def __init__(self, seed: Data) -> None:
        self._closed = True
        self._public_key = b""
        # libsodium's form: the seed, then the public key.
        self._secret: Any = ffi.new("unsigned char[64]")
        public = ffi.new("unsigned char[32]")
        lib.crypto_sign_seed_keypair(public, self._secret, _exact_key(seed, "an Ed25519 private seed"))
        self._public_key = bytes(ffi.buffer(public))
        self._closed = False

    @property
    def public_key(self) -> bytes:
        """The public key: 32 bytes. Still there after ``close()``."""
        return self._public_key

    @property
    def closed(self) -> bool:
        """Whether the key has been wiped."""
        return self._closed

    def sign(self, message: Data) -> bytes:
        """Sign a message of any length: 64 bytes R, S (RFC 8032, deterministic).

        Raises :class:`~multiwallet.errors.InvalidKey` once the key is closed; so do the other ways to sign.
        """
        return self.signer()(bytes(message))

    def sign_attached(self, message: Data) -> bytes:
        """Sign a message: the 64-byte signature followed by the message itself, in one ``bytes``."""
        return self.attached_signer()(bytes(message))

    def signer(self) -> Callable[[bytes], bytes]:
        """:meth:`sign` as a plain function, for many messages. Any thread may call it."""
        return self._signer(keep_message=False)

    def attached_signer(self) -> Callable[[bytes], bytes]:
        """:meth:`sign_attached` as a plain function, for many messages. Any thread may call it."""
        return self._signer(keep_message=True)

    def _signer(self, *, keep_message: bool) -> Callable[[bytes], bytes]:
        secret, local, null = self._secret, _buffers, ffi.NULL
        create, limit = lib.crypto_sign, _BUFFER_SIZE

        def sign(message: bytes) -> bytes:
            size = len(message)
            if size <= limit:
                output, view = local.signed
            else:
                output = ffi.new("unsigned char[]", size + 64)
                view = ffi.buffer(output)
            # Looked at again after: what comes out of a key wiped meanwhile is of no key.
            if self._closed or create(output, null, message, size, secret) or self._closed:
                raise InvalidKey(_WIPED)
            signed: bytes = view[: size + 64] if keep_message else view[:64]
            return signed

        return sign

    def expose(self) -> bytes:
        """The private seed: 32 bytes, a copy that this object can no longer wipe."""
        value = bytes(ffi.buffer(self._secret, 32))
        if self._closed:
            raise InvalidKey(_WIPED)
        return value

    def close(self) -> None:
        """Overwrite the key with zeros. Safe to call twice; signing afterwards is refused."""
        self._closed = True
        secret = getattr(self, "_secret", None)
        if secret is not None:
            ffi.memmove(secret, bytes(64), 64)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if ffi is not None:  # at the very end of the process the module is emptied before its last objects go
            self.close()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ed25519Key):
            return NotImplemented
        return hmac.compare_digest(self._public_key, other._public_key)

    def __repr__(self) -> str:
        return f"Ed25519Key({getattr(self, '_public_key', b'').hex()})"  # or a debugger sees one being made

    __str__ = __repr__

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("an Ed25519Key is not for formatting; print its public_key, or call expose()")

    def __bytes__(self) -> NoReturn:
        raise TypeError("an Ed25519Key does not turn into bytes by itself; call expose()")

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("an Ed25519Key cannot be copied or pickled; call expose() where the bytes are used")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse
