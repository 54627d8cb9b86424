// The JavaScript side of the `node_oracle` fixture (conftest.py beside this file tells how to use it).
//
// Reads one JSON request a line from stdin, {"id", "call": "library.function", "args"}, and writes one JSON
// answer a line to stdout, {"id", "result"} or {"id", "error"}. A library is loaded at its first call.
// In both directions {"$int": "123"} is an integer JSON cannot carry and {"$bytes": "00ff"} is a byte string.

import readline from 'node:readline';

const hexOf = (bytes) => Buffer.from(bytes).toString('hex');
const bytesOf = (hex) => Uint8Array.from(Buffer.from(hex.replace(/^0x/, ''), 'hex'));
const asBytes = (value) => (typeof value === 'string' ? bytesOf(value) : value);

function fromWire(value) {
  if (Array.isArray(value)) return value.map(fromWire);
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.$int === 'string') return BigInt(value.$int);
  if (typeof value.$bytes === 'string') return bytesOf(value.$bytes);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromWire(item)]));
}

function toWire(value) {
  if (typeof value === 'bigint') return { $int: value.toString() };
  if (value instanceof Uint8Array) return { $bytes: hexOf(value) };
  if (Array.isArray(value)) return value.map(toWire);
  if (value === undefined) return null;
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.toJSON === 'function') return toWire(value.toJSON());
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toWire(item)]));
}

// ethers and viem ask for typed data without the domain's own type among the types.
function withoutDomainType({ EIP712Domain, ...types }) {
  return types;
}

async function ethersFunctions() {
  const { ethers } = await import('ethers');
  const wallet = (privateKey) => new ethers.Wallet(privateKey);
  return {
    address: ({ privateKey }) => wallet(privateKey).address,
    addressOfPublicKey: ({ publicKey }) => ethers.computeAddress(publicKey),
    getAddress: ({ address }) => ethers.getAddress(address),
    createAddress: ({ from, nonce }) => ethers.getCreateAddress({ from, nonce }),
    // tx: ethers' TransactionLike (type 0 to 4; leave chainId out of a type 0 for the form before EIP-155).
    signTransaction: ({ privateKey, tx }) => {
      const transaction = ethers.Transaction.from(tx);
      const unsignedHash = transaction.unsignedHash;
      transaction.signature = new ethers.SigningKey(privateKey).sign(unsignedHash);
      return { raw: transaction.serialized, hash: transaction.hash, from: transaction.from, unsignedHash };
    },
    parseTransaction: ({ raw }) => {
      const tx = ethers.Transaction.from(raw);
      return {
        type: tx.type, to: tx.to, from: tx.from, nonce: tx.nonce, gasLimit: tx.gasLimit, gasPrice: tx.gasPrice,
        maxPriorityFeePerGas: tx.maxPriorityFeePerGas, maxFeePerGas: tx.maxFeePerGas, data: tx.data, value: tx.value,
        chainId: tx.chainId, accessList: tx.accessList, hash: tx.hash, unsignedHash: tx.unsignedHash,
        maxFeePerBlobGas: tx.maxFeePerBlobGas, blobVersionedHashes: tx.blobVersionedHashes,
        signature: tx.signature && tx.signature.serialized,
      };
    },
    signAuthorization: ({ privateKey, authorization }) => {
      const signed = wallet(privateKey).authorizeSync(authorization);
      return { ...signed, signature: signed.signature.serialized };
    },
    hashTypedData: ({ types, domain, message }) =>
      ethers.TypedDataEncoder.hash(domain, withoutDomainType(types), message),
    signTypedData: ({ privateKey, types, domain, message }) =>
      wallet(privateKey).signTypedData(domain, withoutDomainType(types), message),
    // message: text, or bytes to be signed as they are.
    hashMessage: ({ message }) => ethers.hashMessage(message),
    signMessage: ({ privateKey, message }) => wallet(privateKey).signMessageSync(message),
    verifyMessage: ({ message, signature }) => ethers.verifyMessage(message, signature),
    derive: ({ phrase, passphrase = '', path }) => {
      const node = ethers.HDNodeWallet.fromPhrase(phrase, passphrase, path);
      return {
        address: node.address, privateKey: node.privateKey, publicKey: node.publicKey, chainCode: node.chainCode,
        fingerprint: node.fingerprint, extendedKey: node.extendedKey, extendedPublicKey: node.neuter().extendedKey,
      };
    },
    deriveExtended: ({ extendedKey, path }) => {
      const node = ethers.HDNodeWallet.fromExtendedKey(extendedKey).derivePath(path);
      return { address: node.address, publicKey: node.publicKey, extendedKey: node.extendedKey };
    },
    seedOfPhrase: ({ phrase, passphrase = '' }) => ethers.Mnemonic.fromPhrase(phrase, passphrase).computeSeed(),
    phraseOfEntropy: ({ entropy }) => ethers.Mnemonic.fromEntropy(entropy).phrase,
    abiEncode: ({ types, values }) => ethers.AbiCoder.defaultAbiCoder().encode(types, values),
    abiDecode: ({ types, data }) => [...ethers.AbiCoder.defaultAbiCoder().decode(types, data)],
    // signature: human-readable, such as "transfer(address,uint256)".
    encodeCall: ({ signature, args }) => new ethers.Interface([`function ${signature}`])
      .encodeFunctionData(signature.split('(')[0], args),
    rlpEncode: ({ value }) => ethers.encodeRlp(value),
    rlpDecode: ({ data }) => ethers.decodeRlp(data),
    keccak256: ({ data }) => ethers.keccak256(data),
  };
}

