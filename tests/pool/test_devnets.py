"""Wallets over pools of real engines: several views of one network, networks that differ, answers that are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from multiwallet import AsyncEndpointPool, AsyncWallet, EndpointPool, Wallet
from multiwallet.devnet import Devnet
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    InsufficientFunds,
    Rejected,
    Timeout,
    TransportError,
    Unreachable,
)
from multiwallet.exchange import RetryPolicy
from multiwallet.ops import Rest, Rpc
from multiwallet.transactions import Status

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
FAMILIES = ["ethereum", "bitcoin", "tron", "solana"]
QUICK = RetryPolicy(pause=0.001, longest_pause=0.002)
TO = {
    "ethereum": "0x000000000000000000000000000000000000dEaD",
    "bitcoin": "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
    "tron": "TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy",
    "solana": "4fYNw3dojWmQ4dXtSGE9epjRGy9pFSx62YypT7avPYvA",
}


@pytest.fixture
def devnet() -> Iterator[Callable[[], Devnet]]:
    made: list[Devnet] = []

    def make() -> Devnet:
        made.append(Devnet())
        return made[-1]

    yield make
    for each in made:
        each.close()


class View:
    """One node of a network that several nodes serve. ``lost`` counts the broadcasts whose answers it loses."""

    def __init__(self, devnet: Any, lost: int = 0) -> None:
        self.devnet = devnet
        self.lost = lost
        self.sent = 0

    def perform(self, effects: Any) -> list[Any]:
        outcomes = self.devnet.perform(effects)
        for place, effect in enumerate(effects):
            if isinstance(effect, Rpc | Rest) and effect.broadcast:
                self.sent += 1
                if self.lost:
                    self.lost -= 1
                    outcomes[place] = Timeout("the answer was lost")
        return outcomes


def wallet_over(name: str, *endpoints: Any, **settings: Any) -> Wallet:
    pool = EndpointPool({name: list(endpoints)}, policy=QUICK, **settings)
    return Wallet.from_mnemonic(WORDS, transport=pool)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_main_job_over_two_nodes_that_must_agree(devnet, name):
    chain = devnet()
    views = [View(chain), View(chain)]
    with wallet_over(name, *views, quorum=2, broadcast_to="all", hedge_after=5.0) as wallet:
        account = wallet.account(name)
        chain.fund(account, "3")
        before = account.balance().available
        receipt = account.send(to=TO[name], amount="1")
        assert account.wait(receipt.txid).status is Status.CONFIRMED
        after = account.balance().available
        assert before.units == 3 * 10**before.asset.decimals
        assert 0 < after.units < before.units - 10**before.asset.decimals + 1
        pool = wallet._transport
        assert [row.breaker for row in pool.health()] == ["closed", "closed"]
        assert all(row.height for row in pool.health())
        pool.close()


@pytest.mark.parametrize("name", FAMILIES)
def test_the_main_job_in_an_event_loop(devnet, name):
    chain = devnet()

    async def main() -> None:
        pool = AsyncEndpointPool({name: [View(chain), View(chain)]}, quorum=2, broadcast_to="all", policy=QUICK)
        async with pool, AsyncWallet.from_mnemonic(WORDS, transport=pool) as wallet:
            account = wallet.account(name)
            await asyncio.to_thread(chain.fund, account, "3")
            receipt = await account.send(to=TO[name], amount="1")
            assert (await account.wait(receipt.txid)).status is Status.CONFIRMED

    asyncio.run(main())


@pytest.mark.parametrize("name", FAMILIES)
def test_a_lost_answer_and_a_node_that_has_it_already_is_success(devnet, name):
    chain = devnet()
    views = [View(chain, lost=1), View(chain)]
    with wallet_over(name, *views) as wallet:
        account = wallet.account(name)
        chain.fund(account, "3")
        receipt = account.send(to=TO[name], amount="1")
        assert account.wait(receipt.txid).status is Status.CONFIRMED
        assert [view.sent for view in views] == [1, 1]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_lost_answer_of_the_only_node_is_settled_by_the_same_bytes(devnet, name):
    chain = devnet()
    view = View(chain, lost=2)
    with wallet_over(name, view) as wallet:
        account = wallet.account(name)
        chain.fund(account, "3")
        receipt = account.send(to=TO[name], amount="1")
        assert account.wait(receipt.txid).status is Status.CONFIRMED
        assert view.sent == 3


@pytest.mark.parametrize("to", [1, "all"], ids=str)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_lost_answer_and_a_refusal_elsewhere_is_uncertain(devnet, name, to):
    """The second node is of a network where the account has nothing, so that it refuses; TRON's does so with status 200."""
    chain, other = devnet(), devnet()
    with wallet_over(name, View(chain)) as honest:
        account = honest.account(name)
        chain.fund(account, "3")
        signed = account.sign(account.build(to=TO[name], amount="1"))
    alone = wallet_over(name, View(other))
    with alone, pytest.raises((Rejected, InsufficientFunds)):
        alone.account(name).broadcast(signed)
    for first in (True, False):
        lossy, refusing = View(chain, lost=1), View(other)
        views = [lossy, refusing] if first else [refusing, lossy]
        with wallet_over(name, *views, broadcast_to=to, lag=None) as wallet:
            sending = wallet.account(name)
            if not first and to == 1:
                with pytest.raises((Rejected, InsufficientFunds)):  # the second one was never asked
                    sending.broadcast(signed)
                assert lossy.sent == 0
                continue
            try:
                told = sending.broadcast(signed).txid
                # The adapter asked about the id before it believed the refusal, and the first node has it.
                assert first
                assert name in ("bitcoin", "solana")
            except BroadcastUncertain as uncertain:
                told = uncertain.txid
            assert told == signed.txid
            assert (lossy.sent, refusing.sent) == (1, 1)
    with wallet_over(name, View(chain)) as honest:
        assert honest.account(name).wait(signed.txid).status is Status.CONFIRMED


