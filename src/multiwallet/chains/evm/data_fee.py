"""What a rollup takes for posting a transaction's bytes, beside its gas. Each stack has its own oracle contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ...chain import Network
from ...codec import abi
from ...errors import MultiwalletError
from ...ops import Rpc
from .answers import read_data, refuse
from .rules import rules_of

__all__ = ["DataFee", "data_fee_effects", "read_data_fee"]

_ORACLES: Final = {
    "op-stack": "0x420000000000000000000000000000000000000F",
    "mantle": "0x420000000000000000000000000000000000000F",
    "scroll": "0x5300000000000000000000000000000000000002",
}
_OF_MANTLE: Final = ("tokenRatio", "operatorFeeScalar", "operatorFeeConstant")


class DataFee(NamedTuple):
    """What it will likely be, and what to keep ready for it: a quarter more, since its price moves with Ethereum's."""

    expected: int
    kept: int


def data_fee_effects(network: Network, unsigned: bytes) -> tuple[Rpc, ...]:
    """The questions whose answers :func:`read_data_fee` reads; none where the network takes no such fee beside the gas.

    The oracles of the OP stack and of Scroll answer to ``getL1Fee(bytes)`` in the coin. Mantle's answers in ether, which
    the network multiplies with its ``tokenRatio()``, and it adds a fee of its operator.
    """
    kind = rules_of(network).l1_fee
    oracle = _ORACLES.get(kind)
    if oracle is None:
        return ()
    calls = [abi.encode_call("getL1Fee(bytes)", [unsigned])]
    if kind == "mantle":
        calls += [abi.encode_call(f"{name}()", []) for name in _OF_MANTLE]
    return tuple(Rpc(network.id, "eth_call", [{"to": oracle, "data": "0x" + call.hex()}, "latest"]) for call in calls)


def read_data_fee(outcomes: Sequence[Any], gas: int) -> DataFee:
    """The fee of a transaction with a limit of ``gas``, from the outcomes of :func:`data_fee_effects`; raises their errors.

    Mantle's operator takes a hundred times its scalar for each unit of gas, and a constant: the rule of its node since
    the upgrade Arsia (``newOperatorCostFunc`` in mantle's op-geth), which the oracle's own getOperatorFee has not had
    in every version.
    """
    fee = _number("getL1Fee", outcomes[0])
    if len(outcomes) > 1:
        ratio, scalar, constant = (
            _number(name, outcome) for name, outcome in zip(_OF_MANTLE, outcomes[1:], strict=True)
        )
        fee = fee * ratio + gas * scalar * 100 + constant
    return DataFee(fee, fee + (fee + 3) // 4)


def _number(function: str, outcome: Any) -> int:
    if isinstance(outcome, MultiwalletError):
        raise outcome
    data = read_data("eth_call", outcome)
    if len(data) != 32:
        refuse(f"eth_call of {function}", "a number", outcome)
    return int.from_bytes(data, "big")
