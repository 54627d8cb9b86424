"""A plan that was changed on its way: what is shown, what a line says and what is signed must be one."""

from __future__ import annotations

import json

import pytest

from multiwallet.errors import InputError
from multiwallet.payouts import plan, send, sign

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
    account, people, lines = planned(network)
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
    account, people, lines = planned("ethereum")
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
