// SPDX-License-Identifier: BSD-2-Clause
// Clients in a process of their own, driven over IPC: many at once, without slowing the test that
// measures. node herd.js <kind>; messages {do, …} in, {did, …} out.
'use strict';

const { fork } = require('child_process');

const tap = require('./tap');
const { Stayer } = require('./stayers');
const { SocketMember } = require('./crowd');
const { until, event } = require('./until');

const PATIENCE = 60000 * tap.SLOW;

// --- in the child

// Notes how long each event `["t", <µs of the sender's clock>, …]` took, and how many bytes came.
class Meter extends SocketMember {
    hear(packet) {
        if (!packet.startsWith('42["t",')) { super.hear(packet); return; }
        Meter.bytes += packet.length;
        Meter.took.push(Number(process.hrtime.bigint() / 1000n) - Number(packet.slice(7, packet.indexOf(',', 7))));
    }
}
Meter.took = [];
Meter.bytes = 0;

const all = [];
const there = () => all.every((one) => one.there);

const TASKS = {
    // Clients that come back whenever they are lost; greeted by HELLO.
    async stay({ port, count, width = 50, delay = 20 }) {
        for (let left = count; left > 0; left -= width) {
            all.push(...Array.from({ length: Math.min(width, left) }, () => new Stayer({ port }, { delay })));
            await until(there, `${all.length} clients are there`, PATIENCE);
        }
    },
    // Resolves when all are there again.
    async back() { await until(there, 'all are back', PATIENCE); },
    async lives() { return { pids: all.map(({ pid }) => pid), lives: all.map(({ lives }) => lives.length) }; },
    // Clients that read and measure.
    async meter({ port, count }) {
        const members = Array.from({ length: count }, () => new Meter({ port }).start());
        await Promise.all(members.map(({ joined }) => joined));
        all.push(...members);
    },
    async measured() {
        const took = Meter.took.splice(0).sort((a, b) => a - b);
        const { bytes } = Meter;
        Meter.bytes = 0;
        return { count: took.length, bytes, p50: took[took.length >> 1], p99: took[Math.floor(took.length * 0.99)], over: all.map(({ over }) => over).filter((over) => over !== undefined) };
    },
    // Clients that join and then read nothing for ever.
    async stall({ port, count }) {
        for (let left = count; left > 0; left -= 50) {
            const members = Array.from({ length: Math.min(50, left) }, () => new SocketMember({ port }).start());
            await Promise.all(members.map(({ joined }) => joined));
            members.forEach(({ socket }) => socket.pause());
            all.push(...members);
        }
    },
    async leave() { all.splice(0).forEach((one) => one.leave()); },
};

async function serve({ id, task, options }) {
    try {
        process.send({ id, answer: await TASKS[task](options) || {} });
    } catch (error) {
        process.send({ id, error: error.message });
    }
}

if (require.main === module) {
    process.on('message', serve);
    process.on('disconnect', () => process.exit(0));
    process.send({ ready: true });
}

// --- in the test

class Herd {
    static async start() {
        const herd = new Herd();
        herd.child = fork(__filename, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
        tap.after(() => herd.child.kill('SIGKILL'));
        tap.onPanic(() => herd.child.kill('SIGKILL'));
        herd.asked = 0;
        await event(herd.child, 'message', { ms: PATIENCE });
        return herd;
    }

    async run(task, options = {}) {
        const id = ++this.asked;
        const answered = event(this.child, 'message', { ms: 2 * PATIENCE, filter: (message) => message.id === id });
        this.child.send({ id, task, options });
        const [{ answer, error }] = await answered;
        if (error) throw new Error(`${task}: ${error}`);
        return answer;
    }
}

module.exports = { Herd };
