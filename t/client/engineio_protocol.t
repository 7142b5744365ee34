#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The 24 cases of the Engine.IO v4 conformance suite, over an echo location.
'use strict';

const assert = require('assert');
const { handshake, heartbeat, close, upgrade } = require('../lib/eio_cases');
const { Polling, open, next, closing, SEPARATOR } = require('../lib/eio');
const { OP } = require('../lib/ws');
const { reference } = require('../lib/target');
const { suite } = require('../lib/suite');

const path = '/engine.io/';

async function echoes(socket) {
    assert.strictEqual(await next(socket.text('4hello')), '4hello');
}

async function pollingEcho(server, payload) {
    const session = await Polling.open(server, { path });
    await session.send(payload);
    const { status, text } = await session.poll();
    assert.deepStrictEqual([status, text], [200, payload]);
}

const message = {
    'message, HTTP long-polling: sends and receives a payload containing one plain text packet': (server) =>
        pollingEcho(server, '4hello'),
    'message, HTTP long-polling: sends and receives a payload containing several plain text packets': (server) =>
        pollingEcho(server, ['4test1', '4test2', '4test3'].join(SEPARATOR)),
    'message, HTTP long-polling: sends and receives a payload containing plain text and binary packets': (server) =>
        pollingEcho(server, ['4hello', 'bAQIDBA=='].join(SEPARATOR)),
    'message, HTTP long-polling: closes the session upon invalid packet format': async (server) => {
        const session = await Polling.open(server, { path });
        const { status } = await session.post('abc');
        assert.ok(status === 400 || reference, `POST: ${status}`);
        assert.strictEqual((await session.poll()).status, 400);
    },
    'message, HTTP long-polling: closes the session upon duplicate poll requests': async (server) => {
        const session = await Polling.open(server, { path });
        const { answer } = await session.hold();
        assert.strictEqual((await session.poll()).status, 400);
        const { status, text } = await answer;
        assert.deepStrictEqual([status, text], [200, '1']);
        assert.strictEqual((await session.poll()).status, 400);
    },
    'message, WebSocket: sends and receives a plain text packet': async (server) => {
        const socket = await open(server, { path });
        await echoes(socket);
        socket.destroy();
    },
    'message, WebSocket: sends and receives a binary packet': async (server) => {
        const socket = await open(server, { path });
        const { opcode, payload } = await socket.binary(Buffer.from([1, 2, 3, 4])).frame();
        assert.deepStrictEqual([opcode, payload], [OP.binary, Buffer.from([1, 2, 3, 4])]);
        socket.destroy();
    },
    'message, WebSocket: closes the session upon invalid packet format': async (server) => {
        const socket = await open(server, { path });
        assert.strictEqual(await closing(socket.text('abc')), 1005);
    },
};

suite('Engine.IO', { ...handshake(path), ...message, ...heartbeat(path), ...close(path), ...upgrade(path, echoes) }, {
    expected: 24,
    server: `
        location /engine.io/ {
            realtime_echo;
            realtime_ping interval=300ms timeout=200ms;
            realtime_max_payload 1000000;
            realtime_cors *;
        }`,
});
