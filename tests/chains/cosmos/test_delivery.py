"""Broadcast and status: what a node may answer, and what that means."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.chain import Network
from multiwallet.chains.cosmos import Cosmos
from multiwallet.devnet import Devnet
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    Expired,
    InputError,
    MultiwalletError,
    RateLimited,
    Rejected,
    Reverted,
    Timeout,
    Unreachable,
    Unsupported,
)
from multiwallet.ops import run
from multiwallet.testing import FakeTransport
from multiwallet.transactions import SignedTransaction, Status

TXS = "cosmos/tx/v1beta1/txs"
LATEST = "cosmos/base/tendermint/v1beta1/blocks/latest"
ABSENT = Rejected("tx not found", node_code=404, data={"code": 5, "message": "tx not found"})


@pytest.fixture
def signed(wallet: Wallet, devnet: Devnet) -> SignedTransaction:
    account = wallet.account("cosmos")
    devnet.fund(account, "5")
    return account.sign(account.build(to=account.address, amount="1", expires_in=10))


def _answer(signed: SignedTransaction, **fields: Any) -> dict[str, Any]:
    return {"tx_response": {"txhash": signed.txid, "code": 0, "codespace": "", "raw_log": "log", **fields}}


def _head(height: int, chain_id: str = "cosmoshub-4") -> dict[str, Any]:
    return {"block": {"header": {"chain_id": chain_id, "height": str(height), "time": "2026-01-01T00:00:00.5Z"}}}


def _broadcast(chain: Cosmos, hub: Network, signed: SignedTransaction, **answers: Any) -> Any:
    fake = FakeTransport({TXS: answers["sent"], f"{TXS}/{signed.txid}": answers.get("found", ABSENT)})
    return run(chain.broadcast(hub, signed), fake.perform)


@pytest.mark.parametrize(
    "sent",
    [
        {"code": 0},
        {"code": 19, "codespace": "sdk"},
        {"code": 19, "codespace": ""},
        {"txhash": ""},
    ],
)
def test_accepted_is_pending(chain: Cosmos, hub: Network, signed: SignedTransaction, sent: dict[str, Any]) -> None:
    receipt = _broadcast(chain, hub, signed, sent=_answer(signed, **sent))
    assert (receipt.txid, receipt.status, receipt.expiry) == (signed.txid, Status.PENDING, signed.expiry)


def test_known_in_a_refusal_is_accepted(chain: Cosmos, hub: Network, signed: SignedTransaction) -> None:
    refusal = Rejected("HTTP 400", node_code=400, data={"code": 2, "message": "tx already exists in cache"})
    assert _broadcast(chain, hub, signed, sent=refusal).status is Status.PENDING


@pytest.mark.parametrize("code", [30, 32])
def test_included_bytes_are_a_success_again(chain: Cosmos, hub: Network, signed: SignedTransaction, code: int) -> None:
    sent, found = _answer(signed, code=code, codespace="sdk"), _answer(signed, height="7")
    assert _broadcast(chain, hub, signed, sent=sent, found=found).status is Status.PENDING
    with pytest.raises(Rejected if code == 32 else Expired):
        _broadcast(chain, hub, signed, sent=sent)
    if code == 32:
        with pytest.raises(BroadcastUncertain):
            _broadcast(chain, hub, signed, sent=sent, found=Timeout("no answer"))
        with pytest.raises(BadResponse):
            _broadcast(chain, hub, signed, sent=sent, found=_answer(signed, txhash="00" * 32, height="7"))


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ({"code": 4, "codespace": "sdk"}, Rejected),
        ({"code": 5, "codespace": "sdk"}, Rejected),
        ({"code": 13, "codespace": "sdk"}, Rejected),
        ({"code": 19, "codespace": "wasm"}, Rejected),
        ({"code": 32, "codespace": "wasm"}, Rejected),
        ({"code": "0"}, BroadcastUncertain),
        ({"code": True}, BroadcastUncertain),
        ({"code": None}, BroadcastUncertain),
        ({"txhash": "AB" * 32}, BadResponse),
    ],
)
def test_refusals_keep_their_code(
    chain: Cosmos, hub: Network, signed: SignedTransaction, sent: dict[str, Any], kind: type[MultiwalletError]
) -> None:
    with pytest.raises(kind) as raised:
        _broadcast(chain, hub, signed, sent=_answer(signed, **sent))
    if isinstance(raised.value, Rejected):
        assert raised.value.node_code == sent["code"]


@pytest.mark.parametrize(
    "sent", [None, [], {}, "<html>", 7, {"tx_response": 5}, Timeout("x"), Unreachable("x"), BadResponse("HTTP 500")]
)
def test_no_answer_is_uncertain(chain: Cosmos, hub: Network, signed: SignedTransaction, sent: Any) -> None:
    with pytest.raises(BroadcastUncertain) as raised:
        _broadcast(chain, hub, signed, sent=sent)
    assert raised.value.txid == signed.txid


def test_other_refusals_stay_what_they_are(chain: Cosmos, hub: Network, signed: SignedTransaction) -> None:
    for error in (RateLimited("slow down"), Rejected("bad request", node_code=400)):
        with pytest.raises(type(error)):
            _broadcast(chain, hub, signed, sent=error)


def _status(
    chain: Cosmos, hub: Network, found: Any, head: Any, txid: str = "ab" * 32, expiry: int | None = None
) -> Any:
    fake = FakeTransport({f"{TXS}/{txid.upper()}": found, LATEST: head})
    return run(chain.status(hub, txid, expiry=expiry), fake.perform)


def test_status_counts_blocks_and_fees(chain: Cosmos, hub: Network) -> None:
    response = {"txhash": "AB" * 32, "height": "7", "code": 0, "gas_used": "5", "gas_wanted": "9"}
    fee = {"auth_info": {"fee": {"amount": [{"denom": "uatom", "amount": "12"}], "gas_limit": "9"}}}
    receipt = _status(chain, hub, {"tx": fee, "tx_response": response}, _head(9))
    assert (receipt.status, receipt.confirmations, receipt.block, receipt.final) == (Status.CONFIRMED, 3, 7, True)
    assert receipt.fee == hub.amount("0.000012")
    assert receipt.details == {"gas_used": 5, "gas_wanted": 9}
    failed = _status(chain, hub, {"tx_response": {**response, "code": 5, "raw_log": "too poor"}}, _head(6))
    assert (failed.status, failed.reason, failed.confirmations) == (Status.FAILED, "too poor", 1)
    assert _status(chain, hub, ABSENT, _head(9), expiry=9).status is Status.UNKNOWN
    with pytest.raises(Expired):
        _status(chain, hub, ABSENT, _head(10), expiry=9)


@pytest.mark.parametrize(
    ("found", "head"),
    [
        (None, _head(9)),
        ({"tx_response": {"txhash": "CD" * 32, "height": "7"}}, _head(9)),
        ({"tx_response": {"txhash": "AB" * 32, "height": "-7"}}, _head(9)),
        ({"tx_response": {"txhash": "AB" * 32, "height": "7", "code": "x"}}, _head(9)),
        ({"tx_response": {"txhash": "AB" * 32, "height": "7"}, "tx": {"auth_info": 5}}, _head(9)),
        (ABSENT, _head(9, "osmosis-1")),
        (ABSENT, {}),
        (ABSENT, None),
        (BadResponse("HTTP 502"), _head(9)),
        (ABSENT, Unreachable("x")),
    ],
)
def test_a_status_that_is_none_is_refused(chain: Cosmos, hub: Network, found: Any, head: Any) -> None:
    with pytest.raises((BadResponse, Unreachable)):
        _status(chain, hub, found, head)


def test_an_id_is_64_hex_digits(chain: Cosmos, hub: Network) -> None:
    for wrong in ("", "ab", "zz" * 32, 7, "ab" * 33):
        with pytest.raises(InputError):
            _status(chain, hub, ABSENT, _head(9), txid=wrong) if isinstance(wrong, str) else run(
                chain.status(hub, wrong),  # type: ignore[arg-type]  # what it must refuse
                FakeTransport().perform,
            )


def test_a_node_of_another_chain_is_named(chain: Cosmos, hub: Network) -> None:
    fake = FakeTransport({"cosmos/base/tendermint/v1beta1/node_info": {"default_node_info": {"network": "osmosis-1"}}})
    with pytest.raises(BadResponse, match="osmosis-1"):
        run(chain.identify(hub), fake.perform)


# -- messages --------------------------------------------------------------------------------------


def test_messages_in_every_form(wallet: Wallet) -> None:
    hub, injective = wallet.account("cosmos"), wallet.account("injective")
    for account in (hub, injective):
        for message in ("hello", b"\x00\xff", "zażółć", ""):
            text = account.sign_message(message)
            bare = text.split('"signature":"')[1][:-2]
            import base64

            raw = base64.b64decode(bare)
            for form in (text, bare, raw, raw.hex(), "0x" + raw.hex()):
                assert account.verify_message(message, form)
            assert not account.verify_message("other", text)
            assert not account.verify_message(message, raw[::-1])
            other = wallet.account(account.network, index=5)
            assert not other.verify_message(message, text)
            assert not account.verify_message(message, other.sign_message(message))
            assert not account.verify_message(message, text.replace("pub_key", "pubkey"))
            assert not account.verify_message(message, "{" * 500)
    ethereum = injective.sign_message("hello", form="eip191")
    assert injective.verify_message("hello", ethereum)
    assert not injective.verify_message("hello!", ethereum)
    assert not hub.verify_message("hello", ethereum)
    with pytest.raises(Unsupported):
        hub.sign_message("hello", form="eip191")
    with pytest.raises(InputError):
        hub.sign_message("hello", form="adr7")
    with pytest.raises(InputError):
        hub.sign_message("hello", style="x")


def test_ethereums_personal_messages_are_eth_accounts(wallet: Wallet) -> None:
    eth_account = pytest.importorskip("eth_account", reason="eth-account is the independent library for EIP-191")
    from eth_account.messages import encode_defunct

    account = wallet.account("injective")
    key = account.export_private_key()
    theirs = eth_account.Account.sign_message(encode_defunct(text="hello"), key).signature.hex().removeprefix("0x")
    assert account.sign_message("hello", form="eip191") == "0x" + theirs


# -- over the devnet -------------------------------------------------------------------------------


def test_amino_and_staking_and_ibc_are_taken(wallet: Wallet, devnet: Devnet) -> None:
    for name in ("cosmos", "osmosis", "injective"):
        account = wallet.account(name)
        devnet.fund(account, "50")
        validators = devnet.engine(name).validators  # type: ignore[attr-defined]  # of this engine alone
        for options in (
            {"delegate": validators[0]},
            {"redelegate": (validators[0], validators[1])},
            {"delegate": validators[0]},
            {"undelegate": validators[1]},
            {"withdraw_rewards": [validators[0]]},
            {"channel": "channel-7", "receiver": wallet.account("juno").address, "ibc_memo": "<&>"},
        ):
            for mode in ("direct", "amino"):
                receipt = account.send(to=account.address, amount="2", sign_mode=mode, memo="a & b", **options).wait()
                assert receipt.status is Status.CONFIRMED
        balance = account.balance()
        assert balance.locked == account.network.amount("8")
        assert balance.total > account.network.amount("45")


def test_messages_alone_are_sent_with_nothing_paid(wallet: Wallet, devnet: Devnet) -> None:
    account = wallet.account("cosmos")
    devnet.fund(account, "5")
    validator = devnet.engine("cosmos").validators[0]  # type: ignore[attr-defined]  # of this engine alone
    account.send(to=account.address, amount="1", delegate=validator).wait()
    claim = {
        "@type": "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward",
        "delegator_address": account.address,
        "validator_address": validator,
    }
    transaction = account.build(to=account.address, amount="0", messages=[claim])
    assert [action.kind for action in transaction.summary.actions] == ["claim rewards"]
    assert account.broadcast(account.sign(transaction)).wait().status is Status.CONFIRMED


def test_a_failing_message_costs_the_fee_and_says_why(wallet: Wallet, devnet: Devnet) -> None:
    account = wallet.account("cosmos")
    devnet.fund(account, "5")
    validator = devnet.engine("cosmos").validators[0]  # type: ignore[attr-defined]  # of this engine alone
    with pytest.raises(Reverted, match="no delegation"):  # the trial run says so first
        account.build(to=account.address, amount="1", undelegate=validator)
    unsigned = account.build(to=account.address, amount="1", undelegate=validator, gas=300_000)
    with pytest.raises(Reverted, match="no delegation"):
        account.broadcast(account.sign(unsigned)).wait()
    assert account.balance().total == account.network.amount("5") - unsigned.fee.maximum


def test_several_built_ahead_and_a_sequence_used_twice(wallet: Wallet, devnet: Devnet) -> None:
    account, friend = wallet.account("cosmos"), wallet.account("cosmos", index=1)
    devnet.fund(account, "5")
    ahead = [account.sign(account.build(to=friend.address, amount="1", sequence=n, gas=100_000)) for n in range(3)]
    twin = account.sign(account.build(to=friend.address, amount="2"))
    for item in ahead:
        account.broadcast(item).wait()
    assert str(friend.balance()) == "3 ATOM"
    with pytest.raises(Rejected, match="sequence") as raised:
        account.broadcast(twin)
    assert raised.value.node_code == 32
    account.broadcast(ahead[0])


def test_what_has_expired_is_said_so(wallet: Wallet) -> None:
    with Devnet(automine=False) as devnet:
        account = Wallet.from_mnemonic("test " * 11 + "junk", transport=devnet).account("cosmos")
        devnet.fund(account, "5")
        signed = account.sign(account.build(to=account.address, amount="1", expires_in=2))
        receipt = account.broadcast(signed)
        assert devnet.drop("cosmos", signed.txid)
        devnet.mine("cosmos", 3)
        with pytest.raises(Expired):
            receipt.wait(timeout=5)
        with pytest.raises(Expired):
            account.broadcast(signed)
