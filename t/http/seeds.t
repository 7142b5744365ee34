#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What the systems that this module replaces were described to do, by the number of the
// description: documents, samples, and what is not told elsewhere. t/lint/seeds.t holds the list.
'use strict';

const fs = require('fs');
const path = require('path');
const { execFileSync } = require('child_process');

const { test, is, ok, like, unlike, deepEqual } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { MODULE, ROOT } = require('../lib/conf');
const { publicCopy } = require('../lib/files');
const { client, connected } = require('../lib/client');
const { clientsApart, startSpread, TRANSPORTS } = require('../lib/spread');
const { open, next, query, Polling } = require('../lib/eio');
const { http: request, get, post } = require('../lib/raw');
const { websocket } = require('../lib/ws');
const { event, until } = require('../lib/until');

const text = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const CRM = text('docs/examples/crm.conf');
const EXAMPLE = text('nginx.conf.example');
const README = text('README.md');
const PAGE = text('t/page/websocket-test.html');
const FRONTEND_URL = 'http://127.0.0.1:5500';

// A sample as it stands, but for ports and files.
const own = (conf) => conf.replace(/^load_module .*$/m, '%%GLOBALS%%').replace(/^http \{/m, 'http {\n%%GLOBALS_HTTP%%')
    .replace(/listen [\d.:]+;/, 'listen 127.0.0.1:%%PORT%%;').replace('include mime.types;', 'include /etc/nginx/mime.types;')
    .replace('alias page/;', `alias ${publicCopy(path.join(ROOT, 't', 'page'))}/;`)
    .replace('realtime_serve_client client;', `realtime_serve_client ${publicCopy(path.join(ROOT, 't', 'node_modules', 'socket.io-client', 'dist'))};`);

let crm;
let example;
const withCrm = (name, body) => test(name, async () => {
    crm = crm || await Nginx.start(own(CRM), { name: 'crm', env: { FRONTEND_URL } });
    await body();
});
const withExample = (name, body) => test(name, async () => {
    example = example || await Nginx.start(own(EXAMPLE), { name: 'example' });
    await body();
});

// --- The CRM.

test('the CRM sample: nginx -t', async () => {
    for (const env of [{}, { FRONTEND_URL }]) {
        const { code, stderr } = await Nginx.check(own(CRM), { env });
        is(code, 0, 'is taken');
        unlike(stderr, /\[(warn|error|alert|crit|emerg)\]/, 'without a word of complaint');
    }
});

test('000-58: upstream backend with ip_hash stays for the API', () => {
    like(CRM, /upstream backend \{\n\s+ip_hash;\n\s+server 127\.0\.0\.1:3000;\n\s+server 127\.0\.0\.1:3001;\n\s+\}/, 'as it was');
    is(CRM.match(/proxy_pass/g).length, 1, 'and nothing else is passed to it');
});

test('000-59: listen 80, server_name', () => like(CRM, /server \{\n\s+listen 80;\n\s+server_name your-domain;/, 'as they were'));

test('000-60: location /api/ with its four headers', () => {
    const lines = ['proxy_pass http://backend;', 'proxy_http_version 1.1;', 'proxy_set_header Host $host;', 'proxy_set_header X-Real-IP $remote_addr;',
        'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;', 'proxy_set_header X-Forwarded-Proto $scheme;'];
    const [, block] = CRM.match(/location \/api\/ \{([^}]*)\}/);
    deepEqual(block.trim().split(/\s*\n\s*/), lines, 'unchanged');
    like(CRM, /location \/socket\.io\/ \{\n\s+realtime bo;/, 'and /socket.io/ is one line');
});

withCrm('001-02: FRONTEND_URL from the environment', async () => {
    const answer = await get(crm, query('/socket.io/', 'polling'), { Origin: FRONTEND_URL });
    deepEqual([answer.status, answer.headers['access-control-allow-origin'], answer.headers['access-control-allow-credentials']], [200, FRONTEND_URL, 'true'], 'is the origin that may connect');
});

withCrm('001-12: FRONTEND_URL and no other origin', async () => {
    const Origin = 'http://127.0.0.1:5501';
    const polling = await get(crm, query('/socket.io/', 'polling'), { Origin });
    deepEqual([polling.status, polling.text, polling.headers['access-control-allow-origin']], [403, '{"code":4,"message":"Forbidden"}', Origin], 'by polling: refused, and the page can read why');
    const socket = await websocket(crm, query('/socket.io/', 'websocket'), { headers: { Origin } });
    deepEqual([socket.accepted, socket.response.status], [false, 403], 'by WebSocket alike');
});

withCrm('001-11: a page opened as file://', async () => {
    const { status, text: body } = await get(crm, query('/socket.io/', 'polling'), { Origin: 'null' });
    deepEqual([status, body], [403, '{"code":4,"message":"Forbidden"}'], 'has the origin null, which is refused in words');
});

withCrm('001-24, 001-25, 001-26: /events, test-event, to all', async () => {
    like(CRM, /namespace \/events \{\n\s+on test-event \{ emit test-event all data=\$realtime_args; \}/, 'three lines of Node are one rule');
    const sockets = await Promise.all(Object.values(TRANSPORTS).map((options) => connected(crm, '/events', options)));
    const raw = await open(crm);
    await next(raw.text('40/events,'));
    const payload = '{"n":1.50,"text":"\\u00e9 \\/ é","big":12345678901234567890,"deep":[null,{"a":[]}]}';
    const heard = sockets.map((socket) => event(socket, 'test-event'));
    is(await next(raw.text(`42/events,["test-event",${payload}]`)), `42/events,["test-event",${payload}]`, 'the sender hears it too, byte by byte');
    deepEqual((await Promise.all(heard)).flat(), sockets.map(() => JSON.parse(payload)), 'and everybody else');
    raw.destroy();
    sockets.forEach((socket) => socket.disconnect());
});

withCrm('the projects of the CRM', async () => {
    const [ann, bob, eve] = await Promise.all([1, 2, 3].map(() => connected(crm, '/projects')));
    for (const socket of [ann, bob]) deepEqual(await socket.timeout(5000).emitWithAck('project:open', { id: 7 }), { ok: true }, 'opened');
    const outside = [];
    eve.onAny((...args) => outside.push(args));
    const noted = event(bob, 'project:note');
    await ann.timeout(5000).emitWithAck('project:note', { id: 7, text: 'hi' });
    deepEqual(await noted, [{ id: 7, text: 'hi' }], 'a note reaches who has it open');
    const told = event(ann, 'invoice');
    is((await post(crm, '/internal/publish', '{"namespace":"/projects","event":"invoice","args":[1],"rooms":["project:7"]}')).status, 202, 'the backend publishes');
    deepEqual(await told, [1], 'to the room');
    await eve.timeout(5000).emitWithAck('project:open', { id: 8 });
    deepEqual(outside, [], 'nobody else hears of it');
    [ann, bob, eve].forEach((socket) => socket.disconnect());
});

withCrm('002-15: two workers', () => {
    like(CRM, /^worker_processes 2;/m, 'in the sample');
    is(crm.workers().length, 2, 'run');
});

// --- The example, the page.

withExample('001-04: a single instance', async () => {
    like(README, /^\.\/build\.sh run /m, 'by one command');
    unlike(EXAMPLE, /redis/i, 'without Redis');
    const socket = await connected(example);
    ok(socket.connected, 'serves');
    socket.disconnect();
});

test('001-05, 001-09: the page', () => {
    like(PAGE, /socket\.io\.js/, 'loads the stock client');
    like(PAGE, />Connect All Clients<[^]*>Send Test Event</, 'two buttons');
    like(PAGE, /<input id="token"/, 'a box for the token');
});

withExample('001-06, 001-07: the page from a live server or from nginx itself', async () => {
    like(README, /\?server=http:\/\/127\.0\.0\.1:3000/, 'both are documented');
    const page = await get(example, '/test/websocket-test.html');
    deepEqual([page.status, page.text], [200, PAGE], 'nginx serves it under /test/');
    const foreign = await get(example, query('/socket.io/', 'polling'), { Origin: FRONTEND_URL });
    deepEqual([foreign.status, foreign.headers['access-control-allow-origin']], [200, '*'], 'a live server on port 5500 is welcome');
});

test('004-15: listen 3000', () => {
    for (const sample of [README, EXAMPLE, text('docs/examples/behind_proxy.conf')]) like(sample, /^\s*listen (127\.0\.0\.1:)?3000;/m, 'in the samples');
});

// --- Building and checking.

test('002-28, 002-30: build, and run for development', () => {
    ok(fs.existsSync(MODULE), './build.sh module built one file');
    like(text('build.sh'), /daemon off/, './build.sh run stays in the foreground');
});

test('003-63, 003-64, 003-65: tests, warnings, lint', () => {
    like(text('build.sh'), /prove -r/, 'one prove, which prints how many tests passed');
    like(text('.ci/run'), /build\.sh lint\n[^]*build\.sh asan smoke\n[^]*build\.sh test/, 'all of it in CI');
    for (const flag of ['-Wall', '-Wextra', '-Werror']) ok(text('t/core.mk').includes(flag), `compiled with ${flag}`);
    like(text('t/lint/tidy.t'), /clang-tidy/, 'clang-tidy');
});

// --- Redis: what checks it, and what it takes.

const units = fs.readdirSync(path.join(ROOT, 't/unit')).filter((name) => /^(resp|redis_\w+)\.t$/.test(name));
const passed = (name) => execFileSync(path.join(ROOT, 't/unit', name), { encoding: 'utf8' }).match(/^ok \d+ - .*/gm).map((line) => `${name} ${line.replace(/^ok \d+ /, '')}`);

test('003-27, 003-79: unit tests of what speaks to Redis', () => {
    const names = new Set(units.flatMap(passed));
    ok(names.size >= 30, `${names.size} of different names pass in ${units.length} files`);
    for (const fuzz of ['resp', 'redis_wire']) ok(fs.readdirSync(path.join(ROOT, 't/fuzz/corpus', fuzz)).length > 0, `${fuzz} is fuzzed`);
});

test('002-90: npm run test:redis', () => {
    const list = execFileSync('npm', ['run', '--silent', 'test:redis', '--', '--dry'], { cwd: path.join(ROOT, 't'), encoding: 'utf8' }).trim().split('\n');
    const there = ['redis', 'cluster'].flatMap((folder) => fs.readdirSync(path.join(ROOT, 't', folder)).map((name) => `${folder}/${name}`)).filter((name) => name.endsWith('.t'));
    deepEqual(list.sort(), there.sort(), 'runs every test of Redis and of clusters');
    const all = list.map((file) => text(`t/${file}`)).join('\n');
    for (const row of ['002-85', '002-86', '002-87', '002-88']) like(all, new RegExp(`^test\\('.*${row}`, 'm'), `${row} is among them`);
});

test('004-08: nothing of npm is needed to serve', () => {
    const [, run] = text('build.sh').match(/^RUN_DEPS=\((.*)\)$/m);
    unlike(run, /node|npm|ioredis/, `what it is built from: ${run}`);
    ok(!fs.existsSync(path.join(ROOT, 'package.json')), 'there is no package of ours to install');
    unlike(execFileSync('readelf', ['-d', MODULE], { encoding: 'utf8' }), /NEEDED.*redis/, 'and the module brings its own');
});

// --- Several instances: workers.

const RULES = 'connect { emit hello data=$realtime_worker; } on test-event { emit test-event all data=$realtime_args; } on dm { emit dm user=$realtime_arg_0 data=$realtime_arg_1; }';

test('002-04, 002-48, 004-24: connections are spread', async () => {
    const http = 'realtime_app app { zone app:16m; }';
    const server = 'location /socket.io/ { realtime app; } location /status { realtime_status app; allow 127.0.0.1; deny all; }';
    const nginx = await Nginx.start({ workers: 3, http, server }, { name: 'spread' });
    const sockets = [];
    for (let i = 0; i < 15; ++i) sockets.push(...await Promise.all(Array.from({ length: 20 }, () => open(nginx))));
    const counts = async () => JSON.parse((await request(nginx, { path: '/status?format=json' })).text).workers.map((worker) => worker.websocket);
    await until(async () => (await counts()).reduce((sum, n) => sum + n, 0) === sockets.length, 'the status page shows them');
    ok(Math.max(...await counts()) <= 150, `over three workers: ${(await counts()).join(', ')}`);
    sockets.forEach((socket) => socket.destroy());
});

test('002-38: a message of a user may come to any instance', async () => {
    const server = await startSpread({ http: `realtime_app app { zone app:16m; user $realtime_auth_user; namespace / { ${RULES} } }`, server: 'location /socket.io/ { realtime app; }' });
    const options = TRANSPORTS['polling and upgrade'];
    const senders = await clientsApart(server, 4, '/', options);
    const anns = await clientsApart(server, 4, '/', { ...options, auth: { user: 'ann' } });
    for (const [i, sender] of senders.entries()) {
        const heard = anns.map((socket) => event(socket, 'dm'));
        sender.emit('dm', 'ann', i);
        deepEqual(await Promise.all(heard), anns.map(() => [i]), `sent at ${sender.worker}: reaches her at every worker`);
    }
    [...senders, ...anns].forEach((socket) => socket.disconnect());
});

test('002-65: what DEBUG=socket.io showed', async () => {
    const parts = { workers: 2, http: `realtime_app app { zone app:16m; namespace /chat { ${RULES} } }`, server: 'location /socket.io/ { realtime app; }' };
    const nginx = await Nginx.start(parts, { level: 'debug', name: 'debug' });
    const socket = client(nginx, '/chat');
    await event(socket, 'hello');
    if (socket.io.engine.transport.name !== 'websocket') await event(socket.io.engine, 'upgrade');
    socket.emit('test-event', 1);
    await event(socket, 'test-event');
    const { id } = socket;
    const log = (pattern) => nginx.waitLog(pattern);
    await log(/\[debug\].* realtime: engine: session \S{10} opened by polling/);
    await log(/\[debug\].* realtime: engine: session \S{10} upgraded/);
    await log(new RegExp(`\\[debug\\].* realtime: socket: ${id} connected to /chat`));
    await log(/\[debug\].* realtime: adapter: to sockets of \/chat: 1/);
    socket.disconnect();
    await log(new RegExp(`realtime: socket: ${id} left /chat: client namespace disconnect`));
    await log(/realtime: engine: session \S{10} closed: transport close/);
    const session = await Polling.open(nginx);
    await session.post('4x');
    await log(/\[info\].* realtime: parser: \S/);
    ok(true, 'error_log … debug shows it, by subsystem: engine, socket, adapter, parser');
    unlike(nginx.log(), new RegExp(`engine: session ${session.sid}`), 'and no whole id of a session');
});
