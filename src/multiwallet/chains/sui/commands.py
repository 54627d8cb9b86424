"""The commands of a programmable transaction, and the arguments that join them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...codec import bcs
from ...codec.bcs import BcsReader
from ...errors import InputError
from . import addresses
from .type_tags import IDENTIFIER, TypeTag, decode_type

__all__ = ["GAS_COIN", "Argument", "Command", "input_", "read_argument", "read_command", "result"]

MAX_ARGUMENTS: Final = 1024
MAX_CODE: Final = 1 << 17
_KINDS: Final = ("gas", "input", "result", "nested")
_COMMANDS: Final = (
    "MoveCall",
    "TransferObjects",
    "SplitCoins",
    "MergeCoins",
    "Publish",
    "MakeMoveVec",
    "Upgrade",
)


@dataclass(frozen=True, slots=True)
class Argument:
    """What a command works on: the gas coin, an input, a command's result, or one of its results."""

    kind: str
    index: int = 0
    nested: int = 0

    def encode(self) -> bytes:
        head = bcs.encode_uleb128(_KINDS.index(self.kind))
        if self.kind == "gas":
            return head
        tail = bcs.encode_uint(self.nested, 2) if self.kind == "nested" else b""
        return head + bcs.encode_uint(self.index, 2) + tail


GAS_COIN: Final = Argument("gas")
"""The coin that all gas coins are merged into."""


def input_(index: int) -> Argument:
    """An input by its place."""
    return Argument("input", index)


def result(command: int, nested: int) -> Argument:
    """One result of a command."""
    return Argument("nested", command, nested)


def read_argument(reader: BcsReader) -> Argument:
    """Read an argument; InputError."""
    kind = reader.variant(*_KINDS)
    if kind == "gas":
        return GAS_COIN
    index = reader.uint(2)
    return Argument(kind, index, reader.uint(2) if kind == "nested" else 0)


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    ``target`` is what it is about: the recipient of TransferObjects, the coin of SplitCoins and MergeCoins, the
    ticket of Upgrade. ``arguments`` are the objects, amounts, sources or arguments. ``package``, ``module``,
    ``function`` and ``types`` belong to MoveCall, ``types`` to MakeMoveVec as well, ``code`` and ``dependencies``
    to Publish and Upgrade.
    """

    kind: str
    arguments: tuple[Argument, ...] = ()
    target: Argument | None = None
    package: bytes = b""
    module: str = ""
    function: str = ""
    types: tuple[TypeTag, ...] = ()
    code: tuple[bytes, ...] = ()
    dependencies: tuple[bytes, ...] = ()

    @property
    def name(self) -> str:
        """What a MoveCall calls: ``0x2::coin::value``."""
        package = addresses.from_bytes(self.package)
        short = "0x" + package[2:].lstrip("0") if addresses.is_special(self.package) else package
        return f"{short}::{self.module}::{self.function}"

    def encode(self) -> bytes:
        head = bcs.encode_uleb128(_COMMANDS.index(self.kind))
        arguments = bcs.encode_sequence(item.encode() for item in self.arguments)
        if self.kind == "MoveCall":
            types = bcs.encode_sequence(tag.encode() for tag in self.types)
            return (
                head + self.package + bcs.encode_text(self.module) + bcs.encode_text(self.function) + types + arguments
            )
        if self.kind == "MakeMoveVec":
            return head + bcs.encode_option(self.types[0].encode() if self.types else None) + arguments
        if self.kind in ("Publish", "Upgrade"):
            code = bcs.encode_sequence(map(bcs.encode_bytes, self.code)) + bcs.encode_sequence(self.dependencies)
            return head + code + (b"" if self.target is None else self.package + self.target.encode())
        assert self.target is not None  # the three that move coins and objects have one
        target = self.target.encode()
        return head + (arguments + target if self.kind == "TransferObjects" else target + arguments)


def read_command(reader: BcsReader) -> Command:
    """Read a command; InputError."""
    kind = reader.variant(*_COMMANDS)
    if kind == "MoveCall":
        package, module, function = reader.take(32), reader.text(128), reader.text(128)
        if not IDENTIFIER.fullmatch(module) or not IDENTIFIER.fullmatch(function):
            raise InputError("the name of a function holds characters that no name has")
        types = tuple(reader.sequence(lambda: decode_type(reader), 32))
        return Command(kind, _arguments(reader), None, package, module, function, types)
    if kind == "MakeMoveVec":
        tag = reader.option(lambda: decode_type(reader))
        return Command(kind, _arguments(reader), types=() if tag is None else (tag,))
    if kind in ("Publish", "Upgrade"):
        code = tuple(reader.sequence(lambda: reader.byte_string(MAX_CODE), 256))
        dependencies = tuple(reader.sequence(lambda: reader.take(32), 256))
        package = reader.take(32) if kind == "Upgrade" else b""
        ticket = read_argument(reader) if kind == "Upgrade" else None
        return Command(kind, (), ticket, package, code=code, dependencies=dependencies)
    if kind == "TransferObjects":
        objects = _arguments(reader)
        return Command(kind, objects, read_argument(reader))
    target = read_argument(reader)
    return Command(kind, _arguments(reader), target)


def _arguments(reader: BcsReader) -> tuple[Argument, ...]:
    return tuple(reader.sequence(lambda: read_argument(reader), MAX_ARGUMENTS))
