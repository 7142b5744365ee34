#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What a host of several workers answers to Node: at once, also where most workers have no clients,
// or one of them hangs; and what clients do not answer is not kept.
'use strict';

const { test, is, ok, deepEqual, patience, SLOW } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { startHosts } = require('../lib/hosts');
const { NodeServer } = require('../lib/node_server');
const { until } = require('../lib/until');

const TIMES = 50;
const QUICK = 100 * SLOW;
const TRIES = 10; // of a question: a busy machine is slow now and then, a host that waits always is
const MOST_ACKS = 3;

let node;
let host;
let clients;

patience(60);

// Clients of one worker: the others have none.
async function gathered() {
    const first = await host.client();
    const all = [first];
    while (all.length < 3) {
        const next = await host.client();
        if (next.worker === first.worker) all.push(next);
        else next.disconnect();
    }
    return all;
}

// Asks so many times, each until it is quick; resolves with what was wrong, and with those that never
// were.
async function fetches(times) {
    const ids = clients.map(({ id }) => id).sort().join();
    const wrong = [];
    const slow = [];
    for (let i = 0; i < times; ++i) {
        const took = [];
        do {
            const began = Date.now();
            const found = await node.run(async (io) => (await io.fetchSockets()).map(({ id }) => id)).catch((error) => [error.message]);
            took.push(Date.now() - began);
            if (found.sort().join() !== ids) wrong.push(`question ${i}: ${found}`);
        } while (Math.min(...took) >= QUICK && took.length < TRIES);
        if (Math.min(...took) >= QUICK) slow.push(took);
    }
    return { wrong, slow };
}

test('interop 10: four workers, three of them without clients', async () => {
    const redis = await Redis.start();
    [[host], node] = await Promise.all([startHosts({ n: 1, redis, workers: 4, location: `realtime_limits acks=${MOST_ACKS};` }), NodeServer.start({ redis, requestsTimeout: 10000 })]);
    clients = await gathered();
    await until(async () => await redis.subscribers('socket.io-request#/#') === 2, 'two servers');
    await until(async () => (await fetches(1)).wrong.length === 0, 'nobody else is left');
    const { wrong, slow } = await fetches(TIMES);
    deepEqual(wrong, [], `${TIMES} times each socket once`);
    deepEqual(slow, [], `within ${QUICK} ms each`);
    const idle = (await host.status()).cluster.holder;
    const hangs = host.nginx.workers().find((pid) => pid !== clients[0].pid && pid !== idle);
    process.kill(hangs, 'SIGSTOP');
    const beside = await fetches(TIMES).finally(() => process.kill(hangs, 'SIGCONT'));
    deepEqual([beside.wrong, beside.slow], [[], []], 'nor is anybody missing, or it slower, while a worker hangs');
});

// A client may owe so many acks and no more: one that owed all of them could not be asked again.
test('interop 14: what was not answered is forgotten', async () => {
    const [mute, ...others] = clients;
    const late = [];
    for (const each of others) each.on('q', (ack) => ack(each.id));
    mute.on('q', (ack) => late.push(ack));
    const ask = (timeout) => node.run((io, ms) => io.timeout(ms).emitWithAck('q').catch((error) => [error.message, ...error.responses]), timeout);
    for (let i = 0; i < 2 * MOST_ACKS; ++i) {
        const [error, ...answers] = await ask(200);
        is(error, 'operation has timed out', `question ${i}: the asker is told`);
        ok(!answers.includes(mute.id), 'and has no answer of the one that gave none');
    }
    await until(() => late.length === 2 * MOST_ACKS, 'each was asked with an ack');
    late.forEach((ack) => ack('late'));
    mute.off('q');
    mute.on('q', (ack) => ack(mute.id));
    deepEqual((await ask(20000)).sort(), clients.map(({ id }) => id).sort(), 'it can be asked again, and late answers are for nobody');
    is((await host.status()).total.refused.acks, 0, 'nothing waits for it');
    clients.forEach((each) => each.disconnect());
    await host.nginx.stop();
});
