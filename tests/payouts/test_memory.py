"""Ten times the lines, the same memory."""

from __future__ import annotations

import pytest

CODE = """
import sys
from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.payouts import plan, sign
lines, folder = int(sys.argv[1]), sys.argv[2]
with Devnet() as devnet, Wallet.from_mnemonic(sys.argv[3], transport=devnet) as wallet:
    account = wallet.account("tron")
    devnet.fund(account, "100000000")
    people = [one.address for one in wallet.accounts("tron", start=10, count=500)]
    with open(folder + "/t.csv", "w") as file:
        file.write("to,amount\\n")
        for n in range(lines):
            file.write(f"{people[n % 500]},0.{n + 1:06}\\n")
    made = plan(account, folder + "/t.csv", folder + "/plan")
    assert made.ok, made.errors
    assert sign(account, folder + "/plan", folder + "/signed").signed == lines
"""


@pytest.mark.timeout(600)  # 220,000 lines are planned and signed: half a minute alone, more on a busy machine
@pytest.mark.parametrize(
    "fewer", [pytest.param(3_000, marks=pytest.mark.long), pytest.param(20_000, marks=pytest.mark.full)]
)
def test_memory_does_not_grow_with_the_lines(peak_memory, tmp_path, fewer):
    words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
    peaks = []
    for lines in (fewer, 10 * fewer):
        folder = tmp_path / str(lines)
        folder.mkdir()
        peaks.append(peak_memory(CODE, lines, folder, words))
    assert peaks[1] < peaks[0] + 16 * 1024, peaks  # KiB: less than a tenth of what the lines themselves would take
