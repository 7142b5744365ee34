// SPDX-License-Identifier: BSD-2-Clause
// The rows of the table: what runs, against what our value is held, and what it ought to be.
'use strict';

const { pss, PSS_CLIENTS } = require('./memory');

const many = (number) => Math.round(number).toLocaleString('en-US');
const micro = (number) => `${number.toFixed(number < 10 ? 2 : 1)} µs`;
const kib = (bytes) => `${(bytes / 1024).toFixed(2)} KiB`;
const milli = (number) => `${number.toFixed(1)} ms`;
const hundredths = (number) => `${number.toFixed(2)} ms`;

const fanout = (name, clients, window, loop, user) => ({
    name, scenario: 'fanout', args: { clients, window },
    what: `${window === 1 ? 'Single 64-byte events' : `${window} events in flight`} to ${many(clients)} clients, deliveries/s`,
    servers: [loop, 'node', 'uws', 'nginx'], value: (run) => run.rate, show: many,
    also: (run) => `${micro(run.user_us)} user, ${micro(run.cpu_us)} in all`, better: 'more',
    against: loop, goal: `90 % of the loop${user ? `, ${user} µs user` : ''}`,
});

// The same two cores, and the load on them.
const usual = (name, window) => ({
    name, scenario: 'fanout', args: { clients: 1000, window, spin: 0 }, cores: { usual: 2, nginxUsual: 2 },
    what: `${window === 1 ? 'Single events' : `${window} events in flight`} to 1,000 clients of the usual deployment and of two workers, deliveries/s`,
    servers: ['usual', 'nginxUsual'], value: (run) => run.rate, show: many, also: (run) => `${micro(run.cpu_us)} in all`,
    better: 'more', against: 'usual', goal: '4 times the usual',
});

const ROWS = [
    fanout('fanout-1k', 1000, 1, 'loop', '0.35'),
    fanout('fanout-10k', 10000, 1, 'loop', '0.5'),
    fanout('burst-1k', 1000, 32, 'joining'),
    fanout('burst-10k', 10000, 32, 'joining'),
    {
        name: 'rooms', scenario: 'rooms', args: { most: 3000, seconds: 1, warmup: 0.3 }, rounds: 2,
        perServer: { joining: { clients: 500 }, node: { clients: 50 }, uws: { clients: 120 }, nginx: { clients: 500 } },
        what: 'Members of one room who each say 20 things a second, p99 ≤ 50 ms', servers: ['joining', 'node', 'uws', 'nginx'],
        value: (run) => run.members, show: many, better: 'more', against: 'joining', goal: '800, or 65 % of the loop',
    },
    {
        name: 'calls', scenario: 'calls', args: { clients: 100 }, what: 'CPU per event and its acknowledgement',
        servers: ['loop', 'node', 'uws', 'nginx'], value: (run) => run.cpu_us, show: micro,
        also: (run) => `${micro(run.user_us)} user`, better: 'less', against: 'loop', goal: '5.6 µs, or 108 % of the loop',
    },
    {
        name: 'handshakes', scenario: 'handshakes', args: { clients: 6000 }, what: 'CPU per handshake with its CONNECT',
        servers: ['loop', 'node', 'uws', 'nginx'], value: (run) => run.cpu_us, show: micro,
        also: (run) => `${micro(run.user_us)} user`, better: 'less', against: 'loop', goal: '24 µs',
    },
    {
        name: 'pace', scenario: 'pace', args: { clients: 1000, seconds: 3 }, what: '20 events/s to 1,000 clients, p50 / p99',
        servers: ['loop', 'node', 'nginx'], value: (run) => run.p50, show: milli, also: (run) => `p99 ${milli(run.p99)}`,
        better: 'less', against: 'loop', goal: '2.6 / 6.2 ms, or 118 % of the loop',
    },
    {
        name: 'workers', scenario: 'fanout', args: { clients: 1000, window: 1, spin: 0 }, what: 'Two workers against one: single events to 1,000, deliveries/s',
        servers: ['loop', 'loop2', 'nginx', 'nginx2'], cores: { loop2: 2, nginx2: 2 }, value: (run) => run.rate, show: many,
        better: 'more', gain: ['loop', 'loop2', 'nginx', 'nginx2'], goal: "the loop's gain less 10 %",
    },
    {
        name: 'relay-pace', scenario: 'pace', args: { clients: 101, seconds: 3 }, what: 'From one host to 100 clients of another, 20 events/s, p50 / p99',
        servers: ['relays', 'nodes', 'nginxHosts'], value: (run) => run.p50, show: hundredths, also: (run) => `p99 ${hundredths(run.p99)}`,
        better: 'less', against: 'relays', goal: '0.65 ms, or 116 % of the relay',
    },
    {
        name: 'relay-fanout', scenario: 'fanout', args: { clients: 1001 }, what: 'From one host, single events to 1,000 clients of another, deliveries/s',
        servers: ['relays', 'nodes', 'nginxHosts'], value: (run) => run.rate, show: many, also: (run) => `${micro(run.cpu_us)} at the host that delivers`,
        better: 'more', against: 'relays', goal: '93 % of the relay',
    },
    usual('usual', 1), usual('usual-burst', 32),
    {
        name: 'unconcerned', scenario: 'publish', args: { clients: 0, rate: 50000, rooms: 1000 }, what: "50,000 messages/s through Redis to rooms without a member here, the server's CPU for each",
        servers: ['nodeHost', 'nginxAll', 'nginxRooms'], value: (run) => run.cpu_us, show: micro, also: (run) => `${many(run.rate)}/s`,
        better: 'less', against: 'nodeHost', goal: '2 µs; none with `subscribe rooms`',
    },
    {
        name: 'bridge-in', scenario: 'publish', args: { clients: 1, rate: 0, window: 2000, spin: 0 }, what: 'Broadcasts/s that a server takes from Redis and gives to a client, on one core',
        servers: ['nodeHost', 'nginxAll'], value: (run) => run.rate, show: many, also: (run) => `${micro(run.cpu_us)} each`,
        better: 'more', against: 'nodeHost', goal: '100,000',
    },
    {
        name: 'memory', run: pss, rounds: 1, what: `Memory of an idle client, of ${many(PSS_CLIENTS.nginx)}; with Node of ${many(PSS_CLIENTS.node)}`,
        servers: ['node', 'uws', 'nginx'], value: (run) => run.growth + run.zone, show: kib,
        also: (run) => (run.zone ? `${kib(run.growth)} of the workers, ${kib(run.zone)} of the zone; ${kib(run.slots)} of nginx's slots come on top` : ''), better: 'less', goal: '2 KiB, aim 1',
    },
];

module.exports = { ROWS };
