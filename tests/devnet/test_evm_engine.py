"""The EVM engine against independent clients: eth-account signs, web3.py asks, and geth's words are the measure."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st
from web3 import Web3
from web3.providers import BaseProvider

from multiwallet import Wallet, network
from multiwallet.devnet import Devnet
from multiwallet.devnet.evm import EvmEngine
from multiwallet.errors import BroadcastUncertain, InputError, InsufficientFunds, Rejected, Reverted

KEY = bytes([7]) * 32
ALICE = Account.from_key(KEY)
BOB = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
ETHER, GWEI = 10**18, 10**9


def call(engine: EvmEngine, method: str, *params: Any) -> Any:
    return engine.rpc(method, list(params))


def sign(key: bytes = KEY, **fields: Any) -> str:
    body = {"nonce": 0, "gas": 21_000, "to": BOB, "value": 1, "chainId": 1, **fields}
    if "gasPrice" not in body:
        body = {"maxFeePerGas": 20 * GWEI, "maxPriorityFeePerGas": GWEI, **body}
    return "0x" + bytes(Account.sign_transaction(body, key).raw_transaction).hex()


def refused(engine: EvmEngine, method: str, *params: Any) -> Rejected:
    with pytest.raises(Rejected) as caught:
        engine.rpc(method, list(params))
    return caught.value


def identity(raw: str) -> str:
    return "0x" + bytes(Web3.keccak(hexstr=raw)).hex()


@pytest.fixture
def engine() -> EvmEngine:
    engine = EvmEngine(network("ethereum"))
    engine.fund(ALICE.address, 10 * ETHER)
    return engine


@pytest.fixture
def slow() -> EvmEngine:
    engine = EvmEngine(network("ethereum"), automine=False)
    engine.fund(ALICE.address, 10 * ETHER)
    return engine


class Provider(BaseProvider):
    """web3.py's way to the engine: what an HTTP server would put around it."""

    def __init__(self, engine: EvmEngine) -> None:
        super().__init__()
        self.engine = engine

    def make_request(self, method: Any, params: Any) -> Any:
        try:
            return {"jsonrpc": "2.0", "id": 1, "result": self.engine.rpc(method, params)}
        except Rejected as error:
            failure = {"code": error.node_code, "message": error.message, "data": error.data}
            return {"jsonrpc": "2.0", "id": 1, "error": failure}


@pytest.fixture
def web3(engine: EvmEngine) -> Web3:
    return Web3(Provider(engine))


# -- identity ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "chain_id"), [("ethereum", 1), ("polygon", 137), ("okt", 66), ("bsc", 56)])
def test_each_row_has_its_own_identity(name: str, chain_id: int) -> None:
    engine = EvmEngine(network(name))
    assert call(engine, "eth_chainId") == hex(chain_id)
    assert call(engine, "net_version") == str(chain_id)
    # The CHAINID opcode: CHAINID PUSH0 MSTORE PUSH1 32 PUSH0 RETURN, run as a creation.
    assert int(call(engine, "eth_call", {"data": "0x465f5260205ff3"}), 16) == chain_id
    engine.fund(ALICE.address, ETHER)
    raw = sign(chainId=chain_id, gasPrice=20 * GWEI)
    assert call(engine, "eth_sendRawTransaction", raw) == identity(raw)
    assert call(engine, "eth_getBalance", BOB, "latest") == "0x1"


@pytest.mark.parametrize("fields", [{"gasPrice": 20 * GWEI}, {"gasPrice": 20 * GWEI, "accessList": []}, {}])
def test_a_transaction_of_another_chain_is_refused(engine: EvmEngine, fields: dict[str, Any]) -> None:
    error = refused(engine, "eth_sendRawTransaction", sign(chainId=5, **fields))
    assert error.node_code == -32000
    assert error.message == "invalid sender: invalid chain id for signer: have 5 want 1"


def test_a_transaction_without_replay_protection_is_refused(engine: EvmEngine) -> None:
    body = {"nonce": 0, "gas": 21_000, "to": BOB, "value": 1, "gasPrice": 20 * GWEI}
    raw = "0x" + bytes(Account.sign_transaction(body, KEY).raw_transaction).hex()
    assert refused(engine, "eth_sendRawTransaction", raw).message == (
        "only replay-protected (EIP-155) transactions allowed over RPC"
    )


def test_legacy_rows_have_a_gas_price_and_no_base_fee() -> None:
    engine = EvmEngine(network("bsc"))
    assert call(engine, "eth_gasPrice") == hex(GWEI)
    assert call(engine, "eth_getBlockByNumber", "latest", False)["baseFeePerGas"] == "0x0"


