// SPDX-License-Identifier: BSD-2-Clause
// A flood from a process of its own, so that the test can measure meanwhile how others fare.
// Started by bad_floods.t: node flood.js <port> <kind> <rounds>.
'use strict';

const { Polling, open, next, SEPARATOR } = require('./eio');
const { frame, OP } = require('./ws');

const key = Buffer.alloc(4);
const repeated = (packet, count) => Buffer.concat(Array(count).fill(frame(OP.text, packet, { key })));

async function answered(socket, packet, count) {
    socket.sendRaw(repeated(packet, count));
    for (let i = 0; i < count; ++i) await next(socket);
}

async function conversation(server, packet) {
    const socket = await open(server);
    await next(socket.text('40'));
    return (count) => answered(socket, packet, count);
}

const KINDS = {
    events: async (server) => {
        const round = await conversation(server, '42["echo","x"]');
        return () => round(1000);
    },
    acks: async (server) => {
        const round = await conversation(server, '427["ask",{"a":[1,2,3]}]');
        return () => round(1000);
    },
    joins: async (server) => {
        const socket = await open(server);
        await next(socket.text('40'));
        let n = 0;
        return async () => {
            for (let i = 0; i < 200; ++i) socket.text(`421["join","r${n++}"]`);
            for (let i = 0; i < 200; ++i) await next(socket);
        };
    },
    connections: async (server) => () => Promise.all(Array.from({ length: 50 }, async (unused, i) => {
        if (i % 2) await Polling.open(server);
        else (await open(server)).destroy();
    })),
    posts: async (server) => {
        const session = await Polling.open(server);
        await session.send('40');
        await session.packet();
        return async () => {
            await session.send(Array(1000).fill('42["echo","x"]').join(SEPARATOR));
            for (let i = 0; i < 1000; ++i) await session.packet();
        };
    },
};

async function main([port, kind, rounds]) {
    const round = await KINDS[kind]({ port: Number(port) });
    for (let i = 0; i < Number(rounds); ++i) await round();
}

main(process.argv.slice(2)).then(() => process.exit(0), (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
});
