"""What an outbox asks: numbers, and whether a transaction is dead for certain."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet.chain import Claims, Nonces, Options, Replay
from multiwallet.chains.aptos import Aptos
from multiwallet.errors import MultiwalletError, Rejected, Timeout, Unsupported
from multiwallet.ops import run
from multiwallet.testing import FakeTransport

MISSING = Rejected("no", node_code=404, data={"error_code": "transaction_not_found"})


def test_numbers(world: Any, chain: Aptos) -> None:
    holder = world.account._operations.holder
    assert chain.replay is Replay.NONCE
    assert world.run(chain.nonces(holder)) == Nonces(0, 0)
    signed = world.account.sign(world.account.build(to=world.friend.address, amount="1", nonce=0))
    assert chain.claims(signed) == Claims(nonce=0)
    world.account.broadcast(signed)
    assert world.run(chain.nonces(holder)) == Nonces(1, 1)
    orderless = world.account.build(to=world.friend.address, amount="1", orderless=True)
    assert chain.claims(world.account.sign(orderless)) == Claims()
    with pytest.raises(Unsupported):
        world.run(chain.replace(holder, orderless, Options()))


def test_what_expired_or_lost_its_number_is_dead(world: Any, chain: Aptos) -> None:
    holder = world.account._operations.holder

    def dead(signed: Any) -> bool:
        return bool(world.run(chain.is_dead(holder, signed, depth=1)))

    rivals = [world.account.sign(world.account.build(to=world.friend.address, amount=text)) for text in ("1", "2")]
    later = world.account.sign(world.account.build(to=world.friend.address, amount="3", nonce=1, expiration=60))
    orderless = world.account.sign(world.account.build(to=world.friend.address, amount="1", orderless=True))
    assert not any(map(dead, (*rivals, later, orderless)))
    world.account.broadcast(rivals[0])
    assert [dead(signed) for signed in (*rivals, later, orderless)] == [False, True, False, False]
    world.engine.advance(130)
    assert [dead(signed) for signed in (*rivals, later, orderless)] == [False, True, True, True]


def test_doubt_is_no_death(world: Any, chain: Aptos) -> None:
    holder = world.account._operations.holder
    signed = world.account.sign(world.account.build(to=world.friend.address, amount="1"))
    past = {
        "chain_id": 1,
        "ledger_timestamp": str((signed.expiry + 61) * 1_000_000),
        "ledger_version": "1",
        "block_height": "1",
    }
    account, known = f"accounts/{holder.address}", f"transactions/by_hash/{signed.txid}"
    zero = {"sequence_number": "0"}

    def ask(found: Any, head: Any = past) -> Any:
        fake = FakeTransport({"": head, account: zero, known: found})
        return run(chain.is_dead(holder, signed, depth=1), fake.perform)

    assert ask(MISSING) is True
    assert ask({"hash": signed.txid}) is False
    just = {**past, "ledger_timestamp": str((signed.expiry + 60) * 1_000_000)}
    assert ask(MISSING, just) is False
    for error in (Timeout("t"), Rejected("no", node_code=404)):
        with pytest.raises(MultiwalletError):
            ask(error)
    fake = FakeTransport({account: zero, known: MISSING})
    fake.script("", [past, just])  # the second answer comes from a node that lags
    assert run(chain.is_dead(holder, signed, depth=1), fake.perform) is False
