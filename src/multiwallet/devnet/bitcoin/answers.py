"""What Bitcoin Core's RPC answers about blocks, transactions and scripts, in its own shapes.

Amounts are decimals with eight places, as a client reads them from JSON with exact numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ...chain import Network
from ...chains.bitcoin import addresses
from ...chains.bitcoin.transaction import Transaction, TxOut
from .blocks import BITS, TARGET, Block, is_coinbase
from .descriptors import described
from .mempool import Entry
from .node import Node
from .script_text import core_assembly, core_kind

__all__ = [
    "DIFFICULTY",
    "block_answer",
    "coins",
    "entry_answer",
    "header_answer",
    "script_answer",
    "transaction_answer",
]

DIFFICULTY: Final = Decimal("4.656542373906925E-10")
"""The difficulty of every regtest block."""


def coins(amount: int) -> Decimal:
    """An amount of the smallest unit in whole coins, exactly.

    >>> str(coins(150_000_000))
    '1.50000000'
    """
    return Decimal(amount).scaleb(-8)


def script_answer(network: Network, script: bytes) -> dict[str, Any]:
    """An output script."""
    answer: dict[str, Any] = {
        "asm": core_assembly(script),
        "desc": described(network, script),
        "hex": script.hex(),
    }
    address = addresses.address_of(network, script)
    if address is not None:
        answer["address"] = address
    return {**answer, "type": core_kind(script)}


def transaction_answer(
    network: Network, transaction: Transaction, spent: Sequence[Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """A decoded transaction. ``spent`` adds what each input spends, as verbosity 2 has it, and the fee."""
    inputs = []
    coinbase = is_coinbase(transaction)
    for number, txin in enumerate(transaction.inputs):
        item: dict[str, Any]
        if coinbase:
            item = {"coinbase": txin.script_sig.hex()}
        else:
            point = txin.outpoint
            script = {"asm": core_assembly(txin.script_sig), "hex": txin.script_sig.hex()}
            item = {"txid": point.txid, "vout": point.index, "scriptSig": script}
        if txin.witness:
            item["txinwitness"] = [element.hex() for element in txin.witness]
        if spent is not None and not coinbase:
            item["prevout"] = dict(spent[number])
        item["sequence"] = txin.sequence
        inputs.append(item)
    answer = {
        "txid": transaction.txid,
        "hash": transaction.wtxid,
        "version": transaction.version,
        "size": len(transaction.serialize()),
        "vsize": transaction.vsize,
        "weight": transaction.weight,
        "locktime": transaction.locktime,
        "vin": inputs,
        "vout": [
            {"value": coins(output.amount), "n": number, "scriptPubKey": script_answer(network, output.script)}
            for number, output in enumerate(transaction.outputs)
        ],
    }
    if spent is not None and not coinbase:
        paid = coins(sum(output.amount for output in transaction.outputs))
        answer["fee"] = sum((item["value"] for item in spent), Decimal(0)) - paid
    return answer


def spent_answer(node: Node, transaction: Transaction) -> list[dict[str, Any]]:
    """What the inputs of a transaction of the node spend."""
    found: list[dict[str, Any]] = []
    if is_coinbase(transaction):
        return found
    for txin in transaction.inputs:
        output = node.output(txin.prevout) or TxOut(0, b"")
        place = node.index.places.get(txin.prevout[31::-1].hex())
        found.append(
            {
                "generated": place is not None and place.position == 0,
                "height": node.index.height + 1 if place is None else place.block.height,
                "value": coins(output.amount),
                "scriptPubKey": script_answer(node.network, output.script),
            }
        )
    return found


def header_answer(node: Node, block: Block) -> dict[str, Any]:
    """A block's header."""
    answer: dict[str, Any] = {
        "hash": block.name,
        "confirmations": node.index.confirmations(block),
        "height": block.height,
        "version": block.version,
        "versionHex": f"{block.version:08x}",
        "merkleroot": block.merkle_root,
        "time": block.time,
        "mediantime": block.median_time,
        "nonce": block.nonce,
        "bits": f"{BITS:08x}",
        "target": f"{TARGET:064x}",
        "difficulty": DIFFICULTY,
        "chainwork": chain_work(block.height),
        "nTx": len(block.transactions),
    }
    if block.previous_name:
        answer["previousblockhash"] = block.previous_name
    following = node.index.next_of(block)
    if following is not None:
        answer["nextblockhash"] = following.name
    return answer


def chain_work(height: int) -> str:
    """The work of a chain of that height: each regtest block counts two hashes."""
    return f"{2 * (height + 1):064x}"


def block_answer(node: Node, block: Block, verbosity: int) -> dict[str, Any]:
    """A block with the ids of its transactions (1), the transactions (2), or what they spend as well (3)."""
    stripped, size = len(block.serialize(False)), len(block.serialize())
    answer = header_answer(node, block)
    answer |= {"strippedsize": stripped, "size": size, "weight": 3 * stripped + size}
    if verbosity == 1:
        return {**answer, "tx": [transaction.txid for transaction in block.transactions]}
    decoded = []
    for transaction in block.transactions:
        item = transaction_answer(node.network, transaction, spent_answer(node, transaction))
        if verbosity == 2:
            for txin in item["vin"]:
                txin.pop("prevout", None)
        decoded.append({**item, "hex": transaction.serialize().hex()})
    return {**answer, "tx": decoded}


def entry_answer(node: Node, entry: Entry) -> dict[str, Any]:
    """A transaction of the mempool."""
    pool = node.mempool
    ancestors = [pool.entries[txid] for txid in pool.ancestors(entry.transaction)] + [entry]
    descendants = [pool.entries[txid] for txid in pool.descendants(entry.txid)] + [entry]
    return {
        "vsize": entry.vsize,
        "weight": entry.weight,
        "time": entry.time,
        "height": entry.height,
        "descendantcount": len(descendants),
        "descendantsize": sum(item.vsize for item in descendants),
        "ancestorcount": len(ancestors),
        "ancestorsize": sum(item.vsize for item in ancestors),
        "wtxid": entry.transaction.wtxid,
        "fees": {
            "base": coins(entry.fee),
            "modified": coins(entry.fee),
            "ancestor": coins(sum(item.fee for item in ancestors)),
            "descendant": coins(sum(item.fee for item in descendants)),
        },
        "depends": pool.parents(entry.transaction),
        "spentby": pool.children(entry.txid),
        "bip125-replaceable": any(item.signals_replacement for item in ancestors),
        "unbroadcast": False,
    }
