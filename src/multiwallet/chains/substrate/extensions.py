"""What is signed beside a call: the signed extensions, written and read by the runtime's own list of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...codec import scale
from ...errors import InputError, InvalidTransaction, Unsupported
from .merkle import Form
from .types import Array, Composite, Group, Reference, Types
from .values import Case, Encoder

__all__ = ["LONGEST_ERA", "MORTALITY", "Era", "Terms", "plain_bytes", "read_terms", "write_terms"]

LONGEST_ERA: Final = 65536
MORTALITY: Final = ("CheckMortality", "CheckEra")
_KNOWN: Final = frozenset(
    (
        *MORTALITY,
        "CheckNonce",
        "ChargeTransactionPayment",
        "ChargeAssetTxPayment",
        "CheckMetadataHash",
        "CheckSpecVersion",
        "CheckTxVersion",
        "CheckGenesis",
    )
)


@dataclass(frozen=True, slots=True)
class Era:
    """How long an extrinsic is valid: ``period`` blocks (a power of two from 4 to 65536), or 0 for ever.

    ``phase`` places the birth: the block whose number leaves this remainder.
    """

    period: int = 0
    phase: int = 0

    @classmethod
    def at(cls, number: int, period: int) -> Era:
        """The era of a period that contains block ``number``; 0 for an immortal one. InputError for other periods."""
        if isinstance(period, bool) or not isinstance(period, int):
            raise InputError("era is a number of blocks: a power of two from 4 to 65536, or 0 for one that never ends")
        if period == 0:
            return cls()
        if not 4 <= period <= LONGEST_ERA or period & period - 1:
            raise InputError("era is a number of blocks: a power of two from 4 to 65536, or 0 for one that never ends")
        step = max(period >> 12, 1)
        return cls(period, number % period // step * step)

    @classmethod
    def read(cls, first: int, second: int) -> Era:
        """An era from its bytes (the second counts nothing where the first is 0); InvalidTransaction."""
        if first == 0:
            return cls()
        encoded = first | second << 8
        period = 2 << (encoded & 15)
        phase = (encoded >> 4) * max(period >> 12, 1)
        if period < 4 or phase >= period:
            raise InvalidTransaction("the era of the transaction is none: its phase is beyond its period")
        return cls(period, phase)

    def encode(self) -> bytes:
        """One byte for an immortal era, two for a mortal one.

        >>> Era(64, 42).encode().hex()
        'a502'
        """
        if not self.period:
            return b"\0"
        step = max(self.period >> 12, 1)
        code = max(1, min(15, self.period.bit_length() - 2))
        return (code | self.phase // step << 4).to_bytes(2, "little")

    def birth(self, number: int) -> int:
        """The first block of the era that contains block ``number``; 0 of an immortal one."""
        if not self.period:
            return 0
        return (max(number, self.phase) - self.phase) // self.period * self.period + self.phase


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms under which a call is signed. ``metadata_hash`` is None where the transaction says nothing of it."""

    era: Era
    block_hash: bytes
    nonce: int
    tip: int
    spec_version: int
    transaction_version: int
    genesis: bytes
    metadata_hash: bytes | None = None


def write_terms(encoder: Encoder, types: Types, form: Form, terms: Terms) -> tuple[bytes, bytes]:
    """What the extensions add to the extrinsic, and what they add to the signed bytes.

    Raises Unsupported for an extension that is not known here and is not empty, naming it.
    """
    era = terms.era.encode()
    first = Case("Immortal") if len(era) == 1 else Case(f"Mortal{era[0]}", era[1])
    digest = terms.metadata_hash
    charge = {"tip": terms.tip, "asset_id": None}
    included: dict[str, Any] = {
        "CheckMortality": first,
        "CheckEra": first,
        "CheckNonce": terms.nonce,
        "ChargeTransactionPayment": terms.tip,
        "ChargeAssetTxPayment": charge,
        "CheckMetadataHash": {"mode": "Disabled" if digest is None else "Enabled"},
    }
    implicit: dict[str, Any] = {
        "CheckMortality": terms.block_hash,
        "CheckEra": terms.block_hash,
        "CheckSpecVersion": terms.spec_version,
        "CheckTxVersion": terms.transaction_version,
        "CheckGenesis": terms.genesis,
        "CheckMetadataHash": digest,
    }
    halves: tuple[list[bytes], list[bytes]] = ([], [])
    for item in form.extensions:
        for half, reference, values in ((0, item.included, included), (1, item.implicit, implicit)):
            if item.name in values and item.name in _KNOWN:
                halves[half].append(encoder.write(reference, values[item.name], item.name))
            elif not _is_empty(types, reference):
                raise Unsupported(
                    f"this runtime's transactions carry the extension {item.name}, which is not known here"
                )
    return b"".join(halves[0]), b"".join(halves[1])


