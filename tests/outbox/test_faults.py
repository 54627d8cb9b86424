"""Faults that breaking the outbox has found, each as it was found: nodes that limit, refuse, forget and lag."""

from __future__ import annotations

import asyncio
import logging

import pytest

from multiwallet import Wallet
from multiwallet.chains.tron.delivery import is_dead
from multiwallet.devnet import Devnet
from multiwallet.errors import MultiwalletError, RateLimited, Rejected, StoreError
from multiwallet.ops import Rest, Rpc, run
from multiwallet.outbox import Policy
from multiwallet.registry import network as row_of
from multiwallet.store import Purpose, State, Store

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
FUNDS = {"ethereum": "10", "tron": "1000", "solana": "10", "bitcoin": "1"}
LIMITED = RateLimited("too many requests")


class Between:
    """A devnet whose answers to broadcasts a test may replace; what it replaces never reaches the engine."""

    def __init__(self, chain):
        self.chain = chain
        self.answer = lambda effect: None

    def perform(self, effects):
        return [self._one(effect) for effect in effects]

    def _one(self, effect):
        if isinstance(effect, Rpc | Rest) and effect.broadcast:
            answer = self.answer(effect)
            if answer is not None:
                return answer
        (outcome,) = self.chain.perform([effect])
        return outcome


class Clock:
    def __init__(self, store):
        self.offset = 0.0
        before = store.clock
        store.clock = lambda: before() + self.offset


@pytest.fixture
def between():
    return Between(Devnet(automine=False))


def opened(between, store, **policy):
    wallet = Wallet.from_mnemonic(WORDS, transport=between)
    wallet.open_outbox(store, Policy(**{"poll": 0, "retry": 0, "bump_after": None, **policy}))
    return wallet


def finish(wallet, chain, network, clock):
    for _ in range(60):
        wallet.outbox.step()
        chain.mine(network, 1)
        if all(record.is_final for record in wallet.outbox.payments()):
            return
        clock.offset += 1
    raise AssertionError(wallet.outbox.payments())


@pytest.mark.parametrize("network", list(FUNDS))
def test_a_rate_limit_is_no_refusal(between, store, network):
    wallet = opened(between, store)
    account, other = wallet.account(network, index=0), wallet.account(network, index=9)
    between.chain.fund(account, FUNDS[network])
    between.answer = lambda effect: LIMITED
    with pytest.raises(MultiwalletError, match="limit"):
        account.send(to=other.address, amount="0.01", idempotency_key="order")
    (attempt,) = wallet.outbox.get("order").attempts
    assert attempt.refused is None
    between.answer = lambda effect: None
    finish(wallet, between.chain, network, Clock(store))
    assert other.balance().total.text == "0.01"


def test_one_failure_after_many_looks_is_the_first_failure(between, store):
    clock = Clock(store)
    wallet = opened(between, store, poll=1, retry=1)
    account = wallet.account("ethereum")
    between.chain.fund(account, "10")
    account.send(to=account.address, amount="1", idempotency_key="order")
    for _ in range(10):
        clock.offset += 1.5
        assert wallet.outbox.step() == 1
    between.answer = lambda effect: LIMITED
    clock.offset += 1.5
    assert wallet.outbox.step() == 1
    for pause in (1.5, 4, 9):  # and from there on the pauses double
        clock.offset += pause
        assert wallet.outbox.step() == 1
        assert wallet.outbox.step() == 0


def test_only_the_payment_that_holds_up_the_others_makes_way(between, store):
    clock = Clock(store)
    wallet = opened(between, store, gap_after=60)
    account, other = wallet.account("ethereum"), wallet.account("ethereum", index=9)
    between.chain.fund(account, "10")
    account.send(to=other.address, amount="1", idempotency_key="order-0")
    between.answer = lambda effect: Rejected("txpool is full", node_code=-32000)
    for number in (1, 2):
        with pytest.raises(Rejected):
            account.send(to=other.address, amount="1", idempotency_key=f"order-{number}")
    clock.offset += 61
    wallet.outbox.step()
    for number in (1, 2):
        assert [attempt.purpose for attempt in wallet.outbox.get(f"order-{number}").attempts] == [Purpose.PAY]
    between.answer = lambda effect: None
    finish(wallet, between.chain, "ethereum", clock)
    assert other.balance().total.text == "3"


