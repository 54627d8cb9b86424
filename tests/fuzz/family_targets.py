"""The targets of the families that came later: cells, BCS, SCALE, Antelope's ABIs and requests, XRP's fields, Cosmos."""

from __future__ import annotations

from target import Target, each, read, signed, text_of

from multiwallet import network
from multiwallet.chains.antelope import esr, known_abis, serialization, transaction
from multiwallet.chains.antelope.abi import Abi
from multiwallet.chains.antelope.names import Level
from multiwallet.chains.aptos import forms as aptos_forms
from multiwallet.chains.aptos import type_tags as aptos_types
from multiwallet.chains.substrate import extrinsic, merkle, metadata
from multiwallet.chains.substrate.values import Decoder
from multiwallet.chains.sui import forms as sui_forms
from multiwallet.chains.sui import type_tags as sui_types
from multiwallet.chains.ton import forms as ton_forms
from multiwallet.chains.ton import jettons, messages, wallets
from multiwallet.chains.xrp.transaction import Transaction
from multiwallet.codec import boc, cashaddr, json_text, scale, ss58
from multiwallet.codec.bcs import BcsReader
from multiwallet.codec.crc32c import crc32c
from multiwallet.codec.reader import Reader

__all__ = ["FAMILIES"]


def run_boc(data: bytes) -> None:
    cell = boc.decode(data)
    assert boc.decode(boc.encode(cell)) == cell
    each(
        lambda: jettons.onchain_content(cell),
        lambda: jettons.Transfer.read(cell),
        lambda: wallets.Order.read(cell),
        lambda: messages.Internal.read(cell),
        lambda: messages.read_text(cell),
    )


def seal_boc(data: bytes) -> bytes:
    content = data[:-4]
    return content + crc32c(content).to_bytes(4, "little")


def run_ton(data: bytes) -> None:
    each(
        lambda: ton_forms.read_external(data),
        lambda: read("ton", data),
        lambda: signed("ton", data),
        lambda: signed("ton", text_of(data)),
    )


def run_ton_json(data: bytes) -> None:
    read("ton", json_text.parse(data))


def run_bcs(data: bytes) -> None:
    def several(reader: BcsReader) -> None:
        reader.sequence(lambda: (reader.text(), reader.option(reader.uleb128)))
        reader.variant("a", "b"), reader.boolean(), reader.byte_string(40), reader.uint(32)
        reader.finish()

    each(
        lambda: several(BcsReader(data)),
        lambda: str(sui_types.decode_type(BcsReader(data))),
        lambda: str(aptos_types.decode_type(BcsReader(data))),
        lambda: sui_types.parse_type(text_of(data)),
        lambda: aptos_types.parse_type(text_of(data)),
    )


def run_sui(data: bytes) -> None:
    text = text_of(data)
    each(
        lambda: sui_forms.read(data),
        lambda: read("sui", data),
        lambda: read("sui", text),
        lambda: signed("sui", data),
        lambda: signed("sui", text),
    )


def run_aptos(data: bytes) -> None:
    text = text_of(data)
    each(
        lambda: aptos_forms.read(network("aptos"), data),
        lambda: read("aptos", data),
        lambda: read("aptos", text),
        lambda: signed("aptos", data),
    )


def run_scale(data: bytes) -> None:
    def items(reader: Reader) -> None:
        scale.vector(reader, lambda inner: (scale.compact(inner), scale.option(inner, scale.text)))
        scale.enum(reader, scale.boolean, scale.read_bytes)
        reader.finish()

    each(lambda: items(Reader(data)), lambda: merkle.Proof.decode(data), lambda: extrinsic.parse_extrinsic(data))


def run_substrate_metadata(data: bytes) -> None:
    """Metadata, and what comes after the word CALL as a call, read by the types that they describe."""
    found, _, call = data.rpartition(b"CALL")
    runtime = metadata.parse(found or data)
    forest = merkle.tree(runtime)
    each(
        lambda: Decoder(forest.types).read(Reader(call), forest.form.call),
        lambda: Decoder(runtime.types).read(Reader(call), runtime.events),
    )


def run_substrate(data: bytes) -> None:
    text = text_of(data)
    each(lambda: read("polkadot", text), lambda: signed("polkadot", data), lambda: signed("polkadot", text))


def run_esr(data: bytes) -> None:
    text, row = text_of(data), network("eos")
    each(lambda: read("eos", text))
    request = esr.decode(text)
    esr.resolve(row, request.actions, Level("alice", "active"), {})
    assert esr.decode(esr.encode(request)) == request


def run_antelope(data: bytes) -> None:
    text = text_of(data)
    each(
        lambda: transaction.Transaction.decode(data),
        lambda: transaction.decode_envelope(data),
        lambda: read("eos", data),
        lambda: read("eos", text),
        lambda: signed("eos", data),
    )


def run_antelope_abi(data: bytes) -> None:
    """An ABI, and what comes after the word DATA as a value, read by it and by the ABIs that are carried."""
    found, _, tail = data.rpartition(b"DATA")
    for abi in (known_abis.TOKEN, known_abis.SYSTEM, known_abis.MSIG):
        each(*(lambda abi=abi, kind=kind: serialization.decode(abi, kind, tail) for kind in abi.structs))  # type: ignore[misc]  # bound now
    each(lambda: Abi.of(json_text.parse(found or data)))
    abi = Abi.decode(found or data)
    each(*(lambda kind=kind: serialization.decode(abi, kind, tail) for kind in [*abi.structs, *abi.types][:20]))  # type: ignore[misc]  # bound now


def run_cosmos(data: bytes) -> None:
    text = text_of(data)
    each(
        lambda: read("cosmos", data),
        lambda: read("cosmos", text),
        lambda: read("injective", text),
        lambda: signed("cosmos", data),
        lambda: signed("cosmos", text),
    )


def run_xrp(data: bytes) -> None:
    text = text_of(data)
    each(
        lambda: Transaction.decode(data),
        lambda: read("xrp", data),
        lambda: read("xrp", text),
        lambda: signed("xrp", data),
        lambda: signed("xrp", text),
    )


def run_cashaddr(data: bytes) -> None:
    text = text_of(data)
    each(lambda: cashaddr.decode(text, "bitcoincash"), lambda: ss58.decode(text))


def seal_cashaddr(data: bytes) -> bytes:
    """The same kind and hash under a checksum that fits: what is behind the checksum is reached."""
    length = (20, 24, 28, 32, 40, 48, 56, 64)[len(data) % 8]
    return cashaddr.encode("bitcoincash", len(data) % 16, data[:length].ljust(length, b"\0")).encode()


FAMILIES: dict[str, Target] = {
    "antelope": Target(run_antelope),
    "antelope_abi": Target(run_antelope_abi),
    "antelope_request": Target(run_esr),
    "aptos": Target(run_aptos),
    "bcs": Target(run_bcs),
    "boc": Target(run_boc, seal_boc),
    "cashaddr": Target(run_cashaddr, seal_cashaddr),
    "cosmos": Target(run_cosmos),
    "scale": Target(run_scale),
    "substrate": Target(run_substrate),
    "substrate_metadata": Target(run_substrate_metadata),
    "sui": Target(run_sui),
    "ton": Target(run_ton, seal_boc),
    "ton_json": Target(run_ton_json),
    "xrp": Target(run_xrp),
}
