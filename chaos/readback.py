"""Reading the chain back without the outbox: who was paid how much, and by which transactions."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from .families import FAMILIES
from .nodes import Node, batches

__all__ = ["Seen", "read_chain"]


@dataclass(slots=True)
class Seen:
    """What the chain holds: each recipient's units, and the payers' transactions with nonce and success."""

    paid: list[int] = field(default_factory=list)
    transactions: dict[str, tuple[int | None, bool]] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)
    blocks: int = 0

    def add(self, txid: str, nonce: int | None, succeeded: bool) -> None:
        """Note a transaction that a payer signed."""
        if txid in self.transactions:
            self.twice.append(txid)
        self.transactions[txid] = (nonce, succeeded)


class _Client:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._base = parts.path
        self._http = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=120)

    def post(self, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json"}
        self._http.request("POST", self._base + path, json.dumps(body), headers)
        return json.loads(self._http.getresponse().read())

    def call(self, method: str, *params: Any) -> Any:
        return self.calls([(method, list(params))])[0]

    def calls(self, asked: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        body = [
            {"jsonrpc": "2.0", "id": n, "method": method, "params": params} for n, (method, params) in enumerate(asked)
        ]
        answers = {answer["id"]: answer for answer in self.post("", body)}
        for answer in answers.values():
            if answer.get("error"):
                raise RuntimeError(f"the node refused to be read: {answer['error']}")
        return [answers[n]["result"] for n in range(len(asked))]


def read_chain(family: str, node: Node, payers: Sequence[str], targets: Sequence[str]) -> Seen:
    """Read everything from the node itself, past the proxy."""
    return _READERS[FAMILIES[family].network](node, payers, targets)


def _ethereum(node: Node, payers: Sequence[str], targets: Sequence[str]) -> Seen:
    client, seen = _Client(node.endpoint), Seen()
    mine = {payer.lower() for payer in payers}
    seen.blocks = int(client.call("eth_blockNumber"), 16)
    for numbers in batches(range(seen.blocks + 1), 50):
        blocks = client.calls([("eth_getBlockByNumber", [hex(number), True]) for number in numbers])
        found = [item for block in blocks for item in block["transactions"] if item["from"].lower() in mine]
        for group in batches(found, 100):
            receipts = client.calls([("eth_getTransactionReceipt", [item["hash"]]) for item in group])
            for item, receipt in zip(group, receipts, strict=True):
                seen.add(item["hash"], int(item["nonce"], 16), int(receipt["status"], 16) == 1)
    for group in batches(targets, 100):
        seen.paid += [int(text, 16) for text in client.calls([("eth_getBalance", [t, "latest"]) for t in group])]
    counted = sum(int(client.call("eth_getTransactionCount", payer, "latest"), 16) for payer in payers)
    if counted != len(seen.transactions):
        raise RuntimeError(f"the blocks hold {len(seen.transactions)} transactions of accounts that count {counted}")
    return seen


def _tron(node: Node, payers: Sequence[str], targets: Sequence[str]) -> Seen:
    client, seen = _Client(node.endpoint), Seen()
    mine = set(payers)
    seen.blocks = client.post("/wallet/getnowblock", {})["block_header"]["raw_data"]["number"]
    got: Counter[str] = Counter()
    for first in range(0, seen.blocks + 1, 50):
        answer = client.post("/wallet/getblockbylimitnext", {"startNum": first, "endNum": first + 50, "visible": True})
        for block in answer.get("block", []):
            for item in block.get("transactions", []):
                value = item["raw_data"]["contract"][0]["parameter"]["value"]
                if value["owner_address"] in mine:
                    succeeded = item["ret"][0]["contractRet"] == "SUCCESS"
                    seen.add(item["txID"], None, succeeded)
                    got[value["to_address"]] += value["amount"] if succeeded else 0
    for target in targets:
        account = client.post("/wallet/getaccount", {"address": target, "visible": True})
        balance = account.get("balance", 0)
        if balance != got[target]:
            raise RuntimeError(f"{target} holds {balance} and was paid {got[target]} in the blocks")
        seen.paid.append(balance)
    return seen


def _solana(node: Node, payers: Sequence[str], targets: Sequence[str]) -> Seen:
    client, seen = _Client(node.endpoint), Seen()
    seen.blocks = client.call("getBlockHeight")
    for payer in payers:
        last: dict[str, Any] = {}
        while page := client.call("getSignaturesForAddress", payer, {"limit": 1000, **last}):
            last = {"before": page[-1]["signature"]}
            for group in batches(page, 100):
                settings = {"encoding": "json", "maxSupportedTransactionVersion": 0}
                found = client.calls([("getTransaction", [item["signature"], settings]) for item in group])
                for item, transaction in zip(group, found, strict=True):
                    if transaction["transaction"]["message"]["accountKeys"][0] == payer:  # and no gift of the faucet
                        seen.add(item["signature"], None, item["err"] is None)
    for group in batches(targets, 100):
        accounts = client.call("getMultipleAccounts", list(group), {"encoding": "base64"})["value"]
        seen.paid += [0 if account is None else account["lamports"] for account in accounts]
    return seen


def _bitcoin(node: Node, payers: Sequence[str], targets: Sequence[str]) -> Seen:
    client, seen = _Client(node.core), Seen()
    mine, wanted = set(payers), set(targets)
    got: Counter[str] = Counter()
    owned: set[tuple[str, int]] = set()
    seen.blocks = _core(client, "getblockcount")
    for number in range(seen.blocks + 1):
        block = _core(client, "getblock", _core(client, "getblockhash", number), 2)
        for item in block["tx"]:
            ours = any((coin.get("txid"), coin.get("vout")) in owned for coin in item["vin"])
            if ours:
                seen.add(item["txid"], None, True)
            for output in item["vout"]:
                address = output["scriptPubKey"].get("address", "")
                if address in mine:
                    owned.add((item["txid"], output["n"]))
                elif address in wanted:
                    got[address] += _satoshis(output["value"])
    seen.paid = [got[target] for target in targets]
    return seen


def _core(client: _Client, method: str, *params: Any) -> Any:
    answer = client.post("", {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    if answer.get("error"):
        raise RuntimeError(f"{method}: {answer['error']}")
    return answer["result"]


def _satoshis(value: float) -> int:
    return round(value * 10**8)  # the nearest: fifteen digits of a float are exact


_READERS: Final[Mapping[str, Callable[[Node, Sequence[str], Sequence[str]], Seen]]] = {
    "ethereum": _ethereum,
    "tron": _tron,
    "solana": _solana,
    "bitcoin": _bitcoin,
}
