"""What many addresses hold of many assets, in a handful of calls.

Where the network has Multicall3 (``params.multicall``: its address, or true for the one that it has on most networks),
two thousand balances are one ``eth_call`` of ``aggregate3``. Elsewhere, and wherever it cannot answer, the balances are
calls of their own, which a transport joins into JSON-RPC batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ...amounts import Asset
from ...chain import Balance, Network
from ...codec import abi, eip55
from ...errors import BadResponse, InputError, InvalidAddress, MultiwalletError, Rejected, Reverted
from ...ops import Op, Rpc, attempt
from .answers import read_data, read_quantity
from .plan import token_contract
from .tokens import balance_call, decode_uint, revert_reason

__all__ = ["MULTICALL3", "read_balances"]

MULTICALL3: Final = "0xcA11bde05977b3631167028862bE2a173976CA11"
_AGGREGATE3: Final = abi.selector("aggregate3((address,bool,bytes)[])")
_ETH_BALANCE: Final = abi.selector("getEthBalance(address)")
_RESULTS: Final = ("(bool,bytes)[]",)

_LARGEST: Final = 2000  # balances in one call: 450 KB of calldata, and some 25 of the 50 million gas that nodes allow
_SMALLEST: Final = 100  # below this a batch of plain calls is as good
_TOGETHER: Final = 2  # calls in one HTTP request, which stays below the 2 MB that endpoints take
_PLAIN: Final = 1000  # plain calls in one round; a transport makes batches of them


class _Cell(NamedTuple):
    """One balance that is wanted, and where it belongs."""

    row: int
    column: int
    owner: bytes
    contract: bytes | None


def read_balances(
    network: Network, addresses: Sequence[str], assets: Sequence[Asset]
) -> Op[list[list[Balance | MultiwalletError]]]:
    """A row for each address, with a balance or its error for each asset; all as of the latest block.

    InputError and InvalidAddress for an asset of another network, before anything is asked.
    """
    owners = [eip55.parse(address) for address in addresses]
    contracts = [token_contract(network, asset) for asset in assets]
    table: list[list[Any]] = [[None] * len(assets) for _ in owners]
    # One asset after the other: a token that breaks its call breaks no more calls than its own.
    cells = [
        _Cell(row, column, owner, contract)
        for column, contract in enumerate(contracts)
        for row, owner in enumerate(owners)
    ]
    multicall = multicall_of(network)
    left = (yield from _aggregated(network, multicall, cells, assets, table)) if multicall else cells
    for start in range(0, len(left), _PLAIN):
        part = left[start : start + _PLAIN]
        outcomes = yield from attempt(*(_plain(network, cell) for cell in part))
        for cell, outcome in zip(part, outcomes, strict=True):
            table[cell.row][cell.column] = _plain_balance(cell, assets[cell.column], outcome)
    return table


def multicall_of(network: Network) -> str | None:
    """The address of the network's Multicall3 as its row says; InputError for a row that says nonsense."""
    stated = network.params.get("multicall")
    if stated is None or stated is False:
        return None
    if stated is True:
        return MULTICALL3
    try:
        return eip55.checksum(eip55.parse(stated))
    except InputError as error:
        raise InputError(f"params.multicall of {network.name} is an address or true: {error.message}") from error


