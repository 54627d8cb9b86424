"""Templates: what all payments of a batch share is encoded once, and each row adds only what varies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from ...chain import Holder
from ...codec import eip55, rlp
from ...errors import AmountError, InputError, InvalidAddress, InvalidTransaction, MultiwalletError, Unsupported
from ...template import PaidAsset, RefusedRow, first_row, read_fixed, refuse
from ...transactions import UnsignedTransaction
from .plan import chain_id_of
from .tokens import decode_call, transfer_call
from .transaction import EvmTransaction, decode_unsigned

__all__ = ["RefusedRow", "Template", "TemplateRow"]

_MAX_NONCE: Final = (1 << 64) - 2
_PRICES: Final = ("max_fee_per_gas", "max_priority_fee_per_gas", "gas_price")
_FIXED: Final = ("nonce", "gas", *_PRICES, "asset")


class TemplateRow(NamedTuple):
    """One payment of a template: 20 bytes of recipient, units, nonce. Sign it like any transaction."""

    template: Template
    to: bytes
    units: int
    nonce: int


class Template:
    """Payments that differ in recipient, amount and nonce only: of the coin, or of one token. See :meth:`Evm.template`.

    ``owner`` is the network's id and the sender; the template serves no other account.
    """

    __slots__ = (
        "_head",
        "_middle",
        "_paid",
        "_tail",
        "asset",
        "contract",
        "legacy",
        "model",
        "nonce",
        "owner",
    )

    def __init__(
        self,
        holder: Holder,
        *,
        nonce: int,
        gas: int,
        max_fee_per_gas: int | None = None,
        max_priority_fee_per_gas: int | None = None,
        gas_price: int | None = None,
        asset: Any = None,
    ) -> None:
        network = holder.network
        chain_id = chain_id_of(network)
        prices = (max_fee_per_gas, max_priority_fee_per_gas, gas_price)
        if any(type(number) is not int for number in (nonce, gas)) or any(
            number is not None and type(number) is not int for number in prices
        ):
            raise InputError("a template's nonce, gas and prices are integers")
        if (gas_price is None) == (max_fee_per_gas is None) or (max_fee_per_gas is None) != (
            max_priority_fee_per_gas is None
        ):
            raise InputError("state gas_price, or max_fee_per_gas and max_priority_fee_per_gas")
        self._paid = PaidAsset(network, asset, "erc20", _canonical)
        self.asset = self._paid.asset
        self.contract = None if self._paid.reference is None else eip55.parse(self._paid.reference)
        self.owner = (network.id, holder.address)
        self.nonce = nonce
        kind = 0 if gas_price is not None else 2
        self.model = EvmTransaction(
            type=kind,
            chain_id=chain_id,
            nonce=nonce,
            gas=gas,
            to=bytes(20) if self.contract is None else self.contract,
            data=b"" if self.contract is None else transfer_call(bytes(20), 0),
            gas_price=gas_price or 0,
            max_fee_per_gas=max_fee_per_gas or 0,
            max_priority_fee_per_gas=max_priority_fee_per_gas or 0,
        )
        uint = rlp.encode_uint_item
        fees = [gas_price] if gas_price is not None else [max_priority_fee_per_gas, max_fee_per_gas]
        middle = b"".join(uint(number) for number in (*fees, gas) if number is not None)
        if self.contract is not None:
            # value 0, then the string header of the call's 68 bytes, its selector and the padding of the address
            middle += b"\x94" + self.contract + b"\x80\xb8\x44" + transfer_call(b"", 0)[:16]
        else:
            middle += b"\x94"
        self._middle = middle
        self._head = uint(chain_id) if kind else b""
        self._tail = b"\xc0" if kind else b""
        self.legacy = not kind

    @classmethod
    def of(cls, holder: Holder, fixed: Mapping[str, Any]) -> Template:
        """Read what is fixed; InputError for a missing, unknown or unfit part."""
        stated = read_fixed(holder, fixed, _FIXED, lambda like: _copy(like, fixed))
        if "nonce" not in stated or "gas" not in stated:
            raise InputError("a template states nonce and gas, or like= with a transaction that has them")
        return cls(holder, **stated)

    def __repr__(self) -> str:
        what = self.asset.symbol if self.asset is not None else eip55.checksum(self.contract or b"")
        return f"Template({what} of {self.owner[1]} on {self.owner[0]})"

    def payload(self, to: bytes, units: int, nonce: int) -> bytes:
        """The encoded items of one payment, joined, without signature."""
        if len(to) != 20:
            raise InvalidAddress("a template row's recipient has 20 bytes")
        if not 0 <= nonce < 0xFFFFFFFFFFFFFFFF:
            raise InvalidTransaction("a nonce is at least 0 and below 2^64 - 1")
        try:
            if self.contract is not None:
                amount = units.to_bytes(32, "big")
            elif 0 <= units < 1 << 256:
                amount = rlp.encode_uint_item(units) + b"\x80"
            else:
                raise OverflowError
        except OverflowError:
            raise AmountError("an amount is at least 0 and below 2^256 of the smallest unit") from None
        return self._head + rlp.encode_uint_item(nonce) + self._middle + to + amount + self._tail

    def transaction(self, row: TemplateRow) -> EvmTransaction:
        """One payment as a transaction, made on the ordinary way and not from the template's pieces."""
        self.payload(row.to, row.units, row.nonce)  # for its checks
        if self.contract is None:
            return replace(self.model, nonce=row.nonce, to=row.to, value=row.units)
        return replace(self.model, nonce=row.nonce, data=transfer_call(row.to, row.units))

    def fill(self, rows: Iterable[Any], *, start: int = 0) -> Iterator[TemplateRow | RefusedRow]:
        """The transactions of ``rows``, lazily and in order: pairs of recipient and amount, or with a nonce of their own.

        A recipient is an address text or 20 bytes. An amount is an ``int`` of the smallest unit, an ``Amount``, or
        text in whole units where the template knows the decimals. Nonces count up from the template's; a row that
        is wrong becomes a :class:`~multiwallet.template.RefusedRow` and takes none, so it leaves no gap that would hold
        up those behind it. Each call begins again: ``start`` is how many nonces earlier calls took.
        """
        return self._filled(rows, self.nonce + first_row(start))

    def _filled(self, rows: Iterable[Any], nonce: int) -> Iterator[TemplateRow | RefusedRow]:
        parse, make, read_units = eip55.parse, TemplateRow, self._paid.units
        for row in rows:
            try:
                if len(row) == 2:
                    to, units = row
                    at, step = nonce, 1
                else:
                    to, units, at = row
                    step = 0
                    if at.__class__ is not int:
                        raise InvalidTransaction("a nonce is an integer")
                if to.__class__ is str:
                    to = parse(to)
                elif to.__class__ is not bytes or len(to) != 20:
                    raise InvalidAddress("a recipient is 0x text or 20 bytes")
                if units.__class__ is not int:
                    units = read_units(units)
                if not 0 <= units < 1 << 256:
                    raise AmountError("an amount is at least 0 and below 2^256 of the smallest unit")
                if not 0 <= at <= _MAX_NONCE:
                    raise InvalidTransaction("a nonce is at least 0 and below 2^64 - 1")
            except (MultiwalletError, TypeError, ValueError) as error:
                yield refuse(error)
                continue
            nonce += step
            yield make(self, to, units, at)


