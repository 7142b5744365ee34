// SPDX-License-Identifier: BSD-2-Clause
// Several servers and the Redis between them, as one: the load's clients are at the last one, and
// the client that speaks is at the first.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');

const { start: servers, launch, loop, socketio, CORES, loadCores } = require('./servers');
const { fill, binary, MODULE } = require('../../lib/conf');
const { RespClient } = require('../../lib/resp');
const { until } = require('../../lib/until');

const BESIDE_LOAD = loadCores(1);
// One core for each, as far as there are some beside the load's.
const core = (i) => String(i % Math.max(1, CORES - 1));

class Hosts {
    constructor(redis, hosts, { front, measured = hosts.slice(-1) } = {}) {
        this.name = 'hosts';
        this.parts = [front, ...hosts, redis].filter(Boolean);
        this.measured = front ? [front, ...measured] : measured;
        this.port = (front || hosts[hosts.length - 1]).port;
        this.also = { redis: redis.port, ...(hosts.length > 1 && !front && { speak: hosts[0].port }) };
    }

    get pids() { return this.measured.flatMap(({ pids }) => pids); }
    async stop() { for (const part of this.parts) await part.stop(); }
}

// No bound on what waits for a subscriber: the row's own window bounds it.
async function startRedis(cores) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rt-bench-redis-'));
    const redis = await launch('redis', cores, (port) => ['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--dir', dir,
        '--save', '', '--appendonly', 'no', '--client-output-buffer-limit', 'pubsub 0 0 0', '--loglevel', 'warning']);
    redis.last = () => fs.rmSync(dir, { recursive: true, force: true });
    return redis;
}

// Until so many subscribe the channel.
async function heard(redis, channel, count) {
    const client = await RespClient.open({ host: '127.0.0.1', port: redis.port });
    const subscribers = async () => (await client.command('PUBSUB', 'NUMSUB', channel))[1] === count;
    await until(subscribers, `${count} servers subscribe ${channel}`, 10000);
    client.close();
}

async function bridged(host) {
    const state = async () => (await (await fetch(`http://127.0.0.1:${host.port}/status?format=json`)).json()).cluster.state;
    await until(async () => await state() === 'connected', 'the bridge stands', 10000);
    return host;
}

// `startHost(redis, cores)` for each, the last one on the first core.
async function hosts(count, channel, startHost, redisCores = core(2)) {
    const redis = await startRedis(redisCores);
    const list = [];
    for (let i = count - 1; i >= 0; --i) list.push(await startHost(redis, core(i)));
    await heard(redis, channel, count);
    return new Hosts(redis, list);
}

const REQUESTS = 'socket.io-request#/#';
const relay = (redis, cores) => loop(`redis=${redis.port}`)(cores);
const node = (redis, cores) => socketio('', `redis=${redis.port}`)(cores);
const nginx = (more = '', workers = 1) => async (redis, cores) => bridged(await servers.nginx({ workers, cores, redis: `url redis://127.0.0.1:${redis.port}; ${more}` }));

const FRONT = `%%GLOBALS%%
worker_processes 2;
worker_rlimit_nofile 20000;
events { worker_connections 8000; multi_accept on; }
http {
    %%GLOBALS_HTTP%%
    access_log off;
    upstream nodes { %%NODES%% }
    server {
        listen 127.0.0.1:%%PORT%% backlog=4096;
        location /socket.io/ {
            proxy_pass http://nodes;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_set_header Host $host;
            proxy_read_timeout 600s;
        }
    }
}
`;

async function startFront(nodes) {
    const prefix = fs.mkdtempSync(path.join(os.tmpdir(), 'rt-bench-'));
    fs.chmodSync(prefix, 0o777);
    const list = nodes.map(({ port }) => `server 127.0.0.1:${port};`).join(' ');
    const front = await launch('nginx', 2, async (port) => {
        fs.writeFileSync(path.join(prefix, 'nginx.conf'), (await fill(FRONT, { PREFIX: prefix, MODULE, LEVEL: 'error', PORT: port, NODES: list })).replace(/^load_module.*$/m, ''));
        return [binary(), '-p', prefix, '-c', `${prefix}/nginx.conf`, '-e', `${prefix}/error.log`];
    });
    front.last = () => fs.rmSync(prefix, { recursive: true, force: true });
    return front;
}

// What people have: nginx, two Node processes, Redis.
async function usual() {
    const redis = await startRedis('0,1');
    const nodes = [await node(redis, 2), await node(redis, 2)];
    await heard(redis, REQUESTS, nodes.length);
    return new Hosts(redis, nodes, { front: await startFront(nodes), measured: nodes });
}

async function instead() {
    const redis = await startRedis('0,1');
    return new Hosts(redis, [await nginx('', 2)(redis, 2)]);
}

const start = {
    ...servers,
    relays: () => hosts(2, 'bench', relay),
    nodes: () => hosts(2, REQUESTS, node),
    nginxHosts: () => hosts(2, REQUESTS, nginx()),
    nodeHost: () => hosts(1, REQUESTS, node, BESIDE_LOAD),
    nginxAll: () => hosts(1, REQUESTS, nginx(), BESIDE_LOAD),
    nginxRooms: () => hosts(1, REQUESTS, nginx('subscribe rooms;'), BESIDE_LOAD),
    usual,
    nginxUsual: instead,
};

module.exports = { start };
