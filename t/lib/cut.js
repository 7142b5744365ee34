// SPDX-License-Identifier: BSD-2-Clause
// A network that can be cut: a relay between clients and a server. cut() resets what is open;
// freeze() makes it half-open: the clients' side is reset, the server hears nothing of it.
'use strict';

const net = require('net');

const tap = require('./tap');

class Network {
    // `port`: of the server.
    static async to(port) {
        const network = new Network(port);
        await new Promise((resolve) => network.server.listen(0, '127.0.0.1', resolve));
        network.url = `http://127.0.0.1:${network.server.address().port}`;
        tap.after(() => network.close());
        return network;
    }

    constructor(port) {
        this.port = port;
        this.up = true;
        this.pairs = new Set();
        this.frozen = new Set();
        this.server = net.createServer((near) => this.join(near));
    }

    join(near) {
        if (!this.up) { near.resetAndDestroy(); return; }
        const far = net.connect(this.port, '127.0.0.1');
        const pair = { near, far };
        this.pairs.add(pair);
        for (const socket of [near, far]) socket.setNoDelay(true).on('error', () => {});
        near.pipe(far).pipe(near);
        const end = () => {
            if (!this.pairs.delete(pair)) return;
            near.destroy();
            far.destroy();
        };
        near.on('close', end);
        far.on('close', end);
    }

    // Nobody gets through from now on.
    cut() {
        this.up = false;
        for (const { near, far } of this.pairs) {
            near.resetAndDestroy();
            far.resetAndDestroy();
        }
    }

    // The same, and the server does not notice.
    freeze() {
        for (const pair of this.pairs) {
            this.pairs.delete(pair);
            pair.near.unpipe(pair.far);
            pair.far.unpipe(pair.near);
            pair.far.resume();
            pair.near.resetAndDestroy();
            this.frozen.add(pair.far);
        }
    }

    mend() { this.up = true; }

    close() {
        this.cut();
        for (const far of this.frozen) far.destroy();
        this.server.close();
    }
}

module.exports = { Network };
