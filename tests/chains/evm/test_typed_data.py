"""EIP-712: reference vectors with their edge verdicts, the standard's own example, and random data in eth-account."""

from __future__ import annotations

import copy
import json
from pathlib import Path as FilePath
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiwallet.chains.evm.typed_data import encode_type, hash_struct, typed_data_preimage
from multiwallet.codec import eip55
from multiwallet.crypto.hashes import keccak256
from multiwallet.errors import InvalidMessage, SigningRefused

VECTORS = json.loads((FilePath(__file__).parents[2] / "vectors" / "evm_messages.json").read_text("utf-8"))
TYPED = [entry for entry in VECTORS if entry["kind"] == "eip712"]
EDGES = [entry for entry in VECTORS if entry["kind"] == "eip712-edge"]


@pytest.mark.parametrize("entry", TYPED, ids=[entry["id"] for entry in TYPED])
def test_vectors(entry: dict[str, Any], keys_of: Any, networks: Any) -> None:
    data, expected = entry["typed_data"], entry["output"]
    network = networks(int(str(data["domain"].get("chainId", 1)), 0))
    keys = keys_of(entry["private_key"], network)
    preimage = typed_data_preimage(data)
    assert preimage[2:34].hex() == expected["domain_separator"]
    assert preimage[34:].hex() == expected["struct_hash"]
    assert encode_type(data["types"], data["primaryType"]) == expected["encode_type"]
    assert hash_struct(data["types"], data["primaryType"], data["message"]) == preimage[34:]
    request = keys.evm.typed_data(keys.holder, json.dumps(data))
    assert request.message.hex() == expected["hash"]
    signature = keys.evm.message_signature(keys.holder, request, keys.key.sign_recoverable(request.message))
    assert signature == "0x" + expected["signature"]
    assert keys.evm.verify_typed_data(network, expected["address"], data, signature)
    assert keys.evm.verify_typed_data(network, expected["address"], data, signature[:-4]) is False
    # The domain's type follows from the domain itself.
    short = {**data, "types": {name: fields for name, fields in data["types"].items() if name != "EIP712Domain"}}
    assert typed_data_preimage(short) == preimage


@pytest.mark.parametrize("entry", EDGES, ids=[entry["id"] for entry in EDGES])
def test_edges(entry: dict[str, Any]) -> None:
    """Where the peers disagree, the strictest of them is followed: nothing ambiguous is signed."""
    if entry["expect"] == "hash":
        assert keccak256(typed_data_preimage(entry["typed_data"])).hex() == entry["output"]["hash"]
        return
    with pytest.raises(InvalidMessage):
        typed_data_preimage(entry["typed_data"])


MAIL: dict[str, Any] = {
    "types": {
        "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
        "Mail": [
            {"name": "from", "type": "Person"},
            {"name": "to", "type": "Person"},
            {"name": "contents", "type": "string"},
        ],
    },
    "primaryType": "Mail",
    "domain": {
        "name": "Ether Mail",
        "version": "1",
        "chainId": 1,
        "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
    },
    "message": {
        "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
        "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
        "contents": "Hello, Bob!",
    },
}


def test_the_example_of_eip_712(keys_of: Any, network: Any) -> None:
    """The example that the standard's own test (Example.js) signs with the key keccak256("cow")."""
    keys = keys_of(keccak256(b"cow"), network)
    request = keys.evm.typed_data(keys.holder, MAIL)
    assert request.message.hex() == "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"
    signature = keys.evm.message_signature(keys.holder, request, keys.key.sign_recoverable(request.message))
    assert signature == (
        "0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
        "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562" + "1c"
    )


def test_a_domain_alone() -> None:
    types = {"EIP712Domain": [{"name": "name", "type": "string"}]}
    data = {"types": types, "primaryType": "EIP712Domain", "domain": {"name": "x"}, "message": {}}
    assert len(typed_data_preimage(data)) == 34


