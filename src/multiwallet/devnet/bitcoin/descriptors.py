"""Output descriptors (BIP-380 to 386), as far as ``scantxoutset`` and its kin need them: one key, an address, a script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...chain import Network
from ...chains.bitcoin import addresses
from ...chains.bitcoin.script import kind_of, script_for_key
from ...codec.descriptor_checksum import checksum
from ...crypto import secp256k1
from ...crypto.hashes import hash160
from ...errors import InputError, MultiwalletError, Rejected
from ...keys.hd import ExtendedKey

__all__ = ["Descriptor", "checksum", "described", "read_descriptor", "read_range"]

_LONGEST: Final = 1000
_LARGEST_RANGE: Final = 10_000
_KEY: Final = re.compile(
    r"(?:\[(?P<origin>[0-9a-fA-F]{8}(?:/[0-9]{1,10}['hH]?){0,10})\])?(?P<key>[0-9A-Za-z]{64,130})"
    r"(?P<steps>(?:/[0-9]{1,10}|/<[0-9;]{3,50}>){0,10})(?P<wildcard>/\*)?",
    re.ASCII,
)
_SHAPE: Final = re.compile(r"(sh\(wpkh|wpkh|pkh|pk|tr|rawtr|combo|addr|raw)\((.*)", re.ASCII)
_KINDS: Final = {"pkh": "p2pkh", "wpkh": "p2wpkh", "sh(wpkh": "p2sh-p2wpkh", "tr": "p2tr"}


def described(network: Network, script: bytes) -> str:
    """The descriptor that Core infers for a script of unknown keys."""
    if kind_of(script) == "p2tr":
        text = f"rawtr({script[2:].hex()})"
    else:
        address = addresses.address_of(network, script)
        text = f"raw({script.hex()})" if address is None else f"addr({address})"
    return f"{text}#{checksum(text)}"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A descriptor that was read: ``text`` without checksum, and whether a wildcard makes it a range."""

    text: str
    is_range: bool
    _network: Network
    _function: str
    _argument: str

    def scripts(self, start: int = 0, end: int = 0) -> dict[bytes, str]:
        """The scripts, each with the descriptor of just that script; of ``start`` to ``end`` in a range."""
        if self._function in ("addr", "raw"):
            script = (
                bytes.fromhex(self._argument)
                if self._function == "raw"
                else addresses.script_of(self._network, self._argument)
            )
            return {script: described(self._network, script)}
        found: dict[bytes, str] = {}
        for index in range(start, end + 1) if self.is_range else (0,):
            for key, origin in self._keys(index):
                for function in ("pk", "pkh", "wpkh", "sh(wpkh") if self._function == "combo" else (self._function,):
                    closing = "))" if "(" in function else ")"
                    text = f"{function}({origin}{_shown(function, key)}{closing}"
                    found.setdefault(_script(function, key), f"{text}#{checksum(text)}")
        return found

    def _keys(self, index: int) -> list[tuple[bytes, str]]:
        match = _KEY.fullmatch(self._argument)
        assert match is not None  # read_descriptor checked it
        origin, steps = match["origin"] or "", match["steps"]
        key = _fixed_key(match["key"])
        if key is not None:
            return [(key, f"[{origin or hash160(key)[:4].hex()}]")]
        branches = [steps]
        several = re.search(r"<([0-9;]+)>", steps)
        if several is not None:
            branches = [steps.replace(several[0], number) for number in several[1].split(";")]
        found = []
        with ExtendedKey.parse(match["key"]) as root:
            for branch in branches:
                numbers = [int(number) for number in branch.split("/")[1:]] + ([index] if self.is_range else [])
                child = root.derive(numbers)
                way = "".join(f"/{number}" for number in numbers)
                found.append((child.public_key, f"[{(origin or root.fingerprint.hex())}{way}]".replace("'", "h")))
        return found


