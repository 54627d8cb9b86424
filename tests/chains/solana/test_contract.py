"""The contract of every family, kept by Solana on LiteSVM through the wallet's own faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from multiwallet.account import Account
from multiwallet.amounts import Asset
from multiwallet.ops import Effect, Outcome, Sleep
from multiwallet.testing import ChainContract


class Transport:
    """The node of conftest behind a transport's interface."""

    def __init__(self, node: Any) -> None:
        self.node = node

    def perform(self, effects: Sequence[Effect]) -> list[Outcome]:
        return [None if isinstance(effect, Sleep) else self.node.answer(effect) for effect in effects]


class TestSolana(ChainContract):
    network = "solana"
    valid_addresses: ClassVar = ["29fYgaZCZE6hCtwUcuNMVZbv8jYiGHeYwpDsRaA8KgCZ", "11111111111111111111111111111111"]
    invalid_addresses: ClassVar = [
        "29fYgaZCZE6hCtwUcuNMVZbv8jYiGHeYwpDsRaA8KgC",
        "29fYgaZCZE6hCtwUcuNMVZbv8jYiGHeYwpDsRaA8KgCZ2",
        "0x9858EfFD232B4033E47d90003D41EC34EcaEda94",
        "29fYgaZCZE6hCtwUcuNMVZbv8jYiGHeYwpDsRaA8Kg0Z",
    ]

    @pytest.fixture(autouse=True)
    def _node(self, node: Any) -> None:
        self.node = node

    def open_transport(self) -> Any:
        return Transport(self.node)

    def fund(self, transport: Any, account: Account, amount: str) -> None:
        self.node.fund(account.address, account.network.amount(amount).units)

    def deploy_token(self, transport: Any, account: Account) -> Asset:
        mint = self.node.mint(6)
        self.node.give(mint, account.address, 10**9)
        return Asset(f"{account.network.id}/token:{mint}", "TOK", 6)
