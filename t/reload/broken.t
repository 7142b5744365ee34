#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What goes wrong in a server's life: reloads that nginx refuses, a worker killed, a worker
// stopped. Whoever has nothing to do with it notices nothing, the others know soon.
'use strict';

const { test, is, ok, deepEqual, patience, SLOW } = require('../lib/tap');
const { Nginx, conf } = require('../lib/nginx');
const { get, post } = require('../lib/raw');
const { connected, WEBSOCKET, POLLING } = require('../lib/client');
const { gather, leave, losses, status, HELLO, PATIENCE } = require('../lib/crowd');
const { until, silence } = require('../lib/until');

const SOON = 1000 * SLOW; // what the death of a worker may take to be known everywhere
const UNKNOWN = '400 {"code":1,"message":"Session ID unknown"}';
const LOST = /^(ECONNRESET|connection lost|.*the peer closed.*)$/;
const COMES_BACK = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };

const http = `
    realtime_app app {
        zone app:16m;
        namespace / {
            ${HELLO}
            on ask { ack $realtime_args; }
        }
    }`;
// Behind the second port the kernel picks a worker at random for each connection.
const server = `
    listen 127.0.0.1:%%PORT_SPREAD%% reuseport;
    location /socket.io/ { realtime app; }
    location /publish { realtime_publish app; allow 127.0.0.1; deny all; }
    location /status { realtime_status app; allow 127.0.0.1; deny all; }`;
const parts = (workers) => ({ workers, http, server });

patience(120);

let nginx;
let published = 0;

// The text of an event that is published now.
async function publish() {
    const { status: code, text } = await post(nginx, '/publish', `{"event":"n","args":[${published}]}`, { 'Content-Type': 'application/json' });
    if (code !== 202) throw new Error(`publish: ${code} ${text}`);
    return `["n",${published++}]`;
}

// What is published now reaches all of them, and is the only thing that does.
async function hears(members, label) {
    const counts = members.map(({ heard }) => heard.length);
    const text = await publish();
    await until(() => members.every(({ heard }, at) => heard.length > counts[at]), `${label}: ${members.length} clients hear`);
    is(members.filter(({ heard }, at) => heard.length !== counts[at] + 1 || heard[counts[at]] !== text).length, 0, `${label}: each hears it once`);
}

// Roster and counters agree, soon, on `count` clients.
async function counted(count, label) {
    const began = Date.now();
    const right = async () => {
        const { roster, workers, total } = await status(nginx);
        const homes = workers.reduce((sum, { websocket, polling }) => sum + websocket + polling, 0);
        return [roster.connections, roster.sockets, homes, total.sockets].every((number) => number === count);
    };
    await until(right, `${label}: the status counts ${count}`);
    const took = Date.now() - began;
    ok(took <= SOON, `${label}: the status counts ${count} after ${took} ms`);
}

const accepting = async () => (await status(nginx)).workers.filter(({ quitting }) => !quitting).map(({ pid }) => pid);
const answer = ({ status: code, text }) => `${code} ${text}`;
const askFor = async ({ sid }) => answer(await get(nginx, `/socket.io/?EIO=4&transport=polling&sid=${sid}`));

const BROKEN = {
    'an unknown directive': { server: `${server}\nno_such_directive on;` },
    'an unknown action': { http: http.replace('ack', 'no_such_action') },
    'a file that is not there': { main: 'include %%PREFIX%%/no-such-file.conf;' },
    'another size of the zone': { http: http.replace('app:16m', 'app:32m') },
    'an address that is not ours': { server: `listen 192.0.2.1:%%PORT%%;\n${server}` },
};

const breakReload = (name) => nginx.brokenReload(conf({ ...parts(4), ...BROKEN[name] }));

test('broken reloads', async () => {
    nginx = await Nginx.start(parts(4));
    const members = [...await gather(nginx, 40), ...await gather(nginx, 12, { kind: 'polling' })];
    const before = nginx.workers();
    for (const name of Object.keys(BROKEN)) {
        await breakReload(name);
        await hears(members, name);
    }
    deepEqual(nginx.workers(), before, 'the old workers go on');
    deepEqual(losses(members), [], 'nobody is closed');
    leave(members);
    await counted(0, 'all left');
});

let survivors;

