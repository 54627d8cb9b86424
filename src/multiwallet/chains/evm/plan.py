"""What is to be built: one payment and the caller's options, checked as far as it goes without the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ...amounts import Asset
from ...chain import Holder, Network, Options, Payment, check_options
from ...codec import eip55
from ...errors import AmountError, InputError, InvalidTransaction, Unsupported
from .fees import GasPrices, uses_legacy_fees
from .forms import read_access_list, read_bytes, read_uint
from .tokens import transfer_call
from .transaction import AccessList

__all__ = ["OPTIONS", "Plan", "chain_id_of", "plan_payment", "token_contract"]

OPTIONS: Final = (
    "nonce",
    "gas",
    "gas_price",
    "max_fee_per_gas",
    "max_priority_fee_per_gas",
    "data",
    "access_list",
    "type",
)


def chain_id_of(network: Network) -> int:
    """The EIP-155 chain id, which is the reference of the network's CAIP-2 id."""
    return int(network.reference)


def token_contract(network: Network, asset: Asset) -> bytes | None:
    """The 20 bytes of an ERC-20 asset's contract, None for the network's own coin; InputError for other assets."""
    if asset == network.native:
        return None
    if asset.network_id != network.id:
        raise InputError(f"{asset.id} is no asset of {network.title} ({network.id})")
    if asset.namespace != "erc20":
        raise Unsupported(f"{asset.id}: on {network.title} the assets are {network.native.id} and erc20 tokens")
    return eip55.parse(asset.reference)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be built, checked as far as it can be without the network."""

    network: Network
    sender: str
    payment: Payment
    contract: bytes | None
    to: bytes
    data: bytes
    kind: int
    legacy: bool
    access_list: AccessList
    nonce: int | None
    gas: int | None
    prices: GasPrices | None
    maximum: int | None
    priority: int | None
    capped: bool
    """Whether the caller said what the fee may be at most."""
    speed: str

    def call(self) -> dict[str, Any]:
        """The object that eth_estimateGas takes."""
        call: dict[str, Any] = {"from": self.sender, "to": eip55.checksum(self.to), "value": hex(self.value)}
        if self.data:
            call["data"] = "0x" + self.data.hex()
        if self.access_list:
            call["accessList"] = [
                {"address": eip55.checksum(address), "storageKeys": ["0x" + key.hex() for key in keys]}
                for address, keys in self.access_list
            ]
        return call

    @property
    def value(self) -> int:
        """What is sent of the coin itself; for "everything" it is not known yet, and zero."""
        return 0 if self.contract is not None else self.payment.amount.units


def plan_payment(holder: Holder, payments: tuple[Payment, ...], options: Options) -> Plan:
    network = holder.network
    if len(payments) != 1:
        raise Unsupported(
            "an EVM transaction makes one payment: build one transaction each, with nonce= counting up, or sign a batch"
        )
    check_options(options, *OPTIONS)
    (payment,) = payments
    native = options.native
    contract = token_contract(network, payment.asset)
    to = eip55.parse(payment.to)
    data = b"" if native.get("data") is None else _option_bytes("data", native["data"])
    if options.memo is not None:
        if contract is not None:
            raise Unsupported("a token transfer carries no memo on an EVM network: leave memo out")
        if data:
            raise InputError("memo and data both fill the transaction's data: keep one of them")
        try:
            data = options.memo.encode()
        except UnicodeEncodeError:
            raise InputError("the memo is no valid Unicode text") from None
    if contract is not None:
        if data:
            raise InputError("data belongs to a payment of the coin itself: a token transfer makes its own")
        if payment.amount.units >= 1 << 256:
            raise AmountError("a token amount is below 2^256 of its smallest unit")
        data, to = transfer_call(to, payment.amount.units), contract
    elif payment.amount.units >= 1 << 256:
        raise AmountError("an amount is below 2^256 of the smallest unit")
    access_list = _access_list(native.get("access_list"))
    kind, legacy = _kind(network, options, access_list)
    prices, maximum, priority = _stated_prices(options, legacy)
    return Plan(
        network=network,
        sender=holder.address,
        payment=payment,
        contract=contract,
        to=to,
        data=data,
        kind=kind,
        legacy=legacy,
        access_list=access_list,
        nonce=_option_uint(options, "nonce", (1 << 64) - 2),
        gas=_option_uint(options, "gas", (1 << 64) - 1),
        prices=prices,
        maximum=maximum,
        priority=priority,
        capped=options.max_fee is not None,
        speed=options.speed,
    )


def _option_bytes(name: str, value: Any) -> bytes:
    try:
        return read_bytes(name, value)
    except InvalidTransaction as error:
        raise InputError(error.message) from error


def _option_uint(options: Options, name: str, highest: int) -> int | None:
    value = options.native.get(name)
    if value is None:
        return None
    try:
        number = read_uint(name, value)
    except InvalidTransaction as error:
        raise InputError(error.message) from error
    if not 0 <= number <= highest:
        raise InputError(f"{name} is at least 0 and at most {highest}")
    return number


def _access_list(value: Any) -> AccessList:
    try:
        return read_access_list(() if value is None else value)
    except InvalidTransaction as error:
        raise InputError(error.message) from error


def _kind(network: Network, options: Options, access_list: AccessList) -> tuple[int, bool]:
    """The transaction type, and whether its fee is one gas price."""
    native = options.native
    given = [name for name in ("max_fee_per_gas", "max_priority_fee_per_gas") if native.get(name) is not None]
    kind = _option_uint(options, "type", 255)
    if kind is None:
        if native.get("gas_price") is not None or (uses_legacy_fees(network) and not given):
            kind = 1 if access_list else 0
        else:
            kind = 2
    if kind not in (0, 1, 2):
        raise Unsupported(f"type {kind} is not built here: 0, 1 and 2 are, and sign() takes a dict of the others")
    if kind < 2 and given:
        raise InputError(f"a type {kind} transaction has no {given[0]}: state gas_price, or type=2")
    if kind == 2 and native.get("gas_price") is not None:
        raise InputError("a type 2 transaction has no gas_price: state max_fee_per_gas and max_priority_fee_per_gas")
    if kind == 0 and access_list:
        raise InputError("a type 0 transaction has no access list: use type=1 or type=2")
    return kind, kind < 2


def _stated_prices(options: Options, legacy: bool) -> tuple[GasPrices | None, int | None, int | None]:
    """Prices where the caller states them in full, and else the maximum or the tip that was stated."""
    limit = (1 << 256) - 1
    if legacy:
        price = _option_uint(options, "gas_price", limit)
        return (None if price is None else GasPrices(price, price, None)), None, None
    maximum = _option_uint(options, "max_fee_per_gas", limit)
    priority = _option_uint(options, "max_priority_fee_per_gas", limit)
    if maximum is None or priority is None:
        return None, maximum, priority
    if priority > maximum:
        raise InputError("max_priority_fee_per_gas is above max_fee_per_gas, which every node refuses")
    return GasPrices(maximum, priority, None), maximum, priority
