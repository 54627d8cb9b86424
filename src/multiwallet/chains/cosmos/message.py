"""One message of a transaction: read from protobuf, from JSON with ``@type`` or from amino JSON, and written as each.

Reading is strict: a field that is unknown, missing or in a form that no serialiser writes is refused, so that the
three forms of a message always say the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...codec import json_text, protobuf
from ...errors import InputError, InvalidTransaction, shown
from . import addresses
from .coins import Coin, check_order, decode_coin, encode_coin, read_coin, read_coins
from .schema import BY_AMINO, MESSAGES, Field, Kind, MessageType

__all__ = ["Message", "Unread", "canonical_json", "coin_values", "decode", "from_amino", "from_json", "make", "whole"]

_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
_VOTES: Final = (
    "VOTE_OPTION_UNSPECIFIED",
    "VOTE_OPTION_YES",
    "VOTE_OPTION_ABSTAIN",
    "VOTE_OPTION_NO",
    "VOTE_OPTION_NO_WITH_VETO",
)
_LIMIT: Final = {Kind.UNSIGNED: 1 << 64, Kind.SIGNED: 1 << 63, Kind.VOTE: len(_VOTES)}
_EXACT: Final = 1 << 53
_LONGEST: Final = 100_000
_EMPTY: Final[dict[Kind, Any]] = {Kind.TEXT: "", Kind.COINS: (), Kind.HEIGHT: (0, 0)}


@dataclass(frozen=True, slots=True)
class Unread:
    """A message of a type that is not known here: its type URL and its bytes."""

    url: str
    data: bytes

    def encode(self) -> bytes:
        """The message's own bytes."""
        return self.data


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a known type; ``values`` has one entry for each field."""

    type: MessageType
    values: Mapping[str, Any]

    @property
    def url(self) -> str:
        """The type URL."""
        return self.type.url

    @property
    def signer(self) -> str:
        """The address that must sign it."""
        return str(self.values[self.type.signer])

    def encode(self) -> bytes:
        """The message in protobuf."""
        return b"".join(_encode(field, self.values[field.name]) for field in self.type.fields)

    def json(self) -> dict[str, Any]:
        """The message in the JSON of protobuf, with ``@type``."""
        values = {field.name: _json(field.kind, self.values[field.name]) for field in self.type.fields}
        return {"@type": self.url, **values}

    def amino(self) -> dict[str, Any]:
        """The message in amino JSON: empty optional fields left out, enums as numbers."""
        values = {}
        for field in self.type.fields:
            value = self.values[field.name]
            if field.optional and field.kind is not Kind.COINS and not value:
                continue
            if field.kind is Kind.VOTE:
                values[field.name] = value
            elif field.kind is Kind.HEIGHT:
                parts = zip(("revision_number", "revision_height"), value, strict=True)
                values[field.name] = {name: str(part) for name, part in parts if part}
            else:
                values[field.name] = _json(field.kind, value)
                if field.kind is Kind.JSON and _largest(values[field.name]) > _EXACT:
                    raise InvalidTransaction("amino JSON cannot hold numbers above 2^53: nodes would round them")
        return {"type": self.type.amino, "value": values}


def make(url: str, **values: Any) -> Message:
    """A message from values that are known to be right."""
    type_ = MESSAGES[url]
    return Message(type_, {f.name: values.get(f.name, _EMPTY.get(f.kind, 0)) for f in type_.fields})


def canonical_json(value: Any) -> str:
    """JSON as Go writes it: keys sorted, no spaces, and ``& < >`` and two line separators escaped.

    >>> canonical_json({"b": "<1>", "a": []})
    '{"a":[],"b":"\\\\u003c1\\\\u003e"}'
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "&<>\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


# -- protobuf --------------------------------------------------------------------------------------


def _encode(field: Field, value: Any) -> bytes:
    number, kind = field.number, field.kind
    if kind in _LIMIT:
        return protobuf.varint_field(number, value)
    if kind is Kind.COIN:
        return protobuf.message_field(number, encode_coin(value))
    if kind is Kind.COINS:
        return b"".join(protobuf.message_field(number, encode_coin(coin)) for coin in value)
    if kind is Kind.HEIGHT:
        return protobuf.message_field(number, b"".join(protobuf.varint_field(n, v) for n, v in enumerate(value, 1)))
    if kind is Kind.JSON:
        return protobuf.bytes_field(number, value)
    return protobuf.bytes_field(number, value.encode("utf-8"))


