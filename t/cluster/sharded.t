#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The same cluster on the sharded adapter's wire, dynamic mode: rooms have channels of their own.
'use strict';

const { test, is, unlike, patience } = require('../lib/tap');
const { TRANSPORTS } = require('../lib/spread');
const { interop } = require('../lib/interop');
const EMITS = require('../lib/interop_emits');
const { SHARED, SHARDED } = require('../lib/interop_asks');

patience(180);

const { now, begin, play, end } = interop('sharded');

for (const transport of Object.keys(TRANSPORTS)) {
    begin('002-75, 004-47: everybody is there', transport);
    play({ ...EMITS, ...SHARED, ...SHARDED }, transport);
    end('nothing more', transport);
}

test('a host is one subscription', async () => {
    is(await now.cluster.redis.subscribers('socket.io#/#', 'SHARDNUMSUB'), 4, 'of four servers');
});

test('nothing of it is worth a line of the log', () => {
    for (const { nginx } of [now.cluster.F, now.cluster.G]) unlike(nginx ? nginx.log() : '', /makes no sense|\[(error|crit|alert)\]/, 'no complaint');
});
