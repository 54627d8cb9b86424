"""The devnet over HTTP, asked by the libraries that others use for it, and by our own transport."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from multiwallet import AsyncWallet, Wallet, network
from multiwallet.devnet import Devnet
from multiwallet.devnet.server import Server, serve
from multiwallet.devnet.server_answers import write_json
from multiwallet.errors import (
    BadResponse,
    BroadcastUncertain,
    InputError,
    RateLimited,
    Rejected,
    UnknownNetwork,
    Unreachable,
    Unsupported,
)
from multiwallet.ops import Rpc
from multiwallet.transactions import Status
from multiwallet.transport import HttpTransport, RetryPolicy

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
NAMES = ("bitcoin", "ethereum", "tron", "solana")
ONCE = RetryPolicy(attempts=1)


@pytest.fixture(scope="module", autouse=True)
def engines() -> None:
    for module in ("eth_tester", "pbk", "solders.litesvm"):
        pytest.importorskip(module, reason="the devnet's engines come with the extra 'devnet'")


@pytest.fixture(scope="module")
def shared(engines: None) -> Iterator[tuple[Devnet, Server]]:
    with Devnet() as devnet, serve(devnet) as server:
        yield devnet, server


@pytest.fixture
def devnet(shared: tuple[Devnet, Server]) -> Devnet:
    return shared[0]


@pytest.fixture
def server(shared: tuple[Devnet, Server]) -> Server:
    return shared[1]


HTTP = httpx2.Client(timeout=30, trust_env=False)


def post(url: str, body: Any, **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HTTP.post(url, content=content, headers=headers)


def get(url: str) -> httpx2.Response:
    return HTTP.get(url)


def call(method: str, *params: Any, number: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


# -- our own wallet --------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["esplora", "core"])
def test_a_wallet_works_over_http_on_all_four(devnet: Devnet, server: Server, source: str) -> None:
    endpoints = {**server.endpoints, **(server.core_endpoints if source == "core" else {})}
    with Wallet.from_mnemonic(WORDS, passphrase=source, endpoints=endpoints) as wallet:
        for name in NAMES if source == "esplora" else ("bitcoin",):
            account, other = wallet.account(name), wallet.account(name, index=5)
            devnet.fund(account, "30")
            before = other.balance().total
            receipt = account.wait(account.send(to=other.address, amount="1").txid)
            assert receipt.status is Status.CONFIRMED, name
            assert (other.balance().total - before).units == other.network.amount("1").units, name
            if name == "bitcoin":
                continue
            token = devnet.deploy_token(name, symbol="USDX", decimals=6, holder=account, supply="100")
            account.wait(account.send(to=other.address, amount="2.5", asset=token.reference).txid)
            assert str(other.balance(token).total) == "2.5 USDX", name


def test_an_async_wallet_asks_all_at_once(devnet: Devnet, server: Server) -> None:
    async def story() -> Any:
        async with AsyncWallet.from_mnemonic(WORDS, passphrase="async", endpoints=dict(server.endpoints)) as wallet:
            for name in NAMES:
                devnet.fund(wallet.account(name), "2")
            return await wallet.portfolio(list(NAMES))

    found = asyncio.run(story())
    assert len(found) == len(NAMES)
    assert "error" not in repr(found).lower()


def test_a_batch_is_one_request_in_order(server: Server) -> None:
    calls = [call("getSlot", number="a"), call("nothing", number=7), call("getHealth", number=None)]
    answers = post(server.endpoints["solana"], calls).json()
    assert [answer["id"] for answer in answers] == ["a", 7, None]
    assert answers[1]["error"] == {"code": -32601, "message": "Method not found"}
    assert answers[2]["result"] == "ok"


# -- the clients of others -------------------------------------------------------------------------


def test_web3_talks_to_it(devnet: Devnet, server: Server) -> None:
    web3 = pytest.importorskip("web3", reason="web3.py comes with the extra 'evm'")
    account = pytest.importorskip("eth_account").Account.create()
    devnet.fund(account.address, "2", network="ethereum")
    client = web3.Web3(web3.HTTPProvider(server.endpoints["ethereum"]))
    assert client.is_connected()
    assert client.eth.chain_id == 1
    assert client.eth.get_balance(account.address) == 2 * 10**18
    history = client.eth.fee_history(1, "latest", [25.0])
    fields = {
        "chainId": 1,
        "nonce": client.eth.get_transaction_count(account.address),
        "to": "0x" + "ab" * 20,
        "value": 10**18,
        "gas": 21_000,
        "maxFeePerGas": history["baseFeePerGas"][-1] * 2 + 10**9,
        "maxPriorityFeePerGas": 10**9,
    }
    # Mixed case, as web3.py insists on it.
    fields["to"] = client.to_checksum_address(fields["to"])
    identity = client.eth.send_raw_transaction(account.sign_transaction(fields).raw_transaction)
    receipt = client.eth.wait_for_transaction_receipt(identity, timeout=20)
    assert receipt["status"] == 1
    assert client.eth.get_balance(fields["to"]) == 10**18
    with pytest.raises(Exception, match="nonce too low"):
        client.eth.send_raw_transaction(account.sign_transaction({**fields, "value": 1}).raw_transaction)


def test_the_solana_client_talks_to_it(devnet: Devnet, server: Server) -> None:
    pytest.importorskip("solana.rpc.async_api", reason="solana-py comes with the extra 'solana'")
    asyncio.run(solana_story(devnet, server.endpoints["solana"]))


async def solana_story(devnet: Devnet, url: str) -> None:
    from solana.rpc.async_api import AsyncClient
    from solana.rpc.commitment import Confirmed
    from solana.rpc.core import RPCException
    from solana.rpc.models import TokenAccountOpts
    from solders.keypair import Keypair
    from solders.message import Message
    from solders.pubkey import Pubkey
    from solders.system_program import TransferParams, transfer
    from solders.transaction import VersionedTransaction

    async with AsyncClient(url, commitment=Confirmed) as client:
        key, to = Keypair(), Keypair().pubkey()
        await client.request_airdrop(key.pubkey(), 10**10)
        assert (await client.get_balance(key.pubkey())).value == 10**10
        latest = (await client.get_latest_blockhash()).value
        pay = transfer(TransferParams(from_pubkey=key.pubkey(), to_pubkey=to, lamports=10**9))
        message = Message.new_with_blockhash([pay], key.pubkey(), latest.blockhash)
        assert (await client.get_fee_for_message(message)).value == 5000
        transaction = VersionedTransaction(message, [key])
        assert (await client.simulate_transaction(transaction)).value.err is None
        signature = (await client.send_transaction(transaction)).value
        last = latest.last_valid_block_height
        done = await client.confirm_transaction(signature, Confirmed, last_valid_block_height=last)
        assert done.value[0].err is None
        assert (await client.get_balance(to)).value == 10**9
        record = (await client.get_transaction(signature, max_supported_transaction_version=0)).value
        assert record.transaction.meta.fee == 5000
        history = (await client.get_signatures_for_address(to)).value
        assert [str(entry.signature) for entry in history] == [str(signature)]
        with pytest.raises(RPCException):
            await client.send_transaction(transaction)
        mint = devnet.deploy_token("solana", symbol="T", decimals=2, holder=str(to), supply="5").reference
        options = TokenAccountOpts(mint=Pubkey.from_string(mint))
        (held,) = (await client.get_token_accounts_by_owner_json_parsed(to, options)).value
        assert held.account.data.parsed["info"]["tokenAmount"]["uiAmountString"] == "5"


@pytest.mark.parametrize("form", ["{}/", "root"])
def test_tronpy_talks_to_it(devnet: Devnet, server: Server, form: str) -> None:
    tronpy = pytest.importorskip("tronpy", reason="tronpy comes with the extra 'tron'")
    from tronpy.keys import PrivateKey
    from tronpy.providers import HTTPProvider

    # tronpy puts its paths behind the last slash of the URL, so without one they land at the root.
    url = form.format(server.endpoints["tron"]) if form != "root" else server.endpoints["tron"]
    client = tronpy.Tron(HTTPProvider(url, timeout=20))
    key, to = PrivateKey.random(), PrivateKey.random().public_key.to_base58check_address()
    address = key.public_key.to_base58check_address()
    devnet.fund(address, "100", network="tron")
    assert client.get_account_balance(address) == Decimal(100)
    transaction = client.trx.transfer(address, to, 5_000_000).build().sign(key)
    receipt = transaction.broadcast().wait(timeout=20)
    assert receipt["id"] == transaction.txid
    assert client.get_account_balance(to) == Decimal(5)
    token = devnet.deploy_token("tron", symbol="USDX", decimals=6, holder=address, supply="7")
    contract = client.get_contract(token.reference)
    assert contract.functions.balanceOf(address) == 7_000_000


def test_bitcoin_core_and_esplora_share_a_path(devnet: Devnet, server: Server) -> None:
    url = server.endpoints["bitcoin"]
    with Wallet.from_mnemonic(WORDS, passphrase="both", transport=devnet) as wallet:
        account = wallet.account("bitcoin")
        txid = devnet.fund(account, "0.5")
        height = int(get(f"{url}/blocks/tip/height").text)
        legacy = {"id": 1, "method": "getblockcount", "params": []}
        assert post(url, legacy).json() == {"result": height, "error": None, "id": 1}
        assert post(f"{url}/wallet/any", legacy).json()["result"] == height
        assert post(url, call("getblockcount"), authorization="Basic dTpw").json() == {
            "jsonrpc": "2.0",
            "result": height,
            "id": 1,
        }
        stats = get(f"{url}/address/{account.address}").json()["chain_stats"]
        assert stats["funded_txo_sum"] == 50_000_000
        raw = get(f"{url}/tx/{txid}/hex")
        assert raw.headers["content-type"].startswith("text/plain")
        shown = post(url, call("getrawtransaction", txid, True)).text
        amounts = [out["value"] for out in json.loads(shown, parse_float=Decimal)["result"]["vout"]]
        assert Decimal("0.5") in amounts
        assert '"value":0.50000000' in shown  # exact, as Bitcoin Core writes it
        binary = get(f"{url}/tx/{txid}/raw")
        assert binary.content.hex() == raw.text
        signed = account.sign(account.build(to=wallet.account("bitcoin", index=9).address, amount="0.1"))
        sent = post(f"{url}/tx", signed.hex().encode())
        assert (sent.status_code, sent.text) == (200, signed.txid)
        again = post(f"{url}/tx", b"00")
        assert again.status_code == 400
        assert "RPC error" in again.text
    assert get(f"{url}/tx/{'00' * 32}").status_code == 404
    for method, status, code in (("nothing", 404, -32601), ("getblockhash", 500, -1)):
        answer = post(url, {"id": "x", "method": method, "params": []})
        assert (answer.status_code, answer.json()["error"]["code"], answer.json()["id"]) == (status, code, "x")
    two = post(url, call("getblockhash"))
    assert (two.status_code, two.json()["error"]["code"]) == (200, -1)
    assert "result" not in two.json()
    batch = post(url, [legacy, call("nothing")])
    assert batch.status_code == 200
    assert [entry.get("result") for entry in batch.json()] == [height + 1, None]


@pytest.mark.skipif(shutil.which("litecoin-cli") is None, reason="litecoin-cli is not installed (apt: litecoind)")
def test_a_command_line_of_bitcoin_core_talks_to_it(tmp_path: Any) -> None:
    with Devnet() as devnet, serve(devnet, networks=["litecoin"]) as server:
        login = ["-rpcuser=u", "-rpcpassword=p", f"-rpcport={server.port}", "-rpcconnect=127.0.0.1"]
        command = ["litecoin-cli", f"-datadir={tmp_path}", *login, "getblockcount"]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, text=True)
        assert done.returncode == 0, done.stderr
        height = int(done.stdout)
        devnet.mine("litecoin")
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, text=True)
        assert int(done.stdout) == height + 1


# -- what browsers and careless clients send -------------------------------------------------------


def test_a_browser_may_ask(server: Server) -> None:
    for url in (server.endpoints["ethereum"], server.url, f"{server.endpoints['tron']}/wallet/getnowblock"):
        answer = HTTP.request("OPTIONS", url, headers={"origin": "https://dapp.example"})
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "POST" in answer.headers["access-control-allow-methods"]
    answer = post(server.endpoints["ethereum"], call("eth_chainId"), origin="https://dapp.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["result"] == "0x1"
    refused = post(server.endpoints["ethereum"] + "x", call("eth_chainId"))
    assert refused.headers["access-control-allow-origin"] == "*"


def test_pages_tell_what_is_there(server: Server) -> None:
    assert get(server.url).json()["networks"]["solana"] == "/solana"
    assert get(server.endpoints["ethereum"]).json()["id"] == "eip155:1"
    assert get(f"{server.url}/polygon").status_code == 404
    assert "polygon is not served here" in get(f"{server.url}/matic").text
    assert get(f"{server.url}/%00/../etc/passwd").status_code == 404
    assert get(f"{server.endpoints['solana']}/health").text == "ok"
    assert get(f"{server.endpoints['ethereum']}/anything").status_code == 404
    head = HTTP.head(server.url)
    assert (head.status_code, head.content) == (200, b"")
    assert HTTP.put(server.url).status_code == 501


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[" * 100_000 + b"]" * 100_000, -32700),
        (b'{"id": NaN}', -32700),
        (b"[]", -32600),
        (b"1", -32600),
        (b"null", -32600),
        (b'{"method": 5, "id": 1}', -32600),
        (b'{"method": "any", "params": "x", "id": 1}', -32600),
        (b'{"method": "any", "params": [1e400], "id": 1}', -32601),
        (b"[" + b"1," * 1000 + b"1]", -32600),
    ],
)
@pytest.mark.parametrize("name", ["solana", "ethereum", "bitcoin"])
def test_broken_bodies_have_json_rpc_errors(server: Server, name: str, body: bytes, code: int) -> None:
    answer = post(server.endpoints[name], body).json()
    assert answer["error"]["code"] == code
    method = {"solana": "getSlot", "ethereum": "eth_blockNumber", "bitcoin": "getblockcount"}[name]
    assert "error" not in post(server.endpoints[name], call(method)).json()


def test_notifications_get_no_answer(server: Server) -> None:
    silent = {"jsonrpc": "2.0", "method": "getSlot"}
    assert post(server.endpoints["solana"], silent).status_code == 204
    assert post(server.endpoints["solana"], [silent]).status_code == 204
    assert len(post(server.endpoints["solana"], [silent, call("getSlot")]).json()) == 1


def test_tron_bodies_that_are_no_json_are_refused(server: Server) -> None:
    url = f"{server.endpoints['tron']}/wallet/getaccount"
    for body in (b"{", b"[" * 100_000, b"\xff"):
        assert post(url, body).status_code == 400
    assert get(f"{server.endpoints['tron']}/wallet/getnowblock").json()["blockID"]
    assert get(f"{server.endpoints['tron']}/wallet/nothing").status_code == 404
    asked = get(f"{url}?address=410000000000000000000000000000000000000001").json()
    assert isinstance(asked, dict)


def raw(server: Server, text: bytes) -> bytes:
    """What the server says to these bytes, until it hangs up or is silent."""
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while part := connection.recv(65_536):
            said += part
        return said


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 99999999999", b"413"),
        (b"Content-Length: 9999999999999999999999", b"400"),
        (b"Content-Length: -5", b"400"),
        (b"Content-Length: 0x10", b"400"),
        (b"Content-Length: \xc2\xb2", b"400"),
        (b"Transfer-Encoding: chunked", b"411"),
    ],
)
def test_lengths_are_bounded(server: Server, head: bytes, status: bytes) -> None:
    said = raw(server, b"POST /solana HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n{}")
    assert said.split(b"\r\n")[0].split()[1] == status
    assert b"Connection: close" in said


def test_bytes_that_are_no_http_do_no_harm(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="multiwallet"):
        for text in (b"\0" * 1000, b"GET\r\n\r\n", b"POST /solana HTTP/1.1\r\nContent-Length: 50\r\n\r\n{", b"\r\n"):
            raw(server, text)
        assert post(server.endpoints["solana"], call("getHealth")).json()["result"] == "ok"
    assert not caplog.records


def test_a_connection_serves_many_requests(server: Server) -> None:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    try:
        for number in range(5):
            connection.request("POST", "/solana", json.dumps(call("getHealth", number=number)))
            answer = connection.getresponse()
            assert json.loads(answer.read())["id"] == number
            assert connection.sock is not None  # still open
    finally:
        connection.close()


def test_many_clients_at_once(devnet: Devnet, server: Server) -> None:
    failures: list[Any] = []
    start = threading.Barrier(12)

    def ask(number: int) -> None:
        start.wait(30)
        name, method = (("solana", "getSlot"), ("ethereum", "eth_blockNumber"), ("bitcoin", "getblockcount"))[
            number % 3
        ]
        for _ in range(10):
            answer = post(server.endpoints[name], [call(method, number=n) for n in range(3)])
            if [entry["id"] for entry in answer.json()] != [0, 1, 2] or "error" in answer.text.replace(
                '"error":null', ""
            ):
                failures.append(answer.text)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures


# -- faults on demand ------------------------------------------------------------------------------


def test_faults_look_like_those_of_the_network(devnet: Devnet, server: Server) -> None:
    identity = network("solana").id
    with HttpTransport({identity: [server.endpoints["solana"]]}, policy=ONCE) as transport:

        def ask(method: str = "getHealth", **how: Any) -> Any:
            (outcome,) = transport.perform([Rpc(identity, method, **how)])
            return outcome

        devnet.rate_limit("solana", retry_after=1.2)
        limited = ask()
        assert isinstance(limited, RateLimited)
        assert limited.retry_after == 2
        devnet.fail("solana", BadResponse("nonsense"))
        assert isinstance(ask(), BadResponse)
        devnet.fail("solana", Unreachable("gone"))
        assert not isinstance(ask(), str)
        devnet.fail("solana", Rejected("no", node_code=-5, data={"a": 1}))
        refused = ask()
        assert (refused.node_code, refused.data) == (-5, {"a": 1})
        devnet.fail("solana", Unsupported("cannot"))
        assert ask().node_code == -32603
        assert ask() == "ok"


@pytest.mark.parametrize("name", NAMES)
def test_a_lost_answer_is_a_broken_connection(devnet: Devnet, server: Server, name: str) -> None:
    identity = network(name).id
    with (
        HttpTransport({identity: [server.endpoints[name]]}, policy=ONCE) as transport,
        Wallet.from_mnemonic(WORDS, passphrase="lost", transport=transport) as wallet,
    ):
        account, other = wallet.account(name), wallet.account(name, index=3)
        devnet.fund(account, "10")
        signed = account.sign(account.build(to=other.address, amount="1"))
        devnet.lose_answers(name)
        with pytest.raises(BroadcastUncertain) as caught:
            account.broadcast(signed)
        assert caught.value.txid == signed.txid
        assert account.broadcast(signed).txid == signed.txid  # the same bytes again
        account.wait(signed.txid)
        assert other.balance().total.units == other.network.amount("1").units


def test_a_bug_in_an_engine_is_answered_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with Devnet() as devnet, serve(devnet, networks=["solana"]) as server:

        def broken(*args: Any) -> Any:
            raise ZeroDivisionError("a bug")

        devnet.engine("solana").rpc = broken  # type: ignore[method-assign]
        with caplog.at_level(logging.ERROR, logger="multiwallet.devnet"):
            answer = post(server.endpoints["solana"], call("getSlot"))
        assert answer.status_code == 500
        assert "a bug" not in answer.text
        assert any("the devnet failed" in record.message for record in caplog.records)


# -- starting and stopping -------------------------------------------------------------------------


def test_other_machines_are_kept_out_unless_told() -> None:
    with Devnet() as devnet:
        for host in ("0.0.0.0", "::", "192.168.1.5", "devnet.example", ""):
            with pytest.raises(InputError, match="allow_remote"):
                serve(devnet, host=host, networks=["solana"])
        with serve(devnet, host="0.0.0.0", networks=["solana"], allow_remote=True) as server:
            assert post(f"http://127.0.0.1:{server.port}/solana", call("getHealth")).json()["result"] == "ok"
        with serve(devnet, host="localhost", networks=["solana"]) as server:
            assert server.url.startswith("http://localhost:")


def test_what_cannot_be_served_is_said_at_once() -> None:
    with Devnet() as devnet:
        with pytest.raises(UnknownNetwork):
            serve(devnet, networks=["etherium"])
        with pytest.raises(InputError, match="at least one"):
            serve(devnet, networks=[])
        with pytest.raises(InputError, match="cannot listen"):
            serve(devnet, networks=["solana"], port=70_000)
        with serve(devnet, networks=["solana"]) as server, pytest.raises(InputError, match="cannot listen"):
            serve(devnet, networks=["solana"], port=server.port)


def test_a_sole_network_needs_no_path() -> None:
    with Devnet() as devnet, serve(devnet, networks=["polygon", "matic"]) as server:
        assert list(server.endpoints) == ["polygon"]
        for path in ("", "/", "/polygon", "/polygon/"):
            assert post(server.url + path, call("eth_chainId")).json()["result"] == "0x89"
        assert "networks" in get(server.url).json()


def test_stopping_frees_the_port_and_ends_connections() -> None:
    with Devnet() as devnet:
        server = serve(devnet, networks=["solana"])
        assert not server.wait(0)
        idle = socket.create_connection((server.host, server.port), timeout=10)
        idle.sendall(b"POST /solana HTTP/1.1\r\nContent-Length: 10\r\n\r\n{")
        waited = threading.Thread(target=server.wait, args=(60,))
        waited.start()
        time.sleep(0.05)
        server.stop()
        server.stop()
        waited.join(10)
        assert not waited.is_alive()
        assert server.wait(0)
        with idle:
            assert idle.recv(10) == b""
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((server.host, server.port), timeout=5)
        with serve(devnet, networks=["solana"], port=server.port) as second:  # the port is free again
            assert second.port == server.port
        assert devnet.engine("solana").rpc("getHealth", []) == "ok"  # the devnet is its owner's to close


def test_nothing_is_looked_up_for_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: Any) -> Any:
        raise AssertionError("a host name was looked up")

    monkeypatch.setattr(socket, "getfqdn", forbidden)
    with Devnet() as devnet, serve(devnet, networks=["solana"]) as server:
        assert urlsplit(server.url).hostname == "127.0.0.1"


def test_json_keeps_every_digit() -> None:
    value = {"a": [Decimal("0.00000001"), Decimal("21E6"), True, None, 1.5, "ü"], "b": {}}
    text = write_json(value)
    assert text == '{"a":[0.00000001,21000000,true,null,1.5,"\\u00fc"],"b":{}}'
    assert write_json(("x", 1)) == '["x",1]'
    with pytest.raises(TypeError):
        write_json(object())
