"""The REST interface of a Cosmos SDK node (its gRPC gateway), as far as wallets ask it.

An answer that a gateway gives with an HTTP status of 400 or more is a Rejected with that status and the body
``{"code": gRPC code, "message": ..., "details": []}``.
"""

from __future__ import annotations

import base64
import binascii
import json as json_text
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from ..crypto.hashes import sha256
from ..errors import InputError, Rejected
from .cosmos_ledger import Failure, Outcome, gas_of
from .cosmos_protocol import Transaction, read_bech32

if TYPE_CHECKING:
    from .cosmos import CosmosEngine

__all__ = ["CosmosHttp"]

_HTTP: Final = {2: 500, 3: 400, 5: 404, 12: 501}


def refuse(code: int, message: str) -> Rejected:
    """A gRPC status as the gateway answers it."""
    return Rejected(message, node_code=_HTTP[code], data={"code": code, "message": message, "details": []})


class CosmosHttp:
    """Answers requests on behalf of an engine."""

    def __init__(self, engine: CosmosEngine) -> None:
        self._engine = engine
        self._terms = engine.terms

    def answer(self, method: str, path: str, body: Any, query: Mapping[str, str]) -> Any:
        """Answer one request. Raises Rejected with an HTTP status where a node would."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if method == "POST":
            posts: dict[str, Callable[[Any], Any]] = {
                "cosmos/tx/v1beta1/simulate": self._simulate,
                "cosmos/tx/v1beta1/txs": self._broadcast,
            }
            call = posts.get(path.strip("/"))
            if call is None:
                raise refuse(12, "Not Implemented")
            if isinstance(body, str):
                try:
                    body = json_text.loads(body)
                except ValueError:
                    raise refuse(3, "invalid character in the request's JSON") from None
            if not isinstance(body, Mapping):
                raise refuse(3, "the request is no JSON object")
            return call(body)
        if method != "GET":
            raise refuse(12, "Method Not Allowed")
        found = self._get(parts, query)
        if found is None:
            raise refuse(12, "Not Implemented")
        return found

    def _get(self, parts: list[str], query: Mapping[str, str]) -> Any:
        match parts:
            case ["cosmos", "base", "tendermint", "v1beta1", "node_info"]:
                return {
                    "default_node_info": {"network": self._terms.chain_id, "moniker": "devnet"},
                    "application_version": {"name": "devnet", "cosmos_sdk_version": "v0.50.0"},
                }
            case ["cosmos", "base", "tendermint", "v1beta1", "blocks", "latest"]:
                return self._block()
            case ["cosmos", "base", "node", "v1beta1", "config"]:
                return {"minimum_gas_price": f"{self._price()}{self._terms.denom}"}
            case ["feemarket", "v1", "gas_price", denom] if denom == self._terms.denom:
                return {"price": {"denom": denom, "amount": self._price()}}
            case ["osmosis", "txfees", "v1beta1", "cur_eip_base_fee"]:
                return {"base_fee": self._price()}
            case ["injective", "txfees", "v1beta1", "cur_eip_base_fee"]:
                return {"base_fee": {"base_fee": self._price()}}
            case ["cosmos", "auth", "v1beta1", "accounts", address]:
                return self._account(self._address(address))
            case ["cosmos", "bank", "v1beta1", "balances" | "spendable_balances", address, "by_denom"]:
                denom = query.get("denom", "")
                units = self._engine.books.held(self._address(address), denom)
                return {"balance": {"denom": denom, "amount": str(units)}}
            case ["cosmos", "bank", "v1beta1", "balances" | "spendable_balances", address]:
                coins = self._engine.books.balances.get(self._address(address), {})
                listed = [{"denom": d, "amount": str(units)} for d, units in sorted(coins.items()) if units]
                return {"balances": listed, "pagination": {"next_key": None, "total": str(len(listed))}}
            case ["cosmos", "bank", "v1beta1", "denoms_metadata", *rest] if rest:
                return self._metadata("/".join(rest))
            case ["cosmos", "bank", "v1beta1", "denoms_metadata_by_query_string"]:
                return self._metadata(query.get("denom", ""))
            case ["cosmos", "staking", "v1beta1", "delegations", address]:
                return self._delegations(self._address(address))
            case ["cosmos", "staking", "v1beta1", "delegators", address, "unbonding_delegations"]:
                return self._unbonding(self._address(address))
            case ["cosmos", "staking", "v1beta1", "validators"]:
                return {"validators": [{"operator_address": item} for item in self._engine.books.validators]}
            case ["cosmos", "tx", "v1beta1", "txs", txid]:
                return self._transaction(txid)
        return None

    # -- reading -----------------------------------------------------------------------------------

    def _price(self) -> str:
        whole, fraction = divmod(self._terms.min_price, 10**18)
        return f"{whole}.{fraction:018d}"

    def _address(self, text: str) -> str:
        try:
            read_bech32(self._terms.hrp, text)
        except InputError as error:
            raise refuse(3, f"invalid address: {error.message}") from None
        return text

    def _block(self) -> Any:
        block = self._engine.head
        moment = datetime.fromtimestamp(int(block.time), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        nanoseconds = int(block.time * 10**9) % 10**9
        header = {
            "chain_id": self._terms.chain_id,
            "height": str(block.height),
            "time": f"{moment}.{nanoseconds:09d}Z",
        }
        identity = base64.b64encode(block.id).decode()
        listed = [base64.b64encode(item.transaction.raw).decode() for item in block.executed]
        return {"block_id": {"hash": identity}, "block": {"header": header, "data": {"txs": listed}}}

    def _account(self, address: str) -> Any:
        account = self._engine.books.accounts.get(address)
        if account is None:
            raise refuse(5, f"account {address} not found")
        key = None
        if account.key:
            key = {"@type": self._terms.key_url, "key": base64.b64encode(account.key).decode()}
        base = {
            "address": address,
            "pub_key": key,
            "account_number": str(account.number),
            "sequence": str(account.sequence),
        }
        if self._terms.eth_keys:
            kind = self._terms.key_url.split(".", 1)[0].strip("/")
            return {
                "account": {"@type": f"/{kind}.types.v1beta1.EthAccount", "base_account": base, "code_hash": "xdJGAYb3"}
            }
        return {"account": {"@type": "/cosmos.auth.v1beta1.BaseAccount", **base}}

    def _metadata(self, denom: str) -> Any:
        found = self._engine.books.metadata.get(denom)
        if found is None:
            raise refuse(5, f"client metadata for denom {denom}")
        return {"metadata": found}

    def _delegations(self, address: str) -> Any:
        listed = [
            {
                "delegation": {"delegator_address": address, "validator_address": validator, "shares": f"{units}.0"},
                "balance": {"denom": self._terms.denom, "amount": str(units)},
            }
            for (delegator, validator), units in self._engine.books.stakes.items()
            if delegator == address and units
        ]
        return {"delegation_responses": listed, "pagination": {"next_key": None, "total": str(len(listed))}}

    def _unbonding(self, address: str) -> Any:
        listed = [
            {
                "delegator_address": address,
                "validator_address": item.validator,
                "entries": [{"creation_height": str(item.height), "balance": str(item.units)}],
            }
            for item in self._engine.books.unbonding
            if item.delegator == address
        ]
        return {"unbonding_responses": listed, "pagination": {"next_key": None, "total": str(len(listed))}}

    def _transaction(self, txid: str) -> Any:
        place = self._engine.places.get(txid.upper())
        if place is None:
            raise refuse(5, f"tx not found: {txid.upper()}")
        height, outcome = place
        fee = [{"denom": denom, "amount": str(units)} for denom, units in outcome.transaction.fee.items()]
        gas = str(outcome.transaction.gas)
        body = {
            "messages": [{"@type": message.url} for message in outcome.transaction.messages],
            "memo": outcome.transaction.memo,
            "timeout_height": str(outcome.transaction.timeout_height),
        }
        return {
            "tx": {"body": body, "auth_info": {"fee": {"amount": fee, "gas_limit": gas}}},
            "tx_response": _response(txid.upper(), height, outcome),
        }

    # -- transactions ------------------------------------------------------------------------------

    def _bytes(self, body: Mapping[str, Any]) -> bytes:
        try:
            return base64.b64decode(body.get("tx_bytes", ""), validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise refuse(3, "illegal base64 data in tx_bytes") from None

    def _simulate(self, body: Mapping[str, Any]) -> Any:
        raw = self._bytes(body)
        try:
            transaction = Transaction.decode(raw)
        except InputError as error:
            raise refuse(3, f"tx parse error: {error}") from None
        books = self._engine.checked()
        try:
            books.ante(transaction, trial=True)
        except Failure as failure:
            raise refuse(2, f"{failure.log} with gas used: '0'") from None
        outcome = books.execute(transaction)
        if outcome.code:
            raise refuse(2, f"{outcome.log} with gas used: '{outcome.gas_used}'")
        return {"gas_info": {"gas_wanted": "0", "gas_used": str(gas_of(transaction))}, "result": {"events": []}}

    def _broadcast(self, body: Mapping[str, Any]) -> Any:
        if body.get("mode") != "BROADCAST_MODE_SYNC":
            raise refuse(3, f"unsupported broadcast mode {str(body.get('mode'))[:40]}")
        raw = self._bytes(body)
        txid = sha256(raw).hex().upper()
        code, space, log = 0, "", "[]"
        try:
            self._engine.accept(raw)
        except Failure as failure:
            code, space, log = failure.code, failure.space, failure.log
        answer = {"height": "0", "txhash": txid, "codespace": space, "code": code, "raw_log": log}
        return {"tx_response": {**answer, "gas_wanted": "0", "gas_used": "0", "tx": None, "timestamp": ""}}


def _response(txid: str, height: int, outcome: Outcome) -> dict[str, Any]:
    return {
        "height": str(height),
        "txhash": txid,
        "codespace": outcome.space,
        "code": outcome.code,
        "raw_log": outcome.log,
        "gas_wanted": str(outcome.transaction.gas),
        "gas_used": str(outcome.gas_used),
    }
