"""The wire format of the Cosmos SDK as the devnet's ledger reads it: written apart from the wallet's own code.

Also what the chain hashes for a signature: the SignDoc of direct mode, and the amino JSON that it derives from a
transaction in amino mode.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..codec import bech32, protobuf
from ..crypto.hashes import hash160, keccak256, sha256
from ..crypto.secp256k1 import decompress
from ..errors import InputError

__all__ = [
    "MESSAGES",
    "MULTISIG",
    "Coins",
    "Transaction",
    "amino_bytes",
    "bech32_text",
    "direct_bytes",
    "key_address",
    "multisig_address",
    "read_bech32",
]

Coins = dict[str, int]

# Field number to name and type. "coins" repeats; "text" and "number" are what they say.
MESSAGES: Final[Mapping[str, tuple[str, Mapping[int, tuple[str, str]]]]] = {
    "/cosmos.bank.v1beta1.MsgSend": (
        "cosmos-sdk/MsgSend",
        {1: ("from_address", "text"), 2: ("to_address", "text"), 3: ("amount", "coins")},
    ),
    "/cosmos.staking.v1beta1.MsgDelegate": (
        "cosmos-sdk/MsgDelegate",
        {1: ("delegator_address", "text"), 2: ("validator_address", "text"), 3: ("amount", "coin")},
    ),
    "/cosmos.staking.v1beta1.MsgUndelegate": (
        "cosmos-sdk/MsgUndelegate",
        {1: ("delegator_address", "text"), 2: ("validator_address", "text"), 3: ("amount", "coin")},
    ),
    "/cosmos.staking.v1beta1.MsgBeginRedelegate": (
        "cosmos-sdk/MsgBeginRedelegate",
        {
            1: ("delegator_address", "text"),
            2: ("validator_src_address", "text"),
            3: ("validator_dst_address", "text"),
            4: ("amount", "coin"),
        },
    ),
    "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward": (
        "cosmos-sdk/MsgWithdrawDelegationReward",
        {1: ("delegator_address", "text"), 2: ("validator_address", "text")},
    ),
    "/ibc.applications.transfer.v1.MsgTransfer": (
        "cosmos-sdk/MsgTransfer",
        {
            1: ("source_port", "text"),
            2: ("source_channel", "text"),
            3: ("token", "coin"),
            4: ("sender", "text"),
            5: ("receiver", "text"),
            6: ("timeout_height", "height"),
            7: ("timeout_timestamp", "number"),
            8: ("memo", "text"),
        },
    ),
}
MULTISIG: Final = "/cosmos.crypto.multisig.LegacyAminoPubKey"
_SIGNERS: Final = ("from_address", "delegator_address", "sender")


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its type URL and its fields by name."""

    url: str
    fields: Mapping[str, Any]

    @property
    def signer(self) -> str:
        """The address that must have signed."""
        return next((str(self.fields[name]) for name in _SIGNERS if name in self.fields), "")


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction of one signer, decoded from TxRaw."""

    raw: bytes
    body: bytes
    auth_info: bytes
    messages: tuple[Message, ...]
    memo: str
    timeout_height: int
    key_url: str
    key: bytes
    mode: int
    sequence: int
    fee: Coins
    gas: int
    payer: str
    granter: str
    signature: bytes
    threshold: int = 0
    members: tuple[bytes, ...] = ()
    """Of an account of several keys: all of them, and how many must sign. ``key`` and ``mode`` are empty then."""
    signed: tuple[int, ...] = ()

    @classmethod
    def decode(cls, raw: bytes) -> Transaction:
        """Read TxRaw. Raises InputError, as a chain answers code 2."""
        try:
            return cls._decode(raw)
        except (AttributeError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError("errUnknownField: a field has another wire type, or is no UTF-8") from None

    @classmethod
    def _decode(cls, raw: bytes) -> Transaction:
        outer = _fields(raw)
        body, auth = _one(outer, 1), _one(outer, 2)
        signatures = outer.get(3, [])
        if len(signatures) != 1:
            raise InputError(f"wrong number of signers; expected 1, got {len(signatures)}")
        inner, head = _fields(body), _fields(auth)
        signer = _fields(_one(head, 1))
        key = _fields(_one(signer, 1))
        url = _one(key, 1, b"").decode()
        several: dict[str, Any] = {}
        if url == MULTISIG:
            several, mode, public = _several(_one(key, 2), _one(signer, 2)), 127, b""
        else:
            mode = _one(_fields(_one(_fields(_one(signer, 2)), 1)), 1, 0)
            public = _one(_fields(_one(key, 2)), 1)
        fee = _fields(_one(head, 2))
        return cls(
            raw,
            body,
            auth,
            tuple(_message(item) for item in inner.get(1, [])),
            _one(inner, 2, b"").decode("utf-8", "replace"),
            _one(inner, 3, 0),
            url,
            public,
            mode,
            _one(signer, 3, 0),
            _coins(fee.get(1, [])),
            _one(fee, 2, 0),
            _one(fee, 3, b"").decode(),
            _one(fee, 4, b"").decode(),
            signatures[0],
            **several,
        )._checked()

    def _checked(self) -> Transaction:
        numbers = (self.timeout_height, self.mode, self.sequence, self.gas)
        texts = (self.key, self.signature, self.body, self.auth_info)
        if not all(isinstance(item, int) for item in numbers) or not all(isinstance(item, bytes) for item in texts):
            raise InputError("errUnknownField: a field has another wire type")
        return self


def _several(key: bytes, mode: bytes) -> dict[str, Any]:
    """The members of a LegacyAminoPubKey, and who of them signed."""
    parts = _fields(key)
    listed = [_fields(item) for item in parts.get(2, [])]
    if any(_one(item, 1, b"") != b"/cosmos.crypto.secp256k1.PubKey" for item in listed):
        raise InputError("unable to resolve a member's type URL")
    members = tuple(_one(_fields(_one(item, 2)), 1) for item in listed)
    multi = _fields(_one(_fields(mode), 2))
    array = _fields(_one(multi, 1))
    bits = _one(array, 2, b"")
    if not 1 <= _one(parts, 1, 0) <= len(members) <= 100 or not all(isinstance(item, bytes) for item in members):
        raise InputError("tx parse error: the threshold does not fit the keys")
    if -(-len(members) // 8) != len(bits) or _one(array, 1, 0) != len(members) % 8:
        raise InputError("tx parse error: the bit array does not fit the keys")
    signed = tuple(n for n in range(len(members)) if bits[n // 8] & 0x80 >> n % 8)
    if multi.get(2, []) != [b"\x0a\x02\x08\x7f"] * len(signed):
        raise InputError("tx parse error: every member signs amino JSON")
    return {"threshold": _one(parts, 1, 0), "members": members, "signed": signed}


def _fields(data: Any) -> dict[int, list[Any]]:
    if not isinstance(data, bytes):
        raise InputError("errUnknownField: a message was expected")
    found: dict[int, list[Any]] = {}
    for number, _, value in protobuf.parse(data):
        found.setdefault(number, []).append(value)
    return found


def _one(fields: dict[int, list[Any]], number: int, default: Any = None) -> Any:
    listed = fields.get(number, [])
    if len(listed) > 1 or (not listed and default is None):
        raise InputError(f"tx parse error: field {number}")
    return listed[0] if listed else default


def _coins(listed: list[Any]) -> Coins:
    found: Coins = {}
    for item in listed:
        parts = _fields(item)
        denom, amount = _one(parts, 1).decode(), _one(parts, 2).decode()
        if denom in found or not amount.isdigit():
            raise InputError("invalid coins")
        found[denom] = int(amount)
    return found


def _message(data: bytes) -> Message:
    parts = _fields(data)
    url = _one(parts, 1).decode()
    if url not in MESSAGES:
        raise InputError(f"unable to resolve type URL {url}")
    value = _fields(_one(parts, 2, b""))
    schema = MESSAGES[url][1]
    unknown = set(value) - set(schema)
    if unknown:
        raise InputError(f"errUnknownField {url}: {min(unknown)}")
    fields: dict[str, Any] = {}
    for number, (name, kind) in schema.items():
        if kind == "coins":
            fields[name] = _coins(value.get(number, []))
        elif kind == "coin":
            fields[name] = _coins([_one(value, number)])
        elif kind == "number":
            fields[name] = _one(value, number, 0)
        elif kind == "height":
            height = _fields(_one(value, number))
            fields[name] = (_one(height, 1, 0), _one(height, 2, 0))
        else:
            fields[name] = _one(value, number, b"").decode("utf-8")
    return Message(url, fields)


# -- what is signed --------------------------------------------------------------------------------


def direct_bytes(transaction: Transaction, chain_id: str, account_number: int) -> bytes:
    """SignDoc over the transaction's own bytes."""
    number = protobuf.varint_field(4, account_number)
    parts = (transaction.body, transaction.auth_info, chain_id.encode())
    return b"".join(protobuf.bytes_field(n, part) for n, part in enumerate(parts, 1)) + number


