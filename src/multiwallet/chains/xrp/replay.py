"""What an outbox needs to pay once: sequence numbers, when a transaction is dead, and what takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...chain import Claims, Holder, Nonces, Options
from ...errors import BadResponse, InsufficientFunds, Unsupported
from ...ops import Op, attempt
from ...transactions import Fee, SignedTransaction
from . import answers, build
from .addresses import account_id
from .delivery import MOST_LEDGERS, search, sequence_of
from .serialization import decode
from .transaction import Transaction, network_id
from .wish import LEDGERS

__all__ = ["claims", "is_dead", "nonces", "replacement"]


def claims(signed: SignedTransaction) -> Claims:
    """The sequence number that the transaction takes; none where it uses a ticket.

    Of an account with several signers: Unsupported, since its numbers are not those of the account that pays once.
    """
    if not decode(signed.raw).get("SigningPubKey"):
        raise Unsupported("a payment of a multi-signed account does not go through an outbox: send it without a key")
    return Claims(nonce=sequence_of(signed.raw)[0])


def nonces(holder: Holder) -> Op[Nonces]:
    """The account's next sequence, as validated and with the open ledger."""
    network, address = holder.network, holder.address
    outcomes = yield from attempt(
        answers.account_info(network, address, "validated"), answers.account_info(network, address)
    )
    found = [answers.account(outcome, address) for outcome in outcomes]
    included, pending = found[0], found[1]
    if included is None or pending is None:
        raise InsufficientFunds(f"{address} has no account on the ledger yet: it needs a first payment")
    return Nonces(included.sequence, max(included.sequence, pending.sequence))


def is_dead(holder: Holder, signed: SignedTransaction, *, depth: int) -> Op[bool]:
    """Whether its last ledger is validated, or its sequence is used, and no ledger that could have it has it.

    Validated ledgers are final, so ``depth`` only asks for as many more of them. Where the sequence is still unused
    once the last ledger has passed, no ledger has it, and none needs to be searched.
    """
    network, sender = holder.network, str(decode(signed.raw)["Account"])
    sequence, last = sequence_of(signed.raw)
    if last is None:
        return False  # no range of ledgers that can be searched whole

    def is_past() -> Op[tuple[bool, bool, int]]:
        """Whether nothing can include it any more, whether its sequence is unused after that, and the newest ledger."""
        head, info = yield from attempt(
            answers.server_state(network), answers.account_info(network, sender, "validated")
        )
        state = answers.state(head)
        if state.network_id != network_id(network):
            raise BadResponse(f"this endpoint serves the network {state.network_id}, not {network.name}")
        ends, account = last + max(depth, 1), answers.account(info, sender)
        past, number = state.ledger >= ends, info.get("ledger_index") if isinstance(info, Mapping) else None
        if sequence is None or account is None:
            return past, False, state.ledger
        if account.sequence > sequence:
            return True, False, state.ledger
        return past, past and isinstance(number, int) and number >= ends, state.ledger

    past, _, ledger = yield from is_past()
    if not past:
        return False
    # Asked after the ledger, and that once more: what is missing now cannot have come before it.
    found, searched = yield from search(network, signed.txid, min(ledger, last), MOST_LEDGERS)
    if found is not None:
        return False
    past, unused, _ = yield from is_past()
    return past and (searched or unused)


def replacement(holder: Holder, old: Transaction, options: Options, *, cancel: bool) -> Op[tuple[Transaction, Fee]]:
    """The same transaction with the same sequence, a fee by a quarter higher and a new last ledger.

    A server takes it in the place of one that still waits in its queue; one that is in the open ledger already is
    past replacing. To cancel is to change nothing (an AccountSet without fields).
    """
    network = holder.network
    if not old.key or old.account != account_id(holder.address):
        raise Unsupported("a transaction of several signers is not replaced here: build it anew once it has expired")
    if "TicketSequence" in old.fields:
        raise Unsupported("a transaction that uses a ticket is not replaced here: wait until it has expired")
    head, fees = yield from attempt(answers.server_state(network), answers.call(network, "fee"))
    state = answers.state(head)
    if state.network_id != network_id(network):
        raise BadResponse(f"this endpoint serves the network {state.network_id}, not {network.name}")
    fee = max(build.fee_per_signature(fees, options.speed), -(-old.fee * 5 // 4) + 1)
    build.check_price(network, options, fee, is_stated=False)
    fields: dict[str, Any] = dict(old.fields)
    if cancel:
        kept = ("Account", "Sequence", "SigningPubKey", "NetworkID")
        fields = {"TransactionType": "AccountSet", **{name: fields[name] for name in kept if name in fields}}
    made = Transaction(fields | {"Fee": str(fee), "LastLedgerSequence": state.ledger + LEDGERS})
    made.check()
    return made, build.fee_of(network, made)
