"""SS58: the addresses of Substrate chains. A network prefix, a payload and a checksum, in base58.

The prefix is one byte up to 63 and two bytes from 64 to 16383; 46 and 47 are reserved. The checksum is the first
two bytes of BLAKE2b-512 over ``SS58PRE``, prefix and payload. Standard: "SS58 Address Format" of the Polkadot SDK.
"""

from __future__ import annotations

from typing import Final

from ..crypto.hashes import blake2b
from ..errors import InputError
from . import base58

__all__ = ["LARGEST_PREFIX", "decode", "encode"]

LARGEST_PREFIX: Final = 16383
_RESERVED: Final = frozenset((46, 47))
_LONGEST: Final = 60
_LENGTHS: Final = frozenset((32, 33))


def encode(prefix: int, payload: bytes) -> str:
    """The address of a payload of 32 bytes (an account id) or 33 (a bare public key); InputError.

    >>> encode(42, bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"))
    '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'
    """
    head = _head(prefix)
    if len(payload) not in _LENGTHS:
        raise InputError(f"an SS58 payload has 32 or 33 bytes, not {len(payload)}")
    body = head + payload
    return base58.encode(body + _checksum(body))


def decode(text: str) -> tuple[int, bytes]:
    """The prefix and the payload (32 or 33 bytes) of an address; InputError says what is wrong.

    >>> prefix, payload = decode("15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5")
    >>> prefix, payload.hex()[:8]
    (0, 'd43593c7')
    """
    if not isinstance(text, str):
        raise InputError(f"an address is text, not {type(text).__name__}")
    if not text or len(text) > _LONGEST:
        raise InputError(f"an SS58 address has 46 to 52 characters, this text has {len(text)}")
    data = base58.decode(text)
    if data and data[0] < 64:
        size, prefix = 1, data[0]
    elif len(data) > 1 and data[0] < 128:
        size, prefix = 2, (data[0] & 0x3F) << 2 | data[1] >> 6 | (data[1] & 0x3F) << 8
    else:
        raise InputError("this text has no SS58 network prefix")
    if prefix in _RESERVED or (size == 2 and prefix < 64):
        raise InputError(f"{prefix} is no network prefix that SS58 allows in this form")
    body, checksum = data[:-2], data[-2:]
    payload = body[size:]
    if len(payload) not in _LENGTHS:
        raise InputError(f"this SS58 address holds {len(payload)} bytes, and accounts have 32")
    if _checksum(body) != checksum:
        raise InputError("the checksum does not fit: a character is wrong or missing")
    return prefix, payload


def _head(prefix: int) -> bytes:
    if isinstance(prefix, bool) or not isinstance(prefix, int) or not 0 <= prefix <= LARGEST_PREFIX:
        raise InputError("an SS58 network prefix is a whole number from 0 to 16383")
    if prefix in _RESERVED:
        raise InputError(f"the SS58 prefix {prefix} is reserved")
    if prefix < 64:
        return bytes((prefix,))
    return bytes(((prefix & 0xFC) >> 2 | 0x40, prefix >> 8 | (prefix & 3) << 6))


def _checksum(body: bytes) -> bytes:
    return blake2b(b"SS58PRE" + body)[:2]
