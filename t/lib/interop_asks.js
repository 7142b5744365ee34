// SPDX-License-Identifier: BSD-2-Clause
// What Node servers ask of the whole cluster: sockets, rooms, acks. As interop_emits.js.
'use strict';

const tap = require('./tap');
const { UPGRADE } = require('./client');
const { until, silence } = require('./until');
const { reference } = require('./target');
const { SERVERS } = require('./party');

const median = (list) => list.slice().sort((a, b) => a - b)[list.length >> 1];
const QUICK = 100 * tap.SLOW;

// Everybody answers `question` by answers[name]; undefined: not at all.
function answering(party, question, answers) {
    for (const [name, socket] of Object.entries(party.sockets)) {
        socket.off(question);
        if (answers[name] !== undefined) socket.on(question, (...args) => args.pop()(answers[name]));
    }
}

const sorted = (list) => list.map((one) => JSON.stringify(one)).sort();

const SHARED = {
    'fetchSockets again and again': async ({ A, B }, party, label) => {
        const took = [];
        for (let i = 0; i < 50; ++i) {
            const began = Date.now();
            const found = await (i % 2 ? A : B).run(async (io) => (await io.fetchSockets()).map(({ id }) => id));
            took.push(Date.now() - began);
            if (JSON.stringify(found.sort()) !== JSON.stringify(party.ids)) tap.deepEqual(found.sort(), party.ids, label(`each socket once, try ${i}`));
        }
        tap.ok(median(took) < QUICK, label(`50 times, ${median(took)} ms, at most ${Math.max(...took)}`));
    },

    'what is told of a socket': async ({ B, F }, party, label) => {
        const { transports } = party.cF.io.opts;
        const socket = await F.client({ transports, query: { foo: 'bar' }, auth: { t: 1 }, extraHeaders: { 'X-A': 'yes', Cookie: 'secret=1' } });
        await socket.emitWithAck('join', 'mine');
        const [found, ...more] = await B.run((io, id) => io.in(id).fetchSockets(), socket.id);
        const { handshake, rooms, data } = found;
        tap.deepEqual([found.id, more, rooms.sort(), data], [socket.id, [], [socket.id, 'mine'].sort(), {}], label('id, rooms, data'));
        tap.deepEqual([handshake.query.foo, handshake.query.EIO, handshake.auth, handshake.headers['x-a']], ['bar', '4', { t: 1 }, 'yes'], label('query, auth, headers'));
        tap.deepEqual([handshake.headers.cookie, handshake.address, handshake.secure], [reference ? 'secret=1' : undefined, '127.0.0.1', false], label('address; no cookie'));
        tap.like(handshake.url, /^\/socket\.io\/\?.*EIO=4/, label('url'));
        tap.ok(Math.abs(Date.now() - handshake.issued) < 60000 && !Number.isNaN(Date.parse(handshake.time)), label('the time of the handshake'));
        socket.disconnect();
        await until(async () => (await B.run((io, id) => io.in(id).fetchSockets(), socket.id)).length === 0, label('it is gone'));
    },
};

