#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Reloads from four workers to two and back to four, under a numbered broadcast, with 500
// WebSockets and 50 polling clients connected: nobody is closed, nobody misses or doubles a
// number, all move to the new workers, where newcomers land too, and the old workers leave.
'use strict';

const { test, is, ok, deepEqual, patience } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { gather, leave, losses, status, HELLO, SocketMember, PATIENCE } = require('../lib/crowd');
const { Publisher } = require('../lib/traffic');
const { until } = require('../lib/until');
const { alive } = require('../lib/proc');

const SOCKETS = 500;
const POLLERS = 50;
const NEWCOMERS = { websocket: 40, polling: 10 };
const PACE = 5; // ms between two numbers

const parts = (workers) => ({
    workers,
    http: `
        realtime_app app {
            zone app:32m;
            namespace / {
                ${HELLO}
                on ask { ack $realtime_args; }
            }
        }`,
    server: `
        location /socket.io/ { realtime app; realtime_ping interval=2s timeout=20s; }
        location /publish { realtime_publish app; allow 127.0.0.1; deny all; }
        location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
});

patience(120);

let nginx;
let publisher;
let members = [];
const generations = [];

const numbers = ({ heard }) => heard.map((text) => JSON.parse(text)[1]);
const caughtUp = (list, n) => until(() => list.every(({ heard }) => heard.length > 0 && Number(JSON.parse(heard[heard.length - 1])[1]) >= n),
    `${list.length} clients hear number ${n}`, PATIENCE);

// Everything up to a number that is published from now on.
const goOn = (list) => caughtUp(list, publisher.next + 20);

// Those who hear anything but one number after another from their first one on.
function gaps(list) {
    return list.filter((member) => {
        const heard = numbers(member);
        return heard.some((n, at) => n !== heard[0] + at);
    }).length;
}

async function crowd(sizes) {
    const kinds = await Promise.all(Object.entries(sizes).map(([kind, n]) => gather(nginx, n, { kind })));
    const list = kinds.flat();
    generations.push(list);
    members = members.concat(list);
    return list;
}

// The workers of the newest configuration, and the clients at home there.
async function newest() {
    const { workers } = await status(nginx);
    const cycle = Math.max(...workers.map((worker) => worker.cycle));
    const ours = workers.filter((worker) => worker.cycle === cycle && !worker.quitting);
    return { pids: ours.map(({ pid }) => pid), clients: ours.reduce((sum, { websocket, polling }) => sum + websocket + polling, 0) };
}

function steady(label) {
    deepEqual(losses(members), [], `${label}: nobody is closed`);
    is(gaps(members), 0, `${label}: nobody misses or doubles a number`);
    deepEqual(publisher.refused, [], `${label}: every number was taken`);
}

test('a crowd, and numbers', async () => {
    nginx = await Nginx.start(parts(4));
    await crowd({ websocket: SOCKETS, polling: POLLERS });
    publisher = new Publisher(nginx, PACE);
    await goOn(members);
    is((await status(nginx)).roster.connections, SOCKETS + POLLERS, 'all are there');
    steady('before');
    ok(members.every(({ heard }) => heard[0] === '["n",0]'), 'all hear the first number');
});

function reloaded(workers) {
    const label = `to ${workers} workers`;
    test(label, async () => {
        const old = nginx.workers();
        await nginx.reload(parts(workers));
        await goOn(members);
        steady(label);
        await until(() => !old.some(alive), 'the old workers leave', PATIENCE);
        is(nginx.leaving().length, 0, `${label}: the old workers have left`);
        const before = await newest();
        is(before.clients, members.length, `${label}: all clients have come to the new workers`);
        await goOn(await crowd(NEWCOMERS));
        const after = await newest();
        deepEqual(after.pids.sort(), nginx.workers().sort(), `${label}: the status names the new workers`);
        is(after.clients, members.length, `${label}: newcomers land there, too`);
        steady(`${label}, with newcomers`);
    });
}

reloaded(2);
reloaded(4);

// They have come here by mail, and their requests land at any worker.
test('polling sessions that have moved upgrade', async () => {
    const [first] = generations;
    const pollers = first.filter(({ poll }) => poll).slice(0, 20);
    const moved = await Promise.all(pollers.map(async (poller) => {
        const member = new SocketMember(nginx);
        const { hear } = member;
        const probed = new Promise((resolve) => { member.hear = (packet) => (packet === '3probe' ? resolve() : hear.call(member, packet)); });
        member.start(poller.sid);
        await until(() => member.open, 'the upgrade is answered');
        member.send('2probe');
        await probed;
        poller.pausing = true;
        await until(() => poller.paused, 'the client stops polling', PATIENCE);
        member.heard = poller.heard;
        member.send('5');
        return member;
    }));
    members = members.filter((member) => !pollers.includes(member)).concat(moved);
    generations[0] = first.filter((member) => !pollers.includes(member));
    generations[2] = generations[2].concat(moved);
    await goOn(members);
    steady('upgraded');
    is((await newest()).clients, members.length, 'upgraded: none is lost');
});

test('all leave', async () => {
    const [first] = generations;
    leave(first);
    members = members.filter((member) => !first.includes(member));
    await goOn(members);
    await publisher.stop();
    await caughtUp(members, publisher.next - 1);
    steady('after');
    const { workers } = await status(nginx);
    is(workers.length, 4, 'no seat is left taken');
    await until(async () => (await status(nginx)).roster.connections === members.length, 'whoever left is gone from the roster', PATIENCE);
    leave(members);
    await until(async () => (await status(nginx)).roster.connections === 0, 'the roster is empty', PATIENCE);
    is((await newest()).clients, 0, 'no client is left');
});
