"""libsecp256k1 as coincurve carries it: one context, and the buffers of each thread."""

from __future__ import annotations

import secrets
import threading
from typing import Any, Final

from coincurve._libsecp256k1 import ffi, lib  # type: ignore[import-not-found]  # coincurve's own binding, without stubs

from multiwallet.errors import InputError

__all__ = ["NULL", "Buffers", "buffers", "context", "exact", "ffi", "lib", "serialize", "serialize_xonly"]

NULL: Final[Any] = ffi.NULL

_COMPRESSED: Final = lib.SECP256K1_EC_COMPRESSED
_serialize_public = lib.secp256k1_ec_pubkey_serialize
_xonly_serialize = lib.secp256k1_xonly_pubkey_serialize


def _new_context() -> Any:
    # A context of our own: nobody else can reseed it while a thread signs with it.
    made = ffi.gc(lib.secp256k1_context_create(lib.SECP256K1_CONTEXT_NONE), lib.secp256k1_context_destroy)
    lib.secp256k1_context_randomize(made, secrets.token_bytes(32))
    return made


context: Final[Any] = _new_context()


class Buffers(threading.local):
    """What the native calls write into. Each thread has its own, because cffi lets go of the GIL."""

    def __init__(self) -> None:
        self.public = ffi.new("secp256k1_pubkey *")
        self.xonly = ffi.new("secp256k1_xonly_pubkey *")
        self.parity = ffi.new("int *")
        self.scalar = ffi.new("unsigned char[32]")
        out32 = ffi.new("unsigned char[32]")
        self.out32 = (out32, ffi.buffer(out32))
        out33 = ffi.new("unsigned char[33]")
        length = ffi.new("size_t *", 33)  # libsecp256k1 writes 33 back, so it is set once
        self.compressed = (out33, length, ffi.buffer(out33))
        out64 = ffi.new("unsigned char[64]")
        view64 = ffi.buffer(out64)
        self.out64 = (out64, view64)
        self.ecdsa = (ffi.new("secp256k1_ecdsa_signature *"), out64, view64)
        self.recoverable = (ffi.new("secp256k1_ecdsa_recoverable_signature *"), out64, view64, ffi.new("int *"))
        summand, total = ffi.new("secp256k1_pubkey *"), ffi.new("secp256k1_pubkey *")
        pair = ffi.new("secp256k1_pubkey *[2]")
        pair[1] = summand
        self.sum = (summand, total, pair, out33, length, self.compressed[2])


buffers: Final = Buffers()


def exact(value: bytes | bytearray | memoryview, size: int, what: str, error: type[InputError] = InputError) -> bytes:
    """``value`` as ``bytes`` of just ``size`` bytes: C code reads past the end of anything shorter.

    Raises ``error`` for another length and ``TypeError`` for what is no bytes at all. ``what`` names the
    value in the message; the value itself is never shown.
    """
    if not isinstance(value, bytes):
        if not isinstance(value, bytearray | memoryview):
            raise TypeError(f"{what} is bytes, not {type(value).__name__}")
        value = bytes(value)
    if len(value) != size:
        raise error(f"{what} has {size} bytes, not {len(value)}")
    return value


def serialize(public: Any) -> bytes:
    """A parsed public key as 33 compressed bytes (SEC 1)."""
    output, length, view = buffers.compressed
    _serialize_public(context, output, length, public, _COMPRESSED)
    compressed: bytes = view[:]
    return compressed


def serialize_xonly(xonly: Any) -> bytes:
    """A parsed x-only public key as 32 bytes (BIP-340)."""
    output, view = buffers.out32
    _xonly_serialize(context, output, xonly)
    x: bytes = view[:]
    return x
