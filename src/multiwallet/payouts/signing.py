"""Signing a plan: a stream from one file to another that may be cut off anywhere and goes on where it was."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path as FilePath
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self

from ..batch import BatchResult
from ..codec import json_text
from ..errors import InputError, MultiwalletError, SigningRefused, Unsupported
from ..outbox.requests import lane_of
from .agreement import Agreement, native_of
from .plan_file import Header, Record, cannot_write, locked, open_plan, read_header
from .table import LineError, digest_of

if TYPE_CHECKING:
    from ..account import Account
    from ..operations import AccountOperations

__all__ = ["Signed", "SignedLine", "check_account", "read_signed", "sign"]

_KIND: Final = "payouts/signed"
_LONGEST: Final = 16 * 1024 * 1024
_SYNC_LINES: Final = 1000
_SYNC_SECONDS: Final = 1.0

Executor = Callable[[Iterable[Any]], Iterator[BatchResult]]


@dataclass(frozen=True, slots=True)
class Signed:
    """What came of signing: transactions of the plan, how many are signed in all, how many just now.

    ``errors`` are the lines that could not be signed, at most a thousand of the ``failed`` ones.
    """

    id: str
    transactions: int
    signed: int
    now: int
    failed: int
    errors: tuple[LineError, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        named = {name: getattr(self, name) for name in ("id", "transactions", "signed", "now", "failed")}
        errors = [{"line": e.line, "field": e.field, "message": e.message} for e in self.errors]
        return {**named, "errors": errors}


@dataclass(frozen=True, slots=True)
class SignedLine:
    """One line of a signed file: the bytes, or the error in their place (``raw`` is None)."""

    line: int
    key: str
    txid: str = ""
    raw: str | None = None
    expiry: int | None = None
    error: str = ""


def sign(
    account: Account,
    plan: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    threads: int = 1,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    most_errors: int = 1000,
) -> Signed:
    """Sign the transactions of a plan into ``target``, one line each; no network is needed.

    The file holds complete lines only and is synced to the disk at least every second. After an interruption the
    same call goes on after the last complete line. A transaction that cannot be signed is a line with its error, and
    the others go on. ``threads`` sign ahead; ``executor`` takes the transactions instead and yields what
    ``account.sign_batch`` would. ``progress(done, total)`` is called after each line.

    Before anything is signed the plan's lines are added up: they must come to what its header says. A transaction that
    pays something else than its lines say ends the signing, since only a plan that was changed has one.

    Raises InputError for files that are no plan, were changed or belong to another one, SigningRefused for another account or one
    that cannot sign, Unsupported for a plan that is signed as it is sent, StoreError where the file cannot be written.
    """
    header = read_header(plan)
    operations = account._operations
    check_account(operations, header)
    operations.check_can_sign()
    if not header.offline:
        reason = str(header.facts.get("signing", "its transactions are made as they are sent"))[:300]
        raise Unsupported(f"this plan is not signed ahead: {reason}")
    agreement = Agreement(operations, header)
    agreement.check_totals(plan)
    with _SignedFile(target, header, digest_of(plan)) as file:
        records = _skipping(open_plan(plan), file)
        numbers: deque[Record] = deque()

        def items() -> Iterator[Any]:
            for record in records:
                agreement.check(record)
                numbers.append(record)
                yield native_of(record)

        work = executor or (lambda items: account.sign_batch(items, threads=threads))
        now, failed, errors = 0, file.failed, list(file.errors)
        if progress is not None:
            progress(file.done, header.transactions)
        results = work(items())
        try:
            for result in results:
                record = numbers.popleft()
                if isinstance(result, MultiwalletError):
                    failed += 1
                    if len(errors) < most_errors:
                        errors.append(LineError(record.line, "transaction", result.message))
                file.add(record, result)
                now += 1
                if progress is not None:
                    progress(file.done, header.transactions)
        finally:
            close = getattr(results, "close", None)
            if close is not None:
                close()
        file.sync()
        return Signed(header.id, header.transactions, file.done - failed, now, failed, tuple(errors[:most_errors]))


def check_account(operations: AccountOperations, header: Header) -> None:
    """Refuse a plan of another account or network."""
    if operations.network.id != header.network or lane_of(operations) != header.lane:
        raise SigningRefused(
            f"this plan is of the account {header.lane[:120]}, not of {lane_of(operations)}: open that one"
        )


def _skipping(records: Iterator[Record], file: _SignedFile) -> Iterator[Record]:
    """The transactions that are not signed yet; the last that is must stand where the plan has it."""
    last = None
    for last in islice(records, file.done):  # noqa: B007  # the last one is what is compared
        pass
    if file.done and (last is None or last.key != file.last_key):
        raise InputError("the signed file does not fit this plan: sign into another file")
    return records


def _private(path: str, flags: int) -> int:
    """Opens a file that nobody else may read when it is new: whoever has signed bytes can send them."""
    return os.open(path, flags, 0o600)


class _SignedFile:
    """The file that is signed into: complete lines only, appended."""

    def __init__(self, path: str | os.PathLike[str], header: Header, plan_digest: str) -> None:
        self.done = self.failed = 0
        self.errors: list[LineError] = []
        self.last_key = ""
        self._unsynced = 0
        self._synced = time.monotonic()
        wanted = {"multiwallet": _KIND, "version": 1, "plan": header.id, "digest": plan_digest}
        try:
            mode = "r+b" if os.path.exists(path) else "x+b"
            self._file: BinaryIO = open(FilePath(path), mode, opener=_private)  # type: ignore[assignment]  # noqa: SIM115  # a binary mode; closed by __exit__
        except (OSError, ValueError) as error:
            raise cannot_write("the signed transactions", error) from None
        try:
            self._lock()
            first = json.dumps(wanted).encode() + b"\n"
            whole = self._read(wanted)
            if not whole:
                self._file.seek(0)
                if not first.startswith(self._file.read(len(first) + 1)):  # half a header is ours, and nothing else is
                    raise InputError("this file holds something else than signed transactions of a plan")
            self._file.seek(whole)
            self._file.truncate()
            if not whole:
                self._write(first)
                self.sync()
        except OSError as error:
            self._file.close()
            raise cannot_write("the signed transactions", error) from None
        except BaseException:
            self._file.close()
            raise

    def _lock(self) -> None:
        if not locked(self._file):
            raise InputError("another process is signing into this file")

    def _read(self, wanted: dict[str, Any]) -> int:
        """Count the complete lines that are there; where the last of them ends."""
        end = 0
        for number, line in enumerate(iter(lambda: self._file.readline(_LONGEST + 1), b"")):
            if not line.endswith(b"\n"):
                break  # a line that was cut off: it is signed again
            if not number:
                _check_header(line, wanted)
            else:
                found = _read_line(line, number + 1)
                self.done += 1
                self.last_key = found.key
                if found.raw is None:
                    self.failed += 1
                    if len(self.errors) < 1000:
                        self.errors.append(LineError(found.line, "transaction", found.error))
            end += len(line)
        return end

    def add(self, record: Record, result: BatchResult) -> None:
        """Append one line."""
        told: dict[str, Any] = {"line": record.line, "key": record.key}
        if isinstance(result, MultiwalletError):
            told["error"] = {"code": result.code, "message": result.message[:500]}
        else:
            told |= {"txid": result.txid, "raw": result.raw.hex(), "expiry": result.expiry}
        self._write(json.dumps(told, separators=(",", ":")).encode() + b"\n")
        self.done += 1
        self._unsynced += 1
        if self._unsynced >= _SYNC_LINES or time.monotonic() - self._synced >= _SYNC_SECONDS:
            self.sync()

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise cannot_write("the signed transactions", error) from None

    def sync(self) -> None:
        """Bring what was written to the disk."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise cannot_write("the signed transactions", error) from None
        self._unsynced, self._synced = 0, time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError as failure:
            if error is None:
                raise cannot_write("the signed transactions", failure) from None


