"""Transactions of others: their forms, who may sign, what is refused, what the summary says, storing and restoring."""

from __future__ import annotations

import base64
import dataclasses
import json
import pickle
from typing import Any

import pytest
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import (
    AdvanceNonceAccountParams,
    AssignParams,
    TransferParams,
    advance_nonce_account,
    assign,
    transfer,
)
from solders.transaction import Transaction, VersionedTransaction
from spl.token import instructions as spl
from spl.token import models

from multiwallet.chains.solana import Solana
from multiwallet.chains.solana import address as addresses
from multiwallet.chains.solana.message import Account, compile_message
from multiwallet.chains.solana.message import Instruction as OurInstruction
from multiwallet.errors import InputError, InvalidPath, InvalidTransaction, SigningRefused
from multiwallet.path import Path
from multiwallet.transactions import SignedTransaction, UnsignedTransaction

TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
BLOCKHASH = Hash(bytes(range(32)))


def pay(sender: Keypair, lamports: int = 7, to: Pubkey | None = None) -> Instruction:
    to = to or Keypair().pubkey()
    return transfer(TransferParams(from_pubkey=sender.pubkey(), to_pubkey=to, lamports=lamports))


def legacy(wallet: Any, *calls: Instruction, payer: Keypair | None = None) -> Message:
    return Message.new_with_blockhash(list(calls), (payer or wallet.keypair).pubkey(), BLOCKHASH)


def test_every_form_of_the_ecosystem(wallet: Any) -> None:
    message = legacy(wallet, pay(wallet.keypair))
    v0 = MessageV0.try_compile(wallet.keypair.pubkey(), [pay(wallet.keypair)], [], BLOCKHASH)
    unsigned = bytes(Transaction.new_unsigned(message))
    body = bytes(message)
    forms = [
        body,
        bytearray(body),
        memoryview(body),
        base64.b64encode(body).decode(),
        addresses.encode(body),
        body.hex(),
        unsigned,
        base64.b64encode(unsigned).decode(),
        message,
        Transaction.new_unsigned(message),
    ]
    for form in forms:
        assert wallet.chain.adopt(wallet.holder, form).body == body
    for form in (v0, VersionedTransaction(v0, [wallet.keypair])):
        transaction = wallet.chain.adopt(wallet.holder, form)
        assert transaction.body == b"\x80" + bytes(v0)
        signed = wallet.sign(transaction)
        assert signed.raw == bytes(VersionedTransaction(v0, [wallet.keypair]))
        assert wallet.chain.parse_signed(wallet.network, VersionedTransaction(v0, [wallet.keypair])) == signed


NO_TRANSACTIONS: list[Any] = [1.5, 7, None, [], {}, object(), "", "!", "AAAA", b"", b"\0" * 2000, "1" * 5000, True]


@pytest.mark.parametrize("native", NO_TRANSACTIONS, ids=[f"{n}" for n in range(len(NO_TRANSACTIONS))])
def test_what_is_no_transaction(wallet: Any, native: Any) -> None:
    with pytest.raises(InvalidTransaction):
        wallet.chain.adopt(wallet.holder, native)
    with pytest.raises(InvalidTransaction):
        wallet.chain.parse_signed(wallet.network, native)


def test_several_signers_one_after_the_other(wallet: Any, node: Any) -> None:
    chain, network = wallet.chain, wallet.network
    sponsor = type(wallet)(network, node)
    to = Keypair().pubkey()
    message = legacy(wallet, pay(wallet.keypair, 5_000_000, to), payer=sponsor.keypair)
    first = wallet.sign(chain.adopt(wallet.holder, message))
    assert (first.complete, first.txid) == (False, "")
    assert first.raw[1:65] == bytes(64)
    summary = chain.adopt(wallet.holder, first.to_wire()).summary
    assert summary.sender == sponsor.address
    assert summary.actions[0].details["from"] == wallet.address
    assert wallet.address in summary.details["signers"]
    assert summary.fee.maximum.units == 10_000
    with pytest.raises(InvalidTransaction, match="missing"):
        sponsor.send(first)
    stored = UnsignedTransaction.from_json(chain.adopt(sponsor.holder, first.to_wire()).to_json())
    second = sponsor.sign(stored)
    assert second.complete
    expected = Transaction([sponsor.keypair, wallet.keypair], message, BLOCKHASH)
    assert second.raw == bytes(expected)
    assert second.txid == str(expected.signatures[0])


