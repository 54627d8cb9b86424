"""What servers answer: each answer's shape is checked, and an error that comes with HTTP 200 is one all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ...chain import Network
from ...errors import BadResponse, InputError, MultiwalletError, RateLimited, Rejected
from ...ops import Op, Rpc, attempt
from .addresses import classic
from .currencies import Token, code_bytes
from .quantities import TokenAmount, read_value
from .transaction import SignerList

__all__ = ["Account", "Line", "State", "account", "account_info", "call", "lines", "result", "server_state", "state"]

U32: Final = 2**32
_BUSY: Final = ("slowDown", "tooBusy")
_MOST_PAGES: Final = 25
NOT_FOUND: Final = "actNotFound"


class State(NamedTuple):
    """The last validated ledger: its number, what a plain transaction costs, and the reserves, in drops."""

    ledger: int
    base_fee: int
    reserve_base: int
    reserve_increment: int
    network_id: int

    def reserve(self, owned: int) -> int:
        """What an account that owns so many objects must keep."""
        return self.reserve_base + owned * self.reserve_increment


class Account(NamedTuple):
    """An account: its drops, its flags, how many objects it owns, its next sequence, and what a gateway charges."""

    balance: int
    flags: int
    owned: int
    sequence: int
    transfer_rate: int
    signer_list: SignerList | None


class Line(NamedTuple):
    """A trust line as one of its ends sees it: the balance may be negative. Numbers are in units of 10^-15."""

    balance: int
    limit: int
    is_frozen_by_peer: bool
    is_frozen: bool
    is_authorized: bool


def call(network: Network, method: str, *, broadcast: bool = False, **parameters: Any) -> Rpc:
    """A call as rippled takes them: one object of parameters in a list."""
    return Rpc(network.id, method, [parameters], broadcast=broadcast)


def result(outcome: Any, method: str) -> Mapping[str, Any]:
    """The result of a call. Rejected, with the server's word as ``node_code``, where it holds an error."""
    if isinstance(outcome, MultiwalletError):
        raise outcome
    if not isinstance(outcome, Mapping):
        raise BadResponse(f"{method} did not answer with an object")
    error = outcome.get("error")
    if error is None and outcome.get("status") != "error":
        return outcome
    word = error if isinstance(error, str) else "error"
    text = shortened(outcome.get("error_exception") or outcome.get("error_message") or word)
    if word in _BUSY:
        raise RateLimited(f"the server limits this client: {text}")
    raise Rejected(f"the server refused {method}: {text} ({word[:40]})", node_code=word[:80])


def shortened(value: object) -> str:
    """A server's text as a message may show it."""
    words = "".join(sign if sign.isprintable() else " " for sign in str(value)[:2000])
    return " ".join(words.split())[:300]


def whole(table: Mapping[str, Any], name: str, method: str, *, below: int = U32) -> int:
    """A whole number of an answer."""
    value = table.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < below:
        raise BadResponse(f"{method} answered without a usable {name}")
    return value


def drops(table: Mapping[str, Any], name: str, method: str) -> int:
    """A number of drops, which servers write as text."""
    value = table.get(name)
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18):
        raise BadResponse(f"{method} answered without a usable {name}")
    return int(value)


def table(value: Any, method: str, name: str) -> Mapping[str, Any]:
    """An object within an answer."""
    if not isinstance(value, Mapping):
        raise BadResponse(f"{method} answered without {name}")
    return value


def server_state(network: Network) -> Rpc:
    """Asks for what :func:`state` reads."""
    return call(network, "server_state")


