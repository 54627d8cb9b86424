"""What the environment says. Secrets are in files that it names, never in it, and no message repeats either."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from multiwallet.codec import json_text
from multiwallet.errors import InputError
from multiwallet.outbox import Policy
from multiwallet.store import Store

__all__ = ["Settings", "read_secret"]

_LARGEST: Final = 64 * 1024
_KEYS: Final = ("PAYMENTS_MNEMONIC_FILE", "PAYMENTS_VAULT_FILE")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a worker needs to start. URLs may hold passwords and keys of providers, so they are not shown."""

    store: str = field(repr=False)
    endpoints: Mapping[str, tuple[str, ...]] = field(repr=False)
    token_file: str
    mnemonic_file: str | None = None
    vault_file: str | None = None
    vault_entry: str = "payments"
    vault_passphrase_file: str | None = None
    vault_key_file: str | None = None
    max_fees: Mapping[str, str] = field(default_factory=dict)
    confirmations: int = 1
    poll: float = 2.0
    retry: float = 5.0
    lease: float = 120.0
    answer_within: float = 10.0
    concurrency: int = 64
    grace: float = 20.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read and check the variables that README.md lists; InputError names the one that is wrong."""
        text = {name: value for name, value in environment.items() if name.startswith("PAYMENTS_") and value}
        for needed in ("PAYMENTS_STORE", "PAYMENTS_ENDPOINTS", "PAYMENTS_TOKEN_FILE"):
            if needed not in text:
                raise InputError(f"{needed} is not set: README.md tells what it is")
        if sum(name in text for name in _KEYS) != 1:
            raise InputError(f"set one of {' and '.join(_KEYS)}: where the keys are")
        return cls(
            store=text["PAYMENTS_STORE"],
            endpoints=_endpoints(text["PAYMENTS_ENDPOINTS"]),
            token_file=text["PAYMENTS_TOKEN_FILE"],
            mnemonic_file=text.get("PAYMENTS_MNEMONIC_FILE"),
            vault_file=text.get("PAYMENTS_VAULT_FILE"),
            vault_entry=text.get("PAYMENTS_VAULT_ENTRY", "payments"),
            vault_passphrase_file=text.get("PAYMENTS_VAULT_PASSPHRASE_FILE"),
            vault_key_file=text.get("PAYMENTS_VAULT_KEY_FILE"),
            max_fees=_texts(text, "PAYMENTS_MAX_FEES"),
            confirmations=int(_number(text, "PAYMENTS_CONFIRMATIONS", 1, whole=True)),
            poll=_number(text, "PAYMENTS_POLL", 2),
            retry=_number(text, "PAYMENTS_RETRY", 5),
            lease=_number(text, "PAYMENTS_LEASE", 120),
            answer_within=_number(text, "PAYMENTS_ANSWER_WITHIN", 10),
            concurrency=int(_number(text, "PAYMENTS_CONCURRENCY", 64, whole=True)),
            grace=_number(text, "PAYMENTS_GRACE", 20),
        )

    def policy(self) -> Policy:
        """How the outbox drives payments."""
        return Policy(confirmations=self.confirmations, poll=self.poll, retry=self.retry, max_fee=dict(self.max_fees))

    def open_store(self) -> Store:
        """The database that all workers share."""
        return Store(self.store, lease=self.lease)


def read_secret(variable: str, name: str) -> str:
    """The text of a file that its owner alone can read; ``variable`` is what messages call it."""
    try:
        with open(name, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_LARGEST)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise InputError(f"the file that {variable} names cannot be read: {reason}") from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise InputError(f"the file that {variable} names can be reached by others than its owner: make its mode 0400")
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise InputError(f"the file that {variable} names is no UTF-8 text") from None
    if not text:
        raise InputError(f"the file that {variable} names is empty")
    return text


def _object(variable: str, text: str) -> dict[str, Any]:
    try:
        value = json_text.parse(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InputError(f'{variable} is a JSON object of networks, such as {{"ethereum": ...}}')
    return value


def _endpoints(text: str) -> dict[str, tuple[str, ...]]:
    found = {}
    for network, urls in _object("PAYMENTS_ENDPOINTS", text).items():
        listed = [urls] if isinstance(urls, str) else urls
        if not isinstance(listed, list) or not listed or not all(isinstance(url, str) for url in listed):
            raise InputError("PAYMENTS_ENDPOINTS gives each network a URL or a list of URLs")
        found[network] = tuple(listed)
    if not found:
        raise InputError("PAYMENTS_ENDPOINTS names no network: then there is nothing to serve")
    return found


def _texts(text: Mapping[str, str], variable: str) -> dict[str, str]:
    found = _object(variable, text[variable]) if variable in text else {}
    if not all(isinstance(value, str) for value in found.values()):
        raise InputError(f'{variable} gives each network an amount as text, such as "0.01"')
    return found


def _number(text: Mapping[str, str], variable: str, default: float, *, whole: bool = False) -> float:
    if variable not in text:
        return default
    try:
        number = int(text[variable]) if whole else float(text[variable])  # seconds, never money
    except ValueError:
        number = -1
    if not 0 < number <= 86_400:
        raise InputError(f"{variable} is a {'whole number' if whole else 'number of seconds'} from above 0 to 86400")
    return number
