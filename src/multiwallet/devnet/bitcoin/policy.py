"""What a node checks of a transaction by itself: the consensus rules that need no chain, and standardness.

The words are Bitcoin Core's. Relay of data is as most of the network has long set it: one OP_RETURN output of
at most 83 bytes.
"""

from __future__ import annotations

from typing import Final

from ...chains.bitcoin.script import multisig_of, pushes_of
from ...chains.bitcoin.transaction import FINAL_SEQUENCE, Transaction, TxOut
from ...chains.bitcoin.weights import dust_limit
from ...errors import Rejected
from .blocks import is_coinbase
from .script_text import script_kind

__all__ = [
    "MAX_MONEY",
    "check_standard_spend",
    "check_structure",
    "has_signature",
    "is_final",
    "refuse_standard",
    "reject",
    "script_failure",
    "where",
]

MAX_MONEY: Final = 21_000_000 * 100_000_000
_MAX_STANDARD_WEIGHT: Final = 400_000
_MAX_SCRIPT_SIG: Final = 1650
_MAX_DATA_SCRIPT: Final = 83
_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_SCRIPT_FAILED: Final = "mempool-script-verify-flag-failed"


def reject(reason: str, details: str = "", *, code: int = -26) -> Rejected:
    """A refusal as ``sendrawtransaction`` words it: the reason and, after a comma, the details."""
    return Rejected(f"{reason}, {details}" if details else reason, node_code=code)


def check_structure(transaction: Transaction) -> None:
    """The consensus rules that a transaction keeps or breaks by itself; Rejected where it breaks one."""
    if not transaction.inputs:
        raise reject("bad-txns-vin-empty")
    if not transaction.outputs:
        raise reject("bad-txns-vout-empty")
    if 4 * len(transaction.serialize(witness=False)) > 4_000_000:
        raise reject("bad-txns-oversize")
    total = 0
    for output in transaction.outputs:
        if output.amount >= 2**63:
            raise reject("bad-txns-vout-negative")
        if output.amount > MAX_MONEY:
            raise reject("bad-txns-vout-toolarge")
        total += output.amount
        if total > MAX_MONEY:
            raise reject("bad-txns-txouttotal-toolarge")
    if len({txin.prevout for txin in transaction.inputs}) != len(transaction.inputs):
        raise reject("bad-txns-inputs-duplicate")
    if is_coinbase(transaction):
        raise reject("coinbase")
    if any(txin.prevout == bytes(32) + b"\xff" * 4 for txin in transaction.inputs):
        raise reject("bad-txns-prevout-null")


def refuse_standard(transaction: Transaction, dust_rate: int) -> list[int]:
    """Refuse what nodes do not relay; return the indexes of outputs below the dust limit."""
    if not 1 <= transaction.version <= 3:
        raise reject("version")
    if transaction.weight > _MAX_STANDARD_WEIGHT:
        raise reject("tx-size")
    for txin in transaction.inputs:
        if len(txin.script_sig) > _MAX_SCRIPT_SIG:
            raise reject("scriptsig-size")
        if not _is_push_only(txin.script_sig):
            raise reject("scriptsig-not-pushonly")
    data_outputs, dust = 0, []
    for index, output in enumerate(transaction.outputs):
        kind = script_kind(output.script)
        if kind in ("unknown", "empty"):
            raise reject("scriptpubkey")
        if kind == "multisig":
            found = multisig_of(output.script)
            if found is None or len(found[1]) > 3:
                raise reject("scriptpubkey")
        if kind == "op_return":
            data_outputs += 1
            if len(output.script) > _MAX_DATA_SCRIPT:
                raise reject("datacarrier")
        elif output.amount < dust_limit(output.script, dust_rate):
            dust.append(index)
    if len(dust) > 1:
        raise reject("dust")
    if data_outputs > 1:
        raise reject("multi-op-return")
    if len(transaction.serialize(witness=False)) < 65:
        raise reject("tx-size-small")
    return dust


def _is_push_only(script: bytes) -> bool:
    if pushes_of(script) is not None:
        return True
    position = 0
    while position < len(script):  # the small numbers count as pushes as well
        code = script[position]
        if code > 0x60:
            return False
        position += 1
        if code < 0x4C:
            position += code
        elif code <= 0x4E:
            width = 1 << (code - 0x4C)
            position += width + int.from_bytes(script[position : position + width], "little")
    return position == len(script)


