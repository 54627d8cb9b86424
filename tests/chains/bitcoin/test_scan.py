"""Scanning accounts on a small ledger that answers as Bitcoin Core and as Esplora, and what is remembered of sends."""

from __future__ import annotations

from decimal import Decimal

import pytest

from multiwallet.chains.bitcoin import scan
from multiwallet.chains.bitcoin.addresses import script_of
from multiwallet.chains.bitcoin.coins import AccountState, Coin
from multiwallet.chains.bitcoin.script import KEY_KINDS, script_for_key
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from multiwallet.errors import BadResponse, MultiwalletError, Rejected, Timeout
from multiwallet.ops import Rpc, run
from multiwallet.path import Path
from multiwallet.registry import network
from multiwallet.transactions import SignedTransaction

ROW = network("bitcoin")
SOURCES = {"core": ["core+http://127.0.0.1:8332"], "esplora": ["https://example.org/api"]}
FOREIGN = b"\x00\x14" + b"\x99" * 20


class Ledger:
    """Blocks and a mempool of transactions, and the answers of both kinds of server about them."""

    def __init__(self, tip=200):
        self.tip = tip
        self.mined: dict[str, tuple[int, Transaction]] = {}
        self.mempool: dict[str, Transaction] = {}
        self.asked = []
        self.counter = 0

    def pay(self, *outputs, height=None, spending=(), coinbase=False):
        """A transaction with these (script, amount) outputs; of foreign coins unless it spends outpoints."""
        self.counter += 1
        prevouts = [point.raw for point in spending] or [self.counter.to_bytes(32, "big") + bytes(4)]
        if coinbase:
            prevouts = [bytes(32) + b"\xff" * 4]
        inputs = [TxIn(raw, self.counter.to_bytes(4, "big") if coinbase else b"", 0, (b"x",)) for raw in prevouts]
        transaction = Transaction(2, inputs, [TxOut(amount, script) for script, amount in outputs])
        self.take(transaction, height)
        return transaction

    def take(self, transaction, height=None):
        if height is None:
            self.mempool[transaction.txid] = transaction
        else:
            self.mempool.pop(transaction.txid, None)
            self.mined[transaction.txid] = (height, transaction)

    # -- what both know ----------------------------------------------------------------------------

    def every(self):
        return [(height, t) for height, t in self.mined.values()] + [(None, t) for t in self.mempool.values()]

    def spent(self, *, mempool):
        chosen = self.every() if mempool else list(self.mined.values())
        return {txin.prevout for _, transaction in chosen for txin in transaction.inputs}

    def outputs(self, script, *, mempool):
        spent = self.spent(mempool=mempool)
        return [
            (transaction, index, output.amount, height)
            for height, transaction in (self.every() if mempool else self.mined.values())
            for index, output in enumerate(transaction.outputs)
            if output.script == script and OutPoint(transaction.txid, index).raw not in spent
        ]

    def script_spent_by(self, prevout):
        point = OutPoint.of(prevout)
        for _, transaction in self.every():
            if transaction.txid == point.txid:
                return transaction.outputs[point.index].script
        return FOREIGN

    def perform(self, effects):
        answers = []
        for effect in effects:
            self.asked.append(effect)
            try:
                if isinstance(effect, Rpc):
                    answers.append(getattr(self, effect.method)(*effect.params))
                else:
                    answers.append(self.rest(effect.path))
            except MultiwalletError as error:
                answers.append(error)
        return answers

    # -- Bitcoin Core ------------------------------------------------------------------------------

    def scantxoutset(self, action, descriptors):
        assert action == "start"
        unspents = []
        for descriptor in descriptors:
            script = bytes.fromhex(descriptor.removeprefix("raw(").removesuffix(")"))
            unspents += [
                {
                    "txid": transaction.txid,
                    "vout": index,
                    "scriptPubKey": script.hex(),
                    "amount": Decimal(amount).scaleb(-8),
                    "height": height,
                }
                for transaction, index, amount, height in self.outputs(script, mempool=False)
            ]
        return {"success": True, "height": self.tip, "unspents": unspents}

    def gettxout(self, txid, index, mempool):
        assert mempool is True
        if txid not in self.mined or OutPoint(txid, index).raw in self.spent(mempool=True):
            return None
        height, transaction = self.mined[txid]
        mined = transaction.inputs[0].prevout == bytes(32) + b"\xff" * 4
        value = Decimal(transaction.outputs[index].amount).scaleb(-8)
        return {"coinbase": mined, "value": value, "confirmations": self.tip - height + 1}

    def getmempoolinfo(self):
        return {"size": len(self.mempool)}

    def getrawmempool(self):
        return list(self.mempool)

    def getrawtransaction(self, txid, verbose):
        assert verbose is False
        return self.mempool[txid].serialize().hex()

    def getmempoolentry(self, txid):
        if txid not in self.mempool:
            raise Rejected("the node refused: Transaction not in mempool", node_code=-5)
        return {"fees": {"base": Decimal("0.00000141")}}

    # -- Esplora -----------------------------------------------------------------------------------

    def rest(self, path):
        if path == "blocks/tip/height":
            return self.tip
        kind, name, *rest = path.split("/")
        if kind == "tx":
            return self.transaction(name)
        assert kind == "address"
        script = script_of(ROW, name)
        if rest:
            return [
                {"txid": t.txid, "vout": index, "value": amount, "status": self.status(height)}
                for t, index, amount, height in self.outputs(script, mempool=True)
            ]
        return {"chain_stats": self.stats(script, self.mined.values()), "mempool_stats": self.stats(
            script, [(None, t) for t in self.mempool.values()])}  # fmt: skip

    def stats(self, script, transactions):
        funded = spent = count = 0
        for _, transaction in transactions:
            gained = sum(output.script == script for output in transaction.outputs)
            lost = sum(self.script_spent_by(txin.prevout) == script for txin in transaction.inputs)
            funded, spent, count = funded + gained, spent + lost, count + bool(gained or lost)
        return {"funded_txo_count": funded, "spent_txo_count": spent, "tx_count": count}

    @staticmethod
    def status(height):
        return {"confirmed": False} if height is None else {"confirmed": True, "block_height": height}

    def transaction(self, txid):
        for height, transaction in self.every():
            if transaction.txid == txid:
                vin = []
                for txin in transaction.inputs:
                    coinbase = txin.prevout == bytes(32) + b"\xff" * 4
                    prevout = None if coinbase else {"scriptpubkey": self.script_spent_by(txin.prevout).hex()}
                    vin.append({"is_coinbase": coinbase, "prevout": prevout})
                return {"txid": txid, "vin": vin, "status": self.status(height), "fee": 141}
        raise Rejected("refused with HTTP status 404", node_code=404, data="Transaction not found")


