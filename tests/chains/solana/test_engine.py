"""Transfers built here and executed by LiteSVM: SOL and tokens, memos, both versions, and everything that must not run."""

from __future__ import annotations

from typing import Any

import pytest
from solders.account import Account
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from multiwallet.amounts import Amount, Asset
from multiwallet.errors import (
    AmountError,
    ChainError,
    Expired,
    InputError,
    InsufficientFunds,
    Reverted,
    Unsupported,
)
from multiwallet.ops import run
from multiwallet.transactions import Status, UnsignedTransaction

TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
RENT = 890_880


def fresh() -> str:
    return str(Keypair().pubkey())


def token_account(owner: str, mint: str, program: str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA") -> Pubkey:
    seeds = [bytes(Pubkey.from_string(text)) for text in (owner, program, mint)]
    return Pubkey.find_program_address(seeds, Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"))[0]


@pytest.mark.parametrize("version", ["legacy", 0])
def test_a_transfer_with_a_memo_runs_and_costs_what_was_said(wallet: Any, node: Any, version: Any) -> None:
    to = fresh()
    before = node.svm.get_balance(wallet.keypair.pubkey())
    tx = wallet.build((to, 1_000_000), memo="invoice 7 żółć", version=version)
    summary = tx.summary
    assert [(a.kind, a.to, a.amount.units) for a in summary.actions] == [("transfer", to, 1_000_000)]
    assert summary.memo == "invoice 7 żółć"
    assert not summary.warnings
    signed = wallet.sign(tx)
    assert signed.complete
    assert signed.expiry == 151
    receipt = wallet.send(signed)
    assert receipt.txid == signed.txid
    assert node.svm.get_balance(Pubkey.from_string(to)) == 1_000_000
    paid = before - 1_000_000 - node.svm.get_balance(wallet.keypair.pubkey())
    assert paid == tx.fee.expected.units == tx.fee.maximum.units == summary.fee.expected.units
    later = run(wallet.chain.status(wallet.network, signed.txid, expiry=signed.expiry), node)
    assert later.status is Status.CONFIRMED
    assert later.final
    assert later.confirmations >= 1


def test_several_payments_are_one_transaction(wallet: Any, node: Any) -> None:
    people = [fresh() for _ in range(20)]
    tx = wallet.build(*((person, RENT + n) for n, person in enumerate(people)))
    wallet.send(wallet.sign(tx))
    assert [node.svm.get_balance(Pubkey.from_string(p)) for p in people] == [RENT + n for n in range(20)]


def test_too_many_payments_say_how_many_fit(wallet: Any, node: Any) -> None:
    people = [fresh() for _ in range(300)]
    with pytest.raises(InputError, match=r"(\d+) of these 300 payments fit") as caught:
        wallet.build(*((person, RENT) for person in people))
    assert not node.calls
    fit = int(str(caught.value).split(": ")[1].split()[0])
    wallet.build(*((person, RENT) for person in people[:fit]))
    with pytest.raises(InputError, match="payments fit"):
        wallet.build(*((person, RENT) for person in people[: fit + 1]))


def test_everything_leaves_nothing(wallet: Any, node: Any) -> None:
    to = fresh()
    tx = wallet.build((to, "max"))
    wallet.send(wallet.sign(tx))
    assert not node.svm.get_balance(wallet.keypair.pubkey())
    assert node.svm.get_balance(Pubkey.from_string(to)) == 10**10 - tx.fee.expected.units


def test_everything_is_the_only_payment(wallet: Any, node: Any) -> None:
    with pytest.raises(InputError, match="only payment"):
        wallet.build((fresh(), "max"), (fresh(), 5_000_000))
    assert not node.calls


@pytest.mark.parametrize("program", ["TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", str(TOKEN_2022)])
@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("version", ["legacy", 0])
def test_tokens_go_to_an_account_that_is_made_when_missing(
    wallet: Any, node: Any, program: str, exists: bool, version: Any
) -> None:
    owner_program = Pubkey.from_string(program)
    mint, to = node.mint(6, owner_program), fresh()
    source = node.give(mint, wallet.address, 5_000_000, owner_program)
    if exists:
        node.give(mint, to, 10, owner_program)
    asset = run(wallet.chain.asset(wallet.network, mint), node)
    assert asset == Asset(f"{wallet.network.id}/token:{mint}", "", 6)
    assert asset.decimals == 6
    before = node.svm.get_balance(wallet.keypair.pubkey())
    tx = wallet.build((to, 1_250_000, asset), version=version, memo="salary")
    kinds = [action.kind for action in tx.summary.actions]
    assert kinds == (["transfer"] if exists else ["create-account", "transfer"])
    action = tx.summary.actions[-1]
    assert (action.to, action.amount) == (to, Amount(1_250_000, asset))
    assert not tx.summary.warnings
    wallet.send(wallet.sign(tx))
    assert node.tokens(source) == 3_750_000
    assert node.tokens(token_account(to, mint, program)) == 1_250_000 + (10 if exists else 0)
    spent = before - node.svm.get_balance(wallet.keypair.pubkey())
    assert spent == tx.fee.expected.units + tx.fee.details.get("rent", 0)
    shown = [action.amount for action in tx.summary.actions[:-1]]
    assert [amount.units for amount in shown if amount is not None] == ([] if exists else [tx.fee.details["rent"]])
    restored = UnsignedTransaction.from_json(tx.to_json())
    assert str(restored.summary) == str(tx.summary)
    bare = wallet.chain.adopt(wallet.holder, tx.body).summary.actions
    assert [action.amount for action in bare[:-1]] == shown  # the usual rent is the one of this engine
    assert bool(tx.fee.details.get("rent")) is not exists


def test_all_tokens_and_several_recipients(wallet: Any, node: Any) -> None:
    mint = node.mint(0)
    source = node.give(mint, wallet.address, 10)
    asset = run(wallet.chain.asset(wallet.network, mint), node)
    a, b = fresh(), fresh()
    wallet.send(wallet.sign(wallet.build((a, 3, asset), (b, 2, asset), (a, 1, asset), (b, RENT))))
    assert node.tokens(token_account(a, mint)) == 4
    assert node.tokens(token_account(b, mint)) == 2
    wallet.send(wallet.sign(wallet.build((a, "max", asset))))
    assert node.tokens(source) == 0
    with pytest.raises(InsufficientFunds):
        wallet.build((a, "max", asset))


def test_balances(wallet: Any, node: Any) -> None:
    mint = node.mint(2)
    asset = run(wallet.chain.asset(wallet.network, mint), node)
    balance = lambda of: run(wallet.chain.balance(wallet.holder, of), node)  # noqa: E731
    assert balance(wallet.network.native).available.units == 10**10
    assert balance(asset).total.units == 0
    node.give(mint, wallet.address, 700)
    node.give(mint, wallet.address, 55, address=Keypair().pubkey())
    assert (balance(asset).available.units, balance(asset).locked.units) == (700, 55)


def test_what_cannot_be_paid_is_refused_before_signing(wallet: Any, node: Any) -> None:
    with pytest.raises(InsufficientFunds) as caught:
        wallet.build((fresh(), 10**10))
    assert caught.value.available.units == 10**10
    assert caught.value.needed.units > 10**10
    with pytest.raises(InsufficientFunds, match="would be left"):
        wallet.build((fresh(), 10**10 - 100_000))
    with pytest.raises(InputError, match="least that Solana"):
        wallet.build((fresh(), RENT - 1))
    with pytest.raises(AmountError):
        wallet.build((fresh(), 0))
    mint = node.mint(2)
    asset = run(wallet.chain.asset(wallet.network, mint), node)
    node.give(mint, wallet.address, 700)
    with pytest.raises(InsufficientFunds) as short:
        wallet.build((fresh(), 701, asset))
    assert (short.value.needed.units, short.value.available.units) == (701, 700)


def test_tokens_do_not_go_where_nobody_could_spend_them(wallet: Any, node: Any) -> None:
    mint = node.mint(2)
    node.give(mint, wallet.address, 700)
    asset = run(wallet.chain.asset(wallet.network, mint), node)
    vault = str(token_account(fresh(), mint))  # a program-derived address
    with pytest.raises(InputError, match="off the curve"):
        wallet.build((vault, 1, asset))
    tx = wallet.build((vault, 1, asset), allow_off_curve=True)
    wallet.send(wallet.sign(tx))
    other = Keypair().pubkey()
    node.give(mint, fresh(), 1, address=other)
    with pytest.raises(InputError, match="wallet that owns it"):
        wallet.build((str(other), 1, asset))
    with pytest.raises(InputError, match="is a program"):
        wallet.build(("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", RENT))
    stolen = fresh()
    node.give(mint, fresh(), 1, address=token_account(stolen, mint))  # its owner was changed since
    with pytest.raises(InputError, match="any more"):
        wallet.build((stolen, 1, asset))


def test_token_2022_extensions(wallet: Any, node: Any) -> None:
    epoch = bytes(8) + (10**6).to_bytes(8, "little") + (125).to_bytes(2, "little")
    config = (1).to_bytes(2, "little") + (108).to_bytes(2, "little") + bytes(72) + epoch + epoch
    mint = node.mint(2, TOKEN_2022, config)
    data = node.svm.get_account(node.give(mint, wallet.address, 1000, TOKEN_2022))
    assert len(data.data) == 170
    asset = run(wallet.chain.asset(wallet.network, mint), node)
    account = token_account(wallet.address, mint, str(TOKEN_2022))
    content = bytes(data.data) + b"\2\0\x08\0" + bytes(8)  # TransferFeeAmount, as accounts of such mints have it
    node.svm.set_account(account, Account(10**9, content, TOKEN_2022))
    tx = wallet.build((fresh(), 500, asset))
    assert "withholds 1.25 %" in tx.summary.warnings[0]
    assert tx.fee.details["rent"] == node.svm.minimum_balance_for_rent_exemption(165 + 5 + 12)
    before = node.svm.get_balance(wallet.keypair.pubkey())
    wallet.send(wallet.sign(tx))
    spent = before - node.svm.get_balance(wallet.keypair.pubkey())
    assert spent == tx.fee.expected.units + tx.fee.details["rent"]

    hook = node.mint(2, TOKEN_2022, (14).to_bytes(2, "little") + (64).to_bytes(2, "little") + b"\1" * 64)
    with pytest.raises(Unsupported, match="its issuer"):
        wallet.build((fresh(), 1, Asset(f"{wallet.network.id}/token:{hook}", "HOOK", 2)))
    bound = node.mint(2, TOKEN_2022, (9).to_bytes(2, "little") + bytes(2))
    with pytest.raises(Unsupported, match="cannot be transferred"):
        wallet.build((fresh(), 1, Asset(f"{wallet.network.id}/token:{bound}", "SBT", 2)))


def test_a_symbol_comes_from_metadata_and_never_passes_for_the_coin(wallet: Any, node: Any) -> None:
    def metadata(mint: str, symbol: str) -> bytes:
        name = b"A name"
        body = bytes(32) + bytes(Pubkey.from_string(mint)) + len(name).to_bytes(4, "little") + name
        return body + len(symbol.encode()).to_bytes(4, "little") + symbol.encode() + bytes(8)

    for symbol, shown in (("USDX", "USDX"), ("SOL", None), ("ЅОL", None), ("a\nb", None), ("x" * 40, None)):
        mint = node.mint(6, TOKEN_2022, b"")
        content = metadata(mint, symbol)
        entry = (19).to_bytes(2, "little") + len(content).to_bytes(2, "little") + content
        base = bytes(node.svm.get_account(Pubkey.from_string(mint)).data)
        node.svm.set_account(Pubkey.from_string(mint), Account(10**9, base + bytes(83) + b"\1" + entry, TOKEN_2022))
        asset = run(wallet.chain.asset(wallet.network, mint), node)
        assert asset.symbol == (shown or f"{mint[:4]}…{mint[-4:]}")


def test_a_simulation_that_fails_stops_the_build(wallet: Any, node: Any) -> None:
    mint = node.mint(2)
    account = node.give(mint, wallet.address, 700)
    asset = run(wallet.chain.asset(wallet.network, mint), node)
    frozen = bytearray(node.svm.get_account(account).data)
    frozen[108] = 2
    node.svm.set_account(
        account, Account(10**9, bytes(frozen), Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"))
    )
    with pytest.raises(ChainError, match="frozen"):
        wallet.build((fresh(), 1, asset))
    node.simulateTransaction = lambda wire, settings: {
        "value": {"err": {"InstructionError": [1, {"Custom": 17}]}, "logs": ["Program log: Error: Account is frozen"]}
    }
    with pytest.raises(Reverted, match="instruction 2 failed"):
        wallet.build((fresh(), RENT), compute_unit_price=None)


def test_the_caller_sets_fee_and_limit(wallet: Any, node: Any) -> None:
    tx = wallet.build((fresh(), RENT), compute_unit_limit=1000, compute_unit_price=2_000_001)
    assert tx.fee.expected.units == 5000 + 2001  # rounded up
    assert "simulateTransaction" not in [call.method for call in node.calls]
    node.fees = [10**15]
    greedy = wallet.build((fresh(), RENT), speed="fast")
    assert greedy.fee.expected.units <= 5000 + 5_000_000
    with pytest.raises(InputError, match="max_fee"):
        wallet.build((fresh(), RENT), max_fee=Amount(4999, wallet.network.native))
    node.fees = []
    cheap = wallet.build((fresh(), RENT), max_fee=Amount(5000, wallet.network.native))
    assert cheap.fee.maximum.units == 5000


def test_a_blockhash_of_the_caller(wallet: Any, node: Any) -> None:
    chosen = str(node.svm.latest_blockhash())
    tx = wallet.build((fresh(), RENT), blockhash=chosen)
    assert tx.summary.details["blockhash"] == chosen
    assert "getLatestBlockhash" not in [call.method for call in node.calls]
    assert wallet.sign(tx).expiry is None


def test_to_oneself(wallet: Any, node: Any) -> None:
    tx = wallet.build((wallet.address, 5))
    wallet.send(wallet.sign(tx))
    assert node.svm.get_balance(wallet.keypair.pubkey()) == 10**10 - tx.fee.expected.units


def test_sent_again_is_success_and_a_passed_height_is_expired(wallet: Any, node: Any) -> None:
    signed = wallet.sign(wallet.build((fresh(), RENT)))
    wallet.send(signed)
    assert wallet.send(signed).txid == signed.txid
    never = wallet.sign(wallet.build((fresh(), RENT + 1)))
    status = lambda: run(wallet.chain.status(wallet.network, never.txid, expiry=never.expiry), node)  # noqa: E731
    assert status().status is Status.UNKNOWN
    node.height = never.expiry + 1
    with pytest.raises(Expired):
        status()


def test_a_transaction_that_the_node_refuses(wallet: Any, node: Any) -> None:
    signed = wallet.sign(wallet.build((fresh(), 9 * 10**9)))
    wallet.send(wallet.sign(wallet.build((fresh(), 5 * 10**9))))
    with pytest.raises(InsufficientFunds, match="System program"):
        wallet.send(signed)
    other = wallet.sign(wallet.build((fresh(), RENT)))
    node.svm.expire_blockhash()
    with pytest.raises(ChainError, match="block hash"):
        wallet.send(other)
