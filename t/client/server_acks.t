#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// HTTP publish that asks for the clients' acks: the answers of clients at all workers, on every
// transport and across a move, and who is missing when the time is over.
'use strict';

const { is, ok, deepEqual, like } = require('../lib/tap');
const { ours } = require('../lib/target');
const { startSpread, ready, clientsApart, TRANSPORTS } = require('../lib/spread');
const { Polling, open, next } = require('../lib/eio');
const { connect, get, post } = require('../lib/raw');
const { event, until, deadline } = require('../lib/until');
const { connected, sibling, POLLING, WEBSOCKET, UPGRADE } = require('../lib/client');

const http = `
    realtime_app app {
        zone app:32m;
        user $realtime_auth_user;
        namespace / {
            connect { emit hello data=$realtime_worker; }
            on join { join $realtime_arg_0; ack 1; }
        }
        namespace /other { connect { emit hello data=$realtime_worker; } }
        namespace /empty { }
    }
    realtime_app lone { zone lone:16m; namespace / { connect { emit hello data=$realtime_worker; } } }`;
const server = `
    location /socket.io/ { realtime app; realtime_drain 0; }
    location /strict/ { realtime app; realtime_limits acks=2; }
    location /publish { realtime_publish app; }
    location /status { realtime_status app; }
    location /lone/ { realtime lone; }
    location /lone-publish { realtime_publish lone; }
    location /lone-status { realtime_status lone; }`;

const JSON_TYPE = { 'Content-Type': 'application/json' };
const LONG = 20000;
const sids = (list) => list.map(({ sid }) => sid).sort();
const idsOf = (sockets) => sockets.map(({ id }) => id).sort();

let app;
const begin = async () => { app = app || await startSpread({ http, server }); };

// Publishes "q" and resolves with the status, the parsed answer and how long it took.
async function ask(message = {}, { path = '/publish', timeout = LONG, on = app } = {}) {
    const began = Date.now();
    const body = JSON.stringify({ event: 'q', ack: { timeout }, ...message });
    const { status, text, headers } = await post(on, path, body, JSON_TYPE);
    return { status, type: headers['content-type'], took: Date.now() - began, ...JSON.parse(text) };
}

// Each socket answers at once with `answer(socket, ...args)`.
function answering(sockets, answer = ({ id }, n) => [id, n]) {
    for (const socket of sockets) socket.on('q', (...args) => args.pop()(...answer(socket, ...args)));
}

async function total(path = '/status') {
    return JSON.parse((await get(app, `${path}?format=json`)).text).total;
}

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    const label = (text) => `${transport}: ${text}`;
    const each = (name, body) => ours(`${transport}: ${name}`, async () => {
        await begin();
        const sockets = await clientsApart(app, 5, '/', options);
        await body(sockets);
        sockets.forEach((socket) => socket.disconnect());
    }, { repeat: 2 });

    each('all answer', async (sockets) => {
        answering(sockets);
        ok(new Set(sockets.map(({ worker }) => worker)).size > 1, label('at several workers'));
        for (const n of [1, 2, 3]) {
            const got = await ask({ args: [n] });
            deepEqual([got.status, got.type, got.ok, got.missing], [200, 'application/json', true, []], label('200, nobody is missing'));
            like(got.id, /^\d+$/, label('an id'));
            deepEqual(sids(got.answers), idsOf(sockets), label('every socket once'));
            deepEqual(got.answers.map(({ args }) => args), got.answers.map(({ sid }) => [sid, n]), label('with its own answer'));
        }
    });

    each('one never answers', async (sockets) => {
        const [mute, ...rest] = sockets;
        answering(rest);
        const heard = event(mute, 'q');
        const got = await ask({ args: ['x'] }, { timeout: 400 });
        is((await heard)[0], 'x', label('it got the event'));
        deepEqual([got.status, got.missing, sids(got.answers)], [200, [mute.id], idsOf(rest)], label('it is missing, the others answered'));
        ok(got.took >= 400, label(`at the timeout, after ${got.took} ms`));
        const late = (await heard)[1];
        late('too late');
        answering([mute]);
        const again = await ask();
        deepEqual([again.missing, sids(again.answers)], [[], idsOf(sockets)], label('its late answer does no harm'));
    });

    each('binary answers', async (sockets) => {
        const bytes = Buffer.from([0, 1, 2, 250, 255]);
        answering(sockets, ({ id }) => [{ deep: Buffer.from(id) }, 'between', bytes]);
        const got = await ask();
        deepEqual(sids(got.answers), idsOf(sockets), label('all answered'));
        const place = (num) => ({ _placeholder: true, num });
        deepEqual(got.answers, got.answers.map(({ sid }) => ({
            sid,
            args: [{ deep: place(0) }, 'between', place(1)],
            attachments: [Buffer.from(sid).toString('base64'), bytes.toString('base64')],
        })), label('args with placeholders, attachments beside them'));
    });

    each('whom the message means, and nobody else', async (sockets) => {
        answering(sockets, () => []);
        const [a, b, c] = sockets;
        await Promise.all([a, b].map((socket) => socket.emitWithAck('join', 'r')));
        deepEqual(sids((await ask({ rooms: ['r'] })).answers), idsOf([a, b]), label('a room'));
        deepEqual(sids((await ask({ rooms: ['r', c.id], except: [a.id] })).answers), idsOf([b, c]), label('a room and a socket except another'));
        deepEqual((await ask({ rooms: [c.id] })).answers, [{ sid: c.id, args: [] }], label('one socket; an ack without arguments'));
        const other = await connected(app, '/other', options);
        answering([other], () => [null]);
        deepEqual((await ask({ namespace: '/other' })).answers, [{ sid: other.id, args: [null] }], label('another namespace'));
        other.disconnect();
    });

    each('a socket that leaves without an answer is missing', async (sockets) => {
        const [leaver, ...rest] = sockets;
        answering(rest);
        leaver.on('q', () => leaver.disconnect());
        const { id } = leaver;
        const got = await ask({}, { timeout: 500 });
        deepEqual([got.missing, sids(got.answers)], [[id], idsOf(rest)], label('at the timeout'));
    });
}

