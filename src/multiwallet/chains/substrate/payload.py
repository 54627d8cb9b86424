"""A signing payload taken apart: its call, its terms, and the types that read it, checked against the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from ...chain import Network
from ...codec.hexadecimal import parse_hex
from ...errors import InputError, InvalidTransaction
from . import addresses
from .build import genesis_of
from .extensions import Era, Terms, plain_bytes, read_terms
from .merkle import Form, Identity, Proof
from .metadata import Extension
from .types import Array, Composite, Field, Leaf, Variant

__all__ = ["LONGEST_SEARCH", "Opened", "blind_proof", "expiry_of", "opened"]

LONGEST_SEARCH: Final = 256
"""How many blocks are looked through for a transaction; one that lives longer has no expiry here."""
_OPTION: Final = ("Option",)
_ERA: Final = ("sp_runtime", "generic", "era", "Era")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a payload holds. ``call`` is bytes where nobody has said what they mean."""

    proof: Proof
    call: Any
    call_bytes: bytes
    included: bytes
    terms: Terms
    birth: int

    @property
    def is_blind(self) -> bool:
        """Whether the call cannot be read."""
        return isinstance(self.call, bytes)

    @property
    def is_proven(self) -> bool:
        """Whether the signature is void unless the types are the chain's own."""
        return self.terms.metadata_hash is not None and not self.is_blind


def opened(network: Network, body: bytes, context: Mapping[str, Any]) -> Opened:
    """Read a payload with the types in its context; InvalidTransaction for what contradicts itself or the network."""
    text, birth = context.get("types"), context.get("birth")
    if not isinstance(text, str) or isinstance(birth, bool) or not isinstance(birth, int) or not 0 <= birth < 2**32:
        raise InvalidTransaction(
            "the transaction comes without the types of its call, or without the block it begins at"
        )
    proof, digest = _proof(text)
    call, call_end, extra_end, included, implicit = proof.read(body)
    terms = read_terms(proof.form, included, implicit)
    if plain_bytes([item.name for item in proof.form.extensions], terms) != (
        body[call_end:extra_end],
        body[extra_end:],
    ):
        raise InvalidTransaction("the types read the payload's extensions in another way than runtimes write them")
    if terms.genesis != genesis_of(network):
        raise InvalidTransaction(f"the payload is for another chain than {network.name}: its genesis hash differs")
    era = terms.era
    if era.period and birth % era.period != era.phase:
        raise InvalidTransaction("the block the transaction begins at does not belong to its era")
    if not era.period and (birth or terms.block_hash != terms.genesis):
        raise InvalidTransaction("a transaction that never expires is bound to the genesis block, and this one is not")
    found = Opened(proof, call, body[:call_end], body[call_end:extra_end], terms, birth)
    identity = proof.identity
    if identity.spec_version != terms.spec_version:
        raise InvalidTransaction("the types are of another runtime version than the payload")
    if (identity.decimals, identity.symbol) != (network.decimals, network.symbol):
        raise InvalidTransaction(f"the types are of another network than {network.name}, or its row is wrong")
    if found.is_proven and digest() != terms.metadata_hash:
        raise InvalidTransaction("the types do not belong to the metadata hash that is signed: do not sign this")
    return found


@lru_cache(maxsize=32)
def _proof(text: str) -> tuple[Proof, Callable[[], bytes]]:
    """Types from their text, and what computes their digest: once for the many transactions that share them."""
    try:
        proof = Proof.decode(parse_hex(text, prefix="none", what="the types of the call"))
    except InvalidTransaction:
        raise
    except InputError as error:
        raise InvalidTransaction(error.message) from None
    return proof, cache(proof.digest)


def expiry_of(terms: Terms, birth: int) -> int | None:
    """The first block that can no longer include the transaction; None where it lives too long to be looked for."""
    period = terms.era.period
    return birth + period if 0 < period <= LONGEST_SEARCH else None


def blind_proof(network: Network, call: bytes, era: Era, names: list[str], spec_version: int, *, hashed: bool) -> Proof:
    """Types for a payload that came without metadata: the extensions as everybody knows them, the call unread.

    Raises InvalidTransaction for an extension that is not known.
    """
    octet = Field(None, "u8", None)
    first = era.encode()
    mortality = Variant("Immortal", (), 0) if len(first) == 1 else Variant(f"Mortal{first[0]}", (octet,), first[0])
    leaves = {
        0: Leaf((), Array(len(call), "u8"), 0),
        1: Leaf(_ERA, mortality, 1),
        2: Leaf((), Array(32, "u8"), 2),
        3: Leaf((), Composite((Field("tip", "compact-u128", None), Field("asset_id", 4, None))), 3),
        4: Leaf(_OPTION, Variant("None", (), 0), 4),
        5: Leaf((), Composite((Field("mode", 6, None),)), 5),
        6: Leaf((), Variant("Enabled", (), 1) if hashed else Variant("Disabled", (), 0), 6),
        7: Leaf(_OPTION, Variant("Some", (Field(None, 2, None),), 1) if hashed else Variant("None", (), 0), 7),
        8: Leaf(("sp_runtime", "multiaddress", "MultiAddress"), Variant("Id", (Field(None, 2, None),), 0), 8),
        9: Leaf((), Array(64, "u8"), 9),
        10: Leaf((), Array(65, "u8"), 10),
    }
    signatures = [
        Leaf(("sp_runtime", "MultiSignature"), Variant(name, (Field(None, 10 if name == "Ecdsa" else 9, None),), n), 11)
        for n, name in enumerate(("Ed25519", "Sr25519", "Ecdsa"))
    ]
    known: dict[str, tuple[int | str, int | str]] = {
        "CheckMortality": (1, 2),
        "CheckEra": (1, 2),
        "CheckNonce": ("compact-u32", "void"),
        "ChargeTransactionPayment": ("compact-u128", "void"),
        "ChargeAssetTxPayment": (3, "void"),
        "CheckMetadataHash": (5, 7),
        "CheckSpecVersion": ("void", "u32"),
        "CheckTxVersion": ("void", "u32"),
        "CheckGenesis": ("void", 2),
        "CheckNonZeroSender": ("void", "void"),
        "CheckWeight": ("void", "void"),
        "PrevalidateAttests": ("void", "void"),
        "WeightReclaim": ("void", "void"),
        "StorageWeightReclaim": ("void", "void"),
    }
    extensions = []
    for name in names:
        if name not in known:
            raise InvalidTransaction(f"the payload names the extension {str(name)[:60]!r}, which is not known here")
        extensions.append(Extension(name, *known[name]))
    everything = (*leaves.values(), *signatures)
    identity = Identity(spec_version, "", addresses.prefix(network), network.decimals, network.symbol)
    return Proof(everything, tuple(range(len(everything))), (), Form(4, 8, 0, 11, tuple(extensions)), identity)
