"""Keys that live elsewhere: a signer of your own (a KMS, a hardware device, another process).

The wallet knows the extended public key and nothing secret. What comes back from the signer is verified
before it is used. Needs the extra devnet and no network.
"""

from collections.abc import Sequence

from multiwallet import Mnemonic, SigningRequest, Wallet
from multiwallet.devnet import Devnet
from multiwallet.errors import SigningRefused
from multiwallet.keys.keychain import SeedKeychain
from multiwallet.signer import LocalSigner


class Vault:
    """Stands for the other side. It sees what is to be signed, so it can have rules of its own."""

    def __init__(self, words: str, most: int) -> None:
        with Mnemonic(words).to_seed() as seed:
            self._signer = LocalSigner(SeedKeychain(seed))
        with Wallet.from_mnemonic(words) as wallet:
            self.xpub = wallet.account("ethereum").extended_public_key()
        self._left = most

    def sign(self, requests: Sequence[SigningRequest]) -> list[bytes]:
        """One signature for each request, in order: of 65 bytes for EVM (r, s, recovery id)."""
        for request in requests:
            print(f"  vault: key {request.path}, {request.scheme}, {len(request.preimage)} bytes to sign")
            if self._left <= 0:
                raise SigningRefused("the vault signs no more today")
            self._left -= 1
        return self._signer.sign(requests)


vault = Vault("test test test test test test test test test test test junk", most=2)
with Devnet() as devnet, Wallet.from_xpub("ethereum", vault.xpub, signer=vault, transport=devnet) as wallet:
    account = wallet.account("ethereum", index=0)
    devnet.fund(account, "3")
    for amount in ("0.5", "0.25", "0.125"):
        try:
            receipt = account.send(to="0x70997970C51812dc3A010C7d01b50e0d17dc79C8", amount=amount).wait()
            print("sent", amount, receipt.txid)
        except SigningRefused as refusal:
            print("refused:", refusal)
    print("left:", account.balance())
