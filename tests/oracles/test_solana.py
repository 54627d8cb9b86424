"""Random Solana transactions against @solana/web3.js 1: addresses, compiled bytes, signatures, and what it reads."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from multiwallet.chain import Holder, Network
from multiwallet.chains.solana import Solana, programs
from multiwallet.chains.solana import address as addresses
from multiwallet.chains.solana.message import Account, Instruction, compile_message, parse_message
from multiwallet.crypto.ed25519 import Ed25519Key

pytestmark = pytest.mark.oracle
NETWORK = Network("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "solana", "solana", "Solana", "SOL", 9, 501)


def described(call: Instruction) -> dict[str, Any]:
    keys = [{"pubkey": addresses.encode(a.key), "isSigner": a.signer, "isWritable": a.writable} for a in call.accounts]
    return {"programId": addresses.encode(call.program), "keys": keys, "data": call.data}


def holder_of(seed: bytes) -> tuple[Ed25519Key, Holder]:
    key = Ed25519Key(seed)
    return key, Holder(NETWORK, addresses.encode(key.public_key), key.public_key)


def random_calls(signers: list[bytes]) -> list[Instruction]:
    others = [os.urandom(32) for _ in range(6)]
    calls = []
    for _ in range(random.randint(1, 4)):
        accounts = [Account(random.choice(signers), True, random.random() < 0.5) for _ in range(random.randint(0, 2))]
        accounts += [Account(random.choice(others), False, random.random() < 0.5) for _ in range(random.randint(0, 4))]
        random.shuffle(accounts)
        calls.append(Instruction(random.choice(others[4:]), tuple(accounts), os.urandom(random.randint(0, 30))))
    return calls


def test_addresses(node_oracle: Any) -> None:
    for _ in range(20):
        seed = os.urandom(32)
        assert node_oracle("solana.address", secret=seed) == holder_of(seed)[1].address
        text = addresses.encode(os.urandom(32))
        assert node_oracle("solana.isOnCurve", address=text) == addresses.is_on_curve(addresses.parse(text))
        seeds = [os.urandom(random.randint(0, 32)) for _ in range(3)]
        found = node_oracle("solana.findProgramAddress", seeds=seeds, programId=addresses.encode(programs.TOKEN))
        key, bump = addresses.find_program_address(tuple(seeds), programs.TOKEN)
        assert (found["address"], found["bump"]) == (addresses.encode(key), bump)


def test_version_0_messages_are_the_same_bytes(node_oracle: Any) -> None:
    for _ in range(60):
        seeds = [os.urandom(32) for _ in range(random.randint(1, 3))]
        keys = [Ed25519Key(seed).public_key for seed in seeds]
        payer = keys[0]
        calls, blockhash = random_calls(keys), os.urandom(32)
        theirs = node_oracle(
            "solana.compileMessage",
            payer=addresses.encode(payer),
            instructions=[described(call) for call in calls],
            recentBlockhash=addresses.encode(blockhash),
            version=0,
        )
        assert compile_message(payer, calls, blockhash, version=0).to_bytes() == theirs


@pytest.mark.parametrize("version", ["legacy", 0])
def test_their_messages_are_signed_alike(node_oracle: Any, version: str | int) -> None:
    chain = Solana()
    for _ in range(25):
        seeds = [os.urandom(32) for _ in range(random.randint(1, 3))]
        pairs = [holder_of(seed) for seed in seeds]
        every = Instruction(
            programs.MEMO, tuple(Account(holder.public_key, True, False) for _, holder in pairs), b"all of us"
        )
        calls = [*random_calls([holder.public_key for _, holder in pairs]), every]
        theirs = node_oracle(
            "solana.signInstructions",
            secrets=seeds,
            payer=pairs[0][1].address,
            instructions=[described(call) for call in calls],
            recentBlockhash=addresses.encode(os.urandom(32)),
            version=version,
        )
        parts = []
        for key, holder in pairs:
            transaction = chain.adopt(holder, theirs["message"])
            (request,) = chain.authorize(holder, transaction)
            parts.append((request, key.sign(request.message)))
        signed = chain.assemble(transaction, parts)
        assert signed.raw == theirs["raw"]
        assert signed.txid == addresses.encode(theirs["signatures"][0])
        assert chain.parse_signed(NETWORK, theirs["raw"]) == signed


def test_web3_js_reads_what_is_written_here(node_oracle: Any) -> None:
    chain = Solana()
    for _ in range(25):
        key, holder = holder_of(os.urandom(32))
        calls, version = random_calls([holder.public_key]), random.choice([None, 0])
        message = compile_message(holder.public_key, calls, os.urandom(32), version=version)
        body = message.to_bytes()
        assert node_oracle("solana.roundTrip", message=body) == body
        transaction = chain.adopt(holder, body)
        signed = chain.assemble(transaction, [(transaction.requests[0], key.sign(body))])
        read = node_oracle("solana.decodeTransaction", raw=signed.raw)
        assert read["messageBytes"] == body
        told = read["message"]
        assert told["staticAccountKeys"] == [addresses.encode(item) for item in message.keys]
        assert [item["accountKeyIndexes"] for item in told["instructions"]] == [
            list(call.accounts) for call in message.instructions
        ]
        if version is None:
            assert node_oracle("solana.verifySignatures", raw=signed.raw) is True


def test_transfers_and_compute_budget(node_oracle: Any) -> None:
    for _ in range(20):
        units, price = random.randint(1, 1_400_000), random.randint(0, 2**63)
        ours = [programs.set_compute_unit_limit(units).data.hex(), programs.set_compute_unit_price(price).data.hex()]
        assert node_oracle("solana.computeBudgetInstructions", units=units, microLamports=price) == ours
        seed, to, lamports = os.urandom(32), os.urandom(32), random.randint(1, 2**63)
        key, holder = holder_of(seed)
        blockhash = os.urandom(32)
        for version in ("legacy", 0):
            theirs = node_oracle(
                "solana.transfer",
                secret=seed,
                to=addresses.encode(to),
                lamports=lamports,
                recentBlockhash=addresses.encode(blockhash),
                version=version,
            )
            template = Solana().template(holder, blockhash=blockhash, version=version)
            (row,) = template.fill([(addresses.encode(to), lamports)])
            body = template.message(row.to, row.units)
            assert body == theirs["message"]
            assert b"\1" + key.sign(body) + body == theirs["raw"]
            assert parse_message(body).payer == holder.public_key
