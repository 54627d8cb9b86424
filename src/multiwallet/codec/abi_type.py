"""The composite types of Solidity's contract ABI (tuples and arrays), and types from their names.

:mod:`multiwallet.codec.abi` is the way in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from ..errors import InputError
from .abi_elementary import AbiType, Source, elementary_type

__all__ = ["MAX_NAME_LENGTH", "TupleType", "parse_type"]

MAX_NAME_LENGTH: Final = 2048
MAX_DEPTH: Final = 24

_ELEMENTARY: Final = re.compile(r"([a-z]{1,8})([0-9]{0,3})")
_DIMENSION: Final = re.compile(r"\[([0-9]{0,9})\]")


def _sequence(value: object, count: int | None) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise InputError(f"a list or tuple is needed, not {type(value).__name__}")
    if count is not None and len(value) != count:
        raise InputError(f"{count} values are needed, not {len(value)}")
    return value


def _join(heads: Sequence[bytes | None], tails: Sequence[bytes], offset: int) -> bytes:
    """Heads, with ``None`` where the offset of the next tail belongs, and then the tails."""
    parts = []
    waiting = iter(tails)
    for head in heads:
        if head is None:
            parts.append(offset.to_bytes(32, "big"))
            offset += len(next(waiting))
        else:
            parts.append(head)
    return b"".join((*parts, *tails))


class TupleType(AbiType):
    """``(T1,T2,...)``: also the arguments of a call."""

    __slots__ = ("_head_size", "components")

    def __init__(self, components: Sequence[AbiType]) -> None:
        self.components = tuple(components)
        dynamic = any(component.dynamic for component in components)
        head_size = sum(component.size for component in components)
        count = len(self.components)
        encoders = tuple(component.encode for component in components)

        def encode_static(values: Sequence[Any]) -> bytes:
            values = _sequence(values, count)
            return b"".join([encode(value) for encode, value in zip(encoders, values, strict=True)])

        def encode_dynamic(values: Sequence[Any]) -> bytes:
            values = _sequence(values, count)
            heads: list[bytes | None] = []
            tails = []
            for component, value in zip(self.components, values, strict=True):
                data = component.encode(value)
                if component.dynamic:
                    heads.append(None)
                    tails.append(data)
                else:
                    heads.append(data)
            return _join(heads, tails, head_size)

        self._head_size = head_size
        super().__init__(
            f"({','.join(component.name for component in components)})",
            encode_dynamic if dynamic else encode_static,
            size=32 if dynamic else head_size,
            dynamic=dynamic,
            depth=1 + max((component.depth for component in components), default=0),
        )

    def decode(self, source: Source, position: int) -> tuple[tuple[Any, ...], int]:
        return _decode_sequence(source, position, self.components, self._head_size)


def _decode_sequence(
    source: Source, start: int, components: Sequence[AbiType], head_size: int
) -> tuple[tuple[Any, ...], int]:
    values = []
    position = start
    end = start + head_size
    for component in components:
        if component.dynamic:
            target = start + source.size_at(position)
            if source.strict and target != end:
                raise InputError(
                    f"the offset at byte {position} leaves a gap or points back: it should be {end - start}"
                )
            value, end = component.decode(source, target)
            position += 32
        else:
            value, position = component.decode(source, position)
        values.append(value)
    return tuple(values), end


class _Array(AbiType):
    __slots__ = ("_count", "_element")

    def __init__(self, element: AbiType, count: int | None) -> None:
        if count == 0 or not element.size:
            raise InputError(f"an array of no elements, or of elements without a size: {element.name[:80]}[{count}]")
        self._element = element
        self._count = count
        encode_element = element.encode

        def encode(values: Sequence[Any]) -> bytes:
            values = _sequence(values, count)
            length = b"" if count is not None else len(values).to_bytes(32, "big")
            encoded = [encode_element(value) for value in values]
            if not element.dynamic:
                return length + b"".join(encoded)
            return length + _join([None] * len(encoded), encoded, 32 * len(encoded))

        dynamic = count is None or element.dynamic
        super().__init__(
            f"{element.name}[{'' if count is None else count}]",
            encode,
            size=32 if dynamic else element.size * (count or 0),
            dynamic=dynamic,
            depth=1 + element.depth,
        )

    def decode(self, source: Source, position: int) -> tuple[tuple[Any, ...], int]:
        count = self._count
        if count is None:
            count = source.size_at(position)
            position += 32
        head_size = count * self._element.size
        if position + head_size > source.length:
            raise InputError(
                f"{count} elements of {self._element.name[:80]} do not fit in the data after byte {position}"
            )
        return _decode_sequence(source, position, (self._element,) * count, head_size)


@lru_cache(maxsize=1024)
def parse_type(name: str) -> AbiType:
    """The type called ``name``: ``uint256``, ``(address,bytes32[])[2]`` and so on; ``uint`` and ``int`` mean 256 bits.

    Raises :class:`~multiwallet.errors.InputError` for a name that is no type, longer than 2048 characters or
    nested more than 24 deep.

    >>> parse_type("(uint,string[2])").name
    '(uint256,string[2])'
    """
    if not isinstance(name, str):
        raise InputError(f"an ABI type is text, not {type(name).__name__}")
    if len(name) > MAX_NAME_LENGTH:
        raise InputError(f"the ABI type has {len(name)} characters: the limit is {MAX_NAME_LENGTH}")
    parsed, position = _parse(name, 0, 0)
    if position != len(name):
        raise _unknown(name, position)
    return parsed


def _unknown(name: str, position: int) -> InputError:
    return InputError(
        f"cannot read the ABI type {name[:80]!a} at character {position + 1}: write it like (address,uint256[])"
    )


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InputError(f"the ABI type is nested more than {MAX_DEPTH} deep")


def _parse(name: str, position: int, depth: int) -> tuple[AbiType, int]:
    _check_depth(depth)
    parsed: AbiType
    if name.startswith("(", position):
        components: list[AbiType] = []
        position += 1
        while not name.startswith(")", position):
            if components:
                if not name.startswith(",", position):
                    raise _unknown(name, position)
                position += 1
            component, position = _parse(name, position, depth + 1)
            components.append(component)
        parsed = TupleType(components)
        _check_depth(parsed.depth)
        position += 1
    else:
        match = _ELEMENTARY.match(name, position)
        if match is None:
            raise _unknown(name, position)
        elementary = elementary_type(match[1], match[2])
        if elementary is None:
            raise _unknown(name, position)
        parsed = elementary
        position = match.end()
    while match := _DIMENSION.match(name, position):
        parsed = _Array(parsed, int(match[1]) if match[1] else None)
        _check_depth(parsed.depth)
        position = match.end()
    return parsed, position
