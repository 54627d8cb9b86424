"""What a TRON transaction does, in words, from its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ...amounts import Amount, Asset
from ...chain import Network
from ...codec import abi
from ...errors import InputError
from ...transactions import Action, Fee, Summary
from . import addresses
from .contracts import FIELDS
from .raw_data import RawData

__all__ = ["describe", "memo_text"]

_UNLIMITED: Final = 1 << 127  # beyond any supply; wallets write "unlimited" as 2^256 - 1
_DEAR: Final = 1_000_000_000
_TOKEN_CALLS: Final = {
    abi.selector(signature): signature
    for signature in (
        "transfer(address,uint256)",
        "approve(address,uint256)",
        "transferFrom(address,address,uint256)",
        "increaseApproval(address,uint256)",
        "increaseAllowance(address,uint256)",
        "setApprovalForAll(address,bool)",
    )
}
_RESOURCES: Final = ("bandwidth", "energy", "TRON power")


def memo_text(data: bytes) -> str | None:
    """A memo as text, or as ``0x...`` where it is not UTF-8; None for none."""
    if not data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "0x" + data.hex()


def _one_line(text: str) -> str:
    """A name that anybody may choose, without the characters that could forge lines or drive a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _moment(milliseconds: int) -> str:
    try:
        return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{milliseconds} ms after 1970, which is as good as never"


def describe(network: Network, raw: RawData, priced: Fee, assets: tuple[Asset, ...]) -> Summary:
    """The summary of a transaction, with the price that was set for it and the tokens that its builder named.

    Prices do not stand in the bytes, but ``fee_limit`` does: the fee is never shown lower than that.
    """
    reader = _Reader(network, raw, {asset.id: asset for asset in assets})
    actions = reader.actions()
    warnings = reader.warnings
    limit = Amount(raw.fee_limit, network.native)
    fee = Fee(priced.expected, max(priced.maximum, limit), priced.details)
    if raw.fee_limit > _DEAR:
        warnings.append(f"the fee limit is {limit}: a call this dear is rare")
    if raw.permission_id:
        warnings.append(
            f"this is signed under permission {raw.permission_id} of {addresses.from_bytes(raw.owner)}: "
            "other keys may have to sign too"
        )
    details = {"expires": _moment(raw.expiration), "contract": raw.contract}
    if raw.fee_limit:
        details["fee limit"] = str(limit)
    if raw.contract in ("TransferContract", "TransferAssetContract") and "bandwidth_price" not in priced.details:
        details["activation"] = "up to 1.1 TRX more if the recipient's account is new, which the bytes do not tell"
    sender, memo = addresses.from_bytes(raw.owner), memo_text(raw.data)
    return Summary(network.id, sender, actions, fee, memo, details, tuple(warnings))


