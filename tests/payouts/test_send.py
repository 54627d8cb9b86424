"""Sending on four chains: each line once, whatever stands in the way; and what is told of it afterwards."""

from __future__ import annotations

import csv
import json
import threading
from html.parser import HTMLParser

import pytest

from multiwallet import Amount, Wallet
from multiwallet.errors import IdempotencyConflict, InputError, Rejected, SigningRefused, StoreError, Timeout
from multiwallet.outbox import Policy
from multiwallet.payouts import account_for, plan, report, send, sign, status
from multiwallet.store import State, Store

NETWORKS = ("ethereum", "tron", "solana", "bitcoin")
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
QUICK = Policy(poll=0.05, retry=0.05, bump_after=None)


@pytest.fixture
def batch(payer, table, recipients, tmp_path):
    """``batch("tron", 5)``: an account, its recipients, and a plan that pays each of them 0.01."""

    def make(network, count=12, **options):
        account = payer(network)
        people = recipients(account, count)
        planned = plan(account, table([(to, "0.01") for to in people]), tmp_path / "plan", **options)
        assert planned.ok, planned.errors
        return account, people, tmp_path / "plan"

    return make


def held(account, address):
    chain, network = account._operations.chain, account.network
    wallet = account._wallet
    place = next(one for one in wallet.accounts(network.name, start=100, count=60) if one.address == address)
    assert chain.parse_address(network, address) == address
    return place.balance().total


def all_paid(account, people, text="0.01"):
    return all(held(account, person) == Amount.parse(text, account.network.native) for person in people)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("ahead", [True, False], ids=["signed-file", "keys-at-hand"])
def test_every_line_is_paid_once_however_often_it_is_sent(batch, tmp_path, network, ahead):
    account, people, file = batch(network)
    signed = None
    if ahead:
        if network in ("solana", "bitcoin"):
            return  # made as they are sent: see test_plan
        signed = tmp_path / "signed"
        sign(account, file, signed)
    for _ in range(2):
        sent = send(account, file, signed, timeout=60)
        assert (sent.complete, sent.confirmed, sent.failed) == (True, True, 0)
    assert all_paid(account, people)
    told = status(account._wallet.outbox._operations.store, file)
    assert (told.lines, told.final, told.entered) == (12, 12, 12)
    keys = {record.key for record in account._wallet.outbox.payments()}
    assert len(keys) == 12


def test_a_watch_only_wallet_sends_what_was_signed_elsewhere(batch, tmp_path, chain):
    account, people, file = batch("ethereum")
    sign(account, file, tmp_path / "signed")
    with Wallet.from_xpub("ethereum", account.extended_public_key(), transport=chain) as watching:
        watching.open_outbox(tmp_path / "watch.db", QUICK)
        mine = account_for(watching, file)
        with pytest.raises(SigningRefused):
            send(mine, file)
        assert send(mine, file, tmp_path / "signed", timeout=60).confirmed
        watching.outbox._operations.store.close()
    assert all_paid(account, people)


def test_a_signed_file_that_is_not_finished_is_sent_as_far_as_it_goes(batch, tmp_path):
    account, people, file = batch("ethereum")
    sign(account, file, tmp_path / "signed")
    whole = (tmp_path / "signed").read_bytes()
    lines = whole.splitlines(keepends=True)
    (tmp_path / "signed").write_bytes(b"".join(lines[:6]) + lines[6][:40])
    sent = send(account, file, tmp_path / "signed", timeout=60)
    assert (sent.states[State.CONFIRMED], sent.unsigned, sent.complete) == (5, 7, False)
    (tmp_path / "signed").write_bytes(whole)
    assert send(account, file, tmp_path / "signed", timeout=60).confirmed
    assert all_paid(account, people)


@pytest.mark.parametrize("network", ["ethereum", "tron"])
def test_signed_bytes_of_another_line_are_not_taken(batch, tmp_path, network):
    """Swapped, doubled or renamed: a line is paid by the bytes of its own plan line, or by none."""
    account, _, file = batch(network, 4)
    sign(account, file, tmp_path / "signed")
    lines = [json.loads(line) for line in (tmp_path / "signed").read_bytes().splitlines()]
    lines[2]["raw"], lines[3]["raw"] = lines[3]["raw"], lines[2]["raw"]
    lines[2]["txid"], lines[3]["txid"] = lines[3]["txid"], lines[2]["txid"]
    lines[4]["txid"] = lines[1]["txid"]
    (tmp_path / "signed").write_text("".join(json.dumps(line) + "\n" for line in lines))
    sent = send(account, file, tmp_path / "signed", wait=False)
    assert sent.failed == 3
    assert [error.line for error in sent.errors] == [3, 4, 5]
    assert [record.key[-2:] for record in account._wallet.outbox.payments()] == [":2"]


@pytest.mark.parametrize("spoil", ["order", "text", "type"])
def test_a_spoiled_signed_file(batch, tmp_path, spoil):
    account, _, file = batch("ethereum", 3)
    sign(account, file, tmp_path / "signed")
    lines = (tmp_path / "signed").read_bytes().splitlines(keepends=True)
    lines[1:3] = {"order": lines[2:0:-1], "text": [b"nonsense\n"], "type": [b'{"line": 2, "key": 5}\n']}[spoil]
    (tmp_path / "signed").write_bytes(b"".join(lines))
    with pytest.raises(InputError):
        send(account, file, tmp_path / "signed", wait=False)


