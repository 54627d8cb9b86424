"""The elementary types of Solidity's contract ABI, each able to encode and decode its values.

:mod:`multiwallet.codec.abi` is the way in. Data from a chain is hostile: every offset and length is checked
before anything is read or allocated, and the work is bounded by the size of the data, however often its
offsets point at the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..errors import InputError
from . import eip55
from .hexadecimal import parse_hex

__all__ = ["AbiType", "Source", "elementary_type"]

_ZEROS: Final = tuple(bytes(count) for count in range(33))


class Source:
    """Encoded data being decoded, with its bounds and the work it may still cause."""

    __slots__ = ("budget", "data", "length", "strict")

    def __init__(self, data: bytes, strict: bool) -> None:
        self.data = data
        self.length = len(data)
        self.strict = strict
        # Offsets may point at the same bytes twice, so a few bytes could stand for billions of values.
        self.budget = 4 * self.length + 4096

    def take(self, position: int, size: int) -> bytes:
        """``size`` bytes at ``position``."""
        end = position + size
        if end > self.length:
            raise InputError(f"the data ends too early: {size} bytes wanted at byte {position} of {self.length}")
        self.budget -= size
        if self.budget < 0:
            raise InputError("the offsets in the data point at the same bytes again and again")
        return self.data[position:end]

    def size_at(self, position: int) -> int:
        """The offset or length at ``position``: an integer that the data could hold at all."""
        value = int.from_bytes(self.take(position, 32), "big")
        if value > self.length:
            raise InputError(f"the offset or length at byte {position} is larger than the data")
        return value


class AbiType:
    """A type: its canonical name, its size in the head (bytes), whether its values lie in the tail, its nesting."""

    __slots__ = ("depth", "dynamic", "encode", "name", "size")

    def __init__(
        self, name: str, encode: Callable[[Any], bytes], *, size: int = 32, dynamic: bool = False, depth: int = 0
    ) -> None:
        self.name = name
        self.encode = encode
        self.size = size
        self.dynamic = dynamic
        self.depth = depth

    def decode(self, source: Source, position: int) -> tuple[Any, int]:
        """The value at ``position`` and the position after its encoding."""
        raise NotImplementedError  # each type says how

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


def _no_integer(value: object) -> InputError:
    return InputError(f"an integer is needed, not {type(value).__name__}")


class _Unsigned(AbiType):
    __slots__ = ("_limit",)

    def __init__(self, bits: int) -> None:
        limit = 1 << bits

        def encode(value: int) -> bytes:
            if type(value) is not int:
                raise _no_integer(value)
            if 0 <= value < limit:
                return value.to_bytes(32, "big")
            raise InputError(f"the number is outside of uint{bits}: 0 to 2^{bits} - 1")

        super().__init__(f"uint{bits}", encode)
        self._limit = limit

    def decode(self, source: Source, position: int) -> tuple[int, int]:
        value = int.from_bytes(source.take(position, 32), "big")
        if value >= self._limit:
            raise InputError(f"the value at byte {position} does not fit in {self.name}")
        return value, position + 32


class _Signed(AbiType):
    __slots__ = ("_limit",)

    def __init__(self, bits: int) -> None:
        limit = 1 << (bits - 1)

        def encode(value: int) -> bytes:
            if type(value) is not int:
                raise _no_integer(value)
            if -limit <= value < limit:
                return value.to_bytes(32, "big", signed=True)
            raise InputError(f"the number is outside of int{bits}: -2^{bits - 1} to 2^{bits - 1} - 1")

        super().__init__(f"int{bits}", encode)
        self._limit = limit

    def decode(self, source: Source, position: int) -> tuple[int, int]:
        value = int.from_bytes(source.take(position, 32), "big", signed=True)
        if not -self._limit <= value < self._limit:
            raise InputError(f"the value at byte {position} does not fit in {self.name}")
        return value, position + 32


def _encode_address(value: str | bytes) -> bytes:
    if isinstance(value, str):
        return _ZEROS[12] + eip55.parse(value)
    if not isinstance(value, bytes | bytearray | memoryview):
        raise InputError(f"an address is 0x... text or 20 bytes, not {type(value).__name__}")
    if len(value) != 20:
        raise InputError(f"an address has 20 bytes, not {len(value)}")
    return _ZEROS[12] + value


class _Address(AbiType):
    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("address", _encode_address)

    def decode(self, source: Source, position: int) -> tuple[str, int]:
        word = source.take(position, 32)
        if word[:12] != _ZEROS[12]:
            raise InputError(f"the value at byte {position} does not fit in address")
        return eip55.checksum(word[12:]), position + 32


def _encode_bool(value: bool) -> bytes:
    if value is True:
        return _ZEROS[31] + b"\x01"
    if value is False:
        return _ZEROS[32]
    raise InputError(f"True or False is needed, not {type(value).__name__}")


class _Bool(AbiType):
    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("bool", _encode_bool)

    def decode(self, source: Source, position: int) -> tuple[bool, int]:
        value = int.from_bytes(source.take(position, 32), "big")
        if value > 1:
            raise InputError(f"the value at byte {position} does not fit in bool")
        return value == 1, position + 32


def _to_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return parse_hex(value, prefix="required", what="bytes as text")
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    raise InputError(f"bytes or 0x... text is needed, not {type(value).__name__}")


class _FixedBytes(AbiType):
    __slots__ = ("_length",)

    def __init__(self, length: int, name: str = "") -> None:
        padding = _ZEROS[32 - length]

        def encode(value: bytes | str) -> bytes:
            data = _to_bytes(value)
            if len(data) != length:
                raise InputError(f"exactly {length} bytes are needed, not {len(data)}")
            return data + padding

        super().__init__(name or f"bytes{length}", encode)
        self._length = length

    def decode(self, source: Source, position: int) -> tuple[bytes, int]:
        word = source.take(position, 32)
        if word[self._length :] != _ZEROS[32 - self._length]:
            raise InputError(f"the value at byte {position} does not fit in {self.name}")
        return word[: self._length], position + 32


def _encode_blob(data: bytes) -> bytes:
    return len(data).to_bytes(32, "big") + data + _ZEROS[-len(data) % 32]


def _decode_blob(source: Source, position: int) -> tuple[bytes, int]:
    length = source.size_at(position)
    start = position + 32
    data = source.take(start, length)
    if source.strict and (padding := -length % 32) and source.take(start + length, padding) != _ZEROS[padding]:
        raise InputError(f"the padding after byte {start + length} is not zero")
    return data, start + length + (-length % 32)


class _Bytes(AbiType):
    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("bytes", lambda value: _encode_blob(_to_bytes(value)), dynamic=True)

    def decode(self, source: Source, position: int) -> tuple[bytes, int]:
        return _decode_blob(source, position)


def _encode_string(value: str) -> bytes:
    if not isinstance(value, str):
        raise InputError(f"text is needed, not {type(value).__name__}")
    try:
        return _encode_blob(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise InputError("the text holds half of a surrogate pair, which UTF-8 cannot write") from None


class _String(AbiType):
    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("string", _encode_string, dynamic=True)

    def decode(self, source: Source, position: int) -> tuple[str, int]:
        data, end = _decode_blob(source, position)
        try:
            return data.decode("utf-8"), end
        except UnicodeDecodeError:
            raise InputError(f"the string at byte {position} is not UTF-8") from None


def elementary_type(kind: str, digits: str) -> AbiType | None:
    """The type ``kind`` followed by ``digits`` (``uint`` and ``8``); ``None`` when there is no such type."""
    if not digits:
        maker = _WITHOUT_DIGITS.get(kind)
        return maker() if maker else None
    number = int(digits)
    if digits[0] == "0":
        return None
    if kind == "bytes" and number <= 32:
        return _FixedBytes(number)
    if kind in ("uint", "int") and number <= 256 and number % 8 == 0:
        return _Unsigned(number) if kind == "uint" else _Signed(number)
    return None


_WITHOUT_DIGITS: Final[dict[str, Callable[[], AbiType]]] = {
    "uint": lambda: _Unsigned(256),
    "int": lambda: _Signed(256),
    "address": _Address,
    "bool": _Bool,
    "bytes": _Bytes,
    "string": _String,
    "function": lambda: _FixedBytes(24, "function"),
}
