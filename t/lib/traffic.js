// SPDX-License-Identifier: BSD-2-Clause
// Clients that notice whatever goes wrong on the way: each asks numbered questions and expects
// their answers in order, and hears a numbered broadcast. Some write their frames in two halves,
// some do not read for a while.
'use strict';

const { post } = require('./raw');
const { silence } = require('./until');

const CUT = 1 / 8;      // of the writes
const HELD = 300;       // ms at most between the halves

// Makes a member of a crowd (SocketMember) write some frames in two halves, the rest behind them.
function cutWrites(member) {
    const { socket } = member;
    const write = socket.write.bind(socket);
    let waiting;
    const release = () => {
        const [first, ...rest] = waiting;
        waiting = undefined;
        write(first);
        rest.forEach((bytes) => socket.write(bytes));
    };
    socket.write = (bytes) => {
        if (waiting) return waiting.push(bytes);
        if (member.left || Math.random() > CUT) return write(bytes);
        const at = 1 + Math.floor(Math.random() * (bytes.length - 1));
        write(bytes.subarray(0, at));
        waiting = [bytes.subarray(at)];
        member.cuts = (member.cuts || 0) + 1;
        return setTimeout(release, Math.random() * HELD);
    };
}

// Reads nothing for up to `ms`, again and again.
async function readSlowly(member, ms, goesOn) {
    while (goesOn()) {
        member.socket.pause();
        await silence(ms / 2 + Math.random() * ms / 2);
        member.socket.resume();
        await silence(200);
    }
    member.socket.resume();
}

// One member's questions, one after the other: `wrong` is what it got instead of the next answer.
class Asker {
    constructor(member, size) {
        Object.assign(this, { member, padding: 'x'.repeat(Math.floor(Math.random() * size)), asked: 0, answered: 0, wrong: [], slowest: 0 });
        const { hear } = member;
        member.hear = (packet) => (packet.startsWith('43') ? this.answer(packet) : hear.call(member, packet));
    }

    ask() {
        const id = this.asked++;
        if (this.answered === id) this.began = Date.now();
        this.member.send(`42${id}["ask",${id},"${this.padding}"]`);
    }

    answer(packet) {
        if (packet !== `43${this.answered}[${this.answered},"${this.padding}"]`) this.wrong.push(`${packet.slice(0, 40)} for ${this.answered}`);
        this.slowest = Math.max(this.slowest, Date.now() - this.began);
        this.began = Date.now();
        ++this.answered;
    }
}

// Publishes 0, 1, 2, … until told to stop, `document(n)` each, with `pause` ms in between.
class Publisher {
    constructor(server, pause, document = (n) => ({ event: 'n', args: [n] })) {
        Object.assign(this, { server, pause, document, next: 0, refused: [], on: true });
        this.done = this.run();
    }

    async run() {
        while (this.on) {
            const body = JSON.stringify(this.document(this.next));
            const answer = await post(this.server, '/publish', body, { 'Content-Type': 'application/json' })
                .catch((error) => ({ status: error.message }));
            if (answer.status === 202) ++this.next;
            else this.refused.push(answer.status);
            await silence(this.pause);
        }
    }

    stop() {
        this.on = false;
        return this.done;
    }
}

// The members that heard anything but `event` 0, 1, 2, … up to `count` of it.
function unevenly(members, event, count) {
    return members.filter(({ heard }) => {
        const numbers = heard.map((text) => JSON.parse(text)).filter(([name]) => name === event).map(([, n]) => n);
        return numbers.length !== count || numbers.some((n, at) => n !== at);
    }).length;
}

module.exports = { cutWrites, readSlowly, Asker, Publisher, unevenly };
