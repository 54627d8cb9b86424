"""What a row of the network table may say of a network of this family, checked; and what follows from it.

A row is data: a misspelt name in it would change nothing, in silence. So every name and value of ``params`` is
checked before a network is first used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ...chain import Network
from ...errors import InputError, shown
from ...transactions import Digest
from .script import KEY_KINDS

__all__ = ["BITCOIN", "FORK_ID", "SIGHASHES", "Rules", "digest_of", "rules_of"]

SIGHASHES: Final = ("bitcoin", "forkid", "zip244")
"""What signatures commit to: Bitcoin's rules, Bitcoin Cash's (BIP-143 with a fork id), or Zcash's (ZIP-244)."""
FORK_ID: Final = 0x40
"""The bit of a sighash type that Bitcoin Cash demands (replay protection); its fork id is 0."""
_FEE_RULES: Final = ("rate", "zip317")
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PREFIX: Final = re.compile(r"[a-z]{1,20}", re.ASCII)
_SLIP132: Final = ("p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2sh-p2wsh", "p2wsh")
_CACHED: Final = 512


class Rules(NamedTuple):
    """What the code asks of a row, checked. Amounts are in the smallest unit, rates for 1,000 virtual bytes.

    ``kinds`` are the address kinds, the usual one first. ``branches`` are the consensus branches (ZIP-200) under
    which transactions of the form that is known here are valid. ``dust`` is a least amount for every output, beside
    what the dust relay rate makes of its script. ``replacement`` says whether nodes replace by fee (BIP-125).
    """

    kinds: tuple[str, ...] = KEY_KINDS
    sighash: str = "bitcoin"
    fee_rule: str = "rate"
    dust: int = 0
    least_rate: int = 0
    replacement: bool = True
    branches: tuple[int, ...] = ()
    expiry_blocks: int = 40


BITCOIN: Final = Rules()


def rules_of(network: Network) -> Rules:
    """The rules of a network. Raises :class:`~multiwallet.errors.InputError` naming the param that is wrong."""
    params = network.params
    known = _checked.get(id(params))
    if known is not None and known[0] is params:
        return known[1]
    rules = _read(network)
    if len(_checked) >= _CACHED:
        _checked.clear()
    _checked[id(params)] = (params, rules)
    return rules


_checked: dict[int, tuple[Mapping[str, Any], Rules]] = {}
"""By the identity of the params, which stay alive here, so that no other ones get the same."""


def digest_of(sighash: str) -> Digest:
    """The hash that makes a digest of a preimage."""
    return Digest.BLAKE2B_PERSONAL if sighash == "zip244" else Digest.SHA256D


def _number(low: int, high: int) -> Any:
    def check(value: Any) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return None
        return f"a whole number from {low} to {high}"

    return check


def _text(pattern: re.Pattern[str], what: str) -> Any:
    return lambda value: None if isinstance(value, str) and pattern.fullmatch(value) else what


def _one_of(*known: str) -> Any:
    return lambda value: None if value in known else f"one of {', '.join(known)}"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false, without quotes"


def _kinds(value: Any) -> str | None:
    good = isinstance(value, list | tuple) and value and all(kind in KEY_KINDS for kind in value)
    return None if good and len(set(value)) == len(value) else f"a list of kinds among {', '.join(KEY_KINDS)}"


def _branches(value: Any) -> str | None:
    good = isinstance(value, list | tuple) and value and all(_WORD(item) is None for item in value)
    return None if good else "a list of consensus branch ids, such as [0x4dec4df0]"


def _slip132(value: Any) -> str | None:
    def is_pair(pair: Any) -> bool:
        return isinstance(pair, list | tuple) and len(pair) == 2 and all(_is_word(word) for word in pair)

    good = isinstance(value, Mapping) and all(kind in _SLIP132 and is_pair(pair) for kind, pair in value.items())
    return None if good else f'a table of kind = ["0x...", "0x..."], the kinds being {", ".join(_SLIP132)}'


