"""The EVM family against a real node: anvil with chain id 1, so that the row "ethereum" itself is what is tested."""

from __future__ import annotations

import asyncio
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from multiwallet import Amount, AsyncWallet, Wallet, verify_message
from multiwallet.codec import abi
from multiwallet.devnet.evm_assembler import assemble
from multiwallet.devnet.evm_token import token_bytecode
from multiwallet.errors import (
    BadResponse,
    InputError,
    InsufficientFunds,
    InvalidAddress,
    Rejected,
    Reverted,
    SigningRefused,
    Timeout,
)
from multiwallet.transactions import Status

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
ETHER = 10**18
GWEI = 10**9
SLOT = (b"\x01" * 32,)

_found = importlib.util.spec_from_file_location("oracles", Path(__file__).parents[1] / "oracles" / "conftest.py")
assert _found is not None
assert _found.loader is not None
_oracles = importlib.util.module_from_spec(_found)
_found.loader.exec_module(_oracles)
node_oracle = _oracles.node_oracle


@pytest.fixture
def node(start_anvil):
    return start_anvil("--chain-id", "1")


@pytest.fixture
def wallet(node):
    with Wallet.from_mnemonic(WORDS, endpoints={"ethereum": node.url}) as wallet:
        yield wallet


@pytest.fixture
def payer(node, wallet):
    account = wallet.account("ethereum")
    node.fund(account.address, 10 * ETHER)
    return account


@pytest.fixture
def payee(wallet):
    return wallet.account("ethereum", index=1)


@pytest.fixture
def token(node, payer):
    """The devnet's token, of which the payer has 1000."""
    contract = deploy(node, payer, token_bytecode("TEST", 6))
    data = abi.encode_call("mint(address,uint256)", (payer.address, 1000 * 10**6))
    payer.send(to=contract, amount="0", data=data).wait()
    return contract


def held(node, address, block="latest"):
    return int(node.rpc("eth_getBalance", address, block), 16)


def nonce_of(node, address, block="latest"):
    return int(node.rpc("eth_getTransactionCount", address, block), 16)


def deploy(node, account, code):
    """Deploy contract code with a transaction that the account signs; returns the contract's address."""
    prices = {"gas": 2_000_000, "maxFeePerGas": 100 * GWEI, "maxPriorityFeePerGas": GWEI}
    signed = account.sign({"data": code, "nonce": nonce_of(node, account.address), **prices})
    account.broadcast(signed).wait()
    return node.rpc("eth_getTransactionReceipt", signed.txid)["contractAddress"]


FORMS = {
    "legacy": {"type": 0},
    "access list": {"type": 1, "access_list": [("0x" + "11" * 20, SLOT)]},
    "dynamic fee": {},
    "dynamic fee, access list": {"access_list": [("0x" + "11" * 20, SLOT * 2)]},
    "memo": {"memo": "invoice 7"},
}


@pytest.mark.parametrize("options", FORMS.values(), ids=FORMS)
def test_what_was_quoted_is_what_is_paid(node, payer, payee, options):
    quoted = payer.quote(to=payee.address, amount="0.5", **options)
    transaction = payer.build(to=payee.address, amount="0.5", **options)
    assert transaction.fee == quoted
    assert f"transfer 0.5 ETH to {payee.address}" in str(transaction.summary)
    signed = payer.sign(transaction)
    assert held(node, payee.address) == 0
    receipt = payer.broadcast(signed).wait()
    assert receipt.status is Status.CONFIRMED
    assert receipt.fee <= quoted.maximum
    assert held(node, payee.address) == ETHER // 2
    assert held(node, payer.address) == 10 * ETHER - ETHER // 2 - receipt.fee.units
    if options in ({}, {"type": 0}):
        assert receipt.fee == quoted.expected  # nothing happened between quote and block
    seen = node.rpc("eth_getTransactionByHash", signed.txid)
    assert int(seen["type"], 16) == (options.get("type", 2))
    assert seen["from"] == payer.address.lower()
    assert len(seen.get("accessList") or []) == len(options.get("access_list", []))


def test_before_eip_155_and_the_nodes_own_reading_of_each_form(node, payer, payee):
    plain = {"to": payee.address, "value": 7, "gas": 21000}
    legacy, dynamic = {"gasPrice": 10 * GWEI}, {"maxFeePerGas": 10 * GWEI, "maxPriorityFeePerGas": GWEI}
    forms = [
        {**plain, **legacy, "chainId": None},
        {**plain, **legacy, "chainId": 1},
        {**plain, **legacy, "gas": 30000, "accessList": [{"address": payee.address, "storageKeys": []}]},
        {**plain, **dynamic},
        {**plain, **dynamic, "gas": 30000, "data": b"\x00\x01"},
    ]
    for nonce, form in enumerate(forms):
        signed = payer.sign({**form, "nonce": nonce})
        assert payer.broadcast(signed.raw).wait().txid == signed.txid
        assert node.rpc("eth_getTransactionByHash", signed.txid)["from"] == payer.address.lower()
    assert held(node, payee.address) == 7 * len(forms)


