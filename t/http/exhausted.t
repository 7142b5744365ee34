#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Too small by far: a zone, the connections of a worker, its descriptors; and a handshake rate that
// nginx's limit_req admits. Newcomers are refused or wait, who is there goes on, and when there
// is room again they come in.
'use strict';

const { test, is, ok, like, deepEqual, patience, SLOW } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { http: request, connect } = require('../lib/raw');
const { gather, leave, losses, status } = require('../lib/crowd');
const { Polling, open, next, query } = require('../lib/eio');
const { until, silence } = require('../lib/until');

const SOAK = process.env.RT_SOAK === '1';
const FACTOR = 10;
const ZONE = SOAK ? '4m' : '1m';

patience(SOAK ? 600 : 180);

const rules = 'connect { emit hello \'data={"worker":$realtime_worker,"pid":$pid}\'; } on ask { ack $realtime_args; } on all { emit said all data=$realtime_args; }';
const http = (zone) => `realtime_app app { zone app:${zone}; namespace / { ${rules} } }`;
const server = `
    location /socket.io/ { realtime app; }
    location /status { realtime_status app; allow 127.0.0.1; deny all; }`;

const handshake = (nginx, headers = {}) => request(nginx, { path: query('/socket.io/', 'polling'), headers });

// Everybody that was let in asks and is answered, and hears the broadcast of the first.
async function atWork(members, label) {
    members.forEach((member) => { member.heard.length = 0; member.acks = 0; });
    members.forEach((member) => member.send('421["ask",1]'));
    members[0].emit('all', label);
    await until(() => members.every(({ heard }) => heard.includes(`["said","${label}"]`)), `${label}: all hear`);
    deepEqual(losses(members), [], `${label}: who is there stays, and hears`);
}

// --- A zone that holds a tenth of those that come.

test('a zone too small by ten', async () => {
    const nginx = await Nginx.start({ workers: 3, http: http(ZONE), server });
    const { roster: empty } = await status(nginx);
    is(empty.free + empty.used, empty.size, 'used and free make up the size');
    const old = await gather(nginx, 50);
    const padding = { 'X-Padding': 'x'.repeat(1200) };
    const sids = [];
    let refused = 0;
    let fits = Infinity;
    const statuses = new Set();
    const come = async () => {
        while (sids.length + refused < FACTOR * fits) {
            const answer = await handshake(nginx, { ...padding, 'X-Own': String(Math.random()) });
            statuses.add(`${answer.status} ${answer.status === 200 || Number(answer.headers['retry-after']) > 0}`);
            if (answer.status === 200) sids.push(JSON.parse(answer.text.slice(1)).sid);
            else ++refused;
            if (refused === 1) fits = sids.length;
        }
    };
    await Promise.all(Array.from({ length: 20 }, come));
    deepEqual([...statuses].sort(), ['200 true', '503 true'], `${sids.length} of ${sids.length + refused} come in, the others get 503 with Retry-After`);
    const full = await status(nginx);
    ok(full.roster.free < empty.size / 20, `the status shows ${full.roster.free} of ${full.roster.size} bytes free`);
    is(full.total.refused.zone_full, refused, 'each refusal is counted');
    await atWork(old, 'full');
    const answers = [];
    const go = async () => {
        for (let sid = sids.pop(); sid; sid = sids.pop()) answers.push((await new Polling(nginx, '/socket.io/', { sid }).post('1')).status);
    };
    await Promise.all(Array.from({ length: 20 }, go));
    deepEqual([...new Set(answers)], [200], 'they leave');
    await until(async () => (await status(nginx)).roster.connections === old.length, 'they are gone');
    const again = await gather(nginx, 100);
    await atWork([...old, ...again], 'room again');
    leave([...old, ...again]);
    await until(async () => (await status(nginx)).roster.connections === 0, 'all have left');
    deepEqual((await status(nginx)).roster, empty, 'afterwards every cell is free');
    await nginx.stop();
}, { timeout: SOAK ? 300000 : 60000 });

// --- No connection, no descriptor left: nginx pauses accepting, others wait in the kernel's queue.

const LACKS = {
    'worker_connections': { main: '', events: 'worker_connections 100;', allowed: /worker_connections are not enough/ },
    'descriptors': { main: 'worker_rlimit_nofile 160;', events: 'worker_connections 4096;', allowed: /accept4?\(\) failed \(24: Too many open files\)/ },
};

// UBSan looks at memory through a pipe: without descriptors it finds faults that are none.
const sanitized = Boolean(process.env.RT_PRELOAD);
const lacks = Object.entries(LACKS).filter(([name]) => !sanitized || name !== 'descriptors');

for (const [name, { main, events, allowed }] of lacks) {
    test(`no ${name} left`, async () => {
        const text = `%%GLOBALS%%\nworker_processes 1;\n${main}\nevents { ${events} }\nhttp { %%GLOBALS_HTTP%%\n${http('8m')}\nserver { listen 127.0.0.1:%%PORT%%; ${server} } }\n`;
        const nginx = await Nginx.start(text);
        // nginx's own words, at alert or crit, one each time that it tries.
        const isOwn = (line) => allowed.test(line);
        const { unexpected } = nginx;
        nginx.unexpected = () => unexpected.call(nginx).filter((line) => !isOwn(line));
        const old = await gather(nginx, 20);
        const idle = [];
        const full = () => nginx.log().split('\n').some(isOwn);
        for (let i = 0; i < 400 && !full(); ++i) {
            idle.push(await connect(nginx));
            await silence(1);
        }
        await until(full, 'nginx says so');
        const waiting = open(nginx);
        waiting.catch(() => {});
        await atWork(old, `no ${name}`);
        idle.forEach((connection) => connection.destroy());
        const began = Date.now();
        const socket = await waiting.catch(() => open(nginx));
        const took = Date.now() - began;
        like(await next(socket.text('40')), /^40|^42/, 'a newcomer that waited comes in');
        ok(took <= 1000 * SLOW, `${took} ms after there was room`);
        await atWork(old, 'relief');
        socket.destroy();
        leave(old);
        await until(async () => (await status(nginx)).roster.connections === 0, 'all have left');
        await nginx.stop();
    }, { timeout: 60000 });
}

// --- Admission is nginx's: limit_req on the location, for handshakes alone.

test('handshakes are admitted by limit_req', async () => {
    const nginx = await Nginx.start({
        workers: 2,
        http: `
            map $arg_sid $handshake { "" all; default ""; }
            limit_req_zone $handshake zone=handshakes:1m rate=20r/s;
            limit_req_status 503;
            map $status $retry { 503 1; }
            ${http('8m')}`,
        server: `
            location /socket.io/ { limit_req zone=handshakes burst=10 nodelay; add_header Retry-After $retry always; realtime app; }
            location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
    });
    const answers = await Promise.all(Array.from({ length: 60 }, () => handshake(nginx)));
    const taken = answers.filter((one) => one.status === 200);
    ok(taken.length >= 11 && taken.length < 40, `${taken.length} of 60 at once come in`);
    ok(answers.every((one) => taken.includes(one) || (one.status === 503 && one.headers['retry-after'] === '1')), 'the others get 503 with Retry-After');
    const session = new Polling(nginx, '/socket.io/', JSON.parse(taken[0].text.slice(1)));
    await session.send('40');
    for (let i = 0; i < 30; ++i) await session.send(`42["all",${i}]`);
    let got = 0;
    while (got < 30) got += (await session.packet()).startsWith('42["said"') ? 1 : 0;
    is(got, 30, 'requests of a session are not limited');
    await nginx.stop();
});
