"""What an outbox asks: numbers, and whether a transaction is dead for certain."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Amount
from multiwallet.chain import Claims, Nonces, Options, Payment, Replay
from multiwallet.chains.aptos import Aptos
from multiwallet.errors import (
    AmountError,
    BroadcastUncertain,
    MultiwalletError,
    RateLimited,
    Rejected,
    Timeout,
    Unsupported,
)
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


def test_a_used_number_is_death_only_with_the_one_that_used_it(world: Any, chain: Aptos) -> None:
    # A node forgets old transactions: what it does not know by its hash may have been included all the same.
    holder = world.account._operations.holder
    signed = world.account.sign(world.account.build(to=world.friend.address, amount="1"))
    head = {"chain_id": 1, "ledger_version": "1", "block_height": "1"}
    times = [str((signed.expiry + seconds) * 1_000_000) for seconds in (0, 61)]
    account, known = f"accounts/{holder.address}", f"transactions/by_hash/{signed.txid}"

    def ask(listed: Any, time: str) -> bool:
        fake = FakeTransport({
            "": {**head, "ledger_timestamp": time}, account: {"sequence_number": "1"}, known: MISSING,
            f"{account}/transactions": listed,
        })  # fmt: skip
        dead = run(chain.is_dead(holder, signed, depth=1), fake.perform)
        assert fake.asked[-1].query == {"start": "0", "limit": "1"}
        return bool(dead)

    rival = {"sequence_number": "0", "hash": "0x" + "ab" * 32}
    for time in times:
        assert ask([rival], time)
        for doubt in (
            [], [{**rival, "hash": signed.txid}], [{**rival, "sequence_number": "1"}], [{"sequence_number": "0"}],
            Rejected("pruned", node_code=410), Timeout("late"),
        ):  # fmt: skip
            assert not ask(doubt, time)
        for broken in (None, {}, [7], "x"):
            with pytest.raises(MultiwalletError):
                ask(broken, time)


def test_nothing_to_oneself_takes_up_a_number(world: Any, chain: Aptos) -> None:
    # As an outbox fills a gap in an account's numbers.
    holder = world.account._operations.holder

    def build(to: str, units: int, **native: Any) -> Any:
        paid = Payment(to, Amount(units, holder.network.native))
        return world.run(chain.build(holder, (paid,), Options(native=native)))

    world.account.broadcast(world.account.sign(build(holder.address, 0, nonce=0)))
    assert world.run(chain.nonces(holder)) == Nonces(1, 1)
    for to, native in ((holder.address, {}), (world.friend.address, {"nonce": 1})):
        with pytest.raises(AmountError):
            build(to, 0, **native)


def test_a_rate_limit_after_a_silent_endpoint_is_uncertain(world: Any, chain: Aptos) -> None:
    signed = world.account.sign(world.account.build(to=world.friend.address, amount="1"))
    limited = RateLimited("slow down")
    limited.__cause__ = Timeout("an endpoint before it was silent")
    with pytest.raises(BroadcastUncertain):
        run(chain.broadcast(world.account.network, signed), FakeTransport({"transactions": limited}).perform)
