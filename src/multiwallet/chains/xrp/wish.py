"""What a caller asks for, checked before anything is asked of a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Amount
from ...chain import Holder, Network, Options, Payment, check_options
from ...errors import AmountError, InputError, InvalidTransaction, Unsupported, shown
from . import serialization
from .addresses import TAG_MAX, Recipient, account_id, classic, parse
from .currencies import Token, asset_of, code_text, parse_reference
from .delivery import MOST_LEDGERS
from .fields import FIELDS, NOT_SIGNED, TRANSACTION_TYPES
from .quantities import MAX_DROPS, units_text

__all__ = ["LEDGERS", "Wish", "wish"]

LEDGERS: Final = 20
"""How many ledgers after the last validated one may include a transaction: about 80 seconds."""
_LONGEST_MEMO: Final = 900
_OURS: Final = frozenset(
    {"Account", "Fee", "LastLedgerSequence", "NetworkID", "Sequence", "SigningPubKey", "TicketSequence"}
    | {"TransactionType", "TxnSignature", "Signers", "Memos", "SourceTag"}
)
"""The fields that have options or arguments of their own, or that are computed."""
_PAYMENT_FIELDS: Final = frozenset({"Destination", "Amount", "DestinationTag", "InvoiceID", "SendMax", "DeliverMin"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A checked request. ``token`` is None for XRP; ``units`` are drops, or units of 10^-15 of a token."""

    holder: Holder
    sender: str
    type: str
    to: Recipient
    token: Token | None
    units: int
    everything: bool
    fields: Mapping[str, Any]
    memo: str | None
    source_tag: int | None
    sequence: int | None
    ticket: int | None
    last_ledger: int | None
    ledgers: int
    fee: int | None
    is_multisigned: bool

    @property
    def network(self) -> Network:
        return self.holder.network

    @property
    def is_payment(self) -> bool:
        return self.type == "Payment"

    @property
    def address(self) -> str:
        """The classic address of who is paid."""
        return classic(self.to.account)

    def amount(self, units: int) -> str | dict[str, str]:
        """So many units as the ledger's JSON writes them."""
        if self.token is None:
            return str(units)
        token = self.token
        return {
            "currency": code_text(token.currency),
            "issuer": classic(token.issuer),
            "value": units_text(units),
        }


def wish(holder: Holder, payments: tuple[Payment, ...], options: Options) -> Wish:
    """Check a request; InputError, AmountError or Unsupported say what is wrong with it."""
    check_options(
        options,
        "account",
        "call",
        "destination_tag",
        "fee",
        "fields",
        "invoice_id",
        "last_ledger_sequence",
        "ledgers",
        "nonce",
        "sequence",
        "source_tag",
        "ticket",
    )
    native = options.native
    if len(payments) != 1:
        raise Unsupported("a transaction of the XRP Ledger makes one payment: build one for each")
    payment = payments[0]
    kind = native.get("call", "Payment")
    if not isinstance(kind, str) or kind not in TRANSACTION_TYPES:
        raise InputError(f"call names a type of transaction, such as TrustSet or AccountSet, not {shown(kind)}")
    token = None if payment.asset == holder.network.native else _token(holder.network, payment)
    to = _recipient(holder.network, payment.to, native)
    sender = classic(account_id(native["account"])) if native.get("account") is not None else holder.address
    is_nothing = payment == Payment(holder.address, Amount(0, holder.network.native)) and sender == holder.address
    if is_nothing and "call" not in native and ("nonce" in native or "sequence" in native):
        kind = "AccountSet"  # nothing to oneself with a number of one's own: it takes up that number
    fields = _fields(native, kind)
    if kind == "Payment":
        _check_payment(payment, token, to, sender)
        if "invoice_id" in native:
            fields["InvoiceID"] = native["invoice_id"]
        serialization.encode(fields)
    else:
        _check_call(payment, kind, token, to, sender, native)
    memo = options.memo
    if memo is not None and (not isinstance(memo, str) or not 0 < len(_utf8(memo)) <= _LONGEST_MEMO):
        raise InputError(f"a memo is text of 1 to {_LONGEST_MEMO} bytes")
    sequence = _sequence(native)
    ticket = _whole(native, "ticket", 1, 2**32 - 1)
    if sequence is not None and ticket is not None:
        raise InputError("a transaction takes a ticket or a sequence number, not both")
    last = _whole(native, "last_ledger_sequence", 1, 2**32 - 1)
    if last is not None and "ledgers" in native:
        raise InputError(
            "ledgers counts from the last validated one, last_ledger_sequence is absolute: give one of them"
        )
    return Wish(
        holder,
        sender,
        kind,
        to,
        token,
        payment.amount.units,
        payment.everything,
        fields,
        memo,
        _whole(native, "source_tag", 0, TAG_MAX),
        sequence,
        ticket,
        last,
        _whole(native, "ledgers", 1, MOST_LEDGERS) or LEDGERS,
        _fee(holder.network, native),
        native.get("account") is not None,
    )


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("the memo is no text that can be written in UTF-8") from None