def changed(path: str, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(MAIL)
    place: Any = data
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is KeyError:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("message.contents", KeyError, "lacks the field 'contents'"),
        ("message.contents", None, "text is needed"),
        ("message.contents", 5, "text is needed"),
        ("message.contents", "\ud800", "no valid Unicode"),
        ("message.extra", 1, "would not cover"),
        ("message.from", None, "an object of type Person"),
        ("message.from.wallet", "0x12", "40 hex digits"),
        ("message.from.wallet", b"\x01" * 19, "20 bytes"),
        ("message.from.wallet", 5, "bytes or 0x hex"),
        ("message", [], "an object of type Mail"),
        ("domain", [], "domain is an object"),
        ("domain.chainId", 1.0, "a whole number is needed, not float"),
        ("domain.chainId", True, "a whole number is needed, not bool"),
        ("domain.chainId", "1.0", "no whole number"),
        ("domain.chainId", 10**6000, "bits"),
        ("domain.colour", "red", "a domain has no field 'colour'"),
        ("domain.salt", "0x01", "32 bytes"),
        ("domain.salt", "no", "does not start with 0x"),
        ("primaryType", "Nope", "not among the types"),
        ("primaryType", 5, "not among the types"),
        ("primaryType", KeyError, "types, primaryType, domain and message"),
        ("surplus", 5, "types, primaryType, domain and message"),
        ("types", [], "types is an object"),
        ("types.Person", {}, "a list of fields"),
        ("types.Person.0", "name", "an object with name and type"),
        ("types.Person.0", {"name": "x y", "type": "string"}, "both plain text"),
        ("types.Person.0", {"name": "name", "type": 5}, "both plain text"),
        ("types.Person.1", {"name": "name", "type": "string"}, "two fields of one name"),
        ("types.Person.0", {"name": "name", "type": "uint7"}, "no type 'uint7'"),
        ("types.Person.0", {"name": "name", "type": "uint08"}, "no type 'uint08'"),
        ("types.Person.0", {"name": "name", "type": "uint" + "9" * 300}, "no type"),
        ("types.Person.0", {"name": "name", "type": "bytes0"}, "no type 'bytes0'"),
        ("types.Person.0", {"name": "name", "type": "string[0]"}, "array type"),
        ("types.Person.0", {"name": "name", "type": "string[-1]"}, "array type"),
        ("types.Person.0", {"name": "name", "type": "string[][" + "]"}, "a list is needed"),
        ("types.Person.0", {"name": "name", "type": "string" + "[]" * 40}, "array type"),
        ("types.Person.0", {"name": "name", "type": "int"}, "int256"),
        ("types.uint8", [], "cannot be the name"),
        ("types.A(uint256 b)C", [], "cannot be the name"),
    ],
    ids=range(39),
)
def test_refused(path: str, value: Any, error: str) -> None:
    with pytest.raises(InvalidMessage, match=error):
        typed_data_preimage(changed(path, value))


@pytest.mark.parametrize(
    "data",
    [None, 5, [], "{", "[]", "[" * 100000, '"' + '\\"' * 200000, b"\xff", '{"types":{},"types":{}}', "9" * 5000],
    ids=range(10),
)
def test_what_is_no_typed_data(data: Any) -> None:
    with pytest.raises(InvalidMessage):
        typed_data_preimage(data)


def test_data_that_contains_itself_is_refused() -> None:
    node: dict[str, Any] = {}
    node["next"] = [node]
    data = {
        "types": {"Node": [{"name": "next", "type": "Node[]"}]},
        "primaryType": "Node",
        "domain": {},
        "message": node,
    }
    with pytest.raises(InvalidMessage, match="nested"):
        typed_data_preimage(data)


def test_a_type_may_contain_itself() -> None:
    data = {
        "types": {"Node": [{"name": "next", "type": "Node[]"}]},
        "primaryType": "Node",
        "domain": {"name": "x"},
        "message": {"next": [{"next": []}, {"next": [{"next": []}]}]},
    }
    theirs = encode_typed_data(full_message={**data, "types": {**data["types"], "EIP712Domain": NAME_ONLY}})
    assert typed_data_preimage(data) == b"\x19\x01" + theirs.header + theirs.body


NAME_ONLY = [{"name": "name", "type": "string"}]
DOMAINS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        "version": st.text("0123456789.", max_size=5),
        "chainId": st.integers(0, 2**256 - 1),
        "verifyingContract": st.binary(min_size=20, max_size=20).map(eip55.checksum),
        "salt": st.binary(min_size=32, max_size=32).map(lambda b: "0x" + b.hex()),
    },
)
DOMAIN_TYPES = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
    "salt": "bytes32",
}


def values(kind: str) -> st.SearchStrategy[Any]:
    if kind == "string":
        return st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    if kind == "bool":
        return st.booleans()
    if kind == "address":
        return st.binary(min_size=20, max_size=20).map(eip55.checksum)
    if kind == "bytes":
        return st.binary(max_size=70).map(lambda b: "0x" + b.hex())
    if kind.startswith("bytes"):
        size = int(kind[5:])
        return st.binary(min_size=size, max_size=size).map(lambda b: "0x" + b.hex())
    bits = int(kind.lstrip("uint"))
    numbers = st.integers(0, 2**bits - 1) if kind[0] == "u" else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return numbers.flatmap(lambda n: st.sampled_from([n, str(n)]))


