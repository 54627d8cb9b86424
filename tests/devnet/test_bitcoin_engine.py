"""The Bitcoin engine: its chain against the consensus engine's own blocks, faucet, mining, reorganisations, wallets.

Transactions are built by independent libraries, embit and BDK (bdkpython), unless a test says otherwise.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest

pytest.importorskip("pbk", reason="the Bitcoin engine of the devnet needs py-bitcoinkernel")

from embit import ec, script
from embit.transaction import SIGHASH, Transaction, TransactionInput, TransactionOutput

from multiwallet import Wallet, network, networks
from multiwallet.chains.bitcoin import addresses
from multiwallet.devnet import Devnet
from multiwallet.devnet.bitcoin import BitcoinEngine
from multiwallet.errors import ChainError, InputError, InsufficientFunds, MissingExtra, Rejected, Unsupported

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
KEY = ec.PrivateKey(bytes(31) + b"\x07")
OTHER = ec.PrivateKey(bytes(31) + b"\x09")
KINDS = {
    "p2wpkh": script.p2wpkh(KEY),
    "p2tr": script.p2tr(KEY),
    "p2sh-p2wpkh": script.p2sh(script.p2wpkh(KEY)),
    "p2pkh": script.p2pkh(KEY),
}
REGTEST = network("bitcoin-regtest")
CHAINS = {
    "bitcoin": "main",
    "bitcoin-testnet": "test",
    "bitcoin-testnet4": "testnet4",
    "bitcoin-signet": "signet",
    "bitcoin-regtest": "regtest",
    "litecoin": "main",
    "litecoin-testnet": "test",
    "litecoin-regtest": "regtest",
    "dash": "main",
    "dash-testnet": "test",
    "dogecoin": "main",
    "dogecoin-testnet": "test",
}


@pytest.fixture
def engine() -> Iterator[BitcoinEngine]:
    made = BitcoinEngine(REGTEST)
    yield made
    made.close()


@pytest.fixture
def waiting() -> Iterator[BitcoinEngine]:
    """An engine in which transactions wait for mine()."""
    made = BitcoinEngine(REGTEST, automine=False)
    yield made
    made.close()


def address_of(output_script: script.Script) -> str:
    address = addresses.address_of(REGTEST, output_script.data)
    assert address is not None
    return address


def spend(
    engine: BitcoinEngine,
    txid: str,
    index: int,
    outputs: list[tuple[int, script.Script]],
    *,
    kind: str = "p2wpkh",
    sequence: int = 0xFFFFFFFD,
    locktime: int = 0,
    version: int = 2,
) -> str:
    """A signed transaction of one input that KEY spends; hex, made by embit."""
    spent = engine.rpc("getrawtransaction", [txid, 1])["vout"][index]
    value = int(spent["value"].scaleb(8))
    tx = Transaction(
        version=version,
        vin=[TransactionInput(bytes.fromhex(txid), index, sequence=sequence)],
        vout=[TransactionOutput(amount, output_script) for amount, output_script in outputs],
        locktime=locktime,
    )
    code = script.p2pkh(KEY)
    if kind == "p2tr":
        digest = tx.sighash_taproot(0, [KINDS[kind]], [value])
        tx.vin[0].witness = script.Witness([KEY.taproot_tweak().schnorr_sign(digest).serialize()])
    elif kind == "p2pkh":
        tx.vin[0].script_sig = script.script_sig_p2pkh(KEY.sign(tx.sighash_legacy(0, code)), KEY.get_public_key())
    else:
        signature = KEY.sign(tx.sighash_segwit(0, code, value)).serialize() + bytes([SIGHASH.ALL])
        tx.vin[0].witness = script.Witness([signature, KEY.sec()])
        if kind == "p2sh-p2wpkh":
            tx.vin[0].script_sig = script.script_sig_p2sh(script.p2wpkh(KEY))
    return str(tx.serialize().hex())


def funds_of(engine: BitcoinEngine, address: str) -> int:
    answer = engine.rpc("scantxoutset", ["start", [f"addr({address})"]])
    return int(answer["total_amount"].scaleb(8))


# -- the chain -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [network(name) for name in CHAINS], ids=lambda row: row.name)
def test_every_row_is_answered_under_its_own_identity(row):
    engine = BitcoinEngine(row)
    try:
        genesis = row.params["genesis"]
        assert engine.rpc("getblockhash", [0]) == genesis == engine.rest("GET", "/block-height/0")
        assert engine.rpc("getblock", [engine.rpc("getblockhash", [1])])["previousblockhash"] == genesis
        info = engine.rpc("getblockchaininfo", [])
        assert info["blocks"] == 101
        assert info["chain"] == CHAINS[row.name]
        with Wallet.from_mnemonic(WORDS) as wallet:
            address = wallet.account(row.name, index=0).address
        txid = engine.fund(address, 100_000)
        (coin,) = engine.rest("GET", f"/address/{address}/utxo")
        assert (coin["txid"], coin["value"], coin["status"]["block_height"]) == (txid, 100_000, 102)
        assert engine.rest("GET", "/api/v2/block-index/0") == {"blockHash": genesis}
        assert engine.rest("GET", f"/api/v2/utxo/{address}") == [
            {"txid": txid, "vout": coin["vout"], "value": "100000", "height": 102}
        ]
    finally:
        engine.close()


def test_rows_whose_signatures_follow_other_rules_are_refused():
    others = [row for row in networks(family="bitcoin") if row.name not in CHAINS]
    assert {row.params["sighash"] for row in others} == {"forkid", "zip244"}
    for row in others:
        with pytest.raises(Unsupported, match="no engine for"):
            BitcoinEngine(row)


def test_the_chain_is_the_same_each_time(engine):
    again = BitcoinEngine(REGTEST)
    try:
        assert again.rpc("getbestblockhash", []) == engine.rpc("getbestblockhash", [])
        address = address_of(KINDS["p2tr"])
        assert again.fund(address, 5_000_000) == engine.fund(address, 5_000_000)
    finally:
        again.close()


def kernel_coins(engine: BitcoinEngine) -> dict[tuple[str, int], tuple[int, str]]:
    """The unspent outputs, reckoned by embit from the blocks that the consensus engine holds."""
    chainstate, chain = engine._node._kernel._chainstate, engine._node._kernel._chain
    coins: dict[tuple[str, int], tuple[int, str]] = {}
    for height in range(1, chain.height + 1):
        raw = BytesIO(bytes(chainstate.blocks[chain.block_tree_entries[height]])[80:])
        count = raw.read(1)[0]
        assert count < 0xFD
        for position in range(count):
            tx = Transaction.read_from(raw)
            if position:
                for txin in tx.vin:
                    del coins[txin.txid.hex(), txin.vout]
            for number, output in enumerate(tx.vout):
                if output.script_pubkey.data[:1] != b"\x6a":
                    coins[tx.txid().hex(), number] = (output.value, output.script_pubkey.data.hex())
    return coins


@pytest.mark.parametrize("seed", range(4))
def test_the_index_holds_what_the_consensus_engine_holds(waiting, seed):
    chance = random.Random(seed)
    address = address_of(KINDS["p2wpkh"])
    for _ in range(40):
        action = chance.randrange(6)
        if action == 0:
            waiting.fund(address, chance.randrange(20_000, 3_000_000_000))
        elif action == 1:
            waiting.mine(chance.randrange(1, 4))
        elif action == 2:
            waiting.reorg(chance.randrange(1, 6))
        elif action == 3 and waiting.rpc("getrawmempool", []):
            assert waiting.drop(chance.choice(waiting.rpc("getrawmempool", [])))
        else:
            coins = waiting.rest("GET", f"/address/{address}/utxo")
            if coins:
                coin = chance.choice(coins)
                half = (coin["value"] - 1000) // 2
                if half > 1000:
                    pays = [(half, KINDS["p2wpkh"]), (half, chance.choice(list(KINDS.values())))]
                    waiting.rpc("sendrawtransaction", [spend(waiting, coin["txid"], coin["vout"], pays)])
    index = waiting._node.index
    found = {
        (point[31::-1].hex(), int.from_bytes(point[32:], "little")): (coin.output.amount, coin.output.script.hex())
        for point, coin in index.coins.items()
    }
    assert found == kernel_coins(waiting)
    assert {point for points in index.coins_of.values() for point in points} == set(index.coins)
    assert index.tip.hash == waiting._node._kernel.tip
    # What the history of a script adds up to is what is left of it.
    stats = waiting.rest("GET", f"/address/{address}")["chain_stats"]
    assert stats["funded_txo_sum"] - stats["spent_txo_sum"] == funds_of(waiting, address)


def test_headers_hash_to_their_names_and_follow_each_other(engine):
    from hashlib import sha256

    for height in range(1, 102):
        block = engine.rpc("getblock", [engine.rpc("getblockhash", [height])])
        raw = bytes.fromhex(engine.rpc("getblockheader", [block["hash"], False]))
        assert sha256(sha256(raw).digest()).digest()[::-1].hex() == block["hash"]
        assert block["previousblockhash"] == engine.rpc("getblockhash", [height - 1])
        assert raw[36:68][::-1].hex() == block["merkleroot"]
        assert bytes.fromhex(engine.rpc("getblock", [block["hash"], 0])).startswith(raw)


# -- spending --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_funded_and_spent(engine, kind):
    txid = engine.fund(address_of(KINDS[kind]), 1_000_000)
    target = script.p2wpkh(OTHER)
    raw = spend(engine, txid, 0, [(990_000, target)], kind=kind)
    sent = engine.rest("POST", "/tx", text=raw)
    assert sent == Transaction.parse(bytes.fromhex(raw)).txid().hex()
    answer = engine.rest("GET", f"/tx/{sent}")
    assert answer["fee"] == 10_000
    assert answer["status"]["confirmed"]
    assert engine.rest("GET", f"/tx/{txid}/outspend/0")["txid"] == sent
    assert funds_of(engine, address_of(target)) == 990_000
    assert funds_of(engine, address_of(KINDS[kind])) == 0


def test_a_multisig_of_embit_is_spent(engine):
    witness_script = script.multisig(2, [KEY.get_public_key(), OTHER.get_public_key()])
    txid = engine.fund(address_of(script.p2wsh(witness_script)), 500_000)
    tx = Transaction(
        version=2,
        vin=[TransactionInput(bytes.fromhex(txid), 0)],
        vout=[TransactionOutput(499_000, script.p2wpkh(OTHER))],
    )
    digest = tx.sighash_segwit(0, witness_script, 500_000)
    signatures = [key.sign(digest).serialize() + b"\x01" for key in (KEY, OTHER)]
    tx.vin[0].witness = script.Witness([b"", *signatures, witness_script.data])
    sent = engine.rpc("sendrawtransaction", [tx.serialize().hex()])
    assert engine.rpc("getrawtransaction", [sent, 1])["confirmations"] == 1
    shown = engine.rest("GET", f"/tx/{sent}")["vin"][0]["inner_witnessscript_asm"]
    assert shown.startswith("OP_PUSHNUM_2 OP_PUSHBYTES_33")
    assert shown.endswith("OP_PUSHNUM_2 OP_CHECKMULTISIG")


class _EsploraOverHttp(BaseHTTPRequestHandler):
    engine: BitcoinEngine

    def _answer(self, text: str | None) -> None:
        try:
            body, status = self.engine.rest(self.command, self.path, text=text), 200
        except Rejected as error:
            body, status = error.data, int(error.node_code or 500)
        if not isinstance(body, bytes):
            plain = body if isinstance(body, str) else json.dumps(body, default=_number)
            body = plain.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def log_message(self, format: str, *args: object) -> None:
        pass


def _number(value: object) -> float:
    assert isinstance(value, Decimal)
    return float(value)


@pytest.mark.parametrize("kind", ["bip84", "bip86", "bip49", "bip44"])
def test_a_wallet_of_bdk_scans_and_pays_through_esplora(engine, kind):
    bdk = pytest.importorskip("bdkpython", reason="an independent Bitcoin wallet")
    handler = type("Handler", (_EsploraOverHttp,), {"engine": engine})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        secret = bdk.DescriptorSecretKey(bdk.NetworkKind.TEST, bdk.Mnemonic.from_string(WORDS), "")
        make = getattr(bdk.Descriptor, f"new_{kind}")
        both = [make(secret, chain, bdk.NetworkKind.TEST) for chain in (bdk.KeychainKind.EXTERNAL, bdk.KeychainKind.INTERNAL)]  # fmt: skip
        wallet = bdk.Wallet(*both, bdk.Network.REGTEST, bdk.Persister.new_in_memory())
        client = bdk.EsploraClient(f"http://127.0.0.1:{server.server_address[1]}")
        for index in (0, 3):
            engine.fund(str(wallet.peek_address(bdk.KeychainKind.EXTERNAL, index).address), 2_000_000)
        wallet.apply_update(client.full_scan(wallet.start_full_scan().build(), 10, 2))
        assert wallet.balance().confirmed.to_sat() == 4_000_000
        rate = bdk.FeeRate.from_sat_per_vb(int(client.get_fee_estimates()[2]))
        pay = bdk.Address(address_of(script.p2tr(OTHER)), bdk.Network.REGTEST).script_pubkey()
        psbt = bdk.TxBuilder().add_recipient(pay, bdk.Amount.from_sat(3_000_000)).fee_rate(rate).finish(wallet)
        assert wallet.sign(psbt)
        client.broadcast(psbt.extract_tx())
        engine.mine(2)
        wallet.apply_update(client.full_scan(wallet.start_full_scan().build(), 10, 2))
        assert wallet.balance().confirmed.to_sat() == 1_000_000 - psbt.fee()
        assert funds_of(engine, address_of(script.p2tr(OTHER))) == 3_000_000
    finally:
        server.shutdown()
        server.server_close()
        serving.join(10)


@pytest.mark.parametrize("name", ["bitcoin", "bitcoin-regtest", "litecoin"])
@pytest.mark.parametrize("kind", ["p2wpkh", "p2tr", "p2sh-p2wpkh", "p2pkh"])
def test_our_own_wallet_cannot_tell_it_from_a_node(name, kind):
    with Devnet() as devnet, Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
        account = wallet.account(name, kind=kind)
        row = network(name)
        devnet.fund(account, "1.5")
        payee = wallet.account(name, account=1, index=4, kind="p2wpkh")
        sent = account.send(to=payee.address, amount="0.25")
        receipt = account.wait(sent.txid, confirmations=3)
        assert receipt.confirmations >= 3
        assert payee.balance().total == row.amount("0.25")
        assert account.balance().total == row.amount("1.25") - receipt.fee


# -- the faucet, blocks and time -------------------------------------------------------------------------------------


def test_the_faucet_makes_blocks_for_large_sums_and_knows_its_end(engine):
    address = address_of(KINDS["p2wpkh"])
    engine.fund(address, 300_000_000_000)
    assert funds_of(engine, address) == 300_000_000_000
    with pytest.raises(InsufficientFunds, match="15,000"):
        engine.fund(address, 1_500_000_000_001)
    for units in (0, -1, 293, True, 1.5, "1000"):
        with pytest.raises(InputError):
            engine.fund(address, units)


def test_without_automine_transactions_wait_and_the_faucet_leaves_them(waiting):
    txid = waiting.fund(address_of(KINDS["p2wpkh"]), 1_000_000)
    sent = waiting.rpc("sendrawtransaction", [spend(waiting, txid, 0, [(900_000, KINDS["p2tr"])])])
    waiting.fund(address_of(KINDS["p2pkh"]), 70_000)
    waiting.advance(10_000)
    assert waiting.rpc("getrawmempool", []) == [sent]
    assert not waiting.rest("GET", f"/tx/{sent}/status")["confirmed"]
    assert waiting.rpc("gettxout", [txid, 0]) is None
    assert waiting.rpc("gettxout", [txid, 0, False])["confirmations"] == 2
    assert waiting.rpc("gettxout", [sent, 0])["confirmations"] == 0
    waiting.mine()
    assert waiting.rpc("getrawmempool", []) == []
    assert waiting.rest("GET", f"/tx/{sent}/status")["block_height"] == waiting.rpc("getblockcount", [])


def test_drop_takes_descendants_along(waiting):
    txid = waiting.fund(address_of(KINDS["p2wpkh"]), 1_000_000)
    parent = waiting.rpc("sendrawtransaction", [spend(waiting, txid, 0, [(900_000, KINDS["p2wpkh"])])])
    child = waiting.rpc("sendrawtransaction", [spend(waiting, parent, 0, [(800_000, KINDS["p2wpkh"])])])
    assert waiting.rpc("getmempoolentry", [child])["depends"] == [parent]
    assert waiting.drop(parent)
    assert waiting.rpc("getrawmempool", []) == []
    assert not waiting.drop(parent)
    with pytest.raises(Rejected) as refused:
        waiting.rest("GET", f"/tx/{child}")
    assert refused.value.node_code == 404


def test_a_reorganisation_sends_transactions_back_to_the_mempool(engine):
    txid = engine.fund(address_of(KINDS["p2wpkh"]), 1_000_000)
    sent = engine.rpc("sendrawtransaction", [spend(engine, txid, 0, [(900_000, KINDS["p2tr"])])])
    old = engine.rpc("getbestblockhash", [])
    height = engine.rpc("getblockcount", [])
    engine.reorg(2)
    assert engine.rpc("getblockcount", []) == height + 1
    assert engine.rpc("getrawmempool", []) == [txid, sent]
    assert engine.rpc("getblock", [old])["confirmations"] == -1
    assert engine.rest("GET", f"/block/{old}/status")["in_best_chain"] is False
    assert [tip["status"] for tip in engine.rpc("getchaintips", [])] == ["active", "valid-fork"]
    assert funds_of(engine, address_of(KINDS["p2tr"])) == 0
    engine.advance(1)
    assert engine.rpc("getrawtransaction", [sent, 1])["confirmations"] == 1
    assert engine.rpc("getrawtransaction", [sent, 1, old])["in_active_chain"] is False


def test_a_reorganisation_forgets_what_spends_lost_rewards(waiting):
    address = address_of(KINDS["p2wpkh"])
    (made,) = waiting.rpc("generatetoaddress", [1, address])
    waiting.mine(99)
    reward = waiting.rpc("getblock", [made])["tx"][0]
    sent = waiting.rpc("sendrawtransaction", [spend(waiting, reward, 0, [(900_000, KINDS["p2tr"])]), 0])
    waiting.mine()
    waiting.reorg(101)
    assert waiting.rpc("getrawmempool", []) == []
    with pytest.raises(Rejected, match="No such mempool or blockchain transaction"):
        waiting.rpc("getrawtransaction", [sent])
    for depth in (0, -1, waiting.rpc("getblockcount", []) + 1):
        with pytest.raises(InputError, match="cannot be replaced"):
            waiting.reorg(depth)


def test_time_moves_by_blocks_and_by_advance(engine):
    before = engine.rpc("getblockchaininfo", [])["time"]
    engine.mine()
    assert engine.rpc("getblockchaininfo", [])["time"] == before + 600
    engine.advance(86_400)
    after = engine.rpc("getblockchaininfo", [])
    assert after["time"] == before + 1200 + 86_400
    engine.advance(10**10)  # no block may be so far ahead of the machine's clock
    engine.mine(20)
    assert engine.rpc("getblockcount", []) == after["blocks"] + 21


def test_a_block_that_consensus_refuses_is_told_and_the_chain_goes_on(waiting):
    from multiwallet.chains.bitcoin.transaction import Transaction as OurTransaction
    from multiwallet.devnet.bitcoin.mempool import Entry

    txid = waiting.fund(address_of(KINDS["p2wpkh"]), 1_000_000)
    raw = spend(waiting, txid, 0, [(2_000_000, KINDS["p2tr"])])  # more than there is
    planted = OurTransaction.parse(bytes.fromhex(raw))
    pool = waiting._node.mempool
    pool.entries[planted.txid] = Entry(planted, (), 0, 0, 0, planted.vsize, planted.weight)
    pool.spenders[planted.inputs[0].prevout] = _spender(planted.txid)
    height = waiting.rpc("getblockcount", [])
    with pytest.raises(ChainError, match="bad-txns-in-belowout"):
        waiting.mine()
    assert waiting.rpc("getblockcount", []) == height
    waiting.mine()
    assert waiting.rpc("getblockcount", []) == height + 1


def _spender(txid: str) -> object:
    from multiwallet.devnet.bitcoin.index import Spender

    return Spender(txid, 0)


def test_it_has_no_tokens_and_leaves_nothing_behind(engine):
    with pytest.raises(Unsupported):
        engine.deploy_token(symbol="T", decimals=0, supply_to="", supply=1)
    with pytest.raises(Unsupported):
        engine.fund_token("T", "x", 1)
    other = BitcoinEngine(REGTEST)
    folder = Path(other._node._kernel._folder.name)
    assert folder.is_dir()
    other.close()
    assert not folder.exists()
    assert engine.rpc("getblockcount", []) == 101  # one engine's end is not another's


def test_a_missing_engine_is_said_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pbk", None)
    with pytest.raises(MissingExtra, match="multiwallet-sdk\\[devnet\\]"):
        BitcoinEngine(REGTEST)


def test_several_threads_share_a_devnet():
    with Devnet() as devnet:
        names = ("bitcoin", "litecoin", "bitcoin-regtest", "bitcoin-testnet")
        with Wallet.from_mnemonic(WORDS, transport=devnet) as wallet:
            accounts = [wallet.account(name, index=index) for name in names for index in range(3)]
            threads = [threading.Thread(target=devnet.fund, args=(account, "0.5")) for account in accounts]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            assert all(account.balance().available == account.network.amount("0.5") for account in accounts)
