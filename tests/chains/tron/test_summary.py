from __future__ import annotations

from typing import Any

import pytest

from multiwallet.amounts import Amount, Asset
from multiwallet.chain import Holder
from multiwallet.chains.tron import Tron, addresses, fees, raw_data, summary
from multiwallet.chains.tron.raw_data import RawData
from multiwallet.codec import abi, protobuf
from multiwallet.transactions import Fee, Summary

HEAD = {"ref_block_bytes": b"ab", "ref_block_hash": bytes(8), "expiration": 1_700_000_000_000, "timestamp": 1}
FRIEND = "TDc9TjNYQLUnY6oZZZnHcziUKFtTsfRCoT"
USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
TOKEN = addresses.to_bytes(USDT)
OTHER = addresses.to_bytes(FRIEND)


@pytest.fixture
def told(chain: Tron, holder: Holder) -> Any:
    def tell(contract: str, values: dict[str, Any], assets: tuple[Asset, ...] = (), **head: Any) -> Summary:
        owner = addresses.to_bytes(holder.address)
        known: Any = {"owner_address": owner, **values}
        if "unread" in values:  # a type that is known by name only
            known = protobuf.bytes_field(1, owner) + protobuf.bytes_field(2, values["unread"])
        body = raw_data.make(contract, known, **{**HEAD, **head}).encode()
        unsigned = chain.adopt(holder, body)
        return summary.describe(holder.network, RawData.decode(body), unsigned.fee, assets)

    return tell


def _call(signature: str, *values: Any) -> dict[str, Any]:
    return {"contract_address": TOKEN, "data": abi.encode_call(signature, values)}


def test_a_transfer(told: Any, holder: Holder) -> None:
    found = told("TransferContract", {"to_address": OTHER, "amount": 1_500_000}, data="zażółć".encode())
    (action,) = found.actions
    assert (action.kind, action.to, str(action.amount)) == ("transfer", FRIEND, "1.5 TRX")
    assert (found.sender, found.network, found.memo) == (holder.address, "tron:0x2b6653dc", "zażółć")
    assert found.details["expires"] == "2023-11-14 22:13:20 UTC"
    assert "never" in told("TransferContract", {"to_address": OTHER}, expiration=2**63 - 1).details["expires"]
    assert found.warnings == ()
    assert found.fee.maximum.units == 1_000_000 + found.fee.details["bandwidth"] * 1000
    assert told("TransferContract", {"to_address": OTHER, "amount": 1}, data=b"\xff").memo == "0xff"
    assert "nobody owns" in told("TransferContract", {"to_address": addresses.ZERO, "amount": 1}).warnings[0]
    assert "no recipient" in told("TransferContract", {"amount": 1}).warnings[0]


def test_a_token_transfer(told: Any, holder: Holder) -> None:
    asset = Asset(f"tron:0x2b6653dc/trc20:{USDT}", "USDT", 6)
    values = _call("transfer(address,uint256)", OTHER[1:], 2_500_000)
    (action,) = told("TriggerSmartContract", values, (asset,), fee_limit=30_000_000).actions
    assert (action.kind, action.to, str(action.amount)) == ("transfer", FRIEND, "2.5 USDT")
    unknown = told("TriggerSmartContract", values)
    assert unknown.actions[0].amount is None
    assert unknown.actions[0].details["units"] == "2500000"
    assert "decimals" in unknown.warnings[0]
    own = told("TriggerSmartContract", _call("transfer(address,uint256)", TOKEN[1:], 1), (asset,))
    assert "own contract" in own.warnings[0]
    (move,) = told(
        "TriggerSmartContract", _call("transferFrom(address,address,uint256)", OTHER[1:], TOKEN[1:], 5), (asset,)
    ).actions
    assert (move.kind, move.to, move.details["from"]) == ("transfer", USDT, FRIEND)


def test_approvals_are_loud_where_they_have_no_limit(told: Any) -> None:
    asset = Asset(f"tron:0x2b6653dc/trc20:{USDT}", "USDT", 6)
    limited = told("TriggerSmartContract", _call("approve(address,uint256)", OTHER[1:], 7), (asset,))
    assert (limited.actions[0].kind, limited.actions[0].to, limited.warnings) == ("approve", FRIEND, ())
    for name in ("approve", "increaseApproval", "increaseAllowance"):
        endless = told("TriggerSmartContract", _call(f"{name}(address,uint256)", OTHER[1:], 2**256 - 1), (asset,))
        assert endless.actions[0].kind == "approve"
        assert "all that you ever hold" in endless.warnings[0]
    every = told("TriggerSmartContract", _call("setApprovalForAll(address,bool)", OTHER[1:], True))
    assert every.actions[0].kind == "approve"
    assert "every token" in every.warnings[0]


