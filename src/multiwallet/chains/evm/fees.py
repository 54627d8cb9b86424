"""Gas prices: EIP-1559 from the fee history, one gas price where a network has no base fee, floors and the ceiling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ...chain import Network
from ...errors import BadResponse, MultiwalletError, Rejected, TransportError
from ...ops import Effect, Rpc
from .answers import read_mapping, read_quantity, refuse
from .rules import Rules, rules_of

__all__ = ["GasPrices", "check_price", "fee_effects", "raised_to_floor", "read_fees", "uses_legacy_fees"]

_BLOCKS: Final = 10
_PERCENTILES: Final = {"slow": 10, "normal": 50, "fast": 90}
_GWEI: Final = 10**9


@dataclass(frozen=True, slots=True)
class GasPrices:
    """What one gas costs, in the coin's smallest unit. ``base`` is None on a network without a base fee.

    ``maximum`` is what the transaction offers at most (the gas price of a legacy one), ``expected`` what it is
    likely to pay.
    """

    maximum: int
    priority: int
    base: int | None

    @property
    def expected(self) -> int:
        """The base fee and the tip, but never more than the maximum."""
        return self.maximum if self.base is None else min(self.base + self.priority, self.maximum)


def uses_legacy_fees(network: Network) -> bool:
    """Whether the network's row says that it knows no EIP-1559 fees."""
    return rules_of(network).legacy


def fee_effects(network: Network, *, legacy: bool, speed: str) -> tuple[Effect, ...]:
    """The calls whose answers :func:`read_fees` reads: one for legacy fees, else two."""
    if legacy:
        return (Rpc(network.id, "eth_gasPrice"),)
    history = [hex(_BLOCKS), "latest", [_PERCENTILES[speed]]]
    return (Rpc(network.id, "eth_feeHistory", history), Rpc(network.id, "eth_maxPriorityFeePerGas"))


def read_fees(outcomes: list[Any], *, legacy: bool, network: Network | None = None) -> GasPrices:
    """Prices from the outcomes of :func:`fee_effects`, raised to the floors of the ``network``'s row; raises their errors.

    With EIP-1559 the tip is the median over the last blocks of the tip that this speed's percentile of their gas
    paid: 10 (slow), 50 (normal), 90 (fast). The maximum is twice the coming base fee and the tip, so that the
    transaction stays valid through five more full blocks. Where the blocks were empty the node's own suggestion counts.
    A network whose base fee is always zero takes no other from a node: BadResponse.
    """
    rules = Rules() if network is None else rules_of(network)
    first = outcomes[0]
    if isinstance(first, MultiwalletError):
        raise first
    if legacy:
        price = read_quantity("eth_gasPrice", first)
        return raised_to_floor(GasPrices(price, price, None), rules)
    method = "eth_feeHistory"
    history = read_mapping(method, first)
    bases, rewards = history.get("baseFeePerGas"), history.get("reward")
    if not isinstance(bases, list) or not bases:
        refuse(method, "a list baseFeePerGas", bases)
    base = read_quantity(method, bases[-1])
    if rules.zero_base_fee and base:
        refuse(method, "a base fee of zero, as this network has it in every block,", bases[-1])
    tip = _median_tip(method, rewards if rewards is not None else [], history.get("gasUsedRatio"))
    if not tip:
        tip = _suggested(outcomes[1])
    tip = max(tip, rules.min_priority_fee)
    return raised_to_floor(GasPrices(2 * base + tip, tip, base), rules)


def raised_to_floor(prices: GasPrices, rules: Rules) -> GasPrices:
    """The prices, with no less offered than the network takes."""
    if prices.maximum >= rules.min_gas_price:
        return prices
    if prices.base is None:
        return GasPrices(rules.min_gas_price, rules.min_gas_price, None)
    return GasPrices(rules.min_gas_price, prices.priority, prices.base)


def check_price(network: Network, prices: GasPrices) -> None:
    """Refuse a price that no block of the network would ask: BadResponse, since it rests on a node's word."""
    ceiling = rules_of(network).absurd_gas_price
    if prices.maximum > ceiling:
        raise BadResponse(
            f"the node asks {prices.maximum // _GWEI} gwei for a unit of gas, and above {ceiling // _GWEI} that is "
            f"absurd on {network.title}: ask another endpoint, or state the price or max_fee yourself"
        )


def _median_tip(method: str, rewards: Any, ratios: Any) -> int:
    if not isinstance(rewards, list) or not all(isinstance(block, list) for block in rewards):
        refuse(method, "a list of lists reward", rewards)
    if isinstance(ratios, list) and len(ratios) == len(rewards):
        rewards = [block for block, ratio in zip(rewards, ratios, strict=True) if ratio]  # an empty block reports 0
    tips = sorted(read_quantity(method, block[0]) for block in rewards if block)
    return tips[len(tips) // 2] if tips else 0


def _suggested(outcome: Any) -> int:
    """eth_maxPriorityFeePerGas, which not every node has."""
    if isinstance(outcome, Rejected | TransportError):
        return 0
    if isinstance(outcome, MultiwalletError):
        raise outcome
    return read_quantity("eth_maxPriorityFeePerGas", outcome)
