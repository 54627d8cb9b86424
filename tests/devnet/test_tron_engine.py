"""The TRON engine against tronpy, which builds, signs and encodes on its own, and against java-tron's words."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet import Wallet, network
from multiwallet.devnet import Devnet
from multiwallet.devnet.tron import TronEngine
from multiwallet.devnet.tron_ledger import Prices
from multiwallet.devnet.tron_protocol import CONTRACTS, Transaction
from multiwallet.errors import InputError, InsufficientFunds, MultiwalletError, Rejected, Reverted

pytest.importorskip("tronpy", reason="tronpy is the independent client that this engine is held against")
from tronpy import Tron
from tronpy.exceptions import TvmError
from tronpy.keys import PrivateKey
from tronpy.providers import HTTPProvider

ALICE = PrivateKey(bytes([7]) * 32)
BOB = PrivateKey(bytes([8]) * 32)
CAROL = PrivateKey(bytes([9]) * 32)
A, B, C = (key.public_key.to_base58check_address() for key in (ALICE, BOB, CAROL))
TRX = 1_000_000


class Provider(HTTPProvider):
    """tronpy's way to the engine; bodies go through JSON text as over HTTP."""

    def __init__(self, engine: TronEngine) -> None:
        super().__init__("http://127.0.0.1:1")
        self.engine = engine

    def make_request(self, method: str, params: Any = None) -> Any:
        return json.loads(json.dumps(self.engine.rest("POST", method, text=json.dumps(params or {}))))


def ask(engine: TronEngine, path: str, **body: Any) -> Any:
    return engine.rest("POST", path, json={"visible": True, **body})


def start(*, automine: bool = True) -> TronEngine:
    engine = TronEngine(network("tron"), automine=automine)
    engine.fund(A, 1000 * TRX)
    return engine


@pytest.fixture
def engine() -> TronEngine:
    return start()


@pytest.fixture
def slow() -> TronEngine:
    return start(automine=False)


@pytest.fixture
def tron(engine: TronEngine) -> Tron:
    return Tron(provider=Provider(engine))


def signed(tron: Tron, to: str = B, amount: int = 5 * TRX, key: PrivateKey = ALICE, owner: str = A) -> Any:
    return tron.trx.transfer(owner, to, amount).build().sign(key)


def balance(engine: TronEngine, address: str) -> int:
    return int(ask(engine, "wallet/getaccount", address=address).get("balance", 0))


def decoded(answer: Any) -> str:
    return bytes.fromhex(answer["message"]).decode()


def send(engine: TronEngine, transaction: Any) -> Any:
    """A tronpy transaction as wallet/broadcasttransaction takes it, with addresses in hex."""
    return engine.rest("POST", "wallet/broadcasttransaction", json=transaction.to_json())


# -- identity and blocks -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tron", "tron-nile", "tron-shasta"])
def test_the_first_block_is_the_networks(name: str) -> None:
    row = network(name)
    engine = TronEngine(row)
    block = ask(engine, "wallet/getblockbynum", num=0)
    assert block["blockID"] == row.params["genesis"]
    assert "0x" + block["blockID"][-8:] == row.reference
    token = engine.deploy_token(symbol="T", decimals=0, supply_to="", supply=0)
    assert ask(engine, "wallet/getcontract", value=token)["name"] == "T"


def test_ids_are_hashes_of_headers_that_chain(engine: TronEngine) -> None:
    """Each header is encoded by Google's protobuf and hashed here."""
    engine.mine(5)
    previous = ask(engine, "wallet/getblockbynum", num=0)["blockID"]
    for number in range(1, 6):
        block = engine.rest("POST", "wallet/getblockbynum", json={"num": number})
        raw = block["block_header"]["raw_data"]
        header = header_class()(
            timestamp=raw["timestamp"],
            txTrieRoot=bytes.fromhex(raw["txTrieRoot"]),
            parentHash=bytes.fromhex(raw["parentHash"]),
            number=raw["number"],
            witness_address=bytes.fromhex(raw["witness_address"]),
            version=raw["version"],
        )
        digest = hashlib.sha256(header.SerializeToString()).digest()
        assert block["blockID"] == number.to_bytes(8, "big").hex() + digest[8:].hex()
        assert raw["parentHash"] == previous
        previous = block["blockID"]


