"""What a transaction does, read from its bytes, with a warning for all that is dangerous or cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Network
from ...errors import InputError, InvalidTransaction
from ...transactions import Action, Fee, Summary
from . import known_abis, names, serialization, tokens
from .abi import Abi
from .transaction import Call, Transaction

__all__ = ["describe"]

_LONGEST: Final = 400
_TAKES_OVER: Final = "it changes who controls the account: whoever holds the new keys can take everything"


@dataclass(slots=True)
class _Reading:
    network: Network
    assets: tuple[Asset, ...]
    abis: Mapping[str, Abi]
    sender: str
    actions: list[Action] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    memos: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def describe(
    network: Network, body: Transaction, fee: Fee, assets: tuple[Asset, ...], abis: Mapping[str, Abi]
) -> Summary:
    """The summary of a transaction. ``abis`` are those that a node gave, beside the ones that are carried here."""
    reading = _Reading(network, assets, abis, body.sender.actor)
    for call in body.actions:
        _read(reading, call, "")
    others = sorted(str(level) for level in body.levels if level != body.sender)
    if others:
        reading.warn(f"it acts for others as well, who must sign too: {', '.join(others)[:_LONGEST]}")
    if body.context_free_actions or body.extensions:
        reading.warn("it holds context-free actions or extensions, which are not read here")
    if body.delay_sec:
        reading.warn(f"it is to run {body.delay_sec} seconds after it was accepted")
    details = {"expires": names.time_text(body.expiration * 1_000_000) + "Z"}
    memo = reading.memos[0] if len(reading.memos) == 1 else None
    return Summary(network.id, str(body.sender), tuple(reading.actions), fee, memo, details, tuple(reading.warnings))


def _read(reading: _Reading, call: Call, prefix: str) -> None:
    """Add what one action does; ``prefix`` marks those that a proposal holds."""
    title = f"{call.account}::{call.name}"
    abi = known_abis.known(reading.network, call.account)
    carried = abi is not None and call.name in abi.actions
    if not carried:
        # A transfer of the usual shape can move the contract's own tokens and nothing else.
        abi = known_abis.TOKEN if call.name == "transfer" else reading.abis.get(call.account)
    kind = None if abi is None else abi.actions.get(call.name)
    values: Any = None
    if abi is not None and kind is not None:
        try:
            values = serialization.decode(abi, kind, call.data)
        except InvalidTransaction:
            values = None
    if not isinstance(values, dict):
        details = {"action": title, "data": call.data[:64].hex() + ("..." if len(call.data) > 64 else "")}
        reading.actions.append(Action(f"{prefix}call", call.account, None, details))
        reading.warn(f"{title} cannot be read here: nobody can tell what it does")
        return
    reader = _READERS.get(call.name) if carried or call.name == "transfer" else None
    if reader is not None:
        try:
            reader(reading, call, values, prefix)
        except InputError:  # a number that the bytes hold and no token can have
            reading.actions.append(Action(f"{prefix}call", call.account, None, {"action": title, **_shown(values)}))
            reading.warn(f"{title} holds an amount that makes no sense")
        return
    reading.actions.append(Action(f"{prefix}call", call.account, None, {"action": title, **_shown(values)}))
    if not carried:
        reading.warn(f"{title} is shown as the ABI from the node says, and what the contract does with it is its own")


def _shown(values: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, value in values.items():
        text = _plain(value) if isinstance(value, str) else json.dumps(value)
        found[_plain(name)] = text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
    return found


def _plain(text: str) -> str:
    """A text as one line: what would break the line or steer a terminal could feign lines of the summary."""
    return (
        text
        if text.isprintable()
        else "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    )


def _amount(reading: _Reading, contract: str, text: str) -> Amount:
    quantity = names.parse_asset(text)
    asset = tokens.asset_of(reading.network, contract, quantity.symbol)
    for stated in reading.assets:
        if stated == asset and stated.decimals == asset.decimals:
            asset = stated
    return Amount(quantity.units, asset)


def _core(reading: _Reading, text: str) -> Amount:
    """An amount of what the resource actions are paid in."""
    quantity = names.parse_asset(text)
    native = reading.network.native
    if (quantity.symbol.code, quantity.symbol.precision) == (native.symbol, native.decimals):
        return Amount(quantity.units, native)
    return _amount(reading, "eosio.token", text)


def _transfer(reading: _Reading, call: Call, values: dict[str, Any], prefix: str) -> None:
    amount = _amount(reading, call.account, values["quantity"])
    details = {} if values["from"] == reading.sender and not prefix else {"from": values["from"]}
    asset = amount.asset
    if asset != reading.network.native:
        details["token"] = asset.reference
        if asset not in reading.assets:
            reading.warn(f"the token {asset.reference} is whatever the contract {call.account} says it is")
        if asset.symbol == reading.network.symbol:
            reading.warn(f"{asset.reference} has the symbol of {reading.network.title}'s own coin and is another token")
    if values["memo"]:
        details["memo"] = _plain(values["memo"])
    if not prefix:
        reading.memos.append(values["memo"]) if values["memo"] else None
    reading.actions.append(Action(f"{prefix}transfer", values["to"], amount, details))


def _resource(kind: str, to: str, *quantities: str) -> Callable[[_Reading, Call, dict[str, Any], str], None]:
    def read(reading: _Reading, call: Call, values: dict[str, Any], prefix: str) -> None:
        amounts = [_core(reading, values[name]) for name in quantities]
        total = None if not amounts else amounts[0] + amounts[1] if len(amounts) > 1 else amounts[0]
        details = {name: text for name, text in _shown(values).items() if name != to}
        if values.get("transfer"):
            reading.warn(f"the stake is given away: {values[to]} may take it out")
        reading.actions.append(Action(f"{prefix}{kind}", values[to], total, details))

    return read


def _new_account(reading: _Reading, call: Call, values: dict[str, Any], prefix: str) -> None:
    name = values.get("name") or values.get("account_name")
    details = {part: text for part, text in _shown(values).items() if part not in ("name", "account_name")}
    reading.actions.append(Action(f"{prefix}create-account", name, None, details))


def _permission(kind: str, warning: str) -> Callable[[_Reading, Call, dict[str, Any], str], None]:
    def read(reading: _Reading, call: Call, values: dict[str, Any], prefix: str) -> None:
        details = {name: text for name, text in _shown(values).items() if name != "account"}
        reading.actions.append(Action(f"{prefix}{kind}", values["account"], None, details))
        reading.warn(warning)

    return read


def _propose(reading: _Reading, call: Call, values: dict[str, Any], prefix: str) -> None:
    transaction = values["trx"]
    details = {
        "name": values["proposal_name"],
        "asks": ", ".join(f"{level['actor']}@{level['permission']}" for level in values["requested"])[:_LONGEST],
        "until": transaction["expiration"],
    }
    reading.actions.append(Action(f"{prefix}propose", None, None, details))
    if prefix:
        reading.warn("a proposal within a proposal is not read here")
        return
    if transaction["context_free_actions"] or transaction["transaction_extensions"]:
        reading.warn("what is proposed holds context-free actions or extensions, which are not read here")
    if transaction["delay_sec"]:
        reading.warn(f"what is proposed is to run {transaction['delay_sec']} seconds after it was accepted")
    for item in transaction["actions"]:
        inner = Call(item["account"], item["name"], (), bytes.fromhex(item["data"]))
        _read(reading, inner, "proposed-")


def _decide(kind: str, warning: str) -> Callable[[_Reading, Call, dict[str, Any], str], None]:
    def read(reading: _Reading, call: Call, values: dict[str, Any], prefix: str) -> None:
        level = values.get("level")
        details = {"proposer": values["proposer"], "name": values["proposal_name"]}
        if level is not None:
            details["as"] = f"{level['actor']}@{level['permission']}"
        if values.get("proposal_hash"):
            details["hash"] = values["proposal_hash"]
        reading.actions.append(Action(f"{prefix}{kind}", None, None, details))
        if kind == "approve" and "hash" not in details:
            warning_here = f"{warning}, and it names no hash: the proposal can be exchanged after you looked at it"
        else:
            warning_here = warning
        if warning_here:
            reading.warn(warning_here)

    return read


_UNSEEN: Final = "what the proposal does is not written in this transaction: look at the proposal itself"

_READERS: Final[Mapping[str, Callable[[_Reading, Call, dict[str, Any], str], None]]] = {
    "transfer": _transfer,
    "newaccount": _new_account,
    "buyram": _resource("buy-ram", "receiver", "quant"),
    "buyrambytes": _resource("buy-ram", "receiver"),
    "sellram": _resource("sell-ram", "account"),
    "delegatebw": _resource("stake", "receiver", "stake_net_quantity", "stake_cpu_quantity"),
    "undelegatebw": _resource("unstake", "receiver", "unstake_net_quantity", "unstake_cpu_quantity"),
    "powerup": _resource("power-up", "receiver", "max_payment"),
    "updateauth": _permission("change-permission", _TAKES_OVER),
    "deleteauth": _permission("delete-permission", "it deletes a permission of the account"),
    "linkauth": _permission("link-permission", "it lets another permission authorise actions of the account"),
    "unlinkauth": _permission("unlink-permission", "it changes which permission authorises actions of the account"),
    "setcode": _permission("deploy", "it replaces the account's contract: code can spend what the account holds"),
    "setabi": _permission("deploy", "it replaces how the account's actions are shown to people"),
    "propose": _propose,
    "approve": _decide("approve", _UNSEEN),
    "unapprove": _decide("unapprove", ""),
    "cancel": _decide("cancel-proposal", ""),
    "exec": _decide("execute-proposal", _UNSEEN),
}
