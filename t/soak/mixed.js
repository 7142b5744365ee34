#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Mixed load with random reloads and kills for RT_SOAK_SECONDS (3600): WebSockets that come back,
// official clients by polling and upgrade, rooms, acks, publishing. Nothing is lost on a
// connection, no memory and no descriptor is gained. RT_SEED repeats a run's dice.
'use strict';

const { test, is, ok, deepEqual, diag, patience } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { hooked, DIE_LOCKED } = require('../lib/conf');
const { post } = require('../lib/raw');
const { client, closeAll, POLLING, WEBSOCKET, UPGRADE } = require('../lib/client');
const { status, HELLO, PATIENCE } = require('../lib/crowd');
const { settle, Numbers, Stayer } = require('../lib/stayers');
const { until, silence } = require('../lib/until');
const proc = require('../lib/proc');

const SECONDS = Number(process.env.RT_SOAK_SECONDS || 3600);
const LONG = 1800; // seconds from which a slope per hour means something
const MIB = 1 << 20;
const SEED = Number(process.env.RT_SEED || Date.now() % 1e9);
const STAYERS = 80;
const DRAIN = 30000; // realtime_drain: what cannot move leaves by then

patience(SECONDS + 180);

let state = SEED;
const dice = (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % n;
};

const parts = {
    workers: 3,
    http: `
        realtime_app app {
            zone app:16m;
            namespace / {
                ${HELLO}
                on dance { join $realtime_arg_0; emit step "to=$realtime_arg_0" except=sender data=1; leave $realtime_arg_1; }
                on ask { ack $realtime_args; }
            }
        }`,
    server: `
        location /socket.io/ { realtime app; }
        location /publish { realtime_publish app; allow 127.0.0.1; deny all; }
        location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
};

let nginx;
const count = { reloads: 0, kills: 0, locked: 0, asked: 0, unanswered: 0, moved: 0 };

async function publish(n) {
    const { status: code } = await post(nginx, '/publish', `{"event":"n","args":[${n}]}`, { 'Content-Type': 'application/json' });
    if (code !== 202) throw new Error(`publish: ${code}`);
}

async function fault() {
    const workers = nginx.workers();
    const victim = workers[dice(workers.length)];
    switch (dice(4)) {
    case 0:
        ++count.reloads;
        return nginx.reload();
    case 1:
        ++count.locked;
        return nginx.kill(victim, DIE_LOCKED);
    default:
        ++count.kills;
        return nginx.kill(victim);
    }
}

// An official client that asks all the time; what a fault swallows is asked again.
async function asks(socket, going) {
    while (going()) {
        const answer = await socket.timeout(2000).emitWithAck('ask', count.asked).catch(() => undefined);
        ++count.asked;
        if (answer === undefined) ++count.unanswered;
        await silence(50);
    }
}

// What all processes of nginx have allocated, and what is used of the zone.
async function memory() {
    const heaps = proc.groupOf(nginx.pid).map((pid) => proc.heap(pid));
    const { roster } = await status(nginx);
    return { at: Date.now(), bytes: heaps.reduce((sum, heap) => sum + heap, 0) + roster.used, processes: heaps.length };
}

// Bytes an hour, by least squares.
function slope(samples) {
    const x = samples.map(({ at }) => at / 3600e3);
    const y = samples.map(({ bytes }) => bytes);
    const mean = (list) => list.reduce((sum, one) => sum + one, 0) / list.length;
    const [mx, my] = [mean(x), mean(y)];
    return x.reduce((sum, one, i) => sum + (one - mx) * (y[i] - my), 0) / x.reduce((sum, one) => sum + (one - mx) ** 2, 0);
}

test(`mixed load for ${SECONDS} s, seed ${SEED}`, async () => {
    nginx = await Nginx.start(parts, { level: 'notice', values: { MODULE: hooked() } });
    const descriptors = proc.descriptors(nginx.pid);
    const stayers = await settle(nginx, STAYERS);
    const gone = [];
    const end = Date.now() + SECONDS * 1000;
    const going = () => Date.now() < end;
    const officials = [POLLING, WEBSOCKET, UPGRADE, POLLING, WEBSOCKET, UPGRADE].map((options) => client(nginx, '/', { ...options, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 }));
    const asking = officials.map((socket) => asks(socket, going));
    const numbers = new Numbers(publish, 20);
    const samples = [];

    const dancing = setInterval(() => stayers.forEach((one) => one.emit('dance', `r${dice(100)}`, `r${dice(100)}`)), 200);
    const moving = setInterval(() => { // one goes, another comes
        const at = dice(stayers.length);
        stayers[at].leave();
        gone.push({ lost: stayers[at].lost, faults: stayers[at].faults });
        stayers[at] = new Stayer(nginx);
        ++count.moved;
    }, 100);

    for (let due = Date.now() + 2000; going(); due = Date.now() + 6000 + dice(6000)) {
        await fault();
        await silence(Math.max(0, Math.min(due, end) - Date.now()));
        await until(() => nginx.leaving().length === 0, 'old workers leave', DRAIN + PATIENCE);
        samples.push(await memory());
    }
    clearInterval(dancing);
    clearInterval(moving);
    await numbers.stop();
    await Promise.all(asking);
    await until(() => stayers.every(({ there }) => there), 'all are there', PATIENCE);
    await publish(numbers.next);
    await until(() => stayers.every(({ now }) => now.next === numbers.next + 1), 'the last number', PATIENCE);

    diag(JSON.stringify({ ...count, numbers: numbers.next, unsure: numbers.unsure.size }));
    const all = [...gone, ...stayers];
    deepEqual(all.flatMap(({ faults }) => faults), [], 'no number came twice or out of order');
    deepEqual(all.flatMap(({ lost }) => lost).filter((n) => !numbers.unsure.has(n)), [], 'none was lost on a connection');
    ok(officials.every((socket) => socket.connected), 'the official clients are there');
    stayers.forEach((one) => one.leave());
    closeAll();
    await until(async () => (await status(nginx)).roster.connections === 0, 'the roster is empty', PATIENCE);
    const { roster } = await status(nginx);
    deepEqual([roster.sockets, roster.rooms, roster.used], [0, 0, 0], 'nothing is left in the zone');
    is(proc.descriptors(nginx.pid), descriptors, 'the master has as many descriptors as before');
    const open = () => new Set(nginx.workers().map((pid) => proc.descriptors(pid)));
    await until(() => open().size === 1, 'the workers have equally many').catch(() => {});
    is(open().size, 1, `an old worker has as many descriptors as a young one: ${[...open()]}`);

    const steady = samples.filter(({ processes }) => processes === 4).slice(Math.ceil(samples.length / 5));
    const [first, last] = [steady[0], steady[steady.length - 1]];
    const perHour = slope(steady);
    diag(`memory ${(first.bytes / MIB).toFixed(2)} MiB, at the end ${(last.bytes / MIB).toFixed(2)}; ${(perHour / MIB).toFixed(2)} MiB/h over ${steady.length} samples`);
    if (SECONDS >= LONG) ok(perHour < MIB, 'memory grows by less than a MiB an hour');
    else ok(last.bytes - first.bytes < 4 * MIB, 'memory does not grow');
}, { timeout: (SECONDS + 150) * 1000 });
