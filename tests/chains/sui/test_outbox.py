"""Payments of Sui through an outbox: each coin is promised once, and nothing is paid twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.outbox import Policy
from multiwallet.store import Store

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
FRIEND = "0x" + "ab" * 32


def _finish(wallet: Wallet) -> Any:
    outbox: Any = wallet.outbox
    for _ in range(30):
        outbox.step()
        if all(record.is_final for record in outbox.payments()):
            return outbox.payments()
    raise AssertionError(outbox.payments())


def test_one_key_is_one_payment_and_coins_are_not_shared(tmp_path: Path) -> None:
    with Devnet() as devnet, Store(str(tmp_path / "payments.db")) as store:
        wallet = Wallet.from_mnemonic(WORDS, transport=devnet)
        wallet.open_outbox(store, Policy(poll=0, retry=0, bump_after=None))
        account: Any = wallet.account("sui", index=0)
        for _ in range(3):
            devnet.fund(account, "2")
        first = account.send(to=FRIEND, amount="1", idempotency_key="a")
        again = account.send(to=FRIEND, amount="1", idempotency_key="a")
        assert first.txid == again.txid
        account.send(to=FRIEND, amount="1", idempotency_key="b")
        listed = _finish(wallet)
        assert len({record.txid for record in listed}) == 2
        spent = account.network.amount("6") - account.balance().total
        assert account.network.amount("2") < spent < account.network.amount("2.01")


def test_a_lost_answer_is_settled_without_a_second_payment(tmp_path: Path) -> None:
    with Devnet() as devnet, Store(str(tmp_path / "payments.db")) as store:
        wallet = Wallet.from_mnemonic(WORDS, transport=devnet)
        wallet.open_outbox(store, Policy(poll=0, retry=0, bump_after=None))
        account: Any = wallet.account("sui", index=0)
        devnet.fund(account, "5")
        devnet.lose_answers("sui", 1)
        account.send(to=FRIEND, amount="1", idempotency_key="a")
        (record,) = _finish(wallet)
        assert len(record.attempts) == 1
        spent = account.network.amount("5") - account.balance().total
        assert account.network.amount("1") < spent < account.network.amount("1.01")