def is_final(transaction: Transaction, height: int, median_time: int) -> bool:
    """Whether the locktime lets the transaction into a block of that height upon blocks of that median time."""
    locktime = transaction.locktime
    if not locktime or locktime < (height if locktime < 500_000_000 else median_time):
        return True
    return all(txin.sequence == FINAL_SEQUENCE for txin in transaction.inputs)


def _stack_of(transaction: Transaction, index: int, spent: TxOut) -> list[bytes] | None:
    """The stack of a spend by signatures alone (one key, or multisig in a witness); None for any other spend."""
    kind = script_kind(spent.script)
    txin = transaction.inputs[index]
    if kind == "p2pkh":
        return pushes_of(txin.script_sig) or []
    if kind == "p2wpkh" or (kind == "p2sh" and len(txin.script_sig) == 23 and txin.script_sig[:3] == b"\x16\0\x14"):
        return list(txin.witness)
    if kind == "p2wsh" and txin.witness and multisig_of(txin.witness[-1]) is not None:
        return list(txin.witness[:-1])
    return None


def has_signature(transaction: Transaction, index: int, spent: TxOut) -> bool:
    """Whether a spend by signatures alone holds any that is not empty."""
    stack = _stack_of(transaction, index, spent)
    if not stack:
        return False
    return any(stack) if script_kind(spent.script) == "p2wsh" else bool(stack[0])


def check_standard_spend(transaction: Transaction, index: int, spent: TxOut) -> None:
    """What policy asks of a spend beyond consensus: a known script, low S, a known sighash type, compressed keys.

    The latter three are checked where one key signs (p2pkh, p2wpkh, and that inside p2sh).
    """
    kind = script_kind(spent.script)
    txin = transaction.inputs[index]
    if kind in ("unknown", "empty"):
        raise reject("bad-txns-nonstandard-inputs", f"input {index} script unknown")
    stack = _stack_of(transaction, index, spent)
    if stack is None or kind == "p2wsh":
        return
    if kind == "p2pkh":
        if len(stack) > 2:
            raise _script_failed("Stack size must be exactly one after execution", transaction, index)
        if stack and not _shortest_push(txin.script_sig, stack):
            raise _script_failed("Data push larger than necessary", transaction, index)
    if len(stack) != 2 or not stack[0]:
        return  # the scripts themselves will say so
    signature, key = stack
    if signature[-1] & 0x7F not in (1, 2, 3):
        raise _script_failed("Signature hash type missing or not understood", transaction, index)
    if _high_s(signature[:-1]):
        raise _script_failed("Non-canonical signature: S value is unnecessarily high", transaction, index)
    if kind != "p2pkh" and len(key) != 33:
        raise _script_failed("Using non-compressed keys in segwit", transaction, index)


def _shortest_push(script: bytes, stack: list[bytes]) -> bool:
    expected = b"".join(
        bytes((len(item),)) + item if len(item) < 0x4C else bytes((0x4C, len(item))) + item
        for item in stack
        if len(item) < 0x100
    )
    return script == expected


def _high_s(der: bytes) -> bool:
    """Whether a DER signature has the larger of its two S values; False for what is no DER signature."""
    if len(der) < 8 or der[0] != 0x30 or der[2] != 2:
        return False
    start = 4 + der[3]
    if len(der) < start + 2 or der[start] != 2:
        return False
    return int.from_bytes(der[start + 2 : start + 2 + der[start + 1]], "big") > _HALF_ORDER


def _script_failed(reason: str, transaction: Transaction, index: int) -> Rejected:
    return script_failure(reason, where(transaction, index))


def script_failure(reason: str, details: str) -> Rejected:
    """A refusal because of a script, with Core's words for what went wrong."""
    return reject(f"{_SCRIPT_FAILED} ({reason})", details)


def where(transaction: Transaction, index: int) -> str:
    """Which input it is, as Core adds it to a refusal."""
    outpoint = transaction.inputs[index].outpoint
    return f"input {index} of {transaction.txid} (wtxid {transaction.wtxid}), spending {outpoint}"
