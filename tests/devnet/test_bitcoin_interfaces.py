"""Bitcoin Core's RPC and Esplora as the devnet answers them: shapes, refusals, descriptors, hostile questions."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

pytest.importorskip("pbk", reason="the Bitcoin engine of the devnet needs py-bitcoinkernel")

from embit import bip32, bip39, script
from embit.descriptor import Descriptor
from embit.descriptor.checksum import add_checksum
from hypothesis import given, settings
from hypothesis import strategies as st

from multiwallet import network
from multiwallet.chains.bitcoin import addresses
from multiwallet.devnet.bitcoin import BitcoinEngine
from multiwallet.devnet.bitcoin.descriptors import checksum
from multiwallet.devnet.bitcoin.rpc import _METHODS
from multiwallet.errors import Rejected

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
REGTEST = network("bitcoin-regtest")
ROOT = bip32.HDKey.from_seed(bip39.mnemonic_to_seed(WORDS))
ACCOUNT = ROOT.derive("m/84h/1h/0h")
ORIGIN = f"[{ROOT.my_fingerprint.hex()}/84h/1h/0h]"
XPUB = ACCOUNT.to_public().to_base58()


@pytest.fixture(scope="module")
def engine() -> Iterator[BitcoinEngine]:
    """An engine with some coins, which the tests of this module only ask."""
    made = BitcoinEngine(REGTEST)
    for change, index, units in ((0, 0, 100_000), (0, 7, 200_000), (1, 2, 300_000)):
        made.fund(address_of(child(change, index)), units)
    yield made
    made.close()


def child(change: int, index: int) -> script.Script:
    return script.p2wpkh(ACCOUNT.derive([change, index]).key)


def address_of(output_script: script.Script) -> str:
    address = addresses.address_of(REGTEST, output_script.data)
    assert address is not None
    return address


def refused(engine: BitcoinEngine, method: str, *params: Any) -> tuple[int | str | None, str]:
    with pytest.raises(Rejected) as error:
        engine.rpc(method, list(params))
    return error.value.node_code, error.value.message


# -- Bitcoin Core ----------------------------------------------------------------------------------------------------


@given(
    st.text(alphabet="0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyz", max_size=80)
)
def test_checksums_are_embits(text):
    assert f"{text}#{checksum(text)}" == add_checksum(text)


@pytest.mark.parametrize(
    "text",
    [
        f"wpkh({ORIGIN}{XPUB}/0/*)",
        f"pkh({XPUB}/0/*)",
        f"sh(wpkh({XPUB}/5/*))",
        f"tr({XPUB}/0/*)",
        f"wpkh({XPUB}/<0;1>/*)",
        f"wpkh({XPUB}/0/3)",
        f"wpkh({ACCOUNT.derive([0, 1]).key.get_public_key().to_string()})",
    ],
)
def test_descriptors_are_embits(engine, text):
    from multiwallet.devnet.bitcoin.descriptors import read_descriptor

    theirs = Descriptor.from_string(text)
    branches = theirs.num_branches if hasattr(theirs, "num_branches") else 1
    expected = set()
    for index in range(4 if "*" in text else 1):
        for branch in range(branches):
            derived = theirs.derive(index, branch_index=branch if branches > 1 else None) if "*" in text else theirs
            expected.add(derived.script_pubkey().data)
    if text.endswith("/0/3)"):
        expected = {child(0, 3).data}
    found = read_descriptor(REGTEST, text).scripts(0, 3)
    assert set(found) == expected
    for one, shown in found.items():  # the descriptor shown for each is one of just that script
        body, _, sum_ = shown.partition("#")
        assert checksum(body) == sum_
        assert set(read_descriptor(REGTEST, shown).scripts()) == {one}


def test_scantxoutset_finds_all_of_an_account(engine):
    both = [{"desc": f"wpkh({ORIGIN}{XPUB}/{change}/*)", "range": 20} for change in (0, 1)]
    answer = engine.rpc("scantxoutset", ["start", both])
    assert answer["success"] is True
    assert answer["total_amount"] == Decimal("0.006")
    shown = {item["desc"].partition("]")[0] for item in answer["unspents"]}
    assert shown == {f"wpkh({ORIGIN[:-1]}/{way}" for way in ("0/0", "0/7", "1/2")}
    raw = engine.rpc("scantxoutset", ["start", [f"raw({child(0, 7).data.hex()})", f"addr({address_of(child(0, 0))})"]])
    assert sorted(item["amount"] for item in raw["unspents"]) == [Decimal("0.001"), Decimal("0.002")]
    (coin,) = engine.rpc("scantxoutset", ["start", [f"addr({address_of(child(1, 2))})"]])["unspents"]
    assert coin["blockhash"] == engine.rpc("getblockhash", [coin["height"]])
    assert coin["confirmations"] == engine.rpc("getblockcount", []) - coin["height"] + 1
    assert not coin["coinbase"]
    assert engine.rpc("scantxoutset", ["start", [f"wpkh({XPUB}/0/*)"]])["total_amount"] == Decimal("0.003")
    assert engine.rpc("scantxoutset", ["status"]) is None
    assert engine.rpc("scantxoutset", ["abort"]) is False


def test_transactions_in_all_verbosities(engine):
    txid = engine.rest("GET", f"/address/{address_of(child(0, 0))}/txs")[0]["txid"]
    raw = engine.rpc("getrawtransaction", [txid])
    full = engine.rpc("getrawtransaction", [txid, 2])
    assert full["hex"] == raw == engine.rest("GET", f"/tx/{txid}/hex") == engine.rest("GET", f"/tx/{txid}/raw").hex()
    assert engine.rpc("getrawtransaction", [txid, True])["blockhash"] == full["blockhash"]
    paid = sum((output["value"] for output in full["vout"]), Decimal(0))
    assert (
        sum((item["prevout"]["value"] for item in full["vin"]), Decimal(0)) - paid
        == full["fee"]
        == Decimal("0.00000282")
    )
    first = full["vout"][0]
    assert str(first["value"]) == "0.00100000"
    assert first["scriptPubKey"] == {
        "asm": f"0 {child(0, 0).data[2:].hex()}",
        "desc": add_checksum(f"addr({address_of(child(0, 0))})"),
        "hex": child(0, 0).data.hex(),
        "address": address_of(child(0, 0)),
        "type": "witness_v0_keyhash",
    }
    decoded = engine.rpc("decoderawtransaction", [raw])
    assert decoded == {
        key: value for key, value in engine.rpc("getrawtransaction", [txid, 1]).items() if key in decoded
    }
    block = engine.rpc("getblock", [full["blockhash"], 2])
    assert block["tx"][1]["fee"] == full["fee"]
    assert block["nTx"] == 2
    assert engine.rpc("getblock", {"blockhash": full["blockhash"]})["tx"][1] == txid
    assert engine.rpc("getrawtransaction", [txid, 1, full["blockhash"]])["in_active_chain"] is True
    coinbase = engine.rpc("getrawtransaction", [block["tx"][0]["txid"], 2])
    assert "coinbase" in coinbase["vin"][0]
    assert coinbase["vout"][0]["value"] == 50 + full["fee"]


def test_fees_addresses_and_the_node(engine):
    fees = [engine.rpc("estimatesmartfee", [target]) for target in (1, 2, 6, 144, 1008)]
    assert [answer["blocks"] for answer in fees] == [2, 2, 6, 144, 1008]
    rates = [answer["feerate"] for answer in fees]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == engine.rpc("getmempoolinfo", [])["minrelaytxfee"] == Decimal("0.00001000")
    assert engine.rest("GET", "/fee-estimates")["6"] * 1000 == rates[2].scaleb(8)
    good = engine.rpc("validateaddress", [address_of(child(0, 0))])
    assert (good["isvalid"], good["iswitness"], good["witness_version"]) == (True, True, 0)
    bad = engine.rpc("validateaddress", ["bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"])
    assert bad["isvalid"] is False
    assert engine.rpc("getnetworkinfo", [])["relayfee"] == Decimal("0.00001")
    assert engine.rpc("getindexinfo", [])["txindex"]["synced"] is True
    text = engine.rpc("getdescriptorinfo", [f"wpkh({XPUB}/0/*)"])
    assert text["isrange"] is True
    assert engine.rpc("deriveaddresses", [text["descriptor"], [7, 7]]) == [address_of(child(0, 7))]
    assert engine.rpc("uptime", []) >= 0


@pytest.mark.parametrize(
    ("method", "params", "code", "words"),
    [
        ("sendtoaddress", [], -32601, "Method not found"),
        ("__init__", [], -32601, "Method not found"),
        ("getblockhash", [], -1, "getblockhash height"),
        ("getblockhash", ["1"], -3, '"JSON value of type string is not of expected type number"'),
        ("getblockhash", [10_000], -8, "Block height out of range"),
        ("getblockhash", [-1], -8, "Block height out of range"),
        ("getblock", ["ab"], -8, "blockhash must be of length 64 (not 2, for 'ab')"),
        ("getblock", ["zz" * 32], -8, "blockhash must be hexadecimal string"),
        ("getblock", ["ab" * 32], -5, "Block not found"),
        ("getrawtransaction", ["ab" * 32], -5, "No such mempool or blockchain transaction"),
        ("getmempoolentry", ["ab" * 32], -5, "Transaction not in mempool"),
        ("estimatesmartfee", [0], -8, "Invalid conf_target, must be between 1 and 1008"),
        ("estimatesmartfee", [6, "fast"], -8, "Invalid estimate_mode parameter"),
        ("generatetoaddress", [1, "nowhere"], -5, "Error: Invalid address"),
        ("scantxoutset", ["start"], -1, "scanobjects argument is required"),
        ("scantxoutset", ["look"], -8, "Invalid action"),
        ("scantxoutset", ["start", ["addr(nobody)"]], -5, "Address is not valid"),
        ("scantxoutset", ["start", ["raw(zz)"]], -5, "Raw script is not hex"),
        ("scantxoutset", ["start", ["wpkh(xpub)"]], -5, "is not valid"),
        ("scantxoutset", ["start", [f"wpkh({XPUB}/0/*)#aaaaaaaa"]], -5, "does not match computed checksum"),
        ("scantxoutset", ["start", [{"desc": f"wpkh({XPUB}/*)", "range": 10**6}]], -8, "Range is too large"),
        ("scantxoutset", ["start", [{"desc": f"wpkh({XPUB}/*)", "range": [5, 1]}]], -8, "begin after end"),
        ("scantxoutset", ["start", [7]], -8, "Scan object needs to be either a string or an object"),
        ("testmempoolaccept", [[]], -8, "Array must contain between 1 and 25 transactions."),
        ("testmempoolaccept", [["00"]], -22, "TX decode failed"),
        ("getblockcount", [1], -1, "getblockcount"),
        ("gettxout", ["ab" * 32, -1], -8, "vout"),
    ],
)
def test_refusals_are_cores(engine, method, params, code, words):
    found, message = refused(engine, method, *params)
    assert found == code
    assert words in message


def test_the_genesis_coinbase_is_not_given_out(engine):
    (txid,) = engine.rpc("getblock", [REGTEST.params["genesis"]])["tx"]
    assert refused(engine, "getrawtransaction", txid)[0] == -5
    with pytest.raises(Rejected, match="Unknown named parameter blokhash"):
        engine.rpc("getblock", {"blokhash": txid})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=70)
    | st.decimals()
    | st.floats()
    | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CALLS = sorted(set(_METHODS) - {"generatetoaddress"})  # that one may make 10,000 blocks when asked to
LIKELY = st.sampled_from(["00" * 32, "start", "wpkh(", f"wpkh({XPUB}/*)", REGTEST.params["genesis"], "02000000", 0, 1])


@settings(max_examples=400)
@given(st.sampled_from(CALLS), st.lists(JSON | LIKELY, max_size=4) | JSON)
def test_any_question_is_answered_or_refused(engine, method, params):
    code: object = 0
    try:
        engine.rpc(method, params)
    except Rejected as error:
        code = error.node_code
    assert isinstance(code, int)


# -- Esplora ---------------------------------------------------------------------------------------------------------


def test_pages_of_an_address(engine):
    own = BitcoinEngine(REGTEST)
    try:
        address = address_of(child(0, 9))
        made = [own.fund(address, 10_000 + number) for number in range(30)][::-1]
        first = [item["txid"] for item in own.rest("GET", f"/address/{address}/txs")]
        assert first == made[:25]
        rest = own.rest("GET", f"/address/{address}/txs/chain/{first[-1]}")
        assert [item["txid"] for item in rest] == made[25:]
        assert own.rest("GET", f"/address/{address}/txs/mempool") == []
        stats = own.rest("GET", f"/address/{address}")["chain_stats"]
        assert (stats["tx_count"], stats["funded_txo_count"], stats["spent_txo_count"]) == (30, 30, 0)
        assert stats["funded_txo_sum"] == sum(10_000 + number for number in range(30))
        hash_ = sha256(child(0, 9).data).hexdigest()
        same = own.rest("GET", f"/scripthash/{hash_}")
        assert (same["scripthash"], same["chain_stats"]) == (hash_, stats)
        assert len(own.rest("GET", f"/scripthash/{hash_}/utxo")) == 30
        assert own.rest("GET", f"/scripthash/{'00' * 32}")["chain_stats"]["tx_count"] == 0
        assert own.rest("GET", f"/scripthash/{'00' * 32}/utxo") == []
    finally:
        own.close()


def test_blocks_and_proofs(engine):
    height = engine.rest("GET", "/blocks/tip/height")
    tip = engine.rest("GET", "/blocks/tip/hash")
    assert engine.rest("GET", f"/block-height/{height}") == tip
    block = engine.rest("GET", f"/block/{tip}")
    assert (block["id"], block["height"], block["tx_count"]) == (tip, height, 2)
    txids = engine.rest("GET", f"/block/{tip}/txids")
    assert [item["txid"] for item in engine.rest("GET", f"/block/{tip}/txs")] == txids
    assert engine.rest("GET", f"/block/{tip}/txid/1") == txids[1]
    assert [item["height"] for item in engine.rest("GET", "/blocks/50")] == list(range(50, 40, -1))
    proof = engine.rest("GET", f"/tx/{txids[1]}/merkle-proof")
    assert (proof["block_height"], proof["pos"]) == (height, 1)
    digest, position = bytes.fromhex(txids[1])[::-1], proof["pos"]
    for beside in proof["merkle"]:
        other = bytes.fromhex(beside)[::-1]
        pair = other + digest if position & 1 else digest + other
        digest, position = sha256(sha256(pair).digest()).digest(), position >> 1
    assert digest[::-1].hex() == block["merkle_root"]
    assert engine.rest("GET", f"/tx/{txids[1]}/outspends") == [{"spent": False}, {"spent": False}]
    coinbase = engine.rest("GET", f"/tx/{txids[0]}")
    assert coinbase["vin"][0]["is_coinbase"] is True
    assert coinbase["vin"][0]["prevout"] is None
    assert coinbase["vout"][1]["scriptpubkey_type"] == "op_return"
    assert engine.rest("GET", "/mempool") == {"count": 0, "vsize": 0, "total_fee": 0, "fee_histogram": []}


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/tx/" + "ab" * 32, 404, "Transaction not found"),
        ("/tx/xyz", 400, "Invalid hex string"),
        ("/block/" + "ab" * 32, 404, "Block not found"),
        ("/block-height/99999", 404, "Block not found"),
        ("/address/nobody", 400, "Invalid Bitcoin address"),
        ("/address/bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", 400, "Invalid Bitcoin address"),
        ("/scripthash/ab", 400, "Invalid hex string"),
        ("/nothing", 404, "endpoint does not exist"),
    ],
)
def test_refusals_are_esploras(engine, path, status, text):
    with pytest.raises(Rejected) as error:
        engine.rest("GET", path)
    assert error.value.node_code == status
    assert str(error.value.data).startswith(text)


WORDS_OF_PATHS = st.sampled_from(
    ["tx", "block", "blocks", "address", "scripthash", "utxo", "txs", "chain", "status", "tip", "hash", "mempool", "hex",
     "block-height", "outspend", "00" * 32, "0", "4294967296", "999999999", "é", "", "..", "%00", address_of(child(0, 0))]
)  # fmt: skip


@settings(max_examples=300)
@given(
    st.sampled_from(["GET", "POST", "DELETE"]), st.lists(WORDS_OF_PATHS | st.text(max_size=20), max_size=5), st.text()
)
def test_any_request_is_answered_or_refused(engine, method, parts, text):
    status, body = 200, ""
    try:
        engine.rest(method, "/" + "/".join(parts), text=text)
    except Rejected as error:
        status, body = error.node_code, error.data
    assert status in (200, 400, 404)
    assert isinstance(body, str)
