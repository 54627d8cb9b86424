"""balance, quote, build and send, on the engines of the devnet."""

from __future__ import annotations

import pytest

from multiwallet import Mnemonic, Wallet, network
from multiwallet.errors import Rejected, Timeout

NAMES = ["bitcoin", "ethereum", "tron", "solana"]
PAID = {"bitcoin": "0.125", "ethereum": "0.5", "tron": "12.5", "solana": "0.75"}
ZPUB = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
BURNED = "0x3535353535353535353535353535353535353535"


@pytest.fixture
def friend(devnet):
    """Somebody new to pay."""
    with Wallet.from_mnemonic(Mnemonic.generate(), transport=devnet) as wallet:
        yield wallet


def test_balances_of_four_chains(cli, rich_man):
    listed = cli("balance", "--json").json["balances"]
    assert [item["network"] for item in listed] == NAMES
    for item in listed:
        held = rich_man.account(item["network"]).balance()
        assert item["available"]["units"] == str(held.available.units)
        assert item["total"]["amount"] == held.total.text
        assert item["total"]["symbol"] == network(item["network"]).symbol
    table = cli("balance", "--network", "ethereum", "--index", "0")
    assert table.code == 0
    assert str(rich_man.account("ethereum").balance().available) in table.out


def test_one_network_that_fails_does_not_hide_the_others(cli, rich_man, devnet):
    devnet.fail("tron", Rejected("no \x1b[2J today", node_code=7), count=20)
    try:
        ended = cli("balance", "--json")
        assert ended.code == 14
        failed = {item["network"]: item["error"]["code"] for item in ended.json["balances"] if "error" in item}
        assert failed == {"tron": "rejected"}
        table = cli("balance")
        assert table.code == 14
        assert "\x1b" not in table.out
        assert "rejected" in table.out
        alone = cli("balance", "--network", "tron", "--json")
        assert (alone.code, alone.out, alone.error["node_code"]) == (8, "", 7)
    finally:
        devnet._faults.clear()


@pytest.mark.parametrize("name", ["ethereum", "tron", "solana"])
def test_tokens_are_sent_and_counted(cli, rich_man, devnet, friend, name):
    asset = devnet.deploy_token(name, symbol="GEM", decimals=6, holder=rich_man.account(name), supply="500")
    to = friend.account(name)
    asked = ["--network", name, "--asset", asset.reference, "--json"]
    (held,) = cli("balance", *asked).json["balances"]
    assert (held["total"]["amount"], held["total"]["asset"]) == ("500", asset.id)
    sent = cli("send", *asked, "--to", to.address, "--amount", "12.345678", "--yes").json
    assert sent["status"] == "confirmed"
    (action,) = [a for a in sent["summary"]["actions"] if a["kind"] == "transfer"]
    assert (action["to"], action["amount"]["amount"]) == (to.address, "12.345678")
    assert to.balance(asset).total.text == "12.345678"
    (left,) = cli("balance", "--asset", asset.id, "--json").json["balances"]
    assert left["total"]["units"] == "487654322"


@pytest.mark.parametrize("name", NAMES)
def test_send_pays_and_reports(cli, rich_man, friend, name):
    to = friend.account(name)
    before = rich_man.account(name).balance().total
    asked = ["--network", name, "--to", to.address, "--amount", PAID[name], "--json"]
    quoted = cli("quote", *asked).json
    ended = cli("send", *asked, "--yes")
    assert (ended.code, ended.err) == (0, "")
    receipt = ended.json
    assert (receipt["status"], receipt["network"]) == ("confirmed", network(name).id)
    assert receipt["confirmations"] >= 1
    paid = network(name).amount(PAID[name])
    assert to.balance().total == paid
    fee = int(receipt["fee"]["units"])
    assert 0 < fee <= int(quoted["fee"]["maximum"]["units"])
    assert rich_man.account(name).balance().total.units == before.units - paid.units - fee


def test_send_tells_people_what_happens(cli, rich_man, friend):
    to = friend.account("solana").address
    ended = cli("send", "--network", "solana", "--to", to, "--amount", "0.5", "--memo", "rent\x1b[2J", "--yes")
    assert ended.code == 0
    assert f"transfer 0.5 SOL to {to}" in ended.err
    assert "\x1b" not in ended.err + ended.out
    facts = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
    assert facts["status"] == "confirmed"
    assert f"sending {facts['txid']}" in ended.err


def test_send_without_waiting(cli, rich_man, friend):
    to = friend.account("ethereum")
    ended = cli("send", "--network", "ethereum", "--to", to.address, "--amount", "0.1", "--yes", "--no-wait", "--json")
    assert ended.json["status"] in ("pending", "confirmed")
    assert to.balance().total.text == "0.1"


def test_options_of_the_chain_itself(cli, rich_man, friend):
    nonce = 7
    asked = ["--network", "ethereum", "--to", friend.account("ethereum").address, "--amount", "0.1"]
    built = cli("build", *asked, "--native", f"nonce={nonce}", "--json").json
    assert built["multiwallet"] == 1
    told = cli("build", *asked, "--native", f"nonce={nonce}").err
    assert f"nonce    {nonce}" in told
    rate = cli(
        "build",
        "--network",
        "bitcoin",
        "--to",
        friend.account("bitcoin").address,
        "--amount",
        "0.1",
        "--native",
        "fee_rate=2.5",
    )
    assert "2.50 sat/vB" in rate.err
    for wrong in ("nonce", "nonsense=1", "=1", "to=x", "nonce=1.5"):
        refused = cli("build", *asked, "--native", wrong, "--json")
        assert (refused.code, refused.out) == (3, ""), wrong


