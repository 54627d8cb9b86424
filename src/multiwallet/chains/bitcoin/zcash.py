"""Zcash's version 5 transactions (ZIP-225) with transparent inputs and outputs only, and their hashes (ZIP-244).

What is shielded is neither made nor read here. A transaction commits to the consensus branch (ZIP-200) that it is
valid under and expires at a height (ZIP-203), both of which stand in its head.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ...codec.compact_size import encode as compact_size
from ...crypto.hashes import blake2b
from ...errors import InvalidTransaction
from .sighash import ANYONECANPAY, NONE, SINGLE, sighash_name
from .transaction import Transaction, TxIn, TxOut

__all__ = ["HEAD", "ZcashSighash", "ZcashTransaction"]

HEAD: Final = (0x80000005).to_bytes(4, "little") + (0x26A7270A).to_bytes(4, "little")
"""How the bytes begin: version 5 with the bit "overwintered", and its version group."""
_HEAD_SIZE: Final = 20
_NOTHING_SHIELDED: Final = b"\0\0\0"
_CUT: Final = "the transaction ends too early: bytes are missing"
_HIGHEST_EXPIRY: Final = 499_999_999
_SIGHASHES: Final = frozenset((1, 2, 3, 0x81, 0x82, 0x83))


def _hash(person: bytes, data: bytes) -> bytes:
    return blake2b(data, size=32, person=person)


_SHIELDED: Final = (_hash(b"ZTxIdSaplingHash", b""), _hash(b"ZTxIdOrchardHash", b""))
"""The digests of an empty Sapling and an empty Orchard part."""


class ZcashTransaction(Transaction):
    """A version 5 transaction without shielded parts. ``version`` is always 5.

    ``branch`` is the consensus branch id and ``expiry`` the last height at which it can be included (0: no end).

    >>> tx = ZcashTransaction([TxIn(bytes(36))], [TxOut(1000, b"\\x51")], branch=0x4DEC4DF0, expiry=40)
    >>> ZcashTransaction.parse(tx.serialize()) == tx, len(tx.serialize()), tx.txid[:8]
    (True, 76, '6ecde328')
    """

    __slots__ = ("branch", "expiry")

    def __init__(
        self, inputs: Iterable[TxIn], outputs: Iterable[TxOut], locktime: int = 0, *, branch: int, expiry: int
    ) -> None:
        super().__init__(5, inputs, outputs, locktime)
        self.branch = branch
        self.expiry = expiry

    @classmethod
    def parse(cls, data: bytes, strict: bool = True, *, witness: bool = True) -> ZcashTransaction:
        """Read a whole transaction. Raises InvalidTransaction, also for one with shielded parts."""
        del witness  # there is none
        data = bytes(data)
        if data[:8] != HEAD:
            raise InvalidTransaction("this is no Zcash transaction of version 5, the one version that is known here")
        if len(data) < _HEAD_SIZE + 2 + len(_NOTHING_SHIELDED):
            raise InvalidTransaction(_CUT)
        if data[-3:] != _NOTHING_SHIELDED:
            raise InvalidTransaction("the transaction has shielded parts, which are not known here")
        branch, locktime, expiry = (int.from_bytes(data[at : at + 4], "little") for at in (8, 12, 16))
        # Between its head and its end stands what stands between version and locktime in Bitcoin's form.
        plain = Transaction.parse(bytes(4) + data[_HEAD_SIZE:-3] + bytes(4), strict, witness=False)
        if expiry > _HIGHEST_EXPIRY:
            raise InvalidTransaction("the transaction's expiry height is higher than any height")
        return cls(plain.inputs, plain.outputs, locktime, branch=branch, expiry=expiry)

    def with_scripts(self, scripts: Sequence[bytes]) -> ZcashTransaction:
        """The same transaction with these input scripts, one for each input."""
        inputs = [txin._replace(script_sig=script) for txin, script in zip(self.inputs, scripts, strict=True)]
        return ZcashTransaction(inputs, self.outputs, self.locktime, branch=self.branch, expiry=self.expiry)

    def serialize(self, witness: bool = True) -> bytes:
        """The bytes of the transaction."""
        head = HEAD + b"".join(n.to_bytes(4, "little") for n in (self.branch, self.locktime, self.expiry))
        return head + super().serialize(witness=False)[4:-4] + _NOTHING_SHIELDED

    @property
    def txid_bytes(self) -> bytes:
        """The id as it stands in outpoints (ZIP-244): 32 bytes, to which the input scripts do not count."""
        if self._txid is None:
            parts = ZcashSighash(self, ()).shared
            transparent = _hash(b"ZTxIdTranspaHash", parts[0] + parts[3] + parts[4]) if self.inputs else b""
            self._txid = _hash(self.personal, self.digest_of_head + transparent + b"".join(_SHIELDED))
        return self._txid

    @property
    def personal(self) -> bytes:
        """The 16 bytes that personalise the outermost hash: the branch is a part of them."""
        return b"ZcashTxHash_" + self.branch.to_bytes(4, "little")

    @property
    def digest_of_head(self) -> bytes:
        """ZIP-244's T.1: 32 bytes."""
        return _hash(b"ZTxIdHeadersHash", self.serialize()[:_HEAD_SIZE])


