"""What the back end under load brought to light in the outbox."""

from __future__ import annotations

from multiwallet import Transfer, Wallet
from multiwallet.devnet import Devnet
from multiwallet.outbox import Policy
from multiwallet.outbox.requests import intent_of
from multiwallet.store import State
from multiwallet.store import outgoing as kept

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


def test_a_key_that_looks_like_a_filler_does_not_stop_the_outbox(store):
    """Keys may be chosen by strangers (order ids): none of them may be one that the outbox needs for itself."""
    chain = Devnet()
    wallet = Wallet.from_mnemonic(WORDS, transport=chain)
    outbox = wallet.open_outbox(store, Policy(poll=0, retry=0))
    account, target = wallet.account("ethereum"), wallet.account("ethereum", index=9).address
    chain.fund(account, "10")
    nonce = 1  # the next one, after the payment below
    lane = f"eip155:1:{account.address}"
    account.send(to=target, amount="1", idempotency_key=f"fill-{lane}:1:{nonce}")
    outbox.run(until_idle=True, timeout=20)

    # A payment gives its nonce back while another one has signed with the next: the gap has to be filled.
    worker = outbox._operations._worker()
    claims = []
    options = {"speed": "normal", "max_fee": None, "memo": None, "native": {}}
    for key in ("refused", "waiting"):
        intent = intent_of(account._operations, (Transfer(target, "1"),), options, key)
        claim = kept.claim(store, intent, worker.worker)
        claims.append(kept.lease_nonce(store, claim.record, worker.worker, included=nonce, pending=nonce))
    assert [record.nonce for record in claims] == [nonce, nonce + 1]
    kept.move(store, claims[0], worker.worker, State.REFUSED, error="as if its simulation had failed")
    kept.move(store, claims[1], worker.worker, due_in=0)
    outbox.run(until_idle=True, timeout=20)
    assert outbox.get("waiting").state is State.CONFIRMED
