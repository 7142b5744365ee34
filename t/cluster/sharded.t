#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The same cluster on the sharded adapter's wire, dynamic mode: rooms have channels of their own.
'use strict';

const { test, is, patience } = require('../lib/tap');
const { TRANSPORTS } = require('../lib/spread');
const { Cluster } = require('../lib/party');
const EMITS = require('../lib/interop_emits');
const { SHARED } = require('../lib/interop_asks');
const { until, silence } = require('../lib/until');

let cluster;
let party;

patience(180);

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    const label = (text) => `${transport}: ${text}`;
    test(label('002-75, 004-47: everybody is there'), async () => {
        cluster = cluster || await Cluster.start({ mode: 'sharded' });
        party = await cluster.party(options);
        await party.hears(party.cF, [], [], label('five clients of four servers'));
    }, { timeout: 60000 });

    for (const [name, body] of Object.entries({ ...EMITS, ...SHARED }))
        test(label(name), () => body(cluster, party, (text) => label(`${name}: ${text}`)));

    test(label('nothing more'), async () => {
        await silence(300);
        await party.hears(party.cG, [], [], label('comes late'));
        party.leave();
        await until(async () => (await cluster.A.run((io) => io.fetchSockets())).length === 0, label('all are gone'));
    });
}

test('a host is one subscription', async () => {
    is(await cluster.redis.subscribers('socket.io#/#', 'SHARDNUMSUB'), 4, 'of four servers');
});
