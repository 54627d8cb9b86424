// xrpl.js, ripple-keypairs and Trust Wallet Core, for test_xrp.py beside this file.
//
// One JSON request a line on stdin, {"call", "args"}; one JSON answer a line on stdout, {"result"} or {"error"}.

import readline from 'node:readline';
import { Wallet, decode, encode, encodeForSigning, hashes, multisign, verifySignature } from 'xrpl';
import { classicAddressToXAddress, xAddressToClassicAddress } from 'ripple-address-codec';
import { deriveAddress, sign, verify } from 'ripple-keypairs';
import { createRequire } from 'node:module';

const { initWasm } = createRequire(import.meta.url)('@trustwallet/wallet-core');
let core;

const functions = {
  address: ({ publicKey }) => deriveAddress(publicKey),
  fromMnemonic: ({ phrase, path }) => {
    const found = Wallet.fromMnemonic(phrase, { derivationPath: path, mnemonicEncoding: 'bip39' });
    return { address: found.classicAddress, publicKey: found.publicKey, privateKey: found.privateKey };
  },
  fromSeed: ({ seed }) => Wallet.fromSeed(seed).classicAddress,
  xAddress: ({ address, tag, test }) => classicAddressToXAddress(address, tag === null ? false : tag, test),
  classic: ({ text }) => xAddressToClassicAddress(text),
  encode: ({ tx }) => encode(tx),
  decode: ({ blob }) => decode(blob),
  encodeForSigning: ({ tx }) => encodeForSigning(tx),
  sign: ({ publicKey, privateKey, tx, multisign: asOne }) => new Wallet(publicKey, privateKey).sign(tx, asOne ?? false),
  multisign: ({ blobs }) => multisign(blobs),
  verify: ({ blob }) => verifySignature(blob),
  hash: ({ blob }) => hashes.hashSignedTx(blob),
  signMessage: ({ message, privateKey }) => sign(message, privateKey),
  verifyMessage: ({ message, signature, publicKey }) => verify(message, signature, publicKey),
  walletCore: async ({ phrase, index }) => {
    core ??= await initWasm();
    const wallet = core.HDWallet.createWithMnemonic(phrase, '');
    const key = wallet.getKey(core.CoinType.xrp, `m/44'/144'/0'/0/${index}`);
    return core.CoinTypeExt.deriveAddress(core.CoinType.xrp, key);
  },
};

// Whatever a library prints must not mix with the answers.
for (const method of ['log', 'info', 'warn', 'debug']) console[method] = (...args) => console.error(...args);

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { call, args } = JSON.parse(line);
  let reply;
  try {
    reply = { result: await functions[call](args) };
  } catch (error) {
    reply = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
