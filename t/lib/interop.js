// SPDX-License-Identifier: BSD-2-Clause
// The scenarios of party.js as tests, over one transport after the other: begin() gathers a party
// of clients, play() queues a table of scenarios, end() sees that nobody heard more than told.
'use strict';

const { test } = require('./tap');
const { TRANSPORTS } = require('./spread');
const { Cluster } = require('./party');
const { until, silence } = require('./until');

// `mode` of the adapter. In `now` are the cluster and the party of the test that runs.
function interop(mode) {
    const now = { cluster: undefined, party: undefined };

    const begin = (title, transport) => test(`${transport}: ${title}`, async () => {
        now.cluster = now.cluster || await Cluster.start({ mode });
        now.party = await now.cluster.party(TRANSPORTS[transport]);
        await now.party.hears(now.party.cF, [], [], `${transport}: five clients of four servers`);
    }, { timeout: 60000 });

    const play = (table, transport) => {
        for (const [name, body] of Object.entries(table)) {
            const label = (text) => `${transport}: ${text}`;
            test(label(name), () => body(now.cluster, now.party, (text) => label(`${name}: ${text}`)));
        }
    };

    const end = (title, transport) => test(`${transport}: ${title}`, async () => {
        await silence(300);
        await now.party.hears(now.party.cG, [], [], `${transport}: comes late`);
        now.party.leave();
        await until(async () => (await now.cluster.A.run((io) => io.fetchSockets())).length === 0, `${transport}: all are gone`);
    });

    return { now, begin, play, end };
}

module.exports = { interop };