def header_class() -> Any:
    """BlockHeader.raw of java-tron's Tron.proto, as a class of Google's protobuf; tronpy has none."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="header.proto", package="devnet", syntax="proto3")
    message = file.message_type.add(name="raw")
    int64, raw, int32 = 3, 12, 5
    fields = [("timestamp", 1, int64), ("txTrieRoot", 2, raw), ("parentHash", 3, raw), ("number", 7, int64)]
    for name, number, kind in [*fields, ("witness_address", 9, raw), ("version", 10, int32)]:
        message.field.add(name=name, number=number, type=kind, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("devnet.raw"))


def test_the_root_of_a_block_covers_its_transactions(slow: TronEngine) -> None:
    """The Merkle root, over transactions encoded by tronpy's protobuf classes."""
    tron = Tron(provider=Provider(slow))
    for amount in (1, 2, 3):
        assert send(slow, signed(tron, amount=amount))["result"] is True
    slow.mine()
    block = slow.rest("POST", "wallet/getnowblock", json={})
    leaves = []
    for item in block["transactions"]:
        raw = bytes.fromhex(item["raw_data_hex"])
        assert hashlib.sha256(raw).hexdigest() == item["txID"]
        signature = bytes.fromhex(item["signature"][0])
        result = b"\x2a\x02\x18\x01"  # field 5, a result whose contractRet is 1
        assert item["ret"] == [{"contractRet": "SUCCESS"}]
        whole = b"\x0a" + varint(len(raw)) + raw + b"\x12\x41" + signature + result
        leaves.append(hashlib.sha256(whole).digest())
    root = hashlib.sha256(hashlib.sha256(leaves[0] + leaves[1]).digest() + leaves[2]).hexdigest()
    assert block["block_header"]["raw_data"]["txTrieRoot"] == root


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128, number >> 7])


def test_blocks_become_solid(engine: TronEngine, tron: Tron) -> None:
    txid = signed(tron).broadcast().txid
    assert ask(engine, "walletsolidity/gettransactioninfobyid", value=txid) == {}
    assert ask(engine, "walletsolidity/getaccount", address=B) == {}
    engine.mine(18)
    assert ask(engine, "walletsolidity/gettransactionbyid", value=txid) == {}
    engine.advance(3)
    assert ask(engine, "walletsolidity/gettransactioninfobyid", value=txid)["id"] == txid
    assert ask(engine, "walletsolidity/getaccount", address=B)["balance"] == 5 * TRX
    assert tron.get_solid_transaction_info(txid)["id"] == txid


def test_time_makes_blocks_three_seconds_apart(engine: TronEngine) -> None:
    before = ask(engine, "wallet/getnowblock")["block_header"]["raw_data"]
    engine.advance(31)
    after = ask(engine, "wallet/getnowblock")["block_header"]["raw_data"]
    assert after["number"] == before["number"] + 10
    assert after["timestamp"] - before["timestamp"] >= 30_000
    engine.advance(10**6)
    assert ask(engine, "wallet/getnowblock")["block_header"]["raw_data"]["number"] == after["number"] + 32


# -- transfers -----------------------------------------------------------------------------------


def test_tronpy_sends_and_waits(engine: TronEngine, tron: Tron) -> None:
    transaction = signed(tron)
    sent = transaction.broadcast()
    assert sent["txid"] == transaction.txid
    info = sent.wait()
    # A new account: 1 TRX to create it and 0.1 TRX for the bandwidth.
    assert (info["fee"], info["receipt"]) == (1_100_000, {"net_fee": 100_000})
    assert tron.get_account_balance(B) == 5
    assert balance(engine, A) == 1000 * TRX - 5 * TRX - 1_100_000
    found = tron.get_transaction(transaction.txid)
    assert found["raw_data"]["contract"][0]["parameter"]["value"]["to_address"] == B
    assert found["ret"] == [{"contractRet": "SUCCESS"}]
    assert found["txID"] == transaction.txid


def test_free_bandwidth_is_used_up_burned_and_comes_back(engine: TronEngine, tron: Tron) -> None:
    engine.fund(B, TRX)
    usages = []
    for amount in (1, 2, 3):
        info = signed(tron, amount=amount).broadcast().wait()
        usages.append(info["receipt"])
    # Twice 265 or so bytes fit in 600; the third is burned at 1000 sun a byte.
    assert [sorted(item) for item in usages] == [["net_usage"], ["net_usage"], ["net_fee"]]
    size = usages[0]["net_usage"]
    assert usages[2]["net_fee"] == size * 1000
    assert tron.get_bandwidth(A) in (600 - 2 * size, 601 - 2 * size)
    engine.advance(43_200)
    assert 600 - tron.get_bandwidth(A) in range(size - 2, size + 3)
    engine.advance(43_200)
    assert tron.get_bandwidth(A) == 600


