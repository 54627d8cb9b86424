"""The parameters of Solana's JSON-RPC, read as strictly as a node reads them. What is wrong is Rejected with -32602."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from solders.hash import Hash
from solders.message import MessageV0, from_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from ..codec import base58
from ..errors import InputError, Rejected

__all__ = [
    "INVALID_PARAMS",
    "invalid",
    "read_commitment",
    "read_count",
    "read_encoding",
    "read_hash",
    "read_key",
    "read_message",
    "read_piece",
    "read_settings",
    "read_signature",
    "read_transaction",
]

INVALID_PARAMS: Final = -32602
_PACKET: Final = 1232
_LONGEST: Final = {"base58": 1683, "base64": 1644}
_TYPE: Final = "solana_transaction::versioned::VersionedTransaction"
_ENCODINGS: Final = ("binary", "base58", "base64", "base64+zstd", "jsonParsed")
_COMMITMENTS: Final = ("processed", "confirmed", "finalized")


def invalid(message: str) -> Rejected:
    """The refusal of a parameter."""
    return Rejected(message, node_code=INVALID_PARAMS)


def _decoded(text: Any, length: int) -> bytes:
    if not isinstance(text, str):
        raise invalid(f"Invalid params: invalid type: {type(text).__name__}, expected a string.")
    if len(text) > 2 * length:
        raise invalid("Invalid param: WrongSize")
    try:
        raw = base58.decode(text)
    except InputError:
        raise invalid("Invalid param: Invalid") from None
    if len(raw) != length:
        raise invalid("Invalid param: WrongSize")
    return raw


def read_key(text: Any) -> Pubkey:
    """An address."""
    return Pubkey.from_bytes(_decoded(text, 32))


def read_hash(text: Any) -> Hash:
    """A block hash."""
    return Hash.from_bytes(_decoded(text, 32))


def read_signature(text: Any) -> str:
    """A signature, as text."""
    return base58.encode(_decoded(text, 64))


def read_settings(value: Any) -> Mapping[str, Any]:
    """The object with settings that most methods take last; empty where it is left out."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise invalid(f"Invalid params: invalid type: {type(value).__name__}, expected a map.")
    return value


def read_commitment(settings: Mapping[str, Any], default: str = "finalized") -> str:
    """processed, confirmed or finalized."""
    level = settings.get("commitment")
    if level is None:
        return default
    if level not in _COMMITMENTS:
        raise invalid(
            f"Invalid params: unknown variant `{str(level)[:40]}`, expected one of `processed`, `confirmed`, `finalized`."
        )
    return str(level)


def read_encoding(settings: Mapping[str, Any], default: str, known: Sequence[str] = _ENCODINGS) -> str:
    """How data is to be written."""
    encoding = settings.get("encoding") or default
    if encoding not in known:
        listed = ", ".join(f"`{name}`" for name in known)
        raise invalid(f"Invalid params: unknown variant `{str(encoding)[:40]}`, expected one of {listed}.")
    if encoding == "base64+zstd":
        raise invalid("this devnet does not compress: ask for base64")
    return str(encoding)


def read_count(value: Any, name: str, most: int = 2**64 - 1) -> int:
    """A whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise invalid(f"Invalid params: {name} is not a whole number up to {most}.")
    return value


def read_piece(settings: Mapping[str, Any]) -> Mapping[str, int] | None:
    """The ``dataSlice``: which bytes of an account's data are wanted."""
    piece = settings.get("dataSlice")
    if piece is None:
        return None
    if not isinstance(piece, Mapping):
        raise invalid("Invalid params: dataSlice is not a map.")
    return {name: read_count(piece.get(name), name) for name in ("offset", "length")}


def read_transaction(text: Any, settings: Mapping[str, Any], default: str = "base58") -> VersionedTransaction:
    """A transaction from base58 or base64, as far as can be told from its bytes alone. Signatures are not checked."""
    encoding = settings.get("encoding") or default
    if encoding not in _LONGEST:
        raise invalid(f"unsupported encoding: {str(encoding)[:40]}. Supported encodings: base58, base64")
    if not isinstance(text, str):
        raise invalid(f"Invalid params: invalid type: {type(text).__name__}, expected a string.")
    limit = f"(max: encoded/raw {_LONGEST[encoding]}/{_PACKET})"
    if len(text) > _LONGEST[encoding]:
        raise invalid(f"{encoding} encoded {_TYPE} too large: {len(text)} bytes {limit}")
    try:
        raw = base64.b64decode(text, validate=True) if encoding == "base64" else base58.decode(text)
    except (InputError, ValueError, binascii.Error):
        raise invalid(f"invalid {encoding} encoding: InvalidByte") from None
    if len(raw) > _PACKET:
        raise invalid(f"decoded {_TYPE} too large: {len(raw)} bytes (max: {_PACKET} bytes)")
    try:
        transaction = VersionedTransaction.from_bytes(raw)
    except Exception as error:  # noqa: BLE001  # the binding's error has no common class
        raise invalid(f"failed to deserialize {_TYPE}: {str(error)[:200]}") from None
    _sanitize(transaction)
    return transaction


def _sanitize(transaction: VersionedTransaction) -> None:
    """What a node checks before it looks at anything: that all indexes lead somewhere."""
    try:
        transaction.sanitize()
    except Exception:  # noqa: BLE001  # as above
        raise invalid("invalid transaction: Transaction failed to sanitize accounts offsets correctly") from None
    message = transaction.message
    if isinstance(message, MessageV0):
        loaded = sum(
            len(bytes(table.writable_indexes)) + len(bytes(table.readonly_indexes))
            for table in message.address_table_lookups
        )
    else:
        loaded = 0
    count = len(message.account_keys) + loaded
    if not transaction.signatures or count > 256 or not message.account_keys:
        raise invalid("invalid transaction: Transaction failed to sanitize accounts offsets correctly")


def read_message(text: Any) -> Any:
    """A message in base64."""
    if not isinstance(text, str) or len(text) > _LONGEST["base64"]:
        raise invalid("Invalid params: the message is no text, or too long.")
    try:
        message = from_bytes_versioned(base64.b64decode(text, validate=True))
        blank = [Signature.default()] * message.header.num_required_signatures
        _sanitize(VersionedTransaction.populate(message, blank))
    except Rejected:
        raise
    except Exception as error:  # noqa: BLE001  # as above
        raise invalid(f"failed to deserialize solana_message::versions::VersionedMessage: {str(error)[:200]}") from None
    return message