def test_the_reference_approval_and_transfer(chain: Tron, holder: Holder, transactions: list[dict[str, Any]]) -> None:
    found = {
        entry["id"]: chain.adopt(holder, bytes.fromhex(entry["output"]["raw_data_hex"])).summary
        for entry in transactions
    }
    assert "all that you ever hold" in " ".join(found["tx/trigger-approve-max"].warnings)
    assert found["tx/trc20-transfer"].actions[0].details["units"] == "1000000"
    kinds = {name: item.actions[0].kind for name, item in found.items()}
    assert kinds["tx/freeze-v2-energy"] == "stake"
    assert kinds["tx/unfreeze-v2-energy"] == "unstake"
    assert kinds["tx/withdraw-expire-unfreeze"] == "withdraw-unstaked"
    assert kinds["tx/vote-1"] == "vote"
    assert kinds["tx/delegate-energy"] == "delegate"
    assert kinds["tx/account-create"] == "create-account"
    locked = found["tx/delegate-lock-period"]
    assert "86400 blocks" in str(locked)
    assert any("locked" in warning for warning in locked.warnings)
    assert found["tx/transfer-memo-unicode"].memo == next(e["memo"] for e in transactions if "memo" in e)
    for item in found.values():
        assert item.to_dict()["actions"]
        assert holder.address in str(item)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x12\x34",
        abi.selector("mint(uint256)") + bytes(32),
        abi.selector("transfer(address,uint256)") + bytes(63),
        abi.selector("transfer(address,uint256)") + bytes(65),
        # what Trust Wallet Core 4.8.2 builds: the 0x41 left in the address word
        abi.selector("transfer(address,uint256)") + OTHER.rjust(32, b"\0") + bytes(32),
    ],
)
def test_other_calls_are_shown_as_calls_with_a_warning(told: Any, data: bytes) -> None:
    found = told("TriggerSmartContract", {"contract_address": TOKEN, "data": data, "call_value": 5})
    assert (found.actions[0].kind, found.actions[0].to) == ("call", USDT)
    assert found.actions[0].amount is not None
    assert any("not decoded" in warning for warning in found.warnings)


def test_money_beside_a_call_is_shown(told: Any) -> None:
    values = {
        **_call("transfer(address,uint256)", OTHER[1:], 1),
        "call_value": 7,
        "call_token_value": 9,
        "token_id": 12,
    }
    found = told("TriggerSmartContract", values)
    assert [(a.kind, a.to) for a in found.actions] == [("transfer", USDT), ("transfer", FRIEND), ("transfer", USDT)]
    assert found.actions[0].amount.units == 7
    assert found.actions[2].details == {"asset": "tron:0x2b6653dc/trc10:12", "units": "9"}
    assert len(found.warnings) >= 3
    assert told("TriggerSmartContract", {"data": b"1234"}).warnings


def test_names_cannot_forge_lines(told: Any) -> None:
    """Anybody chooses these names; on a terminal they must not look like lines of the summary."""
    forged = "x)\nfee      0 TRX\x1b[2K\u202e"
    for contract, values in (
        ("AccountUpdateContract", {"account_name": forged.encode()}),
        ("CreateSmartContract", {"new_contract": {"name": forged}}),
        ("TransferAssetContract", {"asset_name": forged.encode(), "to_address": OTHER, "amount": 1}),
        (
            "AccountPermissionUpdateContract",
            {"owner": {"permission_name": forged, "threshold": 1, "keys": [{"address": OTHER, "weight": 1}]}},
        ),
    ):
        text = str(told(contract, values, data=forged.encode()))
        assert not {"\x1b", "\u202e"} & set(text)
        assert sum(line.startswith("fee ") for line in text.splitlines()) == 1


def test_nearly_all_is_all(told: Any) -> None:
    asset = Asset(f"tron:0x2b6653dc/trc20:{USDT}", "USDT", 6)
    for units in (2**255 - 1, 2**128):
        endless = told("TriggerSmartContract", _call("approve(address,uint256)", OTHER[1:], units), (asset,))
        assert "all that you ever hold" in endless.warnings[0]
    moved = told(
        "TriggerSmartContract", _call("transferFrom(address,address,uint256)", OTHER[1:], OTHER[1:], 5), (asset,)
    )
    assert "not the sender" in moved.warnings[0]


def test_what_a_deployment_and_a_stake_bind_is_shown(told: Any) -> None:
    contract = {"bytecode": b"\x60", "consume_user_resource_percent": 5, "origin_energy_limit": 777}
    (action,) = told("CreateSmartContract", {"new_contract": contract}).actions
    assert "5 %" in action.details["energy"]
    assert "777" in action.details["energy"]
    assert told("FreezeBalanceContract", {"frozen_balance": 5, "frozen_duration": 3}).actions[0].details["days"] == "3"
    (unread,) = told("AssetIssueContract", {"unread": b"\x07" * 400}).actions
    assert "bytes)" in unread.details["value"]


