"""What goes in and out over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["Order", "OrderId", "Payment", "PaymentPage"]

OrderId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
"""Whatever names an order: it stands in URLs as it is."""


class Order(BaseModel):
    """A payment that is asked for. The same ``order_id`` is the same payment, however often it is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    order_id: OrderId
    network: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    to: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    amount: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,40}(\.[0-9]{1,40})?$")]
    """Whole units as text: ``"0.1"``. A JSON number is refused, for many programs round those; so is ``"max"``."""
    asset: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = None
    """A token's contract or CAIP-19 id; left out, the network's own coin."""


class Payment(BaseModel):
    """How far an order is. ``txid`` is that of the transaction to look for, and may change until ``final``."""

    order_id: str
    key: str
    network: str
    to: str
    amount: str
    asset: str | None
    state: str
    final: bool
    cancelling: bool
    txid: str | None
    confirmations: int
    fee: dict[str, Any] | None
    error: str | None
    created_at: float
    updated_at: float


class PaymentPage(BaseModel):
    """Payments in the order they were asked for. ``next`` is the ``after`` of the next page; None on the last."""

    payments: list[Payment]
    next: int | None = Field(description="The `after` of the next page")
