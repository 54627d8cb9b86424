"""Planning: every line is checked before anything else happens, and what will be signed is written to a file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..amounts import Amount, Asset
from ..errors import ChainError, InputError, shown
from ..ops import run
from ..outbox.requests import lane_of, reopen
from ..store.batches import named_alike
from ..transactions import Fee, amount_dict, fee_dict
from .belonging import outpoints
from .checking import Checker, Survey
from .combining import Combination
from .plan_file import Header, PlanWriter, Record, read_header
from .recipes import EvmRecipe, Recipe, recipe_for
from .scratch import Scratch
from .signing import check_account
from .table import Line, LineError, digest_of, read_table

if TYPE_CHECKING:
    from ..account import Account
    from ..operations import AccountOperations
    from ..store import Store
    from ..wallet import Wallet

__all__ = ["Planned", "account_for", "account_of", "plan"]


@dataclass(frozen=True, slots=True)
class Planned:
    """What came of planning. With ``errors`` nothing was written, and ``error_count`` says how many there are in all.

    ``totals`` are what is paid of each asset, ``fee`` what all transactions cost together. ``warnings`` are sentences
    to read before signing. ``offline`` says whether the plan can be signed on another machine.
    """

    id: str
    lines: int
    transactions: int
    totals: tuple[Amount, ...]
    fee: Fee | None
    offline: bool
    warnings: tuple[str, ...] = ()
    errors: tuple[LineError, ...] = ()
    error_count: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is a plan."""
        return not self.error_count

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "id": self.id,
            "ok": self.ok,
            "lines": self.lines,
            "transactions": self.transactions,
            "totals": [amount_dict(total) for total in self.totals],
            "fee": None if self.fee is None else fee_dict(self.fee),
            "offline": self.offline,
            "warnings": list(self.warnings),
            "error_count": self.error_count,
            "errors": [{"line": e.line, "field": e.field, "message": e.message} for e in self.errors],
            **self.facts,
        }


