"""Transactions in all their forms: adopted, restored, refused, shown."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet import UnsignedTransaction, network
from multiwallet.chain import Holder, Network
from multiwallet.chains.antelope import Antelope, esr, known_abis, names, serialization, transaction
from multiwallet.chains.antelope.abi import Abi
from multiwallet.chains.antelope.names import Level
from multiwallet.chains.antelope.transaction import Call, Transaction
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.errors import InputError, InvalidTransaction, MultiwalletError, SigningRefused, Unsupported

CHAIN = Antelope()
KEY = SecpKey(b"\x07" * 32)
PUBLIC = CHAIN.address(network("eos-jungle"), KEY.public_key)


def holder_of(row: Network, kind: str = "alice") -> Holder:
    return Holder(row, CHAIN.address(row, KEY.public_key, kind), KEY.public_key, kind)


ACTIVE = (Level("alice", "active"),)


def _transfer(**changed: Any) -> Call:
    values = {"from": "alice", "to": "bob", "quantity": "1.5000 EOS", "memo": "hi"} | changed
    return Call("eosio.token", "transfer", ACTIVE, serialization.encode(known_abis.TOKEN, "transfer", values))


def _body(*calls: Call, **changed: Any) -> Transaction:
    return Transaction(1_800_000_000, 7, 9, calls or (_transfer(),), **changed)


def _summary(row: Network, *calls: Call, **changed: Any) -> Any:
    return CHAIN.adopt(holder_of(row), _body(*calls, **changed).encode()).summary


JSON: dict[str, Any] = {
    "expiration": "2027-01-15T08:00:00",
    "ref_block_num": 7,
    "ref_block_prefix": 9,
    "max_net_usage_words": 0,
    "max_cpu_usage_ms": 0,
    "delay_sec": 0,
    "context_free_actions": [],
    "actions": [
        {
            "account": "eosio.token",
            "name": "transfer",
            "authorization": [{"actor": "alice", "permission": "active"}],
            "data": {"from": "alice", "to": "bob", "quantity": "1.5000 EOS", "memo": "hi"},
        }
    ],
    "transaction_extensions": [],
}


def test_every_form_is_the_same_transaction(row: Network) -> None:
    packed = _body().encode()
    holder = holder_of(row)
    fields = list(packed)
    forms: list[Any] = [
        packed,
        packed.hex(),
        bytearray(packed),
        JSON,
        json.dumps(JSON),
        {name: JSON[name] for name in ("expiration", "ref_block_num", "ref_block_prefix", "actions")},
        {"packed_trx": packed.hex(), "signatures": [], "compression": "none", "packed_context_free_data": ""},
        {"packed_trx": zlib.compress(packed).hex(), "compression": "zlib"},
        {
            "packed_trx": zlib.compress(packed).hex(),
            "compression": 1,
            "packed_context_free_data": zlib.compress(b"").hex(),
        },
        {"signatures": [], "serializedTransaction": fields},
        {"serializedTransaction": {str(index): byte for index, byte in enumerate(fields)}},
        {"serializedTransaction": packed.hex(), "compression": 0},
        esr.encode(esr.Request(bytes.fromhex(row.params["chain_id"]), _body().actions, _body())),
    ]
    for form in forms:
        assert CHAIN.adopt(holder, form).body == packed


def _changed(**fields: Any) -> dict[str, Any]:
    return JSON | fields


def _action(**fields: Any) -> dict[str, Any]:
    return JSON | {"actions": [JSON["actions"][0] | fields]}


@pytest.mark.parametrize(
    "form",
    [
        _changed(unknown=1),
        _changed(expiration="tomorrow"),
        _changed(expiration="2027-01-15T08:00:00.500"),
        _changed(expiration=7),
        _changed(ref_block_num=1.5),
        _changed(ref_block_num=True),
        _changed(ref_block_prefix=-1),
        _changed(max_cpu_usage_ms=256),
        _changed(actions=[]),
        _changed(actions="none"),
        _changed(context_free_data=["00"]),
        _changed(signatures=["SIG_K1_nonsense"]),
        _changed(transaction_extensions=[[1]]),
        _action(account="Eosio"),
        _action(name=None),
        _action(data={"from": "alice"}),
        _action(data=JSON["actions"][0]["data"] | {"extra": 1}),
        _action(data=JSON["actions"][0]["data"] | {"quantity": "1.5"}),
        _action(data="zz"),
        _action(data=7),
        _action(hex_data="00"),
        _action(authorization=[]),
        _action(authorization=[{"actor": "alice"}]),
        _action(account="someone", data={"a": 1}),
        _action(more=1),
        {"packed_trx": "00"},
        {"packed_trx": _body().encode().hex(), "compression": "zlib"},
        {"packed_trx": _body().encode().hex(), "compression": 2},
        {"packed_trx": _body().encode().hex(), "packed_context_free_data": "01"},
        {"packed_trx": zlib.compress(bytes(3 << 20)).hex(), "compression": 1},
        {"packed_trx": _body().encode().hex(), "more": 1},
        {"serializedTransaction": [256]},
        {"serializedTransaction": "x"},
        _body().encode() + b"\0",
        _body().encode()[:-1],
        b"",
        "esr://",
        "esr://gmNg",
        "esr:AAAA",
        "[" * 5000,
    ],
)
def test_what_contradicts_itself_is_refused(row: Network, form: Any) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        CHAIN.adopt(holder_of(row), form)
    assert len(caught.value.message) > 10


def test_floats_are_refused(row: Network) -> None:
    with pytest.raises((TypeError, InvalidTransaction)):
        CHAIN.adopt(
            holder_of(row),
            _action(account="eosio", name="buyrambytes", data={"payer": "alice", "receiver": "bob", "bytes": 1.0}),
        )


@given(st.binary(max_size=300))
def test_bytes_of_a_stranger(data: bytes) -> None:
    row = network("eos-jungle")
    for read in (lambda: CHAIN.adopt(holder_of(row), data), lambda: CHAIN.parse_signed(row, data)):
        with pytest.raises(InputError):
            read()


@given(st.binary(max_size=200), st.integers(0, 200), st.binary(min_size=1, max_size=8))
def test_a_changed_transaction_is_shown_or_refused(tail: bytes, place: int, change: bytes) -> None:
    row = network("eos-jungle")
    data = bytearray(_body(_transfer(), Call("eosio", "updateauth", ACTIVE, tail)).encode())
    place %= len(data)
    data[place : place + len(change)] = change
    try:
        unsigned = CHAIN.adopt(holder_of(row), bytes(data))
        assert str(unsigned.summary)
        assert UnsignedTransaction.from_json(unsigned.to_json()) == unsigned
    except InputError:
        pass


@given(st.binary(max_size=400), st.sampled_from(["propose", "approve", "newaccount", "delegatebw", "transfer", "exec"]))
def test_action_data_of_a_stranger_never_looks_harmless(data: bytes, name: str) -> None:
    row = network("eos-jungle")
    account = {"propose": "eosio.msig", "approve": "eosio.msig", "exec": "eosio.msig", "transfer": "eosio.token"}.get(
        name, "eosio"
    )
    summary = CHAIN.adopt(holder_of(row), _body(Call(account, name, ACTIVE, data)).encode()).summary
    (action, *_) = summary.actions
    assert summary.warnings or action.kind != "call"


@given(st.binary(max_size=300))
def test_abis_of_a_stranger(data: bytes) -> None:
    with suppress(InvalidTransaction):
        Abi.decode(data)


@given(st.text(max_size=60) | st.binary(max_size=80).map(lambda raw: "esr://" + raw.hex()))
def test_requests_of_a_stranger(text: str) -> None:
    with suppress(InvalidTransaction, Unsupported):
        esr.decode(text)


def test_a_type_that_contains_itself_ends() -> None:
    source = {
        "version": "eosio::abi/1.1",
        "types": [{"new_type_name": "a", "type": "b"}, {"new_type_name": "b", "type": "a"}],
        "structs": [
            {"name": "loop", "base": "loop", "fields": []},
            {"name": "deep", "base": "", "fields": [{"name": "deep", "type": "deep"}]},
            {"name": "empty", "base": "", "fields": []},
        ],
    }
    abi = Abi.of(source)
    for kind, data in (
        ("a", b""),
        ("loop", b""),
        ("deep", b""),
        ("deep?", b"\1" * 99),
        ("empty[]", b"\xff\xff\xff\xff\x0f"),
    ):
        with pytest.raises(InvalidTransaction):
            serialization.decode(abi, kind, data)


def test_inflating_is_bounded() -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(bytes(64 << 20)) + bomb.flush()
    from base64 import urlsafe_b64encode

    with pytest.raises(InvalidTransaction, match="unpacks to more"):
        esr.decode("esr://" + urlsafe_b64encode(b"\x82" + packed).decode().rstrip("="))


def test_requests_for_identity_and_for_any_chain_are_refused() -> None:
    from base64 import urlsafe_b64encode

    def text(content: bytes) -> str:
        return "esr:" + urlsafe_b64encode(b"\x02" + content).decode()

    with pytest.raises(Unsupported, match="identity"):
        esr.decode(text(b"\x00\x01\x03\x00"))
    with pytest.raises(Unsupported, match="chain"):
        esr.decode(text(b"\x00\x00\x00"))
    with pytest.raises(InvalidTransaction):
        esr.decode(text(b"\x00\x63\x00"))


def test_placeholders_in_what_cannot_be_read_are_refused(row: Network) -> None:
    data = (1).to_bytes(8, "little")
    request = esr.Request(bytes.fromhex(row.params["chain_id"]), (Call("someone", "act", ACTIVE, data),), _body())
    with pytest.raises(InvalidTransaction, match="placeholders"):
        CHAIN.adopt(holder_of(row), esr.encode(request))
    with pytest.raises(SigningRefused):
        CHAIN.adopt(holder_of(network("wax")), esr.encode(request))


# -- signing ---------------------------------------------------------------------------------------------------


def _signed(row: Network, kind: str = "alice") -> Any:
    unsigned = CHAIN.adopt(holder_of(row, kind), _body().encode())
    (request,) = CHAIN.authorize(holder_of(row, kind), unsigned)
    return unsigned, request, KEY.sign_canonical(request.message)


def test_signatures_are_checked_before_they_travel(row: Network) -> None:
    unsigned, request, signature = _signed(row)
    assert CHAIN.assemble(unsigned, [(request, signature)]).txid == transaction.identity(unsigned.body)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = order - int.from_bytes(signature[32:64], "big")
    malleated = signature[:32] + high.to_bytes(32, "big") + bytes((signature[64] ^ 1,))
    for wrong in (
        b"",
        signature[:-1],
        signature[:-1] + b"\x04",
        signature[:-1] + bytes((signature[64] ^ 1,)),
        malleated,
    ):
        with pytest.raises(InvalidTransaction):
            CHAIN.assemble(unsigned, [(request, wrong)])
    with pytest.raises(InvalidTransaction):
        CHAIN.assemble(unsigned, [])
    with pytest.raises(InvalidTransaction):
        CHAIN.assemble(unsigned, [(replace(request, preimage=b"x"), signature)])


def test_the_same_key_does_not_sign_twice(row: Network) -> None:
    unsigned, request, signature = _signed(row)
    wire = CHAIN.to_wire(CHAIN.assemble(unsigned, [(request, signature)]))
    again = CHAIN.adopt(holder_of(row), wire)
    with pytest.raises(SigningRefused, match="signed"):
        CHAIN.authorize(holder_of(row), again)
    with pytest.raises(InvalidTransaction, match="one key"):
        CHAIN.parse_signed(row, wire | {"signatures": wire["signatures"] * 2})


def test_another_account_or_network_does_not_sign(row: Network) -> None:
    unsigned = CHAIN.adopt(holder_of(row), _body().encode())
    for stranger in (holder_of(row, "bob"), holder_of(network("wax"))):
        with pytest.raises(SigningRefused):
            CHAIN.authorize(stranger, unsigned)
    assert CHAIN.authorize(holder_of(row, "alice@owner"), unsigned)
    assert CHAIN.authorize(holder_of(row, ""), unsigned)  # it was made for this very key


def test_a_stored_transaction_is_whole_or_nothing(row: Network) -> None:
    unsigned, _, _ = _signed(row)
    data = json.loads(unsigned.to_json())
    assert UnsignedTransaction.from_json(json.dumps(data)) == unsigned
    for changed in (
        data | {"sender": "bob@active"},
        data | {"body": data["body"][:-2]},
        data | {"context": {}},
        data | {"context": data["context"] | {"public_key": "02" * 33}},
        data | {"context": data["context"] | {"public_key": 7}},
        data | {"context": data["context"] | {"signatures": "none"}},
        data | {"context": data["context"] | {"abis": {"x": "zz"}}},
        data | {"context": data["context"] | {"abis": []}},
        data | {"fee": {**data["fee"], "maximum": {**data["fee"]["maximum"], "units": "5"}}},
        data | {"network": "wax"},
    ):
        with pytest.raises(MultiwalletError):
            UnsignedTransaction.from_json(json.dumps(changed))


# -- what people are shown -------------------------------------------------------------------------------------


def test_a_plain_payment_has_no_warning(row: Network) -> None:
    summary = _summary(row)
    (action,) = summary.actions
    assert (action.kind, action.to, str(action.amount), summary.memo) == ("transfer", "bob", "1.5 EOS", "hi")
    assert summary.warnings == ()
    assert summary.details["expires"] == "2027-01-15T08:00:00Z"


def test_a_token_with_the_coins_symbol_is_told_apart(row: Network) -> None:
    summary = _summary(row, replace(_transfer(), account="eosio.tokem"))
    assert summary.actions[0].amount.asset.id.endswith("token:eosio.tokem-EOS")
    assert any("another token" in warning for warning in summary.warnings)
    precise = _summary(row, _transfer(quantity="1.50000 EOS"))
    assert precise.actions[0].amount.asset != row.native


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (Call("someone", "act", ACTIVE, b"\1\2"), "nobody can tell"),
        (Call("eosio", "updateauth", ACTIVE, b"\1"), "nobody can tell"),
        (Call("eosio", "setcode", ACTIVE, bytes(11)), "code can spend"),
        (Call("eosio.msig", "exec", ACTIVE, bytes(24)), "not written in this transaction"),
        (Call("eosio.msig", "approve", ACTIVE, bytes(32)), "can be exchanged"),
        (replace(_transfer(), authorization=(Level("alice", "active"), Level("bob", "active"))), "must sign too"),
    ],
)
def test_dangers_are_named(row: Network, call: Call, words: str) -> None:
    assert any(words in warning for warning in _summary(row, call).warnings)


def test_what_is_beside_the_actions_is_named(row: Network) -> None:
    summary = _summary(row, delay_sec=60, context_free_actions=(_transfer(),))
    assert len(summary.warnings) == 2
    given_away = serialization.encode(
        known_abis.SYSTEM,
        "delegatebw",
        {
            "from": "alice",
            "receiver": "bob",
            "stake_net_quantity": "1.0000 EOS",
            "stake_cpu_quantity": "2.0000 EOS",
            "transfer": True,
        },
    )
    stake = _summary(row, Call("eosio", "delegatebw", ACTIVE, given_away))
    assert str(stake.actions[0].amount) == "3 EOS"
    assert any("given away" in warning for warning in stake.warnings)


def test_messages_are_for_keys(row: Network) -> None:
    request = CHAIN.message(holder_of(row), "hello")
    text = CHAIN.message_signature(holder_of(row), request, KEY.sign_canonical(request.message))
    assert CHAIN.verify_message(row, PUBLIC, "hello", text)
    assert CHAIN.verify_message(row, PUBLIC, b"hello", text.encode())
    with pytest.raises(Unsupported):
        CHAIN.verify_message(row, "alice", "hello", text)
    assert names.time_text(0) == "1970-01-01T00:00:00"
