"""The Solana engine against transactions that solders builds and signs, and against the library's own wallet."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("solders.litesvm", reason="the Solana engine comes with the extra 'devnet'")

from solders.address_lookup_table_account import AddressLookupTableAccount  # after the check
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.rpc import responses
from solders.signature import Signature
from solders.system_program import (
    AdvanceNonceAccountParams,
    CreateAccountParams,
    InitializeNonceAccountParams,
    TransferParams,
    advance_nonce_account,
    create_account,
    initialize_nonce_account,
    transfer,
)
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction

from multiwallet import Wallet, network
from multiwallet.codec import base58
from multiwallet.devnet import Devnet
from multiwallet.devnet.clock import Clock
from multiwallet.devnet.solana import SolanaEngine
from multiwallet.devnet.solana_parsed import parse_call
from multiwallet.errors import (
    BroadcastUncertain,
    Expired,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    MultiwalletError,
    Rejected,
)
from multiwallet.transactions import Status

SOL = 10**9
RENT = 890_880
CONFIRMED = {"commitment": "confirmed"}
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
TABLES = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
SLOT_HASHES = "SysvarS1otHashes111111111111111111111111111"


class StoppedClock(Clock):
    """Time that passes only when told, so that a slow machine changes no result."""

    def __init__(self, start: float) -> None:
        self.time = start

    def now(self) -> float:
        return self.time

    def skip(self, seconds: float) -> None:
        self.time += seconds


class Client:
    """What a test does with an engine: a funded key, and transactions of it."""

    def __init__(self, *, automine: bool = True, row: str = "solana") -> None:
        self.engine = SolanaEngine(network(row), automine=automine)
        self.clock = self.engine.ledger.clock = StoppedClock(self.engine.ledger.clock.now())
        self.key = Keypair()
        self.engine.fund(str(self.key.pubkey()), 100 * SOL)

    def ask(self, method: str, *params: Any) -> Any:
        return self.engine.rpc(method, list(params))

    def value(self, method: str, *params: Any) -> Any:
        return self.ask(method, *params)["value"]

    def latest(self) -> tuple[Hash, int]:
        found = self.value("getLatestBlockhash", CONFIRMED)
        return Hash.from_string(found["blockhash"]), found["lastValidBlockHeight"]

    def sign(self, *calls: Instruction, blockhash: Hash | None = None, signers: Any = None) -> VersionedTransaction:
        message = Message.new_with_blockhash(list(calls), self.key.pubkey(), blockhash or self.latest()[0])
        return VersionedTransaction(message, signers or [self.key])

    def pay(self, to: Pubkey | None = None, lamports: int = SOL, **how: Any) -> VersionedTransaction:
        target = to or Keypair().pubkey()
        params = TransferParams(from_pubkey=self.key.pubkey(), to_pubkey=target, lamports=lamports)
        return self.sign(transfer(params), **how)

    def send(self, transaction: VersionedTransaction, **settings: Any) -> str:
        return self.ask("sendTransaction", wire(transaction), {"encoding": "base64", **settings})

    def balance(self, key: Any = None) -> int:
        return self.value("getBalance", str(key or self.key.pubkey()))

    def status(self, signature: Any) -> Any:
        return self.value("getSignatureStatuses", [str(signature)])[0]

    def refusal(self, transaction: VersionedTransaction, **settings: Any) -> Rejected:
        with pytest.raises(Rejected) as caught:
            self.send(transaction, **settings)
        return caught.value


@pytest.fixture
def client() -> Client:
    return Client()


def wire(transaction: VersionedTransaction) -> str:
    return base64.b64encode(bytes(transaction)).decode()


def typed(kind: str, answer: Any) -> Any:
    """An answer as the typed client of solders reads it: it fails on a shape that no node has."""
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "result": answer}, default=float)
    parsed = getattr(responses, kind).from_json(text)
    assert type(parsed).__name__ == kind, parsed
    return parsed.value


# -- identity and plain questions ------------------------------------------------------------------


@pytest.mark.parametrize("row", ["solana", "solana-devnet", "solana-testnet"])
def test_it_answers_under_the_identity_of_its_row(row: str) -> None:
    engine = SolanaEngine(network(row))
    assert engine.rpc("getGenesisHash", []) == network(row).params["genesis"]
    assert engine.rpc("getHealth", []) == "ok"
    assert "solana-core" in engine.rpc("getVersion", [])
    assert engine.rest("GET", "/health") == "ok"
    with pytest.raises(Rejected) as caught:
        engine.rest("GET", "/elsewhere")
    assert caught.value.node_code == 404


def test_clusters_do_not_share_block_hashes() -> None:
    first, second = Client(), Client(row="solana-devnet")
    assert first.latest()[0] != second.latest()[0]
    assert second.refusal(second.pay(blockhash=first.latest()[0])).data["err"] == "BlockhashNotFound"


def test_every_answer_reads_in_the_typed_client_of_solders(client: Client) -> None:
    key, to = str(client.key.pubkey()), Keypair().pubkey()
    signature = client.send(client.pay(to))
    mint = client.engine.deploy_token(symbol="USDX", decimals=6, supply_to=key, supply=5_000_000)
    place = str(get_associated_token_address(client.key.pubkey(), Pubkey.from_string(mint)))
    base64_ = {"encoding": "base64"}
    assert str(typed("GetAccountInfoResp", client.ask("getAccountInfo", key, base64_)).owner) == "1" * 32
    assert typed("GetAccountInfoResp", client.ask("getAccountInfo", str(Keypair().pubkey()), base64_)) is None
    assert typed("GetBalanceResp", client.ask("getBalance", str(to))) == SOL
    assert typed("GetBlockHeightResp", client.ask("getBlockHeight", CONFIRMED)) > 30
    assert typed("GetEpochInfoResp", client.ask("getEpochInfo")).slots_in_epoch == 432_000
    assert typed("GetLatestBlockhashResp", client.ask("getLatestBlockhash", CONFIRMED)).last_valid_block_height > 150
    assert typed("GetMinimumBalanceForRentExemptionResp", client.ask("getMinimumBalanceForRentExemption", 0)) == RENT
    listed = client.ask("getMultipleAccounts", [key, str(Keypair().pubkey())], base64_)
    assert [bool(found) for found in typed("GetMultipleAccountsResp", listed)] == [True, False]
    assert typed("GetRecentPrioritizationFeesResp", client.ask("getRecentPrioritizationFees", [key]))
    (status,) = typed("GetSignatureStatusesResp", client.ask("getSignatureStatuses", [signature]))
    assert status.err is None
    assert typed("GetSlotResp", client.ask("getSlot")) < typed("GetSlotResp", client.ask("getSlot", CONFIRMED))
    history = client.ask("getSignaturesForAddress", str(to), CONFIRMED)
    assert [str(entry.signature) for entry in typed("GetSignaturesForAddressResp", history)] == [signature]
    held = client.ask("getTokenAccountBalance", place)
    assert typed("GetTokenAccountBalanceResp", held).ui_amount_string == "5"
    owned = client.ask("getTokenAccountsByOwner", key, {"mint": mint}, base64_)
    assert [str(entry.pubkey) for entry in typed("GetTokenAccountsByOwnerResp", owned)] == [place]
    shown = client.ask("getTokenAccountsByOwner", key, {"programId": TOKEN}, {"encoding": "jsonParsed"})
    (entry,) = typed("GetTokenAccountsByOwnerJsonParsedResp", shown)
    assert entry.account.data.parsed["info"]["tokenAmount"]["amount"] == "5000000"
    assert typed("GetTokenSupplyResp", client.ask("getTokenSupply", mint)).amount == "5000000"
    for encoding in ("json", "base64", "base58", "jsonParsed"):
        settings = {"encoding": encoding, "maxSupportedTransactionVersion": 0, **CONFIRMED}
        record = typed("GetTransactionResp", client.ask("getTransaction", signature, settings))
        assert record.transaction.meta.fee == 5000
    trial = client.ask("simulateTransaction", wire(client.pay(to)), {"encoding": "base64"})
    assert typed("SimulateTransactionResp", trial).units_consumed == 150
    assert typed("SendTransactionResp", signature) == Signature.from_string(signature)
    client.engine.mine()
    slot = client.status(signature)["slot"]
    block = typed("GetBlockResp", client.ask("getBlock", slot, {"maxSupportedTransactionVersion": 0, **CONFIRMED}))
    assert [str(item.transaction.signatures[0]) for item in block.transactions] == [signature]
    assert typed("RequestAirdropResp", client.ask("requestAirdrop", str(to), SOL))
    assert client.balance(to) == 2 * SOL


# -- transactions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["base58", "base64"])
def test_a_transfer_runs_at_once_and_costs_the_base_fee(client: Client, encoding: str) -> None:
    to = Keypair().pubkey()
    transaction = client.pay(to, 2 * SOL)
    if encoding == "base58":  # what is meant where none is named
        answer = client.ask("sendTransaction", base58.encode(bytes(transaction)))
    else:
        answer = client.ask("sendTransaction", wire(transaction), {"encoding": encoding})
    assert answer == str(transaction.signatures[0])
    assert (client.balance(to), client.balance()) == (2 * SOL, 98 * SOL - 5000)
    status = client.status(transaction.signatures[0])
    assert status["confirmationStatus"] == "confirmed"
    assert status["err"] is None
    record = client.ask("getTransaction", str(transaction.signatures[0]), CONFIRMED)
    meta = record["meta"]
    assert (meta["fee"], meta["err"], meta["preBalances"][1], meta["postBalances"][1]) == (5000, None, 0, 2 * SOL)
    assert meta["preBalances"][0] - meta["postBalances"][0] == 2 * SOL + 5000
    assert meta["logMessages"][-1] == f"Program {'1' * 32} success"
    assert record["transaction"]["message"]["instructions"][0]["programIdIndex"] == 2
    assert "version" not in record


def test_it_refuses_what_a_node_refuses_in_its_words(client: Client) -> None:
    poor = Keypair()
    params = TransferParams(from_pubkey=poor.pubkey(), to_pubkey=client.key.pubkey(), lamports=1)
    broke = VersionedTransaction(
        Message.new_with_blockhash([transfer(params)], poor.pubkey(), client.latest()[0]), [poor]
    )
    forged = client.pay()
    forged = VersionedTransaction.populate(forged.message, [Signature.from_bytes(bytes(range(64)))])
    cases: list[tuple[VersionedTransaction, int, str, Any]] = [
        (forged, -32003, "Transaction signature verification failure", None),
        (client.pay(blockhash=Hash.new_unique()), -32002, "Blockhash not found", "BlockhashNotFound"),
        (broke, -32002, "no record of a prior credit", "AccountNotFound"),
        (client.pay(lamports=101 * SOL), -32002, "Error processing Instruction 0: custom program error: 0x1", ...),
        (client.pay(lamports=RENT - 1), -32002, "account (1) with insufficient funds for rent", ...),
        (client.sign(Instruction(poor.pubkey(), b"", [])), -32002, "may not be used", ...),
    ]
    before = client.balance()
    for transaction, code, words, error in cases:
        refused = client.refusal(transaction)
        assert refused.node_code == code
        assert words in refused.message
        if code == -32002:
            assert refused.data["err"] == error or error is ...
            assert isinstance(refused.data["logs"], list)
        assert client.status(transaction.signatures[0]) is None
    assert client.balance() == before


def test_a_transaction_runs_once(client: Client) -> None:
    to = Keypair().pubkey()
    transaction = client.pay(to)
    client.send(transaction)
    refused = client.refusal(transaction)
    assert (refused.node_code, refused.data["err"]) == (-32002, "AlreadyProcessed")
    assert refused.message == "Transaction simulation failed: This transaction has already been processed"
    assert client.send(transaction, skipPreflight=True) == str(transaction.signatures[0])
    assert client.balance(to) == SOL


def test_the_same_transfer_made_twice_is_two_transactions(client: Client) -> None:
    to = Keypair().pubkey()
    first, second = client.send(client.pay(to)), client.send(client.pay(to))
    assert first != second
    assert client.balance(to) == 2 * SOL


def test_many_transactions_may_share_a_block_hash(client: Client) -> None:
    blockhash, to = client.latest()[0], Keypair().pubkey()
    for number in range(200):
        client.send(client.pay(to, SOL // 100 + number, blockhash=blockhash))
    assert client.balance(to) == 2 * SOL + sum(range(200))


def test_without_preflight_a_failure_lands_and_costs_its_fee_or_vanishes(client: Client) -> None:
    failing = client.pay(lamports=101 * SOL)
    client.send(failing, skipPreflight=True)
    assert client.status(failing.signatures[0])["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert client.balance() == 100 * SOL - 5000
    record = client.ask("getTransaction", str(failing.signatures[0]), CONFIRMED)
    assert record["meta"]["status"] == {"Err": {"InstructionError": [0, {"Custom": 1}]}}
    stale = client.pay(blockhash=Hash.new_unique())
    assert client.send(stale, skipPreflight=True) == str(stale.signatures[0])
    assert client.status(stale.signatures[0]) is None
    forged = VersionedTransaction.populate(client.pay().message, [Signature.default()])
    client.send(forged, skipPreflight=True)
    assert client.balance() == 100 * SOL - 5000


def test_fees_are_the_machines(client: Client) -> None:
    calls = [set_compute_unit_price(2_500_000), set_compute_unit_limit(1001)]
    other = Keypair()
    client.engine.fund(str(other.pubkey()), SOL)
    params = TransferParams(from_pubkey=other.pubkey(), to_pubkey=client.key.pubkey(), lamports=1000)
    transaction = client.sign(*calls, transfer(params), signers=[client.key, other])
    body = base64.b64encode(bytes(transaction.message)).decode()
    assert client.value("getFeeForMessage", body) == 2 * 5000 + 2503  # rounded up
    before = client.balance()
    client.send(transaction)
    assert before - client.balance() == 2 * 5000 + 2503 - 1000
    stale = client.pay(blockhash=Hash.new_unique())
    assert client.value("getFeeForMessage", base64.b64encode(bytes(stale.message)).decode()) is None
    client.engine.mine()
    fees = {entry["prioritizationFee"] for entry in client.ask("getRecentPrioritizationFees", [str(other.pubkey())])}
    assert fees == {0, 2_500_000}
    assert len(client.ask("getRecentPrioritizationFees")) <= 150
    quiet = client.ask("getRecentPrioritizationFees", [str(Keypair().pubkey())])
    assert {entry["prioritizationFee"] for entry in quiet} == {0}


def test_a_trial_run_changes_nothing_and_tells_what_would_be(client: Client) -> None:
    to = Keypair().pubkey()
    blank = VersionedTransaction.populate(client.pay(to, blockhash=Hash.default()).message, [Signature.default()])
    settings = {"encoding": "base64", "accounts": {"addresses": [str(to)], "encoding": "base64"}}
    assert client.value("simulateTransaction", wire(blank), settings)["err"] == "BlockhashNotFound"
    trial = client.value("simulateTransaction", wire(blank), {**settings, "replaceRecentBlockhash": True})
    assert trial["err"] is None
    assert trial["accounts"][0]["lamports"] == SOL
    assert trial["replacementBlockhash"]["blockhash"] == str(client.latest()[0])
    with pytest.raises(Rejected, match="signature verification") as caught:
        client.ask("simulateTransaction", wire(blank), {"encoding": "base64", "sigVerify": True})
    assert caught.value.node_code == -32003
    both = {"encoding": "base64", "sigVerify": True, "replaceRecentBlockhash": True}
    with pytest.raises(Rejected, match="may not be used with"):
        client.ask("simulateTransaction", wire(blank), both)
    assert (client.balance(to), client.balance()) == (0, 100 * SOL)


# -- blocks and time -------------------------------------------------------------------------------


def test_a_block_hash_lives_150_blocks(client: Client) -> None:
    blockhash, last = client.latest()
    assert client.value("isBlockhashValid", str(blockhash), CONFIRMED)
    client.engine.mine(last - client.ask("getBlockHeight", CONFIRMED))
    assert client.ask("getBlockHeight", CONFIRMED) == last
    to = Keypair().pubkey()
    client.send(client.pay(to, blockhash=blockhash))
    assert client.balance(to) == SOL
    client.engine.mine()
    assert not client.value("isBlockhashValid", str(blockhash), CONFIRMED)
    refused = client.refusal(client.pay(to, 2 * SOL, blockhash=blockhash))
    assert refused.message == "Transaction simulation failed: Blockhash not found"
    assert client.latest()[0] != blockhash


def test_time_makes_blocks_and_finality(client: Client) -> None:
    signature = client.send(client.pay())
    slot, height = client.ask("getSlot", CONFIRMED), client.ask("getBlockHeight", CONFIRMED)
    assert client.status(signature)["confirmations"] is not None
    assert client.ask("getTransaction", signature) is None  # asked for as final, which is the default
    client.engine.advance(12.8)  # 32 slots
    status = client.status(signature)
    assert (status["confirmationStatus"], status["confirmations"]) == ("finalized", None)
    assert client.ask("getTransaction", signature)["slot"] == status["slot"]
    assert client.ask("getBlockHeight", CONFIRMED) - height == client.ask("getSlot", CONFIRMED) - slot
    assert client.ask("getSlot", CONFIRMED) == slot + 32
    client.engine.advance(86_400)
    assert client.ask("getSlot", CONFIRMED) >= slot + 216_000
    assert client.ask("getBlockHeight", CONFIRMED) >= height + 216_000
    client.send(client.pay())  # it goes on


def test_slots_pass_with_the_clock_and_make_no_block(client: Client) -> None:
    signature = client.send(client.pay())
    blockhash, last = client.latest()
    slot, height = client.ask("getSlot", CONFIRMED), client.ask("getBlockHeight", CONFIRMED)
    client.clock.skip(400)  # as a wall clock does
    assert client.ask("getSlot", CONFIRMED) == slot + 1000
    assert client.status(signature)["confirmationStatus"] == "finalized"
    assert client.ask("getBlockHeight", CONFIRMED) == height + 1  # the open block was closed
    assert client.ask("getBlock", slot, CONFIRMED)["blockHeight"] == height
    client.send(client.pay(blockhash=blockhash))  # the hash still lives: no block came
    client.engine.mine()
    with pytest.raises(Rejected, match="was skipped") as caught:
        client.ask("getBlock", slot + 1, CONFIRMED)
    assert caught.value.node_code == -32007
    assert client.latest()[1] > last


def test_the_clock_of_programs_follows(client: Client) -> None:
    clock = "SysvarC1ock11111111111111111111111111111111"

    def seconds() -> int:
        client.send(client.pay())  # the machine is told the time when something runs
        data = client.value("getAccountInfo", clock, {"encoding": "base64"})["data"][0]
        return int.from_bytes(base64.b64decode(data)[32:40], "little")

    before = seconds()
    client.engine.advance(3600)
    assert 3600 <= seconds() - before <= 3700


def test_without_automine_transactions_wait() -> None:
    client = Client(automine=False)
    to = Keypair().pubkey()
    waits, dropped = client.pay(to), client.pay(to, 2 * SOL)
    assert client.send(waits) == client.send(waits)  # known already, and not done yet
    client.send(dropped)
    assert client.status(waits.signatures[0]) is None
    assert client.balance(to) == 0
    assert client.engine.drop(str(dropped.signatures[0]))
    assert not client.engine.drop(str(dropped.signatures[0]))
    client.engine.mine()
    assert client.balance(to) == SOL
    assert client.status(waits.signatures[0])["confirmations"] == 1
    late = client.pay(to, 3 * SOL)
    client.send(late)
    client.engine.advance(70)
    client.engine.mine()
    assert client.status(late.signatures[0]) is None
    assert client.balance(to) == SOL
    client.engine.fund(str(to), SOL)  # the faucet does not wait
    assert client.balance(to) == 2 * SOL


def test_blocks_can_be_read(client: Client) -> None:
    signature = client.send(client.pay())
    slot = client.status(signature)["slot"]
    with pytest.raises(Rejected, match=f"Block not available for slot {slot}") as caught:
        client.ask("getBlock", slot, CONFIRMED)
    assert caught.value.node_code == -32004
    client.engine.mine(2)
    block = client.ask("getBlock", slot, {"transactionDetails": "signatures", **CONFIRMED})
    assert block["signatures"] == [signature]
    following = client.ask("getBlock", slot + 1, CONFIRMED)
    assert (following["previousBlockhash"], following["parentSlot"]) == (block["blockhash"], slot)
    assert following["blockHeight"] == block["blockHeight"] + 1
    assert client.ask("getBlocks", slot, slot + 1) == [slot, slot + 1]
    assert client.ask("getBlockTime", slot) == block["blockTime"]


def test_a_reorganisation_forgets_the_last_blocks(client: Client) -> None:
    kept, gone = Keypair().pubkey(), Keypair().pubkey()
    mint = client.engine.deploy_token(symbol="T", decimals=0, supply_to=str(kept), supply=7)
    client.send(client.pay(kept))
    client.engine.mine()
    before, height = client.balance(), client.ask("getBlockHeight", CONFIRMED)
    again = client.pay(gone)
    client.send(again)
    inside = client.latest()[0]
    client.engine.fund_token(mint, str(gone), 5)
    assert client.value("getTokenSupply", mint)["amount"] == "12"
    client.engine.reorg(1)
    assert (client.value("getTokenSupply", mint)["amount"], client.balance(gone)) == ("7", SOL)
    client.engine.reorg(2)  # the empty block that took its place, and the one before
    assert (client.balance(gone), client.balance(), client.balance(kept)) == (0, before, SOL)
    assert client.status(again.signatures[0]) is None
    assert client.ask("getBlockHeight", CONFIRMED) >= height
    assert not client.value("isBlockhashValid", str(inside), CONFIRMED)
    assert client.ask("getSignaturesForAddress", str(gone), CONFIRMED) == []
    client.send(again)  # its hash is older than the fork
    assert client.balance(gone) == SOL
    client.send(client.pay(kept))
    assert client.balance(kept) == 2 * SOL
    for depth in (0, -1, 10_000, True, "1"):
        with pytest.raises(InputError):
            client.engine.reorg(depth)  # type: ignore[arg-type]


def test_a_long_history_survives_a_reorganisation(client: Client) -> None:
    chance = random.Random(7)
    people = [Keypair().pubkey() for _ in range(5)]
    mint = client.engine.deploy_token(symbol="T", decimals=3, supply_to=str(people[0]), supply=10**6)
    for number in range(40):
        client.send(client.pay(chance.choice(people), SOL // 100 + number))
        if chance.random() < 0.2:
            client.engine.mine(chance.randrange(3))
        if chance.random() < 0.2:
            client.engine.fund_token(mint, str(chance.choice(people)), 1 + number)
    client.engine.mine()

    def picture() -> Any:
        tokens = [
            client.value("getTokenAccountsByOwner", str(p), {"mint": mint}, {"encoding": "base64"}) for p in people
        ]
        balances = [client.balance(key) for key in (*people, client.key.pubkey())]
        return balances, tokens, [block.hashes for block in client.engine.ledger.blocks]

    before = picture()
    client.engine.mine(3)
    client.engine.reorg(3)
    after = picture()
    assert after[:2] == before[:2]
    assert after[2][: len(before[2])] == before[2]
    client.engine.reorg(1)  # a fork upon a fork
    assert picture()[:2] == before[:2]


# -- programs --------------------------------------------------------------------------------------


def test_tokens_are_real_mints(client: Client) -> None:
    owner, other = str(client.key.pubkey()), str(Keypair().pubkey())
    mint = client.engine.deploy_token(symbol="USDX", decimals=6, supply_to=owner, supply=1_500_000)
    empty = client.engine.deploy_token(symbol="NONE", decimals=0, supply_to="", supply=9)
    assert mint != empty
    assert client.value("getTokenSupply", mint) == {
        "amount": "1500000",
        "decimals": 6,
        "uiAmount": Decimal("1.5"),
        "uiAmountString": "1.5",
    }
    assert client.value("getTokenSupply", empty)["amount"] == "0"
    client.engine.fund_token(mint, other, 25)
    client.engine.fund_token(mint, other, 25)
    parsed = {"encoding": "jsonParsed"}
    (found,) = client.value("getTokenAccountsByOwner", other, {"mint": mint}, parsed)
    info = found["account"]["data"]["parsed"]["info"]
    assert (info["owner"], info["mint"], info["tokenAmount"]["amount"]) == (other, mint, "50")
    assert (info["state"], info["isNative"]) == ("initialized", False)
    shown = client.value("getAccountInfo", mint, parsed)["data"]
    assert (shown["program"], shown["parsed"]["type"]) == ("spl-token", "mint")
    assert shown["parsed"]["info"]["freezeAuthority"] is None
    with pytest.raises(InputError, match="no token of this devnet"):
        client.engine.fund_token(owner, other, 1)
    with pytest.raises(InputError, match="at most"):
        client.engine.fund_token(mint, other, 2**64 - 1)
    for method, params in (("getTokenSupply", [owner]), ("getTokenAccountBalance", [owner])):
        with pytest.raises(Rejected, match="Invalid param") as caught:
            client.ask(method, *params)
        assert caught.value.node_code == -32602
    with pytest.raises(Rejected, match="could not find mint"):
        client.ask("getTokenAccountsByOwner", owner, {"mint": other})


def test_lookup_tables_work(client: Client) -> None:
    key, to = client.key.pubkey(), Keypair().pubkey()
    client.engine.mine()
    recent = client.ask("getSlot", CONFIRMED) - 1
    recent = max(n for n in client.ask("getBlocks", 0) if n <= recent)
    table, bump = Pubkey.find_program_address([bytes(key), recent.to_bytes(8, "little")], TABLES)
    owner = [AccountMeta(key, True, False), AccountMeta(key, True, True)]
    made = [AccountMeta(table, False, True), *owner, AccountMeta(Pubkey.default(), False, False)]
    create = Instruction(TABLES, bytes(4) + recent.to_bytes(8, "little") + bytes((bump,)), made)
    extend = Instruction(TABLES, b"\2\0\0\0" + (1).to_bytes(8, "little") + bytes(to), made)
    client.send(client.sign(create, extend))
    client.engine.mine()
    pay = transfer(TransferParams(from_pubkey=key, to_pubkey=to, lamports=SOL))
    known = AddressLookupTableAccount(table, [to])
    message = MessageV0.try_compile(key, [pay], [known], client.latest()[0])
    assert message.address_table_lookups
    signature = client.send(VersionedTransaction(message, [client.key]))
    assert client.balance(to) == SOL
    with pytest.raises(Rejected, match="maxSupportedTransactionVersion") as caught:
        client.ask("getTransaction", signature, CONFIRMED)
    assert caught.value.node_code == -32015
    record = client.ask("getTransaction", signature, {"maxSupportedTransactionVersion": 0, **CONFIRMED})
    assert record["version"] == 0
    assert record["meta"]["loadedAddresses"] == {"writable": [str(to)], "readonly": []}
    assert record["meta"]["postBalances"][-1] == SOL
    assert record["transaction"]["message"]["addressTableLookups"][0]["writableIndexes"] == [0]
    settings = {"encoding": "jsonParsed", "maxSupportedTransactionVersion": 0, **CONFIRMED}
    parsed = client.ask("getTransaction", signature, settings)["transaction"]["message"]
    assert parsed["accountKeys"][-1] == {"pubkey": str(to), "signer": False, "writable": True, "source": "lookupTable"}
    assert parsed["instructions"][0]["parsed"]["info"]["destination"] == str(to)
    missing = AddressLookupTableAccount(Keypair().pubkey(), [to])
    lost = VersionedTransaction(MessageV0.try_compile(key, [pay], [missing], client.latest()[0]), [client.key])
    assert client.refusal(lost).data["err"] == "AddressLookupTableNotFound"


def nonce_of(client: Client, key: Pubkey) -> Hash:
    data = client.value("getAccountInfo", str(key), {"encoding": "base64"})["data"][0]
    return Hash.from_bytes(base64.b64decode(data)[40:72])


def test_durable_nonces_outlive_block_hashes_and_serve_once(client: Client) -> None:
    key, stored, to = client.key.pubkey(), Keypair(), Keypair().pubkey()
    size = CreateAccountParams(
        from_pubkey=key, to_pubkey=stored.pubkey(), lamports=2 * 10**6, space=80, owner=Pubkey.default()
    )
    opened = InitializeNonceAccountParams(nonce_pubkey=stored.pubkey(), authority=key)
    signers = [client.key, stored]
    client.send(client.sign(create_account(size), initialize_nonce_account(opened), signers=signers))
    advance = advance_nonce_account(AdvanceNonceAccountParams(nonce_pubkey=stored.pubkey(), authorized_pubkey=key))
    pay = transfer(TransferParams(from_pubkey=key, to_pubkey=to, lamports=SOL))
    nonce = nonce_of(client, stored.pubkey())
    durable = client.sign(advance, pay, blockhash=nonce)
    client.engine.mine(200)
    client.send(durable)
    assert client.balance(to) == SOL
    assert nonce_of(client, stored.pubkey()) != nonce
    assert client.refusal(client.sign(advance, pay, pay, blockhash=nonce)).data["err"] == "BlockhashNotFound"
    nonce = nonce_of(client, stored.pubkey())
    too_much = transfer(TransferParams(from_pubkey=key, to_pubkey=to, lamports=10**15))
    client.send(client.sign(advance, too_much, blockhash=nonce), skipPreflight=True)
    assert nonce_of(client, stored.pubkey()) != nonce  # a failure uses the nonce up, too
    assert client.balance(to) == SOL
    client.engine.mine()
    nonce = nonce_of(client, stored.pubkey())
    client.engine.mine()
    client.engine.reorg(1)
    assert nonce_of(client, stored.pubkey()) == nonce


def test_history_of_an_address(client: Client) -> None:
    to = Keypair().pubkey()
    memo = Instruction(MEMO, "für Änne".encode(), [])
    pay = transfer(TransferParams(from_pubkey=client.key.pubkey(), to_pubkey=to, lamports=SOL))
    sent = [client.send(client.sign(pay, memo)) for _ in range(5)]

    def signatures(**settings: Any) -> list[str]:
        return [e["signature"] for e in client.ask("getSignaturesForAddress", str(to), {**CONFIRMED, **settings})]

    newest_first = sent[::-1]
    assert signatures() == newest_first
    assert signatures(limit=2) == newest_first[:2]
    assert signatures(before=newest_first[1]) == newest_first[2:]
    assert signatures(until=newest_first[3], before=newest_first[0]) == newest_first[1:3]
    entry = client.ask("getSignaturesForAddress", str(to), CONFIRMED)[0]
    assert entry["memo"] == "[10] für Änne"
    assert client.ask("getSignaturesForAddress", str(to)) == []  # nothing final yet
    client.engine.advance(13)
    assert len(client.ask("getSignaturesForAddress", str(to))) == 5


def test_calls_are_shown_as_what_they_are() -> None:
    amount = (1_500_000).to_bytes(8, "little")
    checked = parse_call(TOKEN, ["from", "mint", "to", "me"], b"\x0c" + amount + b"\x06")
    assert checked["parsed"]["info"]["tokenAmount"]["uiAmountString"] == "1.5"
    assert parse_call(TOKEN, ["from", "to", "me"], b"\x03" + amount)["parsed"]["info"]["amount"] == "1500000"
    assert parse_call(TOKEN, ["mint", "to", "me"], b"\x07" + amount)["parsed"]["type"] == "mintTo"
    assert parse_call(str(MEMO), [], b"hello")["parsed"] == "hello"
    for program, data in ((TOKEN, b""), (TOKEN, b"\x03"), ("1" * 32, b"\2\0\0\0"), (str(MEMO), b"\xff"), ("x", b"")):
        assert "parsed" not in parse_call(program, [], data)


# -- hostile input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("getNothing", [], -32601),
        ("getBalance", [], -32602),
        ("getBalance", ["x"], -32602),
        ("getBalance", ["0OIl" * 11], -32602),
        ("getBalance", ["1" * 32, {}, 1], -32602),
        ("getBalance", {"key": 1}, -32602),
        ("getBalance", "text", -32602),
        ("getBalance", ["1" * 32, {"commitment": "soon"}], -32602),
        ("getBalance", ["1" * 32, {"minContextSlot": 10**12}], -32016),
        ("getAccountInfo", ["1" * 32, {"encoding": "utf8"}], -32602),
        ("getAccountInfo", ["1" * 32, {"encoding": "base64", "dataSlice": {"offset": -1, "length": 1}}], -32602),
        ("getAccountInfo", [SLOT_HASHES], -32600),  # more than base58 may hold
        ("getMultipleAccounts", [["1" * 32] * 101], -32602),
        ("getMultipleAccounts", ["1" * 32], -32602),
        ("getSignatureStatuses", [["1" * 32]], -32602),
        ("getSignatureStatuses", [["1" * 64] * 257], -32602),
        ("getMinimumBalanceForRentExemption", [-1], -32602),
        ("getMinimumBalanceForRentExemption", [True], -32602),
        ("getSignaturesForAddress", ["1" * 32, {"limit": 1001}], -32602),
        ("getTransaction", ["1" * 64, {"commitment": "processed"}], -32602),
        ("getTokenAccountsByOwner", ["1" * 32, {}], -32602),
        ("getTokenAccountsByOwner", ["1" * 32, {"mint": "1" * 32, "programId": TOKEN}], -32602),
        ("getTokenAccountsByOwner", ["1" * 32, {"programId": "1" * 32}], -32602),
        ("getBlocks", [0, 10**9], -32602),
        ("sendTransaction", [""], -32602),
        ("sendTransaction", ["====", {"encoding": "base64"}], -32602),
        ("sendTransaction", ["A" * 1644, {"encoding": "base64"}], -32602),
        ("sendTransaction", ["A" * 1648, {"encoding": "base64"}], -32602),
        ("sendTransaction", ["AAAA", {"encoding": "hex"}], -32602),
        ("sendTransaction", [5], -32602),
        ("simulateTransaction", ["AQ==", {"encoding": "base64"}], -32602),
        ("getFeeForMessage", ["AQ=="], -32602),
        ("getFeeForMessage", [None], -32602),
    ],
)
def test_wrong_calls_have_their_codes(client: Client, method: str, params: Any, code: int) -> None:
    with pytest.raises(Rejected) as caught:
        client.engine.rpc(method, params)
    assert caught.value.node_code == code
    assert caught.value.message


def test_parts_of_account_data_can_be_asked_for(client: Client) -> None:
    settings = {"encoding": "base64", "dataSlice": {"offset": 1, "length": 3}}
    whole = client.value("getAccountInfo", SLOT_HASHES, {"encoding": "base64"})
    part = client.value("getAccountInfo", SLOT_HASHES, settings)
    assert base64.b64decode(part["data"][0]) == base64.b64decode(whole["data"][0])[1:4]
    assert part["space"] == whole["space"] > 1000
    short = client.value("getAccountInfo", str(client.key.pubkey()))
    assert short["data"] == ""


def refusal_of(client: Client, method: str, params: Any) -> Any:
    """How a call is refused, None if it is answered. Anything but an error of the library passes through."""
    try:
        client.engine.rpc(method, params)
    except MultiwalletError as error:
        return error
    return None


def test_garbage_is_refused_and_nothing_else(client: Client) -> None:
    chance = random.Random(11)
    values: list[Any] = [
        None,
        True,
        -1,
        2**70,
        0.5,
        "",
        "1" * 32,
        "1" * 64,
        "\ud800",
        [],
        [[]],
        {},
        {"mint": []},
        [None],
    ]
    methods = [*client.engine._rpc._methods]
    for _ in range(3000):
        method = chance.choice(methods)
        params = [chance.choice(values) for _ in range(chance.randrange(4))]
        refused = refusal_of(client, method, params)
        if isinstance(refused, Rejected):
            assert isinstance(refused.node_code, int)
        else:
            assert refused is None or method == "requestAirdrop"


def test_mutilated_transactions_are_refused_and_nothing_else(client: Client) -> None:
    chance = random.Random(12)
    before = client.balance()
    for number in range(1500):
        to = Keypair().pubkey()
        pay = transfer(TransferParams(from_pubkey=client.key.pubkey(), to_pubkey=to, lamports=10**6))
        if number % 2:
            tables = [AddressLookupTableAccount(Keypair().pubkey(), [to])] if number % 3 else []
            message: Any = MessageV0.try_compile(client.key.pubkey(), [pay], tables, client.latest()[0])
        else:
            message = Message.new_with_blockhash([pay], client.key.pubkey(), client.latest()[0])
        body = bytearray(bytes(VersionedTransaction.populate(message, [Signature.default()]))[65:])
        for _ in range(chance.randrange(4)):
            body[chance.randrange(len(body))] = chance.choice([0, 1, 2, 255, chance.randrange(256)])
        if chance.random() < 0.2:
            body = body[: chance.randrange(len(body))]
        signature = bytes(client.key.sign_message(bytes(body)))  # so that the machine gets to see it
        text = base64.b64encode(b"\1" + signature + bytes(body)).decode()
        calls: list[tuple[str, list[Any]]] = [
            ("simulateTransaction", [text, {"encoding": "base64", "replaceRecentBlockhash": number % 2 == 0}]),
            ("sendTransaction", [text, {"encoding": "base64", "skipPreflight": chance.random() < 0.5}]),
            ("getFeeForMessage", [base64.b64encode(bytes(body)).decode()]),
        ]
        for method, params in calls:
            refused = refusal_of(client, method, params)
            assert refused is None or isinstance(refused.node_code, int)
    assert client.balance() < before  # some of them were sound
    client.send(client.pay())


# -- the faucet ------------------------------------------------------------------------------------


def test_the_faucet_gives_what_can_be_kept(client: Client) -> None:
    to = str(Keypair().pubkey())
    with pytest.raises(InputError, match="least that Solana keeps"):
        client.engine.fund(to, RENT - 1)
    signature = client.engine.fund(to, RENT)
    assert client.status(signature)["err"] is None
    client.engine.fund(to, 1)
    assert client.balance(to) == RENT + 1
    with pytest.raises(InvalidAddress):
        client.engine.fund("0xabc", SOL)
    for units in (-1, 2**64):
        with pytest.raises(InputError):
            client.engine.fund(to, units)


# -- with the library's own wallet -----------------------------------------------------------------


def with_wallet(test: Callable[[Devnet, Any, Any], None], *, automine: bool = True) -> None:
    with Devnet(automine=automine) as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        account, other = wallet.account("solana"), wallet.account("solana", index=1)
        devnet.fund(account, "10")
        test(devnet, account, other)


def test_a_wallet_sends_coins_and_tokens() -> None:
    def story(devnet: Devnet, account: Any, other: Any) -> None:
        receipt = account.send(to=other.address, amount="1.5", memo="rent")
        done = account.wait(receipt.txid)
        assert done.status is Status.CONFIRMED
        assert done.fee.units == 5000
        assert str(other.balance().available) == "1.5 SOL"
        token = devnet.deploy_token("solana", symbol="USDX", decimals=6, holder=account, supply="1000")
        assert account.balance(token.reference).available.asset.symbol == "USDX"  # read from the chain
        sent = account.send(to=other.address, amount="12.5", asset=token)
        assert account.wait(sent.txid).status is Status.CONFIRMED
        assert str(other.balance(token).available) == "12.5 USDX"
        devnet.fund_token(other, "0.5", token)
        assert str(other.balance(token).available) == "13 USDX"
        account.wait(account.send(to=other.address, amount="max").txid)
        assert account.balance().total.units == 0
        with pytest.raises(InsufficientFunds):
            account.build(to=other.address, amount="1")

    with_wallet(story)


def test_a_wallet_sees_an_expired_transaction_expire() -> None:
    def story(devnet: Devnet, account: Any, other: Any) -> None:
        signed = account.sign(account.build(to=other.address, amount="1"))
        account.broadcast(signed)
        assert devnet.drop("solana", signed.txid)
        with pytest.raises(Expired):
            account.wait(signed.txid, timeout=300, expiry=signed.expiry)
        devnet.mine("solana")
        assert other.balance().total.units == 0
        stale = account.sign(account.build(to=other.address, amount="2"))
        devnet.engine("solana").advance(61)
        with pytest.raises(Rejected, match="block hash"):
            account.broadcast(stale)

    with_wallet(story, automine=False)


def test_a_wallet_survives_a_lost_answer() -> None:
    def story(devnet: Devnet, account: Any, other: Any) -> None:
        signed = account.sign(account.build(to=other.address, amount="1"))
        devnet.lose_answers("solana")
        with pytest.raises(BroadcastUncertain):
            account.broadcast(signed)
        assert account.broadcast(signed).txid == signed.txid  # the same bytes again: known already
        assert str(other.balance().total) == "1 SOL"

    with_wallet(story)


def test_a_wallet_sees_a_reorganisation() -> None:
    def story(devnet: Devnet, account: Any, other: Any) -> None:
        signed = account.sign(account.build(to=other.address, amount="1"))
        account.wait(account.broadcast(signed).txid)
        devnet.reorg("solana")
        assert other.balance().total.units == 0
        account.wait(account.broadcast(signed).txid)
        assert str(other.balance().total) == "1 SOL"

    with_wallet(story)
