// SPDX-License-Identifier: BSD-2-Clause
// A server whose connections spread: three workers behind a port with reuseport, so that the
// kernel picks a worker at random for each TCP connection. And clients, on each transport.
'use strict';

const fs = require('fs');

const { start } = require('./target');
const { client, connected, POLLING, WEBSOCKET, UPGRADE } = require('./client');
const { event } = require('./until');

const TRANSPORTS = { 'polling only': POLLING, 'websocket only': WEBSOCKET, 'polling and upgrade': UPGRADE };

async function startSpread({ workers = 3, http = '', server = '' }, options) {
    const running = await start({
        workers,
        http: `log_format seen '$pid $status $request_uri';\n${http}`,
        server: `listen 127.0.0.1:%%PORT_SPREAD%% reuseport;\naccess_log %%PREFIX%%/seen.log seen;\n${server}`,
    }, options);
    const port = running.values.PORT_SPREAD;
    return { running, port, url: `http://127.0.0.1:${port}`, stop: () => running.stop(), requests: (sid) => requests(running, sid) };
}

// The requests of the Engine.IO session `sid` that were answered: by which worker and how.
function requests(running, sid) {
    const lines = fs.readFileSync(running.file('seen.log'), 'latin1').split('\n').filter((line) => line.includes(`sid=${sid}`));
    return lines.map((line) => line.split(' ')).map(([worker, status]) => ({ worker, status: Number(status) }));
}

// Resolves when a client that may upgrade has done so.
async function settled(socket) {
    const { engine } = socket.io;
    if (socket.io.opts.transports.includes('websocket') && engine.transport.name !== 'websocket') await event(engine, 'upgrade');
    return socket;
}

// A client that is connected and, if it may, upgraded.
const ready = async (server, namespace, options) => settled(await connected(server, namespace, options));

// `n` clients at two workers at least. Each gets the event "hello" with its worker.
async function clientsApart(server, n, namespace, options) {
    const greeted = async () => {
        const socket = client(server, namespace, options);
        const [worker] = await event(socket, 'hello');
        return Object.assign(await settled(socket), { worker });
    };
    const clients = [];
    for (let tries = 0; clients.length < n; ++tries) {
        const socket = await greeted();
        const last = clients.length === n - 1;
        if (last && tries < 100 && clients.every(({ worker }) => worker === socket.worker)) socket.disconnect();
        else clients.push(socket);
    }
    return clients;
}

module.exports = { startSpread, settled, ready, clientsApart, TRANSPORTS };
