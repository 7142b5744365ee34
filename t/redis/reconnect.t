#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// When and where a lost Redis is looked for: by the schedule, by name anew each time, by Sentinels,
// at the nodes of a cluster. And what is never done without a Redis in the configuration.
'use strict';

const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { spawnSync } = require('child_process');

const { test, after, ok, is, deepEqual, diag, SLOW } = require('../lib/tap');
const { Nginx, conf } = require('../lib/nginx');
const { Redis, startCluster, startSentinels } = require('../lib/redis');
const { Network } = require('../lib/cut');
const { get } = require('../lib/raw');
const proc = require('../lib/proc');
const { until } = require('../lib/until');

const text = (block, { workers = 2 } = {}) => conf({
    workers,
    http: `realtime_redis main { ${block} } realtime_app a { redis main; }`,
    server: 'location /io/ { realtime a; } location /status { realtime_status a; allow 127.0.0.1; deny all; }',
});

const connected = (nginx, from = 0) => nginx.waitLog(/Redis adapter connected/, { from, ms: 20000 });

// When the two connections knock; they are let in, say their name, and are put out.
async function door() {
    const knocks = { pub: [], sub: [] };
    const server = net.createServer((socket) => {
        const at = process.hrtime.bigint();
        socket.on('error', () => {}).once('data', (bytes) => {
            knocks[/rt:[^:]+:(pub|sub)/.exec(bytes)[1]].push(at);
            socket.resetAndDestroy();
        });
    }).listen(0, '127.0.0.1');
    after(() => server.close());
    await until(() => server.listening, 'the door is there');
    const waits = (role) => knocks[role].slice(1).map((at, i) => Math.round(Number(at - knocks[role][i]) / 1e6));
    return { port: server.address().port, knocks, waits };
}

// A loaded machine is late; nobody is early.
const isNear = (waits, expected) => waits.length >= expected.length && expected.every((time, i) => waits[i] >= time - 25 && waits[i] < time + 250 * SLOW);

test('004-28: the n-th try waits n times 100 ms', async () => {
    const { port, knocks, waits } = await door();
    const nginx = await Nginx.start(text(`url redis://127.0.0.1:${port};`));
    await until(() => knocks.pub.length > 4 && knocks.sub.length > 4, 'five tries');
    await nginx.stop();
    for (const role of ['pub', 'sub']) ok(isNear(waits(role), [100, 200, 300, 400]), `${role}: ${waits(role).join(' ')} ms`);
});

test('004-27, 004-28: step, max and tries', async () => {
    const { port, knocks, waits } = await door();
    const nginx = await Nginx.start(text(`url redis://127.0.0.1:${port}; reconnect step=100ms max=150ms tries=5;`));
    for (const role of ['pub', 'sub']) {
        await nginx.waitLog(new RegExp(`Redis ${role} client error: Too many retries`));
        is(knocks[role].length, 6, `${role}: the first try and five more`);
        ok(isNear(waits(role), [100, 150, 150, 150, 150]), `${role}: ${waits(role).join(' ')} ms`);
    }
    await nginx.quit();
});

test('000-18: Redis is back, and so are we', async () => {
    const redis = await Redis.start();
    const nginx = await Nginx.start(text(`url ${redis.url};`));
    await connected(nginx);
    const subscribed = async () => (await redis.command('PUBSUB', 'NUMPAT')) + (await redis.command('PUBSUB', 'CHANNELS')).length;
    const before = await subscribed();
    await redis.kill();
    await until(() => /sub client error/.test(nginx.log()), 'it is missed');
    const from = nginx.log().length;
    await redis.launch();
    const back = Date.now();
    await connected(nginx, from);
    ok(Date.now() - back < 3500 * SLOW, `within ${Date.now() - back} ms`);
    is(await until(subscribed, 'subscriptions'), before, 'with every subscription');
    await nginx.quit();
});

test('a Redis that hangs', async () => {
    const redis = await Redis.start();
    const nginx = await Nginx.start(text(`url ${redis.url}; command_timeout 200ms;`));
    await connected(nginx);
    redis.pause();
    await nginx.waitLog(/Redis pub client error: \S+: no answer within 200 ms/);
    await nginx.waitLog(/Redis sub client error: \S+: no answer within 200 ms/);
    const from = nginx.log().length;
    redis.resume();
    await connected(nginx, from);
    await nginx.quit();
});

