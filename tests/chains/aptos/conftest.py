"""A wallet on the devnet's Aptos, and the pieces that tests build by hand."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.chains.aptos import Aptos
from multiwallet.devnet import Devnet
from multiwallet.ops import run

PHRASE = "test test test test test test test test test test test junk"


@pytest.fixture(scope="session")
def chain() -> Aptos:
    return Aptos()


@pytest.fixture
def world() -> Iterator[Any]:
    """``account`` with 5 APT, ``friend`` and ``third`` with nothing, on a devnet."""
    with Devnet() as devnet, Wallet.from_mnemonic(PHRASE, transport=devnet) as wallet:
        account, friend, third = (wallet.account("aptos", index=index) for index in range(3))
        devnet.fund(account, "5")
        yield SimpleNamespace(
            devnet=devnet,
            wallet=wallet,
            account=account,
            friend=friend,
            third=third,
            engine=devnet.engine("aptos"),
            run=lambda operation: run(operation, devnet.perform),
        )
