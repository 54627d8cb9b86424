"""The bridge itself: every function of it answers, and the JavaScript libraries agree with the Python ones."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

PHRASE = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
KEY = "0x" + "46" * 32
ADDRESS = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"
TO = "0x3535353535353535353535353535353535353535"
TYPED = {
    "types": {
        "EIP712Domain": [{"name": "name", "type": "string"}, {"name": "chainId", "type": "uint256"}],
        "Mail": [{"name": "to", "type": "address"}, {"name": "contents", "type": "string"}],
    },
    "domain": {"name": "Ether Mail", "chainId": 1},
    "message": {"to": TO, "contents": "Hello, Bob!"},
}
FEES = {"maxFeePerGas": 2 * 10**12, "maxPriorityFeePerGas": 10**9}


def test_values_cross_unchanged(node_oracle):
    assert node_oracle("ethers.abiDecode", types=["uint256", "bytes"], data=_encoded(node_oracle)) == [2**255, "0x00ff"]


def _encoded(node_oracle):
    return node_oracle("ethers.abiEncode", types=["uint256", "bytes"], values=[2**255, b"\x00\xff"])


def test_errors_are_told(node_oracle):
    with pytest.raises(node_oracle.Error, match="bad address checksum"):
        node_oracle("ethers.getAddress", address=ADDRESS.replace("d8A", "D8A"))
    with pytest.raises(node_oracle.Error, match=r"no ethers\.nothing"):
        node_oracle("ethers.nothing")
    with pytest.raises(node_oracle.Error, match="no library nothing"):
        node_oracle("nothing.nothing")


@pytest.mark.parametrize("kind", ["legacy", "before EIP-155", "2930", "1559", "7702"])
def test_evm_transactions(node_oracle, kind):
    from eth_account import Account

    tx = {"nonce": 9, "to": TO, "value": 10**18, "gas": 21000, "data": "0x", "chainId": 1}
    form, viem_type = {
        "legacy": ({"gasPrice": 20 * 10**9}, "legacy"),
        "before EIP-155": ({"gasPrice": 20 * 10**9}, "legacy"),
        "2930": ({"type": 1, "gasPrice": 20 * 10**9, "accessList": []}, "eip2930"),
        "1559": ({"type": 2, **FEES}, "eip1559"),
        "7702": ({"type": 4, **FEES}, "eip7702"),
    }[kind]
    tx |= form
    if kind == "before EIP-155":
        del tx["chainId"]
    ethers_tx = {("gasLimit" if key == "gas" else key): value for key, value in tx.items()}
    viem_tx = tx | {"type": viem_type}
    if kind == "7702":
        signed = Account.sign_authorization({"chainId": 1, "address": TO, "nonce": 3}, KEY)
        tx["authorizationList"] = [signed]
        entry = {"chainId": 1, "address": TO, "nonce": 3}
        theirs = node_oracle("ethers.signAuthorization", privateKey=KEY, authorization=entry)
        ethers_tx["authorizationList"] = [theirs]
        parts = {"yParity": signed.y_parity, "r": hex(signed.r), "s": hex(signed.s)}
        viem_tx["authorizationList"] = [entry | parts]

    expected = Account.sign_transaction(tx, KEY)
    raw = "0x" + expected.raw_transaction.hex().removeprefix("0x")
    by_ethers = node_oracle("ethers.signTransaction", privateKey=KEY, tx={"type": 0} | ethers_tx)
    by_viem = node_oracle("viem.signTransaction", privateKey=KEY, tx=viem_tx)
    assert by_ethers["raw"] == by_viem["raw"] == raw
    assert by_ethers["hash"] == by_viem["hash"]
    assert by_ethers["from"] == ADDRESS
    parsed = node_oracle("ethers.parseTransaction", raw=raw)
    assert (parsed["from"], parsed["value"], parsed["nonce"]) == (ADDRESS, 10**18, 9)
    assert parsed["hash"] == by_ethers["hash"]
    assert node_oracle("viem.parseTransaction", raw=raw)["value"] == 10**18
    assert node_oracle("viem.recoverTransaction", raw=raw) == ADDRESS


def test_evm_keys_and_addresses(node_oracle):
    from eth_account import Account

    Account.enable_unaudited_hdwallet_features()
    path = "m/44'/60'/0'/0/7"
    derived = node_oracle("ethers.derive", phrase=PHRASE, passphrase="TREZOR", path=path)
    assert derived["address"] == Account.from_mnemonic(PHRASE, passphrase="TREZOR", account_path=path).address
    parent = node_oracle("ethers.derive", phrase=PHRASE, passphrase="TREZOR", path="m/44'/60'/0'")["extendedPublicKey"]
    child = node_oracle("ethers.deriveExtended", extendedKey=parent, path="0/7")
    assert child["address"] == derived["address"]
    assert node_oracle("ethers.addressOfPublicKey", publicKey=derived["publicKey"]) == derived["address"]
    assert node_oracle("ethers.address", privateKey=KEY) == node_oracle("viem.address", privateKey=KEY) == ADDRESS
    assert node_oracle("ethers.getAddress", address=ADDRESS.lower()) == ADDRESS
    assert node_oracle("viem.getAddress", address=ADDRESS.lower()) == ADDRESS
    assert node_oracle("ethers.phraseOfEntropy", entropy=bytes(16)) == PHRASE
    assert node_oracle("ethers.seedOfPhrase", phrase=PHRASE).startswith("0x5eb00bbddcf069084889a8ab9155568165f5c453")
    # The first contract of a sender: keccak256(rlp([sender, 0])) from its 12th byte.
    inner = node_oracle("ethers.rlpEncode", value=[ADDRESS, "0x"])
    created = node_oracle("ethers.createAddress", **{"from": ADDRESS, "nonce": 0})
    assert node_oracle("ethers.keccak256", data=inner)[-40:] == created[2:].lower()
    assert node_oracle("ethers.rlpDecode", data=inner) == [ADDRESS.lower(), "0x"]
    call = node_oracle("ethers.encodeCall", signature="transfer(address,uint256)", args=[TO, 5])
    assert call == "0xa9059cbb" + TO[2:].rjust(64, "0") + "5".rjust(64, "0")


@pytest.mark.parametrize("message", ["héllo", b"\x19\x00\xff"])
def test_evm_messages(node_oracle, message):
    from eth_account import Account
    from eth_account.messages import encode_defunct

    signable = encode_defunct(text=message) if isinstance(message, str) else encode_defunct(primitive=message)
    expected = "0x" + Account.sign_message(signable, KEY).signature.hex().removeprefix("0x")
    assert node_oracle("ethers.signMessage", privateKey=KEY, message=message) == expected
    assert node_oracle("viem.signMessage", privateKey=KEY, message=message) == expected
    assert node_oracle("ethers.verifyMessage", message=message, signature=expected) == ADDRESS
    assert node_oracle("viem.recoverMessage", message=message, signature=expected) == ADDRESS
    assert len(node_oracle("ethers.hashMessage", message=message)) == 66


def test_evm_typed_data(node_oracle):
    from eth_account import Account

    full = TYPED | {"primaryType": "Mail"}
    expected = Account.sign_typed_data(KEY, full_message=full)
    digest = "0x" + expected.message_hash.hex().removeprefix("0x")
    signature = "0x" + expected.signature.hex().removeprefix("0x")
    assert node_oracle("ethers.hashTypedData", **TYPED) == node_oracle("viem.hashTypedData", **full) == digest
    assert node_oracle("ethers.signTypedData", privateKey=KEY, **TYPED) == signature
    assert node_oracle("viem.signTypedData", privateKey=KEY, **full) == signature


@pytest.mark.parametrize("kind", ["p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2tr"])
def test_bitcoin_psbt(node_oracle, kind):
    """One input of each kind: a PSBT made with embit, signed and finalised by bitcoinjs-lib."""
    from embit import ec, script
    from embit.networks import NETWORKS
    from embit.psbt import PSBT
    from embit.transaction import Transaction, TransactionInput, TransactionOutput

    network = NETWORKS["regtest"]
    private = ec.PrivateKey(bytes([7]) * 32, network=network)
    public = private.get_public_key()
    segwit = script.p2wpkh(public)
    output_script = {
        "p2pkh": script.p2pkh(public),
        "p2sh-p2wpkh": script.p2sh(segwit),
        "p2wpkh": segwit,
        "p2tr": script.p2tr(public),
    }[kind]
    address = node_oracle("bitcoin.addressOfPublicKey", publicKey=public.sec(), kind=kind, network="regtest")
    assert address == output_script.address(network)
    assert node_oracle("bitcoin.script", address=address, network="regtest") == output_script.data.hex()
    assert node_oracle("bitcoin.address", script=output_script.data, network="regtest") == address
    found = node_oracle("bitcoin.wif", wif=private.wif(network), network="regtest")
    assert found == {"privateKey": private.secret.hex(), "publicKey": public.sec().hex(), "compressed": True}

    source = Transaction(vin=[TransactionInput(bytes(32), 0)], vout=[TransactionOutput(100_000, output_script)])
    psbt = PSBT(Transaction(vin=[TransactionInput(source.txid(), 0)], vout=[TransactionOutput(99_000, segwit)]))
    if kind in ("p2pkh", "p2sh-p2wpkh"):
        psbt.inputs[0].non_witness_utxo = source
    else:
        psbt.inputs[0].witness_utxo = source.vout[0]
    if kind == "p2sh-p2wpkh":
        psbt.inputs[0].redeem_script = segwit
    if kind == "p2tr":
        psbt.inputs[0].taproot_internal_key = public
    text = psbt.to_string()
    parsed = node_oracle("bitcoin.parsePsbt", psbt=text)
    assert parsed["txOutputs"] == [{"value": 99_000, "script": segwit.data.hex()}]
    assert parsed["txInputs"][0]["txid"] == source.txid().hex()
    assert not node_oracle("bitcoin.validatePsbt", psbt=text, network="regtest")

    signed = node_oracle("bitcoin.signPsbt", psbt=text, wif=private.wif(network), network="regtest")
    assert (signed["signed"], signed["valid"]) == (1, True)
    final = node_oracle("bitcoin.finalizePsbt", psbt=signed["psbt"], network="regtest")
    ours = PSBT.from_string(signed["psbt"])
    assert node_oracle("bitcoin.validatePsbt", psbt=signed["psbt"], network="regtest")
    with pytest.raises(node_oracle.Error, match="Not finalized"):
        node_oracle("bitcoin.extractPsbt", psbt=ours.to_string(), network="regtest")
    decoded = node_oracle("bitcoin.decodeTransaction", raw=final["raw"])
    assert decoded == final
    assert decoded["txid"] == Transaction.from_string(final["raw"]).txid().hex()
    assert base64.b64decode(signed["psbt"]).startswith(b"psbt\xff")
    if kind == "p2wpkh":
        code = script.p2pkh(public).data
        digest = psbt.tx.sighash_segwit(0, script.p2pkh(public), 100_000)
        ours = {"raw": psbt.tx.serialize().hex(), "index": 0, "kind": "v0", "script": code, "value": 100_000}
        assert node_oracle("bitcoin.signatureHash", hashType=1, **ours) == digest.hex()


def test_tron(node_oracle):
    from tronpy.keys import PrivateKey

    key = "46" * 32
    address = PrivateKey(bytes.fromhex(key)).public_key.to_base58check_address()
    assert node_oracle("tron.address", privateKey=key) == address
    in_hex = node_oracle("tron.addressToHex", address=address)
    assert node_oracle("tron.addressFromHex", address=in_hex) == address
    assert node_oracle("tron.isAddress", address=address)
    assert not node_oracle("tron.isAddress", address=address[:-1] + "1")
    assert node_oracle("tron.derive", phrase=PHRASE, path="m/44'/195'/0'/0/0")["address"].startswith("T")

    value = {"owner_address": in_hex, "to_address": "41" + "35" * 20, "amount": 1_000_000}
    parameter = {"value": value, "type_url": "type.googleapis.com/protocol.TransferContract"}
    raw_data = {
        "contract": [{"parameter": parameter, "type": "TransferContract"}],
        "ref_block_bytes": "267e",
        "ref_block_hash": "9a447d222e8de9f2",
        "expiration": 1_530_893_064_000,
        "timestamp": 1_530_893_006_233,
    }
    transaction = {"visible": False, "txID": "", "raw_data": raw_data, "raw_data_hex": ""}
    made = node_oracle("tron.txJsonToPb", transaction=transaction)
    transaction |= made
    assert node_oracle("tron.txCheck", transaction=transaction)
    assert not node_oracle("tron.txCheck", transaction=transaction | {"txID": "00" * 32})
    assert node_oracle("tron.txPbToTxID", transaction=transaction) == made["txID"]
    read = node_oracle("tron.deserializeTransaction", type="TransferContract", rawDataHex=made["raw_data_hex"])
    read_value = read["contract"][0]["parameter"]["value"]
    assert {name: str(item).lower() for name, item in read_value.items()} == {name: str(v) for name, v in value.items()}
    signed = node_oracle("tron.signTransaction", privateKey=key, transaction=transaction)
    assert node_oracle("tron.recover", transaction=signed) == address

    signature = node_oracle("tron.signMessageV2", privateKey=key, message="hello")
    assert node_oracle("tron.verifyMessageV2", message="hello", signature=signature) == address
    assert len(node_oracle("tron.hashMessage", message="hello")) == 66
    digest = node_oracle("tron.hashTypedData", **TYPED)
    assert digest == node_oracle("ethers.hashTypedData", **TYPED)
    assert len(node_oracle("tron.signTypedData", privateKey=key, **TYPED)) == 132


@pytest.mark.parametrize("version", ["legacy", 0])
def test_solana(node_oracle, version):
    from solders.hash import Hash
    from solders.keypair import Keypair
    from solders.message import Message, MessageV0
    from solders.pubkey import Pubkey
    from solders.system_program import TransferParams, transfer
    from solders.transaction import VersionedTransaction

    seed = bytes([9]) * 32
    keypair = Keypair.from_seed(seed)
    payer, to = str(keypair.pubkey()), str(Pubkey(bytes([5]) * 32))
    blockhash = Hash(bytes([3]) * 32)
    assert node_oracle("solana.address", secret=seed) == node_oracle("solana.address", secret=bytes(keypair)) == payer
    assert node_oracle("solana.isOnCurve", address=payer)

    lamports = 2**60 + 1
    move = transfer(TransferParams(from_pubkey=keypair.pubkey(), to_pubkey=Pubkey.from_string(to), lamports=lamports))
    if version == "legacy":
        message = Message.new_with_blockhash([move], keypair.pubkey(), blockhash)
    else:
        message = MessageV0.try_compile(keypair.pubkey(), [move], [], blockhash)
    expected = VersionedTransaction(message, [keypair])

    common = {"recentBlockhash": str(blockhash), "version": version}
    made = node_oracle("solana.transfer", secret=seed, to=to, lamports=lamports, **common)
    assert made["raw"] == bytes(expected)
    instruction = node_oracle("solana.transferInstruction", **{"from": payer, "to": to, "lamports": lamports})
    request = {"payer": payer, "instructions": [instruction], **common}
    assert node_oracle("solana.compileMessage", **request) == made["message"]
    assert node_oracle("solana.signInstructions", secrets=[seed], **request) == made
    assert node_oracle("solana.signMessage", message=made["message"], secrets=[seed]) == made
    assert node_oracle("solana.roundTrip", message=made["message"]) == made["message"]
    decoded = node_oracle("solana.decodeTransaction", raw=made["raw"])
    assert decoded["signatures"] == [bytes(item) for item in expected.signatures]
    assert decoded["message"] == node_oracle("solana.decodeMessage", message=made["message"])
    assert decoded["message"]["version"] == version
    assert decoded["message"]["staticAccountKeys"][0] == payer
    if version == "legacy":
        assert node_oracle("solana.verifySignatures", raw=made["raw"])
    units = node_oracle("solana.computeBudgetInstructions", units=200_000, microLamports=5)
    assert units == ["02400d0300", "030500000000000000"]
    program = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
    address, bump = Pubkey.find_program_address([seed], Pubkey.from_string(program))
    found = node_oracle("solana.findProgramAddress", seeds=[seed], programId=program)
    assert found == {"address": str(address), "bump": bump}


def test_every_function_is_used_above():
    """A function without a test would rot: each one of oracle.mjs is called in this file."""
    here = Path(__file__).parent
    text = (here / "oracle.mjs").read_text()
    tested = Path(__file__).read_text()
    count = 0
    for library, body in re.findall(r"async function (\w+)Functions\(\) \{(.*?)\n\}\n", text, re.DOTALL):
        table = body.rpartition("\n  return {\n")[2]
        names = re.findall(r"^    (\w+): (?:async )?\(", table, re.MULTILINE)
        count += len(names)
        unused = [name for name in names if f'"{library}.{name}"' not in tested]
        assert not unused, f"{library}: {unused}"
    assert count > 60
