// SPDX-License-Identifier: BSD-2-Clause
// One private redis-server for a test: its own directory, its own port; plain, with a password,
// an ACL user, TLS, or on a unix socket. It can be killed, stopped and come back on its port.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawn, execFile } = require('child_process');

const tap = require('./tap');
const proc = require('./proc');
const { freePort } = require('./conf');
const { authority } = require('./cert');
const { RespClient } = require('./resp');
const { deadline, until } = require('./until');

const PATIENCE = 10000 * tap.SLOW;
const READY = /Ready to accept connections|The server is now ready|Sentinel ID is/;

const DEFAULTS = { save: '""', appendonly: 'no', 'enable-debug-command': 'local', 'repl-diskless-sync-delay': 0, 'repl-ping-replica-period': 1 };

const line = ([name, value]) => [].concat(value).map((one) => `${name} ${one}`).join('\n');

class Redis {
    // Options: `password` (of everybody), `user: {name, password, rules}` (ACL; the default user
    // is then off), `tls: true` or the answer of authority(), `clientCerts` (demanded), `unix`
    // (a unix socket and no port), `host` to bind, `port`, `settings` {name: value or values},
    // `sentinel`.
    static async start(options = {}) {
        const redis = new Redis(options);
        tap.after(() => redis.end());
        tap.onPanic(() => redis.murder());
        if (!redis.port && !options.unix) redis.port = await freePort();
        await redis.launch();
        return redis;
    }

    constructor(options) {
        Object.assign(this, { options, name: options.name || 'redis', host: '127.0.0.1', port: options.port, output: '', clients: [] });
        this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rt-redis-'));
        fs.chmodSync(this.dir, 0o755); // nginx's workers reach the unix socket
        if (options.tls) this.ca = options.tls === true ? authority() : options.tls;
        if (this.ca) this.cert = this.ca.issue('localhost');
        if (options.unix) this.sock = path.join(this.dir, 'redis.sock');
    }

    get pid() { return this.child.pid; }
    get alive() { return Boolean(this.child) && !this.gone; }

    // For `url` of a realtime_redis, without secrets unless `secrets`.
    get url() { return `${this.ca ? 'rediss' : 'redis'}://${this.ca ? 'localhost' : this.host}:${this.port}`; }

    // What a client of Node must know: {host, port} or {path}, tls, user and password.
    get target() {
        const { user, password } = this.options;
        const where = this.sock ? { path: this.sock } : { host: this.host, port: this.port };
        const login = user ? { user: user.name, password: user.password } : { password };
        return { ...where, ...login, ...(this.ca && { tls: this.tls() }) };
    }

    // Options of tls.connect(); the client's certificate is sent where it is demanded.
    tls() {
        const mine = this.options.clientCerts ? this.ca.issue('client') : undefined;
        const read = (file) => fs.readFileSync(file);
        return { ca: read(this.ca.ca), servername: 'localhost', ...(mine && { cert: read(mine.cert), key: read(mine.key) }) };
    }

    settings() {
        const { password, user, clientCerts, settings, host } = this.options;
        const all = { ...(this.options.sentinel ? {} : DEFAULTS), bind: host || '127.0.0.1', dir: this.dir, port: this.ca || this.sock ? 0 : this.port };
        if (this.sock) Object.assign(all, { unixsocket: this.sock, unixsocketperm: 777 });
        if (this.ca) Object.assign(all, { 'tls-port': this.port, 'tls-cert-file': this.cert.cert, 'tls-key-file': this.cert.key, 'tls-ca-cert-file': this.ca.ca, 'tls-auth-clients': clientCerts ? 'yes' : 'no' });
        if (password) all.requirepass = password;
        if (user) all.user = ['default off', `${user.name} on >${user.password} ${user.rules || '~* &* +@all'}`];
        return Object.entries({ ...all, ...settings }).map(line).join('\n');
    }

