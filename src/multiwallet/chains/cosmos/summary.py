"""What a transaction does, read from its SignDoc, with warnings for what is dangerous or unread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Network
from ...errors import AmountError
from ...transactions import Action, Fee, Summary
from . import addresses, denoms
from .coins import Coin
from .message import Message, Unread, canonical_json
from .rules import Rules
from .sign_doc import AMINO, SignDoc

__all__ = ["asset_of", "describe", "fee_of"]

_KINDS: Final = {
    "MsgDelegate": "stake",
    "MsgUndelegate": "unstake",
    "MsgBeginRedelegate": "restake",
    "MsgCancelUnbondingDelegation": "cancel unstaking",
    "MsgWithdrawDelegatorReward": "claim rewards",
    "MsgSetWithdrawAddress": "set reward address",
    "MsgVote": "vote",
}
_TARGETS: Final = ("validator_dst_address", "validator_address", "withdraw_address")


def asset_of(network: Network, denom: str, assets: tuple[Asset, ...]) -> Asset:
    """The asset of a denom, with the decimals that the builder stated; none at all where nobody did."""
    identity = denoms.asset_id(network, denom)
    if identity == network.native.id:
        return network.native
    for asset in assets:
        if asset.id == identity:
            return asset
    return Asset(identity, denom[:60], 0)


def fee_of(network: Network, rules: Rules, doc: SignDoc) -> Fee:
    """The fee that the transaction states, which the chain takes whole."""
    units = sum(coin.units for coin in doc.fee if coin.denom == rules.denom)
    details: dict[str, str] = {"gas": str(doc.gas)}
    others = [f"{coin.units}{coin.denom}" for coin in doc.fee if coin.denom != rules.denom]
    if others:
        details["also"] = ", ".join(others)
    try:
        amount = Amount(units, network.native)
    except AmountError:
        amount = Amount((1 << 256) - 1, network.native)
    return Fee(amount, amount, details)


def describe(network: Network, rules: Rules, doc: SignDoc, sender: str, assets: tuple[Asset, ...]) -> Summary:
    """The summary of a SignDoc."""
    fee = fee_of(network, rules, doc)
    actions: list[Action] = []
    warnings: list[str] = []
    for item in doc.messages:
        actions += _actions(network, item, assets, warnings)
    if fee.maximum.units > rules.fee_ceiling:
        warnings.append(f"the fee of {fee.maximum} is far above what a transaction costs here")
    if "also" in fee.details:
        warnings.append(f"the fee is paid in {fee.details['also']} as well")
    if doc.granter:
        warnings.append(f"the fee is charged to {_plain(doc.granter)}, who must have granted that")
    if doc.payer and doc.payer != sender:
        warnings.append(f"the fee is to be paid by {_plain(doc.payer)}, whose signature is missing")
    details = {"sequence": str(doc.sequence), "mode": "amino" if doc.mode == AMINO else "direct"}
    if doc.timeout_height:
        details["expires"] = f"after block {doc.timeout_height}"
    return Summary(network.id, sender, tuple(actions), fee, doc.memo or None, details, tuple(warnings))


def _plain(text: str, most: int = 200) -> str:
    """Text of a stranger as it may be shown: what is not printable becomes a replacement character."""
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text[:most])
    return shown + ("..." if len(text) > most else "")


def _ends(values: Mapping[str, Any]) -> dict[str, str]:
    """Until when an IBC transfer may arrive: before that, coins that do not arrive are not given back."""
    (revision, height), nanoseconds = values["timeout_height"], values["timeout_timestamp"]
    found = (
        {"must arrive before block": f"{revision}-{height} of the other chain"} if (revision, height) != (0, 0) else {}
    )
    if nanoseconds:
        found["must arrive before"] = f"{nanoseconds // 10**9} seconds since 1970"
    return found


def _actions(network: Network, item: Message | Unread, assets: tuple[Asset, ...], warnings: list[str]) -> list[Action]:
    if isinstance(item, Unread):
        url = item.url[:100]
        url = url if url.isprintable() else repr(url)
        warnings.append(f"nobody has read the message {url}: it can do anything that your key may do")
        return [Action("unknown message", details={"type": url, "data": item.data[:512].hex()})]
    name, values = item.url.rsplit(".", 1)[1], item.values

    def amount(coin: Coin) -> tuple[Amount, dict[str, str]]:
        asset = asset_of(network, coin.denom, assets)
        if asset != network.native and asset not in assets:
            warnings.append(f"the decimals of {coin.denom} are not known: its amount is shown in the smallest units")
        return Amount(coin.units, asset), {"denom": coin.denom} if asset != network.native else {}

    if name == "MsgSend":
        listed = [amount(coin) for coin in values["amount"]]
        return [Action("transfer", values["to_address"], units, details) for units, details in listed]
    if name == "MsgTransfer":
        units, details = amount(values["token"])
        receiver = _plain(str(values["receiver"]))
        details |= {"channel": _plain(f"{values['source_port']}/{values['source_channel']}")}
        if values["memo"]:
            details["memo for the other chain"] = _plain(str(values["memo"]))
            warnings.append("the transfer's memo may make the other chain do more than receive: read it")
        try:
            addresses.any_chain(receiver)
        except ValueError:
            warnings.append(f"the receiver {receiver[:80]!r} is no Bech32 address")
        details |= _ends(values)
        if not values["timeout_timestamp"] and values["timeout_height"] == (0, 0):
            warnings.append("the IBC transfer has no timeout, and chains refuse one without")
        return [Action("transfer to another chain", receiver, units, details)]
    if name == "MsgExecuteContract":
        call = canonical_json(item.json()["msg"])
        warnings.append(f"this calls the contract {values['contract']}, which can do anything with what it is given")
        action = Action("call", values["contract"], details={"message": _plain(call, 1000)})
        return [action, *(Action("pay the contract", values["contract"], amount(c)[0]) for c in values["funds"])]
    target = next((str(values[field]) for field in _TARGETS if field in values), None)
    if name == "MsgVote":
        shown = item.json()
        return [Action("vote", details={"proposal": shown["proposal_id"], "option": shown["option"]})]
    if name == "MsgSetWithdrawAddress":
        warnings.append(f"all staking rewards will go to {target} from now on")
    detail = {"from": str(values["validator_src_address"])} if "validator_src_address" in values else {}
    if "amount" in values:
        units, details = amount(values["amount"])
        return [Action(_KINDS[name], target, units, {**detail, **details})]
    return [Action(_KINDS[name], target, details=detail)]
