#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// socket.io-client: rooms, users and who must not hear, from rules and by HTTP publish, over
// clients at several workers and every transport.
'use strict';

const { test, ok, deepEqual } = require('../lib/tap');
const { ours } = require('../lib/target');
const { startSpread, clientsApart, TRANSPORTS } = require('../lib/spread');
const { Hearing, FENCE } = require('../lib/hearing');
const { post } = require('../lib/raw');
const { event } = require('../lib/until');
const { connected } = require('../lib/client');

const http = `
    realtime_app app {
        zone app:16m;
        user $realtime_auth_user;
        namespace / {
            connect { join "lobby:$realtime_auth_user" when=$realtime_auth_user; emit hello data=$realtime_worker; }
            on join { join $realtime_arg_0; ack 1; }
            on join-if { join $realtime_arg_0 when=$realtime_arg_1; ack 1; }
            on leave { leave $realtime_arg_0; ack 1; }
            on to { emit said to=$realtime_arg_0 data=$realtime_arg_1; ack 1; }
            on to-two { emit said to=$realtime_data_a to=$realtime_data_b data=$realtime_arg_1; ack 1; }
            on to-others { emit said to=$realtime_arg_0 except=sender data=$realtime_arg_1; ack 1; }
            on to-but { emit said to=$realtime_data_to except=$realtime_data_but data=$realtime_arg_1; ack 1; }
            on all { emit said all data=$realtime_arg_0; ack 1; }
            on all-others { emit said all except=sender data=$realtime_arg_0; ack 1; }
            on all-but { emit said all except=$realtime_arg_0 except=sender data=$realtime_arg_1; ack 1; }
            on user { emit said user=$realtime_arg_0 data=$realtime_arg_1; ack 1; }
            on user-and-room { emit said user=$realtime_data_user to=$realtime_data_room data=$realtime_arg_1; ack 1; }
            on relayed { relay to=a except=sender; ack 1; }
            on lobby { emit said "to=lobby:$realtime_arg_0" data=$realtime_arg_1; ack 1; }
            on goodbye { emit said to=a data=bye; leave a; ack 1; }
            on twice { emit said to=a data=1; emit said to=a data=2; ack 1; }
            on when { emit said to=a data=1 when=$realtime_arg_0; ack 1; }
            ${FENCE}
        }
        namespace /other {
            connect { join a; join b; emit hello data=$realtime_worker; }
            ${FENCE}
        }
    }`;
const server = `
    location /socket.io/ { realtime app; }
    location /publish { realtime_publish app; allow 127.0.0.1; deny all; }`;

const JSON_TYPE = { 'Content-Type': 'application/json' };

let app;
let names = 0;

// What each client must hear, and nothing else: the arguments of its "said" events, in a row,
// and other events with their names.
async function hears(hearing, expected, text) {
    const told = (list) => list.filter(([name]) => name !== 'hello').flatMap(([name, ...args]) => (name === 'said' ? args : [name, ...args]));
    deepEqual((await hearing.all()).map(told), expected, text);
}

