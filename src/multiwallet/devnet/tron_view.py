"""The devnet's TRON blocks, accounts and transactions in the JSON of java-tron's HTTP interface."""

from __future__ import annotations

from typing import Any, Final

from ..crypto.hashes import keccak256
from .tron_chain import TronBlock, TronChain
from .tron_ledger import Books, Executed
from .tron_protocol import CONTRACTS, address_text

__all__ = [
    "account_json",
    "block_json",
    "contract_json",
    "info_json",
    "message_text",
    "net_json",
    "parameters_json",
    "permission_json",
    "resource_json",
    "transaction_json",
    "words_of",
]

_OPERATIONS: Final = "7fff1fc0033ec30f000000000000000000000000000000000000000000000000"
_WORDS: Final = {
    "REVERT": "REVERT opcode executed",
    "OUT_OF_ENERGY": "Not enough energy for the operation",
    "BAD_JUMP_DESTINATION": "Operation with pc isn't 'JUMPDEST'",
    "STACK_TOO_SMALL": "Expected stack size exceeds the actual one",
    "STACK_TOO_LARGE": "Expected stack size is over 1024",
    "ILLEGAL_OPERATION": "Invalid operation code",
    "TRANSFER_FAILED": "transfer trx failed",
}


def message_text(text: str, visible: bool) -> str:
    """A message as the node writes it: plain when ``visible``, else in hex."""
    return text if visible else text.encode().hex()


def words_of(result: str) -> str:
    """What java-tron says about a contractRet other than SUCCESS."""
    return _WORDS.get(result, "Unknown Exception")


def block_json(block: TronBlock, *, visible: bool, detail: bool = True) -> dict[str, Any]:
    """A block; ``detail`` adds its transactions. The first block's header is not the network's own, and says little."""
    raw: dict[str, Any] = {"timestamp": block.timestamp, "parentHash": block.parent.hex()}
    header: dict[str, Any] = {"raw_data": raw}
    if block.number:
        raw |= {
            "number": block.number,
            "txTrieRoot": block.root.hex(),
            "witness_address": address_text(block.witness, visible),
            "version": 32,
        }
        header["witness_signature"] = block.signature.hex()
    answer: dict[str, Any] = {"blockID": block.id.hex(), "block_header": header}
    if detail and block.executed:
        answer["transactions"] = [transaction_json(item, visible=visible) for item in block.executed]
    return answer


def transaction_json(item: Executed, *, visible: bool) -> dict[str, Any]:
    """A transaction in a block."""
    body = item.transaction.to_json(visible=visible, result=item.result)
    if item.transaction.name == "CreateSmartContract":
        body["contract_address"] = item.contract.hex()
    return body


def _some(**values: Any) -> dict[str, Any]:
    """Only what is not zero: java-tron leaves the rest out."""
    return {name: value for name, value in values.items() if value}


def info_json(block: TronBlock, item: Executed, *, visible: bool) -> dict[str, Any]:
    """What gettransactioninfobyid tells."""
    calls = item.transaction.kind in (30, 31)
    receipt = _some(
        energy_usage_total=item.energy, energy_fee=item.energy_fee, net_usage=item.net_usage, net_fee=item.net_fee
    )
    answer = {
        "id": item.transaction.txid.hex(),
        **_some(fee=item.fee),
        "blockNumber": block.number,
        "blockTimeStamp": block.timestamp,
        "contractResult": [item.output.hex()],
        "receipt": receipt,
    }
    if calls:
        receipt["result"] = item.result
        answer["contract_address"] = address_text(item.contract, visible)
    if item.result != "SUCCESS":
        answer["result"] = "FAILED"
        answer["resMessage"] = message_text(words_of(item.result), visible)
    if item.logs:
        answer["log"] = [
            {
                "address": bytes(address).hex(),
                "topics": [f"{topic:064x}" for topic in topics],
                "data": bytes(data).hex(),
            }
            for address, topics, data in item.logs
        ]
    return answer


def permission_json(address: bytes, number: int, visible: bool) -> dict[str, Any]:
    """An account's owner (0) or active (2) permission: its own key."""
    keys = [{"address": address_text(address, visible), "weight": 1}]
    if number == 0:
        return {"permission_name": "owner", "threshold": 1, "keys": keys}
    return {
        "type": "Active",
        "id": 2,
        "permission_name": "active",
        "threshold": 1,
        "operations": _OPERATIONS,
        "keys": keys,
    }


def account_json(books: Books, address: bytes, *, visible: bool) -> dict[str, Any]:
    """What getaccount tells; empty for an account that was never activated."""
    account = books.account(address)
    if account is None:
        return {}
    answer: dict[str, Any] = {"address": address_text(address, visible)}
    if account.contract is not None:
        answer["type"] = "Contract"
    answer |= _some(
        balance=books.balance(address),
        create_time=account.created,
        latest_opration_time=account.operated,
        free_net_usage=account.net_used,
        latest_consume_free_time=account.net_time,
    )
    answer |= {"net_window_size": 28_800_000, "net_window_optimized": True, "account_resource": {}}
    if account.contract is None:
        answer["owner_permission"] = permission_json(address, 0, visible)
        answer["active_permission"] = [permission_json(address, 2, visible)]
    answer["frozenV2"] = [{}, {"type": "ENERGY"}, {"type": "TRON_POWER"}]
    return answer


def net_json(books: Books, address: bytes) -> dict[str, Any]:
    """What getaccountnet tells."""
    account = books.account(address)
    if account is None:
        return {}
    return _some(freeNetUsed=account.bandwidth_used(books.now), freeNetLimit=books.prices.free_bandwidth) | {
        "TotalNetLimit": 43_200_000_000,
        "TotalNetWeight": 1,
    }


def resource_json(books: Books, address: bytes) -> dict[str, Any]:
    """What getaccountresource tells."""
    found = net_json(books, address)
    return found and found | {"TotalEnergyLimit": 180_000_000_000, "TotalEnergyWeight": 1}


def contract_json(books: Books, address: bytes, *, visible: bool) -> dict[str, Any]:
    """What getcontract tells; empty where there is no contract."""
    account = books.accounts.get(address)
    if account is None or account.contract is None:
        return {}
    message = next(item.message for item in CONTRACTS[30][1].fields if item.name == "new_contract")
    assert message is not None
    answer = message.to_json(account.contract, visible)
    answer["code_hash"] = keccak256(bytes(books.state.get_code(address[1:]))).hex()
    return answer


def parameters_json(chain: TronChain) -> dict[str, Any]:
    """What getchainparameters tells, as far as this ledger has such a parameter. A zero is left out."""
    prices = chain.prices
    values = {
        "getMaintenanceTimeInterval": 21_600_000,
        "getCreateAccountFee": prices.create_account,
        "getTransactionFee": prices.bandwidth,
        "getCreateNewAccountFeeInSystemContract": prices.activation,
        "getCreateNewAccountBandwidthRate": 1,
        "getEnergyFee": prices.energy,
        "getFreeNetLimit": prices.free_bandwidth,
        "getMaxFeeLimit": prices.max_fee_limit,
        "getMemoFee": prices.memo,
        "getMultiSignFee": prices.multi_signature,
        "getTotalEnergyLimit": 180_000_000_000,
        "getTotalNetLimit": 43_200_000_000,
        "getForbidTransferToContract": 1,
        "getAllowCreationOfContracts": 1,
        "getAllowTvmTransferTrc10": 0,
        "getAllowDynamicEnergy": 0,
    }
    return {"chainParameter": [{"key": key, **_some(value=value)} for key, value in values.items()]}