def test_bandwidth_is_the_size_and_64_bytes(engine: TronEngine, tron: Tron) -> None:
    engine.fund(B, TRX)
    transaction = signed(tron)
    txid = transaction.broadcast().txid
    raw = bytes.fromhex(ask(engine, "wallet/gettransactionbyid", value=txid)["raw_data_hex"])
    whole = 1 + len(varint(len(raw))) + len(raw) + 67
    assert ask(engine, "wallet/gettransactioninfobyid", value=txid)["receipt"]["net_usage"] == whole + 64


def test_a_memo_costs_one_trx(engine: TronEngine, tron: Tron) -> None:
    engine.fund(B, TRX)
    built = tron.trx.transfer(A, B, 1).memo("hello").build().sign(ALICE)
    info = built.broadcast().wait()
    assert info["fee"] == TRX
    assert ask(engine, "wallet/gettransactionbyid", value=built.txid)["raw_data"]["data"] == b"hello".hex()


def test_broadcasthex_takes_the_bytes(engine: TronEngine, tron: Tron) -> None:
    transaction = signed(tron)
    raw = Transaction.from_json(transaction.to_json()).encode()
    answer = engine.rest("POST", "wallet/broadcasthex", json={"transaction": raw.hex()})
    assert (answer["result"], answer["txid"]) == (True, transaction.txid)
    assert balance(engine, B) == 5 * TRX


@pytest.mark.parametrize("shift", [0, 27])
def test_both_forms_of_v_are_taken(engine: TronEngine, tron: Tron, shift: int) -> None:
    transaction = signed(tron)
    raw = bytearray.fromhex(transaction._signature[0])
    raw[64] = raw[64] % 27 + shift
    assert send(engine, transaction.set_signature([raw.hex()])) == {"result": True, "txid": transaction.txid}


def test_the_active_permission_signs_too(engine: TronEngine, tron: Tron) -> None:
    built = tron.trx.transfer(A, B, 1).permission_id(2).build().sign(ALICE)
    assert send(engine, built)["result"] is True
    other = tron.trx.transfer(A, B, 2).permission_id(3).build()
    other._permission = None
    answer = send(engine, other.sign(ALICE))
    assert (answer["code"], decoded(answer)) == ("SIGERROR", "Validate signature error: permission isn't exit")


# -- refusals ------------------------------------------------------------------------------------


def refused(engine: TronEngine, transaction: Any) -> tuple[str, str]:
    answer = send(engine, transaction)
    assert answer["result"] is False
    return answer["code"], decoded(answer)


def test_signatures_are_checked(engine: TronEngine, tron: Tron) -> None:
    transaction = signed(tron)
    good = transaction._signature[0]
    assert refused(engine, transaction.set_signature([])) == (
        "SIGERROR",
        "Validate signature error: miss sig or contract",
    )
    stranger = BOB.sign_msg_hash(bytes.fromhex(transaction.txid)).hex()
    code, words = refused(engine, transaction.set_signature([stranger]))
    assert code == "SIGERROR"
    assert words.endswith(f"is signed by {B} but it is not contained of permission.")
    assert "more than key counts" in refused(engine, transaction.set_signature([good, stranger]))[1]
    assert refused(engine, transaction.set_signature(["00" * 10]))[1].endswith("Signature size is 10")
    assert refused(engine, transaction.set_signature(["ff" * 65]))[0] == "SIGERROR"
    assert balance(engine, A) == 1000 * TRX


def test_the_second_time_is_a_duplicate(engine: TronEngine, slow: TronEngine, tron: Tron) -> None:
    transaction = signed(tron)
    assert send(engine, transaction)["result"] is True
    assert refused(engine, transaction) == ("DUP_TRANSACTION_ERROR", "Dup transaction.")
    waiting = signed(Tron(provider=Provider(slow)))
    assert send(slow, waiting)["result"] is True
    assert refused(slow, waiting)[0] == "DUP_TRANSACTION_ERROR"


def resigned(tron: Tron, **changes: Any) -> Any:
    """A transfer with other fields in raw_data, built offline and signed."""
    builder = tron.trx.transfer(A, B, 5)
    builder._raw_data.update(changes)
    solid = tron.get_latest_solid_block_id()
    transaction = builder.build(offline=True, ref_block_id=changes.get("reference", solid))
    transaction._raw_data.pop("reference", None)
    raw = Transaction.from_json(transaction.to_json()).raw_data
    transaction.txid = hashlib.sha256(raw).hexdigest()
    transaction._signature = [ALICE.sign_msg_hash(bytes.fromhex(transaction.txid)).hex()]
    return transaction


