"""How dear a passphrase is to guess: the parameters of Argon2id, their floors, and their calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..errors import InputError

__all__ = ["Argon2id"]

# The floor is OWASP's minimum for Argon2id (19 MiB, two passes). The ceilings keep a hostile file from
# taking the machine's memory or its day.
_LEAST_MEMORY_KIB: Final = 19 * 1024
_LEAST_PASSES: Final = 2
_MOST_MEMORY_KIB: Final = 4 * 1024 * 1024
_MOST_PASSES: Final = 64
# What libsodium itself can do.
_POSSIBLE_MEMORY_KIB: Final = 8


@dataclass(frozen=True, slots=True)
class Argon2id:
    """Parameters of Argon2id (RFC 9106, version 1.3, one lane): the passes and the memory in KiB.

    The defaults are three passes over 64 MiB, about a tenth of a second on a machine of today. The floor is two
    passes over 19 MiB; ``weak=True`` goes below it, for tests alone: a vault made with such parameters opens
    only where ``allow_weak=True`` says so.

    Raises :class:`~multiwallet.errors.InputError` for parameters outside the bounds.

    >>> Argon2id()
    Argon2id(passes=3, memory_kib=65536, weak=False)
    >>> Argon2id(passes=1, memory_kib=1024)
    Traceback (most recent call last):
        ...
    multiwallet.errors.InputError: Argon2id needs at least 2 passes and 19456 KiB, not 1 and 1024
    """

    passes: int = 3
    memory_kib: int = 64 * 1024
    weak: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.passes <= _MOST_PASSES or not _POSSIBLE_MEMORY_KIB <= self.memory_kib <= _MOST_MEMORY_KIB:
            raise InputError(
                f"Argon2id takes up to {_MOST_PASSES} passes and {_MOST_MEMORY_KIB} KiB here, "
                f"not {self.passes} and {self.memory_kib}"
            )
        if self.below_floor and not self.weak:
            raise InputError(
                f"Argon2id needs at least {_LEAST_PASSES} passes and {_LEAST_MEMORY_KIB} KiB, "
                f"not {self.passes} and {self.memory_kib}"
            )

    @property
    def below_floor(self) -> bool:
        """Whether the parameters are weaker than a vault may have outside of tests."""
        return self.passes < _LEAST_PASSES or self.memory_kib < _LEAST_MEMORY_KIB

    @classmethod
    def calibrate(cls, seconds: float = 0.5, *, memory_kib: int = 256 * 1024) -> Argon2id:
        """Parameters that take about ``seconds`` on this machine, with at most ``memory_kib`` of memory.

        Memory comes before passes, since it is what costs an attacker most. It never goes below the default
        parameters: a slow machine takes longer than asked. Costs about twice ``seconds`` to find out.
        """
        import time

        from .sodium import argon2id

        def cost(passes: int, memory: int) -> float:
            start = time.perf_counter()
            argon2id(b"calibration", bytes(16), passes=passes, memory_kib=memory)
            return time.perf_counter() - start

        default = cls()
        memory = default.memory_kib
        took = cost(default.passes, memory)
        while memory * 2 <= memory_kib and took * 2 <= seconds:
            memory *= 2
            took = cost(default.passes, memory)
        passes = int(default.passes * seconds / took)
        return cls(passes=min(max(passes, default.passes), _MOST_PASSES), memory_kib=memory)
