// Independent libraries for test_cosmos.py: cosmjs, and Trust Wallet's core (its C++ compiled to WebAssembly).
//
// One JSON request a line on stdin, {"call", "args"}; one JSON answer a line on stdout, {"result"} or {"error"}.

import readline from 'node:readline';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const amino = require('@cosmjs/amino');
const proto = require('@cosmjs/proto-signing');
const stargate = require('@cosmjs/stargate');
const { makeCompactBitArray } = require('./node_modules/@cosmjs/stargate/build/multisignature.js');
const { MultiSignature } = require('cosmjs-types/cosmos/crypto/multisig/v1beta1/multisig');
const { AuthInfo, TxRaw } = require('cosmjs-types/cosmos/tx/v1beta1/tx');
const { PubKey } = require('cosmjs-types/cosmos/crypto/secp256k1/keys');
const { MsgVote: MsgVoteV1 } = require('cosmjs-types/cosmos/gov/v1/tx');
const { MsgCancelUnbondingDelegation } = require('cosmjs-types/cosmos/staking/v1beta1/tx');
const { MsgExecuteContract } = require('cosmjs-types/cosmwasm/wasm/v1/tx');

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (data) => Buffer.from(data).toString('hex');
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

const registry = new proto.Registry([
  ...stargate.defaultRegistryTypes,
  ['/cosmos.gov.v1.MsgVote', MsgVoteV1],
  ['/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation', MsgCancelUnbondingDelegation],
  ['/cosmwasm.wasm.v1.MsgExecuteContract', MsgExecuteContract],
]);
const types = new stargate.AminoTypes(stargate.createDefaultAminoConverters());

function camelKeys(value) {
  if (Array.isArray(value)) return value.map(camelKeys);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [camel(key), camelKeys(item)]));
}

// {"@type": ..., snake_case fields} to cosmjs's {typeUrl, value}. A contract's JSON becomes its bytes.
function encodeObject({ '@type': typeUrl, ...fields }) {
  const contract = typeUrl.endsWith('MsgExecuteContract') ? JSON.stringify(fields.msg) : undefined;
  if (contract !== undefined) fields.msg = Buffer.from(contract).toString('base64');
  return { typeUrl, value: registry.lookupType(typeUrl).fromJSON(camelKeys(fields)) };
}

async function wallets({ privateKey, prefix, eth }) {
  if (eth) {
    const wallet = await proto.DirectEthSecp256k1Wallet.fromKey(bytes(privateKey), prefix);
    return { direct: wallet };
  }
  return {
    direct: await proto.DirectSecp256k1Wallet.fromKey(bytes(privateKey), prefix),
    amino: await amino.Secp256k1Wallet.fromKey(bytes(privateKey), prefix),
  };
}

