"""The devnet's Bitcoin RPC beside a real node's: the same questions to litecoind, a fork of Bitcoin Core, and to the devnet.

The two hold different chains and versions (litecoind 0.21 knows fewer fields and words some refusals differently),
so what is compared is decoding, the fields of answers, types of values, and error codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("pbk", reason="the Bitcoin engine of the devnet needs py-bitcoinkernel")

from multiwallet import network
from multiwallet.chains.bitcoin import addresses
from multiwallet.devnet.bitcoin import BitcoinEngine
from multiwallet.errors import Rejected

pytestmark = pytest.mark.node

ROW = network("litecoin-regtest")
SCRIPTS = {
    "p2pkh": "76a914" + "11" * 20 + "88ac",
    "p2sh": "a914" + "22" * 20 + "87",
    "p2wpkh": "0014" + "33" * 20,
    "p2wsh": "0020" + "44" * 32,
    "p2tr": "5120" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    "op_return": "6a0461626364",
    "op_return twice": "6a046162636403616263",
    "multisig": "5121" + "02" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" + "51ae",
    "p2pk": "21" + "02" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" + "ac",
    "numbers": "4f0151020100029000600051b1b275",
    "cut short": "76a914",
    "all codes": bytes(range(0x4F, 0xBA)).hex(),
}
NEW_FIELDS = {"desc", "address", "target"}  # of Core since 0.22
OLD_FIELDS = {"addresses", "reqSigs", "ismweb", "mweb_amount", "confirmations_mweb", "vkern", "output_id"}


@pytest.fixture(scope="module")
def engine() -> Iterator[BitcoinEngine]:
    made = BitcoinEngine(ROW)
    yield made
    made.close()


def raw_transaction(scripts: dict[str, str] = SCRIPTS, amount: int = 1000) -> str:
    """A transaction without signatures that spends an unknown output and pays to each script."""
    inputs = "ab" * 32 + "01000000" + "00" + "fdffffff"
    outputs = "".join(amount.to_bytes(8, "little").hex() + f"{len(text) // 2:02x}" + text for text in scripts.values())
    return "02000000" + "01" + inputs + f"{len(scripts):02x}" + outputs + "07000000"


def plain(value: Any) -> Any:
    """An answer without the fields that only one of the two versions has, and with numbers as text."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in NEW_FIELDS | OLD_FIELDS}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Decimal | float):
        return f"{value:.8f}"
    return value


def test_transactions_are_decoded_alike(engine, litecoind):
    raw = raw_transaction()
    ours = plain(engine.rpc("decoderawtransaction", [raw, False]))
    theirs = plain(litecoind.rpc("decoderawtransaction", raw, False))
    for output, name in zip(ours["vout"], SCRIPTS, strict=True):
        real = theirs["vout"][output["n"]]
        assert output == real, name
    assert {key: value for key, value in ours.items() if key != "vout"} == {
        key: value for key, value in theirs.items() if key != "vout"
    }


def test_addresses_are_judged_alike(engine, litecoind):
    for text in SCRIPTS.values():
        address = addresses.address_of(ROW, bytes.fromhex(text))
        if address is not None:
            ours, theirs = engine.rpc("validateaddress", [address]), litecoind.rpc("validateaddress", address)
            for key in ("isvalid", "address", "scriptPubKey", "iswitness"):
                assert ours[key] == theirs[key]
    for wrong in ("", "rltc1qqqqqqqq", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "x" * 200):
        assert engine.rpc("validateaddress", [wrong])["isvalid"] is litecoind.rpc("validateaddress", wrong)["isvalid"] is False  # fmt: skip


def test_answers_have_the_same_fields(engine, litecoind):
    from embit import ec, script

    litecoind.mine(1)
    target = script.p2wpkh(ec.PrivateKey(bytes(31) + b"\x05"))
    address = addresses.address_of(ROW, target.data)
    assert address is not None
    litecoind.mine(101)
    txid = litecoind.rpc("sendtoaddress", address, "0.5")
    (block,) = litecoind.mine(1)
    own = engine.fund(address, 50_000_000)
    own_block = engine.rpc("getbestblockhash", [])
    pairs: list[tuple[str, list[Any], list[Any]]] = [
        ("getblock", [own_block], [block]),
        ("getblockheader", [own_block], [block]),
        ("getrawtransaction", [own, True, own_block], [txid, True, block]),
        ("scantxoutset", ["start", [f"addr({address})"]], ["start", [f"addr({address})"]]),
        ("getmempoolinfo", [], []),
        ("getblockchaininfo", [], []),
    ]
    for method, ours_of, theirs_of in pairs:
        ours, theirs = engine.rpc(method, ours_of), litecoind.rpc(method, *theirs_of)
        common = set(ours) & set(theirs)
        missing = set(theirs) - set(ours) - OLD_FIELDS - {"softforks", "unbroadcastcount", "mweb"}
        assert not missing, f"{method}: {missing}"
        for key in common - {"warnings"}:
            both = {type(plain(ours[key])), type(plain(theirs[key]))}
            assert len(both) == 1 or both <= {int, str}, f"{method} {key}: {ours[key]!r} {theirs[key]!r}"
    found = engine.rpc("scantxoutset", ["start", [f"addr({address})"]])["unspents"][0]
    real = litecoind.rpc("scantxoutset", "start", [f"addr({address})"])["unspents"][0]
    assert set(real) <= set(found)
    assert found["desc"] == real["desc"]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("getblockhash", [10**6]),
        ("getblockhash", [-1]),
        ("getblock", ["ab" * 32]),
        ("getblock", ["ab"]),
        ("getblock", ["zz" * 32]),
        ("getrawtransaction", ["ab" * 32]),
        ("getrawtransaction", ["ab" * 32, 1, "ab" * 32]),
        ("getmempoolentry", ["ab" * 32]),
        ("sendrawtransaction", ["00"]),
        ("sendrawtransaction", ["zz"]),
        ("sendrawtransaction", [raw_transaction({"p2wpkh": SCRIPTS["p2wpkh"]}, 10**6)]),
        ("decoderawtransaction", ["02"]),
        ("estimatesmartfee", [0]),
        ("estimatesmartfee", [1009]),
        ("estimatesmartfee", [2, "nothing"]),
        ("scantxoutset", ["start"]),
        ("scantxoutset", ["other"]),
        ("scantxoutset", ["start", ["addr(x)"]]),
        ("scantxoutset", ["start", ["raw(zz)"]]),
        ("testmempoolaccept", [["00"]]),
        ("generatetoaddress", [1, "nowhere"]),
        ("nosuchmethod", []),
        ("getblockcount", [1]),
    ],
    ids=str,
)
def test_refusals_have_the_same_codes(engine, litecoind, method, params):
    with pytest.raises(Rejected) as ours:
        engine.rpc(method, params)
    with pytest.raises(litecoind.Error) as theirs:
        litecoind.rpc(method, *params)
    assert ours.value.node_code == theirs.value.code, (ours.value.message, theirs.value.message)
