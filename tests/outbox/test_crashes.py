"""A worker that dies at any step: another one goes on, and everything is paid once."""

from __future__ import annotations

import pytest

from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.ops import Sign, Sleep
from multiwallet.outbox import Policy
from multiwallet.store import State, Store

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
NETWORKS = ("ethereum", "tron", "solana", "bitcoin")
FUNDS = {"ethereum": "10", "tron": "1000", "solana": "10", "bitcoin": "1"}
QUICK = Policy(poll=0, retry=0, bump_after=None)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


class Machine:
    """A wallet of its own on a shared store and chain, whose every contact with the world is counted.

    It dies before or after contact number ``dies_at``, as a process does: without a word.
    """

    def __init__(self, chain, url, *, dies_at=None, after=False):
        self.wallet = Wallet.from_mnemonic(WORDS, transport=chain)
        self.store = Store(url)
        self.outbox = self.wallet.open_outbox(self.store, QUICK)
        self.contacts = 0
        perform = self.wallet._perform

        def mortal(effects):
            outcomes = []
            for effect in effects:
                counted = not isinstance(effect, Sign | Sleep)
                if counted:
                    self.contacts += 1
                if counted and self.contacts == dies_at and not after:
                    raise Killed
                outcomes += perform([effect])
                if counted and self.contacts == dies_at and after:
                    raise Killed
            return outcomes

        self.wallet._perform = mortal

    def time_passes(self, seconds=1000.0):
        before = self.store.clock
        self.store.clock = lambda: before() + seconds


def settle(machine, chain, network):
    """Let the leases of the dead run out and drive everything to its end."""
    machine.time_passes()
    for _ in range(40):
        machine.outbox.step()
        chain.mine(network, 1)
        counts = machine.outbox.counts()
        if not sum(counts[state] for state in (State.PLANNED, State.SIGNED, State.SENT, State.INCLUDED)):
            return
        machine.time_passes(1)
    raise AssertionError(f"not everything came to an end: {machine.outbox.payments()}")


def contacts_of_a_send(network, url):
    chain = Devnet()
    machine = Machine(chain, url)
    account = machine.wallet.account(network)
    chain.fund(account, FUNDS[network])
    machine.contacts = 0
    account.send(to=machine.wallet.account(network, index=9).address, amount="0.01", idempotency_key="order")
    machine.store.close()
    return machine.contacts


@pytest.mark.parametrize("network", [*NETWORKS[:3], pytest.param("bitcoin", marks=pytest.mark.full)])
def test_death_at_every_step_pays_once(network, tmp_path):
    steps = contacts_of_a_send(network, tmp_path / "count.db")
    assert steps >= 5
    for step in range(1, steps + 1):
        for after in (False, True):
            chain = Devnet()
            url = tmp_path / f"{step}{after}.db"
            first = Machine(chain, url, dies_at=None)
            account = first.wallet.account(network)
            chain.fund(account, FUNDS[network])
            target = first.wallet.account(network, index=9)
            mortal = Machine(chain, url, dies_at=step, after=after)
            with pytest.raises(Killed):
                mortal.wallet.account(network).send(to=target.address, amount="0.01", idempotency_key="order")
            known = first.outbox.get("order")
            settle(first, chain, network)
            if known is None:  # it died before anything was written down: the caller asks again
                assert (step, after) == (1, False)
            receipt = account.send(to=target.address, amount="0.01", idempotency_key="order")
            settle(first, chain, network)
            assert first.outbox.get("order").state is State.CONFIRMED
            assert target.balance().total.text == "0.01", (step, after)
            again = account.send(to=target.address, amount="0.01", idempotency_key="order")
            assert again.txid == first.outbox.get("order").receipt["txid"]
            assert receipt.details["key"] == "order"
            first.store.close()
            mortal.store.close()


@pytest.mark.parametrize("network", NETWORKS)
def test_a_lost_answer_is_a_receipt_that_does_not_know(network, tmp_path):
    chain = Devnet()
    machine = Machine(chain, tmp_path / "payments.db")
    account = machine.wallet.account(network)
    chain.fund(account, FUNDS[network])
    target = machine.wallet.account(network, index=9)
    chain.lose_answers(network)
    receipt = account.send(to=target.address, amount="0.01", idempotency_key="order")
    assert receipt.status == "unknown"
    assert receipt.txid
    settle(machine, chain, network)
    assert target.balance().total.text == "0.01"
    assert len(machine.outbox.get("order").attempts) == 1


def test_a_dropped_transaction_is_handed_over_again(tmp_path):
    chain = Devnet(automine=False)
    machine = Machine(chain, tmp_path / "payments.db")
    account = machine.wallet.account("ethereum")
    chain.fund(account, "10")
    target = machine.wallet.account("ethereum", index=9)
    receipt = account.send(to=target.address, amount="1", idempotency_key="order")
    assert chain.drop("ethereum", receipt.txid)
    settle(machine, chain, "ethereum")
    (attempt,) = machine.outbox.get("order").attempts
    assert attempt.broadcasts == 2
    assert target.balance().total.text == "1"
