// SPDX-License-Identifier: BSD-2-Clause
// Runs the load generator.
'use strict';

const path = require('path');
const readline = require('readline');
const { spawn } = require('child_process');
const { once } = require('events');

const { PROGRAMS, loadCores } = require('./servers');

function generate(scenario, cores, args) {
    const words = Object.entries(args).map(([name, value]) => `${name}=${value}`);
    const child = spawn('taskset', ['-c', loadCores(cores), path.join(PROGRAMS, 'load'), scenario, ...words],
        { stdio: ['pipe', 'pipe', 'inherit'] });
    process.once('exit', () => child.kill('SIGKILL'));
    return child;
}

// Its one line of results.
async function measure(scenario, server, { cores = 1, ...args } = {}) {
    const child = generate(scenario, cores, { port: server.port, ...server.also, pids: server.pids.join(','), ...args });
    child.stdin.end();
    let text = '';
    child.stdout.on('data', (bytes) => { text += bytes; });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`load ${scenario} at ${server.name} ended with ${code}`);
    return JSON.parse(text);
}

// Clients that stay until stop(); next() is the generator's next line.
class Holders {
    constructor(server, { clients, each = 15000, cores = 1 }) {
        const count = Math.ceil(clients / each);
        const share = (i) => Math.floor(clients * (i + 1) / count) - Math.floor(clients * i / count);
        this.children = Array.from({ length: count }, (unused, i) => generate('hold', cores,
            { port: server.port, clients: share(i), source: i + 1, spin: 0 }));
        this.lines = this.children.map((child) => readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]());
    }

    // One line of every generator.
    async next() {
        const lines = await Promise.all(this.lines.map((each) => each.next()));
        return lines.map(({ done, value }) => { if (done) throw new Error('a generator ended'); return JSON.parse(value); });
    }

    async stop() {
        await Promise.all(this.children.map((child) => {
            const closed = once(child, 'close');
            child.stdin.end();
            return closed;
        }));
    }
}

module.exports = { measure, Holders };
