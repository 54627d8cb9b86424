"""Whether signed bytes are those of a plan's transaction: a signed file may be another one's, or out of step."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ..codec import rlp
from ..errors import InputError, InvalidTransaction
from ..transactions import SignedTransaction, UnsignedTransaction

if TYPE_CHECKING:
    from ..operations import AccountOperations

__all__ = ["check_belongs", "outpoints"]


def check_belongs(operations: AccountOperations, unsigned: UnsignedTransaction, signed: SignedTransaction) -> None:
    """Raise InvalidTransaction unless the signed bytes do what the unsigned transaction says, and nothing else."""
    family = operations.chain.family
    if family == "evm":
        same = _evm_items(signed.raw)[: len(wanted := _unsigned_items(unsigned.body))] == wanted
    elif family == "tron":
        same = signed.txid == hashlib.sha256(unsigned.body).hexdigest()
    elif family == "bitcoin":
        coins = set(operations.chain.claims(signed).coins)
        same = coins == set(outpoints(unsigned.body)) and _outputs(unsigned.body) in signed.raw
    else:
        same = unsigned.body in signed.raw
    if not same:
        raise InvalidTransaction("the signed bytes are of another transaction than the plan's")


def _evm_items(raw: bytes) -> list[object]:
    typed = raw[:1] < b"\x7f"
    items = rlp.decode(raw[1:] if typed else raw)
    if not isinstance(items, list):
        raise InvalidTransaction("this is no signed transaction")
    return [raw[:1] if typed else b"", *items]


def _unsigned_items(body: bytes) -> list[object]:
    """The items of an unsigned transaction that its signed form begins with."""
    items = _evm_items(body)
    return items if items[0] else items[:7]  # an old one ends in the chain id and two blanks (EIP-155)


def _unsigned_bitcoin(psbt: bytes) -> bytes:
    """The unsigned transaction in a PSBT of version 0 (BIP-174)."""
    if psbt[:5] != b"psbt\xff" or psbt[5:7] != b"\x01\x00":
        raise InputError("this is no PSBT that begins with its transaction")
    size, start = _compact(psbt, 7)
    return psbt[start : start + size]


def _compact(data: bytes, at: int) -> tuple[int, int]:
    """A compact size and where it ends."""
    if not data[at:]:
        raise InputError("the PSBT is cut off")
    width = {0xFD: 2, 0xFE: 4, 0xFF: 8}.get(data[at], 0)
    if not width:
        return data[at], at + 1
    return int.from_bytes(data[at + 1 : at + 1 + width], "little"), at + 1 + width


def _inputs(transaction: bytes) -> tuple[int, int, int]:
    """How many inputs there are, where they begin and where they end: unsigned ones have 41 bytes each."""
    count, start = _compact(transaction, 4)
    return count, start, start + 41 * count


def outpoints(psbt: bytes) -> list[str]:
    """The coins that a PSBT spends, as ``txid:index``."""
    transaction = _unsigned_bitcoin(psbt)
    count, start, end = _inputs(transaction)
    if end > len(transaction):
        raise InputError("the PSBT is cut off")
    places = (start + 41 * n for n in range(count))
    return [
        f"{transaction[at : at + 32][::-1].hex()}:{int.from_bytes(transaction[at + 32 : at + 36], 'little')}"
        for at in places
    ]


def _outputs(psbt: bytes) -> bytes:
    """The outputs of a PSBT's transaction, as they stand in the signed one too."""
    transaction = _unsigned_bitcoin(psbt)
    return transaction[_inputs(transaction)[2] : -4]
