"""Transactions of Aptos as the devnet's ledger reads them: from BCS or JSON, with their signatures checked.

This is a second reading of the format, apart from the one in ``chains/aptos``, so that an error in one of the two
shows. Types and arguments of Move are read with the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..chains.aptos.move_values import encode_argument
from ..chains.aptos.type_tags import TypeTag, decode_type, parse_type
from ..codec import bcs
from ..codec.bcs import BcsReader
from ..codec.hexadecimal import parse_hex
from ..crypto.ed25519 import verify
from ..crypto.hashes import sha3_256
from ..errors import InputError

__all__ = ["Call", "Transaction", "address_text", "read_address"]

_RAW: Final = sha3_256(b"APTOS::RawTransaction")
_RAW_WITH_DATA: Final = sha3_256(b"APTOS::RawTransactionWithData")
_USER: Final = sha3_256(b"APTOS::Transaction") + b"\0"
_ZERO: Final = bytes(32)


def address_text(address: bytes) -> str:
    """An address as the API writes it: short for 0x0 to 0xf."""
    number = int.from_bytes(address, "big")
    return f"0x{number:x}" if number < 16 else f"0x{address.hex()}"


def read_address(text: Any) -> bytes:
    """An address of 1 to 64 digits, as the API takes it."""
    if not isinstance(text, str) or not 0 < len(text.removeprefix("0x")) <= 64:
        raise InputError("failed to parse an account address")
    return parse_hex(text.removeprefix("0x").zfill(64), length=32, what="the address")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an entry function: ``0x1::coin::transfer``, types, arguments in BCS."""

    function: str
    types: tuple[str, ...]
    arguments: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """What one signer put in: Ed25519 key and signature, both None where none is given."""

    key: bytes | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """A signed transaction. ``raw`` are its bytes before and ``signed`` after signing."""

    sender: bytes
    sequence: int
    call: Call | None
    nonce: int | None
    max_gas: int
    price: int
    expiration: int
    chain_id: int
    raw: bytes
    signed: bytes
    signers: tuple[tuple[bytes, Account], ...]
    secondary: tuple[bytes, ...] = ()
    payer: bytes | None = None

    @property
    def txid(self) -> str:
        return "0x" + sha3_256(_USER + self.signed).hex()

    @property
    def pays(self) -> bytes:
        """Who pays for the gas."""
        return self.sender if self.payer is None else self.payer

    def is_signed(self) -> bool:
        """Whether every signature is there and right."""
        listed = bcs.encode_sequence(self.secondary)
        texts = [_RAW + self.raw]
        if self.payer is not None:
            texts = [_RAW_WITH_DATA + b"\x01" + self.raw + listed + payer for payer in (self.payer, _ZERO)]
        elif self.secondary:
            texts = [_RAW_WITH_DATA + b"\0" + self.raw + listed]
        for position, (_, account) in enumerate(self.signers):
            usable = texts[:1] if self.payer is not None and position == len(self.signers) - 1 else texts
            key, signature = account.key, account.signature
            if key is None or signature is None or not any(verify(key, text, signature) for text in usable):
                return False
        return True

    def has_right_keys(self) -> bool:
        """Whether each given key is the one of its address."""
        return all(account.key is None or sha3_256(account.key + b"\0") == address for address, account in self.signers)

    @classmethod
    def decode(cls, signed: bytes) -> Transaction:
        """From BCS; InputError for what the ledger cannot read."""
        reader = BcsReader(signed, "the transaction")
        sender, sequence = reader.take(32), reader.uint(8)
        call, nonce = _read_payload(reader)
        max_gas, price, expiration = reader.uint(8), reader.uint(8), reader.uint(8)
        chain_id = reader.byte()
        raw = signed[: reader.position]
        form = reader.variant("Ed25519", "MultiEd25519", "MultiAgent", "FeePayer", "SingleSender")
        secondary: tuple[bytes, ...] = ()
        payer: bytes | None = None
        if form == "Ed25519":
            found = [Account(reader.byte_string(32), reader.byte_string(64))]
        elif form in ("MultiAgent", "FeePayer"):
            found = [_read_account(reader)]
            secondary = tuple(reader.sequence(lambda: reader.take(32)))
            found += reader.sequence(lambda: _read_account(reader))
            if form == "FeePayer":
                payer = reader.take(32)
                found.append(_read_account(reader))
        else:
            raise InputError(f"this ledger checks Ed25519 signatures alone, not {form}")
        reader.finish()
        named = (sender, *secondary, *(() if payer is None else (payer,)))
        if len(named) != len(found):
            raise InputError("there are not as many signatures as signers")
        return cls(
            sender, sequence, call, nonce, max_gas, price, expiration, chain_id, raw, signed,
            tuple(zip(named, found, strict=True)), secondary, payer,
        )  # fmt: skip

    @classmethod
    def from_json(
        cls, body: Any, chain_id: int, types_of: Callable[[str, tuple[str, ...]], tuple[TypeTag, ...]]
    ) -> Transaction:
        """From the API's JSON; ``types_of`` gives the types of a function's arguments."""
        body = _object(body, "the request")
        payload = _object(body.get("payload"), "payload")
        if payload.get("type") != "entry_function_payload":
            raise InputError("this ledger runs entry_function_payload alone")
        function, tags = payload.get("function"), _list(payload.get("type_arguments"))
        address, _, rest = str(function).partition("::")
        module, _, name = rest.partition("::")
        short = f"{address_text(read_address(address))}::{module}::{name}"
        parsed = tuple(map(parse_type, tags))
        types = types_of(short, tuple(map(str, parsed)))
        values = _list(payload.get("arguments"))
        if len(values) != len(types):
            raise InputError(f"expected {len(types)} arguments, but got {len(values)}")
        plain = [_inner(value) for value in values]
        arguments = [encode_argument(tag, value) for tag, value in zip(types, plain, strict=True)]
        nonce = body.get("replay_protection_nonce")
        entry = (
            read_address(address) + bcs.encode_text(module) + bcs.encode_text(name)
            + bcs.encode_sequence(tag.encode() for tag in parsed)
            + bcs.encode_sequence(bcs.encode_bytes(item) for item in arguments)
        )  # fmt: skip
        sequence = _number(body, "sequence_number") if nonce is None else 2**64 - 1
        runs = b"\x02" + entry
        if nonce is not None:
            held = _number(body, "replay_protection_nonce")
            runs = b"\x04\x00\x01" + entry + b"\x00\x00\x01" + bcs.encode_uint(held, 8)
        raw = read_address(body.get("sender")) + bcs.encode_uint(sequence, 8) + runs
        for field in ("max_gas_amount", "gas_unit_price", "expiration_timestamp_secs"):
            raw += bcs.encode_uint(_number(body, field), 8)
        raw += bcs.encode_uint(chain_id, 1)
        return cls.decode(raw + _signature(_object(body.get("signature"), "signature")))