def test_a_refused_replacement_leaves_the_one_before_on_its_way(between, store):
    clock = Clock(store)
    wallet = opened(between, store, bump_after=30, bumps=1, gap_after=60)
    account, other = wallet.account("ethereum"), wallet.account("ethereum", index=9)
    between.chain.fund(account, "10")
    for number in range(2):
        account.send(to=other.address, amount="1", idempotency_key=f"order-{number}")
    first = {wallet.outbox.get(f"order-{number}").txid for number in range(2)}
    raws = {"0x" + wallet.outbox.get(f"order-{number}").attempts[0].raw.hex() for number in range(2)}
    between.answer = lambda effect: (
        None if effect.params[0] in raws else Rejected("replacement transaction underpriced", node_code=-32000)
    )
    clock.offset += 31
    wallet.outbox.step()
    for txid in first:  # and the pool forgets what it had
        assert between.chain.drop("ethereum", txid)
    clock.offset += 61
    wallet.outbox.step()
    finish(wallet, between.chain, "ethereum", clock)
    for number in range(2):
        record = wallet.outbox.get(f"order-{number}")
        assert (record.state, record.receipt["txid"] in first) == (State.CONFIRMED, True)
    assert other.balance().total.text == "2"


def test_who_asks_again_gets_the_payment_on_its_way(between, store):
    clock = Clock(store)
    wallet = opened(between, store, retry=100)
    account, other = wallet.account("solana"), wallet.account("solana", index=9)
    between.chain.fund(account, "10")
    between.answer = lambda effect: Rejected("Blockhash not found", node_code=-32002, data={"err": "BlockhashNotFound"})
    with pytest.raises(Rejected):
        account.send(to=other.address, amount="1", idempotency_key="order")
    between.answer = lambda effect: None
    between.chain.mine("solana", 250)  # what was signed can never be included any more
    again = account.send(to=other.address, amount="1", idempotency_key="order")
    dead, alive = wallet.outbox.get("order").attempts
    assert (dead.dead, again.txid) == (True, alive.txid)
    finish(wallet, between.chain, "solana", clock)
    assert other.balance().total.text == "1"


def test_a_refusal_is_told_to_everyone_who_asks_again(between, store):
    wallet = opened(between, store)
    account = wallet.account("ethereum")
    between.chain.fund(account, "10")
    between.answer = lambda effect: Rejected("no", node_code=-32000)
    for _ in range(3):
        with pytest.raises(Rejected, match="no"):
            account.send(to=account.address, amount="1", idempotency_key="order")
    assert len(wallet.outbox.get("order").attempts) == 1


def test_a_child_of_what_can_never_be_included_is_signed_anew(between, store):
    clock = Clock(store)
    wallet = opened(between, store)
    account, other = wallet.account("bitcoin", index=0), wallet.account("bitcoin", index=9)
    between.chain.fund(account, "1")
    parent = account.send(to=other.address, amount="0.1", idempotency_key="parent")
    account.send(to=other.address, amount="0.2", idempotency_key="child")
    assert wallet.outbox.get("child").attempts[0].coins[0].startswith(parent.txid)
    between.chain.drop("bitcoin", parent.txid)
    stranger = Wallet.from_mnemonic(WORDS, transport=between.chain).account("bitcoin", index=0)
    stranger.send(to=wallet.account("bitcoin", index=8).address, amount="0.3")  # the same coin, past the outbox
    between.chain.mine("bitcoin", 1)
    finish(wallet, between.chain, "bitcoin", clock)
    assert other.balance().total.text == "0.3"
    for key in ("parent", "child"):
        assert [attempt.dead for attempt in wallet.outbox.get(key).attempts] == [True, False]


@pytest.mark.parametrize(("late", "dead"), [(1, False), (59, False), (61, True)])
def test_tron_waits_for_a_node_that_lags(late, dead):
    """Each question may reach another node: one that is up to a minute behind must prove nothing."""
    expiry = 1_700_000_000_000
    row = row_of("tron")

    def perform(effects):
        return [answer(effect.path) for effect in effects]

    def answer(path):
        if path.endswith("getnowblock"):
            stamp = expiry + late * 1000
            identity = (7).to_bytes(8, "big").hex() + "00" * 24
            return {"blockID": identity, "block_header": {"raw_data": {"number": 7, "timestamp": stamp}}}
        return {}

    assert run(is_dead(row, "ab" * 32, expiry), perform) is dead


