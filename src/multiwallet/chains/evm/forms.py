"""The forms in which this ecosystem hands a transaction over: dicts with eth-account's keys, bytes and hex."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...codec import eip55
from ...codec.hexadecimal import parse_hex
from ...errors import InputError, InvalidTransaction, SigningRefused
from .authorization import Authorization
from .transaction import AccessList, EvmTransaction, decode_unsigned
from .zksync import GAS_PER_PUBDATA, TYPE, ZksyncTransaction

__all__ = ["read_access_list", "read_address", "read_bytes", "read_native", "read_uint"]

_KEYS: Final = frozenset(
    (
        "from",
        "to",
        "value",
        "gas",
        "gasPrice",
        "maxFeePerGas",
        "maxPriorityFeePerGas",
        "nonce",
        "data",
        "input",
        "chainId",
        "type",
        "accessList",
        "maxFeePerBlobGas",
        "blobVersionedHashes",
        "authorizationList",
        "gasPerPubdata",
        "paymaster",
        "paymasterInput",
    )
)
_HEX: Final = frozenset("0123456789abcdefABCDEF")


def read_native(native: Any, chain_id: int, sender: bytes) -> EvmTransaction:
    """A transaction of ``sender`` on the chain ``chain_id`` from a dict, or from unsigned bytes or hex.

    The dict has eth-account's keys (``input`` is another name of ``data``). Numbers are integers or ``0x`` hex,
    never floats. The type follows from the fees where ``type`` does not say it. A dict without ``chainId`` gets the
    network's; only an explicit ``chainId`` of None or 0 makes a legacy transaction that any chain accepts.

    Raises :class:`~multiwallet.errors.InvalidTransaction`, and :class:`~multiwallet.errors.SigningRefused` for a
    transaction that states another sender or chain.
    """
    if isinstance(native, Mapping):
        transaction = _from_mapping(native, chain_id, sender)
    elif isinstance(native, bytes | bytearray | memoryview):
        transaction = decode_unsigned(bytes(native))
    elif isinstance(native, str):
        transaction = decode_unsigned(read_bytes("the transaction", native))
    else:
        raise InvalidTransaction(
            f"a transaction is a dict with eth-account's keys, or unsigned bytes or hex, not {type(native).__name__}"
        )
    if transaction.chain_id not in (None, chain_id):
        raise SigningRefused(
            f"the transaction is for chain id {transaction.chain_id}, and this network's is {chain_id}: "
            "use the account of that network"
        )
    return transaction


def read_uint(what: str, value: Any) -> int:
    """An integer from ``int`` or ``0x`` hex; InvalidTransaction for a float, a bool, decimal text and the rest.

    >>> read_uint("gas", "0x5208")
    21000
    """
    if type(value) is int:
        return value
    if isinstance(value, str):
        digits = value[2:]
        if value[:2] in ("0x", "0X") and 0 < len(digits) <= 64 and _HEX.issuperset(digits):
            return int(digits, 16)
        raise InvalidTransaction(f"{what}: write an integer or 0x and hex digits, not {value[:20]!r}")
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    raise InvalidTransaction(f"{what}: an integer is needed, not {type(value).__name__}")


def read_bytes(what: str, value: Any, length: int | None = None) -> bytes:
    """Bytes from bytes or hex text with or without ``0x``; InvalidTransaction for the rest."""
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        if length is not None and len(data) != length:
            raise InvalidTransaction(f"{what} has {length} bytes, not {len(data)}")
        return data
    if not isinstance(value, str):
        raise InvalidTransaction(f"{what}: bytes or hex text are needed, not {type(value).__name__}")
    try:
        return parse_hex(value, length=length, what=what)
    except InputError as error:
        raise InvalidTransaction(error.message) from error


def read_address(what: str, value: Any) -> bytes:
    """20 bytes from bytes or ``0x`` text, whose checksum must be right where it has one."""
    if isinstance(value, str):
        try:
            return eip55.parse(value)
        except InputError as error:
            raise InvalidTransaction(f"{what}: {error.message}") from error
    return read_bytes(what, value, 20)


def _from_mapping(native: Mapping[Any, Any], chain_id: int, sender: bytes) -> EvmTransaction:
    unknown = [key for key in native if key not in _KEYS]
    if unknown:
        raise InvalidTransaction(
            f"unknown field {str(unknown[0])[:40]!r}: a transaction's fields are {', '.join(sorted(_KEYS))}"
        )
    if "from" in native and read_address("from", native["from"]) != sender:
        raise SigningRefused("the transaction's from is another address than the account's")
    kind = _type(native)
    if kind == TYPE:
        return _zksync(native, chain_id, sender)
    stated = native.get("chainId", chain_id)
    replayable = "chainId" in native and kind == 0 and (stated is None or read_uint("chainId", stated) == 0)
    to, data = _recipient(native), _data(native)
    if not to and not data and native.get("to", "") is not None:  # an empty cell of a table, most likely
        raise InvalidTransaction("the transaction has neither a recipient (to) nor a contract's code (data)")
    return EvmTransaction(
        type=kind,
        chain_id=None if replayable else read_uint("chainId", stated),
        nonce=_required(native, "nonce"),
        gas=_required(native, "gas"),
        to=to,
        value=read_uint("value", native.get("value", 0)),
        data=data,
        gas_price=_required(native, "gasPrice") if kind < 2 else 0,
        max_fee_per_gas=_required(native, "maxFeePerGas") if kind >= 2 else 0,
        max_priority_fee_per_gas=_required(native, "maxPriorityFeePerGas") if kind >= 2 else 0,
        access_list=read_access_list(native.get("accessList", ())),
        max_fee_per_blob_gas=_required(native, "maxFeePerBlobGas") if kind == 3 else 0,
        blob_hashes=tuple(
            read_bytes("a blob hash", entry, 32)
            for entry in _sequence("blobVersionedHashes", native.get("blobVersionedHashes", ()))
        ),
        authorizations=tuple(
            _authorization(entry) for entry in _sequence("authorizationList", native.get("authorizationList", ()))
        ),
    )


def _zksync(native: Mapping[Any, Any], chain_id: int, sender: bytes) -> ZksyncTransaction:
    """A transaction of type 113, with viem's names for what it has beside the others."""
    payer = native.get("paymaster")
    return ZksyncTransaction(
        type=TYPE,
        chain_id=read_uint("chainId", native.get("chainId", chain_id)),
        nonce=_required(native, "nonce"),
        gas=_required(native, "gas"),
        to=_recipient(native),
        value=read_uint("value", native.get("value", 0)),
        data=_data(native),
        max_fee_per_gas=_required(native, "maxFeePerGas"),
        max_priority_fee_per_gas=_required(native, "maxPriorityFeePerGas"),
        sender=sender,
        gas_per_pubdata=read_uint("gasPerPubdata", native.get("gasPerPubdata", GAS_PER_PUBDATA)),
        paymaster=b"" if payer is None else read_address("paymaster", payer),
        paymaster_input=read_bytes("paymasterInput", native.get("paymasterInput", b"")),
    )