def _canonical(contract: str) -> str:
    try:
        return eip55.checksum(eip55.parse(contract))
    except InputError as error:
        raise InvalidAddress(f"{contract[:80]!r}: {error.message}") from error


def _copy(like: UnsignedTransaction, given: Mapping[str, Any]) -> dict[str, Any]:
    """What ``like`` states of a template's parts; of its prices those that do not contradict the given ones."""
    model = decode_unsigned(like.body)
    if model.type not in (0, 2) or model.access_list or model.chain_id is None:
        raise Unsupported("a template is like a payment of type 0 or 2 for one chain, without an access list")
    copied: dict[str, Any] = {"nonce": model.nonce, "gas": model.gas}
    if model.type == 0 and given.get("max_fee_per_gas") is None:
        copied["gas_price"] = model.gas_price
    elif model.type == 2 and given.get("gas_price") is None:
        copied["max_fee_per_gas"] = model.max_fee_per_gas
        copied["max_priority_fee_per_gas"] = model.max_priority_fee_per_gas
    if model.data:
        call = decode_call(model.data)
        if call is None or call.name != "transfer" or model.value:
            raise Unsupported("a template copies payments of the coin or of a token: like carries other data")
        contract = eip55.checksum(model.to)
        known = (
            asset for asset in like.assets if asset.namespace == "erc20" and _canonical(asset.reference) == contract
        )
        copied["asset"] = next(known, contract)
    elif not model.to:
        raise Unsupported("a template copies payments: like makes a contract")
    return copied
