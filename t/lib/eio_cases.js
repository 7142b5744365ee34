// SPDX-License-Identifier: BSD-2-Clause
// The cases that the Engine.IO and the Socket.IO conformance suites share, written by their
// names: handshake, heartbeat, close, upgrade. Timings are the suites' (300 and 200 ms).
'use strict';

const assert = require('assert');
const { http } = require('./raw');
const { websocket } = require('./ws');
const { Polling, open, opening, query } = require('./eio');
const { silence } = require('./until');
const { reference } = require('./target');

const PING_INTERVAL = 300;
const PING_TIMEOUT = 200;

function checkOpening(handshake, upgrades) {
    assert.deepStrictEqual(Object.keys(handshake), ['sid', 'upgrades', 'pingInterval', 'pingTimeout', 'maxPayload']);
    assert.strictEqual(typeof handshake.sid, 'string');
    assert.deepStrictEqual(handshake.upgrades, upgrades);
    assert.strictEqual(handshake.pingInterval, PING_INTERVAL);
    assert.strictEqual(handshake.pingTimeout, PING_TIMEOUT);
    assert.strictEqual(handshake.maxPayload, 1000000);
}

async function checkStatus(server, status, ...requests) {
    for (const request of requests) assert.strictEqual((await http(server, request)).status, status, JSON.stringify(request));
}

// The reference answers a bad EIO only after the 101, and then closes.
async function checkRefused(server, ...paths) {
    for (const path of paths) {
        const socket = await websocket(server, path);
        assert.ok(reference || socket.response.status === 400, `${path}: ${socket.response.status}`);
        await socket.closed();
    }
}

const handshake = (path) => ({
    'handshake, HTTP long-polling: successfully opens a session': async (server) => {
        const { status, text } = await http(server, { path: query(path, 'polling') });
        assert.strictEqual(status, 200);
        checkOpening(opening(text), ['websocket']);
    },
    "handshake, HTTP long-polling: fails with an invalid 'EIO' query parameter": (server) => checkStatus(server, 400,
        { path: `${path}?transport=polling` }, { path: `${path}?EIO=abc&transport=polling` }),
    "handshake, HTTP long-polling: fails with an invalid 'transport' query parameter": (server) => checkStatus(server, 400,
        { path: `${path}?EIO=4` }, { path: `${path}?EIO=4&transport=abc` }),
    'handshake, HTTP long-polling: fails with an invalid request method': (server) => checkStatus(server, 400,
        { path: query(path, 'polling'), method: 'POST', body: '' }, { path: query(path, 'polling'), method: 'PUT', body: '' }),
    'handshake, WebSocket: successfully opens a session': async (server) => {
        const socket = await open(server, { path });
        checkOpening(socket.handshake, []);
        socket.destroy();
    },
    "handshake, WebSocket: fails with an invalid 'EIO' query parameter": (server) => checkRefused(server,
        `${path}?transport=websocket`, `${path}?EIO=abc&transport=websocket`),
    "handshake, WebSocket: fails with an invalid 'transport' query parameter": (server) => checkRefused(server,
        `${path}?EIO=4`, `${path}?EIO=4&transport=abc`),
});

const heartbeat = (path) => ({
    'heartbeat, HTTP long-polling: sends ping/pong packets': async (server) => {
        const session = await Polling.open(server, { path });
        for (let round = 0; round < 3; ++round) {
            const { status, text } = await session.poll();
            assert.deepStrictEqual([status, text], [200, '2']);
            await session.send('3');
        }
    },
    'heartbeat, HTTP long-polling: closes the session upon ping timeout': async (server) => {
        const session = await Polling.open(server, { path });
        await silence(PING_INTERVAL + PING_TIMEOUT + (reference ? 30 : 0)); // Node's timers add up
        assert.strictEqual((await session.poll()).status, 400);
    },
    'heartbeat, WebSocket: sends ping/pong packets': async (server) => {
        const socket = await open(server, { path });
        for (let round = 0; round < 3; ++round) {
            assert.strictEqual(await socket.message(), '2');
            socket.text('3');
        }
        socket.destroy();
    },
    'heartbeat, WebSocket: closes the session upon ping timeout': async (server) => {
        const socket = await open(server, { path });
        assert.strictEqual(await socket.message(), '2');
        assert.strictEqual(await socket.closeCode(), 1005);
        await socket.close().closed();
    },
});

const close = (path) => ({
    'close, HTTP long-polling: forcefully closes the session': async (server) => {
        const session = await Polling.open(server, { path });
        const { answer } = await session.hold();
        await session.send('1');
        const { status, text } = await answer;
        assert.deepStrictEqual([status, text], [200, '6']);
        assert.strictEqual((await session.poll()).status, 400);
    },
    'close, WebSocket: forcefully closes the session': async (server) => {
        const socket = await open(server, { path });
        socket.text('1');
        await socket.closeCode();
        await socket.close().closed();
    },
});

// `alive(socket)` shows that the upgraded session works.
const upgrade = (path, alive) => ({
    'upgrade: successfully upgrades from HTTP long-polling to WebSocket': async (server) => {
        const session = await Polling.open(server, { path });
        const socket = await session.socket();
        socket.text('2probe');
        assert.strictEqual(await socket.message(), '3probe');
        const { status, text } = await session.poll();
        assert.deepStrictEqual([status, text], [200, '6']);
        await alive(socket.text('5'));
        socket.destroy();
    },
    'upgrade: ignores HTTP requests with same sid after upgrade': async (server) => {
        const session = await Polling.open(server, { path });
        const socket = await session.upgrade();
        await alive(socket);
        assert.strictEqual((await session.poll()).status, 400);
        assert.strictEqual((await session.post('4hello')).status, 400);
        socket.destroy();
    },
    'upgrade: ignores WebSocket connection with same sid after upgrade': async (server) => {
        const session = await Polling.open(server, { path });
        const socket = (await session.socket()).text('2probe').text('5'); // back to back
        assert.strictEqual(await socket.message(), '3probe');
        const second = await session.socket();
        if (second.accepted) await second.closeCode();
        await second.close().closed();
        await alive(socket);
        socket.destroy();
    },
});

module.exports = { handshake, heartbeat, close, upgrade, PING_INTERVAL, PING_TIMEOUT };
