"""The hot path: many transfers of one account, checked by one pattern instead of a parser.

A transfer's bytes are so regular that a compiled pattern tells whether they are one: every field in its place,
the holder as owner, no permission, lengths and varints canonical. What does not match takes the careful way.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from hashlib import sha256
from typing import Any, Final

from ...chain import Chain, Holder
from ...template import RefusedRow
from ...transactions import Scheme, SignedTransaction, UnsignedTransaction
from . import addresses
from .contracts import TYPE_URL
from .template import call_opening, transfer_opening

__all__ = ["Plan"]

# A canonical varint above zero, of 63 bits at most.
_VARINT: Final = rb"[\x80-\xff]{0,8}[\x01-\x7f]"
_HEAD: Final = rb"\x0a\x02.{2}\x22\x08.{8}\x40(" + _VARINT + rb")(?:\x52([\x01-\x7f])(.{1,127}?))?"
_TAIL: Final = rb"\x70(" + _VARINT + rb")(?:\x90\x01(" + _VARINT + rb"))?"
_FAST_KEYS: Final = frozenset(("txID", "raw_data", "raw_data_hex", "visible"))
_TRANSFER_URL: Final = TYPE_URL + "TransferContract"
_TRIGGER_URL: Final = TYPE_URL + "TriggerSmartContract"
_RECOVERY: Final = tuple(bytes((value + 27,)) for value in range(4))
_CACHED_TIMES: Final = 4096


def _pattern(owner: bytes) -> re.Pattern[bytes]:
    transfers = b"|".join(
        re.escape(transfer_opening(owner, size)) + rb"\x41.{20}\x18" + rb"[\x80-\xff]{%d}[\x01-\x7f]" % (size - 1)
        for size in range(1, 10)
    )
    opening = call_opening(owner, addresses.ZERO)
    place = opening.rindex(addresses.ZERO)
    call = re.escape(opening[:place]) + rb"\x41.{20}" + re.escape(opening[place + 21 :]) + rb".{52}"
    return re.compile(_HEAD + b"(" + transfers + b"|" + call + b")" + _TAIL, re.DOTALL)


def _number(varint: bytes) -> int:
    value = 0
    for byte in reversed(varint):
        value = value << 7 | byte & 0x7F
    return value


class Plan:
    """Prepares and seals the plain transfers of one holder; see :class:`~multiwallet.chain.BatchPlan`."""

    scheme: Scheme = Scheme.RECOVERABLE

    def __init__(self, chain: Chain, holder: Holder) -> None:
        self._chain = chain
        self._network = holder.network
        self._match = _pattern(addresses.to_bytes(holder.address)).fullmatch
        self._times: dict[bytes, int] = {}
        self._owns = addresses.of_public_key(holder.public_key) == addresses.to_bytes(holder.address)

    def prepare(self, item: Any) -> tuple[tuple[bytes, bytes, int], bytes] | None:
        """The state (bytes, id, expiration) and 32-byte digest of one item; None for what is no plain transfer."""
        kind = type(item)
        if kind is bytes:
            body = item
        elif kind is UnsignedTransaction:
            if item.network != self._network or item.context.get("signatures"):
                return None
            body = item.body
        elif kind is str or kind is dict:
            text = item if kind is str else item.get("raw_data_hex")
            if type(text) is not str:
                return None
            try:
                body = unhexlify(text)
            except ValueError:
                return None
        elif kind is RefusedRow:
            raise item.error
        else:
            return None
        match = self._match(body)
        if match is None or not self._owns or len(body) < 128:  # seal writes the length in two bytes
            return None
        expiration, size, memo = match.group(1, 2, 3)
        if size is not None and len(memo) != size[0]:
            return None
        digest = sha256(body).digest()
        expiry = self._times.get(expiration) or self._time(expiration)
        if kind is dict and not self._agrees(item, match, digest.hex(), expiry):
            return None
        return (body, digest, expiry), digest

    def _time(self, varint: bytes) -> int:
        known = self._times.get(varint)
        if known is None:
            if len(self._times) >= _CACHED_TIMES:
                self._times.clear()
            known = self._times[varint] = _number(varint)
        return known

    def _agrees(self, item: Any, match: re.Match[bytes], txid: str, expiry: int) -> bool:
        """Whether the node's JSON says in all its parts what the bytes say, written just as nodes write it.

        The numbers are where the hex of each part stands in the contract's hex.
        """
        if not item.keys() <= _FAST_KEYS or item.get("visible", False) is not False or item.get("txID", txid) != txid:
            return False
        if "raw_data" not in item:
            return True
        text, start = item["raw_data_hex"], 2 * match.start(4)
        memo, timestamp, limit = match.group(3, 5, 6)
        try:
            stated = item["raw_data"]
            (contract,) = stated["contract"]
            parameter = contract["parameter"]
            value = parameter["value"]
            until, since = stated["expiration"], stated["timestamp"]
            if match.end(4) - match.start(4) < 128:
                amount = value["amount"]
                told = (
                    contract["type"] == "TransferContract"
                    and parameter["type_url"] == _TRANSFER_URL
                    and value["owner_address"] == text[start + 114 : start + 156]
                    and value["to_address"] == text[start + 160 : start + 202]
                    and type(amount) is int  # True == 1 and 1.0 == 1 in Python
                    and amount == _number(match[4][102:])
                )
            else:
                told = (
                    contract["type"] == "TriggerSmartContract"
                    and parameter["type_url"] == _TRIGGER_URL
                    and value["owner_address"] == text[start + 126 : start + 168]
                    and value["contract_address"] == text[start + 172 : start + 214]
                    and value["data"] == text[start + 218 : start + 354]
                )
            return (
                told
                and type(until) is type(since) is int
                and until == expiry
                and since == self._time(timestamp)
                and stated["ref_block_bytes"] == text[4:8]
                and stated["ref_block_hash"] == text[12:28]
                and (memo is None or stated["data"] == memo.hex())
                and (limit is None or (stated["fee_limit"] == self._time(limit) and type(stated["fee_limit"]) is int))
                and len(value) == 3
                and len(parameter) == len(contract) == 2
                and len(stated) == 5 + (memo is not None) + (limit is not None)
            )
        except (KeyError, TypeError, ValueError, IndexError):
            return False

    def seal(self, state: tuple[bytes, bytes, int], signature: bytes) -> SignedTransaction:
        """The signed transaction, from 65 bytes: r, s, recovery id."""
        body, digest, expiry = state
        size = len(body)
        raw = b"\x0a%c%c%b\x12\x41%b%b" % (
            size & 0x7F | 0x80,
            size >> 7,
            body,
            signature[:64],
            _RECOVERY[signature[64]],
        )
        return SignedTransaction(self._chain, self._network, raw, digest.hex(), True, expiry)
