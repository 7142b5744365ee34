#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Who cannot be handed over: TLS at a reload, everybody at a full stop. They leave evenly over
// realtime_drain, each told to come back, while all others stay. And those whose application or
// namespace is gone, and those for whom the new workers have no room.
'use strict';

const { test, is, ok, like, deepEqual, diag, patience, SLOW } = require('../lib/tap');
const { Nginx, conf } = require('../lib/nginx');
const { certificate } = require('../lib/cert');
const { connect, post } = require('../lib/raw');
const { gather, leave, losses, status, HELLO, PATIENCE } = require('../lib/crowd');
const { until, silence } = require('../lib/until');
const proc = require('../lib/proc');

const LONG = Boolean(process.env.RT_SOAK);
const DRAIN = (LONG ? 10000 : 4000) * SLOW;
const TOLERANCE = 0.2; // of the time
const AT_ONCE = 1000 * SLOW;

patience(LONG ? 200 : 120);

const http = `
    realtime_app app {
        zone app:16m;
        namespace / {
            ${HELLO}
            on ask { ack $realtime_args; }
        }
    }`;
const mourned = http.replace(HELLO, `${HELLO} disconnect { emit gone all data=$realtime_close_reason; }`);

function parts({ drain = `${DRAIN}ms`, workers = 3, main = '' } = {}) {
    const { cert, key } = certificate();
    return {
        workers,
        main,
        http,
        server: `
            listen 127.0.0.1:%%PORT_TLS%% ssl; ssl_certificate ${cert}; ssl_certificate_key ${key};
            location /socket.io/ { realtime app; realtime_drain ${drain}; }
            location /publish { realtime_publish app; allow 127.0.0.1; deny all; }
            location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
    };
}

const secure = (nginx) => ({ port: nginx.values.PORT_TLS, secure: true });

// When each of them ended, from now on.
function watch(members) {
    const began = Date.now();
    for (const member of members) {
        const { end } = member;
        member.end = (how) => {
            if (member.over === undefined && !member.left) member.ended = Date.now() - began;
            end.call(member, how);
        };
    }
}

// The share of those still open must fall linearly: how far the worst is from its moment, as a
// part of the whole time.
function unevenness(members, time) {
    const ends = members.map(({ ended }) => ended).sort((a, b) => a - b);
    return Math.max(...ends.map((end, i) => Math.abs(end - time * (i + 0.5) / ends.length) / time));
}

function linear(members, time, label) {
    const worst = unevenness(members, time);
    if (process.env.RT_ENDS) diag(members.map(({ ended }) => ended).sort((a, b) => a - b).join(" "));
    ok(worst <= TOLERANCE, `${label}: the share of the open ones falls linearly, within ${Math.round(worst * 100)} % of the time`);
}

const allOver = (members, what) => until(() => members.every(({ over }) => over !== undefined), what, DRAIN + PATIENCE);

test('TLS leaves evenly at a reload, all others stay', async () => {
    const nginx = await Nginx.start(parts());
    const tls = await gather(secure(nginx), LONG ? 600 : 150);
    const plain = [...await gather(nginx, 60), ...await gather(nginx, 15, { kind: 'polling' })];
    deepEqual(losses([...tls, ...plain]), [], 'all are there');
    watch(tls);
    await nginx.reload();
    await allOver(tls, 'every TLS client leaves');
    linear(tls, DRAIN, 'TLS');
    deepEqual(losses(tls), [1012], 'each is closed with 1012');
    await until(() => nginx.leaving().length === 0, 'the old workers leave');
    deepEqual(losses(plain), [], 'no other client is closed');
    const again = await gather(secure(nginx), 20);
    deepEqual(losses(again), [], 'and whoever comes back comes in');
    is((await status(nginx)).total.drained, tls.length, 'they are counted');
    leave([...plain, ...again]);
}, { timeout: DRAIN + 60000 });

test('a full stop drains everybody', async () => {
    const nginx = await Nginx.start(parts());
    const members = [...await gather(nginx, 90), ...await gather(secure(nginx), 60), ...await gather(nginx, 30, { kind: 'polling' })];
    await silence(200 * SLOW); // nothing tells when a server has begun to hold a poll
    watch(members);
    process.kill(nginx.pid, 'SIGQUIT');
    await allOver(members, 'everybody leaves');
    linear(members, DRAIN, 'full stop');
    deepEqual(losses(members).sort(), [1012, 'close packet'], 'with 1012, or a close packet');
    await until(() => nginx.gone, 'the end');
    await nginx.stop();
}, { timeout: DRAIN + 60000 });

test('a full stop behind a reload begins anew', async () => {
    const nginx = await Nginx.start(parts());
    const tls = await gather(secure(nginx), 60);
    await nginx.reload();
    await silence(DRAIN / 3);
    const left = tls.filter(({ over }) => over === undefined);
    watch(left);
    process.kill(nginx.pid, 'SIGQUIT');
    await allOver(left, 'everybody leaves');
    linear(left, DRAIN, 'stop behind a reload');
    deepEqual(losses(tls), [1012], 'each is closed with 1012');
    await until(() => nginx.gone, 'the end');
    await nginx.stop();
}, { timeout: 2 * DRAIN + 60000 });

test('realtime_drain 0: at once', async () => {
    const nginx = await Nginx.start(parts({ drain: '0' }));
    const tls = await gather(secure(nginx), 60);
    const plain = [...await gather(nginx, 60), ...await gather(nginx, 15, { kind: 'polling' })];
    watch(tls);
    await nginx.reload();
    await allOver(tls, 'every TLS client leaves');
    const slowest = Math.max(...tls.map(({ ended }) => ended));
    ok(slowest <= AT_ONCE, `the last one leaves after ${slowest} ms`);
    await until(() => nginx.leaving().length === 0, 'the old workers leave');
    deepEqual(losses(plain), [], 'no other client is closed');
    leave(plain);
});

test('worker_shutdown_timeout comes first', async () => {
    const nginx = await Nginx.start(parts({ drain: '60s', main: 'worker_shutdown_timeout 1s;' }));
    const tls = await gather(secure(nginx), 60);
    const plain = [...await gather(nginx, 60), ...await gather(nginx, 15, { kind: 'polling' })];
    watch(tls);
    await nginx.reload();
    await allOver(tls, 'every TLS client leaves');
    const slowest = Math.max(...tls.map(({ ended }) => ended));
    ok(slowest > 700 && slowest <= 1000 + AT_ONCE, `the last one leaves after ${slowest} ms`);
    await until(() => nginx.leaving().length === 0, 'the old workers leave');
    deepEqual(losses(plain), [], 'no other client is closed');
    leave(plain);
});

test('a worker that stays says why', async () => {
    const nginx = await Nginx.start({ ...parts({ drain: '1s' }), workers: 1 });
    const silent = await connect(nginx, PATIENCE);
    const [old] = nginx.workers();
    await until(() => proc.localPorts(old).filter((port) => port === nginx.port).length > 1, 'it is accepted');
    await nginx.reload();
    const [line] = await nginx.waitLog(/\[warn\].*a worker that leaves is still here, .*/, { ms: 30000 });
    like(line, new RegExp(`${old}#.*: a worker that leaves is still here, for connections that are not of this module`), 'in the log');
    silent.destroy();
    await until(() => nginx.leaving().length === 0, 'and leaves with its last connection');
    await nginx.stop();
});

