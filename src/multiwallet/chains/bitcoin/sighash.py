"""What a signature of an input commits to: before segwit, BIP-143 (version 0) and BIP-341 (taproot key path).

Each function gives the *preimage*, the bytes before the hash: SHA-256 twice for the first two, the tagged hash
``TapSighash`` for taproot, whose preimage starts with the epoch byte 00. What all inputs share is hashed once
for a transaction, so signing n inputs costs n, not n squared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...codec.compact_size import encode as compact_size
from ...crypto.hashes import sha256, sha256d
from ...errors import InvalidTransaction
from .rules import FORK_ID
from .transaction import Transaction, TxOut

__all__ = ["ALL", "ANYONECANPAY", "DEFAULT", "NONE", "SINGLE", "Sighash", "sighash_name"]

DEFAULT: Final = 0
ALL: Final = 1
NONE: Final = 2
SINGLE: Final = 3
ANYONECANPAY: Final = 0x80

_ZERO: Final = bytes(32)
_NAMES: Final = {DEFAULT: "DEFAULT", ALL: "ALL", NONE: "NONE", SINGLE: "SINGLE"}


def sighash_name(sighash: int) -> str:
    """The name of a sighash type as wallets write it.

    >>> sighash_name(0x83), sighash_name(1), sighash_name(0x41), sighash_name(0x50)
    ('SINGLE|ANYONECANPAY', 'ALL', 'ALL|FORKID', '0x50')
    """
    base = _NAMES.get(sighash & ~(ANYONECANPAY | FORK_ID))
    if base is None or (sighash and base == "DEFAULT"):
        return f"0x{sighash:02x}"
    return base + ("|FORKID" if sighash & FORK_ID else "") + ("|ANYONECANPAY" if sighash & ANYONECANPAY else "")


class Sighash:
    """The signature preimages of one transaction, which must not change meanwhile."""

    __slots__ = ("_blank", "_outputs", "_taproot", "_tx", "_v0", "_v0_head", "_v0_tail")

    def __init__(self, transaction: Transaction) -> None:
        self._tx = transaction
        self._v0: tuple[bytes, bytes, bytes] | None = None
        self._taproot: tuple[Sequence[TxOut], bytes, bytes] | None = None
        self._blank: bytes | None = None
        self._outputs: bytes | None = None
        self._v0_head = b""
        self._v0_tail = b""

    # -- version 0 -----------------------------------------------------------------------------------

    def witness_v0(self, index: int, script_code: bytes, amount: int, sighash: int = ALL) -> bytes:
        """The preimage of BIP-143 for input ``index``.

        ``script_code`` is the script without its length: for p2wpkh the p2pkh script of the same hash, for p2wsh
        the witness script. ``amount`` is what the input is worth.
        """
        tx = self._tx
        if self._v0 is None:
            self._v0 = (sha256d(self._prevouts()), sha256d(self._sequences()), sha256d(self._all_outputs()))
            self._v0_head = tx.version.to_bytes(4, "little") + self._v0[0] + self._v0[1]
            self._v0_tail = self._v0[2] + tx.locktime.to_bytes(4, "little")
        txin = tx.inputs[index]
        spent = txin.prevout + compact_size(len(script_code)) + script_code + amount.to_bytes(8, "little")
        sequence = txin.sequence.to_bytes(4, "little")
        if sighash == ALL:
            return self._v0_head + spent + sequence + self._v0_tail + b"\x01\0\0\0"
        base = sighash & 0x1F
        anyone = sighash & ANYONECANPAY
        if base == SINGLE and index < len(tx.outputs):
            outputs = sha256d(tx.outputs[index].serialize())
        else:
            outputs = _ZERO if base in (NONE, SINGLE) else self._v0[2]
        return b"".join(
            (
                self._v0_head[:4],
                _ZERO if anyone else self._v0[0],
                _ZERO if anyone or base in (NONE, SINGLE) else self._v0[1],
                spent,
                sequence,
                outputs,
                self._v0_tail[32:],
                sighash.to_bytes(4, "little"),
            )
        )

    # -- before segwit -------------------------------------------------------------------------------

    def legacy(self, index: int, script_code: bytes, sighash: int = ALL) -> bytes:
        """The preimage before segwit for input ``index``; ``script_code`` is its output or redeem script.

        Raises InvalidTransaction for SINGLE without an output of that index: its hash is the number one, which
        would sign for everything.
        """
        tx = self._tx
        base = sighash & 0x1F
        mine = tx.inputs[index]
        head = mine.prevout + compact_size(len(script_code)) + script_code + mine.sequence.to_bytes(4, "little")
        if sighash & ANYONECANPAY:
            inputs = b"\x01" + head
        else:
            if base in (NONE, SINGLE):
                blank = b"".join([txin.prevout + b"\0\0\0\0\0" for txin in tx.inputs])
            else:
                if self._blank is None:
                    self._blank = b"".join(
                        [txin.prevout + b"\0" + txin.sequence.to_bytes(4, "little") for txin in tx.inputs]
                    )
                blank = self._blank
            inputs = compact_size(len(tx.inputs)) + blank[: 41 * index] + head + blank[41 * (index + 1) :]
        if base == NONE:
            outputs = b"\0"
        elif base == SINGLE:
            if index >= len(tx.outputs):
                raise InvalidTransaction(
                    f"input {index} asks for a signature over an output that is not there (SINGLE)"
                )
            outputs = compact_size(index + 1) + (b"\xff" * 8 + b"\0") * index + tx.outputs[index].serialize()
        else:
            outputs = compact_size(len(tx.outputs)) + self._all_outputs()
        tail = tx.locktime.to_bytes(4, "little") + sighash.to_bytes(4, "little")
        return tx.version.to_bytes(4, "little") + inputs + outputs + tail

    # -- taproot -------------------------------------------------------------------------------------

    def taproot(self, index: int, spent: Sequence[TxOut], sighash: int = DEFAULT) -> bytes:
        """The preimage of BIP-341 for input ``index`` spent by its key, epoch byte included.

        ``spent`` are the outputs that all inputs spend, in order. Raises InvalidTransaction for a sighash type
        that taproot does not have, and for SINGLE without an output of that index.
        """
        tx = self._tx
        base, anyone = sighash & 3, sighash & ANYONECANPAY
        if sighash not in (0, 1, 2, 3, 0x81, 0x82, 0x83):
            raise InvalidTransaction(f"taproot has no sighash type {sighash_name(sighash)}")
        if self._taproot is None or self._taproot[0] is not spent:
            amounts = b"".join([output.amount.to_bytes(8, "little") for output in spent])
            scripts = b"".join([compact_size(len(output.script)) + output.script for output in spent])
            digests = sha256(self._prevouts()) + sha256(amounts) + sha256(scripts) + sha256(self._sequences())
            self._taproot = (spent, digests, sha256(self._all_outputs()))
        parts = [
            bytes((0, sighash)),
            tx.version.to_bytes(4, "little"),
            tx.locktime.to_bytes(4, "little"),
        ]
        if not anyone:
            parts.append(self._taproot[1])
        if base not in (NONE, SINGLE):
            parts.append(self._taproot[2])
        parts.append(b"\0")  # spent by the key, without an annex
        if anyone:
            txin = tx.inputs[index]
            parts += (txin.prevout, spent[index].serialize(), txin.sequence.to_bytes(4, "little"))
        else:
            parts.append(index.to_bytes(4, "little"))
        if base == SINGLE:
            if index >= len(tx.outputs):
                raise InvalidTransaction(
                    f"input {index} asks for a signature over an output that is not there (SINGLE)"
                )
            parts.append(sha256(tx.outputs[index].serialize()))
        return b"".join(parts)

    # -- what all inputs share -----------------------------------------------------------------------

    def _prevouts(self) -> bytes:
        return b"".join([txin.prevout for txin in self._tx.inputs])

    def _sequences(self) -> bytes:
        return b"".join([txin.sequence.to_bytes(4, "little") for txin in self._tx.inputs])

    def _all_outputs(self) -> bytes:
        if self._outputs is None:
            self._outputs = b"".join([output.serialize() for output in self._tx.outputs])
        return self._outputs
