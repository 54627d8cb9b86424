"""Blockbook's REST API, version 2, from what the engine's Esplora interface knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ...chains.bitcoin.esplora import refusal
from ...errors import Rejected
from .esplora import Esplora

__all__ = ["Blockbook"]

_PREFIX: Final = re.compile(r"api(?:/v2)?(?:/|$)", re.ASCII)


class Blockbook:
    """Status, block hashes, addresses, unspent outputs, transactions, fee estimates and broadcasting."""

    def __init__(self, esplora: Esplora) -> None:
        self._esplora = esplora

    @staticmethod
    def answers(path: str) -> bool:
        """Whether a path is one of Blockbook's."""
        return _PREFIX.match(path.strip("/")) is not None

    def request(self, method: str, path: str, text: str | None, query: Mapping[str, str] | None) -> Any:
        """The decoded body of the answer; Rejected with code 400 or 404 for what cannot be answered."""
        parts = _PREFIX.sub("", path.strip("/"), count=1).split("/")
        match method, parts:
            case "GET", [""]:
                height, best = self._get("blocks/tip/height"), self._get("blocks/tip/hash")
                return {
                    "blockbook": {"coin": "devnet", "inSync": True, "bestHeight": height, "decimals": 8},
                    "backend": {"blocks": height, "bestBlockHash": best},
                }
            case "GET", ["block-index", height]:
                return {"blockHash": self._get(f"block-height/{height}")}
            case "GET", ["address", address]:
                return self._address(address)
            case "GET", ["utxo", address]:
                return [_unspent(item) for item in self._get(f"address/{address}/utxo")]
            case "GET", ["tx", txid]:
                return self._transaction(txid, spending=(query or {}).get("spending") == "true")
            case "GET", ["estimatefee", blocks] if blocks.isascii() and blocks.isdigit():
                return {"result": "-1"}
            case "POST", ["sendtx"]:
                return {"result": self._send(text or "")}
            case "GET", ["sendtx", raw]:
                return {"result": self._send(raw)}
        raise _refuse(404, "page not found")

    def _get(self, path: str) -> Any:
        try:
            return self._esplora.request("GET", path, None, None)
        except Rejected as error:
            raise _refuse(400, error.message) from None

    def _send(self, raw: str) -> Any:
        try:
            return self._esplora.request("POST", "tx", raw, None)
        except Rejected as error:
            code, words = refusal(error)
            raise _refuse(400, f"{code}: {words}") from None

    def _address(self, address: str) -> dict[str, Any]:
        stated = self._get(f"address/{address}")
        chain, waiting = stated["chain_stats"], stated["mempool_stats"]
        return {
            "address": stated["address"],
            "balance": str(chain["funded_txo_sum"] - chain["spent_txo_sum"]),
            "totalReceived": str(chain["funded_txo_sum"]),
            "totalSent": str(chain["spent_txo_sum"]),
            "unconfirmedBalance": str(waiting["funded_txo_sum"] - waiting["spent_txo_sum"]),
            "unconfirmedTxs": waiting["tx_count"],
            "txs": chain["tx_count"],
        }

    def _transaction(self, txid: str, *, spending: bool) -> dict[str, Any]:
        try:
            stated = self._esplora.request("GET", f"tx/{txid}", None, None)
        except Rejected:
            raise _refuse(400, f"Transaction '{txid[:64]}' not found") from None
        outputs = [_output(number, output) for number, output in enumerate(stated["vout"])]
        for output in outputs if spending else ():
            spent = self._get(f"tx/{txid}/outspend/{output['n']}")
            if spent["spent"]:
                height = spent["status"].get("block_height", -1)
                output |= {"spent": True, "spentTxId": spent["txid"], "spentIndex": spent["vin"], "spentHeight": height}
        place: dict[str, Any] = {"blockHeight": -1, "confirmations": 0}
        if stated["status"]["confirmed"]:
            height = stated["status"]["block_height"]
            place = {"blockHash": stated["status"]["block_hash"], "blockHeight": height}
            place["confirmations"] = self._get("blocks/tip/height") - height + 1
        return {
            "txid": stated["txid"],
            "version": stated["version"],
            "lockTime": stated["locktime"],
            "vin": [_input(number, txin) for number, txin in enumerate(stated["vin"])],
            "vout": outputs,
            **place,
            "fees": str(stated["fee"]),
            "hex": self._get(f"tx/{txid}/hex"),
        }


def _refuse(status: int, words: str) -> Rejected:
    return Rejected(f"HTTP {status}: {words}", node_code=status, data={"error": words})


def _unspent(item: Mapping[str, Any]) -> dict[str, Any]:
    answer = {"txid": item["txid"], "vout": item["vout"], "value": str(item["value"])}
    return answer | ({"height": item["status"]["block_height"]} if item["status"]["confirmed"] else {})


def _input(number: int, txin: Mapping[str, Any]) -> dict[str, Any]:
    if txin["is_coinbase"]:
        return {"n": number, "coinbase": txin["scriptsig"], "sequence": txin["sequence"]}
    prevout = txin["prevout"] or {"value": 0}
    address = prevout.get("scriptpubkey_address")
    answer = {"txid": txin["txid"], "vout": txin["vout"], "n": number, "sequence": txin["sequence"]}
    return answer | {"value": str(prevout["value"])} | ({"addresses": [address]} if address else {})


def _output(number: int, output: Mapping[str, Any]) -> dict[str, Any]:
    address = output.get("scriptpubkey_address")
    answer = {"value": str(output["value"]), "n": number, "hex": output["scriptpubkey"]}
    return answer | ({"addresses": [address]} if address else {})
