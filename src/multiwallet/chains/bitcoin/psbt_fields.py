"""The key-value maps of a PSBT: what each field of BIP-174, BIP-370 and BIP-371 must look like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from ...codec.compact_size import encode as compact_size
from ...errors import InvalidTransaction
from ...path import Path
from .transaction import read_compact_size

__all__ = [
    "GLOBAL_CHECKS",
    "INPUT_CHECKS",
    "OUTPUT_CHECKS",
    "Fields",
    "derivation_value",
    "read_map",
    "read_stack",
    "steps_of",
    "tap_origin",
    "write_map",
    "write_stack",
]

Fields: TypeAlias = dict[bytes, bytes]
"""One map: the whole key (type, then key data) to its value, in the order of the file."""
Check: TypeAlias = Callable[[bytes, bytes], None]

UNSIGNED_TX: Final = b"\x00"
GLOBAL_VERSION: Final = b"\xfb"

NON_WITNESS_UTXO: Final = b"\x00"
WITNESS_UTXO: Final = b"\x01"
PARTIAL_SIG: Final = 0x02
SIGHASH_TYPE: Final = b"\x03"
REDEEM_SCRIPT: Final = b"\x04"
WITNESS_SCRIPT: Final = b"\x05"
BIP32_DERIVATION: Final = 0x06
FINAL_SCRIPTSIG: Final = b"\x07"
FINAL_WITNESS: Final = b"\x08"
TAP_KEY_SIG: Final = b"\x13"
TAP_BIP32_DERIVATION: Final = 0x16
TAP_INTERNAL_KEY: Final = b"\x17"
TAP_MERKLE_ROOT: Final = b"\x18"

OUT_REDEEM_SCRIPT: Final = b"\x00"
OUT_BIP32_DERIVATION: Final = 0x02
OUT_TAP_INTERNAL_KEY: Final = b"\x05"
OUT_TAP_BIP32_DERIVATION: Final = 0x07

_LONGEST_ORIGIN: Final = 4 + 4 * 255  # BIP-32 keeps the depth in one byte
_CUT: Final = "the PSBT ends too early: bytes are missing"


def read_map(data: bytes, position: int, checks: Mapping[int, Check]) -> tuple[Fields, int]:
    """The map that starts at ``position`` and the position after its closing zero byte.

    Fields of a type in ``checks`` are checked, others kept as they are. A key that comes twice is refused
    with :class:`~multiwallet.errors.InvalidTransaction`, and so is a map that is cut short.
    """
    fields: Fields = {}
    size = len(data)
    find = checks.get
    try:
        while True:
            length = data[position]
            position += 1
            if not length:
                return fields, position
            if length > 252:
                length, position = read_compact_size(data, position - 1)
            end = position + length
            key = data[position:end]
            length = data[end]
            position = end + 1
            if length > 252:
                length, position = read_compact_size(data, end)
            end = position + length
            if end > size:
                raise InvalidTransaction(_CUT)
            value = data[position:end]
            position = end
            if key in fields:
                raise InvalidTransaction(f"the PSBT has the field {key[:8].hex()} twice in one map")
            check = find(key[0])
            if check is not None:
                check(key, value)
            fields[key] = value
    except IndexError:
        raise InvalidTransaction(_CUT) from None


def write_map(fields: Mapping[bytes, bytes]) -> Iterator[bytes]:
    """The pieces of a map, the closing zero byte included."""
    for key, value in fields.items():
        yield compact_size(len(key))
        yield key
        yield compact_size(len(value))
        yield value
    yield b"\x00"


def read_stack(data: bytes) -> tuple[bytes, ...]:
    """A witness stack: a count, then each item with its length, and nothing after it."""
    count, position = read_compact_size(data, 0)
    if count > len(data):
        raise InvalidTransaction(f"a witness of {count} items is more than its bytes can hold")
    items = []
    for _ in range(count):
        length, position = read_compact_size(data, position)
        items.append(data[position : position + length])
        position += length
    if position != len(data):
        raise InvalidTransaction("a witness in the PSBT has another length than it says")
    return tuple(items)


def write_stack(items: Iterable[bytes]) -> bytes:
    """The bytes of a witness stack."""
    items = tuple(items)
    return compact_size(len(items)) + b"".join(compact_size(len(item)) + item for item in items)


def derivation_value(fingerprint: bytes | None, path: Path | Iterable[int]) -> bytes:
    """The value of a derivation field: the master key's fingerprint (4 bytes, zeros when unknown) and the steps."""
    steps = b"".join([step.to_bytes(4, "little") for step in path])
    return (fingerprint if fingerprint is not None else bytes(4)) + steps


