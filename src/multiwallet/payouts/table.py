"""The table of payments: CSV, JSON lines or Parquet, read as a stream, each line with the number an editor shows."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any, BinaryIO, Final

from ..codec import json_text
from ..errors import InputError, MissingExtra, StoreError, shown

__all__ = ["COLUMNS", "FORMATS", "Line", "LineError", "digest_of", "format_of", "read_table"]

COLUMNS: Final = ("to", "amount", "asset", "memo", "key")
FORMATS: Final = ("csv", "jsonl", "parquet")

_LONGEST_LINE: Final = 64 * 1024
_LONGEST_FIELD: Final = 4096
_SUFFIXES: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet"}
_KNOWN: Final = "to and amount, and where they are wanted asset, memo and key"
_ROWS: Final = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table, as it was written. ``number`` is the first line that it takes in the file, from one."""

    number: int
    to: str
    amount: str
    asset: str | None = None
    memo: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with a line. ``line`` is None where it is the whole batch; ``field`` is a column, or what it is about."""

    line: int | None
    field: str
    message: str

    def __str__(self) -> str:
        where = "the batch" if self.line is None else f"line {self.line}"
        return f"{where}: {self.field}: {self.message}"


def format_of(path: str | os.PathLike[str], wanted: str | None) -> str:
    """The format of a table: the one that is named, or the one that its ending says. InputError where neither does."""
    if wanted is not None:
        if wanted not in FORMATS:
            raise InputError(f"a table is in one of the formats {', '.join(FORMATS)}, not {shown(wanted)}")
        return wanted
    found = _SUFFIXES.get(FilePath(path).suffix.lower())
    if found is None:
        raise InputError("say whether the table is csv, jsonl or parquet: the file's name does not")
    return found


def digest_of(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, in hex. InputError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> InputError:
    return InputError(f"cannot read the file: {getattr(error, 'strerror', None) or 'it is no file name'}")


def read_table(path: str | os.PathLike[str], format: str | None = None) -> Iterator[Line | LineError]:
    """The lines of a table, lazily and in constant memory; a line that cannot be read is a :class:`LineError`.

    A CSV file begins with a header that names its columns: ``to``, ``amount``, and ``asset``, ``memo``, ``key`` where
    they are wanted. It is UTF-8, with or without a byte order mark, its lines end in LF or CRLF. JSON lines are
    objects with these fields, a Parquet file has these columns. Amounts are exact text (or whole numbers, or
    decimals): a binary float is refused. Raises InputError where the file cannot be read at all.
    """
    kind = format_of(path, format)
    if kind == "parquet":
        return _parquet(path)
    try:
        file = open(path, "rb")  # noqa: SIM115  # closed by the generator that reads it
    except (OSError, ValueError) as error:
        raise _unreadable(error) from None
    return (_csv if kind == "csv" else _jsonl)(file)


# -- text ------------------------------------------------------------------------------------------------------


class _TooLong(Exception):
    pass


class _Physical:
    """The physical lines of a file as text, counted, the byte order mark cut off. Bad UTF-8 becomes lone surrogates."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            data = self.file.readline(_LONGEST_LINE + 1)
            if not data:
                raise StopIteration
            self.count += 1
            if len(data) > _LONGEST_LINE:
                while data and not data.endswith(b"\n"):
                    data = self.file.readline(_LONGEST_LINE)
                raise _TooLong
        except OSError as error:
            raise _unreadable(error) from None
        if self.count == 1:
            data = data.removeprefix(b"\xef\xbb\xbf")
        return data.decode("utf-8", "surrogateescape")


def _csv(file: BinaryIO) -> Iterator[Line | LineError]:
    with file:
        physical = _Physical(file)
        rows = csv.reader(physical, strict=True)
        columns: list[str] | None = None
        while True:
            number = physical.count + 1
            try:
                row = next(rows)
            except StopIteration:
                break
            except _TooLong:
                yield LineError(number, "line", f"it is longer than {_LONGEST_LINE // 1024} KiB")
                rows = csv.reader(physical, strict=True)
                continue
            except csv.Error as error:
                yield LineError(number, "line", f"this is no CSV: {error}")
                continue
            if not row or (len(row) == 1 and not row[0].strip()):
                continue
            if columns is None:
                columns, wrong = _header(row)
                if wrong is not None:
                    yield LineError(number, "header", wrong)
                    return
            else:
                yield _csv_line(number, columns, row)
        if columns is None:
            yield LineError(1, "header", f"the file is empty: its first line names the columns, {_KNOWN}")


def _header(row: list[str]) -> tuple[list[str], str | None]:
    names = [name.strip().lower() for name in row]
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        return names, "its columns are not separated by commas: save it as CSV with commas"
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        return names, f"there is no column {shown(unknown[0])}: the first line names the columns, {_KNOWN}"
    twice = [name for name in COLUMNS if names.count(name) > 1]
    if twice:
        return names, f"the column {twice[0]!r} is named twice"
    missing = [name for name in COLUMNS[:2] if name not in names]
    if missing:
        return names, f"the column {missing[0]!r} is missing: the first line names the columns, {_KNOWN}"
    return names, None


