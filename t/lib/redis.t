#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The Redis servers of the harness, and the bad network in front of them.
'use strict';

const { test, is, ok, deepEqual, rejects } = require('./tap');
const { Redis } = require('./redis');
const { RespClient, format, parse, decoded } = require('./resp');
const { authority } = require('./cert');
const { Network } = require('./cut');
const { until, event } = require('./until');

test('RESP, byte by byte', () => {
    const bytes = Buffer.from('*5\r\n+OK\r\n:7\r\n$3\r\na\r\n\r\n$-1\r\n*1\r\n$0\r\n\r\n');
    for (let at = 0; at < bytes.length; ++at) if (parse(bytes.subarray(0, at || 1)) !== undefined) ok(false, `whole at ${at}`);
    deepEqual(decoded(parse(bytes).value), ['OK', 7, 'a\r\n', null, ['']], 'a reply of all kinds');
    is(format(['SET', 'é', Buffer.from([0])]).toString('latin1'), '*3\r\n$3\r\nSET\r\n$2\r\nÃ©\r\n$1\r\n\0\r\n', 'a command');
});

test('plain, and who may come in', async () => {
    const plain = await Redis.start();
    is(await plain.command('PING'), 'PONG', 'plain');
    const secret = await Redis.start({ password: 'secret' });
    is(await secret.command('PING'), 'PONG', 'a password');
    await rejects((await secret.client({ password: undefined })).command('PING'), /NOAUTH/, 'none');
    await rejects(secret.client({ password: 'wrong' }), /WRONGPASS/, 'a wrong one');
    const acl = await Redis.start({ user: { name: 'rt', password: 'x', rules: '~* &* +@all -publish' } });
    is(await acl.command('ACL', 'WHOAMI'), 'rt', 'a user');
    await rejects(acl.command('PUBLISH', 'a', 'b'), /NOPERM/, 'who may not do all');
    const unix = await Redis.start({ unix: true });
    is(await unix.command('CONFIG', 'GET', 'port').then(String), 'port,0', 'a unix socket and no port');
});

test('TLS', async () => {
    const tls = await Redis.start({ tls: true, clientCerts: true });
    is(await tls.command('PING'), 'PONG', 'with a certificate of the client');
    const { ca } = tls.tls();
    await rejects(tls.client({ tls: { ca, servername: 'localhost' } }).then((client) => client.command('PING')), /./, 'without');
    await rejects(tls.client({ tls: { servername: 'localhost' } }), /certificate/, 'an authority that nobody knows');
    const other = authority().issue('localhost');
    ok(other.cert !== tls.cert.cert, 'another authority');
});

test('pub/sub, restart, stop', async () => {
    const redis = await Redis.start();
    const client = await redis.client();
    const heard = [];
    client.on('message', ({ channel, pattern, payload }) => heard.push([channel, pattern, [...payload]]));
    await client.command('SUBSCRIBE', 'a', 'b');
    await client.command('PSUBSCRIBE', 'c*');
    is(await redis.subscribers('a'), 1, 'a subscriber');
    await redis.command('PUBLISH', 'a', Buffer.from([1, 255]));
    await redis.command('PUBLISH', 'cc', 'x');
    await until(() => heard.length === 2, 'heard');
    deepEqual(heard, [['a', undefined, [1, 255]], ['cc', 'c*', [120]]], 'as it was sent');
    const closed = event(client, 'close');
    await redis.restart();
    await closed;
    is(await redis.command('PING'), 'PONG', 'on the same port after a kill');
    redis.pause();
    const late = redis.command('PING');
    is(await Promise.race([late, new Promise((resolve) => setTimeout(resolve, 50, 'silence'))]), 'silence', 'stopped');
    redis.resume();
    is(await late, 'PONG', 'and going on');
    await redis.stop();
    is(redis.gone.code, 0, 'gone');
});

test('a bad network', async () => {
    const redis = await Redis.start();
    const network = await Network.to(redis.port);
    const client = await RespClient.open({ port: network.port });
    network.slice(1);
    await client.command('SET', 'k', 'x'.repeat(1000));
    is((await client.command('GET', 'k')).length, 1000, 'byte by byte');
    network.slice(undefined);
    network.slow(30);
    const began = Date.now();
    deepEqual(await Promise.all([1, 2, 3].map((n) => client.command('ECHO', n))), ['1', '2', '3'], 'slow, in order');
    ok(Date.now() - began >= 55, `${Date.now() - began} ms`);
    network.slow(0);
    network.hold();
    const held = client.command('PING');
    is(await Promise.race([held, new Promise((resolve) => setTimeout(resolve, 50, 'silence'))]), 'silence', 'held');
    network.release();
    is(await held, 'PONG', 'released');
    const closed = event(client, 'close');
    network.cut();
    await closed;
    await rejects(RespClient.open({ port: network.port }).then((one) => one.command('PING')), /./, 'cut');
    network.mend();
    is(await (await RespClient.open({ port: network.port })).command('PING'), 'PONG', 'mended');
});
