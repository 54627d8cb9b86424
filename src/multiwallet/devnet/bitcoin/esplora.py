"""Esplora's HTTP interface: what block explorers and light wallets ask."""

from __future__ import annotations

import json as json_text
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from ...chains.bitcoin import addresses
from ...chains.bitcoin.script import pushes_of
from ...chains.bitcoin.transaction import Transaction, TxOut
from ...crypto.hashes import sha256
from ...errors import MultiwalletError, Rejected
from .answers import DIFFICULTY
from .blocks import BITS, Block, is_coinbase, merkle_branch
from .fees import TARGETS, feerate
from .node import Node
from .parameters import read_transaction
from .rpc import CoreRpc
from .script_text import esplora_assembly, esplora_kind

__all__ = ["Esplora"]

_PAGE: Final = 25
_MEMPOOL_PAGE: Final = 50
_BLOCKS_PAGE: Final = 10
_DECODE: Final = "TX decode failed. Make sure the tx has at least one input."


def _refuse(status: int, text: str) -> Rejected:
    return Rejected(f"HTTP status {status}: {text}", node_code=status, data=text)


class Esplora:
    """Answers requests about one node. A refusal carries the HTTP status and the body's text."""

    def __init__(self, node: Node, rpc: CoreRpc) -> None:
        self._node = node
        self._index = node.index
        self._rpc = rpc
        hash_, number = "([0-9a-fA-F]{64})", "([0-9]{1,9})"
        holder = "(address|scripthash)/([^/]{1,100})"
        routes: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("GET", "blocks/tip/height", lambda: self._index.height),
            ("GET", "blocks/tip/hash", lambda: self._index.tip.name),
            ("GET", f"blocks(?:/{number})?", self._blocks),
            ("GET", f"block-height/{number}", self._block_hash),
            ("GET", f"block/{hash_}", lambda name: self._block_answer(self._block(name))),
            ("GET", f"block/{hash_}/status", self._block_status),
            ("GET", f"block/{hash_}/header", lambda name: self._block(name).header.hex()),
            ("GET", f"block/{hash_}/raw", lambda name: self._block(name).serialize()),
            ("GET", f"block/{hash_}/txids", lambda name: [item.txid for item in self._block(name).transactions]),
            ("GET", f"block/{hash_}/txid/{number}", self._block_txid),
            ("GET", f"block/{hash_}/txs(?:/{number})?", self._block_transactions),
            ("GET", f"tx/{hash_}", lambda txid: self._transaction_answer(self._transaction(txid))),
            ("GET", f"tx/{hash_}/hex", lambda txid: self._transaction(txid).serialize().hex()),
            ("GET", f"tx/{hash_}/raw", lambda txid: self._transaction(txid).serialize()),
            ("GET", f"tx/{hash_}/status", lambda txid: self._status(self._transaction(txid).txid)),
            ("GET", f"tx/{hash_}/outspend/{number}", self._outspend),
            ("GET", f"tx/{hash_}/outspends", self._outspends),
            ("GET", f"tx/{hash_}/merkle-proof", self._merkle_proof),
            ("GET", holder, self._holder_answer),
            ("GET", f"{holder}/utxo", self._unspent),
            ("GET", f"{holder}/txs", self._holder_transactions),
            ("GET", f"{holder}/txs/chain(?:/{hash_})?", self._holder_chain),
            ("GET", f"{holder}/txs/mempool", self._holder_mempool),
            ("GET", "mempool", self._mempool),
            ("GET", "mempool/txids", lambda: list(node.mempool.entries)),
            ("GET", "mempool/recent", self._recent),
            ("GET", "fee-estimates", self._fee_estimates),
        )
        self._routes = [(method, re.compile(pattern, re.ASCII), answer) for method, pattern, answer in routes]

    def request(self, method: str, path: str, text: str | None, query: Mapping[str, str] | None) -> Any:
        """The decoded body of the answer: JSON, a text, or bytes where Esplora answers with a binary body."""
        place = path.strip("/")
        if method == "POST" and place == "tx":
            return self._send(text)
        if method == "GET" and place == "broadcast":
            return self._send((query or {}).get("tx"))
        for wanted, pattern, answer in self._routes:
            match = pattern.fullmatch(place)
            if match is not None and wanted == method:
                return answer(*match.groups())
        if re.fullmatch(r"(?:tx|block)/[^/]*(?:/.*)?", place):
            raise _refuse(400, "Invalid hex string")
        raise _refuse(404, f'endpoint does not exist: "/{place[:100]}"')

    def _send(self, text: str | None) -> str:
        try:
            return self._rpc.send(read_transaction((text or "").strip(), _DECODE))
        except Rejected as error:
            body = json_text.dumps({"code": error.node_code, "message": error.message}, separators=(",", ":"))
            raise _refuse(400, f"sendrawtransaction RPC error: {body}") from None

    # -- blocks --------------------------------------------------------------------------------------

    def _block(self, name: str) -> Block:
        block = self._index.by_name.get(name.lower())
        if block is None:
            raise _refuse(404, "Block not found")
        return block

    def _block_hash(self, height: str) -> str:
        if int(height) > self._index.height:
            raise _refuse(404, "Block not found")
        return self._index.blocks[int(height)].name

    def _blocks(self, start: str | None) -> list[dict[str, Any]]:
        highest = self._index.height if start is None else min(int(start), self._index.height)
        chosen = self._index.blocks[max(highest - _BLOCKS_PAGE + 1, 0) : highest + 1]
        return [self._block_answer(block) for block in reversed(chosen)]

    def _block_answer(self, block: Block) -> dict[str, Any]:
        stripped, size = len(block.serialize(False)), len(block.serialize())
        return {
            "id": block.name,
            "height": block.height,
            "version": block.version,
            "timestamp": block.time,
            "tx_count": len(block.transactions),
            "size": size,
            "weight": 3 * stripped + size,
            "merkle_root": block.merkle_root,
            "previousblockhash": block.previous_name or None,
            "mediantime": block.median_time,
            "nonce": block.nonce,
            "bits": BITS,
            "difficulty": DIFFICULTY,
        }

    def _block_status(self, name: str) -> dict[str, Any]:
        block = self._block(name)
        if not self._index.is_active(block):
            return {"in_best_chain": False, "height": None, "next_best": None}
        following = self._index.next_of(block)
        return {
            "in_best_chain": True,
            "height": block.height,
            "next_best": None if following is None else following.name,
        }

    def _block_txid(self, name: str, position: str) -> str:
        transactions = self._block(name).transactions
        if int(position) >= len(transactions):
            raise _refuse(404, "tx not found")
        return transactions[int(position)].txid

    def _block_transactions(self, name: str, start: str | None) -> list[dict[str, Any]]:
        first, transactions = int(start or 0), self._block(name).transactions
        if first >= len(transactions):
            raise _refuse(400, "start index out of range")
        if first % _PAGE:
            raise _refuse(400, f"start index must be a multipication of {_PAGE}")
        return [self._transaction_answer(item) for item in transactions[first : first + _PAGE]]

    # -- transactions --------------------------------------------------------------------------------

    def _transaction(self, txid: str) -> Transaction:
        transaction = self._node.transaction(txid.lower())
        if transaction is None:
            raise _refuse(404, "Transaction not found")
        return transaction

    def _status(self, txid: str) -> dict[str, Any]:
        place = self._index.places.get(txid)
        if place is None:
            return {"confirmed": False}
        return {
            "confirmed": True,
            "block_height": place.block.height,
            "block_hash": place.block.name,
            "block_time": place.block.time,
        }

    def _output_answer(self, output: TxOut) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "scriptpubkey": output.script.hex(),
            "scriptpubkey_asm": esplora_assembly(output.script),
            "scriptpubkey_type": esplora_kind(output.script),
        }
        address = addresses.address_of(self._node.network, output.script)
        if address is not None:
            answer["scriptpubkey_address"] = address
        return {**answer, "value": output.amount}

    def _transaction_answer(self, transaction: Transaction) -> dict[str, Any]:
        coinbase = is_coinbase(transaction)
        inputs, total = [], 0
        for txin in transaction.inputs:
            output = None if coinbase else self._node.output(txin.prevout)
            total += output.amount if output is not None else 0
            item: dict[str, Any] = {
                "txid": txin.outpoint.txid,
                "vout": txin.outpoint.index,
                "prevout": None if output is None else self._output_answer(output),
                "scriptsig": txin.script_sig.hex(),
                "scriptsig_asm": esplora_assembly(txin.script_sig),
            }
            if txin.witness:
                item["witness"] = [element.hex() for element in txin.witness]
            item |= {"is_coinbase": coinbase, "sequence": txin.sequence}
            if output is not None:
                item |= _inner_scripts(output.script, txin.script_sig, txin.witness)
            inputs.append(item)
        paid = sum(output.amount for output in transaction.outputs)
        return {
            "txid": transaction.txid,
            "version": transaction.version,
            "locktime": transaction.locktime,
            "vin": inputs,
            "vout": [self._output_answer(output) for output in transaction.outputs],
            "size": len(transaction.serialize()),
            "weight": transaction.weight,
            "fee": 0 if coinbase else total - paid,
            "status": self._status(transaction.txid),
        }

    def _spent_by(self, outpoint: bytes) -> dict[str, Any]:
        spender = self._index.spenders.get(outpoint) or self._node.mempool.spenders.get(outpoint)
        if spender is None:
            return {"spent": False}
        return {"spent": True, "txid": spender.txid, "vin": spender.number, "status": self._status(spender.txid)}

    def _outspend(self, txid: str, number: str) -> dict[str, Any]:
        transaction = self._transaction(txid)
        if int(number) >= len(transaction.outputs):
            raise _refuse(404, "Transaction output not found")
        return self._spent_by(transaction.txid_bytes + int(number).to_bytes(4, "little"))

    def _outspends(self, txid: str) -> list[dict[str, Any]]:
        transaction = self._transaction(txid)
        numbers = range(len(transaction.outputs))
        return [self._spent_by(transaction.txid_bytes + number.to_bytes(4, "little")) for number in numbers]

    def _merkle_proof(self, txid: str) -> dict[str, Any]:
        place = self._index.places.get(txid.lower())
        if place is None:
            raise _refuse(404, "Transaction not found or is unconfirmed")
        leaves = [item.txid_bytes for item in place.block.transactions]
        branch = [item[::-1].hex() for item in merkle_branch(leaves, place.position)]
        return {"block_height": place.block.height, "merkle": branch, "pos": place.position}

    # -- addresses and scripts -----------------------------------------------------------------------

    def _script(self, kind: str, text: str) -> bytes | None:
        """The script asked for; None for the hash of a script that the chain and the mempool do not know."""
        if kind == "address":
            try:
                return addresses.script_of(self._node.network, text)
            except MultiwalletError:
                raise _refuse(400, "Invalid Bitcoin address") from None
        if not re.fullmatch(r"[0-9a-fA-F]{64}", text, re.ASCII):
            raise _refuse(400, "Invalid hex string")
        script = self._index.script_of_hash.get(text.lower())
        if script is None:
            outputs = (output for entry in self._node.mempool for output in entry.transaction.outputs)
            script = next((item.script for item in outputs if sha256(item.script).hex() == text.lower()), None)
        return script

    def _confirmed(self, script: bytes | None) -> list[Transaction]:
        """The transactions in blocks that pay or spend a script, the newest first."""
        if script is None:
            return []
        places = [self._index.places[txid] for txid in self._index.history.get(script, ())]
        places.sort(key=lambda place: (-place.block.height, -place.position))
        return [place.block.transactions[place.position] for place in places]

    def _waiting(self, script: bytes | None) -> list[Transaction]:
        """The transactions of the mempool that pay or spend a script, the newest first."""
        entries = [
            entry.transaction
            for entry in self._node.mempool
            if any(output.script == script for output in (*entry.spent, *entry.transaction.outputs))
        ]
        return entries[::-1]

    def _totals(self, script: bytes | None, transactions: Iterable[Transaction]) -> dict[str, int]:
        received: list[int] = []
        spent: list[int] = []
        count = 0
        for transaction in transactions:
            count += 1
            received += [output.amount for output in transaction.outputs if output.script == script]
            if not is_coinbase(transaction):
                outputs = [self._node.output(txin.prevout) for txin in transaction.inputs]
                spent += [item.amount for item in outputs if item is not None and item.script == script]
        return {
            "funded_txo_count": len(received),
            "funded_txo_sum": sum(received),
            "spent_txo_count": len(spent),
            "spent_txo_sum": sum(spent),
            "tx_count": count,
        }

    def _holder_answer(self, kind: str, text: str) -> dict[str, Any]:
        script = self._script(kind, text)
        shown = text if kind == "scripthash" or script is None else addresses.address_of(self._node.network, script)
        return {
            kind: shown,
            "chain_stats": self._totals(script, self._confirmed(script)),
            "mempool_stats": self._totals(script, self._waiting(script)),
        }

    def _unspent(self, kind: str, text: str) -> list[dict[str, Any]]:
        script = self._script(kind, text)
        if script is None:
            return []
        spent = self._node.mempool.spenders
        found = []
        for outpoint in self._index.coins_of.get(script, ()):
            if outpoint not in spent:
                found.append((outpoint, self._index.coins[outpoint].output.amount))
        for entry in self._node.mempool:
            for number, output in enumerate(entry.transaction.outputs):
                outpoint = entry.transaction.txid_bytes + number.to_bytes(4, "little")
                if output.script == script and outpoint not in spent:
                    found.append((outpoint, output.amount))
        return [
            {
                "txid": (txid := outpoint[31::-1].hex()),
                "vout": int.from_bytes(outpoint[32:], "little"),
                "status": self._status(txid),
                "value": amount,
            }
            for outpoint, amount in found
        ]

    def _holder_transactions(self, kind: str, text: str) -> list[dict[str, Any]]:
        script = self._script(kind, text)
        chosen = self._waiting(script)[:_MEMPOOL_PAGE] + self._confirmed(script)[:_PAGE]
        return [self._transaction_answer(transaction) for transaction in chosen]

    def _holder_chain(self, kind: str, text: str, last_seen: str | None) -> list[dict[str, Any]]:
        known = self._confirmed(self._script(kind, text))
        if last_seen is not None:
            ids = [transaction.txid for transaction in known]
            known = known[ids.index(last_seen.lower()) + 1 :] if last_seen.lower() in ids else []
        return [self._transaction_answer(transaction) for transaction in known[:_PAGE]]

    def _holder_mempool(self, kind: str, text: str) -> list[dict[str, Any]]:
        chosen = self._waiting(self._script(kind, text))[:_MEMPOOL_PAGE]
        return [self._transaction_answer(transaction) for transaction in chosen]

    # -- the mempool and fees ------------------------------------------------------------------------

    def _mempool(self) -> dict[str, Any]:
        entries = sorted(self._node.mempool, key=lambda entry: -entry.fee * 1000 // entry.vsize)
        return {
            "count": len(entries),
            "vsize": sum(entry.vsize for entry in entries),
            "total_fee": sum(entry.fee for entry in entries),
            "fee_histogram": [[Decimal(entry.fee * 100 // entry.vsize).scaleb(-2), entry.vsize] for entry in entries],
        }

    def _recent(self) -> list[dict[str, Any]]:
        return [
            {
                "txid": entry.txid,
                "fee": entry.fee,
                "vsize": entry.vsize,
                "value": sum(output.amount for output in entry.transaction.outputs),
            }
            for entry in list(self._node.mempool)[:-11:-1]
        ]

    def _fee_estimates(self) -> dict[str, Decimal]:
        return {str(target): Decimal(feerate(target)).scaleb(-3) for target in TARGETS}


def _inner_scripts(script: bytes, script_sig: bytes, witness: tuple[bytes, ...]) -> dict[str, str]:
    """The redeem script and the witness script of an input, where it shows them."""
    found = {}
    kind = esplora_kind(script)
    if kind == "p2sh":
        pushed = pushes_of(script_sig)
        if pushed:
            found["inner_redeemscript_asm"] = esplora_assembly(pushed[-1])
            kind = esplora_kind(pushed[-1])
    if kind == "v0_p2wsh" and witness:
        found["inner_witnessscript_asm"] = esplora_assembly(witness[-1])
    return found
