"""Payments through an outbox on the devnet's ledger: gaps, and what is included and fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.chains.xrp.addresses import account_id
from multiwallet.devnet import Devnet
from multiwallet.outbox import Policy
from multiwallet.store import State

WORDS = "test test test test test test test test test test test junk"


@pytest.fixture
def payers(tmp_path: Path) -> Iterator[tuple[Devnet, Wallet, Any, Any]]:
    with Devnet(automine=False) as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        wallet.open_outbox(tmp_path / "payments.db", Policy(poll=0, retry=0, bump_after=None, gap_after=0))
        account, other = wallet.account("xrp"), wallet.account("xrp", index=1)
        devnet.fund(account, "100")
        devnet.fund(other, "100")
        yield devnet, wallet, account, other


def finish(devnet: Devnet, wallet: Wallet, steps: int = 60) -> None:
    assert wallet.outbox is not None
    for _ in range(steps):
        wallet.outbox.step()
        devnet.mine("xrp", 1)
        if all(record.is_final for record in wallet.outbox.payments()):
            return
    raise AssertionError(wallet.outbox.payments())


def test_what_is_included_and_fails_is_failed_and_takes_its_number(payers: Any) -> None:
    devnet, wallet, account, other = payers
    sent = account.send(to=other.address, amount="1", idempotency_key="first")
    assert devnet.drop("xrp", sent.txid)
    engine = devnet.engine("xrp")
    for state in (engine.validated, engine.open):  # the recipient asks for a tag before the payment is included
        state.accounts[account_id(other.address)].flags |= 0x00020000
    finish(devnet, wallet)
    first = wallet.outbox.get("first")
    assert (first.state, first.error, len(first.attempts)) == (State.FAILED, "tecDST_TAG_NEEDED", 1)
    account.send(to=other.address, amount="1", destination_tag=7, idempotency_key="second")
    finish(devnet, wallet)
    second = wallet.outbox.get("second")
    assert (second.state, second.attempts[0].nonce) == (State.CONFIRMED, first.attempts[0].nonce + 1)
    assert other.balance().total.text == "101"


def test_a_number_that_a_stranger_left_out_is_filled(payers: Any) -> None:
    devnet, wallet, account, other = payers
    past = Wallet.from_mnemonic(WORDS, transport=devnet).account("xrp")
    foreign = past.send(to=other.address, amount="3")
    account.send(to=other.address, amount="1", idempotency_key="order")
    assert devnet.drop("xrp", foreign.txid)
    finish(devnet, wallet)
    assert other.balance().total.text == "101"
    order = wallet.outbox.get("order")
    assert (order.state, [attempt.nonce for attempt in order.attempts]) == (State.CONFIRMED, [1001])
    (filler,) = [record for record in wallet.outbox.payments() if record.key != "order"]
    assert (filler.state, filler.attempts[0].nonce) == (State.CANCELLED, 1000)
