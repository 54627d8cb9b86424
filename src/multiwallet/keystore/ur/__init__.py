"""Uniform Resources (BCR-2020-005): keys and PSBTs for QR codes, in one or animated, as air-gapped signers show them."""

from .uri import UR, URDecoder, animation, decode, decode_psbt, encode, encode_psbt

__all__ = ["UR", "URDecoder", "animation", "decode", "decode_psbt", "encode", "encode_psbt"]