async function viemFunctions() {
  const viem = await import('viem');
  const { privateKeyToAccount } = await import('viem/accounts');
  const big = ['value', 'gas', 'gasPrice', 'maxFeePerGas', 'maxPriorityFeePerGas', 'maxFeePerBlobGas'];
  const small = ['nonce', 'chainId'];
  const prepared = (tx) => Object.fromEntries(Object.entries(tx).map(([key, item]) => [
    key, item === null ? undefined : big.includes(key) ? BigInt(item) : small.includes(key) ? Number(item) : item,
  ]));
  return {
    address: ({ privateKey }) => privateKeyToAccount(privateKey).address,
    getAddress: ({ address }) => viem.getAddress(address),
    // tx: viem's form: type "legacy", "eip2930", "eip1559", "eip4844", "eip7702"; gas, not gasLimit.
    signTransaction: async ({ privateKey, tx }) => {
      const raw = await privateKeyToAccount(privateKey).signTransaction(prepared(tx));
      return { raw, hash: viem.keccak256(raw) };
    },
    parseTransaction: ({ raw }) => viem.parseTransaction(raw),
    recoverTransaction: ({ raw }) => viem.recoverTransactionAddress({ serializedTransaction: raw }),
    hashTypedData: (data) => viem.hashTypedData({ ...data, types: withoutDomainType(data.types) }),
    signTypedData: ({ privateKey, ...data }) =>
      privateKeyToAccount(privateKey).signTypedData({ ...data, types: withoutDomainType(data.types) }),
    signMessage: ({ privateKey, message }) => privateKeyToAccount(privateKey).signMessage({
      message: typeof message === 'string' ? message : { raw: message },
    }),
    recoverMessage: ({ message, signature }) => viem.recoverMessageAddress({
      message: typeof message === 'string' ? message : { raw: message }, signature,
    }),
  };
}

