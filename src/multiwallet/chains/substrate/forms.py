"""What this ecosystem calls an unsigned transaction: the ``SignerPayloadJSON`` of Polkadot-JS and its kin.

It names the call and every extension, and says nothing of what the call means. With ``metadata`` beside its fields
(the runtime's, version 14 or 15, as hex) the call can be read; without, it is signed blindly and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...amounts import Amount
from ...chain import Holder
from ...codec import json_text
from ...codec.hexadecimal import parse_hex
from ...errors import BadResponse, InputError, InvalidTransaction
from ...transactions import Fee
from . import addresses
from .build import Built, genesis_of, identity_of
from .extensions import MORTALITY, Era, Terms, write_terms
from .extrinsic import KINDS, SIGNATURE_SIZES, encode_envelope
from .merkle import tree
from .metadata import parse
from .payload import blind_proof
from .values import Encoder

__all__ = ["UNKNOWN_FEE", "read"]

UNKNOWN_FEE: Final = "unknown"
_NEEDED: Final = {
    "address", "blockHash", "blockNumber", "era", "genesisHash", "method", "nonce", "signedExtensions", "specVersion",
    "tip", "transactionVersion", "version",
}  # fmt: skip
_OPTIONAL: Final = {"assetId", "metadata", "metadataHash", "mode", "withSignedTransaction"}
_LONGEST: Final = 40 * 2**20


def read(holder: Holder, native: Any) -> Built:
    """A payload from a ``SignerPayloadJSON`` (a table or its text); InvalidTransaction says what is wrong."""
    if isinstance(native, str | bytes | bytearray):
        if len(native) > _LONGEST:
            raise InvalidTransaction("this text is too long for a transaction")
        text = native if isinstance(native, str) else bytes(native)
        native = json_text.parse(text, what="the transaction", error=InvalidTransaction, unique=True)
    if not isinstance(native, Mapping):
        raise InvalidTransaction(
            "an unsigned transaction of these chains is a SignerPayloadJSON (address, blockHash, era, method, ...), or "
            "what build() made"
        )
    found = dict(native)
    if not set(found) >= _NEEDED or not set(found) <= _NEEDED | _OPTIONAL:
        wrong = sorted(map(str, _NEEDED - set(found))) or sorted(map(str, set(found) - _NEEDED - _OPTIONAL))
        raise InvalidTransaction(f"the payload lacks the field {wrong[0][:40]!r}, or that field is unknown here")
    try:
        return _built(holder, found)
    except InvalidTransaction:
        raise
    except BadResponse as error:
        raise InvalidTransaction(error.message) from None
    except InputError as error:
        raise InvalidTransaction(error.message) from None


def _built(holder: Holder, found: dict[str, Any]) -> Built:
    network = holder.network
    if _number(found, "version", 8) != 4:
        raise InvalidTransaction("the payload is of another extrinsic version than 4")
    if found.get("assetId") is not None:
        raise InvalidTransaction("the payload pays its fee in another asset than the network's coin")
    sender = addresses.account_of(network, found["address"])
    if sender != addresses.account_of(network, holder.address):
        raise InvalidTransaction(f"the payload is {addresses.of_account(network, sender)}'s, not {holder.address}'s")
    genesis = _octets(found, "genesisHash", 32)
    if genesis != genesis_of(network):
        raise InvalidTransaction(f"the payload is for another chain than {network.name}: its genesis hash differs")
    era_bytes = _octets(found, "era")
    if len(era_bytes) != (1 if era_bytes[:1] == b"\0" else 2):
        raise InvalidTransaction("the era of the payload is none")
    era = Era.read(era_bytes[0], era_bytes[-1])
    mode = _number(found, "mode", 8) if "mode" in found else 0
    digest = None if found.get("metadataHash") is None else _octets(found, "metadataHash", 32)
    if mode not in (0, 1) or (mode == 1) != (digest is not None):
        raise InvalidTransaction("the payload's mode and metadataHash contradict each other")
    terms = Terms(
        era,
        _octets(found, "blockHash", 32),
        _number(found, "nonce", 32),
        _number(found, "tip", 128),
        _number(found, "specVersion", 32),
        _number(found, "transactionVersion", 32),
        genesis,
        digest,
    )
    names = found["signedExtensions"]
    if not isinstance(names, list) or len(names) > 100 or not all(isinstance(name, str) for name in names):
        raise InvalidTransaction("signedExtensions is a list of names")
    if digest is not None and "CheckMetadataHash" not in names:
        raise InvalidTransaction("the payload names a metadataHash, and its extensions have no place for one")
    if not set(MORTALITY) & set(names) or not {"CheckNonce", "CheckGenesis", "CheckSpecVersion", "CheckTxVersion"} <= set(names):  # fmt: skip
        raise InvalidTransaction("signedExtensions lack nonce, mortality, genesis or versions")
    call = _octets(found, "method")
    if not call:
        raise InvalidTransaction("the payload holds no call")
    birth = era.birth(_number(found, "blockNumber", 32))
    proof_of = None
    if found.get("metadata") is None:
        proof = blind_proof(network, call, era, names, terms.spec_version, hashed=digest is not None)
        types, form = proof.types, proof.form
    else:
        metadata = parse(_octets(found, "metadata"))
        identity = identity_of(network, metadata)
        if identity.spec_version != terms.spec_version:
            raise InvalidTransaction("the metadata is of another runtime version than the payload")
        forest = tree(metadata)
        if [item.name for item in forest.form.extensions] != names:
            raise InvalidTransaction("the metadata's extensions are others than the payload's")
        types, form, proof_of = forest.types, forest.form, (forest, identity)
    encoder = Encoder(types, lambda text: addresses.account_of(network, text))
    included, implicit = write_terms(encoder, types, form, terms)
    payload = call + included + implicit
    if proof_of is not None:
        blank = bytes(SIGNATURE_SIZES[holder.kind or KINDS[0]])
        proof = proof_of[0].proof(payload, proof_of[1], encode_envelope(types, form, holder.kind, sender, blank))
    tip = Amount(terms.tip, network.native)
    return Built(payload, proof, Fee(tip, tip, {"inclusion": UNKNOWN_FEE, "tip": str(terms.tip)}), birth, ())


def _octets(found: Mapping[str, Any], name: str, length: int | None = None) -> bytes:
    return parse_hex(found[name], length=length, prefix="required", what=name)


def _number(found: Mapping[str, Any], name: str, bits: int) -> int:
    value = found[name]
    if isinstance(value, float):
        raise InvalidTransaction(f"{name} is a float, which is never exact")
    if isinstance(value, str):
        digits = value[2:] if value[:2] == "0x" else value
        try:
            if not digits or not digits.isascii() or not digits.isalnum() or len(digits) > 40:
                raise ValueError
            value = int(digits, 16 if value[:2] == "0x" else 10)
        except ValueError:
            raise InvalidTransaction(f"{name} is a whole number, or its hex with 0x in front") from None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise InvalidTransaction(f"{name} is a whole number below 2^{bits}")
    return value