ours('nobody is there', async () => {
    await begin();
    for (const message of [{ namespace: '/empty' }, { namespace: '/unheard-of' }, { rooms: ['nobody-is-in-it'] }]) {
        const got = await ask(message, { timeout: 60000 });
        deepEqual([got.status, got.answers, got.missing], [200, [], []], `${JSON.stringify(message)}: no answers`);
        ok(got.took < 5000, `at once, after ${got.took} ms`);
    }
});

ours('without "ack" nothing is asked', async () => {
    const socket = await open(app);
    await next(socket.text('40'));
    await next(socket);
    const { status } = await post(app, '/publish', '{"event":"q","args":[1]}', JSON_TYPE);
    is(status, 202, '202');
    is(await next(socket), '42["q",1]', 'no ack id');
    socket.destroy();
});

ours('many questions at once', async () => {
    const sockets = await clientsApart(app, 4, '/', UPGRADE);
    answering(sockets);
    const numbers = Array.from({ length: 100 }, (unused, i) => i);
    const got = await Promise.all(numbers.map((n) => ask({ args: [n] })));
    deepEqual(got.map(({ answers }) => sids(answers)), numbers.map(() => idsOf(sockets)), 'each is answered by all');
    deepEqual(got.map(({ answers }) => answers.every(({ args }, i) => args[0] === answers[i].sid)), numbers.map(() => true), 'nobody answers for another');
    deepEqual(got.map(({ answers }) => answers.map(({ args }) => args[1])), numbers.map((n) => sockets.map(() => n)), 'nor another question');
    is(new Set(got.map(({ id }) => id)).size, numbers.length, 'each has an id of its own');
    sockets.forEach((socket) => socket.disconnect());
});

ours('large answers', async () => {
    const sockets = await clientsApart(app, 3, '/', WEBSOCKET);
    answering(sockets, ({ id }) => [id.repeat(40000), Buffer.alloc(100000, id)]);
    const got = await ask();
    deepEqual(sids(got.answers), idsOf(sockets), 'of all sockets');
    ok(got.answers.every(({ sid, args, attachments }) => args[0] === sid.repeat(40000)
        && Buffer.from(attachments[0], 'base64').equals(Buffer.alloc(100000, sid))), 'arrive whole');
    sockets.forEach((socket) => socket.disconnect());
});

// --- moves

// A polling client answers after it has upgraded, which is another worker more often than not.
ours('an upgrade while the ack is pending', async () => {
    const before = await total();
    const rounds = Array.from({ length: 12 }, (unused, n) => n);
    await Promise.all(rounds.map(async (n) => {
        const socket = await connected(app, '/', { ...UPGRADE, upgrade: false });
        const asked = event(socket, 'q');
        const answer = ask({ args: [n], rooms: [socket.id] });
        const [, reply] = await asked;
        const upgraded = event(socket.io.engine, 'upgrade');
        socket.io.engine._probe('websocket');
        await upgraded;
        reply('after the move', n);
        const got = await answer;
        deepEqual([got.answers, got.missing], [[{ sid: socket.id, args: ['after the move', n] }], []], `client ${n} answers`);
        socket.disconnect();
    }));
    ok((await total()).moves_in > before.moves_in, 'and some did move to another worker');
});

