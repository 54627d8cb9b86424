"""Web3, solana's AsyncClient and tronpy as transports of a wallet: on a real chain and on scripted servers."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from multiwallet import AsyncWallet, Wallet
from multiwallet.errors import (
    BadResponse,
    InputError,
    MultiwalletError,
    RateLimited,
    Rejected,
    Timeout,
    TransportError,
    UnknownNetwork,
    Unreachable,
)
from multiwallet.interop.transports import AsyncClientTransport, ClientTransport, adapt
from multiwallet.ops import Rest, Rpc, Sleep
from multiwallet.testing import FakeTransport
from multiwallet.transactions import Status
from multiwallet.transport import AsyncHttpTransport

web3 = pytest.importorskip("web3", reason="web3.py is not installed")
tronpy = pytest.importorskip("tronpy", reason="tronpy is not installed")
solana_api = pytest.importorskip("solana.rpc.async_api", reason="solana is not installed")

SECRET = "s3cr3t-k3y-0123456789"
MAIN, TRON, SOLANA = "eip155:1", "tron:0x2b6653dc", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
BLOCK = Rpc(MAIN, "eth_blockNumber")
HEALTH = Rpc(SOLANA, "getHealth")
ACCOUNT = Rest(TRON, "POST", "wallet/getaccount", json={"address": "41" + "00" * 20})

Serve = Callable[[Callable[[str, Any], Any]], Any]
Calls = Callable[[dict[str, Any]], Callable[[str, Any], Any]]


def nowhere(network: str) -> tuple[str, ...]:
    return ()


def refused_url() -> str:
    """The URL of a port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


class Kind:
    """One kind of client: how it is made for a URL, an effect that it carries, and how it is asked."""

    def __init__(self, name: str, effect: Any, make: Callable[[str], Any], *, asynchronous: bool) -> None:
        self.name, self.effect, self.make, self.asynchronous = name, effect, make, asynchronous

    def perform(self, url: str, effects: list[Any]) -> list[Any]:
        network = effects[0].network
        if not self.asynchronous:
            transport = adapt({network: self.make(url)}, nowhere)
            try:
                return transport.perform(effects)
            finally:
                transport.close()

        async def main() -> list[Any]:
            client = self.make(url)
            transport = adapt({network: client}, nowhere, asynchronous=True)
            try:
                return await transport.perform(effects)
            finally:
                await transport.close()
                await close_client(client)

        return asyncio.run(main())


async def close_client(client: Any) -> None:
    provider = getattr(client, "provider", None)
    if hasattr(client, "close") and not hasattr(client, "provider"):
        await client.close()
    elif hasattr(provider, "disconnect"):
        await provider.disconnect()
    elif hasattr(provider, "client"):
        await provider.client.aclose()


def make_web3(url: str) -> Any:
    return web3.Web3(web3.HTTPProvider(url, request_kwargs={"timeout": 0.5}, exception_retry_configuration=None))


def make_async_web3(url: str) -> Any:
    import aiohttp

    return web3.AsyncWeb3(
        web3.AsyncHTTPProvider(
            url, request_kwargs={"timeout": aiohttp.ClientTimeout(0.5)}, exception_retry_configuration=None
        )
    )


def make_tron(url: str) -> Any:
    return tronpy.Tron(tronpy.providers.HTTPProvider(url, timeout=0.5))


def make_async_tron(url: str) -> Any:
    return tronpy.AsyncTron(tronpy.providers.AsyncHTTPProvider(url, timeout=0.5))


def make_solana(url: str) -> Any:
    return solana_api.AsyncClient(url, timeout=0.5, max_transport_retries=0)


KINDS = [
    Kind("Web3", BLOCK, make_web3, asynchronous=False),
    Kind("AsyncWeb3", BLOCK, make_async_web3, asynchronous=True),
    Kind("Tron", ACCOUNT, make_tron, asynchronous=False),
    Kind("AsyncTron", ACCOUNT, make_async_tron, asynchronous=True),
    Kind("AsyncClient", HEALTH, make_solana, asynchronous=True),
]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
json_rpc = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if isinstance(kind.effect, Rpc)], ids=lambda kind: kind.name
)


# -- a wallet on a real chain ----------------------------------------------------------------------------