def test_a_store_that_fails_for_a_moment_does_not_end_the_reconciler(between, store, caplog):
    wallet = opened(between, store)
    account = wallet.account("ethereum")
    between.chain.fund(account, "10")
    account.send(to=account.address, amount="1", idempotency_key="order")
    between.chain.mine("ethereum", 1)
    write, fails = store.write, iter([True, True, True])

    def failing():
        if next(fails, False):
            raise StoreError("cannot write to the store: it is away for a moment")
        return write()

    store.write = failing
    with caplog.at_level(logging.WARNING, "multiwallet.outbox"):
        wallet.outbox.run(until_idle=True, timeout=30)
    assert wallet.outbox.get("order").state is State.CONFIRMED
    assert "away for a moment" in caplog.text


def test_a_store_that_stays_away_ends_the_reconciler(between, tmp_path):
    with Store(tmp_path / "payments.db") as store:
        wallet = opened(between, store)

        def failing():
            raise StoreError("cannot write to the store")

        store.write = failing
        with pytest.raises(StoreError):
            wallet.outbox.run(timeout=60)


def test_a_cancelled_task_leaves_a_payment_that_goes_on(between, store):
    """A task that is cancelled at any point is as one whose process died: the reconciler goes on after its lease."""
    from multiwallet import AsyncWallet

    clock = Clock(store)

    async def main(after):
        async with AsyncWallet.from_mnemonic(WORDS, transport=between) as wallet:
            wallet.open_outbox(store, Policy(poll=0, retry=0, bump_after=None))
            account, perform, contacts = wallet.account("ethereum"), wallet._perform, []

            async def counted(effects):
                contacts.append(1)
                if len(contacts) == after:
                    task.cancel()
                return await perform(effects)

            wallet._perform = counted
            target = wallet.account("ethereum", index=100 + after).address
            task = asyncio.ensure_future(account.send(to=target, amount="0.5", idempotency_key=f"order-{after}"))
            try:
                await task
            except asyncio.CancelledError:
                return True
            return False

    wallet = opened(between, store)
    between.chain.fund(wallet.account("ethereum"), "50")
    points = 0
    for after in range(1, 40):
        if not asyncio.run(main(after)):
            break
        points = after
    assert points >= 5
    clock.offset += 1000
    finish(wallet, between.chain, "ethereum", clock)
    for record in wallet.outbox.payments():
        assert record.state is State.CONFIRMED
        after = int(record.key.removeprefix("order-"))
        assert wallet.account("ethereum", index=100 + after).balance().total.text == "0.5"


def test_another_wallets_reconciler_does_not_put_payments_off(between, store):
    wallet = opened(between, store, retry=100)
    account = wallet.account("ethereum")
    between.chain.fund(account, "10")
    account.send(to=account.address, amount="1", idempotency_key="order")
    stranger = Wallet.from_seed(bytes(32), transport=between)
    stranger.open_outbox(store, Policy(poll=0, retry=100))
    for _ in range(3):
        stranger.outbox.step()
    assert wallet.outbox.step() == 1
    assert stranger.outbox.step() == 0


def test_asking_in_vain_to_cancel_holds_nothing_up(between, store):
    wallet = opened(between, store, confirmations=5)
    account = wallet.account("ethereum")
    between.chain.fund(account, "10")
    account.send(to=account.address, amount="1", idempotency_key="order")
    between.chain.mine("ethereum", 1)
    wallet.outbox.step()
    with pytest.raises(MultiwalletError, match="cannot be cancelled"):
        wallet.outbox.cancel("order")
    assert wallet.outbox.step() == 1


def test_a_nonce_that_a_stranger_left_out_is_filled(between, store):
    clock = Clock(store)
    wallet = opened(between, store, gap_after=60)
    account, other = wallet.account("ethereum"), wallet.account("ethereum", index=9)
    between.chain.fund(account, "10")
    past = Wallet.from_mnemonic(WORDS, transport=between.chain).account("ethereum")
    foreign = past.send(to=other.address, amount="3")  # past the outbox, with nonce 0
    account.send(to=other.address, amount="1", idempotency_key="order")
    assert wallet.outbox.get("order").nonce == 1
    clock.offset += 61
    wallet.outbox.step()  # the pool has it: it is nobody's to replace
    wallet.outbox.step()
    assert len(wallet.outbox.payments()) == 1
    assert between.chain.drop("ethereum", foreign.txid)
    finish(wallet, between.chain, "ethereum", clock)
    assert other.balance().total.text == "1"
    filler = next(record for record in wallet.outbox.payments() if record.key != "order")
    assert filler.attempts[0].nonce == 0