@pytest.fixture(params=SOURCES)
def source(request):
    return request.param


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def account(bench, source):
    """A whole account whose network has endpoints of the kind of source."""
    holder = bench.whole("scan")
    return replaced(holder, network=ROW.with_endpoints(SOURCES[source]))


def replaced(holder, **changes):
    from dataclasses import replace

    return replace(holder, **changes)


def script(holder, change, index):
    return script_for_key(holder.kind, holder.derive(change, index))


def refreshed(holder, ledger):
    return run(scan.refresh(holder), ledger.perform)


def balance(holder):
    found = run(scan.balance(holder), lambda effects: pytest.fail("a refreshed holder asks nothing"))
    return found.available.units, found.pending.units, found.locked.units


def test_an_empty_account(account, ledger):
    holder = refreshed(account, ledger)
    assert balance(holder) == (0, 0, 0)
    assert (holder.address, holder.path) == (account.address, Path("m/84'/0'/0'/0/0"))
    assert holder.state.next_receive == holder.state.next_change == 0
    assert len(holder.state.derived[0]) >= 20


def test_coins_addresses_and_paths(account, ledger):
    first = ledger.pay((script(account, 0, 0), 1000), (FOREIGN, 5), height=100)
    second = ledger.pay((script(account, 0, 7), 2000), (script(account, 1, 3), 300), height=150)
    ledger.pay((FOREIGN, 7), height=160)
    holder = refreshed(account, ledger)
    coins = {coin.outpoint: coin for coin in holder.state.coins}
    assert coins == {
        OutPoint(first.txid, 0): coin_of(account, first, 0, (0, 0), 100),
        OutPoint(second.txid, 0): coin_of(account, second, 0, (0, 7), 150),
        OutPoint(second.txid, 1): coin_of(account, second, 1, (1, 3), 150),
    }
    assert [coin.outpoint for coin in holder.state.coins] == sorted(coins)
    assert balance(holder) == (3300, 0, 0)
    assert str(holder.path) == "m/84'/0'/0'/0/8"
    assert holder.public_key == account.derive(0, 8)
    assert script_of(ROW, holder.address) == script(account, 0, 8)
    assert holder.state.next_change == 4
    assert holder.state.scripts[script(account, 1, 3)] == (1, 3)