def test_a_wallet_works_through_a_web3(w3: Any, tester_network: str, words: str) -> None:
    target = w3.eth.accounts[4]
    with Wallet.from_mnemonic(words, transport=w3) as wallet:
        account = wallet.account(tester_network)
        w3.eth.send_transaction({"from": w3.eth.accounts[0], "to": account.address, "value": 3 * 10**18})
        assert str(account.balance().total) == "3 ETH"
        receipt = account.send(to=target, amount="1.25")
        done = receipt.wait(timeout=30)
        assert done.status is Status.CONFIRMED
        assert w3.eth.get_balance(target) == 10**24 + 125 * 10**16
        assert account.balance().total.units == 3 * 10**18 - 125 * 10**16 - done.fee.units
        assert wallet.account(tester_network).status("0x" + "11" * 32).status is Status.UNKNOWN


def test_an_async_wallet_works_through_an_async_web3(tester_network: str, words: str) -> None:
    from web3.providers.eth_tester import AsyncEthereumTesterProvider

    async def main() -> None:
        w3 = web3.AsyncWeb3(AsyncEthereumTesterProvider())
        accounts = await w3.eth.accounts
        async with AsyncWallet.from_mnemonic(words, transport=w3) as wallet:
            account = wallet.account(tester_network)
            await w3.eth.send_transaction({"from": accounts[0], "to": account.address, "value": 3 * 10**18})
            receipt = await account.send(to=accounts[5], amount="0.5")
            assert (await receipt.wait(timeout=30)).status is Status.CONFIRMED
            assert await w3.eth.get_balance(accounts[5]) == 10**24 + 5 * 10**17

    asyncio.run(main())


def test_an_async_wallet_works_through_a_blocking_web3(w3: Any, tester_network: str, words: str) -> None:
    async def main() -> None:
        async with AsyncWallet.from_mnemonic(words, transport=w3) as wallet:
            account = wallet.account(tester_network)
            w3.eth.send_transaction({"from": w3.eth.accounts[0], "to": account.address, "value": 10**18})
            assert str((await account.balance()).total) == "1 ETH"

    asyncio.run(main())


def test_an_engines_refusal_is_rejected(w3: Any, tester_network: str, words: str) -> None:
    account = Wallet.from_mnemonic(words).account(tester_network)
    payment = {"to": "0x" + "35" * 20, "value": 1, "gas": 21000, "gasPrice": 10**10, "nonce": 0}
    raw = "0x" + account.sign(payment).hex()  # from an account that holds nothing
    transport = adapt(w3, nowhere)
    (outcome,) = transport.perform([Rpc(account.network.id, "eth_sendRawTransaction", [raw], broadcast=True)])
    assert isinstance(outcome, Rejected)
    assert "afford" in outcome.message or "insufficient" in outcome.message
    (outcome,) = transport.perform([Rpc(account.network.id, "eth_noSuchThing")])
    assert isinstance(outcome, Rejected)
    assert outcome.node_code == -32601


def test_many_threads_share_a_web3(w3: Any, tester_network: str, words: str) -> None:
    wallet = Wallet.from_mnemonic(words, transport=w3)
    found: list[Any] = []

    def ask(index: int) -> None:
        found.append(wallet.account(tester_network, index=index).balance().total.units)

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [0] * 8


# -- what is carried, and by whom ------------------------------------------------------------------------


def test_a_web3_serves_its_chain_and_http_the_others(serve: Serve, calls: Calls) -> None:
    mine = serve(calls({"eth_chainId": "0x1", "eth_blockNumber": "0x10"}))
    other = serve(calls({"eth_chainId": "0x89", "eth_blockNumber": "0x20", "getHealth": "ok"}))
    transport = adapt(make_web3(mine.url), lambda network: (other.url,))
    effects = [BLOCK, Rpc("eip155:137", "eth_blockNumber"), HEALTH, Rpc(MAIN, "eth_chainId"), Sleep(0)]
    assert transport.perform(effects) == ["0x10", "0x20", "ok", "0x1", None]
    assert [call["method"] for _, body in mine.asked[:1] for call in [body]] == ["eth_chainId"]  # asked once
    assert transport.perform([BLOCK]) == ["0x10"]
    assert [body["method"] if isinstance(body, dict) else len(body) for _, body in mine.asked] == [
        "eth_chainId",
        2,
        "eth_blockNumber",
    ]
    transport.close()


