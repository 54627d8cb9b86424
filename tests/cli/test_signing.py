"""sign, broadcast and status: one at a time and many, in our form and in the ecosystems' own."""

from __future__ import annotations

import base64
import json

import pytest

from multiwallet import Mnemonic, UnsignedTransaction, Wallet

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
NAMES = ["bitcoin", "ethereum", "tron", "solana"]
ZPUB = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
PAYMENT = {
    "to": "0x3535353535353535353535353535353535353535",
    "value": 10**18,
    "gas": 21000,
    "maxFeePerGas": 30 * 10**9,
    "maxPriorityFeePerGas": 10**9,
    "nonce": 0,
    "chainId": 1,
    "type": 2,
}


@pytest.fixture
def friend(devnet):
    with Wallet.from_mnemonic(Mnemonic.generate(), transport=devnet) as wallet:
        yield wallet


@pytest.mark.parametrize("name", NAMES)
def test_built_here_signed_there_broadcast_elsewhere(cli, rich_man, friend, tmp_path, name):
    to = friend.account(name)
    unsigned, signed = tmp_path / "unsigned.json", tmp_path / "signed.json"
    amount = "0.25"
    unsigned.write_text(cli("build", "--network", name, "--to", to.address, "--amount", amount).out)
    read = UnsignedTransaction.from_json(unsigned.read_text())
    assert read.network.name == name

    shown = cli("sign", str(unsigned), "--yes")
    assert shown.code == 0
    assert f"to {to.address}" in shown.err
    ended = cli("sign", str(unsigned), "--yes", "--json")
    assert ended.err == ""
    signed.write_text(ended.out)
    fields = ended.json
    assert (fields["network"], fields["complete"]) == (name, True)
    if name != "bitcoin":  # every other signature here is deterministic; bitcoin's is as well, and checked below
        assert shown.out.strip() == fields["raw"]
    wire = cli("sign", "-", "--yes", "--wire", stdin=unsigned.read_bytes()).out.strip()
    assert (json.loads(wire) if name == "tron" else wire) == fields["wire"]

    sent = cli("broadcast", str(signed), "--json")
    assert (sent.code, sent.json["txid"], sent.json["status"]) == (0, fields["txid"], "confirmed")
    assert to.balance().total.text == amount
    again = cli("broadcast", "-", "--network", name, "--no-wait", "--json", stdin=fields["raw"].encode())
    assert (again.code, again.json["txid"]) == (0, fields["txid"])
    status = cli("status", fields["txid"], "--network", name, "--wait", "--json")
    assert status.json["status"] == "confirmed"
    assert "confirmed" in cli("status", fields["txid"], "--network", name).out


def test_the_file_says_which_account_signs(cli, rich_man, devnet, friend, tmp_path):
    other = rich_man.account("ethereum", index=4)
    devnet.fund(other, "1")
    file = tmp_path / "tx.json"
    file.write_text(other.build(to=friend.account("ethereum").address, amount="0.1").to_json())
    ended = cli("sign", str(file), "--yes", "--json")
    assert ended.json["raw"] == other.sign(file.read_text()).hex()
    wrong = cli("sign", str(file), "--index", "5", "--yes", "--json")
    assert (wrong.code, wrong.error["code"]) == (6, "signing_refused")
    elsewhere = cli("sign", str(file), "--network", "polygon", "--yes", "--json")
    assert (elsewhere.code, elsewhere.error["code"]) == (6, "signing_refused")
    taproot = rich_man.account("bitcoin", kind="p2tr", account=1)
    devnet.fund(taproot, "1")
    file.write_text(taproot.build(to=friend.account("bitcoin").address, amount="0.1").to_json())
    assert cli("sign", str(file), "--yes", "--json").json["complete"] is True


def test_the_ecosystems_own_forms(cli, rich_man, friend, private_file):
    accounts = {name: rich_man.account(name) for name in NAMES}
    built = {name: a.build(to=friend.account(name).address, amount="0.01") for name, a in accounts.items()}
    signed = accounts["tron"].sign(built["tron"])
    node_json = {key: value for key, value in signed.to_wire().items() if key != "signature"}
    forms = {
        "bitcoin": [
            built["bitcoin"].body,
            base64.b64encode(built["bitcoin"].body),
            built["bitcoin"].body.hex().encode(),
        ],
        "ethereum": [json.dumps(PAYMENT).encode(), b"\xef\xbb\xbf" + json.dumps(PAYMENT, indent=1).encode()],
        "tron": [json.dumps(node_json).encode(), built["tron"].body.hex().encode() + b"\n"],
        "solana": [base64.b64encode(built["solana"].body)],
    }
    expected = {name: accounts[name].sign(built[name]).txid for name in NAMES}
    expected["ethereum"] = accounts["ethereum"].sign(PAYMENT).txid
    for name, contents in forms.items():
        for n, content in enumerate(contents):
            file = private_file(content, f"{name}{n}")
            ended = cli("sign", file, "--network", name, "--yes", "--json")
            assert ended.code == 0, ended.err
            assert ended.json["txid"] == expected[name]