@pytest.mark.parametrize(
    ("contract", "trx"),
    [
        ("AccountPermissionUpdateContract", 100),
        ("WitnessCreateContract", 9999),
        ("AssetIssueContract", 1024),
        ("ExchangeCreateContract", 1024),
        ("AccountCreateContract", 1),
    ],
)
def test_what_a_contract_type_costs_of_its_own_is_in_the_fee(told: Any, contract: str, trx: int) -> None:
    known = {"AccountPermissionUpdateContract": {}, "AccountCreateContract": {"account_address": OTHER}}
    fee = told(contract, known.get(contract, {"unread": b"x"})).fee
    assert fee.maximum.units == trx * 1_000_000 + fee.details["bandwidth"] * 1000


def test_a_transfer_from_elsewhere_says_that_a_new_account_costs_more(told: Any) -> None:
    assert "1.1 TRX" in told("TransferContract", {"to_address": OTHER, "amount": 1}).details["activation"]


def test_a_change_of_permissions_is_loud(told: Any, holder: Holder) -> None:
    def keys(address: bytes, weight: int) -> list[dict[str, Any]]:
        return [{"address": address, "weight": weight}]

    lost = told(
        "AccountPermissionUpdateContract",
        {
            "owner": {"permission_name": "owner", "threshold": 1, "keys": keys(OTHER, 1)},
            "actives": [{"type": 2, "threshold": 1, "operations": b"\x7f" * 32, "keys": keys(OTHER, 1)}],
        },
    )
    assert [action.kind for action in lost.actions] == ["set-permission"] * 2
    assert FRIEND in lost.actions[0].details["keys"]
    assert "WHO CONTROLS" in lost.warnings[0]
    assert "no longer" in lost.warnings[1]
    kept = told(
        "AccountPermissionUpdateContract",
        {"owner": {"threshold": 1, "keys": keys(addresses.to_bytes(holder.address), 1)}},
    )
    assert len(kept.warnings) == 1


@pytest.mark.parametrize(
    ("contract", "values", "kind"),
    [
        ("FreezeBalanceContract", {"frozen_balance": 5, "frozen_duration": 3, "resource": 1}, "stake"),
        ("UnfreezeBalanceContract", {"resource": 1}, "unstake"),
        ("UnDelegateResourceContract", {"balance": 5, "receiver_address": OTHER}, "undelegate"),
        ("WithdrawBalanceContract", {}, "withdraw-rewards"),
        ("CancelAllUnfreezeV2Contract", {}, "cancel-unstaking"),
        ("AccountUpdateContract", {"account_name": b"me"}, "rename"),
        ("CreateSmartContract", {"new_contract": {"bytecode": b"\x60\x00", "name": "C", "call_value": 3}}, "deploy"),
        ("TransferAssetContract", {"asset_name": b"1002000", "to_address": OTHER, "amount": 3}, "transfer"),
    ],
)
def test_every_decoded_type_has_its_word(told: Any, contract: str, values: dict[str, Any], kind: str) -> None:
    assert told(contract, values).actions[0].kind == kind


def test_the_fee_shown_is_never_below_the_limit_in_the_bytes(holder: Holder) -> None:
    native = holder.network.native
    raw = raw_data.make(
        "TriggerSmartContract",
        {"owner_address": addresses.to_bytes(holder.address), "contract_address": TOKEN},
        **HEAD,
        fee_limit=5_000_000_000,
    )
    free = Fee(Amount(0, native), Amount(0, native))
    found = summary.describe(holder.network, raw, free, ())
    assert found.fee.maximum.units == 5_000_000_000
    assert any("fee limit" in warning for warning in found.warnings)


def test_prices_of_bandwidth_energy_and_activation(holder: Holder) -> None:
    network = holder.network
    assert fees.bandwidth_of(131) == 1 + 2 + 131 + 67 + 64

    def price(free: int, staked: int, left_energy: int, **named: Any) -> tuple[int, int]:
        left = fees.Resources(free, staked, left_energy)
        fee = fees.price(network, fees.STANDARD, left, **{"body_size": 131, "memo": False, "activates": False, **named})
        return fee.expected.units, fee.maximum.units

    size = fees.bandwidth_of(131)
    assert price(0, 0, 0) == (size * 1000, size * 1000)
    assert price(size, 0, 0) == (0, size * 1000)
    assert price(size - 1, size - 1, 0) == (size * 1000, size * 1000)  # never partly covered
    assert price(0, size, 0) == (0, size * 1000)
    assert price(size, 0, 0, memo=True) == (1_000_000, 1_000_000 + size * 1000)
    # an activation does not use the free allowance, and burns a flat 0.1 TRX without stake
    assert price(600, 0, 0, activates=True) == (1_100_000, 1_000_000 + size * 1000)
    assert price(600, size, 0, activates=True) == (1_000_000, 1_000_000 + size * 1000)
    assert price(600, 0, 10_000, energy=64_000, fee_limit=8_000_000) == (5_400_000, 8_000_000 + size * 1000)
    assert price(600, 0, 99_999, energy=64_000, fee_limit=8_000_000)[0] == 0
    expected, maximum = price(0, 0, 0, signatures=5)
    assert expected == maximum == 1_000_000 + fees.bandwidth_of(131, 5) * 1000
