"""The contract types of TRON's protocol (java-tron, protocol/src/main/protos): numbers, names and fields.

A TRON transaction holds one contract: a transfer, a vote, a call. The types with fields listed here are decoded
down to each field, so that they can be shown and compared. The others are known by number and name only.
"""

from __future__ import annotations

from typing import Final

from .schema import Field, Fields

__all__ = ["FIELDS", "NAMES", "NUMBERS", "OWNER_FIELD", "TYPE_URL"]

TYPE_URL: Final = "type.googleapis.com/protocol."

NAMES: Final[dict[int, str]] = {
    0: "AccountCreateContract",
    1: "TransferContract",
    2: "TransferAssetContract",
    3: "VoteAssetContract",
    4: "VoteWitnessContract",
    5: "WitnessCreateContract",
    6: "AssetIssueContract",
    8: "WitnessUpdateContract",
    9: "ParticipateAssetIssueContract",
    10: "AccountUpdateContract",
    11: "FreezeBalanceContract",
    12: "UnfreezeBalanceContract",
    13: "WithdrawBalanceContract",
    14: "UnfreezeAssetContract",
    15: "UpdateAssetContract",
    16: "ProposalCreateContract",
    17: "ProposalApproveContract",
    18: "ProposalDeleteContract",
    19: "SetAccountIdContract",
    30: "CreateSmartContract",
    31: "TriggerSmartContract",
    33: "UpdateSettingContract",
    41: "ExchangeCreateContract",
    42: "ExchangeInjectContract",
    43: "ExchangeWithdrawContract",
    44: "ExchangeTransactionContract",
    45: "UpdateEnergyLimitContract",
    46: "AccountPermissionUpdateContract",
    48: "ClearABIContract",
    49: "UpdateBrokerageContract",
    52: "MarketSellAssetContract",
    53: "MarketCancelOrderContract",
    54: "FreezeBalanceV2Contract",
    55: "UnfreezeBalanceV2Contract",
    56: "WithdrawExpireUnfreezeContract",
    57: "DelegateResourceContract",
    58: "UnDelegateResourceContract",
    59: "CancelAllUnfreezeV2Contract",
}
NUMBERS: Final = {name: number for number, name in NAMES.items()}

OWNER_FIELD: Final = {"SetAccountIdContract": 2}
"""Where ``owner_address`` stands in types without fields below, if not in field 1."""

_RESOURCE: Final = ("BANDWIDTH", "ENERGY", "TRON_POWER")
_OWNER: Final = Field(1, "owner_address", "address")


def _permission(number: int, name: str, *, repeated: bool = False) -> Field:
    key = (Field(1, "address", "address"), Field(2, "weight", "int"))
    return Field(
        number,
        name,
        "message",
        repeated=repeated,
        fields=(
            Field(1, "type", "enum", names=("Owner", "Witness", "Active")),
            Field(2, "id", "int"),
            Field(3, "permission_name", "string"),
            Field(4, "threshold", "int"),
            Field(5, "parent_id", "int"),
            Field(6, "operations", "bytes"),
            Field(7, "keys", "message", repeated=True, fields=key),
        ),
    )


_PARAM: Final = (Field(1, "indexed", "bool"), Field(2, "name", "string"), Field(3, "type", "string"))
_ENTRY: Final = (
    Field(1, "anonymous", "bool"),
    Field(2, "constant", "bool"),
    Field(3, "name", "string"),
    Field(4, "inputs", "message", repeated=True, fields=_PARAM),
    Field(5, "outputs", "message", repeated=True, fields=_PARAM),
    Field(
        6,
        "type",
        "enum",
        names=("UnknownEntryType", "Constructor", "Function", "Event", "Fallback", "Receive", "Error"),
    ),
    Field(7, "payable", "bool"),
    Field(
        8,
        "stateMutability",
        "enum",
        names=("UnknownMutabilityType", "Pure", "View", "Nonpayable", "Payable"),
    ),
)
_SMART_CONTRACT: Final = (
    Field(1, "origin_address", "address"),
    Field(2, "contract_address", "address"),
    Field(3, "abi", "message", fields=(Field(1, "entrys", "message", repeated=True, fields=_ENTRY),)),
    Field(4, "bytecode", "bytes"),
    Field(5, "call_value", "int"),
    Field(6, "consume_user_resource_percent", "int"),
    Field(7, "name", "string"),
    Field(8, "origin_energy_limit", "int"),
    Field(9, "code_hash", "bytes"),
    Field(10, "trx_hash", "bytes"),
    Field(11, "version", "int"),
)

