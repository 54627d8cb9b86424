"""RFC-78: the digest of a runtime's metadata, and the few types of it that one transaction needs.

The chain itself knows the digest of its metadata. A transaction that signs over the same digest (the extension
CheckMetadataHash, mode 1) is valid only if the metadata it was made and read with is the chain's own. So a node
that lies about its metadata gets an invalid signature, not another transfer. The tree's leaves are the types; a
:class:`Proof` holds the leaves that a transaction uses and the hashes that tie them to the root, in the standard's
own form, and goes with the transaction to whoever signs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ...codec import scale
from ...codec.reader import Reader
from ...errors import InputError, InvalidTransaction
from .blake3 import blake3, blake3_many
from .metadata import Extension, Metadata
from .types import (
    Array,
    Composite,
    Field,
    Group,
    Leaf,
    List,
    Reference,
    Shape,
    Types,
    Variant,
    encode_reference,
    read_leaf,
    read_reference,
)
from .values import Decoder

__all__ = ["Form", "Identity", "Proof", "Tree", "tree"]

_EMPTY: Final = bytes(32)
_NODES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Identity:
    """What the digest says of the chain beside its types."""

    spec_version: int
    spec_name: str
    prefix: int
    decimals: int
    symbol: str

    def encode(self) -> bytes:
        """As RFC-78 writes it."""
        return scale.encode_tuple(
            scale.encode_uint(self.spec_version, 4),
            scale.encode_text(self.spec_name),
            scale.encode_uint(self.prefix, 2),
            scale.encode_uint(self.decimals, 1),
            scale.encode_text(self.symbol),
        )


@dataclass(frozen=True, slots=True)
class Form:
    """How an extrinsic of this runtime is made: RFC-78's extrinsic metadata."""

    version: int
    address: Reference
    call: Reference
    signature: Reference
    extensions: tuple[Extension, ...]

    def encode(self) -> bytes:
        """As RFC-78 writes it."""
        return scale.encode_tuple(
            scale.encode_uint(self.version, 1),
            encode_reference(self.address),
            encode_reference(self.call),
            encode_reference(self.signature),
            scale.encode_vector(
                scale.encode_text(item.name) + encode_reference(item.included) + encode_reference(item.implicit)
                for item in self.extensions
            ),
        )


def _digest(root: bytes, form: Form, identity: Identity) -> bytes:
    return blake3(scale.encode_enum(1, root + blake3(form.encode()) + identity.encode()))


@dataclass(frozen=True, slots=True)
class Tree:
    """A runtime's types as RFC-78 numbers them, with the hashes of the whole tree (the root is the first)."""

    form: Form
    types: Types
    leaves: tuple[Leaf, ...]
    encoded: tuple[bytes, ...]
    hashes: tuple[bytes, ...]

    def digest(self, identity: Identity) -> bytes:
        """The 32 bytes that CheckMetadataHash signs over."""
        return _digest(self.hashes[0], self.form, identity)

    def proof(self, payload: bytes, identity: Identity, envelope: bytes = b"") -> Proof:
        """What is needed to read a signing payload (call, extensions, and what is signed beside them).

        With ``envelope`` (an encoded address and signature), also what is needed to write those two.
        """
        seen: set[tuple[int, int | None]] = set()
        _read_payload(self.types, self.form, payload, lambda leaf: seen.add(_key(leaf)))
        if envelope:
            reader, decoder = Reader(envelope), Decoder(self.types, lambda leaf: seen.add(_key(leaf)))
            decoder.read(reader, self.form.address)
            decoder.read(reader, self.form.signature)
        # RFC-78 has an enumeration's variants proved one by one, and no others.
        known = [number for number, leaf in enumerate(self.leaves) if _key(leaf) in seen]
        first = len(self.leaves) - 1
        positions = sorted((first + number for number in known), key=_from_the_left)
        needed: list[int] = []
        _walk(positions, 0, needed.append, lambda at: None)
        return Proof(
            tuple(self.leaves[at - first] for at in positions),
            tuple(positions),
            tuple(self.hashes[at] for at in needed),
            self.form,
            identity,
        )


def _key(leaf: Leaf) -> tuple[int, int | None]:
    return leaf.id, leaf.shape.index if isinstance(leaf.shape, Variant) else None