def decode(hrp: str, url: str, data: bytes) -> Message | Unread:
    """A message from its type URL and protobuf bytes.

    A known type must be written as serialisers write it: encoding it again gives the same bytes. Raises
    InvalidTransaction.
    """
    type_ = MESSAGES.get(url)
    if type_ is None:
        return Unread(url, data)
    known = {field.number: field for field in type_.fields}
    values: dict[str, Any] = {}
    try:
        for number, wire, value in protobuf.parse(data):
            field = known.get(number)
            wanted = protobuf.VARINT if field is not None and field.kind in _LIMIT else protobuf.LENGTH_DELIMITED
            if field is None or wire != wanted:
                raise InvalidTransaction(f"a {url} has no field {number} of that kind")
            if field.kind is Kind.COINS:
                assert isinstance(value, bytes)
                values[field.name] = (*values.get(field.name, ()), decode_coin(value))
            elif field.name in values:
                raise InvalidTransaction(f"a {url} names {field.name} twice")
            else:
                values[field.name] = _decoded(field, value)
    except InvalidTransaction:
        raise
    except InputError as error:
        raise InvalidTransaction(f"the {url} cannot be read: {error.message}") from None
    message = _checked(hrp, type_, values)
    if message.encode() != data:
        raise InvalidTransaction(f"the {url} is not written as serialisers write it")
    return message


def _decoded(field: Field, value: int | bytes) -> Any:
    if isinstance(value, int):
        return value
    if field.kind is Kind.COIN:
        return decode_coin(value)
    if field.kind is Kind.HEIGHT:
        found = {1: 0, 2: 0}
        for number, wire, part in protobuf.parse(value):
            if number not in found or wire != protobuf.VARINT:
                raise InvalidTransaction("a height has a revision number and a revision height")
            assert isinstance(part, int)
            found[number] = part
        return found[1], found[2]
    if field.kind is Kind.JSON:
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidTransaction(f"the field {field.name} is no UTF-8 text") from None


def _checked(hrp: str, type_: MessageType, values: dict[str, Any]) -> Message:
    """The message with its empty fields filled in and every value checked."""
    full = {}
    for field in type_.fields:
        name, kind = field.name, field.kind
        value = values.get(name, _EMPTY.get(kind, 0 if kind in _LIMIT else None))
        empty = not value and kind is not Kind.HEIGHT
        if value is None or (empty and not field.optional):
            raise InvalidTransaction(f"a {type_.url} needs {name}, {kind.value}")
        if kind in _LIMIT and value >= _LIMIT[kind]:
            raise InvalidTransaction(f"{name} is {kind.value}")
        try:
            if kind is Kind.ACCOUNT and addresses.parse(hrp, value) != value:
                raise InvalidTransaction(f"{name} is written in lower case")
            if kind is Kind.VALIDATOR and addresses.parse(f"{hrp}valoper", value, what="a validator") != value:
                raise InvalidTransaction(f"{name} is written in lower case")
            if kind is Kind.JSON:
                _contract_call(value)
        except InvalidTransaction:
            raise
        except InputError as error:
            raise InvalidTransaction(f"{name}: {error.message}") from None
        if kind is Kind.COINS:
            check_order(value)
        if kind is Kind.COIN and not value.units:
            raise InvalidTransaction(f"{name} is a coin of zero")
        full[name] = value
    return Message(type_, full)


def _largest(value: Any) -> int:
    if isinstance(value, dict):
        return max(map(_largest, value.values()), default=0)
    if isinstance(value, list):
        return max(map(_largest, value), default=0)
    return abs(value) if isinstance(value, int) else 0


def _contract_call(data: bytes) -> dict[str, Any]:
    call = json_text.parse(data, what="the contract's message", error=InvalidTransaction, max_depth=32, unique=True)
    if not isinstance(call, dict):
        raise InvalidTransaction("a contract's message is a JSON object")
    return call


