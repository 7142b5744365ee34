// SPDX-License-Identifier: BSD-2-Clause
// A Socket.IO server of Node with the official Redis adapter, in a process of its own: the other
// half of a cluster. The test runs code in it: await node.run((io, room) => io.to(room).emit('e'), 'r').
'use strict';

const { fork } = require('child_process');

const tap = require('./tap');
const { event, until } = require('./until');

const PATIENCE = 20000 * tap.SLOW;
const NAMESPACES = ['/', '/chat'];
const backoff = (tries) => Math.min(20 * tries, 500);

// --- in the child

const heard = [];

const LIBRARIES = {
    async redis({ target, cluster, sentinel }) {
        const redis = require('redis');
        const socketOf = ({ host, port, path, tls }) => ({ ...(path ? { path } : { host, port }), ...(tls && { tls: true, ...tls }), reconnectStrategy: backoff });
        const login = target && { username: target.user, password: target.password };
        let client;
        if (cluster) client = redis.createCluster({ rootNodes: cluster.map((port) => ({ url: `redis://127.0.0.1:${port}` })), defaults: { socket: { reconnectStrategy: backoff } } });
        else if (sentinel) client = redis.createSentinel({ name: sentinel.name, sentinelRootNodes: sentinel.ports.map((port) => ({ host: '127.0.0.1', port })) });
        else client = redis.createClient({ socket: socketOf(target), ...login });
        const pair = [client, client.duplicate()];
        for (const one of pair) one.on('error', () => {});
        await Promise.all(pair.map((one) => one.connect()));
        return pair;
    },
    async ioredis({ target, cluster, sentinel }) {
        const Redis = require('ioredis');
        const common = { maxRetriesPerRequest: null, retryStrategy: backoff, sentinelRetryStrategy: backoff };
        let client;
        if (cluster) client = new Redis.Cluster(cluster.map((port) => ({ host: '127.0.0.1', port })), { redisOptions: common, shardedSubscribers: true });
        else if (sentinel) client = new Redis({ sentinels: sentinel.ports.map((port) => ({ host: '127.0.0.1', port })), name: sentinel.name, ...common });
        else client = new Redis({ ...target, username: target.user, user: undefined, ...common });
        const pair = [client, client.duplicate()];
        for (const one of pair) one.on('error', () => {});
        await Promise.all(pair.map((one) => until(() => one.status === 'ready', 'ioredis is ready', PATIENCE)));
        return pair;
    },
};

async function adapter({ redis, library, mode, prefix, subscriptionMode, requestsTimeout }) {
    if (!redis) return undefined;
    const { createAdapter, createShardedAdapter } = require('@socket.io/redis-adapter');
    const [pub, sub] = await LIBRARIES[library](redis);
    if (mode === 'sharded') return createShardedAdapter(pub, sub, { channelPrefix: prefix, subscriptionMode });
    return createAdapter(pub, sub, { key: prefix, requestsTimeout });
}

// What a client may ask of every server of these tests, as of nginx's rules in hosts.js.
function serveClient(io, socket) {
    const nsp = socket.nsp;
    socket.emit('hello', { worker: process.pid });
    socket.on('say', (...args) => socket.broadcast.emit('said', ...args));
    socket.on('shout', (...args) => nsp.emit('said', ...args));
    socket.on('to', (room, ...args) => nsp.to(room).emit('said', ...args));
    socket.on('join', (room, ack) => { socket.join(room); ack(1); });
    socket.on('leave', (room, ack) => { socket.leave(room); ack(1); });
    socket.on('ask', (...args) => args.pop()(...args));
    socket.on('fence', (mark) => nsp.emit('fence', mark));
    socket.on('up', (n, data, ack) => { nsp.emit('up', n, data); ack(n); });
}

// Sockets of any kind as what is told of them by fetchSockets(); sets as arrays.
function plain(value) {
    if (value instanceof Set) return [...value];
    if (Array.isArray(value)) return value.map(plain);
    if (value && value.handshake && value.rooms) return { id: value.id, handshake: { ...value.handshake }, rooms: [...value.rooms], data: value.data };
    return value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value) || Buffer.isBuffer(value) || Object.getPrototypeOf(value) === Object.prototype ? value : undefined;
}