    // Resolves when it says that it is ready. The file is written once: a Sentinel keeps its own.
    async launch() {
        const file = path.join(this.dir, 'redis.conf');
        if (!fs.existsSync(file)) fs.writeFileSync(file, `${this.settings()}\n`);
        const from = this.output.length;
        this.gone = undefined;
        this.child = spawn('redis-server', [file, ...(this.options.sentinel ? ['--sentinel'] : [])], { stdio: ['ignore', 'pipe', 'pipe'] });
        for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (bytes) => { this.output += bytes; });
        this.exit = new Promise((resolve) => this.child.on('close', (code, signal) => {
            this.gone = { code, signal };
            resolve(this.gone);
        }));
        await this.says(READY, { from });
    }

    // Resolves with the match of the first thing it says like `pattern` behind `from` characters.
    says(pattern, { from = 0, ms = PATIENCE } = {}) {
        const said = new Promise((resolve, reject) => {
            const check = () => {
                const match = this.output.slice(from).match(pattern);
                if (match) resolve(match);
            };
            for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', check);
            this.exit.then(() => reject(new Error(`${this.name} ended:\n${this.output.slice(from)}`)));
            check();
        });
        return deadline(said, `${this.name} says ${pattern}`, ms);
    }

    // A client of its own; closed at the end. `other` overrides the target.
    async client(other = {}) {
        const client = await RespClient.open({ ...this.target, ...other });
        this.clients.push(client);
        return client;
    }

    // One command over a connection that is kept.
    async command(...args) {
        if (!this.control || this.control.socket.destroyed) this.control = await this.client();
        return this.control.command(...args);
    }

    // CLIENT LIST as objects, of connections with such a name.
    async connections(name = /^/) {
        const text = await this.command('CLIENT', 'LIST');
        const all = text.trim().split('\n').map((row) => Object.fromEntries(row.split(' ').map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)])));
        return all.filter((one) => name.test(one.name));
    }

    // Subscribers of a channel, as Node counts them.
    async subscribers(channel, command = 'NUMSUB') { return (await this.command('PUBSUB', command, channel))[1]; }

    // As dead as under SIGSTOP: connections stand, nothing is answered.
    pause() { process.kill(this.pid, 'SIGSTOP'); }
    resume() { process.kill(this.pid, 'SIGCONT'); }

    // kill -9; resolves when it is gone.
    async kill() {
        if (!this.alive) return;
        process.kill(this.pid, 'SIGKILL');
        await this.exit;
    }

    // SIGTERM: it says goodbye.
    async stop() {
        if (!this.alive) return;
        process.kill(this.pid, 'SIGTERM');
        await deadline(this.exit, `${this.name} stops`, PATIENCE);
    }

    async restart() {
        await this.kill();
        await this.launch();
    }

    murder() { if (this.alive && proc.alive(this.pid)) process.kill(this.pid, 'SIGKILL'); }

    async end() {
        for (const client of this.clients) client.close();
        this.murder();
        if (this.child) await this.exit;
        fs.rmSync(this.dir, { recursive: true, force: true });
    }
}

// `redis-cli` against a server: resolves with what it printed.
function cli({ port }, ...args) {
    return new Promise((resolve, reject) => execFile('redis-cli', ['-p', String(port), ...args], { timeout: 60000 },
        (error, stdout, stderr) => (error ? reject(new Error(`redis-cli ${args.join(' ')}: ${error.message}\n${stdout}${stderr}`)) : resolve(stdout))));
}

// `masters` masters that own all slots, each with `replicas` replicas; nodes in `nodes`, masters
// first. A master that is silent for `timeout` ms is replaced by its replica.
async function startCluster({ masters = 3, replicas = 0, timeout = 1000, settings = {} } = {}) {
    const node = async (name) => Redis.start({ name, settings: {
        'cluster-enabled': 'yes', 'cluster-port': await freePort(), 'cluster-node-timeout': timeout, 'cluster-replica-validity-factor': 0, ...settings } });
    const nodes = [];
    for (let i = 0; i < masters * (1 + replicas); ++i) nodes.push(await node(`cluster node ${i}`));
    const [first] = nodes;
    await cli(first, '--cluster', 'create', ...nodes.map(({ port }) => `127.0.0.1:${port}`), '--cluster-replicas', String(replicas), '--cluster-yes');
    const ready = async (one) => {
        const info = await one.command('CLUSTER', 'INFO');
        return /cluster_state:ok/.test(info) && info.includes(`cluster_known_nodes:${nodes.length}`);
    };
    await until(async () => (await Promise.all(nodes.map(ready))).every(Boolean), 'the cluster is whole', PATIENCE);
    return { nodes, masters: await mastersOf(nodes) };
}

// [{redis, from, to, id}] by slot.
async function mastersOf(nodes) {
    const slots = await nodes.find(({ alive }) => alive).command('CLUSTER', 'SLOTS');
    return slots.map(([from, to, [, port, id]]) => ({ from, to, id, redis: nodes.find((node) => node.port === port) }));
}

// A master with `replicas` replicas, watched by `count` Sentinels; a master that is silent for `down` ms is replaced.
async function startSentinels({ count = 3, replicas = 1, down = 1000, name = 'mymaster', settings = {} } = {}) {
    const master = await Redis.start({ name: 'master', settings });
    const copy = (i) => Redis.start({ name: `replica ${i}`, settings: { ...settings, replicaof: `127.0.0.1 ${master.port}` } });
    const copies = await Promise.all(Array.from({ length: replicas }, (unused, i) => copy(i)));
    await Promise.all(copies.map((replica) => replica.says(/MASTER <-> REPLICA sync: Finished with success/)));
    const rules = [`monitor ${name} 127.0.0.1 ${master.port} ${Math.floor(count / 2) + 1}`, `down-after-milliseconds ${name} ${down}`, `failover-timeout ${name} 6000`];
    const sentinels = await Promise.all(Array.from({ length: count }, (unused, i) => Redis.start({ name: `sentinel ${i}`, sentinel: true, settings: { sentinel: rules } })));
    await Promise.all(sentinels.map(async (one) => {
        await one.says(new RegExp(`(\\+sentinel sentinel [^]*){${count - 1}}`));
        if (replicas) await one.says(/\+slave slave/);
    }));
    const nodes = [master, ...copies];
    return { name, master, replicas: copies, sentinels, nodes, current: () => currentMaster(sentinels, name, nodes) };
}

async function currentMaster(sentinels, name, nodes) {
    const [, port] = await sentinels.find(({ alive }) => alive).command('SENTINEL', 'get-master-addr-by-name', name);
    return nodes.find((node) => node.port === Number(port));
}

module.exports = { Redis, cli, startCluster, mastersOf, startSentinels };
