"""From a checked request to a transaction: what the ledger says now, and every reason why it would not work."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ...amounts import Amount
from ...chain import Holder, Network, Options, Payment
from ...errors import BadResponse, InputError, InsufficientFunds, Reverted, SigningRefused
from ...ops import Op, attempt, gather
from ...transactions import Fee
from . import answers
from .addresses import account_id, classic, ledger_key
from .answers import Account, Line, State
from .currencies import asset_of, symbol
from .delivery import MOST_LEDGERS
from .quantities import rounded_down, rounded_up
from .transaction import SignerList, Transaction, network_id
from .wish import Wish, wish

__all__ = ["CEILING", "build", "check_price", "fee_of", "fee_per_signature"]

CEILING: Final = 2_000_000
"""The dearest fee (drops) that is set without ``max_fee``; xrpl.js stops at the same."""
_DEAR_CEILING: Final = 10_000_000  # the same for those that cost an owner's reserve, which a server tells
REQUIRE_TAG: Final = 0x00020000
_REQUIRE_AUTHORIZATION: Final = 0x00040000
_MASTER_DISABLED: Final = 0x00100000
_GLOBAL_FREEZE: Final = 0x00400000
_DEPOSIT_AUTHORIZATION: Final = 0x01000000
_RATE: Final = 10**9
_FREE_OBJECTS: Final = 2  # the first two trust lines of an account need no reserve
_DEAR: Final = ("AccountDelete", "AMMCreate", "LedgerStateFix", "VaultCreate")  # which cost an owner's reserve
_OWN_NETWORK_ID: Final = 1024


class _Known(NamedTuple):
    """What the ledger says about everybody who takes part."""

    state: State
    fee: int
    sender: Account
    recipient: Account | None
    issuer: Account | None
    from_line: Line | None
    to_line: Line | None


def build(
    holder: Holder, payments: tuple[Payment, ...], options: Options
) -> Op[tuple[Transaction, Fee, SignerList | None]]:
    """The unsigned transaction, its fee, and the signer list of the account where it is multi-signed."""
    asked = wish(holder, payments, options)
    known = yield from _ask(asked, options)
    signer_list = _signers(asked, known.sender)
    fee = asked.fee if asked.fee is not None else known.fee
    if signer_list is not None and asked.fee is None:
        fee *= 1 + len(signer_list.weights)
    if asked.type in _DEAR and asked.fee is None:
        fee = max(fee, known.state.reserve_increment)
    ceiling = _DEAR_CEILING if asked.type in _DEAR else CEILING
    check_price(asked.network, options, fee, is_stated=asked.fee is not None, ceiling=ceiling)
    fields = _common(asked, known, fee, is_multisigned=signer_list is not None)
    fields |= asked.fields
    if asked.is_payment:
        yield from _check_recipient(asked, known)
        fields |= _xrp(asked, known, fee) if asked.token is None else _token(asked, known, fee)
        fields["Destination"] = asked.address
        if asked.to.tag is not None:
            fields["DestinationTag"] = asked.to.tag
    else:
        _check_fee(asked, known, fee)
        if asked.type == "TrustSet":
            fields["LimitAmount"] = _limit(asked, known)
    made = Transaction(fields)
    made.check()
    return made, fee_of(asked.network, made), signer_list


def fee_of(network: Network, transaction: Transaction) -> Fee:
    """The fee in the bytes, which is what it costs."""
    fee = Amount(transaction.fee, network.native)
    return Fee(fee, fee, {"drops": transaction.fee})


def _one(effect: Any) -> Op[Any]:
    (outcome,) = yield from attempt(effect)
    return outcome


def _nothing() -> Op[None]:
    return None
    yield ()


def _ask(asked: Wish, options: Options) -> Op[_Known]:
    network, token = asked.network, asked.token
    sender, to = account_id(asked.sender), asked.to.account
    holds = token is not None and sender != token.issuer
    receives = asked.is_payment and token is not None and to != token.issuer
    info = answers.account_info
    state, fees, own, theirs, issuer, from_line, to_line = yield from gather(
        _one(answers.server_state(network)),
        _one(answers.call(network, "fee")),
        _one(info(network, asked.sender, signers=True)),
        _one(info(network, asked.address)) if asked.is_payment else _nothing(),
        _one(info(network, classic(token.issuer))) if token is not None else _nothing(),
        answers.lines(network, asked.sender, token) if token is not None and holds else _nothing(),
        answers.lines(network, asked.address, token) if token is not None and receives else _nothing(),
    )
    found = answers.state(state)
    if found.network_id != network_id(network):
        raise BadResponse(f"this endpoint serves the network {found.network_id}, not {network.name}")
    fee = fee_per_signature(fees, options.speed)
    account = answers.account(own, asked.sender)
    if account is None:
        paid = asked.units if asked.token is None and asked.is_payment else 0
        raise InsufficientFunds(
            f"{asked.sender} has no account on the ledger yet: it needs a first payment of "
            f"{Amount(found.reserve_base, network.native)} or more",
            needed=Amount(paid + fee + found.reserve_base, network.native),
            available=Amount(0, network.native),
        )
    return _Known(
        found,
        fee,
        account,
        answers.account(theirs, asked.address) if asked.is_payment else None,
        None if token is None else answers.account(issuer, classic(token.issuer)),
        from_line,
        to_line,
    )


def fee_per_signature(outcome: Any, speed: str) -> int:
    """Drops for one signature: ``slow`` may wait in the queue, ``normal`` enters the open ledger, ``fast`` has half to spare."""
    method = "fee"
    listed = answers.table(answers.result(outcome, method).get("drops"), method, "drops")
    least, enters = answers.drops(listed, "minimum_fee", method), answers.drops(listed, "open_ledger_fee", method)
    if speed == "slow":
        return least
    enters = max(enters, least)
    return enters if speed == "normal" else -(-enters * 3 // 2)


def check_price(network: Network, options: Options, fee: int, *, is_stated: bool, ceiling: int = CEILING) -> None:
    """InputError for a fee above ``max_fee`` or, where nothing was said, above the ceiling."""
    amount = Amount(fee, network.native)
    if options.max_fee is not None:
        if amount > options.max_fee:
            raise InputError(f"the fee is {amount}, and max_fee is {options.max_fee}: raise it or wait")
    elif fee > ceiling and not is_stated:
        raise InputError(f"the fee is {amount}, which no transaction usually costs: say max_fee if you mean to pay it")


def _signers(asked: Wish, sender: Account) -> SignerList | None:
    if not asked.is_multisigned:
        if sender.flags & _MASTER_DISABLED:
            raise SigningRefused(
                f"{asked.sender} has disabled its master key: several signers (account=) or its regular key must sign"
            )
        return None
    known = sender.signer_list
    if known is None:
        raise InputError(f"{asked.sender} has no signer list: nobody can sign for it")
    if asked.holder.address not in known.weights:
        raise InputError(f"{asked.holder.address} is not on the signer list of {asked.sender}")
    return known


def _common(asked: Wish, known: _Known, fee: int, *, is_multisigned: bool) -> dict[str, Any]:
    last = asked.last_ledger if asked.last_ledger is not None else known.state.ledger + asked.ledgers
    if last <= known.state.ledger:
        raise InputError(f"the ledger {last} is closed already: the last validated one is {known.state.ledger}")
    if last > known.state.ledger + MOST_LEDGERS:
        raise InputError(
            f"the ledger {last} is more than {MOST_LEDGERS} after the last validated one ({known.state.ledger}): "
            "nobody could say for certain afterwards that it has expired"
        )
    sequence = known.sender.sequence if asked.sequence is None else asked.sequence
    if sequence < known.sender.sequence:
        raise InputError(f"the sequence {sequence} is used already: the next one is {known.sender.sequence}")
    fields: dict[str, Any] = {
        "TransactionType": asked.type,
        "Account": asked.sender,
        "Fee": str(fee),
        "Sequence": sequence if asked.ticket is None else 0,
        "LastLedgerSequence": last,
        "SigningPubKey": "" if is_multisigned else ledger_key(asked.holder.public_key).hex().upper(),
    }
    if asked.ticket is not None:
        fields["TicketSequence"] = asked.ticket
    if network_id(asked.network) > _OWN_NETWORK_ID:
        fields["NetworkID"] = network_id(asked.network)
    if asked.source_tag is not None:
        fields["SourceTag"] = asked.source_tag
    if asked.memo is not None:
        fields["Memos"] = [{"Memo": {"MemoData": asked.memo.encode().hex().upper()}}]
    return fields


def _check_recipient(asked: Wish, known: _Known) -> Op[None]:
    to = known.recipient
    if to is None:
        return
    if to.flags & REQUIRE_TAG and asked.to.tag is None:
        raise InputError(f"{asked.address} takes no payment without a destination tag: ask its owner for yours")
    if to.flags & _DEPOSIT_AUTHORIZATION:
        method = "deposit_authorized"
        (outcome,) = yield from attempt(
            answers.call(
                asked.network,
                method,
                source_account=asked.sender,
                destination_account=asked.address,
                ledger_index="current",
            )
        )
        found = answers.result(outcome, method).get("deposit_authorized")
        if not isinstance(found, bool):
            raise BadResponse(f"{method} answered neither yes nor no")
        if not found:
            raise _would_fail(
                f"{asked.address} takes payments only from those whom it has authorized", "tecNO_PERMISSION"
            )


def _would_fail(why: str, code: str) -> Reverted:
    return Reverted(f"this transaction would fail and cost its fee ({code}): {why}", reason=code)


def _too_little(asked: Wish, needed: int, available: int, why: str) -> InsufficientFunds:
    native = asked.network.native
    return InsufficientFunds(
        f"{Amount(needed, native)} are needed {why}, and {asked.sender} can spend {Amount(available, native)}",
        needed=Amount(needed, native),
        available=Amount(available, native),
    )


def _check_fee(asked: Wish, known: _Known, fee: int) -> None:
    """The fee alone may come out of the reserve."""
    if known.sender.balance < fee:
        raise _too_little(asked, fee, known.sender.balance, "for the fee")


def _xrp(asked: Wish, known: _Known, fee: int) -> dict[str, Any]:
    native, state = asked.network.native, known.state
    reserve = state.reserve(known.sender.owned)
    free = max(known.sender.balance - reserve, 0)
    kept = f"with the fee, beside the reserve of {Amount(reserve, native)}"
    units = free - fee if asked.everything else asked.units
    if units < 1 or units + fee > free:
        raise _too_little(asked, max(units, 1) + fee, free, kept)
    if known.recipient is None and units < state.reserve_base:
        raise InputError(
            f"{asked.address} has no account yet: the first payment to it is at least "
            f"{Amount(state.reserve_base, native)}, which stay there as its reserve"
        )
    return {"Amount": str(units)}


def _token(asked: Wish, known: _Known, fee: int) -> dict[str, Any]:
    assert asked.token is not None
    token, name = asked.token, symbol(asked.token.currency)
    issuer, to = known.issuer, asked.to.account
    sender = account_id(asked.sender)
    _check_fee(asked, known, fee)
    if issuer is None:
        raise InputError(f"{classic(token.issuer)} has no account: it issues nothing")
    if known.recipient is None:
        raise InputError(f"{asked.address} has no account yet: pay XRP first, and let it open a trust line")
    between = token.issuer not in (sender, to)
    if between and issuer.flags & _GLOBAL_FREEZE:
        raise _would_fail(f"the issuer of {name} has frozen it", "tecPATH_DRY")
    rate = issuer.transfer_rate if between else _RATE
    units, spent = asked.units, asked.units
    if sender != token.issuer:
        line = known.from_line
        held = 0 if line is None else max(line.balance, 0)
        if line is not None and line.is_frozen_by_peer and between:
            raise _would_fail(f"the issuer of {name} has frozen what {asked.sender} holds", "tecPATH_DRY")
        if asked.everything:
            units = rounded_down(held * _RATE // rate)
        spent = rounded_up(-(-units * rate // _RATE))
        if units < 1 or spent > held:
            asset = asset_of(asked.network, token)
            needed, available = Amount(max(spent, 1), asset), Amount(held, asset)
            what = "there is no trust line to its issuer" if line is None else f"{asked.sender} has {available}"
            raise InsufficientFunds(f"{needed} are needed, and {what}", needed=needed, available=available)
    elif asked.everything:
        raise InputError(f"{asked.sender} issues {name} itself: say how much of it to pay")
    if to != token.issuer:
        _check_line(asked, known.to_line, issuer, units)
    made: dict[str, Any] = {"Amount": asked.amount(units)}
    if rate != _RATE:
        made["SendMax"] = asked.amount(spent)
    return made


def _check_line(asked: Wish, line: Line | None, issuer: Account, units: int) -> None:
    assert asked.token is not None
    name = symbol(asked.token.currency)
    if line is None:
        raise _would_fail(f"{asked.address} has no trust line for {name} of this issuer", "tecPATH_DRY")
    if line.balance + units > line.limit:
        raise _would_fail(f"{asked.address} does not trust the issuer of {name} for so much", "tecPATH_PARTIAL")
    if issuer.flags & _REQUIRE_AUTHORIZATION and not line.is_authorized:
        raise _would_fail(f"the issuer of {name} has not authorized {asked.address} to hold it", "tecPATH_DRY")


def _limit(asked: Wish, known: _Known) -> Any:
    if known.issuer is None:
        raise InputError(f"{asked.address} has no account: it issues nothing")
    owned = known.sender.owned
    reserve = known.state.reserve(owned + 1)
    if known.from_line is None and owned >= _FREE_OBJECTS and known.sender.balance < reserve and asked.units:
        raise _too_little(asked, reserve, known.sender.balance, "as the reserve with one more trust line")
    return asked.amount(asked.units)
