"""The hot path: many transactions of one account, byte for byte what the single path makes of them."""

from __future__ import annotations

from binascii import a2b_hex
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ...chain import Chain, Holder, Scheme, SignedTransaction
from ...codec import eip55, rlp
from ...crypto.hashes import keccak256
from ...errors import InputError, InvalidTransaction, SigningRefused
from ...template import RefusedRow
from ...transactions import SealedTransaction
from .plan import chain_id_of
from .template import TemplateRow

__all__ = ["EvmBatch"]

State: TypeAlias = tuple[bytes, tuple[bytes, ...], tuple[bytes, bytes]]
"""A prepared transaction: its encoded items, its heads, and v for the recovery ids 0 and 1."""

_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_PARITIES: Final = (b"\x80", b"\x01")
_MAX_NONCE: Final = (1 << 64) - 2
_MAX_GAS: Final = (1 << 64) - 1
_MAX_UINT256: Final = (1 << 256) - 1
_CACHE_LIMIT: Final = 4096


def _heads(type_byte: bytes) -> tuple[bytes, ...]:
    """What stands before items of 0 to 255 bytes, ready made, and last the type byte alone for longer ones."""
    return (*(type_byte + rlp.encode_list_payload(bytes(n))[: -n or None] for n in range(256)), type_byte)


_LEGACY: Final = _heads(b"")
_TYPE_2: Final = _heads(b"\x02")


def _whole(heads: tuple[bytes, ...], payload: bytes) -> bytes:
    """Items of 256 bytes and more with type byte and list header."""
    return heads[256] + rlp.encode_list_payload(payload)


class EvmBatch:
    """The plan of one account's batch; see :class:`~multiwallet.chain.BatchPlan`.

    Quick are dicts of type 2 and legacy dicts with a chain id whose numbers are ``int``, whose data is bytes or
    ``0x`` hex and which have no access list, and the rows of a template. ``prepare`` returns None for all else,
    wrong items included: :meth:`Evm.adopt` serves those or says what is wrong.
    """

    scheme = Scheme.RECOVERABLE

    def __init__(self, chain: Chain, holder: Holder) -> None:
        self.prepare: Callable[[Any], tuple[State, bytes] | None] = _preparer(holder)
        self.seal: Callable[[State, bytes], SignedTransaction] = _sealer(chain, holder)