FIELDS: Final[dict[str, Fields]] = {
    "AccountCreateContract": (
        _OWNER,
        Field(2, "account_address", "address"),
        Field(3, "type", "enum", names=("Normal", "AssetIssue", "Contract")),
    ),
    "TransferContract": (_OWNER, Field(2, "to_address", "address"), Field(3, "amount", "int")),
    "TransferAssetContract": (
        Field(1, "asset_name", "name"),
        Field(2, "owner_address", "address"),
        Field(3, "to_address", "address"),
        Field(4, "amount", "int"),
    ),
    "VoteWitnessContract": (
        _OWNER,
        Field(
            2,
            "votes",
            "message",
            repeated=True,
            fields=(Field(1, "vote_address", "address"), Field(2, "vote_count", "int")),
        ),
        Field(3, "support", "bool"),
    ),
    "AccountUpdateContract": (Field(1, "account_name", "name"), Field(2, "owner_address", "address")),
    "FreezeBalanceContract": (
        _OWNER,
        Field(2, "frozen_balance", "int"),
        Field(3, "frozen_duration", "int"),
        Field(10, "resource", "enum", names=_RESOURCE),
        Field(15, "receiver_address", "address"),
    ),
    "UnfreezeBalanceContract": (
        _OWNER,
        Field(10, "resource", "enum", names=_RESOURCE),
        Field(15, "receiver_address", "address"),
    ),
    "WithdrawBalanceContract": (_OWNER,),
    "CreateSmartContract": (
        _OWNER,
        Field(2, "new_contract", "message", fields=_SMART_CONTRACT),
        Field(3, "call_token_value", "int"),
        Field(4, "token_id", "int"),
    ),
    "TriggerSmartContract": (
        _OWNER,
        Field(2, "contract_address", "address"),
        Field(3, "call_value", "int"),
        Field(4, "data", "bytes"),
        Field(5, "call_token_value", "int"),
        Field(6, "token_id", "int"),
    ),
    "AccountPermissionUpdateContract": (
        _OWNER,
        _permission(2, "owner"),
        _permission(3, "witness"),
        _permission(4, "actives", repeated=True),
    ),
    "FreezeBalanceV2Contract": (
        _OWNER,
        Field(2, "frozen_balance", "int"),
        Field(3, "resource", "enum", names=_RESOURCE),
    ),
    "UnfreezeBalanceV2Contract": (
        _OWNER,
        Field(2, "unfreeze_balance", "int"),
        Field(3, "resource", "enum", names=_RESOURCE),
    ),
    "WithdrawExpireUnfreezeContract": (_OWNER,),
    "DelegateResourceContract": (
        _OWNER,
        Field(2, "resource", "enum", names=_RESOURCE),
        Field(3, "balance", "int"),
        Field(4, "receiver_address", "address"),
        Field(5, "lock", "bool"),
        Field(6, "lock_period", "int"),
    ),
    "UnDelegateResourceContract": (
        _OWNER,
        Field(2, "resource", "enum", names=_RESOURCE),
        Field(3, "balance", "int"),
        Field(4, "receiver_address", "address"),
    ),
    "CancelAllUnfreezeV2Contract": (_OWNER,),
}
