"""Planning: every error with its line and nothing written; what is written is what will be signed."""

from __future__ import annotations

import json

import pytest

from multiwallet import Wallet
from multiwallet.errors import IdempotencyConflict, InputError, StoreError, Unsupported
from multiwallet.payouts import plan, sign
from multiwallet.payouts.plan_file import open_plan, read_header
from multiwallet.store import Store, batches

NETWORKS = ("ethereum", "tron", "solana", "bitcoin")
GOOD = {
    "ethereum": "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
    "tron": "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH",
    "solana": "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk",
    "bitcoin": "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
}


def found(planned):
    return [(error.line, error.field) for error in planned.errors]


@pytest.mark.parametrize("network", NETWORKS)
def test_every_kind_of_bad_line_is_named_and_nothing_is_written(payer, table, recipients, tmp_path, network):
    account = payer(network)
    good, other = recipients(account, 2)
    foreign = GOOD["bitcoin" if network != "bitcoin" else "ethereum"]
    rows = [
        (good, "0.01", "", ""),
        (foreign, "0.01", "", ""),
        (good, "0.01", "", ""),
        (good, "-1", "", ""),
        (good, "0,01", "", ""),
        (good, "1e3", "", ""),
        (good, "9" * 78, "", ""),
        (good, "0.0000000000000000001", "", ""),
        (good, "0", "", ""),
        (good, "max", "", ""),
        (other, "0.01", "NOSUCHTOKEN", ""),
        (other, "0.01", "", "k"),
        (good, "0.02", "", "k"),
        (good + "x", "0.01", "", ""),
    ]
    target = tmp_path / "plan.jsonl"
    planned = plan(account, table(rows, ("to", "amount", "asset", "key")), target)
    assert found(planned) == [
        (3, "to"), (4, "line"), (5, "amount"), (6, "amount"), (7, "amount"), (8, "amount"), (9, "amount"),
        (10, "amount"), (11, "amount"), (12, "asset"), (14, "key"), (15, "to"),
    ]  # fmt: skip
    assert not planned.ok
    assert "line 2" in planned.errors[1].message
    assert list(tmp_path.glob("plan*")) == []
    assert not account._wallet.outbox.payments()


def test_a_thousand_errors_are_counted_and_some_are_told(payer, table, tmp_path):
    account = payer("ethereum")
    planned = plan(account, table([("nobody", "1")] * 500), tmp_path / "plan", most_errors=10)
    assert (planned.error_count, len(planned.errors)) == (500, 10)


@pytest.mark.parametrize("network", NETWORKS)
def test_more_than_there_is_is_told_before_anything_else(payer, table, recipients, tmp_path, network):
    account = payer(network)
    rows = [(to, "50000") for to in recipients(account, 3)]
    planned = plan(account, table(rows), tmp_path / "plan")
    assert found(planned) == [(None, "balance")]
    assert "150000" in planned.errors[0].message


def test_fees_count_too(payer, table, recipients, tmp_path):
    account = payer("ethereum", funds="1")
    one, two = recipients(account, 2)
    planned = plan(account, table([(one, "0.5"), (two, "0.5")]), tmp_path / "plan")
    assert found(planned) == [(None, "fees")]
    planned = plan(account, table([(one, "0.5"), (two, "0.49992")]), tmp_path / "plan")
    assert planned.ok
    assert "fees may reach" in planned.warnings[0]
    assert not plan(account, table([(one, "0.5"), (two, "0.4")]), tmp_path / "plan2").warnings


def test_duplicates_on_request(payer, table, recipients, tmp_path):
    account = payer("tron")
    rows = [(recipients(account, 1)[0], "1")] * 3
    assert found(plan(account, table(rows), tmp_path / "plan")) == [(3, "line"), (4, "line")]
    assert plan(account, table(rows), tmp_path / "plan", allow_duplicates=True).ok
    signed = sign(account, tmp_path / "plan", tmp_path / "signed")
    lines = [json.loads(line) for line in (tmp_path / "signed").read_text().splitlines()[1:]]
    assert len({line["txid"] for line in lines}) == signed.signed == 3


def test_a_plan_says_what_is_signed(payer, table, recipients, tmp_path, chain):
    account = payer("ethereum")
    token = chain.deploy_token("ethereum", symbol="USD", decimals=6, holder=account)
    one, two = recipients(account, 2)
    rows = [(one, "0.5", "", "hello", ""), (two, "12.5", token.reference, "", ""), (two, "1", token.id, "", "mine")]
    planned = plan(account, table(rows, ("to", "amount", "asset", "memo", "key")), tmp_path / "plan")
    assert planned.ok, planned.errors
    assert [str(total) for total in planned.totals] == ["0.5 ETH", "13.5 USD"]
    header, records = read_header(tmp_path / "plan"), list(open_plan(tmp_path / "plan"))
    assert (header.lines, header.transactions, header.sender) == (3, 3, account.address)
    assert [record.key for record in records] == [f"{planned.id}:2", f"{planned.id}:3", "mine"]
    nonces = [record.transaction["nonce"] for record in records]
    assert nonces == list(range(nonces[0], nonces[0] + 3))
    told = [account.read(record.transaction).summary for record in records]
    assert told[0].memo == "hello"
    assert [(action.to, action.details.get("units")) for action in told[1].actions] == [(two, "12500000")]


