#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// 1,000 clients over four workers that share one listening socket: nobody holds more than 1.5
// times the mean. Broadcasts of every worker reach all of them once, in one order.
'use strict';

const { test, is, ok, deepEqual, patience } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { gather, leave, losses, heardBy, status, HELLO } = require('../lib/crowd');
const { until } = require('../lib/until');

const WORKERS = 4;
const CLIENTS = 1000;
const ROUNDS = 5;

const parts = {
    workers: WORKERS,
    http: `
        realtime_app app {
            zone app:32m;
            namespace / {
                ${HELLO}
                on shout { emit said all data=$realtime_args; }
            }
        }`,
    server: `
        location /socket.io/ { realtime app; }
        location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
};

patience(120);

let nginx;

// How many clients are at home at each worker.
const homes = ({ workers }) => workers.map(({ websocket, polling }) => websocket + polling);

async function balanced(label) {
    const now = await status(nginx);
    const shares = homes(now);
    is(shares.reduce((sum, share) => sum + share, 0), CLIENTS, label('the status counts every client once'));
    is(now.roster.connections, CLIENTS, label('so does the roster'));
    is(shares.length, WORKERS, label('four workers'));
    ok(Math.max(...shares) <= 1.5 * CLIENTS / WORKERS, label(`no worker has more than 1.5 times the mean: ${shares.join(' ')}`));
}

// One client per worker shouts, all at the same time, several times.
async function oneOrder(members, label) {
    const speakers = [...new Map(members.map((member) => [member.worker, member])).values()];
    is(speakers.length, WORKERS, label('a client at every worker'));
    for (let round = 0; round < ROUNDS; ++round) speakers.forEach((member) => member.emit('shout', member.worker, round));
    const count = WORKERS * ROUNDS;
    await heardBy(members, count);
    speakers[0].emit('shout', 'end', 0);
    await heardBy(members, count + 1);
    const [first] = members;
    is(new Set(first.heard).size, count + 1, label('each broadcast once'));
    is(first.heard[count], '["said","end",0]', label('and nothing else'));
    const order = first.heard.join();
    is(members.filter(({ heard }) => heard.join() !== order).length, 0, label('all clients hear the same in one order'));
    for (const { worker } of speakers) {
        const rounds = first.heard.map((text) => JSON.parse(text)).filter(([, by]) => by === worker).map(([, , round]) => round);
        deepEqual(rounds, [0, 1, 2, 3, 4], label(`those of worker ${worker} in order`));
    }
}

function run(name, options) {
    const label = (text) => `${name}: ${text}`;
    test(name, async () => {
        nginx = nginx || await Nginx.start(parts);
        const members = await gather(nginx, CLIENTS, options);
        deepEqual(losses(members), [], label('all came in'));
        await balanced(label);
        await oneOrder(members, label);
        deepEqual(losses(members), [], label('all stay'));
        leave(members);
        await until(async () => homes(await status(nginx)).every((share) => share === 0), label('all are gone'));
    }, { timeout: 60000 });
}

run('websockets, one after another', { width: 10 });
run('websockets, all at once', { width: CLIENTS });
run('polling', { kind: 'polling', width: 50 });
