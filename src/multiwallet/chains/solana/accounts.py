"""Reading a node's answers: accounts, mints and token accounts, block hashes, fees. All of it is checked.

A node that answers something else (null, HTML, another shape) is a :class:`~multiwallet.errors.BadResponse` that
names the method.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ...codec import base64_text
from ...errors import BadResponse, InputError
from . import address, programs

__all__ = [
    "AccountInfo",
    "Mint",
    "TokenAccount",
    "bad",
    "read_account",
    "read_blockhash",
    "read_count",
    "read_mint",
    "read_owned_accounts",
    "read_priority_fees",
    "read_symbol",
    "read_token_account",
    "value",
]

_U64: Final = 2**64


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """An account as the node reports it. ``owner`` is the program that governs it."""

    lamports: int
    owner: bytes
    data: bytes
    executable: bool


@dataclass(frozen=True, slots=True)
class Mint:
    """A token: the program that runs it, its decimals, and its Token-2022 extensions by number."""

    program: bytes
    decimals: int
    extensions: dict[int, bytes] = field(default_factory=dict)

    @property
    def account_extension_size(self) -> int:
        """Bytes that an associated token account of this mint has beyond the 165 of every token account."""
        if self.program == programs.TOKEN:
            return 0
        # Token-2022: one byte for the type of account, and ImmutableOwner, which the associated program always sets.
        # Of the mint's own extensions: transfer fee, non-transferable, transfer hook, pausable.
        needed = {1: 4 + 8, 9: 4, 14: 4 + 1, 26: 4}
        return 1 + 4 + sum(size for kind, size in needed.items() if kind in self.extensions)

    @property
    def transfer_fee(self) -> tuple[int, int] | None:
        """The fee withheld from transfers as (basis points, most units), the higher of both epochs; None without."""
        config = self.extensions.get(1)
        if config is None or len(config) < 108:
            return None
        older, newer = config[72:90], config[90:108]
        points = max(int.from_bytes(entry[16:18], "little") for entry in (older, newer))
        most = max(int.from_bytes(entry[8:16], "little") for entry in (older, newer))
        return (points, most) if points else None

    @property
    def is_scaled(self) -> bool:
        """Whether wallets show amounts with interest or times a factor: InterestBearingConfig, ScaledUiAmount."""
        return 10 in self.extensions or 25 in self.extensions

    @property
    def has_transfer_hook(self) -> bool:
        """Whether a program of the issuer runs on each transfer, which then needs further accounts."""
        hook = self.extensions.get(14)
        return hook is not None and any(hook[32:64])


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """An account of tokens: of which mint, whose, how many units, and whether it is frozen."""

    mint: bytes
    owner: bytes
    units: int
    frozen: bool


def bad(method: str, what: str = "something else than it should") -> BadResponse:
    """The error for an answer of the wrong shape."""
    return BadResponse(f"{method}: the node answered {what}; is this a Solana JSON-RPC endpoint?")


def value(method: str, answer: Any) -> Any:
    """The ``value`` of an answer with a context."""
    if not isinstance(answer, dict) or "value" not in answer:
        raise bad(method, "without a value")
    return answer["value"]


def read_count(method: str, number: Any) -> int:
    """A whole number below 2^64."""
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < _U64:
        raise bad(method, "no whole number")
    return number


def read_blockhash(answer: Any) -> tuple[bytes, int]:
    """The block hash and the last block height at which it serves, of ``getLatestBlockhash``."""
    method = "getLatestBlockhash"
    content = value(method, answer)
    if not isinstance(content, dict):
        raise bad(method)
    try:
        blockhash = address.parse(content.get("blockhash"))
    except InputError:
        raise bad(method, "no block hash") from None
    return blockhash, read_count(method, content.get("lastValidBlockHeight"))


def read_account(answer: Any, method: str = "getAccountInfo") -> AccountInfo | None:
    """An account, asked for in base64; None where it does not exist."""
    content = value(method, answer)
    return None if content is None else _account(method, content)


def _account(method: str, content: Any) -> AccountInfo:
    if not isinstance(content, dict):
        raise bad(method)
    data = content.get("data")
    if not isinstance(data, list) or len(data) != 2 or data[1] != "base64" or not isinstance(data[0], str):
        raise bad(method, "an account whose data is not in base64")
    try:
        owner, raw = address.parse(content.get("owner")), base64_text.decode(data[0])
    except InputError:
        raise bad(method, "an account that cannot be read") from None
    return AccountInfo(read_count(method, content.get("lamports")), owner, raw, content.get("executable") is True)


def read_mint(info: AccountInfo | None) -> Mint | None:
    """The mint in an account; None where the account is none."""
    if info is None or info.owner not in (programs.TOKEN, programs.TOKEN_2022):
        return None
    data = info.data
    if info.owner == programs.TOKEN:
        if len(data) != 82:
            return None
    elif len(data) != 82 and (len(data) < 166 or data[165] != 1):
        return None
    if data[45] != 1:  # not initialised
        return None
    return Mint(info.owner, data[44], _extensions(data))


def _extensions(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    start = 166
    while start + 4 <= len(data):
        kind, length = (int.from_bytes(data[at : at + 2], "little") for at in (start, start + 2))
        if not kind or start + 4 + length > len(data):
            break
        found.setdefault(kind, data[start + 4 : start + 4 + length])
        start += 4 + length
    return found


def read_token_account(info: AccountInfo | None) -> TokenAccount | None:
    """The token account in an account; None where the account is none."""
    if info is None or info.owner not in (programs.TOKEN, programs.TOKEN_2022):
        return None
    data = info.data
    if len(data) != 165 and (info.owner == programs.TOKEN or len(data) < 166 or data[165] != 2):
        return None
    if data[108] not in (1, 2):
        return None
    return TokenAccount(data[:32], data[32:64], int.from_bytes(data[64:72], "little"), data[108] == 2)


def read_owned_accounts(answer: Any) -> list[tuple[bytes, bytes, TokenAccount]]:
    """Address, token program and content of each account that ``getTokenAccountsByOwner`` lists."""
    method = "getTokenAccountsByOwner"
    content = value(method, answer)
    if not isinstance(content, list):
        raise bad(method)
    accounts = []
    for entry in content:
        if not isinstance(entry, dict):
            raise bad(method)
        try:
            key = address.parse(entry.get("pubkey"))
        except InputError:
            raise bad(method, "an account without an address") from None
        info = _account(method, entry.get("account"))
        account = read_token_account(info)
        if account is None:
            raise bad(method, "an account that holds no tokens")
        accounts.append((key, info.owner, account))
    return accounts


def read_priority_fees(answer: Any) -> list[int]:
    """Micro-lamports a compute unit that recent blocks took, sorted."""
    method = "getRecentPrioritizationFees"
    if not isinstance(answer, list) or not all(isinstance(entry, dict) for entry in answer):
        raise bad(method)
    return sorted(read_count(method, entry.get("prioritizationFee")) for entry in answer)


def read_symbol(mint: bytes, info: AccountInfo | None, metadata: AccountInfo | None) -> str | None:
    """The symbol that a token's metadata gives: Token-2022's own extension, else the Metaplex account; None without."""
    if info is not None and info.owner == programs.TOKEN_2022:
        own = _extensions(info.data).get(19)
        if own is not None and own[32:64] == mint:
            return _symbol(own, 64)
    if metadata is not None and metadata.owner == programs.METADATA and metadata.data[33:65] == mint:
        return _symbol(metadata.data, 65)
    return None


def _symbol(data: bytes, start: int) -> str | None:
    """The second of two texts, each with its length in four bytes: name, symbol."""
    name = int.from_bytes(data[start : start + 4], "little")
    at = start + 4 + name
    length = int.from_bytes(data[at : at + 4], "little")
    raw = data[at + 4 : at + 4 + length]
    if not length or len(raw) != length or length > 64:
        return None
    text = raw.decode("utf-8", "replace").rstrip("\0 ").strip()
    # A symbol is shown beside amounts: nothing that could pass for another character, a space or a line.
    if not 0 < len(text) <= 12 or not all(c.isascii() and (c.isalnum() or c in "$.-_+") for c in text):
        return None
    return text
