"""The adapter as a whole: what it refuses before any I/O, many inputs, many threads, and JSON."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.amounts import Amount, Asset
from multiwallet.chain import Options, Payment
from multiwallet.chains.bitcoin.psbt import Psbt
from multiwallet.chains.bitcoin.sighash import Sighash
from multiwallet.chains.bitcoin.signable import examine
from multiwallet.chains.bitcoin.transaction import Transaction, TxIn, TxOut
from multiwallet.errors import InputError, InvalidTransaction, Unsupported
from multiwallet.registry import chain, network
from multiwallet.transactions import UnsignedTransaction

OUT = (b"\x00\x14" + bytes(20), 50_000, None, None)


def test_what_the_family_says_of_itself(adapter, bitcoin):
    assert (adapter.family, adapter.curve, adapter.whole_accounts) == ("bitcoin", "secp256k1", True)
    assert adapter.kinds == ("p2wpkh", "p2tr", "p2sh-p2wpkh", "p2pkh")
    assert adapter.key_forms == ("wif", "hex")
    assert chain(network("litecoin")) is adapter


def test_tokens_are_refused_before_any_io(bench):
    holder = bench.holder("h")
    token = Asset("eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7", "USDT", 6)
    elsewhere = network("litecoin").native
    for asset in (token, elsewhere):
        with pytest.raises(Unsupported, match="not its coin"):
            bench.chain.balance(holder, asset)
        with pytest.raises(Unsupported, match="not its coin"):
            bench.chain.build(holder, (Payment(holder.address, Amount(1, asset)),), Options())
    for refused in (
        lambda: bench.chain.asset_id(bench.row, "x"),
        lambda: bench.chain.typed_data(holder, {}),
        lambda: bench.chain.verify_typed_data(bench.row, holder.address, {}, ""),
    ):
        with pytest.raises(Unsupported):
            refused()
    assert bench.chain.batch(holder) is None


def test_two_hundred_inputs_hash_what_they_share_once(bench, monkeypatch):
    """Signing n inputs costs n: the three hashes of BIP-143 and the five of BIP-341 are made once."""
    holder = bench.holder("many")
    kinds = ("p2wpkh", "p2tr")
    coins = [bench.coin(kinds[n % 2], holder.public_key, seed=n, path=holder.path, proven=False) for n in range(200)]
    psbt = Psbt.create(coins, [OUT])
    calls = []
    for name in ("_prevouts", "_sequences"):
        original = getattr(Sighash, name)
        monkeypatch.setattr(Sighash, name, lambda self, o=original, n=name: calls.append(n) or o(self))
    signed = bench.signed(holder, psbt.serialize())
    assert signed.complete
    assert sorted(calls) == ["_prevouts"] * 2 + ["_sequences"] * 2
    assert len(Transaction.parse(signed.raw).inputs) == 200


def test_threads_agree(bench):
    holder = bench.holder("threads")
    psbts = [
        Psbt.create([bench.coin("p2wpkh", holder.public_key, seed=(n, m)) for m in range(5)], [OUT]).serialize()
        for n in range(20)
    ]
    expected = [bench.signed(holder, psbt) for psbt in psbts]
    results, errors = [], []

    def work():
        try:
            results.append([bench.signed(holder, psbt) for psbt in psbts])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert results == [expected] * 4


def test_a_large_psbt_is_not_kept_in_memory(bench):
    holder = bench.holder("large")
    previous = Transaction(2, [TxIn(bytes(36), bytes(1_100_000))], [TxOut(1, b"\x51")])
    coin = bench.coin("p2wpkh", holder.public_key, proven=False)
    psbt = Psbt.create([coin], [OUT]).updated({0: {b"\xf0big": previous.serialize()}})
    first = examine(psbt.serialize())
    assert examine(psbt.serialize()) is not first
    small = Psbt.create([coin], [OUT]).serialize()
    assert examine(small) is examine(bytes(bytearray(small)))
    assert bench.signed(holder, psbt.serialize()).complete


def test_json_with_other_requests_is_refused(bench):
    import json

    holder = bench.holder("json")
    coins = [bench.coin("p2wpkh", holder.public_key, path=holder.path), bench.coin("p2tr", holder.public_key)]
    transaction = bench.chain.adopt(holder, Psbt.create(coins, [OUT]).serialize())
    text = transaction.to_json()
    again = UnsignedTransaction.from_json(text)
    assert again == transaction
    assert again.to_json() == text
    assert bench.chain.authorize(holder, again) == bench.chain.authorize(holder, transaction)
    for change in (
        lambda data: data["requests"][0].update(preimage="00"),
        lambda data: data["requests"][1].update(tweak="00" * 32),
        lambda data: data["requests"].pop(),
        lambda data: data.update(body=data["body"][:-2]),
        lambda data: data.update(sender="nobody"),
        lambda data: data["fee"]["expected"].update(units="1"),
        lambda data: data["context"].update(change=[5]),
    ):
        data = json.loads(text)
        change(data)
        with pytest.raises(InputError):
            UnsignedTransaction.from_json(json.dumps(data))


@given(st.binary(max_size=200), st.text(max_size=50))
def test_garbage_is_refused_with_an_error_of_the_tree(data, text):
    row = network("bitcoin")
    adapter = chain(row)
    holder_key = bytes.fromhex("0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c")
    from multiwallet.chain import Holder

    holder = Holder(row, adapter.address(row, holder_key), holder_key, "p2wpkh")
    for native in (data, text, b"psbt\xff" + data, {"psbt": data}, {"psbt": text, "allow_sighash": [text]}):
        with pytest.raises(InvalidTransaction):
            adapter.adopt(holder, native)


def test_a_holder_elsewhere_shares_nothing(bench):
    """The same key on another network of the family signs there only."""
    holder = bench.holder("h")
    row = network("bitcoin-regtest")
    there = replace(holder, network=row, address=bench.chain.address(row, holder.public_key))
    psbt = Psbt.create([bench.coin("p2wpkh", holder.public_key)], [OUT]).serialize()
    transaction = bench.chain.adopt(there, psbt)
    assert transaction.summary.actions[0].to.startswith("bcrt1")
    assert bench.chain.authorize(there, transaction)
