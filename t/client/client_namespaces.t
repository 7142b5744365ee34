#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// socket.io-client: namespaces, static and by regular expression, auth, refusals, both kinds
// of disconnect, on every transport.
'use strict';

const { test, is, ok, deepEqual } = require('../lib/tap');
const { ours } = require('../lib/target');
const { startSpread, ready, TRANSPORTS } = require('../lib/spread');
const { sibling } = require('../lib/client');
const { Hearing, FENCE } = require('../lib/hearing');
const { deadline, event } = require('../lib/until');

const RULES = `
            on echo { emit echo data=$realtime_args; }
            on ask { ack $realtime_namespace; }
            on leave-me { close namespace; }
            on close-me { close connection; }
            ${FENCE}`;

const http = `
    realtime_app app {
        zone app:16m;
        user $realtime_auth_user;
        namespace / { ${RULES} }
        namespace /chat {
            connect { emit welcome data=$realtime_auth; }
            disconnect { emit gone all 'data=["$realtime_sid","$realtime_close_reason"]'; }
            ${RULES}
        }
        namespace ~ ^/room-(?<room>[0-9]+)$ {
            connect { emit welcome 'data=["$room","$realtime_namespace"]'; }
            on number { ack $room; }
            ${RULES}
        }
        namespace /member {
            connect {
                require $realtime_auth_token error=unauthorized "message=token required";
                require $realtime_auth_user $realtime_auth_age error=incomplete "message=$realtime_auth_token needs more";
                join members;
                emit welcome to=members data=$realtime_user;
            }
            on guarded {
                require $realtime_arg_0 error=forbidden "message=not you";
                ack '{"ok":true}';
            }
            ${RULES}
        }
    }`;
const server = 'location /socket.io/ { realtime app; }';

// Each event's first argument; asked for before what causes it.
const first = async (socket, name) => (await event(socket, name))[0];

async function joined(main, namespace, auth) {
    const socket = sibling(main, namespace, auth);
    await event(socket, 'connect');
    return socket;
}

// A new socket each time, where the client would keep one per namespace.
function fresh(main, namespace, auth) {
    delete main.io.nsps[namespace];
    return sibling(main, namespace, auth);
}

// The namespace answers, and over the same Engine.IO connection as ever.
async function works(socket, namespace, connection, text) {
    is(await deadline(socket.emitWithAck('ask'), `${text}: ask`), namespace, text);
    is(socket.io.engine.id, connection, `${text}, on the same connection`);
}

