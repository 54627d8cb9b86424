"""TON against @ton/core, @ton/ton, @ton/crypto, Trust Wallet Core (npm), pytoniq-core and tonsdk (PyPI)."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Network, Wallet, network
from multiwallet.chains.ton import Ton, addresses, forms, jettons, messages, proofs, wallets
from multiwallet.chains.ton.addresses import Address
from multiwallet.chains.ton.messages import External, Internal
from multiwallet.chains.ton.wallets import Order
from multiwallet.codec import boc
from multiwallet.codec.cell import Builder, Cell
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.errors import InvalidAddress

HERE = Path(__file__).resolve().parent
NETWORKS = (network("ton"), network("ton-testnet"))
WORDS = "test test test test test test test test test test test junk"
CHAIN = Ton()
TEXTS = ("", "x", "zażółć 🚀", "a" * 122, "a" * 123, "a" * 124, "b" * 250, "b" * 251, "c" * 3000, "ł" * 61 + "a" * 5)
oracle = pytest.mark.oracle


def ask(*calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Answers of the JavaScript libraries, all from one process."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so nothing can be compared with JavaScript libraries")
    if not (HERE / "node_modules" / "@ton" / "ton").is_dir():
        pytest.skip("the JavaScript libraries are not installed: `make nodes` does it where npm is installed")
    done = subprocess.run(
        [node, "ton.mjs"], cwd=HERE, input=json.dumps(calls), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def random_cell(rng: random.Random, depth: int = 5) -> Cell:
    made = Builder()
    bits = rng.choice((0, 1, 7, 8, 9, rng.randrange(1024), 1023))
    made.uint(rng.getrandbits(bits) if bits else 0, bits)
    for _ in range(rng.randrange(5) if depth else 0):
        made.ref(random_cell(rng, depth - 1 - rng.randrange(2) if depth > 1 else 0))
    return made.end()


def random_address(rng: random.Random) -> Address:
    return Address(rng.choice((0, 0, 0, -1)), rng.randbytes(32))


def random_transfer(rng: random.Random, kind: str, row: Network) -> dict[str, Any]:
    count = rng.randrange(1, 9 if kind == "v5r1" else 5)
    return {
        "kind": kind,
        "seed": rng.randbytes(32).hex(),
        "globalId": int(row.reference),
        "seqno": rng.randrange(2**32),
        "timeout": rng.randrange(1, 2**32),
        "mode": rng.choice((2, 3, 130)),
        "deploys": rng.random() < 0.4,
        "messages": [
            {
                "to": random_address(rng).raw,
                "value": str(rng.choice((0, 1, rng.randrange(2**40), rng.randrange(2**100)))),
                "bounce": rng.random() < 0.5,
                **rng.choice(({"text": rng.choice(TEXTS[1:])}, {"body": boc.encode(random_cell(rng, 2)).hex()}, {})),
            }
            for _ in range(count)
        ],
    }


def our_transfer(said: dict[str, Any]) -> External:
    """The same transfer by our own code, signed with our own key."""
    with Ed25519Key(bytes.fromhex(said["seed"])) as key:
        number = wallets.wallet_id(said["kind"], said["globalId"])
        first = wallets.initial_state(said["kind"], key.public_key, number)
        sent = []
        for item in said["messages"]:
            body = boc.decode(bytes.fromhex(item["body"])) if "body" in item else Cell()
            if "text" in item:
                body = messages.comment(item["text"])
            to = addresses.parse(item["to"], testnet=False)[0]
            sent.append((said["mode"], Internal(to, int(item["value"]), item["bounce"], body).cell()))
        order = Order(said["kind"], number, said["timeout"], said["seqno"], tuple(sent)).cell()
        body = wallets.join(order, key.sign(order.hash))
    return External(Address(0, first.hash), body, first if said["deploys"] else None)


@oracle
def test_cells_and_bags_have_the_same_hashes_there_and_back():
    rng = random.Random(11)
    cells = [random_cell(rng) for _ in range(120)]
    for cell, answer in zip(cells, ask(*(("cell", {"boc": boc.encode(cell).hex()}) for cell in cells)), strict=True):
        assert (answer["hash"], answer["depth"], answer["bits"]) == (cell.hash.hex(), cell.depth, cell.bits)
        for form in answer["bocs"]:
            assert boc.decode(bytes.fromhex(form)) == cell


def test_cells_are_those_of_pytoniq_and_tonsdk():
    from pytoniq_core import Cell as PytoniqCell
    from tonsdk.boc import Cell as TonsdkCell

    rng = random.Random(12)
    for _ in range(150):
        cell = random_cell(rng)
        bag = boc.encode(cell)
        theirs = PytoniqCell.one_from_boc(bag)
        assert (theirs.hash, theirs.get_depth()) == (cell.hash, cell.depth)
        assert boc.decode(theirs.to_boc()) == cell
        other = TonsdkCell.one_from_boc(bag)
        assert other.bytes_hash() == cell.hash
        assert boc.decode(bytes(other.to_boc(has_idx=False))) == cell


@oracle
def test_addresses_have_the_same_four_forms():
    rng = random.Random(13)
    found = [random_address(rng) for _ in range(60)]
    texts = []
    for address in found:
        flags = {"bounceable": rng.random() < 0.5, "test_only": rng.random() < 0.5}
        texts.append(
            rng.choice((address.raw, address.text(**flags), address.text(**flags).replace("-", "+").replace("_", "/")))
        )
    for address, text, answer in zip(found, texts, ask(*(("address", {"text": text}) for text in texts)), strict=True):
        assert answer["raw"] == address.raw
        assert addresses.parse(text, testnet=True) == (address, bool(answer.get("isBounceable")))
        ours = [address.text(bounceable=b, test_only=t) for b in (True, False) for t in (True, False)]
        assert answer["forms"] == ours


@oracle
def test_a_changed_address_is_refused_by_both():
    rng = random.Random(14)
    texts = []
    for _ in range(100):
        text = list(random_address(rng).text(bounceable=True, test_only=False))
        text[rng.randrange(2, 48)] = rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        texts.append("".join(text))
    for text, answer in zip(texts, ask(*(("address", {"text": text}) for text in texts)), strict=True):
        if answer is None:
            with pytest.raises(InvalidAddress):
                addresses.parse(text, testnet=False)
        else:
            assert addresses.parse(text, testnet=False)[0].raw == answer["raw"]


def test_addresses_are_those_of_pytoniq_and_tonsdk():
    from pytoniq_core import Address as PytoniqAddress
    from tonsdk.utils import Address as TonsdkAddress

    rng = random.Random(15)
    for _ in range(200):
        address = random_address(rng)
        for bounceable in (True, False):
            for test_only in (True, False):
                text = address.text(bounceable=bounceable, test_only=test_only)
                theirs = PytoniqAddress(text)
                assert (theirs.wc, theirs.hash_part, theirs.is_bounceable) == (
                    address.workchain,
                    address.hash,
                    bounceable,
                )
                other = TonsdkAddress(address.raw)
                assert other.to_string(True, True, bounceable, test_only) == text


@oracle
@pytest.mark.parametrize("kind", wallets.KINDS)
def test_signed_transfers_are_the_same_bytes(kind):
    rng = random.Random(16)
    cases = [(row, random_transfer(rng, kind, row)) for row in NETWORKS for _ in range(40)]
    for (row, said), answer in zip(cases, ask(*(("transfer", said) for _, said in cases)), strict=True):
        ours = our_transfer(said)
        with Ed25519Key(bytes.fromhex(said["seed"])) as key:
            assert CHAIN.address(row, key.public_key, kind) == answer["address"]
        assert ours.body == boc.decode(bytes.fromhex(answer["body"]))
        assert ours.cell() == boc.decode(bytes.fromhex(answer["message"]))
        assert ours.normalized_hash.hex() == answer["normalized"]
        read = CHAIN.parse_signed(row, answer["inline"])  # the parts in other places, the same message
        assert read.txid == answer["normalized"]
        message, order, signature = forms.read_external(answer["inline"])
        assert (message.to, message.init, len(order.messages)) == (ours.to, ours.init, len(said["messages"]))
        assert any(signature)


def test_orders_of_tonsdk_are_read_and_written_again():
    from tonsdk.contract.wallet import Wallets, WalletVersionEnum

    rng = random.Random(17)
    for version, kind in ((WalletVersionEnum.v3r2, "v3r2"), (WalletVersionEnum.v4r2, "v4r2")):
        _, public, _, wallet = Wallets.create(version, 0)
        assert wallet.address.to_string(True, True, False) == CHAIN.address(NETWORKS[0], public, kind)
        for _ in range(20):
            to, value, seqno = random_address(rng), rng.randrange(2**60), rng.randrange(1, 2**31)
            text = rng.choice(TEXTS[:5])  # it cannot write 124 bytes
            made = wallet.create_transfer_message(to.raw, value, seqno, payload=text)
            signed = CHAIN.parse_signed(NETWORKS[0], bytes(made["message"].to_boc(False)))
            message, order, signature = forms.read_external(signed.raw)
            assert message.to.hash == wallet.address.hash_part
            assert (order.kind, order.seqno, order.wallet_id) == (kind, seqno, 698983191)
            assert order.cell().hash == made["signing_message"].bytes_hash()
            assert signature == made["signature"]
            ((mode, cell),) = order.messages
            sent = Internal.read(cell)
            assert (mode, sent.to, sent.value) == (3, to, value)
            assert sent.body == (messages.comment(text) if text else Cell())


@oracle
def test_comments_and_jetton_bodies():
    rng = random.Random(18)
    cases = []
    for text in (*TEXTS[1:], None):
        cases.append(
            {
                "query": str(rng.randrange(2**64)),
                "amount": str(rng.choice((0, 1, rng.randrange(2**120)))),
                "to": random_address(rng).raw,
                "response": rng.choice((None, random_address(rng).raw)),
                "forward": str(rng.randrange(2**40)),
                "text": text,
            }
        )
    answers = ask(*(("jetton", case) for case in cases), *(("comment", {"text": text}) for text in TEXTS[1:]))
    for case, answer in zip(cases, answers[: len(cases)], strict=True):
        place = {name: case[name] and addresses.parse(case[name], testnet=False)[0] for name in ("to", "response")}
        payload = Cell() if case["text"] is None else messages.comment(case["text"])
        ours = jettons.Transfer(
            int(case["query"]), int(case["amount"]), place["to"], place["response"], int(case["forward"]), payload
        )
        theirs = boc.decode(bytes.fromhex(answer))
        assert ours.cell() == theirs
        assert jettons.Transfer.read(theirs) == ours
    for text, answer in zip(TEXTS[1:], answers[len(cases) :], strict=True):
        assert messages.comment(text) == boc.decode(bytes.fromhex(answer))
        assert messages.read_text(messages.comment(text)) == text


@oracle
def test_on_chain_content_is_found_in_their_dictionaries():
    rng = random.Random(19)
    cases = []
    for _ in range(40):
        fields = {f"field{n}": "v" * rng.randrange(1, 300) for n in range(rng.randrange(12))}
        fields |= rng.choice(
            ({}, {"symbol": "ABC"}, {"symbol": "ABC", "decimals": "6"}, {"uri": "u" * 400, "decimals": "0"})
        )
        cases.append({"fields": fields, "chunked": rng.random() < 0.5})
    for case, answer in zip(cases, ask(*(("content", case) for case in cases)), strict=True):
        found = jettons.onchain_content(boc.decode(bytes.fromhex(answer)))
        said = case["fields"]
        assert (found.symbol, found.decimals, found.uri) == (said.get("symbol"), said.get("decimals"), said.get("uri"))


@oracle
def test_ton_proofs_are_the_same_signature():
    rng = random.Random(20)
    cases = []
    for domain in ("example.com", "", "żółw.example"):
        seed, address = rng.randbytes(32).hex(), random_address(rng)
        cases.append(
            {
                "seed": seed,
                "address": address.raw,
                "domain": domain,
                "timestamp": rng.randrange(2**40),
                "payload": rng.choice(TEXTS),
            }
        )
    for case, answer in zip(cases, ask(*(("proof", case) for case in cases)), strict=True):
        owner = addresses.parse(case["address"], testnet=False)[0]
        with Ed25519Key(bytes.fromhex(case["seed"])) as key:
            options = {"form": "proof", "domain": case["domain"], "timestamp": case["timestamp"]}
            asked = proofs.request(owner, key.public_key, None, case["payload"], options)
            assert json.loads(proofs.written(asked, key.sign(asked.message)))["signature"] == answer


@oracle
def test_signed_data_is_the_same_signature():
    rng = random.Random(21)
    cases = []
    for text in (*TEXTS, None):
        cases.append(
            {
                "seed": rng.randbytes(32).hex(),
                "address": random_address(rng).raw,
                "domain": rng.choice(("example.com", "", "żółw.example")),
                "timestamp": rng.randrange(2**40),
                "text": text,
                "bytes": rng.randbytes(40).hex(),
            }
        )
    for case, answer in zip(cases, ask(*(("data", case) for case in cases)), strict=True):
        owner = addresses.parse(case["address"], testnet=False)[0]
        message = bytes.fromhex(case["bytes"]) if case["text"] is None else case["text"]
        with Ed25519Key(bytes.fromhex(case["seed"])) as key:
            options = {"domain": case["domain"], "timestamp": case["timestamp"]}
            asked = proofs.request(owner, key.public_key, None, message, options)
            assert json.loads(proofs.written(asked, key.sign(asked.message)))["signature"] == answer


@oracle
def test_the_24_words_of_ton_open_the_same_key():
    (answer,) = ask(("newWords", {"password": ""}))
    account = Wallet.from_mnemonic(answer["words"], standard="ton").account("ton")
    assert account.public_key.hex() == answer["publicKey"]


@oracle
def test_trust_wallet_derives_the_same_account():
    (answer,) = ask(("trust", {"words": WORDS}))
    wallet = Wallet.from_mnemonic(WORDS)
    account = wallet.account("ton", kind="v4r2")
    assert account.public_key.hex() == answer["publicKey"]
    assert str(account.path) == answer["path"]
    assert answer["address"] in {wallet.account("ton", kind=kind).address for kind in wallets.KINDS}
    assert account.address == answer["address"]
