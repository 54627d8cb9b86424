"""examples/backend in this process: what each route answers, who may come in, where keys come from, what metrics hear."""

from __future__ import annotations

import asyncio
import importlib
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from multiwallet.devnet import Devnet
from multiwallet.devnet.server import serve
from multiwallet.errors import InputError
from multiwallet.ops import Rpc
from multiwallet.vault import Argon2id, Vault

pytest.importorskip("fastapi", reason="FastAPI is not installed")

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "backend"
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
TOKEN = "a-token-that-only-the-tests-know"
SENDER = "0x58A57ed9d8d624cBD12e2C467D34787555bB1b25"  # m/44'/60'/0'/0/0 of WORDS
TARGET = "0x00000000000000000000000000000000000A11cE"


@pytest.fixture(scope="module")
def package():
    """The modules of the example, as its users import them from its folder."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("payments_backend.app")
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture
def settings(package, secret_files, tmp_path):
    """Settings for a store of SQLite; ``settings(url, confirmations=3)``."""

    def make(url, **further):
        files = {name: secret_files[f"PAYMENTS_{name.upper()}"] for name in ("mnemonic_file", "token_file")}
        quick = {"poll": 0.1, "retry": 0.1, "endpoints": {"ethereum": (url,)}}
        return package.Settings(**{"store": str(tmp_path / "payments.db"), **files, **quick, **further})

    return make


@pytest.fixture
def chain():
    """A devnet, and the URL of its Ethereum."""
    with Devnet() as devnet, serve(devnet, networks=["ethereum"]) as server:
        devnet.fund(SENDER, "10", network="ethereum")
        devnet.url = server.endpoints["ethereum"]
        yield devnet


def paid(devnet):
    """What the target holds, in wei."""
    (balance,) = devnet.perform([Rpc("eip155:1", "eth_getBalance", [TARGET, "latest"])])
    return int(balance, 16)


@asynccontextmanager
async def client_of(app, token=TOKEN):
    """A client of a started application, without sockets."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://backend.test", headers=headers
        ) as client,
    ):
        yield client


async def ended(client, order_id):
    for _ in range(200):
        told = (await client.get(f"/payments/{order_id}")).json()
        if told["final"]:
            return told
        await asyncio.sleep(0.05)
    raise AssertionError(told)


def order(order_id="order-1", **changes):
    return {"order_id": order_id, "network": "ethereum", "to": TARGET, "amount": "0.5"} | changes


def test_an_order_is_paid_once_and_told(package, settings, chain):
    heard = []

    async def main():
        app = package.create_app(settings(chain.url), lambda *event: heard.append(event))
        async with client_of(app) as client:
            first = await client.post("/payments", json=order())
            assert first.status_code == 202, first.text
            told = first.json()
            assert (told["key"], told["network"], told["amount"]) == ("order:order-1", "eip155:1", "0.5")
            assert told["state"] == "sent"
            assert told["txid"].startswith("0x")
            again = await client.post("/payments", json=order(to=TARGET.lower()))
            assert (again.status_code, again.json()["txid"]) == (202, told["txid"])
            for other in (order(amount="0.6"), order(to=SENDER)):
                conflict = await client.post("/payments", json=other)
                assert (conflict.status_code, code(conflict)) == (409, "idempotency_conflict")
            done = await ended(client, "order-1")
            assert (done["state"], done["txid"], done["error"]) == ("confirmed", told["txid"], None)
            assert done["confirmations"] >= 1
            assert int(done["fee"]["units"]) > 0
            page = (await client.get("/payments", params={"state": ["confirmed", "sent"]})).json()
            assert [payment["order_id"] for payment in page["payments"]] == ["order-1"]
            assert (await client.get("/payments", params={"state": "sent"})).json()["payments"] == []
            late = await client.post("/payments/order-1/cancel")
            assert late.status_code == 409

    asyncio.run(main())
    assert paid(chain) == 5 * 10**17
    named = {name for name, _, _ in heard}
    assert named == {"payments.request", "payments.answered", "payments.send.failed"}
    requests = [labels for name, _, labels in heard if name == "payments.request"]
    assert {"route": "/payments", "method": "POST", "status": "202"} in requests
    assert {labels["route"] for labels in requests} >= {"/payments/{order_id}", "/payments/{order_id}/cancel"}
    assert all(TARGET not in str(event) for event in heard)


async def chunks():
    yield b"{}"


def code(answer):
    return answer.json()["error"]["code"]


WRONG = [
    (order(to="0x00000000000000000000000000000000000A11Ce"), 422, "invalid_address"),
    (order(to="nobody"), 422, "invalid_address"),
    (order(amount="0.0000000000000000001"), 422, "invalid_amount"),
    (order(amount="0.00"), 422, "invalid_amount"),
    (order(amount="max"), 422, "invalid_request"),
    (order(amount=0.5), 422, "invalid_request"),
    (order(amount="-1"), 422, "invalid_request"),
    (order(amount="1" * 5000), 422, "invalid_request"),
    (order(network="etherium"), 422, "unknown_network"),
    (order(network="bitcoin"), 422, "unknown_network"),
    (order(asset="no contract"), 422, None),
    (order(order_id=""), 422, "invalid_request"),
    (order(order_id="a/b"), 422, "invalid_request"),
    (order(order_id="a\n"), 422, "invalid_request"),
    (order() | {"nonce": 3}, 422, "invalid_request"),
    ({}, 422, "invalid_request"),
    ([], 422, "invalid_request"),
    (order(amount="11"), 402, "insufficient_funds"),
]


