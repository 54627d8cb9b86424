"""Templates: what all payments of a batch share is encoded once, and each row adds only what varies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from ...amounts import Amount, Asset
from ...chain import Holder
from ...codec import eip55, rlp
from ...errors import AmountError, InputError, InvalidAddress, InvalidTransaction, MultiwalletError
from .plan import chain_id_of, token_contract
from .tokens import transfer_call
from .transaction import EvmTransaction

__all__ = ["RefusedRow", "Template", "TemplateRow"]

_MAX_NONCE: Final = (1 << 64) - 2


class TemplateRow(NamedTuple):
    """One payment of a template: 20 bytes of recipient, units, nonce. Sign it like any transaction."""

    template: Template
    to: bytes
    units: int
    nonce: int


class RefusedRow(NamedTuple):
    """A row that no transaction can be made of. Signing it raises its error; it took no nonce."""

    error: MultiwalletError


class Template:
    """Payments that differ in recipient, amount and nonce only: of the coin, or of one token. See :meth:`Evm.template`.

    ``owner`` is the network's id and the sender; the template serves no other account.
    """

    __slots__ = (
        "_head",
        "_middle",
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
        asset: Asset | str | None = None,
    ) -> None:
        network = holder.network
        chain_id = chain_id_of(network)
        numbers = (nonce, gas, max_fee_per_gas, max_priority_fee_per_gas, gas_price)
        if any(number is not None and type(number) is not int for number in numbers):
            raise InputError("a template's nonce, gas and prices are integers")
        if (gas_price is None) == (max_fee_per_gas is None) or (max_fee_per_gas is None) != (
            max_priority_fee_per_gas is None
        ):
            raise InputError("state gas_price, or max_fee_per_gas and max_priority_fee_per_gas")
        self.asset = asset if isinstance(asset, Asset) else network.native if asset is None else None
        try:
            self.contract = eip55.parse(asset) if isinstance(asset, str) else token_contract(network, self.asset)  # type: ignore[arg-type]  # it is an Asset unless asset is text
        except InputError as error:
            raise InvalidAddress(f"{asset}: {error.message}") from error
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

    def __repr__(self) -> str:
        what = self.asset.symbol if self.asset is not None else eip55.checksum(self.contract or b"")
        return f"Template({what} of {self.owner[1]} on {self.owner[0]})"

    def payload(self, to: bytes, units: int, nonce: int) -> bytes:
        """The encoded items of one payment, joined, without signature."""
        if len(to) != 20:
            raise InvalidAddress("a template row's recipient has 20 bytes")
        if not 0 <= nonce <= _MAX_NONCE:
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
        from dataclasses import replace

        self.payload(row.to, row.units, row.nonce)  # for its checks
        if self.contract is None:
            return replace(self.model, nonce=row.nonce, to=row.to, value=row.units)
        return replace(self.model, nonce=row.nonce, data=transfer_call(row.to, row.units))

    def fill(self, rows: Iterable[Any]) -> Iterator[TemplateRow | RefusedRow]:
        """The transactions of ``rows``, lazily: pairs of recipient and amount, or with a nonce of their own.

        A recipient is text or 20 bytes. An amount is an ``int`` of the smallest unit, an ``Amount``, or text in whole
        units where the template was made with an :class:`~multiwallet.amounts.Asset` or for the coin. Nonces count
        up from the template's; a row that is wrong becomes a :class:`RefusedRow` and takes none, so it leaves no gap
        that would hold up those behind it.
        """
        nonce, parse, make = self.nonce, eip55.parse, TemplateRow
        for row in rows:
            try:
                if len(row) == 2:
                    to, units = row
                    at = nonce
                else:
                    to, units, at = row
                if to.__class__ is str:
                    to = parse(to)
                elif to.__class__ is not bytes or len(to) != 20:
                    raise InvalidAddress("a recipient is 0x text or 20 bytes")
                if units.__class__ is not int:
                    units = self._units(units)
                if not 0 <= units < 1 << 256:
                    raise AmountError("an amount is at least 0 and below 2^256 of the smallest unit")
                if at.__class__ is not int or not 0 <= at <= _MAX_NONCE:
                    raise InvalidTransaction("a nonce is an integer, at least 0 and below 2^64 - 1")
            except MultiwalletError as error:
                yield RefusedRow(InvalidAddress(error.message) if type(error) is InputError else error)
                continue
            except (TypeError, ValueError):
                yield RefusedRow(InvalidTransaction("a row is a recipient and an amount, or those and a nonce"))
                continue
            if len(row) == 2:
                nonce += 1
            yield make(self, to, units, at)

    def _units(self, amount: Any) -> int:
        if isinstance(amount, str):
            if self.asset is None:
                raise AmountError("text amounts need the token's decimals: make the template with the Asset")
            return Amount.parse(amount, self.asset).units
        if isinstance(amount, Amount):
            if self.asset is not None and amount.asset != self.asset:
                raise AmountError(f"{amount} is not of the template's asset, {self.asset.id}")
            if self.asset is None and token_reference(amount.asset) != self.contract:
                raise AmountError(f"{amount} is not of the template's token")
            return amount.units
        raise AmountError(f"an amount is an integer, an Amount or text, not {type(amount).__name__}")


def token_reference(asset: Asset) -> bytes | None:
    """The contract's 20 bytes of an erc20 asset, None for another one."""
    return eip55.parse(asset.reference) if asset.namespace == "erc20" else None