def state(outcome: Any) -> State:
    """The state of the server and its last validated ledger; BadResponse where it has none yet."""
    method = "server_state"
    found = table(result(outcome, method).get("state"), method, "its state")
    ledger = found.get("validated_ledger")
    if not isinstance(ledger, Mapping):
        raise BadResponse("this server has no validated ledger yet: it is not in step with its network")
    number = whole(found, "network_id", method) if "network_id" in found else 0  # absent on the main network
    small = 10**12
    return State(
        whole(ledger, "seq", method),
        whole(ledger, "base_fee", method, below=small),
        whole(ledger, "reserve_base", method, below=small),
        whole(ledger, "reserve_inc", method, below=small),
        number,
    )


def account_info(network: Network, address: str, ledger: str = "current", *, signers: bool = False) -> Rpc:
    """Asks for what :func:`account` reads."""
    more = {"signer_lists": True} if signers else {}
    return call(network, "account_info", account=address, ledger_index=ledger, **more)


def account(outcome: Any, address: str) -> Account | None:
    """An account; None where the ledger has none at this address."""
    method = "account_info"
    try:
        found = result(outcome, method)
    except Rejected as error:
        if error.node_code == NOT_FOUND:
            return None
        raise
    data = table(found.get("account_data"), method, "account_data")
    if data.get("Account") != address:
        raise BadResponse(f"{method} answered about another account than {address}")
    rate = whole(data, "TransferRate", method) if "TransferRate" in data else 0
    if rate and not 10**9 <= rate <= 2 * 10**9:
        raise BadResponse(f"{method} answered with an impossible TransferRate")
    return Account(
        drops(data, "Balance", method),
        whole(data, "Flags", method),
        whole(data, "OwnerCount", method),
        whole(data, "Sequence", method),
        rate or 10**9,
        _signer_list(data.get("signer_lists", found.get("signer_lists")), method),
    )


def _signer_list(value: Any, method: str) -> SignerList | None:
    if not isinstance(value, list) or not value:
        return None
    try:
        entries = [entry["SignerEntry"] for entry in value[0]["SignerEntries"]]
        return SignerList.read(
            {
                "quorum": value[0]["SignerQuorum"],
                "weights": {entry["Account"]: entry["SignerWeight"] for entry in entries},
            }
        )
    except (LookupError, TypeError, InputError):
        raise BadResponse(f"{method} answered with an unreadable signer list") from None


def lines(network: Network, address: str, token: Token, ledger: str = "current") -> Op[Line | None]:
    """The trust line between an account and the issuer of a token; None where there is none."""
    method, peer, marker = "account_lines", classic(token.issuer), None
    for _ in range(_MOST_PAGES):
        asked = {"account": address, "peer": peer, "ledger_index": ledger, "limit": 400}
        if marker is not None:
            asked["marker"] = marker
        (outcome,) = yield from attempt(Rpc(network.id, method, [asked]))
        try:
            found = result(outcome, method)
        except Rejected as error:
            if error.node_code == NOT_FOUND:
                return None
            raise
        listed = found.get("lines")
        if found.get("account") != address or not isinstance(listed, list):
            raise BadResponse(f"{method} answered without the lines of {address}")
        for item in listed:
            line = _line(table(item, method, "a line"), token, peer, method)
            if line is not None:
                return line
        marker = found.get("marker")
        if marker is None:
            return None
    raise BadResponse(f"{method} does not come to an end")


def _line(item: Mapping[str, Any], token: Token, peer: str, method: str) -> Line | None:
    try:
        if item.get("account") != peer or code_bytes(item.get("currency")) != token.currency:
            return None
        balance = _units(item.get("balance"))
        limit = _units(item.get("limit"))
    except InputError:
        raise BadResponse(f"{method} answered with a line that cannot be read") from None
    flags = [item.get(name, False) is True for name in ("freeze_peer", "freeze", "peer_authorized")]
    return Line(balance, limit, flags[0], flags[1], flags[2])


def _units(value: Any) -> int:
    number, exponent = read_value(value)
    if abs(exponent) > 2 * 96:
        raise InputError("no amount of the ledger")
    size = TokenAmount(Token(b"", b""), abs(number), exponent).units
    return -size if number < 0 else size
