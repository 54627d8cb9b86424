"""What the GraphQL RPC is asked, and its answers with every field checked: a node is a stranger."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Asset
from ...chain import Network
from ...codec import base58
from ...errors import AmountError, BadResponse, InputError, InvalidAddress, MultiwalletError, Rejected, Timeout
from ...ops import Rest
from . import addresses
from .tokens import asset_id, coin_type
from .transaction import U64_MAX, ObjectRef
from .type_tags import TypeTag, coin_of

__all__ = [
    "Coin",
    "Effects",
    "Head",
    "asset",
    "balance",
    "chain_id_of",
    "coins",
    "digest_text",
    "effects",
    "head",
    "is_chain",
    "query",
    "table",
    "words",
]

PAGE: Final = 50
"""How many coins are asked for at once: the most that the public service gives."""
_KNOWN: Final = ("35834a8a", "4c78adac")
"""The chains that are never reset: the main and the test network."""
_RESERVED: Final = b"\xac" * 20
"""How the digest of a stand-in for an address balance ends: it is no object."""


def query(network: Network, text: str, *, broadcast: bool = False, **variables: Any) -> Rest:
    """A request to the GraphQL endpoint."""
    return Rest(network.id, "POST", "graphql", json={"query": text, "variables": variables}, broadcast=broadcast)


def words(text: Any) -> str:
    """What a node says, fit for a message: one line of at most 300 characters."""
    shown = str(text)[:2000]
    return " ".join("".join(sign if sign.isprintable() else " " for sign in shown).split())[:300]


def table(answer: Any, what: str) -> Mapping[str, Any]:
    """The data of an answer, or the error in its place.

    A refusal in GraphQL's own form becomes Rejected with its code, one that says that time ran out Timeout.
    """
    if isinstance(answer, MultiwalletError):
        raise answer
    if not isinstance(answer, Mapping):
        raise BadResponse(f"{what} did not answer with an object: is this the URL of a Sui GraphQL service?")
    errors = answer.get("errors")
    if errors:
        raise _refusal(errors, what)
    return inner(answer, "data", what)


def _refusal(errors: Any, what: str) -> MultiwalletError:
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], Mapping) else {}
    extensions = first.get("extensions")
    code = extensions.get("code") if isinstance(extensions, Mapping) else None
    text = f"{what} was refused: {words(first.get('message', 'no reason was given'))}"
    if code == "REQUEST_TIMEOUT":
        return Timeout(text)
    return Rejected(text, node_code=code if isinstance(code, str) else None, data=errors)


def inner(data: Mapping[str, Any], name: str, what: str) -> Mapping[str, Any]:
    """A field that is an object."""
    value = data.get(name)
    if not isinstance(value, Mapping):
        raise BadResponse(f"{what} answered without {name!r}")
    return value


def number(data: Mapping[str, Any], name: str, what: str, high: int = U64_MAX) -> int:
    """A whole number, as JSON number or decimal text as the service writes its BigInt."""
    value = data.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
        raise BadResponse(f"{what} answered without a whole number in {name!r}")
    return value


def digest_text(value: Any, what: str) -> bytes:
    """The 32 bytes of a digest in base58."""
    try:
        data = base58.decode(value, limit=64) if isinstance(value, str) else b""
    except InputError:
        data = b""
    if len(data) != 32:
        raise BadResponse(f"{what} answered a digest that is none")
    return data


def chain_id_of(network: Network) -> str | None:
    """The first four bytes of a chain's first checkpoint's digest in hex; None where it changes, as on the devnet."""
    stated = network.params.get("chain_identifier", network.reference)
    if isinstance(stated, str) and len(stated) == 8 and all(sign in "0123456789abcdef" for sign in stated):
        return stated
    return None


def is_chain(network: Network, found: str) -> bool:
    """Whether a chain's identifier is a network's own; for a row without one, any that is no known network's."""
    wanted = chain_id_of(network)
    return found not in _KNOWN if wanted is None else found == wanted


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stands: its identifier (8 hex digits), epoch, reference gas price in MIST, newest checkpoint."""

    chain: str
    epoch: int
    gas_price: int
    checkpoint: int


def head(answer: Any, network: Network) -> Head:
    """The answer to :data:`queries.HEAD`; BadResponse for another chain's."""
    what = "the question for the epoch"
    data = table(answer, what)
    stated = data.get("chainIdentifier")
    if isinstance(stated, str) and len(stated) == 8:
        chain = stated.lower()
    else:
        chain = digest_text(stated, what)[:4].hex()
    if not is_chain(network, chain):
        raise BadResponse(f"this endpoint serves sui:{chain[:16]}, not {network.name} ({network.id}): check its URL")
    epoch, checkpoint = inner(data, "epoch", what), inner(data, "checkpoint", what)
    price = number(epoch, "referenceGasPrice", what)
    if not price:
        raise BadResponse(f"{what} was answered with a price of zero")
    return Head(chain, number(epoch, "epochId", what), price, number(checkpoint, "sequenceNumber", what))


@dataclass(frozen=True, slots=True)
class Coin:
    """An object that holds ``units`` of one coin type."""

    ref: ObjectRef
    units: int


