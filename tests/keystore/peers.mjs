// Key files written and read by the software that owns them. node peers.mjs NODE_MODULES reads one JSON request a line,
// {"call", "args"}, and writes one JSON answer a line, {"result"} or {"error"}. A library is loaded at its first call.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import readline from 'node:readline';

const require = createRequire(join(process.argv[2], 'here.js'));
const hex = (bytes) => Buffer.from(bytes).toString('hex');

const functions = {
  ethersWrite({ privateKey, password, mnemonic, options }) {
    const { ethers } = require('ethers');
    const account = { address: new ethers.Wallet(privateKey).address, privateKey };
    if (mnemonic) account.mnemonic = { path: mnemonic.path, locale: 'en', entropy: mnemonic.entropy };
    return JSON.parse(ethers.encryptKeystoreJsonSync(account, password, options));
  },
  ethersRead({ json, password }) {
    const { ethers } = require('ethers');
    const { address, privateKey, mnemonic } = ethers.decryptKeystoreJsonSync(json, password);
    return { address, privateKey, mnemonic: mnemonic ?? null };
  },
  async metamaskWrite({ password, keyrings }) {
    return JSON.parse(await require('@metamask/browser-passworder').encrypt(password, keyrings));
  },
  async metamaskRead({ vault, password }) {
    return require('@metamask/browser-passworder').decrypt(password, vault);
  },
  async polkadotWrite({ type, uri, password }) {
    const { Keyring } = require('@polkadot/keyring');
    await require('@polkadot/util-crypto').cryptoWaitReady();
    return new Keyring({ type, ss58Format: 42 }).addFromUri(uri, { name: 'a pair' }, type).toJson(password ?? undefined);
  },
  async polkadotRead({ json, password }) {
    const { Keyring } = require('@polkadot/keyring');
    await require('@polkadot/util-crypto').cryptoWaitReady();
    const pair = new Keyring({ ss58Format: 42 }).addFromJson(json);
    pair.decodePkcs8(password ?? undefined);
    return { address: pair.address, type: pair.type, publicKey: hex(pair.publicKey), locked: pair.isLocked };
  },
  urWrite({ type, cbor, longest, count }) {
    const { UR, UREncoder } = require('@ngraveio/bc-ur');
    const encoder = new UREncoder(new UR(Buffer.from(cbor, 'hex'), type), longest);
    return Array.from({ length: count }, () => encoder.nextPart());
  },
  urRead({ parts }) {
    const { URDecoder } = require('@ngraveio/bc-ur');
    const decoder = new URDecoder();
    for (const part of parts) decoder.receivePart(part);
    if (!decoder.isSuccess()) return null;
    const ur = decoder.resultUR();
    return { type: ur.type, cbor: hex(ur.cbor) };
  },
  registryRead({ type, cbor }) {
    const { CryptoHDKey, CryptoAccount, CryptoPSBT, CryptoOutput } = require('@keystonehq/bc-ur-registry');
    const bytes = Buffer.from(cbor, 'hex');
    if (type === 'crypto-psbt') return { psbt: hex(CryptoPSBT.fromCBOR(bytes).getPSBT()) };
    if (type === 'crypto-output') return { descriptor: CryptoOutput.fromCBOR(bytes).toString() };
    if (type === 'crypto-account') {
      const account = CryptoAccount.fromCBOR(bytes);
      return { fingerprint: hex(account.getMasterFingerprint()), outputs: account.getOutputDescriptors().map(String) };
    }
    const key = CryptoHDKey.fromCBOR(bytes);
    const origin = key.getOrigin();
    return {
      xpub: key.getBip32Key(), path: origin?.getPath() ?? null, fingerprint: origin ? hex(origin.getSourceFingerprint()) : null,
      isPrivate: Boolean(key.isPrivateKey()), isMaster: Boolean(key.isMaster()), name: key.getName() ?? null,
    };
  },
  registryWritePsbt({ psbt }) {
    const { CryptoPSBT } = require('@keystonehq/bc-ur-registry');
    const ur = new CryptoPSBT(Buffer.from(psbt, 'hex')).toUR();
    return { type: ur.type, cbor: hex(ur.cbor) };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { call, args } = JSON.parse(line);
    answer = { result: (await functions[call](args)) ?? null };
  } catch (error) {
    answer = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
