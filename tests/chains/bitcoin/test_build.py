"""Building: what is asked of the source, the bytes that come out, options, limits, and sizes once signed."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiwallet.amounts import Amount, Asset
from multiwallet.chain import Options, Payment
from multiwallet.chains.bitcoin import psbt_fields as field
from multiwallet.chains.bitcoin.addresses import address_of, script_of
from multiwallet.chains.bitcoin.build import build
from multiwallet.chains.bitcoin.coins import AccountState, Coin, Derived
from multiwallet.chains.bitcoin.psbt import Psbt
from multiwallet.chains.bitcoin.script import KEY_KINDS, op_return, script_for_key
from multiwallet.chains.bitcoin.spending import spends
from multiwallet.chains.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from multiwallet.errors import (
    AmountError,
    BadResponse,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    MultiwalletError,
    Rejected,
    Unsupported,
)
from multiwallet.ops import Rest, Rpc, run
from multiwallet.path import HARDENED, Path
from multiwallet.registry import network
from multiwallet.transactions import UnsignedTransaction
from multiwallet.wallet import Wallet

ROW = network("bitcoin")
CORE = ROW.with_endpoints(["core+http://127.0.0.1:8332"])
PAYEE = address_of(ROW, b"\x00\x14" + b"\x42" * 20)
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
LEGACY = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
TIP = 800_000


def nothing_asked(effects):
    pytest.fail(f"nothing should be asked, and this was: {effects}")


class Account:
    """A holder with coins made by real previous transactions, whole or of one address."""

    def __init__(self, bench, kind="p2wpkh", amounts=(100_000,), *, whole=True, row=ROW, **flags):
        self.bench, self.kind = bench, kind
        holder = bench.whole(kind, kind) if whole else bench.holder(kind, kind, "m/84'/0'/0'/0/5")
        self.holder = replace(holder, network=row)
        self.previous = {}
        derived = ((), ())
        if whole:
            derived = tuple(
                tuple(Derived(script_for_key(kind, key), key) for key in (holder.derive(change, i) for i in range(20)))
                for change in (0, 1)
            )
        self.state = AccountState(
            TIP,
            (),
            derived,
            {one.script: (change, index) for change in range(2) for index, one in enumerate(derived[change])},
            3 if whole else 0,
            2 if whole else 0,
        )
        coins = [self.coin(number, amount, **flags) for number, amount in enumerate(amounts)]
        self.set(coins)

    def coin(self, number, amount, **flags):
        holder, path = self.holder, self.holder.path
        script, key = script_of(ROW, holder.address), holder.public_key
        if holder.derive is not None:
            script, key = self.state.derived[0][number % 20]
            path = holder.account_path / 0 / (number % 20)
        before = Transaction(2, [TxIn(number.to_bytes(36, "big"), b"x", 0)], [TxOut(5, b"\x51"), TxOut(amount, script)])
        self.previous[before.txid] = before
        given = {"height": TIP - 500} | flags
        return Coin(OutPoint(before.txid, 1), amount, script, key, path, **given)

    def set(self, coins):
        self.coins = tuple(sorted(coins, key=lambda coin: coin.outpoint))
        self.state = replace(self.state, coins=self.coins)
        self.holder = replace(self.holder, state=self.state)

    def perform(self, effects):
        """A server that knows fee rates and previous transactions."""
        return [self.answer(effect) for effect in effects]

    def answer(self, effect):
        name = effect.method if isinstance(effect, Rpc) else effect.path
        if name == "fee-estimates":
            return {"1": Decimal("31.5"), "2": 30, "6": 20, "144": Decimal("2.5"), "1008": 1}
        if name == "estimatesmartfee":
            return {"feerate": {2: Decimal("0.0003"), 6: Decimal("0.0002"), 144: Decimal("0.000025")}[effect.params[0]]}
        if name == "getmempoolinfo":
            return {"mempoolminfee": Decimal("0.00001")}
        if name == "getblockhash":
            return f"{effect.params[0]:064x}"
        if name == "getrawtransaction":
            assert int(effect.params[2], 16) == TIP - 500
            return self.previous[effect.params[0]].serialize().hex()
        assert isinstance(effect, Rest)
        return self.previous[name.split("/")[1]].serialize().hex()

    def build(self, *payments, perform=None, speed="normal", max_fee=None, memo=None, **native):
        options = Options(speed, max_fee, memo, native)
        chosen = tuple(pay(*p) if isinstance(p, tuple) else p for p in payments)
        return run(build(self.bench.chain, self.holder, chosen, options), perform or self.perform)

    def signed(self, transaction):
        requests = self.bench.chain.authorize(self.holder, transaction)
        return self.bench.chain.assemble(transaction, [(request, self.bench.sign(request)) for request in requests])


def pay(to, units):
    return Payment(to, Amount(units, ROW.native))


def everything(to=PAYEE):
    return Payment(to, ROW.amount("0"), everything=True)


@pytest.mark.parametrize("row", [ROW, CORE], ids=["esplora", "core"])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "single"])
@pytest.mark.parametrize("kind", KEY_KINDS)
def test_a_payment_of_every_kind(bench, kind, whole, row):
    account = Account(bench, kind, (40_000, 50_000, 60_000), whole=whole, row=row)
    unsigned = account.build((PAYEE, 85_000), memo="thanks", fee_rate="3.5")
    signed = account.signed(unsigned)
    assert signed.complete
    transaction = Transaction.parse(signed.raw)
    coins = {coin.outpoint: coin for coin in account.coins}
    spent = [coins[txin.outpoint] for txin in transaction.inputs]
    outputs = [TxOut(coin.amount, coin.script) for coin in spent]
    assert all(spends(transaction, index, outputs) for index in range(len(spent)))
    fee = sum(coin.amount for coin in spent) - sum(output.amount for output in transaction.outputs)
    assert unsigned.fee.expected.units == unsigned.fee.maximum.units == fee
    assert -(-transaction.vsize * 3500 // 1000) <= fee <= (transaction.vsize + len(spent)) * 3.5 + 1
    paid = {output.script: output.amount for output in transaction.outputs}
    assert paid[script_of(ROW, PAYEE)] == 85_000
    assert paid[op_return(b"thanks")] == 0
    change = script_of(ROW, account.holder.address) if not whole else account.state.derived[1][2].script
    assert set(paid) == {script_of(ROW, PAYEE), op_return(b"thanks"), change}
    summary = unsigned.summary
    assert [action.kind for action in summary.actions] == ["change", "transfer"]
    assert summary.memo == "thanks"
    assert summary.details["replaceable"] == "yes"


@pytest.mark.parametrize("row", [ROW, CORE], ids=["esplora", "core"])
def test_speeds_ask_the_source(bench, row):
    account = Account(bench, row=row)
    fees = [account.build((PAYEE, 50_000), speed=speed).fee for speed in ("slow", "normal", "fast")]
    assert [fee.details["fee_rate"] for fee in fees] == ["2.50", "20.00", "30.00"]
    stated = account.build((PAYEE, 50_000), fee_rate=7, perform=nothing_asked).fee
    assert stated.details["fee_rate"] == "7.00"


def test_a_quiet_network_pays_the_least_that_is_relayed(bench):
    account = Account(bench)
    assert account.build((PAYEE, 50_000), perform=lambda _: [{}]).fee.details["fee_rate"] == "1.00"
    account = Account(bench, row=CORE)
    answers = [{"errors": ["Insufficient data"]}, {"mempoolminfee": Decimal("0.00003")}]
    assert account.build((PAYEE, 50_000), perform=lambda _: answers).fee.details["fee_rate"] == "3.00"


def test_an_absurd_estimate_is_not_paid(bench):
    with pytest.raises(BadResponse, match=r"1001 sat/vB.*fee_rate="):
        Account(bench).build((PAYEE, 50_000), perform=lambda _: [{"6": 1001}])


def test_bip69_order_and_the_same_bytes_again(bench):
    account = Account(bench, amounts=range(10_000, 30_000, 1_000))
    unsigned = account.build((PAYEE, 90_000), (TAPROOT, 5_000), (LEGACY, 90_000), fee_rate=2)
    transaction = Psbt.parse(unsigned.body).transaction
    points = [(txin.outpoint.txid, txin.outpoint.index) for txin in transaction.inputs]
    outputs = [(output.amount, output.script) for output in transaction.outputs]
    assert points == sorted(points)
    assert outputs == sorted(outputs)
    assert {script_of(ROW, text) for text in (PAYEE, TAPROOT, LEGACY)} <= {script for _, script in outputs}
    coins = list(account.coins)
    random.Random(1).shuffle(coins)
    account.holder = replace(account.holder, state=replace(account.state, coins=tuple(coins)))
    assert account.build((PAYEE, 90_000), (TAPROOT, 5_000), (LEGACY, 90_000), fee_rate=2).body == unsigned.body


def test_json_and_back(bench):
    account = Account(bench)
    unsigned = account.build((PAYEE, 50_000), fee_rate=2)
    again = UnsignedTransaction.from_json(unsigned.to_json())
    assert again == unsigned
    assert account.signed(again).txid == account.signed(unsigned).txid


def test_dust_is_refused_as_a_payment_and_given_to_the_fee_as_change(bench):
    account = Account(bench)
    for to, least in ((PAYEE, 294), (TAPROOT, 330), (LEGACY, 546)):
        assert account.build((to, least), fee_rate=1)
        with pytest.raises(AmountError, match=f"is {ROW.amount(f'0.00000{least}')}$"):
            account.build((to, least - 1), fee_rate=1, perform=nothing_asked)
    with_change = account.build((PAYEE, 100_000 - 141 - 294), fee_rate=1)
    assert [action.kind for action in with_change.summary.actions] == ["change", "transfer"]
    without = account.build((PAYEE, 100_000 - 141 - 293), fee_rate=1)
    assert [action.kind for action in without.summary.actions] == ["transfer"]
    assert without.fee.expected.units == 141 + 293


def test_litecoins_dust_is_ten_times_as_high(bench):
    row = network("litecoin")
    account = Account(bench)
    holder = replace(account.holder, network=row, address=address_of(row, account.state.derived[0][0].script))
    to = address_of(row, script_of(ROW, PAYEE))
    for units, fits in ((2940, True), (2939, False)):
        payment = Payment(to, row.amount(f"0.{units:08}"))
        operation = build(bench.chain, holder, (payment,), Options(native={"fee_rate": 1}))
        if fits:
            assert run(operation, nothing_asked).summary.actions[0].amount.units == 2940
        else:
            with pytest.raises(AmountError, match=r"0.0000294 LTC"):
                run(operation, nothing_asked)


def test_everything(bench):
    account = Account(bench, amounts=(40_000, 30_000, 60))
    unsigned = account.build(everything(), memo="bye", fee_rate=2)
    (sent,) = unsigned.summary.actions
    assert unsigned.summary.memo == "bye"
    assert sent.to == PAYEE
    assert sent.amount.units == 70_000 - unsigned.fee.expected.units  # 60 would cost more than it is worth
    assert unsigned.fee.details["fee_rate"] == "2.00"
    with pytest.raises(InputError, match="beside another payment"):
        account.build(everything(), (PAYEE, 1000), perform=nothing_asked)
    poor = Account(bench, amounts=(300,))
    with pytest.raises(InsufficientFunds) as error:
        poor.build(everything(), fee_rate=2)
    assert (error.value.needed.units, error.value.available.units) == (2 * 110 + 294, 300)
    assert account.build(everything(), fee_rate=2, coins=[str(account.coins[0].outpoint)])


def test_too_little_is_told_in_numbers(bench):
    account = Account(bench, amounts=(40_000, 30_000))
    with pytest.raises(InsufficientFunds, match=r"0.00070556 BTC are needed.*0.0007 BTC can be spent"):
        account.build((PAYEE, 69_835), (TAPROOT, 500), fee_rate=1)
    for target in (70_000, 69_900, 10**12):
        with pytest.raises(InsufficientFunds) as error:
            account.build((PAYEE, target), fee_rate=1)
        assert error.value.available.units == 70_000
        assert error.value.needed.units > 70_000
        assert error.value.needed.units >= target
    with pytest.raises(InsufficientFunds):
        Account(bench, amounts=()).build((PAYEE, 1000), fee_rate=1)


def test_a_fee_limit_names_both(bench):
    account = Account(bench)
    with pytest.raises(InputError, match=r"0.00001410 BTC|0.0000141 BTC.*0.000014 BTC"):
        account.build((PAYEE, 50_000), fee_rate=10, max_fee=ROW.amount("0.000014"))
    assert account.build((PAYEE, 50_000), fee_rate=10, max_fee=ROW.amount("0.0000141"))


# -- which coins ----------------------------------------------------------------------------------------


def spent_by(unsigned):
    return {txin.outpoint for txin in Psbt.parse(unsigned.body).transaction.inputs}


def test_named_coins_are_spent_and_no_others(bench):
    account = Account(bench, amounts=(40_000, 30_000, 20_000))
    names = [str(coin.outpoint) for coin in account.coins]
    assert spent_by(account.build((PAYEE, 1_000), coins=names[:2], fee_rate=1)) == {
        coin.outpoint for coin in account.coins[:2]
    }
    with pytest.raises(InsufficientFunds):
        account.build((PAYEE, 89_000), coins=names[:2], fee_rate=1)
    with pytest.raises(InputError, match="no unspent coin"):
        account.build((PAYEE, 1_000), coins=["ab" * 32 + ":0"], fee_rate=1)


@pytest.mark.parametrize(
    "coins", [[], "ab", ["ab"], [5], ["ab" * 32 + ":x"], ["ab" * 32], {"a": 1}, ["ab" * 32 + ":0"] * 2]
)
def test_named_coins_are_checked(bench, coins):
    with pytest.raises(InputError, match="coins"):
        Account(bench).build((PAYEE, 1_000), coins=coins, perform=nothing_asked)


def test_unconfirmed_and_mined_coins(bench):
    account = Account(bench, amounts=())
    foreign = account.coin(1, 50_000, height=None)
    change = account.coin(2, 50_000, height=None, own=True)
    mined = account.coin(3, 50_000, height=TIP - 98, coinbase=True)
    old = account.coin(4, 50_000, height=TIP - 99, coinbase=True)
    account.set([foreign, change, mined, old])
    assert spent_by(account.build((PAYEE, 30_000), fee_rate=1)) == {old.outpoint}  # confirmed ones first
    assert spent_by(account.build((PAYEE, 80_000), fee_rate=1)) == {old.outpoint, change.outpoint}
    with pytest.raises(InsufficientFunds) as error:
        account.build((PAYEE, 120_000), fee_rate=1)
    assert error.value.available.units == 100_000
    asked = account.build((PAYEE, 120_000), fee_rate=1, spend_unconfirmed=True)
    assert spent_by(asked) == {old.outpoint, change.outpoint, foreign.outpoint}
    with pytest.raises(InputError, match="spend_unconfirmed=True"):
        account.build((PAYEE, 1_000), fee_rate=1, coins=[str(foreign.outpoint)])
    assert account.build((PAYEE, 1_000), fee_rate=1, coins=[str(foreign.outpoint)], spend_unconfirmed=True)
    for flag in (True, False):
        with pytest.raises(InputError, match="mined too recently"):
            account.build((PAYEE, 1_000), fee_rate=1, coins=[str(mined.outpoint)], spend_unconfirmed=flag)


def test_more_coins_than_fit(bench):
    account = Account(bench, "p2pkh", [10_000] * 700, whole=False)
    with pytest.raises(InputError, match="more coins than one transaction can spend"):
        account.build((PAYEE, 6_800_000), fee_rate=1)
    with pytest.raises(InputError, match="larger than nodes relay"):
        account.build(everything(), fee_rate=1)
    with pytest.raises(InputError, match="larger than nodes relay"):
        Account(bench, amounts=(10**10,)).build(*[(PAYEE, 1000)] * 3300, fee_rate=1)


# -- options --------------------------------------------------------------------------------------------


def test_replacement_and_locktime(bench):
    account = Account(bench)
    transaction = Psbt.parse(account.build((PAYEE, 1_000), fee_rate=1).body).transaction
    assert (transaction.inputs[0].sequence, transaction.locktime, transaction.version) == (0xFFFFFFFD, 0, 2)
    transaction = Psbt.parse(account.build((PAYEE, 1_000), fee_rate=1, rbf=False, locktime=TIP).body).transaction
    assert (transaction.inputs[0].sequence, transaction.locktime) == (0xFFFFFFFE, TIP)


def test_change_address(bench):
    account = Account(bench)
    unsigned = account.build((PAYEE, 1_000), fee_rate=1, change_address=TAPROOT)
    assert [(a.kind, a.to) for a in unsigned.summary.actions] == [("transfer", PAYEE), ("transfer", TAPROOT)]
    own = address_of(ROW, account.state.derived[1][9].script)
    unsigned = account.build((PAYEE, 1_000), fee_rate=1, change_address=own)
    assert [(a.kind, a.to) for a in unsigned.summary.actions] == [("transfer", PAYEE), ("change", own)]
    with pytest.raises(InvalidAddress):
        account.build(
            (PAYEE, 1_000), change_address="tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", perform=nothing_asked
        )


@pytest.mark.parametrize(
    "native",
    [
        {"fee_rate": "x"},
        {"fee_rate": 0},
        {"rbf": 1},
        {"rbf": "yes"},
        {"spend_unconfirmed": None},
        {"locktime": -1},
        {"locktime": True},
        {"locktime": 2**32},
        {"locktime": "5"},
        {"change_address": 5},
        {"change_address": ""},
        {"nonce": 1},
    ],
    ids=str,
)
def test_options_are_checked_before_anything_is_asked(bench, native):
    with pytest.raises(InputError):
        Account(bench).build((PAYEE, 1_000), perform=nothing_asked, **native)


def test_a_float_rate_is_a_type_error(bench):
    with pytest.raises(TypeError):
        Account(bench).build((PAYEE, 1_000), perform=nothing_asked, fee_rate=1.5)


@pytest.mark.parametrize("memo", ["x" * 81, "é" * 41, "\ud800", b"bytes", 5])
def test_memos_are_checked(bench, memo):
    with pytest.raises(InputError):
        Account(bench).build((PAYEE, 1_000), perform=nothing_asked, memo=memo)


def test_a_memo_of_eighty_bytes(bench):
    assert Account(bench).build((PAYEE, 1_000), fee_rate=1, memo="é" * 40).summary.memo == "é" * 40
    assert Account(bench).build((PAYEE, 1_000), fee_rate=1, memo="").summary.memo == ""


def test_nothing_to_pay(bench):
    with pytest.raises(InputError):
        Account(bench).build(perform=nothing_asked)


def test_a_token_is_no_coin(bench):
    token = Asset(f"{ROW.id}/brc20:ordi", "ORDI", 8)
    with pytest.raises(Unsupported):
        bench.chain.build(Account(bench).holder, (Payment(PAYEE, Amount(5, token)),), Options())
    with pytest.raises(Unsupported):
        bench.chain.balance(Account(bench).holder, token)


# -- previous transactions, hostile answers -------------------------------------------------------------


def test_only_legacy_inputs_need_their_previous_transactions(bench):
    for kind in ("p2wpkh", "p2tr", "p2sh-p2wpkh"):
        Account(bench, kind).build((PAYEE, 1_000), fee_rate=1, perform=nothing_asked)
    account = Account(bench, "p2pkh")
    asked = []

    def perform(effects):
        asked.extend(effect.path for effect in effects)
        return account.perform(effects)

    account.build((PAYEE, 1_000), fee_rate=1, perform=perform)
    assert asked == [f"tx/{account.coins[0].outpoint.txid}/hex"]


def test_a_previous_transaction_must_be_the_one(bench):
    account = Account(bench, "p2pkh")
    coin = account.coins[0]
    good = account.previous[coin.outpoint.txid]
    other = Transaction(2, good.inputs, [*good.outputs[:1], TxOut(10**9, coin.script)])
    for answer in (None, "", "zz", "00", 5, [], "<html>", other.serialize().hex(), good.serialize().hex()[:-2]):
        with pytest.raises(BadResponse):
            account.build((PAYEE, 1_000), fee_rate=1, perform=lambda effects, answer=answer: [answer])
    elsewhere = Transaction(2, [TxIn(bytes(36))], good.outputs)  # it holds the like, and is not the one
    with pytest.raises(BadResponse, match="another transaction"):
        account.build((PAYEE, 1_000), fee_rate=1, perform=lambda effects: [elsewhere.serialize().hex()])
    twins = Transaction(2, good.inputs, [TxOut(coin.amount, b"\x51"), TxOut(coin.amount, coin.script)])
    account.previous[twins.txid] = twins
    account.set([replace(coin, outpoint=OutPoint(twins.txid, 0))])  # as much, and somebody else's
    with pytest.raises(BadResponse, match="holds what its transaction does not"):
        account.build((PAYEE, 1_000), fee_rate=1)
    account.set([replace(coin, amount=coin.amount + 1)])
    with pytest.raises(BadResponse, match="holds what its transaction does not"):
        account.build((PAYEE, 1_000), fee_rate=1)
    account.set([replace(coin, outpoint=OutPoint(coin.outpoint.txid, 7))])
    with pytest.raises(BadResponse):
        account.build((PAYEE, 1_000), fee_rate=1)


@pytest.mark.parametrize("row", [ROW, CORE], ids=["esplora", "core"])
@pytest.mark.parametrize("kind", ["p2wpkh", "p2sh-p2wpkh"])
def test_a_server_cannot_hide_a_fee_behind_false_amounts_in_two_rounds(bench, kind, row):
    """Each signature of version 0 covers its own input's amount: one lie a round would pass for good ones."""
    account = Account(bench, kind, (1_000_000, 1_000_000), row=row)
    honest = account.coins
    unsigned = account.build((PAYEE, 1_500_000), fee_rate=1)
    assert unsigned.summary.warnings == ()
    assert all(field.NON_WITNESS_UTXO in fields for fields in Psbt.parse(unsigned.body).inputs)
    for liar in (0, 1):
        account.set([replace(coin, amount=10_000) if n == liar else coin for n, coin in enumerate(honest)])
        with pytest.raises(BadResponse, match="holds what its transaction does not"):
            account.build((PAYEE, 1_005_000), fee_rate=1)


