"""Tables of payments, wallets on the embedded chains, and command lines in processes that can be killed."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys

import pytest

from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.outbox import Policy

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
PROGRAM = [sys.executable, "-c", "from multiwallet.cli import main; main()"]
FUNDS = {"ethereum": "100", "tron": "100000", "solana": "100", "bitcoin": "2"}
QUICK = Policy(poll=0.05, retry=0.05, bump_after=None)


@pytest.fixture
def chain():
    with Devnet() as devnet:
        yield devnet


@pytest.fixture
def payer(chain, tmp_path):
    """``payer("tron")``: an account with coins, whose wallet has an outbox."""
    opened = []

    def open_payer(network, *, funds=None, policy=QUICK, store=None):
        wallet = Wallet.from_mnemonic(WORDS, transport=chain)
        wallet.open_outbox(tmp_path / f"{network}.db" if store is None else store, policy)
        opened.append(wallet)
        account = wallet.account(network)
        chain.fund(account, funds or FUNDS[network])
        chain.mine(network, 1)
        return account

    yield open_payer
    for wallet in opened:
        wallet.outbox._operations.store.close()
        wallet.close()


@pytest.fixture
def table(tmp_path):
    """``table([(to, amount), ...])`` writes a CSV file and gives its path."""

    def write(rows, columns=("to", "amount"), name="payouts.csv"):
        path = tmp_path / name
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)
        return path

    return write


@pytest.fixture(scope="session")
def recipients():
    """``recipients(account, 3)``: addresses on the account's network that hold nothing yet."""

    def make(account, count, start=100):
        return [one.address for one in account._wallet.accounts(account.network.name, start=start, count=count)]

    return make


class Child:
    """A command line in a process of its own, which may be killed."""

    def __init__(self, *arguments, **environment):
        self.process = subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"MULTIWALLET_MNEMONIC": WORDS} | environment,
            start_new_session=True,
        )

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)

    def end(self, timeout=280):
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
def child():
    started = []

    def start(*arguments, **environment):
        started.append(Child(*arguments, **environment))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate(timeout=30)


@pytest.fixture(scope="session")
def peak_memory():
    """``peak_memory(code, ...)``: the highest resident memory of Python code in a child process, in KiB."""

    def measure(code, *arguments):
        code += "\nimport resource\nprint('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        ended = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=500, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return int(ended.stdout.rsplit("PEAK", 1)[1])

    return measure
