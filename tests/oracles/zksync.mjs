// viem's ZKsync side for test_zksync.py: the typed data of a type 113 transaction, its signature and its bytes.
//
// One JSON transaction a line on stdin ("key", "tx", "numbers": the names whose text is a number); on stdout one
// JSON answer a line, {"raw", "signature", "unsigned", "hash"} or {"error"}.

import readline from 'node:readline';
import { hashTypedData } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { serializeTransaction, zksync } from 'viem/zksync';

for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { key, tx, numbers } = JSON.parse(line);
    for (const name of numbers) tx[name] = BigInt(tx[name]);
    const account = privateKeyToAccount(key);
    const transaction = { ...tx, from: account.address, type: 'eip712', chainId: zksync.id };
    const typed = zksync.custom.getEip712Domain(transaction);
    const signature = await account.signTypedData(typed);
    answer = {
      signature,
      hash: hashTypedData(typed),
      raw: serializeTransaction({ ...transaction, customSignature: signature }),
      unsigned: serializeTransaction(transaction),
    };
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
