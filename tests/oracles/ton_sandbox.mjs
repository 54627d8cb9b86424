// A TON blockchain in this process (@ton/sandbox: the network's own TVM and transaction executor, in WebAssembly)
// behind the requests of toncenter's API v3 that the adapter makes. HTTP on a free port of 127.0.0.1, which is
// written to stdout as {"port": ...}. It ends when its stdin does.
//
// Beside API v3: POST /control/fund {address, amount}, /control/jetton {holder, amount, decimals, symbol, offchain},
// /control/advance {seconds}, /control/pause {paused} (messages wait until it is lifted), /control/reset.
import http from "node:http";
import { readFileSync } from "node:fs";
import { Blockchain } from "@ton/sandbox";
import {
    Address, Cell, Dictionary, beginCell, contractAddress, loadMessage, storeMessage, toNano,
} from "@ton/core";
import { sha256_sync } from "@ton/crypto";
import func from "@ton-community/func-js";

const GLOBAL_ID = Number(process.argv[2] ?? -239);
const START = 1_750_000_000;
const here = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const b64 = (cell) => cell.toBoc({ idx: false, crc32: true }).toString("base64");
const raw = (address) => `${address.workChain}:${address.hash.toString("hex").toUpperCase()}`;

let chain, bank, seqno, index, metadata, waiting, paused;

async function reset() {
    chain = await Blockchain.create();
    chain.now = START;
    bank = await chain.treasury("bank", { balance: toNano("1000000000") });
    [seqno, index, metadata, waiting, paused] = [1000, new Map(), {}, [], false];
}

const codes = {};
async function compiled(name) {
    if (!codes[name]) {
        const sources = { "ton_jetton.fc": here("ton_jetton.fc"), [name]: here(name) };
        const result = await func.compileFunc({ targets: Object.keys(sources), sources });
        if (result.status !== "ok") throw new Error(result.message);
        codes[name] = Cell.fromBase64(result.codeBoc);
    }
    return codes[name];
}

function normalized(cell) {
    const message = loadMessage(cell.beginParse());
    const info = { ...message.info, src: null, importFee: 0n };
    return beginCell().store(storeMessage({ info, init: null, body: message.body }, { forceRef: true })).endCell().hash();
}

function messageJson(cell) {
    const { info } = loadMessage(cell.beginParse());
    const internal = info.type === "internal";
    return {
        hash: cell.hash().toString("base64"),
        hash_norm: info.type === "external-in" ? normalized(cell).toString("base64") : undefined,
        source: info.src ? raw(info.src) : null,
        destination: info.dest ? raw(info.dest) : null,
        value: internal ? info.value.coins.toString() : null,
        fwd_fee: internal ? info.forwardFee.toString() : null,
        bounce: internal ? info.bounce : null,
        bounced: internal ? info.bounced : null,
    };
}

function cellsOf(transaction) {
    const source = transaction.raw.refs[0].beginParse();
    const incoming = source.loadMaybeRef();
    const outgoing = source.loadDict(Dictionary.Keys.Uint(15), Dictionary.Values.Cell());
    return [incoming, outgoing.keys().sort((a, b) => a - b).map((key) => outgoing.get(key))];
}

function describe(transaction, block) {
    const [incoming, outgoing] = cellsOf(transaction);
    const { computePhase: compute, actionPhase: action, storagePhase: storage, bouncePhase: bounce, aborted } =
        transaction.description;
    const skipped = compute?.type === "skipped";
    return {
        account: raw(new Address(0, Buffer.from(transaction.address.toString(16).padStart(64, "0"), "hex"))),
        hash: transaction.hash().toString("base64"),
        lt: transaction.lt.toString(),
        now: transaction.now,
        mc_block_seqno: block,
        total_fees: transaction.totalFees.coins.toString(),
        in_msg: messageJson(incoming),
        out_msgs: outgoing.map(messageJson),
        description: {
            type: "ord",
            aborted,
            storage_ph: { storage_fees_collected: storage?.storageFeesCollected?.toString() },
            compute_ph: skipped
                ? { skipped: true, reason: compute.reason }
                : { skipped: false, success: compute.success, exit_code: compute.exitCode, gas_used: compute.gasUsed.toString(), gas_fees: compute.gasFees.toString() },
            action: action ? {
                success: action.success, valid: action.valid, no_funds: action.noFunds, result_code: action.resultCode,
                tot_actions: action.totalActions, skipped_actions: action.skippedActions,
                msgs_created: action.messagesCreated, total_fwd_fees: action.totalFwdFees?.toString(),
                total_action_fees: action.totalActionFees?.toString(),
            } : undefined,
            bounce: bounce ? { type: bounce.type } : undefined,
        },
    };
}

