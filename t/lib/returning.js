// SPDX-License-Identifier: BSD-2-Clause
// Clients that lose their transport and come back (connection state recovery), and what they saw.
'use strict';

const { event } = require('./until');

const BACK = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };

const OFFSET = /^[\w-]{4}\.[\w-]+\.\d+$/;

// Everything in the order in which it came; offsets are left out.
function record(socket) {
    const log = [];
    socket.onAny((...args) => log.push(OFFSET.test(args.at(-1)) ? args.slice(0, -1) : args));
    socket.on('connect', () => log.push(['CONNECT', socket.recovered]));
    return log;
}

// It loses its transport: `line` is the Network of cut.js that leads to its host.
async function lose(socket, line) {
    const lost = event(socket, 'disconnect');
    line.cut();
    await lost;
}

module.exports = { BACK, record, lose };
