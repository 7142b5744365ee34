// SPDX-License-Identifier: BSD-2-Clause
// What Node servers say and order, and who hears it: scenarios for any wire and any transport.
// Each gets the cluster and a party of party.js, and a function that makes labels.
'use strict';

const tap = require('./tap');
const { sibling } = require('./client');
const { Hearing } = require('./hearing');
const { event } = require('./until');
const { ALL } = require('./party');

const BYTES = Buffer.from([3, 4]);

// Both servers know what `node` has ordered: a marker of its own went round behind it.
const settle = (node, party) => party.heard(node);

const joinFrom = (node, id, room) => node.run((io, who, where) => io.in(who).socketsJoin(where), id, room);

module.exports = {
    'emit to all': async ({ A, G }, party, label) => {
        const args = [1, '2', { x: [true, null, 1.5] }, BYTES];
        await A.run((io, list) => { io.emit('e', ...list); }, args);
        await party.hears(A, ALL, [['e', ...args]], label('each once, bytes are bytes'));
        const { body } = await G.publish({ event: 'e', args: [1.5, 'é', { deep: [[]] }] });
        tap.ok(body.ok, label('published by HTTP'));
        await party.hears(party.cG, ALL, [['e', 1.5, 'é', { deep: [[]] }]], label('each once, from nginx too'));
    },

    'emit to a room that a socket was put into': async (cluster, party, label) => {
        const { A, B } = cluster;
        const room = cluster.name('rtest');
        await joinFrom(A, party.cF.id, room);
        await settle(A, party);
        await cluster.reachable(room, 1);
        await B.run((io, where) => { io.to(where).emit('only', 1); }, room);
        await party.hears(B, ['cF'], [['only', 1]], label('the member alone'));
    },

    'rooms and except': async (cluster, party, label) => {
        const { A } = cluster;
        const [r1, r2, r3] = ['r1', 'r2', 'r3'].map((word) => cluster.name(word));
        await party.join('cF', r1, r2);
        await party.join('cF2', r2, r3);
        await party.join('cA', r1);
        await A.run((io, to, except) => { io.to(to).except(except).emit('some'); }, [r1, r2], r3);
        await party.hears(A, ['cA', 'cF'], [['some']], label('each member once, without the exception'));
    },

    'a client of nginx speaks to everybody else': async (cluster, party, label) => {
        party.cF.emit('say', 'hello', BYTES);
        await party.hears(party.cF, ALL.filter((name) => name !== 'cF'), [['said', 'hello', BYTES]], label('on every server, but not itself'));
        const room = cluster.name('talk');
        await party.join('cB', room);
        await party.join('cG', room);
        await cluster.reachable(room, 2);
        party.cF2.emit('to', room, 'in the room');
        await party.hears(party.cF2, ['cB', 'cG'], [['said', 'in the room']], label('a room'));
    },

    'emit to the id of a socket': async ({ B }, party, label) => {
        await B.run((io, id) => { io.to(id).emit('pm', 7); }, party.cF.id);
        await party.hears(B, ['cF'], [['pm', 7]], label('that one alone'));
        party.cF.emit('to', party.cA.id, 'to Node');
        await party.hears(party.cF, ['cA'], [['said', 'to Node']], label('from nginx to a socket of Node'));
        party.cG.emit('to', party.cF2.id, 'to F');
        await party.hears(party.cG, ['cF2'], [['said', 'to F']], label('from nginx to nginx'));
    },

    'another namespace': async ({ A }, party, label) => {
        const chats = [party.cA, party.cF, party.cG].map((socket) => sibling(socket, '/chat'));
        const hearing = new Hearing(...chats);
        await Promise.all(chats.map((socket) => event(socket, 'hello')));
        await A.run((io) => { io.of('/chat').emit('e', 1); });
        const fence = (mark) => A.run((io, n) => { io.of('/chat').emit('fence', n); }, mark);
        const heard = (await hearing.all(fence)).map((list) => list.filter(([name]) => name !== 'hello'));
        tap.deepEqual(heard, chats.map(() => [['e', 1]]), label('once in it'));
        await party.hears(A, [], [], label('and not in another'));
        for (const socket of chats) socket.disconnect();
    },

    'all join a room': async (cluster, party, label) => {
        const { A, B } = cluster;
        const room = cluster.name('r9');
        await A.run((io, where) => { io.socketsJoin(where); }, room);
        await settle(A, party);
        await cluster.reachable(room, 4);
        await B.run((io, where) => { io.to(where).emit('all', 1); }, room);
        await party.hears(B, ALL, [['all', 1]], label('all hear it once'));
        const found = await A.run((io, where) => io.in(where).fetchSockets(), room);
        tap.deepEqual(found.map(({ id }) => id).sort(), party.ids, label('all are found in it'));
    },

    'all leave a room': async (cluster, party, label) => {
        const { A, B } = cluster;
        const room = cluster.name('r8');
        for (const name of ALL) await party.join(name, room);
        await A.run((io, where) => { io.in(where).socketsLeave(where); }, room);
        await settle(A, party);
        await B.run((io, where) => { io.to(where).emit('nobody'); }, room);
        await party.hears(B, [], [], label('nobody hears'));
        tap.deepEqual(await A.run((io, where) => io.in(where).fetchSockets(), room), [], label('nobody is found'));
    },

    'sockets are disconnected': async (cluster, party, label) => {
        const { A, F } = cluster;
        const options = { transports: party.cF.io.opts.transports };
        for (const close of [false, true]) {
            const socket = await F.client(options);
            const chat = sibling(socket, '/chat');
            await event(chat, 'hello');
            const gone = event(socket, 'disconnect');
            const chatGone = event(chat, 'disconnect');
            chatGone.catch(() => {});
            await A.run((io, id, flag) => { io.in(id).disconnectSockets(flag); }, socket.id, close);
            tap.is((await gone)[0], 'io server disconnect', label(`told so, close=${close}`));
            if (close) tap.ok(['io server disconnect', 'transport close'].includes((await chatGone)[0]), label('the connection is closed'));
            else tap.deepEqual(await chat.timeout(5000).emitWithAck('ask', 1), 1, label('the other namespace goes on'));
            socket.io.engine.close();
        }
        await party.hears(A, [], [], label('nobody else'));
        tap.ok(Object.values(party.sockets).every(({ connected }) => connected), label('is disconnected'));
    },
};
