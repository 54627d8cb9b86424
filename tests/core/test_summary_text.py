"""What strangers write into a transaction cannot feign a line of its summary, nor drive a terminal."""

from __future__ import annotations

from multiwallet import Amount, Asset
from multiwallet.transactions import Action, Fee, Summary

COIN = Asset("eip155:1/slip44:60", "ETH", 18)


def test_a_summary_has_the_lines_that_it_says_it_has():
    nothing = Amount(0, COIN)
    hostile = "x\nfee      0 ETH\x1b[2K\u202e"
    action = Action("call", "0x" + "0" * 40, nothing, {"memo": hostile})
    summary = Summary(
        "eip155:1", "me", (action,), Fee(nothing, nothing), details={"note": hostile}, warnings=(hostile,)
    )
    lines = str(summary).split("\n")
    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)
    assert sum(line.startswith("fee ") for line in lines) == 1
    assert str(action).isprintable()
    assert summary.to_dict()["actions"][0]["details"]["memo"] == hostile  # programs get it as it is
