"""The face of the devnet's Sui: the fields of the GraphQL RPC's schema that wallets ask for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ..chains.sui.tokens import coin_type
from ..chains.sui.type_tags import SUI, TypeTag, coin_of
from ..errors import InputError
from .sui_chain import Executed, SuiChain
from .sui_graphql import GraphqlError, answer
from .sui_ledger import PRICE, Object, costs
from .sui_protocol import Refused

__all__ = ["SuiApi"]

_PAGE: Final = 20
_MOST: Final = 50


class SuiApi:
    """Answers requests in GraphQL from a chain. ``mine`` is called after a transaction was taken in."""

    def __init__(self, chain: SuiChain, mine: Callable[[], None]) -> None:
        self.chain, self.mine = chain, mine

    def answer(self, body: Any) -> dict[str, Any]:
        """The response to a request's JSON body."""
        if not isinstance(body, Mapping):
            return answer(None, None, {})
        self.chain.turn()
        roots: dict[str, dict[str, Any]] = {
            "query": {
                "chainIdentifier": self.chain.identifier,
                "epoch": self._epoch,
                "checkpoint": self._checkpoint,
                "address": self._address,
                "coinMetadata": self._metadata,
                "transaction": lambda given: self._transaction(self._executed(given)),
                "transactionEffects": lambda given: self._effects(self._executed(given)),
                "simulateTransaction": self._simulate,
                "object": self._object_at,
                "objectVersions": self._versions,
            },
            "mutation": {"executeTransaction": self._execute},
        }
        return answer(body.get("query"), body.get("variables"), roots)

    # -- the chain ---------------------------------------------------------------------------------

    def _epoch(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"epochId": self.chain.epoch, "referenceGasPrice": str(PRICE)}

    def _checkpoint(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        number = given.get("sequenceNumber")
        number = self.chain.checkpoint if number is None else number
        if not isinstance(number, int) or not 0 <= number <= self.chain.checkpoint:
            return None
        return {"sequenceNumber": number, "digest": self.chain.identifier if number == 0 else None}

    # -- owners and coins --------------------------------------------------------------------------

    def _address(self, given: Mapping[str, Any]) -> dict[str, Any]:
        owner = _address(given.get("address"))
        return {
            "address": "0x" + owner.hex(),
            "balance": lambda inner: self._balance(owner, inner),
            "objects": lambda inner: self._objects(owner, inner),
        }

    def _balance(self, owner: bytes, given: Mapping[str, Any]) -> dict[str, Any]:
        tag = _type(given.get("coinType"))
        units = str(sum(item.units for item in self.chain.ledger.owned(owner, tag)))
        kind = {"repr": tag.canonical()}
        return {"coinType": kind, "totalBalance": units, "coinBalance": units, "addressBalance": "0"}

    def _objects(self, owner: bytes, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted = (given.get("filter") or {}).get("type")
        tag = _type(wanted)
        if tag.path != coin_of(SUI).path or len(tag.arguments) != 1:
            raise GraphqlError("this devnet lists the coins of one type alone")
        return _page(self.chain.ledger.owned(owner, tag.arguments[0]), given)

    def _metadata(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        found = self.chain.metadata.get(_type(given.get("coinType")))
        if found is None:
            return None
        told = {"name": found.symbol, "description": "", "iconUrl": None, "address": None}
        return {"symbol": found.symbol, "decimals": found.decimals, **told}

    def _object_at(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        identity, version = _address(given.get("address")), given.get("version")
        item = self.chain.ledger.objects.get(identity)
        if version is not None:
            item = self.chain.versions.get(identity, {}).get(version)
        return None if item is None else self._object(item)

    def _versions(self, given: Mapping[str, Any]) -> dict[str, Any]:
        after = (given.get("filter") or {}).get("afterVersion") or 0
        listed = self.chain.versions.get(_address(given.get("address")), {})
        found = [self._object(item) for number, item in sorted(listed.items()) if number > after]
        return {"nodes": found[: given.get("first") or _PAGE]}

    def _object(self, item: Object) -> dict[str, Any]:
        from ..codec import base58

        made = self.chain.executed.get(base58.encode(item.previous))
        return _node(item) | {"previousTransaction": self._transaction(made)}

    # -- transactions ------------------------------------------------------------------------------

    def _executed(self, given: Mapping[str, Any]) -> Executed | None:
        return self.chain.executed.get(str(given.get("digest")))

    def _transaction(self, found: Executed | None) -> dict[str, Any] | None:
        if found is None:
            return None
        transaction = found.transaction
        effects = self._effects(found)
        data = base64.b64encode(transaction.raw).decode("ascii")
        return {"digest": transaction.txid, "effects": effects, "transactionBcs": data, "signatures": []}

    def _effects(self, found: Executed | None) -> dict[str, Any] | None:
        if found is None:
            return None
        outcome, time = found.outcome, datetime.fromtimestamp(self.chain.clock.now(), UTC)
        error = {"message": outcome.error, "abortCode": None, "identifier": None, "constant": None}
        error |= {"sourceLineNumber": None, "instructionOffset": None, "module": None, "function": None}
        place = {"sequenceNumber": found.checkpoint} if found.checkpoint >= 0 else None
        return {
            "digest": found.transaction.txid,
            "status": "SUCCESS" if outcome.success else "FAILURE",
            "executionError": None if outcome.success else error,
            "epoch": {"epochId": found.epoch},
            "checkpoint": place,
            "timestamp": time.isoformat(),
            "gasEffects": {"gasSummary": costs(outcome)},
            "transaction": lambda _: self._transaction(found),
        }

    def _simulate(self, given: Mapping[str, Any]) -> dict[str, Any]:
        transaction = given.get("transaction")
        data = transaction.get("bcs") if isinstance(transaction, Mapping) else None
        if not isinstance(data, Mapping):
            raise GraphqlError("this devnet simulates transactions that come as bcs")
        try:
            return {"effects": self._effects(self.chain.simulate(_base64(data.get("value")))), "outputs": []}
        except Refused as error:
            raise GraphqlError(f"Failed to simulate transaction: {error}") from None

    def _execute(self, given: Mapping[str, Any]) -> dict[str, Any]:
        listed = given.get("signatures")
        if not isinstance(listed, list):
            raise GraphqlError("signatures is a list")
        try:
            transaction = self.chain.submit(
                _base64(given.get("transactionDataBcs")), [_base64(item) for item in listed]
            )
        except Refused as error:
            raise GraphqlError(f"Failed to execute transaction: {error}") from None
        self.mine()
        found = self.chain.executed.get(transaction.txid)
        if found is None:
            raise GraphqlError("Request timed out before the transaction reached finality", "REQUEST_TIMEOUT")
        return {"effects": self._effects(found)}


def _node(item: Object) -> dict[str, Any]:
    identity = "0x" + item.id.hex()
    return {
        "address": identity,
        "version": item.version,
        "digest": _digest(item),
        "owner": {"__typename": "AddressOwner", "address": {"address": "0x" + item.owner.hex()}},
        "contents": {
            "type": {"repr": coin_of(item.tag).canonical()},
            "bcs": base64.b64encode(item.contents).decode("ascii"),
            "json": {"id": identity, "balance": str(item.units)},
        },
    }


def _digest(item: Object) -> str:
    from ..codec import base58

    return base58.encode(item.digest)


def _page(listed: list[Object], given: Mapping[str, Any]) -> dict[str, Any]:
    first, after = given.get("first"), given.get("after")
    size = _PAGE if first is None else first
    if not isinstance(size, int) or not 0 <= size <= _MOST:
        raise GraphqlError(f"Page size is too large: {size} > {_MOST}")
    rest = [item for item in listed if after is None or item.id.hex() > after]
    page = rest[:size]
    info = {"hasNextPage": len(rest) > size, "hasPreviousPage": after is not None, "startCursor": None}
    return {
        "nodes": [_node(item) for item in page],
        "pageInfo": info | {"endCursor": page[-1].id.hex() if page else None},
    }


def _address(value: Any) -> bytes:
    from ..chains.sui.addresses import named

    try:
        return named(value)
    except InputError as error:
        raise GraphqlError(f'Failed to parse "SuiAddress": {error.message}') from None


def _type(value: Any) -> TypeTag:
    try:
        return coin_type(value)
    except InputError as error:
        raise GraphqlError(f"not a type: {error.message}") from None


def _base64(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        raise GraphqlError('Failed to parse "Base64"') from None
