"""`multiwallet devnet` as a process, and other processes that use what it serves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
OTHER = "legal winner thank year wave sausage worth useful legal winner thank yellow"
PAID = {"bitcoin": "0.125", "ethereum": "0.5", "tron": "12.5", "solana": "0.75"}
FUNDED = {
    "bitcoin": "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu=1",
    "ethereum": "0x9858EfFD232B4033E47d90003D41EC34EcaEda94=10",
    "tron": "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH=5000",
    "solana": "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk=20",
}


def start(*arguments: str) -> subprocess.Popen[str]:
    import sys

    return subprocess.Popen(
        [sys.executable, "-c", "from multiwallet.cli import main; main()", "devnet", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A suite that runs in the background may have been started with interrupts ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def stop(process: subprocess.Popen[str], how: int = signal.SIGTERM) -> tuple[int, str]:
    process.send_signal(how)
    try:
        _, err = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return process.returncode, err


@pytest.fixture(scope="module")
def endpoints() -> Iterator[dict[str, str]]:
    """The endpoints that the command printed; it runs until the module is done."""
    funds = [part for name, rest in FUNDED.items() for part in ("--fund", f"{name}:{rest}")]
    process = start("--json", *funds)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()  # printed once everything listens
        assert line, process.stderr and process.stderr.read()
        yield json.loads(line)["endpoints"]
    finally:
        code, err = stop(process)
    assert (code, err) == (0, "")


def asked(endpoints: dict[str, str]) -> list[str]:
    return [part for name, url in endpoints.items() for part in ("--endpoint", f"{name}={url}")]


def test_it_serves_four_chains_on_this_machine(endpoints):
    assert set(endpoints) == set(PAID)
    assert all(url.startswith("http://127.0.0.1:") for url in endpoints.values())


def test_balances_over_http(child, endpoints):
    ended = child("balance", "--json", *asked(endpoints), MULTIWALLET_MNEMONIC=WORDS)
    assert ended.code == 0, ended.err
    assert {item["network"] for item in ended.json["balances"]} == set(PAID)
    assert all(int(item["total"]["units"]) > 0 for item in ended.json["balances"])


@pytest.mark.parametrize("name", PAID)
def test_money_moves_over_http(child, endpoints, name):
    (to,) = child("derive", "--network", name, "--json", MULTIWALLET_MNEMONIC=OTHER).json["addresses"]
    # the endpoint from the environment, as the printed `export` lines say it
    environment = {"MULTIWALLET_MNEMONIC": WORDS, f"MULTIWALLET_ENDPOINTS_{name.upper()}": endpoints[name]}
    payment = ["--network", name, "--to", to["address"], "--amount", PAID[name]]
    sent = child("send", *payment, "--yes", "--json", **environment)
    assert sent.code == 0, sent.err
    assert sent.json["status"] == "confirmed"
    status = child("status", sent.json["txid"], "--network", name, "--json", *asked(endpoints))
    assert status.json["status"] == "confirmed"
    held = child("balance", "--network", name, "--json", *asked(endpoints), MULTIWALLET_MNEMONIC=OTHER)
    assert held.json["balances"][0]["total"]["amount"] == PAID[name]


def test_a_person_sees_what_is_sent_and_can_decline(terminal, child, endpoints):
    payment = ["--network", "solana", "--to", "9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM", "--amount", "0.25"]
    for answer, code in (("n", 15), ("y", 0)):
        at = terminal("send", *payment, *asked(endpoints), MULTIWALLET_MNEMONIC=WORDS)
        at.expect("Sign and send it? [y/N] ")
        at.answer(answer + "\n")
        ended = at.end()
        assert ended.code == code, ended.err
        assert "transfer 0.25 SOL to 9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM" in ended.err
        assert ("txid" in ended.out) == (code == 0)


def test_without_a_terminal_nothing_is_sent(child, endpoints):
    (before,) = child("balance", "--network", "ethereum", "--json", *asked(endpoints), MULTIWALLET_MNEMONIC=WORDS).json[
        "balances"
    ]
    payment = ["--network", "ethereum", "--to", "0x" + "35" * 20, "--amount", "0.25"]
    ended = child("send", *payment, "--json", *asked(endpoints), MULTIWALLET_MNEMONIC=WORDS)
    assert (ended.code, ended.out) == (3, "")
    (after,) = child("balance", "--network", "ethereum", "--json", *asked(endpoints), MULTIWALLET_MNEMONIC=WORDS).json[
        "balances"
    ]
    assert after == before


def test_a_node_of_another_chain_is_found_out(child, endpoints):
    where = f"polygon={endpoints['ethereum']}"
    ended = child("balance", "--network", "polygon", "--endpoint", where, "--json", MULTIWALLET_MNEMONIC=WORDS)
    assert (ended.code, ended.error["code"]) == (12, "bad_response")


def test_ctrl_c_ends_it_and_frees_the_port():
    process = start("--network", "solana")
    assert process.stdout is not None
    line = process.stdout.readline()
    name, url = line.split()
    assert name == "solana"
    rest = [process.stdout.readline() for _ in range(3)]
    assert rest[-1].strip() == f"export MULTIWALLET_ENDPOINTS_SOLANA={url}"
    port = url.split(":")[2].split("/")[0]
    began = time.monotonic()
    code, err = stop(process, signal.SIGINT)
    assert (code, err) == (0, "stopped\n")
    assert time.monotonic() - began < 30
    again = start("--network", "solana", "--port", port)
    assert again.stdout is not None
    assert port in again.stdout.readline()
    assert stop(again)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--network", "nowhere"], 4),
        (["--fund", "ethereum"], 3),
        (["--fund", "ethereum:0x12=1"], 3),
        (["--fund", "ethereum:0x" + "35" * 20 + "=1.5.5"], 3),
        (["--host", "0.0.0.0", "--network", "solana"], 3),
        (["--port", "70000"], 2),
    ],
)
def test_what_cannot_be_served(child, arguments, code):
    ended = child("devnet", "--json", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert ended.error["code"] in ("usage", "unknown_network", "invalid_input", "invalid_address", "invalid_amount")


def test_a_port_that_is_taken(child, endpoints):
    port = endpoints["solana"].split(":")[2].split("/")[0]
    ended = child("devnet", "--network", "solana", "--port", port, "--json")
    assert (ended.code, ended.error["code"]) == (3, "invalid_input")
    assert os.path.basename(port) in ended.error["message"]