const CLASSIC = {
    'acks of all clients': async ({ A, F }, party, label) => {
        const answers = { cA: 1, cB: 'two', cF: 2, cF2: Buffer.from([1, 2, 255]), cG: { deep: [null] } };
        answering(party, 'q', answers);
        const got = await A.run((io) => io.timeout(5000).emitWithAck('q', 'what?'));
        tap.deepEqual(sorted(got), sorted(Object.values(answers)), label('asked by Node'));
        const { status, body } = await F.publish({ event: 'q', args: ['what?'], ack: { timeout: 5000 } });
        tap.is(status, 200, label('asked by HTTP'));
        tap.is((body.responses || body.answers || []).length, 5, label(`all five: ${JSON.stringify(body).slice(0, 200)}`));
        answering(party, 'q', {});
    },

    'somebody does not answer': async ({ A }, party, label) => {
        let late;
        answering(party, 'mute', { cA: 1, cB: 2, cF2: 3, cG: 4 });
        party.cF.on('mute', (ack) => { late = ack; });
        const began = Date.now();
        const error = await A.run((io, ms) => io.timeout(ms).emitWithAck('mute'), 300 * tap.SLOW).catch((reason) => reason);
        tap.is(error.message, 'operation has timed out', label('the asker is told'));
        tap.deepEqual(error.responses.sort(), [1, 2, 3, 4], label('and gets the others'));
        tap.ok(Date.now() - began >= 300 * tap.SLOW - 10, label('after its time'));
        late('late');
        tap.is(await party.cF.timeout(5000).emitWithAck('ask', 1), 1, label('a late answer does no harm'));
        answering(party, 'mute', {});
    },

    'nobody is asked': async ({ A }, party, label) => {
        const began = Date.now();
        tap.deepEqual(await A.run((io) => io.to('nobody').timeout(5000).emitWithAck('q')), [], label('no answers'));
        tap.ok(Date.now() - began < 2000, label('at once'));
    },

    'one remote socket': async (cluster, party, label) => {
        const { A } = cluster;
        const room = cluster.name('remote');
        answering(party, 'q', { cF: 'me', cF2: 'not me' });
        await party.heard(A);
        const got = await A.run(async (io, id, where) => {
            const [remote] = await io.in(id).fetchSockets();
            remote.emit('hi', 1);
            remote.join(where);
            return remote.timeout(5000).emitWithAck('q');
        }, party.cF.id, room);
        tap.is(got, 'me', label('one answer, not a list'));
        const heard = await party.heard(A);
        tap.deepEqual(Object.keys(heard), ['cF'], label('it alone heard'));
        tap.deepEqual(heard.cF.map(([name]) => name).sort(), ['hi', 'q'], label('both'));
        const members = () => A.run(async (io, where) => (await io.in(where).fetchSockets()).map(({ id }) => id), room);
        tap.deepEqual(await members(), [party.cF.id], label('joined'));
        await A.run(async (io, id, where) => { (await io.in(id).fetchSockets())[0].leave(where); }, party.cF.id, room);
        await party.heard(A);
        tap.deepEqual(await members(), [], label('left'));
        answering(party, 'q', {});
        const victim = await cluster.G.client(UPGRADE);
        const gone = new Promise((resolve) => victim.on('disconnect', resolve));
        await A.run(async (io, id) => { (await io.in(id).fetchSockets())[0].disconnect(true); }, victim.id);
        tap.is(await gone, 'io server disconnect', label('disconnected'));
    },

    'servers speak to each other': async (cluster, party, label) => {
        const { A, B, F } = cluster;
        const note = cluster.name('note');
        const { status } = await F.publish({ event: 'x', args: [1, note], serverSide: true });
        tap.is(status, 202, label('by HTTP'));
        const told = async (node) => (await node.heard()).filter((said) => said[3] === note);
        await until(async () => (await told(A)).length && (await told(B)).length, label('both servers are told'));
        for (const node of [A, B]) tap.deepEqual(await told(node), [['/', 'x', 1, note]], label(`${node.name} was told once`));
        const got = await A.run((io) => io.serverSideEmitWithAck('question', 2));
        tap.ok(got.includes(B.child.pid), label(`the other answers, and nobody is waited for: ${JSON.stringify(got)}`));
        await party.hears(A, [], [], label('clients hear nothing of it'));
    },
};

// What only the sharded adapter's wire is asked. Its questions are answered by all who hear the namespace,
// on a channel of the asker's own.
const PROBE = '0123456789abcdef';
const ANSWERED = 7;
const UNKNOWN = [0, 1, 2, 13, 99];

const SHARDED = {
    // Node's sharded adapter has no allRooms(), and no question for it: fetchSockets() tells of rooms.
    'the rooms of all servers': async (cluster, party, label) => {
        const { A, redis } = cluster;
        const room = cluster.name('told');
        await party.join('cF', room);
        await party.join('cA', room);
        tap.is(await A.run((io) => typeof io.of('/').adapter.allRooms), 'undefined', label('Node cannot ask for them by themselves'));
        const listener = await redis.client();
        const heard = [];
        listener.on('message', ({ payload }) => heard.push(JSON.parse(payload)));
        await listener.command('SSUBSCRIBE', `socket.io#/#${PROBE}#`);
        const ask = (type) => redis.command('SPUBLISH', 'socket.io#/#', JSON.stringify({ type, uid: PROBE, nsp: '/', data: { requestId: `q${type}`, rooms: [], opts: { rooms: [], except: [], flags: {} } } }));
        for (const type of UNKNOWN) tap.is(await ask(type), SERVERS, label(`question ${type} reaches every server`));
        tap.is(await redis.command('PUBLISH', 'socket.io-request#/#', JSON.stringify({ type: 0, uid: PROBE, requestId: 'old', rooms: [] })), 0, label('nobody hears the classic one'));
        await ask(ANSWERED);
        await until(() => heard.length >= SERVERS, label('all servers have answered'));
        await silence(100);
        tap.deepEqual(heard.map(({ type, data: { requestId } }) => [type, requestId]), Array(SERVERS).fill([ANSWERED + 1, `q${ANSWERED}`]), label('each once, and no question that Node does not know either'));
        const rooms = (sockets) => sorted(sockets.map(({ id, rooms: list }) => [id, ...list.filter((one) => one !== id && one === room)]));
        const told = rooms(heard.flatMap(({ data: { sockets } }) => sockets));
        tap.deepEqual(told, sorted(party.ids.map((id) => ([party.cF.id, party.cA.id].includes(id) ? [id, room] : [id]))), label('every socket once, with its rooms'));
        tap.deepEqual(rooms(await A.run((io) => io.fetchSockets())), told, label('as fetchSockets() of Node tells'));
        for (const node of [cluster.A, cluster.B]) tap.ok(!node.gone, label(`${node.name} lives`));
        for (const host of [cluster.F, cluster.G]) tap.is(await host.state(), 'connected', label(`${host.nginx ? host.nginx.name : 'a server'} is connected`));
        listener.close();
    },
};

module.exports = { SHARED, CLASSIC, SHARDED };
