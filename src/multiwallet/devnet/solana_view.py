"""What a Solana node answers about accounts and transactions, in the shapes of its JSON-RPC."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from solders.account import Account
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.token.state import Mint, TokenAccount
from solders.transaction import VersionedTransaction

from ..codec import base58
from ..errors import Rejected
from .solana_ledger import Block, Landed
from .solana_machine import Execution, Machine, writable_keys
from .solana_parsed import parse_call, token_amount

__all__ = [
    "TOKEN_PROGRAMS",
    "account_json",
    "block_json",
    "display",
    "inner_json",
    "read_mint",
    "read_token_account",
    "returned_json",
    "transaction_json",
]

TOKEN_PROGRAMS: Final = {
    Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"): "spl-token",
    Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"): "spl-token-2022",
}
_MOST_BASE58: Final = 128
_MINT, _TOKEN_ACCOUNT = 82, 165
# The words in which a node shows an error, by the error's name.
_WORDS: Final = {
    "AccountInUse": "Account in use",
    "AccountLoadedTwice": "Account loaded twice",
    "AccountNotFound": "Attempt to debit an account but found no record of a prior credit.",
    "AddressLookupTableNotFound": "Transaction loads an address table account that doesn't exist",
    "AlreadyProcessed": "This transaction has already been processed",
    "BlockhashNotFound": "Blockhash not found",
    "InsufficientFundsForFee": "Insufficient funds for fee",
    "InvalidAccountForFee": "This account may not be used to pay transaction fees",
    "InvalidAddressLookupTableData": "Transaction loads an address table account with invalid data",
    "InvalidAddressLookupTableIndex": "Transaction address table lookup uses an invalid index",
    "InvalidAddressLookupTableOwner": "Transaction loads an address table account with an invalid owner",
    "InvalidProgramForExecution": "This program may not be used for executing instructions",
    "InvalidRentPayingAccount": "Transaction leaves an account with a lower balance than rent-exempt minimum",
    "MaxLoadedAccountsDataSizeExceeded": "Transaction exceeded max loaded accounts data size cap",
    "MissingSignatureForFee": "Transaction requires a fee but has no signature present",
    "ProgramAccountNotFound": "Attempt to load a program that does not exist",
    "SanitizeFailure": "Transaction failed to sanitize accounts offsets correctly",
    "SignatureFailure": "Transaction did not pass signature verification",
    "TooManyAccountLocks": "Transaction locked too many accounts",
}


def display(error: Any, logs: Sequence[str] = ()) -> str:
    """An error in the words of a node.

    >>> display({"InstructionError": [0, {"Custom": 1}]})
    'Error processing Instruction 0: custom program error: 0x1'
    """
    if isinstance(error, str):
        return _WORDS.get(error, error)
    ((name, content),) = error.items()
    if name == "InstructionError":
        index, inner = content
        if isinstance(inner, dict) and "Custom" in inner:
            words = f"custom program error: {inner['Custom']:#x}"
        else:  # the machine's log has the words
            ends = [line.partition(" failed: ")[2] for line in logs if " failed: " in line]
            words = ends[-1] if ends else str(inner)
        return f"Error processing Instruction {index}: {words}"
    if name == "InsufficientFundsForRent":
        return f"Transaction results in an account ({content['account_index']}) with insufficient funds for rent"
    if name == "DuplicateInstruction":
        return f"Transaction contains a duplicate instruction ({content}) that is not allowed"
    return str(name)


# -- accounts --------------------------------------------------------------------------------------


def read_mint(account: Account | None) -> Mint | None:
    """The mint in an account, None where there is none."""
    if account is None or account.owner not in TOKEN_PROGRAMS:
        return None
    data = bytes(account.data)
    extended = len(data) > _TOKEN_ACCOUNT and data[_TOKEN_ACCOUNT] == 1
    if len(data) != _MINT and not extended:
        return None
    mint = Mint.from_bytes(data[:_MINT])
    return mint if mint.is_initialized else None


def read_token_account(account: Account | None) -> TokenAccount | None:
    """The token account in an account, None where there is none."""
    if account is None or account.owner not in TOKEN_PROGRAMS:
        return None
    data = bytes(account.data)
    extended = len(data) > _TOKEN_ACCOUNT and data[_TOKEN_ACCOUNT] == 2
    if (len(data) != _TOKEN_ACCOUNT and not extended) or data[108] not in (1, 2):
        return None
    return TokenAccount.from_bytes(data[:_TOKEN_ACCOUNT])


def account_json(machine: Machine, account: Account, encoding: str, piece: Mapping[str, Any] | None) -> dict[str, Any]:
    """An account; ``piece`` limits its data to some ``length`` of bytes from an ``offset``."""
    parsed = _parsed(machine, account) if encoding == "jsonParsed" else None
    raw = bytes(account.data)
    data: Any = parsed
    if parsed is None:
        start = 0 if piece is None else piece["offset"]
        data = _encoded(raw if piece is None else raw[start : start + piece["length"]], encoding)
    return {
        "lamports": account.lamports,
        "owner": str(account.owner),
        "data": data,
        "executable": account.executable,
        "rentEpoch": account.rent_epoch,
        "space": len(raw),
    }


def _encoded(data: bytes, encoding: str) -> Any:
    if encoding in ("binary", "base58"):
        if len(data) > _MOST_BASE58:
            raise Rejected(
                "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding.",
                node_code=-32600,
            )
        text = base58.encode(data)
        return text if encoding == "binary" else [text, "base58"]
    return [base64.b64encode(data).decode("ascii"), "base64"]


def _parsed(machine: Machine, account: Account) -> dict[str, Any] | None:
    program = TOKEN_PROGRAMS.get(account.owner)
    mint, tokens = read_mint(account), read_token_account(account)
    if mint is not None:
        kind, info = "mint", _mint_info(mint)
    elif tokens is not None:
        own = read_mint(machine.account(tokens.mint))
        if own is None:
            return None
        kind, info = "account", _token_info(tokens, own.decimals)
    else:
        return None
    return {"program": program, "parsed": {"type": kind, "info": info}, "space": len(account.data)}


def _mint_info(mint: Mint) -> dict[str, Any]:
    return {
        "decimals": mint.decimals,
        "freezeAuthority": None if mint.freeze_authority is None else str(mint.freeze_authority),
        "isInitialized": True,
        "mintAuthority": None if mint.mint_authority is None else str(mint.mint_authority),
        "supply": str(mint.supply),
    }


def _token_info(tokens: TokenAccount, decimals: int) -> dict[str, Any]:
    info: dict[str, Any] = {
        "isNative": tokens.is_native is not None,
        "mint": str(tokens.mint),
        "owner": str(tokens.owner),
        "state": "frozen" if str(tokens.state).endswith("Frozen") else "initialized",
        "tokenAmount": token_amount(tokens.amount, decimals),
    }
    if tokens.delegate is not None:
        info["delegate"] = str(tokens.delegate)
        info["delegatedAmount"] = token_amount(tokens.delegated_amount, decimals)
    if tokens.close_authority is not None:
        info["closeAuthority"] = str(tokens.close_authority)
    if tokens.is_native is not None:
        info["rentExemptReserve"] = token_amount(tokens.is_native, decimals)
    return info


# -- transactions ----------------------------------------------------------------------------------


def returned_json(execution: Execution) -> dict[str, Any] | None:
    """What the last program returned."""
    if execution.returned is None:
        return None
    text = base64.b64encode(execution.returned["data"]).decode("ascii")
    return {"programId": str(execution.returned["program"]), "data": [text, "base64"]}


def inner_json(execution: Execution, keys: Sequence[Pubkey], *, parsed: bool = False) -> list[dict[str, Any]]:
    """The calls that programs made themselves."""
    return [
        {
            "index": group["index"],
            "instructions": [_call(call, height, keys, parsed) for call, height in group["calls"]],
        }
        for group in execution.inner
    ]


def _call(call: Any, height: int | None, keys: Sequence[Pubkey], parsed: bool) -> dict[str, Any]:
    accounts, data = list(bytes(call.accounts)), bytes(call.data)
    if parsed:
        named = [str(keys[index]) for index in accounts]
        return {**parse_call(str(keys[call.program_id_index]), named, data), "stackHeight": height}
    return {
        "programIdIndex": call.program_id_index,
        "accounts": accounts,
        "data": base58.encode(data),
        "stackHeight": height,
    }


def transaction_json(landed: Landed, encoding: str, *, version: bool) -> dict[str, Any]:
    """A transaction with its outcome, as it stands in a block. ``version`` tells whether the asker knows versions."""
    execution, keys = landed.execution, landed.loaded.keys
    parsed = encoding == "jsonParsed"
    meta: dict[str, Any] = {
        "err": execution.error,
        "status": {"Ok": None} if execution.error is None else {"Err": execution.error},
        "fee": execution.fee,
        "preBalances": landed.before[0],
        "postBalances": landed.after[0],
        "innerInstructions": inner_json(execution, keys, parsed=parsed),
        "logMessages": execution.logs,
        "preTokenBalances": _token_balances(landed.before[1]),
        "postTokenBalances": _token_balances(landed.after[1]),
        "rewards": [],
        "computeUnitsConsumed": execution.units,
    }
    if not parsed:
        loaded = landed.loaded
        meta["loadedAddresses"] = {
            "writable": [str(key) for key in loaded.writable],
            "readonly": [str(key) for key in loaded.readonly],
        }
    returned = returned_json(execution)
    if returned is not None:
        meta["returnData"] = returned
    answer: dict[str, Any] = {"meta": meta, "transaction": _wire(landed, encoding)}
    if version:
        answer["version"] = 0 if isinstance(landed.transaction.message, MessageV0) else "legacy"
    return answer


def _token_balances(held: Sequence[tuple[int, Account, Account]]) -> list[dict[str, Any]]:
    found = []
    for position, account, mint_account in held:
        tokens, mint = read_token_account(account), read_mint(mint_account)
        if tokens is not None and mint is not None:
            found.append(
                {
                    "accountIndex": position,
                    "mint": str(tokens.mint),
                    "owner": str(tokens.owner),
                    "programId": str(account.owner),
                    "uiTokenAmount": token_amount(tokens.amount, mint.decimals),
                }
            )
    return found


def _wire(landed: Landed, encoding: str) -> Any:
    transaction = landed.transaction
    if encoding in ("base64", "base58", "binary"):
        raw = bytes(transaction)
        text = base64.b64encode(raw).decode("ascii") if encoding == "base64" else base58.encode(raw)
        return text if encoding == "binary" else [text, encoding]
    signatures = [str(signature) for signature in transaction.signatures]
    parsed = encoding == "jsonParsed"
    return {"signatures": signatures, "message": _parsed_message(landed) if parsed else _message(transaction)}


def _message(transaction: VersionedTransaction) -> dict[str, Any]:
    message = transaction.message
    keys, header = list(message.account_keys), message.header
    answer: dict[str, Any] = {
        "header": {
            "numRequiredSignatures": header.num_required_signatures,
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
        },
        "accountKeys": [str(key) for key in keys],
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [_call(call, None, keys, False) for call in message.instructions],
    }
    if isinstance(message, MessageV0):
        answer["addressTableLookups"] = _lookups(message)
    return answer


def _parsed_message(landed: Landed) -> dict[str, Any]:
    message, loaded = landed.transaction.message, landed.loaded
    keys, own = loaded.keys, len(loaded.static)
    writable = {*writable_keys(message), *loaded.writable}
    listed = [
        {
            "pubkey": str(key),
            "signer": index < message.header.num_required_signatures,
            "writable": key in writable,
            "source": "transaction" if index < own else "lookupTable",
        }
        for index, key in enumerate(keys)
    ]
    answer: dict[str, Any] = {
        "accountKeys": listed,
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [_call(call, None, keys, True) for call in message.instructions],
    }
    if isinstance(message, MessageV0):
        answer["addressTableLookups"] = _lookups(message)
    return answer


def _lookups(message: MessageV0) -> list[dict[str, Any]]:
    return [
        {
            "accountKey": str(lookup.account_key),
            "writableIndexes": list(bytes(lookup.writable_indexes)),
            "readonlyIndexes": list(bytes(lookup.readonly_indexes)),
        }
        for lookup in message.address_table_lookups
    ]


def block_json(block: Block, previous: Block, encoding: str, details: str, *, version: bool) -> dict[str, Any]:
    """A closed block, with its transactions (``full``), their signatures, or neither (``none``)."""
    answer: dict[str, Any] = {
        "blockHeight": block.height,
        "blockTime": block.time,
        "blockhash": str(block.hashes[-1]),
        "parentSlot": previous.slot,
        "previousBlockhash": str(previous.hashes[-1]),
        "rewards": [],
    }
    if details == "full":
        answer["transactions"] = [transaction_json(landed, encoding, version=version) for landed in block.landed]
    elif details == "signatures":
        answer["signatures"] = [landed.signature for landed in block.landed]
    return answer
