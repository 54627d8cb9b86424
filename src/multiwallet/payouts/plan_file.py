"""The plan as a file: a header, then one line for each transaction. It holds no secret and says all that is signed."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from ..chain import Transfer
from ..codec import json_text
from ..errors import InputError, StoreError

__all__ = ["Header", "PlanWriter", "Record", "cannot_write", "locked", "open_plan", "part_of", "read_header"]

_KIND: Final = "payouts/plan"
_AMOUNT: Final = re.compile(r"[0-9]{1,78}(?:\.[0-9]{1,255})?", re.ASCII)
_LONGEST: Final = 16 * 1024 * 1024
_ROOM: Final = 128 * 1024  # for the header, which is known last: 500 assets fit


@dataclass(frozen=True, slots=True)
class Header:
    """What a plan is of, and what it comes to. ``facts`` are its further figures, as plain JSON values.

    ``id`` names the batch in the store; ``digest`` says how it was put together, which a new plan of the same batch
    must not change. ``account`` says which account of a wallet pays: its path, its whole account, its kind.
    """

    id: str
    digest: str
    network: str
    lane: str
    sender: str
    account: Mapping[str, Any]
    lines: int
    transactions: int
    offline: bool
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        named = {name: getattr(self, name) for name in _NAMES}
        return {"multiwallet": _KIND, "version": 1, **named, **self.facts}


_NAMES: Final = ("id", "digest", "network", "lane", "sender", "account", "lines", "transactions", "offline")
_TYPES: Final = (str, str, str, str, str, dict, int, int, bool)


@dataclass(frozen=True, slots=True)
class Record:
    """One transaction of a plan: the key it is paid under, and the lines it pays.

    ``payments`` are (line, recipient, amount) in whole units of ``asset`` (None: the coin). ``transaction`` is what
    ``account.sign`` takes, or None where it is made when it is sent. ``call`` is the contract call that pays several
    at once: its address, the coins it takes and its data.
    """

    key: str
    payments: tuple[tuple[int, str, str], ...]
    asset: str | None = None
    memo: str | None = None
    transaction: Any = None
    call: tuple[str, str, str] | None = None

    @property
    def line(self) -> int:
        """The first line that it pays."""
        return self.payments[0][0]

    @property
    def lines(self) -> tuple[int, ...]:
        """All lines that it pays."""
        return tuple(line for line, _, _ in self.payments)

    def transfers(self) -> tuple[Transfer, ...]:
        """The payment as ``account.send`` takes it."""
        if self.call is not None:
            return (Transfer(self.call[0], self.call[1], None),)
        return tuple(Transfer(to, amount, self.asset) for _, to, amount in self.payments)

    def options(self, speed: str) -> dict[str, Any]:
        """The options that go with :meth:`transfers`."""
        native = {} if self.call is None else {"data": self.call[2]}
        return {"speed": speed, "max_fee": None, "memo": self.memo, "native": native}

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        told: dict[str, Any] = {"line": self.line, "key": self.key}
        if len(self.payments) == 1 and self.call is None:
            told |= {"to": self.payments[0][1], "amount": self.payments[0][2]}
        else:
            told["payments"] = [list(payment) for payment in self.payments]
        told["asset"] = self.asset
        if self.memo is not None:
            told["memo"] = self.memo
        if self.call is not None:
            told["call"] = list(self.call)
        if self.transaction is not None:
            told["transaction"] = self.transaction
        return told

    @classmethod
    def from_dict(cls, told: Any) -> Record:
        """Read what :meth:`to_dict` wrote; InputError for anything else."""
        try:
            payments = told.get("payments")
            if payments is None:
                payments = [[told["line"], told["to"], told["amount"]]]
            read = tuple((line, to, amount) for line, to, amount in payments)
            call = told.get("call")
            record = cls(
                told["key"], read, told["asset"], told.get("memo"), told.get("transaction"), call and tuple(call)
            )
            texts = [record.key, *(text for _, to, amount in read for text in (to, amount)), *(record.call or ())]
            texts += [text for text in (record.asset, record.memo) if text is not None]
            numbers = [line for line, _, _ in read]
            right = bool(read) and all(isinstance(text, str) for text in texts)
            right = right and all(type(number) is int and 0 < number < 1 << 53 for number in numbers)
            right = right and all(_AMOUNT.fullmatch(amount) for _, _, amount in read)
            if right and (call is None or len(call) == 3):
                return record
        except (KeyError, TypeError, ValueError, AttributeError):
            pass
        raise InputError("this is no line of a plan")


def read_header(path: str | os.PathLike[str]) -> Header:
    """The header of a plan file; InputError where it is none."""
    with _open(path) as file:
        return _header(_line(file, 1))


def open_plan(path: str | os.PathLike[str]) -> Iterator[Record]:
    """The transactions of a plan file, lazily. InputError for a file that is none, or that was cut off."""
    with _open(path) as file:
        expected = _header(_line(file, 1)).transactions
        for number in range(2, expected + 2):
            found = json_text.parse(_line(file, number), what=f"line {number} of the plan")
            try:
                yield Record.from_dict(found)
            except InputError as error:
                raise InputError(f"line {number} of the plan: {error.message}") from None
        if file.read(1):
            raise InputError("the plan goes on after its last transaction: it was changed")


def _open(path: str | os.PathLike[str]) -> BinaryIO:
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise InputError(f"cannot read the plan: {reason}") from None


def _line(file: BinaryIO, number: int) -> bytes:
    line = file.readline(_LONGEST + 1)
    if not line.endswith(b"\n"):
        raise InputError(f"the plan ends at its line {number}: it is no plan, or was cut off")
    return line


def _header(line: bytes) -> Header:
    found = json_text.parse(line, what="the first line of the plan")
    if not isinstance(found, dict) or found.get("multiwallet") != _KIND:
        raise InputError("this file is no plan: make one with `batch plan`")
    if found.get("version") != 1:
        raise InputError("this plan was written by another version of the format")
    values = [found.get(name) for name in _NAMES]
    if not all(type(value) is kind for value, kind in zip(values, _TYPES, strict=True)):
        raise InputError("the header of this plan is not as it was written")
    if not _shown_facts_are_right(found):
        raise InputError("the header of this plan is not as it was written")
    facts = {name: value for name, value in found.items() if name not in (*_NAMES, "multiwallet", "version")}
    named: dict[str, Any] = dict(zip(_NAMES, values, strict=True))
    return Header(**named, facts=facts)


def _shown_facts_are_right(found: Mapping[str, Any]) -> bool:
    """Whether what is shown to people has the form that it was written in."""
    source, fee, assets = found.get("source", {}), found.get("fee"), found.get("assets", [])
    if not isinstance(source, dict) or not isinstance(assets, list):
        return False
    amounts = [*assets, *(fee.get(name) for name in ("expected", "maximum"))] if isinstance(fee, dict) else assets
    texts = ("amount", "symbol", "asset")
    return (fee is None or isinstance(fee, dict)) and all(
        isinstance(amount, dict) and all(isinstance(amount.get(name), str) for name in texts) for amount in amounts
    )


def part_of(path: FilePath) -> FilePath:
    """A new name beside a file, under which it is written until it is whole; no two runs have the same."""
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")


class PlanWriter:
    """Writes a plan beside its place and moves it there once it is whole: there is never half a plan.

    The header stands first and is known last: it is written over blanks kept for it.
    """

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool) -> None:
        self._path = FilePath(path)
        self._part = part_of(self._path)
        if self._path.exists() and not overwrite:
            raise InputError(f"there is a file {self._path.name} already: name another one, or remove it first")
        try:
            self._file = open(self._part, "xb")  # noqa: SIM115  # closed by __exit__
            self._file.write(b" " * _ROOM + b"\n")
        except (OSError, ValueError) as error:
            raise cannot_write("the plan", error) from None

    def add(self, record: Record) -> None:
        """Write one transaction."""
        try:
            self._file.write(json.dumps(record.to_dict(), separators=(",", ":")).encode() + b"\n")
        except OSError as error:
            raise cannot_write("the plan", error) from None

    def finish(self, header: Header) -> None:
        """Write the header and move the plan to its place."""
        text = json.dumps(header.to_dict(), separators=(",", ":")).encode()
        if len(text) > _ROOM:
            raise InputError("the plan's header is too long: there are too many different assets in one batch")
        try:
            self._file.seek(0)
            self._file.write(text)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._part, self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise cannot_write("the plan", error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what could not be written fails again here, and was told already
            self._file.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)


def cannot_write(what: str, error: Exception) -> StoreError:
    """The error of a file that cannot be written, in the system's words."""
    reason = getattr(error, "strerror", None) or "it is no file name"
    return StoreError(f"cannot write {what}: {reason} (what was written before is kept; nothing is lost)")


def locked(file: BinaryIO) -> bool:
    """Lock a file for this process, where the system can; False when another process has it. Closing it frees it."""
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows: two at once are slower there, and no less safe
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
