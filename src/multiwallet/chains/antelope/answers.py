"""What is asked of nodeos over HTTP (``v1/chain/...``), and the shapes of its answers, checked before use."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...chain import Network
from ...codec.hexadecimal import parse_hex
from ...crypto.hashes import sha256
from ...errors import BadResponse, InputError, InvalidAddress, InvalidTransaction, Rejected
from ...ops import Rest
from . import names, public_keys
from .abi import Abi
from .names import Level, Quantity

__all__ = [
    "Head",
    "NodeError",
    "accounts_by_key",
    "asset",
    "balance",
    "block_time",
    "chain_id",
    "field",
    "head",
    "node_error",
    "number",
    "post",
    "raw_abi",
    "staked",
    "table",
]


def post(network: Network, call: str, /, *, broadcast: bool = False, **body: Any) -> Rest:
    """One request: ``call`` is the last part of ``v1/chain/...``, or a whole path."""
    path = call if "/" in call else f"v1/chain/{call}"
    return Rest(network.id, "POST", path, json=body, broadcast=broadcast)


def table(answer: Any, call: str) -> Mapping[str, Any]:
    """An answer that is a JSON object; BadResponse for another, Rejected where it is the node's error."""
    if not isinstance(answer, Mapping):
        raise BadResponse(f"{call} answered {type(answer).__name__} instead of a JSON object: is this a nodeos?")
    if "error" in answer and "code" in answer:
        error = NodeError.of(answer)
        raise Rejected(f"the node refused {call}: {error.text}", node_code=error.code, data=dict(answer))
    return answer


def field(answer: Mapping[str, Any], name: str, kind: type, call: str) -> Any:
    """A field of a JSON type that must be there; BadResponse."""
    value = answer.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadResponse(f"{call}: {name} is no {kind.__name__}")
    return value


def number(answer: Mapping[str, Any], name: str, call: str, default: int | None = None) -> int:
    """A whole number, which nodeos may write as text; ``default`` where it is left out. BadResponse."""
    value = answer.get(name, default)
    if isinstance(value, str) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
        value = int(value) if len(value) < 22 else None
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**64:
        raise BadResponse(f"{call}: {name} is no whole number of 64 bits")
    return value


@dataclass(frozen=True, slots=True)
class NodeError:
    """What a node says when it refuses: its own code, that code's name, and its words."""

    code: int
    name: str
    text: str

    @classmethod
    def of(cls, body: Any) -> NodeError:
        """From the body of nodeos's refusal; code 0 where it is another thing."""
        error = body.get("error") if isinstance(body, Mapping) else None
        if not isinstance(error, Mapping):
            return cls(0, "", str(body)[:300])
        code, name = error.get("code"), error.get("name")
        details = error.get("details")
        words = [str(error.get("what", ""))]
        if isinstance(details, list):
            words += [str(item.get("message", "")) for item in details[:3] if isinstance(item, Mapping)]
        text = "; ".join(dict.fromkeys(" ".join(word.split()) for word in words if word))
        text = "".join(sign if sign.isprintable() else " " for sign in text)
        known = code if isinstance(code, int) and not isinstance(code, bool) else 0
        return cls(known, str(name or "")[:80], text[:400] or "it gave no reason")


def node_error(refusal: Rejected) -> NodeError:
    """The node's own error within a refusal."""
    return NodeError.of(refusal.data) if refusal.data is not None else NodeError(0, "", refusal.message)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stands: its newest block and its last irreversible one. Times are in seconds since 1970."""

    number: int
    time: int
    final_number: int
    final_id: bytes
    final_time: int

    @property
    def reference(self) -> tuple[int, int]:
        """``ref_block_num`` and ``ref_block_prefix`` of a transaction that builds on the irreversible block."""
        return self.final_number & 0xFFFF, int.from_bytes(self.final_id[8:12], "little")


def chain_id(answer: Any) -> str:
    """The chain's id that ``get_info`` tells, 64 hex digits."""
    value: str = field(table(answer, "get_info"), "chain_id", str, "get_info")
    return _hex(value, "chain_id", "get_info").hex()


def head(answer: Any) -> Head:
    """Where the chain stands, from ``get_info``; BadResponse where block id and number do not fit together."""
    call = "get_info"
    found = table(answer, call)
    final_number = number(found, "last_irreversible_block_num", call)
    final_id = _hex(field(found, "last_irreversible_block_id", str, call), "last_irreversible_block_id", call)
    if int.from_bytes(final_id[:4], "big") != final_number:
        raise BadResponse(f"{call}: the irreversible block's id does not hold its number")
    newest = number(found, "head_block_num", call)
    if newest < final_number:
        raise BadResponse(f"{call}: the newest block is older than the irreversible one")
    time = _seconds(field(found, "head_block_time", str, call), call)
    final = found.get("last_irreversible_block_time")
    # A chain that does not tell is taken to be 180 s behind, as those before instant finality were.
    final_time = _seconds(final, call) if isinstance(final, str) else time - 180
    return Head(newest, time, final_number, final_id, final_time)


