"""The same batch sent from two machines at once: two wallets, two copies of the plan, one store."""

from __future__ import annotations

import shutil
from collections import Counter
from threading import Thread

import pytest

from multiwallet import Wallet
from multiwallet.outbox import Policy
from multiwallet.payouts import account_for, plan, send, sign

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


@pytest.mark.parametrize(
    ("network", "ahead"),
    [("ethereum", False), ("ethereum", True), ("tron", False), ("solana", False), ("bitcoin", False)],
)
def test_both_come_to_the_end_and_each_line_is_paid_once(payer, table, recipients, tmp_path, chain, network, ahead):
    account = payer(network)
    people = recipients(account, 20)
    assert plan(account, table([(to, "0.01") for to in people]), tmp_path / "first").ok
    shutil.copy(tmp_path / "first", tmp_path / "second")
    signed = tmp_path / "signed" if ahead else None
    if signed is not None:
        sign(account, tmp_path / "first", signed)
    ended = []

    def work(name):
        with Wallet.from_mnemonic(WORDS, transport=chain) as wallet:
            outbox = wallet.open_outbox(tmp_path / "shared.db", Policy(poll=0.05, retry=0.05, bump_after=None))
            mine = account_for(wallet, tmp_path / name)
            try:
                ended.append(send(mine, tmp_path / name, signed, concurrency=4, timeout=60).confirmed)
            except Exception as error:  # a thread's errors are told by the assertion below
                ended.append(error)
            outbox._operations.store.close()

    threads = [Thread(target=work, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == [True, True]
    held = Counter(one.balance().total.text for one in account._wallet.accounts(network, start=100, count=20))
    assert held == {"0.01": 20}