def _aggregated(
    network: Network, multicall: str, cells: list[_Cell], assets: Sequence[Asset], table: list[list[Any]]
) -> Op[list[_Cell]]:
    """Fill the table through Multicall3; return the cells that it could not answer.

    A call that fails is halved, since nodes bound gas, time and size each in their own way; what has become small is
    left to plain calls. After a failure the next calls are smaller, and grow again when they succeed.
    """
    waiting = deque([cells])
    left: list[_Cell] = []
    limit = _LARGEST
    while waiting:
        parts: list[list[_Cell]] = []
        while waiting and len(parts) < _TOGETHER:
            part = waiting.popleft()
            if len(part) > limit:
                waiting.appendleft(part[limit:])
                part = part[:limit]
            parts.append(part)
        outcomes = yield from attempt(*(_aggregate(network, multicall, part) for part in parts))
        smaller: list[list[_Cell]] = []
        for part, outcome in zip(parts, outcomes, strict=True):
            if outcome == "0x":  # no contract there, whatever the row says: a network of the same id at home
                return [*left, *part, *(c for other in (*smaller, *waiting) for c in other), *_after(parts, part)]
            if not isinstance(outcome, MultiwalletError):
                _fill(multicall, part, outcome, assets, table)
                limit = min(_LARGEST, 2 * limit)
            elif len(part) < 2 * _SMALLEST:
                left += part
                limit = max(_SMALLEST, limit // 2)
            else:
                middle = len(part) // 2
                smaller += (part[:middle], part[middle:])
                limit = max(_SMALLEST, middle)
        waiting.extendleft(reversed(smaller))
    return left


def _after(parts: list[list[_Cell]], part: list[_Cell]) -> list[_Cell]:
    """The cells of the parts of a round that come after one of them."""
    place = next(number for number, other in enumerate(parts) if other is part)
    return [cell for other in parts[place + 1 :] for cell in other]


def _aggregate(network: Network, multicall: str, cells: list[_Cell]) -> Rpc:
    """``aggregate3`` of all the balances, each allowed to fail. Encoded here: every element has the same 192 bytes."""
    itself = eip55.parse(multicall)
    word = 32
    head, tail = [], []
    for number, cell in enumerate(cells):
        target, call = (
            (itself, _ETH_BALANCE + bytes(12) + cell.owner)
            if cell.contract is None
            else (cell.contract, balance_call(cell.owner))
        )
        head.append((len(cells) * word + number * 6 * word).to_bytes(word, "big"))
        tail.append(
            bytes(12)
            + target
            + _TRUE
            + _THREE_WORDS
            + len(call).to_bytes(word, "big")
            + call
            + bytes(-len(call) % word)
        )
    data = b"".join((_AGGREGATE3, _ONE_WORD, len(cells).to_bytes(word, "big"), *head, *tail))
    return Rpc(network.id, "eth_call", [{"to": multicall, "data": "0x" + data.hex()}, "latest"])


_TRUE: Final = (1).to_bytes(32, "big")
_ONE_WORD: Final = (32).to_bytes(32, "big")
_THREE_WORDS: Final = (96).to_bytes(32, "big")


def _fill(multicall: str, cells: list[_Cell], answer: Any, assets: Sequence[Asset], table: list[list[Any]]) -> None:
    found: list[Balance | MultiwalletError]
    try:
        (results,) = abi.decode(_RESULTS, read_data("eth_call", answer), strict=False)
        if len(results) != len(cells):
            raise BadResponse(
                f"Multicall3 at {multicall} answered {len(cells)} calls with {len(results)} results: none can be trusted"
            )
        found = [
            _balance(cell, assets[cell.column], data) if success else _refused(cell, data)
            for cell, (success, data) in zip(cells, results, strict=True)
        ]
    except BadResponse as error:
        found = [error] * len(cells)
    except InputError as error:
        wrong = BadResponse(f"Multicall3 at {multicall} answered what cannot be read: {error.message[:200]}")
        found = [wrong] * len(cells)
    for cell, balance in zip(cells, found, strict=True):
        table[cell.row][cell.column] = balance


def _balance(cell: _Cell, asset: Asset, data: bytes) -> Balance | MultiwalletError:
    units = decode_uint(data)
    if units is not None:
        return Balance.of(asset, units)
    if not data and cell.contract is not None:
        return InvalidAddress(f"there is no token contract at {asset.reference}: check network and address")
    return BadResponse(f"the contract of {asset.id} answered {len(data)} bytes where a balance belongs")


def _refused(cell: _Cell, data: object) -> Reverted:
    reason = revert_reason("0x" + data.hex() if isinstance(data, bytes) else data)
    where = "Multicall3" if cell.contract is None else eip55.checksum(cell.contract)
    return Reverted(f"the contract {where} refused to tell a balance: {reason or 'it gave no reason'}", reason=reason)


def _plain(network: Network, cell: _Cell) -> Rpc:
    owner = eip55.checksum(cell.owner)
    if cell.contract is None:
        return Rpc(network.id, "eth_getBalance", [owner, "latest"])
    call = {"to": eip55.checksum(cell.contract), "data": "0x" + balance_call(cell.owner).hex()}
    return Rpc(network.id, "eth_call", [call, "latest"])


def _plain_balance(cell: _Cell, asset: Asset, outcome: Any) -> Balance | MultiwalletError:
    try:
        if isinstance(outcome, Rejected) and (outcome.node_code == 3 or "revert" in outcome.message.lower()):
            return _refused(cell, outcome.data)
        if isinstance(outcome, MultiwalletError):
            return outcome
        if cell.contract is None:
            return Balance.of(asset, read_quantity("eth_getBalance", outcome))
        return _balance(cell, asset, read_data("eth_call", outcome))
    except BadResponse as error:
        return error