def test_expiration_and_reference_are_checked(engine: TronEngine, tron: Tron) -> None:
    head = ask(engine, "wallet/getnowblock")["block_header"]["raw_data"]["timestamp"]
    for expiration in (head, head - 1, head + 86_400_001):
        assert refused(engine, resigned(tron, expiration=expiration)) == (
            "TRANSACTION_EXPIRATION_ERROR",
            "Transaction expired",
        )
    for reference in ("00" * 6 + "0000" + "11" * 24, "00" * 6 + "0099" + "11" * 24):
        assert refused(engine, resigned(tron, reference=reference)) == ("TAPOS_ERROR", "Tapos check error.")
    assert send(engine, resigned(tron, expiration=head + 86_000_000))["result"] is True


def test_money_is_checked(engine: TronEngine, tron: Tron) -> None:
    engine.fund(B, TRX)
    assert refused(engine, signed(tron, amount=1001 * TRX)) == (
        "CONTRACT_VALIDATE_ERROR",
        "Contract validate error : Validate TransferContract error, balance is not sufficient.",
    )
    # What activates an account needs 1 TRX more, and its bandwidth is paid.
    assert "balance is not sufficient" in refused(engine, signed(tron, to=C, amount=1000 * TRX - 1_099_999))[1]
    assert send(engine, signed(tron, to=C, amount=1000 * TRX - 1_100_000))["result"] is True
    assert balance(engine, A) == 0


def test_an_account_without_bandwidth_or_trx_is_refused(engine: TronEngine, tron: Tron) -> None:
    engine.fund(B, 1000)
    engine.fund(C, TRX)
    for amount in (1, 2):
        assert send(engine, signed(tron, to=C, amount=amount, key=BOB, owner=B))["result"] is True
    assert refused(engine, signed(tron, to=C, amount=3, key=BOB, owner=B)) == (
        "BANDWITH_ERROR",
        "Account resource insufficient error.",
    )


@pytest.mark.parametrize(
    ("to", "amount", "words"),
    [
        (A, 1, "Cannot transfer TRX to yourself."),
        (B, 0, "Amount must be greater than 0."),
        (B, -1, "Amount must be greater than 0."),
    ],
)
def test_senseless_transfers_are_refused(engine: TronEngine, tron: Tron, to: str, amount: int, words: str) -> None:
    transaction = signed(tron, to=to, amount=amount)
    assert refused(engine, transaction) == ("CONTRACT_VALIDATE_ERROR", f"Contract validate error : {words}")


def test_unknown_accounts_and_contracts_as_recipients(engine: TronEngine, tron: Tron) -> None:
    code, words = refused(engine, signed(tron, to=A, key=BOB, owner=B))
    assert (code, words) == ("CONTRACT_VALIDATE_ERROR", f"Contract validate error : account [{B}] does not exist")
    token = engine.deploy_token(symbol="T", decimals=0, supply_to="", supply=0)
    assert refused(engine, signed(tron, to=token))[1].endswith("Cannot transfer TRX to a smartContract.")


def test_create_account(engine: TronEngine, tron: Tron) -> None:
    built = tron.trx._build_transaction(
        "AccountCreateContract",
        {"owner_address": ALICE.public_key.to_hex_address(), "account_address": BOB.public_key.to_hex_address()},
    ).build()
    assert send(engine, built.sign(ALICE))["result"] is True
    assert ask(engine, "wallet/getaccount", address=B)["address"] == B
    assert balance(engine, A) == 1000 * TRX - 1_100_000


# -- TRC-20 --------------------------------------------------------------------------------------


@pytest.fixture
def token(engine: TronEngine, tron: Tron) -> Any:
    return tron.get_contract(engine.deploy_token(symbol="TST", decimals=6, supply_to=A, supply=1000))


