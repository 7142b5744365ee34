#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// A client is asked at one host and answers at another, to which it went with its upgrade, while that
// host has lost Redis: whoever asked gets the answer when Redis is back.
'use strict';

const { test, deepEqual } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { Host, Rotation } = require('../lib/hosts');
const { Network } = require('../lib/cut');
const { connected, UPGRADE } = require('../lib/client');
const { until } = require('../lib/until');

const PATIENCE = 20000;

let home;
let away;
let cable; // between Redis and the second host
let crossed = 0;

async function begin() {
    if (home) return;
    const redis = await Redis.start();
    cable = await Network.to(redis.port);
    [home, away] = await Promise.all([Host.start({ redis }, 'host F'), Host.start({ redis, through: cable }, 'host G')]);
    await Promise.all([home, away].map((host) => host.becomes('connected')));
}

const total = async (host) => (await host.status()).total;

// A client that was asked at the one host and has gone to the other: what it answers with, and what
// the one who asks gets.
async function asked() {
    const agent = new Rotation([home]);
    const socket = await connected(home, '/', { ...UPGRADE, upgrade: false, agent });
    let answers;
    socket.on('q', (ack) => { answers = ack; });
    const answer = home.publish({ event: 'q', args: [], ack: { timeout: PATIENCE } });
    await until(() => answers, 'it is asked');
    agent.ports = [away.port];
    socket.io.engine._probe('websocket');
    ++crossed;
    await until(async () => (await total(away)).crossed_in === crossed, 'it is at the other host');
    return { socket, answers, answer };
}

async function arrives({ socket, answer }, text) {
    cable.mend();
    const { body } = await answer;
    deepEqual([body.answers, body.missing], [[{ sid: socket.id, args: [text] }], []], `${text}: it arrives when Redis is back`);
    await away.becomes('connected');
    socket.disconnect();
}

test('Redis is away when the client answers', async () => {
    await begin();
    const client = await asked();
    cable.cut();
    await away.becomes('degraded');
    client.answers('away');
    await until(async () => (await total(away)).acks_in === 1, 'the answer is at the other host');
    await arrives(client, 'away');
}, { timeout: 60000 });

test('Redis goes away with the answer', async () => {
    const client = await asked();
    cable.hold();
    client.answers('lost');
    await until(async () => (await total(away)).acks_in === 2, 'the answer is at the other host');
    cable.cut();
    cable.release();
    await away.becomes('degraded');
    await arrives(client, 'lost');
}, { timeout: 60000 });