def _token(network: Network, payment: Payment) -> Token:
    asset = payment.asset
    if asset.network_id != network.id:
        raise AmountError(f"{asset.id} does not live on {network.name}")
    if asset.namespace != "token":
        raise Unsupported(f"XRP and the tokens of trust lines (token) are sent here, not {asset.namespace[:40]} assets")
    token = parse_reference(asset.reference)
    if asset.decimals != asset_of(network, token).decimals:
        raise AmountError(f"amounts of {asset.id[:120]} are reckoned with 15 decimals, not with {asset.decimals}")
    return token


def _recipient(network: Network, to: str, native: Mapping[str, Any]) -> Recipient:
    found = parse(network, to)
    tag = _whole(native, "destination_tag", 0, TAG_MAX)
    if tag is not None and found.tag is not None and tag != found.tag:
        raise InputError(f"the X-address carries the destination tag {found.tag}, and destination_tag is {tag}")
    return Recipient(found.account, found.tag if tag is None else tag)


def _fields(native: Mapping[str, Any], kind: str) -> dict[str, Any]:
    given = native.get("fields", {})
    if not isinstance(given, Mapping):
        raise InputError('fields is an object of the ledger\'s own fields, such as {"SetFlag": 8}')
    for name in given:
        if not isinstance(name, str) or name not in FIELDS:
            raise InputError(f"the ledger has no field {shown(name)} that is known here")
        if name in _OURS or name in NOT_SIGNED or (kind == "Payment" and name in _PAYMENT_FIELDS - {"DeliverMin"}):
            raise InputError(f"{name} is not given among fields: it has an option of its own or is computed")
    try:
        serialization.encode(given)
    except InvalidTransaction as error:
        raise InputError(error.message) from None
    return dict(given)


def _check_payment(payment: Payment, token: Token | None, to: Recipient, sender: str) -> None:
    if to.account == account_id(sender):
        raise InputError("the ledger takes no payment from an account to itself")
    if payment.everything:
        return
    if payment.amount.units <= 0:
        raise AmountError("the amount is zero: there is nothing to send")
    if token is None and payment.amount.units > MAX_DROPS:
        raise AmountError("there are no more than 100 billion XRP")
    if token is not None:
        units_text(payment.amount.units)


def _check_call(
    payment: Payment, kind: str, token: Token | None, to: Recipient, sender: str, native: Mapping[str, Any]
) -> None:
    if payment.everything:
        raise Unsupported('"max" is for payments')
    if "invoice_id" in native:
        raise InputError("invoice_id belongs to a payment")
    if kind == "TrustSet":
        if token is None or to.account != token.issuer or to.tag is not None:
            raise InputError("a TrustSet names the issuer as to=, the token as asset= and the limit as amount=")
        if account_id(sender) == token.issuer:
            raise InputError("an issuer needs no trust line to itself")
        units_text(payment.amount.units)
        return
    if payment.amount.units or token is not None or to != Recipient(account_id(sender)):
        raise InputError(
            f'{kind} carries no payment of its own: to= is the own address, amount= "0", the rest is fields='
        )


def _sequence(native: Mapping[str, Any]) -> int | None:
    if "nonce" in native and "sequence" in native:
        raise InputError("nonce and sequence are two names of one option: give one of them")
    return _whole(native, "nonce" if "nonce" in native else "sequence", 1, 2**32 - 1)


def _fee(network: Network, native: Mapping[str, Any]) -> int | None:
    value = native.get("fee")
    if isinstance(value, str):
        return Amount.parse(value, network.native).units
    if isinstance(value, Amount):
        if value.asset != network.native:
            raise AmountError(f"fee is an amount of {network.symbol}")
        return value.units
    return _whole(native, "fee", 0, MAX_DROPS)


def _whole(native: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    value = native.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{name} is a whole number from {low} to {high}")
    return value
