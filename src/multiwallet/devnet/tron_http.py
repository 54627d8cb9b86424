"""The HTTP interface of a TRON node, as far as wallets ask it: ``wallet/...`` and ``walletsolidity/...``.

Like java-tron it answers refusals with status 200 and a text in ``Error`` or ``code``, and ``{}`` for what it does
not know. Addresses are hex, or Base58Check where the request says ``visible``.
"""

from __future__ import annotations

import json as json_text
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..codec import abi
from ..codec.hexadecimal import parse_hex
from ..errors import InputError, Rejected
from . import tron_view as view
from .evm_machine import Call
from .tron_chain import TronBlock, TronChain
from .tron_ledger import Books, check_signatures
from .tron_protocol import Transaction, address_text, read_address

__all__ = ["TronHttp"]

_LIFETIME: Final = 60_000
_TRIAL_ENERGY: Final = 25_000_000
_VALIDATION: Final = "class org.tron.core.exception.ContractValidateException : "


class TronHttp:
    """Answers requests on behalf of a chain; ``accept`` takes a signed transaction in."""

    def __init__(self, chain: TronChain, accept: Callable[[Transaction], bytes]) -> None:
        self._chain = chain
        self._accept = accept
        both: dict[str, Callable[[_Request], Any]] = {
            "getnowblock": lambda ask: view.block_json(ask.head, visible=ask.visible),
            "getblock": self._block,
            "getblockbynum": self._block_by_number,
            "getblockbyid": self._block_by_id,
            "getblockbylimitnext": self._blocks,
            "getblockbylatestnum": self._latest_blocks,
            "getaccount": lambda ask: view.account_json(ask.books, ask.address("address"), visible=ask.visible),
            "gettransactionbyid": self._transaction,
            "gettransactioninfobyid": self._info,
            "gettransactioninfobyblocknum": self._infos,
            "triggerconstantcontract": self._constant,
            "estimateenergy": self._estimate,
            "getenergyprices": lambda ask: {"prices": f"0:{chain.prices.energy}"},
            "getbandwidthprices": lambda ask: {"prices": f"0:{chain.prices.bandwidth}"},
        }
        wallet: dict[str, Callable[[_Request], Any]] = {
            "getaccountresource": lambda ask: view.resource_json(ask.books, ask.address("address")),
            "getaccountnet": lambda ask: view.net_json(ask.books, ask.address("address")),
            "getchainparameters": lambda ask: view.parameters_json(chain),
            "getcontract": lambda ask: view.contract_json(ask.books, ask.address("value"), visible=ask.visible),
            "getcontractinfo": self._contract_info,
            "getnodeinfo": self._node,
            "listnodes": lambda ask: {},
            "validateaddress": self._validate,
            "createtransaction": self._create,
            "createaccount": self._create_account,
            "triggersmartcontract": self._trigger,
            "getsignweight": self._weight,
            "broadcasttransaction": self._broadcast,
            "broadcasthex": self._broadcast_hex,
            "gettransactionfrompending": self._pending,
            "gettransactionlistfrompending": lambda ask: {"txId": [txid.hex() for txid in chain.waiting]},
            "getpendingsize": lambda ask: {"pendingSize": len(chain.waiting)},
        }
        self._calls = {f"wallet/{name}": call for name, call in {**both, **wallet}.items()}
        self._calls |= {f"walletsolidity/{name}": call for name, call in both.items()}

    def answer(self, method: str, path: str, body: Any, query: Mapping[str, str] | None) -> Any:
        """Answer one request. Raises Rejected with an HTTP status where a node would answer one."""
        name = path.strip("/").lower()
        call = self._calls.get(name)
        if call is None:
            raise Rejected(f"404 Not Found: {path[:80]}", node_code=404, data="Not Found")
        if method not in ("GET", "POST"):
            raise Rejected("405 Method Not Allowed", node_code=405, data="Method Not Allowed")
        if isinstance(body, str | bytes):
            try:
                body = json_text.loads(body) if body.strip() else None
            except (ValueError, RecursionError):
                return {"Error": "class com.alibaba.fastjson.JSONException : syntax error"}
        merged = dict(query or {}) if body is None else body
        if not isinstance(merged, Mapping):
            return {"Error": "class com.alibaba.fastjson.JSONException : not an object"}
        try:
            return call(_Request(self._chain, merged, solid=name.startswith("walletsolidity")))
        except Rejected as error:
            return {"Error": _VALIDATION + error.message.removeprefix("Contract validate error : ")}
        except InputError as error:
            return {"Error": f"class java.lang.IllegalArgumentException : {error.message}"}

    # -- blocks ------------------------------------------------------------------------------------

    def _block(self, ask: _Request) -> Any:
        named = ask.body.get("id_or_num")
        detail = ask.flag("detail")
        if named is None:
            block: TronBlock | None = ask.head
        elif isinstance(named, str) and len(named) == 64:
            block = ask.block_of(parse_hex(named))
        else:
            block = ask.numbered(ask.number("id_or_num"))
        return {} if block is None else view.block_json(block, visible=ask.visible, detail=detail)

    def _block_by_number(self, ask: _Request) -> Any:
        block = ask.numbered(ask.number("num"))
        return {} if block is None else view.block_json(block, visible=ask.visible)

    def _block_by_id(self, ask: _Request) -> Any:
        block = ask.block_of(ask.hash("value"))
        return {} if block is None else view.block_json(block, visible=ask.visible)

    def _blocks(self, ask: _Request) -> Any:
        first, end = ask.number("startNum"), ask.number("endNum")
        if not 0 <= first < end <= first + 100:
            return {}
        blocks = self._chain.blocks[first : min(end, ask.head.number + 1)]
        return {"block": [view.block_json(block, visible=ask.visible) for block in blocks]}

    def _latest_blocks(self, ask: _Request) -> Any:
        count = ask.number("num")
        if not 0 < count < 100:
            return {}
        blocks = self._chain.blocks[: ask.head.number + 1][-count:]
        return {"block": [view.block_json(block, visible=ask.visible) for block in reversed(blocks)]}

    # -- transactions ------------------------------------------------------------------------------

    def _transaction(self, ask: _Request) -> Any:
        block, position = ask.place()
        return {} if block is None else view.transaction_json(block.executed[position], visible=ask.visible)

    def _info(self, ask: _Request) -> Any:
        block, position = ask.place()
        return {} if block is None else view.info_json(block, block.executed[position], visible=ask.visible)

    def _infos(self, ask: _Request) -> Any:
        block = ask.numbered(ask.number("num"))
        return [] if block is None else [view.info_json(block, item, visible=ask.visible) for item in block.executed]

    def _pending(self, ask: _Request) -> Any:
        found = self._chain.waiting.get(ask.hash("value"))
        return {} if found is None else found.to_json(visible=ask.visible)

    def _broadcast(self, ask: _Request) -> Any:
        try:
            transaction = Transaction.from_json(ask.body)
        except InputError as error:
            return {"Error": f"class java.lang.IllegalArgumentException : {error.message}"}
        return self._sent(transaction, lambda text: view.message_text(text, ask.visible))

    def _broadcast_hex(self, ask: _Request) -> Any:
        transaction = Transaction.decode(parse_hex(ask.body.get("transaction", ""), what="transaction"))
        answer = self._sent(transaction, str)
        return {**answer, "transaction": json_text.dumps(transaction.to_json(visible=ask.visible))}

    def _sent(self, transaction: Transaction, write: Callable[[str], str]) -> dict[str, Any]:
        txid = transaction.txid.hex()
        try:
            self._accept(transaction)
        except Rejected as error:
            return {"result": False, "code": error.node_code, "txid": txid, "message": write(error.message)}
        return {"result": True, "txid": txid}

    def _made(self, ask: _Request, kind: int, value: dict[str, Any]) -> Transaction:
        """A transaction as the node makes it for a client, from the newest solid block."""
        reference = self._chain.solid.id
        head: dict[str, Any] = {
            "ref_block_bytes": reference[6:8],
            "ref_block_hash": reference[8:16],
            "expiration": self._chain.head.timestamp + _LIFETIME,
            "timestamp": int(self._chain.clock.now() * 1000),
        }
        if kind == 31 and ask.number("fee_limit"):
            head["fee_limit"] = ask.number("fee_limit")
        if ask.body.get("extra_data"):
            head["data"] = parse_hex(ask.body["extra_data"], what="extra_data")
        clean = {name: item for name, item in value.items() if item not in (0, b"")}
        return Transaction(kind, clean, head, ask.number("Permission_id"))

    def _create(self, ask: _Request) -> Any:
        value = {
            "owner_address": ask.address("owner_address"),
            "to_address": ask.address("to_address"),
            "amount": ask.number("amount"),
        }
        transaction = self._made(ask, 1, value)
        ask.books.check(transaction)
        return transaction.to_json(visible=ask.visible)

    def _create_account(self, ask: _Request) -> Any:
        value = {name: ask.address(name) for name in ("owner_address", "account_address")}
        transaction = self._made(ask, 0, value)
        ask.books.check(transaction)
        return transaction.to_json(visible=ask.visible)

    def _weight(self, ask: _Request) -> Any:
        transaction = Transaction.from_json(ask.body)
        owner = transaction.owner
        body = {"txid": transaction.txid.hex(), "transaction": transaction.to_json(visible=ask.visible)}
        answer: dict[str, Any] = {"transaction": {"result": {"result": True}, **body}}
        if ask.books.account(owner) is None:
            return {**answer, "result": {"code": "PERMISSION_ERROR", "message": "Account does not exist!"}}
        answer["permission"] = view.permission_json(owner, transaction.permission, ask.visible)
        try:
            check_signatures(transaction)
        except Rejected:
            return {**answer, "result": {"code": "NOT_ENOUGH_PERMISSION"}}
        approved = [address_text(owner, ask.visible)]
        return {**answer, "approved_list": approved, "current_weight": 1, "result": {"code": "ENOUGH_PERMISSION"}}

    # -- contracts ---------------------------------------------------------------------------------

    def _message(self, ask: _Request) -> tuple[dict[str, Any], Call]:
        """The fields of a contract call, and the call."""
        value: dict[str, Any] = {
            "owner_address": ask.address("owner_address"),
            "contract_address": ask.address("contract_address") if ask.body.get("contract_address") else b"",
            "call_value": ask.number("call_value"),
            "data": parse_hex(ask.body.get("data") or "", what="data"),
        }
        if ask.body.get("function_selector"):
            value["data"] = abi.selector(ask.body["function_selector"]) + parse_hex(
                ask.body.get("parameter") or "", what="parameter"
            )
        call = Call(
            sender=value["owner_address"][1:],
            to=value["contract_address"][1:] or None,
            gas=_TRIAL_ENERGY,
            value=value["call_value"],
            data=value["data"],
        )
        return value, call

    def _failed(self, ask: _Request, code: str, text: str) -> dict[str, Any]:
        return {"result": {"code": code, "message": view.message_text(text, ask.visible)}}

    def _trial(self, ask: _Request) -> Any:
        """A failure's answer, or the call's fields, run and result."""
        value, call = self._message(ask)
        contract = ask.books.accounts.get(value["contract_address"])
        if call.to is not None and (contract is None or contract.contract is None):
            return self._failed(ask, "CONTRACT_VALIDATE_ERROR", "Smart contract is not exist.")
        if ask.books.balance(value["owner_address"]) < call.value:
            text = "Validate InternalTransfer error, balance is not sufficient."
            return self._failed(ask, "CONTRACT_VALIDATE_ERROR", text)
        return value, *ask.books.trial(call)

    def _constant(self, ask: _Request) -> Any:
        found = self._trial(ask)
        if isinstance(found, dict):
            return found
        value, run, result = found
        body = self._made(ask, 31, value).to_json(visible=ask.visible)
        body["ret"] = [{} if result == "SUCCESS" else {"ret": "FAILED"}]
        answer: dict[str, Any] = {"result": {"result": True}, "energy_used": run.gas_before_refund}
        answer["constant_result"] = [run.output.hex()]
        if result != "SUCCESS":
            answer["result"]["message"] = view.message_text(view.words_of(result), ask.visible)
        if run.logs:
            answer["logs"] = [
                {
                    "address": bytes(address).hex(),
                    "topics": [f"{topic:064x}" for topic in topics],
                    "data": bytes(data).hex(),
                }
                for address, topics, data in run.logs
            ]
        return {**answer, "transaction": body}

    def _estimate(self, ask: _Request) -> Any:
        found = self._trial(ask)
        if isinstance(found, dict):
            return found
        _, run, result = found
        if result != "SUCCESS":
            return self._failed(ask, "CONTRACT_EXE_ERROR", view.words_of(result))
        # Code that gives an inner call all but a 64th of what is left (EIP-150) must start with more than it uses.
        return {"result": {"result": True}, "energy_required": run.gas_before_refund * 64 // 63 + 1}

    def _trigger(self, ask: _Request) -> Any:
        found = self._trial(ask)
        if isinstance(found, dict):
            return found
        body = self._made(ask, 31, found[0]).to_json(visible=ask.visible)
        return {"result": {"result": True}, "transaction": body}

    def _contract_info(self, ask: _Request) -> Any:
        address = ask.address("value")
        found = view.contract_json(ask.books, address, visible=ask.visible)
        return found and {"smart_contract": found, "runtimecode": ask.books.state.get_code(address[1:]).hex()}

    # -- the node ----------------------------------------------------------------------------------

    def _node(self, ask: _Request) -> Any:
        def shown(block: TronBlock) -> str:
            return f"Num:{block.number},ID:{block.id.hex()}"

        return {
            "beginSyncNum": 0,
            "block": shown(self._chain.head),
            "solidityBlock": shown(self._chain.solid),
            "currentConnectCount": 0,
            "activeConnectCount": 0,
            "configNodeInfo": {"codeVersion": "multiwallet-devnet"},
            "peerList": [],
        }

    def _validate(self, ask: _Request) -> Any:
        given = ask.body.get("address")
        try:
            read_address(given)
        except InputError:
            return {"result": False, "message": "Invalid address"}
        kind = "Base58check format" if str(given)[:1] == "T" else "Hex string format"
        return {"result": True, "message": kind}


class _Request:
    """One request's body, read as java-tron reads it, and the part of the chain that it may see."""

    def __init__(self, chain: TronChain, body: Mapping[str, Any], *, solid: bool) -> None:
        self._chain = chain
        self.body = body
        self.solid = solid
        self.visible = self.flag("visible")
        self.head = chain.solid if solid else chain.head

    @property
    def books(self) -> Books:
        return self._chain.books(self.head) if self.solid else self._chain.present()

    def flag(self, name: str) -> bool:
        return self.body.get(name) in (True, "true")

    def number(self, name: str) -> int:
        value = self.body.get(name, 0)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
            raise InputError(f"{name} is a whole number")
        return value

    def address(self, name: str) -> bytes:
        value = self.body.get(name)
        if not self.visible and isinstance(value, str) and value[:1] == "T":
            raise InputError(f"{name}: INVALID hex String; Base58Check needs visible to be true")
        if self.visible and isinstance(value, str) and value[:1] != "T":
            raise InputError(f"{name}: INVALID base58 String; hex needs visible to be false")
        return read_address(value)

    def hash(self, name: str) -> bytes:
        return parse_hex(self.body.get(name) or "", what=name)

    def numbered(self, number: int) -> TronBlock | None:
        return self._chain.blocks[number] if 0 <= number <= self.head.number else None

    def block_of(self, identity: bytes) -> TronBlock | None:
        block = self.numbered(int.from_bytes(identity[:8], "big"))
        return block if block is not None and block.id == identity else None

    def place(self) -> tuple[TronBlock | None, int]:
        """The block and position of the transaction that ``value`` names, if it can be seen."""
        number, position = self._chain.places.get(self.hash("value"), (-1, 0))
        return self.numbered(number), position
