// SPDX-License-Identifier: BSD-2-Clause
// The reference: a Node server on the official engine.io and socket.io that obeys the same
// nginx.conf as the module, as far as the tests use it. RT_REFERENCE=1 runs a test against
// it, which proves the test; it stands for nothing else.
'use strict';

const fs = require('fs');
const http = require('http');
const path = require('path');

const { Server: Engine } = require('engine.io');
const { Server: SocketIo } = require('socket.io');

const tap = require('./tap');
const { conf, fill, ROOT } = require('./conf');
const { parse, all, first } = require('./nginx_conf');
const { serveApp } = require('./reference_rules');

const UNITS = { ms: 1, s: 1000, m: 60000 };
const TYPES = { html: 'text/html', js: 'application/javascript', css: 'text/css' };

function time(word, otherwise) {
    if (word === undefined) return otherwise;
    const [, number, unit] = word.match(/^(\d+)(ms|s|m)?$/);
    return Number(number) * UNITS[unit || 's'];
}

const size = (word) => Number.parseInt(word, 10) * ({ k: 1024, m: 1048576 }[word.slice(-1)] || 1);

// Arguments of a directive in a location, else in its server, else in http.
function directives(levels) {
    return (name) => {
        const found = levels.map((level) => first(level, name)).find(Boolean);
        return found ? found.args : [];
    };
}

const option = (args, name) => (args.find((word) => word.startsWith(`${name}=`)) || '').slice(name.length + 1) || undefined;

function cookieOf([name, ...attributes]) {
    if (name === undefined || name === 'off') return false;
    const given = Object.fromEntries(attributes.map((word) => word.split('=')));
    const cookie = { name, path: given.path || '/', httpOnly: true, sameSite: given.samesite || 'lax' };
    return given['max-age'] ? { ...cookie, maxAge: Number(given['max-age']) } : cookie;
}

function origins(args) {
    return args.filter((word) => word !== 'credentials').flatMap((word) => {
        if (word.startsWith('~')) return [new RegExp(word.slice(1))];
        return word.startsWith('env:') ? [process.env[word.slice(4)]] : [word];
    });
}

function corsOf(args) {
    const list = origins(args);
    if (list.length === 0) return undefined;
    return { origin: list.includes('*') ? '*' : list, credentials: args.includes('credentials') };
}

// The module refuses a foreign origin with 403, Node does not: imitated here.
function isForeign(req, args) {
    const { origin, host } = req.headers;
    if (origin === undefined || origin === `http://${host}`) return false;
    return !origins(args).some((one) => one === '*' || (one instanceof RegExp ? one.test(origin) : one === origin));
}

const FORBIDDEN = JSON.stringify({ code: 4, message: 'Forbidden' });

function engineOptions(get) {
    const ping = get('realtime_ping');
    const [deflate, threshold] = get('realtime_deflate');
    const transports = get('realtime_transports');
    return {
        pingInterval: time(option(ping, 'interval'), 25000),
        pingTimeout: time(option(ping, 'timeout'), 20000),
        upgradeTimeout: time(get('realtime_upgrade_timeout')[0], 10000),
        maxHttpBufferSize: size(get('realtime_max_payload')[0] || '1000000'),
        transports: transports.length ? transports : ['polling', 'websocket'],
        cors: corsOf(get('realtime_cors')),
        cookie: cookieOf(get('realtime_cookie')),
        perMessageDeflate: deflate === 'on' ? { threshold: size((threshold || '=1024').split('=')[1]) } : false,
    };
}

function echo(engine) {
    engine.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
}

class Reference {
    constructor(tree) {
        this.http = first(tree, 'http').block;
        this.seats = Number((first(tree, 'worker_processes') || { args: [1] }).args[0]);
        this.apps = new Map();
        this.opened = 0;
        this.published = 0;
        this.engines = [];
        this.servers = [];
        this.sockets = new Set();
    }

    static async start(text, { values = {} } = {}) {
        const filled = { PREFIX: '/tmp', MODULE: '', LEVEL: '', ROOT, ...values };
        const reference = new Reference(parse(await fill(typeof text === 'string' ? text : conf(text), filled)));
        Object.assign(reference, { values: filled, port: filled.PORT, url: `http://127.0.0.1:${filled.PORT}` });
        tap.after(() => reference.stop());
        await reference.listen();
        return reference;
    }

    async listen() {
        for (const { block } of all(this.http, 'server')) {
            const locations = all(block, 'location').map((location) => this.location(location, block));
            for (const { args } of all(block, 'listen')) await this.bind(args[0], (req) => this.pick(locations, req));
        }
    }

