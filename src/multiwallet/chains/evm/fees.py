"""Gas prices: EIP-1559 from the fee history, one gas price where a network has no base fee, rollup data fees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ...chain import Network
from ...codec import abi
from ...errors import MultiwalletError, Rejected, TransportError
from ...ops import Effect, Rpc
from .answers import read_data, read_mapping, read_quantity, refuse

__all__ = ["GasPrices", "fee_effects", "l1_fee_effect", "read_fees", "read_l1_fee", "uses_legacy_fees"]

_BLOCKS: Final = 10
_PERCENTILES: Final = {"slow": 10, "normal": 50, "fast": 90}
_GAS_PRICE_ORACLE: Final = "0x420000000000000000000000000000000000000F"  # the OP stack's predeployed contract


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
    return network.params.get("fees") == "legacy"


def fee_effects(network: Network, *, legacy: bool, speed: str) -> tuple[Effect, ...]:
    """The calls whose answers :func:`read_fees` reads: one for legacy fees, else two."""
    if legacy:
        return (Rpc(network.id, "eth_gasPrice"),)
    history = [hex(_BLOCKS), "latest", [_PERCENTILES[speed]]]
    return (Rpc(network.id, "eth_feeHistory", history), Rpc(network.id, "eth_maxPriorityFeePerGas"))


def read_fees(outcomes: list[Any], *, legacy: bool) -> GasPrices:
    """Prices from the outcomes of :func:`fee_effects`; raises their errors.

    With EIP-1559 the tip is the median over the last blocks of the tip that this speed's percentile of their gas
    paid: 10 (slow), 50 (normal), 90 (fast). The maximum is twice the coming base fee and the tip, so that the
    transaction stays valid through five more full blocks. Where the blocks were empty the node's own suggestion counts.
    """
    first = outcomes[0]
    if isinstance(first, MultiwalletError):
        raise first
    if legacy:
        price = read_quantity("eth_gasPrice", first)
        return GasPrices(price, price, None)
    method = "eth_feeHistory"
    history = read_mapping(method, first)
    bases, rewards = history.get("baseFeePerGas"), history.get("reward")
    if not isinstance(bases, list) or not bases:
        refuse(method, "a list baseFeePerGas", bases)
    base = read_quantity(method, bases[-1])
    tip = _median_tip(method, rewards if rewards is not None else [], history.get("gasUsedRatio"))
    if not tip:
        tip = _suggested(outcomes[1])
    return GasPrices(2 * base + tip, tip, base)


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


def l1_fee_effect(network: Network, unsigned: bytes) -> Rpc | None:
    """The question what a rollup of the OP stack takes for posting the transaction; None on other networks."""
    if network.params.get("l1_fee") != "op-stack":
        return None
    call = {"to": _GAS_PRICE_ORACLE, "data": "0x" + abi.encode_call("getL1Fee(bytes)", [unsigned]).hex()}
    return Rpc(network.id, "eth_call", [call, "latest"])


def read_l1_fee(answer: Any) -> tuple[int, int]:
    """The expected data fee, and what to keep ready for it: a quarter more, since its price moves with Ethereum's."""
    data = read_data("eth_call", answer)
    if len(data) != 32:
        refuse("eth_call of getL1Fee", "a number", answer)
    fee = int.from_bytes(data, "big")
    return fee, fee + (fee + 3) // 4