class _Reader:
    def __init__(self, network: Network, raw: RawData, assets: Mapping[str, Asset]) -> None:
        self.network = network
        self.raw = raw
        self.assets = assets
        self.values: Mapping[str, Any] = raw.values or {}
        self.warnings: list[str] = []

    def actions(self) -> tuple[Action, ...]:
        read = _READERS.get(self.raw.contract)
        if read is None:
            self.warnings.append(
                f"a {self.raw.contract} is not decoded by this library: sign it only if you know what it does"
            )
            value = self.raw.value
            shown = value[:256].hex() + (f"... ({len(value)} bytes)" if len(value) > 256 else "")
            details = {"contract": self.raw.contract, "value": shown}
            if self.raw.contract in FIELDS:
                details = {key: _plain(value) for key, value in self.values.items() if key != "owner_address"}
            return (Action("call", None, None, details),)
        return tuple(read(self))

    def trx(self, name: str) -> Amount:
        return Amount(self.values.get(name, 0), self.network.native)

    def address(self, name: str) -> str | None:
        value = self.values.get(name)
        return None if value is None else addresses.from_bytes(value)

    def recipient(self, name: str) -> str | None:
        address = self.address(name)
        if address is None:
            self.warnings.append("the transaction names no recipient: the network will refuse it")
        elif self.values.get(name) == addresses.ZERO:
            self.warnings.append("the recipient is the zero address, which nobody owns: what is sent there is lost")
        return address

    def token(self, identity: str, units: int) -> tuple[Amount | None, dict[str, str]]:
        """The amount where the asset's decimals are known, and what to show beside it."""
        asset = self.assets.get(identity)
        details = {"asset": identity, "units": str(units)}
        if asset is None:
            self.warnings.append(f"the decimals of {identity} are not known: the amount is shown in smallest units")
            return None, details
        return Amount(units, asset), details

    # -- one reader a contract type ----------------------------------------------------------------

    def transfer(self) -> Iterable[Action]:
        yield Action("transfer", self.recipient("to_address"), self.trx("amount"))

    def transfer_asset(self) -> Iterable[Action]:
        name = _one_line(memo_text(self.values.get("asset_name", b"")) or "")
        amount, details = self.token(f"{self.network.id}/trc10:{name}", self.values.get("amount", 0))
        yield Action("transfer", self.recipient("to_address"), amount, details)

    def trigger(self) -> Iterable[Action]:
        contract, data = self.address("contract_address"), self.values.get("data", b"")
        if contract is None:
            self.warnings.append("the call names no contract: the network will refuse it")
        value, tokens = self.values.get("call_value", 0), self.values.get("call_token_value", 0)
        if contract is None or not (action := self._token_call(contract, data)):
            details = {"selector": "0x" + data[:4].hex(), "data": f"{len(data)} bytes"} if data else {}
            self.warnings.append("this calls a contract in a way that is not decoded: know what it does before signing")
            action = Action("call", contract, self.trx("call_value") if value else None, details)
        elif value:
            self.warnings.append(f"the call also sends {self.trx('call_value')} to the contract")
            yield Action("transfer", contract, self.trx("call_value"))
        yield action
        if tokens:
            amount, details = self.token(f"{self.network.id}/trc10:{self.values.get('token_id', 0)}", tokens)
            self.warnings.append("the call also sends a TRC-10 token to the contract")
            yield Action("transfer", contract, amount, details)

    def _token_call(self, contract: str, data: bytes) -> Action | None:
        signature = _TOKEN_CALLS.get(data[:4])
        if signature is None:
            return None
        try:
            arguments = abi.decode_call(signature, data)
        except InputError:
            self.warnings.append("the call looks like a token transfer but its arguments are not in the ABI's form")
            return None
        to = addresses.from_bytes(b"\x41" + bytes.fromhex(arguments[-2][2:]))
        if signature.startswith("setApprovalForAll"):
            if arguments[1]:
                self.warnings.append(f"{to} could move every token that you hold in {contract}")
            return Action("approve", to, None, {"contract": contract, "all": str(arguments[1]).lower()})
        amount, details = self.token(f"{self.network.id}/trc20:{contract}", arguments[-1])
        if to == contract:
            self.warnings.append("the recipient is the token's own contract: tokens sent there are mostly lost")
        elif to == addresses.from_bytes(addresses.ZERO):
            self.warnings.append("the other party is the zero address, which nobody owns")
        if signature.startswith("transferFrom"):
            source = addresses.from_bytes(b"\x41" + bytes.fromhex(arguments[0][2:]))
            if source != addresses.from_bytes(self.raw.owner):
                self.warnings.append(f"it moves tokens of {source}, which is not the sender")
            return Action("transfer", to, amount, {"from": source, **details})
        if signature.startswith("transfer"):
            return Action("transfer", to, amount, details)
        if arguments[-1] >= _UNLIMITED:
            self.warnings.append(f"{to} could spend all that you ever hold of this token: approve what is needed only")
            details["limit"] = "none"
        return Action("approve", to, amount, details)

    def freeze(self) -> Iterable[Action]:
        details = self._resource()
        if "frozen_duration" in self.values:
            details["days"] = str(self.values["frozen_duration"])
        yield Action("stake", self.address("receiver_address"), self.trx("frozen_balance"), details)

    def unfreeze(self) -> Iterable[Action]:
        amount = self.trx("unfreeze_balance") if "unfreeze_balance" in self.values else None
        yield Action("unstake", self.address("receiver_address"), amount, self._resource())

    def delegate(self) -> Iterable[Action]:
        details = self._resource()
        if self.values.get("lock"):
            period = self.values.get("lock_period", 0)
            details["locked"] = f"{period} blocks of 3 s" if period else "3 days"
            self.warnings.append("the delegation is locked: it cannot be taken back before the time is over")
        yield Action("delegate", self.recipient("receiver_address"), self.trx("balance"), details)

    def undelegate(self) -> Iterable[Action]:
        yield Action("undelegate", self.recipient("receiver_address"), self.trx("balance"), self._resource())

    def vote(self) -> Iterable[Action]:
        for vote in self.values.get("votes", ()):
            to = addresses.from_bytes(vote["vote_address"]) if "vote_address" in vote else None
            yield Action("vote", to, None, {"votes": str(vote.get("vote_count", 0))})

    def plain(self, kind: str) -> Iterable[Action]:
        yield Action(kind)

    def create_account(self) -> Iterable[Action]:
        yield Action("create-account", self.recipient("account_address"))

    def rename(self) -> Iterable[Action]:
        yield Action("rename", None, None, {"name": _one_line(memo_text(self.values.get("account_name", b"")) or "")})

    def deploy(self) -> Iterable[Action]:
        contract = self.values.get("new_contract", {})
        value = contract.get("call_value", 0)
        details = {
            "name": _one_line(contract.get("name", "")),
            "bytecode": f"{len(contract.get('bytecode', b''))} bytes",
            "energy": f"callers pay {contract.get('consume_user_resource_percent', 0)} %, the deployer pays the rest, "
            f"up to {contract.get('origin_energy_limit', 0)} a call",
        }
        self.warnings.append("this deploys a contract: its code is not examined here")
        if self.values.get("call_token_value"):
            details["token"] = f"{self.values['call_token_value']} of trc10:{self.values.get('token_id', 0)}"
        yield Action("deploy", None, Amount(value, self.network.native) if value else None, details)

    def permissions(self) -> Iterable[Action]:
        owner = addresses.from_bytes(self.raw.owner)
        self.warnings.append(
            f"THIS CHANGES WHO CONTROLS {owner}: the keys listed will hold the account, and yours may lose it for good"
        )
        groups = [("owner", self.values.get("owner")), ("witness", self.values.get("witness"))]
        groups += [("active", item) for item in self.values.get("actives", ())]
        for role, permission in groups:
            if permission is None:
                continue
            keys = {
                addresses.from_bytes(key["address"]): key.get("weight", 0)
                for key in permission.get("keys", ())
                if "address" in key
            }
            threshold = permission.get("threshold", 0)
            if role == "owner" and keys.get(owner, 0) < threshold:
                self.warnings.append(f"{owner} alone will no longer be able to act as owner of the account")
            listed = ", ".join(f"{address} (weight {weight})" for address, weight in keys.items())
            details = {"role": role, "threshold": str(threshold), "keys": listed}
            if permission.get("permission_name"):
                details["name"] = _one_line(permission["permission_name"])
            if permission.get("operations"):
                details["operations"] = permission["operations"].hex()
            yield Action("set-permission", None, None, details)

    def _resource(self) -> dict[str, str]:
        return {"resource": _RESOURCES[self.values.get("resource", 0)]}


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


_READERS: Final[dict[str, Callable[[_Reader], Iterable[Action]]]] = {
    "TransferContract": _Reader.transfer,
    "TransferAssetContract": _Reader.transfer_asset,
    "TriggerSmartContract": _Reader.trigger,
    "FreezeBalanceContract": _Reader.freeze,
    "FreezeBalanceV2Contract": _Reader.freeze,
    "UnfreezeBalanceContract": _Reader.unfreeze,
    "UnfreezeBalanceV2Contract": _Reader.unfreeze,
    "DelegateResourceContract": _Reader.delegate,
    "UnDelegateResourceContract": _Reader.undelegate,
    "VoteWitnessContract": _Reader.vote,
    "WithdrawBalanceContract": lambda reader: reader.plain("withdraw-rewards"),
    "WithdrawExpireUnfreezeContract": lambda reader: reader.plain("withdraw-unstaked"),
    "CancelAllUnfreezeV2Contract": lambda reader: reader.plain("cancel-unstaking"),
    "AccountCreateContract": _Reader.create_account,
    "AccountUpdateContract": _Reader.rename,
    "CreateSmartContract": _Reader.deploy,
    "AccountPermissionUpdateContract": _Reader.permissions,
}
