// The TypeScript SDK of Sui and Trust Wallet's core, for test_sui.py beside this file.
//
// One JSON request a line on stdin, {"call", "args"}; one JSON answer a line on stdout, {"result"} or {"error"}.
// Bytes are base64 or bare hex as the names say, integers decimal text.

import readline from 'node:readline';
import { bcs, TypeTagSerializer } from '@mysten/sui/bcs';
import { Transaction } from '@mysten/sui/transactions';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Secp256k1Keypair } from '@mysten/sui/keypairs/secp256k1';
import { Secp256r1Keypair } from '@mysten/sui/keypairs/secp256r1';
import { verifyPersonalMessageSignature, verifyTransactionSignature } from '@mysten/sui/verify';
import { isValidSuiAddress } from '@mysten/sui/utils';

const base64 = (bytes) => Buffer.from(bytes).toString('base64');
const bytes = (text) => Uint8Array.from(Buffer.from(text, 'base64'));
const kinds = { ed25519: Ed25519Keypair, secp256k1: Secp256k1Keypair, secp256r1: Secp256r1Keypair };
const keypair = ({ kind, secret }) => kinds[kind].fromSecretKey(secret);

let core;
async function trust() {
  if (!core) {
    const { initWasm } = (await import('@trustwallet/wallet-core')).default;
    core = await initWasm();
  }
  return core;
}

// A program is a list of steps: what each of the SDK's own methods is to be called with. [n, m] is a result.
function write({ sender, steps, gas, epoch }) {
  const tx = new Transaction();
  const results = [];
  const argument = (item) => {
    if (item === 'gas') return tx.gas;
    if (item.u64 !== undefined) return tx.pure.u64(item.u64);
    if (item.address !== undefined) return tx.pure.address(item.address);
    if (item.object !== undefined) return tx.objectRef(item.object);
    return results[item.result[0]][item.result[1]];
  };
  for (const { name, target, list, types } of steps) {
    const many = list.map(argument);
    if (name === 'split') results.push(tx.splitCoins(argument(target), many));
    if (name === 'merge') results.push(tx.mergeCoins(argument(target), many));
    if (name === 'transfer') results.push(tx.transferObjects(many, argument(target)));
    if (name === 'call') results.push(tx.moveCall({ target, typeArguments: types, arguments: many }));
  }
  tx.setSender(sender);
  tx.setGasOwner(gas.owner);
  tx.setGasPrice(gas.price);
  tx.setGasBudget(gas.budget);
  tx.setGasPayment(gas.payment);
  tx.setExpiration(epoch === null ? { None: true } : { Epoch: epoch });
  return tx;
}

const functions = {
  derive: ({ kind, phrase, path }) => {
    const pair = kinds[kind].deriveKeypair(phrase, path);
    return { address: pair.toSuiAddress(), secret: pair.getSecretKey() };
  },
  address: (args) => keypair(args).toSuiAddress(),
  isAddress: ({ text }) => isValidSuiAddress(text),
  typeTag: ({ text }) => base64(bcs.TypeTag.serialize(TypeTagSerializer.parseFromStr(text, true)).toBytes()),
  write: async (request) => {
    const tx = write(request);
    return { bytes: base64(await tx.build()), json: await tx.toJSON(), digest: await tx.getDigest() };
  },
  reencode: ({ text }) => base64(bcs.TransactionData.serialize(bcs.TransactionData.parse(bytes(text))).toBytes()),
  encode: ({ data }) => base64(bcs.TransactionData.serialize(data).toBytes()),
  signed: ({ text }) => {
    const [found] = bcs.SenderSignedData.parse(bytes(text));
    return {
      bytes: base64(bcs.TransactionData.serialize(found.intentMessage.value).toBytes()), signatures: found.txSignatures,
    };
  },
  sign: async (request) => (await keypair(request).signTransaction(bytes(request.bytes))).signature,
  verify: async ({ bytes: text, signature, address }) =>
    (await verifyTransactionSignature(bytes(text), signature, { address })).toSuiAddress(),
  signMessage: async (request) => (await keypair(request).signPersonalMessage(bytes(request.message))).signature,
  verifyMessage: async ({ message, signature, address }) =>
    (await verifyPersonalMessageSignature(bytes(message), signature, { address })).toSuiAddress(),
  // Trust Wallet's core: addresses of ed25519 keys, and payments written and signed by it.
  trustAddress: async ({ secret }) => {
    const { PrivateKey, CoinType, CoinTypeExt, AnyAddress } = await trust();
    const key = PrivateKey.createWithData(Buffer.from(secret, 'hex'));
    return AnyAddress.createWithPublicKey(key.getPublicKeyEd25519(), CoinType.sui).description();
  },
  trustPay: async ({ secret, signer, coins, to, amounts, price, budget }) => {
    const { AnySigner, CoinType } = await trust();
    const { TW } = (await import('@trustwallet/wallet-core')).default;
    const ref = (item) => ({ objectId: item.objectId, version: Number(item.version), objectDigest: item.digest });
    const input = TW.Sui.Proto.SigningInput.create({
      paySui: { inputCoins: coins.map(ref), recipients: to, amounts: amounts.map(Number) },
      privateKey: Buffer.from(secret, 'hex'), signer, gasBudget: Number(budget), referenceGasPrice: Number(price),
    });
    const output = AnySigner.sign(TW.Sui.Proto.SigningInput.encode(input).finish(), CoinType.sui);
    const found = TW.Sui.Proto.SigningOutput.decode(output);
    if (found.errorMessage) throw new Error(found.errorMessage);
    return { bytes: found.unsignedTx, signature: found.signature };
  },
};

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