def coin_of(account, transaction, index, place, height):
    change, number = place
    return Coin(
        OutPoint(transaction.txid, index),
        transaction.outputs[index].amount,
        transaction.outputs[index].script,
        account.derive(change, number),
        Path(f"m/84'/0'/0'/{change}/{number}"),
        height,
    )


def test_the_gap_limit(account, ledger, source):
    for index in (0, 19, 39, 59):  # each one is 20 behind the one before
        ledger.pay((script(account, 0, index), 1), height=10)
    holder = refreshed(account, ledger)
    assert holder.state.next_receive == 60
    assert len(holder.state.derived[0]) >= 80
    ledger.pay((script(account, 0, 60 + 20 + 1), 1), height=11)
    if source == "esplora":  # beyond the gap: no wallet of this kind looks there
        assert balance(refreshed(account, ledger))[0] == 4
    else:  # a scan of the output set costs the same for more scripts, so it looks further
        assert balance(refreshed(account, ledger))[0] == 5


def test_a_known_account_is_scanned_in_one_round(account, ledger):
    ledger.pay((script(account, 0, 50), 1), height=10)
    ledger.pay((script(account, 0, 15), 1), height=10)
    ledger.pay((script(account, 0, 33), 1), height=10)
    holder = refreshed(account, ledger)
    assert holder.state.next_receive == 51
    rounds = []

    def perform(effects):
        rounds.append(len(effects))
        return ledger.perform(effects)

    again = run(scan.refresh(holder), perform)
    assert again.state == holder.state
    assert len(rounds) == 2  # all addresses at once, then their coins


def test_used_and_emptied_addresses(account, ledger, source):
    paid = ledger.pay((script(account, 0, 4), 1000), height=10)
    before = refreshed(account, ledger)
    ledger.pay((FOREIGN, 900), height=20, spending=[OutPoint(paid.txid, 0)])
    fresh = refreshed(account, ledger)
    assert balance(fresh) == (0, 0, 0)
    assert fresh.state.next_receive == (5 if source == "esplora" else 0)  # Bitcoin Core keeps no history
    assert refreshed(before, ledger).state.next_receive == 5  # but the account object remembers


def test_mined_coins_wait(account, ledger):
    for height in (101, 102):  # at height 200: 100 and 99 confirmations
        ledger.pay((script(account, 0, height - 101), 1000 * height), height=height, coinbase=True)
    holder = refreshed(account, ledger)
    assert balance(holder) == (101_000, 0, 102_000)
    ledger.tip += 1
    assert balance(refreshed(holder, ledger)) == (203_000, 0, 0)


def test_payments_of_others_are_pending_and_own_change_is_available(account, ledger):
    confirmed = ledger.pay((script(account, 0, 0), 10_000), height=10)
    ledger.pay(
        (script(account, 0, 1), 500), (script(account, 1, 0), 7)
    )  # also to a change address: still a foreign one
    own = ledger.pay((FOREIGN, 4000), (script(account, 1, 1), 5900), spending=[OutPoint(confirmed.txid, 0)])
    chained = ledger.pay((script(account, 1, 2), 5800), spending=[OutPoint(own.txid, 1)])
    mixed = ledger.pay((script(account, 0, 2), 90), spending=[OutPoint(chained.txid, 0), OutPoint("77" * 32, 0)])
    holder = refreshed(account, ledger)
    assert balance(holder) == (0, 597, 0)
    ledger.mempool.pop(mixed.txid)
    holder = refreshed(account, ledger)
    assert balance(holder) == (5800, 507, 0)
    assert holder.state.next_change == 3
    assert holder.state.next_receive == 2


def test_an_account_of_one_address(bench, ledger, source):
    for kind in KEY_KINDS:
        holder = replaced(bench.holder(kind, kind), network=ROW.with_endpoints(SOURCES[source]))
        own = script_of(ROW, holder.address)
        paid = ledger.pay((own, 700), (own, 20), height=9)
        found = refreshed(holder, ledger)
        assert replaced(found, state=None) == replaced(holder, state=None)
        assert balance(found) == (720, 0, 0)
        assert {coin.outpoint for coin in found.state.coins} == {OutPoint(paid.txid, 0), OutPoint(paid.txid, 1)}
        assert all(coin.public_key == holder.public_key and coin.path == holder.path for coin in found.state.coins)


