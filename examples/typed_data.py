"""Sign messages and typed data as wallets do, and verify them with an address alone. Needs no network."""

from multiwallet import Wallet, verify_message

wallet = Wallet.from_mnemonic("test test test test test test test test test test test junk")

# A text, for a log-in: each chain has its own way, the call is the same.
for name in ("bitcoin", "ethereum", "tron", "solana"):
    account = wallet.account(name)
    signature = account.sign_message("log in to example.org, nonce 4711")
    right = verify_message(name, account.address, "log in to example.org, nonce 4711", signature)
    wrong = verify_message(name, account.address, "log in to example.org, nonce 4712", signature)
    print(f"{name:10} {signature[:44]}... right: {right}, another text: {wrong}")

# Typed data (EIP-712): here a permit, which lets somebody spend a token. Read before you sign.
permit = {
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "version", "type": "string"},
            {"name": "chainId", "type": "uint256"},
            {"name": "verifyingContract", "type": "address"},
        ],
        "Permit": [
            {"name": "owner", "type": "address"},
            {"name": "spender", "type": "address"},
            {"name": "value", "type": "uint256"},
            {"name": "nonce", "type": "uint256"},
            {"name": "deadline", "type": "uint256"},
        ],
    },
    "primaryType": "Permit",
    "domain": {
        "name": "USD Coin",
        "version": "2",
        "chainId": 1,
        "verifyingContract": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
    },
    "message": {
        "owner": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "spender": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "value": 25_000_000,
        "nonce": 0,
        "deadline": 1_900_000_000,
    },
}
account = wallet.account("ethereum")
signature = account.sign_typed_data(permit)
print("permit:   ", signature)
print("verified: ", account.verify_typed_data(permit, signature))
wallet.close()