def test_tronpy_reads_and_moves_a_token(engine: TronEngine, tron: Tron, token: Any) -> None:
    assert token.functions.symbol() == "TST"
    assert token.functions.decimals() == 6
    assert token.functions.balanceOf(A) == 1000
    before = balance(engine, A)
    sent = token.functions.transfer(B, 400).with_owner(A).fee_limit(20 * TRX).build().sign(ALICE).broadcast()
    assert sent.result() is True
    assert (token.functions.balanceOf(A), token.functions.balanceOf(B)) == (600, 400)
    info = sent.wait()
    receipt = info["receipt"]
    assert receipt["result"] == "SUCCESS"
    assert receipt["energy_fee"] == receipt["energy_usage_total"] * 100
    assert before - balance(engine, A) == info["fee"] == receipt["energy_fee"] + receipt.get("net_fee", 0)
    (log,) = info["log"]
    assert log["topics"] == [
        "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
        ALICE.public_key.to_hex_address()[2:].rjust(64, "0"),
        BOB.public_key.to_hex_address()[2:].rjust(64, "0"),
    ]
    assert int(log["data"], 16) == 400


def test_a_refused_transfer_reverts_and_costs(engine: TronEngine, tron: Tron, token: Any) -> None:
    before = balance(engine, A)
    sent = token.functions.transfer(B, 1001).with_owner(A).fee_limit(20 * TRX).build().sign(ALICE).broadcast()
    with pytest.raises(TvmError):
        sent.result()
    info = ask(engine, "wallet/gettransactioninfobyid", value=sent["txid"])
    assert (info["result"], info["resMessage"]) == ("FAILED", "REVERT opcode executed")
    assert info["receipt"]["result"] == "REVERT"
    assert info["contractResult"][0].startswith("08c379a0")
    assert 0 < info["receipt"]["energy_fee"] <= info["fee"] == before - balance(engine, A)
    assert ask(engine, "wallet/gettransactionbyid", value=sent["txid"])["ret"] == [{"contractRet": "REVERT"}]
    assert token.functions.balanceOf(A) == 1000


def test_too_little_energy_costs_all_of_the_limit(engine: TronEngine, token: Any) -> None:
    limit = 100_000
    sent = token.functions.transfer(B, 1).with_owner(A).fee_limit(limit).build().sign(ALICE).broadcast()
    info = sent.wait()
    assert info["receipt"]["result"] == "OUT_OF_ENERGY"
    assert info["receipt"]["energy_usage_total"] == limit // 100
    assert info["receipt"]["energy_fee"] == limit
    assert token.functions.balanceOf(B) == 0


def test_the_fee_limit_has_a_maximum(engine: TronEngine, token: Any) -> None:
    built = token.functions.transfer(B, 1).with_owner(A).fee_limit(15_000_000_001).build().sign(ALICE)
    assert refused(engine, built)[1].endswith("feeLimit must be >= 0 and <= 15000000000")


def test_the_energy_price_is_a_parameter() -> None:
    engine = TronEngine(network("tron"), prices=Prices(energy=420))
    parameters = {
        item["key"]: item.get("value", 0) for item in ask(engine, "wallet/getchainparameters")["chainParameter"]
    }
    assert parameters["getEnergyFee"] == 420
    assert (parameters["getTransactionFee"], parameters["getMemoFee"]) == (1000, TRX)


def call_of(token: Any, data: str, **more: Any) -> dict[str, Any]:
    return {"owner_address": A, "contract_address": token.contract_address, "data": data, **more}


def transfer_data(to: PrivateKey, amount: int) -> str:
    return "a9059cbb" + to.public_key.to_hex_address()[2:].rjust(64, "0") + f"{amount:064x}"


def test_constant_calls_and_estimates_agree_with_the_execution(engine: TronEngine, tron: Tron, token: Any) -> None:
    trial = ask(engine, "wallet/triggerconstantcontract", **call_of(token, transfer_data(BOB, 5)))
    assert trial["result"] == {"result": True}
    assert int(trial["constant_result"][0], 16) == 1
    required = ask(engine, "wallet/estimateenergy", **call_of(token, transfer_data(BOB, 5)))["energy_required"]
    assert token.functions.balanceOf(B) == 0
    limit = required * 100
    info = token.functions.transfer(B, 5).with_owner(A).fee_limit(limit).build().sign(ALICE).broadcast().wait()
    assert info["receipt"]["result"] == "SUCCESS"
    assert info["receipt"]["energy_usage_total"] == trial["energy_used"] <= required


