// SPDX-License-Identifier: BSD-2-Clause
// Replays recorded exchanges of the reference server (t/data/http_and_websocket.json) and
// reduces recorded and live answers to what must be equal: statuses, the headers that mean
// something, bodies and messages, with ids made equal.
'use strict';

const { connect } = require('./raw');
const { WebSocket, OP } = require('./ws');
const { Polling, open } = require('./eio');
const { until, silence } = require('./until');
const { SLOW } = require('./tap');

const SID = /"(sid|pid)":"[\w-]+"/g;
const AFTER_ALL = 'an error in HTTP, after the 101';
const closed = (payload) => `close ${payload.length < 2 ? 1005 : payload.readUInt16BE()}`;
const plain = (text) => text.replace(SID, '"$1":"ID"');

// --- What counts of an HTTP answer.

// Ours may tell more, but of these nothing that the reference does not tell.
const HEADERS = ['content-type', 'cache-control', 'vary', 'set-cookie', 'content-encoding', 'access-control-allow-origin',
    'access-control-allow-credentials', 'access-control-allow-headers', 'sec-websocket-accept', 'sec-websocket-protocol',
    'sec-websocket-extensions', 'sec-websocket-version'];

// The order of the members of a list means nothing, nor does the case of a media type.
const MEMBERS = {
    vary: (value) => value.toLowerCase().split(/\s*,\s*/).sort(),
    'set-cookie': (value) => value.replace(/=[\w-]{20,}/, '=ID').split(/\s*;\s*/).sort(),
    'content-type': (value) => value.toLowerCase().replace(/\s/g, ''),
};

function essence({ status, headers, text }) {
    const told = HEADERS.filter((name) => headers[name]).map((name) => [name, (MEMBERS[name] || String)(headers[name])]);
    return { status, headers: Object.fromEntries(told), body: plain(text) };
}

// What a recorded 101 is followed by.
function firstOf(bytes) {
    if (bytes.startsWith('HTTP/')) return AFTER_ALL;
    return bytes.startsWith('\u0088') ? 'close 1005' : bytes.slice(2);
}

// Reads a recorded answer, a chunked one too. What follows a 101 is its first frame.
function recorded(raw) {
    const [head, ...rest] = raw.split('\r\n\r\n');
    const [first, ...lines] = head.split('\r\n');
    const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]));
    const status = Number(first.split(' ')[1]);
    let text = rest.join('\r\n\r\n');
    if (status === 101) text = firstOf(text);
    const chunk = text.match(/^[0-9a-f]+\r\n([^]*)\r\n0\r\n/);
    if (headers['transfer-encoding'] === 'chunked') text = chunk ? chunk[1] : '';
    return essence({ status, headers, text });
}

async function firstMessage(socket) {
    const { inbox } = socket.connection;
    await inbox.take((bytes) => (bytes.length >= 2 ? 0 : -1), 'the first frame');
    if (inbox.bytes.toString('latin1', 0, 2) === 'HT') return AFTER_ALL;
    const { opcode, text, payload } = await socket.frame();
    return opcode === OP.close ? closed(payload) : text;
}

// Sends recorded bytes; resolves with the answer, or what came first over a WebSocket.
async function replay(server, bytes) {
    const connection = await connect(server);
    connection.send(Buffer.from(bytes, 'latin1'));
    const response = await connection.response({ bodyless: bytes.startsWith('HEAD') });
    if (response.status === 101) response.text = await firstMessage(new WebSocket(connection, response));
    connection.destroy();
    return essence(response);
}

// --- Conversations over a WebSocket.

const message = ({ opcode, payload, text }) => (opcode === OP.binary ? { bin: payload.toString('hex') } : plain(text));

// The messages after the handshake, ended by "open" or the code of the close.
function expectedTalk(list) {
    const [handshake, ...rest] = list.map((item) => (typeof item === 'string' ? plain(item) : item));
    const end = rest.pop();
    if (rest[rest.length - 1] === '(still open)') rest[rest.length - 1] = 'open';
    else rest.push(`close ${end.close}`);
    return [handshake, ...rest];
}

const send = (socket, item) => (typeof item === 'string' ? socket.text(item) : socket.binary(Buffer.from(item.bin, 'hex')));

// Sends one after another, and waits for the answer of a CONNECT as a client does. A ping of
// RFC 6455 then asks whether the connection is still open; its pong proves that nothing more
// came before it. It is sent when `awaited` messages are there: they may be slower than a pong.
async function talk(server, sent, awaited) {
    const socket = await open(server);
    const heard = [plain(`0${JSON.stringify(socket.handshake)}`)];
    const over = () => /^(open|close \d+)$/.test(heard[heard.length - 1]);
    const hear = async () => {
        const frame = await socket.frame();
        if (frame.opcode === OP.close) heard.push(closed(frame.payload));
        else heard.push(frame.opcode === OP.pong ? 'open' : message(frame));
    };
    // The reference acts on a DISCONNECT a moment later.
    const heed = async () => {
        socket.send(OP.ping, 'done?');
        await hear();
        if (heard[heard.length - 1] === 'open') heard.pop();
    };
    for (const item of sent) {
        if (over()) break;
        send(socket, item);
        if (String(item).startsWith('40')) await hear();
        if (String(item).startsWith('41')) await heed();
    }
    while (!over() && heard.length < awaited) await hear();
    if (!over()) socket.send(OP.ping, 'still there?');
    while (!over()) await hear();
    socket.destroy();
    return heard;
}

// --- Upgrades, step by step.

// Steps are packets for the WebSocket, "GET", or a time to wait.
async function upgrade(server, steps) {
    const session = await Polling.open(server);
    const socket = await session.socket();
    const log = [];
    const reading = (async () => {
        for (;;) {
            const frame = await socket.frame(5000);
            if (frame.opcode === OP.close) { log.push('wsclose 1005'); socket.close(); return; }
            log.push(`ws<${plain(frame.text)}`);
        }
    })().catch(() => {});
    for (const step of steps) {
        if (step === 'GET') session.poll().then(({ status, text }) => log.push(`GET<HTTP/1.1 ${status} OK | ${text}`), () => {});
        else if (typeof step === 'number') await silence(step * SLOW);
        else socket.text(step);
    }
    return { socket, log, reading };
}

const expectedLog = (log) => log.map(plain).filter((line) => !/^(ws state|wsclose 1006|GET< )/.test(line)).sort();

async function replayUpgrade(server, { steps, log }) {
    const expected = expectedLog(log);
    const run = await upgrade(server, steps);
    await until(() => run.log.length >= expected.length, `${expected.join(', ')}; got ${run.log}`);
    run.socket.destroy();
    return run.log.sort();
}

module.exports = { recorded, replay, expectedTalk, talk, expectedLog, replayUpgrade, essence };
