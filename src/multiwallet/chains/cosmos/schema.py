"""The message types that are known here: their fields in protobuf, in JSON with ``@type``, and in amino JSON.

A message outside of this table can be signed in direct mode only, and the summary says that nobody has read it.
The field numbers are those of cosmos-sdk, ibc-go and wasmd; the amino names are the ones they register.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

__all__ = ["BY_AMINO", "MESSAGES", "Field", "Kind", "MessageType"]


class Kind(Enum):
    """What a field holds."""

    TEXT = "text"
    ACCOUNT = "an account's address"
    VALIDATOR = "a validator's operator address"
    COIN = "a coin"
    COINS = "a list of coins"
    UNSIGNED = "a whole number below 2^64"
    SIGNED = "a whole number below 2^63"
    VOTE = "a vote"
    HEIGHT = "a height of another chain"
    JSON = "a contract's JSON"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. An ``optional`` one may be empty or zero, and is then left out (in amino JSON too)."""

    number: int
    name: str
    kind: Kind
    optional: bool = False


@dataclass(frozen=True, slots=True)
class MessageType:
    """One type of message. ``signer`` names the field with the address that must sign."""

    url: str
    amino: str
    signer: str
    fields: tuple[Field, ...]


_DELEGATION: Final = (
    Field(1, "delegator_address", Kind.ACCOUNT),
    Field(2, "validator_address", Kind.VALIDATOR),
    Field(3, "amount", Kind.COIN),
)
_VOTE: Final = (
    Field(1, "proposal_id", Kind.UNSIGNED),
    Field(2, "voter", Kind.ACCOUNT),
    Field(3, "option", Kind.VOTE),
)

_LISTED: Final = (
    MessageType(
        "/cosmos.bank.v1beta1.MsgSend",
        "cosmos-sdk/MsgSend",
        "from_address",
        (
            Field(1, "from_address", Kind.ACCOUNT),
            Field(2, "to_address", Kind.ACCOUNT),
            Field(3, "amount", Kind.COINS),
        ),
    ),
    MessageType("/cosmos.staking.v1beta1.MsgDelegate", "cosmos-sdk/MsgDelegate", "delegator_address", _DELEGATION),
    MessageType("/cosmos.staking.v1beta1.MsgUndelegate", "cosmos-sdk/MsgUndelegate", "delegator_address", _DELEGATION),
    MessageType(
        "/cosmos.staking.v1beta1.MsgBeginRedelegate",
        "cosmos-sdk/MsgBeginRedelegate",
        "delegator_address",
        (
            Field(1, "delegator_address", Kind.ACCOUNT),
            Field(2, "validator_src_address", Kind.VALIDATOR),
            Field(3, "validator_dst_address", Kind.VALIDATOR),
            Field(4, "amount", Kind.COIN),
        ),
    ),
    MessageType(
        "/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation",
        "cosmos-sdk/MsgCancelUnbondingDelegation",
        "delegator_address",
        (*_DELEGATION, Field(4, "creation_height", Kind.SIGNED)),
    ),
    MessageType(
        "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward",
        "cosmos-sdk/MsgWithdrawDelegationReward",
        "delegator_address",
        (Field(1, "delegator_address", Kind.ACCOUNT), Field(2, "validator_address", Kind.VALIDATOR)),
    ),
    MessageType(
        "/cosmos.distribution.v1beta1.MsgSetWithdrawAddress",
        "cosmos-sdk/MsgModifyWithdrawAddress",
        "delegator_address",
        (Field(1, "delegator_address", Kind.ACCOUNT), Field(2, "withdraw_address", Kind.ACCOUNT)),
    ),
    MessageType("/cosmos.gov.v1beta1.MsgVote", "cosmos-sdk/MsgVote", "voter", _VOTE),
    MessageType(
        "/cosmos.gov.v1.MsgVote",
        "cosmos-sdk/v1/MsgVote",
        "voter",
        (*_VOTE, Field(4, "metadata", Kind.TEXT, optional=True)),
    ),
    MessageType(
        "/ibc.applications.transfer.v1.MsgTransfer",
        "cosmos-sdk/MsgTransfer",
        "sender",
        (
            Field(1, "source_port", Kind.TEXT),
            Field(2, "source_channel", Kind.TEXT),
            Field(3, "token", Kind.COIN),
            Field(4, "sender", Kind.ACCOUNT),
            Field(5, "receiver", Kind.TEXT),
            Field(6, "timeout_height", Kind.HEIGHT),
            Field(7, "timeout_timestamp", Kind.UNSIGNED, optional=True),
            Field(8, "memo", Kind.TEXT, optional=True),
        ),
    ),
    MessageType(
        "/cosmwasm.wasm.v1.MsgExecuteContract",
        "wasm/MsgExecuteContract",
        "sender",
        (
            Field(1, "sender", Kind.ACCOUNT),
            Field(2, "contract", Kind.ACCOUNT),
            Field(3, "msg", Kind.JSON),
            Field(5, "funds", Kind.COINS, optional=True),
        ),
    ),
)

MESSAGES: Final = {item.url: item for item in _LISTED}
"""Type URL to type."""
BY_AMINO: Final = {item.amino: item for item in _LISTED}
"""Amino name to type."""
