"""The Cosmos engine: the SDK's codes, and bytes that cosmjs-like clients could have sent."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet import network
from multiwallet.codec.protobuf import bytes_field, message_field, varint_field
from multiwallet.crypto.hashes import hash160, keccak256, sha256
from multiwallet.crypto.secp256k1 import SecpKey, decompress
from multiwallet.devnet import Devnet
from multiwallet.devnet.cosmos import CosmosEngine
from multiwallet.devnet.cosmos_protocol import bech32_text, read_bech32
from multiwallet.errors import InputError, Rejected, Unsupported

ALICE = SecpKey(b"\x07" * 32)
A = bech32_text("cosmos", hash160(ALICE.public_key))
B = bech32_text("cosmos", b"\x02" * 20)
ATOM = 10**6


@pytest.fixture
def engine() -> CosmosEngine:
    made = CosmosEngine(network("cosmos"))
    made.fund(A, 10 * ATOM)
    return made


def get(engine: CosmosEngine, path: str, **query: str) -> Any:
    return engine.rest("GET", path, query=query)


def transaction(engine: CosmosEngine, **changes: Any) -> bytes:
    """A send of one ATOM, written here by hand, with any of its parts changed."""
    account = engine.books.accounts[A]
    options: dict[str, Any] = {
        "to": B,
        "denom": "uatom",
        "amount": str(ATOM),
        "memo": "",
        "timeout": 0,
        "fee": 5000,
        "gas": 200_000,
        "sequence": account.sequence,
        "number": account.number,
        "chain": "cosmoshub-4",
        "mode": 1,
        "url": "/cosmos.bank.v1beta1.MsgSend",
        "sender": A,
        **changes,
    }
    coin = bytes_field(1, options["denom"].encode()) + bytes_field(2, options["amount"].encode())
    send = bytes_field(1, options["sender"].encode()) + bytes_field(2, options["to"].encode()) + message_field(3, coin)
    message = bytes_field(1, options["url"].encode()) + bytes_field(2, send)
    body = message_field(1, message) + bytes_field(2, options["memo"].encode()) + varint_field(3, options["timeout"])
    key = bytes_field(1, b"/cosmos.crypto.secp256k1.PubKey") + bytes_field(2, bytes_field(1, ALICE.public_key))
    signer = message_field(1, key) + message_field(2, message_field(1, varint_field(1, options["mode"])))
    paid = bytes_field(1, b"uatom") + bytes_field(2, str(options["fee"]).encode())
    fee = (message_field(1, paid) if options["fee"] else b"") + varint_field(2, options["gas"])
    auth = message_field(1, signer + varint_field(3, options["sequence"])) + message_field(2, fee)
    document = bytes_field(1, body) + bytes_field(2, auth) + bytes_field(3, options["chain"].encode())
    signature = ALICE.sign_compact(sha256(document + varint_field(4, options["number"])))
    return bytes_field(1, body) + bytes_field(2, auth) + bytes_field(3, options.get("signature", signature))


def send(engine: CosmosEngine, raw: bytes, mode: str = "BROADCAST_MODE_SYNC") -> Any:
    body = {"tx_bytes": base64.b64encode(raw).decode(), "mode": mode}
    return engine.rest("POST", "cosmos/tx/v1beta1/txs", json=body)["tx_response"]


def held(engine: CosmosEngine, address: str) -> int:
    answer = get(engine, f"/cosmos/bank/v1beta1/balances/{address}/by_denom", denom="uatom")
    return int(answer["balance"]["amount"])


def test_a_transfer_written_by_hand_is_executed(engine: CosmosEngine) -> None:
    raw = transaction(engine)
    answer = send(engine, raw)
    assert (answer["code"], answer["txhash"]) == (0, sha256(raw).hex().upper())
    assert (held(engine, A), held(engine, B)) == (9 * ATOM - 5000, ATOM)
    found = get(engine, f"cosmos/tx/v1beta1/txs/{answer['txhash']}")
    assert found["tx_response"]["code"] == 0
    assert found["tx"]["auth_info"]["fee"]["amount"] == [{"denom": "uatom", "amount": "5000"}]
    assert get(engine, f"cosmos/auth/v1beta1/accounts/{A}")["account"]["sequence"] == "1"
    assert send(engine, raw)["code"] == 19


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"number": 99}, 4),
        ({"chain": "osmosis-1"}, 4),
        ({"signature": b"\x01" * 64}, 4),
        ({"mode": 127}, 4),  # signed directly, and said to be amino
        ({"mode": 2}, 4),
        ({"sequence": 5}, 32),
        ({"fee": 1}, 13),
        ({"fee": 0}, 13),
        ({"fee": 11 * ATOM}, 5),
        ({"gas": 1000}, 11),
        ({"memo": "x" * 257}, 12),
        ({"timeout": 1}, 30),
        ({"sender": B}, 8),
        ({"url": "/cosmos.bank.v1beta1.MsgMultiSend"}, 2),
        ({"denom": ""}, 2),
    ],
)
def test_what_is_wrong_has_the_sdks_code(engine: CosmosEngine, changes: dict[str, Any], code: int) -> None:
    answer = send(engine, transaction(engine, **changes))
    assert (answer["code"], answer["codespace"]) == (code, "sdk")
    assert (held(engine, A), held(engine, B)) == (10 * ATOM, 0)
    assert send(engine, transaction(engine))["code"] == 0


def test_a_failing_message_keeps_the_fee(engine: CosmosEngine) -> None:
    answer = send(engine, transaction(engine, amount=str(20 * ATOM)))
    assert answer["code"] == 0
    found = get(engine, f"cosmos/tx/v1beta1/txs/{answer['txhash']}")["tx_response"]
    assert found["code"] == 5
    assert "insufficient funds" in found["raw_log"]
    assert (held(engine, A), held(engine, B)) == (10 * ATOM - 5000, 0)


def test_amino_signatures_are_over_the_json(engine: CosmosEngine) -> None:
    text = (
        '{"account_number":"NUMBER","chain_id":"cosmoshub-4","fee":{"amount":[{"amount":"5000","denom":"uatom"}],"gas":'
        '"200000"},"memo":"\\u003ca\\u003e","msgs":[{"type":"cosmos-sdk/MsgSend","value":{"amount":[{"amount":"1000000",'
        '"denom":"uatom"}],"from_address":"ALICE","to_address":"BOB"}}],"sequence":"0"}'
    )
    for word, value in (("NUMBER", str(engine.books.accounts[A].number)), ("ALICE", A), ("BOB", B)):
        text = text.replace(word, value)
    signature = ALICE.sign_compact(sha256(text.encode()))
    assert send(engine, transaction(engine, mode=127, memo="<a>", signature=signature))["code"] == 0
    assert held(engine, B) == ATOM


def test_blocks_wait_without_automine() -> None:
    engine = CosmosEngine(network("cosmos"), automine=False)
    engine.fund(A, 10 * ATOM)
    first = send(engine, transaction(engine))["txhash"]
    second = send(engine, transaction(engine, sequence=1))["txhash"]
    assert send(engine, transaction(engine, amount="5"))["code"] == 32  # the check state has counted on
    with pytest.raises(Rejected) as raised:
        get(engine, f"cosmos/tx/v1beta1/txs/{first}")
    assert raised.value.node_code == 404
    assert raised.value.data["code"] == 5  # type: ignore[index]  # the gateway's body
    assert engine.drop(first)
    assert not engine.drop(first)
    engine.mine()
    assert second not in engine.places  # its sequence was not the next one any more
    send(engine, transaction(engine))
    engine.mine()
    assert held(engine, B) == ATOM
    with pytest.raises(Unsupported, match="final"):
        engine.reorg()


def test_time_brings_blocks_and_stakes_come_back() -> None:
    with Devnet() as devnet:
        engine = devnet.engine("cosmos")
        assert isinstance(engine, CosmosEngine)
        height = engine.head.height
        engine.advance(60)
        assert 8 <= engine.head.height - height <= 11
        from multiwallet import Wallet

        account = Wallet.from_mnemonic("test " * 11 + "junk", transport=devnet).account("cosmos")
        devnet.fund(account, "5")
        validator = engine.validators[0]
        account.send(to=account.address, amount="3", delegate=validator).wait()
        account.send(to=account.address, amount="2", undelegate=validator).wait()
        assert str(account.balance().locked) == "3 ATOM"
        engine.advance(22 * 86_400)
        assert str(account.balance().locked) == "1 ATOM"


def test_simulation_needs_no_signature(engine: CosmosEngine) -> None:
    def simulate(raw: bytes) -> Any:
        return engine.rest("POST", "cosmos/tx/v1beta1/simulate", json={"tx_bytes": base64.b64encode(raw).decode()})

    used = int(simulate(transaction(engine, signature=bytes(64)))["gas_info"]["gas_used"])
    assert send(engine, transaction(engine, gas=used))["code"] == 0
    for raw, status in (
        (transaction(engine, amount=str(90 * ATOM)), 500),
        (transaction(engine, sequence=77), 500),
        (b"\xff\xff", 400),
    ):
        with pytest.raises(Rejected) as raised:
            simulate(raw)
        assert raised.value.node_code == status


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nowhere", None, 501),
        ("POST", "nowhere", {}, 501),
        ("PUT", "cosmos/tx/v1beta1/txs", {}, 501),
        ("POST", "cosmos/tx/v1beta1/txs", {"tx_bytes": "AA=="}, 400),
        ("POST", "cosmos/tx/v1beta1/txs", {"tx_bytes": "!", "mode": "BROADCAST_MODE_SYNC"}, 400),
        ("POST", "cosmos/tx/v1beta1/txs", {"tx_bytes": 7, "mode": "BROADCAST_MODE_SYNC"}, 400),
        ("POST", "cosmos/tx/v1beta1/txs", [], 400),
        ("POST", "cosmos/tx/v1beta1/txs", "{", 400),
        ("GET", "cosmos/auth/v1beta1/accounts/osmo1x", None, 400),
        ("GET", f"cosmos/auth/v1beta1/accounts/{B}", None, 404),
        ("GET", "cosmos/bank/v1beta1/denoms_metadata/none", None, 404),
    ],
)
def test_wrong_requests_have_the_gateways_status(
    engine: CosmosEngine, method: str, path: str, body: Any, status: int
) -> None:
    sent = {"text": body} if isinstance(body, str) else {"json": body}
    with pytest.raises(Rejected) as raised:
        engine.rest(method, path, **sent)
    assert raised.value.node_code == status


def test_the_faucet_is_bounded(engine: CosmosEngine) -> None:
    for units in (0, -1, 10**37):
        with pytest.raises(InputError):
            engine.fund(B, units)
    with pytest.raises(InputError):
        engine.fund("osmo1x", 5)
    with pytest.raises(InputError):
        engine.fund_token("unknown", B, 5)


def test_injective_accounts_are_ethereums() -> None:
    engine = CosmosEngine(network("injective"))
    address = bech32_text("inj", keccak256(decompress(ALICE.public_key)[1:])[12:])
    engine.fund(address, 10**18)
    found = get(engine, f"cosmos/auth/v1beta1/accounts/{address}")["account"]
    assert found["@type"] == "/injective.types.v1beta1.EthAccount"
    assert found["base_account"]["address"] == address
    assert len(read_bech32("inj", address)) == 20


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300))
def test_garbage_is_code_2(data: bytes) -> None:
    answer = send(_shared(), data)
    assert answer["code"] in (2, 18)


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_changed_byte_is_refused(position: int, byte: int) -> None:
    engine = _funded()
    raw = bytearray(transaction(engine, memo="memo", timeout=10**9))
    position %= len(raw)
    if raw[position] == byte:
        return
    raw[position] = byte
    before = held(engine, A)
    answer = send(engine, bytes(raw))
    assert answer["code"] != 0
    assert held(engine, A) == before


@cache
def _funded() -> CosmosEngine:
    engine = CosmosEngine(network("cosmos"))
    engine.fund(A, 10 * ATOM)
    return engine


@cache
def _shared() -> CosmosEngine:
    return CosmosEngine(network("cosmos"))
