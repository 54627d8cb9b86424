"""JSON from strangers never takes the process down, and never rounds."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.codec import json_text
from multiwallet.errors import InputError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_what_was_written_is_read(value):
    import json

    assert json_text.parse(json.dumps(value)) == value
    assert json_text.parse(json.dumps(value).encode(), unique=True) == value


@given(st.text() | st.binary())
def test_garbage_is_refused_or_read(text):
    with contextlib.suppress(InputError):
        json_text.parse(text)


def test_fractions_stay_exact():
    assert json_text.parse("[0.1, 1e-8]", fractions=True) == [Decimal("0.1"), Decimal("1e-8")]
    for text in ("0.1", "1e3", "NaN", "[Infinity]", "-Infinity"):
        with pytest.raises(InputError):
            json_text.parse(text)
    for text in ("NaN", "Infinity"):
        with pytest.raises(InputError):
            json_text.parse(text, fractions=True)


def test_a_field_twice_is_refused_where_it_matters():
    assert json_text.parse('{"a": 1, "a": 2}') == {"a": 2}
    with pytest.raises(InputError, match="twice"):
        json_text.parse('{"a": 1, "a": 2}', unique=True)


@pytest.mark.parametrize("text", ["[" * 10**6, '{"a":' * 10**5, '["' + "[" * 10**5, '"' + '\\"' * 10**6, '["]' * 10**5])
def test_hostile_nesting_and_strings_cost_nothing(text):
    with pytest.raises(InputError):
        json_text.parse(text)


def test_brackets_in_strings_do_not_count():
    assert json_text.parse('["' + "[" * 1000 + '"]') == ["[" * 1000]
    wide = "[" + ",".join(["[]"] * 1000) + "]"
    assert len(json_text.parse(wide)) == 1000


def test_a_raised_recursion_limit_does_not_end_the_process():
    code = (
        "import sys; sys.setrecursionlimit(10**5)\n"
        "from multiwallet.codec import json_text\n"
        "from multiwallet.errors import InputError\n"
        "try:\n    json_text.parse('[' * 10**5)\n"
        "except InputError:\n    print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "refused\n"
