"""What the batch templates of all families share: which asset they pay, what a row's amount is, rows that are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .amounts import Amount, Asset
from .chain import Holder, Network
from .errors import AmountError, InputError, InvalidAddress, InvalidTransaction, MultiwalletError, SigningRefused
from .transactions import UnsignedTransaction

__all__ = ["PaidAsset", "RefusedRow", "first_row", "read_fixed", "refuse"]


class RefusedRow(NamedTuple):
    """A row that no transaction can be made of, in its place. Signing it raises its error."""

    error: MultiwalletError


def refuse(error: Exception) -> RefusedRow:
    """The refused row for what reading a row raised."""
    if not isinstance(error, MultiwalletError):
        return RefusedRow(InvalidTransaction("a row is a recipient and an amount, and on EVM networks maybe a nonce"))
    return RefusedRow(InvalidAddress(error.message) if type(error) is InputError else error)


class PaidAsset:
    """What a template pays: the CAIP-19 ``id``, the canonical text ``reference`` of a token (None for the coin), and
    the ``asset`` with its decimals, which is None where only the token's address was given.
    """

    __slots__ = ("_ids", "asset", "id", "reference")

    def __init__(self, network: Network, asset: Any, namespace: str, canonical: Callable[[str], str]) -> None:
        native, prefix = network.native, f"{network.id}/{namespace}:"
        if asset is not None and not isinstance(asset, Asset | str):
            raise InputError(f"asset is an Asset or a token's address, not {type(asset).__name__}")
        stated: str = native.id if asset is None else asset if isinstance(asset, str) else asset.id
        self.asset: Asset | None = asset if isinstance(asset, Asset) else native if stated == native.id else None
        self.reference: str | None = None
        self.id = stated
        if stated == native.id:
            if self.asset is not None and self.asset.decimals != native.decimals:
                raise AmountError(f"{network.symbol} has {native.decimals} decimals, not {self.asset.decimals}")
        elif "/" in stated and not stated.startswith(prefix):
            raise InputError(f"{stated[:150]} is neither {network.symbol} nor a {namespace} token of {network.title}")
        else:
            self.reference = canonical(stated.removeprefix(prefix))
            self.id = prefix + self.reference
        self._ids = (self.id, stated)

    def units(self, amount: Any) -> int:
        """The smallest units of a row's amount that is no ``int``: an Amount, or exact text in whole units.

        Raises :class:`~multiwallet.errors.AmountError`.
        """
        asset = self.asset
        if isinstance(amount, str):
            if asset is None:
                raise AmountError("text amounts need the token's decimals: make the template with the Asset")
            return Amount.parse(amount, asset).units
        if isinstance(amount, Amount):
            if amount.asset.id not in self._ids:
                raise AmountError(f"{amount} is not of what this template pays, {self.id}")
            if asset is not None and amount.asset.decimals != asset.decimals:
                raise AmountError(f"{amount} and the template disagree about the decimals of {self.id}")
            return amount.units
        raise AmountError(f"an amount is an int of the smallest unit, an Amount or text, not {type(amount).__name__}")


def read_fixed(
    holder: Holder,
    fixed: Mapping[str, Any],
    known: tuple[str, ...],
    copy: Callable[[UnsignedTransaction], dict[str, Any]],
) -> dict[str, Any]:
    """What the caller fixed, each name in ``known``; what is open is taken from ``like=`` by ``copy``.

    Raises :class:`~multiwallet.errors.InputError` for other names, and for a ``like`` that is no built transaction;
    :class:`~multiwallet.errors.SigningRefused` for one of another account or network.
    """
    unknown = sorted(set(fixed) - {*known, "like"})
    if unknown:
        title = holder.network.title
        raise InputError(f"a template of {title} has no {unknown[0]!r}: it has like, {', '.join(known)}")
    stated = {name: value for name, value in fixed.items() if value is not None}
    like = stated.pop("like", None)
    if like is None:
        return stated
    if not isinstance(like, UnsignedTransaction):
        raise InputError("like is an unsigned transaction, as account.build() makes it")
    if like.network.id != holder.network.id or like.sender != holder.address:
        raise SigningRefused("like is a transaction of another account or network")
    if "asset" in stated:
        raise InputError("like says which asset is paid: leave asset out")
    return {**copy(like), **stated}


def first_row(start: Any) -> int:
    """The number of a fill's first row, checked."""
    if type(start) is not int or not 0 <= start < 1 << 40:
        raise InputError("start is the number of rows that were filled before: a whole number")
    return start