def read_signed(path: str | os.PathLike[str], header: Header, plan_digest: str) -> Iterator[SignedLine]:
    """The complete lines of a signed file of a plan, lazily; InputError for a file that is none of it."""
    wanted = {"multiwallet": _KIND, "version": 1, "plan": header.id, "digest": plan_digest}
    try:
        file = open(path, "rb")  # noqa: SIM115  # closed below
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise InputError(f"cannot read the signed transactions: {reason}") from None
    with file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST + 1), b"")):
            if not line.endswith(b"\n"):
                return
            if not number:
                _check_header(line, wanted)
            else:
                yield _read_line(line, number + 1)


def _check_header(line: bytes, wanted: dict[str, Any]) -> None:
    found = json_text.parse(line, what="the first line of the signed file")
    if not isinstance(found, dict) or found.get("multiwallet") != _KIND:
        raise InputError("this file holds something else than signed transactions of a plan")
    if found != wanted:
        raise InputError("the signed file belongs to another plan: sign this one into another file")


def _read_line(line: bytes, number: int) -> SignedLine:
    found = json_text.parse(line, what=f"line {number} of the signed file")
    try:
        error = found.get("error")
        if error is not None:
            return SignedLine(found["line"], str(found["key"]), error=str(error["message"]))
        made = SignedLine(found["line"], found["key"], found["txid"], found["raw"], found["expiry"])
        if all(isinstance(text, str) for text in (made.key, made.txid, made.raw)) and type(made.line) is int:
            return made
    except (KeyError, TypeError, AttributeError):
        pass
    raise InputError(f"line {number} of the signed file is not as it was written")
