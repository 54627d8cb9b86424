"""``cosmos.tx.v1beta1``: TxBody, AuthInfo, SignDoc and TxRaw, and the amino JSON that Ledger devices sign.

One form is kept in a transaction's body, the SignDoc; its AuthInfo says how it is signed. In amino mode the JSON is
computed from it, exactly as a node computes it from the transaction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Final

from ...codec import protobuf
from ...crypto.secp256k1 import is_valid_public_key
from ...errors import InputError, InvalidTransaction
from .coins import Coin, check_order, decode_coin, encode_coin
from .message import Message, Unread, canonical_json, decode
from .multisig import KEY_TYPE, Multisig, unpack

__all__ = ["AMINO", "DIRECT", "SignDoc", "decode_raw", "encode_raw"]

DIRECT: Final = 1
AMINO: Final = 127
_LIMIT: Final = 1 << 20
_ODD_ESCAPES: Final = re.compile(r"(?<!\\)(?:\\\\)*\\[bf]")


@dataclass(frozen=True, slots=True)
class SignDoc:
    """All of a transaction with one signer: what it does, what it costs, who signs and for which chain."""

    messages: tuple[Message | Unread, ...]
    fee: tuple[Coin, ...]
    gas: int
    key_type_url: str
    public_key: bytes
    sequence: int
    account_number: int
    chain_id: str
    memo: str = ""
    timeout_height: int = 0
    mode: int = DIRECT
    payer: str = ""
    granter: str = ""
    multisig: Multisig | None = None
    signed: tuple[int, ...] = ()
    """Of a multisig account: the numbers of the keys that have signed. There is no ``public_key`` then."""

    # -- protobuf ----------------------------------------------------------------------------------

    def body(self) -> bytes:
        """``TxBody``."""
        return b"".join(
            (
                *(protobuf.message_field(1, _any(item.url, item.encode())) for item in self.messages),
                protobuf.bytes_field(2, self.memo.encode("utf-8")),
                protobuf.varint_field(3, self.timeout_height),
            )
        )

    def auth_info(self) -> bytes:
        """``AuthInfo``."""
        if self.multisig is None:
            key = _any(self.key_type_url, protobuf.bytes_field(1, self.public_key))
            mode = protobuf.message_field(1, protobuf.varint_field(1, self.mode))
        else:
            key = _any(KEY_TYPE, self.multisig.encode())
            mode = self.multisig.mode_info(self.signed)
        signer = (
            protobuf.message_field(1, key) + protobuf.message_field(2, mode) + protobuf.varint_field(3, self.sequence)
        )
        fee = b"".join(
            (
                *(protobuf.message_field(1, encode_coin(coin)) for coin in self.fee),
                protobuf.varint_field(2, self.gas),
                protobuf.bytes_field(3, self.payer.encode("utf-8")),
                protobuf.bytes_field(4, self.granter.encode("utf-8")),
            )
        )
        return protobuf.message_field(1, signer) + protobuf.message_field(2, fee)

    def encode(self) -> bytes:
        """``SignDoc``, which is what is signed in direct mode."""
        return b"".join(
            (
                protobuf.bytes_field(1, self.body()),
                protobuf.bytes_field(2, self.auth_info()),
                protobuf.bytes_field(3, self.chain_id.encode("utf-8")),
                protobuf.varint_field(4, self.account_number),
            )
        )

    @classmethod
    def decode(cls, hrp: str, data: bytes) -> SignDoc:
        """A SignDoc from its bytes; InvalidTransaction for what serialisers do not write, or what is not known here."""
        try:
            fields = _once(data, {1: bytes, 2: bytes, 3: bytes, 4: int}, "a SignDoc")
            doc = cls.of_parts(hrp, fields[1], fields[2], _utf8(fields[3], "the chain id"), fields[4])
        except InvalidTransaction:
            raise
        except InputError as error:
            raise InvalidTransaction(f"this is no SignDoc: {error.message}") from None
        if doc.encode() != data:
            raise InvalidTransaction("the SignDoc is not written as serialisers write it")
        return doc

    @classmethod
    def of_parts(cls, hrp: str, body: bytes, auth_info: bytes, chain_id: str, account_number: int) -> SignDoc:
        """A SignDoc from the bytes of its TxBody and AuthInfo; InvalidTransaction."""
        try:
            doc = cls._of_parts(hrp, body, auth_info, chain_id, account_number)
        except InvalidTransaction:
            raise
        except InputError as error:
            raise InvalidTransaction(f"the transaction cannot be read: {error.message}") from None
        if doc.body() != body or doc.auth_info() != auth_info:
            raise InvalidTransaction("the transaction is not written as serialisers write it")
        return doc

    @classmethod
    def _of_parts(cls, hrp: str, body: bytes, auth_info: bytes, chain_id: str, account_number: int) -> SignDoc:
        if len(body) > _LIMIT or len(auth_info) > _LIMIT:
            raise InvalidTransaction(f"a transaction has at most {_LIMIT} bytes")
        messages: list[Message | Unread] = []
        rest = []
        for number, wire, value in protobuf.parse(body):
            if number == 1 and isinstance(value, bytes) and wire == protobuf.LENGTH_DELIMITED:
                part = _once(value, {1: bytes, 2: bytes}, "a message")
                messages.append(decode(hrp, _utf8(part[1], "a type URL"), part[2]))
            elif number in (2, 3):
                rest.append((number, wire, value))
            else:
                raise InvalidTransaction(f"the transaction's body has a field {number}, which is not known here")
        if not messages:
            raise InvalidTransaction("the transaction has no message: it does nothing")
        tail = _collect(rest, {2: bytes, 3: int}, "a transaction's body")
        auth = _once(auth_info, {1: bytes, 2: bytes}, "AuthInfo with one signer")
        signer = _once(auth[1], {1: bytes, 2: bytes, 3: int}, "a signer")
        key = _once(signer[1], {1: bytes, 2: bytes}, "a public key")
        multisig: Multisig | None = None
        signed: tuple[int, ...] = ()
        mode, public_key = AMINO, b""
        if key[1] == KEY_TYPE.encode():
            multisig = Multisig.decode(key[2])
            signed = multisig.signed_in(signer[2])
        else:
            mode = _once(_once(signer[2], {1: bytes}, "a mode")[1], {1: int}, "a mode")[1]
            public_key = _once(key[2], {1: bytes}, "a public key")[1]
            if len(public_key) != 33 or not is_valid_public_key(public_key):
                raise InvalidTransaction("the signer's public key is no compressed key of secp256k1")
        if mode not in (DIRECT, AMINO):
            raise InvalidTransaction(f"the sign mode {mode} is not known here: direct is 1, amino JSON is 127")
        coins = [value for number, _, value in protobuf.parse(auth[2]) if number == 1 and isinstance(value, bytes)]
        others = [item for item in protobuf.parse(auth[2]) if item[0] != 1]
        fee = _collect(others, {2: int, 3: bytes, 4: bytes}, "a fee")
        return cls(
            tuple(messages),
            check_order(tuple(map(decode_coin, coins))),
            fee[2],
            _utf8(key[1], "a type URL"),
            public_key,
            signer[3],
            account_number,
            chain_id,
            _utf8(tail[2], "the memo"),
            tail[3],
            mode,
            _utf8(fee[3], "the fee's payer"),
            _utf8(fee[4], "the fee's granter"),
            multisig,
            signed,
        )

    # -- amino -------------------------------------------------------------------------------------

    def amino(self) -> dict[str, Any]:
        """``StdSignDoc``; InvalidTransaction where a message has no known amino form."""
        messages = []
        for item in self.messages:
            if isinstance(item, Unread):
                raise InvalidTransaction(f"{item.url[:100]} has no amino form that is known here: sign in direct mode")
            messages.append(item.amino())
        fee: dict[str, Any] = {"amount": [coin.json() for coin in self.fee], "gas": str(self.gas)}
        fee |= {name: value for name, value in (("payer", self.payer), ("granter", self.granter)) if value}
        doc = {
            "account_number": str(self.account_number),
            "chain_id": self.chain_id,
            "fee": fee,
            "memo": self.memo,
            "msgs": messages,
            "sequence": str(self.sequence),
        }
        return doc | ({"timeout_height": str(self.timeout_height)} if self.timeout_height else {})

    def sign_bytes(self) -> bytes:
        """What is hashed and signed: the SignDoc, or the canonical amino JSON."""
        if self.mode == DIRECT:
            return self.encode()
        text = canonical_json(self.amino())
        if _ODD_ESCAPES.search(text):
            # Releases of Go differ in how they write these two, and so would nodes.
            raise InvalidTransaction(
                "amino JSON cannot hold a backspace or a form feed: leave them out, or sign direct"
            )
        return text.encode("utf-8")

    def with_fee(self, fee: tuple[Coin, ...], gas: int) -> SignDoc:
        """The same with another fee."""
        return replace(self, fee=fee, gas=gas)


def encode_raw(doc: SignDoc, signature: bytes) -> bytes:
    """``TxRaw``, which travels: body, AuthInfo and the 64-byte signature."""
    return (
        protobuf.bytes_field(1, doc.body())
        + protobuf.bytes_field(2, doc.auth_info())
        + protobuf.bytes_field(3, signature)
    )


def decode_raw(hrp: str, raw: bytes) -> tuple[SignDoc, bytes]:
    """A signed transaction and its signature. It does not say its chain id or account number: those stay empty."""
    try:
        fields = _once(raw, {1: bytes, 2: bytes, 3: bytes}, "a transaction with one signature")
        doc = SignDoc.of_parts(hrp, fields[1], fields[2], "", 0)
        if doc.multisig is not None:
            unpack(fields[3], len(doc.signed))
    except InvalidTransaction:
        raise
    except InputError as error:
        raise InvalidTransaction(f"this is no transaction: {error.message}") from None
    if doc.multisig is not None:
        if len(doc.signed) < doc.multisig.threshold:
            raise InvalidTransaction("this transaction of a multisig account lacks signatures")
    elif len(fields[3]) not in (64, 65):
        raise InvalidTransaction("this transaction carries no signature of 64 bytes: sign it first")
    return doc, fields[3]


def _any(url: str, value: bytes) -> bytes:
    return protobuf.bytes_field(1, url.encode("utf-8")) + protobuf.bytes_field(2, value)


def _once(data: bytes, kinds: dict[int, type], what: str) -> dict[int, Any]:
    return _collect(protobuf.parse(data), kinds, what)


def _collect(fields: list[protobuf.Field], kinds: dict[int, type], what: str) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for number, wire, value in fields:
        if number not in kinds or number in found or wire not in (protobuf.VARINT, protobuf.LENGTH_DELIMITED):
            raise InvalidTransaction(f"{what} has a field {number} that is not known here, or twice")
        if not isinstance(value, kinds[number]):
            raise InvalidTransaction(f"{what} has a field {number} of another kind")
        found[number] = value
    return {number: found.get(number, kind()) for number, kind in kinds.items()}


def _utf8(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidTransaction(f"{what} is no UTF-8 text") from None