def _from_the_left(position: int) -> tuple[int, int]:
    # Of the two levels that hold leaves, the deeper one stands to the left.
    return -((position + 1).bit_length()), position


def _walk(targets: list[int], node: int, other: Callable[[int], object], leaf: Callable[[int], object]) -> None:
    """Walk the tree in order, calling ``leaf`` for the targets and ``other`` for the trees that hold none."""
    ancestors = set()
    for target in targets:
        at = target
        while at not in ancestors:
            ancestors.add(at)
            if at == 0:
                break
            at = (at - 1) // 2
    wanted = set(targets)
    stack = [node]
    while stack:
        at = stack.pop()
        if at in wanted:
            leaf(at)
        elif at not in ancestors:
            other(at)
        else:
            stack += (2 * at + 2, 2 * at + 1)


@lru_cache(maxsize=4)
def _tree(metadata: _Hashed) -> Tree:
    return _build(metadata.value)


class _Hashed:
    """Metadata as a key: parsing keeps one object for the same bytes."""

    __slots__ = ("value",)

    def __init__(self, value: Metadata) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and self.value is other.value


def tree(metadata: Metadata) -> Tree:
    """The tree of a runtime; the last few are kept."""
    return _tree(_Hashed(metadata))


def _build(metadata: Metadata) -> Tree:
    numbers = {identity: number for number, identity in enumerate(sorted(_accessible(metadata)))}

    def renumbered(reference: Reference) -> Reference:
        return reference if isinstance(reference, str) else numbers[reference]

    leaves = sorted(
        (
            Leaf(leaf.path, _renumbered(leaf, renumbered), numbers[leaf.id])
            for identity in numbers
            for leaf in _leaves_of(metadata.types, identity)
        ),
        key=lambda leaf: (leaf.id, leaf.shape.index if isinstance(leaf.shape, Variant) else 0),
    )
    form = Form(
        metadata.extrinsic_version & 0x7F,
        renumbered(metadata.address),
        renumbered(metadata.call),
        renumbered(metadata.signature),
        tuple(
            Extension(item.name, renumbered(item.included), renumbered(item.implicit)) for item in metadata.extensions
        ),
    )
    encoded = tuple(leaf.encode() for leaf in leaves)
    return Tree(form, Types.of(leaves), tuple(leaves), encoded, tuple(_hashes(encoded)))


def _leaves_of(types: Types, identity: int) -> Iterable[Leaf]:
    if identity in types.variants:
        return types.variants[identity].values()
    return (types.get(identity),)


def _accessible(metadata: Metadata) -> set[int]:
    """The ids of all types that a signed extrinsic can hold."""
    waiting: list[Reference] = [metadata.call, metadata.address, metadata.signature]
    for item in metadata.extensions:
        waiting += (item.included, item.implicit)
    found: set[int] = set()
    while waiting:
        reference = waiting.pop()
        if isinstance(reference, str) or reference in found:
            continue
        found.add(reference)
        for leaf in _leaves_of(metadata.types, reference):
            match leaf.shape:
                case Composite(fields) | Variant(_, fields, _):
                    waiting += (item.type for item in fields)
                case List(of) | Array(_, of):
                    waiting.append(of)
                case Group(items):
                    waiting += items
    return found


def _renumbered(leaf: Leaf, number: Callable[[Reference], Reference]) -> Shape:
    def fields_of(fields: tuple[Field, ...]) -> tuple[Field, ...]:
        return tuple(Field(item.name, number(item.type), item.type_name) for item in fields)

    match leaf.shape:
        case Composite(fields):
            return Composite(fields_of(fields))
        case Variant(name, fields, index):
            return Variant(name, fields_of(fields), index)
        case List(of):
            return List(number(of))
        case Array(length, of):
            return Array(length, number(of))
        case Group(items):
            return Group(tuple(map(number, items)))
        case bits:
            return bits


def _hashes(encoded: tuple[bytes, ...]) -> list[bytes]:
    count = len(encoded)
    if not count:
        return [_EMPTY]
    hashes = [b""] * (count - 1) + blake3_many(encoded)
    level = (count - 1).bit_length()
    for depth in range(level - 1, -1, -1):
        nodes = range((1 << depth) - 1, min((2 << depth) - 1, count - 1))
        values = blake3_many([hashes[2 * at + 1] + hashes[2 * at + 2] for at in nodes])
        for at, value in zip(nodes, values, strict=True):
            hashes[at] = value
    return hashes


