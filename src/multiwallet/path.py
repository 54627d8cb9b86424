"""Path: a BIP-32 derivation path as a value. Junctions: the derivation of Polkadot's chains, as one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Any, Final, NamedTuple

from .errors import InvalidPath, shown
from .secret import Secret, discreet

__all__ = ["HARDENED", "Junction", "Junctions", "Path", "parse_path"]

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


class Junction(NamedTuple):
    """One step of :class:`Junctions`: its text, whether it is hard, and its chain code (32 bytes)."""

    name: str
    is_hard: bool
    chain_code: bytes


class Junctions(Path):
    """A derivation path of Polkadot's chains: ``//hard/soft///password``.

    Made from text that is empty (the key of the phrase itself) or begins with ``/``: each ``//name`` is a hard
    junction and each ``/name`` a soft one; what follows ``///`` is the password of the phrase. Names are read as
    Polkadot-JS reads them: in Unicode form NFC; decimal digits are a little-endian number of up to 32 bytes (below
    2^64 every implementation agrees), ``0x`` and hexadecimal digits are bytes, anything else is text, SCALE-encoded;
    what is longer than 32 bytes is hashed with BLAKE2b-256. Immutable and hashable. The password takes part in
    comparisons and nothing shows it; a path that has one is not pickled.

    It stands wherever a :class:`Path` does. Read as BIP-32 steps (``indexes``) it raises
    :class:`~multiwallet.errors.InvalidPath`, as its text does where it cannot be read.

    >>> path = Junctions("//Alice/stash///secret words")
    >>> path
    Junctions('//Alice/stash')
    >>> [(junction.name, junction.is_hard) for junction in path.steps], path.has_password
    ([('Alice', True), ('stash', False)], True)
    >>> str(Junctions().hard("polkadot").hard(0))
    '//polkadot//0'
    """

    __slots__ = ("_password", "steps")

    steps: tuple[Junction, ...]
    _password: Secret | None

    @discreet
    def __init__(self, path: str | Junctions = "") -> None:
        if isinstance(path, Junctions):
            steps, password = path.steps, path._password
        elif isinstance(path, str):
            steps, password = _parse_junctions(path)
        else:
            raise InvalidPath(f"a path of junctions is text such as //polkadot//0, not {type(path).__name__}")
        self._fill(steps, password)

    def _fill(self, steps: tuple[Junction, ...], password: Secret | None) -> None:
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "_password", password)
        object.__setattr__(self, "_hash", hash(("junctions", steps, password is None)))

    @property
    def indexes(self) -> tuple[int, ...]:  # type: ignore[override]  # read-only, where Path itself keeps a slot
        """No junction is a BIP-32 step: :class:`~multiwallet.errors.InvalidPath`."""
        raise InvalidPath(
            f"{self._text()} is a path of Polkadot's chains; a path here is made of numbers, like m/44'/60'/0'/0/0"
        )

    @property
    def has_password(self) -> bool:
        """Whether the path names a password of the phrase."""
        return self._password is not None

    @property
    def password(self) -> Secret | None:
        """The password (UTF-8), where the path names one."""
        return self._password

    def hard(self, name: str | int) -> Junctions:
        """The path one hard junction further."""
        return self._further(str(name), hard=True)

    def soft(self, name: str | int) -> Junctions:
        """The path one soft junction further."""
        return self._further(str(name), hard=False)

    def __truediv__(self, step: int | str) -> Junctions:
        """The path one soft junction further: ``path / "name"``; ``path / "/name"`` is a hard one."""
        if isinstance(step, str) and step[:1] == "/":
            return self.hard(step[1:])
        return self.soft(step)

    def hardened(self, index: int) -> Junctions:
        """As :meth:`hard` with a number."""
        return self.hard(index)

    def _further(self, name: str, *, hard: bool) -> Junctions:
        if not name or "/" in name:
            raise InvalidPath("a junction has a name without any / in it")
        (step,), _ = _parse_junctions(("//" if hard else "/") + name)
        return self._made((*self.steps, step))

    def _made(self, steps: tuple[Junction, ...]) -> Junctions:
        if len(steps) > _MOST_JUNCTIONS:
            raise InvalidPath(f"a path has at most {_MOST_JUNCTIONS} junctions here")
        made = Junctions.__new__(Junctions)
        made._fill(steps, self._password)
        return made

    @property
    def parent(self) -> Junctions:
        """The path without its last junction; the empty path has none (:class:`~multiwallet.errors.InvalidPath`)."""
        if not self.steps:
            raise InvalidPath("the empty path of junctions has no parent")
        return self._made(self.steps[:-1])

    @property
    def is_hardened_only(self) -> bool:
        """Whether every junction is hard, as ed25519 and ecdsa need."""
        return all(step.is_hard for step in self.steps)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indexes)  # which refuses

    def __len__(self) -> int:
        return len(self.steps)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Junctions):
            return False if isinstance(other, Path) else NotImplemented
        return self.steps == other.steps and self._password == other._password

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined, no-any-return]  # set past __setattr__

    def _text(self) -> str:
        return "".join(("//" if step.is_hard else "/") + step.name for step in self.steps)

    def __str__(self) -> str:
        return self._text()

    def __repr__(self) -> str:
        return f"Junctions({self._text()!r})"

    def __copy__(self) -> Junctions:
        return self

    def __deepcopy__(self, memo: object) -> Junctions:
        return self

    def __reduce__(self) -> tuple[type[Junctions], tuple[str]]:  # type: ignore[override]  # it is made from text
        if self._password is not None:
            raise TypeError("a path with a password cannot be pickled")
        return Junctions, (self._text(),)


def parse_path(path: str | Path | Iterable[int]) -> Path:
    """A derivation path of either kind: :class:`Junctions` for an empty text or one that begins with ``/``.

    Raises :class:`~multiwallet.errors.InvalidPath`.

    >>> parse_path("//Alice"), parse_path("m/44'/60'/0'/0/0")
    (Junctions('//Alice'), Path("m/44'/60'/0'/0/0"))
    """
    if isinstance(path, Junctions):
        return path
    if isinstance(path, str) and (not path or path[0] == "/"):
        return Junctions(path)
    return Path(path)


_MOST_JUNCTIONS: Final = 64
_MOST_CHARACTERS: Final = 1000
_JUNCTION: Final = re.compile(r"/(/?)([^/]+)")


def _parse_junctions(text: str) -> tuple[tuple[Junction, ...], Secret | None]:
    if len(text) > _MOST_CHARACTERS:
        raise InvalidPath(f"this text of {len(text)} characters is no path: a path has at most {_MOST_CHARACTERS}")
    path, mark, password = unicodedata.normalize("NFC", text).partition("///")
    found = _JUNCTION.findall(path)
    if "".join(f"/{hard}{name}" for hard, name in found) != path or not path.isprintable():
        raise InvalidPath(
            "a path of junctions is written //hard/soft///password, each with its name, like //polkadot//0"
        )
    if len(found) > _MOST_JUNCTIONS:
        raise InvalidPath(f"a path has at most {_MOST_JUNCTIONS} junctions here, not {len(found)}")
    try:
        steps = tuple(Junction(name, hard == "/", _chain_code(name)) for hard, name in found)
        return steps, Secret(password.encode()) if mark and password else None
    except UnicodeEncodeError:
        raise InvalidPath("this path holds half a surrogate pair, which is no Unicode text") from None


def _chain_code(name: str) -> bytes:
    """The 32 bytes that a junction's name stands for."""
    if name.isascii() and name.isdigit():
        number = int(name)
        if number >= 1 << 256:
            raise InvalidPath("the number of a junction is below 2^256")
        return number.to_bytes(32, "little")
    if re.fullmatch("0x(?:[0-9a-fA-F]{2})*", name):
        data = bytes.fromhex(name[2:])
    else:
        encoded = name.encode()
        size = len(encoded)  # SCALE: a compact length, then the bytes; a path's own limit keeps it in two bytes
        data = (bytes((size << 2,)) if size < 64 else (size << 2 | 1).to_bytes(2, "little")) + encoded
    return data.ljust(32, b"\0") if len(data) <= 32 else blake2b(data, digest_size=32).digest()


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