def _csv_line(number: int, columns: list[str], row: list[str]) -> Line | LineError:
    if len(row) != len(columns):
        hint = ": an amount has a point, not a comma" if len(row) == len(columns) + 1 else ""
        return LineError(number, "line", f"it has {len(row)} fields, and the header has {len(columns)}{hint}")
    return _line(number, dict(zip(columns, row, strict=True)))


def _line(number: int, found: Mapping[str, str | None]) -> Line | LineError:
    values: dict[str, str] = {}
    for name, text in found.items():
        if text is None or not text.strip():
            continue
        if len(text) > _LONGEST_FIELD:
            return LineError(number, name, f"it is longer than {_LONGEST_FIELD} characters")
        try:
            text.encode()
        except UnicodeEncodeError:
            return LineError(number, name, "it is no valid UTF-8: save the file as UTF-8")
        values[name] = text if name == "memo" else text.strip()
    for name in COLUMNS[:2]:
        if name not in values:
            return LineError(number, name, "it is empty")
    return Line(number, values["to"], values["amount"], values.get("asset"), values.get("memo"), values.get("key"))


def _jsonl(file: BinaryIO) -> Iterator[Line | LineError]:
    with file:
        physical = _Physical(file)
        while True:
            number = physical.count + 1
            try:
                text = next(physical)
            except StopIteration:
                return
            except _TooLong:
                yield LineError(number, "line", f"it is longer than {_LONGEST_LINE // 1024} KiB")
                continue
            if text.strip():
                yield _json_line(number, text)


def _json_line(number: int, text: str) -> Line | LineError:
    try:
        text.encode()
        found = json_text.parse(text, what="the line", unique=True)
    except UnicodeEncodeError:
        return LineError(number, "line", "it is no valid UTF-8")
    except InputError as error:
        hint = ": write amounts as text" if "only whole numbers" in error.message else ""
        return LineError(number, "line", error.message + hint)
    if not isinstance(found, dict):
        return LineError(number, "line", 'it is no object: write {"to": ..., "amount": "0.1"}')
    values: dict[str, str | None] = {}
    for name, value in found.items():
        if name not in COLUMNS:
            return LineError(number, "line", f"there is no field {shown(name)}: there are {_KNOWN}")
        if name == "amount" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            return LineError(number, name, "it is no text")
        values[name] = value
    return _line(number, values)


# -- Parquet ---------------------------------------------------------------------------------------------------


def _parquet(path: str | os.PathLike[str]) -> Iterator[Line | LineError]:
    try:
        import pyarrow  # type: ignore[import-untyped]  # it has no stubs
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise MissingExtra(
            'a Parquet table needs pyarrow: pip install "multiwallet-sdk[parquet]"', extra="parquet"
        ) from error

    def guarded(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise InputError(f"this file is no Parquet table: {type(error).__name__}") from None
        except MemoryError:
            raise StoreError("a row group of the table does not fit into memory: write it with smaller ones") from None

    opened = guarded(lambda: parquet.ParquetFile(os.fspath(path)))
    return _parquet_lines(opened, pyarrow.types, guarded)


def _parquet_lines(opened: Any, types: Any, guarded: Callable[[Callable[[], Any]], Any]) -> Iterator[Line | LineError]:
    with opened:
        schema = opened.schema_arrow
        columns, wrong = _header(list(schema.names))
        if wrong is None:
            wrong = _wrong_types(columns, schema, types)
        if wrong is not None:
            yield LineError(1, "header", wrong)
            return
        number, batches = 0, opened.iter_batches(batch_size=_ROWS)
        while (batch := guarded(lambda: next(batches, None))) is not None:
            for row in zip(*(guarded(batch.column(n).to_pylist) for n in range(len(columns))), strict=True):
                number += 1
                yield _line(number, {name: _text(value) for name, value in zip(columns, row, strict=True)})


def _wrong_types(columns: list[str], schema: Any, types: Any) -> str | None:
    for name, field in zip(columns, schema, strict=True):
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        text = types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind)
        number = name == "amount" and (types.is_decimal(kind) or types.is_integer(kind))
        if types.is_floating(kind):
            return f"the column {name!r} holds floats, which are not exact: write text or decimals"
        if not (text or number):
            return f"the column {name!r} holds {str(kind)[:40]}: write text" + (
                " or decimals" if name == "amount" else ""
            )
    return None


def _text(value: object) -> str | None:
    if isinstance(value, Decimal):
        text = format(value, "f")  # a column of decimals pads every value to the same number of places
        return text.rstrip("0").rstrip(".") if "." in text else text
    return None if value is None else str(value)
