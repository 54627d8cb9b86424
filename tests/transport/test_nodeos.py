"""nodeos says no with HTTP status 500; what else breaks with 500 stays a broken answer."""

from __future__ import annotations

import json

import pytest

from multiwallet.errors import BadResponse, Rejected
from multiwallet.exchange import HttpReply, _read_rest
from multiwallet.ops import Rest

ASKED = Rest("antelope:x", "POST", "v1/chain/send_transaction", broadcast=True)
REFUSED = {"code": 500, "message": "Internal Service Error", "error": {"code": 3080004, "name": "tx_cpu", "what": "x"}}


def read(body, status=500):
    return _read_rest("https://node.example", ASKED, HttpReply(status, {}, body))


def test_a_refusal_of_nodeos_is_a_refusal():
    outcome = read(json.dumps(REFUSED).encode())
    assert isinstance(outcome, Rejected)
    assert outcome.data["error"]["code"] == 3080004


@pytest.mark.parametrize(
    "body",
    [
        b"<html>500</html>",
        b"",
        b"[]",
        b'{"error": "text"}',
        b'{"error": {"code": "3080004", "name": "tx_cpu"}}',
        b'{"error": {"code": 3080004}}',
        b'{"error": {"code": true, "name": "x"}}',
    ],
)
def test_another_500_is_a_broken_answer(body):
    assert isinstance(read(body), BadResponse)
