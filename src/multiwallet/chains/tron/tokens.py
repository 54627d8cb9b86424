"""What an account holds: TRX with all that is staked, and TRC-20 tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...amounts import Asset
from ...chain import Holder, Network
from ...codec import abi
from ...errors import BadResponse, InputError, InvalidAddress, MultiwalletError, Rejected, Reverted, Unsupported
from ...ops import Op, ask, attempt
from ...transactions import Balance
from . import addresses, answers

__all__ = ["asset", "balance"]

_ZERO = addresses.from_bytes(addresses.ZERO)


def asset(network: Network, contract: str) -> Op[Asset]:
    """The TRC-20 token at a contract address, with the symbol and decimals that it states itself."""
    outcomes = yield from attempt(
        *(
            answers.constant_call(network, _ZERO, contract, abi.selector(signature))
            for signature in ("symbol()", "decimals()")
        )
    )
    results = []
    for outcome in outcomes:
        if isinstance(outcome, MultiwalletError):
            raise outcome
        try:
            results.append(answers.constant_result(outcome)[0])
        except (Rejected, Reverted) as error:
            raise InvalidAddress(f"{contract} is no TRC-20 token on {network.name}: {error.message}") from error
    decimals = answers.number(results[1], "decimals()")
    if decimals > 255:
        raise BadResponse(f"{contract} says that it has {decimals} decimals: this is no TRC-20 token")
    return Asset(f"{network.id}/trc20:{contract}", _symbol(results[0], contract), decimals)


def _symbol(data: bytes, contract: str) -> str:
    try:
        # The oldest tokens answer 32 bytes of padded text.
        text = data.rstrip(b"\0").decode("utf-8") if len(data) == 32 else abi.decode(("string",), data, strict=False)[0]
    except (InputError, UnicodeDecodeError):
        raise BadResponse(f"{contract} states no readable symbol: this is no TRC-20 token") from None
    shown = "".join(character for character in text if character.isprintable()).strip()[:32]
    return shown or contract[:6]


def balance(holder: Holder, wanted: Asset) -> Op[Balance]:
    """What the holder has of TRX or of a TRC-20 token."""
    network, owner = holder.network, holder.address
    if wanted.network_id != network.id:
        raise Unsupported(f"{wanted.id} does not live on {network.name}")
    if wanted.is_native:
        (account,) = yield from ask(answers.post(network, "wallet/getaccount", address=owner, visible=True))
        found = answers.table(account, "wallet/getaccount")
        available = answers.field(found, "balance", "wallet/getaccount")
        return Balance.of(wanted, available, 0, _staked(found))
    if wanted.namespace != "trc20":
        raise Unsupported(f"balances of {wanted.namespace} assets are not read here")
    data = abi.encode_call("balanceOf(address)", (addresses.to_bytes(owner)[1:],))
    (answer,) = yield from ask(answers.constant_call(network, owner, wanted.reference, data))
    return Balance.of(wanted, answers.number(answers.constant_result(answer)[0], "balanceOf"))


def _staked(account: Mapping[str, Any]) -> int:
    """Sun that the account owns and cannot spend now: staked (old and new), being unstaked, or lent as resources."""
    call = "wallet/getaccount"
    resource = answers.nested(account, "account_resource", call)
    total = sum(answers.field(item, "frozen_balance", call) for item in answers.listed(account, "frozen", call))
    total += sum(answers.field(item, "amount", call) for item in answers.listed(account, "frozenV2", call))
    total += sum(answers.field(item, "unfreeze_amount", call) for item in answers.listed(account, "unfrozenV2", call))
    for holder, name in ((resource, "frozen_balance_for_energy"), (account, "tron_power")):
        total += answers.field(answers.nested(holder, name, call), "frozen_balance", call)
    for holder, name in (
        (account, "delegated_frozen_balance_for_bandwidth"),
        (account, "delegated_frozenV2_balance_for_bandwidth"),
        (resource, "delegated_frozen_balance_for_energy"),
        (resource, "delegated_frozenV2_balance_for_energy"),
    ):
        total += answers.field(holder, name, call)
    return total
