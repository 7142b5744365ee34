// SPDX-License-Identifier: BSD-2-Clause
// Several hosts, each an nginx of its own, that share one Redis: an app with the same rules at
// each, and a port with reuseport, so that the kernel picks a worker for each connection.
'use strict';

const fs = require('fs');
const { Agent } = require('http');

const tap = require('./tap');
const { Nginx } = require('./nginx');
const { client, WEBSOCKET } = require('./client');
const { settled } = require('./spread');
const { get, post } = require('./raw');
const { event, until } = require('./until');
const { FENCE } = require('./hearing');
const { NodeHost } = require('./node_host');
const { reference } = require('./target');

const PATIENCE = 15000 * tap.SLOW;

// What the servers of node_server.js do for their clients, as rules.
const RULES = `
    connect { emit hello 'data={"worker":$realtime_worker,"pid":$pid}'; }
    on say { emit said all except=sender data=$realtime_args; }
    on shout { emit said all data=$realtime_args; }
    on to { emit said to=$realtime_arg_0 data=$realtime_arg_1; }
    on join { join $realtime_arg_0; ack 1; }
    on leave { leave $realtime_arg_0; ack 1; }
    on ask { ack $realtime_args; }
    on up { emit up all data=$realtime_args; ack $realtime_arg_0; }
    ${FENCE}`;

// The directives of realtime_redis for a server of redis.js, a cluster or a Sentinel trio of it;
// `through`: a Network of cut.js in front of the one server.
function address(redis, through) {
    if (redis.sentinels) return `mode sentinel master=${redis.name}; ${redis.sentinels.map(({ port }) => `server 127.0.0.1:${port};`).join(' ')}`;
    if (redis.nodes) return `mode cluster; ${redis.nodes.map(({ port }) => `server 127.0.0.1:${port};`).join(' ')}`;
    if (redis.sock) return `url unix:${redis.sock};`;
    return `url ${through ? `redis://127.0.0.1:${through.port}` : redis.url};`;
}

// `block`: more of realtime_redis; `app`: more of realtime_app; `rules`: of "/" and "/chat".
function parts({ redis, through, workers = 2, zone = '32m', block = 'reconnect step=20ms max=200ms;', app = '', rules = RULES, http = '', server = '', location = '' }) {
    return {
        workers,
        http: `
            ${redis ? `realtime_redis main { ${address(redis, through)} ${block} }` : ''}
            realtime_app app {
                zone app:${zone};
                ${redis ? 'redis main;' : ''}
                ${app}
                namespace / { ${rules} }
                namespace /chat { ${rules} }
                namespace ~ ^/dynamic-[0-9]+$ { ${rules} }
            }
            log_format seen '$pid $status $request_uri';
            ${http}`,
        server: `
            listen 127.0.0.1:%%PORT_SPREAD%% reuseport;
            access_log %%PREFIX%%/seen.log seen;
            location /socket.io/ { realtime app; ${location} }
            location /publish { realtime_publish app; allow 127.0.0.1; deny all; }
            location /status { realtime_status app; allow 127.0.0.1; deny all; }
            location /state { return 200 "$realtime_redis_state"; }
            ${server}`,
    };
}

class Host {
    static async start(options, name) {
        const host = new Host();
        host.options = options;
        host.nginx = await Nginx.start(parts(options), { name, env: options.env, values: options.values });
        return host;
    }

    get port() { return this.nginx.values.PORT_SPREAD; }
    get url() { return `http://127.0.0.1:${this.port}`; }

    // By the port that all workers share: a worker that is stopped does not take these.
    async status() { return JSON.parse((await get(this.nginx, '/status?format=json')).text); }
    async state() { return (await get(this.nginx, '/state')).text; }

    // Resolves when the bridge says `state`.
    becomes(state, ms = PATIENCE) {
        return until(async () => await this.state() === state, `${this.nginx.name}: ${state}`, ms);
    }

    reload(changes = {}) {
        Object.assign(this.options, changes);
        return this.nginx.reload(parts(this.options));
    }

    // POSTs a message or a batch; resolves with {status, body}.
    async publish(document) {
        const { status, text } = await post(this.nginx, '/publish', JSON.stringify(document), { 'Content-Type': 'application/json' });
        return { status, body: JSON.parse(text) };
    }

    // A client that has been greeted and, if it may, upgraded; `worker` is that of its handshake.
    async client(options = WEBSOCKET, namespace = '/') {
        const socket = client(this, namespace, options);
        const refused = new Promise((resolve, reject) => socket.once('connect_error', reject));
        const [{ worker, pid }] = await Promise.race([event(socket, 'hello'), refused]);
        return Object.assign(await settled(socket), { worker, pid });
    }

    // The same, at another worker than `other`.
    async clientApart(other, options, namespace) {
        for (let tries = 0; ; ++tries) {
            const socket = await this.client(options, namespace);
            if (socket.worker !== other.worker || tries === 100) return socket;
            socket.disconnect();
        }
    }
}

// `n` hosts whose bridges have joined. Further options: see parts().
async function startHosts({ n = 2, ...options }) {
    const Kind = reference ? NodeHost : Host;
    const hosts = await Promise.all(Array.from({ length: n }, (unused, i) => Kind.start({ ...options }, `host ${i}`)));
    if (options.redis) await Promise.all(hosts.map((host) => host.becomes('connected')));
    return hosts;
}

// The requests of an Engine.IO session that a host answered: by which worker and how.
function requestsOf(host, sid) {
    const lines = fs.readFileSync(host.nginx.file('seen.log'), 'latin1').split('\n').filter((line) => line.includes(`sid=${sid}`));
    return lines.map((line) => line.split(' ')).map(([worker, status]) => ({ worker, status: Number(status) }));
}

// Each connection of a client with this agent goes to the next of `servers`, so that the requests
// of one session rotate over them. Both transports obey it.
class Rotation extends Agent {
    constructor(servers) {
        super({ keepAlive: false });
        this.ports = servers.map(({ port }) => port);
        this.next = 0;
    }

    createConnection(options, callback) {
        const port = this.ports[this.next++ % this.ports.length];
        return super.createConnection({ ...options, port }, callback);
    }
}

module.exports = { Host, startHosts, requestsOf, Rotation, RULES, parts };
