// SPDX-License-Identifier: BSD-2-Clause
// Who heard what, and nothing more: a broadcast marker ends the hearing, so that silence is
// proved by what comes after it and not by waiting. The namespace needs the rule
// `on fence { emit fence all data=$realtime_arg_0; }` (FENCE).
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
        if (event[0] !== 'fence') this.heard[at].push(event);
    }

    // Resolves with what each socket heard since the last time, when the marker reached all.
    async all(from = this.sockets[0], ms = undefined) {
        const mark = ++fences;
        const reached = this.sockets.map((socket) => new Promise((resolve) => {
            const listener = (got) => { if (got === mark) { socket.off('fence', listener); resolve(); } };
            socket.on('fence', listener);
        }));
        from.emit('fence', mark);
        await deadline(Promise.all(reached), 'the marker reaches every client', ms);
        const { heard } = this;
        this.heard = this.sockets.map(() => []);
        return heard;
    }
}

module.exports = { Hearing, FENCE };