def _read_payload(
    types: Types, form: Form, payload: bytes, seen: Callable[[Leaf], object] = lambda leaf: None
) -> tuple[object, int, int, list[object], list[object]]:
    reader = Reader(payload, "the signing payload")
    decoder = Decoder(types, seen)
    call = decoder.read(reader, form.call)
    call_end = reader.position
    included = [decoder.read(reader, item.included) for item in form.extensions]
    extra_end = reader.position
    implicit = [decoder.read(reader, item.implicit) for item in form.extensions]
    try:
        reader.finish()
    except InputError as error:
        raise InvalidTransaction(error.message) from None
    return call, call_end, extra_end, included, implicit


@dataclass(frozen=True, slots=True)
class Proof:
    """The types that one signing payload needs, with what ties them to the digest of the whole."""

    leaves: tuple[Leaf, ...]
    positions: tuple[int, ...]
    hashes: tuple[bytes, ...]
    form: Form
    identity: Identity

    @property
    def types(self) -> Types:
        """The table of its leaves."""
        return Types.of(list(self.leaves))

    def read(self, payload: bytes) -> tuple[object, int, int, list[object], list[object]]:
        """A signing payload: the call, the offsets where call and extensions end, and the values of both halves.

        Raises InvalidTransaction where the payload needs types that are not here, or does not end where it should.
        """
        return _read_payload(self.types, self.form, payload)

    def digest(self) -> bytes:
        """The digest that follows from these leaves and hashes; InvalidTransaction where they make no tree."""
        targets = dict(zip(self.positions, blake3_many([leaf.encode() for leaf in self.leaves]), strict=True))
        if len(targets) != len(self.positions) or any(not 0 <= at < _NODES for at in targets):
            raise InvalidTransaction("the proof of the types names a place twice, or one that is none")
        values = dict(targets)
        others: list[int] = []
        _walk(list(targets), 0, others.append, lambda at: None)
        if len(others) != len(self.hashes):
            raise InvalidTransaction("the proof of the types has too few or too many hashes")
        values.update(zip(others, self.hashes, strict=True))
        for at in sorted({(node - 1) // 2 for node in _with_ancestors(targets) if node}, reverse=True):
            try:
                values[at] = blake3(values[2 * at + 1] + values[2 * at + 2])
            except KeyError:
                raise InvalidTransaction("the proof of the types makes no tree") from None
        return _digest(values[0], self.form, self.identity)

    def encode(self) -> bytes:
        """RFC-78's own form of a proof."""
        return scale.encode_tuple(
            scale.encode_vector(leaf.encode() for leaf in self.leaves),
            scale.encode_vector(scale.encode_uint(at, 4) for at in self.positions),
            scale.encode_vector(self.hashes),
            self.form.encode(),
            self.identity.encode(),
        )

    @classmethod
    def decode(cls, data: bytes) -> Proof:
        """What :meth:`encode` wrote; InvalidTransaction for anything else."""
        reader = Reader(data, "the proof of the types")
        try:
            leaves = tuple(scale.vector(reader, read_leaf))
            positions = tuple(scale.vector(reader, lambda r: r.uint(4)))
            hashes = tuple(scale.vector(reader, lambda r: r.take(32)))
            form = Form(
                reader.byte(),
                read_reference(reader),
                read_reference(reader),
                read_reference(reader),
                tuple(scale.vector(reader, _extension)),
            )
            identity = Identity(reader.uint(4), scale.text(reader), reader.uint(2), reader.byte(), scale.text(reader))
            reader.finish()
        except InvalidTransaction:
            raise
        except InputError as error:
            raise InvalidTransaction(error.message) from None
        if len(leaves) != len(positions):
            raise InvalidTransaction("the proof of the types has other places than types")
        Types.of(list(leaves))
        return cls(leaves, positions, hashes, form, identity)


def _extension(reader: Reader) -> Extension:
    return Extension(scale.text(reader), read_reference(reader), read_reference(reader))


def _with_ancestors(targets: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for target in targets:
        at = target
        while at not in found:
            found.add(at)
            if at == 0:
                break
            at = (at - 1) // 2
    return found
