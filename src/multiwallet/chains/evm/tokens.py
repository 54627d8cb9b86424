"""ERC-20 and its neighbours: the calls that move or release tokens, and the answers of token contracts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...codec import abi
from ...errors import InputError

__all__ = [
    "BALANCE_OF",
    "DECIMALS",
    "SYMBOL",
    "TokenCall",
    "balance_call",
    "decode_call",
    "decode_symbol",
    "decode_uint",
    "revert_reason",
    "transfer_call",
]

SYMBOL: Final = bytes.fromhex("95d89b41")  # symbol()
DECIMALS: Final = bytes.fromhex("313ce567")  # decimals()
BALANCE_OF: Final = bytes.fromhex("70a08231")  # balanceOf(address)
TRANSFER: Final = bytes.fromhex("a9059cbb")  # transfer(address,uint256)

_KNOWN: Final = {
    TRANSFER: "transfer(address,uint256)",
    bytes.fromhex("23b872dd"): "transferFrom(address,address,uint256)",
    bytes.fromhex("095ea7b3"): "approve(address,uint256)",
    bytes.fromhex("39509351"): "increaseAllowance(address,uint256)",
    bytes.fromhex("a457c2d7"): "decreaseAllowance(address,uint256)",
    bytes.fromhex("a22cb465"): "setApprovalForAll(address,bool)",
    bytes.fromhex("42842e0e"): "safeTransferFrom(address,address,uint256)",
    bytes.fromhex("b88d4fde"): "safeTransferFrom(address,address,uint256,bytes)",
    bytes.fromhex("f242432a"): "safeTransferFrom(address,address,uint256,uint256,bytes)",
    bytes.fromhex("d505accf"): "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
    bytes.fromhex("87517c45"): "approve(address,address,uint160,uint48)",
}
_MAX_SYMBOL: Final = 32


@dataclass(frozen=True, slots=True)
class TokenCall:
    """A call of a token contract that was fully understood: its signature and its arguments, addresses as EIP-55."""

    signature: str
    arguments: tuple[object, ...]

    @property
    def name(self) -> str:
        """The function's name, without its arguments."""
        return self.signature.split("(", 1)[0]


def decode_call(data: bytes) -> TokenCall | None:
    """The token call that ``data`` is, or None. Only the one canonical encoding counts as understood.

    >>> decode_call(transfer_call(bytes(20), 7))
    TokenCall(signature='transfer(address,uint256)', arguments=('0x0000000000000000000000000000000000000000', 7))
    """
    signature = _KNOWN.get(data[:4])
    if signature is None:
        return None
    try:
        return TokenCall(signature, abi.decode_call(signature, data))
    except InputError:
        return None


def transfer_call(to: bytes, units: int) -> bytes:
    """The 68 bytes of ``transfer(address,uint256)`` to a 20-byte address."""
    return TRANSFER + bytes(12) + to + units.to_bytes(32, "big")


def decode_uint(answer: bytes) -> int | None:
    """The number that a contract returned; None where it returned less than a word."""
    return int.from_bytes(answer[:32], "big") if len(answer) >= 32 else None


def decode_symbol(answer: bytes) -> str | None:
    """A token's symbol from ``string`` or, as some early tokens have it, ``bytes32``; None where it is neither.

    What could deceive the eye on a terminal (control and layout characters) is dropped, and the length is bounded.

    >>> decode_symbol(b"MKR".ljust(32, b"\\x00"))
    'MKR'
    """
    text: str
    try:
        if len(answer) == 32:
            text = answer.rstrip(b"\x00").decode()
        else:
            (text,) = abi.decode(["string"], answer, strict=False)
    except (InputError, UnicodeDecodeError):
        return None
    shown = "".join(character for character in text[: 4 * _MAX_SYMBOL] if character.isprintable()).strip()
    return shown[:_MAX_SYMBOL] or None


def balance_call(owner: bytes) -> bytes:
    """The 36 bytes of ``balanceOf(address)``."""
    return BALANCE_OF + bytes(12) + owner


def revert_reason(data: object) -> str | None:
    """What a contract gave as its reason: ``Error(string)``, ``Panic(uint256)``, or the selector of its own error.

    ``data`` is the hex text (or an object that holds it) that nodes put beside the error. None where there is none.
    """
    if isinstance(data, dict):
        data = data.get("data") or data.get("result")
    if not isinstance(data, str):
        return None
    text = data[data.rfind("0x") :] if "0x" in data else data
    try:
        raw = bytes.fromhex(text[2:] if text.startswith("0x") else text)
    except ValueError:
        return None
    if len(raw) < 4:
        return None
    try:
        if raw[:4] == bytes.fromhex("08c379a0"):
            (reason,) = abi.decode(["string"], raw[4:], strict=False)
            return "".join(c for c in str(reason)[:300] if c.isprintable()) or None
        if raw[:4] == bytes.fromhex("4e487b71"):
            (code,) = abi.decode(["uint256"], raw[4:], strict=False)
            return f"Panic({int(code):#04x}): {_PANICS.get(code, 'an internal check of the contract failed')}"
    except InputError:
        return None
    return f"the contract's own error with selector 0x{raw[:4].hex()}"


_PANICS: Final = {
    0x01: "an assertion failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division by zero",
    0x21: "a number that is no value of its enum",
    0x31: "pop from an empty array",
    0x32: "array index out of bounds",
    0x41: "too much memory",
    0x51: "call of an uninitialised function",
}