async function perform(io, { id, source, args }) {
    try {
        const answer = await (0, eval)(`(${source})`)(io, ...args);
        process.send({ id, answer: plain(answer) });
    } catch (error) {
        process.send({ id, error: error.message, responses: error.responses });
    }
}

// Answers `question` of other servers, and notes what else they say.
function listen(nsp) {
    nsp.on('connection', (socket) => serveClient(nsp.server, socket));
    nsp.on('question', (...args) => args.pop()(process.pid, ...args));
    for (const name of ['note', 'x']) nsp.on(name, (...args) => heard.push([nsp.name, name, ...args]));
}

async function serve(options) {
    const { Server } = require('socket.io');
    const http = require('http').createServer();
    const io = new Server(http, { adapter: await adapter(options), serveClient: false, ...options.server });
    io.heard = heard;
    for (const name of options.namespaces) listen(io.of(name));
    await new Promise((resolve) => http.listen(options.port || 0, '127.0.0.1', resolve));
    process.on('message', (task) => perform(io, task));
    process.on('disconnect', () => process.exit(0));
    process.send({ ready: true, port: http.address().port });
}

if (require.main === module) process.once('message', serve);

// --- in the test

// What a child needs to know of a Redis, a cluster or a Sentinel trio of redis.js; `through`: a
// Network of cut.js in front of it.
function place(redis, through) {
    if (!redis) return undefined;
    if (redis.sentinels) return { sentinel: { name: redis.name, ports: redis.sentinels.map(({ port }) => port) } };
    if (redis.nodes) return { cluster: redis.nodes.map(({ port }) => port) };
    return { target: { ...redis.target, ...(through && { port: through.port }) } };
}

class NodeServer {
    // `redis`: of redis.js, or none: a server on its own. `mode` classic or sharded; `library`
    // redis or ioredis; `server`: options of socket.io.
    static async start({ redis, through, library = 'redis', mode = 'classic', prefix = 'socket.io', name = 'node', ...other }) {
        const node = new NodeServer(name);
        tap.after(() => node.stop());
        tap.onPanic(() => node.child.kill('SIGKILL'));
        const options = { redis: place(redis, through), library, mode, prefix, subscriptionMode: 'dynamic', requestsTimeout: 1000, namespaces: NAMESPACES, ...other };
        const ready = event(node.child, 'message', { ms: PATIENCE });
        node.child.send(options);
        const [{ port }] = await Promise.race([ready, node.exit.then(() => { throw new Error(`${name} did not start`); })]);
        return Object.assign(node, { port, url: `http://127.0.0.1:${port}` });
    }

    constructor(name) {
        this.name = name;
        this.child = fork(__filename, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'], serialization: 'advanced' });
        this.said = '';
        this.child.stderr.on('data', (bytes) => { this.said += bytes; });
        this.asked = 0;
        this.waiting = new Map();
        this.child.on('message', (message) => this.answer(message));
        this.exit = new Promise((resolve) => this.child.on('exit', (code, signal) => { this.gone = { code, signal }; resolve(); }));
        this.exit.then(() => this.fail());
    }

    // Runs `body(io, ...args)` in the child; nothing but its arguments is known there. A rejection
    // carries `responses` as Node's own.
    run(body, ...args) {
        if (this.gone) return Promise.reject(new Error(`${this.name} has ended`));
        const id = ++this.asked;
        const answered = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
        this.child.send({ id, source: body.toString(), args });
        return answered;
    }

    answer({ id, answer, error, responses }) {
        const asker = this.waiting.get(id);
        if (!asker) return;
        this.waiting.delete(id);
        if (error === undefined) asker.resolve(answer);
        else asker.reject(Object.assign(new Error(error), { responses }));
    }

    fail() {
        for (const { reject } of this.waiting.values()) reject(new Error(`${this.name} has ended: ${this.said.slice(0, 2000)}`));
        this.waiting.clear();
    }

    // Server-side events that came, as [namespace, name, ...args].
    heard() { return this.run((io) => io.heard.slice()); }

    async kill() {
        this.killed = true;
        this.child.kill('SIGKILL');
        await this.exit;
    }

    // A node that ended by itself fails the test: what others publish must never do that.
    async stop() {
        if (!this.killed) tap.ok(!this.gone, `${this.name}: alive to the end`) || tap.diag(this.said);
        if (!this.gone) await this.kill();
    }
}

module.exports = { NodeServer };
