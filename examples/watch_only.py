"""Watch a Bitcoin account by its zpub: no key on this machine. Needs the extra devnet and no network."""

from multiwallet import Wallet
from multiwallet.devnet import Devnet
from multiwallet.errors import SigningRefused

# Account 0 (m/84'/0'/0') of the phrase "abandon abandon ... about", the test vector of BIP-84.
ZPUB = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"

with Devnet() as devnet, Wallet.from_xpub("bitcoin", ZPUB, transport=devnet) as wallet:
    account = wallet.account("bitcoin")  # without an index: the whole account, all its addresses
    print("next unused address:", account.address)

    devnet.fund(account, "0.4")
    print("balance:", account.balance())  # looks for used addresses until 20 in a row are unused
    print("next unused address:", account.address)

    transaction = account.build(to="bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", amount="0.15", speed="slow")
    print(transaction.summary)
    try:
        account.sign(transaction)
    except SigningRefused as refusal:
        print("signing:", refusal)
