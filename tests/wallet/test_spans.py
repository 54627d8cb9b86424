"""Every verb is a span with the network's id, where OpenTelemetry is installed."""

from __future__ import annotations

import pytest

from multiwallet import Wallet, telemetry
from multiwallet.devnet import Devnet
from multiwallet.errors import InsufficientFunds

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


@pytest.fixture
def exported(monkeypatch):
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    api = telemetry._Api(provider.get_tracer("test"), telemetry._api().meter)
    monkeypatch.setattr(telemetry, "_api", lambda: api)
    return exporter


def test_verbs_are_spans(exported):
    chain = Devnet()
    account = Wallet.from_mnemonic(WORDS, transport=chain).account("ethereum")
    with pytest.raises(InsufficientFunds):
        account.send(to=account.address, amount="1")
    chain.fund(account, "2")
    account.send(to=account.address, amount="1").wait()
    spans = [(span.name, span.status.status_code.name) for span in exported.get_finished_spans()]
    verbs = [pair for pair in spans if pair[0] in ("multiwallet.send", "multiwallet.wait")]
    assert verbs == [("multiwallet.send", "ERROR"), ("multiwallet.send", "UNSET"), ("multiwallet.wait", "UNSET")]
    assert all(WORDS not in str(span.attributes) for span in exported.get_finished_spans())