def test_balance_scans_when_nobody_has(account, ledger):
    ledger.pay((script(account, 0, 0), 1000), height=10)
    assert run(scan.balance(account), ledger.perform).available.units == 1000


def test_both_sources_tell_the_same(bench, ledger):
    account = bench.whole("both")
    for index in range(12):
        ledger.pay((script(account, 0, index), 1000 + index), height=95 + index, coinbase=index % 3 == 0)
    confirmed = [OutPoint(txid, 0) for txid in ledger.mined]
    ledger.pay((FOREIGN, 1), (script(account, 1, 0), 1900), spending=confirmed[:2])
    ledger.pay((script(account, 0, 13), 55))
    states = [
        refreshed(replaced(account, network=ROW.with_endpoints(endpoints)), ledger).state
        for endpoints in SOURCES.values()
    ]
    young = [[coin for coin in state.coins if (coin.height or 200) > 101] for state in states]
    assert young[0] == young[1]
    for coins in zip(
        *(state.coins for state in states), strict=True
    ):  # Esplora is not asked whether old ones were mined
        assert len({replaced(coin, coinbase=False) for coin in coins}) == 1
    assert states[0].next_change == states[1].next_change == 1
    assert states[0].next_receive == states[1].next_receive == 14


# -- what was sent --------------------------------------------------------------------------------------


def send(holder, *outputs, spending):
    transaction = Transaction(
        2,
        [TxIn(point.raw, b"", 0xFFFFFFFD, (b"sig", b"key")) for point in spending],
        [TxOut(amount, script) for script, amount in outputs],
    )
    return SignedTransaction(None, holder.network, transaction.serialize(), transaction.txid), transaction


def test_after_broadcast_the_coins_are_gone_and_the_change_is_there(account, ledger):
    paid = ledger.pay((script(account, 0, 0), 1000), (script(account, 0, 1), 2000), height=10)
    holder = refreshed(account, ledger)
    signed, made = send(account, (FOREIGN, 400), (script(account, 1, 0), 500), spending=[OutPoint(paid.txid, 0)])
    after = scan.after_broadcast(holder, signed)
    assert balance(after) == (2500, 0, 0)
    assert after.state.next_change == 1
    assert scan.after_broadcast(after, signed) is after
    # A second one spends that change before any block.
    again, _ = send(account, (FOREIGN, 100), (script(account, 1, 1), 300), spending=[OutPoint(made.txid, 1)])
    twice = scan.after_broadcast(after, again)
    assert balance(twice) == (2300, 0, 0)
    assert twice.state.next_change == 2


def test_a_server_that_lags_behind_does_not_bring_spent_coins_back(account, ledger):
    paid = ledger.pay((script(account, 0, 0), 1000), height=10)
    holder = refreshed(account, ledger)
    signed, made = send(account, (FOREIGN, 400), (script(account, 1, 0), 500), spending=[OutPoint(paid.txid, 0)])
    sent = scan.after_broadcast(holder, signed)
    for _ in range(3):  # the server knows nothing of it yet: neither the coin nor the change is touched
        sent = refreshed(sent, ledger)
        assert balance(sent) == (0, 0, 0)
        assert sent.state.next_change == 1
    ledger.take(made)  # now it does
    sent = refreshed(sent, ledger)
    assert balance(sent) == (500, 0, 0)
    ledger.tip += 1
    ledger.take(made, ledger.tip)
    sent = refreshed(sent, ledger)
    assert balance(sent) == (500, 0, 0)
    assert sent.state.sent == ()


def test_a_dropped_transaction_is_forgotten_two_blocks_later(account, ledger):
    paid = ledger.pay((script(account, 0, 0), 1000), height=10)
    signed, _ = send(account, (FOREIGN, 900), spending=[OutPoint(paid.txid, 0)])
    sent = scan.after_broadcast(refreshed(account, ledger), signed)
    ledger.tip += 1
    sent = refreshed(sent, ledger)
    assert balance(sent) == (0, 0, 0)
    ledger.tip += 1
    sent = refreshed(sent, ledger)
    assert balance(sent) == (1000, 0, 0)
    assert sent.state.sent == ()