def test_a_delegation(node, payer, payee, wallet):
    """EIP-7702: an account takes the code of a contract, and the summary says so before it does."""
    code = deploy(node, payer, assemble("1 0 SSTORE 0 0 RETURN"))
    owner = wallet.account("ethereum", index=2)
    chain, holder = owner._operations.chain, owner._operations.holder
    request = chain.authorization(holder, code, nonce=0)
    (signature,) = wallet._signer.sign((request,))
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    entry = {"chainId": 1, "address": code, "nonce": 0, "yParity": signature[64], "r": r, "s": s}
    item = {
        "to": payee.address, "value": 1, "gas": 100_000, "nonce": 1, "authorizationList": [entry],
        "maxFeePerGas": 10 * GWEI, "maxPriorityFeePerGas": GWEI,
    }  # fmt: skip
    summary = payer._operations.adopt(item).summary
    assert any(owner.address in text for text in summary.warnings)
    payer.broadcast(payer.sign(item)).wait()
    assert node.rpc("eth_getCode", owner.address, "latest") == "0xef0100" + code[2:].lower()


def test_all_of_the_coin(node, payer, payee):
    receipt = payer.send(to=payee.address, amount="max", gas_price=5 * GWEI).wait()
    assert held(node, payer.address) == 0
    assert held(node, payee.address) == 10 * ETHER - receipt.fee.units
    transaction = payee.build(to=payer.address, amount="max")
    receipt = payee.broadcast(payee.sign(transaction)).wait()
    assert payee.balance().available == transaction.fee.maximum - receipt.fee
    with pytest.raises(InsufficientFunds) as poor:
        payee.build(to=payer.address, amount="1")
    assert poor.value.available == payee.balance().available
    assert poor.value.needed > Amount.parse("1", poor.value.needed.asset)


def test_a_token(node, payer, payee, token):
    asset = payer.asset(token)
    assert (asset.symbol, asset.decimals) == ("TEST", 6)
    assert str(payer.balance(token).available) == "1000 TEST"
    quoted = payer.quote(to=payee.address, amount="1.5", asset=asset)
    transaction = payer.build(to=payee.address, amount="1.5", asset=token)
    assert [str(action) for action in transaction.summary.actions] == [
        f"transfer 1.5 TEST to {payee.address} (token: {asset.reference}, units: 1500000)"
    ]
    receipt = payer.broadcast(payer.sign(transaction)).wait()
    assert receipt.fee <= quoted.maximum
    assert receipt.fee == quoted.expected
    payer.send(to=payee.address, amount="max", asset=asset).wait()
    assert [str(account.balance(asset)) for account in (payer, payee)] == ["0 TEST", "1000 TEST"]
    with pytest.raises(InsufficientFunds, match="1 TEST"):
        payer.build(to=payee.address, amount="1", asset=asset)
    with pytest.raises(InsufficientFunds, match="ETH"):  # tokens there are, but nothing to pay the fee with
        payee.build(to=payer.address, amount="1", asset=asset)
    with pytest.raises(InvalidAddress, match="no token contract"):
        payer.balance(payee.address)


def test_a_revert_is_told_before_signing_and_after(node, payer, payee, token):
    data = abi.encode_call("transfer(address,uint256)", (payee.address, 10**18))
    with pytest.raises(Reverted) as foreseen:
        payer.build(to=token, amount="0", data=data)
    assert foreseen.value.reason == "ERC20: transfer amount exceeds balance"
    before = held(node, payer.address)
    receipt = payer.send(to=token, amount="0", data=data, gas=100_000)
    with pytest.raises(Reverted) as happened:
        receipt.wait()
    assert happened.value.reason == "ERC20: transfer amount exceeds balance"
    status = payer.status(receipt.txid)
    assert (status.status, status.reason) == (Status.FAILED, happened.value.reason)
    assert held(node, payer.address) == before - status.fee.units