def test_a_mapping_gives_each_network_its_client(serve: Serve, calls: Calls) -> None:
    first, second = serve(calls({"eth_blockNumber": "0x1"})), serve(calls({"eth_blockNumber": "0x2"}))
    fake = FakeTransport({"wallet/getaccount": {"balance": 5}})
    third = serve(calls({"eth_blockNumber": "0x3"}))
    clients = {"ethereum": make_web3(first.url), "matic": make_web3(second.url), "tron": fake}
    transport = adapt(clients, lambda network: (third.url,))
    networks = [MAIN, "eip155:137", "eip155:10"]
    outcomes = transport.perform([*(Rpc(network, "eth_blockNumber") for network in networks), ACCOUNT])
    assert outcomes == ["0x1", "0x2", "0x3", {"balance": 5}]
    assert fake.asked == [ACCOUNT]
    transport.close()


def test_an_async_mapping_mixes_both_kinds(serve: Serve, calls: Calls) -> None:
    evm, tron = serve(calls({"eth_blockNumber": "0x1"})), serve(lambda path, body: {"balance": 5})
    solana = serve(calls({"getHealth": "ok"}))
    fake = FakeTransport({"eth_blockNumber": "0x7"})

    async def main() -> None:
        client = make_solana(solana.url)
        clients = {"ethereum": make_web3(evm.url), "tron": make_tron(tron.url), "solana": client, "bsc": fake}
        transport = adapt(clients, nowhere, asynchronous=True)
        outcomes = await transport.perform([BLOCK, ACCOUNT, HEALTH, Rpc("eip155:56", "eth_blockNumber"), Sleep(0.001)])
        assert outcomes == ["0x1", {"balance": 5}, "ok", "0x7", None]
        assert fake.slept == 0.001
        await transport.close()
        await client.close()

    asyncio.run(main())


def test_a_sleep_is_left_to_embedded_engines_where_all_are() -> None:
    fake = FakeTransport()
    transport = adapt({"ethereum": fake, "polygon": fake}, nowhere)
    assert transport.perform([Sleep(3600)]) == [None]  # one hour would end the test
    assert fake.slept == 3600


@each_kind
def test_the_users_own_session_is_used(serve: Serve, calls: Calls, kind: Kind) -> None:
    server = serve(
        calls({"eth_blockNumber": "0x10", "getHealth": "0x10"})
        if kind.effect is not ACCOUNT
        else lambda path, body: "0x10"
    )
    make = kind.make

    def with_header(url: str) -> Any:
        client = make(url)
        provider = getattr(client, "provider", None) or client._provider
        if kind.name in ("Web3", "AsyncWeb3"):
            provider._request_kwargs = {"headers": {"x-mine": "yes", "content-type": "application/json"}}
        elif kind.name == "Tron":
            provider.sess.headers["x-mine"] = "yes"
        elif kind.name == "AsyncTron":
            provider.client.headers["x-mine"] = "yes"
        else:
            provider.extra_headers = {"x-mine": "yes"}
        return client

    assert Kind(kind.name, kind.effect, with_header, asynchronous=kind.asynchronous).perform(
        server.url, [kind.effect]
    ) == ["0x10"]
    assert server.headers_seen[0]["x-mine"] == "yes"
    path, body = server.asked[0]
    if kind.effect is ACCOUNT:
        assert (path, body) == ("/wallet/getaccount", ACCOUNT.json)
    else:
        assert body["method"] == kind.effect.method


@json_rpc
def test_reads_go_out_as_one_batch_and_broadcasts_alone(serve: Serve, calls: Calls, kind: Kind) -> None:
    network = kind.effect.network
    server = serve(calls({"one": "0x1", "two": {"code": -32000, "message": "no"}, "three": None, "send": "0x4"}))
    effects = [
        Rpc(network, "one"),
        Rpc(network, "send", ["raw"], broadcast=True),
        Rpc(network, "two"),
        Rpc(network, "three"),
    ]
    outcomes = kind.perform(server.url, effects)
    assert [outcomes[0], outcomes[1], outcomes[3]] == ["0x1", "0x4", None]
    assert isinstance(outcomes[2], Rejected)
    assert outcomes[2].node_code == -32000
    sizes = sorted(len(body) if isinstance(body, list) else 0 for _, body in server.asked)
    assert sizes == [0, 3]


