"""Checking: every line of a table against the chain's rules, the other lines, the balances and the fees."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ..amounts import Amount, Asset
from ..errors import InputError, InsufficientFunds, MultiwalletError, Reverted, TransportError, Unsupported, shown
from ..intents import Transfer
from ..ops import Op, run
from .combining import Combination, check_allowance
from .recipes import Recipe
from .scratch import Scratch
from .table import Line, LineError

if TYPE_CHECKING:
    from ..operations import AccountOperations
    from ..store import Store

__all__ = ["Checked", "Checker", "Survey"]

_TOGETHER: Final = 256  # lines whose recipients are looked at in one round
_MOST_ASSETS: Final = 500


@dataclass(frozen=True, slots=True)
class Checked:
    """A line that is right: a canonical recipient and an exact amount."""

    line: int
    to: str
    amount: Amount
    memo: str | None
    key: str | None


@dataclass(slots=True)
class Survey:
    """What the first reading found. ``fee`` is (expected, highest) of all transactions, in units of the coin."""

    scratch: Scratch
    lines: int = 0
    transactions: int = 0
    totals: dict[Asset, int] = field(default_factory=dict)
    counts: dict[Asset, int] = field(default_factory=dict)
    fee: tuple[int, int] | None = None
    errors: list[LineError] = field(default_factory=list)
    error_count: int = 0
    warnings: list[str] = field(default_factory=list)
    has_gas: bool = False

    def gas(self, line: int) -> int | None:
        """The gas of a line that needs more than the others."""
        return self.scratch.gas(line) if self.has_gas else None


class Checker:
    """One check of one table."""

    def __init__(
        self,
        operations: AccountOperations,
        perform: Callable[..., Any],
        recipe: Recipe,
        scratch: Scratch,
        combination: Combination | None,
        most_errors: int,
        *,
        allow_duplicates: bool,
    ) -> None:
        self._operations = operations
        self._perform = perform
        self._recipe = recipe
        self._scratch = scratch
        self._combination = combination
        self._most = most_errors
        self._allow_duplicates = allow_duplicates
        self._assets: dict[str | None, Asset | MultiwalletError] = {}
        self._samples: dict[Asset, list[tuple[int, int, Checked]]] = {}

    # -- the first reading -------------------------------------------------------------------------

    def survey(
        self,
        lines: Iterable[Line | LineError],
        speed: str,
        told: Callable[[str, int, int | None], None],
        store: Store | None,
    ) -> Survey:
        """Read every line, and then hold all of them together against balances and fees."""
        survey = Survey(self._scratch)
        waiting: list[Checked] = []
        for line in lines:
            survey.lines += 1
            found = line if isinstance(line, LineError) else self._check(line)
            if isinstance(found, Checked):
                found = self._compare(found) or found
            if isinstance(found, LineError):
                self._note(survey, found)
            else:
                self._count(survey, found)
                waiting.append(found)
                if len(waiting) >= _TOGETHER:
                    self._look_at(survey, waiting)
                    waiting = []
            if not survey.lines % 1000:
                told("checked", survey.lines, None)
        if waiting:
            self._look_at(survey, waiting)
        if not survey.lines:
            self._note(survey, LineError(None, "lines", "there is no payment in the table"))
        if survey.counts:
            self._weigh(survey, speed, store)
        return survey

    def _note(self, survey: Survey, error: LineError) -> None:
        survey.error_count += 1
        if len(survey.errors) < self._most:
            survey.errors.append(error)

    def _check(self, line: Line) -> Checked | LineError:
        operations = self._operations
        try:
            to = operations.chain.parse_address(operations.network, line.to)
        except MultiwalletError as error:
            return LineError(line.number, "to", error.message)
        asset = self._asset(line.asset)
        if isinstance(asset, MultiwalletError):
            return LineError(line.number, "asset", asset.message)
        try:
            amount = Amount.parse(line.amount, asset)
        except MultiwalletError as error:
            return LineError(line.number, "amount", error.message)
        if not amount:
            return LineError(line.number, "amount", "it is zero: there is nothing to pay")
        if amount.units > self._recipe.largest(asset):
            return LineError(line.number, "amount", f"it is more than {operations.network.title} can count")
        if line.memo is not None:
            wrong = self._wrong_memo(line.memo, asset)
            if wrong is not None:
                return LineError(line.number, "memo", wrong)
        if line.key is not None and not (len(line.key) <= 255 and line.key.isprintable()):
            return LineError(line.number, "key", "a key is one line of text, of at most 255 characters")
        if operations.chain.family == "tron" and asset.is_native and to == operations.holder.address:
            return LineError(line.number, "to", "TRON refuses a transfer of TRX to oneself")
        return Checked(line.number, to, amount, line.memo, line.key)

    def _wrong_memo(self, memo: str, asset: Asset) -> str | None:
        if self._operations.chain.family == "evm" and not asset.is_native:
            return "a token transfer carries no memo on an EVM network"
        if self._operations.chain.family == "bitcoin" and len(memo.encode()) > 80:
            return "a memo has at most 80 bytes on Bitcoin and its kin"
        if len(memo.encode()) > 512:
            return "a memo has at most 512 bytes here"
        return None

    def _asset(self, text: str | None) -> Asset | MultiwalletError:
        found = self._assets.get(text)
        if found is None:
            if len(self._assets) >= _MOST_ASSETS:
                return InputError(f"there are more than {_MOST_ASSETS} different assets in the table")
            symbol = self._operations.network.native.symbol
            try:
                native = text is None or text.upper() == symbol
                found = run(self._operations.asset(None if native else text), self._perform)
            except TransportError:
                raise
            except MultiwalletError as error:
                hint = "" if "/" in (text or "") else f" (an asset is {symbol}, a contract or mint, or a CAIP-19 id)"
                found = InputError(f"{shown(text)} is no asset of this network: {error.message}{hint}")
            self._assets[text] = found
        return found

    def _compare(self, found: Checked) -> LineError | None:
        """The line that says the same, or that uses the same key."""
        if found.key is not None:
            before = self._scratch.seen("key", (found.key,), found.line)
            return None if before is None else LineError(found.line, "key", f"line {before} has the same key")
        if self._allow_duplicates:
            return None
        amount = found.amount
        parts = (found.to, str(amount.units), amount.asset.id, found.memo or "")
        before = self._scratch.seen("payment", parts, found.line)
        if before is None:
            return None
        told = f"it pays the same as line {before}: take one out, give each a key, or allow duplicates"
        return LineError(found.line, "line", told)

    def _count(self, survey: Survey, found: Checked) -> None:
        asset = found.amount.asset
        survey.totals[asset] = survey.totals.get(asset, 0) + found.amount.units
        survey.counts[asset] = survey.counts.get(asset, 0) + 1
        # A sample that does not depend on the order: the lines with the lowest hashes.
        rank = int.from_bytes(hashlib.blake2b(f"{found.line}:{found.to}".encode(), digest_size=8).digest(), "big")
        kept = self._samples.setdefault(asset, [])
        if len(kept) < self._recipe.samples:
            heapq.heappush(kept, (-rank, found.line, found))
        elif -kept[0][0] > rank:
            heapq.heapreplace(kept, (-rank, found.line, found))

    def _look_at(self, survey: Survey, lines: list[Checked]) -> None:
        if survey.error_count >= self._most:
            return
        if self._combination is not None and self._combination.disperse is not None:
            # The contract pays all others.
            lines = [item for item in lines if item.memo is not None or item.key is not None]
        asked = [(item.line, item.to, item.amount.units, item.amount.asset.is_native) for item in lines]
        gas, wrong = run(self._recipe.check_recipients(asked), self._perform)
        if gas:
            survey.has_gas = True
            self._scratch.keep_gas(gas)
        for number, message in wrong.items():
            self._note(survey, LineError(number, self._recipe.blames, message))

    # -- all lines together ------------------------------------------------------------------------

    def _weigh(self, survey: Survey, speed: str, store: Store | None) -> None:
        """Totals and fees against balances, with the cost of samples for that of the others."""
        operations, native = self._operations, self._operations.network.native
        available: dict[Asset, int] = {}
        short = False
        for asset in {**survey.totals, native: 0}:
            available[asset] = run(operations.balance(asset), self._perform).available.units
            total = survey.totals.get(asset, 0)
            if available[asset] < total:
                short = True
                told = f"{Amount(total, asset)} are to be paid, and the account has {Amount(available[asset], asset)}"
                self._note(survey, LineError(None, "balance", told))
        disperse = None if self._combination is None else self._combination.disperse
        for asset, total in survey.totals.items() if disperse is not None else ():
            if not asset.is_native and (
                wrong := run(check_allowance(operations, disperse or "", asset, total), self._perform)
            ):
                short = True
                self._note(survey, LineError(None, "allowance", wrong))
        if short or survey.error_count:
            return
        start = 0 if store is None else _next_nonce(store, operations)
        run(self._recipe.prepare(start), self._perform)
        expected = highest = transactions = 0
        for asset, count in survey.counts.items():
            built = self._build(survey, asset, speed)
            if not built:
                return
            self._recipe.learn(asset, built)
            size = 1 if self._combination is None else self._combination.fits(asset)
            groups = -(-count // size)
            each = self._recipe.costs[asset.id]
            transactions += groups
            # A line in a group costs less than alone; how much less shows when the group is made.
            expected += each[0] * (count if disperse is not None else groups)
            highest += each[1] * (count if disperse is not None else groups)
        survey.transactions = transactions
        survey.fee = expected, max(highest, expected)
        self._afford(survey, available[native], survey.totals.get(native, 0))

    def _build(self, survey: Survey, asset: Asset, speed: str) -> list[Any]:
        built = []
        for _, number, sample in sorted(self._samples[asset], key=lambda kept: kept[1]):
            try:
                built.append(run(self._sample(sample, speed), self._perform))
            except InsufficientFunds as error:
                self._note(survey, LineError(None, "balance", error.message))
                return []
            except (InputError, Unsupported, Reverted) as error:
                self._note(survey, LineError(number, "line", error.message))
        return built

    def _sample(self, sample: Checked, speed: str) -> Op[Any]:
        transfer = Transfer(sample.to, sample.amount, sample.amount.asset)
        native = dict(self._recipe.sample_options)
        options = {"speed": speed, "max_fee": None, "memo": sample.memo, "native": native}
        return self._operations.build((transfer,), options)

    def _afford(self, survey: Survey, available: int, total: int) -> None:
        native = self._operations.network.native
        assert survey.fee is not None  # set by the caller
        expected, highest = (Amount(units, native) for units in survey.fee)
        held, paid = Amount(available, native), Amount(total, native)
        if available < total + expected.units:
            told = f"{paid} and fees of about {expected} are needed, and the account has {held}"
            self._note(survey, LineError(None, "fees", told))
        elif available < total + highest.units:
            survey.warnings.append(
                f"fees may reach {highest}, and beside the payments the account has {held - paid}: "
                "it may run out before the last line"
            )

    # -- the second reading ------------------------------------------------------------------------

    def groups(self, lines: Iterable[Line | LineError]) -> Iterator[list[Checked]]:
        """The lines again, each alone or with the neighbours that one transaction pays with it."""
        group: list[Checked] = []
        for line in lines:
            found = line if isinstance(line, LineError) else self._check(line)
            if isinstance(found, LineError):
                raise InputError("the table was changed while it was read: plan it again")
            alone = self._combination is None or found.memo is not None or found.key is not None
            full = (
                group and self._combination is not None and len(group) >= self._combination.fits(group[0].amount.asset)
            )
            if group and (alone or full or group[0].amount.asset != found.amount.asset):
                yield group
                group = []
            if alone:
                yield [found]
            else:
                group.append(found)
        if group:
            yield group


def _next_nonce(store: Store, operations: AccountOperations) -> int:
    """The first nonce of the account that the store has given to nobody."""
    from ..outbox.requests import lane_of
    from ..store.batches import next_nonce

    return next_nonce(store, lane_of(operations))
