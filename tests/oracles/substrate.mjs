// Polkadot-JS and merkleize-metadata, for test_substrate.py. One JSON request a line on stdin, one answer a line on
// stdout: {"call", "args"} -> {"result"} or {"error"}. Byte strings are 0x-hex, large integers decimal text.
//
// Metadata are taken from npm's @polkadot/types-support by name: polkadot14, kusama14, hub15.

import readline from 'node:readline';
import { createRequire } from 'node:module';
import { Metadata, TypeRegistry } from '@polkadot/types';
import { Keyring } from '@polkadot/keyring';
import { cryptoWaitReady, encodeAddress, decodeAddress, signatureVerify, blake2AsHex, createKeyMulti, xxhashAsHex } from '@polkadot/util-crypto';
import { hexToU8a, u8aToHex, u8aWrapBytes } from '@polkadot/util';
import { merkleizeMetadata } from '@polkadot-api/merkleize-metadata';

await cryptoWaitReady();
const require = createRequire(import.meta.url);
const root = require.resolve('@polkadot/types-support/package.json').replace(/package\.json$/, '');
const files = {
  polkadot14: 'metadata/v14/polkadot-hex.js',
  kusama14: 'metadata/v14/kusama-hex.js',
  hub15: 'metadata/v15/asset-hub-kusama-hex.js',
};
const known = {};

async function metadataHex(name) {
  const { default: found } = await import(root + files[name]);
  const hex = found.default ?? found; // as a CommonJS module it is wrapped twice
  return hex.startsWith('0x6d657461') ? hex : '0x' + hex.slice(hex.indexOf('6d657461')); // one is an optional byte string
}

async function runtime(name) {
  if (!known[name]) {
    const registry = new TypeRegistry();
    const metadata = new Metadata(registry, await metadataHex(name));
    registry.setMetadata(metadata);
    known[name] = { registry, metadata };
  }
  return known[name];
}

const trees = {};

async function merkle({ name, decimals, tokenSymbol }) {
  const key = `${name} ${decimals} ${tokenSymbol}`;
  trees[key] ??= merkleizeMetadata(await metadataHex(name), { decimals, tokenSymbol });
  return trees[key];
}

const functions = {
  metadata: ({ name }) => metadataHex(name),
  address: ({ publicKey, prefix }) => encodeAddress(hexToU8a(publicKey), prefix),
  publicKey: ({ address }) => u8aToHex(decodeAddress(address)),
  pair: ({ uri, kind, prefix }) => {
    const pair = new Keyring({ type: kind, ss58Format: prefix }).addFromUri(uri);
    return { address: pair.address, publicKey: u8aToHex(pair.publicKey) };
  },
  multisig: ({ members, threshold }) => u8aToHex(createKeyMulti(members, threshold)),
  xxhash: ({ data, bits }) => xxhashAsHex(hexToU8a(data), bits),
  blake2: ({ data }) => blake2AsHex(hexToU8a(data), 256),
  // A call from names and JSON arguments: its bytes.
  encodeCall: async ({ name, pallet, call, args }) => {
    const { registry } = await runtime(name);
    const method = registry.createType('Call', { callIndex: functions.index(registry, pallet, call), args });
    return method.toHex();
  },
  index: (registry, pallet, call) => {
    const meta = registry.metadata.pallets.find((p) => p.name.toString() === pallet);
    const variants = registry.lookup.getSiType(meta.calls.unwrap().type).def.asVariant.variants;
    const found = variants.find((v) => v.name.toString() === call);
    return new Uint8Array([meta.index.toNumber(), found.index.toNumber()]);
  },
  decodeCall: async ({ name, data }) => {
    const { registry } = await runtime(name);
    return registry.createType('Call', data).toHuman();
  },
  // The bytes that are signed of a SignerPayloadJSON, before they are hashed.
  payload: async ({ name, json }) => {
    const { registry } = await runtime(name);
    registry.setSignedExtensions(json.signedExtensions);
    const payload = registry.createType('ExtrinsicPayload', json, { version: json.version });
    return u8aToHex(payload.toU8a({ method: true }));
  },
  // Sign a SignerPayloadJSON with a key of the keyring: the whole extrinsic and its hash.
  extrinsic: async ({ name, json, uri, kind }) => {
    const { registry } = await runtime(name);
    registry.setSignedExtensions(json.signedExtensions);
    const pair = new Keyring({ type: kind }).addFromUri(uri);
    const payload = registry.createType('ExtrinsicPayload', json, { version: json.version });
    const { signature } = payload.sign(pair);
    const method = registry.createType('Call', json.method);
    const extrinsic = registry.createType('Extrinsic', { method }, { version: json.version });
    extrinsic.addSignature(pair.address, signature, payload.toHex());
    return { raw: extrinsic.toHex(), hash: extrinsic.hash.toHex(), signature };
  },
  // An extrinsic as Polkadot-JS reads it.
  readExtrinsic: async ({ name, raw }) => {
    const { registry } = await runtime(name);
    const extrinsic = registry.createType('Extrinsic', hexToU8a(raw), { isSigned: true });
    return {
      signer: extrinsic.signer.toString(), nonce: extrinsic.nonce.toNumber(), tip: extrinsic.tip.toString(),
      era: extrinsic.era.toHex(), method: extrinsic.method.toHex(), human: extrinsic.method.toHuman(),
      hash: extrinsic.hash.toHex(), signature: extrinsic.signature.toHex(),
    };
  },
  verify: ({ message, signature, address }) => signatureVerify(u8aWrapBytes(message), signature, address).isValid,
  signMessage: ({ message, uri, kind }) => {
    const pair = new Keyring({ type: kind }).addFromUri(uri);
    return { address: pair.address, signature: u8aToHex(pair.sign(u8aWrapBytes(message))) };
  },
  digest: async (asked) => u8aToHex((await merkle(asked)).digest()),
  proof: async (asked) => u8aToHex((await merkle(asked)).getProofForExtrinsicPayload(asked.payload)),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { call, args } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ result: (await functions[call](args)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error && error.message ? error.message : error) }));
  }
}
