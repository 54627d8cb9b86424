"""What is fuzzed: a function for each decoder, from hostile bytes to nothing or an error of the tree.

``seal`` of a target makes mutated bytes whole again (a checksum, a digest), so that what lies behind is reached too.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from family_targets import FAMILIES
from target import Target, each, read, signed, text_of

from multiwallet import UnsignedTransaction, Wallet, keystore, network, parse_address, registry, verify_message
from multiwallet.amounts import Amount
from multiwallet.chains.bitcoin.psbt import Psbt
from multiwallet.chains.bitcoin.transaction import Transaction
from multiwallet.chains.evm import tokens, transaction, typed_data
from multiwallet.chains.solana import message
from multiwallet.chains.tron import raw_data
from multiwallet.chains.tron import typed_data as tron_typed_data
from multiwallet.codec import (
    abi,
    abi_type,
    base58,
    base64_text,
    bech32,
    compact_size,
    der,
    eip55,
    hexadecimal,
    json_text,
    protobuf,
    rlp,
    shortvec,
)
from multiwallet.errors import MultiwalletError
from multiwallet.exchange import HttpReply, read_reply
from multiwallet.keys import formats
from multiwallet.keys.hd import ExtendedKey
from multiwallet.keys.mnemonic import Mnemonic
from multiwallet.keystore import descriptor_text
from multiwallet.keystore.ur import bytewords, cbor, uri
from multiwallet.ops import Rest, Rpc
from multiwallet.path import Path as DerivationPath
from multiwallet.vault import Vault, entries, layout

NETWORKS = ("bitcoin", "bitcoin-testnet", "litecoin", "bitcoin-cash", "ethereum", "tron", "solana", "ton", "sui", "aptos",
            "polkadot", "cosmos", "xrp", "eos")  # fmt: skip


def run_address(data: bytes) -> None:
    text = text_of(data)
    each(*(lambda name=name: parse_address(name, text) for name in NETWORKS))  # type: ignore[misc]  # bound now


def run_base58(data: bytes) -> None:
    text = text_of(data)
    each(lambda: base58.decode(text), lambda: base58.decode_check(text))


def run_bech32(data: bytes) -> None:
    text = text_of(data)
    each(lambda: bech32.decode(text), lambda: bech32.decode_segwit("bc", text), lambda: bech32.decode(text, 1000))


def run_text(data: bytes) -> None:
    text = text_of(data)
    each(
        lambda: hexadecimal.parse_hex(text),
        lambda: base64_text.decode(text),
        lambda: eip55.parse(text),
        lambda: DerivationPath(text),
        lambda: Amount.parse(text, network("ethereum").native),
        lambda: network(text),
        lambda: abi_type.parse_type(text),
    )


def run_binary(data: bytes) -> None:
    each(
        lambda: der.decode(data),
        lambda: compact_size.decode(data),
        lambda: shortvec.decode(data),
        lambda: protobuf.parse(data),
        lambda: protobuf.parse(data, canonical=False),
        lambda: cbor.decode(data),
    )


def run_rlp(data: bytes) -> None:
    value = rlp.decode(data)
    assert rlp.encode(value) == data  # RLP has one form


ABI_TYPES = (
    ("uint256", "bytes", "string"),
    ("address[]", "bool", "int8"),
    ("(uint8,string,(bytes32,bytes)[])[]",),
    ("uint256[][2]", "function", "string[3]"),
)


def run_abi(data: bytes) -> None:
    each(
        *(lambda types=types: abi.decode(types, data) for types in ABI_TYPES),  # type: ignore[misc]  # bound now
        lambda: abi.decode(ABI_TYPES[2], data, strict=False),
        lambda: abi.decode_call("f(bytes[],(string,uint256)[])", data),
        lambda: tokens.decode_call(data),
        lambda: tokens.decode_symbol(data),
        lambda: tokens.decode_uint(data),
    )


def run_psbt(data: bytes) -> None:
    each(lambda: Psbt.parse(data), lambda: read("bitcoin", data), lambda: signed("bitcoin", data))


def run_bitcoin_transaction(data: bytes) -> None:
    each(
        lambda: Transaction.parse(data),
        lambda: Transaction.parse(data, False),
        lambda: signed("bitcoin", data),
        lambda: signed("litecoin", data.hex()),
    )


def run_bitcoin_signature(data: bytes) -> None:
    text = text_of(data)
    for address in ("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA"):
        assert verify_message("bitcoin", address, "fuzz", text) is False
        assert verify_message("bitcoin", address, data, data) is False


def run_evm_transaction(data: bytes) -> None:
    each(
        lambda: transaction.decode_unsigned(data),
        lambda: transaction.decode_signed(data),
        lambda: read("ethereum", data),
        lambda: signed("ethereum", data.hex()),
    )


def run_evm_fields(data: bytes) -> None:
    read("ethereum", json_text.parse(data, fractions=True))


def run_typed_data(data: bytes) -> None:
    text = text_of(data)
    each(lambda: typed_data.typed_data_preimage(text), lambda: tron_typed_data.preimage(text))


def run_tron(data: bytes) -> None:
    each(
        lambda: raw_data.RawData.decode(data),
        lambda: raw_data.decode_transaction(data),
        lambda: read("tron", data.hex()),
        lambda: signed("tron", data),
    )


def run_tron_json(data: bytes) -> None:
    text = text_of(data)
    each(lambda: read("tron", text), lambda: signed("tron", text))


def run_solana(data: bytes) -> None:
    each(
        lambda: message.parse_message(data),
        lambda: message.parse_transaction(data),
        lambda: read("solana", data),
        lambda: signed("solana", data),
    )


def run_transaction_file(data: bytes) -> None:
    text = text_of(data)
    each(
        lambda: repr(UnsignedTransaction.from_json(text).summary),
        *(lambda name=name: read(name, text) for name in ("bitcoin", "ethereum", "tron", "solana")),  # type: ignore[misc]  # bound now
    )


def run_keystore(data: bytes) -> None:
    """Without a password: what is encrypted is read up to the point where one is needed."""
    each(lambda: keystore.load(data).close(), lambda: keystore.load(text_of(data), network="ethereum").close())


def run_keystore_password(data: bytes) -> None:
    """With one: key derivation too, whose cost the file itself chooses."""
    keystore.load(data, b"testpassword").close()


def run_vault(data: bytes) -> None:
    path = scratch("fuzz.mwvault")
    path.touch(mode=0o600)
    path.write_bytes(data)
    each(lambda: layout.parse(data), lambda: repr(Vault.open(path, allow_weak=True).slots))


def seal_vault(data: bytes) -> bytes:
    content = data[: -layout.CHECKSUM_SIZE]
    return content + layout._checksum(content)


def run_vault_index(data: bytes) -> None:
    text, _, sealed = data.partition(b"\0")
    digest = entries._digest(sealed).encode()
    entries.read_index(text.replace(b"DIGEST", digest), sealed)


def run_mnemonic(data: bytes) -> None:
    text = text_of(data)
    each(lambda: Mnemonic(text).close(), lambda: keystore.load(text).close(), lambda: Mnemonic.from_entropy(data))


def run_descriptor(data: bytes) -> None:
    text = text_of(data)
    each(
        lambda: descriptor_text.parse(text),
        lambda: descriptor_text.parse_key(text),
        lambda: keystore.load(text, format="descriptor"),
        lambda: keystore.load(text, format="multisig"),
    )


def run_extended_key(data: bytes) -> None:
    text = text_of(data)
    each(
        lambda: ExtendedKey.parse(text).child(0),
        lambda: Wallet.from_xpub("bitcoin", text),
        lambda: keystore.load(text, format="extended-key").close(),
    )


def run_private_key(data: bytes) -> None:
    text = text_of(data)
    each(
        lambda: formats.decode_wif(text),
        lambda: formats.parse_secp256k1(text),
        lambda: formats.parse_ed25519(text),
        lambda: formats.parse_ed25519(data),
        lambda: Wallet.from_private_key("tron", text),
        lambda: keystore.load(text, b"x", format="wif"),
    )


def seal_base58(data: bytes) -> bytes:
    try:
        content = base58.decode(text_of(data))[:-4]
    except MultiwalletError:
        return data
    return base58.encode_check(content).encode()


def run_ur(data: bytes) -> None:
    text = text_of(data)
    each(
        lambda: uri.decode(text),
        lambda: uri.decode_psbt(text),
        lambda: keystore.load(text, format="ur"),
        lambda: bytewords.decode(text),
        lambda: bytewords.decode(text, "standard"),
    )


def run_json(data: bytes) -> None:
    each(
        lambda: json_text.parse(data),
        lambda: json_text.parse(data, fractions=True, unique=True),
        lambda: json_text.parse(text_of(data), fractions=True),
    )


def run_networks_file(data: bytes) -> None:
    path = scratch("networks.toml")
    path.write_bytes(data)
    registry._read_file(path, registry._table())


def run_node_answer(data: bytes) -> None:
    reply = HttpReply(200 + data[0] % 250 if data else 200, {"retry-after": text_of(data[:20])}, data)
    calls = [Rpc("eip155:1", "eth_chainId", [])] * 2
    for effects in (calls[:1], calls, [Rest("tron:0x2b6653dc", "POST", "wallet/getnowblock", {})]):
        for outcome in read_reply("http://user:s3cret-of-a-node@node.example/k3y", effects, reply):
            assert "s3cret" not in str(outcome)
            assert "k3y" not in str(outcome) or b"k3y" in data


@cache
def folder() -> Path:
    made = Path(tempfile.mkdtemp(prefix="multiwallet-fuzz-"))
    made.chmod(0o700)
    return made


def scratch(name: str) -> Path:
    return folder() / name


TARGETS: dict[str, Target] = {
    "abi": Target(run_abi),
    "address": Target(run_address),
    "base58": Target(run_base58, seal_base58),
    "bech32": Target(run_bech32),
    "binary": Target(run_binary),
    "bitcoin_signature": Target(run_bitcoin_signature),
    "bitcoin_transaction": Target(run_bitcoin_transaction),
    "descriptor": Target(run_descriptor),
    "evm_fields": Target(run_evm_fields),
    "evm_transaction": Target(run_evm_transaction),
    "extended_key": Target(run_extended_key, seal_base58),
    "json": Target(run_json),
    "keystore": Target(run_keystore),
    "keystore_password": Target(run_keystore_password),
    "mnemonic": Target(run_mnemonic),
    "networks_file": Target(run_networks_file),
    "node_answer": Target(run_node_answer),
    "private_key": Target(run_private_key, seal_base58),
    "psbt": Target(run_psbt),
    "rlp": Target(run_rlp),
    "solana": Target(run_solana),
    "text": Target(run_text),
    "transaction_file": Target(run_transaction_file),
    "tron": Target(run_tron),
    "tron_json": Target(run_tron_json),
    "typed_data": Target(run_typed_data),
    "ur": Target(run_ur),
    "vault": Target(run_vault, seal_vault),
    "vault_index": Target(run_vault_index),
    **FAMILIES,
}