def test_what_cannot_be_paid_is_said(package, settings, chain):
    async def main():
        async with client_of(package.create_app(settings(chain.url))) as client:
            for number, (wrong, status, name) in enumerate(WRONG):
                if isinstance(wrong, dict) and wrong.get("order_id") == "order-1":
                    wrong["order_id"] = f"order-{number}"
                answer = await client.post("/payments", json=wrong)
                assert answer.status_code == status, (wrong, answer.text)
                assert name is None or code(answer) == name, (wrong, answer.text)
            as_json = {"Content-Type": "application/json"}
            answer = await client.post("/payments", content=b"\xff{", headers=as_json)
            assert (answer.status_code, code(answer)) == (400, "invalid_request")
            for nothing in (b"", b"{"):
                answer = await client.post("/payments", content=nothing, headers=as_json)
                assert (answer.status_code, code(answer)) == (422, "invalid_request")
            for large in (b" " * 16_385, chunks()):
                answer = await client.post("/payments", content=large, headers=as_json)
                assert (answer.status_code, code(answer)) == (413, "too_large")
            assert code(await client.delete("/payments/order-1")) == "invalid_request"
            assert (await client.get("/payments/never")).status_code == 404
            assert (await client.post("/payments/never/cancel")).status_code == 404
            assert (await client.get("/payments", params={"state": "lost"})).status_code == 422
            assert (await client.get("/payments", params={"limit": "1001"})).status_code == 422
            # Once there is money, the same order is paid.
            chain.fund(SENDER, "10", network="ethereum")
            answer = await client.post("/payments", json=WRONG[-1][0])
            assert answer.status_code == 202, answer.text
            assert (await ended(client, WRONG[-1][0]["order_id"]))["state"] == "confirmed"

    asyncio.run(main())


