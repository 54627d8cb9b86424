"""Antelope against wharfkit (npm: @wharfkit/antelope and @wharfkit/signing-request), on random inputs."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from multiwallet import Wallet, network
from multiwallet.chain import Holder
from multiwallet.chains.antelope import Antelope, esr, known_abis, names, public_keys, serialization, transaction
from multiwallet.chains.antelope.abi import Abi
from multiwallet.chains.antelope.names import Level
from multiwallet.chains.antelope.public_keys import PublicKey
from multiwallet.chains.antelope.transaction import Call, Transaction
from multiwallet.crypto.hashes import sha256
from multiwallet.crypto.secp256k1 import SecpKey

pytestmark = pytest.mark.oracle

HERE = Path(__file__).resolve().parent
CHAIN = Antelope()
ROW = network("eos-jungle")
ROUNDS = 40

TOKEN = {
    "version": "eosio::abi/1.1",
    "structs": [
        {
            "name": "transfer",
            "base": "",
            "fields": [
                {"name": "from", "type": "name"},
                {"name": "to", "type": "name"},
                {"name": "quantity", "type": "asset"},
                {"name": "memo", "type": "string"},
            ],
        }
    ],
    "actions": [{"name": "transfer", "type": "transfer", "ricardian_contract": "words for people"}],
    "tables": [{"name": "accounts", "index_type": "i64", "key_names": ["a"], "key_types": ["b"], "type": "transfer"}],
}
EVERYTHING = {
    "version": "eosio::abi/1.2",
    "types": [{"new_type_name": "owner_name", "type": "name"}, {"new_type_name": "names", "type": "owner_name[]"}],
    "structs": [
        {
            "name": "base",
            "base": "",
            "fields": [{"name": "flag", "type": "bool"}, {"name": "who", "type": "owner_name"}],
        },
        {
            "name": "middle",
            "base": "base",
            "fields": [
                {"name": "u8", "type": "uint8"},
                {"name": "u16", "type": "uint16"},
                {"name": "u32", "type": "uint32"},
                {"name": "u64", "type": "uint64"},
                {"name": "u128", "type": "uint128"},
                {"name": "i8", "type": "int8"},
                {"name": "i16", "type": "int16"},
                {"name": "i32", "type": "int32"},
                {"name": "i64", "type": "int64"},
                {"name": "i128", "type": "int128"},
                {"name": "vu", "type": "varuint32"},
                {"name": "vi", "type": "varint32"},
            ],
        },
        {
            "name": "all",
            "base": "middle",
            "fields": [
                {"name": "f64", "type": "float64"},
                {"name": "tp", "type": "time_point"},
                {"name": "tps", "type": "time_point_sec"},
                {"name": "bt", "type": "block_timestamp_type"},
                {"name": "data", "type": "bytes"},
                {"name": "text", "type": "string"},
                {"name": "c160", "type": "checksum160"},
                {"name": "c256", "type": "checksum256"},
                {"name": "c512", "type": "checksum512"},
                {"name": "key", "type": "public_key"},
                {"name": "sig", "type": "signature"},
                {"name": "sym", "type": "symbol"},
                {"name": "code", "type": "symbol_code"},
                {"name": "quantity", "type": "asset"},
                {"name": "ext", "type": "extended_asset"},
                {"name": "list", "type": "names"},
                {"name": "maybe", "type": "string?"},
                {"name": "pick", "type": "choice"},
                {"name": "picks", "type": "choice[]"},
                {"name": "later", "type": "uint8$"},
                {"name": "last", "type": "base$"},
            ],
        },
    ],
    "variants": [{"name": "choice", "types": ["uint8", "string", "base", "names"]}],
    "actions": [{"name": "all", "type": "all", "ricardian_contract": ""}],
}


class Oracle:
    """One node process with the JavaScript libraries."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, "antelope.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def __call__(self, call: str, **args: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": call, "args": args}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the node process ended"
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["result"]

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules" / "@wharfkit" / "antelope").exists():
        pytest.skip("node or tests/oracles/node_modules is missing: run npm ci there")
    oracle = Oracle(node)
    yield oracle
    oracle.stop()


def _name(rng: random.Random) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz12345."
    return "".join(rng.choice(letters) for _ in range(rng.randrange(1, 13))).strip(".") or "a"


def _asset(rng: random.Random) -> str:
    precision = rng.randrange(0, 10)
    code = "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(rng.randrange(1, 8)))
    units = rng.choice((0, 1, rng.randrange(2**40), 2**62 - 1)) * rng.choice((1, -1))
    return names.asset_text(names.Quantity(units, names.Symbol(code, precision)))


def _text(rng: random.Random) -> str:
    return "".join(rng.choice('aZ09 ."\\é漢🚀\n') for _ in range(rng.randrange(0, 40)))


def _base(rng: random.Random) -> dict[str, Any]:
    return {"flag": rng.random() < 0.5, "who": _name(rng)}


def _choice(rng: random.Random) -> list[Any]:
    return rng.choice(
        (["uint8", rng.randrange(256)], ["string", _text(rng)], ["base", _base(rng)], ["names", [_name(rng)] * 2])
    )


def _everything(rng: random.Random) -> dict[str, Any]:
    key = SecpKey(rng.randbytes(32))
    signature = public_keys.signature_bytes(key.sign_canonical(rng.randbytes(32)))
    value: dict[str, Any] = _base(rng)
    for size in (8, 16, 32, 64, 128):
        value[f"u{size}"] = rng.choice((0, rng.randrange(2**size), 2**size - 1))
        value[f"i{size}"] = rng.choice((-(2 ** (size - 1)), rng.randrange(2 ** (size - 1)), -1))
        if size > 32:
            value[f"u{size}"], value[f"i{size}"] = str(value[f"u{size}"]), str(value[f"i{size}"])
    seconds = rng.randrange(2**32) * 1_000_000
    return value | {
        "vu": rng.choice((0, 127, 128, 2**32 - 1)),
        "vi": rng.choice((0, -1, 2**31 - 1, -(2**31), rng.randrange(1000))),
        "f64": rng.choice(("0.5", "-1234.25", "1.5")),
        "tp": names.time_text(seconds + rng.randrange(1000) * 1000),
        "tps": names.time_text(seconds),
        "bt": names.time_text(946_684_800_000_000 + rng.randrange(2**30) * 500_000),
        "data": rng.randbytes(rng.randrange(0, 300)).hex(),
        "text": _text(rng),
        "c160": rng.randbytes(20).hex(),
        "c256": rng.randbytes(32).hex(),
        "c512": rng.randbytes(64).hex(),
        "key": public_keys.key_text(PublicKey(0, key.public_key)),
        "sig": public_keys.signature_text(signature),
        "sym": f"{rng.randrange(0, 10)},ABC",
        "code": "EOS",
        "quantity": _asset(rng),
        "ext": {"quantity": _asset(rng), "contract": _name(rng)},
        "list": [_name(rng) for _ in range(rng.randrange(0, 5))],
        "maybe": rng.choice((None, _text(rng))),
        "pick": _choice(rng),
        "picks": [_choice(rng) for _ in range(rng.randrange(0, 4))],
    }


def test_names_and_assets(oracle: Oracle) -> None:
    rng = random.Random(1)
    for _ in range(ROUNDS):
        name, asset = _name(rng), _asset(rng)
        assert oracle("nameValue", text=name) == str(names.name_value(name))
        value = rng.getrandbits(64)
        assert oracle("nameText", value=str(value)).rstrip(".") == names.name_text(value)
        assert oracle("assetBytes", text=asset) == serialization.encode(Abi(), "asset", asset).hex()


def test_keys_in_every_form(oracle: Oracle) -> None:
    rng = random.Random(2)
    for _ in range(ROUNDS):
        private = rng.randbytes(32)
        public = SecpKey(private).public_key
        told = oracle("publicKey", hex=public.hex())
        assert told["text"] == CHAIN.address(ROW, public)
        assert told["legacy"] == public_keys.legacy_text(public)
        assert told["old"] == public_keys.legacy_text(public, "ENU")
        assert CHAIN.parse_address(ROW, told["legacy"]) == told["text"]
        assert CHAIN.parse_address(network("enu"), told["old"]) == told["text"]
        wallet = Wallet.from_private_key("eos", private)
        exported = wallet.account("eos").export_private_key()
        again = oracle("privateKey", text=exported)
        assert again["publicKey"] == told["text"]
        for form in (again["text"], again["wif"]):
            assert Wallet.from_private_key("eos", form).account("eos").address == told["text"]


def test_signatures_are_theirs_and_ours(oracle: Oracle) -> None:
    rng = random.Random(3)
    for _ in range(ROUNDS):
        private, text = rng.randbytes(32), _text(rng)
        account = Wallet.from_private_key("eos", private).account("eos")
        ours = account.sign_message(text)
        assert oracle("verifyMessage", key=account.address, text=text, signature=ours) is True
        digest = sha256(text.encode())
        assert oracle("recover", signature=ours, digest=digest.hex()) == account.address
        theirs = oracle("sign", key=account.export_private_key(), digest=digest.hex())
        assert account.verify_message(text, theirs)
        assert not account.verify_message(text + "!", theirs)


def test_values_of_every_type(oracle: Oracle) -> None:
    rng, abi = random.Random(4), Abi.of(EVERYTHING)
    for turn in range(ROUNDS):
        value = _everything(rng)
        if turn % 3:
            value["later"] = 7
            if turn % 3 > 1:
                value["last"] = _base(rng)
        theirs = oracle("encode", abi=EVERYTHING, type="all", value=value)
        ours = serialization.encode(abi, "all", value)
        assert ours.hex() == theirs
        read = serialization.decode(abi, "all", ours)
        assert serialization.encode(abi, "all", read) == ours
        told = oracle("decode", abi=EVERYTHING, type="all", hex=theirs)
        for field in ("who", "text", "quantity", "ext", "list", "maybe", "key", "sig", "sym", "c256", "data", "vi"):
            assert read[field] == told[field], field


def test_abis_in_bytes_are_those_in_json(oracle: Oracle) -> None:
    for source in (TOKEN, EVERYTHING):
        assert Abi.decode(bytes.fromhex(oracle("abiBytes", abi=source))) == Abi.of(source)


def _transfer(rng: random.Random) -> dict[str, Any]:
    return {
        "account": "eosio.token",
        "name": "transfer",
        "authorization": [{"actor": _name(rng), "permission": rng.choice(("active", "owner", "pay"))}],
        "data": {"from": _name(rng), "to": _name(rng), "quantity": _asset(rng), "memo": _text(rng)},
    }


def _header(rng: random.Random) -> dict[str, Any]:
    return {
        "expiration": names.time_text(rng.randrange(1, 2**32) * 1_000_000),
        "ref_block_num": rng.randrange(2**16),
        "ref_block_prefix": rng.randrange(2**32),
        "max_net_usage_words": rng.choice((0, rng.randrange(2**28))),
        "max_cpu_usage_ms": rng.choice((0, 255)),
        "delay_sec": rng.choice((0, 300)),
    }


def test_transactions_ids_and_digests(oracle: Oracle) -> None:
    rng = random.Random(5)
    for _ in range(ROUNDS):
        key = SecpKey(rng.randbytes(32))
        holder = Holder(ROW, CHAIN.address(ROW, key.public_key), key.public_key)
        value = _header(rng) | {"actions": [_transfer(rng) for _ in range(rng.randrange(1, 4))]}
        chain_id = ROW.params["chain_id"]
        told = oracle("transaction", value=value, chainId=chain_id, abis={"eosio.token": TOKEN})
        for form in (value, json.dumps(value), told["json"], told["hex"], bytes.fromhex(told["hex"])):
            unsigned = CHAIN.adopt(holder, form)
            assert unsigned.body.hex() == told["hex"]
        (request,) = CHAIN.authorize(holder, unsigned)
        assert request.message.hex() == told["digest"]
        signed = CHAIN.assemble(unsigned, [(request, key.sign_canonical(request.message))])
        assert signed.txid == told["id"]
        wire = signed.to_wire()
        assert oracle("recover", signature=wire["signatures"][0], digest=told["digest"]) == holder.address
        for compress in (False, True):
            packed = oracle("packed", value=told["json"], signatures=wire["signatures"], compress=compress)
            again = CHAIN.parse_signed(ROW, packed)
            assert (again.raw, again.txid) == (signed.raw, signed.txid)


def test_signing_requests_are_read_as_they_were_written(oracle: Oracle) -> None:
    rng = random.Random(6)
    for turn in range(ROUNDS):
        actions = [_transfer(rng) for _ in range(1 + turn % 3)]
        for action in actions:
            action["authorization"] = [{"actor": "............1", "permission": "............2"}]
            action["data"]["from"] = "............1"
            action["data"]["memo"] = rng.choice(("............1", _text(rng)))
        chain_id = rng.choice((*esr.CHAIN_ALIASES.values(), ROW.params["chain_id"], rng.randbytes(32).hex()))
        callback = rng.choice(("", "https://example.com/?tx={{tx}}"))
        args: dict[str, Any] = {"chainId": chain_id, "callback": {"url": callback, "background": turn % 2 == 0}}
        whole = turn % 4 == 3
        if whole:
            args["transaction"] = _header(rng) | {"actions": actions}
        elif len(actions) == 1:
            args["action"] = actions[0]
        else:
            args["actions"] = actions
        text = oracle("request", args=args, abis={"eosio.token": TOKEN}, compress=turn % 2 == 0)
        request = esr.decode(text)
        assert request.chain_id.hex() == chain_id
        assert request.callback == callback
        told = oracle("readRequest", text=text)
        assert [call.data.hex() for call in request.actions] == [item["data"] for item in told["raw"]]
        for compress in (True, False):
            ours = esr.encode(request, compress=compress)
            assert oracle("readRequest", text=ours) == told
            assert esr.decode(ours) == request
        signer, header = Level("alice", "pay"), _header(rng)
        theirs = oracle(
            "resolveRequest",
            text=text,
            signer=signer._asdict(),
            abis={"eosio.token": TOKEN},
            context={name: header[name] for name in ("expiration", "ref_block_num", "ref_block_prefix")},
        )
        calls = esr.resolve(ROW, request.actions, signer, {})
        if request.transaction is not None:
            resolved = replace(request.transaction, actions=calls)
        else:
            resolved = replace(Transaction.decode(bytes.fromhex(theirs["hex"])), actions=calls)
        assert resolved.encode().hex() == theirs["hex"]


def test_a_request_of_ours_signs_as_theirs(oracle: Oracle) -> None:
    data = serialization.encode(
        known_abis.TOKEN, "transfer", {"from": "............1", "to": "bob", "quantity": "1.0000 EOS", "memo": "hi"}
    )
    call = Call("eosio.token", "transfer", (Level("............1", "............2"),), data)
    body = Transaction(1_800_000_000, 7, 9, (call,))
    text = esr.encode(esr.Request(bytes.fromhex(ROW.params["chain_id"]), (call,), body))
    account = Wallet.from_private_key("eos-jungle", b"\x07" * 32).account("eos-jungle", kind="alice@pay")
    unsigned = account.read(text)
    theirs = oracle(
        "resolveRequest",
        text=text,
        signer={"actor": "alice", "permission": "pay"},
        abis={"eosio.token": TOKEN},
        context={},
    )
    assert unsigned.body.hex() == theirs["hex"]
    assert account.sign(text).txid == transaction.identity(unsigned.body)