def steps_of(origin: bytes) -> list[int]:
    """The steps that follow the fingerprint in a derivation."""
    return [int.from_bytes(origin[at : at + 4], "little") for at in range(4, len(origin), 4)]


def tap_origin(value: bytes) -> tuple[int, bytes]:
    """How many leaf hashes a taproot derivation names, and the fingerprint and steps that follow them."""
    count, position = read_compact_size(value, 0)
    start = position + 32 * count
    if start + 4 > len(value) or (len(value) - start) % 4 or len(value) - start > _LONGEST_ORIGIN:
        raise InvalidTransaction("a taproot derivation in the PSBT has a wrong length")
    return count, value[start:]


# -- what each field must look like ---------------------------------------------------------------


def _plain(name: str, *sizes: int) -> Check:
    def check(key: bytes, value: bytes) -> None:
        if len(key) != 1:
            raise InvalidTransaction(f"the PSBT's {name} has key data, and takes none")
        if sizes and len(value) not in sizes:
            raise InvalidTransaction(f"the PSBT's {name} has {len(value)} bytes, not {sizes[0]}")

    return check


def _sized(name: str, key_size: int, *sizes: int) -> Check:
    def check(key: bytes, value: bytes) -> None:
        if len(key) != key_size + 1:
            raise InvalidTransaction(f"the key of the PSBT's {name} has {len(key) - 1} bytes, not {key_size}")
        if sizes and len(value) not in sizes:
            raise InvalidTransaction(f"the PSBT's {name} has {len(value)} bytes, not {sizes[0]}")

    return check


def _misplaced(name: str, version: str) -> Check:
    def check(key: bytes, value: bytes) -> None:
        raise InvalidTransaction(
            f"the PSBT is of version {version} and has the field {name}, which does not belong there"
        )

    return check


def _check_public_key(key: bytes, name: str) -> None:
    length, first = len(key), key[1:2]
    if not (length == 34 and first in (b"\x02", b"\x03")) and not (length == 66 and first == b"\x04"):
        raise InvalidTransaction(f"the PSBT's {name} is for what is no public key of 33 or 65 bytes")


def _partial_sig(key: bytes, value: bytes) -> None:
    _check_public_key(key, "partial signature")
    if not 9 <= len(value) <= 73:
        raise InvalidTransaction(
            f"a partial signature in the PSBT has {len(value)} bytes: DER and a sighash byte have 9 to 73"
        )


def _derivation(key: bytes, value: bytes) -> None:
    # The commonest field of all: one look is enough for its usual form.
    length = len(key)
    if length != 34 or not 1 < key[1] < 4:
        _check_public_key(key, "derivation path")
    length = len(value)
    if length < 4 or length & 3 or length > _LONGEST_ORIGIN:
        raise InvalidTransaction("a derivation path in the PSBT has a wrong length")


def _tap_derivation(key: bytes, value: bytes) -> None:
    if len(key) != 33:
        raise InvalidTransaction(f"the key of a taproot derivation in the PSBT has {len(key) - 1} bytes, not 32")
    tap_origin(value)