    bind(address, pick) {
        const server = http.createServer((req, res) => pick(req).request(req, res));
        server.on('upgrade', (req, socket, head) => pick(req).upgrade(req, socket, head));
        server.on('connection', (socket) => {
            this.sockets.add(socket);
            socket.on('close', () => this.sockets.delete(socket));
        });
        this.servers.push(server);
        const [, host, port] = address.match(/^(?:(.+):)?(\d+)$/);
        return new Promise((resolve, reject) => server.on('error', reject).listen(Number(port), host, resolve));
    }

    // Exact locations first, then the longest prefix.
    pick(locations, req) {
        const [uri] = req.url.split('?');
        const matching = locations.filter(({ exact, prefix }) => (exact ? uri === prefix : uri.startsWith(prefix)));
        matching.sort((a, b) => Number(b.exact) - Number(a.exact) || b.prefix.length - a.prefix.length);
        return matching[0] || this.plain((req_, res) => res.writeHead(404).end());
    }

    plain(request) {
        return { request, upgrade: (req, socket) => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n') };
    }

    location({ args, block }, server) {
        const get = directives([block, server, this.http]);
        const has = (name) => first(block, name);
        const where = { exact: args[0] === '=', prefix: args[args.length - 1] };
        if (has('realtime') || has('realtime_echo')) return { ...where, ...this.realtime(block, get, where.prefix) };
        if (has('realtime_publish')) return { ...where, ...this.plain((req, res) => this.publish(req, res, get('realtime_publish')[0])) };
        if (has('return')) {
            const [status, text = ''] = get('return');
            return { ...where, ...this.plain((req, res) => res.writeHead(Number(status)).end(text)) };
        }
        return { ...where, ...this.plain((req, res) => this.file(req, res, where.prefix, get)) };
    }

    realtime(block, get, prefix) {
        const engine = new Engine(engineOptions(get));
        this.engines.push(engine);
        engine.on('connection', (socket) => { socket.seat = this.opened++ % this.seats; });
        if (first(block, 'realtime_echo')) echo(engine);
        else this.app(get('realtime')[0] || 'default', get).bind(engine);
        const [client] = get('realtime_serve_client');
        return {
            request: (req, res) => {
                const [, name] = req.url.split('?')[0].slice(prefix.length - 1).match(/^\/(socket\.io[\w.]*\.js(?:\.map)?)$/) || [];
                if (name && client) this.send(res, path.join(client, name));
                else this.handle(engine, req, res, get('realtime_cors'));
            },
            upgrade: (req, socket, head) => {
                if (!isForeign(req, get('realtime_cors'))) engine.handleUpgrade(req, socket, head);
                else socket.end(`HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: ${FORBIDDEN.length}\r\n\r\n${FORBIDDEN}`);
            },
        };
    }

    handle(engine, req, res, cors) {
        if (!isForeign(req, cors)) { engine.handleRequest(req, res); return; }
        res.writeHead(403, { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': req.headers.origin, Vary: 'Origin' });
        res.end(FORBIDDEN);
    }

    app(name, get) {
        if (!this.apps.has(name)) {
            const io = new SocketIo({ serveClient: false, connectTimeout: time(get('realtime_connect_timeout')[0], 45000) });
            serveApp(io, all(this.http, 'realtime_app').find(({ args }) => args[0] === name));
            this.apps.set(name, io);
        }
        return this.apps.get(name);
    }

    file(req, res, prefix, get) {
        const uri = decodeURIComponent(req.url.split('?')[0]);
        const [alias] = get('alias');
        this.send(res, alias ? path.join(alias, uri.slice(prefix.length)) : path.join(get('root')[0] || '/nonexistent', uri));
    }

    send(res, file) {
        fs.readFile(file, (error, bytes) => {
            if (error) res.writeHead(404).end();
            else res.writeHead(200, { 'Content-Type': TYPES[file.split('.').pop()] || 'application/octet-stream' }).end(bytes);
        });
    }

    async publish(req, res, app = 'default') {
        const chunks = [];
        for await (const chunk of req) chunks.push(chunk);
        const document = JSON.parse(Buffer.concat(chunks).toString());
        const io = this.apps.get(app);
        const ids = [].concat(document).map((one) => this.emit(io, one));
        this.answer(res, 202, Array.isArray(document) ? { ok: true, ids } : { ok: true, id: ids[0] });
    }

    answer(res, status, document) {
        res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(document));
    }

    audience(io, { namespace = '/', rooms = [], users = [], except = [] }) {
        return io.of(namespace).to([...rooms, ...users.map((user) => `user:${user}`)]).except(except);
    }

    emit(io, document) {
        this.audience(io, document).emit(document.event, ...(document.args || []));
        return String(++this.published);
    }

    async stop() {
        for (const engine of this.engines.splice(0)) engine.close();
        for (const socket of this.sockets) socket.destroy();
        await Promise.all(this.servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
    }
}

module.exports = { Reference };
