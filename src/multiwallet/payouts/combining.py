"""Several lines in one transaction: Bitcoin's outputs, Solana's instructions, a disperse contract on EVM networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from ..amounts import Amount, Asset
from ..codec import abi
from ..errors import InputError, MultiwalletError, Unsupported
from ..ops import Op, Rpc, ask
from .plan_file import Record
from .recipes import Recipe

if TYPE_CHECKING:
    from ..operations import AccountOperations

__all__ = ["Combination", "check_allowance"]

_COINS: Final = "disperseEther(address[],uint256[])"
_TOKENS: Final = "disperseToken(address,address[],uint256[])"
_USUAL: Final = {"bitcoin": 500, "evm": 100, "solana": 18}


class Combination:
    """How lines are joined: how many at most, and on EVM networks by which contract.

    Neighbouring lines of one asset are joined; one with a memo or a key of its own stays alone, since both belong to
    a whole transaction. Raises Unsupported on chains whose transactions pay one recipient.
    """

    def __init__(
        self, operations: AccountOperations, recipe: Recipe, *, most: int | None, disperse: str | None
    ) -> None:
        family = operations.chain.family
        if family not in _USUAL:
            raise Unsupported(f"a transaction on {operations.network.title} pays one recipient: leave combine out")
        if family == "evm" and disperse is None:
            raise InputError(
                "to combine payments on an EVM network, name the contract that passes them on with disperse= "
                "(disperseEther and disperseToken); one that you trust, for it gets the money first"
            )
        if family != "evm" and disperse is not None:
            raise InputError("a disperse contract is for EVM networks: leave it out")
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 2):
            raise InputError("combine is how many lines one transaction pays: two or more")
        self.operations = operations
        self.disperse = None if disperse is None else operations.chain.parse_address(operations.network, disperse)
        self._recipe = recipe
        self._most = _USUAL[family] if most is None else most

    def fits(self, asset: Asset) -> int:
        """How many lines of an asset go together at most."""
        return min(self._most, self._recipe.fits(asset))

    def call(self, asset: Asset, payments: Sequence[tuple[int, str, Amount]]) -> tuple[str, str, str] | None:
        """The call of the disperse contract that pays these: its address, the coins that go with it, its data in hex."""
        if self.disperse is None:
            return None
        recipients, units = [to for _, to, _ in payments], [amount.units for _, _, amount in payments]
        if asset.is_native:
            total = Amount(sum(units), asset)
            return self.disperse, total.text, "0x" + abi.encode_call(_COINS, (recipients, units)).hex()
        return self.disperse, "0", "0x" + abi.encode_call(_TOKENS, (asset.reference, recipients, units)).hex()

    def describe(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"most": self._most, "disperse": self.disperse}

    def build(self, record: Record, speed: str, **native: Any) -> Op[Any]:
        """A group's transaction, made now so that it can be signed elsewhere."""
        options = record.options(speed)
        options["native"] = {**options["native"], **native}
        return (yield from self.operations.build(record.transfers(), options))


def check_allowance(operations: AccountOperations, disperse: str, asset: Asset, total: int) -> Op[str | None]:
    """What is wrong with the approval that a disperse contract needs for a token; None where it is enough."""
    owner = operations.holder.address
    data = "0x" + abi.encode_call("allowance(address,address)", (owner, disperse)).hex()
    question = Rpc(operations.network.id, "eth_call", [{"to": asset.reference, "data": data}, "latest"])
    (answer,) = yield from operations.online(ask(question))
    try:
        (allowed,) = abi.decode(["uint256"], bytes.fromhex(str(answer).removeprefix("0x")), strict=False)
    except (ValueError, MultiwalletError):
        return f"the token does not say what {disperse} may take: is it an ERC-20 contract?"
    if allowed >= total:
        return None
    return f"{disperse} may take {Amount(allowed, asset)} of your {Amount(total, asset)}: approve it for as much first"
