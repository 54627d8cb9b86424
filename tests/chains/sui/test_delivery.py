"""After signing: refusals, lost answers, other transactions' locks, epochs, and what an outbox relies on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from multiwallet import Account, Wallet
from multiwallet.chain import Chain, Holder
from multiwallet.chains.sui import Sui
from multiwallet.devnet import Devnet
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    InsufficientFunds,
    MultiwalletError,
    RateLimited,
    Rejected,
    Reverted,
    Timeout,
)
from multiwallet.ops import Effect, run
from multiwallet.testing import FakeTransport, refusal
from multiwallet.transactions import SignedTransaction, Status

WORDS = "test test test test test test test test test test test junk"
CHAIN: Chain = Sui()


@pytest.fixture
def devnet() -> Iterator[Devnet]:
    with Devnet() as devnet:
        yield devnet


@pytest.fixture
def account(devnet: Devnet) -> Account:
    account = Wallet.from_mnemonic(WORDS, transport=devnet).account("sui", index=0)
    devnet.fund(account, "5")
    return account


FRIEND = "0x" + "ab" * 32


def _signed(account: Account, amount: str = "1", **options: Any) -> SignedTransaction:
    return account.sign(account.build(to=FRIEND, amount=amount, **options))


def _holder(account: Account) -> Holder:
    return Holder(account.network, account.address, account.public_key, "ed25519")


def _is_dead(devnet: Devnet, account: Account, signed: SignedTransaction) -> bool:
    return run(CHAIN.is_dead(_holder(account), signed, depth=1), devnet.perform)


def test_a_coin_is_spent_once_and_the_other_transaction_is_dead(devnet: Devnet, account: Account) -> None:
    first, second = _signed(account, "1"), _signed(account, "2")
    assert CHAIN.claims(first).coins == CHAIN.claims(second).coins
    assert not _is_dead(devnet, account, second)
    account.broadcast(first).wait()
    error = refusal(Rejected, account.broadcast, second)
    assert "not available for consumption" in error.message
    assert _is_dead(devnet, account, second)
    assert not _is_dead(devnet, account, first)
    assert account.status(second.txid).status is Status.UNKNOWN


def test_a_waiting_transaction_locks_its_coins_until_the_epoch_ends() -> None:
    with Devnet(automine=False) as devnet:
        account = Wallet.from_mnemonic(WORDS, transport=devnet).account("sui", index=0)
        devnet.fund(account, "5")
        first, second = _signed(account, "1"), _signed(account, "2")
        refusal(BroadcastUncertain, account.broadcast, first)
        assert account.status(first.txid).status is Status.UNKNOWN
        error = refusal(Rejected, account.broadcast, second)
        assert "free again when the epoch ends" in error.message
        assert devnet.drop("sui", first.txid)
        refusal(Rejected, account.broadcast, second)
        assert not _is_dead(devnet, account, first)
        devnet.engine("sui").advance(86_400)
        refusal(BroadcastUncertain, account.broadcast, second)
        devnet.mine("sui")
        assert account.status(second.txid).status is Status.CONFIRMED
        assert _is_dead(devnet, account, first)


def test_a_transaction_expires_with_its_last_epoch(devnet: Devnet, account: Account) -> None:
    signed = _signed(account, expiration=1)
    assert signed.expiry == 901
    engine = devnet.engine("sui")
    engine.advance(86_400)
    assert (
        run(CHAIN.status(account.network, signed.txid, expiry=signed.expiry), devnet.perform).status is Status.UNKNOWN
    )
    engine.advance(86_400)
    refusal(Rejected, account.broadcast, signed)
    with pytest.raises(Expired):
        run(CHAIN.status(account.network, signed.txid, expiry=signed.expiry), devnet.perform)
    assert not _is_dead(devnet, account, signed)  # services lag: one epoch more is waited for
    engine.advance(86_400)
    assert _is_dead(devnet, account, signed)


def test_a_service_that_forgot_old_transactions_proves_nothing(devnet: Devnet, account: Account) -> None:
    """Weeks after the last epoch a pruned service knows no transaction of ours: it was included all the same."""
    signed = _signed(account, expiration=1)
    account.broadcast(signed).wait()
    engine = devnet.engine("sui")
    engine.advance(5 * 86_400)

    def forgetful(effects: Sequence[Effect]) -> list[Any]:
        answered = devnet.perform(effects)
        for answer in answered:
            data = answer.get("data") if isinstance(answer, dict) else None
            if isinstance(data, dict) and "transactionEffects" in data:
                data["transactionEffects"] = None
            if isinstance(data, dict) and "objectVersions" in data:
                data["objectVersions"], data["object"] = {"nodes": []}, None
        return list(answered)

    with pytest.raises(Expired):
        run(CHAIN.status(account.network, signed.txid, expiry=signed.expiry), forgetful)
    assert run(CHAIN.is_dead(_holder(account), signed, depth=1), forgetful) is False


@pytest.mark.parametrize("text", ["the request's deadline expired", "timed out before the effects: expired"])
def test_time_that_ran_out_is_no_refusal(text: str) -> None:
    with Devnet() as devnet:
        account = Wallet.from_mnemonic(WORDS, transport=devnet).account("sui", index=0)
        devnet.fund(account, "5")
        signed = _signed(account)

        def slow(effects: Sequence[Effect]) -> list[Any]:
            if any("executeTransaction" in str(getattr(effect, "json", "")) for effect in effects):
                return [{"data": None, "errors": [{"message": text, "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}]
            return list(devnet.perform(effects))

        with pytest.raises(BroadcastUncertain):
            run(CHAIN.broadcast(account.network, signed), slow)


def test_failures_on_chain_are_told_and_cost_gas(devnet: Devnet, account: Account) -> None:
    """Gas that suffices for less than the transaction takes: made by hand, since a simulation refuses it."""
    from dataclasses import replace

    from multiwallet.chains.sui.transaction import TransactionData

    data = TransactionData.decode(account.build(to=FRIEND, amount="1").body)
    short = replace(data, gas=replace(data.gas, budget=1_000_000))
    signed = account.sign(short.encode())
    receipt = account.broadcast(signed)
    found = account.status(receipt.txid)
    assert found.status is Status.FAILED
    assert found.reason == "InsufficientGas"
    assert found.fee is not None
    assert account.balance().total + found.fee == account.network.amount("5")
    refusal(Reverted, receipt.wait)


def _answering(account: Account, signed: SignedTransaction, outcome: Any, found: Any = None) -> MultiwalletError:
    """What a broadcast comes to when the service answers so, and says ``found`` of the transaction."""

    def perform(effects: Any) -> list[Any]:
        made = []
        for effect in effects:
            if effect.broadcast:
                made.append(outcome)
            elif "transactionEffects" in effect.json["query"]:
                made.append(found if isinstance(found, MultiwalletError) else {"data": {"transactionEffects": found}})
            else:
                made.append(BadResponse("nothing else is asked"))
        return made

    try:
        run(CHAIN.broadcast(account.network, signed), perform)
    except MultiwalletError as error:
        return error
    raise AssertionError("the broadcast succeeded")


def _effects(txid: str) -> dict[str, Any]:
    costs = {"computationCost": 1, "storageCost": 2, "storageRebate": 1}
    return {"digest": txid, "status": "SUCCESS", "checkpoint": None, "gasEffects": {"gasSummary": costs}}


def test_every_kind_of_answer_to_a_broadcast(account: Account) -> None:
    signed = _signed(account)

    def errors(message: str, code: str) -> dict[str, Any]:
        return {"data": None, "errors": [{"message": message, "extensions": {"code": code}}]}

    uncertain: list[Any] = [
        Timeout("no answer"),
        BadResponse("html"),
        None,
        [],
        "yes",
        {"data": None},
        {"data": {"executeTransaction": {"effects": None}}},
        {"data": {"executeTransaction": {"effects": {"digest": "x"}}}},
        errors("Request timed out", "REQUEST_TIMEOUT"),
        errors("the quorum could not be reached", "INTERNAL_SERVER_ERROR"),
        {"errors": True},
    ]
    for outcome in uncertain:
        error = _answering(account, signed, outcome)
        assert isinstance(error, BroadcastUncertain)
        assert error.txid == signed.txid
    assert isinstance(_answering(account, signed, RateLimited("slowly")), Rejected)
    assert isinstance(_answering(account, signed, errors("no", "BAD_USER_INPUT")), Rejected)
    assert isinstance(_answering(account, signed, Rejected("no", node_code=400)), Rejected)
    locked = errors("Object 0x5 is reserved for another transaction", "INTERNAL_SERVER_ERROR")
    assert "when the epoch ends" in _answering(account, signed, locked).message
    assert isinstance(_answering(account, signed, locked, BadResponse("gone")), BroadcastUncertain)
    other = {"data": {"executeTransaction": {"effects": _effects("1" * 32)}}}
    assert isinstance(_answering(account, signed, other), BadResponse)


def test_a_refused_transaction_that_is_known_is_a_success(account: Account) -> None:
    signed = _signed(account)

    def perform(effects: Any) -> list[Any]:
        (effect,) = effects
        if effect.broadcast:
            return [{"data": None, "errors": [{"message": "no", "extensions": {"code": "BAD_USER_INPUT"}}]}]
        return [{"data": {"transactionEffects": _effects(signed.txid)}}]

    assert run(CHAIN.broadcast(account.network, signed), perform).txid == signed.txid


HEAD = {"chainIdentifier": "35834a8a", "epoch": {"epochId": 5, "referenceGasPrice": "700"}}
GOOD_HEAD = HEAD | {"checkpoint": {"sequenceNumber": 9}}


@pytest.mark.parametrize(
    "change",
    [
        {"transactionEffects": {}},
        {"transactionEffects": []},
        {},
        {"transactionEffects": {"digest": 5}},
        {"transactionEffects": {"status": "MAYBE"}},
        {"transactionEffects": {"status": None}},
        {"transactionEffects": {"gasEffects": None}},
        {"transactionEffects": {"gasEffects": {"gasSummary": {"computationCost": -1}}}},
        {"transactionEffects": {"checkpoint": {"sequenceNumber": "x"}}},
        {"transactionEffects": {"digest": "1" * 32}},
    ],
)
def test_hostile_answers_about_a_transaction(account: Account, change: dict[str, Any]) -> None:
    txid = _signed(account).txid
    told = change.get("transactionEffects")
    data = {"transactionEffects": _effects(txid) | told} if isinstance(told, dict) and told else change

    def perform(effects: Any) -> list[Any]:
        return [{"data": GOOD_HEAD if "chainIdentifier" in effects[0].json["query"] else data}]

    with pytest.raises(BadResponse):
        run(CHAIN.status(account.network, txid), perform)
    with pytest.raises(InputError):
        run(CHAIN.status(account.network, "0x" + "0" * 64), perform)


def test_executed_and_in_no_checkpoint_yet_is_pending(account: Account) -> None:
    txid = _signed(account).txid

    def perform(effects: Any) -> list[Any]:
        head = "chainIdentifier" in effects[0].json["query"]
        return [{"data": GOOD_HEAD if head else {"transactionEffects": _effects(txid)}}]

    assert run(CHAIN.status(account.network, txid), perform).status is Status.PENDING


def test_other_chains_are_noticed() -> None:
    for name, found, right in (
        ("sui", "35834a8a", True),
        ("sui", "4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S", True),
        ("sui", "69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD", False),
        ("sui-testnet", "69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD", True),
        ("sui-devnet", "aba3e445", True),
        ("sui-devnet", "35834a8a", False),
        ("sui", "", False),
    ):
        from multiwallet import registry

        row = registry.network(name)
        fake = FakeTransport({"graphql": {"data": GOOD_HEAD | {"chainIdentifier": found}}})
        if right:
            run(CHAIN.identify(row), fake.perform)
        else:
            with pytest.raises(BadResponse):
                run(CHAIN.identify(row), fake.perform)


def test_balances_of_both_kinds() -> None:
    from multiwallet.chain import Holder

    account = Wallet.from_mnemonic(WORDS).account("sui", index=0)
    holder = Holder(account.network, account.address, account.public_key, "ed25519")

    def balance(told: Any) -> str:
        fake = FakeTransport({"graphql": {"data": {"address": {"balance": told}}}})
        return str(run(CHAIN.balance(holder, account.network.native), fake.perform))

    whole = {"totalBalance": "3000000000", "coinBalance": "1000000000", "addressBalance": "2000000000"}
    assert balance(whole) == "1 SUI, 2 SUI locked"
    assert balance(whole | {"coinBalance": None}) == "1 SUI, 2 SUI locked"
    assert balance(None) == "0 SUI"
    wrongs: tuple[Any, ...] = ({"coinBalance": "-1"}, {"coinBalance": 1.5}, {"addressBalance": "x"}, [], "5")
    for wrong in wrongs:
        with pytest.raises(BadResponse):
            balance(wrong)


def test_the_devnet_keeps_insufficient_funds_apart(devnet: Devnet, account: Account) -> None:
    refusal(InsufficientFunds, account.build, to=FRIEND, amount="5")
