// Keys as the JavaScript libraries of each ecosystem make them. Reads one JSON object {name: [arguments, ...]} from
// stdin and writes {name: [answer, ...]} to stdout; an answer is {"error"} where the library threw.
import { Keyring } from '@polkadot/keyring';
import { cryptoWaitReady, keyExtractPath, sr25519Verify } from '@polkadot/util-crypto';
import { mnemonicNew, mnemonicToPrivateKey, mnemonicValidate } from '@ton/crypto';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Secp256k1Keypair } from '@mysten/sui/keypairs/secp256k1';
import { Secp256r1Keypair } from '@mysten/sui/keypairs/secp256r1';
import { Checksum256, PrivateKey, PublicKey, Signature } from '@wharfkit/antelope';
import { Ed25519PrivateKey, Secp256k1PrivateKey } from '@aptos-labs/ts-sdk';
import { createRequire } from 'node:module';

const { deriveKeypair, generateSeed } = createRequire(import.meta.url)('ripple-keypairs');
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const bytes = (text) => Uint8Array.from(Buffer.from(text, 'hex'));
const SUI = { ed25519: Ed25519Keypair, secp256k1: Secp256k1Keypair, secp256r1: Secp256r1Keypair };

const functions = {
  // The public key of a secret URI, and its signature of a text.
  substrate: ({ uri, type, message }) => {
    const pair = new Keyring({ type }).createFromUri(uri, {}, type);
    return { publicKey: hex(pair.publicKey), signature: hex(pair.sign(bytes(message))) };
  },
  junctions: ({ path }) => keyExtractPath(path).path.map((step) => [step.isHard, hex(step.chainCode)]),
  sr25519Verify: ({ message, signature, publicKey }) => sr25519Verify(bytes(message), bytes(signature), bytes(publicKey)),
  ton: async ({ password }) => {
    const words = await mnemonicNew(24, password);
    const { publicKey } = await mnemonicToPrivateKey(words, password);
    return { phrase: words.join(' '), publicKey: hex(publicKey) };
  },
  tonValid: ({ phrase, password }) => mnemonicValidate(phrase.split(' '), password),
  sui: ({ curve, key, digest }) => {
    const pair = SUI[curve].fromSecretKey(bytes(key));
    return { text: pair.getSecretKey(), publicKey: hex(pair.getPublicKey().toRawBytes()) };
  },
  suiDerive: ({ curve, phrase, path }) => {
    const pair = SUI[curve].deriveKeypair(phrase, path);
    return { publicKey: hex(pair.getPublicKey().toRawBytes()) };
  },
  suiSign: async ({ key, message }) => hex(await Secp256r1Keypair.fromSecretKey(bytes(key)).sign(bytes(message))),
  antelope: ({ key }) => {
    const made = PrivateKey.from(key);
    return { text: made.toString(), wif: made.toWif(), publicKey: hex(made.toPublic().data.array) };
  },
  antelopeVerify: ({ signature, digest, publicKey }) => {
    // On the wire: a type, the recovery id with 31 added, r and s.
    const raw = bytes(signature);
    const read = Signature.from({ type: 'K1', r: raw.slice(0, 32), s: raw.slice(32, 64), recid: raw[64] });
    const key = PublicKey.from({ type: 'K1', compressed: bytes(publicKey) });
    const hash = Checksum256.from(digest);
    return { verified: read.verifyDigest(hash, key), recovered: hex(read.recoverDigest(hash).data.array) };
  },
  xrp: ({ entropy, algorithm }) => {
    const seed = generateSeed({ entropy: bytes(entropy), algorithm });
    const { publicKey, privateKey } = deriveKeypair(seed);
    return { seed, publicKey, privateKey };
  },
  aptos: ({ curve, key }) => {
    const made = new (curve === 'ed25519' ? Ed25519PrivateKey : Secp256k1PrivateKey)('0x' + key, false);
    return { text: made.toAIP80String() };
  },
};

await cryptoWaitReady();
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const asked = JSON.parse(Buffer.concat(chunks).toString('utf8'));
const answers = {};
for (const [name, rows] of Object.entries(asked)) {
  answers[name] = [];
  for (const row of rows) {
    try {
      answers[name].push(await functions[name](row));
    } catch (error) {
      answers[name].push({ error: String(error) });
    }
  }
}
process.stdout.write(JSON.stringify(answers));
