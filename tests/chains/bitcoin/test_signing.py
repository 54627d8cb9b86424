"""Signing PSBTs: the transactions of peers byte for byte, whose input is whose, and what is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from multiwallet import Wallet
from multiwallet.amounts import Amount
from multiwallet.chain import Holder
from multiwallet.chains.bitcoin import psbt_fields as field
from multiwallet.chains.bitcoin.psbt import Psbt
from multiwallet.chains.bitcoin.script import script_for_key
from multiwallet.chains.bitcoin.sighash import sighash_name
from multiwallet.chains.bitcoin.transaction import Transaction, TxIn, TxOut
from multiwallet.crypto.secp256k1 import SecpKey, decompress
from multiwallet.errors import InputError, InvalidTransaction, SigningRefused
from multiwallet.path import Path
from multiwallet.registry import network
from multiwallet.transactions import Fee, Scheme, UnsignedTransaction

OUT = (b"\x00\x14" + bytes(20), 50_000, None, None)
NETWORKS = {"bitcoin": "bitcoin", "testnet": "bitcoin-testnet", "litecoin": "litecoin"}


def test_transactions_of_peers_byte_for_byte(vectors, bench, adapter, bitcoin):
    """22 transactions on which bitcoinjs-lib, @scure/btc-signer, embit and BDK agree, with low-R signatures.

    Each key signs in its own turn and hands the PSBT on, through JSON, as cosigners do.
    """
    signed_count = 0
    for entry in vectors("btc_tx", "tx"):
        if entry["network"] == "dogecoin":  # there is no row for it
            params = {"p2pkh": 0x1E, "p2sh": 0x16, "coin_type": 3}
            row = replace(bitcoin, id="bip122:1a91e3dace36e2be3bf030a65679fe82", params=params)
        else:
            row = network(NETWORKS[entry["network"]])
        allowed = [sighash_name(i["sighash"]) for i in entry["inputs"] if i.get("sighash", 0) > 1]
        keys = {k["public_key"]: k for txin in entry["inputs"] for k in txin["signing_keys"]}
        native = entry["output"]["psbt_unsigned"]
        signed = None
        for number, stated in enumerate(keys.values(), 1):
            key = SecpKey(bytes.fromhex(stated["private_key"]))
            bench.keys[key.public_key] = key
            address = adapter.address(row, key.public_key, "p2pkh")
            holder = Holder(row, address, key.public_key, "p2pkh", Path(stated["path"]))
            wrapped = {"psbt": native, "allow_sighash": allowed} if allowed else native
            transaction = adapter.adopt(holder, wrapped)
            if entry["network"] != "dogecoin":
                transaction = UnsignedTransaction.from_json(transaction.to_json())
            requests = adapter.authorize(holder, transaction)
            assert {request.path for request in requests} == {Path(stated["path"])}
            signed = adapter.assemble(transaction, [(request, bench.sign(request)) for request in requests])
            assert signed.complete is (number == len(keys)), entry["id"]
            native = signed.raw
        assert signed is not None
        assert signed.hex() == entry["output_low_r"]["tx"], entry["id"]
        assert signed.txid == entry["output_low_r"]["txid"]
        assert adapter.parse_signed(row, signed.to_wire()) == signed
        size = transaction.fee.details["vsize"]
        assert 0 <= size - entry["output_low_r"]["vsize"] <= 2 * len(keys) + 1
        signed_count += 1
    assert signed_count == 22


def test_signed_psbts_of_peers_become_their_transactions(vectors, adapter, bitcoin):
    """Their signatures, plain RFC 6979, are verified and put into the same transaction that they make."""
    for entry in vectors("btc_tx", "tx"):
        signed = adapter.parse_signed(bitcoin, entry["output"]["psbt_signed"])
        assert signed.hex() == entry["output"]["tx"], entry["id"]
        assert (signed.txid, signed.complete) == (entry["output"]["txid"], True)


@pytest.mark.parametrize("kind", ["p2wpkh", "p2tr", "p2sh-p2wpkh", "p2pkh"])
@pytest.mark.parametrize("path", ["m/84'/0'/0'/0/0", None])
def test_one_key_signs_all_that_it_spends(bench, kind, path):
    holder = bench.holder("single", kind, path)
    coins = [bench.coin(kind, holder.public_key, seed=n, path=holder.path) for n in range(3)]
    signed = bench.signed(holder, Psbt.create(coins, [OUT]).serialize())
    assert signed.complete
    transaction = Transaction.parse(signed.raw)
    assert transaction.txid == signed.txid
    assert [txin.outpoint for txin in transaction.inputs] == [coin.outpoint for coin in coins]


def test_inputs_that_name_no_key_are_found_by_their_scripts(bench):
    """For one key, for the scripts that a scan found, and for the first addresses of an account not yet scanned."""
    single = bench.holder("bare")
    scanned = bench.whole("scanned", "p2sh-p2wpkh")
    far = bench.key(("scanned", 1, 77)).public_key
    state = type("State", (), {"scripts": {script_for_key("p2sh-p2wpkh", far): (1, 77)}})()
    scanned = replace(scanned, state=state)
    fresh = bench.whole("fresh", "p2tr")
    cases = [
        (single, "p2wpkh", single.public_key, single.path),
        (scanned, "p2sh-p2wpkh", far, Path("m/49'/0'/0'/1/77")),
        (fresh, "p2tr", bench.key(("fresh", 0, 19)).public_key, Path("m/86'/0'/0'/0/19")),
    ]
    for holder, kind, key, path in cases:
        psbt = Psbt.create([bench.coin(kind, key)], [OUT])
        keep = {field.WITNESS_UTXO, field.NON_WITNESS_UTXO}
        bare = Psbt(psbt.transaction, [{k: v for k, v in psbt.inputs[0].items() if k in keep}], psbt.outputs)
        transaction = bench.chain.adopt(holder, bare.to_base64())
        (request,) = bench.chain.authorize(holder, transaction)
        assert (request.public_key, request.path) == (key, path)
        assert UnsignedTransaction.from_json(transaction.to_json()) == transaction
        assert bench.signed(holder, bare.to_base64()).complete


def test_a_whole_account_believes_its_own_derivation_only(bench):
    holder = bench.whole("whole")
    account = holder.account_path
    mine = bench.key(("whole", 1, 4)).public_key
    right = bench.coin("p2wpkh", mine, path=account / 1 / 4, fingerprint=holder.fingerprint)
    assert bench.signed(holder, Psbt.create([right], [OUT]).serialize()).complete
    # written from the account's key on, with its fingerprint, as a watch-only coordinator does
    relative = right._replace(path=Path("m/1/4"), fingerprint=b"\xaa\xbb\xcc\xdd")
    transaction = bench.chain.adopt(holder, Psbt.create([relative], [OUT]).serialize())
    (request,) = bench.chain.authorize(holder, transaction)
    assert request.path == account / 1 / 4
    # a stranger's key with a path of ours, and a key of ours with a path that leads elsewhere
    stranger = bench.coin(
        "p2wpkh", bench.key("stranger").public_key, path=account / 1 / 4, fingerprint=holder.fingerprint
    )
    astray = right._replace(path=account / 1 / 5)
    for coin in (stranger, astray, right._replace(path=Path("m/84'/0'/1'/1/4"))):
        transaction = bench.chain.adopt(holder, Psbt.create([coin], [OUT]).serialize())
        with pytest.raises(SigningRefused, match="no input"):
            bench.chain.authorize(holder, transaction)


@pytest.mark.parametrize("steps", [(2, 0), (8388608, 0), (2**31, 0), (0, 2**31), (2**32 - 1, 2**32 - 1)])
def test_chains_that_an_account_does_not_have(bench, steps):
    """A path in a PSBT is whatever its author wrote."""
    with Wallet.from_mnemonic("test test test test test test test test test test test junk") as wallet:
        account = wallet.account("bitcoin")
        key = account.public_key
        for path in (Path((*account.path.indexes[:3], *steps)), Path(steps)):
            coin = bench.coin("p2wpkh", key, path=path, fingerprint=bytes(4))
            claimed = (script_for_key("p2wpkh", key), 50_000, key, path)
            with pytest.raises(SigningRefused, match="no input"):
                account.sign(Psbt.create([coin], [OUT]).serialize())
            good = bench.coin("p2wpkh", key, path=account.path, fingerprint=bytes(4))
            assert account.sign(Psbt.create([good], [claimed]).serialize()).complete


def test_a_derivation_that_the_script_does_not_bear_out_gives_no_request(bench):
    holder = bench.holder("liar")
    psbt = Psbt.create([bench.coin("p2wpkh", bench.key("victim").public_key)], [OUT])
    fields = {k: v for k, v in psbt.inputs[0].items() if k[0] != field.BIP32_DERIVATION}
    fields[bytes([field.BIP32_DERIVATION]) + holder.public_key] = field.derivation_value(None, holder.path)
    false = Psbt(psbt.transaction, [fields], psbt.outputs)
    transaction = bench.chain.adopt(holder, false.serialize())
    assert transaction.requests == ()
    with pytest.raises(SigningRefused):
        bench.chain.authorize(holder, transaction)


def test_inputs_of_others_are_left_to_them(bench):
    """Three owners, four kinds: each signs its own, in any order, and the last one gets the transaction."""
    first, second, third = bench.holder("a"), bench.holder("b", "p2tr"), bench.whole("c")
    whole_key = bench.key(("c", 0, 3)).public_key
    coins = [
        bench.coin("p2wpkh", first.public_key, path=first.path),
        bench.coin("p2tr", second.public_key, path=second.path),
        bench.coin("p2pkh", first.public_key, path=first.path),
        bench.coin("p2wpkh", whole_key, path=third.account_path / 0 / 3, fingerprint=third.fingerprint),
    ]
    psbt = Psbt.create(coins, [OUT]).serialize()
    results = set()
    for order in ((first, second, third), (third, second, first), (second, first, third)):
        native = psbt
        for number, holder in enumerate(order):
            signed = bench.signed(holder, native)
            assert signed.complete is (number == 2)
            if not signed.complete:
                assert Psbt.parse(signed.to_wire()).serialize() == signed.raw
                with pytest.raises(InvalidTransaction, match="missing"):
                    bench.chain.parse_signed(bench.row, signed.raw)
                with pytest.raises(SigningRefused, match="already signed"):
                    bench.chain.authorize(holder, bench.chain.adopt(holder, signed.raw))
            native = signed.raw
        results.add((signed.raw, signed.txid))
    assert len(results) == 1


def test_inputs_that_somebody_finalised_stay_as_they_are(bench):
    ours, theirs = bench.holder("ours"), bench.holder("theirs")
    coins = [bench.coin("p2wpkh", ours.public_key), bench.coin("p2wpkh", theirs.public_key)]
    psbt = Psbt.create(coins, [OUT])
    half = Psbt.parse(bench.signed(theirs, psbt.serialize()).raw)
    (signature,) = [value for key, value in half.inputs[1].items() if key[0] == field.PARTIAL_SIG]
    witness = field.write_stack([signature, theirs.public_key])
    utxo = half.inputs[1][field.WITNESS_UTXO]
    final = Psbt(
        half.transaction, [half.inputs[0], {field.WITNESS_UTXO: utxo, field.FINAL_WITNESS: witness}], half.outputs
    )
    signed = bench.signed(ours, final.serialize())
    assert signed.complete
    assert Transaction.parse(signed.raw).inputs[1].witness == (signature, theirs.public_key)
    assert signed == bench.signed(ours, half.serialize())


def test_a_bad_signature_in_a_psbt_is_not_passed_on(bench):
    ours, theirs = bench.holder("ours"), bench.holder("theirs", "p2tr")
    coins = [bench.coin("p2wpkh", ours.public_key), bench.coin("p2tr", theirs.public_key)]
    half = Psbt.parse(bench.signed(theirs, Psbt.create(coins, [OUT]).serialize()).raw)
    for wrong in (bytes(64), half.inputs[1][field.TAP_KEY_SIG] + b"\x01"):
        spoiled = half.updated({1: {field.TAP_KEY_SIG: wrong}})
        with pytest.raises(InvalidTransaction, match="not good for its key"):
            bench.signed(ours, spoiled.serialize())


def test_an_old_uncompressed_key_signs(bench):
    key = bench.key("old")
    public = decompress(key.public_key)
    bench.keys[public] = key
    holder = Holder(bench.row, bench.chain.address(bench.row, public), public, "p2pkh")
    signed = bench.signed(holder, Psbt.create([bench.coin("p2pkh", public)], [OUT]).serialize())
    assert signed.complete
    assert public in Transaction.parse(signed.raw).inputs[0].script_sig


@pytest.mark.parametrize("sighash", [2, 3, 0x82, 0x83])
@pytest.mark.parametrize("kind", ["p2wpkh", "p2tr", "p2pkh"])
def test_other_sighash_types_need_a_yes(bench, kind, sighash):
    holder = bench.holder("careful", kind)
    psbt = Psbt.create([bench.coin(kind, holder.public_key)], [OUT])
    psbt = psbt.updated({0: {field.SIGHASH_TYPE: sighash.to_bytes(4, "little")}}).to_base64()
    name = sighash_name(sighash)
    transaction = bench.chain.adopt(holder, psbt)
    assert any(name in warning for warning in transaction.summary.warnings)
    for native in (psbt, {"psbt": psbt, "allow_sighash": ["ALL"]}):
        with pytest.raises(SigningRefused, match="allow_sighash"):
            bench.chain.authorize(holder, bench.chain.adopt(holder, native))
    assert bench.signed(holder, {"psbt": psbt, "allow_sighash": [name]}).complete


@pytest.mark.parametrize("kind", ["p2wpkh", "p2tr", "p2pkh"])
def test_anyonecanpay_over_all_outputs_is_signed_with_a_warning(bench, kind):
    holder = bench.holder("careful", kind)
    psbt = Psbt.create([bench.coin(kind, holder.public_key)], [OUT])
    psbt = psbt.updated({0: {field.SIGHASH_TYPE: b"\x81\0\0\0"}})
    summary = bench.chain.adopt(holder, psbt.to_base64()).summary
    assert any("ALL|ANYONECANPAY: others could add inputs" in warning for warning in summary.warnings)
    assert bench.signed(holder, psbt.to_base64()).complete


@pytest.mark.parametrize("sighash", [2, 3, 0x82, 0x83])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_unusual_input_among_ours_stops_the_whole(sighash, at, bench):
    """An error from ``sign``, and no transaction that lacks a signature without saying so."""
    with Wallet.from_private_key("bitcoin", hashlib.sha256(b"several").hexdigest()) as wallet:
        account = wallet.account("bitcoin")
        coins = [bench.coin("p2wpkh", account.public_key, seed=seed) for seed in range(3)]
        psbt = Psbt.create(coins, [OUT, OUT, OUT])
        assert account.sign(psbt.to_base64()).complete
        asking = psbt.updated({at: {field.SIGHASH_TYPE: sighash.to_bytes(4, "little")}}).to_base64()
        for native in (asking, {"psbt": asking, "allow_sighash": ["ALL|ANYONECANPAY"]}):
            with pytest.raises(SigningRefused, match=f"input {at} asks"):
                account.sign(native)
        assert account.sign({"psbt": asking, "allow_sighash": [sighash_name(sighash)]}).complete


@pytest.mark.parametrize(
    ("kind", "sighash"), [("p2wpkh", 0), ("p2wpkh", 4), ("p2tr", 0x80), ("p2pkh", 0x50), ("p2tr", 2**31)]
)
def test_sighash_types_that_do_not_exist(bench, kind, sighash):
    holder = bench.holder("careful", kind)
    psbt = Psbt.create([bench.coin(kind, holder.public_key)], [OUT])
    psbt = psbt.updated({0: {field.SIGHASH_TYPE: sighash.to_bytes(4, "little")}})
    with pytest.raises(InvalidTransaction, match="sighash type"):
        bench.chain.adopt(holder, psbt.serialize())


def test_taproot_all_and_default_differ_by_a_byte(bench):
    holder = bench.holder("tap", "p2tr")
    psbt = Psbt.create([bench.coin("p2tr", holder.public_key)], [OUT])
    default = Transaction.parse(bench.signed(holder, psbt.serialize()).raw)
    explicit = psbt.updated({0: {field.SIGHASH_TYPE: b"\x01\0\0\0"}})
    every = Transaction.parse(bench.signed(holder, explicit.serialize()).raw)
    assert len(default.inputs[0].witness[0]) == 64
    assert (len(every.inputs[0].witness[0]), every.inputs[0].witness[0][64]) == (65, 1)


def test_refused_before_any_signature(bench):
    holder = bench.holder("h")
    coin = bench.coin("p2wpkh", holder.public_key)
    psbt = Psbt.create([coin], [OUT])
    without = Psbt(psbt.transaction, [{}], psbt.outputs)
    with pytest.raises(InvalidTransaction, match="does not say what it spends"):
        bench.chain.adopt(holder, without.serialize())
    with pytest.raises(InvalidTransaction, match="more than the inputs"):
        bench.chain.adopt(holder, Psbt.create([coin], [(OUT[0], 100_001, None, None)]).serialize())
    lie = TxOut(10**9, coin.script).serialize()
    with pytest.raises(InvalidTransaction, match="two different things"):
        bench.chain.adopt(holder, _raw(psbt, {**psbt.inputs[0], field.WITNESS_UTXO: lie}))
    other = bench.coin("p2wpkh", holder.public_key, seed=5).previous_transaction
    with pytest.raises(InvalidTransaction, match="not the one that it spends"):
        bench.chain.adopt(holder, _raw(psbt, {**psbt.inputs[0], field.NON_WITNESS_UTXO: other}))
    legacy = Psbt.create([bench.coin("p2pkh", holder.public_key)], [OUT])
    fields = {field.WITNESS_UTXO: TxOut(100_000, script_for_key("p2pkh", holder.public_key)).serialize()}
    fields |= {key: value for key, value in legacy.inputs[0].items() if key != field.NON_WITNESS_UTXO}
    with pytest.raises(InvalidTransaction, match="lacks its previous transaction"):
        bench.chain.adopt(holder, _raw(legacy, fields))
    tap = Psbt.create([bench.coin("p2tr", holder.public_key)], [OUT])
    with pytest.raises(InvalidTransaction, match="merkle root"):
        bench.chain.adopt(holder, _raw(tap, {**tap.inputs[0], field.TAP_MERKLE_ROOT: bytes(32)}))


def _raw(psbt, fields):
    """The bytes of a PSBT with other fields in its first input, which the class itself would not let be made."""
    raw = psbt.serialize()
    old, new = (b"".join(field.write_map(each)) for each in (psbt.inputs[0], fields))
    assert raw.count(old) == 1
    return raw.replace(old, new)


def test_network_and_stored_parts_must_agree(bench):
    holder = bench.holder("h")
    transaction = bench.chain.adopt(holder, Psbt.create([bench.coin("p2wpkh", holder.public_key)], [OUT]).serialize())
    elsewhere = replace(holder, network=network("litecoin"))
    with pytest.raises(SigningRefused, match="Litecoin"):
        bench.chain.authorize(elsewhere, transaction)
    parts = {
        "sender": transaction.sender,
        "body": transaction.body,
        "fee": transaction.fee,
        "paths": {},
        "assets": (),
        "context": {},
    }
    assert bench.chain.restore(bench.row, **parts) == transaction
    fee = Amount(1, bench.row.native)
    for wrong in (
        {"fee": Fee(fee, fee)},
        {"fee": Fee(transaction.fee.expected, fee)},
        {"assets": (bench.row.native,)},
        {"sender": "nobody"},
        {"context": {"change": [1]}},
        {"context": {"change": [True]}},
        {"context": {"change": "0"}},
        {"context": {"allow_sighash": "NONE"}},
        {"context": {"other": 1}},
        {"body": transaction.body[:-1]},
    ):
        with pytest.raises(InputError):
            bench.chain.restore(bench.row, **{**parts, **wrong})


def test_assemble_checks_what_it_is_handed(bench):
    holder = bench.holder("h")
    coins = [bench.coin("p2wpkh", holder.public_key), bench.coin("p2tr", holder.public_key)]
    transaction = bench.chain.adopt(holder, Psbt.create(coins, [OUT]).serialize())
    requests = bench.chain.authorize(holder, transaction)
    pairs = [(request, bench.sign(request)) for request in requests]
    assert bench.chain.assemble(transaction, pairs).complete
    assert bench.chain.assemble(transaction, pairs[::-1]) == bench.chain.assemble(transaction, pairs)
    partial = bench.chain.assemble(transaction, pairs[:1])
    assert not partial.complete
    assert partial.txid == bench.chain.assemble(transaction, pairs).txid
    assert not bench.chain.assemble(transaction, []).complete
    (first, signature), (second, _) = pairs
    foreign = replace(first, preimage=first.preimage + b"\0")
    for wrong in (
        [(first, signature[:-1])],
        [(first, signature + b"\0")],
        [(second, b"")],
        [(foreign, signature)],
        [(replace(first, public_key=bench.key("o").public_key), signature)],
        [(replace(second, public_key=bench.key("o").public_key), signature)],
        [(replace(first, scheme=Scheme.SCHNORR), signature)],
        [(replace(second, scheme=Scheme.LOW_R), signature)],
    ):
        with pytest.raises(InvalidTransaction):
            bench.chain.assemble(transaction, wrong)


def test_mappings_and_other_forms(bench):
    holder = bench.holder("h")
    psbt = Psbt.create([bench.coin("p2wpkh", holder.public_key)], [OUT])
    forms = [
        psbt.to_base64(),
        psbt.serialize(),
        psbt.serialize().hex(),
        bytearray(psbt.serialize()),
        {"psbt": psbt.to_base64()},
    ]
    assert len({bench.chain.adopt(holder, form).body for form in forms}) == 1
    for wrong in (
        {},
        {"a": 1},
        {"psbt": psbt.to_base64(), "x": 1},
        {"psbt": None},
        {"psbt": psbt.to_base64(), "allow_sighash": "NONE"},
        {"psbt": psbt.to_base64(), "allow_sighash": [1]},
        [],
        None,
        1.5,
        psbt.transaction.serialize().hex(),
        psbt.transaction.serialize(),
    ):
        with pytest.raises(InvalidTransaction):
            bench.chain.adopt(holder, wrong)


def test_version_2_is_adopted_as_version_0(vectors, bench, bitcoin):
    """The same transaction in both versions gives the same bytes; BIP-370's own vectors are adopted."""
    holder = bench.holder("v2")
    psbt = Psbt.create([bench.coin("p2wpkh", holder.public_key, path=holder.path)], [OUT])
    txin, out = psbt.transaction.inputs[0], psbt.transaction.outputs[0]
    head = {b"\x02": b"\x02\0\0\0", b"\x04": b"\x01", b"\x05": b"\x01", b"\xfb": b"\x02\0\0\0"}
    body = {**psbt.inputs[0], b"\x0e": txin.prevout[:32], b"\x0f": txin.prevout[32:], b"\x10": b"\xfd\xff\xff\xff"}
    paid = {b"\x03": out.amount.to_bytes(8, "little"), b"\x04": out.script}
    raw = b"psbt\xff" + b"".join(b"".join(field.write_map(each)) for each in (head, body, paid))
    assert bench.signed(holder, raw) == bench.signed(holder, psbt.serialize())
    for entry in vectors("btc_tx", "bip370-official"):
        if "valid" in entry["id"] and entry["expect"] == "valid" and "updated" in entry["description"]:
            transaction = bench.chain.adopt(holder, entry["psbt"])
            assert Psbt.parse(transaction.body) == Psbt.parse(entry["psbt"])
            assert b"\x01\xfb\x04\x02" not in transaction.body