def _read_payload(reader: BcsReader) -> tuple[Call | None, int | None]:
    form = reader.variant("Script", "ModuleBundle", "EntryFunction", "Multisig", "Payload")
    if form == "EntryFunction":
        return _read_call(reader), None
    if form != "Payload":
        raise InputError(f"this ledger runs entry functions alone, not {form}")
    reader.variant("V1")
    if reader.variant("Script", "EntryFunction", "Empty") != "EntryFunction":
        raise InputError("this ledger runs entry functions alone")
    call = _read_call(reader)
    reader.variant("V1")
    if reader.option(lambda: reader.take(32)) is not None:
        raise InputError("this ledger has no multisig accounts")
    return call, reader.option(lambda: reader.uint(8))


def _read_call(reader: BcsReader) -> Call:
    name = f"{address_text(reader.take(32))}::{reader.text()}::{reader.text()}"
    types = reader.sequence(lambda: str(decode_type(reader)))
    return Call(name, tuple(types), tuple(reader.sequence(reader.byte_string)))


def _read_account(reader: BcsReader) -> Account:
    form = reader.variant("Ed25519", "MultiEd25519", "SingleKey", "MultiKey", "NoAccountAuthenticator")
    if form == "Ed25519":
        return Account(reader.byte_string(32), reader.byte_string(64))
    if form == "NoAccountAuthenticator":
        return Account()
    raise InputError(f"this ledger checks Ed25519 signatures alone, not {form}")


def _signature(data: Mapping[str, Any]) -> bytes:
    form = data.get("type")
    if form == "ed25519_signature":
        return _account(data)
    listed = [read_address(item) for item in _list(data.get("secondary_signer_addresses"))]
    signatures = [_account(_object(item, "signer")) for item in _list(data.get("secondary_signers"))]
    shared = (
        _account(_object(data.get("sender"), "sender"))
        + bcs.encode_sequence(listed) + bcs.encode_sequence(signatures)
    )  # fmt: skip
    if form == "multi_agent_signature":
        return b"\x02" + shared
    if form == "fee_payer_signature":
        payer = read_address(data.get("fee_payer_address"))
        return b"\x03" + shared + payer + _account(_object(data.get("fee_payer_signer"), "fee_payer_signer"))
    raise InputError(f"this ledger does not know signatures of the type {str(form)[:40]}")


def _account(data: Mapping[str, Any]) -> bytes:
    if data.get("type") == "no_account_signature":
        return b"\x04"
    if data.get("type") != "ed25519_signature":
        raise InputError("this ledger checks Ed25519 signatures alone")
    key = parse_hex(data.get("public_key", ""), length=32, what="public_key")
    return b"\x00" + bcs.encode_bytes(key) + bcs.encode_bytes(parse_hex(data.get("signature", ""), length=64))


def _inner(value: Any) -> Any:
    return value["inner"] if isinstance(value, Mapping) and set(value) == {"inner"} else value


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{name} is no object")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InputError("a list is missing")
    return value


def _number(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 20:
        raise InputError(f"{name} is a u64 in text")
    return int(value)