function record(transactions) {
    seqno += 1;
    chain.now += 5;
    for (const transaction of transactions) {
        const [incoming] = cellsOf(transaction);
        const entry = describe(transaction, seqno);
        index.set(incoming.hash().toString("hex"), entry);
        if (entry.in_msg.source === null) index.set(normalized(incoming).toString("hex"), entry);
    }
}

class Refused extends Error {}

async function accept(cell) {
    try {
        record((await chain.sendMessage(cell)).transactions);
    } catch (error) {
        const code = error.exitCode ?? /exit code[: ]+(-?\d+)/i.exec(String(error.message))?.[1];
        throw new Refused(
            "LITE_SERVER_UNKNOWN: cannot apply external message to current state : External message was not accepted\n" +
            `Cannot run message on account: inbound external message rejected by transaction: exitcode=${code}, steps=0, gas_used=0`,
        );
    }
}

async function estimate(address, body, init) {
    const info = { type: "external-in", src: null, dest: address, importFee: 0n };
    const message = beginCell().store(storeMessage({ info, init, body }, { forceRef: true })).endCell();
    const before = chain.snapshot();
    try {
        const { transactions } = await chain.sendMessage(message, { ignoreChksig: true });
        const [transaction] = transactions;
        const { computePhase: compute, actionPhase: action, storagePhase: storage } = transaction.description;
        const gas = compute.gasFees ?? 0n, kept = storage?.storageFeesCollected ?? 0n;
        return {
            gas_fee: Number(gas),
            storage_fee: Number(kept),
            fwd_fee: Number(action?.totalFwdFees ?? 0n),
            in_fwd_fee: Number(transaction.totalFees.coins - gas - kept - (action?.totalActionFees ?? 0n)),
        };
    } finally {
        await chain.loadFrom(before);
    }
}

function stackItem(item) {
    if (item.type === "int") {
        const text = (item.value < 0n ? -item.value : item.value).toString(16);
        return { type: "num", value: `${item.value < 0n ? "-" : ""}0x${text}` };
    }
    if (item.type === "cell" || item.type === "slice") return { type: item.type, value: b64(item.cell) };
    return { type: item.type, value: null };
}

async function run({ address, method, stack }) {
    const argumentsOf = stack.map(({ type, value }) =>
        type === "num" ? { type: "int", value: BigInt(value) } : { type, cell: Cell.fromBase64(value) });
    try {
        const result = await chain.runGetMethod(Address.parse(address), method, argumentsOf);
        return { gas_used: Number(result.gasUsed), exit_code: result.exitCode, stack: result.stack.map(stackItem) };
    } catch (error) {
        return { gas_used: 0, exit_code: error.exitCode ?? -13, stack: [] };
    }
}

function content({ offchain, symbol, decimals }) {
    const snake = (text, form) => {
        const parts = [];
        const bytes = Buffer.concat([Buffer.from([form]), Buffer.from(text)]);
        for (let at = 0; at < bytes.length; at += 127) parts.push(bytes.subarray(at, at + 127));
        return parts.reverse().reduce((tail, part) => {
            const made = beginCell().storeBuffer(part);
            return (tail ? made.storeRef(tail) : made).endCell();
        }, null);
    };
    if (offchain) return snake(`https://jetton.example/${symbol}/${"x".repeat(150)}.json`, 1);
    const fields = Dictionary.empty(Dictionary.Keys.Buffer(32), Dictionary.Values.Cell());
    const said = { name: "A jetton with a long name ".repeat(8), symbol, decimals: decimals === null ? null : String(decimals) };
    for (const [name, value] of Object.entries(said)) if (value !== null) fields.set(sha256_sync(name), snake(value, 0));
    return beginCell().storeUint(0, 8).storeDict(fields).endCell();
}

