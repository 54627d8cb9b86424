"""What worker processes run in these tests: found by name, as the functions of a real program are."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from multiwallet import AsyncWallet, Wallet
from multiwallet.errors import InvalidTransaction


def open_from_file(key_file: str, diary: str, network: str = "ethereum") -> Any:
    """Open the wallet whose words a file holds, and note down in which process."""
    Path(diary, f"{os.getpid()}-{time.monotonic_ns()}").touch()
    return Wallet.from_mnemonic(Path(key_file).read_text()).account(network)


def open_by_process(seeds: str) -> Any:
    """Another key in each process: what a wrongly set up cluster does."""
    return Wallet.from_seed(os.getpid().to_bytes(16, "big")).account("ethereum")


def process_after_a_moment(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def open_badly(text: str) -> Any:
    raise OSError(f"the key is {text}")


def open_asynchronously() -> Any:
    return AsyncWallet.from_seed(bytes(32)).account("ethereum")


def die_if_last(number: int, flag: str) -> dict[str, Any]:
    """Ends the worker that puts this item together; once, where ``flag`` names a file."""
    if flag:
        if Path(flag).exists():
            return transfer(number)
        Path(flag).touch()
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def transfer(number: int) -> dict[str, Any]:
    return {
        "type": 2,
        "chainId": 1,
        "nonce": number,
        "to": "0x" + number.to_bytes(20, "big").hex(),
        "value": 10**15 + number,
        "gas": 21_000,
        "maxFeePerGas": 30 * 10**9,
        "maxPriorityFeePerGas": 10**9,
    }


class Deadly:
    """An item that kills the worker which reads it."""

    def __init__(self, number: int, flag: str = "") -> None:
        self.number, self.flag = number, flag

    def __reduce__(self) -> tuple[Any, ...]:
        return die_if_last, (self.number, self.flag)


def explode() -> Any:
    raise ValueError("cannot be read here")


class Unreadable:
    """An item that can be sent and not be read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return explode, ()


class Unsendable:
    """An item that cannot be sent."""

    def __reduce__(self) -> Any:
        raise RecursionError


class OddError(InvalidTransaction):
    """An error of somebody else's family, which pickle cannot put together again."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


class Odd:
    """An item that is no transaction, in its own way."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise OddError(1, 2)