def test_a_wrong_signature_that_came_along(wallet: Any) -> None:
    raw = bytearray(bytes(Transaction([wallet.keypair], legacy(wallet, pay(wallet.keypair)), BLOCKHASH)))
    raw[5] ^= 1
    with pytest.raises(InvalidTransaction, match="does not belong"):
        wallet.chain.adopt(wallet.holder, bytes(raw))
    with pytest.raises(InvalidTransaction, match="does not belong"):
        wallet.chain.parse_signed(wallet.network, bytes(raw))


def test_who_may_sign(wallet: Any, node: Any) -> None:
    chain = wallet.chain
    other = type(wallet)(wallet.network, node)
    transaction = chain.adopt(wallet.holder, legacy(wallet, pay(wallet.keypair)))
    with pytest.raises(SigningRefused, match="does not ask"):
        chain.authorize(other.holder, transaction)
    elsewhere = dataclasses.replace(wallet.network, id="solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1")
    with pytest.raises(SigningRefused, match="is for"):
        chain.authorize(dataclasses.replace(wallet.holder, network=elsewhere), transaction)
    with pytest.raises(SigningRefused, match="tampered"):
        chain.authorize(wallet.holder, dataclasses.replace(transaction, sender=other.address))
    path = Path("m/44'/501'/3'/0'")
    (request,) = chain.authorize(dataclasses.replace(wallet.holder, path=path), transaction)
    assert (request.path, request.preimage, request.public_key) == (path, transaction.body, wallet.holder.public_key)


def test_assembling(wallet: Any) -> None:
    chain = wallet.chain
    transaction = chain.adopt(wallet.holder, legacy(wallet, pay(wallet.keypair)))
    (request,) = transaction.requests
    for wrong in ([], [(request, b"")], [(request, bytes(65))]):
        with pytest.raises(InvalidTransaction):
            chain.assemble(transaction, wrong)
    foreign = dataclasses.replace(request, public_key=bytes(32))
    with pytest.raises(InvalidTransaction):
        chain.assemble(transaction, [(foreign, bytes(64))])


def test_stored_and_restored(wallet: Any) -> None:
    to = str(Keypair().pubkey())
    transaction = wallet.build((to, 5_000_000), memo="x")
    text = transaction.to_json()
    again = UnsignedTransaction.from_json(text)
    assert again == transaction
    assert str(again.summary) == str(transaction.summary)
    for change in (
        {"sender": to},
        {"body": "00"},
        {"body": transaction.body.hex() + "00"},
        {"context": {"expiry": "soon"}},
        {"context": {"signatures": {to: "00"}}},
        {"context": {"signatures": {wallet.address: "00" * 64}}},
        {"context": {"signatures": {wallet.address: 7}}},
        {"context": {"owners": ["x"]}},
        {"context": {"unknown": 1}},
        {"requests": []},
    ):
        with pytest.raises(InvalidTransaction if "owners" not in str(change) else InputError):
            UnsignedTransaction.from_json(json.dumps({**json.loads(text), **change}))
    changed = json.loads(text)
    changed["fee"]["maximum"]["units"] = "1"
    with pytest.raises(InvalidTransaction, match="fee"):
        UnsignedTransaction.from_json(json.dumps(changed))


def test_a_signed_transaction_is_a_plain_value(wallet: Any) -> None:
    signed = wallet.sign(wallet.build((str(Keypair().pubkey()), 5_000_000)))
    plain = SignedTransaction(wallet.chain, wallet.network, signed.raw, signed.txid, True, signed.expiry)
    assert signed == plain
    assert plain == signed
    assert hash(signed) == hash(plain)
    assert signed != dataclasses.replace(plain, expiry=None)
    copied = pickle.loads(pickle.dumps(signed))
    assert (copied.raw, copied.txid, copied.expiry, copied.network) == (
        signed.raw,
        signed.txid,
        signed.expiry,
        signed.network,
    )
    assert signed.txid in repr(signed)
    with pytest.raises(AttributeError):
        signed.txid = "x"  # type: ignore[misc]


