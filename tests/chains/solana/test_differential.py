"""Random transactions against solders: the same instructions, the same meaning, the same signatures; and garbage."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.instruction import AccountMeta
from solders.instruction import Instruction as SoldersInstruction
from solders.keypair import Keypair
from solders.message import Message as SoldersMessage
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import Transaction, VersionedTransaction

from multiwallet.chain import Holder, Network
from multiwallet.chains.solana import Solana, programs
from multiwallet.chains.solana import address as addresses
from multiwallet.chains.solana.message import (
    Account,
    Instruction,
    Message,
    compile_message,
    parse_message,
    parse_transaction,
)
from multiwallet.errors import InputError, InvalidTransaction

NETWORK = Network("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "solana", "solana", "Solana", "SOL", 9, 501)
keys = [bytes(Keypair.from_seed(bytes((n,)) * 32).pubkey()) for n in range(12)]
accounts = st.builds(Account, st.sampled_from(keys), st.booleans(), st.booleans())
calls = st.builds(
    Instruction, st.sampled_from(keys[6:]), st.lists(accounts, max_size=6).map(tuple), st.binary(max_size=40)
)


def theirs(call: Instruction) -> SoldersInstruction:
    metas = [AccountMeta(Pubkey(a.key), a.signer, a.writable) for a in call.accounts]
    return SoldersInstruction(Pubkey(call.program), call.data, metas)


def meaning(message: Message) -> list[tuple[object, ...]]:
    def told(position: int) -> tuple[bytes | None, bool, bool]:
        return message.key(position), position < message.required_signatures, message.is_writable(position)

    return [(message.keys[c.program], [told(p) for p in c.accounts], c.data) for c in message.instructions]


@given(st.lists(calls, max_size=4), st.sampled_from([None, 0]), st.binary(min_size=32, max_size=32))
def test_the_same_meaning_as_solders(instructions: list[Instruction], version: int | None, blockhash: bytes) -> None:
    payer = keys[0]
    ours = compile_message(payer, instructions, blockhash, version=version)
    other = [theirs(call) for call in instructions]
    if version is None:
        body = bytes(SoldersMessage.new_with_blockhash(other, Pubkey(payer), Hash(blockhash)))
        assert bytes(SoldersMessage.from_bytes(ours.to_bytes())) == ours.to_bytes()
    else:
        body = to_bytes_versioned(MessageV0.try_compile(Pubkey(payer), other, [], Hash(blockhash)))
        assert to_bytes_versioned(MessageV0.from_bytes(ours.to_bytes()[1:])) == ours.to_bytes()
    read = parse_message(body)
    assert read.to_bytes() == body
    assert parse_message(ours.to_bytes()) == ours
    assert meaning(read) == meaning(ours)
    header = ("required_signatures", "readonly_signed", "readonly_unsigned")
    assert [getattr(read, name) for name in header] == [getattr(ours, name) for name in header]
    assert set(read.signers) == set(ours.signers)
    assert read.payer == ours.payer == payer


def test_signed_as_solders_signs() -> None:
    chain = Solana()
    for _ in range(200):
        pairs = [Keypair() for _ in range(random.randint(1, 3))]
        metas = tuple(Account(bytes(pair.pubkey()), True, True) for pair in pairs)
        call = Instruction(programs.MEMO, metas, random.randbytes(20))
        payer = bytes(pairs[0].pubkey())
        body = compile_message(payer, [call], random.randbytes(32)).to_bytes()
        parts = []
        for pair in pairs:
            holder = Holder(NETWORK, str(pair.pubkey()), bytes(pair.pubkey()))
            transaction = chain.adopt(holder, body)
            (request,) = chain.authorize(holder, transaction)
            parts.append((request, bytes(pair.sign_message(request.message))))
        signed = chain.assemble(transaction, parts)
        message = SoldersMessage.from_bytes(body)
        expected = Transaction(pairs, message, message.recent_blockhash)
        assert signed.raw == bytes(expected)
        assert signed.txid == str(expected.signatures[0])


@given(st.binary(max_size=200))
def test_derived_addresses(seed: bytes) -> None:
    parts = tuple(seed[n : n + 32] for n in range(0, len(seed), 32))
    ours = addresses.find_program_address(parts, programs.TOKEN)
    expected = Pubkey.find_program_address(list(parts), Pubkey(programs.TOKEN))
    assert ours == (bytes(expected[0]), expected[1])


@given(st.binary(min_size=32, max_size=32))
def test_addresses_and_the_curve(key: bytes) -> None:
    assert addresses.encode(key) == str(Pubkey(key))
    assert addresses.parse(str(Pubkey(key))) == key
    assert addresses.is_on_curve(key) == Pubkey(key).is_on_curve()


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_not(text: str) -> None:
    try:
        key = addresses.parse(text)
    except InputError:
        return
    assert addresses.encode(key) == text


@given(st.binary(max_size=1300))
def test_garbage_is_refused_or_read_exactly(data: bytes) -> None:
    for parse in (parse_message, parse_transaction):
        try:
            found = parse(data)
        except InvalidTransaction:
            continue
        body = found.to_bytes() if isinstance(found, Message) else found[2].to_bytes()
        assert data.endswith(body)


@given(st.data())
def test_damaged_transactions_are_refused_or_make_sense(data: st.DataObject) -> None:
    """A few bytes changed, cut or added: the reader and the summary give an answer or an error of the tree."""
    pair = Keypair.from_seed(bytes(32))
    holder = Holder(NETWORK, str(pair.pubkey()), bytes(pair.pubkey()))
    instructions = [
        programs.set_compute_unit_limit(1000),
        programs.set_compute_unit_price(5),
        programs.transfer(holder.public_key, keys[1], 5),
        programs.transfer_checked(programs.TOKEN, keys[2], keys[3], keys[4], holder.public_key, 5, 2),
        programs.create_associated_token_account(holder.public_key, keys[5], keys[6], keys[7], programs.TOKEN),
        programs.memo("hi"),
    ]
    version = data.draw(st.sampled_from([None, 0]))
    body = bytearray(compile_message(holder.public_key, instructions, bytes(32), version=version).to_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        if not body:
            return
    try:
        transaction = Solana().adopt(holder, bytes(body))
    except InvalidTransaction:
        return
    assert str(transaction.summary)
    assert parse_message(transaction.body).to_bytes() == transaction.body


def test_solders_agrees_on_what_is_a_transaction() -> None:
    """Everything that solders reads and finds sane is read here, and nothing that it cannot read is."""
    pair = Keypair()
    call = theirs(programs.transfer(bytes(pair.pubkey()), keys[1], 5))
    message = SoldersMessage.new_with_blockhash([call], pair.pubkey(), Hash.default())
    raw = bytes(Transaction([pair], message, Hash.default()))
    for _ in range(3000):
        changed = bytearray(raw)
        at = random.choice([0, *range(65, 70), *range(len(raw) - 20, len(raw))])
        changed[at] = random.randrange(256)
        try:
            other = VersionedTransaction.from_bytes(bytes(changed))
            other.sanitize()
            listed = other.message.account_keys
            # The chain checks two more things that solders leaves alone: no byte left over, no account loaded twice.
            sound = bytes(other) == bytes(changed) and len(set(listed)) == len(listed)
        except Exception:
            sound = False
        try:
            parse_transaction(bytes(changed))
            read = True
        except InvalidTransaction:
            read = False
        assert read == sound, changed.hex()


@pytest.mark.parametrize("count", [256, 300])
def test_more_accounts_than_there_can_be(count: int) -> None:
    many = tuple(Account(n.to_bytes(32, "big"), False, False) for n in range(1, count + 1))
    with pytest.raises(InvalidTransaction, match="256"):
        compile_message(keys[0], [Instruction(keys[1], many, b"")], bytes(32))
