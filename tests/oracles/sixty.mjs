// Trust Wallet's core (npm, its C++ compiled to WebAssembly) for test_sixty_coins.py.
//
// One JSON request on stdin: {"mnemonic", "passphrase", "coins": {name: [path, ...]}}. One JSON answer on stdout:
// {name: {"path", "address", "at": {path: address}, "symbol", "decimals", "slip44"}}, the coin's own default first. A path may be
// {"path", "derivation"} to name one of Trust's derivations (bitcoinLegacy, bitcoinTaproot, ...).

import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const { initWasm } = createRequire(import.meta.url)('@trustwallet/wallet-core');

const core = await initWasm();
const { mnemonic, passphrase, coins } = JSON.parse(await text(process.stdin));
const wallet = core.HDWallet.createWithMnemonic(mnemonic, passphrase);
const answer = {};
for (const [name, paths] of Object.entries(coins)) {
  const coin = core.CoinType[name];
  if (coin === undefined) throw new Error(`Trust Wallet Core has no coin ${name}`);
  const at = {};
  for (const item of paths) {
    const path = item.path ?? item;
    const key = wallet.getKey(coin, path);
    if (item.derivation) {
      const derivation = core.Derivation[item.derivation];
      at[path] = core.CoinTypeExt.deriveAddressFromPublicKeyAndDerivation(coin, key.getPublicKey(coin), derivation);
    } else {
      at[path] = core.CoinTypeExt.deriveAddress(coin, key);
    }
  }
  const told = core.CoinTypeConfiguration;
  answer[name] = {
    path: core.CoinTypeExt.derivationPath(coin), address: wallet.getAddressForCoin(coin), at,
    symbol: told.getSymbol(coin), decimals: told.getDecimals(coin), slip44: core.CoinTypeExt.slip44Id(coin),
  };
}
process.stdout.write(JSON.stringify(answer));