def test_a_constant_call_tells_a_revert(engine: TronEngine, token: Any) -> None:
    answer = ask(engine, "wallet/triggerconstantcontract", **call_of(token, transfer_data(BOB, 1001)))
    assert answer["result"] == {"result": True, "message": "REVERT opcode executed"}
    assert answer["transaction"]["ret"] == [{"ret": "FAILED"}]
    assert bytes.fromhex(answer["constant_result"][0]).find(b"transfer amount exceeds balance") > 0
    estimate = ask(engine, "wallet/estimateenergy", **call_of(token, transfer_data(BOB, 1001)))
    assert estimate["result"]["code"] == "CONTRACT_EXE_ERROR"
    nowhere = ask(engine, "wallet/triggerconstantcontract", owner_address=A, contract_address=B, data="95d89b41")
    assert nowhere["result"] == {"code": "CONTRACT_VALIDATE_ERROR", "message": "Smart contract is not exist."}


def test_what_the_node_makes_can_be_signed_and_sent(engine: TronEngine, token: Any) -> None:
    made = [
        ask(engine, "wallet/createtransaction", owner_address=A, to_address=B, amount=7),
        ask(
            engine,
            "wallet/triggersmartcontract",
            owner_address=A,
            contract_address=token.contract_address,
            function_selector="transfer(address,uint256)",
            parameter=transfer_data(BOB, 3)[8:],
            fee_limit=20 * TRX,
        )["transaction"],
    ]
    for body in made:
        assert hashlib.sha256(bytes.fromhex(body["raw_data_hex"])).hexdigest() == body["txID"]
        body["signature"] = [ALICE.sign_msg_hash(bytes.fromhex(body["txID"])).hex()]
        assert ask(engine, "wallet/broadcasttransaction", **body)["result"] is True
    assert (balance(engine, B), token.functions.balanceOf(B)) == (7, 3)
    error = ask(engine, "wallet/createtransaction", owner_address=A, to_address=A, amount=7)["Error"]
    assert error == "class org.tron.core.exception.ContractValidateException : Cannot transfer TRX to yourself."
    error = ask(engine, "wallet/createtransaction", owner_address=C, to_address=A, amount=7)["Error"]
    assert error.endswith("Validate TransferContract error, no OwnerAccount.")


def test_tronpy_deploys_a_contract(engine: TronEngine, tron: Tron) -> None:
    from tronpy import Contract

    from multiwallet.devnet.evm_token import token_bytecode

    contract = Contract(name="Mine", bytecode=token_bytecode("MINE", 2).hex(), abi=[])
    built = tron.trx.deploy_contract(A, contract).fee_limit(500 * TRX).build().sign(ALICE)
    info = built.broadcast().wait()
    assert info["receipt"]["result"] == "SUCCESS"
    address = info["contract_address"]
    # TRON's rule for the address, by tronpy's own hash.
    from tronpy.keys import keccak256, to_base58check_address

    expected = b"\x41" + keccak256(bytes.fromhex(built.txid) + bytes.fromhex(ALICE.public_key.to_hex_address()))[12:]
    assert to_base58check_address(address) == to_base58check_address(expected.hex())
    answer = ask(
        engine,
        "wallet/triggerconstantcontract",
        owner_address=A,
        contract_address=to_base58check_address(address),
        data="313ce567",
    )
    assert int(answer["constant_result"][0], 16) == 2


# -- the queue, reorganisations ------------------------------------------------------------------


def test_without_automine_a_transaction_waits(slow: TronEngine) -> None:
    tron = Tron(provider=Provider(slow))
    transaction = signed(tron)
    send(slow, transaction)
    assert ask(slow, "wallet/gettransactionbyid", value=transaction.txid) == {}
    assert ask(slow, "wallet/gettransactionfrompending", value=transaction.txid)["txID"] == transaction.txid
    assert ask(slow, "wallet/getpendingsize") == {"pendingSize": 1}
    # Like a node, the answers count what waits, and what it has spent cannot be spent again.
    assert balance(slow, A) < 1000 * TRX
    assert "not sufficient" in refused(slow, signed(tron, to=C, amount=994 * TRX))[1]
    slow.advance(30)
    assert ask(slow, "wallet/gettransactioninfobyid", value=transaction.txid) == {}
    slow.mine()
    assert ask(slow, "wallet/gettransactioninfobyid", value=transaction.txid)["id"] == transaction.txid


def test_what_expires_while_waiting_is_forgotten(slow: TronEngine) -> None:
    transaction = signed(Tron(provider=Provider(slow)))
    send(slow, transaction)
    slow.chain.produce(slow.chain.head.timestamp + 3_600_000, empty=True)
    slow.mine()
    assert ask(slow, "wallet/gettransactionbyid", value=transaction.txid) == {}
    assert ask(slow, "wallet/getpendingsize") == {"pendingSize": 0}