def test_a_contract_among_the_recipients_gets_its_gas(payer, table, tmp_path, chain):
    account = payer("ethereum")
    token = chain.deploy_token("ethereum", holder=account)  # it takes no coins
    planned = plan(account, table([(account.address, "0.1"), (token.reference, "0.1")]), tmp_path / "plan")
    assert found(planned) == [(3, "to")]
    assert "contract" in planned.errors[0].message


def test_the_same_table_is_the_same_batch_and_another_name_another(payer, table, recipients, tmp_path):
    account = payer("ethereum")
    source = table([(recipients(account, 1)[0], "1")])
    first = plan(account, source, tmp_path / "a")
    assert plan(account, source, tmp_path / "b").id == first.id
    assert plan(account, source, tmp_path / "c", name="again").id != first.id
    elsewhere = account._wallet.account("ethereum", index=5)
    assert plan(elsewhere, source, tmp_path / "d").id != first.id
    with pytest.raises(InputError, match="already"):
        plan(account, source, tmp_path / "a")


def test_a_batch_that_is_put_together_in_another_way_is_refused(tmp_path):
    with Store(tmp_path / "s.db") as store:
        batches.open_batch(store, "id", "one", {})
        batches.open_batch(store, "id", "one", {"fresh": "prices"})
        with pytest.raises(IdempotencyConflict):
            batches.open_batch(store, "id", "two", {})


def test_what_cannot_be_combined_says_so(payer, table, recipients, tmp_path):
    tron, ethereum = payer("tron"), payer("ethereum")
    source = table([(recipients(tron, 1)[0], "1")])
    with pytest.raises(Unsupported):
        plan(tron, source, tmp_path / "plan", combine=True)
    with pytest.raises(InputError, match="disperse="):
        plan(ethereum, source, tmp_path / "plan", combine=True)
    with pytest.raises(InputError, match="combine="):
        plan(ethereum, source, tmp_path / "plan", disperse=GOOD["ethereum"])


def test_a_plan_for_chains_that_cannot_wait_is_not_signed_ahead(payer, table, recipients, tmp_path):
    account = payer("solana")
    planned = plan(account, table([(recipients(account, 1)[0], "1")]), tmp_path / "plan")
    assert (planned.ok, planned.offline) == (True, False)
    with pytest.raises(Unsupported, match="minute"):
        sign(account, tmp_path / "plan", tmp_path / "signed")


def test_a_place_that_cannot_be_written(payer, table, recipients, tmp_path):
    account = payer("ethereum")
    source = table([(recipients(account, 1)[0], "1")])
    with pytest.raises(StoreError, match="No such file"):
        plan(account, source, tmp_path / "nowhere" / "plan")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: [],
        lambda lines: lines[:1],
        lambda lines: lines[1:],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [lines[0], b"[1]\n", *lines[2:]],
        lambda lines: [lines[0], b'{"key": 1}\n', *lines[2:]],
        lambda lines: [lines[0], lines[1][:-5]],
        lambda lines: [b'{"multiwallet": "payouts/plan", "version": 2}\n'],
        lambda lines: [b"[" * 10_000 + b"\n"],
        lambda lines: [b"\xff\xfe\n"],
        lambda lines: [lines[0].replace(b'"source":{', b'"source":7,"was":{'), *lines[1:]],
        lambda lines: [lines[0].replace(b'"assets":[', b'"assets":[5,'), *lines[1:]],
        lambda lines: [lines[0], lines[1].replace(b'"amount":"1"', b'"amount":"x"'), *lines[2:]],
    ],
    ids=[
        "empty",
        "header alone",
        "no header",
        "too long",
        "a list",
        "no line",
        "cut off",
        "version",
        "deep",
        "binary",
        "source",
        "assets",
        "amount",
    ],
)
def test_a_spoiled_plan_is_no_plan(payer, table, recipients, tmp_path, spoil):
    account = payer("ethereum")
    plan(account, table([(to, "1") for to in recipients(account, 2)]), tmp_path / "plan")
    lines = (tmp_path / "plan").read_bytes().splitlines(keepends=True)
    (tmp_path / "plan").write_bytes(b"".join(spoil(lines)))
    with pytest.raises(InputError):
        sign(account, tmp_path / "plan", tmp_path / "signed")


def test_a_watch_only_wallet_plans(payer, table, recipients, tmp_path, chain):
    account = payer("ethereum")
    source = table([(recipients(account, 1)[0], "1")])
    with Wallet.from_xpub("ethereum", account.extended_public_key(), transport=chain) as watching:
        planned = plan(watching.account("ethereum"), source, tmp_path / "plan")
    assert planned.ok
    assert sign(account, tmp_path / "plan", tmp_path / "signed").signed == 1
