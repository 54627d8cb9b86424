"""Fixtures for the tests of what you build: ``devnet`` and ``devnet_server``, there as soon as the package is installed.

::

    def test_payout(devnet):
        with Wallet.from_mnemonic(words, transport=devnet) as wallet: ...

    @pytest.mark.devnet(automine=False, networks=["polygon"])
    def test_over_http(devnet, devnet_server):
        Web3(HTTPProvider(devnet_server.endpoints["polygon"])) ...

Nothing is loaded before a test asks for one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .devnet import Devnet
    from .server import Server

__all__ = ["devnet", "devnet_server", "pytest_configure"]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "devnet(automine=True, networks=[...]): whether each transaction is mined at once, and what devnet_server serves",
    )


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("devnet"))):  # the nearest marker has the last word
        if marker.args or set(marker.kwargs) - {"automine", "networks"}:
            raise pytest.UsageError("the marker devnet takes automine= and networks=, and nothing else")
        found.update(marker.kwargs)
    return found


@pytest.fixture
def devnet(request: pytest.FixtureRequest) -> Iterator[Devnet]:
    """A fresh devnet for one test: real engines in this process, no network."""
    from .devnet import Devnet

    with Devnet(automine=_marked(request).get("automine", True)) as fresh:
        yield fresh


@pytest.fixture
def devnet_server(request: pytest.FixtureRequest, devnet: Devnet) -> Iterator[Server]:
    """The test's devnet over HTTP on a free port of this machine; ``.endpoints`` has the URLs."""
    from .server import DEFAULT_NETWORKS, serve

    with serve(devnet, networks=_marked(request).get("networks", DEFAULT_NETWORKS)) as server:
        yield server
