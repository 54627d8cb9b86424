"""Whether a plan says one thing: its header, its lines and the transactions in it. A file may have been changed."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..amounts import Amount, Asset
from ..codec import abi
from ..errors import InputError, InvalidTransaction, MultiwalletError
from ..transactions import UnsignedTransaction
from .plan_file import Header, Record, open_plan

if TYPE_CHECKING:
    from ..operations import AccountOperations

__all__ = ["Agreement", "native_of"]

_PLAIN_KEYS: Final = frozenset(
    ("chainId", "nonce", "to", "value", "gas", "data", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "type")
)
_CHANGED: Final = "the plan was changed, do not sign it: plan the table anew"


def native_of(record: Record) -> Any:
    """A plan's transaction as ``account.sign`` takes it."""
    made = record.transaction
    if isinstance(made, dict) and "multiwallet" in made:
        return json.dumps(made)
    return made


class Agreement:
    """What the header of a plan states, to hold its lines and their transactions against.

    The person who signs is shown the header: so its totals must be those of the lines, and each transaction must pay
    its own lines and nothing else. Raises InputError for a header whose assets make no sense.
    """

    def __init__(self, operations: AccountOperations, header: Header) -> None:
        self._operations = operations
        self._header = header
        self._native = operations.network.native
        self._totals: dict[str, int] = {}
        self._assets: dict[str, Asset] = {}
        self._fees = 0
        fee = header.facts.get("fee")
        try:
            self._highest = 0 if fee is None else Amount.parse(fee["maximum"]["amount"], self._native).units
        except (KeyError, TypeError, MultiwalletError):
            raise InputError(f"the fees in the plan's header make no sense: {_CHANGED}") from None
        for stated in header.facts.get("assets", ()):
            try:
                asset = Asset(stated["asset"], stated["symbol"], stated["decimals"])
                if asset.id == self._native.id:
                    right = asset.symbol == self._native.symbol and asset.decimals == self._native.decimals
                    asset = self._native
                else:
                    right = asset.network_id == operations.network.id
                total = Amount.parse(stated["amount"], asset).units
                right = right and str(total) == stated["units"] and asset.id not in self._assets
            except (KeyError, TypeError, MultiwalletError):
                right = False
            if not right:
                raise InputError(f"the totals in the plan's header make no sense: {_CHANGED}")
            self._assets[asset.id], self._totals[asset.id] = asset, total

    def check_totals(self, plan: str | os.PathLike[str]) -> None:
        """Read the whole plan; InputError unless its lines come to what its header says."""
        sums = dict.fromkeys(self._totals, 0)
        lines = 0
        for record in open_plan(plan):
            for units in self._units(record):
                lines += 1
                sums[self._asset(record).id] += units
        if sums != self._totals or lines != self._header.lines:
            raise InputError(f"the lines of the plan come to other totals than its header says: {_CHANGED}")

    def check(self, record: Record, unsigned: UnsignedTransaction | None = None) -> None:
        """Raise InvalidTransaction unless the transaction of a line, if it has one, pays just what the line says.

        The fees of all that were checked are held against those of the header. Each line is checked once.
        """
        made = record.transaction
        if made is None:
            return
        if record.call is None and isinstance(made, dict) and "multiwallet" not in made:
            same = self._is_plain(record, made)
        else:
            same = self._is_summed_up(record, unsigned or self._operations.adopt(native_of(record)))
        if self._fees > self._highest:
            highest = Amount(self._highest, self._native)
            raise InvalidTransaction(f"line {record.line}: the fees go beyond the header's {highest}: {_CHANGED}")
        if not same:
            raise InvalidTransaction(f"line {record.line}: its transaction does not pay what the line says: {_CHANGED}")

    def _asset(self, record: Record) -> Asset:
        asset = self._assets.get(record.asset or self._native.id)
        if asset is None:
            raise InputError(f"line {record.line} of the table pays an asset that the header does not name: {_CHANGED}")
        return asset

    def _units(self, record: Record) -> list[int]:
        asset = self._asset(record)
        return [Amount.parse(amount, asset).units for _, _, amount in record.payments]

    def _is_plain(self, record: Record, made: Mapping[str, Any]) -> bool:
        """One payment as a dict with eth-account's keys: compared key by key, which is quick."""
        if len(record.payments) != 1:
            return False
        ((_, to, _),), (units,) = record.payments, self._units(record)
        asset = self._asset(record)
        wanted: tuple[str, int, str] = to, units, "" if record.memo is None else "0x" + record.memo.encode().hex()
        if not asset.is_native:
            wanted = asset.reference, 0, "0x" + abi.encode_call("transfer(address,uint256)", (to, units)).hex()
        found = made.get("to"), made.get("value"), made.get("data", "")
        numbers = made.get("value"), made.get("gas"), made.get("gasPrice", made.get("maxFeePerGas"))
        if not (_PLAIN_KEYS.issuperset(made) and all(type(number) is int for number in numbers) and found == wanted):
            return False
        self._fees += numbers[1] * numbers[2]
        return True

    def _is_summed_up(self, record: Record, unsigned: UnsignedTransaction) -> bool:
        """Anything else: what its bytes are read as is compared."""
        asset = self._asset(record)
        if not asset.is_native:
            unsigned = replace(unsigned, assets=(asset,))  # so that raw units are not taken for whole ones
        wanted = [(to, units) for (_, to, _), units in zip(record.payments, self._units(record), strict=True)]
        summary = unsigned.summary
        self._fees += summary.fee.maximum.units
        actions = [action for action in summary.actions if action.kind != "change"]
        if record.call is not None:
            handed = actions[0].amount.units if actions and actions[0].amount is not None else 0
            passed_on = sum(units for _, units in wanted) if asset.is_native else 0
            if not actions or (actions[0].kind, actions[0].to, handed) != ("call", record.call[0], passed_on):
                return False
            actions = actions[1:]
        found = [
            (action.to, action.amount.units)
            for action in actions
            if action.kind == "transfer" and action.amount is not None and action.amount.asset == asset
        ]
        return len(found) == len(actions) and Counter(found) == Counter(wanted)  # outputs are put in no telling order
