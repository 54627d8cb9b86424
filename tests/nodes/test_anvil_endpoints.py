"""What travels between a wallet and its endpoints, counted by a proxy that stands before a real node."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

import pytest

from multiwallet import AsyncWallet, Wallet, add_network
from multiwallet.errors import BroadcastUncertain, Unreachable
from multiwallet.transactions import Balance, Status

WORDS = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
ETHER = 10**18
ROWS = {"anvil-one": 424301, "anvil-two": 424302}


class Proxy:
    """Hands each request on to a node and keeps it. ``lose`` names a method whose answer is cut off once."""

    def __init__(self, target):
        self.requests = []
        self.lose = ""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                content = self.rfile.read(int(self.headers["content-length"]))
                proxy.requests.append(json.loads(content))
                request = Request(target, content, {"content-type": "application/json"})
                with urlopen(request, timeout=30) as reply:
                    answer = reply.read()
                if proxy.lose and proxy.lose.encode() in content:
                    proxy.lose = ""
                    self.close_connection = True  # the node has it, and nobody learns of it
                    return
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()

    def taken(self):
        """The methods of each request since the last call."""
        found = [[call["method"] for call in (r if isinstance(r, list) else [r])] for r in self.requests]
        self.requests.clear()
        return found


@pytest.fixture
def proxies(start_anvil):
    opened = []
    try:
        for name, chain_id in ROWS.items():
            add_network(name, id=f"eip155:{chain_id}", symbol="ETH", override=True)
            node = start_anvil("--chain-id", str(chain_id))
            opened.append((node, Proxy(node.url)))
        yield opened
    finally:
        for _, proxy in opened:
            proxy.stop()


@pytest.fixture
def endpoints(proxies):
    return {name: proxy.url for name, (_, proxy) in zip(ROWS, proxies, strict=True)}


def test_a_portfolio_is_one_request_an_endpoint(proxies, endpoints):
    with Wallet.from_mnemonic(WORDS, endpoints={**endpoints, "gnosis": "http://127.0.0.1:9"}) as wallet:
        for coins, (node, _) in zip((3, 4), proxies, strict=True):
            node.fund(wallet.account("ethereum").address, coins * ETHER)
        for _ in range(2):
            found = wallet.portfolio([*ROWS, "gnosis"])
            assert [found[name].available.text for name in ROWS] == ["3", "4"]
            assert isinstance(found["gnosis"], Unreachable)
            for _, proxy in proxies:
                (calls,) = proxy.taken()
                assert sorted(set(calls) - {"eth_chainId"}) == ["eth_getBalance"]


def test_rows_that_share_an_endpoint_stay_apart(proxies, endpoints):
    """One URL cannot be two chains: the row that it does not serve says so, the other is served."""
    shared = dict.fromkeys(ROWS, endpoints["anvil-one"])
    with Wallet.from_mnemonic(WORDS, endpoints=shared) as wallet:
        found = wallet.portfolio(list(ROWS))
        assert isinstance(found["anvil-one"], Balance)
        assert "eip155:424301" in str(found["anvil-two"])


def test_the_same_without_blocking(proxies, endpoints):
    async def main():
        async with AsyncWallet.from_mnemonic(WORDS, endpoints=endpoints) as wallet:
            return await wallet.portfolio(ROWS)

    found = asyncio.run(main())
    assert all(isinstance(balance, Balance) for balance in found.values())
    assert [len(proxy.taken()) for _, proxy in proxies] == [1, 1]


def test_building_takes_one_request_and_sending_one_more(proxies, endpoints):
    node, proxy = proxies[0]
    with Wallet.from_mnemonic(WORDS, endpoints=endpoints) as wallet:
        account = wallet.account("anvil-one")
        node.fund(account.address, ETHER)
        transaction = account.build(to="0x" + "11" * 20, amount="0.1")
        assert len(proxy.taken()) == 1
        account.broadcast(account.sign(transaction))
        assert proxy.taken() == [["eth_sendRawTransaction"]]


def test_what_a_second_endpoint_refuses_may_be_at_the_first(start_anvil):
    """The first node takes the payment and its answer is cut off; the second, which is behind, refuses it."""
    add_network("anvil-one", id="eip155:424301", symbol="ETH", override=True)
    first, second = (start_anvil("--chain-id", "424301") for _ in range(2))
    proxy = Proxy(first.url)
    try:
        with Wallet.from_mnemonic(WORDS, endpoints={"anvil-one": [proxy.url, second.url]}) as wallet:
            account = wallet.account("anvil-one")
            first.fund(account.address, ETHER)
            signed = account.sign(account.build(to="0x" + "33" * 20, amount="0.1"))
            proxy.lose = "eth_sendRawTransaction"
            with pytest.raises(BroadcastUncertain) as caught:
                account.broadcast(signed)
            assert caught.value.txid == signed.txid
            assert account.wait(signed.txid).status is Status.CONFIRMED
    finally:
        proxy.stop()


def test_an_answer_that_is_lost_pays_once(proxies, endpoints):
    """The node takes the payment and the answer is cut off: the same bytes go again, and are known already."""
    node, proxy = proxies[0]
    to = "0x" + "22" * 20
    with Wallet.from_mnemonic(WORDS, endpoints=endpoints) as wallet:
        account = wallet.account("anvil-one")
        node.fund(account.address, ETHER)
        account.balance()
        for mining in (False, True):  # waiting in the pool, and in a block already
            node.rpc("evm_setAutomine", mining)
            signed = account.sign(account.build(to=to, amount="0.1"))
            proxy.taken()
            proxy.lose = "eth_sendRawTransaction"
            receipt = account.broadcast(signed)
            assert receipt.txid == signed.txid
            sent = [r["params"] for r in proxy.requests if isinstance(r, dict) and "sendRaw" in r["method"]]
            assert len(sent) >= 2
            assert all(params == sent[0] for params in sent)
            node.mine(1)
            assert account.wait(signed.txid).status is Status.CONFIRMED
    assert int(node.rpc("eth_getBalance", to, "latest"), 16) == 2 * ETHER // 10
