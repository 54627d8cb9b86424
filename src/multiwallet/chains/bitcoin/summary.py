"""What a PSBT does, read from its bytes: who is paid, what comes back, the fee, and what to be wary of."""

from __future__ import annotations

from typing import Final

from ...amounts import Amount
from ...chain import Network
from ...errors import InvalidTransaction
from ...transactions import Action, Fee, Summary, UnsignedTransaction
from . import psbt_fields as field
from .addresses import address_of
from .ownership import pays_to
from .psbt_fields import Fields
from .rules import FORK_ID, rules_of
from .script import data_of, kind_of
from .sighash import ALL, ANYONECANPAY, sighash_name
from .signable import Examined, InputPlan, examine
from .transaction import FINAL_SEQUENCE, compact_size
from .weights import ZCASH_HEAD, fixed_weight, input_weight, multisig_witness_weight, output_weight, vsize
from .zcash import ZcashTransaction

__all__ = ["check_context", "estimated_vsize", "fee_of", "fee_rate", "summarize"]

_ABSURD_RATE: Final = 1000
_LOCKTIME_THRESHOLD: Final = 500_000_000


def fee_rate(fee: int, size: int) -> str:
    """A fee for so many virtual bytes as exact text with two decimals, in the smallest unit for one.

    >>> fee_rate(1000, 141)
    '7.09'
    """
    hundredths = (fee * 100 + size // 2) // size
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def fee_of(network: Network, found: Examined) -> Fee:
    """What the inputs are worth more than the outputs; in its details the size when signed and the rate."""
    amount = Amount(found.fee, network.native)
    size = estimated_vsize(found)
    details: dict[str, object] = {} if size is None else {"vsize": size, "fee_rate": fee_rate(found.fee, size)}
    return Fee(amount, amount, details)


def estimated_vsize(found: Examined) -> int | None:
    """The virtual size that the transaction has at most once it is signed; None with an input of an unknown kind."""
    total, legacy = 0, 0
    plans, usual = found.plans, input_weight("p2wpkh")
    for index, fields in enumerate(found.psbt.inputs):
        plan = plans.get(index)
        if plan is not None and plan.kind == "p2wpkh":
            total += usual
            continue
        weight, is_legacy = _input_weight(found, index, fields)
        if weight is None:
            return None
        total += weight
        legacy += is_legacy
    outputs = found.psbt.transaction.outputs
    total += sum(output_weight(output.script) for output in outputs)
    total += fixed_weight(len(found.psbt.inputs), len(outputs))
    if isinstance(found.psbt.transaction, ZcashTransaction):
        total += 4 * ZCASH_HEAD
    if legacy == len(found.psbt.inputs):  # no marker, no flag, no empty stacks
        total -= 2 + legacy
    return vsize(total)


def _input_weight(found: Examined, index: int, fields: Fields) -> tuple[int | None, bool]:
    if field.FINAL_WITNESS in fields or field.FINAL_SCRIPTSIG in fields:
        script, witness = fields.get(field.FINAL_SCRIPTSIG, b""), fields.get(field.FINAL_WITNESS, b"\0")
        return 4 * (40 + len(compact_size(len(script))) + len(script)) + len(witness), len(witness) == 1
    plan = found.plans.get(index)
    kind = plan.kind if plan is not None else kind_of(found.spent[index].script)
    if plan is not None and plan.script and kind != "p2tr":
        if kind == "p2sh":
            script_size = 1 + 73 * plan.required + 3 + len(plan.script)
            return 4 * (40 + 3 + script_size) + 1, True
        wrapped = 4 * 35 if kind == "p2sh-p2wsh" else 0
        return 4 * 41 + wrapped + multisig_witness_weight(plan.required, len(plan.script)), False
    if kind == "p2sh":
        kind = "p2sh-p2wpkh"  # the usual one, where the PSBT does not say
    if kind not in ("p2wpkh", "p2tr", "p2sh-p2wpkh", "p2pkh"):
        return None, False
    compressed = plan is None or len(plan.keys[0]) == 33
    return input_weight(kind, compressed=compressed), kind == "p2pkh"


def summarize(transaction: UnsignedTransaction) -> Summary:
    """The summary of a transaction whose body is a PSBT.

    Outputs are called change only where the account that the transaction was made for proved to own them,
    which is proved once more before anything is signed.
    """
    network, found = transaction.network, examine(transaction.body, rules_of(transaction.network).sighash)
    unsigned = found.psbt.transaction
    called_change = transaction.context.get("change", ())
    actions, warnings, memo = [], [], None
    sent = 0
    for index, output in enumerate(unsigned.outputs):
        amount = Amount(output.amount, network.native)
        kind = kind_of(output.script)
        if kind == "op_return":
            data = data_of(output.script)
            if memo is None and data is not None and not output.amount:
                memo = _text(data)
            else:  # a second one, coins that are destroyed, or what is no plain data
                actions.append(_memo_action(output.script, data, amount))
            sent += output.amount
            continue
        address = address_of(network, output.script)
        if index in called_change and _names_its_key(found.psbt.outputs[index], output.script):
            actions.append(Action("change", address, amount))
            continue
        sent += output.amount
        details = {}
        if address is None:
            details = {"script": output.script.hex() or "empty"}
            warnings.append(
                f"output {index} pays {amount} to a script that has no address: anyone might be able to take it"
            )
        actions.append(Action("transfer", address, amount, details))
    size = estimated_vsize(found)
    spenders = _spenders(network, found)
    details = {
        "inputs": f"{len(found.psbt.inputs)}, worth {Amount(sum(o.amount for o in found.spent), network.native)}"
    }
    if len(spenders) > 1:
        details["spends"] = f"coins of {spenders[0]} and {len(spenders) - 1} more"
    if size is not None:
        details["size"] = f"{size} vB"
        details["fee_rate"] = f"{fee_rate(found.fee, size)} sat/vB"
    replaceable = rules_of(network).replacement and any(txin.sequence < FINAL_SEQUENCE - 1 for txin in unsigned.inputs)
    details["replaceable"] = "yes" if replaceable else "no"
    if isinstance(unsigned, ZcashTransaction):
        details["consensus_branch"] = f"{unsigned.branch:08x}"
        details["expiry"] = f"block {unsigned.expiry}" if unsigned.expiry else "none"
    if unsigned.locktime and any(txin.sequence != FINAL_SEQUENCE for txin in unsigned.inputs):
        details["locktime"] = _locktime(unsigned.locktime)
        warnings.append(f"the transaction cannot be included before {_locktime(unsigned.locktime)}")
    warnings += _fee_warnings(network, found.fee, sent, size)
    unproven = sum(1 for plan in found.plans.values() if _is_unproven(plan, found))
    if unproven > 1:
        warnings.append(
            f"the amounts of {unproven} inputs are stated without proof (their previous transactions): if they are "
            "false, the fee is higher than it seems"
        )
    for plan in found.unusual:
        what = (
            "add inputs and so change its id"
            if plan.sighash & ~FORK_ID == ALL | ANYONECANPAY
            else "change the transaction"
        )
        warnings.append(
            f"input {plan.position} asks for a signature of the type {sighash_name(plan.sighash)}: "
            f"others could {what} later"
        )
    return Summary(
        network=network.id,
        sender=spenders[0],
        actions=tuple(actions),
        fee=fee_of(network, found),
        memo=memo,
        details=details,
        warnings=tuple(warnings),
    )


def _is_unproven(plan: InputPlan, found: Examined) -> bool:
    """Whether neither the PSBT nor a signature of another input can show that the amount is false."""
    commits_to_all = plan.kind == "p2tr" or found.sighash == "zip244"
    unproven = field.NON_WITNESS_UTXO not in found.psbt.inputs[plan.position]
    return unproven and (not commits_to_all or plan.sighash >= ANYONECANPAY)


def _spenders(network: Network, found: Examined) -> list[str]:
    """Whose coins the inputs spend, each once and in their order: addresses, or scripts that have none."""
    scripts = dict.fromkeys(output.script for output in found.spent)
    return [address_of(network, script) or f"the script {script.hex() or '(empty)'}" for script in scripts]


def _fee_warnings(network: Network, fee: int, sent: int, size: int | None) -> list[str]:
    warnings = []
    amount = Amount(fee, network.native)
    if sent and fee * 20 > sent:
        percent = fee * 100 // sent
        share = f"{percent} % of" if percent <= 100 else "more than"
        warnings.append(f"the fee {amount} is {share} what is sent, {Amount(sent, network.native)}")
    limit = network.params.get("absurd_fee_rate", _ABSURD_RATE)
    if size is not None and isinstance(limit, int) and fee > limit * size:
        warnings.append(f"the fee {amount} is {fee_rate(fee, size)} sat/vB, which is absurdly high")
    return warnings


def _names_its_key(fields: Fields, script: bytes) -> bool:
    for name in fields:
        if name[0] == field.OUT_BIP32_DERIVATION and pays_to(script, name[1:]):
            return True
        if name[0] == field.OUT_TAP_BIP32_DERIVATION and pays_to(script, b"\x02" + name[1:]):
            return True
    return False


def _memo_action(script: bytes, data: bytes | None, amount: Amount) -> Action:
    details = {"script": script.hex()} if data is None else {"data": data.hex()}
    return Action("memo", None, amount if amount else None, details)


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return f"0x{data.hex()}"
    return text if text.isprintable() else f"0x{data.hex()}"


def _locktime(locktime: int) -> str:
    if locktime < _LOCKTIME_THRESHOLD:
        return f"block {locktime}"
    from datetime import UTC, datetime

    return datetime.fromtimestamp(locktime, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def check_context(transaction: UnsignedTransaction) -> None:
    """Refuse a stored context that this family did not write (InvalidTransaction)."""
    context = transaction.context
    change, allowed = context.get("change", []), context.get("allow_sighash", [])
    outputs = len(examine(transaction.body, rules_of(transaction.network).sighash).psbt.outputs)
    if (
        set(context) - {"change", "allow_sighash"}
        or not isinstance(change, list)
        or not all(type(item) is int and 0 <= item < outputs for item in change)
        or not isinstance(allowed, list)
        or not all(isinstance(item, str) for item in allowed)
    ):
        raise InvalidTransaction("the transaction file's context is not one of a Bitcoin transaction")
