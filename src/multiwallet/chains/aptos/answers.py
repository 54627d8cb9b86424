"""What a fullnode is asked, and its answers with every field checked: a node is a stranger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Network
from ...errors import AmountError, BadResponse, InputError, InvalidAddress, MultiwalletError, Rejected
from ...ops import Rest
from . import addresses
from .functions import asset_id, read_reference
from .raw_transaction import EntryFunction
from .type_tags import TypeTag, parse_type

__all__ = ["Ledger", "account", "balance", "error_code", "gas_price", "get", "ledger", "module_function", "token"]

_NOT_FOUND: Final = ("account_not_found", "resource_not_found", "module_not_found", "transaction_not_found")


def get(network: Network, path: str, **query: str) -> Rest:
    """A question to the REST API."""
    return Rest(network.id, "GET", path, query=query)


def post(network: Network, path: str, body: Any, *, broadcast: bool = False) -> Rest:
    """A request with a JSON body."""
    return Rest(network.id, "POST", path, json=body, broadcast=broadcast)


def error_code(outcome: Any) -> str:
    """The ``error_code`` of a refusal; empty for anything else."""
    data = outcome.data if isinstance(outcome, Rejected) else None
    code = data.get("error_code") if isinstance(data, Mapping) else None
    return code if isinstance(code, str) else ""


def is_missing(outcome: Any) -> bool:
    """Whether a node says that what was asked for does not exist."""
    return isinstance(outcome, Rejected) and outcome.node_code == 404 and error_code(outcome) in _NOT_FOUND


def table(answer: Any, call: str) -> Mapping[str, Any]:
    """An answer that is an object, or the error in its place."""
    if isinstance(answer, MultiwalletError):
        raise answer
    if not isinstance(answer, Mapping):
        raise BadResponse(f"{call} did not answer with an object")
    return answer


def number(data: Mapping[str, Any], name: str, call: str, high: int = 2**64 - 1) -> int:
    """A whole number, as JSON number or decimal text as Aptos writes its u64."""
    value = data.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
        raise BadResponse(f"{call} answered without a whole number in {name!r}")
    return value


@dataclass(frozen=True, slots=True)
class Ledger:
    """The newest state of the chain: its id, and its time in seconds."""

    chain_id: int
    time: int
    version: int
    height: int


def ledger(answer: Any) -> Ledger:
    """The answer of the API's root."""
    data, call = table(answer, "GET /"), "GET /"
    return Ledger(
        number(data, "chain_id", call, 255),
        number(data, "ledger_timestamp", call) // 1_000_000,
        number(data, "ledger_version", call),
        number(data, "block_height", call),
    )


def account(answer: Any) -> int:
    """The next sequence number; zero for an account that does not exist yet."""
    if is_missing(answer):
        return 0
    return number(table(answer, "GET /accounts"), "sequence_number", "GET /accounts")


def balance_path(owner: str, asset: Asset) -> str:
    """The path of a balance: by coin type, or by the address of the metadata object."""
    named = "0x1::aptos_coin::AptosCoin" if asset.is_native else str(read_reference(asset.reference)).replace(" ", "")
    return f"accounts/{owner}/balance/{named}"


def balance(answer: Any) -> int:
    """A balance in the smallest unit: the API answers the bare number, as fungible asset and coin together."""
    if is_missing(answer):
        return 0
    if isinstance(answer, MultiwalletError):
        raise answer
    if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < 2**128:
        raise BadResponse("GET /accounts/.../balance did not answer with a whole number")
    return answer


def gas_price(answer: Any, speed: str) -> int:
    """The price of gas for a speed, in octas for a unit."""
    data, call = table(answer, "GET /estimate_gas_price"), "GET /estimate_gas_price"
    usual = number(data, "gas_estimate", call)
    name = {"slow": "deprioritized_gas_estimate", "fast": "prioritized_gas_estimate"}.get(speed, "gas_estimate")
    price = usual if data.get(name) is None else number(data, name, call)
    if not price:
        raise BadResponse(f"{call} answered a price of zero")
    return price


def token_path(reference: str) -> str:
    """Where a token's symbol and decimals stand."""
    found = read_reference(reference)
    if isinstance(found, TypeTag):
        kind = str(found).replace(" ", "")
        return f"accounts/{addresses.from_bytes(found.address)}/resource/0x1::coin::CoinInfo<{kind}>"
    return f"accounts/{found}/resource/0x1::fungible_asset::Metadata"


def token(network: Network, reference: str, answer: Any) -> Asset:
    """A token with the symbol and decimals that the chain tells; InvalidAddress where there is none."""
    if is_missing(answer):
        raise InvalidAddress(f"there is no token {read_reference(reference)} on {network.name}")
    data = table(table(answer, "GET /accounts/.../resource").get("data"), "GET /accounts/.../resource")
    symbol = data.get("symbol")
    decimals = number(data, "decimals", "GET /accounts/.../resource", 255)
    try:
        return Asset(asset_id(network, reference), symbol if isinstance(symbol, str) else "", decimals)
    except AmountError as error:
        raise BadResponse(f"the token {read_reference(reference)} has a symbol that is none") from error


def module_path(function: EntryFunction) -> str:
    """Where the ABI of a function's module stands."""
    return f"accounts/{addresses.from_bytes(function.address)}/module/{function.module}"


def module_function(function: EntryFunction, answer: Any) -> tuple[TypeTag, ...]:
    """The types of a function's arguments from the ABI of its module, type parameters filled in.

    Raises InputError where the module has no such function for transactions.
    """
    call = "GET /accounts/.../module"
    if is_missing(answer):
        raise InputError(f"there is no module {function.id.rpartition('::')[0]} on this network")
    abi = table(table(answer, call).get("abi"), call)
    listed = abi.get("exposed_functions")
    if not isinstance(listed, list):
        raise BadResponse(f"{call} answered without exposed_functions")
    for item in listed:
        if isinstance(item, Mapping) and item.get("name") == function.function:
            break
    else:
        raise InputError(f"there is no function {function.id} on this network")
    parameters = item.get("params")
    if item.get("is_entry") is not True:
        raise InputError(f"{function.id} is no entry function: transactions cannot call it")
    if not isinstance(parameters, list) or not all(isinstance(text, str) for text in parameters):
        raise BadResponse(f"{call} answered without the parameters of {function.id}")
    try:
        return tuple(parse_type(_filled(text, function)) for text in parameters if text not in ("&signer", "signer"))
    except InputError as error:
        raise BadResponse(f"{call} answered parameters of {function.id} that are none: {error.message}") from error


def _filled(text: str, function: EntryFunction) -> str:
    """The type parameters T0, T1, ... of a text with the types that the call gives for them."""
    result = text
    for position in range(len(function.type_arguments) - 1, -1, -1):
        pieces = result.split(f"T{position}")
        # A name such as T0ken is no parameter: what is one has no letter or digit beside it.
        joined = pieces[0]
        for piece in pieces[1:]:
            beside = joined[-1:] + piece[:1]
            alone = not any(sign.isalnum() or sign == "_" for sign in beside)
            joined += (str(function.type_arguments[position]) if alone else f"T{position}") + piece
        result = joined
    return result


def amount_text(units: int, network: Network) -> str:
    """An amount of the native coin, to be read by people."""
    return str(Amount(units, network.native))
