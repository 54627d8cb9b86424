"""The main job: the command line pays ten thousand lines, is killed three times on the way, and ends complete."""

from __future__ import annotations

import json
import time

import pytest

from multiwallet import Wallet
from multiwallet.devnet.server import serve
from multiwallet.payouts import status

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


def pay(chain, child, table, recipients, tmp_path, *, lines, kills, network="ethereum"):
    """Plan, sign and send through the command line over HTTP, and kill the sender so many times."""
    store, plan, signed = tmp_path / "payments.db", tmp_path / "plan.jsonl", tmp_path / "signed.jsonl"
    with serve(chain, networks=[network]) as server, Wallet.from_mnemonic(WORDS, transport=chain) as wallet:
        account = wallet.account(network)
        chain.fund(account, "100")
        people = recipients(account, 100)
        rows = [(people[n % 100], f"0.000{n:07}") for n in range(1, lines + 1)]
        source = table(rows)
        at = ["--endpoint", f"{network}={server.endpoints[network]}"]
        code, out, err = child("batch", "plan", source, "--network", network, "--out", plan, *at).end()
        assert code == 0, out + err
        code, out, err = child("batch", "sign", plan, "--out", signed, "--yes").end()
        assert code == 0, out + err
        sending = ["batch", "send", plan, signed, "--store", store, "--poll", "0.5", "--yes", "--json", *at]
        for kill in range(1, kills + 1):
            running = child(*sending)
            while running.process.poll() is None:  # until a further part of the lines is on its way
                time.sleep(0.1)
                if store.exists() and chain_nonce(chain, account) >= lines * kill // (kills + 1):
                    running.kill()
            assert running.end()[0] == -9
        before = chain_nonce(chain, account)
        code, out, err = child(*sending).end()
        assert code == 0, out + err
        told = json.loads(out)
        assert (told["complete"], told["states"]["confirmed"]) == (True, lines)
        assert 0 < before < lines
        # Each was paid once: every nonce is one line, and every recipient has what their lines say, to the last unit.
        assert chain_nonce(chain, account) == lines
        for person in people:
            due = sum(int(amount.replace(".", "")) for to, amount in rows if to == person) * 10**8
            assert chain_balance(chain, network, person) == due
        found = status(store, plan)
        assert (found.complete, found.final) == (True, lines)


def chain_nonce(chain, account):
    from multiwallet.ops import Rpc

    (answer,) = chain.perform([Rpc(account.network.id, "eth_getTransactionCount", [account.address, "latest"])])
    return int(answer, 16)


def chain_balance(chain, network, address):
    from multiwallet import network as row_of
    from multiwallet.ops import Rpc

    (answer,) = chain.perform([Rpc(row_of(network).id, "eth_getBalance", [address, "latest"])])
    return int(answer, 16)


@pytest.mark.long
def test_a_few_hundred_lines_and_three_kills(chain, child, table, recipients, tmp_path):
    pay(chain, child, table, recipients, tmp_path, lines=400, kills=3)


@pytest.mark.full
@pytest.mark.timeout(600)  # ten thousand blocks of a real engine: two minutes alone, more on a busy machine
def test_ten_thousand_lines_and_three_kills(chain, child, table, recipients, tmp_path):
    pay(chain, child, table, recipients, tmp_path, lines=10_000, kills=3)