def test_a_contract_that_speaks_of_insufficient_funds_has_reverted(node, payer, payee):
    """The words are the contract's own: the account has plenty, and must not be told that it lacks coins."""
    reason = abi.encode_call("Error(string)", ("insufficient funds in this vault",))
    size = len(reason)
    runtime = assemble(f"{size} @reason 0 CODECOPY {size} 0 REVERT", {"reason": reason})
    program = f"{len(runtime)} @runtime 0 CODECOPY {len(runtime)} 0 RETURN"
    vault = deploy(node, payer, assemble(program, {"runtime": runtime}))
    with pytest.raises(Reverted) as caught:
        payer.build(to=vault, amount="1")
    assert caught.value.reason == "insufficient funds in this vault"


def test_pending_and_confirmations(node, payer, payee):
    node.rpc("evm_setAutomine", False)
    receipt = payer.send(to=payee.address, amount="1")
    assert payer.status(receipt.txid).status is Status.PENDING
    found = payee.balance()
    assert (found.available.text, found.pending.text) == ("0", "1")
    assert payer.balance().available.units <= 9 * ETHER  # what is on its way out cannot be spent again
    with pytest.raises(InsufficientFunds):
        payer.build(to=payee.address, amount="9.5")
    with pytest.raises(InsufficientFunds):
        payee.build(to=payer.address, amount="0.5")  # nor can what is only on its way in
    with pytest.raises(Timeout, match="pending"):
        receipt.wait(timeout=0.3)
    node.mine(1)
    assert receipt.wait().confirmations == 1
    with pytest.raises(Timeout, match="1 of 3"):
        receipt.wait(confirmations=3, timeout=0.3)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(receipt.wait, confirmations=3, timeout=60)
        node.mine(2)
        assert waiting.result().confirmations >= 3
    assert payee.balance().available.text == "1"


def test_finality(start_anvil):
    node = start_anvil("--chain-id", "1", "--slots-in-an-epoch", "1")
    with Wallet.from_mnemonic(WORDS, endpoints={"ethereum": node.url}) as wallet:
        account = wallet.account("ethereum")
        node.fund(account.address, ETHER)
        receipt = account.send(to="0x" + "11" * 20, amount="0.1").wait()
        assert not receipt.final
        node.mine(4)
        assert receipt.wait(confirmations=1000).final  # what is final needs no more confirmations


def test_sending_twice_and_dropping(node, payer, payee):
    node.rpc("evm_setAutomine", False)
    signed = payer.sign(payer.build(to=payee.address, amount="1"))
    for _ in range(3):
        assert payer.broadcast(signed).txid == signed.txid
    node.rpc("anvil_dropTransaction", signed.txid)
    assert payer.status(signed.txid).status is Status.UNKNOWN
    with pytest.raises(Timeout, match="unknown"):
        payer.wait(signed.txid, timeout=0.3)
    payer.broadcast(signed)  # the same bytes once more
    node.mine(1)
    assert payer.wait(signed.txid).status is Status.CONFIRMED
    assert payer.broadcast(signed).txid == signed.txid  # though its nonce is used: by itself
    assert held(node, payee.address) == ETHER


def test_a_reorg(node, payer, payee):
    node.rpc("evm_setAutomine", False)
    signed = payer.sign(payer.build(to=payee.address, amount="1"))
    rival = payer.sign(payer.build(to=payee.address, amount="2"))
    payer.broadcast(signed)
    node.mine(1)
    assert payer.status(signed.txid).confirmations == 1
    with pytest.raises(Rejected, match="nonce"):
        payer.broadcast(rival)
    node.rpc("anvil_reorg", 1, [])
    assert payer.status(signed.txid).status is Status.UNKNOWN
    assert payee.balance().total.units == 0
    payer.broadcast(rival)
    node.mine(1)
    assert payer.wait(rival.txid).status is Status.CONFIRMED
    with pytest.raises(Rejected, match="nonce"):  # another transaction has the nonce: no success is claimed
        payer.broadcast(signed)
    assert held(node, payee.address) == 2 * ETHER


def test_a_race_for_one_nonce_has_one_winner(node, payer, payee):
    node.rpc("evm_setAutomine", False)
    rivals = [payer.sign(payer.build(to=payee.address, amount=f"0.{n}")) for n in range(1, 9)]

    def send(signed):
        try:
            return payer.broadcast(signed)
        except Rejected as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(send, rivals))
    won = [outcome for outcome in outcomes if not isinstance(outcome, Rejected)]
    assert len(won) == 1
    assert all("underpriced" in error.message for error in outcomes if isinstance(error, Rejected))
    payer.send(to=payee.address, amount="1")  # the next nonce is found beside the waiting one
    assert nonce_of(node, payer.address, "pending") == 2
    node.mine(1)
    winner = rivals[outcomes.index(won[0])]
    assert payer.wait(winner.txid).status is Status.CONFIRMED


