#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Several instances behind a balancer or side by side, as those who come from Node run them: the
// same rooms, users and orders on all. Without Redis they share nothing, and say so.
'use strict';

const fs = require('fs');
const http = require('http');
const net = require('net');
const path = require('path');

const { test, is, ok, like, unlike, deepEqual, diag, patience } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { ROOT, isFree } = require('../lib/conf');
const { Redis } = require('../lib/redis');
const { startHosts } = require('../lib/hosts');
const { NodeServer } = require('../lib/node_server');
const { client, connected, UPGRADE, POLLING, WEBSOCKET } = require('../lib/client');
const { settled, TRANSPORTS } = require('../lib/spread');
const { nodeClient } = require('../lib/party');
const { Hearing, FENCE } = require('../lib/hearing');
const { publicCopy } = require('../lib/files');
const { Browser } = require('../lib/browser');
const { get, post } = require('../lib/raw');
const { event, until } = require('../lib/until');

patience(180);

const RULES = `
    connect { emit hello 'data={"worker":$realtime_worker}'; }
    on join { join $realtime_arg_0; ack 1; }
    on leave { leave $realtime_arg_0; ack 1; }
    on to { emit said to=$realtime_arg_0 data=$realtime_arg_1; }
    on user { emit said user=$realtime_arg_0 data=$realtime_arg_1; }
    on whoami { ack $realtime_user; }
    ${FENCE}`;

const SAMPLE = fs.readFileSync(path.join(ROOT, 'docs', 'examples', 'behind_proxy.conf'), 'utf8');
const commented = (head) => `${SAMPLE.match(new RegExp(`^# {3}(${head} \\{\n(?:# {7}.*\n)*)# {3}\\}`, 'm'))[1].replace(/^#/gm, '')}}`;

// The sample's location in front of `instances`, balanced as `how` says.
const front = (instances, how) => `%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    upstream backend { ${how} ${instances.map(({ port }) => `server 127.0.0.1:${port};`).join(' ')} }
    server {
        listen 127.0.0.1:%%PORT%%;
        ${commented('location /socket.io/')}
    }
}`;

// --- Two instances and a balancer.

let redis;

async function cluster() {
    redis = redis || await Redis.start();
    return startHosts({ redis, workers: 2, rules: RULES, app: 'user $realtime_auth_user;' });
}

