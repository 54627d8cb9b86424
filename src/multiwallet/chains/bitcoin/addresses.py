"""Addresses of a network's output scripts: Base58Check, Bech32 (BIP-173) and Bech32m (BIP-350)."""

from __future__ import annotations

from typing import Final

from ...chain import Network
from ...codec import base58, bech32, cashaddr
from ...errors import InputError, InvalidAddress, Unsupported
from .rules import rules_of
from .script import KEY_KINDS, kind_of, script_for_key

__all__ = ["KEY_KINDS", "address_of", "kind_of", "parse", "script_for_key", "script_of"]

# Only for messages: whose address a foreign one is. Rows of the network table decide everything else.
_VERSIONS: Final = {
    0x00: "Bitcoin",
    0x05: "Bitcoin",
    0x6F: "a Bitcoin test network",
    0xC4: "a Bitcoin test network",
    0x30: "Litecoin",
    0x32: "Litecoin",
    0x3A: "a Litecoin test network",
    0x1E: "Dogecoin",
    0x16: "Dogecoin",
    0x71: "the Dogecoin test network",
    0x4C: "Dash",
    0x10: "Dash",
    0x8C: "the Dash test network",
    0x13: "the Dash test network",
    0x3F: "DigiByte",
    0x41: "TRON",
}
_PREFIXES: Final = {
    "bc": "Bitcoin",
    "tb": "the Bitcoin test networks (testnet, signet)",
    "bcrt": "Bitcoin's regtest",
    "ltc": "Litecoin",
    "tltc": "the Litecoin test network",
    "rltc": "Litecoin's regtest",
    "dgb": "DigiByte",
    "vtc": "Vertcoin",
    "btg": "Bitcoin Gold",
    "cosmos": "Cosmos",
    "addr": "Cardano",
}
_LONGEST: Final = 90
_CASHADDR: Final = {"p2pkh": 0, "p2sh": 1}
_CASHADDR_TOKENS: Final = 2  # added to the kind in an address whose owner can receive tokens: the script is the same


def _version(network: Network, name: str) -> bytes | None:
    value = network.params.get(name)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 0x10000:
        return value.to_bytes(2 if value > 0xFF else 1, "big")
    raise Unsupported(f"the row of {network.title} has no usable version byte {name!r}: it is a number below 65536")


def _hrp(network: Network) -> str | None:
    value = network.params.get("hrp")
    return value if isinstance(value, str) and value else None


def address_of(network: Network, script: bytes) -> str | None:
    """The canonical address of an output script, or None when the script has none on this network."""
    kind = kind_of(script)
    if kind in ("p2wpkh", "p2wsh", "p2tr"):
        hrp = _hrp(network)
        return None if hrp is None else bech32.encode_segwit(hrp, 1 if kind == "p2tr" else 0, script[2:])
    if kind in ("p2pkh", "p2sh"):
        prefix = network.params.get("cashaddr")
        if prefix:
            return cashaddr.encode(prefix, _CASHADDR[kind], script[3 if kind == "p2pkh" else 2 :][:20])
        version = _version(network, kind)
        return None if version is None else base58.encode_check(version + script[3 if kind == "p2pkh" else 2 :][:20])
    return None


def parse(network: Network, text: str) -> str:
    """The canonical form of an address of ``network``; InvalidAddress says what is wrong with any other text."""
    address = address_of(network, script_of(network, text))
    if address is None:  # pragma: no cover - script_of gives only scripts that have an address
        raise InvalidAddress(f"this is no address of {network.title}")
    return address


