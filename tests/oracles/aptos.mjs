// The TypeScript SDK of Aptos, for test_aptos.py beside this file.
//
// One JSON request a line on stdin, {"call", "args"}; one JSON answer a line on stdout, {"result"} or {"error"}.
// Bytes are bare hex, integers decimal text.

import readline from 'node:readline';
import * as sdk from '@aptos-labs/ts-sdk';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const bytes = (text) => Uint8Array.from(Buffer.from(text, 'hex'));
const address = (text) => sdk.AccountAddress.fromString(text);
const account = (key) => new sdk.Ed25519Account({ privateKey: new sdk.Ed25519PrivateKey(bytes(key)) });

const numbers = {
  u8: (v) => new sdk.U8(Number(v)), u16: (v) => new sdk.U16(Number(v)), u32: (v) => new sdk.U32(Number(v)),
  u64: (v) => new sdk.U64(BigInt(v)), u128: (v) => new sdk.U128(BigInt(v)), u256: (v) => new sdk.U256(BigInt(v)),
  i8: (v) => new sdk.I8(Number(v)), i64: (v) => new sdk.I64(BigInt(v)), i256: (v) => new sdk.I256(BigInt(v)),
};

function moveValue(type, value) {
  if (numbers[type]) return numbers[type](value);
  if (type === 'bool') return new sdk.Bool(value);
  if (type === 'address' || type.startsWith('0x1::object::Object')) return address(value);
  if (type === '0x1::string::String') return new sdk.MoveString(value);
  if (type === 'vector<u8>') return sdk.MoveVector.U8(bytes(value));
  const [, outer, inner] = /^(vector|0x1::option::Option)<(.*)>$/.exec(type);
  if (outer === 'vector') return new sdk.MoveVector(value.map((item) => moveValue(inner, item)));
  return new sdk.MoveOption(value === null ? undefined : moveValue(inner, value));
}

function payloadOf({ module, name, types, args, nonce, inner }) {
  const entry = sdk.EntryFunction.build(
    module, name, types.map((type) => sdk.parseTypeTag(type)), args.map(({ type, value }) => moveValue(type, value)),
  );
  const plain = new sdk.TransactionPayloadEntryFunction(entry);
  if (nonce === null && !inner) return plain;
  return sdk.convertPayloadToInnerPayload(plain, nonce === null ? undefined : BigInt(nonce));
}

function rawOf(request) {
  return new sdk.RawTransaction(
    address(request.sender), BigInt(request.sequence), payloadOf(request), BigInt(request.maxGas),
    BigInt(request.price), BigInt(request.expiration), new sdk.ChainId(request.chainId),
  );
}

function transactionOf(request) {
  const payer = request.payer === null ? undefined : address(request.payer);
  return request.secondary.length
    ? new sdk.MultiAgentTransaction(rawOf(request), request.secondary.map(address), payer)
    : new sdk.SimpleTransaction(rawOf(request), payer);
}

const functions = {
  address: ({ publicKey }) => new sdk.Ed25519PublicKey(bytes(publicKey)).authKey().derivedAddress().toString(),
  derive: ({ phrase, path }) => {
    const found = sdk.Account.fromDerivationPath({ mnemonic: phrase, path });
    return { address: found.accountAddress.toString(), privateKey: found.privateKey.toString() };
  },
  parseAddress: ({ text }) => sdk.AccountAddress.fromStringStrict(text).toString(),
  typeTag: ({ text }) => {
    const tag = sdk.parseTypeTag(text);
    return { bcs: hex(tag.bcsToBytes()), text: tag.toString() };
  },
  moveValue: ({ type, value }) => hex(moveValue(type, value).bcsToBytes()),
  uleb128: ({ number }) => {
    const serializer = new sdk.Serializer();
    serializer.serializeU32AsUleb128(number);
    return hex(serializer.toUint8Array());
  },
  build: (request) => {
    const transaction = transactionOf(request);
    return {
      raw: hex(transaction.rawTransaction.bcsToBytes()),
      whole: hex(transaction.bcsToBytes()),
      message: hex(sdk.generateSigningMessageForTransaction(transaction)),
    };
  },
  // keys: of the sender, the further signers, the fee payer, in this order. unknownPayer: all but the payer sign
  // before it is said who pays.
  sign: ({ keys, unknownPayer, ...request }) => {
    const transaction = transactionOf(request);
    const early = unknownPayer ? transactionOf({ ...request, payer: '0x0' }) : transaction;
    const signers = keys.map(account);
    const [sender, ...others] = signers.map((signer, position) =>
      signer.signTransactionWithAuthenticator(
        request.payer !== null && position === signers.length - 1 ? transaction : early,
      ));
    const payer = request.payer === null ? undefined : others.pop();
    const parts = {
      transaction, senderAuthenticator: sender, feePayerAuthenticator: payer,
      additionalSignersAuthenticators: request.secondary.length ? others : undefined,
    };
    return { signed: hex(sdk.generateSignedTransaction(parts)), txid: sdk.generateUserTransactionHash(parts) };
  },
  reencode: ({ signed }) => {
    const found = sdk.SignedTransaction.deserialize(new sdk.Deserializer(bytes(signed)));
    return hex(found.bcsToBytes());
  },
  signMessage: ({ privateKey, text }) => hex(account(privateKey).sign(new TextEncoder().encode(text)).toUint8Array()),
  verifyMessage: ({ publicKey, text, signature }) =>
    new sdk.Ed25519PublicKey(bytes(publicKey)).verifySignature({
      message: new TextEncoder().encode(text), signature: new sdk.Ed25519Signature(bytes(signature)),
    }),
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