def test_thousands_of_old_inputs_are_refused_before_their_hashes_fill_the_memory(bench):
    holder = bench.holder("h", "p2pkh")
    script = script_for_key("p2pkh", holder.public_key)
    origin = {b"\x06" + holder.public_key: bytes(4)}
    for count, refused in ((600, False), (3000, True)):
        previous = [Transaction(2, [TxIn(n.to_bytes(36, "little"))], [TxOut(1, script)]) for n in range(count)]
        inputs = [TxIn(made.txid_bytes + bytes(4)) for made in previous]
        maps = [{field.NON_WITNESS_UTXO: made.serialize(), **origin} for made in previous]
        psbt = Psbt(Transaction(2, inputs, [TxOut(1, b"\x00\x14" + bytes(20))]), maps, [{}])
        if refused:
            with pytest.raises(InvalidTransaction, match="split it"):
                bench.chain.adopt(holder, psbt.serialize())
        else:
            assert len(bench.chain.adopt(holder, psbt.serialize()).requests) == count


def test_garbage_is_no_signed_transaction(adapter, bitcoin):
    garbage = ["", "zz", "00", b"", b"\xff" * 40, {}, [], None, 7, 1.5, "cHNidP8=", "A" * 100, "70736274ff", object()]
    for wire in garbage:
        with pytest.raises(InvalidTransaction):
            adapter.parse_signed(bitcoin, wire)


def test_an_unsigned_transaction_is_no_signed_one(bench):
    psbt = Psbt.create([bench.coin("p2wpkh", bench.key(1).public_key)], [OUT])
    with pytest.raises(InvalidTransaction, match="not signed"):
        bench.chain.parse_signed(bench.row, psbt.transaction.serialize())
    with pytest.raises(InvalidTransaction, match="missing"):
        bench.chain.parse_signed(bench.row, psbt.to_base64())
