"""Bitcoin transactions as values: outpoints, inputs, outputs, parsing, serialising, ids and sizes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from ...codec.compact_size import decode as _read
from ...codec.compact_size import encode as compact_size
from ...crypto.hashes import sha256d
from ...errors import InputError, InvalidTransaction

__all__ = [
    "FINAL_SEQUENCE",
    "MAX_AMOUNT",
    "RBF_SEQUENCE",
    "OutPoint",
    "Transaction",
    "TxIn",
    "TxOut",
    "compact_size",
    "read_compact_size",
    "scan_previous",
]

FINAL_SEQUENCE: Final = 0xFFFFFFFF
RBF_SEQUENCE: Final = 0xFFFFFFFD
"""The sequence number that opts in to replacement (BIP-125) and leaves relative locks off."""
MAX_AMOUNT: Final = 2**63 - 1
_MAX_SIZE: Final = 4_000_000
_ZCASH: Final = bytes.fromhex("050000800a27a726")  # a version and a version group that no Bitcoin transaction has
_CUT: Final = "the transaction ends too early: bytes are missing"


@dataclass(frozen=True, slots=True, order=True)
class OutPoint:
    """Which output of which transaction: ``txid`` as explorers show it (64 hex digits) and the output's index.

    >>> point = OutPoint("00" * 31 + "01", 2)
    >>> OutPoint.of(point.raw) == point, str(point)[-3:]
    (True, '1:2')
    """

    txid: str
    index: int

    @classmethod
    def of(cls, raw: bytes) -> OutPoint:
        """From the 36 bytes that stand in a transaction."""
        return cls(raw[31::-1].hex(), int.from_bytes(raw[32:36], "little"))

    @property
    def raw(self) -> bytes:
        """The 36 bytes that stand in a transaction. Raises InvalidTransaction for what is no outpoint."""
        try:
            txid = bytes.fromhex(self.txid)
            tail = self.index.to_bytes(4, "little")
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            raise InvalidTransaction("an outpoint is a txid of 64 hex digits and an index below 2^32") from error
        if len(txid) != 32:
            raise InvalidTransaction(f"a txid has 64 hex digits, not {len(self.txid)}")
        return txid[::-1] + tail

    def __str__(self) -> str:
        return f"{self.txid}:{self.index}"


class TxIn(NamedTuple):
    """An input: the 36 raw bytes of its outpoint, its script, sequence number and witness stack."""

    prevout: bytes
    script_sig: bytes = b""
    sequence: int = FINAL_SEQUENCE
    witness: tuple[bytes, ...] = ()

    @property
    def outpoint(self) -> OutPoint:
        """The output that it spends."""
        return OutPoint.of(self.prevout)


class TxOut(NamedTuple):
    """An output: its amount in the smallest unit and its script."""

    amount: int
    script: bytes

    def serialize(self) -> bytes:
        """The amount in 8 bytes, then the script with its length."""
        script = self.script
        return self.amount.to_bytes(8, "little") + compact_size(len(script)) + script


def read_compact_size(data: bytes, position: int) -> tuple[int, int]:
    """The count at ``position`` and the position after it; InvalidTransaction unless it is the shortest form."""
    try:
        return _read(data, position)
    except InputError as error:
        raise InvalidTransaction(error.message) from None


class Transaction:
    """A Bitcoin transaction, never changed in place.

    ``version`` and ``locktime`` are 32-bit numbers, ``inputs`` and ``outputs`` tuples of :class:`TxIn` and
    :class:`TxOut`.

    >>> tx = Transaction(2, [TxIn(bytes(36))], [TxOut(1000, b"\\x51")])
    >>> Transaction.parse(tx.serialize()) == tx, tx.weight, tx.vsize
    (True, 244, 61)
    """

    __slots__ = ("_txid", "inputs", "locktime", "outputs", "version")

    version: int
    inputs: tuple[TxIn, ...]
    outputs: tuple[TxOut, ...]
    locktime: int

    def __init__(self, version: int, inputs: Iterable[TxIn], outputs: Iterable[TxOut], locktime: int = 0) -> None:
        self.version = version
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.locktime = locktime
        self._txid: bytes | None = None

    @classmethod
    def parse(cls, data: bytes, strict: bool = True, *, witness: bool = True) -> Transaction:
        """Read a whole transaction, with or without witnesses (BIP-144).

        Trailing or missing bytes, counts not in their shortest form and an empty witness section are
        refused. ``strict`` refuses no inputs, no outputs, an outpoint spent twice and an amount of 2^63 or
        more as well. ``witness=False`` reads the form without witnesses only, as a PSBT holds it. Raises
        :class:`~multiwallet.errors.InvalidTransaction`. What begins as Zcash's version 5 does is read as
        a :class:`~multiwallet.chains.bitcoin.zcash.ZcashTransaction`.
        """
        if data[:8] == _ZCASH and cls is Transaction:
            from .zcash import ZcashTransaction

            return ZcashTransaction.parse(data, strict)
        if len(data) > _MAX_SIZE:
            raise InvalidTransaction(f"{len(data)} bytes are more than any transaction has")
        data = bytes(data)
        try:
            transaction, position = _parse(cls, data, witness)
        except IndexError:
            raise InvalidTransaction(_CUT) from None
        if position != len(data):
            if position > len(data):
                raise InvalidTransaction(_CUT)
            raise InvalidTransaction(f"{len(data) - position} bytes follow the end of the transaction")
        if strict:
            transaction.check()
        return transaction

    def check(self) -> None:
        """Refuse no inputs, no outputs, an outpoint spent twice and an amount of 2^63 or more (InvalidTransaction)."""
        if not self.inputs:
            raise InvalidTransaction("the transaction has no inputs")
        if not self.outputs:
            raise InvalidTransaction("the transaction has no outputs")
        if len({txin.prevout for txin in self.inputs}) != len(self.inputs):
            raise InvalidTransaction("the transaction spends the same output twice")
        if max(output.amount for output in self.outputs) > MAX_AMOUNT:
            raise InvalidTransaction("an output's amount is larger than any amount can be")

    @property
    def has_witness(self) -> bool:
        """Whether any input has a witness."""
        return any(txin.witness for txin in self.inputs)

    def serialize(self, witness: bool = True) -> bytes:
        """The bytes of the transaction, with its witnesses when there are any and ``witness`` is true."""
        with_witness = witness and self.has_witness
        parts = [self.version.to_bytes(4, "little")]
        append = parts.append
        if with_witness:
            append(b"\x00\x01")
        append(compact_size(len(self.inputs)))
        for prevout, script, sequence, _ in self.inputs:
            append(prevout)
            append(compact_size(len(script)) + script if script else b"\x00")
            append(sequence.to_bytes(4, "little"))
        append(compact_size(len(self.outputs)))
        for amount, script in self.outputs:
            append(amount.to_bytes(8, "little"))
            append(compact_size(len(script)))
            append(script)
        if with_witness:
            for txin in self.inputs:
                stack = txin.witness
                append(compact_size(len(stack)))
                for item in stack:
                    append(compact_size(len(item)))
                    append(item)
        append(self.locktime.to_bytes(4, "little"))
        return b"".join(parts)

    @property
    def txid_bytes(self) -> bytes:
        """The id as it stands in outpoints: 32 bytes, the reverse of how it is shown."""
        known = self._txid
        if known is None:
            self._txid = known = sha256d(self.serialize(witness=False))
        return known

    def know_txid(self, txid: bytes) -> None:
        """Take over an id (32 raw bytes) already computed for the same transaction without its witnesses."""
        self._txid = txid

    @property
    def txid(self) -> str:
        """The id that explorers show: 64 hex digits. Witnesses do not change it."""
        return self.txid_bytes[::-1].hex()

    @property
    def wtxid(self) -> str:
        """The id with witnesses (BIP-141): 64 hex digits."""
        return sha256d(self.serialize())[::-1].hex()

    @property
    def weight(self) -> int:
        """The weight (BIP-141): four times the size without witnesses, and the witness bytes once."""
        return 3 * len(self.serialize(witness=False)) + len(self.serialize())

    @property
    def vsize(self) -> int:
        """The virtual size: a quarter of the weight, rounded up."""
        return (self.weight + 3) // 4

    def __eq__(self, other: object) -> bool:
        return self.serialize() == other.serialize() if isinstance(other, Transaction) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.txid_bytes)

    def __repr__(self) -> str:
        return f"Transaction({self.txid}, {len(self.inputs)} inputs, {len(self.outputs)} outputs)"


def _count(data: bytes, position: int, least: int) -> tuple[int, int]:
    """A count of things of at least ``least`` bytes each, checked against what is left before any loop."""
    number, position = read_compact_size(data, position)
    if number * least > len(data) - position:
        raise InvalidTransaction(f"a count of {number} is more than the bytes that follow can hold")
    return number, position


def _chunk(data: bytes, position: int) -> tuple[bytes, int]:
    length = data[position]
    if length < 253:
        position += 1
    else:
        length, position = read_compact_size(data, position)
    end = position + length
    if end > len(data):
        raise InvalidTransaction(_CUT)
    return data[position:end], end


def _parse(cls: type[Transaction], data: bytes, witness: bool) -> tuple[Transaction, int]:
    number = int.from_bytes
    segregated = witness and data[4:6] == b"\x00\x01"
    count, position = _count(data, 6 if segregated else 4, 41)
    inputs: list[TxIn] = []
    for _ in range(count):
        prevout = data[position : position + 36]
        if data[position + 36]:
            script, position = _chunk(data, position + 36)
        else:
            script, position = b"", position + 37
        inputs.append(TxIn(prevout, script, number(data[position : position + 4], "little")))
        position += 4
    count, position = _count(data, position, 9)
    outputs: list[TxOut] = []
    for _ in range(count):
        amount = number(data[position : position + 8], "little")
        script, position = _chunk(data, position + 8)
        outputs.append(TxOut(amount, script))
    if segregated:
        empty = True
        for index, txin in enumerate(inputs):
            count, position = _count(data, position, 1)
            if count:
                stack = []
                for _ in range(count):
                    item, position = _chunk(data, position)
                    stack.append(item)
                inputs[index] = txin._replace(witness=tuple(stack))
                empty = False
        if empty:
            raise InvalidTransaction("the transaction has a witness section in which every witness is empty")
    version = number(data[:4], "little")
    return cls(version, inputs, outputs, number(data[position : position + 4], "little")), position + 4


def scan_previous(data: bytes) -> tuple[bytes, list[tuple[int, int, int]]]:
    """The id (32 raw bytes) of a serialised transaction, and where its outputs are.

    Each output is given as (amount, start, end), the latter two bounding its script in ``data``. Witnesses
    are passed over unread: the id does not cover them, nor what Litecoin's MWEB puts after them. Raises
    InvalidTransaction where the rest is cut short.
    """
    try:
        return _scan(data)
    except IndexError:
        raise InvalidTransaction(_CUT) from None


def _scan(data: bytes) -> tuple[bytes, list[tuple[int, int, int]]]:
    number = int.from_bytes
    segregated = data[4] == 0 and data[5] != 0
    position = 6 if segregated else 4
    count = data[position]
    if count < 253:  # here and below: the usual case without a call
        position += 1
    else:
        count, position = _count(data, position, 41)
    for _ in range(count):
        length = data[position + 36]
        if length < 253:
            position += 41 + length
        else:
            length, position = read_compact_size(data, position + 36)
            position += length + 4
    count = data[position]
    if count < 253:
        position += 1
    else:
        count, position = _count(data, position, 9)
    outputs = []
    for _ in range(count):
        length = data[position + 8]
        if length < 253:
            start = position + 9
        else:
            length, start = read_compact_size(data, position + 8)
        end = start + length
        outputs.append((number(data[position : position + 8], "little"), start, end))
        position = end
    if not segregated:
        if position + 4 < len(data) and data[0] >= 3 and data[1] == data[3] == 0 and data[2]:
            length, start = read_compact_size(data, position + 4)  # the payload of a special one of Dash (DIP-2)
            position = start + length - 4 if length else position
        if position + 4 != len(data):
            raise InvalidTransaction(_CUT if position + 4 > len(data) else "bytes follow the end of a transaction")
        return sha256d(data), outputs
    if position + 4 > len(data):
        raise InvalidTransaction(_CUT)
    return sha256d(data[:4] + data[6:position] + data[-4:]), outputs
