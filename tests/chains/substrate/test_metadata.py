"""Metadata, the types in it, values of these types, and RFC-78's tree: real runtimes, and hostile bytes."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chains.substrate.blake3 import blake3, blake3_many
from multiwallet.chains.substrate.build import constant
from multiwallet.chains.substrate.extensions import Era, Terms, write_terms
from multiwallet.chains.substrate.merkle import Form, Identity, Proof, tree
from multiwallet.chains.substrate.metadata import Extension, Metadata, parse
from multiwallet.chains.substrate.types import Array, Composite, Field, Leaf, List, Types, Variant
from multiwallet.chains.substrate.values import Case, Decoder, Encoder
from multiwallet.codec.reader import Reader
from multiwallet.errors import BadResponse, InputError, InvalidTransaction, MultiwalletError

MODULES = Path(__file__).resolve().parents[2] / "oracles" / "node_modules" / "@polkadot" / "types-support" / "metadata"


@pytest.fixture(scope="module")
def hub() -> bytes:
    file = MODULES / "v15" / "asset-hub-kusama-hex.js"
    if not file.is_file():
        pytest.skip("the metadata of npm's @polkadot/types-support are not here: `make nodes` fetches them")
    found = re.search(r"0x([0-9a-f]{1000,})", file.read_text())
    assert found is not None
    data = bytes.fromhex(found[1])
    return data[data.index(b"meta") :]


@pytest.fixture(scope="module")
def runtime(hub: bytes) -> Metadata:
    return parse(hub)


def test_what_a_runtime_says_of_itself(runtime):
    version = constant(runtime, "System", "Version")
    assert (version["spec_name"], version["spec_version"]) == ("statemine", 1009003)
    assert constant(runtime, "System", "SS58Prefix") == 2
    assert constant(runtime, "Balances", "ExistentialDeposit") == 3_333_333  # as Kusama Asset Hub's constant is
    assert [item.name for item in runtime.extensions][-2:] == ["ChargeAssetTxPayment", "CheckMetadataHash"]
    assert runtime.pallets["Balances"].index == 10
    with pytest.raises(BadResponse, match=r"System\.Nothing"):
        constant(runtime, "System", "Nothing")


def test_the_digest_of_a_known_runtime(runtime):
    # As npm's @polkadot-api/merkleize-metadata 1.x computes it from the same metadata.
    digest = tree(runtime).digest(Identity(1009003, "statemine", 2, 12, "KSM"))
    assert digest.hex() == "4d6fb65232b7add1d6ffb10812871b4a20134ad27aca2b2a824430009a460a42"


def test_any_lie_in_the_metadata_changes_the_digest(hub):
    identity = Identity(1009003, "statemine", 2, 12, "KSM")
    true = tree(parse(hub)).digest(identity)
    lies = (
        (b"transfer_keep_alive", b"transfer_keep_alixe"),  # a call of another name
        (b"CheckNonce", b"CheckNoncf"),  # an extension of another name
    )
    for honest, false in lies:
        assert tree(parse(hub.replace(honest, false))).digest(identity) != true


def test_cut_off_and_changed_metadata(hub):
    rng = random.Random(1)
    for length in (0, 3, 4, 5, 100, 5000, len(hub) // 2):
        with pytest.raises(BadResponse):
            parse(hub[:length])
    for head in (b"META", b"meta\x0d", b"meta\x10", b"meta\xff"):
        with pytest.raises(BadResponse):
            parse(head + hub[5:])
    for _ in range(6):
        changed = bytearray(hub[:60_000])
        changed[rng.randrange(5, 60_000)] ^= 1 << rng.randrange(8)
        with pytest.raises(BadResponse):
            parse(bytes(changed))


@given(st.binary(max_size=300))
def test_garbage_is_no_metadata_and_no_proof(data):
    for start in (b"meta\x0e", b"meta\x0f", b""):
        with pytest.raises(BadResponse):
            parse(start + data)
    with suppress(InvalidTransaction):
        Proof.decode(data)


# Test vectors of BLAKE3 (github.com/BLAKE3-team/BLAKE3, test_vectors.json): the input counts 0, 1, ..., 250, 0, ...
BLAKE3 = {
    0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    1: "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
    1023: "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
    1024: "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
    1025: "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
    2048: "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a",
    2049: "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
    3072: "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2",
    3073: "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3",
    4096: "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969",
    8193: "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b",
    31744: "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
}


@pytest.mark.parametrize(("length", "digest"), BLAKE3.items())
def test_blake3_vectors(length, digest):
    data = bytes(n % 251 for n in range(length))
    assert blake3(data).hex() == digest
    assert blake3_many([b"x", data, b"", data]) == [blake3(b"x"), blake3(data), blake3(b""), blake3(data)]


def test_eras():
    # The example of the Polkadot SDK's documentation of Era: 64 blocks around block 42.
    assert Era.at(42, 64).encode().hex() == "a502"
    assert (Era.at(42, 64).birth(42), Era.at(42, 64).birth(105)) == (42, 42)
    for period in (4, 8, 64, 256, 4096, 65536):
        for number in (1, 5, 63, 64, 1000, 20_000, 2**31):
            era = Era.at(number, period)
            coded = era.encode()
            assert Era.read(coded[0], coded[1]) == era
            assert number - max(period >> 12, 1) < era.birth(number) <= number or era.birth(number) == era.phase
    for period in (1, 2, 3, 5, 63, 65537, 131072, -4, True, "64", None, 64.0):
        with pytest.raises(InputError):
            Era.at(1, period)


def test_values_of_a_hand_made_table():
    types = Types.of(
        [
            Leaf((), Composite((Field("a", "u8", None), Field("b", 1, None))), 0),
            Leaf((), List("u16"), 1),
            Leaf(("Option",), Variant("None", (), 0), 2),
            Leaf(("Option",), Variant("Some", (Field(None, "str", None),), 1), 2),
            Leaf((), Array(2, 0), 3),
            Leaf((), List(4), 4),  # a list of itself
            Leaf((), Composite((Field(None, 5, None),)), 5),  # a thing made of itself
        ]
    )
    encoder = Encoder(types, lambda text: bytes(32))
    for reference, value in ((0, {"a": 1, "b": [1, 2, 65535]}), (3, [{"a": 0, "b": []}, {"a": 255, "b": [7]}])):
        raw = encoder.write(reference, value)
        assert Decoder(types).read(Reader(raw), reference) == value
    assert Decoder(types).read(Reader(encoder.write(2, "word")), 2) == Case("Some", "word", ("Option",))
    assert Decoder(types).read(Reader(encoder.write(2, None)), 2).name == "None"
    for reference, value in (
        (0, {"a": 1}),
        (0, {"a": 256, "b": []}),
        (0, {"a": 1, "b": [], "c": 1}),
        (0, 5),
        (1, "12"),
        (1, [-1]),
        (3, [{"a": 1, "b": []}]),
        (99, 1),
    ):
        with pytest.raises(InputError):
            encoder.write(reference, value)
    with pytest.raises(TypeError):
        encoder.write("u8", 1.0)
    for reference in (4, 5):
        with pytest.raises(MultiwalletError):
            Decoder(types).read(Reader(b"\x04" * 5000), reference)
    with pytest.raises(MultiwalletError):
        Decoder(types).read(Reader(b"\x02\x00\x00\x40"), 1)
    with pytest.raises(InvalidTransaction):
        Types.of([Leaf((), List("u8"), 1), Leaf((), List("u8"), 1)])


def test_types_that_multiply_end_at_once():
    """Thirty empty types, each holding the one before it sixty times: looked at one by one they would never end."""
    leaves = [Leaf((), Array(0, "u8"), 0)]
    leaves += [Leaf((), Composite(tuple(Field(None, n, None) for _ in range(60))), n + 1) for n in range(30)]
    types = Types.of(leaves)
    terms = Terms(Era(), bytes(32), 0, 0, 1, 1, bytes(32))
    form = Form(4, "void", "void", "void", (Extension("Unknown", 30, 30),))
    assert write_terms(Encoder(types, bytes.fromhex), types, form, terms) == (b"", b"")
