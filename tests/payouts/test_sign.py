"""Signing: cut off anywhere and gone on with, byte for byte the same; a full disk loses nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from multiwallet import Wallet
from multiwallet.errors import InputError, SigningRefused, StoreError
from multiwallet.payouts import account_for, plan, sign
from multiwallet.payouts.plan_file import open_plan

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


@pytest.fixture
def planned(payer, table, recipients, tmp_path):
    """``planned("tron", 5)``: the account and its plan file."""

    def make(network, count=20):
        account = payer(network)
        assert plan(account, table([(to, "0.01") for to in recipients(account, count)]), tmp_path / "plan").ok
        return account, tmp_path / "plan"

    return make


def body(path):
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("network", ["ethereum", "tron"])
def test_what_is_signed_is_what_the_plan_says(planned, tmp_path, network):
    account, file = planned(network)
    with Wallet.from_mnemonic(WORDS) as offline:  # no transport: it could ask nobody
        signed = sign(account_for(offline, file), file, tmp_path / "signed")
    assert (signed.signed, signed.now, signed.failed) == (20, 20, 0)
    chain = account._operations.chain
    for record, line in zip(open_plan(file), body(tmp_path / "signed")[1:], strict=True):
        told = json.loads(line)
        read = chain.parse_signed(account.network, told["raw"])
        assert (told["key"], told["txid"]) == (record.key, read.txid)
        assert read.raw == account.sign(record.transaction).raw


@pytest.mark.parametrize("network", ["ethereum", "tron"])
def test_cut_off_anywhere_it_goes_on(planned, tmp_path, network):
    account, file = planned(network, 6)
    target = tmp_path / "signed"
    sign(account, file, target)
    whole = target.read_bytes()
    ends = [0] + [place + 1 for place, byte in enumerate(whole) if byte == 10]
    for cut in sorted({*range(0, len(whole), 97), *ends, len(whole)}):
        target.write_bytes(whole[:cut])
        again = sign(account, file, target)
        assert target.read_bytes() == whole
        assert again.now == 6 - max(0, sum(end <= cut for end in ends) - 2)


def test_threads_and_an_executor_of_ones_own(planned, tmp_path):
    account, file = planned("ethereum", 50)
    sign(account, file, tmp_path / "one")
    sign(account, file, tmp_path / "two", threads=2)
    sign(account, file, tmp_path / "three", executor=lambda items: account.sign_batch(items))
    assert body(tmp_path / "one") == body(tmp_path / "two") == body(tmp_path / "three")


def test_a_line_that_cannot_be_signed_is_an_error_in_its_place(planned, tmp_path):
    account, file = planned("ethereum", 5)
    lines = body(file)
    wrong = json.loads(lines[3])
    wrong["transaction"]["chainId"] = 5
    lines[3] = json.dumps(wrong).encode() + b"\n"
    file.write_bytes(b"".join(lines))
    seen = []
    signed = sign(account, file, tmp_path / "signed", progress=lambda done, total: seen.append((done, total)))
    assert (signed.signed, signed.failed) == (4, 1)
    assert (signed.errors[0].line, "chain" in signed.errors[0].message) == (4, True)
    assert seen[-1] == (5, 5)
    again = sign(account, file, tmp_path / "signed")
    assert (again.signed, again.now, again.failed, again.errors[0].line) == (4, 0, 1, 4)


def test_files_that_do_not_belong_together(planned, payer, table, recipients, tmp_path):
    account, file = planned("ethereum", 3)
    sign(account, file, tmp_path / "signed")
    before = body(tmp_path / "signed")
    plan(account, table([(recipients(account, 1)[0], "0.5")]), tmp_path / "other")
    with pytest.raises(InputError, match="another plan"):
        sign(account, tmp_path / "other", tmp_path / "signed")
    with pytest.raises(InputError, match="something else"):
        sign(account, file, tmp_path / "other")
    with pytest.raises(SigningRefused, match="of the account"):
        sign(account._wallet.account("ethereum", index=1), file, tmp_path / "signed")
    watching = Wallet.from_xpub("ethereum", account.extended_public_key())
    with pytest.raises(SigningRefused, match="watch-only"):
        sign(watching.account("ethereum"), file, tmp_path / "signed")
    with pytest.raises(StoreError, match="No such file"):
        sign(account, file, tmp_path / "nowhere" / "signed")
    assert body(tmp_path / "signed") == before


def test_one_process_signs_into_a_file(planned, tmp_path):
    fcntl = pytest.importorskip("fcntl", reason="file locks are tested where the system has them")
    account, file = planned("ethereum", 3)
    sign(account, file, tmp_path / "signed")
    with open(tmp_path / "signed", "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process"):
            sign(account, file, tmp_path / "signed")
    assert sign(account, file, tmp_path / "signed").now == 0


FULL = """
import resource, signal, sys
from multiwallet import Wallet
from multiwallet.errors import StoreError
from multiwallet.payouts import account_for, sign
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
with Wallet.from_mnemonic(sys.argv[4]) as wallet:
    try:
        sign(account_for(wallet, sys.argv[1]), sys.argv[1], sys.argv[2])
    except StoreError as error:
        print(error)
"""


def test_a_full_disk_is_a_clear_error_and_nothing_is_lost(planned, tmp_path):
    """The limit on a file's size stands for the disk's end: the write fails in the middle of a line."""
    account, file = planned("ethereum", 100)
    target = tmp_path / "signed"
    ended = subprocess.run(
        [sys.executable, "-c", FULL, file, target, "10000", WORDS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("cannot write the signed transactions: File too large")
    assert 0 < target.stat().st_size <= 10_000
    kept = target.read_bytes()
    kept = kept[: kept.rindex(b"\n") + 1]
    signed = sign(account, file, target)
    assert 0 < signed.now < signed.signed == 100
    assert target.read_bytes().startswith(kept)
    sign(account, file, tmp_path / "whole")
    assert target.read_bytes() == (tmp_path / "whole").read_bytes()