def test_a_durable_nonce_never_expires(wallet: Any) -> None:
    nonce = Keypair().pubkey()
    advance = advance_nonce_account(
        AdvanceNonceAccountParams(nonce_pubkey=nonce, authorized_pubkey=wallet.keypair.pubkey())
    )
    summary = wallet.chain.adopt(wallet.holder, legacy(wallet, advance, pay(wallet.keypair))).summary
    assert str(nonce) in summary.details["lifetime"]
    assert any("never expires" in warning for warning in summary.warnings)
    late = wallet.chain.adopt(wallet.holder, legacy(wallet, pay(wallet.keypair), advance)).summary
    assert "lifetime" not in late.details


def test_risky_instructions_are_warned_of(wallet: Any) -> None:
    me, thief, mint, account = (wallet.keypair.pubkey(), *(Keypair().pubkey() for _ in range(3)))
    unknown = Instruction(thief, b"\1\2\3", [AccountMeta(me, True, True)])
    cases: list[tuple[Instruction, str, str]] = [
        (assign(AssignParams(pubkey=me, owner=thief)), "assign", "handed over"),
        (unknown, "call", "not known"),
        (
            spl.approve(
                models.ApproveParams(program_id=TOKEN, source=account, delegate=thief, owner=me, amount=2**64 - 1)
            ),
            "approve",
            f"{thief} may spend",
        ),
        (
            spl.approve_checked(
                models.ApproveCheckedParams(
                    program_id=TOKEN, source=account, mint=mint, delegate=thief, owner=me, amount=5, decimals=1
                )
            ),
            "approve",
            "may spend 0.5",
        ),
        (
            spl.set_authority(
                models.SetAuthorityParams(
                    program_id=TOKEN,
                    account=account,
                    authority=models.AuthorityType.ACCOUNT_OWNER,
                    current_authority=me,
                    new_authority=thief,
                )
            ),
            "set-authority",
            f"owner authority of {account} goes to {thief}",
        ),
        (
            spl.close_account(models.CloseAccountParams(program_id=TOKEN, account=account, dest=thief, owner=me)),
            "close-account",
            "goes to",
        ),
        (
            spl.transfer(models.TransferParams(program_id=TOKEN, source=account, dest=thief, owner=me, amount=9)),
            "transfer",
            "without naming which",
        ),
    ]
    for call, kind, warning in cases:
        summary = wallet.chain.adopt(wallet.holder, legacy(wallet, call)).summary
        assert [action.kind for action in summary.actions] == [kind]
        assert any(warning in text for text in summary.warnings), (kind, summary.warnings)
    vault, _ = Pubkey.find_program_address([b"vault"], TOKEN)
    summary = wallet.chain.adopt(wallet.holder, legacy(wallet, pay(wallet.keypair, 5, vault))).summary
    assert "off the curve" in summary.warnings[0]


def test_harmless_token_instructions(wallet: Any) -> None:
    me, mint, account, to = (wallet.keypair.pubkey(), *(Keypair().pubkey() for _ in range(3)))
    params = models.BurnCheckedParams(program_id=TOKEN, mint=mint, account=account, owner=me, amount=150, decimals=2)
    burn = wallet.chain.adopt(wallet.holder, legacy(wallet, spl.burn_checked(params))).summary
    assert (burn.actions[0].kind, burn.actions[0].amount.text) == ("burn", "1.5")
    close = spl.close_account(models.CloseAccountParams(program_id=TOKEN, account=account, dest=me, owner=me))
    assert not wallet.chain.adopt(wallet.holder, legacy(wallet, close)).summary.warnings
    create = spl.create_idempotent_associated_token_account(payer=me, owner=to, mint=mint)
    made = wallet.chain.adopt(wallet.holder, legacy(wallet, create)).summary.actions[0]
    assert (made.kind, made.to) == ("create-account", str(to))
    assert (made.amount.units, made.details["rent"]) == (
        2_039_280,
        "the usual one, and nothing where the account exists",
    )


def test_a_token_account_of_an_unknown_program_is_pointed_out(wallet: Any) -> None:
    """Its program answers how large the account is to be, so how much the payer lends, and can take it out again."""
    me, mint, owner, program = (wallet.keypair.pubkey(), *(Keypair().pubkey() for _ in range(3)))
    honest = spl.create_idempotent_associated_token_account(payer=me, owner=owner, mint=mint)
    account, _ = Pubkey.find_program_address([bytes(owner), bytes(program), bytes(mint)], honest.program_id)
    metas = list(honest.accounts)
    metas[1], metas[5] = AccountMeta(account, False, True), AccountMeta(program, False, False)
    call = Instruction(honest.program_id, honest.data, metas)
    summary = wallet.chain.adopt(wallet.holder, legacy(wallet, call)).summary
    assert [action.kind for action in summary.actions] == ["call"]
    assert any("may do anything" in text for text in summary.warnings)


