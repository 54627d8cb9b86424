"""A plan that was changed on its way: what is shown, what a line says and what is signed must be one."""

from __future__ import annotations

import json
import os
import sqlite3

import pytest

from multiwallet import Amount, Wallet
from multiwallet.errors import InputError, SigningRefused, StoreError
from multiwallet.payouts import account_for, plan, report, send, sign
from multiwallet.payouts.plan_file import open_plan, read_header
from multiwallet.payouts.reporting import _inert
from multiwallet.payouts.scratch import Scratch

STRANGER = {"ethereum": "0x000000000000000000000000000000000000dEaD", "tron": "TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy"}


@pytest.fixture
def planned(payer, table, recipients, tmp_path, chain):
    """An account, its people, and the lines of a plan that pays them coins and tokens, as values."""

    def make(network, **options):
        account = payer(network)
        people = recipients(account, 3)
        token = chain.deploy_token(network, symbol="USD", decimals=6, holder=account)
        rows = [(to, "0.01", "") for to in people] + [(to, "2.5", token.reference) for to in people]
        result = plan(account, table(rows, ("to", "amount", "asset")), tmp_path / "plan", **options)
        assert result.ok, result.errors
        return account, people, [json.loads(line) for line in (tmp_path / "plan").read_text().splitlines()]

    return make


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def is_not_signed(account, file, tmp_path, told, before=0):
    """Signing ends before the line that was changed."""
    target = tmp_path / "signed"
    with pytest.raises(InputError, match=told):
        sign(account, file, target)
    signed = target.read_text().splitlines()[1:] if target.exists() else []
    assert len(signed) <= before


@pytest.mark.parametrize("network", ["ethereum", "tron"])
@pytest.mark.parametrize("place", [1, 4], ids=["coin", "token"])
def test_a_line_whose_transaction_pays_somebody_else(planned, tmp_path, network, place):
    """The line goes on saying what it said; the transaction is exchanged for that of another recipient."""
    account, _, lines = planned(network)
    lines[place]["transaction"] = lines[place + 1]["transaction"]
    file = write(tmp_path / "changed", lines)
    is_not_signed(account, file, tmp_path, "does not pay what the line says", before=place - 1)
    sent = send(account, file, wait=False)
    assert [error.line for error in sent.errors] == [place + 1]
    assert "does not pay what the line says" in sent.errors[0].message


@pytest.mark.parametrize(
    "change",
    [
        {"to": STRANGER["ethereum"]},
        {"value": 10**16 + 1},
        {"data": "0x00"},
        {"accessList": []},
        {"input": "0x00"},
        {"value": True},
    ],
    ids=lambda change: "-".join(str(part) for part in next(iter(change.items()))),
)
def test_keys_of_a_plain_transaction(planned, tmp_path, change):
    account, _, lines = planned("ethereum")
    lines[1]["transaction"] |= change
    is_not_signed(account, write(tmp_path / "changed", lines), tmp_path, "does not pay what the line says")


@pytest.mark.parametrize("what", ["lines", "amount", "units", "more", "asset", "symbol", "decimals", "twice", "none"])
def test_a_header_that_says_less_than_its_lines(planned, tmp_path, what):
    account, _, lines = planned("ethereum")
    header = lines[0]
    coin, token = header["assets"]
    match what:
        case "lines":
            header["lines"] = 5
        case "amount":
            coin["amount"] = "0.01"
        case "units":
            coin["units"] = "1"
        case "more":  # both the line and its transaction, in step
            lines[1]["amount"] = "5"
            lines[1]["transaction"]["value"] = 5 * 10**18
        case "asset":
            token["asset"] = token["asset"][:-1] + ("1" if token["asset"][-1] != "1" else "2")
        case "symbol":
            coin["symbol"] = "GWEI"
        case "decimals":
            token["decimals"] = 18
        case "twice":
            header["assets"].append(coin)
        case "none":
            header["assets"] = []
    file = write(tmp_path / "changed", lines)
    is_not_signed(account, file, tmp_path, "plan the table anew")
    with pytest.raises(InputError, match="plan the table anew"):
        send(account, file, wait=False)
    assert not account._wallet.outbox.payments()


