"""The REST API of an Aptos fullnode (``/v1``), as far as wallets ask it, with its shapes and error codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..chains.aptos.move_values import decode_argument
from ..chains.aptos.type_tags import parse_type
from ..codec import json_text
from ..errors import InputError
from .aptos_chain import AptosChain, Committed, refused
from .aptos_ledger import FUNCTIONS, Invalid, Outcome, types_of
from .aptos_protocol import Transaction, address_text, read_address

__all__ = ["AptosHttp"]

_PRICE: Final = 100
_EPOCH: Final = 7_200_000_000


class AptosHttp:
    """Answers requests on behalf of a chain; ``accept`` takes a signed transaction in."""

    def __init__(self, chain: AptosChain, accept: Callable[[Transaction], str]) -> None:
        self._chain = chain
        self._accept = accept

    def answer(self, method: str, path: str, body: Any, query: Mapping[str, str] | None = None) -> Any:
        """Answer one request. Raises Rejected with the HTTP status and the API's error object."""
        parts = path.strip("/").split("/")
        if parts[:1] == ["v1"]:
            parts = parts[1:] or [""]
        if isinstance(body, str | bytes):
            try:
                body = json_text.parse(body)
            except InputError as error:
                raise refused(400, "web_framework_error", error.message) from None
        try:
            if method == "GET":
                return self._get(parts, query or {})
            if method == "POST":
                return self._post(parts, body)
        except InputError as error:
            raise refused(400, "invalid_input", error.message) from None
        raise refused(405, "web_framework_error", "method not allowed")

    def _get(self, parts: list[str], query: Mapping[str, str]) -> Any:
        match parts:
            case [""]:
                return self._root()
            case ["-", "healthy"]:
                return {"message": "aptos-node:ok"}
            case ["estimate_gas_price"]:
                return {
                    "deprioritized_gas_estimate": _PRICE,
                    "gas_estimate": _PRICE,
                    "prioritized_gas_estimate": _PRICE * 3 // 2,
                }
            case ["accounts", owner]:
                return self._account(read_address(owner))
            case ["accounts", owner, "balance", asset]:
                return self._balance(read_address(owner), asset)
            case ["accounts", owner, "resource", kind]:
                return self._resource(read_address(owner), kind)
            case ["accounts", owner, "module", name]:
                return self._module(read_address(owner), name)
            case ["accounts", owner, "transactions"]:
                return self._sent_by(read_address(owner), query)
            case ["transactions", "by_hash" | "wait_by_hash", txid]:
                return self._by_hash(txid)
            case ["transactions", "by_version", version]:
                return self._shown(self._at(version, "transaction_not_found"))
            case ["blocks", "by_version" | "by_height", height]:
                return self._block(self._at(height, "block_not_found"))
        raise refused(404, "web_framework_error", "not found")

    def _post(self, parts: list[str], body: Any) -> Any:
        match parts:
            case ["transactions"]:
                return self._submit(self._read(body))
            case ["transactions", "simulate"]:
                return self._simulate(self._read(body))
            case ["view"]:
                return self._view(body)
        raise refused(404, "web_framework_error", "not found")

    def _read(self, body: Any) -> Transaction:
        return Transaction.from_json(body, self._chain.ledger.chain_id, types_of)

    # -- state -------------------------------------------------------------------------------------

    def _root(self) -> dict[str, Any]:
        head = self._chain.head
        return {
            "chain_id": self._chain.ledger.chain_id,
            "epoch": str(1 + (head.time - self._chain.committed[0].time) // _EPOCH),
            "ledger_version": str(head.version),
            "oldest_ledger_version": "0",
            "ledger_timestamp": str(max(self._chain.now, head.time)),
            "node_role": "full_node",
            "oldest_block_height": "0",
            "block_height": str(head.version),
            "git_hash": "multiwallet-devnet",
        }

    def _account(self, owner: bytes) -> dict[str, Any]:
        # Since AIP-115 every address answers, as an account that nothing was sent from yet.
        number = self._chain.ledger.sequences.get(owner, 0)
        return {"sequence_number": str(number), "authentication_key": "0x" + owner.hex()}

    def _balance(self, owner: bytes, asset: str) -> int:
        try:
            name = self._chain.ledger.asset(asset)
        except InputError:
            if "::" in asset:
                parse_type(asset)  # a broken type is an error, one that nobody made a coin of is a balance of zero
            else:
                read_address(asset)
            return 0
        return self._chain.ledger.balances[name].get(owner, 0)

    def _resource(self, owner: bytes, kind: str) -> dict[str, Any]:
        tag = parse_type(kind)
        ledger, token = self._chain.ledger, None
        if str(tag) == "0x1::fungible_asset::Metadata":
            token = ledger.tokens.get(address_text(owner))
        elif tag.path == "0x1::coin::CoinInfo" and len(tag.arguments) == 1 and tag.arguments[0].address == owner:
            token = ledger.tokens.get(str(tag.arguments[0]))
        elif str(tag) == "0x1::account::Account" and owner in ledger.sequences:
            return {"type": str(tag), "data": self._account(owner)}
        if token is None:
            raise refused(
                404,
                "resource_not_found",
                f"Resource not found by Address({address_text(owner)}), Struct tag({tag}) "
                f"and Ledger version({self._chain.head.version})",
            )
        data = {"name": token.name, "symbol": token.symbol, "decimals": token.decimals}
        return {"type": str(tag), "data": data}

    def _module(self, owner: bytes, name: str) -> dict[str, Any]:
        prefix = f"{address_text(owner)}::{name}::"
        functions = [
            {
                "name": function.removeprefix(prefix),
                "visibility": "public",
                "is_entry": True,
                "is_view": False,
                "generic_type_params": [{"constraints": []}] * count,
                "params": ["&signer", *types],
                "return": [],
            }
            for function, (count, types) in FUNCTIONS.items()
            if function.startswith(prefix)
        ]
        if not functions:
            raise refused(
                404,
                "module_not_found",
                f"Module not found by Address({address_text(owner)}), Module name({name[:128]}) "
                f"and Ledger version({self._chain.head.version})",
            )
        abi = {"address": address_text(owner), "name": name, "friends": [], "structs": []}
        return {"bytecode": "0x", "abi": {**abi, "exposed_functions": functions}}

    def _view(self, body: Any) -> list[Any]:
        if not isinstance(body, Mapping):
            raise InputError("the request is no object")
        name, types, arguments = (body.get(field) for field in ("function", "type_arguments", "arguments"))
        if not isinstance(types, list) or not isinstance(arguments, list):
            raise InputError("type_arguments and arguments are lists")
        if name == "0x1::coin::balance" and len(types) == len(arguments) == 1:
            return [str(self._balance(read_address(arguments[0]), str(types[0])))]
        if name == "0x1::primary_fungible_store::balance" and len(arguments) == 2:
            named = arguments[1]["inner"] if isinstance(arguments[1], Mapping) else arguments[1]
            return [str(self._balance(read_address(arguments[0]), str(named)))]
        if name == "0x1::account::exists_at" and len(arguments) == 1:
            return [read_address(arguments[0]) in self._chain.ledger.sequences]
        raise InputError(f"this ledger has no view function {str(name)[:120]}")

    # -- transactions ------------------------------------------------------------------------------

    def _submit(self, transaction: Transaction) -> dict[str, Any]:
        self._accept(transaction)
        return self._request(transaction) | {"hash": transaction.txid}

    def _simulate(self, transaction: Transaction) -> list[dict[str, Any]]:
        if any(account.signature not in (None, bytes(64)) for _, account in transaction.signers):
            raise refused(400, "invalid_input", "Simulated transactions must not have a valid signature")
        trial, now = self._chain.ledger.copy(), self._chain.now
        try:
            trial.check(transaction, now // 1_000_000, simulated=True)
            outcome = trial.execute(transaction)
        except Invalid as error:
            outcome = Outcome(False, f"Transaction Executed and Committed with Error {error.status}", 0)
        return [self._result(transaction, Committed(self._chain.head.version + 1, now, transaction, outcome))]

    def _by_hash(self, txid: str) -> dict[str, Any]:
        version = self._chain.places.get(txid)
        if version is not None:
            return self._shown(self._chain.committed[version])
        waiting = self._chain.waiting.get(txid)
        if waiting is None:
            raise refused(404, "transaction_not_found", f"Transaction not found by Transaction hash({txid[:80]})")
        return self._request(waiting) | {"hash": txid, "type": "pending_transaction"}

    def _sent_by(self, owner: bytes, query: Mapping[str, str]) -> list[dict[str, Any]]:
        start, limit = _number(query.get("start", "0")), _number(query.get("limit", "25"))
        return [
            self._shown(item)
            for item in self._chain.committed
            if item.transaction is not None
            and item.transaction.sender == owner
            and item.transaction.nonce is None
            and item.transaction.sequence >= start
        ][:limit]

    def _at(self, text: str, code: str) -> Committed:
        if not text.isascii() or not text.isdigit() or len(text) > 20:
            raise InputError("a version is a whole number")
        if int(text) >= len(self._chain.committed):
            raise refused(404, code, f"nothing found at {text}")
        return self._chain.committed[int(text)]

    def _block(self, item: Committed) -> dict[str, Any]:
        version = str(item.version)
        return {
            "block_height": version,
            "block_hash": "0x" + item.version.to_bytes(32, "big").hex(),
            "block_timestamp": str(item.time),
            "first_version": version,
            "last_version": version,
            "transactions": None,
        }

    def _shown(self, item: Committed) -> dict[str, Any]:
        if item.transaction is None:
            kind = "genesis_transaction" if item.version == 0 else "block_metadata_transaction"
            hash_ = "0x" + item.version.to_bytes(32, "big").hex()
            return {"type": kind, "version": str(item.version), "hash": hash_, "timestamp": str(item.time)}
        return self._result(item.transaction, item)

    def _result(self, transaction: Transaction, item: Committed) -> dict[str, Any]:
        statement = {
            "execution_gas_units": str(item.outcome.gas),
            "io_gas_units": "0",
            "storage_fee_octas": "0",
            "storage_fee_refund_octas": "0",
            "total_charge_gas_units": str(item.outcome.gas),
        }
        guid = {"creation_number": "0", "account_address": "0x0"}
        event = {"guid": guid, "sequence_number": "0", "type": "0x1::transaction_fee::FeeStatement", "data": statement}
        return self._request(transaction) | {
            "type": "user_transaction",
            "version": str(item.version),
            "hash": transaction.txid,
            "success": item.outcome.success,
            "vm_status": item.outcome.status,
            "gas_used": str(item.outcome.gas),
            "timestamp": str(item.time),
            "changes": [],
            "events": [event],
        }

    def _request(self, transaction: Transaction) -> dict[str, Any]:
        call = transaction.call
        payload = None
        if call is not None:
            types = types_of(call.function, call.types)
            payload = {
                "type": "entry_function_payload",
                "function": call.function,
                "type_arguments": list(call.types),
                "arguments": [decode_argument(*pair) for pair in zip(types, call.arguments, strict=True)],
            }
        nonce = transaction.nonce
        return {
            "sender": address_text(transaction.sender),
            "sequence_number": str(transaction.sequence),
            "max_gas_amount": str(transaction.max_gas),
            "gas_unit_price": str(transaction.price),
            "expiration_timestamp_secs": str(transaction.expiration),
            "payload": payload,
            "replay_protection_nonce": None if nonce is None else str(nonce),
        }


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise InputError("start and limit are whole numbers")
    return int(text)
