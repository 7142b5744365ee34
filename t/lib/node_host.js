// SPDX-License-Identifier: BSD-2-Clause
// A server of Node in the place of a host (RT_REFERENCE=1): proves the tests of a cluster. With
// RT_BROKEN=<word> it has a fault that they must find.
'use strict';

const { NodeServer } = require('./node_server');
const { client, WEBSOCKET } = require('./client');
const { settled } = require('./spread');
const { event } = require('./until');

// Each makes one thing wrong, in the child.
const FAULTS = {
    'loses rooms': (io) => io.of('/').adapter.addAll = () => {},
    'says twice': (io) => {
        const { adapter } = io.of('/');
        const { broadcast } = Object.getPrototypeOf(Object.getPrototypeOf(adapter));
        Object.getPrototypeOf(Object.getPrototypeOf(adapter)).broadcast = function twice(...args) { broadcast.apply(this, args); broadcast.apply(this, args); };
    },
    'ignores except': (io) => {
        const base = Object.getPrototypeOf(Object.getPrototypeOf(io.of('/').adapter));
        const { apply } = base;
        base.apply = function every(opts, callback) { return apply.call(this, { ...opts, except: new Set() }, callback); };
    },
    'is mute': (io) => io.of('/').adapter.pubClient.publish = () => Promise.resolve(0),
    'does not answer': (io) => io.of('/').adapter.onrequest = () => {},
    'hides sockets': (io) => { io.of('/').adapter.fetchSockets = async () => []; io.of('/').adapter.onrequest = async () => {}; },
};

class NodeHost {
    static async start({ redis, library, block = '' }, name) {
        const host = new NodeHost();
        const [, mode] = block.match(/adapter (\w+);/) || [];
        host.node = await NodeServer.start({ redis, mode, library, name });
        Object.assign(host, { port: host.node.port, url: host.node.url });
        if (process.env.RT_BROKEN) await host.node.run(FAULTS[process.env.RT_BROKEN]);
        return host;
    }

    async becomes() { return true; }
    async state() { return 'connected'; }

    // As realtime_publish.
    publish(document) {
        return this.node.run(async (io, { namespace = '/', rooms = [], except = [], event: name, args = [], volatile: may, serverSide, ack }) => {
            const nsp = io.of(namespace);
            if (serverSide) nsp.serverSideEmit(name, ...args);
            const target = may ? nsp.to(rooms).except(except).volatile : nsp.to(rooms).except(except);
            if (ack) return { status: 200, body: { ok: true, responses: await target.timeout(ack.timeout).emitWithAck(name, ...args) } };
            if (!serverSide) target.emit(name, ...args);
            return { status: 202, body: { ok: true, id: '1' } };
        }, document);
    }

    async client(options = WEBSOCKET, namespace = '/') {
        const socket = client(this, namespace, options);
        const [{ worker, pid }] = await event(socket, 'hello');
        return Object.assign(await settled(socket), { worker, pid });
    }

    clientApart(other, options, namespace) { return this.client(options, namespace); }
}

module.exports = { NodeHost };