async function jetton(request) {
    const [minter, wallet] = [await compiled("ton_minter.fc"), await compiled("ton_jetton_wallet.fc")];
    const data = beginCell().storeCoins(0).storeAddress(bank.address).storeRef(content(request)).storeRef(wallet).endCell();
    const init = { code: minter, data };
    const address = contractAddress(0, init);
    const mint = beginCell().storeUint(21, 32).storeUint(0, 64).storeAddress(Address.parse(request.holder))
        .storeCoins(BigInt(request.amount)).endCell();
    record((await bank.send({ to: address, value: toNano("0.2"), init, body: mint, bounce: false })).transactions);
    if (request.offchain && request.indexed !== false)
        metadata[raw(address)] = {
            is_indexed: true,
            token_info: [{ type: "jetton_masters", symbol: request.symbol, extra: { decimals: String(request.decimals) } }],
        };
    return { address: raw(address) };
}

const calls = {
    "GET /masterchainInfo": () => ({ last: { seqno, gen_utime: String(chain.now), global_id: GLOBAL_ID } }),
    "GET /addressInformation": async ({ address }) => {
        const contract = await chain.getContract(Address.parse(address));
        const type = contract.accountState?.type;
        return { balance: contract.balance.toString(), status: type ?? "uninitialized" };
    },
    "POST /runGetMethod": run,
    "POST /estimateFee": async ({ address, body, init_code, init_data }) => {
        const init = init_code ? { code: Cell.fromBase64(init_code), data: Cell.fromBase64(init_data) } : null;
        return { source_fees: await estimate(Address.parse(address), Cell.fromBase64(body), init), destination_fees: [] };
    },
    "POST /message": async ({ boc }) => {
        const cell = Cell.fromBase64(boc);
        if (paused) waiting.push(cell);
        else await accept(cell);
        return { message_hash: cell.hash().toString("base64"), message_hash_norm: normalized(cell).toString("base64") };
    },
    "GET /transactionsByMessage": ({ msg_hash }) => {
        const found = index.get(msg_hash);
        return { transactions: found ? [found] : [], address_book: {} };
    },
    "GET /metadata": ({ address }) => (metadata[address.toUpperCase()] ? { [address.toUpperCase()]: metadata[address.toUpperCase()] } : {}),
    "POST /control/fund": async ({ address, amount }) => {
        record((await bank.send({ to: Address.parse(address), value: BigInt(amount), bounce: false })).transactions);
        return {};
    },
    "POST /control/jetton": jetton,
    "POST /control/advance": ({ seconds }) => ((chain.now += seconds), (seqno += 1), {}),
    "POST /control/pause": async (request) => {
        paused = request.paused;
        while (!paused && waiting.length) await accept(waiting.shift());
        return {};
    },
    "POST /control/reset": async () => (await reset(), {}),
    "POST /control/parse": ({ boc }) => {
        const message = loadMessage(Cell.fromBase64(boc).beginParse());
        return { to: raw(message.info.dest), deploys: message.init !== null && message.init !== undefined };
    },
};

let queue = Promise.resolve(); // one at a time: an estimate takes the chain back to where it was
const server = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
        queue = queue.then(async () => {
            const url = new URL(request.url, "http://localhost");
            const call = calls[`${request.method} ${url.pathname}`];
            let [status, body] = [200, null];
            try {
                if (!call) throw new Error("no such method");
                body = await call(request.method === "GET" ? Object.fromEntries(url.searchParams) : JSON.parse(Buffer.concat(chunks)));
            } catch (error) {
                [status, body] = [error instanceof Refused ? 500 : 422, { error: String(error.message) }];
            }
            response.writeHead(status, { "content-type": "application/json" });
            response.end(JSON.stringify(body));
        });
    });
});
await reset();
await Promise.all([compiled("ton_minter.fc"), compiled("ton_jetton_wallet.fc")]);
server.listen(0, "127.0.0.1", () => process.stdout.write(JSON.stringify({ port: server.address().port }) + "\n"));
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
