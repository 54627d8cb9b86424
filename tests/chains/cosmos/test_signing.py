"""Bytes and signatures: simd's vectors, strict reading, and every form a transaction comes in."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet import Wallet, network
from multiwallet.chain import Holder, Network
from multiwallet.chains.cosmos import Cosmos, addresses
from multiwallet.chains.cosmos.coins import Coin
from multiwallet.chains.cosmos.message import canonical_json, decode, from_amino, from_json, make
from multiwallet.chains.cosmos.schema import MESSAGES
from multiwallet.chains.cosmos.sign_doc import AMINO, DIRECT, SignDoc, decode_raw, encode_raw
from multiwallet.codec import protobuf
from multiwallet.crypto.hashes import sha256
from multiwallet.crypto.secp256k1 import SecpKey
from multiwallet.errors import InputError, InvalidTransaction, SigningRefused
from multiwallet.transactions import UnsignedTransaction

VECTOR = json.loads((Path(__file__).parents[2] / "vectors" / "cosmos_direct.json").read_text("utf-8"))
SEND = "/cosmos.bank.v1beta1.MsgSend"
Sign = Callable[..., Any]


def _doc(holder: Holder, to: str, mode: int = DIRECT, **fields: Any) -> SignDoc:
    send = make(SEND, from_address=holder.address, to_address=to, amount=(Coin("uatom", 5),))
    stated: dict[str, Any] = {
        "messages": (send,),
        "fee": (Coin("uatom", 2000),),
        "gas": 80_000,
        "key_type_url": "/cosmos.crypto.secp256k1.PubKey",
        "public_key": holder.public_key,
        "sequence": 3,
        "account_number": 7,
        "chain_id": "cosmoshub-4",
        "mode": mode,
    }
    return SignDoc(**{**stated, **fields})


def test_simd_made_the_same_bytes_and_signatures() -> None:
    key_holder = Wallet.from_mnemonic(VECTOR["mnemonic"]).account("cosmos")
    assert key_holder.address == VECTOR["address"]
    assert base64.b64encode(key_holder.public_key).decode() == VECTOR["public_key"]
    key = SecpKey(bytes.fromhex(key_holder.export_private_key()))
    send = make(
        SEND,
        from_address=VECTOR["address"],
        to_address=VECTOR["to"],
        amount=(Coin(VECTOR["denom"], VECTOR["amount"]),),
    )
    for sequence, signature in enumerate(VECTOR["signatures"]):
        doc = SignDoc(
            (send,),
            (Coin(VECTOR["denom"], VECTOR["fee"]),),
            VECTOR["gas"],
            "/cosmos.crypto.secp256k1.PubKey",
            key_holder.public_key,
            sequence,
            VECTOR["account_number"],
            VECTOR["chain_id"],
        )
        assert doc.body().hex() == VECTOR["body_bytes"]
        if not sequence:
            assert doc.encode().hex() == VECTOR["sign_bytes"]
        assert key.sign_recoverable(sha256(doc.sign_bytes()))[:64].hex() == signature


def test_amino_json_is_what_the_sdk_sorts_and_escapes(holder: Holder, friend: str) -> None:
    doc = _doc(holder, friend, AMINO, memo='<&> "q" \u2028', timeout_height=9)
    assert doc.sign_bytes().decode() == (
        '{"account_number":"7","chain_id":"cosmoshub-4","fee":{"amount":[{"amount":"2000","denom":"uatom"}],'
        '"gas":"80000"},"memo":"\\u003c\\u0026\\u003e \\"q\\" \\u2028","msgs":[{"type":"cosmos-sdk/MsgSend","value":'
        f'{{"amount":[{{"amount":"5","denom":"uatom"}}],"from_address":"{holder.address}","to_address":"{friend}"}}}}],'
        '"sequence":"3","timeout_height":"9"}'
    )


@pytest.mark.parametrize("character", ["\b", "\f"])
def test_amino_refuses_what_go_writes_in_two_ways(holder: Holder, friend: str, character: str) -> None:
    with pytest.raises(InvalidTransaction, match="form feed"):
        _doc(holder, friend, AMINO, memo=f"a{character}").sign_bytes()
    assert _doc(holder, friend, AMINO, memo="\\b \\f \\\\b").sign_bytes()
    assert _doc(holder, friend, memo=f"a{character}").sign_bytes()


def test_every_form_gives_one_transaction(chain: Cosmos, holder: Holder, friend: str, key: SecpKey, sign: Sign) -> None:
    doc = _doc(holder, friend, memo="x")
    direct = {
        "bodyBytes": base64.b64encode(doc.body()).decode(),
        "authInfoBytes": base64.b64encode(doc.auth_info()).decode(),
        "chainId": "cosmoshub-4",
        "accountNumber": "7",
    }
    snake = {
        "body_bytes": doc.body(),
        "auth_info_bytes": doc.auth_info().hex(),
        "chain_id": "cosmoshub-4",
        "account_number": 7,
    }
    forms = [
        doc.encode(),
        doc.encode().hex(),
        base64.b64encode(doc.encode()).decode(),
        direct,
        snake,
        json.dumps(direct),
        {"signerAddress": holder.address, "signDoc": direct},
    ]
    assert len({sign(holder, chain.adopt(holder, form), key).txid for form in forms}) == 1
    amino = _doc(holder, friend, AMINO, memo="x")
    forms = [amino.amino(), json.dumps(amino.amino()), amino.sign_bytes().decode()]
    assert len({sign(holder, chain.adopt(holder, form), key).txid for form in forms}) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chainId": "osmosis-1"}, "osmosis-1"),
        ({"chainId": 4}, "text"),
        ({"accountNumber": 1.5}, "fraction"),
        ({"accountNumber": -1}, "range"),
        ({"accountNumber": True}, "range"),
        ({"bodyBytes": ""}, "bytes"),
        ({"bodyBytes": "Cg=="}, "cannot be read"),
        ({"extra": 1}, "amino"),
    ],
)
def test_wrong_direct_documents_are_refused(
    chain: Cosmos, holder: Holder, friend: str, change: dict[str, Any], words: str
) -> None:
    doc = _doc(holder, friend)
    direct = {"bodyBytes": doc.body(), "authInfoBytes": doc.auth_info(), "chainId": "cosmoshub-4", "accountNumber": 7}
    with pytest.raises(InvalidTransaction, match=words):
        chain.adopt(holder, {**direct, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"msgs": []},
        {"msgs": [{"type": "cosmos-sdk/MsgSend", "value": {}}]},
        {"msgs": [{"type": "cosmos-sdk/MsgMint", "value": {}}]},
        {"msgs": 7},
        {"fee": {"amount": [], "gas": "1", "tip": []}},
        {"fee": {"amount": [{"denom": "uatom", "amount": "01"}], "gas": "1"}},
        {"fee": {"amount": [{"denom": "uatom", "amount": "0"}], "gas": "1"}},
        {"fee": {"amount": [{"denom": "b" * 3, "amount": "1"}, {"denom": "a" * 3, "amount": "1"}], "gas": "1"}},
        {"fee": None},
        {"memo": 5},
        {"memo": "\ud800"},
        {"sequence": 1.0},
        {"sequence": "01"},
        {"chain_id": "other"},
        {"surprise": "1"},
        {"timeout_height": "-1"},
    ],
)
def test_wrong_amino_documents_are_refused(chain: Cosmos, holder: Holder, friend: str, change: dict[str, Any]) -> None:
    amino = _doc(holder, friend, AMINO).amino()
    assert chain.adopt(holder, amino)
    with pytest.raises(InvalidTransaction):
        chain.adopt(holder, {**amino, **change})


def test_what_no_serialiser_writes_is_refused(chain: Cosmos, holder: Holder, friend: str) -> None:
    doc = _doc(holder, friend)
    body, auth = doc.body(), doc.auth_info()
    head = protobuf.bytes_field(3, b"cosmoshub-4") + protobuf.varint_field(4, 7)
    wrong = {
        "zero field": (body + protobuf.bytes_field(2, b"", keep_empty=True), auth),
        "unknown field": (body + protobuf.varint_field(4, 1), auth),
        "extension": (body + protobuf.message_field(1023, b""), auth),
        "tip": (body, auth + protobuf.message_field(3, b"")),
        "two signers": (body, auth[: auth.index(b"\x12\x13")] * 2 + auth[auth.index(b"\x12\x13") :]),
        "no message": (b"", auth),
        "trailing bytes": (body + b"\0", auth),
    }
    for first, second in wrong.values():
        data = protobuf.bytes_field(1, first) + protobuf.bytes_field(2, second) + head
        with pytest.raises(InvalidTransaction):
            chain.adopt(holder, data)


def test_an_unread_message_is_signed_with_a_warning_only(
    chain: Cosmos, holder: Holder, friend: str, key: SecpKey, sign: Sign
) -> None:
    grant = protobuf.message_field(1, protobuf.bytes_field(1, b"/cosmos.authz.v1beta1.MsgGrant") + b"\x12\x01\x00")
    doc = _doc(holder, friend)
    data = (
        protobuf.bytes_field(1, doc.body() + grant)
        + protobuf.bytes_field(2, doc.auth_info())
        + protobuf.bytes_field(3, b"cosmoshub-4")
        + protobuf.varint_field(4, 7)
    )
    unsigned = chain.adopt(holder, data)
    summary = unsigned.summary
    assert [action.kind for action in summary.actions] == ["transfer", "unknown message"]
    assert "MsgGrant" in summary.warnings[0]
    assert sign(holder, unsigned, key).complete
    with pytest.raises(InvalidTransaction, match="amino form"):
        SignDoc.decode("cosmos", data).amino()


def test_a_foreign_message_in_the_transaction_is_not_signed(
    chain: Cosmos, holder: Holder, friend: str, make_holder: Any, hub: Network, injective: Network, key: SecpKey
) -> None:
    send = make(SEND, from_address=friend, to_address=holder.address, amount=(Coin("uatom", 5),))
    with pytest.raises(SigningRefused, match="to be signed by"):
        chain.authorize(holder, chain.adopt(holder, _doc(holder, friend, messages=(send,)).encode()))
    other = make_holder(SecpKey(b"\x08" * 32), hub)
    with pytest.raises(SigningRefused, match="not"):
        chain.authorize(other, chain.adopt(holder, _doc(holder, friend).encode()))
    with pytest.raises(SigningRefused, match="account is on injective"):
        chain.authorize(make_holder(key, injective), chain.adopt(holder, _doc(holder, friend).encode()))
    with pytest.raises(SigningRefused, match="must sign too"):
        chain.authorize(holder, chain.adopt(holder, _doc(holder, friend, payer=friend).encode()))
    with pytest.raises(InvalidTransaction, match="type"):
        chain.adopt(holder, _doc(holder, friend, key_type_url="/cosmos.crypto.ed25519.PubKey").encode())


def test_a_stored_transaction_that_contradicts_itself_is_refused(chain: Cosmos, holder: Holder, friend: str) -> None:
    unsigned = chain.adopt(holder, _doc(holder, friend).encode())
    text = unsigned.to_json()
    assert UnsignedTransaction.from_json(text) == unsigned
    stored = json.loads(text)
    other = chain.adopt(holder, _doc(holder, holder.address).encode())
    for change in (
        {"sender": friend},
        {"body": other.body.hex()},
        {"network": "cosmos:osmosis-1"},
        {"context": {"x": 1}},
        {"fee": {**stored["fee"], "maximum": {**stored["fee"]["maximum"], "units": "1"}}},
    ):
        with pytest.raises(InputError):
            UnsignedTransaction.from_json(json.dumps({**stored, **change}))


def test_a_wrong_signature_is_not_assembled(chain: Cosmos, holder: Holder, friend: str, key: SecpKey) -> None:
    unsigned = chain.adopt(holder, _doc(holder, friend).encode())
    (request,) = chain.authorize(holder, unsigned)
    good = key.sign_recoverable(request.message)
    other = chain.adopt(holder, _doc(holder, holder.address).encode()).requests[0]
    for pairs in (
        [],
        [(request, good)] * 2,
        [(request, good[:64])],
        [(request, bytes(65))],
        [(request, SecpKey(b"\x09" * 32).sign_recoverable(request.message))],
        [(other, key.sign_recoverable(other.message))],
    ):
        with pytest.raises(InvalidTransaction):
            chain.assemble(unsigned, pairs)


def test_signed_bytes_are_read_in_every_form(
    chain: Cosmos, hub: Network, holder: Holder, friend: str, key: SecpKey, sign: Sign
) -> None:
    signed = sign(holder, chain.adopt(holder, _doc(holder, friend, timeout_height=50).encode()), key)
    assert signed.txid == sha256(signed.raw).hex().upper()
    assert signed.expiry == 50
    wire = signed.to_wire()
    for form in (signed.raw, signed.hex(), wire["tx_bytes"], wire, json.dumps(wire), {"tx_bytes": wire["tx_bytes"]}):
        again = chain.parse_signed(hub, form)
        assert (again.raw, again.txid, again.expiry) == (signed.raw, signed.txid, 50)
    doc, signature = decode_raw("cosmos", signed.raw)
    for wrong in (
        encode_raw(doc, b""),
        encode_raw(doc, signature[:-1]),
        encode_raw(doc, signature) + protobuf.bytes_field(3, signature),
        {"tx_bytes": 7},
        {"tx": wire},
    ):
        with pytest.raises(InvalidTransaction):
            chain.parse_signed(hub, wrong)
    with pytest.raises(InvalidTransaction):
        chain.parse_signed(network("osmosis"), signed.raw)  # the addresses are another chain's


# -- messages --------------------------------------------------------------------------------------

_AMOUNT = {"denom": "uatom", "amount": "5"}


def _sample(url: str, mine: str) -> dict[str, Any]:
    """A message of each type in JSON, with what its type may hold."""
    values: dict[str, Any] = {
        "ACCOUNT": mine,
        "VALIDATOR": _validator(),
        "COIN": _AMOUNT,
        "COINS": [_AMOUNT],
        "UNSIGNED": "12",
        "SIGNED": "34",
        "VOTE": "VOTE_OPTION_NO",
        "HEIGHT": {"revision_number": "1", "revision_height": "0"},
        "JSON": {"mint": {"n": 1, "to": [mine, None, True]}},
        "TEXT": "text <&>",
    }
    return {"@type": url, **{field.name: values[field.kind.name] for field in MESSAGES[url].fields}}


def _validator() -> str:
    return addresses.text("cosmosvaloper", b"\x01" * 20)


@pytest.mark.parametrize("url", MESSAGES)
def test_a_message_is_the_same_in_all_three_forms(url: str, holder: Holder) -> None:
    sample = _sample(url, holder.address)
    message = from_json("cosmos", sample)
    assert message.json() == sample
    assert decode("cosmos", url, message.encode()) == message
    assert from_amino("cosmos", message.amino()) == message
    assert from_amino("cosmos", json.loads(canonical_json(message.amino()))) == message
    assert message.signer == holder.address
    for name in list(sample)[1:]:
        field = next(item for item in MESSAGES[url].fields if item.name == name)
        if not field.optional and field.kind.name != "HEIGHT":
            with pytest.raises(InvalidTransaction):
                from_json("cosmos", {key: value for key, value in sample.items() if key != name})
        for wrong in (1.5, object(), -1, [1.5], {"denom": "uatom"}, "\ud800", {1: 2}, {"a": 1.5}, True):
            if field.kind.name == "JSON" and wrong == {"denom": "uatom"}:
                continue  # a contract may well understand that
            with pytest.raises(InvalidTransaction):
                from_json("cosmos", {**sample, name: wrong})
    for field in MESSAGES[url].fields:
        for wire, size in ((protobuf.FIXED64, 8), (protobuf.FIXED32, 4), (protobuf.VARINT, 1)):
            with pytest.raises(InvalidTransaction):
                decode("cosmos", url, bytes((field.number << 3 | wire,)) + b"\x01" * size)
    with pytest.raises(InvalidTransaction, match="no field"):
        from_json("cosmos", {**sample, "surprise": 1})
    with pytest.raises(InvalidTransaction):
        decode("cosmos", url, message.encode() + protobuf.varint_field(30, 1))


def test_numbers_that_go_would_round_are_not_signed_in_amino(holder: Holder) -> None:
    sample = _sample("/cosmwasm.wasm.v1.MsgExecuteContract", holder.address)
    message = from_json("cosmos", {**sample, "msg": {"a": [{"b": 2**53 + 1}]}})
    assert message.encode()
    with pytest.raises(InvalidTransaction, match="2\\^53"):
        message.amino()


@pytest.mark.parametrize(
    "wrong", [None, 7, [], {}, {"@type": 7}, {"@type": "/x"}, {"@type": "/cosmos.bank.v1beta1.MsgMultiSend"}]
)
def test_what_is_no_message_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidTransaction):
        from_json("cosmos", wrong)
    with pytest.raises(InvalidTransaction):
        from_amino("cosmos", wrong)


@given(data=st.binary(max_size=200), url=st.sampled_from(list(MESSAGES)))
def test_bytes_are_a_message_or_refused(data: bytes, url: str) -> None:
    try:
        message = decode("cosmos", url, data)
    except InvalidTransaction:
        return
    assert message.encode() == data


@settings(max_examples=200)
@given(position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_back_or_refused(position: int, byte: int) -> None:
    key = SecpKey(b"\x07" * 32)
    row = network("cosmos")
    holder = Holder(row, Cosmos().address(row, key.public_key), key.public_key)
    data = bytearray(_doc(holder, holder.address, memo="memo", timeout_height=5).encode())
    data[position % len(data)] = byte
    try:
        doc = SignDoc.decode("cosmos", bytes(data))
    except InvalidTransaction:
        return
    assert doc.encode() == bytes(data)
