"""What a node means when it refuses: its error objects as sentences."""

from __future__ import annotations

import json
from typing import Any, Final

from ...codec import base58
from . import programs
from .message import Message

__all__ = ["Failure", "explain"]

_PLAIN: Final = {
    "AccountNotFound": "the fee payer holds nothing",
    "InsufficientFundsForFee": "the fee payer does not hold the fee",
    "BlockhashNotFound": "the node does not know the block hash: it has expired, or the node lags behind",
    "AlreadyProcessed": "the transaction was processed before",
    "AccountInUse": "an account is in use by another transaction: try again",
    "SignatureFailure": "a signature is missing or wrong",
    "InvalidRentPayingAccount": "an account would be left with less than the rent-exempt minimum",
    "WouldExceedMaxBlockCostLimit": "the block is full: try again",
    "AddressLookupTableNotFound": "a lookup table does not exist",
}
_SYSTEM: Final = {
    0: "the account exists already",
    1: "the account holds too few lamports",
    6: "there is no recent block hash",
    7: "the nonce cannot move on yet",
    8: "the nonce is not the one that the account stores",
}
_TOKEN: Final = {
    0: "the account holds less than the rent-exempt minimum",
    1: "the token account holds too few tokens",
    2: "the mint is not valid",
    3: "the account is of another mint",
    4: "the token account belongs to somebody else",
    9: "the token account does not exist",
    16: "the mint cannot freeze",
    17: "the token account is frozen",
    18: "the mint has other decimals",
    36: "the recipient asks for a memo before each transfer",
    37: "the token cannot be transferred",
}
_SHORT_OF_FUNDS: Final = frozenset({"AccountNotFound", "InsufficientFundsForFee"})


class Failure:
    """A refusal: a sentence, the error's own name where it has one, and whether funds are what was missing."""

    __slots__ = ("insufficient", "name", "text")

    def __init__(self, text: str, name: str = "", *, insufficient: bool = False) -> None:
        self.text = text
        self.name = name
        self.insufficient = insufficient


def explain(error: Any, logs: Any = None, message: Message | None = None) -> Failure:
    """Put a transaction error of a node into words. ``message`` tells which program an instruction calls.

    >>> explain({"InstructionError": [0, {"Custom": 1}]}).text
    'instruction 1 failed: custom error 1'
    >>> explain("AlreadyProcessed").name
    'AlreadyProcessed'
    """
    failure = _explain(error, message)
    last = _last_words(logs)
    if last:
        failure.text += f" ({last})"
    return failure


def _explain(error: Any, message: Message | None) -> Failure:
    if isinstance(error, str):
        name = _printable(error[:100]) or "an error without a name"
        return Failure(_PLAIN.get(name, name), name, insufficient=name in _SHORT_OF_FUNDS)
    if isinstance(error, dict) and len(error) == 1:
        ((name, content),) = error.items()
        if name == "InstructionError" and isinstance(content, list) and len(content) == 2:
            return _instruction(content[0], content[1], message)
        if name == "InsufficientFundsForRent":
            text = "an account would be left with less than the rent-exempt minimum"
            return Failure(text, name, insufficient=True)
        shown = _printable(str(name)[:60])
        return Failure(f"{shown}: {_plain(content)}", shown)
    return Failure(_plain(error))


def _instruction(index: Any, content: Any, message: Message | None) -> Failure:
    shown = index + 1 if isinstance(index, int) and not isinstance(index, bool) else "?"
    program = None
    if message is not None and isinstance(index, int) and 0 <= index < len(message.instructions):
        program = message.keys[message.instructions[index].program]
    where = f"instruction {shown} failed" + ("" if program is None else f" in {_name(program)}")
    custom = content.get("Custom") if isinstance(content, dict) else None
    if isinstance(custom, int) and not isinstance(custom, bool):
        tokens = program in (programs.TOKEN, programs.TOKEN_2022)
        system = program in (programs.SYSTEM, programs.ASSOCIATED_TOKEN)
        known = (_TOKEN if tokens else _SYSTEM if system else {}).get(custom)
        text = f"{where}: {known or f'custom error {custom}'}"
        return Failure(text, "InstructionError", insufficient=custom == 1 and (tokens or system))
    name = content if isinstance(content, str) else _plain(content)
    return Failure(f"{where}: {_printable(name[:100])}", "InstructionError", insufficient=name == "InsufficientFunds")


def _name(program: bytes) -> str:
    names = {
        programs.SYSTEM: "the System program",
        programs.TOKEN: "the Token program",
        programs.TOKEN_2022: "the Token-2022 program",
        programs.ASSOCIATED_TOKEN: "the Associated Token program",
        programs.COMPUTE_BUDGET: "the Compute Budget program",
        programs.MEMO: "the Memo program",
    }
    return names.get(program) or f"the program {base58.encode(program)}"


def _last_words(logs: Any) -> str:
    """The last line that a program itself logged."""
    if not isinstance(logs, list):
        return ""
    marks = ("Program log: ", "Transfer: ", "Error: ")
    said = [line for line in logs if isinstance(line, str) and line.startswith(marks)]
    if not said:
        return ""
    return _printable(said[-1].removeprefix("Program log: ")[:160])


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _plain(content: Any) -> str:
    try:
        return json.dumps(content)[:160]
    except (TypeError, ValueError, RecursionError):
        return "an error that cannot be shown"
