// SPDX-License-Identifier: BSD-2-Clause
// The table of docs/benchmarks.md: one line per row of the benchmark, found again by its name.
'use strict';

const fs = require('fs');
const path = require('path');

const { TITLES } = require('./servers');
const { ROOT } = require('../../lib/conf');

const PAGE = path.join(ROOT, 'docs/benchmarks.md');
const HEAD = ['| Row | What | Others | ngx-realtime | Held against | Goal |', '|---|---|---|---|---|---|'];

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) / 2)];
// The run whose value is the median.
const middle = (runs, value) => runs.find((run) => value(run) === median(runs.map(value)));
const percent = (ratio) => `${(ratio * 100).toFixed(0)} %`;

// Of values that were taken one after the other in the same round.
const ratio = (row, runs, ours, theirs) => median(runs[ours].map((run, i) => row.value(run) / row.value(runs[theirs][i])));

function comparison(row, runs) {
    if (row.gain) {
        const [one, two, ourOne, ourTwo] = row.gain;
        return `gain ${ratio(row, runs, ourTwo, ourOne).toFixed(2)}, the loop's ${ratio(row, runs, two, one).toFixed(2)}`;
    }
    const ours = row.servers.find((server) => server.startsWith('nginx'));
    return row.against ? `${percent(ratio(row, runs, ours, row.against))} of the ${TITLES[row.against]}` : '';
}

function line(row, runs) {
    const shown = (server) => {
        const run = middle(runs[server], row.value);
        const also = row.also ? row.also(run) : '';
        return `${row.show(row.value(run))}${also && ` (${also})`}`;
    };
    const ours = row.servers.filter((server) => server.startsWith('nginx'));
    const others = row.servers.filter((server) => !ours.includes(server));
    const cell = (list) => list.map((server) => (list.length > 1 || !server.startsWith('nginx') ? `${TITLES[server]}: ` : '') + shown(server)).join('<br>');
    return `| \`${row.name}\` | ${row.what} | ${cell(others)} | ${cell(ours)} | ${comparison(row, runs)} | ${row.goal} |`;
}

// What stands in the page between the marks of a part becomes edit(of it).
function rewrite(part, edit) {
    const page = fs.readFileSync(PAGE, 'utf8');
    const begin = `<!-- ${part}: written by build.sh -->\n`;
    const end = `<!-- end of ${part} -->`;
    const from = page.indexOf(begin) + begin.length;
    const to = page.indexOf(end);
    fs.writeFileSync(PAGE, page.slice(0, from) + edit(page.slice(from, to)) + page.slice(to));
}

// Replaces the lines of these rows, or appends them, in the order of all rows.
function write(lines, order) {
    rewrite('table', (old) => {
        const known = new Map(old.split('\n').map((text) => [(text.match(/^\| `([\w-]+)`/) || [])[1], text]));
        for (const [name, text] of lines) known.set(name, text);
        return [...HEAD, ...order.map((name) => known.get(name)).filter(Boolean), ''].join('\n');
    });
}

module.exports = { line, write, rewrite };
