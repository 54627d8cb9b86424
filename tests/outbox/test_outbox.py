"""The outbox on real engines and both databases: keys, nonces, replacement, cancelling, reorganisations, gaps."""

from __future__ import annotations

import asyncio
import threading

import pytest

from multiwallet import Amount, AsyncWallet, Transfer, Wallet
from multiwallet.devnet import Devnet
from multiwallet.errors import (
    Expired,
    IdempotencyConflict,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    Rejected,
    SigningRefused,
    Timeout,
    Unsupported,
)
from multiwallet.outbox import Policy
from multiwallet.outbox.requests import intent_of
from multiwallet.store import State, Store
from multiwallet.store import outgoing as kept

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
NETWORKS = ("ethereum", "tron", "solana", "bitcoin")
FUNDS = {"ethereum": "10", "tron": "1000", "solana": "10", "bitcoin": "1"}
QUICK = Policy(poll=0, retry=0, bump_after=None)


class Clock:
    """The store's time, moved on by hand."""

    def __init__(self, store):
        self.offset = 0.0
        before = store.clock
        store.clock = lambda: before() + self.offset


@pytest.fixture
def chain():
    return Devnet()


@pytest.fixture
def waiting():
    """A chain where transactions wait for the next block."""
    return Devnet(automine=False)


def open_wallet(chain, store, policy=QUICK):
    wallet = Wallet.from_mnemonic(WORDS, transport=chain)
    wallet.open_outbox(store, policy)
    return wallet


def finish(wallet, chain, network, clock=None):
    for _ in range(60):
        wallet.outbox.step()
        chain.mine(network, 1)
        if all(record.is_final for record in wallet.outbox.payments()):
            return
        if clock is not None:
            clock.offset += 1
    raise AssertionError(wallet.outbox.payments())


def states(wallet):
    return [record.state.value for record in wallet.outbox.payments()]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_same_key_is_the_same_transaction(chain, store, network):
    wallet = open_wallet(chain, store)
    account, other = wallet.account(network), wallet.account(network, index=9)
    chain.fund(account, FUNDS[network])
    first = account.send(to=other.address, amount="0.01", idempotency_key="order-42")
    again = account.send(to=other.address, amount="0.01", idempotency_key="order-42", speed="fast")
    assert again.txid == first.txid
    for wrong in ({"amount": "0.02"}, {"to": wallet.account(network, index=8).address}, {"memo": "x"}):
        wanted = {"to": other.address, "amount": "0.01", **wrong}
        with pytest.raises(IdempotencyConflict):
            account.send(**wanted, idempotency_key="order-42")
    with pytest.raises(IdempotencyConflict):
        wallet.account(network, index=3).send(to=other.address, amount="0.01", idempotency_key="order-42")
    finish(wallet, chain, network)
    assert other.balance().total == Amount.parse("0.01", account.network.native)
    final = account.send(to=other.address, amount="0.01", idempotency_key="order-42")
    assert (final.txid, final.status.value) == (first.txid, "confirmed")


def test_without_an_outbox_a_key_is_refused(chain):
    account = Wallet.from_mnemonic(WORDS, transport=chain).account("ethereum")
    with pytest.raises(InputError, match="open_outbox"):
        account.send(to=account.address, amount="1", idempotency_key="order")


@pytest.mark.parametrize("key", ["", "x" * 256, "two\nlines", 7])
def test_a_key_is_one_line_of_text(chain, store, key):
    wallet = open_wallet(chain, store)
    account = wallet.account("ethereum")
    with pytest.raises(InputError, match="idempotency key"):
        account.send(to=account.address, amount="1", idempotency_key=key)
    assert not wallet.outbox.payments()


def test_what_fails_before_signing_is_refused_and_may_be_tried_again(chain, store):
    wallet = open_wallet(chain, store)
    account, other = wallet.account("ethereum"), wallet.account("ethereum", index=9)
    with pytest.raises(InsufficientFunds):
        account.send(to=other.address, amount="1", idempotency_key="order")
    (record,) = wallet.outbox.payments()
    assert (record.state, record.attempts, record.nonce) == (State.REFUSED, (), None)
    assert "needed" in record.error
    chain.fund(account, "5")
    assert account.send(to=other.address, amount="1", idempotency_key="order").txid
    assert wallet.outbox.get("order").nonce == 0  # the nonce that was given back


def test_bad_input_leaves_no_trace(chain, store):
    wallet = open_wallet(chain, store)
    account = wallet.account("ethereum")
    with pytest.raises(InvalidAddress):
        account.send(to="0x12", amount="1", idempotency_key="order")
    with pytest.raises(InputError, match="JSON"):
        account.send(to=account.address, amount="1", idempotency_key="order", data=object())
    assert not wallet.outbox.payments()