def test_drop(slow: TronEngine) -> None:
    transaction = signed(Tron(provider=Provider(slow)))
    send(slow, transaction)
    assert slow.drop(transaction.txid)
    assert not slow.drop(transaction.txid)
    assert not slow.drop("zz")
    assert balance(slow, A) == 1000 * TRX
    slow.mine()
    assert balance(slow, B) == 0


def test_reorg_puts_transactions_back(engine: TronEngine, tron: Tron, token: Any) -> None:
    engine.mine()
    sent = token.functions.transfer(B, 5).with_owner(A).fee_limit(20 * TRX).build().sign(ALICE).broadcast()
    before = ask(engine, "wallet/getnowblock")
    engine.reorg(1)
    after = ask(engine, "wallet/getnowblock")
    assert after["blockID"] != before["blockID"]
    assert after["blockID"][:16] == before["blockID"][:16]
    assert "transactions" not in after
    assert ask(engine, "wallet/gettransactioninfobyid", value=sent["txid"]) == {}
    assert ask(engine, "wallet/getblockbyid", value=before["blockID"]) == {}
    engine.mine()
    assert ask(engine, "wallet/gettransactioninfobyid", value=sent["txid"])["receipt"]["result"] == "SUCCESS"
    assert token.functions.balanceOf(B) == 5
    with pytest.raises(InputError):
        engine.reorg(20)


# -- other calls, hostile input ------------------------------------------------------------------


def test_small_calls(engine: TronEngine, tron: Tron) -> None:
    assert tron.get_node_info()["block"].startswith("Num:2,ID:0000000000000002")
    assert tron.list_nodes() == [] or tron.list_nodes() is not None
    assert ask(engine, "wallet/validateaddress", address=A) == {"result": True, "message": "Base58check format"}
    assert ask(engine, "wallet/validateaddress", address="T" * 34)["result"] is False
    assert ask(engine, "wallet/getaccount", address=C) == {}
    assert ask(engine, "wallet/getaccountresource", address=C) == {}
    assert ask(engine, "wallet/getblock")["blockID"] == ask(engine, "wallet/getnowblock")["blockID"]
    assert "transactions" in ask(engine, "wallet/getblock", id_or_num="2", detail=True)
    assert "transactions" not in ask(engine, "wallet/getblock", id_or_num="2")
    assert len(ask(engine, "wallet/gettransactioninfobyblocknum", num=2)) == 1
    assert [
        b["block_header"]["raw_data"]["number"]
        for b in ask(engine, "wallet/getblockbylimitnext", startNum=1, endNum=3)["block"]
    ] == [1, 2]
    assert engine.rest("GET", "/wallet/getaccount", query={"address": A, "visible": "true"})["balance"] == 1000 * TRX
    assert engine.rest("POST", "wallet/getaccount", json={"address": ALICE.public_key.to_hex_address()})["address"] == (
        ALICE.public_key.to_hex_address()
    )
    assert "INVALID hex String" in engine.rest("POST", "wallet/getaccount", json={"address": A})["Error"]
    for method, path, status in (("POST", "wallet/nothing", 404), ("DELETE", "wallet/getnowblock", 405)):
        with pytest.raises(Rejected) as caught:
            engine.rest(method, path)
        assert caught.value.node_code == status
    with pytest.raises(Rejected):
        engine.rpc("eth_chainId", [])


