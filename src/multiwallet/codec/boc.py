"""A bag of cells (BOC): the bytes in which a tree of cells travels.

The format is ``serialized_boc#b5ee9c72`` of TON's ``boc.tlb``: one root, ordinary cells only. Both the forms with and
without index and checksum are read; what is written has a checksum and no index.
"""

from __future__ import annotations

from typing import Final

from ..errors import InputError
from .cell import Cell
from .crc32c import crc32c
from .reader import Reader

__all__ = ["MAX_BYTES", "MAX_CELLS", "decode", "encode"]

MAX_CELLS: Final = 8192  # of a message, by the network's configuration
MAX_BYTES: Final = 1 << 20

_MAGIC: Final = bytes.fromhex("b5ee9c72")


def encode(root: Cell) -> bytes:
    """The bytes of a cell and all cells under it; each different cell is written once.

    >>> encode(Cell()).hex()
    'b5ee9c724101010100020000004cacb9cd'
    """
    order = _ordered(root)
    index = {cell.hash: number for number, cell in enumerate(order)}
    size = max(1, (len(order).bit_length() + 7) // 8)
    content = b"".join(
        cell.descriptors + cell.padded + b"".join(index[ref.hash].to_bytes(size, "big") for ref in cell.refs)
        for cell in order
    )
    offset = max(1, (len(content).bit_length() + 7) // 8)
    head = (
        _MAGIC
        + bytes((0x40 | size, offset))
        + len(order).to_bytes(size, "big")
        + (1).to_bytes(size, "big")
        + bytes(size)
        + len(content).to_bytes(offset, "big")
        + bytes(size)
    )
    return head + content + crc32c(head + content).to_bytes(4, "little")


def _ordered(root: Cell) -> list[Cell]:
    """Every different cell once, each before the cells it refers to."""
    done: list[Cell] = []
    seen = {root.hash}
    stack = [(root, 0)]
    while stack:
        cell, position = stack.pop()
        if position == len(cell.refs):
            done.append(cell)
            continue
        stack.append((cell, position + 1))
        child = cell.refs[-1 - position]
        if child.hash not in seen:
            seen.add(child.hash)
            stack.append((child, 0))
    return done[::-1]


def decode(data: bytes, *, what: str = "the bag of cells", max_cells: int = MAX_CELLS) -> Cell:
    """The root cell of ``data``; :class:`~multiwallet.errors.InputError` says what is wrong.

    Several roots, absent and exotic cells, cells that no root reaches, references backwards (which could go round in
    circles), a wrong checksum and bytes after the end are refused. The work is linear in the length of ``data``,
    which is at most a mebibyte.

    >>> decode(encode(Cell(b"hi"))).data
    b'hi'
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"{what} has {len(data)} bytes: at most {MAX_BYTES} are read")
    reader = Reader(data, what)
    if reader.take(4) != _MAGIC:
        raise InputError(f"{what} does not start with b5ee9c72")
    flags, offset = reader.byte(), reader.byte()
    size = flags & 7
    if not 1 <= size <= 4 or not 1 <= offset <= 8 or flags & 0x18 or (flags & 0x20 and not flags & 0x80):
        raise InputError(f"{what} has a header that no reader knows")
    cells, roots, absent = (reader.uint(size, "big") for _ in range(3))
    total = reader.uint(offset, "big")
    if roots != 1 or absent or not 1 <= cells <= max_cells:
        raise InputError(f"{what} has one root, no absent cells and at most {max_cells} cells in all")
    if reader.uint(size, "big"):
        raise InputError(f"{what} has its root in front")
    indexed = bool(flags & 0x80)
    ends = [reader.uint(offset, "big") >> (1 if flags & 0x20 else 0) for _ in range(cells)] if indexed else []
    start = reader.position
    parts: list[tuple[bytes, int, tuple[int, ...]]] = []
    for number in range(cells):
        parts.append(_cell(reader, number, cells, size, what))
        if indexed and reader.position - start != ends[number]:
            raise InputError(f"{what} has an index that does not fit its cells")
    if reader.position - start != total:
        raise InputError(f"{what} has {reader.position - start} bytes of cells, and its header says {total}")
    if flags & 0x40 and crc32c(data[: reader.position]).to_bytes(4, "little") != reader.take(4):
        raise InputError(f"{what} has a wrong checksum")
    reader.finish()
    reached = {0}
    for number, (_, _, refs) in enumerate(parts):
        if number in reached:
            reached.update(refs)
    if len(reached) != cells:
        raise InputError(f"{what} has cells that its root does not reach")
    made: dict[int, Cell] = {}
    for number in reversed(range(cells)):
        content, bits, refs = parts[number]
        made[number] = Cell(content, bits, tuple(made[ref] for ref in refs))
    return made[0]


def _cell(reader: Reader, number: int, cells: int, size: int, what: str) -> tuple[bytes, int, tuple[int, ...]]:
    first, second = reader.byte(), reader.byte()
    if first & 0xF8:
        raise InputError(f"{what}: cell {number} is exotic or carries hashes; only ordinary cells are read")
    if first > 4:
        raise InputError(f"{what}: cell {number} has more than four references")
    data = reader.take((second + 1) // 2)
    bits = 8 * len(data)
    if second % 2:
        last = data[-1]
        if not last & 0x7F:
            raise InputError(f"{what}: cell {number} has a last byte without bits")
        free = (last & -last).bit_length()  # the closing 1 and the zeros after it
        bits -= free
        data = data[:-1] + bytes((last >> free << free,))
    refs = tuple(reader.uint(size, "big") for _ in range(first))
    if any(not number < ref < cells for ref in refs):
        raise InputError(f"{what}: cell {number} refers to no later cell")
    return data, bits, refs