async function publish(document) {
    const { status, text } = await post(app, '/publish', typeof document === 'string' ? document : JSON.stringify(document), JSON_TYPE);
    return { status, ...JSON.parse(text) };
}

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    const each = (name, body, run = test) => run(`${transport}: ${name}`, async () => {
        app = app || await startSpread({ http, server });
        const sockets = await clientsApart(app, 4, '/', options);
        await body(sockets, new Hearing(...sockets), (text) => `${transport}: ${text}`);
        sockets.forEach((socket) => socket.disconnect());
    }, { repeat: 2 });
    const ask = (socket, ...args) => socket.timeout(10000).emitWithAck(...args);

    each('a room is heard by who is in it', async ([a, b, c, d], hearing, label) => {
        await Promise.all([ask(a, 'join', 'a'), ask(b, 'join', 'a'), ask(c, 'join', 'b')]);
        ok(new Set([a, b, c, d].map(({ worker }) => worker)).size > 1, label('at several workers'));
        await ask(d, 'to', 'a', 1);
        await hears(hearing, [[1], [1], [], []], label('from outside'));
        await ask(a, 'to', 'a', 2);
        await hears(hearing, [[2], [2], [], []], label('from inside, the sender too'));
        await ask(a, 'to-others', 'a', 3);
        await hears(hearing, [[], [3], [], []], label('except the sender'));
        await ask(a, 'to', 'nobody', 4);
        await hears(hearing, [[], [], [], []], label('an empty room'));
    });

    each('leaving, and joining twice', async ([a, b], hearing, label) => {
        await Promise.all([ask(a, 'join', 'a'), ask(b, 'join', 'a')]);
        await ask(a, 'join', 'a');
        await ask(b, 'to', 'a', 1);
        await hears(hearing, [[1], [1], [], []], label('once, however often it joined'));
        await ask(a, 'leave', 'a');
        await ask(b, 'to', 'a', 2);
        await hears(hearing, [[], [2], [], []], label('not after it left'));
        await ask(a, 'leave', 'never-joined');
        await ask(a, 'join', 'a');
        await ask(b, 'to', 'a', 3);
        await hears(hearing, [[3], [3], [], []], label('again when it joined again'));
    });

    each('several rooms, each socket once', async ([a, b, c, d], hearing, label) => {
        await Promise.all([ask(a, 'join', 'a'), ask(a, 'join', 'b'), ask(b, 'join', 'b'), ask(c, 'join', 'c')]);
        await ask(d, 'to-two', { a: 'a', b: 'b' }, 1);
        await hears(hearing, [[1], [1], [], []], label('who is in both hears it once'));
        await ask(d, 'to-but', { to: 'b', but: 'a' }, 2);
        await hears(hearing, [[], [2], [], []], label('not who is in the excepted room'));
    });

    each('everyone, or not quite', async ([a, b], hearing, label) => {
        await ask(b, 'join', 'b');
        await ask(a, 'all', 1);
        await hears(hearing, [[1], [1], [1], [1]], label('all'));
        await ask(a, 'all-others', 2);
        await hears(hearing, [[], [2], [2], [2]], label('all except the sender'));
        await ask(a, 'all-but', 'b', 3);
        await hears(hearing, [[], [], [3], [3]], label('all except a room and the sender'));
    });

    each('a socket is the room of its id', async ([a, b, c], hearing, label) => {
        await ask(a, 'to', c.id, 1);
        await hears(hearing, [[], [], [1], []], label('a private message'));
        await ask(a, 'all-but', b.id, 2);
        await hears(hearing, [[], [], [2], [2]], label('everyone but one'));
    });

    each('the sender leaves after its last word', async ([a, b, c], hearing, label) => {
        await Promise.all([ask(a, 'join', 'a'), ask(b, 'join', 'a')]);
        await ask(a, 'goodbye');
        await ask(c, 'to', 'a', 'after');
        await hears(hearing, [['bye'], ['bye', 'after'], [], []], label('it hears its own goodbye and nothing after it'));
        await ask(a, 'twice');
        await hears(hearing, [[], [1, 2], [], []], label('two emits of one chain, in order'));
    });

    each('conditions', async ([a, b, c], hearing, label) => {
        await Promise.all([ask(a, 'join-if', 'a', 0), ask(b, 'join-if', 'a', 'yes'), ask(c, 'join-if', 'a')]);
        for (const condition of [0, '', '0']) await ask(a, 'when', condition);
        await ask(a, 'when', 'x');
        await hears(hearing, [[], [1], [], []], label('when= holds for join and for emit'));
    });

    each('relay', async ([a, b, c], hearing, label) => {
        await Promise.all([ask(a, 'join', 'a'), ask(b, 'join', 'a')]);
        await ask(a, 'relayed', 1, { x: [Buffer.from([1, 2])] }, 'é');
        await hears(hearing, [[], ['relayed', 1, { x: [Buffer.from([1, 2])] }, 'é'], [], []], label('the same event, the same arguments'));
        await ask(c, 'relayed');
        await hears(hearing, [['relayed'], ['relayed'], [], []], label('no arguments'));
    });

    each('names of rooms are any text', async ([a, b], hearing, label) => {
        for (const room of ['é 日本', 'a/b:c,d', '{"x":1}', '%', 'x'.repeat(200), '__proto__', '42']) {
            await ask(a, 'join', room);
            await ask(b, 'to', room, room.length);
            await hears(hearing, [[room.length], [], [], []], label(room.slice(0, 20)));
            await ask(a, 'leave', room);
        }
        await ask(a, 'join', 7);
        await ask(b, 'to', '7', 'seven');
        await hears(hearing, [['seven'], [], [], []], label('a number is its text'));
    });

    each('a client cannot join what is not its own to join', async ([a, b], hearing, label) => {
        for (const room of ['user:7', 'user:', b.id]) {
            const answer = await ask(a, 'join', room);
            deepEqual([answer.ok, typeof answer.error, typeof answer.message], [false, 'string', 'string'], label(`refused: ${room.slice(0, 5)}`));
        }
        await publish({ event: 'said', args: [1], users: ['7'] });
        await publish({ event: 'said', args: [2], rooms: [b.id] });
        await hears(hearing, [[], [2], [], []], label('it does not hear what is said to others'));
    }, ours);

    each('users: every socket of one person', async (sockets, unused, label) => {
        const person = `p${++names}`;
        const as = (user) => connected(app, '/', { ...options, auth: { user } });
        const [one, two, other] = await Promise.all([as(person), as(person), as(`${person}x`)]);
        const hearing = new Hearing(one, two, other, ...sockets);
        const rest = [[], [], [], []];
        await ask(sockets[0], 'user', person, 1);
        await hears(hearing, [[1], [1], [], ...rest], label('from a rule'));
        await publish({ event: 'said', args: [2], users: [person] });
        await hears(hearing, [[2], [2], [], ...rest], label('from publish'));
        await ask(sockets[0], 'lobby', person, 3);
        await hears(hearing, [[3], [3], [], ...rest], label('a room named after the user, joined at connect'));
        await ask(other, 'join', 'r');
        await ask(sockets[0], 'user-and-room', { user: person, room: 'r' }, 4);
        await hears(hearing, [[4], [4], [4], ...rest], label('a user and a room'));
        [one, two, other].forEach((socket) => socket.disconnect());
    });

    each('a socket that left is in no room', async ([a, b], hearing, label) => {
        await ask(a, 'join', 'a');
        const { id } = a;
        a.disconnect().connect();
        await event(a, 'hello');
        ok(a.id !== id, label('a new socket'));
        await ask(b, 'to', 'a', 1);
        await ask(b, 'to', id, 2);
        await hears(hearing, [[], [], [], []], label('nothing comes'));
    });

    each('publish', async ([a, b, c], hearing, label) => {
        await Promise.all([ask(a, 'join', 'a'), ask(b, 'join', 'a'), ask(b, 'join', 'b')]);
        const one = await publish({ event: 'said', args: [1] });
        deepEqual([one.status, one.ok, one.id !== undefined], [202, true, true], label('202 and an id'));
        await hears(hearing, [[1], [1], [1], [1]], label('to all'));
        await publish({ namespace: '/', event: 'said', args: [2], rooms: ['a'] });
        await hears(hearing, [[2], [2], [], []], label('to a room'));
        await publish({ event: 'said', args: [3], rooms: ['a'], except: ['b'] });
        await hears(hearing, [[3], [], [], []], label('to a room except another'));
        await publish({ event: 'said', args: [4, { deep: ['é'] }, null], rooms: [c.id] });
        await hears(hearing, [[], [], [4, { deep: ['é'] }, null], []], label('to one socket, several arguments'));
        await publish({ event: 'nothing' });
        await hears(hearing, [['nothing'], ['nothing'], ['nothing'], ['nothing']], label('no arguments'));
        await publish({ event: 'said', args: [5], volatile: true, rooms: ['nobody'] });
        const batch = await publish([1, 2, 3].map((n) => ({ event: 'said', args: [n], rooms: ['b'] })));
        deepEqual([batch.status, batch.ok, batch.ids.length], [202, true, 3], label('a batch'));
        await hears(hearing, [[], [1, 2, 3], [], []], label('a batch, in order'));
    });

    each('namespaces do not share rooms', async ([a], hearing, label) => {
        await ask(a, 'join', 'a');
        const other = await connected(app, '/other', options);
        const there = new Hearing(other);
        await publish({ namespace: '/other', event: 'said', args: [1], rooms: ['a', 'b'] });
        await hears(hearing, [[], [], [], []], label('not here'));
        await hears(there, [[1]], label('but there, once'));
        await ask(a, 'to', 'a', 2);
        await hears(hearing, [[2], [], [], []], label('here'));
        await hears(there, [[]], label('and not there'));
        other.disconnect();
    });
}
