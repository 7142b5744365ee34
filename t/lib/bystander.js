// SPDX-License-Identifier: BSD-2-Clause
// A server under bad input, and clients of it that must not notice: one per transport, at
// whichever worker they landed.
'use strict';

const tap = require('./tap');
const { reference } = require('./target');
const { startSpread, ready, TRANSPORTS } = require('./spread');
const { FENCE } = require('./hearing');
const { http: request } = require('./raw');
const { event } = require('./until');

const MAX = 100000;

const HTTP = `
    realtime_app app {
        zone app:32m;
        namespace / {
            on echo { emit echo data=$realtime_args; }
            on ask { ack $realtime_args; }
            on join { join $realtime_arg_0; ack 1; }
            on all { emit said all data=$realtime_args; }
            on drip { emit drip data=$realtime_args volatile; }
            ${FENCE}
        }
        namespace /other { on ask { ack $realtime_args; } }
        namespace ~ ^/n[0-9]+$ { }
    }`;

const SERVER = `
    realtime_max_payload ${MAX};
    location /socket.io/ { realtime app; }
    location /status { realtime_status app; allow 127.0.0.1; deny all; }`;

class Watched {
    static async start({ http = '', server = '' } = {}) {
        const watched = new Watched();
        Object.assign(watched, await startSpread({ http: HTTP + http, server: SERVER + server }));
        watched.clients = await Promise.all(Object.values(TRANSPORTS).map((options) => ready(watched, '/', options)));
        watched.ids = watched.clients.map(({ id }) => id);
        watched.asked = 0;
        return watched;
    }

    // Each bystander is still the same connection, is answered, and hears the others.
    async unharmed(name) {
        const n = ++this.asked;
        const heard = this.clients.map((socket) => event(socket, 'said', { filter: (got) => got === n }));
        heard.forEach((promise) => promise.catch(() => {}));
        const answers = await Promise.all(this.clients.map((socket) => socket.timeout(5000).emitWithAck('ask', n)));
        this.clients[n % this.clients.length].emit('all', n);
        await Promise.all(heard);
        const same = this.clients.every((socket, at) => socket.connected && socket.id === this.ids[at]);
        return tap.ok(same && answers.every((answer) => answer === n), `${name}: nobody else noticed`);
    }

    // The counters of all workers together; refusals by limit in `refused`.
    async counters() {
        const { text } = await request(this, { path: '/status?format=json' });
        return JSON.parse(text).total;
    }

    // The reference has none.
    async refused() {
        return reference ? {} : (await this.counters()).refused;
    }

    // Queues one test: the body, then the bystanders. `counts`: the limit whose counter grows.
    test(name, body, { run = tap.test, counts, timeout } = {}) {
        run(name, async () => {
            const before = await this.refused();
            await body();
            if (counts && !reference) tap.ok((await this.refused())[counts] > before[counts], `${name}: counted as ${counts}`);
            await this.unharmed(name);
        }, { timeout });
    }
}

// Tests are queued before the server runs: this one is filled in by the first test.
function watched(parts) {
    const server = new Watched();
    tap.test('the server and its clients', async () => {
        Object.assign(server, await Watched.start(parts));
        await server.unharmed('before all');
    });
    return server;
}

module.exports = { watched, MAX };
