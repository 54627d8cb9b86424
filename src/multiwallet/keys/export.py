"""The one way out for a private key."""

from __future__ import annotations

from ..chain import Chain, Holder
from .formats import encode_keypair, encode_wif
from .keychain import Keychain

__all__ = ["export_private_key"]


def export_private_key(keychain: Keychain, chain: Chain, holder: Holder) -> str:
    """The private key of a holder as its ecosystem writes it: WIF, hex, or base58 of 64 bytes.

    Raises :class:`~multiwallet.errors.SigningRefused` where there are no private keys.
    """
    secret = keychain.signing_key(chain.curve, holder.path).expose()
    match chain.key_forms[0]:
        case "wif":
            return encode_wif(secret, holder.network.params["wif"], compressed=len(holder.public_key) == 33)
        case "keypair":
            return encode_keypair(secret)
        case "0xhex":
            return "0x" + secret.hex()
        case _:
            return secret.hex()
