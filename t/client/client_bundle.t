#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// realtime_serve_client: the directory of the official client's bundles, served beside the
// transports, so that a page needs no other server for it.
'use strict';

const fs = require('fs');
const path = require('path');

const { test, is, ok, like, deepEqual } = require('../lib/tap');
const { start, ours } = require('../lib/target');
const { ready } = require('../lib/spread');
const { POLLING } = require('../lib/client');
const { http } = require('../lib/raw');
const { publicCopy } = require('../lib/files');

const BUNDLES = publicCopy(path.resolve(__dirname, '..', 'node_modules', 'socket.io-client', 'dist'));
const server = `
    location /socket.io/ { realtime app; realtime_serve_client ${BUNDLES}; realtime_cors http://ok.example; }
    location /without/ { realtime app; }`;

let app;
const begin = (name, body, run = test) => run(name, async () => {
    app = app || await start({ http: 'realtime_app app { zone app:8m; namespace / { on ask { ack 1; } } }', server });
    await body();
}, { repeat: 2 });

const file = (name) => fs.readFileSync(path.join(BUNDLES, name));

begin('the bundles', async () => {
    for (const name of ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.msgpack.min.js', 'socket.io.js.map']) {
        const { status, body, headers } = await http(app, { path: `/socket.io/${name}` });
        deepEqual([status, body.equals(file(name))], [200, true], name);
        if (name.endsWith('.js')) like(headers['content-type'], /javascript/, `${name}: its type`);
    }
    is((await http(app, { path: '/socket.io/socket.io.js?v=4' })).status, 200, 'with a query');
});

begin('nothing else', async () => {
    for (const name of ['socket.io.evil.js', 'index.html', '', 'socket.io.js/x', '%2e%2e/package.json', 'package.json'])
        ok((await http(app, { path: `/socket.io/${name}` })).status >= 400, `/socket.io/${name} is no bundle`);
    is((await http(app, { path: '/without/socket.io.js' })).status, 400, 'off by default: an Engine.IO request without a transport');
});

begin('transports beside it', async () => {
    const socket = await ready(app, '/', POLLING);
    is(await socket.emitWithAck('ask'), 1, 'work');
    socket.disconnect();
});

begin('caching', async () => {
    const { headers } = await http(app, { path: '/socket.io/socket.io.js' });
    ok(headers.etag, `an ETag: ${headers.etag}`);
    is(headers['cache-control'], 'public, max-age=0', 'to be asked for again');
    const again = await http(app, { path: '/socket.io/socket.io.js', headers: { 'If-None-Match': headers.etag } });
    deepEqual([again.status, again.body.length], [304, 0], 'unchanged: 304');
    const head = await http(app, { method: 'HEAD', path: '/socket.io/socket.io.js' });
    deepEqual([head.status, Number(head.headers['content-length'])], [200, file('socket.io.js').length], 'HEAD');
    const foreign = await http(app, { path: '/socket.io/socket.io.js', headers: { Origin: 'http://bad.example' } });
    is(foreign.status, 200, 'a script is for every origin');
}, ours);
