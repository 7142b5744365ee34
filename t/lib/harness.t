#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The harness under test: it must fail where a test must fail.
'use strict';

const fs = require('fs');
const { spawn } = require('child_process');
const { WebSocketServer } = require('ws');
const { test, is, ok, like, rejects } = require('./tap');
const { Nginx } = require('./nginx');
const { connect, get, post } = require('./raw');
const { websocket, frame, OP } = require('./ws');
const { event, until } = require('./until');
const proc = require('./proc');

// An nginx without our module, so that this test depends on the harness alone.
const PLAIN = `daemon off; master_process on; worker_processes 2;
pid %%PREFIX%%/nginx.pid; error_log %%PREFIX%%/error.log info;
events {}
http {
    access_log off;
    client_body_temp_path %%PREFIX%%/body; proxy_temp_path %%PREFIX%%/proxy; fastcgi_temp_path %%PREFIX%%/fastcgi;
    uwsgi_temp_path %%PREFIX%%/uwsgi; scgi_temp_path %%PREFIX%%/scgi;
    server {
        listen 127.0.0.1:%%PORT%%; listen unix:%%SOCK%%;
        location / { return 200 "hello $request_method"; }
    }
}
`;

// Runs `body` as a test file of its own: {code, out}.
function file(body, env = {}) {
    const head = `const t = require('./tap'); const { Nginx } = require('./nginx'); const PLAIN = ${JSON.stringify(PLAIN)};\n`;
    const child = spawn(process.execPath, ['-e', head + body], { cwd: __dirname, env: { ...process.env, ...env } });
    let out = '';
    child.stdout.on('data', (bytes) => { out += bytes; });
    child.stderr.on('data', (bytes) => { out += bytes; });
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
}

// Removes the directory that a failing file keeps for inspection.
function forget(run) {
    const kept = run.out.match(/kept: (\S+)/);
    if (kept) fs.rmSync(kept[1], { recursive: true, force: true });
}

const FILES = [
    ['a true assertion passes', 't.test("a", () => t.ok(1, "x"))', 0, /^ok 1 - x\n1\.\.1$/m],
    ['a false assertion fails', 't.test("a", () => t.is(1, 2, "x"))', 1, /^not ok 1 - x$/m],
    ['an exception fails', 't.test("a", () => { t.pass("x"); throw new Error("boom"); })', 1, /boom/],
    ['a test without assertions fails', 't.test("a", () => {})', 1, /asserted nothing/],
    ['a test that hangs fails', 't.test("a", () => new Promise(() => {}), { timeout: 50 })', 1, /timed out/],
    ['a lost rejection fails', 't.test("a", async () => { Promise.reject(new Error("lost")); t.pass("x"); await new Promise(setImmediate); })', 1, /lost/],
    ['repeat runs twice', 't.test("a", (round) => t.pass("round " + round), { repeat: 2 })', 0, /round 2/],
    ['a clean nginx passes', 't.test("a", async () => { await Nginx.start(PLAIN); t.pass("x"); })', 0, /ok 2 - nginx: no alert/],
    ['a worker killed by somebody fails', `t.test("a", async () => {
        const nginx = await Nginx.start(PLAIN);
        process.kill(nginx.workers()[0], "SIGKILL");
        await nginx.waitLog(/exited on signal/);
        t.pass("x");
    })`, 1, /not ok 2 - nginx: no alert[^]*exited on signal 9/],
    ['a worker killed by the test is expected', `t.test("a", async () => {
        const nginx = await Nginx.start(PLAIN);
        await nginx.kill(nginx.workers()[0]);
        t.is(nginx.workers().length, 2, "two again");
    })`, 0, /ok 1 - two again/],
    ['a sanitizer report fails', `t.test("a", async () => {
        const nginx = await Nginx.start(PLAIN);
        require("fs").writeFileSync(nginx.file("sanitizer.1"), "AddressSanitizer: heap-use-after-free");
        t.pass("x");
    })`, 1, /heap-use-after-free/],
    ['a worker that ends with an error fails', `t.test("a", async () => {
        const nginx = await Nginx.start(PLAIN);
        require("fs").appendFileSync(nginx.file("error.log"), "[notice] 1#1: worker process 2 exited with code 1\\n");
        t.pass("x");
    })`, 1, /not ok 2 - nginx: no alert[^]*exited with code 1/],
    ['an nginx that does not start fails', 't.test("a", () => Nginx.start("nonsense;"))', 1, /unknown directive "nonsense"/],
];

