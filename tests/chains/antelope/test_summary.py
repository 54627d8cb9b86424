"""The summary as a person reads it: nothing in the bytes can feign a line of it, or stay out of it."""

from __future__ import annotations

from typing import Any

from multiwallet import network
from multiwallet.chain import Holder
from multiwallet.chains.antelope import Antelope, known_abis, serialization
from multiwallet.chains.antelope.names import Level
from multiwallet.chains.antelope.transaction import Call, Transaction
from multiwallet.crypto.secp256k1 import SecpKey

CHAIN = Antelope()
KEY = SecpKey(b"\x07" * 32)
ACTIVE = (Level("alice", "active"),)
FEIGNED = "hi\nfrom     bob\nfee      0 EOS\x1b[2J"


def _transfer(memo: str) -> Call:
    values = {"from": "alice", "to": "bob", "quantity": "1.5000 EOS", "memo": memo}
    return Call("eosio.token", "transfer", ACTIVE, serialization.encode(known_abis.TOKEN, "transfer", values))


def _summary(*calls: Call) -> Any:
    row = network("eos-jungle")
    holder = Holder(row, CHAIN.address(row, KEY.public_key, "alice"), KEY.public_key, "alice")
    return CHAIN.adopt(holder, Transaction(1_800_000_000, 7, 9, calls).encode()).summary


def test_a_memo_feigns_no_line() -> None:
    plain, feigned = _summary(_transfer("hi")), _summary(_transfer(FEIGNED))
    assert len(str(feigned).splitlines()) == len(str(plain).splitlines())
    assert feigned.memo == FEIGNED  # the value itself is as it is in the bytes
    values = {"to": "bob", "quantity": "1.0000 X", "memo": FEIGNED}
    issue = serialization.encode(known_abis.TOKEN, "issue", values)
    assert "\x1b" not in str(_summary(Call("eosio.token", "issue", ACTIVE, issue)))


def test_a_proposal_tells_what_stands_beside_its_actions() -> None:
    def proposed(**changed: Any) -> tuple[str, ...]:
        body = Transaction(1_900_000_000, 0, 0, (_transfer("x"),), **changed)
        trx = serialization.decode(known_abis.MSIG, "transaction", body.encode())
        asked = [{"actor": "bob", "permission": "active"}]
        values = {"proposer": "alice", "proposal_name": "one", "requested": asked, "trx": trx}
        data = serialization.encode(known_abis.MSIG, "propose", values)
        found: tuple[str, ...] = _summary(Call("eosio.msig", "propose", ACTIVE, data)).warnings
        return found

    assert proposed() == ()
    assert any("context-free" in text for text in proposed(context_free_actions=(_transfer("y"),)))
    assert any("context-free" in text for text in proposed(extensions=((1, b"\1"),)))
    assert any("60 seconds" in text for text in proposed(delay_sec=60))