def test_the_gas_price_oracle_of_the_op_stack_answers() -> None:
    engine = EvmEngine(network("base"))
    call_ = {"to": "0x420000000000000000000000000000000000000F", "data": "0x49948e0e" + "00" * 64}
    assert call(engine, "eth_call", call_, "latest") == "0x" + "00" * 32
    engine.fund(ALICE.address, ETHER)
    txid = call(engine, "eth_sendRawTransaction", sign(chainId=8453))
    assert call(engine, "eth_getTransactionReceipt", txid)["l1Fee"] == "0x0"


# -- transactions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"gasPrice": 20 * GWEI}, "0x0"),
        ({"gasPrice": 20 * GWEI, "gas": 30_000, "accessList": [{"address": BOB, "storageKeys": [1]}]}, "0x1"),
        ({}, "0x2"),
    ],
)
def test_a_transaction_is_included_and_reported(engine: EvmEngine, fields: dict[str, Any], kind: str) -> None:
    raw = sign(value=ETHER, **fields)
    txid = call(engine, "eth_sendRawTransaction", raw)
    found = call(engine, "eth_getTransactionByHash", txid)
    receipt = call(engine, "eth_getTransactionReceipt", txid)
    block = call(engine, "eth_getBlockByNumber", "latest", True)
    assert found == block["transactions"][0]
    assert found["type"] == receipt["type"] == kind
    assert found["from"] == receipt["from"] == ALICE.address.lower()
    assert receipt["status"] == "0x1"
    assert receipt["blockHash"] == block["hash"]
    assert call(engine, "eth_getBlockByHash", block["hash"], False)["transactions"] == [txid]
    assert call(engine, "eth_getBlockReceipts", "latest") == [receipt]
    paid = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    left = int(call(engine, "eth_getBalance", ALICE.address), 16)
    assert left == 10 * ETHER - ETHER - paid
    base = int(block["baseFeePerGas"], 16)
    assert int(receipt["effectiveGasPrice"], 16) == (20 * GWEI if kind != "0x2" else base + GWEI)
    # The signature that is shown is the one that was sent.
    signed = Account.sign_transaction(
        {
            "nonce": 0,
            "gas": 21_000,
            "to": BOB,
            "value": ETHER,
            "chainId": 1,
            **({"maxFeePerGas": 20 * GWEI, "maxPriorityFeePerGas": GWEI} if kind == "0x2" else fields),
        },
        KEY,
    )
    assert (found["r"], found["s"], found["v"]) == (hex(signed.r), hex(signed.s), hex(signed.v))


def test_a_set_code_transaction_delegates(engine: EvmEngine) -> None:
    token = engine.deploy_token(symbol="T", decimals=0, supply_to="", supply=0)
    authorization = Account.sign_authorization({"chainId": 1, "address": token, "nonce": 1}, KEY)
    raw = sign(gas=100_000, authorizationList=[authorization])
    call(engine, "eth_sendRawTransaction", raw)
    assert call(engine, "eth_getCode", ALICE.address) == "0xef0100" + token[2:].lower()
    assert call(engine, "eth_getTransactionByHash", identity(raw))["type"] == "0x4"


REFUSALS = [
    ({"nonce": 0, "value": 11 * ETHER}, "insufficient funds for gas * price + value: balance 10"),
    ({"gas": 20_999}, "intrinsic gas too low: gas 20999, minimum needed 21000"),
    (
        {"data": "0x" + "11" * 1000, "gas": 37_100},
        "insufficient gas for floor data gas cost: gas 37100, minimum needed 61000",
    ),
    ({"gas": 30_000_001}, "exceeds block gas limit"),
    ({"maxFeePerGas": 1, "maxPriorityFeePerGas": 2}, "max priority fee per gas higher than max fee per gas"),
    ({"maxPriorityFeePerGas": 0}, "transaction underpriced: gas tip cap 0, minimum needed 1"),
]


@pytest.mark.parametrize(("fields", "words"), REFUSALS)
def test_refusals_are_in_geths_words(engine: EvmEngine, fields: dict[str, Any], words: str) -> None:
    error = refused(engine, "eth_sendRawTransaction", sign(**fields))
    assert error.node_code == -32000
    assert error.message.startswith(words)


