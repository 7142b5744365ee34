// SPDX-License-Identifier: BSD-2-Clause
// Engine.IO sessions by hand. Every request of a polling session travels on a TCP connection
// of its own, so that the requests of one session spread over all workers.
'use strict';

const assert = require('assert');
const zlib = require('zlib');
const { connect, http } = require('./raw');
const { websocket } = require('./ws');
const { deadline, silence } = require('./until');

const SEPARATOR = '\x1e';

const query = (path, transport, sid) => `${path}?EIO=4&transport=${transport}${sid ? `&sid=${sid}` : ''}`;

// The JSON of an "open" packet.
function opening(packet) {
    assert.strictEqual(packet[0], '0', `not an open packet: ${packet}`);
    return JSON.parse(packet.slice(1));
}

class Polling {
    static async open(server, { path = '/socket.io/', headers = {} } = {}) {
        const response = await http(server, { path: query(path, 'polling'), headers });
        assert.strictEqual(response.status, 200, `handshake: ${response.text}`);
        const session = new Polling(server, path, opening(response.text));
        session.response = response;
        return session;
    }

    constructor(server, path, handshake) {
        Object.assign(this, { server, path, handshake, sid: handshake.sid, queue: [] });
    }

    get url() { return query(this.path, 'polling', this.sid); }

    poll(options = {}) { return http(this.server, { path: this.url, ...options }); }
    post(body, options = {}) { return http(this.server, { method: 'POST', path: this.url, body, ...options }); }

    async send(...packets) {
        const { status, text } = await this.post(packets.join(SEPARATOR));
        assert.deepStrictEqual([status, text], [200, 'ok'], 'the POST is taken');
    }

    // A GET that waits at the server when this resolves: `answer` is the promise of its
    // response. Nothing tells when a server has begun to hold a poll; a moment must do.
    async hold(options) {
        const answer = this.poll(options);
        answer.catch(() => {});
        await silence(50);
        return { answer };
    }

    // A GET whose connection is ours to break.
    async holdConnection() {
        const connection = await connect(this.server);
        connection.request({ path: this.url });
        await silence(50);
        return connection;
    }

    // The next packet but pings, which are answered.
    async packet() {
        for (;;) {
            while (this.queue.length === 0) {
                const { status, text } = await this.poll();
                assert.strictEqual(status, 200, `poll: ${status} ${text}`);
                this.queue = text.split(SEPARATOR);
            }
            const next = this.queue.shift();
            if (next !== '2') return next;
            await this.send('3');
        }
    }

    socket(options) { return websocket(this.server, query(this.path, 'websocket', this.sid), options); }

    // Moves the session to a WebSocket; resolves with it.
    async upgrade() {
        const socket = await this.socket();
        assert.ok(socket.accepted, `upgrade: ${socket.response.head}`);
        socket.text('2probe');
        assert.strictEqual(await socket.message(), '3probe');
        return socket.text('5');
    }
}

// A WebSocket session; `handshake` is its open packet.
async function open(server, { path = '/socket.io/', headers = {} } = {}) {
    const socket = await websocket(server, query(path, 'websocket'), { headers });
    assert.ok(socket.accepted, `handshake: ${socket.response.head} ${socket.response.text}`);
    socket.handshake = opening(data(await socket.frame()).toString());
    return socket;
}

// What a frame carries, inflated if it is compressed (without context takeover).
function data({ rsv, payload }) {
    if ((rsv & 4) === 0) return payload;
    return zlib.inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
}

// The next message but pings, which are answered. Binary ones are Buffers.
async function next(socket, ms) {
    for (;;) {
        const frame = await socket.frame(ms);
        if (frame.opcode === 2) return data(frame);
        assert.strictEqual(frame.opcode, 1, `a message, not opcode ${frame.opcode} ${frame.payload.toString('hex')}`);
        const text = data(frame).toString();
        if (text !== '2') return text;
        socket.text('3');
    }
}

// The code with which the server closes (1005: none given), pings answered and the TCP
// connection closed after it. Other messages before that are an error.
async function closing(socket, ms) {
    const waiting = (async () => {
        for (;;) {
            const { opcode, payload, text } = await socket.frame(ms);
            if (opcode === 8) return payload.length < 2 ? 1005 : payload.readUInt16BE();
            assert.strictEqual(text, '2', 'nothing but pings before the close');
            socket.text('3');
        }
    })();
    const code = await deadline(waiting, 'a close frame', ms);
    socket.close(code === 1005 ? undefined : code);
    await socket.closed(ms);
    return code;
}

module.exports = { Polling, open, next, closing, query, opening, SEPARATOR };
