// Independent libraries for test_antelope.py: wharfkit's antelope and signing-request.
//
// One JSON request a line on stdin, {"call", "args"}; one JSON answer a line on stdout, {"result"} or {"error"}.

import readline from 'node:readline';
import zlib from 'node:zlib';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const {
  ABI, Asset, Checksum256, Name, PackedTransaction, PrivateKey, PublicKey, Serializer, Signature, SignedTransaction,
  Transaction, UInt64,
} = require('@wharfkit/antelope');
const { SigningRequest } = require('@wharfkit/signing-request');

const zlibProvider = {
  deflateRaw: (data) => new Uint8Array(zlib.deflateRawSync(Buffer.from(data))),
  inflateRaw: (data) => new Uint8Array(zlib.inflateRawSync(Buffer.from(data))),
};
const options = (abis) => ({
  zlib: zlibProvider,
  abiProvider: { getAbi: async (account) => ABI.from(abis[String(account)]) },
});
const plain = (value) => JSON.parse(JSON.stringify(value));
const abisOf = (abis) => new Map(Object.entries(abis).map(([name, abi]) => [name, ABI.from(abi)]));

const calls = {
  nameValue: ({ text }) => String(Name.from(text).value),
  nameText: ({ value }) => String(Name.from(UInt64.from(value))),
  assetBytes: ({ text }) => Serializer.encode({ object: Asset.from(text) }).hexString,
  publicKey: ({ hex }) => {
    const key = PublicKey.from({ type: 'K1', compressed: Buffer.from(hex, 'hex') });
    return { text: String(key), legacy: key.toLegacyString(), old: key.toLegacyString('ENU') };
  },
  privateKey: ({ text }) => {
    const key = PrivateKey.from(text);
    return { text: String(key), wif: key.toWif(), publicKey: String(key.toPublic()) };
  },
  sign: ({ key, digest }) => String(PrivateKey.from(key).signDigest(Checksum256.from(digest))),
  recover: ({ signature, digest }) => String(Signature.from(signature).recoverDigest(Checksum256.from(digest))),
  verifyMessage: ({ key, text, signature }) =>
    Signature.from(signature).verifyMessage(Buffer.from(text, 'utf8'), PublicKey.from(key)),
  encode: ({ abi, type, value }) => Serializer.encode({ abi: ABI.from(abi), type, object: value }).hexString,
  decode: ({ abi, type, hex }) => plain(Serializer.decode({ abi: ABI.from(abi), type, data: hex, json: undefined })),
  abiBytes: ({ abi }) => Serializer.encode({ object: ABI.from(abi) }).hexString,
  transaction: ({ value, chainId, abis }) => {
    const transaction = Transaction.from(value, Object.entries(abis).map(([contract, abi]) => ({ contract, abi })));
    return {
      hex: Serializer.encode({ object: transaction }).hexString,
      id: String(transaction.id),
      digest: String(transaction.signingDigest(Checksum256.from(chainId))),
      json: plain(transaction),
    };
  },
  packed: ({ value, signatures, compress }) => {
    const signed = SignedTransaction.from({ ...value, signatures });
    return plain(PackedTransaction.fromSigned(signed, compress ? 1 : 0));
  },
  request: async ({ args, abis, compress }) => {
    const made = await SigningRequest.create(args, options(abis));
    return made.encode(compress);
  },
  readRequest: ({ text }) => {
    const found = SigningRequest.from(text, options({}));
    return { req: plain(found.data.req), flags: plain(found.data.flags), callback: found.data.callback, raw: plain(found.getRawActions()) };
  },
  resolveRequest: ({ text, signer, context, abis }) => {
    const found = SigningRequest.from(text, options({}));
    const resolved = found.resolve(abisOf(abis), signer, context);
    return { hex: Buffer.from(resolved.serializedTransaction).toString('hex') };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { call, args } = JSON.parse(line);
    answer = { result: (await calls[call](args)) ?? null };
  } catch (error) {
    answer = { error: String(error && error.stack ? error.stack : error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