# -- JSON ------------------------------------------------------------------------------------------


def _json(kind: Kind, value: Any) -> Any:
    if kind is Kind.VOTE:
        return _VOTES[value]
    if kind in _LIMIT:
        return str(value)
    if kind is Kind.COIN:
        return value.json()
    if kind is Kind.COINS:
        return [coin.json() for coin in value]
    if kind is Kind.HEIGHT:
        return {"revision_number": str(value[0]), "revision_height": str(value[1])}
    if kind is Kind.JSON:
        return _contract_call(value)
    return value


def whole(value: Any, limit: int, what: str) -> int:
    """A whole number below ``limit``, as a number or as decimal text; InvalidTransaction."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, float):
        raise InvalidTransaction(f"{what} is a fraction: only whole numbers are exact")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < limit:
        raise InvalidTransaction(f"{what} is no whole number in its range")
    return value


def _read(field: Field, value: Any) -> Any:
    kind = field.kind
    if kind is Kind.VOTE and value in _VOTES:
        return _VOTES.index(value)
    if kind in _LIMIT:
        return whole(value, _LIMIT[kind], field.name)
    if kind is Kind.COIN:
        return read_coin(value)
    if kind is Kind.COINS:
        return read_coins(value)
    if kind is Kind.HEIGHT:
        if not isinstance(value, Mapping) or not set(value) <= {"revision_number", "revision_height"}:
            raise InvalidTransaction(f"{field.name} has a revision_number and a revision_height")
        return tuple(whole(value.get(f"revision_{part}", 0), 1 << 64, field.name) for part in ("number", "height"))
    if kind is Kind.JSON:
        return _written(value)
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise InvalidTransaction(f"{field.name} is text of at most {_LONGEST} characters")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidTransaction(f"{field.name} holds a lone surrogate, which UTF-8 cannot carry") from None
    return value


def _written(value: Any) -> bytes:
    if not isinstance(value, Mapping):
        raise InvalidTransaction("a contract's message is a JSON object")
    try:
        data = canonical_json(value).encode("utf-8")
    except (TypeError, ValueError, RecursionError):
        raise InvalidTransaction("a contract's message holds something that is no JSON") from None
    if _contract_call(data) != value:
        raise InvalidTransaction("a contract's message is JSON with text keys, lists, texts and whole numbers")
    return data


def _from(hrp: str, type_: MessageType, values: Any) -> Message:
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise InvalidTransaction(f"a {type_.url} is an object of fields")
    known = {field.name: field for field in type_.fields}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InvalidTransaction(f"a {type_.url} has no field {shown(unknown[0])}: its fields are {', '.join(known)}")
    return _checked(hrp, type_, {name: _read(known[name], value) for name, value in values.items()})


def from_json(hrp: str, data: Any) -> Message:
    """A message from ``{"@type": "/cosmos...", ...}`` with the proto field names; InvalidTransaction."""
    if not isinstance(data, Mapping) or not isinstance(data.get("@type"), str):
        raise InvalidTransaction('a message is an object with "@type"')
    type_ = MESSAGES.get(data["@type"])
    if type_ is None:
        raise InvalidTransaction(f"the message type {shown(data['@type'])} is not known here: sign a SignDoc of it")
    return _from(hrp, type_, {name: value for name, value in data.items() if name != "@type"})


def from_amino(hrp: str, data: Any) -> Message:
    """A message from ``{"type": "cosmos-sdk/...", "value": {...}}``; InvalidTransaction."""
    if not isinstance(data, Mapping) or set(data) != {"type", "value"} or not isinstance(data["type"], str):
        raise InvalidTransaction('an amino message is {"type": ..., "value": ...}')
    type_ = BY_AMINO.get(data["type"])
    if type_ is None:
        raise InvalidTransaction(f"the amino message type {shown(data['type'])} is not known here")
    return _from(hrp, type_, data["value"])


def coin_values(message: Message) -> list[Coin]:
    """Every coin that the message names."""
    found: list[Coin] = []
    for field in message.type.fields:
        value = message.values[field.name]
        found += [value] if field.kind is Kind.COIN else value if field.kind is Kind.COINS else []
    return found
