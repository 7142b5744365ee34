#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Reloads again and again, to other numbers of workers each time, under clients that are in the
// middle of something: half a frame sent, half a frame received, a poll held, an answer awaited.
// Nobody notices. RT_SOAK=1 is the long form: 2,000 clients, a reload every 2 s for 60 s.
'use strict';

const { test, is, ok, deepEqual, diag, patience } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { gather, leave, losses, status, HELLO, PATIENCE } = require('../lib/crowd');
const { cutWrites, readSlowly, Asker, Publisher, unevenly } = require('../lib/traffic');
const { until, silence } = require('../lib/until');
const { alive } = require('../lib/proc');

const LONG = Boolean(process.env.RT_SOAK);
const SIZE = LONG ? { sockets: 1860, slow: 40, pollers: 100 } : { sockets: 260, slow: 20, pollers: 20 };
const RELOADS = LONG ? 31 : 7;
const EVERY = LONG ? 2000 : 700;     // ms from reload to reload
const ASKS = LONG ? 1500 : 2000;     // questions a second, of all together
const PAUSE = LONG ? 300 : 100;      // ms between two numbers
const WORKERS = [4, 1, 3, 2];        // from two on, and three at the end
const LARGE = 16 * 1024;             // bytes of an event for those who read slowly
const HELD_BACK = LONG ? 5000 : 1500; // ms that they do not read for

// Slow readers have a port of their own, where the kernel buffers little.
const parts = (workers) => ({
    workers,
    http: `
        realtime_app app {
            zone app:64m;
            namespace / {
                ${HELLO}
                on ask { ack $realtime_args; }
                on large { join large; }
            }
        }`,
    server: `
        listen 127.0.0.1:%%PORT_SLOW%% sndbuf=8k;
        location /socket.io/ { realtime app; realtime_ping interval=5s timeout=30s; realtime_send_buffer 16m; }
        location /publish { realtime_publish app; allow 127.0.0.1; deny all; client_max_body_size 1m; }
        location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
});

patience(LONG ? 240 : 120);

let nginx;
let busy = true;
const old = new Set();

async function reload(workers) {
    nginx.workers().forEach((pid) => old.add(pid));
    await nginx.reload(parts(workers));
}

// A number of questions a second, spread over all askers.
async function askAll(askers) {
    const began = Date.now();
    for (let asked = 0; busy; await silence(10)) {
        for (const due = (Date.now() - began) * ASKS / 1000; asked < due; ++asked) askers[asked % askers.length].ask();
    }
}

// How the newest workers share the clients.
async function shares() {
    const { workers } = await status(nginx);
    return workers.filter(({ quitting }) => !quitting).map(({ websocket, polling }) => websocket + polling);
}

test('reloads and other worker counts under clients that are in the middle of something (002-36)', async () => {
    nginx = await Nginx.start(parts(2), { level: 'notice' });
    const sockets = await gather(nginx, SIZE.sockets);
    const slow = await gather({ port: nginx.values.PORT_SLOW }, SIZE.slow);
    const pollers = await gather(nginx, SIZE.pollers, { kind: 'polling' });
    const members = [...sockets, ...slow, ...pollers];
    deepEqual(losses(members), [], `${members.length} clients`);
    slow.forEach((member) => member.emit('large'));
    await until(async () => (await status(nginx)).roster.rooms === 1, 'the room of the slow ones');

    sockets.forEach(cutWrites);
    const askers = [...sockets.map((member) => new Asker(member, 400)), ...pollers.map((member) => new Asker(member, 400))];
    const goesOn = () => busy;
    const running = [askAll(askers), ...slow.map((member) => readSlowly(member, HELD_BACK, goesOn))];
    const numbers = new Publisher(nginx, PAUSE);
    const large = new Publisher(nginx, 100, (n) => ({ event: 'large', args: [n, 'y'.repeat(LARGE)], rooms: ['large'] }));

    for (let round = 0; round < RELOADS; ++round) {
        const began = Date.now();
        await reload(WORKERS[round % WORKERS.length]);
        await silence(Math.max(EVERY - (Date.now() - began), 0));
    }
    await until(() => nginx.leaving().length === 0, 'the old workers leave', PATIENCE);
    is([...old].filter(alive).length, 0, `${old.size} old workers are gone`);
    const share = await shares();
    busy = false;
    await Promise.all([numbers.stop(), large.stop(), ...running]);
    await until(() => members.every(({ heard }) => heard.includes(`["n",${numbers.next - 1}]`)), 'the last number', PATIENCE)
        .catch(({ message }) => diag(message));
    await until(() => askers.every(({ asked, answered }) => asked === answered), 'the last answers', PATIENCE)
        .catch(({ message }) => diag(message));
    const last = `["large",${large.next - 1},`;
    await until(() => slow.every(({ heard }) => heard.some((text) => text.startsWith(last))), 'the last large one', PATIENCE)
        .catch(({ message }) => diag(message));

    deepEqual(losses(members), [], 'nobody is disconnected');
    deepEqual([...new Set(askers.flatMap(({ wrong }) => wrong))].slice(0, 5), [], 'every answer is the next one');
    is(askers.filter(({ asked, answered }) => asked !== answered).length, 0, 'every question is answered');
    is(unevenly(members, 'n', numbers.next), 0, 'everybody hears every number once and in order');
    is(unevenly(slow, 'large', large.next), 0, 'whoever reads slowly, too');
    deepEqual([...numbers.refused, ...large.refused], [], 'no request is refused');

    const { total, roster, workers } = await status(nginx);
    ok(total.handed_over >= RELOADS * SIZE.sockets * 0.9, `${total.handed_over} sockets were handed over in ${RELOADS} reloads`);
    ok(total.moves_out - total.handed_over >= RELOADS * SIZE.pollers / 2, `${total.moves_out - total.handed_over} polling sessions moved`);
    is(total.drained, 0, 'nobody had to be drained');
    is(roster.connections, members.length, 'everybody is in the roster, and nobody else');
    is(workers.length, nginx.workers().length, 'no seat is left taken');
    ok(Math.max(...share) <= members.length / share.length * 1.25, `the workers share them: ${share}`);
    const cuts = sockets.reduce((sum, member) => sum + (member.cuts || 0), 0);
    const answers = askers.reduce((sum, { answered }) => sum + answered, 0);
    diag(`${answers} answers, slowest ${Math.max(...askers.map(({ slowest }) => slowest))} ms; ${cuts} frames in halves; ` +
        `${numbers.next} numbers to ${members.length}, ${large.next} large ones to ${slow.length}`);
    leave(members);
    await until(async () => (await status(nginx)).roster.connections === 0, 'all have left', PATIENCE);
    await nginx.quit();
}, { timeout: LONG ? 230000 : 100000 });
