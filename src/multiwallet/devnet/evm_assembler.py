"""A small assembler for the Ethereum Virtual Machine, so that the devnet's contracts need no compiler.

A program is text: mnemonics, numbers (decimal or ``0x``) that are pushed in as few bytes as hold them, ``@name``
that pushes a label's position (always PUSH2), ``name:`` that places a JUMPDEST, and ``#`` comments to the end of
the line. Named data is appended behind the code, where CODECOPY finds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..errors import InputError

__all__ = ["assemble"]

_OPCODES: Final[dict[str, int]] = {
    "STOP": 0x00, "ADD": 0x01, "MUL": 0x02, "SUB": 0x03, "DIV": 0x04, "MOD": 0x06,
    "LT": 0x10, "GT": 0x11, "EQ": 0x14, "ISZERO": 0x15, "AND": 0x16, "OR": 0x17, "NOT": 0x19, "SHL": 0x1B, "SHR": 0x1C,
    "KECCAK256": 0x20, "ADDRESS": 0x30, "BALANCE": 0x31, "ORIGIN": 0x32, "CALLER": 0x33, "CALLVALUE": 0x34,
    "CALLDATALOAD": 0x35, "CALLDATASIZE": 0x36, "CODESIZE": 0x38, "CODECOPY": 0x39, "GASPRICE": 0x3A,
    "TIMESTAMP": 0x42, "NUMBER": 0x43, "CHAINID": 0x46, "SELFBALANCE": 0x47, "BASEFEE": 0x48,
    "POP": 0x50, "MLOAD": 0x51, "MSTORE": 0x52, "SLOAD": 0x54, "SSTORE": 0x55, "JUMP": 0x56, "JUMPI": 0x57, "GAS": 0x5A,
    "JUMPDEST": 0x5B, "CREATE": 0xF0, "CALL": 0xF1, "RETURN": 0xF3, "DELEGATECALL": 0xF4, "STATICCALL": 0xFA,
    "REVERT": 0xFD, "INVALID": 0xFE,
    **{f"DUP{n}": 0x7F + n for n in range(1, 17)},
    **{f"SWAP{n}": 0x8F + n for n in range(1, 17)},
    **{f"LOG{n}": 0xA0 + n for n in range(5)},
}  # fmt: skip


def assemble(program: str, data: Mapping[str, bytes] | None = None) -> bytes:
    """The bytecode of a program and its appended data.

    Raises :class:`~multiwallet.errors.InputError` for an unknown word, a label that is placed twice or never, a
    number above 256 bits, and code too long for 2-byte labels.

    >>> assemble("1 2 ADD 0 MSTORE 0x20 0 RETURN").hex()
    '60016002015f5260205ff3'
    """
    words = [word for line in program.splitlines() for word in line.split("#", 1)[0].split()]
    positions: dict[str, int] = {}
    code = bytearray()
    holes: list[tuple[int, str]] = []
    for word in words:
        if word.endswith(":"):
            _place(positions, word[:-1], len(code))
            code.append(_OPCODES["JUMPDEST"])
        elif word.startswith("@"):
            holes.append((len(code) + 1, word[1:]))
            code += b"\x61\x00\x00"
        elif word in _OPCODES:
            code.append(_OPCODES[word])
        else:
            code += _push(word)
    for name, blob in (data or {}).items():
        _place(positions, name, len(code))
        code += blob
    if len(code) > 0xFFFF:
        raise InputError(f"the program has {len(code)} bytes, and labels reach 65535")
    for position, name in holes:
        if name not in positions:
            raise InputError(f"the label {name!r} is used and never placed")
        code[position : position + 2] = positions[name].to_bytes(2, "big")
    return bytes(code)


def _place(positions: dict[str, int], name: str, position: int) -> None:
    if name in positions:
        raise InputError(f"the label {name!r} is placed twice")
    positions[name] = position


def _push(word: str) -> bytes:
    try:
        value = int(word, 0)
    except ValueError:
        raise InputError(f"{word!r} is neither an opcode nor a number") from None
    if not 0 <= value < 1 << 256:
        raise InputError(f"{word[:80]!r} does not fit a word of the machine")
    length = (value.bit_length() + 7) // 8
    return bytes([0x5F + length]) + value.to_bytes(length, "big")
