"""What a target is, and what several of them use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from multiwallet import Wallet, network, registry
from multiwallet.errors import MultiwalletError


@dataclass(frozen=True)
class Target:
    """A decoder: ``run`` takes any bytes and raises errors of the tree only."""

    run: Callable[[bytes], object]
    seal: Callable[[bytes], bytes] | None = None


def text_of(data: bytes) -> str:
    """Any bytes as text: what is no UTF-8 becomes lone surrogates, which hostile callers hand over too."""
    return data.decode("utf-8", "surrogateescape")


def each(*uses: Callable[[], object]) -> None:
    """Every one of several ways to read the same bytes; what one refuses, the next may take."""
    for use in uses:
        try:
            use()
        except MultiwalletError:
            continue


@cache
def account(name: str) -> Any:
    wallet = Wallet.from_seed(hashlib.sha256(b"fuzz").digest())
    if name == "eos":  # where accounts have names
        return wallet.account(name, kind="alice")
    return wallet.account(name, index=0 if name == "bitcoin" else None)


def signed(name: str, wire: Any) -> object:
    row = network(name)
    return registry.chain(row).parse_signed(row, wire)


def read(name: str, form: Any) -> None:
    """As ``account.sign`` reads it, with the summary that a person is shown."""
    repr(account(name).read(form).summary)
