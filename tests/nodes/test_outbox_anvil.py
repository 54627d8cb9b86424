"""Four processes of 64 tasks each pay from one account on a real node: every nonce is used once, none is left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from multiwallet import Wallet
from multiwallet.outbox import Policy
from multiwallet.store import State

SENDER = Path(__file__).with_name("outbox_sender.py")
WORDS = "test test test test test test test test test test test junk"
PROCESSES, TASKS = 4, 64


@pytest.mark.node
@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nonces_of_many_processes_are_contiguous(start_anvil, kind, tmp_path, request):
    anvil = start_anvil("--chain-id", "1", "--block-time", "1")
    store = str(tmp_path / "payments.db") if kind == "sqlite" else request.getfixturevalue("postgres_url")
    with Wallet.from_mnemonic(WORDS, endpoints={"ethereum": anvil.url}) as wallet:
        outbox = wallet.open_outbox(store, Policy(poll=0.1, retry=0.2))
        account = wallet.account("ethereum")
        anvil.rpc("anvil_setBalance", account.address, hex(10**20))
        senders = [
            subprocess.Popen(
                [sys.executable, SENDER, anvil.url, store, str(number), str(TASKS)], stderr=subprocess.PIPE
            )
            for number in range(PROCESSES)
        ]
        for sender in senders:
            _, errors = sender.communicate(timeout=200)
            assert sender.returncode == 0, errors.decode()[-2000:]
        outbox.run(until_idle=True, timeout=60)
        payments = outbox.payments()
        assert {payment.state for payment in payments} == {State.CONFIRMED}
        assert sorted(payment.nonce for payment in payments) == list(range(PROCESSES * TASKS))
        assert int(anvil.rpc("eth_getTransactionCount", account.address, "latest"), 16) == PROCESSES * TASKS
        targets = wallet.accounts("ethereum", start=1000, count=PROCESSES * TASKS)
        paid = [int(anvil.rpc("eth_getBalance", target.address, "latest"), 16) for target in targets]
        assert paid == [10**15] * len(targets)
