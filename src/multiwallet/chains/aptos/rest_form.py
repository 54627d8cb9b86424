"""Transactions in the JSON of the REST API: what is submitted and simulated, and what wallets hand over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...chain import Network
from ...codec.hexadecimal import parse_hex
from ...errors import InputError, InvalidAddress, InvalidTransaction, Unsupported
from . import addresses
from .functions import parameters_of
from .move_values import decode_argument, encode_argument
from .raw_transaction import U64_MAX, EntryFunction, Payload, RawTransaction, Script, SigningMessage
from .signed import Proof, Signed
from .type_tags import IDENTIFIER, TypeTag, parse_type

__all__ = ["check_submittable", "function_of", "parse_function", "read_hex", "read_request", "request", "signature"]

_FIELDS: Final = {
    "sender",
    "sequence_number",
    "max_gas_amount",
    "gas_unit_price",
    "expiration_timestamp_secs",
    "payload",
}
_OPTIONAL: Final = {"replay_protection_nonce", "chain_id"}
_BCS_ONLY: Final = "has no form in the REST API's JSON: submit its bytes to a node as BCS"


def function_of(message: SigningMessage) -> EntryFunction | None:
    """The function that a transaction calls, for itself or for a multisig account."""
    item = message.raw.payload.executable
    return item if isinstance(item, EntryFunction) else None


def check_submittable(message: SigningMessage) -> None:
    """Refuse what the JSON of the REST API cannot carry, before anything is asked; Unsupported."""
    payload = message.raw.payload
    if isinstance(payload.executable, Script):
        raise Unsupported(f"a script's transaction {_BCS_ONLY}")
    if payload.inner and payload.replay_nonce is None:
        raise Unsupported(f"a transaction of the newer payload form with a sequence number {_BCS_ONLY}")


def request(message: SigningMessage, types: Sequence[TypeTag]) -> dict[str, Any]:
    """The fields of a transaction. ``types`` are those of the called function's arguments.

    The node writes BCS from it again: what does not come out the same fails its signature check, never as money.
    """
    check_submittable(message)
    raw = message.raw
    function, payload = function_of(message), raw.payload
    body: dict[str, Any] | None = None
    if function is not None:
        if len(types) != len(function.arguments):
            raise InvalidTransaction(
                f"{function.id} takes {len(types)} arguments, and this transaction gives it {len(function.arguments)}"
            )
        try:
            arguments = [decode_argument(*pair) for pair in zip(types, function.arguments, strict=True)]
        except InputError as error:
            raise InvalidTransaction(f"the arguments of {function.id} do not fit: {error.message}") from error
        body = {
            "type": "entry_function_payload",
            "function": function.id,
            "type_arguments": [str(tag) for tag in function.type_arguments],
            "arguments": arguments,
        }
    if payload.multisig is not None:
        address = addresses.from_bytes(payload.multisig)
        body = {"type": "multisig_payload", "multisig_address": address, "transaction_payload": body}
        if body["transaction_payload"] is None:
            del body["transaction_payload"]
    result: dict[str, Any] = {
        "sender": addresses.from_bytes(raw.sender),
        "sequence_number": str(raw.sequence_number),
        "max_gas_amount": str(raw.max_gas_amount),
        "gas_unit_price": str(raw.gas_unit_price),
        "expiration_timestamp_secs": str(raw.expiration),
        "payload": body,
    }
    if payload.replay_nonce is not None:
        result["replay_protection_nonce"] = str(payload.replay_nonce)
    return result


def signature(signed: Signed, *, simulated: Mapping[bytes, bytes] | None = None) -> dict[str, Any]:
    """The signature part. For a simulation ``simulated`` has the known public keys by address, and no signatures."""
    message = signed.message

    def one(address: bytes) -> dict[str, Any]:
        proof = signed.proofs.get(address)
        if simulated is not None:
            key = simulated.get(address)
            proof = None if key is None else Proof(key, bytes(64))
        if proof is None:
            return {"type": "no_account_signature"}
        if proof.single_key:
            raise Unsupported(f"a transaction of a single-key account {_BCS_ONLY}")
        return {
            "type": "ed25519_signature",
            "public_key": "0x" + proof.public_key.hex(),
            "signature": "0x" + proof.signature.hex(),
        }

    sender = one(message.raw.sender)
    if message.is_simple:
        return sender
    result: dict[str, Any] = {
        "type": "multi_agent_signature" if message.fee_payer is None else "fee_payer_signature",
        "sender": sender,
        "secondary_signer_addresses": [addresses.from_bytes(address) for address in message.secondary],
        "secondary_signers": [one(address) for address in message.secondary],
    }
    if message.fee_payer is not None:
        result["fee_payer_address"] = addresses.from_bytes(message.fee_payer)
        result["fee_payer_signer"] = one(message.fee_payer)
    return result


def parse_function(text: str) -> tuple[bytes, str, str]:
    """The parts of ``0x1::module::function``; InputError."""
    parts = text.split("::") if isinstance(text, str) else []
    if len(parts) != 3 or not all(IDENTIFIER.fullmatch(part) for part in parts[1:]):
        raise InputError("a function is written 0x1::module::function")
    return addresses.to_bytes(parts[0]), parts[1], parts[2]


def read_request(network: Network, chain_id: int | None, data: Mapping[Any, Any]) -> SigningMessage:
    """A transaction from its JSON fields, of a function whose arguments are known here; InvalidTransaction.

    The JSON names no chain: it is meant for the network of the account, or for ``chain_id`` where it says so.
    """
    fields = set(data)
    if not fields >= _FIELDS or fields - _FIELDS - _OPTIONAL:
        raise InvalidTransaction(
            "this is no transaction of Aptos's REST API: it has the fields " + ", ".join(sorted(_FIELDS))
        )
    stated = data.get("chain_id", chain_id)
    if stated is None:
        raise InvalidTransaction(f"{network.name} has no fixed chain id: say it in the field chain_id")
    try:
        nonce = data.get("replay_protection_nonce")
        replay = None if nonce is None else _whole(nonce, "replay_protection_nonce")
        payload = Payload(_read_call(data["payload"]), None, replay, inner=replay is not None)
        raw = RawTransaction(
            addresses.to_bytes(data["sender"]),
            U64_MAX if replay is not None else _whole(data["sequence_number"], "sequence_number"),
            payload,
            _whole(data["max_gas_amount"], "max_gas_amount"),
            _whole(data["gas_unit_price"], "gas_unit_price"),
            _whole(data["expiration_timestamp_secs"], "expiration_timestamp_secs"),
            _whole(stated, "chain_id", 255),
        )
    except InvalidTransaction:
        raise
    except (InvalidAddress, InputError) as error:
        raise InvalidTransaction(f"this is no transaction of Aptos's REST API: {error.message}") from error
    return SigningMessage(raw)


def _read_call(data: Any) -> EntryFunction:
    fields = {"type", "function", "type_arguments", "arguments"}
    if not isinstance(data, Mapping) or set(data) != fields or data["type"] != "entry_function_payload":
        raise InvalidTransaction("the payload is an entry_function_payload with " + ", ".join(sorted(fields)))
    tags, arguments = data["type_arguments"], data["arguments"]
    if not isinstance(tags, list | tuple) or not isinstance(arguments, list | tuple):
        raise InvalidTransaction("type_arguments and arguments are lists")
    bare = EntryFunction(*parse_function(data["function"]), tuple(map(parse_type, tags)), tuple(b"" for _ in arguments))
    types = parameters_of(bare)
    if types is None:
        raise InvalidTransaction(
            f"the JSON of {bare.id} does not say the types of its arguments: hand over the transaction's BCS instead"
        )
    plain = [item["inner"] if isinstance(item, Mapping) and set(item) == {"inner"} else item for item in arguments]
    encoded = tuple(encode_argument(tag, value) for tag, value in zip(types, plain, strict=True))
    return EntryFunction(bare.address, bare.module, bare.function, bare.type_arguments, encoded)


def _whole(value: Any, name: str, high: int = U64_MAX) -> int:
    if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
        raise InvalidTransaction(f"{name} is a whole number from 0 to {high}, or its text")
    return value


def read_hex(text: str) -> bytes:
    """Bytes from hex text with or without ``0x``; InvalidTransaction."""
    try:
        return parse_hex(text.strip(), what="the transaction")
    except InputError as error:
        raise InvalidTransaction(error.message) from error
