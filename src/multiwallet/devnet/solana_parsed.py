"""The calls of well-known programs as a Solana node writes them with ``jsonParsed``; others as it writes unknown ones."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from ..codec import base58

__all__ = ["parse_call", "token_amount"]

_SYSTEM: Final = "1" * 32
_TOKENS: Final = {
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA": "spl-token",
    "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb": "spl-token-2022",
}
_ASSOCIATED: Final = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
_MEMOS: Final = ("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo")
_CREATE_PARTS: Final = ("source", "account", "wallet", "mint", "systemProgram", "tokenProgram")


def token_amount(units: int, decimals: int) -> dict[str, Any]:
    """An amount of tokens in all the ways in which a node writes it.

    >>> token_amount(1500, 3)["uiAmountString"]
    '1.5'
    """
    whole, part = divmod(units, 10**decimals)
    fraction = f"{part:0{decimals}d}".rstrip("0") if decimals else ""
    text = f"{whole}.{fraction}" if fraction else str(whole)
    return {"amount": str(units), "decimals": decimals, "uiAmount": Decimal(text), "uiAmountString": text}


def parse_call(program: str, accounts: Sequence[str], data: bytes) -> dict[str, Any]:
    """One instruction: ``program`` and ``accounts`` are addresses.

    >>> call = parse_call("1" * 32, ["payer", "payee"], bytes([2, 0, 0, 0]) + (5).to_bytes(8, "little"))
    >>> call["parsed"]["info"]["lamports"]
    5
    """
    name, parsed = "", None
    if program == _SYSTEM:
        name, parsed = "system", _system(accounts, data)
    elif program in _TOKENS:
        name, parsed = _TOKENS[program], _token(accounts, data)
    elif program == _ASSOCIATED:
        name, parsed = "spl-associated-token-account", _associated(accounts, data)
    elif program in _MEMOS:
        name, parsed = "spl-memo", _memo(data)
    if parsed is None:
        return {"programId": program, "accounts": list(accounts), "data": base58.encode(data)}
    return {"program": name, "programId": program, "parsed": parsed}


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _system(accounts: Sequence[str], data: bytes) -> Any:
    if data[:4] == b"\2\0\0\0" and len(data) == 12 and len(accounts) >= 2:
        info = {"source": accounts[0], "destination": accounts[1], "lamports": _number(data[4:])}
        return {"type": "transfer", "info": info}
    if data[:4] == bytes(4) and len(data) == 52 and len(accounts) >= 2:
        created = {
            "source": accounts[0],
            "newAccount": accounts[1],
            "lamports": _number(data[4:12]),
            "space": _number(data[12:20]),
            "owner": base58.encode(data[20:]),
        }
        return {"type": "createAccount", "info": created}
    return None


def _token(accounts: Sequence[str], data: bytes) -> Any:
    kind = data[:1]
    if kind == b"\3" and len(data) == 9 and len(accounts) == 3:
        info = {"source": accounts[0], "destination": accounts[1], "amount": str(_number(data[1:]))}
        return {"type": "transfer", "info": {**info, "authority": accounts[2]}}
    if kind == b"\x0c" and len(data) == 10 and len(accounts) == 4:
        amount = token_amount(_number(data[1:9]), data[9])
        checked = {"source": accounts[0], "mint": accounts[1], "destination": accounts[2], "authority": accounts[3]}
        return {"type": "transferChecked", "info": {**checked, "tokenAmount": amount}}
    if kind == b"\7" and len(data) == 9 and len(accounts) == 3:
        minted = {"mint": accounts[0], "account": accounts[1], "amount": str(_number(data[1:]))}
        return {"type": "mintTo", "info": {**minted, "mintAuthority": accounts[2]}}
    return None


def _associated(accounts: Sequence[str], data: bytes) -> Any:
    if data not in (b"", b"\0", b"\1") or len(accounts) < len(_CREATE_PARTS):
        return None
    kind = "createIdempotent" if data == b"\1" else "create"
    return {"type": kind, "info": dict(zip(_CREATE_PARTS, accounts, strict=False))}


def _memo(data: bytes) -> Any:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
