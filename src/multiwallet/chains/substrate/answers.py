"""The shapes of a node's answers, checked before anything is believed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from ...chain import Network
from ...codec import scale
from ...codec.hexadecimal import parse_hex
from ...codec.reader import Reader
from ...errors import BadResponse, InputError
from ...ops import Rpc

__all__ = [
    "Block",
    "RuntimeVersion",
    "block_of",
    "call",
    "dispatch_info",
    "hash_of",
    "hex_of",
    "number_of",
    "opaque_metadata",
    "runtime_version",
    "stored",
    "whole",
]

_METADATA_API: Final = "0x37e397fc7c91f5e4"
_MOST: Final = 100_000


def call(network: Network, method: str, *params: Any, broadcast: bool = False) -> Rpc:
    """One JSON-RPC call."""
    return Rpc(network.id, method, params, broadcast=broadcast)


def hex_of(answer: Any, method: str, length: int | None = None) -> bytes:
    """Bytes from hex text with ``0x`` in front."""
    try:
        return parse_hex(answer, length=length, prefix="required", what="the answer")
    except InputError as error:
        raise BadResponse(f"{method}: {error.message}") from None


def hash_of(answer: Any, method: str) -> str:
    """A hash of 32 bytes, as ``0x`` and lower-case hex."""
    return "0x" + hex_of(answer, method, 32).hex()


def stored(answer: Any, method: str = "state_getStorage") -> bytes | None:
    """A stored value; None where nothing is stored."""
    return None if answer is None else hex_of(answer, method)


def whole(answer: Any, method: str, bits: int = 32) -> int:
    """A whole number, which nodes write as a number or as ``0x`` hex."""
    if isinstance(answer, str) and answer[:2] == "0x" and len(answer) <= 34:
        with suppress(ValueError):
            answer = int(answer[2:], 16)
    if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < 1 << bits:
        raise BadResponse(f"{method} answered no whole number where one belongs")
    return answer


def number_of(answer: Any, method: str) -> int:
    """The number in a block's header."""
    if not isinstance(answer, Mapping):
        raise BadResponse(f"{method} answered {type(answer).__name__} instead of a block's header")
    return whole(answer.get("number"), method)


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its number and its extrinsics' bytes."""

    number: int
    extrinsics: tuple[bytes, ...]


def block_of(answer: Any, method: str = "chain_getBlock") -> Block:
    """A block with its extrinsics."""
    block = answer.get("block") if isinstance(answer, Mapping) else None
    if not isinstance(block, Mapping) or not isinstance(block.get("extrinsics"), list):
        raise BadResponse(f"{method} answered no block")
    if len(block["extrinsics"]) > _MOST:
        raise BadResponse(f"{method} answered a block of absurd size")
    return Block(number_of(block.get("header"), method), tuple(hex_of(item, method) for item in block["extrinsics"]))


@dataclass(frozen=True, slots=True)
class RuntimeVersion:
    """What ``state_getRuntimeVersion`` says, as far as it counts here."""

    spec_name: str
    spec_version: int
    transaction_version: int
    serves_v15: bool


def runtime_version(answer: Any) -> RuntimeVersion:
    """The runtime's version; ``serves_v15`` where its Metadata API is of version 2 or later."""
    method = "state_getRuntimeVersion"
    if not isinstance(answer, Mapping):
        raise BadResponse(f"{method} answered {type(answer).__name__}: is this a Substrate node?")
    name, apis = answer.get("specName"), answer.get("apis", [])
    if not isinstance(name, str) or not 0 < len(name) <= 100 or not isinstance(apis, list):
        raise BadResponse(f"{method} names no runtime")
    serves = any(
        isinstance(api, list) and len(api) == 2 and api[0] == _METADATA_API and isinstance(api[1], int) and api[1] >= 2
        for api in apis
    )
    return RuntimeVersion(
        name, whole(answer.get("specVersion"), method), whole(answer.get("transactionVersion"), method), serves
    )


def opaque_metadata(answer: Any) -> bytes:
    """The bytes of ``Metadata_metadata_at_version``'s answer: an optional byte string."""
    method = "Metadata_metadata_at_version"
    reader = Reader(hex_of(answer, method), "the answer")
    try:
        data = scale.option(reader, scale.read_bytes)
        reader.finish()
    except InputError as error:
        raise BadResponse(f"{method}: {error.message}") from None
    if data is None:
        raise BadResponse(f"{method}: this runtime has no metadata of version 15 after all")
    return data


def dispatch_info(answer: Any) -> tuple[int, int, int]:
    """The weight (time, proof size) and the fee of ``TransactionPaymentApi_query_info``'s answer."""
    method = "TransactionPaymentApi_query_info"
    data = hex_of(answer, method)
    reader = Reader(data, "the answer")
    try:
        if len(data) == 25:  # before weights had two parts
            time, size = reader.uint(8), 0
        else:
            time, size = scale.compact(reader), scale.compact(reader)
        reader.byte()  # the class
        fee = reader.uint(16)
        reader.finish()
    except InputError as error:
        raise BadResponse(f"{method}: {error.message}") from None
    return time, size, fee