// What is heard stays in the socket until it is dealt with, but for what would never fit.
test('messages of all sizes', async () => {
    const redis = await Redis.start();
    for (const way of ['plain', 'sliced']) {
        const network = await Network.to(redis.port);
        if (way === 'sliced') network.slice(1000);
        const nginx = await Nginx.start(text(`url redis://127.0.0.1:${network.server.address().port};`));
        await connected(nginx);
        const [sub] = await redis.connections(/:sub$/);
        const sizes = [1, 100, 65536, 131072, 131073, 262144, 1000000, way === 'plain' ? 12000000 : 2000000, 7];
        for (const size of sizes)
            await redis.command('PUBLISH', 'socket.io#/#', Buffer.alloc(size, 0xc1)); // no MessagePack begins so
        // Redis has nothing left to send, and the connection still answers.
        await until(async () => {
            const now = (await redis.connections(/:sub$/)).find(({ id }) => id === sub.id);
            return now && Number(now.omem) === 0 && Number(now.idle) <= 1;
        }, 'all is heard', 20000);
        const patterns = await redis.command('PUBLISH', 'socket.io#/#', 'x');
        is(patterns, 1, `${way}: it still hears`);
        const malformed = async () => JSON.parse((await get(nginx, '/status?format=json')).text).total.bus_malformed;
        await until(async () => await malformed() >= sizes.length + 1, 'all are heard');
        is(await malformed(), sizes.length + 1, `${way}: each once`);
        ok(!/client error/.test(nginx.log()), `${way}: by the same connection`);
        await nginx.quit();
    }
}, { timeout: 60000 });

test('000-20, 002-08, 002-52, 003-24, 004-09, 004-14: the connections have names, and one worker has them', async () => {
    const redis = await Redis.start();
    const nginx = await Nginx.start(text(`url ${redis.url};`, { workers: 3 }));
    await connected(nginx);
    const names = async () => (await redis.connections(/^rt:/)).map(({ name }) => name).sort();
    const node = os.hostname();
    deepEqual(await names(), [`rt:${node}:pub`, `rt:${node}:sub`], 'of all workers');
    await nginx.reload();
    await until(() => nginx.leaving().length === 0, 'the old workers leave');
    const same = [`rt:${node}:pub`, `rt:${node}:sub`].join();
    await until(async () => (await names()).join() === same, 'two again after a reload, of the same names');
    await nginx.quit();
    await until(async () => (await names()).length === 0, '000-19, 003-26: none is left behind');
    ok(true, '000-19, 003-26: no connection is left behind');
});

test('000-23: not one socket without a Redis', async () => {
    const redis = await Redis.start();
    for (const http of ['', 'realtime_redis main { url env:RT_UNSET; } realtime_app a { redis main; }', `realtime_redis main { url ${redis.url}; } realtime_app a { }`,
        `realtime_redis main { url ${redis.url}; adapter off; } realtime_app a { redis main; }`]) {
        const nginx = await Nginx.start(conf({ workers: 2, http, server: `location /io/ { realtime ${http ? 'a' : ''}; }` }));
        const sockets = (pid) => fs.readdirSync(`/proc/${pid}/net`).includes('tcp') && fs.readdirSync(`/proc/${pid}/fd`)
            .map((fd) => { try { return fs.readlinkSync(`/proc/${pid}/fd/${fd}`); } catch { return ''; } })
            .map((link) => (link.match(/^socket:\[(\d+)\]$/) || [])[1]).filter(Boolean);
        const remote = `0100007F:${redis.port.toString(16).toUpperCase().padStart(4, '0')}`;
        const tcp = fs.readFileSync('/proc/net/tcp', 'utf8').split('\n').map((row) => row.trim().split(/\s+/)).filter(([, , to]) => to === remote).map((row) => row[9]);
        const ours = [nginx.pid, ...nginx.workers()].flatMap(sockets).filter((inode) => tcp.includes(inode));
        deepEqual(ours, [], `${http || 'nothing'}: no socket`);
        is((await redis.connections()).length, 1, 'and Redis knows only the test');
        ok(nginx.workers().every((pid) => proc.alive(pid)), 'all workers live');
        await nginx.quit();
    }
});