def _hex(value: str, name: str, call: str) -> bytes:
    try:
        return parse_hex(value, length=32, prefix="none")
    except InputError as error:
        raise BadResponse(f"{call}: {name}: {error.message}") from None


def _seconds(value: str, call: str) -> int:
    try:
        return names.parse_time(value) // 1_000_000
    except InputError as error:
        raise BadResponse(f"{call}: {error.message}") from None


def block_time(answer: Any, wanted: int) -> int:
    """The time of a block, in seconds since 1970, from ``get_block``; BadResponse for another block."""
    call = "get_block"
    found = table(answer, call)
    if number(found, "block_num", call) != wanted:
        raise BadResponse(f"{call} answered another block than {wanted}")
    return _seconds(field(found, "timestamp", str, call), call)


def accounts_by_key(answer: Any, key: bytes, prefix: str) -> tuple[Level, ...]:
    """The permissions that list a key, from ``get_accounts_by_authorizers``, sorted."""
    call = "get_accounts_by_authorizers"
    found = set()
    for item in field(table(answer, call), "accounts", list, call)[:1000]:
        if not isinstance(item, Mapping):
            raise BadResponse(f"{call}: an account is no object")
        try:
            level = Level(
                names.account(field(item, "account_name", str, call)),
                names.account(field(item, "permission_name", str, call)),
            )
            listed = public_keys.parse_key(field(item, "authorizing_key", str, call), prefix)
        except InvalidAddress as error:
            raise BadResponse(f"{call}: {error.message}") from None
        if listed.data == key:
            found.add(level)
    return tuple(sorted(found))


def balance(answer: Any, symbol: names.Symbol) -> int:
    """The units of a token, from ``get_currency_balance``: an empty list is zero. BadResponse for another precision."""
    call = "get_currency_balance"
    if not isinstance(answer, list) or len(answer) > 1:
        if isinstance(answer, Mapping):
            table(answer, call)
        raise BadResponse(f"{call} answered no list of one asset: is this a nodeos?")
    if not answer:
        return 0
    found = asset(answer[0], call)
    if found.symbol != symbol or found.units < 0:
        raise BadResponse(
            f"{call}: {symbol.code} has {found.symbol.precision} decimals there, not {symbol.precision}, or is below zero"
        )
    return found.units


def asset(value: Any, call: str) -> Quantity:
    """An asset within an answer; BadResponse."""
    try:
        return names.parse_asset(value)
    except InputError as error:
        raise BadResponse(f"{call}: {error.message}") from None


def raw_abi(answer: Any, account: str) -> tuple[bytes, Abi]:
    """A contract's ABI, from ``get_raw_abi``: its bytes, whose hash the node states, and the ABI.

    BadResponse where the hash is another or the account another one; InputError where there is no ABI.
    """
    call = "get_raw_abi"
    found = table(answer, call)
    if found.get("account_name") != account:
        raise BadResponse(f"{call} answered about another account than {account}")
    text = field(found, "abi", str, call).rstrip("=")  # nodeos writes one of these too many
    try:
        data = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (Base64Error, ValueError):
        raise BadResponse(f"{call}: the ABI is not base64") from None
    if sha256(data) != _hex(field(found, "abi_hash", str, call), "abi_hash", call):
        raise BadResponse(f"{call}: the ABI is not the one whose hash the node states")
    if not data:
        raise InputError(f"{account} has no ABI: give the data of its actions as hex")
    try:
        return data, Abi.decode(data)
    except InvalidTransaction as error:
        raise BadResponse(f"{call}: {error.message}") from None


def staked(answer: Any, network: Network) -> int:
    """What an account has staked for its own use and what is being refunded, in the native coin; BadResponse."""
    call, total = "get_account", 0
    found = table(answer, call)
    symbols = {network.symbol, str(network.params.get("stake_symbol", network.symbol))}
    for part, names_ in (
        ("self_delegated_bandwidth", ("net_weight", "cpu_weight")),
        ("refund_request", ("net_amount", "cpu_amount")),
    ):
        stake = found.get(part)
        if stake is None:
            continue
        if not isinstance(stake, Mapping):
            raise BadResponse(f"{call}: {part} is no object")
        for name in names_:
            amount = asset(stake.get(name), call)
            if amount.symbol.code in symbols and amount.symbol.precision == network.decimals:
                total += max(amount.units, 0)
    return total
