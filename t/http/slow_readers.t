#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Clients that stop reading while everybody is written to: what waits for them is bounded as
// configured, the status names the worst, they are closed, and who reads is served as before.
// RT_SOAK=1: a thousand of them during 100 MB/s to those that read.
'use strict';

const { test, is, ok, pass, like, deepEqual, diag, patience, SLOW } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { Herd } = require('../lib/herd');
const { get, post } = require('../lib/raw');
const { status, HELLO } = require('../lib/crowd');
const { open, next } = require('../lib/eio');
const { until, silence } = require('../lib/until');
const proc = require('../lib/proc');

const SOAK = process.env.RT_SOAK === '1';
const STALLED = SOAK ? 1000 : 60;
const READERS = SOAK ? 200 : 20;
const RATE = SOAK ? 100e6 : 10e6; // bytes a second, over all who read
const SECONDS = SOAK ? 20 : 3;
const EVENT = 10000; // bytes
const WORKERS = 2;
const SEND_BUFFER = 256 << 10;

patience(SOAK ? 600 : 120);

const parts = {
    workers: WORKERS,
    http: `
        realtime_app app {
            zone app:32m;
            user $realtime_auth_user;
            namespace / { ${HELLO} on flood { emit flood data=$realtime_arg_0; } }
        }`,
    server: `
        listen 127.0.0.1:%%PORT_NARROW%% sndbuf=64k;
        location /socket.io/ { realtime app; realtime_send_buffer ${SEND_BUFFER}; }
        location /large/ { realtime app; realtime_send_buffer 64m; }
        location /publish { realtime_publish app; allow 127.0.0.1; deny all; }
        location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
};

let nginx;
// Without the zone, which is as large as configured.
const memory = () => nginx.workers().reduce((sum, pid) => sum + proc.heap(pid), 0);

// One client that asks for more than it reads.
test('the slowest clients stand in the status', async () => {
    nginx = await Nginx.start(parts);
    const narrow = { port: nginx.values.PORT_NARROW };
    const slow = await open(narrow, { path: '/large/' });
    like(await next(slow.text('40{"user":"<ann>"}')), /^40/, 'joined');
    slow.connection.pause();
    const asleep = async () => (await status(nginx)).slowest;
    is((await asleep()).length, 0, 'nobody is slow');
    let events = 0;
    const waiting = async () => {
        slow.text(`42["flood","${'x'.repeat(20000)}"]`);
        ++events;
        return (await asleep()).find(({ queued }) => queued > 300000);
    };
    const shown = await until(waiting, 'it is shown');
    const { pid } = (await status(nginx)).workers.find(({ websocket }) => websocket > 0);
    deepEqual([shown.sid, shown.user, shown.address, shown.transport, shown.pid], [slow.handshake.sid.slice(0, 8), '<ann>', '127.0.0.1', 'websocket', pid], 'who it is');
    ok(shown.waits >= 0, `${shown.queued} bytes wait, for ${shown.waits} ms`);
    const { text } = await get(nginx, '/status');
    like(text, new RegExp(`Slowest clients[^]*${shown.sid}<td>&lt;ann><td>127\\.0\\.0\\.1<td>websocket`), 'also on the page');
    slow.connection.resume();
    for (let i = 0; i < events; ++i) await next(slow);
    await until(async () => (await asleep()).length === 0, 'it has read all, and is forgotten');
    slow.destroy();
});

// Publishes events at a rate that gives RATE over all who read, for so long, and so many at least.
async function broadcast(seconds, least = 0) {
    const pause = EVENT * READERS / RATE * 1000;
    const filler = 'x'.repeat(EVENT);
    const began = Date.now();
    let sent = 0;
    while (sent < least || Date.now() - began < seconds * 1000) {
        const now = Number(process.hrtime.bigint() / 1000n);
        const { status: code } = await post(nginx, '/publish', `{"event":"t","args":[${now},"${filler}"]}`, { 'Content-Type': 'application/json' });
        if (code !== 202) throw new Error(`publish: ${code}`);
        await silence(Math.max(0, ++sent * pause - (Date.now() - began)));
    }
    return sent;
}

test('many that do not read', async () => {
    const [readers, stalled] = await Promise.all([Herd.start(), Herd.start()]);
    await readers.run('meter', { port: nginx.port, count: READERS });
    await broadcast(1);
    await readers.run('measured');
    const plain = memory();
    const sent = await broadcast(SECONDS);
    const alone = await readers.run('measured');
    is(alone.count, sent * READERS, 'those that read hear everything');

    const before = memory();
    await stalled.run('stall', { port: nginx.values.PORT_NARROW, count: STALLED });
    let most = 0;
    let worst = [];
    const watch = setInterval(async () => {
        most = Math.max(most, memory());
        const { slowest } = await status(nginx).catch(() => ({ slowest: [] }));
        worst = slowest.length > worst.length ? slowest : worst;
    }, 200);
    const again = await broadcast(SECONDS, 150);
    clearInterval(watch);
    const together = await readers.run('measured');
    is(together.count, again * READERS, 'they do beside those that do not');
    deepEqual(together.over, [], 'and nobody of them is closed');

    const rate = (seen) => `${(seen.bytes / SECONDS / 1e6).toFixed(0)} MB/s, p50 ${(seen.p50 / 1000).toFixed(1)} ms, p99 ${(seen.p99 / 1000).toFixed(1)} ms`;
    diag(`alone: ${rate(alone)}; beside ${STALLED} that do not read: ${rate(together)}; memory ${plain >> 20}, ${before >> 20}, at most ${most >> 20} MiB`);
    if (SOAK) ok(together.p99 <= 2 * alone.p99, 'p99 is at most twice what it was');
    // The frames are shared: what waits is at most what all of them have missed since the first.
    const bound = WORKERS * 3 * SEND_BUFFER + STALLED * 4096;
    if (process.env.RT_PRELOAD) pass('memory is not measured: sanitizers keep what was freed');
    else ok(most - before <= bound, `memory grew by ${(most - before) >> 10} KiB, at most ${bound >> 10} were expected`);
    ok(worst.length > 0 && worst.every(({ queued }) => queued <= SEND_BUFFER + 2 * EVENT), `the status showed ${worst.length} of them`);
    const closed = async () => (await status(nginx)).total.slow_closed;
    await until(async () => await closed() >= STALLED, 'those that do not read are closed', 20000 * SLOW);
    is(await closed(), STALLED, 'those that do not read are closed, and counted');
    await Promise.all([readers.run('leave'), stalled.run('leave')]);
    await until(async () => (await status(nginx)).roster.connections === 0, 'all have left', 20000 * SLOW);
}, { timeout: SOAK ? 300000 : 60000 });