def test_nonces_that_went_elsewhere(batch, table, recipients, tmp_path):
    """Another payment of the account came between planning and sending."""
    account, people, file = batch("ethereum", 5)
    sign(account, file, tmp_path / "signed")
    account.send(to=recipients(account, 1, start=200)[0], amount="1", idempotency_key="between").wait()
    sent = send(account, file, tmp_path / "signed", timeout=60)
    assert (sent.failed, sent.errors[0].line, "nonce" in sent.errors[0].message) == (1, 2, True)
    assert sent.states[State.CONFIRMED] == 4
    # With the keys at hand the line gets another nonce.
    assert send(account, file, timeout=60).confirmed
    assert all_paid(account, people)


def test_nonces_that_another_payment_of_the_store_has(batch, tmp_path):
    account, _, file = batch("ethereum", 5)
    store = account._wallet.outbox._operations.store
    from multiwallet.store.nonces import pin
    from multiwallet.store.outgoing import Intent, claim

    first = json.loads(file.read_bytes().splitlines()[2])["transaction"]["nonce"]
    lane = json.loads(file.read_bytes().splitlines()[0])["lane"]
    other = claim(store, Intent("other", lane, account.network.id, {}, {}, "x"), "somebody").record
    with store.write() as connection:
        assert pin(connection, lane, first, other.id, sqlite=store.is_sqlite)
    sign(account, file, tmp_path / "signed")
    sent = send(account, file, tmp_path / "signed", wait=False)
    assert [error.line for error in sent.errors] == [3]
    assert "another payment" in sent.errors[0].message


def test_two_batches_planned_at_once_are_both_paid(payer, table, recipients, tmp_path):
    account = payer("ethereum")
    people = recipients(account, 20)
    for name, part in (("a", people[:10]), ("b", people[10:])):
        assert plan(account, table([(to, "0.01") for to in part], name=f"{name}.csv"), tmp_path / name).ok
    assert send(account, tmp_path / "a", timeout=60).confirmed
    assert send(account, tmp_path / "b", timeout=60).confirmed
    assert all_paid(account, people)


def test_a_refused_line_does_not_stop_the_others_and_may_be_tried_again(batch, monkeypatch):
    account, people, file = batch("tron", 6)
    operations = type(account._operations)
    broadcast, unlucky = operations.broadcast, []

    def refuse(self, signed):
        if len(unlucky) < 2:
            unlucky.append(signed.txid)
        if signed.txid in unlucky:
            raise Rejected("validate contract error", node_code="CONTRACT_VALIDATE_ERROR")
        return (yield from broadcast(self, signed))

    with monkeypatch.context() as patch:
        patch.setattr(operations, "broadcast", refuse)
        with pytest.raises(Timeout):
            send(account, file, timeout=0.5)
    told = status(account._wallet.outbox._operations.store, file)
    assert (told.states[State.CONFIRMED][0], told.states[State.SIGNED][0]) == (4, 2)
    assert send(account, file, timeout=60).confirmed
    assert all_paid(account, people)


def test_lost_answers_and_rate_limits(batch, tmp_path, chain):
    account, people, file = batch("ethereum")
    sign(account, file, tmp_path / "signed")
    chain.lose_answers("ethereum", 4)
    chain.rate_limit("ethereum", 3)
    assert send(account, file, tmp_path / "signed", timeout=60, concurrency=3).confirmed
    assert all_paid(account, people)


def test_a_stop_ends_it_and_the_next_run_goes_on(batch, tmp_path):
    account, people, file = batch("ethereum", 30)
    sign(account, file, tmp_path / "signed")
    stop = threading.Event()

    def progress(what, done, total):
        if done >= 5:
            stop.set()

    sent = send(account, file, tmp_path / "signed", concurrency=5, stop=stop, progress=progress)
    assert not sent.complete
    assert sum(sent.states.values()) >= 5
    assert send(account, file, tmp_path / "signed", timeout=60).confirmed
    assert all_paid(account, people)


