"""What the tests of TON start from; the node they ask is in ton_node.py beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ton_node import WORDS, Node

from multiwallet import Wallet, network


@pytest.fixture
def node():
    return Node()


@pytest.fixture
def wallet(node):
    return Wallet.from_mnemonic(WORDS, transport=node)


@pytest.fixture
def payer(wallet):
    return wallet.account("ton")


@pytest.fixture
def payee(wallet):
    return wallet.account("ton", index=1)


@pytest.fixture
def row():
    return network("ton")
