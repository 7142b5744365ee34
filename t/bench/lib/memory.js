// SPDX-License-Identifier: BSD-2-Clause
// What an idle client costs: the proportional set size of all processes of a server, shared
// memory included, before and after they came.
'use strict';

const { Holders } = require('./load');
const { start } = require('./servers');
const { silence } = require('../../lib/until');

const SLOT = 432; // bytes of one of nginx's worker_connections

// One process may open some 20,000 descriptors.
const PSS_CLIENTS = { nginx: 50000, node: 15000, uws: 15000 };
const OPTIONS = { nginx: { workers: 4, connections: 16384, zone: '256m' } };

// What the clients' records take of the zone; zero for other servers.
async function zoneUsed(server) {
    if (!server.name.startsWith('nginx')) return 0;
    const answer = await fetch(`http://127.0.0.1:${server.port}/status?format=json`);
    return (await answer.json()).roster.used;
}

async function pss(name) {
    const clients = PSS_CLIENTS[name];
    const server = await start[name](OPTIONS[name]);
    await silence(500);
    const before = server.pss();
    const holders = new Holders(server, { clients });
    await holders.next();
    await silence(1000); // what joining needed is free
    const after = server.pss();
    const zone = await zoneUsed(server);
    await holders.stop();
    await server.stop();
    const { workers, connections } = OPTIONS[name] || { workers: 0, connections: 0 };
    return { growth: (after - before) / clients, zone: zone / clients, slots: workers * connections * SLOT / clients };
}

module.exports = { pss, PSS_CLIENTS };
