"""secp256r1 (NIST P-256): public keys, verification and signing, through OpenSSL."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeAlias

from multiwallet.errors import InputError, InvalidKey, MissingExtra
from multiwallet.secret import Secret, discreet

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["ORDER", "Secp256r1Key", "is_valid_private_key", "is_valid_public_key", "public_key", "verify"]

Data: TypeAlias = bytes | bytearray | memoryview

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""n, the order of the group: private keys are numbers from 1 to n - 1 (SEC 2, FIPS 186-4)."""

_WIPED: Final = "this key has been wiped; load it again"


def _curve() -> ec.SECP256R1:
    try:
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise MissingExtra(extra="sui") from error
    return ec.SECP256R1()


def is_valid_private_key(private: Data) -> bool:
    """Whether 32 bytes are a private key: a number from 1 to n - 1, big-endian.

    >>> is_valid_private_key(bytes(31) + b"\\x01"), is_valid_private_key(bytes(32))
    (True, False)
    """
    return len(private) == 32 and 0 < int.from_bytes(private, "big") < ORDER


def is_valid_public_key(key: Data) -> bool:
    """Whether 33 bytes (02 or 03 first) are a point of the curve, compressed (SEC 1).

    Raises :class:`~multiwallet.errors.MissingExtra` without the package ``cryptography``.

    >>> is_valid_public_key(public_key(bytes(31) + b"\\x01")), is_valid_public_key(bytes(33))
    (True, False)
    """
    return _point(key) is not None


@discreet
def public_key(private: Data) -> bytes:
    """The public key of a 32-byte private key: 33 bytes, compressed (SEC 1).

    Raises :class:`~multiwallet.errors.InvalidKey` unless the private key is a number from 1 to n - 1, and
    :class:`~multiwallet.errors.MissingExtra` without the package ``cryptography``.

    >>> public_key(bytes(31) + b"\\x01").hex()[:16]
    '036b17d1f2e12c42'
    """
    with Secp256r1Key(private) as key:
        return key.public_key


def verify(key: Data, digest: Data, signature: Data) -> bool:
    """Whether 64 bytes r, s over a 32-byte digest were made by the 33-byte public ``key``, with s at most n / 2.

    A high s (the other half of a malleable pair), numbers out of range, what is no point and any other length
    give ``False``.

    >>> key = Secp256r1Key(bytes(31) + b"\\x01")
    >>> verify(key.public_key, bytes(32), key.sign_compact(bytes(32)))
    True
    """
    digest, signature = bytes(digest), bytes(signature)
    point = _point(key)
    if point is None or len(digest) != 32 or len(signature) != 64:
        return False
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import utils

    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not 0 < r < ORDER or not 0 < s <= ORDER // 2:
        return False
    try:
        point.verify(utils.encode_dss_signature(r, s), digest, _prehashed())
    except InvalidSignature:
        return False
    return True


def _point(key: Data) -> ec.EllipticCurvePublicKey | None:
    curve = _curve()
    data = bytes(key)
    if len(data) != 33 or data[0] not in (2, 3):
        return None
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, data)
    except (ValueError, UnsupportedAlgorithm):
        return None


def _prehashed(*, deterministic: bool = False) -> ec.ECDSA:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        return ec.ECDSA(utils.Prehashed(SHA256()), deterministic_signing=deterministic)
    except UnsupportedAlgorithm as error:
        raise MissingExtra(
            "deterministic signatures need a cryptography built on OpenSSL 3.2 or later", extra="sui"
        ) from error


class Secp256r1Key:
    """A secp256r1 private key, as Sui and passkeys use them.

    Made from 32 bytes, a number from 1 to n - 1 (else :class:`~multiwallet.errors.InvalidKey`). It shows its
    public key and nothing else, refuses ``pickle``, ``copy``, ``hash`` and ``format``. ``close()`` (or the end of
    a ``with`` block, or the garbage collector) wipes its bytes and lets go of OpenSSL's copy, which OpenSSL
    clears. Signatures are deterministic (RFC 6979 with SHA-256) with low s. Threads may share a key.
    Raises :class:`~multiwallet.errors.MissingExtra` without the package ``cryptography``.

    >>> key = Secp256r1Key(bytes(31) + b"\\x01")
    >>> key
    Secp256r1Key(036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296)
    >>> len(key.sign_compact(bytes(32)))
    64
    """

    __slots__ = ("__weakref__", "_native", "_public_key", "_secret")
    __hash__ = None  # type: ignore[assignment]  # a secret must not become a dictionary key

    @discreet
    def __init__(self, private: Data) -> None:
        self._native: Any = None
        self._public_key = b""
        if not isinstance(private, bytes | bytearray | memoryview):
            raise TypeError(f"a secp256r1 private key is bytes, not {type(private).__name__}")
        if len(private) != 32:
            raise InvalidKey(f"a secp256r1 private key has 32 bytes, not {len(private)}")
        if not is_valid_private_key(private):
            raise InvalidKey("a secp256r1 private key is a number from 1 to n - 1; this one is outside")
        curve = _curve()
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self._secret = Secret(private)
        self._native = ec.derive_private_key(int.from_bytes(private, "big"), curve)
        self._public_key = self._native.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    @property
    def public_key(self) -> bytes:
        """The public key: 33 bytes, compressed. Still there after ``close()``."""
        return self._public_key

    @property
    def closed(self) -> bool:
        """Whether the key has been wiped."""
        return self._native is None

    def sign_compact(self, digest: Data) -> bytes:
        """Sign a 32-byte digest: 64 bytes r, s (RFC 6979, low s).

        Raises :class:`~multiwallet.errors.InputError` for another length and
        :class:`~multiwallet.errors.InvalidKey` once the key is closed.
        """
        return self.signer()(bytes(digest))

    def signer(self) -> Callable[[bytes], bytes]:
        """:meth:`sign_compact` as a plain function, for many digests. Any thread may call it."""
        from cryptography.hazmat.primitives.asymmetric import utils

        algorithm, decode = _prehashed(deterministic=True), utils.decode_dss_signature

        def sign(digest: bytes) -> bytes:
            if len(digest) != 32:
                raise InputError(f"a digest has 32 bytes, not {len(digest)}")
            native = self._native
            if native is None:
                raise InvalidKey(_WIPED)
            r, s = decode(native.sign(digest, algorithm))
            return r.to_bytes(32, "big") + min(s, ORDER - s).to_bytes(32, "big")

        return sign

    def expose(self) -> bytes:
        """The private key: 32 bytes, a copy that this object can no longer wipe."""
        if self._native is None:
            raise InvalidKey(_WIPED)
        return self._secret.expose()

    def close(self) -> None:
        """Overwrite the key with zeros. Safe to call twice; signing afterwards is refused."""
        self._native = None
        secret = getattr(self, "_secret", None)
        if secret is not None:
            secret.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secp256r1Key):
            return NotImplemented
        return hmac.compare_digest(self._public_key, other._public_key)

    def __repr__(self) -> str:
        return f"Secp256r1Key({getattr(self, '_public_key', b'').hex()})"  # or a debugger sees one being made

    __str__ = __repr__

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("a Secp256r1Key is not for formatting; print its public_key, or call expose()")

    def __bytes__(self) -> NoReturn:
        raise TypeError("a Secp256r1Key does not turn into bytes by itself; call expose()")

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a Secp256r1Key cannot be copied or pickled; call expose() where the bytes are used")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse
