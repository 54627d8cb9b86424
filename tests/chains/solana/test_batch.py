"""The hot path and templates give the very bytes of the careful way, and leave to it whatever is not plain."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.keypair import Keypair

from multiwallet.amounts import Amount, Asset
from multiwallet.chain import BatchPlan, Holder, Network
from multiwallet.chains.solana import Solana
from multiwallet.chains.solana import address as addresses
from multiwallet.chains.solana.batch import _is_plain
from multiwallet.chains.solana.message import compile_message, parse_message
from multiwallet.chains.solana.programs import memo, transfer
from multiwallet.chains.solana.template import RefusedRow, TemplateRow
from multiwallet.errors import AmountError, InputError, InvalidAddress, InvalidTransaction, SigningRefused, Unsupported
from multiwallet.transactions import SignedTransaction

BLOCKHASH = bytes(range(32))
PAYER = bytes(Keypair.from_seed(bytes(32)).pubkey())
NETWORK = Network("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "solana", "solana", "Solana", "SOL", 9, 501)
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"


def quick(wallet: Any, plan: BatchPlan, item: Any) -> SignedTransaction | None:
    prepared = plan.prepare(item)
    if prepared is None:
        return None
    state, message = prepared
    return plan.seal(state, bytes(wallet.keypair.sign_message(message)))


def careful(wallet: Any, item: Any) -> SignedTransaction:
    signed: SignedTransaction = wallet.sign(wallet.chain.adopt(wallet.holder, item))
    return signed


@pytest.mark.parametrize("version", [None, 0])
def test_messages_in_every_form(wallet: Any, version: int | None) -> None:
    plan = wallet.chain.batch(wallet.holder)
    me = wallet.holder.public_key
    for n in range(20):
        calls = [transfer(me, random.randbytes(32), n + 1)] * (n % 3 + 1)
        if n % 2:
            calls.append(memo("x" * n, me))
        body = compile_message(me, calls, BLOCKHASH, version=version).to_bytes()
        unsigned = b"\1" + bytes(64) + body
        for item in (body, unsigned, base64.b64encode(body).decode(), base64.b64encode(unsigned).decode()):
            signed = quick(wallet, plan, item)
            expected = careful(wallet, item)
            assert signed is not None
            assert (signed, signed.raw, signed.txid) == (expected, expected.raw, expected.txid)


def test_what_is_not_plain_is_left_to_the_careful_way(wallet: Any, node: Any, vectors: Any) -> None:
    plan = wallet.chain.batch(wallet.holder)
    me = wallet.holder.public_key
    body = compile_message(me, [transfer(me, bytes(31) + b"\5", 1)], BLOCKHASH).to_bytes()
    other = type(wallet)(wallet.network, node)
    items = [
        None,
        7,
        1.5,
        {},
        "",
        "x",
        b"",
        body[:-1],
        body + b"\0",
        bytearray(body),
        addresses.encode(body),
        body.hex(),
    ]
    items += [bytes.fromhex(entry["output"]["message"]) for entry in vectors if entry["kind"] == "tx"]
    items.append(compile_message(other.holder.public_key, [transfer(me, me, 1)], BLOCKHASH).to_bytes())
    items.append(b"\1" + bytes(wallet.keypair.sign_message(body)) + body)
    for item in items:
        assert plan.prepare(item) is None
    with pytest.raises(InvalidTransaction):
        plan.seal(plan.prepare(body)[0], bytes(63))


@given(st.data())
def test_the_quick_look_is_never_looser_than_the_strict_one(data: st.DataObject) -> None:
    """Mutated messages: what the quick look takes, the strict reader takes too, as the payer's own."""
    keys = data.draw(st.lists(st.sampled_from([bytes((n,)) * 32 for n in range(1, 9)]), min_size=1, max_size=6))
    calls = [transfer(PAYER, key, 5) for key in keys] + [memo("hi", PAYER)]
    version = data.draw(st.sampled_from([None, 0]))
    body = bytearray(compile_message(PAYER, calls, BLOCKHASH, version=version).to_bytes())
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del body[data.draw(st.integers(0, len(body))) :]
    if _is_plain(bytes(body), PAYER):
        message = parse_message(bytes(body))
        assert message.signers == (PAYER,)


@given(st.data())
def test_what_follows_a_message_of_the_same_shape_is_looked_at_as_strictly(data: st.DataObject) -> None:
    """A plan that has seen a sound message takes of a damaged copy only what the strict reader takes too."""
    holder = Holder(NETWORK, addresses.encode(PAYER), PAYER)
    plan = Solana().batch(holder)
    assert plan is not None
    version = data.draw(st.sampled_from([None, 0]))
    extra = data.draw(st.sampled_from([[], [memo("12345678", PAYER)]]))
    body = compile_message(PAYER, [transfer(PAYER, bytes((9,)) * 32, 5), *extra], BLOCKHASH, version=version).to_bytes()
    assert plan.prepare(body) == ((body, None), body)
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):  # an account twice
        changed[36 + (version is not None) : 68 + (version is not None)] = PAYER
    if plan.prepare(bytes(changed)) is not None:
        assert parse_message(bytes(changed)).signers == (PAYER,)


@given(st.binary(max_size=300))
def test_garbage_is_never_plain_without_being_sound(body: bytes) -> None:
    if _is_plain(body, body[4:36]):
        parse_message(body)


def rows(count: int) -> list[tuple[str, int]]:
    return [(str(Keypair().pubkey()), random.randrange(1, 2**64)) for _ in range(count)]


@pytest.mark.parametrize("version", ["legacy", 0])
@pytest.mark.parametrize("options", [{}, {"compute_unit_limit": 600, "compute_unit_price": 9, "memo": "pay żółć"}])
def test_a_template_of_sol(wallet: Any, version: Any, options: dict[str, Any]) -> None:
    fixed = {"blockhash": addresses.encode(BLOCKHASH), "version": version, "expiry": 77, **options}
    template = wallet.chain.template(wallet.holder, **fixed)
    plan = wallet.chain.batch(wallet.holder)
    special = [(wallet.address, 5), ("11111111111111111111111111111111", 5), (addresses.encode(b"\xff" * 32), 5)]
    wanted = rows(30) + special
    items = list(template.fill(wanted))
    for (to, units), item in zip(wanted, items, strict=True):
        signed, expected = quick(wallet, plan, item), careful(wallet, item)
        assert signed is not None
        assert (signed, signed.raw, signed.txid, signed.expiry) == (expected, expected.raw, expected.txid, 77)
        action = wallet.chain.adopt(wallet.holder, item).summary.actions[0]
        assert (action.kind, action.to, action.amount.units) == ("transfer", to, units)


@pytest.mark.parametrize("version", ["legacy", 0])
@pytest.mark.parametrize("program", [None, TOKEN_2022])
def test_a_template_of_tokens_is_what_build_makes(wallet: Any, node: Any, version: Any, program: str | None) -> None:
    from solders.pubkey import Pubkey

    owner_program = Pubkey.from_string(program or "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
    mint = node.mint(6, owner_program)
    node.give(mint, wallet.address, 10**9, owner_program)
    asset = Asset(f"{wallet.network.id}/token:{mint}", "TOK", 6)
    options = {"blockhash": str(node.svm.latest_blockhash()), "compute_unit_limit": 90_000, "compute_unit_price": 3}
    options |= {"version": version, "memo": "x"}
    template = wallet.chain.template(wallet.holder, asset=asset, token_program=program, **options)
    plan = wallet.chain.batch(wallet.holder)
    for _ in range(8):  # their accounts sort before and behind ours
        to = str(Keypair().pubkey())
        account = node.give(mint, to, 1, owner_program)
        built = wallet.build((to, 5, asset), **options)
        (item,) = template.fill([(to, Amount(5, asset))])
        signed = quick(wallet, plan, item)
        assert signed is not None
        assert signed.raw == wallet.sign(built).raw
        assert careful(wallet, item) == signed
        direct = wallet.chain.template(
            wallet.holder, asset=asset, token_program=program, token_accounts=True, **options
        )
        assert next(direct.fill([(str(account), "0.000005")])).to == item.to
    wallet.send(signed)
    assert node.tokens(account) == 6


def test_rows_that_are_wrong_stay_in_their_place(wallet: Any) -> None:
    template = wallet.chain.template(wallet.holder, blockhash=BLOCKHASH)
    good = str(Keypair().pubkey())
    wanted: list[tuple[Any, Any]] = [
        ((good, 1), None),
        (("x", 1), InvalidAddress),
        ((good, 0), AmountError),
        ((good, 2**64), AmountError),
        ((good, 1.5), AmountError),
        ((good, True), AmountError),
        ((good, "0.0000000001"), AmountError),
        ((good, Amount(1, Asset("eip155:1/slip44:60", "ETH", 18))), AmountError),
        ((good,), InvalidTransaction),
        (7, InvalidTransaction),
        ((None, 1), InvalidAddress),
        ((addresses.parse(good), "1.5"), None),
    ]
    items = list(template.fill(row for row, _ in wanted))
    plan = wallet.chain.batch(wallet.holder)
    for item, (_, error) in zip(items, wanted, strict=True):
        if error is None:
            assert isinstance(item, TemplateRow)
            continue
        assert isinstance(item, RefusedRow)
        assert plan.prepare(item) is None
        with pytest.raises(error):
            wallet.chain.adopt(wallet.holder, item)


@pytest.mark.parametrize("version", ["legacy", 0])
def test_like_rows_are_different_transactions_or_refused(wallet: Any, version: Any) -> None:
    """One and the same transaction is paid once, and every receipt of it says confirmed."""
    to, plan = str(Keypair().pubkey()), wallet.chain.batch(wallet.holder)
    fixed = {"blockhash": BLOCKHASH, "version": version}
    wanted: list[Any] = [
        (to, 5),
        ("nobody", 5),
        (to, 5),
        (to, 6),
        (addresses.parse(to), "0.000000005"),
        (wallet.address, 5),
    ]
    first, nobody, again, other, text, own = wallet.chain.template(wallet.holder, **fixed).fill(wanted)
    assert isinstance(nobody, RefusedRow)
    assert [isinstance(item, TemplateRow) for item in (first, other, own)] == [True] * 3
    for refused in (again, text):
        assert isinstance(refused.error, InvalidTransaction)
        assert "compute_unit_limit" in refused.error.message

    template = wallet.chain.template(wallet.holder, **fixed, compute_unit_limit=500)
    items = list(template.fill([(to, 5)] * 1001))
    signed = {quick(wallet, plan, item).raw for item in items[:-1]}  # type: ignore[union-attr]  # none is left to the careful way
    assert len(signed) == 1000
    assert isinstance(items[-1], RefusedRow)
    for number in (0, 1, 255, 256, 999):
        item = items[number]
        assert quick(wallet, plan, item) == careful(wallet, item)
        assert wallet.chain.adopt(wallet.holder, item).fee.details["compute_unit_limit"] == 500 + number
    assert list(template.fill([(to, 5)])) == items[:1]  # the same rows again are the same transactions
    assert list(template.fill([(to, 5)] * 2, start=7)) == items[7:9]
    for start in (-1, True, None):
        with pytest.raises(InputError):
            template.fill([], start=start)


def test_the_rows_of_late_are_remembered_and_no_more(wallet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from multiwallet.chains.solana import template as templates

    monkeypatch.setattr(templates, "_REMEMBERED", 10)
    to = Keypair().pubkey()
    rows = [(bytes(to), units) for units in [*range(1, 16), 5, 1, *range(16, 40), 1]]
    items = list(wallet.chain.template(wallet.holder, blockhash=BLOCKHASH).fill(rows))
    assert [number for number, item in enumerate(items) if isinstance(item, RefusedRow)] == [15, 16]


@pytest.mark.parametrize("version", ["legacy", 0])
def test_a_template_like_a_transaction(wallet: Any, node: Any, version: Any) -> None:
    from solders.pubkey import Pubkey

    mint = node.mint(6, Pubkey.from_string(TOKEN_2022))
    node.give(mint, wallet.address, 10**9, Pubkey.from_string(TOKEN_2022))
    asset = Asset(f"{wallet.network.id}/token:{mint}", "TOK", 6)
    to, friend = str(Keypair().pubkey()), str(Keypair().pubkey())
    for of in ((), (asset,)):  # the token's account is created by the first, which a template does not copy
        like = wallet.build((to, 2_000_000, *of), version=version, memo="m", compute_unit_price=7)
        template = wallet.chain.template(wallet.holder, like=like)
        assert (template.asset, template.expiry) == (of[0] if of else wallet.network.native, like.context["expiry"])
        (row,) = template.fill([(friend, 2_000_000)])
        limit = like.fee.details["compute_unit_limit"] + 1
        if of:
            node.give(mint, friend, 1, Pubkey.from_string(TOKEN_2022))
        options = {"version": version, "memo": "m", "compute_unit_price": 7, "compute_unit_limit": limit}
        built = wallet.build((friend, 2_000_000, *of), blockhash=addresses.encode(template.blockhash), **options)
        assert wallet.chain.adopt(wallet.holder, row).body == built.body
        (row,) = template.fill([(to, 2_000_000)])
        assert wallet.chain.adopt(wallet.holder, row).body != like.body  # which may be sent itself
        with pytest.raises(InputError, match="leave asset out"):
            wallet.chain.template(wallet.holder, like=like, asset=asset)
        with pytest.raises(SigningRefused):
            wallet.chain.template(type(wallet)(wallet.network, node).holder, like=like)
    me, other = wallet.holder.public_key, b"\7" * 32
    for calls in (
        [memo("x", me)],
        [transfer(me, other, 1), transfer(other, me, 1)],
        [memo("x"), transfer(me, other, 1)],
    ):
        like = wallet.chain.adopt(wallet.holder, compile_message(me, calls, BLOCKHASH).to_bytes())
        if calls[0] != memo("x"):
            with pytest.raises(Unsupported):
                wallet.chain.template(wallet.holder, like=like)
        else:
            assert wallet.chain.template(wallet.holder, like=like).blockhash == BLOCKHASH


def test_a_template_serves_its_owner(wallet: Any, node: Any) -> None:
    other = type(wallet)(wallet.network, node)
    (item,) = wallet.chain.template(wallet.holder, blockhash=BLOCKHASH).fill([(other.address, 5)])
    for refuse in (wallet.chain.batch(other.holder).prepare, lambda row: wallet.chain.adopt(other.holder, row)):
        with pytest.raises(SigningRefused, match="another account"):
            refuse(item)
    for forged in (item._replace(to=b"x"), item._replace(units=2**64), item._replace(units=0)):
        for refuse in (wallet.chain.batch(wallet.holder).prepare, lambda row: wallet.chain.adopt(wallet.holder, row)):
            with pytest.raises(InvalidTransaction):
                refuse(forged)


@pytest.mark.parametrize(
    "fixed",
    [
        {},
        {"blockhash": "x"},
        {"blockhash": BLOCKHASH, "version": 1},
        {"blockhash": BLOCKHASH, "nonce": 1},
        {"blockhash": BLOCKHASH, "memo": "x" * 1200},
        {"blockhash": BLOCKHASH, "asset": "x"},
        {"blockhash": BLOCKHASH, "asset": Asset("eip155:1/slip44:60", "ETH", 18)},
        {"blockhash": BLOCKHASH, "token_program": "11111111111111111111111111111111"},
        {"blockhash": BLOCKHASH, "compute_unit_limit": -1},
        {"blockhash": BLOCKHASH, "expiry": "soon"},
        {"blockhash": BLOCKHASH, "compute_unit_limit": 0},
        {"blockhash": BLOCKHASH, "compute_unit_limit": 1_399_002},
        {"blockhash": BLOCKHASH, "asset": Asset(NETWORK.native.id, "SOL", 6)},
        {"blockhash": BLOCKHASH, "asset": "So11111111111111111111111111111111111111112"},
        {"like": b""},
    ],
    ids=lambda fixed: "-".join(map(str, fixed))[:40] + str(len(str(fixed))),
)
def test_templates_that_cannot_be(wallet: Any, fixed: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Solana().template(wallet.holder, **fixed)
