#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Workers are killed one after another, some of them at a random instruction inside a locked
// section of shared memory. Clients of the others notice nothing, those of the dead come back
// once, and what the dead left in the zones goes. RT_SOAK=1: 100 kills, one every two seconds.
'use strict';

const { test, is, ok, deepEqual, diag, patience, SLOW } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { hooked, DIE_LOCKED } = require('../lib/conf');
const { post } = require('../lib/raw');
const { status, gather, PATIENCE } = require('../lib/crowd');
const { settle, Numbers } = require('../lib/stayers');
const { until, silence } = require('../lib/until');

const SOAK = process.env.RT_SOAK === '1';
// Of `kills`, one every so many milliseconds, each `locked`th dies inside a section.
const PHASES = SOAK ? [{ kills: 100, every: 2000, locked: 3 }] : [{ kills: 12, every: 300, locked: 3 }, { kills: 30, every: 100, locked: 1 }];
const CLIENTS = SOAK ? 400 : 120;
const WORKERS = 4;

const parts = {
    workers: WORKERS,
    http: `
        realtime_app app {
            zone app:16m;
            namespace / {
                connect {
                    emit hello 'data={"worker":$realtime_worker,"pid":$pid}';
                    emit came to=watch data=$realtime_sid;
                }
                disconnect { emit went to=watch data=$realtime_sid; }
                on watch { join watch; ack 1; }
                on dance { join $realtime_arg_0; emit step "to=$realtime_arg_0" except=sender data=1; leave $realtime_arg_1; }
            }
        }`,
    server: `
        location /socket.io/ { realtime app; }
        location /publish { realtime_publish app; allow 127.0.0.1; deny all; }
        location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
};

patience(SOAK ? 900 : 120);

let nginx;

const JSON_TYPE = { 'Content-Type': 'application/json' };

async function publish(n) {
    const { status: code } = await post(nginx, '/publish', `{"event":"n","args":[${n}]}`, JSON_TYPE);
    if (code !== 202) throw new Error(`publish: ${code}`);
}

const room = () => `r${Math.random() * 200 | 0}`;

// Everybody joins and leaves rooms all the time: locked sections at every worker.
function dance(clients) {
    const timer = setInterval(() => clients.forEach((one) => one.emit('dance', room(), room())), CLIENTS);
    return () => clearInterval(timer);
}

// Any worker but that of the watcher.
async function killOne(signal, watcher) {
    const workers = nginx.workers().filter((pid) => pid !== watcher.pid);
    const victim = workers[Math.random() * workers.length | 0];
    await nginx.kill(victim, signal);
    return victim;
}

// How often the chains ran for each socket, as the watcher heard it.
function runsOf({ heard }) {
    const runs = { came: new Map(), went: new Map() };
    for (const [event, id] of heard.map((text) => JSON.parse(text)).filter(([event]) => event in runs)) runs[event].set(id, (runs[event].get(id) || 0) + 1);
    return runs;
}

// connect { } and disconnect { } have run once for each socket whose client was told that it is there.
// The roster is empty before the watcher has heard of it, and what ran too often is heard before `last`.
async function balanced(watcher, clients, last) {
    const told = clients.flatMap(({ lives }) => lives.map(({ id }) => id)).filter(Boolean);
    const allWent = () => {
        const { went } = runsOf(watcher);
        return told.every((id) => went.has(id));
    };
    await until(allWent, 'the last has gone', PATIENCE).catch(({ message }) => diag(message));
    await publish(last);
    await until(() => watcher.heard.includes(`["n",${last}]`), 'the watcher hears the end', PATIENCE);
    const { came, went } = runsOf(watcher);
    diag(`${told.length} sockets were told, connect { } ran for ${came.size}, disconnect { } for ${went.size}`);
    deepEqual(told.filter((id) => came.get(id) !== 1 || went.get(id) !== 1).map((id) => [id, came.get(id), went.get(id)]), [], 'connect { } and disconnect { } balance');
    deepEqual([...came.values(), ...went.values()].filter((times) => times > 1), [], 'neither ran twice for anybody');
    deepEqual([...went.keys()].filter((id) => !came.has(id)), [], 'nor disconnect { } for whom no connect { } had run');
}

const present = (clients) => until(() => clients.every(({ there }) => there), 'all are there', PATIENCE);

test('workers are killed', async () => {
    nginx = await Nginx.start(parts, { values: { MODULE: hooked() } });
    let latest = Date.now();
    let silent = 0;
    const onNumber = () => {
        silent = Math.max(silent, Date.now() - latest);
        latest = Date.now();
    };
    const [watcher] = await gather(nginx, 1);
    watcher.emit('watch');
    await until(async () => (await status(nginx)).roster.rooms === 1, 'the watcher watches');
    const clients = await settle(nginx, CLIENTS);
    clients.forEach((one) => { one.onNumber = onNumber; });
    const rest = dance(clients);
    const numbers = new Numbers(publish, 5);
    await until(() => clients.every(({ now }) => now.next > 0), 'all hear the first number');
    const harmed = new Map(clients.map((one) => [one, 0]));
    const signals = PHASES.flatMap(({ kills, every, locked }) => Array.from({ length: kills }, (unused, i) => ({ signal: i % locked ? 'SIGKILL' : DIE_LOCKED, every })));
    for (const { signal, every } of signals) {
        const pause = silence(every * SLOW);
        const lives = clients.map(({ now }) => now);
        const victim = await killOne(signal, watcher);
        const lost = lives.filter(({ pid }) => pid === victim);
        lost.forEach(({ owner }) => harmed.set(owner, harmed.get(owner) + 1));
        await until(() => lost.every(({ over }) => over !== undefined), 'they notice');
        await Promise.all([present(clients), pause]);
    }
    await numbers.stop();
    rest();
    await publish(numbers.next);
    await until(() => clients.every(({ now }) => now.next === numbers.next + 1), 'the last number', PATIENCE);

    diag(`${signals.length} kills, ${numbers.next} numbers, ${numbers.unsure.size} unsure, longest silence for all ${silent} ms`);
    deepEqual([...new Set(clients.flatMap(({ faults }) => faults))], [], 'no number came twice or out of order');
    deepEqual([...new Set(clients.flatMap(({ lost }) => lost))].filter((n) => !numbers.unsure.has(n)), [], 'none was lost on a connection');
    is(clients.filter((one) => one.stays.length !== harmed.get(one) + 1).length, 0, 'who was at a killed worker came back once, and nobody else');
    deepEqual([...new Set(clients.filter((one) => harmed.get(one) === 0).map(({ stays }) => stays[0].first))], [0], 'others heard everything from the first');
    is((nginx.log().match(/was locked by/g) || []).length, signals.filter(({ signal }) => signal === DIE_LOCKED).length, 'those that were to die inside a locked section did');
    clients.forEach((one) => one.leave());
    await until(async () => (await status(nginx)).roster.connections === 1, 'the roster is empty but for the watcher');
    await balanced(watcher, clients, numbers.next + 1);
    watcher.leave();
    await until(async () => (await status(nginx)).roster.connections === 0, 'the roster is empty');
    const { roster, total } = await status(nginx);
    deepEqual([roster.connections, roster.sockets, roster.rooms, roster.used, total.sockets], [0, 0, 0, 0, 0], 'nothing is left of anybody');
}, { timeout: SOAK ? 800000 : 90000 });

// The log is some megabytes: it goes round while the worker does not read. Nobody is in the room.
async function overrun() {
    const body = JSON.stringify({ event: 'fill', args: ['x'.repeat(250000)], rooms: ['nobody'] });
    for (let i = 0; i < 60; ++i) {
        const { status: code } = await post(nginx, '/publish', body, JSON_TYPE);
        if (code !== 202) throw new Error(`publish: ${code}`);
    }
}

test('a worker is stopped until the log has overrun it', async () => {
    const clients = await settle(nginx, 60);
    const [{ pid: victim }] = clients;
    const own = clients.filter(({ pid }) => pid === victim);
    const others = clients.filter(({ pid }) => pid !== victim);
    let slowest = 0;
    process.kill(victim, 'SIGSTOP');
    for (let n = 0; n < 20; ++n) {
        const began = Date.now();
        await publish(n);
        await until(() => others.every(({ now }) => now.next === n + 1), 'the others hear');
        slowest = Math.max(slowest, Date.now() - began);
    }
    await overrun();
    process.kill(victim, 'SIGCONT');
    ok(slowest <= 500 * SLOW, `nobody waits for it: the slowest of 20 broadcasts after ${slowest} ms`);
    await until(() => own.every(({ lives }) => lives[0].over !== undefined), 'its clients are told');
    deepEqual([...new Set(own.map(({ lives }) => lives[0].over))], [1005], 'in order, so that they come back');
    await present(clients);
    await publish(20);
    await until(() => clients.every(({ now }) => now.next === 21), 'all hear');
    ok(own.every(({ lost, faults }) => lost.length + faults.length === 0), 'no connection skipped anything in silence');
    is((await status(nginx)).total.lapped, 1, 'counted as lapped');
    ok(others.every(({ lives }) => lives.length === 1), 'the others stay');
    clients.forEach((one) => one.leave());
});