def test_nobody_comes_in_without_a_token(package, settings, chain):
    async def main():
        async with client_of(package.create_app(settings(chain.url)), token="") as client:
            for path in ("/payments", "/payments/order-1", "/docs", "/openapi.json", "/nothing", "/health/x"):
                assert (await client.get(path)).status_code == 401, path
            wrong = (f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer ", "")
            for header in wrong:
                answer = await client.post("/payments", json=order(), headers={"Authorization": header})
                assert answer.status_code == 401, header
                assert answer.headers["WWW-Authenticate"] == "Bearer"
            health = await client.get("/health")
            assert health.status_code == 200
            told = health.json()
            assert (told["status"], told["store"], told["reconciler"]) == ("ok", "ok", "running")
            assert told["endpoints"] == {"eip155:1": {"usable": 1, "known": 1}}
            assert "127.0.0.1" not in health.text
            good = {"Authorization": f"bearer {TOKEN}"}
            assert (await client.get("/payments", headers=good)).json() == {"payments": [], "next": None}
            assert (await client.get("/docs", headers=good)).status_code == 404

    asyncio.run(main())
    assert paid(chain) == 0


def test_a_payment_is_cancelled(package, settings):
    with Devnet(automine=False) as devnet, serve(devnet, networks=["ethereum"]) as server:
        devnet.fund(SENDER, "10", network="ethereum")

        async def main():
            async with client_of(package.create_app(settings(server.endpoints["ethereum"]))) as client:
                assert (await client.post("/payments", json=order())).json()["state"] == "sent"
                asked = await client.post("/payments/order-1/cancel")
                assert (asked.status_code, asked.json()["cancelling"]) == (202, True)
                told = {}
                while not told.get("final"):
                    await asyncio.sleep(0.1)
                    devnet.mine("ethereum")
                    told = (await client.get("/payments/order-1")).json()
                again = await client.post("/payments", json=order())
                return told, again, await client.post("/payments/order-1/cancel")

        told, again, twice = asyncio.run(asyncio.wait_for(main(), 30))
        # The reconciler replaced it unless a block came first; whichever it was, what is told is what happened.
        assert (told["state"], paid(devnet)) in (("cancelled", 0), ("confirmed", 5 * 10**17))
        if not paid(devnet):
            assert (again.status_code, code(again)) == (409, "idempotency_conflict")
            assert twice.json()["state"] == "cancelled"


def test_a_node_that_is_away_costs_nothing_but_time(package, settings, chain):
    async def ask(url):
        async with client_of(package.create_app(settings(url))) as client:
            answer = await client.post("/payments", json=order())
            told = await ended(client, "order-1")
            return answer, told, (await client.get("/health")).json()

    answer, told, health = asyncio.run(ask("http://127.0.0.1:9"))  # nobody listens there
    assert (answer.status_code, code(answer), answer.headers["Retry-After"]) == (503, "unreachable", "1")
    assert (told["state"], told["txid"]) == ("refused", None)
    assert (health["status"], health["store"]) == ("ok", "ok") or health["status"] == "degraded"
    answer, told, _ = asyncio.run(ask(chain.url))
    assert (answer.status_code, told["state"]) == (202, "confirmed")
    assert paid(chain) == 5 * 10**17


def test_a_lost_answer_is_followed(package, settings, chain):
    async def main():
        async with client_of(package.create_app(settings(chain.url))) as client:
            chain.lose_answers("ethereum", count=6)
            answer = await client.post("/payments", json=order())
            assert answer.status_code == 202, answer.text
            return await ended(client, "order-1")

    assert asyncio.run(main())["state"] == "confirmed"
    assert paid(chain) == 5 * 10**17


def test_keys_come_from_a_vault(package, settings, chain, tmp_path):
    passphrase, vault_file = tmp_path / "passphrase", tmp_path / "keys.vault"
    passphrase.write_text("correct horse battery staple\n")
    passphrase.chmod(0o400)
    floor = Argon2id(passes=2, memory_kib=19456)
    vault = Vault.create(vault_file, passphrase="correct horse battery staple", argon2id=floor)
    with vault.unlock("correct horse battery staple") as opened:
        opened.add_mnemonic("payments", WORDS)

    async def main(**further):
        names = {"mnemonic_file": None, "vault_file": str(vault_file), "vault_passphrase_file": str(passphrase)}
        async with client_of(package.create_app(settings(chain.url, **names | further))) as client:
            await client.post("/payments", json=order())
            return await ended(client, "order-1")

    assert asyncio.run(main())["state"] == "confirmed"
    passphrase.chmod(0o444)
    with pytest.raises(InputError, match="PAYMENTS_VAULT_PASSPHRASE_FILE"):
        asyncio.run(main())


def environment(secret_files, **changes):
    usual = {"PAYMENTS_STORE": "postgresql://me:hush@db/x", "PAYMENTS_ENDPOINTS": '{"ethereum": "http://n/key"}'}
    return {name: value for name, value in {**secret_files, **usual, **changes}.items() if value is not None}


def test_settings_come_from_the_environment(package, secret_files):
    read = package.Settings.from_environment
    settings = read(environment(secret_files, PAYMENTS_LEASE="30", PAYMENTS_MAX_FEES='{"ethereum": "0.01"}'))
    assert settings.endpoints == {"ethereum": ("http://n/key",)}
    assert (settings.lease, settings.policy().max_fee) == (30, {"ethereum": "0.01"})
    assert "hush" not in repr(settings)
    assert "http://n" not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"PAYMENTS_STORE": None}, "PAYMENTS_STORE"),
        ({"PAYMENTS_TOKEN_FILE": None}, "PAYMENTS_TOKEN_FILE"),
        ({"PAYMENTS_MNEMONIC_FILE": None}, "PAYMENTS_VAULT_FILE"),
        ({"PAYMENTS_VAULT_FILE": "keys.vault"}, "PAYMENTS_MNEMONIC_FILE"),
        ({"PAYMENTS_ENDPOINTS": "hush"}, "PAYMENTS_ENDPOINTS"),
        ({"PAYMENTS_ENDPOINTS": "[" * 100_000}, "PAYMENTS_ENDPOINTS"),
        ({"PAYMENTS_ENDPOINTS": '{"ethereum": ["hush", 1]}'}, "PAYMENTS_ENDPOINTS"),
        ({"PAYMENTS_ENDPOINTS": "{}"}, "PAYMENTS_ENDPOINTS"),
        ({"PAYMENTS_MAX_FEES": '{"ethereum": 0.1}'}, "PAYMENTS_MAX_FEES"),
        ({"PAYMENTS_LEASE": "nan"}, "PAYMENTS_LEASE"),
        ({"PAYMENTS_POLL": "-1"}, "PAYMENTS_POLL"),
        ({"PAYMENTS_CONCURRENCY": "1.5"}, "PAYMENTS_CONCURRENCY"),
    ],
)
def test_wrong_settings_are_named(package, secret_files, changes, named):
    with pytest.raises(InputError, match=named) as caught:
        package.Settings.from_environment(environment(secret_files, **changes))
    assert "hush" not in str(caught.value)


def test_secret_files_that_others_reach_are_refused(package, settings, secret_files, tmp_path):
    Path(secret_files["PAYMENTS_TOKEN_FILE"]).chmod(0o440)
    with pytest.raises(InputError, match="PAYMENTS_TOKEN_FILE") as caught:
        package.create_app(settings("http://127.0.0.1:9"))
    assert TOKEN not in str(caught.value)
    short = tmp_path / "short"
    short.write_text("password\n")
    short.chmod(0o400)
    with pytest.raises(InputError, match="shorter") as caught:
        package.create_app(settings("http://127.0.0.1:9", token_file=str(short)))
    assert "password" not in str(caught.value)