def coins(answer: Any, tag: TypeTag) -> tuple[list[Coin], str | None]:
    """One page of an owner's coins, and the cursor of the next page if there is one."""
    what = "the question for coins"
    listed = inner(inner(table(answer, what), "address", what), "objects", what)
    nodes, page = listed.get("nodes"), inner(listed, "pageInfo", what)
    if not isinstance(nodes, list) or len(nodes) > 1000:
        raise BadResponse(f"{what} was answered without a list")
    found: list[Coin] = []
    for node in nodes:
        if not isinstance(node, Mapping):
            raise BadResponse(f"{what} was answered with something that is no object")
        identity = _address(node.get("address"), what)
        ref = ObjectRef(identity, number(node, "version", what, 2**53 - 1), digest_text(node.get("digest"), what))
        contents = inner(node, "contents", what)
        kind = inner(contents, "type", what).get("repr")
        try:
            same = coin_type(kind if isinstance(kind, str) else "") == coin_of(tag)
        except InputError:
            same = False
        data = _base64(contents.get("bcs"), what)
        if not same or len(data) != 40 or data[:32] != identity:
            raise BadResponse(f"{what} was answered with an object that is no coin of {tag}")
        if ref.digest[12:] != _RESERVED:
            found.append(Coin(ref, int.from_bytes(data[32:], "little")))
    if page.get("hasNextPage") is not True:
        return found, None
    cursor = page.get("endCursor")
    if not isinstance(cursor, str) or not cursor or len(cursor) > 1000:
        raise BadResponse(f"{what} was answered without the cursor of the next page")
    return found, cursor


def _address(value: Any, what: str) -> bytes:
    try:
        return addresses.to_bytes(value)
    except InvalidAddress as error:
        raise BadResponse(f"{what} was answered with an address that is none") from error


def _base64(value: Any, what: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        raise BadResponse(f"{what} was answered with something that is no base64") from None


def balance(answer: Any) -> tuple[int, int]:
    """What an owner has of a coin type: in coins, and in its address balance."""
    what = "the question for a balance"
    owner = inner(table(answer, what), "address", what)
    if owner.get("balance") is None:
        return 0, 0
    data = inner(owner, "balance", what)
    parts = [0 if data.get(name) is None else number(data, name, what) for name in ("coinBalance", "addressBalance")]
    if data.get("coinBalance") is None and data.get("totalBalance") is not None:
        parts[0] = max(number(data, "totalBalance", what) - parts[1], 0)
    return parts[0], parts[1]


def asset(network: Network, reference: str, answer: Any) -> Asset:
    """A coin with the symbol and decimals that the chain tells; InvalidAddress where it has no metadata."""
    what = "the question for a coin's metadata"
    data = table(answer, what)
    if data.get("coinMetadata") is None:
        raise InvalidAddress(f"there is no coin {coin_type(reference)} with metadata on {network.name}")
    found = inner(data, "coinMetadata", what)
    symbol = found.get("symbol")
    try:
        decimals = number(found, "decimals", what, 255)
        return Asset(asset_id(network, reference), symbol if isinstance(symbol, str) else "", decimals)
    except AmountError as error:
        raise BadResponse(f"the coin {coin_type(reference)} has a symbol that is none") from error


@dataclass(frozen=True, slots=True)
class Effects:
    """What a transaction came to. ``checkpoint`` is None while it is in none; costs are in MIST."""

    digest: str
    success: bool
    error: str | None
    epoch: int | None
    checkpoint: int | None
    computation: int
    storage: int
    rebate: int

    @property
    def fee(self) -> int:
        """What it cost, at least nothing: deleting objects can give back more than the rest costs."""
        return max(self.computation + self.storage - self.rebate, 0)


def effects(data: Mapping[str, Any], what: str) -> Effects:
    """The fields of :data:`queries.EFFECTS`."""
    digest, status = data.get("digest"), data.get("status")
    digest_text(digest, what)
    if status not in ("SUCCESS", "FAILURE"):
        raise BadResponse(f"{what} was answered without saying whether it succeeded")
    costs = inner(inner(data, "gasEffects", what), "gasSummary", what)
    names = ("computationCost", "storageCost", "storageRebate")
    spent = [number(costs, name, what) for name in names]
    error, epoch, checkpoint = data.get("executionError"), data.get("epoch"), data.get("checkpoint")
    return Effects(
        str(digest),
        status == "SUCCESS",
        words(error.get("message", "")) if isinstance(error, Mapping) else None,
        number(epoch, "epochId", what) if isinstance(epoch, Mapping) else None,
        number(checkpoint, "sequenceNumber", what) if isinstance(checkpoint, Mapping) else None,
        *spent,
    )


def transaction(answer: Any) -> Effects | None:
    """The answer to :data:`queries.TRANSACTION`; None where the service does not know it."""
    what = "the question for a transaction"
    data = table(answer, what)
    if data.get("transactionEffects") is None:
        if "transactionEffects" not in data:
            raise BadResponse(f"{what} was answered without 'transactionEffects'")
        return None
    return effects(inner(data, "transactionEffects", what), what)