def _is_word(word: Any) -> bool:
    if isinstance(word, str):
        return re.fullmatch(r"0x[0-9a-f]{8}", word, re.ASCII) is not None
    return _WORD(word) is None


_WORD: Final = _number(0, 0xFFFFFFFF)
_VERSION: Final = _number(0, 0xFFFF)
_AMOUNT: Final = _number(0, 10**12)
_COUNT: Final = _number(0, 2**31 - 1)
_CHECKS: Final[Mapping[str, Any]] = {
    "genesis": _text(_HASH, "a block's hash: 64 hex digits in lower case"),
    "genesis_height": _COUNT,
    "p2pkh": _VERSION,
    "p2sh": _VERSION,
    "p2sh_legacy": _VERSION,
    "wif": _number(0, 0xFF),
    "hrp": _text(re.compile(r"[a-z0-9]{0,20}", re.ASCII), "a prefix in lower case"),
    "cashaddr": _text(_PREFIX, "a prefix in lower case, without the colon"),
    "bip32_public": _WORD,
    "bip32_private": _WORD,
    "slip132": _slip132,
    "coin_type": _COUNT,
    "message_magic": lambda value: None if isinstance(value, str) and len(value) < 100 else "a text",
    "block_time": _number(1, 10**6),
    "coinbase_maturity": _COUNT,
    "kinds": _kinds,
    "sighash": _one_of(*SIGHASHES),
    "fee_rule": _one_of(*_FEE_RULES),
    "dust_relay_rate": _AMOUNT,
    "dust_limit": _AMOUNT,
    "min_relay_rate": _AMOUNT,
    "absurd_fee_rate": _number(1, 10**9),
    "replacement": _flag,
    "consensus_branches": _branches,
    "expiry_blocks": _number(4, 100_000),
}


def _read(network: Network) -> Rules:
    params = network.params
    for name, value in params.items():
        check = _CHECKS.get(name)
        if check is None:
            raise InputError(_unknown(network, name))
        wanted = check(value)
        if wanted is not None:
            raise InputError(f"the row of {network.name}: the param {name!r} is {wanted}")
    segwit = bool(params.get("hrp"))
    kinds = tuple(params.get("kinds", KEY_KINDS if segwit else ("p2pkh",)))
    rules = Rules(
        kinds=kinds,
        sighash=params.get("sighash", "bitcoin"),
        fee_rule=params.get("fee_rule", "rate"),
        dust=params.get("dust_limit", 0),
        least_rate=params.get("min_relay_rate", 0),
        replacement=params.get("replacement", True),
        branches=tuple(params.get("consensus_branches", ())),
        expiry_blocks=params.get("expiry_blocks", 40),
    )
    _check_together(network, rules, segwit)
    return rules


def _check_together(network: Network, rules: Rules, segwit: bool) -> None:
    """What single values cannot show: switches that contradict each other."""
    wrong = ""
    if not segwit and rules.kinds != ("p2pkh",):
        wrong = "a network without hrp has the kinds ['p2pkh'] only"
    elif rules.sighash != "bitcoin" and rules.kinds != ("p2pkh",):
        wrong = f"sighash = {rules.sighash!r} knows the kinds ['p2pkh'] only"
    elif "cashaddr" in network.params and segwit:
        wrong = "a network has cashaddr or hrp, not both"
    elif (rules.sighash == "zip244") != bool(rules.branches):
        wrong = "sighash = 'zip244' and consensus_branches go together"
    elif rules.fee_rule == "zip317" and rules.sighash != "zip244":
        wrong = "fee_rule = 'zip317' belongs to sighash = 'zip244'"
    if wrong:
        raise InputError(f"the row of {network.name}: {wrong}")


def _unknown(network: Network, name: object) -> str:
    from difflib import get_close_matches

    near = get_close_matches(str(name)[:64], _CHECKS, n=1)
    hint = f": did you mean {near[0]!r}?" if near else f": this family knows {', '.join(sorted(_CHECKS))}"
    return f"the row of {network.name} has an unknown param {shown(name)}{hint}"