def _witness_utxo(key: bytes, value: bytes) -> None:
    if len(key) != 1:
        raise InvalidTransaction("the PSBT's witness UTXO has key data, and takes none")
    length = len(value)
    if length < 9:
        raise InvalidTransaction("a witness UTXO in the PSBT is too short")
    if value[8] != length - 9 or length > 261:
        size, start = read_compact_size(value, 8)
        if start + size != length:
            raise InvalidTransaction("a witness UTXO in the PSBT has another length than it says")


def _final_witness(key: bytes, value: bytes) -> None:
    if len(key) != 1:
        raise InvalidTransaction("the PSBT's final witness has key data, and takes none")
    read_stack(value)


def _leaf_script(key: bytes, value: bytes) -> None:
    if not 34 <= len(key) <= 34 + 32 * 128 or (len(key) - 34) % 32:
        raise InvalidTransaction(
            f"a taproot control block in the PSBT has {len(key) - 1} bytes: 33 and a multiple of 32"
        )
    if not value:
        raise InvalidTransaction("a taproot leaf script in the PSBT is empty")


def _xpub(key: bytes, value: bytes) -> None:
    if len(key) != 79 or len(value) < 4 or len(value) % 4:
        raise InvalidTransaction("an extended public key in the PSBT has a wrong length")


GLOBAL_CHECKS: Final[dict[int, Check]] = {
    0x00: _plain("unsigned transaction"),
    0x01: _xpub,
    0x02: _plain("transaction version", 4),
    0x03: _plain("fallback locktime", 4),
    0x04: _plain("input count"),
    0x05: _plain("output count"),
    0x06: _plain("modifiable flags", 1),
    0xFB: _plain("version", 4),
}
"""Both versions: which of these fields a version may have is known only after all are read."""

_INPUT_BOTH: Final[dict[int, Check]] = {
    0x00: _plain("non-witness UTXO"),
    0x01: _witness_utxo,
    0x02: _partial_sig,
    0x03: _plain("sighash type", 4),
    0x04: _plain("redeem script"),
    0x05: _plain("witness script"),
    0x06: _derivation,
    0x07: _plain("final scriptSig"),
    0x08: _final_witness,
    0x09: _plain("proof-of-reserves commitment"),
    0x0A: _sized("RIPEMD-160 preimage", 20),
    0x0B: _sized("SHA-256 preimage", 32),
    0x0C: _sized("HASH160 preimage", 20),
    0x0D: _sized("HASH256 preimage", 32),
    0x13: _plain("taproot key signature", 64, 65),
    0x14: _sized("taproot script signature", 64, 64, 65),
    0x15: _leaf_script,
    0x16: _tap_derivation,
    0x17: _plain("taproot internal key", 32),
    0x18: _plain("taproot merkle root", 32),
}
_OUTPUT_BOTH: Final[dict[int, Check]] = {
    0x00: _plain("output redeem script"),
    0x01: _plain("output witness script"),
    0x02: _derivation,
    0x05: _plain("output's taproot internal key", 32),
    0x06: _plain("output's taproot tree"),
    0x07: _tap_derivation,
}
_INPUT_V2: Final = {
    0x0E: ("previous txid", 32),
    0x0F: ("output index", 4),
    0x10: ("sequence", 4),
    0x11: ("required time locktime", 4),
    0x12: ("required height locktime", 4),
}

INPUT_CHECKS: Final[tuple[dict[int, Check], dict[int, Check]]] = (
    {**_INPUT_BOTH, **{number: _misplaced(name, "0") for number, (name, _) in _INPUT_V2.items()}},
    {**_INPUT_BOTH, **{number: _plain(name, size) for number, (name, size) in _INPUT_V2.items()}},
)
"""For version 0 and for version 2."""
OUTPUT_CHECKS: Final[tuple[dict[int, Check], dict[int, Check]]] = (
    {**_OUTPUT_BOTH, 0x03: _misplaced("amount", "0"), 0x04: _misplaced("script", "0")},
    {**_OUTPUT_BOTH, 0x03: _plain("amount", 8), 0x04: _plain("script")},
)
"""For version 0 and for version 2."""
