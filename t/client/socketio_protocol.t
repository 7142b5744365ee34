#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The 32 cases of the Socket.IO v5 conformance suite, its server written as rules.
'use strict';

const assert = require('assert');
const { handshake, heartbeat, close, upgrade } = require('../lib/eio_cases');
const { open, next, closing } = require('../lib/eio');
const { suite } = require('../lib/suite');

const path = '/socket.io/';

// Reads the CONNECT answer, which must hold a sid and nothing else, and the "auth" event.
async function connects(socket, packet, prefix, event) {
    const answer = await next(socket.text(packet));
    assert.ok(answer.startsWith(prefix), `${packet}: ${answer}`);
    const { sid, ...rest } = JSON.parse(answer.slice(prefix.length));
    assert.deepStrictEqual([typeof sid, rest], ['string', {}]);
    assert.strictEqual(await next(socket), event);
}

async function opened(server, packet = '40', prefix = '40', event = '42["auth",{}]') {
    const socket = await open(server, { path });
    await connects(socket, packet, prefix, event);
    return socket;
}

async function connecting(server, ...expected) {
    (await opened(server, ...expected)).destroy();
}

// Sends the packets, expects the answers: text or bytes, in this order.
async function exchange(server, packets, answers) {
    const socket = await opened(server);
    for (const packet of packets) socket[typeof packet === 'string' ? 'text' : 'binary'](packet);
    for (const answer of answers) assert.deepStrictEqual(await next(socket), answer);
    socket.destroy();
}

async function closesUpon(server, packet) {
    assert.strictEqual(await closing((await opened(server)).text(packet)), 1005);
}

const connect = {
    'connect: should allow connection to the main namespace': (server) => connecting(server),
    'connect: should allow connection to the main namespace with a payload': (server) =>
        connecting(server, '40{"token":"123"}', '40', '42["auth",{"token":"123"}]'),
    'connect: should allow connection to a custom namespace': (server) =>
        connecting(server, '40/custom,', '40/custom,', '42/custom,["auth",{}]'),
    'connect: should allow connection to a custom namespace with a payload': (server) =>
        connecting(server, '40/custom,{"token":"abc"}', '40/custom,', '42/custom,["auth",{"token":"abc"}]'),
    'connect: should disallow connection to an unknown namespace': async (server) => {
        const socket = await open(server, { path });
        assert.strictEqual(await next(socket.text('40/random')), '44/random,{"message":"Invalid namespace"}');
        socket.destroy();
    },
    'connect: should disallow connection with an invalid handshake': async (server) => {
        const socket = await open(server, { path });
        assert.strictEqual(await closing(socket.text('4abc')), 1005);
    },
    'connect: should close the connection if no handshake is received': async (server) => {
        const socket = await open(server, { path });
        assert.strictEqual(await closing(socket), 1005); // pings are answered: this is the connect timeout
    },
};

const disconnect = {
    'disconnect: should disconnect from the main namespace': async (server) => {
        const socket = (await opened(server)).text('41');
        assert.strictEqual(await socket.message(), '2');
        socket.destroy();
    },
    'disconnect: should connect then disconnect from a custom namespace': async (server) => {
        const socket = await opened(server);
        await connects(socket, '40/custom', '40/custom,', '42/custom,["auth",{}]');
        socket.text('41/custom').text('42["message","message to main namespace"]');
        assert.strictEqual(await next(socket), '42["message-back","message to main namespace"]');
        socket.destroy();
    },
};

const PLACES = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
const BUFFERS = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];

const message = {
    'message: should send a plain-text packet': (server) => exchange(server,
        ['42["message",1,"2",{"3":[true]}]'], ['42["message-back",1,"2",{"3":[true]}]']),
    'message: should send a packet with binary attachments': (server) => exchange(server,
        [`452-["message",${PLACES}]`, ...BUFFERS], [`452-["message-back",${PLACES}]`, ...BUFFERS]),
    'message: should send a plain-text packet with an ack': (server) => exchange(server,
        ['42456["message-with-ack",1,"2",{"3":[false]}]'], ['43456[1,"2",{"3":[false]}]']),
    'message: should send a packet with binary attachments and an ack': (server) => exchange(server,
        [`452-789["message-with-ack",${PLACES}]`, ...BUFFERS], [`462-789[${PLACES}]`, ...BUFFERS]),
    'message: should close the connection upon invalid format (unknown packet type)': (server) =>
        closesUpon(server, '4abc'),
    'message: should close the connection upon invalid format (invalid payload format)': (server) =>
        closesUpon(server, '42{}'),
    'message: should close the connection upon invalid format (invalid ack id)': (server) =>
        closesUpon(server, '42abc["message-with-ack",1,"2",{"3":[false]}]'),
};

async function answersConnect(socket) {
    await connects(socket, '40', '40', '42["auth",{}]');
}

const engine = { ...handshake(path), ...heartbeat(path), ...close(path), ...upgrade(path, answersConnect) };

suite('Socket.IO', { ...engine, ...connect, ...disconnect, ...message }, {
    expected: 32,
    http: `
        realtime_app suite {
            zone suite:8m;
            namespace / {
                connect { emit auth data=$realtime_auth; }
                on message { emit message-back data=$realtime_args; }
                on message-with-ack { ack $realtime_args; }
            }
            namespace /custom {
                connect { emit auth data=$realtime_auth; }
            }
        }`,
    server: `
        location /socket.io/ {
            realtime suite;
            realtime_ping interval=300ms timeout=200ms;
            realtime_connect_timeout 1s;
        }`,
});
