#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What one sees who looks into Redis with its own tools, as docs/redis.md tells it: the commands of
// that page, who sends what, what is kept there, and an event on its way.
'use strict';

const fs = require('fs');
const path = require('path');
const { spawn } = require('child_process');

const { test, after, ok, is, like, deepEqual } = require('../lib/tap');
const { ROOT } = require('../lib/conf');
const { Redis, cli } = require('../lib/redis');
const { NodeServer } = require('../lib/node_server');
const { startHosts, RULES } = require('../lib/hosts');
const { until } = require('../lib/until');

const PAGE = fs.readFileSync(path.join(ROOT, 'docs', 'redis.md'), 'utf8');
const INSIDE = PAGE.match(/^## Looking inside\n([^]*?)^## /m)[1];

let redis;
let hosts;
let ids;

async function begin() {
    if (hosts) return;
    redis = await Redis.start();
    hosts = await startHosts({ redis, rules: `${RULES} on heartbeat { emit presence:online to=team data=$realtime_arg_0; }` });
    ids = await Promise.all(hosts.map(async (host) => (await host.status()).host));
}

// Words as a shell or redis-cli takes them, up to a remark.
const words = (line) => [...line.replace(/\s+#.*/, '').matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c);

// The commands of that section, each as redis-cli's arguments.
function commands() {
    const lines = [...INSIDE.matchAll(/^```sh\n([^]*?)^```/mg)].flatMap(([, block]) => block.split('\n')).filter(Boolean).map(words);
    return lines.map((line) => (line[0] === 'redis-cli' ? line.slice(1) : line)).filter((line) => line.length);
}

// What redis-cli prints up to `pattern` that does not end by itself.
function stream(args, pattern) {
    const child = spawn('redis-cli', ['-p', String(redis.port), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    after(() => child.kill());
    let text = '';
    child.stdout.on('data', (bytes) => { text += bytes; });
    return until(() => pattern.test(text), `redis-cli ${args.join(' ')}: ${pattern}`).finally(() => child.kill()).then(() => text);
}

const times = (text, pattern) => (text.match(pattern) || []).length;

test('002-49: each command of "Looking inside" shows what the page says', async () => {
    await begin();
    const node = await NodeServer.start({ redis });
    await until(async () => await redis.subscribers('socket.io-request#/#') === 3, 'three servers');
    const shows = {
        'CLIENT LIST TYPE pubsub': (text) => times(text, /name=rt:[\w.-]+:sub /g) === 2,
        'CLIENT LIST TYPE normal': (text) => times(text, /name=rt:[\w.-]+:pub /g) === 2,
        'PUBSUB NUMSUB socket.io-request#/#': (text) => /^socket\.io-request#\/#\n3$/m.test(text),
        'PUBSUB CHANNELS rt:*': (text) => ['rt:hosts', ...ids.map((id) => `rt:relay:${id}`)].every((name) => text.split('\n').includes(name)),
        'PUBSUB CHANNELS socket.io-re*': (text) => ['/', '/chat'].every((name) => text.split('\n').includes(`socket.io-request#${name}#`)),
        'PUBSUB NUMPAT': (text) => text.trim() === '3', // ours, and two namespaces of Node
        'INFO clients': (text) => /^connected_clients:\d+\r?$/m.test(text),
        'INFO stats': (text) => ['total_net_output_bytes', 'pubsub_channels', 'pubsub_patterns'].every((name) => text.includes(`${name}:`)),
        'PUBSUB SHARDCHANNELS': (text) => text.trim() === '',
        'INFO memory': (text) => /^used_memory:\d+\r?$/m.test(text),
        'SLOWLOG GET 10': () => true,
        'LATENCY DOCTOR': () => true,
        'ACL LOG': (text) => text.trim() === '',
        '--scan --pattern rt:node:*': (text) => text.trim().split('\n').sort().join() === ids.map((id) => `rt:node:${id}`).sort().join(),
        'GET rt:node:x7Qa': (text) => Object.keys(JSON.parse(text)).join() === Object.keys(JSON.parse(INSIDE.match(/```json\n(.*)/)[1])).join(),
    };
    const streams = { 'SUBSCRIBE rt:hosts': /\{"version":.*"host":/, MONITOR: /"PUBLISH" "rt:hosts"/i, 'PSUBSCRIBE socket.io*': /^socket\.io#\/#$/m };
    const told = commands();
    deepEqual(told.map((line) => line.join(' ')).sort(), [...Object.keys(shows), ...Object.keys(streams)].sort(), 'these are the commands');
    for (const line of told.filter((args) => shows[args.join(' ')])) {
        const text = await cli(redis, '-e', ...line.map((word) => word.replace('x7Qa', ids[0])));
        ok(shows[line.join(' ')](text), `redis-cli ${line.join(' ')}`);
    }
    for (const [line, pattern] of Object.entries(streams)) {
        const heard = stream(line.split(' '), pattern);
        const say = setInterval(() => hosts[0].publish({ event: 'e', args: [] }), 100);
        ok(await heard.finally(() => clearInterval(say)), `redis-cli ${line}`);
    }
    await node.stop();
});

// MONITOR as a list of {at, from, name, text}: seconds, address, command.
async function monitor() {
    const client = await redis.client();
    const said = [];
    client.on('push', (line) => {
        const [, at, from, name] = String(line).match(/^(\d+\.\d+) \[\d+ (\S+)\] "(\w+)"/) || [];
        if (name) said.push({ at: Number(at), from, name: name.toUpperCase(), text: line });
    });
    await client.command('MONITOR');
    return { said, close: () => client.close() };
}

test('003-02: commands have no connection of their own, they go where events are published', async () => {
    await begin();
    const watch = await monitor();
    const ours = await redis.connections(/^rt:/);
    const by = (role) => ours.filter(({ name }) => name.endsWith(`:${role}`)).map(({ addr }) => addr);
    const sent = (addr) => new Set(watch.said.filter(({ from }) => from === addr).map(({ name }) => name));
    await hosts[0].publish({ event: 'e', args: [] });
    await hosts[1].publish({ event: 'e', args: [] });
    await until(() => by('pub').every((addr) => ['SET', 'PUBSUB', 'PUBLISH'].every((name) => sent(addr).has(name))), 'a beat of both');
    await until(() => by('sub').every((addr) => sent(addr).has('PING')), 'quiet connections are asked');
    watch.close();
    is(ours.length, 4, 'two roles at each host');
    deepEqual(by('sub').map((addr) => [...sent(addr)]), [['PING'], ['PING']], 'what hears sends nothing else');
    ok(true, 'SET, PUBSUB and PUBLISH by one connection');
});

test('002-69: nothing needs persistence', async () => {
    await begin();
    like(PAGE, /^### Persistence$[^]*`save ""` and `appendonly no`/m, 'says the page');
    like(await redis.command('INFO', 'persistence'), /^aof_enabled:0\r?$/m, 'no appendonly file');
    deepEqual(await redis.command('CONFIG', 'GET', 'save'), ['save', ''], 'no snapshots');
    const sockets = await Promise.all(hosts.map((host) => host.client()));
    for (const socket of sockets) await socket.emitWithAck('join', 'r');
    const heard = sockets.map(() => []);
    sockets.forEach((socket, at) => socket.on('said', (n) => heard[at].push(n)));
    sockets[0].emit('to', 'r', 1);
    await until(() => heard.every((list) => list.length === 1), 'an event crosses');
    const keys = await redis.command('KEYS', '*');
    deepEqual(keys.sort(), ids.map((id) => `rt:node:${id}`).sort(), 'of clients, rooms and events nothing is kept');
    for (const key of keys) {
        const left = await redis.command('PTTL', key);
        ok(left > 0 && left <= 8000, `${key}: for ${left} ms more`);
    }
    await redis.kill();
    await Promise.all(hosts.map((host) => host.becomes('degraded')));
    await redis.launch();
    await Promise.all(hosts.map((host) => host.becomes('connected')));
    await until(async () => (await redis.command('DBSIZE')) === 2, 'an empty Redis has the hosts again');
    sockets[0].emit('to', 'r', 2);
    await until(() => heard[1].length > 1, 'and events cross');
    deepEqual(heard, [[1, 2], [1, 2]], 'to the same clients in the same rooms');
    sockets.forEach((socket) => socket.disconnect());
});

test('003-48: a heartbeat at one host, Redis, presence:online in the room at all', async () => {
    await begin();
    const team = [await hosts[0].client(), await hosts[1].client()];
    for (const socket of team) await socket.emitWithAck('join', 'team');
    const outside = await hosts[1].client();
    const ann = await hosts[0].client();
    const heard = [];
    [...team, outside].forEach((socket, at) => socket.on('presence:online', (who) => heard.push({ at, who, when: Date.now() })));
    const watch = await monitor();
    const crossings = () => watch.said.filter(({ name, text }) => name === 'PUBLISH' && text.includes('presence:online'));
    const sent = Date.now();
    ann.emit('heartbeat', 'ann');
    await until(() => heard.length === 2 && crossings().length, 'in the room at both');
    const [{ at: published, text }] = crossings();
    is(crossings().length, 1, 'published once');
    like(text, /"socket\.io#\/#team#"/, 'for the room');
    deepEqual(heard.map(({ at, who }) => [at, who]).sort(), [[0, 'ann'], [1, 'ann']], 'heard once by each in the room');
    const there = heard.find(({ at }) => at === 1).when;
    ok(sent <= Math.ceil(published * 1000) && Math.floor(published * 1000) <= there, `in this order: heartbeat, Redis ${Math.round(published * 1000 - sent)} ms later, the other host ${there - sent} ms later`);
    watch.close();
    [...team, outside, ann].forEach((socket) => socket.disconnect());
});
