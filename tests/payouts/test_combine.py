"""Several lines in one transaction, where a chain can."""

from __future__ import annotations

import json

import pytest

from multiwallet import Transfer, Wallet
from multiwallet.chains.evm.disperse import decode_disperse
from multiwallet.codec import abi, eip55, rlp
from multiwallet.crypto.hashes import keccak256
from multiwallet.devnet.evm_assembler import assemble
from multiwallet.payouts import plan, send, sign, status
from multiwallet.payouts.plan_file import open_plan

COINS = "disperseEther(address[],uint256[])"
TOKENS = "disperseToken(address,address[],uint256[])"

# The contract as its interface says: the coin by plain calls, a token by transferFrom of whoever calls.
_ARRAYS = """
  {first} CALLDATALOAD 4 ADD 0 MSTORE
  {second} CALLDATALOAD 4 ADD 0x20 MSTORE
  0 0x40 MSTORE
"""
_ITEM = "{array} MLOAD 0x20 ADD 0x40 MLOAD 5 SHL ADD CALLDATALOAD"
_MORE = "0 MLOAD CALLDATALOAD 0x40 MLOAD LT ISZERO @done JUMPI"
_NEXT = "ISZERO @fail JUMPI 0x40 MLOAD 1 ADD 0x40 MSTORE"
PROGRAM = f"""
  0 CALLDATALOAD 0xe0 SHR
  DUP1 0x{abi.selector(COINS).hex()} EQ @coins JUMPI
  0x{abi.selector(TOKENS).hex()} EQ @tokens JUMPI
fail:
  0 0 REVERT
done:
  STOP
coins:
  {_ARRAYS.format(first="4", second="0x24")}
coin:
  {_MORE}
  0 0 0 0 {_ITEM.format(array="0x20")} {_ITEM.format(array="0")} GAS CALL
  {_NEXT} @coin JUMP
tokens:
  {_ARRAYS.format(first="0x24", second="0x44")}
token:
  {_MORE}
  0x23b872dd 0xe0 SHL 0x80 MSTORE
  CALLER 0x84 MSTORE
  {_ITEM.format(array="0")} 0xa4 MSTORE
  {_ITEM.format(array="0x20")} 0xc4 MSTORE
  0 0 0x64 0x80 0 4 CALLDATALOAD GAS CALL
  {_NEXT} @token JUMP
"""


@pytest.fixture
def disperse(payer):
    """An account and the address of a disperse contract that it has made."""
    account = payer("ethereum")
    code = assemble(PROGRAM)
    made = assemble(f"{len(code)} @code 0 CODECOPY {len(code)} 0 RETURN", {"code": code})
    like = account.build(to=account.address, amount="1")
    nonce = account.read(like).summary.details["nonce"]
    fees = like.fee.details
    account.broadcast(
        account.sign(
            {
                "chainId": 1,
                "type": 2,
                "nonce": int(nonce),
                "gas": 500_000,
                "maxFeePerGas": fees["max_fee_per_gas"],
                "maxPriorityFeePerGas": fees["max_priority_fee_per_gas"],
                "value": 0,
                "data": "0x" + made.hex(),
            }
        )
    ).wait()
    place = rlp.encode([eip55.parse(account.address), rlp.encode_uint(int(nonce))])
    return account, eip55.checksum(keccak256(place)[12:])


def balances(account, people, asset=None):
    accounts = {
        one.address: one for one in account._wallet.accounts(account.network.name, start=100, count=len(people))
    }
    return [accounts[person].balance(asset).total.text for person in people]


@pytest.mark.parametrize("ahead", [True, False], ids=["signed-ahead", "signed-now"])
def test_coins_and_tokens_through_a_disperse_contract(disperse, table, recipients, tmp_path, chain, ahead):
    account, contract = disperse
    token = chain.deploy_token("ethereum", symbol="USD", decimals=6, holder=account)
    people = recipients(account, 7)
    rows = [(to, "0.01", "") for to in people] + [(to, f"{n}.5", token.reference) for n, to in enumerate(people)]
    source = table(rows, ("to", "amount", "asset"))
    planned = plan(account, source, tmp_path / "plan", combine=5, disperse=contract)
    assert [(error.line, error.field) for error in planned.errors] == [(None, "allowance")]
    approval = abi.encode_call("approve(address,uint256)", (contract, 10**9))
    account.send(Transfer(token.reference, "0"), data=approval).wait()
    planned = plan(account, source, tmp_path / "plan", combine=5, disperse=contract)
    assert planned.ok, planned.errors
    assert (planned.lines, planned.transactions) == (14, 4)
    for record in open_plan(tmp_path / "plan"):
        summary = account.read(json.dumps(record.transaction)).summary
        told = [action for action in summary.actions if action.kind == "transfer"]
        assert [(action.to, action.amount.text) for action in told] == [
            (to, amount) for _, to, amount in record.payments
        ]
        assert "trusts the contract" in summary.warnings[0]
        assert len(summary.warnings) == 1
    signed = None
    if ahead:
        signed = tmp_path / "signed"
        assert sign(account, tmp_path / "plan", signed).signed == 4
    sent = send(account, tmp_path / "plan", signed, timeout=60)
    assert sent.confirmed
    assert balances(account, people) == ["0.01"] * 7
    assert balances(account, people, token) == [f"{n}.5" for n in range(7)]
    told = status(account._wallet.outbox._operations.store, tmp_path / "plan")
    assert (told.final, told.states[next(iter(s for s in told.states if s.value == "confirmed"))]) == (14, (14, 4))


