"""What is asked of toncenter's HTTP API v3, and the shapes of its answers, checked before anything is believed.

Numbers beyond 2^53 come as decimal text, hashes as base64, addresses as ``0:HEX``. One base URL
(``https://toncenter.com/api/v3``) serves everything that is asked here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...chain import Network
from ...codec import base64_text, boc
from ...codec.cell import Builder, Cell, Slice
from ...errors import BadResponse, InputError, MultiwalletError
from ...ops import Rest
from .addresses import Address, read, write

__all__ = [
    "Account",
    "MethodFailed",
    "Tip",
    "account",
    "address_of",
    "cell_of",
    "field",
    "get",
    "hash_of",
    "integer_of",
    "listed",
    "method",
    "nested",
    "post",
    "run",
    "table",
    "tip",
]

_DECIMAL: Final = re.compile(r"[0-9]{1,78}", re.ASCII)
_HEX: Final = re.compile(r"(-?)0x([0-9a-fA-F]{1,64})", re.ASCII)
_STATUSES: Final = {
    "active": "active",
    "frozen": "frozen",
    "uninit": "uninit",
    "uninitialized": "uninit",
    "nonexist": "uninit",
}


class MethodFailed(BadResponse):
    """A get-method ended with an exit code that says failure: most often there is no such contract."""


def get(network: Network, call: str, **query: str) -> Rest:
    """A reading request."""
    return Rest(network.id, "GET", call, query=query)


def post(network: Network, call: str, *, broadcast: bool = False, **body: Any) -> Rest:
    """A request with a JSON body."""
    return Rest(network.id, "POST", call, json=body, broadcast=broadcast)


def account_request(network: Network, address: Address) -> Rest:
    """The balance and state of an account."""
    return get(network, "addressInformation", address=address.raw)


def method(network: Network, contract: Address, name: str, *owners: Address) -> Rest:
    """A get-method of a contract, with addresses as its arguments."""
    stack = [
        {"type": "slice", "value": base64.b64encode(boc.encode(write(Builder(), owner).end())).decode("ascii")}
        for owner in owners
    ]
    return post(network, "runGetMethod", address=contract.raw, method=name, stack=stack)


def table(answer: Any, call: str) -> Mapping[str, Any]:
    """An answer that is a JSON object; BadResponse for another."""
    if isinstance(answer, MultiwalletError):
        raise answer
    if not isinstance(answer, Mapping):
        raise BadResponse(
            f"{call} answered {type(answer).__name__} instead of a JSON object: is this toncenter's API v3?"
        )
    return answer


def field(answer: Mapping[str, Any], name: str, call: str, *, default: int | None = None) -> int:
    """A whole number of zero or more, as a number or as decimal text; ``default`` where it is missing or null."""
    value = answer.get(name)
    if value is None and default is not None:
        return default
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 256:
        raise BadResponse(f"{call}: {name} is no whole number of zero or more")
    return value


def nested(answer: Mapping[str, Any], name: str, call: str, *, optional: bool = False) -> Mapping[str, Any]:
    """An object; an empty one where it may be missing and is."""
    value = answer.get(name)
    if value is None and optional:
        return {}
    if not isinstance(value, Mapping):
        raise BadResponse(f"{call}: {name} is no object")
    return value


def listed(answer: Mapping[str, Any], name: str, call: str, most: int = 1000) -> list[Mapping[str, Any]]:
    """A list of objects; null, as some servers write an empty one, is empty."""
    value = answer.get(name, 0)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > most or not all(isinstance(item, Mapping) for item in value):
        raise BadResponse(f"{call}: {name} is no list of objects")
    return value


def hash_of(value: Any, call: str) -> bytes:
    """A hash of 32 bytes in base64."""
    if isinstance(value, str) and len(value) == 44:
        try:
            data = base64_text.decode(value)
        except InputError:
            data = b""
        if len(data) == 32:
            return data
    raise BadResponse(f"{call}: a hash is not 32 bytes in base64")


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest masterchain block: its number, time in seconds since 1970, and the network it belongs to."""

    seqno: int
    time: int
    global_id: int


def tip(answer: Any) -> Tip:
    """The newest block in ``masterchainInfo``."""
    call = "masterchainInfo"
    last = nested(table(answer, call), "last", call)
    identity = last.get("global_id")
    if isinstance(identity, bool) or not isinstance(identity, int):
        raise BadResponse(f"{call}: global_id is no whole number")
    time = field(last, "gen_utime", call)
    if time >= 1 << 32:
        raise BadResponse(f"{call}: gen_utime is beyond what TON can write")
    return Tip(field(last, "seqno", call), time, identity)


@dataclass(frozen=True, slots=True)
class Account:
    """An account: nanograms, and ``active``, ``uninit`` or ``frozen``."""

    balance: int
    status: str


def account(answer: Any) -> Account:
    """The account in ``addressInformation``."""
    call = "addressInformation"
    found = table(answer, call)
    status = found.get("status")
    if not isinstance(status, str) or status not in _STATUSES:
        raise BadResponse(f"{call}: status is none that TON has")
    return Account(field(found, "balance", call), _STATUSES[status])


def run(answer: Any, name: str) -> list[Mapping[str, Any]]:
    """The stack that a get-method left; MethodFailed where it failed."""
    call = f"runGetMethod {name}"
    found = table(answer, call)
    code = found.get("exit_code")
    if isinstance(code, bool) or not isinstance(code, int):
        raise BadResponse(f"{call}: exit_code is no whole number")
    if code not in (0, 1):
        raise MethodFailed(f"the contract's {name} ended with exit code {code}: it may not be what was expected there")
    return listed(found, "stack", call, 255)


def integer_of(stack: list[Mapping[str, Any]], position: int, name: str) -> int:
    """A number on the stack, as hex text with its sign in front."""
    item = stack[position] if position < len(stack) else {}
    match = _HEX.fullmatch(value) if item.get("type") == "num" and isinstance(value := item.get("value"), str) else None
    if match is None:
        raise BadResponse(f"runGetMethod {name}: item {position} of the stack is no number")
    return int(match[1] + match[2], 16)


def cell_of(stack: list[Mapping[str, Any]], position: int, name: str) -> Cell:
    """A cell or slice on the stack, as a bag of cells in base64."""
    item = stack[position] if position < len(stack) else {}
    value = item.get("value")
    if item.get("type") in ("cell", "slice") and isinstance(value, str) and len(value) <= boc.MAX_BYTES:
        try:
            return boc.decode(binascii.a2b_base64(value, strict_mode=True))
        except (InputError, ValueError):
            pass
    raise BadResponse(f"runGetMethod {name}: item {position} of the stack is no cell")


def address_of(stack: list[Mapping[str, Any]], position: int, name: str) -> Address:
    """An address on the stack."""
    source = Slice(cell_of(stack, position, name), "the address")
    try:
        found = read(source)
        source.finish()
    except InputError as error:
        raise BadResponse(f"runGetMethod {name}: item {position} of the stack: {error.message}") from None
    return found
