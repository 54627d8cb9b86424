"""Signed messages: BIP-137 and BIP-322 against peers and the official vectors."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiwallet.chain import Holder
from multiwallet.chains.bitcoin import messages
from multiwallet.chains.bitcoin.addresses import address_of, script_of
from multiwallet.chains.bitcoin.psbt_fields import write_stack
from multiwallet.chains.bitcoin.script import p2wsh, push, script_for_key
from multiwallet.chains.bitcoin.sighash import Sighash
from multiwallet.chains.bitcoin.transaction import Transaction, TxOut
from multiwallet.codec import der
from multiwallet.crypto.hashes import sha256d, tagged_hash
from multiwallet.crypto.secp256k1 import SecpKey, decompress
from multiwallet.errors import InputError, InvalidAddress, InvalidMessage, Unsupported
from multiwallet.path import Path
from multiwallet.registry import chain, network

# Scripts that only an interpreter can judge, and proofs of funds, which need the coins: both do not verify here.
NOT_JUDGED = ("p2tr-time-lock", "p2wsh-time-lock")


def sign(bench, holder, message, **form):
    request = bench.chain.message(holder, message, **form)
    return bench.chain.message_signature(holder, request, bench.sign(request))


def test_signatures_of_peers(vectors, bench):
    """ECDSA signatures equal those of bitcoinjs-message, @scure/btc-signer and bip322-js; Schnorr ones verify."""
    count = 0
    for entry in vectors("btc_tx"):
        if entry["kind"] not in ("bip137", "bip322-simple"):
            continue
        key = SecpKey(bytes.fromhex(entry["private_key"]))
        bench.keys[key.public_key] = key
        holder = Holder(bench.row, entry["address"], key.public_key, entry["type"], Path(entry["path"]))
        message, expected = entry["message"], entry["output"]["signature"]
        form = "bip137" if entry["kind"] == "bip137" else "bip322"
        ours = sign(bench, holder, message, form=form)
        if entry["type"] != "p2tr":
            assert ours == expected
        else:  # the peers sign with the type ALL, we with DEFAULT
            assert len(base64.b64decode(ours)) == len(base64.b64decode(expected)) - 1
        known = [ours, expected]
        if "signature_full" in entry["output"]:
            known.append("ful" + entry["output"]["signature_full"])
            known += ["smp" + ours, entry.get("btclib_wallet_signature") or ours]
            script = script_of(bench.row, entry["address"])
            data = message.encode()
            assert messages.message_hash(data).hex() == entry["output"]["message_hash"]
            assert messages.to_spend(script, data).txid == entry["output"]["to_spend_txid"]
            assert messages.to_sign(script, data).txid == entry["output"]["to_sign_txid"]
        for signature in known:
            assert bench.chain.verify_message(bench.row, entry["address"], message, signature)
            assert not bench.chain.verify_message(bench.row, entry["address"], message + " ", signature)
        count += 1
    assert count == 21


def test_bip322_official_vectors(vectors, bench):
    counted = dict.fromkeys(("tx_hashes", "simple", "full", "error", "proof_of_funds"), 0)
    for entry in vectors("btc_tx", "bip322-official"):
        counted[entry["category"]] += 1
        address, message = entry["address"], entry["message"]
        match entry["category"]:
            case "tx_hashes":
                script = script_of(bench.row, address)
                assert messages.message_hash(message.encode()).hex() == entry["message_hash"]
                assert messages.to_spend(script, message.encode()).txid == entry["to_spend_tx_hash"]
                assert messages.to_sign(script, message.encode()).txid == entry["to_sign_tx_hash"]
            case "error":
                assert not bench.chain.verify_message(bench.row, address, message, entry["signature"]), entry["id"]
            case category:
                expected = category != "proof_of_funds" and entry["type"] not in NOT_JUDGED
                for signature in entry["bip322_signatures"]:
                    assert bench.chain.verify_message(bench.row, address, message, signature) is expected, entry["id"]
    assert counted == {"tx_hashes": 3, "simple": 8, "full": 10, "error": 36, "proof_of_funds": 3}


@pytest.mark.parametrize("kind", ["p2pkh", "p2wpkh", "p2sh-p2wpkh", "p2tr"])
@pytest.mark.parametrize("form", [None, "bip137", "bip322"])
@pytest.mark.parametrize("whole", [False, True])
def test_every_kind_and_form(bench, kind, form, whole):
    holder = bench.whole("m", kind) if whole else bench.holder("m", kind)
    other = bench.holder("other", kind)
    named = {} if form is None else {"form": form}
    if (kind, form) == ("p2tr", "bip137"):
        with pytest.raises(Unsupported, match="bip322"):
            sign(bench, holder, "hello", **named)
        return
    for message in ("", "hello", "zażółć gęślą jaźń 🪙", b"\x00\xff" * 200):
        signature = sign(bench, holder, message, **named)
        verify = bench.chain.verify_message
        assert verify(bench.row, holder.address, message, signature)
        assert not verify(bench.row, other.address, message, signature)
        assert not verify(bench.row, holder.address, b"other", signature)
        is_compact = form == "bip137" or (form is None and kind == "p2pkh")
        assert (len(base64.b64decode(signature.removeprefix("ful"))) == 65) is is_compact
        if not signature.startswith("ful"):
            assert verify(bench.row, holder.address, message, base64.b64decode(signature))


def test_loose_headers_as_electrum_writes_them(bench):
    """Electrum and others sign for segwit addresses with the header of a compressed p2pkh key."""
    for kind in ("p2wpkh", "p2sh-p2wpkh", "p2pkh"):
        holder = bench.holder("m", kind)
        raw = base64.b64decode(sign(bench, holder, "hello", form="bip137"))
        recovery = (raw[0] - 27) & 3
        loose = base64.b64encode(bytes([31 + recovery]) + raw[1:]).decode()
        assert bench.chain.verify_message(bench.row, holder.address, "hello", loose)
        for header in (26, 43, 255, 31 + (recovery ^ 1)):
            wrong = base64.b64encode(bytes([header]) + raw[1:]).decode()
            assert not bench.chain.verify_message(bench.row, holder.address, "hello", wrong)
        strict = {"p2wpkh": 35, "p2sh-p2wpkh": 39, "p2pkh": 39}[kind]  # the header of another segwit kind
        wrong = base64.b64encode(bytes([strict + recovery]) + raw[1:]).decode()
        assert not bench.chain.verify_message(bench.row, holder.address, "hello", wrong)


def test_an_uncompressed_key_has_its_own_header(bench):
    key = bench.key("old")
    public = decompress(key.public_key)
    bench.keys[public] = key
    holder = Holder(bench.row, bench.chain.address(bench.row, public), public, "p2pkh")
    signature = sign(bench, holder, "hello")
    assert base64.b64decode(signature)[0] in (27, 28, 29, 30)
    assert bench.chain.verify_message(bench.row, holder.address, "hello", signature)
    compressed = bench.holder("old", "p2pkh")
    assert not bench.chain.verify_message(bench.row, compressed.address, "hello", signature)


def test_each_network_has_its_magic(bench):
    litecoin = network("litecoin")
    key = bench.key("l")
    holder = Holder(litecoin, chain(litecoin).address(litecoin, key.public_key, "p2pkh"), key.public_key, "p2pkh")
    request = bench.chain.message(holder, "hello")
    assert request.preimage == b"\x19Litecoin Signed Message:\n\x05hello"
    signature = bench.chain.message_signature(holder, request, bench.sign(request))
    assert bench.chain.verify_message(litecoin, holder.address, "hello", signature)
    twin = bench.holder("l", "p2pkh")
    assert not bench.chain.verify_message(bench.row, twin.address, "hello", signature)


@pytest.mark.parametrize("kind", ["p2wpkh", "p2tr", "p2pkh"])
def test_bip322_takes_signatures_over_the_whole_transaction_only(bench, kind):
    """A signature of the type NONE says nothing of the outputs (BIP-322, "Signing": the type is ALL or DEFAULT)."""
    holder = bench.holder("m", kind)
    key = bench.keys[holder.public_key]
    script = script_of(bench.row, holder.address)
    unsigned = messages.to_sign(script, b"hello")
    for hash_type in (0, 1, 2, 3, 0x81):
        sighash, spent = Sighash(unsigned), (TxOut(0, script),)
        if kind == "p2tr":
            digest = tagged_hash("TapSighash", sighash.taproot(0, spent, hash_type))
            signature = key.sign_schnorr(digest, tweak=b"") + (bytes([hash_type]) if hash_type else b"")
            txin = unsigned.inputs[0]._replace(witness=(signature,))
        else:
            code = script_for_key("p2pkh", holder.public_key)
            preimage = (
                sighash.legacy(0, code, hash_type) if kind == "p2pkh" else sighash.witness_v0(0, code, 0, hash_type)
            )
            signature = der.encode(key.sign_low_r(sha256d(preimage))) + bytes([hash_type])
            if kind == "p2pkh":
                txin = unsigned.inputs[0]._replace(script_sig=push(signature) + push(holder.public_key))
            else:
                txin = unsigned.inputs[0]._replace(witness=(signature, holder.public_key))
        text = "ful" + base64.b64encode(Transaction(0, [txin], unsigned.outputs).serialize()).decode()
        expected = hash_type == 1 or (hash_type == 0 and kind == "p2tr")
        assert bench.chain.verify_message(bench.row, holder.address, "hello", text) is expected, hash_type


def test_multisig_witnesses_are_read_as_strictly_as_nodes_do(bench):
    """An empty first element (BIP-147), no more signatures than asked for, in the order of the keys, each once."""
    keys = [bench.key(n) for n in range(3)]
    witness_script = b"\x52" + b"".join(push(key.public_key) for key in keys) + b"\x53\xae"
    script = p2wsh(witness_script)
    address = address_of(bench.row, script)
    unsigned = messages.to_sign(script, b"hello")
    digest = sha256d(Sighash(unsigned).witness_v0(0, witness_script, 0))
    a, b, c = (der.encode(key.sign_low_r(digest)) + b"\x01" for key in keys)
    for items, expected in (
        ((b"", a, b), True),
        ((b"", a, c), True),
        ((b"", b, c), True),
        ((b"", b, a), False),
        ((b"", a, a), False),
        ((b"", a), False),
        ((b"", a, b, c), False),
        ((b"\x01", a, b), False),
        ((a, b), False),
        ((b"", a, b""), False),
    ):
        text = "smp" + base64.b64encode(write_stack([*items, witness_script])).decode()
        assert bench.chain.verify_message(bench.row, address, "hello", text) is expected, items


def test_wrong_requests(bench):
    holder = bench.holder("m")
    with pytest.raises(InputError, match="bip137 and bip322"):
        bench.chain.message(holder, "x", form="electrum")
    with pytest.raises(InputError, match="unknown option 'style'"):
        bench.chain.message(holder, "x", style=1)
    for message in (None, 7, ["x"]):
        with pytest.raises(InvalidMessage):
            bench.chain.message(holder, message)
    with pytest.raises(InvalidMessage, match="surrogate"):
        bench.chain.message(holder, "\ud800")
    with pytest.raises(InvalidAddress):
        bench.chain.verify_message(bench.row, "nowhere", "x", "y")
    request = bench.chain.message(holder, "x")
    for signature in (b"", bytes(63), bytes(65)):
        with pytest.raises(InputError):
            bench.chain.message_signature(holder, request, signature)


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200), st.none(), st.integers()))
def test_any_signature_is_right_or_false(signature):
    row = network("bitcoin")
    adapter = chain(row)
    texts = [signature]
    if isinstance(signature, bytes):
        encoded = base64.b64encode(signature).decode()
        texts += [encoded, "smp" + encoded, "ful" + encoded, base64.b64encode(b"\x1f" + signature[:64]).decode()]
    for address in (
        "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA",
        "37VucYSaXLCAsxYyAPfbSi9eh4iEcbShgf",
        "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
        "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
        "bc1qyucykdlhp62tezs0hagqury402qwhk589q80tqs5myh3rxq34nwqhkdhv7",
    ):
        for text in texts:
            assert adapter.verify_message(row, address, "hello", text) is False