ATOMS = ["string", "bool", "address", "bytes", "bytes1", "bytes17", "bytes32", "uint8", "uint256", "int8", "int128"]


@st.composite
def typed_data(draw: st.DrawFn) -> dict[str, Any]:
    """Random structs, each of which may hold those that were drawn before it, in arrays or by itself."""
    types: dict[str, list[dict[str, str]]] = {}
    for number in range(draw(st.integers(1, 4))):
        fields = []
        for position in range(draw(st.integers(1, 4))):
            core = draw(st.sampled_from([*ATOMS, *types] if types else ATOMS))
            suffix = draw(st.sampled_from(["", "", "[]", "[2]", "[][]", "[1][]"]))
            fields.append({"name": f"f{position}", "type": core + suffix})
        types[draw(st.sampled_from("ZQYA")) + str(number)] = fields
    primary = list(types)[-1]

    def value(kind: str) -> Any:
        if kind.endswith("]"):
            cut = kind.rindex("[")
            size = kind[cut + 1 : -1]
            count = int(size) if size else draw(st.integers(0, 2))
            return [value(kind[:cut]) for _ in range(count)]
        if kind in types:
            return {field["name"]: value(field["type"]) for field in types[kind]}
        return draw(values(kind))

    domain = draw(DOMAINS)
    used, open_ = {primary}, [primary]  # eth-account wants no type that the primary one does not reach
    while open_:
        for field in types[open_.pop()]:
            core = field["type"].split("[")[0]
            if core in types and core not in used:
                used.add(core)
                open_.append(core)
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in DOMAIN_TYPES.items() if name in domain],
            **{name: fields for name, fields in types.items() if name in used},
        },
        "primaryType": primary,
        "domain": domain,
        "message": value(primary),
    }


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=typed_data())
def test_as_eth_account(keys: Any, network: Any, data: dict[str, Any]) -> None:
    theirs = encode_typed_data(full_message=copy.deepcopy(data))
    assert typed_data_preimage(data) == b"\x19\x01" + theirs.header + theirs.body
    assert typed_data_preimage(json.dumps(data)) == typed_data_preimage(data)
    signature = bytes(Account.sign_message(theirs, keys.key.expose()).signature)
    assert keys.evm.verify_typed_data(network, keys.holder.address, data, signature)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["types", "primaryType", "domain", "message", "name", "type", "A"]), inner, max_size=4
            ),
        ),
    )
)
def test_garbage_is_refused(data: Any) -> None:
    try:
        typed_data_preimage(data)
    except InvalidMessage:
        return
    assert set(data) == {"types", "primaryType", "domain", "message"}


@pytest.mark.parametrize("stated", [137, "137", "0x89", 0, 1 << 255], ids=range(5))
def test_a_domain_of_another_chain_is_refused(keys: Any, networks: Any, keys_of: Any, stated: Any) -> None:
    """As wallets have it: what is signed for another chain counts there, whatever network the account shows."""
    data = {**MAIL, "domain": {**MAIL["domain"], "chainId": stated}}
    with pytest.raises(SigningRefused, match=r"for chain id \d+, and this network's is 1:"):
        keys.evm.typed_data(keys.holder, data)
    with pytest.raises(SigningRefused):
        keys.evm.typed_data(keys.holder, json.dumps(data))
    other = keys_of(b"\x07" * 32, networks(int(str(stated), 0) or 1))
    if stated:
        assert other.evm.typed_data(other.holder, data).preimage == typed_data_preimage(data)
    # Whether a signature holds does not depend on who asks: verifying compares no chain.
    assert keys.evm.verify_typed_data(keys.holder.network, keys.holder.address, data, "0x" + "11" * 65) is False


def test_a_domain_without_a_chain_is_signed(keys: Any) -> None:
    data = {
        "types": {"EIP712Domain": NAME_ONLY, "Note": [{"name": "text", "type": "string"}]},
        "primaryType": "Note",
        "domain": {"name": "Notes"},
        "message": {"text": "hello"},
    }
    assert keys.evm.typed_data(keys.holder, data).preimage == typed_data_preimage(data)


@pytest.mark.parametrize(
    ("kind", "value"), [("string", "137"), ("uint64", 137), ("bytes32", "0x" + "0" * 62 + "89"), ("int16", "137")]
)
def test_a_chain_id_of_another_type_is_no_way_around(keys: Any, kind: str, value: Any) -> None:
    data = {
        "types": {"EIP712Domain": [{"name": "chainId", "type": kind}], "Note": [{"name": "text", "type": "string"}]},
        "primaryType": "Note",
        "domain": {"chainId": value},
        "message": {"text": "hello"},
    }
    with pytest.raises(SigningRefused):
        keys.evm.typed_data(keys.holder, data)