// One client upgrades and is asked alone, all the time: also a session that is on its way from
// one worker to another when both read the question answers it.
ours('questions while sessions move', async () => {
    const before = await total();
    const waiting = await Promise.all(Array.from({ length: 40 }, () => connected(app, '/', { ...UPGRADE, upgrade: false })));
    answering(waiting);
    const rounds = [];
    const follow = async (socket) => {
        let moving = true;
        const asker = async () => {
            while (moving) rounds.push({ sid: socket.id, ...await ask({ rooms: [socket.id], args: [rounds.length] }) });
        };
        const askers = Promise.all([asker(), asker(), asker()]);
        const upgraded = event(socket.io.engine, 'upgrade');
        socket.io.engine._probe('websocket');
        await upgraded.finally(() => { moving = false; });
        await askers;
        socket.disconnect();
    };
    const follower = async () => {
        for (let socket = waiting.pop(); socket; socket = waiting.pop()) await follow(socket);
    };
    await Promise.all([follower(), follower()]);
    const wrong = rounds.filter(({ sid, answers, missing }) => missing.length || sids(answers).join() !== sid);
    deepEqual(wrong.map(({ sid, answers, missing }) => [sid, sids(answers), missing]), [], `each of ${rounds.length} questions is answered`);
    ok((await total()).moves_in > before.moves_in, 'while some moved');
}, { repeat: 2 });

// --- limits and volatile