@pytest.mark.parametrize(
    ("asked", "exit_code", "code"),
    [
        (["--to", BURNED, "--amount", "1000000"], 7, "insufficient_funds"),
        (["--to", BURNED, "--amount", "0.1", "--max-fee", "0.000000001"], 3, "invalid_input"),
        (["--to", BURNED[:-1], "--amount", "0.1"], 3, "invalid_address"),
        (["--to", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed", "--amount", "0.1"], 3, "invalid_address"),
        (["--to", BURNED, "--amount", "0,1"], 3, "invalid_amount"),
        (["--to", BURNED, "--amount", "-1"], 3, "invalid_amount"),
        (["--to", BURNED, "--amount", "1e3"], 3, "invalid_amount"),
        (["--to", BURNED, "--amount", "0"], 3, "invalid_amount"),
        (["--to", BURNED, "--amount", "0.0000000000000000001"], 3, "invalid_amount"),
        (["--to", BURNED, "--amount", "0.1", "--speed", "warp"], 3, "invalid_input"),
        (["--to", BURNED, "--amount", "0.1", "--index", "-1"], 2, "usage"),
        (["--to", BURNED], 2, "usage"),
    ],
)
def test_send_refuses(cli, rich_man, asked, exit_code, code):
    before = rich_man.account("ethereum").balance()
    ended = cli("send", "--network", "ethereum", "--yes", "--json", *asked)
    assert (ended.code, ended.out, ended.error["code"]) == (exit_code, "", code)
    assert rich_man.account("ethereum").balance() == before


def test_what_is_needed_and_available_is_told(cli, rich_man):
    ended = cli("send", "--network", "ethereum", "--yes", "--json", "--to", BURNED, "--amount", "1000000")
    assert int(ended.error["needed"]["units"]) > 10**24
    assert ended.error["available"]["units"] == str(rich_man.account("ethereum").balance().available.units)


def test_a_watch_only_wallet_builds_and_does_not_send(cli, rich_man, friend):
    to = friend.account("bitcoin").address
    asked = ["--xpub", ZPUB, "--network", "bitcoin", "--json"]
    (held,) = cli("balance", *asked).json["balances"]
    assert held["total"]["units"] == str(rich_man.account("bitcoin").balance().total.units)
    assert cli("build", *asked, "--to", to, "--amount", "0.1").code == 0
    ended = cli("send", *asked, "--to", to, "--amount", "0.1", "--yes")
    assert (ended.code, ended.error["code"]) == (6, "signing_refused")


def test_a_lost_answer_does_not_lose_the_txid(cli, rich_man, devnet, friend):
    to = friend.account("ethereum")
    devnet.lose_answers("ethereum", 20)
    try:
        ended = cli("send", "--network", "ethereum", "--to", to.address, "--amount", "0.1", "--yes", "--json")
    finally:
        devnet._faults.clear()
    assert (ended.code, ended.error["code"]) == (11, "broadcast_uncertain")
    status = cli("status", ended.error["txid"], "--network", "ethereum", "--json")
    assert status.json["status"] == "confirmed"


def test_an_error_while_waiting_does_not_lose_the_txid(cli, rich_man, devnet, friend, monkeypatch):
    from multiwallet import Account

    def fail(*_: object, **__: object) -> None:
        raise Timeout("the node fell asleep")

    monkeypatch.setattr(Account, "wait", fail)
    asked = ["send", "--network", "tron", "--to", friend.account("tron").address, "--amount", "1", "--yes"]
    ended = cli(*asked, "--json")
    assert (ended.code, ended.error["code"]) == (12, "timeout")
    assert cli("status", ended.error["txid"], "--network", "tron", "--json").json["status"] == "confirmed"
    assert "the transaction is " in cli(*asked).err


@pytest.mark.parametrize(
    "asked",
    [
        ["balance", "--network", "ethereum"],
        ["status", "0x" + "00" * 32, "--network", "ethereum"],
    ],
)
def test_a_node_that_is_not_there(child, asked):
    where = f"{asked[asked.index('--network') + 1]}=http://user:hunter2@127.0.0.1:9/secret-path"
    ended = child(*asked, "--endpoint", where, "--json", MULTIWALLET_MNEMONIC="zoo " * 11 + "wrong")
    assert (ended.code, ended.out, ended.error["code"]) == (12, "", "unreachable")
    assert "hunter2" not in ended.err
    assert "secret-path" not in ended.err


def test_tokens_need_their_network(cli, phrase):
    ended = cli("balance", "--asset", BURNED, "--json")
    assert (ended.code, ended.error["code"]) == (3, "invalid_input")
    none = cli("balance", "--network", "bitcoin", "--asset", BURNED, "--json")
    assert (none.code, none.error["code"]) == (4, "unsupported")
