"""The suite that every family must pass, over the ledger; on both networks."""

from __future__ import annotations

import sys
from pathlib import Path

from multiwallet.testing import ChainContract

sys.path.insert(0, str(Path(__file__).parent))
from ledger import Ledger


class TestStacks(ChainContract):
    network = "stacks"
    valid_addresses = ("SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7", "SPYMF6432YFAM1159GMQB0S9T0JZB5KHEGZJ3N23")
    invalid_addresses = (
        "SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ8",
        "ST2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKQYAC0RQ",
        "sp2j6zy48gv1ez5v2v5rb9mp66sw86pykknrv9ej7",
        "SP02J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7",
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
    )

    def open_transport(self):
        return Ledger(self.row)

    def fund(self, transport, account, amount):
        transport.give(account.address, account.network.amount(amount).units)


class TestStacksTestnet(TestStacks):
    network = "stacks-testnet"
    valid_addresses = ("ST2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKQYAC0RQ",)
    invalid_addresses = ("SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7",)
