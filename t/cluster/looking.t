#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What an operator sees of other hosts and of Redis, at whichever worker the status is asked for.
'use strict';

const { test, ok, is, deepEqual, like } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { NodeServer } = require('../lib/node_server');
const { startHosts } = require('../lib/hosts');
const { get } = require('../lib/raw');
const { until } = require('../lib/until');

let redis;
let hosts;

const cluster = async (host) => (await host.status()).cluster;

test('002-07, 002-59: what Redis is for, and whether it does it', async () => {
    redis = await Redis.start();
    hosts = await startHosts({ redis });
    const [A, B] = hosts;
    await until(async () => (await cluster(A)).hosts.length === 1, 'A hears B');
    const seen = await cluster(A);
    deepEqual([seen.mode, seen.state, seen.live, seen.servers], ['cluster', 'connected', 2, 0], 'two hosts, and no Node server');
    is(seen.hosts[0].host, (await B.status()).host, 'who it is');
    await until(async () => (await cluster(A)).hosts[0].state === 'connected', 'how it is');
    ok(A.nginx.workers().includes(seen.holder), 'which worker holds the bridge');
    like((await get(A, '/status')).text, /connected/, 'the page says it too');
});

test('000-21, 002-67: the loop is proven again and again', async () => {
    const [A] = hosts;
    await until(async () => Number.isInteger((await cluster(A)).probe_ms), 'the probe came back');
    ok((await cluster(A)).probe_ms < 1000, `in ${(await cluster(A)).probe_ms} ms`);
});

test('what went out and came in is counted', async () => {
    const [A, B] = hosts;
    const sum = async (host, name) => (await host.status()).total[name];
    const before = [await sum(A, 'bus_out'), await sum(B, 'bus_in')];
    const hears = await B.client();
    const heard = new Promise((resolve) => hears.once('news', resolve));
    await A.publish({ event: 'news', args: [1] });
    await heard;
    await until(async () => await sum(A, 'bus_out') === before[0] + 1, 'one out of A');
    await until(async () => await sum(B, 'bus_in') === before[1] + 1, 'one into B');
    ok(true, 'one out of A, one into B');
    hears.disconnect();
});

test('a Node server is seen as one', async () => {
    const node = await NodeServer.start({ redis });
    await until(async () => (await cluster(hosts[0])).servers === 1, 'it is counted', 10000);
    ok(true, 'beside two hosts');
    await node.stop();
});

test('002-60: the last error of Redis', async () => {
    const [A] = hosts;
    await redis.kill();
    await A.becomes('degraded');
    await until(async () => (await cluster(A)).redis.error !== '', 'it is shown');
    like((await cluster(A)).redis.error, /refused|closed/, (await cluster(A)).redis.error);
    const { body } = await A.publish({ event: 'later', args: [] });
    is(body.bus, 'waiting', 'what is published waits');
    ok((await cluster(A)).waiting > 0, 'and how much waits is told');
    await redis.launch();
    await A.becomes('connected');
    await until(async () => (await cluster(A)).redis.error === '' && (await cluster(A)).waiting === 0, 'all is well again');
    ok((await cluster(A)).redis.reconnects >= 2, 'how often it was connected anew');
});
