"""Partially signed transactions: BIP-174 (version 0), with the taproot fields of BIP-371."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ...codec import base64_text
from ...codec.hexadecimal import parse_hex
from ...crypto.hashes import hash160
from ...errors import InputError, InvalidTransaction
from ...path import Path
from . import psbt_fields as field
from .psbt_fields import Fields, derivation_value, read_map, write_map
from .rules import FORK_ID
from .script import KEY_KINDS, kind_of, redeem_script_for_key, script_for_key
from .sighash import ALL
from .transaction import MAX_AMOUNT, RBF_SEQUENCE, OutPoint, Transaction, TxIn, TxOut, scan_previous

__all__ = ["MAGIC", "Psbt", "PsbtInputSource", "psbt_bytes"]

MAGIC: Final = b"psbt\xff"
_MAX_SIZE: Final = 100_000_000


class PsbtInputSource(NamedTuple):
    """What is known of an output that is to be spent.

    ``script`` is its output script and ``amount`` its amount in the smallest unit; ``public_key`` (33 bytes,
    or 65 for an old p2pkh key) spends it and is found at ``path`` below the master key with ``fingerprint``
    (4 bytes); both are None for an imported key. ``previous_transaction`` is the raw transaction that made
    the output: needed for ``p2pkh``, welcome for the others.
    """

    outpoint: OutPoint
    amount: int
    script: bytes
    sequence: int = RBF_SEQUENCE
    public_key: bytes = b""
    path: Path | None = None
    fingerprint: bytes | None = None
    previous_transaction: bytes | None = None


def psbt_bytes(data: str | bytes | bytearray | memoryview) -> bytes:
    """The bytes of a PSBT given as bytes, base64 or hex. Raises InvalidTransaction for anything else."""
    if isinstance(data, str):
        text = data.strip()
        if len(text) > 2 * _MAX_SIZE:
            raise InvalidTransaction("this text is too long for a PSBT")
        try:
            if text[:10].lower() == "70736274ff":
                return parse_hex(text, what="the PSBT")
            return base64_text.decode(text, what="the PSBT")
        except InputError as error:
            raise InvalidTransaction(error.message) from None
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InvalidTransaction(f"a PSBT is base64, hex or bytes, not {type(data).__name__}")
    return bytes(data)


class Psbt:
    """A PSBT, never changed in place.

    ``transaction`` is the unsigned transaction; ``globals``, ``inputs`` and ``outputs`` are the other fields
    of each map, by their whole key. ``spent`` says for each input what it spends, or None where the PSBT
    does not say. Version 2 (BIP-370) is read too and becomes version 0.

    >>> unsigned = Psbt.parse("cHNidP8BAAoAAAAAAAAAAAAAAA==")
    >>> unsigned.transaction.locktime, unsigned.serialize()[:5]
    (0, b'psbt\\xff')
    """

    __slots__ = ("globals", "inputs", "outputs", "spent", "transaction")

    transaction: Transaction
    globals: Fields
    inputs: tuple[Fields, ...]
    outputs: tuple[Fields, ...]
    spent: tuple[TxOut | None, ...]

    def __init__(
        self,
        transaction: Transaction,
        inputs: Iterable[Fields],
        outputs: Iterable[Fields],
        global_fields: Fields | None = None,
    ) -> None:
        self.transaction = transaction
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.globals = global_fields or {}
        if len(self.inputs) != len(transaction.inputs) or len(self.outputs) != len(transaction.outputs):
            raise InvalidTransaction("the PSBT has another number of maps than its transaction has inputs and outputs")
        self.spent = _spent(transaction, self.inputs)

    @classmethod
    def parse(cls, data: str | bytes | bytearray | memoryview) -> Psbt:
        """Read a PSBT from base64, hex or bytes.

        Every known field is checked for its form, previous transactions for their id, and what an input says
        twice for agreement. Unknown fields are kept. Raises :class:`~multiwallet.errors.InvalidTransaction`.
        """
        raw = psbt_bytes(data)
        if raw[:5] != MAGIC:
            raise InvalidTransaction(_not_a_psbt(raw))
        if len(raw) > _MAX_SIZE:
            raise InvalidTransaction(f"{len(raw)} bytes are too many for a PSBT")
        fields, position = read_map(raw, 5, field.GLOBAL_CHECKS)
        version = int.from_bytes(fields.get(field.GLOBAL_VERSION, b""), "little")
        if version == 2:
            from .psbt_v2 import parse_version_2

            return cls(*parse_version_2(raw, fields, position))
        if version:
            raise InvalidTransaction(f"PSBT version {version} is unknown: versions 0 and 2 are")
        unsigned = fields.pop(field.UNSIGNED_TX, None)
        if unsigned is None:
            raise InvalidTransaction("the PSBT has no unsigned transaction")
        for number in range(2, 7):
            if bytes((number,)) in fields:
                raise InvalidTransaction("the PSBT is of version 0 and has a global field of version 2")
        transaction = Transaction.parse(unsigned, False, witness=False)
        if any(txin.script_sig for txin in transaction.inputs):
            raise InvalidTransaction("the PSBT's unsigned transaction holds a scriptSig: it must have none")
        inputs, outputs = [], []
        for _ in transaction.inputs:
            entry, position = read_map(raw, position, field.INPUT_CHECKS[0])
            inputs.append(entry)
        for _ in transaction.outputs:
            entry, position = read_map(raw, position, field.OUTPUT_CHECKS[0])
            outputs.append(entry)
        if position != len(raw):
            raise InvalidTransaction(f"{len(raw) - position} bytes follow the end of the PSBT")
        return cls(transaction, inputs, outputs, fields)

    @classmethod
    def create(
        cls,
        inputs: Sequence[PsbtInputSource],
        outputs: Sequence[tuple[bytes, int, bytes | None, Path | None]],
        *,
        version: int = 2,
        locktime: int = 0,
        sighash: str = "bitcoin",
        branch: int = 0,
        expiry: int = 0,
    ) -> Psbt:
        """Make a PSBT for a new transaction of that ``version`` and ``locktime``.

        ``sighash`` says what signatures commit to (see :data:`~multiwallet.chains.bitcoin.rules.SIGHASHES`). With
        ``zip244`` it is a Zcash transaction of the consensus ``branch`` that expires at the height ``expiry``.
        An output is (script, amount, public key, path); the latter two say whose it is and mark change, and
        are None for everybody else's. Raises InputError when an input's script is not its key's, or a
        previous transaction is missing, and InvalidTransaction when one does not fit its outpoint.
        """
        for _, amount, _, _ in outputs:
            if not 0 <= amount <= MAX_AMOUNT:
                raise InputError("an output's amount is from 0 to 2^63 - 1 of the smallest unit")
        txins = [TxIn(source.outpoint.raw, b"", source.sequence) for source in inputs]
        txouts = [TxOut(amount, script) for script, amount, _, _ in outputs]
        if sighash == "zip244":
            from .zcash import ZcashTransaction

            transaction: Transaction = ZcashTransaction(txins, txouts, locktime, branch=branch, expiry=expiry)
        else:
            transaction = Transaction(version, txins, txouts, locktime)
        transaction.check()
        fingerprint = next((source.fingerprint for source in inputs if source.fingerprint), None)
        return cls(
            transaction,
            [_input_fields(source, sighash) for source in inputs],
            [_output_fields(script, key, path, fingerprint) for script, _, key, path in outputs],
        )

    def serialize(self) -> bytes:
        """The bytes of the PSBT, version 0."""
        parts = [MAGIC]
        parts += write_map({field.UNSIGNED_TX: self.transaction.serialize(witness=False), **self.globals})
        for fields in self.inputs:
            parts += write_map(fields)
        for fields in self.outputs:
            parts += write_map(fields)
        return b"".join(parts)

    def to_base64(self) -> str:
        """The PSBT as wallets exchange it in text."""
        return b64encode(self.serialize()).decode("ascii")

    def updated(self, inputs: Mapping[int, Mapping[bytes, bytes]]) -> Psbt:
        """A copy whose inputs (by index) have further or other fields, each such map in the order of its keys."""
        maps = list(self.inputs)
        for index, more in inputs.items():
            maps[index] = dict(sorted({**maps[index], **more}.items()))
        return Psbt(self.transaction, maps, self.outputs, self.globals)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Psbt):
            return NotImplemented
        return (self.transaction, self.globals, self.inputs, self.outputs) == (
            other.transaction,
            other.globals,
            other.inputs,
            other.outputs,
        )

    __hash__ = None  # type: ignore[assignment]  # its maps are dictionaries

    def __repr__(self) -> str:
        return f"Psbt({self.transaction.txid}, {len(self.inputs)} inputs, {len(self.outputs)} outputs)"


def _not_a_psbt(raw: bytes) -> str:
    if len(raw) > 10 and raw[1:4] == b"\0\0\0":
        return (
            "this is a raw transaction, not a PSBT: it does not say what its inputs are worth, so its fee cannot be "
            "checked; make a PSBT of it (in Bitcoin Core: converttopsbt, then utxoupdatepsbt)"
        )
    return "this is no PSBT: one starts with 'psbt' and the byte ff (in base64 with cHNidP)"


def _spent(transaction: Transaction, inputs: tuple[Fields, ...]) -> tuple[TxOut | None, ...]:
    seen: dict[bytes, tuple[bytes, list[tuple[int, int, int]]]] = {}
    spent: list[TxOut | None] = []
    append = spent.append
    for index, fields in enumerate(inputs):
        value = fields.get(field.WITNESS_UTXO)
        stated = None
        if value is not None:
            script = value[9:] if value[8] < 253 else value[-int.from_bytes(value[9:11], "little") :]
            stated = TxOut(int.from_bytes(value[:8], "little"), script)
        previous = fields.get(field.NON_WITNESS_UTXO)
        if previous is None:
            append(stated)
            continue
        known = seen.get(previous)
        if known is None:
            seen[previous] = known = scan_previous(previous)
        txid, outputs = known
        prevout = transaction.inputs[index].prevout
        if prevout[:32] != txid:
            raise InvalidTransaction(
                f"input {index}: the previous transaction in the PSBT is not the one that it spends"
            )
        number = int.from_bytes(prevout[32:], "little")
        if number >= len(outputs):
            raise InvalidTransaction(f"input {index}: the previous transaction has no output {number}")
        amount, start, end = outputs[number]
        proven = TxOut(amount, previous[start:end])
        if stated is not None and stated != proven:
            raise InvalidTransaction(f"input {index}: the PSBT says two different things of the output that it spends")
        append(proven)
    return tuple(spent)


def _input_fields(source: PsbtInputSource, sighash: str) -> Fields:
    script, key = source.script, source.public_key
    kind = kind_of(script)
    if kind == "p2sh":
        kind = "p2sh-p2wpkh"
    if kind not in KEY_KINDS:
        raise InputError(f"{source.outpoint} is a {kind} output, which no single key spends")
    if script_for_key(kind, key) != script:
        raise InputError(f"{source.outpoint} does not belong to the public key given for it")
    fields: Fields = {}
    proven = sighash == "zip244"  # by every signature, as taproot's prove the amounts
    if kind == "p2pkh" and source.previous_transaction is None and not proven:
        raise InputError(f"{source.outpoint} is a p2pkh output: its previous transaction is needed to prove its amount")
    if kind != "p2tr" and source.previous_transaction is not None and not proven:
        fields[field.NON_WITNESS_UTXO] = bytes(source.previous_transaction)
    if kind != "p2pkh" or proven:
        fields[field.WITNESS_UTXO] = TxOut(source.amount, script).serialize()
    if sighash == "forkid":
        fields[field.SIGHASH_TYPE] = (ALL | FORK_ID).to_bytes(4, "little")
    if kind == "p2sh-p2wpkh":
        fields[field.REDEEM_SCRIPT] = redeem_script_for_key(key)
    fields.update(origin_fields(kind == "p2tr", key, source.path, source.fingerprint))
    return fields


def origin_fields(taproot: bool, key: bytes, path: Path | None, fingerprint: bytes | None) -> Fields:
    """The input fields that say which key spends an input and where it is found.

    A key without a path counts as a master key: its own fingerprint and no steps (BIP-32).
    """
    origin = derivation_value(fingerprint, path) if path is not None else hash160(key)[:4]
    if taproot:
        x = key[1:33]
        return {bytes((field.TAP_BIP32_DERIVATION,)) + x: b"\x00" + origin, field.TAP_INTERNAL_KEY: x}
    return {bytes((field.BIP32_DERIVATION,)) + key: origin}


def _output_fields(script: bytes, key: bytes | None, path: Path | None, fingerprint: bytes | None) -> Fields:
    if key is None:
        return {}
    origin = derivation_value(fingerprint, path) if path is not None else hash160(key)[:4]
    kind = kind_of(script)
    if kind == "p2tr":
        x = key[1:33]
        return {field.OUT_TAP_INTERNAL_KEY: x, bytes((field.OUT_TAP_BIP32_DERIVATION,)) + x: b"\x00" + origin}
    fields: Fields = {field.OUT_REDEEM_SCRIPT: redeem_script_for_key(key)} if kind == "p2sh" else {}
    fields[bytes((field.OUT_BIP32_DERIVATION,)) + key] = origin
    return fields