def test_a_higher_price_replaces_and_the_loser_is_not_claimed(node, payer, payee):
    node.rpc("evm_setAutomine", False)
    first = payer.sign(payer.build(to=payee.address, amount="1"))
    payer.broadcast(first)
    second = payer.sign(
        payer.build(
            to=payee.address, amount="2", nonce=0, max_fee_per_gas=50 * GWEI, max_priority_fee_per_gas=20 * GWEI
        )
    )
    payer.broadcast(second)
    node.mine(1)
    assert payer.wait(second.txid).status is Status.CONFIRMED
    assert payer.status(first.txid).status is Status.UNKNOWN
    assert held(node, payee.address) == 2 * ETHER


def test_a_batch_in_order(node, payer, payee):
    template = payer.template(nonce=0, gas=21000, max_fee_per_gas=20 * GWEI, max_priority_fee_per_gas=GWEI)
    rows = [(payee.address, "0.01"), ("0xnonsense", 5), (payee.address, 10**16), (payee.address, -1)]
    results = list(payer.sign_batch(template.fill(rows), threads=2))
    assert [isinstance(result, InputError) for result in results] == [False, True, False, True]
    for result in results[::2]:
        payer.broadcast(result).wait()
    assert held(node, payee.address) == 2 * 10**16
    assert nonce_of(node, payer.address) == 2


def test_another_chain(start_anvil, node, payer, payee):
    other = start_anvil("--chain-id", "1337")
    with Wallet.from_mnemonic(WORDS, endpoints={"ethereum": other.url}) as lost:
        account = lost.account("ethereum")
        for verb in (
            account.balance,
            lambda: account.build(to=payee.address, amount="1"),
            lambda: account.send(to=payee.address, amount="1"),
            lambda: account.status("0x" + "12" * 32),
            lambda: account.wait("0x" + "12" * 32, timeout=1),
            lambda: account.broadcast(payer.sign(payer.build(to=payee.address, amount="1"))),
        ):
            with pytest.raises(BadResponse, match="eip155:1337"):
                verb()
    item = {"to": payee.address, "value": 1, "gas": 21000, "gasPrice": GWEI, "nonce": 0, "chainId": 1337}
    with pytest.raises(SigningRefused, match="1337"):
        payer.sign(item)


@pytest.mark.oracle
def test_messages_are_what_the_node_and_ethers_recover(node_oracle, payer):
    for message in ("hello", "", "zażółć 🚀", b"\x00\xff"):
        signature = payer.sign_message(message)
        assert node_oracle("ethers.verifyMessage", message=message, signature=signature) == payer.address
        assert verify_message("ethereum", payer.address, message, signature)
    key = payer.export_private_key()
    assert payer.sign_message("hello") == node_oracle("ethers.signMessage", privateKey=key, message="hello")


@pytest.mark.oracle
def test_ethers_transactions_are_broadcast_and_ours_are_read_by_ethers(node, node_oracle, payer, payee):
    tx = {"type": 2, "chainId": 1, "nonce": 0, "to": payee.address, "value": 5, "gasLimit": 21000}
    fees = {"maxFeePerGas": 20 * GWEI, "maxPriorityFeePerGas": GWEI}
    theirs = node_oracle("ethers.signTransaction", privateKey=payer.export_private_key(), tx={**tx, **fees})
    assert payer.broadcast(theirs["raw"]).wait().txid == theirs["hash"]
    ours = payer.sign(payer.build(to=payee.address, amount="1", memo="7"))
    read = node_oracle("ethers.parseTransaction", raw="0x" + ours.hex())
    assert (read["from"], read["to"], read["hash"]) == (payer.address, payee.address, ours.txid)
    assert (int(read["value"]), read["data"]) == (ETHER, "0x37")


def test_the_same_without_blocking(node, payee):
    async def main():
        async with AsyncWallet.from_mnemonic(WORDS, endpoints={"ethereum": node.url}) as wallet:
            account = wallet.account("ethereum")
            node.fund(account.address, 10 * ETHER)
            quoted, found = await asyncio.gather(account.quote(to=payee.address, amount="1"), account.balance())
            assert found.available.units == 10 * ETHER
            receipt = await (await account.send(to=payee.address, amount="1")).wait(confirmations=1)
            assert receipt.fee == quoted.expected
            with pytest.raises(InsufficientFunds):
                await account.build(to=payee.address, amount="100")
            signed = await account.sign(await account.build(to=payee.address, amount="max"))
            await (await account.broadcast(signed)).wait()
            assert (await account.status(signed.txid)).confirmations >= 1
            return (await account.balance()).available

    left = asyncio.run(main())
    assert held(node, payee.address) + left.units < 10 * ETHER
