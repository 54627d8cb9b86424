"""SecpKey: a secp256k1 private key in the form the native code signs with."""

from __future__ import annotations

import hmac
import secrets
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NoReturn, Protocol, Self, TypeAlias

from multiwallet.crypto.hashes import tagged_hash
from multiwallet.crypto.libsecp import NULL, buffers, context, exact, ffi, lib, serialize, serialize_xonly
from multiwallet.errors import InputError, InvalidKey
from multiwallet.secret import discreet

__all__ = ["SchnorrSigner", "SecpKey", "is_canonical"]

Data: TypeAlias = bytes | bytearray | memoryview

_RECOVERY_IDS: Final = (b"\x00", b"\x01", b"\x02", b"\x03")
# A wiped keypair holds the number 1: libsecp256k1 ends the process when a keypair holds zero, and another
# thread may just be about to sign. What it signs then is dropped, because the key is marked closed first.
_WIPED_SCALAR: Final = bytes(31) + b"\x01"
_PAIR_LIMIT: Final = 64
_WIPED: Final = "this key has been wiped; load it again"
# The extra entropy of the first low-R tries: a little-endian counter and zeros, made once.
_GRINDS: Final = tuple(struct.pack("<L28x", counter) for counter in range(1, 33))


class SchnorrSigner(Protocol):
    """A function from a 32-byte message, and auxiliary randomness if any, to a 64-byte BIP-340 signature."""

    def __call__(self, message: bytes, aux: bytes | None = None, /) -> bytes: ...


def is_canonical(signature: bytes) -> bool:
    """Whether EOSIO calls 64 bytes r, s canonical: no high bit, and no first byte of zero that is not needed."""
    return (
        signature[0] < 0x80
        and (signature[0] != 0 or signature[1] >= 0x80)
        and signature[32] < 0x80
        and (signature[32] != 0 or signature[33] >= 0x80)
    )


def _wipe_pair(pair: Any) -> None:
    ffi.memmove(pair, _WIPED_SCALAR, 32)  # the private half; the rest of a keypair is the public key