let app;

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    const each = (name, body, run = test) => run(`${transport}: ${name}`, async () => {
        app = app || await startSpread({ http, server });
        return body((text) => `${transport}: ${text}`);
    }, { repeat: 2 });
    const open = (namespace, more) => ready(app, namespace, { ...options, ...more });

    each('several namespaces over one connection', async (label) => {
        const main = await open('/');
        const [chat, room] = [sibling(main, '/chat'), sibling(main, '/room-12')];
        const welcome = first(room, 'welcome');
        await Promise.all([event(chat, 'connect'), event(room, 'connect')]);
        deepEqual(await welcome, ['12', '/room-12'], label('the name matched, and what it captured'));
        is(await room.emitWithAck('number'), 12, label('text that is a number becomes one'));
        is(new Set([main.id, chat.id, room.id]).size, 3, label('each has an id of its own'));
        ok([main, chat, room].every(({ id }) => id.length === 20), label('of 20 characters'));
        const hearings = [new Hearing(main), new Hearing(chat), new Hearing(room)];
        main.emit('echo', 'main');
        chat.emit('echo', 'chat', Buffer.from([1]));
        const heard = await Promise.all(hearings.map((hearing) => hearing.all()));
        deepEqual(heard, [[[['echo', 'main']]], [[['echo', 'chat', Buffer.from([1])]]], [[]]], label('no event strays'));
    });

    each('the public id tells nothing of the secret one', async (label) => {
        const main = await open('/');
        const secret = main.io.engine.id;
        ok(secret.length >= 20 && secret.slice(-16) !== main.id.slice(-16), label('nothing in common'));
    });

    each('auth reaches the rules', async (label) => {
        const main = await open('/');
        for (const auth of [undefined, {}, { token: 'x', n: 1.5, deep: { list: [null, 'é"\\'] } }]) {
            const chat = fresh(main, '/chat', auth);
            deepEqual(await first(chat, 'welcome'), auth || {}, label(`auth ${JSON.stringify(auth)}`));
            chat.disconnect();
            await main.emitWithAck('ask'); // the server has seen it leave
        }
    });

    each('an unknown namespace is refused, the connection stays', async (label) => {
        const main = await open('/');
        const connection = main.io.engine.id;
        for (const namespace of ['/nothing', '/room-', '/room-1x', '/chatter', '/chat/', '/__proto__', '/room-1?x=1']) {
            const error = await first(sibling(main, namespace), 'connect_error');
            deepEqual([error.message, error.data], ['Invalid namespace', undefined], label(namespace));
        }
        await works(main, '/', connection, label('the main namespace goes on'));
        await works(await joined(main, '/chat'), '/chat', connection, label('a known one can be joined'));
    });

    each('require refuses a CONNECT', async (label) => {
        const main = await open('/');
        const connection = main.io.engine.id;
        const tries = [
            [{}, 'unauthorized', 'token required'],
            [{ token: '' }, 'unauthorized', 'token required'],
            [{ token: 0 }, 'unauthorized', 'token required'],
            [{ token: 't"1', user: 7 }, 'incomplete', 't"1 needs more'],
            [{ token: 't', user: 7, age: '0' }, 'incomplete', 't needs more'],
        ];
        for (const [auth, code, message] of tries) {
            const error = await first(fresh(main, '/member', auth), 'connect_error');
            deepEqual([error.message, error.data.error], [message, code], label(JSON.stringify(auth)));
        }
        const member = fresh(main, '/member', { token: 't', user: 7, age: 1 });
        is(await first(member, 'welcome'), 7, label('then it lets in'));
        await works(member, '/member', connection, label('the member'));
        await works(main, '/', connection, label('the main namespace'));
    });

    each('require refuses an event', async (label) => {
        const member = await open('/member', { auth: { token: 't', user: 'u', age: 1 } });
        for (const args of [[], [''], [0], ['0']])
            deepEqual(await member.emitWithAck('guarded', ...args), { ok: false, error: 'forbidden', message: 'not you' }, label(`refused ${args}`));
        for (const argument of [1, 'a', [], {}])
            deepEqual(await member.emitWithAck('guarded', argument), { ok: true }, label(`let through ${JSON.stringify(argument)}`));
    });

    each('the client leaves a namespace', async (label) => {
        const [main, watcher] = [await open('/'), await open('/chat')];
        const connection = main.io.engine.id;
        const chat = await joined(main, '/chat');
        const { id } = chat;
        const gone = first(watcher, 'gone');
        chat.disconnect();
        deepEqual(await gone, [id, 'client namespace disconnect'], label('disconnect { } tells the others'));
        await works(main, '/', connection, label('the main namespace goes on'));
        chat.connect();
        await event(chat, 'connect');
        ok(chat.id !== id, label('a new id when it comes back'));
        await works(chat, '/chat', connection, label('it came back'));
    });

    each('the server closes a namespace', async (label) => {
        const [main, watcher] = [await open('/'), await open('/chat')];
        const connection = main.io.engine.id;
        const chat = await joined(main, '/chat');
        const { id } = chat;
        const [gone, reason] = [first(watcher, 'gone'), first(chat, 'disconnect')];
        chat.emit('leave-me');
        is(await reason, 'io server disconnect', label('the client is told'));
        deepEqual(await gone, [id, 'server namespace disconnect'], label('disconnect { } tells the others'));
        await works(main, '/', connection, label('the main namespace goes on'));
    });

    each('the server closes the connection', async (label) => {
        const [main, watcher] = [await open('/', { reconnection: true }), await open('/chat')];
        const chat = await joined(main, '/chat');
        const ends = [first(main, 'disconnect'), first(chat, 'disconnect'), first(watcher, 'gone')];
        const { id } = chat;
        chat.emit('close-me');
        const [first_, second, gone] = await Promise.all(ends);
        deepEqual([first_, second], ['io server disconnect', 'io server disconnect'], label('every namespace is told'));
        deepEqual(gone[0], id, label('disconnect { } tells the others'));
        await works(watcher, '/chat', watcher.io.engine.id, label('the others go on'));
        ok(!main.active && !main.connected, label('such a client does not come back by itself'));
    });

    each('a lost transport runs disconnect { } too', async (label) => {
        const [chat, watcher] = [await open('/chat'), await open('/chat')];
        const { id } = chat;
        const gone = first(watcher, 'gone');
        chat.io.engine.close();
        deepEqual(await gone, [id, 'transport close'], label('disconnect { } tells the others'));
    });

    each('an event that races the end of its namespace does not end the connection', async (label) => {
        const main = await open('/');
        const connection = main.io.engine.id;
        const chat = await joined(main, '/chat');
        const reason = first(chat, 'disconnect');
        chat.emit('leave-me');
        chat.emit('echo', 'too late', Buffer.from([1]));
        chat.emit('ask', () => {});
        is(await reason, 'io server disconnect', label('the namespace ends'));
        await works(main, '/', connection, label('the main namespace goes on'));
    }, ours);

    each('leaving a namespace and joining it again at once', async (label) => {
        const main = await open('/');
        const connection = main.io.engine.id;
        const chat = await joined(main, '/chat');
        const { id } = chat;
        chat.disconnect().connect();
        await event(chat, 'connect');
        ok(chat.id !== id, label('a new id'));
        await works(chat, '/chat', connection, label('it is back'));
        await works(main, '/', connection, label('the main namespace goes on'));
    }, ours);
}
