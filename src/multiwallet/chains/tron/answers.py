"""What is asked of a TRON node over HTTP, and the shapes of its answers, checked before anything is believed.

A node answers ``{}`` for what it does not know and leaves zero fields out. Every request is a POST with a JSON
body, of which ``visible`` true lets addresses be Base58Check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...chain import Network
from ...codec import abi, protobuf
from ...codec.hexadecimal import parse_hex
from ...crypto.hashes import sha256
from ...errors import BadResponse, InputError, MultiwalletError, Rejected, Reverted
from ...ops import Rest
from . import addresses
from .fees import Prices, Resources
from .node_form import decoded_message

__all__ = [
    "Block",
    "block",
    "constant_call",
    "constant_result",
    "estimate_call",
    "estimated_energy",
    "field",
    "hex_field",
    "listed",
    "nested",
    "number",
    "post",
    "prices",
    "resources",
    "revert_reason",
    "table",
]

_HEADER = frozenset(("txTrieRoot", "parentHash", "witness_address"))


def post(network: Network, call: str, /, *, broadcast: bool = False, **body: Any) -> Rest:
    """One request: ``call`` is ``wallet/...`` or ``walletsolidity/...``."""
    return Rest(network.id, "POST", call, json=body, broadcast=broadcast)


def table(answer: Any, call: str) -> Mapping[str, Any]:
    """An answer that is a JSON object; BadResponse for another, Rejected where it is the node's error."""
    if not isinstance(answer, Mapping):
        raise BadResponse(
            f"{call} answered {type(answer).__name__} instead of a JSON object: is this a TRON full node?"
        )
    if "Error" in answer:
        raise Rejected(f"the node refused {call}: {str(answer['Error'])[:300]}", data=answer["Error"])
    return answer


def field(answer: Mapping[str, Any], name: str, call: str, *, default: int | None = 0) -> int:
    """A whole number of zero or more; ``default`` where it is left out (None: it must be there)."""
    value = answer.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise BadResponse(f"{call}: {name} is no whole number of zero or more")
    return value


def hex_field(answer: Mapping[str, Any], name: str, call: str, length: int | None = None) -> bytes:
    """The bytes of a hex field that must be there."""
    try:
        return parse_hex(answer.get(name), length=length)  # type: ignore[arg-type]  # refuses what is no text
    except InputError as error:
        raise BadResponse(f"{call}: {name}: {error.message}") from None


def listed(answer: Mapping[str, Any], name: str, call: str) -> list[Mapping[str, Any]]:
    """A list of objects; empty where it is left out."""
    value = answer.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise BadResponse(f"{call}: {name} is no list of objects")
    return value


def nested(answer: Mapping[str, Any], name: str, call: str) -> Mapping[str, Any]:
    """An object; empty where it is left out."""
    value = answer.get(name, {})
    if not isinstance(value, Mapping):
        raise BadResponse(f"{call}: {name} is no object")
    return value


@dataclass(frozen=True, slots=True)
class Block:
    """A block as far as transactions need it: its number, time in milliseconds and 32-byte id."""

    number: int
    timestamp: int
    id: bytes

    @property
    def reference(self) -> tuple[bytes, bytes]:
        """``ref_block_bytes`` and ``ref_block_hash`` of a transaction that builds on this block."""
        return self.id[6:8], self.id[8:16]


def block(answer: Any, call: str) -> Block:
    """A block whose id fits its header: the number in 8 bytes, then 24 bytes of the header's SHA-256."""
    found = table(answer, call)
    header = nested(nested(found, "block_header", call), "raw_data", call)
    number, timestamp = field(header, "number", call), field(header, "timestamp", call)
    identity = hex_field(found, "blockID", call, 32)
    if int.from_bytes(identity[:8], "big") != number:
        raise BadResponse(f"{call}: the block's id does not hold its number")
    if header.keys() >= _HEADER and sha256(_header_bytes(header, call))[8:] != identity[8:]:
        raise BadResponse(f"{call}: the block's id is not the hash of its header: this node is not to be trusted")
    return Block(number, timestamp, identity)


def _header_bytes(header: Mapping[str, Any], call: str) -> bytes:
    try:
        witness = addresses.to_bytes(header["witness_address"])
    except InputError as error:
        raise BadResponse(f"{call}: witness_address: {error.message}") from None
    state = hex_field(header, "accountStateRoot", call) if "accountStateRoot" in header else b""
    return b"".join(
        (
            protobuf.varint_field(1, field(header, "timestamp", call)),
            protobuf.bytes_field(2, hex_field(header, "txTrieRoot", call)),
            protobuf.bytes_field(3, hex_field(header, "parentHash", call)),
            protobuf.varint_field(7, field(header, "number", call)),
            protobuf.varint_field(8, field(header, "witness_id", call)),
            protobuf.bytes_field(9, witness),
            protobuf.varint_field(10, field(header, "version", call)),
            protobuf.bytes_field(11, state),
        )
    )


