"""What an order does, read from the cells that are signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ...amounts import Amount, Asset
from ...chain import Action, Fee, Network, Summary
from ...codec.cell import Cell
from ...errors import InputError, InvalidTransaction
from .addresses import Address
from .jettons import Transfer
from .messages import External, Internal, read_text
from .wallets import Order

__all__ = ["attached", "describe"]

_KNOWN_MODES: Final = (0, 1, 2, 3, 128, 130)
_ALL: Final = 128
_DESTROY: Final = 32


def describe(
    network: Network,
    message: External,
    order: Order,
    fee: Fee,
    assets: tuple[Asset, ...],
    jettons: Mapping[str, str],
    *,
    offline: bool,
) -> Summary:
    """Every message of the order, with warnings. ``jettons`` says which jetton each jetton wallet is of."""
    known = {asset.id: asset for asset in assets}
    actions: list[Action] = []
    warnings: list[str] = []
    memos: list[str] = []
    for position, (mode, cell) in enumerate(order.messages):
        where = f"message {position + 1}: " if len(order.messages) > 1 else ""
        found: list[str] = []
        actions.append(_action(network, mode, cell, known, jettons, message.to, found, memos))
        warnings += [where + text for text in found]
    if not actions:
        warnings.append("the order sends nothing")
    details = {"wallet": order.kind, "seqno": str(order.seqno), "valid until": _time(order.valid_until)}
    if message.init is not None:
        details["deploys"] = "the wallet's contract comes along: this is its first order"
    if offline:
        warnings.append("the fee is a bound from a list of prices: no node was asked")
    different = list(dict.fromkeys(memos))
    return Summary(
        network=network.id,
        sender=message.to.text(bounceable=False, test_only=network.testnet),
        actions=tuple(actions),
        fee=fee,
        memo="\n".join(different) if different else None,
        details=details,
        warnings=tuple(warnings),
    )


def attached(order: Order, jettons: Mapping[str, str]) -> int:
    """The nanograms that travel with transfers of known jettons, which are counted as a part of the fee.

    Raises InvalidTransaction where a message cannot be read.
    """
    try:
        sent = [Internal.read(cell) for _, cell in order.messages]
    except InputError as error:
        raise InvalidTransaction(f"a message of the order cannot be read: {error.message}") from None
    return sum(item.value for item in sent if item.to.raw in jettons and _jetton(item.body, []) is not None)


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _action(
    network: Network,
    mode: int,
    cell: Cell,
    known: Mapping[str, Asset],
    jettons: Mapping[str, str],
    sender: Address,
    warnings: list[str],
    memos: list[str],
) -> Action:
    sent = Internal.read(cell)
    value = Amount(sent.value, network.native)
    to = sent.to.text(bounceable=sent.bounce, test_only=network.testnet)
    details: dict[str, str] = {}
    amount: Amount | None = value
    if mode & _ALL:
        amount = None
        details["amount"] = "everything that the account has left"
        warnings.append("this sends the whole balance of the account")
    if mode & _DESTROY:
        warnings.append("this deletes the wallet's contract when its balance is zero")
    if mode not in _KNOWN_MODES and mode != _ALL | _DESTROY | 2:
        warnings.append(f"the message is sent in the unusual mode {mode}")
    if sent.init is not None:
        details["deploys"] = sent.init.hash.hex()
        warnings.append("this message carries code and data that may become a contract at the recipient's address")
    transfer = _jetton(sent.body, warnings)
    if transfer is not None:
        return _jetton_action(network, sent, value, transfer, known, jettons, sender, warnings, memos)
    if sent.body == Cell():
        return Action("transfer", to, amount, details)
    text = read_text(sent.body)
    if text is not None:
        memos.append(text)
        return Action("transfer", to, amount, details)
    details["opcode"] = sent.body.data[:4].hex() if sent.body.bits >= 32 else "none"
    warnings.append(f"the message to {to} calls a contract in a way that cannot be read here: it may do anything there")
    if not sent.bounce:
        warnings.append("the call does not bounce: what goes along is lost if the contract refuses it")
    return Action("call", to, amount, details)


def _jetton(body: Cell, warnings: list[str]) -> Transfer | None:
    try:
        return Transfer.read(body)
    except InputError:
        warnings.append("the message looks like a jetton transfer and is none that can be read")
        return None


def _jetton_action(
    network: Network,
    sent: Internal,
    value: Amount,
    transfer: Transfer,
    known: Mapping[str, Asset],
    jettons: Mapping[str, str],
    sender: Address,
    warnings: list[str],
    memos: list[str],
) -> Action:
    def text(address: Address, bounceable: bool = False) -> str:
        return address.text(bounceable=bounceable, test_only=network.testnet)

    details = {
        "jetton wallet": text(sent.to, True),
        "attached": str(value),
        "forwarded": str(Amount(transfer.forward, network.native)),
    }
    if transfer.payload != Cell():
        note = read_text(transfer.payload)
        if note is None:
            warnings.append("the jettons travel with a payload that cannot be read here: the recipient may act on it")
        else:
            memos.append(note)
    if transfer.custom is not None:
        warnings.append("the jetton wallet gets a payload of its own (custom_payload) that cannot be read here")
    if transfer.response != sender:
        whom = "nobody" if transfer.response is None else text(transfer.response)
        warnings.append(f"what is left of the attached coins goes to {whom}, not back to the account")
    asset = known.get(jettons.get(sent.to.raw, ""))
    if asset is None:
        warnings.append("which jetton this is cannot be told from the bytes: only its wallet contract is named")
        details["units"] = str(transfer.amount)
        return Action("jetton-transfer", text(transfer.to), value, details)
    details["jetton"] = asset.id
    return Action("transfer", text(transfer.to), Amount(transfer.amount, asset), details)