def test_a_watch_only_wallet_enters_nothing(chain, store):
    xpub = Wallet.from_mnemonic(WORDS).account("ethereum").extended_public_key()
    wallet = Wallet.from_xpub("ethereum", xpub, transport=chain)
    wallet.open_outbox(store, QUICK)
    account = wallet.account("ethereum")
    with pytest.raises(SigningRefused):
        account.send(to=account.address, amount="1", idempotency_key="order")
    assert not wallet.outbox.payments()


@pytest.mark.parametrize("network", NETWORKS)
def test_threads_never_share_a_nonce_or_a_coin(chain, store, network):
    wallet = open_wallet(chain, store)
    account, other = wallet.account(network), wallet.account(network, index=9)
    for _ in range(4):
        chain.fund(account, FUNDS[network])
    errors = []

    def pay(number):
        try:
            mine = Wallet.from_mnemonic(WORDS, transport=chain)  # as another process would
            mine.open_outbox(store, QUICK)
            mine.account(network).send(to=other.address, amount="0.01", idempotency_key=f"order-{number}")
        except Exception as error:  # told below
            errors.append(error)

    threads = [threading.Thread(target=pay, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    finish(wallet, chain, network)
    assert other.balance().total == Amount.parse("0.08", account.network.native)
    if network == "ethereum":
        assert sorted(record.nonce for record in wallet.outbox.payments()) == list(range(8))


def test_one_key_from_many_tasks_is_one_payment(chain, store):
    async def main():
        async with AsyncWallet.from_mnemonic(WORDS, transport=chain) as wallet:
            wallet.open_outbox(store, QUICK)
            account, other = wallet.account("ethereum"), wallet.account("ethereum", index=9)
            chain.fund(account, "10")
            receipts = await asyncio.gather(
                *(account.send(to=other.address, amount="1", idempotency_key="order") for _ in range(8))
            )
            await wallet.outbox.run(until_idle=True, timeout=30)
            counts = await wallet.outbox.counts()
            return {receipt.txid for receipt in receipts}, counts, await other.balance()

    txids, counts, balance = asyncio.run(main())
    assert len(txids) == 1
    assert counts[State.CONFIRMED] == 1
    assert balance.total.text == "1"


def test_a_stuck_transaction_is_replaced_at_a_higher_fee(waiting, store):
    clock = Clock(store)
    wallet = open_wallet(waiting, store, Policy(poll=0, retry=0, bump_after=60))
    account, other = wallet.account("ethereum"), wallet.account("ethereum", index=9)
    waiting.fund(account, "10")
    first = account.send(to=other.address, amount="1", idempotency_key="order", max_fee_per_gas=2 * 10**9)
    wallet.outbox.step()
    assert len(wallet.outbox.get("order").attempts) == 1
    clock.offset += 61
    wallet.outbox.step()
    before, after = wallet.outbox.get("order").attempts
    assert before.txid == first.txid != after.txid
    assert before.nonce == after.nonce
    finish(wallet, waiting, "ethereum", clock)
    record = wallet.outbox.get("order")
    assert (record.state, record.receipt["txid"]) == (State.CONFIRMED, after.txid)
    assert other.balance().total.text == "1"


def test_a_stuck_bitcoin_transaction_is_replaced_from_its_change(waiting, store):
    clock = Clock(store)
    wallet = open_wallet(waiting, store, Policy(poll=0, retry=0, bump_after=60))
    account, other = wallet.account("bitcoin"), wallet.account("bitcoin", index=99)
    waiting.fund(account, "1")
    waiting.mine("bitcoin", 1)
    account.send(to=other.address, amount="0.1", idempotency_key="order", fee_rate=2)
    clock.offset += 61
    wallet.outbox.step()
    before, after = wallet.outbox.get("order").attempts
    assert before.coins == after.coins
    finish(wallet, waiting, "bitcoin", clock)
    record = wallet.outbox.get("order")
    assert (record.state, record.receipt["txid"]) == (State.CONFIRMED, after.txid)
    assert other.balance().total.text == "0.1"


def test_a_fee_limit_holds_for_replacements(waiting, store):
    clock = Clock(store)
    policy = Policy(poll=0, retry=0, bump_after=60, max_fee={"ethereum": "0.00000000001"})
    wallet = open_wallet(waiting, store, policy)
    account = wallet.account("ethereum")
    waiting.fund(account, "10")
    account.send(to=account.address, amount="1", idempotency_key="order")
    clock.offset += 61
    wallet.outbox.step()
    assert len(wallet.outbox.get("order").attempts) == 1


@pytest.mark.parametrize("network", ["ethereum", "bitcoin"])
def test_cancelling_takes_the_place_of_the_payment(waiting, store, network):
    clock = Clock(store)
    wallet = open_wallet(waiting, store)
    account, other = wallet.account(network), wallet.account(network, index=9)
    waiting.fund(account, FUNDS[network])
    waiting.mine(network, 1)
    account.send(to=other.address, amount="0.1", idempotency_key="order")
    wallet.outbox.cancel("order")
    finish(wallet, waiting, network, clock)
    assert wallet.outbox.get("order").state is State.CANCELLED
    assert not other.balance().total
    with pytest.raises(IdempotencyConflict, match="cancelled"):
        account.send(to=other.address, amount="0.1", idempotency_key="order")


def test_what_is_done_cannot_be_cancelled(chain, store):
    wallet = open_wallet(chain, store)
    account = wallet.account("ethereum")
    chain.fund(account, "10")
    account.send(to=account.address, amount="1", idempotency_key="order")
    finish(wallet, chain, "ethereum")
    with pytest.raises(InputError, match="confirmed"):
        wallet.outbox.cancel("order")
    with pytest.raises(InputError, match="no payment"):
        wallet.outbox.cancel("another")


@pytest.mark.parametrize("network", ["tron", "solana"])
def test_what_expired_is_signed_anew_and_paid_once(waiting, store, network):
    clock = Clock(store)
    wallet = open_wallet(waiting, store)
    account, other = wallet.account(network), wallet.account(network, index=9)
    waiting.fund(account, FUNDS[network])
    first = account.send(to=other.address, amount="1", idempotency_key="order")
    assert waiting.drop(network, first.txid)
    for _ in range(400):  # its time runs out, block after block, and nobody hands it over again
        waiting.mine(network, 30)
        if _expired(wallet, network, first):
            break
    waiting.mine(network, 40)  # and some more, until no node can be so far behind
    clock.offset += 1
    finish(wallet, waiting, network, clock)
    record = wallet.outbox.get("order")
    assert [attempt.dead for attempt in record.attempts] == [True, False]
    assert record.state is State.CONFIRMED
    assert other.balance().total.text == "1"


def _expired(wallet, network, receipt):
    try:
        wallet.account(network).status(receipt.txid, expiry=receipt.expiry)
    except Expired:
        return True
    return False


@pytest.mark.parametrize("network", ["ethereum", "bitcoin"])
def test_a_block_that_is_undone_is_noticed(chain, store, network):
    clock = Clock(store)
    wallet = open_wallet(chain, store, Policy(confirmations=3, poll=0, retry=0, bump_after=None))
    account, other = wallet.account(network), wallet.account(network, index=9)
    chain.fund(account, FUNDS[network])
    account.send(to=other.address, amount="0.1", idempotency_key="order")
    chain.mine(network, 1)
    wallet.outbox.step()
    assert states(wallet) == ["included"]
    chain.reorg(network, 2)
    finish(wallet, chain, network, clock)
    assert states(wallet) == ["confirmed"]
    assert other.balance().total == Amount.parse("0.1", account.network.native)


def test_a_nonce_used_elsewhere_leads_to_another_one(waiting, store):
    """Somebody else pays from the same account, outside of the outbox, and is quicker."""
    clock = Clock(store)
    wallet = open_wallet(waiting, store)
    stranger = Wallet.from_mnemonic(WORDS, transport=waiting).account("ethereum")
    account, other = wallet.account("ethereum"), wallet.account("ethereum", index=9)
    waiting.fund(account, "10")
    first = account.send(to=other.address, amount="1", idempotency_key="order")
    waiting.drop("ethereum", first.txid)
    stranger.send(to=stranger.address, amount="0.1", nonce=0)
    waiting.mine("ethereum", 1)
    finish(wallet, waiting, "ethereum", clock)
    record = wallet.outbox.get("order")
    assert [attempt.nonce for attempt in record.attempts][-1] == 1
    assert record.attempts[0].dead
    assert record.state is State.CONFIRMED
    assert other.balance().total.text == "1"


def test_a_nonce_that_was_given_back_is_filled_when_others_wait(waiting, store):
    clock = Clock(store)
    wallet = open_wallet(waiting, store)
    account, other = wallet.account("ethereum"), wallet.account("ethereum", index=9)
    waiting.fund(account, "10")
    # One has its nonce, and fails before it is signed, while another is on its way already.
    options = {"speed": "normal", "max_fee": None, "memo": None, "native": {}}
    intent = intent_of(account._operations, (Transfer(other.address, "99"),), options, "too much")
    claimed = kept.claim(store, intent, "somebody")
    kept.lease_nonce(store, claimed.record, "somebody", included=0, pending=0)
    account.send(to=other.address, amount="1", idempotency_key="order")
    kept.move(store, kept.find(store, "too much"), "somebody", State.REFUSED, error="insufficient funds")
    assert wallet.outbox.get("order").nonce == 1
    finish(wallet, waiting, "ethereum", clock)
    assert wallet.outbox.get("order").state is State.CONFIRMED
    assert other.balance().total.text == "1"
    (filler,) = [record for record in wallet.outbox.payments() if record.key.startswith("fill")]
    assert (filler.state, filler.attempts[0].nonce) == (State.CANCELLED, 0)


def test_families_without_proof_take_no_key(chain, store, monkeypatch):
    wallet = open_wallet(chain, store)
    account = wallet.account("ethereum")
    monkeypatch.setattr(type(account._operations.chain), "replay", None)
    with pytest.raises(Unsupported):
        account.send(to=account.address, amount="1", idempotency_key="order")


def test_a_refusal_is_told_and_kept(chain, store, monkeypatch):
    wallet = open_wallet(chain, store)
    account, other = wallet.account("ethereum"), wallet.account("ethereum", index=9)
    chain.fund(account, "10")

    def refuse(self, signed):
        raise Rejected("transaction underpriced", node_code=-32000)
        yield ()

    with monkeypatch.context() as patch:
        patch.setattr(type(account._operations), "broadcast", refuse)
        with pytest.raises(Rejected, match="underpriced"):
            account.send(to=other.address, amount="1", idempotency_key="order")
    record = wallet.outbox.get("order")
    assert (record.state, record.attempts[0].refused) == (State.SIGNED, "transaction underpriced")
    finish(wallet, chain, "ethereum")
    assert wallet.outbox.get("order").state is State.CONFIRMED
    assert len(wallet.outbox.get("order").attempts) == 1


def test_a_store_outlives_its_process(chain, tmp_path):
    with Store(tmp_path / "payments.db") as store:
        wallet = open_wallet(chain, store)
        account = wallet.account("ethereum")
        chain.fund(account, "10")
        sent = account.send(to=account.address, amount="1", idempotency_key="order")
    with Store(tmp_path / "payments.db") as store:
        again = open_wallet(chain, store)
        assert again.outbox.get("order").txid == sent.txid


def test_waiting_for_a_key_follows_what_takes_its_place(waiting, store):
    clock = Clock(store)
    wallet = open_wallet(waiting, store, Policy(poll=0, retry=0, bump_after=60))
    account, other = wallet.account("ethereum"), wallet.account("ethereum", index=9)
    waiting.fund(account, "10")
    account.send(to=other.address, amount="1", idempotency_key="order", max_fee_per_gas=2 * 10**9)
    with pytest.raises(Timeout, match="sent"):
        wallet.outbox.wait("order", timeout=0)
    with pytest.raises(InputError, match="no payment"):
        wallet.outbox.wait("another")
    clock.offset += 61
    wallet.outbox.step()
    waiting.mine("ethereum", 1)
    assert wallet.outbox.wait("order", timeout=30).state is State.CONFIRMED


def test_what_waits_for_an_earlier_nonce_is_not_made_dearer(waiting, store):
    clock = Clock(store)
    wallet = open_wallet(waiting, store, Policy(poll=0, retry=0, bump_after=60))
    account, other = wallet.account("ethereum"), wallet.account("ethereum", index=9)
    waiting.fund(account, "10")
    for number in range(3):
        account.send(to=other.address, amount="1", idempotency_key=f"order-{number}", max_fee_per_gas=2 * 10**9)
    clock.offset += 61
    wallet.outbox.step()
    assert [len(wallet.outbox.get(f"order-{number}").attempts) for number in range(3)] == [2, 1, 1]
    finish(wallet, waiting, "ethereum", clock)
    assert other.balance().total.text == "3"


def test_states_are_counted(chain, store, monkeypatch):
    counted = []
    monkeypatch.setattr("multiwallet.telemetry.count", lambda name, value=1, **about: counted.append((name, about)))
    wallet = open_wallet(chain, store)
    account = wallet.account("ethereum")
    chain.fund(account, "10")
    account.send(to=account.address, amount="1", idempotency_key="order")
    finish(wallet, chain, "ethereum")
    states = [about["state"] for name, about in counted if name == "multiwallet.payments"]
    assert states == ["included", "confirmed"]
    assert all(about.get("network", "eip155:1") == "eip155:1" for _, about in counted)


def test_coins_on_their_way_are_told_from_money_that_is_not_there(waiting, store):
    wallet = open_wallet(waiting, store)
    account, other = wallet.account("bitcoin", index=0), wallet.account("bitcoin", index=9)
    waiting.fund(account, "1")
    waiting.mine("bitcoin", 1)
    account.send(to=other.address, amount="max", idempotency_key="first")
    with pytest.raises(InsufficientFunds, match="hold coins"):
        account.send(to=other.address, amount="0.1", idempotency_key="second")
    poor = wallet.account("ethereum")
    with pytest.raises(InsufficientFunds) as refused:
        poor.send(to=poor.address, amount="1", idempotency_key="third")
    assert "hold coins" not in refused.value.message