GARBAGE = start()
FIELDS = ["address", "value", "num", "visible", "transaction", "raw_data", "signature", "owner_address", "contract_address", "data", "amount", "to_address", "function_selector", "id_or_num"]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=70) | st.sampled_from([A, B, "00" * 32, "TransferContract"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*FIELDS, "contract", "parameter", "type"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(
    st.sampled_from(sorted(GARBAGE._http._calls)),
    st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=5) | ANYTHING,
)
@settings(max_examples=400)
def test_hostile_requests_get_an_answer(path: str, body: Any) -> None:
    with suppress(MultiwalletError):
        json.dumps(GARBAGE.rest("POST", path, json=body))
    with suppress(MultiwalletError):
        GARBAGE.rest("POST", path, text=str(body))


@given(st.binary(max_size=120))
@settings(max_examples=150)
def test_hostile_bytes_are_refused(raw: bytes) -> None:
    answer = GARBAGE.rest("POST", "wallet/broadcasthex", json={"transaction": raw.hex()})
    assert "Error" in answer or answer["result"] is False


def _sample() -> bytes:
    return Transaction.from_json(signed(Tron(provider=Provider(GARBAGE))).to_json()).encode()


SAMPLE = _sample()


@given(st.integers(0, len(SAMPLE) - 1), st.integers(1, 255))
@settings(max_examples=200)
def test_a_damaged_transaction_is_refused_or_is_the_same(position: int, change: int) -> None:
    raw = bytearray(SAMPLE)
    raw[position] ^= change
    answer = GARBAGE.rest("POST", "wallet/broadcasthex", json={"transaction": bytes(raw).hex()})
    same_v = position == len(SAMPLE) - 1 and abs(raw[position] - SAMPLE[position]) == 27  # 0 and 27 mean the same
    assert "Error" in answer or answer["result"] is False or same_v


@given(
    st.sampled_from([1, 31]),
    st.integers(1, 2**62),
    st.binary(max_size=80),
    st.integers(0, 2**40),
    st.integers(0, 9),
    st.lists(st.binary(min_size=65, max_size=65), max_size=2),
)
def test_the_encoding_is_that_of_protobuf(
    kind: int, number: int, data: bytes, fee_limit: int, permission: int, signatures: list[bytes]
) -> None:
    """Against Google's protobuf with tronpy's message classes: same bytes out, same values in."""
    from google.protobuf.any_pb2 import Any as Packed
    from tronpy.proto import tron_pb2

    owner, other = (bytes.fromhex(key.public_key.to_hex_address()) for key in (ALICE, BOB))
    value: dict[str, Any] = {"owner_address": owner}
    if kind == 1:
        value |= {"to_address": other, "amount": number}
        packed = tron_pb2.TransferContract(**value)
    else:
        value |= {"contract_address": other, "call_value": number, **({"data": data} if data else {})}
        packed = tron_pb2.TriggerSmartContract(**value)
    name = CONTRACTS[kind][0]
    theirs = tron_pb2.Transaction(
        raw_data=tron_pb2.Transaction.raw(
            ref_block_bytes=b"\x01\x02",
            ref_block_hash=b"12345678",
            expiration=number,
            data=data,
            contract=[
                tron_pb2.Transaction.Contract(
                    type=kind,
                    parameter=Packed(type_url="type.googleapis.com/protocol." + name, value=packed.SerializeToString()),
                    Permission_id=permission,
                )
            ],
            timestamp=7,
            fee_limit=fee_limit,
        ),
        signature=signatures,
    ).SerializeToString()
    head = {"ref_block_bytes": b"\x01\x02", "ref_block_hash": b"12345678", "expiration": number, "timestamp": 7}
    head |= {"data": data} if data else {}
    head |= {"fee_limit": fee_limit} if fee_limit else {}
    ours = Transaction(kind, value, head, permission, tuple(signatures))
    assert ours.encode() == theirs
    assert Transaction.decode(theirs) == ours
    assert Transaction.from_json(ours.to_json(visible=True)) == ours


# -- the adapter ---------------------------------------------------------------------------------

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


def test_the_wallet_sends_trx_and_tokens() -> None:
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        payer, payee = wallet.account("tron"), wallet.account("tron", index=1)
        devnet.fund(payer, "100")
        token = devnet.deploy_token("tron", symbol="USDX", decimals=6, holder=payer, supply="50")
        quoted = payer.quote(to=payee.address, amount="1")
        receipt = payer.wait(payer.send(to=payee.address, amount="1", memo="rent").txid, confirmations=3)
        assert receipt.fee is not None
        assert receipt.fee.units == quoted.expected.units + TRX  # and the memo
        quoted = payer.quote(to=payee.address, amount="2", asset=token)
        receipt = payer.wait(payer.send(to=payee.address, amount="2", asset=token).txid)
        assert receipt.fee is not None
        assert receipt.fee.units <= quoted.maximum.units
        assert str(payee.balance(token)) == "2 USDX"
        assert str(payee.balance()) == "1 TRX"
        with pytest.raises(InsufficientFunds):
            payer.send(to=payee.address, amount="1000")
        with pytest.raises((InsufficientFunds, Reverted)):
            payer.send(to=payee.address, amount="49", asset=token)
        devnet.mine("tron", 20)
        assert payer.wait(receipt.txid).final


def test_the_wallet_sends_everything() -> None:
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        payer, payee = wallet.account("tron"), wallet.account("tron", index=1)
        devnet.fund(payer, "10")
        payer.wait(payer.send(to=payee.address, amount="max").txid)
        assert str(payer.balance()) == "0 TRX"
        assert str(payee.balance()) == "8.9 TRX"
