// SPDX-License-Identifier: BSD-2-Clause
// Who heard what, and nothing more: a broadcast marker ends the hearing, so that silence is
// proved by what comes after it and not by waiting. A marker that is a client's needs the rule
// `on fence { emit fence all data=$realtime_arg_0; }` (FENCE) in the namespace.
'use strict';

const { deadline } = require('./until');

const FENCE = 'on fence { emit fence all data=$realtime_arg_0; }';

let fences = 0;

class Hearing {
    constructor(...sockets) {
        this.sockets = sockets;
        this.heard = sockets.map(() => []);
        sockets.forEach((socket, at) => socket.onAny((...event) => this.hear(at, event)));
    }

    hear(at, event) {
        if (event[0] !== 'fence') this.heard[at].push(event.filter((part) => typeof part !== 'function'));
    }

    // Resolves with what each socket heard since the last time, when the marker reached all.
    // `from`: the client that sends it, or a function that has the event "fence" sent with it.
    async all(from = this.sockets[0], ms = undefined) {
        const mark = ++fences;
        const reached = this.sockets.map((socket) => new Promise((resolve) => {
            const listener = (got) => { if (got === mark) { socket.off('fence', listener); resolve(); } };
            socket.on('fence', listener);
        }));
        if (typeof from === 'function') await from(mark);
        else from.emit('fence', mark);
        await deadline(Promise.all(reached), 'the marker reaches every client', ms);
        const { heard } = this;
        this.heard = this.sockets.map(() => []);
        return heard;
    }
}

module.exports = { Hearing, FENCE };