class ZcashSighash:
    """The signature preimages of one transaction. ``spent`` are the outputs that its inputs spend, in order."""

    __slots__ = ("_spent", "_tx", "shared")

    shared: tuple[bytes, bytes, bytes, bytes, bytes]
    """The digests of all prevouts, amounts, scripts, sequences and outputs, each of 32 bytes."""

    def __init__(self, transaction: ZcashTransaction, spent: Sequence[TxOut]) -> None:
        self._tx = transaction
        self._spent = spent
        amounts = b"".join(output.amount.to_bytes(8, "little") for output in spent)
        scripts = b"".join(compact_size(len(output.script)) + output.script for output in spent)
        self.shared = (
            _hash(b"ZTxIdPrevoutHash", b"".join(txin.prevout for txin in transaction.inputs)),
            _hash(b"ZTxTrAmountsHash", amounts),
            _hash(b"ZTxTrScriptsHash", scripts),
            _hash(b"ZTxIdSequencHash", b"".join(txin.sequence.to_bytes(4, "little") for txin in transaction.inputs)),
            _hash(b"ZTxIdOutputsHash", b"".join(output.serialize() for output in transaction.outputs)),
        )

    def transparent(self, index: int, sighash: int) -> bytes:
        """The preimage for input ``index``: 16 bytes of personalisation, then 128 bytes, for BLAKE2b-256.

        Raises InvalidTransaction for a sighash type that Zcash does not have, and for SINGLE without an output of
        that index.
        """
        tx = self._tx
        if sighash not in _SIGHASHES:
            raise InvalidTransaction(f"Zcash has no sighash type {sighash_name(sighash)}")
        base = sighash & 3
        prevouts, amounts, scripts, sequences, outputs = self.shared
        if sighash & ANYONECANPAY:
            prevouts, amounts, scripts, sequences = (
                _hash(person, b"")
                for person in (b"ZTxIdPrevoutHash", b"ZTxTrAmountsHash", b"ZTxTrScriptsHash", b"ZTxIdSequencHash")
            )
        if base == NONE:
            outputs = _hash(b"ZTxIdOutputsHash", b"")
        elif base == SINGLE:
            if index >= len(tx.outputs):
                raise InvalidTransaction(
                    f"input {index} asks for a signature over an output that is not there (SINGLE)"
                )
            outputs = _hash(b"ZTxIdOutputsHash", tx.outputs[index].serialize())
        txin = tx.inputs[index]
        mine = txin.prevout + self._spent[index].serialize() + txin.sequence.to_bytes(4, "little")
        parts = (bytes((sighash,)), prevouts, amounts, scripts, sequences, outputs, _hash(b"Zcash___TxInHash", mine))
        transparent = _hash(b"ZTxIdTranspaHash", b"".join(parts))
        return tx.personal + tx.digest_of_head + transparent + b"".join(_SHIELDED)
