#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What a host has at Redis: two connections by name, whatever the number of its clients and
// workers; TLS and a user with few rights; several apps; namespaces that are made as they come.
'use strict';

const fs = require('fs');
const path = require('path');

const { test, is, ok, like, unlike, deepEqual, patience } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { Network } = require('../lib/cut');
const { Nginx } = require('../lib/nginx');
const { ROOT } = require('../lib/conf');
const { Host, startHosts, RULES } = require('../lib/hosts');
const { NodeServer } = require('../lib/node_server');
const { nodeClient } = require('../lib/party');
const { gather } = require('../lib/crowd');
const { connected, WEBSOCKET } = require('../lib/client');
const { Hearing } = require('../lib/hearing');
const { get } = require('../lib/raw');
const { localPorts } = require('../lib/proc');
const { event, until, silence } = require('../lib/until');

patience(120);

// The rights that suffice, as docs/redis.md says; and what Node needs besides.
const DOCS = fs.readFileSync(path.join(ROOT, 'docs', 'redis.md'), 'utf8');
const RIGHTS = DOCS.match(/ACL SETUSER realtime on '>secret' ([^`]*)```/)[1].replace(/['\\]/g, '').replace(/\s+/g, ' ').trim();
const NODE = '&socket.io#/#* &socket.io#/chat#* +hello +info';

let redis;
let hosts;

async function begin() {
    redis = redis || await Redis.start();
    hosts = hosts || await startHosts({ redis, workers: 3 });
}

test('000-20, 002-08, 002-50, 002-52, 002-71, 003-32, 003-03, 003-04, 003-24: two connections, by name', async () => {
    await begin();
    const names = async () => (await redis.connections(/^rt:/)).map(({ name }) => name.split(':').pop()).sort();
    deepEqual(await names(), ['pub', 'pub', 'sub', 'sub'], 'of each host one to publish and one to hear');
    const before = (await redis.connections()).length;
    const crowd = await gather(hosts[0], 200);
    is((await redis.connections()).length, before, '200 clients and three workers need no more');
    crowd.forEach((member) => member.leave());
    const [{ name }] = await redis.connections(/^rt:/);
    like(name, /^rt:[\w.-]+:(pub|sub)$/, `whose names say what they are: ${name}`);
    const monitor = await redis.client();
    const said = [];
    monitor.on('push', (line) => said.push(line));
    await monitor.command('MONITOR');
    await hosts[0].publish({ event: 'e', args: [1] });
    await until(() => said.some((line) => /"PUBLISH" "socket\.io#\/#"/i.test(line)), 'MONITOR shows it');
    ok(true, '002-50: MONITOR shows what is published');
    monitor.close();
});

test('001-22, 004-11, 004-12: every namespace, those that a pattern makes too', async () => {
    await begin();
    const node = await NodeServer.start({ redis, namespaces: ['/', '/dynamic-7', '/dynamic-8'] });
    const sockets = [await hosts[0].client(WEBSOCKET, '/dynamic-7'), await hosts[1].client(WEBSOCKET, '/dynamic-7'), await nodeClient(node, WEBSOCKET, '/dynamic-7'), await hosts[0].client(WEBSOCKET, '/dynamic-8')];
    const hearing = new Hearing(...sockets.slice(0, 3));
    const fence = (mark) => node.run((io, n) => { io.of('/dynamic-7').emit('fence', n); }, mark);
    await until(async () => await redis.subscribers('socket.io-request#/dynamic-7#') === 3, 'three are asked');
    await node.run((io) => { io.of('/dynamic-7').emit('e', 7); });
    deepEqual(await hearing.all(fence), [[['e', 7]], [['e', 7]], [['e', 7]]], 'said by Node');
    sockets[1].emit('shout', 'all');
    deepEqual(await hearing.all(sockets[1]), [[['said', 'all']], [['said', 'all']], [['said', 'all']]], 'said by a client of nginx');
    const found = await node.run(async (io) => (await io.of('/dynamic-7').fetchSockets()).map(({ id }) => id));
    deepEqual(found.sort(), sockets.slice(0, 3).map(({ id }) => id).sort(), 'its sockets, and no others');
    sockets.forEach((socket) => socket.disconnect());
    await node.kill();
});

test('000-22, 002-11, 004-40: several apps on one Redis', async () => {
    await begin();
    const app = (name, more) => `realtime_app ${name} { zone ${name}:16m; redis main ${more}; namespace / { ${RULES} } }`;
    const text = {
        http: `realtime_redis main { url ${redis.url}; reconnect step=20ms max=200ms; } ${app('one', '')} ${app('two', 'prefix=two key_prefix=two:')}`,
        server: 'location /one/ { realtime one; } location /two/ { realtime two; } location = /state/one { return 200 "$realtime_redis_state"; }',
    };
    const nginx = await Nginx.start(text, { name: 'two apps' });
    const [one, two] = await Promise.all(['one', 'two'].map((name) => connected(nginx, '/', { path: `/${name}/` })));
    await until(async () => await redis.subscribers('two-request#/#') === 1 && await redis.subscribers('socket.io-request#/#') === 3, 'both have joined');
    const far = await hosts[0].client();
    const hearing = new Hearing(one, two);
    await hosts[0].publish({ event: 'e', args: [1] });
    far.emit('fence', 'x');
    await event(one, 'fence');
    deepEqual(hearing.heard, [[['e', 1]], []], 'each hears its own prefix');
    const names = (await redis.connections(/^rt:.*:(one|two):/)).map((each) => each.name.replace(/^rt:[^:]*:/, ''));
    deepEqual(names.sort(), ['one:pub', 'one:sub', 'two:pub', 'two:sub'], 'and its connections have its name');
    const same = await Nginx.check({ http: `realtime_redis main { url ${redis.url}; } ${app('one', '')} ${app('two', '')}`, server: 'location /one/ { realtime one; }' });
    is(same.code, 1, 'two apps with one prefix are refused');
    like(same.stderr, /prefix/, same.stderr.trim().split('\n')[0]);
    [one, two, far].forEach((socket) => socket.disconnect());
    await nginx.stop();
});

test('000-39, 001-21, 002-12, 003-33, 004-09, 004-14, 004-45: joining until every subscription is confirmed', async () => {
    await begin();
    const network = await Network.to(redis.port);
    network.hold();
    const host = await Host.start({ redis, through: network, workers: 2 }, 'late host');
    is(await host.state(), 'joining', 'joining');
    const socket = await host.client();
    await socket.emitWithAck('join', 'r');
    is(await host.state(), 'joining', 'clients of its own are served');
    network.release();
    await host.becomes('connected');
    is(await redis.subscribers('socket.io-request#/#'), 3, 'connected, and subscribed');
    const said = event(socket, 'e');
    await hosts[0].publish({ event: 'e', args: [1], rooms: ['r'] });
    deepEqual(await said, [1], 'it hears');
    socket.disconnect();
    await host.nginx.stop();
});

test('002-76, 002-78, 002-80: TLS with certificates of both sides, a user with few rights', async () => {
    const secure = await Redis.start({ tls: true, clientCerts: true, user: { name: 'realtime', password: 'secret', rules: `${RIGHTS} ${NODE}` } });
    const mine = secure.ca.issue('client');
    const block = `user realtime; password secret; ssl_trusted_certificate ${secure.ca.ca}; ssl_certificate ${mine.cert}; ssl_certificate_key ${mine.key};`;
    const [two, node] = await Promise.all([startHosts({ redis: secure, block }), NodeServer.start({ redis: secure })]);
    const sockets = [...await Promise.all(two.map((host) => host.client())), await nodeClient(node)];
    const hearing = new Hearing(...sockets);
    for (const socket of sockets) {
        socket.emit('shout', socket.id);
        deepEqual(await hearing.all(socket), sockets.map(() => [['said', socket.id]]), 'everybody hears everybody');
    }
    const found = await node.run(async (io) => (await io.fetchSockets()).length);
    is(found, 3, 'and is found');
    for (const host of two) unlike(host.nginx.log(), /NOPERM|secret/, 'without a right that is missing, or a secret in the log');
    sockets.forEach((socket) => socket.disconnect());
    await node.kill();
    await Promise.all(two.map((host) => host.nginx.stop()));
}, { timeout: 60000 });

test('subscribe rooms: what nobody here wants does not come', async () => {
    const own = await Redis.start();
    const [two, node] = await Promise.all([startHosts({ redis: own, block: 'subscribe rooms; reconnect step=20ms max=200ms;' }), NodeServer.start({ redis: own })]);
    const sockets = [...await Promise.all(two.map((host) => host.client())), await nodeClient(node)];
    const hearing = new Hearing(...sockets);
    const fence = (mark) => node.run((io, n) => { io.emit('fence', n); }, mark);
    const received = async () => Number((await own.command('INFO', 'stats')).match(/total_net_output_bytes:(\d+)/)[1]);
    for (const socket of [sockets[0], sockets[2]]) await socket.emitWithAck('join', 'wanted');
    is(await own.subscribers('socket.io#/#wanted#'), 1, 'a room with a member has its subscription');
    await node.run((io) => { io.to('wanted').emit('e', 1); io.emit('all', 2); });
    deepEqual(await hearing.all(fence), [[['e', 1], ['all', 2]], [['all', 2]], [['e', 1], ['all', 2]]], 'members hear');
    await node.run((io, id) => { io.to(id).emit('pm', 3); }, sockets[1].id);
    deepEqual(await hearing.all(fence), [[], [['pm', 3]], []], 'a socket by its id');
    sockets[1].emit('to', 'wanted', 4);
    deepEqual(await hearing.all(sockets[1]), [[['said', 4]], [], [['said', 4]]], 'from host to host');
    await node.run((io, id) => { io.in(id).socketsJoin('remote'); }, sockets[1].id);
    await until(async () => await own.subscribers('socket.io#/#remote#') === 1, 'joined from afar');
    await node.run((io) => { io.to('remote').emit('e', 5); });
    deepEqual(await hearing.all(fence), [[], [['e', 5]], []], 'a member that was put into it');
    const before = await received();
    await node.run((io, text) => { for (let i = 0; i < 100; ++i) io.to('nobody').emit('e', text); }, 'x'.repeat(10000));
    await hearing.all(fence);
    const bytes = await received() - before;
    ok(bytes < 100 * 10000 * 1.5, `100 messages of 10 kB for nobody: ${bytes >> 10} kB left Redis, all to Node itself`);
    await sockets[0].emitWithAck('leave', 'wanted');
    await until(async () => await own.subscribers('socket.io#/#wanted#') === 0, 'the last member takes the subscription along');
    ok(true, 'the last member takes the subscription along');
    sockets.forEach((socket) => socket.disconnect());
    await node.kill();
    await Promise.all(two.map((host) => host.nginx.stop()));
}, { timeout: 60000 });

test('002-61, 000-64, 002-10: who hears whom stands in the status', async () => {
    await begin();
    const own = await Redis.start();
    const [alone] = await startHosts({ n: 1, redis: own });
    const seen = async (host) => (await host.status()).cluster;
    await until(async () => (await seen(alone)).live === 1, 'it hears itself');
    is((await seen(alone)).mode, 'alone', 'a host that hears nobody else says so');
    await until(async () => (await seen(hosts[0])).live === 2, 'two hosts hear each other', 5000);
    const { mode, state, live, hosts: others, redis: told } = await seen(hosts[0]);
    deepEqual([mode, state, live, others.length], ['cluster', 'connected', 2, 1], 'the others are listed');
    ok(others.every(({ state: theirs, heard }) => theirs === 'connected' && heard < 5000), 'with their state');
    ok(told.enabled, 'and what is known of Redis');
    const [second] = await startHosts({ n: 1, redis: own });
    await until(async () => (await seen(alone)).mode === 'cluster', 'until another one comes', 2000);
    ok(true, 'until another one comes');
    second.nginx.allow(/exited on signal/);
    second.nginx.murder();
    await until(async () => (await seen(alone)).mode === 'alone', 'a host that was killed is gone when its lease is over', 10000);
    ok(true, 'a host that was killed is gone when its lease is over');
    second.nginx.judged = true;
    await alone.nginx.stop();
});

// Whoever holds the bridge dies before Redis has answered it, twice: Redis knows one connection that
// hears, the same as before, and what was said meanwhile waits in it.
test('the connection that hears outlives those who hold it', async () => {
    const own = await Redis.start();
    // So many that their names fill kilobytes.
    const app = Array.from({ length: 300 }, (unused, i) => `namespace /of-a-long-name-${i} { }`).join(' ');
    const [host] = await startHosts({ n: 1, redis: own, workers: 3, app });
    const hearing = async () => (await own.connections(/^rt:.*:sub$/)).map(({ id }) => id);
    await until(async () => await own.subscribers('socket.io-request#/#') === 1, 'the host hears');
    const before = await hearing();
    const holder = async () => (await host.status()).cluster.holder;
    let former = await holder();
    own.pause();
    for (const nth of ['first', 'second']) {
        await host.nginx.kill(former);
        former = await until(async () => { const pid = await holder(); return pid !== former && pid; }, `the ${nth} successor`);
    }
    own.resume();
    await until(async () => (await host.status()).cluster.state === 'connected', 'Redis answers again');
    deepEqual(await hearing(), before, 'the same connection hears');
    is(await own.subscribers('socket.io-request#/#'), 1, 'subscribed once');
    await host.nginx.stop();
});

// nginx would end a worker without clients at once, with what Redis has not answered yet.
test('a reload while Redis has not answered', async () => {
    const own = await Redis.start();
    const line = await Network.to(own.port);
    const [host] = await startHosts({ n: 1, redis: own, through: line, workers: 2 });
    const hearing = async () => (await own.connections(/^rt:.*:sub$/)).map(({ id }) => id);
    await until(async () => await own.subscribers('socket.io-request#/#') === 1, 'the host hears');
    const before = await hearing();
    const listener = await own.client();
    const heard = [];
    listener.on('message', ({ payload }) => heard.push(payload));
    await listener.command('PSUBSCRIBE', 'socket.io#*');
    line.slow(60);
    for (let round = 0; round < 3; ++round) {
        for (let i = 0; i < 5; ++i) await host.publish({ event: 'e', args: [round, i] });
        await host.reload();
    }
    await until(() => heard.length >= 15, 'all of it is said');
    is(heard.length, 15, 'once');
    deepEqual(await hearing(), before, 'the same connection hears');
    listener.close();
    await host.nginx.stop();
});

test('000-23, 003-46: without Redis not one connection', async () => {
    const [host] = await startHosts({ n: 1, workers: 2 });
    const socket = await host.client();
    await silence(200);
    const ports = [host.port, host.nginx.port];
    const others = host.nginx.workers().flatMap((pid) => localPorts(pid)).filter((port) => !ports.includes(port));
    deepEqual(others, [], 'no socket but those of clients');
    is((await get(host, '/state')).text, 'off', '$realtime_redis_state');
    socket.disconnect();
});
