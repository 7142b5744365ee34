#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The stock client with recovery, while its workers leave (TLS at a reload, which is drained) and
// while they are killed: whoever loses its transport comes back to its socket and hears every
// number of a broadcast once and in order. RT_SOAK=1: a minute of reloads, a hundred kills.
'use strict';

const { test, ok, deepEqual, diag, patience, SLOW } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { certificate } = require('../lib/cert');
const { client } = require('../lib/client');
const { post } = require('../lib/raw');
const { PATIENCE } = require('../lib/crowd');
const { Numbers } = require('../lib/stayers');
const { until, silence } = require('../lib/until');

const LONG = process.env.RT_SOAK === '1';
const DRAIN = 1500 * SLOW;
const RELOADS = LONG ? 30 : 2;
const KILLS = LONG ? 100 : 6;
const CLIENTS = LONG ? 200 : 40;
const EVERY = (LONG ? 2000 : 200) * SLOW; // between two of them

patience(LONG ? 900 : 120);

const COMES_BACK = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 200, rejectUnauthorized: false };
const MADE_OF = { websocket: ['websocket'], polling: ['polling'] };

function parts() {
    const { cert, key } = certificate();
    return {
        workers: 3,
        http: `
            realtime_app app {
                zone app:32m;
                recovery 1m;
                namespace / { connect { emit hello data=$pid; } }
            }`,
        server: `
            listen 127.0.0.1:%%PORT_TLS%% ssl; ssl_certificate ${cert}; ssl_certificate_key ${key};
            location /socket.io/ { realtime app; realtime_drain ${DRAIN}ms; }
            location /publish { realtime_publish app; allow 127.0.0.1; deny all; }`,
    };
}

// One stock client: the numbers it heard, its losses, and what each CONNECT said of recovery.
class Hearer {
    constructor(url, transports) {
        Object.assign(this, { numbers: [], losses: 0, recoveries: [] });
        this.socket = client({ url }, '/', { ...COMES_BACK, transports });
        this.socket.on('n', (n) => this.numbers.push(n));
        this.socket.on('hello', (pid) => { this.pid = pid; });
        this.socket.on('disconnect', () => {
            ++this.losses;
            this.pid = undefined;
        });
        this.socket.on('connect', () => this.recoveries.push(this.socket.recovered));
    }

    get there() { return this.socket.connected && this.pid !== undefined && this.recoveries.length === this.losses + 1; }
}

async function publish(nginx, n) {
    const { status } = await post(nginx, '/publish', `{"event":"n","args":[${n}]}`, { 'Content-Type': 'application/json' });
    if (status !== 202) throw new Error(`publish: ${status}`);
}

// What a client should have heard and did not, or heard twice, or too late.
function wrongs({ numbers }, { next, unsure }) {
    const wrong = numbers.filter((n, i) => i > 0 && n <= numbers[i - 1]).map((n) => `${n} again`);
    const heard = new Set(numbers);
    for (let n = 0; n < next; ++n) if (!heard.has(n) && !unsure.has(n)) wrong.push(`${n} missed`);
    return wrong;
}

// `disturb` is called `times` times, while a number is published every few milliseconds.
async function listen(nginx, { hearers, times, disturb }) {
    const present = (what) => until(() => hearers.every(({ there }) => there), what, PATIENCE);
    await present('all are there');
    const numbers = new Numbers((n) => publish(nginx, n), 5);
    await until(() => hearers.every((one) => one.numbers.length > 0), 'all hear', PATIENCE);
    for (let i = 0; i < times; ++i) {
        const pause = silence(EVERY);
        await disturb(hearers);
        await Promise.all([present('all are back'), pause]);
    }
    await numbers.stop();
    await publish(nginx, numbers.next);
    await until(() => hearers.every((one) => one.numbers.at(-1) === numbers.next), 'all hear the last number', PATIENCE);
    const losses = hearers.reduce((sum, one) => sum + one.losses, 0);
    diag(`${numbers.next} numbers, ${numbers.unsure.size} unsure, ${losses} transports lost`);
    ok(losses > 0, 'transports were lost');
    deepEqual(hearers.flatMap(({ recoveries }) => recoveries.slice(1)).filter((recovered) => !recovered), [], 'every one was recovered');
    deepEqual([...new Set(hearers.flatMap((one) => wrongs(one, numbers)))], [], 'every number came once, in order');
    hearers.forEach(({ socket }) => socket.disconnect());
}

test('TLS is drained at a reload (002-33)', async () => {
    const nginx = await Nginx.start(parts());
    const url = `https://127.0.0.1:${nginx.values.PORT_TLS}`;
    const hearers = Array.from({ length: CLIENTS }, () => new Hearer(url, MADE_OF.websocket));
    const disturb = async () => {
        const before = hearers.map(({ losses }) => losses);
        await nginx.reload();
        await until(() => hearers.every(({ losses }, i) => losses > before[i]), 'everybody was closed', DRAIN + PATIENCE);
    };
    await listen(nginx, { hearers, times: RELOADS, disturb });
    await nginx.quit();
}, { timeout: LONG ? 400000 : 60000 });

for (const [kind, transports] of Object.entries(MADE_OF)) {
    test(`workers are killed: ${kind}`, async () => {
        const nginx = await Nginx.start(parts());
        const hearers = Array.from({ length: CLIENTS }, () => new Hearer(nginx.url, transports));
        const disturb = async () => {
            const victim = hearers[Math.random() * hearers.length | 0].pid;
            const lost = hearers.filter(({ pid }) => pid === victim);
            const before = lost.map(({ losses }) => losses);
            await nginx.kill(victim);
            await until(() => lost.every(({ losses }, i) => losses > before[i]), 'they notice', PATIENCE);
        };
        await listen(nginx, { hearers, times: KILLS, disturb });
        await nginx.quit();
    }, { timeout: LONG ? 800000 : 90000 });
}
