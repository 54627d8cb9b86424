// Cells, addresses, wallets and messages by @ton/core, @ton/ton, @ton/crypto and Trust Wallet Core.
// Reads one JSON array of calls from stdin and writes one array of answers.
import { createRequire } from "node:module";
import {
    Address, Cell, Dictionary, beginCell, comment, external, internal, storeMessage,
} from "@ton/core";
import { WalletContractV3R2, WalletContractV4, WalletContractV5R1 } from "@ton/ton";
import { keyPairFromSeed, mnemonicNew, mnemonicToPrivateKey, sha256_sync, sign } from "@ton/crypto";

const require = createRequire(import.meta.url);
const kinds = { v5r1: WalletContractV5R1, v4r2: WalletContractV4, v3r2: WalletContractV3R2 };
const hex = (cell) => cell.toBoc({ idx: false, crc32: true }).toString("hex");
const fromHex = (text) => Cell.fromBoc(Buffer.from(text, "hex"))[0];

function walletOf(kind, publicKey, globalId) {
    const more = kind === "v5r1" ? { walletId: { networkGlobalId: globalId, context: { workchain: 0, walletVersion: "v5r1", subwalletNumber: 0 } } } : {};
    return kinds[kind].create({ workchain: 0, publicKey, ...more });
}

const calls = {
    cell: ({ boc, forms }) => {
        const cell = fromHex(boc);
        return {
            hash: cell.hash().toString("hex"), depth: cell.depth(), bits: cell.bits.length,
            bocs: [[false, false], [false, true], [true, false], [true, true]].map(([idx, crc32]) => cell.toBoc({ idx, crc32 }).toString("hex")),
        };
    },
    address: ({ text }) => {
        try {
            const { address, isBounceable, isTestOnly } = Address.isFriendly(text)
                ? Address.parseFriendly(text) : { address: Address.parseRaw(text) };
            return { raw: address.toRawString(), isBounceable, isTestOnly, forms: [true, false].flatMap((bounceable) =>
                [true, false].map((testOnly) => address.toString({ bounceable, testOnly }))) };
        } catch (error) {
            return null;
        }
    },
    transfer: ({ kind, seed, globalId, seqno, timeout, mode, messages, deploys }) => {
        const keys = keyPairFromSeed(Buffer.from(seed, "hex"));
        const wallet = walletOf(kind, keys.publicKey, globalId);
        const body = wallet.createTransfer({
            seqno, timeout, sendMode: mode, secretKey: keys.secretKey,
            messages: messages.map(({ to, value, bounce, text, body }) => internal({
                to: Address.parse(to), value: BigInt(value), bounce, body: body ? fromHex(body) : text ?? undefined,
            })),
        });
        const message = external({ to: wallet.address, init: deploys ? wallet.init : null, body });
        const plain = external({ to: wallet.address, body });
        return {
            address: wallet.address.toString({ bounceable: false, testOnly: globalId === -3 }),
            body: hex(body),
            message: hex(beginCell().store(storeMessage(message, { forceRef: true })).endCell()),
            inline: hex(beginCell().store(storeMessage(message)).endCell()),
            normalized: beginCell().store(storeMessage(plain, { forceRef: true })).endCell().hash().toString("hex"),
        };
    },
    jetton: ({ query, amount, to, response, forward, text }) => hex(
        beginCell().storeUint(0x0f8a7ea5, 32).storeUint(BigInt(query), 64).storeCoins(BigInt(amount))
            .storeAddress(Address.parse(to)).storeAddress(response ? Address.parse(response) : null).storeMaybeRef(null)
            .storeCoins(BigInt(forward)).storeMaybeRef(text === null ? null : comment(text)).endCell()),
    comment: ({ text }) => hex(comment(text)),
    content: ({ fields, chunked }) => {
        const made = Dictionary.empty(Dictionary.Keys.Buffer(32), Dictionary.Values.Cell());
        for (const [name, value] of Object.entries(fields)) {
            const bytes = Buffer.from(value);
            if (chunked) {
                const chunks = Dictionary.empty(Dictionary.Keys.Uint(32), Dictionary.Values.Cell());
                for (let at = 0; at < bytes.length; at += 100)
                    chunks.set(at / 100, beginCell().storeBuffer(bytes.subarray(at, at + 100)).endCell());
                made.set(sha256_sync(name), beginCell().storeUint(1, 8).storeDict(chunks).endCell());
            } else made.set(sha256_sync(name), beginCell().storeUint(0, 8).storeStringTail(value).endCell());
        }
        return hex(beginCell().storeUint(0, 8).storeDict(made).endCell());
    },
    proof: ({ seed, address, domain, timestamp, payload }) => {
        const { hash, workChain } = Address.parse(address);
        const wc = Buffer.alloc(4), size = Buffer.alloc(4), time = Buffer.alloc(8);
        wc.writeInt32BE(workChain), size.writeUInt32LE(Buffer.byteLength(domain)), time.writeBigUInt64LE(BigInt(timestamp));
        const inner = Buffer.concat([Buffer.from("ton-proof-item-v2/"), wc, hash, size, Buffer.from(domain), time, Buffer.from(payload)]);
        const full = Buffer.concat([Buffer.from([0xff, 0xff]), Buffer.from("ton-connect"), sha256_sync(inner)]);
        return sign(sha256_sync(full), keyPairFromSeed(Buffer.from(seed, "hex")).secretKey).toString("base64");
    },
    data: ({ seed, address, domain, timestamp, text, bytes }) => {
        const { hash, workChain } = Address.parse(address);
        const payload = text === null ? Buffer.from(bytes, "hex") : Buffer.from(text);
        const head = Buffer.alloc(4), size = Buffer.alloc(4), time = Buffer.alloc(8), length = Buffer.alloc(4);
        head.writeInt32BE(workChain), size.writeUInt32BE(Buffer.byteLength(domain));
        time.writeBigUInt64BE(BigInt(timestamp)), length.writeUInt32BE(payload.length);
        const full = Buffer.concat([
            Buffer.from([0xff, 0xff]), Buffer.from("ton-connect/sign-data/"), head, hash, size, Buffer.from(domain), time,
            Buffer.from(text === null ? "bin" : "txt"), length, payload,
        ]);
        return sign(sha256_sync(full), keyPairFromSeed(Buffer.from(seed, "hex")).secretKey).toString("base64");
    },
    newWords: async ({ password }) => {
        const words = await mnemonicNew(24, password);
        return { words: words.join(" "), publicKey: (await mnemonicToPrivateKey(words, password)).publicKey.toString("hex") };
    },
    trust: async ({ words }) => {
        const core = await require("@trustwallet/wallet-core").initWasm();
        const wallet = core.HDWallet.createWithMnemonic(words, "");
        const key = wallet.getKeyForCoin(core.CoinType.ton);
        const answer = {
            address: wallet.getAddressForCoin(core.CoinType.ton),
            path: core.CoinTypeExt.derivationPath(core.CoinType.ton),
            publicKey: Buffer.from(key.getPublicKeyEd25519().data()).toString("hex"),
        };
        wallet.delete();
        return answer;
    },
};

let text = "";
for await (const chunk of process.stdin) text += chunk;
const answers = [];
for (const [call, given] of JSON.parse(text)) answers.push(await calls[call](given));
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