def test_used_nonces_and_known_transactions(engine: EvmEngine, slow: EvmEngine) -> None:
    raw = sign()
    call(engine, "eth_sendRawTransaction", raw)
    assert refused(engine, "eth_sendRawTransaction", raw).message == "nonce too low: next nonce 1, tx nonce 0"
    call(slow, "eth_sendRawTransaction", raw)
    assert refused(slow, "eth_sendRawTransaction", raw).message == "already known"


def test_a_broken_signature_names_another_sender_or_none(engine: EvmEngine) -> None:
    raw = bytearray.fromhex(sign()[2:])
    raw[-1] ^= 1
    message = refused(engine, "eth_sendRawTransaction", "0x" + raw.hex()).message
    assert message.startswith(("insufficient funds", "invalid sender"))


def test_a_high_s_signature_is_refused(engine: EvmEngine) -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    raw = sign()
    s = Account.sign_transaction(
        {
            "nonce": 0,
            "gas": 21_000,
            "to": BOB,
            "value": 1,
            "chainId": 1,
            "maxFeePerGas": 20 * GWEI,
            "maxPriorityFeePerGas": GWEI,
        },
        KEY,
    ).s
    flipped = raw.replace(f"{s:064x}", f"{order - s:064x}")
    assert flipped != raw
    assert refused(engine, "eth_sendRawTransaction", flipped).message.startswith("invalid sender")


@given(st.binary(max_size=200))
@settings(max_examples=150)
def test_garbage_is_refused_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(Rejected):
        GARBAGE_ENGINE.rpc("eth_sendRawTransaction", ["0x" + raw.hex()])


@given(st.data())
@settings(max_examples=150)
def test_a_damaged_transaction_gives_an_error_of_the_tree(data: st.DataObject) -> None:
    raw = bytearray.fromhex(sign()[2:])
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, 3))
    with pytest.raises(Rejected):  # another signature is another sender, who owns nothing
        GARBAGE_ENGINE.rpc("eth_sendRawTransaction", ["0x" + bytes(raw[: len(raw) - cut]).hex()])


