// Clients of dApps, talking to a served devnet. Reads {modules, endpoints, ...} from standard input, writes one JSON.
// argv: the name of a client below.

const { createRequire } = require("node:module");

const read = async () => {
  let text = "";
  for await (const part of process.stdin) text += part;
  return JSON.parse(text);
};

const clients = {
  async ethers({ load, url, key, to }) {
    const { JsonRpcProvider, Wallet, parseEther } = load("ethers");
    const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 100, cacheTimeout: -1 }); // else a stale nonce
    const wallet = new Wallet(key, provider);
    const sent = await wallet.sendTransaction({ to, value: parseEther("0.25") });
    const receipt = await sent.wait(1, 20_000);
    const balance = await provider.getBalance(to);
    const network = await provider.getNetwork();
    let refusal = "";
    try {
      await wallet.sendTransaction({ to, value: parseEther("1000"), gasLimit: 21000 });
    } catch (error) {
      refusal = error.code;
    }
    provider.destroy();
    return { status: receipt.status, hash: sent.hash, balance: String(balance), chain: String(network.chainId), refusal };
  },

  async web3js({ load, url, seed, to }) {
    const web3 = load("@solana/web3.js");
    const connection = new web3.Connection(url, "confirmed");
    const payer = web3.Keypair.fromSeed(Uint8Array.from(Buffer.from(seed, "hex")));
    const latest = await connection.getLatestBlockhash();
    const transaction = new web3.Transaction({ feePayer: payer.publicKey, ...latest }).add(
      web3.SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: new web3.PublicKey(to), lamports: 2e8 }),
    );
    transaction.sign(payer);
    const trial = await connection.simulateTransaction(transaction);
    const signature = await connection.sendRawTransaction(transaction.serialize());
    const statuses = await connection.getSignatureStatuses([signature]);
    const record = await connection.getParsedTransaction(signature, { maxSupportedTransactionVersion: 0 });
    const history = await connection.getSignaturesForAddress(new web3.PublicKey(to));
    let refusal = "";
    try {
      await connection.sendRawTransaction(transaction.serialize());
    } catch (error) {
      refusal = `${error.name}: ${error.transactionError ? error.transactionError.message : error.message}`;
    }
    return {
      signature,
      refusal,
      trial: trial.value.err,
      status: statuses.value[0].confirmationStatus,
      balance: await connection.getBalance(new web3.PublicKey(to)),
      moved: record.transaction.message.instructions[0].parsed.info.lamports,
      history: history.map((entry) => entry.signature),
    };
  },

  async tronweb({ load, url, key, to, token }) {
    const { TronWeb } = load("tronweb");
    const tronWeb = new TronWeb({ fullHost: url, privateKey: key });
    const built = await tronWeb.transactionBuilder.sendTrx(to, 3_000_000);
    const signed = await tronWeb.trx.sign(built);
    const sent = await tronWeb.trx.sendRawTransaction(signed);
    const contract = await tronWeb.contract().at(token);
    const moved = await contract.transfer(to, 1_500_000).send({ feeLimit: 100_000_000 });
    const info = await tronWeb.trx.getUnconfirmedTransactionInfo(moved);
    return {
      result: sent.result,
      txid: sent.txid,
      balance: await tronWeb.trx.getUnconfirmedBalance(to),
      tokens: String(await contract.balanceOf(to).call()),
      outcome: info.receipt.result,
    };
  },
};

read()
  .then((given) => clients[process.argv[2]]({ load: createRequire(given.modules), ...given }))
  .then((answer) => {
    process.stdout.write(JSON.stringify(answer), () => process.exit(0));
  })
  .catch((error) => {
    process.stderr.write(String(error && error.stack ? error.stack : error), () => process.exit(1));
  });