def test_a_group_that_pays_somebody_else(payer, table, recipients, tmp_path):
    account = payer("bitcoin")
    people = recipients(account, 4)
    assert plan(account, table([(to, "0.01") for to in people]), tmp_path / "plan", combine=4).ok
    lines = [json.loads(line) for line in (tmp_path / "plan").read_text().splitlines()]
    lines[1]["payments"][1][1] = recipients(account, 1, start=300)[0]
    is_not_signed(account, write(tmp_path / "changed", lines), tmp_path, "does not pay what the line says")
    assert sign(account, tmp_path / "plan", tmp_path / "right").signed == 1


def test_signing_into_a_file_that_is_something_else_leaves_it_alone(planned, tmp_path):
    """A keystore is one line without an end: no signed file that was cut off."""
    account, _, _ = planned("ethereum")
    keystore = tmp_path / "keystore.json"
    for content in (b'{"version": 3, "crypto": {}}', b"x", b'{"multiwallet": "payouts/sig"}', b" " * 10_000):
        keystore.write_bytes(content)
        with pytest.raises(InputError, match="something else"):
            sign(account, tmp_path / "plan", keystore)
        assert keystore.read_bytes() == content


@pytest.mark.parametrize("network", ["ethereum", "tron"])
def test_fees_beyond_the_header(planned, tmp_path, network):
    account, _, lines = planned(network)
    if network == "ethereum":
        lines[2]["transaction"]["maxFeePerGas"] *= 1000
    else:
        lines[0]["fee"]["maximum"]["amount"] = "0.000001"
    is_not_signed(account, write(tmp_path / "changed", lines), tmp_path, "fees go beyond", before=3)


def test_the_highest_fee_is_that_of_all_lines(payer, table, recipients, tmp_path):
    """Also where some are built in full and some are not, and some have a memo that costs more."""
    account = payer("ethereum")
    rows = [(to, "0.01", "x" * 300 if n == 3 else "") for n, to in enumerate(recipients(account, 30))]
    planned = plan(account, table(rows, ("to", "amount", "memo")), tmp_path / "plan")
    made = [record.transaction for record in open_plan(tmp_path / "plan")]
    assert planned.fee.maximum.units >= sum(one["gas"] * one["maxFeePerGas"] for one in made)
    stated = read_header(tmp_path / "plan").facts["fee"]["maximum"]["units"]
    assert stated == str(planned.fee.maximum.units)
    assert sign(account, tmp_path / "plan", tmp_path / "signed").signed == 30


@pytest.mark.parametrize("network", ["solana", "bitcoin"])
def test_the_fees_of_groups_and_of_single_lines_are_told_together(payer, table, recipients, tmp_path, network, chain):
    account = payer(network)
    chain.fund(account, "1")
    chain.mine(network, 1)
    people = recipients(account, 5)
    rows = [(to, "0.01", "mine" if n == 4 else "") for n, to in enumerate(people)]
    together = plan(account, table(rows, ("to", "amount", "key")), tmp_path / "plan", combine=4)
    group = plan(account, table([(to, "0.01") for to in people[:4]]), tmp_path / "group", combine=4)
    single = plan(account, table([(people[4], "0.01")]), tmp_path / "single")
    assert together.transactions == 2
    assert together.fee.expected.units > max(group.fee.expected.units, single.fee.expected.units)
    assert together.fee.maximum.units >= single.fee.maximum.units + group.fee.expected.units // 2


@pytest.mark.parametrize("combine", [False, 40], ids=["single", "combined"])
def test_dust_is_named_with_its_line(payer, table, recipients, tmp_path, combine):
    """One line of forty, which no sample is sure to hold."""
    account = payer("bitcoin")
    amounts = ["0.00000294", "0.01", "0.00000293", *["0.001"] * 37]
    rows = list(zip(recipients(account, 40), amounts, strict=True))
    planned = plan(account, table(rows), tmp_path / "plan", combine=combine)
    assert [(error.line, error.field) for error in planned.errors] == [(4, "amount")]
    assert "too little to be relayed" in planned.errors[0].message
    assert plan(account, table(rows[:2] + rows[3:]), tmp_path / "plan", combine=combine).ok


def test_signed_transactions_are_for_their_owner_alone(planned, tmp_path):
    account, _, _ = planned("ethereum")
    sign(account, tmp_path / "plan", tmp_path / "signed")
    assert os.stat(tmp_path / "signed").st_mode & 0o077 == 0


