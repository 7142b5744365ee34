#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Many idle clients: connected, held over their heartbeats, and told one event at the end. Says
// what they cost, and writes it into docs/benchmarks.md. RT_CLIENTS (200000), RT_HOLD (300 s).
'use strict';

const fs = require('fs');
const os = require('os');

const { start } = require('./lib/servers');
const { measure, Holders } = require('./lib/load');
const { rewrite } = require('./lib/table');
const { deadline, silence } = require('../lib/until');

const CLIENTS = Number(process.env.RT_CLIENTS || 200000);
const HOLD = Number(process.env.RT_HOLD || 300);
const EACH = 15000; // clients of a process, which may open 20,000 descriptors

process.setMaxListeners(0);

// What the kernel holds for its objects, those of sockets among them.
const slab = () => Number(fs.readFileSync('/proc/meminfo', 'latin1').match(/Slab:\s+(\d+)/)[1]) * 1024;
const since = (then) => (Date.now() - then) / 1000;
const number = (value) => Math.round(value).toLocaleString('en-US');
const kib = (bytes) => `${(bytes / CLIENTS / 1024).toFixed(2)} KiB`;

async function statusOf(server) {
    const answer = await fetch(`http://127.0.0.1:${server.port}/status?format=json`);
    return answer.json();
}

async function cast(server, holders) {
    const began = Date.now();
    const heard = deadline(holders.next(), 'the event at every client', 120000);
    await measure('cast', server, { cores: os.cpus().length, source: 250, spin: 0 });
    const counts = await heard;
    return { seconds: since(began), heard: counts.reduce((sum, one) => sum + one.heard, 0) };
}

async function main() {
    const workers = Math.ceil(CLIENTS / EACH) + 2; // they need not be evenly filled
    const cores = os.cpus().length;
    const server = await start.nginx({ workers, cores, connections: 19000, zone: `${Math.max(64, Math.ceil(CLIENTS / 800))}m`, ping: '25s' });
    const [before, kernel] = [server.pss(), slab()];
    const began = Date.now();
    const holders = new Holders(server, { clients: CLIENTS, each: EACH, cores: cores });
    await holders.next();
    const joined = since(began);
    await silence(HOLD * 1000);
    const grown = server.pss() - before;
    const { roster } = await statusOf(server);
    const sockets = slab() - kernel;
    const event = await cast(server, holders);
    await holders.stop();
    await server.stop();
    const lines = [
        `* ${number(CLIENTS)} clients in ${workers} workers, connected and joined in ${joined.toFixed(0)} s, held for ${HOLD} s with a heartbeat every 25 s.`,
        `* One event to all: heard by ${number(event.heard)}, the last of them after ${event.seconds.toFixed(1)} s.`,
        `* Memory of a client: ${kib(grown + roster.used)} (${kib(grown)} of the workers, ${kib(roster.used)} of the zone); the kernel's, for both ends: ${kib(sockets)}.`,
    ];
    rewrite('idle', () => `${lines.join('\n')}\n`);
    process.stdout.write(`${lines.join('\n')}\n`);
    if (event.heard !== CLIENTS) throw new Error(`${CLIENTS - event.heard} did not hear it`);
}

main().then(() => process.exit(0), (error) => { process.stderr.write(`idle: ${error.message}\n`); process.exit(1); });
