// SPDX-License-Identifier: BSD-2-Clause
// Runs a table of cases, name by name, once against a server with one worker and once
// against one with four. A case passes if it does not throw.
'use strict';

const tap = require('./tap');
const { start } = require('./target');

function suite(title, cases, { http, server, expected }) {
    for (const workers of [1, 4]) {
        const label = `${title}, ${workers} worker${workers > 1 ? 's' : ''}`;
        let running;
        tap.test(`${label}: the fixture`, async () => {
            running = await start({ workers, http, server });
            tap.is(Object.keys(cases).length, expected, `${label}: ${expected} cases`);
        });
        for (const [name, body] of Object.entries(cases))
            tap.test(`${label}: ${name}`, async () => { await body(running); tap.pass(`${label}: ${name}`); });
    }
}

module.exports = { suite };
