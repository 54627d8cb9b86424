"""``batch``: from a table to a report, on the command line."""

from __future__ import annotations

import json

import pytest

from multiwallet import Mnemonic, Wallet


@pytest.fixture
def table(tmp_path, devnet):
    """``table("tron", 3)``: a CSV file that pays strangers."""

    def write(network, count, amount="0.01", extra=""):
        with Wallet.from_mnemonic(Mnemonic.generate(), transport=devnet) as strangers:
            people = [one.address for one in strangers.accounts(network, count=count)]
        path = tmp_path / f"{network}.csv"
        path.write_text("to,amount\n" + "".join(f"{to},{amount}\n" for to in people) + extra)
        return str(path)

    return write


@pytest.mark.parametrize("network", ["ethereum", "tron", "solana", "bitcoin"])
def test_from_a_table_to_a_report(cli, rich_man, table, tmp_path, network):
    plan, signed, store = (str(tmp_path / name) for name in ("plan", "signed", "s.db"))
    made = cli("batch", "plan", table(network, 6), "--network", network, "--out", plan)
    assert made.code == 0, made.err
    assert "transactions  6" in made.out
    files = [plan]
    if "offline" in made.out:
        done = cli("batch", "sign", plan, "--out", signed, "--yes", "--json")
        assert (done.code, done.json["signed"], done.json["failed"]) == (0, 6, 0)
        assert cli("batch", "sign", plan, "--out", signed, "--yes", "--json").json["now"] == 0
        files.append(signed)
    sent = cli("batch", "send", *files, "--store", store, "--poll", "0.05", "--yes", "--json")
    assert (sent.code, sent.json["states"]["confirmed"]) == (0, 6), sent.err
    assert cli("batch", "send", *files, "--store", store, "--yes").out == "6 transactions: 6 confirmed\n"
    told = cli("batch", "status", plan, "--store", store, "--json").json
    assert (told["complete"], told["lines"]) == (True, 6)
    assert "6 of 6 lines are final" in cli("batch", "status", plan, "--store", store).out
    for kind in ("csv", "json", "html"):
        assert cli("batch", "report", plan, "--store", store, "--out", str(tmp_path / f"r.{kind}")).code == 0
    assert json.loads((tmp_path / "r.json").read_text())["totals"][0]["lines"] == 6
    counted = cli("outbox", "status", "--store", store, "--json").json["payments"]
    assert counted["confirmed"] == 6


def test_errors_come_with_their_lines_and_nothing_is_written(cli, rich_man, table, tmp_path):
    source = table("ethereum", 2, extra="nobody,1\n0x12,0,5\n")
    plan = str(tmp_path / "plan")
    told = cli("batch", "plan", source, "--network", "ethereum", "--out", plan)
    assert (told.code, told.out) == (3, "")
    assert "line 4: to: " in told.err
    assert "line 5: line: " in told.err
    assert "2 errors in 4 lines: nothing was planned" in told.err
    as_json = cli("batch", "plan", source, "--network", "ethereum", "--out", plan, "--json")
    assert as_json.code == 3
    assert [error["line"] for error in as_json.json["errors"]] == [4, 5]
    few = cli("batch", "plan", source, "--network", "ethereum", "--out", plan, "--most-errors", "1")
    assert "... and 1 more" in few.err
    assert not (tmp_path / "plan").exists()


def test_a_person_is_asked_and_may_decline(cli, rich_man, table, tmp_path):
    plan = str(tmp_path / "plan")
    cli("batch", "plan", table("ethereum", 2), "--network", "ethereum", "--out", plan)
    for command in (["sign", plan, "--out", str(tmp_path / "x")], ["send", plan, "--store", str(tmp_path / "s.db")]):
        told = cli("batch", *command)
        assert told.code in (3, 15)
        assert "pays     0.02 ETH" in told.err
    assert not (tmp_path / "x").exists()


def test_a_plan_exchanged_while_it_is_shown_is_not_the_one_agreed_to(cli, rich_man, table, tmp_path, monkeypatch):
    plan, other = tmp_path / "plan", tmp_path / "other"
    cli("batch", "plan", table("ethereum", 2), "--network", "ethereum", "--out", str(plan))
    cli("batch", "plan", table("ethereum", 3), "--network", "ethereum", "--out", str(other))
    monkeypatch.setattr("multiwallet.cli.batch.confirm", lambda question: plan.write_bytes(other.read_bytes()))
    before = plan.read_bytes()
    for command in (["sign", "--out", str(tmp_path / "x")], ["send", "--store", str(tmp_path / "s.db")]):
        plan.write_bytes(before)
        told = cli("batch", command[0], str(plan), *command[1:])
        assert told.code == 3
        assert "changed while it was shown" in told.err
    assert not (tmp_path / "x").exists()


def test_without_waiting_the_outbox_goes_on(cli, rich_man, table, tmp_path):
    plan, store = str(tmp_path / "plan"), str(tmp_path / "s.db")
    cli("batch", "plan", table("tron", 3), "--network", "tron", "--out", plan)
    sent = cli("batch", "send", plan, "--store", store, "--no-wait", "--yes", "--json")
    assert (sent.code, sent.json["states"]["sent"]) == (0, 3), sent.err
    ended = cli("outbox", "run", "--store", store, "--until-idle", "--poll", "0.05", "--timeout", "30", "--json")
    assert (ended.code, ended.json["payments"]["confirmed"]) == (0, 3)


def test_what_is_wrong_with_files_and_options(cli, rich_man, table, tmp_path):
    plan, store = str(tmp_path / "plan"), str(tmp_path / "s.db")
    source = table("ethereum", 2)
    assert cli("batch", "plan", source, "--network", "ethereum").code == 2
    assert cli("batch", "plan", str(tmp_path / "none.csv"), "--network", "ethereum", "--out", plan).code == 3
    assert cli("batch", "plan", source, "--network", "ethereum", "--out", plan).code == 0
    assert cli("batch", "plan", source, "--network", "ethereum", "--out", plan).code == 3
    assert cli("batch", "sign", source, "--out", str(tmp_path / "x"), "--yes").code == 3
    assert cli("batch", "send", plan, source, "--store", store, "--yes").code == 3
    assert cli("batch", "status", source, "--store", store).code == 3
    assert cli("batch", "report", plan, "--store", store, "--out", plan).code == 3
    other = cli("batch", "plan", source, "--network", "ethereum", "--out", plan, "--overwrite", "--index", "3")
    assert other.code == 3  # that account holds nothing


def test_progress_goes_to_stderr(child, table, rich_man, tmp_path):
    plan = str(tmp_path / "plan")
    from multiwallet.payouts import plan as make

    assert make(rich_man.account("ethereum"), table("ethereum", 30), plan).ok
    words = "abandon " * 11 + "about"
    done = child("batch", "sign", plan, "--out", str(tmp_path / "signed"), "--yes", MULTIWALLET_MNEMONIC=words)
    assert done.out == "30 of 30 transactions are signed, 30 of them now\n"


def test_a_bar_with_rate_on_a_terminal(terminal, table, rich_man, tmp_path):
    plan = str(tmp_path / "plan")
    from multiwallet.payouts import plan as make

    assert make(rich_man.account("ethereum"), table("ethereum", 300, "0.0001"), plan).ok
    words = "abandon " * 11 + "about"
    shown = terminal(
        "batch", "sign", plan, "--out", str(tmp_path / "signed"), "--yes", MULTIWALLET_MNEMONIC=words, TERM="xterm"
    ).end()
    assert shown.code == 0
    assert "300/300" in shown.err
    assert "/s" in shown.err
