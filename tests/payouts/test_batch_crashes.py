"""A sender that dies at any contact with the world: the next run pays the rest, and nothing twice."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import pytest

from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.ops import Sign, Sleep
from multiwallet.outbox import Policy
from multiwallet.payouts import plan, send, sign
from multiwallet.store import Store

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
FUNDS = {"ethereum": "10", "tron": "1000", "solana": "10", "bitcoin": "1"}
QUICK = Policy(poll=0, retry=0, bump_after=None)
LINES = 4


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


class Sender:
    """A wallet and a connection to the store of its own, which dies at contact number ``dies_at``, or after it.

    A contact is a question to the chain or a transaction of the store.
    """

    def __init__(self, chain, store, network, dies_at=None, after=False):
        self.contacts = 0
        self.wallet = Wallet.from_mnemonic(WORDS, transport=chain)
        self.store = Store(store)
        self.wallet.open_outbox(self.store, QUICK)
        self.account = self.wallet.account(network)
        perform, write = self.wallet._perform, self.store.write

        @contextmanager
        def contact():
            self.contacts += 1
            mine = self.contacts == dies_at  # one may hold another: a step of the outbox, its transaction
            if mine and not after:
                raise Killed
            yield
            if mine:
                raise Killed

        def mortal(effects):
            outcomes = []
            for effect in effects:
                with nullcontext() if isinstance(effect, Sign | Sleep) else contact():
                    outcomes += perform([effect])
            return outcomes

        @contextmanager
        def written():
            with contact(), write() as connection:
                yield connection

        self.wallet._perform, self.store.write = mortal, written

    def close(self):
        self.store.close()
        self.wallet.close()


def prepare(tmp_path, network):
    """A chain, and a plan (signed where it can be) of a few lines."""
    tmp_path.mkdir()
    chain = Devnet()
    with Wallet.from_mnemonic(WORDS, transport=chain) as wallet:
        account = wallet.account(network)
        chain.fund(account, FUNDS[network])
        chain.mine(network, 1)
        people = [one.address for one in wallet.accounts(network, start=100, count=LINES)]
        (tmp_path / "t.csv").write_text("to,amount\n" + "".join(f"{to},0.01\n" for to in people))
        planned = plan(account, tmp_path / "t.csv", tmp_path / "plan")
        assert planned.ok, planned.errors
        signed = None
        if planned.offline:
            signed = tmp_path / "signed"
            sign(account, tmp_path / "plan", signed)
    return chain, tmp_path / "plan", signed


def pay(sender, file, signed):
    return send(sender.account, file, signed, concurrency=2, timeout=60)


@pytest.mark.parametrize(
    "network",
    [
        pytest.param("ethereum", marks=pytest.mark.long),
        pytest.param("tron", marks=pytest.mark.full),
        pytest.param("solana", marks=pytest.mark.long),
        pytest.param("bitcoin", marks=pytest.mark.full),
    ],
)
def test_death_at_every_contact_pays_once(network, tmp_path):
    chain, file, signed = prepare(tmp_path / "count", network)
    whole = Sender(chain, tmp_path / "count.db", network)
    assert pay(whole, file, signed).confirmed
    contacts = whole.contacts
    whole.close()
    assert contacts >= 10
    step = {"solana": 3, "bitcoin": 7}.get(network, 1)
    for number in range(1, contacts + 1, step):
        for after in (False, True):
            chain, file, signed = prepare(tmp_path / f"{number}{after}", network)
            mortal = Sender(chain, tmp_path / f"{number}{after}.db", network, number, after)
            try:
                pay(mortal, file, signed)
            except Killed:
                pass
            else:  # how often it looks whether all is done depends on time: this one was done before
                assert number > contacts // 2
            mortal.close()
            heir = Sender(chain, tmp_path / f"{number}{after}.db", network)
            assert pay(heir, file, signed).confirmed, (number, after)
            held = [one.balance().total.text for one in heir.wallet.accounts(network, start=100, count=LINES)]
            assert held == ["0.01"] * LINES, (number, after)
            assert len(heir.wallet.outbox.payments()) == LINES
            heir.close()
            chain.close()