@pytest.mark.parametrize(
    ("content", "exit_code", "code"),
    [
        (b"", 3, "invalid_transaction"),
        (b"\xff\xfe\xfd", 3, "invalid_transaction"),
        (b"nonsense", 3, "invalid_transaction"),
        (b"{}", 3, "invalid_transaction"),
        (b"{" * 100_000, 3, "invalid_input"),
        (b'{"to": 1.5}', 3, "invalid_input"),
        (b'{"multiwallet": 1}', 3, "invalid_transaction"),
        (b'{"nonce": 1, "nonce": 2}', 3, "invalid_input"),
        (json.dumps(PAYMENT | {"chainId": 56}).encode(), 6, "signing_refused"),
        (json.dumps(PAYMENT | {"from": PAYMENT["to"]}).encode(), 6, "signing_refused"),
        (json.dumps(PAYMENT | {"value": True}).encode(), 3, "invalid_transaction"),
    ],
)
def test_what_is_no_transaction_of_ours(cli, phrase, content, exit_code, code):
    ended = cli("sign", "--network", "ethereum", "--yes", "--json", stdin=content)
    assert (ended.code, ended.out, ended.error["code"]) == (exit_code, "", code)


def test_a_file_that_was_tampered_with(cli, rich_man, friend):
    text = rich_man.account("ethereum").build(to=friend.account("ethereum").address, amount="0.1").to_json()
    data = json.loads(text)
    data["body"] = data["body"].replace(friend.account("ethereum").address[2:].lower(), "35" * 20)
    assert data["body"] != json.loads(text)["body"]
    ended = cli("sign", "--yes", "--json", stdin=json.dumps(data).encode())
    assert (ended.code, ended.error["code"]) == (3, "invalid_transaction")


def test_the_network_must_be_known(cli, phrase):
    ended = cli("sign", "--yes", "--json", stdin=json.dumps(PAYMENT).encode())
    assert (ended.code, ended.error["code"]) == (3, "invalid_input")
    lines = cli("sign", "--lines", "--yes", "--json", stdin=json.dumps(PAYMENT).encode())
    assert (lines.code, lines.error["code"]) == (3, "invalid_input")
    sent = cli("broadcast", "--json", stdin=b"00")
    assert (sent.code, sent.error["code"]) == (3, "invalid_input")


def test_a_watch_only_wallet_does_not_sign(cli, rich_man, friend):
    text = rich_man.account("bitcoin").build(to=friend.account("bitcoin").address, amount="0.1").to_json()
    ended = cli("sign", "--xpub", ZPUB, "--network", "bitcoin", "--yes", "--json", stdin=text.encode())
    assert (ended.code, ended.error["code"]) == (6, "signing_refused")


# -- many ------------------------------------------------------------------------------------------------------


def batch(count: int) -> list[bytes]:
    return [json.dumps(PAYMENT | {"nonce": nonce}).encode() for nonce in range(count)]


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("from_stdin", [True, False])
def test_a_batch_keeps_its_order(cli, phrase, private_file, threads, from_stdin):
    lines = batch(150)
    data = b"\n".join(lines) + b"\n"
    where = ["-"] if from_stdin else [private_file(data)]
    ended = cli("sign", *where, "--lines", "--network", "eth", "--threads", threads, "--yes", stdin=data)
    assert (ended.code, ended.err) == (0, "")
    with Wallet.from_mnemonic(WORDS) as wallet:
        account = wallet.account("ethereum")
        assert ended.out.splitlines() == [account.sign(json.loads(line)).hex() for line in lines]


