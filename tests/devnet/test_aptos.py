"""The devnet's Aptos: what it checks and answers, and the Python SDK's own client talking to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aptos_sdk.account import Account as SdkAccount
from aptos_sdk.account_address import AccountAddress

from multiwallet import Wallet
from multiwallet.chains.aptos.raw_transaction import SigningMessage
from multiwallet.chains.aptos.signed import Proof, Signed
from multiwallet.crypto.ed25519 import Ed25519Key
from multiwallet.devnet import Devnet
from multiwallet.errors import InputError, Rejected
from multiwallet.transactions import Status

PHRASE = "test test test test test test test test test test test junk"


@pytest.fixture
def world() -> Iterator[Any]:
    with Devnet(automine=False) as devnet, Wallet.from_mnemonic(PHRASE, transport=devnet) as wallet:
        account, friend = wallet.account("aptos"), wallet.account("aptos", index=1)
        devnet.fund(account, "5")
        key = Ed25519Key(bytes.fromhex(account.export_private_key().removeprefix("ed25519-priv-0x")))
        engine: Any = devnet.engine("aptos")
        yield SimpleNamespace(devnet=devnet, account=account, friend=friend, engine=engine, key=key)


def signed_with(world: Any, **changes: Any) -> bytes:
    """A payment whose raw transaction is another one, signed all the same."""
    from dataclasses import replace

    message = SigningMessage.decode(world.account.build(to=world.friend.address, amount="1").body)
    message = SigningMessage(replace(message.raw, **changes))
    proof = Proof(world.key.public_key, world.key.sign(message.encode()))
    return Signed(message, {message.raw.sender: proof}).encode()


def status_of(world: Any, raw: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        world.engine.submit_bcs(raw)
    assert caught.value.node_code == 400
    data: Any = caught.value.data
    assert data["error_code"] == "vm_error"
    return str(data["message"]).rpartition(" ")[2]


def test_what_is_checked_before_a_transaction_is_taken(world: Any) -> None:
    now = int(world.engine.clock.now())
    assert status_of(world, signed_with(world, chain_id=2)) == "BAD_CHAIN_ID"
    assert status_of(world, signed_with(world, expiration=now - 1)) == "TRANSACTION_EXPIRED"
    assert status_of(world, signed_with(world, gas_unit_price=99)) == "GAS_UNIT_PRICE_BELOW_MIN_BOUND"
    assert status_of(world, signed_with(world, gas_unit_price=10**11)) == "GAS_UNIT_PRICE_ABOVE_MAX_BOUND"
    assert status_of(world, signed_with(world, max_gas_amount=1)) == "MAX_GAS_UNITS_BELOW_MIN_TRANSACTION_GAS_UNITS"
    assert status_of(world, signed_with(world, max_gas_amount=10**7)) == "MAX_GAS_UNITS_EXCEEDS_MAX_GAS_UNITS_BOUND"
    assert status_of(world, signed_with(world, gas_unit_price=10**9)) == "INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE"
    assert status_of(world, signed_with(world, sender=bytes([9]) * 32)) == "INVALID_AUTH_KEY"
    broken = bytearray(signed_with(world))
    broken[-1] ^= 1
    assert status_of(world, bytes(broken)) == "INVALID_SIGNATURE"
    for cut in (b"", bytes(broken)[:-1], bytes(broken) + b"\0"):
        with pytest.raises(InputError):
            world.engine.submit_bcs(cut)
    world.engine.submit_bcs(signed_with(world))
    world.devnet.mine("aptos")
    assert status_of(world, signed_with(world, sequence_number=0)) == "SEQUENCE_NUMBER_TOO_OLD"


def test_waiting_transactions(world: Any) -> None:
    later = world.account.sign(world.account.build(to=world.friend.address, amount="1", sequence_number=1))
    first = world.account.sign(world.account.build(to=world.friend.address, amount="2"))
    rival = world.account.sign(world.account.build(to=world.friend.address, amount="3"))
    assert world.account.broadcast(later).status is Status.PENDING
    assert world.account.status(later.txid).status is Status.PENDING
    world.devnet.mine("aptos")
    assert world.account.status(later.txid).status is Status.PENDING  # the number before it is missing
    world.account.broadcast(first)
    world.account.broadcast(first)
    with pytest.raises(Rejected, match="different payload"):
        world.account.broadcast(rival)
    assert world.devnet.drop("aptos", first.txid)
    assert not world.devnet.drop("aptos", first.txid)
    world.account.broadcast(rival)
    world.devnet.mine("aptos")
    assert world.account.status(later.txid).status is Status.CONFIRMED
    assert world.friend.balance().available.text == "4"
    world.devnet.reorg("aptos", 3)
    assert world.friend.balance().available.units == 0
    assert world.account.status(rival.txid).status is Status.PENDING
    world.devnet.mine("aptos")
    assert world.friend.balance().available.text == "4"


def test_what_expires_is_forgotten(world: Any) -> None:
    from multiwallet.errors import Expired

    signed = world.account.sign(world.account.build(to=world.friend.address, amount="1", expiration=30))
    receipt = world.account.broadcast(signed)
    world.engine.advance(40)
    world.devnet.mine("aptos")
    with pytest.raises(Expired):
        receipt.wait()
    with pytest.raises(Expired):
        world.account.broadcast(signed)


def test_a_replay_nonce_is_used_once(world: Any) -> None:
    build = world.account.build
    signed = [world.account.sign(build(to=world.friend.address, amount="1", replay_nonce=5)) for _ in range(2)]
    other = world.account.sign(build(to=world.friend.address, amount="2", replay_nonce=5))
    world.account.broadcast(signed[0])
    world.devnet.mine("aptos")
    assert world.account.broadcast(signed[0]).txid == signed[0].txid  # included already: success
    with pytest.raises(Rejected, match="NONCE_ALREADY_USED"):
        world.account.broadcast(other)
    assert world.friend.balance().available.text == "1"
    far = signed_with(world, sequence_number=2**64 - 1)
    assert isinstance(world.engine.submit_bcs(far), str)  # a sequence number, however large, is no nonce


def test_a_failed_transaction_costs_gas(world: Any) -> None:
    token = world.devnet.deploy_token("aptos", symbol="T", decimals=0, holder=world.account, supply="5")
    one = world.account.sign(world.account.build(to=world.friend.address, amount="5", asset=token))
    two = world.account.sign(world.account.build(to=world.friend.address, amount="5", asset=token, sequence_number=1))
    for signed in (one, two):
        world.account.broadcast(signed)
    before = world.account.balance().available
    world.devnet.mine("aptos")
    failed = world.account.status(two.txid)
    assert failed.status is Status.FAILED
    assert "EINSUFFICIENT_BALANCE" in str(failed.reason)
    fees = failed.fee + world.account.status(one.txid).fee
    assert world.account.balance().available == before - fees
    assert world.friend.balance(token).available.units == 5


def test_interfaces(world: Any) -> None:
    rest = world.engine.rest
    assert rest("GET", "")["chain_id"] == rest("GET", "v1/")["chain_id"] == 1
    assert rest("GET", "-/healthy")["message"] == "aptos-node:ok"
    assert rest("GET", "blocks/by_height/0")["first_version"] == "0"
    assert rest("GET", "transactions/by_version/0")["type"] == "genesis_transaction"
    body = {"function": "0x1::coin::balance", "type_arguments": ["0x1::aptos_coin::AptosCoin"], "arguments": ["0x1"]}
    assert rest("POST", "view", json=body) == ["0"]
    assert rest("POST", "view", text=json.dumps(body)) == ["0"]
    module = rest("GET", "accounts/0x1/module/aptos_account")["abi"]["exposed_functions"]
    assert {"transfer", "batch_transfer"} <= {item["name"] for item in module}
    for method, path, body, code in (
        ("GET", "nothing", None, 404),
        ("PUT", "view", None, 405),
        ("POST", "view", {}, 400),
        ("POST", "transactions", None, 400),
        ("POST", "transactions", {"payload": {"type": "script_payload"}}, 400),
        ("GET", "transactions/by_hash/0x12", None, 404),
        ("GET", "transactions/by_version/99999", None, 404),
        ("GET", "transactions/by_version/x", None, 400),
        ("GET", "accounts/zz", None, 400),
        ("GET", "accounts/0x1/resource/0x1::coin::CoinInfo<0x5::a::B>", None, 404),
        ("GET", "accounts/0x1/module/none", None, 404),
        ("GET", "accounts/0x1/balance/0x1::a", None, 400),
    ):
        with pytest.raises(Rejected) as caught:
            rest(method, path, json=body)
        assert caught.value.node_code == code, path
        assert isinstance(caught.value.data["error_code"], str)
    with pytest.raises(Rejected):
        rest("POST", "view", text="{")
    with pytest.raises(Rejected):
        world.engine.rpc("eth_chainId", ())
    simulated = world.account.build(to=world.friend.address, amount="1")
    assert simulated.fee.details["gas"] > 0
    for wrong in (0, -1, True, 2**63):
        with pytest.raises(InputError):
            world.engine.fund(world.friend.address, wrong)
    with pytest.raises(InputError):
        world.engine.mine(-1)
    with pytest.raises(InputError):
        world.engine.reorg(10**6)


def test_a_valid_signature_is_no_simulation(world: Any) -> None:
    from multiwallet.chains.aptos.functions import parameters_of
    from multiwallet.chains.aptos.rest_form import function_of, request, signature

    signed = Signed.decode(world.account.sign(world.account.build(to=world.friend.address, amount="1")).raw)
    function = function_of(signed.message)
    assert function is not None
    body = request(signed.message, parameters_of(function) or ()) | {"signature": signature(signed)}
    with pytest.raises(Rejected, match="valid signature"):
        world.engine.rest("POST", "transactions/simulate", json=body)


def _answering(engine: Any, request: Any) -> Any:
    """What a fullnode's HTTP server would answer, from the engine."""
    import httpx

    path, body = request.url.path.removeprefix("/v1").lstrip("/"), request.content
    kind = request.headers.get("content-type", "")
    try:
        if "signed_transaction+bcs" in kind:
            return httpx.Response(202, json={"hash": engine.submit_bcs(body)})
        answer = engine.rest(request.method, path, text=body.decode() if body else None)
    except InputError as error:
        return httpx.Response(400, json={"message": error.message})
    except Rejected as error:
        return httpx.Response(int(error.node_code or 500), json=error.data)
    return httpx.Response(200, json=answer)