@json_rpc
@pytest.mark.filterwarnings("ignore:Received batch response with missing")  # web3.py's own
@pytest.mark.parametrize("fault", ["no batches", "one missing", "one twice", "ids missing"])
def test_a_batch_that_fails_is_asked_singly(serve: Serve, calls: Calls, kind: Kind, fault: str) -> None:
    honest = calls({"one": "0x1", "two": "0x2", "three": "0x3"})

    def script(path: str, body: Any) -> Any:
        if not isinstance(body, list):
            return honest(path, body)
        answers = honest(path, body)
        match fault:
            case "no batches":
                return {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches here"}}
            case "one missing":
                return answers[1:]
            case "one twice":
                return [answers[0], answers[0], answers[2]]
            case _:
                return [{key: value for key, value in answer.items() if key != "id"} for answer in answers]

    server = serve(script)
    outcomes = kind.perform(server.url, [Rpc(kind.effect.network, name) for name in ("one", "two", "three")])
    if fault == "no batches" or kind.name != "AsyncClient":
        assert outcomes == ["0x1", "0x2", "0x3"]
    else:  # here the ids are ours, so what did arrive has its place
        assert all(outcome in ("0x1", "0x2", "0x3") or isinstance(outcome, BadResponse) for outcome in outcomes)
        assert any(isinstance(outcome, BadResponse) for outcome in outcomes)
        assert outcomes[0] != "0x2"
        assert outcomes[1] != "0x1"


@json_rpc
def test_a_shuffled_batch_is_put_in_order(serve: Serve, calls: Calls, kind: Kind) -> None:
    honest = calls({"one": "0x1", "two": "0x2", "three": "0x3"})
    server = serve(lambda path, body: honest(path, body)[::-1] if isinstance(body, list) else honest(path, body))
    outcomes = kind.perform(server.url, [Rpc(kind.effect.network, name) for name in ("one", "two", "three")])
    assert outcomes == ["0x1", "0x2", "0x3"]


def test_deep_nesting_does_not_end_the_process(serve: Serve) -> None:
    # web3.py (through py_ecc) lifts Python's recursion limit, and the JSON parser then overflows the stack.
    (outcome,) = KINDS[4].perform(serve(hostile(200, b"[" * 1_000_000)).url, [HEALTH])
    assert isinstance(outcome, BadResponse)


def test_a_solana_fraction_stays_exact(serve: Serve) -> None:
    server = serve(lambda path, body: b'{"jsonrpc":"2.0","id":0,"result":{"uiAmount":0.1000000000000000055}}')
    (outcome,) = KINDS[4].perform(server.url, [HEALTH])
    assert str(outcome["uiAmount"]) == "0.1000000000000000055"


# -- what goes wrong -------------------------------------------------------------------------------------


def hostile(status: int, content: bytes, headers: dict[str, str] | None = None) -> Callable[[str, Any], Any]:
    return lambda path, body: (status, headers or {}, content)


@each_kind
@pytest.mark.parametrize(
    ("script", "error"),
    [
        (hostile(429, b"slow down", {"retry-after": "7"}), RateLimited),
        (hostile(503, b"<html>busy</html>"), BadResponse),
        (hostile(401, b""), BadResponse),
        (hostile(200, b"<html>hello</html>"), BadResponse),
        (hostile(200, b'{"jsonrpc": "2.0", "id": 0, "resu'), BadResponse),
        (hostile(200, b"\xff\xfe\x00"), BadResponse),
        (hostile(301, b"", {"location": "/elsewhere/" + SECRET}), TransportError),
        (hostile(0, b""), Timeout),
    ],
    ids=["429", "503", "401", "html", "truncated", "no text", "redirect", "hung up"],
)
def test_a_bad_endpoint_gives_an_error_of_the_tree(
    serve: Serve, kind: Kind, script: Callable[[str, Any], Any], error: type[MultiwalletError]
) -> None:
    server = serve(script)
    (outcome,) = kind.perform(f"{server.url}/{SECRET}/", [kind.effect])
    assert isinstance(outcome, error), repr(outcome)
    assert SECRET not in repr(outcome)
    assert outcome.__cause__ is None
    assert outcome.__context__ is None
    if error is RateLimited and kind.name != "AsyncWeb3":
        assert outcome.retry_after == 7


@json_rpc
@pytest.mark.parametrize("answer", [None, 5, [], "text", {}, {"jsonrpc": "2.0", "id": 0}])
def test_json_that_is_no_answer_is_a_bad_response(serve: Serve, kind: Kind, answer: Any) -> None:
    server = serve(lambda path, body: answer)
    (outcome,) = kind.perform(server.url, [kind.effect])
    assert isinstance(outcome, BadResponse), repr(outcome)


@json_rpc
def test_a_json_rpc_error_is_rejected_even_with_an_http_status(serve: Serve, kind: Kind) -> None:
    content = b'{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"nonce too low","data":"0x"}}'
    for status in (200, 400, 500):
        if status != 200 and kind.name == "AsyncWeb3":
            continue  # aiohttp throws the body away
        (outcome,) = kind.perform(serve(hostile(status, content)).url, [kind.effect])
        assert isinstance(outcome, Rejected), repr(outcome)
        assert (outcome.node_code, outcome.data) == (-32000, "0x")
        assert "nonce too low" in outcome.message


@each_kind
def test_an_endpoint_that_refuses_the_connection_is_unreachable(kind: Kind) -> None:
    (outcome,) = kind.perform(f"{refused_url()}/{SECRET}/", [kind.effect])
    assert isinstance(outcome, Unreachable), repr(outcome)
    assert SECRET not in repr(outcome)


@each_kind
def test_a_silent_endpoint_is_a_timeout(serve: Serve, kind: Kind) -> None:
    release = threading.Event()

    def script(path: str, body: Any) -> Any:
        release.wait(10)
        return {}

    server = serve(script)
    try:
        (outcome,) = kind.perform(f"{server.url}/{SECRET}/", [kind.effect])
    finally:
        release.set()
    assert isinstance(outcome, Timeout), repr(outcome)
    assert SECRET not in repr(outcome)


def test_a_client_that_cannot_say_its_chain_fails_its_calls_alone(serve: Serve) -> None:
    tron = serve(lambda path, body: {"balance": 5})
    server = serve(lambda path, body: {"jsonrpc": "2.0", "id": 0, "result": "not a number"})
    transport = adapt(make_web3(server.url), lambda network: (tron.url,))
    first, second = transport.perform([BLOCK, ACCOUNT])
    assert isinstance(first, BadResponse)
    assert "eth_chainId" in first.message
    assert second == {"balance": 5}
    transport.close()


def test_nothing_of_ours_logs_a_secret(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="multiwallet")
    for kind in KINDS:
        kind.perform(f"{refused_url()}/{SECRET}/", [kind.effect])
    assert not [
        record for record in caplog.records if record.name.startswith("multiwallet") and SECRET in record.getMessage()
    ]


# -- what is given ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [make_async_web3, make_async_tron, make_solana, lambda url: AsyncHttpTransport({})])
def test_an_asynchronous_client_in_a_blocking_wallet_is_refused(words: str, make: Callable[[str], Any]) -> None:
    client = make("http://127.0.0.1:9")
    with pytest.raises(InputError, match="AsyncWallet"):
        adapt({"ethereum": client}, nowhere)
    if not isinstance(client, AsyncHttpTransport):
        wallet = Wallet.from_mnemonic(words, transport=client)
        with pytest.raises(InputError, match="AsyncWallet"):
            wallet.account("ethereum").balance()


@pytest.mark.parametrize(
    "wrong", [42, "http://127.0.0.1:8545", object(), web3.Web3, {"ethereum": "http://x"}, {"tron": {}}]
)
def test_what_is_no_transport_is_refused(wrong: object) -> None:
    for asynchronous in (False, True):
        with pytest.raises(InputError, match="no transport"):
            adapt(wrong, nowhere, asynchronous=asynchronous)


def test_a_mapping_names_networks() -> None:
    with pytest.raises(UnknownNetwork):
        adapt({"etherium": FakeTransport()}, nowhere)


def test_the_kind_of_transport_follows_the_wallet() -> None:
    client = make_web3("http://127.0.0.1:9")
    assert isinstance(adapt(client, nowhere), ClientTransport)
    assert isinstance(adapt(client, nowhere, asynchronous=True), AsyncClientTransport)


def test_closing_leaves_the_users_client_open(serve: Serve, calls: Calls) -> None:
    server = serve(calls({"eth_chainId": "0x1", "eth_blockNumber": "0x10"}))
    closed: list[str] = []

    class Closing(FakeTransport):
        def close(self) -> None:
            closed.append("member")

    client = make_web3(server.url)
    transport = adapt({"ethereum": client, "tron": Closing()}, nowhere)
    transport.perform([BLOCK])
    transport.close()
    transport.close()
    assert closed == []
    assert client.eth.block_number == 16
