"""The ABIs of the contracts that every Antelope network starts with, as far as wallets use them.

They are carried here so that what is common can be written and read without asking anybody: token
(``eosio.token``), system (``eosio``) and multi-signature (``eosio.msig``). Their layout is that of the reference
contracts. ``core.vaulta`` is a token contract that also forwards the resource actions of the system contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from ...chain import Network
from .abi import Abi, Struct

__all__ = [
    "MSIG",
    "SYSTEM",
    "TOKEN",
    "known",
    "msig_account",
    "of_action",
    "resources_account",
    "system_account",
    "token_account",
]


def _fields(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (part.partition(":") for part in text.split())
    return tuple((name, kind) for name, _, kind in pairs)


def _abi(actions: dict[str, str], further: dict[str, str]) -> Abi:
    structs = {name: Struct("", _fields(text)) for name, text in {**actions, **further}.items()}
    return Abi({}, structs, {name: name for name in actions}, {})


_LEVELS: Final = {"permission_level": "actor:name permission:name"}
_AUTHORITY: Final = _LEVELS | {
    "key_weight": "key:public_key weight:uint16",
    "permission_level_weight": "permission:permission_level weight:uint16",
    "wait_weight": "wait_sec:uint32 weight:uint16",
    "authority": "threshold:uint32 keys:key_weight[] accounts:permission_level_weight[] waits:wait_weight[]",
}
_TOKEN: Final = {
    "create": "issuer:name maximum_supply:asset",
    "issue": "to:name quantity:asset memo:string",
    "retire": "quantity:asset memo:string",
    "transfer": "from:name to:name quantity:asset memo:string",
    "open": "owner:name symbol:symbol ram_payer:name",
    "close": "owner:name symbol:symbol",
}
_RESOURCES: Final = {
    "buyram": "payer:name receiver:name quant:asset",
    "buyrambytes": "payer:name receiver:name bytes:uint32",
    "sellram": "account:name bytes:int64",
    "delegatebw": "from:name receiver:name stake_net_quantity:asset stake_cpu_quantity:asset transfer:bool",
    "undelegatebw": "from:name receiver:name unstake_net_quantity:asset unstake_cpu_quantity:asset",
    "refund": "owner:name",
    "powerup": "payer:name receiver:name days:uint32 net_frac:int64 cpu_frac:int64 max_payment:asset",
    "voteproducer": "voter:name proxy:name producers:name[]",
}
_SYSTEM: Final = _RESOURCES | {
    "newaccount": "creator:name name:name owner:authority active:authority",
    "updateauth": "account:name permission:name parent:name auth:authority",
    "deleteauth": "account:name permission:name",
    "linkauth": "account:name code:name type:name requirement:name",
    "unlinkauth": "account:name code:name type:name",
    "setcode": "account:name vmtype:uint8 vmversion:uint8 code:bytes",
    "setabi": "account:name abi:bytes",
    "init": "version:varuint32 core:symbol",
    "setpriv": "account:name is_priv:uint8",
    "activate": "feature_digest:checksum256",
}
_WRAPPER: Final = (
    _TOKEN
    | _RESOURCES
    | {
        "retire": "owner:name quantity:asset memo:string",
        "sellram": "account:name bytes:uint32",
        "newaccount": "creator:name account_name:name key:public_key",
    }
)
_MSIG: Final = {
    "propose": "proposer:name proposal_name:name requested:permission_level[] trx:transaction",
    "approve": "proposer:name proposal_name:name level:permission_level proposal_hash:checksum256$",
    "unapprove": "proposer:name proposal_name:name level:permission_level",
    "cancel": "proposer:name proposal_name:name canceler:name",
    "exec": "proposer:name proposal_name:name executer:name",
    "invalidate": "account:name",
}
_TRANSACTION: Final = {
    "action": "account:name name:name authorization:permission_level[] data:bytes",
    "extension": "type:uint16 data:bytes",
    "transaction": (
        "expiration:time_point_sec ref_block_num:uint16 ref_block_prefix:uint32 max_net_usage_words:varuint32 "
        "max_cpu_usage_ms:uint8 delay_sec:varuint32 context_free_actions:action[] actions:action[] "
        "transaction_extensions:extension[]"
    ),
}

TOKEN: Final = _abi(_TOKEN, {})
SYSTEM: Final = _abi(_SYSTEM, _AUTHORITY)
MSIG: Final = _abi(_MSIG, _LEVELS | _TRANSACTION)
_FORWARDING_TOKEN: Final = _abi(_WRAPPER, {})


def token_account(network: Network) -> str:
    """The account of the core token's contract."""
    return str(network.params.get("token_contract", "eosio.token"))


def system_account(network: Network) -> str:
    """The account of the system contract."""
    return str(network.params.get("system", "eosio"))


def resources_account(network: Network) -> str:
    """The contract that sells RAM, CPU and NET for the core token: the system's own unless the row names another."""
    return str(network.params.get("resources", system_account(network)))


def msig_account(network: Network) -> str:
    """The account of the multi-signature contract."""
    return str(network.params.get("msig", f"{system_account(network)}.msig"))


def known(network: Network, account: str) -> Abi | None:
    """The ABI carried for an account of a network; None where there is none."""
    return _table(
        token_account(network), system_account(network), resources_account(network), msig_account(network)
    ).get(account)


def of_action(network: Network, account: str, name: str, given: Mapping[str, Abi] | None = None) -> Abi | None:
    """The ABI by which an action is written: the one carried here where it has the action, else one that was given."""
    carried = known(network, account)
    if carried is not None and name in carried.actions:
        return carried
    return (given or {}).get(account)


@cache
def _table(token: str, system: str, resources: str, msig: str) -> dict[str, Abi]:
    table = {"eosio.token": TOKEN, token: TOKEN, msig: MSIG, system: SYSTEM}
    if resources != system:
        table[resources] = _FORWARDING_TOKEN
    return table