def test_neither_plan_nor_report_takes_the_place_of_the_table(payer, table, recipients, tmp_path):
    account = payer("ethereum")
    source = table([(to, "0.01") for to in recipients(account, 2)])
    before = source.read_bytes()
    (tmp_path / "link.csv").symlink_to(source)
    for target in (source, tmp_path / "link.csv"):
        with pytest.raises(InputError, match="its table"):
            plan(account, source, target, overwrite=True)
    assert plan(account, source, tmp_path / "plan.csv").ok
    planned = (tmp_path / "plan.csv").read_bytes()
    store = account._wallet.outbox._operations.store
    for target in (source, tmp_path / "link.csv", tmp_path / "plan.csv"):
        with pytest.raises(InputError, match="take the place"):
            report(store, tmp_path / "plan.csv", target)
    assert (source.read_bytes(), (tmp_path / "plan.csv").read_bytes()) == (before, planned)
    for _ in range(2):
        report(store, tmp_path / "plan.csv", tmp_path / "report.csv")


def test_two_plans_written_at_once_to_one_place_stay_apart(payer, table, recipients, tmp_path):
    """The second is planned from within the first, while that is half written."""
    account = payer("ethereum")
    source = table([(to, "0.01") for to in recipients(account, 3)])
    inner = []

    def meanwhile(what, done, total):
        if what == "planned" and not inner:
            inner.append(plan(account, source, tmp_path / "plan", overwrite=True))

    assert plan(account, source, tmp_path / "plan", overwrite=True, progress=meanwhile).ok
    assert inner[0].ok
    assert len(list(open_plan(tmp_path / "plan"))) == 3
    assert {path.name for path in tmp_path.iterdir() if "plan" in path.name} == {"plan"}


def test_totals_and_fees_of_a_report_of_failures_are_those_of_the_batch(payer, table, recipients, tmp_path):
    account = payer("ethereum")
    assert plan(account, table([(to, "0.25") for to in recipients(account, 4)]), tmp_path / "plan").ok
    assert send(account, tmp_path / "plan", timeout=60).confirmed
    store = account._wallet.outbox._operations.store
    told = []
    for failures_only in (False, True):
        report(store, tmp_path / "plan", tmp_path / "r.json", failures_only=failures_only)
        told.append(json.loads((tmp_path / "r.json").read_text()))
    assert (len(told[0]["lines"]), len(told[1]["lines"])) == (4, 0)
    assert told[0]["totals"] == told[1]["totals"]
    assert told[0]["fees"] == told[1]["fees"]
    assert Amount.parse(told[1]["fees"]["amount"], account.network.native)


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_is_a_formula(mark):
    assert _inert(mark + "1+1") == "'" + mark + "1+1"


def test_beginning_anew_needs_the_keys(planned, tmp_path, chain):
    """A watch-only wallet would wait for a signature that never comes."""
    account, _, _ = planned("ethereum")
    sign(account, tmp_path / "plan", tmp_path / "signed")
    with Wallet.from_xpub("ethereum", account.extended_public_key(), transport=chain) as watching:
        watching.open_outbox(tmp_path / "watch.db")
        with pytest.raises(SigningRefused):
            send(account_for(watching, tmp_path / "plan"), tmp_path / "plan", tmp_path / "signed", again=True)
        watching.outbox._operations.store.close()


def test_no_room_for_the_temporary_file_is_an_error_of_the_tree(monkeypatch):
    class Full(sqlite3.Connection):
        def execute(self, *args):
            raise sqlite3.OperationalError("database or disk is full")

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **options: connect(*args, factory=Full, **options))
    with pytest.raises(StoreError, match="disk is full"):
        Scratch()


def test_an_edited_table_is_another_batch_and_planning_says_so(payer, table, recipients, tmp_path):
    account = payer("ethereum")
    one, two = recipients(account, 2)
    assert not plan(account, table([(one, "0.01")]), tmp_path / "plan").warnings
    assert send(account, tmp_path / "plan", timeout=60).confirmed
    assert not plan(account, table([(one, "0.01")]), tmp_path / "same").warnings
    edited = plan(account, table([(one, "0.01"), (two, "0.01")]), tmp_path / "edited")
    assert edited.ok
    assert "paid again" in edited.warnings[0]
    assert not plan(account, table([(two, "0.01")], name="other.csv"), tmp_path / "other").warnings