def _preparer(holder: Holder) -> Callable[[Any], tuple[State, bytes] | None]:
    chain_id, owner = chain_id_of(holder.network), (holder.network.id, holder.address)
    uint, string, keccak, parse = rlp.encode_uint_item, rlp.encode_bytes, keccak256, eip55.parse
    short, typed, whole = _LEGACY, _TYPE_2, _whole
    chain_item = uint(chain_id)
    legacy_end = chain_item + b"\x80\x80"
    legacy_v = (uint(35 + 2 * chain_id), uint(36 + 2 * chain_id))
    # Bounded by starting afresh; threads may at worst compute an entry twice.
    recipients: dict[str | bytes, bytes] = {}
    prices: dict[tuple[int, ...], bytes] = {}

    def recipient(to: str | bytes) -> bytes | None:
        if to.__class__ is str:
            try:
                item = b"\x94" + parse(to)
            except InputError:
                return None
        elif to.__class__ is bytes and len(to) == 20:
            item = b"\x94" + to
        else:
            return None
        if len(recipients) >= _CACHE_LIMIT:
            recipients.clear()
        recipients[to] = item
        return item

    def price(key: tuple[int, ...]) -> bytes | None:
        *fees, gas = key
        if not 0 <= gas <= _MAX_GAS or not 0 <= fees[0] <= fees[-1] <= _MAX_UINT256:
            return None
        if len(prices) >= _CACHE_LIMIT:
            prices.clear()
        item = prices[key] = b"".join([uint(number) for number in key])
        return item

    mine = None  # the template whose owner was compared last

    def prepare(item: Any) -> tuple[State, bytes] | None:
        nonlocal mine
        kind = item.__class__
        if kind is TemplateRow:
            template, to, units, nonce = item
            if template is not mine:
                if template.owner != owner:
                    raise SigningRefused("the row belongs to a template of another account or network")
                mine = template
            payload = template.payload(to, units, nonce)
            if template.legacy:
                unsigned = payload + legacy_end
                return (payload, short, legacy_v), keccak(short[len(unsigned)] + unsigned)
            return (payload, typed, _PARITIES), keccak(typed[len(payload)] + payload)
        if kind is RefusedRow:
            raise item.error
        if kind is not dict:
            return None
        try:
            nonce, gas, to = item["nonce"], item["gas"], item["to"]
            if "maxFeePerGas" in item:
                high, low = item["maxFeePerGas"], item["maxPriorityFeePerGas"]
                if high.__class__ is not int or low.__class__ is not int:
                    return None
                legacy, count = False, 5
            else:
                high = low = item["gasPrice"]
                if high.__class__ is not int:
                    return None
                legacy, count = True, 4
            if nonce.__class__ is not int or gas.__class__ is not int or not 0 <= nonce <= _MAX_NONCE:
                return None
            priced = (high, gas) if legacy else (low, high, gas)
            cost = prices.get(priced) or price(priced)
            place = recipients.get(to) or recipient(to)
        except (KeyError, TypeError):  # a field is missing, or a value cannot be looked up
            return None
        if cost is None or place is None:
            return None
        value: Any = 0
        data: Any = b""
        if "value" in item:
            value = item["value"]
            if value.__class__ is not int or not 0 <= value <= _MAX_UINT256:
                return None
            count += 1
        if "data" in item:
            data = item["data"]
            if data.__class__ is str:
                if data[:2] != "0x":
                    return None
                try:
                    data = a2b_hex(data[2:])
                except ValueError:
                    return None
            elif data.__class__ is not bytes:
                return None
            count += 1
        if "chainId" in item:
            stated = item["chainId"]
            if stated.__class__ is not int or stated != chain_id:
                return None
            count += 1
        if "type" in item:
            wanted = item["type"]
            if (wanted.__class__ is not int and wanted.__class__ is not str) or wanted not in (
                (0, "0x0") if legacy else (2, "0x2")
            ):
                return None
            count += 1
        if count != len(item):  # a field that is not read here
            return None
        if legacy:
            payload = uint(nonce) + cost + place + uint(value) + string(data)
            unsigned = payload + legacy_end
            size = len(unsigned)
            return (payload, short, legacy_v), keccak(short[size] + unsigned if size < 256 else whole(short, unsigned))
        payload = chain_item + uint(nonce) + cost + place + uint(value) + string(data) + b"\xc0"
        size = len(payload)
        return (payload, typed, _PARITIES), keccak(typed[size] + payload if size < 256 else whole(typed, payload))

    return prepare


def _sealer(chain: Chain, holder: Holder) -> Callable[[State, bytes], SignedTransaction]:
    network, join, make = holder.network, b"".join, SealedTransaction

    def seal(state: State, signature: bytes) -> SignedTransaction:
        payload, heads, v = state
        # Nearly all signatures pass this at a glance; the rest need leading zeros cut or a closer look.
        if len(signature) == 65 and 0 < signature[0] < 0xFF and 0 < signature[32] < 0x7F and (odd := signature[64]) < 2:
            parity = v[odd]
            size = len(payload) + len(parity) + 66
            if size < 256:
                raw = join((heads[size], payload, parity, b"\xa0", signature[:32], b"\xa0", signature[32:64]))
                return make(chain, network, raw)
        payload += _signature_items(v, signature)
        size = len(payload)
        raw = heads[size] + payload if size < 256 else _whole(heads, payload)
        return make(chain, network, raw)

    return seal


def _signature_items(v: tuple[bytes, bytes], signature: bytes) -> bytes:
    if len(signature) != 65 or signature[64] > 1:
        raise InvalidTransaction("a signature has 65 bytes here: r, s and the recovery id 0 or 1")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not 0 < r < _ORDER or not 0 < s <= _HALF_ORDER:
        raise InvalidTransaction("the signature's r or s is out of range")
    return v[signature[64]] + rlp.encode_uint_item(r) + rlp.encode_uint_item(s)
