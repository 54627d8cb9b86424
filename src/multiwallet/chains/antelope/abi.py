"""A contract's ABI: the types, structs, actions and variants that give its bytes a meaning.

Nodes serve it as JSON (``get_abi``) and as bytes (``get_raw_abi``, beside their SHA-256). Both are read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...errors import InvalidTransaction
from .names import name_text
from .wire import Input

__all__ = ["Abi", "Struct"]

_VERSION: Final = "eosio::abi/1."
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Struct:
    """A struct: the name of the struct it extends (or ""), and its fields as name and type, in order."""

    base: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Abi:
    """What of an ABI the serialisation needs. ``types`` are the typedefs; ``actions`` name each action's type."""

    types: Mapping[str, str] = field(default_factory=dict)
    structs: Mapping[str, Struct] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Abi:
        """From the JSON form, as ``get_abi`` gives it; InvalidTransaction for another shape.

        Tables, texts for people and error messages are passed over.
        """
        _check_version(source.get("version", ""))
        return cls(
            {_text(item, "new_type_name"): _text(item, "type") for item in _items(source, "types")},
            {
                _text(item, "name"): Struct(
                    _text(item, "base") if item.get("base") else "",
                    tuple((_text(part, "name"), _text(part, "type")) for part in _items(item, "fields")),
                )
                for item in _items(source, "structs")
            },
            {_text(item, "name"): _text(item, "type") for item in _items(source, "actions")},
            {_text(item, "name"): tuple(_texts(item, "types")) for item in _items(source, "variants")},
        )

    @classmethod
    def decode(cls, data: bytes) -> Abi:
        """From the bytes that the chain stores; InvalidTransaction where they are no ABI."""
        source = Input(data, "the ABI")
        _check_version(source.text())
        types = {source.text(): source.text() for _ in range(source.count())}
        structs = {}
        for _ in range(source.count()):
            name, base = source.text(), source.text()
            structs[name] = Struct(base, tuple((source.text(), source.text()) for _ in range(source.count())))
        actions = {}
        for _ in range(source.count()):
            name = name_text(source.uint(8))
            actions[name] = source.text()
            source.octets()  # what a person is to agree to
        for _ in range(source.count()):  # tables
            source.take(8)
            source.octets()
            for _ in range(2):
                for _ in range(source.count()):
                    source.octets()
            source.octets()
        for _ in range(source.count()):  # clauses
            source.octets()
            source.octets()
        for _ in range(source.count()):  # error messages
            source.take(8)
            source.octets()
        for _ in range(source.count()):  # extensions
            source.take(2)
            source.octets()
        variants: dict[str, tuple[str, ...]] = {}
        if source.remaining:  # from version 1.1 on
            for _ in range(source.count()):
                name = source.text()
                variants[name] = tuple(source.text() for _ in range(source.count()))
        return cls(types, structs, actions, variants)  # what action results follow (1.2) is not needed here


def _check_version(version: object) -> None:
    if not isinstance(version, str) or not version.startswith(_VERSION):
        raise InvalidTransaction("this is no ABI of version 1: its version reads eosio::abi/1.x")


def _items(source: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    value = source.get(name) or []
    if not isinstance(value, list) or len(value) > _MOST or not all(isinstance(item, Mapping) for item in value):
        raise InvalidTransaction(f"the ABI's {name} are no list of objects")
    return value


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value or len(value) > 256:
        raise InvalidTransaction(f"the ABI has an entry without {name!r}")
    return value


def _texts(item: Mapping[str, Any], name: str) -> list[str]:
    value = item.get(name)
    if not isinstance(value, list) or len(value) > 256 or not all(isinstance(part, str) for part in value):
        raise InvalidTransaction(f"the ABI's {name} are no list of names")
    return value