def plan(
    account: Account,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    format: str | None = None,
    name: str | None = None,
    speed: str = "normal",
    allow_duplicates: bool = False,
    combine: int | bool = False,
    disperse: str | None = None,
    store: Store | None = None,
    overwrite: bool = False,
    most_errors: int = 1000,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Planned:
    """Check every line of a table of payments, and write a plan of them to ``target`` if none is wrong.

    ``source`` is a CSV, JSON-lines or Parquet file (see :func:`multiwallet.payouts.read_table`). The account is asked
    for its balances and the chain for its prices; nothing is signed, sent or changed. The batch is named after the
    file's content and the account, so that the same file planned twice is paid once; ``name`` makes it another batch.
    ``combine`` pays up to so many neighbouring lines (True: as many as is usual) in one transaction, on EVM networks
    through the contract at ``disperse``. ``store`` is asked for nonces that are given out already; without it the store
    of ``wallet.open_outbox`` is. At most ``most_errors`` errors are kept, and all are counted. ``progress(what, done,
    total)`` is called now and then.

    Raises InputError for a file that cannot be read or a target that exists (unless ``overwrite``), StoreError where
    the plan cannot be written, Unsupported for families without an outbox, and the errors of the network.
    """
    operations, perform = account._operations, account._wallet._perform
    recipe = recipe_for(operations, speed)
    combination = None
    if combine:
        most = None if combine is True else combine
        combination = Combination(operations, recipe, most=most, disperse=disperse)
    elif disperse is not None:
        raise InputError("a disperse contract pays several lines at once: say combine= as well")
    if name is not None and not (name.isprintable() and 0 < len(name) <= 64):
        raise InputError("the name of a batch is one line of text, of at most 64 characters")
    if os.path.exists(target) and not overwrite:
        raise InputError(f"there is a file {shown(os.path.basename(target))} already: name another one, or remove it")
    if os.path.exists(target) and os.path.exists(source) and os.path.samefile(source, target):
        raise InputError("the plan would take the place of its table: name another file")
    lane, content = lane_of(operations), digest_of(source)
    id_ = hashlib.sha256(json.dumps([lane, content, name]).encode()).hexdigest()[:16]
    structure = [lane, content, name, None if combination is None else combination.describe()]
    digest = hashlib.sha256(json.dumps(structure).encode()).hexdigest()
    told = progress or (lambda what, done, total: None)
    with Scratch() as scratch:
        checker = Checker(
            operations, perform, recipe, scratch, combination, most_errors, allow_duplicates=allow_duplicates
        )
        known = store or _store_of(account)
        survey = checker.survey(read_table(source, format), speed, told, known)
        transactions = survey.transactions
        if known is not None and name is None:
            others = [other for other in named_alike(known, lane, os.path.basename(os.fspath(source))) if other != id_]
            if others:
                survey.warnings.append(
                    f"the store has another batch of a table of this name ({others[-1]}): this one is not the same, "
                    "and what both have is paid again unless it has the same key in the column key"
                )
        totals = tuple(Amount(units, asset) for asset, units in survey.totals.items())
        fee = None if survey.fee is None else _fee(survey.fee, operations.network.native)
        offline = recipe.offline or (combination is not None and operations.chain.family == "bitcoin")
        if not survey.error_count:
            told_apart = _Writing(checker, survey, recipe, combination, id_, perform, speed)
            try:
                with PlanWriter(target, overwrite=overwrite) as writer:
                    for record in told_apart.records(read_table(source, format)):
                        writer.add(record)
                        told("planned", told_apart.lines, survey.lines)
                    if digest_of(source) != content:
                        raise InputError("the table was changed while it was read: plan it again")
                    facts = {
                        "speed": speed,
                        "source": {"name": os.path.basename(os.fspath(source)), "sha256": content},
                        "combine": None if combination is None else combination.describe(),
                        "assets": [amount_dict(total) for total in totals],
                        "fee": None if (fee := told_apart.fee) is None else fee_dict(fee),
                        "signing": "offline" if offline else recipe.reason,
                        **recipe.facts(),
                    }
                    header = Header(
                        id_, digest, operations.network.id, lane, operations.holder.address, account_of(operations),
                        survey.lines, told_apart.transactions, offline, facts,
                    )  # fmt: skip
                    writer.finish(header)
            except ChainError as error:  # a group that cannot be made: too little money, or a contract that refuses
                survey.errors.append(LineError(None, "transaction", error.message))
                survey.error_count += 1
            else:
                fee, transactions = told_apart.fee, told_apart.transactions
    return Planned(
        id_,
        survey.lines,
        transactions,
        totals,
        fee,
        offline,
        tuple(survey.warnings),
        tuple(survey.errors),
        survey.error_count,
        recipe.facts(),
    )


def _store_of(account: Account) -> Store | None:
    outbox = account._wallet.outbox
    return None if outbox is None else outbox._operations.store


def account_of(operations: AccountOperations) -> dict[str, Any]:
    """Which account of a wallet this is, as plain JSON values."""
    holder = operations.holder
    return {
        "path": None if holder.path is None or holder.account_path is not None else str(holder.path),
        "whole": None if holder.account_path is None else str(holder.account_path),
        "kind": holder.kind,
    }


def _fee(units: tuple[int, int], native: Asset) -> Fee:
    return Fee(Amount(units[0], native), Amount(units[1], native))


class _Writing:
    """The second reading: each transaction, and what all of them come to."""

    def __init__(
        self,
        checker: Checker,
        survey: Survey,
        recipe: Recipe,
        combination: Combination | None,
        id_: str,
        perform: Callable[..., Any],
        speed: str,
    ) -> None:
        self.lines = self.transactions = 0
        self._checker = checker
        self._survey = survey
        self._recipe = recipe
        self._combination = combination
        self._id = id_
        self._perform = perform
        self._speed = speed
        self._fees = [0, 0]
        self._spent: list[str] = []

    @property
    def fee(self) -> Fee | None:
        """What all transactions come to: those that are built in full, and the others as the samples say."""
        if self._survey.fee is None:
            return None
        return _fee((self._fees[0], max(self._fees)), self._recipe.network.native)

    def records(self, lines: Iterable[Line | LineError]) -> Iterator[Record]:
        """The transactions of the table, in order."""
        recipe = self._recipe
        for position, group in enumerate(self._checker.groups(lines)):
            first = group[0]
            asset: Asset = first.amount.asset
            payments = tuple((item.line, item.to, item.amount.text) for item in group)
            reference = None if asset.is_native else asset.id
            record = Record(first.key or f"{self._id}:{first.line}", payments, reference, first.memo)
            if self._combination is not None and first.memo is None and first.key is None:
                call = self._combination.call(asset, [(item.line, item.to, item.amount) for item in group])
                record = replace(record, call=call)
                record = replace(record, transaction=self._group(self._combination, record, asset, position))
            else:
                gas = self._survey.gas(first.line)
                made = recipe.transaction(record, asset, first.amount.units, position, gas)
                record = replace(record, transaction=made)
                self._add(*recipe.cost(asset, made))
            self.transactions += 1
            self.lines += len(group)
            yield record

    def _add(self, expected: int, maximum: int) -> None:
        self._fees[0] += expected
        self._fees[1] += maximum

    def _group(self, combination: Combination, record: Record, asset: Asset, position: int) -> Any:
        family = self._recipe.operations.chain.family
        if isinstance(self._recipe, EvmRecipe):
            native: dict[str, Any] = {"nonce": self._recipe.nonce + position}
        elif family == "bitcoin":
            native = {"exclude": self._spent} if self._spent else {}
        else:
            self._add(*self._recipe.costs[asset.id])
            return None
        made = run(combination.build(record, self._speed, **native), self._perform)
        if family == "bitcoin":
            self._spent += outpoints(made.body)
        self._add(made.fee.expected.units, made.fee.maximum.units)
        if isinstance(self._recipe, EvmRecipe) and not asset.is_native:
            made = replace(made, assets=(asset,))  # so that its summary shows whole units, not raw ones
        return json.loads(made.to_json())


def account_for(wallet: Wallet, plan: str | os.PathLike[str]) -> Account:
    """The account of this wallet that a plan is paid from. InputError where the wallet does not hold it."""
    header = read_header(plan)
    if wallet.is_single_key:
        account = wallet.account(header.network, kind=str(header.account.get("kind") or "") or None)
        check_account(account._operations, header)
        return account
    stored = {name: header.account.get(name) for name in ("path", "whole", "kind")}
    if any(value is not None and not isinstance(value, str) for value in stored.values()):
        raise InputError("the header of this plan is not as it was written")
    return wallet._face(reopen(wallet._session, header.network, stored, header.lane))
