// What other libraries say of Bitcoin's kin. Reads a JSON list of [name, arguments] from stdin, writes the list of results.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const utxolib = require('@bitgo/utxo-lib');
const { initWasm, TW } = require('@trustwallet/wallet-core');
const bitcoinjs = await import('bitcoinjs-lib');

const core = await initWasm();
const bytes = (hex) => Buffer.from(hex, 'hex');
const hex = (data) => Buffer.from(data).toString('hex');
const network = (name) => utxolib.networks[name];
const parsed = (name, raw) =>
  utxolib.bitgo.createTransactionFromBuffer(bytes(raw), network(name), { amountType: 'bigint' });

const functions = {
  // @bitgo/utxo-lib: the address of an output script, as CashAddr where the network has it, and back.
  bitgoAddress: ({ name, script }) => {
    const format = name.startsWith('bitcoincash') ? 'cashaddr' : 'default';
    return utxolib.addressFormat.fromOutputScriptWithFormat(bytes(script), format, network(name));
  },
  bitgoScript: ({ name, address }) =>
    hex(utxolib.addressFormat.toOutputScriptTryFormats(address, network(name))),
  // @bitgo/utxo-lib: what it knows of a network.
  bitgoNetwork: ({ name }) => network(name),
  // @bitgo/utxo-lib: the id of a transaction, its bytes written anew, and the digest of an input.
  bitgoTransaction: ({ name, raw }) => {
    const tx = parsed(name, raw);
    return { txid: tx.getId(), raw: hex(tx.toBuffer()), branch: tx.consensusBranchId, expiry: tx.expiryHeight };
  },
  bitgoSighash: ({ name, raw, index, script, value, hashType }) =>
    hex(parsed(name, raw).hashForSignatureByNetwork(index, bytes(script), BigInt(value), hashType)),
  // @bitgo/utxo-lib: read a PSBT and add the signatures of one key.
  bitgoSignPsbt: ({ name, psbt, privateKey, sighash }) => {
    const read = utxolib.bitgo.createPsbtFromBuffer(bytes(psbt), network(name));
    const pair = utxolib.ECPair.fromPrivateKey(bytes(privateKey), { network: network(name) });
    for (let index = 0; index < read.inputCount; index += 1) read.signInput(index, pair, [sighash]);
    return hex(read.toBuffer());
  },
  // bitcoinjs-lib: BIP-143 with whatever sighash type, which is what Bitcoin Cash signs.
  bitcoinjsForkId: ({ raw, index, script, value, hashType }) =>
    hex(bitcoinjs.Transaction.fromHex(raw).hashForWitnessV0(index, bytes(script), BigInt(value), hashType)),
  bitcoinjsLegacy: ({ raw, index, script, hashType }) =>
    hex(bitcoinjs.Transaction.fromHex(raw).hashForSignature(index, bytes(script), hashType)),
  // Trust Wallet Core: an address and a whole signed transaction.
  trustAddress: ({ coin, publicKey }) => {
    const key = core.PublicKey.createWithData(bytes(publicKey), core.PublicKeyType.secp256k1);
    return core.AnyAddress.createWithPublicKey(key, core.CoinType[coin]).description();
  },
  trustSign: ({ coin, privateKey, to, change, amount, fee, hashType, coins }) => {
    const { Bitcoin } = TW;
    const input = Bitcoin.Proto.SigningInput.create({
      hashType, amount, byteFee: fee, toAddress: to, changeAddress: change, coinType: core.CoinType[coin].value,
      privateKey: [bytes(privateKey)],
      utxo: coins.map(({ txid, index, script, value }) => ({
        outPoint: { hash: bytes(txid).reverse(), index, sequence: 0xfffffffe }, script: bytes(script), amount: value,
      })),
    });
    const encoded = Bitcoin.Proto.SigningInput.encode(input).finish();
    const output = Bitcoin.Proto.SigningOutput.decode(core.AnySigner.sign(encoded, core.CoinType[coin]));
    if (output.errorMessage) throw new Error(output.errorMessage);
    return { raw: hex(output.encoded), txid: output.transactionId };
  },
};

let text = '';
for await (const chunk of process.stdin) text += chunk;
for (const method of ['log', 'info', 'warn', 'debug']) console[method] = (...args) => console.error(...args);
const results = JSON.parse(text).map(([name, args]) => {
  try {
    return { result: functions[name](args) };
  } catch (error) {
    return { error: String(error?.message ?? error) };
  }
});
process.stdout.write(JSON.stringify(results), () => process.exit(0));