@pytest.mark.parametrize("name", FAMILIES)
def test_a_refusal_by_all_is_a_refusal(devnet, name):
    chain, one, two = devnet(), devnet(), devnet()
    with wallet_over(name, View(chain)) as honest:
        account = honest.account(name)
        chain.fund(account, "3")
        signed = account.sign(account.build(to=TO[name], amount="1"))
    wallet = wallet_over(name, View(one), View(two), broadcast_to="all")
    with wallet, pytest.raises((Rejected, InsufficientFunds)):
        wallet.account(name).broadcast(signed)


def test_one_acceptance_among_refusals_is_success(devnet):
    chain, other = devnet(), devnet()
    with wallet_over("ethereum", other, chain, broadcast_to="all") as wallet:
        account = wallet.account("ethereum")
        chain.fund(account, "3")
        other.fund(account, "0.00001")
        with wallet_over("ethereum", chain) as honest:
            builder = honest.account("ethereum")
            signed = builder.sign(builder.build(to=TO["ethereum"], amount="1"))
        assert account.broadcast(signed).txid == signed.txid


@pytest.mark.parametrize("name", FAMILIES)
def test_a_node_with_another_history_is_found_out(devnet, name):
    true, false = devnet(), devnet()
    with wallet_over(name, View(true), View(false), quorum=2, lag=None) as wallet:
        account = wallet.account(name, index=0)
        true.fund(account, "3")
        false.fund(account, "4")
        with pytest.raises(BadResponse, match="different answers"):
            account.balance()
    with wallet_over(name, View(false), View(true), View(true), quorum=2, lag=None) as wallet:
        assert str(wallet.account(name, index=0).balance().available).startswith("3 ")


def test_a_node_that_lies_about_a_nonce_stops_the_transaction(devnet):
    true, false = devnet(), devnet()
    with wallet_over("ethereum", true, false, quorum=2, lag=None) as wallet:
        account = wallet.account("ethereum")
        true.fund(account, "3")
        false.fund(account, "3")
        with wallet_over("ethereum", false) as other:
            spent = other.account("ethereum").send(to=TO["ethereum"], amount="0.1")
            other.account("ethereum").wait(spent.txid)
        with pytest.raises(BadResponse, match="different answers"):
            account.build(to=TO["ethereum"], amount="1")


@pytest.mark.parametrize(
    ("name", "real", "foreign"),
    [("ethereum", "eip155:1", "eip155:137"), ("tron", "tron:0x2b6653dc", "tron:0xcd8690dc")],
    ids=["ethereum", "tron"],
)
def test_an_engine_of_another_chain_never_serves(devnet, renamed, name, real, foreign):
    chain, other = devnet(), devnet()
    endpoints = [renamed(other, foreign), View(chain)]
    with wallet_over(name, *endpoints, broadcast_to="all") as wallet:
        account = wallet.account(name)
        chain.fund(account, "3")
        receipt = account.send(to=TO[name], amount="1")
        assert account.wait(receipt.txid).status is Status.CONFIRMED
        assert [row.put_out for row in wallet._transport.health()] == [True, False]
    alone = wallet_over(name, renamed(other, foreign))
    with alone, pytest.raises(TransportError, match="serves|another chain"):
        alone.account(name).balance()