def test_own_change_is_proven_without_asking(bench):
    account = Account(bench, amounts=(100_000,), whole=False)
    first = account.signed(account.build((PAYEE, 30_000), fee_rate=1))
    holder = bench.chain.after_broadcast(account.holder, first)
    extra = account.coin(7, 50_000)
    account.holder = replace(holder, state=replace(holder.state, coins=(*holder.state.coins, extra)))
    asked = []

    def perform(effects):
        asked.extend(effect.path for effect in effects)
        return account.perform(effects)

    unsigned = account.build((PAYEE, 100_000), fee_rate=1, perform=perform)
    assert asked == [f"tx/{extra.outpoint.txid}/hex"]
    proofs = [fields[field.NON_WITNESS_UTXO] for fields in Psbt.parse(unsigned.body).inputs]
    assert sorted(proofs) == sorted([first.raw, account.previous[extra.outpoint.txid].serialize()])


@pytest.mark.parametrize("kind", ["p2wpkh", "p2pkh"])
def test_a_node_that_pruned_the_proof(bench, kind):
    account = Account(bench, kind, (50_000, 50_000), row=CORE)

    def perform(effects):
        if effects[0].method == "getrawtransaction":
            return [Rejected("Block not available (pruned data)", node_code=-1) for _ in effects]
        return account.perform(effects)

    if kind == "p2pkh":
        with pytest.raises(BadResponse, match="no longer has"):
            account.build((PAYEE, 80_000), fee_rate=1, perform=perform)
    else:
        unsigned = account.build((PAYEE, 80_000), fee_rate=1, perform=perform)
        assert any("without proof" in warning for warning in unsigned.summary.warnings)


