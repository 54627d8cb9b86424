"""What a node answers, and what is made of it: building, delivery, search, and answers that are none."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from multiwallet import Account, Amount, Asset, Transfer, Wallet, network
from multiwallet.chain import Network
from multiwallet.chains.antelope import Antelope, known_abis, names, serialization
from multiwallet.chains.antelope.transaction import Transaction
from multiwallet.crypto.hashes import sha256
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    MultiwalletError,
    Rejected,
    Timeout,
    Unreachable,
    Unsupported,
)
from multiwallet.ops import Rest
from multiwallet.testing import FakeTransport, refusal
from multiwallet.transactions import Status

CHAIN = Antelope()
PRIVATE = b"\x07" * 32
PUBLIC = CHAIN.address(network("eos-jungle"), SecpKey(PRIVATE).public_key)
BLOCK = 1_000_000
BLOCK_ID = BLOCK.to_bytes(4, "big").hex() + "11" * 28
HEAD_TIME = 1_767_323_045


def _info(row: Network, **changed: Any) -> dict[str, Any]:
    return {
        "chain_id": row.params["chain_id"],
        "head_block_num": BLOCK + 2,
        "head_block_time": "2026-01-02T03:04:05.500",
        "last_irreversible_block_num": BLOCK,
        "last_irreversible_block_id": BLOCK_ID,
        "last_irreversible_block_time": "2026-01-02T03:04:04.500",
    } | changed


def _told(name: str, key: str = PUBLIC, **changed: Any) -> dict[str, Any]:
    authority = {"threshold": 1, "keys": [{"key": key, "weight": 1}], "accounts": [], "waits": []}
    return {
        "account_name": name,
        "permissions": [{"perm_name": part, "parent": "", "required_auth": authority} for part in ("active", "owner")],
        "cpu_limit": {"used": 5, "available": "95", "max": 100},
        "net_limit": {"used": 5, "available": 995, "max": 1000},
        "ram_quota": 5000,
        "ram_usage": 3000,
    } | changed


def _listed(*levels: str) -> dict[str, Any]:
    pairs = [level.split("@") for level in levels]
    return {
        "accounts": [
            {
                "account_name": actor,
                "permission_name": permission,
                "authorizing_key": PUBLIC,
                "weight": 1,
                "threshold": 1,
            }
            for actor, permission in pairs
        ]
    }


def _refused(code: int, name: str, words: str = "words", status: int = 500) -> Rejected:
    body = {
        "code": status,
        "message": "x",
        "error": {"code": code, "name": name, "what": name, "details": [{"message": words}]},
    }
    return Rejected("the node refused", node_code=status, data=body)


def _fake(row: Network, **changed: Any) -> FakeTransport:
    answers = {
        "get_info": _info(row),
        "get_account": lambda effect: _told(effect.json["account_name"]),
        "get_currency_balance": ["100.0000 EOS"],
        "get_accounts_by_authorizers": _listed("alice@owner", "alice@active"),
        "get_block": _chain_with({}),
        "get_raw_abi": lambda effect: _raw_abi(effect.json["account_name"], b"\x0eeosio::abi/1.1" + bytes(8)),
    } | changed
    return FakeTransport({f"v1/chain/{name}": answer for name, answer in answers.items()})


def _raw_abi(account: str, packed: bytes) -> dict[str, Any]:
    return {
        "account_name": account,
        "code_hash": "00" * 32,
        "abi_hash": sha256(packed).hex(),
        "abi": base64.b64encode(packed).decode() + "=",
    }


def _account(row: Network, fake: FakeTransport, kind: str = "alice") -> Account:
    return Wallet.from_private_key(row, PRIVATE, transport=fake).account(row, kind=kind)


def _asked(fake: FakeTransport) -> list[str]:
    return [effect.path.removeprefix("v1/chain/") for effect in fake.asked if isinstance(effect, Rest)]


# -- who the account is ----------------------------------------------------------------------------------------


def test_a_named_account_is_not_looked_up(row: Network) -> None:
    fake = _fake(row)
    account = _account(row, fake)
    transaction = account.build(to="bob", amount="1.5")
    assert "get_accounts_by_authorizers" not in _asked(fake)
    assert len(fake.batches) == 1
    assert transaction.sender == "alice@active"
    assert transaction.fee.details == {"cpu_us": 95, "net_bytes": 995, "ram_bytes": 2000}
    assert _account(row, _fake(row), "alice@owner").build(to="bob", amount="1").sender == "alice@owner"


def test_a_key_is_looked_up_once(row: Network) -> None:
    fake = _fake(row)
    account = _account(row, fake, "")
    assert account.build(to="bob", amount="1").sender == "alice@active"
    account.balance()
    assert _asked(fake).count("get_accounts_by_authorizers") == 1


def test_a_key_of_several_accounts_asks_which(row: Network) -> None:
    fake = _fake(row, get_accounts_by_authorizers=_listed("alice@active", "bob@owner"))
    account = _account(row, fake, "")
    for ask in (account.balance, lambda: account.build(to="carol", amount="1")):
        assert "alice, bob" in refusal(InputError, ask).message
    assert account.build(to="carol", amount="1", actor="bob@owner").sender == "bob@owner"


def test_a_key_without_account_has_nothing(row: Network) -> None:
    account = _account(row, _fake(row, get_accounts_by_authorizers={"accounts": []}), "")
    assert account.balance().total == row.amount("0")
    assert "no account" in refusal(InputError, account.build, to="bob", amount="1").message


def test_a_node_cannot_slip_in_the_account_of_another_key(row: Network) -> None:
    other = CHAIN.address(row, SecpKey(b"\x08" * 32).public_key)
    listed = _listed("alice@active")
    listed["accounts"][0]["authorizing_key"] = other
    account = _account(row, _fake(row, get_accounts_by_authorizers=listed), "")
    assert "no account" in refusal(InputError, account.build, to="bob", amount="1").message
    foreign = _fake(row, get_account=lambda effect: _told(effect.json["account_name"], other))
    assert "no say" in refusal(InputError, _account(row, foreign).build, to="bob", amount="1").message


def test_a_public_key_is_paid_on_test_networks_alone(row: Network) -> None:
    fake = _fake(row, get_accounts_by_authorizers=_listed("bob@active"))
    transaction = _account(row, fake).build(to=PUBLIC, amount="1")
    assert transaction.summary.actions[0].to == "bob"
    fake = _fake(row, get_accounts_by_authorizers=_listed("bob@active", "carol@active"))
    refusal(InvalidAddress, _account(row, fake).build, to=PUBLIC, amount="1")
    fake = _fake(network("wax"))
    assert "name" in refusal(InvalidAddress, _account(network("wax"), fake).build, to=PUBLIC, amount="1").message


# -- building --------------------------------------------------------------------------------------------------


def test_the_bytes_hold_what_was_asked(row: Network) -> None:
    transaction = _account(row, _fake(row)).build(to="bob", amount="1.5", memo="hi", expiration=60)
    body = Transaction.decode(transaction.body)
    assert (body.ref_block_num, body.ref_block_prefix) == (BLOCK & 0xFFFF, 0x11111111)
    assert body.expiration == HEAD_TIME + 60
    (call,) = body.actions
    assert (call.account, call.name) == ("eosio.token", "transfer")
    assert serialization.decode(known_abis.TOKEN, "transfer", call.data) == {
        "from": "alice",
        "to": "bob",
        "quantity": "1.5000 EOS",
        "memo": "hi",
    }


def test_vaulta_pays_with_its_own_token_and_buys_with_it() -> None:
    row = network("vaulta")
    fake = _fake(row, get_currency_balance=["100.0000 A"])
    account = _account(row, fake)
    body = Transaction.decode(account.build(to="bob", amount="1", buy_ram_bytes=5, stake={"cpu": "2"}).body)
    assert [(call.account, call.name) for call in body.actions] == [
        ("core.vaulta", "transfer"),
        ("core.vaulta", "buyrambytes"),
        ("core.vaulta", "delegatebw"),
    ]
    assert b"A\0\0\0\0\0\0" in body.actions[2].data
    made = account.build(to="x", amount="0", data=[], create_account={"name": "x", "owner": PUBLIC, "ram_bytes": 9})
    assert [call.account for call in Transaction.decode(made.body).actions] == ["eosio", "core.vaulta"]
    kinds = [action.kind for action in made.summary.actions]
    assert kinds == ["create-account", "buy-ram"]
    eos = Asset(f"{row.id}/token:eosio.token-EOS", "EOS", 4)
    old = _fake(row, get_currency_balance=["100.0000 EOS"])
    paid = _account(row, old).build(to="bob", amount=Amount.parse("2", eos))
    assert paid.summary.warnings == ()
    assert paid.summary.actions[0].amount == Amount.parse("2", eos)


def test_a_users_own_row_is_enough() -> None:
    from multiwallet import add_network

    chain_id = "ab" * 32
    row = add_network(
        "my-antelope",
        id=f"antelope:{chain_id[:32]}",
        symbol="MINE",
        decimals=3,
        slip44=194,
        params={"chain_id": chain_id, "token_contract": "my.token", "key_prefix": "MINE"},
    )
    fake = _fake(row, get_currency_balance=["5.000 MINE"])
    body = Transaction.decode(_account(row, fake).build(to="bob", amount="max").body)
    assert body.actions[0].account == "my.token"
    broken = Network(
        f"antelope:{'cd' * 16}", "my-other", "antelope", "Other", "X", 4, 194, params={"chain_id": chain_id}
    )
    assert "params.chain_id" in refusal(InputError, _account(broken, _fake(broken)).build, to="bob", amount="1").message


@pytest.mark.parametrize(
    "options",
    [
        {"unknown": 1},
        {"expiration": 0},
        {"expiration": 3601},
        {"expiration": True},
        {"max_cpu_usage_ms": 256},
        {"max_net_usage_words": 2**29},
        {"actor": "Alice"},
        {"actor": "bob@active"},
        {"permission": "x@y"},
        {"receiver": "Nobody"},
        {"actions": "all"},
        {"actions": [], "data": []},
        {"actions": [{"account": "eosio"}]},
        {"actions": [{"account": "eosio", "name": "buyram", "data": {}}]},
        {"actions": [{"account": "eosio", "name": "nonsense", "data": {}}]},
        {"actions": [7]},
        {"data": "esr://nonsense"},
        {"buy_ram_bytes": -1},
        {"buy_ram_bytes": "many"},
        {"buy_ram": "1.23456"},
        {"sell_ram": 2**63},
        {"stake": "1"},
        {"stake": {"cpu": "1", "ram": "1"}},
        {"refund": 1},
        {"powerup": {}},
        {"create_account": {"name": "new"}},
        {"create_account": {"name": "New", "owner": PUBLIC}},
        {"create_account": {"name": "new", "owner": "EOS1234567890123"}},
        {"create_account": {"name": "new", "owner": {"threshold": 1}}},
        {"update_auth": {"permission": "pay"}},
        {"link_auth": {"code": "eosio.token"}},
        {"approve": {"proposer": "bob"}},
        {"approve": {"proposer": "bob", "name": "x", "hash": "00"}},
        {"propose": {"name": "x", "requested": []}},
        {"propose": {"name": "x", "requested": ["bob"], "lifetime": 1}},
        {"memo": "x" * 257},
    ],
)
def test_wrong_options_are_refused(row: Network, options: dict[str, Any]) -> None:
    error = refusal(InputError, _account(row, _fake(row)).build, to="bob", amount="1", **options)
    assert len(error.message) > 10


def test_what_cannot_be_paid(row: Network) -> None:
    account = _account(row, _fake(row))
    error = refusal(InsufficientFunds, account.build, Transfer("bob", "60"), Transfer("carol", "40.0001"))
    assert (error.needed, error.available) == (row.amount("100.0001"), row.amount("100"))
    refusal(Unsupported, account.build, Transfer("bob", "max"), Transfer("carol", "1"))
    assert "itself" in refusal(InputError, account.build, to="alice", amount="1").message
    empty = _account(row, _fake(row, get_currency_balance=[]))
    refusal(InsufficientFunds, empty.build, to="bob", amount="max")
    missing = _fake(
        row, get_account=lambda effect: _told("alice") if effect.json["account_name"] == "alice" else _refused(0, "x")
    )
    assert "no account bob" in refusal(InvalidAddress, _account(row, missing).build, to="bob", amount="1").message


HOSTILE: list[Any] = [
    None,
    [],
    {},
    "x",
    7,
    {"accounts": 7},
    [1, 2],
    {"error": {}, "code": 500},
    ["1.0 EOS"],
    ["-1.0000 EOS"],
    ["1.0000 XXX"],
]


@pytest.mark.parametrize("answer", HOSTILE)
@pytest.mark.parametrize("call", ["get_info", "get_account", "get_currency_balance"])
def test_answers_that_are_none(row: Network, call: str, answer: Any) -> None:
    if call == "get_currency_balance" and answer == []:  # which is a balance of zero
        answer = [None]
    refusal(MultiwalletError, _account(row, _fake(row, **{call: answer})).build, to="bob", amount="1")


@pytest.mark.parametrize(
    "changed",
    [
        {"head_block_num": BLOCK - 1},
        {"head_block_num": "many"},
        {"head_block_num": True},
        {"last_irreversible_block_id": "00" * 32},
        {"last_irreversible_block_id": "zz"},
        {"head_block_time": "now"},
        {"last_irreversible_block_num": None},
    ],
)
def test_a_head_that_contradicts_itself(row: Network, changed: dict[str, Any]) -> None:
    refusal(BadResponse, _account(row, _fake(row, get_info=_info(row, **changed))).build, to="bob", amount="1")


def test_a_node_of_another_chain(row: Network) -> None:
    fake = _fake(row, get_info=_info(network("wax")))
    assert "serves antelope:1064487b" in refusal(BadResponse, _account(row, fake).build, to="bob", amount="1").message


def test_an_abi_must_have_the_stated_hash(row: Network) -> None:
    name = names.name_value("act").to_bytes(8, "little")
    packed = b"\x0eeosio::abi/1.1" + b"\0\1\3act\0\1\1a\6uint32\1" + name + b"\3act\0\0\0\0\0"

    def raw(**changed: Any) -> dict[str, Any]:
        return _raw_abi("someone", packed) | changed

    action = {"account": "someone", "name": "act", "data": {"a": 7}}
    account = _account(row, _fake(row, get_raw_abi=raw()))
    transaction = account.build(to="bob", amount="0", data=[action])
    assert transaction.summary.actions[0].details["a"] == "7"
    for changed in ({"abi_hash": "00" * 32}, {"account_name": "other"}, {"abi": "?"}, {"abi": None}, {"abi_hash": 7}):
        broken = _account(row, _fake(row, get_raw_abi=raw(**changed)))
        refusal(BadResponse, broken.build, to="bob", amount="0", data=[action])
    none = _account(row, _fake(row, get_raw_abi=raw(abi="", abi_hash=sha256(b"").hex())))
    assert "no ABI" in refusal(InputError, none.build, to="bob", amount="0", data=[action]).message


def test_tokens_are_read_from_their_contract(row: Network) -> None:
    stats = {"USD": {"supply": "1.000000 USD", "max_supply": "9.000000 USD", "issuer": "bank"}}
    account = _account(row, _fake(row, get_currency_stats=stats, get_currency_balance=["2.500000 USD"]))
    asset = account.asset("bank.token-USD")
    assert (asset.id, asset.decimals) == (f"{row.id}/token:bank.token-USD", 6)
    assert account.balance(asset).available.text == "2.5"
    assert account.build(to="bob", amount="0.25", asset=asset).summary.warnings == ()
    strange: list[Any] = [{}, {"USD": {}}, {"USD": {"max_supply": "1.00 EUR"}}, {"USD": 7}, []]
    for answer in strange:
        refusal(MultiwalletError, _account(row, _fake(row, get_currency_stats=answer)).asset, "bank.token-USD")


# -- delivery --------------------------------------------------------------------------------------------------


def _sent(row: Network, outcome: Any, **changed: Any) -> Any:
    fake = _fake(row, send_transaction=outcome, **changed)
    account = _account(row, fake)
    signed = account.sign(account.build(to="bob", amount="1"))
    if outcome == "right":
        fake.answers["v1/chain/send_transaction"] = {"transaction_id": signed.txid, "processed": {}}
    return account.broadcast(signed), signed


def test_what_a_broadcast_is_answered(row: Network) -> None:
    receipt, signed = _sent(row, "right")
    assert (receipt.txid, receipt.status, receipt.expiry) == (signed.txid, Status.PENDING, signed.expiry)
    assert _sent(row, _refused(3040008, "tx_duplicate"))[0].status is Status.PENDING
    unclear: list[Any] = [Timeout("x"), Unreachable("x"), BadResponse("x"), {}, None, [], {"transaction_id": 7}]
    for lost in unclear:
        assert len(refusal(BroadcastUncertain, _sent, row, lost).txid) == 64
    refusal(BadResponse, _sent, row, {"transaction_id": "00" * 32})
    error = refusal(Rejected, _sent, row, _refused(3080004, "tx_cpu_usage_exceeded", "billed CPU time"))
    assert error.node_code == 3080004
    assert "power up" in error.message
    assert "billed" in error.message
    assert refusal(Rejected, _sent, row, Rejected("x", node_code=403, data=None)).node_code == 403
    assert refusal(Rejected, _sent, row, _refused(3050003, "a").data).node_code == 3050003


def test_expired_is_a_success_if_it_was_included(row: Network) -> None:
    late = _refused(3040005, "expired_tx_exception")
    # The blocks that may hold it are not final: an older one than were read may have it.
    refusal(BroadcastUncertain, _sent, row, late)
    fake = _fake(row, send_transaction=late)
    account = _account(row, fake)
    signed = account.sign(account.build(to="bob", amount="1"))
    fake.answers["v1/chain/get_block"] = _chain_with({BLOCK - 50: [signed.txid]})
    receipt = account.broadcast(signed)
    assert (receipt.status, receipt.block) == (Status.CONFIRMED, BLOCK - 50)
    fake.answers["v1/chain/get_block"] = _chain_with({BLOCK - 400: [signed.txid]})  # deeper than one look goes
    refusal(BroadcastUncertain, account.broadcast, signed)
    fake.answers["v1/chain/get_block"] = Timeout("x")
    refusal(BroadcastUncertain, account.broadcast, signed)


def _chain_with(blocks: dict[int, list[str]], status: str = "executed") -> Any:
    def answer(effect: Any) -> dict[str, Any]:
        number = int(effect.json["block_num_or_id"])
        found = [
            {"status": status, "cpu_usage_us": 100, "net_usage_words": 16, "trx": {"id": txid}}
            for txid in blocks.get(number, [])
        ]
        time = names.time_text((HEAD_TIME - 1) * 1_000_000 + (number - BLOCK) * 500_000)
        return {
            "block_num": number,
            "timestamp": time,
            "transactions": [{"status": "executed", "trx": "ff" * 32}, *found],
        }

    return answer


TXID = "ab" * 32


def test_blocks_are_searched_backwards_and_not_for_ever(row: Network) -> None:
    fake = _fake(row, get_block=_chain_with({BLOCK - 200: [TXID]}))
    receipt = _account(row, fake).status(TXID)
    assert (receipt.status, receipt.block, receipt.confirmations, receipt.final) == (
        Status.CONFIRMED,
        BLOCK - 200,
        203,
        True,
    )
    assert receipt.details == {"cpu_us": 100, "net_bytes": 128}
    none = _fake(row)
    assert _account(row, none).status(TXID, expiry=HEAD_TIME + 60).status is Status.UNKNOWN
    assert _asked(none).count("get_block") <= 301
    fresh = _fake(row, get_block=_chain_with({BLOCK + 2: [TXID]}))
    assert not _account(row, fresh).status(TXID).final


def test_expired_only_when_no_final_block_can_hold_it(row: Network) -> None:
    gone = _fake(row)
    refusal(Expired, _account(row, gone).status, TXID, expiry=HEAD_TIME - 100)
    asked = _asked(gone).count("get_block")
    assert 7200 <= asked <= 7600  # every block of the longest lifetime, once
    early = _fake(row, get_block=_chain_with({BLOCK - 7000: [TXID]}))
    assert _account(row, early).status(TXID, expiry=HEAD_TIME - 100).status is Status.CONFIRMED
    behind = _fake(row, get_info=_info(row, last_irreversible_block_time="2026-01-02T03:01:00"))
    assert _account(row, behind).status(TXID, expiry=HEAD_TIME - 100).status is Status.UNKNOWN


def test_missed_blocks_do_not_hide_a_transaction(row: Network) -> None:
    # Producers missed every second block since: the block of the expiry is not where two blocks a second would put it.
    whole = _chain_with({BLOCK - 10_100: [TXID]})

    def slow(effect: Any) -> Any:
        number = int(effect.json["block_num_or_id"])
        return whole(effect) | {"timestamp": names.time_text((HEAD_TIME - 1 + number - BLOCK) * 1_000_000)}

    receipt = _account(row, _fake(row, get_block=slow)).status(TXID, expiry=HEAD_TIME - 10_000)
    assert receipt.block == BLOCK - 10_100


def test_blocks_that_a_node_lacks_are_not_called_empty(row: Network) -> None:
    whole = _chain_with({BLOCK - 5000: [TXID]})
    kept = BLOCK - 300

    def short(effect: Any) -> Any:
        number = int(effect.json["block_num_or_id"])
        return whole(effect) if number > kept else Rejected("no such block", node_code=400)

    fake = _fake(row, get_block=short)
    assert _account(row, fake).status(TXID, expiry=HEAD_TIME - 100).status is Status.UNKNOWN
    assert _account(row, fake).status(TXID, expiry=HEAD_TIME - 4000).status is Status.UNKNOWN
    late = _fake(row)
    asked: list[int] = []

    def lags(effect: Any) -> Any:
        number = int(effect.json["block_num_or_id"])
        asked.append(number)
        absent = number == BLOCK - 1 and asked.count(number) < 3
        return Rejected("not yet", node_code=400) if absent else _chain_with({BLOCK - 1: [TXID]})(effect)

    late.answers["v1/chain/get_block"] = lags
    assert _account(row, late).wait(TXID, timeout=30).block == BLOCK - 1


def test_a_failed_transaction_and_strange_blocks(row: Network) -> None:
    failed = _fake(row, get_block=_chain_with({BLOCK: [TXID]}, "hard_fail"))
    assert _account(row, failed).status(TXID).status is Status.FAILED
    for answer in (7, {}, {"block_num": 1, "transactions": []}, {"block_num": BLOCK + 2, "transactions": 7}):
        refusal(BadResponse, _account(row, _fake(row, get_block=answer)).status, TXID)
    refusal(InputError, _account(row, _fake(row)).status, "xyz")


def test_waiting_reads_each_block_once_and_follows_the_head(row: Network) -> None:
    fake = _fake(row)
    heads = [_info(row, head_block_num=BLOCK + 2 + turn) for turn in range(4)]
    fake.script("v1/chain/get_info", heads)
    fake.answers["v1/chain/get_block"] = _chain_with({BLOCK + 4: [TXID]})
    account = _account(row, fake)
    receipt = account.wait(TXID, timeout=30)
    assert (receipt.block, receipt.confirmations) == (BLOCK + 4, 1)
    rests = [effect for effect in fake.asked if isinstance(effect, Rest)]
    numbers = [int(effect.json["block_num_or_id"]) for effect in rests if effect.path.endswith("get_block")]
    finals = [number for number in numbers if number <= BLOCK]
    assert len(finals) == len(set(finals))
    deeper = _fake(row, get_block=_chain_with({BLOCK + 1: [TXID]}))
    deeper.script("v1/chain/get_info", [_info(row, head_block_num=BLOCK + turn) for turn in (2, 2, 3, 5)])
    assert _account(row, deeper).wait(TXID, confirmations=4).confirmations == 5
    refusal(Timeout, _account(row, _fake(row)).wait, TXID, timeout=1)
    refusal(InputError, _account(row, _fake(row)).wait, TXID, timeout=float("nan"))


def test_a_block_that_a_fork_took_away_is_looked_for_anew(row: Network) -> None:
    fake = _fake(row)
    first, second = _chain_with({BLOCK + 1: [TXID]}), _chain_with({BLOCK + 3: [TXID]})
    heads = iter([BLOCK + 2, BLOCK + 2, BLOCK + 3, BLOCK + 3])
    current: list[int] = []

    def info(effect: Any) -> Any:
        current.append(next(heads, BLOCK + 9))
        return _info(row, head_block_num=current[-1])

    fake.answers["v1/chain/get_info"] = info
    fake.answers["v1/chain/get_block"] = lambda effect: (first if len(current) < 3 else second)(effect)
    assert _account(row, fake).wait(TXID, confirmations=5).block == BLOCK + 3


def test_a_history_service_is_asked_first(row: Network) -> None:
    row = row.with_endpoints(["https://node.example", "hyperion+https://history.example"])
    fake = _fake(row)
    path = "v2/history/get_transaction"
    fake.answers[path] = {"executed": True, "trx_id": TXID, "actions": [{"trx_id": TXID, "block_num": BLOCK - 9000}]}
    receipt = _account(row, fake).status(TXID)
    assert (receipt.block, receipt.final) == (BLOCK - 9000, True)
    assert "get_block" not in _asked(fake)
    fake.answers[path] = {"executed": True, "actions": [{"trx_id": "00" * 32, "block_num": 5}]}
    refusal(BadResponse, _account(row, fake).status, TXID)
    for nothing in ({"executed": False}, Timeout("x"), {}):
        fake.answers[path] = nothing
        assert _account(row, fake).status(TXID).status is Status.UNKNOWN


def test_stakes_are_locked(row: Network) -> None:
    told = _told(
        "alice",
        self_delegated_bandwidth={"net_weight": "1.0000 EOS", "cpu_weight": "2.0000 EOS"},
        refund_request={"net_amount": "0.5000 EOS", "cpu_amount": "0.2500 EOS"},
    )
    balance = _account(row, _fake(row, get_account=told)).balance()
    assert (balance.available.text, balance.locked.text) == ("100", "3.75")
    strange: list[dict[str, Any]] = [
        {"self_delegated_bandwidth": 7},
        {"self_delegated_bandwidth": {}},
        {"refund_request": {"net_amount": 1}},
    ]
    for broken in strange:
        refusal(BadResponse, _account(row, _fake(row, get_account=_told("alice", **broken))).balance)
