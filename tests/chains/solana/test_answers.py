"""Nodes that answer wrongly, refuse, fall silent or lie: every answer's shape is checked, and money is never at risk."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.amounts import Amount, Asset
from multiwallet.chain import Holder, Network, Options, Payment
from multiwallet.chains.solana import Solana, accounts, programs
from multiwallet.chains.solana import address as addresses
from multiwallet.chains.solana.failure import explain
from multiwallet.chains.solana.message import compile_message
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    InsufficientFunds,
    MultiwalletError,
    RateLimited,
    Rejected,
    Timeout,
    Unreachable,
)
from multiwallet.ops import Effect, Op, Rpc, run
from multiwallet.transactions import SignedTransaction, Status

GENESIS = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
NETWORK = Network(
    "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "solana", "solana", "Solana", "SOL", 9, 501, params={"genesis": GENESIS}
)
KEY = Ed25519Key(bytes(32))
HOLDER = Holder(NETWORK, addresses.encode(KEY.public_key), KEY.public_key)
CHAIN = Solana()
MINT = addresses.encode(b"\x09" * 32)
TOKEN = Asset(f"{NETWORK.id}/token:{MINT}", "TOK", 6)
TO = addresses.encode(Ed25519Key(b"\1" * 32).public_key)


def signed() -> SignedTransaction:
    body = compile_message(KEY.public_key, [programs.transfer(KEY.public_key, b"\7" * 32, 5)], b"\1" * 32).to_bytes()
    transaction = CHAIN.adopt(HOLDER, body)
    return CHAIN.assemble(transaction, [(transaction.requests[0], KEY.sign(body))])


def answered(operation: Op[Any], *rounds: Sequence[Any]) -> Any:
    """Run an operation with one list of outcomes for each batch it asks for."""
    script = iter(rounds)
    return run(operation, lambda effects: list(next(script)))


def mint_account(decimals: int = 6, owner: bytes = programs.TOKEN) -> dict[str, Any]:
    data = bytes(44) + bytes((decimals, 1)) + bytes(36)
    return account(data, owner)


def account(data: bytes, owner: bytes, lamports: int = 10**9) -> dict[str, Any]:
    encoded = [base64.b64encode(data).decode(), "base64"]
    content = {"lamports": lamports, "owner": addresses.encode(owner), "data": encoded, "executable": False}
    return {"context": {"slot": 1}, "value": content}


WRONG: list[Any] = [
    None,
    "<html>502 Bad Gateway</html>",
    {},
    [],
    7,
    -1,
    1.5,
    True,
    {"value": None},
    {"value": "x"},
    {"value": []},
    {"value": [1]},
    {"value": -1},
    {"value": 2**64},
    {"value": 1.5},
    {"value": {"data": None}},
    {"value": {"blockhash": "x", "lastValidBlockHeight": 1}},
    {"value": {"blockhash": 7, "lastValidBlockHeight": 1}},
    {"value": {"blockhash": "1" * 32, "lastValidBlockHeight": "1"}},
    {"value": {"lamports": 1, "owner": "x", "data": ["", "base64"]}},
    {"value": {"lamports": 1, "owner": "1" * 32, "data": ["!", "base64"]}},
    {"value": {"lamports": 1, "owner": "1" * 32, "data": ["", "base58"]}},
    {"value": {"lamports": "1", "owner": "1" * 32, "data": ["", "base64"]}},
    {"value": [{"pubkey": 1}]},
    {"value": [{"slot": "x"}]},
    {"value": [{"slot": 1, "confirmations": None, "confirmationStatus": "surely"}]},
    {"value": {"err": None, "unitsConsumed": None}},
    {"value": [None, None]},
]
wrong = pytest.mark.parametrize("answer", WRONG, ids=[str(n) for n in range(len(WRONG))])


def pay(*payments: Payment) -> Op[Any]:
    return CHAIN.build(HOLDER, payments, Options())


def native(units: int) -> Payment:
    return Payment(TO, Amount(units, NETWORK.native))


@wrong
def test_wrong_answers_are_errors_of_the_tree(answer: Any) -> None:
    """Whatever the node answers to one of the calls, while it answers the others rightly."""
    right: dict[str, Any] = {
        "getBalance": {"value": 10**10},
        "getMinimumBalanceForRentExemption": 890_880,
        "getLatestBlockhash": {"value": {"blockhash": MINT, "lastValidBlockHeight": 9}},
        "getRecentPrioritizationFees": [],
        "getAccountInfo": {"value": None},
        "simulateTransaction": {"value": {"err": None, "logs": [], "unitsConsumed": 150}},
        "getGenesisHash": GENESIS,
        "getTokenAccountsByOwner": {"value": []},
        "getSignatureStatuses": {"value": [None]},
        "getBlockHeight": 5,
    }
    operations: list[Callable[[], Op[Any]]] = [
        lambda: CHAIN.identify(NETWORK),
        lambda: CHAIN.balance(HOLDER, NETWORK.native),
        lambda: CHAIN.balance(HOLDER, TOKEN),
        lambda: CHAIN.asset(NETWORK, MINT),
        lambda: pay(native(10**9)),
        lambda: CHAIN.status(NETWORK, signed().txid, expiry=9),
    ]
    for make in operations:
        asked: list[str] = []

        def perform(effects: Sequence[Effect], asked: list[str] = asked, broken: str = "") -> list[Any]:
            methods = [effect.method for effect in effects if isinstance(effect, Rpc)]
            asked += methods
            return [answer if method == broken else right[method] for method in methods]

        with contextlib.suppress(MultiwalletError):
            run(make(), perform)
        for broken in dict.fromkeys(asked):
            with contextlib.suppress(BadResponse, InputError, InsufficientFunds):
                run(make(), lambda effects, broken=broken: perform(effects, [], broken))


@wrong
def test_what_is_no_answer_at_all_is_a_bad_response(answer: Any) -> None:
    if answer not in ({"value": None}, {"value": 1}):
        with pytest.raises(BadResponse):
            answered(CHAIN.balance(HOLDER, NETWORK.native), [answer])
    with pytest.raises(BadResponse):
        answered(CHAIN.identify(NETWORK), [answer])
    if answer != {"value": []}:
        with pytest.raises(BadResponse, match="getTokenAccountsByOwner"):
            answered(CHAIN.balance(HOLDER, TOKEN), [answer])


def test_the_endpoint_must_be_of_the_network() -> None:
    assert answered(CHAIN.identify(NETWORK), [GENESIS]) is None
    with pytest.raises(BadResponse, match="another chain"):
        answered(CHAIN.identify(NETWORK), ["EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"])
    unnamed = Network(NETWORK.id, "solana", "solana", "Solana", "SOL", 9, 501)
    assert answered(CHAIN.identify(unnamed), [GENESIS]) is None


def test_broadcast() -> None:
    tx = signed()
    receipt = answered(CHAIN.broadcast(NETWORK, tx), [tx.txid])
    assert (receipt.txid, receipt.status) == (tx.txid, Status.PENDING)
    with pytest.raises(BadResponse, match="another transaction id"):
        answered(CHAIN.broadcast(NETWORK, tx), [addresses.encode(bytes(range(64)))])
    for lost in (Timeout("no answer"), Unreachable("down"), BadResponse("<html>")):
        with pytest.raises(BroadcastUncertain) as caught:
            answered(CHAIN.broadcast(NETWORK, tx), [lost])
        assert caught.value.txid == tx.txid
    for odd in (None, 7, {}, True):
        with pytest.raises(BroadcastUncertain):
            answered(CHAIN.broadcast(NETWORK, tx), [odd])
    with pytest.raises(BroadcastUncertain):
        answered(CHAIN.broadcast(NETWORK, tx), [Rejected("Internal error", node_code=-32603)])
    with pytest.raises(Rejected, match="same bytes again after 3 s"):
        answered(CHAIN.broadcast(NETWORK, tx), [RateLimited("slow down", retry_after=3)])


def refused(error: Any, message: str = "Transaction simulation failed") -> Rejected:
    return Rejected(message, node_code=-32002, data={"err": error, "logs": ["Program log: Error: oh no"]})


def test_refusals_of_a_broadcast() -> None:
    tx = signed()
    for known in (
        refused("AlreadyProcessed"),
        Rejected("Transaction simulation failed: This transaction has already been processed", node_code=-32002),
    ):
        assert answered(CHAIN.broadcast(NETWORK, tx), [known]).txid == tx.txid
    for poor in (
        "AccountNotFound",
        "InsufficientFundsForFee",
        {"InsufficientFundsForRent": {"account_index": 0}},
        {"InstructionError": [0, {"Custom": 1}]},
    ):
        with pytest.raises(InsufficientFunds):
            answered(CHAIN.broadcast(NETWORK, tx), [refused(poor)])
    for error, words in (
        ({"InstructionError": [0, {"Custom": 0}]}, "exists already"),
        ({"InstructionError": [0, "InvalidAccountData"]}, "InvalidAccountData"),
        ({"InstructionError": [7, {"Custom": 99}]}, "custom error 99"),
        ({"InstructionError": ["x", ["y"]]}, "failed"),
        ({"DuplicateInstruction": 1}, "DuplicateInstruction"),
        (["odd"], "odd"),
        (7, "7"),
    ):
        with pytest.raises(Rejected, match=words) as caught:
            answered(CHAIN.broadcast(NETWORK, tx), [refused(error)])
        assert caught.value.node_code == -32002
        assert "oh no" in caught.value.message
    # The same bytes sent again after a lost answer, too late for the node's check: they may have arrived then.
    plain = Rejected("Transaction simulation failed: Blockhash not found", node_code=-32002)
    included = {"value": [{"slot": 5, "confirmations": 3, "err": None, "confirmationStatus": "confirmed"}]}
    for old in (refused("BlockhashNotFound"), plain):
        assert answered(CHAIN.broadcast(NETWORK, tx), [old], [included]).txid == tx.txid
        with pytest.raises(Rejected, match="(?i)block ?hash") as caught:
            answered(CHAIN.broadcast(NETWORK, tx), [old], [{"value": [None]}])
        assert caught.value.node_code == -32002
        with pytest.raises(BroadcastUncertain) as uncertain:
            answered(CHAIN.broadcast(NETWORK, tx), [old], [Timeout("no answer")])
        assert uncertain.value.txid == tx.txid
    with pytest.raises(Rejected, match="behind"):
        answered(CHAIN.broadcast(NETWORK, tx), [Rejected("Node is behind by 200 slots", node_code=-32005)])


def test_status() -> None:
    txid = signed().txid

    def status(*rounds: Sequence[Any], expiry: int | None = None) -> Any:
        return answered(CHAIN.status(NETWORK, txid, expiry=expiry), *rounds)

    def entry(level: str | None, votes: int | None, error: Any = None) -> Any:
        return {"value": [{"slot": 70, "confirmations": votes, "err": error, "confirmationStatus": level}]}

    record = {"slot": 70, "meta": {"fee": 5001, "logMessages": ["Program log: Error: frozen"]}}
    done = status([entry("confirmed", 4)], [record])
    assert (done.status, done.confirmations, done.block, done.final) == (Status.CONFIRMED, 5, 70, False)
    assert done.fee.units == 5001
    final = status([entry("finalized", None)], [None])
    assert (final.confirmations, final.final, final.fee) == (32, True, None)
    assert status([entry(None, None)], [Timeout("slow")]).final
    assert status([entry("processed", 0)]).status is Status.PENDING
    failed = status([entry("confirmed", 0, {"InstructionError": [1, {"Custom": 5}]})], [record])
    assert failed.status is Status.FAILED
    assert failed.reason == "instruction 2 failed: custom error 5 (Error: frozen)"
    assert status([{"value": [None]}]).status is Status.UNKNOWN
    assert status([{"value": [None]}, 100], expiry=100).status is Status.UNKNOWN
    with pytest.raises(Expired):
        status([{"value": [None]}, 101], [{"value": [None]}, 101], expiry=100)
    late = status([{"value": [None]}, 101], [entry("confirmed", 0), 101], [None], expiry=100)
    assert late.status is Status.CONFIRMED  # it was included at the last moment
    # The second answer comes from a node that lags: that it knows nothing proves nothing.
    assert status([{"value": [None]}, 101], [{"value": [None]}, 100], expiry=100).status is Status.UNKNOWN
    for wrong_id in ("", "x", "1" * 32, None, "0" * 88):
        with pytest.raises(InputError):
            next(CHAIN.status(NETWORK, wrong_id))  # type: ignore[arg-type]


def test_a_node_that_lies_about_accounts() -> None:
    with pytest.raises(InputError, match="decimals"):
        answered(
            pay(Payment(TO, Amount(5, TOKEN))),
            [{"value": 10**9}, 890_880, {"value": None}, mint_account(9), _blockhash(), []],
        )
    with pytest.raises(InputError, match="no SPL token"):
        answered(CHAIN.asset(NETWORK, MINT), [account(bytes(82), programs.SYSTEM), {"value": None}])
    foreign = account(bytes(32) + KEY.public_key + bytes(44) + b"\1" + bytes(56), programs.TOKEN)["value"]
    with pytest.raises(BadResponse, match="another token"):
        answered(CHAIN.balance(HOLDER, TOKEN), [{"value": [{"pubkey": TO, "account": foreign}]}])
    symbols = answered(CHAIN.asset(NETWORK, MINT), [mint_account(), account(b"\xff" * 80, programs.METADATA)])
    assert symbols.symbol == f"{MINT[:4]}…{MINT[-4:]}"
    wrapped = addresses.encode(programs.NATIVE_MINT)
    assert answered(CHAIN.asset(NETWORK, wrapped), [mint_account(9), {"value": None}]).symbol == "WSOL"


def test_metaplex_metadata() -> None:
    body = b"\4" + bytes(32) + b"\x09" * 32 + (32).to_bytes(4, "little") + b"USD Coin".ljust(32, b"\0")
    body += (10).to_bytes(4, "little") + b"USDC".ljust(10, b"\0") + bytes(200)
    found = answered(CHAIN.asset(NETWORK, MINT), [mint_account(), account(body, programs.METADATA)])
    assert (found.id, found.symbol, found.decimals) == (TOKEN.id, "USDC", 6)
    forged = account(body, programs.SYSTEM)  # an account of somebody else
    assert answered(CHAIN.asset(NETWORK, MINT), [mint_account(), forged]).symbol != "USDC"


def _blockhash() -> dict[str, Any]:
    return {"value": {"blockhash": MINT, "lastValidBlockHeight": 9}}


@pytest.mark.parametrize(
    "options",
    [
        {"version": 1},
        {"version": "v0"},
        {"compute_unit_limit": 0},
        {"compute_unit_limit": 1_400_001},
        {"compute_unit_price": -1},
        {"compute_unit_price": 1.5},
        {"blockhash": "x"},
        {"blockhash": b"x"},
        {"allow_off_curve": "yes"},
        {"nonce": 1},
    ],
    ids=str,
)
def test_options_are_checked_before_anything_is_asked(options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        next(CHAIN.build(HOLDER, (native(10**9),), Options(native=options)))


def test_payments_are_checked_before_anything_is_asked() -> None:
    other = Network("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "x", "solana", "X", "SOL", 9, 501)
    for payments in (
        (),
        (Payment(TO, Amount(5, other.native)),),
        (native(2**64),),
        (Payment("x", Amount(5, NETWORK.native)),),
    ):
        with pytest.raises(InputError):
            next(pay(*payments))
    with pytest.raises(InputError, match="not even one"):
        next(CHAIN.build(HOLDER, (native(10**9),), Options(memo="x" * 1200)))
    with pytest.raises(InputError, match="surrogate"):
        next(CHAIN.build(HOLDER, (native(10**9),), Options(memo="\ud800")))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, json_values)
def test_any_refusal_can_be_explained(error: Any, logs: Any) -> None:
    assert explain(error, logs).text
    assert explain({"InstructionError": [error, logs]}).text


@given(st.binary(max_size=400), st.sampled_from([programs.TOKEN, programs.TOKEN_2022, programs.METADATA]))
def test_any_account_can_be_read_or_not(data: bytes, owner: bytes) -> None:
    info = accounts.AccountInfo(1, owner, data, False)
    mint = accounts.read_mint(info)
    if mint is not None:
        assert mint.account_extension_size >= 0
        assert mint.has_transfer_hook in (True, False)
        assert mint.transfer_fee is None or mint.transfer_fee[0] > 0
    accounts.read_token_account(info)
    accounts.read_symbol(bytes(32), info, info)
