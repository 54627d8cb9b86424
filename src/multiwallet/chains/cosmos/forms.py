"""What this ecosystem calls an unsigned transaction: SignDoc bytes, cosmjs's direct sign doc, and StdSignDoc JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...chain import Holder
from ...codec import base64_text, json_text
from ...codec.hexadecimal import parse_hex
from ...errors import InputError, InvalidTransaction, shown
from .coins import read_coins
from .message import from_amino, whole
from .multisig import KEY_TYPE, Multisig, read_partial
from .rules import Rules
from .sign_doc import AMINO, SignDoc

__all__ = ["amino", "read", "read_partial_form", "wire_bytes"]

_U64: Final = 1 << 64
_DIRECT: Final = (
    ("bodyBytes", "authInfoBytes", "chainId", "accountNumber"),
    ("body_bytes", "auth_info_bytes", "chain_id", "account_number"),
)
_AMINO: Final = frozenset(("account_number", "chain_id", "fee", "memo", "msgs", "sequence"))
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_LONGEST: Final = 4 << 20


def wire_bytes(text: str | bytes, what: str) -> bytes:
    """Bytes as they are, or from hex or base64 text; InvalidTransaction.

    Every transaction starts with the byte 0x0a, so its hex starts with ``0a`` and its base64 with ``C``.
    """
    if isinstance(text, bytes | bytearray | memoryview):
        return bytes(text)
    if not isinstance(text, str) or not text or len(text) > _LONGEST:
        raise InvalidTransaction(f"{what} is bytes, or hex or base64 text")
    try:
        return parse_hex(text) if _HEX.issuperset(text) and len(text) % 2 == 0 else base64_text.decode(text)
    except InputError as error:
        raise InvalidTransaction(f"{what}: {error.message}") from None


def read(holder: Holder, rules: Rules, native: Any) -> SignDoc:
    """The SignDoc of a native form; InvalidTransaction for everything else."""
    if isinstance(native, str) and native.lstrip()[:1] in ("{", "["):
        native = json_text.parse(native, what="the transaction", error=InvalidTransaction, unique=True)
    if isinstance(native, Mapping):
        if set(native) <= {"signDoc", "sign_doc", "signerAddress", "signer_address"} and native:
            native = _wrapped(holder, native)  # as WalletConnect sends it
        for names in _DIRECT:
            if isinstance(native, Mapping) and set(native) == set(names):
                return _direct(rules, *(native[name] for name in names))
        return amino(holder, rules, native)
    return SignDoc.decode(rules.hrp, wire_bytes(native, "a Cosmos transaction"))


def read_partial_form(holder: Holder, rules: Rules, native: Any) -> tuple[SignDoc, dict[int, bytes]] | None:
    """The SignDoc of a multisig account and the signatures in it, from the JSON of ours; None for other forms."""
    if isinstance(native, bytes) and native[:1] == b"{":
        native = json_text.parse(native, what="the transaction", error=InvalidTransaction, unique=True)
    if isinstance(native, str) and native.lstrip()[:1] == "{":
        native = json_text.parse(native, what="the transaction", error=InvalidTransaction, unique=True)
    if not isinstance(native, Mapping) or not {"multisig", "sign_doc"} <= set(native):
        return None
    if not set(native) <= {"multisig", "sign_doc", "signatures"}:
        raise InvalidTransaction("a transaction of a multisig account has multisig, sign_doc and signatures")
    multisig, document, signatures = read_partial(native)
    return amino(holder, rules, document, multisig), signatures


def _wrapped(holder: Holder, native: Mapping[str, Any]) -> Any:
    signer = native.get("signerAddress", native.get("signer_address", holder.address))
    if signer != holder.address:
        raise InvalidTransaction(f"the request is for {shown(signer)}, not for {holder.address}")
    return native.get("signDoc", native.get("sign_doc"))


def _direct(rules: Rules, body: Any, auth_info: Any, chain_id: Any, account_number: Any) -> SignDoc:
    if not isinstance(chain_id, str):
        raise InvalidTransaction("the chain id is text")
    return SignDoc.of_parts(
        rules.hrp,
        wire_bytes(body, "bodyBytes"),
        wire_bytes(auth_info, "authInfoBytes"),
        chain_id,
        whole(account_number, _U64, "the account number"),
    )


def amino(holder: Holder, rules: Rules, native: Any, multisig: Multisig | None = None) -> SignDoc:
    """The SignDoc of an amino StdSignDoc, to be signed by the holder's key or by members of a multisig account."""
    if not isinstance(native, Mapping) or not all(isinstance(name, str) for name in native):
        raise InvalidTransaction("this is neither a direct sign doc nor an amino one")
    unknown = sorted(set(native) - _AMINO - {"timeout_height"})
    missing = sorted(_AMINO - set(native))
    if unknown or missing:
        raise InvalidTransaction(
            f"an amino sign doc has {', '.join(sorted(_AMINO))} and perhaps timeout_height; this one "
            + (f"has {shown(unknown[0])}" if unknown else f"lacks {missing[0]}")
        )
    fee, listed, memo, chain_id = native["fee"], native["msgs"], native["memo"], native["chain_id"]
    if not isinstance(fee, Mapping) or not {"amount", "gas"} <= set(fee) <= {"amount", "gas", "payer", "granter"}:
        raise InvalidTransaction("a fee has amount and gas, and perhaps payer and granter")
    if not isinstance(listed, list | tuple) or not 0 < len(listed) <= 1000:
        raise InvalidTransaction("msgs is a list of messages")
    payer, granter = fee.get("payer", ""), fee.get("granter", "")
    if not all(isinstance(text, str) for text in (memo, chain_id, payer, granter)):
        raise InvalidTransaction("memo, chain_id, payer and granter are text")
    if not (payer.isascii() and granter.isascii()):
        raise InvalidTransaction("payer and granter are addresses")
    try:
        memo.encode("utf-8"), chain_id.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidTransaction("the memo or the chain id holds a lone surrogate, which UTF-8 cannot carry") from None
    return SignDoc(
        tuple(from_amino(rules.hrp, item) for item in listed),
        read_coins(fee["amount"]),
        whole(fee["gas"], _U64, "gas"),
        rules.key_type_url if multisig is None else KEY_TYPE,
        holder.public_key if multisig is None else b"",
        whole(native["sequence"], _U64, "the sequence"),
        whole(native["account_number"], _U64, "the account number"),
        chain_id,
        memo,
        whole(native.get("timeout_height", 0), _U64, "timeout_height"),
        AMINO,
        payer,
        granter,
        multisig,
    )
