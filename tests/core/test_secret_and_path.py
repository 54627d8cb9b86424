"""Secret and Path: what they show, what they refuse, and that reading and writing agree."""

from __future__ import annotations

import copy
import itertools
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.errors import InvalidKey, InvalidPath
from multiwallet.path import HARDENED, Path
from multiwallet.secret import Secret

indexes = st.lists(st.integers(0, 2**32 - 1), max_size=255)


@given(st.binary(max_size=100))
def test_a_secret_gives_back_what_it_was_made_of_and_then_nothing(value: bytes) -> None:
    for given_as in (value, bytearray(value), memoryview(value)):
        secret = Secret(given_as)
        assert secret.expose() == value
        assert secret == Secret(value)
        assert len(secret) == len(value)
        with secret:
            pass
        assert secret.closed
        assert bytes(secret._buffer) == bytes(len(value))
        assert secret != Secret(value)
        with pytest.raises(InvalidKey):
            secret.expose()


def test_a_secret_is_not_shown_copied_or_hashed() -> None:
    value = b"correct horse battery staple"
    secret = Secret(value)
    shown = [repr(secret), str(secret), f"{secret!r}", "%s" % secret, str([secret]), str({"key": secret})]  # noqa: UP031
    assert not any("horse" in text for text in shown)
    for refused in (bytes, hash, copy.copy, copy.deepcopy, pickle.dumps, format, "{}".format):
        with pytest.raises(TypeError) as caught:
            refused(secret)  # type: ignore[operator]  # each takes one thing
        assert "horse" not in str(caught.value)
    for other in (value, value.decode(), None, list(value)):
        assert secret != other
    with pytest.raises(TypeError):
        Secret("text")  # type: ignore[arg-type]  # what a careless caller does
    with pytest.raises(TypeError):
        Secret(32)  # type: ignore[arg-type]  # bytes(32) would be zeros


class WipedWhileRead(bytearray):
    """A buffer that another thread begins to wipe just while it is being copied."""

    owner: Secret

    def __bytes__(self) -> bytes:
        self.owner._closed = True
        self[0] = 0
        return bytes(bytearray(self))


def test_a_secret_wiped_while_it_is_read_is_never_handed_out_half() -> None:
    secret = Secret(b"\x11" * 32)
    buffer = WipedWhileRead(secret._buffer)
    buffer.owner = secret
    secret._buffer = buffer
    with pytest.raises(InvalidKey):
        secret.expose()


@given(indexes)
def test_a_path_reads_what_it_writes(numbers: list[int]) -> None:
    path = Path(numbers)
    assert list(path) == numbers
    assert Path(str(path)) == path == Path(path) == Path(iter(numbers))
    assert hash(Path(str(path))) == hash(path)
    assert pickle.loads(pickle.dumps(path)) == copy.deepcopy(path) == path
    assert Path(str(path).replace("'", "h")) == Path(str(path).replace("'", "H")) == path
    if numbers:
        assert path.parent / numbers[-1] == path
        assert Path(str(path)[2:]) == path
    assert path.is_hardened_only == all(number >= HARDENED for number in numbers)


@given(st.text(max_size=40))
def test_any_text_is_a_path_or_an_error_of_the_tree(text: str) -> None:
    try:
        path = Path(text)
    except InvalidPath:
        return
    assert Path(str(path)) == path
    assert set(text) <= set("mM/'hH0123456789")


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "/", "m/", "/m", "m//0", "m/0/", "0'h", "m/'", "m/-1", "m/+1", "m/1 ", " m/1", "m/1.0", "m/0x1", "m/1e3"),
        *("m/١", "m/²", "m/２", "m/2147483648", "m/4294967296", "m/99999999999", "m/0\n", "m\\0", "n/0", "m/0'/m"),
        *("m/" + "0/" * 300 + "0", "m" + "/0" * 256, "0/" * 5_000_000),
        *(b"m/0", bytearray(b"m/0"), memoryview(b"m/0"), None, 5, 1.5, True, object()),
        *([-1], [2**32], [True], [1.0], ["0"], [None], [[0]], [0] * 256, itertools.repeat(0), {"m": 1}),
    ],
    ids=lambda value: f"{len(str(value))}:{type(value).__name__}:{str(value)[:12].encode('unicode_escape').decode()}",
)
def test_what_is_no_path_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidPath):
        Path(wrong)  # type: ignore[arg-type]  # on purpose


def test_a_path_is_a_value() -> None:
    path = Path("m/84'/0'/0'")
    with pytest.raises(AttributeError):
        path.indexes = ()
    assert str(path / 0 / "7'") == "m/84'/0'/0'/0/7'"
    assert path.hardened(5) == path / "5'"
    assert path == Path("m/84'/0'/0'")
    assert path != "m/84'/0'/0'"
    with pytest.raises(InvalidPath):
        Path("m").parent  # noqa: B018  # the look is the test
    for wrong in (-1, HARDENED):
        with pytest.raises(InvalidPath):
            path.hardened(wrong)
    with pytest.raises(InvalidPath):
        Path([0] * 255) / 0