test('a worker is killed behind a broken reload', async () => {
    await breakReload('an unknown directive');
    const sockets = await gather(nginx, 100);
    const pollers = await gather({ port: nginx.values.PORT_SPREAD }, 60, { kind: 'polling' });
    const official = await Promise.all([WEBSOCKET, POLLING, WEBSOCKET, POLLING].map((options) => connected(nginx, '/', { ...options, ...COMES_BACK })));
    const [{ pid: victim }] = pollers;
    await hears([...sockets, ...pollers], 'before the kill');

    await silence(200 * SLOW); // nothing tells when a server has begun to hold a poll
    const killed = Date.now();
    await nginx.kill(victim);
    const itsOwn = pollers.filter(({ pid }) => pid === victim);
    await until(() => itsOwn.every(({ over }) => over), 'its polling clients are told');
    const took = Date.now() - killed;
    ok(took <= SOON, `its ${itsOwn.length} polling clients are told after ${took} ms`);
    ok(itsOwn.some(({ over }) => over === UNKNOWN), 'some by a worker that held their request');
    deepEqual(itsOwn.filter(({ over }) => over !== UNKNOWN && !LOST.test(over)), [], 'in no other way');
    deepEqual([...new Set(await Promise.all(itsOwn.map(askFor)))], [UNKNOWN], 'their sessions are unknown');

    await until(() => sockets.every(({ pid, over }) => pid !== victim || over), 'its WebSockets are gone');
    deepEqual(losses(sockets.filter(({ pid }) => pid !== victim)), [], 'no WebSocket of another worker is lost');
    // What it held for sessions of others went with it, as if their clients had broken it off.
    const held = pollers.filter(({ pid, over }) => pid !== victim && over);
    deepEqual(held.filter(({ over }) => !LOST.test(over)), [], `${held.length} requests for others were held there`);

    await until(() => official.every((client) => client.connected), 'the official clients are back', PATIENCE);
    for (const client of official) is(await client.timeout(5000).emitWithAck('ask', 1), 1, 'and at work');
    pollers.forEach((poller) => { poller.server = nginx; });
    survivors = [...sockets, ...pollers].filter(({ over }) => !over);
    await counted(survivors.length + official.length, 'after the kill');
    deepEqual((await accepting()).sort(), nginx.workers().sort(), 'the seat is left, its successor has one');
    await hears(survivors, 'after the kill');
    official.forEach((client) => client.disconnect());
}, { timeout: 60000 });

test('a good reload after all', async () => {
    const fresh = [...await gather(nginx, 20), ...await gather(nginx, 20, { kind: 'polling' })];
    deepEqual(losses(fresh), [], 'new clients come in');
    await hears([...survivors, ...fresh], 'with new clients');
    await nginx.reload(parts(3));
    await hears([...survivors, ...fresh], 'after a good reload');
    const newest = await gather(nginx, 20);
    await hears([...survivors, ...fresh, ...newest], 'with clients of new workers');
    const workers = nginx.workers();
    ok(newest.every(({ pid }) => workers.includes(pid)), 'which are where they belong');
    deepEqual(losses([...survivors, ...fresh, ...newest]), [], 'nobody is closed');
    leave([...survivors, ...fresh]);
    await until(() => nginx.leaving().length === 0, 'the old workers leave', PATIENCE);
    await counted(newest.length, 'the old clients left');
    leave(newest);
});

test('a worker is stopped for three seconds', async () => {
    const members = await gather(nginx, 60);
    const [{ pid: victim }] = members;
    const old = members.filter(({ pid }) => pid !== victim);
    const fresh = [];
    const times = [];
    process.kill(victim, 'SIGSTOP');
    for (const end = Date.now() + 3000; Date.now() < end;) {
        const began = Date.now();
        const text = await publish();
        fresh.push(...await gather(nginx, 5));
        await until(() => old.every(({ heard }) => heard.includes(text)), 'the others hear');
        times.push(Date.now() - began);
    }
    process.kill(victim, 'SIGCONT');
    const slowest = Math.max(...times);
    ok(slowest <= SOON, `${times.length} times five newcomers and a broadcast: the slowest after ${slowest} ms`);
    ok(fresh.every(({ pid }) => pid !== victim), 'newcomers go elsewhere');
    await until(() => members.every(({ heard }) => heard.length === times.length), 'its clients catch up');
    is(new Set(members.map(({ heard }) => heard.join())).size, 1, 'with all that they missed');
    await hears([...members, ...fresh], 'and it goes on');
    deepEqual(losses([...members, ...fresh]), [], 'nobody is closed');
});
