"""What a lying node must not make anybody pay."""

from __future__ import annotations

from typing import Any

import pytest

from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.errors import InputError
from multiwallet.ops import Rest

WORDS = "test test test test test test test test test test test junk"


class Dear:
    """A devnet whose simulations tell of two million units of gas."""

    def __init__(self, devnet: Devnet) -> None:
        self.devnet = devnet

    def perform(self, effects: Any) -> list[Any]:
        outcomes = list(self.devnet.perform(effects))
        for effect, outcome in zip(effects, outcomes, strict=True):
            if isinstance(effect, Rest) and effect.path == "transactions/simulate":
                outcome[0]["gas_used"] = "1999999"
        return outcomes


def test_a_price_of_ones_own_is_no_leave_for_any_amount_of_gas() -> None:
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=Dear(devnet)) as wallet:
        account, friend = wallet.account("aptos"), wallet.account("aptos", index=1)
        devnet.fund(account, "100")
        for options in ({}, {"gas_unit_price": 150}):
            with pytest.raises(InputError, match="max_fee"):
                account.build(to=friend.address, amount="1", **options)
        both = account.build(to=friend.address, amount="1", gas_unit_price=150, max_gas_amount=2_000_000)
        assert both.fee.maximum.text == "3"
