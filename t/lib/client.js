// SPDX-License-Identifier: BSD-2-Clause
// The official clients, closed at the end of the file whatever happens.
'use strict';

const { io } = require('socket.io-client');
const tap = require('./tap');
const { event } = require('./until');

const open = new Set();

function track(socket) {
    if (open.size === 0) tap.after(closeAll);
    open.add(socket);
    return socket;
}

function closeAll() {
    for (const socket of open) socket.disconnect();
    open.clear();
}

// A client of its own connection that does not reconnect unless told to. `nginx` is anything
// with a `url`; `namespace` begins with "/".
function client(nginx, namespace = '/', options = {}) {
    return track(io(nginx.url + namespace, { forceNew: true, reconnection: false, ...options }));
}

// The same, connected; rejects with the server's connect_error.
async function connected(nginx, namespace, options) {
    const socket = client(nginx, namespace, options);
    const refused = new Promise((resolve, reject) => socket.once('connect_error', reject));
    await Promise.race([event(socket, 'connect'), refused]);
    return socket;
}

// A further namespace over the connection of `socket`.
const sibling = (socket, namespace, auth) => track(socket.io.socket(namespace, auth ? { auth } : undefined));

const POLLING = { transports: ['polling'] };
const WEBSOCKET = { transports: ['websocket'] };
const UPGRADE = { transports: ['polling', 'websocket'] };

module.exports = { client, connected, sibling, closeAll, POLLING, WEBSOCKET, UPGRADE };
