"""TON's cells: up to 1023 bits and four references each, written by a Builder and read by a Slice.

The rules are those of the TON whitepaper, section 3.1, for ordinary cells of level 0. Exotic cells (pruned branches,
library references, Merkle proofs) are refused.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from ..errors import InputError

__all__ = ["MAX_BITS", "MAX_DEPTH", "MAX_REFS", "Builder", "Cell", "Slice"]

MAX_BITS: Final = 1023
MAX_REFS: Final = 4
MAX_DEPTH: Final = 1024  # what the network's nodes take


class Cell:
    """An ordinary cell: immutable; its hash and depth are computed once, from those of its references.

    ``data`` holds ``bits`` bits, most significant first, the rest of the last byte zero. Two cells are equal when
    their hashes are. Raises :class:`~multiwallet.errors.InputError` for too many bits or references and for a tree that
    is too deep.

    >>> Cell().hash.hex()
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7'
    """

    __slots__ = ("bits", "data", "depth", "hash", "refs")

    data: bytes
    bits: int
    refs: tuple[Cell, ...]
    hash: bytes
    depth: int

    def __init__(self, data: bytes = b"", bits: int | None = None, refs: tuple[Cell, ...] = ()) -> None:
        count = len(data) * 8 if bits is None else bits
        if not 0 <= count <= MAX_BITS or len(data) != (count + 7) // 8:
            raise InputError(f"a cell has at most {MAX_BITS} bits, in as few bytes as they need")
        if len(refs) > MAX_REFS:
            raise InputError(f"a cell has at most {MAX_REFS} references, not {len(refs)}")
        if count % 8 and data[-1] & (0xFF >> count % 8):
            raise InputError("the bits after a cell's last one are zero")
        depth = 1 + max(ref.depth for ref in refs) if refs else 0
        if depth > MAX_DEPTH:
            raise InputError(f"a tree of cells is at most {MAX_DEPTH} deep")
        for name, value in (("data", bytes(data)), ("bits", count), ("refs", refs), ("depth", depth)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "hash", sha256(self.representation).digest())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a cell does not change; build another one")

    @property
    def descriptors(self) -> bytes:
        """The two bytes in front of a cell's data: how many references, and how many half bytes of bits."""
        return bytes((len(self.refs), self.bits // 8 + (self.bits + 7) // 8))

    @property
    def padded(self) -> bytes:
        """The data with the bits 1, 0, 0, ... after its end where it does not fill its last byte."""
        if not self.bits % 8:
            return self.data
        return self.data[:-1] + bytes((self.data[-1] | 0x80 >> self.bits % 8,))

    @property
    def representation(self) -> bytes:
        """What is hashed: descriptors, data, then of the references all depths (two bytes) and all hashes (32)."""
        depths = b"".join(ref.depth.to_bytes(2, "big") for ref in self.refs)
        return self.descriptors + self.padded + depths + b"".join(ref.hash for ref in self.refs)

    def __eq__(self, other: object) -> bool:
        return self.hash == other.hash if isinstance(other, Cell) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return f"<Cell of {self.bits} bits and {len(self.refs)} references, {self.hash.hex()[:16]}...>"


class Builder:
    """Writes a cell from front to back; every method but :meth:`end` returns the builder itself.

    Raises :class:`~multiwallet.errors.InputError` for a number that does not fit its bits and for a cell that is full.

    >>> Builder().uint(5, 3).coins(1_000_000_000).ref(Cell()).end()
    <Cell of 39 bits and 1 references, 1cd9e70db905bcc8...>
    """

    __slots__ = ("_bits", "_refs", "_value")

    def __init__(self) -> None:
        self._value = 0
        self._bits = 0
        self._refs: list[Cell] = []

    @property
    def free_bits(self) -> int:
        """How many bits can still be written."""
        return MAX_BITS - self._bits

    @property
    def free_refs(self) -> int:
        """How many references can still be written."""
        return MAX_REFS - len(self._refs)

    def uint(self, value: int, bits: int) -> Builder:
        """An unsigned number in so many bits."""
        if bits < 0 or not 0 <= value < 1 << bits:
            raise InputError(f"a number does not fit in {bits} bits")
        if bits > self.free_bits:
            raise InputError(f"a cell has at most {MAX_BITS} bits")
        self._value = self._value << bits | value
        self._bits += bits
        return self

    def sint(self, value: int, bits: int) -> Builder:
        """A signed number in so many bits, two's complement."""
        if bits < 1 or not -1 << bits - 1 <= value < 1 << bits - 1:
            raise InputError(f"a number does not fit in {bits} bits")
        return self.uint(value % (1 << bits), bits)

    def bit(self, value: bool | int) -> Builder:
        """One bit."""
        return self.uint(1 if value else 0, 1)

    def octets(self, data: bytes) -> Builder:
        """Whole bytes."""
        return self.uint(int.from_bytes(data, "big"), 8 * len(data))

    def var_uint(self, value: int, length_bits: int = 4) -> Builder:
        """A number after its length in bytes: ``VarUInteger 16`` with four bits of length."""
        size = (value.bit_length() + 7) // 8 if value >= 0 else -1
        if not 0 <= size < 1 << length_bits:
            raise InputError(f"a number does not fit in {(1 << length_bits) - 1} bytes")
        return self.uint(size, length_bits).uint(value, 8 * size)

    def coins(self, value: int) -> Builder:
        """An amount of coins (``Grams``, ``VarUInteger 16``)."""
        return self.var_uint(value)

    def ref(self, cell: Cell) -> Builder:
        """A reference."""
        if not self.free_refs:
            raise InputError(f"a cell has at most {MAX_REFS} references")
        self._refs.append(cell)
        return self

    def maybe_ref(self, cell: Cell | None) -> Builder:
        """One bit that says whether a reference follows, and the reference."""
        return self.bit(0) if cell is None else self.bit(1).ref(cell)

    def append(self, cell: Cell) -> Builder:
        """All bits and references of a cell, in place."""
        self.uint(int.from_bytes(cell.data, "big") >> -cell.bits % 8, cell.bits)
        for ref in cell.refs:
            self.ref(ref)
        return self

    def end(self) -> Cell:
        """The cell as it stands."""
        data = (self._value << -self._bits % 8).to_bytes((self._bits + 7) // 8, "big")
        return Cell(data, self._bits, tuple(self._refs))


class Slice:
    """Reads a cell from front to back; what the cell cannot give is an :class:`~multiwallet.errors.InputError`.

    >>> slice = Slice(Builder().sint(-5, 8).coins(7).end())
    >>> slice.sint(8), slice.coins(), slice.bits
    (-5, 7, 0)
    >>> slice.finish()
    """

    __slots__ = ("_refs", "_value", "_what", "bits")

    def __init__(self, cell: Cell, what: str = "the cell") -> None:
        self._value = int.from_bytes(cell.data, "big") >> -cell.bits % 8
        self._refs = list(cell.refs)
        self._what = what
        self.bits = cell.bits

    @property
    def refs(self) -> int:
        """How many references are left."""
        return len(self._refs)

    def uint(self, bits: int) -> int:
        """An unsigned number of so many bits."""
        if not 0 <= bits <= self.bits:
            raise InputError(f"{self._what} ends too early: {bits} bits wanted, {self.bits} left")
        self.bits -= bits
        value = self._value >> self.bits
        self._value &= (1 << self.bits) - 1
        return value

    def sint(self, bits: int) -> int:
        """A signed number of so many bits."""
        value = self.uint(bits)
        return value - (1 << bits) if bits and value >> bits - 1 else value

    def bit(self) -> bool:
        """One bit."""
        return bool(self.uint(1))

    def octets(self, length: int) -> bytes:
        """Whole bytes."""
        return self.uint(8 * length).to_bytes(length, "big")

    def var_uint(self, length_bits: int = 4) -> int:
        """A number after its length in bytes; leading zero bytes are refused, so that a number has one form."""
        size = self.uint(length_bits)
        value = self.uint(8 * size)
        if size and not value >> 8 * (size - 1):
            raise InputError(f"{self._what}: a number starts with a zero byte")
        return value

    def coins(self) -> int:
        """An amount of coins."""
        return self.var_uint()

    def ref(self) -> Cell:
        """The next reference."""
        if not self._refs:
            raise InputError(f"{self._what} ends too early: it lacks a reference")
        return self._refs.pop(0)

    def maybe_ref(self) -> Cell | None:
        """The reference that a bit says is there."""
        return self.ref() if self.bit() else None

    def rest(self) -> Cell:
        """All that is left, as a cell of its own."""
        bits = self.bits
        value, refs = self.uint(bits), tuple(self._refs)
        self._refs = []
        return Cell((value << -bits % 8).to_bytes((bits + 7) // 8, "big"), bits, refs)

    def finish(self) -> None:
        """Refuse what is left over."""
        if self.bits or self._refs:
            raise InputError(
                f"{self._what} goes on for {self.bits} bits and {len(self._refs)} references after its end"
            )
