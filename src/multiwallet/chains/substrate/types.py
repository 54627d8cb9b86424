"""The types of a runtime, as RFC-78 writes them: what a call, an event or an extension is made of.

A reference is an id (an ``int``) or the name of a basic type (``u32``, ``str``, ``compact-u128``, ``void``). The
same table comes from a node's whole metadata and from the few leaves that a transaction carries with it; a type
that is missing from the latter is an InvalidTransaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ...codec import scale
from ...codec.reader import Reader
from ...errors import InvalidTransaction

__all__ = [
    "BASIC",
    "Array",
    "Bits",
    "Composite",
    "Field",
    "Group",
    "Leaf",
    "List",
    "Reference",
    "Shape",
    "Types",
    "Variant",
    "encode_field",
    "encode_reference",
    "read_leaf",
    "read_reference",
]

Reference: TypeAlias = int | str

# The order is RFC-78's: a reference is written as the position of its name here, and 22 and an id for others.
BASIC: Final = (
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "u256", "i8", "i16", "i32", "i64", "i128", "i256",
    "compact-u8", "compact-u16", "compact-u32", "compact-u64", "compact-u128", "compact-u256", "void",
)  # fmt: skip
_CODES: Final = {name: code for code, name in enumerate(BASIC)}
_PER_ID: Final = len(BASIC)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a structure or of a variant; ``name`` is None in tuples."""

    name: str | None
    type: Reference
    type_name: str | None


@dataclass(frozen=True, slots=True)
class Composite:
    """A structure."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One case of an enumeration."""

    name: str
    fields: tuple[Field, ...]
    index: int


@dataclass(frozen=True, slots=True)
class List:
    """A list of any length."""

    of: Reference


@dataclass(frozen=True, slots=True)
class Array:
    """A list of a fixed length."""

    length: int
    of: Reference


@dataclass(frozen=True, slots=True)
class Group:
    """A tuple."""

    items: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Bits:
    """A list of bits, kept in words of ``width`` bytes."""

    width: int
    least_first: bool


Shape: TypeAlias = Composite | Variant | List | Array | Group | Bits


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of the table: a whole type, or one variant of an enumeration."""

    path: tuple[str, ...]
    shape: Shape
    id: int

    def encode(self) -> bytes:
        """As RFC-78 hashes it."""
        return (
            scale.encode_vector(map(scale.encode_text, self.path)) + _shape(self.shape) + scale.encode_compact(self.id)
        )


@dataclass(frozen=True, slots=True)
class Types:
    """Types by id: whole ones in ``plain``, enumerations by the index of their variants."""

    plain: Mapping[int, Leaf] = field(default_factory=dict)
    variants: Mapping[int, Mapping[int, Leaf]] = field(default_factory=dict)

    @classmethod
    def of(cls, leaves: list[Leaf]) -> Types:
        """A table of these leaves; InvalidTransaction where one of them is there twice."""
        plain: dict[int, Leaf] = {}
        variants: dict[int, dict[int, Leaf]] = {}
        for leaf in leaves:
            if isinstance(leaf.shape, Variant):
                place, key = variants.setdefault(leaf.id, {}), leaf.shape.index
            else:
                place, key = plain, leaf.id
            if key in place or (leaf.id in plain and leaf.id in variants):
                raise InvalidTransaction(f"the type {leaf.id} is described twice")
            place[key] = leaf
        return cls(plain, variants)

    def get(self, reference: int) -> Leaf:
        """A whole type."""
        leaf = self.plain.get(reference)
        if leaf is None:
            raise InvalidTransaction(f"the runtime's types do not describe the type {reference}")
        return leaf

    def variant(self, reference: int, index: int) -> tuple[Leaf, Variant]:
        """One variant of an enumeration by its index."""
        leaf = self.variants.get(reference, {}).get(index)
        if leaf is None or not isinstance(leaf.shape, Variant):
            raise InvalidTransaction(f"the runtime's types know no variant {index} of the type {reference}")
        return leaf, leaf.shape

    def path(self, reference: Reference) -> tuple[str, ...]:
        """The path of a type's definition; empty for basic types, tuples and lists."""
        if isinstance(reference, str):
            return ()
        if reference in self.variants:
            return next(iter(self.variants[reference].values())).path
        return self.get(reference).path


def encode_reference(reference: Reference) -> bytes:
    """A reference as RFC-78 writes it."""
    if isinstance(reference, str):
        return scale.encode_enum(_CODES[reference])
    return scale.encode_enum(_PER_ID, scale.encode_compact(reference))


def read_reference(reader: Reader) -> Reference:
    """What :func:`encode_reference` wrote."""
    code = reader.byte()
    if code > _PER_ID:
        raise InvalidTransaction(f"the type reference {code} is unknown")
    return BASIC[code] if code < _PER_ID else scale.compact(reader)


def encode_field(item: Field) -> bytes:
    """A field as RFC-78 writes it."""
    return scale.encode_tuple(_name(item.name), encode_reference(item.type), _name(item.type_name))


def _name(text: str | None) -> bytes:
    return scale.encode_option(None if text is None else scale.encode_text(text))


def _shape(shape: Shape) -> bytes:
    match shape:
        case Composite(fields):
            return scale.encode_enum(0, scale.encode_vector(map(encode_field, fields)))
        case Variant(name, fields, index):
            content = scale.encode_text(name) + scale.encode_vector(map(encode_field, fields))
            return scale.encode_enum(1, content + scale.encode_compact(index))
        case List(of):
            return scale.encode_enum(2, encode_reference(of))
        case Array(length, of):
            return scale.encode_enum(3, scale.encode_uint(length, 4) + encode_reference(of))
        case Group(items):
            return scale.encode_enum(4, scale.encode_vector(map(encode_reference, items)))
        case Bits(width, least_first):
            return scale.encode_enum(5, scale.encode_uint(width, 1) + scale.encode_boolean(least_first))


def read_leaf(reader: Reader) -> Leaf:
    """What :meth:`Leaf.encode` wrote."""
    path = tuple(scale.vector(reader, scale.text))
    _, shape = scale.enum(reader, _composite, _variant, _list, _array, _group, _bits)
    return Leaf(path, shape, scale.compact(reader))


def _field(reader: Reader) -> Field:
    name = scale.option(reader, scale.text)
    reference = read_reference(reader)
    return Field(name, reference, scale.option(reader, scale.text))


def _composite(reader: Reader) -> Shape:
    return Composite(tuple(scale.vector(reader, _field)))


def _variant(reader: Reader) -> Shape:
    name, fields = scale.text(reader), tuple(scale.vector(reader, _field))
    return Variant(name, fields, scale.compact(reader))


def _list(reader: Reader) -> Shape:
    return List(read_reference(reader))


def _array(reader: Reader) -> Shape:
    return Array(reader.uint(4), read_reference(reader))


def _group(reader: Reader) -> Shape:
    return Group(tuple(scale.vector(reader, read_reference)))


def _bits(reader: Reader) -> Shape:
    return Bits(reader.byte(), scale.boolean(reader))
