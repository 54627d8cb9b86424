"""PSBT version 2 (BIP-370), read into the unsigned transaction and the maps of version 0."""

from __future__ import annotations

from typing import Final

from ...errors import InvalidTransaction
from . import psbt_fields as field
from .psbt_fields import Fields, read_map
from .transaction import FINAL_SEQUENCE, Transaction, TxIn, TxOut, read_compact_size

__all__ = ["parse_version_2"]

_TX_VERSION: Final = b"\x02"
_FALLBACK_LOCKTIME: Final = b"\x03"
_INPUT_COUNT: Final = b"\x04"
_OUTPUT_COUNT: Final = b"\x05"
_MODIFIABLE: Final = b"\x06"
_PREVIOUS_TXID: Final = b"\x0e"
_OUTPUT_INDEX: Final = b"\x0f"
_SEQUENCE: Final = b"\x10"
_TIME_LOCK: Final = b"\x11"
_HEIGHT_LOCK: Final = b"\x12"
_AMOUNT: Final = b"\x03"
_SCRIPT: Final = b"\x04"
_TIME_THRESHOLD: Final = 500_000_000


def parse_version_2(
    data: bytes, fields: Fields, position: int
) -> tuple[Transaction, list[Fields], list[Fields], Fields]:
    """The unsigned transaction and the version-0 maps (inputs, outputs, global) of a version-2 PSBT.

    ``fields`` is its global map and ``position`` where the others start. Raises
    :class:`~multiwallet.errors.InvalidTransaction` for missing fields and for locktimes that exclude each other.
    """
    if field.UNSIGNED_TX in fields:
        raise InvalidTransaction(
            "the PSBT is of version 2 and holds an unsigned transaction, which belongs to version 0"
        )
    version = int.from_bytes(_take(fields, _TX_VERSION, "transaction version"), "little")
    counts = []
    for key, name in ((_INPUT_COUNT, "input count"), (_OUTPUT_COUNT, "output count")):
        value = _take(fields, key, name)
        count, end = read_compact_size(value, 0)
        if end != len(value):
            raise InvalidTransaction(f"the PSBT's {name} has a wrong length")
        counts.append(count)
    if sum(counts) > len(data):
        raise InvalidTransaction("the PSBT says more inputs and outputs than its bytes can hold")
    fallback = int.from_bytes(fields.pop(_FALLBACK_LOCKTIME, b""), "little")
    fields.pop(_MODIFIABLE, None)
    del fields[field.GLOBAL_VERSION]
    inputs, txins, locks = [], [], []
    for _ in range(counts[0]):
        entry, position = read_map(data, position, field.INPUT_CHECKS[1])
        txid = _take(entry, _PREVIOUS_TXID, "previous txid")
        index = _take(entry, _OUTPUT_INDEX, "output index")
        sequence = entry.pop(_SEQUENCE, None)
        locks.append(_locks(entry))
        txins.append(
            TxIn(txid + index, b"", FINAL_SEQUENCE if sequence is None else int.from_bytes(sequence, "little"))
        )
        inputs.append(entry)
    outputs, txouts = [], []
    for _ in range(counts[1]):
        entry, position = read_map(data, position, field.OUTPUT_CHECKS[1])
        amount = int.from_bytes(_take(entry, _AMOUNT, "output amount"), "little", signed=True)
        if amount < 0:
            raise InvalidTransaction("an output of the PSBT has a negative amount")
        txouts.append(TxOut(amount, _take(entry, _SCRIPT, "output script")))
        outputs.append(entry)
    if position != len(data):
        raise InvalidTransaction(f"{len(data) - position} bytes follow the end of the PSBT")
    return Transaction(version, txins, txouts, _locktime(locks, fallback)), inputs, outputs, fields


def _take(fields: Fields, key: bytes, name: str) -> bytes:
    value = fields.pop(key, None)
    if value is None:
        raise InvalidTransaction(f"the PSBT is of version 2 and lacks the {name}")
    return value


def _locks(entry: Fields) -> tuple[int | None, int | None]:
    time, height = entry.pop(_TIME_LOCK, None), entry.pop(_HEIGHT_LOCK, None)
    required_time = None if time is None else int.from_bytes(time, "little")
    required_height = None if height is None else int.from_bytes(height, "little")
    if required_time is not None and required_time < _TIME_THRESHOLD:
        raise InvalidTransaction(
            "an input of the PSBT requires a time locktime below 500,000,000, which means a height"
        )
    if required_height is not None and not 0 < required_height < _TIME_THRESHOLD:
        raise InvalidTransaction("an input of the PSBT requires a height locktime outside 1 to 499,999,999")
    return required_time, required_height


def _locktime(locks: list[tuple[int | None, int | None]], fallback: int) -> int:
    """The greatest that is required, of the kind that all inputs with a requirement allow, height first (BIP-370)."""
    required = [lock for lock in locks if lock != (None, None)]
    if not required:
        return fallback
    heights = [height for _, height in required if height is not None]
    if len(heights) == len(required):
        return max(heights)
    times = [time for time, _ in required if time is not None]
    if len(times) == len(required):
        return max(times)
    raise InvalidTransaction(
        "one input of the PSBT requires a height locktime and another one a time: they exclude each other"
    )
