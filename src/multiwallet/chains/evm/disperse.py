"""Disperse contracts: one call that hands coins or tokens on to many recipients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...codec import abi
from ...errors import InputError

__all__ = ["DisperseCall", "decode_disperse"]

_COINS: Final = "disperseEther(address[],uint256[])"
_TOKENS: Final = "disperseToken(address,address[],uint256[])"
_KNOWN: Final = {abi.selector(_COINS): _COINS, abi.selector(_TOKENS): _TOKENS}


@dataclass(frozen=True, slots=True)
class DisperseCall:
    """A call that was fully understood. ``token`` is None for the coin; ``payments`` are (EIP-55 address, units)."""

    token: str | None
    payments: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """The units of all payments together."""
        return sum(units for _, units in self.payments)


def decode_disperse(data: bytes) -> DisperseCall | None:
    """The disperse call that ``data`` is, or None. Only the one canonical encoding counts as understood.

    >>> call = abi.encode_call("disperseEther(address[],uint256[])", (["0x" + "11" * 20], [7]))
    >>> decode_disperse(call)
    DisperseCall(token=None, payments=(('0x1111111111111111111111111111111111111111', 7),))
    """
    signature = _KNOWN.get(data[:4])
    if signature is None:
        return None
    try:
        values = abi.decode_call(signature, data)
    except InputError:
        return None
    token = str(values[0]) if signature == _TOKENS else None
    recipients, units = values[-2:]
    if len(recipients) != len(units):
        return None
    return DisperseCall(token, tuple((str(to), int(amount)) for to, amount in zip(recipients, units, strict=True)))
