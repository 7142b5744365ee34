// SPDX-License-Identifier: BSD-2-Clause
// What an idle client costs: the proportional set size of all processes of a server, shared
// memory included, before and after they came.
'use strict';

const { Holders } = require('./load');
const { start } = require('./servers');
const { silence } = require('../../lib/until');

// One process may open some 20,000 descriptors.
const PSS_CLIENTS = { nginx: 50000, node: 15000, uws: 15000 };
const OPTIONS = { nginx: { workers: 4, connections: 16384, zone: '256m' } };

async function pss(name) {
    const clients = PSS_CLIENTS[name];
    const server = await start[name](OPTIONS[name]);
    await silence(500);
    const before = server.pss();
    const holders = new Holders(server, { clients });
    await holders.next();
    await silence(1000); // what joining needed is free
    const after = server.pss();
    await holders.stop();
    await server.stop();
    return { growth: (after - before) / clients, all: after / clients };
}

module.exports = { pss, PSS_CLIENTS };
