#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Most workers are killed at once and all their clients come back at once; clients of the others
// stay. RT_SOAK=1: ten thousand of them, from four processes.
'use strict';

const { test, is, ok, diag, patience, SLOW } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { Herd } = require('../lib/herd');
const { status, HELLO } = require('../lib/crowd');
const { until } = require('../lib/until');

const SOAK = process.env.RT_SOAK === '1';
const CLIENTS = SOAK ? 10000 : 400;
const HERDS = SOAK ? 4 : 2;
const WORKERS = 4;
const VICTIMS = 3;
const BACK = 15000 * SLOW; // milliseconds

patience(SOAK ? 400 : 120);

// Pings every two seconds, so that a survivor that is neglected would be lost.
const text = `%%GLOBALS%%
worker_processes ${WORKERS};
events { worker_connections 16384; }
http {
    %%GLOBALS_HTTP%%
    realtime_app app { zone app:64m; namespace / { ${HELLO} } }
    server {
        listen 127.0.0.1:%%PORT%% backlog=16384;
        location /socket.io/ { realtime app; realtime_ping interval=2s timeout=${SOAK ? 8 : 4}s; }
        location /status { realtime_status app; allow 127.0.0.1; deny all; }
    }
}
`;

test(`${CLIENTS} clients lose ${VICTIMS} of ${WORKERS} workers at once`, async () => {
    const nginx = await Nginx.start(text);
    const herds = await Promise.all(Array.from({ length: HERDS }, () => Herd.start()));
    await Promise.all(herds.map((herd) => herd.run('stay', { port: nginx.port, count: CLIENTS / HERDS, delay: 100 })));
    await until(async () => (await status(nginx)).roster.sockets === CLIENTS, 'all are there', 30000);
    const victims = nginx.workers().slice(0, VICTIMS);
    const before = await Promise.all(herds.map((herd) => herd.run('lives')));
    const survives = before.map(({ pids }) => pids.map((pid) => !victims.includes(pid)));
    const lives = before.map((one) => one.lives);
    const hit = survives.flat().filter((survivor) => !survivor).length;

    const began = Date.now();
    await Promise.all(victims.map((pid) => nginx.kill(pid)));
    await until(async () => (await status(nginx)).roster.connections < CLIENTS, 'the dead are noticed');
    await until(async () => (await status(nginx)).total.sockets === CLIENTS, 'all are back', 2 * BACK);
    const took = Date.now() - began;
    await Promise.all(herds.map((herd) => herd.run('back')));
    ok(hit >= CLIENTS / 2, `${hit} of ${CLIENTS} were at the workers that died`);
    ok(took <= BACK, `all are back after ${took} ms`);
    const after = await Promise.all(herds.map((herd) => herd.run('lives')));
    const moved = after.flatMap((one, at) => one.lives.filter((count, i) => survives[at][i] && count !== lives[at][i]));
    is(moved.length, 0, 'who was elsewhere stays');
    const { total, roster } = await status(nginx);
    is(total.ping_timeouts, 0, 'and nobody timed out');
    is(roster.sockets, CLIENTS, 'the roster counts all of them');
    diag(`${hit} came back in ${took} ms, one in ${after.flatMap((one) => one.lives).reduce((a, b) => Math.max(a, b), 0)} lives at most`);
    await Promise.all(herds.map((herd) => herd.run('leave')));
    await until(async () => (await status(nginx)).roster.connections === 0, 'all have left', 30000 * SLOW);
    is((await status(nginx)).roster.used, 0, 'and the zone is empty');
}, { timeout: SOAK ? 300000 : 90000 });