def test_only_the_canonical_call_is_understood():
    call = abi.encode_call(COINS, (["0x" + "11" * 20], [5]))
    assert decode_disperse(call).total == 5
    assert decode_disperse(call + b"\0") is None
    assert decode_disperse(call[:-1]) is None
    assert decode_disperse(abi.encode_call(COINS, (["0x" + "11" * 20], [5, 6]))) is None
    assert decode_disperse(b"") is None


def test_a_call_that_hands_over_too_little_or_too_much_is_warned_of(payer):
    account = payer("ethereum")
    data = "0x" + abi.encode_call(COINS, (["0x" + "11" * 20], [10**18])).hex()
    body = {"chainId": 1, "type": 2, "nonce": 0, "gas": 10**5, "maxFeePerGas": 1, "maxPriorityFeePerGas": 0}
    for value, count in ((10**18, 1), (2 * 10**18, 2)):
        summary = account.read({**body, "to": "0x" + "22" * 20, "value": value, "data": data}).summary
        assert len(summary.warnings) == count


@pytest.mark.parametrize("ahead", [True, False], ids=["signed-ahead", "signed-now"])
def test_outputs_of_one_bitcoin_transaction(payer, table, recipients, tmp_path, chain, ahead):
    account = payer("bitcoin")
    for _ in range(3):
        chain.fund(account, "1")
    chain.mine("bitcoin", 1)
    people = recipients(account, 25)
    planned = plan(account, table([(to, "0.001") for to in people]), tmp_path / "plan", combine=10)
    assert (planned.ok, planned.transactions, planned.offline) == (True, 3, True)
    signed = None
    if ahead:
        with Wallet.from_mnemonic("abandon " * 11 + "about") as offline:
            signed = tmp_path / "signed"
            assert sign(offline.account("bitcoin"), tmp_path / "plan", signed).signed == 3
        lines = [json.loads(line) for line in signed.read_text().splitlines()]
        lines[1]["raw"], lines[2]["raw"] = lines[2]["raw"], lines[1]["raw"]
        lines[1]["txid"], lines[2]["txid"] = lines[2]["txid"], lines[1]["txid"]
        (tmp_path / "swapped").write_text("".join(json.dumps(line) + "\n" for line in lines[:3]))
        assert send(account, tmp_path / "plan", tmp_path / "swapped", wait=False).failed == 2
    assert send(account, tmp_path / "plan", signed, timeout=60).confirmed
    assert balances(account, people) == ["0.001"] * 25


def test_too_few_coins_for_groups_made_ahead(payer, table, recipients, tmp_path):
    account = payer("bitcoin")
    planned = plan(account, table([(to, "0.001") for to in recipients(account, 25)]), tmp_path / "plan", combine=10)
    assert [(error.line, error.field) for error in planned.errors] == [(None, "transaction")]
    assert not (tmp_path / "plan").exists()


def test_instructions_of_one_solana_transaction(payer, table, recipients, tmp_path, chain):
    account = payer("solana")
    token = chain.deploy_token("solana", symbol="USD", decimals=6, holder=account)
    people = recipients(account, 40)
    rows = [(to, "0.01", "", "") for to in people] + [(to, "2.5", token.reference, "") for to in people[:20]]
    rows.append((people[0], "0.5", "", "alone"))
    planned = plan(account, table(rows, ("to", "amount", "asset", "memo")), tmp_path / "plan", combine=True)
    assert planned.ok, planned.errors
    assert planned.transactions == 3 + 3 + 1  # 18, 18 and 4 of the coin, 8, 8 and 4 of the token, and the memo
    assert send(account, tmp_path / "plan", timeout=60).confirmed
    assert balances(account, people) == ["0.51"] + ["0.01"] * 39
    assert balances(account, people[:20], token) == ["2.5"] * 20