def plain_bytes(names: Sequence[str], terms: Terms) -> tuple[bytes, bytes]:
    """Both halves as every runtime known here writes them, by the extensions' names alone.

    What was read with types that nobody vouches for must come out the same this way. Else such types could hide the
    metadata hash in a number of another width, or under another name, and nothing would check them.
    """
    digest = terms.metadata_hash
    tip = scale.encode_compact(terms.tip)
    known = {
        "CheckMortality": (terms.era.encode(), terms.block_hash),
        "CheckEra": (terms.era.encode(), terms.block_hash),
        "CheckNonce": (scale.encode_compact(terms.nonce), b""),
        "ChargeTransactionPayment": (tip, b""),
        "ChargeAssetTxPayment": (tip + scale.encode_option(None), b""),
        "CheckMetadataHash": (scale.encode_boolean(digest is not None), scale.encode_option(digest)),
        "CheckSpecVersion": (b"", scale.encode_uint(terms.spec_version, 4)),
        "CheckTxVersion": (b"", scale.encode_uint(terms.transaction_version, 4)),
        "CheckGenesis": (b"", terms.genesis),
    }
    halves = [known.get(name, (b"", b"")) for name in names]
    return b"".join(half for half, _ in halves), b"".join(half for _, half in halves)


def _is_empty(types: Types, reference: Reference) -> bool:
    """Whether a type takes no bytes. Each type is looked at once: they may refer to each other any number of times."""
    waiting, seen = [reference], set()
    while waiting:
        found = waiting.pop()
        if found == "void" or found in seen:
            continue
        if isinstance(found, str) or found in types.variants:
            return False
        seen.add(found)
        match types.get(found).shape:
            case Composite(fields):
                waiting += (item.type for item in fields)
            case Group(items):
                waiting += items
            case Array(length, of):
                waiting += (of,) if length else ()
            case _:
                return False
    return True


def read_terms(form: Form, included: list[Any], implicit: list[Any]) -> Terms:
    """The terms from the values of both halves; InvalidTransaction where they are not what they should be."""
    found: dict[str, Any] = {}
    signed: dict[str, Any] = {}
    for item, value, beside in zip(form.extensions, included, implicit, strict=True):
        if item.name in found:
            raise InvalidTransaction(f"the extension {item.name} is there twice")
        found[item.name], signed[item.name] = value, beside
    era = next((found[name] for name in MORTALITY if name in found), None)
    anchor = next((signed[name] for name in MORTALITY if name in signed), None)
    tip = found.get("ChargeTransactionPayment", 0)
    if "ChargeAssetTxPayment" in found:
        charge = found["ChargeAssetTxPayment"]
        if not isinstance(charge, dict) or set(charge) != {"tip", "asset_id"}:
            raise InvalidTransaction("the extension ChargeAssetTxPayment has another form than is known here")
        if charge["asset_id"] != Case("None", None, ("Option",)):
            raise InvalidTransaction("the transaction pays its fee in another asset than the network's coin")
        tip = charge["tip"]
    mode = found.get("CheckMetadataHash")
    digest = signed.get("CheckMetadataHash")
    if mode is not None:
        mode = mode.get("mode") if isinstance(mode, dict) else mode
        digest = digest.value if isinstance(digest, Case) else None
        if not isinstance(mode, Case) or (mode.name == "Enabled") != (digest is not None):
            raise InvalidTransaction("the extension CheckMetadataHash contradicts itself")
    numbers = [found.get("CheckNonce"), tip, signed.get("CheckSpecVersion"), signed.get("CheckTxVersion")]
    hashes = [anchor, signed.get("CheckGenesis")]
    if digest is not None:
        hashes.append(digest)
    if any(not isinstance(n, int) or isinstance(n, bool) for n in numbers) or any(
        not isinstance(h, bytes) or len(h) != 32 for h in hashes
    ):
        raise InvalidTransaction("the transaction lacks nonce, versions, genesis or mortality in the form known here")
    nonce, tip, spec_version, transaction_version = numbers
    block_hash, genesis = bytes(hashes[0] or b""), bytes(hashes[1] or b"")
    return Terms(_era(era), block_hash, nonce, tip, spec_version, transaction_version, genesis, digest)


def _era(value: Any) -> Era:
    if isinstance(value, Case) and value.name == "Immortal":
        return Era()
    if isinstance(value, Case) and value.name.startswith("Mortal") and isinstance(value.value, int):
        digits = value.name[6:]
        if digits.isascii() and digits.isdigit() and 0 < int(digits) < 256:
            return Era.read(int(digits), value.value)
    raise InvalidTransaction("the era of the transaction has another form than is known here")
