// SPDX-License-Identifier: BSD-2-Clause
// A network that can be cut: a relay between clients and a server. cut() resets what is open;
// freeze() makes it half-open: the clients' side is reset, the server hears nothing of it.
// hold() lets nothing through and closes nothing; slow() and slice() are worse lines.
'use strict';

const net = require('net');
const { Transform } = require('stream');

const tap = require('./tap');
const { silence } = require('./until');

// One direction of a connection.
class Line extends Transform {
    constructor(network) {
        super();
        this.network = network;
        this.passing = Promise.resolve();
    }

    async _transform(bytes, encoding, done) {
        const { delay, piece } = this.network;
        const due = delay ? silence(delay) : undefined;
        this.passing = this.passing.then(() => due).then(() => this.pass(bytes, piece));
        if (!delay) await this.passing;
        done();
    }

    _flush(done) { this.passing.then(() => done()); }

    // Whole, or piece by piece, each in a write of its own.
    async pass(bytes, piece = bytes.length) {
        for (let at = 0; at < bytes.length && !this.destroyed; at += piece) {
            await this.network.open;
            this.push(bytes.subarray(at, at + piece));
            if (piece < bytes.length) await new Promise(setImmediate);
        }
    }
}

class Network {
    // `port`: of the server; `port` of the network is its own.
    static async to(port) {
        const network = new Network(port);
        await new Promise((resolve) => network.server.listen(0, '127.0.0.1', resolve));
        network.port = network.server.address().port;
        network.url = `http://127.0.0.1:${network.port}`;
        tap.after(() => network.close());
        return network;
    }

    constructor(port) {
        this.target = port;
        this.up = true;
        this.pairs = new Set();
        this.frozen = new Set();
        this.server = net.createServer((near) => this.join(near));
    }

    join(near) {
        if (!this.up) { near.resetAndDestroy(); return; }
        const far = net.connect(this.target, '127.0.0.1');
        const pair = { near, far, out: new Line(this), back: new Line(this) };
        this.pairs.add(pair);
        for (const socket of [near, far]) socket.setNoDelay(true).on('error', () => {});
        near.pipe(pair.out).pipe(far).pipe(pair.back).pipe(near);
        const end = () => {
            if (!this.pairs.delete(pair)) return;
            for (const part of Object.values(pair)) part.destroy();
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
            pair.near.unpipe(pair.out);
            pair.far.unpipe(pair.back);
            pair.far.resume();
            pair.near.resetAndDestroy();
            this.frozen.add(pair.far);
        }
    }

    mend() { this.up = true; }

    // Connections stand, new ones are made, and no byte passes until release().
    hold() {
        if (!this.release) this.open = new Promise((resolve) => { this.release = () => { this.open = this.release = undefined; resolve(); }; });
    }

    // Each byte comes `ms` later.
    slow(ms) { this.delay = ms; }

    // At most `size` bytes per write.
    slice(size) { this.piece = size; }

    close() {
        if (this.release) this.release();
        this.cut();
        for (const far of this.frozen) far.destroy();
        this.server.close();
    }
}

module.exports = { Network };
