#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Measures the rows of docs/benchmarks.md, or those whose names begin as the arguments do, and
// writes them there. RT_ROUNDS: how often each (medians are shown), RT_SECONDS: how long.
'use strict';

const { ROWS } = require('./lib/rows');
const { start } = require('./lib/hosts');
const { measure } = require('./lib/load');
const table = require('./lib/table');

process.setMaxListeners(0); // one per child

const ROUNDS = Number(process.env.RT_ROUNDS || 3);
const SECONDS = Number(process.env.RT_SECONDS || 1.5);

const coresOf = (row, server) => (row.cores && row.cores[server]) || 1;

// One value of every server after the other, so that a slow moment of the machine hits all.
async function roundsOf(row, servers) {
    const runs = Object.fromEntries(row.servers.map((name) => [name, []]));
    for (let round = 0; round < (row.rounds || ROUNDS); ++round) {
        for (const name of row.servers) {
            const own = row.perServer && row.perServer[name];
            const run = row.run ? await row.run(name) : await measure(row.scenario, servers[name],
                { cores: coresOf(row, name), seconds: SECONDS, ...row.args, ...own });
            runs[name].push(run);
            process.stdout.write(`  ${row.name} ${name}: ${row.show(row.value(run))}${row.also && row.also(run) ? `, ${row.also(run)}` : ''}\n`);
        }
    }
    return runs;
}

async function runRow(row) {
    const servers = {};
    if (!row.run) for (const name of row.servers) servers[name] = await start[name]();
    try {
        return table.line(row, await roundsOf(row, servers));
    } finally {
        for (const server of Object.values(servers)) await server.stop();
    }
}

async function main(prefixes) {
    const rows = ROWS.filter(({ name }) => prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix)));
    if (rows.length === 0) throw new Error(`no such row; there are: ${ROWS.map(({ name }) => name).join(' ')}`);
    const lines = new Map();
    for (const row of rows) lines.set(row.name, await runRow(row));
    table.write(lines, ROWS.map(({ name }) => name));
    process.stdout.write(`${[...lines.values()].join('\n')}\n`);
}

main(process.argv.slice(2)).catch((error) => { process.stderr.write(`bench: ${error.message}\n`); process.exit(1); });
