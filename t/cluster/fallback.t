#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The tests of a single host once more, each app with a Redis: one that is not there, and one that
// is. Nothing that a client can see may differ.
'use strict';

const path = require('path');
const { spawn } = require('child_process');

const { test, is, like, diag, patience } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { freePort } = require('../lib/conf');

const SHORT = ['client_rooms.t'];
const LONG = ['client_events.t', 'client_namespaces.t', 'client_recovery.t', 'client_moving.t', 'server_acks.t', 'captures.t', '../reload/reload.t', '../reload/handover.t', '../http/transports.t'];
const FILES = process.env.RT_SOAK ? [...SHORT, ...LONG] : SHORT;

patience(600);

function run(file, RT_REDIS) {
    const child = spawn(process.execPath, [path.join(__dirname, '..', 'client', file)], { env: { ...process.env, RT_REDIS } });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => { out += bytes; });
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
}

function passes(name, urlOf) {
    test(name, async () => {
        const url = await urlOf();
        for (const file of FILES) {
            const { code, out } = await run(file, url);
            if (!is(code, 0, `${name}: ${file}`)) diag(out.split('\n').filter((line) => !line.startsWith('ok')).slice(0, 60).join('\n'));
            like(out, /^1\.\.\d+$/m, `${name}: ${file}: ${(out.match(/^ok/mg) || []).length} assertions`);
        }
    }, { timeout: 300000 });
}

passes('002-14: Redis is down', async () => `redis://127.0.0.1:${await freePort()}`);
passes('Redis is up', async () => (await Redis.start()).url);
