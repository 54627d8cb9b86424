"""``outbox``: looking after a store's payments, and into it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from multiwallet import Wallet
from multiwallet.devnet.server import serve
from multiwallet.outbox import Policy
from multiwallet.store import Store

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
PROGRAM = [sys.executable, "-c", "from multiwallet.cli import main; main()"]


@pytest.fixture
def paid(rich_man, tmp_path):
    """A store with three payments on their way, and its name."""
    path = str(tmp_path / "payments.db")
    with Store(path) as store:
        outbox = rich_man.open_outbox(store, Policy(poll=0, bump_after=None))
        account = rich_man.account("ethereum")
        for number in range(3):
            account.send(to=account.address, amount="0.1", idempotency_key=f"order-{number}")
        assert outbox.get("order-0") is not None
        rich_man.outbox = None
    return path


def test_status_list_and_show(cli, paid):
    assert cli("outbox", "status", "--store", paid, "--json").json["payments"]["sent"] == 3
    assert "sent\t3" in cli("outbox", "status", "--store", paid).out
    listed = cli("outbox", "list", "--store", paid, "--json").json["payments"]
    assert [one["key"] for one in listed] == ["order-0", "order-1", "order-2"]
    after = cli("outbox", "list", "--store", paid, "--after", str(listed[0]["id"]), "--limit", "1", "--json").json
    assert [one["key"] for one in after["payments"]] == ["order-1"]
    assert cli("outbox", "list", "--store", paid, "--state", "confirmed", "--json").json == {"payments": []}
    assert cli("outbox", "list", "--store", paid, "--state", "gone").code == 3
    assert "order-2\tsent" in cli("outbox", "list", "--store", paid).out
    shown = cli("outbox", "show", "order-1", "--store", paid)
    assert "pays      0.1" in shown.out
    assert "signed    generation 1" in shown.out
    assert cli("outbox", "show", "order-1", "--store", paid, "--json").json["attempts"][0]["nonce"] is not None
    assert cli("outbox", "show", "nothing", "--store", paid).code == 3


def test_run_until_idle_and_cancel(cli, paid):
    assert cli("outbox", "cancel", "order-2", "--store", paid, "--json").json["cancelling"] is True
    ended = cli("outbox", "run", "--store", paid, "--until-idle", "--poll", "0.05", "--timeout", "60", "--json")
    counts = ended.json["payments"]
    assert (ended.code, counts["confirmed"] + counts["cancelled"]) == (0, 3)
    assert cli("outbox", "cancel", "order-0", "--store", paid).code == 3
    assert cli("outbox", "cancel", "nothing", "--store", paid).code == 3


def test_the_environment_names_the_store(cli, paid, monkeypatch):
    monkeypatch.setenv("MULTIWALLET_STORE", paid)
    assert cli("outbox", "status", "--json").json["payments"]["sent"] == 3
    monkeypatch.delenv("MULTIWALLET_STORE")
    assert cli("outbox", "status").code == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_run_cleanly(paid, engines, number):
    with serve(engines, networks=["ethereum"]) as server, Wallet.from_mnemonic(WORDS):
        endpoint = f"ethereum={server.endpoints['ethereum']}"
        running = subprocess.Popen(
            [*PROGRAM, "outbox", "run", "--store", paid, "--poll", "0.05", "--json", "--endpoint", endpoint],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"MULTIWALLET_MNEMONIC": WORDS},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        end = time.monotonic() + 60
        with Store(paid) as store:
            from multiwallet.store import State
            from multiwallet.store.outgoing import counts

            while counts(store)[State.CONFIRMED] < 3:  # it is at work
                assert time.monotonic() < end
                time.sleep(0.05)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert b'"confirmed": 3' in out