const functions = {
  address: async (args) => (await (await wallets(args)).direct.getAccounts())[0].address,

  signDirect: async (args) => {
    const { direct } = await wallets(args);
    const [account] = await direct.getAccounts();
    const key = { typeUrl: args.keyType, value: PubKey.encode({ key: account.pubkey }).finish() };
    const bodyBytes = registry.encodeTxBody({
      messages: args.messages.map(encodeObject), memo: args.memo, timeoutHeight: BigInt(args.timeoutHeight),
    });
    const auth = proto.makeAuthInfoBytes(
      [{ pubkey: key, sequence: BigInt(args.sequence) }], args.fee.amount, Number(args.fee.gas), args.fee.granter,
    );
    const doc = proto.makeSignDoc(bodyBytes, auth, args.chainId, Number(args.accountNumber));
    const { signature } = await direct.signDirect(account.address, doc);
    const raw = TxRaw.encode({
      bodyBytes, authInfoBytes: auth, signatures: [Uint8Array.from(Buffer.from(signature.signature, 'base64'))],
    }).finish();
    const base64 = (data) => Buffer.from(data).toString('base64');
    return {
      signBytes: hex(proto.makeSignBytes(doc)), raw: hex(raw),
      doc: {
        bodyBytes: base64(bodyBytes), authInfoBytes: base64(auth), chainId: args.chainId,
        accountNumber: args.accountNumber,
      },
    };
  },

  signAmino: async (args) => {
    const wallet = (await wallets(args)).amino;
    const [account] = await wallet.getAccounts();
    const objects = args.messages.map(encodeObject);
    const doc = amino.makeSignDoc(
      objects.map((item) => types.toAmino(item)), args.fee, args.chainId, args.memo, args.accountNumber,
      args.sequence, args.timeoutHeight === '0' ? undefined : BigInt(args.timeoutHeight),
    );
    const { signature, signed } = await wallet.signAmino(account.address, doc);
    const bodyBytes = registry.encodeTxBody({
      messages: signed.msgs.map((item) => types.fromAmino(item)), memo: signed.memo,
      timeoutHeight: BigInt(args.timeoutHeight),
    });
    const key = { typeUrl: args.keyType, value: PubKey.encode({ key: account.pubkey }).finish() };
    const authInfoBytes = proto.makeAuthInfoBytes(
      [{ pubkey: key, sequence: BigInt(args.sequence) }], args.fee.amount, Number(args.fee.gas), args.fee.granter,
      undefined, 127,
    );
    const signatures = [Uint8Array.from(Buffer.from(signature.signature, 'base64'))];
    return {
      doc, signBytes: hex(amino.serializeSignDoc(doc)),
      raw: hex(TxRaw.encode({ bodyBytes, authInfoBytes, signatures }).finish()),
    };
  },

  // Every named member signs the same amino document; the result is their transaction.
  signMultisig: async (args) => {
    const members = await Promise.all(
      args.privateKeys.map((privateKey) => amino.Secp256k1Wallet.fromKey(bytes(privateKey), args.prefix)),
    );
    const accounts = await Promise.all(members.map(async (wallet) => (await wallet.getAccounts())[0]));
    const keys = accounts.map((account) => amino.encodeSecp256k1Pubkey(account.pubkey));
    const several = amino.createMultisigThresholdPubkey(keys, args.threshold, true);
    const address = amino.pubkeyToAddress(several, args.prefix);
    if (!args.messages) return { address };
    const doc = amino.makeSignDoc(
      args.messages.map(encodeObject).map((item) => types.toAmino(item)), args.fee, args.chainId, args.memo,
      args.accountNumber, args.sequence,
    );
    const bodyBytes = registry.encodeTxBody({ messages: args.messages.map(encodeObject), memo: args.memo });
    const signatures = [];
    for (const index of args.signers) {
      const { signature } = await members[index].signAmino(accounts[index].address, doc);
      signatures.push(Uint8Array.from(Buffer.from(signature.signature, 'base64')));
    }
    // cosmjs's own makeMultisignedTxBytes fails on an address with the @scure/base that it installs: its parts serve.
    const modeInfos = signatures.map(() => ({ single: { mode: 127 } }));
    const bitarray = makeCompactBitArray(keys.map((_, index) => args.signers.includes(index)));
    const authInfoBytes = AuthInfo.encode(AuthInfo.fromPartial({
      signerInfos: [{
        publicKey: proto.encodePubkey(several), modeInfo: { multi: { bitarray, modeInfos } },
        sequence: BigInt(args.sequence),
      }],
      fee: { amount: args.fee.amount, gasLimit: BigInt(args.fee.gas) },
    })).finish();
    const joined = MultiSignature.encode(MultiSignature.fromPartial({ signatures })).finish();
    const raw = TxRaw.encode({ bodyBytes, authInfoBytes, signatures: [joined] }).finish();
    return { address, doc, raw: hex(raw) };
  },

  signArbitrary: async (args) => {
    const wallet = (await wallets(args)).amino;
    const [{ address }] = await wallet.getAccounts();
    const value = { signer: address, data: Buffer.from(args.message, 'hex').toString('base64') };
    const doc = amino.makeSignDoc([{ type: 'sign/MsgSignData', value }], { gas: '0', amount: [] }, '', '', 0, 0);
    return (await wallet.signAmino(address, doc)).signature;
  },

  // Trust Wallet's core. input is its Cosmos.SigningInput as JSON.
  core: async ({ coin, input }) => {
    const { TW, CoinType, AnySigner } = await core();
    const message = TW.Cosmos.Proto.SigningInput.fromObject(input);
    const encoded = TW.Cosmos.Proto.SigningInput.encode(message).finish();
    const output = TW.Cosmos.Proto.SigningOutput.decode(AnySigner.sign(encoded, CoinType[coin]));
    return { serialized: output.serialized, json: output.json, signature: hex(output.signature), error: output.errorMessage };
  },

  coreAddress: async ({ coin, privateKey }) => {
    const { CoinType, CoinTypeExt, PrivateKey } = await core();
    const key = PrivateKey.createWithData(bytes(privateKey));
    const address = CoinTypeExt.deriveAddress(CoinType[coin], key);
    key.delete();
    return address;
  },
};

let loaded;
async function core() {
  loaded ??= (async () => {
    const { initWasm, TW } = require('@trustwallet/wallet-core');
    return { TW, ...(await initWasm()) };
  })();
  const found = await loaded;
  return { ...found, TW: require('@trustwallet/wallet-core').TW };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { call, args } = JSON.parse(line);
    answer = { result: await functions[call](args) };
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