def test_a_bad_line_stops_nothing_and_loses_nothing(cli, phrase):
    lines = batch(6)
    lines[1] = b"\xff\xff"
    lines[3] = b'{"to": 1.5}'
    lines[4] = json.dumps(PAYMENT | {"chainId": 56}).encode()
    data = lines[0] + b"\n\n  \n" + b"\n".join(lines[1:])
    ended = cli("sign", "--lines", "--network", "ethereum", "--yes", "--json", stdin=data)
    assert (ended.code, ended.err) == (14, "")
    told = [json.loads(line) for line in ended.out.splitlines()]
    assert [item["line"] for item in told] == [1, 4, 5, 6, 7, 8]
    assert {item["line"]: item["error"]["code"] for item in told if "error" in item} == {
        4: "invalid_transaction",
        6: "invalid_input",
        7: "signing_refused",
    }
    text = cli("sign", "--lines", "--network", "ethereum", "--yes", stdin=data)
    assert text.code == 14
    out = text.out.splitlines()
    assert [line.startswith("# line ") for line in out] == ["error" in item for item in told]
    assert [line for line in out if line[0] != "#"] == [item["raw"] for item in told if "raw" in item]
    assert "3 of 6" in text.err


def test_a_batch_of_our_own_files(cli, rich_man, friend):
    account = rich_man.account("tron")
    built = [account.build(to=friend.account("tron").address, amount=f"0.{n}") for n in range(1, 4)]
    data = "\n".join(transaction.to_json() for transaction in built)
    ended = cli("sign", "--lines", "--yes", stdin=data.encode())
    assert ended.out.splitlines() == [account.sign(transaction).hex() for transaction in built]
    foreign = cli("sign", "--lines", "--network", "tron-nile", "--yes", stdin=data.encode())
    assert foreign.code == 14
    assert foreign.out.count("signing_refused") == 3


def test_an_empty_batch(cli, phrase):
    ended = cli("sign", "--lines", "--network", "ethereum", "--yes", "--json", stdin=b"\n \n")
    assert (ended.code, ended.error["code"]) == (3, "invalid_transaction")
    missing = cli("sign", "/no/such/file", "--lines", "--network", "ethereum", "--yes", "--json")
    assert (missing.code, missing.error["code"]) == (3, "invalid_input")


# -- without keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"zz", b"00", b"{}", b"\xff", b"psbt\xff\x00", b"[" * 100_000])
@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_broadcast(cli, devnet, name, content):
    ended = cli("broadcast", "--network", name, "--json", stdin=content)
    assert (ended.code, ended.out) == (3, "")
    assert ended.error["code"] in ("invalid_transaction", "invalid_input")


def test_a_psbt_without_all_signatures_is_not_broadcast(cli, rich_man, friend):
    psbt = rich_man.account("bitcoin").build(to=friend.account("bitcoin").address, amount="0.1").body
    ended = cli("broadcast", "--network", "bitcoin", "--json", stdin=psbt)
    assert (ended.code, ended.error["code"]) == (3, "invalid_transaction")


def test_a_transaction_that_the_node_refuses(cli, phrase, devnet):
    signed = cli(
        "sign", "--network", "polygon", "--yes", "--json", stdin=json.dumps(PAYMENT | {"chainId": 137}).encode()
    )
    ended = cli("broadcast", "--json", stdin=signed.out.encode())
    assert ended.code in (7, 8)
    assert ended.error["txid"] == signed.json["txid"]


def test_the_status_of_a_stranger(cli, devnet):
    ended = cli("status", "0x" + "12" * 32, "--network", "ethereum", "--json")
    assert (ended.code, ended.json["status"]) == (0, "unknown")
    wrong = cli("status", "nonsense", "--network", "ethereum", "--json")
    assert (wrong.code, wrong.out) == (3, "")


def test_a_transaction_that_failed_on_chain(cli, rich_man, devnet):
    token = devnet.deploy_token("ethereum", holder=rich_man.account("ethereum"))
    account = rich_man.account("ethereum", index=9)
    devnet.fund(account, "1")
    # the selector of transfer(address,uint256), to somebody, of more than there is
    data = "0xa9059cbb" + "00" * 12 + "35" * 20 + "00" * 31 + "01"
    call = PAYMENT | {"to": token.reference, "value": 0, "gas": 100_000, "data": data}
    signed = cli("sign", "--network", "ethereum", "--index", "9", "--yes", "--json", stdin=json.dumps(call).encode())
    waited = cli("broadcast", "--json", stdin=signed.out.encode())
    assert (waited.code, waited.error["code"], waited.error["txid"]) == (9, "reverted", signed.json["txid"])
    ended = cli("status", signed.json["txid"], "--network", "ethereum", "--json")
    assert (ended.code, ended.json["status"]) == (9, "failed")
