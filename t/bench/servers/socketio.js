// SPDX-License-Identifier: BSD-2-Clause
// Socket.IO on Node: socketio.js <port> [uws] [redis=<port>]. The events of the benchmark (load/events.hpp),
// WebSocket only, without compression, as few objects per client as the documentation knows.
'use strict';

const http = require('http');
const { Server } = require('socket.io');

const [port, engine = ''] = process.argv.slice(2);
const options = { transports: ['websocket'], serveClient: false, perMessageDeflate: false, pingInterval: 300000 };

function serve(io) {
    io.engine.on('connection', (socket) => { socket.request = null; }); // the first request, or it is kept
    io.on('connection', (socket) => {
        socket.on('join', () => socket.join('lobby'));
        socket.on('cast', (text) => io.emit('cast', text));
        socket.on('chat', (text) => io.to('lobby').emit('chat', text));
        socket.on('call', (text, answer) => answer({ ok: true }));
    });
}

// The official adapter, if there is a Redis.
async function adapter(redis) {
    if (!redis) return {};
    const { createAdapter } = require('@socket.io/redis-adapter');
    const pub = require('redis').createClient({ url: `redis://127.0.0.1:${redis}` });
    const sub = pub.duplicate();
    await Promise.all([pub.connect(), sub.connect()]);
    return { adapter: createAdapter(pub, sub) };
}

async function start(redis) {
    const server = http.createServer();
    serve(new Server(server, { ...options, ...await adapter(redis) }));
    server.listen(Number(port), '127.0.0.1', 4096);
}

if (engine === 'uws') {
    const { App } = require('@trufflesuite/uws-js-unofficial');
    const app = App();
    const io = new Server(options);
    io.attachApp(app, options);
    serve(io);
    app.listen(Number(port), (token) => { if (!token) process.exit(1); });
} else {
    start(engine.startsWith('redis=') ? engine.slice('redis='.length) : undefined);
}
