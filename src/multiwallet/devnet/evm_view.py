"""Blocks, transactions, receipts and logs in the JSON of Ethereum's execution API, as geth writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..codec import rlp
from .evm_machine import Block, Included

__all__ = ["address", "block_json", "data", "log_json", "logs_of", "receipt_json", "transaction_json", "word"]


def data(value: bytes) -> str:
    """Bytes as 0x text."""
    return "0x" + bytes(value).hex()


def word(value: int) -> str:
    """A number as 32 bytes of 0x text."""
    return f"0x{value:064x}"


def address(value: bytes) -> str | None:
    """An address in lower case, as nodes write it; None for the empty one that creates a contract."""
    return "0x" + bytes(value).hex() if value else None


def block_json(block: Block, *, full: bool, pending: bool = False) -> dict[str, Any]:
    """A block with the hashes of its transactions, or with the transactions. A pending one has no hash yet."""
    header = block.header
    transactions = [
        transaction_json(item.transaction, None if pending else block, item) if full else data(item.transaction.hash)
        for item in block.included
    ]
    return {
        "number": hex(header.block_number),
        "hash": None if pending else data(header.hash),
        "parentHash": data(header.parent_hash),
        "nonce": None if pending else data(header.nonce),
        "mixHash": data(header.mix_hash),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": f"0x{header.bloom:0512x}",
        "transactionsRoot": data(header.transaction_root),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipt_root),
        "miner": None if pending else address(header.coinbase),
        "difficulty": hex(header.difficulty),
        "extraData": data(header.extra_data),
        "size": hex(len(rlp.encode(type(block.body).serialize(block.body)))),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "baseFeePerGas": hex(header.base_fee_per_gas),
        "withdrawalsRoot": data(header.withdrawals_root),
        "blobGasUsed": hex(header.blob_gas_used),
        "excessBlobGas": hex(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root),
        "requestsHash": data(header.requests_hash),
        "transactions": transactions,
        "uncles": [],
        "withdrawals": [],
    }


def transaction_json(transaction: Any, block: Block | None, item: Included | None) -> dict[str, Any]:
    """A transaction; without a block it is one that waits."""
    kind = transaction.type_id or 0
    body: dict[str, Any] = {
        "blockHash": None if block is None else data(block.hash),
        "blockNumber": None if block is None else hex(block.number),
        "transactionIndex": None if block is None or item is None else hex(item.position),
        "from": address(transaction.sender),
        "gas": hex(transaction.gas),
        "gasPrice": hex(transaction.max_fee_per_gas if block is None or item is None else item.price),
        "hash": data(transaction.hash),
        "input": data(transaction.data),
        "nonce": hex(transaction.nonce),
        "to": address(transaction.to),
        "value": hex(transaction.value),
        "type": hex(kind),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
    }
    if kind == 0:
        body["v"] = hex(transaction.v)
        body["chainId"] = hex((transaction.v - 35) // 2)
        return body
    body["v"] = body["yParity"] = hex(transaction.y_parity)
    body["chainId"] = hex(transaction.chain_id)
    body["accessList"] = [
        {"address": address(account), "storageKeys": [word(key) for key in keys]}
        for account, keys in transaction.access_list
    ]
    if kind != 1:
        body["maxFeePerGas"] = hex(transaction.max_fee_per_gas)
        body["maxPriorityFeePerGas"] = hex(transaction.max_priority_fee_per_gas)
    if kind == 4:
        body["authorizationList"] = [
            {
                "chainId": hex(item.chain_id),
                "address": address(item.address),
                "nonce": hex(item.nonce),
                "yParity": hex(item.y_parity),
                "r": hex(item.r),
                "s": hex(item.s),
            }
            for item in transaction.authorization_list
        ]
    return body


def logs_of(block: Block) -> Iterator[tuple[Included, int, Any]]:
    """Each log of a block with its transaction and its position in the block."""
    position = 0
    for item in block.included:
        for log in item.logs:
            yield item, position, log
            position += 1


def log_json(block: Block, item: Included, position: int, log: Any) -> dict[str, Any]:
    """One log."""
    return {
        "address": address(log.address),
        "topics": [word(topic) for topic in log.topics],
        "data": data(log.data),
        "blockNumber": hex(block.number),
        "blockHash": data(block.hash),
        "blockTimestamp": hex(block.header.timestamp),
        "transactionHash": data(item.transaction.hash),
        "transactionIndex": hex(item.position),
        "logIndex": hex(position),
        "removed": False,
    }


def receipt_json(block: Block, item: Included) -> dict[str, Any]:
    """A transaction's receipt."""
    transaction = item.transaction
    created = item.contract
    return {
        "type": hex(transaction.type_id or 0),
        "status": hex(item.succeeded),
        "transactionHash": data(transaction.hash),
        "transactionIndex": hex(item.position),
        "blockHash": data(block.hash),
        "blockNumber": hex(block.number),
        "from": address(transaction.sender),
        "to": address(transaction.to),
        "contractAddress": None if created is None or not item.succeeded else address(created),
        "gasUsed": hex(item.gas_used),
        "cumulativeGasUsed": hex(item.cumulative_gas),
        "effectiveGasPrice": hex(item.price),
        "logsBloom": f"0x{item.bloom:0512x}",
        "logs": [log_json(block, *found) for found in logs_of(block) if found[0] is item],
    }
