#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// One session, all workers: every request of a polling session comes on a new TCP connection,
// and its upgrade lands anywhere, in the middle of numbered traffic both ways. No 400, order
// kept, nothing lost, nothing twice.
'use strict';

const { Agent } = require('http');

const { test, is, ok, deepEqual } = require('../lib/tap');
const { reference } = require('../lib/target');
const { startSpread, ready } = require('../lib/spread');
const { Polling, next } = require('../lib/eio');
const { frame, OP } = require('../lib/ws');
const { Hearing, FENCE } = require('../lib/hearing');
const { connected, POLLING, WEBSOCKET, UPGRADE } = require('../lib/client');

const http = `
    realtime_app app {
        zone app:32m;
        namespace / {
            on up { emit up all data=$realtime_args; ack $realtime_arg_0; }
            on down { emit down all data=$realtime_args; ack $realtime_arg_0; }
            on echo { emit echo data=$realtime_args; }
            ${FENCE}
        }
    }`;
const server = `
    location /socket.io/ {
        realtime app;
        realtime_ping interval=100ms timeout=10s;
    }`;

const COUNT = 200;
const numbers = (n) => Array.from({ length: n }, (unused, i) => i);

let app;
let sessions = 0;
let scattered = 0;

// Sends `count` numbered events with acks, at most `width` of them unanswered at any time;
// `at(i)` is told before each. Resolves with the answers in the order in which they came.
async function number(socket, name, { count = COUNT, width = 8, at = () => {} } = {}) {
    const answers = [];
    const open = new Set();
    for (const i of numbers(count)) {
        at(i);
        const answer = socket.timeout(20000).emitWithAck(name, i, i % 7 ? 'text' : Buffer.from([i & 255]));
        open.add(answer);
        answer.then((got) => answers.push(got)).finally(() => open.delete(answer));
        while (open.size >= width) await Promise.race(open);
    }
    await Promise.all(open);
    return answers;
}

// Numbered traffic both ways between a client and everybody else, while `at` disturbs it.
async function traffic(socket, talker, at, label) {
    const hearing = new Hearing(socket, talker);
    const losses = [];
    socket.on('disconnect', (reason, details) => losses.push([reason, details]));
    const { id } = socket;
    const acks = await Promise.all([number(socket, 'up', { at }), number(talker, 'down')]);
    deepEqual(acks, [numbers(COUNT), numbers(COUNT)], label('every ack, in order'));
    const heard = await hearing.all(talker);
    for (const [name, list] of [['the client', heard[0]], ['the other', heard[1]]]) {
        for (const direction of ['up', 'down']) {
            const got = list.filter(([event_]) => event_ === direction).map(([, i]) => i);
            deepEqual(got, numbers(COUNT), label(`${name} hears each "${direction}" once, in order`));
        }
    }
    deepEqual([losses, socket.id], [[], id], label('never disconnected'));
}

// What the access log knows of the session: no refusals, and which workers it met.
async function check(socket, transport, sid, label) {
    if (reference || transport === 'websocket only') return;
    const answers = app.requests(sid);
    deepEqual(answers.filter(({ status }) => status !== 200 && status !== 101), [], label('no request refused'));
    ++sessions;
    scattered += new Set(answers.map(({ worker }) => worker)).size > 1 ? 1 : 0;
}

const AGENTS = {
    'no agent': () => undefined,
    'an agent without keep-alive': () => new Agent({ keepAlive: false }),
    'an agent with keep-alive': () => new Agent({ keepAlive: true }),
};

for (const [agentName, agent] of Object.entries(AGENTS)) {
    const run = (transport, options, disturb) => test(`${transport}, ${agentName}`, async () => {
        app = app || await startSpread({ http, server });
        const label = (text) => `${transport}, ${agentName}: ${text}`;
        const http_ = agent();
        const socket = await connected(app, '/', { ...options, ...(http_ && { agent: http_ }) });
        const talker = await ready(app, '/', WEBSOCKET);
        const sid = socket.io.engine.id;
        await traffic(socket, talker, disturb(socket), label);
        await check(socket, transport, sid, label);
        if (transport === 'upgrade in the middle') is(socket.io.engine.transport.name, 'websocket', label('it did upgrade'));
        socket.disconnect();
        talker.disconnect();
        if (http_) http_.destroy();
    }, { repeat: 3 });

    run('polling only', POLLING, () => () => {});
    run('websocket only', WEBSOCKET, () => () => {});
    run('polling and upgrade', UPGRADE, () => () => {});
    // The client would upgrade at once: it is held back, then told to when traffic flows.
    run('upgrade in the middle', { ...UPGRADE, upgrade: false }, ({ io }) => (i) => {
        if (i === COUNT / 4) io.engine._probe('websocket');
    });
}

