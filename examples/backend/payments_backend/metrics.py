"""The metrics hook: one function that is told of everything worth counting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from multiwallet import telemetry

__all__ = ["Metrics", "to_opentelemetry"]

Metrics: TypeAlias = Callable[[str, float, Mapping[str, str]], None]
"""Called with a name, a value and labels.

``payments.request`` (seconds; route, method, status), ``payments.answered`` (1; state or code, network),
``payments.reconciler.failed`` (1; code).
"""


def to_opentelemetry(name: str, value: float, labels: Mapping[str, str]) -> None:
    """The default: OpenTelemetry where its API is installed, nowhere otherwise."""
    if name == "payments.request":
        telemetry.observe(name, value, **labels)
    else:
        telemetry.count(name, int(value), **labels)
