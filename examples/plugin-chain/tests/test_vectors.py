"""Bytes, ids, addresses and signatures as @stacks/transactions makes them (vectors.json names the version)."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from multiwallet_stacks.transaction import Transfer

from multiwallet import Wallet, network
from multiwallet.errors import InputError, InvalidTransaction, MultiwalletError, Rejected
from multiwallet.testing import refusal

sys.path.insert(0, str(Path(__file__).parent))
from ledger import Ledger, tampered

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
NAMES = {"mainnet": "stacks", "testnet": "stacks-testnet"}


@pytest.mark.parametrize("vector", VECTORS["transfers"], ids=lambda vector: vector["txid"][:12])
def test_a_transfer_is_byte_for_byte_theirs(vector):
    row = network(NAMES[vector["network"]])
    chain = Ledger(row)
    with Wallet.from_private_key(row, vector["key"][:64], transport=chain) as wallet:
        account = wallet.account(row)
        assert account.address == vector["address"]
        chain.give(account.address, int(vector["amount"]) + int(vector["fee"]))
        built = account.build(
            to=vector["to"],
            amount=_amount(row, vector["amount"]),
            memo=vector["memo"] or None,
            nonce=vector["nonce"],
            fee=int(vector["fee"]),
        )
        signed = account.sign(built)
        assert (signed.hex(), signed.txid) == (vector["raw"], vector["txid"])
        read = account._operations.chain.parse_signed(row, vector["raw"])
        assert read.txid == vector["txid"]


def _amount(row, units):
    from multiwallet import Amount

    return Amount(int(units), row.native)


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=["short", "empty", "unicode", "long"])
def test_a_message_is_signed_as_theirs(vector):
    account = Wallet.from_private_key("stacks", vector["key"][:64]).account("stacks")
    assert account.sign_message(vector["message"]) == vector["signature"]
    assert account.verify_message(vector["message"], vector["signature"])
    assert not account.verify_message(vector["message"] + "!", vector["signature"])


def test_every_changed_byte_is_noticed():
    raw = bytes.fromhex(VECTORS["transfers"][0]["raw"])
    chain = Wallet.from_seed(bytes(32)).account("stacks")._operations.chain
    row = network("stacks")
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        refusal(InvalidTransaction, chain.parse_signed, row, bytes(changed))
        refusal(InvalidTransaction, chain.parse_signed, row, raw[:position])


def test_the_ledger_refuses_what_a_node_refuses():
    vector = VECTORS["transfers"][0]
    chain = Ledger(network("stacks"))
    transfer = Transfer.decode(bytes.fromhex(vector["raw"]))
    for wrong in (tampered(transfer), replace(transfer, nonce=7), transfer):
        assert isinstance(chain._submit(wrong.encode()), Rejected)


def test_what_a_node_may_answer_wrongly_is_noticed():
    row = network("stacks")
    for answer in (
        {},
        {"balance": "12", "locked": "0x0", "nonce": 0},
        {"balance": "0xzz", "locked": "0x0", "nonce": 0},
    ):
        chain = Ledger(row)
        honest = chain._answer
        chain._answer = lambda effect, wrong=answer, honest=honest: (
            wrong if "accounts" in getattr(effect, "path", "") else honest(effect)
        )
        refusal(MultiwalletError, Wallet.from_seed(bytes(32), transport=chain).account("stacks").balance)


def test_options_are_checked_before_anybody_is_asked():
    account = Wallet.from_seed(bytes(32), transport=Ledger(network("stacks"))).account("stacks")
    other = VECTORS["transfers"][0]["to"]
    for wrong in ({"memo": "x" * 35}, {"nonce": -1}, {"fee": 1.5}, {"gas": 1}):
        refusal(InputError, account.build, to=other, amount="1", **wrong)