// A hosts file of our own, which the next connection reads: nginx runs in a mount namespace.
const mayMount = spawnSync('unshare', ['-m', 'true']).status === 0;

test('names are resolved anew for each connection', async () => {
    if (!mayMount) diag('no right to mount: without a change of the name');
    const at = async (host, port) => Object.assign(await Redis.start({ host, port }), { host });
    const redis = await at('127.0.0.2');
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rt-hosts-'));
    after(() => fs.rmSync(dir, { recursive: true, force: true }));
    fs.chmodSync(dir, 0o755);
    const hosts = `${dir}/hosts`;
    const say = (address) => fs.writeFileSync(hosts, `127.0.0.1 localhost\n${address ? `${address} redis.test\n` : ''}`);
    say('');
    const options = mayMount ? { wrapper: ['unshare', '-m', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$0" "$@"`] } : {};
    const nginx = await Nginx.start(text(`url redis://${mayMount ? 'redis.test' : '127.0.0.2'}:${redis.port}; reconnect step=20ms max=100ms;`), options);
    if (mayMount) {
        await nginx.waitLog(/host "redis\.test" does not resolve/);
        say('127.0.0.2');
    }
    await connected(nginx);
    ok(true, 'a name that was unknown at the start');
    // The next one is somewhere else.
    const other = await at('127.0.0.3', redis.port);
    const from = nginx.log().length;
    if (mayMount) say('127.0.0.3');
    is((await redis.connections(/^rt:/)).length, 2, 'a connection that lives stays');
    if (mayMount) {
        await redis.kill();
        await connected(nginx, from);
        is((await other.connections(/^rt:/)).length, 2, 'a lost one goes to where the name points now');
    }
    await nginx.quit();
});

test('every address of a name is tried', async () => {
    const redis = await Redis.start(); // on 127.0.0.1; localhost may be ::1 first
    const nginx = await Nginx.start(text(`url redis://localhost:${redis.port};`));
    await connected(nginx);
    ok(!/client error/.test(nginx.log()), 'without a word of those that refuse');
    await nginx.quit();
});

test('Sentinel: the new master', async () => {
    const { master, sentinels, current } = await startSentinels({ down: 500 });
    const nginx = await Nginx.start(text(`mode sentinel master=mymaster; ${sentinels.map(({ port }) => `server 127.0.0.1:${port};`).join(' ')}`));
    await connected(nginx);
    is((await master.connections(/^rt:/)).length, 2, 'the master is found');
    const from = nginx.log().length;
    await master.kill();
    await connected(nginx, from);
    const successor = await current();
    ok(successor !== master, 'there is another master');
    is((await successor.connections(/^rt:/)).length, 2, 'and we are there');
    await nginx.quit();
    const wrong = await Nginx.start(text(`mode sentinel master=nobody; server 127.0.0.1:${sentinels[0].port}; reconnect step=10ms max=10ms tries=2;`));
    await wrong.waitLog(/Too many retries/);
    ok(/Sentinel .*nobody/.test(wrong.log()), 'a name that the Sentinels do not know');
    await wrong.quit();
}, { timeout: 60000 });

test('Cluster: the next node', async () => {
    const { nodes } = await startCluster();
    const [first] = nodes;
    const nginx = await Nginx.start(text(`mode cluster; ${nodes.map(({ port }) => `server 127.0.0.1:${port};`).join(' ')}`));
    await connected(nginx);
    const at = async () => (await Promise.all(nodes.filter(({ alive }) => alive).map((node) => node.connections(/^rt:/)))).map((list) => list.length);
    ok((await at()).reduce((a, b) => a + b) >= 2, 'at a node');
    const from = nginx.log().length;
    await first.kill();
    await nginx.waitLog(/client connected/, { from });
    await until(async () => (await at()).reduce((a, b) => a + b) >= 2, 'at another one');
    ok(true, 'at another one');
    await nginx.quit();
}, { timeout: 60000 });
