"""Signing: forms of transactions, several signers, fee payers, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chain import Holder
from multiwallet.chains.aptos import Aptos, addresses
from multiwallet.chains.aptos.raw_transaction import Payload, Script, SigningMessage
from multiwallet.chains.aptos.signed import Proof, Signed
from multiwallet.errors import InvalidTransaction, SigningRefused, Unsupported
from multiwallet.intents import Network
from multiwallet.transactions import Status, UnsignedTransaction

# From aptos-sdk 0.11.0 (transactions.py, its corpus for entry functions): key, transaction, signed transaction.
SEED = "9bf49a6a0755f953811fce125f2683d50429c3bb49e074147e0089a52eae155f"
RAW = (
    "7deeccb1080854f499ec8b4c1b213b82c5e34b925cf6875fec02d4b77adbd2d60b0000000000000002000000000000000000000000000000"
    "000000000000000000000000000000000104636f696e087472616e7366657201070000000000000000000000000000000000000000000000"
    "0000000000000000010a6170746f735f636f696e094170746f73436f696e0002202d133ddd281bb6205558357cc6ac75661817e9aaeac3af"
    "ebc32842759cbf7fa9088813000000000000d0070000000000000100000000000000d20296490000000004"
)
SIGNED = RAW + (
    "0020b9c6ee1630ef3e711144a648db06bbb2284f7274cfbee53ffcee503cc1a4920040f25b74ec60a38a1ed780fd2bef6ddb6eb4356e3ab3"
    "9276c9176cdf0fcae2ab37d79b626abb43d926e91595b66503a4a3c90acbae36a28d405e308f3537af720b"
)
LOCAL = Network("aptos:4", "local", "aptos", "Local", "APT", 8, 637)


def test_the_corpus_of_the_python_sdk(chain: Aptos) -> None:
    from multiwallet.crypto.ed25519 import Ed25519Key

    with Ed25519Key(bytes.fromhex(SEED)) as key:
        holder = Holder(LOCAL, chain.address(LOCAL, key.public_key), key.public_key)
        unsigned = chain.adopt(holder, RAW)
        (request,) = chain.authorize(holder, unsigned)
        signed = chain.assemble(unsigned, [(request, key.sign(request.message))])
    assert signed.hex() == SIGNED
    assert chain.parse_signed(LOCAL, SIGNED) == signed
    (action,) = unsigned.summary.actions
    assert (action.kind, action.amount and action.amount.units) == ("transfer", 5000)
    assert signed.expiry == 1234567890


def test_forms_of_one_transaction(world: Any) -> None:
    transaction = world.account.build(to=world.friend.address, amount="1")
    expected = world.account.sign(transaction)
    raw = transaction.body[32:]
    request = {
        "sender": world.account.address,
        "sequence_number": "0",
        "max_gas_amount": str(SigningMessage.decode(transaction.body).raw.max_gas_amount),
        "gas_unit_price": "100",
        "expiration_timestamp_secs": str(expected.expiry),
        "payload": {
            "type": "entry_function_payload",
            "function": "0x1::aptos_account::transfer",
            "type_arguments": [],
            "arguments": [world.friend.address, "100000000"],
        },
    }
    for form in (
        transaction.body,
        transaction.body.hex(),
        "0x" + transaction.body.hex().upper(),
        raw,
        raw + b"\0",
        raw.hex(),
        request,
        json.dumps(request),
        transaction.to_json(),
    ):
        assert world.account.sign(form) == expected
    for change in (
        {"sender": 5},
        {"sequence_number": "-1"},
        {"sequence_number": 1.0},
        {"gas_unit_price": True},
        {"extra": 1},
        {"chain_id": 2},
        {"chain_id": 300},
        {"payload": {}},
        {"payload": {**request["payload"], "function": "0x5::a::b"}},
        {"payload": {**request["payload"], "arguments": ["0x1"]}},
        {"payload": {**request["payload"], "arguments": ["0x1", "x"]}},
        {"payload": {**request["payload"], "type_arguments": ["u8"]}},
        {"replay_protection_nonce": 2**64},
    ):
        with pytest.raises(InvalidTransaction):
            world.account.sign({**request, **change})
    text = json.dumps(request)
    with pytest.raises(InvalidTransaction, match="twice"):
        world.account.sign(text[:-1] + ', "sender": "0x1"}')


def test_a_fee_payer_that_is_known(world: Any) -> None:
    world.devnet.fund(world.friend, "1")
    transaction = world.account.build(to=world.third.address, amount="5", fee_payer=world.friend.address)
    assert transaction.summary.details["fee payer"] == world.friend.address
    first = world.account.sign(transaction)
    assert not first.complete
    with pytest.raises(InvalidTransaction, match="lacks signatures"):
        world.account.broadcast(first)
    with pytest.raises(SigningRefused, match="already"):
        world.account.sign(first.hex())
    with pytest.raises(SigningRefused, match="signed by"):
        world.third.sign(first.hex())
    carried = world.friend.read(first.hex()).to_json()
    done = world.friend.sign(carried)
    assert done.complete
    assert UnsignedTransaction.from_json(carried).summary.sender == world.account.address
    # The other way round it is the same.
    assert world.account.sign(world.friend.sign(transaction.body).hex()) == done
    receipt = world.account.broadcast(done).wait()
    assert world.account.balance().available.units == 0
    assert world.third.balance().available.text == "5"
    assert receipt.fee.units + world.friend.balance().available.units == 10**8


def test_a_fee_payer_that_is_not_known_yet(world: Any) -> None:
    world.devnet.fund(world.friend, "1")
    transaction = world.account.build(to=world.third.address, amount="max", fee_payer="0x0")
    assert "who pays" in transaction.summary.warnings[0]
    first = world.account.sign(transaction)
    assert not first.complete
    sponsored = world.friend.read(first.hex())
    assert sponsored.summary.details["fee payer"] == world.friend.address
    done = world.friend.sign(first.hex())
    assert done.complete
    assert world.friend.broadcast(done).wait().status is Status.CONFIRMED
    assert world.third.balance().available.text == "5"


def test_a_fee_payer_without_money(world: Any) -> None:
    from multiwallet.errors import InsufficientFunds

    with pytest.raises(InsufficientFunds, match=world.friend.address):
        world.account.build(to=world.third.address, amount="1", fee_payer=world.friend.address)


def test_several_signers(world: Any) -> None:
    others = [world.friend.address, world.third.address]
    transaction = world.account.build(to=world.third.address, amount="1", secondary_signers=others)
    assert "also acts for" in transaction.summary.warnings[0]
    signed = world.third.sign(world.account.sign(transaction).hex())
    assert not signed.complete
    done = world.friend.sign(signed.hex())
    assert done.complete
    assert world.account.broadcast(done.to_wire()).wait().status is Status.CONFIRMED


def test_signatures_of_others_are_checked(world: Any, chain: Aptos) -> None:
    row = world.account.network
    signed = world.account.sign(world.account.build(to=world.friend.address, amount="1"))
    for position in (40, len(signed.raw) - 1, len(signed.raw) - 70):
        changed = bytearray(signed.raw)
        changed[position] ^= 1
        with pytest.raises(InvalidTransaction):
            chain.parse_signed(row, bytes(changed))
    with pytest.raises(InvalidTransaction, match="chain id"):
        chain.parse_signed(replace(row, id="aptos:2", params={}), signed.raw)
    for cut in range(0, len(signed.raw), 7):
        with pytest.raises(InvalidTransaction):
            chain.parse_signed(row, signed.raw[:cut])
    with pytest.raises(InvalidTransaction):
        chain.parse_signed(row, signed.raw + b"\0")


def test_assemble_takes_only_what_was_asked(world: Any, chain: Aptos) -> None:
    transaction = world.account.build(to=world.friend.address, amount="1")
    (request,) = chain.authorize(world.account._operations.holder, transaction)
    for signature in (b"", bytes(64), bytes(65)):
        with pytest.raises(InvalidTransaction, match="not made by the key"):
            chain.assemble(transaction, [(request, signature)])
    with pytest.raises(InvalidTransaction, match="lacks"):
        chain.assemble(transaction, [])
    with pytest.raises(InvalidTransaction, match="another transaction"):
        chain.assemble(transaction, [(replace(request, preimage=b"x"), bytes(64))])
    stranger = world.friend._operations.holder
    signature = bytes.fromhex(json.loads(world.friend.sign_message("x"))["signature"][2:])
    with pytest.raises(InvalidTransaction):
        chain.assemble(transaction, [(replace(request, public_key=stranger.public_key), signature)])


def test_a_stored_transaction_must_agree_with_itself(world: Any) -> None:
    world.devnet.fund(world.friend, "1")
    transaction = world.account.build(to=world.third.address, amount="1", fee_payer=world.friend.address)
    stored = json.loads(world.friend.read(world.account.sign(transaction).hex()).to_json())
    assert UnsignedTransaction.from_json(json.dumps(stored)).to_json() == json.dumps(stored)

    def changed(path: list[Any], value: Any) -> str:
        copy = json.loads(json.dumps(stored))
        target = copy
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value
        return json.dumps(copy)

    proof = stored["context"]["signatures"][0]
    for path, value in (
        (["sender"], world.friend.address),
        (["fee", "maximum", "units"], "1"),
        (["context"], {}),
        (["context", "public_key"], "00"),
        (["context", "public_key"], "02" + "00" * 31),
        (["context", "signatures"], 5),
        (["context", "signatures"], [5]),
        (["context", "signatures"], [proof, proof]),
        (["context", "signatures"], [[*proof[:2], "00" * 64, False]]),
        (["context", "signatures"], [["11" * 32, *proof[1:]]]),
        (["context", "signatures", 0, 3], 0),
        (["body"], stored["body"][:-2] + "00"),
    ):
        with pytest.raises(InvalidTransaction):
            UnsignedTransaction.from_json(changed(path, value))


def test_scripts_and_multisig_accounts_are_signed_with_a_warning_only(world: Any, chain: Aptos) -> None:
    message = SigningMessage.decode(world.account.build(to=world.friend.address, amount="1").body)
    script = replace(message.raw, payload=Payload(Script(b"\xa1\x1c\xeb\x0b", (), ((1, bytes(8)), (4, b"ab")))))
    acting = replace(message.raw, payload=replace(message.raw.payload, multisig=bytes([7]) * 32))
    voting = replace(message.raw, payload=Payload(None, bytes([7]) * 32))
    for raw, words in ((script, "runs code"), (acting, "multisig account"), (voting, "proposed")):
        body = SigningMessage(raw).encode()
        assert SigningMessage.decode(body).raw == raw
        assert any(words in warning for warning in world.account.read(body).summary.warnings)
        assert world.account.sign(body).complete
    with pytest.raises(Unsupported, match="BCS"):
        world.account.broadcast(world.account.sign(SigningMessage(script).encode()))


def test_a_key_of_the_newer_kind_of_account_is_read(world: Any, chain: Aptos) -> None:
    message = SigningMessage.decode(world.account.build(to=world.friend.address, amount="1").body)
    signed = world.account.sign(message.encode())
    proof = Proof(world.account.public_key, signed.raw[-64:], single_key=True)
    raw = Signed(message, {message.raw.sender: proof}).encode()
    read = chain.parse_signed(world.account.network, raw)
    assert read.raw == raw
    with pytest.raises(Unsupported, match="single-key"):
        world.account.broadcast(read)


def test_chain_ids(world: Any, chain: Aptos) -> None:
    transaction = world.account.build(to=world.friend.address, amount="1")
    other = bytearray(transaction.body)
    other[-1] = 2
    with pytest.raises(InvalidTransaction, match="chain id 2"):
        world.account.sign(bytes(other))
    with pytest.raises(SigningRefused, match="chain id 2"):
        world.account.sign(replace(transaction, body=bytes(other)))
    devnet = world.wallet.account("aptos-devnet")
    for number in (1, 2, 0):
        other[-1] = number
        with pytest.raises(InvalidTransaction):
            devnet.sign(bytes(other))
    other[-1] = 209
    assert devnet.sign(bytes(other)).complete


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    chain = Aptos()
    holder = Holder(LOCAL, "0x" + "ab" * 32, bytes(32))
    for native in (data, RAW[:64] + data.hex(), bytes.fromhex(RAW) + data, data.hex()):
        try:
            adopted = chain.adopt(holder, native)
        except InvalidTransaction:
            continue
        assert SigningMessage.decode(adopted.body).encode() == adopted.body
        assert adopted.summary.network == "aptos:4"


@given(st.integers(0, len(SIGNED) // 2 - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(position: int, change: int) -> None:
    data = bytearray(bytes.fromhex(SIGNED))
    data[position] ^= change
    with pytest.raises(InvalidTransaction):
        Aptos().parse_signed(LOCAL, bytes(data))


def test_addresses_of_the_zero_kind() -> None:
    assert addresses.parse("0x0") == "0x0"
    assert addresses.is_special(addresses.to_bytes("0xf"))
    assert not addresses.is_special(bytes(31) + b"\x10")