def test_faults_of_one_node_do_not_reach_the_wallet(devnet):
    chain = devnet()
    troubled = devnet()
    with wallet_over("ethereum", troubled, chain, lag=None) as wallet:
        account = wallet.account("ethereum")
        chain.fund(account, "3")
        troubled.fund(account, "3")
        troubled.fail("ethereum", Timeout("told to"), 1)
        assert str(account.balance().available) == "3 ETH"
        troubled.rate_limit("ethereum", 1, retry_after=60)
        assert str(account.balance().available) == "3 ETH"
        assert wallet._transport.health()[0].hold > 0
        troubled.fail("ethereum", Unreachable("told to"), 1000)
        chain.fund(account, "1")
        assert str(account.balance().available) == "4 ETH"


def test_a_reorganisation_on_one_node_shows_as_a_disagreement(devnet):
    one, two = devnet(), devnet()
    with wallet_over("ethereum", one, two, quorum=2) as wallet:
        account = wallet.account("ethereum")
        for chain in (one, two):
            chain.fund(account, "3")
        assert str(account.balance().available) == "3 ETH"
        two.reorg("ethereum", 1)
        with pytest.raises(BadResponse):
            account.balance()


def test_a_dropped_transaction_is_sent_again_as_it_is(devnet):
    one = Devnet(automine=False)
    with one, wallet_over("ethereum", one, broadcast_to="all") as wallet:
        account = wallet.account("ethereum")
        one.fund(account, "3")
        signed = account.sign(account.build(to=TO["ethereum"], amount="1"))
        account.broadcast(signed)
        assert one.drop("ethereum", signed.txid)
        assert account.broadcast(signed).txid == signed.txid
        one.mine("ethereum")
        assert account.wait(signed.txid).status is Status.CONFIRMED


def test_one_pool_for_many_networks(devnet):
    chain = devnet()
    pool = EndpointPool({name: [View(chain), View(chain)] for name in FAMILIES}, quorum=2, policy=QUICK)
    with pool, Wallet.from_mnemonic(WORDS, transport=pool) as wallet:
        for name in FAMILIES:
            chain.fund(wallet.account(name), "2")
        balances = wallet.portfolio(FAMILIES)
        assert [str(balances[name].available).split()[0] for name in FAMILIES] == ["2", "2", "2", "2"]


def test_an_asynchronous_pool_is_refused_by_a_blocking_wallet(devnet):
    from multiwallet.errors import InputError

    pool = AsyncEndpointPool({"ethereum": [devnet()]})
    with Wallet.from_mnemonic(WORDS, transport=pool) as wallet, pytest.raises(InputError, match="AsyncWallet"):
        wallet.account("ethereum").balance()


def test_every_family_over_http(devnet):
    """Two servers in front of one set of engines: HTTP, batches, Esplora and Bitcoin Core's RPC under one pool."""
    from multiwallet.devnet.server import serve

    chain = devnet()
    with serve(chain) as one, serve(chain) as two:
        urls = {name: [one.endpoints[name], two.endpoints[name]] for name in FAMILIES}
        with EndpointPool(urls, quorum=2, broadcast_to="all", policy=QUICK) as pool:
            _pay_everywhere(chain, Wallet.from_mnemonic(WORDS, transport=pool))
        core = [one.core_endpoints["bitcoin"], two.core_endpoints["bitcoin"]]
        with (
            EndpointPool({"bitcoin": core}, policy=QUICK) as pool,
            Wallet.from_mnemonic(WORDS, transport=pool, endpoints={"bitcoin": core}) as wallet,
        ):
            account = wallet.account("bitcoin")
            assert account.balance().available.units > 0
            assert [row.height for row in pool.health()] == [row.height for row in pool.health()[:1]] * 2


def _pay_everywhere(chain: Devnet, wallet: Wallet) -> None:
    with wallet:
        for name in FAMILIES:
            account = wallet.account(name)
            chain.fund(account, "3")
            receipt = account.send(to=TO[name], amount="1")
            assert account.wait(receipt.txid).status is Status.CONFIRMED
