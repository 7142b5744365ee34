// SPDX-License-Identifier: BSD-2-Clause
// Raw HTTP/1.1 over TCP, TLS or a unix socket: sends any bytes, reads what really came.
'use strict';

const net = require('net');
const tls = require('tls');
const { deadline } = require('./until');

// Bytes that arrive, and readers that wait for enough of them.
class Inbox {
    constructor() {
        this.bytes = Buffer.alloc(0);
        this.ended = undefined; // 'fin', 'reset' or another error's code
        this.waiting = [];
    }

    push(bytes) { this.bytes = Buffer.concat([this.bytes, bytes]); this.wake(); }
    end(how) { this.ended = this.ended || how; this.wake(); }
    wake() { for (const check of this.waiting.splice(0)) check(); }

    // Waits until `size()` bytes of ours are there (a negative size means: not yet known).
    take(size, what, ms) {
        const enough = new Promise((resolve, reject) => {
            const check = () => {
                const wanted = size(this.bytes);
                if (wanted >= 0 && wanted <= this.bytes.length) resolve(this.cut(wanted));
                else if (this.ended) reject(this.short(what));
                else this.waiting.push(check);
            };
            check();
        });
        return deadline(enough, what, ms);
    }

    cut(size) {
        const taken = this.bytes.subarray(0, size);
        this.bytes = this.bytes.subarray(size);
        return taken;
    }

    short(what) {
        return new Error(`${what}: the peer closed (${this.ended}) after ${JSON.stringify(this.bytes.toString('latin1').slice(0, 200))}`);
    }

    over(ms) {
        return deadline(new Promise((resolve) => {
            const check = () => (this.ended ? resolve(this.ended) : this.waiting.push(check));
            check();
        }), 'the peer closes', ms);
    }
}

function parseHead(text) {
    const [first, ...lines] = text.split('\r\n');
    const [, status, reason] = first.match(/^HTTP\/1\.[01] (\d{3}) ?(.*)$/) || [undefined, '0', first];
    const headers = {};
    for (const line of lines.filter(Boolean)) {
        const name = line.slice(0, line.indexOf(':')).toLowerCase();
        const value = line.slice(line.indexOf(':') + 1).trim();
        headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
    }
    return { status: Number(status), reason, headers, head: text };
}

class Connection {
    // `target`: {port, host?, localAddress?} or {path}, with `tls: {…}` for TLS; or an Nginx.
    static open(target, ms) {
        const to = target.path ? { path: target.path } : { host: target.host || '127.0.0.1', port: target.port, localAddress: target.localAddress };
        const socket = target.tls ? tls.connect({ ...to, rejectUnauthorized: false, ...target.tls }) : net.connect(to);
        const ready = new Promise((resolve, reject) => {
            socket.once(target.tls ? 'secureConnect' : 'connect', () => resolve(new Connection(socket)));
            socket.once('error', reject);
        });
        return deadline(ready, 'connect', ms);
    }

    constructor(socket) {
        this.socket = socket;
        this.inbox = new Inbox();
        socket.setNoDelay(true);
        socket.on('data', (bytes) => this.inbox.push(bytes));
        socket.on('end', () => this.inbox.end('fin'));
        socket.on('error', (error) => this.inbox.end(error.code === 'ECONNRESET' ? 'reset' : error.code));
        socket.on('close', () => this.inbox.end('fin'));
    }

    send(bytes) { this.socket.write(bytes); return this; }
    close() { this.socket.end(); }
    destroy() { this.socket.destroy(); }
    reset() { this.socket.resetAndDestroy(); }
    pause() { this.socket.pause(); }
    resume() { this.socket.resume(); }

    read(size, ms) { return this.inbox.take(() => size, `${size} bytes`, ms); }

    // Up to and including `mark`.
    readTo(mark, ms) {
        return this.inbox.take((bytes) => {
            const at = bytes.indexOf(mark);
            return at < 0 ? -1 : at + mark.length;
        }, JSON.stringify(mark), ms);
    }

    // 'fin', 'reset' or an error code, once the peer closed.
    closed(ms) { return this.inbox.over(ms); }

    // Sends a request. A body is text or bytes; Content-Length and Host are added unless given.
    request({ method = 'GET', path = '/', headers = {}, body, version = '1.1' } = {}) {
        const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
        const given = Object.keys(headers).map((name) => name.toLowerCase());
        const all = { ...headers };
        if (!given.includes('host')) all.Host = 'localhost';
        if (body !== undefined && !given.includes('content-length') && !given.includes('transfer-encoding'))
            all['Content-Length'] = bytes.length;
        const lines = Object.entries(all).flatMap(([name, value]) => [].concat(value).map((one) => `${name}: ${one}`));
        this.send(Buffer.concat([Buffer.from(`${method} ${path} HTTP/${version}\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]));
        return this;
    }

    // The next response: {status, reason, headers, head, body, text}. `bodyless` for HEAD.
    async response({ ms, bodyless = false } = {}) {
        const head = (await this.readTo('\r\n\r\n', ms)).toString('latin1');
        const answer = parseHead(head.slice(0, -4));
        const none = bodyless || answer.status < 200 || answer.status === 204 || answer.status === 304;
        answer.body = none ? Buffer.alloc(0) : await this.body(answer.headers, ms);
        answer.text = answer.body.toString('utf8');
        return answer;
    }

    async body(headers, ms) {
        if (/chunked/i.test(headers['transfer-encoding'] || '')) return this.chunks(ms);
        if ('content-length' in headers) return this.read(Number(headers['content-length']), ms);
        await this.closed(ms);
        return this.inbox.cut(this.inbox.bytes.length);
    }

    async chunks(ms) {
        const parts = [];
        for (;;) {
            const size = parseInt((await this.readTo('\r\n', ms)).toString('latin1'), 16);
            if (size === 0) break;
            parts.push(await this.read(size, ms));
            await this.read(2, ms);
        }
        while ((await this.readTo('\r\n', ms)).length > 2);
        return Buffer.concat(parts);
    }
}

const connect = (target, ms) => Connection.open(target, ms);

// One request on a connection of its own.
async function http(target, request = {}) {
    const connection = await connect(target, request.ms);
    const bodyless = request.method === 'HEAD';
    try {
        return await connection.request({ ...request, headers: { Connection: 'close', ...request.headers } }).response({ ms: request.ms, bodyless });
    } finally {
        connection.destroy();
    }
}

const get = (target, path, headers) => http(target, { path, headers });
const post = (target, path, body, headers) => http(target, { method: 'POST', path, body, headers });

module.exports = { Connection, connect, http, get, post };