for (const [name, how] of [['ip_hash', 'ip_hash;'], ['round robin', '']]) {
    test(`000-02, 000-56, 000-57, 000-66, 000-67, 002-81: two instances behind ${name}`, async () => {
        const hosts = await cluster();
        const balancer = await Nginx.start(front(hosts, how), { name: `front, ${name}` });
        const label = (text) => `${name}: ${text}`;
        const ips = ['127.0.1.1', '127.0.2.1', '127.0.3.1', '127.0.4.1', '127.0.5.1', '127.0.6.1'];
        const agents = ips.map((localAddress) => new http.Agent({ localAddress }));
        const kinds = Object.values(TRANSPORTS);
        const sockets = await Promise.all(ips.map(async (ip, i) => {
            const socket = client(balancer, '/', { ...kinds[i % 3], agent: agents[i] });
            await event(socket, 'hello');
            return settled(socket);
        }));
        const counts = async () => (await Promise.all(hosts.map((host) => host.status()))).map(({ roster }) => roster.connections);
        ok((await counts()).every((count) => count > 0), label(`clients at both: ${await counts()}`));
        const hearing = new Hearing(...sockets);
        for (const socket of sockets.slice(0, 4)) await socket.emitWithAck('join', 'project:123');
        for (const [i, socket] of sockets.entries()) socket.emit('to', 'project:123', i);
        await Promise.all(sockets.map((socket) => socket.emitWithAck('whoami')));
        for (const socket of sockets) await hearing.all(socket).then((heard) => heard.forEach((list, at) => { hearing.kept = hearing.kept || sockets.map(() => []); hearing.kept[at].push(...list); }));
        const heard = hearing.kept.map((list) => list.map(([, n]) => n).sort());
        deepEqual(heard, sockets.map((socket, i) => (i < 4 ? [0, 1, 2, 3, 4, 5] : [])), label('room project:123 hears everybody, on whichever instance'));
        await hosts[1].publish({ event: 'said', args: ['http'], rooms: ['project:123'] });
        await until(() => hearing.heard.slice(0, 4).every((list) => list.length === 1), label('and what is published by HTTP'));
        unlike(balancer.accessLog(), /" 400 /, label('no "Session ID unknown"'));
        for (const socket of sockets) socket.disconnect();
        await until(async () => (await counts()).every((count) => count === 0), label('all have left'));
        await Promise.all([balancer.stop(), ...hosts.map((host) => host.nginx.stop())]);
    }, { timeout: 60000 });
}

// --- Instances on the ports that were named.

// Two runs of this file side by side: a port is for the one that has raised its flag.
const flags = new Map();
async function isOurs(port) {
    if (!flags.has(port)) {
        const flag = net.createServer().listen(port + 10000, '127.0.0.1').unref();
        if (!await new Promise((resolve) => flag.once('listening', () => resolve(true)).once('error', () => resolve(false)))) return false;
        flags.set(port, flag);
    }
    return isFree(port);
}

// The ports asked for if they are free, else others: `PORT` is what counts.
async function ports(...wanted) {
    const free = await Promise.all(wanted.map(isOurs));
    if (free.every(Boolean)) return wanted.map((PORT) => ({ PORT }));
    diag(`ports ${wanted} are taken: others`);
    return wanted.map(() => ({}));
}

// `PORT=n REDIS_URL=… nginx`: the port stands in the file, the address comes from the environment.
const INSTANCE = `%%GLOBALS%%
worker_processes 2;
env REDIS_URL;
events { }
http {
    %%GLOBALS_HTTP%%
    realtime_redis main { url env:REDIS_URL; }
    realtime_app app {
        zone app:16m;
        redis main;
        user $realtime_auth_user;
        namespace / { ${RULES} }
        namespace /online {
            connect { emit presence:online all data=$realtime_user; }
            disconnect { emit presence:offline all data=$realtime_user; }
        }
        namespace /events {
            connect { emit whoami data=%%NAME%%/$realtime_worker; }
            on whoami { ack %%NAME%%/$realtime_worker; }
            on test-event { emit test-event all data=$realtime_args; }
        }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /socket.io/ { realtime app; realtime_serve_client %%BUNDLES%%; }
        location /test/ { alias %%PAGES%%/; }
        location /publish { realtime_publish app; allow 127.0.0.1; deny all; }
        location /status { realtime_status app; allow 127.0.0.1; deny all; }
        location /state { return 200 "$realtime_redis_state $realtime_redis_enabled"; }
    }
}`;

const PAGES = publicCopy(path.resolve(__dirname, '..', 'page'));
const BUNDLES = publicCopy(path.resolve(__dirname, '..', 'node_modules', 'socket.io-client', 'dist'));

async function instances(wanted, REDIS_URL) {
    const values = await ports(...wanted);
    const env = REDIS_URL ? { REDIS_URL } : {};
    const all = await Promise.all(values.map((value, i) => Nginx.start(INSTANCE, { name: `instance ${wanted[i]}`, env, values: { ...value, NAME: `i${i}`, PAGES, BUNDLES } })));
    if (REDIS_URL) await Promise.all(all.map((one) => until(async () => /^connected/.test((await get(one, '/state')).text), 'connected')));
    return all;
}

const stop = (all) => Promise.all(all.map((one) => one.stop()));

test('000-10, 000-17, 000-65, 001-15, 001-18, 001-19, 001-29, 001-30, 001-31, 001-32, 001-36, 001-37, 003-30, 003-68, 004-25: PORT=3000 and PORT=3001, REDIS_URL', async () => {
    redis = redis || await Redis.start();
    const two = await instances([3000, 3001], redis.url);
    const sockets = await Promise.all(two.map((one) => connected(one, '/events')));
    for (const [i, socket] of sockets.entries()) {
        const heard = sockets.map((each) => event(each, 'test-event'));
        socket.emit('test-event', { from: i, bytes: Buffer.from([i]) });
        deepEqual(await Promise.all(heard), sockets.map(() => [{ from: i, bytes: Buffer.from([i]) }]), `001-26, 001-36: said at ${two[i].port}, heard on both, the sender included`);
    }
    for (const one of two) {
        is((await get(one, '/state')).text, 'connected 1', '000-17: $realtime_redis_enabled');
        is(one.log().match(/Redis adapter configured for WebSocket scalability/g).length, 1, '001-32: said once');
        unlike(one.log(), /single-instance mode/, 'and not that it is alone');
    }
    sockets.forEach((socket) => socket.disconnect());
    await stop(two);
}, { timeout: 60000 });

test('002-06, 002-43, 002-44, 003-47, 003-51, 004-06, 004-23, 002-85, 002-86, 002-87, 002-88: three instances on 3000, 3001, 3002', async () => {
    const three = await instances([3000, 3001, 3002], redis.url);
    const node = await NodeServer.start({ redis });
    const sockets = await Promise.all([...three.map((one, i) => connected(one, '/', { auth: { user: `u${i}` } })), nodeClient(node)]);
    const hearing = new Hearing(...sockets);
    for (const socket of [sockets[0], sockets[2], sockets[3]]) await socket.emitWithAck('join', 'room');
    sockets[1].emit('to', 'room', 'hi');
    deepEqual(await hearing.all(sockets[1]), [[['said', 'hi']], [], [['said', 'hi']], [['said', 'hi']]], '002-87: a room over three instances and Node');
    await sockets[0].emitWithAck('leave', 'room');
    sockets[3].emit('to', 'room', 'again');
    deepEqual(await hearing.all(sockets[3]), [[], [], [['said', 'again']], [['said', 'again']]], '002-44: who left is left out, on every instance');
    await node.run((io, id) => { io.in(id).socketsJoin('room'); }, sockets[1].id);
    await hearing.all(async (mark) => { await node.run((io, n) => { io.emit('fence', n); }, mark); });
    const found = await node.run(async (io) => (await io.in('room').fetchSockets()).map(({ id }) => id));
    deepEqual(found.sort(), [sockets[1], sockets[2], sockets[3]].map(({ id }) => id).sort(), '002-43, 003-51: the members as Node sees and moves them');
    sockets[0].emit('user', 'u2', 'dm');
    deepEqual(await hearing.all(sockets[0]), [[], [], [['said', 'dm']], []], '004-06, 004-23: a message to a user on another instance');
    const victim = three[0];
    victim.allow(/exited on signal/);
    const lost = event(sockets[0], 'disconnect');
    victim.murder();
    await lost;
    const rest = new Hearing(...sockets.slice(1));
    sockets[1].emit('to', 'room', 'still');
    deepEqual(await rest.all(sockets[1]), [[['said', 'still']], [['said', 'still']], [['said', 'still']]], '002-05: one instance is killed, the others go on');
    sockets.forEach((socket) => socket.disconnect());
    await stop(three.slice(1));
    victim.judged = true;
    await node.kill();
}, { timeout: 60000 });

const online = (one, user) => connected(one, '/online', { auth: { user } });

// What one who watches at each of them is told of others.
async function watch(all) {
    const watchers = await Promise.all(all.map((one) => online(one, 'watcher')));
    const seen = watchers.map(() => []);
    watchers.forEach((socket, at) => socket.onAny((name, who) => { if (who !== 'watcher') seen[at].push([name, who]); }));
    return { seen, leave: () => watchers.forEach((socket) => socket.disconnect()) };
}

test('004-22: who is online at one instance is so for all', async () => {
    const two = await instances([3000, 3001], redis.url);
    const { seen, leave } = await watch(two);
    const ann = await online(two[0], 'ann');
    await until(() => seen.every((list) => list.length === 1), 'ann is online');
    ann.disconnect();
    await until(() => seen.every((list) => list.length === 2), 'and offline');
    const bob = await online(two[1], 'bob');
    await until(() => seen.every((list) => list.length > 2), 'bob is online');
    deepEqual(seen, two.map(() => [['presence:online', 'ann'], ['presence:offline', 'ann'], ['presence:online', 'bob']]), 'told once at each');
    bob.disconnect();
    leave();
    await stop(two);
}, { timeout: 60000 });

test('002-73: a third instance joins two', async () => {
    const two = await cluster();
    const sockets = await Promise.all(two.map((host) => host.client()));
    for (const socket of sockets) await socket.emitWithAck('join', 'room');
    const [third] = await startHosts({ n: 1, redis, workers: 2, rules: RULES });
    sockets.push(await third.client());
    await sockets[2].emitWithAck('join', 'room');
    const hearing = new Hearing(...sockets);
    for (const [i, socket] of sockets.entries()) {
        socket.emit('to', 'room', i);
        deepEqual(await hearing.all(socket), sockets.map(() => [['said', i]]), `said by ${i}, heard by all three`);
    }
    sockets.forEach((socket) => socket.disconnect());
    await Promise.all([...two, third].map((host) => host.nginx.stop()));
});

// --- The page, over two hosts. Browsers compare the port of the page with that of `Host`, which
// the sample leaves out as it is for port 80.

test('001-10: the page with three clients, over two instances', async () => {
    const two = await instances([3000, 3001], redis.url);
    const balancer = await Nginx.start(front(two, '').replace('Host $host', 'Host $http_host').replace('location /socket.io/ {', `location /test/ { alias ${PAGES}/; }\nlocation /socket.io/ {`), { name: 'front' });
    const browser = await Browser.start();
    const page = await browser.page(`${balancer.url}/test/websocket-test.html`);
    const parts = (name) => page.run(`[...document.querySelectorAll("article ${name}")].map((part) => part.textContent)`);
    const apart = async () => {
        await page.click('#connect');
        await page.until('document.querySelectorAll("article[data-state=online]").length === 3 && [...document.querySelectorAll("article .worker")].every((part) => part.textContent !== "–")', 'three clients are connected');
        return new Set((await parts('.worker')).map((text) => text.split('/')[0])).size;
    };
    let spread = await apart();
    for (let tries = 0; spread < 2 && tries < 20; ++tries) spread = await apart();
    is(spread, 2, `on both instances: ${await parts('.worker')}`);
    await page.click('#send');
    await page.until('[...document.querySelectorAll("article ol")].every((list) => list.children.length === 1)', 'three of three receive');
    like(await page.text('#summary'), /3 of 3 received$/, await page.text('#summary'));
    deepEqual(page.errors, [], 'no error in the page');
    await page.close();
    await balancer.stop();
    await stop(two);
}, { timeout: 90000 });

// --- Without Redis.

test('000-14, 001-20, 001-33, 001-35, 004-02, 004-03, 004-04, 004-05: two instances without Redis', async () => {
    const two = await instances([3000, 3001]);
    const sockets = await Promise.all([...two, two[0]].map((one, i) => connected(one, '/', { ...[WEBSOCKET, POLLING, UPGRADE][i], auth: { user: 'ann' } })));
    for (const socket of sockets) await socket.emitWithAck('join', 'room');
    const hearing = new Hearing(...sockets);
    sockets[0].emit('to', 'room', 1);
    sockets[0].emit('user', 'ann', 2);
    await post(two[0], '/publish', '{"event":"said","args":[3]}');
    const marks = sockets.map(() => new Set());
    sockets.forEach((socket, at) => socket.on('fence', (mark) => marks[at].add(mark)));
    sockets[0].emit('fence', 'first');
    await until(() => marks[2].has('first'), 'its own clients hear');
    sockets[1].emit('fence', 'second');
    await until(() => marks[1].has('second'), 'and those of the other');
    deepEqual(hearing.heard.map((list) => list.map(([, n]) => n).sort()), [[1, 2, 3], [], [1, 2, 3]], 'those of one instance hear each other, and nobody else');
    deepEqual(marks.map((set) => [...set]), [['first'], ['second'], ['first']], 'not a word comes over');
    const { seen, leave } = await watch(two);
    for (const [i, who] of ['ann', 'bob'].entries()) {
        sockets.push(await online(two[i], who));
        await until(() => seen[i].length, `${who} is online there`);
    }
    deepEqual(seen, [[['presence:online', 'ann']], [['presence:online', 'bob']]], '004-04: nor who is online at the other');
    leave();
    for (const one of two) {
        is((await get(one, '/state')).text, 'off 0', '$realtime_redis_state, $realtime_redis_enabled');
        is(one.log().match(/REDIS_URL not configured\. Running in single-instance mode/g).length, 1, 'said once, word for word');
        is(JSON.parse((await get(one, '/status?format=json')).text).cluster.mode, 'single-instance', 'the status says so');
    }
    sockets.forEach((socket) => socket.disconnect());
    await stop(two);
}, { timeout: 60000 });

// --- The address in the environment, in all its forms.

function address(name, block, envOf) {
    test(name, async () => {
        const own = await Redis.start(/secret/.test(JSON.stringify(envOf({}))) ? { password: 'secret' } : {});
        const text = INSTANCE.replace('url env:REDIS_URL;', block);
        const one = await Nginx.start(text, { name, env: envOf(own), values: { NAME: 'one', PAGES, BUNDLES, REDIS: own.port } });
        await until(async () => /^connected/.test((await get(one, '/state')).text), `${name}: connected`);
        is(await own.subscribers('socket.io-request#/#'), 1, `${name}: it is there`);
        unlike(one.log(), /secret/, 'no secret in the log');
        if (/REDIS_DB/.test(block)) deepEqual([...new Set((await own.connections(/^rt:/)).map(({ db }) => db))], ['3'], 'SELECT 3');
        await one.stop();
    });
}

address('000-10, 003-68: REDIS_URL', 'url env:REDIS_URL;', ({ port }) => ({ REDIS_URL: `redis://127.0.0.1:${port}` }));
address('000-11, 000-12, 002-23, 002-24: REDIS_HOST, REDIS_PORT', 'host env:REDIS_HOST; port env:REDIS_PORT;',
    ({ port }) => ({ REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port) }));
address('000-13, 002-25, 002-26, 004-26: REDIS_PASSWORD, REDIS_DB', 'url env:REDIS_URL; password env:REDIS_PASSWORD; db env:REDIS_DB;',
    ({ port }) => ({ REDIS_URL: `redis://127.0.0.1:${port}`, REDIS_PASSWORD: 'secret', REDIS_DB: '3' }));
address('000-13, 002-25: an empty REDIS_PASSWORD', 'url env:REDIS_URL; password env:REDIS_PASSWORD;', ({ port }) => ({ REDIS_URL: `redis://127.0.0.1:${port}`, REDIS_PASSWORD: '' }));
address('003-23: static values', 'host 127.0.0.1; port %%REDIS%%;', () => ({}));
