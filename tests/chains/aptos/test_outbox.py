"""Payments through an outbox on the devnet's chain: gaps, and what is included and fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Transfer, Wallet
from multiwallet.devnet import Devnet
from multiwallet.outbox import Policy
from multiwallet.outbox.requests import intent_of
from multiwallet.store import State, Store
from multiwallet.store import outgoing as kept

WORDS = "test test test test test test test test test test test junk"


@pytest.fixture
def payers(tmp_path: Path) -> Iterator[tuple[Any, ...]]:
    with (
        Devnet(automine=False) as devnet,
        Wallet.from_mnemonic(WORDS, transport=devnet) as wallet,
        Store(str(tmp_path / "payments.db")) as store,
    ):
        wallet.open_outbox(store, Policy(poll=0, retry=0, bump_after=None, gap_after=0))
        account, other = wallet.account("aptos"), wallet.account("aptos", index=1)
        devnet.fund(account, "100")
        devnet.fund(other, "100")
        yield devnet, wallet, account, other, store


def finish(devnet: Devnet, wallet: Wallet, steps: int = 60) -> None:
    assert wallet.outbox is not None
    for _ in range(steps):
        wallet.outbox.step()
        devnet.mine("aptos", 1)
        if all(record.is_final for record in wallet.outbox.payments()):
            return
    raise AssertionError(wallet.outbox.payments())


def test_what_is_included_and_fails_is_failed_and_takes_its_number(payers: Any) -> None:
    devnet, wallet, account, other, _ = payers
    account.send(to=other.address, amount="60", idempotency_key="first")
    account.send(to=other.address, amount="60", idempotency_key="second", max_gas_amount=2000)
    finish(devnet, wallet)
    first, second = wallet.outbox.get("first"), wallet.outbox.get("second")
    assert (first.state, second.state) == (State.CONFIRMED, State.FAILED)
    assert "INSUFFICIENT" in second.error.upper()
    assert [attempt.nonce for attempt in (*first.attempts, *second.attempts)] == [0, 1]
    assert other.balance().total.text == "160"
    account.send(to=other.address, amount="1", idempotency_key="third")
    finish(devnet, wallet)
    third = wallet.outbox.get("third")
    assert (third.state, third.attempts[0].nonce) == (State.CONFIRMED, 2)


def test_a_number_that_was_given_back_is_filled_when_others_wait(payers: Any) -> None:
    devnet, wallet, account, other, store = payers
    options = {"speed": "normal", "max_fee": None, "memo": None, "native": {}}
    claimed = kept.claim(store, intent_of(account._operations, (Transfer(other.address, "99"),), options, "x"), "me")
    kept.lease_nonce(store, claimed.record, "me", included=0, pending=0)
    account.send(to=other.address, amount="1", idempotency_key="order")
    kept.move(store, kept.find(store, "x"), "me", State.REFUSED, error="insufficient funds")
    finish(devnet, wallet)
    order = wallet.outbox.get("order")
    assert (order.state, [attempt.nonce for attempt in order.attempts]) == (State.CONFIRMED, [1])
    (filler,) = [record for record in wallet.outbox.payments() if record.key.startswith("fill")]
    assert (filler.state, filler.attempts[0].nonce) == (State.CANCELLED, 0)
    assert other.balance().total.text == "101"