GARBAGE_ENGINE = EvmEngine(network("ethereum"))

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80) | st.just(BOB) | st.just("latest"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["to", "data", "topics", "gas", "address", "fromBlock", "blockHash", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(
    st.sampled_from(sorted(GARBAGE_ENGINE._rpc._methods)),
    st.lists(ANYTHING, max_size=4) | st.dictionaries(st.text(max_size=3), ANYTHING, max_size=2),
)
@settings(max_examples=400)
def test_hostile_parameters_give_an_answer_or_a_refusal(method: str, params: Any) -> None:
    with suppress(Rejected):
        GARBAGE_ENGINE.rpc(method, params)


# -- the queue -----------------------------------------------------------------------------------


def test_without_automine_a_transaction_waits(slow: EvmEngine) -> None:
    txid = call(slow, "eth_sendRawTransaction", sign(value=ETHER))
    assert call(slow, "eth_getTransactionReceipt", txid) is None
    assert call(slow, "eth_getTransactionByHash", txid)["blockNumber"] is None
    assert call(slow, "eth_getTransactionCount", ALICE.address, "latest") == "0x0"
    assert call(slow, "eth_getTransactionCount", ALICE.address, "pending") == "0x1"
    assert call(slow, "eth_getBalance", BOB, "latest") == "0x0"
    assert call(slow, "eth_getBalance", BOB, "pending") == hex(ETHER)
    assert call(slow, "eth_getBlockByNumber", "pending", False)["transactions"] == [txid]
    slow.advance(100)
    assert call(slow, "eth_getTransactionReceipt", txid) is None
    slow.mine()
    assert call(slow, "eth_getTransactionReceipt", txid)["status"] == "0x1"


def test_legacy_transactions_wait_too(slow: EvmEngine) -> None:
    txid = call(slow, "eth_sendRawTransaction", sign(gasPrice=30 * GWEI))
    slow.mine()
    assert call(slow, "eth_getTransactionReceipt", txid)["status"] == "0x1"


def test_a_nonce_ahead_waits_for_the_gap(engine: EvmEngine) -> None:
    later = call(engine, "eth_sendRawTransaction", sign(nonce=1))
    assert call(engine, "eth_getTransactionReceipt", later) is None
    assert call(engine, "eth_getTransactionCount", ALICE.address, "pending") == "0x0"
    first = call(engine, "eth_sendRawTransaction", sign(nonce=0))
    block = call(engine, "eth_getBlockByNumber", "latest", False)
    assert block["transactions"] == [first, later]
    assert call(engine, "eth_getTransactionReceipt", later)["cumulativeGasUsed"] == hex(42_000)


def test_replacement_needs_ten_percent_more(slow: EvmEngine) -> None:
    first = call(slow, "eth_sendRawTransaction", sign(value=1))
    for fee, tip in ((21 * GWEI, 2 * GWEI), (22 * GWEI, GWEI), (22 * GWEI - 1, 2 * GWEI)):
        error = refused(slow, "eth_sendRawTransaction", sign(value=2, maxFeePerGas=fee, maxPriorityFeePerGas=tip))
        assert error.message == "replacement transaction underpriced"
    second = call(
        slow, "eth_sendRawTransaction", sign(value=3, maxFeePerGas=22 * GWEI, maxPriorityFeePerGas=1_100_000_000)
    )
    slow.mine()
    assert call(slow, "eth_getTransactionByHash", first) is None
    assert call(slow, "eth_getTransactionReceipt", second)["status"] == "0x1"
    assert call(slow, "eth_getBalance", BOB) == "0x3"


def test_the_queue_cannot_spend_more_than_there_is(slow: EvmEngine) -> None:
    call(slow, "eth_sendRawTransaction", sign(value=6 * ETHER))
    error = refused(slow, "eth_sendRawTransaction", sign(nonce=1, value=6 * ETHER))
    assert "queued cost" in error.message


def test_a_fee_below_the_base_fee_waits_until_it_falls(engine: EvmEngine) -> None:
    txid = call(engine, "eth_sendRawTransaction", sign(maxFeePerGas=GWEI // 10, maxPriorityFeePerGas=1))
    assert call(engine, "eth_getTransactionReceipt", txid) is None
    engine.mine(30)
    receipt = call(engine, "eth_getTransactionReceipt", txid)
    assert receipt["status"] == "0x1"
    assert int(receipt["effectiveGasPrice"], 16) <= GWEI // 10


def test_drop_forgets_a_waiting_transaction(slow: EvmEngine) -> None:
    txid = call(slow, "eth_sendRawTransaction", sign())
    assert slow.drop(txid)
    assert not slow.drop(txid)
    assert not slow.drop("no hash")
    assert call(slow, "eth_getTransactionByHash", txid) is None
    slow.mine()
    assert call(slow, "eth_getTransactionReceipt", txid) is None


# -- blocks and time -----------------------------------------------------------------------------


def test_time_makes_blocks(engine: EvmEngine) -> None:
    start = int(call(engine, "eth_blockNumber"), 16)
    stamp = int(call(engine, "eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    engine.advance(25)
    assert int(call(engine, "eth_blockNumber"), 16) == start + 2
    engine.advance(10**6)
    assert int(call(engine, "eth_blockNumber"), 16) == start + 2 + 32
    assert int(call(engine, "eth_getBlockByNumber", "latest", False)["timestamp"], 16) >= stamp + 10**6


def test_blocks_chain_and_become_final(engine: EvmEngine) -> None:
    engine.mine(70)
    blocks = [call(engine, "eth_getBlockByNumber", hex(n), False) for n in range(70)]
    assert all(child["parentHash"] == parent["hash"] for parent, child in pairwise(blocks))
    head = int(call(engine, "eth_blockNumber"), 16)
    assert call(engine, "eth_getBlockByNumber", "finalized", False)["number"] == hex(head - 64)
    assert call(engine, "eth_getBlockByNumber", "safe", False)["number"] == hex(head - 32)
    assert call(engine, "eth_getBlockByNumber", hex(head + 1), False) is None
    assert call(engine, "eth_getBlockByNumber", "earliest", False)["number"] == "0x0"


def test_the_hash_of_a_block_is_that_of_its_header(engine: EvmEngine) -> None:
    import rlp

    block = call(engine, "eth_getBlockByNumber", "latest", False)
    names = """
        parentHash sha3Uncles miner stateRoot transactionsRoot receiptsRoot logsBloom difficulty number gasLimit gasUsed
        timestamp extraData mixHash nonce baseFeePerGas withdrawalsRoot blobGasUsed excessBlobGas parentBeaconBlockRoot
        requestsHash
    """  # the order of a Prague header (EIP-7685)
    ordered = names.split()
    numbers = {
        "difficulty",
        "number",
        "gasLimit",
        "gasUsed",
        "timestamp",
        "baseFeePerGas",
        "blobGasUsed",
        "excessBlobGas",
    }
    fields = [
        rlp.sedes.big_endian_int.serialize(int(block[name], 16)) if name in numbers else bytes.fromhex(block[name][2:])
        for name in ordered
    ]
    assert bytes(Web3.keccak(rlp.encode(fields))).hex() == block["hash"][2:]


def test_reorg_puts_transactions_back(engine: EvmEngine) -> None:
    engine.mine()
    raw = sign(value=ETHER)
    txid = call(engine, "eth_sendRawTransaction", raw)
    before = call(engine, "eth_getBlockByNumber", "latest", False)
    engine.reorg(1)
    after = call(engine, "eth_getBlockByNumber", "latest", False)
    assert (after["number"], after["transactions"]) == (before["number"], [])
    assert after["hash"] != before["hash"]
    assert after["parentHash"] == before["parentHash"]
    assert call(engine, "eth_getBlockByHash", before["hash"], False) is None
    assert call(engine, "eth_getTransactionReceipt", txid) is None
    assert call(engine, "eth_getTransactionByHash", txid)["blockNumber"] is None
    assert call(engine, "eth_getBalance", BOB) == "0x0"
    assert refused(engine, "eth_sendRawTransaction", raw).message == "already known"
    engine.mine()
    assert call(engine, "eth_getTransactionReceipt", txid)["status"] == "0x1"
    assert call(engine, "eth_getBalance", BOB) == hex(ETHER)
    with pytest.raises(InputError):
        engine.reorg(10_000)


def test_a_deep_reorg_undoes_the_faucet_and_the_next_block_brings_it_back(engine: EvmEngine) -> None:
    engine.reorg(1)
    assert call(engine, "eth_getBalance", ALICE.address) == "0x0"
    engine.fund(BOB, 5)
    assert call(engine, "eth_getBalance", BOB) == "0x5"
    assert call(engine, "eth_getBalance", ALICE.address) == hex(10 * ETHER)


def test_old_states_stay_readable(engine: EvmEngine) -> None:
    call(engine, "eth_sendRawTransaction", sign(value=5))
    head = int(call(engine, "eth_blockNumber"), 16)
    assert call(engine, "eth_getBalance", BOB, hex(head)) == "0x5"
    assert call(engine, "eth_getBalance", BOB, hex(head - 1)) == "0x0"
    block = call(engine, "eth_getBlockByNumber", hex(head - 1), False)
    assert call(engine, "eth_getBalance", BOB, {"blockHash": block["hash"]}) == "0x0"
    assert refused(engine, "eth_getBalance", BOB, hex(head + 5)).message == "header not found"


# -- prices --------------------------------------------------------------------------------------


def test_fee_history_follows_the_blocks(engine: EvmEngine) -> None:
    call(engine, "eth_sendRawTransaction", sign(maxPriorityFeePerGas=3 * GWEI))
    history = call(engine, "eth_feeHistory", "0x4", "latest", [0, 50, 100])
    head = int(call(engine, "eth_blockNumber"), 16)
    assert int(history["oldestBlock"], 16) == max(0, head - 3)
    assert len(history["baseFeePerGas"]) == len(history["gasUsedRatio"]) + 1 == len(history["reward"]) + 1
    assert history["reward"][-1] == [hex(3 * GWEI)] * 3
    bases = [call(engine, "eth_getBlockByNumber", hex(n), False)["baseFeePerGas"] for n in range(head - 1, head + 1)]
    assert history["baseFeePerGas"][-3:-1] == bases
    engine.mine()
    assert call(engine, "eth_getBlockByNumber", "latest", False)["baseFeePerGas"] == history["baseFeePerGas"][-1]
    assert int(call(engine, "eth_gasPrice"), 16) > int(call(engine, "eth_maxPriorityFeePerGas"), 16) >= GWEI


# -- calls and estimates -------------------------------------------------------------------------


def test_a_plain_transfer_is_estimated_exactly(engine: EvmEngine) -> None:
    assert call(engine, "eth_estimateGas", {"from": ALICE.address, "to": BOB, "value": "0x1"}) == hex(21_000)


def test_calls_and_estimates_need_funds(engine: EvmEngine) -> None:
    poor = {"from": BOB, "to": ALICE.address, "value": hex(ETHER)}
    for method in ("eth_call", "eth_estimateGas"):
        error = refused(engine, method, poor)
        assert error.node_code == -32000
        assert error.message.startswith(f"insufficient funds for gas * price + value: address {BOB} have 0 want")
    priced = {**poor, "maxFeePerGas": hex(30 * GWEI)}
    assert refused(engine, "eth_estimateGas", priced).message == "insufficient funds for transfer"
    cheap = {"from": ALICE.address, "to": BOB, "gasPrice": "0x1"}
    assert refused(engine, "eth_call", cheap).message.startswith("max fee per gas less than block base fee: address")


# -- the token -----------------------------------------------------------------------------------


@pytest.fixture
def token(engine: EvmEngine, web3: Web3) -> Any:
    from multiwallet.devnet.evm_token import ABI

    reference = engine.deploy_token(symbol="TST", decimals=6, supply_to=ALICE.address, supply=1_000_000)
    contract = web3.eth.contract(address=Web3.to_checksum_address(reference), abi=list(ABI))

    def do(function: Any, key: bytes = KEY, gas: int = 200_000) -> Any:
        account = Account.from_key(key)
        body = function.build_transaction(
            {"from": account.address, "nonce": web3.eth.get_transaction_count(account.address), "gas": gas}
        )
        return web3.eth.wait_for_transaction_receipt(
            web3.eth.send_raw_transaction(Account.sign_transaction(body, key).raw_transaction)
        )

    return SimpleNamespace(contract=contract, f=contract.functions, do=do, reference=reference)


def test_the_token_describes_itself(token: Any) -> None:
    assert token.f.symbol().call() == "TST"
    assert token.f.name().call() == "TST of the devnet"
    assert token.f.decimals().call() == 6
    assert token.f.totalSupply().call() == token.f.balanceOf(ALICE.address).call() == 1_000_000


def test_a_transfer_moves_tokens_and_logs_it(engine: EvmEngine, web3: Web3, token: Any) -> None:
    receipt = token.do(token.f.transfer(BOB, 400))
    assert receipt.status == 1
    assert token.f.balanceOf(BOB).call() == 400
    assert token.f.balanceOf(ALICE.address).call() == 999_600
    (event,) = token.contract.events.Transfer().process_receipt(receipt)
    assert dict(event.args) == {"from": ALICE.address, "to": BOB, "value": 400}
    logs = call(
        engine,
        "eth_getLogs",
        {
            "fromBlock": "earliest",
            "address": token.reference,
            "topics": [None, None, "0x" + BOB[2:].lower().rjust(64, "0")],
        },
    )
    assert [log["transactionHash"] for log in logs] == ["0x" + bytes(receipt.transactionHash).hex()]
    assert call(engine, "eth_getLogs", {"fromBlock": "earliest", "topics": ["0x" + "00" * 32]}) == []
    # A transfer to oneself changes nothing.
    token.do(token.f.transfer(ALICE.address, 999_600))
    assert token.f.balanceOf(ALICE.address).call() == 999_600


def test_allowances(engine: EvmEngine, web3: Web3, token: Any) -> None:
    other = bytes([9]) * 32
    spender = Account.from_key(other).address
    engine.fund(spender, ETHER)
    receipt = token.do(token.f.approve(spender, 100))
    (event,) = token.contract.events.Approval().process_receipt(receipt)
    assert dict(event.args) == {"owner": ALICE.address, "spender": spender, "value": 100}
    assert token.f.allowance(ALICE.address, spender).call() == 100
    assert token.do(token.f.transferFrom(ALICE.address, BOB, 60), key=other).status == 1
    assert token.f.allowance(ALICE.address, spender).call() == 40
    assert token.do(token.f.transferFrom(ALICE.address, BOB, 41), key=other).status == 0
    assert token.f.balanceOf(BOB).call() == 60
    token.do(token.f.approve(spender, 2**256 - 1))
    token.do(token.f.transferFrom(ALICE.address, BOB, 1), key=other)
    assert token.f.allowance(ALICE.address, spender).call() == 2**256 - 1


def revert_of(function: Any, sender: str) -> str:
    from web3.exceptions import ContractLogicError

    with pytest.raises(ContractLogicError) as caught:
        function.call({"from": sender})
    return str(caught.value.message)


def test_the_token_says_why_it_refuses(engine: EvmEngine, token: Any) -> None:
    zero = "0x" + "00" * 20
    f = token.f
    cases = [
        (f.transfer(BOB, 1_000_001), ALICE.address, "ERC20: transfer amount exceeds balance"),
        (f.transfer(zero, 1), ALICE.address, "ERC20: transfer to the zero address"),
        (f.approve(zero, 1), ALICE.address, "ERC20: approve to the zero address"),
        (f.transferFrom(ALICE.address, BOB, 1), BOB, "ERC20: insufficient allowance"),
        (f.mint(BOB, 1), ALICE.address, "ERC20: caller is not the minter"),
    ]
    for function, sender, reason in cases:
        assert revert_of(function, sender) == f"execution reverted: {reason}"
    error = refused(
        engine,
        "eth_estimateGas",
        {"from": BOB, "to": token.reference, "data": f.transfer(BOB, 5)._encode_transaction_data()},
    )
    assert error.node_code == 3
    assert isinstance(error.data, str)
    assert error.data.startswith("0x08c379a0")
    # Coins, short calls, dirty addresses and unknown functions are refused without a reason.
    for body in (
        {"data": f.symbol()._encode_transaction_data(), "value": "0x1"},
        {"data": "0xa9059cbb"},
        {"data": "0x70a08231" + "ff" * 32},
        {"data": "0xdeadbeef"},
        {"data": "0x"},
    ):
        error = refused(engine, "eth_call", {"from": ALICE.address, "to": token.reference, **body})
        assert (error.message, error.node_code, error.data) == ("execution reverted", 3, "0x")


def test_a_failing_transfer_is_included_and_costs_gas(engine: EvmEngine, token: Any) -> None:
    before = int(call(engine, "eth_getBalance", ALICE.address), 16)
    receipt = token.do(token.f.transfer(BOB, 1_000_001))
    assert receipt.status == 0
    assert receipt.logs == []
    assert (
        int(call(engine, "eth_getBalance", ALICE.address), 16) == before - receipt.gasUsed * receipt.effectiveGasPrice
    )


def test_estimates_are_enough_and_close(engine: EvmEngine, token: Any) -> None:
    for amount in (1, 1_000):
        function = token.f.transfer(BOB, amount)
        gas = function.estimate_gas({"from": ALICE.address})
        receipt = token.do(function, gas=gas)
        assert receipt.status == 1
        assert receipt.gasUsed <= gas <= receipt.gasUsed * 1.35  # the refund and EIP-150's reserve


def test_minting_stops_at_the_end_of_numbers(engine: EvmEngine, token: Any) -> None:
    engine.fund_token(token.reference, BOB, 2**256 - 1 - 1_000_000)
    assert token.f.totalSupply().call() == 2**256 - 1
    with pytest.raises(Rejected):
        engine.fund_token(token.reference, BOB, 1)
    with pytest.raises(InputError):
        engine.fund_token(BOB, BOB, 1)


@pytest.mark.parametrize("symbol", ["A", "€uro", "X" * 40])
def test_symbols_of_any_length(symbol: str, engine: EvmEngine, web3: Web3) -> None:
    from multiwallet.devnet.evm_token import ABI

    reference = engine.deploy_token(symbol=symbol, decimals=18, supply_to="", supply=0)
    contract = web3.eth.contract(address=Web3.to_checksum_address(reference), abi=list(ABI))
    assert contract.functions.symbol().call() == symbol


@given(st.lists(st.tuples(st.sampled_from(range(3)), st.sampled_from(range(3)), st.integers(0, 120)), max_size=12))
@settings(max_examples=15)
def test_the_token_keeps_its_books(moves: list[tuple[int, int, int]]) -> None:
    """Any sequence of transfers ends with the balances that a dictionary says, the refused ones included."""
    engine, reference, keys = BOOKS
    addresses = [Account.from_key(key).address for key in keys]

    def units(address: str) -> int:
        payload = "0x70a08231" + address[2:].lower().rjust(64, "0")
        return int(call(engine, "eth_call", {"to": reference, "data": payload}), 16)

    expected = [units(address) for address in addresses]
    for source, target, amount in moves:
        payload = "0xa9059cbb" + addresses[target][2:].lower().rjust(64, "0") + f"{amount:064x}"
        nonce = int(call(engine, "eth_getTransactionCount", addresses[source], "latest"), 16)
        raw = sign(
            keys[source], nonce=nonce, to=Web3.to_checksum_address(reference), value=0, data=payload, gas=100_000
        )
        receipt = call(engine, "eth_getTransactionReceipt", call(engine, "eth_sendRawTransaction", raw))
        fits = amount <= expected[source]
        assert receipt["status"] == hex(fits)
        if fits:
            expected[source] -= amount
            expected[target] += amount
    assert [units(address) for address in addresses] == expected


def _books() -> tuple[EvmEngine, str, list[bytes]]:
    engine = EvmEngine(network("ethereum"))
    keys = [bytes([n]) * 32 for n in (11, 12, 13)]
    reference = engine.deploy_token(symbol="BK", decimals=0, supply_to="", supply=0)
    for key in keys:
        engine.fund(Account.from_key(key).address, 100 * ETHER)
        engine.fund_token(reference, Account.from_key(key).address, 100)
    return engine, reference, keys


BOOKS = _books()


# -- web3.py -------------------------------------------------------------------------------------


def test_web3_sends_and_waits(web3: Web3) -> None:
    assert web3.client_version == "multiwallet-devnet/py-evm"
    assert web3.eth.chain_id == 1
    assert web3.eth.syncing is False
    assert list(web3.eth.accounts) == []
    body = {
        "to": BOB,
        "value": ETHER,
        "nonce": web3.eth.get_transaction_count(ALICE.address),
        "chainId": 1,
        "gas": 21_000,
        "maxFeePerGas": 2 * web3.eth.get_block("latest")["baseFeePerGas"] + web3.eth.max_priority_fee,
        "maxPriorityFeePerGas": web3.eth.max_priority_fee,
    }
    receipt = web3.eth.wait_for_transaction_receipt(
        web3.eth.send_raw_transaction(Account.sign_transaction(body, KEY).raw_transaction)
    )
    assert receipt["status"] == 1
    assert web3.eth.get_balance(BOB) == ETHER
    assert web3.eth.get_transaction(receipt["transactionHash"])["value"] == ETHER
    assert web3.eth.fee_history(3, "latest", [50])["oldestBlock"] == 0


def test_unknown_methods_are_refused(engine: EvmEngine) -> None:
    error = refused(engine, "eth_mining_rig")
    assert error.node_code == -32601
    assert "does not exist/is not available" in error.message
    assert refused(engine, "eth_getBalance").node_code == -32602
    with pytest.raises(Rejected) as caught:
        engine.rest("GET", "health")
    assert caught.value.node_code == 404


# -- the adapter ---------------------------------------------------------------------------------

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


@pytest.mark.parametrize("name", ["ethereum", "bsc", "okt", "base", "polygon"])
def test_the_wallet_sends_coins_and_tokens(name: str) -> None:
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        payer, payee = wallet.account(name), wallet.account(name, index=1)
        devnet.fund(payer, "3")
        token = devnet.deploy_token(name, symbol="USDX", decimals=6, holder=payer, supply="50")
        before = payer.balance().total
        receipt = payer.wait(payer.send(to=payee.address, amount="1").txid, confirmations=3)
        assert receipt.confirmations >= 3
        assert receipt.fee is not None
        assert payer.balance().total.units == before.units - ETHER - receipt.fee.units
        receipt = payer.wait(payer.send(to=payee.address, amount="2.5", asset=token).txid)
        assert str(payee.balance(token)) == "2.5 USDX"
        with pytest.raises(InsufficientFunds):
            payee.send(to=payer.address, amount="2.51", asset=token)
        with pytest.raises(InsufficientFunds):
            payer.send(to=payee.address, amount="5")
        payer.wait(payer.send(to=payee.address, amount="max").txid)
        assert payer.balance().total.units < ETHER // 100


def test_a_lost_answer_is_settled_by_sending_the_same_bytes_again() -> None:
    with Devnet(automine=False) as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        payer = wallet.account("ethereum")
        devnet.fund(payer, "1")
        signed = payer.sign(payer.build(to=BOB, amount="0.1"))
        devnet.lose_answers("ethereum")
        with pytest.raises(BroadcastUncertain):
            payer.broadcast(signed)
        assert payer.broadcast(signed).txid == signed.txid  # already known
        devnet.mine("ethereum")
        assert payer.broadcast(signed).txid == signed.txid  # its nonce is used, by itself
        assert payer.wait(signed.txid).confirmations == 1
        assert call(devnet.engine("ethereum"), "eth_getBalance", BOB) == hex(ETHER // 10)


def test_the_wallet_learns_why_a_transaction_failed() -> None:
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        payer = wallet.account("ethereum")
        devnet.fund(payer, "1")
        token = devnet.deploy_token("ethereum", holder=BOB)
        call_data = "0xa9059cbb" + BOB[2:].lower().rjust(64, "0") + f"{5:064x}"
        with pytest.raises(InsufficientFunds):
            payer.build(to=BOB, amount="1", asset=token)
        transaction = {"to": token.reference, "value": 0, "data": call_data, "gas": 100_000, "nonce": 0, "chainId": 1}
        transaction |= {"maxFeePerGas": 9 * GWEI, "maxPriorityFeePerGas": GWEI}
        txid = payer.broadcast(payer.sign(transaction)).txid
        with pytest.raises(Reverted, match="transfer amount exceeds balance"):
            payer.wait(txid)