class SecpKey:
    """A secp256k1 private key, kept where the native code signs from it.

    Made from 32 bytes, a number from 1 to n - 1 (else :class:`~multiwallet.errors.InvalidKey`). It shows its
    public key and nothing else, refuses ``pickle``, ``copy``, ``hash`` and ``format``, and ``close()`` (or the
    end of a ``with`` block, or the garbage collector) wipes it. Signatures are deterministic (RFC 6979) with
    low s, or BIP-340. Threads may share a key.

    >>> key = SecpKey(bytes(31) + b"\\x01")
    >>> key
    SecpKey(0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)
    >>> len(key.sign_recoverable(bytes(32)))
    65
    """

    __slots__ = ("__weakref__", "_closed", "_pairs", "_public_key", "_secret")
    __hash__ = None  # type: ignore[assignment]  # a secret must not become a dictionary key

    @discreet
    def __init__(self, private: Data) -> None:
        self._closed = True
        self._public_key: bytes | None = None
        self._pairs: dict[bytes | None, Any] = {}
        self._secret: Any = ffi.new("unsigned char[32]")
        ffi.memmove(self._secret, exact(private, 32, "a secp256k1 private key", InvalidKey), 32)
        if not lib.secp256k1_ec_seckey_verify(context, self._secret):
            raise InvalidKey("a secp256k1 private key is a number from 1 to n - 1; this one is outside")
        self._closed = False

    @property
    def public_key(self) -> bytes:
        """The public key: 33 bytes, compressed. Computed once, and still there after ``close()``."""
        known = self._public_key
        if known is None:
            self._check_open()
            point = buffers.public
            if not lib.secp256k1_ec_pubkey_create(context, point, self._secret) or self._closed:
                raise InvalidKey(_WIPED)  # looked at again after: a half-wiped number has a public key, too
            self._public_key = known = serialize(point)
        return known

    @property
    def closed(self) -> bool:
        """Whether the key has been wiped."""
        return self._closed

    def sign_recoverable(self, digest: Data) -> bytes:
        """Sign a 32-byte digest: 65 bytes r, s, recovery id 0 to 3 (RFC 6979, low s).

        Raises :class:`~multiwallet.errors.InputError` for another length and
        :class:`~multiwallet.errors.InvalidKey` once the key is closed; so do the other ways to sign.
        """
        return self.recoverable_signer()(exact(digest, 32, "a digest"))

    def sign_compact(self, digest: Data) -> bytes:
        """Sign a 32-byte digest: 64 bytes r, s (RFC 6979, low s)."""
        return self.sign_recoverable(digest)[:64]

    def sign_low_r(self, digest: Data) -> bytes:
        """Sign a 32-byte digest: 64 bytes r, s with r below 2^255 and low s, as Bitcoin Core does.

        The first try is plain RFC 6979. Later ones add 32 bytes of extra entropy: a little-endian counter
        from 1, then zeros. The DER form of the result has at most 70 bytes.
        """
        return self.low_r_signer()(exact(digest, 32, "a digest"))

    def sign_canonical(self, digest: Data) -> bytes:
        """Sign a 32-byte digest: 65 bytes r, s, recovery id 0 to 3, of the form that EOSIO calls canonical.

        Neither r nor s (which is low) has its highest bit set or a first byte of zero that is not needed. The
        first try is plain RFC 6979; later ones add 32 bytes of extra entropy (its section 3.6): a little-endian
        counter from 1, then zeros. Nodes take any canonical signature. The C++ node goes on to further candidates
        of RFC 6979 and wharfkit adds the number of the try as one byte, so theirs differ where the first try fails.
        """
        return self.canonical_signer()(exact(digest, 32, "a digest"))

    def sign_schnorr(self, message: Data, aux: Data | None = None, tweak: Data | None = None) -> bytes:
        """Sign a 32-byte message: a 64-byte BIP-340 signature.

        ``aux`` is 32 bytes of auxiliary randomness, fresh when ``None``. ``tweak`` makes the key a taproot
        output key (BIP-341): ``b""`` for one without scripts (BIP-86), 32 bytes for the root of a script
        tree. ``None`` signs with the key itself.
        """
        randomness = None if aux is None else exact(aux, 32, "auxiliary randomness")
        return self.schnorr_signer(tweak)(exact(message, 32, "a message for BIP-340"), randomness)

    def recoverable_signer(self) -> Callable[[bytes], bytes]:
        """:meth:`sign_recoverable` as a plain function, for many digests. Any thread may call it."""
        secret, local, handle = self._secret, buffers, context
        create, write = (
            lib.secp256k1_ecdsa_sign_recoverable,
            lib.secp256k1_ecdsa_recoverable_signature_serialize_compact,
        )
        null, ids = NULL, _RECOVERY_IDS

        def sign(digest: bytes) -> bytes:
            if len(digest) != 32:
                raise InputError(f"a digest has 32 bytes, not {len(digest)}")
            native, output, view, recovery_id = local.recoverable
            # A wiped secret is zero, which signs nothing; the second look catches a wipe under way.
            if not create(handle, native, digest, secret, null, null) or self._closed:
                raise InvalidKey(_WIPED)
            write(handle, output, recovery_id, native)
            signature: bytes = view[:] + ids[recovery_id[0]]
            return signature

        return sign

    def low_r_signer(self) -> Callable[[bytes], bytes]:
        """:meth:`sign_low_r` as a plain function, for many digests. Any thread may call it."""
        secret, local, handle = self._secret, buffers, context
        create, write = lib.secp256k1_ecdsa_sign, lib.secp256k1_ecdsa_signature_serialize_compact
        null, grinds = NULL, _GRINDS

        def sign(digest: bytes) -> bytes:
            if len(digest) != 32:
                raise InputError(f"a digest has 32 bytes, not {len(digest)}")
            native, output, view = local.ecdsa
            extra: Any = null
            counter = 0
            while True:
                if not create(handle, native, digest, secret, null, extra) or self._closed:
                    raise InvalidKey(_WIPED)
                write(handle, output, native)
                signature: bytes = view[:]
                if signature[0] < 0x80:
                    return signature
                extra = grinds[counter] if counter < len(grinds) else struct.pack("<L28x", counter + 1)
                counter += 1

        return sign

    def canonical_signer(self) -> Callable[[bytes], bytes]:
        """:meth:`sign_canonical` as a plain function, for many digests. Any thread may call it."""
        secret, local, handle = self._secret, buffers, context
        create, write = (
            lib.secp256k1_ecdsa_sign_recoverable,
            lib.secp256k1_ecdsa_recoverable_signature_serialize_compact,
        )
        null, grinds, ids = NULL, _GRINDS, _RECOVERY_IDS

        def sign(digest: bytes) -> bytes:
            if len(digest) != 32:
                raise InputError(f"a digest has 32 bytes, not {len(digest)}")
            native, output, view, recovery_id = local.recoverable
            extra: Any = null
            counter = 0
            while True:
                if not create(handle, native, digest, secret, null, extra) or self._closed:
                    raise InvalidKey(_WIPED)
                write(handle, output, recovery_id, native)
                signature: bytes = view[:] + ids[recovery_id[0]]
                if is_canonical(signature):
                    return signature
                extra = grinds[counter] if counter < len(grinds) else struct.pack("<L28x", counter + 1)
                counter += 1

        return sign

    def schnorr_signer(self, tweak: Data | None = None) -> SchnorrSigner:
        """:meth:`sign_schnorr` as a plain function ``sign(message, aux)``, for many messages.

        The key pair is tweaked once and kept. Any thread may call the function.
        """
        pair, local, handle = self._pair(tweak), buffers, context
        create, fresh = lib.secp256k1_schnorrsig_sign32, secrets.token_bytes

        def sign(message: bytes, aux: bytes | None = None) -> bytes:
            if len(message) != 32:
                raise InputError(f"a message for BIP-340 has 32 bytes here, not {len(message)}")
            if aux is None:
                aux = fresh(32)
            elif len(aux) != 32:
                raise InputError(f"auxiliary randomness has 32 bytes, not {len(aux)}")
            output, view = local.out64
            if self._closed or not create(handle, output, message, pair, aux) or self._closed:
                raise InvalidKey(_WIPED)
            signature: bytes = view[:]
            return signature

        return sign

    def expose(self) -> bytes:
        """The private key: 32 bytes, a copy that this object can no longer wipe."""
        value = bytes(ffi.buffer(self._secret))
        self._check_open()
        return value

    def close(self) -> None:
        """Overwrite the key with zeros. Safe to call twice; signing afterwards is refused."""
        self._closed = True
        secret = getattr(self, "_secret", None)
        if secret is not None:
            ffi.memmove(secret, bytes(32), 32)
        for pair in tuple(getattr(self, "_pairs", {}).values()):
            _wipe_pair(pair)

    def _check_open(self) -> None:
        if self._closed:
            raise InvalidKey(_WIPED)

    def _pair(self, tweak: Data | None) -> Any:
        name = None if tweak is None else bytes(tweak)
        known = self._pairs.get(name)
        self._check_open()
        if known is not None:
            return known
        pair = ffi.gc(ffi.new("secp256k1_keypair *"), _wipe_pair)
        if not lib.secp256k1_keypair_create(context, pair, self._secret):
            raise InvalidKey(_WIPED)
        if name is not None:
            root = exact(name, 32, "a merkle root") if name else b""
            point = buffers.xonly
            lib.secp256k1_keypair_xonly_pub(context, point, NULL, pair)
            commitment = tagged_hash("TapTweak", serialize_xonly(point), root)
            if not lib.secp256k1_keypair_xonly_tweak_add(context, pair, commitment):
                raise InvalidKey("this key has no taproot output key for that merkle root")
        if len(self._pairs) >= _PAIR_LIMIT:
            # A signer may still hold the oldest: its finaliser wipes it, not we.
            self._pairs.pop(next(iter(self._pairs)), None)
        self._pairs[name] = pair
        if self._closed:  # meanwhile, and close() may not have seen this pair
            _wipe_pair(pair)
            raise InvalidKey(_WIPED)
        return pair

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
        if not isinstance(other, SecpKey):
            return NotImplemented
        return hmac.compare_digest(self.public_key, other.public_key)

    def __repr__(self) -> str:
        # A debugger may look at one that is only being made.
        if getattr(self, "_public_key", None) is None and getattr(self, "_closed", True):
            return "SecpKey(wiped)"
        return f"SecpKey({self.public_key.hex()})"

    __str__ = __repr__

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("a SecpKey is not for formatting; print its public_key, or call expose()")

    def __bytes__(self) -> NoReturn:
        raise TypeError("a SecpKey does not turn into bytes by itself; call expose()")

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a SecpKey cannot be copied or pickled; call expose() where the bytes are used")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse
