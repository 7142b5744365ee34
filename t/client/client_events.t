#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// socket.io-client: events, binary data, acks and volatile events, on every transport.
'use strict';

const { test, is, ok, deepEqual } = require('../lib/tap');
const { startSpread, ready, clientsApart, TRANSPORTS } = require('../lib/spread');
const { Hearing, FENCE } = require('../lib/hearing');
const { deadline, event } = require('../lib/until');

const http = `
    realtime_app app {
        zone app:16m;
        namespace / {
            connect { emit hello data=$realtime_worker; }
            on echo { emit echo data=$realtime_args; }
            on ask { ack $realtime_args; }
            on first { ack $realtime_arg_0; }
            on second { ack $realtime_arg_1; }
            on name { ack $realtime_data_name; }
            on text { ack "<$realtime_data_name>"; }
            on number { ack 42; }
            on quoted { ack '"42"'; }
            on object { ack '{"ok":true}'; }
            on whoami { ack '["$realtime_sid","$realtime_event","$realtime_namespace"]'; }
            on ~ ^topic:(?<topic>[a-z]+)$ { ack $topic; }
            on shout { emit shout all data=$realtime_args; ack 1; }
            on burst {
                emit drop volatile data=1; emit drop volatile data=2; emit drop volatile data=3;
                emit keep data=4; ack 5;
            }
            on single { emit drop volatile data=$realtime_arg_0; }
            ${FENCE}
        }
    }`;
const server = 'location /socket.io/ { realtime app; }';

const bytes = (...list) => Buffer.from(list);

// What JSON can say, and where its writers go wrong.
const ARGUMENTS = [
    [],
    [1, '2', { 3: [true, null, 1.5, -0.25e-7] }],
    ['', [], {}, null, false, 0],
    ['пойду спать всем спокойной ночи', '日本語', '😀', '\u0000\u001e\u001f\u2028\ud7ff"\\/\b'],
    [1e21, 1e-7, 9007199254740991, -0.1, 123456789.123456789],
    [{ 'a"b': { '': [[[[]]]] }, constructor: 'x', [' ']: 1 }],
    ['x'.repeat(100000)],
    Array.from({ length: 300 }, (unused, i) => i),
];

const BINARY = [
    [bytes(1, 2, 3)],
    [bytes()],
    [bytes(0, 255, 30, 129), 'between', bytes(4)],
    [{ a: { b: [bytes(1), { c: bytes(2) }] }, d: bytes(3) }, 'tail'],
    [bytes(7), bytes(7), bytes(8)],
    [Buffer.alloc(70000, 0xa5)],
    [...Array.from({ length: 10 }, (unused, i) => bytes(i))],
];

// Sends with an ack; resolves with all of its arguments.
function ask(socket, ...args) {
    return deadline(new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer))), `ack of ${args[0]}`);
}

let app;

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    const each = (name, body) => test(`${transport}: ${name}`, async () => {
        app = app || await startSpread({ http, server });
        return body((text) => `${transport}: ${text}`, options);
    }, { repeat: 2 });

    each('events come back with the same arguments', async (label) => {
        const socket = await ready(app, '/', options);
        const hearing = new Hearing(socket);
        for (const args of ARGUMENTS) socket.emit('echo', ...args);
        deepEqual((await hearing.all())[0], ARGUMENTS.map((args) => ['echo', ...args]), label('echoed in order'));
    });

    each('binary arguments stay binary, nested ones too', async (label) => {
        const socket = await ready(app, '/', options);
        const hearing = new Hearing(socket);
        for (const args of BINARY) socket.emit('echo', ...args);
        deepEqual((await hearing.all())[0], BINARY.map((args) => ['echo', ...args]), label('echoed in order'));
    });

    each('acks carry all arguments and their types', async (label) => {
        const socket = await ready(app, '/', options);
        for (const args of [...ARGUMENTS, ...BINARY]) deepEqual(await ask(socket, 'ask', ...args), args, label(`ack of ${args.length}`));
    });

    each('acks of values', async (label) => {
        const socket = await ready(app, '/', options);
        const expected = [
            [['first', { a: [1] }], [{ a: [1] }]],
            [['first', bytes(9)], [bytes(9)]],
            [['first'], []],
            [['second', 1, null], [null]],
            [['second', bytes(1), { deep: bytes(2) }], [{ deep: bytes(2) }]],
            [['name', { name: '7' }], ['7']],
            [['name', { name: 7 }], [7]],
            [['name', { other: 7 }], []],
            [['name', 'no object'], []],
            [['text', { name: 'é' }], ['<é>']],
            [['text', {}], ['<>']],
            [['number'], [42]],
            [['quoted'], ['42']],
            [['object'], [{ ok: true }]],
            [['whoami'], [[socket.id, 'whoami', '/']]],
            [['topic:news'], ['news']],
        ];
        for (const [request, answer] of expected) deepEqual(await ask(socket, ...request), answer, label(JSON.stringify(request).slice(0, 60)));
    });

    each('events without a rule are ignored', async (label) => {
        const socket = await ready(app, '/', options);
        const hearing = new Hearing(socket);
        socket.emit('nobody', 1, () => {});
        socket.emit('topic:', 1);
        socket.emit('toString');
        socket.emit('__proto__');
        deepEqual(await hearing.all(), [[]], label('nothing came'));
    });

    each('300 acks under way at once', async (label) => {
        const socket = await ready(app, '/', options);
        const numbers = Array.from({ length: 300 }, (unused, i) => i);
        const order = [];
        const answers = await Promise.all(numbers.map(async (i) => {
            const [answer] = await ask(socket, 'ask', i);
            order.push(answer);
            return answer;
        }));
        deepEqual(answers, numbers, label('each ack has its own answer'));
        deepEqual(order, numbers, label('in order'));
    });

    each('a broadcast reaches everyone at every worker once, in order', async (label) => {
        const sockets = await clientsApart(app, 5, '/', options);
        ok(new Set(sockets.map(({ worker }) => worker)).size > 1, label('at several workers'));
        const hearing = new Hearing(...sockets);
        for (let i = 0; i < 50; ++i) sockets[i % 5].emit('shout', i, bytes(i));
        await Promise.all(sockets.map((socket) => ask(socket, 'ask')));
        const heard = await hearing.all();
        const [first] = heard;
        ok(heard.every((list) => JSON.stringify(list) === JSON.stringify(first)), label('one order for all'));
        deepEqual(first.map(([, i]) => i).sort((a, b) => a - b), Array.from({ length: 50 }, (unused, i) => i), label('each once'));
        deepEqual(first.filter(([, i]) => i % 5 === 2).map(([, i]) => i), [2, 7, 12, 17, 22, 27, 32, 37, 42, 47], label("a sender's order"));
        ok(first.every(([, i, buffer]) => Buffer.isBuffer(buffer) && buffer[0] === i), label('binary stays binary'));
        sockets.forEach((socket) => socket.disconnect());
    });

    each('volatile events may be dropped, normal ones are not', async (label) => {
        const socket = await ready(app, '/', options);
        const hearing = new Hearing(socket);
        await ask(socket, 'burst');
        const [heard] = await hearing.all();
        deepEqual(heard.filter(([name]) => name === 'keep'), [['keep', 4]], label('the normal one came'));
        const dropped = heard.filter(([name]) => name === 'drop').map(([, i]) => i);
        deepEqual(dropped, [1, 2, 3].filter((i) => dropped.includes(i)), label('volatile ones at most once, in order'));
    });

    each('a volatile event to an idle client arrives', async (label) => {
        const socket = await ready(app, '/', options);
        // While a poll of the client is between two requests the event may be lost: try again.
        for (let i = 0; ; ++i) {
            const arrives = event(socket, 'drop', { ms: 500 }).catch(() => undefined);
            socket.volatile.emit('single', i);
            const got = await arrives;
            if (got) { is(got[0], i, label('it came')); break; }
            if (i === 10) { ok(false, label('it came')); break; }
        }
    });
}