def read_descriptor(network: Network, text: object) -> Descriptor:
    """Read a descriptor; Rejected with Core's code -5 says what is wrong."""
    if not isinstance(text, str) or not text or len(text) > _LONGEST:
        raise Rejected("a descriptor is a text of at most 1000 characters", node_code=-5)
    body, mark, sum_ = text.partition("#")
    try:
        expected = checksum(body)
    except InputError:
        raise Rejected("Invalid characters in payload", node_code=-5) from None
    if mark and sum_ != expected:
        detail = "does not match computed checksum" if len(sum_) == 8 else f"has {len(sum_)} characters, expected 8, of"
        raise Rejected(f"Provided checksum '{sum_[:20]}' {detail} '{expected}'", node_code=-5)
    shape = _SHAPE.fullmatch(body)
    closing = "))" if body.startswith("sh(") else ")"
    if shape is None or not body.endswith(closing):
        raise Rejected(f"'{body[:60]}' is not a valid descriptor function", node_code=-5)
    function, argument = shape[1], shape[2][: -len(closing)]
    is_range = False
    if function == "raw":
        if re.fullmatch(r"(?:[0-9a-fA-F]{2})*", argument, re.ASCII) is None:
            raise Rejected("Raw script is not hex", node_code=-5)
    elif function == "addr":
        try:
            addresses.script_of(network, argument)
        except MultiwalletError:
            raise Rejected("Address is not valid", node_code=-5) from None
    else:
        match = _KEY.fullmatch(argument)
        if match is None:
            raise Rejected(f"key '{argument[:40]}' is not valid", node_code=-5)
        is_range = match["wildcard"] is not None
        _check_key(match, function, is_range)
    return Descriptor(body, is_range, network, function, argument)


def _check_key(match: re.Match[str], function: str, is_range: bool) -> None:
    wrong = Rejected(f"{function}(): key '{match['key'][:12]}...' is not valid", node_code=-5)
    key = _fixed_key(match["key"])
    if key is not None:
        if match["steps"] or is_range or (len(key) == 32) != (function == "rawtr" or len(match["key"]) == 64):
            raise wrong
        if not (secp256k1.is_valid_xonly(key) if len(key) == 32 else secp256k1.is_valid_public_key(key)):
            raise wrong
        if (len(key) == 65 and function not in ("pk", "pkh")) or (len(key) == 32 and function not in ("tr", "rawtr")):
            raise wrong
        return
    numbers = re.findall(r"[0-9]+", match["steps"])
    if any(int(number) >= 2**31 for number in numbers) or match["steps"].count("<") > 1:
        raise wrong
    try:
        with ExtendedKey.parse(match["key"]) as root:
            if root.is_private:  # a node would take it; a devnet has no use for private keys
                raise wrong
    except InputError:
        raise wrong from None


def _fixed_key(text: str) -> bytes | None:
    """The bytes of a key written in hex, or None for an extended key."""
    if len(text) not in (64, 66, 130):
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _shown(function: str, key: bytes) -> str:
    return key[-32:].hex() if function in ("tr", "rawtr") else key.hex()


def _script(function: str, key: bytes) -> bytes:
    if function == "pk":
        return bytes((len(key),)) + key + b"\xac"
    if function == "rawtr":
        return b"\x51\x20" + key[-32:]
    if function == "tr" and len(key) == 32:
        key = b"\x02" + key
    return script_for_key(_KINDS[function], key)


def read_range(value: object) -> tuple[int, int]:
    """A range of ``scantxoutset``: its end, or start and end; Rejected with Core's code -8."""
    both: Sequence[object] = (0, value) if not isinstance(value, list | tuple) else value
    if len(both) != 2 or not all(isinstance(item, int) and not isinstance(item, bool) for item in both):
        raise Rejected("Range must be specified as end or as [begin,end]", node_code=-8)
    start, end = both
    assert isinstance(start, int)
    assert isinstance(end, int)
    if end < start:
        raise Rejected("Range specified as [begin,end] must not have begin after end", node_code=-8)
    if start < 0:
        raise Rejected("Range should be greater or equal than 0", node_code=-8)
    if end >= 2**31:
        raise Rejected("End of range is too high", node_code=-8)
    if end - start >= _LARGEST_RANGE:
        raise Rejected("Range is too large", node_code=-8)
    return start, end