def _amino_coins(coins: Coins) -> list[dict[str, str]]:
    return [{"denom": denom, "amount": str(units)} for denom, units in coins.items()]


def _amino_field(kind: str, value: Any) -> Any:
    if kind == "coins":
        return _amino_coins(value)
    if kind == "coin":
        return _amino_coins(value)[0]
    if kind == "height":
        named = {"revision_number": value[0], "revision_height": value[1]}
        return {name: str(part) for name, part in named.items() if part}
    return value if kind == "text" else str(value)


def amino_bytes(transaction: Transaction, chain_id: str, account_number: int) -> bytes:
    """The canonical JSON that a chain derives from a transaction in amino mode."""
    messages = []
    for message in transaction.messages:
        name, schema = MESSAGES[message.url]
        value = {
            field: _amino_field(kind, message.fields[field])
            for field, kind in schema.values()
            if kind in ("coins", "coin", "height") or message.fields[field]
        }
        messages.append({"type": name, "value": value})
    fee: dict[str, Any] = {"amount": _amino_coins(transaction.fee), "gas": str(transaction.gas)}
    if transaction.payer:
        fee["payer"] = transaction.payer
    if transaction.granter:
        fee["granter"] = transaction.granter
    document = {
        "account_number": str(account_number),
        "chain_id": chain_id,
        "fee": fee,
        "memo": transaction.memo,
        "msgs": messages,
        "sequence": str(transaction.sequence),
    }
    if transaction.timeout_height:
        document["timeout_height"] = str(transaction.timeout_height)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    escapes = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}
    return text.translate(escapes).encode()