async function bitcoinFunctions() {
  const bitcoin = await import('bitcoinjs-lib');
  const ecc = await import('@bitcoinerlab/secp256k1');
  const { ECPairFactory } = await import('ecpair');
  const ECPair = ECPairFactory(ecc);
  bitcoin.initEccLib(ecc);
  const { Transaction, Psbt } = bitcoin;

  // network: "bitcoin" (as when left out), "testnet", "regtest", or a bitcoinjs-lib network object (litecoin's, say).
  const networkOf = (network = 'bitcoin') => (typeof network === 'string' ? bitcoin.networks[network] : network);
  const described = (tx) => ({
    txid: tx.getId(), wtxid: hexOf(tx.getHash(true).reverse()), version: tx.version, locktime: tx.locktime,
    weight: tx.weight(), virtualSize: tx.virtualSize(), raw: tx.toHex(),
    inputs: tx.ins.map((input) => ({
      txid: hexOf(Uint8Array.from(input.hash).reverse()), index: input.index, sequence: input.sequence,
      script: hexOf(input.script), witness: input.witness.map(hexOf),
    })),
    outputs: tx.outs.map((output) => ({ value: output.value, script: hexOf(output.script) })),
  });
  const verify = (publicKey, hash, signature) => (publicKey.length === 32
    ? ecc.verifySchnorr(hash, publicKey, signature)
    : ECPair.fromPublicKey(publicKey).verify(hash, signature));
  const validates = (psbt) => {
    try {
      return psbt.validateSignaturesOfAllInputs(verify);
    } catch (error) {
      if (/No signatures/.test(error.message)) return false;
      throw error;
    }
  };

  return {
    script: ({ address, network }) => hexOf(bitcoin.address.toOutputScript(address, networkOf(network))),
    address: ({ script, network }) => bitcoin.address.fromOutputScript(asBytes(script), networkOf(network)),
    // kind: p2pkh, p2sh-p2wpkh, p2wpkh, p2tr (key path, tweaked); publicKey: 33 bytes.
    addressOfPublicKey: ({ publicKey, kind, network: name }) => {
      const network = networkOf(name);
      const pubkey = asBytes(publicKey);
      const { payments } = bitcoin;
      const made = {
        'p2pkh': () => payments.p2pkh({ pubkey, network }),
        'p2wpkh': () => payments.p2wpkh({ pubkey, network }),
        'p2sh-p2wpkh': () => payments.p2sh({ redeem: payments.p2wpkh({ pubkey, network }), network }),
        'p2tr': () => payments.p2tr({ internalPubkey: bitcoin.toXOnly(pubkey), network }),
      }[kind]();
      return made.address;
    },
    wif: ({ wif, network }) => {
      const pair = ECPair.fromWIF(wif, networkOf(network));
      return { privateKey: hexOf(pair.privateKey), publicKey: hexOf(pair.publicKey), compressed: pair.compressed };
    },
    decodeTransaction: ({ raw }) => described(Transaction.fromHex(raw)),
    parsePsbt: ({ psbt }) => {
      const parsed = Psbt.fromBase64(psbt);
      const { inputs, outputs, globalMap } = parsed.data;
      return {
        version: parsed.version, locktime: parsed.locktime,
        txInputs: parsed.txInputs.map((input) => ({
          txid: hexOf(Uint8Array.from(input.hash).reverse()), index: input.index, sequence: input.sequence,
        })),
        txOutputs: parsed.txOutputs.map((output) => ({ value: output.value, script: hexOf(output.script) })),
        inputs, outputs, unsigned: hexOf(globalMap.unsignedTx.toBuffer()), base64: parsed.toBase64(),
      };
    },
    // Signs every input that the key can sign. A taproot key path needs tapInternalKey in its input.
    signPsbt: ({ psbt, wif, network: name }) => {
      const network = networkOf(name);
      const parsed = Psbt.fromBase64(psbt, { network });
      const pair = ECPair.fromWIF(wif, network);
      const xOnly = bitcoin.toXOnly(pair.publicKey);
      const tweaked = pair.tweak(bitcoin.crypto.taggedHash('TapTweak', xOnly));
      let count = 0;
      parsed.data.inputs.forEach((input, index) => {
        const key = input.tapInternalKey ? tweaked : pair;
        if (input.tapInternalKey ? Buffer.compare(input.tapInternalKey, xOnly) : !parsed.inputHasPubkey(index, key.publicKey)) {
          return;
        }
        parsed.signInput(index, key);
        count += 1;
      });
      return { psbt: parsed.toBase64(), signed: count, valid: count > 0 && validates(parsed) };
    },
    validatePsbt: ({ psbt, network }) => validates(Psbt.fromBase64(psbt, { network: networkOf(network) })),
    finalizePsbt: ({ psbt, network }) => described(
      Psbt.fromBase64(psbt, { network: networkOf(network) }).finalizeAllInputs().extractTransaction(true),
    ),
    extractPsbt: ({ psbt, network }) => described(
      Psbt.fromBase64(psbt, { network: networkOf(network) }).extractTransaction(true),
    ),
    // kind: "legacy", "v0" (script: the script code) or "v1" (scripts and values: of every input). Hex.
    signatureHash: ({ raw, index, kind, script, scripts, value, values, hashType }) => {
      const tx = Transaction.fromHex(raw);
      if (kind === 'legacy') return hexOf(tx.hashForSignature(index, asBytes(script), hashType));
      if (kind === 'v0') return hexOf(tx.hashForWitnessV0(index, asBytes(script), BigInt(value), hashType));
      return hexOf(tx.hashForWitnessV1(index, scripts.map(asBytes), values.map(BigInt), hashType));
    },
  };
}

