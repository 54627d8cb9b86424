"""What a transaction does, from its fields: payments and trust lines by name, everything else with a warning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Network
from ...transactions import Action, Fee, Summary
from .build import CEILING
from .currencies import DECIMALS, asset_of
from .quantities import token_amount
from .transaction import Transaction

__all__ = ["describe"]

_PARTIAL_PAYMENT: Final = 0x00020000
_COMMON: Final = frozenset(
    {"TransactionType", "Account", "Fee", "Sequence", "SigningPubKey", "LastLedgerSequence", "Memos", "NetworkID"}
    | {"TicketSequence", "SourceTag"}
)
_PAYMENT: Final = frozenset({"Destination", "Amount", "DestinationTag", "SendMax", "DeliverMin", "InvoiceID", "Flags"})
_LONGEST: Final = 4_000
_FULLY_CANONICAL: Final = 0x80000000
_ACCOUNT_FLAGS: Final = {
    1: "require destination tags",
    2: "require authorization of trust lines",
    3: "disallow XRP",
    4: "disable the master key",
    5: "track the last transaction",
    6: "give up freezing for ever",
    7: "freeze everything it issues",
    8: "let balances ripple",
    9: "require authorization of deposits",
    10: "let another account mint NFTs for it",
    12: "refuse NFT offers",
    13: "refuse checks",
    14: "refuse payment channels",
    15: "refuse trust lines",
    16: "allow clawback",
    17: "allow tokens of it in escrow",
}
_DANGEROUS: Final = {
    "SetRegularKey": "this lets another key sign for the account: who holds that key can spend everything",
    "SignerListSet": "this lets other accounts sign for this one: together they can spend everything",
    "AccountDelete": "this deletes the account and pays all its XRP to the destination",
    "DelegateSet": "this lets another account send transactions for this one",
    "PaymentChannelCreate": "this sets XRP aside for a payment channel",
    "EscrowCreate": "this sets money aside: it comes back only as the escrow says",
    "CheckCreate": "who receives this check can take the money from the account later",
    "OfferCreate": "this trades on the exchange: what is given and what is got may be different assets",
    "NFTokenCreateOffer": "this offers an NFT, or money for one",
}


def describe(network: Network, transaction: Transaction, fee: Fee) -> Summary:
    """The summary of a transaction."""
    fields, warnings = transaction.fields, list[str]()
    kind = fields["TransactionType"]
    if kind == "Payment" and "Destination" in fields and "Amount" in fields:
        action = _payment(network, fields, warnings)
    elif kind == "TrustSet" and "LimitAmount" in fields:
        action = _trust_line(network, fields, warnings)
    elif kind == "AccountSet":
        action = _account_set(fields, warnings)
    else:
        action = Action("call", details={"type": kind, **_rest(fields, _COMMON)})
        warnings.append(_DANGEROUS.get(kind, f"what {kind} does is not explained here: read its fields"))
    if "LastLedgerSequence" not in fields:
        warnings.append("this never expires: it can be included at any later time until its sequence is used")
    if transaction.fee > CEILING:
        warnings.append(f"the fee is {Amount(transaction.fee, network.native)}")
    details = {"sequence": str(fields["Sequence"])}
    if "TicketSequence" in fields:
        details = {"ticket": str(fields["TicketSequence"])}
    if transaction.last_ledger is not None:
        details["expires"] = f"after ledger {transaction.last_ledger}"
    if "SourceTag" in fields:
        details["source tag"] = str(fields["SourceTag"])
    if not transaction.key:
        details["signers"] = f"several accounts sign, {len(transaction.signers)} have"
    memo = _memos(fields.get("Memos"), details)
    return Summary(network.id, fields["Account"], (action,), fee, memo, details, tuple(warnings))


def _rest(fields: Mapping[str, Any], known: frozenset[str]) -> dict[str, str]:
    return {
        name: _shortened(item if isinstance(item, str) else json.dumps(item, separators=(",", ":")))
        for name, item in fields.items()
        if name not in known
    }


def _shortened(text: str) -> str:
    """A field's text, with how much of it is not shown."""
    return (
        text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text) - _LONGEST} more characters, not shown)"
    )