for (const [name, body, code, pattern] of FILES) {
    test(name, async () => {
        const run = await file(body, { RT_KEEP: '' });
        is(run.code, code, `${name}: exit code`);
        like(run.out, pattern, `${name}: words`);
        forget(run);
    });
}

test('the watchdog ends a file and its nginx', async () => {
    const run = await file(`t.test("a", async () => {
        const nginx = await Nginx.start(PLAIN);
        t.diag("group " + nginx.pid);
        setInterval(() => {}, 1000);
        await new Promise(() => {});
    })`, { RT_FILE_LIMIT: '1', RT_SLOW: '1' });
    is(run.code, 1, 'exit code');
    like(run.out, /not ok 1 - the file is not done/, 'says so');
    const group = Number(run.out.match(/group (\d+)/)[1]);
    ok(await until(() => proc.groupOf(group).length === 0, 'nginx is gone'), 'nothing is left');
    forget(run);
});

test('reload, refused reload, quit', async () => {
    const nginx = await Nginx.start(PLAIN);
    const old = nginx.workers();
    await nginx.reload();
    ok(!nginx.workers().some((pid) => old.includes(pid)), 'new workers after a reload');
    like(await nginx.brokenReload('nonsense;'), /unknown directive "nonsense"/, 'a refused reload says why');
    await rejects(nginx.reload('nonsense;'), /reload refused/, 'a reload that should work and does not');
    nginx.allow(/\[emerg\]/);
    await nginx.quit();
    ok(!proc.alive(nginx.pid), 'gone');
});

test('nginx -t', async () => {
    is((await Nginx.check(PLAIN)).code, 0, 'a good text');
    const bad = await Nginx.check('events { nonsense; }');
    is(bad.code, 1, 'a bad text');
    like(bad.stderr, /unknown directive "nonsense" in .*nginx\.conf:1/, 'its words');
});

test('raw HTTP', async () => {
    const nginx = await Nginx.start(PLAIN);
    is((await get(nginx, '/')).text, 'hello GET', 'over TCP');
    is((await get({ path: nginx.sock }, '/')).text, 'hello GET', 'over a unix socket');
    is((await post(nginx, '/', 'x')).text, 'hello POST', 'POST');
    const connection = await connect(nginx);
    connection.request({ path: '/a' }).request({ path: '/b' });
    is((await connection.response()).status, 200, 'keepalive, first');
    is((await connection.response()).status, 200, 'keepalive, second');
    connection.send('nonsense\r\n\r\n');
    is((await connection.response()).status, 400, 'nonsense');
    is(await connection.closed(), 'fin', 'and closed');
});

test('raw WebSocket', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await event(server, 'listening');
    server.on('connection', (peer) => peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary })));
    const socket = await websocket({ port: server.address().port }, '/', { early: frame(OP.text, 'early') });
    ok(socket.accepted, 'accepted');
    is(await socket.message(), 'early', 'a frame right behind the request');
    for (const size of [0, 125, 126, 65535, 65536]) {
        socket.binary(Buffer.alloc(size, 7));
        is((await socket.frame()).payload.length, size, `${size} bytes and back`);
    }
    socket.text('frag', { fin: false }).send(OP.continuation, 'ment');
    is(await socket.message(), 'fragment', 'fragments');
    socket.close(1000);
    is(await socket.closeCode(), 1000, 'close code');
    is(await socket.closed(), 'fin', 'closed');
    server.close();
});
