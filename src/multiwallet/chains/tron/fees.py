"""What a TRON transaction costs: bandwidth for its bytes, energy for contract code, and a few flat fees.

Bandwidth is the size of the signed transaction and 64 bytes for its result. It is taken whole from staked
bandwidth, else whole from the free daily allowance, else burned whole in TRX. A transfer that activates its
recipient pays a flat fee instead, and one more in the burn. Energy is taken from stake as far as that goes and
burned beyond; ``fee_limit`` caps the energy a call may use, staked energy included. (java-tron,
BandwidthProcessor and ReceiptCapsule.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...amounts import Amount
from ...chain import Network
from ...transactions import Fee

__all__ = ["RESULT_SIZE", "STANDARD", "Prices", "Resources", "bandwidth_of", "price", "worst_case"]

RESULT_SIZE: Final = 64
"""The bytes that java-tron adds for the result of each contract (MAX_RESULT_SIZE_IN_TX)."""
SIGNATURE_SIZE: Final = 67
"""A signature and its two bytes of field header."""


@dataclass(frozen=True, slots=True)
class Prices:
    """The chain parameters that fees follow from, in sun."""

    bandwidth: int
    energy: int
    create_account: int
    activation: int
    memo: int
    multi_signature: int
    max_fee_limit: int
    forbids_transfer_to_contract: bool = False


STANDARD: Final = Prices(
    bandwidth=1_000,
    energy=100,
    create_account=100_000,
    activation=1_000_000,
    memo=1_000_000,
    multi_signature=1_000_000,
    max_fee_limit=15_000_000_000,
    forbids_transfer_to_contract=True,
)
"""The main network's prices, for transactions that come without: their bytes name no price of bandwidth."""


_OWN_FEES: Final = {
    "AccountPermissionUpdateContract": 100_000_000,
    "AssetIssueContract": 1_024_000_000,
    "ExchangeCreateContract": 1_024_000_000,
    "WitnessCreateContract": 9_999_000_000,
}
"""What some contract types cost on the main network beside bandwidth, in sun (wallet/getchainparameters)."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What an account has left of each resource: bytes of bandwidth and units of energy."""

    free_bandwidth: int
    staked_bandwidth: int
    energy: int


def _varint_size(number: int) -> int:
    return max(1, (number.bit_length() + 6) // 7)


def bandwidth_of(body_size: int, signatures: int = 1) -> int:
    """The bandwidth in bytes of a transaction whose ``raw_data`` has ``body_size`` bytes.

    >>> bandwidth_of(132)
    266
    """
    return 1 + _varint_size(body_size) + body_size + signatures * SIGNATURE_SIZE + RESULT_SIZE


def price(
    network: Network,
    prices: Prices,
    resources: Resources,
    *,
    body_size: int,
    memo: bool,
    activates: bool,
    energy: int = 0,
    fee_limit: int = 0,
    signatures: int = 1,
) -> Fee:
    """The fee of a transaction before it is signed, from what the chain says now.

    ``expected`` counts the resources that the account has now. ``maximum`` holds even when others have used
    them up by then: all bytes are burned, and all of ``fee_limit``.
    """
    bandwidth = bandwidth_of(body_size, signatures)
    burn = bandwidth * prices.bandwidth
    covered = bandwidth <= resources.staked_bandwidth
    flat = (prices.memo if memo else 0) + (prices.multi_signature if signatures > 1 else 0)
    if activates:
        flat += prices.activation
        likely, worst = prices.create_account, max(prices.create_account, burn)
    else:
        covered = covered or bandwidth <= resources.free_bandwidth
        likely = worst = burn
    burned_energy = max(0, energy - max(0, resources.energy)) * prices.energy
    details: dict[str, object] = {"bandwidth": bandwidth, "bandwidth_price": prices.bandwidth, "bandwidth_burned": 0}
    if not covered:
        details["bandwidth_burned"] = likely
    if activates:
        details["activation"] = prices.activation
    if memo:
        details["memo"] = prices.memo
    if signatures > 1:
        details["multi_signature"] = prices.multi_signature
    if fee_limit:
        details.update(energy=energy, energy_price=prices.energy, energy_burned=burned_energy, fee_limit=fee_limit)
    expected = flat + (0 if covered else likely) + min(burned_energy, fee_limit)
    native = network.native
    return Fee(Amount(expected, native), Amount(flat + worst + fee_limit, native), details)


def worst_case(
    network: Network, *, contract: str, body_size: int, memo: bool, fee_limit: int, signatures: int = 1
) -> Fee:
    """The most that a transaction costs as far as its bytes tell, at the main network's prices.

    Whether a transfer activates its recipient does not show in the bytes and is not in it.
    """
    fee = price(
        network,
        STANDARD,
        Resources(0, 0, 0),
        body_size=body_size,
        memo=memo,
        activates=contract == "AccountCreateContract",
        fee_limit=fee_limit,
        signatures=signatures,
    )
    details = {"bandwidth": fee.details["bandwidth"]}
    own = _OWN_FEES.get(contract, 0)
    if own:
        details["contract_fee"] = own
    if fee_limit:
        details["fee_limit"] = fee_limit
    maximum = fee.maximum + Amount(own, network.native)
    return Fee(maximum, maximum, details)