def prices(answer: Any) -> Prices:
    """The prices in ``wallet/getchainparameters``."""
    call = "wallet/getchainparameters"
    found: dict[str, int] = {}
    for item in listed(table(answer, call), "chainParameter", call):
        key, value = item.get("key"), item.get("value", 0)
        if isinstance(key, str) and isinstance(value, int) and not isinstance(value, bool):
            found[key] = value
    return Prices(
        bandwidth=field(found, "getTransactionFee", call, default=None),
        energy=field(found, "getEnergyFee", call, default=None),
        create_account=field(found, "getCreateAccountFee", call),
        activation=field(found, "getCreateNewAccountFeeInSystemContract", call),
        memo=field(found, "getMemoFee", call),
        multi_signature=field(found, "getMultiSignFee", call),
        max_fee_limit=field(found, "getMaxFeeLimit", call, default=15_000_000_000),
        forbids_transfer_to_contract=bool(found.get("getForbidTransferToContract", 0)),
    )


def resources(answer: Any) -> Resources:
    """What ``wallet/getaccountresource`` says is left."""
    call = "wallet/getaccountresource"
    found = table(answer, call)

    def left(limit: str, used: str) -> int:
        return max(0, field(found, limit, call) - field(found, used, call))

    return Resources(
        left("freeNetLimit", "freeNetUsed"), left("NetLimit", "NetUsed"), left("EnergyLimit", "EnergyUsed")
    )


def _call_body(owner: str, contract: str, data: bytes, value: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "owner_address": owner,
        "contract_address": contract,
        "data": data.hex(),
        "visible": True,
    }
    if value:
        body["call_value"] = value
    return body


def constant_call(network: Network, owner: str, contract: str, data: bytes, value: int = 0) -> Rest:
    """``wallet/triggerconstantcontract``: run a call without a transaction."""
    return post(network, "wallet/triggerconstantcontract", **_call_body(owner, contract, data, value))


def estimate_call(network: Network, owner: str, contract: str, data: bytes, value: int = 0) -> Rest:
    """``wallet/estimateenergy``, which many public nodes lack."""
    return post(network, "wallet/estimateenergy", **_call_body(owner, contract, data, value))


def constant_result(answer: Any) -> tuple[bytes, int]:
    """What a constant call returned and the energy it used.

    Raises Reverted where the contract gave up, Rejected where the node would not run it (no such contract).
    """
    call = "wallet/triggerconstantcontract"
    found = table(answer, call)
    result = nested(found, "result", call)
    message = decoded_message(result.get("message"))
    results = found.get("constant_result", [])
    if not isinstance(results, list) or len(results) > 64:
        raise BadResponse(f"{call}: constant_result is no list of hex texts")
    data = hex_field({"constant_result": results[0]}, "constant_result", call) if results else b""
    inner = listed(nested(found, "transaction", call), "ret", call)
    if any(item.get("ret") == "FAILED" for item in inner) or "REVERT" in message:
        reason = revert_reason(data) or message or None
        raise Reverted(f"the contract would refuse this call: {reason or 'it gave no reason'}", reason=reason)
    if result.get("result") is not True:
        code = str(result.get("code", "no code"))
        raise Rejected(f"the node would not run the call: {message or code}", node_code=code, data=result)
    return data, field(found, "energy_used", call)


def number(data: bytes, method: str) -> int:
    """The number that a constant call returned in its first 32 bytes; BadResponse where there is none."""
    if len(data) < 32:
        raise BadResponse(f"the contract's {method} answered {len(data)} bytes: this is no TRC-20 token")
    return int.from_bytes(data[:32], "big")


def estimated_energy(outcome: Any) -> int | None:
    """The energy that ``wallet/estimateenergy`` says is needed; None where the node cannot tell."""
    if isinstance(outcome, Rejected):
        return None
    if isinstance(outcome, MultiwalletError):
        raise outcome
    call = "wallet/estimateenergy"
    if not isinstance(outcome, Mapping) or "Error" in outcome:
        return None
    if nested(outcome, "result", call).get("result") is not True:
        return None
    return field(outcome, "energy_required", call, default=None)


def revert_reason(data: bytes) -> str | None:
    """The reason in revert data: the text of ``Error(string)``, the code of ``Panic(uint256)``, else the selector."""
    try:
        if data[:4] == abi.selector("Error(string)"):
            text: str = abi.decode(("string",), data[4:], strict=False)[0]
            return "".join(character if character.isprintable() else " " for character in text)[:300]
        if data[:4] == abi.selector("Panic(uint256)"):
            return f"panic 0x{abi.decode(('uint256',), data[4:], strict=False)[0]:02x}"
    except InputError:
        pass
    return f"error 0x{data[:4].hex()}" if len(data) >= 4 else None
