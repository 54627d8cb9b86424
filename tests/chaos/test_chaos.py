"""The fault harness itself, shortly on every family; and that it can fail: its proxy spoils, its verdict sees.

The long runs are `make chaos-long`; docs/reliability.md has their figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from chaos.proxy import FAULTS  # noqa: E402  # the harness stands beside the tests, not in the package
from chaos.readback import Seen  # noqa: E402  # as above
from chaos.verdict import judge  # noqa: E402  # as above

from multiwallet import Wallet  # noqa: E402  # as above
from multiwallet.devnet import Devnet  # noqa: E402  # as above
from multiwallet.outbox import Policy  # noqa: E402  # as above
from multiwallet.store import Store  # noqa: E402  # as above

WORDS = "test test test test test test test test test test test junk"


@pytest.mark.long
@pytest.mark.parametrize("family", ["ethereum", "tron", "solana", "bitcoin"])
def test_everything_is_paid_once_under_kills_and_faults(family, tmp_path):
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "chaos", "--family", family, "--sends", "40", "--kills", "5", "--seconds", "80"]
    ended = subprocess.run(
        [*command, "--processes", "3", "--tasks", "8", "--json", str(report)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        timeout=280,
        check=False,
    )
    assert report.exists(), ended.stderr.decode()[-3000:]
    found = json.loads(report.read_text())
    assert found["verdict"]["wrong"] == []
    assert ended.returncode == 0
    assert found["verdict"]["paid_once"] == 40
    assert found["kills"] >= 3
    assert sum(found["faults"].values()) >= 3


# -- the verdict --------------------------------------------------------------------------------------


@pytest.fixture
def paid(tmp_path):
    """Three payments on an embedded chain, and what a true reading of it would be."""
    with Devnet() as chain, Store(tmp_path / "payments.db") as store:
        wallet = Wallet.from_mnemonic(WORDS, transport=chain)
        wallet.open_outbox(store, Policy(poll=0, retry=0))
        account = wallet.account("ethereum")
        chain.fund(account, "1")
        targets = [other.address for other in wallet.accounts("ethereum", start=10, count=3)]
        for number, target in enumerate(targets):
            amount = account.network.amount("0.001")
            account.send(to=target, amount=amount, idempotency_key=f"order-{number}")
        wallet.outbox.run(until_idle=True, timeout=60)
        seen = Seen(paid=[10**15] * 3)
        for record in wallet.outbox.payments():
            seen.add(record.txid, record.nonce, True)
        yield store, seen, [10**15] * 3, targets


def test_a_true_reading_passes(paid):
    assert judge(*paid, []).wrong == []


def test_what_is_wrong_is_seen(paid):
    store, seen, wanted, targets = paid
    txids = list(seen.transactions)

    def wrong(**changes):
        copy = Seen(list(seen.paid), dict(seen.transactions), list(seen.twice))
        for name, value in changes.items():
            setattr(copy, name, value)
        return " | ".join(judge(store, copy, wanted, targets, []).wrong)

    assert "has 0 and not" in wrong(paid=[10**15, 0, 10**15])
    assert "has 2000000000000000 and not" in wrong(paid=[10**15, 2 * 10**15, 10**15])
    assert "does not know" in wrong(transactions={**seen.transactions, "0xabc": (3, True)})
    assert "without a gap" in wrong(transactions={txids[0]: (0, True), txids[1]: (1, True), txids[2]: (3, True)})
    assert "twice" in wrong(twice=[txids[0]])
    assert "bug" in " ".join(judge(store, seen, wanted, targets, ["bug KeyError"]).wrong)
    lost = judge(store, Seen([*seen.paid, 0], seen.transactions), [*wanted, 1], [*targets, "0x1"], [])
    assert "lost" in " ".join(lost.wrong)
    # Where the time was up, what nobody was answered for need not be there, and what somebody was answered for must.
    more = Seen([*seen.paid, 0], seen.transactions), [*wanted, 1], [*targets, "0x1"], []
    assert judge(store, *more, {0, 1, 2}).wrong == []
    assert "lost" in " ".join(judge(store, *more, {0, 1, 2, 3}).wrong)
    assert "has 7" in " ".join(judge(store, Seen([*seen.paid, 7], seen.transactions), *more[1:], {0}).wrong)


# -- the proxy ----------------------------------------------------------------------------------------


class _Node(BaseHTTPRequestHandler):
    """Counts, as an account does whose every request is a payment."""

    protocol_version = "HTTP/1.1"
    count = 5

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).count += 1
        asked = json.loads(body)
        answer = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": hex(type(self).count)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *words):
        pass


def test_the_proxy_spoils_in_every_way():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Node) as node:
        threading.Thread(target=node.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{node.server_address[1]}/x"
        proxy = subprocess.Popen(
            [sys.executable, "-m", "chaos.proxy", url, "7", "1"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            port = json.loads(proxy.stdout.readline())["port"]
            kinds = set()
            for number in range(120):
                kinds.add(_ask(f"http://127.0.0.1:{port}/", number))
                report = _tell(proxy, "report")
                if set(report["faults"]) == set(FAULTS):
                    break
            assert set(report["faults"]) == set(FAULTS)
            assert {"answer", "429", "502", "no JSON", "no answer"} <= kinds
            assert _Node.count - 5 == report["requests"]
            _tell(proxy, "quiet")
            assert [_ask(f"http://127.0.0.1:{port}/", number) for number in range(20)] == ["answer"] * 20
        finally:
            proxy.kill()
            proxy.wait()
            proxy.stdin.close()
            proxy.stdout.close()
            node.shutdown()


def _tell(proxy, word):
    proxy.stdin.write(word + "\n")
    proxy.stdin.flush()
    return json.loads(proxy.stdout.readline())


def _ask(url, number):
    body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "eth_getTransactionCount", "params": []}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=20) as reply:
            json.loads(reply.read())
            return "answer"
    except urllib.error.HTTPError as error:
        error.close()
        return str(error.code)
    except ValueError:
        return "no JSON"
    except OSError:
        return "no answer"
