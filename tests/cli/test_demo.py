"""The demo: what it tells adds up."""

from __future__ import annotations

import pytest

NAMES = ["bitcoin", "ethereum", "tron", "solana"]


def test_the_demo_adds_up(cli):
    ended = cli("demo", "--signatures", "40", "--json")
    assert (ended.code, ended.err) == (0, "")
    told = ended.json
    assert [chain["network"] for chain in told["chains"]] == NAMES
    assert told["signatures"]["count"] == 40
    for chain in told["chains"]:
        transfer = chain["transfer"]
        assert transfer["status"] == "confirmed"
        assert transfer["confirmations"] >= 1
        funded, fee = int(chain["funded"]["units"]), int(transfer["fee"]["units"])
        left, paid = int(transfer["sender_balance"]["units"]), int(transfer["recipient_balance"]["units"])
        assert funded == left + paid + fee
        assert fee > 0
        (action,) = [a for a in transfer["summary"]["actions"] if a["kind"] == "transfer"]
        assert action["amount"]["units"] == str(paid)
    tokens = {chain["network"]: chain["token"] for chain in told["chains"]}
    assert tokens["bitcoin"] is None
    for name, standard in {"ethereum": "ERC-20", "tron": "TRC-20", "solana": "SPL"}.items():
        token = tokens[name]
        assert (token["standard"], token["status"]) == (standard, "confirmed")
        assert (token["sender_balance"]["amount"], token["recipient_balance"]["amount"]) == ("987.5", "12.5")
        assert token["fee"]["symbol"] != "DEMO"
        assert token["txid"] != token["asset"]


def test_the_demo_tells_people(cli):
    ended = cli("demo", "--signatures", "8")
    assert ended.code == 0
    for title in ("Bitcoin", "Ethereum", "TRON", "Solana"):
        assert f"\n{title}\n" in ended.out
    for label, times in {"address": 4, "balance ": 4, "txid": 7, "status": 7, "fee  ": 14, "balances": 7}.items():
        assert sum(line.strip().startswith(label) for line in ended.out.splitlines()) == times, label
    assert "no tokens" in ended.out
    assert "8 different transactions signed offline" in ended.out


@pytest.mark.long
def test_two_thousand_signatures_are_all_different(cli):
    assert cli("demo", "--signatures", "2000", "--json").json["signatures"]["count"] == 2000