async function tronFunctions() {
  const { TronWeb, Trx, utils } = await import('tronweb');
  const { txCheck, txJsonToPb, txPbToTxID, txPbToRawDataHex } = utils.transaction;
  return {
    address: ({ privateKey }) => TronWeb.address.fromPrivateKey(privateKey),
    addressToHex: ({ address }) => TronWeb.address.toHex(address),
    addressFromHex: ({ address }) => TronWeb.address.fromHex(address),
    isAddress: ({ address }) => TronWeb.isAddress(address),
    derive: ({ phrase, path, passphrase = '' }) => {
      const { address, privateKey, publicKey } = TronWeb.fromMnemonic(phrase, path, passphrase);
      return { address, privateKey, publicKey };
    },
    // transaction: the node's JSON ({visible, txID, raw_data, raw_data_hex}): does its raw_data give that id and hex?
    txCheck: ({ transaction }) => txCheck(transaction),
    txJsonToPb: ({ transaction }) => {
      const pb = txJsonToPb(transaction);
      return { txID: txPbToTxID(pb).replace(/^0x/, ''), raw_data_hex: txPbToRawDataHex(pb).toLowerCase() };
    },
    txPbToTxID: ({ transaction }) => txPbToTxID(txJsonToPb(transaction)).replace(/^0x/, ''),
    // type: "TransferContract", "TriggerSmartContract", ...; rawDataHex: the serialised raw_data. Gives raw_data as
    // JSON, some of its hex in capitals.
    deserializeTransaction: ({ type, rawDataHex }) => utils.deserializeTx.deserializeTransaction(type, rawDataHex),
    // Who signed this transaction: its JSON with txID, raw_data, raw_data_hex and signature.
    recover: ({ transaction }) => Trx.ecRecover(transaction),
    signTransaction: ({ privateKey, transaction }) => utils.crypto.signTransaction(privateKey, transaction),
    hashMessage: ({ message }) => utils.message.hashMessage(message),
    signMessageV2: ({ privateKey, message }) => utils.message.signMessage(message, privateKey),
    verifyMessageV2: ({ message, signature }) => utils.message.verifyMessage(message, signature),
    hashTypedData: ({ types, domain, message }) => utils.typedData.hashTypedData(domain, withoutDomainType(types), message),
    signTypedData: ({ privateKey, types, domain, message }) =>
      Trx._signTypedData(domain, withoutDomainType(types), message, privateKey),
  };
}

