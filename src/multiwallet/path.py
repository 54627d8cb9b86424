"""Path: a BIP-32 derivation path as a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from .errors import InvalidPath, shown

__all__ = ["HARDENED", "Path"]

HARDENED: Final = 0x80000000


class Path:
    """A BIP-32 derivation path: ``m/44'/60'/0'/0/0``.

    Made from text (a leading ``m/`` is optional; ``'``, ``h`` and ``H`` mark a hardened step) or from
    an iterable of 32-bit child numbers. Immutable, hashable, iterable over its child numbers.

    Raises :class:`~multiwallet.errors.InvalidPath` for anything else.

    >>> path = Path("m/84h/0h/0h")
    >>> path
    Path("m/84'/0'/0'")
    >>> str(path / 1 / 7)
    "m/84'/0'/0'/1/7"
    >>> path.parent, len(path), list(path)[0] == 84 + HARDENED
    (Path("m/84'/0'"), 3, True)
    """

    __slots__ = ("_hash", "indexes")

    indexes: tuple[int, ...]

    def __init__(self, path: str | Path | Iterable[int] = ()) -> None:
        if isinstance(path, str):
            indexes = _parse(path)
        elif isinstance(path, Path):
            indexes = path.indexes
        else:
            if isinstance(path, bytes | bytearray | memoryview) or not isinstance(path, Iterable):
                raise InvalidPath(f"a path is text such as m/44'/60'/0'/0/0 or its numbers, not {type(path).__name__}")
            indexes = tuple(islice(path, 256))  # one more than a path can have
            for index in indexes:
                if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < 2**32:
                    raise InvalidPath("a child number is an integer from 0 to 2^32 - 1")
        if len(indexes) > 255:
            raise InvalidPath("a path has at most 255 steps (BIP-32 keeps the depth in one byte), and this one more")
        object.__setattr__(self, "indexes", indexes)
        object.__setattr__(self, "_hash", hash(indexes))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Path does not change; make another one")

    def __truediv__(self, step: int | str) -> Path:
        """The path one step further: ``path / 3`` or ``path / "3'"``."""
        if isinstance(step, str):
            return Path((*self.indexes, *_parse(step)))
        indexes = (*self.indexes, step)
        if step.__class__ is not int or not 0 <= step < 2**32 or len(indexes) > 255:
            return Path(indexes)  # which says what is wrong
        child = _new(Path)  # a hundred thousand addresses are as many steps from one parent: nothing is checked twice
        _set_indexes(child, indexes)
        _set_hash(child, hash(indexes))
        return child

    def hardened(self, index: int) -> Path:
        """The path one hardened step further: ``path.hardened(0)`` is ``path / "0'"``."""
        if not 0 <= index < HARDENED:
            raise InvalidPath("a hardened step is numbered from 0 to 2^31 - 1")
        return Path((*self.indexes, index + HARDENED))

    @property
    def parent(self) -> Path:
        """The path without its last step; the root has none (:class:`~multiwallet.errors.InvalidPath`)."""
        if not self.indexes:
            raise InvalidPath("the root path m has no parent")
        return Path(self.indexes[:-1])

    @property
    def is_hardened_only(self) -> bool:
        """Whether every step is hardened, as SLIP-10 ed25519 needs."""
        return all(index >= HARDENED for index in self.indexes)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indexes)

    def __len__(self) -> int:
        return len(self.indexes)

    def __eq__(self, other: object) -> bool:
        return self.indexes == other.indexes if isinstance(other, Path) else NotImplemented

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined, no-any-return]  # set past __setattr__ above

    def __str__(self) -> str:
        steps = (f"{index - HARDENED}'" if index >= HARDENED else str(index) for index in self.indexes)
        return "/".join(("m", *steps))

    def __repr__(self) -> str:
        return f'Path("{self}")'

    def __reduce__(self) -> tuple[type[Path], tuple[tuple[int, ...]]]:
        return Path, (self.indexes,)


_new: Final = object.__new__
_set_indexes: Final[Any] = Path.__dict__["indexes"].__set__
_set_hash: Final[Any] = Path.__dict__["_hash"].__set__


def _parse(text: str) -> tuple[int, ...]:
    steps = text.split("/", 257)
    if steps and steps[0] in ("m", "M"):
        steps = steps[1:]
    if not steps and text in ("m", "M"):
        return ()
    indexes = []
    for step in steps:
        hardened = step[-1:] in ("'", "h", "H")
        digits = step[:-1] if hardened else step
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 10:
            raise InvalidPath(
                f"cannot read the step {shown(step)} of the path: write numbers with / between them and ' after "
                "a hardened one, like m/44'/60'/0'/0/0"
            )
        number = int(digits)
        if number >= HARDENED:
            raise InvalidPath(f"step {digits} is too large: a step is at most 2147483647")
        indexes.append(number + HARDENED if hardened else number)
    return tuple(indexes)
