"""What is asked of a node's REST interface, and the shapes of its answers, checked before anything is believed."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from ...chain import Network
from ...errors import BadResponse, InputError, InvalidTransaction, MultiwalletError, Rejected, Reverted
from ...ops import Op, Rest, ask
from .coins import Coin, read_coin
from .rules import ONE, Rules, decimal

__all__ = [
    "Account",
    "account",
    "account_call",
    "amount_of",
    "balance_call",
    "get",
    "head",
    "head_call",
    "is_absent",
    "listed",
    "market_price",
    "nested",
    "number",
    "post",
    "price_call",
    "simulate_call",
    "simulated",
    "spendable",
    "spendable_call",
    "table",
]

BROADCAST: Final = "cosmos/tx/v1beta1/txs"
SIMULATE: Final = "cosmos/tx/v1beta1/simulate"
LATEST: Final = "cosmos/base/tendermint/v1beta1/blocks/latest"
NODE_INFO: Final = "cosmos/base/tendermint/v1beta1/node_info"
CONFIG: Final = "cosmos/base/node/v1beta1/config"
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)
_TIME: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
_DEC_COIN: Final = re.compile(r"([0-9.]{1,60})([a-zA-Z][a-zA-Z0-9/:._-]{2,127})", re.ASCII)
_U64: Final = 1 << 64
_MOST_GAS: Final = 1 << 40


def get(network: Network, path: str, **query: str) -> Rest:
    """A GET request; an underscore pair in a query name stands for a point."""
    return Rest(network.id, "GET", path, query={name.replace("__", "."): value for name, value in query.items()})


def post(network: Network, path: str, body: Mapping[str, Any], *, broadcast: bool = False) -> Rest:
    """A POST request with a JSON body."""
    return Rest(network.id, "POST", path, json=dict(body), broadcast=broadcast)


def table(answer: Any, path: str) -> Mapping[str, Any]:
    """An answer that is a JSON object; BadResponse for another."""
    if not isinstance(answer, Mapping):
        raise BadResponse(f"{path} answered {type(answer).__name__} instead of a JSON object: is this a REST endpoint?")
    return answer


def nested(answer: Any, name: str, path: str) -> Mapping[str, Any]:
    """An object inside of an answer."""
    value = table(answer, path).get(name)
    if not isinstance(value, Mapping):
        raise BadResponse(f"{path}: {name} is no object")
    return value


def listed(answer: Any, name: str, path: str) -> list[Mapping[str, Any]]:
    """A list of objects inside of an answer; null and nothing are an empty one."""
    value = table(answer, path).get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise BadResponse(f"{path}: {name} is no list of objects")
    return value


def number(value: Any, what: str, limit: int = _U64) -> int:
    """A whole number below ``limit``, which REST writes as text (some fields as a number)."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < limit:
        raise BadResponse(f"{what} is no whole number in its range")
    return value


def amount_of(answer: Any, name: str, denom: str, path: str) -> int:
    """The units of the coin ``name``, which must be of ``denom``."""
    try:
        coin = read_coin(nested(answer, name, path))
    except InvalidTransaction as error:
        raise BadResponse(f"{path}: {error.message}") from None
    if coin.denom != denom:
        raise BadResponse(f"{path} answered about {coin.denom}, not {denom}")
    return coin.units


def is_absent(outcome: Any) -> bool:
    """Whether the node says that there is no such thing (HTTP 404, the gRPC code 5)."""
    if not isinstance(outcome, Rejected):
        return False
    code = outcome.data.get("code") if isinstance(outcome.data, Mapping) else None
    return code == 5 or (code is None and outcome.node_code == 404)


# -- accounts and coins ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """What the chain numbers of an account."""

    number: int
    sequence: int


def account_call(network: Network, address: str) -> Rest:
    """Ask for an account's numbers."""
    return get(network, f"cosmos/auth/v1beta1/accounts/{address}")


def account(outcome: Any, address: str) -> Account | None:
    """An account's numbers; None where the chain has never seen it.

    The base account may lie inside of a vesting account or one of Ethermint's. Raises what was asked and failed.
    """
    path = "cosmos/auth/v1beta1/accounts"
    if isinstance(outcome, MultiwalletError):
        if is_absent(outcome):
            return None
        raise outcome
    found = nested(outcome, "account", path)
    for _ in range(4):
        inner = found.get("base_vesting_account") or found.get("base_account")
        if inner is None:
            break
        found = table(inner, path)
    if found.get("address") != address:
        raise BadResponse(f"{path} answered about another account than {address}")
    return Account(
        number(found.get("account_number", "0"), f"{path}: account_number"),
        number(found.get("sequence", "0"), f"{path}: sequence"),
    )


def balance_call(network: Network, address: str, denom: str) -> Rest:
    """Ask what an account holds of a denom, spendable or not."""
    return get(network, f"cosmos/bank/v1beta1/balances/{address}/by_denom", denom=denom)


def spendable_call(network: Network, address: str, denom: str) -> Rest:
    """Ask what an account can spend of a denom."""
    return get(network, f"cosmos/bank/v1beta1/spendable_balances/{address}/by_denom", denom=denom)


