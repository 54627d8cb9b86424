"""The signed extrinsic of version 4: who signs, the signature, the extensions and the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...codec import scale
from ...codec.reader import Reader
from ...crypto.hashes import blake2b
from ...errors import InputError, InvalidTransaction, Unsupported
from .merkle import Form
from .types import Types, Variant

__all__ = [
    "KINDS",
    "SIGNATURE_SIZES",
    "Signed",
    "encode_envelope",
    "encode_extrinsic",
    "message_of",
    "parse_extrinsic",
    "txid_of",
]

KINDS: Final = ("sr25519", "ed25519", "ecdsa")
SIGNATURE_SIZES: Final = {"sr25519": 64, "ed25519": 64, "ecdsa": 65}
_CASES: Final = ("ed25519", "sr25519", "ecdsa")  # in the order of MultiSignature
_VERSION: Final = 0x84  # version 4, signed
_LARGEST: Final = 8 * 2**20


def message_of(payload: bytes) -> bytes:
    """What is signed of a payload: itself, or its BLAKE2b-256 hash where it is longer than 256 bytes."""
    return payload if len(payload) <= 256 else blake2b(payload, size=32)


def txid_of(raw: bytes) -> str:
    """The id of an extrinsic: ``0x`` and the BLAKE2b-256 hash of its bytes."""
    return "0x" + blake2b(raw, size=32).hex()


def encode_extrinsic(
    types: Types, form: Form, kind: str, account: bytes, signature: bytes, included: bytes, call: bytes
) -> bytes:
    """A signed extrinsic, in front of it its length.

    Raises Unsupported where the runtime's addresses or signatures are of another form than is known here.
    """
    if form.version != 4:
        raise Unsupported(f"this runtime's extrinsics are of version {form.version}; version 4 is known here")
    return scale.encode_bytes(
        bytes((_VERSION,)) + encode_envelope(types, form, kind, account, signature) + included + call
    )


def encode_envelope(types: Types, form: Form, kind: str, account: bytes, signature: bytes) -> bytes:
    """Who signs, and the signature: what stands before the extensions and the call."""
    return _address(types, form, account) + _signature(types, form, kind, signature)


def _address(types: Types, form: Form, account: bytes) -> bytes:
    path = types.path(form.address)
    if path[-1:] == ("MultiAddress",):
        return b"\0" + account
    if path[-1:] == ("AccountId32",):
        return account
    raise Unsupported(
        "this runtime names accounts in another way than by 32 bytes (is it an EVM chain with Substrate?)"
    )


def _signature(types: Types, form: Form, kind: str, signature: bytes) -> bytes:
    case = _CASES.index(kind or KINDS[0])
    found = types.variants.get(form.signature, {}) if isinstance(form.signature, int) else {}
    names = {index: leaf.shape.name.lower() for index, leaf in found.items() if isinstance(leaf.shape, Variant)}
    if names.get(case) != _CASES[case]:
        raise Unsupported(f"this runtime takes no {kind} signatures in the form known here")
    return bytes((case,)) + signature


@dataclass(frozen=True, slots=True)
class Signed:
    """What can be read of a signed extrinsic without its runtime: all but where extensions end and the call begins."""

    account: bytes
    kind: str
    signature: bytes
    rest: bytes


def parse_extrinsic(raw: bytes) -> Signed:
    """Read a signed extrinsic of version 4 with a MultiAddress or a bare account; InvalidTransaction."""
    reader = Reader(raw, "the extrinsic")
    try:
        if len(raw) > _LARGEST:
            raise InputError(f"the extrinsic has {len(raw)} bytes, more than any block takes")
        if scale.compact(reader) != reader.remaining:
            raise InputError("the extrinsic does not begin with its own length")
        version = reader.byte()
        if version != _VERSION:
            raise InputError(f"a signed extrinsic of version 4 begins with 0x84, not with 0x{version:02x}")
        # A bare account's first byte may be 0 too; then it is 33 bytes to the kind of the signature, or 32.
        start = reader.peek(34)
        if start[:1] == b"\0" and start[33:34] in (b"\0", b"\1", b"\2"):
            reader.byte()
        account = reader.take(32)
        case = reader.byte()
        if case >= len(_CASES):
            raise InputError("the signature is of no kind that is known here")
        kind = _CASES[case]
        signature = reader.take(SIGNATURE_SIZES[kind])
        rest = reader.rest()
        if len(rest) < 4:
            raise InputError("the extrinsic holds no call")
        return Signed(account, kind, signature, rest)
    except InputError as error:
        raise InvalidTransaction(f"this is no signed extrinsic: {error.message}") from None