def test_an_associated_account_that_is_another_is_not_believed(wallet: Any) -> None:
    """The owner named beside a foreign token account must not be shown as the recipient."""
    me, mint, owner, thief = (wallet.keypair.pubkey(), *(Keypair().pubkey() for _ in range(3)))
    honest = spl.create_idempotent_associated_token_account(payer=me, owner=owner, mint=mint)
    metas = list(honest.accounts)
    metas[1] = AccountMeta(thief, False, True)
    forged = Instruction(honest.program_id, honest.data, metas)
    move = spl.transfer_checked(
        models.TransferCheckedParams(
            program_id=TOKEN, source=Keypair().pubkey(), mint=mint, dest=thief, owner=me, amount=1, decimals=0
        )
    )
    summary = wallet.chain.adopt(wallet.holder, legacy(wallet, forged, move)).summary
    assert [action.kind for action in summary.actions] == ["call", "transfer"]
    assert summary.actions[1].to == str(thief)
    assert str(owner) not in str(summary)


def test_compute_fees_that_the_bytes_set(wallet: Any) -> None:
    budget = bytes(Pubkey.from_string("ComputeBudget111111111111111111111111111111"))
    me = wallet.holder.public_key
    price = OurInstruction(budget, (), b"\3" + (10**6).to_bytes(8, "little"))
    move = OurInstruction(
        bytes(32), (Account(me, True, True), Account(b"\7" * 32, False, True)), b"\2\0\0\0" + b"\1" * 8
    )
    summary = wallet.chain.adopt(wallet.holder, compile_message(me, [price, move], b"\1" * 32).to_bytes()).summary
    assert summary.fee.maximum.units == 5000 + 2 * 200_000
    assert summary.fee.expected.units == 5000 + 2 * 3_000
    dear = OurInstruction(budget, (), b"\3" + (10**12).to_bytes(8, "little"))
    summary = wallet.chain.adopt(wallet.holder, compile_message(me, [dear, move], b"\1" * 32).to_bytes()).summary
    assert any("far above" in warning for warning in summary.warnings)


def test_a_recipient_in_a_lookup_table_cannot_be_read(wallet: Any, vectors: Any) -> None:
    entry = next(entry for entry in vectors if entry["id"] == "tx/v0-alt-transfer")
    action = (summary := wallet.chain.adopt(wallet.holder, bytes.fromhex(entry["output"]["message"])).summary).actions[
        0
    ]
    assert action.amount.units == 1000
    assert action.to == "entry 1 of lookup table He9L8iZ8qwUoy34aw9hn91jmehgmgotdAnz7DYctccVh"
    assert any("lookup tables" in warning for warning in summary.warnings)


def test_paths(network: Any) -> None:
    chain = Solana()

    def path(account: int, index: int | None) -> str:
        return str(chain.path(network, account=account, index=index, kind=""))

    assert path(0, None) == path(0, 0) == "m/44'/501'/0'/0'"
    assert path(0, 5) == path(5, None) == path(5, 0) == "m/44'/501'/5'/0'"
    for account, index in ((1, 1), (-1, None), (0, 2**31)):
        with pytest.raises(InvalidPath):
            path(account, index)
    with pytest.raises(InputError):
        chain.path(network, account=0, index=None, kind="p2pkh")


@pytest.mark.parametrize("rents", [{"x": -1}, {"x": 2**64}, {"x": True}, {"x": 1.5}, {"x": "5"}, [5], None])
def test_a_stored_rent_is_a_number_of_lamports(wallet: Any, rents: Any) -> None:
    built = wallet.chain.adopt(wallet.holder, legacy(wallet, pay(wallet.keypair, 5, Keypair().pubkey())))
    with pytest.raises(InvalidTransaction):
        wallet.chain.restore(
            wallet.network,
            sender=built.sender,
            body=built.body,
            fee=built.fee,
            paths={},
            assets=(),
            context={"rents": rents},
        )