def test_another_run_of_the_same_batch_waits_outside(batch):
    fcntl = pytest.importorskip("fcntl", reason="file locks are tested where the system has them")
    account, _, file = batch("ethereum", 2)
    with file.open("rb") as held_open:
        fcntl.flock(held_open, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process"):
            send(account, file)
    assert not account._wallet.outbox.payments()


def test_no_more_are_on_their_way_than_allowed(payer, table, recipients, tmp_path, chain):
    from multiwallet.devnet import Devnet

    waiting = Devnet(automine=False)
    wallet = Wallet.from_mnemonic(WORDS, transport=waiting)
    wallet.open_outbox(tmp_path / "w.db", QUICK)
    account = wallet.account("ethereum")
    waiting.fund(account, "100")
    assert plan(account, table([(to, "0.01") for to in recipients(account, 20)]), tmp_path / "plan").ok
    stop, most = threading.Event(), []

    def mine():
        while not stop.wait(0.2):
            most.append(wallet.outbox.counts()[State.SENT])
            waiting.mine("ethereum", 1)

    miner = threading.Thread(target=mine)
    miner.start()
    try:
        assert send(account, tmp_path / "plan", ahead=4, concurrency=2, timeout=60).confirmed
    finally:
        stop.set()
        miner.join()
        wallet.outbox._operations.store.close()
    assert 0 < max(most) <= 4


def test_what_it_needs(batch, chain):
    account, _, file = batch("ethereum", 2)
    with Wallet.from_mnemonic(WORDS, transport=chain) as bare, pytest.raises(InputError, match="open_outbox"):
        send(bare.account("ethereum"), file)
    for wrong in ({"concurrency": 0}, {"rate": 0.0}, {"ahead": -1}):
        with pytest.raises(InputError):
            send(account, file, **wrong)
    assert send(account, file, rate=1000.0, timeout=60).confirmed


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.cells = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.cells.append(data)


def test_the_report_in_three_forms(payer, table, recipients, tmp_path):
    account = payer("ethereum")
    people = recipients(account, 4)
    keys = ["=1+1", "<script>alert(1)</script>", "plain", '"quoted"']
    rows = [(to, "0.25", key) for to, key in zip(people, keys, strict=True)]
    assert plan(account, table(rows, ("to", "amount", "key")), tmp_path / "plan").ok
    store = account._wallet.outbox._operations.store
    report(store, tmp_path / "plan", tmp_path / "before.json")
    before = json.loads((tmp_path / "before.json").read_text())
    assert before["totals"] == [{"state": "not sent", "asset": "ETH", "lines": 4, "amount": "1"}]
    send(account, tmp_path / "plan", timeout=60)
    for kind in ("csv", "json", "html"):
        assert report(store, tmp_path / "plan", tmp_path / f"r.{kind}").complete
    told = json.loads((tmp_path / "r.json").read_text())
    assert told["totals"] == [{"state": "confirmed", "asset": "ETH", "lines": 4, "amount": "1"}]
    receipts = [record.receipt for record in account._wallet.outbox.payments()]
    assert Amount.parse(told["fees"]["amount"], account.network.native).units == sum(
        int(receipt["fee"]["units"]) for receipt in receipts
    )
    with (tmp_path / "r.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["key"] for line in lines] == ["'=1+1", *keys[1:]]
    assert {line["state"] for line in lines} == {"confirmed"}
    page = Page()
    page.feed((tmp_path / "r.html").read_text())
    assert "script" not in page.tags
    assert set(keys) <= set(page.cells)
    report(store, tmp_path / "plan", tmp_path / "failed.csv", failures_only=True)
    assert len((tmp_path / "failed.csv").read_text().splitlines()) == 1
    with pytest.raises(InputError):
        report(store, tmp_path / "plan", tmp_path / "r.pdf")
    with pytest.raises(StoreError):
        report(store, tmp_path / "plan", tmp_path / "nowhere" / "r.csv")


def test_a_key_of_another_payment_is_told_with_its_line(payer, table, recipients, tmp_path):
    account = payer("ethereum")
    one, two = recipients(account, 2)
    account.send(to=one, amount="1", idempotency_key="mine")
    assert plan(account, table([(one, "2", "mine"), (two, "1", "k2")], ("to", "amount", "key")), tmp_path / "plan").ok
    sent = send(account, tmp_path / "plan", wait=False)
    assert [error.line for error in sent.errors] == [2]
    assert sent.states[State.SENT] + sent.states[State.CONFIRMED] == 1


def test_a_plan_put_together_otherwise_is_not_sent_under_the_same_name(payer, table, recipients, tmp_path):
    account = payer("bitcoin")
    source = table([(to, "0.001") for to in recipients(account, 3)])
    assert plan(account, source, tmp_path / "a").ok
    assert plan(account, source, tmp_path / "b", combine=3).ok
    send(account, tmp_path / "a", timeout=60)
    with pytest.raises(IdempotencyConflict):
        send(account, tmp_path / "b")


def test_a_store_that_is_gone(batch, tmp_path):
    _, _, file = batch("ethereum", 2)
    with pytest.raises(StoreError):
        status(tmp_path / "nowhere" / "s.db", file)
    with Store(tmp_path / "empty.db") as empty:
        told = status(empty, file)
    assert (told.entered, told.complete) == (0, False)


def test_what_was_refused_is_begun_anew_on_request(batch, monkeypatch):
    account, people, file = batch("solana", 4)
    chain = type(account._operations.chain)

    def refuse(self, holder, payments, options):
        raise InputError("not today")
        yield ()

    with monkeypatch.context() as patch:
        patch.setattr(chain, "build", refuse)
        sent = send(account, file, timeout=60)
    assert (sent.states[State.REFUSED], sent.complete, sent.confirmed) == (4, True, False)
    assert send(account, file, timeout=60).states[State.REFUSED] == 4
    assert send(account, file, again=True, timeout=60).confirmed
    assert all_paid(account, people)
