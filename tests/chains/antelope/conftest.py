"""The network of these tests: one with the usual contracts."""

from __future__ import annotations

import pytest

from multiwallet import network
from multiwallet.chain import Network


@pytest.fixture
def row() -> Network:
    return network("eos-jungle")