def test_a_full_mempool_still_shows_own_change(account, ledger, source):
    paid = ledger.pay((script(account, 0, 0), 1000), height=10)
    holder = refreshed(account, ledger)
    signed, made = send(account, (FOREIGN, 400), (script(account, 1, 0), 500), spending=[OutPoint(paid.txid, 0)])
    sent = scan.after_broadcast(holder, signed)
    ledger.take(made)
    ledger.getmempoolinfo = lambda: {"size": 100_000}
    ledger.getrawmempool = lambda: pytest.fail("a large mempool is not read")
    assert balance(refreshed(sent, ledger)) == (500, 0, 0)
    if source == "core":  # another process learns of it when it is confirmed
        assert balance(refreshed(account, ledger)) == (0, 0, 0)


def test_a_replacement_takes_the_place_of_what_it_replaces(account, ledger):
    paid = ledger.pay((script(account, 0, 0), 1000), height=10)
    holder = refreshed(account, ledger)
    point = OutPoint(paid.txid, 0)
    first, _ = send(account, (FOREIGN, 400), (script(account, 1, 0), 500), spending=[point])
    after = scan.after_broadcast(holder, first)
    # The holder that signs the replacement is one that still has the coin.
    both = replaced(after, state=replaced(after.state, coins=(*after.state.coins, holder.state.coins[0])))
    second, _ = send(account, (FOREIGN, 400), (script(account, 1, 1), 300), spending=[point])
    after = scan.after_broadcast(both, second)
    assert balance(after) == (300, 0, 0)
    assert [sent.txid for sent in after.state.sent] == [second.txid]


def test_what_does_not_concern_the_account_changes_nothing(account, ledger):
    signed, _ = send(account, (FOREIGN, 400), spending=[OutPoint("55" * 32, 0)])
    assert scan.after_broadcast(account, signed) is account
    holder = refreshed(account, ledger)
    assert scan.after_broadcast(holder, signed) is holder


def test_a_joint_transaction_makes_no_change_to_rely_on(account, ledger):
    paid = ledger.pay((script(account, 0, 0), 1000), height=10)
    signed, _ = send(account, (script(account, 1, 0), 1400), spending=[OutPoint(paid.txid, 0), OutPoint("66" * 32, 1)])
    assert balance(scan.after_broadcast(refreshed(account, ledger), signed)) == (0, 1400, 0)


def test_one_address_sends_to_itself(bench, ledger, source):
    holder = replaced(bench.holder("one"), network=ROW.with_endpoints(SOURCES[source]))
    own = script_of(ROW, holder.address)
    paid = ledger.pay((own, 1000), height=10)
    found = refreshed(holder, ledger)
    signed, made = send(holder, (FOREIGN, 400), (own, 500), spending=[OutPoint(paid.txid, 0)])
    sent = scan.after_broadcast(found, signed)
    assert balance(sent) == (500, 0, 0)
    ledger.take(made)
    assert balance(refreshed(sent, ledger)) == (500, 0, 0)
    assert balance(refreshed(holder, ledger)) == (500, 0, 0)  # told by the transaction itself


# -- hostile servers ------------------------------------------------------------------------------------


def test_endless_use_is_not_believed(account, source, monkeypatch):
    monkeypatch.setattr(scan, "FARTHEST_INDEX", 300)

    def perform(effects):
        answers = []
        for effect in effects:
            if isinstance(effect, Rpc):
                scripts = [text[4:-1] for text in effect.params[1]]
                entry = {"txid": "ab" * 32, "vout": 0, "amount": 1, "height": 1}
                unspents = [entry | {"scriptPubKey": text} for text in scripts]
                answers.append({"success": True, "height": 5, "unspents": unspents})
            elif effect.path == "blocks/tip/height":
                answers.append(5)
            else:
                numbers = {"funded_txo_count": 1, "spent_txo_count": 1, "tx_count": 1}
                answers.append({"chain_stats": numbers, "mempool_stats": numbers})
        return answers

    with pytest.raises(BadResponse, match="believable"):
        run(scan.refresh(account), perform)


@pytest.mark.parametrize("answer", [None, "<html>", 5, [], {}, True, BadResponse("HTML"), Timeout("late")])
def test_garbage_is_an_error_of_the_tree(account, answer):
    with pytest.raises(MultiwalletError):
        run(scan.refresh(account), lambda effects: [answer for _ in effects])


def test_a_state_shows_no_scripts(account, ledger):
    state = refreshed(account, ledger).state
    assert isinstance(state, AccountState)
    assert "scripts" not in repr(state)