def script_of(network: Network, address: str) -> bytes:
    """The output script that an address of ``network`` stands for.

    Accepts ``p2pkh``, ``p2sh``, ``p2wpkh``, ``p2wsh`` and ``p2tr``. Witness versions and program lengths that
    no rule of the network spends yet are refused: coins paid to them could be taken by anyone. Raises
    :class:`~multiwallet.errors.InvalidAddress` with the reason.
    """
    if not isinstance(address, str):
        raise InvalidAddress(f"an address is a text, not {type(address).__name__}")
    if not address:
        raise InvalidAddress("the address is empty")
    if not address.isascii() or not address.isprintable() or " " in address:
        raise InvalidAddress("the address holds a space or a character that no address has: copy it again")
    if len(address) > _LONGEST:
        raise InvalidAddress(
            f"{len(address)} characters are too long for an address of {network.title}{_hint(address)}"
        )
    rules_of(network)  # a row that is wrong is said to be wrong, not the address
    cash = network.params.get("cashaddr")
    if cash and (":" in address or address[:1] in "qpzrQPZR"):  # Base58Check begins with another letter here
        return _cashaddr(network, cash, address)
    hrp = _hrp(network)
    prefix, separator, _ = address.lower().rpartition("1")
    if separator and (prefix == hrp or prefix in _PREFIXES):
        if prefix != hrp:
            raise InvalidAddress(f"this starts as addresses of {_PREFIXES[prefix]} do, not those of {network.title}")
        return _segwit(network, prefix, address)
    return _base58(network, address)


def _cashaddr(network: Network, prefix: str, address: str) -> bytes:
    try:
        kind, program = cashaddr.decode(address, prefix)
    except InputError as error:
        raise InvalidAddress(f"not an address of {network.title}: {error.message}") from None
    if len(program) != 20 or kind > _CASHADDR["p2sh"] + _CASHADDR_TOKENS:
        raise InvalidAddress(
            f"this kind of address (type {kind}, {len(program)} bytes) is not known here: p2pkh and p2sh of 20 bytes are"
        )
    if kind % _CASHADDR_TOKENS == _CASHADDR["p2pkh"]:
        return b"\x76\xa9\x14" + program + b"\x88\xac"
    return b"\xa9\x14" + program + b"\x87"


def _segwit(network: Network, hrp: str, address: str) -> bytes:
    try:
        version, program = bech32.decode_segwit(hrp, address)
    except InputError as error:
        raise InvalidAddress(f"not an address of {network.title}: {error.message}") from None
    length = len(program)
    if version == 0:
        return bytes((0, length)) + program  # the decoder lets only 20 and 32 bytes pass
    if version == 1 and length == 32 and "p2tr" in rules_of(network).kinds:
        return b"\x51\x20" + program
    raise InvalidAddress(
        f"witness version {version} with {length} bytes has no meaning on {network.title} yet: "
        "coins paid there could be taken by anyone"
    )


def _base58(network: Network, address: str) -> bytes:
    try:
        payload = base58.decode_check(address, limit=_LONGEST)
    except InputError as error:
        raise InvalidAddress(f"not an address of {network.title}: {error.message}{_hint(address)}") from None
    p2pkh = _version(network, "p2pkh")
    if p2pkh is None:
        raise Unsupported(f"the row of {network.title} has no p2pkh version byte")
    width = len(p2pkh)
    version, program = payload[:width], payload[width:]
    if len(program) == 20:
        if version == p2pkh:
            return b"\x76\xa9\x14" + program + b"\x88\xac"
        if version in (_version(network, "p2sh"), _version(network, "p2sh_legacy")):
            return b"\xa9\x14" + program + b"\x87"
        owner = _VERSIONS.get(payload[0]) if len(payload) == 21 else None
        whose = f"an address of {owner}" if owner else f"an address with the version {version.hex()}"
        raise InvalidAddress(f"this is {whose}, not of {network.title}")
    if len(payload) in (33, 34) and payload[0] >= 0x80:
        raise InvalidAddress("this looks like a private key (WIF), not an address: show it to nobody")
    raise InvalidAddress(f"an address holds a hash of 20 bytes, and this one holds {len(program)}")


def _hint(address: str) -> str:
    if address[:2].lower() == "0x":
        return ": it looks like an Ethereum address"
    if address[:3].lower() == "zs1" or address[:2].lower() == "u1" or address[:4].lower() == "tex1":
        return ": shielded, unified and TEX addresses of Zcash cannot be paid here, transparent ones (t1, t3) can"
    if address[1:4] == "pub" and len(address) > _LONGEST:
        return ": it looks like an extended public key, which Wallet.from_xpub takes"
    if address[1:4] == "prv" and len(address) > _LONGEST:
        return ": it looks like an extended private key; show it to nobody"
    return ""