def _type(native: Mapping[Any, Any]) -> int:
    """The type that the dict states or, as eth-account has it, the one that its fields imply."""
    dynamic = "maxFeePerGas" in native or "maxPriorityFeePerGas" in native
    blobs = "maxFeePerBlobGas" in native or "blobVersionedHashes" in native
    delegates = "authorizationList" in native
    if dynamic and "gasPrice" in native:
        raise InvalidTransaction("gasPrice and maxFeePerGas exclude each other: keep one of them")
    if blobs and delegates:
        raise InvalidTransaction("a transaction has blobs or an authorization list, not both")
    if "type" in native:
        kind = read_uint("type", native["type"])
    elif blobs:
        kind = 3
    elif delegates:
        kind = 4
    elif dynamic:
        kind = 2
    else:
        kind = 1 if "accessList" in native else 0
    if kind not in (0, 1, 2, 3, 4, TYPE):
        raise InvalidTransaction(f"there is no transaction type {kind}: the types are 0 to 4")
    misplaced = [
        name
        for name, fits in (
            ("gasPrice", kind < 2),
            ("maxFeePerGas", kind >= 2),
            ("maxPriorityFeePerGas", kind >= 2),
            ("accessList", 1 <= kind < TYPE),
            ("maxFeePerBlobGas", kind == 3),
            ("blobVersionedHashes", kind == 3),
            ("authorizationList", kind == 4),
            ("gasPerPubdata", kind == TYPE),
            ("paymaster", kind == TYPE),
            ("paymasterInput", kind == TYPE),
        )
        if name in native and not fits
    ]
    if misplaced:
        raise InvalidTransaction(f"a type {kind} transaction has no field {misplaced[0]}")
    return kind


def _required(native: Mapping[Any, Any], name: str) -> int:
    if name not in native:
        raise InvalidTransaction(f"the transaction has no {name}: state it, or let account.build() find it")
    return read_uint(name, native[name])


def _recipient(native: Mapping[Any, Any]) -> bytes:
    to = native.get("to")
    if to is None or (isinstance(to, str | bytes) and to in ("", "0x", b"")):
        return b""
    return read_address("to", to)


def _data(native: Mapping[Any, Any]) -> bytes:
    given = [read_bytes(name, native[name]) for name in ("data", "input") if name in native]
    if len(given) == 2 and given[0] != given[1]:
        raise InvalidTransaction("data and input are two names of one field, and they differ: keep one of them")
    return given[0] if given else b""


def read_access_list(value: Any) -> AccessList:
    """An EIP-2930 access list from dicts (``address``, ``storageKeys``) or from pairs of the two."""
    return tuple(_access_entry(entry) for entry in _sequence("accessList", value))


def _access_entry(entry: Any) -> tuple[bytes, tuple[bytes, ...]]:
    if isinstance(entry, Mapping):
        if set(entry) != {"address", "storageKeys"}:
            raise InvalidTransaction("an entry of accessList has the fields address and storageKeys, and no others")
        address, keys = entry["address"], entry["storageKeys"]
    else:
        pair = _sequence("an entry of accessList", entry)
        if len(pair) != 2:
            raise InvalidTransaction("an entry of accessList is an address and its storage keys")
        address, keys = pair
    return (
        read_address("an address of accessList", address),
        tuple(read_bytes("a storage key", key, 32) for key in _sequence("storageKeys", keys)),
    )


def _authorization(entry: Any) -> Authorization:
    dump = getattr(entry, "model_dump", None)  # eth-account's signed authorization is a pydantic model
    if dump is not None:
        entry = dump(by_alias=True)
    names = ("chainId", "address", "nonce", "yParity", "r", "s")
    if not isinstance(entry, Mapping) or set(entry) != set(names):
        raise InvalidTransaction(f"an entry of authorizationList has just the fields {', '.join(names)}")
    chain_id, nonce, parity, r, s = (read_uint(name, entry[name]) for name in names if name != "address")
    return Authorization(chain_id, read_address("an authorization's address", entry["address"]), nonce, parity, r, s)


def _sequence(what: str, value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidTransaction(f"{what} is a list, not {type(value).__name__}")
    return value
