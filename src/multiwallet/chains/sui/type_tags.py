"""Move types as values: ``u64``, ``vector<address>``, ``0x2::coin::Coin<0x2::sui::SUI>``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ...codec import bcs
from ...codec.bcs import BcsReader
from ...errors import InputError, shown
from . import addresses

__all__ = ["IDENTIFIER", "SUI", "TypeTag", "coin_of", "decode_type", "parse_type"]

# The order is the number of the variant in BCS.
_VARIANTS: Final = ("bool", "u8", "u64", "u128", "address", "signer", "vector", "struct", "u16", "u32", "u256")
_NUMBERS: Final = {name: number for number, name in enumerate(_VARIANTS)}
_DEEPEST: Final = 16
_MOST_ARGUMENTS: Final = 16
_LONGEST: Final = 2048

IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_TOKEN: Final = re.compile(r"\s*(::|[<>,]|[A-Za-z0-9_]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class TypeTag:
    """One Move type. ``kind`` is its name, ``vector`` or ``struct``; ``arguments`` are the types in its brackets."""

    kind: str
    arguments: tuple[TypeTag, ...] = ()
    address: bytes = b""
    module: str = ""
    name: str = ""

    def __str__(self) -> str:
        inner = f"<{', '.join(map(str, self.arguments))}>" if self.arguments else ""
        if self.kind == "struct":
            return f"0x{self.address.hex().lstrip('0') or '0'}::{self.module}::{self.name}{inner}"
        return self.kind + inner

    @property
    def path(self) -> str:
        """A struct's name without its type arguments; empty for other types."""
        return f"{addresses.from_bytes(self.address)}::{self.module}::{self.name}" if self.kind == "struct" else ""

    def canonical(self) -> str:
        """The text with every address written out and no spaces: one type has one."""
        inner = f"<{','.join(item.canonical() for item in self.arguments)}>" if self.arguments else ""
        return (self.path or self.kind) + inner

    def encode(self) -> bytes:
        """The type in BCS."""
        head = bcs.encode_uleb128(_NUMBERS[self.kind])
        if self.kind == "vector":
            return head + self.arguments[0].encode()
        if self.kind != "struct":
            return head
        inner = bcs.encode_sequence(argument.encode() for argument in self.arguments)
        return head + self.address + bcs.encode_text(self.module) + bcs.encode_text(self.name) + inner


def decode_type(reader: BcsReader, depth: int = 0) -> TypeTag:
    """Read a type from BCS; InputError for what is none or is nested too deep."""
    if depth > _DEEPEST:
        raise InputError(f"a type is nested more than {_DEEPEST} deep")
    kind = reader.variant(*_VARIANTS)
    if kind == "vector":
        return TypeTag(kind, (decode_type(reader, depth + 1),))
    if kind != "struct":
        return TypeTag(kind)
    address, module, name = reader.take(32), reader.text(128), reader.text(128)
    if not IDENTIFIER.fullmatch(module) or not IDENTIFIER.fullmatch(name):
        raise InputError("the name of a Move type holds characters that no name has")
    inner = reader.sequence(lambda: decode_type(reader, depth + 1), _MOST_ARGUMENTS)
    return TypeTag(kind, tuple(inner), address, module, name)


def parse_type(text: str) -> TypeTag:
    """A type from its text; InputError says what is wrong.

    >>> str(parse_type("0x0002::coin::Coin< 0x2::sui::SUI >"))
    '0x2::coin::Coin<0x2::sui::SUI>'
    """
    if not isinstance(text, str):
        raise InputError(f"a Move type is text, not a value of type {type(text).__name__}")
    if len(text) > _LONGEST:
        raise InputError(f"a Move type has at most {_LONGEST} characters here")
    tokens: list[str] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise InputError(f"{shown(text)} is no Move type: character {position + 1} has no place in one")
        tokens.append(match[1])
        position = match.end()
    tokens.reverse()
    tag = _parse(tokens, text, 0)
    if tokens:
        raise InputError(f"{shown(text)} is no Move type: it goes on after its end")
    return tag


def _parse(tokens: list[str], text: str, depth: int) -> TypeTag:
    if depth > _DEEPEST:
        raise InputError(f"a type is nested more than {_DEEPEST} deep")
    word = tokens.pop() if tokens else ""
    if word in _NUMBERS and word not in ("vector", "struct"):
        return TypeTag(word)
    if word == "vector":
        inner = _inner(tokens, text, depth)
        if len(inner) != 1:
            raise InputError(f"{shown(text)} is no Move type: a vector has one type in its brackets")
        return TypeTag(word, inner)
    if not word.startswith("0x"):
        raise InputError(f"{shown(text)} is no Move type: write u64, vector<...> or 0x2::module::Name")
    parts = [tokens.pop() if tokens else "" for _ in range(4)]
    if parts[0] != "::" or parts[2] != "::":
        raise InputError(f"{shown(text)} is no Move type: a struct is written 0x2::module::Name")
    if not IDENTIFIER.fullmatch(parts[1]) or not IDENTIFIER.fullmatch(parts[3]):
        raise InputError(f"{shown(text)} is no Move type: its names hold characters that no name has")
    inner = _inner(tokens, text, depth) if tokens and tokens[-1] == "<" else ()
    return TypeTag("struct", inner, addresses.named(word), parts[1], parts[3])


def _inner(tokens: list[str], text: str, depth: int) -> tuple[TypeTag, ...]:
    found: list[TypeTag] = []
    separator = tokens.pop() if tokens else ""
    if separator == "<":
        while separator in ("<", ","):
            found.append(_parse(tokens, text, depth + 1))
            separator = tokens.pop() if tokens else ""
            if separator == ">" and len(found) <= _MOST_ARGUMENTS:
                return tuple(found)
    raise InputError(f"{shown(text)} is no Move type: its brackets do not match")


SUI: Final = TypeTag("struct", (), addresses.FRAMEWORK, "sui", "SUI")
"""The coin type of SUI."""


def coin_of(tag: TypeTag) -> TypeTag:
    """The type of an object that holds coins of a type: ``0x2::coin::Coin<...>``."""
    return TypeTag("struct", (tag,), addresses.FRAMEWORK, "coin", "Coin")