ours('realtime_limits acks=', async () => {
    const before = (await total()).refused.acks;
    const socket = await open(app, { path: '/strict/' });
    const { sid } = JSON.parse((await next(socket.text('40'))).slice(2));
    await next(socket);
    const other = JSON.parse((await next(socket.text('40/other,'))).slice('40/other,'.length)).sid;
    await next(socket);

    const first = ask({ args: [1], rooms: [sid] }, { timeout: 1500 });
    like(await next(socket), /^42\d+\["q",1\]$/, 'the first is asked');
    const second = ask({ args: [2], namespace: '/other', rooms: [other] }, { timeout: 1500 });
    const asked = await next(socket);
    like(asked, /^42\/other,\d+\["q",2\]$/, 'the second, in another namespace, too');
    const third = await ask({ args: [3], rooms: [sid] }, { timeout: 1500 });
    is(await next(socket), '42["q",3]', 'the third comes without an id');
    deepEqual([third.answers, third.missing], [[], []], 'and is not waited for');
    is((await total()).refused.acks - before, 1, 'which is counted');

    socket.text(asked.replace(/^42/, '43').replace(/\[.*/, '["two"]'));
    deepEqual((await second).answers, [{ sid: other, args: ['two'] }], 'an answer makes room');
    const fourth = ask({ args: [4], rooms: [sid] }, { timeout: 300 });
    like(await next(socket), /^42\d+\["q",4\]$/, 'for another');
    deepEqual([(await first).missing, (await fourth).missing], [[sid], [sid]], 'those that were not answered end');
    const fifth = ask({ args: [5], rooms: [sid] }, { timeout: 300 });
    like(await next(socket), /^42\d+\["q",5\]$/, 'and make room as well');
    await fifth;
    socket.destroy();
});

ours('volatile', async () => {
    const listening = await ready(app, '/', WEBSOCKET);
    answering([listening]);
    const session = await Polling.open(app); // has no GET waiting: volatile events pass by
    await session.send('40');
    const { sid } = JSON.parse((await session.packet()).slice(2));
    const got = await ask({ volatile: true, rooms: [sid, listening.id], args: [1] }, { timeout: 300 });
    deepEqual([sids(got.answers), got.missing], [[listening.id], [sid]], 'a dropped event: the socket is missing');
    await session.send('1');
    listening.disconnect();
});

ours('acks that nobody waits for', async () => {
    const socket = await open(app);
    const { sid } = JSON.parse((await next(socket.text('40'))).slice(2));
    await next(socket);
    const answer = ask({ rooms: [sid] });
    const id = (await next(socket)).match(/^42(\d+)/)[1];
    for (const packet of ['430[]', '439007199254740992[1]', `43${Number(id) + 8}["no"]`, '43["no id"]']) socket.text(packet);
    socket.text(`43${id}["yes"]`).text(`43${id}["twice"]`);
    const got = await answer;
    deepEqual([got.id, got.answers], [id, [{ sid, args: ['yes'] }]], 'are ignored; the first answer counts');
    const empty = ask({ rooms: [sid] });
    socket.text((await next(socket)).replace(/^42/, '43').replace(/\[.*/, ''));
    deepEqual((await empty).answers, [{ sid, args: [] }], 'an ack without a payload is an empty one');
    socket.destroy();
});

// --- bad requests

const BAD = [
    [{ ack: {} }, /"ack" is/], [{ ack: 5000 }, /"ack" is/], [{ ack: null }, /"ack" is/], [{ ack: true }, /"ack" is/], [{ ack: [5000] }, /"ack" is/],
    [{ ack: { timeout: 0 } }, /1 to 60000/], [{ ack: { timeout: -1 } }, /1 to 60000/], [{ ack: { timeout: 60001 } }, /1 to 60000/],
    [{ ack: { timeout: 1.5 } }, /1 to 60000/], [{ ack: { timeout: '5' } }, /1 to 60000/], [{ ack: { timeout: 1e300 } }, /1 to 60000/],
    [{ ack: { timeout: 5, more: 1 } }, /"ack" is/],
];

ours('what is refused', async () => {
    for (const [message, words] of BAD) {
        const got = await ask(message);
        is(got.status, 400, JSON.stringify(message));
        like(got.error.message, words, 'says why');
    }
    const { status, text } = await post(app, '/publish', JSON.stringify([{ event: 'q' }, { event: 'q', ack: { timeout: 5 } }]), JSON_TYPE);
    deepEqual([status, JSON.parse(text).error.message], [400, 'message 1: "ack" has no place in a batch: publish the message alone'], 'in a batch');
});

// --- the publisher, and workers that end

ours('a publisher that leaves', async () => {
    const socket = await connected(app, '/', POLLING);
    const asked = event(socket, 'q');
    const body = JSON.stringify({ event: 'q', rooms: [socket.id], ack: { timeout: LONG } });
    const publisher = await connect(app);
    publisher.request({ method: 'POST', path: '/publish', headers: JSON_TYPE, body });
    const [reply] = await asked;
    publisher.destroy();
    reply('to nobody');
    answering([socket]);
    deepEqual(sids((await ask({ rooms: [socket.id] })).answers), [socket.id], 'leaves nothing behind');
    socket.disconnect();
});

// One client, whose worker the status tells.
async function loneClient() {
    const socket = await connected(app, '/', { ...WEBSOCKET, path: '/lone/' });
    const status = JSON.parse((await get(app, '/lone-status?format=json')).text);
    return { socket, pid: status.workers.find(({ websocket }) => websocket === 1).pid };
}

ours('a worker that dies', async () => {
    for (let held; !held;) {
        const { socket, pid } = await loneClient();
        const asked = event(socket, 'q');
        const answer = ask({}, { path: '/lone-publish', timeout: 60000 });
        answer.catch(() => {});
        await asked;
        const { id } = socket;
        await app.running.kill(pid);
        const got = await deadline(answer, 'an answer').catch(() => undefined);
        socket.disconnect();
        if (!got) continue; // that worker had the request too
        deepEqual([got.status, got.answers, got.missing], [200, [], [id]], 'takes its client with it');
        ok(got.took < 10000, `nobody waits for it: ${got.took} ms of 60 s`);
        held = true;
    }
}, { timeout: 60000 });

ours('a reload', async () => {
    const sockets = await clientsApart(app, 4, '/', WEBSOCKET);
    const asked = sockets.map((socket) => event(socket, 'q'));
    const answer = ask();
    answer.catch(() => {});
    const replies = (await Promise.all(asked)).map((args) => args.pop());
    await app.running.reload();
    replies.forEach((reply, i) => reply(i));
    const got = await answer;
    deepEqual([got.missing, sids(got.answers)], [[], idsOf(sockets)], 'neither the request nor its clients notice');
    const late = sockets.map((socket) => event(socket, 'q'));
    const next_ = ask();
    (await Promise.all(late)).forEach((args) => args.pop()());
    deepEqual(sids((await next_).answers), idsOf(sockets), 'a new worker asks the clients of old ones');
    sockets.forEach((socket) => socket.disconnect());
    await until(() => app.running.leaving().length === 0, 'the old workers leave');
});

ours('a full stop', async () => {
    const own = await startSpread({ http, server });
    const socket = await connected(own, '/', WEBSOCKET);
    const asked = event(socket, 'q');
    const answer = ask({}, { on: own, timeout: 60000 });
    answer.catch(() => {});
    await asked;
    const { id } = socket;
    await own.running.quit();
    const got = await answer;
    deepEqual([got.status, got.missing], [200, [id]], 'answers with what there is');
});
