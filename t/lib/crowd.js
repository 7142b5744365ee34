// SPDX-License-Identifier: BSD-2-Clause
// Light Socket.IO clients by the hundred, on WebSocket or polling. Each joins "/", whose rule
// tells it its worker (HELLO), and notes every further event as it came.
'use strict';

const net = require('net');
const tls = require('tls');

const tap = require('./tap');
const { connect, get } = require('./raw');
const { query, opening, SEPARATOR } = require('./eio');
const { frame, closePayload, OP } = require('./ws');
const { until } = require('./until');

// $pid is of the handshake: the process that is the session's home until it moves.
const HELLO = `connect { emit hello 'data={"worker":$realtime_worker,"pid":$pid}'; }`;
const PATIENCE = 20000 * tap.SLOW;
const key = Buffer.alloc(4);

const UPGRADE = ['Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', '', ''].join('\r\n');

// What all have in common. `over` says how it ended, other than by leave().
class Member {
    constructor(server) {
        Object.assign(this, { server, heard: [], over: undefined, left: false, sid: undefined, worker: undefined, pid: undefined });
        this.joined = new Promise((resolve) => { this.greeted = resolve; });
    }

    hear(packet) {
        if (packet.startsWith('42["hello"')) this.greet(JSON.parse(packet.slice(2))[1]);
        else if (packet.startsWith('42')) this.heard.push(packet.slice(2));
        else if (packet[0] === '0') this.begin(opening(packet).sid);
        else if (packet[0] === '2') this.send('3');
        else if (packet[0] === '1') this.end('close packet');
    }

    begin(sid) {
        this.sid = sid;
        this.send('40');
    }

    greet(home) {
        Object.assign(this, home);
        this.greeted();
    }

    emit(...event) { this.send(`42${JSON.stringify(event)}`); }

    end(how) {
        if (!this.left && this.over === undefined) this.over = how;
        this.greeted();
    }
}

class SocketMember extends Member {
    start(sid) {
        const { port, secure } = this.server;
        const socket = secure ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }) : net.connect(port, '127.0.0.1');
        Object.assign(this, { socket, bytes: Buffer.alloc(0), open: false });
        socket.setNoDelay(true);
        socket.write(`GET ${query('/socket.io/', 'websocket', sid)} HTTP/1.1\r\n${UPGRADE}`);
        socket.on('data', (bytes) => this.read(bytes));
        socket.on('error', (error) => this.end(error.code));
        socket.on('close', () => this.end('connection lost'));
        return this;
    }

    read(bytes) {
        this.bytes = this.bytes.length ? Buffer.concat([this.bytes, bytes]) : bytes;
        if (!this.open && !this.head()) return;
        for (let size = this.size(); size > 0 && this.bytes.length >= size; size = this.size()) {
            const whole = this.bytes.subarray(0, size);
            this.bytes = this.bytes.subarray(size);
            this.frame(whole[0] & 15, whole.subarray(whole[1] < 126 ? 2 : 4));
        }
    }

    head() {
        const end = this.bytes.indexOf('\r\n\r\n');
        if (end < 0) return false;
        const first = this.bytes.toString('latin1', 0, this.bytes.indexOf('\r\n'));
        this.bytes = this.bytes.subarray(end + 4);
        this.open = first.startsWith('HTTP/1.1 101');
        if (!this.open) this.end(first);
        return this.open;
    }

    // Of the next frame, up to 64 kB; 0 while its head is not there.
    size() {
        if (this.bytes.length < 2) return 0;
        if (this.bytes[1] < 126) return 2 + this.bytes[1];
        return this.bytes.length < 4 ? 0 : 4 + this.bytes.readUInt16BE(2);
    }

    frame(opcode, payload) {
        if (opcode === OP.text) this.hear(payload.toString());
        else if (opcode === OP.close) this.closed(payload.length < 2 ? 1005 : payload.readUInt16BE());
    }

    closed(code) {
        this.end(code);
        this.socket.end(frame(OP.close, closePayload(code), { key }));
    }

    send(packet) { this.socket.write(frame(OP.text, packet, { key })); }

    leave() {
        this.left = true;
        this.socket.destroy();
    }
}

// Every request travels on a connection of its own, so at any worker. `pausing` asks it to poll
// no more, `paused` says that it does not.
class PollingMember extends Member {
    start() {
        this.sent = Promise.resolve();
        this.poll();
        return this;
    }

    async request(options) {
        const connection = await connect(this.server, PATIENCE);
        try {
            const path = query('/socket.io/', 'polling', this.sid);
            return await connection.request({ path, headers: { Connection: 'close' }, ...options }).response({ ms: 3 * PATIENCE });
        } finally {
            connection.destroy();
        }
    }

    async poll() {
        try {
            while (!this.left && !this.pausing && this.over === undefined) this.answer(await this.request({}));
            this.paused = true;
        } catch (error) {
            this.end(error.message);
        }
    }

    answer({ status, text }) {
        if (status === 200) text.split(SEPARATOR).forEach((packet) => this.hear(packet));
        else this.end(`${status} ${text}`);
    }

    // One after another: two POSTs at once end a session.
    send(packet) {
        this.sent = this.sent.then(() => this.request({ method: 'POST', body: packet })).then(({ status, text }) => {
            if (status !== 200) this.end(`POST: ${status} ${text}`);
        }).catch((error) => this.end(`POST: ${error.message}`));
    }

    // Says so: a client that breaks off between two polls is missed at its ping timeout only.
    leave() {
        if (!this.left && this.sid) this.send('1');
        this.left = true;
    }
}

const KINDS = { websocket: SocketMember, polling: PollingMember };

// `n` members that have joined, at most `width` of them coming at any time. Whoever did not
// get in has `over` set.
async function gather(server, n, { kind = 'websocket', width = 50 } = {}) {
    const members = [];
    const come = async () => {
        while (members.length < n) {
            const member = new KINDS[kind](server).start();
            members.push(member);
            await member.joined;
        }
    };
    await Promise.all(Array.from({ length: Math.min(width, n) }, come));
    tap.after(() => leave(members));
    return members;
}

function leave(members) {
    for (const member of members) member.leave();
}

// Why members ended that should not have, each reason once.
const losses = (members) => [...new Set(members.map(({ over }) => over).filter((over) => over !== undefined))];

const heardBy = (members, count) => until(() => members.every(({ heard }) => heard.length >= count),
    `${members.length} clients hear ${count} events`, PATIENCE);

const status = async (server) => JSON.parse((await get(server, '/status?format=json')).text);

module.exports = { gather, leave, losses, heardBy, status, HELLO, SocketMember, PollingMember, PATIENCE };