# -- addresses -------------------------------------------------------------------------------------


def bech32_text(hrp: str, data: bytes) -> str:
    """Address bytes as text."""
    return bech32.encode(hrp, bech32.convert_bits(data, 8, 5), bech32.Encoding.BECH32)


def read_bech32(hrp: str, text: str) -> bytes:
    """The bytes of an address; InputError for another prefix or a wrong text."""
    found, symbols, encoding = bech32.decode(text)
    if found != hrp or encoding is not bech32.Encoding.BECH32:
        raise InputError(f"invalid Bech32 prefix; expected {hrp}, got {found}")
    data = bech32.convert_bits(symbols, 5, 8)
    if len(data) not in (20, 32):
        raise InputError(f"address length is {len(data)}")
    return data


def multisig_address(hrp: str, threshold: int, members: tuple[bytes, ...]) -> str:
    """The address of an account of several keys: SHA-256 of them in amino's encoding, cut to 20 bytes."""
    listed = b"".join(b"\x12\x26\xeb\x5a\xe9\x87\x21" + key for key in members)
    return bech32_text(hrp, sha256(b"\x22\xc1\xf7\xe2\x08" + bytes([threshold]) + listed)[:20])


def key_address(hrp: str, key: bytes, *, eth: bool) -> str:
    """The address of a compressed public key."""
    return bech32_text(hrp, keccak256(decompress(key)[1:])[-20:] if eth else hash160(key))
