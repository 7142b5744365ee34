// SPDX-License-Identifier: BSD-2-Clause
// A bare Redis client (RESP2) for tests: any command, any bytes, and what is pushed. It never
// reconnects and hides nothing.
'use strict';

const net = require('net');
const tls = require('tls');
const { EventEmitter } = require('events');

const { deadline } = require('./until');

const PUSHED = new Set(['message', 'pmessage', 'smessage']);
const MANY = new Set(['SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE', 'UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE']);

class RedisError extends Error {}

// The reply that begins at `at`: {value, end}, or undefined while it is not whole.
function parse(bytes, at = 0) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const text = bytes.toString('utf8', at + 1, line);
    const end = line + 2;
    switch (bytes[at]) {
        case 43: return { value: text, end }; // +
        case 45: return { value: new RedisError(text), end }; // -
        case 58: return { value: Number(text), end }; // :
        case 36: return bulk(bytes, end, Number(text)); // $
        default: return list(bytes, end, Number(text)); // *
    }
}

function bulk(bytes, at, length) {
    if (length < 0) return { value: null, end: at };
    if (bytes.length < at + length + 2) return undefined;
    return { value: bytes.subarray(at, at + length), end: at + length + 2 };
}

function list(bytes, at, length) {
    if (length < 0) return { value: null, end: at };
    const value = [];
    let end = at;
    for (let i = 0; i < length; ++i) {
        const item = parse(bytes, end);
        if (!item) return undefined;
        value.push(item.value);
        ({ end } = item);
    }
    return { value, end };
}

// A command as Redis reads it; arguments are text, numbers or bytes.
function format(args) {
    const parts = args.map((arg) => (Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg))));
    return Buffer.concat([Buffer.from(`*${parts.length}\r\n`),
        ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')])]);
}

function decoded(value) {
    if (Buffer.isBuffer(value)) return value.toString();
    return Array.isArray(value) ? value.map(decoded) : value;
}

// Emits 'message' {channel, payload, pattern}, 'push' for what nobody asked for (MONITOR), 'close'.
class RespClient extends EventEmitter {
    // `target`: {port, host} or {path}, with `tls: {…}` for TLS, `user` and `password` to log in.
    static async open(target) {
        const { port, host = '127.0.0.1', path, user, password } = target;
        const to = path ? { path } : { port, host };
        const socket = target.tls ? tls.connect({ ...to, ...target.tls }) : net.connect(to);
        const client = new RespClient(socket);
        await deadline(new Promise((resolve, reject) => {
            socket.once(target.tls ? 'secureConnect' : 'connect', resolve);
            socket.once('error', reject);
        }), 'connect to Redis');
        if (password) await client.command('AUTH', ...(user ? [user, password] : [password]));
        return client;
    }

    constructor(socket) {
        super();
        Object.assign(this, { socket, bytes: Buffer.alloc(0), waiting: [] });
        socket.setNoDelay(true);
        socket.on('data', (bytes) => this.read(bytes));
        socket.on('error', () => {});
        socket.on('close', () => this.end());
    }

    read(bytes) {
        this.bytes = this.bytes.length ? Buffer.concat([this.bytes, bytes]) : bytes;
        let at = 0;
        for (let next = this.next(at); next; next = this.next(at)) {
            at = next.end;
            this.take(next.value);
        }
        this.bytes = this.bytes.subarray(at);
    }

    next(at) { return at < this.bytes.length ? parse(this.bytes, at) : undefined; }

    take(value) {
        const kind = Array.isArray(value) && Buffer.isBuffer(value[0]) ? value[0].toString() : '';
        if (PUSHED.has(kind)) this.emit('message', { pattern: kind[0] === 'p' ? String(value[1]) : undefined, channel: String(value[value.length - 2]), payload: value[value.length - 1] });
        else if (this.waiting.length === 0) this.emit('push', decoded(value));
        else this.answer(value);
    }

    answer(value) {
        const first = this.waiting[0];
        first.replies.push(value);
        if (first.replies.length < first.count) return;
        this.waiting.shift();
        if (value instanceof RedisError) first.reject(value);
        else first.resolve(first.count === 1 ? value : first.replies);
    }

    end() {
        for (const { reject } of this.waiting.splice(0)) reject(new Error('Redis closed the connection'));
        this.emit('close');
    }

    // The reply with bytes where Redis has bytes. A SUBSCRIBE is answered channel by channel.
    raw(...args) {
        const count = MANY.has(String(args[0]).toUpperCase()) ? Math.max(1, args.length - 1) : 1;
        const answered = new Promise((resolve, reject) => this.waiting.push({ resolve, reject, count, replies: [] }));
        this.socket.write(format(args));
        return deadline(answered, `Redis answers ${args[0]}`);
    }

    // The same as text; rejects with Redis's error.
    command(...args) { return this.raw(...args).then(decoded); }

    close() { this.socket.destroy(); }
}

module.exports = { RespClient, RedisError, format, parse, decoded };