def test_the_python_sdks_client_sends_money_here(world: Any) -> None:
    """aptos-sdk builds, signs and submits by itself; our wallet sees what arrives, and the other way round."""
    import httpx
    from aptos_sdk.async_client import RestClient

    world.engine.automine = True
    sender = SdkAccount.generate()
    world.engine.fund(str(sender.address()), 10**9)

    async def talk() -> Any:
        client = RestClient("http://127.0.0.1/v1")
        await client.close()
        client.client = httpx.AsyncClient(
            transport=httpx.MockTransport(lambda request: _answering(world.engine, request))
        )
        friend = AccountAddress.from_str(world.friend.address)
        assert await client.chain_id() == 1
        txid = await client.bcs_transfer(sender, friend, 12_345)
        await client.wait_for_transaction(txid)
        second = await client.bcs_transfer(sender, friend, 5)
        found = await client.transaction_by_hash(second)
        coin = "0x1::aptos_coin::AptosCoin"
        balance = json.loads(await client.view("0x1::coin::balance", [coin], [str(friend)]))
        number = await client.account_sequence_number(sender.address())
        await client.close()
        return txid, found, balance, number

    txid, found, balance, number = asyncio.run(talk())
    assert found["success"] is True
    assert (balance, number) == (["12350"], 2)
    assert world.friend.balance().available.units == 12_350
    receipt = world.friend.status(txid)
    assert (receipt.status, receipt.txid) == (Status.CONFIRMED, txid)