test('the sessions met several workers', () => {
    if (reference) ok(true, 'not a matter of the reference');
    else ok(scattered > sessions / 3, `${scattered} of ${sessions} sessions were answered by more than one worker`);
});

const echo = (i) => `42["echo",${i}]`;

// The same by hand, with what the official client does not do: events behind the upgrade
// packet in the same TCP segment, and a poll that waits while the upgrade goes on.
async function upgradeByHand(split) {
    const session = await Polling.open(app);
    await session.send('40');
    await session.packet();
    for (const i of numbers(split)) await session.send(echo(i), echo(i + 1000));
    const before = [];
    while (before.length < 2 * split) before.push(await session.packet());

    const socket = await session.socket();
    const { answer } = await session.hold();
    socket.text('2probe');
    is(await next(socket), '3probe', `split at ${split}: probed`);
    let last = await answer; // a ping may have come first
    while (last.text !== '6') {
        is(last.status, 200, `split at ${split}: the poll ends well`);
        if (last.text === '2') await session.send('3');
        last = await session.poll();
    }
    socket.sendRaw(Buffer.concat(['5', ...numbers(20).map((i) => echo(i + 2000))].map((packet) => frame(OP.text, packet))));
    const after = [];
    while (after.length < 20) after.push(await next(socket));
    socket.destroy();
    return { before, after };
}

test('by hand', async () => {
    for (const split of [0, 1, 5, 20]) {
        const { before, after } = await upgradeByHand(split);
        deepEqual(before, numbers(split).flatMap((i) => [echo(i), echo(i + 1000)]), `split at ${split}: in order before`);
        deepEqual(after, numbers(20).map((i) => echo(i + 2000)), `split at ${split}: nothing behind the upgrade packet is lost`);
    }
}, { repeat: 2 });

test('what comes while the upgrade goes on comes out once, by poll or by WebSocket', async () => {
    const talker = await ready(app, '/', WEBSOCKET);
    const session = await Polling.open(app);
    await session.send('40');
    await session.packet();
    const socket = await session.socket();
    is(await next(socket.text('2probe')), '3probe', 'probed');
    const heard = [];
    const note = (packet) => {
        const [, n] = String(packet).match(/\["down",(\d+)/) || [];
        if (n !== undefined) heard.push(Number(n));
    };
    deepEqual(await number(talker, 'down', { count: 50 }), numbers(50), 'sent meanwhile');
    for (let packet; packet !== '6';) note(packet = await session.packet());
    session.queue.forEach(note);
    socket.text('5');
    deepEqual(await number(talker, 'down', { count: 1 }), [0], 'sent afterwards');
    while (heard.length < 51) note(await next(socket));
    deepEqual(heard, [...numbers(50), 0], 'each once, in order');
    socket.destroy();
    talker.disconnect();
});

test('an upgrade that is given up leaves the polling session as it was', async () => {
    const session = await Polling.open(app);
    await session.send('40');
    await session.packet();
    for (const garbage of ['hello', '40', '2', '']) {
        const socket = await session.socket();
        socket.text(garbage);
        await socket.closeCode();
        socket.close();
        await socket.closed();
    }
    const socket = await session.socket();
    is(await next(socket.text('2probe')), '3probe', 'probed');
    socket.destroy();
    await session.send(echo('"still here"'));
    let packet = await session.packet();
    while (packet === '6') packet = await session.packet();
    is(packet, echo('"still here"'), 'the session goes on by polling');
    const second = await session.upgrade();
    is(await next(second.text(echo(1))), echo(1), 'and can be upgraded later');
    second.destroy();
});
