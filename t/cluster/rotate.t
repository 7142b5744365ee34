#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// No stickiness at all: every request of a polling session goes to the next of two hosts, to any
// of their workers, and the upgrade lands anywhere. 200 numbered events with acks each way: no
// request refused, nothing lost, doubled or reordered.
'use strict';

const { test, is, ok, deepEqual } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { NodeServer } = require('../lib/node_server');
const { startHosts, requestsOf, Rotation } = require('../lib/hosts');
const { connected, POLLING, WEBSOCKET, UPGRADE } = require('../lib/client');
const { until } = require('../lib/until');

const COUNT = process.env.RT_SOAK ? 2000 : 200;
const WIDTH = 8;
const numbers = Array.from({ length: COUNT }, (unused, i) => i);

let node;
let hosts;

async function begin() {
    if (hosts) return;
    const redis = await Redis.start();
    const location = 'realtime_ping interval=500ms timeout=10s;';
    [hosts, node] = await Promise.all([startHosts({ redis, workers: 3, location }), NodeServer.start({ redis, library: 'ioredis' })]);
}

// Numbered events from the client, at most WIDTH of them unanswered; `at(i)` is told before each.
async function upwards(socket, at) {
    const answers = [];
    const open = new Set();
    for (const i of numbers) {
        at(i);
        const answer = socket.timeout(20000).emitWithAck('up', i, i % 7 ? 'text' : Buffer.from([i & 255]));
        open.add(answer);
        answer.then((got) => answers.push(got)).finally(() => open.delete(answer));
        while (open.size >= WIDTH) await Promise.race(open);
    }
    await Promise.all(open);
    return answers;
}

// The same from Node to the client.
const downwards = (id) => node.run(async (io, who, count, width) => {
    const answers = [];
    const open = new Set();
    for (let i = 0; i < count; ++i) {
        const answer = io.to(who).timeout(20000).emitWithAck('down', i, i % 7 ? 'text' : Buffer.from([i & 255]));
        open.add(answer);
        answer.then(([got]) => answers.push(got)).finally(() => open.delete(answer));
        while (open.size >= width) await Promise.race(open);
    }
    await Promise.all(open);
    return answers;
}, id, COUNT, WIDTH);

function rotates(name, options, disturb = () => () => {}) {
    const label = (text) => `${name}: ${text}`;
    test(label('000-56, 001-34, 002-81: numbered events both ways'), async () => {
        await begin();
        const socket = await connected(hosts[0], '/', { ...options, agent: new Rotation(hosts) });
        const listener = await connected(node, '/', WEBSOCKET);
        const heard = { up: [], down: [] };
        const losses = [];
        listener.on('up', (i) => heard.up.push(i));
        socket.on('down', (i, data, ack) => { heard.down.push(i); ack(i); });
        socket.on('disconnect', (reason) => losses.push(reason));
        const { id } = socket;
        const sid = socket.io.engine.id;
        const acks = await Promise.all([upwards(socket, disturb(socket)), downwards(id)]);
        deepEqual(acks[0], numbers, label('every ack to the client, in order'));
        if (!/middle/.test(name)) deepEqual(acks[1], numbers, label('every ack to Node, in order'));
        await until(() => heard.up.length >= COUNT, label('Node hears all'));
        deepEqual([heard.up, heard.down], [numbers, numbers], label('each event once, in order'));
        deepEqual([losses, socket.id], [[], id], label('never disconnected'));
        const answers = hosts.map((host) => requestsOf(host, sid));
        deepEqual(answers.flat().filter(({ status }) => status !== 200 && status !== 101), [], label('no request refused'));
        if (options !== WEBSOCKET) ok(answers.every((list) => list.length > 0), label(`both hosts were asked: ${answers.map((list) => list.length)}`));
        if (options === POLLING) for (const list of answers) ok(new Set(list.map(({ worker }) => worker)).size > 1, label('and several workers of each'));
        if (options.transports.length > 1) is(socket.io.engine.transport.name, 'websocket', label('it did upgrade'));
        socket.disconnect();
        listener.disconnect();
    }, { timeout: 60000 });
}

const CALLS = 2; // more of the same, for the upgrade meets either host
rotates('polling only', POLLING);
rotates('polling and upgrade', UPGRADE);
for (let i = 1; i <= CALLS; ++i) {
    // The client would upgrade at once: it is held back, then told to when traffic flows.
    rotates(`upgrade in the middle ${i}`, { ...UPGRADE, upgrade: false }, ({ io }) => (n) => {
        if (n === Math.floor(COUNT / 4) + i) io.engine._probe('websocket');
    });
}
