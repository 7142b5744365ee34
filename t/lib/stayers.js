// SPDX-License-Identifier: BSD-2-Clause
// Clients that come back. Each hears a numbered broadcast (`42["n",7]`) and checks it as it comes:
// what is missing, doubled or out of order within one connection is noted, not the numbers.
'use strict';

const tap = require('./tap');
const { SocketMember, PATIENCE } = require('./crowd');
const { until, silence } = require('./until');

const NUMBER = /^42\["n",(\d+)/;

// One connection of a stayer.
class Life extends SocketMember {
    constructor(server, owner) {
        super(server);
        Object.assign(this, { owner, first: undefined, next: undefined, id: undefined });
    }

    hear(packet) {
        const number = packet.match(NUMBER);
        if (number) this.count(Number(number[1]));
        else if (packet.startsWith('40{')) this.id = JSON.parse(packet.slice(2)).sid; // the CONNECT is answered
        else super.hear(packet);
    }

    count(n) {
        this.owner.onNumber(n);
        if (this.next === undefined) this.first = n;
        else if (n < this.next) this.owner.faults.push(`${n} after ${this.next - 1}`);
        for (let lost = this.next; lost < n; ++lost) this.owner.lost.push(lost);
        this.next = n + 1;
    }

    end(how) {
        const news = this.over === undefined && !this.left;
        super.end(how);
        if (news) this.owner.onEnd(this);
    }
}

class Stayer {
    constructor(server, { delay = 20, onNumber = () => {} } = {}) {
        Object.assign(this, { server, delay, onNumber, lives: [], faults: [], lost: [], gone: false });
        this.come();
    }

    get now() { return this.lives[this.lives.length - 1]; }
    get pid() { return this.now.pid; }
    get there() { return this.now.pid !== undefined && this.now.over === undefined; }

    come() { this.lives.push(new Life(this.server, this).start()); }

    // Back after a moment, as the official client; also when it was not let in.
    onEnd(life) {
        if (!this.gone && life === this.now) setTimeout(() => { if (!this.gone) this.come(); }, this.delay * (1 + Math.random()));
    }

    emit(...event) { if (this.there) this.now.emit(...event); }

    leave() {
        this.gone = true;
        this.now.leave();
    }

    // Connections that were let in and greeted.
    get stays() { return this.lives.filter(({ pid }) => pid !== undefined); }
}

// `n` stayers that are there.
async function settle(server, n, options = {}) {
    const { width = 100, ...each } = options;
    const all = [];
    tap.after(() => all.forEach((one) => one.leave()));
    while (all.length < n) {
        const some = Array.from({ length: Math.min(width, n - all.length) }, () => new Stayer(server, each));
        all.push(...some);
        await until(() => some.every(({ there }) => there), `${all.length} stayers are there`, PATIENCE);
    }
    return all;
}

// Publishes numbers one after another until stopped. `unsure`: those whose answer was lost with
// its worker, which may have come or not.
class Numbers {
    constructor(publish, pause) {
        Object.assign(this, { next: 0, unsure: new Set(), going: true });
        this.done = this.run(publish, pause);
    }

    async run(publish, pause) {
        while (this.going) {
            const n = this.next++;
            await publish(n).catch(() => this.unsure.add(n));
            await silence(pause);
        }
    }

    stop() {
        this.going = false;
        return this.done;
    }
}

module.exports = { settle, Stayer, Numbers };
