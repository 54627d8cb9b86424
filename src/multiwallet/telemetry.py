"""Traces, metrics and structured logs, in five words: span, count, observe, event, JsonFormatter.

Traces and metrics go to OpenTelemetry where its API is installed (``pip install "multiwallet-sdk[telemetry]"``) and
nowhere otherwise; which exporter takes them is the program's business. Logs are standard ``logging``. What is recorded
is who was asked for what and how it went: network, method, scheme and host of an endpoint, an error's code. Never
parameters, bodies or whole URLs: any URL in a text is cut to its scheme and host on the way out.

>>> with span("multiwallet.example", network="eip155:1", endpoint="https://user:secret@node.example/v3/key"):
...     count("multiwallet.example.calls", network="eip155:1")
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeAlias

from .errors import MultiwalletError
from .exchange import redact

__all__ = ["JsonFormatter", "Span", "count", "event", "observe", "span"]

Attribute: TypeAlias = str | int | float | bool | None

_LONGEST: Final = 256
_URL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s\"'<>]+")
_lock = threading.Lock()
_instruments: dict[tuple[str, str], Any] = {}


class Span:
    """A running span, or nothing at all where no OpenTelemetry is installed."""

    __slots__ = ("_span",)

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def set(self, **attributes: Attribute) -> None:
        """Add attributes to the span."""
        if self._span is not None:
            self._span.set_attributes(_clean(attributes))

    def fail(self, code: str) -> None:
        """Mark the span as failed, with an error's ``code``."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_attribute("error.type", code)
            self._span.set_status(Status(StatusCode.ERROR, code))


@contextmanager
def span(name: str, **attributes: Attribute) -> Iterator[Span]:
    """Time a piece of work as a span of the current trace.

    An exception marks the span as failed with the error's code or type. Its text is not recorded.
    """
    api = _api()
    if api is None:
        yield Span()
        return
    with api.tracer.start_as_current_span(
        name, attributes=_clean(attributes), record_exception=False, set_status_on_exception=False
    ) as running:
        mine = Span(running)
        try:
            yield mine
        except MultiwalletError as error:
            mine.fail(error.code)
            raise
        except BaseException as error:
            mine.fail(type(error).__name__)
            raise


def count(name: str, value: int = 1, **attributes: Attribute) -> None:
    """Add to a counter."""
    api = _api()
    if api is not None:
        _instrument("counter", name).add(value, _clean(attributes))


def observe(name: str, seconds: float, **attributes: Attribute) -> None:
    """Add a duration to a histogram, whose unit is the second."""
    api = _api()
    if api is not None:
        _instrument("histogram", name).record(seconds, _clean(attributes))


def event(
    logger: logging.Logger | str,
    message: str,
    *,
    network: str | None = None,
    account: str | None = None,
    txid: str | None = None,
    level: int = logging.INFO,
    **fields: Attribute,
) -> None:
    """Log one event. The record has ``network``, ``account``, ``txid`` and ``fields`` for a structured handler.

    ``account`` is an address or an account's CAIP-10 id, never a key. URLs in any text are cut to scheme and host.
    """
    target = logging.getLogger(logger) if isinstance(logger, str) else logger
    if target.isEnabledFor(level):
        extra = {"network": network, "account": account, "txid": txid, "fields": _clean(fields)}
        target.log(level, "%s", _shortened(message), extra=extra)


class JsonFormatter(logging.Formatter):
    """Log records as JSON, one object a line.

    ``time`` (RFC 3339, UTC), ``level``, ``logger``, ``message``; ``network``, ``account``, ``txid`` and the fields of
    :func:`event` where there are any; ``trace_id`` and ``span_id`` inside a span; ``exception`` with a traceback.

    >>> record = logging.makeLogRecord(
    ...     {"name": "multiwallet.pool", "levelname": "INFO", "msg": "open", "created": 0, "network": "eip155:1"}
    ... )
    >>> print(JsonFormatter().format(record))
    {"time": "1970-01-01T00:00:00.000+00:00", "level": "INFO", "logger": "multiwallet.pool", "message": "open", "network": "eip155:1"}
    """

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": time,
            "level": record.levelname,
            "logger": record.name,
            "message": _without_urls(record.getMessage()),
        }
        fields = getattr(record, "fields", None)
        named = {name: getattr(record, name, None) for name in ("network", "account", "txid")}
        for name, value in {**named, **_ids(), **(fields if isinstance(fields, Mapping) else {})}.items():
            if value is not None and name not in line:
                line[name] = _without_urls(value) if isinstance(value, str) else value
        if record.exc_info:
            line["exception"] = _without_urls(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


class _Api:
    def __init__(self, tracer: Any, meter: Any) -> None:
        self.tracer = tracer
        self.meter = meter


@cache
def _api() -> _Api | None:
    # OpenTelemetry's own proxies stand in until the program names its providers, so this may come first.
    try:
        from opentelemetry import metrics, trace
    except ImportError:
        return None
    from . import __version__

    return _Api(trace.get_tracer("multiwallet", __version__), metrics.get_meter("multiwallet", __version__))


def _instrument(kind: str, name: str) -> Any:
    found = _instruments.get((kind, name))
    if found is None:
        api = _api()
        assert api is not None  # count and observe have looked
        with _lock:
            found = _instruments.get((kind, name))
            if found is None:
                make = api.meter.create_counter if kind == "counter" else api.meter.create_histogram
                found = _instruments[kind, name] = make(name, unit="1" if kind == "counter" else "s")
    return found


def _ids() -> dict[str, str]:
    if _api() is None:
        return {}
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def _clean(attributes: Mapping[str, Attribute]) -> dict[str, str | int | float | bool]:
    return {
        name: value if isinstance(value, bool | int | float) else _shortened(str(value))
        for name, value in attributes.items()
        if value is not None
    }


def _shortened(text: str) -> str:
    text = _without_urls(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _without_urls(text: str) -> str:
    return _URL.sub(lambda found: redact(found[0]), text) if "://" in text else text
