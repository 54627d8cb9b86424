"""What adopt takes and refuses, what restore and authorize check."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from multiwallet.amounts import Amount
from multiwallet.chain import Fee
from multiwallet.chains.evm import Evm
from multiwallet.errors import InvalidTransaction, MultiwalletError, SigningRefused
from multiwallet.path import Path

TO = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
BASE = {"to": TO, "value": 5, "gas": 21000, "nonce": 3, "maxFeePerGas": 100, "maxPriorityFeePerGas": 2}
LEGACY = {"to": TO, "value": 5, "gas": 21000, "nonce": 3, "gasPrice": 100}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"gasLimit": 1}, "unknown field 'gasLimit'"),
        ({"To": TO}, "unknown field"),
        ({5: 5}, "unknown field"),
        ({"value": 1.0}, "value: an integer is needed, not float"),
        ({"value": True}, "value: an integer is needed, not bool"),
        ({"value": "5"}, "0x and hex digits"),
        ({"value": "0x"}, "0x and hex digits"),
        ({"value": "0x" + "f" * 65}, "0x and hex digits"),
        ({"value": -1}, "at least 0"),
        ({"value": 2**256}, "below 2\\^256"),
        ({"value": 10**5000}, "bits"),
        ({"value": None}, "value: an integer is needed"),
        ({"nonce": 2**64 - 1}, "nonce"),
        ({"nonce": "0x1_0"}, "hex digits"),
        ({"gas": 2**64}, "gas"),
        ({"maxPriorityFeePerGas": 101}, "above max_fee_per_gas"),
        ({"gasPrice": 1}, "exclude each other"),
        ({"type": 1}, "type 1 transaction has no field maxFeePerGas"),
        ({"type": 5}, "no transaction type 5"),
        ({"type": "2"}, "type: write an integer"),
        ({"data": "0x1"}, "even number"),
        ({"data": "0xzz"}, "not a hex digit"),
        ({"data": 7}, "bytes or hex text"),
        ({"data": "0x01", "input": "0x02"}, "two names of one field"),
        ({"to": TO.lower().replace("0x5aa", "0x5AA")}, "checksum"),
        ({"to": TO[:-1]}, "40 hex digits"),
        ({"to": b"\x01" * 19}, "20 bytes"),
        ({"to": 5}, "bytes or hex text"),
        ({"to": []}, "bytes or hex text"),
        ({"accessList": 5}, "accessList is a list"),
        ({"accessList": [{"address": TO}]}, "fields address and storageKeys"),
        ({"accessList": [[TO]]}, "an address and its storage keys"),
        ({"accessList": [{"address": TO, "storageKeys": ["0x01"]}]}, "storage key"),
        ({"blobVersionedHashes": []}, "maxFeePerBlobGas"),
        ({"blobVersionedHashes": [b"\x02" * 32], "maxFeePerBlobGas": 1}, "starting with 01"),
        ({"authorizationList": []}, "at least one entry"),
        ({"authorizationList": [{}]}, "just the fields"),
        ({"authorizationList": [5]}, "just the fields"),
        ({"authorizationList": [], "maxFeePerBlobGas": 1}, "not both"),
        ({"chainId": None}, "chainId: an integer is needed"),
        ({"chainId": 0}, "chain id is 1 or more"),
    ],
)
def test_refused_fields(keys: Any, change: dict[Any, Any], error: str) -> None:
    item = {**BASE, **change}
    with pytest.raises(InvalidTransaction, match=error):
        keys.evm.adopt(keys.holder, item)
    prepare = keys.evm.batch(keys.holder).prepare
    assert prepare(item) is None


@pytest.mark.parametrize("missing", ["gas", "nonce", "maxFeePerGas", "maxPriorityFeePerGas"])
def test_missing_fields(keys: Any, missing: str) -> None:
    item = {name: value for name, value in BASE.items() if name != missing}
    with pytest.raises(InvalidTransaction, match=f"has no {missing}"):
        keys.evm.adopt(keys.holder, item)
    assert keys.evm.batch(keys.holder).prepare(item) is None


@pytest.mark.parametrize("native", [None, 5, 1.5, [], (), object, "", "0x", b"", "nonsense", {}], ids=repr)
def test_refused_forms(keys: Any, native: Any) -> None:
    with pytest.raises(InvalidTransaction):
        keys.evm.adopt(keys.holder, native)
    assert keys.evm.batch(keys.holder).prepare(native) is None


def test_no_recipient_and_no_code(keys: Any) -> None:
    item = {name: value for name, value in BASE.items() if name != "to"}
    with pytest.raises(InvalidTransaction, match="neither a recipient"):
        keys.evm.adopt(keys.holder, item)


@pytest.mark.parametrize("to", ["", b"", "0x"], ids=repr)
def test_an_empty_recipient_does_not_create_a_contract_out_of_nothing(keys: Any, to: Any) -> None:
    """An empty cell of a table would else burn the value: a contract without code cannot give it back."""
    item = {**BASE, "to": to, "value": 10**18}
    item.pop("data", None)
    with pytest.raises(InvalidTransaction, match="neither a recipient"):
        keys.evm.adopt(keys.holder, item)
    assert keys.evm.batch(keys.holder).prepare(item) is None
    assert keys.evm.adopt(keys.holder, {**item, "data": "0x6000"}).summary.actions[0].kind == "create-contract"


def test_another_sender_or_chain(keys: Any) -> None:
    with pytest.raises(SigningRefused, match="another address"):
        keys.evm.adopt(keys.holder, {**BASE, "from": TO})
    with pytest.raises(SigningRefused, match="chain id 137"):
        keys.evm.adopt(keys.holder, {**BASE, "chainId": 137})
    for item in ({**BASE, "from": TO}, {**BASE, "chainId": 137}):
        assert keys.evm.batch(keys.holder).prepare(item) is None
    own = keys.evm.adopt(keys.holder, {**BASE, "from": keys.holder.address.lower()})
    assert own == keys.evm.adopt(keys.holder, BASE)


def test_the_networks_chain_id_is_filled_in(keys: Any) -> None:
    for item in (BASE, LEGACY):
        assert keys.evm.adopt(keys.holder, item) == keys.evm.adopt(keys.holder, {**item, "chainId": 1})


@pytest.mark.parametrize("stated", [None, 0, "0x0"])
def test_before_eip_155_only_when_asked_for(keys: Any, stated: Any) -> None:
    unsigned = keys.evm.adopt(keys.holder, {**LEGACY, "chainId": stated})
    assert unsigned.body[0] < 0xF8
    assert keys.sign(unsigned).raw != keys.sign(keys.evm.adopt(keys.holder, LEGACY)).raw
    assert any("names no chain" in warning for warning in unsigned.summary.warnings)


def test_a_type_is_implied_as_eth_account_implies_it(keys: Any) -> None:
    assert keys.evm.adopt(keys.holder, LEGACY).body[0] >= 0xC0
    assert keys.evm.adopt(keys.holder, {**LEGACY, "type": "0x0"}).body[0] >= 0xC0
    assert keys.evm.adopt(keys.holder, {**LEGACY, "accessList": []}).body[0] == 1
    assert keys.evm.adopt(keys.holder, BASE).body[0] == 2


def test_to_json_and_back(keys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from multiwallet import registry
    from multiwallet.transactions import UnsignedTransaction

    monkeypatch.setattr(registry, "network", lambda name: keys.holder.network)
    monkeypatch.setattr(registry, "chain", lambda network: keys.evm)
    for path in (None, Path("m/44'/60'/0'/0/5")):
        holder = replace(keys.holder, path=path)
        unsigned = keys.evm.adopt(holder, BASE)
        assert unsigned.requests[0].path == path
        again = UnsignedTransaction.from_json(unsigned.to_json())
        assert again == unsigned
        assert keys.sign(again) == keys.sign(unsigned)
    text = keys.evm.adopt(keys.holder, BASE).to_json()
    other = keys.evm.adopt(keys.holder, {**BASE, "value": 6})
    with pytest.raises(InvalidTransaction, match="do not belong"):
        UnsignedTransaction.from_json(text.replace(keys.evm.adopt(keys.holder, BASE).body.hex(), other.body.hex(), 1))


def test_restore_refuses_contradictions(keys: Any, networks: Any) -> None:
    unsigned = keys.evm.adopt(keys.holder, BASE)
    parts: dict[str, Any] = {
        "sender": unsigned.sender,
        "body": unsigned.body,
        "fee": unsigned.fee,
        "paths": {},
        "assets": (),
        "context": unsigned.context,
    }
    assert keys.evm.restore(unsigned.network, **parts) == unsigned
    low = Fee(unsigned.fee.expected, unsigned.network.amount("0"))
    disguised = Amount(unsigned.fee.maximum.units, replace(unsigned.network.native, decimals=30))
    for change in (
        {"sender": TO},
        {"sender": "nonsense"},
        {"body": b"\x02"},
        {"fee": low},
        {"fee": Fee(disguised, unsigned.fee.maximum)},
        {"fee": Fee(unsigned.fee.expected, disguised)},
        {"context": {}},
        {"context": {"public_key": "02" + "ff" * 32}},
        {"context": {"public_key": 5}},
    ):
        with pytest.raises(MultiwalletError):
            keys.evm.restore(unsigned.network, **{**parts, **change})
    with pytest.raises(InvalidTransaction, match="chain id 1"):
        keys.evm.restore(networks(137), **parts)


def test_authorize_refuses_what_is_not_the_holders(keys: Any, keys_of: Any, networks: Any) -> None:
    unsigned = keys.evm.adopt(keys.holder, BASE)
    other = keys_of(b"\x09" * 32, keys.holder.network)
    with pytest.raises(SigningRefused, match="spends from"):
        keys.evm.authorize(other.holder, unsigned)
    elsewhere = keys_of(bytes(31) + b"\x07", networks(137))
    with pytest.raises(SigningRefused, match="eip155:1"):
        keys.evm.authorize(elsewhere.holder, unsigned)
    path = Path("m/44'/60'/0'/0/9")
    (request,) = keys.evm.authorize(replace(keys.holder, path=path), unsigned)
    assert request.path == path


def test_assemble_refuses_a_strangers_signature(keys: Any, keys_of: Any) -> None:
    unsigned = keys.evm.adopt(keys.holder, BASE)
    (request,) = unsigned.requests
    stranger = keys_of(b"\x09" * 32, keys.holder.network).key.sign_recoverable(request.message)
    good = keys.key.sign_recoverable(request.message)
    for signed in (
        [(request, stranger)],
        [],
        [(request, good), (request, good)],
        [(request, good[:64])],
        [(request, bytes(65))],
        [(request, good[:64] + b"\x1b")],
    ):
        with pytest.raises(InvalidTransaction):
            keys.evm.assemble(unsigned, signed)


def test_addresses_and_paths(network: Any) -> None:
    evm = Evm()
    assert str(evm.path(network, account=2, index=None, kind="")) == "m/44'/60'/2'/0/0"
    assert str(evm.path(network, account=0, index=7, kind="")) == "m/44'/60'/0'/0/7"
    assert evm.parse_address(network, TO.lower()) == TO
    assert evm.parse_address(network, "0x" + TO[2:].upper()) == TO
    assert evm.asset_id(network, TO.lower()) == f"eip155:1/erc20:{TO}"
    for text in ("", "0x", TO[2:], TO[:-1], TO + "0", TO.replace("A", "a", 1), None, 5, " " + TO):
        with pytest.raises(MultiwalletError) as caught:
            evm.parse_address(network, text)
        assert caught.value.code == "invalid_address"
    with pytest.raises(MultiwalletError):
        evm.address(network, b"\x02" * 32)
    with pytest.raises(MultiwalletError):
        evm.path(network, account=0, index=0, kind="p2tr")
