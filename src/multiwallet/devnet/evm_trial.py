"""eth_call and eth_estimateGas: messages that are run and undone, with geth's answers and refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from ..codec import abi, eip55
from ..errors import InputError
from .evm_machine import GAS_LIMIT, Call, Machine, Run, floor_gas, intrinsic_gas
from .evm_pool import refuse
from .evm_view import data

__all__ = ["call", "estimate"]

_REVERTED: Final = 3
_WORDS: Final = {
    "OutOfGas": "out of gas",
    "InsufficientStack": "stack underflow",
    "FullStack": "stack limit reached 1024",
    "InvalidJumpDestination": "invalid jump destination",
    "InvalidInstruction": "invalid opcode",
    "WriteProtection": "write protection",
    "OutOfBoundsRead": "return data out of bounds",
    "ContractCreationCollision": "contract address collision",
    "StackDepthLimit": "max call depth exceeded",
}
_PANIC: Final = abi.selector("Panic(uint256)")
_ERROR: Final = abi.selector("Error(string)")


def _check_funds(state: Any, message: Call, cap: int, base_fee: int) -> None:
    who = eip55.checksum(message.sender)
    if cap and cap < base_fee:
        raise refuse(
            f"max fee per gas less than block base fee: address {who}, maxFeePerGas: {cap}, baseFee: {base_fee}"
        )
    have, want = state.get_balance(message.sender), message.gas * cap + message.value
    if have < want:
        raise refuse(f"insufficient funds for gas * price + value: address {who} have {have} want {want}")


def _fail(run: Run) -> None:
    """Raise the refusal of a run that failed."""
    if run.reverted:
        reason = _reason(run.output)
        raise refuse(f"execution reverted{': ' + reason if reason else ''}", _REVERTED, data(run.output))
    raise refuse(_WORDS.get(run.error, run.error))


def _reason(output: bytes) -> str:
    try:
        if output[:4] == _ERROR:
            return str(abi.decode(("string",), output[4:], strict=False)[0])
        if output[:4] == _PANIC:
            code = int(abi.decode(("uint256",), output[4:], strict=False)[0])
            words = {
                0x01: "assert(false)",
                0x11: "arithmetic underflow or overflow",
                0x12: "division or modulo by zero",
            }
            return words.get(code, f"unknown panic code: {code:#x}")
    except InputError:
        pass
    return ""


def _started(message: Call) -> None:
    """Refuse a message whose gas does not even cover its start."""
    needed = max(intrinsic_gas(message.data, message.to is None, message.access_list), floor_gas(message.data))
    if message.gas < needed:
        raise refuse(f"err: intrinsic gas too low: have {message.gas}, want {needed} (supplied gas {message.gas})")


def call(machine: Machine, state: Any, message: Call, cap: int, base_fee: int) -> bytes:
    """What the message returns on that state. Raises Rejected: code 3 and the data where the contract reverts."""
    _started(message)
    _check_funds(state, message, cap, base_fee)
    run = machine.run(state, message)
    if not run.succeeded:
        _fail(run)
    return run.output


def estimate(machine: Machine, state: Any, message: Call, cap: int, base_fee: int, gas: int | None) -> int:
    """The gas limit with which the message succeeds, within 1.5 percent. Raises Rejected where none does."""
    high = GAS_LIMIT if gas is None or gas < 21_000 else min(gas, GAS_LIMIT)
    if cap:
        balance = state.get_balance(message.sender)
        if message.value >= balance:
            raise refuse("insufficient funds for transfer")
        high = min(high, (balance - message.value) // cap)
    _check_funds(state, replace(message, gas=0), cap, base_fee)
    least = max(intrinsic_gas(message.data, message.to is None, message.access_list), floor_gas(message.data))
    if high < least:
        raise refuse(f"gas required exceeds allowance ({high})")

    def attempt(limit: int) -> Run | None:
        return machine.run(state, replace(message, gas=limit)) if limit >= least else None

    first = attempt(high)
    assert first is not None
    if not first.succeeded:
        if first.error == "OutOfGas":
            raise refuse(f"gas required exceeds allowance ({high})")
        _fail(first)
    low = max(first.gas_used, least) - 1
    # What is refunded at the end, and held back from inner calls (EIP-150), must be there to start with.
    hopeful = max((first.gas_before_refund + 2300) * 64 // 63, least)
    if message.to is not None and not message.data and not state.get_code(message.to):
        hopeful = least
    if hopeful < high:
        run = attempt(hopeful)
        low, high = (low, hopeful) if run and run.succeeded else (hopeful, high)
    while low + 1 < high and (high - low) * 1000 >= high * 15:
        middle = min((low + high) // 2, low * 2)
        run = attempt(middle)
        low, high = (low, middle) if run and run.succeeded else (middle, high)
    return high
