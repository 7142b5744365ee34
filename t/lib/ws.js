// SPDX-License-Identifier: BSD-2-Clause
// A raw WebSocket client (RFC 6455): every bit of a frame can be set, and nothing is answered
// by itself, neither pings nor closes.
'use strict';

const crypto = require('crypto');
const { connect } = require('./raw');

const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const acceptKey = (key) => crypto.createHash('sha1').update(key + GUID).digest('base64');

// The length field of RFC 6455 5.2; `width` forces one of 7, 16 or 64 bits.
function lengthField(length, width) {
    const bits = width || (length < 126 ? 7 : length < 65536 ? 16 : 64);
    if (bits === 7) return { code: length, more: Buffer.alloc(0) };
    const more = Buffer.alloc(bits / 8);
    if (bits === 16) more.writeUInt16BE(length);
    else more.writeBigUInt64BE(BigInt(length));
    return { code: bits === 16 ? 126 : 127, more };
}

function masked(payload, key) {
    const out = Buffer.from(payload);
    for (let i = 0; i < out.length; ++i) out[i] ^= key[i & 3];
    return out;
}

// A client's frame. `length` lies about the payload's size; `mask: false` breaks the protocol.
function frame(opcode, payload = '', { fin = true, rsv = 0, mask = true, key, length, width } = {}) {
    const body = Buffer.from(payload);
    const { code, more } = lengthField(length === undefined ? body.length : length, width);
    const head = Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode, (mask ? 0x80 : 0) | code]);
    if (!mask) return Buffer.concat([head, more, body]);
    const secret = key || crypto.randomBytes(4);
    return Buffer.concat([head, more, secret, masked(body, secret)]);
}

function closePayload(code, reason = '') {
    const head = Buffer.alloc(2);
    head.writeUInt16BE(code);
    return Buffer.concat([head, Buffer.from(reason)]);
}

class WebSocket {
    constructor(connection, response) {
        this.connection = connection;
        this.response = response;
    }

    send(opcode, payload, options) { this.connection.send(frame(opcode, payload, options)); return this; }
    text(payload, options) { return this.send(OP.text, payload, options); }
    binary(payload, options) { return this.send(OP.binary, payload, options); }
    close(code, reason) { return this.send(OP.close, code === undefined ? '' : closePayload(code, reason)); }
    sendRaw(bytes) { this.connection.send(bytes); return this; }
    destroy() { this.connection.destroy(); }
    closed(ms) { return this.connection.closed(ms); }

    // The next frame as it came: {fin, rsv, opcode, masked, payload, text}.
    async frame(ms) {
        const [first, second] = await this.connection.read(2, ms);
        const payload = await this.connection.read(await this.length(second & 0x7f, ms), ms);
        return { fin: (first & 0x80) !== 0, rsv: (first >> 4) & 7, opcode: first & 15, masked: (second & 0x80) !== 0,
            payload, text: payload.toString('utf8') };
    }

    async length(code, ms) {
        if (code === 126) return (await this.connection.read(2, ms)).readUInt16BE();
        if (code === 127) return Number((await this.connection.read(8, ms)).readBigUInt64BE());
        return code;
    }

    // The text of the next frame, which must be one unfragmented text frame.
    async message(ms) {
        const got = await this.frame(ms);
        if (got.opcode !== OP.text || !got.fin) throw new Error(`not a text message: opcode ${got.opcode}, ${got.text}`);
        return got.text;
    }

    // The close code (1005 for none), after which the peer must close the connection.
    async closeCode(ms) {
        for (;;) {
            const got = await this.frame(ms);
            if (got.opcode === OP.close) return got.payload.length < 2 ? 1005 : got.payload.readUInt16BE();
        }
    }
}

// Performs the handshake on an open connection or a target. The response is kept in
// `response` whatever it is; `accepted` says whether it is a valid 101.
async function websocket(target, path, { headers = {}, ms, early } = {}) {
    const connection = typeof target.request === 'function' ? target : await connect(target, ms);
    const key = crypto.randomBytes(16).toString('base64');
    connection.request({ path, headers: { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key, ...headers } });
    if (early) connection.send(early); // frames right behind the request
    const socket = new WebSocket(connection, await connection.response({ ms }));
    socket.accepted = socket.response.status === 101 && socket.response.headers['sec-websocket-accept'] === acceptKey(key);
    return socket;
}

module.exports = { websocket, WebSocket, frame, closePayload, acceptKey, OP };