def _payment(network: Network, fields: Mapping[str, Any], warnings: list[str]) -> Action:
    details: dict[str, str] = {}
    amount = _amount(network, fields["Amount"], details, "amount")
    flags = fields.get("Flags", 0)
    if flags & _PARTIAL_PAYMENT:
        warnings.append(
            "PARTIAL PAYMENT: the recipient may get far less than the amount shown, which is only the most; "
            "at least: " + (_text(network, fields["DeliverMin"]) if "DeliverMin" in fields else "nothing is promised")
        )
    if "DestinationTag" in fields:
        details["destination tag"] = str(fields["DestinationTag"])
    if "SendMax" in fields:
        details["at most spent"] = _text(network, fields["SendMax"])
        if _asset(fields["SendMax"]) != _asset(fields["Amount"]):
            warnings.append(f"this pays by exchange: it may cost up to {details['at most spent']}")
        else:
            details["note"] = "what is spent beyond the amount goes to the issuer as its transfer fee"
    if "DeliverMin" in fields:
        details["delivers at least"] = _text(network, fields["DeliverMin"])
    if "InvoiceID" in fields:
        details["invoice"] = fields["InvoiceID"]
    if flags & ~(_FULLY_CANONICAL | _PARTIAL_PAYMENT):
        details["flags"] = f"0x{flags:08X}"
    others = _rest(fields, _COMMON | _PAYMENT)
    if others:
        details |= others
        warnings.append(f"it has fields that change how it pays: {', '.join(sorted(others))}")
    return Action("transfer", fields["Destination"], amount, details)


def _trust_line(network: Network, fields: Mapping[str, Any], warnings: list[str]) -> Action:
    details: dict[str, str] = {}
    limit = _amount(network, fields["LimitAmount"], details, "limit")
    issuer = fields["LimitAmount"].get("issuer") if isinstance(fields["LimitAmount"], Mapping) else None
    details |= _rest(fields, _COMMON | {"LimitAmount"})
    if "Flags" in fields:
        details["Flags"] = f"0x{fields['Flags']:08X}"
    warnings.append("this changes what the account trusts an issuer for: others can then send it that token")
    return Action("trust-line", issuer, limit, details)


def _account_set(fields: Mapping[str, Any], warnings: list[str]) -> Action:
    details = _rest(fields, _COMMON)
    for name in ("SetFlag", "ClearFlag"):
        number = fields.get(name, 0)
        if number:
            details[name] = f"{number} ({_ACCOUNT_FLAGS.get(number, 'unknown here')})"
    if fields.get("SetFlag") == 4:
        warnings.append("this disables the master key: without another key the account is lost")
    elif fields.get("SetFlag") in (6, 16):
        warnings.append("this setting can never be taken back")
    elif details:
        warnings.append("this changes settings of the account")
    return Action("account-set", None, None, details)


def _asset(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Mapping):
        return tuple(value.get(name) for name in ("currency", "issuer", "mpt_issuance_id"))
    return ()


def _amount(network: Network, value: Any, details: dict[str, str], name: str) -> Amount | None:
    if isinstance(value, str):
        return Amount(int(value), network.native)
    if "mpt_issuance_id" in value:
        details[name] = _text(network, value)
        return Amount(int(value["value"]), Asset(f"{network.id}/xls33:{value['mpt_issuance_id']}", "", 0))
    found = token_amount(value)
    if found.number < 0 or found.number * 10 ** max(found.exponent + DECIMALS, 0) != found.units * 10 ** max(
        -found.exponent - DECIMALS, 0
    ):
        details[name] = _text(network, value)  # negative or finer than the decimals shown: the ledger's own text
        return None
    return Amount(found.units, asset_of(network, found.token))


def _text(network: Network, value: Any) -> str:
    if isinstance(value, str):
        return str(Amount(int(value), network.native))
    if "mpt_issuance_id" in value:
        return f"{value['value']} of the multi-purpose token {value['mpt_issuance_id']}"
    return f"{value['value']} {value['currency']} of {value['issuer']}"


def _memos(listed: Any, details: dict[str, str]) -> str | None:
    """The text of the first memo; the others, and what is no text, among the details."""
    memo = None
    for number, item in enumerate(listed if isinstance(listed, list) else ()):
        inner = item.get("Memo", {}) if isinstance(item, Mapping) else {}
        text = _printable(inner.get("MemoData", ""))
        if number == 0 and text is not None:
            memo = text
        else:
            details[f"memo {number + 1}"] = (text or inner.get("MemoData", ""))[:400]
        for name in ("MemoType", "MemoFormat"):
            if name in inner:
                details[f"memo {number + 1} {name[4:].lower()}"] = (_printable(inner[name]) or inner[name])[:100]
    return memo


def _printable(text: str) -> str | None:
    try:
        found = bytes.fromhex(text).decode("utf-8")
    except ValueError:
        return None
    return found if found.isprintable() else None