async function solanaFunctions() {
  const web3 = (await import('@solana/web3.js')).default ?? (await import('@solana/web3.js'));
  const { Keypair, PublicKey, SystemProgram, TransactionInstruction, TransactionMessage, Transaction } = web3;
  const { VersionedMessage, VersionedTransaction, ComputeBudgetProgram, Message } = web3;

  const key = (text) => new PublicKey(text);
  // instruction: {programId, keys: [{pubkey, isSigner, isWritable}], data: bytes or hex}
  const instructionOf = (item) => new TransactionInstruction({
    programId: key(item.programId),
    keys: item.keys.map((meta) => ({ ...meta, pubkey: key(meta.pubkey) })),
    data: Buffer.from(asBytes(item.data)),
  });
  const compile = ({ payer, instructions, recentBlockhash, version }) => {
    const message = new TransactionMessage({ payerKey: key(payer), recentBlockhash, instructions });
    return version === 'legacy' ? message.compileToLegacyMessage() : message.compileToV0Message();
  };
  const describedMessage = (message) => ({
    version: message.version === undefined ? 'legacy' : message.version,
    header: message.header,
    staticAccountKeys: message.staticAccountKeys.map((account) => account.toBase58()),
    recentBlockhash: message.recentBlockhash,
    instructions: message.compiledInstructions.map((item) => ({
      programIdIndex: item.programIdIndex, accountKeyIndexes: [...item.accountKeyIndexes], data: hexOf(item.data),
    })),
    addressTableLookups: (message.addressTableLookups ?? []).map((lookup) => ({
      accountKey: lookup.accountKey.toBase58(),
      writableIndexes: [...lookup.writableIndexes], readonlyIndexes: [...lookup.readonlyIndexes],
    })),
  });
  const bytesOfMessage = (message) => Uint8Array.from(message.serialize());
  const signed = (message, secrets) => {
    const transaction = new VersionedTransaction(message);
    transaction.sign(secrets.map((secret) => Keypair.fromSeed(asBytes(secret).slice(0, 32))));
    return {
      message: bytesOfMessage(message), raw: transaction.serialize(),
      signatures: transaction.signatures.map((item) => Uint8Array.from(item)),
    };
  };

  return {
    // secret: the 32-byte seed, or the 64 bytes that wallets export.
    address: ({ secret }) => {
      const bytes = asBytes(secret);
      return (bytes.length === 32 ? Keypair.fromSeed(bytes) : Keypair.fromSecretKey(bytes)).publicKey.toBase58();
    },
    isOnCurve: ({ address }) => PublicKey.isOnCurve(key(address).toBytes()),
    findProgramAddress: ({ seeds, programId }) => {
      const [address, bump] = PublicKey.findProgramAddressSync(seeds.map(asBytes), key(programId));
      return { address: address.toBase58(), bump };
    },
    transferInstruction: ({ from, to, lamports }) => {
      const item = SystemProgram.transfer({ fromPubkey: key(from), toPubkey: key(to), lamports });
      return { programId: item.programId.toBase58(), keys: item.keys.map((meta) => ({ ...meta, pubkey: meta.pubkey.toBase58() })), data: hexOf(item.data) };
    },
    computeBudgetInstructions: ({ units, microLamports }) => [
      hexOf(ComputeBudgetProgram.setComputeUnitLimit({ units }).data),
      hexOf(ComputeBudgetProgram.setComputeUnitPrice({ microLamports }).data),
    ],
    // {payer, instructions, recentBlockhash, version: "legacy" or 0}; the message's bytes.
    compileMessage: (request) => bytesOfMessage(compile({ ...request, instructions: request.instructions.map(instructionOf) })),
    // The same and secrets: {message, raw, signatures}, all bytes.
    signInstructions: ({ secrets, ...request }) =>
      signed(compile({ ...request, instructions: request.instructions.map(instructionOf) }), secrets),
    transfer: ({ secret, to, lamports, recentBlockhash, version }) => {
      const payer = Keypair.fromSeed(asBytes(secret).slice(0, 32)).publicKey;
      const instructions = [SystemProgram.transfer({ fromPubkey: payer, toPubkey: key(to), lamports })];
      return signed(compile({ payer, instructions, recentBlockhash, version }), [secret]);
    },
    signMessage: ({ message, secrets }) => signed(VersionedMessage.deserialize(asBytes(message)), secrets),
    decodeMessage: ({ message }) => describedMessage(VersionedMessage.deserialize(asBytes(message))),
    decodeTransaction: ({ raw }) => {
      const transaction = VersionedTransaction.deserialize(asBytes(raw));
      return {
        signatures: transaction.signatures.map((item) => Uint8Array.from(item)),
        message: describedMessage(transaction.message), messageBytes: bytesOfMessage(transaction.message),
      };
    },
    // Only for a legacy transaction: does web3.js itself find every signature good?
    verifySignatures: ({ raw }) => Transaction.from(asBytes(raw)).verifySignatures(),
    roundTrip: ({ message }) => {
      const bytes = asBytes(message);
      return bytes[0] & 0x80 ? bytesOfMessage(VersionedMessage.deserialize(bytes)) : bytesOfMessage(Message.from(bytes));
    },
  };
}

const loaders = {
  ethers: ethersFunctions, viem: viemFunctions, bitcoin: bitcoinFunctions, tron: tronFunctions, solana: solanaFunctions,
};
const loaded = {};

async function answer(call, args) {
  const [library, name] = call.split('.');
  if (!Object.hasOwn(loaders, library)) throw new Error(`no library ${library}: ${Object.keys(loaders).join(', ')}`);
  loaded[library] ??= await loaders[library]();
  const functions = loaded[library];
  if (!Object.hasOwn(functions, name)) throw new Error(`no ${call}: ${library} has ${Object.keys(functions).join(', ')}`);
  return functions[name](fromWire(args));
}

// Whatever a library prints must not mix with the answers.
for (const method of ['log', 'info', 'warn', 'debug']) console[method] = (...args) => console.error(...args);

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { id, call, args } = JSON.parse(line);
  let reply;
  try {
    reply = { id, result: toWire(await answer(call, args)) };
  } catch (error) {
    reply = { id, error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