def spendable(network: Network, address: str, outcomes: Mapping[str, Any]) -> Op[dict[str, int]]:
    """What can be spent of each denom, from the outcomes of :func:`spendable_call`.

    Releases before 0.47 of the SDK do not serve that question. There the whole balance is asked instead, in a second
    round, and what still vests counts as spendable.
    """
    served = {name: item for name, item in outcomes.items() if not isinstance(item, Rejected | BadResponse)}
    missing = sorted(set(outcomes) - set(served))
    if missing:
        again = yield from ask(*(balance_call(network, address, denom) for denom in missing))
        served.update(zip(missing, again, strict=True))
    for outcome in served.values():
        if isinstance(outcome, MultiwalletError):
            raise outcome
    return {
        denom: amount_of(outcome, "balance", denom, "cosmos/bank/v1beta1 balances") for denom, outcome in served.items()
    }


# -- blocks ----------------------------------------------------------------------------------------


def head_call(network: Network) -> Rest:
    """Ask for the newest block."""
    return get(network, LATEST)


def head(answer: Any, rules: Rules) -> tuple[int, int]:
    """The newest block's height and its time in nanoseconds since 1970; BadResponse for another chain's."""
    header = nested(nested(answer, "block", LATEST), "header", LATEST)
    if header.get("chain_id") != rules.chain_id:
        raise BadResponse(f"this endpoint serves {str(header.get('chain_id'))[:60]}, not {rules.chain_id}")
    match = _TIME.fullmatch(str(header.get("time"))[:40])
    if match is None:
        raise BadResponse(f"{LATEST}: the block's time cannot be read")
    return number(header.get("height"), f"{LATEST}: height", 1 << 63), _nanoseconds(match)


def _nanoseconds(match: re.Match[str]) -> int:
    from datetime import UTC, datetime

    try:
        moment = datetime(*(int(match[n]) for n in range(1, 7)), tzinfo=UTC)  # type: ignore[arg-type, misc]  # six numbers: year to second
    except ValueError:
        raise BadResponse(f"{LATEST}: the block's time is none") from None
    found = int(moment.timestamp()) * 10**9 + int((match[7] or "").ljust(9, "0"))
    if not 0 <= found < 1 << 63:
        raise BadResponse(f"{LATEST}: the block's time is none that a chain can have")
    return found


# -- prices and gas --------------------------------------------------------------------------------


def price_call(network: Network, rules: Rules) -> Rest | None:
    """Ask the node's own gas price, where the row says how."""
    calls = {
        "node": CONFIG,
        "feemarket": f"feemarket/v1/gas_price/{quote(rules.denom, safe='')}",
        "osmosis": "osmosis/txfees/v1beta1/cur_eip_base_fee",
        "injective": "injective/txfees/v1beta1/cur_eip_base_fee",
    }
    path = calls.get(rules.fee_market)
    return None if path is None else get(network, path)


def market_price(outcome: Any, rules: Rules) -> int:
    """The node's gas price in 10^-18 of the denom; 0 where it has none, or does not serve the question.

    The row's own price is used then: at worst the node refuses a fee that is too low.
    """
    path = rules.fee_market
    if isinstance(outcome, Rejected | BadResponse):  # a gateway answers 501 for a module that the chain lacks
        return 0
    if isinstance(outcome, MultiwalletError):
        raise outcome
    if path == "node":
        text = table(outcome, CONFIG).get("minimum_gas_price", "")
        for part in str(text)[:4000].split(","):
            match = _DEC_COIN.fullmatch(part.strip())
            if match and match[2] == rules.denom:
                return _price(match[1], CONFIG)
        return 0
    if path == "feemarket":
        found = nested(outcome, "price", path)
        if found.get("denom") != rules.denom:
            raise BadResponse(f"the node's fee market answered about another denom than {rules.denom}")
        return _price(found.get("amount"), path)
    if path == "osmosis":
        return _price(table(outcome, path).get("base_fee"), path)
    return _price(nested(outcome, "base_fee", path).get("base_fee"), path)


def _price(text: Any, path: str) -> int:
    try:
        return decimal(text, "a gas price")
    except InputError:
        raise BadResponse(f"{path}: the gas price is no decimal text") from None


def simulate_call(network: Network, raw: bytes) -> Rest:
    """Ask what a transaction would use. Its signature is not checked."""
    return post(network, SIMULATE, {"tx_bytes": base64.b64encode(raw).decode("ascii")})


def simulated(answer: Any) -> int:
    """The gas that a simulation used. Raises Reverted where it failed, and what was asked and not answered."""
    if isinstance(answer, MultiwalletError):
        # A gateway reports it with the gRPC code 2 and HTTP status 500, which a transport takes for a broken node.
        said = answer.message if isinstance(answer, Rejected | BadResponse) else ""
        if "failed to execute message" in said or "with gas used" in said:
            reason = "".join(character if character.isprintable() else " " for character in said)[:400]
            raise Reverted(f"a trial run of this transaction fails: {reason}", reason=reason) from answer
        raise answer
    return number(nested(answer, "gas_info", SIMULATE).get("gas_used"), f"{SIMULATE}: gas_used", _MOST_GAS)


def fee_units(gas: int, price: int) -> int:
    """The fee for so much gas at a price in 10^-18, rounded up.

    >>> fee_units(80_001, 25 * 10**15)
    2001
    """
    return -(-gas * price // ONE)


def coin_list(value: Any, path: str) -> tuple[Coin, ...]:
    """Coins of an answer, in whatever order."""
    try:
        return tuple(map(read_coin, value)) if isinstance(value, list) else ()
    except InvalidTransaction as error:
        raise BadResponse(f"{path}: {error.message}") from None
