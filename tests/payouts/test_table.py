"""Reading tables: three formats, and every way in which a file can be wrong, each with its line."""

from __future__ import annotations

import decimal
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.errors import InputError, MissingExtra
from multiwallet.payouts import Line, LineError, read_table


def read(tmp_path, data, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(read_table(path))


def errors(found):
    return [(error.line, error.field) for error in found if isinstance(error, LineError)]


def test_columns_in_any_order_and_numbers_as_an_editor_shows_them(tmp_path):
    text = '\ufeffAmount, to ,memo,key,asset\r\n0.1,abc,"two\r\nlines",k1,\r\n\r\n2,def,,,XYZ\r\n'
    assert read(tmp_path, text) == [
        Line(2, "abc", "0.1", None, "two\r\nlines", "k1"),
        Line(5, "def", "2", "XYZ", None, None),
    ]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("to;amount", "commas"),
        ("to\tamount", "commas"),
        ("address,amount", "no column 'address'"),
        ("to", "'amount' is missing"),
        ("amount", "'to' is missing"),
        ("to,amount,to", "named twice"),
        ("to,amount,", "no column ''"),
        ("", "empty"),
    ],
)
def test_a_wrong_header_is_named(tmp_path, header, told):
    (error,) = read(tmp_path, f"{header}\nx,1\n" if header else "")
    assert (error.line, error.field) == (1, "header")
    assert told in error.message


def test_lines_that_are_wrong_do_not_hide_the_others(tmp_path):
    data = b"to,amount\na,1\nb,0,5\nc\n,1\nd,\n\xff,1\n" + b"x" * 70_000 + b',1\n"a"b,1\ne,2\n'
    found = read(tmp_path, data)
    assert errors(found) == [
        (3, "line"), (4, "line"), (5, "to"), (6, "amount"), (7, "to"), (8, "line"), (9, "line"),
    ]  # fmt: skip
    assert "a point, not a comma" in found[1].message
    assert [line.number for line in found if isinstance(line, Line)] == [2, 10]


def test_a_quote_that_is_never_closed_ends_in_an_error(tmp_path):
    found = read(tmp_path, 'to,amount\n"a,1\n' + "b,2\n" * 10)
    assert errors(found) == [(2, "line")]


def test_json_lines(tmp_path):
    lines = [
        '{"to": "a", "amount": "0.1", "memo": "x", "asset": null}',
        '{"to": "b", "amount": 3}',
        "",
        '{"to": "c", "amount": 0.5}',
        '{"to": "d", "amount": true}',
        '{"to": 7, "amount": "1"}',
        '{"to": "e", "amount": "1", "fee": "1"}',
        '["to"]',
        '{"to": "f", "to": "g", "amount": "1"}',
        "nonsense",
    ]
    found = read(tmp_path, "\n".join(lines), "t.jsonl")
    assert found[:2] == [Line(1, "a", "0.1", None, "x"), Line(2, "b", "3")]
    assert errors(found) == [(4, "line"), (5, "amount"), (6, "to"), (7, "line"), (8, "line"), (9, "line"), (10, "line")]
    assert "write amounts as text" in found[2].message


def write_parquet(path, columns):
    pyarrow = pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path, row_group_size=2)


def test_parquet_text_decimals_and_whole_numbers(tmp_path):
    path = tmp_path / "t.parquet"
    write_parquet(path, {"to": ["a", "b", "c"], "amount": ["1", "0.5", "2.25"], "memo": [None, "x", None]})
    assert list(read_table(path)) == [Line(1, "a", "1"), Line(2, "b", "0.5", None, "x"), Line(3, "c", "2.25")]
    exact = [decimal.Decimal("1.500000"), decimal.Decimal("100.000000")]
    write_parquet(path, {"to": ["a", "b"], "amount": exact})
    assert [line.amount for line in read_table(path)] == ["1.5", "100"]
    write_parquet(path, {"to": ["a", "b"], "amount": [7, 100]})
    assert [line.amount for line in read_table(path)] == ["7", "100"]


def test_parquet_floats_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    write_parquet(path, {"to": ["a"], "amount": [0.1]})
    (error,) = read_table(path)
    assert (error.field, "not exact" in error.message) == ("header", True)
    write_parquet(path, {"to": [1], "amount": ["1"]})
    (error,) = read_table(path)
    assert "'to'" in error.message


def test_what_is_no_parquet_is_an_error_of_the_tree(tmp_path):
    pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    for data in (b"", b"PAR1", b"PAR1" + os.urandom(100) + b"PAR1"):
        with pytest.raises(InputError):
            read(tmp_path, data, "t.parquet")


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="parquet"):
        read(tmp_path, b"", "t.parquet")


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path, "a\0b.csv"):
        with pytest.raises(InputError):
            list(read_table(path, "csv"))
    with pytest.raises(InputError, match="csv, jsonl or parquet"):
        read_table(tmp_path / "table.xlsx")
    with pytest.raises(InputError, match="csv, jsonl, parquet"):
        read_table(tmp_path / "t.csv", "excel")


@given(data=st.binary(max_size=300), kind=st.sampled_from(["csv", "jsonl"]), header=st.booleans())
def test_any_bytes_give_lines_or_errors(tmp_path_factory, data, kind, header):
    path = tmp_path_factory.mktemp("any") / f"t.{kind}"
    path.write_bytes((b"to,amount\n" if header and kind == "csv" else b"") + data)
    last = 0
    for found in read_table(path):
        assert isinstance(found, Line | LineError)
        assert found.number > last if isinstance(found, Line) else found.line > 0
        last = found.number if isinstance(found, Line) else found.line


@given(
    rows=st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=20)] * 2)
    )
)
def test_what_json_writes_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("json") / "t.jsonl"
    rows = [(to, amount) for to, amount in rows if to.strip() and amount.strip()]
    path.write_text("".join(json.dumps({"to": to, "amount": amount}) + "\n" for to, amount in rows))
    assert [(line.to, line.amount) for line in read_table(path)] == [
        (to.strip(), amount.strip()) for to, amount in rows
    ]
