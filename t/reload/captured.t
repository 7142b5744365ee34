#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What the handshake left of nginx's variables is read by name after a reload whose rules mention
// them in another order, and others: by sockets that were handed over, by polling sessions that
// moved, and by disconnect { } of a worker that was killed.
'use strict';

const { test, is, ok, deepEqual } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { gather, losses, heardBy, status, PATIENCE } = require('../lib/crowd');
const { until } = require('../lib/until');

const TOLD = {
    port: '"$remote_port"',
    host: '"$http_host"',
    method: '"$request_method"',
    agent: '"$http_user_agent"',
    pid: '$pid',
};

// Rules that mention these, in this order.
const rules = (names) => {
    const document = `'data={${names.map((name) => `"${name}":${TOLD[name]}`).join()}}'`;
    return {
        workers: 2,
        http: `
            realtime_app app {
                zone app:16m;
                namespace / {
                    on who { emit who ${document}; }
                    connect { emit hello ${document}; }
                    disconnect { emit gone all ${document}; }
                }
            }`,
        server: `
            location /socket.io/ { realtime app; realtime_drain 0; }
            location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
    };
};

const FIRST = ['pid', 'port', 'host', 'method'];
const SWAPPED = ['method', 'agent', 'host', 'pid', 'port']; // of whom nobody knows the agent

let nginx;
let members;
let known; // what hello said

const events = ({ heard }, name) => heard.map((text) => JSON.parse(text)).filter(([event]) => event === name).map(([, data]) => data);
const last = (member) => { const all = events(member, 'who'); return all[all.length - 1]; };

async function ask(list) {
    const before = list.map((member) => events(member, 'who').length);
    list.forEach((member) => member.emit('who'));
    await until(() => list.every((member, at) => events(member, 'who').length > before[at]), 'everybody is told', PATIENCE);
    return list.map(last);
}

test('what is captured', async () => {
    nginx = await Nginx.start(rules(FIRST));
    members = [...await gather(nginx, 12), ...await gather(nginx, 6, { kind: 'polling' })];
    known = members.map(({ port, host, method, pid }) => ({ port, host, method, pid }));
    is(new Set(known.map(({ port }) => port)).size, members.length, 'each has a port of its own');
    ok(known.every(({ method, host }) => method === 'GET' && host === 'localhost'), 'and came by GET to localhost');
    deepEqual((await ask(members)).map(({ port, host, method, pid }) => ({ port, host, method, pid })), known, 'events are told the same');
});

test('rules that mention them in another order, and one more', async () => {
    await nginx.reload(rules(SWAPPED));
    await until(() => nginx.leaving().length === 0, 'the old workers leave', PATIENCE);
    deepEqual(await ask(members), known.map((one) => ({ ...one, agent: '' })), 'each value is found by its name');
});

test('disconnect { } of a killed worker', async () => {
    const [watch] = await gather(nginx, 1);
    await nginx.kill(nginx.workers().find((pid) => pid !== watch.pid));
    const lost = () => members.map((member, at) => ({ member, known: known[at] })).filter(({ member }) => member.over !== undefined);
    await until(async () => (await status(nginx)).roster.connections === members.length + 1 - lost().length && lost().length > 0,
        'they are mourned', PATIENCE);
    const byPort = (a, b) => a.port - b.port;
    await until(() => events(watch, 'gone').length >= lost().length, 'and told', PATIENCE);
    deepEqual(events(watch, 'gone').sort(byPort), lost().map((one) => ({ ...one.known, agent: '' })).sort(byPort),
        'each with its own values, once');
    await nginx.quit();
});