@pytest.mark.parametrize("row", [ROW, CORE], ids=["esplora", "core"])
@pytest.mark.parametrize(
    "answer", [None, "<html>", 5, [], True, {"6": "x"}, {"feerate": 1.5}, BadResponse("HTML")], ids=str
)
def test_garbage_for_rates(bench, row, answer):
    with pytest.raises(MultiwalletError):
        Account(bench, row=row).build((PAYEE, 1_000), perform=lambda effects: [answer for _ in effects])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(KEY_KINDS),
    st.lists(st.integers(200, 10**6), min_size=1, max_size=8),
    st.lists(st.tuples(st.sampled_from([PAYEE, TAPROOT, LEGACY]), st.integers(546, 10**5)), min_size=1, max_size=3),
    st.integers(1000, 60_000),
    st.booleans(),
)
def test_what_is_built_is_valid_and_pays_its_rate(bench, kind, amounts, payments, rate, whole):
    account = Account(bench, kind, amounts, whole=whole)
    try:
        unsigned = account.build(*payments, fee_rate=f"{rate // 1000}.{rate % 1000:03}")
    except InsufficientFunds:
        assert sum(amounts) < sum(units for _, units in payments) + len(amounts) * 9000 + 9000
        return
    transaction = Transaction.parse(account.signed(unsigned).raw)
    coins = {coin.outpoint: coin for coin in account.coins}
    spent = [TxOut(coins[txin.outpoint].amount, coins[txin.outpoint].script) for txin in transaction.inputs]
    assert all(spends(transaction, index, spent) for index in range(len(spent)))
    fee = sum(output.amount for output in spent) - sum(output.amount for output in transaction.outputs)
    assert unsigned.fee.expected.units == unsigned.fee.maximum.units == fee
    assert fee * 1000 >= rate * transaction.vsize
    assert min(output.amount for output in transaction.outputs) >= 294
    expected = sorted((script_of(ROW, to), units) for to, units in payments)
    found = [(output.script, output.amount) for output in transaction.outputs]
    for one in expected:
        found.remove(one)
    assert len(found) <= 1


# -- rows -----------------------------------------------------------------------------------------------


def test_the_litecoin_row_derives_known_addresses(vectors):
    """Addresses of BIP-44, 49 and 84 that several independent wallets agree on."""
    entries = vectors("litecoin_addresses")
    seeds = sorted({(entry["mnemonic"], entry["passphrase"]) for entry in entries})
    for mnemonic, passphrase in seeds:
        with Wallet.from_mnemonic(mnemonic, passphrase) as wallet:
            for entry in entries:
                if (entry["mnemonic"], entry["passphrase"]) == (mnemonic, passphrase):
                    account = wallet.account("litecoin", path=entry["path"])
                    assert (account.kind, account.address) == (entry["kind"], entry["address"])
                    *_, number, change, index = Path(entry["path"])
                    if not change:
                        number -= HARDENED
                        again = wallet.account("litecoin", account=number, index=index, kind=entry["kind"])
                        assert (again.path, again.address) == (account.path, account.address)
    assert {entry["kind"] for entry in entries} >= {"p2pkh", "p2sh-p2wpkh", "p2wpkh"}