// The namespace "/n" goes, with a client that is in "/" as well; then the application.
test('what is no longer configured', async () => {
    const both = mourned.replace('namespace /', 'namespace /n { }\n        namespace /');
    const nginx = await Nginx.start({ ...parts({ drain: '60s' }), http: both }, { level: 'debug' });
    const [stays, goes] = await gather(nginx, 2);
    goes.send('40/n,');
    await until(async () => (await status(nginx)).roster.sockets === 3, 'one is in both namespaces');
    await nginx.reload({ ...parts({ drain: '60s' }), http: mourned });
    await until(() => goes.over !== undefined, 'it is closed');
    is(goes.over, 1001, 'with 1001');
    await until(() => stays.heard.length === 1, 'disconnect { } of its other namespace runs');
    deepEqual(stays.heard, ['["gone","transport error"]'], 'once');
    is((await status(nginx)).roster.connections, 1, 'its records are gone');

    const seen = nginx.log().length;
    await nginx.reload(conf({ workers: 2, http: 'realtime_app other { zone other:8m; namespace / { } }', server: 'location /socket.io/ { realtime other; }' }));
    await until(() => stays.over !== undefined, 'the other is closed');
    is(stays.over, 1001, 'with 1001 too');
    await nginx.waitLog(/left \/: server shutting down/, { from: seen });
    await until(() => nginx.leaving().length === 0, 'the old workers leave');
    ok(true, 'and disconnect { } runs where its rules are known');
    await nginx.stop();
});

// One new worker with 64 connections for 100 clients: the others stay where they are.
test('too few connections in the new workers', async () => {
    const nginx = await Nginx.start(parts({ drain: '30s' }));
    const members = await gather(nginx, 100);
    watch(members);
    await nginx.reload(conf(parts({ drain: '30s', workers: 1 })).replace('worker_connections 4096', 'worker_connections 64'));
    await silence(500 * SLOW);
    deepEqual(losses(members), [], 'nobody is closed');
    const { total } = await status(nginx);
    ok(total.handed_over >= 30 && total.handed_over < 64, `${total.handed_over} moved`);
    is((await post(nginx, '/publish', '{"event":"n","args":[1]}', { 'Content-Type': 'application/json' })).status, 202, 'a request is served');
    await until(() => members.every(({ heard }) => heard.length === 1), 'all of them hear');
    leave(members.slice(0, 20));
    await until(async () => (await status(nginx)).total.handed_over > total.handed_over, 'more of them move when others leave');
    leave(members);
    await until(() => nginx.leaving().length === 0, 'the old workers leave');
    await nginx.stop();
});
